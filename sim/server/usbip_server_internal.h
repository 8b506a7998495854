// SPDX-License-Identifier: MIT
// What the two halves of the USB/IP server owe each other: connections and
// operations (usbip_server.c), transfers of the importer (usbip_transfers.c).
#pragma once

#include "sim/server/usbip_server.h"

// Ends a connection at once; the log says "it <why>". The backend hears of it
// if the peer had the device.
void usbip_peer_drop(struct usbip_server *s, struct usbip_peer *peer, const char *why);

// Queues bytes for the peer. On failure the peer is marked broken, nothing else
// changes, so callers need not look.
void usbip_peer_send(struct usbip_peer *peer, const void *bytes, size_t length);

// Sends what the kernel takes of it now.
void usbip_peer_flush(struct usbip_peer *peer);

// Acts on the first message of an importing peer. False when more bytes are
// needed first, or the peer is gone.
bool usbip_transfers_take(struct usbip_server *s, struct usbip_peer *peer);

// Forgets every transfer and sleep of the peer.
void usbip_transfers_free(struct usbip_peer *peer);
