// SPDX-License-Identifier: MIT
// How fast the bootloader writes, in virtual time: the rows of `make bench`, small.
// What is aimed at is in tests/bench/rows.c; here is how much of it must be reached.
#include <string.h>

#include "tests/bench/ideal.h"
#include "tests/bench/rows.h"
#include "tests/hostmodel/dfu_client.h"

// The goal itself must be reached.
#define GOAL (-1.0)

struct expectation {
  enum scenario scenario;
  const char *chip;
  enum road road;
  bool high_speed;
  // For each goal of the row: a number that the value must not be worse than. Less than
  // the goal is a little below what the small row reaches. At full speed the first wait
  // for data, to choose the erase by, weighs in 1 MB; so does the start of the
  // MT25QL512, the fastest of all, which reaches 97.8 % in 16 MB. Serial programs and
  // our receiver wait 0.3 s for silence at the start and the end of a transfer, and the
  // last region is written when the end has come: half a second of the 1.1 that 1 MB
  // may take on a blank chip.
  double enough[ROW_GOALS];
};

// clang-format off
static const struct expectation table[] = {
    {SCENARIO_COLD,      "mx25l51245g", ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_COLD,      "mx25l51245g", ROAD_QUADBOOT, true,  {GOAL}},
    {SCENARIO_COLD,      "mx25l51245g", ROAD_DFU_UTIL, false, {94}},
    {SCENARIO_COLD,      "mx25l51245g", ROAD_QUADBOOT, false, {GOAL}},
    {SCENARIO_COLD,      "w25q128jv",   ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_COLD,      "mt25ql512",   ROAD_DFU_UTIL, true,  {96.3}},
    {SCENARIO_COLD,      "n25q128a",    ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_COLD,      "is25lp064a",  ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_BLANK,     "mx25l51245g", ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_BLANK,     "mx25l51245g", ROAD_DFU_UTIL, false, {GOAL}},
    {SCENARIO_BLANK,     "w25q128jv",   ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_BLANK,     "mt25ql512",   ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_BLANK,     "n25q128a",    ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_BLANK,     "is25lp064a",  ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_UNCHANGED, "mx25l51245g", ROAD_DFU_UTIL, true,  {GOAL, GOAL}},
    {SCENARIO_UNCHANGED, "mx25l51245g", ROAD_DFU_UTIL, false, {GOAL, GOAL}},
    {SCENARIO_UNCHANGED, "mx25l51245g", ROAD_QUADBOOT, true,  {GOAL, GOAL}},
    {SCENARIO_READ,      "mx25l51245g", ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_READ,      "mx25l51245g", ROAD_DFU_UTIL, false, {GOAL}},
    {SCENARIO_ONE_BYTE,  "mx25l51245g", ROAD_DFU_UTIL, true,  {GOAL, GOAL}},
    {SCENARIO_ONE_BYTE,  "mx25l51245g", ROAD_QUADBOOT, true,  {GOAL, GOAL}},
    {SCENARIO_INTERNAL,  "mx25l51245g", ROAD_DFU_UTIL, true,  {GOAL}},
    {SCENARIO_INTERNAL,  "mx25l51245g", ROAD_DFU_UTIL, false, {GOAL}},
    {SCENARIO_BOTH,      "mx25l51245g", ROAD_QUADBOOT, true,  {GOAL}},
    {SCENARIO_COLD,      "mx25l51245g", ROAD_XMODEM_1K, true, {94}},
    {SCENARIO_COLD,      "mx25l51245g", ROAD_YMODEM_G, true,  {GOAL}},
    {SCENARIO_BLANK,     "mx25l51245g", ROAD_XMODEM_1K, true, {64}},
    {SCENARIO_BLANK,     "mx25l51245g", ROAD_YMODEM_G, true,  {88}},
};
// clang-format on

enum { TABLE = sizeof table / sizeof *table };

static const struct row *find(const struct row *rows, size_t count,
                              const struct expectation *e) {
  for (size_t i = 0; i < count; i++) {
    const struct row *r = &rows[i];
    if (r->scenario == e->scenario && strcmp(r->chip, e->chip) == 0 &&
        r->road == e->road && r->high_speed == e->high_speed) {
      return r;
    }
  }
  fail_msg("there is no such row");
  return NULL;
}

