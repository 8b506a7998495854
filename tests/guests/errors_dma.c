// SPDX-License-Identifier: MIT
// Guest errors of bus masters: streams set up wrongly, memory out of reach, caches
// that nobody maintained.
#include "tests/guests/dma.h"
#include "tests/guests/errors.h"

#define CACHED 0x20060000u  // SRAM1, far from this program
#define TCM    0x20010000u
#define ITCM   0x00000000u

static void copy(uint32_t base, uint32_t to, uint32_t from, uint32_t more) {
  dma_clocks();
  dma_start(base, to, from, 8, more);
  if (rd(base + DMA_CR(0)) & DMA_EN) dma_wait(base);
}

static void dma_config(bool bad) {
  copy(DMA2, TCM, TCM + 0x100, bad ? DMA_CIRC : 0);
}

static void dma_align(bool bad) {
  copy(DMA2, TCM, TCM + (bad ? 0x101 : 0x100), 0);
}

static void dma1_memory(bool bad) {
  copy(bad ? DMA1 : DMA2, TCM, TCM + 0x100, 0);
}

static void dma_reach(bool bad) {
  copy(DMA2, TCM, bad ? ITCM : TCM + 0x100, 0);
}

static void dma_not_clean(bool bad) {
  caches_on();
  wr(CACHED, 0x12345678);
  barrier();
  if (!bad) wr(DCCMVAC, CACHED);
  barrier();
  copy(DMA2, TCM, CACHED, 0);
}

static void dma_stale(bool bad) {
  caches_on();
  copy(DMA2, CACHED, TCM, 0);
  barrier();
  if (!bad) wr(DCIMVAC, CACHED);
  barrier();
  (void)rd(CACHED + 4);
}

const struct error_case dma_cases[] = {
    {"dma-config", dma_config},
    {"dma-align", dma_align},
    {"dma1-memory", dma1_memory},
    {"dma-reach", dma_reach},
    {"dma-not-clean", dma_not_clean},
    {"dma-stale", dma_stale},
    {NULL, NULL},
};
