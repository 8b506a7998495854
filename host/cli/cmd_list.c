// SPDX-License-Identifier: MIT
// `quadboot list`: every board, where it is and what it runs.
#include <stdio.h>

#include "host/cli/json.h"
#include "host/cli/select.h"

#define COMMAND "quadboot list"

static const char help[] =
    "Usage: quadboot list [OPTION]...\n"
    "\n"
    "Shows every USB device with a DFU interface: where it is, what runs on it\n"
    "(quadboot, ST's ROM bootloader, another DfuSe bootloader, an application), its\n"
    "USB ids, version and serial number.\n"
    "\n"
    "Options:\n"
    "      --usbip HOST:PORT    look behind this USB/IP server instead of on this\n"
    "                           computer's USB (repeatable): a simulated board\n"
    "      --json               an array of objects, for programs\n"
    "  -h, --help               this text\n"
    "\n" CLI_EXIT_CODES;

static const struct option long_options[] = {CLI_LONG_OPTIONS, {0}};

static const char *speed_name(enum usb_io_speed speed) {
  switch (speed) {
    case USB_IO_LOW: return "low";
    case USB_IO_FULL: return "full";
    case USB_IO_HIGH: return "high";
    default: return "unknown";
  }
}

static void print_entry(const struct boards_entry *e) {
  const struct usb_board *b = &e->board;
  if (!e->described) {
    printf("%-20s %04x:%04x  %s\n", b->where.location, b->where.vendor,
           b->where.product, e->problem.text);
    return;
  }
  printf("%-20s %04x:%04x  %-16s %x.%02x  %-5s %-24s %s\n", b->where.location,
         b->where.vendor, b->where.product, usb_board_kind_name(b->kind),
         b->where.release >> 8, b->where.release & 0xFF, speed_name(b->where.speed),
         b->serial, b->product);
}

static void print_table(const struct boards *list) {
  if (list->count == 0) {
    puts(
        "No board is found. Connect it, hold its button while it resets, and see "
        "'quadboot doctor'.");
    return;
  }
  printf("%-20s %-9s  %-16s %-5s %-5s %-24s %s\n", "where", "ids", "runs", "ver.",
         "speed", "serial number", "product");
  for (size_t i = 0; i < list->count; i++) {
    print_entry(&list->items[i]);
  }
}

static json_t *entry_json(const struct boards_entry *e) {
  const struct usb_board *b = &e->board;
  json_t *o =
      json_pack("{s:o, s:i, s:i, s:s}", "location", cli_json_text(b->where.location),
                "idVendor", b->where.vendor, "idProduct", b->where.product, "speed",
                speed_name(b->where.speed));
  if (!e->described) {
    json_object_set_new(o, "problem", cli_json_text(e->problem.text));
    return o;
  }
  json_object_set_new(o, "runs", json_string(usb_board_kind_name(b->kind)));
  json_object_set_new(o, "bcdDevice", json_integer(b->where.release));
  json_object_set_new(o, "serial", json_string(b->serial));
  json_object_set_new(o, "product", json_string(b->product));
  json_object_set_new(o, "manufacturer", json_string(b->manufacturer));
  return o;
}

static void print_json(const struct boards *list) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    json_array_append_new(array, entry_json(&list->items[i]));
  }
  json_dumpf(array, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(array);
}

static bool parse(int argc, char **argv, struct cli_options *o,
                  struct qb_error *error) {
  if (!cli_parse(argc, argv, CLI_SHORT_OPTIONS, long_options, cli_take_shared, o, o,
                 error))
    return false;
  return o->help || cli_check_count(argc, argv, 0, 0, "", error);
}

static int run(const struct cli_options *o) {
  struct cli_boards boards;
  struct qb_error error;
  int code = CLI_OK;
  if (!cli_find(&boards, o, &error)) {
    code = cli_fail(COMMAND, &error);
  } else if (o->json) {
    print_json(&boards.found);
  } else {
    print_table(&boards.found);
  }
  cli_boards_free(&boards);
  return code == CLI_OK ? cli_finish_output(COMMAND) : code;
}

int cmd_list(int argc, char **argv) {
  struct cli_options o = {0};
  struct qb_error error;
  int code;
  if (!parse(argc, argv, &o, &error)) {
    code = cli_usage(COMMAND, &error);
  } else if (o.help) {
    code = cli_help(COMMAND, help);
  } else {
    code = run(&o);
  }
  cli_options_free(&o);
  return code;
}
