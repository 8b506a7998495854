// SPDX-License-Identifier: MIT
// The host tool's library against the real bootloader, in virtual time: what it writes,
// what it says when it cannot, and that a board which is lost at any point is not.
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "host/lib/update.h"
#include "sim/machine/snapshot.h"
#include "tests/hostmodel/rig_bus.h"

#define APPLICATION 0x08010000u
#define ASSETS      0x90000000u

enum {
  APPLICATION_SIZE = 9001,  // neither a block nor a page
  ASSETS_SIZE = 70000,      // two sectors
};

// ---- What is written -------------------------------------------------------

struct content {
  uint8_t application[APPLICATION_SIZE], assets[ASSETS_SIZE];
  struct segments list;
};

static void fill(uint8_t *bytes, size_t size, uint32_t seed) {
  for (size_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(seed >> 24);
  }
}

static void content_make(struct content *c) {
  static const uint8_t vectors[8] = {0x00, 0x00, 0x02, 0x20, 0x01, 0x02, 0x01, 0x08};
  struct qb_error error;
  memset(c, 0, sizeof *c);
  fill(c->application, sizeof c->application, 1);
  fill(c->assets, sizeof c->assets, 2);
  memcpy(c->application, vectors, sizeof vectors);
  assert_true(segments_add(&c->list, APPLICATION, c->application, sizeof c->application,
                           "app.bin", 0, &error));
  assert_true(segments_add(&c->list, ASSETS, c->assets, sizeof c->assets, "assets.bin",
                           0, &error));
  assert_true(segments_arrange(&c->list, &error));
}

// Whoever flashes a board that has an application holds its button: what these tests
// write is not one that runs.
static int setup_with_button(void **state) {
  rig_setup_off(state);
  machine_button(((struct rig *)*state)->m, true);
  rig_power_on(*state);
  rig_configure(*state);
  return 0;
}

static bool content_is_on(const struct content *c, const struct rig *r) {
  return memcmp(rig_memory(r, APPLICATION), c->application, APPLICATION_SIZE) == 0 &&
         memcmp(rig_memory(r, ASSETS), c->assets, ASSETS_SIZE) == 0;
}

// ---- Flashing --------------------------------------------------------------

// One run of what `quadboot flash` does with one board.
struct run {
  struct rig_bus rig_bus;
  struct usb_bus bus;
  struct content content;
  struct connection connection;
  struct plan plan;
  struct update_options options;
  struct update_result result;
  unsigned losses_told, returns_told;
};

static void on_lost(void *ctx, const char *sentence) {
  struct run *run = ctx;
  assert_true(strlen(sentence) > 0);
  run->losses_told++;
}

static void on_back(void *ctx) {
  struct run *run = ctx;
  run->returns_told++;
}

static void run_init(struct run *run, struct rig *r) {
  *run = (struct run){.rig_bus = {.rig = r}, .options = {.wait_ms = 10000}};
  run->bus = rig_bus(&run->rig_bus);
  content_make(&run->content);
}

static void run_free(struct run *run) {
  assert_false(run->rig_bus.open);
  plan_free(&run->plan);
  segments_free(&run->content.list);
}

// Finds the board, plans and writes.
static void run_flash(struct run *run) {
  const struct update_events events = {
      .job = {.ctx = run}, .lost = on_lost, .back = on_back};
  const struct usb_found where = {.location = "rig"};
  struct qb_error error;
  bool connected = false;
  assert_true(rig_attached(run->rig_bus.rig));
  if (!connection_open(&run->connection, &run->bus, &where, &error)) {
    fail_msg("%s", error.text);
  }
  if (!plan_make(&run->plan, &run->connection.board, &run->content.list, PLAN_WRITE,
                 &error)) {
    fail_msg("%s", error.text);
  }
  update_run(&run->connection, &connected, &run->bus, &run->plan, &run->options,
             &events, &run->result);
  if (connected) connection_close(&run->connection);
}

static void test_writes_both_flashes(void **state) {
  struct rig *r = *state;
  struct run run;
  run_init(&run, r);
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DONE);
  assert_int_equal(run.plan.count, 3);
  assert_int_equal(plan_count(&run.plan, UNIT_WRITTEN), 3);
  assert_true(content_is_on(&run.content, r));
  assert_in_range(run.result.transfers, 1, run.rig_bus.transfers);
  run_free(&run);
}

