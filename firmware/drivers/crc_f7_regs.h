// SPDX-License-Identifier: MIT
// CRC unit registers (RM0410 12.4), typed by hand.
#pragma once

#include "common/base/bits.h"

#define CRC_DR         0x00u
#define CRC_CR         0x08u
#define CRC_CR_RESET   FIELD_BIT(0)
#define CRC_CR_REV_IN  FIELD(5, 2)
#define CRC_CR_REV_OUT FIELD_BIT(7)
#define CRC_INIT       0x10u
