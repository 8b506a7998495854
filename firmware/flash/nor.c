// SPDX-License-Identifier: MIT
#include "firmware/flash/nor.h"

#include "firmware/flash/nor_internal.h"

enum {
  CMD_ERASE_CHIP = 0xC7,
  CMD_READ_FLAGS = 0x70,
  FLAGS_READY = 1 << 7,
  MAKER_MICRON = 0x20,
};

#define WINDOW_BASE 0x90000000u

// Micron erases stacked dies one by one (C4h).
#define MICRON_DIE (64u * 1024u * 1024u)

static enum status medium_fetched(void *ctx, size_t *got) {
  struct nor *n = ctx;
  *got = SIZE_MAX;
  if (!n->fetching) return n->fetch_status;
  const enum status status = n->bus->fetched(n->bus->ctx, got);
  if (status != ST_OK || *got == n->fetching) n->fetching = 0;
  return status;
}

void nor_end_fetch(struct nor *n) {
  size_t got;
  while (n->fetching)
    n->fetch_status = medium_fetched(n, &got);
}

// A chip that stayed busy past its deadline takes nothing but a reset; what was
// interrupted by that is for its caller to repeat.
static enum status revive(struct nor *n) {
  nor_end_fetch(n);
  if (!n->overdue) return ST_OK;
  enum status status = nor_send_reset(n, 1);
  if (status == ST_OK) status = nor_wait_ready(n, NOR_RECOVER_US);
  if (status == ST_OK) status = nor_prepare(n);
  n->overdue = status != ST_OK;
  return status;
}

static enum status medium_read(void *ctx, uint32_t offset, uint8_t *dst, size_t len) {
  struct nor *n = ctx;
  struct nor_cmd c = n->read_cmd;
  enum status status = revive(n);
  while (status == ST_OK && len) {
    const uint32_t room = NOR_BUS_PART - offset % NOR_BUS_PART;
    const size_t part = len < room ? len : room;
    c.address = offset;
    status = n->bus->read(n->bus->ctx, &c, dst, part);
    offset += (uint32_t)part;
    dst += part;
    len -= part;
  }
  return status;
}

static enum status medium_view(void *ctx, uint32_t offset, size_t len,
                               struct flash_loan *loan) {
  struct nor *n = ctx;
  struct nor_cmd c = n->read_cmd;
  c.address = offset;
  if (offset % NOR_BUS_PART + len > NOR_BUS_PART) return ST_NOT_NOW;
  const enum status status = revive(n);
  return status == ST_OK ? n->bus->map(n->bus->ctx, &c, len, loan) : status;
}

// Not over the end of a die.
static enum status medium_fetch(void *ctx, uint32_t offset, void *dst, size_t len) {
  struct nor *n = ctx;
  struct nor_cmd c = n->read_cmd;
  c.address = offset;
  enum status status = revive(n);
  if (status == ST_OK) status = n->bus->fetch(n->bus->ctx, &c, dst, len);
  n->fetch_status = ST_OK;
  if (status == ST_OK) n->fetching = len;
  return status;
}

// Whatever changes the chip begins so.
static enum status write_enable(struct nor *n, uint32_t offset) {
  if (n->locked) return ST_NOR_PROTECTED;
  enum status status = revive(n);
  if (status == ST_OK) status = nor_select_die(n, offset);
  return status == ST_OK ? nor_command(n, NOR_WRITE_ENABLE) : status;
}

// Micron's: of MT25Q dies with 64 MB each, or of N25Q dies with 32.
static bool is_stack(const struct nor *n) {
  const uint32_t die = n->sfdp.is_old ? NOR_BUS_PART : MICRON_DIE;
  return n->id[0] == MAKER_MICRON && n->sfdp.size > die;
}

// What is polled while the chip works.
static uint8_t polled(const struct nor *n) {
  return n->sfdp.flag_status ? CMD_READ_FLAGS : NOR_READ_STATUS;
}

