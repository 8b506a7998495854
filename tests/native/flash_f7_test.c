// SPDX-License-Identifier: MIT
// The internal-flash driver against the simulator's flash: geometry, every erase and
// program with its time at each supply, and each way in which they fail. Tables are
// typed from RM0410 chapter 3 and DS11532 tables 53 and 54.
#include "firmware/drivers/flash_f7.h"

#include <string.h>

#include "tests/native/chips.h"
#include "tests/native/include/firmware/mmio.h"
#include "tests/native/mmio_bus.h"

enum { KEPT = 64 * 1024 };

#define CR     (CHIPS_FLASH_REGS + 0x10u)
#define SR     (CHIPS_FLASH_REGS + 0x0Cu)
#define LOCK   (1u << 31)
#define BSY    (1u << 16)
#define NDBANK (1u << 29)

struct bench {
  struct chips *chips;
  struct flash_f7 flash;
  struct media medium;
};

static void start(struct bench *b, uint32_t supply_mv, uint32_t size) {
  const struct flash_f7_config config = {
      .regs = CHIPS_FLASH_REGS,
      .bytes = CHIPS_FLASH_BYTES,
      .size = size,
      .supply_mv = (uint16_t)supply_mv,
      .bootloader_size = KEPT,
      .now_us = mmio_now_us,
  };
  flash_f7_start(&b->flash, &config);
  b->medium = flash_f7_medium(&b->flash);
}

static void open_bench(struct bench *b, uint32_t supply_mv) {
  b->chips = chips_open(supply_mv);
  start(b, supply_mv, CHIPS_FLASH_SIZE);
}

static int setup(void **state) {
  static struct bench bench;
  open_bench(&bench, 3300);
  *state = &bench;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  struct chips *c = b->chips;
  const uint64_t seen = c->sim.report.guest_errors + c->sim.report.unimplemented;
  chips_close(c);
  assert_int_equal(seen, 0);
  return 0;
}

static vtime_t now(const struct bench *b) {
  return b->chips->sim.events.now;
}

// Until the operation is over, as the core's main loop with nothing else to do.
static enum status finish(struct bench *b) {
  for (;;) {
    bool busy;
    flash_f7_go_on(&b->flash);
    const enum status status = b->medium.poll(b->medium.ctx, &busy);
    if (!busy) return status;
    chips_pass(b->chips, VT_NS(200));
  }
}

static enum status erase(struct bench *b, uint32_t offset, uint32_t size) {
  const enum status status = b->medium.erase_start(b->medium.ctx, offset, size);
  return status == ST_OK ? finish(b) : status;
}

static enum status program(struct bench *b, uint32_t offset, const uint8_t *src,
                           size_t n) {
  const enum status status = b->medium.program_start(b->medium.ctx, offset, src, n);
  return status == ST_OK ? finish(b) : status;
}

static void expect_locked(void) {
  assert_int_equal(mmio_read32(CR), LOCK);
}

// --- geometry ------------------------------------------------------------------

struct run {
  uint32_t size, count;
  bool writable;
};

static const struct layout {
  uint32_t size;
  bool dual;
  struct run runs[MEDIA_MAX_RUNS + 1];
} layouts[] = {
    // RM0410 tables 3 to 6; the first 64 KB are the bootloader's.
    {2048 * 1024,
     false,
     {{32768, 2, false}, {32768, 2, true}, {131072, 1, true}, {262144, 7, true}}},
    {1024 * 1024,
     false,
     {{32768, 2, false}, {32768, 2, true}, {131072, 1, true}, {262144, 3, true}}},
    {2048 * 1024,
     true,
     {{16384, 4, false},
      {65536, 1, true},
      {131072, 7, true},
      {16384, 4, true},
      {65536, 1, true},
      {131072, 7, true}}},
    {1024 * 1024,
     true,
     {{16384, 4, false},
      {65536, 1, true},
      {131072, 3, true},
      {16384, 4, true},
      {65536, 1, true},
      {131072, 3, true}}},
};

