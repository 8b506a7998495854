// SPDX-License-Identifier: MIT
// The writer: which operations it takes to make the flash so, and what readers see
// meanwhile. The media count what was done to them.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

static void flip(struct writer_rig *r, int medium, uint32_t offset, uint8_t bits) {
  const uint8_t byte = r->want[medium][offset] ^ bits;
  rig_send(r, medium, offset, &byte, 1);
}

// --- erase ---

static void an_erase_alone_is_noted_and_read_as_blank_at_once(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_NOR, 0x8000);
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_pass(r, 3000000);
  assert_untouched(r);
  assert_read(r, RIG_NOR, 0, RIG_NOR_SIZE);
  assert_read(r, RIG_BIG, 0, RIG_BIG_SIZE);
  assert_false(writer_settled(&r->writer));
}

static void a_noted_erase_is_carried_out_at_the_flush(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_NOR, 0x8000);
  rig_wipe(r, RIG_BIG, 0x4000);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x8000, RIG_BLOCK});
  assert_erases(r, RIG_BIG, {0x4000, RIG_BLOCK});
  assert_int_equal(writer_rig_pages(r, RIG_NOR) + writer_rig_pages(r, RIG_BIG), 0);
}

static void an_erase_takes_the_block_that_holds_its_address(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    int medium;
    uint32_t offset;
  } cases[] = {
      {RIG_BIG, 0x4000}, {RIG_BIG, 0x7FFF},  {RIG_BIG, 0x17FFF}, {RIG_NOR, 0},
      {RIG_NOR, 0x1234}, {RIG_NOR, 0x1FFFF}, {RIG_NOR, 0xC000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    writer_rig_make_old(r);
    rig_wipe(r, cases[i].medium, cases[i].offset);
    assert_all_done(r);
  }
}

static void a_noted_erase_of_a_blank_block_costs_nothing(void **state) {
  struct writer_rig *r = *state;
  for (uint32_t at = 0; at < RIG_NOR_SIZE; at += RIG_BLOCK)
    rig_wipe(r, RIG_NOR, at);
  rig_wipe(r, RIG_BIG, 0x14000);
  assert_all_done(r);
  assert_untouched(r);
}

static void of_a_noted_erase_only_what_is_not_blank_is_erased(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_NOR].bytes[0x6FFF] = 0x7F;
  rig_wipe(r, RIG_NOR, 0x4000);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x6000, 4096});
}

// fwupd erases all, then writes; the image ends in the middle of a block.
static void what_no_data_came_for_is_erased_at_the_flush(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_send_new(r, RIG_BIG, 0x4000, 5000);
  assert_all_done(r);
  assert_erases(r, RIG_BIG, {0x4000, RIG_BLOCK});
  assert_int_equal(writer_rig_pages(r, RIG_BIG), 20);
}

static void a_noted_erase_that_happened_on_the_way_is_done(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  rig_pass(r, 1000000);
  assert_true(writer_settled(&r->writer));
  assert_flash(r);
}

static void more_data_after_a_flush_leave_the_other_erases_noted(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_NOR, 0x8000);
  writer_flush(&r->writer);
  rig_send_new(r, RIG_NOR, 0x0000, 4096);
  rig_pass(r, 3000000);
  assert_erases(r, RIG_NOR, {0x0000, 4096});
  rig_wipe(r, RIG_NOR, 0x4000);
  assert_read(r, RIG_NOR, 0, RIG_NOR_SIZE);
  assert_all_done(r);
}

// --- what is there already ---

static void identical_data_cost_nothing(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_send_same(r, RIG_NOR, 0, RIG_NOR_SIZE);
  rig_send_same(r, RIG_BIG, RIG_KEPT, RIG_BIG_SIZE - RIG_KEPT);
  rig_send_same(r, RIG_BIG, 0x5003, 77);
  assert_all_done(r);
  assert_untouched(r);
}

static void an_erase_and_then_identical_data_cost_nothing(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    uint8_t old[RIG_BLOCK];
    memcpy(old, r->want[medium] + 0x4000, sizeof old);
    rig_wipe(r, medium, 0x4000);
    rig_send(r, medium, 0x4000, old, sizeof old);
  }
  assert_all_done(r);
  assert_untouched(r);
}

