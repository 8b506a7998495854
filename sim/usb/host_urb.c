// SPDX-License-Identifier: MIT
// Transfers: how a URB becomes packets (USB 2.0 5.5 to 5.8, 8.5, 8.6) and what each
// answer means to it. Time is the business of host_bus.c.
#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"
#include "sim/usb/host_internal.h"

enum { STAGE_SETUP, STAGE_DATA, STAGE_STATUS };

enum { MAX_ERRORS = 3 };  // "three strikes", USB 2.0 10.2.6

static bool is_control(const struct usb_urb *urb) {
  return urb->type == USB_URB_CONTROL;
}

// The direction of the data: of a control request it is in bmRequestType.
static bool is_in(const struct usb_urb *urb) {
  const uint8_t direction = is_control(urb) ? urb->setup[0] : urb->endpoint;
  return direction & 0x80;
}

static uint32_t max_packet(const struct usb_host *h, const struct usb_urb *urb) {
  return is_control(urb) ? h->ep0_max_packet : urb->max_packet;
}

// Control transfers start at DATA1 by themselves; other endpoints go on where the
// last transfer stopped (USB 2.0 8.6).
static bool *toggle(struct usb_pipe *pipe) {
  return is_control(pipe->head) ? &pipe->head->data1 : &pipe->data1;
}

struct usb_pipe *host_pipe(struct usb_host *h, const struct usb_urb *urb) {
  if (is_control(urb)) return &h->pipes[0][0];
  return &h->pipes[urb->endpoint & 0xFu][urb->endpoint >> 7];
}

// --- what comes next -----------------------------------------------------------

static bool next_is_in(const struct usb_urb *urb) {
  if (!is_control(urb)) return is_in(urb);
  if (urb->stage == STAGE_DATA) return is_in(urb);
  // The status stage goes against the data stage; without data it is IN.
  return urb->stage == STAGE_STATUS && !(is_in(urb) && urb->length);
}

static uint32_t next_length(const struct usb_host *h, const struct usb_urb *urb) {
  if (is_control(urb) && urb->stage == STAGE_STATUS) return 0;
  const uint32_t left = urb->length - urb->actual;
  const uint32_t most = max_packet(h, urb);
  return left < most ? left : most;
}

// High-speed OUT begins with PING after a NAK or NYET (USB 2.0 8.5.1).
struct usb_token host_next_token(const struct usb_host *h,
                                 const struct usb_pipe *pipe) {
  const struct usb_urb *urb = pipe->head;
  struct usb_token t = {
      .pid = USB_PID_IN,
      .address = h->address,
      .endpoint = is_control(urb) ? 0 : urb->endpoint & 0xFu,
  };
  if (next_is_in(urb)) return t;
  if (is_control(urb) && urb->stage == STAGE_SETUP) {
    t.pid = USB_PID_SETUP;
    t.data = urb->setup;
    t.length = sizeof urb->setup;
    return t;
  }
  t.pid = USB_PID_PING;
  if (pipe->ping) return t;
  t.pid = USB_PID_OUT;
  t.data1 = is_control(urb) ? urb->data1 : pipe->data1;
  t.length = (uint16_t)next_length(h, urb);
  if (t.length) t.data = urb->data + urb->actual;
  return t;
}

// --- the end of a URB ----------------------------------------------------------

// The host's own view of what a control request did (USB 2.0 9.4).
static void take_note(struct usb_host *h, const struct usb_urb *urb) {
  enum { CLEAR_FEATURE = 1, SET_ADDRESS = 5, SET_CONFIGURATION = 9 };
  const uint8_t *s = urb->setup;
  const uint16_t value = load_le16(s + 2);
  if (s[0] == 0x00 && s[1] == SET_ADDRESS) h->address = value & 0x7F;
  if (s[0] == 0x02 && s[1] == CLEAR_FEATURE && value == 0) {
    usb_host_reset_toggle(h, s[4]);
  }
  if (s[0] != 0x00 || s[1] != SET_CONFIGURATION) return;
  for (unsigned n = 1; n < USB_HOST_ENDPOINTS; n++) {
    usb_host_reset_toggle(h, (uint8_t)n);
    usb_host_reset_toggle(h, (uint8_t)(n | 0x80));
  }
}

