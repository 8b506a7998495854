// SPDX-License-Identifier: MIT
// DMA controllers by number (RM0410 8.5), and one copy by DMA2 stream 0.
#pragma once

#include "tests/guests/guest.h"

#define DMA1        0x40026000u
#define DMA2        0x40026400u
#define DMA_LISR    0x00u
#define DMA_HISR    0x04u
#define DMA_LIFCR   0x08u
#define DMA_HIFCR   0x0Cu
#define DMA_CR(n)   (0x10u + 0x18u * (n))
#define DMA_NDTR(n) (0x14u + 0x18u * (n))
#define DMA_PAR(n)  (0x18u + 0x18u * (n))
#define DMA_M0AR(n) (0x1Cu + 0x18u * (n))
#define DMA_M1AR(n) (0x20u + 0x18u * (n))
#define DMA_FCR(n)  (0x24u + 0x18u * (n))

#define DMA_EN         BIT(0)
#define DMA_TCIE       BIT(4)
#define DMA_P2M        0u
#define DMA_M2P        (1u << 6)
#define DMA_M2M        (2u << 6)
#define DMA_CIRC       BIT(8)
#define DMA_PINC       BIT(9)
#define DMA_MINC       BIT(10)
#define DMA_WORDS      (2u << 11 | 2u << 13)
#define DMA_CHANNEL(n) ((uint32_t)(n) << 25)
#define DMA_TCIF0      BIT(5)
#define DMA_TEIF0      BIT(3)

static inline void dma_clocks(void) {
  set(RCC_AHB1ENR, BIT(21) | BIT(22));
  (void)rd(RCC_AHB1ENR);
}

// Starts a copy of words by stream 0 of `base`.
static inline void dma_start(uint32_t base, uint32_t to, uint32_t from, uint32_t words,
                             uint32_t more) {
  wr(base + DMA_LIFCR, 0x3D);
  wr(base + DMA_PAR(0), from);
  wr(base + DMA_M0AR(0), to);
  wr(base + DMA_NDTR(0), words);
  wr(base + DMA_FCR(0), BIT(2) | 3);
  const uint32_t cr = DMA_M2M | DMA_PINC | DMA_MINC | DMA_WORDS | more;
  wr(base + DMA_CR(0), cr);
  barrier();
  wr(base + DMA_CR(0), cr | DMA_EN);
}

// True: all of it was copied.
static inline bool dma_wait(uint32_t base) {
  while (!(rd(base + DMA_LISR) & (DMA_TCIF0 | DMA_TEIF0))) {
  }
  return (rd(base + DMA_LISR) & (DMA_TCIF0 | DMA_TEIF0)) == DMA_TCIF0;
}
