// SPDX-License-Identifier: MIT
#include "firmware/flash/nor.h"

#include <string.h>

enum {
  CMD_WRITE_STATUS = 0x01,
  CMD_READ_STATUS = 0x05,
  CMD_WRITE_ENABLE = 0x06,
  CMD_READ_SECURITY = 0x2B,
  CMD_READ_SFDP = 0x5A,
  CMD_RESET_ENABLE = 0x66,
  CMD_RESET = 0x99,
  CMD_READ_ID = 0x9F,
  CMD_WAKE = 0xAB,
  CMD_EXIT = 0xFF,
  // Used when the SFDP has a 4-byte instruction table (JESD216F table 6.6.2).
  CMD_FAST_READ_4B = 0x0C,
  CMD_READ_144_4B = 0xEC,
  CMD_PROGRAM_4B = 0x12,
  CMD_PROGRAM_144_4B = 0x3E,
  // Otherwise, with 3 address bytes.
  CMD_FAST_READ = 0x0B,
  CMD_PROGRAM = 0x02,

  STATUS_WIP = 1 << 0,
  STATUS_WEL = 1 << 1,
  STATUS_BP = 0x3C,  // BP3:0, where QE is SR1 bit 6 (Macronix, ISSI)
  STATUS_QE_BIT6 = 1 << 6,
  SECURITY_P_FAIL = 1 << 5,  // Macronix RDSCUR
  SECURITY_E_FAIL = 1 << 6,

  MAKER_MACRONIX = 0xC2,

  // Erase blocks of the medium, and how many of them its layout string can tell.
  BLOCK_MIN = 4 * 1024,
  BLOCK_MAX = 64 * 1024,
  BLOCKS_MAX = 4096,

  IDENTIFY_HZ = 40000000,  // JESD216: SFDP is read at no more than 50 MHz
  // After a reset that hit an erase: MX25L51245G tREADY2 25 ms, others up to
  // 100 ms (facts on NOR chips, section 4).
  RECOVER_US = 100000,
  RESET_US = 100,           // tRST with nothing going on, 30 to 100 us
  STATUS_WRITE_US = 40000,  // non-volatile status register, maximum
  DEFAULT_PAGE_US = 5000,   // where the SFDP has none: the slowest of the families
  DEFAULT_ERASE_US = 4000000,
};

#define WINDOW_BASE 0x90000000u

static enum status command(struct nor *n, uint8_t opcode) {
  const struct nor_cmd c = {.opcode = opcode, .opcode_lines = 1};
  return n->bus->write(n->bus->ctx, &c, NULL, 0);
}

static enum status read_register(struct nor *n, uint8_t opcode, uint8_t *dst,
                                 size_t len) {
  const struct nor_cmd c = {.opcode = opcode, .opcode_lines = 1, .data_lines = 1};
  return n->bus->read(n->bus->ctx, &c, dst, len);
}

static uint32_t since(const struct nor *n, uint32_t start) {
  return n->bus->now_us(n->bus->ctx) - start;
}

static void pause(const struct nor *n, uint32_t us) {
  const uint32_t start = n->bus->now_us(n->bus->ctx);
  while (since(n, start) < us) {
  }
}

// Reads the status register until WIP is clear.
static enum status wait_ready(struct nor *n, uint32_t deadline_us) {
  const uint32_t start = n->bus->now_us(n->bus->ctx);
  for (;;) {
    uint8_t sr;
    const enum status status = read_register(n, CMD_READ_STATUS, &sr, 1);
    if (status != ST_OK) return status;
    if (!(sr & STATUS_WIP)) return ST_OK;
    if (since(n, start) > deadline_us) return ST_FLASH_TIMEOUT;
  }
}

// --- recovery: only commands that no vendor takes for something else ---

// FFh on four lines for 8 clocks: leaves 0-4-4 with 3-byte addresses, and QPI of
// the chips that leave it by FFh. With 4 more bytes, 16 clocks, the 4-byte forms.
static enum status send_ones(struct nor *n, uint8_t mode_bytes, uint8_t address_bytes) {
  const struct nor_cmd c = {.opcode = CMD_EXIT,
                            .opcode_lines = 4,
                            .address_lines = address_bytes ? 4 : 0,
                            .address_bytes = address_bytes,
                            .address = 0xFFFFFFu,
                            .mode_lines = 4,
                            .mode_bytes = mode_bytes,
                            .mode = 0xFF};
  return n->bus->write(n->bus->ctx, &c, NULL, 0);
}

static enum status reset_on(struct nor *n, uint8_t lines) {
  struct nor_cmd c = {.opcode = CMD_RESET_ENABLE, .opcode_lines = lines};
  const enum status status = n->bus->write(n->bus->ctx, &c, NULL, 0);
  if (status != ST_OK) return status;
  c.opcode = CMD_RESET;
  return n->bus->write(n->bus->ctx, &c, NULL, 0);
}

