// SPDX-License-Identifier: MIT
// Guest errors of QUADSPI, its pins, and the NOR chip behind it (an MX25L51245G).
#include "tests/guests/errors.h"

#define QSPI   0xA0001000u
#define CR     (QSPI + 0x00)
#define DCR    (QSPI + 0x04)
#define SR     (QSPI + 0x08)
#define FCR    (QSPI + 0x0C)
#define DLR    (QSPI + 0x10)
#define CCR_   (QSPI + 0x14)
#define AR     (QSPI + 0x18)
#define ABR    (QSPI + 0x1C)
#define DR     (QSPI + 0x20)
#define WINDOW 0x90000000u
#define BUSY   BIT(5)
#define TCF    BIT(1)

enum {
  EN = 1,
  ABORT = 2,
  I1 = 1 << 8,
  A1 = 1 << 10,
  A4 = 3 << 10,
  AS24 = 2 << 12,
  AS32 = 3 << 12,
  AB4 = 3 << 14,
  D1 = 1 << 24,
  D4 = 3 << 24,
  READ = 1 << 26,
  MAPPED = 3 << 26,
};
#define DUMMY(n) ((uint32_t)(n) << 18)
#define PRESC(n) ((uint32_t)(n) << 24)
#define DDRM     BIT(31)

static void start_pins(uint32_t speed) {
  pin_alternate('B', 6, 10, speed);
  pin_alternate('B', 2, 9, speed);
  pin_alternate('C', 9, 9, speed);
  pin_alternate('C', 10, 9, speed);
  pin_alternate('E', 2, 9, speed);
  pin_alternate('D', 13, 9, speed);
}

// 64 MB, CS# high for 4 clocks. The window is closed by the MPU.
static void start_qspi(uint32_t prescaler) {
  window_access(false);
  start_pins(3);
  set(RCC_AHB3ENR, BIT(1));
  (void)rd(RCC_AHB3ENR);
  wr(DCR, 25u << 16 | 3u << 8);
  wr(CR, PRESC(prescaler) | EN);
  pause_us(2000);  // the chip wakes up
}

static void wait_idle(void) {
  while (rd(SR) & BUSY) {
  }
  wr(FCR, 0x1B);
}

static void op(uint32_t opcode) {
  wr(CCR_, opcode | I1);
  wait_idle();
}

static void op_address(uint32_t ccr, uint32_t address) {
  wr(CCR_, ccr | I1 | A1);
  wr(AR, address);
  wait_idle();
}

static uint32_t read_register(uint32_t opcode) {
  wr(DLR, 0);
  wr(CCR_, opcode | I1 | D1 | READ);
  const uint32_t value = rd8(DR);
  wait_idle();
  return value;
}

static void read_array(uint32_t ccr, uint32_t address, uint32_t words) {
  wr(DLR, 4 * words - 1);
  wr(CCR_, ccr | I1 | A1 | READ);
  wr(AR, address);
  while (words--)
    (void)rd(DR);
  wait_idle();
}

static void write_enable(void) {
  op(0x06);
}

static void wait_chip(void) {
  while (read_register(0x05) & 1) {
  }
}

static void program(uint32_t address, uint32_t words, uint32_t value) {
  wr(DLR, 4 * words - 1);
  wr(CCR_, 0x02 | I1 | A1 | AS24 | D1);
  wr(AR, address);
  while (words--)
    wr(DR, value);
  wait_idle();
}

static void write_status(uint32_t value) {
  write_enable();
  wr(DLR, 0);
  wr(CCR_, 0x01 | I1 | D1);
  wr8(DR, (uint8_t)value);
  wait_idle();
  wait_chip();
}

static void stop(void) {
  set(CR, ABORT);
  while (rd(CR) & ABORT) {
  }
  wait_idle();
}

// --- the controller
// --------------------------------------------------------------------------

static void pin_speed(bool bad) {
  start_qspi(0);
  start_pins(bad ? 0 : 3);  // 16 MHz on pins good for 4
  read_register(0x05);
}

static void pin_af_qspi(bool bad) {
  start_qspi(0);
  if (bad) pin_alternate('D', 13, 10, 3);  // IO3 is AF9
  read_register(0x05);
}

// The MPU closes a quarter of the window, and the rest may be read speculatively.
static void qspi_mpu_part(bool bad) {
  start_qspi(0);
  if (bad) wr(MPU_RASR, BIT(28) | 25u << 1 | 1);
  read_register(0x05);
}

