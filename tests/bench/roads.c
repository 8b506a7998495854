// SPDX-License-Identifier: MIT
#include "tests/bench/roads.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/protocol/dfu.h"
#include "host/lib/installed.h"
#include "host/lib/update.h"
#include "tests/hostmodel/serial_host.h"

const char *const road_names[ROADS] = {"dfu-util", "quadboot", "xmodem-1k", "ymodem-g"};

static const struct usb_found where = {.location = "rig", .speed = USB_IO_HIGH};

// --- dfu-util ------------------------------------------------------------------

enum {
  DFU_UTIL_TIMEOUT_MS = 5000,
  DFU_UTIL_BLOCK = 4096,       // wTransferSize, and the most that Linux allows
  DFU_UTIL_EMPTY_POLLS = 100,  // dfuDNBUSY without a time so often: "Device stuck"
  DFU_OUT = 0x21,
  DFU_IN = 0xA1,
};

struct dfu_util {
  struct usb_io io;
  struct qb_error *error;
  uint8_t state;
  uint32_t poll_ms;
};

static bool send(struct dfu_util *u, uint8_t request, uint16_t value,
                 const uint8_t *data, uint16_t length) {
  const struct usb_request q = {DFU_OUT, request, value, 0, length};
  // The transport does not write to what it sends.
  uint8_t *bytes = (uint8_t *)(uintptr_t)data;
  if (u->io.control(u->io.ctx, &q, bytes, NULL, DFU_UTIL_TIMEOUT_MS) == USB_DONE)
    return true;
  return qb_error_set(u->error, "dfu-util: request %u is refused", request);
}

// It sleeps after every GETSTATUS, whatever the state.
static bool get_status(struct dfu_util *u) {
  const struct usb_request q = {DFU_IN, DFU_GETSTATUS, 0, 0, DFU_STATUS_SIZE};
  uint8_t b[DFU_STATUS_SIZE];
  uint16_t n = 0;
  if (u->io.control(u->io.ctx, &q, b, &n, DFU_UTIL_TIMEOUT_MS) != USB_DONE || n != 6) {
    return qb_error_set(u->error, "dfu-util: no status");
  }
  u->poll_ms = load_le24(b + 1);
  u->state = b[4];
  if (b[0] != 0) {
    return qb_error_set(u->error, "dfu-util: status %u in state %u", b[0], b[4]);
  }
  u->io.sleep_ms(u->io.ctx, u->poll_ms);
  return true;
}

static bool expect(struct dfu_util *u, uint8_t state) {
  if (u->state == state) return true;
  return qb_error_set(u->error, "dfu-util: state %u, not %u", u->state, state);
}

static bool command(struct dfu_util *u, uint8_t opcode, uint32_t address) {
  uint8_t bytes[5] = {opcode};
  unsigned empty = 0;
  store_le32(bytes + 1, address);
  if (!send(u, DFU_DNLOAD, 0, bytes, sizeof bytes) || !get_status(u)) return false;
  if (!expect(u, DFU_DNBUSY)) return false;
  while (u->state == DFU_DNBUSY) {
    empty = u->poll_ms ? 0 : empty + 1;
    if (empty > DFU_UTIL_EMPTY_POLLS) return expect(u, DFU_DNLOAD_IDLE);
    if (!get_status(u)) return false;
  }
  return expect(u, DFU_DNLOAD_IDLE);
}

static bool block(struct dfu_util *u, uint32_t address, const uint8_t *data,
                  uint16_t length) {
  if (!command(u, DFUSE_SET_ADDRESS, address)) return false;
  if (!send(u, DFU_DNLOAD, DFUSE_FIRST_DATA_BLOCK, data, length)) return false;
  do {
    if (!get_status(u)) return false;
  } while (u->state != DFU_DNLOAD_IDLE && u->state != DFU_MANIFEST);
  return true;
}

static bool erase_all(struct dfu_util *u, const struct layout *layout,
                      const struct road_piece *p) {
  struct layout_sector s;
  for (uint32_t at = 0; at < p->size; at = s.address + s.size - p->address) {
    if (!layout_sector_at(layout, p->address + at, &s)) {
      return qb_error_set(u->error, "dfu-util: no sector at 0x%08" PRIX32,
                          p->address + at);
    }
    const bool erasable = s.access & LAYOUT_ERASABLE;
    if (erasable && !command(u, DFUSE_ERASE, s.address)) return false;
  }
  return true;
}

