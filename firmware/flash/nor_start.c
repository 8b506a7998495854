// SPDX-License-Identifier: MIT
#include <string.h>

#include "firmware/flash/nor_internal.h"

enum {
  CMD_WRITE_STATUS = 0x01,
  CMD_READ_SFDP = 0x5A,
  CMD_RESET_ENABLE = 0x66,
  CMD_RESET = 0x99,
  CMD_READ_ID = 0x9F,
  CMD_WAKE = 0xAB,
  CMD_EXIT = 0xFF,
  // These differ from maker to maker, and are sent only when it is known.
  CMD_READ_CONFIG = 0x15,
  CMD_UNLOCK_ALL = 0x98,
  CMD_ENTER_4BYTE = 0xB7,
  CMD_SELECT_DIE = 0xC2,
  // Used when the SFDP has a 4-byte instruction table (JESD216F table 6.6.2).
  CMD_FAST_READ_4B = 0x0C,
  CMD_READ_114_4B = 0x6C,
  CMD_READ_144_4B = 0xEC,
  CMD_PROGRAM_4B = 0x12,
  CMD_PROGRAM_114_4B = 0x34,
  CMD_PROGRAM_144_4B = 0x3E,
  // Otherwise.
  CMD_FAST_READ = 0x0B,
  CMD_PROGRAM = 0x02,

  STATUS_WEL = 1 << 1,
  STATUS_QE_BIT6 = 1 << 6,
  STATUS_SRWD = 1 << 7,  // with WP# low the register is locked
  STATUS2_CMP = 1 << 6,  // what BP bits protect and what not change places
  CONFIG_WPS = 1 << 2,   // Winbond status register 3: block locks instead of BP
  CONFIG_HIGH = 1 << 1,  // Macronix MX25R: not in low-power mode

  // Erase blocks of the medium: larger ones only where there is nothing else; and how
  // many of them its layout string can tell.
  BLOCK_MIN = 4 * 1024,
  BLOCK_LIKED = 64 * 1024,
  BLOCK_MAX = 256 * 1024,
  BLOCKS_MAX = 4096,
  CHIP_MAX = 256 * 1024 * 1024,  // what has addresses; and see WRITER_MAX_UNITS

  // JESD216: SFDP is read at no more than 50 MHz; the MX25R in its low-power mode
  // takes nothing faster.
  IDENTIFY_HZ = 33000000,
  CHIP_MHZ_LOW_POWER = 33,
  BUSY_US = 5000000,          // a chip without 66h and 99h that is erasing
  RESET_US = 100,             // tRST with nothing going on, 30 to 100 us
  STATUS_WRITE_US = 1000000,  // non-volatile registers: S25FL-L 750 ms
  MIN_PAGE_US = 5000,         // some SFDP say less than the data sheet; N25Q: 5 ms
};

#define THREE_BYTES_REACH (16u * 1024u * 1024u)

// --- helpers ---

enum status nor_command(struct nor *n, uint8_t opcode) {
  const struct nor_cmd c = {.opcode = opcode, .opcode_lines = 1};
  return n->bus->write(n->bus->ctx, &c, NULL, 0);
}

enum status nor_read_register(struct nor *n, uint8_t opcode, uint8_t *dst, size_t len) {
  const struct nor_cmd c = {.opcode = opcode, .opcode_lines = 1, .data_lines = 1};
  return n->bus->read(n->bus->ctx, &c, dst, len);
}

uint32_t nor_since(const struct nor *n, uint32_t start) {
  return n->bus->now_us(n->bus->ctx) - start;
}

static void pause(const struct nor *n, uint32_t us) {
  const uint32_t start = n->bus->now_us(n->bus->ctx);
  while (nor_since(n, start) < us) {
  }
}

enum status nor_wait_ready(struct nor *n, uint32_t deadline_us) {
  const uint32_t start = n->bus->now_us(n->bus->ctx);
  for (;;) {
    uint8_t sr;
    const enum status status = nor_read_register(n, NOR_READ_STATUS, &sr, 1);
    if (status != ST_OK) return status;
    if (!(sr & NOR_STATUS_WIP)) return ST_OK;
    if (nor_since(n, start) > deadline_us) return ST_FLASH_TIMEOUT;
  }
}