// The identical part is left alone; what was behind it is still to be blank.
static void an_erase_and_then_part_of_the_identical_data_keep_that_part(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  uint8_t old[4096];
  memcpy(old, r->want[RIG_NOR] + 0x4000, sizeof old);
  rig_wipe(r, RIG_NOR, 0x4000);
  rig_send(r, RIG_NOR, 0x4000, old, sizeof old);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x5000, 4096}, {0x6000, 4096}, {0x7000, 4096});
  assert_int_equal(writer_rig_pages(r, RIG_NOR), 0);
}

static void data_onto_blank_are_programmed_without_an_erase(void **state) {
  struct writer_rig *r = *state;
  rig_send_new(r, RIG_NOR, 0x4000, RIG_BLOCK);
  rig_wipe(r, RIG_BIG, 0x8000);
  rig_send_new(r, RIG_BIG, 0x8000, RIG_BLOCK);
  assert_all_done(r);
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    assert_int_equal(writer_rig_count(r, medium, true), 0);
    assert_int_equal(writer_rig_pages(r, medium), 64);
  }
}

static void only_the_pages_that_differ_are_programmed(void **state) {
  struct writer_rig *r = *state;
  uint8_t data[4096];
  memset(data, 0xFF, sizeof data);
  data[0] = 0x12;                    // page 0
  data[0x5FF] = data[0x600] = 0x34;  // pages 5 and 6
  data[0xFFF] = 0x56;                // page 15
  rig_send(r, RIG_NOR, 0x7000, data, sizeof data);
  assert_all_done(r);
  assert_int_equal(writer_rig_count(r, RIG_NOR, true), 0);
  assert_programs(r, RIG_NOR, {0x7000, 256}, {0x7500, 512}, {0x7F00, 256});
}

static void clearing_more_bits_needs_no_erase(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  const uint8_t less = r->want[RIG_NOR][0x2345] & 0x04;
  assert_int_not_equal(less, r->want[RIG_NOR][0x2345]);
  rig_send(r, RIG_NOR, 0x2345, &less, 1);
  assert_all_done(r);
  assert_int_equal(writer_rig_count(r, RIG_NOR, true), 0);
  assert_programs(r, RIG_NOR, {0x2300, 256});
}

static void where_a_place_is_programmed_once_more_bits_need_an_erase(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  r->media[RIG_NOR].media.geometry.program_once = 16;
  memset(r->media[RIG_NOR].bytes + 0x2300, 0xFF, 512);
  writer_rig_take_as_is(r);
  rig_send_new(r, RIG_NOR, 0x2400, 256);  // a page that is blank: none
  assert_all_done(r);
  assert_int_equal(writer_rig_count(r, RIG_NOR, true), 0);
  assert_programs(r, RIG_NOR, {0x2400, 256});
  const uint8_t less = r->want[RIG_NOR][0x2400] & 0xF0;
  assert_int_not_equal(less, r->want[RIG_NOR][0x2400]);
  rig_send(r, RIG_NOR, 0x2400, &less, 1);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x2000, 4096});
}

// --- which erase ---

static void one_changed_byte_costs_one_small_erase_and_sixteen_pages(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  uint8_t image[RIG_NOR_SIZE];
  memcpy(image, r->want[RIG_NOR], sizeof image);
  image[0x9A57] ^= 0x80;
  for (uint32_t at = 0; at < RIG_NOR_SIZE; at += RIG_BLOCK)
    rig_wipe(r, RIG_NOR, at);
  rig_send(r, RIG_NOR, 0, image, sizeof image);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x9000, 4096});
  assert_programs(r, RIG_NOR, {0x9000, 4096});
  assert_int_equal(writer_rig_pages(r, RIG_NOR), 16);
}

static void a_block_that_differs_as_a_whole_takes_one_large_erase(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_NOR, 0xC000);
  rig_send_new(r, RIG_NOR, 0xC000, RIG_BLOCK);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0xC000, RIG_BLOCK});
  assert_int_equal(writer_rig_pages(r, RIG_NOR), 64);
}

// The four blocks come one every 11 ms, as from the slowest host.
static void the_erase_waits_for_the_data_that_make_the_large_one_cheaper(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_NOR, 0xC000);
  for (uint32_t at = 0xC000; at < 0x10000; at += WRITER_BLOCK) {
    rig_pass(r, 11000);
    rig_send_new(r, RIG_NOR, at, WRITER_BLOCK);
  }
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0xC000, RIG_BLOCK});
}

