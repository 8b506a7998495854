// SPDX-License-Identifier: MIT
// QUADSPI served by DMA2 stream 7 channel 3, as RM0410 14.3.13 and table 28 have it: a
// page is programmed and read back, the CPU touches DR never; then by stream 2 channel
// 11. Buffers lie in DTCM, which no cache holds.
#include "tests/guests/dma.h"
#include "tests/guests/qspi_guest.h"

enum { PAGE = 256, PLACE = 0x20000, Q_DMAEN = 1 << 2 };

#define FTHRES(bytes) (((uint32_t)(bytes)-1) << 8)

static uint32_t out[PAGE / 4], in[PAGE / 4];

struct route {
  uint32_t stream, channel;
};

// Word by word, in direct mode.
static void arm(struct route r, void *buffer, uint32_t direction) {
  const uint32_t cr = DMA_CHANNEL(r.channel) | DMA_WORDS | DMA_MINC | direction;
  wr(DMA2 + DMA_LIFCR, 0x0F7D0F7D);
  wr(DMA2 + DMA_HIFCR, 0x0F7D0F7D);
  wr(DMA2 + DMA_NDTR(r.stream), PAGE / 4);
  wr(DMA2 + DMA_PAR(r.stream), QSPI_DR);
  wr(DMA2 + DMA_M0AR(r.stream), (uint32_t)(uintptr_t)buffer);
  wr(DMA2 + DMA_CR(r.stream), cr);
  barrier();
  wr(DMA2 + DMA_CR(r.stream), cr | DMA_EN);
}

static bool ended(struct route r) {
  for (uint32_t i = 0; i < 1000000; i++) {
    if (!(rd(DMA2 + DMA_CR(r.stream)) & DMA_EN)) return true;
  }
  return false;
}

static void transfer(struct route r, uint32_t ccr, void *buffer, uint32_t direction) {
  arm(r, buffer, direction);
  set(QSPI_CR, Q_DMAEN);
  wr(QSPI_DLR, PAGE - 1);
  wr(QSPI_CCR, ccr);
  wr(QSPI_AR, PLACE);
  check_true("the stream ends", ended(r));
  while (!(rd(QSPI_SR) & Q_TCF)) {
  }
  qspi_done();
  clear(QSPI_CR, Q_DMAEN);
}

static bool same(void) {
  for (uint32_t i = 0; i < PAGE / 4; i++) {
    if (in[i] != out[i]) return false;
  }
  return true;
}

static void round_trip(struct route r, uint32_t seed) {
  for (uint32_t i = 0; i < PAGE / 4; i++) {
    out[i] = (i + seed) * 0x9E3779B9u;
    in[i] = 0;
  }
  qspi_op(0x06 | Q_I1);
  qspi_op_at(0x20 | Q_I1 | Q_A1 | Q_AS24, PLACE);
  qspi_wait(Q_I1 | Q_D1, 1);
  qspi_op(0x06 | Q_I1);
  transfer(r, 0x02 | Q_I1 | Q_A1 | Q_AS24 | Q_D1, out, DMA_M2P);
  qspi_wait(Q_I1 | Q_D1, 1);
  transfer(r, 0x03 | Q_I1 | Q_A1 | Q_AS24 | Q_D1 | Q_READ, in, DMA_P2M);
  check_true("what was written is read", same());
}

void guest_main(void) {
  dma_clocks();
  qspi_start(FTHRES(4));
  round_trip((struct route){7, 3}, 1);
  round_trip((struct route){2, 11}, 2);
}
