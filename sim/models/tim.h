// SPDX-License-Identifier: MIT
// Timers TIM1 to TIM14 (RM0410 chapters 25 to 28): counting up, down and both ways,
// prescaler, reload and compare with their preload registers, update and compare
// flags and interrupts, one-pulse mode, the repetition counter, DMA requests, trigger
// outputs, slave modes by other timers, captures of clocks inside the chip. Pins do
// nothing: an encoder stands, an external clock has no edges, outputs are only kept.
//
// Between accesses nothing happens: the count follows from the time. An event is armed
// only for a flag that is to raise an interrupt, or whose moment others wait for.
#pragma once

#include "sim/core/sim.h"

enum { TIM_CHANNELS = 6, TIM_WORDS = 0x68 / 4 };

// Which of a timer's flags drive a wire, for TIM1 and TIM8, which have four.
enum tim_wire {
  TIM_WIRE_UPDATE,
  TIM_WIRE_COMPARE,
  TIM_WIRE_TRIGGER,
  TIM_WIRE_BREAK,
  TIM_WIRES
};

// What leaves a timer for others: its trigger outputs, and the matches of channels 1 to
// 4 (for the ADC).
enum tim_output { TIM_TRGO, TIM_TRGO2, TIM_CC1, TIM_OUTPUTS = TIM_CC1 + 4 };

// A pulse is too short for a gate to open.
enum tim_edge { TIM_PULSE, TIM_RISES, TIM_FALLS };

// Requests in the order of SR's flags: update, CC1 to CC4, COM, trigger.
enum { TIM_REQUESTS = 7 };

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
  bool gate;                   // what a gated counter waits for
  bool reference;              // OCxREF, when it is the trigger output
  uint32_t edges;              // of an external clock, since the last count
  unsigned burst, burst_line;  // accesses of DMAR, and which request they continue
  uint32_t watched_compares;   // CCxIF whose moments the wiring wants
  vtime_t input_period;        // between captures of the input below; 0: none
  struct event due, input;
  // A timer with one interrupt has the same line four times.
  struct irq_line irq[TIM_WIRES];
  struct dma_line dma[TIM_REQUESTS];
  void (*on_trigger)(void *ctx, unsigned output, enum tim_edge edge);
  // Rate of the clock that the last channel's input is switched to; 0: a pin.
  uint64_t (*input_hz)(void *ctx);
  void *ctx;
};

void tim_init(struct tim *t, const struct tim_config *config, struct sim *sim,
              uint32_t base, struct clock_source clocks, enum clock_id clock);
void tim_free(struct tim *t);
void tim_reset(struct tim *t);

uint32_t tim_read(void *tim, uint32_t offset, unsigned bytes);
void tim_write(void *tim, uint32_t offset, unsigned bytes, uint32_t value);

// The ITRx input that this timer listens to, or TIx (4 and up); -1: none.
int tim_trigger_source(const struct tim *t);

// Matches (CC1IF to CC4IF) that are to be told of when they happen.
void tim_watch_compares(struct tim *t, uint32_t flags);

// That input has an edge.
void tim_trigger(struct tim *t, enum tim_edge edge);

// A clock changed rate, perhaps this one or that of the input.
void tim_clock_changed(struct tim *t);
