// SPDX-License-Identifier: MIT
#include "sim/models/flash_f7_internal.h"

#include <string.h>

#define KEY1        0x45670123u
#define KEY2        0xCDEF89ABu
#define OPTION_KEY1 0x08192A3Bu
#define OPTION_KEY2 0x4C5D6E7Fu

// As delivered (RM0410 3.4.1; the same on chips of DEV_ID 0x451 as read).
#define OPTCR_FACTORY  0xFFFFAAFDu
#define OPTCR1_FACTORY 0x00400080u

static const struct reg_model models[] = {
    {SIM_FLASH_ACR, SIM_FLASH_ACR_LATENCY | SIM_FLASH_ACR_ARTEN | SIM_FLASH_ACR_ARTRST,
     // Prefetch changes speed only, and speed is nominal here.
     SIM_FLASH_ACR_PRFTEN, 0, 0},
    {SIM_FLASH_KEYR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_OPTKEYR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_SR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_CR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_OPTCR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_FLASH_OPTCR1, 0xFFFFFFFFu, 0, 0, 0},
};

unsigned flash_f7_latency(const struct flash_f7 *f) {
  return SIM_GET(f->acr, SIM_FLASH_ACR_LATENCY);
}

void flash_f7_update_irq(struct flash_f7 *f) {
  const bool end = (f->sr & SIM_FLASH_SR_EOP) && (f->cr & SIM_FLASH_CR_EOPIE);
  const bool error = (f->sr & FLASH_F7_ERRORS) && (f->cr & SIM_FLASH_CR_ERRIE);
  irq_set(&f->irq, end || error);
}

void flash_f7_refuse(struct flash_f7 *f, uint32_t flag) {
  f->sr |= flag;
  // OPERR joins the cause only when its interrupt is wanted (RM0410 3.7.4).
  if (f->cr & SIM_FLASH_CR_ERRIE) f->sr |= SIM_FLASH_SR_OPERR;
  flash_f7_update_irq(f);
}

// RM0410 3.3.5: the bus stands still until BSY is clear, then the write is done.
bool flash_f7_wait_free(struct flash_f7 *f, uint32_t addr, const char *what) {
  if (!f->op.active) return true;
  report_guest(&f->sim->report, GUEST_FLASH_BUSY, addr, "%s while BSY: the bus stalls",
               what);
  if (f->op.end == VT_NEVER) return false;
  if (f->wait) {
    f->wait(f->ctx, f->op.end);
  } else {
    event_run(&f->sim->events, f->op.end);
  }
  return !f->op.active;
}

// --- registers ---

// RM0410 3.3.5: locked until the next reset, and the bus answers with an error.
static void wrong_key(struct flash_f7 *f, uint32_t offset, const char *name,
                      uint32_t value) {
  report_guest(&f->sim->report, GUEST_FLASH_KEY, f->regs.base + offset,
               "%s: wrong key 0x%08x", name, (unsigned)value);
  f->sim->bus.failed = true;
}

static void write_key(struct flash_f7 *f, uint32_t value) {
  if (f->key_locked) return;
  if (f->key_step == 0 && value == KEY1) {
    f->key_step = 1;
  } else if (f->key_step == 1 && value == KEY2) {
    f->key_step = 0;
    f->cr &= ~SIM_FLASH_CR_LOCK;
  } else {
    f->key_locked = true;
    wrong_key(f, SIM_FLASH_KEYR, "KEYR", value);
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
    wrong_key(f, SIM_FLASH_OPTKEYR, "OPTKEYR", value);
  }
}

// RM0410 3.7.1: ARTRST can be written only while ARTEN is 0.
static void write_acr(struct flash_f7 *f, uint32_t value) {
  if ((value & ~f->acr & SIM_FLASH_ACR_ARTRST) && (f->acr & SIM_FLASH_ACR_ARTEN)) {
    report_guest(&f->sim->report, GUEST_DROPPED_WRITE, f->regs.base + SIM_FLASH_ACR,
                 "ACR.ARTRST set while ARTEN is");
    value &= ~SIM_FLASH_ACR_ARTRST;
  }
  const bool reset = (value & SIM_FLASH_ACR_ARTRST) && !(f->acr & SIM_FLASH_ACR_ARTEN);
  f->acr = value;
  if (f->on_art) f->on_art(f->ctx, value & SIM_FLASH_ACR_ARTEN, reset);
  if (f->on_latency) f->on_latency(f->ctx);
}

