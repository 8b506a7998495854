// SPDX-License-Identifier: MIT
#include "tests/unit/host/lib/fake_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  IDLE = 2,
  SYNC = 3,
  BUSY = 4,
  DNLOAD_IDLE = 5,
  MANIFEST = 7,
  UPLOAD_IDLE = 9,
  ERROR = 10
};
enum { ERR_TARGET = 1, ERR_PROG = 6, ERR_STALLED = 15 };
enum { STRING_OWN_WORDS = 40, STRING_LAYOUTS = 10 };

void fake_board_init(struct fake_board *f) {
  *f = (struct fake_board){
      .product = "quadboot",
      .serial = "A1",
      .manufacturer = "Somebody",
      .layouts = {"@Internal Flash  /0x08010000/08*008Kg/0x08000000/02*032Ka",
                  "@QSPI/0x90000000/4*16Kg"},
      .vendor = 0x1209,
      .product_id = 0x0001,
      .transfer_size = 1024,
      .version = 0x011A,
      .protocol = 2,
      .attributes = 0x0B,
      .location = "usb:1-1",
      .poll_ms = 3,
      .busy_polls = 1,
      .state = IDLE,
  };
  memset(f->internal, 0x55, sizeof f->internal);
  memset(f->qspi, 0xAA, sizeof f->qspi);
}

static void note(struct fake_board *f, enum fake_deed deed, uint32_t address,
                 uint32_t size) {
  assert_true(f->logged < FAKE_LOG);  // else somebody does not end
  f->log[f->logged++] = (struct fake_entry){deed, address, size};
}

size_t fake_board_count(const struct fake_board *f, enum fake_deed deed) {
  size_t n = 0;
  for (size_t i = 0; i < f->logged; i++) {
    n += f->log[i].deed == deed;
  }
  return n;
}

// ---- Memory ----------------------------------------------------------------

// NULL: not its own.
static uint8_t *memory(struct fake_board *f, uint32_t address, uint32_t size) {
  static uint8_t bootloader[0x10000];
  const struct {
    uint32_t first;
    uint8_t *bytes;
  } all[] = {
      {FAKE_INTERNAL, f->internal}, {FAKE_QSPI, f->qspi}, {0x08000000, bootloader}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (address >= all[i].first && address - all[i].first < FAKE_MEMORY &&
        size <= FAKE_MEMORY - (address - all[i].first)) {
      return all[i].bytes + (address - all[i].first);
    }
  }
  return NULL;
}

static uint32_t sector_size(uint32_t address) {
  return address >= FAKE_QSPI ? 16384 : 8192;
}

static void go_wrong(struct fake_board *f, uint8_t status) {
  f->state = ERROR;
  f->status = status;
}

static void erase(struct fake_board *f) {
  const uint32_t size = sector_size(f->work_address);
  const uint32_t first = f->work_address / size * size;
  uint8_t *bytes = memory(f, first, size);
  if (!bytes || first < FAKE_INTERNAL) {
    go_wrong(f, ERR_TARGET);
    return;
  }
  memset(bytes, 0xFF, size);
  note(f, FAKE_ERASED, first, size);
}

// A sector-exact device's own work: the bytes beside the data stay.
static void make_room(struct fake_board *f, uint32_t address, uint8_t *bytes) {
  if ((f->abilities & 1) && address >= FAKE_QSPI) memset(bytes, 0xFF, f->work_length);
}

static void program(struct fake_board *f) {
  const uint32_t address =
      f->pointer + (uint32_t)(f->work_block - 2) * f->transfer_size;
  uint8_t *bytes = memory(f, address, f->work_length);
  if (!bytes || address < FAKE_INTERNAL) {
    go_wrong(f, ERR_TARGET);
    return;
  }
  make_room(f, address, bytes);
  for (uint32_t i = 0; i < f->work_length; i++) {
    if (bytes[i] != 0xFF) {
      go_wrong(f, ERR_PROG);
      return;
    }
  }
  memcpy(bytes, f->buffer, f->work_length);
  note(f, FAKE_WROTE, address, f->work_length);
}

