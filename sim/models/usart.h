// SPDX-License-Identifier: MIT
// USART in asynchronous mode (RM0410 chapter 34): frames take their time, flags
// and interrupts follow. Synchronous, LIN and smartcard use are reported.
#pragma once

#include "sim/core/sim.h"

enum { USART_WORDS = 11 };

struct usart {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  enum clock_id clock;
  uint32_t r[USART_WORDS];
  uint16_t shift;  // frame on the wire
  bool holding;    // TDR is full
  struct event sent;
  struct irq_line irq;
  struct dma_line dma_tx, dma_rx;
  // A character left the TX pin. `pin_ok` (may be NULL) tells whether the pin is
  // routed; what an unrouted USART sends is lost and reported.
  void (*on_tx)(void *ctx, uint8_t byte);
  bool (*pin_ok)(void *ctx);
  void *ctx;
};

void usart_init(struct usart *u, struct sim *sim, uint32_t base,
                struct clock_source clocks, enum clock_id clock);
void usart_free(struct usart *u);
void usart_reset(struct usart *u);

uint32_t usart_read(void *usart, uint32_t offset, unsigned bytes);
void usart_write(void *usart, uint32_t offset, unsigned bytes, uint32_t value);

// A character arrived at the RX pin.
void usart_receive(struct usart *u, uint8_t byte);