static void begin(struct nor *n, uint32_t deadline_us) {
  const bool flags = n->sfdp.flag_status;
  const struct nor_cmd c = {.opcode = polled(n), .opcode_lines = 1, .data_lines = 1};
  n->started_us = n->bus->now_us(n->bus->ctx);
  n->deadline_us = deadline_us;
  n->busy = true;
  n->bus->wait_start(n->bus->ctx, &c, flags ? FLAGS_READY : NOR_STATUS_WIP,
                     flags ? FLAGS_READY : 0);
}

// The region that holds `offset`; it is within the chip.
static unsigned region_at(const struct nor *n, uint32_t offset) {
  unsigned i = 0;
  while (offset >= n->sfdp.regions[i].size)
    offset -= n->sfdp.regions[i++].size;
  return i;
}

// The command that erases `size` bytes at `offset`, and how long it may take. False:
// there is none.
static bool erase_cmd(const struct nor *n, uint32_t offset, uint32_t size,
                      struct nor_cmd *c, uint32_t *deadline_us) {
  const unsigned region = region_at(n, offset);
  *c = n->erase_cmd;
  c->address = offset;
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const struct sfdp_erase *e = &n->sfdp.erase[i];
    if (e->size != size || offset % size || !nor_erase_works(n, region, i)) continue;
    c->opcode = n->dedicated ? e->opcode_4byte : e->opcode;
    *deadline_us = e->maximum_us;
    return true;
  }
  if (offset || size != n->sfdp.size) return false;
  *c = (struct nor_cmd){.opcode = CMD_ERASE_CHIP, .opcode_lines = 1};
  *deadline_us = n->sfdp.chip_erase_maximum_us;
  return true;
}

static enum status medium_erase_start(void *ctx, uint32_t offset, uint32_t size) {
  struct nor *n = ctx;
  struct nor_cmd c;
  uint32_t deadline_us;
  if (!erase_cmd(n, offset, size, &c, &deadline_us)) return ST_BAD_ADDRESS;
  enum status status = write_enable(n, offset);
  if (status == ST_OK) status = n->bus->write(n->bus->ctx, &c, NULL, 0);
  if (status != ST_OK) return status;
  n->erasing = true;
  n->left = 0;
  begin(n, deadline_us);
  return ST_OK;
}

// Takes the next page: bytes up to its end, since a program that crosses it wraps.
static void stage_page(struct nor *n) {
  struct nor_cmd c = n->program_cmd;
  c.address = n->offset;
  uint32_t len = n->sfdp.page - n->offset % n->sfdp.page;
  if (len > NOR_BUS_STAGE) len = NOR_BUS_STAGE;
  if (len > n->left) len = n->left;
  n->bus->stage(n->bus->ctx, &c, n->src, len);
  n->staged = len;
}

// While it is programmed, the next one is taken.
static enum status program_page(struct nor *n) {
  const enum status status = write_enable(n, n->offset);
  if (status != ST_OK) return status;
  n->bus->send(n->bus->ctx);
  n->src += n->staged;
  n->offset += n->staged;
  n->left -= n->staged;
  begin(n, n->sfdp.page_maximum_us);
  if (n->left) stage_page(n);
  return ST_OK;
}

static enum status medium_program_start(void *ctx, uint32_t offset, const uint8_t *src,
                                        size_t len) {
  struct nor *n = ctx;
  n->erasing = false;
  n->src = src;
  n->offset = offset;
  n->left = (uint32_t)len;
  nor_end_fetch(n);
  stage_page(n);
  return program_page(n);
}

// What those bits of the family's register say. Those of some stay until they are
// cleared.
static enum status judge(struct nor *n, uint8_t bits) {
  const struct nor_verdict *v = &n->family->verdict;
  const uint8_t failed = n->erasing ? v->erase_failed : v->program_failed;
  bits &= (uint8_t)(failed | v->protected);
  if (!bits) return ST_OK;
  const enum status status = v->clear ? nor_command(n, v->clear) : ST_OK;
  if (status != ST_OK) return status;
  if (bits & v->protected) return ST_NOR_PROTECTED;
  return n->erasing ? ST_ERASE_FAILED : ST_PROGRAM_FAILED;
}

