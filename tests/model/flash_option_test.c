// SPDX-License-Identifier: MIT
// Option bytes: unlocking, programming, when each takes effect, read protection, what
// the window shows, where a reset boots from, and what a power cut leaves. OTP too.
// Typed from RM0410 3.4 to 3.6 and chapter 2.4.
#include "tests/model/flash_rig.h"

enum { OPTIONS_MS = 400 };

static void set_options(struct bench *b, uint32_t optcr, uint32_t optcr1) {
  unlock_options(b);
  wr(b, OPTCR1, optcr1);
  wr(b, OPTCR, (optcr & ~OPTLOCK) | OPTSTRT);
}

static void program_options(struct bench *b, uint32_t optcr, uint32_t optcr1) {
  set_options(b, optcr, optcr1);
  assert_int_equal(rd(b, SR), BSY);
  chip_pass(&b->chip, VT_S(17));
  assert_int_equal(rd(b, SR), 0);
  wr(b, OPTCR, rd(b, OPTCR) | OPTLOCK);
}

static uint32_t window_word(const struct bench *b, unsigned i) {
  uint32_t value;
  memcpy(&value, b->window + 4 * i, sizeof value);
  return value;
}

// --- programming

static void they_come_from_their_cells_with_reset(void **state) {
  struct bench *b = *state;
  assert_int_equal(rd(b, OPTCR), 0xFFFFAAFD);
  assert_int_equal(rd(b, OPTCR1), 0x00400080);
  flash_f7_set_options(&b->flash, 0xFFFFAADC, 0x00400000);  // IWDG_SW clear
  assert_int_equal(rd(b, OPTCR), 0xFFFFAAFD);               // not before a reset
  flash_f7_reset(&b->flash);
  assert_int_equal(rd(b, OPTCR), 0xFFFFAADD);  // always locked at first
  assert_int_equal(rd(b, OPTCR1), 0x00400000);
}

static void written_they_are_only_wishes(void **state) {
  struct bench *b = *state;
  unlock_options(b);
  wr(b, OPTCR, FACTORY & ~OPTLOCK & ~BIT(5) & ~BIT(16));
  wr(b, OPTCR1, 0x00402000);
  assert_int_equal(rd(b, OPTCR), FACTORY & ~OPTLOCK & ~BIT(5) & ~BIT(16));
  assert_int_equal(rd(b, OPTCR1), 0x00402000);
  assert_int_equal(b->operations, 0);
  flash_f7_reset(&b->flash);
  assert_int_equal(rd(b, OPTCR), FACTORY);
  assert_int_equal(rd(b, OPTCR1), FACTORY1);
  expect_none(&b->chip);
}

static void started_they_are_kept(void **state) {
  struct bench *b = *state;
  set_options(b, FACTORY & ~BIT(5), 0x00402000);
  assert_int_equal(rd(b, SR), BSY);
  assert_int_equal(rd(b, OPTCR) & OPTSTRT, OPTSTRT);
  assert_int_equal(b->kind, FLASH_F7_OPTIONS);
  assert_int_equal(b->busy, 3);
  chip_pass(&b->chip, VT_MS(OPTIONS_MS) - 1);
  assert_int_equal(rd(b, SR), BSY);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(b->busy, 0);
  assert_int_equal(rd(b, OPTCR), FACTORY & ~OPTLOCK & ~BIT(5));
  flash_f7_power_cut(&b->flash);
  flash_f7_reset(&b->flash);
  assert_int_equal(rd(b, OPTCR), FACTORY & ~BIT(5));
  assert_int_equal(rd(b, OPTCR1), 0x00402000);
  assert_int_equal(b->flash.counters.option_programs, 1);
  expect_none(&b->chip);
}