static void finish_work(struct fake_board *f) {
  f->state = DNLOAD_IDLE;
  switch (f->work) {
    case WORK_POINTER:
      f->pointer = f->work_address;
      if (!memory(f, f->pointer, 1)) go_wrong(f, ERR_TARGET);
      break;
    case WORK_ERASE: erase(f); break;
    case WORK_MASS:
      memset(f->alternate == f->first_alternate ? f->internal : f->qspi, 0xFF,
             FAKE_MEMORY);
      note(f, FAKE_ERASED,
           f->alternate == f->first_alternate ? FAKE_INTERNAL : FAKE_QSPI, FAKE_MEMORY);
      break;
    case WORK_DATA: program(f); break;
    default: break;
  }
  f->work = WORK_NONE;
}

// ---- Requests of the class -------------------------------------------------

static enum usb_result refuse(struct fake_board *f) {
  go_wrong(f, ERR_STALLED);
  return USB_STALLED;
}

static void take_command(struct fake_board *f, const uint8_t *data, uint16_t length) {
  f->work_address = length == 5 ? data[1] | (uint32_t)data[2] << 8 |
                                      (uint32_t)data[3] << 16 | (uint32_t)data[4] << 24
                                : 0;
  f->work = data[0] == 0x21 && length == 5   ? WORK_POINTER
            : data[0] == 0x41 && length == 5 ? WORK_ERASE
            : data[0] == 0x41 && length == 1 ? WORK_MASS
                                             : WORK_NONE;
  assert_int_not_equal(f->work, WORK_NONE);
}

static enum usb_result dnload(struct fake_board *f, const struct usb_request *r,
                              const uint8_t *data, uint16_t *moved) {
  if ((f->state != IDLE && f->state != DNLOAD_IDLE) || r->wLength > f->transfer_size ||
      r->wValue == 1) {
    return refuse(f);
  }
  if (r->wLength == 0) {
    f->state = MANIFEST;
    return USB_DONE;
  }
  if (r->wValue == 0) {
    take_command(f, data, r->wLength);
  } else {
    memcpy(f->buffer, data, r->wLength);
    f->work = WORK_DATA;
    f->work_block = r->wValue;
    f->work_length = r->wLength;
  }
  f->state = SYNC;
  f->polls_left = f->busy_polls;
  *moved = r->wLength;
  return USB_DONE;
}

static enum usb_result upload(struct fake_board *f, const struct usb_request *r,
                              uint8_t *data, uint16_t *moved) {
  if (!(f->attributes & 2)) return refuse(f);
  if ((f->state != IDLE && f->state != UPLOAD_IDLE) || r->wValue < 2 ||
      r->wLength > f->transfer_size) {
    return refuse(f);
  }
  const uint32_t address = f->pointer + (uint32_t)(r->wValue - 2) * f->transfer_size;
  const uint8_t *bytes = memory(f, address, r->wLength);
  if (!bytes) return refuse(f);
  memcpy(data, bytes, r->wLength);
  note(f, FAKE_READ, address, r->wLength);
  f->state = r->wLength == f->transfer_size ? UPLOAD_IDLE : IDLE;
  *moved = r->wLength;
  return USB_DONE;
}

// What a GETSTATUS does to the state, and how long the host shall wait.
static uint32_t proceed(struct fake_board *f) {
  if (f->busy_for_ever && (f->state == SYNC || f->state == BUSY)) {
    f->state = BUSY;
    return f->poll_ms;
  }
  if (f->state == SYNC || f->state == BUSY) {
    if (f->polls_left > 0) {
      f->polls_left--;
      f->state = BUSY;
      return f->poll_ms;
    }
    finish_work(f);
  }
  if (f->state == IDLE && f->idle_poll_ms) {
    return f->idle_poll_falls ? f->idle_poll_ms-- : f->idle_poll_ms;
  }
  return 0;
}