static void geometry(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    const struct layout *l = &layouts[i];
    chips_flash_options(b->chips, l->dual ? NDBANK : 0);
    start(b, 3300, l->size);
    const struct media_geometry *g = &b->medium.geometry;
    assert_int_equal(g->base, 0x08000000);
    assert_int_equal(g->size, l->size);
    unsigned count = 0;
    for (; l->runs[count].count; count++) {
      assert_int_equal(g->runs[count].block_size, l->runs[count].size);
      assert_int_equal(g->runs[count].count, l->runs[count].count);
      assert_int_equal(g->runs[count].writable, l->runs[count].writable);
    }
    assert_int_equal(g->run_count, count);
  }
}

static void sector_numbers(void **state) {
  struct bench *b = *state;
  static const struct {
    bool dual;
    uint32_t size, offset, number;
  } rows[] = {
      // Single bank: 0 to 11.
      {false, 2048, 0, 0},
      {false, 2048, 32, 1},
      {false, 2048, 96, 3},
      {false, 2048, 128, 4},
      {false, 2048, 256, 5},
      {false, 2048, 512, 6},
      {false, 2048, 1792, 11},
      {false, 1024, 768, 7},
      // Two banks: 0 to 11, 16 to 27.
      {true, 2048, 0, 0},
      {true, 2048, 16, 1},
      {true, 2048, 48, 3},
      {true, 2048, 64, 4},
      {true, 2048, 128, 5},
      {true, 2048, 896, 11},
      {true, 2048, 1024, 16},
      {true, 2048, 1072, 19},
      {true, 2048, 1088, 20},
      {true, 2048, 1152, 21},
      {true, 2048, 1920, 27},
      {true, 1024, 384, 7},
      {true, 1024, 512, 16},
      {true, 1024, 896, 23},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    chips_flash_options(b->chips, rows[i].dual ? NDBANK : 0);
    start(b, 3300, rows[i].size * 1024);
    assert_int_equal(flash_f7_sector_number(&b->flash, rows[i].offset * 1024),
                     rows[i].number);
  }
}

// ms by width x8, x16, x32, typical: what hosts are told.
static void typical_erase_times(void **state) {
  struct bench *b = *state;
  static const struct {
    bool dual;
    unsigned run;
    uint32_t ms[3];
  } rows[] = {
      {false, 1, {400, 250, 200}},     // 32 KB
      {false, 2, {1100, 800, 500}},    // 128 KB
      {false, 3, {2100, 1500, 1000}},  // 256 KB
      {true, 0, {400, 300, 250}},      // 16 KB
      {true, 1, {1200, 700, 550}},     // 64 KB
      {true, 2, {2000, 1300, 1000}},   // 128 KB
  };
  static const uint32_t supplies[] = {1800, 2100, 2700};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (int width = 0; width < 3; width++) {
      chips_flash_options(b->chips, rows[i].dual ? NDBANK : 0);
      start(b, supplies[width], CHIPS_FLASH_SIZE);
      assert_int_equal(b->medium.geometry.runs[rows[i].run].erase_us,
                       rows[i].ms[width] * 1000);
    }
  }
}

// --- erase ---------------------------------------------------------------------

static const struct {
  uint32_t offset, size;
  uint32_t ms[3];  // typical, x8, x16, x32
} sectors[] = {
    {0x10000, 0x8000, {400, 250, 200}},      {0x18000, 0x8000, {400, 250, 200}},
    {0x20000, 0x20000, {1100, 800, 500}},    {0x40000, 0x40000, {2100, 1500, 1000}},
    {0x1C0000, 0x40000, {2100, 1500, 1000}},
};

static void expect_erased(const struct bench *b, uint32_t offset, uint32_t size) {
  static uint8_t wanted[CHIPS_FLASH_SIZE];
  memset(wanted, 0x3C, sizeof wanted);
  memset(wanted + offset, 0xFF, size);
  assert_memory_equal(b->chips->flash, wanted, sizeof wanted);
}

