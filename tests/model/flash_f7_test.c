// SPDX-License-Identifier: MIT
// Internal flash: keys, sectors, times, every error, faults, and what a power cut may
// leave. Numbers are typed here from RM0410 chapter 3 and DS11532 table 53.
#include "tests/model/flash_rig.h"
#include "tests/model/register_bits.h"

enum { SECTORS = 12 };

// --- registers ----------------------------------------------------------------------

// CR and the option registers are locked after reset. Prefetch and ART change nothing
// but speed.
static const struct register_bits registers[] = {
    {"ACR", 0x00, 0, 0x00000B0F, 0, 0, 0},
    {"KEYR", 0x04, 0, 0, 0, 0xFFFFFFFF, 0},
    {"OPTKEYR", 0x08, 0, 0, 0, 0xFFFFFFFF, 0},
    {"SR", 0x0C, 0, 0, 0x00010000, 0x000000F3, 0},
    {"CR", 0x10, 0x80000000, 0, 0, 0x830183FF, 0},
    {"OPTCR", 0x14, 0xFFFFAAFD, 0, 0, 0xFFFFFFFF, 0},
    {"OPTCR1", 0x18, 0x00400080, 0, 0, 0xFFFFFFFF, 0},
};

static void restart(void *ctx) {
  flash_f7_reset(&((struct bench *)ctx)->flash);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x1C, &b->chip.sim, restart, b});
}

static void unlocked_cr_keeps_its_settings(void **state) {
  struct bench *b = *state;
  unlock(b);
  static const uint32_t values[] = {PG,      SER,      MER,   MER2,
                                    SNB(31), PSIZE(3), EOPIE, ERRIE};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    wr(b, CR, values[i]);
    assert_int_equal(rd(b, CR), values[i]);
  }
  wr(b, CR, LOCK | PG);
  assert_int_equal(rd(b, CR), LOCK);
  expect_none(&b->chip);
}

static void wait_states_are_told(void **state) {
  struct bench *b = *state;
  assert_int_equal(flash_f7_latency(&b->flash), 0);
  wr(b, ACR, 0x307);
  assert_int_equal(flash_f7_latency(&b->flash), 7);
  assert_int_equal(b->latencies, 1);
}

static void on_art(void *ctx, bool on, bool reset) {
  unsigned *seen = ctx;
  *seen = (on ? 1u : 0) | (reset ? 2u : 0);
}

// RM0410 3.7.1: ARTRST is written while ARTEN is 0.
static void the_accelerator_is_reset_while_off(void **state) {
  (void)state;
  unsigned art = 9;
  struct bench *b = bench_open(SIZE, FACTORY);
  b->flash.on_latency = NULL;
  b->flash.on_art = on_art;
  b->flash.ctx = &art;
  static const struct {
    uint32_t acr;
    unsigned art;
  } rows[] = {{0x200, 1}, {0x000, 0}, {0x800, 2}, {0x000, 0}, {0xA00, 3}, {0xA00, 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    wr(b, ACR, rows[i].acr);
    assert_int_equal(art, rows[i].art);
    assert_int_equal(rd(b, ACR), rows[i].acr);
  }
  expect_none(&b->chip);
  wr(b, ACR, 0x200);
  wr(b, ACR, 0xA00);
  expect_one(&b->chip, GUEST_DROPPED_WRITE);
  assert_int_equal(rd(b, ACR), 0x200);
  void *s = b;
  teardown(&s);
}

// --- keys
// -------------------------------------------------------------------------------

static const struct {
  uint32_t reg, key1, key2, control, lock;
} locks[] = {
    {KEYR, 0x45670123, 0xCDEF89AB, CR, BIT(31)},
    {OPTKEYR, 0x08192A3B, 0x4C5D6E7F, OPTCR, BIT(0)},
};

static void two_keys_in_order_unlock(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < 2; i++) {
    for (int again = 0; again < 2; again++) {
      wr(b, locks[i].reg, locks[i].key1);
      assert_true(rd(b, locks[i].control) & locks[i].lock);
      wr(b, locks[i].reg, locks[i].key2);
      assert_int_equal(rd(b, locks[i].control) & locks[i].lock, 0);
      wr(b, locks[i].control, rd(b, locks[i].control) | locks[i].lock);
      assert_true(rd(b, locks[i].control) & locks[i].lock);
    }
    assert_int_equal(rd(b, locks[i].reg), 0);  // write-only
  }
  expect_none(&b->chip);
}

