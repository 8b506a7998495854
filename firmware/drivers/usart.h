// SPDX-License-Identifier: MIT
// USART, text out only, polled: for the few lines printed before USB is up and for
// the code that names a fatal fault.
#pragma once

#include <stdint.h>

// 8N1 at `baud` from a kernel clock of `clock_hz`.
void usart_start(uintptr_t base, uint32_t clock_hz, uint32_t baud);

// Waits for each character to be taken; at most `clocks per frame` of them. A USART
// that never becomes ready loses the text, not the caller.
void usart_print(uintptr_t base, const char *text);

// Waits until the last character has left the pin.
void usart_drain(uintptr_t base);
