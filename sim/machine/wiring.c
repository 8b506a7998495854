// SPDX-License-Identifier: MIT
// Who hears of what: interrupts, clocks, gates, pins, and the flash that stalls.
#include <string.h>

#include "sim/machine/machine_internal.h"
#include "sim_regs.h"

// Interrupt positions (RM0410 table 46).
enum {
  IRQ_FLASH = 4,
  IRQ_RCC = 5,
  IRQ_OTG_FS = 67,
  IRQ_OTG_HS_EP1_OUT = 74,
  IRQ_OTG_HS_EP1_IN = 75,
  IRQ_OTG_HS = 77,
  IRQ_QUADSPI = 92,
};

#define GATE_OTG_HS   GATE(SIM_RCC_AHB1ENR, 29)
#define GATE_OTG_ULPI GATE(SIM_RCC_AHB1ENR, 30)
#define GATE_OTG_FS   GATE(SIM_RCC_AHB2ENR, 7)
#define GATE_QSPI     GATE(SIM_RCC_AHB3ENR, 1)
#define GATE_SYSCFG   GATE(SIM_RCC_APB2ENR, 14)
#define GATE_CRC      GATE(SIM_RCC_AHB1ENR, 12)
#define GATE_PWR      GATE(SIM_RCC_APB1ENR, 28)

static struct irq_line line(struct machine *m, unsigned irq) {
  return (struct irq_line){.set = nvic_set_level, .ctx = &m->scs.nvic, .number = irq};
}

// --- clocks ---

static void on_clocks(void *ctx) {
  struct machine *m = ctx;
  if (!m->powered || m->resetting) return;
  const uint64_t hclk = clock_hz(&m->clocks, CLOCK_HCLK);
  if (hclk) cpu_set_clock(m->cpu, hclk);  // in Stop the core stands
  systick_clock_changed(&m->scs.systick);
  otg_refresh(&m->otg_hs);
  otg_refresh(&m->otg_fs);
  iwdg_lsi_changed(&m->iwdg);
  chip_blocks_clocks_changed(m);
  dma_clocks_changed(m);
  if (hclk) rules_clocks(m);
}

static void on_power_settings(void *ctx) {
  struct machine *m = ctx;
  m->rcc.backup_unlocked = m->rtc.backup_unlocked = pwr_backup_unlocked(&m->pwr);
  if (!m->powered || m->resetting) return;
  chip_blocks_supply_changed(m);
  rules_clocks(m);
}

static void on_latency(void *ctx) {
  struct machine *m = ctx;
  if (m->powered && !m->resetting) rules_clocks(m);
}

static void on_backup_reset(void *ctx) {
  struct machine *m = ctx;
  rtc_backup_reset(&m->rtc);
}

// Reset bits of RCC, by the clock gate of their block.
static void on_block_reset(void *ctx, uint32_t gate) {
  struct machine *m = ctx;
  chip_blocks_reset_gate(m, gate);
  switch (gate) {
    case GATE_OTG_HS: otg_system_reset(&m->otg_hs); break;
    case GATE_OTG_FS: otg_system_reset(&m->otg_fs); break;
    case GATE_QSPI: quadspi_reset(&m->quadspi); break;
    case GATE_SYSCFG: syscfg_reset(&m->syscfg); break;
    case GATE_CRC: crc_unit_reset(&m->crc); break;
    case GATE_PWR: pwr_reset(&m->pwr, false); break;
    default:
      if (dma_block_reset(m, gate)) return;
      if (gate >> 8 == SIM_RCC_AHB1ENR && (gate & 31u) < MACHINE_PORTS) {
        gpio_reset(&m->gpio[gate & 31u]);
      }
  }
}

// --- internal flash ---

static void note_operation(struct machine *m, struct machine_span *span) {
  if (!span->operations++) span->first = m->sim.events.now;
  span->last = m->sim.events.now;
  if (m->on_flash_operation) {
    m->on_flash_operation(m->on_flash_operation_ctx,
                          m->flash_span.operations + m->nor_span.operations);
  }
}