// 216 MHz / 4 on pins that want the compensation cell.
static void compensation_cell(bool bad) {
  clock_216_mhz(true);
  if (!bad) compensation_on();
  start_qspi(3);
  read_register(0x05);
}

static void qspi_busy(bool bad) {
  start_qspi(0);
  wr(DLR, 1000);
  wr(CCR_, 0x03 | I1 | A1 | AS24 | D1 | READ);
  wr(AR, 0);
  if (!bad) stop();
  wr(CCR_, 0x06 | I1);
  stop();
}

// READ (03h) at 108 MHz: its limit is 66 MHz.
static void qspi_clock(bool bad) {
  clock_216_mhz(true);
  compensation_on();
  start_qspi(bad ? 1 : 3);
  read_array(0x03 | AS24 | D1, 0, 2);
}

static void qspi_fifo(bool bad) {
  start_qspi(0);
  if (bad) {
    (void)rd(DR);
  } else {
    read_register(0x05);
  }
}

static void qspi_mpu(bool bad) {
  start_qspi(0);
  if (bad) window_access(true);
  read_register(0x05);
}

static void map(void) {
  wr(CCR_, 0x03 | I1 | A1 | AS24 | D1 | MAPPED);
  window_access(true);
}

static void unmap(void) {
  window_access(false);
  stop();
}

static void qspi_window(bool bad) {
  start_qspi(0);
  wr(DCR, 20u << 16 | 3u << 8);  // 2 MB are said to be there
  map();
  (void)rd(WINDOW + (bad ? 0x00200000 : 0x001FFFF0));
  unmap();
}

static void erratum_fthres(bool bad) {
  start_qspi(0);
  wr(CR, EN | (bad ? 16u : 15u) << 8);
}

// AR[1:0] is left from an indirect read; the cure is ABORT and AR = 0.
static void erratum_ar(bool bad) {
  start_qspi(0);
  read_array(0x03 | AS24 | D1, 0x102, 1);
  if (!bad) {
    stop();
    wr(AR, 0);
    stop();
  }
  map();
  (void)rd(WINDOW + 0x100);
  unmap();
}

static void erratum_timeout(bool bad) {
  start_qspi(0);
  if (bad) set(CR, BIT(3));  // TCEN
  map();
  (void)rd(WINDOW + 0x100);
  unmap();
}

static void erratum_last_word(bool bad) {
  start_qspi(0);
  wr(DCR, 20u << 16 | 3u << 8);
  map();
  (void)rd(WINDOW + (bad ? 0x001FFFFC : 0x001FFFF8));
  unmap();
}

// Silicon loses the first nibble, wherever the dummies are meant for. A program has
// none.
static void erratum_write_dummy(bool bad) {
  start_qspi(0);
  write_enable();
  wr(DLR, 3);
  wr(CCR_, 0x02 | I1 | A1 | AS24 | D1 | (bad ? DUMMY(8) : 0));
  wr(AR, 0);
  wr(DR, 0);
  wait_idle();
  wait_chip();
}

// 4DTRD with its mode byte and 5 more clocks: FIFO and controller are cleared behind
// it.
static void erratum_extra_data(bool bad) {
  start_qspi(1);
  write_status(0x40);
  wr(ABR, 0xFF);
  wr(DLR, 3);
  wr(CCR_, 0xED | I1 | A4 | AS24 | AB4 | D4 | READ | DUMMY(5) | DDRM);
  wr(AR, 0);
  (void)rd(DR);
  wait_idle();
  if (!bad) stop();
  read_register(0x05);
}

__attribute__((used)) static void leave(uint32_t *frame) {
  frame[6] = frame[5] & ~1u;  // out of load_from
}

__attribute__((naked)) static void on_bus_fault(void) {
  __asm__ volatile("mrs r0, msp\n\tb leave");
}

__attribute__((naked, noinline)) static void load_from(uint32_t addr) {
  (void)addr;
  __asm__ volatile("ldr r0, [r0]\n\tbx lr");
}

// Enabled, in indirect mode, and the window open to the core.
static void erratum_window(bool bad) {
  set_vector(EXC_HARDFAULT, on_bus_fault);
  start_qspi(0);
  if (!bad) map();
  window_access(true);
  load_from(WINDOW + 0x100);
  unmap();
}