static void an_erase_does_not_wait_for_data_that_do_not_come(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_NOR, 0xC000);
  const uint32_t sent = r->now_us;
  rig_send_new(r, RIG_NOR, 0xC000, WRITER_BLOCK);
  rig_pass(r, 25000);
  assert_erases(r, RIG_NOR, {0xC000, 4096});
  assert_in_range(r->media[RIG_NOR].log[0].started_us - sent, 10000, 21000);
  assert_all_done(r);
}

static void where_there_is_one_size_an_erase_starts_with_its_first_block(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_BIG, 0x8000);
  const uint32_t sent = r->now_us;
  rig_send_new(r, RIG_BIG, 0x8000, WRITER_BLOCK);
  rig_pass(r, 2000);
  assert_erases(r, RIG_BIG, {0x8000, RIG_BLOCK});
  assert_true(r->media[RIG_BIG].log[0].started_us - sent < 1000);
  assert_all_done(r);
}

// 2 x 20 ms against 60 ms and two units that would have to be programmed again; then
// 2 x 40 ms against the same. One unit is programmed and read back in 4.2 ms.
static void of_a_block_that_differs_by_half_the_cheaper_erase_is_taken(void **state) {
  struct writer_rig *r = *state;
  for (uint32_t small_us = 20000; small_us <= 40000; small_us += 20000) {
    r->media[RIG_NOR].media.geometry.erases[0].erase_us = small_us;
    writer_rig_make_old(r);
    writer_rig_forget_log(r);
    uint8_t image[RIG_BLOCK];
    memcpy(image, r->want[RIG_NOR] + 0x4000, sizeof image);
    image[0x0123] |= 0x80;
    image[0x2FFF] |= 0x80;
    rig_wipe(r, RIG_NOR, 0x4000);
    rig_send(r, RIG_NOR, 0x4000, image, sizeof image);
    assert_all_done(r);
    if (small_us == 20000) {
      assert_erases(r, RIG_NOR, {0x4000, 4096}, {0x6000, 4096});
      assert_int_equal(writer_rig_pages(r, RIG_NOR), 32);
    } else {
      assert_erases(r, RIG_NOR, {0x4000, RIG_BLOCK});
      assert_int_equal(writer_rig_pages(r, RIG_NOR), 64);
    }
  }
}

// The same choice where nobody erased, and the other half is in the flash only.
static void what_would_have_to_be_kept_counts_for_the_choice(void **state) {
  struct writer_rig *r = *state;
  for (uint32_t small_us = 20000; small_us <= 40000; small_us += 20000) {
    r->media[RIG_NOR].media.geometry.erases[0].erase_us = small_us;
    writer_rig_make_old(r);
    writer_rig_forget_log(r);
    rig_send_new(r, RIG_NOR, 0x4000, 8192);
    assert_all_done(r);
    if (small_us == 20000) {
      assert_erases(r, RIG_NOR, {0x4000, 4096}, {0x5000, 4096});
    } else {
      assert_erases(r, RIG_NOR, {0x4000, RIG_BLOCK});
    }
    assert_int_equal(writer_rig_pages(r, RIG_NOR), small_us == 20000 ? 32 : 64);
  }
}

static void blank_units_around_make_the_large_erase_no_dearer(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_NOR].media.geometry.erases[0].erase_us = 31000;
  writer_rig_make_old(r);
  memset(r->media[RIG_NOR].bytes + 0x6000, 0xFF, 8192);
  writer_rig_take_as_is(r);
  rig_send_new(r, RIG_NOR, 0x4000, 8192);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x4000, RIG_BLOCK});
  assert_int_equal(writer_rig_pages(r, RIG_NOR), 32);
}

// --- bytes that nobody erased ---

static void bytes_that_nobody_erased_are_kept(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_send_new(r, RIG_NOR, 0x4F80, 300);  // in two units
  rig_send_new(r, RIG_BIG, 0x9001, 77);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x4000, 4096}, {0x5000, 4096});
  assert_erases(r, RIG_BIG, {0x8000, RIG_BLOCK});
  assert_int_equal(writer_rig_pages(r, RIG_BIG), 64);
}

static void of_kept_bytes_blank_pages_are_not_programmed(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  memset(r->media[RIG_BIG].bytes + 0x9000, 0xFF, 0x2F00);
  writer_rig_take_as_is(r);
  flip(r, RIG_BIG, 0x8004, 0x80);
  assert_all_done(r);
  assert_programs(r, RIG_BIG, {0x8000, 4096}, {0xBF00, 256});
}

