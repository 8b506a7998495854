// SPDX-License-Identifier: MIT
// Getting a device from a server, and noticing that it left.
#include "host/transport/remote.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/lib/clock.h"
#include "host/transport/remote_internal.h"

enum {
  LIST_SIZE = USBIP_OP_SIZE + USBIP_COUNT_SIZE,
  // The longest single message that is waited for.
  MESSAGE_SIZE = USBIP_HEADER_SIZE + USBIP_MAX_TRANSFER,
};

static void log_sentence(const struct remote *r, const char *sentence) {
  if (r->events->log) r->events->log(r->events->ctx, sentence);
}

const char *remote_open(struct remote *r, const struct usbip_endpoint *server,
                        bool real_sleep, const struct remote_events *events) {
  *r = (struct remote){.events = events,
                       .stream.fd = -1,
                       .real_sleep = real_sleep,
                       .problem = "was not asked yet"};
  char port[8];
  snprintf(port, sizeof port, "%u", server->port);
  // The only call that may wait: once, before there is anything to serve.
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  const int found = getaddrinfo(server->host, port, &hints, &r->addresses);
  r->address = r->addresses;
  return found == 0 ? NULL : gai_strerror(found);
}

void remote_want(struct remote *r, const char *busid) {
  snprintf(r->busid, sizeof r->busid, "%s", busid);
  r->busid_given = true;
}

void remote_close(struct remote *r) {
  usbip_stream_close(&r->stream);
  r->state = REMOTE_IDLE;
  r->connecting = false;
  r->deadline_ms = CLOCK_NEVER;
  remote_end_all(r);
  if (r->addresses) freeaddrinfo(r->addresses);
  r->addresses = NULL;
}

// Ends the attempt or the attachment; another attempt follows. The state is
// changed first: whoever hears of an end may ask for more, and has to learn that
// there is no device.
static void give_up(struct remote *r, const char *problem) {
  const bool was_attached = r->state == REMOTE_ATTACHED;
  usbip_stream_close(&r->stream);
  r->state = REMOTE_IDLE;
  r->connecting = false;
  r->problem = problem;
  r->deadline_ms = clock_now_ms() + REMOTE_RETRY_MS;
  if (!was_attached) return;
  remote_end_all(r);
  char sentence[160];
  snprintf(sentence, sizeof sentence, "The device is gone: the server %s.", problem);
  log_sentence(r, sentence);
  r->events->lost(r->events->ctx);
}

void remote_drop(struct remote *r, const char *problem) {
  if (r->state == REMOTE_ATTACHED) give_up(r, problem);
}

// Each operation has a connection of its own: servers end the one of the list.
static void connect_for(struct remote *r, enum remote_state purpose) {
  const struct addrinfo *a = r->address;
  const int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
  r->stream = (struct usbip_stream){.fd = fd};
  r->state = purpose;
  r->connecting = true;
  r->deadline_ms = clock_now_ms() + REMOTE_LIST_MS;
  if (fd < 0) {
    give_up(r, "cannot be reached: this process has no socket left");
    return;
  }
  usbip_stream_prepare(fd);
  if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) return;
  give_up(r, "does not answer");
}

// Sends the request of the state once the connection stands.
static void send_request(struct remote *r) {
  uint8_t bytes[USBIP_OP_SIZE + USBIP_BUSID_SIZE];
  const bool listing = r->state == REMOTE_LISTING;
  const uint16_t code = listing ? USBIP_OP_REQ_DEVLIST : USBIP_OP_REQ_IMPORT;
  usbip_op_encode((struct usbip_op){.code = code}, bytes);
  usbip_busid_encode(r->busid, bytes + USBIP_OP_SIZE);
  if (!usbip_stream_write(&r->stream, bytes, listing ? USBIP_OP_SIZE : sizeof bytes)) {
    give_up(r, "cannot be asked: no memory");
  }
}

// A connect that was left in progress is over once the socket can be written
// to; whether it worked is in SO_ERROR (connect(2), EINPROGRESS).
static void finish_connecting(struct remote *r) {
  struct pollfd p = {.fd = r->stream.fd, .events = POLLOUT};
  if (poll(&p, 1, 0) <= 0) return;
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(r->stream.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error == 0) {
    r->connecting = false;
    send_request(r);
    return;
  }
  // A name may have several addresses, of which one answers.
  r->address = r->address->ai_next ? r->address->ai_next : r->addresses;
  give_up(r, "does not answer");
}

static const char *refusal(uint32_t status) {
  switch (status) {
    case USBIP_ST_DEV_BUSY: return "has given its device to another client";
    case USBIP_ST_NODEV: return "has no device attached";
    default: return "refuses to hand over its device";
  }
}

// The op at the start of a reply. False when it is not there yet, or the
// attempt is over.
static bool reply_is_good(struct remote *r, uint16_t code) {
  struct usbip_op op;
  const enum usbip_result result =
      usbip_op_decode(usbip_bytes_first(&r->stream.in), r->stream.in.length, &op);
  if (result == USBIP_SHORT) return false;
  if (result != USBIP_OK || op.code != code) {
    give_up(r, "does not speak USB/IP version 1.1.1");
    return false;
  }
  if (op.status != USBIP_ST_OK) {
    give_up(r, refusal(op.status));
    return false;
  }
  return true;
}

