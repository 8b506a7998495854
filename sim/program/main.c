// SPDX-License-Identifier: MIT
// quadboot-sim: one simulated board from the command line.
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/machine/load.h"
#include "sim/machine/report_json.h"
#include "sim/program/options.h"
#include "sim/program/outputs.h"
#include "sim/program/uarts.h"
#include "sim/program/watches.h"
#include "sim/server/gdb.h"
#include "sim/server/pace.h"
#include "sim_regs.h"

enum {
  EXIT_GOOD = 0,
  EXIT_SEEN = 1,
  EXIT_USAGE = 2,
  GDB_POLL_MS = 50,
  TOLD_AT_MOST = 20,  // lines about what was seen; more than that nobody reads
};

struct program {
  struct options options;
  struct machine *machine;
  struct pace pace;
  struct gdb gdb;
  struct uarts uarts;
  struct watches watches;
  json_t *client_exits;
};

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number) {
  (void)number;
  asked_to_end = 1;
}

static void catch_signals(void) {
  const struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  // A lost reader and a file that may not grow are errors of the write.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  // In the background there is no typing; that is no reason to stop.
  signal(SIGTTIN, SIG_IGN);
}

static void complain(const char *sentence) {
  fprintf(stderr, "quadboot-sim: %s\n", sentence);
}

static void on_log(void *ctx, const char *sentence) {
  (void)ctx;
  complain(sentence);
}

// The memories that outlast power, each with its file.
struct image {
  const char *path;  // NULL: none was given
  uint8_t *bytes;
  size_t size;
};
enum { IMAGES = 4 };

static void list_images(const struct program *p, struct image out[IMAGES]) {
  const struct options *o = &p->options;
  const struct machine *m = p->machine;
  const struct image images[IMAGES] = {
      {o->flash_file, m->flash_bytes, m->board->flash_size},
      {o->options_file, m->flash.option_window, FLASH_F7_OPTION_WINDOW_BYTES},
      {o->otp_file, m->flash.otp, FLASH_F7_OTP_SIZE},
      {o->qspi_file, m->nor_bytes, m->nor_size},
  };
  memcpy(out, images, sizeof images);
}

