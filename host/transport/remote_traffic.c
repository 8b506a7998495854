// SPDX-License-Identifier: MIT
// Transfers and sleeps on their way to an attached device and back.
#include <stdlib.h>
#include <string.h>

#include "host/transport/remote_internal.h"

// A request whose answer is due. A cancelled transfer stays here without its
// `transfer` until the server has answered it or the unlink, because an answer
// that was already on its way carries data that must be skipped.
struct remote_pending {
  struct remote_pending *next;
  uint32_t seqnum;
  uint32_t unlinks;           // the transfer that this unlink request cancels
  bool in;                    // an answer carries data
  struct transfer *transfer;  // NULL: cancelled, or no transfer
  struct remote_sleep *sleep;
};

// The link that holds the request with this number; it holds NULL if none does.
static struct remote_pending **find(struct remote *r, uint32_t seqnum) {
  struct remote_pending **link = &r->pending;
  while (*link && (*link)->seqnum != seqnum)
    link = &(*link)->next;
  return link;
}

// Takes a request out of the list. Harmless if there is none.
static void drop(struct remote_pending **link) {
  struct remote_pending *p = *link;
  if (!p) return;
  *link = p->next;
  free(p);
}

void remote_flush(struct remote *r) {
  // A broken connection is noticed by the next receive.
  (void)usbip_stream_flush(&r->stream);
}

// Queues a request and remembers it. NULL when there is no memory.
static struct remote_pending *send_request(struct remote *r, struct usbip_header *h,
                                           const uint8_t *data, uint32_t length) {
  struct remote_pending *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  h->seqnum = ++r->seqnum;
  h->devid = usbip_devid(&r->device);
  uint8_t bytes[USBIP_HEADER_SIZE];
  usbip_header_encode(h, bytes);
  if (!usbip_stream_write(&r->stream, bytes, sizeof bytes) ||
      !usbip_stream_write(&r->stream, data, length)) {
    free(p);
    return NULL;
  }
  p->seqnum = h->seqnum;
  p->next = r->pending;
  r->pending = p;
  remote_flush(r);
  return p;
}

bool remote_submit(struct remote *r, struct transfer *t) {
  if (r->state != REMOTE_ATTACHED) return false;
  struct usbip_header h = {
      .command = USBIP_CMD_SUBMIT,
      .in = t->in,
      .endpoint = t->endpoint,
      .submit = {.flags = t->flags, .length = t->length},
  };
  memcpy(h.submit.setup, t->setup, sizeof h.submit.setup);
  struct remote_pending *p = send_request(r, &h, t->data, t->in ? 0 : t->length);
  if (!p) return false;
  p->in = t->in;
  p->transfer = t;
  return true;
}

void remote_cancel(struct remote *r, struct transfer *t) {
  struct remote_pending *p = r->pending;
  while (p && p->transfer != t)
    p = p->next;
  if (!p) return;
  p->transfer = NULL;
  struct usbip_header h = {.command = USBIP_CMD_UNLINK, .unlink_seqnum = p->seqnum};
  struct remote_pending *unlink_request = send_request(r, &h, NULL, 0);
  if (unlink_request) unlink_request->unlinks = p->seqnum;
}

bool remote_start_sleep(struct remote *r, struct remote_sleep *sleep) {
  if (r->state != REMOTE_ATTACHED || r->real_sleep) return false;
  struct usbip_header h = {.command = QUADBOOT_CMD_SLEEP, .ns = sleep->ns};
  struct remote_pending *p = send_request(r, &h, NULL, 0);
  if (!p) return false;
  p->sleep = sleep;
  return true;
}

// Nobody waits for its answer by number: nothing else is under way yet.
bool remote_probe(struct remote *r) {
  const struct usbip_header h = {.command = QUADBOOT_CMD_SLEEP,
                                 .seqnum = ++r->seqnum,
                                 .devid = usbip_devid(&r->device)};
  uint8_t bytes[USBIP_HEADER_SIZE];
  usbip_header_encode(&h, bytes);
  return usbip_stream_write(&r->stream, bytes, sizeof bytes);
}