// Write enable, then a register.
static enum status write_register(struct nor *n, uint8_t opcode, const uint8_t *bytes,
                                  size_t len) {
  const struct nor_cmd c = {
      .opcode = opcode, .opcode_lines = 1, .data_lines = len != 0};
  enum status status = nor_command(n, NOR_WRITE_ENABLE);
  if (status == ST_OK) status = n->bus->write(n->bus->ctx, &c, bytes, len);
  return status == ST_OK ? nor_wait_ready(n, STATUS_WRITE_US) : status;
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
                            .mode_bytes = mode_bytes};
  return n->bus->write(n->bus->ctx, &c, NULL, 0);
}

static enum status send(struct nor *n, uint8_t opcode, uint8_t lines) {
  const struct nor_cmd c = {.opcode = opcode, .opcode_lines = lines};
  return n->bus->write(n->bus->ctx, &c, NULL, 0);
}

enum status nor_send_reset(struct nor *n, uint8_t lines) {
  enum status status = send(n, CMD_RESET_ENABLE, lines);
  if (status == ST_OK) status = send(n, CMD_RESET, lines);
  pause(n, RESET_US);
  n->die = 0;
  return status;
}

// A chip in deep power-down takes no reset; one in QPI takes nothing on one line.
static enum status wake_and_reset(struct nor *n, uint8_t lines) {
  const enum status status = send(n, CMD_WAKE, lines);
  pause(n, RESET_US);
  return status == ST_OK ? nor_send_reset(n, lines) : status;
}

// Nothing drives the lines while the chip resets itself, or if there is none. One
// that answers, and is busy, knows no reset and goes on with its erase.
static enum status wait_recovered(struct nor *n) {
  const uint32_t start = n->bus->now_us(n->bus->ctx);
  for (;;) {
    uint8_t sr;
    const enum status status = nor_read_register(n, NOR_READ_STATUS, &sr, 1);
    if (status != ST_OK) return status;
    if (!(sr & NOR_STATUS_WIP)) return ST_OK;
    const uint32_t passed = nor_since(n, start);
    if (sr == 0xFF && passed > NOR_RECOVER_US) return ST_NOR_ABSENT;
    if (passed > BUSY_US) return ST_FLASH_TIMEOUT;
  }
}

static enum status recover(struct nor *n) {
  enum status status = send_ones(n, 3, 0);           // 8 clocks
  if (status == ST_OK) status = send_ones(n, 4, 0);  // 10 clocks
  if (status == ST_OK) status = send_ones(n, 4, 3);  // 16 clocks
  if (status == ST_OK) status = wake_and_reset(n, 4);
  if (status == ST_OK) status = wake_and_reset(n, 1);
  return status == ST_OK ? wait_recovered(n) : status;
}

// --- identification ---

// FNV-1a over whatever the parser reads.
static enum status sfdp_read(void *ctx, uint32_t address, uint8_t *dst, size_t len) {
  struct nor *n = ctx;
  const struct nor_cmd c = {.opcode = CMD_READ_SFDP,
                            .opcode_lines = 1,
                            .address_lines = 1,
                            .address_bytes = 3,
                            .dummy_clocks = 8,
                            .data_lines = 1,
                            .address = address};
  const enum status status = n->bus->read(n->bus->ctx, &c, dst, len);
  for (size_t i = 0; status == ST_OK && i < len; i++)
    n->digest = (n->digest ^ dst[i]) * 16777619u;
  return status;
}

static enum status sfdp_ask(void *ctx, const struct sfdp_question *q, uint8_t *answer) {
  const struct nor *n = ctx;
  const struct nor_cmd c = {.opcode = q->opcode,
                            .opcode_lines = 1,
                            .address_lines = q->address_bytes != 0,
                            .address_bytes = q->address_bytes,
                            .dummy_clocks = q->dummy_clocks,
                            .data_lines = 1,
                            .address = q->address};
  return n->bus->read(n->bus->ctx, &c, answer, 1);
}

