// SPDX-License-Identifier: MIT
#include "firmware/drivers/usart.h"

#include "firmware/drivers/usart_regs.h"
#include "firmware/mmio.h"

// A frame at 115200 takes 87 us. Each look at ISR costs at least 4 clocks of at
// most 216 MHz, so this many looks are over 500 us.
#define LOOKS_PER_FRAME 30000u

void usart_start(uintptr_t base, uint32_t clock_hz, uint32_t baud) {
  mmio_write32(base + USART_CR1, 0);
  mmio_write32(base + USART_BRR, (clock_hz + baud / 2u) / baud);
  mmio_write32(base + USART_CR1, field_mask(USART_CR1_UE) | field_mask(USART_CR1_TE));
}

static void wait_for(uintptr_t base, uint32_t field) {
  for (uint32_t looks = 0; looks < LOOKS_PER_FRAME; looks++) {
    if (field_get(mmio_read32(base + USART_ISR), field)) return;
  }
}

void usart_print(uintptr_t base, const char *text) {
  for (; *text; text++) {
    wait_for(base, USART_ISR_TXE);
    mmio_write32(base + USART_TDR, (uint8_t)*text);
  }
}

void usart_drain(uintptr_t base) {
  wait_for(base, USART_ISR_TC);
}
