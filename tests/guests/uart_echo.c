// SPDX-License-Identifier: MIT
// What comes in on the console goes out there in the other case, and on USART6 as it
// came, until a line ends: for quadboot-sim --uart.
#include "tests/guests/guest.h"

#define USART6   0x40011400u
#define ISR_RXNE BIT(5)
#define ISR_TXE  BIT(7)

static void put(uint32_t usart, uint32_t c) {
  while (!(rd(USART_ISR(usart)) & ISR_TXE)) {
  }
  wr(USART_TDR(usart), c);
}

static uint32_t get(uint32_t usart) {
  while (!(rd(USART_ISR(usart)) & ISR_RXNE)) {
  }
  return rd(USART_RDR(usart));
}

// PA9, PA10 in AF7; PC6 in AF8. 1 Mbaud of 16 MHz.
static void open_ports(void) {
  set(RCC_AHB1ENR, BIT(0) | BIT(2));
  set(RCC_APB2ENR, BIT(4) | BIT(5));
  wr(USART1_CR1, 0);
  set(GPIO('A') + 0x24, 7u << 4 | 7u << 8);
  set(GPIO('A'), 2u << 18 | 2u << 20);
  wr(USART_BRR(USART1), 16);
  wr(USART1_CR1, BIT(0) | BIT(2) | BIT(3));
  set(GPIO('C') + 0x20, 8u << 24);
  set(GPIO('C'), 2u << 12);
  wr(USART_BRR(USART6), 16);
  wr(USART_CR1(USART6), BIT(0) | BIT(3));
}

void guest_main(void) {
  open_ports();
  put(USART1, '?');
  for (;;) {
    const uint32_t c = get(USART1);
    put(USART6, c);
    put(USART1, c == '\n' ? c : c ^ 0x20u);
    if (c == '\n') break;
  }
  while (!(rd(USART_ISR(USART6)) & BIT(6))) {
  }
}