// Only the first device counts. What follows it in the list goes unread.
static void take_list(struct remote *r) {
  if (!reply_is_good(r, USBIP_OP_REP_DEVLIST)) return;
  const struct usbip_bytes *in = &r->stream.in;
  const uint8_t *bytes = usbip_bytes_first(in);
  uint32_t count = 0;
  if (usbip_count_decode(bytes + USBIP_OP_SIZE, in->length - USBIP_OP_SIZE, &count) !=
      USBIP_OK) {
    return;
  }
  if (count == 0) {
    give_up(r, refusal(USBIP_ST_NODEV));
    return;
  }
  struct usbip_device device;
  if (usbip_device_decode(bytes + LIST_SIZE, in->length - LIST_SIZE, &device) !=
      USBIP_OK) {
    return;
  }
  memcpy(r->busid, device.busid, sizeof r->busid);
  usbip_stream_close(&r->stream);
  connect_for(r, REMOTE_IMPORTING);
}

static void attach(struct remote *r) {
  r->state = REMOTE_ATTACHED;
  r->events->attached(r->events->ctx, &r->device);
}

// The reply describes the device again, as it is at the moment of the import;
// that is what counts, as it may have changed since the list.
static void take_import(struct remote *r) {
  if (!reply_is_good(r, USBIP_OP_REP_IMPORT)) return;
  const struct usbip_bytes *in = &r->stream.in;
  if (usbip_device_decode(usbip_bytes_first(in) + USBIP_OP_SIZE,
                          in->length - USBIP_OP_SIZE, &r->device) != USBIP_OK) {
    return;
  }
  usbip_bytes_consume(&r->stream.in, USBIP_OP_SIZE + USBIP_DEVICE_SIZE);
  r->seqnum = 0;
  if (r->real_sleep) {
    attach(r);
  } else if (remote_probe(r)) {
    r->state = REMOTE_PROBING;
    r->deadline_ms = clock_now_ms() + REMOTE_PROBE_MS;
  } else {
    give_up(r, "cannot be asked: no memory");
  }
}

// Nothing but the probe is under way, so its answer needs no bookkeeping.
static void take_probe(struct remote *r) {
  struct usbip_header h;
  const enum usbip_result result =
      usbip_header_decode(usbip_bytes_first(&r->stream.in), r->stream.in.length, &h);
  if (result == USBIP_SHORT) return;
  if (result != USBIP_OK || h.command != QUADBOOT_RET_SLEEP) {
    r->real_sleep = true;
    give_up(r, "does not know sleeps");
    return;
  }
  usbip_bytes_consume(&r->stream.in, USBIP_HEADER_SIZE);
  if (h.ns == QUADBOOT_SLEEP_REFUSED) r->real_sleep = true;
  attach(r);
}

// A message may end the attachment: by making no sense, or because its receiver
// drops the device.
static void take_messages(struct remote *r) {
  r->problem = NULL;
  while (r->state == REMOTE_ATTACHED && !r->problem && remote_take_message(r)) {
  }
  if (r->state == REMOTE_ATTACHED && r->problem) give_up(r, r->problem);
}

// The connection ended, and everything received before that was looked at.
static void hung_up(struct remote *r) {
  switch (r->state) {
    case REMOTE_ATTACHED: give_up(r, "ended the connection"); break;
    case REMOTE_PROBING:
      r->real_sleep = true;
      give_up(r, "does not know sleeps");
      break;
    default: give_up(r, "hung up"); break;
  }
}

static void take_input(struct remote *r) {
  const bool open = usbip_stream_receive(&r->stream, MESSAGE_SIZE);
  const bool listing = r->state == REMOTE_LISTING;
  if (listing) {
    take_list(r);
  } else if (r->state == REMOTE_IMPORTING) {
    take_import(r);
  }
  if (r->state == REMOTE_PROBING) take_probe(r);
  if (r->state == REMOTE_ATTACHED) take_messages(r);
  // A server ends the connection after the list; the next one stands already.
  const bool replaced = listing && r->state == REMOTE_IMPORTING;
  if (!open && !replaced && r->state != REMOTE_IDLE) hung_up(r);
}

// The deadline of the state has passed.
static void be_late(struct remote *r) {
  if (r->state == REMOTE_IDLE) {
    connect_for(r, r->busid_given ? REMOTE_IMPORTING : REMOTE_LISTING);
  } else if (r->state == REMOTE_PROBING) {
    hung_up(r);
  } else if (r->state == REMOTE_IMPORTING && !r->connecting) {
    r->problem = "keeps its device back";  // and may do so for as long as it likes
    r->deadline_ms = CLOCK_NEVER;
  } else {
    give_up(r, "does not answer");
  }
}

void remote_service(struct remote *r) {
  if (clock_now_ms() >= remote_deadline(r)) be_late(r);
  if (r->connecting) finish_connecting(r);
  if (r->state == REMOTE_IDLE || r->connecting) return;
  remote_flush(r);
  take_input(r);
  if (r->state != REMOTE_IDLE && !r->connecting) remote_flush(r);
}

int remote_fd(const struct remote *r) {
  return r->stream.fd;
}

short remote_poll_events(const struct remote *r) {
  if (r->connecting) return POLLOUT;
  return (short)(r->stream.out.length > 0 ? POLLIN | POLLOUT : POLLIN);
}

uint64_t remote_deadline(const struct remote *r) {
  return r->state == REMOTE_ATTACHED ? CLOCK_NEVER : r->deadline_ms;
}
