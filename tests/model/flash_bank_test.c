// SPDX-License-Identifier: MIT
// Two banks, and parts of 1 MB: sectors and their numbers, times, which bank cannot be
// read, what protection covers. Tables are typed from RM0410 tables 3 to 6 and DS11532
// table 54.
#include "tests/model/flash_rig.h"

enum { KB = 1024, MB = 1024 * KB };

// --- maps

// Runs of equal sectors: count and size in KB; bank 2 begins at `bank2` with sector 12.
static const struct map {
  uint32_t size;
  bool dual;
  struct {
    unsigned first, count, kb;
  } runs[7];
} maps[] = {
    {2 * MB, false, {{0, 4, 32}, {4, 1, 128}, {5, 7, 256}}},
    {1 * MB, false, {{0, 4, 32}, {4, 1, 128}, {5, 3, 256}}},
    {2 * MB,
     true,
     {{0, 4, 16}, {4, 1, 64}, {5, 7, 128}, {12, 4, 16}, {16, 1, 64}, {17, 7, 128}}},
    {1 * MB,
     true,
     {{0, 4, 16}, {4, 1, 64}, {5, 3, 128}, {12, 4, 16}, {16, 1, 64}, {17, 3, 128}}},
};
enum { MAPS = sizeof maps / sizeof *maps };

static struct bench *open_map(const struct map *m) {
  return bench_open(m->size, m->dual ? FACTORY & ~NDBANK : FACTORY);
}

static void close_map(struct bench *b) {
  void *state = b;
  teardown(&state);
}

// CR.SNB: sectors of bank 2 are four more (stm32f7xx_hal_flash_ex.c, OpenOCD).
static uint32_t snb_of(unsigned sector) {
  return sector < 12 ? sector : sector + 4;
}

static uint32_t erase_ms(bool dual, unsigned kb, uint32_t psize) {
  static const struct {
    bool dual;
    unsigned kb;
    uint32_t ms[3];
  } rows[] = {
      {false, 32, {400, 250, 200}},     {false, 128, {1100, 800, 500}},
      {false, 256, {2100, 1500, 1000}}, {true, 16, {400, 300, 250}},
      {true, 64, {1200, 700, 550}},     {true, 128, {2000, 1300, 1000}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].dual == dual && rows[i].kb == kb) return rows[i].ms[psize];
  }
  fail();
  return 0;
}

static void check_sector(struct bench *b, const struct map *m, unsigned sector,
                         uint32_t at, unsigned kb) {
  uint32_t offset, length;
  assert_true(flash_f7_sector_range(&b->flash, sector, &offset, &length));
  assert_int_equal(offset, at);
  assert_int_equal(length, kb * KB);
  assert_int_equal(flash_f7_sector_of(&b->flash, at), sector);
  assert_int_equal(flash_f7_sector_of(&b->flash, at + kb * KB - 1), sector);
  const uint32_t psize = sector % 3;
  const unsigned banks = !m->dual ? 3 : at < m->size / 2 ? 1 : 2;
  memset(b->bytes, 0x5A, m->size);
  wr(b, CR, SER | SNB(snb_of(sector)) | PSIZE(psize) | STRT);
  assert_int_equal(b->busy, banks);
  chip_pass(&b->chip, VT_MS(erase_ms(m->dual, kb, psize)) - 1);
  assert_int_equal(rd(b, SR), BSY);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(b->busy, 0);
  check_blank(b, at, kb * KB, 0x5A);
}

static void every_sector_of_every_map(void **state) {
  (void)state;
  for (size_t i = 0; i < MAPS; i++) {
    struct bench *b = open_map(&maps[i]);
    unlock(b);
    uint32_t at = 0;
    for (size_t k = 0; maps[i].runs[k].count; k++) {
      for (unsigned n = 0; n < maps[i].runs[k].count; n++) {
        check_sector(b, &maps[i], maps[i].runs[k].first + n, at, maps[i].runs[k].kb);
        at += maps[i].runs[k].kb * KB;
      }
    }
    assert_int_equal(at, maps[i].size);
    expect_none(&b->chip);
    close_map(b);
  }
}

static bool names_a_sector(const struct map *m, uint32_t snb) {
  for (size_t k = 0; m->runs[k].count; k++) {
    const uint32_t first = snb_of(m->runs[k].first);
    if (snb - first < m->runs[k].count) return true;
  }
  return false;
}