static void on_flash_operation(void *ctx, enum flash_f7_kind kind, uint32_t offset) {
  (void)kind, (void)offset;
  struct machine *m = ctx;
  note_operation(m, &m->flash_span);
}

static void on_nor_operation(void *ctx, enum nor_operation op, uint32_t address,
                             uint32_t size) {
  struct machine *m = ctx;
  if (m->powered) rules_nor_supply(m);
  if (op != NOR_OP_WRITE_REGISTER) {
    cpu_data_changed(m->cpu, QSPI_WINDOW_BASE + address, size);
  }
  note_operation(m, &m->nor_span);
}

// --- QUADSPI window ---

static vtime_t on_window_cost(void *ctx, uint32_t addr, unsigned bytes) {
  struct machine *m = ctx;
  return quadspi_window_cost(&m->quadspi, addr - QSPI_WINDOW_BASE, bytes);
}

static uint32_t on_window_read(void *ctx, uint32_t addr, unsigned bytes) {
  struct machine *m = ctx;
  return quadspi_window_read(&m->quadspi, addr - QSPI_WINDOW_BASE, bytes);
}

// Enabled, but in indirect mode: the read reaches the controller all the same.
static bool on_window_refused(void *ctx, uint32_t addr) {
  struct machine *m = ctx;
  const bool clocked = rcc_gate(&m->rcc, GATE_QSPI) == GATE_OPEN;
  const bool mapped = quadspi_window_limit(&m->quadspi) != 0;
  if (!clocked || mapped || !(m->quadspi.cr & SIM_QUADSPI_CR_EN)) return false;
  quadspi_window_read(&m->quadspi, addr - QSPI_WINDOW_BASE, 1);
  return true;
}

static void on_window_change(void *ctx) {
  struct machine *m = ctx;
  if (!quadspi_window_limit(&m->quadspi)) {
    cpu_set_window(m->cpu, CPU_WINDOW_OFF);
    return;
  }
  // With 3 address bytes, or the extended address register set, only a part of a
  // large chip is behind the window.
  uint32_t size = 0;
  const uint8_t *bytes = quadspi_window_direct(&m->quadspi, &size);
  const bool whole = bytes == m->nor_bytes && size >= m->nor_size;
  cpu_set_window(m->cpu, whole ? CPU_WINDOW_DIRECT : CPU_WINDOW_CALLBACK);
}

static void on_qspi_stall(void *ctx, vtime_t until) {
  struct machine *m = ctx;
  cpu_wait(m->cpu, until);
}

// Any of the 256 MB: regions have at least an eighth of a power of two (subregions), so
// steps of 1 MB miss only what is smaller.
static bool is_normal_from(const struct mpu *mpu, uint32_t first) {
  for (uint32_t at = first; at < 256u << 20; at += 1u << 20) {
    const struct mpu_attributes a = mpu_lookup(mpu, QSPI_WINDOW_BASE + at, true);
    if (a.type == MPU_NORMAL && a.readable) return true;
  }
  return false;
}

// Asked for at every indirect operation; the answer changes with the MPU only.
static bool on_window_is_normal(void *ctx) {
  struct machine *m = ctx;
  const struct mpu *now = &m->scs.mpu;
  struct mpu *seen = &m->window_mpu;
  const bool same = m->window_known && seen->ctrl == now->ctrl &&
                    !memcmp(seen->regions, now->regions, sizeof now->regions);
  if (!same) {
    *seen = *now;
    m->window_known = true;
    m->window_normal = is_normal_from(now, 0);
  }
  return m->window_normal;
}

// --- USB ---

static uint64_t on_ulpi_hz(void *ctx) {
  struct machine *m = ctx;
  if (m->board->usb != USB_CONNECTOR_HS_ULPI) return 0;
  // The PHY runs from power-on; what can be missing is the gate.
  return rcc_gate(&m->rcc, GATE_OTG_ULPI) == GATE_OPEN ? 60000000 : 0;
}

