// SPDX-License-Identifier: MIT
// Flash that fails, in each medium: a bit that is stuck, a program or an erase that
// does not take, a chip that stays busy, power that goes away. The host is told the
// truth within the data sheet's maximum, and the board stays usable, or says that it
// wants its power taken off.
#include <errno.h>
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

#define SAYS_ERASE  "the flash reports a failed erase; try again or replace the chip"
#define SAYS_WRITE  "the flash reports a failed write; try again or replace the chip"
#define SAYS_VERIFY "the flash does not hold what was written; try again"
#define SAYS_BUSY   "the flash stayed busy past its deadline; power the board off and on"

// An error is found by the main loop, which looks at least at each turn of SysTick
// (77 ms) and tells at the next poll.
enum { NOTICE_MS = 200 };

enum { INTERNAL_MEDIUM, EXTERNAL_MEDIUM, MEDIA };

static const struct medium {
  const char *name;
  uint32_t place;                         // an erase block
  uint32_t elsewhere;                     // another one
  uint32_t erase_ms, program_ms;          // typical, block and 4096 bytes
  uint32_t erase_max_ms, program_max_ms;  // until an error must be known
} media[MEDIA] = {
    // DS11532 tables 53 and 54: 32 KB at x32. MX25L51245G: its SFDP.
    {"internal", 0x08018000, 0x08010000, 200, 17, 500, 1},
    {"external", 0x90030000, 0x90050000, 288, 5, 4032, 2},
};

static uint8_t data[CLIENT_BLOCK];

static void mend(struct rig *r) {
  r->m->flash.faults = (struct flash_f7_faults){0};
  r->m->nor.faults = (struct nor_faults){0};
}

static uint32_t offset_of(uint32_t address) {
  return address >= EXTERNAL ? address - EXTERNAL : address - INTERNAL;
}

static void stick(struct rig *r, int medium, uint32_t address, uint8_t mask,
                  uint8_t value) {
  if (medium == EXTERNAL_MEDIUM) {
    assert_true(nor_stick(&r->m->nor, offset_of(address), mask, value));
    return;
  }
  r->m->flash.faults.stuck = true;
  r->m->flash.faults.stuck_at = offset_of(address);
  r->m->flash.faults.stuck_mask = mask;
  r->m->flash.faults.stuck_value = value;
}

// An erase, or a block, up to the end of the work on it. It must fail.
static void erase_fails(struct rig *r, uint32_t address) {
  dfu_spoil(r, address, address >= EXTERNAL ? 64 * 1024 : 32 * 1024);
  assert_int_equal(dfu_erase(r, address).state, DNLOAD_IDLE);
  dfu_abort(r);
}

static void write_fails(struct rig *r, uint32_t address) {
  if (dfu_write(r, address, data, sizeof data).state != ERROR) dfu_abort(r);
}

// The failed place again, once it is mended.
static void expect_mended(struct rig *r, const struct medium *m) {
  mend(r);
  dfu_expect_download(r, m->place);
  dfu_expect_usable(r);
}

// --- bits that are stuck -------------------------------------------------------

static void a_bit_stuck_at_zero(void **state) {
  struct rig *r = *state;
  static const uint32_t at[] = {0, 1, 1023, 1024, 32767};
  for (int m = 0; m < MEDIA; m++) {
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
      const uint32_t address = media[m].place + at[i];
      stick(r, m, address, 0x10, 0x00);
      erase_fails(r, media[m].place);
      dfu_expect_error(r, ERR_ERASE, address, SAYS_ERASE);
      dfu_expect_download(r, media[m].elsewhere);
      mend(r);
    }
    expect_mended(r, &media[m]);
  }
}

