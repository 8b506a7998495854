// SPDX-License-Identifier: MIT
#include <string.h>

#include "sim/machine/board.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

// 32F769I-DISCO (UM2033): every signal as facts for the board list it.
static const struct wire disco_wires[] = {
    {SIGNAL_QSPI_NCS, {'B', 6}}, {SIGNAL_QSPI_CLK, {'B', 2}},
    {SIGNAL_QSPI_IO0, {'C', 9}}, {SIGNAL_QSPI_IO1, {'C', 10}},
    {SIGNAL_QSPI_IO2, {'E', 2}}, {SIGNAL_QSPI_IO3, {'D', 13}},
    {SIGNAL_ULPI_CK, {'A', 5}},  {SIGNAL_ULPI_D0, {'A', 3}},
    {SIGNAL_ULPI_D1, {'B', 0}},  {SIGNAL_ULPI_D2, {'B', 1}},
    {SIGNAL_ULPI_D3, {'B', 10}}, {SIGNAL_ULPI_D4, {'B', 11}},
    {SIGNAL_ULPI_D5, {'B', 12}}, {SIGNAL_ULPI_D6, {'B', 13}},
    {SIGNAL_ULPI_D7, {'B', 5}},  {SIGNAL_ULPI_STP, {'C', 0}},
    {SIGNAL_ULPI_NXT, {'H', 4}}, {SIGNAL_ULPI_DIR, {'I', 11}},
};

static const struct led disco_leds[] = {
    {"LD1", {'J', 13}, true},
    {"LD2", {'J', 5}, true},
    {"LD3", {'A', 12}, true},
};

static const struct i2c_fitted disco_i2c[] = {{4, &i2c_wm8994}, {4, &i2c_ft6206}};

static const struct board disco = {
    .name = "stm32f769i-disco",
    .flash_size = 2048 * 1024,
    .hse_hz = 25000000,
    .lse_hz = 32768,
    .supply_mv = 3300,
    .console = {1, {'A', 9}, {'A', 10}},
    .sdram_size = 16 * 1024 * 1024,
    .sdram_geometry = 0x64,  // MT48LC4M32B2: 8 columns, 12 rows, 32 bits, 4 banks
    .qspi_chip = "mx25l51245g",
    .qspi_min_mv = 2700,  // PM2006 "Absolute Maximum Ratings": VCC 2.7 to 3.6 V
    .i2c = disco_i2c,
    .i2c_count = COUNT(disco_i2c),
    .has_ethernet = true,
    .usb = USB_CONNECTOR_HS_ULPI,
    .button = {'A', 0},
    .button_active_high = true,
    .wires = disco_wires,
    .wire_count = COUNT(disco_wires),
    .leds = disco_leds,
    .led_count = COUNT(disco_leds),
    .app_vectors = 0x08010000,
};

// A board of our own invention, as different from the first as a board can be:
// another crystal, the other USB core, other QUADSPI pins, no LSE, an active-low
// button and LED.
static const struct wire custom_wires[] = {
    {SIGNAL_QSPI_NCS, {'G', 6}}, {SIGNAL_QSPI_CLK, {'F', 10}},
    {SIGNAL_QSPI_IO0, {'F', 8}}, {SIGNAL_QSPI_IO1, {'F', 9}},
    {SIGNAL_QSPI_IO2, {'F', 7}}, {SIGNAL_QSPI_IO3, {'F', 6}},
    {SIGNAL_FS_DM, {'A', 11}},   {SIGNAL_FS_DP, {'A', 12}},
};

static const struct led custom_leds[] = {{"STATUS", {'C', 13}, false}};

static const struct board custom_fs = {
    .name = "f769-custom-fs",
    .flash_size = 2048 * 1024,
    .hse_hz = 8000000,
    .supply_mv = 3300,
    .console = {1, {'B', 14}, {'B', 15}},
    .qspi_chip = "mx25l51245g",
    .qspi_min_mv = 2700,  // PM2006 "Absolute Maximum Ratings": VCC 2.7 to 3.6 V
    .usb = USB_CONNECTOR_FS,
    .vbus_on_pa9 = true,
    .button = {'C', 3},
    .button_active_high = false,
    .wires = custom_wires,
    .wire_count = COUNT(custom_wires),
    .leds = custom_leds,
    .led_count = COUNT(custom_leds),
    .app_vectors = 0x08010000,
};

// NUCLEO-F767ZI (UM1974): no external memory; the ST-LINK feeds the HSE.
static const struct wire nucleo_wires[] = {
    {SIGNAL_FS_DM, {'A', 11}},
    {SIGNAL_FS_DP, {'A', 12}},
};

static const struct led nucleo_leds[] = {
    {"LD1", {'B', 0}, true},
    {"LD2", {'B', 7}, true},
    {"LD3", {'B', 14}, true},
};

static const struct board nucleo = {
    .name = "nucleo-f767zi",
    .flash_size = 2048 * 1024,
    .hse_hz = 8000000,
    .hse_bypass = true,
    .lse_hz = 32768,
    .supply_mv = 3300,
    .console = {3, {'D', 8}, {'D', 9}},
    .has_ethernet = true,
    .usb = USB_CONNECTOR_FS,
    .vbus_on_pa9 = true,
    .button = {'C', 13},
    .button_active_high = true,
    .wires = nucleo_wires,
    .wire_count = COUNT(nucleo_wires),
    .leds = nucleo_leds,
    .led_count = COUNT(nucleo_leds),
    .app_vectors = 0x08010000,
};

const struct board *const boards[] = {&disco, &custom_fs, &nucleo, NULL};

const struct board *board_find(const char *name) {
  for (size_t i = 0; boards[i]; i++) {
    if (!strcmp(boards[i]->name, name)) return boards[i];
  }
  return NULL;
}
