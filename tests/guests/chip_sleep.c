// SPDX-License-Identifier: MIT
// Deep sleep: Stop ended by the RTC and by the button, with the clocks afterwards, and
// Standby ended by the RTC and by WKUP1. Standby loses SRAM: what to do next is in the
// backup registers.
#include "tests/guests/guest.h"

#define PWR_CR2  0x40007008u
#define PWR_CSR2 0x4000700Cu
#define BKP(n)   (RTC_BKP0R + 4u * (n))

#define PRESCALERS (5u << 10 | 4u << 13)  // APB1 / 4, APB2 / 2

#define WANT_PRESS BKP(3)  // 1 and 2: press the button and let go

enum { IRQ_RTC_WKUP = 3, IRQ_EXTI0 = 6 };
enum { BEGIN, WOKEN_BY_RTC, AFTER_RTC, WOKEN_BY_PIN, AFTER_PIN };

static volatile uint32_t ticks, wakeups, presses;

static void on_tick(void) {
  ticks++;
}

static void on_wakeup(void) {
  wr(RTC_ISR, 0x3FFFF & ~(BIT(10) | BIT(7)));
  wr(EXTI_PR, BIT(22));
  wakeups++;
}

static void on_button(void) {
  wr(EXTI_PR, 1);
  presses++;
}

static void wait(uint32_t addr, uint32_t bits) {
  while (!(rd(addr) & bits)) {
  }
}

static void open_backup(void) {
  set(RCC_APB1ENR, BIT(28) | BIT(10));
  set(PWR_CR1, BIT(8));
}

// Every 100 ms from the LSI.
static void start_wakeups(void) {
  set(RCC_CSR, 1);
  wait(RCC_CSR, 2);
  set(RCC_BDCR, 2u << 8 | BIT(15));
  wr(RTC_WPR, 0xCA);
  wr(RTC_WPR, 0x53);
  clear(RTC_CR, BIT(10));
  wait(RTC_ISR, BIT(2));
  wr(RTC_WUTR, 199);
  wr(RTC_ISR, 0x3FFFF & ~(BIT(10) | BIT(7)));
  set(RTC_CR, BIT(14) | BIT(10));
}

// The crystal, and the PLL at 216 MHz from it with over-drive.
static void run_fast(void) {
  set(RCC_CR, BIT(16));
  wait(RCC_CR, BIT(17));
  wr(RCC_PLLCFGR, 25 | 432u << 6 | BIT(22) | 9u << 24 | 2u << 28);
  wr(FLASH_ACR, 7);
  set(RCC_CR, BIT(24));
  wait(RCC_CR, BIT(25));
  set(PWR_CR1, BIT(16));
  wait(PWR_CSR1, BIT(16));
  set(PWR_CR1, BIT(17));
  wait(PWR_CSR1, BIT(17));
  wr(RCC_CFGR, PRESCALERS | 2);
  while ((rd(RCC_CFGR) & 0xC) != 8) {
  }
}

static void drain_console(void) {
  wait(USART1_ISR, BIT(6));
}

static void stop(void) {
  drain_console();
  clear(PWR_CR1, BIT(1));
  set(SCR, BIT(2));
  barrier();
  wfi();
  clear(SCR, BIT(2));
}

static void stops_until_the_rtc_rings(void) {
  set(EXTI_IMR, BIT(22));
  set(EXTI_RTSR, BIT(22));
  set_irq(IRQ_RTC_WKUP, on_wakeup, 0x40);
  run_fast();
  set_vector(EXC_SYSTICK, on_tick);
  wr(SYST_RVR, 99999);
  wr(SYST_CVR, 0);
  start_wakeups();
  wr(SYST_CSR, 7);
  stop();
  const uint32_t cfgr = rd(RCC_CFGR), cr = rd(RCC_CR);
  wr(SYST_CSR, 0);
  clear(RTC_CR, BIT(10));
  check("woken by the RTC", wakeups, 1);
  check("no tick in Stop", ticks, 0);
  check("HSI, and prescalers as before", cfgr, PRESCALERS);
  check("over-drive off", rd(PWR_CR1) & (BIT(16) | BIT(17)), 0);
  check("HSE and PLL off", cr & (BIT(16) | BIT(17) | BIT(24) | BIT(25)), 0);
  run_fast();  // the PLL must take it
  wr(RCC_CFGR, 0);
  while (rd(RCC_CFGR) & 0xC) {
  }
}

static void stops_until_the_button(void) {
  set(RCC_AHB1ENR, 1);
  set(EXTI_RTSR, 1);
  set(EXTI_IMR, 1);
  set_irq(IRQ_EXTI0, on_button, 0x40);
  wr(WANT_PRESS, 1);
  stop();
  check("woken by the button", presses, 1);
}

__attribute__((noreturn)) static void stand_by(uint32_t then) {
  drain_console();
  wr(BKP(0), then);
  set(PWR_CR1, BIT(1));
  set(SCR, BIT(2));
  barrier();
  for (;;)
    wfi();
}

// What woke is noted; then once more from the start, with a mailbox.
__attribute__((noreturn)) static void note_and_reset(uint32_t then) {
  wr(BKP(1), rd(PWR_CSR1));
  wr(BKP(2), rd(PWR_CSR2));
  wr(BKP(0), then);
  wr(MAILBOX(MAIL_CONSOLE), 0);
  wr(AIRCR, 0x05FA0004);
  for (;;) {
  }
}

static void begin(void) {
  check("no Standby yet", rd(PWR_CSR1) & 2, 0);
  stops_until_the_rtc_rings();
  stops_until_the_button();
  start_wakeups();
  stand_by(WOKEN_BY_RTC);
}

static void after_rtc(void) {
  check("SBF and WUIF", rd(BKP(1)) & 3, 3);
  check("WUTF", rd(RTC_ISR) & BIT(10), BIT(10));
  set(PWR_CR1, BIT(3));
  check("CSBF clears SBF", rd(PWR_CSR1) & 2, 0);
  wr(RTC_WPR, 0xCA);
  wr(RTC_WPR, 0x53);
  clear(RTC_CR, BIT(14) | BIT(10));
  wr(RTC_ISR, 0x3FFFF & ~(BIT(10) | BIT(7)));
  check("no event left", rd(PWR_CSR1) & 1, 0);
  wr(PWR_CR2, 1);
  wr(PWR_CSR2, BIT(8));
  wr(WANT_PRESS, 2);
  stand_by(WOKEN_BY_PIN);
}

void guest_main(void) {
  open_backup();
  irq_on();
  switch (rd(BKP(0))) {
    case WOKEN_BY_RTC: note_and_reset(AFTER_RTC);
    case WOKEN_BY_PIN: note_and_reset(AFTER_PIN);
    case AFTER_RTC: after_rtc(); break;
    case AFTER_PIN:
      check("SBF", rd(BKP(1)) & 3, 2);
      check("WUPF1", rd(BKP(2)), BIT(8) | 1);
      break;
    default: begin(); break;
  }
}
