// SPDX-License-Identifier: MIT
#include "sim/machine/chip_blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/machine/machine_internal.h"
#include "sim_regs.h"

// --- interrupts ---

static struct irq_line own_line(struct machine *m, unsigned irq) {
  return (struct irq_line){.set = nvic_set_level, .ctx = &m->scs.nvic, .number = irq};
}

static void on_shared(void *ctx, unsigned number, bool level) {
  struct shared_irq *s = ctx;
  struct machine *m = s->machine;
  s->level = level;
  bool any = false;
  for (unsigned i = 0; i < m->chip.shared_count; i++)
    any |= m->chip.shared[i].irq == number && m->chip.shared[i].level;
  nvic_set_level(&m->scs.nvic, number, any);
}

static struct irq_line shared_line(struct machine *m, unsigned irq) {
  if (m->chip.shared_count == CHIP_SHARED) abort();
  struct shared_irq *s = &m->chip.shared[m->chip.shared_count++];
  *s = (struct shared_irq){.machine = m, .irq = irq};
  return (struct irq_line){.set = on_shared, .ctx = s, .number = irq};
}

// --- timers ---

// Positions: RM0410 table 46. Wires: update, compare, trigger, break.
static const struct timer {
  const char *name;
  uint32_t base, gate;
  const struct tim_config *config;
  enum clock_id clock;
  uint8_t irq[TIM_WIRES];
} timers[CHIP_TIMERS] = {
    {"TIM1",
     0x40010000u,
     GATE(SIM_RCC_APB2ENR, 0),
     &tim_advanced,
     CLOCK_TIM_APB2,
     {25, 27, 26, 24}},
    {"TIM2",
     0x40000000u,
     GATE(SIM_RCC_APB1ENR, 0),
     &tim_general_32,
     CLOCK_TIM_APB1,
     {28, 28, 28}},
    {"TIM3",
     0x40000400u,
     GATE(SIM_RCC_APB1ENR, 1),
     &tim_general_16,
     CLOCK_TIM_APB1,
     {29, 29, 29}},
    {"TIM4",
     0x40000800u,
     GATE(SIM_RCC_APB1ENR, 2),
     &tim_general_16,
     CLOCK_TIM_APB1,
     {30, 30, 30}},
    {"TIM5",
     0x40000C00u,
     GATE(SIM_RCC_APB1ENR, 3),
     &tim_general_32,
     CLOCK_TIM_APB1,
     {50, 50, 50}},
    {"TIM6",
     0x40001000u,
     GATE(SIM_RCC_APB1ENR, 4),
     &tim_basic,
     CLOCK_TIM_APB1,
     {54, 54, 54}},
    {"TIM7",
     0x40001400u,
     GATE(SIM_RCC_APB1ENR, 5),
     &tim_basic,
     CLOCK_TIM_APB1,
     {55, 55, 55}},
    {"TIM8",
     0x40010400u,
     GATE(SIM_RCC_APB2ENR, 1),
     &tim_advanced,
     CLOCK_TIM_APB2,
     {44, 46, 45, 43}},
    {"TIM9",
     0x40014000u,
     GATE(SIM_RCC_APB2ENR, 16),
     &tim_two_channels,
     CLOCK_TIM_APB2,
     {24, 24, 24}},
    {"TIM10",
     0x40014400u,
     GATE(SIM_RCC_APB2ENR, 17),
     &tim_one_channel,
     CLOCK_TIM_APB2,
     {25, 25, 25}},
    {"TIM11",
     0x40014800u,
     GATE(SIM_RCC_APB2ENR, 18),
     &tim_one_channel,
     CLOCK_TIM_APB2,
     {26, 26, 26}},
    {"TIM12",
     0x40001800u,
     GATE(SIM_RCC_APB1ENR, 6),
     &tim_two_channels,
     CLOCK_TIM_APB1,
     {43, 43, 43}},
    {"TIM13",
     0x40001C00u,
     GATE(SIM_RCC_APB1ENR, 7),
     &tim_one_channel,
     CLOCK_TIM_APB1,
     {44, 44, 44}},
    {"TIM14",
     0x40002000u,
     GATE(SIM_RCC_APB1ENR, 8),
     &tim_one_channel,
     CLOCK_TIM_APB1,
     {45, 45, 45}},
};

