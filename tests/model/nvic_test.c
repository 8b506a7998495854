// SPDX-License-Identifier: MIT
// Which exception is taken next: priorities, grouping, masks, level-sensitive wires
// (ARMv7-M ARM B1.5, B3.4).
#include "sim/models/nvic.h"

#include <stdio.h>

#include "tests/model/chip_rig.h"

enum {
  NMI = 2,
  HARD = 3,
  MEM = 4,
  BUS = 5,
  USAGE = 6,
  SVC = 11,
  PENDSV = 14,
  TICK = 15
};
#define IRQ(n) (16u + (n))

struct bench {
  struct nvic nvic;
  unsigned changes;
};

static void on_change(void *ctx) {
  ((struct bench *)ctx)->changes++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  b.nvic.on_change = on_change;
  b.nvic.on_change_ctx = &b;
  nvic_reset(&b.nvic);
  *state = &b;
  return 0;
}

static void enable(struct bench *b, unsigned irq, uint8_t priority) {
  b->nvic.enabled[irq / 32] |= 1u << irq % 32;
  b->nvic.priority[irq] = priority;
}

static unsigned next(struct bench *b) {
  return nvic_select(&b->nvic, &(struct nvic_masks){0}, NULL);
}

static unsigned next_masked(struct bench *b, struct nvic_masks masks, bool *held) {
  return nvic_select(&b->nvic, &masks, held);
}

// --- which one
// ------------------------------------------------------------------------

static void every_interrupt_can_be_taken(void **state) {
  struct bench *b = *state;
  for (unsigned irq = 0; irq < 110; irq++) {
    nvic_pend(&b->nvic, IRQ(irq));
    assert_int_equal(next(b), 0);  // not enabled
    enable(b, irq, 0x80);
    assert_true(nvic_is_pending(&b->nvic, IRQ(irq)));
    assert_int_equal(next(b), IRQ(irq));
    nvic_enter(&b->nvic, IRQ(irq));
    assert_true(nvic_is_active(&b->nvic, IRQ(irq)));
    assert_false(nvic_is_pending(&b->nvic, IRQ(irq)));
    assert_int_equal(next(b), 0);
    nvic_leave(&b->nvic, IRQ(irq));
    assert_false(nvic_is_active(&b->nvic, IRQ(irq)));
  }
}

// Pended together; the letters are the order in which they are taken to their ends.
static const struct {
  const char *what;
  struct {
    unsigned exception;
    uint8_t priority;
  } pended[4];
  unsigned order[4];
} orders[] = {
    {"lower number first",
     {{IRQ(9), 64}, {IRQ(3), 32}, {IRQ(70), 0}},
     {IRQ(70), IRQ(3), IRQ(9)}},
    {"equal priorities by number",
     {{IRQ(9), 64}, {IRQ(3), 64}, {TICK, 64}},
     {TICK, IRQ(3), IRQ(9)}},
    {"fixed ones before all",
     {{IRQ(0), 0}, {HARD, 0}, {NMI, 0}, {SVC, 0}},
     {NMI, HARD, SVC, IRQ(0)}},
    {"system ones have priorities too",
     {{PENDSV, 240}, {TICK, 224}, {IRQ(1), 16}},
     {IRQ(1), TICK, PENDSV}},
    {"faults", {{USAGE, 32}, {BUS, 16}, {MEM, 48}}, {BUS, USAGE, MEM}},
};

static void set_priority(struct bench *b, unsigned exception, uint8_t priority) {
  if (exception >= 16) {
    enable(b, exception - 16, priority);
  } else {
    b->nvic.system_priority[exception] = priority;
  }
}

static void the_order_of_several(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    nvic_reset(&b->nvic);
    for (size_t k = 0; k < 4 && orders[i].pended[k].exception; k++) {
      set_priority(b, orders[i].pended[k].exception, orders[i].pended[k].priority);
      nvic_pend(&b->nvic, orders[i].pended[k].exception);
    }
    for (size_t k = 0; k < 4 && orders[i].order[k]; k++) {
      assert_int_equal(nvic_highest_pending(&b->nvic), orders[i].order[k]);
      if (next(b) != orders[i].order[k]) fail_msg("%s: step %zu", orders[i].what, k);
      nvic_enter(&b->nvic, orders[i].order[k]);
      nvic_leave(&b->nvic, orders[i].order[k]);
    }
    assert_int_equal(next(b), 0);
  }
}

