// SPDX-License-Identifier: MIT
// A custom board with as much as possible different from the DISCO: OTG_FS,
// 8 MHz crystal, QUADSPI on port F, active-low button and LED.
#include "firmware/soc/stm32f7/board.h"

static const struct pin fs[] = {PIN('A', 11, 10), PIN('A', 12, 10)};

static const struct pin qspi[] = {
    PIN('F', 10, 9), PIN('G', 6, 10), PIN('F', 8, 10),
    PIN('F', 9, 10), PIN('F', 7, 9),  PIN('F', 6, 9),
};

const struct board board = {
    .name = "f769-custom-fs",
    .crystal_hz = 8000000,
    .supply_min_mv = 2700,
    .usb = BOARD_USB_FS,
    .usb_vid = 0x0483,
    .usb_pid = 0xDF11,
    .serial_vid = 0x1209,
    .serial_pid = 0x0001,
    .vbus_sensed = true,
    .usb_pins = fs,
    .usb_pin_count = sizeof fs / sizeof *fs,
    .qspi_pins = qspi,
    .qspi_pin_count = sizeof qspi / sizeof *qspi,
    .qspi_max_hz = 54000000,
    .button = PIN('C', 3, 0),
    .button_pull = true,
    .led = PIN('C', 13, 0),
    .uart_tx = PIN('B', 14, 4),
};