static enum status recover(struct nor *n) {
  enum status status = send_ones(n, 3, 0);           // 8 clocks
  if (status == ST_OK) status = send_ones(n, 4, 0);  // 10 clocks
  if (status == ST_OK) status = send_ones(n, 4, 3);  // 16 clocks
  if (status == ST_OK) status = reset_on(n, 4);
  pause(n, RESET_US);
  if (status == ST_OK) status = reset_on(n, 1);
  pause(n, RESET_US);
  if (status == ST_OK) status = command(n, CMD_WAKE);
  pause(n, RESET_US);
  if (status == ST_OK) status = wait_ready(n, RECOVER_US);
  return status == ST_FLASH_TIMEOUT ? ST_NOR_ABSENT : status;
}

// --- identification ---

static enum status sfdp_read(void *ctx, uint32_t address, uint8_t *dst, size_t len) {
  struct nor *n = ctx;
  const struct nor_cmd c = {.opcode = CMD_READ_SFDP,
                            .opcode_lines = 1,
                            .address_lines = 1,
                            .address_bytes = 3,
                            .dummy_clocks = 8,
                            .data_lines = 1,
                            .address = address};
  return n->bus->read(n->bus->ctx, &c, dst, len);
}

static enum status identify(struct nor *n) {
  enum status status = read_register(n, CMD_READ_ID, n->id, sizeof n->id);
  if (status != ST_OK) return status;
  const bool silent =
      (n->id[0] == 0xFF && n->id[1] == 0xFF) || (n->id[0] == 0x00 && n->id[1] == 0x00);
  if (silent) return ST_NOR_ABSENT;
  const struct sfdp_source source = {.ctx = n, .read = sfdp_read};
  return sfdp_parse(&source, &n->sfdp);
}

// The largest erase type that a medium can have.
static bool choose_erase(struct nor *n, bool four_byte) {
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const struct sfdp_erase *e = &n->sfdp.erase[i];
    const bool usable = e->size >= BLOCK_MIN && e->size <= BLOCK_MAX &&
                        n->sfdp.size / e->size <= BLOCKS_MAX &&
                        (!four_byte || e->opcode_4byte);
    if (usable && e->size > n->erase.size) n->erase = *e;
  }
  if (!n->erase.maximum_us) n->erase.maximum_us = DEFAULT_ERASE_US;
  if (!n->erase.typical_us) n->erase.typical_us = DEFAULT_ERASE_US / 8;
  return n->erase.size != 0;
}

static bool choose_commands(struct nor *n) {
  const struct sfdp *s = &n->sfdp;
  const bool four_byte = s->size > 16u * 1024u * 1024u;
  const uint32_t f = s->four_byte;
  if (four_byte && !(f & SFDP_4B_FAST_READ && f & SFDP_4B_PROGRAM)) return false;
  if (!choose_erase(n, four_byte)) return false;
  const uint8_t bytes = four_byte ? 4 : 3;
  const bool quad_program = four_byte && (f & SFDP_4B_PROGRAM_144);
  const uint8_t single_program = four_byte ? CMD_PROGRAM_4B : CMD_PROGRAM;
  n->program_cmd = (struct nor_cmd){
      .opcode = quad_program ? CMD_PROGRAM_144_4B : single_program,
      .opcode_lines = 1,
      .address_lines = quad_program ? 4 : 1,
      .address_bytes = bytes,
      .data_lines = quad_program ? 4 : 1,
  };
  n->erase_cmd = (struct nor_cmd){
      .opcode = four_byte ? n->erase.opcode_4byte : n->erase.opcode,
      .opcode_lines = 1,
      .address_lines = 1,
      .address_bytes = bytes,
  };
  n->read_cmd = (struct nor_cmd){
      .opcode = four_byte ? CMD_FAST_READ_4B : CMD_FAST_READ,
      .opcode_lines = 1,
      .address_lines = 1,
      .address_bytes = bytes,
      .dummy_clocks = 8,
      .data_lines = 1,
  };
  return true;
}

// 1-4-4 read by what the SFDP says of its clocks. The mode byte FFh keeps every
// family's chips out of 0-4-4.
static bool quad_read_cmd(const struct nor *n, struct nor_cmd *out) {
  const struct sfdp *s = &n->sfdp;
  const bool four_byte = n->read_cmd.address_bytes == 4;
  if (!s->read_144.opcode || (four_byte && !(s->four_byte & SFDP_4B_READ_144))) {
    return false;
  }
  const bool mode_byte = s->read_144.mode_clocks == 2;
  *out = n->read_cmd;
  out->opcode = four_byte ? CMD_READ_144_4B : s->read_144.opcode;
  out->address_lines = out->data_lines = 4;
  out->mode_lines = mode_byte ? 4 : 0;
  out->mode_bytes = mode_byte ? 1 : 0;
  out->mode = 0xFF;
  out->dummy_clocks =
      (uint8_t)(s->read_144.wait_clocks + (mode_byte ? 0 : s->read_144.mode_clocks));
  return true;
}

