// SPDX-License-Identifier: MIT
// What the two halves of struct remote owe each other: getting a device
// (remote.c) and the traffic with it (remote_traffic.c).
#pragma once

#include "host/transport/remote.h"

// Acts on the first message of an attached device. False when more bytes are
// needed. Sets `problem` when the message makes no sense.
bool remote_take_message(struct remote *r);

// Queues the sleep that tells whether the server knows sleeps. False when there
// is no memory.
bool remote_probe(struct remote *r);

// Ends every transfer and sleep: the device left.
void remote_end_all(struct remote *r);

// Sends what the kernel takes now.
void remote_flush(struct remote *r);
