// SPDX-License-Identifier: MIT
// A simulated board that runs the real bootloader, and a USB host in the same
// process that owns its clock: every call runs virtual time until its end, and equal
// calls take equal times.
//
// The end of every test is part of the test: rig_teardown asks for a clean board.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/machine/machine.h"

// What is plugged into what.
struct rig_board {
  const char *name;      // of the board, and of the firmware's build folder
  const char *label;     // of the tests
  bool port_high_speed;  // what the host's port can do
  bool high_speed;       // what board and port agree on
  // The chip, where it differs from the board's: 0 and false are the board's own.
  uint32_t flash_size;
  bool two_banks;
  bool serial;  // the build with a serial port
};

enum {
  RIG_HS,
  RIG_FS,
  RIG_HS_ON_FS_PORT,
  RIG_HS_SERIAL,
  RIG_FS_SERIAL,
  RIG_HS_SERIAL_ON_FS_PORT,
  RIG_BOARDS,
};
extern const struct rig_board rig_boards[RIG_BOARDS];

enum {
  RIG_KEPT = 32 * 1024,  // quadboot itself: no test may change it
  RIG_UART = 4096,
  RIG_ADDRESS = 5,
};

// The longest that any control request may take, from its SETUP to its end: 4096
// bytes take 4.2 ms on the wire at full speed and 0.55 ms at high speed, where a step
// of the writer (1 KB read and compared) may come between two packets.
#define RIG_LIMIT_FS VT_MS(6)
#define RIG_LIMIT_HS VT_MS(5)

// But two replies may be held until the flash is ready: that to the GETSTATUS behind an
// ABORT, and an UPLOAD.
#define RIG_LIMIT_ABORTED VT_MS(4100)
#define RIG_LIMIT_UPLOAD  VT_MS(1000)

struct request {
  uint8_t type, request;
  uint16_t value, index, length;
};

struct rig {
  const struct rig_board *board;
  struct board variant;  // the board with other chips
  struct machine *m;
  char uart[RIG_UART + 1];
  size_t uart_length;
  uint8_t kept[RIG_KEPT];
  vtime_t last, longest;  // duration of control requests that must not be held
  struct request longest_request;
  bool aborted;    // the last request to the interface was an ABORT
  bool held_late;  // a reply that may be held was held too long
  bool at_once;    // the last DNLOAD costs no time; see dfu_status
  // What a host's software costs, in virtual time: before each control request, and
  // on top of each sleep. 0 unless somebody measures speed.
  vtime_t turnaround, oversleep;
  // A fault on the wire: at transaction number `fault_at` since rig_arm.
  enum usb_fault fault;
  uint64_t fault_at, transactions;
  // Power goes away `cut_delay` after flash operation number `cut_at` since rig_arm_cut
  // has begun (0: never), and stays away. `cut` tells that it happened.
  uint64_t cut_at, operations;
  vtime_t cut_delay;
  struct event cut_event;
  bool cut_due, cut;
  // Called before each transaction; may be NULL.
  void (*on_token)(struct rig *r, const struct usb_token *token);
  void *on_token_ctx;
};

// --- life ---

// A board with quadboot alone in its flash, switched off.
struct rig *rig_open(const struct rig_board *board);
struct rig *rig_open_with(const struct rig_board *board, const char *qspi_chip);
void rig_close(struct rig *r);

// Without one guest error or unimplemented access, the bootloader's two sectors as they
// were loaded, and no request that was held too long. What is not so is printed.
bool rig_is_clean(const struct rig *r);

// cmocka fixtures. The initial state is a const struct rig_board; a test finds its
// struct rig in *state: off, or on with its device configured.
int rig_setup_off(void **state);
int rig_setup_configured(void **state);
int rig_teardown(void **state);

// One test on one board, for a table of struct CMUnitTest.
#define RIG_TEST(board, function, setup)                 \
  {                                                      \
#function "/" #board, function, setup, rig_teardown, \
        (void *)(uintptr_t)&rig_boards[RIG_##board]      \
  }
#define RIG_BOTH_SERIAL(function)                      \
  RIG_TEST(HS_SERIAL, function, rig_setup_configured), \
      RIG_TEST(FS_SERIAL, function, rig_setup_configured)
#define RIG_BOTH(function)                      \
  RIG_TEST(HS, function, rig_setup_configured), \
      RIG_TEST(FS, function, rig_setup_configured)

// Power on, and off and on again with everything that was in RAM lost.
void rig_power_on(struct rig *r);
void rig_power_cycle(struct rig *r);

void rig_run(struct rig *r, vtime_t duration);

// The host sleeps; 0 is no sleep.
void rig_sleep(struct rig *r, uint32_t ms);

// Until the device is on the cable; false after two seconds without one.
bool rig_attached(struct rig *r);

// --- the bus ---

// Reset, address, device descriptor, as an operating system does it. 0 or -errno.
int rig_enumerate(struct rig *r);

// The same, then SET_CONFIGURATION; must succeed.
void rig_configure(struct rig *r);

// A control request, after the turnaround; `data` has `length` bytes. Bytes moved, or a
// negative errno.
int rig_control(struct rig *r, struct request q, void *data);

// Bus reset; the device is in the Default state after it.
void rig_bus_reset(struct rig *r);

// The first request that comes while a NOR chip is needed again waits for it to come
// out of its reset, 25 ms after an erase (MX25L51245G, tREADY2), or as long as its chip
// needs if that is more, and 5 ms: no other was held so long.
void rig_allow_nor_reset(struct rig *r);

// At transaction `at` from now on, counted from 1, `fault` happens. 0: never.
void rig_arm(struct rig *r, enum usb_fault fault, uint64_t at);

// Counts flash operations from now on, and cuts the power at one of them.
void rig_arm_cut(struct rig *r, uint64_t at, vtime_t delay);

// --- looking ---

// The string descriptor `index` as text; must exist.
void rig_string(struct rig *r, uint8_t index, char text[127]);

// The first `size` bytes at `address` of either medium.
const uint8_t *rig_memory(const struct rig *r, uint32_t address);
