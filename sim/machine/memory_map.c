// SPDX-License-Identifier: MIT
// The address map of the STM32F769 (RM0410 2.2.2): which model answers where, and
// a stub for every block that has no model yet.
#include <stdlib.h>
#include <string.h>

#include "sim/machine/machine_internal.h"
#include "sim_regs.h"

// With the flash, backup SRAM is shut (RM0410 3.6.3).
static bool backup_sram_opens(struct machine *m, uint32_t offset) {
  if (!flash_f7_is_shut(&m->flash)) return true;
  report_guest(&m->sim.report, GUEST_BUS_ERROR, BACKUP_SRAM_BASE + offset,
               "backup SRAM with read protection, booted outside the flash");
  m->sim.bus.failed = true;
  return false;
}

static uint32_t backup_sram_read(void *ctx, uint32_t offset, unsigned bytes) {
  struct machine *m = ctx;
  uint32_t value = 0;
  if (!backup_sram_opens(m, offset)) return 0;
  memcpy(&value, m->backup_sram + offset, bytes);
  return value;
}

static void backup_sram_write(void *ctx, uint32_t offset, unsigned bytes,
                              uint32_t value) {
  struct machine *m = ctx;
  if (!backup_sram_opens(m, offset)) return;
  if (!pwr_backup_unlocked(&m->pwr)) {
    report_guest(&m->sim.report, GUEST_BACKUP_LOCKED, BACKUP_SRAM_BASE + offset,
                 "backup SRAM written while PWR_CR1.DBP is clear");
    return;
  }
  memcpy(m->backup_sram + offset, &value, bytes);
}

static uint32_t stub_read(void *ctx, uint32_t offset, unsigned bytes) {
  const struct stub *s = ctx;
  report_unimplemented(&s->machine->sim.report, s->base + offset, "%s+0x%03x read",
                       s->name, (unsigned)offset);
  const uint32_t word = offset / 4;
  return word < 256 ? reg_extract(s->words[word], offset, bytes) : 0;
}

static void stub_write(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  struct stub *s = ctx;
  report_unimplemented(&s->machine->sim.report, s->base + offset, "%s+0x%03x written",
                       s->name, (unsigned)offset);
  if (offset / 4 >= 256) return;
  s->words[offset / 4] = reg_merge(s->words[offset / 4], offset, bytes, value);
}

static void add(struct machine *m, const char *name, uint32_t base, uint32_t size,
                uint32_t gate, void *ctx, uint32_t (*read)(void *, uint32_t, unsigned),
                void (*write)(void *, uint32_t, unsigned, uint32_t)) {
  const struct bus_device device = {.name = name,
                                    .base = base,
                                    .size = size,
                                    .gate = gate,
                                    .ctx = ctx,
                                    .read = read,
                                    .write = write};
  bus_add_device(&m->sim.bus, &device);
}

static void add_ports(struct machine *m) {
  static const char *const names[MACHINE_PORTS] = {"GPIOA", "GPIOB", "GPIOC", "GPIOD",
                                                   "GPIOE", "GPIOF", "GPIOG", "GPIOH",
                                                   "GPIOI", "GPIOJ", "GPIOK"};
  for (unsigned i = 0; i < MACHINE_PORTS; i++) {
    const uint32_t base = 0x40020000u + 0x400u * i;
    const uint32_t gate = GATE(SIM_RCC_AHB1ENR, i);
    const struct reg_block *block = i == 0   ? &sim_regs_gpioa
                                    : i == 1 ? &sim_regs_gpiob
                                             : &sim_regs_gpio;
    gpio_init(&m->gpio[i], &m->sim, block, (char)('A' + i), base, gate);
    add(m, names[i], base, 0x400, gate, &m->gpio[i], gpio_read, gpio_write);
  }
}

