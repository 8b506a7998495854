// SPDX-License-Identifier: MIT
#include "sim/program/watches.h"

#include <errno.h>
#include <string.h>

static bool open_file(FILE **out, const char *path, struct load_error *error) {
  *out = path ? fopen(path, "we") : NULL;
  if (!path || *out) return true;
  snprintf(error->text, sizeof error->text, "%s cannot be written: %s", path,
           strerror(errno));
  return false;
}

bool watches_open(struct watches *w, struct machine *m, const struct options *o,
                  struct load_error *error) {
  if (!open_file(&w->trace_out, o->trace_file, error) ||
      !open_file(&w->vcd_out, o->vcd_file, error) ||
      !open_file(&w->qspi_out, o->qspi_log_file, error)) {
    return false;
  }
  if (w->trace_out) w->trace = watch_trace_open(m, w->trace_out);
  if (w->vcd_out) w->vcd = watch_vcd_open(m, w->vcd_out);
  if (w->qspi_out) w->qspi = watch_qspi_open(m, w->qspi_out);
  return true;
}

static bool close_file(FILE *out, const char *option, struct load_error *error) {
  if (!out) return true;
  const bool lost = ferror(out);  // on the way, and the reason with it
  if (fclose(out) == 0 && !lost) return true;
  snprintf(error->text, sizeof error->text, "the file of %s cannot be written: %s",
           option, lost ? "is the disk full?" : strerror(errno));
  return false;
}

bool watches_close(struct watches *w, struct load_error *error) {
  watch_trace_close(w->trace);
  watch_vcd_close(w->vcd);
  watch_qspi_close(w->qspi);
  const bool trace = close_file(w->trace_out, "--trace", error);
  const bool vcd = close_file(w->vcd_out, "--vcd", error);
  const bool qspi = close_file(w->qspi_out, "--qspi-log", error);
  *w = (struct watches){0};
  return trace && vcd && qspi;
}
