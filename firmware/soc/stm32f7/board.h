// SPDX-License-Identifier: MIT
// What a board with an STM32F76x/77x tells the firmware about itself: one const
// struct per board, in firmware/board/<name>/board.c. Porting is filling it in.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A pin and, where it matters, the alternate function it is to have (DS11532
// table 12). PIN('B', 6, 10) is PB6 in AF10.
struct pin {
  uint8_t port;  // 0 = A
  uint8_t number;
  uint8_t alternate;
};
#define PIN(letter, number, alternate) \
  { (letter) - 'A', (number), (alternate) }

enum board_usb {
  BOARD_USB_HS_ULPI,  // OTG_HS with an external PHY, 480 Mb/s
  BOARD_USB_FS,       // OTG_FS on PA11/PA12, 12 Mb/s
};

struct board {
  const char *name;     // appears in the USB product string
  uint32_t crystal_hz;  // HSE, a whole number of MHz, 4 to 26
  bool crystal_bypass;  // an oscillator, not a crystal
  // Lowest supply in mV; sets the flash program width (RM0410 table 9) and the
  // level below which nothing is erased or programmed.
  uint16_t supply_min_mv;

  enum board_usb usb;
  uint16_t usb_vid, usb_pid;
  // Of a build with a serial port: a pair of its own, since a host remembers by it what
  // the device is, and ST's driver for Windows takes all of 0483:DF11. The boards here
  // have pid.codes' pair for tests: a product brings its own.
  uint16_t serial_vid, serial_pid;
  bool vbus_sensed;  // VBUS is wired to PA9; otherwise the core is told it is there
  const struct pin *usb_pins;
  size_t usb_pin_count;

  const struct pin *qspi_pins;  // CLK, NCS, IO0 to IO3
  size_t qspi_pin_count;
  uint32_t qspi_max_hz;  // what the copper carries
  bool qspi_ddr;         // and on both edges of such a clock: read so if the chip can

  struct pin button;
  bool button_active_high, button_pull;  // pull: towards the released level
  struct pin led;
  bool led_active_high;
  struct pin uart_tx;  // USART1, 115200 8N1
};

extern const struct board board;
