// SPDX-License-Identifier: MIT
// What quadboot tells of the chip that it runs on (docs/spec/info.md), and what it
// means.
#pragma once

#include "common/protocol/info.h"
#include "host/lib/usb_io.h"

enum chip_protection { CHIP_OPEN, CHIP_READ_PROTECTED, CHIP_CLOSED };

struct chip {
  struct info told;
  bool dual_bank;
  enum chip_protection protection;
  uint16_t protected_sectors;  // bit N: sector N (of pairs of sectors with two banks)
};

// False: the device does not know the request, or answers in another version.
bool chip_ask(struct usb_io *io, uint8_t interface, struct chip *out);

// "STM32F76x/77x"; of an unknown DEV_ID, that it is unknown.
const char *chip_name(const struct chip *c);
const char *chip_revision(const struct chip *c);
const char *chip_protection_text(enum chip_protection p);

// The external flash's manufacturer (JEDEC JEP106, bank 1), and why there is none.
bool chip_nor_answers(const struct chip *c);  // there is a chip, usable or not
const char *chip_nor_maker(const struct chip *c);
const char *chip_nor_problem(const struct chip *c);
