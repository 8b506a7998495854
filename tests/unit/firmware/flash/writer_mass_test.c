// SPDX-License-Identifier: MIT
// Mass erase: all that may be erased, in as few operations as it can be, at once.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

static void mass_erase(struct writer_rig *r, int medium) {
  writer_rig_mass_erase(r, medium);
  const uint32_t first = medium == RIG_BIG ? RIG_KEPT : 0;
  const uint32_t size = writer_rig_geometry[medium].size;
  memset(r->want[medium] + first, 0xFF, size - first);
}

static void blank_and_read_only_blocks_are_skipped(void **state) {
  struct writer_rig *r = *state;
  memset(r->media[RIG_BIG].bytes, 0x11, RIG_KEPT);
  r->media[RIG_BIG].bytes[0x4000] = 0;  // the first byte of a block
  r->media[RIG_BIG].bytes[0xFFFF] = 0;  // the last of another
  r->media[RIG_BIG].bytes[0x12345] = 0x7F;
  writer_rig_take_as_is(r);
  mass_erase(r, RIG_BIG);
  assert_all_done(r);
  assert_erases(r, RIG_BIG, {0x4000, RIG_BLOCK}, {0xC000, RIG_BLOCK},
                {0x10000, RIG_BLOCK});
}

static void it_is_not_put_off_until_the_flush(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  mass_erase(r, RIG_BIG);
  rig_pass(r, 3000000);
  assert_flash(r);
  assert_true(writer_settled(&r->writer));
}

static void a_blank_medium_is_left_alone(void **state) {
  struct writer_rig *r = *state;
  mass_erase(r, RIG_BIG);
  mass_erase(r, RIG_NOR);
  assert_all_done(r);
  assert_untouched(r);
}

static void a_read_only_medium_is_done_at_once(void **state) {
  struct writer_rig *r = *state;
  struct media_geometry *g = &r->media[RIG_BIG].media.geometry;
  writer_rig_make_old(r);
  g->runs[1].writable = false;
  for (g->whole_erase_us = 0; g->whole_erase_us < 2; g->whole_erase_us++) {
    writer_rig_mass_erase(r, RIG_BIG);
    assert_all_done(r);
  }
  assert_untouched(r);
}

// Six blocks of 60 ms are cheaper than 400 ms for all, seven are not.
static void the_whole_is_erased_at_once_where_that_is_cheaper(void **state) {
  struct writer_rig *r = *state;
  for (uint32_t dirty = 6; dirty <= 8; dirty++) {
    writer_rig_make_old(r);
    writer_rig_forget_log(r);
    memset(r->media[RIG_NOR].bytes + dirty * RIG_BLOCK, 0xFF,
           RIG_NOR_SIZE - dirty * RIG_BLOCK);
    writer_rig_take_as_is(r);
    mass_erase(r, RIG_NOR);
    assert_all_done(r);
    if (dirty == 6) {
      assert_int_equal(writer_rig_count(r, RIG_NOR, true), 6);
    } else {
      assert_erases(r, RIG_NOR, {0, RIG_NOR_SIZE});
    }
  }
}

static void it_takes_the_place_of_all_that_waited(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_send_new(r, RIG_BIG, 0x4000, 3 * 4096);
  rig_send_new(r, RIG_BIG, 0x9123, 300);
  rig_wipe(r, RIG_BIG, 0x10000);
  mass_erase(r, RIG_BIG);
  rig_pass(r, 3000000);
  assert_true(writer_settled(&r->writer));  // the noted erase with it
  assert_all_done(r);
  assert_int_equal(writer_rig_count(r, RIG_BIG, true), 5);
  assert_int_equal(writer_rig_pages(r, RIG_BIG), 0);
}

// At each moment of other work.
static void it_waits_for_an_operation_in_progress_only(void **state) {
  struct writer_rig *r = *state;
  for (unsigned polls = 0; polls < 600; polls += 7) {
    writer_rig_make_old(r);
    rig_send_new(r, RIG_BIG, 0x5000, 4096 + 300);
    for (unsigned i = 0; i < polls; i++)
      writer_rig_poll(r);
    const bool busy = r->media[RIG_BIG].busy;
    const bool taken = writer_mass_erase(&r->writer, writer_rig_medium(r, RIG_BIG));
    if (busy) assert_false(taken);
    if (!taken) mass_erase(r, RIG_BIG);
    memset(r->want[RIG_BIG] + RIG_KEPT, 0xFF, RIG_BIG_SIZE - RIG_KEPT);
    assert_all_done(r);
    writer_rig_forget_log(r);
  }
}

