// SPDX-License-Identifier: MIT
// The MPU: registers, the default map, regions and their priority, permissions and
// memory types (ARMv7-M ARM B3.1, B3.5; Cortex-M7 TRM 5.2).
#include "sim/models/mpu.h"

#include "tests/model/chip_rig.h"

enum {
  TYPE = 0x00,
  CTRL = 0x04,
  RNR = 0x08,
  RBAR = 0x0C,
  RASR = 0x10,
  RBAR_A1 = 0x14,
  RASR_A3 = 0x28,
};
enum { ENABLE = 1, HFNMIENA = 2, PRIVDEFENA = 4 };
enum { VALID = 1 << 4 };
#define XN      (1u << 28)
#define AP(n)   ((uint32_t)(n) << 24)
#define TEX(n)  ((uint32_t)(n) << 19)
#define S       (1u << 18)
#define C       (1u << 17)
#define B       (1u << 16)
#define SRD(n)  ((uint32_t)(n) << 8)
#define SIZE(n) ((uint32_t)((n)-1) << 1)  // log2 of the bytes
#define ON      1u
#define FULL    (AP(3) | C | B)

struct bench {
  struct chip chip;
  struct mpu mpu;
  unsigned changes;
};

static void on_change(void *ctx) {
  ((struct bench *)ctx)->changes++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  mpu_init(&b.mpu, &b.chip.sim.report);
  b.mpu.on_change = on_change;
  b.mpu.on_change_ctx = &b;
  mpu_reset(&b.mpu);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  chip_stop(&((struct bench *)*state)->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return mpu_read(&b->mpu, offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  mpu_write(&b->mpu, offset, value);
}

static void region(struct bench *b, uint32_t n, uint32_t base, uint32_t rasr) {
  wr(b, RNR, n);
  wr(b, RBAR, base);
  wr(b, RASR, rasr | ON);
}

static struct mpu_attributes at(struct bench *b, uint32_t addr) {
  return mpu_lookup(&b->mpu, addr, true);
}

// --- registers ----------------------------------------------------------------------

static void eight_regions_and_no_more(void **state) {
  struct bench *b = *state;
  assert_int_equal(rd(b, TYPE), 0x00000800);
  for (uint32_t n = 0; n < 8; n++)
    region(b, n, n << 12, SIZE(12) | AP(n & 3));
  wr(b, RNR, 8);  // there is none: the register keeps its value
  assert_int_equal(rd(b, RNR), 7);
  for (uint32_t n = 0; n < 8; n++) {
    wr(b, RNR, n);
    assert_int_equal(rd(b, RBAR), n << 12 | n);
    assert_int_equal(rd(b, RASR), SIZE(12) | AP(n & 3) | ON);
  }
  expect_none(&b->chip);
}

static void rbar_can_choose_its_region(void **state) {
  struct bench *b = *state;
  wr(b, RNR, 2);
  wr(b, RBAR, 0x20000000 | VALID | 5);
  assert_int_equal(rd(b, RNR), 5);
  assert_int_equal(rd(b, RBAR), 0x20000005);  // VALID reads 0
  wr(b, RBAR, 0x30000000 | 3);                // without VALID the number is ignored
  assert_int_equal(rd(b, RNR), 5);
  assert_int_equal(rd(b, RBAR), 0x30000005);
}

static void the_aliases_are_the_same_two_registers(void **state) {
  struct bench *b = *state;
  for (uint32_t i = 0; i < 4; i++) {
    wr(b, RBAR + 8 * i, 0x08000000 | VALID | i);
    wr(b, RASR + 8 * i, SIZE(20 + i) | ON);
  }
  for (uint32_t i = 0; i < 4; i++) {
    wr(b, RNR, i);
    assert_int_equal(rd(b, RASR_A3), SIZE(20 + i) | ON);
    assert_int_equal(rd(b, RBAR_A1), 0x08000000 | i);
  }
}

static void reserved_bits_stay_zero(void **state) {
  struct bench *b = *state;
  wr(b, RASR, 0xFFFFFFFE);
  assert_int_equal(rd(b, RASR), 0x173FFF3E);
  wr(b, CTRL, 0xFFFFFFF8);
  assert_int_equal(rd(b, CTRL), 0);
}

static void every_change_is_told_and_reset_ends_all(void **state) {
  struct bench *b = *state;
  const unsigned before = b->changes;
  region(b, 1, 0, SIZE(20));
  wr(b, CTRL, ENABLE);
  assert_int_equal(b->changes, before + 4);
  mpu_reset(&b->mpu);
  assert_int_equal(b->changes, before + 5);
  assert_int_equal(rd(b, CTRL), 0);
  wr(b, RNR, 1);
  assert_int_equal(rd(b, RASR), 0);
}

// --- the default map
// ------------------------------------------------------------------

enum { WB, WT, NC };  // write-back, write-through, not cached

static const struct {
  uint32_t addr;
  enum mpu_type type;
  int cached;
  bool executable;
} defaults[] = {
    {0x00000000, MPU_NORMAL, WT, true},
    {0x1FFFFFFF, MPU_NORMAL, WT, true},
    {0x20000000, MPU_NORMAL, WB, true},
    {0x3FFFFFFF, MPU_NORMAL, WB, true},
    {0x40000000, MPU_DEVICE, NC, false},
    {0x5FFFFFFF, MPU_DEVICE, NC, false},
    {0x60000000, MPU_NORMAL, WB, true},
    {0x7FFFFFFF, MPU_NORMAL, WB, true},
    {0x80000000, MPU_NORMAL, WT, true},
    {0x90000000, MPU_NORMAL, WT, true},
    {0x9FFFFFFF, MPU_NORMAL, WT, true},
    {0xA0000000, MPU_DEVICE, NC, false},
    {0xDFFFFFFF, MPU_DEVICE, NC, false},
    {0xE0000000, MPU_STRONGLY_ORDERED, NC, false},
    {0xE00FFFFF, MPU_STRONGLY_ORDERED, NC, false},
    {0xE0100000, MPU_DEVICE, NC, false},
    {0xFFFFFFFF, MPU_DEVICE, NC, false},
};

static void check_default(struct bench *b, size_t i) {
  const struct mpu_attributes a = at(b, defaults[i].addr);
  const bool good = a.type == defaults[i].type && a.readable && a.writable &&
                    a.executable == defaults[i].executable &&
                    a.cacheable == (defaults[i].cached != NC) &&
                    a.write_back == (defaults[i].cached == WB);
  if (!good)
    fail_msg("0x%08x is not as in the default map", (unsigned)defaults[i].addr);
}

static void the_default_map(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    check_default(b, i);
  region(b, 0, 0, SIZE(32));  // while the MPU is off, regions mean nothing
  check_default(b, 0);
  wr(b, CTRL, ENABLE | PRIVDEFENA);
  wr(b, RASR, 0);
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    check_default(b, i);
}

static void the_background_is_for_privileged_code_only(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE | PRIVDEFENA);
  assert_true(at(b, 0x20000000).readable);
  assert_false(mpu_lookup(&b->mpu, 0x20000000, false).readable);
  wr(b, CTRL, ENABLE);  // no background at all
  const struct mpu_attributes a = at(b, 0x20000000);
  assert_false(a.readable || a.writable || a.executable);
  assert_true(at(b, 0xE000E010).readable);  // the PPB is never covered (B3.5.1)
}

// --- regions -------------------------------------------------------------------------

static bool writable(struct bench *b, uint32_t addr) {
  return at(b, addr).writable;
}

static void a_region_covers_its_size(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE);
  for (uint32_t log2 = 5; log2 < 32; log2++) {
    const uint32_t size = 1u << log2, base = log2 == 31 ? 0x80000000 : size;
    mpu_reset(&b->mpu);
    wr(b, CTRL, ENABLE);
    region(b, 3, base, SIZE(log2) | FULL);
    assert_false(writable(b, base - 1));
    assert_true(writable(b, base));
    assert_true(writable(b, base + size - 1));
    if (log2 < 31) assert_false(writable(b, base + size));
  }
  expect_none(&b->chip);
}

