// SPDX-License-Identifier: MIT
// Private to usart*.c.
#pragma once

#include "sim/models/usart.h"

// usart.c
void usart_update_irq(struct usart *u);
uint32_t usart_baud(const struct usart *u);          // 0: no clock or no divider
unsigned usart_data_bits(const struct usart *u);     // without parity
unsigned usart_frame_halves(const struct usart *u);  // in half bits
// The other end reads and sends at another rate than this one, which is reported.
bool usart_is_garbled(struct usart *u);

// What another rate makes of a byte: anything but that byte.
static inline uint8_t usart_garble(uint8_t byte) {
  return byte ^ 0xB5u;
}

// usart_rx.c
void usart_rx_init(struct usart *u);
void usart_rx_abandon(struct usart *u);