static void an_image_that_ends_in_a_block_keeps_what_is_behind(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_send_new(r, RIG_NOR, 0, 0x6000 + 5);
  rig_send_new(r, RIG_BIG, RIG_KEPT, 0x6000 + 5);
  assert_all_done(r);
}

// Eight slots are the NOR's, whose erase is slow: of the other's block the three units
// that must be kept find no room until it goes on, and nothing else may take that room.
static void bytes_are_kept_even_if_room_has_to_be_waited_for(void **state) {
  struct writer_rig *r = *state;
  uint8_t byte = 0;
  r->media[RIG_NOR].erase_us = 500000;
  writer_rig_make_old(r);
  rig_send_new(r, RIG_NOR, 0, 2 * RIG_BLOCK);
  while (!r->media[RIG_NOR].busy)
    writer_rig_poll(r);
  flip(r, RIG_BIG, 0x9123, 0x80);
  rig_pass(r, 100000);
  assert_int_equal(r->media[RIG_BIG].logged, 0);
  assert_true(r->media[RIG_NOR].busy);
  for (int i = 0; i < RIG_MEDIA; i++) {
    const struct media *m = writer_rig_medium(r, i);
    assert_false(writer_write(&r->writer, m, 0x10000, &byte, 1));
    assert_true(writer_behind(&r->writer, m));
  }
  assert_all_done(r);
  assert_erases(r, RIG_BIG, {0x8000, RIG_BLOCK});
}

static void data_scattered_over_all_blocks_lose_nothing(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  for (uint32_t unit = 0; unit < 4; unit++) {
    for (uint32_t at = RIG_KEPT; at < RIG_BIG_SIZE; at += RIG_BLOCK)
      flip(r, RIG_BIG, at + unit * 4096 + 9, 0x80);
  }
  assert_all_done(r);
}

static void two_media_with_large_blocks_only_lose_nothing(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_NOR].media.geometry.erase_count = 0;
  writer_rig_make_old(r);
  for (uint32_t at = RIG_KEPT; at < RIG_BIG_SIZE; at += 6 * 1024) {
    flip(r, RIG_BIG, at, 0x80);
    flip(r, RIG_NOR, at, 0x80);
  }
  assert_all_done(r);
}

// --- blocks and pieces ---

static void a_block_of_any_length_and_place_is_written(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t lengths[] = {1, 2, 255, 256, 257, 1023, 1024, 1025, 4095, 4096};
  static const uint32_t offsets[] = {0x4000, 0x4001, 0x7FFF, 0xD003, 0x17000};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
      writer_rig_make_old(r);
      const uint32_t room = RIG_BIG_SIZE - offsets[k];
      const uint32_t n = lengths[i] < room ? lengths[i] : room;
      rig_send_new(r, RIG_BIG, offsets[k], n);
      rig_send_new(r, RIG_NOR, offsets[k], n);
      assert_all_done(r);
    }
  }
}

static void pieces_of_1_kb_are_put_together(void **state) {
  struct writer_rig *r = *state;
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    for (uint32_t at = 0x4000; at < 0x6000; at += 1024) {
      rig_send_new(r, medium, at, 1024);
      rig_pass(r, 3000);
    }
  }
  assert_all_done(r);
  assert_programs(r, RIG_NOR, {0x4000, 4096}, {0x5000, 4096});
  assert_programs(r, RIG_BIG, {0x4000, 4096}, {0x5000, 4096});
}

static void pieces_over_old_bytes_take_one_erase(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  for (uint32_t at = 0; at < 4096; at += 1024) {
    rig_send_new(r, RIG_NOR, 0x4000 + at, 1024);
    rig_pass(r, 3000);
  }
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x4000, 4096});
  assert_int_equal(writer_rig_pages(r, RIG_NOR), 16);
}

static void a_piece_whose_rest_does_not_come_is_written_soon(void **state) {
  struct writer_rig *r = *state;
  rig_send_new(r, RIG_NOR, 0x4000, 1024);
  rig_pass(r, 15000);
  assert_untouched(r);
  rig_pass(r, 10000);
  assert_programs(r, RIG_NOR, {0x4000, 1024});
  assert_all_done(r);
}

// The block is in the control machine's buffer, which the next request overwrites.
static void the_data_are_copied(void **state) {
  struct writer_rig *r = *state;
  uint8_t data[300];
  memset(data, 0x3C, sizeof data);
  rig_send(r, RIG_NOR, 0x3F80, data, sizeof data);
  memset(data, 0, sizeof data);
  assert_all_done(r);
}

