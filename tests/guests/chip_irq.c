// SPDX-License-Identifier: MIT
// Interrupts from outside the core: timers, the button and other EXTI lines, the RTC's
// wake-up timer and alarm, the window watchdog's early warning.
#include "tests/guests/guest.h"

#define TIM2     0x40000000u
#define TIM6     0x40001000u
#define TIM1     0x40010000u
#define CR1(t)   ((t) + 0x00u)
#define DIER(t)  ((t) + 0x0Cu)
#define SR(t)    ((t) + 0x10u)
#define EGR(t)   ((t) + 0x14u)
#define CNT(t)   ((t) + 0x24u)
#define PSC(t)   ((t) + 0x28u)
#define ARR(t)   ((t) + 0x2Cu)
#define CCR1(t)  ((t) + 0x34u)
#define CCR2(t)  ((t) + 0x38u)
#define WWDG_CR  0x40002C00u
#define WWDG_CFR 0x40002C04u
#define WWDG_SR  0x40002C08u

enum {
  IRQ_WWDG = 0,
  IRQ_RTC_WKUP = 3,
  IRQ_EXTI0 = 6,
  IRQ_EXTI15_10 = 40,
  IRQ_RTC_ALARM = 41,
  IRQ_TIM1_UP = 25,
  IRQ_TIM1_CC = 27,
  IRQ_TIM2 = 28,
  IRQ_TIM6 = 54,
  MAIL_BUTTON_PIN = 8,  // of the board: 0 (port A) or 13 (port C)
  MAIL_WANT_PRESS = 9,  // 1, from the program: press and let go
};

static volatile uint32_t ticks, matches, presses, wakeups, alarms, warnings;

static void sleep_until(const volatile uint32_t *count, uint32_t wanted) {
  while (*count < wanted)
    wfi();
}

// --- timers ---

static void on_basic(void) {
  wr(SR(TIM6), ~1u & 1u);
  ticks++;
}

static void basic_timer_ticks(void) {
  set(RCC_APB1ENR, BIT(4));
  wr(PSC(TIM6), 15);  // 1 MHz
  wr(ARR(TIM6), 999);
  wr(EGR(TIM6), 1);
  wr(SR(TIM6), 0);
  wr(DIER(TIM6), 1);
  set_irq(IRQ_TIM6, on_basic, 0x20);
  const uint32_t before = rd(DWT_CYCCNT);
  wr(CR1(TIM6), 1);
  sleep_until(&ticks, 5);
  const uint32_t cycles = rd(DWT_CYCCNT) - before;
  check_true("five ticks of 1 ms", cycles >= 80000 && cycles < 80200);
  wr(CR1(TIM6), 0);
}

static void on_general(void) {
  wr(SR(TIM2), ~2u & 0x1Fu);
  matches++;
}

static void general_timer_compares(void) {
  set(RCC_APB1ENR, BIT(0));
  wr(PSC(TIM2), 15);
  wr(EGR(TIM2), 1);
  wr(CCR1(TIM2), 2000);
  wr(SR(TIM2), 0);
  wr(DIER(TIM2), 2);
  set_irq(IRQ_TIM2, on_general, 0x20);
  wr(CR1(TIM2), 1);
  sleep_until(&matches, 1);
  const uint32_t count = rd(CNT(TIM2));
  check_true("compare at 2000", count >= 2000 && count < 2010);
  wr(CCR1(TIM2), 0xFFFFFFFE);  // 32 bits
  check("wide compare", rd(CCR1(TIM2)), 0xFFFFFFFE);
  wr(CR1(TIM2), 0);
}

static void on_advanced(void) {
  wr(SR(TIM1), 0);
  ticks++;
}

static void on_advanced_match(void) {
  wr(SR(TIM1), ~2u & 0x1Fu);
  matches++;
}

// One pulse: a match, an update, then it stands.
static void advanced_timer_pulses(void) {
  ticks = matches = 0;
  set(RCC_APB2ENR, BIT(0));
  wr(ARR(TIM1), 1599);
  wr(CCR1(TIM1), 800);
  wr(SR(TIM1), 0);
  wr(DIER(TIM1), 3);
  set_irq(IRQ_TIM1_UP, on_advanced, 0x20);
  set_irq(IRQ_TIM1_CC, on_advanced_match, 0x20);
  wr(CR1(TIM1), BIT(3) | 1);
  sleep_until(&ticks, 1);
  check("one match", matches, 1);
  check("it stands", rd(CR1(TIM1)) & 1, 0);
}

// --- lines ---

static void on_button(void) {
  wr(EXTI_PR, BIT(rd(MAILBOX(MAIL_BUTTON_PIN))));
  presses++;
}

