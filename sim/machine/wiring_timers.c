// SPDX-License-Identifier: MIT
// What timers are to each other, and what starts conversions: trigger lines inside the
// chip (RM0410 tables 165, 169, 173, 71 and 72), and the clocks that channels capture.
#include "sim/machine/machine_internal.h"
#include "sim_regs.h"

// ITR0 to ITR3 by timer number, 0: nobody. The outputs of TIM10, 11, 13 and 14 that
// TIM9 and TIM12 could listen to are not followed.
static const uint8_t inputs[CHIP_TIMERS + 1][4] = {
    [1] = {5, 2, 3, 4}, [2] = {1, 8, 3, 4}, [3] = {1, 2, 5, 4}, [4] = {1, 2, 3, 8},
    [5] = {2, 3, 4, 8}, [8] = {1, 2, 4, 5}, [9] = {2, 3, 0, 0}, [12] = {4, 5, 0, 0},
};

static void pass_on(struct machine *m, unsigned number, enum tim_edge edge) {
  for (unsigned i = 1; i <= CHIP_TIMERS; i++) {
    const int source = tim_trigger_source(&m->chip.tim[i - 1]);
    if (source < 0 || source > 3 || inputs[i][source] != number) continue;
    tim_trigger(&m->chip.tim[i - 1], edge);
  }
}

static void on_trigger(void *ctx, unsigned output, enum tim_edge edge) {
  const struct timer_place *p = ctx;
  struct machine *m = p->machine;
  if (output == TIM_TRGO) pass_on(m, p->number, edge);
  if (edge == TIM_FALLS) return;
  adc_trigger(&m->chip.adc, p->number, output);
}

// --- clocks on channels ---

static uint64_t tim5_input(struct machine *m, uint32_t selection) {
  const bool lsi = m->rcc.r[SIM_RCC_CSR / 4] & SIM_RCC_CSR_LSIRDY;
  if (selection == 1) return lsi ? clock_hz(&m->clocks, CLOCK_LSI) : 0;
  return selection == 2 ? clock_hz(&m->clocks, CLOCK_LSE) : 0;
}

// HSE_RTC: what RTCPRE makes of the HSE.
static uint64_t tim11_input(struct machine *m, uint32_t selection) {
  const uint32_t cfgr = m->rcc.r[SIM_RCC_CFGR / 4];
  const uint32_t divider = SIM_GET(cfgr, SIM_RCC_CFGR_RTCPRE);
  if (selection != 2 || divider < 2) return 0;
  return clock_hz(&m->clocks, CLOCK_HSE) / divider;
}

static uint64_t on_input(void *ctx) {
  const struct timer_place *p = ctx;
  struct machine *m = p->machine;
  const uint32_t or = m->chip.tim[p->number - 1].r[SIM_TIM_OR / 4];
  if (p->number == 5) return tim5_input(m, SIM_GET(or, SIM_TIM_OR_TI4_RMP));
  return p->number == 11 ? tim11_input(m, SIM_GET(or, SIM_TIM_OR_TI1_RMP)) : 0;
}

// The matches that the ADCs wait for must be noticed when they happen.
static void on_adc_sources(void *ctx) {
  struct machine *m = ctx;
  for (unsigned i = 0; i < CHIP_TIMERS; i++)
    tim_watch_compares(&m->chip.tim[i], adc_wants_compares(&m->chip.adc, i + 1));
}

void machine_wire_timers(struct machine *m) {
  m->chip.adc.on_sources = on_adc_sources;
  m->chip.adc.ctx = m;
  for (unsigned i = 0; i < CHIP_TIMERS; i++) {
    struct tim *t = &m->chip.tim[i];
    m->chip.timer_place[i] = (struct timer_place){.machine = m, .number = i + 1};
    t->ctx = &m->chip.timer_place[i];
    t->on_trigger = on_trigger;
    t->input_hz = on_input;
  }
}
