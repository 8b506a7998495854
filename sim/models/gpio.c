// SPDX-License-Identifier: MIT
#include "sim/models/gpio.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

static const struct reg_model models[] = {{SIM_GPIO_MODER, ALL, 0, 11, 4}};

static unsigned two_bits(uint32_t word, unsigned pin) {
  return (word >> (2 * pin)) & 3u;
}

struct gpio_pin_state gpio_pin(const struct gpio *g, unsigned pin) {
  return (struct gpio_pin_state){
      .clocked = !g->sim->bus.gate ||
                 g->sim->bus.gate(g->sim->bus.gate_ctx, g->gate) == GATE_OPEN,
      .mode = (enum gpio_mode)two_bits(g->moder, pin),
      .alternate = (g->afr[pin / 8] >> (4 * (pin % 8))) & 0xFu,
      .speed = two_bits(g->ospeedr, pin),
      .open_drain = (g->otyper >> pin) & 1u,
  };
}

static bool pin_level(const struct gpio *g, unsigned pin) {
  const uint32_t bit = 1u << pin;
  const enum gpio_mode mode = (enum gpio_mode)two_bits(g->moder, pin);
  if (mode == GPIO_ANALOG) return false;  // the Schmitt trigger is off
  const bool output = mode == GPIO_OUTPUT;
  const bool pulls_low = output && !(g->odr & bit);
  const bool pushes_high = output && (g->odr & bit) && !(g->otyper & bit);
  if (pulls_low) return false;
  if (pushes_high) return true;
  if (g->driven & bit) return g->driven_high & bit;
  return two_bits(g->pupdr, pin) == 1;  // pull-up; otherwise low or floating
}

uint16_t gpio_levels(const struct gpio *g) {
  uint16_t levels = 0;
  for (unsigned pin = 0; pin < 16; pin++) {
    if (pin_level(g, pin)) levels |= (uint16_t)(1u << pin);
  }
  return levels;
}

static void levels_changed(struct gpio *g) {
  if (g->on_levels) g->on_levels(g->on_levels_ctx, g);
}

void gpio_drive(struct gpio *g, unsigned pin, bool high) {
  const uint16_t bit = (uint16_t)(1u << pin);
  g->driven |= bit;
  g->driven_high = (uint16_t)(high ? g->driven_high | bit : g->driven_high & ~bit);
  levels_changed(g);
}

void gpio_release(struct gpio *g, unsigned pin) {
  g->driven &= (uint16_t) ~(1u << pin);
  levels_changed(g);
}

static void output_changed(struct gpio *g) {
  if (g->on_output) g->on_output(g->ctx, g);
  levels_changed(g);
}

// RM0410 6.4.8: LCKK written 1, 0, 1 with the same pins, then one read.
static void write_lock(struct gpio *g, uint32_t value) {
  const bool key = value & SIM_GPIO_LCKR_LCKK;
  const uint32_t pins = value & 0xFFFFu;
  if (g->lckr & SIM_GPIO_LCKR_LCKK) return;
  const bool same = pins == (g->lckr & 0xFFFFu);
  if (key && g->lock_step == 0) {
    g->lckr = pins;
    g->lock_step = 1;
  } else if (!key && g->lock_step == 1 && same) {
    g->lock_step = 2;
  } else if (key && g->lock_step == 2 && same) {
    g->lckr |= SIM_GPIO_LCKR_LCKK;
  } else {
    g->lock_step = 0;
  }
}

// Pins that LCKR froze keep their configuration.
static uint32_t locked_bits(const struct gpio *g, unsigned bits_per_pin,
                            unsigned first) {
  if (!(g->lckr & SIM_GPIO_LCKR_LCKK)) return 0;
  uint32_t mask = 0;
  const unsigned pins = 32 / bits_per_pin < 16 ? 32 / bits_per_pin : 16;
  for (unsigned i = 0; i < pins; i++) {
    if ((g->lckr >> (first + i)) & 1u) {
      mask |= ((1u << bits_per_pin) - 1u) << (i * bits_per_pin);
    }
  }
  return mask;
}

