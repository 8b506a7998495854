// SPDX-License-Identifier: MIT
// Option bytes (RM0410 3.4): eight of them, two to a 16-bit half-word with its
// complement, in cells of their own that outlast power and resets.
//
//   window        low half-word                        high: its complement
//   0x1FFF0000    OPTCR[15:0]   RDP, user options (bits 1:0 read 1)
//   0x1FFF0008    OPTCR[31:16]  nWRP, nDBANK, ...
//   0x1FFF0010    OPTCR1[15:0]  BOOT_ADD0
//   0x1FFF0018    OPTCR1[31:16] BOOT_ADD1
//
// (Layout and factory values 5500AAFF, xxxxFFFF, FF7F0080, FFBF0040: RM0385 table 13
// as others quote it; for the F76x the same is assumed, and FFh in the gaps.)
//
// A reset loads them into OPTCR and OPTCR1. OPTSTRT erases the cells and programs them
// with what these registers hold then. Protection (RDP, nWRP) is in force when that is
// done; everything else, the bank mode included, from the next reset on.
//
// Assumed, since no document says:
//   - power lost inside OPTSTRT: in its first half the cells are being erased, in the
//     second programmed. A half-word whose complement does not fit is taken as FFFFh
//     (as other STM32 do): RDP level 1, nothing write-protected, one bank, and boot
//     addresses that are none.
//   - two banks are the halves of one bank's 256-bit rows: bank 1 has the first 16
//     bytes of each, bank 2 the others. So contents are shuffled, not lost, when
//     nDBANK changes.
#include <stdlib.h>
#include <string.h>

#include "sim/models/flash_f7_internal.h"

// DS11532 has no figure for option bytes: as a small sector at x8.
#define OPTIONS_TIME VT_MS(400)

enum { RDP_LEVEL_0 = 0xAA, RDP_LEVEL_2 = 0xCC, HALF_ROW = 16 };

#define PROTECTION (SIM_FLASH_OPTCR_RDP | SIM_FLASH_OPTCR_NWRP)
#define CONTROL    (SIM_FLASH_OPTCR_OPTLOCK | SIM_FLASH_OPTCR_OPTSTRT)

static unsigned rdp_level(uint32_t optcr) {
  const uint32_t rdp = SIM_GET(optcr, SIM_FLASH_OPTCR_RDP);
  return rdp == RDP_LEVEL_0 ? 0 : rdp == RDP_LEVEL_2 ? 2 : 1;
}

unsigned flash_f7_rdp_level(const struct flash_f7 *f) {
  return rdp_level(f->protection);
}

// --- cells ---

static uint16_t half_word(const struct flash_f7 *f, unsigned i) {
  const uint32_t word = i < 2 ? f->option_optcr | CONTROL : f->option_optcr1;
  return (uint16_t)(word >> 16 * (i & 1u));
}

static uint32_t cell_word(const struct flash_f7 *f, unsigned i) {
  const uint16_t half = half_word(f, i);
  return half | (uint32_t)(uint16_t)(~half ^ f->option_broken[i]) << 16;
}

static void put_cell_word(struct flash_f7 *f, unsigned i, uint32_t word) {
  uint32_t *reg = i < 2 ? &f->option_optcr : &f->option_optcr1;
  const unsigned shift = 16 * (i & 1u);
  *reg = (*reg & ~(0xFFFFu << shift)) | (word & 0xFFFFu) << shift;
  f->option_broken[i] = (uint16_t)(~word ^ word >> 16);
}

void flash_f7_options_show(struct flash_f7 *f) {
  if (!f->option_window) return;
  memset(f->option_window, 0xFF, FLASH_F7_OPTION_WINDOW_BYTES);
  for (unsigned i = 0; i < FLASH_F7_OPTION_WORDS; i++) {
    const uint32_t word = cell_word(f, i);
    memcpy(f->option_window + 8 * (size_t)i, &word, sizeof word);
  }
}

void flash_f7_set_options(struct flash_f7 *f, uint32_t optcr, uint32_t optcr1) {
  f->option_optcr = optcr;
  f->option_optcr1 = optcr1;
  memset(f->option_broken, 0, sizeof f->option_broken);
  f->cells_dual = !(optcr & SIM_FLASH_OPTCR_NDBANK);
  flash_f7_options_show(f);
}