// URBs wait in the order of their submission; only the first one has state in the
// pipe and on the wire.
static void unlink_urb(struct usb_host *h, struct usb_urb *urb) {
  struct usb_pipe *pipe = host_pipe(h, urb);
  struct usb_urb *before = NULL;
  struct usb_urb **link = &pipe->head;
  while (*link != urb) {
    before = *link;
    link = &before->next;
  }
  *link = urb->next;
  if (pipe->tail == urb) pipe->tail = before;
  if (before) return;
  // It was the one being served.
  if (pipe->parked) pipe->due = h->free_at;  // the next one does not wait for its NAK
  pipe->parked = false;
  pipe->errors = 0;
  if (h->wire.urb == urb) h->wire.urb = NULL;
}

// After `complete` the URB belongs to the caller again, who may have freed it.
void host_complete(struct usb_host *h, struct usb_urb *urb, int status) {
  unlink_urb(h, urb);
  event_cancel(h->events, &urb->deadline);
  urb->next = NULL;
  urb->queued = false;
  urb->status = status;
  if (status == 0 && is_control(urb)) take_note(h, urb);
  if (urb->complete) urb->complete(urb->ctx, urb);
}

void host_flush(struct usb_host *h, int status) {
  host_abandon_wire(h);
  for (size_t n = 0; n < USB_HOST_ENDPOINTS; n++) {
    for (size_t in = 0; in < 2; in++) {
      struct usb_pipe *pipe = &h->pipes[n][in];
      while (pipe->head)
        host_complete(h, pipe->head, status);
      *pipe = (struct usb_pipe){0};
    }
  }
}

// --- what an answer means ------------------------------------------------------

static void finish_transfer(struct usb_host *h, struct usb_urb *urb) {
  const bool is_short = urb->actual < urb->length;
  const bool refused = is_short && urb->short_not_ok && is_in(urb);
  host_complete(h, urb, refused ? -EREMOTEIO : 0);
}

// SETUP, then data if wLength says so, then status. Others have one stage.
static void end_stage(struct usb_host *h, struct usb_pipe *pipe) {
  struct usb_urb *urb = pipe->head;
  if (!is_control(urb) || urb->stage == STAGE_STATUS) {
    finish_transfer(h, urb);
    return;
  }
  const bool data_next = urb->stage == STAGE_SETUP && urb->length > 0;
  urb->stage = data_next ? STAGE_DATA : STAGE_STATUS;
  urb->data1 = true;  // both stages begin with DATA1 (USB 2.0 8.5.3)
  pipe->ping = false;
}

// No answer, a bad CRC, or an answer that makes no sense here: all the same to a host.
static void digest_error(struct usb_host *h, struct usb_pipe *pipe) {
  h->errors++;
  if (++pipe->errors >= MAX_ERRORS) {
    host_complete(h, pipe->head, -EPROTO);
    return;
  }
  const bool out = h->wire.token.pid == USB_PID_OUT;
  if (out && h->speed == USB_SPEED_HIGH) pipe->ping = true;  // USB 2.0 8.5.1
}

static void digest_nak(struct usb_host *h, struct usb_pipe *pipe) {
  const enum usb_pid pid = h->wire.token.pid;
  if (pid == USB_PID_SETUP) {
    digest_error(h, pipe);  // a SETUP can only be acknowledged (USB 2.0 8.5.3)
    return;
  }
  pipe->errors = 0;
  const bool bulk_like = pipe->head->type != USB_URB_INTERRUPT;
  if (pid == USB_PID_OUT && bulk_like && h->speed == USB_SPEED_HIGH) pipe->ping = true;
  host_park(h, pipe);
}

// The packet has arrived at the device.
static void digest_sent(struct usb_host *h, struct usb_pipe *pipe) {
  struct usb_urb *urb = pipe->head;
  const uint16_t length = h->wire.token.length;
  pipe->errors = 0;
  if (h->wire.token.pid == USB_PID_SETUP || (is_control(urb) && length == 0)) {
    end_stage(h, pipe);
    return;
  }
  *toggle(pipe) ^= true;
  urb->actual += length;
  if (length == 0) urb->zero_packet_due = false;
  if (urb->actual == urb->length && !urb->zero_packet_due) end_stage(h, pipe);
}

static void digest_ack(struct usb_host *h, struct usb_pipe *pipe) {
  switch (h->wire.token.pid) {
    case USB_PID_PING:
      pipe->errors = 0;
      pipe->ping = false;
      break;
    case USB_PID_IN: digest_error(h, pipe); break;
    default: digest_sent(h, pipe); break;
  }
}

// Accepted, but there is no room for another: PING before the next.
static void digest_nyet(struct usb_host *h, struct usb_pipe *pipe) {
  if (h->speed != USB_SPEED_HIGH || h->wire.token.pid != USB_PID_OUT) {
    digest_error(h, pipe);
    return;
  }
  pipe->ping = true;
  digest_sent(h, pipe);
}

