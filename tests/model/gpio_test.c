// SPDX-License-Identifier: MIT
// GPIO: configuration, levels with everything that can drive a pin, set and reset,
// the lock. Numbers are typed here from RM0410 6.4.
#include "sim/models/gpio.h"

#include "sim_regs.h"
#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40022000u  // port I; A and B are added where their resets matter
#define BASE_A 0x40020000u
#define BASE_B 0x40020400u
#define BIT(n) (1u << (n))

enum {
  MODER = 0x00,
  OTYPER = 0x04,
  OSPEEDR = 0x08,
  PUPDR = 0x0C,
  IDR = 0x10,
  ODR = 0x14,
  BSRR = 0x18,
  LCKR = 0x1C,
  AFRL = 0x20,
  AFRH = 0x24,
  BRR = 0x28,
};
enum { INPUT = 0, OUTPUT = 1, ALTERNATE = 2, ANALOG = 3 };
#define LCKK BIT(16)

struct bench {
  struct chip chip;
  struct gpio port, a, b;
  unsigned outputs;
  bool clocked;
};

static void on_output(void *ctx, const struct gpio *g) {
  (void)g;
  ((struct bench *)ctx)->outputs++;
}

static enum gate_state gate(void *ctx, uint32_t which) {
  (void)which;
  return ((struct bench *)ctx)->clocked ? GATE_OPEN : GATE_CLOCK_OFF;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  gpio_init(&b.port, &b.chip.sim, &sim_regs_gpio, 'I', BASE, GATE(0x30, 8));
  gpio_init(&b.a, &b.chip.sim, &sim_regs_gpioa, 'A', BASE_A, GATE(0x30, 0));
  gpio_init(&b.b, &b.chip.sim, &sim_regs_gpiob, 'B', BASE_B, GATE(0x30, 1));
  b.port.on_output = on_output;
  b.port.ctx = &b;
  chip_add(&b.chip, "GPIOI", BASE, 0x400, &b.port, gpio_read, gpio_write);
  chip_add(&b.chip, "GPIOA", BASE_A, 0x400, &b.a, gpio_read, gpio_write);
  chip_add(&b.chip, "GPIOB", BASE_B, 0x400, &b.b, gpio_read, gpio_write);
  gpio_reset(&b.port);
  gpio_reset(&b.a);
  gpio_reset(&b.b);
  b.outputs = 0;
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  gpio_free(&b->port);
  gpio_free(&b->a);
  gpio_free(&b->b);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

// --- registers ----------------------------------------------------------------------

#define ALL 0xFFFFFFFFu
static const struct register_bits registers[] = {
    {"MODER", 0x00, 0, ALL, 0, 0, 0},   {"OTYPER", 0x04, 0, 0xFFFF, 0, 0, 0},
    {"OSPEEDR", 0x08, 0, ALL, 0, 0, 0}, {"PUPDR", 0x0C, 0, ALL, 0, 0, 0},
    {"IDR", 0x10, 0, 0, 0xFFFF, 0, 0},  {"ODR", 0x14, 0, 0xFFFF, 0, 0, 0},
    {"BSRR", 0x18, 0, 0, 0, ALL, 0},    {"LCKR", 0x1C, 0, 0, 0, 0x1FFFF, 0},
    {"AFRL", 0x20, 0, ALL, 0, 0, 0},    {"AFRH", 0x24, 0, ALL, 0, 0, 0},
    {"BRR", 0x28, 0, 0, 0, 0xFFFF, 0},
};

static void restart(void *ctx) {
  gpio_reset(&((struct bench *)ctx)->port);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x2C, &b->chip.sim, restart, b});
}

// The debug pins: PA13 to 15, PB3 and PB4 are alternate, with their pulls.
static void ports_a_and_b_begin_with_the_debug_pins(void **state) {
  struct bench *b = *state;
  assert_int_equal(chip_read(&b->chip, BASE_A + MODER), 0xA8000000);
  assert_int_equal(chip_read(&b->chip, BASE_A + PUPDR), 0x64000000);
  assert_int_equal(chip_read(&b->chip, BASE_B + MODER), 0x00000280);
  assert_int_equal(chip_read(&b->chip, BASE_B + OSPEEDR), 0x000000C0);
  assert_int_equal(chip_read(&b->chip, BASE_B + PUPDR), 0x00000100);
  assert_int_equal(gpio_levels(&b->a), BIT(15) | BIT(13));  // pulled up
  assert_int_equal(gpio_levels(&b->b), BIT(4));
}

// --- levels --------------------------------------------------------------------------

enum { FLOATS = -1, LOW = 0, HIGH = 1 };
enum { NO_PULL = 0, PULL_UP = 1, PULL_DOWN = 2 };

