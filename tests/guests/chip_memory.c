// SPDX-License-Identifier: MIT
// Memories that must be asked for: SDRAM, backup SRAM; and random numbers.
#include "tests/guests/guest.h"

#define SDRAM     0xC0000000u
#define SDRAM_END 0xC1000000u
#define BACKUP    0x40024000u
#define RNG_CR    0x50060800u
#define RNG_SR    0x50060804u
#define RNG_DR    0x50060808u

// --- SDRAM ---

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

static void pause_100_us(void) {
  for (uint32_t i = 0; i < 1000; i++)
    __asm__ volatile("nop\n\tnop\n\tnop");
}

static void send(uint32_t command) {
  wr(FMC_SDCMR, command | BIT(4));
  while (rd(FMC_SDSR) & BIT(5)) {
  }
}

NOINLINE static void start_sdram(void) {
  set(RCC_AHB3ENR, BIT(0));
  wr(FMC_SDCR1, 0x64 | 3u << 7 | 2u << 10 | BIT(12));
  wr(FMC_SDTR1, 0x01115351);
  send(1);
  pause_100_us();
  send(2);
  send(3 | 7u << 5);
  send(4 | 0x230u << 9);
  wr(FMC_SDRTR, 100u << 1);
}

// Closed before there was anything to close: 32 MB, no access, the rest by default.
static void forbid_sdram(bool on) {
  wr(MPU_RBAR, SDRAM);
  wr(MPU_RASR, on ? BIT(28) | BIT(17) | BIT(16) | 24u << 1 | 1 : 0);
  wr(MPU_CTRL, on ? 5 : 0);
  barrier();
}

static void sdram(void) {
  set_vector(EXC_HARDFAULT, on_fault);
  load_from(SDRAM);
  check("a fault before the start", faults, 1);
  forbid_sdram(true);
  start_sdram();
  load_from(SDRAM);
  check("a fault where the MPU forbids it", faults, 2);
  forbid_sdram(false);
  for (uint32_t a = SDRAM; a < SDRAM_END; a += 0x10004)
    wr(a, a ^ 0x5A5A5A5A);
  uint32_t wrong = 0;
  for (uint32_t a = SDRAM; a < SDRAM_END; a += 0x10004)
    wrong += rd(a) != (a ^ 0x5A5A5A5A);
  check("words that differ", wrong, 0);
  wr8(SDRAM + 5, 0x77);
  wr16(SDRAM + 6, 0x9988);
  check("bytes and halves", rd(SDRAM + 4) >> 8, 0x998877);
  load_from(SDRAM_END);
  check("a fault behind it", faults, 3);
}

// --- backup SRAM ---

static void backup(void) {
  set(RCC_APB1ENR, BIT(28));
  set(RCC_AHB1ENR, BIT(18));
  set(PWR_CR1, BIT(8));
  if (rd(BACKUP) == 0xB0B0CAFE) {
    check("kept over a reset", rd(BACKUP + 4092), 0x12345678);
    return;
  }
  wr(BACKUP, 0xB0B0CAFE);
  wr(BACKUP + 4092, 0x12345678);
  wr8(BACKUP + 9, 0x55);
  check("a byte", rd8(BACKUP + 9), 0x55);
  print("again\n");
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  wr(AIRCR, 0x05FA0004);
  for (;;) {
  }
}

// --- random numbers ---

// 48 MHz: 16 MHz / 16 x 192 / 4.
static void random_numbers(void) {
  wr(RCC_PLLCFGR, 2u << 28 | 4u << 24 | 192u << 6 | 16);
  set(RCC_CR, BIT(24));
  while (!(rd(RCC_CR) & BIT(25))) {
  }
  set(RCC_AHB2ENR, BIT(6));
  wr(RNG_CR, BIT(2));
  uint32_t last = 0, same = 0;
  for (uint32_t i = 0; i < 100; i++) {
    while (!(rd(RNG_SR) & 1)) {
    }
    const uint32_t word = rd(RNG_DR);
    same += word == last;
    last = word;
  }
  check("no word twice", same, 0);
  check("no error", rd(RNG_SR) & 0x66, 0);
}

void guest_main(void) {
  backup();
  sdram();
  random_numbers();
}
