// SPDX-License-Identifier: MIT
// `quadboot info`: all about one board.
#include <inttypes.h>
#include <stdlib.h>

#include "host/cli/fleet.h"
#include "host/cli/json.h"
#include "host/lib/chip.h"
#include "host/lib/installed.h"

#define COMMAND "quadboot info"

static const char help[] =
    "Usage: quadboot info [OPTION]...\n"
    "\n"
    "Shows what a board says about itself: the bootloader and its version, the chip\n"
    "and its protection, each flash with its sectors, and the application that is\n"
    "installed. Changes nothing.\n"
    "\n" CLI_OPTIONS_HELP "\n" CLI_OUTPUT_HELP "\n" CLI_EXIT_CODES;

static const struct option long_options[] = {CLI_LONG_OPTIONS, {0}};

// ---- The chip --------------------------------------------------------------

// What `info` found out about a board besides its descriptors.
struct findings {
  struct installed application;
  bool has_chip;
  struct chip chip;
};

static void find_out(struct fleet_member *m, struct findings *out) {
  struct connection *c = &m->connection;
  out->has_chip = c->board.kind == BOARD_QUADBOOT &&
                  chip_ask(&c->io, c->board.dfu.number, &out->chip);
  installed_read(&c->client, &c->board, &out->application);
}

static void print_chip(const struct chip *c) {
  printf("chip:         %s, revision %s, %u KB of flash, %s\n", chip_name(c),
         chip_revision(c), c->told.flash_kb, c->dual_bank ? "two banks" : "one bank");
  printf("protection:   %s; ", chip_protection_text(c->protection));
  if (c->protected_sectors == 0) {
    puts("no sector is write-protected");
  } else {
    printf("write-protected sectors: mask 0x%03X\n", c->protected_sectors);
  }
  const struct info *i = &c->told;
  if (i->unfinished) {
    puts("last update:  not finished, so no application is started; flash again");
  }
  printf("QSPI flash:   ");
  if (chip_nor_answers(c)) {
    printf("JEDEC id %02X %02X %02X (%s), ", i->nor_id[0], i->nor_id[1], i->nor_id[2],
           chip_nor_maker(c));
  }
  if (i->nor_status != 0) {
    printf("not usable: %s\n", chip_nor_problem(c));
  } else {
    printf("%" PRIu32 " MB\n", i->nor_size >> 20);
  }
}

// ---- Text ------------------------------------------------------------------

static void print_size(uint64_t bytes) {
  if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) {
    printf("%" PRIu64 " MB", bytes >> 20);
  } else if (bytes >= 1 << 10 && bytes % (1 << 10) == 0) {
    printf("%" PRIu64 " KB", bytes >> 10);
  } else {
    printf("%" PRIu64 " bytes", bytes);
  }
}

static int by_address(const void *pa, const void *pb) {
  const struct layout_run *a = pa;
  const struct layout_run *b = pb;
  return (a->address > b->address) - (a->address < b->address);
}

static void print_run(const struct layout_run *run) {
  const uint64_t size = (uint64_t)run->count * run->sector_size;
  printf("    0x%08" PRIX32 " | %-5s %4" PRIu32 " x ", run->address,
         run->access & LAYOUT_WRITABLE ? "" : "(ro)", run->count);
  print_size(run->sector_size);
  printf("\n    0x%08" PRIX64 " +", run->address + size - 1);
  puts("-----------------------------");
}

static void print_alternate(const struct usb_board_alternate *a) {
  if (a->status != LAYOUT_OK) {
    printf("  %u: \"%s\" (%s)\n", a->number, a->text, layout_status_text(a->status));
    return;
  }
  struct layout l = a->layout;
  qsort(l.runs, l.count, sizeof *l.runs, by_address);
  printf("  %u: %s, ", a->number, l.name);
  print_size(layout_size(&l, LAYOUT_READABLE));
  printf(", of which ");
  print_size(layout_size(&l, LAYOUT_READABLE | LAYOUT_WRITABLE));
  puts(" can be written");
  puts("               +-----------------------------");
  for (size_t i = 0; i < l.count; i++) {
    print_run(&l.runs[i]);
  }
}

static void print_application(const struct installed *a) {
  if (!a->known) {
    puts("application:  cannot be read");
  } else if (a->present) {
    printf("application:  at 0x%08" PRIX32 ", initial SP 0x%08" PRIX32
           ", reset handler 0x%08" PRIX32 "\n",
           a->address, a->vectors.sp, a->vectors.reset & ~1u);
  } else {
    printf("application:  none at 0x%08" PRIX32 "\n", a->address);
  }
}