static const struct {
  unsigned mode, open_drain, odr, pull;
  int outside;
  int level;
} levels[] = {
    {INPUT, 0, 0, NO_PULL, FLOATS, LOW},
    {INPUT, 0, 0, NO_PULL, LOW, LOW},
    {INPUT, 0, 0, NO_PULL, HIGH, HIGH},
    {INPUT, 0, 0, PULL_UP, FLOATS, HIGH},
    {INPUT, 0, 0, PULL_UP, LOW, LOW},
    {INPUT, 0, 0, PULL_DOWN, FLOATS, LOW},
    {INPUT, 0, 0, PULL_DOWN, HIGH, HIGH},
    {INPUT, 0, 1, NO_PULL, FLOATS, LOW},  // ODR does not drive an input
    {OUTPUT, 0, 0, PULL_UP, FLOATS, LOW},
    {OUTPUT, 0, 1, PULL_DOWN, FLOATS, HIGH},
    {OUTPUT, 0, 1, NO_PULL, LOW, HIGH},  // push-pull wins
    {OUTPUT, 0, 0, NO_PULL, HIGH, LOW},
    {OUTPUT, 1, 0, PULL_UP, HIGH, LOW},
    {OUTPUT, 1, 1, NO_PULL, FLOATS, LOW},  // open drain lets go
    {OUTPUT, 1, 1, PULL_UP, FLOATS, HIGH},
    {OUTPUT, 1, 1, PULL_UP, LOW, LOW},
    {OUTPUT, 1, 1, NO_PULL, HIGH, HIGH},
    {ALTERNATE, 0, 1, NO_PULL, FLOATS, LOW},  // ODR is not connected
    {ALTERNATE, 0, 0, PULL_UP, FLOATS, HIGH},
    {ALTERNATE, 0, 0, NO_PULL, HIGH, HIGH},
    {ANALOG, 0, 1, PULL_UP, HIGH, LOW},  // the Schmitt trigger is off
};

static void check_level(struct bench *b, size_t i, unsigned pin) {
  gpio_reset(&b->port);
  gpio_release(&b->port, pin);
  wr(b, MODER, levels[i].mode << (2 * pin));
  wr(b, OTYPER, levels[i].open_drain << pin);
  wr(b, ODR, levels[i].odr << pin);
  wr(b, PUPDR, levels[i].pull << (2 * pin));
  if (levels[i].outside != FLOATS) gpio_drive(&b->port, pin, levels[i].outside == HIGH);
  const uint32_t wanted = (uint32_t)levels[i].level << pin;
  if (rd(b, IDR) != wanted) fail_msg("row %zu, pin %u: 0x%04x", i, pin, rd(b, IDR));
  gpio_release(&b->port, pin);
}

static void every_way_to_drive_every_pin(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    for (unsigned pin = 0; pin < 16; pin++)
      check_level(b, i, pin);
  }
  expect_none(&b->chip);
}

static void pins_do_not_disturb_each_other(void **state) {
  struct bench *b = *state;
  wr(b, MODER, 0x55555555);
  wr(b, ODR, 0xA5C3);
  assert_int_equal(rd(b, IDR), 0xA5C3);
  wr(b, MODER, 0x55555554);
  gpio_drive(&b->port, 0, false);
  assert_int_equal(rd(b, IDR), 0xA5C2);
  gpio_drive(&b->port, 0, true);
  assert_int_equal(rd(b, IDR), 0xA5C3);
}

// --- set and reset -------------------------------------------------------------------

static void set_wins_over_reset(void **state) {
  struct bench *b = *state;
  wr(b, BSRR, 0x0000F00F);
  assert_int_equal(rd(b, ODR), 0xF00F);
  wr(b, BSRR, 0x000F0000);
  assert_int_equal(rd(b, ODR), 0xF000);
  wr(b, BSRR, 0xFFFF0001);
  assert_int_equal(rd(b, ODR), 0x0001);
  wr(b, ODR, 0xFFFF);
  wr(b, BRR, 0x00F0);
  assert_int_equal(rd(b, ODR), 0xFF0F);
  assert_int_equal(rd(b, BSRR) | rd(b, BRR), 0);  // write-only
}

static void half_words_and_bytes_set_and_reset(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  bus_mmio_write(bus, BASE + BSRR, 2, 0x1234);
  assert_int_equal(rd(b, ODR), 0x1234);
  bus_mmio_write(bus, BASE + BSRR + 2, 2, 0x0230);
  assert_int_equal(rd(b, ODR), 0x1004);
  bus_mmio_write(bus, BASE + ODR + 1, 1, 0xEE);
  assert_int_equal(rd(b, ODR), 0xEE04);
  bus_mmio_write(bus, BASE + AFRL + 3, 1, 0x97);
  assert_int_equal(rd(b, AFRL), 0x97000000);
  expect_none(&b->chip);
}

