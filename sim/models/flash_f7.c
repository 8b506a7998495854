// SPDX-License-Identifier: MIT
#include "sim/models/flash_f7.h"

#include <string.h>

#include "sim_regs.h"

#define KEY1        0x45670123u
#define KEY2        0xCDEF89ABu
#define OPTION_KEY1 0x08192A3Bu
#define OPTION_KEY2 0x4C5D6E7Fu
#define ROW_BYTES   32u  // 256 bits, single bank (RM0410 3.3.6)

// As delivered (RM0410 3.4.1; the same on chips of DEV_ID 0x451 as read).
#define OPTCR_FACTORY  0xFFFFAAFDu
#define OPTCR1_FACTORY 0x00400080u

#define SR_ERRORS                                                   \
  (SIM_FLASH_SR_OPERR | SIM_FLASH_SR_WRPERR | SIM_FLASH_SR_PGAERR | \
   SIM_FLASH_SR_PGPERR | SIM_FLASH_SR_ERSERR)

// DS11532 table 53, typical: program 16 us whatever the width; erase by PSIZE.
#define PROGRAM_TIME VT_US(16)
static const uint16_t erase_ms[3][3] = {
    {400, 250, 200},     // 32 KB at x8, x16, x32
    {1100, 800, 500},    // 128 KB
    {2100, 1500, 1000},  // 256 KB
};
static const uint16_t mass_erase_ms[3] = {16000, 11000, 8000};

// Lowest supply for each PSIZE (RM0410 table 9). x64 needs VPP, which no board
// here has.
static const uint16_t psize_mv[4] = {1700, 2100, 2700, 0xFFFF};

static const struct reg_model models[] = {
    {SIM_FLASH_ACR, SIM_FLASH_ACR_LATENCY,
     // Prefetch and ART change speed only, and speed is nominal here.
     SIM_FLASH_ACR_PRFTEN | SIM_FLASH_ACR_ARTEN | SIM_FLASH_ACR_ARTRST, 0, 0},
    {SIM_FLASH_KEYR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_OPTKEYR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_SR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_CR, 0xFFFFFFFFu & ~SIM_FLASH_CR_MER2, 0, 0, 0},
    {SIM_FLASH_OPTCR, SIM_FLASH_OPTCR_OPTLOCK, 0, 0, 0},
    {SIM_FLASH_OPTCR1, 0, 0, 0, 0},
};

unsigned flash_f7_sector_of(uint32_t offset) {
  if (offset < 0x20000u) return offset / 0x8000u;
  if (offset < 0x40000u) return 4;
  return 4 + offset / 0x40000u;
}

void flash_f7_sector_range(unsigned sector, uint32_t *offset, uint32_t *length) {
  if (sector < 4) {
    *offset = sector * 0x8000u;
    *length = 0x8000u;
  } else if (sector == 4) {
    *offset = *length = 0x20000u;
  } else {
    *offset = (sector - 4) * 0x40000u;
    *length = 0x40000u;
  }
}

unsigned flash_f7_latency(const struct flash_f7 *f) {
  return SIM_GET(f->acr, SIM_FLASH_ACR_LATENCY);
}

static unsigned psize(const struct flash_f7 *f) {
  return SIM_GET(f->cr, SIM_FLASH_CR_PSIZE);
}

static uint32_t random_bits(struct flash_f7 *f) {
  f->random = f->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(f->random >> 32);
}

static void update_irq(struct flash_f7 *f) {
  const bool end = (f->sr & SIM_FLASH_SR_EOP) && (f->cr & SIM_FLASH_CR_EOPIE);
  const bool error = (f->sr & SR_ERRORS) && (f->cr & SIM_FLASH_CR_ERRIE);
  irq_set(&f->irq, end || error);
}

static void refuse(struct flash_f7 *f, uint32_t flag) {
  f->sr |= flag;
  // OPERR joins the cause only when its interrupt is wanted (RM0410 3.7.4).
  if (f->cr & SIM_FLASH_CR_ERRIE) f->sr |= SIM_FLASH_SR_OPERR;
  update_irq(f);
}

