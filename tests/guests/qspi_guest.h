// SPDX-License-Identifier: MIT
// QUADSPI of the 32F769I-DISCO for check programs: registers by number (RM0410 14.5)
// and whole commands, polled.
#pragma once

#include "tests/guests/guest.h"

#define QSPI        0xA0001000u
#define QSPI_CR     (QSPI + 0x00)
#define QSPI_DCR    (QSPI + 0x04)
#define QSPI_SR     (QSPI + 0x08)
#define QSPI_FCR    (QSPI + 0x0C)
#define QSPI_DLR    (QSPI + 0x10)
#define QSPI_CCR    (QSPI + 0x14)
#define QSPI_AR     (QSPI + 0x18)
#define QSPI_ABR    (QSPI + 0x1C)
#define QSPI_DR     (QSPI + 0x20)
#define QSPI_PSMKR  (QSPI + 0x24)
#define QSPI_PSMAR  (QSPI + 0x28)
#define QSPI_PIR    (QSPI + 0x2C)
#define QSPI_WINDOW 0x90000000u
#define IRQ_QSPI    92u

enum {
  Q_EN = 1,
  Q_ABORT = 2,
  Q_SMIE = 1 << 19,
  Q_APMS = 1 << 22,
  Q_TCF = 1 << 1,
  Q_SMF = 1 << 3,
  Q_BUSY = 1 << 5,
  Q_ALL_FLAGS = 0x1B,

  Q_I1 = 1 << 8,
  Q_I4 = 3 << 8,
  Q_A1 = 1 << 10,
  Q_A4 = 3 << 10,
  Q_AS24 = 2 << 12,
  Q_AS32 = 3 << 12,
  Q_D1 = 1 << 24,
  Q_D4 = 3 << 24,
  Q_READ = 1 << 26,
  Q_POLL = 2 << 26,
  Q_MAPPED = 3 << 26,
};
#define Q_DUMMY(n) ((uint32_t)(n) << 18)
#define Q_PRESC(n) ((uint32_t)(n) << 24)

// Pins, clock, 64 MB, CS# high for 4 clocks; the window closed by the MPU.
void qspi_start(uint32_t cr);
void qspi_window(bool open);  // MPU region 0

void qspi_done(void);  // waits for BUSY = 0, clears the flags
void qspi_abort(void);
void qspi_op(uint32_t ccr);
void qspi_op_at(uint32_t ccr, uint32_t address);

// The status register until no bit of `mask` is set; `lines` of Q_I1 | Q_D1 or the
// like.
void qspi_wait(uint32_t lines, uint32_t mask);
