// SPDX-License-Identifier: MIT
// The flash's geography: sectors and banks, which protection bit covers what, and how
// long their erases take.
//
// A bank, or the whole flash where there is only one, is four small sectors, one of
// four times their size, and then some of eight times (RM0410 tables 3 to 6):
//
//                one bank (nDBANK = 1)         two banks (nDBANK = 0)
//     2 MB       4 x 32, 128, 7 x 256 KB       2 x (4 x 16, 64, 7 x 128 KB)
//     1 MB       4 x 32, 128, 3 x 256 KB       2 x (4 x 16, 64, 3 x 128 KB)
//
// The second bank starts in the middle of the flash; its sectors count from 12, and
// from 16 in CR.SNB.
#include "sim/models/flash_f7_internal.h"

enum {
  KB = 1024,
  BANK2_FIRST_SECTOR = 12,
  BANK2_FIRST_SNB = 16,
  BANK2_FIRST_NWRP = 6,  // two sectors share a bit there
};

// DS11532 tables 53 and 54, typical, at x8, x16, x32.
static const struct {
  uint32_t size;
  bool dual_bank;
  uint16_t ms[3];
} erase_times[] = {
    {32 * KB, false, {400, 250, 200}},     {128 * KB, false, {1100, 800, 500}},
    {256 * KB, false, {2100, 1500, 1000}}, {16 * KB, true, {400, 300, 250}},
    {64 * KB, true, {1200, 700, 550}},     {128 * KB, true, {2000, 1300, 1000}},
};

// The same tables, for 2 MB.
static const uint16_t mass_erase_ms[3] = {16000, 11000, 8000};

// Lowest supply for each PSIZE (RM0410 table 9). x64 needs VPP, which no board
// here has.
static const uint16_t psize_mv[4] = {1700, 2100, 2700, 0xFFFF};

unsigned flash_f7_psize(const struct flash_f7 *f) {
  return SIM_GET(f->cr, SIM_FLASH_CR_PSIZE);
}

static unsigned time_column(const struct flash_f7 *f) {
  return flash_f7_psize(f) > 2 ? 2 : flash_f7_psize(f);
}

static uint32_t bank_size(const struct flash_f7 *f) {
  return f->dual_bank ? f->size / 2 : f->size;
}

static uint32_t small_sector(const struct flash_f7 *f) {
  return f->dual_bank ? 16 * KB : 32 * KB;
}

// Sectors of one bank.
static unsigned sector_count(const struct flash_f7 *f) {
  return 4 + bank_size(f) / (8 * small_sector(f));
}

unsigned flash_f7_sector_of(const struct flash_f7 *f, uint32_t offset) {
  const uint32_t small = small_sector(f), inside = offset % bank_size(f);
  const unsigned first = offset >= bank_size(f) ? BANK2_FIRST_SECTOR : 0;
  if (inside < 4 * small) return first + inside / small;
  if (inside < 8 * small) return first + 4;
  return first + 4 + inside / (8 * small);
}

bool flash_f7_sector_range(const struct flash_f7 *f, unsigned sector, uint32_t *offset,
                           uint32_t *length) {
  const unsigned bank = f->dual_bank && sector >= BANK2_FIRST_SECTOR;
  const unsigned index = sector - bank * BANK2_FIRST_SECTOR;
  const uint32_t small = small_sector(f), start = bank * bank_size(f);
  if (index >= sector_count(f)) return false;
  if (index < 4) {
    *offset = start + index * small;
    *length = small;
  } else if (index == 4) {
    *offset = start + 4 * small;
    *length = 4 * small;
  } else {
    *offset = start + (index - 4) * 8 * small;
    *length = 8 * small;
  }
  return true;
}

bool flash_f7_sector_named(const struct flash_f7 *f, unsigned snb, unsigned *sector) {
  const bool second = f->dual_bank && snb >= BANK2_FIRST_SNB;
  const unsigned index = second ? snb - BANK2_FIRST_SNB : snb;
  *sector = second ? index + BANK2_FIRST_SECTOR : index;
  return index < sector_count(f);
}

// RM0410 3.7.6, nWRP: in two banks each bit covers two sectors.
bool flash_f7_sector_protected(const struct flash_f7 *f, unsigned sector) {
  unsigned bit = sector;
  if (f->dual_bank) {
    bit = sector < BANK2_FIRST_SECTOR
              ? sector / 2
              : BANK2_FIRST_NWRP + (sector - BANK2_FIRST_SECTOR) / 2;
  }
  return !((SIM_GET(f->protection, SIM_FLASH_OPTCR_NWRP) >> bit) & 1u);
}

int flash_f7_first_protected(const struct flash_f7 *f, unsigned banks) {
  for (unsigned sector = 0; sector < FLASH_F7_SECTORS; sector++) {
    uint32_t offset, length;
    if (!flash_f7_sector_range(f, sector, &offset, &length)) continue;
    if (!(flash_f7_banks_at(f, offset) & banks)) continue;
    if (flash_f7_sector_protected(f, sector)) return (int)sector;
  }
  return -1;
}

void flash_f7_swap(struct flash_f7 *f, bool on) {
  if (on && !f->dual_bank) {
    report_unimplemented(&f->sim->report, f->regs.base,
                         "SYSCFG_MEMRMP.SWP_FB with one bank");
  }
  f->swapped = on && f->dual_bank;
}

uint32_t flash_f7_place(const struct flash_f7 *f, uint32_t offset) {
  return f->swapped ? offset ^ f->size / 2 : offset;
}

uint32_t flash_f7_row(const struct flash_f7 *f) {
  return f->dual_bank ? 16 : 32;  // 128 or 256 bits (RM0410 3.3.6)
}

unsigned flash_f7_banks_at(const struct flash_f7 *f, uint32_t offset) {
  if (!f->dual_bank) return FLASH_F7_BOTH_BANKS;
  return offset < bank_size(f) ? 1 : 2;
}

void flash_f7_bank_range(const struct flash_f7 *f, unsigned banks, uint32_t *offset,
                         uint32_t *length) {
  *offset = banks & 1 ? 0 : f->size / 2;
  *length = banks == FLASH_F7_BOTH_BANKS ? f->size : f->size / 2;
}

vtime_t flash_f7_erase_time(const struct flash_f7 *f, uint32_t length) {
  for (size_t i = 0; i < sizeof erase_times / sizeof *erase_times; i++) {
    if (erase_times[i].size == length && erase_times[i].dual_bank == f->dual_bank) {
      return VT_MS(erase_times[i].ms[time_column(f)]);
    }
  }
  return 0;  // there is no sector of another size
}

// One bank of two, or a part of 1 MB, takes half the time: the figure is given for
// 2 MB only, and each byte of it is taken to cost the same.
vtime_t flash_f7_mass_erase_time(const struct flash_f7 *f, uint32_t length) {
  return VT_MS(mass_erase_ms[time_column(f)]) / (2048u * KB / length);
}

bool flash_f7_supply_suffices(struct flash_f7 *f) {
  if (f->supply_mv >= psize_mv[flash_f7_psize(f)]) return true;
  report_guest(&f->sim->report, GUEST_FLASH_SUPPLY, f->regs.base + SIM_FLASH_CR,
               "PSIZE x%u needs more than %u mV", 8u << flash_f7_psize(f),
               (unsigned)f->supply_mv);
  return false;
}