static void content_changed(struct flash_f7 *f, uint32_t offset, uint32_t length) {
  if (f->faults.stuck && f->faults.stuck_at - offset < length) {
    uint8_t *cell = &f->bytes[f->faults.stuck_at];
    *cell = (uint8_t)((*cell & ~f->faults.stuck_mask) |
                      (f->faults.stuck_value & f->faults.stuck_mask));
  }
  if (f->on_content) f->on_content(f->ctx, offset, length);
}

// --- operations ---

static void begin(struct flash_f7 *f, enum flash_f7_kind kind, uint32_t offset,
                  uint32_t length, vtime_t duration) {
  f->op.active = true;
  f->op.kind = kind;
  f->op.offset = offset;
  f->op.length = length;
  f->op.end = f->faults.stays_busy ? VT_NEVER : f->sim->events.now + duration;
  f->sr |= SIM_FLASH_SR_BSY;
  if (f->op.end != VT_NEVER) event_at(&f->sim->events, &f->done, f->op.end);
  if (f->on_operation) f->on_operation(f->ctx, kind, offset);
  if (f->on_busy) f->on_busy(f->ctx, true);
}

static void finish_program(struct flash_f7 *f) {
  const bool fails =
      f->faults.program_fails && f->faults.program_at - f->op.offset < f->op.length;
  const uint32_t value = fails ? f->op.old : f->op.target;
  memcpy(f->bytes + f->op.offset, &value, f->op.length);
  f->counters.programs++;
  f->counters.bytes_programmed += f->op.length;
}

static void finish_erase(struct flash_f7 *f) {
  const bool whole = f->op.kind == FLASH_F7_MASS_ERASE;
  const unsigned sector = flash_f7_sector_of(f->op.offset);
  memset(f->bytes + f->op.offset, 0xFF, f->op.length);
  if (f->faults.erase_fails && (whole || sector == f->faults.erase_sector)) {
    uint32_t at, length;
    flash_f7_sector_range(f->faults.erase_sector, &at, &length);
    for (uint32_t i = 0; i < length; i += 61)
      f->bytes[at + i] &= 0x7Fu;
  }
  if (whole) {
    f->counters.mass_erases++;
  } else {
    f->counters.erases++;
    f->counters.sector_erases[sector]++;
  }
}

static void on_done(void *ctx) {
  struct flash_f7 *f = ctx;
  if (f->op.kind == FLASH_F7_PROGRAM) {
    finish_program(f);
  } else {
    finish_erase(f);
  }
  f->op.active = false;
  f->sr &= ~SIM_FLASH_SR_BSY;
  f->cr &= ~SIM_FLASH_CR_STRT;
  if (f->cr & SIM_FLASH_CR_EOPIE) f->sr |= SIM_FLASH_SR_EOP;
  content_changed(f, f->op.offset, f->op.length);
  update_irq(f);
  if (f->on_busy) f->on_busy(f->ctx, false);
}

vtime_t flash_f7_busy_until(const struct flash_f7 *f) {
  return f->op.active ? f->op.end : f->sim->events.now;
}

static bool sector_protected(const struct flash_f7 *f, unsigned sector) {
  return !((SIM_GET(f->optcr, SIM_FLASH_OPTCR_NWRP) >> sector) & 1u);
}

static bool supply_suffices(struct flash_f7 *f) {
  if (f->supply_mv >= psize_mv[psize(f)]) return true;
  report_guest(&f->sim->report, GUEST_FLASH_SUPPLY, f->regs.base + SIM_FLASH_CR,
               "PSIZE x%u needs more than %u mV", 8u << psize(f),
               (unsigned)f->supply_mv);
  return false;
}

