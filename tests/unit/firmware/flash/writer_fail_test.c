// SPDX-License-Identifier: MIT
// The writer: how each failure of a medium is told, and that nothing else comes of it.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

struct fault {
  enum ram_step step;
  uint32_t countdown;
  enum status status;
  uint32_t offset;  // where
  bool erasing;
};

static void settle(struct writer_rig *r) {
  for (unsigned n = 0; !writer_settled(&r->writer); n++) {
    assert_true(n < 10000);
    writer_rig_poll(r);
  }
}

// All that was taken is dropped, and the writer works as before.
static void assert_usable(struct writer_rig *r) {
  settle(r);
  writer_rig_take_as_is(r);
  const uint32_t logged = r->media[RIG_BIG].logged + r->media[RIG_NOR].logged;
  for (int medium = 0; medium < RIG_MEDIA; medium++)
    assert_read(r, medium, 0, writer_rig_geometry[medium].size);
  assert_all_done(r);
  assert_int_equal(r->media[RIG_BIG].logged + r->media[RIG_NOR].logged, logged);
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    rig_wipe(r, medium, 0x8000);
    rig_send_new(r, medium, 0x7654, 5000);
  }
  assert_all_done(r);
}

static void assert_fault(struct writer_rig *r, int medium, const struct fault *f) {
  const struct writer_result result = writer_rig_finish(r);
  assert_result(result, f->status, writer_rig_geometry[medium].base + f->offset);
  assert_int_equal(result.erasing, f->erasing);
  assert_int_equal(r->media[medium].fail[f->step].countdown, 0);
  assert_usable(r);
  writer_rig_forget_log(r);
}

static void arm(struct writer_rig *r, int medium, const struct fault *f) {
  writer_rig_make_old(r);
  ram_medium_fail(&r->media[medium], f->step, f->countdown, f->status);
}

// --- each step of each kind of work ---

static void each_failure_of_an_erase_with_data_is_told(void **state) {
  struct writer_rig *r = *state;
  static const struct fault faults[] = {
      {RAM_READ, 1, ST_BUS_TIMEOUT, 0x8000, false},  // comparing
      {RAM_READ, 4, ST_FLASH_TIMEOUT, 0x8C00, false},
      {RAM_READ, 5, ST_BUS_TIMEOUT, 0x9000, true},  // surveying
      {RAM_READ, 7, ST_BUS_TIMEOUT, 0xB000, true},
      {RAM_ERASE_START, 1, ST_FLASH_LOCKED, 0x8000, true},
      {RAM_ERASE_START, 1, ST_BUS_TIMEOUT, 0x8000, true},
      {RAM_ERASE_END, 1, ST_ERASE_FAILED, 0x8000, true},
      {RAM_ERASE_END, 1, ST_FLASH_TIMEOUT, 0x8000, true},
      {RAM_ERASE_END, 1, ST_FLASH_PROTECTED, 0x8000, true},
      {RAM_READ, 8, ST_BUS_TIMEOUT, 0x8000, true},  // checking
      {RAM_READ, 23, ST_FLASH_TIMEOUT, 0xBC00, true},
      {RAM_PROGRAM_START, 1, ST_FLASH_LOCKED, 0x8000, false},
      {RAM_PROGRAM_START, 1, ST_BUS_TIMEOUT, 0x8000, false},
      {RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED, 0x8000, false},
      {RAM_PROGRAM_END, 1, ST_FLASH_TIMEOUT, 0x8000, false},
      {RAM_PROGRAM_END, 1, ST_FLASH_PROTECTED, 0x8000, false},
      {RAM_READ, 24, ST_BUS_TIMEOUT, 0x8000, false},  // verifying
      {RAM_READ, 26, ST_BUS_TIMEOUT, 0x8800, false},
  };
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    arm(r, RIG_NOR, &faults[i]);
    rig_wipe(r, RIG_NOR, 0x8000);
    rig_send_new(r, RIG_NOR, 0x8000, 4096);
    assert_fault(r, RIG_NOR, &faults[i]);
  }
}