static void init_timers(struct machine *m) {
  for (unsigned i = 0; i < CHIP_TIMERS; i++) {
    const struct timer *t = &timers[i];
    struct tim *tim = &m->chip.tim[i];
    tim_init(tim, t->config, &m->sim, t->base, m->clocks, t->clock);
    tim->irq[TIM_WIRE_UPDATE] = shared_line(m, t->irq[TIM_WIRE_UPDATE]);
    if (t->config != &tim_advanced) {
      tim->irq[TIM_WIRE_COMPARE].number = tim->irq[TIM_WIRE_UPDATE].number;
      continue;
    }
    tim->irq[TIM_WIRE_COMPARE] = own_line(m, t->irq[TIM_WIRE_COMPARE]);
    tim->irq[TIM_WIRE_TRIGGER] = shared_line(m, t->irq[TIM_WIRE_TRIGGER]);
    tim->irq[TIM_WIRE_BREAK] = shared_line(m, t->irq[TIM_WIRE_BREAK]);
  }
}

// --- serial ports ---

static const struct uart {
  const char *name;
  uint32_t base, gate;
  enum clock_id clock;
  uint8_t irq;
} uarts[CHIP_UARTS] = {
    {"USART1", 0x40011000u, GATE(SIM_RCC_APB2ENR, 4), CLOCK_USART1, 37},
    {"USART2", 0x40004400u, GATE(SIM_RCC_APB1ENR, 17), CLOCK_USART2, 38},
    {"USART3", 0x40004800u, GATE(SIM_RCC_APB1ENR, 18), CLOCK_USART3, 39},
    {"UART4", 0x40004C00u, GATE(SIM_RCC_APB1ENR, 19), CLOCK_UART4, 52},
    {"UART5", 0x40005000u, GATE(SIM_RCC_APB1ENR, 20), CLOCK_UART5, 53},
    {"USART6", 0x40011400u, GATE(SIM_RCC_APB2ENR, 5), CLOCK_USART6, 71},
    {"UART7", 0x40007800u, GATE(SIM_RCC_APB1ENR, 30), CLOCK_UART7, 82},
    {"UART8", 0x40007C00u, GATE(SIM_RCC_APB1ENR, 31), CLOCK_UART8, 83},
};

static void on_uart_tx(void *ctx, unsigned number, uint8_t byte) {
  struct machine *m = ctx;
  if (m->on_uart && number == m->board->console.number) m->on_uart(m->ctx, byte);
  if (m->on_uart_tx) m->on_uart_tx(m->on_uart_tx_ctx, number, byte);
}

static void init_uarts(struct machine *m) {
  for (unsigned i = 0; i < CHIP_UARTS; i++) {
    struct usart *u = &m->chip.uart[i];
    usart_init(u, &m->sim, uarts[i].base, m->clocks, uarts[i].clock);
    u->number = i + 1;
    u->irq = own_line(m, uarts[i].irq);
    u->on_tx = on_uart_tx;
    u->pin_ok = rules_uart_pin;
    u->ctx = m;
  }
}

static struct usart *uart(struct machine *m, unsigned number) {
  return number >= 1 && number <= CHIP_UARTS ? &m->chip.uart[number - 1] : NULL;
}

bool machine_uart_rx(struct machine *m, unsigned number, uint8_t byte) {
  struct usart *u = uart(m, number);
  return u && m->powered && usart_send(u, byte);
}

