// SPDX-License-Identifier: MIT
// Registers of a timer. How it counts is in tim_count.c.
#include "sim/models/tim.h"

#include <string.h>

#include "sim/models/tim_internal.h"
#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

// Filters, polarities and output modes have no effect inside the timer, nor has what
// belongs to a break, which only software makes.
static const struct reg_model models[] = {
    {SIM_TIM_CR1, ALL & ~SIM_TIM_CR1_CKD, SIM_TIM_CR1_CKD, 0, 0},
    {SIM_TIM_CR2, SIM_TIM_CR2_MMS | SIM_TIM_CR2_MMS2, ALL, 0, 0},
    {SIM_TIM_SMCR,
     SIM_TIM_SMCR_SMS | SIM_TIM_SMCR_SMS3 | SIM_TIM_SMCR_TS | SIM_TIM_SMCR_ECE,
     SIM_TIM_SMCR_MSM | SIM_TIM_SMCR_ETF | SIM_TIM_SMCR_ETPS | SIM_TIM_SMCR_ETP, 0, 0},
    {SIM_TIM_DIER, ALL, 0, 0, 0},
    {SIM_TIM_SR, ALL, 0, 0, 0},
    {SIM_TIM_EGR, ALL, 0, 0, 0},
    {SIM_TIM_CCMR1,
     SIM_TIM_CCMR1_OC1PE | SIM_TIM_CCMR1_OC2PE | SIM_TIM_CCMR1_CC1S |
         SIM_TIM_CCMR1_CC2S | SIM_TIM_CCMR1_OC1M | SIM_TIM_CCMR1_OC2M,
     ALL, 0, 0},
    {SIM_TIM_CCMR2,
     SIM_TIM_CCMR2_OC3PE | SIM_TIM_CCMR2_OC4PE | SIM_TIM_CCMR2_CC3S |
         SIM_TIM_CCMR2_CC4S | SIM_TIM_CCMR2_OC3M | SIM_TIM_CCMR2_OC4M,
     ALL, 0, 0},
    {SIM_TIM_CCMR3, SIM_TIM_CCMR3_OC5PE | SIM_TIM_CCMR3_OC6PE, ALL, 0, 0},
    {SIM_TIM_CCER, 0, ALL, 0, 0},
    {SIM_TIM_CNT, ALL, 0, 0, 0},
    {SIM_TIM_PSC, ALL, 0, 0, 0},
    {SIM_TIM_ARR, ALL, 0, 0, 0},
    {SIM_TIM_RCR, ALL, 0, 0, 0},
    {SIM_TIM_CCR1, ALL, 0, 4, 4},
    {SIM_TIM_CCR5, SIM_TIM_CCR5_CCR5,
     SIM_TIM_CCR5_GC5C1 | SIM_TIM_CCR5_GC5C2 | SIM_TIM_CCR5_GC5C3, 0, 0},
    {SIM_TIM_CCR6, ALL, 0, 0, 0},
    {SIM_TIM_BDTR, SIM_TIM_BDTR_MOE, ALL, 0, 0},
    {SIM_TIM_DCR, ALL, 0, 2, 4},
    {SIM_TIM_OR, ALL, 0, 0, 0},
    {SIM_TIM_AF1, 0, ALL, 2, 4},
};

const struct tim_config tim_advanced = {&sim_regs_tim1, 6, false, true};
const struct tim_config tim_general_32 = {&sim_regs_tim2, 4, true, true};
const struct tim_config tim_general_16 = {&sim_regs_tim3, 4, false, true};
const struct tim_config tim_two_channels = {&sim_regs_tim9, 2, false, false};
const struct tim_config tim_one_channel = {&sim_regs_tim10, 1, false, false};
const struct tim_config tim_basic = {&sim_regs_tim6, 0, false, false};

static uint32_t *reg(struct tim *t, uint32_t offset) {
  return &t->r[offset / 4];
}

void tim_update_irqs(struct tim *t) {
  const uint32_t raised = *reg(t, SIM_TIM_SR) & *reg(t, SIM_TIM_DIER);
  const uint32_t compare =
      SIM_TIM_SR_CC1IF | SIM_TIM_SR_CC2IF | SIM_TIM_SR_CC3IF | SIM_TIM_SR_CC4IF;
  const bool shared = t->irq[TIM_WIRE_UPDATE].number == t->irq[TIM_WIRE_COMPARE].number;
  if (shared) {
    irq_set(&t->irq[TIM_WIRE_UPDATE], raised & 0xFFu);
    return;
  }
  irq_set(&t->irq[TIM_WIRE_UPDATE], raised & SIM_TIM_SR_UIF);
  irq_set(&t->irq[TIM_WIRE_COMPARE], raised & compare);
  irq_set(&t->irq[TIM_WIRE_TRIGGER], raised & (SIM_TIM_SR_TIF | SIM_TIM_SR_COMIF));
  irq_set(&t->irq[TIM_WIRE_BREAK], raised & SIM_TIM_SR_BIF);
}