static enum usb_result get_status(struct fake_board *f, const struct usb_request *r,
                                  uint8_t *data, uint16_t *moved) {
  assert_int_equal(r->wLength, 6);
  const uint32_t poll = proceed(f);
  const uint8_t answer[6] = {
      f->status,
      (uint8_t)poll,
      (uint8_t)(poll >> 8),
      (uint8_t)(poll >> 16),
      f->state,
      (uint8_t)(f->own_words && f->state == ERROR ? STRING_OWN_WORDS : 0)};
  *moved = f->status_size ? f->status_size : 6;
  memcpy(data, answer, *moved < 6 ? *moved : 6);
  if (f->state == MANIFEST) {
    f->started = true;
    note(f, FAKE_LEFT, f->pointer, 0);
  }
  return USB_DONE;
}

static enum usb_result dfu_request(struct fake_board *f, const struct usb_request *r,
                                   uint8_t *data, uint16_t *moved) {
  assert_int_equal(r->wIndex, 0);
  switch (r->bRequest) {
    case 0: return f->protocol == 1 ? USB_DONE : refuse(f);
    case 1: return dnload(f, r, data, moved);
    case 2: return upload(f, r, data, moved);
    case 3: return get_status(f, r, data, moved);
    case 4:
      if (f->keeps_error) return USB_DONE;
      f->state = IDLE;
      f->status = 0;
      return USB_DONE;
    case 6:
      if (f->refuses_abort) return USB_STALLED;
      f->state = IDLE;
      note(f, FAKE_ABORTED, 0, 0);
      return USB_DONE;
    default: return refuse(f);
  }
}

// ---- Vendor requests -------------------------------------------------------

static uint32_t get_le(const uint8_t *p, unsigned bytes) {
  uint32_t v = 0;
  while (bytes-- > 0)
    v = v << 8 | p[bytes];
  return v;
}

static void put_le32(uint8_t *p, uint32_t v) {
  for (unsigned i = 0; i < 4; i++)
    p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t crc32_of(const uint8_t *bytes, uint32_t n) {
  uint32_t crc = 0xFFFFFFFF;
  for (uint32_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
  }
  return ~crc;
}

static bool fibs(const struct fake_board *f, enum fake_fib fib) {
  return f->fib == fib && f->starts > f->fib_after;
}

static enum usb_result digest_begin(struct fake_board *f, const struct usb_request *r,
                                    const uint8_t *data, uint16_t *moved) {
  assert_int_equal(r->wLength, 12);
  memcpy(f->digest_start, data, 12);
  f->starts++;
  f->syncs += data[1] == 2;
  if (fibs(f, FIB_REFUSES)) return USB_STALLED;
  assert_int_equal(data[0], 1);
  assert_true(data[1] == 2 ? get_le(data + 2, 2) == 0
                           : data[1] == 1 && get_le(data + 8, 4) > 0);
  assert_in_range(get_le(data + 2, 2), data[1] == 1, 1020);
  f->digest_state = 1;
  f->digest_polls_left = f->digest_polls;
  *moved = 12;
  return USB_DONE;
}

// The CRCs behind the header; false: the range is not its own.
static bool digest_compute(struct fake_board *f, uint8_t *reply) {
  const uint32_t count = get_le(f->digest_start + 2, 2);
  const uint32_t address = get_le(f->digest_start + 4, 4);
  const uint32_t unit = get_le(f->digest_start + 8, 4);
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *bytes = memory(f, address + i * unit, unit);
    if (!bytes || fibs(f, FIB_FAILS)) {
      reply[6] = 1;
      put_le32(reply + 8, address + i * unit);
      return false;
    }
    put_le32(reply + 16 + 4 * i, crc32_of(bytes, unit) ^ fibs(f, FIB_CRC));
  }
  return true;
}