static void other_numbers_name_nothing(void **state) {
  (void)state;
  unsigned refused = 0;
  for (size_t i = 0; i < MAPS; i++) {
    struct bench *b = open_map(&maps[i]);
    unlock(b);
    for (uint32_t snb = 0; snb < 32; snb++) {
      if (names_a_sector(&maps[i], snb)) continue;
      wr(b, CR, SER | SNB(snb) | PSIZE(2) | STRT);
      expect_one(&b->chip, GUEST_FLASH_SEQUENCE);
      assert_int_equal(rd(b, SR), ERSERR);
      wr(b, SR, ERSERR);
      refused++;
    }
    assert_int_equal(b->operations, 0);
    close_map(b);
  }
  assert_int_equal(refused, 20 + 24 + 8 + 16);
}

// --- mass erase

static const struct {
  uint32_t bits;
  unsigned banks;
} masses[] = {{MER, 1}, {MER2, 2}, {MER | MER2, 3}};

static void check_mass(struct bench *b, size_t i, uint32_t psize) {
  static const uint32_t seconds[3] = {16, 11, 8};  // for 2 MB
  const uint32_t size = b->flash.size, half = size / 2;
  const bool both = masses[i].banks == 3;
  memset(b->bytes, 0x5A, size);
  wr(b, CR, masses[i].bits | PSIZE(psize) | STRT);
  assert_int_equal(b->kind, FLASH_F7_MASS_ERASE);
  assert_int_equal(b->busy, masses[i].banks);
  const vtime_t time = VT_S(seconds[psize]) / (2 * MB / (both ? size : half));
  chip_pass(&b->chip, time - 1);
  assert_true(rd(b, SR) & BSY);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, SR), 0);
  check_blank(b, masses[i].banks == 2 ? half : 0, both ? size : half, 0x5A);
}

static void one_bank_or_both(void **state) {
  (void)state;
  for (size_t m = 2; m < MAPS; m++) {
    struct bench *b = open_map(&maps[m]);
    unlock(b);
    for (size_t i = 0; i < 3; i++) {
      for (uint32_t psize = 0; psize < 3; psize++)
        check_mass(b, i, psize);
    }
    assert_int_equal(b->flash.counters.mass_erases, 9);
    expect_none(&b->chip);
    close_map(b);
  }
}

// A protected sector keeps its bank, and not the other.
static void protection_is_of_the_bank(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    struct bench *b = bench_open(SIZE, FACTORY & ~NDBANK & ~BIT(16 + 7));
    unlock(b);
    wr(b, CR, masses[i].bits | PSIZE(2) | STRT);
    if (masses[i].banks & 2) {
      expect_one(&b->chip, GUEST_FLASH_PROTECTED);
      assert_int_equal(rd(b, SR), WRPERR);
      assert_int_equal(b->operations, 0);
    } else {
      expect_none(&b->chip);
      assert_int_equal(b->operations, 1);
    }
    close_map(b);
  }
}

// --- write protection: nWRP bit n keeps sectors 2n and 2n + 1 where there are two
// banks

static bool can_erase(struct bench *b, unsigned sector) {
  wr(b, CR, SER | SNB(snb_of(sector)) | PSIZE(2) | STRT);
  const bool can = rd(b, SR) & BSY;
  chip_pass(&b->chip, VT_S(2));
  if (can) {
    expect_none(&b->chip);
  } else {
    expect_one(&b->chip, GUEST_FLASH_PROTECTED);
    assert_int_equal(rd(b, SR), WRPERR);
  }
  wr(b, SR, WRPERR);
  return can;
}

static bool can_program(struct bench *b, uint32_t offset) {
  wr(b, CR, PG | PSIZE(2));
  flash_f7_store(&b->flash, offset, 4, 0);
  const bool can = rd(b, SR) & BSY;
  chip_pass(&b->chip, VT_US(16));
  if (can) {
    expect_none(&b->chip);
  } else {
    expect_one(&b->chip, GUEST_FLASH_PROTECTED);
    assert_int_equal(rd(b, SR), WRPERR);
  }
  wr(b, SR, WRPERR);
  return can;
}

static void each_bit_protects_what_it_must(void **state) {
  (void)state;
  for (size_t i = 0; i < MAPS; i++) {
    for (unsigned bit = 0; bit < 12; bit++) {
      const uint32_t mode = maps[i].dual ? FACTORY & ~NDBANK : FACTORY;
      struct bench *b = bench_open(maps[i].size, mode & ~BIT(16 + bit));
      unlock(b);
      for (unsigned sector = 0; sector < FLASH_F7_SECTORS; sector++) {
        uint32_t offset, length;
        if (!flash_f7_sector_range(&b->flash, sector, &offset, &length)) continue;
        const bool free = (maps[i].dual ? sector / 2 : sector) != bit;
        assert_int_equal(can_erase(b, sector), free);
        assert_int_equal(can_program(b, offset + length - 4), free);
      }
      close_map(b);
    }
  }
}

