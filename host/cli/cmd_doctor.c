// SPDX-License-Identifier: MIT
// `quadboot doctor`: what keeps boards from working, in words.
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "host/cli/select.h"
#include "host/lib/checkup.h"
#include "host/transport/access_checkup.h"
#include "udev_rules.h"

#define COMMAND "quadboot doctor"

static const char help[] =
    "Usage: quadboot doctor [OPTION]...\n"
    "\n"
    "Looks for what keeps boards from working: USB, permissions, other programs and\n"
    "drivers, cable and port, the descriptors of each board, and the state that it\n"
    "was left in. Each line says what is so; a problem comes with what to do. Changes\n"
    "nothing.\n"
    "\n"
    "Options:\n"
    "      --usbip HOST:PORT    look behind this USB/IP server instead of on this\n"
    "                           computer's USB (repeatable): a simulated board\n"
    "      --udev-rules         print the udev rules that let you use boards, and end\n"
    "      --json               one JSON object a line, for programs\n"
    "  -q, --quiet              only problems\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit codes: 0 all is well, 1 there is a problem, 2 the command line was wrong.";

struct arguments {
  struct cli_options common;
  bool rules;
};

// ---- Command line ----------------------------------------------------------

enum { OPTION_RULES = CLI_OPTION_OWN };

