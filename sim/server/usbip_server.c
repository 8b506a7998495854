// SPDX-License-Identifier: MIT
// Connections come and go here, and operations are answered. Transfers of the
// importing client are in usbip_transfers.c.
#include "sim/server/usbip_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sim/server/usbip_server_internal.h"

enum {
  // The longest message: a submit with its data.
  MESSAGE_SIZE = USBIP_HEADER_SIZE + USBIP_MAX_TRANSFER,
  // The listener's place after the peers in the array for poll().
  LISTENER = USBIP_SERVER_CLIENTS,
  SLOTS,
};

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ---------------------------------------------------------------- one peer

static void peer_close(struct usbip_server *s, struct usbip_peer *peer) {
  const bool had_device = peer->state == USBIP_PEER_IMPORTED;
  usbip_transfers_free(peer);
  usbip_stream_close(&peer->stream);
  *peer = (struct usbip_peer){.stream.fd = -1};
  if (s->importer == peer) s->importer = NULL;
  if (had_device) s->backend->client_gone(s->backend->ctx);
}

static void log_sentence(const struct usbip_server *s, const char *sentence) {
  if (s->backend->log) s->backend->log(s->backend->ctx, sentence);
}

void usbip_peer_drop(struct usbip_server *s, struct usbip_peer *peer, const char *why) {
  char sentence[160];
  snprintf(sentence, sizeof sentence, "A USB/IP client was dropped: it %s.", why);
  peer_close(s, peer);
  log_sentence(s, sentence);
}

void usbip_peer_send(struct usbip_peer *peer, const void *bytes, size_t length) {
  if (!usbip_stream_write(&peer->stream, bytes, length)) peer->broken = true;
}

// Sends what the kernel takes. Once a leaving peer has everything, the sending
// direction ends; the rest of the connection lives until the peer closes it,
// because closing on unread requests would reset it and could cost the peer
// the last replies.
void usbip_peer_flush(struct usbip_peer *peer) {
  const size_t before = peer->stream.out.length;
  if (!usbip_stream_flush(&peer->stream)) peer->broken = true;
  const size_t left = peer->stream.out.length;
  if (left == 0) {
    peer->sending_since = 0;
  } else if (left < before || peer->sending_since == 0) {
    peer->sending_since = now_ms();
  }
  if (left == 0 && peer->state == USBIP_PEER_LEAVING) {
    shutdown(peer->stream.fd, SHUT_WR);
  }
}

static void peer_leave(struct usbip_server *s, struct usbip_peer *peer) {
  usbip_transfers_free(peer);
  if (s->importer == peer) s->importer = NULL;
  peer->state = USBIP_PEER_LEAVING;
  peer->receiving_since = now_ms();
  usbip_peer_flush(peer);
}

// -------------------------------------------------------------- operations

static void send_op(struct usbip_peer *peer, uint16_t code,
                    enum usbip_op_status status) {
  uint8_t op[USBIP_OP_SIZE];
  usbip_op_encode((struct usbip_op){.code = code, .status = status}, op);
  usbip_peer_send(peer, op, sizeof op);
}

static void send_device(struct usbip_peer *peer, const struct usbip_device *device) {
  uint8_t bytes[USBIP_DEVICE_SIZE];
  usbip_device_encode(device, bytes);
  usbip_peer_send(peer, bytes, sizeof bytes);
}

static void answer_devlist(struct usbip_server *s, struct usbip_peer *peer) {
  struct usbip_device device = {0};
  struct usbip_interface interfaces[USBIP_SERVER_INTERFACES] = {0};
  const bool present = s->backend->describe(s->backend->ctx, &device, interfaces);
  uint8_t count[USBIP_COUNT_SIZE];
  usbip_count_encode(present ? 1 : 0, count);
  send_op(peer, USBIP_OP_REP_DEVLIST, USBIP_ST_OK);
  usbip_peer_send(peer, count, sizeof count);
  if (present) send_device(peer, &device);
  for (size_t i = 0;
       present && i < device.bNumInterfaces && i < USBIP_SERVER_INTERFACES; i++) {
    uint8_t bytes[USBIP_INTERFACE_SIZE];
    usbip_interface_encode(interfaces[i], bytes);
    usbip_peer_send(peer, bytes, sizeof bytes);
  }
  peer_leave(s, peer);
}

