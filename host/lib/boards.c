// SPDX-License-Identifier: MIT
#include "host/lib/boards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/lib/clock.h"
#include "host/lib/grow.h"

// ---- All of them -----------------------------------------------------------

static bool add_entry(struct boards *list, const struct boards_entry *entry,
                      struct qb_error *error) {
  struct boards_entry *items =
      grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return qb_error_no_memory(error);
  list->items = items;
  list->items[list->count++] = *entry;
  return true;
}

void boards_free(struct boards *list) {
  free(list->items);
  *list = (struct boards){0};
}

static bool look_at(struct boards *list, const struct usb_bus *bus,
                    const struct usb_found *found, struct qb_error *error) {
  struct boards_entry entry = {.bus = bus, .board = {.where = *found}};
  struct usb_io io;
  bool is_board = true;
  if (bus->open(bus->ctx, found, &io, &entry.problem)) {
    entry.described =
        usb_board_describe(&io, found, &entry.board, &is_board, &entry.problem);
    io.close(io.ctx);
    if (entry.described && !is_board) return true;
  }
  return add_entry(list, &entry, error);
}

static bool add_broken_bus(struct boards *list, const struct usb_bus *bus,
                           const struct qb_error *problem, struct qb_error *error) {
  struct boards_entry entry = {.bus = bus, .problem = *problem};
  snprintf(entry.board.where.location, sizeof entry.board.where.location, "%s",
           bus->name);
  return add_entry(list, &entry, error);
}

static bool look_at_bus(struct boards *list, const struct usb_bus *bus,
                        struct qb_error *error) {
  struct usb_found_list found = {0};
  struct qb_error problem;
  bool ok = true;
  if (!bus->scan(bus->ctx, &found, &problem)) {
    ok = add_broken_bus(list, bus, &problem, error);
  }
  for (size_t i = 0; i < found.count && ok; i++) {
    ok = look_at(list, bus, &found.items[i], error);
  }
  free(found.items);
  return ok;
}

static void note_twins(struct boards *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct boards_entry *a = &list->items[i];
    for (size_t j = 0; j < i && a->board.serial[0]; j++) {
      struct boards_entry *b = &list->items[j];
      if (strcmp(a->board.serial, b->board.serial) == 0) {
        a->has_twin = b->has_twin = true;
      }
    }
  }
}

bool boards_find(struct boards *list, const struct usb_bus *buses, size_t count,
                 struct qb_error *error) {
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++) {
    ok = look_at_bus(list, &buses[i], error);
  }
  note_twins(list);
  return ok;
}

// ---- One of them -----------------------------------------------------------

static bool refuse_kind(const struct usb_board *b, struct qb_error *error) {
  if (b->kind == BOARD_APPLICATION) {
    return qb_error_set(error,
                        "board %s runs its application; hold the board's button while "
                        "it resets, so that the bootloader stays",
                        usb_board_name(b));
  }
  return qb_error_set(error,
                      "%s is a DFU device without addresses (not DfuSe), which this "
                      "tool cannot write; use dfu-util",
                      usb_board_name(b));
}

// Which boards may be opened: all, or a bootloader that is the same board as `lost`.
struct wanted {
  const struct usb_board *lost;  // NULL: any board
  bool has_twin;
};

// An application may have another serial number than its bootloader, or none.
static bool is_same(const struct usb_board *now, const struct wanted *wanted) {
  const struct usb_board *before = wanted->lost;
  const bool here = strcmp(now->where.location, before->where.location) == 0;
  if (here && (before->kind == BOARD_APPLICATION || !before->serial[0])) return true;
  return (here || !wanted->has_twin) && before->serial[0] &&
         strcmp(now->serial, before->serial) == 0;
}

static bool check_board(const struct usb_board *b, const struct wanted *wanted,
                        struct qb_error *error) {
  const bool only_ready = wanted->lost != NULL;
  if (b->kind == BOARD_PLAIN_DFU || (only_ready && !usb_board_is_ready(b))) {
    return refuse_kind(b, error);
  }
  if (!only_ready || is_same(b, wanted)) return true;
  return qb_error_set(error, "the board at %s is another one", b->where.location);
}

