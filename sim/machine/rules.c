// SPDX-License-Identifier: MIT
// Rules that no single model can check: clocks against flash and supply, pins
// against the buses they carry, and the state an application inherits.
#include <stdio.h>
#include <string.h>

#include "sim/machine/machine_internal.h"
#include "sim_regs.h"

// Above this, pins want the compensation cell and very high speed (RM0410 7.1,
// DS11532 table 62: OSPEEDR 2 up to 100 MHz at 10 pF, 3 up to 180 MHz).
#define FAST_PIN_HZ 50000000u

static const struct wire *wire_of(const struct board *b, enum signal signal) {
  for (size_t i = 0; i < b->wire_count; i++) {
    if (b->wires[i].signal == signal) return &b->wires[i];
  }
  return NULL;
}

// DS11532 table 62, at 2.7 V and 30 pF: output speed by OSPEEDR.
static uint64_t pin_limit_hz(unsigned speed) {
  static const uint64_t limits[4] = {4000000, 25000000, 50000000, 108000000};
  return limits[speed];
}

// Whether `signal` reaches the board's wire at `hz`; reports what is wrong.
static bool check_signal(struct machine *m, enum signal signal, uint64_t hz) {
  const struct wire *wire = wire_of(m->board, signal);
  if (!wire) return false;
  const struct gpio_pin_state pin =
      gpio_pin(machine_port(m, wire->pin.port), wire->pin.number);
  const int wanted = chip_alternate(signal, wire->pin);
  struct report *r = &m->sim.report;
  if (!pin.clocked || pin.mode != GPIO_ALTERNATE || (int)pin.alternate != wanted) {
    report_guest(r, GUEST_PIN_AF, (uint32_t)signal, "%s needs P%c%u in AF%d",
                 signal_name(signal), wire->pin.port, wire->pin.number, wanted);
    return false;
  }
  if (hz > pin_limit_hz(pin.speed)) {
    report_guest(r, GUEST_PIN_SPEED, (uint32_t)signal,
                 "%s on P%c%u: OSPEEDR %u is too slow for %u kHz", signal_name(signal),
                 wire->pin.port, wire->pin.number, pin.speed, (unsigned)(hz / 1000));
  }
  return true;
}

static void check_compensation(struct machine *m, uint64_t hz, const char *bus) {
  if (hz <= FAST_PIN_HZ || syscfg_compensated(&m->syscfg)) return;
  report_guest(&m->sim.report, GUEST_COMPENSATION, SIM_SYSCFG_CMPCR,
               "%s at %u kHz with the compensation cell off", bus,
               (unsigned)(hz / 1000));
}

void rules_qspi_pins(void *machine, uint64_t sclk_hz) {
  struct machine *m = machine;
  for (int s = SIGNAL_QSPI_CLK; s <= SIGNAL_QSPI_IO3; s++) {
    check_signal(m, (enum signal)s, s == SIGNAL_QSPI_NCS ? 0 : sclk_hz);
  }
  check_compensation(m, sclk_hz, "QUADSPI");
}

// Below its range a NOR chip may do anything with a write.
void rules_nor_supply(struct machine *m) {
  if (m->pwr.supply_mv >= m->board->qspi_min_mv) return;
  report_guest(&m->sim.report, GUEST_POWER, QSPI_WINDOW_BASE,
               "QSPI flash written at %u mV, it needs %u", (unsigned)m->pwr.supply_mv,
               (unsigned)m->board->qspi_min_mv);
}

// ULPI is 60 MHz single data rate; the chip drives STP and the data lines.
bool rules_ulpi_pins(struct machine *m) {
  bool good = true;
  for (int s = SIGNAL_ULPI_CK; s <= SIGNAL_ULPI_DIR; s++) {
    const bool driven = s >= SIGNAL_ULPI_D0 && s <= SIGNAL_ULPI_STP;
    if (!check_signal(m, (enum signal)s, driven ? 60000000 : 0)) good = false;
  }
  check_compensation(m, 60000000, "ULPI");
  return good;
}

bool rules_fs_pins(struct machine *m) {
  const bool dm = check_signal(m, SIGNAL_FS_DM, 12000000);
  const bool dp = check_signal(m, SIGNAL_FS_DP, 12000000);
  return dm && dp;
}

// RM0410 table 7: wait states by HCLK and supply, one per this many MHz.
static uint64_t mhz_per_wait_state(uint32_t supply_mv) {
  if (supply_mv >= 2700) return 30;
  if (supply_mv >= 2400) return 24;
  if (supply_mv >= 2100) return 22;
  return 20;
}

// RM0410 4.1.4 and 5.2: regulator scale and over-drive against HCLK.
static uint64_t hclk_limit(const struct machine *m) {
  static const uint64_t plain[4] = {0, 180, 168, 144};
  static const uint64_t overdriven[4] = {0, 216, 180, 144};
  const unsigned scale = pwr_scale(&m->pwr);
  return (pwr_overdrive(&m->pwr) ? overdriven[scale] : plain[scale]) * 1000000u;
}