// Channel 0 to 5 of a CCR's offset, or -1.
static int channel_of(const struct tim *t, uint32_t offset) {
  int channel = -1;
  if (offset >= SIM_TIM_CCR1 && offset <= SIM_TIM_CCR4)
    channel = (int)((offset - SIM_TIM_CCR1) / 4);
  if (offset == SIM_TIM_CCR5) channel = 4;
  if (offset == SIM_TIM_CCR6) channel = 5;
  return channel < (int)t->config->channels ? channel : -1;
}

static bool is_preloaded(const struct tim *t, int channel) {
  static const uint32_t offsets[3] = {SIM_TIM_CCMR1, SIM_TIM_CCMR2, SIM_TIM_CCMR3};
  const uint32_t ccmr = t->r[offsets[channel / 2] / 4];
  return ccmr & (channel % 2 ? SIM_TIM_CCMR1_OC2PE : SIM_TIM_CCMR1_OC1PE);
}

static void write_ccr(struct tim *t, int channel, uint32_t value) {
  if (!is_preloaded(t, channel)) t->ccr[channel] = value;
}

// --- control ---

static void write_cr1(struct tim *t, uint32_t value) {
  const uint32_t old = *reg(t, SIM_TIM_CR1);
  *reg(t, SIM_TIM_CR1) = value;
  // DIR is the hardware's in center-aligned mode (RM0410 26.4.1).
  if (t->config->both_ways && !(value & SIM_TIM_CR1_CMS)) {
    t->down = value & SIM_TIM_CR1_DIR;
  }
  if (!(value & SIM_TIM_CR1_ARPE)) t->arr = *reg(t, SIM_TIM_ARR);
  if (!((old ^ value) & SIM_TIM_CR1_CEN)) return;
  tim_restart(t);
  tim_enabled(t, value & SIM_TIM_CR1_CEN);
}

void tim_reset_count(struct tim *t) {
  const uint32_t cr1 = *reg(t, SIM_TIM_CR1);
  if (cr1 & SIM_TIM_CR1_CMS) t->down = false;
  if (!(cr1 & SIM_TIM_CR1_UDIS)) {
    tim_load(t);
    if (!(cr1 & SIM_TIM_CR1_URS)) tim_raise(t, SIM_TIM_SR_UIF);
  }
  t->cnt = t->down ? t->arr : 0;
  t->edges = 0;
  tim_restart(t);
  tim_was_reset(t);
}

// RM0410 25.4.6: UG restarts the count and the prescaler, and sets UIF unless URS; the
// others are the events of the same places in SR. A break switches the outputs off.
static void generate(struct tim *t, uint32_t value) {
  for (unsigned i = 0; i < t->config->channels && i < 4; i++) {
    const bool chosen = value & (SIM_TIM_EGR_CC1G << i);
    if (chosen && tim_is_input(t, i)) tim_capture(t, i);
    if (chosen && !tim_is_input(t, i)) tim_raise(t, SIM_TIM_SR_CC1IF << i);
  }
  tim_raise(t, value & (SIM_TIM_EGR_COMG | SIM_TIM_EGR_TG));
  const uint32_t breaks = value & (SIM_TIM_EGR_BG | SIM_TIM_EGR_B2G);
  *reg(t, SIM_TIM_SR) |= breaks;
  if (breaks) *reg(t, SIM_TIM_BDTR) &= ~SIM_TIM_BDTR_MOE;
  if (value & SIM_TIM_EGR_UG) tim_reset_count(t);
}

static void write_word(struct tim *t, uint32_t offset, uint32_t value) {
  switch (offset) {
    case SIM_TIM_CR1: write_cr1(t, value); return;
    case SIM_TIM_EGR: generate(t, value); return;
    case SIM_TIM_CNT: t->cnt = value & (t->config->wide ? ALL : 0xFFFFu); return;
    case SIM_TIM_SR: *reg(t, offset) &= value; return;  // a 0 clears (rc_w0)
    default: *reg(t, offset) = value;
  }
  if (offset == SIM_TIM_ARR && !(*reg(t, SIM_TIM_CR1) & SIM_TIM_CR1_ARPE)) {
    t->arr = value;
  }
  if (offset == SIM_TIM_SMCR) tim_restart(t);
  const int channel = channel_of(t, offset);
  if (channel >= 0) write_ccr(t, channel, value & (t->config->wide ? ALL : 0xFFFFu));
}

