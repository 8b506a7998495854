// SPDX-License-Identifier: MIT
#include "tests/bench/ideal.h"

#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"
#include "tests/hostmodel/dfu_client.h"

enum {
  CMD_SET_ADDRESS = 0x21,
  TYPE_MASK = 0x60,
  TYPE_CLASS = 0x20,
  TYPE_VENDOR = 0x40,
  DIRECTION_IN = 0x80,
};

// What the board has begun for a vendor request has ended when the next one comes.
#define BOARD_PAUSE VT_S(2)

// --- what the requests do ------------------------------------------------------

static uint8_t *cells(struct ideal *d, uint32_t address) {
  struct machine *m = d->board->m;
  return address >= EXTERNAL ? m->nor_bytes + (address - EXTERNAL)
                             : m->flash_bytes + (address - INTERNAL);
}

static uint32_t block_address(const struct ideal *d) {
  return d->pointer + (d->request.value - 2u) * IDEAL_TRANSFER;
}

// Data have arrived; they are on the flash now.
static void download(struct ideal *d) {
  d->command = d->request.length && d->request.value == 0;
  d->state = d->request.length ? DNLOAD_SYNC : MANIFEST_SYNC;
  if (d->command && d->data[0] == CMD_SET_ADDRESS) d->pointer = load_le32(d->data + 1);
  if (d->request.length && !d->command) {
    memcpy(cells(d, block_address(d)), d->data, d->request.length);
  }
}

// The first answer to a command must be dfuDNBUSY (AN2662), with no time to wait.
static void get_status(struct ideal *d) {
  if (d->state == DNLOAD_SYNC || d->state == DNBUSY) {
    d->state = d->command ? DNBUSY : DNLOAD_IDLE;
    d->command = false;
  }
  if (d->state == MANIFEST_SYNC) d->state = MANIFEST;
  memset(d->data, 0, 6);
  d->data[4] = d->state;
  d->length = 6;
}

static void upload(struct ideal *d) {
  d->state = UPLOAD_IDLE;
  d->length = d->request.length;
  memcpy(d->data, cells(d, block_address(d)), d->length);
}

static void dfu_in_request(struct ideal *d) {
  switch (d->request.request) {
    case REQ_GETSTATUS: get_status(d); break;
    case REQ_UPLOAD: upload(d); break;
    case REQ_GETSTATE:
      d->data[0] = d->state;
      d->length = 1;
      break;
    default: d->stalled = true;
  }
}

static void dfu_out_request(struct ideal *d) {
  if (d->request.request == REQ_DNLOAD) {
    download(d);
  } else {
    d->state = IDLE;  // ABORT, CLRSTATUS
  }
}

static void ask_board(struct ideal *d) {
  if ((d->request.type & TYPE_MASK) == TYPE_VENDOR) rig_run(d->board, BOARD_PAUSE);
  const int n = rig_control(d->board, d->request, d->data);
  d->stalled = n < 0;
  d->length = n < 0 ? 0 : (uint16_t)n;
}

static bool is_in(const struct ideal *d) {
  return d->request.type & DIRECTION_IN;
}

// Behind the SETUP packet for IN, behind the data for OUT. Address, configuration and
// interface are the ideal device's own, and change nothing.
static void execute(struct ideal *d) {
  const uint8_t type = d->request.type & TYPE_MASK;
  if (type == TYPE_CLASS && is_in(d)) {
    dfu_in_request(d);
  } else if (type == TYPE_CLASS) {
    dfu_out_request(d);
  } else if (type == TYPE_VENDOR || is_in(d)) {
    ask_board(d);
  }
}

// --- the wire ------------------------------------------------------------------

static void on_setup(struct ideal *d, const uint8_t *s) {
  d->request = (struct request){s[0], s[1], load_le16(s + 2), load_le16(s + 4),
                                load_le16(s + 6)};
  d->at = d->length = 0;
  d->stalled = d->request.length > sizeof d->data;
  d->data1 = true;
  if (!d->stalled && (is_in(d) || !d->request.length)) execute(d);
}

static void on_out(struct ideal *d, const struct usb_token *t) {
  if (is_in(d) || !t->length) return;  // the status stage of an IN request
  memcpy(d->data + d->at, t->data, t->length);
  d->at = (uint16_t)(d->at + t->length);
  if (d->at == d->request.length) execute(d);
}

static void on_in(struct ideal *d, struct usb_answer *answer) {
  const uint16_t left = is_in(d) ? (uint16_t)(d->length - d->at) : 0;
  answer->reply = USB_REPLY_DATA;
  answer->data1 = d->data1;
  answer->length = left < HOST_PACKET ? left : HOST_PACKET;
  memcpy(answer->data, d->data + d->at, answer->length);
  d->at = (uint16_t)(d->at + answer->length);
  d->data1 = !d->data1;
}

