// SPDX-License-Identifier: MIT
// Flash interface registers of the STM32F7 (RM0410 3.7), typed by hand.
#pragma once

#include "common/base/bits.h"

#define FLASH_ACR         0x00u
#define FLASH_ACR_LATENCY FIELD(0, 4)
#define FLASH_ACR_PRFTEN  FIELD_BIT(8)
#define FLASH_ACR_ARTEN   FIELD_BIT(9)
#define FLASH_ACR_ARTRST  FIELD_BIT(11)

#define FLASH_KEYR 0x04u

#define FLASH_SR        0x0Cu
#define FLASH_SR_EOP    FIELD_BIT(0)
#define FLASH_SR_OPERR  FIELD_BIT(1)
#define FLASH_SR_WRPERR FIELD_BIT(4)
#define FLASH_SR_PGAERR FIELD_BIT(5)
#define FLASH_SR_PGPERR FIELD_BIT(6)
#define FLASH_SR_ERSERR FIELD_BIT(7)
#define FLASH_SR_BSY    FIELD_BIT(16)

#define FLASH_CR       0x10u
#define FLASH_CR_PG    FIELD_BIT(0)
#define FLASH_CR_SER   FIELD_BIT(1)
#define FLASH_CR_SNB   FIELD(3, 5)
#define FLASH_CR_PSIZE FIELD(8, 2)
#define FLASH_CR_STRT  FIELD_BIT(16)
#define FLASH_CR_EOPIE FIELD_BIT(24)
#define FLASH_CR_LOCK  FIELD_BIT(31)

#define FLASH_OPTCR        0x14u
#define FLASH_OPTCR_NWRP   FIELD(16, 12)
#define FLASH_OPTCR_NDBANK FIELD_BIT(29)
#define FLASH_OPTCR1       0x18u
