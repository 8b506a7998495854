// SPDX-License-Identifier: MIT
// Timers: counts at exact times in every direction, preload registers, flags and
// interrupts, one pulse, repetitions. Numbers are typed here from RM0410 25.4 to 28.4.
#include "sim/models/tim.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40000000u
#define BIT(n) (1u << (n))
#define ALL    0xFFFFFFFFu

enum {
  CR1 = 0x00,
  CR2 = 0x04,
  SMCR = 0x08,
  DIER = 0x0C,
  SR = 0x10,
  EGR = 0x14,
  CCMR1 = 0x18,
  CCMR2 = 0x1C,
  CCER = 0x20,
  CNT = 0x24,
  PSC = 0x28,
  ARR = 0x2C,
  RCR = 0x30,
  CCR1 = 0x34,
  CCR2 = 0x38,
  CCR4 = 0x40,
  BDTR = 0x44,
  DCR = 0x48,
  DMAR = 0x4C,
};
#define CEN      BIT(0)
#define UDIS     BIT(1)
#define URS      BIT(2)
#define OPM      BIT(3)
#define DIR      BIT(4)
#define CMS(n)   ((uint32_t)(n) << 5)
#define ARPE     BIT(7)
#define UIFREMAP BIT(11)
#define UIF      BIT(0)
#define CC1IF    BIT(1)
#define CC2IF    BIT(2)
#define UG       BIT(0)
#define OC1PE    BIT(3)

struct bench {
  struct chip chip;
  struct tim tim;
  unsigned wires[TIM_WIRES];
  unsigned rises[TIM_WIRES];
  unsigned requests[TIM_REQUESTS];
  unsigned edges[TIM_OUTPUTS][3];
  uint64_t input_hz;
};

static void on_wire(void *ctx, unsigned number, bool level) {
  struct bench *b = ctx;
  if (level && !b->wires[number]) b->rises[number]++;
  b->wires[number] = level;
}

static void on_request(void *ctx, unsigned number) {
  ((struct bench *)ctx)->requests[number]++;
}

static void on_trigger(void *ctx, unsigned output, enum tim_edge edge) {
  ((struct bench *)ctx)->edges[output][edge]++;
}

static uint64_t input_hz(void *ctx) {
  return ((struct bench *)ctx)->input_hz;
}

static void begin(struct bench *b, const struct tim_config *config) {
  memset(b, 0, sizeof *b);
  chip_start(&b->chip);
  b->chip.hz[CLOCK_TIM_APB1] = 1000000;  // a count is a microsecond
  tim_init(&b->tim, config, &b->chip.sim, BASE, chip_clocks(&b->chip), CLOCK_TIM_APB1);
  for (unsigned i = 0; i < TIM_WIRES; i++)
    b->tim.irq[i] = (struct irq_line){on_wire, b, config == &tim_advanced ? i : 0};
  for (unsigned i = 0; i < TIM_REQUESTS; i++)
    b->tim.dma[i] = (struct dma_line){NULL, b, i, on_request};
  b->tim.on_trigger = on_trigger;
  b->tim.input_hz = input_hz;
  b->tim.ctx = b;
  chip_add(&b->chip, "TIM", BASE, 0x400, &b->tim, tim_read, tim_write);
  tim_reset(&b->tim);
}

static int setup(void **state) {
  static struct bench b;
  begin(&b, &tim_general_16);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  tim_free(&b->tim);
  chip_stop(&b->chip);
  return 0;
}

