// SPDX-License-Identifier: MIT
// Transfers and sleeps of the client that has the device: from its messages to
// the backend, and back. At most USBIP_SERVER_URBS are under way.
#include <stdlib.h>
#include <string.h>

#include "sim/server/usbip_server_internal.h"

struct usbip_pending {
  struct usbip_pending *next;
  bool sleep;  // then only urb.seqnum means anything
  struct usbip_urb urb;
  uint8_t data[];  // of OUT
};

// The link that holds a request, so that it can be taken out; its target is
// NULL when there is none.
static struct usbip_pending **find(struct usbip_peer *peer, uint32_t seqnum) {
  struct usbip_pending **link = &peer->pending;
  while (*link && (*link)->urb.seqnum != seqnum)
    link = &(*link)->next;
  return link;
}

static void add(struct usbip_peer *peer, struct usbip_pending *p) {
  p->next = peer->pending;
  peer->pending = p;
  peer->pending_count++;
  peer->pending_bytes += p->urb.length;
}

static void take_out(struct usbip_peer *peer, struct usbip_pending **link) {
  struct usbip_pending *p = *link;
  *link = p->next;
  peer->pending_count--;
  peer->pending_bytes -= p->urb.length;
  free(p);
}

void usbip_transfers_free(struct usbip_peer *peer) {
  while (peer->pending)
    take_out(peer, &peer->pending);
}

// Sent by the caller's next flush, together with what follows it.
static void reply(struct usbip_peer *peer, const struct usbip_header *header) {
  uint8_t bytes[USBIP_HEADER_SIZE];
  usbip_header_encode(header, bytes);
  usbip_peer_send(peer, bytes, sizeof bytes);
}

static void reply_submit(struct usbip_peer *peer, uint32_t seqnum,
                         enum usbip_status status, uint32_t actual) {
  reply(peer, &(struct usbip_header){.command = USBIP_RET_SUBMIT,
                                     .seqnum = seqnum,
                                     .returned = {.status = status, .length = actual}});
}

static void reply_slept(struct usbip_peer *peer, uint32_t seqnum, uint64_t ns) {
  reply(peer, &(struct usbip_header){
                  .command = QUADBOOT_RET_SLEEP, .seqnum = seqnum, .ns = ns});
}

// A new entry, or NULL when the client's limits or the memory say no.
static struct usbip_pending *reserve(struct usbip_peer *peer, size_t length,
                                     size_t data_length) {
  if (peer->pending_count >= USBIP_SERVER_URBS) return NULL;
  if (peer->pending_bytes + length > USBIP_SERVER_URB_BYTES) return NULL;
  return calloc(1, sizeof(struct usbip_pending) + data_length);
}

// The backend sees only what is consistent and fits; the rest is returned here.
static void submit(struct usbip_server *s, struct usbip_peer *peer,
                   const struct usbip_header *h, const uint8_t *data) {
  const uint32_t setup_length = h->submit.setup[6] | (uint32_t)h->submit.setup[7] << 8;
  if (h->endpoint == 0 && setup_length != h->submit.length) {
    reply_submit(peer, h->seqnum, USBIP_INVALID, 0);
    return;
  }
  struct usbip_pending *p =
      reserve(peer, h->submit.length, h->in ? 0 : h->submit.length);
  if (!p) {
    reply_submit(peer, h->seqnum, USBIP_NO_MEMORY, 0);
    return;
  }
  p->urb = (struct usbip_urb){
      .seqnum = h->seqnum,
      .endpoint = h->endpoint,
      .in = h->in,
      .flags = h->submit.flags,
      .interval = h->submit.interval,
      .length = h->submit.length,
      .data = h->in ? NULL : p->data,
  };
  memcpy(p->urb.setup, h->submit.setup, sizeof p->urb.setup);
  if (!h->in) memcpy(p->data, data, h->submit.length);
  add(peer, p);
  s->backend->submit(s->backend->ctx, &p->urb);
}