static void refuse_import(struct usbip_server *s, struct usbip_peer *peer,
                          enum usbip_op_status why) {
  send_op(peer, USBIP_OP_REP_IMPORT, why);
  peer_leave(s, peer);
}

// The device as it is now, if it is the one called `busid`.
static bool find_device(struct usbip_server *s, const char *busid,
                        struct usbip_device *device) {
  struct usbip_interface interfaces[USBIP_SERVER_INTERFACES];
  *device = (struct usbip_device){0};
  return s->backend->describe(s->backend->ctx, device, interfaces) &&
         strcmp(device->busid, busid) == 0;
}

// Asks the backend about the import that waits, if one does. True when it was
// answered.
static bool try_import(struct usbip_server *s) {
  struct usbip_peer *peer = s->importer;
  if (!peer || peer->state != USBIP_PEER_WAITING) return false;
  struct usbip_device device;
  if (!find_device(s, peer->busid, &device)) {
    refuse_import(s, peer, USBIP_ST_NODEV);
    return true;
  }
  if (s->backend->import(s->backend->ctx) != USBIP_IMPORT_NOW) return false;
  peer->state = USBIP_PEER_IMPORTED;
  peer->devid = usbip_devid(&device);
  send_op(peer, USBIP_OP_REP_IMPORT, USBIP_ST_OK);
  send_device(peer, &device);
  return true;
}

static void answer_import(struct usbip_server *s, struct usbip_peer *peer) {
  if (s->importer) {
    refuse_import(s, peer, USBIP_ST_DEV_BUSY);
    return;
  }
  peer->state = USBIP_PEER_WAITING;
  s->importer = peer;
  try_import(s);
}

// Acts on the operation in `in` once it is whole; true when it was.
static bool take_operation(struct usbip_server *s, struct usbip_peer *peer) {
  struct usbip_bytes *in = &peer->stream.in;
  const uint8_t *bytes = usbip_bytes_first(in);
  struct usbip_op op;
  const enum usbip_result result = usbip_op_decode(bytes, in->length, &op);
  if (result == USBIP_SHORT) return false;
  if (result != USBIP_OK) {
    usbip_peer_drop(s, peer, usbip_result_text(result));
    return true;
  }
  switch (op.code) {
    case USBIP_OP_REQ_DEVLIST:
      usbip_bytes_consume(in, USBIP_OP_SIZE);
      answer_devlist(s, peer);
      return true;
    case USBIP_OP_REQ_IMPORT:
      if (usbip_busid_decode(bytes + USBIP_OP_SIZE, in->length - USBIP_OP_SIZE,
                             peer->busid) != USBIP_OK) {
        return false;
      }
      usbip_bytes_consume(in, USBIP_OP_SIZE + USBIP_BUSID_SIZE);
      answer_import(s, peer);
      return true;
    default:
      usbip_peer_drop(s, peer, usbip_result_text(USBIP_BAD_COMMAND));
      return true;
  }
}

// ------------------------------------------------------------------ serving

static bool reading_is_paused(const struct usbip_peer *peer) {
  return peer->stream.out.length > USBIP_SERVER_BACKLOG;
}

// A message is owed from its first byte on, and only by a peer we read from.
static void note_owed_message(struct usbip_peer *peer, bool took_any) {
  const bool owed = peer->stream.in.length > 0 && !reading_is_paused(peer);
  if (!owed) {
    peer->receiving_since = 0;
  } else if (took_any || peer->receiving_since == 0) {
    peer->receiving_since = now_ms();
  }
}

