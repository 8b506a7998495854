// SPDX-License-Identifier: MIT
#include "sim/machine/machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/machine/blank_memory.h"
#include "sim/machine/machine_internal.h"
#include "sim_regs.h"

// DS11532 table 20, tRSTTEMPO: 0.5 to 3 ms, typically this.
#define POWER_ON_DELAY VT_US(1500)

// Identification in system memory (RM0410 45.1 and 45.2): a made-up unique ID.
#define UID_OFFSET        0xF420u
#define FLASH_SIZE_OFFSET 0xF442u
#define PACKAGE_OFFSET    0xF7E0u

// Factory calibration (DS11532 tables 74 and 77): VREFINT at 30 degrees, the sensor at
// 30 and 110 degrees, as converted at 3.3 V with 12 bits: 1.21 V, 0.7725 V, 0.9725 V.
#define CALIBRATION_OFFSET 0xF44Au
static const uint16_t calibration[3] = {1502, 959, 1207};

static const uint8_t unique_id[MACHINE_UNIQUE_ID] = {
    0x39, 0x00, 0x2A, 0x00, 0x0F, 0x51, 0x39, 0x35, 0x37, 0x37, 0x36, 0x38};

// Page-aligned, private, and cheap to fork.
static uint8_t *map_memory(size_t size) {
  void *p =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) abort();
  return p;
}

void machine_set_unique_id(struct machine *m, const uint8_t id[MACHINE_UNIQUE_ID]) {
  memcpy(m->system_memory + UID_OFFSET, id, MACHINE_UNIQUE_ID);
}

static void fill_system_memory(struct machine *m) {
  // The ROM bootloader itself is not here: its bytes read as erased.
  memset(m->system_memory, 0xFF, SYSTEM_MEMORY_SIZE);
  machine_set_unique_id(m, unique_id);
  const uint16_t kilobytes = (uint16_t)(m->board->flash_size / 1024);
  memcpy(m->system_memory + FLASH_SIZE_OFFSET, &kilobytes, sizeof kilobytes);
  memcpy(m->system_memory + CALIBRATION_OFFSET, calibration, sizeof calibration);
  const uint16_t package = 0x0700;
  memcpy(m->system_memory + PACKAGE_OFFSET, &package, sizeof package);
  memset(m->option_window, 0xFF, OPTION_WINDOW_SIZE);
}

struct machine *machine_create(const struct board *board, enum cpu_mode mode) {
  struct machine *m = calloc(1, sizeof *m);
  if (!m) abort();
  m->board = board;
  sim_init(&m->sim);
  m->nor_size = board->qspi_chip ? nor_chip_find(board->qspi_chip)->size : 0;
  m->flash_bytes = blank_memory(board->flash_size);
  if (m->nor_size) m->nor_bytes = blank_memory(m->nor_size);
  m->ram = map_memory(RAM_SIZE);
  m->itcm = map_memory(ITCM_SIZE);
  machine_fill_with_noise(m->ram, RAM_SIZE);
  machine_fill_with_noise(m->itcm, ITCM_SIZE);
  m->system_memory = map_memory(SYSTEM_MEMORY_SIZE);
  m->option_window = map_memory(OPTION_WINDOW_SIZE);
  fill_system_memory(m);
  m->flash_span = m->nor_span = (struct machine_span){VT_NEVER, VT_NEVER, 0};
  machine_wire(m, mode);
  machine_button(m, false);
  return m;
}

static void free_models(struct machine *m) {
  for (unsigned i = 0; i < MACHINE_PORTS; i++)
    gpio_free(&m->gpio[i]);
  quadspi_free(&m->quadspi);
  otg_free(&m->otg_hs);
  otg_free(&m->otg_fs);
  dma_free_all(m);
  crc_unit_free(&m->crc);
  chip_blocks_free(m);
  iwdg_free(&m->iwdg);
  rtc_free(&m->rtc);
  syscfg_free(&m->syscfg);
  flash_f7_free(&m->flash);
  trace_free(&m->trace);
  debug_free(&m->debug);
  scs_free(&m->scs);
  pwr_free(&m->pwr);
  rcc_free(&m->rcc);
  free(m->stubs);
}

void machine_destroy(struct machine *m) {
  if (!m) return;
  cpu_destroy(m->cpu);
  free_models(m);
  sim_free(&m->sim);
  munmap(m->flash_bytes, m->board->flash_size);
  if (m->nor_size) munmap(m->nor_bytes, m->nor_size);
  munmap(m->ram, RAM_SIZE);
  munmap(m->itcm, ITCM_SIZE);
  munmap(m->system_memory, SYSTEM_MEMORY_SIZE);
  munmap(m->option_window, OPTION_WINDOW_SIZE);
  free(m);
}

