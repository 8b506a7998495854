// SPDX-License-Identifier: MIT
// QUADSPI with the MX25L51245G of the board, polled: DR in 8, 16 and 32 bits, the
// status match interrupt, code run in place from 0x90000000 over QPI, and the order of
// commands in which ST's board support package starts this chip (facts on the chip,
// section 9), typed from its description.
#include "tests/guests/qspi_guest.h"

enum { SPI = Q_I1 | Q_D1, QPI = Q_I4 | Q_D4, PLACE = 0x10000, WIP = 1 };

static void wait_us(uint32_t us) {
  for (uint32_t i = 0; i < us; i++)
    __asm__ volatile("movs r0, #6\n1:\tsubs r0, #1\n\tbne 1b" ::: "r0", "cc");
}

// --- DR in every width ---

static void put(uint32_t opcode, const uint8_t *bytes, uint32_t count, uint32_t width) {
  qspi_op(0x06 | Q_I1);
  wr(QSPI_DLR, count - 1);
  wr(QSPI_CCR, opcode | SPI | Q_A1 | Q_AS24);
  wr(QSPI_AR, PLACE);
  for (uint32_t i = 0; i < count; i += width) {
    uint32_t value = 0;
    for (uint32_t b = 0; b < width; b++)
      value |= (uint32_t)bytes[i + b] << 8 * b;
    if (width == 1) wr8(QSPI_DR, (uint8_t)value);
    if (width == 2) wr16(QSPI_DR, (uint16_t)value);
    if (width == 4) wr(QSPI_DR, value);
  }
  qspi_done();
  qspi_wait(SPI, WIP);
}

static uint32_t get(uint32_t width) {
  if (width == 1) return rd8(QSPI_DR);
  if (width == 2) return *(volatile uint16_t *)QSPI_DR;
  return rd(QSPI_DR);
}

static bool same(const uint8_t *bytes, uint32_t count, uint32_t width) {
  bool good = true;
  wr(QSPI_DLR, count - 1);
  wr(QSPI_CCR, 0x0B | SPI | Q_A1 | Q_AS24 | Q_DUMMY(8) | Q_READ);
  wr(QSPI_AR, PLACE);
  for (uint32_t i = 0; i < count; i += width) {
    const uint32_t value = get(width);
    for (uint32_t b = 0; b < width; b++)
      good = good && bytes[i + b] == (uint8_t)(value >> 8 * b);
  }
  qspi_done();
  return good;
}

static void widths(void) {
  static uint8_t bytes[64];
  for (uint32_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * 37 + 11);
  for (uint32_t width = 1; width <= 4; width *= 2) {
    qspi_op(0x06 | Q_I1);
    qspi_op_at(0x20 | Q_I1 | Q_A1 | Q_AS24, PLACE);
    qspi_wait(SPI, WIP);
    put(0x02, bytes, sizeof bytes, width);
    for (uint32_t read = 1; read <= 4; read *= 2)
      check_true("DR in every width", same(bytes, sizeof bytes, read));
  }
  // A word read of one byte: the rest is 0.
  wr(QSPI_DLR, 0);
  wr(QSPI_CCR, 0x9F | SPI | Q_READ);
  check("a word read of one byte", rd(QSPI_DR), 0xC2);
  qspi_done();
}

// --- the status match interrupt ---

static volatile uint32_t matches, status_then;

static void on_match(void) {
  matches++;
  status_then = rd(QSPI_SR);
  wr(QSPI_FCR, Q_SMF);
}

static void status_match(void) {
  set_irq(IRQ_QSPI, on_match, 1);
  qspi_op(0x06 | Q_I1);
  qspi_op_at(0x20 | Q_I1 | Q_A1 | Q_AS24, PLACE);
  wr(QSPI_CR, rd(QSPI_CR) | Q_APMS | Q_SMIE);
  wr(QSPI_PSMKR, WIP);
  wr(QSPI_PSMAR, 0);
  wr(QSPI_PIR, 0x10);
  wr(QSPI_DLR, 0);
  wr(QSPI_CCR, 0x05 | SPI | Q_POLL);
  check("no match while the chip erases", matches, 0);
  while (!matches)
    wfi();
  check("one interrupt", matches, 1);
  check_true("it says why", status_then & Q_SMF);
  check("automatic stop", rd(QSPI_SR) & Q_BUSY, 0);
  wr(QSPI_CR, rd(QSPI_CR) & ~(uint32_t)(Q_APMS | Q_SMIE));
  qspi_done();
}

