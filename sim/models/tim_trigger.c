// SPDX-License-Identifier: MIT
// What a timer's events lead to, and what others' events do to it: DMA requests and
// bursts, trigger outputs, slave modes, captures (RM0410 26.3.12 to 26.3.20).
#include "sim/models/tim_internal.h"
#include "sim_regs.h"

enum {
  EVENT_UPDATE = 0,
  EVENT_CC1 = 1,
  EVENT_CC4 = 4,
  EVENT_COM = 5,
  EVENT_TRIGGER = 6
};
enum {
  SLAVE_RESET = 4,
  SLAVE_GATED = 5,
  SLAVE_TRIGGER = 6,
  SLAVE_CLOCK = 7,
  SLAVE_RESET_AND_TRIGGER = 8
};
enum {
  MASTER_RESET = 0,
  MASTER_ENABLE = 1,
  MASTER_UPDATE = 2,
  MASTER_PULSE = 3,
  MASTER_OC1REF = 4
};

static uint32_t reg(const struct tim *t, uint32_t offset) {
  return t->r[offset / 4];
}

static bool has_smcr(const struct tim *t) {
  return reg_at(&t->regs, SIM_TIM_SMCR) != NULL;
}

static unsigned slave_mode(const struct tim *t) {
  if (!has_smcr(t)) return 0;
  const uint32_t smcr = reg(t, SIM_TIM_SMCR);
  return (smcr & SIM_TIM_SMCR_SMS) | (smcr & SIM_TIM_SMCR_SMS3 ? 8 : 0);
}

bool tim_uses_own_clock(const struct tim *t) {
  const unsigned mode = slave_mode(t);
  if (has_smcr(t) && (reg(t, SIM_TIM_SMCR) & SIM_TIM_SMCR_ECE)) return false;
  if (mode == SLAVE_GATED) return t->gate;
  return mode == 0 || mode == SLAVE_RESET || mode == SLAVE_TRIGGER ||
         mode == SLAVE_RESET_AND_TRIGGER;
}

int tim_trigger_source(const struct tim *t) {
  const bool listens = has_smcr(t) && (slave_mode(t) || tim_captures_triggers(t));
  return listens ? (int)SIM_GET(reg(t, SIM_TIM_SMCR), SIM_TIM_SMCR_TS) : -1;
}

// --- channels ---

static unsigned selection(const struct tim *t, unsigned channel) {
  if (channel > 3) return 0;
  const uint32_t ccmr = reg(t, channel < 2 ? SIM_TIM_CCMR1 : SIM_TIM_CCMR2);
  return ccmr >> (channel % 2 * 8) & 3u;
}

bool tim_is_input(const struct tim *t, unsigned channel) {
  return selection(t, channel) != 0;
}

// CCxS 3: the channel captures at its trigger.
bool tim_captures_triggers(const struct tim *t) {
  for (unsigned i = 0; i < t->config->channels && i < 4; i++)
    if (selection(t, i) == 3) return true;
  return false;
}

void tim_capture(struct tim *t, unsigned channel) {
  const uint32_t flag = SIM_TIM_SR_CC1IF << channel;
  if (reg(t, SIM_TIM_SR) & flag) t->r[SIM_TIM_SR / 4] |= SIM_TIM_SR_CC1OF << channel;
  t->r[SIM_TIM_CCR1 / 4 + channel] = t->ccr[channel] = t->cnt;
  tim_raise(t, flag);
}

// --- out ---

static void send(struct tim *t, unsigned output, enum tim_edge edge) {
  if (t->on_trigger) t->on_trigger(t->ctx, output, edge);
}

// OCxREF as the compare modes make it; only its edges leave.
static void follow_reference(struct tim *t, unsigned channel, unsigned event) {
  const uint32_t ccmr = reg(t, channel < 2 ? SIM_TIM_CCMR1 : SIM_TIM_CCMR2);
  const unsigned mode = ccmr >> (channel % 2 * 8 + 4) & 7u;
  const bool match = event == EVENT_CC1 + channel;
  bool level = t->reference;
  switch (mode) {
    case 1: level |= match; break;
    case 2: level &= !match; break;
    case 3: level ^= match; break;
    case 4: level = false; break;
    case 5: level = true; break;
    case 6: level = match ? false : event == EVENT_UPDATE || level; break;
    case 7: level = match ? true : event != EVENT_UPDATE && level; break;
    default: break;
  }
  if (level == t->reference) return;
  t->reference = level;
  send(t, TIM_TRGO, level ? TIM_RISES : TIM_FALLS);
}

static unsigned master_mode(const struct tim *t) {
  return SIM_GET(reg(t, SIM_TIM_CR2), SIM_TIM_CR2_MMS);
}

static void put_out(struct tim *t, unsigned event) {
  const unsigned mms = master_mode(t);
  const unsigned mms2 = SIM_GET(reg(t, SIM_TIM_CR2), SIM_TIM_CR2_MMS2);
  if (event >= EVENT_CC1 && event <= EVENT_CC4) send(t, TIM_CC1 + event - 1, TIM_PULSE);
  const unsigned of_event = event == EVENT_UPDATE ? MASTER_UPDATE
                            : event == EVENT_CC1  ? MASTER_PULSE
                                                  : MASTER_RESET;
  if (of_event && mms == of_event) send(t, TIM_TRGO, TIM_PULSE);
  if (of_event && mms2 == of_event) send(t, TIM_TRGO2, TIM_PULSE);
  if (mms >= MASTER_OC1REF) follow_reference(t, mms - MASTER_OC1REF, event);
}

