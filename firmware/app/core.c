// SPDX-License-Identifier: MIT
// The core's composition root.
#include "firmware/boot/decide.h"
#include "firmware/boot/handover.h"
#include "firmware/drivers/usart.h"
#include "firmware/mmio.h"
#include "firmware/soc/stm32f7/soc.h"
#include "firmware/soc/stm32f7/start.h"
#include "firmware/soc/stm32f7/stm32f7_regs.h"

static struct soc_time clock;

void firmware_fault(void) {
  soc_reset();
}

static const char *reason(void) {
  if (mmio_read32(HANDOVER_ADDRESS) != HANDOVER_MAGIC) return "started from RAM";
  return boot_choice_text((enum boot_choice)mmio_read32(HANDOVER_ADDRESS + 4));
}

void firmware_main(void) {
  soc_time_start(&clock, SOC_HSI_HZ);
  soc_mpu_start();
  soc_caches_on();
  const enum status clocks = soc_clock_start(&board, &clock);
  soc_pin_alternate(board.uart_tx);
  soc_clock_enable(RCC_APB2ENR, RCC_APB2ENR_USART1EN);
  usart_start(USART1_BASE, clocks == ST_OK ? SOC_PCLK2_HZ : SOC_HSI_HZ, 115200);
  usart_print(USART1_BASE, "quadboot on ");
  usart_print(USART1_BASE, board.name);
  usart_print(USART1_BASE, ": ");
  usart_print(USART1_BASE, clocks == ST_OK ? reason() : status_sentence(clocks));
  usart_print(USART1_BASE, "\r\n");
  for (;;) {
    soc_watchdog_feed();
    soc_time_us(&clock);
    soc_sleep();
  }
}
