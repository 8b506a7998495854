// SPDX-License-Identifier: MIT
#include "tests/bench/limits.h"

static double seconds(vtime_t t) {
  return (double)t / 1e12;
}

// --- NOR -----------------------------------------------------------------------

// In half clocks: both edges may carry data.
static void on_send(void *ctx, enum nor_part part, unsigned lines, const uint8_t *bytes,
                    size_t bits) {
  struct wires *w = ctx;
  (void)part, (void)bytes;
  w->half_clocks += bits / lines * (w->nor->ddr ? 1 : 2);
}

static void on_wait(void *ctx, unsigned clocks) {
  ((struct wires *)ctx)->half_clocks += 2 * clocks;
}

static void on_receive(void *ctx, unsigned lines, const uint8_t *bytes, size_t count) {
  struct wires *w = ctx;
  const struct nor *n = w->nor;
  const double rate = (double)n->sclk_hz * lines * (n->ddr ? 2 : 1) / 8;
  (void)bytes, (void)count;
  if (!n->wire.command || n->wire.command->action != NOR_READ_ARRAY) return;
  if (rate > w->read_Bps) w->read_Bps = rate;
}

static void on_select(void *ctx, bool low) {
  struct wires *w = ctx;
  const struct nor *n = w->nor;
  const struct nor_command *c = n->wire.command;
  if (!low && c && c->action == NOR_PROGRAM && n->wire.count == n->chip->page) {
    const vtime_t time = vt_cycles(w->half_clocks, 2 * n->sclk_hz);
    if (!w->page || time < w->page) w->page = time;
  }
  w->half_clocks = 0;
}

void wires_listen(struct wires *w, struct nor *nor) {
  *w = (struct wires){.tap = {.ctx = w,
                              .select = on_select,
                              .send = on_send,
                              .wait = on_wait,
                              .receive = on_receive},
                      .nor = nor};
  nor_listen(nor, &w->tap);
}

void wires_end(struct wires *w, struct nor *nor) {
  nor_ignore(nor, &w->tap);
}

double limit_nor_erase(const struct nor_chip *chip, uint32_t size, bool smallest) {
  const struct nor_erase *best = NULL;
  for (size_t i = 0; i < NOR_ERASE_TYPES; i++) {
    const struct nor_erase *e = &chip->erases[i];
    if (!e->size || e->size < chip->page * 2) continue;
    const bool cheaper = best && e->time.typ * best->size < best->time.typ * e->size;
    if (!best || (smallest ? e->size < best->size : cheaper)) best = e;
  }
  return best ? seconds(best->time.typ) * ((size + best->size - 1) / best->size) : 0;
}

double limit_nor_program(const struct wires *w, uint32_t size) {
  const struct nor_chip *chip = w->nor->chip;
  return seconds(chip->page_time.typ + w->page) * (size / chip->page);
}

double limit_nor_read(const struct wires *w, uint32_t size) {
  return w->read_Bps > 0 ? size / w->read_Bps : 0;
}

// --- internal ------------------------------------------------------------------

// DS11532 table 53, typical, x32: the widest without VPP.
#define PROGRAM_TIME VT_US(16)

static vtime_t sector_time(uint32_t size) {
  switch (size) {
    case 32u << 10: return VT_MS(200);
    case 128u << 10: return VT_MS(500);
    default: return VT_S(1);
  }
}

enum { ROW = 32 };  // bytes that one access reads (RM0410 3.3.6, one bank)

double limit_internal(const struct flash_f7 *f, uint32_t offset, uint32_t size,
                      uint64_t cpu_hz) {
  vtime_t time = size / 4 * PROGRAM_TIME;
  uint32_t start = 0, length = 0;
  for (uint32_t at = offset; at < offset + size; at = start + length) {
    if (!flash_f7_sector_range(f, flash_f7_sector_of(f, at), &start, &length)) break;
    time += sector_time(length);
  }
  time += vt_cycles(size / ROW * (flash_f7_latency(f) + 1u), cpu_hz);
  return seconds(time);
}
