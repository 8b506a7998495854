// SPDX-License-Identifier: MIT
#include "host/cli/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/transport/libusb_bus.h"
#include "host/transport/usbip_bus.h"

// ---- Buses -----------------------------------------------------------------

static bool open_buses(struct cli_boards *b, const struct cli_options *o,
                       struct qb_error *error) {
  const size_t count = o->server_count ? o->server_count : 1;
  b->buses = calloc(count, sizeof *b->buses);
  if (!b->buses) return qb_error_no_memory(error);
  for (; b->bus_count < count; b->bus_count++) {
    struct usb_bus *bus = &b->buses[b->bus_count];
    const bool ok = o->server_count
                        ? usbip_bus_open(bus, &o->servers[b->bus_count], error)
                        : libusb_bus_open(bus, error);
    if (!ok) return false;
  }
  return true;
}

bool cli_find(struct cli_boards *b, const struct cli_options *o,
              struct qb_error *error) {
  *b = (struct cli_boards){0};
  return open_buses(b, o, error) &&
         boards_find(&b->found, b->buses, b->bus_count, error);
}

void cli_boards_free(struct cli_boards *b) {
  boards_free(&b->found);
  for (size_t i = 0; i < b->bus_count; i++) {
    b->buses[i].close(b->buses[i].ctx);
  }
  free(b->buses);
  *b = (struct cli_boards){0};
}

// ---- Choice ----------------------------------------------------------------

// By its serial number, or the place where it is: not every board has a number, and
// not every number is the only one.
static bool is_called(const struct boards_entry *e, const char *name) {
  return strcmp(e->board.where.location, name) == 0 ||
         (e->described && strcmp(e->board.serial, name) == 0);
}

static bool is_wanted(const struct boards_entry *e, const struct cli_options *o) {
  if (o->serial_count == 0) return true;
  for (size_t i = 0; i < o->serial_count; i++) {
    if (is_called(e, o->serials[i])) return true;
  }
  return false;
}

static size_t count_called(const struct boards *list, const char *name) {
  size_t count = 0;
  for (size_t i = 0; i < list->count; i++) {
    count += is_called(&list->items[i], name);
  }
  return count;
}

static void keep_wanted(struct boards *list, const struct cli_options *o) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (is_wanted(&list->items[i], o)) list->items[kept++] = list->items[i];
  }
  list->count = kept;
}

static int refuse_several(const struct boards *list, struct qb_error *error) {
  char names[600] = "";
  size_t at = 0;
  for (size_t i = 0; i < list->count && at < sizeof names - 1; i++) {
    at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "",
                           usb_board_name(&list->items[i].board));
  }
  qb_error_set(error,
               "%zu boards are connected (%s); say which with --serial, or --all",
               list->count, names);
  return CLI_NO_BOARD;
}

static int check_serial(const struct boards *list, const char *serial, bool all,
                        struct qb_error *error) {
  const size_t count = count_called(list, serial);
  if (count == 1 || (count > 1 && all)) return CLI_OK;
  if (count > 1) {
    qb_error_set(error,
                 "%zu boards have the serial number %s; give --serial the place of one "
                 "as 'quadboot list' shows it, or --all",
                 count, serial);
  } else {
    qb_error_set(error,
                 "no board with the serial number %s is connected; 'quadboot list' "
                 "shows those that are",
                 serial);
  }
  return CLI_NO_BOARD;
}

static int check_found(const struct boards *list, const struct cli_options *o,
                       struct qb_error *error) {
  for (size_t i = 0; i < o->serial_count; i++) {
    const int code = check_serial(list, o->serials[i], o->all, error);
    if (code != CLI_OK) return code;
  }
  if (list->count == 0) {
    qb_error_set(error,
                 "no board is found; connect it, hold its button while it resets, and "
                 "see 'quadboot doctor'");
    return CLI_NO_BOARD;
  }
  return list->count > 1 && !o->all && o->serial_count == 0
             ? refuse_several(list, error)
             : CLI_OK;
}

int cli_choose(struct boards *list, const struct cli_options *o,
               struct qb_error *error) {
  keep_wanted(list, o);
  return check_found(list, o, error);
}

int cli_select(struct cli_boards *b, const struct cli_options *o,
               struct qb_error *error) {
  return cli_find(b, o, error) ? cli_choose(&b->found, o, error) : CLI_FAILED;
}
