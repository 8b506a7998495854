// SPDX-License-Identifier: MIT
// A DfuSe device behind struct usb_io and struct usb_bus, with its own time and a knob
// for everything that a device can do wrong. Written from DFU 1.1 and AN2662, not from
// quadboot: it knows no more than a host may expect.
#pragma once

#include "host/lib/boards.h"

enum {
  FAKE_MEMORY = 64 * 1024,  // of each flash
  FAKE_LAYOUTS = 4,
  FAKE_LOG = 20000,
  FAKE_TWINS = 4,
  FAKE_NEVER = 0,
};

#define FAKE_INTERNAL 0x08010000u
#define FAKE_QSPI     0x90000000u

// What the device did, in order.
enum fake_deed { FAKE_ERASED, FAKE_WROTE, FAKE_READ, FAKE_LEFT, FAKE_ABORTED };
struct fake_entry {
  enum fake_deed deed;
  uint32_t address, size;
};

// What goes wrong when control transfer number `at` (from 1) is made.
enum fake_fault {
  FAULT_NONE,
  FAULT_STALL,
  FAULT_GONE,  // and it comes back, with its DFU state gone
  FAULT_GONE_FOR_EVER,
  FAULT_TIMEOUT,
  FAULT_BROKEN,
  FAULT_ERROR,  // dfuERROR, whatever it is asked
  FAULT_SHORT,  // one byte less than there is to send
  FAULT_STATE,  // GETSTATUS names another state
  FAULT_BUSY,   // busy for ever from here on
  FAULT_STOP,   // the user stops the program
  FAULTS,
};

// What a device that computes digests gets wrong, or lies about.
enum fake_fib {
  FIB_NONE,
  FIB_VERSION,     // another version of the header
  FIB_SHORT_HEAD,  // a byte of the header is missing
  FIB_SHORT_CRCS,  // the last CRC is missing
  FIB_COUNT,       // says that it has finished fewer units
  FIB_STATE,       // a state that there is not
  FIB_NEVER_DONE,  // works for ever, and for hours by its own estimate
  FIB_FORGETS,     // has never been asked anything
  FIB_REFUSES,     // a STALL for every start
  FIB_NO_FETCH,    // a STALL for every fetch after a start
  FIB_FAILS,       // every range is bad
  FIB_CRC,         // wrong CRCs, of everything
  FIBS,
};

struct fake_board {
  // Identity. Strings: UTF-16 in ASCII letters.
  const char *product, *serial, *manufacturer, *layouts[FAKE_LAYOUTS];
  uint8_t first_alternate;  // number of the first
  uint16_t vendor, product_id, transfer_size, version;
  uint8_t protocol, attributes;
  char location[32];
  // Behaviour.
  uint32_t poll_ms;       // bwPollTimeout while busy
  unsigned busy_polls;    // dfuDNBUSY answers for each piece of work
  uint32_t idle_poll_ms;  // bwPollTimeout of dfuIDLE after an ABORT
  bool idle_poll_falls;   // by 1 with every answer
  uint8_t status_size;    // of a GETSTATUS; 0: 6
  bool refuses_alternate, refuses_claim, refuses_abort, forgets, keeps_error;
  const char *own_words;   // iString of its errors
  const char *new_layout;  // of the first alternate, after it has been away
  uint64_t forgets_every;  // it loses its power (and its first sector) at each n-th
  enum fake_fault fault;
  uint64_t at;
  // Digests (docs/spec/digest.md): the device knows them; what it can do besides.
  bool digests;
  bool unfinished;  // bit 0 of byte 24 of its information
  uint16_t abilities;
  enum fake_fib fib;
  unsigned fib_after;     // starts before it begins to lie
  unsigned digest_polls;  // answers of "working" to each start
  uint8_t sync_reason;    // every SYNC fails so; 0: none does
  // State.
  uint8_t state, status, alternate;
  unsigned polls_left;
  enum { WORK_NONE, WORK_POINTER, WORK_ERASE, WORK_MASS, WORK_DATA } work;
  uint32_t work_address, pointer;
  uint16_t work_block, work_length;
  uint8_t buffer[8192];
  uint8_t internal[FAKE_MEMORY], qspi[FAKE_MEMORY];
  uint8_t digest_start[12], digest_state;
  unsigned digest_polls_left;
  bool busy_for_ever, gone, open, claimed, stopped, started;
  // Books.
  uint64_t transfers, slept_ms, scans, opens;
  unsigned starts, syncs;  // of digests
  struct fake_entry log[FAKE_LOG];
  size_t logged;
};

// quadboot: two flashes of 64 KB, in sectors of 8 and 16 KB.
void fake_board_init(struct fake_board *f);

// The bus of one or several boards.
struct fake_bus {
  struct fake_board *boards[FAKE_TWINS];
  size_t count;
  bool broken;  // scans fail
};
struct usb_bus fake_bus(struct fake_bus *b);

// Opens it at once, without a bus.
struct usb_io fake_board_io(struct fake_board *f);

// What of its log touches the address.
size_t fake_board_count(const struct fake_board *f, enum fake_deed deed);
