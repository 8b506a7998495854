// SPDX-License-Identifier: MIT
// bwPollTimeout is honest: when the time that a status asked for has passed, work
// that takes its typical time is over, and no host is told to sleep much longer than
// that. Times of the simulated chips are the typical ones of their data sheets.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

enum work { ERASE, WRITE };

static const struct row {
  const char *what;
  enum work work;
  uint32_t address, size;  // erased block, or bytes written
  uint32_t least_ms;       // by the data sheet alone
} rows[] = {
    // DS11532 tables 53 and 54, x32; MX25L51245G: SFDP.
    {"erase of 32 KB", ERASE, 0x08010000, 32 * 1024, 200},
    {"erase of 128 KB", ERASE, 0x08020000, 128 * 1024, 500},
    {"erase of 256 KB", ERASE, 0x08040000, 256 * 1024, 1000},
    {"erase of 64 KB in QSPI", ERASE, EXTERNAL, 64 * 1024, 288},
    {"write of 4096 bytes", WRITE, 0x08080000, 4096, 16},
    {"write of 1024 bytes", WRITE, 0x080C0000, 1024, 4},
    {"write of 4096 bytes to QSPI", WRITE, EXTERNAL + 0x20000, 4096, 4},
    {"write of 200 bytes to QSPI", WRITE, EXTERNAL + 0x40000, 200, 0},
};

static void begin(struct rig *r, const struct row *row) {
  uint8_t data[CLIENT_BLOCK];
  memset(data, 0x24, sizeof data);
  if (row->work == ERASE) {
    assert_int_equal(dfu_command(r, 0x41, row->address), 5);
  } else {
    memset((uint8_t *)(uintptr_t)rig_memory(r, row->address), 0xFF, row->size);
    assert_int_equal(dfu_set_address(r, row->address).state, DNLOAD_IDLE);
    assert_int_equal(dfu_dnload(r, 2, data, (uint16_t)row->size), row->size);
  }
}

// The sum of what the statuses asked for, all obeyed to the millisecond. Only a full
// second may be followed by more.
static uint32_t told_ms(struct rig *r, const struct row *row) {
  uint32_t sum = 0;
  begin(r, row);
  for (struct reply s = dfu_status(r); s.state == DNBUSY; s = dfu_status(r)) {
    if (sum % 1000) fail_msg("%s: not over after %u ms", row->what, (unsigned)sum);
    sum += s.poll_ms;
    rig_run(r, VT_MS(s.poll_ms));
  }
  dfu_abort(r);
  return sum;
}

static uint32_t true_ms(struct rig *r, const struct row *row) {
  begin(r, row);
  const vtime_t start = machine_now(r->m);
  while (dfu_status(r).state == DNBUSY)
    rig_run(r, VT_US(100));
  dfu_abort(r);
  return (uint32_t)((machine_now(r->m) - start) / VT_MS(1));
}

static void times_are_honest(void **state) {
  struct rig *r = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const uint32_t told = told_ms(r, &rows[i]), real = true_ms(r, &rows[i]);
    const bool honest = told >= real && told <= real + real / 10 + 2;
    if (!honest || real < rows[i].least_ms) {
      fail_msg("%s: %u ms told, takes %u ms", rows[i].what, (unsigned)told,
               (unsigned)real);
    }
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