static void their_end_interrupts_when_asked_to(void **state) {
  struct bench *b = *state;
  unlock(b);
  wr(b, CR, EOPIE);
  set_options(b, FACTORY, FACTORY1);
  chip_pass(&b->chip, VT_MS(OPTIONS_MS));
  assert_int_equal(rd(b, SR), EOP);
  assert_true(b->chip.irq);
  wr(b, SR, EOP);
  assert_false(b->chip.irq);
  expect_none(&b->chip);
}

// Bytes and half-words of the registers, as a driver writes them that changes one.
static void narrow_writes_change_their_lanes(void **state) {
  struct bench *b = *state;
  unlock_options(b);
  bus_mmio_write(&b->chip.sim.bus, BASE + OPTCR + 1, 1, 0x55);
  assert_int_equal(rd(b, OPTCR), 0xFFFF55FC);
  bus_mmio_write(&b->chip.sim.bus, BASE + OPTCR + 2, 2, 0xFFFE);
  assert_int_equal(rd(b, OPTCR), 0xFFFE55FC);
  bus_mmio_write(&b->chip.sim.bus, BASE + OPTCR1 + 2, 2, 0x2000);
  assert_int_equal(rd(b, OPTCR1), 0x20000080);
  assert_int_equal(b->operations, 0);
  expect_none(&b->chip);
}

static void busy_they_wait(void **state) {
  struct bench *b = *state;
  unlock(b);
  unlock_options(b);
  wr(b, CR, PG | PSIZE(2));
  const vtime_t begun = b->chip.sim.events.now;
  flash_f7_store(&b->flash, 0, 4, 0);
  wr(b, OPTCR1, 0x00402000);
  expect_one(&b->chip, GUEST_FLASH_BUSY);
  assert_true(b->chip.sim.events.now == begun + VT_US(16));
  assert_int_equal(rd(b, OPTCR1), 0x00402000);
}

static void locking_and_starting_only_locks(void **state) {
  struct bench *b = *state;
  unlock_options(b);
  wr(b, OPTCR, FACTORY | OPTSTRT);
  assert_int_equal(rd(b, OPTCR), FACTORY);
  assert_int_equal(b->operations, 0);
  expect_none(&b->chip);
}

static void programming_that_fails_changes_nothing(void **state) {
  struct bench *b = *state;
  b->flash.faults.options_fail = true;
  program_options(b, FACTORY & ~BIT(16), 0x00402000);
  flash_f7_reset(&b->flash);
  assert_int_equal(rd(b, OPTCR), FACTORY);
  assert_int_equal(rd(b, OPTCR1), FACTORY1);
}

// --- when they take effect

static bool erases_sector_0(struct bench *b) {
  unlock(b);
  wr(b, CR, SER | PSIZE(2) | STRT);
  const bool started = rd(b, SR) & BSY;
  chip_pass(&b->chip, VT_S(2));
  wr(b, SR, 0xFF);
  wr(b, CR, LOCK);
  report_clear(&b->chip.sim.report);
  return started;
}

static void write_protection_is_in_force_when_done(void **state) {
  struct bench *b = *state;
  unlock_options(b);
  wr(b, OPTCR, FACTORY & ~OPTLOCK & ~BIT(16));
  assert_true(erases_sector_0(b));  // a wish protects nothing
  wr(b, OPTCR, rd(b, OPTCR) | OPTSTRT);
  chip_pass(&b->chip, VT_MS(OPTIONS_MS));
  assert_false(erases_sector_0(b));
  flash_f7_reset(&b->flash);
  assert_false(erases_sector_0(b));
  program_options(b, FACTORY, FACTORY1);
  assert_true(erases_sector_0(b));
}

static void the_bank_mode_waits_for_a_reset(void **state) {
  struct bench *b = *state;
  program_options(b, FACTORY & ~NDBANK, FACTORY1);
  assert_int_equal(flash_f7_sector_of(&b->flash, 0x4000), 0);
  flash_f7_reset(&b->flash);
  assert_int_equal(flash_f7_sector_of(&b->flash, 0x4000), 1);
  expect_none(&b->chip);  // the flash was blank
  program_options(b, FACTORY, FACTORY1);
  flash_f7_reset(&b->flash);
  assert_int_equal(flash_f7_sector_of(&b->flash, 0x4000), 0);
  expect_none(&b->chip);
}

