// SPDX-License-Identifier: MIT
// Bus masters: what each can reach through the bus matrix, behind the CPU's caches,
// and which peripherals' requests reach the DMA controllers.
#include <stdio.h>
#include <string.h>

#include "sim/machine/machine_internal.h"
#include "sim_regs.h"

#define GATE_DMA1 GATE(SIM_RCC_AHB1ENR, 21)
#define GATE_DMA2 GATE(SIM_RCC_AHB1ENR, 22)

#define APB1_BASE 0x40000000u
#define APB2_BASE 0x40010000u
#define PPB_BASE  0xE0000000u

// --- the bus matrix --------------------------------------------------------------

static bool is_peripheral(uint32_t addr) {
  return (addr >> 28 == 4 || addr >> 28 == 5) || addr >> 28 == 0xA;
}

// RM0410 2.1: the memory ports and OTG_HS reach the memories; DMA2's peripheral port
// all but the core's own; DMA1's peripheral port is wired to APB1 alone. ITCM, and with
// it the flash's alias there, belongs to the core.
static bool reaches(enum master_port port, uint32_t addr) {
  const bool outside = addr < 0x08000000u || addr >= PPB_BASE;
  if (outside) return false;
  switch (port) {
    case MASTER_DMA1_PERIPHERAL: return addr >= APB1_BASE && addr < APB2_BASE;
    case MASTER_DMA2_PERIPHERAL: return true;
    default: return !is_peripheral(addr);
  }
}

static const char *port_name(enum master_port port) {
  static const char *const names[] = {
      [MASTER_DMA1_MEMORY] = "DMA1's memory port",
      [MASTER_DMA1_PERIPHERAL] = "DMA1's peripheral port",
      [MASTER_DMA2_MEMORY] = "DMA2's memory port",
      [MASTER_DMA2_PERIPHERAL] = "DMA2's peripheral port",
      [MASTER_OTG_HS] = "OTG_HS",
  };
  return names[port];
}

// One report per kilobyte is enough.
static bool unreachable(struct machine *m, enum master_port port, uint32_t addr,
                        const char *why) {
  report_guest(&m->sim.report, GUEST_DMA_REACH, addr & ~0x3FFu,
               "%s cannot reach 0x%08x: %s", port_name(port), (unsigned)addr, why);
  return false;
}

static bool window_read(struct machine *m, enum master_port port, uint32_t addr,
                        uint8_t *to, unsigned bytes) {
  const uint32_t offset = addr - QSPI_WINDOW_BASE;
  const uint64_t limit = quadspi_window_limit(&m->quadspi);
  if (offset + (uint64_t)bytes > limit) {
    return unreachable(m, port, addr, "QUADSPI maps nothing there");
  }
  for (unsigned i = 0; i < bytes; i++)
    to[i] = (uint8_t)quadspi_window_read(&m->quadspi, offset + i, 1);
  return true;
}

// False: with an error.
static bool answered(struct machine *m) {
  const bool failed = m->sim.bus.failed;
  m->sim.bus.failed = false;
  return !failed;
}

static bool on_read(void *ctx, enum master_port port, uint32_t addr, void *to,
                    unsigned bytes) {
  struct machine *m = ctx;
  memset(to, 0, bytes);
  if (!reaches(port, addr)) return unreachable(m, port, addr, "not on its bus");
  if (addr >> 28 == QSPI_WINDOW_BASE >> 28) {
    return window_read(m, port, addr, to, bytes);
  }
  if (cpu_dma_read(m->cpu, addr, to, bytes)) return true;
  if (!bus_device_at(&m->sim.bus, addr) || bytes > 4) {
    return unreachable(m, port, addr, "nothing is there");
  }
  const uint32_t value = bus_mmio_read(&m->sim.bus, addr, bytes);
  memcpy(to, &value, bytes);
  return answered(m);
}

static bool on_write(void *ctx, enum master_port port, uint32_t addr, const void *from,
                     unsigned bytes) {
  struct machine *m = ctx;
  if (!reaches(port, addr)) return unreachable(m, port, addr, "not on its bus");
  if (cpu_dma_write(m->cpu, addr, from, bytes)) return true;
  const struct bus_device *device = bus_device_at(&m->sim.bus, addr);
  if (!device || bytes > 4) {
    return unreachable(m, port, addr, "nothing there can be written");
  }
  uint32_t value = 0;
  memcpy(&value, from, bytes);
  bus_mmio_write(&m->sim.bus, addr, bytes, value);
  return answered(m);
}

struct bus_master dma_master(struct machine *m, enum master_port port) {
  return (struct bus_master){
      .ctx = m, .port = port, .read = on_read, .write = on_write};
}

// --- the controllers -------------------------------------------------------------

// RM0410 table 46.
static const uint8_t irqs[2][DMA_STREAMS] = {
    {11, 12, 13, 14, 15, 16, 17, 47},
    {56, 57, 58, 59, 60, 68, 69, 70},
};

