// SPDX-License-Identifier: MIT
#include "sim/models/exti.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0x01FFFFFFu

static const struct reg_model models[] = {{SIM_EXTI_IMR, ALL, 0, 6, 4}};

// Lines 0 to 4, 5 to 9, 10 to 15, then 16 to 24 one by one.
const uint8_t exti_irq_numbers[EXTI_IRQS] = {6,  7,  8,  9,  10, 23, 40, 1,
                                             41, 42, 62, 76, 2,  3,  93, 109};

static const uint32_t irq_lines[EXTI_IRQS] = {
    1u << 0,     1u << 1,  1u << 2,  1u << 3,  1u << 4,  0x1Fu << 5,
    0x3Fu << 10, 1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20,
    1u << 21,    1u << 22, 1u << 23, 1u << 24};

static void update_irqs(const struct exti *e) {
  for (unsigned i = 0; i < EXTI_IRQS; i++)
    irq_set(&e->irq[i], e->pr & e->imr & irq_lines[i]);
}

static void pulse(struct exti *e, uint32_t lines) {
  if (!e->on_event) return;
  for (uint32_t bits = lines & e->emr; bits; bits &= bits - 1)
    e->on_event(e->ctx, (unsigned)__builtin_ctz(bits));
}

// What a line's level becomes; an edge that its trigger waits for is remembered in PR
// whatever IMR says (RM0410 figure 29: the mask comes after the pending register).
static void follow(struct exti *e, uint32_t lines, uint32_t levels) {
  const uint32_t rising = lines & levels & ~e->level & e->rtsr;
  const uint32_t falling = lines & ~levels & e->level & e->ftsr;
  e->level = (e->level & ~lines) | (levels & lines);
  if (!(rising | falling)) return;
  e->pr |= rising | falling;
  pulse(e, rising | falling);
  update_irqs(e);
}

void exti_set_line(struct exti *e, unsigned line, bool level) {
  follow(e, 1u << line, (uint32_t)level << line);
}

static uint32_t lines_of_port(const struct exti *e, unsigned port) {
  uint32_t lines = 0;
  for (unsigned i = 0; i < EXTI_PINS; i++)
    if (e->port[i] == port) lines |= 1u << i;
  return lines;
}

void exti_port_changed(struct exti *e, unsigned port) {
  const uint32_t lines = lines_of_port(e, port) & (e->rtsr | e->ftsr);
  if (lines && e->pins) follow(e, lines, e->pins(e->ctx, port));
}

// Detectors that were off have not looked: takes in what the pins are now.
static void look_at_pins(struct exti *e) {
  for (unsigned i = 0; i < EXTI_PINS && e->pins; i++)
    follow(e, 1u << i, e->pins(e->ctx, e->port[i]));
}

void exti_route(struct exti *e, unsigned n, uint32_t exticr) {
  for (unsigned i = 0; i < 4; i++)
    e->port[4 * n + i] = (exticr >> (4 * i)) & 0xFu;
  look_at_pins(e);
}

// RM0410 11.9.5: a 0 to 1 change of SWIER pends the line if its interrupt is enabled,
// and gives its event; clearing PR clears the bit.
static void trigger(struct exti *e, uint32_t value) {
  const uint32_t rising = value & ~e->swier;
  e->swier = value;
  e->pr |= rising & e->imr;
  pulse(e, rising);
}

static uint32_t *reg(struct exti *e, uint32_t offset) {
  uint32_t *const regs[] = {&e->imr, &e->emr, &e->rtsr, &e->ftsr, &e->swier, &e->pr};
  return regs[offset / 4];
}

uint32_t exti_read(void *exti, uint32_t offset, unsigned bytes) {
  struct exti *e = exti;
  if (!reg_check_read(&e->regs, offset)) return 0;
  return reg_extract(*reg(e, offset), offset, bytes);
}

void exti_write(void *exti, uint32_t offset, unsigned bytes, uint32_t value) {
  struct exti *e = exti;
  if (!reg_check_write(&e->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t v = reg_update(&e->regs, *reg(e, word), offset, bytes, value);
  switch (word) {
    case SIM_EXTI_SWIER: trigger(e, v); break;
    case SIM_EXTI_PR: {
      // Only the bytes written clear anything.
      const uint32_t cleared = reg_merge(0, offset, bytes, value);
      e->pr &= ~cleared;
      e->swier &= ~cleared;
      break;
    }
    case SIM_EXTI_RTSR:
    case SIM_EXTI_FTSR:
      look_at_pins(e);
      *reg(e, word) = v;
      break;
    default: *reg(e, word) = v;
  }
  update_irqs(e);
}

void exti_reset(struct exti *e) {
  e->imr = e->emr = e->rtsr = e->ftsr = e->swier = e->pr = 0;
  memset(e->port, 0, sizeof e->port);
  update_irqs(e);
}

void exti_init(struct exti *e, struct sim *sim) {
  memset(e, 0, sizeof *e);
  e->sim = sim;
  reg_file_init(&e->regs, &sim_regs_exti, 0x40013C00u, models,
                sizeof models / sizeof *models, &sim->report);
}

void exti_free(struct exti *e) {
  reg_file_free(&e->regs);
}
