// SPDX-License-Identifier: MIT
// The CRC unit against the published check values of well-known CRCs (the CRC of the
// nine characters 123456789), fed in every width and bit order (RM0410 15.4).
#include "sim/models/crc_unit.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE 0x40023000u
enum { DR = 0, IDR = 4, CR = 8, INIT = 0x10, POL = 0x14 };
enum { RESET = 1, REV_OUT = 1 << 7 };
#define POLYSIZE(n) ((uint32_t)(n) << 3)
#define REV_IN(n)   ((uint32_t)(n) << 5)
enum { BITS32 = 0, BITS16 = 1, BITS8 = 2, BITS7 = 3 };
enum { BY_BYTE = 1, BY_HALF = 2, BY_WORD = 3 };

struct bench {
  struct chip chip;
  struct crc_unit crc;
};

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  crc_unit_init(&b.crc, &b.chip.sim);
  chip_add(&b.chip, "CRC", BASE, 0x400, &b.crc, crc_unit_read, crc_unit_write);
  crc_unit_reset(&b.crc);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  crc_unit_free(&b->crc);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static void feed(struct bench *b, unsigned bytes, uint32_t value) {
  bus_mmio_write(&b->chip.sim.bus, BASE + DR, bytes, value);
}

// --- registers ----------------------------------------------------------------------

static const struct register_bits registers[] = {
    {"DR", 0x00, 0xFFFFFFFF, 0, 0, 0xFFFFFFFF, 0},
    {"IDR", 0x04, 0, 0xFF, 0, 0, 0},
    {"CR", 0x08, 0, 0xF8, 0, 0x01, 0},
    {"INIT", 0x10, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0},
    {"POL", 0x14, 0x04C11DB7, 0xFFFFFFFF, 0, 0, 0},
};

static void restart(void *ctx) {
  crc_unit_reset(&((struct bench *)ctx)->crc);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x18, &b->chip.sim, restart, b});
}

static void reset_bit_loads_init_and_clears_itself(void **state) {
  struct bench *b = *state;
  wr(b, INIT, 0x12345678);
  wr(b, IDR, 0x5A);
  feed(b, 4, 0xDEADBEEF);
  assert_int_not_equal(rd(b, DR), 0x12345678);
  wr(b, CR, RESET);
  assert_int_equal(rd(b, DR), 0x12345678);
  assert_int_equal(rd(b, CR), 0);
  assert_int_equal(rd(b, IDR), 0x5A);  // not touched
}

static void init_loads_dr(void **state) {
  struct bench *b = *state;
  feed(b, 1, 1);
  wr(b, INIT, 0xABCD0123);
  assert_int_equal(rd(b, DR), 0xABCD0123);
}

// --- check values -------------------------------------------------------------------

// The catalogue of parametrised CRC algorithms; `out` is before the final XOR.
static const struct {
  const char *name;
  uint32_t cr, pol, init, out;
} catalogue[] = {
    {"CRC-32/MPEG-2", 0, 0x04C11DB7, 0xFFFFFFFF, 0x0376E6E7},
    {"CRC-32/ISO-HDLC", REV_IN(BY_BYTE) | REV_OUT, 0x04C11DB7, 0xFFFFFFFF,
     ~0xCBF43926u},
    {"CRC-32/ISCSI", REV_IN(BY_BYTE) | REV_OUT, 0x1EDC6F41, 0xFFFFFFFF, ~0xE3069283u},
    {"CRC-32/JAMCRC", REV_IN(BY_BYTE) | REV_OUT, 0x04C11DB7, 0xFFFFFFFF, 0x340BC6D9},
    {"CRC-16/IBM-3740", POLYSIZE(BITS16), 0x1021, 0xFFFF, 0x29B1},
    {"CRC-16/XMODEM", POLYSIZE(BITS16), 0x1021, 0, 0x31C3},
    {"CRC-16/KERMIT", POLYSIZE(BITS16) | REV_IN(BY_BYTE) | REV_OUT, 0x1021, 0, 0x2189},
    {"CRC-16/ARC", POLYSIZE(BITS16) | REV_IN(BY_BYTE) | REV_OUT, 0x8005, 0, 0xBB3D},
    {"CRC-16/MODBUS", POLYSIZE(BITS16) | REV_IN(BY_BYTE) | REV_OUT, 0x8005, 0xFFFF,
     0x4B37},
    {"CRC-8/SMBUS", POLYSIZE(BITS8), 0x07, 0, 0xF4},
    {"CRC-8/MAXIM-DOW", POLYSIZE(BITS8) | REV_IN(BY_BYTE) | REV_OUT, 0x31, 0, 0xA1},
    {"CRC-7/MMC", POLYSIZE(BITS7), 0x09, 0, 0x75},
};

