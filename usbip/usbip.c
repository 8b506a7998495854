// SPDX-License-Identifier: MIT
// The USB/IP codec. Fields are read and written in the order of the protocol
// text, one line each, so that both can be laid side by side.
#include "usbip/usbip.h"

#include <string.h>

#include "common/base/bytes.h"

// number_of_packets of a transfer that is not isochronous. The protocol text
// says all ones; the kernel's own traffic has zero.
#define NO_PACKETS 0xFFFFFFFFu

enum { DIR_OUT = 0, DIR_IN = 1, MAX_ENDPOINT = 15 };

static uint16_t rd_be16(struct rd *r) {
  const uint8_t *p = rd_bytes(r, 2);
  if (!p) return 0;
  return (uint16_t)((p[0] << 8) | p[1]);
}

static uint32_t rd_be32(struct rd *r) {
  const uint32_t high = rd_be16(r);
  return (high << 16) | rd_be16(r);
}

static uint64_t rd_be64(struct rd *r) {
  const uint64_t high = rd_be32(r);
  return (high << 32) | rd_be32(r);
}

static void wr_be16(struct wr *w, uint16_t v) {
  wr_u8(w, (uint8_t)(v >> 8));
  wr_u8(w, (uint8_t)v);
}

static void wr_be32(struct wr *w, uint32_t v) {
  wr_be16(w, (uint16_t)(v >> 16));
  wr_be16(w, (uint16_t)v);
}

static void wr_be64(struct wr *w, uint64_t v) {
  wr_be32(w, (uint32_t)(v >> 32));
  wr_be32(w, (uint32_t)v);
}

// A string field is closed with a zero byte, whatever the sender did.
static void rd_string(struct rd *r, char *out, size_t size) {
  const uint8_t *p = rd_bytes(r, size);
  if (!p) return;
  memcpy(out, p, size);
  out[size - 1] = '\0';
}

// A text that does not fit is cut; the rest of its field is zero.
static void wr_string(struct wr *w, const char *text, size_t size) {
  char field[USBIP_PATH_SIZE] = {0};
  memcpy(field, text, strnlen(text, size - 1));
  wr_copy(w, field, size);
}

const char *usbip_result_text(enum usbip_result result) {
  switch (result) {
#define X(name, number, text) \
  case USBIP_##name: return text;
    USBIP_RESULT_LIST(X)
#undef X
  }
  return "did something unknown";
}

enum usbip_result usbip_op_decode(const uint8_t *bytes, size_t length,
                                  struct usbip_op *out) {
  struct rd r = {.p = bytes, .left = length};
  const uint16_t version = rd_be16(&r);
  const uint16_t code = rd_be16(&r);
  const uint32_t status = rd_be32(&r);
  if (r.bad) return USBIP_SHORT;
  if (version != USBIP_VERSION) return USBIP_BAD_VERSION;
  *out = (struct usbip_op){.code = code, .status = status};
  return USBIP_OK;
}

void usbip_op_encode(struct usbip_op op, uint8_t out[USBIP_OP_SIZE]) {
  struct wr w = {.p = out, .left = USBIP_OP_SIZE};
  wr_be16(&w, USBIP_VERSION);
  wr_be16(&w, op.code);
  wr_be32(&w, op.status);
}

enum usbip_result usbip_count_decode(const uint8_t *bytes, size_t length,
                                     uint32_t *out) {
  struct rd r = {.p = bytes, .left = length};
  const uint32_t count = rd_be32(&r);
  if (r.bad) return USBIP_SHORT;
  *out = count;
  return USBIP_OK;
}

void usbip_count_encode(uint32_t count, uint8_t out[USBIP_COUNT_SIZE]) {
  struct wr w = {.p = out, .left = USBIP_COUNT_SIZE};
  wr_be32(&w, count);
}

