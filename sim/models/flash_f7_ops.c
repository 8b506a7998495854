// SPDX-License-Identifier: MIT
// Program and erase: whether they may start, what they leave, and what is left of
// them when power goes inside.
//
// There is one operation at a time for both banks. It changes nothing until its time
// is over; then it does all at once. In two banks only the one it works on cannot be
// read meanwhile.
#include <stdio.h>
#include <string.h>

#include "sim/models/flash_f7_internal.h"

// DS11532 table 53, typical: whatever the width.
#define PROGRAM_TIME VT_US(16)

// How often cells that an erase was cut in change their mind, and how many a cut erase
// leaves. No document says; what matters is that two reads can differ.
#define TREMBLE VT_US(100)
enum { WEAK_PER_ERASE = 128 };

uint32_t flash_f7_random(struct flash_f7 *f) {
  f->random = f->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(f->random >> 32);
}

static void content_changed(struct flash_f7 *f, uint32_t offset, uint32_t length) {
  if (f->faults.stuck && f->faults.stuck_at - offset < length) {
    uint8_t *cell = &f->bytes[f->faults.stuck_at];
    *cell = (uint8_t)((*cell & ~f->faults.stuck_mask) |
                      (f->faults.stuck_value & f->faults.stuck_mask));
  }
  if (f->on_content) f->on_content(f->ctx, offset, length);
}

// --- weak cells ---

static void on_tremble(void *ctx) {
  struct flash_f7 *f = ctx;
  for (unsigned i = 0; i < f->weak_count; i++) {
    uint8_t *cell = &f->bytes[f->weak[i].at];
    const uint32_t now = flash_f7_random(f) & f->weak[i].mask;
    *cell = (uint8_t)((*cell & ~f->weak[i].mask) | now);
  }
  if (f->weak_count) event_in(&f->sim->events, &f->tremble, TREMBLE);
}

// Bits of [offset, offset + length) that an erase or a program has made sure of.
static void settle(struct flash_f7 *f, uint32_t offset, uint32_t length,
                   uint32_t sure) {
  unsigned kept = 0;
  for (unsigned i = 0; i < f->weak_count; i++) {
    struct flash_f7_weak w = f->weak[i];
    const uint32_t inside = w.at - offset;
    if (inside < length) w.mask &= (uint8_t) ~(sure >> 8 * (inside & 3u));
    if (w.mask) f->weak[kept++] = w;
  }
  f->weak_count = kept;
  if (!kept) event_cancel(&f->sim->events, &f->tremble);
}

static void weaken(struct flash_f7 *f, uint32_t at, uint8_t mask) {
  if (!mask || f->weak_count == FLASH_F7_WEAK_CELLS) return;
  f->weak[f->weak_count++] = (struct flash_f7_weak){at, mask};
  if (!f->tremble.armed) event_in(&f->sim->events, &f->tremble, TREMBLE);
}

void flash_f7_blank(struct flash_f7 *f, uint32_t offset, uint32_t length) {
  memset(f->bytes + offset, 0xFF, length);
  settle(f, offset, length, 0xFFFFFFFFu);
}

void flash_f7_tear(struct flash_f7 *f, uint32_t offset, uint32_t length) {
  settle(f, offset, length, 0xFFFFFFFFu);
  const uint32_t stride = length / WEAK_PER_ERASE;
  uint32_t weak_at = flash_f7_random(f) % stride;
  for (uint32_t i = 0; i < length; i++) {
    uint8_t *cell = &f->bytes[offset + i];
    const uint32_t noise = flash_f7_random(f);
    const uint8_t risen = (uint8_t)(noise & (noise >> 8) & ~(uint32_t)*cell);
    *cell |= risen;
    if (i < weak_at || !risen) continue;
    weaken(f, offset + i, risen);
    weak_at = (i / stride + 1) * stride + flash_f7_random(f) % stride;
  }
}

// --- operations ---