static void every_width_erases(void **state) {
  struct bench *b = *state;
  static const uint32_t supplies[] = {1800, 2100, 2700};
  for (int width = 0; width < 3; width++) {
    for (size_t i = 0; i < sizeof sectors / sizeof *sectors; i++) {
      chips_close(b->chips);
      open_bench(b, supplies[width]);
      memset(b->chips->flash, 0x3C, CHIPS_FLASH_SIZE);
      const vtime_t begun = now(b);
      assert_int_equal(erase(b, sectors[i].offset, sectors[i].size), ST_OK);
      assert_int_equal((now(b) - begun) / VT_MS(1), sectors[i].ms[width]);
      expect_erased(b, sectors[i].offset, sectors[i].size);
      expect_locked();
      chips_expect_quiet(b->chips);
    }
  }
}

// Every sector of every layout, erased and programmed as the geometry tells it: the
// chip takes the number for the sector that is meant, and nothing else changes.
static void every_sector_of_every_layout(void **state) {
  struct bench *b = *state;
  static const uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    chips_flash_size(b->chips, layouts[i].size);
    chips_flash_options(b->chips, layouts[i].dual ? NDBANK : 0);
    start(b, 3300, layouts[i].size);
    const struct media_geometry *g = &b->medium.geometry;
    uint32_t at = 0;
    for (unsigned run = 0; run < g->run_count; run++) {
      const uint32_t size = g->runs[run].block_size;
      for (unsigned n = 0; n < g->runs[run].count; n++, at += size) {
        memset(b->chips->flash, 0x3C, CHIPS_FLASH_SIZE);
        bool busy;
        assert_int_equal(b->medium.erase_start(b->medium.ctx, at, size), ST_OK);
        chips_pass(b->chips, VT_US(g->runs[run].erase_us - 1000));
        assert_int_equal(b->medium.poll(b->medium.ctx, &busy), ST_OK);
        assert_true(busy);
        chips_pass(b->chips, VT_MS(1));
        assert_int_equal(b->medium.poll(b->medium.ctx, &busy), ST_OK);
        assert_false(busy);
        expect_erased(b, at, size);
        assert_int_equal(program(b, at + size - 8, data, 8), ST_OK);
        assert_memory_equal(b->chips->flash + at + size - 8, data, 8);
      }
    }
    assert_int_equal(at, layouts[i].size);
  }
  chips_expect_quiet(b->chips);
}

// The end of an operation raises the interrupt that wakes the core.
static void the_end_wakes_the_core(void **state) {
  struct bench *b = *state;
  static const uint8_t data[4] = {0};
  for (int i = 0; i < 2; i++) {
    if (i) {
      b->medium.program_start(b->medium.ctx, 0x10000, data, sizeof data);
    } else {
      b->medium.erase_start(b->medium.ctx, 0x10000, 0x8000);
    }
    assert_false(b->chips->flash_irq);
    chips_pass(b->chips, VT_S(1));
    assert_true(b->chips->flash_irq);
    assert_int_equal(finish(b), ST_OK);
    assert_false(b->chips->flash_irq);
  }
}

// The maximum of the data sheet, and not much more.
static void an_erase_that_never_ends(void **state) {
  struct bench *b = *state;
  static const uint32_t maximum_ms[] = {500, 500, 1100, 2000, 2000};
  uint8_t word[4] = {0};
  for (size_t i = 0; i < sizeof sectors / sizeof *sectors; i++) {
    chips_flash_stays_busy(b->chips, true);
    const vtime_t begun = now(b);
    assert_int_equal(erase(b, sectors[i].offset, sectors[i].size), ST_FLASH_TIMEOUT);
    assert_int_equal((now(b) - begun) / VT_MS(1), maximum_ms[i]);
    // Nothing more can be done with it, and nothing is tried.
    assert_int_equal(erase(b, 0x10000, 0x8000), ST_FLASH_TIMEOUT);
    assert_int_equal(program(b, 0x10000, word, 4), ST_FLASH_TIMEOUT);
    assert_int_equal(b->medium.read(b->medium.ctx, 0x10000, word, 4), ST_FLASH_TIMEOUT);
    chips_expect_quiet(b->chips);
    chips_flash_stays_busy(b->chips, false);
    chips_flash_power_cycle(b->chips);
    start(b, 3300, CHIPS_FLASH_SIZE);
    assert_int_equal(erase(b, sectors[i].offset, sectors[i].size), ST_OK);
  }
}

