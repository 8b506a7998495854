// SPDX-License-Identifier: MIT
#include "tests/guests/qspi_guest.h"

static void pin(char port, uint32_t number, uint32_t alternate) {
  const uint32_t base = GPIO(port), afr = base + (number < 8 ? 0x20 : 0x24);
  set(RCC_AHB1ENR, BIT(port - 'A'));
  wr(afr, (rd(afr) & ~(15u << number % 8 * 4)) | alternate << number % 8 * 4);
  wr(base + 8, rd(base + 8) | 3u << number * 2);
  wr(base + 12, rd(base + 12) & ~(3u << number * 2));
  wr(base, (rd(base) & ~(3u << number * 2)) | 2u << number * 2);
}

void qspi_window(bool open) {
  barrier();
  wr(MPU_RNR, 0);
  wr(MPU_RBAR, QSPI_WINDOW);
  wr(MPU_RASR, open ? 0 : BIT(28) | 27u << 1 | 1);
  wr(MPU_CTRL, 5);
  barrier();
}

void qspi_start(uint32_t cr) {
  qspi_window(false);
  pin('B', 6, 10);
  pin('B', 2, 9);
  pin('C', 9, 9);
  pin('C', 10, 9);
  pin('E', 2, 9);
  pin('D', 13, 9);
  set(RCC_APB2ENR, BIT(14));
  wr(SYSCFG_CMPCR, 1);
  while (!(rd(SYSCFG_CMPCR) & BIT(8))) {
  }
  set(RCC_AHB3ENR, BIT(1));
  (void)rd(RCC_AHB3ENR);
  wr(QSPI_DCR, 25u << 16 | 3u << 8);
  wr(QSPI_CR, cr | Q_EN);
}

void qspi_done(void) {
  while (rd(QSPI_SR) & Q_BUSY) {
  }
  wr(QSPI_FCR, Q_ALL_FLAGS);
}

void qspi_abort(void) {
  set(QSPI_CR, Q_ABORT);
  while (rd(QSPI_CR) & Q_ABORT) {
  }
  qspi_done();
}

void qspi_op(uint32_t ccr) {
  wr(QSPI_CCR, ccr);
  qspi_done();
}

void qspi_op_at(uint32_t ccr, uint32_t address) {
  wr(QSPI_CCR, ccr);
  wr(QSPI_AR, address);
  qspi_done();
}

void qspi_wait(uint32_t lines, uint32_t mask) {
  uint32_t status;
  do {
    wr(QSPI_DLR, 0);
    wr(QSPI_CCR, 0x05 | lines | Q_READ);
    status = rd8(QSPI_DR);
    qspi_done();
  } while (status & mask);
}
