// SPDX-License-Identifier: MIT
// The writer: how long it says that work takes, against media that take typical times,
// and how much of it is taken at once.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

enum {
  BIG_ERASE_US = 200000,
  BIG_UNIT_US = 16000,  // programmed; read back at 50 us per KB at most
  NOR_ERASE_US = 60000,
  NOR_UNIT_US = 4000,
  READ_UNIT_US = 400,
};

// The last that each medium was given needed an erase.
static int open_typical(void **state) {
  if (writer_rig_open(state)) return -1;
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  for (int i = 0; i < RIG_MEDIA; i++) {
    rig_send_new(r, i, 0x14000, 4096);
    r->media[i].typical = true;
  }
  assert_all_done(r);
  writer_rig_make_old(r);
  writer_rig_forget_log(r);
  return 0;
}

#define typical_test(test) \
  cmocka_unit_test_setup_teardown(test, open_typical, writer_rig_close)

static uint32_t remaining(const struct writer_rig *r) {
  return writer_remaining_us(&r->writer);
}

static uint32_t behind(const struct writer_rig *r, int medium) {
  return writer_behind_us(&r->writer, writer_rig_medium(r, medium));
}

static void until_busy(struct writer_rig *r, int medium) {
  while (!r->media[medium].busy)
    writer_rig_poll(r);
}

static uint32_t time_to_settle(struct writer_rig *r) {
  const uint32_t from = r->now_us;
  assert_int_equal(writer_rig_finish(r).status, ST_OK);
  return r->now_us - from;
}

// --- what remains ---

static void nothing_remains_of_no_work(void **state) {
  struct writer_rig *r = *state;
  assert_int_equal(remaining(r), 0);
  assert_int_equal(behind(r, RIG_BIG), 0);
  rig_send_new(r, RIG_NOR, 0x4000, 4096);
  assert_true(remaining(r) > 0);
  assert_all_done(r);
  assert_int_equal(remaining(r), 0);
  assert_int_equal(behind(r, RIG_NOR), 0);
}

static void a_block_remains_with_its_erase_and_its_program(void **state) {
  struct writer_rig *r = *state;
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  assert_in_range(remaining(r), BIG_ERASE_US + BIG_UNIT_US,
                  BIG_ERASE_US + BIG_UNIT_US + READ_UNIT_US);
  rig_send_new(r, RIG_BIG, 0x5000, 4096);  // the same erase
  assert_in_range(remaining(r), BIG_ERASE_US + 2 * BIG_UNIT_US,
                  BIG_ERASE_US + 2 * (BIG_UNIT_US + READ_UNIT_US));
  assert_all_done(r);
}

// Until it was compared.
static void a_block_is_thought_to_be_like_the_one_before(void **state) {
  struct writer_rig *r = *state;
  memset(r->media[RIG_BIG].bytes + 0x4000, 0xFF, RIG_BLOCK);
  writer_rig_take_as_is(r);
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  assert_true(remaining(r) > BIG_ERASE_US);
  assert_all_done(r);
  rig_send_new(r, RIG_BIG, 0x8000, 4096);
  assert_in_range(remaining(r), BIG_UNIT_US, BIG_UNIT_US + READ_UNIT_US);
  rig_pass(r, 1000);
  assert_true(remaining(r) > BIG_ERASE_US);
  assert_all_done(r);
}

// The rest of a block that comes when its erase is over: the host, told that it needs
// another, would sleep while the flash has nothing to do.
static void the_rest_of_an_erased_block_needs_no_erase(void **state) {
  struct writer_rig *r = *state;
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    const uint32_t unit = medium == RIG_BIG ? BIG_UNIT_US : NOR_UNIT_US;
    rig_wipe(r, medium, 0x4000);
    rig_send_new(r, medium, 0x4000, 3 * 4096);
    until_busy(r, medium);
    while (r->media[medium].busy)
      writer_rig_poll(r);
    until_busy(r, medium);
    rig_send_new(r, medium, 0x7000, 4096);
    assert_in_range(remaining(r), 3 * unit, 4 * (unit + READ_UNIT_US));
    assert_all_done(r);
  }
}

