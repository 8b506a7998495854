// SPDX-License-Identifier: MIT
// Resets: each cause leaves its flags, everything else is as after power-on, and the
// backup registers and RAM keep their words. RTC_BKP0R counts the boots.
#include "tests/guests/guest.h"

#define CAUSES  0xFE000000u
#define PORRST  BIT(27)
#define PINRST  BIT(26)
#define BORRST  BIT(25)
#define SFTRST  BIT(28)
#define IWDGRST BIT(29)

static void unlock_backup(void) {
  set(RCC_APB1ENR, BIT(28) | BIT(10));  // PWR, RTC
  set(PWR_CR1, BIT(8));                 // DBP
}

static uint32_t causes(void) {
  const uint32_t flags = rd(RCC_CSR) & CAUSES;
  set(RCC_CSR, BIT(24));  // RMVF
  return flags;
}

static void wait_sent(void) {
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
}

// What the boot before has changed is gone.
static void check_fresh(const char *name) {
  const bool good = rd(RCC_APB1ENR) == (BIT(28) | BIT(10)) && rd(SHCSR) == 0 &&
                    rd(GPIO('A') + 0x14) == 0 && rd(SYST_CSR) == 0 &&
                    rd(RCC_CFGR) == 0 && rd(CCR) == 0x00040200;
  check(name, good, 1);
}

static void leave_traces(void) {
  wr(SHCSR, 7u << 16);
  wr(GPIO('A') + 0x14, 0x5555);
  wr(SYST_RVR, 0xFFFFFF);
  wr(SYST_CSR, 1);
  wr(RCC_CFGR, 4u << 10);
  set(CCR, BIT(17));
  barrier();
}

static void software_reset(void) {
  leave_traces();
  wr(MAILBOX(1), 0xC0FFEE);
  wait_sent();
  barrier();
  wr(AIRCR, 0x05FA0004);
  for (;;) {
  }
}

static void starve_watchdog(void) {
  leave_traces();
  wait_sent();
  wr(IWDG_KR, 0x5555);
  wr(IWDG_RLR, 10);
  wr(IWDG_KR, 0xCCCC);
  for (;;) {
  }
}

// The test pulls NRST when it sees this line.
static void wait_for_the_pin(void) {
  leave_traces();
  print("pull the pin\n");
  for (;;)
    wfi();
}

void guest_main(void) {
  unlock_backup();
  const uint32_t boot = rd(RTC_BKP0R);
  wr(RTC_BKP0R, boot + 1);
  const uint32_t flags = causes();
  switch (boot) {
    case 0:
      check("power-on.causes", flags, PORRST | PINRST | BORRST);
      check_fresh("power-on.fresh");
      software_reset();
      break;
    case 1:
      check("software.causes", flags, SFTRST | PINRST);
      check_fresh("software.fresh");
      check("software.ram-keeps", rd(MAILBOX(1)), 0xC0FFEE);
      starve_watchdog();
      break;
    case 2:
      check("watchdog.causes", flags, IWDGRST | PINRST);
      check_fresh("watchdog.fresh");
      check("watchdog.ram-keeps", rd(MAILBOX(1)), 0xC0FFEE);
      wait_for_the_pin();
      break;
    default:
      check("pin.causes", flags, PINRST);
      check_fresh("pin.fresh");
      check("pin.backup-keeps", boot, 3);
  }
}