static bool element(struct dfu_util *u, const struct layout *layout,
                    const struct road_piece *p) {
  if (!erase_all(u, layout, p)) return false;
  for (uint32_t at = 0; at < p->size; at += DFU_UTIL_BLOCK) {
    const uint32_t left = p->size - at;
    const uint16_t n = (uint16_t)(left < DFU_UTIL_BLOCK ? left : DFU_UTIL_BLOCK);
    if (!block(u, p->address + at, p->bytes + at, n)) return false;
  }
  return true;
}

// `dfu-util -U`: one address, then blocks from 2 on.
static bool read_element(struct dfu_util *u, const struct road_piece *p) {
  uint8_t bytes[DFU_UTIL_BLOCK];
  struct usb_request q = {DFU_IN, DFU_UPLOAD, DFUSE_FIRST_DATA_BLOCK, 0, sizeof bytes};
  if (!command(u, DFUSE_SET_ADDRESS, p->address)) return false;
  if (!send(u, DFU_ABORT, 0, NULL, 0) || !get_status(u)) return false;
  for (uint32_t at = 0; at < p->size; at += DFU_UTIL_BLOCK, q.wValue++) {
    uint16_t n = 0;
    const bool read =
        u->io.control(u->io.ctx, &q, bytes, &n, DFU_UTIL_TIMEOUT_MS) == USB_DONE &&
        n == DFU_UTIL_BLOCK;
    if (!read || memcmp(bytes, p->bytes + at, n) != 0) {
      return qb_error_set(u->error, "dfu-util: 0x%08" PRIX32 " is not read right",
                          p->address + at);
    }
  }
  return true;
}

// One target of a .dfu file after the other, each with its alternate setting.
static bool targets(struct dfu_util *u, const struct usb_board *board,
                    const struct road_job *job) {
  for (size_t i = 0; i < job->count; i++) {
    const struct road_piece *p = &job->pieces[i];
    const struct usb_board_alternate *a = usb_board_alternate_at(board, p->address, -1);
    if (!a) return qb_error_set(u->error, "dfu-util: no target");
    if (u->io.set_alternate(u->io.ctx, 0, a->number) != USB_DONE) return false;
    if (i == 0 && (!get_status(u) || !expect(u, DFU_IDLE))) return false;
    const bool good = job->reads ? read_element(u, p) : element(u, &a->layout, p);
    if (!good) return false;
  }
  return send(u, DFU_ABORT, 0, NULL, 0) && get_status(u) && expect(u, DFU_IDLE);
}

static bool with_dfu_util(const struct link *link, const struct road_job *job,
                          struct road_span *span, struct qb_error *error) {
  struct dfu_util u = {.error = error};
  struct usb_board board = {.count = 0};
  bool is_board = false;
  if (!link->bus.open(link->bus.ctx, &where, &u.io, error)) return false;
  span->begin = link->now(link->ctx);
  const bool good = usb_board_describe(&u.io, &where, &board, &is_board, error) &&
                    is_board && targets(&u, &board, job);
  span->end = link->now(link->ctx);
  u.io.close(u.io.ctx);
  return good;
}

// --- quadboot flash ------------------------------------------------------------

// As cmd_flash.c decides it: what is there is started, if anything is.
static bool can_start(struct connection *c, const struct plan *p) {
  struct installed before;
  if (p->has_application) return true;
  installed_read(&c->client, &c->board, &before);
  return before.present;
}

static bool update(struct connection *c, bool *connected, const struct link *link,
                   const struct segments *list, struct qb_error *error) {
  static const struct update_events events = {.lost = NULL};
  struct update_options options = {.wait_ms = 0};
  struct update_result result = {.outcome = JOB_LOST};
  struct plan plan;
  bool good = plan_make(&plan, &c->board, list, PLAN_WRITE, error);
  if (good) {
    options.job.start = can_start(c, &plan);
    options.job.digest = true;
    update_run(c, connected, &link->bus, &plan, &options, &events, &result);
    good = result.outcome == JOB_DONE;
    if (!good) *error = result.problem;
  }
  plan_free(&plan);
  return good;
}