size_t machine_uart_send(struct machine *m, unsigned number, const uint8_t *bytes,
                         size_t n) {
  size_t sent = 0;
  while (sent < n && machine_uart_rx(m, number, bytes[sent]))
    sent++;
  return sent;
}

void machine_uart_baud(struct machine *m, unsigned number, uint32_t baud) {
  struct usart *u = uart(m, number);
  if (u) u->far_baud = baud;
}

// --- buses with nobody on them ---

static const struct serial_bus {
  const char *name;
  uint32_t base, gate;
  enum clock_id clock;
  uint8_t irq, error_irq;
} i2cs[CHIP_I2C] =
    {
        {"I2C1", 0x40005400u, GATE(SIM_RCC_APB1ENR, 21), CLOCK_I2C1, 31, 32},
        {"I2C2", 0x40005800u, GATE(SIM_RCC_APB1ENR, 22), CLOCK_I2C2, 33, 34},
        {"I2C3", 0x40005C00u, GATE(SIM_RCC_APB1ENR, 23), CLOCK_I2C3, 72, 73},
        {"I2C4", 0x40006000u, GATE(SIM_RCC_APB1ENR, 24), CLOCK_I2C4, 95, 96},
},
  spis[CHIP_SPI] = {
      {"SPI1", 0x40013000u, GATE(SIM_RCC_APB2ENR, 12), CLOCK_PCLK2, 35, 0},
      {"SPI2", 0x40003800u, GATE(SIM_RCC_APB1ENR, 14), CLOCK_PCLK1, 36, 0},
      {"SPI3", 0x40003C00u, GATE(SIM_RCC_APB1ENR, 15), CLOCK_PCLK1, 51, 0},
      {"SPI4", 0x40013400u, GATE(SIM_RCC_APB2ENR, 13), CLOCK_PCLK2, 84, 0},
      {"SPI5", 0x40015000u, GATE(SIM_RCC_APB2ENR, 20), CLOCK_PCLK2, 85, 0},
      {"SPI6", 0x40015400u, GATE(SIM_RCC_APB2ENR, 21), CLOCK_PCLK2, 86, 0},
};

static void fit_chips(struct machine *m) {
  const struct board *b = m->board;
  for (size_t i = 0; i < b->i2c_count && i < I2C_CHIPS; i++) {
    struct i2c_chip *c = &m->chip.i2c_chip[i];
    i2c_chip_init(c, b->i2c[i].kind);
    m->chip.i2c[b->i2c[i].bus - 1].chips[i] = c;
  }
}

static void init_buses(struct machine *m) {
  for (unsigned i = 0; i < CHIP_I2C; i++) {
    i2c_init(&m->chip.i2c[i], &m->sim, i2cs[i].base, m->clocks, i2cs[i].clock);
    m->chip.i2c[i].event_irq = own_line(m, i2cs[i].irq);
    m->chip.i2c[i].error_irq = own_line(m, i2cs[i].error_irq);
  }
  for (unsigned i = 0; i < CHIP_SPI; i++) {
    spi_init(&m->chip.spi[i], &m->sim, spis[i].base, m->clocks, spis[i].clock);
    m->chip.spi[i].irq = own_line(m, spis[i].irq);
  }
}

// Each converter has its clock gate, the common registers answer with the first's
// (RM0410 5.3.14).
static uint32_t read_adc(void *ctx, uint32_t offset, unsigned bytes) {
  struct adc *a = ctx;
  return adc_read(a->block, (uint32_t)(a - a->block->adc) * 0x100u + offset, bytes);
}

static void write_adc(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  struct adc *a = ctx;
  adc_write(a->block, (uint32_t)(a - a->block->adc) * 0x100u + offset, bytes, value);
}

static uint32_t read_adc_common(void *ctx, uint32_t offset, unsigned bytes) {
  return adc_read(ctx, 0x300u + offset, bytes);
}

