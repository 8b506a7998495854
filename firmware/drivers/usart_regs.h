// SPDX-License-Identifier: MIT
// USART registers (RM0410 34.8), typed by hand.
#pragma once

#include "common/base/bits.h"

#define USART_CR1       0x00u
#define USART_CR1_UE    FIELD_BIT(0)
#define USART_CR1_TE    FIELD_BIT(3)
#define USART_CR1_TXEIE FIELD_BIT(7)
#define USART_BRR       0x0Cu
#define USART_ISR       0x1Cu
#define USART_ISR_TC    FIELD_BIT(6)
#define USART_ISR_TXE   FIELD_BIT(7)
#define USART_TDR       0x28u