static void restart_as(struct bench *b, const struct tim_config *config) {
  tim_free(&b->tim);
  chip_stop(&b->chip);
  begin(b, config);
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static void pass_us(struct bench *b, uint64_t us) {
  chip_pass(&b->chip, VT_US(us));
}

// --- registers ----------------------------------------------------------------------

// DMAR is a window to other registers. Reserved bits of SR are written with ones, as in
// SR = ~UIF, and nothing is said.
static const struct register_bits advanced[] = {
    {"CR1", 0x00, 0, 0x00000B8F, 0, 0x70, 0},
    {"CR2", 0x04, 0, 0x00F57FFD, 0, 0, 0},
    {"SMCR", 0x08, 0, 0x0001FFF7, 0, 0, 0},
    {"DIER", 0x0C, 0, 0x00007FFF, 0, 0, 0},
    {"SR", 0x10, 0, 0, 0xFFFCE000, 0x00031FFF, 0},
    {"EGR", 0x14, 0, 0, 0, 0x000001FF, 0},
    {"CCMR1", 0x18, 0, 0x0101FFFF, 0, 0, 0},
    {"CCMR2", 0x1C, 0, 0x0101FFFF, 0, 0, 0},
    {"CCER", 0x20, 0, 0x0033BFFF, 0, 0, 0},
    {"CNT", 0x24, 0, 0x0000FFFF, 0x80000000, 0, 0},
    {"PSC", 0x28, 0, 0x0000FFFF, 0, 0, 0},
    {"ARR", 0x2C, 0x0000FFFF, 0x0000FFFF, 0, 0, 0},
    {"RCR", 0x30, 0, 0x0000FFFF, 0, 0, 0},
    {"CCR1", 0x34, 0, 0x0000FFFF, 0, 0, 0},
    {"CCR2", 0x38, 0, 0x0000FFFF, 0, 0, 0},
    {"CCR3", 0x3C, 0, 0x0000FFFF, 0, 0, 0},
    {"CCR4", 0x40, 0, 0x0000FFFF, 0, 0, 0},
    {"BDTR", 0x44, 0, 0x03FFFFFF, 0, 0, 0},
    {"DCR", 0x48, 0, 0x00001F1F, 0, 0, 0},
    {"DMAR", 0x4C, 0, 0, 0, 0x0000FFFF, 0},
    {"CCMR3", 0x54, 0, 0x0101FCFC, 0, 0, 0},
    {"CCR5", 0x58, 0, 0xE000FFFF, 0, 0, 0},
    {"CCR6", 0x5C, 0, 0x0000FFFF, 0, 0, 0},
    {"AF1", 0x60, 1, 0x00000301, 0, 0, 0},
    {"AF2", 0x64, 1, 0x00000301, 0, 0, 0},
};

static const struct register_bits wide[] = {
    {"CR1", 0x00, 0, 0x00000B8F, 0, 0x70, 0},
    {"CR2", 0x04, 0, 0x000000F8, 0, 0, 0},
    {"SMCR", 0x08, 0, 0x0001FFF7, 0, 0, 0},
    {"DIER", 0x0C, 0, 0x00005F5F, 0, 0, 0},
    {"SR", 0x10, 0, 0, 0xFFFFE1A0, 0x00001E5F, 0},
    {"EGR", 0x14, 0, 0, 0, 0x0000005F, 0},
    {"CCMR1", 0x18, 0, 0x0101FFFF, 0, 0, 0},
    {"CCMR2", 0x1C, 0, 0x0101FFFF, 0, 0, 0},
    {"CCER", 0x20, 0, 0x0000BBBB, 0, 0, 0},
    {"CNT", 0x24, 0, ALL, 0, 0, 0},
    {"PSC", 0x28, 0, 0x0000FFFF, 0, 0, 0},
    {"ARR", 0x2C, ALL, ALL, 0, 0, 0},
    {"CCR1", 0x34, 0, ALL, 0, 0, 0},
    {"CCR2", 0x38, 0, ALL, 0, 0, 0},
    {"CCR3", 0x3C, 0, ALL, 0, 0, 0},
    {"CCR4", 0x40, 0, ALL, 0, 0, 0},
    {"DCR", 0x48, 0, 0x00001F1F, 0, 0, 0},
    {"DMAR", 0x4C, 0, 0, 0, 0x0000FFFF, 0},
    {"OR", 0x50, 0, 0x00000CC0, 0, 0, 0},
};

static const struct register_bits two_channels[] = {
    {"CR1", 0x00, 0, 0x00000B8F, 0, 0, 0},
    {"SMCR", 0x08, 0, 0x000100F7, 0, 0, 0},
    {"DIER", 0x0C, 0, 0x00000047, 0, 0, 0},
    {"SR", 0x10, 0, 0, 0xFFFFF9B8, 0x00000647, 0},
    {"EGR", 0x14, 0, 0, 0, 0x00000047, 0},
    {"CCMR1", 0x18, 0, 0x01017F7F, 0, 0, 0},
    {"CCER", 0x20, 0, 0x000000BB, 0, 0, 0},
    {"CNT", 0x24, 0, 0x0000FFFF, 0x80000000, 0, 0},
    {"PSC", 0x28, 0, 0x0000FFFF, 0, 0, 0},
    {"ARR", 0x2C, 0x0000FFFF, 0x0000FFFF, 0, 0, 0},
    {"CCR1", 0x34, 0, 0x0000FFFF, 0, 0, 0},
    {"CCR2", 0x38, 0, 0x0000FFFF, 0, 0, 0},
};

static const struct register_bits one_channel[] = {
    {"CR1", 0x00, 0, 0x00000B8F, 0, 0, 0},
    {"DIER", 0x0C, 0, 0x00000003, 0, 0, 0},
    {"SR", 0x10, 0, 0, 0xFFFFFDFC, 0x00000203, 0},
    {"EGR", 0x14, 0, 0, 0, 0x00000003, 0},
    {"CCMR1", 0x18, 0, 0x0001007F, 0, 0, 0},
    {"CCER", 0x20, 0, 0x0000000B, 0, 0, 0},
    {"CNT", 0x24, 0, 0x0000FFFF, 0x80000000, 0, 0},
    {"PSC", 0x28, 0, 0x0000FFFF, 0, 0, 0},
    {"ARR", 0x2C, 0x0000FFFF, 0x0000FFFF, 0, 0, 0},
    {"CCR1", 0x34, 0, 0x0000FFFF, 0, 0, 0},
    {"OR", 0x50, 0, 0x00000003, 0, 0, 0},
};

static const struct register_bits basic[] = {
    {"CR1", 0x00, 0, 0x0000088F, 0, 0, 0},
    {"CR2", 0x04, 0, 0x00000070, 0, 0, 0},
    {"DIER", 0x0C, 0, 0x00000101, 0, 0, 0},
    {"SR", 0x10, 0, 0, 0xFFFFFFFE, 0x00000001, 0},
    {"EGR", 0x14, 0, 0, 0, 0x00000001, 0},
    {"CNT", 0x24, 0, 0x0000FFFF, 0x80000000, 0, 0},
    {"PSC", 0x28, 0, 0x0000FFFF, 0, 0, 0},
    {"ARR", 0x2C, 0x0000FFFF, 0x0000FFFF, 0, 0, 0},
};

static void restart(void *ctx) {
  tim_reset(&((struct bench *)ctx)->tim);
}

static void check_kind(struct bench *b, const struct tim_config *config,
                       const struct register_bits *regs, size_t count) {
  restart_as(b, config);
  const uint32_t end = regs[count - 1].offset + 4;
  check_register_bits(
      &(struct register_block){regs, count, BASE, end, &b->chip.sim, restart, b});
}
#define COUNT(a) (sizeof(a) / sizeof *(a))

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_kind(b, &tim_advanced, advanced, COUNT(advanced));
  check_kind(b, &tim_general_32, wide, COUNT(wide));
  check_kind(b, &tim_two_channels, two_channels, COUNT(two_channels));
  check_kind(b, &tim_one_channel, one_channel, COUNT(one_channel));
  check_kind(b, &tim_basic, basic, COUNT(basic));
}