static enum status read_sfdp(struct nor *n, struct sfdp *out) {
  const struct sfdp_source source = {n, sfdp_read, sfdp_ask};
  n->digest = 2166136261u;
  return sfdp_parse(&source, out);
}

static bool silent(const uint8_t id[3]) {
  return (id[0] == 0xFF && id[1] == 0xFF) || (id[0] == 0x00 && id[1] == 0x00);
}

static enum status identify(struct nor *n) {
  uint8_t id[3];
  enum status status = nor_read_register(n, CMD_READ_ID, id, sizeof id);
  if (status != ST_OK) return status;
  if (silent(id)) return ST_NOR_ABSENT;
  memcpy(n->id, id, sizeof id);
  n->family = nor_family_of(id);
  const struct nor_correction *c = nor_correction_of(id);
  if (c) n->correction = *c;
  return read_sfdp(n, &n->sfdp);
}

// --- what the SFDP leaves open ---

// Times where the SFDP has none: between the families of its first revision, N25Q
// (0.25 and 0.7 s), W25Q (0.05 and 0.15 s) and MX25L (0.06 and 0.5 s) for 4 and 64 KB.
static void complete_times(struct sfdp *s) {
  if (!s->page_typical_us) s->page_typical_us = 700;
  if (s->page_maximum_us < MIN_PAGE_US) s->page_maximum_us = MIN_PAGE_US;
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    struct sfdp_erase *e = &s->erase[i];
    if (e->maximum_us) continue;
    e->typical_us = 100000 + e->size / 1024u * 6250u;
    e->maximum_us = 8 * e->typical_us;
  }
}

static void correct(struct nor *n) {
  struct sfdp *s = &n->sfdp;
  const struct nor_correction *c = &n->correction;
  if (c->size && c->size != s->size && s->region_count == 1) {
    s->size = s->regions[0].size = c->size;
  }
  if (s->quad_enable == SFDP_QE_RESERVED) s->quad_enable = n->family->quad_enable;
  if (c->quad_enabled) s->quad_enable = SFDP_QE_NONE;
  if (n->family->flag_status) s->flag_status = true;
  if (!s->resume) s->resume = n->family->resume;
  complete_times(s);
}

// More than 16 MB need a fourth address byte: by opcodes of their own, or by a mode.
// Of a chip of the first revision that has both kinds of addresses, B7h enters it.
static bool choose_addressing(struct nor *n) {
  const struct sfdp *s = &n->sfdp;
  const uint32_t both = SFDP_4B_FAST_READ | SFDP_4B_PROGRAM;
  n->address_bytes = 4;
  if (s->addressing == SFDP_4_BYTES) return true;
  if (s->size <= THREE_BYTES_REACH) {
    n->address_bytes = 3;
    return true;
  }
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const bool erases = s->erase[i].size >= BLOCK_MIN && s->erase[i].opcode_4byte;
    if ((s->four_byte & both) == both && erases) n->dedicated = true;
  }
  n->enter_4byte = !n->dedicated;
  return n->dedicated || s->enter_4byte ||
         (s->is_old && s->addressing == SFDP_3_OR_4_BYTES);
}

// --- erase blocks ---

// One opcode for several sizes erases by place, which only a sector map tells.
static bool ambiguous(const struct sfdp *s, unsigned type) {
  for (unsigned i = 0; s->region_count == 1 && i < SFDP_ERASE_TYPES; i++) {
    const struct sfdp_erase *e = &s->erase[i];
    if (i != type && e->size && e->opcode == s->erase[type].opcode &&
        e->size != s->erase[type].size) {
      return true;
    }
  }
  return false;
}

bool nor_erase_works(const struct nor *n, unsigned region, unsigned type) {
  const struct sfdp *s = &n->sfdp;
  const struct sfdp_erase *e = &s->erase[type];
  return (s->regions[region].types & (1u << type)) && e->size >= BLOCK_MIN &&
         e->size <= BLOCK_MAX && s->regions[region].size % e->size == 0 &&
         (!n->dedicated || e->opcode_4byte) && !ambiguous(s, type);
}

