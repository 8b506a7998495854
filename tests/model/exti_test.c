// SPDX-License-Identifier: MIT
// EXTI: edges, masks, pending bits, software triggers, the wires to the NVIC. Numbers
// are typed here from RM0410 11.9 and table 46.
#include "sim/models/exti.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40013C00u
#define BIT(n) (1u << (n))
enum { IMR = 0x00, EMR = 0x04, RTSR = 0x08, FTSR = 0x0C, SWIER = 0x10, PR = 0x14 };

struct bench {
  struct chip chip;
  struct exti exti;
  uint16_t pins[11];
  bool wire[110];
  unsigned events, last_event;
};

static void on_wire(void *ctx, unsigned number, bool level) {
  ((struct bench *)ctx)->wire[number] = level;
}

static uint16_t pins(void *ctx, unsigned port) {
  return ((struct bench *)ctx)->pins[port];
}

static void on_event(void *ctx, unsigned line) {
  struct bench *b = ctx;
  b->events++;
  b->last_event = line;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  exti_init(&b.exti, &b.chip.sim);
  for (unsigned i = 0; i < EXTI_IRQS; i++)
    b.exti.irq[i] = (struct irq_line){on_wire, &b, exti_irq_numbers[i]};
  b.exti.pins = pins;
  b.exti.on_event = on_event;
  b.exti.ctx = &b;
  chip_add(&b.chip, "EXTI", BASE, 0x400, &b.exti, exti_read, exti_write);
  exti_reset(&b.exti);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  exti_free(&b->exti);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static void set_pin(struct bench *b, unsigned port, unsigned pin, bool level) {
  b->pins[port] =
      (uint16_t)(level ? b->pins[port] | BIT(pin) : b->pins[port] & ~BIT(pin));
  exti_port_changed(&b->exti, port);
}

static unsigned wires_up(const struct bench *b) {
  unsigned n = 0;
  for (unsigned i = 0; i < 110; i++)
    n += b->wire[i];
  return n;
}

#define LINES 0x01FFFFFFu
static const struct register_bits registers[] = {
    {"IMR", 0x00, 0, LINES, 0, 0, 0},   {"EMR", 0x04, 0, LINES, 0, 0, 0},
    {"RTSR", 0x08, 0, LINES, 0, 0, 0},  {"FTSR", 0x0C, 0, LINES, 0, 0, 0},
    {"SWIER", 0x10, 0, LINES, 0, 0, 0}, {"PR", 0x14, 0, 0, 0, LINES, 0},
};

static void restart(void *ctx) {
  exti_reset(&((struct bench *)ctx)->exti);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x18, &b->chip.sim, restart, b});
}