// --- counting
// -------------------------------------------------------------------------

// The count after each microsecond, ARR 3, from 0 (down: from 3).
static void counts_follow_the_direction(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t cr1;
    uint8_t counts[9];
  } ways[] = {
      {0, {0, 1, 2, 3, 0, 1, 2, 3, 0}},      {DIR, {3, 2, 1, 0, 3, 2, 1, 0, 3}},
      {CMS(1), {0, 1, 2, 3, 2, 1, 0, 1, 2}}, {CMS(2), {0, 1, 2, 3, 2, 1, 0, 1, 2}},
      {CMS(3), {0, 1, 2, 3, 2, 1, 0, 1, 2}},
  };
  for (size_t i = 0; i < COUNT(ways); i++) {
    tim_reset(&b->tim);
    wr(b, ARR, 3);
    wr(b, CR1, ways[i].cr1);
    wr(b, EGR, UG);
    wr(b, CR1, ways[i].cr1 | CEN);
    for (unsigned us = 0; us < 9; us++) {
      if (rd(b, CNT) != ways[i].counts[us])
        fail_msg("way %zu after %u us: %u", i, us, (unsigned)rd(b, CNT));
      pass_us(b, 1);
    }
  }
}

static void a_long_time_is_counted_exactly(void **state) {
  struct bench *b = *state;
  static const uint32_t ways[] = {0, DIR, CMS(3)};
  for (size_t i = 0; i < COUNT(ways); i++) {
    tim_reset(&b->tim);
    wr(b, ARR, 999);
    wr(b, CR1, ways[i]);
    wr(b, EGR, UG);
    wr(b, CR1, ways[i] | CEN);
    pass_us(b, 86400ull * 1000000 + 123);  // a day: no multiple of anything else
    const uint32_t up = i == 2 ? (86400ull * 1000000 + 123) % 1998 : 123;
    const uint32_t wanted = i == 1 ? 999 - 123 : up > 999 ? 1998 - up : up;
    assert_int_equal(rd(b, CNT), wanted);
    assert_int_equal(rd(b, SR) & UIF, UIF);
  }
}

