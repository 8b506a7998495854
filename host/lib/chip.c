// SPDX-License-Identifier: MIT
#include "host/lib/chip.h"

#include "common/base/status.h"
#include "common/protocol/ch9.h"

// FLASH_OPTCR (RM0410 3.7.5).
enum {
  OPTCR_RDP_LSB = 8,
  OPTCR_NWRP_LSB = 16,
  OPTCR_NWRP = 0xFFF,  // a 0 protects
  RDP_LEVEL_0 = 0xAA,
  RDP_LEVEL_2 = 0xCC,
};
#define OPTCR_NDBANK (UINT32_C(1) << 29)

static enum chip_protection protection_of(uint8_t rdp) {
  if (rdp == RDP_LEVEL_0) return CHIP_OPEN;
  return rdp == RDP_LEVEL_2 ? CHIP_CLOSED : CHIP_READ_PROTECTED;
}

bool chip_ask(struct usb_io *io, uint8_t interface, struct chip *out) {
  enum { ANSWER_MS = 2000 };  // a descriptor's time
  const struct usb_request r = {
      .bmRequestType = CH9_DIRECTION_IN | CH9_TYPE_VENDOR | CH9_RECIPIENT_INTERFACE,
      .bRequest = INFO_REQUEST,
      .wIndex = interface,
      .wLength = INFO_SIZE};
  uint8_t bytes[INFO_SIZE];
  uint16_t moved = 0;
  struct chip c;
  if (io->control(io->ctx, &r, bytes, &moved, ANSWER_MS) != USB_DONE ||
      !info_decode(bytes, moved, &c.told)) {
    return false;
  }
  const uint32_t optcr = c.told.optcr;
  c.dual_bank = !(optcr & OPTCR_NDBANK);
  c.protection = protection_of((uint8_t)(optcr >> OPTCR_RDP_LSB));
  c.protected_sectors = (uint16_t)(~(optcr >> OPTCR_NWRP_LSB) & OPTCR_NWRP);
  *out = c;
  return true;
}

const char *chip_name(const struct chip *c) {
  switch (c->told.dev_id) {  // RM0410 44.6.1, RM0385 40.6.1
    case 0x449: return "STM32F74x/75x";
    case 0x451: return "STM32F76x/77x";
    case 0x452: return "STM32F72x/73x";
    default: return "unknown chip";
  }
}

const char *chip_revision(const struct chip *c) {
  switch (c->told.rev_id) {  // RM0410 44.6.1
    case 0x1000: return "A";
    case 0x1001: return "Z";
    default: return "unknown";
  }
}

const char *chip_protection_text(enum chip_protection p) {
  switch (p) {
    case CHIP_OPEN: return "level 0 (none)";
    case CHIP_READ_PROTECTED: return "level 1 (a debugger cannot read the flash)";
    case CHIP_CLOSED: return "level 2 (no debugger, for ever)";
  }
  return "unknown";
}

bool chip_nor_answers(const struct chip *c) {
  const uint8_t *id = c->told.nor_id;
  return id[0] || id[1] || id[2];
}

const char *chip_nor_maker(const struct chip *c) {
  static const struct {
    uint8_t id;
    const char *name;
  } makers[] = {
      {0x01, "Spansion/Infineon"},
      {0x20, "Micron"},
      {0x9D, "ISSI"},
      {0xBA, "Zetta"},
      {0xBF, "SST/Microchip"},
      {0xC2, "Macronix"},
      {0xC8, "GigaDevice"},
      {0xEF, "Winbond"},
  };
  for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
    if (makers[i].id == c->told.nor_id[0]) return makers[i].name;
  }
  return "unknown maker";
}

const char *chip_nor_problem(const struct chip *c) {
  return status_sentence((enum status)c->told.nor_status);
}
