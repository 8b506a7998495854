// SPDX-License-Identifier: MIT
// The queue of events: order, times, and what may happen while it runs.
#include "sim/core/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka.h needs the headers above.
#include <cmocka.h>

enum { EVENTS = 5 };

struct bench {
  struct event_queue queue;
  struct event events[EVENTS];
  char fired[32];  // letters of the events in the order they fired
  vtime_t times[32];
  unsigned count, sooner;
  void (*also)(struct bench *b, unsigned which);  // done inside each event
};

struct lettered {
  struct bench *bench;
  unsigned which;
};

static struct lettered letters[EVENTS];

static void on_fire(void *ctx) {
  const struct lettered *l = ctx;
  struct bench *b = l->bench;
  b->times[b->count] = b->queue.now;
  b->fired[b->count++] = (char)('a' + l->which);
  if (b->also) b->also(b, l->which);
}

static void on_sooner(void *ctx) {
  ((struct bench *)ctx)->sooner++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  for (unsigned i = 0; i < EVENTS; i++) {
    letters[i] = (struct lettered){&b, i};
    event_init(&b.events[i], on_fire, &letters[i]);
  }
  b.queue.on_sooner = on_sooner;
  b.queue.on_sooner_ctx = &b;
  *state = &b;
  return 0;
}

// --- order ----------------------------------------------------------------------

static void fires_by_time_then_by_age(void **state) {
  struct bench *b = *state;
  static const vtime_t times[EVENTS] = {30, 10, 30, 20, 10};
  for (unsigned i = 0; i < EVENTS; i++)
    event_at(&b->queue, &b->events[i], times[i]);
  event_run(&b->queue, 100);
  assert_string_equal(b->fired, "bedac");
  assert_int_equal(b->times[0], 10);
  assert_int_equal(b->times[2], 20);
  assert_int_equal(b->times[4], 30);
  assert_int_equal(b->queue.now, 100);
}

static void run_includes_its_end_and_stops_there(void **state) {
  struct bench *b = *state;
  event_at(&b->queue, &b->events[0], 50);
  event_at(&b->queue, &b->events[1], 51);
  event_run(&b->queue, 49);
  assert_string_equal(b->fired, "");
  event_run(&b->queue, 50);
  assert_string_equal(b->fired, "a");
  assert_int_equal(event_next(&b->queue), 51);
  assert_true(b->events[1].armed && !b->events[0].armed);
}

static void time_never_runs_back(void **state) {
  struct bench *b = *state;
  event_run(&b->queue, 100);
  event_run(&b->queue, 10);
  assert_int_equal(b->queue.now, 100);
  event_at(&b->queue, &b->events[0], 30);  // has passed: due now
  assert_int_equal(event_next(&b->queue), 100);
  assert_string_equal(b->fired, "");  // but not from here
  event_run(&b->queue, 100);
  assert_string_equal(b->fired, "a");
  assert_int_equal(b->times[0], 100);
}

static void arming_again_moves(void **state) {
  struct bench *b = *state;
  event_at(&b->queue, &b->events[0], 10);
  event_at(&b->queue, &b->events[1], 20);
  event_at(&b->queue, &b->events[0], 20);  // now behind b
  event_run(&b->queue, 100);
  assert_string_equal(b->fired, "ba");
}

static void cancelled_ones_do_not_fire(void **state) {
  struct bench *b = *state;
  for (unsigned i = 0; i < 3; i++)
    event_at(&b->queue, &b->events[i], 10 + i);
  event_cancel(&b->queue, &b->events[1]);
  event_cancel(&b->queue, &b->events[1]);
  event_cancel(&b->queue, &b->events[4]);  // never armed
  event_run(&b->queue, 100);
  assert_string_equal(b->fired, "ac");
  assert_int_equal(event_next(&b->queue), VT_NEVER);
}

static void in_is_relative_and_does_not_wrap(void **state) {
  struct bench *b = *state;
  event_run(&b->queue, 1000);
  event_in(&b->queue, &b->events[0], 5);
  assert_int_equal(event_next(&b->queue), 1005);
  event_in(&b->queue, &b->events[0], VT_NEVER - 10);
  assert_true(event_next(&b->queue) == VT_NEVER);
}

// --- while it runs ---------------------------------------------------------------