static void the_prescaler_divides(void **state) {
  struct bench *b = *state;
  b->chip.hz[CLOCK_TIM_APB1] = 108000000;
  wr(b, PSC, 10799);
  wr(b, EGR, UG);
  wr(b, CR1, CEN);
  chip_pass(&b->chip, VT_MS(5) - 1);
  assert_int_equal(rd(b, CNT), 49);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, CNT), 50);
}

static void a_new_prescaler_waits_for_the_update(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 9);
  wr(b, CR1, CEN);
  wr(b, PSC, 1);
  pass_us(b, 10);
  assert_int_equal(rd(b, CNT), 0);
  pass_us(b, 10);
  assert_int_equal(rd(b, CNT), 5);
}

static void a_new_clock_rate_counts_on(void **state) {
  struct bench *b = *state;
  wr(b, CR1, CEN);
  pass_us(b, 100);
  b->chip.hz[CLOCK_TIM_APB1] = 2000000;
  tim_clock_changed(&b->tim);
  pass_us(b, 100);
  assert_int_equal(rd(b, CNT), 300);
  b->chip.hz[CLOCK_TIM_APB1] = 0;
  tim_clock_changed(&b->tim);
  pass_us(b, 100);
  assert_int_equal(rd(b, CNT), 300);
}

static void stopping_holds_the_count(void **state) {
  struct bench *b = *state;
  wr(b, CR1, CEN);
  pass_us(b, 7);
  wr(b, CR1, 0);
  pass_us(b, 7);
  assert_int_equal(rd(b, CNT), 7);
  wr(b, CNT, 100);
  wr(b, CR1, CEN);
  pass_us(b, 7);
  assert_int_equal(rd(b, CNT), 107);
}

static void a_reload_of_zero_blocks(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 0);
  wr(b, CR1, CEN);
  pass_us(b, 50);
  assert_int_equal(rd(b, CNT), 0);
  assert_int_equal(rd(b, SR), 0);
}

static void a_count_past_its_reload_runs_to_the_end(void **state) {
  struct bench *b = *state;
  wr(b, CNT, 200);
  wr(b, ARR, 100);
  wr(b, CR1, CEN);
  pass_us(b, 65535 - 200);
  assert_int_equal(rd(b, CNT), 65535);
  pass_us(b, 1);
  assert_int_equal(rd(b, CNT), 0);
  assert_int_equal(rd(b, SR) & UIF, 0);
  pass_us(b, 101);
  assert_int_equal(rd(b, SR) & UIF, UIF);
}

static void two_to_the_32(void **state) {
  struct bench *b = *state;
  restart_as(b, &tim_general_32);
  wr(b, CR1, CEN);
  pass_us(b, 0xFFFFFFFF);
  assert_int_equal(rd(b, CNT), 0xFFFFFFFF);
  assert_int_equal(rd(b, SR), 0);
  pass_us(b, 1);
  assert_int_equal(rd(b, CNT), 0);
  assert_int_equal(rd(b, SR) & UIF, UIF);
}

