// SPDX-License-Identifier: MIT
// The board as GDB sees it: a Cortex-M7 with double-precision FPU.
#include <string.h>

#include "common/base/bytes.h"
#include "sim/server/gdb_internal.h"

// Register numbers follow the order here: 0 to 16 core, 17 to 22 system, 23 to 38
// d0 to d15, 39 fpscr. Features: GDB manual, "ARM Features".
enum { FIRST_DOUBLE = 23, FPSCR = 39 };

#define CORE(n)   "<reg name=\"r" #n "\" bitsize=\"32\"/>"
#define SYSTEM(n) "<reg name=\"" #n "\" bitsize=\"32\" group=\"system\"/>"
#define DOUBLE(n) "<reg name=\"d" #n "\" bitsize=\"64\" type=\"ieee_double\"/>"

const char gdb_target_xml[] =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
    "<target version=\"1.0\"><architecture>armv7e-m</architecture>"
    "<feature name=\"org.gnu.gdb.arm.m-profile\">" CORE(0) CORE(1) CORE(2) CORE(3)
        CORE(4) CORE(5) CORE(6) CORE(7) CORE(8) CORE(9) CORE(10) CORE(11) CORE(12)
    "<reg name=\"sp\" bitsize=\"32\" type=\"data_ptr\"/>"
    "<reg name=\"lr\" bitsize=\"32\"/>"
    "<reg name=\"pc\" bitsize=\"32\" type=\"code_ptr\"/>"
    "<reg name=\"xpsr\" bitsize=\"32\"/></feature>"
    "<feature name=\"org.gnu.gdb.arm.m-system\">" SYSTEM(msp) SYSTEM(psp)
        SYSTEM(primask) SYSTEM(basepri) SYSTEM(faultmask) SYSTEM(control)
    "</feature><feature name=\"org.gnu.gdb.arm.vfp\">" DOUBLE(0) DOUBLE(1) DOUBLE(2)
        DOUBLE(3) DOUBLE(4) DOUBLE(5) DOUBLE(6) DOUBLE(7) DOUBLE(8) DOUBLE(9) DOUBLE(10)
            DOUBLE(11) DOUBLE(12) DOUBLE(13) DOUBLE(14) DOUBLE(15)
    "<reg name=\"fpscr\" bitsize=\"32\" type=\"int\" group=\"float\"/></feature>"
    "</target>";

static bool is_double(unsigned number) {
  return number >= FIRST_DOUBLE && number < FPSCR;
}

size_t gdb_register_size(unsigned number) {
  return is_double(number) ? 8 : 4;
}

// The core's number of a register's first word.
static unsigned core_number(unsigned number) {
  if (number == FPSCR) return CPU_DEBUG_FPSCR;
  return is_double(number) ? CPU_DEBUG_S0 + 2 * (number - FIRST_DOUBLE) : number;
}

void gdb_register_get(struct machine *m, unsigned number, uint8_t *bytes) {
  const unsigned first = core_number(number);
  for (unsigned i = 0; i < gdb_register_size(number) / 4; i++)
    store_le32(bytes + 4 * i, cpu_debug_get(m->cpu, first + i));
}

void gdb_register_put(struct machine *m, unsigned number, const uint8_t *bytes) {
  const unsigned first = core_number(number);
  for (unsigned i = 0; i < gdb_register_size(number) / 4; i++)
    cpu_debug_put(m->cpu, first + i, load_le32(bytes + 4 * i));
}

// --- memory ---

// A debugger's access must not look like one of the firmware: meanwhile the reports
// go elsewhere.
static struct report set_report_aside(struct machine *m) {
  struct report kept = m->sim.report;
  report_init(&m->sim.report, &m->sim.events);
  return kept;
}

// False: what was accessed is not there, or its clock is off.
static bool put_report_back(struct machine *m, const struct report *kept) {
  const bool good = m->sim.report.guest_errors == 0;
  report_free(&m->sim.report);
  m->sim.report = *kept;
  return good;
}

// Registers are read in words, whatever GDB shows of them.
static size_t read_registers(struct machine *m, uint32_t addr, uint8_t *bytes,
                             size_t size) {
  const unsigned skip = addr & 3u;
  const size_t n = size < 4 - skip ? size : 4 - skip;
  if (!bus_device_at(&m->sim.bus, addr)) return 0;
  const struct report kept = set_report_aside(m);
  uint8_t word[4];
  store_le32(word, bus_mmio_read(&m->sim.bus, addr & ~3u, 4));
  memcpy(bytes, word + skip, n);
  return put_report_back(m, &kept) ? n : 0;
}

static size_t write_registers(struct machine *m, uint32_t addr, const uint8_t *bytes,
                              size_t size) {
  if (!bus_device_at(&m->sim.bus, addr)) return 0;
  const unsigned n = size >= 4 && addr % 4 == 0   ? 4
                     : size >= 2 && addr % 2 == 0 ? 2
                                                  : 1;
  uint8_t word[4] = {0};
  memcpy(word, bytes, n);
  const struct report kept = set_report_aside(m);
  bus_mmio_write(&m->sim.bus, addr, n, load_le32(word));
  return put_report_back(m, &kept) ? n : 0;
}

bool gdb_memory_read(struct machine *m, uint32_t addr, uint8_t *bytes, size_t size) {
  while (size) {
    size_t n = cpu_debug_read(m->cpu, addr, bytes, size);
    if (!n) n = read_registers(m, addr, bytes, size);
    if (!n) return false;
    addr += (uint32_t)n;
    bytes += n;
    size -= n;
  }
  return true;
}

bool gdb_memory_write(struct machine *m, uint32_t addr, const uint8_t *bytes,
                      size_t size) {
  while (size) {
    size_t n = cpu_debug_write(m->cpu, addr, bytes, size);
    if (!n) n = write_registers(m, addr, bytes, size);
    if (!n) return false;
    addr += (uint32_t)n;
    bytes += n;
    size -= n;
  }
  return true;
}