static void rearm_first_twice(struct bench *b, unsigned which) {
  if (which == 0 && b->count < 3) event_in(&b->queue, &b->events[0], 10);
}

static void an_event_may_arm_itself(void **state) {
  struct bench *b = *state;
  b->also = rearm_first_twice;
  event_at(&b->queue, &b->events[0], 10);
  event_run(&b->queue, 100);
  assert_string_equal(b->fired, "aaa");
  assert_int_equal(b->times[2], 30);
}

static void meddle(struct bench *b, unsigned which) {
  if (which != 0) return;
  event_cancel(&b->queue, &b->events[1]);
  event_in(&b->queue, &b->events[2], 0);  // due at this very instant
  event_at(&b->queue, &b->events[3], 25);
}

static void an_event_may_arm_and_cancel_others(void **state) {
  struct bench *b = *state;
  b->also = meddle;
  event_at(&b->queue, &b->events[0], 10);
  event_at(&b->queue, &b->events[1], 10);
  event_at(&b->queue, &b->events[4], 20);
  event_run(&b->queue, 22);
  assert_string_equal(b->fired, "ace");
  assert_int_equal(b->times[1], 10);
  event_run(&b->queue, 30);
  assert_string_equal(b->fired, "aced");
}

static void run_inside(struct bench *b, unsigned which) {
  if (which == 0) event_run(&b->queue, 20);
}

// A register access inside an event may have to wait (QUADSPI's FIFO).
static void an_event_may_run_the_queue(void **state) {
  struct bench *b = *state;
  b->also = run_inside;
  event_at(&b->queue, &b->events[0], 10);
  event_at(&b->queue, &b->events[1], 15);
  event_at(&b->queue, &b->events[2], 30);
  event_run(&b->queue, 12);
  assert_string_equal(b->fired, "ab");
  assert_int_equal(b->queue.now, 20);
  event_run(&b->queue, 40);
  assert_string_equal(b->fired, "abc");
}

static void sooner_is_told_of_new_first_ones_only(void **state) {
  struct bench *b = *state;
  event_at(&b->queue, &b->events[0], 50);
  assert_int_equal(b->sooner, 1);
  event_at(&b->queue, &b->events[1], 60);
  event_at(&b->queue, &b->events[2], 50);  // equal, and younger
  assert_int_equal(b->sooner, 1);
  event_at(&b->queue, &b->events[3], 49);
  assert_int_equal(b->sooner, 2);
  b->queue.on_sooner = NULL;
  event_at(&b->queue, &b->events[4], 1);
  assert_int_equal(b->sooner, 2);
}

// --- cycles ----------------------------------------------------------------------

static const struct {
  uint64_t n, hz, ps;
} cycles[] = {
    {0, 216000000, 0},
    {1, 216000000, 4629},  // rounded down
    {216000000, 216000000, 1000000000000},
    {216000001, 216000000, 1000000004629},
    {1, 32000, 31250000},
    {3, 1000000000000, 3},
    {1, 3, 333333333333},
    {5, 3, 1666666666666},
    // 200 days at 216 MHz would overflow a naive product.
    {216000000ull * 86400 * 200, 216000000, 86400ull * 200 * 1000000000000},
    {1ull << 40, 1ull << 33, 128ull * 1000000000000},
};

static void cycles_are_exact(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cycles / sizeof *cycles; i++) {
    assert_true(vt_cycles(cycles[i].n, cycles[i].hz) == cycles[i].ps);
  }
}

static void units(void **state) {
  (void)state;
  assert_true(VT_NS(7) == 7000 && VT_US(7) == VT_NS(7000));
  assert_true(VT_MS(7) == VT_US(7000) && VT_S(7) == VT_MS(7000));
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(fires_by_time_then_by_age),  TEST(run_includes_its_end_and_stops_there),
      TEST(time_never_runs_back),       TEST(arming_again_moves),
      TEST(cancelled_ones_do_not_fire), TEST(in_is_relative_and_does_not_wrap),
      TEST(an_event_may_arm_itself),    TEST(an_event_may_arm_and_cancel_others),
      TEST(an_event_may_run_the_queue), TEST(sooner_is_told_of_new_first_ones_only),
      TEST(cycles_are_exact),           TEST(units),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