// The larger the better, up to 64 KB.
static bool better(uint32_t size, uint32_t than) {
  if (size > BLOCK_LIKED || than > BLOCK_LIKED) return size < than || than == 0;
  return size > than;
}

static bool choose_block(struct nor *n, unsigned region) {
  const struct sfdp *s = &n->sfdp;
  uint32_t chosen = 0;
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const uint32_t size = s->erase[i].size;
    if (!nor_erase_works(n, region, i) || !better(size, chosen)) continue;
    chosen = size;
    n->block_type[region] = (uint8_t)i;
  }
  return chosen && s->size <= CHIP_MAX && s->size / chosen <= BLOCKS_MAX;
}

static bool choose_blocks(struct nor *n) {
  for (unsigned i = 0; i < n->sfdp.region_count; i++) {
    if (!choose_block(n, i)) return false;
  }
  n->erase_cmd = (struct nor_cmd){
      .opcode_lines = 1, .address_lines = 1, .address_bytes = n->address_bytes};
  return true;
}

// --- a chip that knows no reset, and was left suspended ---

// Ignored by any other. The end is waited for die by die (prepare_dies).
static enum status resume(struct nor *n) {
  return n->sfdp.resume ? nor_command(n, n->sfdp.resume) : ST_OK;
}

// --- quad enable and block protection ---

// Where the quad enable bit is, and what writes it: a register of its own, or 01h
// with both registers.
struct quad_method {
  uint8_t read, write, bit;
};

static const struct quad_method *quad_method(const struct sfdp *s) {
  static const struct quad_method methods[] = {
      [SFDP_QE_NONE] = {0, 0, 0},
      [SFDP_QE_SR2_BIT1_CLEARED] = {0x35, CMD_WRITE_STATUS, 1 << 1},
      [SFDP_QE_SR1_BIT6] = {0, 0, 0},
      [SFDP_QE_SR2_BIT7] = {0x3F, 0x3E, 1 << 7},
      [SFDP_QE_SR2_BIT1] = {0x35, CMD_WRITE_STATUS, 1 << 1},
      [SFDP_QE_SR2_BIT1_READ35] = {0x35, CMD_WRITE_STATUS, 1 << 1},
      [SFDP_QE_SR2_BIT1_WRITE31] = {0x35, 0x31, 1 << 1},
      [SFDP_QE_RESERVED] = {0, 0, 0},
  };
  const struct quad_method *m = &methods[s->quad_enable];
  // Where 35h is a command, not a question, the register cannot be read.
  return m->read == 0x35 && s->qpi_by_35 ? &methods[SFDP_QE_RESERVED] : m;
}

struct registers {
  uint8_t sr[2];
};

static enum status read_registers(struct nor *n, const struct quad_method *m,
                                  struct registers *r) {
  enum status status = nor_read_register(n, NOR_READ_STATUS, &r->sr[0], 1);
  if (status == ST_OK && m->read) status = nor_read_register(n, m->read, &r->sr[1], 1);
  return status;
}

// The registers as they should be: QE set, nothing protected, else as they are.
static struct registers wanted(const struct nor *n, const struct quad_method *m,
                               const struct registers *r) {
  struct registers w = *r;
  w.sr[0] &= (uint8_t)~n->family->protect;
  if (n->sfdp.quad_enable == SFDP_QE_SR1_BIT6) w.sr[0] |= STATUS_QE_BIT6;
  w.sr[1] |= m->bit;
  if (n->family->protect && m->read == 0x35) w.sr[1] &= (uint8_t)~STATUS2_CMP;
  return w;
}

// WP# is IO2, which the controller holds low below four lines (RM0410 14.3.4). With
// quad enabled it is no WP#.
static bool write_protected(const struct nor *n, const struct quad_method *m,
                            const struct registers *r) {
  const bool quad = n->sfdp.quad_enable == SFDP_QE_SR1_BIT6
                        ? (r->sr[0] & STATUS_QE_BIT6) != 0
                        : (r->sr[1] & m->bit) != 0;
  return n->family->protect && (r->sr[0] & STATUS_SRWD) && !quad;
}

