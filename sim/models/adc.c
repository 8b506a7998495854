// SPDX-License-Identifier: MIT
#include "sim/models/adc.h"

#include <string.h>

#include "sim/models/tim.h"
#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

static const struct reg_model models[] = {
    {SIM_ADC_SR, ALL, 0, 0, 0},    {SIM_ADC_CR1, ALL & ~SIM_ADC_CR1_JDISCEN, 0, 0, 0},
    {SIM_ADC_CR2, ALL, 0, 0, 0},   {SIM_ADC_SMPR1, ALL, 0, 2, 4},
    {SIM_ADC_JOFR1, 0, ALL, 4, 4}, {SIM_ADC_HTR, ALL, 0, 2, 4},
    {SIM_ADC_SQR1, ALL, 0, 3, 4},  {SIM_ADC_JSQR, ALL, 0, 0, 0},
};

static const struct reg_model common_models[] = {
    {SIM_ADCC_CCR,
     SIM_ADCC_CCR_ADCPRE | SIM_ADCC_CCR_VBATE | SIM_ADCC_CCR_MULTI | SIM_ADCC_CCR_DMA |
         SIM_ADCC_CCR_DDS,
     SIM_ADCC_CCR_TSVREFE | SIM_ADCC_CCR_DELAY, 0, 0},
};

static uint32_t *reg(struct adc *a, uint32_t offset) {
  return &a->r[offset / 4];
}

