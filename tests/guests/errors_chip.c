// SPDX-License-Identifier: MIT
// Guest errors of registers, buses, clocks, resets and the core.
#include "tests/guests/errors.h"

static void clock_off(bool bad) {
  if (!bad) set(RCC_AHB1ENR, BIT(9));
  (void)rd(GPIO('J') + 0x10);
}

static void in_reset(bool bad) {
  set(RCC_AHB1ENR, BIT(9));
  wr(RCC_AHB1RSTR, BIT(9));
  if (!bad) wr(RCC_AHB1RSTR, 0);
  (void)rd(GPIO('J') + 0x10);
  wr(RCC_AHB1RSTR, 0);
}

static void reserved_bits(bool bad) {
  wr(RCC_AHB3ENR, bad ? 0x81 : 0x01);
}

static void bad_register(bool bad) {
  (void)rd(bad ? 0x40023A00 : RCC_CR);
}

static void bad_width(bool bad) {
  if (bad) {
    (void)rd8(SYST_CSR);
  } else {
    (void)rd(SYST_CSR);
  }
}

static void read_only(bool bad) {
  if (bad) {
    wr(GPIO('A') + 0x10, 0);  // IDR
  } else {
    wr(GPIO('A') + 0x14, 0);  // ODR
  }
}

static volatile uint32_t faults;

__attribute__((used)) static void skip_access(uint32_t *frame) {
  faults++;
  frame[6] = frame[5] & ~1u;  // out of the function that did it
}

__attribute__((naked)) static void on_fault(void) {
  __asm__ volatile("mrs r0, msp\n\tb skip_access");
}

__attribute__((naked)) static void load_from(uint32_t addr) {
  (void)addr;
  __asm__ volatile("ldr r0, [r0]\n\tbx lr");
}

static void bus_error(bool bad) {
  set_vector(EXC_HARDFAULT, on_fault);
  load_from(bad ? 0xB0000000 : 0x20000000);
}

static void pin_af(bool bad) {
  // USART1 sends, but its pin is an input.
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  if (bad) clear(GPIO('A'), 3u << 18);
  wr(USART1_TDR, 'x');
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  if (bad) set(GPIO('A'), 2u << 18);
}

// --- clocks
// ------------------------------------------------------------------------------

static void wait_states(bool bad) {
  clock_96_mhz(bad ? 2 : 3);
}

static void over_drive(bool bad) {
  clock_216_mhz(!bad);
}

static void clock_limit(bool bad) {
  // 16 MHz / 16 x N: the VCO ends at 432 MHz.
  wr(RCC_PLLCFGR, 2u << 28 | 9u << 24 | (bad ? 433u : 432u) << 6 | 16);
  set(RCC_CR, BIT(24));
}

static void clock_sequence(bool bad) {
  wr(RCC_PLLCFGR, 2u << 28 | 9u << 24 | BIT(22) | 432u << 6 | 25);
  set(RCC_CR, BIT(16));
  while (!bad && !(rd(RCC_CR) & BIT(17))) {
  }
  set(RCC_CR, BIT(24));
}

// --- watchdog, backup
// ----------------------------------------------------------------------

#define IWDGRST BIT(29)

static void watchdog(bool bad) {
  if (rd(RCC_CSR) & IWDGRST) return;  // after what must happen
  wr(IWDG_KR, 0x5555);
  wr(IWDG_RLR, 100);  // 12.6 ms
  wr(IWDG_KR, 0xCCCC);
  for (uint32_t i = 0; i < 20; i++) {
    pause_us(1000);
    if (!bad) wr(IWDG_KR, 0xAAAA);
  }
}

// The LSI, which starts with the watchdog, carries the values over.
static void watchdog_busy(bool bad) {
  wr(IWDG_KR, 0xCCCC);
  wr(IWDG_KR, 0x5555);
  wr(IWDG_RLR, 100);
  while (!bad && rd(0x4000300C)) {
  }
  wr(IWDG_RLR, 200);
}

static void backup_locked(bool bad) {
  set(RCC_APB1ENR, BIT(28) | BIT(10));
  if (!bad) set(PWR_CR1, BIT(8));
  wr(RTC_BKP0R, 1);
}