// What was programmed is not where it was; back in the old mode it is.
static void another_bank_mode_shuffles_the_content(void **state) {
  struct bench *b = *state;
  for (uint32_t i = 0; i < SIZE; i++)
    b->bytes[i] = (uint8_t)(i / 16 * 7 + i / SIZE);
  uint8_t *old = test_malloc(SIZE);
  memcpy(old, b->bytes, SIZE);
  program_options(b, FACTORY & ~NDBANK, FACTORY1);
  assert_memory_equal(b->bytes, old, SIZE);
  flash_f7_reset(&b->flash);
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
  assert_int_equal(b->chip.sim.report.guest_errors, 0);
  assert_memory_equal(b->bytes, old, 16);
  assert_memory_equal(b->bytes + 16, old + 32, 16);
  assert_memory_equal(b->bytes + SIZE / 2, old + 16, 16);
  assert_memory_equal(b->bytes + SIZE - 16, old + SIZE - 16, 16);
  assert_int_equal(b->content_length, SIZE);
  program_options(b, FACTORY, FACTORY1);
  flash_f7_reset(&b->flash);
  assert_memory_equal(b->bytes, old, SIZE);
  test_free(old);
}

// Those that the simulator does not obey say so at every reset; the others do not.
static void what_is_not_obeyed_is_said(void **state) {
  (void)state;
  static const struct {
    uint32_t clear;
    bool said;
  } rows[] = {
      {BIT(2), false}, {BIT(3), false}, {BIT(4), false},  {BIT(5), false},
      {BIT(6), true},  {BIT(7), true},  {BIT(28), false}, {BIT(28) | NDBANK, true},
      {NDBANK, false}, {BIT(30), true}, {BIT(31), true},  {0xFF00, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bench *b = bench_open(SIZE, FACTORY & ~rows[i].clear);
    assert_int_equal(b->chip.sim.report.unimplemented, rows[i].said);
    assert_int_equal(b->chip.sim.report.guest_errors, 0);
    void *s = b;
    teardown(&s);
  }
}

// Level 1 lets only code that was booted from flash at the flash.
static void level_1_shuts_the_flash_to_code_from_elsewhere(void **state) {
  struct bench *b = *state;
  flash_f7_set_options(&b->flash, FACTORY & ~0xFF00u, 0x00402000);
  flash_f7_reset(&b->flash);
  assert_false(flash_f7_is_shut(&b->flash));
  flash_f7_set_options(&b->flash, FACTORY & ~0xFF00u, 0x00408000);
  flash_f7_reset(&b->flash);
  assert_true(flash_f7_is_shut(&b->flash));
  expect_none(&b->chip);
  unlock(b);
  program(b, 0, 0);
  expect_one(&b->chip, GUEST_FLASH_PROTECTED);
  wr(b, CR, MER | PSIZE(2) | STRT);
  expect_one(&b->chip, GUEST_FLASH_PROTECTED);
  assert_int_equal(rd(b, SR), WRPERR);
  assert_int_equal(b->operations, 0);
}

// A debugger shuts it at level 1, until power was away; before, it does not matter.
static void a_debugger_shuts_it_until_power_is_lost(void **state) {
  struct bench *b = *state;
  flash_f7_debugger(&b->flash, true);
  flash_f7_debugger(&b->flash, false);
  program_options(b, FACTORY & ~0xFF00u, 0x00402000);
  assert_false(flash_f7_is_shut(&b->flash));
  flash_f7_debugger(&b->flash, true);
  assert_true(flash_f7_is_shut(&b->flash));
  flash_f7_debugger(&b->flash, false);
  flash_f7_reset(&b->flash);
  assert_true(flash_f7_is_shut(&b->flash));
  flash_f7_power_on(&b->flash);
  flash_f7_reset(&b->flash);
  assert_false(flash_f7_is_shut(&b->flash));
  expect_none(&b->chip);
}

// Booted from RAM at level 0, level 1 shuts it when the option bytes are programmed.
static void level_1_shuts_it_when_programmed(void **state) {
  struct bench *b = *state;
  flash_f7_set_options(&b->flash, FACTORY, 0x00408000);
  flash_f7_reset(&b->flash);
  assert_false(flash_f7_is_shut(&b->flash));
  program_options(b, FACTORY & ~0xFF00u, 0x00408000);
  assert_true(flash_f7_is_shut(&b->flash));
}

// --- the window at 0x1FFF0000: values with complements (RM0385 table 13)

static void the_window_shows_the_cells(void **state) {
  struct bench *b = *state;
  const uint32_t factory[] = {0x5500AAFF, 0x0000FFFF, 0xFF7F0080, 0xFFBF0040};
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(window_word(b, 2 * i), factory[i]);
    assert_int_equal(window_word(b, 2 * i + 1), 0xFFFFFFFF);
  }
  set_options(b, 0xCFF755D1, 0x20400080);
  assert_int_equal(window_word(b, 0), factory[0]);  // not while it is busy
  chip_pass(&b->chip, VT_S(1));
  const uint32_t changed[] = {0xAA2C55D3, 0x3008CFF7, 0xFF7F0080, 0xDFBF2040};
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(window_word(b, 2 * i), changed[i]);
}

