// SPDX-License-Identifier: MIT
#include "host/lib/boards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// ---- All of them -----------------------------------------------------------

static bool add_entry(struct boards *list, const struct boards_entry *entry,
                      struct qb_error *error) {
  if (list->count == list->capacity) {
    const size_t wanted = list->capacity ? list->capacity * 2 : 8;
    struct boards_entry *items = reallocarray(list->items, wanted, sizeof *items);
    if (!items) return qb_error_no_memory(error);
    list->items = items;
    list->capacity = wanted;
  }
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

bool boards_find(struct boards *list, const struct usb_bus *buses, size_t count,
                 struct qb_error *error) {
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++) {
    ok = look_at_bus(list, &buses[i], error);
  }
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

// Opens and describes; the DFU interface is claimed. Nothing is open after an error.
static bool open_any(struct connection *c, const struct usb_bus *bus,
                     const struct usb_found *where, struct qb_error *error) {
  bool is_board = false;
  if (!bus->open(bus->ctx, where, &c->io, error)) return false;
  bool ok = usb_board_describe(&c->io, where, &c->board, &is_board, error);
  if (ok && !is_board) {
    ok = qb_error_set(error, "the device at %s is no bootloader any more",
                      where->location);
  }
  if (ok && c->board.kind == BOARD_PLAIN_DFU) ok = refuse_kind(&c->board, error);
  if (ok) ok = c->io.claim(c->io.ctx, c->board.dfu.number, error);
  if (!ok) {
    c->io.close(c->io.ctx);
    return false;
  }
  dfuc_init(&c->client, &c->io, &c->board);
  return true;
}

static bool open_bootloader(struct connection *c, const struct usb_bus *bus,
                            const struct usb_found *where, struct qb_error *error) {
  if (!open_any(c, bus, where, error)) return false;
  if (usb_board_is_ready(&c->board)) return true;
  connection_close(c);
  return refuse_kind(&c->board, error);
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
  if (!open_any(c, bus, where, error)) return false;
  return usb_board_is_ready(&c->board) || enter_bootloader(c, bus, error);
}

void connection_close(struct connection *c) {
  c->io.close(c->io.ctx);
}

// ---- The same again --------------------------------------------------------

enum { LOOK_MS = 250 };  // between two looks; enumeration takes about as long

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void pause_ms(uint32_t ms) {
  const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

// An application may have another serial number than its bootloader, or none.
static bool is_same(const struct usb_board *now, const struct usb_board *before) {
  if (strcmp(now->where.location, before->where.location) == 0 &&
      (before->kind == BOARD_APPLICATION || !before->serial[0])) {
    return true;
  }
  return before->serial[0] && strcmp(now->serial, before->serial) == 0;
}

static bool look_again(struct connection *c, const struct usb_bus *bus,
                       const struct usb_board *lost) {
  struct usb_found_list found = {0};
  struct qb_error ignored;
  bool same = false;
  if (bus->scan(bus->ctx, &found, &ignored)) {
    for (size_t i = 0; i < found.count && !same; i++) {
      if (!open_bootloader(c, bus, &found.items[i], &ignored)) continue;
      same = is_same(&c->board, lost);
      if (!same) connection_close(c);
    }
  }
  free(found.items);
  return same;
}

bool connection_find_again(struct connection *c, const struct usb_bus *bus,
                           const struct usb_board *lost, uint32_t limit_ms,
                           bool (*stop)(void *ctx), void *ctx) {
  const uint64_t end = now_ms() + limit_ms;
  do {
    if (stop && stop(ctx)) return false;
    if (look_again(c, bus, lost)) return true;
    pause_ms(LOOK_MS);
  } while (now_ms() < end);
  return false;
}