// --- the order of ST's package ---

static void write_status(uint32_t lines, uint32_t status, uint32_t config, bool both) {
  qspi_op(0x06 | (lines & (3u << 8)));
  wr(QSPI_DLR, both ? 1 : 0);
  wr(QSPI_CCR, 0x01 | lines);
  wr8(QSPI_DR, (uint8_t)status);
  if (both) wr8(QSPI_DR, (uint8_t)config);
  qspi_done();
  qspi_wait(lines, WIP);
}

static uint32_t read_register(uint32_t opcode, uint32_t lines) {
  wr(QSPI_DLR, 0);
  wr(QSPI_CCR, opcode | lines | Q_READ);
  const uint32_t value = rd8(QSPI_DR);
  qspi_done();
  return value;
}

static void start_as_st_does(void) {
  qspi_op(0x66 | Q_I4);
  qspi_op(0x99 | Q_I4);
  qspi_op(0x66 | Q_I1);
  qspi_op(0x99 | Q_I1);
  wait_us(1000);
  qspi_wait(SPI, WIP);
  write_status(SPI, read_register(0x05, SPI) | 0x40, 0, false);
  qspi_op(0x35 | Q_I1);
  qspi_op(0x06 | Q_I4);
  qspi_op(0xB7 | Q_I4);
  qspi_op(0x04 | Q_I4);
  const uint32_t status = read_register(0x05, QPI), config = read_register(0x15, QPI);
  write_status(QPI, status, config | 0xC0, true);  // ten dummy clocks
  check("configured", read_register(0x15, QPI), 0xE7);
  check("quad and ready", read_register(0x05, QPI), 0x40);
}

static void write_words(uint32_t address, const uint32_t *words, uint32_t count) {
  qspi_op(0x06 | Q_I4);
  qspi_op_at(0x21 | Q_I4 | Q_A4 | Q_AS32, address);
  qspi_wait(QPI, WIP);
  qspi_op(0x06 | Q_I4);
  wr(QSPI_DLR, 4 * count - 1);
  wr(QSPI_CCR, 0x12 | QPI | Q_A4 | Q_AS32);
  wr(QSPI_AR, address);
  for (uint32_t i = 0; i < count; i++)
    wr(QSPI_DR, words[i]);
  qspi_done();
  qspi_wait(QPI, WIP);
}

// --- code in place ---

// movw r1, #0x1234; add r0, r1; bx lr
static const uint32_t code[] = {0x2134F241, 0x47704408};

static void run_in_place(void) {
  write_words(0x2000000, code, 2);
  qspi_abort();
  wr(QSPI_AR, 0);
  qspi_abort();
  wr(QSPI_CCR, 0xEC | QPI | Q_A4 | Q_AS32 | Q_DUMMY(10) | Q_MAPPED);
  qspi_window(true);
  check("a word of it", rd(QSPI_WINDOW + 0x2000000), code[0]);
  uint32_t (*const add)(uint32_t) =
      (uint32_t(*)(uint32_t))(uintptr_t)(QSPI_WINDOW + 0x2000000 + 1);
  check("run from 0x92000000", add(0x11), 0x1245);
  check("and again", add(0x1000), 0x2234);
  check("BUSY while mapped", rd(QSPI_SR) & Q_BUSY, Q_BUSY);
  qspi_window(false);
  qspi_abort();
}

void guest_main(void) {
  qspi_start(Q_PRESC(1) | 15u << 8);
  wait_us(2000);
  widths();
  status_match();
  start_as_st_does();
  run_in_place();
  finish();
}