// --- program -------------------------------------------------------------------

// Every alignment and length around the unit, at every width: exactly these bytes
// change, and only units with a change are programmed.
static void every_alignment(void **state) {
  struct bench *b = *state;
  static const uint32_t supplies[] = {1800, 2100, 2700};
  uint8_t data[12];
  for (int width = 0; width < 3; width++) {
    chips_close(b->chips);
    open_bench(b, supplies[width]);
    const uint32_t unit = 1u << width;
    uint32_t at = 0x10000;
    for (uint32_t shift = 0; shift < 8; shift++) {
      for (uint32_t n = 0; n <= sizeof data; n++, at += 32) {
        for (uint32_t i = 0; i < n; i++)
          data[i] = (uint8_t)(shift * 16 + i + 1);
        const uint64_t before = chips_flash_counts(b->chips).programs;
        assert_int_equal(program(b, at + shift, data, n), ST_OK);
        for (uint32_t i = 0; i < 32; i++) {
          const bool inside = i - shift < n;
          assert_int_equal(b->chips->flash[at + i], inside ? data[i - shift] : 0xFF);
        }
        const uint32_t first = shift / unit, end = (shift + n + unit - 1) / unit;
        assert_int_equal(chips_flash_counts(b->chips).programs - before,
                         n ? end - first : 0);
        expect_locked();
      }
    }
    chips_expect_quiet(b->chips);
  }
}

static void program_takes_its_typical_time(void **state) {
  struct bench *b = *state;
  static uint8_t data[4096];
  const vtime_t begun = now(b);
  memset(data, 0x00, sizeof data);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_OK);
  const uint64_t us = (now(b) - begun) / VT_US(1);
  assert_in_range(us, 1024 * 16, 1024 * 16 * 103 / 100);
  // What the driver tells of itself: a host that was told more would come too late.
  assert_in_range(b->medium.geometry.program_us_per_kb * 4, us * 98 / 100,
                  us * 101 / 100);
}

// The next unit goes out in one step; what is left when there is none is poll()'s.
static void it_goes_on_at_once(void **state) {
  struct bench *b = *state;
  static const uint8_t data[16] = {1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF, 9};
  assert_int_equal(b->medium.program_start(b->medium.ctx, 0x10000, data, 12), ST_OK);
  flash_f7_go_on(&b->flash);  // still busy
  assert_int_equal(chips_flash_counts(b->chips).programs, 0);
  chips_pass(b->chips, VT_US(17));
  assert_true(b->chips->flash_irq);
  flash_f7_go_on(&b->flash);  // the unit in between is there already
  assert_false(b->chips->flash_irq);
  assert_true(mmio_read32(SR) & BSY);
  assert_int_equal(chips_flash_counts(b->chips).programs, 1);
  chips_pass(b->chips, VT_US(17));
  flash_f7_go_on(&b->flash);  // none is left: the end is for poll() to tell
  assert_true(b->chips->flash_irq);
  assert_int_equal(mmio_read32(SR) & BSY, 0);
  bool busy = true;
  assert_int_equal(b->medium.poll(b->medium.ctx, &busy), ST_OK);
  assert_false(busy);
  assert_memory_equal(b->chips->flash + 0x10000, data, 12);
  expect_locked();
}

// Nothing of an operation that failed, or that is an erase, goes on.
static void nothing_goes_on_behind_a_failure(void **state) {
  struct bench *b = *state;
  static const uint8_t data[16] = {0};
  bool busy;
  assert_int_equal(b->medium.program_start(b->medium.ctx, 0x10000, data, 16), ST_OK);
  chips_pass(b->chips, VT_US(17));
  chips_flash_leave_error(b->chips, 1u << 6);
  flash_f7_go_on(&b->flash);
  assert_int_equal(b->medium.poll(b->medium.ctx, &busy), ST_PROGRAM_FAILED);
  flash_f7_go_on(&b->flash);
  assert_int_equal(chips_flash_counts(b->chips).programs, 1);
  chips_flash_stays_busy(b->chips, true);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_FLASH_TIMEOUT);
  chips_flash_stays_busy(b->chips, false);
  chips_flash_power_cycle(b->chips);
  flash_f7_go_on(&b->flash);
  assert_int_equal(b->medium.erase_start(b->medium.ctx, 0x10000, 0x8000), ST_OK);
  chips_pass(b->chips, VT_S(1));
  flash_f7_go_on(&b->flash);
  assert_true(b->chips->flash_irq);
  assert_int_equal(finish(b), ST_OK);
}