// Unlinked or returned, never both: the client frees its URB on either
// (Linux, drivers/usb/usbip/stub_rx.c).
static void unlink_urb(struct usbip_server *s, struct usbip_peer *peer,
                       const struct usbip_header *h) {
  struct usbip_pending **link = find(peer, h->unlink_seqnum);
  const bool under_way = *link && !(*link)->sleep;
  if (under_way) {
    s->backend->unlink(s->backend->ctx, h->unlink_seqnum);
    link = find(peer, h->unlink_seqnum);
    if (*link) take_out(peer, link);  // unless the backend detached just now
  }
  reply(peer, &(struct usbip_header){
                  .command = USBIP_RET_UNLINK,
                  .seqnum = h->seqnum,
                  .returned.status = under_way ? USBIP_UNLINKED : USBIP_DONE});
}

static void start_sleep(struct usbip_server *s, struct usbip_peer *peer,
                        const struct usbip_header *h) {
  struct usbip_pending *p = s->backend->sleep ? reserve(peer, 0, 0) : NULL;
  if (!p) {
    reply_slept(peer, h->seqnum, QUADBOOT_SLEEP_REFUSED);
    return;
  }
  p->sleep = true;
  p->urb.seqnum = h->seqnum;
  add(peer, p);
  if (s->backend->sleep(s->backend->ctx, h->seqnum, h->ns)) return;
  usbip_server_slept(s, h->seqnum, QUADBOOT_SLEEP_REFUSED);
}

// Why a well-formed message is still wrong here, or NULL.
static const char *objection(struct usbip_peer *peer, const struct usbip_header *h) {
  const bool request = h->command == USBIP_CMD_SUBMIT || h->command == USBIP_CMD_UNLINK;
  if (!request && h->command != QUADBOOT_CMD_SLEEP) {
    return "sent a reply where only requests belong";
  }
  if (request && h->devid != peer->devid) return "named a device it did not import";
  if (*find(peer, h->seqnum)) return "used a sequence number twice";
  return NULL;
}

bool usbip_transfers_take(struct usbip_server *s, struct usbip_peer *peer) {
  struct usbip_bytes *in = &peer->stream.in;
  struct usbip_header h;
  enum usbip_result result = usbip_header_decode(usbip_bytes_first(in), in->length, &h);
  if (result == USBIP_SHORT) return false;
  const char *why =
      result == USBIP_OK ? objection(peer, &h) : usbip_result_text(result);
  if (why) {
    usbip_peer_drop(s, peer, why);
    return false;
  }
  const bool has_data = h.command == USBIP_CMD_SUBMIT && !h.in;
  const size_t length = USBIP_HEADER_SIZE + (has_data ? h.submit.length : 0);
  if (in->length < length) return false;
  switch (h.command) {
    case USBIP_CMD_SUBMIT:
      submit(s, peer, &h, usbip_bytes_first(in) + USBIP_HEADER_SIZE);
      break;
    case USBIP_CMD_UNLINK: unlink_urb(s, peer, &h); break;
    default: start_sleep(s, peer, &h); break;
  }
  usbip_bytes_consume(in, length);
  return true;
}

bool usbip_server_complete(struct usbip_server *s, uint32_t seqnum,
                           enum usbip_status status, const uint8_t *data,
                           uint32_t actual) {
  if (!usbip_server_imported(s)) return false;
  struct usbip_peer *peer = s->importer;
  struct usbip_pending **link = find(peer, seqnum);
  if (!*link || (*link)->sleep) return false;
  const struct usbip_urb *urb = &(*link)->urb;
  const uint32_t moved = actual < urb->length ? actual : urb->length;
  reply_submit(peer, seqnum, status, moved);
  if (urb->in) usbip_peer_send(peer, data, moved);
  take_out(peer, link);
  usbip_peer_flush(peer);  // the client may be all that waits
  return true;
}

bool usbip_server_slept(struct usbip_server *s, uint32_t seqnum, uint64_t now_ns) {
  if (!usbip_server_imported(s)) return false;
  struct usbip_peer *peer = s->importer;
  struct usbip_pending **link = find(peer, seqnum);
  if (!*link || !(*link)->sleep) return false;
  reply_slept(peer, seqnum, now_ns);
  take_out(peer, link);
  usbip_peer_flush(peer);  // the client may be all that waits
  return true;
}