static void the_last_of_several_data_for_a_place_counts(void **state) {
  struct writer_rig *r = *state;
  rig_send_new(r, RIG_NOR, 0x4000, 4096);
  const uint8_t byte = 0x42;
  rig_send(r, RIG_NOR, 0x4010, &byte, 1);
  assert_all_done(r);
  assert_programs(r, RIG_NOR, {0x4000, 4096});
}

static void data_that_are_erased_while_they_wait_are_never_programmed(void **state) {
  struct writer_rig *r = *state;
  rig_send_new(r, RIG_NOR, 0x4000, RIG_BLOCK);
  rig_send_new(r, RIG_NOR, 0x8000, 4096);
  rig_wipe(r, RIG_NOR, 0x4000);
  assert_read(r, RIG_NOR, 0, RIG_NOR_SIZE);
  assert_all_done(r);
  assert_programs(r, RIG_NOR, {0x8000, 4096});
}

static void data_for_what_is_just_being_programmed_come_after_it(void **state) {
  struct writer_rig *r = *state;
  const struct media *m = writer_rig_medium(r, RIG_NOR);
  uint8_t block[4096] = {0};
  rig_send_new(r, RIG_NOR, 0x4000, 4096);
  while (!r->media[RIG_NOR].busy)
    writer_rig_poll(r);
  assert_false(writer_write(&r->writer, m, 0x4000, block, 1));
  assert_false(writer_erase(&r->writer, m, 0x4000));
  rig_send(r, RIG_NOR, 0x4000, block, sizeof block);
  assert_all_done(r);
}

static void data_that_come_during_an_erase_of_their_place_follow_it(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  while (!r->media[RIG_BIG].busy)
    writer_rig_poll(r);
  rig_send_new(r, RIG_BIG, 0x5000, 3 * 4096);
  assert_all_done(r);
  assert_erases(r, RIG_BIG, {0x4000, RIG_BLOCK});
}

// --- two media ---

static void both_media_work_at_the_same_time(void **state) {
  struct writer_rig *r = *state;
  r->media[RIG_BIG].typical = r->media[RIG_NOR].typical = true;
  uint32_t alone[RIG_MEDIA], began, both;
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    writer_rig_make_old(r);
    began = r->now_us;
    rig_send_new(r, medium, 0x4000, RIG_BLOCK);
    assert_all_done(r);
    alone[medium] = r->now_us - began;
  }
  writer_rig_make_old(r);
  writer_rig_forget_log(r);
  began = r->now_us;
  for (uint32_t at = 0x4000; at < 0x8000; at += WRITER_BLOCK) {
    rig_send_new(r, RIG_BIG, at, WRITER_BLOCK);
    rig_send_new(r, RIG_NOR, at, WRITER_BLOCK);
  }
  assert_all_done(r);
  both = r->now_us - began;
  assert_true(alone[RIG_BIG] > alone[RIG_NOR]);
  assert_true(both < alone[RIG_BIG] + alone[RIG_NOR] / 4);
  const struct ram_operation *a = &r->media[RIG_BIG].log[0];
  const struct ram_operation *b = &r->media[RIG_NOR].log[0];
  assert_true((int32_t)(a->started_us - b->ended_us) < 0);
  assert_true((int32_t)(b->started_us - a->ended_us) < 0);
}

// --- reads ---

static void reads_see_waiting_data_over_noted_erases_over_the_flash(void **state) {
  struct writer_rig *r = *state;
  r->writer.gate = false;
  writer_rig_make_old(r);
  rig_send_new(r, RIG_NOR, 0x3F00, 0x300);
  rig_wipe(r, RIG_NOR, 0x8000);
  rig_send_new(r, RIG_NOR, 0x9800, 0x1000);
  for (int polls = 0; polls < 100; polls++) {
    assert_read(r, RIG_NOR, 0, RIG_NOR_SIZE);
    writer_rig_poll(r);
  }
}

