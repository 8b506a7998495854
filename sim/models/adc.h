// SPDX-License-Identifier: MIT
// The three ADCs (RM0410 chapter 15): conversions take their time and give the same
// value always, the middle of the range on pins. Regular and injected sequences, timer
// triggers, the discontinuous mode, DMA, overrun and the analog watchdog are modelled;
// of the modes with several converters, the simultaneous ones: ADC2 and ADC3 convert
// with ADC1.
#pragma once

#include "sim/core/sim.h"

enum { ADC_WORDS = 0x50 / 4, ADC_COMMON_WORDS = 3, ADC_CONVERTERS = 3 };

struct adc_block;

struct adc {
  struct adc_block *block;
  struct reg_file regs;
  uint32_t r[ADC_WORDS];
  unsigned rank;      // conversions of the sequence done
  unsigned in_group;  // of them, since the last trigger (DISCEN)
  bool unread;        // DR holds what nobody has read
  bool served;        // DR was read while DMA wanted it
  struct event converted, injected;
  bool irq;
  struct dma_line dma;
};

struct adc_block {
  struct sim *sim;
  struct clock_source clocks;
  struct adc adc[ADC_CONVERTERS];
  struct reg_file common;
  uint32_t c[ADC_COMMON_WORDS];
  struct irq_line irq;
  unsigned turn;                  // of the half-words that CDR gives in DMA mode 1
  void (*on_sources)(void *ctx);  // what conversions are started by has changed
  void *ctx;
};

void adc_init(struct adc_block *b, struct sim *sim, struct clock_source clocks);
void adc_free(struct adc_block *b);
void adc_reset(struct adc_block *b);

// Output `output` (enum tim_output) of timer `timer` has an edge.
void adc_trigger(struct adc_block *b, unsigned timer, unsigned output);

// The matches of that timer, as flags of its SR, that some ADC waits for.
uint32_t adc_wants_compares(const struct adc_block *b, unsigned timer);

// One device for all: converters at 0, 0x100, 0x200, common registers at 0x300.
uint32_t adc_read(void *block, uint32_t offset, unsigned bytes);
void adc_write(void *block, uint32_t offset, unsigned bytes, uint32_t value);