static void a_wrong_key_locks_until_reset(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < 2; i++) {
    for (int second = 0; second < 2; second++) {
      if (second) wr(b, locks[i].reg, locks[i].key1);
      assert_false(b->chip.sim.bus.failed);
      wr(b, locks[i].reg, second ? locks[i].key1 : locks[i].key2);
      expect_one(&b->chip, GUEST_FLASH_KEY);
      assert_true(b->chip.sim.bus.failed);
      b->chip.sim.bus.failed = false;
      wr(b, locks[i].reg, locks[i].key1);
      wr(b, locks[i].reg, locks[i].key2);
      assert_true(rd(b, locks[i].control) & locks[i].lock);
      flash_f7_reset(&b->flash);
      wr(b, locks[i].reg, locks[i].key1);
      wr(b, locks[i].reg, locks[i].key2);
      assert_int_equal(rd(b, locks[i].control) & locks[i].lock, 0);
      flash_f7_reset(&b->flash);
    }
  }
  expect_none(&b->chip);
}

static void locked_nothing_can_be_set(void **state) {
  struct bench *b = *state;
  wr(b, CR, SER | STRT);
  expect_one(&b->chip, GUEST_FLASH_LOCKED);
  assert_int_equal(rd(b, CR), LOCK);
  assert_int_equal(b->operations, 0);
  wr(b, CR, LOCK);  // locking what is locked is no error
  expect_none(&b->chip);
  wr(b, OPTCR, FACTORY);
  wr(b, OPTCR1, FACTORY1);
  expect_none(&b->chip);
  wr(b, OPTCR, FACTORY & ~BIT(16));
  expect_one(&b->chip, GUEST_FLASH_LOCKED);
  wr(b, OPTCR1, 0);
  expect_one(&b->chip, GUEST_FLASH_LOCKED);
  assert_int_equal(rd(b, OPTCR), FACTORY);
  assert_int_equal(rd(b, OPTCR1), FACTORY1);
}

// --- erase
// --------------------------------------------------------------------------------

static const struct {
  uint32_t offset, length;
} sectors[SECTORS] = {
    {0x000000, 0x08000}, {0x008000, 0x08000}, {0x010000, 0x08000}, {0x018000, 0x08000},
    {0x020000, 0x20000}, {0x040000, 0x40000}, {0x080000, 0x40000}, {0x0C0000, 0x40000},
    {0x100000, 0x40000}, {0x140000, 0x40000}, {0x180000, 0x40000}, {0x1C0000, 0x40000},
};

static void the_map_of_sectors(void **state) {
  struct bench *b = *state;
  uint32_t offset, length;
  for (unsigned i = 0; i < SECTORS; i++) {
    assert_true(flash_f7_sector_range(&b->flash, i, &offset, &length));
    assert_int_equal(offset, sectors[i].offset);
    assert_int_equal(length, sectors[i].length);
    assert_int_equal(flash_f7_sector_of(&b->flash, offset), i);
    assert_int_equal(flash_f7_sector_of(&b->flash, offset + length - 1), i);
  }
  assert_false(flash_f7_sector_range(&b->flash, SECTORS, &offset, &length));
}

// Milliseconds, typical, by size and x8, x16, x32.
static uint32_t erase_ms(uint32_t length, uint32_t psize) {
  static const uint32_t ms[3][3] = {
      {400, 250, 200}, {1100, 800, 500}, {2100, 1500, 1000}};
  return ms[length == 0x8000 ? 0 : length == 0x20000 ? 1 : 2][psize];
}

static void check_erase(struct bench *b, unsigned sector, uint32_t psize) {
  memset(b->bytes, 0x5A, SIZE);
  wr(b, CR, SER | SNB(sector) | PSIZE(psize) | STRT);
  assert_true(rd(b, SR) & BSY && rd(b, CR) & STRT && b->busy == 3);
  assert_int_equal(b->kind, FLASH_F7_ERASE);
  assert_int_equal(b->offset, sectors[sector].offset);
  const vtime_t time = VT_MS(erase_ms(sectors[sector].length, psize));
  assert_true(flash_f7_busy_until(&b->flash) == b->chip.sim.events.now + time);
  chip_pass(&b->chip, time - 1);
  assert_true(rd(b, SR) & BSY);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(rd(b, CR) & STRT, 0);
  assert_int_equal(b->busy, 0);
  check_blank(b, sectors[sector].offset, sectors[sector].length, 0x5A);
}