void flash_f7_set_option_window(struct flash_f7 *f) {
  for (unsigned i = 0; i < FLASH_F7_OPTION_WORDS; i++) {
    uint32_t word;
    memcpy(&word, f->option_window + 8 * (size_t)i, sizeof word);
    put_cell_word(f, i, word);
  }
  f->cells_dual = !f->option_broken[1] && !(f->option_optcr & SIM_FLASH_OPTCR_NDBANK);
}

// --- loading ---

static bool is_blank(const struct flash_f7 *f) {
  return f->bytes[0] == 0xFF && !memcmp(f->bytes, f->bytes + 1, f->size - 1);
}

// One bank's bytes in the order of two banks, or back.
static void shuffle(struct flash_f7 *f) {
  uint8_t *old = malloc(f->size);
  if (!old) abort();
  memcpy(old, f->bytes, f->size);
  for (uint32_t i = 0; i < f->size / HALF_ROW; i++) {
    const uint32_t two = i / 2 * HALF_ROW + (i & 1u) * (f->size / 2);
    const uint32_t to = f->dual_bank ? two : i * HALF_ROW;
    const uint32_t from = f->dual_bank ? i * HALF_ROW : two;
    memcpy(f->bytes + to, old + from, HALF_ROW);
  }
  free(old);
}

static void load_bank_mode(struct flash_f7 *f) {
  f->dual_bank = !(f->optcr & SIM_FLASH_OPTCR_NDBANK);
  if (f->dual_bank == f->cells_dual) return;
  f->cells_dual = f->dual_bank;
  if (is_blank(f)) return;
  report_unimplemented(&f->sim->report, f->regs.base + SIM_FLASH_OPTCR,
                       "nDBANK changed with data in the flash: taken to be shuffled "
                       "by 16 bytes");
  f->weak_count = 0;
  shuffle(f);
  if (f->on_content) f->on_content(f->ctx, 0, f->size);
}

static bool in_flash(const struct flash_f7 *f, uint32_t addr) {
  return addr - FLASH_F7_ADDRESS < f->size || addr - 0x00200000u < f->size;
}

bool flash_f7_is_shut(const struct flash_f7 *f) {
  return flash_f7_rdp_level(f) == 1 && (!f->from_flash || f->intruded);
}

static void note_intrusion(struct flash_f7 *f) {
  if (f->debugger && flash_f7_rdp_level(f) == 1) f->intruded = true;
}

void flash_f7_debugger(struct flash_f7 *f, bool connected) {
  f->debugger = connected;
  note_intrusion(f);
  const unsigned banks = f->op.active ? f->op.banks : 0;
  if (f->on_busy) f->on_busy(f->ctx, banks);
}

void flash_f7_power_on(struct flash_f7 *f) {
  f->intruded = false;
}

// Bits without effect in this simulator, when they ask for one.
static void report_missing(struct flash_f7 *f) {
  static const struct {
    uint32_t bits;
    const char *what;
  } missing[] = {
      {SIM_FLASH_OPTCR_NRST_STOP, "nRST_STOP: reset when Stop mode is entered"},
      {SIM_FLASH_OPTCR_NRST_STDBY, "nRST_STDBY: reset when Standby mode is entered"},
      {SIM_FLASH_OPTCR_IWDG_STOP, "IWDG_STOP: watchdog frozen in Stop mode"},
      {SIM_FLASH_OPTCR_IWDG_STDBY, "IWDG_STDBY: watchdog frozen in Standby mode"},
      {SIM_FLASH_OPTCR_NDBOOT, "nDBOOT: system memory chooses the bank"},
  };
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
    if ((f->optcr & missing[i].bits) == missing[i].bits) continue;
    if (missing[i].bits == SIM_FLASH_OPTCR_NDBOOT && !f->dual_bank) continue;
    report_unimplemented(&f->sim->report, f->regs.base + SIM_FLASH_OPTCR, "option %s",
                         missing[i].what);
  }
}

void flash_f7_options_load(struct flash_f7 *f) {
  uint32_t half[FLASH_F7_OPTION_WORDS];
  for (unsigned i = 0; i < FLASH_F7_OPTION_WORDS; i++)
    half[i] = f->option_broken[i] ? 0xFFFFu : half_word(f, i);
  f->optcr = half[0] | half[1] << 16;
  f->optcr = (f->optcr & ~CONTROL) | SIM_FLASH_OPTCR_OPTLOCK;
  f->optcr1 = half[2] | half[3] << 16;
  f->loaded = f->optcr;
  f->protection = f->optcr & PROTECTION;
  f->from_flash = in_flash(f, flash_f7_boot_address(f, false));
  note_intrusion(f);
  load_bank_mode(f);
  report_missing(f);
  flash_f7_options_show(f);
}