static void test_verifies(void **state) {
  struct rig *r = *state;
  struct run run;
  run_init(&run, r);
  run.options.job.verify = true;
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DONE);
  assert_int_equal(plan_count(&run.plan, UNIT_VERIFIED), 3);
  run_free(&run);
}

// Programs and erases of both flashes so far.
static uint64_t operations(const struct rig *r) {
  return r->m->flash_span.operations + r->m->nor_span.operations;
}

static void test_leaves_alone_what_is_right(void **state) {
  struct rig *r = *state;
  struct run first, second;
  run_init(&first, r);
  run_flash(&first);
  run_free(&first);
  const uint64_t before = operations(r);
  run_init(&second, r);
  second.options.job.changed_only = true;
  run_flash(&second);
  assert_int_equal(second.result.outcome, JOB_DONE);
  assert_int_equal(plan_count(&second.plan, UNIT_UNCHANGED), 3);
  assert_int_equal(operations(r), before);
  run_free(&second);
}

// ---- By the board's checksums ----------------------------------------------

static void test_sends_only_what_differs(void **state) {
  struct rig *r = *state;
  struct run run;
  run_init(&run, r);
  run.options.job.digest = true;
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DONE);
  assert_int_equal(plan_count(&run.plan, UNIT_VERIFIED), 3);
  assert_true(content_is_on(&run.content, r));
  run_free(&run);
  const uint64_t before = operations(r);
  run_init(&run, r);
  run.options.job.digest = true;
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DONE);
  assert_int_equal(run.plan.skipped, APPLICATION_SIZE + ASSETS_SIZE);
  assert_int_equal(operations(r), before);
  run_free(&run);
  // One byte of the assets' second sector: the first is left alone.
  run_init(&run, r);
  run.options.job.digest = true;
  ((uint8_t *)(uintptr_t)rig_memory(r, ASSETS))[66000] ^= 0x40;
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DONE);
  assert_int_equal(plan_count(&run.plan, UNIT_UNCHANGED), 2);
  assert_true(content_is_on(&run.content, r));
  run_free(&run);
}

// A cell that flips after it was written and read back: behind the SYNC, before the
// checksums.
static bool flip_after_sync(struct rig_bus *b, const struct usb_request *q,
                            uint8_t *data) {
  bool *synced = b->before_ctx;
  if (q->bRequest != 0x52 || q->bmRequestType != 0x41) return true;
  if (data[1] == 2) *synced = true;
  if (data[1] == 1 && *synced) {
    *synced = false;
    ((uint8_t *)(uintptr_t)rig_memory(b->rig, ASSETS))[4321] ^= 0x08;
  }
  return true;
}

static void test_finds_a_flipped_bit(void **state) {
  struct rig *r = *state;
  struct run run;
  run_init(&run, r);
  run.options.job.digest = true;
  bool synced = false;
  run.rig_bus.before = flip_after_sync;
  run.rig_bus.before_ctx = &synced;
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DIFFERENT);
  assert_non_null(strstr(run.result.problem.text,
                         "1 bytes differ; the first at 0x900010E1, which holds"));
  run_free(&run);
}

// 16 MB that are there already: mostly the board reading them.
static void test_takes_no_time_for_what_is_there(void **state) {
  enum { SIZE = 16 << 20 };
  struct rig *r = *state;
  struct run run;
  struct qb_error error;
  uint8_t *bytes = malloc(SIZE);
  assert_non_null(bytes);
  fill(bytes, SIZE, 7);
  memcpy((uint8_t *)(uintptr_t)rig_memory(r, ASSETS), bytes, SIZE);
  run_init(&run, r);
  segments_free(&run.content.list);
  run.content.list = (struct segments){0};
  assert_true(
      segments_add(&run.content.list, ASSETS, bytes, SIZE, "assets.bin", 0, &error));
  assert_true(segments_arrange(&run.content.list, &error));
  run.options.job.digest = true;
  const uint64_t before = operations(r);
  const vtime_t start = machine_now(r->m);
  run_flash(&run);
  const unsigned ms = (unsigned)((machine_now(r->m) - start) / VT_MS(1));
  if (run.result.outcome != JOB_DONE) fail_msg("%s", run.result.problem.text);
  assert_int_equal(run.plan.skipped, SIZE);
  assert_int_equal(operations(r), before);
  print_message("%s: 16 MB that are there already: %u ms, %u transfers\n",
                r->board->label, ms, (unsigned)run.result.transfers);
  assert_true(ms <= 1000 || !r->board->high_speed);
  run_free(&run);
  free(bytes);
}

