// SPDX-License-Identifier: MIT
// QUADSPI registers (RM0410 14.5), typed by hand.
#pragma once

#include "common/base/bits.h"

#define QUADSPI_CR           0x00u
#define QUADSPI_CR_EN        FIELD_BIT(0)
#define QUADSPI_CR_ABORT     FIELD_BIT(1)
#define QUADSPI_CR_DMAEN     FIELD_BIT(2)
#define QUADSPI_CR_SSHIFT    FIELD_BIT(4)
#define QUADSPI_CR_FTHRES    FIELD(8, 5)
#define QUADSPI_CR_TCIE      FIELD_BIT(17)
#define QUADSPI_CR_SMIE      FIELD_BIT(19)
#define QUADSPI_CR_APMS      FIELD_BIT(22)
#define QUADSPI_CR_PRESCALER FIELD(24, 8)

#define QUADSPI_DCR       0x04u
#define QUADSPI_DCR_CSHT  FIELD(8, 3)
#define QUADSPI_DCR_FSIZE FIELD(16, 5)

#define QUADSPI_SR      0x08u
#define QUADSPI_SR_TCF  FIELD_BIT(1)
#define QUADSPI_SR_FTF  FIELD_BIT(2)
#define QUADSPI_SR_SMF  FIELD_BIT(3)
#define QUADSPI_SR_BUSY FIELD_BIT(5)

#define QUADSPI_FCR      0x0Cu
#define QUADSPI_FCR_CTEF FIELD_BIT(0)
#define QUADSPI_FCR_CTCF FIELD_BIT(1)
#define QUADSPI_FCR_CSMF FIELD_BIT(3)

#define QUADSPI_DLR 0x10u

#define QUADSPI_CCR             0x14u
#define QUADSPI_CCR_INSTRUCTION FIELD(0, 8)
#define QUADSPI_CCR_IMODE       FIELD(8, 2)
#define QUADSPI_CCR_ADMODE      FIELD(10, 2)
#define QUADSPI_CCR_ADSIZE      FIELD(12, 2)
#define QUADSPI_CCR_ABMODE      FIELD(14, 2)
#define QUADSPI_CCR_ABSIZE      FIELD(16, 2)
#define QUADSPI_CCR_DCYC        FIELD(18, 5)
#define QUADSPI_CCR_DMODE       FIELD(24, 2)
#define QUADSPI_CCR_FMODE       FIELD(26, 2)
#define QUADSPI_CCR_DHHC        FIELD_BIT(30)
#define QUADSPI_CCR_DDRM        FIELD_BIT(31)

#define QUADSPI_AR    0x18u
#define QUADSPI_ABR   0x1Cu
#define QUADSPI_DR    0x20u
#define QUADSPI_PSMKR 0x24u
#define QUADSPI_PSMAR 0x28u
#define QUADSPI_PIR   0x2Cu
