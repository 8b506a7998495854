// SPDX-License-Identifier: MIT
// System control space of the Cortex-M7, typed by hand from the ARMv7-M
// Architecture Reference Manual (DDI0403E B3) and the Cortex-M7 TRM.
#pragma once

#include "common/base/bits.h"

#define STK_BASE  0xE000E010u
#define NVIC_BASE 0xE000E100u
#define SCB_BASE  0xE000ED00u
#define MPU_BASE  0xE000ED90u

// --- SysTick (B3.3) ---
#define STK_CTRL           0x00u
#define STK_CTRL_ENABLE    FIELD_BIT(0)
#define STK_CTRL_TICKINT   FIELD_BIT(1)
#define STK_CTRL_CLKSOURCE FIELD_BIT(2)
#define STK_CTRL_COUNTFLAG FIELD_BIT(16)
#define STK_LOAD           0x04u
#define STK_LOAD_RELOAD    FIELD(0, 24)
#define STK_VAL            0x08u
#define STK_VAL_CURRENT    FIELD(0, 24)

// --- NVIC (B3.4) ---
#define NVIC_ISER0 0x000u
#define NVIC_ICER0 0x080u
#define NVIC_ICPR0 0x180u

// --- SCB (B3.2; caches: Cortex-M7 TRM 3.2) ---
#define SCB_ICSR              0x04u
#define SCB_ICSR_PENDSTCLR    FIELD_BIT(25)
#define SCB_VTOR              0x08u
#define SCB_AIRCR             0x0Cu
#define SCB_AIRCR_SYSRESETREQ FIELD_BIT(2)
#define SCB_AIRCR_VECTKEY     FIELD(16, 16)
#define SCB_CCR               0x14u
#define SCB_CCR_DC            FIELD_BIT(16)
#define SCB_CCR_IC            FIELD_BIT(17)
#define SCB_CCSIDR            0x80u
#define SCB_CSSELR            0x84u
#define SCB_ICIALLU           0x250u
#define SCB_DCISW             0x260u
#define SCB_DCCISW            0x274u
#define SCB_DCCIMVAC          0x270u

// --- MPU (B3.5) ---
#define MPU_CTRL            0x04u
#define MPU_CTRL_ENABLE     FIELD_BIT(0)
#define MPU_CTRL_PRIVDEFENA FIELD_BIT(2)
#define MPU_RNR             0x08u
#define MPU_RBAR            0x0Cu
#define MPU_RASR            0x10u
#define MPU_RASR_ENABLE     FIELD_BIT(0)
#define MPU_RASR_SIZE       FIELD(1, 5)
#define MPU_RASR_SRD        FIELD(8, 8)
#define MPU_RASR_B          FIELD_BIT(16)
#define MPU_RASR_C          FIELD_BIT(17)
#define MPU_RASR_S          FIELD_BIT(18)
#define MPU_RASR_TEX        FIELD(19, 3)
#define MPU_RASR_AP         FIELD(24, 3)
#define MPU_RASR_XN         FIELD_BIT(28)
