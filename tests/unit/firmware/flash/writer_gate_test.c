// SPDX-License-Identifier: MIT
// The gate, and what passes it: nothing is changed before "updating" is on record, and
// the record always gets through.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

enum { LOG = 0, LOG_PLACE = 0x0120, RECORD = 32 };

static const uint8_t record[RECORD] = "a record of the state log";

// The log lies where no update writes; `what` is there now.
static void make_log(struct writer_rig *r, uint8_t what) {
  memset(r->media[RIG_BIG].bytes + LOG, what, RIG_KEPT);
  memset(r->want[RIG_BIG] + LOG, what, RIG_KEPT);
}

static const struct media *log_medium(const struct writer_rig *r) {
  return writer_rig_medium(r, RIG_BIG);
}

static void until_idle(struct writer_rig *r) {
  for (unsigned n = 0; !writer_idle(&r->writer, log_medium(r)); n++) {
    assert_true(n < 10000);
    writer_rig_poll(r);
  }
}

static bool offer_record(struct writer_rig *r) {
  return writer_write_now(&r->writer, log_medium(r), LOG_PLACE, record, RECORD);
}

static void put_record(struct writer_rig *r) {
  assert_true(offer_record(r));
  memcpy(r->want[RIG_BIG] + LOG_PLACE, record, RECORD);
  assert_false(writer_idle(&r->writer, log_medium(r)));
  until_idle(r);
  assert_int_equal(r->writer.result.status, ST_OK);
  assert_memory_equal(r->media[RIG_BIG].bytes + LOG_PLACE, record, RECORD);
}

// --- closed ---

static void nothing_is_changed_before_the_gate_opens(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  r->writer.gate = false;
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    rig_wipe(r, medium, 0x4000);
    rig_send_new(r, medium, 0x4000, 8192);
    rig_wipe(r, medium, 0x8000);
  }
  writer_flush(&r->writer);
  rig_pass(r, 3000000);
  assert_untouched(r);
  assert_true(r->writer.wants_change);
  assert_false(writer_settled(&r->writer));
  r->writer.gate = true;
  assert_all_done(r);
}

static void each_kind_of_change_asks_for_the_gate(void **state) {
  struct writer_rig *r = *state;
  for (int kind = 0; kind < 5; kind++) {
    writer_rig_make_old(r);
    memset(r->media[RIG_NOR].bytes + 0x8000, 0xFF, RIG_BLOCK);
    writer_rig_take_as_is(r);
    r->writer.gate = r->writer.wants_change = false;
    if (kind == 0) rig_send_new(r, RIG_NOR, 0x8000, 4096);  // onto blank
    if (kind == 1) rig_send_new(r, RIG_NOR, 0x4000, 4096);  // with an erase
    if (kind == 2) rig_wipe(r, RIG_NOR, 0x4000);            // an erase alone
    if (kind == 3) writer_rig_mass_erase(r, RIG_NOR);
    if (kind == 4) {  // what reads right, but is not trusted
      writer_distrust(&r->writer);
      rig_send_same(r, RIG_NOR, 0x4000, 4096);
    }
    rig_pass(r, 100000);
    assert_int_equal(r->writer.wants_change, kind != 2 && kind != 4);
    writer_flush(&r->writer);
    rig_pass(r, 1000000);
    assert_true(r->writer.wants_change);
    assert_untouched(r);
    r->writer.gate = true;
    assert_int_equal(writer_rig_finish(r).status, ST_OK);
    assert_true(r->media[RIG_NOR].logged > 0);
    writer_rig_forget_log(r);
  }
}

static void what_changes_nothing_does_not_ask_for_the_gate(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  memset(r->media[RIG_NOR].bytes + 0x8000, 0xFF, RIG_BLOCK);
  writer_rig_take_as_is(r);
  r->writer.gate = false;
  rig_send_same(r, RIG_NOR, 0, RIG_NOR_SIZE);
  rig_wipe(r, RIG_NOR, 0x8000);
  assert_all_done(r);
  assert_false(r->writer.wants_change);
  assert_untouched(r);
}