static void each_failure_of_data_without_an_erase_is_told(void **state) {
  struct writer_rig *r = *state;
  static const struct fault faults[] = {
      {RAM_READ, 1, ST_BUS_TIMEOUT, 0x5000, false},  // the rest of the unit
      {RAM_READ, 3, ST_BUS_TIMEOUT, 0x5400, false},  // comparing
      {RAM_READ, 6, ST_BUS_TIMEOUT, 0x4000, true},   // surveying
      {RAM_READ, 8, ST_BUS_TIMEOUT, 0x7000, true},
      {RAM_READ, 9, ST_BUS_TIMEOUT, 0x4000, true},  // keeping
      {RAM_READ, 12, ST_FLASH_TIMEOUT, 0x4C00, true},
      {RAM_READ, 20, ST_BUS_TIMEOUT, 0x7C00, true},
      {RAM_ERASE_START, 1, ST_FLASH_LOCKED, 0x4000, true},
      {RAM_ERASE_END, 1, ST_ERASE_FAILED, 0x4000, true},
      {RAM_READ, 21, ST_BUS_TIMEOUT, 0x4000, true},  // checking
      {RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED, 0x5000, false},
      {RAM_PROGRAM_END, 2, ST_PROGRAM_FAILED, 0x4000, false},  // what was kept
      {RAM_PROGRAM_END, 4, ST_PROGRAM_FAILED, 0x7000, false},
      {RAM_READ, 52, ST_BUS_TIMEOUT, 0x7C00, false},  // verifying
  };
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    arm(r, RIG_BIG, &faults[i]);
    rig_send_new(r, RIG_BIG, 0x5010, 300);
    assert_fault(r, RIG_BIG, &faults[i]);
  }
}

static void each_failure_of_an_erase_alone_is_told(void **state) {
  struct writer_rig *r = *state;
  static const struct fault faults[] = {
      {RAM_READ, 1, ST_BUS_TIMEOUT, 0x8000, true},  // is it blank already?
      {RAM_ERASE_START, 1, ST_FLASH_LOCKED, 0x8000, true},
      {RAM_ERASE_END, 1, ST_ERASE_FAILED, 0x8000, true},
      {RAM_READ, 5, ST_BUS_TIMEOUT, 0x8000, true},  // checking
      {RAM_READ, 20, ST_BUS_TIMEOUT, 0xBC00, true},
      {RAM_ERASE_END, 2, ST_ERASE_FAILED, 0xC000, true},
  };
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    arm(r, RIG_BIG, &faults[i]);
    rig_wipe(r, RIG_BIG, 0xC000);
    rig_wipe(r, RIG_BIG, 0x8000);
    assert_fault(r, RIG_BIG, &faults[i]);
  }
}

static void a_failure_of_the_second_program_of_a_unit_has_its_own_address(
    void **state) {
  struct writer_rig *r = *state;
  const struct fault fault = {RAM_PROGRAM_END, 2, ST_PROGRAM_FAILED, 0x7500, false};
  uint8_t data[4096];
  memset(data, 0xFF, sizeof data);
  data[0] = data[0x5FF] = 0;
  ram_medium_fail(&r->media[RIG_NOR], fault.step, fault.countdown, fault.status);
  rig_send(r, RIG_NOR, 0x7000, data, sizeof data);
  assert_fault(r, RIG_NOR, &fault);
}

static void a_failure_while_a_distrusted_unit_is_read_again_is_told(void **state) {
  struct writer_rig *r = *state;
  const struct fault fault = {RAM_READ, 1, ST_BUS_TIMEOUT, 0x9000, false};
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  rig_send_same(r, RIG_NOR, 0x9000, 4096);
  rig_pass(r, 1000);
  arm(r, RIG_NOR, &fault);
  assert_fault(r, RIG_NOR, &fault);
}

// --- bad cells ---

static void what_an_erase_left_behind_is_found(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t cells[] = {0x8000, 0x8001, 0x83FF, 0x8400, 0xBFFE, 0xBFFF};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
    writer_rig_make_old(r);
    r->media[RIG_BIG].stuck.offset = cells[i];
    r->media[RIG_BIG].stuck.low = 0x10;
    rig_wipe(r, RIG_BIG, 0x8000);
    const struct writer_result result = writer_rig_finish(r);
    assert_result(result, ST_ERASE_FAILED, RIG_BIG_BASE + cells[i]);
    assert_true(result.erasing);
    r->media[RIG_BIG].stuck.low = 0;
    assert_usable(r);
  }
}

static void a_bit_that_does_not_stay_is_found_by_its_exact_address(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t at[] = {0, 1, 1023, 1024, 3000, 4095};
  static uint8_t data[4096];
  memset(data, 0xF0, sizeof data);
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    memset(r->media[RIG_NOR].bytes, 0xFF, RIG_NOR_SIZE);
    r->media[RIG_NOR].stuck.offset = 0x3000 + at[i];
    r->media[RIG_NOR].stuck.high = 0x02;
    rig_send(r, RIG_NOR, 0x3000, data, sizeof data);
    const struct writer_result result = writer_rig_finish(r);
    assert_result(result, ST_VERIFY_FAILED, RIG_NOR_BASE + 0x3000 + at[i]);
    assert_false(result.erasing);
    r->media[RIG_NOR].stuck.high = 0;
    assert_usable(r);
  }
}