void flash_f7_begin(struct flash_f7 *f, vtime_t duration) {
  f->op.active = true;
  f->op.start = f->sim->events.now;
  f->op.end = f->faults.stays_busy ? VT_NEVER : f->op.start + duration;
  f->sr |= SIM_FLASH_SR_BSY;
  if (f->op.end != VT_NEVER) event_at(&f->sim->events, &f->done, f->op.end);
  if (f->on_operation) f->on_operation(f->ctx, f->op.kind, f->op.offset);
  if (f->on_busy) f->on_busy(f->ctx, f->op.banks);
}

static void finish_program(struct flash_f7 *f) {
  const bool otp = f->op.kind == FLASH_F7_OTP;
  const bool here = f->faults.program_at - f->op.offset < f->op.length;
  const bool fails = otp ? f->faults.otp_fails : f->faults.program_fails && here;
  const uint32_t value = fails ? f->op.old : f->op.target;
  memcpy(f->op.cells + f->op.offset, &value, f->op.length);
  if (otp) {
    f->counters.otp_programs++;
    return;
  }
  settle(f, f->op.offset, f->op.length, ~value);
  f->counters.programs++;
  f->counters.bytes_programmed += f->op.length;
  content_changed(f, f->op.offset, f->op.length);
}

static void fail_erase(struct flash_f7 *f) {
  uint32_t at, length;
  if (!f->faults.erase_fails) return;
  if (!flash_f7_sector_range(f, f->faults.erase_sector, &at, &length)) return;
  if (at - f->op.offset >= f->op.length) return;
  for (uint32_t i = 0; i < length; i += 61)
    f->bytes[at + i] &= 0x7Fu;
}

static void finish_erase(struct flash_f7 *f) {
  flash_f7_blank(f, f->op.offset, f->op.length);
  fail_erase(f);
  if (f->op.kind == FLASH_F7_MASS_ERASE) {
    f->counters.mass_erases++;
  } else {
    f->counters.erases++;
    f->counters.sector_erases[flash_f7_sector_of(f, f->op.offset)]++;
  }
  content_changed(f, f->op.offset, f->op.length);
}

static void finish_options(struct flash_f7 *f) {
  if (f->op.regression) {
    flash_f7_blank(f, 0, f->size);
    content_changed(f, 0, f->size);
    f->counters.mass_erases++;
  }
  flash_f7_options_finish(f);
}

static void on_done(void *ctx) {
  struct flash_f7 *f = ctx;
  switch (f->op.kind) {
    case FLASH_F7_PROGRAM:
    case FLASH_F7_OTP: finish_program(f); break;
    case FLASH_F7_ERASE:
    case FLASH_F7_MASS_ERASE: finish_erase(f); break;
    default: finish_options(f); break;
  }
  f->op.active = false;
  f->sr &= ~SIM_FLASH_SR_BSY;
  f->cr &= ~SIM_FLASH_CR_STRT;
  if (f->cr & SIM_FLASH_CR_EOPIE) f->sr |= SIM_FLASH_SR_EOP;
  flash_f7_update_irq(f);
  if (f->on_busy) f->on_busy(f->ctx, 0);
}

vtime_t flash_f7_busy_until(const struct flash_f7 *f) {
  return f->op.active ? f->op.end : f->sim->events.now;
}

// --- erase ---

static void refuse_erase(struct flash_f7 *f, enum guest_error error, uint32_t flag,
                         const char *why, int sector) {
  char number[16] = "";
  if (sector >= 0) snprintf(number, sizeof number, " %d", sector);
  report_guest(&f->sim->report, error, f->regs.base + SIM_FLASH_CR, "%s%s", why,
               number);
  flash_f7_refuse(f, flag);
}

