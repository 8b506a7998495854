// SPDX-License-Identifier: MIT
// What the real bootloader loses between the pages of a program and inside its reads,
// seen on the wires of the QSPI flash. Virtual time is exact, so the bounds are hard:
// the chip's own page time, the clocks of each command, and a few microseconds. What
// the CPU does meanwhile is counted in cycles: it sleeps.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

#define PLACE (EXTERNAL + 0x20000)

enum {
  COMMANDS = 4096,
  PAGE = 256,
  PAGES = CLIENT_BLOCK / PAGE,

  // Between two pages, besides the page's own time and its clocks: the status read that
  // sees the end, the waking core, error bits, write enable. Measured: 2.6 us at
  // 108 MHz, 2.9 us at 54 MHz.
  BETWEEN_NS = 6000,
  CYCLES_PER_US = 216,
};

struct command {
  vtime_t start, end;
  uint8_t opcode;
  uint32_t clocks;  // on the wires
  size_t sent, received;
  uint64_t cycles;  // of the CPU, until it began
};

struct wires {
  struct rig *rig;
  struct nor_tap tap;
  struct command commands[COMMANDS];
  size_t count;
  bool open;
};

static void on_select(void *ctx, bool low) {
  struct wires *w = ctx;
  const vtime_t now = machine_now(w->rig->m);
  if (w->open) w->commands[w->count++].end = now;
  w->open = low && w->count < COMMANDS;
  if (!w->open) return;
  w->commands[w->count] =
      (struct command){.start = now, .cycles = cpu_counters(w->rig->m->cpu).cycles};
}

static void on_send(void *ctx, enum nor_part part, unsigned lines, const uint8_t *bytes,
                    size_t bits) {
  struct wires *w = ctx;
  struct command *c = &w->commands[w->count];
  if (!w->open) return;
  c->clocks += (uint32_t)(bits / lines);
  if (part == NOR_PART_OPCODE) c->opcode = bytes[0];
  if (part == NOR_PART_DATA) c->sent += bits / 8;
}

static void on_wait(void *ctx, unsigned clocks) {
  struct wires *w = ctx;
  if (w->open) w->commands[w->count].clocks += clocks;
}

static void on_receive(void *ctx, unsigned lines, const uint8_t *bytes, size_t count) {
  struct wires *w = ctx;
  struct command *c = &w->commands[w->count];
  (void)bytes;
  if (!w->open) return;
  c->clocks += (uint32_t)(8 * count / lines);
  c->received += count;
}

static struct wires *listen(struct rig *r) {
  static struct wires w;
  w = (struct wires){.rig = r,
                     .tap = {.ctx = &w,
                             .select = on_select,
                             .send = on_send,
                             .wait = on_wait,
                             .receive = on_receive}};
  nor_listen(&r->m->nor, &w.tap);
  return &w;
}

static vtime_t wire_time(const struct rig *r, const struct command *c) {
  return vt_cycles(c->clocks, r->m->nor.sclk_hz);
}

// ---- pages ----

static bool is_page(const struct command *c) {
  return c->sent == PAGE;
}

static void expect_close(const struct rig *r, const struct command *before,
                         const struct command *c) {
  const vtime_t page = r->m->nor.chip->page_time.typ + wire_time(r, c);
  const vtime_t took = c->end - before->end;
  const uint64_t cycles = c->cycles - before->cycles;
  assert_in_range(took, page, page + VT_NS(BETWEEN_NS));
  assert_true(cycles < took / VT_US(1) * CYCLES_PER_US / 10);
}

static void pages_follow_each_other(struct rig *r) {
  static uint8_t data[CLIENT_BLOCK];
  unsigned pairs = 0;
  dfu_pattern(data, sizeof data, 1);
  struct wires *w = listen(r);
  assert_int_equal(dfu_write(r, PLACE, data, sizeof data).state, DNLOAD_IDLE);
  dfu_abort(r);
  assert_int_equal(dfu_wait(r).state, IDLE);
  nor_ignore(&r->m->nor, &w->tap);
  const struct command *before = NULL;
  for (size_t i = 0; i < w->count; i++) {
    const struct command *c = &w->commands[i];
    if (c->received >= PAGE) before = NULL;  // the writer looked at something
    if (!is_page(c)) continue;
    if (before) expect_close(r, before, c);
    if (before) pairs++;
    before = c;
  }
  assert_true(pairs >= PAGES / 2);
  assert_memory_equal(rig_memory(r, PLACE), data, sizeof data);
}

static void pages_on_the_board(void **state) {
  pages_follow_each_other(*state);
}

static void pages_on_every_family(void **state) {
  static const char *const chips[] = {"mx25r6435f",  "w25q128jv",  "mt25ql512",
                                      "n25q256a",    "is25lp064a", "s25fl128l",
                                      "sst26vf064b", "gd25lb512me"};
  (void)state;
  for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
    struct rig *r = rig_open_with(&rig_boards[RIG_HS], chips[i]);
    rig_power_on(r);
    rig_configure(r);
    pages_follow_each_other(r);
    rig_close(r);
  }
}

// ---- reads ----

// CS# is low for the command's clocks, but for what the FIFO takes at the end: the
// writer compares, and what it finds is right already.
static void reads_keep_the_wires_busy(void **state) {
  struct rig *r = *state;
  static uint8_t data[CLIENT_BLOCK];
  size_t bytes = 0;
  memcpy(data, rig_memory(r, PLACE), sizeof data);
  struct wires *w = listen(r);
  assert_int_equal(dfu_write(r, PLACE, data, sizeof data).state, DNLOAD_IDLE);
  assert_int_equal(dfu_finish(r).state, IDLE);
  nor_ignore(&r->m->nor, &w->tap);
  for (size_t i = 0; i < w->count; i++) {
    const struct command *c = &w->commands[i];
    if (c->received < 1024) continue;
    assert_true(c->end - c->start <= wire_time(r, c) * 102 / 100);
    bytes += c->received;
  }
  assert_int_equal(bytes, sizeof data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(pages_on_the_board),
      RIG_BOTH(reads_keep_the_wires_busy),
      cmocka_unit_test(pages_on_every_family),
  };
  return cmocka_run_group_tests_name("nor_times", tests, NULL, NULL);
}