static void button_interrupts(void) {
  const uint32_t pin = rd(MAILBOX(MAIL_BUTTON_PIN)), port = pin ? 2 : 0;
  set(RCC_AHB1ENR, BIT(port));
  set(RCC_APB2ENR, BIT(14));
  wr(SYSCFG_EXTICR(1 + pin / 4), port << pin % 4 * 4);
  set(EXTI_IMR, BIT(pin));
  set(EXTI_RTSR, BIT(pin));
  set(EXTI_FTSR, BIT(pin));
  set_irq(pin ? IRQ_EXTI15_10 : IRQ_EXTI0, on_button, 0x30);
  wr(MAILBOX(MAIL_WANT_PRESS), 1);
  sleep_until(&presses, 2);
  check("both edges", presses, 2);
  clear(EXTI_IMR, BIT(pin));
}

// --- real time ---

static void on_wakeup(void) {
  wr(RTC_ISR, 0x3FFFF & ~(BIT(10) | BIT(7)));
  wr(EXTI_PR, BIT(22));
  wakeups++;
}

static void on_alarm(void) {
  wr(RTC_ISR, 0x3FFFF & ~(BIT(8) | BIT(7)));
  wr(EXTI_PR, BIT(17));
  alarms++;
}

static void wait(uint32_t addr, uint32_t bits) {
  while (!(rd(addr) & bits)) {
  }
}

// From the LSI: 32 kHz / 128 / 250.
static void start_rtc(void) {
  set(RCC_APB1ENR, BIT(28) | BIT(10));
  set(PWR_CR1, BIT(8));
  set(RCC_CSR, 1);
  wait(RCC_CSR, 2);
  set(RCC_BDCR, 2u << 8 | BIT(15));
  wr(RTC_WPR, 0xCA);
  wr(RTC_WPR, 0x53);
  set(RTC_ISR, BIT(7));
  wait(RTC_ISR, BIT(6));
  wr(RTC_PRER, 249);
  wr(RTC_PRER, 249 | 127u << 16);
  wr(RTC_TR, 0x235958);
  wr(RTC_DR, 0x231231 | 7u << 13);
  clear(RTC_ISR, BIT(7));
}

static void rtc_wakes_up(void) {
  start_rtc();
  set(EXTI_IMR, BIT(22) | BIT(17));
  set(EXTI_RTSR, BIT(22) | BIT(17));
  set_irq(IRQ_RTC_WKUP, on_wakeup, 0x40);
  wr(RTC_WUTR, 199);  // 100 ms at 32 kHz / 16
  set(RTC_CR, BIT(14) | BIT(10));
  sleep_until(&wakeups, 3);
  check("three wake-ups", wakeups, 3);
  clear(RTC_CR, BIT(10));
  set_irq(IRQ_RTC_ALARM, on_alarm, 0x40);
  wr(RTC_ALRMAR, 0x01000001);  // the 1st, 00:00:01
  set(RTC_CR, BIT(12) | BIT(8));
  sleep_until(&alarms, 1);
  check("time", rd(RTC_TR), 0x000001);
  check("date", rd(RTC_DR), 0x240101 | 1u << 13);
}

// The wake-up timer once more, its line as an event and not as an interrupt.
static void event_ends_wfe(void) {
  clear(EXTI_IMR, BIT(22));
  set(EXTI_EMR, BIT(22));
  wr(RTC_ISR, 0x3FFFF & ~(BIT(10) | BIT(7)));
  set(RTC_CR, BIT(10));
  __asm__ volatile("sev\n\twfe" ::: "memory");  // whatever came before is taken
  uint32_t waits = 0;
  for (; !(rd(RTC_ISR) & BIT(10)); waits++)
    __asm__ volatile("wfe" ::: "memory");
  check_true("an event ends WFE", waits == 1);
  clear(RTC_CR, BIT(10));
}

// --- window watchdog ---

static void on_warning(void) {
  wr(WWDG_CR, 0x7F);
  wr(WWDG_SR, 0);
  warnings++;
}

// Fed by its early warning: 0x7F to 0x40 is 16 ms at 16 MHz.
static void watchdog_warns(void) {
  set(RCC_APB1ENR, BIT(11));
  wr(WWDG_CFR, BIT(9) | 0x7F);
  set_irq(IRQ_WWDG, on_warning, 0x10);
  wr(WWDG_CR, 0xFF);
  sleep_until(&warnings, 3);
  check("three warnings", warnings, 3);
}

void guest_main(void) {
  start_cycles();
  irq_on();
  basic_timer_ticks();
  general_timer_compares();
  advanced_timer_pulses();
  button_interrupts();
  rtc_wakes_up();
  event_ends_wfe();
  watchdog_warns();
}