// --- update, preload
// -------------------------------------------------------------------

static void an_update_interrupts_at_its_time(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 999);
  wr(b, DIER, UIF);
  wr(b, CR1, CEN);
  for (unsigned i = 1; i <= 5; i++) {
    chip_pass(&b->chip, VT_US(1000) - 1);
    assert_int_equal(b->rises[0], i - 1);
    chip_pass(&b->chip, 1);
    assert_int_equal(b->rises[0], i);
    wr(b, SR, ~UIF);
    assert_int_equal(b->wires[0], 0);
  }
}

static void a_flag_left_up_needs_no_events(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 9);
  wr(b, DIER, UIF);
  wr(b, CR1, CEN);
  pass_us(b, 10);
  assert_int_equal(event_next(&b->chip.sim.events) == VT_NEVER, 1);
}

static void ug_restarts_and_flags(void **state) {
  struct bench *b = *state;
  wr(b, CR1, CEN);
  pass_us(b, 50);
  wr(b, EGR, UG);
  assert_int_equal(rd(b, CNT), 0);
  assert_int_equal(rd(b, SR) & UIF, UIF);
  pass_us(b, 3);
  assert_int_equal(rd(b, CNT), 3);
}

static void urs_and_udis_hold_the_flag_back(void **state) {
  struct bench *b = *state;
  wr(b, CR1, URS);
  wr(b, EGR, UG);
  assert_int_equal(rd(b, SR) & UIF, 0);
  wr(b, ARR, 9);
  wr(b, CR1, URS | CEN);
  pass_us(b, 10);
  assert_int_equal(rd(b, SR) & UIF, UIF);  // an overflow does flag
  wr(b, SR, 0);
  wr(b, CR1, UDIS | CEN);
  pass_us(b, 100);
  assert_int_equal(rd(b, SR) & UIF, 0);
  wr(b, EGR, UG);
  assert_int_equal(rd(b, SR) & UIF, 0);
}

static void arpe_holds_a_new_reload_back(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 9);
  wr(b, CR1, ARPE);
  wr(b, EGR, UG);
  wr(b, CR1, ARPE | CEN);
  wr(b, ARR, 4);
  pass_us(b, 9);
  assert_int_equal(rd(b, CNT), 9);
  pass_us(b, 1 + 5);
  assert_int_equal(rd(b, CNT), 0);
  tim_reset(&b->tim);
  wr(b, ARR, 9);
  wr(b, CR1, CEN);
  wr(b, ARR, 4);  // at once
  pass_us(b, 5);
  assert_int_equal(rd(b, CNT), 0);
}

static void one_pulse_stops_at_the_update(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 9);
  wr(b, DIER, UIF);
  wr(b, CR1, OPM | CEN);
  pass_us(b, 25);
  assert_int_equal(rd(b, CR1), OPM);
  assert_int_equal(rd(b, CNT), 0);
  assert_int_equal(b->rises[0], 1);
}

static void repetitions_thin_updates_out(void **state) {
  struct bench *b = *state;
  restart_as(b, &tim_advanced);
  wr(b, ARR, 9);
  wr(b, RCR, 2);
  wr(b, EGR, UG);
  wr(b, SR, 0);
  wr(b, DIER, UIF);
  wr(b, CR1, CEN);
  for (unsigned i = 1; i <= 4; i++) {
    pass_us(b, 29);
    assert_int_equal(b->rises[0], i - 1);
    pass_us(b, 1);
    assert_int_equal(b->rises[0], i);
    wr(b, SR, 0);
  }
}

static void centered_counting_updates_at_both_ends(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 10);
  wr(b, CR1, CMS(1));
  wr(b, DIER, UIF);
  wr(b, CR1, CMS(1) | CEN);
  pass_us(b, 10);
  assert_int_equal(b->rises[0], 1);
  assert_int_equal(rd(b, CR1) & DIR, DIR);
  wr(b, SR, 0);
  pass_us(b, 9);
  assert_int_equal(b->rises[0], 1);
  pass_us(b, 1);
  assert_int_equal(b->rises[0], 2);
  assert_int_equal(rd(b, CR1) & DIR, 0);
}