static void write_adc_common(void *ctx, uint32_t offset, unsigned bytes,
                             uint32_t value) {
  adc_write(ctx, 0x300u + offset, bytes, value);
}

// --- EXTI ---

static uint16_t on_pins(void *ctx, unsigned port) {
  const struct machine *m = ctx;
  return port < MACHINE_PORTS ? gpio_levels(&m->gpio[port]) : 0;
}

static bool is_high(const struct gpio *g, unsigned pin) {
  return (g->driven & g->driven_high) >> pin & 1u;
}

// WKUP1 to WKUP6 look past the pin's mode (DS11532 table 10).
static void look_at_wake_pins(struct machine *m, const struct gpio *g) {
  static const struct pin pins[PWR_WAKE_PINS] = {{'A', 0},  {'A', 2}, {'C', 1},
                                                 {'C', 13}, {'I', 8}, {'I', 11}};
  for (unsigned i = 0; i < PWR_WAKE_PINS; i++)
    if (pins[i].port == g->letter) pwr_wake_pin(&m->pwr, i, is_high(g, pins[i].number));
}

// Time stamp and tamper inputs.
static void look_at_rtc_pins(struct machine *m, const struct gpio *g) {
  static const struct pin pins[RTC_PINS] = {{'C', 13}, {'I', 8}, {'C', 1}};
  for (unsigned i = 0; i < RTC_PINS; i++)
    if (pins[i].port == g->letter) rtc_pin(&m->rtc, i, is_high(g, pins[i].number));
}

static void on_levels(void *ctx, const struct gpio *g) {
  struct machine *m = ctx;
  exti_port_changed(&m->chip.exti, (unsigned)(g->letter - 'A'));
  look_at_wake_pins(m, g);
  look_at_rtc_pins(m, g);
}

// SDRAM bank 1 changes places with the NOR and PSRAM bank, where no board has a chip.
static void on_remap(struct machine *m, uint32_t memrmp) {
  const bool swapped = SIM_GET(memrmp, SIM_SYSCFG_MEMRMP_SWP_FMC) == 1;
  machine_swap_banks(m, memrmp & SIM_SYSCFG_MEMRMP_SWP_FB);
  if (m->chip.sdram)
    cpu_move(m->cpu, "SDRAM", swapped ? SDRAM_SWAPPED_BASE : SDRAM_BASE);
}

static void on_syscfg(void *ctx, uint32_t offset, uint32_t value) {
  struct machine *m = ctx;
  if (offset == SIM_SYSCFG_MEMRMP) on_remap(m, value);
  if (offset >= SIM_SYSCFG_EXTICR1 && offset <= SIM_SYSCFG_EXTICR4)
    exti_route(&m->chip.exti, (offset - SIM_SYSCFG_EXTICR1) / 4, value);
}

static void on_exti_event(void *ctx, unsigned line) {
  const struct machine *m = ctx;
  (void)line;
  cpu_event(m->cpu);
}

static void init_exti(struct machine *m) {
  struct exti *e = &m->chip.exti;
  exti_init(e, &m->sim);
  for (unsigned i = 0; i < EXTI_IRQS; i++)
    e->irq[i] = own_line(m, exti_irq_numbers[i]);
  e->pins = on_pins;
  e->on_event = on_exti_event;
  e->ctx = m;
  m->syscfg.on_write = on_syscfg;
  m->syscfg.ctx = m;
}

void chip_blocks_supply_changed(struct machine *m) {
  exti_set_line(&m->chip.exti, EXTI_PVD, pwr_voltage_low(&m->pwr));
}

static void on_rtc(void *ctx, unsigned line, bool level) {
  struct machine *m = ctx;
  exti_set_line(&m->chip.exti, line, level);
  m->pwr.rtc_event = rtc_raises(&m->rtc);
}

static void on_exti_source(void *ctx, unsigned line, bool level) {
  exti_set_line(ctx, line, level);
}

