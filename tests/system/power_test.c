// SPDX-License-Identifier: MIT
// Power is cut at 100 of the flash operations of an update, with each of two hosts,
// before, inside and after them. Then the board is switched on without anybody near: it
// starts the old application if nothing of it was touched, the new one if all of it is
// there, and otherwise nothing; and the update can be given again.
#include <string.h>

#include "host/lib/update.h"
#include "sim/machine/snapshot.h"
#include "tests/hostmodel/dfu_client.h"
#include "tests/hostmodel/rig_bus.h"

enum {
  APPLICATION_SIZE = 3000,
  ASSETS_SIZE = 9000,
  POINTS = 100,  // with each host
};

struct content {
  uint8_t application[APPLICATION_SIZE], assets[ASSETS_SIZE];
};

// An application that runs for ever: its reset handler is one jump to itself.
static void content_make(struct content *c, uint8_t seed) {
  static const uint8_t vectors[8] = {0x00, 0x00, 0x02, 0x20, 0x01, 0x02, 0x01, 0x08};
  dfu_pattern(c->application, sizeof c->application, seed);
  dfu_pattern(c->assets, sizeof c->assets, (uint8_t)(seed + 1));
  memcpy(c->application, vectors, sizeof vectors);
  c->application[0x200] = 0xFE;
  c->application[0x201] = 0xE7;
}

static bool content_is_on(const struct content *c, const struct rig *r) {
  return memcmp(rig_memory(r, APPLICATION), c->application, APPLICATION_SIZE) == 0 &&
         memcmp(rig_memory(r, EXTERNAL), c->assets, ASSETS_SIZE) == 0;
}

// ---- Two hosts -------------------------------------------------------------

// True if the host was told that all is well.
typedef bool flash_with(struct rig *r, const struct content *c);

// As dfu-util does it (facts of its source, 0.11): erases, then every block behind its
// address, then ABORT and one GETSTATUS. It gives up at the first thing that is wrong.
static bool dfu_util_block(struct rig *r, uint32_t address, const uint8_t *data,
                           uint32_t length) {
  uint8_t status[6];
  if (dfu_command(r, 0x21, address) < 0) return false;
  for (int i = 0; i < 2; i++) {
    if (dfu_in(r, REQ_GETSTATUS, 0, 6, status) != 6) return false;
  }
  if (status[4] != DNLOAD_IDLE) return false;
  if (dfu_dnload(r, 2, data, (uint16_t)length) < 0) return false;
  for (int polls = 0; polls < 100; polls++) {
    if (dfu_in(r, REQ_GETSTATUS, 0, 6, status) != 6) return false;
    rig_run(r, VT_MS(status[1]));
    if (status[4] != DNBUSY) return status[4] == DNLOAD_IDLE;
  }
  return false;
}

static bool dfu_util_erase(struct rig *r, uint32_t address) {
  uint8_t status[6];
  if (dfu_command(r, 0x41, address) < 0) return false;
  for (int polls = 0; polls < 5000; polls++) {
    if (dfu_in(r, REQ_GETSTATUS, 0, 6, status) != 6) return false;
    rig_run(r, VT_MS(status[1] | status[2] << 8));
    if (status[4] != DNBUSY) return status[4] == DNLOAD_IDLE;
  }
  return false;
}

static bool dfu_util_area(struct rig *r, uint8_t alternate, uint32_t address,
                          const uint8_t *data, uint32_t length) {
  if (dfu_select(r, alternate) < 0 || !dfu_util_erase(r, address)) return false;
  for (uint32_t at = 0; at < length; at += CLIENT_BLOCK) {
    const uint32_t n = length - at < CLIENT_BLOCK ? length - at : CLIENT_BLOCK;
    if (!dfu_util_block(r, address + at, data + at, n)) return false;
  }
  return true;
}

static bool with_dfu_util(struct rig *r, const struct content *c) {
  uint8_t status[6];
  rig_configure(r);
  return dfu_util_area(r, 0, APPLICATION, c->application, APPLICATION_SIZE) &&
         dfu_util_area(r, 1, EXTERNAL, c->assets, ASSETS_SIZE) &&
         dfu_out(r, REQ_ABORT, 0, 0, NULL) >= 0 &&
         dfu_in(r, REQ_GETSTATUS, 0, 6, status) == 6 && status[4] == IDLE;
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
  const struct content *before, *after;
  uint64_t at;
  vtime_t delay;
};

struct cut_result {
  bool cut;        // the power did go
  bool told_good;  // the host was told that all is well
  bool started;    // an application was started afterwards
  bool whole;      // and it was the old or the new one, whole
  bool is_new;     // the new one
  bool repaired;   // the same update, given again, completes
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
  result->started = starts_application(r);
  result->is_new = content_is_on(c->after, r);
  result->whole = result->is_new || content_is_on(c->before, r);
  machine_power_cut(m);
  rig_run(r, VT_MS(20));
  machine_button(m, true);
  rig_power_on(r);
  result->repaired = c->flash(r, c->after) && content_is_on(c->after, r);
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

static void cut_everywhere(struct rig *r, flash_with *flash) {
  static struct content before, after;
  content_make(&before, 3);
  content_make(&after, 9);
  assert_true(flash(r, &before));
  machine_power_cut(r->m);
  rig_run(r, VT_MS(20));
  rig_power_on(r);
  struct cut c = {.flash = flash, .before = &before, .after = &after};
  uint64_t total = 0;
  assert_true(machine_fork_run(r->m, count_operations, &c, &total, sizeof total));
  assert_true(total > POINTS);
  unsigned cut = 0, started = 0, lies = 0, half = 0, lost = 0;
  for (unsigned i = 0; i < POINTS; i++) {
    struct cut_result result;
    // All of the first and last operations (records, erases), and some between.
    c.at = i < 20             ? i + 1
           : i >= POINTS - 20 ? total - (POINTS - 1 - i)
                              : i * total / POINTS;
    c.delay = delays[i % (sizeof delays / sizeof *delays)];
    assert_true(machine_fork_run(r->m, try_cut, &c, &result, sizeof result));
    cut += result.cut;
    started += result.started;
    half += result.started && !result.whole;
    lies += result.told_good && !(result.started && result.is_new);
    lost += !result.repaired;
  }
  print_message(
      "%u cuts in %llu operations: %u times an application started, %u of "
      "them half; %u not repaired\n",
      cut, (unsigned long long)total, started, half, lost);
  assert_true(cut > POINTS / 2);
  assert_true(started > 0);
  assert_int_equal(half, 0);
  assert_int_equal(lies, 0);
  assert_int_equal(lost, 0);
}

static int setup_with_button(void **state) {
  rig_setup_off(state);
  machine_button(((struct rig *)*state)->m, true);
  rig_power_on(*state);
  return 0;
}

static void test_dfu_util(void **state) {
  cut_everywhere(*state, with_dfu_util);
}

static void test_quadboot(void **state) {
  cut_everywhere(*state, with_quadboot);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_TEST(HS, test_dfu_util, setup_with_button),
      RIG_TEST(HS, test_quadboot, setup_with_button),
  };
  return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