static void uif_is_copied_into_the_count(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 9);
  wr(b, CR1, CEN | UIFREMAP);
  assert_int_equal(rd(b, CNT) >> 31, 0);
  pass_us(b, 12);
  assert_int_equal(rd(b, CNT), BIT(31) | 2);
  wr(b, SR, 0);
  assert_int_equal(rd(b, CNT), 2);
}

// --- compare
// -----------------------------------------------------------------------------

static void a_match_flags_and_interrupts_at_its_time(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 99);
  wr(b, CCR1, 30);
  wr(b, CCR2, 70);
  wr(b, DIER, CC2IF);
  wr(b, SR, 0);
  wr(b, CR1, CEN);
  pass_us(b, 29);
  assert_int_equal(rd(b, SR) & (CC1IF | CC2IF), 0);
  pass_us(b, 1);
  assert_int_equal(rd(b, SR) & (CC1IF | CC2IF), CC1IF);
  chip_pass(&b->chip, VT_US(40) - 1);
  assert_int_equal(b->rises[0], 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->rises[0], 1);
  wr(b, SR, 0);
  pass_us(b, 100);
  assert_int_equal(b->rises[0], 2);
}

static void a_compare_value_past_the_reload_never_matches(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 99);
  wr(b, CCR1, 100);
  wr(b, CR1, CEN);
  pass_us(b, 1000);
  assert_int_equal(rd(b, SR) & CC1IF, 0);
}

static void centered_modes_choose_the_way_that_matches(void **state) {
  struct bench *b = *state;
  for (uint32_t mode = 1; mode <= 3; mode++) {
    tim_reset(&b->tim);
    wr(b, ARR, 10);
    wr(b, CCR1, 4);
    wr(b, CR1, CMS(mode));
    wr(b, CR1, CMS(mode) | CEN);
    wr(b, SR, 0);
    pass_us(b, 5);
    assert_int_equal(rd(b, SR) & CC1IF, mode == 1 ? 0 : CC1IF);
    wr(b, SR, 0);
    pass_us(b, 12);  // 10 at 10, 3 at 17
    assert_int_equal(rd(b, SR) & CC1IF, mode == 2 ? 0 : CC1IF);
  }
}

static void ocpe_holds_a_new_compare_value_back(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 99);
  wr(b, CCMR1, OC1PE);
  wr(b, CCR1, 50);
  wr(b, EGR, UG);
  wr(b, SR, 0);
  wr(b, CR1, CEN);
  wr(b, CCR1, 20);
  pass_us(b, 30);
  assert_int_equal(rd(b, SR) & CC1IF, 0);
  pass_us(b, 20);
  assert_int_equal(rd(b, SR) & CC1IF, CC1IF);
  pass_us(b, 50);
  wr(b, SR, 0);
  pass_us(b, 20);
  assert_int_equal(rd(b, SR) & CC1IF, CC1IF);
}

static void a_timer_of_the_advanced_kind_has_wires_of_its_own(void **state) {
  struct bench *b = *state;
  restart_as(b, &tim_advanced);
  wr(b, ARR, 99);
  wr(b, CCR1, 50);
  wr(b, SR, 0);
  wr(b, DIER, UIF | CC1IF | BIT(6));
  wr(b, CR1, CEN);
  pass_us(b, 60);
  assert_int_equal(b->rises[TIM_WIRE_COMPARE], 1);
  assert_int_equal(b->rises[TIM_WIRE_UPDATE], 0);
  pass_us(b, 40);
  assert_int_equal(b->rises[TIM_WIRE_UPDATE], 1);
  wr(b, EGR, BIT(6));
  assert_int_equal(b->rises[TIM_WIRE_TRIGGER], 1);
}

// --- requests, triggers, captures ---------------------------------------------------

