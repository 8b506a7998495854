// SPDX-License-Identifier: MIT
// Power is cut at 67 of the flash operations of an update, with each of three hosts,
// before, inside and after them. Then the board is switched on without anybody near: it
// starts the old application if nothing of it was touched, the new one if all of it is
// there, and otherwise nothing; and the update can be given again.
#include <string.h>

#include "common/base/bytes.h"
#include "host/lib/update.h"
#include "sim/machine/snapshot.h"
#include "tests/hostmodel/dfu_client.h"
#include "tests/hostmodel/rig_bus.h"

enum {
  APPLICATION_SIZE = 3000,
  // Two blocks of 64 KB: all of the first and 1 KB of a unit in the second.
  ASSETS_SIZE = 0x10400,
  KEPT_SIZE = 2048,
  POINTS = 67,  // with each of the hosts
};

struct content {
  uint8_t application[APPLICATION_SIZE], assets[ASSETS_SIZE];
};

// An application that runs for ever: its reset handler is one jump to itself. Some of
// the assets are the same in all.
static void content_make(struct content *c, uint8_t seed) {
  static const uint8_t vectors[8] = {0x00, 0x00, 0x02, 0x20, 0x01, 0x02, 0x01, 0x08};
  dfu_pattern(c->application, sizeof c->application, seed);
  dfu_pattern(c->assets, sizeof c->assets, (uint8_t)(seed + 1));
  dfu_pattern(c->assets + 8192, 8192, 0);
  memcpy(c->application, vectors, sizeof vectors);
  c->application[0x200] = 0xFE;
  c->application[0x201] = 0xE7;
}

static bool content_is_on(const struct content *c, const struct rig *r) {
  return memcmp(rig_memory(r, APPLICATION), c->application, APPLICATION_SIZE) == 0 &&
         memcmp(rig_memory(r, EXTERNAL), c->assets, ASSETS_SIZE) == 0;
}

// ---- What is not the host's ------------------------------------------------

// Bytes that no update here means. Beside the image: in a block that it shares with
// them. A host that erases the block takes them away; for one that does not they are
// carried through RAM, and a cut during that may lose those of the block, but never
// others.
static const struct neighbour {
  uint32_t address;
  bool beside;
} neighbours[] = {
    {APPLICATION + 0x1000, true}, {APPLICATION + 0x8000, false},
    {EXTERNAL + 0x10800, true},   {EXTERNAL + 0x1F000, true},
    {EXTERNAL + 0x20000, false},  {EXTERNAL_END - KEPT_SIZE, false},
};

enum { NEIGHBOURS = sizeof neighbours / sizeof *neighbours };

static void plant_neighbours(struct rig *r) {
  for (uint32_t i = 0; i < NEIGHBOURS; i++) {
    uint8_t *cells = (uint8_t *)(uintptr_t)rig_memory(r, neighbours[i].address);
    dfu_pattern(cells, KEPT_SIZE, 100 + i);
  }
}

// How many of them are not as they were planted.
static unsigned lost_neighbours(const struct rig *r, bool beside) {
  unsigned lost = 0;
  for (uint32_t i = 0; i < NEIGHBOURS; i++) {
    uint8_t bytes[KEPT_SIZE];
    dfu_pattern(bytes, sizeof bytes, 100 + i);
    const uint8_t *cells = rig_memory(r, neighbours[i].address);
    lost += neighbours[i].beside == beside && memcmp(cells, bytes, sizeof bytes) != 0;
  }
  return lost;
}

// ---- Three hosts -------------------------------------------------------------

// True if the host was told that all is well.
typedef bool flash_with(struct rig *r, const struct content *c);

// GETSTATUS until the board is busy no more, as it asks to be asked.
static bool becomes(struct rig *r, uint8_t state) {
  uint8_t status[6];
  for (int polls = 0; polls < 5000; polls++) {
    if (dfu_in(r, REQ_GETSTATUS, 0, 6, status) != 6) return false;
    rig_run(r, VT_MS(load_le24(status + 1)));
    if (status[4] != DNBUSY) return status[4] == state;
  }
  return false;
}

// As dfu-util does it (facts of its source, 0.11): erases, then every block behind its
// address, then ABORT and one GETSTATUS. It gives up at the first thing that is wrong.
static bool dfu_util_block(struct rig *r, uint32_t address, const uint8_t *data,
                           uint32_t length) {
  return dfu_command(r, 0x21, address) >= 0 && becomes(r, DNLOAD_IDLE) &&
         dfu_dnload(r, 2, data, (uint16_t)length) >= 0 && becomes(r, DNLOAD_IDLE);
}

