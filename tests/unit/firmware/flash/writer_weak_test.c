// SPDX-License-Identifier: MIT
// After an update that was interrupted: what reads right may be weak. The last
// identical unit and the first that differs are made again, each medium's own.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

static bool erased(const struct writer_rig *r, int medium, uint32_t offset) {
  const struct ram_medium *m = &r->media[medium];
  for (uint32_t i = 0; i < m->logged; i++) {
    if (m->log[i].erasing && offset - m->log[i].offset < m->log[i].size) return true;
  }
  return false;
}

// The image is as before up to `same`, and new from there on; blocks are erased first.
static void send_image(struct writer_rig *r, int medium, uint32_t first, uint32_t same,
                       uint32_t end) {
  uint8_t image[RIG_NOR_SIZE];
  memcpy(image, r->want[medium], sizeof image);
  for (uint32_t i = same; i < end; i++)
    image[i] = writer_rig_new(i);
  for (uint32_t at = first; at < end; at += RIG_BLOCK)
    rig_wipe(r, medium, at);
  rig_send(r, medium, first, image + first, end - first);
}

static void the_last_same_and_the_first_that_differs_are_erased(void **state) {
  struct writer_rig *r = *state;
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    writer_rig_make_old(r);
    writer_distrust(&r->writer);
    send_image(r, medium, 0x4000, 0xC000, 0x14000);
    assert_all_done(r);
    assert_false(erased(r, medium, 0x4000));
    assert_false(erased(r, medium, 0x7FFF));
    assert_true(erased(r, medium, 0xB000));
    assert_true(erased(r, medium, 0xC000));
  }
}

// The cut came after the erase and before the data: all FFh, but how firmly?
static void a_blank_first_that_differs_is_erased_all_the_same(void **state) {
  struct writer_rig *r = *state;
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    writer_rig_make_old(r);
    memset(r->media[medium].bytes + 0xC000, 0xFF, 0x8000);
    writer_rig_take_as_is(r);
    writer_distrust(&r->writer);
    send_image(r, medium, 0x4000, 0xC000, 0x14000);
    assert_all_done(r);
    assert_true(erased(r, medium, 0xB000));
    assert_true(erased(r, medium, 0xC000));
    assert_false(erased(r, medium, 0x10000));  // blank and trusted
    assert_false(erased(r, medium, 0x4000));
  }
}

// The interrupted erase may have been a large one.
static void the_largest_erase_is_taken_and_all_around_is_kept(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  rig_send_same(r, RIG_NOR, 0x4000, 0x5000);
  rig_send_new(r, RIG_NOR, 0x9000, 0x1000);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x8000, RIG_BLOCK});
}

// A cut between the two must find the same last one again.
static void the_last_same_is_made_again_first(void **state) {
  struct writer_rig *r = *state;
  for (int medium = 0; medium < RIG_MEDIA; medium++) {
    writer_rig_make_old(r);
    writer_rig_forget_log(r);
    writer_distrust(&r->writer);
    rig_send_same(r, medium, 0x4000, 0x4000);
    rig_pass(r, 100000);
    rig_send_new(r, medium, 0x8000, 0x1000);
    assert_all_done(r);
    assert_erases(r, medium, {0x4000, RIG_BLOCK}, {0x8000, RIG_BLOCK});
    assert_int_equal(r->media[medium].log[0].offset, 0x4000);
    assert_false(r->media[medium].log[1].erasing);  // whole before the next is begun
  }
}

static void the_order_of_blocks_does_not_matter(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  rig_send_new(r, RIG_NOR, 0x10000, 0x1000);  // nothing was the same before
  rig_pass(r, 1000000);
  assert_erases(r, RIG_NOR, {0x10000, RIG_BLOCK});
  rig_send_same(r, RIG_NOR, 0, 0x4000);
  assert_all_done(r);
  assert_int_equal(writer_rig_count(r, RIG_NOR, true), 1);  // over with the first
}

static void of_an_identical_rewrite_the_last_unit_is_made_again(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  send_image(r, RIG_NOR, 0, RIG_NOR_SIZE, RIG_NOR_SIZE);
  rig_send_same(r, RIG_BIG, 0x4000, 0x6000);
  rig_pass(r, 1000000);
  assert_untouched(r);  // there might have been more
  assert_true(writer_settled(&r->writer));
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x1C000, RIG_BLOCK});
  assert_erases(r, RIG_BIG, {0x8000, RIG_BLOCK});
}

// An image that ends within a unit, whose rest nobody erased.
static void what_lies_behind_the_last_same_bytes_is_kept(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  rig_send_same(r, RIG_NOR, 0x4000, 0x1234);
  rig_send_same(r, RIG_BIG, 0x4000, 0x1234);
  assert_all_done(r);
  assert_true(erased(r, RIG_NOR, 0x5000));
  assert_true(erased(r, RIG_BIG, 0x5000));
}

static void a_last_same_that_is_blank_is_erased_once_more(void **state) {
  struct writer_rig *r = *state;
  writer_distrust(&r->writer);
  rig_wipe(r, RIG_NOR, 0x4000);
  rig_send_same(r, RIG_NOR, 0x4000, 4096);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0x4000, RIG_BLOCK});
  assert_int_equal(writer_rig_pages(r, RIG_NOR), 0);
}