static void only_a_higher_priority_preempts(void **state) {
  struct bench *b = *state;
  enable(b, 5, 0x40);
  enable(b, 6, 0x40);
  enable(b, 7, 0x30);
  assert_int_equal(nvic_active_priority(&b->nvic), 256);
  nvic_enter(&b->nvic, IRQ(5));
  assert_int_equal(nvic_active_priority(&b->nvic), 0x40);
  nvic_pend(&b->nvic, IRQ(6));
  assert_int_equal(next(b), 0);
  assert_int_equal(nvic_highest_pending(&b->nvic), IRQ(6));
  nvic_pend(&b->nvic, IRQ(7));
  assert_int_equal(next(b), IRQ(7));
  nvic_enter(&b->nvic, IRQ(7));
  assert_int_equal(nvic_active_priority(&b->nvic), 0x30);
  nvic_pend(&b->nvic, IRQ(5));  // active and pending at once
  assert_int_equal(next(b), 0);
  nvic_leave(&b->nvic, IRQ(7));
  nvic_leave(&b->nvic, IRQ(5));
  assert_int_equal(next(b), IRQ(5));
}

// --- grouping
// --------------------------------------------------------------------------

// PRIGROUP n: bits 7 to n + 1 are the group; four bits of priority exist.
static void only_the_group_preempts(void **state) {
  struct bench *b = *state;
  for (uint8_t prigroup = 0; prigroup < 8; prigroup++) {
    for (unsigned bit = 4; bit < 8; bit++) {
      nvic_reset(&b->nvic);
      b->nvic.prigroup = prigroup;
      enable(b, 1, (uint8_t)(1u << bit));
      enable(b, 2, 0);
      nvic_enter(&b->nvic, IRQ(1));
      nvic_pend(&b->nvic, IRQ(2));
      const bool group = bit > prigroup;
      if ((next(b) != 0) != group) fail_msg("PRIGROUP %u, bit %u", prigroup, bit);
    }
  }
}

static void the_subpriority_orders_what_waits(void **state) {
  struct bench *b = *state;
  b->nvic.prigroup = 6;  // one bit of group
  enable(b, 1, 0x70);
  enable(b, 2, 0x10);
  nvic_pend(&b->nvic, IRQ(1));
  nvic_pend(&b->nvic, IRQ(2));
  assert_int_equal(next(b), IRQ(2));
  nvic_enter(&b->nvic, IRQ(2));
  assert_int_equal(next(b), 0);  // same group
}

static void the_fixed_priorities_have_no_groups(void **state) {
  struct bench *b = *state;
  b->nvic.prigroup = 7;
  nvic_enter(&b->nvic, HARD);
  assert_int_equal(nvic_active_priority(&b->nvic), -1);
  nvic_pend(&b->nvic, NMI);
  assert_int_equal(next(b), NMI);
  nvic_enter(&b->nvic, NMI);
  assert_int_equal(nvic_active_priority(&b->nvic), -2);
  nvic_pend(&b->nvic, HARD);
  assert_int_equal(next(b), 0);
}

// --- masks
// -------------------------------------------------------------------------------

static const struct {
  struct nvic_masks masks;
  unsigned exception;
  uint8_t priority;
  bool taken, held, wakes;
} mask_cases[] = {
    {{false, false, 0}, IRQ(1), 0x40, true, false, true},
    {{true, false, 0}, IRQ(1), 0x40, false, true, true},
    {{true, false, 0}, IRQ(1), 0x00, false, true, true},
    {{true, false, 0}, HARD, 0, true, false, true},
    {{true, false, 0}, NMI, 0, true, false, true},
    {{false, true, 0}, HARD, 0, false, true, false},
    {{false, true, 0}, NMI, 0, true, false, true},
    {{false, true, 0}, IRQ(1), 0x00, false, true, false},
    {{false, false, 0x40}, IRQ(1), 0x30, true, false, true},
    {{false, false, 0x40}, IRQ(1), 0x40, false, true, false},
    {{false, false, 0x40}, IRQ(1), 0x50, false, true, false},
    {{false, false, 0x40}, HARD, 0, true, false, true},
    {{true, false, 0x40}, IRQ(1), 0x30, false, true, true},
    {{true, false, 0x40}, IRQ(1), 0x50, false, true, false},
    {{true, true, 0x40}, IRQ(1), 0x30, false, true, false},
};