static enum status write_registers(struct nor *n, const struct quad_method *m,
                                   const struct registers *r,
                                   const struct registers *w) {
  const bool first = r->sr[0] != w->sr[0], second = r->sr[1] != w->sr[1];
  const uint8_t out[2] = {(uint8_t)(w->sr[0] & ~(STATUS_WEL | NOR_STATUS_WIP)),
                          w->sr[1]};
  const bool together = m->write == CMD_WRITE_STATUS;
  if ((!first && !second) || write_protected(n, m, r)) return ST_OK;
  enum status status = ST_OK;
  if (first || together) {
    status = write_register(n, CMD_WRITE_STATUS, out, together ? 2 : 1);
  }
  if (status == ST_OK && second && !together) {
    status = write_register(n, m->write, &out[1], 1);
  }
  return status;
}

// Registers are non-volatile: written only if they differ.
static enum status prepare_registers(struct nor *n) {
  const struct quad_method *m = quad_method(&n->sfdp);
  struct registers now = {{0, 0}};
  enum status status = read_registers(n, m, &now);
  if (status != ST_OK) return status;
  struct registers w = wanted(n, m, &now);
  status = write_registers(n, m, &now, &w);
  if (status == ST_OK) status = read_registers(n, m, &now);
  if (status != ST_OK) return status;
  w = wanted(n, m, &now);
  const uint8_t quad_bit = n->sfdp.quad_enable == SFDP_QE_SR1_BIT6 ? STATUS_QE_BIT6 : 0;
  const bool known = quad_bit || m->bit || n->sfdp.quad_enable == SFDP_QE_NONE;
  const uint8_t differs[2] = {now.sr[0] ^ w.sr[0], now.sr[1] ^ w.sr[1]};
  if (!known || (differs[0] & quad_bit) || (differs[1] & m->bit)) n->quad = false;
  if ((differs[0] & ~quad_bit) || (differs[1] & ~m->bit)) n->locked = true;
  return ST_OK;
}

enum status nor_select_die(struct nor *n, uint32_t offset) {
  uint8_t die = 0;
  if (n->correction.die) die = (uint8_t)(offset / n->correction.die);
  if (die == n->die) return ST_OK;
  n->die = die;
  const struct nor_cmd c = {
      .opcode = CMD_SELECT_DIE, .opcode_lines = 1, .data_lines = 1};
  return n->bus->write(n->bus->ctx, &c, &die, 1);
}

static enum status prepare_dies(struct nor *n) {
  const uint32_t step = n->correction.die ? n->correction.die : n->sfdp.size;
  enum status status = ST_OK;
  n->quad = true;
  n->locked = false;
  for (uint32_t at = 0; status == ST_OK && at < n->sfdp.size; at += step) {
    status = nor_select_die(n, at);
    if (status == ST_OK) status = nor_wait_ready(n, BUSY_US);
    if (status == ST_OK) status = prepare_registers(n);
  }
  return status;
}

// --- the rest of what a reset undoes ---

static enum status prepare_defaults(struct nor *n) {
  const struct nor_defaults *d = &n->family->defaults;
  uint8_t value;
  if (!d->read) return ST_OK;
  const enum status status = nor_read_register(n, d->read, &value, 1);
  if (status != ST_OK || (value & d->mask) == d->value) return status;
  value = (uint8_t)((value & ~d->mask) | d->value);
  return write_register(n, d->write, &value, 1);
}

static enum status prepare_locks(struct nor *n) {
  uint8_t config = 0;
  if (n->family->locks == NOR_LOCKS_NONE) return ST_OK;
  if (n->family->locks == NOR_LOCKS_BY_WPS) {
    const enum status status = nor_read_register(n, CMD_READ_CONFIG, &config, 1);
    if (status != ST_OK || !(config & CONFIG_WPS)) return status;
  }
  return write_register(n, CMD_UNLOCK_ALL, NULL, 0);
}

// Some chips want a write enable before B7h; the others do not mind it.
enum status nor_prepare(struct nor *n) {
  enum status status = prepare_dies(n);
  if (status == ST_OK) status = prepare_defaults(n);
  if (status == ST_OK) status = prepare_locks(n);
  if (status == ST_OK && n->enter_4byte) {
    status = write_register(n, CMD_ENTER_4BYTE, NULL, 0);
  }
  return status;
}

