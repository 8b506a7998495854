// SPDX-License-Identifier: MIT
// The alternate functions of the STM32F769's pins, for the signals that the
// simulator checks (DS11532 table 12).
#include "sim/machine/board.h"

static const struct {
  enum signal signal;
  struct pin pin;
  uint8_t alternate;
} functions[] = {
    {SIGNAL_QSPI_CLK, {'B', 2}, 9},  {SIGNAL_QSPI_CLK, {'F', 10}, 9},
    {SIGNAL_QSPI_NCS, {'B', 6}, 10}, {SIGNAL_QSPI_NCS, {'G', 6}, 10},
    {SIGNAL_QSPI_IO0, {'C', 9}, 9},  {SIGNAL_QSPI_IO0, {'D', 11}, 9},
    {SIGNAL_QSPI_IO0, {'F', 8}, 10}, {SIGNAL_QSPI_IO1, {'C', 10}, 9},
    {SIGNAL_QSPI_IO1, {'D', 12}, 9}, {SIGNAL_QSPI_IO1, {'F', 9}, 10},
    {SIGNAL_QSPI_IO2, {'E', 2}, 9},  {SIGNAL_QSPI_IO2, {'F', 7}, 9},
    {SIGNAL_QSPI_IO3, {'D', 13}, 9}, {SIGNAL_QSPI_IO3, {'F', 6}, 9},
    {SIGNAL_QSPI_IO3, {'A', 1}, 9},  {SIGNAL_ULPI_CK, {'A', 5}, 10},
    {SIGNAL_ULPI_D0, {'A', 3}, 10},  {SIGNAL_ULPI_D1, {'B', 0}, 10},
    {SIGNAL_ULPI_D2, {'B', 1}, 10},  {SIGNAL_ULPI_D3, {'B', 10}, 10},
    {SIGNAL_ULPI_D4, {'B', 11}, 10}, {SIGNAL_ULPI_D5, {'B', 12}, 10},
    {SIGNAL_ULPI_D6, {'B', 13}, 10}, {SIGNAL_ULPI_D7, {'B', 5}, 10},
    {SIGNAL_ULPI_STP, {'C', 0}, 10}, {SIGNAL_ULPI_NXT, {'H', 4}, 10},
    {SIGNAL_ULPI_NXT, {'C', 3}, 10}, {SIGNAL_ULPI_DIR, {'I', 11}, 10},
    {SIGNAL_ULPI_DIR, {'C', 2}, 10}, {SIGNAL_FS_DM, {'A', 11}, 10},
    {SIGNAL_FS_DP, {'A', 12}, 10},
};

int chip_alternate(enum signal signal, struct pin pin) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (functions[i].signal == signal && functions[i].pin.port == pin.port &&
        functions[i].pin.number == pin.number) {
      return functions[i].alternate;
    }
  }
  return -1;
}

const char *signal_name(enum signal signal) {
  static const char *const names[] = {
      [SIGNAL_QSPI_CLK] = "QUADSPI_CLK",     [SIGNAL_QSPI_NCS] = "QUADSPI_BK1_NCS",
      [SIGNAL_QSPI_IO0] = "QUADSPI_BK1_IO0", [SIGNAL_QSPI_IO1] = "QUADSPI_BK1_IO1",
      [SIGNAL_QSPI_IO2] = "QUADSPI_BK1_IO2", [SIGNAL_QSPI_IO3] = "QUADSPI_BK1_IO3",
      [SIGNAL_ULPI_CK] = "OTG_HS_ULPI_CK",   [SIGNAL_ULPI_D0] = "OTG_HS_ULPI_D0",
      [SIGNAL_ULPI_D1] = "OTG_HS_ULPI_D1",   [SIGNAL_ULPI_D2] = "OTG_HS_ULPI_D2",
      [SIGNAL_ULPI_D3] = "OTG_HS_ULPI_D3",   [SIGNAL_ULPI_D4] = "OTG_HS_ULPI_D4",
      [SIGNAL_ULPI_D5] = "OTG_HS_ULPI_D5",   [SIGNAL_ULPI_D6] = "OTG_HS_ULPI_D6",
      [SIGNAL_ULPI_D7] = "OTG_HS_ULPI_D7",   [SIGNAL_ULPI_STP] = "OTG_HS_ULPI_STP",
      [SIGNAL_ULPI_NXT] = "OTG_HS_ULPI_NXT", [SIGNAL_ULPI_DIR] = "OTG_HS_ULPI_DIR",
      [SIGNAL_FS_DM] = "OTG_FS_DM",          [SIGNAL_FS_DP] = "OTG_FS_DP",
  };
  return names[signal];
}
