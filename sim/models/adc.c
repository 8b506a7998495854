// SPDX-License-Identifier: MIT
#include "sim/models/adc.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

static const struct reg_model models[] = {
    {SIM_ADC_SR, ALL, 0, 0, 0},
    {SIM_ADC_CR1,
     SIM_ADC_CR1_EOCIE | SIM_ADC_CR1_JEOCIE | SIM_ADC_CR1_RES | SIM_ADC_CR1_SCAN,
     SIM_ADC_CR1_OVRIE | SIM_ADC_CR1_AWDIE | SIM_ADC_CR1_AWDCH | SIM_ADC_CR1_AWDSGL |
         SIM_ADC_CR1_DISCNUM,
     0, 0},
    {SIM_ADC_CR2,
     SIM_ADC_CR2_ADON | SIM_ADC_CR2_CONT | SIM_ADC_CR2_EOCS | SIM_ADC_CR2_ALIGN |
         SIM_ADC_CR2_SWSTART | SIM_ADC_CR2_JSWSTART,
     // Sources of triggers that EXTEN and JEXTEN would have to enable.
     SIM_ADC_CR2_EXTSEL | SIM_ADC_CR2_JEXTSEL | SIM_ADC_CR2_DDS, 0, 0},
    {SIM_ADC_SMPR1, ALL, 0, 2, 4},
    {SIM_ADC_JOFR1, 0, ALL, 4, 4},
    {SIM_ADC_HTR, 0, ALL, 2, 4},
    {SIM_ADC_SQR1, ALL, 0, 3, 4},
    {SIM_ADC_JSQR, ALL, 0, 0, 0},
};

static const struct reg_model common_models[] = {
    {SIM_ADCC_CCR, SIM_ADCC_CCR_ADCPRE,
     SIM_ADCC_CCR_VBATE | SIM_ADCC_CCR_TSVREFE | SIM_ADCC_CCR_DELAY, 0, 0},
};

static uint32_t *reg(struct adc *a, uint32_t offset) {
  return &a->r[offset / 4];
}

static void update_irq(struct adc *a) {
  const uint32_t sr = *reg(a, SIM_ADC_SR), cr1 = *reg(a, SIM_ADC_CR1);
  a->irq = ((cr1 & SIM_ADC_CR1_EOCIE) && (sr & SIM_ADC_SR_EOC)) ||
           ((cr1 & SIM_ADC_CR1_JEOCIE) && (sr & SIM_ADC_SR_JEOC));
  bool any = false;
  for (unsigned i = 0; i < ADC_CONVERTERS; i++)
    any |= a->block->adc[i].irq;
  irq_set(&a->block->irq, any);
}

// Channel of a rank, from 0: six in SQR3 and SQR2 each, four in SQR1.
static unsigned channel_of(struct adc *a, unsigned rank) {
  static const uint32_t offsets[3] = {SIM_ADC_SQR3, SIM_ADC_SQR2, SIM_ADC_SQR1};
  return *reg(a, offsets[rank / 6]) >> (rank % 6 * 5) & 31u;
}

// The first injected rank: JSQR is filled from its end (RM0410 15.13.12).
static unsigned injected_channel(struct adc *a) {
  const uint32_t jsqr = *reg(a, SIM_ADC_JSQR);
  return jsqr >> ((3 - SIM_GET(jsqr, SIM_ADC_JSQR_JL)) * 5) & 31u;
}

static unsigned resolution(struct adc *a) {
  return 12 - 2 * SIM_GET(*reg(a, SIM_ADC_CR1), SIM_ADC_CR1_RES);
}

// RM0410 15.5 and 15.13.4: sampling, then a clock a bit, of PCLK2 / 2, 4, 6 or 8.
static vtime_t conversion_time(struct adc *a, unsigned channel) {
  static const uint16_t sampling[8] = {3, 15, 28, 56, 84, 112, 144, 480};
  const bool low = channel < 10;
  const uint32_t smpr = *reg(a, low ? SIM_ADC_SMPR2 : SIM_ADC_SMPR1);
  const unsigned place = low ? channel : channel - 10;
  const uint64_t cycles = sampling[smpr >> (3 * place) & 7u] + resolution(a);
  const uint64_t hz = clock_hz(&a->block->clocks, CLOCK_PCLK2);
  const uint32_t pre = SIM_GET(a->block->c[SIM_ADCC_CCR / 4], SIM_ADCC_CCR_ADCPRE);
  return hz ? vt_cycles(cycles * 2 * (pre + 1), hz) : VT_NEVER;
}

// At 3.3 V: VREFINT 1.21 V on 17, the sensor's 0.76 V at 25 degrees on 18 (DS11532
// tables 76 and 73), half the supply elsewhere.
static uint32_t value_of(struct adc *a, unsigned channel) {
  const uint32_t full = channel == 17 ? 1502 : channel == 18 ? 943 : 2048;
  const uint32_t value = full >> (12 - resolution(a));
  const bool left = *reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_ALIGN;
  return left ? value << (16 - resolution(a)) : value;
}

static unsigned ranks(struct adc *a) {
  const bool scans = *reg(a, SIM_ADC_CR1) & SIM_ADC_CR1_SCAN;
  return scans ? SIM_GET(*reg(a, SIM_ADC_SQR1), SIM_ADC_SQR1_L) + 1 : 1;
}

static void convert(struct adc *a) {
  *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_STRT;
  event_in(&a->block->sim->events, &a->converted,
           conversion_time(a, channel_of(a, a->rank)));
}