static void write_cr(struct flash_f7 *f, uint32_t value) {
  if (f->cr & SIM_FLASH_CR_LOCK) {
    if (value != f->cr) {
      report_guest(&f->sim->report, GUEST_FLASH_LOCKED, f->regs.base + SIM_FLASH_CR,
                   "CR written while locked");
    }
    return;
  }
  if (!flash_f7_wait_free(f, f->regs.base + SIM_FLASH_CR, "CR written")) return;
  f->cr = value;
  if (f->cr & SIM_FLASH_CR_LOCK) f->cr = SIM_FLASH_CR_LOCK;
  if (f->cr & SIM_FLASH_CR_STRT) flash_f7_start_erase(f);
  if (!f->op.active) f->cr &= ~SIM_FLASH_CR_STRT;
  flash_f7_update_irq(f);
}

// True: the option registers may be written now.
static bool options_open(struct flash_f7 *f, uint32_t offset, bool changes) {
  const uint32_t addr = f->regs.base + (offset & ~3u);
  if (f->optcr & SIM_FLASH_OPTCR_OPTLOCK) {
    if (changes) {
      report_guest(&f->sim->report, GUEST_FLASH_LOCKED, addr,
                   "option register written while locked");
    }
    return false;
  }
  return flash_f7_wait_free(f, addr, "option register written");
}

static void write_optcr(struct flash_f7 *f, uint32_t value) {
  if (!options_open(f, SIM_FLASH_OPTCR, value != f->optcr)) return;
  f->optcr = value;
  if (f->optcr & SIM_FLASH_OPTCR_OPTLOCK) f->optcr &= ~SIM_FLASH_OPTCR_OPTSTRT;
  if (f->optcr & SIM_FLASH_OPTCR_OPTSTRT) flash_f7_options_start(f);
}

static void write_optcr1(struct flash_f7 *f, uint32_t value) {
  if (options_open(f, SIM_FLASH_OPTCR1, value != f->optcr1)) f->optcr1 = value;
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
      write_acr(f, reg_update(&f->regs, f->acr, offset, bytes, value));
      break;
    case SIM_FLASH_KEYR: write_key(f, value); break;
    case SIM_FLASH_OPTKEYR: write_option_key(f, value); break;
    case SIM_FLASH_SR:
      f->sr &=
          ~(reg_merge(0, offset, bytes, value) & (FLASH_F7_ERRORS | SIM_FLASH_SR_EOP));
      flash_f7_update_irq(f);
      break;
    case SIM_FLASH_CR:
      write_cr(f, reg_update(&f->regs, f->cr, offset, bytes, value));
      break;
    case SIM_FLASH_OPTCR:
      write_optcr(f, reg_merge(f->optcr, offset, bytes, value));
      break;
    default: write_optcr1(f, reg_merge(f->optcr1, offset, bytes, value)); break;
  }
}

void flash_f7_reset(struct flash_f7 *f) {
  // A reset in the middle of an operation ends it like a power cut (RM0410 3.3.6:
  // the content is not protected).
  flash_f7_power_cut(f);
  f->acr = f->sr = 0;
  f->cr = SIM_FLASH_CR_LOCK;
  flash_f7_options_load(f);
  f->key_step = f->option_key_step = 0;
  f->key_locked = f->option_key_locked = false;
  irq_set(&f->irq, false);
  if (f->on_busy) f->on_busy(f->ctx, 0);
}

void flash_f7_init(struct flash_f7 *f, struct sim *sim, uint8_t *bytes, uint32_t size,
                   uint32_t supply_mv) {
  memset(f, 0, sizeof *f);
  f->sim = sim;
  f->bytes = bytes;
  f->size = size;
  f->supply_mv = supply_mv;
  f->random = 0x5155414442ull;
  reg_file_init(&f->regs, &sim_regs_flash, 0x40023C00u, models,
                sizeof models / sizeof *models, &sim->report);
  flash_f7_ops_init(f);
  flash_f7_set_options(f, OPTCR_FACTORY, OPTCR1_FACTORY);
}

void flash_f7_free(struct flash_f7 *f) {
  event_cancel(&f->sim->events, &f->tremble);
  event_cancel(&f->sim->events, &f->done);
  reg_file_free(&f->regs);
}
