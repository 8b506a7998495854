// SPDX-License-Identifier: MIT
// Fuzz entry for the serial console and its road into the flash. The input is a small
// program: what is typed, good blocks of XMODEM, lines that close, time, flash that
// fails, another road. Whatever it does, the bootloader's own flash stays as it is, no
// line is overrun, and the update is on record before anything changes.
#include <string.h>

#include "common/base/crc16.h"
#include "common/base/crc32.h"
#include "firmware/serial/console.h"
#include "tests/fuzz/fuzz.h"

enum {
  BOOTLOADER = 0x10000,
  INTERNAL = 0x20000,
  NOR = 0x8000,
  SLOTS = 24,
  LOG = 0x8000,
  TYPED = 4096,
};

struct medium {
  struct media media;
  uint8_t *bytes;
  const uint8_t *source;
  uint32_t offset, size;
  bool busy, slow;
  enum status fail;
};

struct world {
  const uint8_t *p;
  size_t left;
  uint32_t now_us;
  bool open;
  size_t room;
  uint8_t typed[TYPED];
  size_t typed_end;
  struct medium internal, nor;
  struct writer writer;
  struct session session;
  struct console console;
  uint32_t memory[SLOTS * WRITER_UNIT / 4];
  uint8_t internal_bytes[INTERNAL], nor_bytes[NOR];
};

// ---- Flash -----------------------------------------------------------------

static enum status take_failure(struct medium *m) {
  const enum status status = m->fail;
  m->fail = ST_OK;
  return status;
}

static enum status read_medium(void *ctx, uint32_t offset, uint8_t *dst, size_t n) {
  struct medium *m = ctx;
  fuzz_require(!m->busy && offset <= m->media.geometry.size &&
               n <= m->media.geometry.size - offset);
  memcpy(dst, m->bytes + offset, n);
  return take_failure(m);
}

static enum status begin(struct medium *m, uint32_t offset, const uint8_t *source,
                         uint32_t size) {
  fuzz_require(!m->busy && size <= m->media.geometry.size - offset);
  m->source = source;
  m->offset = offset;
  m->size = size;
  m->busy = true;
  return ST_OK;
}

static enum status erase_medium(void *ctx, uint32_t offset, uint32_t size) {
  return begin(ctx, offset, NULL, size);
}

static enum status program_medium(void *ctx, uint32_t offset, const uint8_t *src,
                                  size_t n) {
  return begin(ctx, offset, src, (uint32_t)n);
}

static enum status poll_medium(void *ctx, bool *busy) {
  struct medium *m = ctx;
  *busy = m->busy && m->slow;
  if (*busy || !m->busy) return ST_OK;
  m->busy = false;
  for (uint32_t i = 0; i < m->size; i++) {
    uint8_t *byte = &m->bytes[m->offset + i];
    *byte = m->source ? *byte & m->source[i] : 0xFF;
  }
  return take_failure(m);
}

static void open_medium(struct medium *m, const struct media_geometry *g,
                        uint8_t *bytes) {
  m->bytes = bytes;
  m->media = (struct media){.ctx = m,
                            .geometry = *g,
                            .read = read_medium,
                            .erase_start = erase_medium,
                            .program_start = program_medium,
                            .poll = poll_medium};
}

// ---- The line --------------------------------------------------------------

static size_t peek(void *ctx, const uint8_t **bytes) {
  struct world *w = ctx;
  *bytes = w->typed;
  return w->typed_end < 512 ? w->typed_end : 512;
}

static void take(void *ctx, size_t n) {
  struct world *w = ctx;
  fuzz_require(n <= w->typed_end);
  w->typed_end -= n;
  memmove(w->typed, w->typed + n, w->typed_end);
}

static size_t room(void *ctx) {
  return ((struct world *)ctx)->room;
}

static void put(void *ctx, const uint8_t *bytes, size_t n) {
  struct world *w = ctx;
  uint8_t sum = 0;
  fuzz_require(n <= w->room);
  w->room -= n;
  for (size_t i = 0; i < n; i++)
    sum ^= bytes[i];  // all of them can be read
  *(volatile uint8_t *)&sum = sum;
}

static bool is_open(void *ctx) {
  return ((struct world *)ctx)->open;
}

// ---- The program -----------------------------------------------------------

static uint8_t next(struct world *w) {
  if (w->left == 0) return 0;
  w->left--;
  return *w->p++;
}

static void type(struct world *w, const void *bytes, size_t n) {
  if (n > TYPED - w->typed_end) return;
  memcpy(w->typed + w->typed_end, bytes, n);
  w->typed_end += n;
}

static void type_bytes(struct world *w) {
  size_t n = next(w) % 64;
  if (n > w->left) n = w->left;
  type(w, w->p, n);
  w->p += n;
  w->left -= n;
}

