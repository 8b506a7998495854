// SPDX-License-Identifier: MIT
#include "firmware/boot/app.h"

#include <stdbool.h>

// DTCM, SRAM1 and SRAM2 are one range (RM0410 2.2.2).
#define RAM_START 0x20000000u
#define RAM_END   0x20080000u

// Two vectors at least stand before the first instruction.
#define VECTORS_MIN 8u

enum status app_check(struct app_vectors v, uint32_t flash_end) {
  const bool stack = v.stack > RAM_START && v.stack <= RAM_END && v.stack % 4u == 0;
  const bool thumb = v.reset & 1u;
  const bool inside = v.reset >= APP_BASE + VECTORS_MIN && v.reset < flash_end;
  return stack && thumb && inside ? ST_OK : ST_NO_APPLICATION;
}
