// SPDX-License-Identifier: MIT
#include "host/lib/usb_board.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "common/protocol/dfu.h"

enum {
  // A standard request with data is answered within 500 ms per packet (USB 2.0
  // 9.2.6.4); generous, as virtual machines and hubs add to it.
  DESCRIPTOR_MS = 2000,
  STRING_ROOM = 255,
};

// ---- Descriptors -----------------------------------------------------------

bool usb_board_descriptor(struct usb_io *io, uint8_t type, uint8_t index,
                          uint16_t language, uint8_t *data, uint16_t room,
                          uint16_t *length) {
  const struct usb_request r = {.bmRequestType = CH9_DIRECTION_IN,
                                .bRequest = CH9_GET_DESCRIPTOR,
                                .wValue = (uint16_t)(type << 8 | index),
                                .wIndex = language,
                                .wLength = room};
  *length = 0;
  const enum usb_result result = io->control(io->ctx, &r, data, length, DESCRIPTOR_MS);
  if (result == USB_STALLED) *length = 0;
  return result == USB_DONE || result == USB_STALLED;
}

// Characters that a terminal acts on (C0 and C1 controls), that turn the text around
// them about (Unicode 15, Bidi_Control) or break the line; and halves of surrogate
// pairs, which are no characters.
static bool is_unprintable(uint16_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E ||
         c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
         (c >= 0xD800 && c < 0xE000);
}

static size_t put_utf8(char *out, uint16_t c) {
  if (is_unprintable(c)) c = '?';
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
  }
  out[0] = (char)(0xE0 | c >> 12);
  out[1] = (char)(0x80 | (c >> 6 & 0x3F));
  out[2] = (char)(0x80 | (c & 0x3F));
  return 3;
}

// UTF-16LE to UTF-8, cut where `room` ends. What is not printable becomes '?'.
static void convert(const uint8_t *units, size_t count, char *out, size_t room) {
  size_t at = 0;
  for (size_t i = 0; i < count && at + 4 <= room; i++) {
    const uint16_t c = load_le16(units + 2 * i);
    if (c == 0) break;
    at += put_utf8(out + at, c);
  }
  out[at] = '\0';
}

// A string descriptor; "" when there is none. False when the device is gone.
static bool get_string(struct usb_io *io, uint8_t index, uint16_t language, char *out,
                       size_t room) {
  uint8_t bytes[STRING_ROOM];
  uint16_t length = 0;
  out[0] = '\0';
  if (index == 0) return true;
  if (!usb_board_descriptor(io, CH9_STRING, index, language, bytes, sizeof bytes,
                            &length)) {
    return false;
  }
  if (length < 2 || bytes[1] != CH9_STRING) return true;
  const size_t size = bytes[0] < length ? bytes[0] : length;
  if (size > 2) convert(bytes + 2, (size - 2) / 2, out, room);
  return true;
}

static bool get_language(struct usb_io *io, uint16_t *out) {
  uint8_t bytes[STRING_ROOM];
  uint16_t length = 0;
  if (!usb_board_descriptor(io, CH9_STRING, 0, 0, bytes, sizeof bytes, &length)) {
    return false;
  }
  *out = length >= 4 ? load_le16(bytes + 2) : CH9_LANGUAGE_ENGLISH_US;
  return true;
}

void usb_board_string(struct usb_io *io, uint8_t index, char *out, size_t room) {
  uint16_t language = 0;
  out[0] = '\0';
  if (get_language(io, &language)) (void)get_string(io, index, language, out, room);
}

bool usb_board_config(struct usb_io *io, uint8_t config[BOARD_CONFIG_ROOM],
                      uint16_t *length) {
  if (!usb_board_descriptor(io, CH9_CONFIGURATION, 0, 0, config, CH9_CONFIGURATION_SIZE,
                            length)) {
    return false;
  }
  if (*length < CH9_CONFIGURATION_SIZE) return true;
  const uint16_t total = load_le16(config + 2);
  const uint16_t room = total < BOARD_CONFIG_ROOM ? total : BOARD_CONFIG_ROOM;
  return usb_board_descriptor(io, CH9_CONFIGURATION, 0, 0, config, room, length);
}

// ---- What it is ------------------------------------------------------------