static void the_erase_of_a_block_counts_once_whatever_the_order(void **state) {
  struct writer_rig *r = *state;
  for (uint32_t unit = 0; unit < 3; unit++) {
    for (uint32_t block = 1; block < 4; block++)
      rig_send_new(r, RIG_NOR, block * RIG_BLOCK + unit * 4096, 4096);
  }
  assert_in_range(remaining(r), 3 * NOR_ERASE_US + 9 * NOR_UNIT_US,
                  3 * NOR_ERASE_US + 9 * (NOR_UNIT_US + READ_UNIT_US));
  assert_all_done(r);
}

static void two_media_remain_as_long_as_the_slower(void **state) {
  struct writer_rig *r = *state;
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  const uint32_t alone = remaining(r);
  rig_send_new(r, RIG_NOR, 0x4000, 4096);
  assert_int_equal(remaining(r), alone);
  assert_all_done(r);
}

static void a_noted_erase_remains_only_when_it_is_to_be_carried_out(void **state) {
  struct writer_rig *r = *state;
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_wipe(r, RIG_BIG, 0x8000);
  assert_int_equal(remaining(r), 0);
  writer_flush(&r->writer);
  assert_int_equal(remaining(r), 2 * BIG_ERASE_US);
  assert_all_done(r);
  assert_int_equal(remaining(r), 0);
}

static void what_was_compared_needs_no_erase_any_more(void **state) {
  struct writer_rig *r = *state;
  memset(r->media[RIG_BIG].bytes + 0x4000, 0xFF, RIG_BLOCK);
  writer_rig_take_as_is(r);
  rig_send_new(r, RIG_BIG, 0x4000, 2 * 4096);
  assert_true(remaining(r) > BIG_ERASE_US);
  until_busy(r, RIG_BIG);
  assert_true(remaining(r) > BIG_UNIT_US);
  assert_all_done(r);
}

static void an_operation_in_progress_shrinks_by_the_time_that_passes(void **state) {
  struct writer_rig *r = *state;
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  until_busy(r, RIG_BIG);
  const uint32_t whole = remaining(r);
  r->now_us += 70000;
  assert_int_equal(remaining(r), whole - 70000);
  r->now_us += BIG_ERASE_US - 70000 - 1;
  assert_int_equal(remaining(r), whole - BIG_ERASE_US + 1);
  assert_all_done(r);
}

// A host that is told 0 would come back at once, again and again.
static void an_operation_slower_than_typical_remains_a_sixteenth_more(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_BIG].typical = false;
  r->media[RIG_BIG].erase_us = 3 * BIG_ERASE_US;
  rig_wipe(r, RIG_BIG, 0x4000);
  writer_flush(&r->writer);
  until_busy(r, RIG_BIG);
  const uint32_t others = remaining(r) - BIG_ERASE_US;
  r->now_us += BIG_ERASE_US;
  assert_int_equal(remaining(r) - others, BIG_ERASE_US / 16 + 1);
  r->now_us += BIG_ERASE_US;
  assert_int_equal(remaining(r) - others, BIG_ERASE_US / 16 + 1);
  assert_all_done(r);
}