static uint16_t digest_answer(struct fake_board *f, uint8_t *reply) {
  const uint32_t count = get_le(f->digest_start + 2, 2);
  const bool sync = f->digest_start[1] == 2;
  memset(reply, 0, 4096);
  reply[0] = fibs(f, FIB_VERSION) ? 2 : 1;
  reply[2] = (uint8_t)f->abilities;
  if (f->digest_state == 1 && f->digest_polls_left == 0) f->digest_state = 2;
  if (fibs(f, FIB_NEVER_DONE)) f->digest_state = 1;
  if (f->digest_state == 1 && f->digest_polls_left > 0) f->digest_polls_left--;
  if (f->digest_state == 2 && sync && f->sync_reason) {
    f->digest_state = 3;
    reply[6] = f->sync_reason;
    put_le32(reply + 8, FAKE_QSPI + 0x123);
  }
  if (f->digest_state == 2 && !digest_compute(f, reply)) f->digest_state = 3;
  reply[1] = fibs(f, FIB_STATE) ? 4 : fibs(f, FIB_FORGETS) ? 0 : f->digest_state;
  if (reply[1] == 1) put_le32(reply + 12, fibs(f, FIB_NEVER_DONE) ? 9000000 : 2);
  reply[4] = (uint8_t)(reply[1] == 2 ? count - (count && fibs(f, FIB_COUNT)) : 0);
  reply[5] = (uint8_t)(reply[1] == 2 ? count >> 8 : 0);
  if (fibs(f, FIB_SHORT_HEAD)) return 15;
  if (reply[1] != 2) return 16;
  return (uint16_t)(16 + 4 * count - (count && fibs(f, FIB_SHORT_CRCS) ? 4 : 0));
}

static enum usb_result vendor_request(struct fake_board *f, const struct usb_request *r,
                                      uint8_t *data, uint16_t *moved) {
  uint8_t reply[4096] = {1, 32};
  uint16_t size = 32;
  assert_int_equal(r->wIndex, 0);
  assert_int_equal(r->wValue, 0);
  if (!f->digests) return USB_STALLED;
  if (r->bRequest == 0x51) {
    reply[24] = f->unfinished;
  } else if (r->bRequest == 0x52 && !(r->bmRequestType & 0x80)) {
    return digest_begin(f, r, data, moved);
  } else if (r->bRequest == 0x52) {
    if (fibs(f, FIB_NO_FETCH)) return USB_STALLED;
    size = digest_answer(f, reply);
  } else {
    return USB_STALLED;
  }
  *moved = size < r->wLength ? size : r->wLength;
  memcpy(data, reply, *moved);
  return USB_DONE;
}

// ---- Descriptors -----------------------------------------------------------

static size_t put_string(const char *text, uint8_t *out) {
  const size_t n = strlen(text);
  assert_true(n <= 126);
  out[0] = (uint8_t)(2 + 2 * n);
  out[1] = 3;
  for (size_t i = 0; i < n; i++) {
    out[2 + 2 * i] = (uint8_t)text[i];
    out[3 + 2 * i] = 0;
  }
  return out[0];
}

static const char *string_of(const struct fake_board *f, uint8_t index) {
  switch (index) {
    case 1: return f->manufacturer;
    case 2: return f->product;
    case 3: return f->serial;
    case STRING_OWN_WORDS: return f->own_words;
    default: break;
  }
  const unsigned layout = (unsigned)index - STRING_LAYOUTS;
  return layout < FAKE_LAYOUTS ? f->layouts[layout] : NULL;
}