static void the_largest_covers_everything(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE);
  region(b, 0, 0, SIZE(32) | FULL);
  assert_true(writable(b, 0) && writable(b, 0x90000000) && writable(b, 0xFFFFFFFF));
}

static void subregions_can_be_left_out(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE);
  for (uint32_t n = 0; n < 8; n++) {
    region(b, 0, 0x20000000, SIZE(11) | FULL | SRD(1u << n));
    for (uint32_t k = 0; k < 8; k++) {
      assert_int_equal(writable(b, 0x20000000 + 256 * k), k != n);
      assert_int_equal(writable(b, 0x200000FF + 256 * k), k != n);
    }
  }
  // Under 256 bytes there are none.
  region(b, 0, 0x20000000, SIZE(7) | FULL | SRD(0xFF));
  assert_true(writable(b, 0x20000000));
}

static void the_highest_number_wins(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE);
  region(b, 6, 0x20000000, SIZE(10) | AP(6) | C);
  region(b, 2, 0x20000000, SIZE(16) | FULL);
  assert_false(writable(b, 0x20000100));
  assert_true(writable(b, 0x20000400));
  wr(b, RNR, 6);
  wr(b, RASR, 0);
  assert_true(writable(b, 0x20000100));
}

// ST's examples: a region without access over everything, parts of it left out.
static void a_no_access_background(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE | PRIVDEFENA);
  region(b, 0, 0, SIZE(32) | SRD(0x87) | XN);
  assert_true(at(b, 0x08000000).executable);
  assert_true(writable(b, 0x40000000));
  assert_false(at(b, 0x60000000).readable);
  assert_false(at(b, 0x90000000).readable);
  assert_false(at(b, 0xC0000000).readable);
  assert_true(writable(b, 0xE0100000));
  expect_none(&b->chip);
}

