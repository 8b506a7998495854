// SPDX-License-Identifier: MIT
// What the parts of usbfs share: devices and open files (usbfs.c), calls by
// number (usbfs_calls.c) and URBs (usbfs_urbs.c).
#pragma once

#include "host/attach/usbfs.h"

// A call's result is 0 or more, a negated error number, or this: it goes on.
#define USBFS_PENDING LONG_MIN

enum { USBFS_MAX_INTERFACE = ENUM_INTERFACES - 1 };

struct usbfs_urb {
  struct usbfs_urb *next;
  struct usbfs_file *file;
  gulong address;  // of the struct usbdevfs_urb in the program's memory
  size_t offset;   // of the data in its buffer: 8 in control transfers
  struct transfer transfer;
  uint8_t data[];
};

// The ioctl that a file is in. There is at most one: umockdev's preload library
// holds a lock across each.
struct usbfs_call {
  UMockdevIoctlClient *client;  // a reference; NULL when there is no call
  struct transfer transfer;     // of a call that waits for one
  uint8_t *data;                // its data, from malloc
  bool waits_for_transfer, waits_for_urb;
  uint64_t deadline_ms;
  // Makes the result once the transfer is over.
  long (*finish)(struct usbfs_file *file);
  unsigned number, value;  // interface and setting, or configuration
};

struct usbfs_file {
  struct usbfs_file *next;
  struct usbfs_device *device;
  UMockdevIoctlClient *client;  // a name only
  struct usbfs_call call;
  uint32_t claimed;        // a bit per interface
  struct usbfs_urb *urbs;  // under way
  struct usbfs_urb *done;  // to be reaped, oldest first
};

struct usbfs_device {
  struct usbfs_device *next;
  struct usbfs *usbfs;
  UMockdevIoctlBase *handler;
  char *devnode;
  struct node node;
  bool gone;
  unsigned devnum;
  uint32_t speed;
  struct enumeration *enumeration;  // NULL when it is gone
  uint8_t settings[ENUM_INTERFACES];
  struct usbfs_file *files;
};

// The program's memory that `data` points to at `offset`: a copy, written back
// when the call completes. NULL when it cannot be read.
UMockdevIoctlData *usbfs_resolve(UMockdevIoctlData *data, size_t offset, size_t length);

// The same for the structure that the ioctl's argument points to; its bytes.
void *usbfs_argument(struct usbfs_file *f, size_t length);

// Carries out the call that was just made, by its number.
long usbfs_dispatch(struct usbfs_file *f);

// Starts the call's transfer from a setup packet and `data` (from malloc, may
// be NULL), and lets the call wait for it. A result that is not USBFS_PENDING
// is the end of the call.
long usbfs_control(struct usbfs_file *f, const uint8_t setup[8], uint8_t *data,
                   uint32_t timeout_ms, long (*finish)(struct usbfs_file *file));
long usbfs_transfer(struct usbfs_file *f, uint32_t timeout_ms,
                    long (*finish)(struct usbfs_file *file));

long usbfs_submit_urb(struct usbfs_file *f);
long usbfs_discard_urb(struct usbfs_file *f);
long usbfs_reap(struct usbfs_file *f);
long usbfs_reap_no_delay(struct usbfs_file *f);

// The device left: URBs under way are done, and say so.
void usbfs_end_urbs(struct usbfs_file *f);

// The URBs of a file that is closed.
void usbfs_free_urbs(struct usbfs_file *f);

// Completes the call under way.
void usbfs_complete(struct usbfs_file *f, long result);

// The node tells programs whether there is something to reap.
void usbfs_update_node(struct usbfs_device *d);