enum usbip_result usbip_busid_decode(const uint8_t *bytes, size_t length,
                                     char out[USBIP_BUSID_SIZE]) {
  struct rd r = {.p = bytes, .left = length};
  rd_string(&r, out, USBIP_BUSID_SIZE);
  return r.bad ? USBIP_SHORT : USBIP_OK;
}

void usbip_busid_encode(const char *busid, uint8_t out[USBIP_BUSID_SIZE]) {
  struct wr w = {.p = out, .left = USBIP_BUSID_SIZE};
  wr_string(&w, busid, USBIP_BUSID_SIZE);
}

enum usbip_result usbip_device_decode(const uint8_t *bytes, size_t length,
                                      struct usbip_device *out) {
  struct rd r = {.p = bytes, .left = length};
  struct usbip_device d;
  rd_string(&r, d.path, sizeof d.path);
  rd_string(&r, d.busid, sizeof d.busid);
  d.busnum = rd_be32(&r);
  d.devnum = rd_be32(&r);
  d.speed = rd_be32(&r);
  d.idVendor = rd_be16(&r);
  d.idProduct = rd_be16(&r);
  d.bcdDevice = rd_be16(&r);
  d.bDeviceClass = rd_u8(&r);
  d.bDeviceSubClass = rd_u8(&r);
  d.bDeviceProtocol = rd_u8(&r);
  d.bConfigurationValue = rd_u8(&r);
  d.bNumConfigurations = rd_u8(&r);
  d.bNumInterfaces = rd_u8(&r);
  if (r.bad) return USBIP_SHORT;
  *out = d;
  return USBIP_OK;
}

void usbip_device_encode(const struct usbip_device *device,
                         uint8_t out[USBIP_DEVICE_SIZE]) {
  struct wr w = {.p = out, .left = USBIP_DEVICE_SIZE};
  wr_string(&w, device->path, USBIP_PATH_SIZE);
  wr_string(&w, device->busid, USBIP_BUSID_SIZE);
  wr_be32(&w, device->busnum);
  wr_be32(&w, device->devnum);
  wr_be32(&w, device->speed);
  wr_be16(&w, device->idVendor);
  wr_be16(&w, device->idProduct);
  wr_be16(&w, device->bcdDevice);
  wr_u8(&w, device->bDeviceClass);
  wr_u8(&w, device->bDeviceSubClass);
  wr_u8(&w, device->bDeviceProtocol);
  wr_u8(&w, device->bConfigurationValue);
  wr_u8(&w, device->bNumConfigurations);
  wr_u8(&w, device->bNumInterfaces);
}

void usbip_interface_encode(struct usbip_interface interface,
                            uint8_t out[USBIP_INTERFACE_SIZE]) {
  struct wr w = {.p = out, .left = USBIP_INTERFACE_SIZE};
  wr_u8(&w, interface.bInterfaceClass);
  wr_u8(&w, interface.bInterfaceSubClass);
  wr_u8(&w, interface.bInterfaceProtocol);
  wr_u8(&w, 0);
}

static enum usbip_result rd_submit(struct rd *r, struct usbip_header *h) {
  h->submit.flags = rd_be32(r);
  h->submit.length = rd_be32(r);
  rd_be32(r);  // start_frame
  const uint32_t packets = rd_be32(r);
  h->submit.interval = rd_be32(r);
  const uint8_t *setup = rd_bytes(r, sizeof h->submit.setup);
  if (setup) memcpy(h->submit.setup, setup, sizeof h->submit.setup);
  if (packets != 0 && packets != NO_PACKETS) return USBIP_ISOCHRONOUS;
  return h->submit.length > USBIP_MAX_TRANSFER ? USBIP_BAD_LENGTH : USBIP_OK;
}