void dma_wire(struct machine *m) {
  dma_init(&m->dma[0], &m->sim, 1, m->clocks, dma_master(m, MASTER_DMA1_MEMORY),
           dma_master(m, MASTER_DMA1_PERIPHERAL));
  dma_init(&m->dma[1], &m->sim, 2, m->clocks, dma_master(m, MASTER_DMA2_MEMORY),
           dma_master(m, MASTER_DMA2_PERIPHERAL));
  for (unsigned d = 0; d < 2; d++) {
    for (unsigned i = 0; i < DMA_STREAMS; i++) {
      m->dma[d].streams[i].irq = (struct irq_line){
          .set = nvic_set_level, .ctx = &m->scs.nvic, .number = irqs[d][i]};
    }
  }
}

// RM0410 tables 27 and 28: USART1 and USART6 are on DMA2.
static void wire_usart(struct machine *m, unsigned i) {
  const bool on_dma2 = i == 0 || i == 5;
  const bool synchronous = i < 3 || i == 5;
  struct dma *d = &m->dma[on_dma2 ? 1 : 0];
  char name[16];
  snprintf(name, sizeof name, "%sART%u_TX", synchronous ? "US" : "U", i + 1);
  m->chip.uart[i].dma_tx = dma_request_line(d, name);
  snprintf(name, sizeof name, "%sART%u_RX", synchronous ? "US" : "U", i + 1);
  m->chip.uart[i].dma_rx = dma_request_line(d, name);
}

static struct dma_line request(struct machine *m, bool on_dma2, const char *block,
                               unsigned number, const char *what) {
  char name[16];
  snprintf(name, sizeof name, "%s%u_%s", block, number, what);
  return dma_request_line(&m->dma[on_dma2 ? 1 : 0], name);
}

// SPI2 and SPI3 are on APB1, which DMA1 alone serves.
static void wire_spi(struct machine *m, unsigned i) {
  const bool on_dma2 = i != 1 && i != 2;
  m->chip.spi[i].dma_tx = request(m, on_dma2, "SPI", i + 1, "TX");
  m->chip.spi[i].dma_rx = request(m, on_dma2, "SPI", i + 1, "RX");
}

// TIM1 and TIM8 are on DMA2, TIM2 to TIM7 on DMA1; not every timer has every request.
static void wire_timer(struct machine *m, unsigned number) {
  static const char *const events[TIM_REQUESTS] = {"UP",  "CH1", "CH2", "CH3",
                                                   "CH4", "COM", "TRIG"};
  struct dma *d = &m->dma[number == 1 || number == 8 ? 1 : 0];
  for (unsigned i = 0; i < TIM_REQUESTS; i++) {
    char name[16];
    snprintf(name, sizeof name, "TIM%u_%s", number, events[i]);
    if (dma_has_request(d, name))
      m->chip.tim[number - 1].dma[i] = dma_request_line(d, name);
  }
}

void dma_wire_requests(struct machine *m) {
  for (unsigned i = 0; i < CHIP_UARTS; i++)
    wire_usart(m, i);
  for (unsigned i = 0; i < CHIP_SPI; i++)
    wire_spi(m, i);
  for (unsigned i = 1; i <= 8; i++)
    wire_timer(m, i);
  for (unsigned i = 0; i < CHIP_I2C; i++) {
    m->chip.i2c[i].dma_tx = request(m, false, "I2C", i + 1, "TX");
    m->chip.i2c[i].dma_rx = request(m, false, "I2C", i + 1, "RX");
  }
  for (unsigned i = 0; i < ADC_CONVERTERS; i++) {
    char name[8];
    snprintf(name, sizeof name, "ADC%u", i + 1);
    m->chip.adc.adc[i].dma = dma_request_line(&m->dma[1], name);
  }
  m->quadspi.dma = dma_request_line(&m->dma[1], "QUADSPI");
  m->otg_hs.master = dma_master(m, MASTER_OTG_HS);
}

void dma_map(struct machine *m) {
  static const struct {
    const char *name;
    uint32_t base, gate;
  } blocks[2] = {{"DMA1", 0x40026000u, GATE_DMA1}, {"DMA2", 0x40026400u, GATE_DMA2}};
  for (unsigned i = 0; i < 2; i++) {
    bus_add_device(&m->sim.bus, &(struct bus_device){.name = blocks[i].name,
                                                     .base = blocks[i].base,
                                                     .size = 0x400,
                                                     .gate = blocks[i].gate,
                                                     .ctx = &m->dma[i],
                                                     .read = dma_read,
                                                     .write = dma_write});
  }
}

bool dma_block_reset(struct machine *m, uint32_t gate) {
  if (gate != GATE_DMA1 && gate != GATE_DMA2) return false;
  dma_reset(&m->dma[gate == GATE_DMA2]);
  return true;
}

void dma_clocks_changed(struct machine *m) {
  dma_kick(&m->dma[0]);
  dma_kick(&m->dma[1]);
}

void dma_reset_all(struct machine *m) {
  dma_reset(&m->dma[0]);
  dma_reset(&m->dma[1]);
}

void dma_free_all(struct machine *m) {
  dma_free(&m->dma[0]);
  dma_free(&m->dma[1]);
}
