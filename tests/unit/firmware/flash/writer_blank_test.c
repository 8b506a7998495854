// SPDX-License-Identifier: MIT
// The writer: what it knows to be blank before data come, and when it knows that no
// more.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

static uint32_t reads(const struct writer_rig *r, int medium) {
  return r->media[medium].calls[RAM_READ];
}

static void what_is_blank_is_looked_at_before_data_come(void **state) {
  struct writer_rig *r = *state;
  rig_wipe(r, RIG_NOR, 0);
  rig_wipe(r, RIG_NOR, RIG_BLOCK);
  rig_pass(r, 100000);
  assert_untouched(r);
  assert_int_equal(reads(r, RIG_NOR), 2 * RIG_BLOCK / WRITER_STEP);
  rig_send_new(r, RIG_NOR, 0, 2 * RIG_BLOCK);
  assert_all_done(r);
  assert_int_equal(writer_rig_count(r, RIG_NOR, true), 0);
  assert_int_equal(reads(r, RIG_NOR), 4 * RIG_BLOCK / WRITER_STEP);  // the read-back
}

static void what_is_not_blank_is_looked_at_once(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_NOR].bytes[0x2345] = 0;
  rig_wipe(r, RIG_NOR, 0);
  for (uint32_t at = RIG_BLOCK; at < RIG_NOR_SIZE; at += RIG_BLOCK) {
    rig_pass(r, 100000);
    assert_int_equal(reads(r, RIG_NOR), 9);
    rig_wipe(r, RIG_NOR, at);
  }
  rig_send_new(r, RIG_NOR, 0, RIG_NOR_SIZE);
  assert_all_done(r);
  assert_int_equal(writer_rig_count(r, RIG_NOR, true), 1);
}

static void what_was_programmed_since_is_looked_at_again(void **state) {
  struct writer_rig *r = *state;
  rig_wipe(r, RIG_NOR, 0);
  rig_wipe(r, RIG_NOR, RIG_BLOCK);
  rig_pass(r, 100000);
  static const uint32_t units[] = {0, 2, 1, 7, 3, 2, 0, 6, 7};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    uint8_t data[4096];
    memset(data, i % 2 ? 0x5A : 0xA5, sizeof data);
    rig_send(r, RIG_NOR, units[i] * 4096, data, sizeof data);
    rig_pass(r, 100000);
  }
  assert_all_done(r);
}

// A block that an erase left as it likes to.
static void after_an_erase_that_failed_nothing_is_known(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_BIG].bytes[0x7000] = 0;
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_pass(r, 100000);
  assert_int_equal(reads(r, RIG_BIG), 13);
  ram_medium_fail(&r->media[RIG_BIG], RAM_ERASE_END, 1, ST_ERASE_FAILED);
  rig_send_new(r, RIG_BIG, 0x7000, 4096);
  assert_int_equal(writer_rig_finish(r).status, ST_ERASE_FAILED);
  memset(r->media[RIG_BIG].bytes + 0x4000, 0x0F, RIG_BLOCK);
  writer_rig_take_as_is(r);
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  assert_all_done(r);
}

// Behind the last unit of one medium the next one's begin.
static void looking_ends_with_the_medium(void **state) {
  struct writer_rig *r = *state;
  rig_wipe(r, RIG_NOR, 0);
  rig_wipe(r, RIG_BIG, RIG_BIG_SIZE - RIG_BLOCK);
  rig_pass(r, 100000);
  assert_int_equal(reads(r, RIG_BIG), RIG_BLOCK / WRITER_STEP);
  assert_all_done(r);
  assert_untouched(r);
}

static void until_looking(struct writer_rig *r) {
  const struct writer_lane *l = &r->writer.lanes[RIG_NOR];
  while (l->state != WRITER_AHEAD || l->at != WRITER_STEP)
    writer_rig_poll(r);
}

// Data come for the unit that is looked at, and an erase elsewhere: what was seen so
// far says nothing of that.
static void a_look_counts_for_its_own_unit(void **state) {
  static uint8_t data[4096];
  for (int kind = 0; kind < 4; kind++) {
    struct writer_rig *r = *state;
    if (kind & 1) ram_medium_fetches(&r->media[RIG_NOR]);
    memset(data, kind & 2 ? 0xFF : 0xA5, sizeof data);
    memset(r->media[RIG_NOR].bytes, 0xFF, RIG_NOR_SIZE);
    memset(r->media[RIG_NOR].bytes + 4 * RIG_BLOCK, 0, 16);
    writer_rig_take_as_is(r);
    rig_wipe(r, RIG_NOR, 0);
    until_looking(r);
    rig_send_new(r, RIG_NOR, 0, 4096);
    rig_wipe(r, RIG_NOR, 4 * RIG_BLOCK);
    rig_pass(r, 100000);
    rig_send(r, RIG_NOR, 4 * RIG_BLOCK, data, sizeof data);
    assert_all_done(r);
  }
}

// Whoever needs those bytes will fail: then it is told, once, and of the right thing.
static void a_look_that_fails_is_not_told(void **state) {
  struct writer_rig *r = *state;
  for (int fetch = 0; fetch < 2; fetch++) {
    if (fetch) ram_medium_fetches(&r->media[RIG_NOR]);
    for (uint32_t countdown = 1; countdown < 8; countdown++) {
      memset(r->media[RIG_NOR].bytes, 0xFF, RIG_NOR_SIZE);
      writer_rig_take_as_is(r);
      rig_wipe(r, RIG_NOR, 0);
      ram_medium_fail(&r->media[RIG_NOR], RAM_READ, countdown, ST_BUS_TIMEOUT);
      rig_pass(r, 100000);
      assert_int_equal(r->media[RIG_NOR].fail[RAM_READ].countdown, 0);
      rig_send_new(r, RIG_NOR, 0, 4096);
      assert_all_done(r);
      writer_rig_forget_log(r);
    }
  }
}

// What a block lacks is read when a part of it comes; that it could not be is no fault
// of the erase that was noted elsewhere.
static void a_write_that_fails_during_a_look_is_told_as_one(void **state) {
  struct writer_rig *r = *state;
  const uint8_t byte = 0;
  rig_wipe(r, RIG_NOR, 0);
  until_looking(r);
  ram_medium_fail(&r->media[RIG_NOR], RAM_READ, 1, ST_BUS_TIMEOUT);
  assert_true(
      writer_write(&r->writer, writer_rig_medium(r, RIG_NOR), 0x14000, &byte, 1));
  const struct writer_result result = writer_take_result(&r->writer);
  assert_result(result, ST_BUS_TIMEOUT, RIG_NOR_BASE + 0x14000);
  assert_false(result.erasing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(what_is_blank_is_looked_at_before_data_come),
      writer_rig_test(what_is_not_blank_is_looked_at_once),
      writer_rig_test(what_was_programmed_since_is_looked_at_again),
      writer_rig_test(after_an_erase_that_failed_nothing_is_known),
      writer_rig_test(looking_ends_with_the_medium),
      writer_rig_test(a_look_counts_for_its_own_unit),
      writer_rig_test(a_look_that_fails_is_not_told),
      writer_rig_test(a_write_that_fails_during_a_look_is_told_as_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
