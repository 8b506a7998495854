// SPDX-License-Identifier: MIT
#include "host/lib/digest.h"

#include <inttypes.h>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/protocol/ch9.h"

enum {
  ANSWER_MS = 5000,  // dfu-util's time limit for every request
  SLEEP_MS = 20,     // between two questions, at most: what waits is the user
  HURRIED = 8,       // questions without a pause, of a device that says 0
  // As long as a device may be busy with a sector (dfuc.c): longer than the slowest
  // chip takes to be read.
  LIMIT_MS = 120000,
};

static enum usb_result request(struct dfuc *c, uint8_t direction, uint8_t *data,
                               uint16_t length, uint16_t *moved) {
  const struct usb_request r = {
      .bmRequestType = (uint8_t)(direction | CH9_TYPE_VENDOR | CH9_RECIPIENT_INTERFACE),
      .bRequest = DIGEST_REQUEST,
      .wIndex = c->interface,
      .wLength = length,
  };
  *moved = 0;
  c->transfers++;
  return c->io->control(c->io->ctx, &r, data, moved, ANSWER_MS);
}

bool digest_ask(struct dfuc *c, uint16_t *abilities) {
  uint8_t bytes[DIGEST_HEADER_SIZE];
  struct digest_header h;
  uint16_t moved;
  if (request(c, CH9_DIRECTION_IN, bytes, sizeof bytes, &moved) != USB_DONE ||
      !digest_header_decode(bytes, moved, &h)) {
    return false;
  }
  *abilities = h.abilities;
  return true;
}

// ---- One request -----------------------------------------------------------

static enum digest_result useless(const char *what, struct qb_error *error) {
  qb_error_set(error, "the board %s when it is asked for checksums", what);
  return DIGEST_USELESS;
}

static enum digest_result no_answer(enum usb_result result, struct qb_error *error) {
  if (result == USB_STALLED) return useless("refuses to answer", error);
  dfuc_lost(result, error);
  return DIGEST_LOST;
}

static enum digest_result refused(const struct digest_header *h,
                                  struct qb_error *error) {
  qb_error_set(error, "the board says: at 0x%08" PRIX32 ": %s", h->address,
               status_sentence((enum status)h->reason));
  return DIGEST_REFUSED;
}

// `reply` has room for the CRCs. DIGEST_TOLD with `*working`: ask again later.
static enum digest_result fetch(struct dfuc *c, const struct digest_start *s,
                                uint8_t *reply, struct digest_header *h, bool *working,
                                struct qb_error *error) {
  const uint16_t room = (uint16_t)(DIGEST_HEADER_SIZE + 4u * s->count);
  uint16_t moved;
  const enum usb_result result = request(c, CH9_DIRECTION_IN, reply, room, &moved);
  if (result != USB_DONE) return no_answer(result, error);
  if (!digest_header_decode(reply, moved, h)) {
    return useless("answers in a way not known here", error);
  }
  *working = h->state == DIGEST_WORKING;
  if (*working) return DIGEST_TOLD;
  if (h->state == DIGEST_FAILED) return refused(h, error);
  if (h->state == DIGEST_IDLE) return useless("forgets what it was asked", error);
  const bool whole = moved == room && h->finished == s->count;
  return whole ? DIGEST_TOLD : useless("answers too little", error);
}

static void wait(struct dfuc *c, uint32_t waited_ms, uint32_t ms) {
  if (c->wait.busy) c->wait.busy(c->wait.ctx, waited_ms, ms);
  c->io->sleep_ms(c->io->ctx, ms);
}

static enum digest_result run(struct dfuc *c, const struct digest_start *s,
                              uint8_t *reply, struct qb_error *error) {
  uint8_t block[DIGEST_START_SIZE];
  uint16_t moved;
  digest_start_encode(s, block);
  const enum usb_result result = request(c, 0, block, sizeof block, &moved);
  if (result != USB_DONE) return no_answer(result, error);
  unsigned hurried = 0;
  for (uint32_t waited_ms = 0; waited_ms < LIMIT_MS;) {
    struct digest_header h;
    bool working = false;
    const enum digest_result told = fetch(c, s, reply, &h, &working, error);
    if (told != DIGEST_TOLD || !working) return told;
    const uint32_t ms = h.remaining_ms < SLEEP_MS ? h.remaining_ms : SLEEP_MS;
    if (ms > 0) {
      wait(c, waited_ms, ms);
    } else if (++hurried % HURRIED == 0) {
      wait(c, waited_ms, 1);
    }
    waited_ms += ms ? ms : 1;  // a question takes its time, too
  }
  return useless("never comes to an end", error);
}

enum digest_result digest_crcs(struct dfuc *c, uint32_t address, uint32_t unit,
                               uint16_t count, uint32_t *out, struct qb_error *error) {
  const struct digest_start s = {
      .kind = DIGEST_CRC32, .count = count, .address = address, .unit = unit};
  uint8_t reply[DIGEST_REPLY_SIZE];
  const enum digest_result result = run(c, &s, reply, error);
  for (size_t i = 0; result == DIGEST_TOLD && i < count; i++) {
    out[i] = load_le32(reply + DIGEST_HEADER_SIZE + 4 * i);
  }
  return result;
}

enum digest_result digest_sync(struct dfuc *c, struct qb_error *error) {
  const struct digest_start s = {.kind = DIGEST_SYNC};
  uint8_t reply[DIGEST_HEADER_SIZE];
  return run(c, &s, reply, error);
}