struct irq_line chip_blocks_exti(struct machine *m, unsigned number) {
  return (struct irq_line){on_exti_source, &m->chip.exti, number};
}

static void wire_rtc(struct machine *m) {
  m->rtc.alarm_irq = (struct irq_line){on_rtc, m, EXTI_RTC_ALARM};
  m->rtc.wakeup_irq = (struct irq_line){on_rtc, m, EXTI_RTC_WAKEUP};
  m->rtc.tamper_irq = (struct irq_line){on_rtc, m, EXTI_RTC_TAMPER};
}

// --- the rest ---

static void on_window_watchdog(void *ctx) {
  struct machine *m = ctx;
  m->chip.wwdg_reset_due = true;
  cpu_stop(m->cpu);
}

static void on_sdram(void *ctx, unsigned bank, bool ready) {
  struct machine *m = ctx;
  if (bank || !m->chip.sdram) return;
  if (ready && m->chip.sdram_lost) {
    machine_fill_with_noise(m->chip.sdram, m->board->sdram_size);
    m->chip.sdram_lost = false;
  }
  cpu_set_access(m->cpu, "SDRAM", ready ? CPU_ACCESS_NORMAL : CPU_ACCESS_FAULT);
}

static void init_sdram(struct machine *m) {
  struct fmc *f = &m->chip.fmc;
  fmc_init(f, &m->sim);
  f->fitted[0] = m->board->sdram_geometry;
  f->on_ready = on_sdram;
  f->ctx = m;
  if (!m->board->sdram_size) return;
  void *p = mmap(NULL, m->board->sdram_size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) abort();
  m->chip.sdram = p;
}

// To the NVIC, and by EXTI out of Stop.
static void on_lptim(void *ctx, unsigned number, bool level) {
  struct machine *m = ctx;
  nvic_set_level(&m->scs.nvic, number, level);
  exti_set_line(&m->chip.exti, EXTI_LPTIM1, level);
}

void chip_blocks_init(struct machine *m) {
  init_exti(m);
  wire_rtc(m);
  init_timers(m);
  init_uarts(m);
  wwdg_init(&m->chip.wwdg, &m->sim, m->clocks);
  m->chip.wwdg.irq = own_line(m, 0);
  m->chip.wwdg.on_expired = on_window_watchdog;
  m->chip.wwdg.ctx = m;
  rng_init(&m->chip.rng, &m->sim, m->clocks);
  m->chip.rng.irq = own_line(m, 80);
  lptim_init(&m->chip.lptim, &m->sim, m->clocks);
  m->chip.lptim.irq = (struct irq_line){on_lptim, m, 93};
  init_sdram(m);
  init_buses(m);
  fit_chips(m);
  adc_init(&m->chip.adc, &m->sim, m->clocks);
  m->chip.adc.irq = own_line(m, 18);
}

static void add(struct machine *m, const char *name, uint32_t base, uint32_t size,
                uint32_t gate, void *ctx, uint32_t (*read)(void *, uint32_t, unsigned),
                void (*write)(void *, uint32_t, unsigned, uint32_t)) {
  bus_add_device(&m->sim.bus,
                 &(struct bus_device){name, base, size, gate, ctx, read, write});
}

static void map_buses(struct machine *m) {
  struct chip_blocks *c = &m->chip;
  for (unsigned i = 0; i < CHIP_I2C; i++)
    add(m, i2cs[i].name, i2cs[i].base, 0x400, i2cs[i].gate, &c->i2c[i], i2c_read,
        i2c_write);
  for (unsigned i = 0; i < CHIP_SPI; i++)
    add(m, spis[i].name, spis[i].base, 0x400, spis[i].gate, &c->spi[i], spi_read,
        spi_write);
  static const char *const adcs[ADC_CONVERTERS] = {"ADC1", "ADC2", "ADC3"};
  for (unsigned i = 0; i < ADC_CONVERTERS; i++)
    add(m, adcs[i], 0x40012000u + 0x100u * i, 0x100, GATE(SIM_RCC_APB2ENR, 8 + i),
        &c->adc.adc[i], read_adc, write_adc);
  add(m, "ADC", 0x40012300u, 0x100, GATE(SIM_RCC_APB2ENR, 8), &c->adc, read_adc_common,
      write_adc_common);
}

