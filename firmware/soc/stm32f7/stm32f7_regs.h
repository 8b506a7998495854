// SPDX-License-Identifier: MIT
// Registers of the STM32F76x/77x that the start-up code uses, typed by hand from
// RM0410. tests/regs compares each line with an independent definition.
#pragma once

#include "common/base/bits.h"

// --- block addresses (RM0410 2.2.2) ---
#define CRC_BASE     0x40023000u
#define RCC_BASE     0x40023800u
#define FLASH_BASE   0x40023C00u
#define PWR_BASE     0x40007000u
#define RTC_BASE     0x40002800u
#define IWDG_BASE    0x40003000u
#define SYSCFG_BASE  0x40013800u
#define GPIOA_BASE   0x40020000u  // further ports 0x400 apart
#define USART1_BASE  0x40011000u
#define DMA2_BASE    0x40026400u
#define QUADSPI_BASE 0xA0001000u
#define OTG_HS_BASE  0x40040000u
#define OTG_FS_BASE  0x50000000u
#define DBGMCU_BASE  0xE0042000u

// --- RCC (RM0410 5.3) ---
#define RCC_CR        0x00u
#define RCC_CR_HSION  FIELD_BIT(0)
#define RCC_CR_HSIRDY FIELD_BIT(1)
#define RCC_CR_HSEON  FIELD_BIT(16)
#define RCC_CR_HSERDY FIELD_BIT(17)
#define RCC_CR_HSEBYP FIELD_BIT(18)
#define RCC_CR_PLLON  FIELD_BIT(24)
#define RCC_CR_PLLRDY FIELD_BIT(25)

#define RCC_PLLCFGR        0x04u
#define RCC_PLLCFGR_PLLM   FIELD(0, 6)
#define RCC_PLLCFGR_PLLN   FIELD(6, 9)
#define RCC_PLLCFGR_PLLP   FIELD(16, 2)
#define RCC_PLLCFGR_PLLSRC FIELD_BIT(22)
#define RCC_PLLCFGR_PLLQ   FIELD(24, 4)
#define RCC_PLLCFGR_PLLR   FIELD(28, 3)

#define RCC_CFGR       0x08u
#define RCC_CFGR_SW    FIELD(0, 2)
#define RCC_CFGR_SWS   FIELD(2, 2)
#define RCC_CFGR_HPRE  FIELD(4, 4)
#define RCC_CFGR_PPRE1 FIELD(10, 3)
#define RCC_CFGR_PPRE2 FIELD(13, 3)

#define RCC_AHB1RSTR  0x10u
#define RCC_AHB2RSTR  0x14u
#define RCC_AHB3RSTR  0x18u
#define RCC_APB1RSTR  0x20u
#define RCC_APB2RSTR  0x24u
#define RCC_AHB1ENR   0x30u
#define RCC_AHB2ENR   0x34u
#define RCC_AHB3ENR   0x38u
#define RCC_APB1ENR   0x40u
#define RCC_APB2ENR   0x44u
#define RCC_AHB1LPENR 0x50u

#define RCC_AHB1ENR_GPIOAEN         FIELD_BIT(0)
#define RCC_AHB1ENR_DMA2EN          FIELD_BIT(22)
#define RCC_AHB1ENR_CRCEN           FIELD_BIT(12)
#define RCC_AHB1ENR_OTGHSEN         FIELD_BIT(29)
#define RCC_AHB1ENR_OTGHSULPIEN     FIELD_BIT(30)
#define RCC_AHB2ENR_OTGFSEN         FIELD_BIT(7)
#define RCC_AHB3ENR_QSPIEN          FIELD_BIT(1)
#define RCC_APB1ENR_RTCAPBEN        FIELD_BIT(10)
#define RCC_APB1ENR_PWREN           FIELD_BIT(28)
#define RCC_APB2ENR_USART1EN        FIELD_BIT(4)
#define RCC_APB2ENR_SYSCFGEN        FIELD_BIT(14)
#define RCC_AHB1LPENR_OTGHSULPILPEN FIELD_BIT(30)
#define RCC_AHB3RSTR_QSPIRST        FIELD_BIT(1)
#define RCC_AHB1RSTR_DMA2RST        FIELD_BIT(22)
#define RCC_AHB1RSTR_CRCRST         FIELD_BIT(12)
#define RCC_AHB1RSTR_OTGHSRST       FIELD_BIT(29)
#define RCC_AHB2RSTR_OTGFSRST       FIELD_BIT(7)
#define RCC_APB1RSTR_PWRRST         FIELD_BIT(28)
#define RCC_APB2RSTR_USART1RST      FIELD_BIT(4)

#define RCC_CSR          0x74u
#define RCC_CSR_RMVF     FIELD_BIT(24)
#define RCC_CSR_PINRSTF  FIELD_BIT(26)
#define RCC_CSR_PORRSTF  FIELD_BIT(27)
#define RCC_CSR_SFTRSTF  FIELD_BIT(28)
#define RCC_CSR_IWDGRSTF FIELD_BIT(29)

#define RCC_DCKCFGR2          0x90u
#define RCC_DCKCFGR2_CK48MSEL FIELD_BIT(27)

// --- PWR (RM0410 4.4) ---
#define PWR_CR1        0x00u
#define PWR_CR1_PVDE   FIELD_BIT(4)
#define PWR_CR1_PLS    FIELD(5, 3)
#define PWR_CR1_DBP    FIELD_BIT(8)
#define PWR_CR1_VOS    FIELD(14, 2)
#define PWR_CR1_ODEN   FIELD_BIT(16)
#define PWR_CR1_ODSWEN FIELD_BIT(17)

#define PWR_CSR1         0x04u
#define PWR_CSR1_PVDO    FIELD_BIT(2)
#define PWR_CSR1_ODRDY   FIELD_BIT(16)
#define PWR_CSR1_ODSWRDY FIELD_BIT(17)

// --- GPIO (RM0410 6.4) ---
#define GPIO_MODER   0x00u
#define GPIO_OTYPER  0x04u
#define GPIO_OSPEEDR 0x08u
#define GPIO_PUPDR   0x0Cu
#define GPIO_IDR     0x10u
#define GPIO_ODR     0x14u
#define GPIO_BSRR    0x18u
#define GPIO_AFRL    0x20u
#define GPIO_AFRH    0x24u

// --- SYSCFG (RM0410 7.2) ---
#define SYSCFG_CMPCR        0x20u
#define SYSCFG_CMPCR_CMP_PD FIELD_BIT(0)
#define SYSCFG_CMPCR_READY  FIELD_BIT(8)

// --- RTC backup registers (RM0410 32.6.20) ---
#define RTC_BKP0R  0x50u
#define RTC_BKP31R 0xCCu

// --- IWDG (RM0410 30.4) ---
#define IWDG_KR     0x00u
#define IWDG_KR_KEY FIELD(0, 16)

// --- DBGMCU (RM0410 44.6.1) ---
#define DBGMCU_IDCODE        0x00u
#define DBGMCU_IDCODE_DEV_ID FIELD(0, 12)
#define DBGMCU_IDCODE_REV_ID FIELD(16, 16)
