// SPDX-License-Identifier: MIT
// Devices on this computer's own USB, over libusb.
#pragma once

#include "host/lib/usb_io.h"

// Error: libusb does not start. Close with bus->close.
bool libusb_bus_open(struct usb_bus *bus, struct qb_error *error);