static void an_edge_pends_only_with_its_trigger(void **state) {
  struct bench *b = *state;
  static const struct {
    bool rising, falling;
    bool to_high;
    bool pends;
  } cases[] = {{0, 0, 1, 0}, {0, 0, 0, 0}, {1, 0, 1, 1}, {1, 0, 0, 0},
               {0, 1, 1, 0}, {0, 1, 0, 1}, {1, 1, 1, 1}, {1, 1, 0, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    exti_reset(&b->exti);
    set_pin(b, 0, 3, !cases[i].to_high);
    wr(b, IMR, BIT(3));
    wr(b, RTSR, cases[i].rising ? BIT(3) : 0);
    wr(b, FTSR, cases[i].falling ? BIT(3) : 0);
    assert_int_equal(rd(b, PR), 0);  // switching a detector on is no edge
    set_pin(b, 0, 3, cases[i].to_high);
    assert_int_equal(rd(b, PR), cases[i].pends ? BIT(3) : 0);
    assert_int_equal(b->wire[9], cases[i].pends);
    set_pin(b, 0, 3, cases[i].to_high);  // no change, no edge
    wr(b, PR, BIT(3));
    assert_int_equal(rd(b, PR), 0);
    assert_false(b->wire[9]);
  }
}

static void the_port_is_chosen_by_exticr(void **state) {
  struct bench *b = *state;
  exti_route(&b->exti, 3, 0x0020);  // EXTI13 to port C
  wr(b, IMR, BIT(13));
  wr(b, RTSR, BIT(13));
  set_pin(b, 0, 13, true);
  assert_int_equal(rd(b, PR), 0);
  set_pin(b, 2, 12, true);
  assert_int_equal(rd(b, PR), 0);
  set_pin(b, 2, 13, true);
  assert_int_equal(rd(b, PR), BIT(13));
  assert_true(b->wire[40]);
}

// RM0410 table 46.
static const uint8_t irqs[25] = {6,  7,  8,  9, 10, 23, 23, 23, 23, 23, 40, 40, 40,
                                 40, 40, 40, 1, 41, 42, 62, 76, 2,  3,  93, 109};

static void every_line_has_its_interrupt(void **state) {
  struct bench *b = *state;
  wr(b, IMR, LINES);
  wr(b, RTSR, LINES);
  for (unsigned line = 0; line < 25; line++) {
    if (line < 16) {
      set_pin(b, 0, line, true);
    } else {
      exti_set_line(&b->exti, line, true);
    }
    assert_int_equal(rd(b, PR), BIT(line));
    assert_true(b->wire[irqs[line]]);
    assert_int_equal(wires_up(b), 1);
    wr(b, PR, BIT(line));
    assert_int_equal(wires_up(b), 0);
  }
}

static void the_mask_holds_the_interrupt_back(void **state) {
  struct bench *b = *state;
  wr(b, RTSR, BIT(0));
  set_pin(b, 0, 0, true);
  assert_int_equal(rd(b, PR), BIT(0));
  assert_int_equal(wires_up(b), 0);
  wr(b, IMR, BIT(0));
  assert_true(b->wire[6]);
}

static void one_of_a_group_keeps_the_wire_up(void **state) {
  struct bench *b = *state;
  wr(b, IMR, BIT(5) | BIT(9));
  wr(b, RTSR, BIT(5) | BIT(9));
  set_pin(b, 0, 5, true);
  set_pin(b, 0, 9, true);
  wr(b, PR, BIT(5));
  assert_true(b->wire[23]);
  wr(b, PR, BIT(9));
  assert_false(b->wire[23]);
}

static void events_pulse_once_and_only_unmasked(void **state) {
  struct bench *b = *state;
  wr(b, RTSR, BIT(2) | BIT(4));
  wr(b, EMR, BIT(4));
  set_pin(b, 0, 2, true);
  assert_int_equal(b->events, 0);
  set_pin(b, 0, 4, true);
  assert_int_equal(b->events, 1);
  assert_int_equal(b->last_event, 4);
  wr(b, SWIER, BIT(4));
  assert_int_equal(b->events, 2);
}

static void software_triggers_an_enabled_line(void **state) {
  struct bench *b = *state;
  wr(b, SWIER, BIT(1));
  assert_int_equal(rd(b, PR), 0);
  wr(b, SWIER, 0);
  wr(b, IMR, BIT(1));
  wr(b, SWIER, BIT(1));
  assert_int_equal(rd(b, PR), BIT(1));
  assert_true(b->wire[7]);
  wr(b, PR, BIT(1));
  assert_int_equal(rd(b, SWIER), 0);  // cleared with it
  wr(b, SWIER, BIT(1));
  assert_true(b->wire[7]);
}

static void a_byte_written_to_pr_clears_its_own_lines(void **state) {
  struct bench *b = *state;
  wr(b, IMR, BIT(0) | BIT(8));
  wr(b, SWIER, BIT(0) | BIT(8));
  bus_mmio_write(&b->chip.sim.bus, BASE + PR + 1, 1, 0xFF);
  assert_int_equal(rd(b, PR), BIT(0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(an_edge_pends_only_with_its_trigger),
      TEST(the_port_is_chosen_by_exticr),
      TEST(every_line_has_its_interrupt),
      TEST(the_mask_holds_the_interrupt_back),
      TEST(one_of_a_group_keeps_the_wire_up),
      TEST(events_pulse_once_and_only_unmasked),
      TEST(software_triggers_an_enabled_line),
      TEST(a_byte_written_to_pr_clears_its_own_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
