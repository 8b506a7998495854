// SPDX-License-Identifier: MIT
// bwPollTimeout is honest: when the time that a status asked for has passed, work
// that takes its typical time is over, and no host is told to sleep much longer than
// that. Times of the simulated chips are the typical ones of their data sheets.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

// Where more is sent than the flash can take: how much is there already, and how long
// that lasts by the data sheets (DS11532 tables 53 and 54, x32; MX25L51245G: SFDP).
static const struct row {
  const char *what;
  uint32_t address;
  bool blank;
} rows[] = {
    {"internal flash, used", 0x08040000, false},
    {"internal flash, blank", 0x08040000, true},
    {"QSPI flash, used", EXTERNAL, false},
};

enum { BLOCKS = 160, LOOKS = 12 };

// Until the device is not busy any more, asked every 100 us.
static uint32_t busy_us(struct rig *r) {
  const vtime_t start = machine_now(r->m);
  while (dfu_status(r).state == DNBUSY)
    rig_run(r, VT_US(100));
  return (uint32_t)((machine_now(r->m) - start) / VT_US(1));
}

// What the first dfuDNBUSY of a block asks to wait is what it takes, to a tenth and two
// milliseconds; a second at most is asked for.
static void check_block(struct rig *r, const struct row *row, unsigned *looks) {
  const struct reply s = dfu_status(r);
  if (s.state != DNBUSY) return;
  const uint32_t real = busy_us(r), told = 1000 * s.poll_ms;
  const bool honest = told + told / 10 + 2000 >= real &&
                      (told <= real + real / 10 + 2000 || told == 1000000);
  if (!honest) {
    fail_msg("%s: %u us told, takes %u us", row->what, (unsigned)told, (unsigned)real);
  }
  ++*looks;
}

static void times_are_honest(void **state) {
  struct rig *r = *state;
  uint8_t data[CLIENT_BLOCK];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const uint32_t size = BLOCKS * sizeof data;
    unsigned looks = 0;
    dfu_spoil(r, rows[i].address, size);
    if (rows[i].blank) memset((uint8_t *)(uintptr_t)rig_memory(r, rows[i].address), 0xFF, size);
    for (uint32_t at = 0; at < size; at += 64 * 1024) {
      assert_int_equal(dfu_erase(r, rows[i].address + at).state, DNLOAD_IDLE);
    }
    for (uint32_t at = 0; at < size && looks < LOOKS; at += sizeof data) {
      dfu_pattern(data, sizeof data, at);
      dfu_set_address(r, rows[i].address + at);
      assert_int_equal(dfu_dnload(r, 2, data, sizeof data), sizeof data);
      check_block(r, &rows[i], &looks);
      assert_int_equal(dfu_state(r), DNLOAD_IDLE);
    }
    if (looks < 3) fail_msg("%s: busy %u times", rows[i].what, looks);
    assert_int_equal(dfu_finish(r).state, IDLE);
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