static size_t put_configuration(const struct fake_board *f, uint8_t *out) {
  static const uint8_t head[9] = {9, 2, 0, 0, 1, 1, 0, 0x80, 50};
  size_t at = sizeof head;
  memcpy(out, head, sizeof head);
  for (uint8_t i = 0; i < FAKE_LAYOUTS && f->layouts[i]; i++) {
    const uint8_t bytes[18] = {9,
                               4,
                               0,
                               (uint8_t)(f->first_alternate + i),
                               0,
                               0xFE,
                               1,
                               f->protocol,
                               (uint8_t)(STRING_LAYOUTS + i),
                               9,
                               0x21,
                               f->attributes,
                               0xFF,
                               0,
                               (uint8_t)f->transfer_size,
                               (uint8_t)(f->transfer_size >> 8),
                               (uint8_t)f->version,
                               (uint8_t)(f->version >> 8)};
    memcpy(out + at, bytes, sizeof bytes);
    at += sizeof bytes;
  }
  out[2] = (uint8_t)at;
  out[3] = (uint8_t)(at >> 8);
  return at;
}

static enum usb_result get_descriptor(const struct fake_board *f,
                                      const struct usb_request *r, uint8_t *data,
                                      uint16_t *moved) {
  uint8_t bytes[512] = {18,
                        1,
                        0,
                        2,
                        0,
                        0,
                        0,
                        64,
                        (uint8_t)f->vendor,
                        (uint8_t)(f->vendor >> 8),
                        (uint8_t)f->product_id,
                        (uint8_t)(f->product_id >> 8),
                        0x34,
                        0x12,
                        1,
                        2,
                        (uint8_t)(f->serial ? 3 : 0),
                        1};
  static const uint8_t languages[4] = {4, 3, 9, 4};
  size_t size = 18;
  const uint8_t index = (uint8_t)r->wValue;
  switch (r->wValue >> 8) {
    case 1: break;
    case 2: size = put_configuration(f, bytes); break;
    case 3:
      if (index == 0) {
        memcpy(bytes, languages, sizeof languages);
        size = sizeof languages;
        break;
      }
      if (!string_of(f, index)) return USB_STALLED;
      size = put_string(string_of(f, index), bytes);
      break;
    default: return USB_STALLED;
  }
  *moved = (uint16_t)(size < r->wLength ? size : r->wLength);
  memcpy(data, bytes, *moved);
  return USB_DONE;
}

// ---- Faults ----------------------------------------------------------------

static void go_away(struct fake_board *f) {
  f->gone = true;
  f->state = IDLE;
  f->status = 0;
  f->work = WORK_NONE;
  f->alternate = f->first_alternate;
  f->pointer = 0;
  f->digest_state = 0;
}

// A fault in place of the transfer. False: none, or it takes its course.
static bool has_fault(struct fake_board *f, enum usb_result *result) {
  if (f->forgets_every && f->transfers % f->forgets_every == 0) {
    memset(f->internal, 0xFF, 8192);
    go_away(f);
    *result = USB_GONE;
    return true;
  }
  if (f->at == FAKE_NEVER || f->transfers != f->at) return false;
  switch (f->fault) {
    case FAULT_STALL: *result = USB_STALLED; return true;
    case FAULT_GONE:
      go_away(f);
      *result = USB_GONE;
      return true;
    case FAULT_GONE_FOR_EVER:
      go_away(f);
      f->forgets = true;
      *result = USB_GONE;
      return true;
    case FAULT_TIMEOUT:
      go_away(f);
      *result = USB_TIMEOUT;
      return true;
    case FAULT_BROKEN:
      go_away(f);
      *result = USB_FAILED;
      return true;
    case FAULT_ERROR: go_wrong(f, ERR_PROG); return false;
    case FAULT_BUSY: f->busy_for_ever = true; return false;
    case FAULT_STOP: f->stopped = true; return false;
    default: return false;
  }
}

