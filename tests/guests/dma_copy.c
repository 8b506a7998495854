// SPDX-License-Identifier: MIT
// DMA from a program's side: memory to memory polled and by interrupt, with cached
// buffers that are maintained, and the console in both directions. Mail 0 is 1: the
// maintenance is left out.
#include "tests/guests/dma.h"

enum { WORDS = 64, LINE = 32, READY = 0xD3A };

#define FROM      0x20060000u  // SRAM1
#define TO        0x20062000u
#define IRQ_DMA20 56u

static uint32_t source[WORDS], target[WORDS];  // in DTCM
static volatile uint32_t interrupts;

static void fill(uint32_t addr, uint32_t seed) {
  for (uint32_t i = 0; i < WORDS; i++)
    wr(addr + 4 * i, seed * 0x01010101u + i);
}

static bool equal(uint32_t a, uint32_t b) {
  for (uint32_t i = 0; i < WORDS; i++) {
    if (rd(a + 4 * i) != rd(b + 4 * i)) return false;
  }
  return true;
}

static uint32_t addr_of(const void *p) {
  return (uint32_t)(uintptr_t)p;
}

static void polled(void) {
  fill(addr_of(source), 1);
  dma_start(DMA2, addr_of(target), addr_of(source), WORDS, 0);
  check_true("copy ends", dma_wait(DMA2));
  check("nothing is left", rd(DMA2 + DMA_NDTR(0)), 0);
  check("stream is off", rd(DMA2 + DMA_CR(0)) & DMA_EN, 0);
  check_true("tightly coupled memory", equal(addr_of(source), addr_of(target)));
}

static void on_stream(void) {
  wr(DMA2 + DMA_LIFCR, DMA_TCIF0);
  interrupts++;
  barrier();
}

static void by_interrupt(void) {
  fill(addr_of(source), 2);
  set_irq(IRQ_DMA20, on_stream, 0x40);
  dma_start(DMA2, addr_of(target), addr_of(source), WORDS, DMA_TCIE);
  while (!interrupts)
    wfi();
  check_true("asleep meanwhile", equal(addr_of(source), addr_of(target)));
  check("one interrupt", interrupts, 1);
  wr(NVIC_ICER(1), BIT(IRQ_DMA20 - 32));
}

static void caches_on(void) {
  barrier();
  for (uint32_t line = 0; line < 512; line++)
    wr(DCISW, (line & 3) << 30 | line >> 2 << 5);
  wr(ICIALLU, 0);
  barrier();
  set(CCR, BIT(16) | BIT(17));
  barrier();
}

static void by_lines(uint32_t operation, uint32_t addr) {
  barrier();
  for (uint32_t at = 0; at < 4 * WORDS; at += LINE)
    wr(operation, addr + at);
  barrier();
}

static void cached(bool maintained) {
  caches_on();
  fill(TO, 9);
  by_lines(DCCIMVAC, TO);  // no dirty line may fall on what comes
  fill(FROM, 3);
  if (maintained) by_lines(DCCMVAC, FROM);
  dma_start(DMA2, TO, FROM, WORDS, 0);
  check_true("cached copy ends", dma_wait(DMA2));
  if (maintained) by_lines(DCIMVAC, TO);
  check_true("cached memory", equal(FROM, TO));
}

// The MPU says that there is nothing to maintain.
static void uncached_region(void) {
  const uint32_t from = 0x20064000, to = 0x20065000;
  wr(MPU_RNR, 1);
  wr(MPU_RBAR, from);
  wr(MPU_RASR, BIT(28) | 3u << 24 | 1u << 19 | 13u << 1 | 1);  // 16 KB, TEX 1
  wr(MPU_CTRL, 5);
  barrier();
  fill(from, 4);
  dma_start(DMA2, to, from, WORDS, 0);
  dma_wait(DMA2);
  check_true("uncached region", equal(from, to));
}

// Code that a master brings, and brings again to the same place.
static void code(void) {
  const uint32_t place = 0x20061000;
  for (uint32_t value = 1; value <= 2; value++) {
    source[0] = 0x47702000u | value;  // movs r0, #value; bx lr
    dma_start(DMA2, place, addr_of(source), 1, 0);
    dma_wait(DMA2);
    barrier();
    check("code", ((uint32_t(*)(void))(place | 1u))(), value);
  }
}

// "ok" of the console's own sending is what the host sees.
static void console_out(void) {
  static const char text[] = "ok console by DMA\n";
  wr(DMA2 + DMA_HIFCR, 0x0F400000);
  wr(DMA2 + DMA_PAR(7), USART1_TDR);
  wr(DMA2 + DMA_M0AR(7), addr_of(text));
  wr(DMA2 + DMA_NDTR(7), sizeof text - 1);
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  wr(DMA2 + DMA_CR(7), DMA_CHANNEL(4) | DMA_M2P | DMA_MINC | DMA_EN);
  set(0x40011008, BIT(7));  // CR3.DMAT
  while (!(rd(DMA2 + DMA_HISR) & BIT(27))) {
  }
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  clear(0x40011008, BIT(7));
}

// Ten characters from the host into a ring of four.
static void console_in(void) {
  set(GPIO('A') + 0x24, 7u << 8);  // PA10: AF7
  set(GPIO('A'), 2u << 20);
  wr(DMA2 + DMA_PAR(2), 0x40011024);
  wr(DMA2 + DMA_M0AR(2), addr_of(target));
  wr(DMA2 + DMA_NDTR(2), 4);
  wr(DMA2 + DMA_CR(2), DMA_CHANNEL(4) | DMA_P2M | DMA_MINC | DMA_CIRC | DMA_EN);
  set(0x40011008, BIT(6));  // CR3.DMAR
  set(USART1_CR1, BIT(2));
  wr(MAILBOX(1), READY);
  for (uint32_t rounds = 0; rounds < 2; rounds++) {
    while (!(rd(DMA2 + DMA_LISR) & BIT(21))) {
    }
    wr(DMA2 + DMA_LIFCR, BIT(21));
  }
  while (rd(DMA2 + DMA_NDTR(2)) != 2) {
  }
  check("ring of characters", target[0], 0x68676A69);  // i, j, g, h
  wr(DMA2 + DMA_CR(2), 0);
}

void guest_main(void) {
  dma_clocks();
  polled();
  by_interrupt();
  code();
  console_out();
  console_in();
  cached(rd(MAILBOX(0)) == 0);
  uncached_region();
}