// --- read protection

static uint32_t with_rdp(uint32_t rdp) {
  return (FACTORY & ~0xFF00u) | rdp << 8;
}

static void the_levels(void **state) {
  (void)state;
  for (uint32_t rdp = 0; rdp < 256; rdp++) {
    struct bench *b = bench_open(SIZE, with_rdp(rdp));
    const unsigned level = rdp == 0xAA ? 0 : rdp == 0xCC ? 2 : 1;
    assert_int_equal(flash_f7_rdp_level(&b->flash), level);
    void *s = b;
    teardown(&s);
  }
}

static void raising_it_erases_nothing(void **state) {
  struct bench *b = *state;
  memset(b->bytes, 0x5A, SIZE);
  program_options(b, with_rdp(0x55), FACTORY1);
  assert_int_equal(flash_f7_rdp_level(&b->flash), 1);
  program_options(b, with_rdp(0x00), FACTORY1);
  program_options(b, with_rdp(0xCC), FACTORY1);
  assert_int_equal(flash_f7_rdp_level(&b->flash), 2);
  check_blank(b, 0, 0, 0x5A);
  assert_int_equal(b->regressions, 0);
  expect_none(&b->chip);
}

// All of it, protected sectors too, in the time of a mass erase; OTP stays.
static void giving_it_up_erases_everything(void **state) {
  struct bench *b = *state;
  memset(b->bytes, 0x5A, SIZE);
  b->otp[3] = 0x12;
  program_options(b, with_rdp(0x55) & ~BIT(17), FACTORY1);
  set_options(b, with_rdp(0xAA) & ~BIT(17), FACTORY1);
  chip_pass(&b->chip, VT_S(16) + VT_MS(OPTIONS_MS) - 1);  // x8
  assert_int_equal(rd(b, SR), BSY);
  assert_int_equal(flash_f7_rdp_level(&b->flash), 1);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(flash_f7_rdp_level(&b->flash), 0);
  check_blank(b, 0, SIZE, 0);
  assert_int_equal(b->regressions, 1);
  assert_int_equal(b->flash.counters.mass_erases, 1);
  assert_int_equal(b->otp[3], 0x12);
  expect_none(&b->chip);
}

