// SPDX-License-Identifier: MIT
// Timers TIM1 to TIM14 (RM0410 chapters 25 to 28): counting up, down and both ways,
// prescaler, reload and compare with their preload registers, update and compare
// flags and interrupts, one-pulse mode, the repetition counter. Outputs, break and
// trigger outputs are only kept; capture, slave modes and DMA are reported.
//
// Between accesses nothing happens: the count follows from the time. An event is armed
// only for a flag that is to raise an interrupt.
#pragma once

#include "sim/core/sim.h"

enum { TIM_CHANNELS = 6, TIM_WORDS = 0x68 / 4 };

// Which of a timer's flags drive a wire, for TIM1 and TIM8, which have four.
enum tim_wire { TIM_WIRE_UPDATE, TIM_WIRE_COMPARE, TIM_WIRE_TRIGGER, TIM_WIRES };

struct tim_config {
  const struct reg_block *block;
  unsigned channels;
  bool wide;       // 32 bits
  bool both_ways;  // DIR and CMS
};

extern const struct tim_config tim_advanced, tim_general_32, tim_general_16,
    tim_two_channels, tim_one_channel, tim_basic;

struct tim {
  struct sim *sim;
  struct reg_file regs;
  const struct tim_config *config;
  struct clock_source clocks;
  enum clock_id clock;
  uint32_t r[TIM_WORDS];  // as written: what the preload registers hold
  // What counts at the moment.
  uint32_t psc, arr, repetitions, ccr[TIM_CHANNELS];
  uint32_t cnt;
  bool down;
  uint64_t hz;     // 0: stands still
  vtime_t anchor;  // `clocks_done` clocks of `hz` after this the count was `cnt`
  uint64_t clocks_done;
  struct event due;
  // A timer with one interrupt has the same line three times.
  struct irq_line irq[TIM_WIRES];
};

void tim_init(struct tim *t, const struct tim_config *config, struct sim *sim,
              uint32_t base, struct clock_source clocks, enum clock_id clock);
void tim_free(struct tim *t);
void tim_reset(struct tim *t);

uint32_t tim_read(void *tim, uint32_t offset, unsigned bytes);
void tim_write(void *tim, uint32_t offset, unsigned bytes, uint32_t value);

// A clock changed rate, perhaps this one.
void tim_clock_changed(struct tim *t);
