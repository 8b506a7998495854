// SPDX-License-Identifier: MIT
// Erases of a range: the whole units in it, and the rest of their blocks is kept.
#include "tests/unit/firmware/flash/writer_rig.h"

static void erase_part(struct writer_rig *r, int medium, uint32_t offset,
                       uint32_t length) {
  const uint32_t from = (offset + 4095) / 4096 * 4096;
  const uint32_t end = (offset + length) / 4096 * 4096;
  WRITER_RIG_UNTIL(
      r, writer_erase_part(&r->writer, writer_rig_medium(r, medium), offset, length));
  if (end > from) memset(r->want[medium] + from, 0xFF, end - from);
}

static void only_whole_units_are_erased(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t ranges[][2] = {
      {0x4000, 4096}, {0x5001, 8191},   {0x8000, 4095},  {0x9001, 4095},
      {0xA001, 8000}, {0xB000, 0x1000}, {0x4000, 16384}, {0x7FFF, 2},
      {0xC000, 0},    {0xD000, 0x4FFF},
  };
  for (int m = 0; m < RIG_MEDIA; m++) {
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
      writer_rig_make_old(r);
      erase_part(r, m, ranges[i][0], ranges[i][1]);
      assert_read(r, m, 0, r->media[m].media.geometry.size);
      assert_all_done(r);
    }
  }
}

// A sector of which a part is sent, erased before: once, though the rest is kept.
static void new_data_and_their_erase_cost_one(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  erase_part(r, RIG_BIG, 0x8000, 0x2000);
  rig_send_new(r, RIG_BIG, 0x8000, 4096);
  rig_pass(r, 1000000);
  rig_send_new(r, RIG_BIG, 0x9000, 4096);
  assert_all_done(r);
  assert_erases(r, RIG_BIG, {0x8000, RIG_BLOCK});
}

static void waiting_data_beside_stay(void **state) {
  struct writer_rig *r = *state;
  writer_rig_make_old(r);
  rig_send_new(r, RIG_BIG, 0x8000, 0x4000);
  erase_part(r, RIG_BIG, 0xA000, 0x1000);
  assert_read(r, RIG_BIG, 0x8000, 0x4000);
  assert_all_done(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(only_whole_units_are_erased, writer_rig_open,
                                      writer_rig_close),
      cmocka_unit_test_setup_teardown(new_data_and_their_erase_cost_one,
                                      writer_rig_open, writer_rig_close),
      cmocka_unit_test_setup_teardown(waiting_data_beside_stay, writer_rig_open,
                                      writer_rig_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