static uint32_t read_word(struct tim *t, uint32_t offset) {
  const bool copy = *reg(t, SIM_TIM_CR1) & SIM_TIM_CR1_UIFREMAP;
  uint32_t value = *reg(t, offset);
  if (offset == SIM_TIM_EGR) return 0;
  if (offset == SIM_TIM_CNT) {
    value = t->cnt;
    if (copy) value = (value & 0x7FFFFFFFu) | (*reg(t, SIM_TIM_SR) & 1u) << 31;
  }
  if (offset == SIM_TIM_CR1 && (value & SIM_TIM_CR1_CMS)) {
    value = (value & ~SIM_TIM_CR1_DIR) | (t->down ? SIM_TIM_CR1_DIR : 0);
  }
  return value;
}

// The register behind DMAR; never DMAR itself.
static uint32_t window(const struct tim *t) {
  const uint32_t offset = tim_burst_offset(t);
  return offset == SIM_TIM_DMAR ? SIM_TIM_CR1 : offset;
}

// What was captured has been taken (RM0410 26.4.5, CC1IF).
static void note_read(struct tim *t, uint32_t offset) {
  const int channel = channel_of(t, offset);
  if (channel < 0 || !tim_is_input(t, (unsigned)channel)) return;
  *reg(t, SIM_TIM_SR) &= ~(SIM_TIM_SR_CC1IF << channel);
  tim_update_irqs(t);
}

uint32_t tim_read(void *tim, uint32_t offset, unsigned bytes) {
  struct tim *t = tim;
  if (!reg_check_read(&t->regs, offset)) return 0;
  if ((offset & ~3u) == SIM_TIM_DMAR) {
    const uint32_t value = tim_read(t, window(t), bytes);
    tim_burst_next(t);
    return value;
  }
  tim_sync(t);
  note_read(t, offset & ~3u);
  return reg_extract(read_word(t, offset & ~3u), offset, bytes);
}

void tim_write(void *tim, uint32_t offset, unsigned bytes, uint32_t value) {
  struct tim *t = tim;
  if (!reg_check_write(&t->regs, offset, bytes, value)) return;
  if ((offset & ~3u) == SIM_TIM_DMAR) {
    tim_write(t, window(t), bytes, value);
    tim_burst_next(t);
    return;
  }
  tim_sync(t);
  const uint32_t word = offset & ~3u;
  // What a narrow write leaves alone must not clear a flag of SR.
  const uint32_t old = word == SIM_TIM_SR ? ALL : read_word(t, word);
  write_word(t, word, reg_update(&t->regs, old, offset, bytes, value));
  tim_follow_input(t);
  tim_arm(t);
  tim_update_irqs(t);
}

void tim_reset(struct tim *t) {
  event_cancel(&t->sim->events, &t->due);
  event_cancel(&t->sim->events, &t->input);
  t->input_period = 0;
  t->gate = t->reference = false;
  t->edges = 0;
  t->burst = 0;
  memset(t->r, 0, sizeof t->r);
  for (size_t i = 0; i < t->regs.block->count; i++) {
    const struct reg_desc *d = &t->regs.block->regs[i];
    if (d->offset / 4 < TIM_WORDS) t->r[d->offset / 4] = d->reset;
  }
  // The SVD has 0; RM0410 26.4.12: ARR resets to all ones.
  *reg(t, SIM_TIM_ARR) = t->config->wide ? ALL : 0xFFFFu;
  t->cnt = 0;
  t->down = false;
  tim_load(t);
  memset(t->ccr, 0, sizeof t->ccr);
  tim_restart(t);
  tim_update_irqs(t);
}

void tim_init(struct tim *t, const struct tim_config *config, struct sim *sim,
              uint32_t base, struct clock_source clocks, enum clock_id clock) {
  memset(t, 0, sizeof *t);
  t->sim = sim;
  t->config = config;
  t->clocks = clocks;
  t->clock = clock;
  reg_file_init(&t->regs, config->block, base, models, sizeof models / sizeof *models,
                &sim->report);
  reg_file_allow(&t->regs, SIM_TIM_SR, ALL);
  event_init(&t->due, tim_on_due, t);
  event_init(&t->input, tim_on_input, t);
}

void tim_free(struct tim *t) {
  reg_file_free(&t->regs);
}