// ---- Lost on the way -------------------------------------------------------

// A cable that is pulled in the middle of transfer number `at`.
struct pull {
  uint64_t at;
};

static bool pull_cable(struct rig_bus *b, const struct usb_request *q, uint8_t *data) {
  const struct pull *pull = b->before_ctx;
  (void)q, (void)data;
  if (b->transfers == pull->at) rig_arm(b->rig, USB_FAULT_UNPLUG, 1 + pull->at % 40);
  return true;
}

// Transfers of an undisturbed run.
static uint64_t all_transfers(struct rig *r) {
  struct run run;
  run_init(&run, r);
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DONE);
  run_free(&run);
  return run.rig_bus.transfers;
}

// The board is found again by itself, and the rest is written.
static void test_finds_a_lost_board(void **state) {
  struct rig *r = *state;
  const uint64_t total = all_transfers(r);
  for (uint64_t at = 20; at < total; at += 9) {
    struct run run;
    struct pull pull = {.at = at};
    run_init(&run, r);
    run.rig_bus.before = pull_cable;
    run.rig_bus.before_ctx = &pull;
    run_flash(&run);
    if (run.result.outcome != JOB_DONE) fail_msg("%s", run.result.problem.text);
    assert_int_equal(run.result.losses, 1);
    assert_int_equal(run.losses_told, 1);
    assert_int_equal(run.returns_told, 1);
    assert_true(content_is_on(&run.content, r));
    run_free(&run);
  }
}

// Power goes away instead: quadboot starts again, with nothing in its RAM.
static bool cut_power(struct rig_bus *b, const struct usb_request *q, uint8_t *data) {
  const struct pull *pull = b->before_ctx;
  (void)q, (void)data;
  if (b->transfers != pull->at) return true;
  rig_power_cycle(b->rig);
  return false;
}

static void test_goes_on_after_a_power_cut(void **state) {
  struct rig *r = *state;
  const uint64_t total = all_transfers(r);
  for (uint64_t at = 25; at < total; at += 17) {
    struct run run;
    struct pull pull = {.at = at};
    run_init(&run, r);
    run.rig_bus.before = cut_power;
    run.rig_bus.before_ctx = &pull;
    run_flash(&run);
    if (run.result.outcome != JOB_DONE) fail_msg("%s", run.result.problem.text);
    assert_int_equal(run.result.losses, 1);
    assert_true(content_is_on(&run.content, r));
    run_free(&run);
  }
}

// A board that never comes back: what is told must be true.
static bool pull_for_ever(struct rig_bus *b, const struct usb_request *q,
                          uint8_t *data) {
  const struct run *run = b->before_ctx;
  (void)q, (void)data;
  return plan_count(&run->plan, UNIT_WRITTEN) == 0;
}

static void test_says_how_it_leaves_a_board(void **state) {
  struct run run;
  run_init(&run, *state);
  run.rig_bus.before = pull_for_ever;
  run.rig_bus.before_ctx = &run;
  run.options.wait_ms = 0;
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_LOST);
  assert_string_equal(run.result.problem.text,
                      "the board was unplugged, or has reset itself; it was not found "
                      "again in 0 seconds: check cable and power");
  assert_string_equal(run.result.state.text,
                      "1 of 3 sectors are written; the board stays in quadboot and "
                      "starts no half-written application; run the same command again");
  run_free(&run);
}

// ---- 200 points ------------------------------------------------------------

enum { POINTS = 200 };

// At each of 200 points of a run, spread over all of its transfers, the process is
// copied; in the copy the cable goes, and what a user does then must work: plug it in
// and give the same command again.
struct points {
  struct rig *rig;
  uint64_t total;  // transfers of an undisturbed run
  unsigned tried, completed, half;
  bool digest;
  const struct usb_request *request;
  uint8_t *data;
};

struct point_result {
  bool completed;
  bool half;  // what would be started after the cut is not whole
};

// The state log says of the last update that it is not complete
// (docs/spec/state-log.md, typed again): nothing is started then.
static bool update_is_open(const struct rig *r) {
  const uint8_t *log = rig_memory(r, 0x08008000u);
  uint32_t newest = 0;
  for (size_t i = 0; i < 1024 && load_le32(log + 32 * i) != 0xFFFFFFFFu; i++)
    newest = load_le32(log + 32 * i);
  return newest != 0 && newest != 0x4F435131u;
}