static void level_2_is_for_ever(void **state) {
  struct bench *b = *state;
  program_options(b, with_rdp(0xCC), FACTORY1);
  const uint32_t wishes[] = {0xAA, 0x55, 0xCC};
  for (size_t i = 0; i < 3; i++) {
    set_options(b, with_rdp(wishes[i]), 0x00402000);
    expect_one(&b->chip, GUEST_FLASH_PROTECTED);
    assert_int_equal(rd(b, SR), WRPERR);
    flash_f7_reset(&b->flash);
    assert_int_equal(rd(b, OPTCR), with_rdp(0xCC));
    assert_int_equal(rd(b, OPTCR1), FACTORY1);
  }
  assert_int_equal(b->operations, 1);
}

// --- boot

static const struct {
  uint32_t value;  // of BOOT_ADDn, 16 KB steps
  uint32_t low, high, level2;
} boots[] = {
    {0x0000, 0x00000000, 0x00000000, 0x00200000},  // ITCM RAM
    {0x0040, 0x00100000, 0x00100000, 0x00200000},  // system memory
    {0x0080, 0x00200000, 0x00200000, 0x00200000},  // flash by ITCM
    {0x2000, 0x08000000, 0x08000000, 0x08000000},  // flash by AXIM
    {0x2004, 0x08010000, 0x08010000, 0x08010000},
    {0x7FC0, 0x1FF00000, 0x1FF00000, 0x00200000},  // system memory
    {0x8000, 0x20000000, 0x20000000, 0x00200000},  // DTCM
    {0x801F, 0x2007C000, 0x2007C000, 0x00200000},  // SRAM2
    {0x2080, 0x00200000, 0x00000000, 0x00200000},  // behind the flash
    {0x4000, 0x00200000, 0x00000000, 0x00200000},  // nothing
    {0xFFFF, 0x00200000, 0x00000000, 0x00200000},
};

static void where_a_reset_boots_from(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof boots / sizeof *boots; i++) {
    flash_f7_set_options(&b->flash, FACTORY, boots[i].value);
    flash_f7_reset(&b->flash);
    assert_int_equal(flash_f7_boot_address(&b->flash, false), boots[i].low);
    flash_f7_set_options(&b->flash, FACTORY, boots[i].value << 16);
    flash_f7_reset(&b->flash);
    assert_int_equal(flash_f7_boot_address(&b->flash, true), boots[i].high);
    flash_f7_set_options(&b->flash, with_rdp(0xCC), boots[i].value << 16);
    flash_f7_reset(&b->flash);
    assert_int_equal(flash_f7_boot_address(&b->flash, true), boots[i].level2);
  }
}

// --- power cuts

// Every half-word is as the cells are torn: with its complement it counts, without it
// reads FFFFh. Nothing else is possible, and all of it happens.
static void check_torn(struct bench *b, unsigned *whole, unsigned *broken) {
  flash_f7_reset(&b->flash);
  for (unsigned i = 0; i < 4; i++) {
    const uint32_t cell = window_word(b, 2 * i);
    const bool good = (cell & 0xFFFF) == (~cell >> 16);
    const uint32_t reg = rd(b, i < 2 ? OPTCR : OPTCR1) >> 16 * (i & 1u) & 0xFFFF;
    const uint32_t wanted = good ? cell & 0xFFFF : 0xFFFF;
    assert_int_equal(i ? reg : reg | 3, i ? wanted : wanted | 3);
    ++*(good ? whole : broken);
  }
  report_clear(&b->chip.sim.report);
}

static void a_cut_tears_them(void **state) {
  struct bench *b = *state;
  unsigned whole = 0, broken = 0, level1 = 0;
  for (unsigned i = 0; i < 200; i++) {
    flash_f7_set_options(&b->flash, FACTORY, FACTORY1);
    flash_f7_reset(&b->flash);
    set_options(b, FACTORY & ~BIT(16), 0x00402000);
    chip_pass(&b->chip, VT_MS(OPTIONS_MS) / 200 * i);
    flash_f7_power_cut(&b->flash);
    assert_false(b->flash.op.active);
    check_torn(b, &whole, &broken);
    level1 += flash_f7_rdp_level(&b->flash) == 1;
  }
  assert_true(broken > 500);
  assert_true(level1 > 100);
}