// --- what else comes of it ---

static void a_failure_is_told_once_and_until_then_nothing_is_taken(void **state) {
  struct writer_rig *r = *state;
  struct writer *w = &r->writer;
  uint8_t byte = 0;
  writer_rig_make_old(r);
  ram_medium_fail(&r->media[RIG_NOR], RAM_ERASE_START, 1, ST_FLASH_LOCKED);
  rig_send_new(r, RIG_NOR, 0x4000, 4096);
  writer_flush(w);
  settle(r);
  for (int i = 0; i < RIG_MEDIA; i++) {
    const struct media *m = writer_rig_medium(r, i);
    assert_false(writer_write(w, m, 0x4000, &byte, 1));
    assert_false(writer_erase(w, m, 0x4000));
    assert_false(writer_mass_erase(w, m));
    assert_true(writer_behind(w, m));
  }
  assert_result(writer_take_result(w), ST_FLASH_LOCKED, RIG_NOR_BASE + 0x4000);
  assert_result(writer_take_result(w), ST_OK, 0);
  assert_usable(r);
}

static void all_that_was_taken_for_both_media_is_dropped(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  ram_medium_fail(&r->media[RIG_NOR], RAM_READ, 4, ST_BUS_TIMEOUT);
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_wipe(r, RIG_NOR, 0x14000);
  rig_send_new(r, RIG_BIG, 0x9000, 4096);
  rig_send_new(r, RIG_NOR, 0x9000, 4096);
  const struct writer_result result = writer_rig_finish(r);
  assert_result(result, ST_BUS_TIMEOUT, RIG_NOR_BASE + 0x9C00);
  assert_untouched(r);
  assert_usable(r);
}

// At its start, or when some of it is there: the place is what was wanted next.
static void a_fetch_that_fails_is_told(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    uint32_t countdown, place;
  } cases[] = {{1, 0x9000}, {2, 0x9000}, {4, 0x9000}, {5, 0x9400}, {7, 0x9800}};
  ram_medium_fetches(&r->media[RIG_NOR]);
  writer_rig_make_old(r);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ram_medium_fail(&r->media[RIG_NOR], RAM_READ, cases[i].countdown, ST_BUS_TIMEOUT);
    rig_send_new(r, RIG_NOR, 0x9000, 4096);
    const struct writer_result result = writer_rig_finish(r);
    assert_result(result, ST_BUS_TIMEOUT, RIG_NOR_BASE + cases[i].place);
    assert_untouched(r);
  }
  assert_usable(r);
}

static void a_mass_erase_that_waits_is_dropped_too(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  r->writer.gate = false;
  writer_rig_mass_erase(r, RIG_BIG);
  rig_pass(r, 1000);
  assert_true(r->writer.wants_change);
  ram_medium_fail(&r->media[RIG_NOR], RAM_READ, 1, ST_BUS_TIMEOUT);
  rig_send_new(r, RIG_NOR, 0x9000, 4096);
  const struct writer_result result = writer_rig_finish(r);
  assert_result(result, ST_BUS_TIMEOUT, RIG_NOR_BASE + 0x9000);
  assert_false(result.erasing);
  assert_false(r->writer.wants_change);
  r->writer.gate = true;
  assert_untouched(r);
  assert_usable(r);
}