static bool dfu_util_area(struct rig *r, uint8_t alternate, uint32_t address,
                          const uint8_t *data, uint32_t length) {
  if (dfu_select(r, alternate) < 0) return false;
  for (uint32_t at = 0; at < length; at += 0x10000) {
    if (dfu_command(r, 0x41, address + at) < 0 || !becomes(r, DNLOAD_IDLE))
      return false;
  }
  for (uint32_t at = 0; at < length; at += CLIENT_BLOCK) {
    const uint32_t n = length - at < CLIENT_BLOCK ? length - at : CLIENT_BLOCK;
    if (!dfu_util_block(r, address + at, data + at, n)) return false;
  }
  return true;
}

// The last word. A host may be told how long it still takes, and ask again.
static bool ends_well(struct rig *r) {
  uint8_t status[6];
  if (dfu_out(r, REQ_ABORT, 0, 0, NULL) < 0) return false;
  do {
    if (dfu_in(r, REQ_GETSTATUS, 0, 6, status) != 6 || status[4] != IDLE) return false;
    rig_run(r, VT_MS(load_le24(status + 1)));
  } while (load_le24(status + 1));
  return true;
}

static bool with_dfu_util(struct rig *r, const struct content *c) {
  rig_configure(r);
  return dfu_util_area(r, 0, APPLICATION, c->application, APPLICATION_SIZE) &&
         dfu_util_area(r, 1, EXTERNAL, c->assets, ASSETS_SIZE) && ends_well(r);
}

// One that erases nothing, as fwupd forgets to do with a last sector, and counts blocks
// from one address on. What lies beside the image stays.
static bool without_erases_area(struct rig *r, uint8_t alternate, uint32_t address,
                                const uint8_t *data, uint32_t length) {
  if (dfu_select(r, alternate) < 0) return false;
  if (dfu_command(r, 0x21, address) < 0 || !becomes(r, DNLOAD_IDLE)) return false;
  uint16_t block = 2;
  for (uint32_t at = 0; at < length; at += CLIENT_BLOCK, block++) {
    const uint32_t n = length - at < CLIENT_BLOCK ? length - at : CLIENT_BLOCK;
    if (dfu_dnload(r, block, data + at, (uint16_t)n) < 0) return false;
    if (!becomes(r, DNLOAD_IDLE)) return false;
  }
  return true;
}

static bool without_erases(struct rig *r, const struct content *c) {
  rig_configure(r);
  return without_erases_area(r, 0, APPLICATION, c->application, APPLICATION_SIZE) &&
         without_erases_area(r, 1, EXTERNAL, c->assets, ASSETS_SIZE) && ends_well(r);
}

static bool with_quadboot(struct rig *r, const struct content *c) {
  struct rig_bus rig = {.rig = r};
  const struct usb_bus bus = rig_bus(&rig);
  const struct usb_found where = {.location = "rig"};
  const struct update_options options = {.wait_ms = 0};
  const struct update_events events = {.lost = NULL};
  struct connection connection = {.has_twin = false};
  struct segments list = {.count = 0};
  struct update_result result = {.outcome = JOB_LOST};
  struct qb_error error;
  struct plan plan;
  bool connected = false;
  assert_true(segments_add(&list, APPLICATION, c->application, APPLICATION_SIZE, "app",
                           0, &error));
  assert_true(
      segments_add(&list, EXTERNAL, c->assets, ASSETS_SIZE, "assets", 0, &error));
  if (rig_attached(r) && connection_open(&connection, &bus, &where, &error)) {
    assert_true(plan_make(&plan, &connection.board, &list, PLAN_WRITE, &error));
    update_run(&connection, &connected, &bus, &plan, &options, &events, &result);
    if (connected) connection_close(&connection);
    plan_free(&plan);
  }
  segments_free(&list);
  return result.outcome == JOB_DONE;
}

// ---- One cut ---------------------------------------------------------------

struct cut {
  flash_with *flash;
  bool keeps;  // the host erases nothing
  const struct content *before, *after;
  uint64_t at;
  vtime_t delay;
};

struct cut_result {
  bool cut;                  // the power did go
  bool told_good;            // the host was told that all is well
  bool started;              // an application was started afterwards
  bool whole;                // and it was the old or the new one, whole
  bool is_new;               // the new one
  unsigned strayed, shared;  // bytes lost that are nobody's, and in the image's blocks
  bool repaired;             // the same update, given again, completes
};

// Switched on with nobody near: an application, or the bootloader on the bus.
static bool starts_application(struct rig *r) {
  machine_button(r->m, false);
  rig_power_on(r);
  rig_run(r, VT_MS(200));
  return r->m->marks.app_start != VT_NEVER;
}

