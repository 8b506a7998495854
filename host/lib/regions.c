// SPDX-License-Identifier: MIT
#include "host/lib/regions.h"

#include <inttypes.h>

#define NOT_FLASH "only internal flash and QSPI flash can be written"
#define NOT_KEPT  "its content is lost at reset, so link with a load address in flash"

// RM0410 2.2.2 (memory map, 2 MB of internal flash).
// Sectors 0 and 1 hold quadboot and its state log.
const struct region region_table[REGION_COUNT] = {
    {0x00000000, 0x00003FFF, REGION_REFUSED, "ITCM RAM", NOT_KEPT},
    {0x00004000, 0x000FFFFF, REGION_REFUSED, "unused addresses", NOT_FLASH},
    {0x00100000, 0x001FFFFF, REGION_REFUSED, "the ROM bootloader's alias", NOT_FLASH},
    {0x00200000, 0x003FFFFF, REGION_REFUSED, "the ITCM alias of internal flash",
     "link at 0x08010000 or above, where the same flash is written"},
    {0x00400000, 0x07FFFFFF, REGION_REFUSED, "unused addresses", NOT_FLASH},
    {0x08000000, 0x0800FFFF, REGION_REFUSED,
     "0x08000000..0x0800FFFF, which belong to the bootloader itself",
     "the application starts at 0x08010000, so link it there"},
    {0x08010000, 0x081FFFFF, 0, "Internal Flash", NULL},
    {0x08200000, 0x1FEFFFFF, REGION_REFUSED, "unused addresses", NOT_FLASH},
    {0x1FF00000, 0x1FFFFFFF, REGION_REFUSED, "the ROM, OTP and option byte area",
     NOT_FLASH},
    {0x20000000, 0x2007FFFF, REGION_REFUSED, "RAM", NOT_KEPT},
    {0x20080000, 0x3FFFFFFF, REGION_REFUSED, "unused addresses", NOT_FLASH},
    {0x40000000, 0x5FFFFFFF, REGION_REFUSED, "peripheral registers", NOT_FLASH},
    {0x60000000, 0x8FFFFFFF, REGION_REFUSED, "the external memory controller's area",
     NOT_FLASH},
    {0x90000000, 0x9FFFFFFF, 1, "External QSPI", NULL},
    {0xA0000000, 0xBFFFFFFF, REGION_REFUSED, "memory controller registers", NOT_FLASH},
    {0xC0000000, 0xDFFFFFFF, REGION_REFUSED, "SDRAM", NOT_KEPT},
    {0xE0000000, 0xFFFFFFFF, REGION_REFUSED, "the processor's own registers",
     NOT_FLASH},
};

const struct region *region_of(uint32_t address) {
  const struct region *region = region_table;
  while (address > region->last) {
    region++;
  }
  return region;
}

bool region_check(const struct segment *segment, struct qb_error *error) {
  char name[SEGMENT_NAME_ROOM];
  const char *source = segment_describe(segment, name);
  const struct region *region = region_of(segment->address);
  const uint64_t last = (uint64_t)segment->address + segment->size - 1;
  if (region->alternate_setting == REGION_REFUSED) {
    return qb_error_set(
        error, "%s: the bytes at 0x%08" PRIX32 "..0x%08" PRIX64 " lie in %s; %s",
        source, segment->address, last, region->name, region->advice);
  }
  if (last > region->last) {
    return qb_error_set(error,
                        "%s: the bytes at 0x%08" PRIX32 "..0x%08" PRIX64
                        " run past the end of %s at 0x%08" PRIX32
                        "; make the file smaller or move it",
                        source, segment->address, last, region->name, region->last);
  }
  return true;
}
