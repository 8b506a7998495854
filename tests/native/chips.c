// SPDX-License-Identifier: MIT
#include "tests/native/chips.h"

#include <stdlib.h>
#include <string.h>

#include "sim/models/dma.h"
#include "sim/models/flash_f7.h"
#include "sim/models/nor.h"
#include "sim/models/quadspi.h"
#include "tests/native/mmio_bus.h"

#define ACCESS VT_NS(50)

struct models {
  struct flash_f7 flash;
  struct quadspi quadspi;
  struct nor nor;
  struct dma dma;
};

// --- life ---

static uint64_t clock_of(void *ctx, enum clock_id id) {
  (void)ctx;
  return id == CLOCK_HCLK ? CHIPS_HCLK : 0;
}

static void set_flag(void *ctx, unsigned number, bool level) {
  (void)number;
  *(bool *)ctx = level;
}

// The flash as the bus sees it. A read while it is busy would stall a CPU; a driver
// that looks after its flash never does that.
static uint32_t read_cells(void *ctx, uint32_t offset, unsigned bytes) {
  const struct models *m = ctx;
  uint32_t value = 0;
  const bool upper = offset >= m->flash.size / 2;
  if (m->flash.op.active && m->flash.op.banks & (upper ? 2 : 1)) {
    report_guest(&m->flash.sim->report, GUEST_FLASH_STALL, offset, "read while busy");
  }
  memcpy(&value, m->flash.bytes + offset, bytes);
  return value;
}

static void store(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  struct models *m = ctx;
  flash_f7_store(&m->flash, offset, bytes, value);
}

// DMA2's ports: one reaches this program's memory, the other the bus.
static bool read_memory(void *ctx, enum master_port port, uint32_t addr, void *to,
                        unsigned bytes) {
  (void)ctx, (void)port;
  memcpy(to, mmio_dma_memory(addr), bytes);
  return true;
}

static bool write_memory(void *ctx, enum master_port port, uint32_t addr,
                         const void *from, unsigned bytes) {
  (void)ctx, (void)port;
  memcpy(mmio_dma_memory(addr), from, bytes);
  return true;
}

static bool read_bus(void *ctx, enum master_port port, uint32_t addr, void *to,
                     unsigned bytes) {
  struct chips *c = ctx;
  const uint32_t value = bus_read(&c->sim.bus, addr, bytes);
  (void)port;
  memcpy(to, &value, bytes);
  return true;
}

static bool write_bus(void *ctx, enum master_port port, uint32_t addr, const void *from,
                      unsigned bytes) {
  struct chips *c = ctx;
  uint32_t value = 0;
  (void)port;
  memcpy(&value, from, bytes);
  bus_write(&c->sim.bus, addr, bytes, value);
  return true;
}

// --- the window ---

#define WINDOW      0x90000000u
#define WINDOW_SIZE 0x10000000u

static const struct chips *current;
static uint32_t let_in;  // bytes
static unsigned let_ins;

// Nobody is let into a window that is closed, before or behind.
void chips_let_in(uint32_t bytes) {
  assert_int_not_equal(quadspi_window_limit(&current->models->quadspi), 0);
  let_in = bytes;
  if (bytes) let_ins++;
}

uint32_t chips_let_in_bytes(void) {
  return let_in;
}

unsigned chips_let_ins(void) {
  return let_ins;
}

static bool window_is_normal(void *ctx) {
  (void)ctx;
  return let_in != 0;
}

// What it costs is asked for as well: that is where the last word is complained of.
static uint32_t read_window(void *ctx, uint32_t offset, unsigned bytes) {
  struct chips *c = ctx;
  assert_true(offset % bytes == 0 && offset < let_in);
  const uint32_t word = quadspi_window_read(&c->models->quadspi, offset, bytes);
  chips_pass(c, quadspi_window_cost(&c->models->quadspi, offset, bytes));
  return word;
}