// --- the record ---

static void the_record_passes_the_closed_gate_ahead_of_what_waits(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  make_log(r, 0xFF);
  r->writer.gate = false;
  rig_send_new(r, RIG_BIG, 0x4000, 5 * 4096);
  rig_pass(r, 100000);
  put_record(r);
  assert_programs(r, RIG_BIG, {LOG + 0x100, 256});
  assert_int_equal(writer_rig_count(r, RIG_BIG, true), 0);
  r->writer.gate = true;
  assert_all_done(r);
}

static void the_record_goes_ahead_of_what_waits_behind_the_open_gate(void **state) {
  struct writer_rig *r = *state;
  make_log(r, 0xFF);
  rig_send_new(r, RIG_BIG, 0x4000, 4 * 4096);
  put_record(r);
  assert_int_equal(r->media[RIG_BIG].log[0].offset / RIG_BLOCK, LOG);
  assert_int_equal(r->media[RIG_BIG].logged, 1);
  assert_all_done(r);
}

static void the_logs_erase_passes_the_closed_gate_ahead_of_what_waits(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  r->writer.gate = false;
  rig_send_new(r, RIG_BIG, 0x4000, 4 * 4096);
  rig_pass(r, 100000);
  assert_true(writer_erase_now(&r->writer, log_medium(r), LOG));
  assert_false(writer_idle(&r->writer, log_medium(r)));
  until_idle(r);
  memset(r->want[RIG_BIG] + LOG, 0xFF, RIG_KEPT);
  assert_erases(r, RIG_BIG, {LOG, RIG_KEPT});
  put_record(r);
  assert_erases(r, RIG_BIG, {LOG, RIG_KEPT});
  r->writer.gate = true;
  assert_all_done(r);
}

static void the_log_waits_for_the_operation_in_progress_only(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  make_log(r, 0xFF);
  rig_send_new(r, RIG_BIG, 0x4000, 5 * 4096);
  while (!r->media[RIG_BIG].busy)
    writer_rig_poll(r);
  assert_false(writer_idle(&r->writer, log_medium(r)));
  assert_false(offer_record(r));
  assert_false(writer_erase_now(&r->writer, log_medium(r), LOG));
  until_idle(r);
  put_record(r);
  assert_int_equal(r->media[RIG_BIG].logged, 2);
  assert_all_done(r);
}

static void the_record_always_finds_room(void **state) {
  struct writer_rig *r = *state;
  uint8_t data[4096] = {0};
  for (int mode = 0; mode < 4; mode++) {  // bit 0: who is first, bit 1: distrusted
    writer_rig_make_old(r);
    make_log(r, 0xFF);
    writer_rig_forget_log(r);
    r->writer.gate = false;
    if (mode & 2) {
      writer_distrust(&r->writer);
      rig_send_same(r, RIG_NOR, 0, 4096);  // will be wanted again
      rig_send_same(r, RIG_BIG, 0x14000, 4096);
      rig_pass(r, 100000);
    }
    for (int i = 0; i < RIG_MEDIA; i++) {
      const int medium = mode & 1 ? i : !i;
      uint32_t at = 0x4000;
      while (writer_write(&r->writer, writer_rig_medium(r, medium), at, data, 4096)) {
        memcpy(r->want[medium] + at, data, 4096);
        at += 4096;
      }
    }
    rig_pass(r, 100000);
    put_record(r);
    r->writer.gate = true;
    assert_all_done(r);
  }
}