// Supply in mV below which reset is held, and that ends it, by BOR_LEV (DS11532 table
// 20, typical: VBOR3, VBOR2, VBOR1, and with BOR off power-on and power-down reset).
enum { BOR_OFF = 3 };
static const struct {
  uint16_t falling, rising;
} reset_levels[4] = {{2830, 2920}, {2500, 2590}, {2190, 2290}, {1680, 1720}};

// RAM after power-on holds no certain value, the same one every time here.
static uint32_t noise(uint32_t i) {
  uint32_t x = i * 2654435761u + 0x9E3779B9u;
  x ^= x >> 15;
  x *= 0x85EBCA6Bu;
  return x ^ (x >> 13);
}

void machine_fill_with_noise(uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i += 4) {
    const uint32_t word = noise((uint32_t)i);
    memcpy(bytes + i, &word, sizeof word);
  }
}

// The board's BOOT pin is low.
static uint32_t boot_address(const struct machine *m) {
  return flash_f7_boot_address(&m->flash, false);
}

static void reset_chip(struct machine *m, enum rcc_reset why) {
  const bool power = why == RCC_RESET_POWER;
  m->resets++;
  m->iwdg_reset_due = m->standby = false;
  m->resetting = true;
  flash_f7_reset(&m->flash);
  if (why == RCC_RESET_STANDBY) {
    pwr_standby_reset(&m->pwr);
  } else {
    pwr_reset(&m->pwr, power);
  }
  rcc_reset(&m->rcc, why);
  for (unsigned i = 0; i < MACHINE_PORTS; i++)
    gpio_reset(&m->gpio[i]);
  syscfg_reset(&m->syscfg);
  chip_blocks_reset(m);
  crc_unit_reset(&m->crc);
  dma_reset_all(m);
  quadspi_reset(&m->quadspi);
  otg_system_reset(&m->otg_hs);
  otg_system_reset(&m->otg_fs);
  iwdg_reset(&m->iwdg, !(m->flash.loaded & SIM_FLASH_OPTCR_IWDG_SW));
  debug_reset(&m->debug, power);
  trace_reset(&m->trace);
  scs_reset(&m->scs, boot_address(m));
  m->resetting = false;
  cpu_set_clock(m->cpu, clock_hz(&m->clocks, CLOCK_HCLK));
  cpu_reset(m->cpu, boot_address(m));
  m->marks = (struct machine_marks){
      .reset = m->sim.events.now,
      .usb_connect = VT_NEVER,
      .app_start = VT_NEVER,
      .instructions_at_reset = cpu_counters(m->cpu).instructions,
  };
}

// The chip holds itself in reset meanwhile; the flash chip uses it to wake up.
static void begin(struct machine *m, enum rcc_reset why) {
  event_run(&m->sim.events, m->sim.events.now + POWER_ON_DELAY);
  m->held = HELD_NOT;
  reset_chip(m, why);
}

static void power_up(struct machine *m) {
  flash_f7_power_on(&m->flash);
  if (m->ram_lost) {
    machine_fill_with_noise(m->ram, RAM_SIZE);
    machine_fill_with_noise(m->itcm, ITCM_SIZE);
  }
  m->ram_lost = true;
  chip_blocks_power_on(m);
  rtc_backup_reset(&m->rtc);
  if (m->nor_size) nor_power_on(&m->nor);
  begin(m, RCC_RESET_POWER);
}

// The threshold that holds for the next change of the supply. Power-on loads the
// option bytes while it still holds the reset.
static uint32_t reset_level(const struct machine *m) {
  const bool loads = m->held == HELD_BY_POWER_DOWN;
  const unsigned level =
      SIM_GET(loads ? m->flash.option_optcr : m->flash.loaded, SIM_FLASH_OPTCR_BOR_LEV);
  return m->held ? reset_levels[level].rising : reset_levels[level].falling;
}

void machine_power_on(struct machine *m) {
  if (m->powered) return;
  m->powered = true;
  m->held = HELD_BY_POWER_DOWN;
  if (m->pwr.supply_mv >= reset_level(m)) power_up(m);
  usb_host_plug(&m->usb);
}

// Every model stops: its events go with a reset nobody sees.
static void silence(struct machine *m) {
  dma_reset_all(m);
  quadspi_reset(&m->quadspi);
  otg_system_reset(&m->otg_hs);
  otg_system_reset(&m->otg_fs);
  chip_blocks_stop(m);
  systick_reset(&m->scs.systick);
}

static void stop_models(struct machine *m) {
  m->standby = false;
  flash_f7_power_cut(&m->flash);
  silence(m);
  iwdg_reset(&m->iwdg, false);
  cpu_power_off(m->cpu);
}

static void power_down(struct machine *m) {
  if (m->nor_size) nor_power_off(&m->nor, m->sim.events.now);
  stop_models(m);
  rtc_power_cut(&m->rtc);
}

void machine_power_cut(struct machine *m) {
  if (!m->powered) return;
  m->powered = false;
  if (m->held != HELD_BY_POWER_DOWN) power_down(m);
}