static void meanwhile_all_reads_blank_and_nothing_is_taken(void **state) {
  struct writer_rig *r = *state;
  const struct media *big = writer_rig_medium(r, RIG_BIG);
  uint8_t byte = 0;
  writer_rig_make_old(r);
  mass_erase(r, RIG_BIG);
  for (unsigned polls = 0; !writer_settled(&r->writer); polls++) {
    assert_read(r, RIG_BIG, RIG_KEPT, RIG_BIG_SIZE - RIG_KEPT);
    if (!r->media[RIG_BIG].busy) assert_read(r, RIG_BIG, 0, RIG_BIG_SIZE);
    if (r->media[RIG_BIG].busy)
      assert_int_equal(writer_read(&r->writer, big, 0, &byte, 1), ST_NOT_NOW);
    assert_false(writer_write(&r->writer, big, 0x4000, &byte, 1));
    assert_false(writer_erase(&r->writer, big, 0x4000));
    assert_false(writer_mass_erase(&r->writer, big));
    assert_true(writer_behind(&r->writer, big));
    writer_rig_poll(r);
  }
  assert_false(writer_behind(&r->writer, big));
  assert_all_done(r);
}

static void meanwhile_the_other_medium_is_written(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  mass_erase(r, RIG_BIG);
  rig_send_new(r, RIG_NOR, 0x4000, RIG_BLOCK);
  rig_pass(r, 45000);
  assert_true(r->media[RIG_BIG].busy || r->media[RIG_BIG].logged < 5);
  assert_memory_equal(r->media[RIG_NOR].bytes + 0x4000, r->want[RIG_NOR] + 0x4000,
                      RIG_BLOCK);
  assert_all_done(r);
}

static void data_after_it_are_programmed_without_an_erase(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  mass_erase(r, RIG_NOR);
  rig_send_new(r, RIG_NOR, 0x4000, RIG_BLOCK);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0, RIG_NOR_SIZE});
  assert_int_equal(writer_rig_pages(r, RIG_NOR), 64);
}

static void it_stops_at_a_failure(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    enum ram_step step;
    uint32_t countdown;  // every block is erased; each is looked at, then checked
    enum status status;
    uint32_t offset;
  } cases[] = {
      {RAM_ERASE_START, 1, ST_BUS_TIMEOUT, 0x4000},
      {RAM_ERASE_START, 4, ST_FLASH_LOCKED, 0x10000},
      {RAM_ERASE_END, 2, ST_ERASE_FAILED, 0x8000},
      {RAM_ERASE_END, 4, ST_FLASH_TIMEOUT, 0x10000},
      {RAM_READ, 1, ST_BUS_TIMEOUT, 0x4000},  // looking
      {RAM_READ, 2, ST_BUS_TIMEOUT, 0x4000},  // checking
      {RAM_READ, 17, ST_BUS_TIMEOUT, 0x7C00},
      {RAM_READ, 18, ST_FLASH_TIMEOUT, 0x8000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    writer_rig_make_old(r);
    ram_medium_fail(&r->media[RIG_BIG], cases[i].step, cases[i].countdown,
                    cases[i].status);
    writer_rig_mass_erase(r, RIG_BIG);
    const struct writer_result result = writer_rig_finish(r);
    assert_result(result, cases[i].status, RIG_BIG_BASE + cases[i].offset);
    assert_true(result.erasing);
    assert_int_equal(r->media[RIG_BIG].fail[cases[i].step].countdown, 0);
    // Nothing behind the failure was begun.
    assert_memory_equal(r->media[RIG_BIG].bytes + 0x14000, r->want[RIG_BIG] + 0x14000,
                        RIG_BLOCK);
    writer_rig_take_as_is(r);
    rig_send_new(r, RIG_BIG, 0x7000, 4096);  // usable again
    assert_all_done(r);
  }
}

static void a_failure_while_it_counts_is_told(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  memset(r->media[RIG_NOR].bytes, 0xFF, 0x2000);
  ram_medium_fail(&r->media[RIG_NOR], RAM_READ, 4, ST_BUS_TIMEOUT);
  writer_rig_mass_erase(r, RIG_NOR);
  assert_result(writer_rig_finish(r), ST_BUS_TIMEOUT, RIG_NOR_BASE + 0xC00);
  assert_untouched(r);
}