// --- reading: which mode, at which clock ---

static struct nor_cmd single_read(const struct nor *n) {
  return (struct nor_cmd){
      .opcode = n->dedicated ? CMD_FAST_READ_4B : CMD_FAST_READ,
      .opcode_lines = 1,
      .address_lines = 1,
      .address_bytes = n->address_bytes,
      .dummy_clocks = 8,
      .data_lines = 1,
  };
}

// The mode byte FFh keeps every family's chips out of 0-4-4. Mode clocks that make no
// whole byte are dummy clocks. Without any the lines could not turn round, and 31 is
// what the controller can.
static bool quad_read(const struct nor *n, bool address_on_4, struct nor_cmd *out) {
  const struct sfdp *s = &n->sfdp;
  const struct sfdp_read *r = address_on_4 ? &s->read_144 : &s->read_114;
  const uint8_t lines = address_on_4 ? 4 : 1;
  const uint32_t bit = address_on_4 ? SFDP_4B_READ_144 : SFDP_4B_READ_114;
  const bool mode_byte = r->mode_clocks * lines == 8;
  const uint8_t dummy = (uint8_t)(r->wait_clocks + (mode_byte ? 0 : r->mode_clocks));
  if (!r->opcode || !dummy || dummy > 31) return false;
  if (n->dedicated && !(s->four_byte & bit)) return false;
  *out = single_read(n);
  out->opcode = r->opcode;
  if (n->dedicated) out->opcode = address_on_4 ? CMD_READ_144_4B : CMD_READ_114_4B;
  out->address_lines = lines;
  out->mode_lines = mode_byte ? lines : 0;
  out->mode_bytes = mode_byte ? 1 : 0;
  out->dummy_clocks = dummy;
  out->data_lines = 4;
  return true;
}

static uint8_t lower(uint8_t a, uint8_t b) {
  return a < b ? a : b;
}

// What the chip carries in that mode, not above what the board does. Status reads and
// the like go at the same clock.
static enum status read_limit(struct nor *n, const struct nor_cmd *c, uint32_t *hz) {
  const struct nor_family *f = n->family;
  uint8_t mhz = f->mhz_111, config[2] = {0, 0};
  if (c->data_lines == 4) mhz = lower(mhz, f->mhz_114);
  if (c->address_lines == 4) mhz = lower(f->mhz_111, f->mhz_144);
  if (n->sfdp.is_old) mhz = lower(mhz, f->mhz_old);
  if (n->correction.low_power) {
    const enum status status = nor_read_register(n, CMD_READ_CONFIG, config, 2);
    if (status != ST_OK) return status;
    mhz = config[1] & CONFIG_HIGH ? n->correction.mhz : CHIP_MHZ_LOW_POWER;
  }
  *hz = mhz * 1000000u < n->max_hz ? mhz * 1000000u : n->max_hz;
  return ST_OK;
}

// Nanoseconds for a KB.
static uint32_t cost_of(const struct nor_cmd *c, uint32_t hz) {
  const uint32_t clocks = 8u + 8u * c->address_bytes / c->address_lines +
                          (c->mode_lines ? 8u * c->mode_bytes / c->mode_lines : 0) +
                          c->dummy_clocks + 8192u / c->data_lines;
  return clocks * 1000u / (hz / 1000000u);
}

static uint32_t identify_hz(const struct nor *n) {
  return n->max_hz < IDENTIFY_HZ ? n->max_hz : IDENTIFY_HZ;
}

// The fastest mode, one line only if `quad` is false.
static enum status choose_read(struct nor *n, bool quad, uint32_t *hz) {
  uint32_t least = UINT32_MAX;
  for (unsigned mode = 0; mode < 3; mode++) {
    struct nor_cmd c = single_read(n);
    uint32_t limit;
    if (mode && (!quad || !quad_read(n, mode == 2, &c))) continue;
    const enum status status = read_limit(n, &c, &limit);
    if (status != ST_OK) return status;
    const uint32_t cost = cost_of(&c, n->bus->set_clock(n->bus->ctx, limit));
    n->bus->set_clock(n->bus->ctx, identify_hz(n));
    if (cost >= least) continue;
    least = cost;
    n->read_cmd = c;
    *hz = limit;
  }
  return ST_OK;
}