static void write_window(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  (void)ctx, (void)offset, (void)bytes, (void)value;
  fail_msg("a store to the window");
}

uint32_t chips_window_read(struct chips *c, uint32_t offset) {
  return bus_read(&c->sim.bus, WINDOW + offset, 4);
}

static void open_dma(struct chips *c) {
  const struct bus_master memory = {
      .ctx = c, .port = MASTER_DMA2_MEMORY, .read = read_memory, .write = write_memory};
  const struct bus_master peripheral = {
      .ctx = c, .port = MASTER_DMA2_PERIPHERAL, .read = read_bus, .write = write_bus};
  dma_init(&c->models->dma, &c->sim, 2, (struct clock_source){.hz = clock_of}, memory,
           peripheral);
  c->models->quadspi.dma = dma_request_line(&c->models->dma, "QUADSPI");
}

static void add_devices(struct chips *c) {
  struct models *m = c->models;
  const struct bus_device devices[] = {
      {"flash bytes", CHIPS_FLASH_BYTES, CHIPS_FLASH_SIZE, GATE_NONE, m, read_cells,
       store},
      {"FLASH", CHIPS_FLASH_REGS, 0x400, GATE_NONE, &m->flash, flash_f7_read,
       flash_f7_write},
      {"QUADSPI", CHIPS_QUADSPI, 0x1000, GATE_NONE, &m->quadspi, quadspi_read,
       quadspi_write},
      {"DMA2", CHIPS_DMA2, 0x400, GATE_NONE, &m->dma, dma_read, dma_write},
      {"window", WINDOW, WINDOW_SIZE, GATE_NONE, c, read_window, write_window},
  };
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    bus_add_device(&c->sim.bus, &devices[i]);
}

static uint8_t *blank_cells(size_t size) {
  uint8_t *cells = malloc(size);
  assert_non_null(cells);
  memset(cells, 0xFF, size);
  return cells;
}

struct chips *chips_open(uint32_t supply_mv) {
  return chips_open_with(supply_mv, "mx25l51245g");
}

struct chips *chips_open_with(uint32_t supply_mv, const char *nor_chip) {
  const struct nor_chip *chip = nor_chip_find(nor_chip);
  assert_non_null(chip);
  struct chips *c = calloc(1, sizeof *c);
  assert_non_null(c);
  c->models = calloc(1, sizeof *c->models);
  assert_non_null(c->models);
  c->flash = blank_cells(CHIPS_FLASH_SIZE);
  c->nor = blank_cells(chip->size);
  sim_init(&c->sim);
  struct models *m = c->models;
  flash_f7_init(&m->flash, &c->sim, c->flash, CHIPS_FLASH_SIZE, supply_mv);
  flash_f7_reset(&m->flash);
  m->flash.irq = (struct irq_line){set_flag, &c->flash_irq, 0};
  nor_init(&m->nor, &c->sim, chip, c->nor);
  quadspi_init(&m->quadspi, &c->sim, (struct clock_source){.hz = clock_of});
  m->quadspi.flash[0] = &m->nor;
  m->quadspi.window_is_normal = window_is_normal;
  let_in = 0;
  current = c;
  m->quadspi.irq = (struct irq_line){set_flag, &c->quadspi_irq, 0};
  open_dma(c);
  add_devices(c);
  mmio_bind(&c->sim, ACCESS);
  return c;
}

void chips_close(struct chips *c) {
  flash_f7_free(&c->models->flash);
  quadspi_free(&c->models->quadspi);
  dma_free(&c->models->dma);
  sim_free(&c->sim);
  free(c->models);
  free(c->flash);
  free(c->nor);
  free(c);
}

static void print_reports(const struct chips *c) {
  for (const struct report_entry *e = c->sim.report.entries; e; e = e->next) {
    print_error(
        "%s: %s\n",
        e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "unimplemented",
        e->detail);
  }
}

