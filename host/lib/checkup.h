// SPDX-License-Identifier: MIT
// A check-up of one board over USB: whether its descriptors are such that every host
// program can use it, whether it runs as fast as it can, and in which state it was
// left. Asks only what changes nothing on the device.
#pragma once

#include "host/lib/findings.h"
#include "host/lib/usb_board.h"

// Functional descriptors, block size, strings, layouts, Windows, speed. The device
// is open; nothing need be claimed.
void checkup_descriptors(struct usb_io *io, const struct usb_board *b,
                         struct findings *out);

// The DFU state; the interface must be claimed.
void checkup_state(struct usb_io *io, const struct usb_board *b, struct findings *out);

// What a layout's text breaks in dfu-util and fwupd, though it can be read.
void checkup_layout(const struct usb_board_alternate *a, struct findings *out);

// Whether Windows gives the device its WinUSB driver by itself (MS OS 2.0).
void checkup_windows(struct usb_io *io, const struct usb_board *b, uint16_t usb_version,
                     struct findings *out);
