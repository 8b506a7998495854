// SPDX-License-Identifier: MIT
// A USB/IP server for one device: single-threaded, never blocks outside of
// usbip_server_poll. Owns sockets, buffers and the rules of the protocol; what
// the device does and when is the backend's.
//
//   client              server                     backend
//     | OP_REQ_DEVLIST --> |  describe()  ------------> |   any time
//     | OP_REQ_IMPORT  --> |  import()    ------------> |   again at every poll
//     | <-- OP_REP_IMPORT  | <-- USBIP_IMPORT_NOW       |   until it agrees
//     | CMD_SUBMIT     --> |  submit()    ------------> |
//     | <-- RET_SUBMIT     | <-- usbip_server_complete  |
//     | CMD_UNLINK     --> |  unlink()    ------------> |   no completion follows
//     | CMD_SLEEP      --> |  sleep()     ------------> |
//     | <-- RET_SLEEP      | <-- usbip_server_slept     |
//     | closes         --> |  client_gone() ----------> |
//     | <-- closed         | <-- usbip_server_detach    |   the device unplugs
//
// One client imports at a time; a second one is told "device busy". A client
// that breaks the protocol, takes longer than `patience_ms` for one message or
// for taking its replies, or vanishes, is dropped with a sentence in the log.
// Memory per client is bounded: one message (1 MiB + 48 bytes), the transfers
// under way (USBIP_SERVER_URB_BYTES) and the replies not yet taken.
#pragma once

#include "usbip/endpoint.h"
#include "usbip/stream.h"
#include "usbip/usbip.h"

enum {
  USBIP_SERVER_CLIENTS = 8,  // connections at once; further ones are closed
  USBIP_SERVER_INTERFACES = 16,
  // Limits of one client. A submit beyond them is returned with
  // USBIP_NO_MEMORY, a sleep is refused.
  USBIP_SERVER_URBS = 256,
  USBIP_SERVER_URB_BYTES = 4 << 20,
  // While more than this waits for the client to read, nothing more is read
  // from it.
  USBIP_SERVER_BACKLOG = 256 << 10,
  // Default of `patience_ms`: what the slowest honest client needs, with room.
  USBIP_SERVER_PATIENCE_MS = 10000,
};

enum usbip_import { USBIP_IMPORT_NOW, USBIP_IMPORT_LATER };

// One transfer. It and its data stay valid until usbip_server_complete, unlink
// or client_gone, or usbip_server_detach.
struct usbip_urb {
  uint32_t seqnum;
  uint8_t endpoint;  // 0..15
  bool in;
  uint32_t flags;     // USBIP_URB_...
  uint32_t interval;  // of interrupt endpoints
  // Endpoint 0 only; its wLength always equals `length`. A request that breaks
  // this is returned with USBIP_INVALID and never seen here.
  uint8_t setup[8];
  uint32_t length;      // bytes of `data` for OUT, the most that IN may return
  const uint8_t *data;  // OUT only
};

// Implemented by whoever has the device. Every operation may call back into the
// server, usbip_server_complete inside submit included.
struct usbip_backend {
  void *ctx;
  // Fills in the device and its bNumInterfaces interfaces, or returns false: none is
  // plugged in, so the list is empty and imports are refused.
  bool (*describe)(void *ctx, struct usbip_device *device,
                   struct usbip_interface interfaces[USBIP_SERVER_INTERFACES]);
  // A client wants the device. After USBIP_IMPORT_LATER it is asked again at
  // every poll for as long as that client waits.
  enum usbip_import (*import)(void *ctx);
  void (*submit)(void *ctx, const struct usbip_urb *urb);
  // Forget this transfer: it is neither to be completed nor to be touched.
  void (*unlink)(void *ctx, uint32_t seqnum);
  // The client's program sleeps until usbip_server_slept. NULL, or false: it
  // shall sleep for real.
  bool (*sleep)(void *ctx, uint32_t seqnum, uint64_t ns);
  // The importing client is gone, and with it every transfer and sleep. Not
  // called after usbip_server_detach, which says the same the other way round.
  void (*client_gone)(void *ctx);
  // A sentence for people, without a line end. May be NULL.
  void (*log)(void *ctx, const char *sentence);
};

enum usbip_peer_state {
  USBIP_PEER_FREE,      // no connection
  USBIP_PEER_ASKING,    // its operation has not arrived in full
  USBIP_PEER_WAITING,   // its import is put off by the backend
  USBIP_PEER_IMPORTED,  // URB traffic
  USBIP_PEER_LEAVING,   // last replies are going out, then the end
};

struct usbip_pending;  // a transfer or a sleep under way

struct usbip_peer {
  enum usbip_peer_state state;
  struct usbip_stream stream;
  uint64_t receiving_since;      // ms; 0 when no message is owed
  uint64_t sending_since;        // ms of the last byte taken; 0 when none waits
  bool broken;                   // sending failed: ends when it is served next
  char busid[USBIP_BUSID_SIZE];  // what it asked for
  uint32_t devid;                // what its requests must carry
  struct usbip_pending *pending;
  size_t pending_count, pending_bytes;
};

struct usbip_server {
  const struct usbip_backend *backend;
  int listener;
  uint16_t port;  // the real one, also when 0 was asked for
  uint64_t patience_ms;
  struct usbip_peer peers[USBIP_SERVER_CLIENTS];
  struct usbip_peer *importer;  // the peer that waits for or has the device
};

// Starts to listen. `patience_ms` 0 takes the default. NULL on success, else
// why not, as a part of a sentence ("Address already in use"); the server is
// then closed. `backend` must outlive the server.
const char *usbip_server_open(struct usbip_server *server,
                              const struct usbip_endpoint *endpoint,
                              const struct usbip_backend *backend,
                              uint64_t patience_ms);

// Drops every client without telling the backend, and stops listening.
void usbip_server_close(struct usbip_server *server);

// Serves whoever has something to say, waiting at most `timeout_ms` for it (-1:
// for as long as it takes). True when anything happened.
bool usbip_server_poll(struct usbip_server *server, int timeout_ms);

// A transfer is over. `actual` bytes (for IN taken from `data`) of at most
// urb->length were moved; `data` is copied. False when there is no such
// transfer (any more); that is no error.
bool usbip_server_complete(struct usbip_server *server, uint32_t seqnum,
                           enum usbip_status status, const uint8_t *data,
                           uint32_t actual);

// A sleep is over at virtual time `now_ns`. False when there is no such sleep.
bool usbip_server_slept(struct usbip_server *server, uint32_t seqnum, uint64_t now_ns);

// The device unplugs itself: what is completed goes out, then the importing
// client's connection ends. Transfers under way are forgotten.
void usbip_server_detach(struct usbip_server *server);

// True while a client has the device.
static inline bool usbip_server_imported(const struct usbip_server *server) {
  return server->importer && server->importer->state == USBIP_PEER_IMPORTED;
}