static void what_the_masks_let_through(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof mask_cases / sizeof *mask_cases; i++) {
    nvic_reset(&b->nvic);
    set_priority(b, mask_cases[i].exception, mask_cases[i].priority);
    nvic_pend(&b->nvic, mask_cases[i].exception);
    bool held;
    const bool taken = next_masked(b, mask_cases[i].masks, &held) != 0;
    const bool wakes = nvic_wakes(&b->nvic, &mask_cases[i].masks);
    if (taken != mask_cases[i].taken || held != mask_cases[i].held ||
        wakes != mask_cases[i].wakes) {
      fail_msg("row %zu: taken %d, held %d, wakes %d", i, taken, held, wakes);
    }
  }
}

static void basepri_masks_by_group(void **state) {
  struct bench *b = *state;
  b->nvic.prigroup = 5;  // groups of 0x40
  enable(b, 1, 0x50);
  nvic_pend(&b->nvic, IRQ(1));
  assert_int_equal(next_masked(b, (struct nvic_masks){.basepri = 0x70}, NULL), 0);
  assert_int_equal(next_masked(b, (struct nvic_masks){.basepri = 0x80}, NULL), IRQ(1));
}

static void nothing_pending_is_not_held(void **state) {
  struct bench *b = *state;
  bool held = true;
  assert_int_equal(next_masked(b, (struct nvic_masks){.primask = true}, &held), 0);
  assert_false(held);
  nvic_pend(&b->nvic, IRQ(1));  // disabled
  assert_int_equal(next_masked(b, (struct nvic_masks){.primask = true}, &held), 0);
  assert_false(held);
  assert_false(nvic_wakes(&b->nvic, &(struct nvic_masks){.primask = true}));
}

static void behind_an_active_one_it_is_neither_held_nor_wakes(void **state) {
  struct bench *b = *state;
  enable(b, 1, 0x40);
  enable(b, 2, 0x40);
  nvic_enter(&b->nvic, IRQ(1));
  nvic_pend(&b->nvic, IRQ(2));
  bool held = true;
  assert_int_equal(next_masked(b, (struct nvic_masks){.primask = true}, &held), 0);
  assert_false(held);
  assert_false(nvic_wakes(&b->nvic, &(struct nvic_masks){.primask = true}));
}

// A synchronous fault that cannot be taken at once escalates (B1.5.10).
static const struct {
  struct nvic_masks masks;
  unsigned active;
  uint8_t priority;  // of the fault; the active one has 0x40
  bool can;
} preempts[] = {
    {{false, false, 0}, 0, 0x80, true},       {{false, false, 0}, IRQ(1), 0x30, true},
    {{false, false, 0}, IRQ(1), 0x40, false}, {{true, false, 0}, 0, 0x00, false},
    {{false, false, 0x20}, 0, 0x10, true},    {{false, false, 0x20}, 0, 0x20, false},
    {{false, true, 0}, 0, 0x00, false},       {{false, false, 0}, HARD, 0x00, false},
};

static void faults_that_can_be_taken_at_once(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof preempts / sizeof *preempts; i++) {
    nvic_reset(&b->nvic);
    enable(b, 1, 0x40);
    b->nvic.system_priority[BUS] = preempts[i].priority;
    if (preempts[i].active) nvic_enter(&b->nvic, preempts[i].active);
    if (nvic_can_preempt(&b->nvic, &preempts[i].masks, BUS) != preempts[i].can) {
      fail_msg("row %zu", i);
    }
  }
}

// --- wires
// -------------------------------------------------------------------------------

static void a_high_wire_pends_again_after_the_handler(void **state) {
  struct bench *b = *state;
  enable(b, 40, 0);
  nvic_set_level(&b->nvic, 40, true);
  assert_int_equal(next(b), IRQ(40));
  nvic_enter(&b->nvic, IRQ(40));
  assert_false(nvic_is_pending(&b->nvic, IRQ(40)));  // not while it is served
  nvic_leave(&b->nvic, IRQ(40));
  assert_int_equal(next(b), IRQ(40));
  nvic_enter(&b->nvic, IRQ(40));
  nvic_set_level(&b->nvic, 40, false);
  nvic_leave(&b->nvic, IRQ(40));
  assert_int_equal(next(b), 0);
}

