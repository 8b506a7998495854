// SPDX-License-Identifier: MIT
// What every model is given: time, reports, the bus, and the small interfaces
// by which models reach each other without knowing each other.
#pragma once

#include "sim/core/bus.h"
#include "sim/core/event.h"
#include "sim/core/regs.h"
#include "sim/core/report.h"

struct sim {
  struct event_queue events;
  struct report report;
  struct bus bus;
};

static inline void sim_init(struct sim *s) {
  s->events = (struct event_queue){0};
  report_init(&s->report, &s->events);
  bus_init(&s->bus, &s->report);
}

static inline void sim_free(struct sim *s) {
  report_free(&s->report);
}

// A level-sensitive interrupt wire. A line with no `set` goes nowhere.
struct irq_line {
  void (*set)(void *ctx, unsigned number, bool level);
  void *ctx;
  unsigned number;
};

static inline void irq_set(const struct irq_line *line, bool level) {
  if (line->set) line->set(line->ctx, line->number, level);
}

// A DMA request of a peripheral: a level, served by the controller while it is high.
// A pulse is a request that lasts until one service has answered it. The numbers are
// the wiring's. A line with no `set` goes nowhere.
struct dma_line {
  void (*set)(void *ctx, unsigned number, bool level);
  void *ctx;
  unsigned number;
  void (*pulse)(void *ctx, unsigned number);
};

static inline void dma_set(const struct dma_line *line, bool level) {
  if (line->set) line->set(line->ctx, line->number, level);
}

static inline void dma_pulse(const struct dma_line *line) {
  if (line->pulse) line->pulse(line->ctx, line->number);
}

// Clocks that models derive their time from. A stopped clock is 0 Hz.
enum clock_id {
  CLOCK_SYSCLK,
  CLOCK_HCLK,
  CLOCK_PCLK1,
  CLOCK_PCLK2,
  CLOCK_48M,     // OTG_FS, SDMMC, RNG: DCKCFGR2.CK48MSEL (RM0410 5.3.26)
  CLOCK_USART1,  // DCKCFGR2.USART1SEL
  CLOCK_HSI,
  CLOCK_HSE,
  CLOCK_LSI,
  CLOCK_LSE,
  CLOCK_TIM_APB1,  // timers on APB1 and APB2: DCKCFGR1.TIMPRE (RM0410 5.2.11)
  CLOCK_TIM_APB2,
  CLOCK_USART2,  // in the order of DCKCFGR2's fields
  CLOCK_USART3,
  CLOCK_UART4,
  CLOCK_UART5,
  CLOCK_USART6,
  CLOCK_UART7,
  CLOCK_UART8,
  CLOCK_I2C1,
  CLOCK_I2C2,
  CLOCK_I2C3,
  CLOCK_I2C4,
  CLOCK_RTC,     // BDCR.RTCSEL, 0 while RTCEN is clear
  CLOCK_LPTIM1,  // DCKCFGR2.LPTIM1SEL
  CLOCK_COUNT
};

struct clock_source {
  uint64_t (*hz)(void *ctx, enum clock_id id);
  void *ctx;
};

static inline uint64_t clock_hz(const struct clock_source *c, enum clock_id id) {
  return c->hz(c->ctx, id);
}
