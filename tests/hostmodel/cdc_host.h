// SPDX-License-Identifier: MIT
// The serial port of a board on a rig, as an operating system's driver has it: opened
// and closed by control requests, one read under way as long as it is open, and writes
// that last as long as the board wants. Every call runs virtual time. All numbers are
// typed again from the specifications.
//
// For a rig of RIG_HS_SERIAL, RIG_FS_SERIAL or RIG_HS_SERIAL_ON_FS_PORT, configured.
#pragma once

#include "tests/hostmodel/rig.h"

enum {
  CDC_HOST_INTERFACE = 1,
  CDC_HOST_OUT = 0x01,
  CDC_HOST_IN = 0x81,
  CDC_HOST_NOTIFY = 0x82,
  CDC_HOST_INBOX = 256 * 1024,
};

struct cdc_host {
  struct rig *rig;
  uint16_t packet;  // of the data endpoints
  struct usb_urb in, notify, out;
  uint8_t packet_in[512], notification[16];
  // What has come and was not read. It has room for a test: more fails.
  uint8_t inbox[CDC_HOST_INBOX];
  uint32_t inbox_head, inbox_tail;
  unsigned notifications;
  uint16_t state;  // of the last one: bit 0 DCD, bit 1 DSR
  bool open, flood;
};

// SET_LINE_CODING (115200 8N1), SET_CONTROL_LINE_STATE (DTR, RTS), and reading begins;
// must succeed. NULL never; free with cdc_host_close.
struct cdc_host *cdc_host_open(struct rig *r);

// DTR off, and everything under way taken back. After an unplug or a reset of the bus
// there is nobody to be told.
void cdc_host_close(struct cdc_host *h);

// Sends bytes until all are taken or virtual time `limit` has passed; how many the
// board has taken.
uint32_t cdc_host_write(struct cdc_host *h, const void *data, uint32_t length,
                        vtime_t limit);

// The same in two steps. One at a time; `data` stays until the end.
void cdc_host_write_begin(struct cdc_host *h, const void *data, uint32_t length);
bool cdc_host_writing(const struct cdc_host *h);

// The same again and again, until it is closed.
void cdc_host_flood(struct cdc_host *h, const void *data, uint32_t length);

// Reads until there are `length` bytes or `limit` has passed; how many there are.
uint32_t cdc_host_read(struct cdc_host *h, void *data, uint32_t length, vtime_t limit);

// Whatever has come so far.
uint32_t cdc_host_waiting(const struct cdc_host *h);