static enum usbip_result rd_returned(struct rd *r, struct usbip_header *h) {
  h->returned.status = (int32_t)rd_be32(r);
  h->returned.length = rd_be32(r);
  rd_be32(r);  // start_frame
  const uint32_t packets = rd_be32(r);
  if (packets != 0 && packets != NO_PACKETS) return USBIP_ISOCHRONOUS;
  return h->returned.length > USBIP_MAX_TRANSFER ? USBIP_BAD_LENGTH : USBIP_OK;
}

// What follows the basic header, by command.
static enum usbip_result rd_body(struct rd *r, struct usbip_header *h) {
  switch (h->command) {
    case USBIP_CMD_SUBMIT: return rd_submit(r, h);
    case USBIP_RET_SUBMIT: return rd_returned(r, h);
    case USBIP_CMD_UNLINK: h->unlink_seqnum = rd_be32(r); return USBIP_OK;
    case USBIP_RET_UNLINK: h->returned.status = (int32_t)rd_be32(r); return USBIP_OK;
    case QUADBOOT_CMD_SLEEP:
    case QUADBOOT_RET_SLEEP: h->ns = rd_be64(r); return USBIP_OK;
    default: return USBIP_BAD_COMMAND;
  }
}

enum usbip_result usbip_header_decode(const uint8_t *bytes, size_t length,
                                      struct usbip_header *out) {
  if (length < USBIP_HEADER_SIZE) return USBIP_SHORT;
  struct rd r = {.p = bytes, .left = USBIP_HEADER_SIZE};
  struct usbip_header h = {0};
  h.command = rd_be32(&r);
  h.seqnum = rd_be32(&r);
  h.devid = rd_be32(&r);
  const uint32_t direction = rd_be32(&r);
  const uint32_t endpoint = rd_be32(&r);
  const enum usbip_result body = rd_body(&r, &h);
  if (body != USBIP_OK) return body;
  // The rest counts in one command only; some servers fill it in their replies.
  if (h.command == USBIP_CMD_SUBMIT) {
    if (direction != DIR_OUT && direction != DIR_IN) return USBIP_BAD_DIRECTION;
    if (endpoint > MAX_ENDPOINT) return USBIP_BAD_ENDPOINT;
    h.in = direction == DIR_IN;
    h.endpoint = (uint8_t)endpoint;
  }
  *out = h;
  return USBIP_OK;
}

static void wr_submit(struct wr *w, const struct usbip_header *h) {
  wr_be32(w, h->submit.flags);
  wr_be32(w, h->submit.length);
  wr_be32(w, 0);  // start_frame
  wr_be32(w, NO_PACKETS);
  wr_be32(w, h->submit.interval);
  wr_copy(w, h->submit.setup, sizeof h->submit.setup);
}

static void wr_returned(struct wr *w, const struct usbip_header *h) {
  wr_be32(w, (uint32_t)h->returned.status);
  wr_be32(w, h->returned.length);
  wr_be32(w, 0);  // start_frame
  wr_be32(w, NO_PACKETS);
}

static void wr_body(struct wr *w, const struct usbip_header *h) {
  switch (h->command) {
    case USBIP_CMD_SUBMIT: wr_submit(w, h); break;
    case USBIP_RET_SUBMIT: wr_returned(w, h); break;
    case USBIP_CMD_UNLINK: wr_be32(w, h->unlink_seqnum); break;
    case USBIP_RET_UNLINK: wr_be32(w, (uint32_t)h->returned.status); break;
    default: wr_be64(w, h->ns); break;
  }
}

void usbip_header_encode(const struct usbip_header *header,
                         uint8_t out[USBIP_HEADER_SIZE]) {
  memset(out, 0, USBIP_HEADER_SIZE);  // the padding
  struct wr w = {.p = out, .left = USBIP_HEADER_SIZE};
  wr_be32(&w, header->command);
  wr_be32(&w, header->seqnum);
  wr_be32(&w, header->devid);
  wr_be32(&w, header->in ? DIR_IN : DIR_OUT);
  wr_be32(&w, header->endpoint);
  wr_body(&w, header);
}