static void a_last_same_that_is_to_change_after_all_is_made_once(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  rig_send_same(r, RIG_BIG, 0x4000, 4096);
  rig_pass(r, 100000);
  rig_send_new(r, RIG_BIG, 0x4000, 4096);
  assert_all_done(r);
  assert_erases(r, RIG_BIG, {0x4000, RIG_BLOCK});
}

static void a_last_same_that_was_erased_since_is_only_erased(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  rig_send_same(r, RIG_BIG, 0x4000, 4096);
  rig_pass(r, 100000);
  rig_wipe(r, RIG_BIG, 0x4000);
  rig_send_new(r, RIG_BIG, 0x8000, 4096);
  assert_all_done(r);
  assert_erases(r, RIG_BIG, {0x8000, RIG_BLOCK}, {0x4000, RIG_BLOCK});
}

static void after_these_two_the_flash_is_trusted_again(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  send_image(r, RIG_NOR, 0, 0x8000, 0xC000);
  assert_all_done(r);
  writer_rig_forget_log(r);
  send_image(r, RIG_NOR, 0, RIG_NOR_SIZE, RIG_NOR_SIZE);
  assert_all_done(r);
  assert_untouched(r);
}

static void each_medium_has_its_own_two(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  writer_distrust(&r->writer);
  send_image(r, RIG_BIG, 0x4000, 0x8000, 0x9000);
  assert_all_done(r);
  assert_int_equal(r->media[RIG_NOR].logged, 0);
  rig_send_same(r, RIG_NOR, 0, 0x4000);
  rig_send_new(r, RIG_NOR, 0x4000, 0x4000);
  assert_all_done(r);
  assert_erases(r, RIG_NOR, {0, RIG_BLOCK}, {0x4000, RIG_BLOCK});
}

// However few slots are left when the first difference is found.
static void scarce_room_loses_nothing(void **state) {
  struct writer_rig *r = *state;
  uint8_t data[4096];
  for (uint32_t units = 1; units < RIG_SLOTS; units++) {
    writer_rig_make_old(r);
    writer_distrust(&r->writer);
    rig_send_same(r, RIG_BIG, 0x14000, 4096);
    rig_pass(r, 100000);
    memset(data, 0xA0, sizeof data);
    // The oldest has its block to itself, the others fill the next.
    for (uint32_t i = 0; i < units; i++) {
      const uint32_t at = 0x4000 + (i ? 0x3000 + i * 4096 : 0);
      if (!writer_write(&r->writer, writer_rig_medium(r, RIG_BIG), at, data, 4096))
        break;
      memcpy(r->want[RIG_BIG] + at, data, 4096);
    }
    assert_all_done(r);
    assert_true(erased(r, RIG_BIG, 0x14000));
    writer_rig_forget_log(r);
  }
}

// One slot is left when both find their first difference, and each wants one.
static void two_media_find_room_in_turn(void **state) {
  struct writer_rig *r = *state;
  uint8_t data[4096];
  memset(data, 0xA0, sizeof data);
  for (int first = 0; first < RIG_MEDIA; first++) {
    writer_rig_make_old(r);
    writer_distrust(&r->writer);
    for (int medium = 0; medium < RIG_MEDIA; medium++)
      rig_send_same(r, medium, 0x14000, 4096);
    rig_pass(r, 100000);
    r->writer.gate = false;
    for (int i = 0; i < RIG_MEDIA; i++) {
      const int medium = i ? !first : first;
      for (uint32_t at = 0x4000; at < (i ? 0xF000 : 0x6000); at += 4096) {
        const struct media *m = writer_rig_medium(r, medium);
        if (!writer_write(&r->writer, m, at, data, 4096)) break;
        memcpy(r->want[medium] + at, data, 4096);
      }
    }
    rig_pass(r, 100000);
    r->writer.gate = true;
    assert_all_done(r);
    for (int medium = 0; medium < RIG_MEDIA; medium++) {
      assert_true(erased(r, medium, 0x4000));
      assert_true(erased(r, medium, 0x14000));
    }
    writer_rig_forget_log(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(the_last_same_and_the_first_that_differs_are_erased),
      writer_rig_test(a_blank_first_that_differs_is_erased_all_the_same),
      writer_rig_test(the_largest_erase_is_taken_and_all_around_is_kept),
      writer_rig_test(the_last_same_is_made_again_first),
      writer_rig_test(the_order_of_blocks_does_not_matter),
      writer_rig_test(of_an_identical_rewrite_the_last_unit_is_made_again),
      writer_rig_test(what_lies_behind_the_last_same_bytes_is_kept),
      writer_rig_test(a_last_same_that_is_blank_is_erased_once_more),
      writer_rig_test(a_last_same_that_is_to_change_after_all_is_made_once),
      writer_rig_test(a_last_same_that_was_erased_since_is_only_erased),
      writer_rig_test(after_these_two_the_flash_is_trusted_again),
      writer_rig_test(each_medium_has_its_own_two),
      writer_rig_test(scarce_room_loses_nothing),
      writer_rig_test(two_media_find_room_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