// Acts on every whole message that has arrived; true when there was one.
// Afterwards the peer may be free.
static bool take_messages(struct usbip_server *s, struct usbip_peer *peer) {
  bool took_any = false;
  if (peer->state == USBIP_PEER_ASKING) took_any = take_operation(s, peer);
  while (peer->state == USBIP_PEER_IMPORTED && !reading_is_paused(peer) &&
         usbip_transfers_take(s, peer)) {
    took_any = true;
    usbip_peer_flush(peer);
  }
  switch (peer->state) {
    case USBIP_PEER_IMPORTED: note_owed_message(peer, took_any); break;
    case USBIP_PEER_WAITING:
      peer->receiving_since = 0;  // it is our turn
      if (peer->stream.in.length >= MESSAGE_SIZE) {
        usbip_peer_drop(s, peer, "sent requests before it had the device");
      }
      break;
    case USBIP_PEER_LEAVING:
      usbip_bytes_consume(&peer->stream.in, peer->stream.in.length);
      break;
    default: break;
  }
  return took_any;
}

static void serve_peer(struct usbip_server *s, struct usbip_peer *peer) {
  usbip_peer_flush(peer);
  const bool open =
      reading_is_paused(peer) || usbip_stream_receive(&peer->stream, MESSAGE_SIZE);
  take_messages(s, peer);
  if (peer->state == USBIP_PEER_FREE) return;
  usbip_peer_flush(peer);
  if (open && !peer->broken) return;
  const bool cut_short = peer->stream.in.length > 0 && !peer->broken;
  if (cut_short) {
    usbip_peer_drop(s, peer, "closed the connection in the middle of a message");
  } else {
    peer_close(s, peer);
  }
}

// An import that had to wait, and messages that did because the client was slow
// to read, are taken up without new bytes from the client. True when either
// happened.
static bool take_up_waiting(struct usbip_server *s) {
  const bool admitted = try_import(s);
  if (!usbip_server_imported(s)) return admitted;
  struct usbip_peer *peer = s->importer;
  const bool took_any = peer->stream.in.length > 0 && take_messages(s, peer);
  if (peer->state != USBIP_PEER_FREE) usbip_peer_flush(peer);
  return admitted || took_any;
}

static void accept_peer(struct usbip_server *s) {
  const int fd = accept(s->listener, NULL, NULL);
  if (fd < 0) return;
  for (size_t i = 0; i < USBIP_SERVER_CLIENTS; i++) {
    struct usbip_peer *peer = &s->peers[i];
    if (peer->state != USBIP_PEER_FREE) continue;
    usbip_stream_prepare(fd);
    *peer = (struct usbip_peer){
        .state = USBIP_PEER_ASKING, .stream.fd = fd, .receiving_since = now_ms()};
    return;
  }
  close(fd);
  log_sentence(s, "A USB/IP client was turned away: too many are connected.");
}

static bool is_late(const struct usbip_server *s, uint64_t since) {
  return since != 0 && now_ms() - since >= s->patience_ms;
}

// Drops whoever has kept us waiting too long. Runs after everybody was served,
// so that time during which nobody polled is not held against them.
static void drop_late(struct usbip_server *s) {
  for (size_t i = 0; i < USBIP_SERVER_CLIENTS; i++) {
    struct usbip_peer *peer = &s->peers[i];
    if (peer->state == USBIP_PEER_FREE) continue;
    const bool slow_to_send = is_late(s, peer->receiving_since);
    const bool slow_to_read = is_late(s, peer->sending_since);
    if (slow_to_read) {
      usbip_peer_drop(s, peer, "did not take its replies in time");
    } else if (peer->broken || (slow_to_send && peer->state == USBIP_PEER_LEAVING)) {
      peer_close(s, peer);
    } else if (slow_to_send) {
      usbip_peer_drop(s, peer, "did not finish its message in time");
    }
  }
}