// --- permissions and types
// ---------------------------------------------------------------

// B3.5.9, table B3-15: "rw" privileged, then unprivileged.
static const char *const permissions[8] = {"--,--", "rw,--", "rw,r-", "rw,rw",
                                           NULL,    "r-,--", "r-,r-", "r-,r-"};

static void check_permission(struct bench *b, uint32_t ap, bool privileged) {
  const char *p = permissions[ap] + (privileged ? 0 : 3);
  for (int xn = 0; xn < 2; xn++) {
    region(b, 0, 0x20000000, SIZE(10) | AP(ap) | C | (xn ? XN : 0));
    const struct mpu_attributes a = mpu_lookup(&b->mpu, 0x20000000, privileged);
    assert_int_equal(a.readable, p[0] == 'r');
    assert_int_equal(a.writable, p[1] == 'w');
    assert_int_equal(a.executable, p[0] == 'r' && !xn);
  }
}

static void every_permission(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE | PRIVDEFENA);
  for (uint32_t ap = 0; ap < 8; ap++) {
    if (!permissions[ap]) continue;
    check_permission(b, ap, true);
    check_permission(b, ap, false);
  }
  expect_none(&b->chip);
}

// B3.5.9, table B3-13, as the inner (L1) cache sees it.
static const struct {
  uint32_t bits;
  enum mpu_type type;
  int cached;
} types[] = {
    {TEX(0), MPU_STRONGLY_ORDERED, NC},
    {TEX(0) | B, MPU_DEVICE, NC},
    {TEX(0) | C, MPU_NORMAL, WT},
    {TEX(0) | C | B, MPU_NORMAL, WB},
    {TEX(1), MPU_NORMAL, NC},
    {TEX(1) | C | B, MPU_NORMAL, WB},
    {TEX(2), MPU_DEVICE, NC},
    {TEX(4), MPU_NORMAL, NC},
    {TEX(5) | B, MPU_NORMAL, WB},
    {TEX(6) | C, MPU_NORMAL, WT},
    {TEX(7) | C | B, MPU_NORMAL, WB},
    // Shareable: not cached as data, whatever is asked for.
    {TEX(0) | C | B | S, MPU_NORMAL, NC},
    {TEX(0) | C | S, MPU_NORMAL, NC},
    {TEX(0) | B | S, MPU_DEVICE, NC},
};