static void a_bit_stuck_at_one(void **state) {
  struct rig *r = *state;
  static const uint32_t at[] = {0, 1, 255, 256, 4095};
  memset(data, 0xE7, sizeof data);
  for (int m = 0; m < MEDIA; m++) {
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
      const uint32_t address = media[m].place + at[i];
      dfu_blank(r, media[m].place);
      stick(r, m, address, 0x08, 0x08);
      write_fails(r, media[m].place);
      dfu_expect_error(r, ERR_VERIFY, address, SAYS_VERIFY);
      dfu_expect_download(r, media[m].elsewhere);
      mend(r);
    }
    expect_mended(r, &media[m]);
  }
}

// --- operations that fail ------------------------------------------------------

// The internal flash has no flag for it: what is read back says so.
static void an_internal_program_that_fails(void **state) {
  struct rig *r = *state;
  const struct medium *m = &media[INTERNAL_MEDIUM];
  static const uint32_t at[] = {0, 4, 1024, 4092};
  memset(data, 0x00, sizeof data);
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    dfu_blank(r, m->place);
    r->m->flash.faults.program_fails = true;
    r->m->flash.faults.program_at = offset_of(m->place + at[i]);
    write_fails(r, m->place);
    dfu_expect_error(r, ERR_VERIFY, m->place + at[i], SAYS_VERIFY);
    dfu_expect_download(r, m->elsewhere);
    mend(r);
  }
  expect_mended(r, m);
}

// The NOR chip has one for each page.
static void an_external_program_that_fails(void **state) {
  struct rig *r = *state;
  const struct medium *m = &media[EXTERNAL_MEDIUM];
  memset(data, 0x00, sizeof data);
  for (uint32_t page = 1; page <= 16; page += 5) {
    dfu_blank(r, m->place);
    r->m->nor.faults.fail_program = page;
    write_fails(r, m->place);
    dfu_expect_error(r, ERR_PROG, m->place, SAYS_WRITE);
    // A failed page is not tried to be written over: nothing follows it.
    assert_int_equal(*rig_memory(r, m->place + page * 256), 0xFF);
    dfu_expect_download(r, m->elsewhere);
  }
  expect_mended(r, m);
}

static void fail_erase(struct rig *r, int medium, uint32_t address) {
  if (medium == EXTERNAL_MEDIUM) {
    r->m->nor.faults.fail_erase = 1;
  } else {
    r->m->flash.faults.erase_fails = true;
    r->m->flash.faults.erase_sector =
        flash_f7_sector_of(&r->m->flash, offset_of(address));
  }
}

static void an_erase_that_fails(void **state) {
  struct rig *r = *state;
  for (int m = 0; m < MEDIA; m++) {
    dfu_expect_download(r, media[m].place);
    fail_erase(r, m, media[m].place);
    erase_fails(r, media[m].place);
    dfu_expect_error(r, ERR_ERASE, media[m].place, SAYS_ERASE);
    dfu_expect_download(r, media[m].elsewhere);
    expect_mended(r, &media[m]);
  }
}

// A mass erase names the block that failed. Of the external flash the first block is
// the one that is not blank: 64 MB more to look at would only take long.
static void a_mass_erase_that_fails(void **state) {
  struct rig *r = *state;
  static const uint32_t places[MEDIA] = {
      [INTERNAL_MEDIUM] = 0x08020000, [EXTERNAL_MEDIUM] = EXTERNAL};
  for (int m = 0; m < MEDIA; m++) {
    dfu_expect_download(r, places[m]);
    assert_int_equal(dfu_select(r, (uint8_t)m), 0);
    fail_erase(r, m, places[m]);
    assert_int_equal(dfu_mass_erase(r).state, ERROR);
    dfu_expect_error(r, ERR_ERASE, places[m], SAYS_ERASE);
    mend(r);
  }
  assert_int_equal(dfu_select(r, 0), 0);
  assert_int_equal(dfu_mass_erase(r).state, DNLOAD_IDLE);
  dfu_abort(r);
  dfu_expect_usable(r);
}

// --- a chip that stays busy ----------------------------------------------------