// The other's block waits for room while the gate was closed again behind it.
static void the_record_is_not_held_up_by_who_waits_for_room(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_NOR].erase_us = 500000;
  writer_rig_make_old(r);
  make_log(r, 0xFF);
  rig_send_new(r, RIG_NOR, 0, 2 * RIG_BLOCK);
  while (!r->media[RIG_NOR].busy)
    writer_rig_poll(r);
  rig_send_new(r, RIG_BIG, 0x9123, 1);
  rig_pass(r, 100000);
  assert_true(r->media[RIG_NOR].busy);
  assert_int_equal(r->media[RIG_BIG].logged, 0);
  r->writer.gate = false;
  put_record(r);
  assert_true(r->media[RIG_NOR].busy);
  r->writer.gate = true;
  assert_all_done(r);
}

static void a_mass_erase_waits_for_the_record_and_not_the_record_for_it(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  r->writer.gate = false;
  writer_rig_mass_erase(r, RIG_BIG);
  memset(r->want[RIG_BIG] + RIG_KEPT, 0xFF, RIG_BIG_SIZE - RIG_KEPT);
  rig_pass(r, 100000);
  assert_true(r->writer.wants_change);
  assert_true(writer_erase_now(&r->writer, log_medium(r), LOG));
  until_idle(r);
  memset(r->want[RIG_BIG] + LOG, 0xFF, RIG_KEPT);
  put_record(r);
  assert_erases(r, RIG_BIG, {LOG, RIG_KEPT});
  r->writer.gate = true;
  assert_all_done(r);
}

// The other medium's data asked for the record, and now this one is to be blank.
static void a_mass_erase_does_not_drop_the_record(void **state) {
  struct writer_rig *r = *state;
  for (unsigned polls = 0; polls < 40; polls++) {
    writer_rig_make_old(r);
    make_log(r, 0xFF);
    r->writer.gate = false;
    rig_send_new(r, RIG_NOR, 0x4000, 4096);
    rig_pass(r, 100000);
    assert_true(offer_record(r));
    for (unsigned i = 0; i < polls; i++)
      writer_rig_poll(r);
    writer_rig_mass_erase(r, RIG_BIG);
    until_idle(r);
    assert_memory_equal(r->media[RIG_BIG].bytes + LOG_PLACE, record, RECORD);
    r->writer.gate = true;
    assert_int_equal(writer_rig_finish(r).status, ST_OK);
  }
}

// A second writing of the log must not go over the first.
static void a_record_over_another_is_refused(void **state) {
  struct writer_rig *r = *state;
  make_log(r, 0x00);
  assert_true(offer_record(r));
  until_idle(r);
  assert_result(writer_take_result(&r->writer), ST_NOT_ERASED, RIG_BIG_BASE + LOG);
  assert_untouched(r);
}

static void a_record_can_be_read_before_it_is_written(void **state) {
  struct writer_rig *r = *state;
  make_log(r, 0xFF);
  assert_true(offer_record(r));
  memcpy(r->want[RIG_BIG] + LOG_PLACE, record, RECORD);
  assert_read(r, RIG_BIG, LOG, RIG_KEPT);
  assert_all_done(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(nothing_is_changed_before_the_gate_opens),
      writer_rig_test(each_kind_of_change_asks_for_the_gate),
      writer_rig_test(what_changes_nothing_does_not_ask_for_the_gate),
      writer_rig_test(the_record_passes_the_closed_gate_ahead_of_what_waits),
      writer_rig_test(the_record_goes_ahead_of_what_waits_behind_the_open_gate),
      writer_rig_test(the_logs_erase_passes_the_closed_gate_ahead_of_what_waits),
      writer_rig_test(the_log_waits_for_the_operation_in_progress_only),
      writer_rig_test(the_record_always_finds_room),
      writer_rig_test(the_record_is_not_held_up_by_who_waits_for_room),
      writer_rig_test(a_mass_erase_waits_for_the_record_and_not_the_record_for_it),
      writer_rig_test(a_mass_erase_does_not_drop_the_record),
      writer_rig_test(a_record_over_another_is_refused),
      writer_rig_test(a_record_can_be_read_before_it_is_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
