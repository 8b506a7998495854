// SPDX-License-Identifier: MIT
// bwPollTimeout is honest: whoever obeys it asks hardly ever in vain, and loses no
// time. Times of the simulated chips are the typical ones of their data sheets.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

// Where more is sent than the flash can take: two places of equal blocks in each.
static const struct row {
  const char *what;
  uint32_t addresses[2];
  bool blank;
} rows[] = {
    {"internal flash, used", {0x08040000, 0x080C0000}, false},
    {"internal flash, blank", {0x08140000, 0x08180000}, true},
    {"QSPI flash, used", {EXTERNAL, EXTERNAL + 0x400000}, false},
    {"QSPI flash, blank", {EXTERNAL + 0x800000, EXTERNAL + 0xC00000}, true},
};

enum { SIZE = 256 * 1024 };

struct effort {
  uint32_t ms, statuses;
};

// Until the block may be followed by another: `obeys` what it is told, or asks every
// 100 us.
static void wait_block(struct rig *r, bool obeys, struct effort *e) {
  for (struct reply s = dfu_status(r); s.state == DNBUSY; s = dfu_status(r)) {
    rig_run(r, obeys ? VT_MS(s.poll_ms) : VT_US(100));
    e->statuses++;
  }
}

static struct effort fill(struct rig *r, const struct row *row, bool obeys) {
  const uint32_t address = row->addresses[obeys];
  uint8_t data[CLIENT_BLOCK];
  struct effort e = {0};
  dfu_spoil(r, address, SIZE);
  if (row->blank) memset((uint8_t *)(uintptr_t)rig_memory(r, address), 0xFF, SIZE);
  const vtime_t start = machine_now(r->m);
  for (uint32_t at = 0; at < SIZE; at += 64 * 1024) {
    assert_int_equal(dfu_erase(r, address + at).state, DNLOAD_IDLE);
  }
  for (uint32_t at = 0; at < SIZE; at += sizeof data) {
    dfu_pattern(data, sizeof data, at);
    dfu_set_address(r, address + at);
    assert_int_equal(dfu_dnload(r, 2, data, sizeof data), sizeof data);
    wait_block(r, obeys, &e);
  }
  assert_int_equal(dfu_finish(r).state, IDLE);
  e.ms = (uint32_t)((machine_now(r->m) - start) / VT_MS(1));
  return e;
}

// Whoever sleeps as long as it is told loses no time against one who asks all the time,
// and asks hardly ever in vain.
static void times_are_honest(void **state) {
  struct rig *r = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct effort eager = fill(r, &rows[i], false),
                        calm = fill(r, &rows[i], true);
    const bool honest = calm.ms <= eager.ms + eager.ms / 50 + 20 &&
                        calm.statuses <= SIZE / CLIENT_BLOCK + 10;
    if (!honest) {
      fail_msg("%s: %u ms and %u statuses, where %u ms are enough", rows[i].what,
               (unsigned)calm.ms, (unsigned)calm.statuses, (unsigned)eager.ms);
    }
    print_message("%s: %u ms, busy %u times; asked all the time: %u ms, %u times\n",
                  rows[i].what, (unsigned)calm.ms, (unsigned)calm.statuses,
                  (unsigned)eager.ms, (unsigned)eager.statuses);
  }
}

// AN2662's set-address costs no sleep: it is done before the host can ask again.
static void set_address_takes_no_time(void **state) {
  struct rig *r = *state;
  assert_int_equal(dfu_command(r, 0x21, EXTERNAL), 5);
  const struct reply s = dfu_status(r);
  assert_int_equal(s.state, DNBUSY);
  assert_int_equal(s.poll_ms, 0);
  assert_int_equal(dfu_status(r).state, DNLOAD_IDLE);
}

// The same for a command that will fail: only the time to ask again.
static void failing_commands_take_no_time(void **state) {
  struct rig *r = *state;
  assert_int_equal(dfu_command(r, 0x77, EXTERNAL), 5);
  const struct reply s = dfu_status(r);
  assert_int_equal(s.state, DNBUSY);
  assert_in_range(s.poll_ms, 1, 2);
  assert_int_equal(dfu_status(r).state, ERROR);
}

// dfu-util takes 100 ms after a mass erase for the ROM's and waits 35 s.
static void mass_erase_tells_progress(void **state) {
  struct rig *r = *state;
  static const uint32_t used[] = {0x08010000, 0x08020000, 0x080FFFFF, 0x081FFFFF};
  const uint8_t opcode = 0x41;
  for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
    *(uint8_t *)(uintptr_t)rig_memory(r, used[i]) = 0;
  }
  const vtime_t start = machine_now(r->m);
  vtime_t last_busy = start, last_pause = 0;
  assert_int_equal(dfu_dnload(r, 0, &opcode, 1), 1);
  for (struct reply s = dfu_status(r); s.state == DNBUSY; s = dfu_status(r)) {
    assert_int_not_equal(s.poll_ms, 100);
    last_busy = machine_now(r->m);
    last_pause = VT_MS(s.poll_ms);
    rig_run(r, last_pause);
  }
  // Two sectors of 256 KB, one of 128 KB and one of 32 KB; the rest is looked at.
  assert_true(last_busy + last_pause - start < VT_MS(2700) + VT_MS(1000));
  assert_int_equal(r->m->flash.counters.erases, 4);
  for (uint32_t at = APPLICATION; at < INTERNAL_END; at++)
    assert_int_equal(*rig_memory(r, at), 0xFF);
  dfu_abort(r);
  dfu_expect_usable(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(times_are_honest),
      RIG_BOTH(set_address_takes_no_time),
      RIG_BOTH(failing_commands_take_no_time),
      RIG_TEST(HS, mass_erase_tells_progress, rig_setup_configured),
  };
  return cmocka_run_group_tests_name("dfu_times", tests, NULL, NULL);
}