static void add_blocks(struct machine *m) {
  add(m, "RCC", 0x40023800u, 0x400, GATE_NONE, &m->rcc, rcc_read, rcc_write);
  add(m, "FLASH", 0x40023C00u, 0x400, GATE_NONE, &m->flash, flash_f7_read,
      flash_f7_write);
  add(m, "PWR", 0x40007000u, 0x400, GATE(SIM_RCC_APB1ENR, 28), &m->pwr, pwr_read,
      pwr_write);
  add(m, "RTC", 0x40002800u, 0x400, GATE(SIM_RCC_APB1ENR, 10), &m->rtc, rtc_read,
      rtc_write);
  add(m, "IWDG", 0x40003000u, 0x400, GATE_NONE, &m->iwdg, iwdg_read, iwdg_write);
  add(m, "SYSCFG", 0x40013800u, 0x400, GATE(SIM_RCC_APB2ENR, 14), &m->syscfg,
      syscfg_read, syscfg_write);
  add(m, "CRC", 0x40023000u, 0x400, GATE(SIM_RCC_AHB1ENR, 12), &m->crc, crc_unit_read,
      crc_unit_write);
  add(m, "BKPSRAM", BACKUP_SRAM_BASE, BACKUP_SRAM_SIZE, GATE(SIM_RCC_AHB1ENR, 18), m,
      backup_sram_read, backup_sram_write);
  add(m, "SCS", 0xE000E000u, 0x1000, GATE_NONE, &m->scs, scs_read, scs_write);
  add(m, "DWT", 0xE0001000u, 0x1000, GATE_NONE, &m->debug, dwt_read, dwt_write);
  add(m, "DBGMCU", 0xE0042000u, 0x400, GATE_NONE, &m->debug, dbgmcu_read, dbgmcu_write);
  add(m, "QUADSPI", 0xA0001000u, 0x1000, GATE(SIM_RCC_AHB3ENR, 1), &m->quadspi,
      quadspi_read, quadspi_write);
  const struct bus_device hs = otg_bus_device(&m->otg_hs);
  const struct bus_device fs = otg_bus_device(&m->otg_fs);
  bus_add_device(&m->sim.bus, &hs);
  bus_add_device(&m->sim.bus, &fs);
}

static bool is_taken(struct machine *m, const struct sim_peripheral *p) {
  return bus_device_at(&m->sim.bus, p->base) != NULL;
}

static void add_stubs(struct machine *m) {
  m->stubs = calloc(MACHINE_STUBS, sizeof *m->stubs);
  if (!m->stubs) abort();
  for (size_t i = 0; i < sim_peripheral_count; i++) {
    const struct sim_peripheral *p = &sim_peripherals[i];
    if (is_taken(m, p) || m->stub_count == MACHINE_STUBS) continue;
    struct stub *s = &m->stubs[m->stub_count++];
    *s = (struct stub){.machine = m, .name = p->name, .base = p->base};
    add(m, p->name, p->base, p->size, GATE_NONE, s, stub_read, stub_write);
  }
}

static void add_memory(struct machine *m, const char *name, uint32_t base,
                       uint32_t size, uint8_t *bytes, bool writable) {
  const struct bus_memory memory = {
      .name = name, .base = base, .size = size, .bytes = bytes, .writable = writable};
  bus_add_memory(&m->sim.bus, &memory);
}

void machine_map(struct machine *m) {
  add_ports(m);
  add_blocks(m);
  chip_blocks_map(m);
  chip_blocks_map_rest(m);
  machine_map_trace(m);
  dma_map(m);
  add_stubs(m);
  add_memory(m, "flash", FLASH_BASE, m->board->flash_size, m->flash_bytes, false);
  add_memory(m, "ITCM", 0, ITCM_SIZE, m->itcm, true);
  add_memory(m, "RAM", DTCM_BASE, RAM_SIZE, m->ram, true);
  add_memory(m, "system memory", SYSTEM_MEMORY_BASE, SYSTEM_MEMORY_SIZE,
             m->system_memory, false);
  add_memory(m, "options", OPTION_WINDOW_BASE, OPTION_WINDOW_SIZE, m->option_window,
             false);
}
