// SPDX-License-Identifier: MIT
// What writer.c (what is taken, what is read, how long it takes) and writer_lane.c (how
// it is done) share. Nobody else includes it.
#pragma once

#include "firmware/flash/writer.h"

enum {
  WRITER_PAGE = 256,
  // So long after the last data of a medium more of them may come: the slowest host
  // that sends blocks of 4 KB without a pause (full speed, seven requests of 1 ms and
  // the data themselves) needs 11 ms for one.
  WRITER_COMING_US = 20000,
};

static inline uint8_t *writer_bytes(const struct writer *w,
                                    const struct writer_slot *s) {
  return w->memory + (size_t)(s - w->slots) * WRITER_UNIT;
}

// The first word that is not the same in both; `words`: none. Four at a time, because
// the C library's memcmp, made for size, takes bytes.
static inline uint32_t writer_first_other(const uint32_t *a, const uint32_t *b,
                                          uint32_t words) {
  const uint32_t *const start = a, *const end = a + words;
  while (a != end && !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]))) {
    a += 4;
    b += 4;
  }
  while (a != end && *a == *b) {
    a++;
    b++;
  }
  return (uint32_t)(a - start);
}

// Slots that nobody has or was promised.
uint32_t writer_free(const struct writer *w);

// The slot of a unit; NULL if it has none.
struct writer_slot *writer_slot_of(struct writer *w, const struct writer_lane *l,
                                   uint32_t unit);

// A slot for a unit, its bytes undefined; there must be a free one.
struct writer_slot *writer_take_slot(struct writer *w, struct writer_lane *l,
                                     uint32_t unit);
void writer_free_slot(struct writer *w, struct writer_slot *s);

// The slot that is next; NULL: none.
struct writer_slot *writer_oldest(struct writer *w, const struct writer_lane *l);

// All slots of this unit's block come before those of another.
void writer_stay_at(struct writer_lane *l, uint32_t unit);

bool writer_is_noted(const struct writer *w, const struct writer_lane *l,
                     uint32_t unit);
void writer_note(struct writer *w, struct writer_lane *l, uint32_t unit, bool on);

// The unit behind those that are known to be blank is noted.
bool writer_may_look(const struct writer *w, const struct writer_lane *l);

// Still within WRITER_COMING_US of the last data.
bool writer_coming(const struct writer *w, const struct writer_lane *l);

// Records a failure at `offset` of the lane's medium and drops all that was taken.
void writer_fail(struct writer *w, struct writer_lane *l, enum status status,
                 uint32_t offset);

// Puts the lane to rest; its slot, if any, is free to be touched.
void writer_rest(struct writer_lane *l);

// Begins an erase of [offset, offset + size).
void writer_start_erase(struct writer *w, struct writer_lane *l, uint32_t offset,
                        uint32_t size, uint32_t us);

// One step of a lane. False if it waits.
bool writer_step(struct writer *w, struct writer_lane *l);

// Microseconds that one unit takes to be programmed and read back, typically.
uint32_t writer_unit_us(const struct writer_lane *l);