// UG, or a reset by a trigger.
void tim_was_reset(struct tim *t) {
  if (master_mode(t) == MASTER_RESET) send(t, TIM_TRGO, TIM_PULSE);
}

void tim_enabled(struct tim *t, bool on) {
  if (master_mode(t) == MASTER_ENABLE) send(t, TIM_TRGO, on ? TIM_RISES : TIM_FALLS);
}

void tim_raise(struct tim *t, uint32_t flags) {
  t->r[SIM_TIM_SR / 4] |= flags;
  const uint32_t requests = reg(t, SIM_TIM_DIER) >> 8 & flags;
  for (unsigned event = EVENT_UPDATE; event <= EVENT_TRIGGER; event++) {
    if (!(flags & (1u << event))) continue;
    if (requests & (1u << event)) {
      t->burst = 0;
      t->burst_line = event;
      dma_pulse(&t->dma[event]);
    }
    put_out(t, event);
  }
}

// Flags whose moment somebody waits for: a DMA controller, or the end of a trigger
// output that is in use.
uint32_t tim_watched(const struct tim *t) {
  uint32_t events = reg(t, SIM_TIM_DIER) >> 8 & 0x7Fu;
  const unsigned mms = master_mode(t);
  const unsigned mms2 = SIM_GET(reg(t, SIM_TIM_CR2), SIM_TIM_CR2_MMS2);
  if (mms == MASTER_UPDATE || mms2 == MASTER_UPDATE) events |= 1u << EVENT_UPDATE;
  if (mms == MASTER_PULSE || mms2 == MASTER_PULSE) events |= 1u << EVENT_CC1;
  if (mms >= MASTER_OC1REF)
    events |= 1u << EVENT_UPDATE | 1u << (EVENT_CC1 + mms - MASTER_OC1REF);
  return events | t->watched_compares;
}

void tim_watch_compares(struct tim *t, uint32_t flags) {
  if (t->watched_compares == flags) return;
  tim_sync(t);
  t->watched_compares = flags;
  tim_arm(t);
}

// --- in ---

static void start(struct tim *t) {
  if (reg(t, SIM_TIM_CR1) & SIM_TIM_CR1_CEN) return;
  t->r[SIM_TIM_CR1 / 4] |= SIM_TIM_CR1_CEN;
  tim_restart(t);
  tim_enabled(t, true);
}

static void follow_gate(struct tim *t, enum tim_edge edge) {
  if (edge == TIM_PULSE || t->gate == (edge == TIM_RISES)) return;
  t->gate = edge == TIM_RISES;
  tim_restart(t);
}

static void count_edge(struct tim *t) {
  if (!(reg(t, SIM_TIM_CR1) & SIM_TIM_CR1_CEN) || !t->arr) return;
  if (++t->edges <= t->psc) return;
  t->edges = 0;
  tim_step(t);
}

void tim_trigger(struct tim *t, enum tim_edge edge) {
  const unsigned mode = slave_mode(t);
  tim_sync(t);
  if (mode == SLAVE_GATED) follow_gate(t, edge);
  if (edge != TIM_FALLS) {
    for (unsigned i = 0; i < t->config->channels && i < 4; i++)
      if (selection(t, i) == 3) tim_capture(t, i);
    if (mode == SLAVE_RESET || mode == SLAVE_RESET_AND_TRIGGER) tim_reset_count(t);
    if (mode == SLAVE_TRIGGER || mode == SLAVE_RESET_AND_TRIGGER) start(t);
    if (mode == SLAVE_CLOCK) count_edge(t);
    if (mode) tim_raise(t, SIM_TIM_SR_TIF);
  }
  tim_arm(t);
  tim_update_irqs(t);
}

// --- captures of a clock inside the chip ---

static vtime_t capture_period(const struct tim *t) {
  if (!t->input_hz || !t->config->channels) return 0;
  const unsigned channel = t->config->channels - 1;
  const uint32_t ccmr = reg(t, channel < 2 ? SIM_TIM_CCMR1 : SIM_TIM_CCMR2);
  const unsigned divider = 1u << (ccmr >> (channel % 2 * 8 + 2) & 3u);
  const bool on = reg(t, SIM_TIM_CCER) & (SIM_TIM_CCER_CC1E << 4 * channel);
  const bool own = selection(t, channel) == 1;
  const uint64_t hz = on && own ? t->input_hz(t->ctx) : 0;
  return hz ? vt_cycles(divider, hz) : 0;
}

void tim_follow_input(struct tim *t) {
  const vtime_t period = capture_period(t);
  if (period == t->input_period) return;
  t->input_period = period;
  event_cancel(&t->sim->events, &t->input);
  if (period) event_in(&t->sim->events, &t->input, period);
}

void tim_on_input(void *tim) {
  struct tim *t = tim;
  tim_sync(t);
  tim_capture(t, t->config->channels - 1);
  event_in(&t->sim->events, &t->input, t->input_period);
  tim_arm(t);
  tim_update_irqs(t);
}

// --- the DMA window (RM0410 26.3.20) ---

uint32_t tim_burst_offset(const struct tim *t) {
  return 4 * (SIM_GET(reg(t, SIM_TIM_DCR), SIM_TIM_DCR_DBA) + t->burst);
}

void tim_burst_next(struct tim *t) {
  if (t->burst++ < SIM_GET(reg(t, SIM_TIM_DCR), SIM_TIM_DCR_DBL)) {
    dma_pulse(&t->dma[t->burst_line]);
  } else {
    t->burst = 0;
  }
}
