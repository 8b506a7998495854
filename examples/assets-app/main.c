// SPDX-License-Identifier: MIT
// An application as quadboot starts it: maps the QSPI flash into memory, checks that
// the font and the picture there are the ones it was built with, says so on USART1,
// and blinks. It shows the use of quadboot's drivers outside of the bootloader.
#include "common/base/bytes.h"
#include "common/base/crc32.h"
#include "examples/assets-app/assets.h"
#include "examples/quadboot.h"
#include "firmware/drivers/quadspi.h"
#include "firmware/drivers/usart.h"
#include "firmware/flash/nor.h"
#include "firmware/soc/stm32f7/soc.h"
#include "firmware/soc/stm32f7/start.h"
#include "firmware/soc/stm32f7/stm32f7_regs.h"

enum { BLINK_US = 250000 };

static struct soc_time clock;
static struct quadspi qspi;
static struct nor_bus bus;
static struct nor nor;

static uint32_t now_us(void *ctx) {
  return soc_time_us(ctx);
}

static void print(const char *text) {
  usart_print(USART1_BASE, text);
}

static void print_decimal(uint32_t value) {
  char text[11];
  char *p = text + sizeof text - 1;
  *p = 0;
  do
    *--p = (char)('0' + value % 10u);
  while (value /= 10u);
  print(p);
}

void firmware_fault(void) {
  soc_reset();
}

// Opens the window at 0x90000000 for exactly the chip's size.
static enum status map_flash(void) {
  const struct quadspi_config config = {.base = QUADSPI_BASE,
                                        .let_in = soc_mpu_window,
                                        .kernel_hz = SOC_HCLK_HZ,
                                        .now_us = now_us,
                                        .now_ctx = &clock};
  soc_clock_enable(RCC_AHB3ENR, RCC_AHB3ENR_QSPIEN);
  for (size_t i = 0; i < board.qspi_pin_count; i++)
    soc_pin_alternate(board.qspi_pins[i]);
  quadspi_start(&qspi, &config);
  bus = quadspi_bus(&qspi);
  enum status status = nor_start(&nor, &bus, board.qspi_max_hz);
  if (status == ST_OK && board.qspi_ddr) {
    status = nor_start_ddr(&nor, quadspi_set_ddr_clock);
  }
  return status == ST_OK ? quadspi_map(&qspi, &nor.read_cmd) : status;
}

// Every byte of the chip is there, to the last.
static void tell_extent(void) {
  const uint32_t last = QUADSPI_WINDOW + nor.sfdp.size - 4;
  print("app: ");
  print_decimal(nor.sfdp.size >> 10);
  print(" KB of QSPI flash, the last word is ");
  print_decimal(load_le32((const uint8_t *)(uintptr_t)last));
  print("\r\n");
}

// The first bytes of a TrueType font (OpenType 1.9, "Table directory") and of a BMP.
static bool looks_right(const struct asset *a, const uint8_t *bytes) {
  if (a->kind == ASSET_FONT) return load_le32(bytes) == 0x00000100u;
  return bytes[0] == 'B' && bytes[1] == 'M' && load_le32(bytes + 2) == a->length;
}

static bool check(const struct asset *a) {
  const uint8_t *bytes = (const uint8_t *)(uintptr_t)a->address;
  const bool good =
      looks_right(a, bytes) && ~crc32_update(CRC32_INIT, bytes, a->length) == a->crc;
  print("  ");
  print(a->name);
  print(", ");
  print_decimal(a->length);
  print(good ? " bytes: right\r\n" : " bytes: WRONG\r\n");
  return good;
}

static void check_all(void) {
  bool good = true;
  for (uint32_t i = 0; i < asset_count; i++) {
    if (!check(&assets[i])) good = false;
  }
  print(good ? "app: all assets are right\r\n" : "app: an asset is WRONG\r\n");
}

void firmware_main(void) {
  soc_time_start(&clock, SOC_HSI_HZ);
  soc_mpu_start(true);
  soc_caches_on();
  const enum status clocks = soc_clock_start(&board, &clock);
  soc_pin_alternate(board.uart_tx);
  soc_clock_enable(RCC_APB2ENR, RCC_APB2ENR_USART1EN);
  usart_start(USART1_BASE, clocks == ST_OK ? SOC_PCLK2_HZ : SOC_HSI_HZ, 115200);
  print("app: started by quadboot\r\n");
  soc_compensate(&clock);
  const enum status status = clocks == ST_OK ? map_flash() : clocks;
  if (status == ST_OK) {
    tell_extent();
    check_all();
  } else {
    print(status_sentence(status));
    print("\r\n");
  }
  soc_pin_output(board.led, !board.led_active_high);
  for (uint32_t last = 0, on = 0;;) {
    soc_watchdog_feed();
    soc_sleep();
    if (soc_time_us(&clock) - last < BLINK_US) continue;
    last = soc_time_us(&clock);
    on = !on;
    soc_pin_write(board.led, on);
  }
}