// Its operation in progress, good or bad, ends, even after the failure was told;
// nothing follows it, be it the rest of its unit, and no slot is lost.
static void the_other_mediums_operation_in_progress_is_its_last(void **state) {
  struct writer_rig *r = *state;
  uint8_t data[4096];
  memset(data, 0xFF, sizeof data);
  data[0] = data[4095] = 0x80;  // two programs
  for (int kind = 0; kind < 4; kind++) {
    const bool erase = kind & 1, bad = kind & 2;
    writer_rig_make_old(r);
    if (!erase) memset(r->media[RIG_BIG].bytes + 0x4000, 0xFF, RIG_BLOCK);
    r->media[RIG_BIG].erase_us = r->media[RIG_BIG].program_us = 300000;
    rig_send(r, RIG_BIG, 0x4000, data, sizeof data);
    rig_send(r, RIG_BIG, 0x5000, data, sizeof data);
    while (!r->media[RIG_BIG].busy)
      writer_rig_poll(r);
    ram_medium_fail(&r->media[RIG_NOR], RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
    if (bad) {
      ram_medium_fail(&r->media[RIG_BIG], RAM_ERASE_END, 1, ST_ERASE_FAILED);
      ram_medium_fail(&r->media[RIG_BIG], RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
    }
    rig_send_new(r, RIG_NOR, 0x9000, 4096);
    writer_flush(&r->writer);
    while (r->writer.result.status == ST_OK)
      writer_rig_poll(r);
    assert_result(writer_take_result(&r->writer), ST_PROGRAM_FAILED,
                  RIG_NOR_BASE + 0x9000);
    assert_true(r->media[RIG_BIG].busy);
    assert_false(writer_settled(&r->writer));
    assert_false(writer_idle(&r->writer, writer_rig_medium(r, RIG_BIG)));
    settle(r);
    assert_false(r->media[RIG_BIG].busy);
    assert_int_equal(r->media[RIG_BIG].logged, 1);
    assert_result(writer_take_result(&r->writer), ST_OK, 0);
    memset(r->media[RIG_BIG].fail, 0, sizeof r->media[RIG_BIG].fail);
    r->media[RIG_BIG].erase_us = r->media[RIG_BIG].program_us = 1000;
    assert_int_equal(r->writer.used, 0);
    assert_usable(r);
    writer_rig_forget_log(r);
  }
}

// New work is taken while that last operation still runs.
static void work_behind_the_last_operation_of_dropped_work_is_done(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  r->media[RIG_BIG].erase_us = 300000;
  rig_send_new(r, RIG_BIG, 0x4000, 8192);
  while (!r->media[RIG_BIG].busy)
    writer_rig_poll(r);
  ram_medium_fail(&r->media[RIG_NOR], RAM_READ, 1, ST_BUS_TIMEOUT);
  rig_send_new(r, RIG_NOR, 0x9000, 4096);
  while (r->writer.result.status == ST_OK)
    writer_rig_poll(r);
  writer_take_result(&r->writer);
  assert_true(r->media[RIG_BIG].busy);
  writer_rig_take_as_is(r);
  memset(r->want[RIG_BIG] + 0x4000, 0xFF, RIG_BLOCK);  // by the operation in progress
  rig_send_new(r, RIG_BIG, 0x8000, 4096);
  rig_send_new(r, RIG_NOR, 0x9000, 4096);
  assert_all_done(r);
}

// What a flush would have done besides is not waited for: the gate stays closed.
static void a_failure_ends_the_flush(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  r->writer.gate = false;
  writer_distrust(&r->writer);
  rig_send_same(r, RIG_NOR, 0x9000, 4096);
  rig_pass(r, 1000);
  ram_medium_fail(&r->media[RIG_BIG], RAM_READ, 1, ST_BUS_TIMEOUT);
  rig_send_same(r, RIG_BIG, 0x9000, 4096);
  assert_result(writer_rig_finish(r), ST_BUS_TIMEOUT, RIG_BIG_BASE + 0x9000);
  assert_untouched(r);
  r->writer.gate = true;
  rig_send_new(r, RIG_BIG, 0x9000, 4096);
  assert_all_done(r);  // and what is not trusted made again
  assert_true(r->media[RIG_NOR].logged > 0);
}

static void a_failure_of_the_record_is_told_by_its_place(void **state) {
  struct writer_rig *r = *state;
  memset(r->media[RIG_BIG].bytes, 0xFF, RIG_KEPT);
  static const uint8_t record[32] = {1};
  r->writer.gate = false;
  rig_send_new(r, RIG_NOR, 0x9000, 4096);
  ram_medium_fail(&r->media[RIG_BIG], RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  assert_true(writer_write_now(&r->writer, writer_rig_medium(r, RIG_BIG), 0x20, record,
                               sizeof record));
  assert_result(writer_rig_finish(r), ST_PROGRAM_FAILED, RIG_BIG_BASE);
  assert_int_equal(r->media[RIG_NOR].logged, 0);
  ram_medium_fail(&r->media[RIG_BIG], RAM_ERASE_END, 1, ST_ERASE_FAILED);
  assert_true(writer_erase_now(&r->writer, writer_rig_medium(r, RIG_BIG), 0));
  const struct writer_result result = writer_rig_finish(r);
  assert_result(result, ST_ERASE_FAILED, RIG_BIG_BASE);
  assert_true(result.erasing);
  r->writer.gate = true;
  assert_usable(r);
}

// --- supply ---

static void nothing_is_begun_below_the_supply_limit(void **state) {
  struct writer_rig *r = *state;
  for (int kind = 0; kind < 8; kind++) {
    const bool erase = kind & 1;
    writer_rig_make_old(r);
    if (!erase) memset(r->media[RIG_NOR].bytes + 0x4000, 0xFF, RIG_BLOCK);
    r->writer.gate = !(kind & 2);  // the record is not begun either
    writer_rig_supply = false;
    if (kind & 4) rig_wipe(r, RIG_NOR, 0x4000);
    rig_send_new(r, RIG_NOR, 0x5010, 4096);
    const struct writer_result result = writer_rig_finish(r);
    const uint32_t at = kind == 5 ? 0x4000 : 0x5000;  // the large erase's
    assert_result(result, ST_SUPPLY_LOW, RIG_NOR_BASE + at);
    assert_int_equal(result.erasing, kind == 1 || kind == 5);
    assert_false(r->writer.wants_change);
    assert_untouched(r);
    writer_rig_supply = r->writer.gate = true;
    assert_usable(r);
    writer_rig_forget_log(r);
  }
}

static void an_erase_alone_or_of_all_is_not_begun_below_the_limit(void **state) {
  struct writer_rig *r = *state;
  for (int kind = 0; kind < 4; kind++) {
    writer_rig_make_old(r);
    writer_rig_supply = false;
    r->writer.gate = kind & 1;
    if (kind & 2) writer_rig_mass_erase(r, RIG_BIG);
    if (!(kind & 2)) rig_wipe(r, RIG_BIG, 0x4000);
    const struct writer_result result = writer_rig_finish(r);
    // The gate's is asked for a whole medium by its start.
    assert_result(result, ST_SUPPLY_LOW, RIG_BIG_BASE + (kind == 2 ? 0 : 0x4000));
    assert_true(result.erasing);
    assert_untouched(r);
    writer_rig_supply = r->writer.gate = true;
    assert_usable(r);
    writer_rig_forget_log(r);
  }
}

static void a_supply_that_drops_stops_at_the_next_operation(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_send_new(r, RIG_NOR, 0x4000, 3 * 4096);
  while (writer_rig_count(r, RIG_NOR, false) < 2)
    writer_rig_poll(r);
  writer_rig_supply = false;
  const uint32_t begun = r->media[RIG_NOR].logged;
  assert_result(writer_rig_finish(r), ST_SUPPLY_LOW, RIG_NOR_BASE + 0x6000);
  assert_int_equal(r->media[RIG_NOR].logged, begun);
  writer_rig_supply = true;
  assert_usable(r);
}

// Nothing is to be changed: nobody asks for the supply.
static void identical_data_need_no_supply(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_rig_supply = false;
  rig_send_same(r, RIG_BIG, 0x4000, RIG_BLOCK);
  assert_all_done(r);
}

// A block larger than what can be kept, where nobody erased.
static void a_block_that_is_too_large_to_keep_is_refused_by_its_address(void **state) {
  struct writer_rig *r = *state;
  struct media_geometry *g = &r->media[RIG_NOR].media.geometry;
  g->runs[0] = (struct media_run){RIG_NOR_SIZE, 1, true, 60000};
  g->erase_count = 0;
  writer_rig_make_old(r);
  rig_send_new(r, RIG_NOR, 0x5000, 4096);
  assert_result(writer_rig_finish(r), ST_NOT_ERASED, RIG_NOR_BASE + 0x5000);
  assert_untouched(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(each_failure_of_an_erase_with_data_is_told),
      writer_rig_test(each_failure_of_data_without_an_erase_is_told),
      writer_rig_test(each_failure_of_an_erase_alone_is_told),
      writer_rig_test(a_failure_of_the_second_program_of_a_unit_has_its_own_address),
      writer_rig_test(a_failure_while_a_distrusted_unit_is_read_again_is_told),
      writer_rig_test(what_an_erase_left_behind_is_found),
      writer_rig_test(a_bit_that_does_not_stay_is_found_by_its_exact_address),
      writer_rig_test(a_failure_is_told_once_and_until_then_nothing_is_taken),
      writer_rig_test(all_that_was_taken_for_both_media_is_dropped),
      writer_rig_test(a_fetch_that_fails_is_told),
      writer_rig_test(a_mass_erase_that_waits_is_dropped_too),
      writer_rig_test(the_other_mediums_operation_in_progress_is_its_last),
      writer_rig_test(work_behind_the_last_operation_of_dropped_work_is_done),
      writer_rig_test(a_failure_ends_the_flush),
      writer_rig_test(a_failure_of_the_record_is_told_by_its_place),
      writer_rig_test(nothing_is_begun_below_the_supply_limit),
      writer_rig_test(an_erase_alone_or_of_all_is_not_begun_below_the_limit),
      writer_rig_test(a_supply_that_drops_stops_at_the_next_operation),
      writer_rig_test(identical_data_need_no_supply),
      writer_rig_test(a_block_that_is_too_large_to_keep_is_refused_by_its_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
