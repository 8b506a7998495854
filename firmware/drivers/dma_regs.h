// SPDX-License-Identifier: MIT
// Registers of a DMA controller's stream 7 (RM0410 8.5), typed by hand.
#pragma once

#include "common/base/bits.h"

#define DMA_HIFCR         0x0Cu
#define DMA_HIFCR_CFEIF7  FIELD_BIT(22)
#define DMA_HIFCR_CDMEIF7 FIELD_BIT(24)
#define DMA_HIFCR_CTEIF7  FIELD_BIT(25)
#define DMA_HIFCR_CHTIF7  FIELD_BIT(26)
#define DMA_HIFCR_CTCIF7  FIELD_BIT(27)

#define DMA_S7CR       0xB8u
#define DMA_S7CR_EN    FIELD_BIT(0)
#define DMA_S7CR_DIR   FIELD(6, 2)
#define DMA_S7CR_MINC  FIELD_BIT(10)
#define DMA_S7CR_PSIZE FIELD(11, 2)
#define DMA_S7CR_MSIZE FIELD(13, 2)
#define DMA_S7CR_CHSEL FIELD(25, 4)

#define DMA_S7NDTR 0xBCu
#define DMA_S7PAR  0xC0u
#define DMA_S7M0AR 0xC4u