static enum usb_result control(void *ctx, const struct usb_request *r, uint8_t *data,
                               uint16_t *moved, uint32_t timeout_ms) {
  struct fake_board *f = ctx;
  uint16_t ignored;
  enum usb_result result;
  if (!moved) moved = &ignored;
  *moved = 0;
  assert_true(f->open);
  assert_true(timeout_ms > 0 && timeout_ms <= 35000);
  assert_true(++f->transfers < 2000000);  // else somebody does not end
  if (f->gone) return USB_GONE;
  if (has_fault(f, &result)) return result;
  result = r->bmRequestType & 0x40   ? vendor_request(f, r, data, moved)
           : r->bmRequestType & 0x20 ? dfu_request(f, r, data, moved)
                                     : get_descriptor(f, r, data, moved);
  if (f->transfers != f->at) return result;
  if (f->fault == FAULT_SHORT && *moved > 0) --*moved;
  if (f->fault == FAULT_STATE && r->bRequest == 3) data[4] = MANIFEST + 1;
  return result;
}

// ---- struct usb_io ---------------------------------------------------------

static bool claim(void *ctx, uint8_t interface, struct qb_error *error) {
  struct fake_board *f = ctx;
  assert_int_equal(interface, 0);
  if (f->refuses_claim) return qb_error_set(error, "another program uses the board");
  f->claimed = true;
  return true;
}

static enum usb_result set_alternate(void *ctx, uint8_t interface, uint8_t alternate) {
  struct fake_board *f = ctx;
  assert_int_equal(interface, 0);
  assert_true(f->claimed);
  enum usb_result result;
  f->transfers++;
  if (f->gone) return USB_GONE;
  if (has_fault(f, &result)) return result;
  if (f->refuses_alternate) return USB_STALLED;
  f->alternate = alternate;
  f->state = IDLE;
  return USB_DONE;
}

// No wait is longer than all that a device may be given.
static void sleep_ms(void *ctx, uint32_t ms) {
  struct fake_board *f = ctx;
  f->slept_ms += ms;
  assert_true(f->slept_ms < 3600u * 1000);
}

static void reset(void *ctx) {
  struct fake_board *f = ctx;
  f->protocol = 2;
  go_away(f);
}

static void close_io(void *ctx) {
  struct fake_board *f = ctx;
  assert_true(f->open);
  f->open = f->claimed = false;
}

struct usb_io fake_board_io(struct fake_board *f) {
  assert_false(f->open);
  f->open = true;
  return (struct usb_io){.ctx = f,
                         .control = control,
                         .claim = claim,
                         .set_alternate = set_alternate,
                         .reset = reset,
                         .sleep_ms = sleep_ms,
                         .close = close_io};
}

// ---- struct usb_bus --------------------------------------------------------

static void come_back(struct fake_board *f) {
  if (!f->gone || f->forgets) return;
  f->gone = false;
  if (f->new_layout) f->layouts[0] = f->new_layout;
}

static bool scan(void *ctx, struct usb_found_list *list, struct qb_error *error) {
  struct fake_bus *b = ctx;
  if (b->broken) return qb_error_set(error, "the bus is broken");
  for (size_t i = 0; i < b->count; i++) {
    struct fake_board *f = b->boards[i];
    struct usb_found found = {.vendor = f->vendor, .product = f->product_id};
    f->scans++;
    come_back(f);
    if (f->gone) continue;
    snprintf(found.location, sizeof found.location, "%s", f->location);
    assert_true(usb_found_add(list, &found));
  }
  return true;
}

static bool open_io(void *ctx, const struct usb_found *found, struct usb_io *out,
                    struct qb_error *error) {
  struct fake_bus *b = ctx;
  for (size_t i = 0; i < b->count; i++) {
    struct fake_board *f = b->boards[i];
    if (strcmp(f->location, found->location) != 0) continue;
    f->opens++;
    if (f->open || f->gone) break;
    *out = fake_board_io(f);
    return true;
  }
  return qb_error_set(error, "the board at %s was unplugged", found->location);
}

static void close_bus(void *ctx) {
  (void)ctx;
}

struct usb_bus fake_bus(struct fake_bus *b) {
  return (struct usb_bus){
      .ctx = b, .name = "fake", .scan = scan, .open = open_io, .close = close_bus};
}
