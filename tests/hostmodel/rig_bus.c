// SPDX-License-Identifier: MIT
#include "tests/hostmodel/rig_bus.h"

#include <errno.h>
#include <string.h>

static enum usb_result result_of(int status) {
  if (status >= 0) return USB_DONE;
  switch (status) {
    case -EPIPE: return USB_STALLED;
    case -ETIMEDOUT: return USB_TIMEOUT;
    case -ESHUTDOWN:
    case -ENODEV: return USB_GONE;
    default: return USB_FAILED;
  }
}

enum usb_result rig_bus_control(struct rig *r, const struct usb_request *q,
                                uint8_t *data, uint16_t *moved) {
  const struct request request = {q->bmRequestType, q->bRequest, q->wValue, q->wIndex,
                                  q->wLength};
  const int n = rig_control(r, request, data);
  if (moved) *moved = n > 0 ? (uint16_t)n : 0;
  return result_of(n);
}

static enum usb_result control(void *ctx, const struct usb_request *q, uint8_t *data,
                               uint16_t *moved, uint32_t timeout_ms) {
  struct rig_bus *b = ctx;
  (void)timeout_ms;  // the simulated host has its own, of the same length
  b->transfers++;
  if (b->before && !b->before(b, q, data)) return USB_GONE;
  return rig_bus_control(b->rig, q, data, moved);
}

static bool claim(void *ctx, uint8_t interface, struct qb_error *error) {
  (void)ctx, (void)error;
  return interface == 0;
}

static enum usb_result set_alternate(void *ctx, uint8_t interface, uint8_t alternate) {
  const struct usb_request q = {0x01, 11, alternate, interface, 0};
  return control(ctx, &q, NULL, NULL, 0);
}

static void sleep_ms(void *ctx, uint32_t ms) {
  struct rig_bus *b = ctx;
  b->slept_ms += ms;
  rig_sleep(b->rig, ms);
}

static void reset(void *ctx) {
  rig_bus_reset(((struct rig_bus *)ctx)->rig);
}

static void close_io(void *ctx) {
  struct rig_bus *b = ctx;
  assert_true(b->open);
  b->open = false;
}

static bool scan(void *ctx, struct usb_found_list *list, struct qb_error *error) {
  struct rig_bus *b = ctx;
  const struct usb_found found = {.location = "rig", .speed = USB_IO_HIGH};
  (void)error;
  if (!rig_attached(b->rig)) return true;
  assert_true(usb_found_add(list, &found));
  return true;
}

static bool open_io(void *ctx, const struct usb_found *found, struct usb_io *out,
                    struct qb_error *error) {
  struct rig_bus *b = ctx;
  const struct request set_configuration = {0x00, 9, 1, 0, 0};
  assert_string_equal(found->location, "rig");
  assert_false(b->open);
  if (rig_enumerate(b->rig) != 0 || rig_control(b->rig, set_configuration, NULL) != 0) {
    return qb_error_set(error, "the board does not enumerate");
  }
  b->open = true;
  *out = (struct usb_io){.ctx = b,
                         .control = control,
                         .claim = claim,
                         .set_alternate = set_alternate,
                         .reset = reset,
                         .sleep_ms = sleep_ms,
                         .close = close_io};
  return true;
}

static void close_bus(void *ctx) {
  (void)ctx;
}

struct usb_bus rig_bus(struct rig_bus *b) {
  return (struct usb_bus){
      .ctx = b, .name = "rig", .scan = scan, .open = open_io, .close = close_bus};
}