// A bus that tells when the device was opened: what comes before is an operating
// system's work.
struct timed {
  const struct link *link;
  struct road_span *span;
};

static bool timed_open(void *ctx, const struct usb_found *found, struct usb_io *out,
                       struct qb_error *error) {
  const struct timed *t = ctx;
  const bool good = t->link->bus.open(t->link->bus.ctx, found, out, error);
  t->span->begin = t->link->now(t->link->ctx);
  return good;
}

static bool with_quadboot(const struct link *link, const struct road_job *job,
                          struct road_span *span, struct qb_error *error) {
  struct timed timed = {link, span};
  struct usb_bus bus = link->bus;
  struct connection connection = {.has_twin = false};
  struct segments list = {.count = 0};
  bool good = true, connected = false;
  bus.ctx = &timed;
  bus.open = timed_open;
  for (size_t i = 0; i < job->count && good; i++) {
    const struct road_piece *p = &job->pieces[i];
    good = segments_add(&list, p->address, p->bytes, p->size, "bench", 0, error);
  }
  good = good && segments_arrange(&list, error) &&
         connection_open(&connection, &bus, &where, error);
  connected = good;
  good = good && update(&connection, &connected, link, &list, error);
  span->end = link->now(link->ctx);
  if (connected) connection_close(&connection);
  segments_free(&list);
  return good;
}

// --- serial --------------------------------------------------------------------

#define SERIAL_LIMIT VT_S(2000)

enum { CDC_CONTROL_LINE_STATE = 0x22, CDC_DTR_RTS = 3, CDC_INTERFACE = 1 };

static const struct link *link_of(void *ctx) {
  return *(const struct link **)ctx;
}

static void on_stop(void *ctx) {
  const struct link *link = link_of(ctx);
  link->stop(link->ctx);
}

static void send_file(struct serial_host *h, const struct link *link, bool stream,
                      const struct road_piece *p, struct road_span *span) {
  const struct serial_file file = {"bench.bin", p->bytes, p->size};
  span->begin = link->now(link->ctx);
  serial_host_type(h, stream ? "load qspi g\r" : "load qspi\r");
  serial_host_send(h, stream ? MODEM_YMODEM_G : MODEM_XMODEM_1K, &file, 1);
  while (h->sending && link->now(link->ctx) < span->begin + SERIAL_LIMIT)
    link->advance(link->ctx, span->begin + SERIAL_LIMIT);
  span->end = h->ended;
}

// Of the QSPI flash only.
static bool with_serial(const struct link *link, bool stream,
                        const struct road_job *job, struct road_span *span,
                        struct qb_error *error) {
  static const struct usb_request q = {0x21, CDC_CONTROL_LINE_STATE, CDC_DTR_RTS,
                                       CDC_INTERFACE, 0};
  struct serial_host *h = calloc(1, sizeof *h);
  struct usb_io io;
  if (!h) abort();
  if (!link->bus.open(link->bus.ctx, &where, &io, error)) return false;
  *h = (struct serial_host){.usb = link->usb,
                            .events = link->events,
                            .turnaround = VT_US(HOST_SERIAL_US),
                            .stop = on_stop,
                            .ctx = &link};
  serial_host_open(h, link->usb->speed == USB_SPEED_HIGH ? 512 : 64);
  bool good = io.control(io.ctx, &q, NULL, NULL, DFU_UTIL_TIMEOUT_MS) == USB_DONE;
  if (good) send_file(h, link, stream, job->pieces, span);
  good = good && !h->sending && h->sender.end == MODEM_END_OK;
  if (!good) qb_error_set(error, "serial: %s", modem_end_sentence(h->sender.end));
  serial_host_close(h);
  io.close(io.ctx);
  free(h);
  return good;
}

bool road_run(enum road road, const struct link *link, const struct road_job *job,
              struct road_span *span, struct qb_error *error) {
  switch (road) {
    case ROAD_DFU_UTIL: return with_dfu_util(link, job, span, error);
    case ROAD_QUADBOOT: return with_quadboot(link, job, span, error);
    default: return with_serial(link, road == ROAD_YMODEM_G, job, span, error);
  }
}