static void prepare(struct bench *b, uint32_t cr, uint32_t pol, uint32_t init) {
  wr(b, CR, cr);
  wr(b, POL, pol);
  wr(b, INIT, init);
  wr(b, CR, cr | RESET);
}

static void check_values_byte_by_byte(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof catalogue / sizeof *catalogue; i++) {
    prepare(b, catalogue[i].cr, catalogue[i].pol, catalogue[i].init);
    for (const char *p = "123456789"; *p; p++)
      feed(b, 1, (uint8_t)*p);
    if (rd(b, DR) != catalogue[i].out) {
      fail_msg("%s: 0x%08x", catalogue[i].name, (unsigned)rd(b, DR));
    }
  }
  expect_none(&b->chip);
}

// --- widths and orders
// ----------------------------------------------------------------

// The first eight characters in three widths, most significant byte first.
static void wide_writes_are_their_bytes_from_the_top(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof catalogue / sizeof *catalogue; i++) {
    if (catalogue[i].cr & REV_IN(3)) continue;
    prepare(b, catalogue[i].cr, catalogue[i].pol, catalogue[i].init);
    feed(b, 4, 0x31323334);
    feed(b, 2, 0x3536);
    feed(b, 1, 0x37);
    feed(b, 2, 0x3839);
    assert_int_equal(rd(b, DR), catalogue[i].out);
  }
}

// CRC-32 of a little-endian machine: whole words, reversed as a word.
static void reversal_by_word_takes_little_endian_words(void **state) {
  struct bench *b = *state;
  prepare(b, REV_IN(BY_WORD) | REV_OUT, 0x04C11DB7, 0xFFFFFFFF);
  feed(b, 4, 0x34333231);
  feed(b, 4, 0x38373635);
  feed(b, 1, 0x39);  // narrower than the unit: reversed as it is
  assert_int_equal(rd(b, DR), ~0xCBF43926u);
}

static void reversal_by_half_word_takes_little_endian_halves(void **state) {
  struct bench *b = *state;
  prepare(b, REV_IN(BY_HALF) | REV_OUT, 0x04C11DB7, 0xFFFFFFFF);
  feed(b, 2, 0x3231);
  feed(b, 2, 0x3433);
  feed(b, 4, 0x36353837);  // its upper half goes first
  feed(b, 1, 0x39);
  assert_int_equal(rd(b, DR), ~0xCBF43926u);
}

static void reversal_by_byte_of_a_word(void **state) {
  struct bench *b = *state;
  prepare(b, REV_IN(BY_BYTE) | REV_OUT, 0x04C11DB7, 0xFFFFFFFF);
  feed(b, 4, 0x31323334);
  feed(b, 4, 0x35363738);
  feed(b, 1, 0x39);
  assert_int_equal(rd(b, DR), ~0xCBF43926u);
}

static void rev_out_turns_the_reading_only(void **state) {
  struct bench *b = *state;
  wr(b, INIT, 0x00000001);
  assert_int_equal(rd(b, DR), 0x00000001);
  wr(b, CR, REV_OUT);
  assert_int_equal(rd(b, DR), 0x80000000);
  wr(b, CR, 0);
  assert_int_equal(rd(b, DR), 0x00000001);
}

static void a_short_register_has_no_upper_bits(void **state) {
  struct bench *b = *state;
  wr(b, INIT, 0xFFFFFFFF);
  static const uint32_t masks[4] = {0xFFFFFFFF, 0xFFFF, 0xFF, 0x7F};
  for (uint32_t size = 0; size < 4; size++) {
    wr(b, CR, POLYSIZE(size) | RESET);
    assert_int_equal(rd(b, DR), masks[size]);
    feed(b, 4, 0);
    assert_int_equal(rd(b, DR) & ~masks[size], 0);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(reset_bit_loads_init_and_clears_itself),
      TEST(init_loads_dr),
      TEST(check_values_byte_by_byte),
      TEST(wide_writes_are_their_bytes_from_the_top),
      TEST(reversal_by_word_takes_little_endian_words),
      TEST(reversal_by_half_word_takes_little_endian_halves),
      TEST(reversal_by_byte_of_a_word),
      TEST(rev_out_turns_the_reading_only),
      TEST(a_short_register_has_no_upper_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