static bool is_enough(const struct row_goal *g, double enough) {
  if (enough < 0) return row_goal_reached(g);
  return g->sense == ROW_AT_LEAST ? g->value >= enough : g->value <= enough;
}

static void test_row(void **state) {
  const struct expectation *e = *state;
  static struct row rows[ROWS_MAX];
  const struct row *row = find(rows, rows_make(rows, true), e);
  struct row_goal goals[ROW_GOALS];
  struct row_result r;
  row_run(row, &r);
  if (!r.done) fail_msg("%s", r.problem);
  const size_t n = row_goals(row, &r, goals);
  assert_true(n > 0);
  for (size_t i = 0; i < n; i++) {
    const bool good = is_enough(&goals[i], e->enough[i]);
    print_message("%.4g %s (aimed at: %.4g)%s\n", goals[i].value, goals[i].what,
                  goals[i].limit, good ? "" : ": not enough");
    assert_true(good);
  }
}

// Equal runs take equal times, to the picosecond.
static void test_equal_runs(void **state) {
  const struct row row = {.scenario = SCENARIO_COLD,
                          .chip = "mx25l51245g",
                          .road = ROAD_QUADBOOT,
                          .high_speed = true,
                          .nor_size = 128 << 10};
  struct row_result a, b;
  (void)state;
  row_run(&row, &a);
  row_run(&row, &b);
  assert_true(a.done);
  assert_memory_equal(&a.virtual_s, &b.virtual_s, sizeof a.virtual_s);
  assert_memory_equal(&a.usb_s, &b.usb_s, sizeof a.usb_s);
  assert_int_equal(a.programs, b.programs);
}

// The device that takes no time: what dfu-util's requests cost on the wire, by the
// formula of USB 2.0 5.11.3 and the host's constants.
struct cost {
  bool high_speed;
  double transfer_us, packet_us, small_us;  // small: packets of up to 8 bytes
};

static void expect_ideal(const struct cost *w) {
  enum { SIZE = 1 << 20, BLOCKS = SIZE / 4096, SECTORS = SIZE / 65536 };
  const struct row row = {.scenario = SCENARIO_BLANK,
                          .chip = "mx25l51245g",
                          .road = ROAD_DFU_UTIL,
                          .high_speed = w->high_speed,
                          .nor_size = SIZE};
  struct row_result r;
  row_run(&row, &r);
  assert_true(r.done);
  const double transfers = BLOCKS * 5 + SECTORS * 3;
  // Each transfer has a SETUP and a status packet, and but for data blocks one more.
  const double small = transfers * 3 - BLOCKS, packets = BLOCKS * 64;
  const double us =
      transfers * w->transfer_us + small * w->small_us + packets * w->packet_us;
  print_message("%.4f s, %.4f s by formula\n", r.usb_s, us / 1e6);
  assert_true(r.usb_s > us / 1e6);
  // Descriptors, alternate setting and what does not fit into a frame.
  assert_true(r.usb_s < 1.05 * us / 1e6);
}

static void test_ideal_high_speed(void **state) {
  (void)state;
  expect_ideal(&(struct cost){true, 150, 0.9165 + 0.002083 * 600 + 0.2, 1.1});
}

static void test_ideal_full_speed(void **state) {
  (void)state;
  expect_ideal(&(struct cost){false, 1000, 9.107 + 0.08354 * 600 + 0.2, 12});
}

int main(void) {
  static struct CMUnitTest tests[TABLE + 3];
  static char names[TABLE][64];
  for (size_t i = 0; i < TABLE; i++) {
    const struct expectation *e = &table[i];
    snprintf(names[i], sizeof names[i], "%s/%s/%s/%s", scenario_names[e->scenario],
             e->chip, road_names[e->road], e->high_speed ? "HS" : "FS");
    tests[i] = (struct CMUnitTest){
        .name = names[i], .test_func = test_row, .initial_state = (void *)(uintptr_t)e};
  }
  tests[TABLE] = (struct CMUnitTest)cmocka_unit_test(test_equal_runs);
  tests[TABLE + 1] = (struct CMUnitTest)cmocka_unit_test(test_ideal_high_speed);
  tests[TABLE + 2] = (struct CMUnitTest)cmocka_unit_test(test_ideal_full_speed);
  return cmocka_run_group_tests_name("speed", tests, NULL, NULL);
}
