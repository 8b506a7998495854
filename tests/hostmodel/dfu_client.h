// SPDX-License-Identifier: MIT
// DFU 1.1 and DfuSe as a host speaks them, one request at a time, and the few
// sequences that every test needs. All numbers are typed again from the
// specifications (DFU 1.1 chapter 6, AN2662), none is shared with the firmware.
#pragma once

#include "tests/hostmodel/rig.h"

enum client_state {
  APP_IDLE = 0,
  APP_DETACH = 1,
  IDLE = 2,
  DNLOAD_SYNC = 3,
  DNBUSY = 4,
  DNLOAD_IDLE = 5,
  MANIFEST_SYNC = 6,
  MANIFEST = 7,
  MANIFEST_WAIT_RESET = 8,
  UPLOAD_IDLE = 9,
  ERROR = 10,
};

enum client_status {
  OK = 0,
  ERR_TARGET = 1,
  ERR_ERASE = 4,
  ERR_CHECK_ERASED = 5,
  ERR_PROG = 6,
  ERR_VERIFY = 7,
  ERR_FIRMWARE = 10,
  ERR_VENDOR = 11,
  ERR_UNKNOWN = 14,
  ERR_STALLEDPKT = 15,
};

enum {
  REQ_DETACH = 0,
  REQ_DNLOAD = 1,
  REQ_UPLOAD = 2,
  REQ_GETSTATUS = 3,
  REQ_CLRSTATUS = 4,
  REQ_GETSTATE = 5,
  REQ_ABORT = 6,

  CLIENT_BLOCK = 4096,  // wTransferSize
  CLIENT_MAX_BLOCK = 65535,
};

// The media of both boards, and places in them that tests may use.
#define INTERNAL     0x08000000u
#define INTERNAL_END 0x08200000u
#define APPLICATION  0x08010000u
#define EXTERNAL     0x90000000u
#define EXTERNAL_END 0x94000000u
#define SENTENCE_MAX 127

struct reply {
  uint8_t status;
  uint32_t poll_ms;
  uint8_t state;
  uint8_t string;
};

// --- requests; each returns what rig_control does ---

int dfu_out(struct rig *r, uint8_t request, uint16_t value, uint16_t length,
            const void *data);
int dfu_in(struct rig *r, uint8_t request, uint16_t value, uint16_t length, void *data);
int dfu_dnload(struct rig *r, uint16_t block, const void *data, uint16_t length);
int dfu_upload(struct rig *r, uint16_t block, void *data, uint16_t length);
int dfu_command(struct rig *r, uint8_t opcode, uint32_t address);  // block 0, 5 bytes
int dfu_select(struct rig *r, uint8_t alternate);                  // SET_INTERFACE

// These must succeed. Every status is checked for what must always hold: a time to
// wait while busy (none for set-address), never above a second, and a sentence for
// an error and for nothing else.
struct reply dfu_status(struct rig *r);
uint8_t dfu_state(struct rig *r);
void dfu_abort(struct rig *r);
void dfu_clear(struct rig *r);  // CLRSTATUS in dfuERROR

// --- sequences ---

// GETSTATUS until it says something else than dfuDNBUSY, or a dfuIDLE that asks for a
// pause, each time after the pause that it asked for. The last reply.
struct reply dfu_wait(struct rig *r);

// ABORT, and dfu_wait: all that was accepted is done, or has failed.
struct reply dfu_finish(struct rig *r);

// Each command up to its end, which may be dfuERROR.
struct reply dfu_set_address(struct rig *r, uint32_t address);
struct reply dfu_erase(struct rig *r, uint32_t address);
struct reply dfu_mass_erase(struct rig *r);
struct reply dfu_write(struct rig *r, uint32_t address, const void *data,
                       uint16_t length);  // set address, block 2

// An erase that has been carried out; the block was not blank before.
void dfu_blank(struct rig *r, uint32_t address);

// Puts bytes that are not blank straight into the cells.
void dfu_spoil(struct rig *r, uint32_t address, uint32_t length);

// `length` bytes from `address`, by set-address, ABORT and UPLOADs; must succeed.
void dfu_read(struct rig *r, uint32_t address, void *data, uint32_t length);

// Back to dfuIDLE from wherever the last request has led.
void dfu_recover(struct rig *r);

// The device is in dfuERROR with this status, and its sentence is `sentence`, which
// begins with the address unless `address` is 0. Recovers from it.
void dfu_expect_error(struct rig *r, uint8_t status, uint32_t address,
                      const char *sentence);

// The board is as good as new: erases, writes and reads back a block in each medium.
void dfu_expect_usable(struct rig *r);

// The same in one medium only.
void dfu_expect_download(struct rig *r, uint32_t address);

// Bytes that differ from block to block.
void dfu_pattern(uint8_t *data, uint32_t length, uint32_t seed);

// An application that does nothing: vectors and an endless loop, put straight into
// the cells.
void dfu_plant_application(struct rig *r);
