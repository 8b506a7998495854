// SPDX-License-Identifier: MIT
// A board is data: the chip's environment as the copper has it. Typed from the
// board's schematic facts, independently of the firmware's board files.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/models/i2c_chip.h"

// Signals whose pins the simulator checks.
enum signal {
  SIGNAL_QSPI_CLK,
  SIGNAL_QSPI_NCS,
  SIGNAL_QSPI_IO0,
  SIGNAL_QSPI_IO1,
  SIGNAL_QSPI_IO2,
  SIGNAL_QSPI_IO3,
  SIGNAL_ULPI_CK,
  SIGNAL_ULPI_D0,
  SIGNAL_ULPI_D1,
  SIGNAL_ULPI_D2,
  SIGNAL_ULPI_D3,
  SIGNAL_ULPI_D4,
  SIGNAL_ULPI_D5,
  SIGNAL_ULPI_D6,
  SIGNAL_ULPI_D7,
  SIGNAL_ULPI_STP,
  SIGNAL_ULPI_NXT,
  SIGNAL_ULPI_DIR,
  SIGNAL_FS_DM,
  SIGNAL_FS_DP,
};

// A pin of the package: port letter and number.
struct pin {
  char port;
  uint8_t number;
};

struct wire {
  enum signal signal;
  struct pin pin;
};

struct led {
  const char *name;
  struct pin pin;
  bool active_high;
};

// The serial port that the board's debugger shows to its host.
struct console {
  unsigned number;  // of the USART
  struct pin tx, rx;
};

// A chip on an I2C bus.
struct i2c_fitted {
  unsigned bus;  // n of I2Cn
  const struct i2c_chip_kind *kind;
};

// Which USB core's connector people plug into.
enum usb_connector { USB_CONNECTOR_HS_ULPI, USB_CONNECTOR_FS };

struct board {
  const char *name;
  uint32_t flash_size;
  uint32_t hse_hz, lse_hz;  // 0 = not fitted
  uint32_t supply_mv;
  struct console console;
  bool hse_bypass;          // a clock, not a crystal
  const char *qspi_chip;    // NULL: none fitted
  uint32_t qspi_min_mv;     // lowest supply at which that chip programs and erases
  uint32_t sdram_size;      // on FMC bank 1; 0: none fitted
  uint32_t sdram_geometry;  // SDCR bits 6:0 that describe it
  const struct i2c_fitted *i2c;
  size_t i2c_count;
  bool has_ethernet;  // a transceiver at address 0
  enum usb_connector usb;
  bool vbus_on_pa9;  // VBUS wired to PA9 for sensing
  struct pin button;
  bool button_active_high;
  const struct wire *wires;
  size_t wire_count;
  const struct led *leds;
  size_t led_count;
  // Where this board's bootloader keeps the application, for the hand-over check.
  uint32_t app_vectors;
};

// NULL if there is no board of that name.
const struct board *board_find(const char *name);

// All boards, NULL-terminated.
extern const struct board *const boards[];

// The alternate function that carries `signal` on `pin`, or -1 (DS11532 table 12).
int chip_alternate(enum signal signal, struct pin pin);

const char *signal_name(enum signal signal);
