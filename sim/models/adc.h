// SPDX-License-Identifier: MIT
// The three ADCs (RM0410 chapter 15): conversions take their time and give the same
// value always, the middle of the range on pins. External triggers, discontinuous and
// multi-converter modes, the analog watchdog and DMA are reported.
#pragma once

#include "sim/core/sim.h"

enum { ADC_WORDS = 0x50 / 4, ADC_COMMON_WORDS = 3, ADC_CONVERTERS = 3 };

struct adc_block;

struct adc {
  struct adc_block *block;
  struct reg_file regs;
  uint32_t r[ADC_WORDS];
  unsigned rank;  // conversions of the sequence done
  struct event converted, injected;
  bool irq;
};

struct adc_block {
  struct sim *sim;
  struct clock_source clocks;
  struct adc adc[ADC_CONVERTERS];
  struct reg_file common;
  uint32_t c[ADC_COMMON_WORDS];
  struct irq_line irq;
};

void adc_init(struct adc_block *b, struct sim *sim, struct clock_source clocks);
void adc_free(struct adc_block *b);
void adc_reset(struct adc_block *b);

// One device for all: converters at 0, 0x100, 0x200, common registers at 0x300.
uint32_t adc_read(void *block, uint32_t offset, unsigned bytes);
void adc_write(void *block, uint32_t offset, unsigned bytes, uint32_t value);