// More than the endpoint's packet or than was asked for is babble: no ACK, the
// transfer ends (USB 2.0 8.7.4). A short packet ends a stage.
static void digest_data(struct usb_host *h, struct usb_pipe *pipe) {
  struct usb_urb *urb = pipe->head;
  const struct usb_answer *a = &h->wire.answer;
  const uint32_t room = next_length(h, urb);
  if (h->wire.token.pid != USB_PID_IN) {
    digest_error(h, pipe);
    return;
  }
  const bool status = is_control(urb) && urb->stage == STAGE_STATUS;
  const bool repeated = a->data1 != *toggle(pipe);
  if (a->length > max_packet(h, urb) || (a->length > room && !repeated)) {
    host_complete(h, urb, status ? -EPROTO : -EOVERFLOW);
    return;
  }
  host_ack(h);
  pipe->errors = 0;
  if (repeated) return;  // our ACK was lost: the same packet again (USB 2.0 8.6.4)
  *toggle(pipe) ^= true;
  if (a->length) memcpy(urb->data + urb->actual, a->data, a->length);
  urb->actual += a->length;
  const bool full = a->length == max_packet(h, urb);
  if (!full || urb->actual == urb->length) end_stage(h, pipe);
}

void host_digest(struct usb_host *h) {
  struct usb_pipe *pipe = h->wire.pipe;
  switch (h->wire.answer.reply) {
    case USB_REPLY_NONE: digest_error(h, pipe); break;
    case USB_REPLY_NAK: digest_nak(h, pipe); break;
    case USB_REPLY_ACK: digest_ack(h, pipe); break;
    case USB_REPLY_NYET: digest_nyet(h, pipe); break;
    case USB_REPLY_DATA: digest_data(h, pipe); break;
    case USB_REPLY_STALL:
      if (h->wire.token.pid == USB_PID_SETUP) {
        digest_error(h, pipe);
      } else {
        host_complete(h, pipe->head, -EPIPE);
      }
      break;
  }
}

// --- the caller's side ---------------------------------------------------------

static void deadline_fire(void *ctx) {
  struct usb_urb *urb = ctx;
  struct usb_host *h = urb->host;
  host_complete(h, urb, -ETIMEDOUT);
  host_kick(h);
}

// The caller's mistakes are told at once and do no harm.
static bool makes_sense(const struct usb_urb *urb) {
  if (urb->queued || (urb->length && !urb->data)) return false;
  if (is_control(urb)) return load_le16(urb->setup + 6) == urb->length;
  const uint8_t number = urb->endpoint & 0xFu;
  return number != 0 && urb->max_packet > 0 && urb->max_packet <= USB_MAX_PACKET;
}

static void arm_deadline(struct usb_host *h, struct usb_urb *urb) {
  const vtime_t usual = is_control(urb) ? h->options.control_deadline : 0;
  const vtime_t limit = urb->timeout ? urb->timeout : usual;
  event_init(&urb->deadline, deadline_fire, urb);
  if (limit) event_in(h->events, &urb->deadline, limit);
}

int usb_host_submit(struct usb_host *h, struct usb_urb *urb) {
  if (!makes_sense(urb)) return -EINVAL;
  const bool up = h->state >= USB_HOST_ENABLED;
  if (!up) return -ESHUTDOWN;
  struct usb_pipe *pipe = host_pipe(h, urb);
  urb->next = NULL;
  urb->host = h;
  urb->stage = STAGE_SETUP;
  urb->queued = true;
  urb->data1 = false;
  urb->actual = 0;
  urb->status = -EINPROGRESS;
  const bool exact = !is_control(urb) && urb->length % urb->max_packet == 0;
  urb->zero_packet_due = exact && (urb->zero_packet || urb->length == 0);
  arm_deadline(h, urb);
  if (pipe->tail && pipe->head) {
    pipe->tail->next = urb;
  } else {
    pipe->head = urb;
  }
  pipe->tail = urb;
  host_kick(h);
  return 0;
}

void usb_host_cancel(struct usb_host *h, struct usb_urb *urb) {
  if (!urb->queued || urb->host != h) return;
  host_complete(h, urb, -ENOENT);
  host_kick(h);
}

void usb_host_reset_toggle(struct usb_host *h, uint8_t endpoint) {
  struct usb_pipe *pipe = &h->pipes[endpoint & 0xFu][endpoint >> 7];
  pipe->data1 = false;
  pipe->ping = false;
}