static void updates_and_matches_ask_for_dma(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 99);
  wr(b, CCR1, 50);
  wr(b, DIER, BIT(8) | BIT(9));
  wr(b, CR1, CEN);
  pass_us(b, 1000);
  assert_int_equal(b->requests[0], 10);
  assert_int_equal(b->requests[1], 10);
  wr(b, DIER, 0);
  pass_us(b, 1000);
  assert_int_equal(b->requests[0], 10);
}

// DBA 13 is CCR1; three registers an update.
static void a_burst_goes_through_the_window(void **state) {
  struct bench *b = *state;
  wr(b, DCR, 13 | 2u << 8);
  wr(b, ARR, 99);
  wr(b, DIER, BIT(8));
  wr(b, CR1, CEN);
  pass_us(b, 100);
  assert_int_equal(b->requests[0], 1);
  for (uint32_t i = 1; i <= 3; i++)
    wr(b, DMAR, i * 11);
  assert_int_equal(b->requests[0], 3);
  assert_int_equal(rd(b, CCR1), 11);
  assert_int_equal(rd(b, CCR2), 22);
  assert_int_equal(rd(b, CCR2 + 4), 33);
  wr(b, DMAR, 44);
  assert_int_equal(rd(b, CCR1), 44);
}

static void trigger_outputs_choose_their_event(void **state) {
  struct bench *b = *state;
  wr(b, ARR, 99);
  wr(b, CCR1, 30);
  wr(b, EGR, UG);  // MMS 0
  assert_int_equal(b->edges[TIM_TRGO][TIM_PULSE], 1);
  wr(b, CR2, 1u << 4);
  wr(b, CR1, CEN);
  assert_int_equal(b->edges[TIM_TRGO][TIM_RISES], 1);
  wr(b, CR1, 0);
  assert_int_equal(b->edges[TIM_TRGO][TIM_FALLS], 1);
  wr(b, CR2, 2u << 4);
  wr(b, CR1, CEN);
  pass_us(b, 500);
  assert_int_equal(b->edges[TIM_TRGO][TIM_PULSE], 6);
  wr(b, CCMR1, 6u << 4);  // PWM mode 1
  wr(b, CR2, 4u << 4);
  pass_us(b, 500);
  assert_int_equal(b->edges[TIM_TRGO][TIM_RISES], 6);
  assert_int_equal(b->edges[TIM_TRGO][TIM_FALLS], 5);  // low in the first period
}

static void slaves_start_reset_and_count(void **state) {
  struct bench *b = *state;
  wr(b, SMCR, 6 | 1u << 4);
  assert_int_equal(tim_trigger_source(&b->tim), 1);
  tim_trigger(&b->tim, TIM_PULSE);
  assert_int_equal(rd(b, CR1) & CEN, CEN);
  assert_int_equal(rd(b, SR) & BIT(6), BIT(6));
  pass_us(b, 10);
  wr(b, SMCR, 4);
  assert_int_equal(rd(b, CNT), 10);
  tim_trigger(&b->tim, TIM_RISES);
  assert_int_equal(rd(b, CNT), 0);
  wr(b, SMCR, 7);
  pass_us(b, 10);
  assert_int_equal(rd(b, CNT), 0);
  wr(b, PSC, 1);
  wr(b, ARR, 2);
  wr(b, EGR, UG);
  wr(b, SR, 0);
  for (unsigned i = 0; i < 5; i++)
    tim_trigger(&b->tim, TIM_PULSE);
  assert_int_equal(rd(b, CNT), 2);
  assert_int_equal(rd(b, SR) & UIF, 0);
  tim_trigger(&b->tim, TIM_PULSE);
  assert_int_equal(rd(b, CNT), 0);
  assert_int_equal(rd(b, SR) & UIF, UIF);
}

static void a_gate_holds_the_count(void **state) {
  struct bench *b = *state;
  wr(b, SMCR, 5);
  wr(b, CR1, CEN);
  pass_us(b, 10);
  assert_int_equal(rd(b, CNT), 0);
  tim_trigger(&b->tim, TIM_RISES);
  pass_us(b, 10);
  tim_trigger(&b->tim, TIM_FALLS);
  pass_us(b, 10);
  assert_int_equal(rd(b, CNT), 10);
}