static void configure(const struct gpio *g, uint32_t *reg, uint32_t value,
                      unsigned bits_per_pin, unsigned first) {
  const uint32_t frozen = locked_bits(g, bits_per_pin, first);
  if ((*reg ^ value) & frozen) {
    report_guest(&g->sim->report, GUEST_DROPPED_WRITE, g->regs.base,
                 "set-up of pins that LCKR has locked written");
  }
  *reg = (*reg & frozen) | (value & ~frozen);
}

static uint32_t read_word(const struct gpio *g, uint32_t word) {
  switch (word) {
    case SIM_GPIO_MODER: return g->moder;
    case SIM_GPIO_OTYPER: return g->otyper;
    case SIM_GPIO_OSPEEDR: return g->ospeedr;
    case SIM_GPIO_PUPDR: return g->pupdr;
    case SIM_GPIO_IDR: return gpio_levels(g);
    case SIM_GPIO_ODR: return g->odr;
    case SIM_GPIO_LCKR: return g->lckr;
    case SIM_GPIO_AFRL: return g->afr[0];
    case SIM_GPIO_AFRH: return g->afr[1];
    default: return 0;  // BSRR and BRR are write-only
  }
}

uint32_t gpio_read(void *gpio, uint32_t offset, unsigned bytes) {
  const struct gpio *g = gpio;
  if (!reg_check_read(&g->regs, offset)) return 0;
  return reg_extract(read_word(g, offset & ~3u), offset, bytes);
}

void gpio_write(void *gpio, uint32_t offset, unsigned bytes, uint32_t value) {
  struct gpio *g = gpio;
  if (!reg_check_write(&g->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t v = reg_update(&g->regs, read_word(g, word), offset, bytes, value);
  switch (word) {
    case SIM_GPIO_MODER: configure(g, &g->moder, v, 2, 0); break;
    case SIM_GPIO_OTYPER: configure(g, &g->otyper, v, 1, 0); break;
    case SIM_GPIO_OSPEEDR: configure(g, &g->ospeedr, v, 2, 0); break;
    case SIM_GPIO_PUPDR: configure(g, &g->pupdr, v, 2, 0); break;
    case SIM_GPIO_ODR: g->odr = v; break;
    // Set wins over reset (RM0410 6.4.7).
    case SIM_GPIO_BSRR: g->odr = (g->odr & ~(v >> 16)) | (v & 0xFFFFu); break;
    case SIM_GPIO_BRR: g->odr &= ~v; break;
    case SIM_GPIO_LCKR: write_lock(g, v); break;
    case SIM_GPIO_AFRL: configure(g, &g->afr[0], v, 4, 0); break;
    case SIM_GPIO_AFRH: configure(g, &g->afr[1], v, 4, 8); break;
    default: break;
  }
  output_changed(g);
}

static uint32_t reset_value(const struct gpio *g, uint32_t offset) {
  const struct reg_desc *d = reg_at(&g->regs, offset);
  return d ? d->reset : 0;
}

void gpio_reset(struct gpio *g) {
  g->moder = reset_value(g, SIM_GPIO_MODER);
  g->ospeedr = reset_value(g, SIM_GPIO_OSPEEDR);
  g->pupdr = reset_value(g, SIM_GPIO_PUPDR);
  g->otyper = g->odr = g->afr[0] = g->afr[1] = g->lckr = 0;
  g->lock_step = 0;
  output_changed(g);
}

void gpio_init(struct gpio *g, struct sim *sim, const struct reg_block *block,
               char letter, uint32_t base, uint32_t gate) {
  memset(g, 0, sizeof *g);
  g->sim = sim;
  g->letter = letter;
  g->gate = gate;
  reg_file_init(&g->regs, block, base, models, sizeof models / sizeof *models,
                &sim->report);
}

void gpio_free(struct gpio *g) {
  reg_file_free(&g->regs);
}