static void only_what_is_in_a_busy_flash_cannot_be_read(void **state) {
  struct writer_rig *r = *state;
  uint8_t got[2];
  const struct media *nor = writer_rig_medium(r, RIG_NOR);
  writer_rig_make_old(r);
  rig_wipe(r, RIG_NOR, 0x4000);
  rig_wipe(r, RIG_NOR, 0x8000);
  rig_send_new(r, RIG_NOR, 0x4000, 3 * 4096);
  while (!r->media[RIG_NOR].busy)
    writer_rig_poll(r);
  assert_read(r, RIG_NOR, 0x4000, 2 * RIG_BLOCK);
  assert_int_equal(writer_read(&r->writer, nor, 0x3FFF, got, 1), ST_NOT_NOW);
  assert_int_equal(writer_read(&r->writer, nor, 0x3FFF, got, 2), ST_NOT_NOW);
  assert_int_equal(writer_read(&r->writer, nor, 0xBFFF, got, 2), ST_NOT_NOW);
  assert_read(r, RIG_BIG, 0, RIG_BIG_SIZE);  // the other is not
  while (r->media[RIG_NOR].busy)
    writer_rig_poll(r);
  assert_read(r, RIG_NOR, 0, RIG_NOR_SIZE);
  assert_all_done(r);
}

// Each moment of an update that erases, keeps, programs and reads back.
static void at_each_moment_reads_see_the_commands_done(void **state) {
  struct writer_rig *r = *state;
  uint8_t got[RIG_BLOCK];
  uint32_t read = 0, busy = 0;
  writer_rig_make_old(r);
  flip(r, RIG_BIG, 0x5123, 0x80);
  rig_wipe(r, RIG_BIG, 0x8000);
  rig_send_new(r, RIG_BIG, 0x9000, 4096);
  writer_flush(&r->writer);
  while (!writer_settled(&r->writer)) {
    for (uint32_t at = RIG_KEPT; at < RIG_BIG_SIZE; at += 0x1000) {
      const enum status status =
          writer_read(&r->writer, writer_rig_medium(r, RIG_BIG), at, got, 0x1000);
      if (status == ST_OK) {
        assert_memory_equal(got, r->want[RIG_BIG] + at, 0x1000);
        read++;
      } else {
        assert_int_equal(status, ST_NOT_NOW);
        assert_true(r->media[RIG_BIG].busy);
        busy++;
      }
    }
    writer_rig_poll(r);
  }
  assert_true(read > 1000 && busy > 1000);
  assert_all_done(r);
}

static void a_read_that_fails_says_why(void **state) {
  struct writer_rig *r = *state;
  uint8_t got[4];
  ram_medium_fail(&r->media[RIG_NOR], RAM_READ, 1, ST_BUS_TIMEOUT);
  assert_int_equal(
      writer_read(&r->writer, writer_rig_medium(r, RIG_NOR), 0x1234, got, 4),
      ST_BUS_TIMEOUT);
  assert_int_equal(writer_take_result(&r->writer).status, ST_OK);
  assert_read(r, RIG_NOR, 0x1234, 4);
}

// --- media without a small erase ---

enum { COARSE = 32768 };

// Both are erased in blocks of 32 KB, one of them in halves too. All slots hold one
// block and half of another.
static void make_coarse(struct writer_rig *r) {
  struct media_geometry *big = &r->media[RIG_BIG].media.geometry;
  struct media_geometry *nor = &r->media[RIG_NOR].media.geometry;
  big->run_count = nor->run_count = 1;
  big->runs[0] = (struct media_run){COARSE, RIG_BIG_SIZE / COARSE, true, 200000};
  nor->runs[0] = (struct media_run){COARSE, RIG_NOR_SIZE / COARSE, true, 100000};
  nor->erases[0] = (struct media_erase){COARSE / 2, 60000, 1};
  nor->erase_count = 1;
  nor->whole_erase_us = 0;
  writer_rig_make_old(r);
}

static void scattered_data_leave_room_for_what_a_coarse_erase_needs(void **state) {
  static const uint8_t units[] = {0, 8, 9, 10, 16, 24, 1, 4, 5, 6, 7};
  struct writer_rig *r = *state;
  make_coarse(r);
  for (size_t i = 0; i < sizeof units; i++)
    rig_send_new(r, RIG_NOR, units[i] * 4096u, 4096);
  assert_all_done(r);
}