static void an_encoder_without_edges_stands(void **state) {
  struct bench *b = *state;
  wr(b, SMCR, 3);
  wr(b, CR1, CEN);
  pass_us(b, 10);
  assert_int_equal(rd(b, CNT), 0);
}

// As the frequency of the LSI is measured: every eighth edge on channel 4 of TIM5.
static void an_internal_clock_is_captured(void **state) {
  struct bench *b = *state;
  b->input_hz = 32000;
  wr(b, CCMR2, 1u << 8 | 3u << 10);
  wr(b, DIER, BIT(4));
  wr(b, CR1, CEN);
  pass_us(b, 1000);
  assert_int_equal(b->rises[0], 0);
  wr(b, CCER, BIT(12));
  pass_us(b, 250);
  assert_int_equal(b->rises[0], 1);
  assert_int_equal(rd(b, CCR4), 1250);
  assert_int_equal(rd(b, SR) & BIT(4), 0);  // read
  pass_us(b, 500);
  assert_int_equal(rd(b, SR) & (BIT(4) | BIT(12)), BIT(4) | BIT(12));
  assert_int_equal(rd(b, CCR4), 1750);
  wr(b, CCER, 0);
  pass_us(b, 500);
  assert_int_equal(rd(b, SR) & BIT(4), 0);
}

static void software_makes_captures_and_breaks(void **state) {
  struct bench *b = *state;
  restart_as(b, &tim_advanced);
  wr(b, CCMR1, 1);
  wr(b, CR1, CEN);
  pass_us(b, 7);
  wr(b, EGR, BIT(1));
  assert_int_equal(rd(b, CCR1), 7);
  wr(b, BDTR, BIT(15));
  wr(b, DIER, BIT(7));
  wr(b, EGR, BIT(7));
  assert_int_equal(rd(b, BDTR) & BIT(15), 0);
  assert_int_equal(b->rises[TIM_WIRE_BREAK], 1);
}

static void a_flag_is_cleared_by_a_zero_alone(void **state) {
  struct bench *b = *state;
  wr(b, EGR, UG | CC1IF | CC2IF);
  wr(b, SR, ~(uint32_t)CC1IF & 0x5F);
  assert_int_equal(rd(b, SR) & 7, UIF | CC2IF);
  bus_mmio_write(&b->chip.sim.bus, BASE + SR + 1, 1, 0);  // another byte
  assert_int_equal(rd(b, SR) & 7, UIF | CC2IF);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(counts_follow_the_direction),
      TEST(a_long_time_is_counted_exactly),
      TEST(the_prescaler_divides),
      TEST(a_new_prescaler_waits_for_the_update),
      TEST(a_new_clock_rate_counts_on),
      TEST(stopping_holds_the_count),
      TEST(a_reload_of_zero_blocks),
      TEST(a_count_past_its_reload_runs_to_the_end),
      TEST(two_to_the_32),
      TEST(an_update_interrupts_at_its_time),
      TEST(a_flag_left_up_needs_no_events),
      TEST(ug_restarts_and_flags),
      TEST(urs_and_udis_hold_the_flag_back),
      TEST(arpe_holds_a_new_reload_back),
      TEST(one_pulse_stops_at_the_update),
      TEST(repetitions_thin_updates_out),
      TEST(centered_counting_updates_at_both_ends),
      TEST(uif_is_copied_into_the_count),
      TEST(a_match_flags_and_interrupts_at_its_time),
      TEST(a_compare_value_past_the_reload_never_matches),
      TEST(centered_modes_choose_the_way_that_matches),
      TEST(ocpe_holds_a_new_compare_value_back),
      TEST(a_timer_of_the_advanced_kind_has_wires_of_its_own),
      TEST(updates_and_matches_ask_for_dma),
      TEST(a_burst_goes_through_the_window),
      TEST(trigger_outputs_choose_their_event),
      TEST(slaves_start_reset_and_count),
      TEST(a_gate_holds_the_count),
      TEST(an_encoder_without_edges_stands),
      TEST(an_internal_clock_is_captured),
      TEST(software_makes_captures_and_breaks),
      TEST(a_flag_is_cleared_by_a_zero_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