static void every_sector_in_its_time(void **state) {
  struct bench *b = *state;
  unlock(b);
  for (unsigned sector = 0; sector < SECTORS; sector++)
    check_erase(b, sector, sector % 3);
  for (uint32_t psize = 0; psize < 3; psize++) {
    check_erase(b, 0, psize);
    check_erase(b, 4, psize);
    check_erase(b, 11, psize);
  }
  assert_int_equal(b->operations, SECTORS + 9);
  assert_int_equal(b->flash.counters.erases, SECTORS + 9);
  assert_int_equal(b->flash.counters.sector_erases[4], 4);
  assert_int_equal(b->content_offset, 0x1C0000);
  assert_int_equal(b->content_length, 0x40000);
  expect_none(&b->chip);
}

static void mass_erase_in_its_time(void **state) {
  struct bench *b = *state;
  static const uint32_t seconds[3] = {16, 11, 8};
  unlock(b);
  for (uint32_t psize = 0; psize < 3; psize++) {
    memset(b->bytes, 0, SIZE);
    wr(b, CR, MER | PSIZE(psize) | STRT);
    chip_pass(&b->chip, VT_S(seconds[psize]) - 1);
    assert_true(rd(b, SR) & BSY);
    chip_pass(&b->chip, 1);
    assert_int_equal(rd(b, SR), 0);
    check_blank(b, 0, SIZE, 0);
  }
  assert_int_equal(b->kind, FLASH_F7_MASS_ERASE);
  memset(b->bytes, 0, SIZE);
  wr(b, CR, MER | MER2 | PSIZE(2) | STRT);  // as ST's HAL asks for it
  chip_pass(&b->chip, VT_S(8));
  check_blank(b, 0, SIZE, 0);
  assert_int_equal(b->flash.counters.mass_erases, 4);
  expect_none(&b->chip);
  wr(b, CR, MER2 | PSIZE(2) | STRT);
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
}

// --- program
// ------------------------------------------------------------------------------

static void each_width_takes_sixteen_microseconds(void **state) {
  struct bench *b = *state;
  unlock(b);
  static const uint32_t wanted[3] = {0xFFFFFF78, 0xFFFF5678, 0x12345678};
  for (uint32_t psize = 0; psize < 3; psize++) {
    const uint32_t offset = 0x100 + 0x20 * psize;
    wr(b, CR, PG | PSIZE(psize));
    flash_f7_store(&b->flash, offset, 1u << psize, 0x12345678 & wanted[psize]);
    assert_int_equal(rd(b, SR), BSY);
    assert_int_equal(word(b, offset), 0xFFFFFFFF);
    chip_pass(&b->chip, VT_US(16) - 1);
    assert_int_equal(rd(b, SR), BSY);
    chip_pass(&b->chip, 1);
    assert_int_equal(rd(b, SR), 0);
    assert_int_equal(word(b, offset), wanted[psize]);
    assert_int_equal(b->content_offset, offset);
    assert_int_equal(b->content_length, 1u << psize);
  }
  assert_int_equal(b->flash.counters.programs, 3);
  assert_int_equal(b->flash.counters.bytes_programmed, 7);
  expect_none(&b->chip);
}

static void bits_only_fall(void **state) {
  struct bench *b = *state;
  unlock(b);
  program(b, 0x200, 0xF0F0F0F0);
  program(b, 0x200, 0xF0F00000);  // more zeros: allowed
  expect_none(&b->chip);
  program(b, 0x200, 0x3C3C3C3C);
  expect_one(&b->chip, GUEST_FLASH_NOT_ERASED);
  assert_int_equal(word(b, 0x200), 0x30300000);
  program(b, 0x200, 0xFFFFFFFF);  // "done", and nothing happened
  expect_one(&b->chip, GUEST_FLASH_NOT_ERASED);
  assert_int_equal(word(b, 0x200), 0x30300000);
}

// --- end and errors
// -------------------------------------------------------------------------

static void eop_only_when_it_is_asked_for(void **state) {
  struct bench *b = *state;
  unlock(b);
  program(b, 0x300, 0);
  assert_int_equal(rd(b, SR), 0);
  wr(b, CR, PG | PSIZE(2) | EOPIE);
  flash_f7_store(&b->flash, 0x304, 4, 0);
  assert_false(b->chip.irq);
  chip_pass(&b->chip, VT_US(16));
  assert_int_equal(rd(b, SR), EOP);
  assert_true(b->chip.irq);
  assert_int_equal(b->chip.irq_number, 4);
  wr(b, SR, EOP);
  assert_int_equal(rd(b, SR), 0);
  assert_false(b->chip.irq);
}

