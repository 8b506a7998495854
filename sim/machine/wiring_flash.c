// SPDX-License-Identifier: MIT
// The internal flash on the board: its halves as the CPU sees them, who stands still
// when, the OTP and option areas, and what goes with it when protection is given up.
#include <string.h>

#include "sim/machine/machine_internal.h"

// The page of system memory that can be written (RM0410 2.2.2): OTP, then
// identification.
#define OTP_OFFSET 0xF000u

// The halves of the array, by the AXI and the ITCM bus.
static const char *const halves[2][2] = {
    {"flash", "flash (ITCM)"}, {"flash, upper half", "flash (ITCM), upper half"}};

static void on_busy(void *ctx, unsigned banks) {
  struct machine *m = ctx;
  for (unsigned i = 0; i < 2; i++) {
    const enum cpu_access access = flash_f7_is_shut(&m->flash) ? CPU_ACCESS_FAULT
                                   : banks & 1u << i           ? CPU_ACCESS_STALL
                                                               : CPU_ACCESS_NORMAL;
    cpu_set_access(m->cpu, halves[i][0], access);
    cpu_set_access(m->cpu, halves[i][1], access);
  }
}

// The array's bytes are either in one bank, or all.
static void on_content(void *ctx, uint32_t offset, uint32_t length) {
  struct machine *m = ctx;
  const bool all = length == m->board->flash_size;
  const uint32_t at = all ? 0 : flash_f7_place(&m->flash, offset);
  cpu_flash_changed(m->cpu, FLASH_BASE + at, length);
  cpu_flash_changed(m->cpu, FLASH_ITCM_BASE + at, length);
}

void machine_swap_banks(struct machine *m, bool on) {
  flash_f7_swap(&m->flash, on);
  const uint32_t half = m->board->flash_size / 2;
  for (unsigned i = 0; i < 2; i++) {
    const uint32_t at = flash_f7_place(&m->flash, i * half);
    cpu_move(m->cpu, halves[i][0], FLASH_BASE + at);
    cpu_move(m->cpu, halves[i][1], FLASH_ITCM_BASE + at);
  }
}

static void on_art(void *ctx, bool on, bool reset) {
  struct machine *m = ctx;
  cpu_art(m->cpu, on);
  if (reset) cpu_art_reset(m->cpu);
}

static void on_wait(void *ctx, vtime_t until) {
  struct machine *m = ctx;
  cpu_wait(m->cpu, until);
}

static void on_regression(void *ctx) {
  struct machine *m = ctx;
  memset(m->backup_sram, 0xFF, BACKUP_SRAM_SIZE);
}

void machine_flash_write(void *ctx, uint32_t addr, unsigned bytes, uint32_t value) {
  struct machine *m = ctx;
  const uint32_t otp = addr - SYSTEM_MEMORY_BASE - OTP_OFFSET;
  if (otp < FLASH_F7_OTP_SIZE) {
    flash_f7_store_otp(&m->flash, otp, bytes, value);
  } else if (addr >= SYSTEM_MEMORY_BASE) {
    report_guest(&m->sim.report, GUEST_BUS_ERROR, addr,
                 "write of 0x%08x: read-only memory", (unsigned)addr);
    m->sim.bus.failed = true;
  } else {
    const uint32_t base = addr >= FLASH_BASE ? FLASH_BASE : FLASH_ITCM_BASE;
    flash_f7_store(&m->flash, addr - base, bytes, value);
  }
}

vtime_t machine_flash_stall(void *ctx, uint32_t addr, bool fetch) {
  struct machine *m = ctx;
  report_guest(&m->sim.report, GUEST_FLASH_STALL, addr & ~0x7FFFu,
               "%s at 0x%08x while the flash is busy: the CPU stands still",
               fetch ? "fetch" : "read", (unsigned)addr);
  const vtime_t end = flash_f7_busy_until(&m->flash);
  // A flash that never finishes holds the CPU for ever; give time steps meanwhile.
  return end == VT_NEVER ? m->sim.events.now + VT_MS(10) : end;
}

size_t machine_flash_regions(struct machine *m, struct cpu_region *out) {
  const uint32_t half = m->board->flash_size / 2;
  uint8_t *const upper = m->flash_bytes + half;
  const struct cpu_region regions[] = {
      {halves[0][1], CPU_FLASH_ITCM, FLASH_ITCM_BASE, half, m->flash_bytes},
      {halves[1][1], CPU_FLASH_ITCM, FLASH_ITCM_BASE + half, half, upper},
      {halves[0][0], CPU_FLASH, FLASH_BASE, half, m->flash_bytes},
      {halves[1][0], CPU_FLASH, FLASH_BASE + half, half, upper},
      {"system memory", CPU_ROM, SYSTEM_MEMORY_BASE, OTP_OFFSET, m->system_memory},
      {"OTP", CPU_FLASH, SYSTEM_MEMORY_BASE + OTP_OFFSET,
       SYSTEM_MEMORY_SIZE - OTP_OFFSET, m->system_memory + OTP_OFFSET},
      {"options", CPU_ROM, OPTION_WINDOW_BASE, OPTION_WINDOW_SIZE, m->option_window},
  };
  memcpy(out, regions, sizeof regions);
  return sizeof regions / sizeof *regions;
}

void machine_wire_flash(struct machine *m) {
  struct flash_f7 *f = &m->flash;
  flash_f7_init(f, &m->sim, m->flash_bytes, m->board->flash_size, m->board->supply_mv);
  f->otp = m->system_memory + OTP_OFFSET;
  f->option_window = m->option_window;
  flash_f7_set_options(f, f->option_optcr, f->option_optcr1);  // so it shows them
  f->on_busy = on_busy;
  f->on_content = on_content;
  f->on_art = on_art;
  f->wait = on_wait;
  f->on_regression = on_regression;
  f->ctx = m;
}
