// SPDX-License-Identifier: MIT
// The list of devices that a USB/IP server offers, asked for in one go. Waits.
#pragma once

#include "host/lib/error.h"
#include "usbip/endpoint.h"
#include "usbip/usbip.h"

enum { USBIP_LIST_MS = 10000 };  // from the connection to the end of the list

// Called for each device; `dfu` if an interface of its is of the DFU class. False
// ends the list.
typedef bool usbip_list_each(void *ctx, const struct usbip_device *device, bool dfu);

// Error: the host is not found, nothing answers, or it does not speak USB/IP.
bool usbip_list(const struct usbip_endpoint *server, usbip_list_each *each, void *ctx,
                struct qb_error *error);