// Without, it is slower and no worse.
static void poll_alone_goes_on(void **state) {
  struct bench *b = *state;
  static const uint8_t data[64] = {0};
  bool busy = true;
  assert_int_equal(b->medium.program_start(b->medium.ctx, 0x10002, data, 64), ST_OK);
  while (busy) {
    chips_pass(b->chips, VT_US(2));
    assert_int_equal(b->medium.poll(b->medium.ctx, &busy), ST_OK);
  }
  assert_memory_equal(b->chips->flash + 0x10002, data, 64);
  assert_int_equal(b->chips->flash[0x10001] & b->chips->flash[0x10042], 0xFF);
}

static void what_is_there_is_not_programmed_again(void **state) {
  struct bench *b = *state;
  uint8_t data[64];
  memset(data, 0xA5, sizeof data);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_OK);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_OK);
  assert_int_equal(chips_flash_counts(b->chips).programs, 16);
  memset(data, 0xFF, sizeof data);
  assert_int_equal(program(b, 0x20000, data, sizeof data), ST_OK);
  assert_int_equal(chips_flash_counts(b->chips).programs, 16);
  data[33] = 0x00;  // one unit only
  assert_int_equal(program(b, 0x20000, data, sizeof data), ST_OK);
  assert_int_equal(chips_flash_counts(b->chips).programs, 17);
}

static void a_program_that_never_ends(void **state) {
  struct bench *b = *state;
  static const uint8_t data[64] = {0};
  const vtime_t begun = now(b);
  chips_flash_stays_busy(b->chips, true);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_FLASH_TIMEOUT);
  assert_in_range((now(b) - begun) / VT_US(1), 100, 300);
  uint8_t word[4];
  assert_int_equal(b->medium.read(b->medium.ctx, 0x20000, word, 4), ST_FLASH_TIMEOUT);
  chips_flash_stays_busy(b->chips, false);
  chips_flash_power_cycle(b->chips);
  assert_int_equal(program(b, 0x20000, data, sizeof data), ST_OK);
}

// The flash itself does not notice; the writer's read-back will.
static void a_unit_that_does_not_take(void **state) {
  struct bench *b = *state;
  static const uint8_t data[64] = {0};
  chips_flash_program_fails(b->chips, 0x10000 + 21);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_OK);
  for (uint32_t i = 0; i < sizeof data; i++) {
    assert_int_equal(b->chips->flash[0x10000 + i], i / 4 == 5 ? 0xFF : 0x00);
  }
}

// --- refusals ------------------------------------------------------------------

static void protected_sectors(void **state) {
  struct bench *b = *state;
  static const uint8_t data[4] = {0};
  chips_flash_options(b->chips, 1u << (16 + 4));  // nWRP of sector 4
  assert_int_equal(erase(b, 0x20000, 0x20000), ST_FLASH_PROTECTED);
  chips_expect_report(b->chips, GUEST_FLASH_PROTECTED);
  expect_locked();
  assert_int_equal(program(b, 0x20000, data, sizeof data), ST_FLASH_PROTECTED);
  chips_expect_report(b->chips, GUEST_FLASH_PROTECTED);
  expect_locked();
  assert_int_equal(b->chips->flash[0x20000], 0xFF);
  assert_int_equal(erase(b, 0x10000, 0x8000), ST_OK);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_OK);
}

