// SPDX-License-Identifier: MIT
// The workload that the simulator's speed is measured with (tools/bench): what firmware
// does, mixed. At 216 MHz with caches on: a 10 kHz SysTick that pends PendSV, matrices
// in single precision, copies and checksums of 4 KB, an integer sort, a GPIO toggled
// and read back. It never sleeps, never ends, and counts its rounds in MAILBOX(1).
#include "tests/guests/guest.h"

enum { WORDS = 1024, ORDER = 8, NUMBERS = 128 };

static uint32_t source[WORDS], target[WORDS];
static float matrix[3][ORDER][ORDER];
static uint16_t numbers[NUMBERS];
static volatile uint32_t ticks, switches;

static void on_tick(void) {
  ticks++;
  wr(ICSR, BIT(28));
}

static void on_switch(void) {
  switches++;
}

// 25 MHz / 25 x 432 / 2 with over-drive; APB1 54 MHz, APB2 108 MHz (RM0410 5.2, 4.1.4).
static void wait_for(uint32_t addr, uint32_t bits, uint32_t value) {
  while ((rd(addr) & bits) != value) {
  }
}

static void clock_216_mhz(void) {
  set(RCC_CR, BIT(16));
  wait_for(RCC_CR, BIT(17), BIT(17));
  wr(RCC_PLLCFGR, 2u << 28 | 9u << 24 | BIT(22) | 432u << 6 | 25);
  set(RCC_APB1ENR, BIT(28));
  (void)rd(RCC_APB1ENR);
  set(PWR_CR1, BIT(16));
  wait_for(PWR_CSR1, BIT(16), BIT(16));
  set(PWR_CR1, BIT(17));
  wait_for(PWR_CSR1, BIT(17), BIT(17));
  wr(FLASH_ACR, 7);
  set(RCC_CR, BIT(24));
  wait_for(RCC_CR, BIT(25), BIT(25));
  wr(RCC_CFGR, 5u << 10 | 4u << 13);
  wr(RCC_CFGR, 5u << 10 | 4u << 13 | 2);
  wait_for(RCC_CFGR, 3u << 2, 2u << 2);
}

static void caches_on(void) {
  barrier();
  wr(ICIALLU, 0);
  for (uint32_t line = 0; line < 512; line++)
    wr(DCISW, (line & 3) << 30 | line >> 2 << 5);
  barrier();
  set(CCR, BIT(16) | BIT(17));
  barrier();
}

NOINLINE static void copy(uint32_t *to, const uint32_t *from, uint32_t words) {
  for (uint32_t i = 0; i < words; i += 4) {
    to[i] = from[i];
    to[i + 1] = from[i + 1];
    to[i + 2] = from[i + 2];
    to[i + 3] = from[i + 3];
  }
}

NOINLINE static uint32_t checksum(const uint32_t *words, uint32_t count) {
  uint32_t a = 1, b = 0;
  for (uint32_t i = 0; i < count; i++) {
    a += words[i] ^ (words[i] >> 16);
    b += a;
  }
  return b << 16 | (a & 0xFFFF);
}

NOINLINE static void multiply(float (*out)[ORDER], float (*x)[ORDER],
                              float (*y)[ORDER]) {
  for (uint32_t i = 0; i < ORDER; i++) {
    for (uint32_t j = 0; j < ORDER; j++) {
      float sum = 0;
      for (uint32_t k = 0; k < ORDER; k++)
        sum += x[i][k] * y[k][j];
      out[i][j] = sum / 4;
    }
  }
}

NOINLINE static void sort(uint16_t *n, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    const uint16_t value = n[i];
    uint32_t at = i;
    for (; at > 0 && n[at - 1] > value; at--)
      n[at] = n[at - 1];
    n[at] = value;
  }
}

NOINLINE static void registers(void) {
  for (uint32_t i = 0; i < 64; i++) {
    wr(GPIO('J') + 0x18, i & 1 ? BIT(13) : BIT(13 + 16));
    if (!(rd(GPIO('J') + 0x14) & BIT(13)) != !(i & 1)) wr(MAILBOX(1), 0xBAD);
  }
}

static void fill(uint32_t seed) {
  for (uint32_t i = 0; i < NUMBERS; i++) {
    seed = seed * 1664525u + 1013904223u;
    numbers[i] = (uint16_t)(seed >> 16);
  }
}

static void round_of_everything(uint32_t seed) {
  fill(seed);
  sort(numbers, NUMBERS);
  copy(target, source, WORDS);
  source[seed % WORDS] = checksum(target, WORDS);
  multiply(matrix[2], matrix[0], matrix[1]);
  multiply(matrix[0], matrix[2], matrix[1]);
  registers();
}

void guest_main(void) {
  clock_216_mhz();
  caches_on();
  set(RCC_AHB1ENR, BIT(9));
  set(GPIO('J'), BIT(26));
  set_vector(EXC_SYSTICK, on_tick);
  set_vector(EXC_PENDSV, on_switch);
  wr8(SHPR(EXC_PENDSV), 0xF0);
  for (uint32_t i = 0; i < ORDER * ORDER; i++)
    matrix[0][i / ORDER][i % ORDER] = matrix[1][i / ORDER][i % ORDER] = (float)i / 64;
  wr(SYST_RVR, 21600 - 1);
  wr(SYST_CVR, 0);
  wr(SYST_CSR, 7);
  for (uint32_t i = 0;; i++) {
    round_of_everything(i);
    wr(MAILBOX(1), i + 1);
  }
}