// A right block; its data come from the program, the rest is a pattern.
static void type_block(struct world *w) {
  uint8_t block[3 + MODEM_BIG + 2];
  const uint8_t number = next(w);
  const size_t size = next(w) & 1 ? MODEM_BIG : MODEM_SMALL;
  const size_t text = next(w);
  block[0] = size == MODEM_BIG ? MODEM_STX : MODEM_SOH;
  block[1] = number;
  block[2] = (uint8_t)~number;
  for (size_t i = 0; i < size; i++)
    block[3 + i] = i < text ? next(w) : (uint8_t)(i * number);
  const uint16_t crc = crc16_update(0, block + 3, size);
  block[3 + size] = (uint8_t)(crc >> 8);
  block[4 + size] = (uint8_t)crc;
  type(w, block, size + 5);
}

static void pass_time(struct world *w) {
  static const uint32_t steps[] = {100,     1000,    20000,   100000,
                                   1100000, 5000000, 30000000};
  w->now_us += steps[next(w) % (sizeof steps / sizeof *steps)];
}

static void instruct(struct world *w) {
  static const char *const lines[] = {
      "load\r",         "load qspi\r",  "load g\r", "load 0x0800f000\r",
      "erase flash\r",  "erase qspi\r", "boot\r",   "boot anyway\r",
      "crc flash 1k\r", "read 0 64\r",  "info\r",   "erase 0x08008000 32k\r"};
  switch (next(w) % 10) {
    case 0: type_bytes(w); break;
    case 1: type_block(w); break;
    case 2: pass_time(w); break;
    case 3: w->open = !w->open; break;
    case 4: {
      const char *line = lines[next(w) % (sizeof lines / sizeof *lines)];
      type(w, line, strlen(line));
      break;
    }
    case 5: w->internal.fail = next(w) % 8 ? ST_OK : ST_PROGRAM_FAILED; break;
    case 6: w->nor.slow = next(w) & 1; break;
    case 7: w->internal.slow = next(w) & 1; break;
    case 8: session_claim(&w->session, SESSION_DFU); break;
    default: type(w, "\x04", 1); break;
  }
}

// The state log alone changes there, and only by records.
static void check_flash(const struct world *w) {
  bool changed = false;
  for (size_t i = 0; i < LOG; i++)
    fuzz_require(w->internal_bytes[i] == 0x5A);
  for (size_t i = BOOTLOADER; i < INTERNAL; i++)
    changed = changed || w->internal_bytes[i] != 0xA5;
  for (size_t i = 0; i < NOR; i++)
    changed = changed || w->nor_bytes[i] != 0xA5;
  if (changed) fuzz_require(!state_log_is_blank(w->internal_bytes + LOG));
}

static void run(struct world *w) {
  for (unsigned n = 0; n < 400 && w->left > 0; n++) {
    instruct(w);
    for (unsigned i = 0; i < 60; i++) {
      const bool flash = session_poll(&w->session);
      const bool console = console_poll(&w->console);
      if (w->console.boot || w->console.reset) w->left = 0;
      w->room = SERIAL_LINE_ROOM;
      if (!flash && !console) break;
    }
    w->now_us += 100;
  }
  check_flash(w);
}

static uint32_t now(void *ctx) {
  return ((struct world *)ctx)->now_us;
}

static bool supply_good(void) {
  return true;
}

static void start(struct world *w) {
  static const struct media_geometry internal = {
      .name = "a",
      .base = 0x08000000,
      .size = INTERNAL,
      .run_count = 2,
      .runs = {{0x8000, 2, false, 200000}, {0x8000, 2, true, 200000}},
      .program_us_per_kb = 4096};
  static const struct media_geometry nor = {.name = "b",
                                            .base = 0x90000000,
                                            .size = NOR,
                                            .run_count = 1,
                                            .runs = {{4096, 8, true, 30000}},
                                            .program_us_per_kb = 1000};
  memset(w->internal_bytes, 0x5A, LOG);
  memset(w->internal_bytes + LOG, 0xFF, BOOTLOADER - LOG);
  memset(w->internal_bytes + BOOTLOADER, 0xA5, INTERNAL - BOOTLOADER);
  memset(w->nor_bytes, 0xA5, NOR);
  open_medium(&w->internal, &internal, w->internal_bytes);
  open_medium(&w->nor, &nor, w->nor_bytes);
  writer_init(&w->writer, (uint8_t *)w->memory, sizeof w->memory, now, w, supply_good);
  session_init(&w->session, &w->writer);
  session_add_medium(&w->session, &w->internal.media);
  session_add_medium(&w->session, &w->nor.media);
  fuzz_require(session_open_log(&w->session, 0x08000000 + LOG) == ST_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct info info = {.dev_id = 0x451};
  static const struct console_facts facts = {
      .name = "quadboot", .board = "a board", .info = &info, .crc32 = crc32_update};
  struct world *w = calloc(1, sizeof *w);
  if (!w) return 0;
  const struct serial_line line = {w, peek, take, room, put, is_open};
  w->p = data;
  w->left = size;
  w->room = SERIAL_LINE_ROOM;
  start(w);
  console_init(&w->console, &line, &w->session, &facts);
  run(w);
  free(w);
  return 0;
}