static void locked_for_ever(void **state) {
  struct bench *b = *state;
  static const uint8_t data[4] = {0};
  chips_flash_lock_for_ever(b->chips);
  assert_int_equal(erase(b, 0x10000, 0x8000), ST_FLASH_LOCKED);
  assert_int_equal(program(b, 0x10000, data, sizeof data), ST_FLASH_LOCKED);
  assert_int_equal(chips_flash_counts(b->chips).erases, 0);
}

// A flag that something else has left is not taken for a failure of ours, and one
// that comes up is.
static void error_flags(void **state) {
  struct bench *b = *state;
  static const uint8_t data[8] = {0};
  static const struct {
    uint32_t flag;
    bool erasing;
    enum status status;
  } rows[] = {
      {1u << 1, true, ST_ERASE_FAILED},    {1u << 7, true, ST_ERASE_FAILED},
      {1u << 4, true, ST_FLASH_PROTECTED}, {1u << 1, false, ST_PROGRAM_FAILED},
      {1u << 5, false, ST_PROGRAM_FAILED}, {1u << 6, false, ST_PROGRAM_FAILED},
      {1u << 7, false, ST_PROGRAM_FAILED}, {1u << 4, false, ST_FLASH_PROTECTED},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const uint32_t at = 0x10000 + 64 * (uint32_t)i;
    chips_flash_leave_error(b->chips, rows[i].flag);
    if (rows[i].erasing) {
      assert_int_equal(b->medium.erase_start(b->medium.ctx, 0x18000, 0x8000), ST_OK);
    } else {
      assert_int_equal(b->medium.program_start(b->medium.ctx, at, data, 8), ST_OK);
    }
    chips_flash_leave_error(b->chips, rows[i].flag);
    assert_int_equal(finish(b), rows[i].status);
    expect_locked();
    if (!rows[i].erasing) assert_int_equal(b->chips->flash[at + 4], 0xFF);
    assert_int_equal(program(b, at + 32, data, 8), ST_OK);
  }
}

// --- read ----------------------------------------------------------------------

static void every_read(void **state) {
  struct bench *b = *state;
  uint8_t data[16];
  for (uint32_t i = 0; i < 64; i++)
    b->chips->flash[CHIPS_FLASH_SIZE - 64 + i] = (uint8_t)(i * 7 + 1);
  for (uint32_t shift = 0; shift < 8; shift++) {
    for (uint32_t n = 0; n <= 12; n++) {
      const uint32_t at = CHIPS_FLASH_SIZE - 64 + shift;
      memset(data, 0xEE, sizeof data);
      assert_int_equal(b->medium.read(b->medium.ctx, at, data, n), ST_OK);
      assert_memory_equal(data, b->chips->flash + at, n);
      assert_int_equal(data[n], 0xEE);
    }
  }
  const uint32_t last = CHIPS_FLASH_SIZE - 1;
  assert_int_equal(b->medium.read(b->medium.ctx, last, data, 1), ST_OK);
  assert_int_equal(data[0], b->chips->flash[last]);
}

static void polling_an_idle_flash(void **state) {
  struct bench *b = *state;
  bool busy = true;
  assert_int_equal(b->medium.poll(b->medium.ctx, &busy), ST_OK);
  assert_false(busy);
  assert_int_equal(mmio_read32(SR) & BSY, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(geometry),
      TEST(sector_numbers),
      TEST(typical_erase_times),
      TEST(every_width_erases),
      TEST(every_sector_of_every_layout),
      TEST(the_end_wakes_the_core),
      TEST(an_erase_that_never_ends),
      TEST(every_alignment),
      TEST(program_takes_its_typical_time),
      TEST(it_goes_on_at_once),
      TEST(nothing_goes_on_behind_a_failure),
      TEST(poll_alone_goes_on),
      TEST(what_is_there_is_not_programmed_again),
      TEST(a_program_that_never_ends),
      TEST(a_unit_that_does_not_take),
      TEST(protected_sectors),
      TEST(locked_for_ever),
      TEST(error_flags),
      TEST(every_read),
      TEST(polling_an_idle_flash),
  };
  return cmocka_run_group_tests_name("flash_f7", tests, NULL, NULL);
}