bool remote_busy(const struct remote *r) {
  for (const struct remote_pending *p = r->pending; p; p = p->next) {
    if (p->transfer) return true;
  }
  return false;
}

// `t` may be gone afterwards.
static void end(struct transfer *t, int32_t status, uint32_t actual) {
  t->status = status;
  t->actual = actual;
  t->done(t);
}

// One at a time from the list, as `done` may start others (which then fail).
void remote_end_all(struct remote *r) {
  while (r->pending) {
    const struct remote_pending p = *r->pending;
    drop(&r->pending);
    if (p.transfer) end(p.transfer, USBIP_SHUTDOWN, 0);
    if (p.sleep) p.sleep->done(p.sleep, false);
  }
}

static void take_returned(struct remote *r, const struct usbip_header *h,
                          const uint8_t *data) {
  struct remote_pending **link = find(r, h->seqnum);
  struct transfer *t = *link ? (*link)->transfer : NULL;
  drop(link);
  if (!t) return;
  if (t->in && h->returned.length > 0) memcpy(t->data, data, h->returned.length);
  end(t, h->returned.status, h->returned.length);
}

// The unlink is answered, so an answer to the transfer will not come any more, or
// has come before.
static void take_unlinked(struct remote *r, const struct usbip_header *h) {
  struct remote_pending **link = find(r, h->seqnum);
  if (!*link) return;
  const uint32_t unlinked = (*link)->unlinks;
  drop(link);
  struct remote_pending **target = find(r, unlinked);
  if (*target && !(*target)->transfer) drop(target);
}

static void take_slept(struct remote *r, const struct usbip_header *h) {
  struct remote_pending **link = find(r, h->seqnum);
  struct remote_sleep *sleep = *link ? (*link)->sleep : NULL;
  drop(link);
  if (sleep) sleep->done(sleep, h->ns != QUADBOOT_SLEEP_REFUSED);
}

// Whether the answer is one that was asked for, and no longer than that.
static bool is_expected(struct remote *r, const struct usbip_header *h) {
  const struct remote_pending *p = *find(r, h->seqnum);
  if (!p) return false;
  if (h->command == QUADBOOT_RET_SLEEP) return p->sleep != NULL;
  if (p->sleep) return false;
  if (h->command == USBIP_RET_UNLINK) return p->unlinks != 0;
  if (h->command != USBIP_RET_SUBMIT || p->unlinks != 0) return false;
  return !p->transfer || h->returned.length <= p->transfer->length;
}

bool remote_take_message(struct remote *r) {
  struct usbip_bytes *in = &r->stream.in;
  struct usbip_header h;
  const enum usbip_result result =
      usbip_header_decode(usbip_bytes_first(in), in->length, &h);
  if (result == USBIP_SHORT) return false;
  if (result != USBIP_OK || !is_expected(r, &h)) {
    r->problem =
        result == USBIP_OK ? "answered what nobody asked" : usbip_result_text(result);
    return false;
  }
  const bool has_data = h.command == USBIP_RET_SUBMIT && (*find(r, h.seqnum))->in;
  const size_t length = USBIP_HEADER_SIZE + (has_data ? h.returned.length : 0);
  if (in->length < length) return false;
  switch (h.command) {
    case USBIP_RET_SUBMIT:
      take_returned(r, &h, usbip_bytes_first(in) + USBIP_HEADER_SIZE);
      break;
    case USBIP_RET_UNLINK: take_unlinked(r, &h); break;
    default: take_slept(r, &h); break;
  }
  usbip_bytes_consume(in, length);
  return true;
}

void transfer_set_control(struct transfer *t, const uint8_t setup[8], uint8_t *data) {
  memcpy(t->setup, setup, sizeof t->setup);
  t->endpoint = 0;
  t->length = setup[6] | (uint32_t)setup[7] << 8;
  // Without a data stage the direction bit means nothing (USB 2.0 9.3.1), and
  // a Linux host sends OUT.
  t->in = (setup[0] & 0x80) != 0 && t->length > 0;
  t->data = data;
}
