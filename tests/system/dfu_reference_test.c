// SPDX-License-Identifier: MIT
// Whatever was asked for, in whatever order, and whatever of it is still under way: a
// read tells what would be there had each command run at once. Random erases, writes
// and reads in both media, none of which waits for those before it, against plain
// arrays that do each at once; at the end the cells hold the same.
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/random.h"
#include "tests/hostmodel/dfu_client.h"

enum {
  OPERATIONS = 600,
  MAX_READ = 3 * CLIENT_BLOCK,
  // What a write brings.
  NOISE = 0,
  WHAT_IS_THERE,
  A_BYTE_ELSE,
  FEWER_BITS,
  BLANK,
  CONTENTS,
};

// Where it happens: few blocks, so that commands meet. The layout of the blocks is
// typed from RM0410 table 5 and the alternate settings' names.
static const struct place {
  uint32_t start, end, block;
  int weight;
} places[] = {
    {0x08010000, 0x08020000, 0x8000, 8},   {0x08020000, 0x08040000, 0x20000, 1},
    {0x90000000, 0x90030000, 0x10000, 14}, {0x92000000, 0x92010000, 0x10000, 1},
    {0x93FF0000, 0x94000000, 0x10000, 4},
};

struct reference {
  struct rig *rig;
  struct random random;
  uint8_t *internal, *external;  // what each medium should read
  unsigned writes, erases, reads, in_the_middle;
};

static uint8_t *expected(const struct reference *t, uint32_t address) {
  return address >= EXTERNAL ? t->external + (address - EXTERNAL)
                             : t->internal + (address - INTERNAL);
}

static uint32_t below(struct reference *t, uint32_t limit) {
  return random_below(&t->random, limit);
}

static const struct place *any_place(struct reference *t) {
  uint32_t total = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    total += (uint32_t)places[i].weight;
  int32_t at = (int32_t)below(t, total);
  const struct place *p = places;
  while ((at -= p->weight) >= 0)
    p++;
  return p;
}

// Half of them where a unit of 4 KB begins.
static uint32_t any_address(struct reference *t, const struct place *p) {
  const uint32_t at = p->start + below(t, p->end - p->start);
  return below(t, 2) ? at & ~0xFFFu : at;
}

static uint32_t any_length(struct reference *t, uint32_t room, uint32_t most) {
  const uint32_t length = below(t, 3) ? most : 1 + below(t, most);
  return length < room ? length : room;
}

// --- what is done ------------------------------------------------------------------

static void erase(struct reference *t) {
  const struct place *p = any_place(t);
  const uint32_t at = any_address(t, p);
  assert_int_equal(dfu_erase(t->rig, at).state, DNLOAD_IDLE);
  memset(expected(t, p->start + (at - p->start) / p->block * p->block), 0xFF, p->block);
  t->erases++;
}

static void fill(struct reference *t, uint8_t *data, uint32_t length, uint32_t kind) {
  const uint32_t seed = below(t, 1u << 30);
  switch (kind) {
    case NOISE: dfu_pattern(data, length, seed); break;
    case A_BYTE_ELSE: data[seed % length] ^= (uint8_t)(1u << seed % 8); break;
    case FEWER_BITS: data[seed % length] &= (uint8_t)seed; break;
    case BLANK: memset(data, 0xFF, length); break;
    default: break;
  }
}

static void write_one(struct reference *t, uint32_t at, uint32_t length) {
  uint8_t data[CLIENT_BLOCK];
  memcpy(data, expected(t, at), length);
  fill(t, data, length, below(t, 2) ? NOISE : below(t, CONTENTS));
  assert_int_equal(dfu_write(t->rig, at, data, (uint16_t)length).state, DNLOAD_IDLE);
  memcpy(expected(t, at), data, length);
  t->writes++;
}

// One block, or some in a row as a download has them.
static void write(struct reference *t) {
  const struct place *p = any_place(t);
  uint32_t at = any_address(t, p);
  for (uint32_t blocks = below(t, 3) ? 1 : 1 + below(t, 12); blocks && at < p->end;
       blocks--) {
    const uint32_t length = any_length(t, p->end - at, CLIENT_BLOCK);
    write_one(t, at, length);
    at += length;
  }
}