static void transact(void *ctx, const struct usb_token *t, struct usb_answer *answer) {
  struct ideal *d = ctx;
  answer->reply = USB_REPLY_ACK;
  if (t->endpoint) {
    ideal_serial_transact(&d->serial, t, answer);
    return;
  }
  switch (t->pid) {
    case USB_PID_SETUP: on_setup(d, t->data); break;
    case USB_PID_PING: break;
    case USB_PID_OUT:
      if (d->stalled) {
        answer->reply = USB_REPLY_STALL;
      } else {
        on_out(d, t);
      }
      break;
    case USB_PID_IN:
      if (d->stalled) {
        answer->reply = USB_REPLY_STALL;
      } else {
        on_in(d, answer);
      }
      break;
  }
}

static void acked(void *ctx, uint8_t endpoint) {
  (void)ctx, (void)endpoint;
}

static void nothing(void *ctx) {
  (void)ctx;
}

static enum usb_speed reset_end(void *ctx, bool host_high_speed) {
  const struct ideal *d = ctx;
  const bool high = host_high_speed && d->board->board->high_speed;
  return high ? USB_SPEED_HIGH : USB_SPEED_FULL;
}

static void vbus(void *ctx, bool present) {
  struct ideal *d = ctx;
  d->host.port.pull_up(d->host.port.ctx, present);
}

// --- the host ------------------------------------------------------------------

static void advance(void *ctx, vtime_t until) {
  event_run(ctx, until);
}

static struct usb_host_sync sync_of(struct ideal *d) {
  return (struct usb_host_sync){
      .host = &d->host, .advance = advance, .ctx = &d->events};
}

static enum usb_result result_of(int n) {
  if (n >= 0) return USB_DONE;
  return n == -EPIPE ? USB_STALLED : USB_FAILED;
}

static enum usb_result control(void *ctx, const struct usb_request *q, uint8_t *data,
                               uint16_t *moved, uint32_t timeout_ms) {
  struct ideal *d = ctx;
  const struct usb_host_sync sync = sync_of(d);
  uint8_t setup[8] = {q->bmRequestType, q->bRequest};
  (void)timeout_ms;
  store_le16(setup + 2, q->wValue);
  store_le16(setup + 4, q->wIndex);
  store_le16(setup + 6, q->wLength);
  event_run(&d->events, d->events.now + d->turnaround);
  const int n = usb_host_sync_control(&sync, setup, data);
  if (moved) *moved = n > 0 ? (uint16_t)n : 0;
  return result_of(n);
}

static bool claim(void *ctx, uint8_t interface, struct qb_error *error) {
  (void)ctx, (void)interface, (void)error;
  return true;
}

static enum usb_result set_alternate(void *ctx, uint8_t interface, uint8_t alternate) {
  const struct usb_request q = {0x01, 11, alternate, interface, 0};
  return control(ctx, &q, NULL, NULL, 0);
}

static void sleep_ms(void *ctx, uint32_t ms) {
  struct ideal *d = ctx;
  if (ms) event_run(&d->events, d->events.now + VT_MS(ms) + VT_US(HOST_OVERSLEEP_US));
}

static bool scan(void *ctx, struct usb_found_list *list, struct qb_error *error) {
  const struct usb_found found = {.location = "ideal"};
  (void)ctx, (void)error;
  return usb_found_add(list, &found);
}

static bool open_io(void *ctx, const struct usb_found *found, struct usb_io *out,
                    struct qb_error *error) {
  struct ideal *d = ctx;
  const struct usb_host_sync sync = sync_of(d);
  (void)found;
  if (usb_host_sync_enumerate(&sync, RIG_ADDRESS) != 0) {
    return qb_error_set(error, "the ideal device does not enumerate");
  }
  *out = (struct usb_io){.ctx = d,
                         .control = control,
                         .claim = claim,
                         .set_alternate = set_alternate,
                         .reset = nothing,
                         .sleep_ms = sleep_ms,
                         .close = nothing};
  return true;
}

static vtime_t now(void *ctx) {
  return ((const struct ideal *)ctx)->events.now;
}

void ideal_open(struct ideal *d, struct rig *board) {
  *d = (struct ideal){
      .board = board,
      .turnaround = host_turnaround(board->board->high_speed),
      .state = IDLE,
  };
  d->port = (struct usb_device_port){.ctx = d,
                                     .transact = transact,
                                     .acked = acked,
                                     .reset_begin = nothing,
                                     .reset_end = reset_end,
                                     .suspend = nothing,
                                     .resume = nothing,
                                     .sof = nothing,
                                     .vbus = vbus};
  struct usb_host_options options = usb_host_defaults;
  options.high_speed = board->board->port_high_speed;
  usb_host_init(&d->host, &d->events, &options, &d->port);
  d->serial = (struct ideal_serial){
      .events = &d->events, .host = &d->host.port, .cells = board->m->nor_bytes};
  ideal_serial_open(&d->serial);
}

static void advance_a_step(void *ctx, vtime_t until) {
  struct event_queue *events = &((struct ideal *)ctx)->events;
  const vtime_t next = event_next(events);
  event_run(events, next < until ? next : until);
}

struct link ideal_link(struct ideal *d) {
  return (struct link){
      .bus =
          {.ctx = d, .name = "ideal", .scan = scan, .open = open_io, .close = nothing},
      .now = now,
      .ctx = d,
      .usb = &d->host,
      .events = &d->events,
      .advance = advance_a_step,
      .stop = nothing,
  };
}
