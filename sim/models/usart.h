// SPDX-License-Identifier: MIT
// USART in asynchronous mode (RM0410 chapter 34), out and in: frames take their time,
// flags and interrupts follow; what the other end sends queues on its side of the wire.
// Receiver time-out, character match, break, automatic baud rate and half duplex are
// modelled; the other end is always clear to send. Synchronous, LIN, mute, smartcard
// and infrared modes are reported.
#pragma once

#include "sim/core/sim.h"

enum { USART_WORDS = 11, USART_QUEUE = 4096 };

struct usart {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  enum clock_id clock;
  unsigned number;  // as in its name
  uint32_t r[USART_WORDS];
  uint16_t shift;  // frame on the wire
  bool holding;    // TDR is full
  struct event sent;
  // The other end: its baud rate (0: always ours), what it has yet to send, the byte
  // on the wire, and the silence after the last one.
  uint32_t far_baud;
  uint8_t queue[USART_QUEUE];
  unsigned queue_head, queue_count;
  struct event arrived, idle, timeout, broke;
  struct irq_line irq;
  struct dma_line dma_tx, dma_rx;
  // A character left the TX pin. `pin_ok` (may be NULL) tells whether the pin is
  // routed; what an unrouted USART sends or hears is lost and reported.
  void (*on_tx)(void *ctx, unsigned number, uint8_t byte);
  bool (*pin_ok)(void *ctx, unsigned number, bool tx);
  void *ctx;
};

void usart_init(struct usart *u, struct sim *sim, uint32_t base,
                struct clock_source clocks, enum clock_id clock);
void usart_free(struct usart *u);
void usart_reset(struct usart *u);

// Nothing is connected any more: what the other end had to send is gone.
void usart_hush(struct usart *u);

uint32_t usart_read(void *usart, uint32_t offset, unsigned bytes);
void usart_write(void *usart, uint32_t offset, unsigned bytes, uint32_t value);

// A character arrived at the RX pin, whole, just now.
void usart_receive(struct usart *u, uint8_t byte);

// The other end sends a character, after what it has to send already, at its line
// rate. False: its queue is full.
bool usart_send(struct usart *u, uint8_t byte);