static void update_irq(struct adc *a) {
  const uint32_t sr = *reg(a, SIM_ADC_SR), cr1 = *reg(a, SIM_ADC_CR1);
  a->irq = ((cr1 & SIM_ADC_CR1_EOCIE) && (sr & SIM_ADC_SR_EOC)) ||
           ((cr1 & SIM_ADC_CR1_JEOCIE) && (sr & SIM_ADC_SR_JEOC)) ||
           ((cr1 & SIM_ADC_CR1_AWDIE) && (sr & SIM_ADC_SR_AWD)) ||
           ((cr1 & SIM_ADC_CR1_OVRIE) && (sr & SIM_ADC_SR_OVR));
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

// JSQR is filled from its end (RM0410 15.13.12).
static unsigned injected_ranks(struct adc *a) {
  return SIM_GET(*reg(a, SIM_ADC_JSQR), SIM_ADC_JSQR_JL) + 1;
}

static unsigned injected_channel(struct adc *a, unsigned rank) {
  return *reg(a, SIM_ADC_JSQR) >> ((4 - injected_ranks(a) + rank) * 5) & 31u;
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
// tables 76 and 73) or, with VBATE, a quarter of 3.3 V; half the supply elsewhere.
static uint32_t raw_value(struct adc *a, unsigned channel) {
  const bool battery = a->block->c[SIM_ADCC_CCR / 4] & SIM_ADCC_CCR_VBATE;
  if (channel == 17) return 1502;
  if (channel == 18) return battery ? 1024 : 943;
  return 2048;
}

static uint32_t value_of(struct adc *a, unsigned channel) {
  const uint32_t full = raw_value(a, channel);
  const uint32_t value = full >> (12 - resolution(a));
  const bool left = *reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_ALIGN;
  return left ? value << (16 - resolution(a)) : value;
}

static unsigned ranks(struct adc *a) {
  const bool scans = *reg(a, SIM_ADC_CR1) & SIM_ADC_CR1_SCAN;
  return scans ? SIM_GET(*reg(a, SIM_ADC_SQR1), SIM_ADC_SQR1_L) + 1 : 1;
}

// The watchdog compares 12 bits, left of any alignment (RM0410 15.3.8).
static void guard(struct adc *a, unsigned channel, uint32_t enable) {
  const uint32_t cr1 = *reg(a, SIM_ADC_CR1), raw = raw_value(a, channel);
  const bool single = cr1 & SIM_ADC_CR1_AWDSGL;
  if (!(cr1 & enable) || (single && SIM_GET(cr1, SIM_ADC_CR1_AWDCH) != channel)) return;
  if (raw > *reg(a, SIM_ADC_HTR) || raw < *reg(a, SIM_ADC_LTR))
    *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_AWD;
}

static uint32_t ccr(const struct adc *a) {
  return a->block->c[SIM_ADCC_CCR / 4];
}

static bool is_master(const struct adc *a) {
  return a == a->block->adc && (ccr(a) & SIM_ADCC_CCR_MULTI);
}

// ADC1 asks for all in the modes with several converters.
static bool wants_dma(struct adc *a) {
  if (is_master(a) && (ccr(a) & SIM_ADCC_CCR_DMA)) return true;
  return *reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_DMA;
}

static bool goes_on(struct adc *a) {
  if (is_master(a) && (ccr(a) & SIM_ADCC_CCR_DMA)) return ccr(a) & SIM_ADCC_CCR_DDS;
  return *reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_DDS;
}

static void convert(struct adc *a) {
  *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_STRT;
  event_in(&a->block->sim->events, &a->converted,
           conversion_time(a, channel_of(a, a->rank)));
}

// The value before was never taken. Without DDS, DMA that has taken what it was set up
// for is no reason (RM0410 15.8.1).
static bool overruns(struct adc *a) {
  const bool ended = wants_dma(a) && !goes_on(a) && a->served;
  const bool watches = wants_dma(a) || (*reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_EOCS);
  return watches && !ended && a->unread;
}

// Slaves convert their own sequence along with ADC1's.
static void convert_along(struct adc *master, unsigned rank) {
  const bool triple = ccr(master) & 0x10u;
  for (unsigned i = 1; i < (triple ? 3u : 2u); i++) {
    struct adc *a = &master->block->adc[i];
    *reg(a, SIM_ADC_DR) = value_of(a, channel_of(a, rank));
    *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_EOC | SIM_ADC_SR_STRT;
    update_irq(a);
  }
}

static void inject(struct adc *a);

// What comes after a conversion: the next rank, a new round, or the wait for a trigger.
static void go_on(struct adc *a, bool over) {
  const uint32_t cr1 = *reg(a, SIM_ADC_CR1);
  const unsigned group = SIM_GET(cr1, SIM_ADC_CR1_DISCNUM) + 1;
  const bool pauses = (cr1 & SIM_ADC_CR1_DISCEN) && ++a->in_group >= group;
  if (over && (cr1 & SIM_ADC_CR1_JAUTO)) inject(a);
  if (!pauses && (!over || (*reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_CONT))) convert(a);
}

static void on_converted(void *ctx) {
  struct adc *a = ctx;
  if (overruns(a)) {
    *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_OVR;
    a->rank = 0;
    dma_set(&a->dma, false);
    update_irq(a);
    return;
  }
  const unsigned channel = channel_of(a, a->rank);
  *reg(a, SIM_ADC_DR) = value_of(a, channel);
  a->unread = true;
  guard(a, channel, SIM_ADC_CR1_AWDEN);
  if (is_master(a)) convert_along(a, a->rank);
  a->block->turn = 0;
  a->rank++;
  const bool over = a->rank >= ranks(a);
  if (over || (*reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_EOCS))
    *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_EOC;
  if (over) a->rank = 0;
  go_on(a, over);
  update_irq(a);
  if (wants_dma(a)) dma_set(&a->dma, true);
}

static void inject(struct adc *a) {
  vtime_t time = 0;
  for (unsigned i = 0; i < injected_ranks(a); i++)
    time += conversion_time(a, injected_channel(a, i));
  *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_JSTRT;
  event_in(&a->block->sim->events, &a->injected, time);
}

static void on_injected(void *ctx) {
  struct adc *a = ctx;
  for (unsigned i = 0; i < injected_ranks(a); i++) {
    const unsigned channel = injected_channel(a, i);
    const uint32_t offset = *reg(a, SIM_ADC_JOFR1 + 4 * i),
                   value = value_of(a, channel);
    *reg(a, SIM_ADC_JDR1 + 4 * i) = (value - offset) & 0xFFFFu;
    guard(a, channel, SIM_ADC_CR1_JAWDEN);
  }
  *reg(a, SIM_ADC_SR) |= SIM_ADC_SR_JEOC;
  update_irq(a);
}

// --- triggers (RM0410 tables 99 and 100) ---

struct source {
  uint8_t timer, output;  // a tim_output
};

static const struct source regular_sources[16] = {
    {1, TIM_CC1},   {1, TIM_CC1 + 1}, {1, TIM_CC1 + 2}, {2, TIM_CC1 + 1},
    {5, TIM_TRGO},  {4, TIM_CC1 + 3}, {3, TIM_CC1 + 3}, {8, TIM_TRGO},
    {8, TIM_TRGO2}, {1, TIM_TRGO},    {1, TIM_TRGO2},   {2, TIM_TRGO},
    {4, TIM_TRGO},  {6, TIM_TRGO},    {0, 0},           {0, 0}};

static const struct source injected_sources[16] = {
    {1, TIM_TRGO},    {1, TIM_CC1 + 3}, {2, TIM_TRGO},  {2, TIM_CC1},
    {3, TIM_CC1 + 3}, {4, TIM_TRGO},    {0, 0},         {8, TIM_CC1 + 3},
    {1, TIM_TRGO2},   {8, TIM_TRGO},    {8, TIM_TRGO2}, {3, TIM_CC1 + 2},
    {5, TIM_TRGO},    {3, TIM_CC1},     {6, TIM_TRGO},  {0, 0}};

static struct source regular_source(const struct adc *a) {
  const uint32_t cr2 = a->r[SIM_ADC_CR2 / 4];
  if (!(cr2 & SIM_ADC_CR2_EXTEN)) return (struct source){0, 0};
  return regular_sources[SIM_GET(cr2, SIM_ADC_CR2_EXTSEL)];
}

static struct source injected_source(const struct adc *a) {
  const uint32_t cr2 = a->r[SIM_ADC_CR2 / 4];
  if (!(cr2 & SIM_ADC_CR2_JEXTEN)) return (struct source){0, 0};
  return injected_sources[SIM_GET(cr2, SIM_ADC_CR2_JEXTSEL)];
}

static bool is_same(struct source s, unsigned timer, unsigned output) {
  return s.timer == timer && s.output == output;
}

static void start_regular(struct adc *a) {
  a->in_group = 0;
  if (!a->converted.armed && !(*reg(a, SIM_ADC_SR) & SIM_ADC_SR_OVR)) convert(a);
}

// Which edge EXTEN chooses makes no difference to a pulse.
void adc_trigger(struct adc_block *b, unsigned timer, unsigned output) {
  for (unsigned i = 0; i < ADC_CONVERTERS; i++) {
    struct adc *a = &b->adc[i];
    if (!(*reg(a, SIM_ADC_CR2) & SIM_ADC_CR2_ADON)) continue;
    if (is_same(regular_source(a), timer, output)) start_regular(a);
    if (is_same(injected_source(a), timer, output) && !a->injected.armed) inject(a);
  }
}

static uint32_t compare_flag(struct source s, unsigned timer) {
  const bool compares = s.timer == timer && s.output >= TIM_CC1;
  return compares ? 2u << (s.output - TIM_CC1) : 0;  // CC1IF is bit 1 of TIMx_SR
}

uint32_t adc_wants_compares(const struct adc_block *b, unsigned timer) {
  uint32_t flags = 0;
  for (unsigned i = 0; i < ADC_CONVERTERS; i++) {
    const struct adc *a = &b->adc[i];
    flags |= compare_flag(regular_source(a), timer);
    flags |= compare_flag(injected_source(a), timer);
  }
  return flags;
}

static void write_cr2(struct adc *a, uint32_t value) {
  struct event_queue *q = &a->block->sim->events;
  const uint32_t starts = SIM_ADC_CR2_SWSTART | SIM_ADC_CR2_JSWSTART;
  const uint32_t goes_on_now = value & ~*reg(a, SIM_ADC_CR2);
  *reg(a, SIM_ADC_CR2) = value & ~starts;
  if (goes_on_now & SIM_ADC_CR2_DMA) a->served = a->unread = false;
  if (!wants_dma(a)) dma_set(&a->dma, false);
  if (a->block->on_sources) a->block->on_sources(a->block->ctx);
  if (!(value & SIM_ADC_CR2_ADON)) {
    event_cancel(q, &a->converted);
    event_cancel(q, &a->injected);
    a->rank = 0;
    a->unread = false;
    return;
  }
  if (value & SIM_ADC_CR2_SWSTART) start_regular(a);
  if (value & SIM_ADC_CR2_JSWSTART) inject(a);
}

static void taken(struct adc *a) {
  *reg(a, SIM_ADC_SR) &= ~SIM_ADC_SR_EOC;
  a->unread = false;
  a->served |= wants_dma(a);
  dma_set(&a->dma, false);
  update_irq(a);
}

static uint32_t read_converter(struct adc *a, uint32_t offset, unsigned bytes) {
  if (!reg_check_read(&a->regs, offset)) return 0;
  const uint32_t value = reg_extract(a->r[offset / 4], offset, bytes);
  if ((offset & ~3u) == SIM_ADC_DR) taken(a);
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

// CDR (RM0410 15.13.17): in DMA mode 1 one half-word after another, in mode 2 two at
// once, in mode 3 two bytes.
static uint32_t common_data(struct adc_block *b) {
  const uint32_t mode = SIM_GET(b->c[SIM_ADCC_CCR / 4], SIM_ADCC_CCR_DMA);
  const bool triple = b->c[SIM_ADCC_CCR / 4] & 0x10u;
  uint32_t dr[ADC_CONVERTERS];
  for (unsigned i = 0; i < ADC_CONVERTERS; i++)
    dr[i] = b->adc[i].r[SIM_ADC_DR / 4];
  const unsigned turn = b->turn;
  const bool last = mode != 1 || ++b->turn == (triple ? 3 : 2);
  if (last) {
    b->turn = 0;
    taken(&b->adc[0]);
  }
  if (mode == 1) return dr[turn];
  return mode == 3 ? (dr[1] & 0xFFu) << 8 | (dr[0] & 0xFFu) : dr[1] << 16 | dr[0];
}

static uint32_t read_common(struct adc_block *b, uint32_t word) {
  if (word == SIM_ADCC_CSR) return common_status(b);
  return word == SIM_ADCC_CDR ? common_data(b) : b->c[word / 4];
}

uint32_t adc_read(void *block, uint32_t offset, unsigned bytes) {
  struct adc_block *b = block;
  const unsigned which = offset >> 8;
  const uint32_t at = offset & 0xFFu;
  if (which < ADC_CONVERTERS) return read_converter(&b->adc[which], at, bytes);
  if (!reg_check_read(&b->common, at)) return 0;
  return reg_extract(read_common(b, at & ~3u), at, bytes);
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
    a->rank = a->in_group = 0;
    a->served = a->unread = false;
    dma_set(&a->dma, false);
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
    reg_file_allow(&a->regs, SIM_ADC_SR, ALL);
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