void chips_expect_quiet(const struct chips *c) {
  print_reports(c);
  assert_int_equal(c->sim.report.guest_errors, 0);
  assert_int_equal(c->sim.report.unimplemented, 0);
}

void chips_expect_report(struct chips *c, enum guest_error error) {
  const uint64_t all = c->sim.report.guest_errors,
                 these = report_count(&c->sim.report, error);
  if (these == 0 || these != all) print_reports(c);
  assert_int_not_equal(these, 0);
  assert_int_equal(these, all);
  report_clear(&c->sim.report);
}

void chips_pass(struct chips *c, vtime_t duration) {
  event_run(&c->sim.events, c->sim.events.now + duration);
}

// --- internal flash ---

struct chips_counts chips_flash_counts(const struct chips *c) {
  const struct flash_f7_counters *n = &c->models->flash.counters;
  return (struct chips_counts){.programs = n->programs, .erases = n->erases};
}

void chips_flash_stays_busy(struct chips *c, bool on) {
  c->models->flash.faults.stays_busy = on;
}

void chips_flash_program_fails(struct chips *c, uint32_t offset) {
  c->models->flash.faults.program_fails = true;
  c->models->flash.faults.program_at = offset;
}

void chips_flash_erase_fails(struct chips *c, unsigned sector) {
  c->models->flash.faults.erase_fails = true;
  c->models->flash.faults.erase_sector = sector;
}

void chips_flash_lock_for_ever(struct chips *c) {
  c->models->flash.key_locked = true;
}

void chips_flash_leave_error(struct chips *c, uint32_t flag) {
  c->models->flash.sr |= flag;
}

void chips_flash_options(struct chips *c, uint32_t clear) {
  flash_f7_set_options(&c->models->flash, 0xFFFFAAFDu & ~clear, 0x00400080u);
  flash_f7_reset(&c->models->flash);
}

void chips_flash_size(struct chips *c, uint32_t size) {
  c->models->flash.size = size;
}

void chips_flash_power_cycle(struct chips *c) {
  flash_f7_reset(&c->models->flash);
}

// --- NOR ---

const char *chips_nor_name(size_t index) {
  const struct nor_chip *chip = nor_chip_at(index);
  return chip ? chip->name : NULL;
}

const char *chips_nor_state_name(size_t index) {
  return nor_state_at(index);
}

static void fill(struct chips *c, uint32_t at) {
  for (uint32_t i = 0; i < 256; i++)
    c->nor[at + i] = (uint8_t)(i * 7 + (at >> 8));
}

bool chips_nor_set_state(struct chips *c, const char *name) {
  const uint32_t size = c->models->nor.chip->size;
  fill(c, 0x20000);
  fill(c, 0x345600);
  fill(c, size / 2 - 128);
  if (size > CHIPS_NOR_REACH) fill(c, CHIPS_NOR_REACH - 128);
  return !name || nor_set_state(&c->models->nor, name);
}

uint32_t chips_nor_size(const struct chips *c) {
  return c->models->nor.chip->size;
}

void chips_nor_ddr_dummy(struct chips *c, uint8_t clocks) {
  enum { COMMANDS = 128 };
  static struct nor_command commands[COMMANDS];
  static struct nor_chip chip;
  chip = *c->models->nor.chip;
  assert_true(chip.command_count <= COMMANDS);
  for (size_t i = 0; i < chip.command_count; i++) {
    commands[i] = chip.commands[i];
    if (!(commands[i].flags & NOR_DDR)) continue;
    commands[i].latency = NULL;
    commands[i].dummy = clocks;
    commands[i].max_mhz = 100;
  }
  chip.commands = commands;
  c->models->nor.chip = &chip;
}

// A command on one line, as whatever ran before has sent it.
static void send(struct nor *n, const uint8_t *bytes, size_t count) {
  nor_select(n, true);
  nor_send(n, NOR_PART_OPCODE, 1, bytes, 8);
  if (count > 1) nor_send(n, NOR_PART_ADDRESS, 1, bytes + 1, 8 * (count - 1));
  nor_select(n, false);
}