// --- boot ---

// ITCM RAM, system memory by both addresses, DTCM with the SRAMs.
static bool in_other_memory(uint32_t addr) {
  return addr < 0x4000u || addr - 0x00100000u < 0xEDC0u ||
         addr - 0x1FF00000u < 0xEDC0u || addr - 0x20000000u < 0x80000u;
}

// RM0410 2.4: an address without memory boots from 0x00200000 (pin low) or ITCM RAM
// (pin high). With RDP level 2 only flash is booted from.
uint32_t flash_f7_boot_address(const struct flash_f7 *f, bool pin) {
  const uint32_t value = pin ? SIM_GET(f->optcr1, SIM_FLASH_OPTCR1_BOOT_ADD1)
                             : SIM_GET(f->optcr1, SIM_FLASH_OPTCR1_BOOT_ADD0);
  const uint32_t addr = value << 14;
  if (in_flash(f, addr)) return addr;
  if (flash_f7_rdp_level(f) == 2) return 0x00200000u;
  if (in_other_memory(addr)) return addr;
  return pin ? 0 : 0x00200000u;
}

// --- programming ---

void flash_f7_options_start(struct flash_f7 *f) {
  const unsigned before = flash_f7_rdp_level(f), after = rdp_level(f->optcr);
  if (before == 2) {
    // Frozen for ever (RM0410 3.6.3). The flag is assumed.
    report_guest(&f->sim->report, GUEST_FLASH_PROTECTED, f->regs.base + SIM_FLASH_OPTCR,
                 "OPTSTRT with read protection level 2");
    f->optcr &= ~SIM_FLASH_OPTCR_OPTSTRT;
    flash_f7_refuse(f, SIM_FLASH_SR_WRPERR);
    return;
  }
  f->op.kind = FLASH_F7_OPTIONS;
  f->op.banks = FLASH_F7_BOTH_BANKS;
  f->op.offset = f->op.length = 0;
  // From level 1 back to 0 everything is erased first, protected sectors included
  // (RM0410 3.6.3).
  f->op.regression = before == 1 && after == 0;
  const vtime_t mass = f->op.regression ? flash_f7_mass_erase_time(f, f->size) : 0;
  flash_f7_begin(f, mass + OPTIONS_TIME);
}

void flash_f7_options_finish(struct flash_f7 *f) {
  f->optcr &= ~SIM_FLASH_OPTCR_OPTSTRT;
  if (f->op.regression && f->on_regression) f->on_regression(f->ctx);
  f->counters.option_programs++;
  if (f->faults.options_fail) return;
  f->option_optcr = f->optcr;
  f->option_optcr1 = f->optcr1;
  memset(f->option_broken, 0, sizeof f->option_broken);
  f->protection = f->optcr & PROTECTION;
  note_intrusion(f);
  flash_f7_options_show(f);
}

static void tear_cells(struct flash_f7 *f, bool erasing) {
  const uint32_t target[2] = {f->optcr | CONTROL, f->optcr1};
  for (unsigned i = 0; i < FLASH_F7_OPTION_WORDS; i++) {
    const uint32_t half = target[i / 2] >> 16 * (i & 1u) & 0xFFFFu;
    const uint32_t wanted = half | (~half & 0xFFFFu) << 16;
    const uint32_t noise = flash_f7_random(f);
    put_cell_word(f, i, erasing ? cell_word(f, i) | noise : wanted | noise);
  }
}

// An operation that has not begun with the option bytes leaves them alone: a mass
// erase that was cut in is still protected.
void flash_f7_options_cut(struct flash_f7 *f) {
  const vtime_t now = f->sim->events.now;
  vtime_t start = f->op.start;
  if (f->op.regression) {
    start += flash_f7_mass_erase_time(f, f->size);
    if (now < start) {
      flash_f7_tear(f, 0, f->size);
      return;
    }
    flash_f7_blank(f, 0, f->size);
    if (f->on_regression) f->on_regression(f->ctx);
  }
  tear_cells(f, now < start + OPTIONS_TIME / 2);
  flash_f7_options_show(f);
}