static bool save_images(struct program *p) {
  struct image images[IMAGES];
  bool good = true;
  list_images(p, images);
  for (unsigned i = 0; i < IMAGES; i++) {
    const struct image *image = &images[i];
    struct load_error error = {""};
    if (!image->path || image_write(image->path, image->bytes, image->size, &error))
      continue;
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

// What the window holds now, from a file or as delivered, and then the command line's.
static void set_option_bytes(struct program *p) {
  const struct option_bytes *o = &p->options.option_bytes;
  struct flash_f7 *f = &p->machine->flash;
  flash_f7_set_option_window(f);
  if (!o->mask[0] && !o->mask[1]) return;
  flash_f7_set_options(f, (f->option_optcr & ~o->mask[0]) | o->value[0],
                       (f->option_optcr1 & ~o->mask[1]) | o->value[1]);
}

static bool read_files(struct program *p) {
  struct load_error error = {""};
  const struct options *o = &p->options;
  struct machine *m = p->machine;
  if (o->qspi_file && !m->nor_size) {
    complain("--qspi: this board has no QUADSPI flash");
    return false;
  }
  struct image images[IMAGES];
  bool good = true;
  list_images(p, images);
  for (unsigned i = 0; good && i < IMAGES; i++) {
    const struct image *image = &images[i];
    if (image->path) good = image_read(image->path, image->bytes, image->size, &error);
  }
  for (unsigned i = 0; good && i < o->load_count; i++) {
    const struct load_option *l = &o->loads[i];
    good = machine_load(m, l->path, l->has_addr, l->addr, &error);
  }
  if (!good) complain(error.text);
  if (good) set_option_bytes(p);
  return good;
}

static bool set_chip_state(struct program *p) {
  const char *state = p->options.qspi_state;
  if (!state || nor_set_state(&p->machine->nor, state)) return true;
  fprintf(stderr, "quadboot-sim: a %s cannot be in the state '%s'\n",
          p->machine->nor.chip->name, state);
  return false;
}

static bool judge_outputs(const struct options *o) {
  struct load_error error = {""};
  if (outputs_check(o, &error)) return true;
  complain(error.text);
  return false;
}

static bool open_uarts(struct program *p) {
  struct load_error error = {""};
  if (uarts_open(&p->uarts, p->machine, &p->options, &error)) return true;
  complain(error.text);
  return false;
}

static vtime_t on_next_act(void *ctx) {
  const struct program *p = ctx;
  return incidents_next(&p->options.incidents);
}

static bool arm_incidents(struct program *p) {
  const char *why = incidents_arm(&p->options.incidents, p->machine);
  if (why) complain(why);
  return !why;
}

// Standard output belongs to the board when it was asked for.
static FILE *speech(const struct program *p) {
  return uarts_own_stdout(&p->uarts) ? stderr : stdout;
}

static bool open_gdb(struct program *p) {
  const struct options *o = &p->options;
  if (!o->has_gdb) return true;
  if (SIM_GET(p->machine->flash.option_optcr, SIM_FLASH_OPTCR_RDP) == 0xCC) {
    complain("--gdb: read protection level 2 leaves the chip without a debug port");
    return false;
  }
  const char *why = gdb_open(&p->gdb, p->machine, o->gdb_port);
  if (why) {
    fprintf(stderr, "quadboot-sim: cannot listen on 127.0.0.1:%u: %s\n", o->gdb_port,
            why);
    return false;
  }
  fprintf(speech(p), "gdb: listening on 127.0.0.1:%u\n", p->gdb.port);
  fflush(speech(p));
  return true;
}

static bool open_pace(struct program *p) {
  const struct options *o = &p->options;
  const struct pace_options pace = {.mode = o->pace,
                                    .turnaround = o->turnaround,
                                    .run_for = o->run_for,
                                    .end_with_client = o->end_with_client,
                                    .endpoint = o->has_usbip ? &o->usbip : NULL,
                                    .next_act = on_next_act,
                                    .log = on_log,
                                    .client_gone = on_client_gone,
                                    .ctx = p};
  const char *why = pace_open(&p->pace, p->machine, &pace);
  struct usbip_endpoint real = o->usbip;
  char text[USBIP_ENDPOINT_TEXT_SIZE];
  if (!why) real.port = pace_port(&p->pace);
  usbip_endpoint_format(&real, text);
  if (why) {
    fprintf(stderr, "quadboot-sim: cannot listen on %s: %s\n", text, why);
    return false;
  }
  if (!o->has_usbip) return true;
  fprintf(speech(p), "usbip: listening on %s\n", text);
  fflush(speech(p));
  return true;
}

// True: the debugger holds the board, so nothing moves.
static bool held_by_gdb(struct program *p) {
  if (!p->options.has_gdb) return false;
  gdb_poll(&p->gdb, gdb_stands(&p->gdb) ? GDB_POLL_MS : 0);
  if (p->gdb.killed) asked_to_end = 1;
  if (!gdb_stands(&p->gdb)) return false;
  pace_stood(&p->pace);
  return true;
}

static void run(struct program *p) {
  machine_button(p->machine, p->options.button);
  machine_power_on(p->machine);
  for (;;) {
    const bool held = held_by_gdb(p);
    if (asked_to_end && (held || pace_settled(&p->pace))) break;
    if (held) continue;
    if (uarts_serve(&p->uarts)) pace_disturbed(&p->pace);
    if (!pace_step(&p->pace)) break;
    incidents_serve(&p->options.incidents);
  }
}

static bool write_report(struct program *p) {
  json_t *report = machine_report(p->machine);
  json_object_set(report, "client_exits", p->client_exits);
  struct load_error error = {""};
  bool good = true;
  if (p->options.report_file) {
    char *text = json_dumps(report, JSON_INDENT(2));
    good = output_write(p->options.report_file, text, strlen(text), &error);
    free(text);
    if (!good) complain(error.text);
  }
  json_decref(report);
  return good;
}

static void tell_one(const struct report_entry *e) {
  const char *kind =
      e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "unimplemented";
  fprintf(stderr, "quadboot-sim: %s: %s (PC 0x%08x, %.3f ms, %llu times)\n", kind,
          e->detail, (unsigned)e->pc, (double)e->first / 1e9,
          (unsigned long long)e->count);
}

// One line for each thing seen, so that nobody needs the report to know.
static void tell(const struct report *r) {
  unsigned seen = 0;
  for (const struct report_entry *e = r->entries; e; e = e->next) {
    if (seen++ < TOLD_AT_MOST) tell_one(e);
  }
  if (seen > TOLD_AT_MOST) {
    fprintf(stderr, "quadboot-sim: and %u more; --report FILE has them all\n",
            seen - TOLD_AT_MOST);
  }
}

static bool close_uarts(struct program *p) {
  struct load_error error = {""};
  if (uarts_close(&p->uarts, &error)) return true;
  complain(error.text);
  return false;
}

static bool open_watches(struct program *p) {
  struct load_error error = {""};
  if (watches_open(&p->watches, p->machine, &p->options, &error)) return true;
  complain(error.text);
  return false;
}

static bool close_watches(struct program *p) {
  struct load_error error = {""};
  if (watches_close(&p->watches, &error)) return true;
  complain(error.text);
  return false;
}

static int finish(struct program *p) {
  const struct report *r = &p->machine->sim.report;
  const bool saved = save_images(p);
  const bool reported = write_report(p);
  const bool printed = close_uarts(p);
  const bool watched = close_watches(p);
  tell(r);
  if (!saved || !reported || !printed || !watched) return EXIT_USAGE;
  const bool clean = r->guest_errors + r->unimplemented == 0;
  return clean || !p->options.strict ? EXIT_GOOD : EXIT_SEEN;
}

static int run_program(struct program *p) {
  if (!judge_outputs(&p->options)) return EXIT_USAGE;
  p->machine = machine_create(p->options.board, p->options.mode);
  if (p->options.has_unique_id) {
    machine_set_unique_id(p->machine, p->options.unique_id);
  }
  p->client_exits = json_array();
  int status = EXIT_USAGE;
  if (read_files(p) && set_chip_state(p) && open_uarts(p) && open_watches(p) &&
      arm_incidents(p) && open_pace(p) && open_gdb(p)) {
    run(p);
    status = finish(p);
  }
  pace_close(&p->pace);
  if (p->options.has_gdb) gdb_close(&p->gdb);
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
  catch_signals();
  return run_program(&program);
}