void rules_clocks(struct machine *m) {
  struct report *r = &m->sim.report;
  const uint64_t hclk = clock_hz(&m->clocks, CLOCK_HCLK);
  const uint64_t step = mhz_per_wait_state(m->pwr.supply_mv) * 1000000u;
  const unsigned needed = hclk ? (unsigned)((hclk - 1) / step) : 0;
  if (flash_f7_latency(&m->flash) < needed) {
    report_guest(r, GUEST_WAIT_STATES, 0x40023C00u,
                 "HCLK %u MHz needs %u wait states, not %u", (unsigned)(hclk / 1000000),
                 needed, flash_f7_latency(&m->flash));
  }
  if (hclk > hclk_limit(m)) {
    report_guest(r, GUEST_OVERDRIVE, 0x40007000u,
                 "HCLK %u MHz with regulator scale %u, over-drive %s",
                 (unsigned)(hclk / 1000000), pwr_scale(&m->pwr),
                 pwr_overdrive(&m->pwr) ? "on" : "off");
  }
  const uint64_t pclk1 = clock_hz(&m->clocks, CLOCK_PCLK1);
  const uint64_t pclk2 = clock_hz(&m->clocks, CLOCK_PCLK2);
  if (pclk1 > 54000000 || pclk2 > 108000000) {
    report_guest(r, GUEST_CLOCK_LIMIT, 0x40023808u,
                 "PCLK1 %u MHz, PCLK2 %u MHz: too fast", (unsigned)(pclk1 / 1000000),
                 (unsigned)(pclk2 / 1000000));
  }
}

// --- hand-over (architecture decision 10) ---

static void complain(struct machine *m, const char *what) {
  report_guest(&m->sim.report, GUEST_HANDOVER, m->board->app_vectors,
               "application started with %s", what);
}

static void check_nvic(struct machine *m) {
  const struct nvic *n = &m->scs.nvic;
  uint32_t enabled = 0, pending = 0, active = 0, priority = n->prigroup;
  for (unsigned i = 0; i < NVIC_WORDS; i++) {
    enabled |= n->enabled[i];
    pending |= n->pending[i];
    active |= n->active[i];
  }
  for (size_t i = 0; i < sizeof n->priority; i++)
    priority |= n->priority[i];
  if (enabled) complain(m, "NVIC interrupts enabled");
  if (pending || n->system_pending) complain(m, "exceptions pending");
  if (active || n->system_active) complain(m, "an exception active");
  if (priority) complain(m, "interrupt priorities set");
}

static void check_core(struct machine *m) {
  const struct nvic_masks masks = cpu_masks(m->cpu);
  if (m->scs.vtor != m->board->app_vectors) complain(m, "VTOR not at its vectors");
  if (masks.primask) complain(m, "PRIMASK set");
  if (masks.faultmask) complain(m, "FAULTMASK set");
  if (masks.basepri) complain(m, "BASEPRI set");
  if (cpu_control(m->cpu) & 3u) complain(m, "CONTROL not 0");
  if (m->scs.shcsr_enables) complain(m, "fault handlers enabled in SHCSR");
  if (m->scs.systick.csr & 1u) complain(m, "SysTick running");
  if (scs_dcache_on(&m->scs)) complain(m, "the D-cache on");
  if (scs_icache_on(&m->scs)) complain(m, "the I-cache on");
  if (m->scs.mpu.ctrl & 1u) complain(m, "the MPU on");
}

// Registers that must hold their reset values. CR and CSR have flags of their own, BDCR
// belongs to the backup domain.
static void check_registers(struct machine *m, const struct reg_file *file,
                            const uint32_t *words) {
  for (size_t i = 0; i < file->block->count; i++) {
    const struct reg_desc *d = &file->block->regs[i];
    const bool flags =
        file == &m->rcc.regs && (d->offset == SIM_RCC_CR || d->offset == SIM_RCC_CSR ||
                                 d->offset == SIM_RCC_BDCR);
    const uint32_t now = words[d->offset / 4];
    if (flags || now == d->reset) continue;
    char what[64];
    snprintf(what, sizeof what, "%s.%s = 0x%08x", file->block->name, d->name,
             (unsigned)now);
    complain(m, what);
  }
}

static void check_clocks(struct machine *m) {
  const uint32_t started =
      SIM_RCC_CR_HSEON | SIM_RCC_CR_PLLON | SIM_RCC_CR_PLLSAION | SIM_RCC_CR_PLLI2SON;
  check_registers(m, &m->rcc.regs, m->rcc.r);
  if (m->rcc.r[SIM_RCC_CR / 4] & started) complain(m, "the HSE or a PLL on");
  if (m->rcc.r[SIM_RCC_CSR / 4] & SIM_RCC_CSR_LSION && !m->iwdg.running) {
    complain(m, "the LSI on");
  }
  if (pwr_overdrive(&m->pwr)) complain(m, "over-drive on");
  if (pwr_backup_unlocked(&m->pwr)) complain(m, "the backup domain unlocked");
}

static void check_blocks(struct machine *m) {
  if (!(m->flash.cr & SIM_FLASH_CR_LOCK)) complain(m, "the flash unlocked");
  if (flash_f7_latency(&m->flash)) complain(m, "flash wait states set");
  check_registers(m, &m->syscfg.regs, m->syscfg.r);
  for (unsigned i = 0; i < CHIP_UARTS; i++)
    if (m->chip.uart[i].r[SIM_USART_CR1 / 4]) complain(m, "a USART on");
  if (m->quadspi.cr & SIM_QUADSPI_CR_EN) complain(m, "QUADSPI on");
}

void rules_handover(void *machine) {
  struct machine *m = machine;
  m->marks.app_start = m->sim.events.now;
  m->marks.instructions_to_app =
      cpu_counters(m->cpu).instructions - m->marks.instructions_at_reset;
  check_core(m);
  check_nvic(m);
  check_clocks(m);
  check_blocks(m);
}