static void start_sector_erase(struct flash_f7 *f) {
  const unsigned snb = SIM_GET(f->cr, SIM_FLASH_CR_SNB);
  unsigned sector;
  if (!flash_f7_sector_named(f, snb, &sector)) {
    refuse_erase(f, GUEST_FLASH_SEQUENCE, SIM_FLASH_SR_ERSERR,
                 "erase of a sector that does not exist: SNB", (int)snb);
    return;
  }
  if (flash_f7_sector_protected(f, sector)) {
    refuse_erase(f, GUEST_FLASH_PROTECTED, SIM_FLASH_SR_WRPERR,
                 "erase of write-protected sector", (int)sector);
    return;
  }
  f->op.kind = FLASH_F7_ERASE;
  flash_f7_sector_range(f, sector, &f->op.offset, &f->op.length);
  f->op.banks = flash_f7_banks_at(f, f->op.offset);
  flash_f7_begin(f, flash_f7_erase_time(f, f->op.length));
}

// One protected sector protects its bank (RM0410 3.3.7).
static void start_mass_erase(struct flash_f7 *f, unsigned banks) {
  const int sector = flash_f7_first_protected(f, banks);
  if (sector >= 0) {
    refuse_erase(f, GUEST_FLASH_PROTECTED, SIM_FLASH_SR_WRPERR,
                 "mass erase with a write-protected sector,", sector);
    return;
  }
  f->op.kind = FLASH_F7_MASS_ERASE;
  f->op.banks = banks;
  flash_f7_bank_range(f, banks, &f->op.offset, &f->op.length);
  flash_f7_begin(f, flash_f7_mass_erase_time(f, f->op.length));
}

void flash_f7_start_erase(struct flash_f7 *f) {
  const bool sector = f->cr & SIM_FLASH_CR_SER;
  const bool bank1 = f->cr & SIM_FLASH_CR_MER, bank2 = f->cr & SIM_FLASH_CR_MER2;
  if (!flash_f7_supply_suffices(f)) return;
  if (flash_f7_is_shut(f)) {
    // That it is this flag is assumed.
    refuse_erase(f, GUEST_FLASH_PROTECTED, SIM_FLASH_SR_WRPERR,
                 "erase with read protection, booted outside the flash", -1);
    return;
  }
  if (!sector && !bank1 && !bank2) {
    refuse_erase(f, GUEST_FLASH_SEQUENCE, SIM_FLASH_SR_ERSERR,
                 "STRT without SER or MER", -1);
  } else if (sector && (bank1 || bank2)) {
    // Neither is performed (RM0090 3.6.3, the same interface); the flag is assumed.
    refuse_erase(f, GUEST_FLASH_SEQUENCE, SIM_FLASH_SR_ERSERR, "STRT with SER and MER",
                 -1);
  } else if (sector) {
    start_sector_erase(f);
  } else if (f->dual_bank) {
    start_mass_erase(f, (bank1 ? 1u : 0u) | (bank2 ? 2u : 0u));
  } else if (bank1) {
    start_mass_erase(f, FLASH_F7_BOTH_BANKS);  // MER2 or not: ST's HAL sets both
  } else {
    report_unimplemented(&f->sim->report, f->regs.base + SIM_FLASH_CR,
                         "MER2 alone with one bank");
  }
}

// --- program ---

void flash_f7_begin_program(struct flash_f7 *f, enum flash_f7_kind kind, uint8_t *cells,
                            uint32_t offset, unsigned bytes, uint32_t value) {
  uint32_t old = 0;
  memcpy(&old, cells + offset, bytes);
  const uint32_t lanes = bytes >= 4 ? 0xFFFFFFFFu : (1u << (8 * bytes)) - 1u;
  if (value & ~old & lanes) {
    const uint32_t addr = kind == FLASH_F7_OTP
                              ? FLASH_F7_OTP_AT + offset
                              : FLASH_F7_ADDRESS + flash_f7_place(f, offset);
    report_guest(&f->sim->report, GUEST_FLASH_NOT_ERASED, addr,
                 "programming 0x%x over 0x%x would set bits", (unsigned)value,
                 (unsigned)old);
  }
  f->op.kind = kind;
  f->op.cells = cells;
  f->op.offset = offset;
  f->op.length = bytes;
  f->op.old = old;
  f->op.target = old & value;
  flash_f7_begin(f, PROGRAM_TIME);
}