// The regulator is off (RM0410 4.3.6): SRAM is lost, and backup SRAM without its own
// regulator; pins float; RTC, IWDG and what wakes go on.
static void fall_into_standby(struct machine *m) {
  m->standby = true;
  silence(m);
  for (unsigned i = 0; i < MACHINE_PORTS; i++)
    gpio_reset(&m->gpio[i]);
  machine_fill_with_noise(m->ram, RAM_SIZE);
  machine_fill_with_noise(m->itcm, ITCM_SIZE);
  if (!pwr_keeps_backup_sram(&m->pwr))
    machine_fill_with_noise(m->backup_sram, BACKUP_SRAM_SIZE);
  cpu_stop(m->cpu);
}

void machine_deep_sleep(void *ctx, bool begins) {
  struct machine *m = ctx;
  if (!begins) {
    rcc_resume(&m->rcc);
  } else if (pwr_chooses_standby(&m->pwr)) {
    fall_into_standby(m);
  } else {
    rcc_stop(&m->rcc);
    pwr_stop(&m->pwr);
  }
}

// Lets time go on until something ends Standby, or until `until`.
static void stand_by(struct machine *m, vtime_t until) {
  struct event_queue *q = &m->sim.events;
  while (q->now < until && !pwr_wakes(&m->pwr) && !m->iwdg_reset_due) {
    const vtime_t next = event_next(q);
    event_run(q, next < until ? next : until);
  }
  if (m->iwdg_reset_due) {
    reset_chip(m, RCC_RESET_IWDG);
  } else if (pwr_wakes(&m->pwr)) {
    reset_chip(m, RCC_RESET_STANDBY);
  }
}

void machine_reset_pin(struct machine *m) {
  if (m->powered && !m->held) reset_chip(m, RCC_RESET_PIN);
}

vtime_t machine_now(const struct machine *m) {
  return m->sim.events.now;
}

void machine_stop(struct machine *m) {
  cpu_stop(m->cpu);
}

static void serve_resets(struct machine *m) {
  if (m->iwdg_reset_due) {
    reset_chip(m, RCC_RESET_IWDG);
  } else if (m->chip.wwdg_reset_due) {
    reset_chip(m, RCC_RESET_WWDG);
  } else if (m->scs.reset_requested) {
    reset_chip(m, RCC_RESET_SOFTWARE);
  }
}

void machine_run_until(struct machine *m, vtime_t until) {
  while (machine_now(m) < until) {
    if (!m->powered || m->held) {
      event_run(&m->sim.events, until);
      return;
    }
    if (m->standby) {
      stand_by(m, until);
      continue;
    }
    cpu_run(m->cpu, until);
    if (m->standby) continue;
    const bool reset =
        m->iwdg_reset_due || m->chip.wwdg_reset_due || m->scs.reset_requested;
    if (!reset) return;
    serve_resets(m);
  }
}

void machine_run(struct machine *m, vtime_t duration) {
  machine_run_until(m, machine_now(m) + duration);
}

struct gpio *machine_port(struct machine *m, char letter) {
  return &m->gpio[letter - 'A'];
}

void machine_button(struct machine *m, bool pressed) {
  const struct board *b = m->board;
  const bool high = pressed == b->button_active_high;
  gpio_drive(machine_port(m, b->button.port), b->button.number, high);
}

void machine_supply(struct machine *m, uint32_t millivolts) {
  m->pwr.supply_mv = m->flash.supply_mv = millivolts;
  chip_blocks_supply_changed(m);
  if (!m->powered) return;
  if (millivolts < reset_levels[BOR_OFF].falling) {
    if (m->held == HELD_BY_POWER_DOWN) return;
    m->held = HELD_BY_POWER_DOWN;
    power_down(m);
  } else if (!m->held && millivolts < reset_level(m)) {
    m->held = HELD_BY_BROWN_OUT;
    stop_models(m);
  } else if (m->held && millivolts >= reset_level(m)) {
    if (m->held == HELD_BY_POWER_DOWN) {
      power_up(m);
    } else {
      begin(m, RCC_RESET_BROWN_OUT);
    }
  }
}

uint32_t machine_stack_depth(const struct machine *m, uint32_t base, uint32_t size) {
  for (uint32_t at = 0; at < size; at += 4) {
    const uint32_t offset = base - DTCM_BASE + at;
    uint32_t word;
    memcpy(&word, m->ram + offset, sizeof word);
    if (word != noise(offset)) return size - at;
  }
  return 0;
}

bool machine_led(const struct machine *m, size_t led) {
  const struct led *l = &m->board->leds[led];
  const struct gpio *g = &m->gpio[l->pin.port - 'A'];
  const bool driven = gpio_pin(g, l->pin.number).mode == GPIO_OUTPUT;
  const bool high = ((uint32_t)gpio_levels(g) >> l->pin.number) & 1u;
  return driven && high == l->active_high;
}
