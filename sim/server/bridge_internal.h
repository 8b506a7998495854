// SPDX-License-Identifier: MIT
// Private to bridge.c and bridge_enumerate.c.
#pragma once

#include <stdlib.h>

#include "sim/server/bridge.h"

// bridge.c
void bridge_send(struct bridge_transfer *t);
void bridge_withdraw_all(struct bridge *b);

// bridge_enumerate.c
// Resets the bus and brings the device back to where it was, then sends `t`.
void bridge_reset_bus(struct bridge *b, struct bridge_transfer *t);

// Fills in type, packet size and interval of u->endpoint from the configuration
// descriptor and the chosen alternate settings. False: no such endpoint.
bool bridge_find_endpoint(const struct bridge *b, struct usb_urb *u);

// Data toggles of an interface's endpoints start anew (USB 2.0 9.1.1.5).
void bridge_reset_toggles(struct bridge *b, uint8_t wanted);
