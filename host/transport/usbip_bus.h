// SPDX-License-Identifier: MIT
// Devices behind a USB/IP server: a simulated board, or another computer's.
//
// With quadboot's own simulator, waiting takes virtual time: usb_io.sleep_ms is told
// to the server. With others it takes real time.
#pragma once

#include "host/lib/usb_io.h"
#include "usbip/endpoint.h"

// Looks nothing up yet. Error: no memory. Close with bus->close.
bool usbip_bus_open(struct usb_bus *bus, const struct usbip_endpoint *endpoint,
                    struct qb_error *error);