static bool on_usb_pins(void *ctx, enum otg_phy phy) {
  struct machine *m = ctx;
  return phy == OTG_PHY_ULPI ? rules_ulpi_pins(m) : rules_fs_pins(m);
}

static bool on_vbus_wired(void *ctx, enum otg_phy phy) {
  const struct machine *m = ctx;
  return phy == OTG_PHY_ULPI || m->board->vbus_on_pa9;
}

// The host speaks, and only the CPU's sleep keeps the core from hearing it.
static bool asleep(struct machine *m, const char *core, const char *why) {
  report_guest(&m->sim.report, GUEST_USB_SLEEP, 0x40023850u,
               "%s is deaf in WFI: RCC_AHB1LPENR or AHB2LPENR %s", core, why);
  return false;
}

static bool runs(struct machine *m, uint32_t gate, const char *core) {
  if (rcc_gate(&m->rcc, gate) != GATE_OPEN) return false;
  if (!cpu_is_sleeping(m->cpu) || rcc_gate_in_sleep(&m->rcc, gate)) return true;
  return asleep(m, core, "stops its clock");
}

static bool on_hs_clocked(void *ctx) {
  struct machine *m = ctx;
  return runs(m, GATE_OTG_HS, "OTG_HS") && runs(m, GATE_OTG_ULPI, "OTG_HS");
}

// With the ULPI clock left enabled for sleep but no PHY to give it, the internal
// PHY's core stops in WFI (facts on AHB1LPENR.OTGHSULPILPEN).
static bool on_fs_clocked(void *ctx) {
  struct machine *m = ctx;
  if (!runs(m, GATE_OTG_FS, "OTG_FS")) return false;
  if (!cpu_is_sleeping(m->cpu) || !rcc_gate_in_sleep(&m->rcc, GATE_OTG_ULPI)) {
    return true;
  }
  return asleep(m, "OTG_FS", "has OTGHSULPILPEN set");
}

static void on_usb_event(void *ctx, enum usb_host_event event) {
  struct machine *m = ctx;
  const bool connected = event == USB_HOST_CONNECTED;
  if (!connected && event != USB_HOST_DISCONNECTED) return;
  if (m->on_usb_connect) m->on_usb_connect(m->on_usb_connect_ctx, connected);
}

// The pull-up passes through here, so that its first moment is noted.
static void on_pull_up(void *ctx, bool on) {
  struct machine *m = ctx;
  if (on && m->marks.usb_connect == VT_NEVER) {
    m->marks.usb_connect = m->sim.events.now;
    m->marks.instructions_to_connect =
        cpu_counters(m->cpu).instructions - m->marks.instructions_at_reset;
  }
  m->usb.port.pull_up(m->usb.port.ctx, on);
}

static void on_ready(void *ctx, uint8_t endpoint, bool in) {
  struct machine *m = ctx;
  m->usb.port.ready(m->usb.port.ctx, endpoint, in);
}

static void on_want_sof(void *ctx, bool on) {
  struct machine *m = ctx;
  m->usb.port.want_sof(m->usb.port.ctx, on);
}

static uint16_t on_microframe(void *ctx) {
  struct machine *m = ctx;
  return m->usb.port.microframe(m->usb.port.ctx);
}

static void on_remote_wakeup(void *ctx, bool driving) {
  struct machine *m = ctx;
  m->usb.port.remote_wakeup(m->usb.port.ctx, driving);
}