// The ROM says "STM32  BOOTLOADER" (AN2606, USB DFU); quadboot says its name.
static enum usb_board_kind kind_of(const struct usb_board *b) {
  const bool dfuse = b->dfu.functional.version == DFUSE_VERSION;
  const bool dfu_mode =
      b->dfu.protocol == DFU_PROTOCOL_DFU_MODE || (dfuse && b->dfu.protocol == 0);
  if (!dfu_mode) return BOARD_APPLICATION;
  if (!dfuse) return BOARD_PLAIN_DFU;
  if (strncmp(b->product, "quadboot", strlen("quadboot")) == 0) return BOARD_QUADBOOT;
  if (strncmp(b->product, "STM32 ", strlen("STM32 ")) == 0 &&
      strstr(b->product, "BOOTLOADER")) {
    return BOARD_ROM;
  }
  return BOARD_DFUSE;
}

const char *usb_board_kind_name(enum usb_board_kind kind) {
  switch (kind) {
    case BOARD_QUADBOOT: return "quadboot";
    case BOARD_ROM: return "ROM bootloader";
    case BOARD_DFUSE: return "DfuSe bootloader";
    case BOARD_PLAIN_DFU: return "plain DFU device";
    case BOARD_APPLICATION: return "application";
  }
  return "unknown";
}

const char *usb_board_name(const struct usb_board *b) {
  return b->serial[0] ? b->serial : b->where.location;
}

static bool take_alternates(struct usb_io *io, uint16_t language, struct usb_board *b) {
  for (size_t i = 0; i < b->dfu.count; i++) {
    struct usb_board_alternate *a = &b->alternates[i];
    a->number = b->dfu.alternates[i].number;
    if (!get_string(io, b->dfu.alternates[i].name_index, language, a->text,
                    sizeof a->text)) {
      return false;
    }
    a->status = layout_parse(a->text, &a->layout);
  }
  b->count = b->dfu.count;
  return true;
}

// Everything behind the device descriptor.
static bool take_rest(struct usb_io *io, const uint8_t device[CH9_DEVICE_SIZE],
                      struct usb_board *b, bool *is_board) {
  uint8_t config[BOARD_CONFIG_ROOM];
  uint16_t length = 0;
  uint16_t language = 0;
  if (!usb_board_config(io, config, &length)) return false;
  *is_board = dfu_descriptors_find(config, length, &b->dfu);
  if (!*is_board) return true;
  b->transfer_size = dfu_transfer_size(&b->dfu.functional);
  if (!get_language(io, &language) ||
      !get_string(io, device[14], language, b->manufacturer, sizeof b->manufacturer) ||
      !get_string(io, device[15], language, b->product, sizeof b->product) ||
      !get_string(io, device[16], language, b->serial, sizeof b->serial) ||
      !take_alternates(io, language, b)) {
    return false;
  }
  b->kind = kind_of(b);
  return true;
}

bool usb_board_describe(struct usb_io *io, const struct usb_found *where,
                        struct usb_board *out, bool *is_board, struct qb_error *error) {
  struct usb_board b = {.where = *where};
  uint8_t device[CH9_DEVICE_SIZE];
  uint16_t length = 0;
  *is_board = false;
  bool ok =
      usb_board_descriptor(io, CH9_DEVICE, 0, 0, device, sizeof device, &length) &&
      length == sizeof device;
  if (ok) {
    b.where.vendor = load_le16(device + 8);
    b.where.product = load_le16(device + 10);
    b.where.release = load_le16(device + 12);
    ok = take_rest(io, device, &b, is_board);
  }
  if (!ok) {
    return qb_error_set(error,
                        "the device at %s does not answer when asked for its "
                        "descriptors; unplug it and plug it in again",
                        where->location);
  }
  if (*is_board) *out = b;
  return true;
}

// ---- Flash -----------------------------------------------------------------

static bool holds(const struct usb_board_alternate *a, uint32_t address) {
  struct layout_sector sector;
  return a->status == LAYOUT_OK && layout_sector_at(&a->layout, address, &sector);
}

const struct usb_board_alternate *usb_board_alternate_at(const struct usb_board *b,
                                                         uint32_t address, int wanted) {
  const struct usb_board_alternate *first = NULL;
  for (size_t i = 0; i < b->count; i++) {
    const struct usb_board_alternate *a = &b->alternates[i];
    if (!holds(a, address)) continue;
    if (a->number == wanted) return a;
    if (!first) first = a;
  }
  return first;
}
