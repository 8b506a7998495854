// SPDX-License-Identifier: MIT
// 32F769I-DISCO: OTG_HS through a USB3320 PHY, MX25L51245G, 25 MHz crystal.
// Pins: UM2033, and the board's schematic MB1225.
#include "firmware/soc/stm32f7/board.h"

static const struct pin ulpi[] = {
    PIN('A', 5, 10),  PIN('A', 3, 10),  PIN('B', 0, 10),  PIN('B', 1, 10),
    PIN('B', 10, 10), PIN('B', 11, 10), PIN('B', 12, 10), PIN('B', 13, 10),
    PIN('B', 5, 10),  PIN('C', 0, 10),  PIN('H', 4, 10),  PIN('I', 11, 10),
};

static const struct pin qspi[] = {
    PIN('B', 2, 9),  PIN('B', 6, 10), PIN('C', 9, 9),
    PIN('C', 10, 9), PIN('E', 2, 9),  PIN('D', 13, 9),
};

const struct board board = {
    .name = "stm32f769i-disco",
    .crystal_hz = 25000000,
    .supply_min_mv = 2700,
    .usb = BOARD_USB_HS_ULPI,
    .usb_vid = 0x0483,
    .usb_pid = 0xDF11,
    .serial_vid = 0x1209,
    .serial_pid = 0x0001,
    .usb_pins = ulpi,
    .usb_pin_count = sizeof ulpi / sizeof *ulpi,
    .qspi_pins = qspi,
    .qspi_pin_count = sizeof qspi / sizeof *qspi,
    .qspi_max_hz = 108000000,  // as the maker's own software for the board
    .button = PIN('A', 0, 0),
    .button_active_high = true,
    .led = PIN('J', 13, 0),
    .led_active_high = true,
    .uart_tx = PIN('A', 9, 7),
};