// A store (or a start), what is wrong with it, and the flag that says so.
static const struct {
  const char *what;
  uint32_t cr;
  uint32_t offset;  // ~0: no store, CR is the mistake
  unsigned bytes;
  enum guest_error error;
  uint32_t flag;
} mistakes[] = {
    {"store without PG", PSIZE(2), 0x400, 4, GUEST_FLASH_SEQUENCE, ERSERR},
    {"store while locked", LOCK, 0x400, 4, GUEST_FLASH_SEQUENCE, ERSERR},
    {"byte at x32", PG | PSIZE(2), 0x400, 1, GUEST_FLASH_WIDTH, PGPERR},
    {"word at x8", PG | PSIZE(0), 0x400, 4, GUEST_FLASH_WIDTH, PGPERR},
    {"half-word at x32", PG | PSIZE(2), 0x400, 2, GUEST_FLASH_WIDTH, PGPERR},
    {"word across a row", PG | PSIZE(2), 0x41E, 4, GUEST_FLASH_ALIGN, PGAERR},
    {"word unaligned", PG | PSIZE(2), 0x402, 4, GUEST_FLASH_ALIGN, PGAERR},
    {"store into sector 3", PG | PSIZE(2), 0x18000, 4, GUEST_FLASH_PROTECTED, WRPERR},
    {"erase of sector 3", SER | SNB(3) | PSIZE(2) | STRT, ~0u, 0, GUEST_FLASH_PROTECTED,
     WRPERR},
    {"mass erase", MER | PSIZE(2) | STRT, ~0u, 0, GUEST_FLASH_PROTECTED, WRPERR},
    {"erase of sector 12", SER | SNB(12) | PSIZE(2) | STRT, ~0u, 0,
     GUEST_FLASH_SEQUENCE, ERSERR},
    {"start of nothing", PSIZE(2) | STRT, ~0u, 0, GUEST_FLASH_SEQUENCE, ERSERR},
    {"sector and mass erase", SER | MER | SNB(1) | PSIZE(2) | STRT, ~0u, 0,
     GUEST_FLASH_SEQUENCE, ERSERR},
};

static void check_mistake(struct bench *b, size_t i, uint32_t more, uint32_t flags) {
  flash_f7_reset(&b->flash);
  unlock(b);
  wr(b, CR, mistakes[i].cr | (mistakes[i].cr & LOCK ? 0 : more));
  if (mistakes[i].offset != ~0u) {
    flash_f7_store(&b->flash, mistakes[i].offset, mistakes[i].bytes, 0);
  }
  const bool good = rd(b, SR) == flags && b->operations == 0;
  if (!good) fail_msg("%s: SR 0x%08x", mistakes[i].what, (unsigned)rd(b, SR));
  expect_one(&b->chip, mistakes[i].error);
  assert_int_equal(rd(b, CR) & STRT, 0);
  wr(b, SR, mistakes[i].flag | OPERR);
  assert_int_equal(rd(b, SR), 0);
}

static void every_mistake_has_its_flag(void **state) {
  struct bench *b = *state;
  b->flash.option_optcr &= ~BIT(16 + 3);  // nWRP of sector 3
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    check_mistake(b, i, 0, mistakes[i].flag);
    assert_int_equal(b->chip.irq_rises, 0);
  }
  check_blank(b, 0, SIZE, 0);
}

// With ERRIE, OPERR joins the cause and the interrupt comes (RM0410 3.7.4).
static void errors_interrupt_when_asked_to(void **state) {
  struct bench *b = *state;
  b->flash.option_optcr &= ~BIT(16 + 3);
  unsigned rises = 0;
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    if (mistakes[i].cr & LOCK) continue;
    check_mistake(b, i, ERRIE, mistakes[i].flag | OPERR);
    assert_int_equal(b->chip.irq_rises, ++rises);
    assert_false(b->chip.irq);
  }
}

// Lowest supply for x8, x16, x32; x64 needs a VPP that no board has.
static const uint32_t needed_mv[4] = {1700, 2100, 2700, 0xFFFF};

static void each_width_has_its_supply(void **state) {
  struct bench *b = *state;
  unlock(b);
  for (uint32_t psize = 0; psize < 4; psize++) {
    b->flash.supply_mv = needed_mv[psize] - 1;
    wr(b, CR, SER | PSIZE(psize) | STRT);
    expect_one(&b->chip, GUEST_FLASH_SUPPLY);
    assert_int_equal(b->operations, 0);
    if (psize > 2) break;
    wr(b, CR, PG | PSIZE(psize));
    flash_f7_store(&b->flash, 0, 1u << psize, 0);
    expect_one(&b->chip, GUEST_FLASH_SUPPLY);
    b->flash.supply_mv = needed_mv[psize];
    flash_f7_store(&b->flash, 4 * psize, 1u << psize, 0);
    chip_pass(&b->chip, VT_US(16));
    expect_none(&b->chip);
    assert_int_equal(b->operations, 1);
    b->operations = 0;
  }
}