static void send_byte(struct nor *n, uint8_t opcode) {
  send(n, &opcode, 1);
}

// A quad read whose mode bits (A5h) ask for more of the same without an opcode.
static void enter_continuous(struct nor *n, uint8_t opcode, size_t address_bytes) {
  static const uint8_t zeros[4] = {0}, mode = 0xA5;
  uint8_t data[4];
  nor_select(n, true);
  nor_send(n, NOR_PART_OPCODE, 1, &opcode, 8);
  nor_send(n, NOR_PART_ADDRESS, 4, zeros, 8 * address_bytes);
  nor_send(n, NOR_PART_MODE, 4, &mode, 8);
  nor_wait(n, 4);
  nor_receive(n, 4, data, sizeof data);
  nor_select(n, false);
}

static void start_erase(struct nor *n) {
  static const uint8_t erase[] = {0xDC, 0x00, 0x10, 0x00, 0x00};
  send_byte(n, 0x06);
  send(n, erase, sizeof erase);
}

static void start_program(struct nor *n) {
  static const uint8_t program[] = {0x12, 0x00, 0x20, 0x00, 0x00}, data = 0x5A;
  send_byte(n, 0x06);
  nor_select(n, true);
  nor_send(n, NOR_PART_OPCODE, 1, program, 8);
  nor_send(n, NOR_PART_ADDRESS, 1, program + 1, 32);
  nor_send(n, NOR_PART_DATA, 1, &data, 8);
  nor_select(n, false);
}

void chips_nor_put(struct chips *c, enum chips_nor_state state) {
  struct nor *n = &c->models->nor;
  nor_set_clock(n, 10000000);
  if (state != CHIPS_NOR_FRESH) nor_set_register(n, NOR_REG_STATUS, 0x40);
  switch (state) {
    case CHIPS_NOR_PROTECTED: nor_set_register(n, NOR_REG_STATUS, 0x7C); break;
    case CHIPS_NOR_QPI: send_byte(n, 0x35); break;
    case CHIPS_NOR_FOUR_BYTE: send_byte(n, 0xB7); break;
    case CHIPS_NOR_QPI_FOUR_BYTE:
      send_byte(n, 0xB7);
      send_byte(n, 0x35);
      break;
    case CHIPS_NOR_CONTINUOUS: enter_continuous(n, 0xEB, 3); break;
    case CHIPS_NOR_CONTINUOUS_4: enter_continuous(n, 0xEC, 4); break;
    case CHIPS_NOR_ASLEEP: send_byte(n, 0xB9); break;
    case CHIPS_NOR_ERASING: start_erase(n); break;
    case CHIPS_NOR_PROGRAMMING: start_program(n); break;
    case CHIPS_NOR_SUSPENDED:
      start_erase(n);
      chips_pass(c, VT_MS(5));
      send_byte(n, 0xB0);
      chips_pass(c, VT_MS(1));
      break;
    default: break;
  }
  chips_expect_quiet(c);
}

void chips_nor_remove(struct chips *c) {
  c->models->quadspi.flash[0] = NULL;
}

void chips_nor_stays_busy(struct chips *c, bool on) {
  c->models->nor.faults.stay_busy = on;
}

void chips_nor_fail_program(struct chips *c, uint32_t which) {
  c->models->nor.faults.fail_program = which;
}

void chips_nor_fail_erase(struct chips *c, uint32_t which) {
  c->models->nor.faults.fail_erase = which;
}

void chips_nor_stick(struct chips *c, uint32_t address, uint8_t mask, uint8_t value) {
  assert_true(nor_stick(&c->models->nor, address, mask, value));
}

uint64_t chips_nor_register_writes(const struct chips *c) {
  return c->models->nor.counters.register_writes;
}

uint8_t chips_nor_status(const struct chips *c) {
  return nor_register(&c->models->nor, NOR_REG_STATUS);
}