// --- quad enable, for the requirement of Macronix and ISSI ---

static enum status write_status(struct nor *n, uint8_t value) {
  enum status status = command(n, CMD_WRITE_ENABLE);
  if (status != ST_OK) return status;
  const struct nor_cmd c = {
      .opcode = CMD_WRITE_STATUS, .opcode_lines = 1, .data_lines = 1};
  status = n->bus->write(n->bus->ctx, &c, &value, 1);
  return status == ST_OK ? wait_ready(n, STATUS_WRITE_US) : status;
}

// QE set and no block protected, written only if that is not so already: the
// register is non-volatile.
static enum status enable_quad(struct nor *n) {
  uint8_t sr;
  if (n->sfdp.quad_enable == SFDP_QE_NONE) return ST_OK;
  if (n->sfdp.quad_enable != SFDP_QE_SR1_BIT6) return ST_NOR_QUAD_ENABLE;
  enum status status = read_register(n, CMD_READ_STATUS, &sr, 1);
  if (status != ST_OK) return status;
  const uint8_t wanted = (uint8_t)((sr | STATUS_QE_BIT6) & ~STATUS_BP & ~STATUS_WEL);
  if ((sr & ~STATUS_WEL) == wanted) return ST_OK;
  status = write_status(n, wanted);
  if (status != ST_OK) return status;
  status = read_register(n, CMD_READ_STATUS, &sr, 1);
  if (status != ST_OK) return status;
  return sr & STATUS_QE_BIT6 ? ST_OK : ST_NOR_QUAD_ENABLE;
}

// At the full clock the chip must still be itself: same id, and the same bytes on
// four lines as on one.
static enum status try_quad(struct nor *n) {
  uint8_t id[3], slow[16], fast[16];
  struct nor_cmd quad;
  if (!quad_read_cmd(n, &quad)) return ST_NOR_QUAD_ENABLE;
  enum status status = enable_quad(n);
  if (status == ST_OK) {
    status = n->bus->read(n->bus->ctx, &n->read_cmd, slow, sizeof slow);
  }
  if (status != ST_OK) return status;
  n->bus->set_clock(n->bus->ctx, n->max_hz);
  status = read_register(n, CMD_READ_ID, id, sizeof id);
  if (status == ST_OK) status = n->bus->read(n->bus->ctx, &quad, fast, sizeof fast);
  if (status != ST_OK) return status;
  if (memcmp(id, n->id, sizeof id) || memcmp(slow, fast, sizeof slow)) {
    n->bus->set_clock(n->bus->ctx, IDENTIFY_HZ);
    return ST_NOR_QUAD_ENABLE;
  }
  n->read_cmd = quad;
  return ST_OK;
}

enum status nor_start(struct nor *n, const struct nor_bus *bus, uint32_t max_hz) {
  memset(n, 0, sizeof *n);
  n->bus = bus;
  n->max_hz = max_hz;
  bus->set_clock(bus->ctx, IDENTIFY_HZ);
  enum status status = recover(n);
  if (status == ST_OK) status = identify(n);
  if (status != ST_OK) return status;
  bus->set_size(bus->ctx, n->sfdp.size);
  if (!n->sfdp.page_maximum_us) n->sfdp.page_maximum_us = DEFAULT_PAGE_US;
  if (!choose_commands(n)) return ST_NOR_UNKNOWN;
  status = try_quad(n);
  if (status != ST_NOR_QUAD_ENABLE) return status;
  // One line works with every chip; quad commands stay unused.
  if (n->program_cmd.data_lines == 4) {
    n->program_cmd.opcode = CMD_PROGRAM_4B;
    n->program_cmd.address_lines = n->program_cmd.data_lines = 1;
  }
  return ST_OK;
}

// --- the medium ---

// A chip that stayed busy past its deadline takes nothing but a reset; what was
// interrupted by that is for its caller to repeat.
static enum status revive(struct nor *n) {
  if (!n->overdue) return ST_OK;
  enum status status = reset_on(n, 1);
  pause(n, RESET_US);
  if (status == ST_OK) status = wait_ready(n, RECOVER_US);
  n->overdue = status != ST_OK;
  return status;
}