static void stay_busy(struct rig *r, int medium) {
  if (medium == EXTERNAL_MEDIUM) {
    r->m->nor.faults.stay_busy = true;
  } else {
    r->m->flash.faults.stays_busy = true;
  }
}

// How long it takes until the error is told.
static uint32_t until_error(struct rig *r) {
  const vtime_t start = machine_now(r->m);
  if (dfu_wait(r).state != ERROR) assert_int_equal(dfu_finish(r).state, ERROR);
  return (uint32_t)((machine_now(r->m) - start) / VT_MS(1));
}

// Of a block that is full.
static void begin_erase(struct rig *r, uint32_t address) {
  dfu_spoil(r, address, address >= EXTERNAL ? 64 * 1024 : 32 * 1024);
  assert_int_equal(dfu_command(r, 0x41, address), 5);
}

static void begin_write(struct rig *r, uint32_t address) {
  assert_int_equal(dfu_set_address(r, address).state, DNLOAD_IDLE);
  assert_int_equal(dfu_dnload(r, 2, data, sizeof data), sizeof data);
}

static void blank(struct rig *r, uint32_t address) {
  memset((uint8_t *)(uintptr_t)rig_memory(r, address), 0xFF, CLIENT_BLOCK);
}

static void power_cycle(struct rig *r) {
  rig_power_cycle(r);
  rig_configure(r);
}

// The QSPI flash takes data and gives them back. The GETSTATUS before the ABORT says
// that the update is not over: "complete" could not be put on record while the internal
// flash is busy.
static void expect_external_works(struct rig *r) {
  const struct medium *m = &media[EXTERNAL_MEDIUM];
  uint8_t back[sizeof data];
  assert_int_equal(dfu_erase(r, m->place).state, DNLOAD_IDLE);
  assert_int_equal(dfu_write(r, m->place, data, sizeof data).state, DNLOAD_IDLE);
  assert_int_equal(dfu_status(r).state, DNLOAD_IDLE);
  dfu_abort(r);
  dfu_read(r, m->place, back, sizeof back);
  assert_memory_equal(back, data, sizeof data);
}

// Nothing but a loss of power ends BSY of the internal flash. Until then each
// request that needs that flash says so, without another wait for the flash; the
// other one works.
static void expect_busy_internal(struct rig *r) {
  const struct medium *m = &media[INTERNAL_MEDIUM];
  uint8_t piece[64];
  const vtime_t start = machine_now(r->m);
  erase_fails(r, m->elsewhere);
  dfu_expect_error(r, ERR_ERASE, m->elsewhere, SAYS_BUSY);
  write_fails(r, m->elsewhere);
  dfu_expect_error(r, ERR_PROG, m->elsewhere, SAYS_BUSY);
  dfu_set_address(r, m->elsewhere);
  dfu_abort(r);
  assert_int_equal(dfu_upload(r, 2, piece, sizeof piece), -EPIPE);
  dfu_expect_error(r, ERR_UNKNOWN, m->elsewhere, SAYS_BUSY);
  assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
  dfu_expect_error(r, ERR_UNKNOWN, 0, SAYS_BUSY);
  assert_true(machine_now(r->m) - start < VT_MS(m->erase_ms + 50));
  expect_external_works(r);
}

// The state log tells of an update from its first change on, so that change comes
// first.
static void begin_update(struct rig *r) {
  dfu_blank(r, media[INTERNAL_MEDIUM].elsewhere);
}

static void an_internal_erase_that_never_ends(void **state) {
  struct rig *r = *state;
  const struct medium *m = &media[INTERNAL_MEDIUM];
  begin_update(r);
  stay_busy(r, INTERNAL_MEDIUM);
  begin_erase(r, m->place);
  assert_in_range(until_error(r), m->erase_max_ms, m->erase_max_ms + NOTICE_MS);
  dfu_expect_error(r, ERR_ERASE, m->place, SAYS_BUSY);
  expect_busy_internal(r);
  mend(r);
  power_cycle(r);
  expect_mended(r, m);
}