// --- one bank works, the other is read

static void only_the_working_bank_is_busy(void **state) {
  struct bench *b = *state;
  unlock(b);
  for (unsigned bank = 0; bank < 2; bank++) {
    wr(b, CR, PG | PSIZE(2));
    flash_f7_store(&b->flash, bank * (SIZE / 2) + 0x100, 4, 0);
    assert_int_equal(b->busy, 1u << bank);
    chip_pass(&b->chip, VT_US(16));
    assert_int_equal(b->busy, 0);
    assert_int_equal(word(b, bank * (SIZE / 2) + 0x100), 0);
  }
  expect_none(&b->chip);
}

// Swapped, the array is addressed the other way round and numbered as before.
static void swapped_banks_keep_their_numbers(void **state) {
  struct bench *b = *state;
  unlock(b);
  flash_f7_swap(&b->flash, true);
  for (unsigned bank = 0; bank < 2; bank++) {
    const uint32_t here = bank * (SIZE / 2), there = SIZE / 2 - here;
    assert_int_equal(flash_f7_place(&b->flash, here + 0x100), there + 0x100);
    wr(b, CR, PG | PSIZE(2));
    flash_f7_store(&b->flash, here + 0x100, 4, 0);
    assert_int_equal(b->busy, 2u >> bank);
    chip_pass(&b->chip, VT_US(16));
    assert_int_equal(word(b, there + 0x100), 0);
    assert_int_equal(b->content_offset, there + 0x100);
    wr(b, CR, SER | SNB(bank * 16) | PSIZE(2) | STRT);
    assert_int_equal(b->offset, here);
    chip_pass(&b->chip, VT_S(1));
    wr(b, CR, 0);
  }
  expect_none(&b->chip);
  flash_f7_store(&b->flash, 0, 4, 0);
  assert_int_equal(b->chip.sim.report.entries->addr, 0x08000000);  // as the CPU saw it
}

static void one_bank_cannot_be_swapped(void **state) {
  (void)state;
  struct bench *b = bench_open(SIZE, FACTORY);
  flash_f7_swap(&b->flash, true);
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
  assert_int_equal(flash_f7_place(&b->flash, 0x100), 0x100);
  void *s = b;
  teardown(&s);
}

// There is one BSY for both: a second operation waits, wherever it is.
static void there_is_one_operation_at_a_time(void **state) {
  struct bench *b = *state;
  unlock(b);
  wr(b, CR, PG | PSIZE(2));
  flash_f7_store(&b->flash, 0x100, 4, 0);
  flash_f7_store(&b->flash, SIZE / 2, 4, 0);
  expect_one(&b->chip, GUEST_FLASH_BUSY);
  assert_int_equal(b->busy, 2);
  assert_int_equal(word(b, 0x100), 0);
}

static void the_row_is_half_as_wide(void **state) {
  (void)state;
  for (int dual = 0; dual < 2; dual++) {
    struct bench *b = open_map(&maps[dual ? 2 : 0]);
    unlock(b);
    wr(b, CR, PG | PSIZE(2));
    flash_f7_store(&b->flash, 0x10E, 4, 0);
    const struct report_entry *e = b->chip.sim.report.entries;
    assert_non_null(strstr(e->detail, dual ? "crosses a 128-bit" : "in a 256-bit"));
    expect_one(&b->chip, GUEST_FLASH_ALIGN);
    assert_int_equal(rd(b, SR), PGAERR);
    wr(b, SR, PGAERR);
    flash_f7_store(&b->flash, 0x11E, 4, 0);
    expect_one(&b->chip, GUEST_FLASH_ALIGN);
    assert_int_equal(rd(b, SR), PGAERR);
    close_map(b);
  }
}

// --- mistakes in the second bank

