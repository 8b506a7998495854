// SPDX-License-Identifier: MIT
// Extended interrupts and events (RM0410 chapter 11): 25 lines, each with its edge
// detector, software trigger, interrupt and event mask. Lines 0 to 15 are pins, chosen
// by SYSCFG_EXTICR; what drives the others is the wiring's.
#pragma once

#include "sim/core/sim.h"

enum {
  EXTI_LINES = 25,
  EXTI_PINS = 16,
  EXTI_PVD = 16,
  EXTI_RTC_ALARM = 17,
  EXTI_OTG_FS = 18,
  EXTI_ETH = 19,
  EXTI_OTG_HS = 20,
  EXTI_RTC_TAMPER = 21,
  EXTI_RTC_WAKEUP = 22,
  EXTI_LPTIM1 = 23,
  EXTI_MDIO = 24,
  EXTI_IRQS = 16,  // wires to the NVIC
};

struct exti {
  struct sim *sim;
  struct reg_file regs;
  uint32_t imr, emr, rtsr, ftsr, swier, pr;
  uint32_t level;                  // of each line
  uint8_t port[EXTI_PINS];         // which port a pin line listens to, A = 0
  struct irq_line irq[EXTI_IRQS];  // see exti_irq_numbers
  // Levels of a port, for lines whose detector is switched on.
  uint16_t (*pins)(void *ctx, unsigned port);
  void (*on_event)(void *ctx, unsigned line);  // a pulse for WFE; may be NULL
  void *ctx;
};

// The NVIC position of each wire (RM0410 table 46).
extern const uint8_t exti_irq_numbers[EXTI_IRQS];

void exti_init(struct exti *e, struct sim *sim);
void exti_free(struct exti *e);
void exti_reset(struct exti *e);

uint32_t exti_read(void *exti, uint32_t offset, unsigned bytes);
void exti_write(void *exti, uint32_t offset, unsigned bytes, uint32_t value);

// The level of one line changed, or may have.
void exti_set_line(struct exti *e, unsigned line, bool level);

// Pins of a port changed, or may have.
void exti_port_changed(struct exti *e, unsigned port);

// SYSCFG_EXTICRn: lines 4n to 4n + 3.
void exti_route(struct exti *e, unsigned n, uint32_t exticr);
