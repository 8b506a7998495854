// SPDX-License-Identifier: MIT
// Echo on the console's USART by interrupt, line by line, until a line says "end"; the
// same on USART6, polled.
#include "tests/guests/guest.h"

#define USART6   0x40011400u
#define ICR(u)   ((u) + 0x20u)
#define ISR_ORE  BIT(3)
#define ISR_IDLE BIT(4)
#define ISR_RXNE BIT(5)
#define ISR_TXE  BIT(7)
enum { IRQ_USART6 = 71, MAIL_READY = 8, MAIL_SECOND = 9 };

static volatile uint32_t received, idles;
static char line[64];

static void put(uint32_t usart, char c) {
  while (!(rd(USART_ISR(usart)) & ISR_TXE)) {
  }
  wr(USART_TDR(usart), (uint8_t)c);
}

static void on_usart1(void) {
  const uint32_t isr = rd(USART_ISR(USART1));
  if (isr & ISR_RXNE) line[received++ % 64] = (char)rd(USART_RDR(USART1));
  if (isr & ISR_IDLE) {
    wr(ICR(USART1), ISR_IDLE);
    idles++;
  }
}

static void interrupts_bring_a_line(void) {
  set(GPIO('A') + 0x24, 7u << 8);  // PA10
  set(GPIO('A'), 2u << 20);
  set_irq(IRQ_USART1, on_usart1, 0x20);
  wr(USART1_CR1, BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(5));
  wr(MAILBOX(MAIL_READY), 1);
  while (!idles)
    wfi();
  check("bytes", received, 12);
  check("idle once", idles, 1);
  for (uint32_t i = 0; i < received; i++)
    put(USART1, line[i]);
}

static void an_overrun_shows(void) {
  wr(NVIC_ICER(1), BIT(5));
  wr(MAILBOX(MAIL_READY), 2);
  while (!(rd(USART1_ISR) & ISR_ORE)) {
  }
  check("the first stays", rd(USART_RDR(USART1)), 'A');
  wr(ICR(USART1), ISR_ORE);
  check("overrun cleared", rd(USART1_ISR) & ISR_ORE, 0);
}

// PC6, PC7 in AF8; 500 kbaud with 8 samples a bit.
static void another_one_polled(void) {
  set(RCC_AHB1ENR, BIT(2));
  set(RCC_APB2ENR, BIT(5));
  set(GPIO('C') + 0x20, 8u << 24 | 8u << 28);
  set(GPIO('C'), 2u << 12 | 2u << 14);
  wr(USART_BRR(USART6), 0x40);  // 64 / 2 = 32
  wr(USART_CR1(USART6), BIT(15) | BIT(0) | BIT(2) | BIT(3));
  wr(MAILBOX(MAIL_SECOND), 1);
  for (uint32_t i = 0; i < 5; i++) {
    while (!(rd(USART_ISR(USART6)) & ISR_RXNE)) {
    }
    put(USART6, (char)(rd(USART_RDR(USART6)) ^ 0x20));
  }
  while (!(rd(USART_ISR(USART6)) & BIT(6))) {
  }
}

void guest_main(void) {
  irq_on();
  interrupts_bring_a_line();
  an_overrun_shows();
  another_one_polled();
  check_true("all", true);
}