static void start_sector_erase(struct flash_f7 *f) {
  const unsigned sector = SIM_GET(f->cr, SIM_FLASH_CR_SNB);
  if (sector >= FLASH_F7_SECTORS) {
    report_guest(&f->sim->report, GUEST_FLASH_SEQUENCE, f->regs.base + SIM_FLASH_CR,
                 "sector %u does not exist", sector);
    refuse(f, SIM_FLASH_SR_ERSERR);
    return;
  }
  if (sector_protected(f, sector)) {
    report_guest(&f->sim->report, GUEST_FLASH_PROTECTED, f->regs.base + SIM_FLASH_CR,
                 "sector %u is write-protected", sector);
    refuse(f, SIM_FLASH_SR_WRPERR);
    return;
  }
  uint32_t offset, length;
  flash_f7_sector_range(sector, &offset, &length);
  const unsigned row = sector < 4 ? 0 : sector == 4 ? 1 : 2;
  const unsigned column = psize(f) > 2 ? 2 : psize(f);
  begin(f, FLASH_F7_ERASE, offset, length, VT_MS(erase_ms[row][column]));
}

// One protected sector protects all of them (RM0410 3.3.7).
static void start_mass_erase(struct flash_f7 *f) {
  for (unsigned sector = 0; sector < FLASH_F7_SECTORS; sector++) {
    if (!sector_protected(f, sector)) continue;
    report_guest(&f->sim->report, GUEST_FLASH_PROTECTED, f->regs.base + SIM_FLASH_CR,
                 "mass erase, but sector %u is write-protected", sector);
    refuse(f, SIM_FLASH_SR_WRPERR);
    return;
  }
  const unsigned column = psize(f) > 2 ? 2 : psize(f);
  begin(f, FLASH_F7_MASS_ERASE, 0, f->size, VT_MS(mass_erase_ms[column]));
}

static void start_erase(struct flash_f7 *f) {
  if (!supply_suffices(f)) return;
  if (f->cr & SIM_FLASH_CR_SER) {
    start_sector_erase(f);
  } else if (f->cr & SIM_FLASH_CR_MER) {
    start_mass_erase(f);
  } else {
    report_guest(&f->sim->report, GUEST_FLASH_SEQUENCE, f->regs.base + SIM_FLASH_CR,
                 "STRT without SER or MER");
    refuse(f, SIM_FLASH_SR_ERSERR);
  }
}

// What is wrong with a store of `bytes` at `offset`; 0 if nothing. The order is
// the hardware's: sequence, width, row, protection.
static uint32_t program_error(struct flash_f7 *f, uint32_t offset, unsigned bytes) {
  struct report *r = &f->sim->report;
  const uint32_t addr = 0x08000000u + offset;
  if ((f->cr & SIM_FLASH_CR_LOCK) || !(f->cr & SIM_FLASH_CR_PG)) {
    report_guest(r, GUEST_FLASH_SEQUENCE, addr, "store into flash without PG%s",
                 f->cr & SIM_FLASH_CR_LOCK ? ", and locked" : "");
    return SIM_FLASH_SR_ERSERR;
  }
  if (bytes != 1u << psize(f)) {
    report_guest(r, GUEST_FLASH_WIDTH, addr, "%u-byte store with PSIZE x%u", bytes,
                 8u << psize(f));
    return SIM_FLASH_SR_PGPERR;
  }
  if (offset / ROW_BYTES != (offset + bytes - 1) / ROW_BYTES || offset % bytes) {
    report_guest(r, GUEST_FLASH_ALIGN, addr, "%u-byte store crosses a flash row",
                 bytes);
    return SIM_FLASH_SR_PGAERR;
  }
  if (sector_protected(f, flash_f7_sector_of(offset))) {
    report_guest(r, GUEST_FLASH_PROTECTED, addr, "store into write-protected sector %u",
                 flash_f7_sector_of(offset));
    return SIM_FLASH_SR_WRPERR;
  }
  return 0;
}

