// SPDX-License-Identifier: MIT
// What reads of the memory-mapped QSPI flash cost, in core clocks, with the core at 16
// MHz and SCLK the same: 8 clocks a byte on one line, a header of 8 + 24 clocks once.
// Uncached words, uncached again, through the D-cache, and code run in place.
#include "tests/guests/guest.h"

#define QSPI   0xA0001000u
#define WINDOW 0x90000000u

enum { READ_BYTES = 4096, CODE = 0x2000, CODE_BYTES = 512 };

static void pin(char port, uint32_t number, uint32_t alternate) {
  const uint32_t base = GPIO(port), afr = base + (number < 8 ? 0x20 : 0x24);
  set(RCC_AHB1ENR, BIT(port - 'A'));
  set(afr, alternate << number % 8 * 4);
  set(base + 8, 3u << number * 2);
  clear(base, 3u << number * 2);
  set(base, 2u << number * 2);
}

static void map(void) {
  static const char ports[] = {'B', 'B', 'C', 'C', 'E', 'D'};
  static const uint8_t numbers[] = {6, 2, 9, 10, 2, 13};
  for (uint32_t i = 0; i < 6; i++)
    pin(ports[i], numbers[i], i ? 9 : 10);
  set(RCC_AHB3ENR, BIT(1));
  (void)rd(RCC_AHB3ENR);
  wr(QSPI + 0x04, 25u << 16);
  wr(QSPI, 1);
  wr(QSPI + 0x14, 0x03 | BIT(8) | BIT(10) | 2u << 12 | BIT(24) | 3u << 26);
}

// One region for the whole window: not cacheable (TEX 1), or write-through, and as
// large as the chip.
static void set_region(bool cached) {
  barrier();
  wr(MPU_RNR, 0);
  wr(MPU_RBAR, WINDOW);
  wr(MPU_RASR, 3u << 24 | (cached ? BIT(17) : 1u << 19) | 25u << 1 | 1);
  wr(MPU_CTRL, 5);
  barrier();
}

static uint32_t cycles(void) {
  return rd(DWT_CYCCNT);
}

static uint32_t read_words(uint32_t bytes) {
  const uint32_t start = cycles();
  for (uint32_t at = 0; at < bytes; at += 4)
    (void)rd(WINDOW + at);
  return cycles() - start;
}

// The bus alone takes `bus` clocks; the loop around it runs while the bus works.
static void check_cost(const char *name, uint32_t measured, uint32_t bus) {
  const bool good = measured >= bus && measured < bus + bus / 8 + 100;
  check(name, measured, good ? measured : bus);
}

// The test has put CODE_BYTES of NOPs and a return at WINDOW + CODE.
static uint32_t run_code(void) {
  void (*volatile code)(void) = (void (*)(void))(uintptr_t)(WINDOW + CODE + 1);
  const uint32_t start = cycles();
  code();
  return cycles() - start;
}

void guest_main(void) {
  start_cycles();
  set_region(false);
  map();
  check_cost("window.256-words", read_words(1024), 1024 * 8);
  check_cost("window.1024-words", read_words(READ_BYTES), READ_BYTES * 8);
  check_cost("window.code", run_code(), CODE_BYTES * 8);
  set_region(true);
  wr(ICIALLU, 0);
  for (uint32_t line = 0; line < 512; line++)
    wr(DCISW, (line & 3) << 30 | line >> 2 << 5);
  barrier();
  set(CCR, BIT(16) | BIT(17));
  barrier();
  check_cost("window.cached-first", read_words(READ_BYTES), READ_BYTES * 8);
  check_true("window.cached-again", read_words(READ_BYTES) < READ_BYTES * 4);
  check_cost("window.cached-code-first", run_code(), CODE_BYTES * 8);
  check_true("window.cached-code-again", run_code() < CODE_BYTES * 2);
}