static bool has_vectors(const struct rig *r) {
  static const uint8_t blank[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  return memcmp(rig_memory(r, APPLICATION), blank, sizeof blank) != 0;
}

static void flash_again(struct machine *m, void *ctx, void *out) {
  struct points *p = ctx;
  struct point_result *result = out;
  struct rig *r = m->ctx;
  struct run run;
  rig_arm(r, USB_FAULT_UNPLUG, 1 + p->tried * 13 % 70);
  uint8_t copy[4096];
  if (p->request->wLength && p->data) memcpy(copy, p->data, p->request->wLength);
  (void)rig_bus_control(r, p->request, copy, NULL);
  usb_host_unplug(&r->m->usb);  // if the transfer was shorter than that
  rig_arm(r, USB_FAULT_NONE, 0);
  rig_run(r, VT_MS(1 + p->tried % 700));
  run_init(&run, r);
  run.options.job.digest = p->digest;
  result->half =
      has_vectors(r) && !update_is_open(r) && !content_is_on(&run.content, r);
  run_flash(&run);
  result->completed = run.result.outcome == JOB_DONE && content_is_on(&run.content, r);
  if (!result->completed) print_error("%s\n", run.result.problem.text);
  run_free(&run);
}

static void try_point(struct rig_bus *b, struct points *p) {
  struct point_result result;
  p->tried++;
  if (!machine_fork_run(b->rig->m, flash_again, p, &result, sizeof result)) {
    fail_msg("the copy at transfer %llu did not get to its end",
             (unsigned long long)b->transfers);
  }
  p->completed += result.completed;
  p->half += result.half;
}

static bool at_point(struct rig_bus *b, const struct usb_request *q, uint8_t *data) {
  struct points *p = b->before_ctx;
  p->request = q;
  p->data = data;
  while (p->tried < POINTS && p->tried * p->total / POINTS < b->transfers) {
    try_point(b, p);
  }
  return true;
}

// What is there is not sent: it must not be there before either run.
static void put_something_else(struct rig *r) {
  memset((uint8_t *)(uintptr_t)rig_memory(r, ASSETS), 0x5A, ASSETS_SIZE);
  memset((uint8_t *)(uintptr_t)rig_memory(r, APPLICATION), 0xFF, APPLICATION_SIZE);
}

// What is half-written is never bootable: the vector table comes last, and the state
// log is open until then.
static void disconnect_at_200_points(struct rig *r, bool digest) {
  struct points p = {.rig = r, .digest = digest};
  struct run run;
  run_init(&run, r);
  put_something_else(r);
  run.options.job.digest = digest;
  run_flash(&run);
  // The second run may ask once or twice less: its polls fall otherwise.
  p.total = run.rig_bus.transfers - 3;
  run_free(&run);
  rig_power_cycle(r);
  run_init(&run, r);
  put_something_else(r);
  run.options.job.digest = digest;
  run.rig_bus.before = at_point;
  run.rig_bus.before_ctx = &p;
  run_flash(&run);
  assert_int_equal(run.result.outcome, JOB_DONE);
  run_free(&run);
  print_message("%u points, %u completed, %u half-written and bootable\n", p.tried,
                p.completed, p.half);
  assert_int_equal(p.tried, POINTS);
  assert_int_equal(p.completed, POINTS);
  assert_int_equal(p.half, 0);
}

static void test_disconnect_at_200_points(void **state) {
  disconnect_at_200_points(*state, false);
}

static void test_disconnect_at_200_points_with_digests(void **state) {
  disconnect_at_200_points(*state, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(test_writes_both_flashes),
      RIG_BOTH(test_verifies),
      RIG_TEST(HS, test_leaves_alone_what_is_right, rig_setup_configured),
      RIG_BOTH(test_sends_only_what_differs),
      RIG_BOTH(test_finds_a_flipped_bit),
      RIG_BOTH(test_takes_no_time_for_what_is_there),
      RIG_BOTH(test_finds_a_lost_board),
      RIG_TEST(HS, test_goes_on_after_a_power_cut, setup_with_button),
      RIG_TEST(HS, test_says_how_it_leaves_a_board, rig_setup_configured),
      RIG_TEST(HS, test_disconnect_at_200_points, setup_with_button),
      RIG_TEST(HS, test_disconnect_at_200_points_with_digests, setup_with_button),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