static void print_board(const struct usb_board *b, const struct findings *f) {
  printf("board:        %s\n", usb_board_name(b));
  printf("where:        %s\n", b->where.location);
  printf("runs:         %s, version %x.%02x\n", usb_board_kind_name(b->kind),
         b->where.release >> 8, b->where.release & 0xFF);
  printf("product:      %s (%s)\n", b->product, b->manufacturer);
  printf("USB:          %04x:%04x, %u bytes a block\n", b->where.vendor,
         b->where.product, b->transfer_size);
  if (f->has_chip) print_chip(&f->chip);
  print_application(&f->application);
  puts("flash:");
  for (size_t i = 0; i < b->count; i++) {
    print_alternate(&b->alternates[i]);
  }
}

// ---- JSON ------------------------------------------------------------------

static json_t *alternate_json(const struct usb_board_alternate *a) {
  json_t *runs = json_array();
  for (size_t i = 0; a->status == LAYOUT_OK && i < a->layout.count; i++) {
    const struct layout_run *run = &a->layout.runs[i];
    json_array_append_new(
        runs, json_pack("{s:I, s:I, s:I, s:b, s:b, s:b}", "address",
                        (json_int_t)run->address, "sectors", (json_int_t)run->count,
                        "sector_size", (json_int_t)run->sector_size, "readable",
                        run->access & LAYOUT_READABLE, "erasable",
                        run->access & LAYOUT_ERASABLE, "writable",
                        run->access & LAYOUT_WRITABLE));
  }
  return json_pack("{s:i, s:s, s:s, s:o}", "alternate", a->number, "text", a->text,
                   "name", a->status == LAYOUT_OK ? a->layout.name : a->text, "runs",
                   runs);
}

static json_t *application_json(const struct installed *a) {
  if (!a->known) return json_null();
  return json_pack("{s:I, s:b, s:I, s:I}", "address", (json_int_t)a->address, "present",
                   a->present, "initial_sp", (json_int_t)a->vectors.sp, "reset_handler",
                   (json_int_t)a->vectors.reset);
}

static json_t *chip_json(const struct chip *c) {
  const struct info *i = &c->told;
  json_t *o = json_pack("{s:s, s:i, s:i, s:i, s:b, s:s, s:i, s:I, s:I}", "name",
                        chip_name(c), "dev_id", i->dev_id, "rev_id", i->rev_id,
                        "flash_kb", i->flash_kb, "dual_bank", c->dual_bank,
                        "protection", chip_protection_text(c->protection),
                        "write_protected_sectors", c->protected_sectors, "optcr",
                        (json_int_t)i->optcr, "optcr1", (json_int_t)i->optcr1);
  json_object_set_new(o, "unfinished", json_boolean(i->unfinished));
  if (chip_nor_answers(c)) {
    json_object_set_new(
        o, "qspi_jedec_id",
        json_pack("[i, i, i]", i->nor_id[0], i->nor_id[1], i->nor_id[2]));
  }
  if (i->nor_status != 0) {
    json_object_set_new(o, "qspi_problem", json_string(chip_nor_problem(c)));
  } else {
    json_object_set_new(o, "qspi_size", json_integer(i->nor_size));
  }
  return o;
}

static void put_board(const struct usb_board *b, const struct findings *f) {
  json_t *flash = json_array();
  for (size_t i = 0; i < b->count; i++) {
    json_array_append_new(flash, alternate_json(&b->alternates[i]));
  }
  json_t *o =
      json_pack("{s:s, s:o, s:s, s:o, s:i, s:i, s:i, s:s, s:s, s:i, s:o, s:o}", "event",
                "info", "board", cli_json_text(usb_board_name(b)), "serial", b->serial,
                "location", cli_json_text(b->where.location), "idVendor",
                b->where.vendor, "idProduct", b->where.product, "bcdDevice",
                b->where.release, "runs", usb_board_kind_name(b->kind), "product",
                b->product, "transfer_size", b->transfer_size, "application",
                application_json(&f->application), "flash", flash);
  if (f->has_chip) json_object_set_new(o, "chip", chip_json(&f->chip));
  cli_put_json(o);
}

// ---- Command ---------------------------------------------------------------

static void info(struct fleet_member *m) {
  const struct cli_options *o = m->arguments;
  struct findings f;
  find_out(m, &f);
  flockfile(stdout);
  if (o->json) {
    put_board(&m->connection.board, &f);
  } else {
    print_board(&m->connection.board, &f);
  }
  funlockfile(stdout);
  m->code = CLI_OK;
}

int cmd_info(int argc, char **argv) {
  struct cli_options o = {0};
  struct qb_error error;
  int code;
  if (!cli_parse(argc, argv, CLI_SHORT_OPTIONS, long_options, cli_take_shared, &o, &o,
                 &error) ||
      (!o.help && !cli_check_count(argc, argv, 0, 0, "", &error))) {
    code = cli_usage_for(&o, COMMAND, &error);
  } else if (o.help) {
    code = cli_help(COMMAND, help);
  } else {
    const struct fleet_command command = {
        .name = COMMAND, .work = info, .arguments = &o};
    code = fleet_run(&command, &o);
  }
  cli_options_free(&o);
  return code;
}