static void qspi_config(bool bad) {
  start_qspi(0);
  if (bad) wr(CR, 0);
  wr(CCR_, 0x06 | I1);
  wait_idle();
}

// The D-cache has the line; the chip is programmed; the line is read again.
static void data_stale(bool bad) {
  caches_on();
  start_qspi(0);
  map();
  (void)rd(WINDOW + 0x100);
  unmap();
  write_enable();
  program(0x100, 1, 0);
  wait_chip();
  map();
  if (!bad) wr(DCIMVAC, WINDOW + 0x100);
  barrier();
  (void)rd(WINDOW + 0x100);
  unmap();
}

const struct error_case qspi_cases[] = {
    {"pin-af/qspi", pin_af_qspi},
    {"qspi-mpu/part", qspi_mpu_part},
    {"pin-speed", pin_speed},
    {"compensation-cell", compensation_cell},
    {"qspi-busy", qspi_busy},
    {"qspi-clock", qspi_clock},
    {"qspi-fifo", qspi_fifo},
    {"qspi-mpu", qspi_mpu},
    {"qspi-window", qspi_window},
    {"qspi-erratum-fthres", erratum_fthres},
    {"qspi-erratum-timeout", erratum_timeout},
    {"qspi-erratum-write-dummy", erratum_write_dummy},
    {"qspi-erratum-extra-data", erratum_extra_data},
    {"qspi-erratum-ar", erratum_ar},
    {"qspi-erratum-window", erratum_window},
    {"qspi-erratum-last-word", erratum_last_word},
    {"qspi-config", qspi_config},
    {"data-stale", data_stale},
    {NULL, NULL},
};

// --- the chip
// ------------------------------------------------------------------------------

static void nor_wel(bool bad) {
  start_qspi(0);
  if (!bad) write_enable();
  program(0, 1, 0);
  wait_chip();
}

static void nor_busy(bool bad) {
  start_qspi(0);
  write_enable();
  program(0, 1, 0);
  if (!bad) wait_chip();
  read_array(0x03 | AS24 | D1, 0, 1);
  wait_chip();
}

// The chip ships with QE clear.
static void nor_quad(bool bad) {
  start_qspi(0);
  if (!bad) write_status(0x40);
  read_array(0x6B | AS24 | D4 | DUMMY(8), 0, 1);
}

static void nor_opcode(bool bad) {
  start_qspi(0);
  op(bad ? 0x11 : 0x06);
}

static void nor_address(bool bad) {
  start_qspi(0);
  read_array(0x03 | (bad ? AS32 : AS24) | D1, 0x100, 1);
}

static void nor_dummy(bool bad) {
  start_qspi(0);
  read_array(0x0B | AS24 | D1 | DUMMY(bad ? 7 : 8), 0, 1);
}

static void nor_wrap(bool bad) {
  start_qspi(0);
  write_enable();
  program(bad ? 0xFC : 0xF8, 2, 0);
  wait_chip();
}

static void nor_not_erased(bool bad) {
  start_qspi(0);
  write_enable();
  program(0, 1, 0x0000FFFF);
  wait_chip();
  write_enable();
  program(0, 1, bad ? 0x00FF0000 : 0x000000FF);
  wait_chip();
}

static void nor_protected(bool bad) {
  start_qspi(0);
  if (bad) write_status(0x3C);  // BP3 to BP0: everything
  write_enable();
  op_address(0x20 | AS24, 0);
  wait_chip();
}

// The board's supply is at 2.5 V: the mended program asks the voltage detector.
static void power(bool bad) {
  start_qspi(0);
  set(RCC_APB1ENR, BIT(28));
  (void)rd(RCC_APB1ENR);
  wr(PWR_CR1, 0xC000 | 6u << 5 | BIT(4));  // 2.93 V
  if (!bad && rd(PWR_CSR1) & BIT(2)) return;
  write_enable();
  op_address(0x20 | AS24, 0);
  wait_chip();
}

const struct error_case nor_cases[] = {
    {"nor-wel", nor_wel},
    {"nor-busy", nor_busy},
    {"nor-quad", nor_quad},
    {"nor-opcode", nor_opcode},
    {"nor-address", nor_address},
    {"nor-dummy", nor_dummy},
    {"nor-wrap", nor_wrap},
    {"nor-not-erased", nor_not_erased},
    {"nor-protected", nor_protected},
    {"power", power},
    {NULL, NULL},
};