static void an_internal_program_that_never_ends(void **state) {
  struct rig *r = *state;
  const struct medium *m = &media[INTERNAL_MEDIUM];
  blank(r, m->place);
  begin_update(r);
  stay_busy(r, INTERNAL_MEDIUM);
  begin_write(r, m->place);
  assert_in_range(until_error(r), 0, m->program_max_ms + NOTICE_MS);
  dfu_expect_error(r, ERR_PROG, m->place, SAYS_BUSY);
  expect_busy_internal(r);
  mend(r);
  power_cycle(r);
  expect_mended(r, m);
}

// Nothing is changed, in either flash, when it cannot be put on record.
static void a_state_log_that_cannot_be_written(void **state) {
  struct rig *r = *state;
  const uint64_t before = r->m->nor_span.operations;
  stay_busy(r, INTERNAL_MEDIUM);
  begin_erase(r, media[EXTERNAL_MEDIUM].place);
  until_error(r);
  dfu_expect_error(r, ERR_PROG, 0x08008000u, SAYS_BUSY);
  assert_int_equal(r->m->nor_span.operations, before);
  mend(r);
  power_cycle(r);
  expect_mended(r, &media[EXTERNAL_MEDIUM]);
}

// A NOR chip can be reset: one that was only late works again by itself, and one
// that is still stuck is told again.
static void an_external_erase_that_never_ends(void **state) {
  struct rig *r = *state;
  const struct medium *m = &media[EXTERNAL_MEDIUM];
  stay_busy(r, EXTERNAL_MEDIUM);
  for (int i = 0; i < 2; i++) {
    begin_erase(r, m->place);
    assert_in_range(until_error(r), m->erase_max_ms, m->erase_max_ms + NOTICE_MS);
    dfu_expect_error(r, ERR_ERASE, m->place, SAYS_BUSY);
    dfu_expect_download(r, media[INTERNAL_MEDIUM].place);
  }
  expect_mended(r, m);
  rig_allow_nor_reset(r);
}

static void an_external_program_that_never_ends(void **state) {
  struct rig *r = *state;
  const struct medium *m = &media[EXTERNAL_MEDIUM];
  memset(data, 0x55, sizeof data);
  for (int i = 0; i < 2; i++) {
    mend(r);
    blank(r, m->place);
    stay_busy(r, EXTERNAL_MEDIUM);
    begin_write(r, m->place);
    assert_in_range(until_error(r), 0, m->program_max_ms + NOTICE_MS);
    dfu_expect_error(r, ERR_PROG, m->place, SAYS_BUSY);
    dfu_expect_download(r, media[INTERNAL_MEDIUM].place);
  }
  expect_mended(r, m);
  rig_allow_nor_reset(r);
}

// What a chip in that state holds can be read, too.
static void an_upload_after_a_timeout(void **state) {
  struct rig *r = *state;
  const struct medium *m = &media[EXTERNAL_MEDIUM];
  uint8_t back[CLIENT_BLOCK];
  dfu_pattern((uint8_t *)(uintptr_t)rig_memory(r, m->elsewhere), sizeof back, 3);
  stay_busy(r, EXTERNAL_MEDIUM);
  begin_erase(r, m->place);
  until_error(r);
  dfu_clear(r);
  dfu_read(r, m->elsewhere, back, sizeof back);
  assert_memory_equal(back, rig_memory(r, m->elsewhere), sizeof back);
  rig_allow_nor_reset(r);
  expect_mended(r, m);
}

// --- power that goes away ------------------------------------------------------

enum { CUTS = 9 };

// The board comes up again, and the same job again succeeds.
static void cut_and_repeat(struct rig *r, const struct medium *m) {
  machine_power_cut(r->m);
  rig_run(r, VT_MS(30));
  rig_power_on(r);
  rig_configure(r);
  const struct reply s = dfu_status(r);
  assert_int_equal(s.state, IDLE);
  assert_int_equal(s.status, OK);
  dfu_expect_download(r, m->place);
}

