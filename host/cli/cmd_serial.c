// SPDX-License-Identifier: MIT
// `quadboot serial`: files over a serial port by XMODEM or YMODEM, and a terminal.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cli/console.h"
#include "host/cli/interrupt.h"
#include "host/cli/json.h"
#include "host/cli/ui.h"
#include "host/lib/file.h"
#include "host/lib/modem_job.h"
#include "host/lib/number.h"
#include "host/transport/serial.h"
#include "host/transport/serial_find.h"

#define COMMAND "quadboot serial"

static const char help[] =
    "Usage: quadboot serial [OPTION]... send FILE...\n"
    "       quadboot serial [OPTION]... console\n"
    "\n"
    "Sends files to a board over its serial port, by YMODEM if nothing else is said;\n"
    "or connects this terminal with the board's console, until Ctrl-] is typed. The\n"
    "other side must be waiting for files: at a console it is told so by a command,\n"
    "which --command types. Files are sent as they are.\n"
    "\n"
    "Which port:\n"
    "  -t, --tty PATH           this serial port; without it, that of the one board\n"
    "                           with quadboot that is connected\n"
    "  -s, --serial S           that of the board with this serial number\n"
    "      --baud N             its rate; if not given, as it is set (USB has none)\n"
    "\n"
    "How:\n"
    "      --xmodem             XMODEM, blocks of 128 bytes: one file, padded\n"
    "      --xmodem-1k          XMODEM, blocks of 1024 bytes\n"
    "      --ymodem-g           YMODEM-G: a stream, to a receiver that asks for one\n"
    "      --command TEXT       a line to type at the console before\n"
    "\n" CLI_OUTPUT_HELP "\n" CLI_EXIT_CODES;

struct arguments {
  struct cli_options common;
  const char *tty, *command;
  enum modem_protocol protocol;
  uint32_t baud;
  bool console;
  char **files;
  size_t count;
};

// ---- Command line ----------------------------------------------------------

enum {
  OPTION_BAUD = CLI_OPTION_OWN,
  OPTION_XMODEM,
  OPTION_XMODEM_1K,
  OPTION_YMODEM_G,
  OPTION_COMMAND,
};