static void wire_usb(struct machine *m) {
  const struct otg_irqs hs_irqs = {.global = line(m, IRQ_OTG_HS),
                                   .wakeup = chip_blocks_exti(m, EXTI_OTG_HS),
                                   .ep1_in = line(m, IRQ_OTG_HS_EP1_IN),
                                   .ep1_out = line(m, IRQ_OTG_HS_EP1_OUT)};
  const struct otg_irqs fs_irqs = {.global = line(m, IRQ_OTG_FS),
                                   .wakeup = chip_blocks_exti(m, EXTI_OTG_FS)};
  struct otg_board board = {.ctx = m,
                            .ulpi_hz = on_ulpi_hz,
                            .pins_ok = on_usb_pins,
                            .vbus_wired = on_vbus_wired,
                            .clocked = on_hs_clocked};
  otg_init(&m->otg_hs, &otg_hs_config, &m->sim, &m->clocks, &board, &hs_irqs);
  board.clocked = on_fs_clocked;
  otg_init(&m->otg_fs, &otg_fs_config, &m->sim, &m->clocks, &board, &fs_irqs);
  struct otg *plugged =
      m->board->usb == USB_CONNECTOR_HS_ULPI ? &m->otg_hs : &m->otg_fs;
  usb_host_init(&m->usb, &m->sim.events, &usb_host_defaults, &plugged->port);
  m->usb.on_event = on_usb_event;
  m->usb.ctx = m;
  m->cable = (struct usb_host_port){.ctx = m,
                                    .pull_up = on_pull_up,
                                    .ready = on_ready,
                                    .want_sof = on_want_sof,
                                    .microframe = on_microframe,
                                    .remote_wakeup = on_remote_wakeup};
  otg_attach(plugged, &m->cable);
}

// --- the rest ---

static bool on_lsi_on(void *ctx) {
  const struct machine *m = ctx;
  return m->rcc.r[SIM_RCC_CSR / 4] & SIM_RCC_CSR_LSIRDY;
}

static void on_watchdog(void *ctx) {
  struct machine *m = ctx;
  m->iwdg_reset_due = true;
  cpu_stop(m->cpu);
}

static uint32_t on_ipsr(void *ctx) {
  const struct machine *m = ctx;
  return cpu_register(m->cpu, 16) & 0x1FFu;
}

static void on_reset_request(void *ctx) {
  struct machine *m = ctx;
  cpu_stop(m->cpu);
}

static void on_cache(void *ctx, enum cache_op op, uint32_t value) {
  struct machine *m = ctx;
  cpu_cache(m->cpu, op, value);
}

static void pend_systick(void *ctx) {
  struct machine *m = ctx;
  nvic_pend(&m->scs.nvic, EXC_SYSTICK);
}

static uint64_t on_cycles(void *ctx) {
  const struct machine *m = ctx;
  return cpu_clock_cycles(m->cpu);
}

static uint32_t on_pc(void *ctx) {
  const struct machine *m = ctx;
  return m->cpu ? cpu_pc(m->cpu) : 0;
}

static enum gate_state on_gate(void *ctx, uint32_t gate) {
  struct machine *m = ctx;
  return rcc_gate(&m->rcc, gate);
}

static void wire_core(struct machine *m) {
  m->sim.bus.gate = on_gate;
  m->sim.bus.gate_ctx = m;
  m->sim.report.pc = on_pc;
  m->sim.report.pc_ctx = m;
  scs_init(&m->scs, &m->sim, m->clocks);
  m->scs.systick.pend = pend_systick;
  m->scs.systick.pend_ctx = m;
  m->scs.cache = on_cache;
  m->scs.ipsr = on_ipsr;
  m->scs.on_reset_request = on_reset_request;
  m->scs.ctx = m;
  debug_init(&m->debug, &m->sim);
  m->debug.cycles = on_cycles;
  m->debug.ctx = m;
  machine_wire_trace(m);
}

static void wire_clocks(struct machine *m) {
  const struct rcc_board crystals = {.hse_hz = m->board->hse_hz,
                                     .lse_hz = m->board->lse_hz};
  rcc_init(&m->rcc, &m->sim, &crystals);
  m->rcc.irq = line(m, IRQ_RCC);
  m->rcc.on_change = on_clocks;
  m->rcc.on_block_reset = on_block_reset;
  m->rcc.on_backup_reset = on_backup_reset;
  m->rcc.ctx = m;
  pwr_init(&m->pwr, &m->sim, m->board->supply_mv);
  m->pwr.on_change = on_power_settings;
  m->pwr.ctx = m;
}