// Opens and describes; then the DFU interface is claimed, so never that of a board
// which is not wanted: somebody else may be about to. Nothing is open after an error.
static bool open_wanted(struct connection *c, const struct usb_bus *bus,
                        const struct usb_found *where, const struct wanted *wanted,
                        struct qb_error *error) {
  struct connection new = {.has_twin = c->has_twin};
  bool is_board = false;
  if (!bus->open(bus->ctx, where, &new.io, error)) return false;
  bool ok = usb_board_describe(&new.io, where, &new.board, &is_board, error);
  if (ok && !is_board) {
    ok = qb_error_set(error, "the device at %s is no bootloader any more",
                      where->location);
  }
  if (ok) ok = check_board(&new.board, wanted, error);
  if (ok) ok = new.io.claim(new.io.ctx, new.board.dfu.number, error);
  if (!ok) {
    new.io.close(new.io.ctx);
    return false;
  }
  *c = new;
  dfuc_init(&c->client, &c->io, &c->board);
  return true;
}

// From a running application to its bootloader.
static bool enter_bootloader(struct connection *c, const struct usb_bus *bus,
                             struct qb_error *error) {
  enum { APPEAR_MS = 10000 };  // as long as fwupd waits for a device to come back
  const struct usb_board application = c->board;
  const enum dfuc_outcome outcome =
      dfuc_detach(&c->client, &application.dfu.functional, error);
  connection_close(c);
  if (outcome != DFUC_OK) return refuse_kind(&application, error);
  if (connection_find_again(c, bus, &application, APPEAR_MS, NULL, NULL)) return true;
  return refuse_kind(&application, error);
}

bool connection_open(struct connection *c, const struct usb_bus *bus,
                     const struct usb_found *where, struct qb_error *error) {
  const struct wanted any = {.lost = NULL};
  if (!open_wanted(c, bus, where, &any, error)) return false;
  return usb_board_is_ready(&c->board) || enter_bootloader(c, bus, error);
}

void connection_close(struct connection *c) {
  c->io.close(c->io.ctx);
}

// ---- The same again --------------------------------------------------------

enum { LOOK_MS = 250 };  // between two looks; enumeration takes about as long

static void pause_ms(uint32_t ms) {
  const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

// Looks where the board was, or everywhere else.
static bool look_at_places(struct connection *c, const struct usb_bus *bus,
                           const struct usb_found_list *found,
                           const struct wanted *wanted, bool where_it_was) {
  struct qb_error ignored;
  for (size_t i = 0; i < found->count; i++) {
    const struct usb_found *f = &found->items[i];
    const bool here = strcmp(f->location, wanted->lost->where.location) == 0;
    if (here == where_it_was && open_wanted(c, bus, f, wanted, &ignored)) return true;
  }
  return false;
}

static bool look_again(struct connection *c, const struct usb_bus *bus,
                       const struct wanted *wanted) {
  struct usb_found_list found = {0};
  struct qb_error ignored;
  const bool same = bus->scan(bus->ctx, &found, &ignored) &&
                    (look_at_places(c, bus, &found, wanted, true) ||
                     look_at_places(c, bus, &found, wanted, false));
  free(found.items);
  return same;
}

bool connection_find_again(struct connection *c, const struct usb_bus *bus,
                           const struct usb_board *lost, uint32_t limit_ms,
                           bool (*stop)(void *ctx), void *ctx) {
  const struct wanted wanted = {.lost = lost, .has_twin = c->has_twin};
  const uint64_t end = clock_now_ms() + limit_ms;
  for (;;) {
    if (stop && stop(ctx)) return false;
    if (look_again(c, bus, &wanted)) return true;
    const uint64_t now = clock_now_ms();
    if (now >= end) return false;
    pause_ms(end - now < LOOK_MS ? (uint32_t)(end - now) : LOOK_MS);
  }
}
