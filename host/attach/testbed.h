// SPDX-License-Identifier: MIT
// The world that the program sees: a mock /sys and udev, with one USB bus, its
// root hub, and below it at most one device at a time.
//
//   /sys/devices/pci0000:00/0000:00:14.0     the host controller
//     usb1                                   bus 1, root hub, devnum 1
//       1-1                                  the device, devnum 2..127
//         1-1:1.0 ...                        its interfaces
//   /dev/bus/usb/001/<devnum>                its node
#pragma once

#include <umockdev.h>

#include "host/attach/node.h"
#include "host/transport/enumerate.h"

enum {
  TESTBED_BUS = 1,
  TESTBED_PORT = 1,
  TESTBED_FIRST_DEVNUM = 2,
  TESTBED_LAST_DEVNUM = 127,  // USB 2.0 8.3.2.1: seven bits of address
};

struct testbed {
  UMockdevTestbed *umockdev;
  char *root;             // its directory in the real file system
  char *hub;              // sysfs path of the root hub
  char *device;           // sysfs path of the device; NULL when there is none
  GPtrArray *interfaces;  // sysfs paths of the device's interfaces
  unsigned next_devnum;
};

// Builds the bus. False when the process does not run under the preload
// library of umockdev.
bool testbed_open(struct testbed *t);
void testbed_close(struct testbed *t);

// The number and the node (/dev/...) that the next device will have; the caller
// frees the node's name.
unsigned testbed_next_devnum(const struct testbed *t);
char *testbed_next_node(const struct testbed *t);

// Shows the device, and tells programs that it was plugged in. Its node and its
// ioctl handler must stand already. `speed` is an enum usbip_speed.
bool testbed_plug(struct testbed *t, const struct enumeration *e, uint32_t speed);

// Tells programs that it was unplugged, and removes it. Harmless without one.
void testbed_unplug(struct testbed *t);

// The device's configuration was changed by a program.
void testbed_set_configuration(struct testbed *t, unsigned value);