// How long poll() may sleep without missing a deadline.
static int shorten_timeout(const struct usbip_server *s, int timeout_ms) {
  const uint64_t now = now_ms();
  uint64_t shortest = timeout_ms < 0 ? INT32_MAX : (uint64_t)timeout_ms;
  for (size_t i = 0; i < USBIP_SERVER_CLIENTS; i++) {
    const uint64_t starts[] = {s->peers[i].receiving_since, s->peers[i].sending_since};
    for (size_t k = 0; k < 2; k++) {
      if (starts[k] == 0) continue;
      const uint64_t due = starts[k] + s->patience_ms;
      const uint64_t left = due > now ? due - now : 0;
      if (left < shortest) shortest = left;
    }
  }
  return timeout_ms < 0 && shortest == INT32_MAX ? -1 : (int)shortest;
}

static short wanted_events(const struct usbip_peer *peer) {
  int events = reading_is_paused(peer) ? 0 : POLLIN;
  if (peer->stream.out.length > 0) events |= POLLOUT;
  return (short)events;
}

bool usbip_server_poll(struct usbip_server *s, int timeout_ms) {
  const bool took_up = take_up_waiting(s);
  struct pollfd fds[SLOTS];
  for (size_t i = 0; i < USBIP_SERVER_CLIENTS; i++) {
    const struct usbip_peer *peer = &s->peers[i];
    const bool free_slot = peer->state == USBIP_PEER_FREE;
    fds[i] = (struct pollfd){.fd = free_slot ? -1 : peer->stream.fd,
                             .events = wanted_events(peer)};
  }
  fds[LISTENER] = (struct pollfd){.fd = s->listener, .events = POLLIN};
  const int ready = poll(fds, SLOTS, took_up ? 0 : shorten_timeout(s, timeout_ms));
  for (size_t i = 0; ready > 0 && i < USBIP_SERVER_CLIENTS; i++) {
    if (fds[i].revents) serve_peer(s, &s->peers[i]);
  }
  if (ready > 0 && fds[LISTENER].revents) accept_peer(s);
  drop_late(s);
  return took_up || ready > 0;
}

// -------------------------------------------------------- open, close, detach

// Binds and listens on one address; -1 with errno set when it does not work.
static int listen_on(const struct addrinfo *a) {
  const int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
  if (fd < 0) return -1;
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
      listen(fd, USBIP_SERVER_CLIENTS) == 0) {
    usbip_stream_prepare(fd);
    return fd;
  }
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

static uint16_t port_of(int fd) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  char port[8];
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
      getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof port,
                  NI_NUMERICSERV) != 0) {
    return 0;
  }
  return (uint16_t)strtoul(port, NULL, 10);
}

const char *usbip_server_open(struct usbip_server *s,
                              const struct usbip_endpoint *endpoint,
                              const struct usbip_backend *backend,
                              uint64_t patience_ms) {
  *s = (struct usbip_server){
      .backend = backend,
      .listener = -1,
      .patience_ms = patience_ms ? patience_ms : USBIP_SERVER_PATIENCE_MS,
  };
  for (size_t i = 0; i < USBIP_SERVER_CLIENTS; i++)
    s->peers[i].stream.fd = -1;
  char port[8];
  snprintf(port, sizeof port, "%u", endpoint->port);
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  struct addrinfo *addresses = NULL;
  const int found = getaddrinfo(endpoint->host, port, &hints, &addresses);
  if (found != 0) return gai_strerror(found);
  for (const struct addrinfo *a = addresses; a && s->listener < 0; a = a->ai_next) {
    s->listener = listen_on(a);
  }
  freeaddrinfo(addresses);
  if (s->listener < 0) return strerror(errno);
  s->port = port_of(s->listener);
  return NULL;
}

void usbip_server_close(struct usbip_server *s) {
  for (size_t i = 0; i < USBIP_SERVER_CLIENTS; i++) {
    if (s->peers[i].state == USBIP_PEER_FREE) continue;
    usbip_transfers_free(&s->peers[i]);
    usbip_stream_close(&s->peers[i].stream);
  }
  if (s->listener >= 0) close(s->listener);
  *s = (struct usbip_server){.listener = -1};
}

void usbip_server_detach(struct usbip_server *s) {
  if (usbip_server_imported(s)) peer_leave(s, s->importer);
}
