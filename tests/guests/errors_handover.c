// SPDX-License-Identifier: MIT
// A bootloader that starts the application (which the test has put behind 0x08010000)
// with one thing left as an application must not find it; mended, it leaves nothing.
#include "tests/guests/errors.h"

static void as_after_reset(void) {
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  wr(NVIC_ICER(0), 0xFFFFFFFF);
  wr(USART1_CR1, 0);
  wr(RCC_APB2ENR, 0);
  wr(RCC_AHB1ENR, 0x00100000);
  wr(VTOR, 0x08010000);
  barrier();
}

__attribute__((noreturn)) static void start_application(void) {
  __asm__ volatile("msr msp, %0\n\tbx %1" ::"r"(rd(0x08010000)), "r"(rd(0x08010004)));
  __builtin_unreachable();
}

static void interrupts(void) {
  wr(NVIC_ISER(0), BIT(6));
}

static void vtor(void) {
  wr(VTOR, 0x08000000);
}

static void pending(void) {
  wr(ICSR, BIT(28));  // PendSV, which PRIMASK keeps back
  __asm__ volatile("cpsid i");
}

static void priorities(void) {
  wr(0xE000E400, 0x10);
}

static void primask(void) {
  __asm__ volatile("cpsid i");
}

static void faultmask(void) {
  __asm__ volatile("cpsid f");
}

static void basepri(void) {
  __asm__ volatile("msr basepri, %0" ::"r"(0x10));
}

static void control(void) {
  __asm__ volatile("msr control, %0\n\tisb" ::"r"(1));
}

static void fault_handlers(void) {
  set(0xE000ED24, BIT(16));
}

static void systick(void) {
  wr(SYST_RVR, 0xFFFFFF);
  wr(SYST_CSR, 5);
}

static void caches(void) {
  caches_on();
}

static void protection(void) {
  wr(MPU_CTRL, 5);
}

static void a_clock(void) {
  set(RCC_AHB1ENR, BIT(9));
}

static void crystal(void) {
  start_crystal();
}

static void lsi(void) {
  set(RCC_CSR, 1);
}

static void backup(void) {
  set(RCC_APB1ENR, BIT(28));
  set(PWR_CR1, BIT(8));
  clear(RCC_APB1ENR, BIT(28));
}

static void unlocked(void) {
  wr(0x40023C04, 0x45670123);
  wr(0x40023C04, 0xCDEF89AB);
}

static void latency(void) {
  wr(FLASH_ACR, 7);
}

static void compensation(void) {
  compensation_on();
  clear(RCC_APB2ENR, BIT(14));
}

static void usart(void) {
  set(RCC_APB2ENR, BIT(4));
  wr(USART1_CR1, 1);
  clear(RCC_APB2ENR, BIT(4));
}

static void qspi(void) {
  set(RCC_AHB3ENR, BIT(1));
  wr(0xA0001000, 1);
  clear(RCC_AHB3ENR, BIT(1));
}

#define LEAVES(mistake)                    \
  static void leaves_##mistake(bool bad) { \
    as_after_reset();                      \
    if (bad) mistake();                    \
    start_application();                   \
  }
#define CASE(name, mistake) \
  { "hand-over/" name, leaves_##mistake }

LEAVES(interrupts)
LEAVES(vtor)
LEAVES(pending)
LEAVES(priorities)
LEAVES(primask)
LEAVES(faultmask)
LEAVES(basepri)
LEAVES(control)
LEAVES(fault_handlers)
LEAVES(systick)
LEAVES(caches)
LEAVES(protection)
LEAVES(a_clock)
LEAVES(crystal)
LEAVES(lsi)
LEAVES(backup)
LEAVES(unlocked)
LEAVES(latency)
LEAVES(compensation)
LEAVES(usart)
LEAVES(qspi)

const struct error_case handover_cases[] = {
    {"hand-over", leaves_interrupts},
    CASE("vtor", vtor),
    CASE("pending", pending),
    CASE("priorities", priorities),
    CASE("primask", primask),
    CASE("faultmask", faultmask),
    CASE("basepri", basepri),
    CASE("control", control),
    CASE("fault-handlers", fault_handlers),
    CASE("systick", systick),
    CASE("caches", caches),
    CASE("mpu", protection),
    CASE("clock", a_clock),
    CASE("crystal", crystal),
    CASE("lsi", lsi),
    CASE("backup", backup),
    CASE("flash", unlocked),
    CASE("latency", latency),
    CASE("compensation", compensation),
    CASE("usart", usart),
    CASE("qspi", qspi),
    {NULL, NULL},
};