// At each moment of two blocks and the one kept: as long as it takes but for the reads
// (no time here, 200 us per unit told, a few steps of the clock), and shrinking but for
// an operation's end that is a step late.
static void what_remains_is_honest_and_shrinks(void **state) {
  struct writer_rig *r = *state;
  enum { MOMENTS = 8000, READS_US = 3000 };
  static uint32_t at[MOMENTS], told[MOMENTS];
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    const uint32_t erase_us = writer_rig_geometry[medium].runs[0].erase_us;
    const uint32_t late = erase_us / 16 + 1;
    rig_wipe(r, medium, 0x4000);
    rig_send_new(r, medium, 0x4000, RIG_BLOCK);
    rig_wipe(r, medium, 0x8000);
    rig_send_new(r, medium, 0x8000, RIG_BLOCK);
    writer_flush(&r->writer);
    unsigned n = 0;
    for (; !writer_settled(&r->writer); n += n + 1 < MOMENTS) {
      at[n] = r->now_us;
      told[n] = remaining(r);
      assert_true(told[n] > 0);
      writer_rig_poll(r);
    }
    assert_in_range(n, 100, MOMENTS - 2);
    for (unsigned i = 0; i < n; i++) {
      const uint32_t took = r->now_us - at[i];
      assert_true(told[i] + READS_US > took);
      assert_true(told[i] < took + READS_US + late);
      if (i) assert_true(told[i] <= told[i - 1] + late);
    }
    assert_flash(r);
  }
}

// --- how much is taken ---

// Offers blocks as long as the writer does not say that it is behind.
static uint32_t take_all(struct writer_rig *r, int medium, uint32_t from,
                         uint32_t end) {
  uint8_t data[4096];
  uint32_t at = from;
  for (; at < end && !behind(r, medium); at += 4096) {
    for (uint32_t i = 0; i < sizeof data; i++)
      data[i] = writer_rig_new(at + i);
    if (!writer_write(&r->writer, writer_rig_medium(r, medium), at, data, 4096)) break;
    memcpy(r->want[medium] + at, data, 4096);
  }
  return at;
}

// The slots would hold more than a second's work: one block in each of four.
static void no_more_than_a_second_is_taken_at_once(void **state) {
  struct writer_rig *r = *state;
  struct media_geometry *g = &r->media[RIG_NOR].media.geometry;
  g->runs[0].erase_us = 450000;
  g->erase_count = 0;
  uint8_t data[4096] = {0};
  const struct media *nor = writer_rig_medium(r, RIG_NOR);
  unsigned blocks = 0;
  while (!behind(r, RIG_NOR)) {
    const uint32_t at = blocks * RIG_BLOCK;
    assert_true(writer_write(&r->writer, nor, at, data, sizeof data));
    memcpy(r->want[RIG_NOR] + at, data, sizeof data);
    blocks++;
  }
  assert_int_equal(blocks, 3);  // the third went beyond
  const uint32_t wait = behind(r, RIG_NOR);
  assert_int_equal(remaining(r), WRITER_BEHIND_US + wait);
  assert_true(writer_behind(&r->writer, nor));
  assert_int_equal(behind(r, RIG_BIG), 0);  // the other is not
  assert_true(time_to_settle(r) <= 3 * (450000 + 4 * (NOR_UNIT_US + READ_UNIT_US)));
  assert_flash(r);
}

// Whoever offers blocks only when told to waits no longer than he was told, and after
// each the rest takes no longer than a second, an erase and a unit beyond the
// operation.
static void accepted_work_is_bounded_whenever_the_host_stops(void **state) {
  struct writer_rig *r = *state;
  for (uint32_t stop = 0x8000; stop <= RIG_BIG_SIZE; stop += 0x4000) {
    writer_rig_make_old(r);
    for (uint32_t at = RIG_KEPT; at < stop; at += RIG_BLOCK)
      rig_wipe(r, RIG_BIG, at);
    uint32_t at = RIG_KEPT;
    while ((at = take_all(r, RIG_BIG, at, stop)) < stop)
      writer_rig_poll(r);
    const bool operating = r->media[RIG_BIG].busy;
    const uint32_t took = time_to_settle(r);
    assert_true(took <= WRITER_BEHIND_US + BIG_ERASE_US + BIG_UNIT_US + READ_UNIT_US +
                            (operating ? BIG_ERASE_US : 0));
    assert_flash(r);
  }
}