// The order is the hardware's: sequence, width, row. An error flag of an operation
// before does not block: RM0410 3.3.7 names no such rule, only drivers refuse then.
uint32_t flash_f7_program_error(struct flash_f7 *f, uint32_t addr, uint32_t offset,
                                unsigned bytes) {
  struct report *r = &f->sim->report;
  const uint32_t row = flash_f7_row(f);
  if ((f->cr & SIM_FLASH_CR_LOCK) || !(f->cr & SIM_FLASH_CR_PG)) {
    report_guest(r, GUEST_FLASH_SEQUENCE, addr, "store into flash without PG%s",
                 f->cr & SIM_FLASH_CR_LOCK ? ", and locked" : "");
    return SIM_FLASH_SR_ERSERR;
  }
  if (bytes != 1u << flash_f7_psize(f)) {
    report_guest(r, GUEST_FLASH_WIDTH, addr, "%u-byte store with PSIZE x%u", bytes,
                 8u << flash_f7_psize(f));
    return SIM_FLASH_SR_PGPERR;
  }
  if (offset % bytes) {
    const bool crosses = offset / row != (offset + bytes - 1) / row;
    report_guest(r, GUEST_FLASH_ALIGN, addr, "%u-byte store %s %u-bit row", bytes,
                 crosses ? "crosses a" : "unaligned in a", 8u * (unsigned)row);
    return SIM_FLASH_SR_PGAERR;
  }
  return 0;
}

void flash_f7_store(struct flash_f7 *f, uint32_t offset, unsigned bytes,
                    uint32_t value) {
  const uint32_t addr = FLASH_F7_ADDRESS + offset;
  offset = flash_f7_place(f, offset);
  if (!flash_f7_wait_free(f, addr, "store into flash")) return;
  uint32_t error = flash_f7_program_error(f, addr, offset, bytes);
  if (!error && flash_f7_is_shut(f)) {
    report_guest(&f->sim->report, GUEST_FLASH_PROTECTED, addr,
                 "store with read protection, booted outside the flash");
    error = SIM_FLASH_SR_WRPERR;
  }
  if (!error && flash_f7_sector_protected(f, flash_f7_sector_of(f, offset))) {
    report_guest(&f->sim->report, GUEST_FLASH_PROTECTED, addr,
                 "store into write-protected sector %u", flash_f7_sector_of(f, offset));
    error = SIM_FLASH_SR_WRPERR;
  }
  if (error) {
    flash_f7_refuse(f, error);
    return;
  }
  if (!flash_f7_supply_suffices(f)) return;
  f->op.banks = flash_f7_banks_at(f, offset);
  flash_f7_begin_program(f, FLASH_F7_PROGRAM, f->bytes, offset, bytes, value);
}

// --- power ---

static void cut_program(struct flash_f7 *f) {
  const uint32_t falling = f->op.old & ~f->op.target;
  const uint32_t value = f->op.old & ~(falling & flash_f7_random(f));
  memcpy(f->op.cells + f->op.offset, &value, f->op.length);
}

void flash_f7_power_cut(struct flash_f7 *f) {
  if (!f->op.active) return;
  switch (f->op.kind) {
    case FLASH_F7_PROGRAM:
    case FLASH_F7_OTP: cut_program(f); break;
    case FLASH_F7_ERASE:
    case FLASH_F7_MASS_ERASE: flash_f7_tear(f, f->op.offset, f->op.length); break;
    default: flash_f7_options_cut(f); break;
  }
  f->op.active = false;
  event_cancel(&f->sim->events, &f->done);
}

void flash_f7_ops_init(struct flash_f7 *f) {
  event_init(&f->done, on_done, f);
  event_init(&f->tremble, on_tremble, f);
}
