// SPDX-License-Identifier: MIT
// The host's side of the USB devices among the guests (tests/guests/usb_guest.h): its
// transfers, waited for in virtual time.
#pragma once

#include "sim/usb/host_sync.h"
#include "tests/system/guest_run.h"

// Enumerates the device to address 5.
int guest_usb_enumerate(struct guest *g);

int guest_usb_control(struct guest *g, uint8_t type, uint8_t request, uint16_t value,
                      uint16_t length, void *data);

// A bulk transfer; one OUT of whole packets ends with an empty one.
int guest_usb_bulk(struct guest *g, uint8_t endpoint, uint8_t *data, uint32_t length);