// The bus stands still, and then the write is done after all (RM0410 3.3.5).
static void busy_it_lets_writes_wait(void **state) {
  struct bench *b = *state;
  const vtime_t begun = b->chip.sim.events.now;
  unlock(b);
  wr(b, CR, PG | PSIZE(2));
  flash_f7_store(&b->flash, 0x500, 4, 1);
  flash_f7_store(&b->flash, 0x504, 4, 2);
  expect_one(&b->chip, GUEST_FLASH_BUSY);
  assert_true(b->chip.sim.events.now - begun == VT_US(16));
  assert_int_equal(word(b, 0x500), 1);
  assert_int_equal(rd(b, SR), BSY);
  wr(b, CR, 0);
  expect_one(&b->chip, GUEST_FLASH_BUSY);
  assert_true(b->chip.sim.events.now - begun == VT_US(32));
  assert_int_equal(rd(b, CR), 0);
  assert_int_equal(word(b, 0x504), 2);
  assert_int_equal(b->operations, 2);
}

// --- faults
// ---------------------------------------------------------------------------------

static void a_stuck_bit(void **state) {
  struct bench *b = *state;
  b->flash.faults = (struct flash_f7_faults){
      .stuck = true, .stuck_at = 0x601, .stuck_mask = 0x11, .stuck_value = 0x01};
  unlock(b);
  program(b, 0x600, 0x5A5A5A00);
  assert_int_equal(word(b, 0x600), 0x5A5A4B00);  // bit 4 reads 0, bit 0 reads 1
  wr(b, CR, SER | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_MS(200));
  assert_int_equal(word(b, 0x600), 0xFFFFEFFF);
  assert_int_equal(rd(b, SR), 0);  // nothing tells of it but reading back
  expect_none(&b->chip);
}

static void a_program_that_fails(void **state) {
  struct bench *b = *state;
  b->flash.faults =
      (struct flash_f7_faults){.program_fails = true, .program_at = 0x702};
  unlock(b);
  program(b, 0x6FC, 1);
  program(b, 0x700, 2);
  program(b, 0x704, 3);
  assert_int_equal(word(b, 0x6FC), 1);
  assert_int_equal(word(b, 0x700), 0xFFFFFFFF);
  assert_int_equal(word(b, 0x704), 3);
}

static void an_erase_that_fails(void **state) {
  struct bench *b = *state;
  b->flash.faults = (struct flash_f7_faults){.erase_fails = true, .erase_sector = 5};
  memset(b->bytes, 0, SIZE);
  unlock(b);
  wr(b, CR, SER | SNB(5) | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_S(1));
  unsigned bad = 0;
  for (uint32_t i = 0x40000; i < 0x80000; i++)
    bad += b->bytes[i] != 0xFF;
  assert_true(bad > 100 && bad < 0x40000);
  wr(b, CR, SER | SNB(6) | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_S(1));
  for (uint32_t i = 0x80000; i < 0xC0000; i++)
    assert_int_equal(b->bytes[i], 0xFF);
}

static void one_that_stays_busy(void **state) {
  struct bench *b = *state;
  b->flash.faults.stays_busy = true;
  unlock(b);
  wr(b, CR, SER | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_S(100));
  assert_int_equal(rd(b, SR), BSY);
  assert_true(flash_f7_busy_until(&b->flash) == VT_NEVER);
  flash_f7_reset(&b->flash);
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(b->busy, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(unlocked_cr_keeps_its_settings),
      TEST(wait_states_are_told),
      cmocka_unit_test(the_accelerator_is_reset_while_off),
      TEST(two_keys_in_order_unlock),
      TEST(a_wrong_key_locks_until_reset),
      TEST(locked_nothing_can_be_set),
      TEST(the_map_of_sectors),
      TEST(every_sector_in_its_time),
      TEST(mass_erase_in_its_time),
      TEST(each_width_takes_sixteen_microseconds),
      TEST(bits_only_fall),
      TEST(eop_only_when_it_is_asked_for),
      TEST(every_mistake_has_its_flag),
      TEST(errors_interrupt_when_asked_to),
      TEST(each_width_has_its_supply),
      TEST(busy_it_lets_writes_wait),
      TEST(a_stuck_bit),
      TEST(a_program_that_fails),
      TEST(an_erase_that_fails),
      TEST(one_that_stays_busy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