static const struct {
  const char *what;
  uint32_t cr;
  uint32_t offset;  // ~0: no store, CR is the mistake
  unsigned bytes;
  enum guest_error error;
  uint32_t flag;
} mistakes[] = {
    {"store without PG", PSIZE(2), 0x100400, 4, GUEST_FLASH_SEQUENCE, ERSERR},
    {"byte at x32", PG | PSIZE(2), 0x100400, 1, GUEST_FLASH_WIDTH, PGPERR},
    {"word at x16", PG | PSIZE(1), 0x100400, 4, GUEST_FLASH_WIDTH, PGPERR},
    {"word across a row", PG | PSIZE(2), 0x10040E, 4, GUEST_FLASH_ALIGN, PGAERR},
    {"store into sector 15", PG | PSIZE(2), 0x10C000, 4, GUEST_FLASH_PROTECTED, WRPERR},
    {"erase of sector 14", SER | SNB(18) | STRT, ~0u, 0, GUEST_FLASH_PROTECTED, WRPERR},
    {"erase of SNB 12", SER | SNB(12) | STRT, ~0u, 0, GUEST_FLASH_SEQUENCE, ERSERR},
    {"sector and bank", SER | SNB(16) | MER2 | STRT, ~0u, 0, GUEST_FLASH_SEQUENCE,
     ERSERR},
    {"bank 2", MER2 | STRT, ~0u, 0, GUEST_FLASH_PROTECTED, WRPERR},
    {"start of nothing", STRT, ~0u, 0, GUEST_FLASH_SEQUENCE, ERSERR},
};

static void every_mistake_has_its_flag(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * sizeof mistakes / sizeof *mistakes; i++) {
    const size_t m = i / 2;
    const bool interrupt = i & 1;
    struct bench *b = bench_open(SIZE, FACTORY & ~NDBANK & ~BIT(16 + 7));
    unlock(b);
    wr(b, CR, mistakes[m].cr | (interrupt ? ERRIE : 0));
    if (mistakes[m].offset != ~0u) {
      flash_f7_store(&b->flash, mistakes[m].offset, mistakes[m].bytes, 0);
    }
    const uint32_t flags = mistakes[m].flag | (interrupt ? OPERR : 0);
    if (rd(b, SR) != flags) fail_msg("%s: SR %x", mistakes[m].what, rd(b, SR));
    expect_one(&b->chip, mistakes[m].error);
    assert_int_equal(b->chip.irq, interrupt);
    assert_int_equal(b->operations, 0);
    check_blank(b, 0, SIZE, 0);
    close_map(b);
  }
}

// --- faults

static void faults_reach_the_second_bank(void **state) {
  struct bench *b = *state;
  b->flash.faults = (struct flash_f7_faults){.stuck = true,
                                             .stuck_at = 0x100010,
                                             .stuck_mask = 1,
                                             .stuck_value = 0,
                                             .program_fails = true,
                                             .program_at = 0x100022,
                                             .erase_fails = true,
                                             .erase_sector = 13};
  unlock(b);
  program(b, 0x100010, 0xFFFFFF0F);
  assert_int_equal(word(b, 0x100010), 0xFFFFFF0E);
  program(b, 0x100020, 0);
  assert_int_equal(word(b, 0x100020), 0xFFFFFFFF);
  wr(b, CR, MER2 | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_S(4));
  unsigned bad = 0, elsewhere = 0;
  for (uint32_t i = 0; i < SIZE; i++) {
    if (b->bytes[i] == 0xFF) continue;
    if (i - 0x104000 < 0x4000) {
      bad++;
    } else {
      elsewhere++;
    }
  }
  assert_true(bad > 50);
  assert_int_equal(elsewhere, 1);  // the stuck bit
  b->flash.faults.stays_busy = true;
  wr(b, CR, SER | SNB(16) | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_S(100));
  assert_int_equal(rd(b, SR), BSY);
  assert_int_equal(b->busy, 2);
  expect_none(&b->chip);
  wr(b, CR, 0);  // waits for ever, in silicon; here it is lost
  expect_one(&b->chip, GUEST_FLASH_BUSY);
}

#define TEST(f)      cmocka_unit_test(f)
#define DUAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup_dual, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_sector_of_every_map),
      TEST(other_numbers_name_nothing),
      TEST(one_bank_or_both),
      TEST(protection_is_of_the_bank),
      TEST(each_bit_protects_what_it_must),
      DUAL_TEST(only_the_working_bank_is_busy),
      DUAL_TEST(swapped_banks_keep_their_numbers),
      TEST(one_bank_cannot_be_swapped),
      DUAL_TEST(there_is_one_operation_at_a_time),
      TEST(the_row_is_half_as_wide),
      TEST(every_mistake_has_its_flag),
      DUAL_TEST(faults_reach_the_second_bank),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