static void try_cut(struct machine *m, void *ctx, void *out) {
  const struct cut *c = ctx;
  struct cut_result *result = out;
  struct rig *r = m->ctx;
  rig_arm_cut(r, c->at, c->delay);
  result->told_good = c->flash(r, c->after);
  result->cut = r->cut;
  machine_power_cut(m);
  rig_arm_cut(r, 0, 0);
  rig_run(r, VT_MS(20));
  result->strayed = lost_neighbours(r, false);
  result->shared = lost_neighbours(r, true);
  result->started = starts_application(r);
  result->is_new = content_is_on(c->after, r);
  result->whole = result->is_new || content_is_on(c->before, r);
  machine_power_cut(m);
  rig_run(r, VT_MS(20));
  machine_button(m, true);
  rig_power_on(r);
  result->repaired = c->flash(r, c->after) && content_is_on(c->after, r);
  result->strayed += lost_neighbours(r, false);
  if (c->keeps && lost_neighbours(r, true) > result->shared) result->strayed++;
  if (!result->repaired) return;
  machine_power_cut(m);
  rig_run(r, VT_MS(20));
  result->repaired = starts_application(r);
}

static void count_operations(struct machine *m, void *ctx, void *out) {
  const struct cut *c = ctx;
  struct rig *r = m->ctx;
  rig_arm_cut(r, 0, 0);
  if (!c->flash(r, c->after)) return;
  *(uint64_t *)out = r->operations;
}

// ---- 200 of them -----------------------------------------------------------

// From the first microsecond of an operation to the middle of a sector's erase.
static const vtime_t delays[] = {VT_NS(100), VT_US(5),   VT_US(12), VT_US(100),
                                 VT_MS(20),  VT_MS(150), VT_MS(270)};

// The numbers of the first and last operations (records, erases), and of some between.
static uint64_t point(unsigned i, uint64_t total) {
  if (i < 15) return i + 1;
  return i >= POINTS - 15 ? total - (POINTS - 1 - i) : i * total / POINTS;
}

static void cut_everywhere(struct rig *r, flash_with *flash, bool keeps) {
  static struct content before, after;
  content_make(&before, 3);
  content_make(&after, 9);
  assert_true(flash(r, &before));
  assert_true(content_is_on(&before, r));
  machine_power_cut(r->m);
  rig_run(r, VT_MS(20));
  plant_neighbours(r);
  rig_power_on(r);
  struct cut c = {.flash = flash, .keeps = keeps, .before = &before, .after = &after};
  uint64_t total = 0;
  assert_true(machine_fork_run(r->m, count_operations, &c, &total, sizeof total));
  assert_true(total > POINTS);
  unsigned cut = 0, started = 0, lies = 0, half = 0, lost = 0, strayed = 0, shared = 0;
  for (unsigned i = 0; i < POINTS; i++) {
    struct cut_result result;
    c.at = point(i, total);
    c.delay = delays[i % (sizeof delays / sizeof *delays)];
    assert_true(machine_fork_run(r->m, try_cut, &c, &result, sizeof result));
    cut += result.cut;
    started += result.started;
    half += result.started && !result.whole;
    lies += result.told_good && !(result.started && result.is_new);
    lies += result.told_good && keeps && result.shared;
    lost += !result.repaired;
    strayed += result.strayed != 0;
    shared += result.shared != 0;
  }
  print_message(
      "%u cuts in %llu operations: %u times an application started, %u of "
      "them half; %u not repaired; %u times bytes beside the image were lost\n",
      cut, (unsigned long long)total, started, half, lost, shared);
  assert_true(cut > POINTS / 2);
  assert_true(started > 0);
  assert_true(started < POINTS);
  assert_int_equal(half, 0);
  assert_int_equal(lies, 0);
  assert_int_equal(lost, 0);
  assert_int_equal(strayed, 0);
}

static int setup_with_button(void **state) {
  rig_setup_off(state);
  machine_button(((struct rig *)*state)->m, true);
  rig_power_on(*state);
  return 0;
}

static void test_dfu_util(void **state) {
  cut_everywhere(*state, with_dfu_util, false);
}

static void test_without_erases(void **state) {
  cut_everywhere(*state, without_erases, true);
}

static void test_quadboot(void **state) {
  cut_everywhere(*state, with_quadboot, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_TEST(HS, test_dfu_util, setup_with_button),
      RIG_TEST(HS, test_without_erases, setup_with_button),
      RIG_TEST(HS, test_quadboot, setup_with_button),
  };
  return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