enum status nor_prove(struct nor *n, const uint8_t sample[NOR_SAMPLE], bool *same) {
  uint8_t id[3], fast[NOR_SAMPLE] = {0};
  struct sfdp again;
  const uint32_t digest = n->digest;
  enum status status = nor_read_register(n, CMD_READ_ID, id, sizeof id);
  if (status == ST_OK) status = read_sfdp(n, &again);
  const bool as_before = status != ST_BUS_TIMEOUT && n->digest == digest;
  n->digest = digest;
  if (status == ST_OK) {
    status = n->bus->read(n->bus->ctx, &n->read_cmd, fast, sizeof fast);
  }
  *same = as_before && status == ST_OK && !memcmp(id, n->id, sizeof id) &&
          !memcmp(fast, sample, sizeof fast);
  return status == ST_BUS_TIMEOUT ? status : ST_OK;
}

// From the chip's limit down, step by step, until the chip proves itself.
static enum status settle(struct nor *n, bool quad, const uint8_t *slow, bool *same) {
  uint32_t hz = 0;
  enum status status = choose_read(n, quad, &hz);
  while (status == ST_OK) {
    n->hz = n->bus->set_clock(n->bus->ctx, hz);
    status = nor_prove(n, slow, same);
    if (*same || n->hz <= identify_hz(n)) break;
    hz = n->hz - 1;
  }
  return status;
}

static enum status start_reading(struct nor *n) {
  uint8_t slow[NOR_SAMPLE];
  bool same = false;
  const struct nor_cmd c = single_read(n);
  enum status status = n->bus->read(n->bus->ctx, &c, slow, sizeof slow);
  if (status == ST_OK) status = settle(n, n->quad, slow, &same);
  if (status == ST_OK && !same && n->quad) status = settle(n, false, slow, &same);
  n->quad = n->read_cmd.data_lines == 4;
  return status;
}

// --- programming ---

static void choose_program(struct nor *n) {
  const uint32_t f = n->sfdp.four_byte;
  const struct nor_family *family = n->family;
  uint8_t opcode = n->dedicated ? CMD_PROGRAM_4B : CMD_PROGRAM;
  uint8_t address_lines = 1, data_lines = 1;
  if (n->quad && n->dedicated && (f & SFDP_4B_PROGRAM_144) && !family->no_program_144) {
    opcode = CMD_PROGRAM_144_4B;
    address_lines = data_lines = 4;
  } else if (n->quad && n->dedicated && (f & SFDP_4B_PROGRAM_114)) {
    opcode = CMD_PROGRAM_114_4B;
    data_lines = 4;
  } else if (n->quad && !n->dedicated && family->quad_program) {
    opcode = family->quad_program;
    address_lines = family->quad_program_lines;
    data_lines = 4;
  }
  n->program_cmd = (struct nor_cmd){
      .opcode = opcode,
      .opcode_lines = 1,
      .address_lines = address_lines,
      .address_bytes = n->address_bytes,
      .data_lines = data_lines & 7,
  };
}

enum status nor_start(struct nor *n, const struct nor_bus *bus, uint32_t max_hz) {
  memset(n, 0, sizeof *n);
  n->bus = bus;
  n->max_hz = max_hz;
  bus->set_clock(bus->ctx, identify_hz(n));
  enum status status = recover(n);
  if (status == ST_OK) status = identify(n);
  if (status != ST_OK) return status;
  correct(n);
  if (!choose_addressing(n) || !choose_blocks(n)) return ST_NOR_UNKNOWN;
  bus->set_size(bus->ctx, n->sfdp.size);
  status = resume(n);
  if (status == ST_OK) status = nor_prepare(n);
  if (status == ST_OK) status = start_reading(n);
  choose_program(n);
  return status;
}

void nor_stop(struct nor *n) {
  nor_end_fetch(n);
  nor_send_reset(n, 1);
}