// Instants spread over the operation, odd to every period in it.
static vtime_t instant(uint32_t duration_ms, unsigned i) {
  return VT_MS(duration_ms) * (2 * i + 1) / (2 * CUTS) + VT_NS(137) * i;
}

static bool is_busy(struct rig *r, int medium) {
  if (medium == EXTERNAL_MEDIUM) return nor_busy(&r->m->nor);
  return flash_f7_busy_until(&r->m->flash) > machine_now(r->m);
}

static void power_cut_inside_an_erase(void **state) {
  struct rig *r = *state;
  for (int m = 0; m < MEDIA; m++) {
    for (unsigned i = 0; i < CUTS; i++) {
      begin_erase(r, media[m].place);
      assert_int_equal(dfu_wait(r).state, DNLOAD_IDLE);
      dfu_abort(r);
      rig_run(r, instant(media[m].erase_ms, i));
      assert_true(is_busy(r, m));
      cut_and_repeat(r, &media[m]);
    }
  }
}

static void power_cut_inside_a_program(void **state) {
  struct rig *r = *state;
  for (int m = 0; m < MEDIA; m++) {
    unsigned inside = 0;
    for (unsigned i = 0; i < CUTS; i++) {
      dfu_pattern(data, sizeof data, i);
      dfu_blank(r, media[m].place);
      begin_write(r, media[m].place);
      rig_run(r, instant(media[m].program_ms, i));
      if (is_busy(r, m)) inside++;
      cut_and_repeat(r, &media[m]);
    }
    // Between two pages or words the flash is idle for a moment; most cuts are not.
    assert_true(inside > CUTS / 2);
  }
}

// At any time of the first start of all, which writes the chip's quad-enable bit.
static void power_cut_inside_the_first_start(void **state) {
  struct rig *r = *state;
  const struct nor_counters *count = &r->m->nor.counters;
  // Once without a cut: when is it written?
  vtime_t written = 0;
  nor_set_register(&r->m->nor, NOR_REG_STATUS, 0);
  rig_power_on(r);
  for (; !count->register_writes && written < VT_S(1); written += VT_US(100))
    rig_run(r, VT_US(100));
  assert_true(written < VT_S(1));
  const uint64_t before = count->register_writes;
  for (unsigned i = 0; i < 40; i++) {
    machine_power_cut(r->m);
    rig_run(r, VT_MS(30));
    nor_set_register(&r->m->nor, NOR_REG_STATUS, 0);
    rig_power_on(r);
    rig_run(r, written - VT_MS(20) + VT_US(1500) * i + VT_NS(331));
  }
  assert_true(count->register_writes - before > 20);
  machine_power_cut(r->m);
  rig_run(r, VT_MS(30));
  rig_power_on(r);
  rig_configure(r);
  dfu_expect_usable(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(a_bit_stuck_at_zero),
      RIG_BOTH(a_bit_stuck_at_one),
      RIG_BOTH(an_internal_program_that_fails),
      RIG_BOTH(an_external_program_that_fails),
      RIG_BOTH(an_erase_that_fails),
      RIG_BOTH(a_mass_erase_that_fails),
      RIG_BOTH(an_internal_erase_that_never_ends),
      RIG_BOTH(an_internal_program_that_never_ends),
      RIG_BOTH(a_state_log_that_cannot_be_written),
      RIG_BOTH(an_external_erase_that_never_ends),
      RIG_BOTH(an_external_program_that_never_ends),
      RIG_BOTH(an_upload_after_a_timeout),
      RIG_BOTH(power_cut_inside_an_erase),
      RIG_BOTH(power_cut_inside_a_program),
      RIG_TEST(HS, power_cut_inside_the_first_start, rig_setup_off),
      RIG_TEST(FS, power_cut_inside_the_first_start, rig_setup_off),
  };
  return cmocka_run_group_tests_name("dfu_faults", tests, NULL, NULL);
}