// What was flushed and needs slots is given up for new work; nothing waits for it.
static void a_flush_that_lacks_slots_can_be_called_off(void **state) {
  struct writer_rig *r = *state;
  make_coarse(r);
  r->media[RIG_NOR].media.geometry.erase_count = 0;
  for (int i = 0; i < RIG_MEDIA; i++) {
    writer_rig_erase(r, i, 0);
    for (uint32_t at = 4096; at < COARSE; at += 4096)
      rig_send_same(r, i, at, 4096);  // all but the first unit
    memset(r->want[i], 0xFF, 4096);
  }
  while (writer_remaining_us(&r->writer))
    writer_rig_poll(r);
  writer_flush(&r->writer);
  while (!r->writer.lanes[RIG_NOR].lacks && !r->writer.lanes[RIG_BIG].lacks) {
    assert_false(writer_settled(&r->writer));
    writer_rig_poll(r);
  }
  const int other = r->writer.lanes[RIG_NOR].lacks ? RIG_BIG : RIG_NOR;
  writer_rig_erase(r, other, COARSE);
  memset(r->want[other] + COARSE, 0xFF, COARSE);
  rig_send_new(r, other, COARSE, 4096);
  assert_all_done(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(scattered_data_leave_room_for_what_a_coarse_erase_needs),
      writer_rig_test(a_flush_that_lacks_slots_can_be_called_off),
      writer_rig_test(an_erase_alone_is_noted_and_read_as_blank_at_once),
      writer_rig_test(a_noted_erase_is_carried_out_at_the_flush),
      writer_rig_test(an_erase_takes_the_block_that_holds_its_address),
      writer_rig_test(a_noted_erase_of_a_blank_block_costs_nothing),
      writer_rig_test(of_a_noted_erase_only_what_is_not_blank_is_erased),
      writer_rig_test(what_no_data_came_for_is_erased_at_the_flush),
      writer_rig_test(a_noted_erase_that_happened_on_the_way_is_done),
      writer_rig_test(more_data_after_a_flush_leave_the_other_erases_noted),
      writer_rig_test(identical_data_cost_nothing),
      writer_rig_test(an_erase_and_then_identical_data_cost_nothing),
      writer_rig_test(an_erase_and_then_part_of_the_identical_data_keep_that_part),
      writer_rig_test(data_onto_blank_are_programmed_without_an_erase),
      writer_rig_test(only_the_pages_that_differ_are_programmed),
      writer_rig_test(clearing_more_bits_needs_no_erase),
      writer_rig_test(where_a_place_is_programmed_once_more_bits_need_an_erase),
      writer_rig_test(one_changed_byte_costs_one_small_erase_and_sixteen_pages),
      writer_rig_test(a_block_that_differs_as_a_whole_takes_one_large_erase),
      writer_rig_test(the_erase_waits_for_the_data_that_make_the_large_one_cheaper),
      writer_rig_test(an_erase_does_not_wait_for_data_that_do_not_come),
      writer_rig_test(where_there_is_one_size_an_erase_starts_with_its_first_block),
      writer_rig_test(of_a_block_that_differs_by_half_the_cheaper_erase_is_taken),
      writer_rig_test(what_would_have_to_be_kept_counts_for_the_choice),
      writer_rig_test(blank_units_around_make_the_large_erase_no_dearer),
      writer_rig_test(bytes_that_nobody_erased_are_kept),
      writer_rig_test(of_kept_bytes_blank_pages_are_not_programmed),
      writer_rig_test(an_image_that_ends_in_a_block_keeps_what_is_behind),
      writer_rig_test(bytes_are_kept_even_if_room_has_to_be_waited_for),
      writer_rig_test(data_scattered_over_all_blocks_lose_nothing),
      writer_rig_test(two_media_with_large_blocks_only_lose_nothing),
      writer_rig_test(a_block_of_any_length_and_place_is_written),
      writer_rig_test(pieces_of_1_kb_are_put_together),
      writer_rig_test(pieces_over_old_bytes_take_one_erase),
      writer_rig_test(a_piece_whose_rest_does_not_come_is_written_soon),
      writer_rig_test(the_data_are_copied),
      writer_rig_test(the_last_of_several_data_for_a_place_counts),
      writer_rig_test(data_that_are_erased_while_they_wait_are_never_programmed),
      writer_rig_test(data_for_what_is_just_being_programmed_come_after_it),
      writer_rig_test(data_that_come_during_an_erase_of_their_place_follow_it),
      writer_rig_test(both_media_work_at_the_same_time),
      writer_rig_test(reads_see_waiting_data_over_noted_erases_over_the_flash),
      writer_rig_test(only_what_is_in_a_busy_flash_cannot_be_read),
      writer_rig_test(at_each_moment_reads_see_the_commands_done),
      writer_rig_test(a_read_that_fails_says_why),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
