// SPDX-License-Identifier: MIT
// The ioctls of a USB device node, as a Linux kernel answers them to libusb,
// Chromium and the like (Linux, include/uapi/linux/usbdevice_fs.h and
// drivers/usb/core/devio.c), carried out on a device behind USB/IP.
//
//   program          umockdev's thread            the owner's thread
//   ioctl() -------> handle-ioctl: queue it ----> usbfs_service: do it
//     | <----------------------------------------- complete, at once or later
//
// Everything but the queue belongs to one thread, so nothing here is locked.
#pragma once

#include <umockdev.h>

#include "host/attach/node.h"
#include "host/transport/enumerate.h"
#include "host/transport/remote.h"

struct usbfs_file;
struct usbfs_device;

struct usbfs {
  struct remote *remote;
  GAsyncQueue *queue;            // of struct usbfs_event
  int wake;                      // eventfd: the queue is not empty
  struct usbfs_device *devices;  // newest first; kept for files still open
  struct usbfs_device *current;  // the one that is plugged in, or NULL
  // A program resets the device (USBDEVFS_RESET). The owner does it and calls
  // usbfs_finish_reset with its result.
  void (*reset)(void *ctx, struct usbfs_file *file);
  // A program selected a configuration.
  void (*configured)(void *ctx, unsigned value);
  void *ctx;
};

bool usbfs_open(struct usbfs *u, struct remote *remote);

// Frees everything. The testbed's thread must have ended before.
void usbfs_close(struct usbfs *u);

// Creates node and ioctl handler of a device that is about to be announced.
// NULL, or what failed. Takes `e` over, from malloc, in either case.
const char *usbfs_plug(struct usbfs *u, UMockdevTestbed *testbed, enum node_kind kind,
                       unsigned devnum, const char *devnode, struct enumeration *e,
                       uint32_t speed);

// The device left: every call and URB ends with an error, as after an unplug.
void usbfs_unplug(struct usbfs *u, UMockdevTestbed *testbed);

// For poll(): readable when usbfs_service has work; and the time at which it
// wants to be called whatever happens.
int usbfs_fd(const struct usbfs *u);
uint64_t usbfs_deadline(const struct usbfs *u);
void usbfs_service(struct usbfs *u);

// The descriptors and settings of the device that is plugged in; NULL without.
const struct enumeration *usbfs_enumeration(const struct usbfs *u);
const uint8_t *usbfs_settings(const struct usbfs *u);

// `result` is 0 or a negated error number.
void usbfs_finish_reset(struct usbfs_file *file, long result);

// Closes the files that programs left open when they ended, with what the
// kernel then does: URBs are cancelled, interfaces go back to setting 0.
void usbfs_close_files(struct usbfs *u);