static void every_memory_type(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    region(b, 0, 0x20000000, SIZE(10) | AP(3) | types[i].bits);
    const struct mpu_attributes a = at(b, 0x20000000);
    const bool good = a.type == types[i].type &&
                      a.cacheable == (types[i].cached != NC) &&
                      a.write_back == (types[i].cached == WB);
    if (!good) fail_msg("row %zu", i);
  }
  expect_none(&b->chip);
}

// --- what is forbidden
// ------------------------------------------------------------------

static const struct {
  uint32_t base, rasr;
} forbidden[] = {
    {0x20000000, SIZE(4) | FULL},   // 16 bytes
    {0x20000400, SIZE(11) | FULL},  // base not a multiple of the size
    {0x20000000, SIZE(10) | AP(4) | C},
    {0x20000000, SIZE(10) | AP(3) | TEX(3)},
    {0x20000000, SIZE(10) | AP(3) | TEX(1) | B},
    {0x20000000, SIZE(10) | AP(3) | TEX(2) | C},
    {0x20000000, SIZE(10) | AP(3) | TEX(2) | B},
};

static void forbidden_regions_are_reported_once_in_use(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
    mpu_reset(&b->mpu);
    region(b, 4, forbidden[i].base, forbidden[i].rasr);
    expect_none(&b->chip);  // not yet
    wr(b, CTRL, ENABLE);
    expect_one(&b->chip, GUEST_MPU_CONFIG);
    wr(b, RASR, 0);
    expect_none(&b->chip);
    wr(b, RASR, forbidden[i].rasr | ON);
    expect_one(&b->chip, GUEST_MPU_CONFIG);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static enum mpu_verdict judge(struct bench *b, uint32_t base, uint32_t size,
                              bool privileged, bool store) {
  return mpu_judge(&b->mpu, base, size, privileged, store);
}

static void a_range_is_judged_as_a_whole(void **state) {
  struct bench *b = *state;
  wr(b, CTRL, ENABLE | PRIVDEFENA);
  assert_int_equal(judge(b, 0x20000000, 0x20000, true, true), MPU_FREE);
  assert_int_equal(judge(b, 0x20000000, 0x20000, false, false), MPU_CLOSED);
  region(b, 0, 0x20010000, SIZE(5));  // 32 bytes in the middle
  assert_int_equal(judge(b, 0x20000000, 0x20000, true, false), MPU_MIXED);
  assert_int_equal(judge(b, 0x20000000, 0x10000, true, false), MPU_FREE);
  assert_int_equal(judge(b, 0x20010000, 0x20, true, false), MPU_CLOSED);
  region(b, 0, 0x20010000, AP(6) | SIZE(12));  // read-only
  assert_int_equal(judge(b, 0x20000000, 0x20000, true, false), MPU_FREE);
  assert_int_equal(judge(b, 0x20000000, 0x20000, true, true), MPU_MIXED);
  // No access to the external space, by four subregions of the whole map.
  region(b, 0, 0, SIZE(32) | SRD(0x87));
  assert_int_equal(judge(b, 0x20000000, 0x80000, true, true), MPU_FREE);
  assert_int_equal(judge(b, 0xA0001000, 0x1000, true, true), MPU_CLOSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(eight_regions_and_no_more),
      TEST(rbar_can_choose_its_region),
      TEST(the_aliases_are_the_same_two_registers),
      TEST(reserved_bits_stay_zero),
      TEST(every_change_is_told_and_reset_ends_all),
      TEST(the_default_map),
      TEST(the_background_is_for_privileged_code_only),
      TEST(a_region_covers_its_size),
      TEST(the_largest_covers_everything),
      TEST(subregions_can_be_left_out),
      TEST(the_highest_number_wins),
      TEST(a_no_access_background),
      TEST(a_range_is_judged_as_a_whole),
      TEST(every_permission),
      TEST(every_memory_type),
      TEST(forbidden_regions_are_reported_once_in_use),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