static void a_cut_mass_erase_is_still_protected(void **state) {
  struct bench *b = *state;
  memset(b->bytes, 0, SIZE);
  program_options(b, with_rdp(0x55), FACTORY1);
  set_options(b, with_rdp(0xAA), FACTORY1);
  chip_pass(&b->chip, VT_S(3));
  flash_f7_power_cut(&b->flash);
  flash_f7_reset(&b->flash);
  assert_int_equal(flash_f7_rdp_level(&b->flash), 1);
  assert_int_equal(b->regressions, 0);
  unsigned risen = 0;
  for (uint32_t i = 0; i < SIZE; i++)
    risen += b->bytes[i] != 0;
  assert_true(risen > SIZE / 2);
  expect_none(&b->chip);
}

static void cut_after_it_nothing_is_left_to_read(void **state) {
  struct bench *b = *state;
  memset(b->bytes, 0, SIZE);
  program_options(b, with_rdp(0x55), FACTORY1);
  set_options(b, with_rdp(0xAA), FACTORY1);
  chip_pass(&b->chip, VT_S(16) + VT_MS(OPTIONS_MS) / 4);
  flash_f7_power_cut(&b->flash);
  check_blank(b, 0, SIZE, 0);
  assert_int_equal(b->regressions, 1);
}

// --- OTP

static void store_otp(struct bench *b, uint32_t offset, uint8_t value) {
  wr(b, CR, PG);
  flash_f7_store_otp(&b->flash, offset, 1, value);
  chip_pass(&b->chip, VT_US(16));
}

static void every_otp_byte_can_be_programmed_once(void **state) {
  struct bench *b = *state;
  unlock(b);
  for (uint32_t i = 0; i < FLASH_F7_OTP_BYTES; i++)
    store_otp(b, i, (uint8_t)(i * 3));
  for (uint32_t i = 0; i < FLASH_F7_OTP_BYTES; i++)
    assert_int_equal(b->otp[i], (uint8_t)(i * 3));
  assert_int_equal(b->flash.counters.otp_programs, FLASH_F7_OTP_BYTES);
  assert_int_equal(b->flash.counters.programs, 0);
  assert_int_equal(b->contents, 0);
  expect_none(&b->chip);
  store_otp(b, 1, 0xFF);
  expect_one(&b->chip, GUEST_FLASH_NOT_ERASED);
  assert_int_equal(b->otp[1], 3);
  wr(b, CR, MER | PSIZE(2) | STRT);  // nothing erases it
  chip_pass(&b->chip, VT_S(8));
  assert_int_equal(b->otp[1], 3);
}

static void otp_words_stall_the_first_bank(void **state) {
  struct bench *b = *state;
  unlock(b);
  wr(b, CR, PG | PSIZE(2));
  flash_f7_store_otp(&b->flash, 0x20, 4, 0x12345678);
  assert_int_equal(b->kind, FLASH_F7_OTP);
  assert_int_equal(b->busy, 1);
  chip_pass(&b->chip, VT_US(16));
  const uint8_t wanted[] = {0x78, 0x56, 0x34, 0x12};
  assert_memory_equal(b->otp + 0x20, wanted, 4);
  expect_none(&b->chip);
}

static void each_lock_byte_locks_its_block(void **state) {
  struct bench *b = *state;
  unlock(b);
  for (uint32_t block = 0; block < 16; block++) {
    store_otp(b, 64 * block, 0xF0);
    store_otp(b, FLASH_F7_OTP_BYTES + block, 0x00);
    expect_none(&b->chip);
    static const uint32_t inside[] = {0, 1, 63};
    for (size_t i = 0; i < 3; i++) {
      store_otp(b, 64 * block + inside[i], 0x00);
      expect_one(&b->chip, GUEST_FLASH_PROTECTED);
      assert_int_equal(rd(b, SR), WRPERR);
      wr(b, SR, WRPERR);
    }
    assert_int_equal(b->otp[64 * block], 0xF0);
    if (block < 15) {
      store_otp(b, 64 * block + 64, 0xFF);  // its neighbour is open
      expect_none(&b->chip);
    }
  }
}