// At high speed a block has taken up to 4 ms here: the writer's steps, which read
// flash, come between its 64 packets.
static void expect_in_time(struct rig *r) {
  assert_true(r->longest <= RIG_LIMIT_FS);
  r->longest = 0;
}

// What the medium's cells hold may be something else: nothing is waited for.
static void read(struct reference *t) {
  static uint8_t bytes[MAX_READ];
  const struct place *p = any_place(t);
  const uint32_t at = any_address(t, p);
  const uint32_t length = any_length(t, p->end - at, MAX_READ);
  dfu_read(t->rig, at, bytes, length);
  t->in_the_middle += memcmp(rig_memory(t->rig, at), bytes, length) != 0;
  for (uint32_t i = 0; i < length; i++) {
    if (bytes[i] == expected(t, at)[i]) continue;
    fail_msg("0x%08x reads %02x instead of %02x after %u writes and %u erases",
             (unsigned)(at + i), bytes[i], expected(t, at)[i], t->writes, t->erases);
  }
  t->reads++;
}

static void mass_erase(struct reference *t) {
  assert_int_equal(dfu_select(t->rig, 0), 0);
  assert_int_equal(dfu_mass_erase(t->rig).state, DNLOAD_IDLE);
  memset(expected(t, APPLICATION), 0xFF, INTERNAL_END - APPLICATION);
}

static void do_anything(struct reference *t) {
  const uint32_t what = below(t, 1000);
  if (what < 450) {
    write(t);
  } else if (what < 600) {
    erase(t);
  } else if (what < 900) {
    read(t);
  } else if (what < 940) {
    rig_run(t->rig, VT_MS(1 + below(t, 300)));
  } else if (what < 965) {
    assert_int_equal(dfu_finish(t->rig).state, IDLE);
  } else if (what < 985) {
    assert_int_equal(dfu_select(t->rig, (uint8_t)below(t, 2)), 0);
  } else if (what < 998) {
    rig_configure(t->rig);  // a bus reset
  } else {
    mass_erase(t);
  }
}

// --- the comparison ----------------------------------------------------------------

static void dirty(struct rig *r) {
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const struct place *p = &places[i];
    uint8_t *cells = (uint8_t *)rig_memory(r, p->start);
    dfu_pattern(cells, p->end - p->start, p->start);
  }
}

static void expect_cells(const struct reference *t) {
  assert_memory_equal(rig_memory(t->rig, APPLICATION), expected(t, APPLICATION),
                      INTERNAL_END - APPLICATION);
  assert_int_equal(
      memcmp(rig_memory(t->rig, EXTERNAL), t->external, EXTERNAL_END - EXTERNAL), 0);
}

static void reads_are_true_in_the_middle_of_anything(void **state) {
  struct rig *r = *state;
  struct reference t = {.rig = r,
                        .internal = malloc(INTERNAL_END - INTERNAL),
                        .external = malloc(EXTERNAL_END - EXTERNAL)};
  t.random.state = 5;
  dirty(r);
  memcpy(t.internal, rig_memory(r, INTERNAL), INTERNAL_END - INTERNAL);
  memcpy(t.external, rig_memory(r, EXTERNAL), EXTERNAL_END - EXTERNAL);
  for (unsigned i = 0; i < OPERATIONS; i++)
    do_anything(&t);
  assert_int_equal(dfu_finish(r).state, IDLE);
  expect_cells(&t);
  expect_in_time(r);
  print_message(
      "%u writes, %u erases, %u reads, %u of them of what was not there yet\n",
      t.writes, t.erases, t.reads, t.in_the_middle);
  assert_true(t.in_the_middle > t.reads / 20);
  free(t.internal);
  free(t.external);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(reads_are_true_in_the_middle_of_anything),
  };
  return cmocka_run_group_tests_name("dfu_reference", tests, NULL, NULL);
}