static void rtc_locked(bool bad) {
  set(RCC_APB1ENR, BIT(28) | BIT(10));
  set(PWR_CR1, BIT(8));
  wr(RTC_WPR, 0xCA);
  wr(RTC_WPR, bad ? 0 : 0x53);
  wr(RTC_CR, BIT(5));
}

// --- outside the chip
// ----------------------------------------------------------------------

// The test's other end reads 1 Mbaud.
static void uart_baud(bool bad) {
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  wr(USART1_CR1, 0);
  wr(USART1_BRR, bad ? 17 : 16);
  wr(USART1_CR1, BIT(0) | BIT(3));
  wr(USART1_TDR, 'x');
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
}

// MT48LC4M32B2: 8 columns, 12 rows, 32 bits, 4 banks, CAS 3, HCLK / 2.
static void sdram(bool bad) {
  set(RCC_AHB3ENR, BIT(0));
  wr(FMC_SDCR1, 0x64 | 3u << 7 | 2u << 10);
  wr(FMC_SDCMR, 1 | BIT(4));
  if (!bad) pause_us(1000);
  wr(FMC_SDCMR, 2 | BIT(4));
}

// --- core
// --------------------------------------------------------------------------------

static void vector_table(bool bad) {
  const uint32_t table = rd(VTOR);
  wr(VTOR, bad ? 0x20000100 : 0x20000200);
  wr(VTOR, table);
}

static void mpu_config(bool bad) {
  wr(MPU_RNR, 1);
  wr(MPU_RBAR, bad ? 0x60000400 : 0x60000800);
  wr(MPU_RASR, 3u << 24 | 10u << 1 | 1);  // 2 KB
  wr(MPU_CTRL, 5);
  wr(MPU_CTRL, 0);
}

static volatile bool fault_again;

static void on_first_fault(void) {
  if (fault_again) __asm__ volatile("udf #0");
}

__attribute__((naked)) static void on_lockup_fault(void) {
  __asm__ volatile(
      "push {r4, lr}\n\tbl %c0\n\tpop {r4, lr}\n\tmrs r0, msp\n\tb skip_access" ::"i"(
          on_first_fault));
}

static void lockup(bool bad) {
  fault_again = bad;
  set_vector(EXC_HARDFAULT, on_lockup_fault);
  load_from(0x20000000);
  __asm__ volatile("bl 1f\n\tb 2f\n1:\tudf #0\n2:" ::
                       : "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc");
}

// --- writes that come to nothing

static void aircr_key(bool bad) {
  wr(0xE000ED0C, (bad ? 0x05FB0000u : 0x05FA0000u) | 3u << 8);
}

static void locked_pins(bool bad) {
  set(RCC_AHB1ENR, BIT(9));
  const uint32_t lckr = GPIO('J') + 0x1C;
  wr(lckr, BIT(16) | 1);
  wr(lckr, 1);
  wr(lckr, BIT(16) | 1);
  (void)rd(lckr);
  set(GPIO('J'), bad ? 1 : 1u << 2);
}

static void lost_byte(bool bad) {
  for (uint32_t i = 0; i < 3; i++) {
    while (!bad && !(rd(USART1_ISR) & BIT(7))) {
    }
    wr(USART1_TDR, 'x');
  }
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
}

const struct error_case chip_cases[] = {
    {"clock-off", clock_off},
    {"in-reset", in_reset},
    {"reserved-bits", reserved_bits},
    {"bad-register", bad_register},
    {"bad-width", bad_width},
    {"read-only", read_only},
    {"bus-error", bus_error},
    {"pin-af", pin_af},
    {"wait-states", wait_states},
    {"over-drive", over_drive},
    {"clock-limit", clock_limit},
    {"clock-sequence", clock_sequence},
    {"watchdog", watchdog},
    {"watchdog-busy", watchdog_busy},
    {"backup-locked", backup_locked},
    {"vector-table", vector_table},
    {"mpu-config", mpu_config},
    {"lockup", lockup},
    {"dropped-write", aircr_key},
    {"dropped-write/lckr", locked_pins},
    {"dropped-write/tdr", lost_byte},
    {"rtc-locked", rtc_locked},
    {"uart-baud", uart_baud},
    {"sdram", sdram},
    {NULL, NULL},
};