// A host that sleeps as long as it is told, 1 ms at least, until it is not behind: it
// does not oversleep so that the flash would have less than a second's work, or so that
// slots would stay free. How often it asked.
static unsigned wait_as_told(struct writer_rig *r, int medium) {
  uint32_t free_us = 0;
  unsigned asked = 0;
  for (; behind(r, medium); asked++) {
    const uint32_t told = behind(r, medium), from = r->now_us;
    free_us = 0;
    while (r->now_us - from < (told > 1000 ? told : 1000)) {
      writer_rig_poll(r);
      if (!free_us && !behind(r, medium)) free_us = r->now_us;
    }
  }
  const bool soon = !free_us || r->now_us - free_us <= NOR_UNIT_US;
  if (asked) assert_true(soon || remaining(r) + 2 * NOR_UNIT_US >= WRITER_BEHIND_US);
  return asked;
}

// Because the slots are full, or the work goes beyond a second.
static void it_is_behind_no_longer_than_it_said(void **state) {
  struct writer_rig *r = *state;
  for (int slow = 0; slow < 2; slow++) {
    writer_rig_make_old(r);
    if (slow) {
      r->media[RIG_NOR].media.geometry.runs[0].erase_us = 450000;
      r->media[RIG_NOR].media.geometry.erase_count = 0;
    }
    unsigned waits = 0;
    uint32_t at = 0;
    while ((at = take_all(r, RIG_NOR, at, RIG_NOR_SIZE)) < RIG_NOR_SIZE) {
      const unsigned asked = wait_as_told(r, RIG_NOR);
      assert_true(asked <= 4);
      waits += asked > 0;
      writer_rig_poll(r);  // what is worked on may be refused without being behind
    }
    assert_true(waits > 3);
    assert_all_done(r);
  }
}

// Room for one unit at least stays free, for the log.
static void it_is_behind_when_the_slots_are_full(void **state) {
  struct writer_rig *r = *state;
  const uint32_t taken = take_all(r, RIG_NOR, 0, RIG_NOR_SIZE);
  assert_int_equal(taken, (RIG_SLOTS - 1) * 4096);
  assert_true(behind(r, RIG_NOR) > 0);
  assert_true(behind(r, RIG_BIG) > 0);
  until_busy(r, RIG_NOR);
  assert_in_range(behind(r, RIG_NOR), NOR_ERASE_US - 1000, NOR_ERASE_US + 1);
  assert_all_done(r);
}

static void a_failure_is_waited_for_as_being_behind(void **state) {
  struct writer_rig *r = *state;
  ram_medium_fail(&r->media[RIG_NOR], RAM_READ, 1, ST_BUS_TIMEOUT);
  rig_send_new(r, RIG_NOR, 0x4000, 4096);
  while (r->writer.result.status == ST_OK)
    writer_rig_poll(r);
  assert_int_equal(behind(r, RIG_NOR), 1);
  assert_int_equal(remaining(r), 0);
  writer_take_result(&r->writer);
  assert_int_equal(behind(r, RIG_NOR), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      typical_test(nothing_remains_of_no_work),
      typical_test(a_block_remains_with_its_erase_and_its_program),
      typical_test(a_block_is_thought_to_be_like_the_one_before),
      typical_test(the_rest_of_an_erased_block_needs_no_erase),
      typical_test(the_erase_of_a_block_counts_once_whatever_the_order),
      typical_test(two_media_remain_as_long_as_the_slower),
      typical_test(a_noted_erase_remains_only_when_it_is_to_be_carried_out),
      typical_test(what_was_compared_needs_no_erase_any_more),
      typical_test(an_operation_in_progress_shrinks_by_the_time_that_passes),
      typical_test(an_operation_slower_than_typical_remains_a_sixteenth_more),
      typical_test(what_remains_is_honest_and_shrinks),
      typical_test(no_more_than_a_second_is_taken_at_once),
      typical_test(accepted_work_is_bounded_whenever_the_host_stops),
      typical_test(it_is_behind_no_longer_than_it_said),
      typical_test(it_is_behind_when_the_slots_are_full),
      typical_test(a_failure_is_waited_for_as_being_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