static const struct option long_options[] = {
    {"tty", required_argument, NULL, 't'},
    {"serial", required_argument, NULL, 's'},
    {"baud", required_argument, NULL, OPTION_BAUD},
    {"xmodem", no_argument, NULL, OPTION_XMODEM},
    {"xmodem-1k", no_argument, NULL, OPTION_XMODEM_1K},
    {"ymodem-g", no_argument, NULL, OPTION_YMODEM_G},
    {"command", required_argument, NULL, OPTION_COMMAND},
    {"json", no_argument, NULL, CLI_OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool take_baud(uint32_t *out, struct qb_error *error) {
  char *end = NULL;
  const unsigned long value = strtoul(optarg, &end, 10);
  if (*optarg < '1' || *optarg > '9' || *end || value > 4000000) {
    return qb_error_set(error, "--baud needs a number such as 115200, not \"%s\"",
                        optarg);
  }
  *out = (uint32_t)value;
  return true;
}

static bool take(void *ctx, int option, char **argv, struct qb_error *error) {
  struct arguments *a = ctx;
  switch (option) {
    case 't': a->tty = optarg; return true;
    case OPTION_BAUD: return take_baud(&a->baud, error);
    case OPTION_XMODEM: a->protocol = MODEM_XMODEM; return true;
    case OPTION_XMODEM_1K: a->protocol = MODEM_XMODEM_1K; return true;
    case OPTION_YMODEM_G: a->protocol = MODEM_YMODEM_G; return true;
    case OPTION_COMMAND: a->command = optarg; return true;
    default: return cli_take_option(&a->common, option, argv, error);
  }
}

static bool check_send(struct arguments *a, struct qb_error *error) {
  if (a->count == 0) return qb_error_set(error, "no file to send was given");
  if (a->count > 1 && a->protocol <= MODEM_XMODEM_1K) {
    return qb_error_set(error, "XMODEM sends one file; leave --xmodem out for several");
  }
  return true;
}

static bool check(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  const char *what = optind < argc ? argv[optind] : "";
  if (a->common.serial_count > 1) {
    return qb_error_set(error, "one port at a time: give --serial once");
  }
  if (a->tty && a->common.serial_count > 0) {
    return qb_error_set(error, "--tty and --serial both name a port; leave one out");
  }
  a->files = argv + optind + 1;
  a->count = argc > optind ? (size_t)(argc - optind - 1) : 0;
  if (strcmp(what, "send") == 0) return check_send(a, error);
  a->console = strcmp(what, "console") == 0;
  if (!a->console) {
    return qb_error_set(error,
                        *what ? "\"%s\" is neither \"send\" nor \"console\""
                              : "nothing to do: say \"send\" or \"console\"%s",
                        what);
  }
  return a->count == 0 ||
         qb_error_set(error, "\"%s\" is one argument too many", a->files[0]);
}

static bool parse(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  if (!cli_parse(argc, argv, ":t:s:qh", long_options, take, a, &a->common, error)) {
    return false;
  }
  return a->common.help || check(argc, argv, a, error);
}

// ---- Port ------------------------------------------------------------------

// The path is `a->tty`, or goes into `found`.
static int open_port(const struct arguments *a, struct serial_ports *found,
                     const char **path, struct serial_io *io, struct qb_error *error) {
  *path = a->tty;
  if (!a->tty) {
    const char *serial = a->common.serial_count ? a->common.serials[0] : NULL;
    const struct serial_port *port = NULL;
    serial_find(&serial_linux, found);
    if (!serial_choose(found, serial, &port, error)) return CLI_NO_BOARD;
    *path = port->path;
  }
  return serial_open(*path, a->baud, io, error) ? CLI_OK : CLI_FAILED;
}

// ---- Sending ---------------------------------------------------------------

struct sending {
  struct ui *ui;
  const char *port;
  uint64_t bytes;
};

static void on_progress(void *ctx, uint64_t done, uint64_t total) {
  const struct sending *s = ctx;
  const struct job_progress p = {
      .phase = JOB_SENDING, .address = (uint32_t)done, .done = done, .total = total};
  ui_progress(s->ui, 0, &p);
}

static bool must_stop(void *ctx) {
  (void)ctx;
  return interrupt_came();
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// `files` and `bytes` have room for all; file_bytes are to be freed in any case.
static bool load_files(const struct arguments *a, struct modem_file *files,
                       struct file_bytes *bytes, uint64_t *total,
                       struct qb_error *error) {
  for (size_t i = 0; i < a->count; i++) {
    if (!file_read(a->files[i], &bytes[i], error)) return false;
    files[i] = (struct modem_file){.name = base_name(a->files[i]),
                                   .data = bytes[i].data,
                                   .size = (uint32_t)bytes[i].size};
    *total += bytes[i].size;
  }
  return true;
}

static void put_result(const struct sending *s, int code, const char *problem,
                       const char *state) {
  json_t *e = json_pack("{s:s, s:o, s:b, s:i, s:I}", "event", "result", "board",
                        cli_json_text(s->port), "ok", code == CLI_OK, "code", code,
                        "bytes", (json_int_t)s->bytes);
  if (problem) json_object_set_new(e, "problem", cli_json_text(problem));
  if (state) json_object_set_new(e, "state", cli_json_text(state));
  cli_put_json(e);
}

static int tell_end(const struct arguments *a, const struct sending *s,
                    enum modem_outcome outcome, const struct qb_error *error) {
  static const char state[] =
      "what was sent counts for nothing until all of it is; a board that was being "
      "updated starts nothing before that: send it again";
  if (outcome == MODEM_JOB_DONE) {
    if (a->common.json) {
      put_result(s, CLI_OK, NULL, NULL);
    } else {
      printf("%s: %zu file%s, %" PRIu64 " bytes, received and confirmed\n", s->port,
             a->count, a->count == 1 ? "" : "s", s->bytes);
    }
    return cli_finish_output(COMMAND);
  }
  const int code = outcome == MODEM_JOB_STOPPED ? CLI_INTERRUPTED : CLI_FAILED;
  if (a->common.json) put_result(s, code, error->text, state);
  cli_fail_as(COMMAND, code, error);
  fprintf(stderr, "%s: %s\n", COMMAND, state);
  return code;
}

static int send_loaded(const struct arguments *a, const struct serial_io *io,
                       const struct modem_file *files, struct sending *s) {
  struct qb_error error;
  const struct modem_job job = {.protocol = a->protocol,
                                .files = files,
                                .count = a->count,
                                .ctx = s,
                                .progress = on_progress,
                                .stop = must_stop};
  s->ui = ui_open(ui_look_for(&a->common), 1, &s->port, false);
  if (!s->ui) {
    qb_error_no_memory(&error);
    return cli_fail_for(&a->common, COMMAND, CLI_FAILED, &error);
  }
  const enum modem_outcome outcome =
      a->command && !modem_job_type(io, a->command, &error)
          ? MODEM_JOB_FAILED
          : modem_job_send(io, &job, &error);
  ui_result(s->ui, 0, outcome == MODEM_JOB_DONE ? "sent" : "FAILED");
  ui_close(s->ui);
  return tell_end(a, s, outcome, &error);
}

static int run_send(const struct arguments *a, const struct serial_io *io,
                    const char *port) {
  struct qb_error error;
  struct sending s = {.port = port};
  int code = CLI_FAILED;
  struct modem_file *files = calloc(a->count, sizeof *files);
  struct file_bytes *bytes = calloc(a->count, sizeof *bytes);
  if (!files || !bytes) {
    qb_error_no_memory(&error);
    code = cli_fail_for(&a->common, COMMAND, CLI_FAILED, &error);
  } else if (!load_files(a, files, bytes, &s.bytes, &error)) {
    code = cli_fail_for(&a->common, COMMAND, CLI_FAILED, &error);
  } else {
    code = send_loaded(a, io, files, &s);
  }
  for (size_t i = 0; bytes && i < a->count; i++) {
    free(bytes[i].data);
  }
  free(files);
  free(bytes);
  return code;
}

// ---- All -------------------------------------------------------------------

static int run_console(const struct arguments *a, const struct serial_io *io,
                       const char *port) {
  struct qb_error error;
  if (!a->common.quiet && isatty(STDIN_FILENO)) {
    fprintf(stderr, "connected to %s; Ctrl-] leaves\n", port);
  }
  if (a->command && !modem_job_type(io, a->command, &error)) {
    return cli_fail(COMMAND, &error);
  }
  if (!console_run(io, &error)) return cli_fail(COMMAND, &error);
  return cli_finish_output(COMMAND);
}

static int run(const struct arguments *a) {
  struct serial_ports *found = calloc(1, sizeof *found);
  struct serial_io io;
  struct qb_error error;
  const char *port = NULL;
  int code = CLI_FAILED;
  if (!found) {
    qb_error_no_memory(&error);
  } else {
    code = open_port(a, found, &port, &io, &error);
  }
  if (code != CLI_OK) {
    code = cli_fail_for(&a->common, COMMAND, code, &error);
  } else {
    interrupt_catch();
    code = a->console ? run_console(a, &io, port) : run_send(a, &io, port);
    io.close(io.ctx);
  }
  free(found);
  return code;
}

int cmd_serial(int argc, char **argv) {
  struct arguments a = {.protocol = MODEM_YMODEM};
  struct qb_error error;
  int code = CLI_OK;
  if (!parse(argc, argv, &a, &error)) {
    code = cli_usage_for(&a.common, COMMAND, &error);
  } else if (a.common.help) {
    code = cli_help(COMMAND, help);
  } else {
    code = run(&a);
  }
  cli_options_free(&a.common);
  return code;
}