void chip_blocks_map_rest(struct machine *m) {
  struct chip_blocks *c = &m->chip;
  for (size_t i = 0; i < sim_peripheral_count; i++) {
    const struct sim_peripheral *p = &sim_peripherals[i];
    const bool free = !bus_device_at(&m->sim.bus, p->base);
    if (!free || !sim_plain_blocks[i] || c->answering_count == CHIP_ANSWERING) continue;
    struct answering *a = &c->answering[c->answering_count++];
    answering_init(a, sim_plain_blocks[i], p->name, p->base, &m->sim);
    a->irq = own_line(m, 0);
    if (m->board->has_ethernet) a->phy = &c->eth_phy;
    add(m, p->name, p->base, p->size, a->gate, a, answering_read, answering_write);
  }
}

void chip_blocks_map(struct machine *m) {
  struct chip_blocks *c = &m->chip;
  for (unsigned i = 0; i < MACHINE_PORTS; i++) {
    m->gpio[i].on_levels = on_levels;
    m->gpio[i].on_levels_ctx = m;
  }
  for (unsigned i = 0; i < CHIP_TIMERS; i++) {
    const struct timer *t = &timers[i];
    add(m, t->name, t->base, 0x400, t->gate, &c->tim[i], tim_read, tim_write);
  }
  for (unsigned i = 0; i < CHIP_UARTS; i++) {
    const struct uart *u = &uarts[i];
    add(m, u->name, u->base, 0x400, u->gate, &c->uart[i], usart_read, usart_write);
  }
  add(m, "EXTI", 0x40013C00u, 0x400, GATE_NONE, &c->exti, exti_read, exti_write);
  add(m, "WWDG", 0x40002C00u, 0x400, GATE(SIM_RCC_APB1ENR, 11), &c->wwdg, wwdg_read,
      wwdg_write);
  add(m, "RNG", 0x50060800u, 0x400, GATE(SIM_RCC_AHB2ENR, 6), &c->rng, rng_read,
      rng_write);
  add(m, "LPTIM1", 0x40002400u, 0x400, GATE(SIM_RCC_APB1ENR, 9), &c->lptim, lptim_read,
      lptim_write);
  add(m, "FMC", 0xA0000000u, 0x400, GATE(SIM_RCC_AHB3ENR, 0), &c->fmc, fmc_read,
      fmc_write);
  map_buses(m);
  if (c->sdram) {
    bus_add_memory(&m->sim.bus,
                   &(struct bus_memory){"SDRAM", SDRAM_BASE, m->board->sdram_size,
                                        c->sdram, true});
  }
}

void chip_blocks_power_on(struct machine *m) {
  m->chip.sdram_lost = true;
  for (size_t i = 0; i < m->board->i2c_count; i++)
    i2c_chip_init(&m->chip.i2c_chip[i], m->board->i2c[i].kind);
  eth_phy_reset(&m->chip.eth_phy);
  // No battery on any board: backup SRAM is lost with the supply.
  machine_fill_with_noise(m->backup_sram, BACKUP_SRAM_SIZE);
}

static bool hardware_wwdg(const struct machine *m) {
  return m->powered && !m->held && !(m->flash.loaded & SIM_FLASH_OPTCR_WWDG_SW);
}