// What the chip says of the operation that ended, if its family says anything.
static enum status result_of(struct nor *n) {
  const uint8_t opcode = n->family->verdict.opcode;
  uint8_t bits;
  if (!opcode) return ST_OK;
  const enum status status = nor_read_register(n, opcode, &bits, 1);
  return status == ST_OK ? judge(n, bits) : status;
}

static void give_up(struct nor *n) {
  n->bus->wait_stop(n->bus->ctx);
  n->overdue = true;
  n->busy = false;
}

// Some Spansion chips stay busy after a failure until its bits are cleared.
static enum status too_late(struct nor *n) {
  give_up(n);
  const enum status status = result_of(n);
  return status == ST_OK ? ST_FLASH_TIMEOUT : status;
}

// It is over, or its next page begins. The byte that was polled last may say all; of a
// stack of dies each is to be asked.
static enum status end_page(struct nor *n, uint8_t byte) {
  const bool said = polled(n) == n->family->verdict.opcode && !is_stack(n);
  n->busy = false;
  const enum status status = said ? judge(n, byte) : result_of(n);
  return status == ST_OK && n->left ? program_page(n) : status;
}

void nor_go_on(struct nor *n) {
  bool done;
  uint8_t byte;
  if (!n->busy) return;
  n->result = n->bus->wait_done(n->bus->ctx, &done, &byte);
  if (n->result != ST_OK) {
    give_up(n);
  } else if (done) {
    n->result = end_page(n, byte);
  }
}

static enum status medium_poll(void *ctx, bool *busy) {
  struct nor *n = ctx;
  nor_go_on(n);
  if (n->busy && nor_since(n, n->started_us) > n->deadline_us) n->result = too_late(n);
  *busy = n->busy;
  const enum status status = n->result;
  n->result = ST_OK;
  return status;
}

// --- geometry ---

static void add_erases(const struct nor *n, struct media_geometry *g) {
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const struct sfdp_erase *e = &n->sfdp.erase[i];
    struct media_erase erase = {.size = e->size, .erase_us = e->typical_us};
    for (unsigned region = 0; region < n->sfdp.region_count; region++) {
      if (nor_erase_works(n, region, i)) erase.runs |= (uint8_t)(1u << region);
    }
    if (erase.runs) g->erases[g->erase_count++] = erase;
  }
}

static void add_runs(const struct nor *n, struct media_geometry *g) {
  g->run_count = n->sfdp.region_count;
  for (unsigned i = 0; i < n->sfdp.region_count; i++) {
    const struct sfdp_erase *e = &n->sfdp.erase[n->block_type[i]];
    g->runs[i] = (struct media_run){
        .block_size = e->size,
        .count = (uint16_t)(n->sfdp.regions[i].size / e->size),
        .writable = true,
        .erase_us = e->typical_us,
    };
  }
}

static uint32_t whole_erase_us(const struct nor *n) {
  return n->correction.die || is_stack(n) ? 0 : n->sfdp.chip_erase_typical_us;
}

struct media nor_medium(struct nor *n) {
  struct media m = {
      .ctx = n,
      .read = medium_read,
      .view = medium_view,
      .fetch = medium_fetch,
      .fetched = medium_fetched,
      .erase_start = medium_erase_start,
      .program_start = medium_program_start,
      .poll = medium_poll,
  };
  m.geometry.name = "External QSPI";
  m.geometry.base = WINDOW_BASE;
  m.geometry.size = n->sfdp.size;
  add_runs(n, &m.geometry);
  add_erases(n, &m.geometry);
  m.geometry.whole_erase_us = whole_erase_us(n);
  const uint32_t pages_per_kb = 1024u / n->sfdp.page;
  m.geometry.program_us_per_kb =
      (pages_per_kb ? pages_per_kb : 1) * n->sfdp.page_typical_us;
  m.geometry.program_once = n->family->program_once;
  return m;
}