static void each_write_is_told(void **state) {
  struct bench *b = *state;
  wr(b, MODER, 1);
  wr(b, BSRR, 1);
  assert_int_equal(b->outputs, 2);
  rd(b, IDR);
  assert_int_equal(b->outputs, 2);
}

// --- how a pin is set up
// ----------------------------------------------------------------

static void a_pin_tells_its_setup(void **state) {
  struct bench *b = *state;
  wr(b, MODER, 2u << 22);
  wr(b, OSPEEDR, 3u << 22);
  wr(b, OTYPER, BIT(11));
  wr(b, AFRH, 10u << 12);
  wr(b, AFRL, 7u << 20);
  const struct gpio_pin_state pin = gpio_pin(&b->port, 11);
  assert_true(pin.clocked && pin.open_drain);
  assert_int_equal(pin.mode, GPIO_ALTERNATE);
  assert_int_equal(pin.speed, 3);
  assert_int_equal(pin.alternate, 10);
  assert_int_equal(gpio_pin(&b->port, 5).alternate, 7);
  assert_int_equal(gpio_pin(&b->port, 10).mode, GPIO_INPUT);
}

static void a_pin_knows_whether_its_port_is_clocked(void **state) {
  struct bench *b = *state;
  b->chip.sim.bus.gate = gate;
  b->chip.sim.bus.gate_ctx = b;
  assert_false(gpio_pin(&b->port, 0).clocked);
  b->clocked = true;
  assert_true(gpio_pin(&b->port, 0).clocked);
}

// --- the lock
// --------------------------------------------------------------------------

static void lock(struct bench *b, uint32_t pins) {
  wr(b, LCKR, LCKK | pins);
  wr(b, LCKR, pins);
  wr(b, LCKR, LCKK | pins);
}

// Register and bits per pin; pins 0 and 9 are locked.
static const struct {
  uint32_t reg, frozen;
} frozen[] = {
    {MODER, 3u << 18 | 3u},
    {OTYPER, BIT(9) | BIT(0)},
    {OSPEEDR, 3u << 18 | 3u},
    {PUPDR, 3u << 18 | 3u},
    {AFRL, 0xF},
    {AFRH, 0xF0},
};

static void locked_pins_keep_their_setup(void **state) {
  struct bench *b = *state;
  lock(b, BIT(9) | BIT(0));
  assert_int_equal(rd(b, LCKR), LCKK | BIT(9) | BIT(0));
  for (size_t i = 0; i < sizeof frozen / sizeof *frozen; i++) {
    const uint32_t all = frozen[i].reg == OTYPER ? 0xFFFF : ALL;
    wr(b, frozen[i].reg, all);
    assert_int_equal(rd(b, frozen[i].reg), all & ~frozen[i].frozen);
  }
  wr(b, ODR, 0xFFFF);  // the output itself is not configuration
  assert_int_equal(rd(b, ODR), 0xFFFF);
  lock(b, 0);  // only a reset ends it
  assert_int_equal(rd(b, LCKR), LCKK | BIT(9) | BIT(0));
  gpio_reset(&b->port);
  wr(b, MODER, ALL);
  assert_int_equal(rd(b, MODER), ALL);
}

// Writes of LCKR that are not the sequence 1, 0, 1 with the same pins.
static const uint32_t wrong_sequences[][4] = {
    {LCKK | 1, LCKK | 1, LCKK | 1, 1},
    {LCKK | 1, 1, 1, LCKK | 1},
    {LCKK | 1, 3, LCKK | 1, 0},
    {LCKK | 1, 1, LCKK | 3, 0},
    {1, 1, LCKK | 1, 1},
};

static void a_wrong_sequence_locks_nothing(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof wrong_sequences / sizeof *wrong_sequences; i++) {
    gpio_reset(&b->port);
    for (size_t k = 0; k < 4; k++)
      wr(b, LCKR, wrong_sequences[i][k]);
    if (rd(b, LCKR) & LCKK) fail_msg("sequence %zu locks", i);
    wr(b, MODER, 3);
    assert_int_equal(rd(b, MODER), 3);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(ports_a_and_b_begin_with_the_debug_pins),
      TEST(every_way_to_drive_every_pin),
      TEST(pins_do_not_disturb_each_other),
      TEST(set_wins_over_reset),
      TEST(half_words_and_bytes_set_and_reset),
      TEST(each_write_is_told),
      TEST(a_pin_tells_its_setup),
      TEST(a_pin_knows_whether_its_port_is_clocked),
      TEST(locked_pins_keep_their_setup),
      TEST(a_wrong_sequence_locks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