static const struct option long_options[] = {
    {"usbip", required_argument, NULL, CLI_OPTION_USBIP},
    {"udev-rules", no_argument, NULL, OPTION_RULES},
    {"json", no_argument, NULL, CLI_OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool take(void *ctx, int option, char **argv, struct qb_error *error) {
  struct arguments *a = ctx;
  if (option != OPTION_RULES) return cli_take_option(&a->common, option, argv, error);
  a->rules = true;
  return true;
}

static bool parse(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  return cli_parse(argc, argv, ":qh", long_options, take, a, &a->common, error) &&
         (a->common.help || cli_check_count(argc, argv, 0, 0, "", error));
}

// ---- Telling ---------------------------------------------------------------

static const char *const kind_words[] = {
    [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_PROBLEM] = "problem"};

static void put_json(const struct finding *f, const char *board) {
  json_t *o = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s}", "event", "check", "board",
                        board, "check", f->check, "result", kind_words[f->kind], "text",
                        f->text, "advice", f->advice);
  json_dumpf(o, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(o);
}

// `board` NULL: findings about this computer.
static void tell(const struct findings *list, const struct cli_options *o,
                 const char *board) {
  const bool problems_only = o->quiet && !o->json;
  const bool any = !problems_only || findings_count(list, FINDING_PROBLEM) > 0;
  if (board && any && !o->json) printf("%s:\n", board);
  for (size_t i = 0; i < list->count; i++) {
    const struct finding *f = &list->items[i];
    if (problems_only && f->kind != FINDING_PROBLEM) continue;
    if (o->json) {
      put_json(f, board);
    } else {
      // No full stop behind the advice: it may be a command to copy.
      printf("%s%s: %s.%s%s\n", board ? "  " : "", kind_words[f->kind], f->text,
             f->advice[0] ? " To do: " : "", f->advice);
    }
  }
}

static void tell_end(const struct cli_options *o, size_t problems) {
  if (o->json) {
    json_t *e = json_pack("{s:s, s:b, s:I}", "event", "result", "ok", problems == 0,
                          "problems", (json_int_t)problems);
    json_dumpf(e, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(e);
  } else if (problems > 0) {
    printf("%zu problem%s found.\n", problems, problems == 1 ? " was" : "s were");
  } else if (!o->quiet) {
    puts("All is well.");
  }
}

// ---- One board -------------------------------------------------------------

static void name_kind(const struct usb_board *b, struct findings *out) {
  const char *more = "";
  if (b->kind == BOARD_ROM) more = "; it reaches the internal flash only";
  if (b->kind == BOARD_APPLICATION) more = "; 'quadboot flash' has it start quadboot";
  findings_add(out, FINDING_OK, "board", "%s, version %x.%02x, at %.200s%s",
               usb_board_kind_name(b->kind), b->where.release >> 8,
               b->where.release & 0xFF, b->where.location, more);
}

static void check_unique(const struct boards *all, const struct boards_entry *e,
                         struct findings *out) {
  for (size_t i = 0; i < all->count; i++) {
    const struct boards_entry *other = &all->items[i];
    if (other == e || !e->board.serial[0] ||
        strcmp(other->board.serial, e->board.serial) != 0) {
      continue;
    }
    findings_add(out, FINDING_PROBLEM, "serial",
                 "the board at %.200s has the same serial number",
                 other->board.where.location);
    findings_advise(out, "they cannot be told apart: connect one at a time");
  }
}

static void check_open(struct usb_io *io, const struct usb_board *b,
                       struct findings *out) {
  struct qb_error error;
  checkup_descriptors(io, b, out);
  if (!access_checkup_holder(&access_linux, b->where.location, b->dfu.configuration,
                             b->dfu.number, out)) {
    return;
  }
  if (!io->claim(io->ctx, b->dfu.number, &error)) {
    findings_add(out, FINDING_PROBLEM, "holder", "%s", error.text);
    return;
  }
  findings_add(out, FINDING_OK, "holder",
               "no other program and no driver holds its DFU interface");
  checkup_state(io, b, out);
}

static void check_described(const struct boards *all, const struct boards_entry *e,
                            struct findings *out) {
  struct usb_io io;
  struct qb_error error;
  name_kind(&e->board, out);
  access_checkup_node(&access_linux, e->board.where.location, out);
  check_unique(all, e, out);
  if (!e->bus->open(e->bus->ctx, &e->board.where, &io, &error)) {
    findings_add(out, FINDING_PROBLEM, "open", "%s", error.text);
    return;
  }
  check_open(&io, &e->board, out);
  io.close(io.ctx);
}

// A device that cannot be opened, or a bus that does not work.
static void check_closed(const struct boards_entry *e, struct findings *out) {
  access_checkup_node(&access_linux, e->board.where.location, out);
  if (findings_clean_since(out, 0)) {
    findings_add(out, FINDING_PROBLEM, "open", "%s", e->problem.text);
  }
}

static void check_board(const struct boards *all, const struct boards_entry *e,
                        struct findings *out) {
  if (e->described) {
    check_described(all, e, out);
  } else {
    check_closed(e, out);
  }
}

// ---- The computer ----------------------------------------------------------

static void check_computer(const struct cli_boards *b, const struct cli_options *o,
                           struct findings *out) {
  if (o->server_count == 0) {
    findings_add(out, FINDING_OK, "libusb", "libusb works");
    access_checkup_rules(&access_linux, out);
  }
  if (b->found.count > 0) return;
  findings_add(out, FINDING_PROBLEM, "board", "no board is found");
  findings_advise(out,
                  "connect it with a cable that carries data, hold its button while "
                  "it resets, and look whether 'lsusb' shows 0483:df11; an "
                  "application without a DFU interface does not count");
}

static size_t examine(struct cli_boards *b, const struct cli_options *o) {
  struct findings computer = {0};
  check_computer(b, o, &computer);
  tell(&computer, o, NULL);
  size_t problems = findings_count(&computer, FINDING_PROBLEM) + computer.no_memory;
  findings_free(&computer);
  for (size_t i = 0; i < b->found.count; i++) {
    const struct boards_entry *e = &b->found.items[i];
    struct findings found = {0};
    check_board(&b->found, e, &found);
    tell(&found, o, usb_board_name(&e->board));
    problems += findings_count(&found, FINDING_PROBLEM) + found.no_memory;
    findings_free(&found);
  }
  return problems;
}

static int run(const struct cli_options *o) {
  struct cli_boards boards;
  struct qb_error error;
  int code = CLI_FAILED;
  if (cli_find(&boards, o, &error)) {
    const size_t problems = examine(&boards, o);
    tell_end(o, problems);
    if (cli_finish_output(COMMAND) == CLI_OK && problems == 0) code = CLI_OK;
  } else {
    cli_fail_for(o, COMMAND, CLI_FAILED, &error);
  }
  cli_boards_free(&boards);
  return code;
}

static int print_rules(void) {
  fputs(QB_UDEV_RULES, stdout);
  return cli_finish_output(COMMAND);
}

int cmd_doctor(int argc, char **argv) {
  struct arguments a = {0};
  struct qb_error error;
  int code;
  if (!parse(argc, argv, &a, &error)) {
    code = cli_usage_for(&a.common, COMMAND, &error);
  } else if (a.common.help) {
    code = cli_help(COMMAND, help);
  } else if (a.rules) {
    code = print_rules();
  } else {
    code = run(&a.common);
  }
  cli_options_free(&a.common);
  return code;
}