static void a_pulse_is_remembered(void **state) {
  struct bench *b = *state;
  enable(b, 40, 0);
  nvic_set_level(&b->nvic, 40, true);
  nvic_set_level(&b->nvic, 40, false);
  assert_int_equal(next(b), IRQ(40));
  nvic_enter(&b->nvic, IRQ(40));
  nvic_set_level(&b->nvic, 40, true);  // a second one while the first is served
  nvic_set_level(&b->nvic, 40, false);
  nvic_leave(&b->nvic, IRQ(40));
  assert_int_equal(next(b), IRQ(40));
}

static void clearing_a_high_wire_does_not_help(void **state) {
  struct bench *b = *state;
  enable(b, 40, 0);
  nvic_set_level(&b->nvic, 40, true);
  nvic_unpend(&b->nvic, IRQ(40));
  assert_int_equal(next(b), IRQ(40));
  nvic_set_level(&b->nvic, 40, false);
  nvic_unpend(&b->nvic, IRQ(40));
  assert_int_equal(next(b), 0);
}

static void clearing_while_it_is_served_does(void **state) {
  struct bench *b = *state;
  enable(b, 40, 0);
  nvic_enter(&b->nvic, IRQ(40));
  nvic_pend(&b->nvic, IRQ(40));
  nvic_set_level(&b->nvic, 40, true);
  nvic_unpend(&b->nvic, IRQ(40));
  assert_false(nvic_is_pending(&b->nvic, IRQ(40)));
  nvic_leave(&b->nvic, IRQ(40));  // the wire is still high
  assert_int_equal(next(b), IRQ(40));
}

static void a_reset_sees_the_wires(void **state) {
  struct bench *b = *state;
  nvic_set_level(&b->nvic, 77, true);
  nvic_pend(&b->nvic, IRQ(3));
  nvic_pend(&b->nvic, PENDSV);
  nvic_enter(&b->nvic, IRQ(4));
  enable(b, 77, 0x20);
  nvic_reset(&b->nvic);
  assert_true(nvic_is_pending(&b->nvic, IRQ(77)));
  assert_false(nvic_is_pending(&b->nvic, IRQ(3)) || nvic_is_pending(&b->nvic, PENDSV));
  assert_int_equal(nvic_active_priority(&b->nvic), 256);
  assert_int_equal(next(b), 0);  // disabled again
}

static void every_change_is_told(void **state) {
  struct bench *b = *state;
  unsigned n = b->changes;
  nvic_set_level(&b->nvic, 1, true);
  assert_int_equal(b->changes, n + 1);
  nvic_set_level(&b->nvic, 1, true);  // no edge
  assert_int_equal(b->changes, n + 1);
  nvic_pend(&b->nvic, PENDSV);
  nvic_pend(&b->nvic, IRQ(2));
  assert_int_equal(b->changes, n + 3);
}

static void the_lines_that_exist(void **state) {
  (void)state;
  assert_int_equal(nvic_lines(0), 0xFFFFFFFF);
  assert_int_equal(nvic_lines(2), 0xFFFFFFFF);
  assert_int_equal(nvic_lines(3), 0x00003FFF);  // 96 to 109
  assert_int_equal(nvic_lines(4), 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_interrupt_can_be_taken),
      TEST(the_order_of_several),
      TEST(only_a_higher_priority_preempts),
      TEST(only_the_group_preempts),
      TEST(the_subpriority_orders_what_waits),
      TEST(the_fixed_priorities_have_no_groups),
      TEST(what_the_masks_let_through),
      TEST(basepri_masks_by_group),
      TEST(nothing_pending_is_not_held),
      TEST(behind_an_active_one_it_is_neither_held_nor_wakes),
      TEST(faults_that_can_be_taken_at_once),
      TEST(a_high_wire_pends_again_after_the_handler),
      TEST(a_pulse_is_remembered),
      TEST(clearing_a_high_wire_does_not_help),
      TEST(clearing_while_it_is_served_does),
      TEST(a_reset_sees_the_wires),
      TEST(every_change_is_told),
      TEST(the_lines_that_exist),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