void flash_f7_store(struct flash_f7 *f, uint32_t offset, unsigned bytes,
                    uint32_t value) {
  if (f->op.active) {
    report_guest(&f->sim->report, GUEST_FLASH_BUSY, 0x08000000u + offset,
                 "store into flash while it is busy");
    return;
  }
  const uint32_t error = program_error(f, offset, bytes);
  if (error) {
    refuse(f, error);
    return;
  }
  if (!supply_suffices(f)) return;
  uint32_t old = 0;
  memcpy(&old, f->bytes + offset, bytes);
  const uint32_t lanes = bytes >= 4 ? 0xFFFFFFFFu : (1u << (8 * bytes)) - 1u;
  if (value & ~old & lanes) {
    report_guest(&f->sim->report, GUEST_FLASH_NOT_ERASED, 0x08000000u + offset,
                 "programming 0x%x over 0x%x would set bits", (unsigned)value,
                 (unsigned)old);
  }
  f->op.old = old;
  f->op.target = old & value;
  begin(f, FLASH_F7_PROGRAM, offset, bytes, PROGRAM_TIME);
}

void flash_f7_power_cut(struct flash_f7 *f) {
  if (!f->op.active) return;
  uint8_t *bytes = f->bytes + f->op.offset;
  if (f->op.kind == FLASH_F7_PROGRAM) {
    const uint32_t falling = f->op.old & ~f->op.target;
    const uint32_t value = f->op.old & ~(falling & random_bits(f));
    memcpy(bytes, &value, f->op.length);
  } else {
    for (uint32_t i = 0; i < f->op.length; i++) {
      const uint32_t noise = random_bits(f);
      bytes[i] = (uint8_t)(bytes[i] | (noise & (noise >> 8)));
    }
  }
  f->op.active = false;
  event_cancel(&f->sim->events, &f->done);
}

// --- registers ---

static void write_key(struct flash_f7 *f, uint32_t value) {
  if (f->key_locked) return;
  if (f->key_step == 0 && value == KEY1) {
    f->key_step = 1;
  } else if (f->key_step == 1 && value == KEY2) {
    f->key_step = 0;
    f->cr &= ~SIM_FLASH_CR_LOCK;
  } else {
    f->key_locked = true;
    report_guest(&f->sim->report, GUEST_FLASH_KEY, f->regs.base + SIM_FLASH_KEYR,
                 "KEYR: wrong key 0x%08x", (unsigned)value);
  }
}

static void write_option_key(struct flash_f7 *f, uint32_t value) {
  if (f->option_key_locked) return;
  if (f->option_key_step == 0 && value == OPTION_KEY1) {
    f->option_key_step = 1;
  } else if (f->option_key_step == 1 && value == OPTION_KEY2) {
    f->option_key_step = 0;
    f->optcr &= ~SIM_FLASH_OPTCR_OPTLOCK;
  } else {
    f->option_key_locked = true;
    report_guest(&f->sim->report, GUEST_FLASH_KEY, f->regs.base + SIM_FLASH_OPTKEYR,
                 "OPTKEYR: wrong key 0x%08x", (unsigned)value);
  }
}

static void write_cr(struct flash_f7 *f, uint32_t value) {
  if (f->cr & SIM_FLASH_CR_LOCK) {
    if (value != f->cr) {
      report_guest(&f->sim->report, GUEST_FLASH_LOCKED, f->regs.base + SIM_FLASH_CR,
                   "CR written while locked");
    }
    return;
  }
  if (f->op.active) {
    report_guest(&f->sim->report, GUEST_FLASH_BUSY, f->regs.base + SIM_FLASH_CR,
                 "CR written while BSY");
    return;
  }
  f->cr = value;
  if (f->cr & SIM_FLASH_CR_LOCK) f->cr = SIM_FLASH_CR_LOCK;
  if (f->cr & SIM_FLASH_CR_STRT) start_erase(f);
  if (!f->op.active) f->cr &= ~SIM_FLASH_CR_STRT;
  update_irq(f);
}

