// SPDX-License-Identifier: MIT
// BOS with the MS OS 2.0 platform capability, then the descriptor set behind it
// (Microsoft, "MS OS 2.0 descriptors specification", tables 4, 10 and 13).
#include <string.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "host/lib/checkup.h"

#define CHECK "windows"

enum {
  BOS_ROOM = 512,
  SET_ROOM = 1024,
  BCD_USB_WITH_BOS = 0x0201,
  PLATFORM = 5,
  MS_OS_CAPABILITY_SIZE = 28,
  MS_OS_INDEX = 7,  // wIndex that asks for the set
  SET_HEADER = 0,
  COMPATIBLE_ID = 3,
  COMPATIBLE_ID_SIZE = 20,
  ANSWER_MS = 2000,
};

static const uint8_t ms_os_uuid[16] = {0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C,
                                       0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F};

// The capability in a BOS descriptor, or NULL.
static const uint8_t *find_capability(const uint8_t *bos, size_t length) {
  for (size_t at = CH9_BOS_SIZE; at + 2 <= length && bos[at] >= 2;) {
    const uint8_t *c = bos + at;
    const size_t left = length - at;
    if (c[0] > left) return NULL;
    if (c[0] >= MS_OS_CAPABILITY_SIZE && c[1] == CH9_DEVICE_CAPABILITY &&
        c[2] == PLATFORM && memcmp(c + 4, ms_os_uuid, sizeof ms_os_uuid) == 0) {
      return c;
    }
    at += c[0];
  }
  return NULL;
}

// Whether a descriptor set names WINUSB anywhere. Its parts begin with their
// lengths; subsets are headers of parts that follow.
static bool names_winusb(const uint8_t *set, size_t length) {
  for (size_t at = 0; at + 4 <= length;) {
    const size_t size = load_le16(set + at);
    const uint16_t type = load_le16(set + at + 2);
    if (size < 4 || size > length - at) return false;
    if (type == COMPATIBLE_ID && size >= COMPATIBLE_ID_SIZE &&
        memcmp(set + at + 4, "WINUSB\0", 8) == 0) {
      return true;
    }
    at += size;
  }
  return false;
}

static bool set_is_right(struct usb_io *io, const uint8_t *capability) {
  uint8_t set[SET_ROOM];
  uint16_t length = 0;
  const uint16_t said = load_le16(capability + 24);
  const struct usb_request r = {.bmRequestType = CH9_DIRECTION_IN | CH9_TYPE_VENDOR,
                                .bRequest = capability[26],
                                .wIndex = MS_OS_INDEX,
                                .wLength = said < SET_ROOM ? said : SET_ROOM};
  if (io->control(io->ctx, &r, set, &length, ANSWER_MS) != USB_DONE) return false;
  return length == r.wLength && length >= 10 && load_le16(set + 2) == SET_HEADER &&
         load_le16(set + 8) == said && names_winusb(set, length);
}

// NULL when all is right, else what is not.
static const char *look(struct usb_io *io, uint16_t usb_version) {
  uint8_t bos[BOS_ROOM];
  uint16_t length = 0;
  if (usb_version < BCD_USB_WITH_BOS) return "it speaks of USB 2.00, without a BOS";
  if (!usb_board_descriptor(io, CH9_BOS, 0, 0, bos, sizeof bos, &length) ||
      length < CH9_BOS_SIZE || bos[1] != CH9_BOS) {
    return "it has no BOS descriptor";
  }
  if (load_le16(bos + 2) != length) return "its BOS descriptor is cut short";
  const uint8_t *capability = find_capability(bos, length);
  if (!capability) return "its BOS descriptor does not speak of MS OS 2.0";
  return set_is_right(io, capability) ? NULL : "its MS OS 2.0 descriptors are wrong";
}

void checkup_windows(struct usb_io *io, const struct usb_board *b, uint16_t usb_version,
                     struct findings *out) {
  const char *missing = look(io, usb_version);
  if (!missing) {
    findings_add(out, FINDING_OK, CHECK,
                 "Windows gives it the WinUSB driver by itself");
    return;
  }
  // Others are as their makers wanted them; quadboot promises it.
  findings_add(out, b->kind == BOARD_QUADBOOT ? FINDING_PROBLEM : FINDING_NOTE, CHECK,
               "Windows has no driver for it: %s", missing);
  findings_advise(out, b->kind == BOARD_QUADBOOT
                           ? "update quadboot on the board"
                           : "on Windows, install WinUSB for it with Zadig, or ST's "
                             "driver with STM32CubeProgrammer");
}
