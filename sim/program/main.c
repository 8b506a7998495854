// SPDX-License-Identifier: MIT
// quadboot-sim: one simulated board from the command line.
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/machine/load.h"
#include "sim/machine/report_json.h"
#include "sim/program/options.h"
#include "sim/server/pace.h"

enum { EXIT_GOOD = 0, EXIT_SEEN = 1, EXIT_USAGE = 2 };

struct program {
  struct options options;
  struct machine *machine;
  struct pace pace;
  FILE *uart;
  json_t *client_exits;
};

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number) {
  (void)number;
  asked_to_end = 1;
}

static void complain(const char *sentence) {
  fprintf(stderr, "quadboot-sim: %s\n", sentence);
}

static void on_log(void *ctx, const char *sentence) {
  (void)ctx;
  complain(sentence);
}

static void on_uart(void *ctx, uint8_t byte) {
  const struct program *p = ctx;
  fputc(byte, p->uart);
  if (byte == '\n') fflush(p->uart);
}

static bool save_images(struct program *p) {
  struct load_error error;
  const struct options *o = &p->options;
  struct machine *m = p->machine;
  bool good = true;
  if (o->flash_file &&
      !image_write(o->flash_file, m->flash_bytes, m->board->flash_size, &error)) {
    complain(error.text);
    good = false;
  }
  if (o->qspi_file && !image_write(o->qspi_file, m->nor_bytes, m->nor_size, &error)) {
    complain(error.text);
    good = false;
  }
  return good;
}

// What the client was told is true of the files at this very instant.
static void on_client_gone(void *ctx) {
  struct program *p = ctx;
  const struct cpu_counters c = cpu_counters(p->machine->cpu);
  json_array_append_new(
      p->client_exits,
      json_pack("{s:I,s:I}", "virtual_ns", (json_int_t)(machine_now(p->machine) / 1000),
                "cycles", (json_int_t)c.cycles));
  save_images(p);
}

static bool read_files(struct program *p) {
  struct load_error error = {""};
  const struct options *o = &p->options;
  struct machine *m = p->machine;
  if (o->qspi_file && !m->nor_size) {
    complain("--qspi: this board has no QUADSPI flash");
    return false;
  }
  bool good =
      (!o->flash_file ||
       image_read(o->flash_file, m->flash_bytes, m->board->flash_size, &error)) &&
      (!o->qspi_file || image_read(o->qspi_file, m->nor_bytes, m->nor_size, &error));
  for (unsigned i = 0; good && i < o->load_count; i++) {
    const struct load_option *l = &o->loads[i];
    good = machine_load(m, l->path, l->has_addr, l->addr, &error);
  }
  if (!good) complain(error.text);
  return good;
}

static bool set_chip_state(struct program *p) {
  const char *state = p->options.qspi_state;
  if (!state || nor_set_state(&p->machine->nor, state)) return true;
  fprintf(stderr, "quadboot-sim: a %s cannot be in the state '%s'\n",
          p->machine->nor.chip->name, state);
  return false;
}

static bool open_uart(struct program *p) {
  const char *name = p->options.uart_file;
  if (!name) return true;
  p->uart = strcmp(name, "-") ? fopen(name, "w") : stdout;
  if (!p->uart) {
    fprintf(stderr, "quadboot-sim: %s cannot be written: %s\n", name, strerror(errno));
    return false;
  }
  p->machine->on_uart = on_uart;
  p->machine->ctx = p;
  return true;
}

static bool open_pace(struct program *p) {
  const struct options *o = &p->options;
  const struct pace_options pace = {.mode = o->pace,
                                    .turnaround = o->turnaround,
                                    .run_for = o->run_for,
                                    .end_with_client = o->end_with_client,
                                    .endpoint = o->has_usbip ? &o->usbip : NULL,
                                    .log = on_log,
                                    .client_gone = on_client_gone,
                                    .ctx = p};
  const char *why = pace_open(&p->pace, p->machine, &pace);
  if (why) {
    fprintf(stderr, "quadboot-sim: cannot listen on %s:%u: %s\n", o->usbip.host,
            o->usbip.port, why);
    return false;
  }
  if (!o->has_usbip) return true;
  // Standard output belongs to the board when it was asked for.
  FILE *to = p->uart == stdout ? stderr : stdout;
  fprintf(to, "usbip: listening on %s:%u\n", o->usbip.host, pace_port(&p->pace));
  fflush(to);
  return true;
}

static void run(struct program *p) {
  machine_button(p->machine, p->options.button);
  machine_power_on(p->machine);
  while (pace_step(&p->pace)) {
    if (asked_to_end && pace_settled(&p->pace)) break;
  }
}

static bool write_report(struct program *p) {
  json_t *report = machine_report(p->machine);
  json_object_set(report, "client_exits", p->client_exits);
  // The one figure here that differs between two equal runs.
  json_object_set_new(report, "host_cpu_s",
                      json_real((double)clock() / CLOCKS_PER_SEC));
  bool good = true;
  if (p->options.report_file &&
      json_dump_file(report, p->options.report_file, JSON_INDENT(2))) {
    fprintf(stderr, "quadboot-sim: %s cannot be written\n", p->options.report_file);
    good = false;
  }
  json_decref(report);
  return good;
}

// One line for each thing seen, so that nobody needs the report to know.
static void tell(const struct report *r) {
  for (const struct report_entry *e = r->entries; e; e = e->next) {
    const char *kind =
        e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "unimplemented";
    fprintf(stderr, "quadboot-sim: %s: %s (PC 0x%08x, %.3f ms, %llu times)\n", kind,
            e->detail, (unsigned)e->pc, (double)e->first / 1e9,
            (unsigned long long)e->count);
  }
}

static int finish(struct program *p) {
  const struct report *r = &p->machine->sim.report;
  const bool saved = save_images(p);
  const bool reported = write_report(p);
  tell(r);
  if (!saved || !reported) return EXIT_USAGE;
  const bool clean = r->guest_errors + r->unimplemented == 0;
  return clean || !p->options.strict ? EXIT_GOOD : EXIT_SEEN;
}

static int run_program(struct program *p) {
  p->machine = machine_create(p->options.board, p->options.mode);
  p->client_exits = json_array();
  int status = EXIT_USAGE;
  if (read_files(p) && set_chip_state(p) && open_uart(p) && open_pace(p)) {
    run(p);
    status = finish(p);
  }
  pace_close(&p->pace);
  if (p->uart) fflush(p->uart);
  if (p->uart && p->uart != stdout) fclose(p->uart);
  json_decref(p->client_exits);
  machine_destroy(p->machine);
  return status;
}

int main(int argc, char **argv) {
  static struct program program;
  char error[512];
  switch (options_parse(&program.options, argc, argv, error, sizeof error)) {
    case OPTIONS_HELP: fputs(options_help, stdout); return EXIT_GOOD;
    case OPTIONS_BAD: complain(error); return EXIT_USAGE;
    case OPTIONS_GOOD: break;
  }
  const struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  return run_program(&program);
}
