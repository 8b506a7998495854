// SPDX-License-Identifier: MIT
// RNG: a word in its time, the same sequence every time, its clock (RM0410 23.3, 23.7).
#include "sim/models/rng.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x50060800u
#define BIT(n) (1u << (n))
enum { CR = 0, SR = 4, DR = 8 };
#define RNGEN BIT(2)
#define IE    BIT(3)
#define DRDY  BIT(0)
#define CECS  BIT(1)
#define SECS  BIT(2)
#define CEIS  BIT(5)
#define SEIS  BIT(6)
#define WORD  vt_cycles(40, 48000000)

struct bench {
  struct chip chip;
  struct rng rng;
};

static void begin(struct bench *b) {
  memset(b, 0, sizeof *b);
  chip_start(&b->chip);
  b->chip.hz[CLOCK_48M] = 48000000;
  b->chip.hz[CLOCK_HCLK] = 216000000;
  rng_init(&b->rng, &b->chip.sim, chip_clocks(&b->chip));
  b->rng.irq = chip_irq(&b->chip, 80);
  chip_add(&b->chip, "RNG", BASE, 0x400, &b->rng, rng_read, rng_write);
  rng_reset(&b->rng);
}

static int setup(void **state) {
  static struct bench b;
  begin(&b);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  rng_free(&b->rng);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static const struct register_bits registers[] = {
    {"CR", 0x00, 0, 0x0000000C, 0, 0, 0},
    {"SR", 0x04, 0, 0, 0x00000007, 0x00000060, 0},
    {"DR", 0x08, 0, 0, 0xFFFFFFFF, 0, 0},
};

static void restart(void *ctx) {
  rng_reset(&((struct bench *)ctx)->rng);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x0C, &b->chip.sim, restart, b});
}

static void a_word_takes_40_clocks(void **state) {
  struct bench *b = *state;
  wr(b, CR, RNGEN | IE);
  for (unsigned i = 0; i < 4; i++) {
    chip_pass(&b->chip, WORD - 1);
    assert_int_equal(rd(b, SR), 0);
    assert_int_equal(rd(b, DR), 0);  // too early
    assert_false(b->chip.irq);
    chip_pass(&b->chip, 1);
    assert_int_equal(rd(b, SR), DRDY);
    assert_true(b->chip.irq);
    assert_int_not_equal(rd(b, DR), 0);
    assert_false(b->chip.irq);
  }
  expect_none(&b->chip);
}

static void words_differ_and_runs_do_not(void **state) {
  struct bench *b = *state;
  uint32_t words[64];
  for (unsigned run = 0; run < 2; run++) {
    wr(b, CR, RNGEN);
    for (unsigned i = 0; i < 64; i++) {
      chip_pass(&b->chip, WORD);
      const uint32_t word = rd(b, DR);
      if (run) assert_int_equal(word, words[i]);
      words[i] = word;
      for (unsigned k = 0; k < i; k++)
        assert_int_not_equal(words[k], word);
    }
    rng_free(&b->rng);
    chip_stop(&b->chip);
    begin(b);
  }
}

static void without_its_clock_it_says_so(void **state) {
  struct bench *b = *state;
  static const uint64_t rates[] = {0, 13000000};  // HCLK / 16 is 13.5 MHz
  for (size_t i = 0; i < 2; i++) {
    rng_reset(&b->rng);
    b->chip.hz[CLOCK_48M] = rates[i];
    wr(b, CR, RNGEN | IE);
    assert_int_equal(rd(b, SR), CECS | CEIS);
    assert_true(b->chip.irq);
    chip_pass(&b->chip, VT_MS(1));
    assert_int_equal(rd(b, SR) & DRDY, 0);
    expect_one(&b->chip, GUEST_CLOCK_LIMIT);
    wr(b, SR, 0);
    assert_int_equal(rd(b, SR), CECS);
    assert_false(b->chip.irq);
  }
}

static void a_seed_error_lasts_until_it_is_switched_off(void **state) {
  struct bench *b = *state;
  wr(b, CR, RNGEN);
  rng_fail(&b->rng);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, SR), SECS | SEIS);
  wr(b, SR, 0);
  assert_int_equal(rd(b, SR), SECS);
  wr(b, CR, 0);
  wr(b, CR, RNGEN);
  chip_pass(&b->chip, WORD);
  assert_int_equal(rd(b, SR), DRDY);
}

static void switched_off_it_makes_nothing(void **state) {
  struct bench *b = *state;
  wr(b, CR, RNGEN);
  wr(b, CR, 0);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, SR), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(a_word_takes_40_clocks),
      TEST(words_differ_and_runs_do_not),
      TEST(without_its_clock_it_says_so),
      TEST(a_seed_error_lasts_until_it_is_switched_off),
      TEST(switched_off_it_makes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
