// SPDX-License-Identifier: MIT
#include "tests/unit/host/transport/board_server.h"

#include <stdio.h>
#include <string.h>

#include "usbip/usbip.h"

static void put_device(const struct board_server *r, uint8_t out[USBIP_DEVICE_SIZE]) {
  struct usbip_device d = {.busnum = 1,
                           .devnum = 2,
                           .speed = USBIP_SPEED_HIGH,
                           .idVendor = 0x1209,
                           .idProduct = 1,
                           .bConfigurationValue = 1,
                           .bNumConfigurations = 1,
                           .bNumInterfaces = 1};
  snprintf(d.busid, sizeof d.busid, "%s", r->busid);
  usbip_device_encode(&d, out);
}

static void serve_list(const struct board_server *r, int fd) {
  uint8_t reply[12 + USBIP_DEVICE_SIZE + 4];
  usbip_op_encode((struct usbip_op){.code = USBIP_OP_REP_DEVLIST}, reply);
  usbip_count_encode(!r->lists_nothing, reply + 8);
  put_device(r, reply + 12);
  memcpy(reply + 12 + USBIP_DEVICE_SIZE, "\xfe\x01\x02\x00", 4);
  played_send(fd, reply, r->lists_nothing ? 12 : sizeof reply);
}

static enum usb_result transfer(struct board_server *r, const struct usbip_header *h,
                                uint8_t *data, uint16_t *moved) {
  const uint8_t *s = h->submit.setup;
  const struct usb_request q = {s[0], s[1], (uint16_t)(s[2] | s[3] << 8),
                                (uint16_t)(s[4] | s[5] << 8),
                                (uint16_t)(s[6] | s[7] << 8)};
  *moved = 0;
  if ((q.bmRequestType & 0x60) == 0 && q.bRequest == 9) return USB_DONE;
  if ((q.bmRequestType & 0x60) == 0 && q.bRequest == 11) {
    return r->io.set_alternate(r->io.ctx, 0, (uint8_t)q.wValue);
  }
  return r->io.control(r->io.ctx, &q, data, moved, 1000);
}

static bool answer(struct board_server *r, int fd, const struct usbip_header *h) {
  uint8_t bytes[USBIP_HEADER_SIZE + 65536 + 16] = {0};
  uint8_t *data = bytes + USBIP_HEADER_SIZE;
  uint16_t moved = 0;
  struct usbip_header reply = {.command = USBIP_RET_SUBMIT, .seqnum = h->seqnum};
  if (h->command == QUADBOOT_CMD_SLEEP) {
    if (!r->knows_sleeps) return false;
    reply.command = QUADBOOT_RET_SLEEP;
    r->io.sleep_ms(r->io.ctx, (uint32_t)(h->ns / 1000000));
  } else if (h->command == USBIP_CMD_UNLINK) {
    return true;
  } else {
    if (!h->in && !played_receive(fd, data, h->submit.length)) return false;
    const enum usb_result result = transfer(r, h, data, &moved);
    reply.returned.status = result == USB_STALLED ? USBIP_STALL : USBIP_DONE;
    reply.returned.length = moved;
  }
  if (++r->messages == r->at) {
    if (r->lie == LIE_HANG_UP) return false;
    if (r->lie == LIE_SEQNUM) reply.seqnum += 7;
    if (r->lie == LIE_TOO_LONG && h->command == USBIP_CMD_SUBMIT) {
      reply.returned.length = h->submit.length + 1;
    }
    if (r->lie == LIE_STATUS && h->command == USBIP_CMD_SUBMIT) {
      reply.returned.status = -12345;
    }
  }
  if (r->lie == LIE_SILENT && r->messages >= r->at) return true;
  const uint32_t length = h->in ? reply.returned.length : 0;
  usbip_header_encode(&reply, bytes);
  if (r->lie == LIE_BAD_COMMAND && r->messages == r->at) bytes[3] ^= 0x40;
  return played_send(fd, bytes,
                     USBIP_HEADER_SIZE + (h->command == USBIP_CMD_SUBMIT ? length : 0));
}

static void serve_import(struct board_server *r, int fd) {
  uint8_t busid[USBIP_BUSID_SIZE];
  uint8_t reply[8 + USBIP_DEVICE_SIZE];
  const uint32_t status = r->refuses_import ? USBIP_ST_DEV_BUSY : USBIP_ST_OK;
  if (!played_receive(fd, busid, sizeof busid)) return;
  usbip_op_encode((struct usbip_op){.code = USBIP_OP_REP_IMPORT, .status = status},
                  reply);
  put_device(r, reply + 8);
  played_send(fd, reply, r->refuses_import ? 8 : sizeof reply);
  if (r->refuses_import) return;
  r->messages = 0;
  uint8_t bytes[USBIP_HEADER_SIZE];
  struct usbip_header h;
  while (played_receive(fd, bytes, sizeof bytes) &&
         usbip_header_decode(bytes, sizeof bytes, &h) == USBIP_OK &&
         answer(r, fd, &h)) {
  }
}

static void play(struct played_server *s, int fd) {
  uint8_t bytes[USBIP_OP_SIZE];
  struct usbip_op op;
  if (!played_receive(fd, bytes, sizeof bytes)) return;
  if (usbip_op_decode(bytes, sizeof bytes, &op) != USBIP_OK) return;
  if (op.code == USBIP_OP_REQ_DEVLIST) serve_list(s->ctx, fd);
  if (op.code == USBIP_OP_REQ_IMPORT) serve_import(s->ctx, fd);
}

void board_server_start(struct board_server *r) {
  fake_board_init(&r->board);
  r->io = fake_board_io(&r->board);
  r->board.claimed = true;
  r->busid = "1-2";
  r->knows_sleeps = true;
  r->server = (struct played_server){.play = play, .ctx = r};
  played_server_start(&r->server);
}

void board_server_stop(struct board_server *r) {
  played_server_stop(&r->server);
}
