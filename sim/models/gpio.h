// SPDX-License-Identifier: MIT
// One GPIO port (RM0410 chapter 6): mode, alternate function, speed, pulls,
// output type, lock; and what each pin's level is, given what drives it outside.
#pragma once

#include "sim/core/sim.h"

enum gpio_mode { GPIO_INPUT, GPIO_OUTPUT, GPIO_ALTERNATE, GPIO_ANALOG };

// How a pin is set up, for rules about buses.
struct gpio_pin_state {
  bool clocked;  // the port's clock gate is open
  enum gpio_mode mode;
  unsigned alternate;  // AF number
  unsigned speed;      // OSPEEDR: 0 low to 3 very high
  bool open_drain;
};

struct gpio {
  struct sim *sim;
  struct reg_file regs;
  char letter;
  uint32_t gate;
  uint32_t moder, otyper, ospeedr, pupdr, odr, afr[2], lckr;
  unsigned lock_step;
  uint16_t driven, driven_high;  // from outside the chip
  void (*on_output)(void *ctx, const struct gpio *g);
  void (*on_levels)(void *ctx, const struct gpio *g);  // a level may have changed
  void *on_levels_ctx;
  void *ctx;
};

// `block` carries the port's reset values (ports A and B differ).
void gpio_init(struct gpio *g, struct sim *sim, const struct reg_block *block,
               char letter, uint32_t base, uint32_t gate);
void gpio_free(struct gpio *g);
void gpio_reset(struct gpio *g);

uint32_t gpio_read(void *gpio, uint32_t offset, unsigned bytes);
void gpio_write(void *gpio, uint32_t offset, unsigned bytes, uint32_t value);

// The outside drives a pin, or lets go of it.
void gpio_drive(struct gpio *g, unsigned pin, bool high);
void gpio_release(struct gpio *g, unsigned pin);

// Level of each pin, as IDR shows it.
uint16_t gpio_levels(const struct gpio *g);

struct gpio_pin_state gpio_pin(const struct gpio *g, unsigned pin);
