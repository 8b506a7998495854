// SPDX-License-Identifier: MIT
// The command line of quadboot-sim.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sim/cpu/cpu.h"
#include "sim/machine/board.h"
#include "sim/machine/incidents.h"
#include "sim/models/nor.h"
#include "sim/server/pace.h"

enum { OPTIONS_MAX_LOADS = 16, OPTIONS_MAX_UARTS = 8 };

struct load_option {
  char path[4096];
  bool has_addr;
  uint32_t addr;
};

// A serial port and where it goes.
struct uart_option {
  unsigned number;  // of the USART
  const char *path;
};

struct options {
  const struct board *board;  // perhaps `own_board`: do not copy this struct
  struct board own_board;
  const struct nor_chip *qspi_chip;  // NULL: the board's
  const char *qspi_state;            // NULL: as delivered
  struct load_option loads[OPTIONS_MAX_LOADS];
  unsigned load_count;
  const char *flash_file, *qspi_file, *report_file;
  const char *trace_file, *vcd_file, *qspi_log_file;
  struct uart_option uarts[OPTIONS_MAX_UARTS];
  unsigned uart_count;
  bool has_usbip;
  struct usbip_endpoint usbip;
  bool button;
  bool strict;
  bool end_with_client;
  struct incidents incidents;
  vtime_t run_for;  // VT_NEVER: until SIGTERM
  vtime_t turnaround;
  enum cpu_mode mode;
  enum pace_mode pace;
  bool has_gdb, mode_given, pace_given, has_unique_id;
  uint8_t unique_id[MACHINE_UNIQUE_ID];
  uint16_t gdb_port;
};

enum options_result { OPTIONS_GOOD, OPTIONS_BAD, OPTIONS_HELP };

// Parses the arguments; on OPTIONS_BAD one sentence stands in `error`.
enum options_result options_parse(struct options *o, int argc, char **argv, char *error,
                                  size_t error_size);

extern const char options_help[];