static void write_options(struct flash_f7 *f, uint32_t value) {
  if (f->optcr & SIM_FLASH_OPTCR_OPTLOCK) {
    report_guest(&f->sim->report, GUEST_FLASH_LOCKED, f->regs.base + SIM_FLASH_OPTCR,
                 "option register written while locked");
  } else if (value & SIM_FLASH_OPTCR_OPTLOCK) {
    f->optcr |= SIM_FLASH_OPTCR_OPTLOCK;
  } else {
    report_unimplemented(&f->sim->report, f->regs.base + SIM_FLASH_OPTCR,
                         "option byte programming");
  }
}

uint32_t flash_f7_read(void *flash, uint32_t offset, unsigned bytes) {
  const struct flash_f7 *f = flash;
  if (!reg_check_read(&f->regs, offset)) return 0;
  uint32_t value = 0;
  switch (offset & ~3u) {
    case SIM_FLASH_ACR: value = f->acr; break;
    case SIM_FLASH_SR: value = f->sr; break;
    case SIM_FLASH_CR: value = f->cr; break;
    case SIM_FLASH_OPTCR: value = f->optcr; break;
    case SIM_FLASH_OPTCR1: value = f->optcr1; break;
    default: break;  // the key registers read 0
  }
  return reg_extract(value, offset, bytes);
}

void flash_f7_write(void *flash, uint32_t offset, unsigned bytes, uint32_t value) {
  struct flash_f7 *f = flash;
  if (!reg_check_write(&f->regs, offset, bytes, value)) return;
  switch (offset & ~3u) {
    case SIM_FLASH_ACR:
      f->acr = reg_update(&f->regs, f->acr, offset, bytes, value);
      if (f->on_latency) f->on_latency(f->ctx);
      break;
    case SIM_FLASH_KEYR: write_key(f, value); break;
    case SIM_FLASH_OPTKEYR: write_option_key(f, value); break;
    case SIM_FLASH_SR:
      f->sr &= ~(reg_merge(0, offset, bytes, value) & (SR_ERRORS | SIM_FLASH_SR_EOP));
      update_irq(f);
      break;
    case SIM_FLASH_CR:
      write_cr(f, reg_update(&f->regs, f->cr, offset, bytes, value));
      break;
    case SIM_FLASH_OPTCR:
      write_options(f, reg_merge(f->optcr, offset, bytes, value));
      break;
    default: write_options(f, f->optcr & ~SIM_FLASH_OPTCR_OPTLOCK); break;
  }
}

void flash_f7_reset(struct flash_f7 *f) {
  // A reset in the middle of an operation ends it like a power cut (RM0410 3.3.6:
  // the content is not protected).
  flash_f7_power_cut(f);
  f->acr = f->sr = 0;
  f->cr = SIM_FLASH_CR_LOCK;
  f->optcr = f->option_optcr | SIM_FLASH_OPTCR_OPTLOCK;
  f->optcr1 = f->option_optcr1;
  f->key_step = f->option_key_step = 0;
  f->key_locked = f->option_key_locked = false;
  irq_set(&f->irq, false);
  if (f->on_busy) f->on_busy(f->ctx, false);
}

void flash_f7_init(struct flash_f7 *f, struct sim *sim, uint8_t *bytes, uint32_t size,
                   uint32_t supply_mv) {
  memset(f, 0, sizeof *f);
  f->sim = sim;
  f->bytes = bytes;
  f->size = size;
  f->supply_mv = supply_mv;
  f->random = 0x5155414442ull;
  f->option_optcr = OPTCR_FACTORY;
  f->option_optcr1 = OPTCR1_FACTORY;
  reg_file_init(&f->regs, &sim_regs_flash, 0x40023C00u, models,
                sizeof models / sizeof *models, &sim->report);
  event_init(&f->done, on_done, f);
}

void flash_f7_free(struct flash_f7 *f) {
  reg_file_free(&f->regs);
}