static void on_converted(void *ctx) {
  struct adc *a = ctx;
  *reg(a, SIM_ADC_DR) = value_of(a, channel_of(a, a->rank));
  a->rank++;
  const bool over = a->rank >= ranks(a);
  const uint32_t cr2 = *reg(a, SIM_ADC_CR2);
  if (over || (cr2 & SIM_ADC_CR2_EOCS)) *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_EOC;
  if (over) a->rank = 0;
  if (!over || (cr2 & SIM_ADC_CR2_CONT)) convert(a);
  update_irq(a);
}

static void on_injected(void *ctx) {
  struct adc *a = ctx;
  for (uint32_t i = 0; i < 4; i++)
    *reg(a, SIM_ADC_JDR1 + 4 * i) = value_of(a, injected_channel(a));
  *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_JEOC;
  update_irq(a);
}

static void write_cr2(struct adc *a, uint32_t value) {
  struct event_queue *q = &a->block->sim->events;
  const uint32_t starts = SIM_ADC_CR2_SWSTART | SIM_ADC_CR2_JSWSTART;
  *reg(a, SIM_ADC_CR2) = value & ~starts;
  if (!(value & SIM_ADC_CR2_ADON)) {
    event_cancel(q, &a->converted);
    event_cancel(q, &a->injected);
    a->rank = 0;
    return;
  }
  if ((value & SIM_ADC_CR2_SWSTART) && !a->converted.armed) convert(a);
  if (!(value & SIM_ADC_CR2_JSWSTART)) return;
  *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_JSTRT;
  event_in(q, &a->injected, conversion_time(a, injected_channel(a)));
}

static uint32_t read_converter(struct adc *a, uint32_t offset, unsigned bytes) {
  if (!reg_check_read(&a->regs, offset)) return 0;
  const uint32_t value = reg_extract(a->r[offset / 4], offset, bytes);
  if ((offset & ~3u) == SIM_ADC_DR) {
    *reg(a, SIM_ADC_SR) &= ~SIM_ADC_SR_EOC;
    update_irq(a);
  }
  return value;
}

static void write_converter(struct adc *a, uint32_t offset, unsigned bytes,
                            uint32_t value) {
  if (!reg_check_write(&a->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t old = word == SIM_ADC_SR ? ALL : *reg(a, word);
  const uint32_t v = reg_update(&a->regs, old, offset, bytes, value);
  if (word == SIM_ADC_CR2) {
    write_cr2(a, v);
  } else if (word == SIM_ADC_SR) {
    *reg(a, word) &= v;  // a 0 clears
  } else {
    *reg(a, word) = v;
  }
  update_irq(a);
}

// The flags of each converter, eight bits apart (RM0410 15.13.15).
static uint32_t common_status(struct adc_block *b) {
  uint32_t csr = 0;
  for (unsigned i = 0; i < ADC_CONVERTERS; i++)
    csr |= (b->adc[i].r[SIM_ADC_SR / 4] & 0x3Fu) << (8 * i);
  return csr;
}

uint32_t adc_read(void *block, uint32_t offset, unsigned bytes) {
  struct adc_block *b = block;
  const unsigned which = offset >> 8;
  const uint32_t at = offset & 0xFFu;
  if (which < ADC_CONVERTERS) return read_converter(&b->adc[which], at, bytes);
  if (!reg_check_read(&b->common, at)) return 0;
  const uint32_t word = (at & ~3u) == SIM_ADCC_CSR ? common_status(b) : b->c[at / 4];
  return reg_extract(word, at, bytes);
}

void adc_write(void *block, uint32_t offset, unsigned bytes, uint32_t value) {
  struct adc_block *b = block;
  const unsigned which = offset >> 8;
  const uint32_t at = offset & 0xFFu;
  if (which < ADC_CONVERTERS) {
    write_converter(&b->adc[which], at, bytes, value);
  } else if (reg_check_write(&b->common, at, bytes, value)) {
    b->c[at / 4] = reg_update(&b->common, b->c[at / 4], at, bytes, value);
  }
}

void adc_reset(struct adc_block *b) {
  for (unsigned i = 0; i < ADC_CONVERTERS; i++) {
    struct adc *a = &b->adc[i];
    memset(a->r, 0, sizeof a->r);
    *reg(a, SIM_ADC_HTR) = 0xFFF;  // RM0410 15.13.6
    a->rank = 0;
    event_cancel(&b->sim->events, &a->converted);
    event_cancel(&b->sim->events, &a->injected);
    update_irq(a);
  }
  memset(b->c, 0, sizeof b->c);
}

void adc_init(struct adc_block *b, struct sim *sim, struct clock_source clocks) {
  memset(b, 0, sizeof *b);
  b->sim = sim;
  b->clocks = clocks;
  for (unsigned i = 0; i < ADC_CONVERTERS; i++) {
    struct adc *a = &b->adc[i];
    a->block = b;
    reg_file_init(&a->regs, &sim_regs_adc, 0x40012000u + 0x100u * i, models,
                  sizeof models / sizeof *models, &sim->report);
    event_init(&a->converted, on_converted, a);
    event_init(&a->injected, on_injected, a);
  }
  reg_file_init(&b->common, &sim_regs_adc_common, 0x40012300u, common_models,
                sizeof common_models / sizeof *common_models, &sim->report);
}

void adc_free(struct adc_block *b) {
  for (unsigned i = 0; i < ADC_CONVERTERS; i++)
    reg_file_free(&b->adc[i].regs);
  reg_file_free(&b->common);
}