static enum status medium_read(void *ctx, uint32_t offset, uint8_t *dst, size_t len) {
  struct nor *n = ctx;
  struct nor_cmd c = n->read_cmd;
  c.address = offset;
  const enum status status = revive(n);
  return status == ST_OK ? n->bus->read(n->bus->ctx, &c, dst, len) : status;
}

// Whatever changes the chip begins so.
static enum status write_enable(struct nor *n) {
  const enum status status = revive(n);
  return status == ST_OK ? command(n, CMD_WRITE_ENABLE) : status;
}

static enum status begin(struct nor *n, uint32_t deadline_us) {
  const struct nor_cmd c = {
      .opcode = CMD_READ_STATUS, .opcode_lines = 1, .data_lines = 1};
  n->started_us = n->bus->now_us(n->bus->ctx);
  n->deadline_us = deadline_us;
  const enum status status = n->bus->wait_start(n->bus->ctx, &c, STATUS_WIP, 0);
  n->busy = status == ST_OK;
  return status;
}

static enum status medium_erase_start(void *ctx, uint32_t offset, uint32_t size) {
  struct nor *n = ctx;
  (void)size;  // the geometry has blocks of one size only
  struct nor_cmd c = n->erase_cmd;
  c.address = offset;
  enum status status = write_enable(n);
  if (status == ST_OK) status = n->bus->write(n->bus->ctx, &c, NULL, 0);
  if (status != ST_OK) return status;
  n->erasing = true;
  n->left = 0;
  return begin(n, n->erase.maximum_us);
}

// Bytes up to the next page boundary: a program that crosses it would wrap.
static enum status program_page(struct nor *n) {
  struct nor_cmd c = n->program_cmd;
  c.address = n->offset;
  const uint32_t room = n->sfdp.page - n->offset % n->sfdp.page;
  const uint32_t len = n->left < room ? n->left : room;
  enum status status = write_enable(n);
  if (status == ST_OK) status = n->bus->write(n->bus->ctx, &c, n->src, len);
  if (status != ST_OK) return status;
  n->src += len;
  n->offset += len;
  n->left -= len;
  return begin(n, n->sfdp.page_maximum_us);
}

static enum status medium_program_start(void *ctx, uint32_t offset, const uint8_t *src,
                                        size_t len) {
  struct nor *n = ctx;
  n->erasing = false;
  n->src = src;
  n->offset = offset;
  n->left = (uint32_t)len;
  return program_page(n);
}

// What the chip says of the operation that ended, if its family says anything.
static enum status result_of(struct nor *n) {
  if (n->id[0] != MAKER_MACRONIX) return ST_OK;
  uint8_t security;
  const enum status status = read_register(n, CMD_READ_SECURITY, &security, 1);
  if (status != ST_OK) return status;
  if (n->erasing && (security & SECURITY_E_FAIL)) return ST_ERASE_FAILED;
  if (!n->erasing && (security & SECURITY_P_FAIL)) return ST_PROGRAM_FAILED;
  return ST_OK;
}

static enum status give_up(struct nor *n, enum status status, bool *busy) {
  n->bus->wait_stop(n->bus->ctx);
  n->overdue = true;
  *busy = n->busy = false;
  return status;
}

static enum status medium_poll(void *ctx, bool *busy) {
  struct nor *n = ctx;
  *busy = n->busy;
  if (!n->busy) return ST_OK;
  bool done;
  enum status status = n->bus->wait_done(n->bus->ctx, &done);
  if (status != ST_OK) return give_up(n, status, busy);
  if (!done) {
    const bool late = since(n, n->started_us) > n->deadline_us;
    return late ? give_up(n, ST_FLASH_TIMEOUT, busy) : ST_OK;
  }
  status = result_of(n);
  const bool more = status == ST_OK && n->left;
  if (more) status = program_page(n);
  if (!more || status != ST_OK) n->busy = false;
  *busy = n->busy;
  return status;
}

struct media nor_medium(struct nor *n) {
  struct media m = {
      .ctx = n,
      .read = medium_read,
      .erase_start = medium_erase_start,
      .program_start = medium_program_start,
      .poll = medium_poll,
  };
  m.geometry.name = "External QSPI";
  m.geometry.base = WINDOW_BASE;
  m.geometry.size = n->sfdp.size;
  m.geometry.run_count = 1;
  m.geometry.runs[0] = (struct media_run){
      .block_size = n->erase.size,
      .count = (uint16_t)(n->sfdp.size / n->erase.size),
      .writable = true,
      .erase_us = n->erase.typical_us,
  };
  const uint32_t pages_per_kb = 1024u / n->sfdp.page;
  const uint32_t page_us = n->sfdp.page_typical_us ? n->sfdp.page_typical_us : 700;
  m.geometry.program_us_per_kb = (pages_per_kb ? pages_per_kb : 1) * page_us;
  return m;
}