void chip_blocks_reset(struct machine *m) {
  struct chip_blocks *c = &m->chip;
  c->wwdg_reset_due = false;
  rtc_system_reset(&m->rtc);
  rtc_clock_changed(&m->rtc);
  exti_reset(&c->exti);
  for (unsigned i = 0; i < CHIP_TIMERS; i++)
    tim_reset(&c->tim[i]);
  for (unsigned i = 0; i < CHIP_UARTS; i++)
    usart_reset(&c->uart[i]);
  wwdg_reset(&c->wwdg, hardware_wwdg(m));
  rng_reset(&c->rng);
  lptim_reset(&c->lptim);
  fmc_reset(&c->fmc);
  for (unsigned i = 0; i < CHIP_I2C; i++)
    i2c_reset(&c->i2c[i]);
  for (unsigned i = 0; i < CHIP_SPI; i++)
    spi_reset(&c->spi[i]);
  adc_reset(&c->adc);
  for (unsigned i = 0; i < c->answering_count; i++)
    answering_reset(&c->answering[i]);
  if (c->sdram && !c->fmc.bank[0].ready)
    cpu_set_access(m->cpu, "SDRAM", CPU_ACCESS_FAULT);
}

void chip_blocks_stop(struct machine *m) {
  chip_blocks_reset(m);
  for (unsigned i = 0; i < CHIP_UARTS; i++)
    usart_hush(&m->chip.uart[i]);
}

void chip_blocks_reset_gate(struct machine *m, uint32_t gate) {
  struct chip_blocks *c = &m->chip;
  for (unsigned i = 0; i < CHIP_TIMERS; i++)
    if (timers[i].gate == gate) tim_reset(&c->tim[i]);
  for (unsigned i = 0; i < CHIP_UARTS; i++)
    if (uarts[i].gate == gate) usart_reset(&c->uart[i]);
  for (unsigned i = 0; i < CHIP_I2C; i++)
    if (i2cs[i].gate == gate) i2c_reset(&c->i2c[i]);
  for (unsigned i = 0; i < CHIP_SPI; i++)
    if (spis[i].gate == gate) spi_reset(&c->spi[i]);
  for (unsigned i = 0; i < c->answering_count; i++)
    if (c->answering[i].gate == gate) answering_reset(&c->answering[i]);
  switch (gate) {
    case GATE(SIM_RCC_APB1ENR, 9): lptim_reset(&c->lptim); break;
    case GATE(SIM_RCC_APB1ENR, 11): wwdg_reset(&c->wwdg, hardware_wwdg(m)); break;
    case GATE(SIM_RCC_AHB2ENR, 6): rng_reset(&c->rng); break;
    case GATE(SIM_RCC_AHB3ENR, 0): fmc_reset(&c->fmc); break;
    case GATE(SIM_RCC_APB2ENR, 8): adc_reset(&c->adc); break;
    default: break;
  }
}

void chip_blocks_clocks_changed(struct machine *m) {
  for (unsigned i = 0; i < CHIP_TIMERS; i++)
    tim_clock_changed(&m->chip.tim[i]);
  wwdg_clock_changed(&m->chip.wwdg);
  lptim_clock_changed(&m->chip.lptim);
  rtc_clock_changed(&m->rtc);
}

void chip_blocks_free(struct machine *m) {
  struct chip_blocks *c = &m->chip;
  exti_free(&c->exti);
  for (unsigned i = 0; i < CHIP_TIMERS; i++)
    tim_free(&c->tim[i]);
  for (unsigned i = 0; i < CHIP_UARTS; i++)
    usart_free(&c->uart[i]);
  wwdg_free(&c->wwdg);
  rng_free(&c->rng);
  lptim_free(&c->lptim);
  fmc_free(&c->fmc);
  for (unsigned i = 0; i < CHIP_I2C; i++)
    i2c_free(&c->i2c[i]);
  for (unsigned i = 0; i < CHIP_SPI; i++)
    spi_free(&c->spi[i]);
  adc_free(&c->adc);
  for (unsigned i = 0; i < c->answering_count; i++)
    answering_free(&c->answering[i]);
  if (c->sdram) munmap(c->sdram, m->board->sdram_size);
}