static void a_bad_cell_is_found_by_its_exact_address(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t cells[] = {0, 0x7FFF, 0x8000, 0x1FFFF};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
    writer_rig_make_old(r);
    r->media[RIG_NOR].stuck.offset = cells[i];
    r->media[RIG_NOR].stuck.low = 0x20;
    writer_rig_mass_erase(r, RIG_NOR);
    assert_result(writer_rig_finish(r), ST_ERASE_FAILED, RIG_NOR_BASE + cells[i]);
    assert_int_equal(r->media[RIG_NOR].log[0].size, RIG_NOR_SIZE);
    writer_rig_forget_log(r);
  }
}

static void a_supply_that_drops_stops_it_at_the_next_block(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_rig_mass_erase(r, RIG_BIG);
  while (r->media[RIG_BIG].calls[RAM_ERASE_END] < 2)
    writer_rig_poll(r);
  writer_rig_supply = false;
  assert_result(writer_rig_finish(r), ST_SUPPLY_LOW, RIG_BIG_BASE + 0xC000);
  assert_int_equal(r->media[RIG_BIG].logged, 2);
}

// --- estimates ---

static void what_remains_starts_at_the_sum_of_the_blocks(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  mass_erase(r, RIG_BIG);
  assert_int_equal(writer_remaining_us(&r->writer), 5 * 200000);
  assert_in_range(writer_behind_us(&r->writer, writer_rig_medium(r, RIG_BIG)), 1000000,
                  1000001);
}

static void what_remains_shrinks_to_nothing_as_blank_blocks_are_seen(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_BIG].typical = true;
  r->media[RIG_BIG].bytes[0x10000] = 0;
  writer_rig_take_as_is(r);
  mass_erase(r, RIG_BIG);
  uint32_t last = writer_remaining_us(&r->writer);
  while (!r->media[RIG_BIG].busy) {
    assert_true(writer_remaining_us(&r->writer) <= last + 25);
    last = writer_remaining_us(&r->writer);
    writer_rig_poll(r);
  }
  assert_in_range(writer_remaining_us(&r->writer), 400000 - 100, 400000);
  rig_pass(r, 150000);
  assert_in_range(writer_remaining_us(&r->writer), 250000 - 300, 250000);
  assert_all_done(r);
  assert_int_equal(writer_remaining_us(&r->writer), 0);
}

static void at_once_it_remains_as_long_as_the_whole_erase_takes(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_NOR].typical = true;
  writer_rig_make_old(r);
  mass_erase(r, RIG_NOR);
  while (!r->media[RIG_NOR].busy)
    writer_rig_poll(r);
  assert_int_equal(writer_remaining_us(&r->writer), 400000);
  rig_pass(r, 300000);
  assert_in_range(writer_remaining_us(&r->writer), 99000, 100000);
  assert_all_done(r);
}

// 256 MB of 64 KB blocks at 0.5 s each, the slowest that is assumed: no overflow.
static void the_longest_one_can_be_told(void **state) {
  struct writer_rig *r = *state;
  struct media_geometry *g = &r->media[RIG_NOR].media.geometry;
  g->size = 256u << 20;
  g->runs[0] = (struct media_run){64 * 1024, 4096, true, 500000};
  writer_rig_mass_erase(r, RIG_NOR);
  assert_int_equal(writer_remaining_us(&r->writer), 4096u * 500000u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(blank_and_read_only_blocks_are_skipped),
      writer_rig_test(it_is_not_put_off_until_the_flush),
      writer_rig_test(a_blank_medium_is_left_alone),
      writer_rig_test(a_read_only_medium_is_done_at_once),
      writer_rig_test(the_whole_is_erased_at_once_where_that_is_cheaper),
      writer_rig_test(it_takes_the_place_of_all_that_waited),
      writer_rig_test(it_waits_for_an_operation_in_progress_only),
      writer_rig_test(meanwhile_all_reads_blank_and_nothing_is_taken),
      writer_rig_test(meanwhile_the_other_medium_is_written),
      writer_rig_test(data_after_it_are_programmed_without_an_erase),
      writer_rig_test(it_stops_at_a_failure),
      writer_rig_test(a_failure_while_it_counts_is_told),
      writer_rig_test(a_bad_cell_is_found_by_its_exact_address),
      writer_rig_test(a_supply_that_drops_stops_it_at_the_next_block),
      writer_rig_test(what_remains_starts_at_the_sum_of_the_blocks),
      writer_rig_test(what_remains_shrinks_to_nothing_as_blank_blocks_are_seen),
      writer_rig_test(at_once_it_remains_as_long_as_the_whole_erase_takes),
      writer_rig_test(the_longest_one_can_be_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