static void other_lock_values_are_mistakes(void **state) {
  struct bench *b = *state;
  unlock(b);
  store_otp(b, FLASH_F7_OTP_BYTES + 2, 0xFF);
  expect_none(&b->chip);
  store_otp(b, FLASH_F7_OTP_BYTES + 2, 0x55);
  expect_one(&b->chip, GUEST_FLASH_SEQUENCE);
  store_otp(b, FLASH_F7_OTP_BYTES + 16, 0x00);
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
}

static void otp_has_the_errors_of_flash(void **state) {
  (void)state;
  static const struct {
    uint32_t cr, offset;
    unsigned bytes;
    enum guest_error error;
    uint32_t flag;
  } rows[] = {
      {0, 0, 1, GUEST_FLASH_SEQUENCE, ERSERR},
      {LOCK, 0, 1, GUEST_FLASH_SEQUENCE, ERSERR},
      {PG, 0, 4, GUEST_FLASH_WIDTH, PGPERR},
      {PG | PSIZE(2), 2, 4, GUEST_FLASH_ALIGN, PGAERR},
      {PG | PSIZE(3), 0, 8, GUEST_FLASH_SUPPLY, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bench *b = bench_open(SIZE, FACTORY);
    unlock(b);
    wr(b, CR, rows[i].cr);
    flash_f7_store_otp(&b->flash, rows[i].offset, rows[i].bytes, 0);
    expect_one(&b->chip, rows[i].error);
    assert_int_equal(rd(b, SR), rows[i].flag);
    assert_int_equal(b->operations, 0);
    assert_int_equal(b->otp[0], 0xFF);
    void *s = b;
    teardown(&s);
  }
}

static void otp_that_fails_keeps_its_content(void **state) {
  struct bench *b = *state;
  b->flash.faults.otp_fails = true;
  unlock(b);
  store_otp(b, 5, 0);
  assert_int_equal(b->otp[5], 0xFF);
  assert_int_equal(rd(b, SR), 0);
}

#define TEST(f)      cmocka_unit_test_setup_teardown(f, setup, teardown)
#define DUAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup_dual, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(they_come_from_their_cells_with_reset),
      TEST(written_they_are_only_wishes),
      TEST(started_they_are_kept),
      TEST(their_end_interrupts_when_asked_to),
      TEST(narrow_writes_change_their_lanes),
      TEST(busy_they_wait),
      TEST(locking_and_starting_only_locks),
      TEST(programming_that_fails_changes_nothing),
      TEST(write_protection_is_in_force_when_done),
      TEST(the_bank_mode_waits_for_a_reset),
      TEST(another_bank_mode_shuffles_the_content),
      cmocka_unit_test(what_is_not_obeyed_is_said),
      TEST(level_1_shuts_the_flash_to_code_from_elsewhere),
      TEST(level_1_shuts_it_when_programmed),
      TEST(a_debugger_shuts_it_until_power_is_lost),
      TEST(the_window_shows_the_cells),
      cmocka_unit_test(the_levels),
      TEST(raising_it_erases_nothing),
      TEST(giving_it_up_erases_everything),
      TEST(level_2_is_for_ever),
      TEST(where_a_reset_boots_from),
      TEST(a_cut_tears_them),
      TEST(a_cut_mass_erase_is_still_protected),
      TEST(cut_after_it_nothing_is_left_to_read),
      TEST(every_otp_byte_can_be_programmed_once),
      DUAL_TEST(otp_words_stall_the_first_bank),
      TEST(each_lock_byte_locks_its_block),
      TEST(other_lock_values_are_mistakes),
      cmocka_unit_test(otp_has_the_errors_of_flash),
      TEST(otp_that_fails_keeps_its_content),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