static void wire_flash(struct machine *m) {
  machine_wire_flash(m);
  m->flash.irq = line(m, IRQ_FLASH);
  m->flash.on_latency = on_latency;
  m->flash.on_operation = on_flash_operation;
}

static void wire_qspi(struct machine *m) {
  quadspi_init(&m->quadspi, &m->sim, m->clocks);
  if (m->nor_size) {
    nor_init(&m->nor, &m->sim, nor_chip_find(m->board->qspi_chip), m->nor_bytes);
    m->nor.on_operation = on_nor_operation;
    m->nor.on_operation_ctx = m;
    m->quadspi.flash[0] = &m->nor;
  }
  m->quadspi.irq = line(m, IRQ_QUADSPI);
  m->quadspi.check_pins = rules_qspi_pins;
  m->quadspi.window_is_normal = on_window_is_normal;
  m->quadspi.window_on_change = on_window_change;
  m->quadspi.stall = on_qspi_stall;
  m->quadspi.ctx = m;
}

static void wire_cpu(struct machine *m, enum cpu_mode mode) {
  const struct cpu_ports ports = {.sim = &m->sim,
                                  .scs = &m->scs,
                                  .ctx = m,
                                  .flash_write = machine_flash_write,
                                  .stall_end = machine_flash_stall,
                                  .window_cost = on_window_cost,
                                  .window_read = on_window_read,
                                  .window_refused = on_window_refused,
                                  .deep_sleep = machine_deep_sleep,
                                  .app_vectors = m->board->app_vectors,
                                  .app_started = rules_handover};
  struct cpu_region regions[20] = {
      {"ITCM", CPU_RAM_TCM, 0, ITCM_SIZE, m->itcm},
      {"DTCM", CPU_RAM_TCM, DTCM_BASE, SRAM1_BASE - DTCM_BASE, m->ram},
      {"SRAM", CPU_RAM, SRAM1_BASE, RAM_SIZE - (SRAM1_BASE - DTCM_BASE),
       m->ram + (SRAM1_BASE - DTCM_BASE)},
  };
  size_t count = 3 + machine_flash_regions(m, regions + 3);
  if (m->nor_size) {
    regions[count++] = (struct cpu_region){"QUADSPI", CPU_WINDOW, QSPI_WINDOW_BASE,
                                           (uint32_t)m->nor_size, m->nor_bytes};
  }
  if (m->chip.sdram) {
    // Not followed through the caches: only code and data in SRAM are.
    regions[count++] = (struct cpu_region){"SDRAM", CPU_RAM_TCM, SDRAM_BASE,
                                           m->board->sdram_size, m->chip.sdram};
  }
  m->cpu = cpu_create(mode, &ports, regions, count);
}

void machine_wire(struct machine *m, enum cpu_mode mode) {
  m->clocks = (struct clock_source){.hz = rcc_hz, .ctx = &m->rcc};
  wire_clocks(m);
  wire_core(m);
  wire_flash(m);
  syscfg_init(&m->syscfg, &m->sim);
  rtc_init(&m->rtc, &m->sim, m->clocks);
  iwdg_init(&m->iwdg, &m->sim, m->clocks);
  m->iwdg.on_expired = on_watchdog;
  m->iwdg.lsi_on = on_lsi_on;
  m->iwdg.ctx = m;
  chip_blocks_init(m);
  machine_wire_timers(m);
  crc_unit_init(&m->crc, &m->sim);
  dma_wire(m);
  wire_qspi(m);
  wire_usb(m);
  dma_wire_requests(m);
  machine_map(m);
  wire_cpu(m, mode);
}
