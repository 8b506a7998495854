// SPDX-License-Identifier: MIT
// What people and programs see while boards work, with names and figures that were not
// thought of.
#include "host/cli/ui.h"

#include <pthread.h>

#include <jansson.h>

#include "host/cli/json.h"
#include "tests/unit/host/cli/capture.h"

static const char *const names[] = {"A1", "gr\xC3\xBC\xC3\x9F", "bad \xFF\xC3 name",
                                    "esc\x1B[2J"};
enum { BOARDS = 4 };

static struct unit units[200];
static struct plan plan;

static int setup(void **state) {
  (void)state;
  plan = (struct plan){.units = units, .count = 200};
  for (uint32_t i = 0; i < 200; i++) {
    units[i] = (struct unit){.sector = {0x90000000 + i * 65536, 65536, 7},
                             .alternate = i >= 150,
                             .state = (enum unit_state)(i % UNIT_STATES)};
  }
  return 0;
}

// Every line is one JSON object with these members; how many lines.
static size_t expect_json_lines(char *text) {
  size_t count = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    json_error_t error;
    json_t *o = json_loads(line, 0, &error);
    if (!o) fail_msg("%s: %s", error.text, line);
    assert_true(json_is_string(json_object_get(o, "event")));
    assert_true(json_is_string(json_object_get(o, "board")));
    json_decref(o);
    count++;
  }
  return count;
}

// ---- JSON ------------------------------------------------------------------

static void text_of_any_bytes_becomes_json(void **state) {
  (void)state;
  json_t *t = cli_json_text("gr\xC3\xBC\xC3\x9F");
  assert_string_equal(json_string_value(t), "gr\xC3\xBC\xC3\x9F");
  json_decref(t);
  t = cli_json_text("\xFF\xC3 \xE2\x82 \xED\xA0\x80 ");
  assert_string_equal(json_string_value(t), "?? ?? ??? ");
  json_decref(t);
}

struct worker {
  struct ui *ui;
  size_t board;
};

static void *work(void *ctx) {
  const struct worker *w = ctx;
  for (unsigned i = 0; i <= 1000; i++) {
    const struct job_progress p = {.phase = (enum job_phase)(i % JOB_PHASES),
                                   .address = i,
                                   .done = i,
                                   .total = 1000};
    ui_progress(w->ui, w->board, &p);
    if (i % 100 == 0) ui_unit(w->ui, w->board, &plan, i % 200);
  }
  ui_event(w->ui, w->board, "lost", "file \xFF\x80.bin is away");
  ui_event(w->ui, w->board, "done", NULL);
  ui_result(w->ui, w->board, "all right");
  return NULL;
}

static void run_workers(struct ui *ui) {
  pthread_t threads[BOARDS];
  struct worker workers[BOARDS];
  for (size_t i = 0; i < BOARDS; i++) {
    workers[i] = (struct worker){ui, i};
    assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  for (size_t i = 0; i < BOARDS; i++) {
    pthread_join(threads[i], NULL);
  }
}

static void lines_of_many_threads_stay_whole(void **state) {
  (void)state;
  struct capture c = capture_begin(stdout);
  struct ui *ui = ui_open(UI_JSON, BOARDS, names, false);
  run_workers(ui);
  ui_close(ui);
  char *text = capture_end(&c);
  assert_true(expect_json_lines(text) >= BOARDS * 1000);
  free(text);
}

// ---- Terminal --------------------------------------------------------------

static void lines_are_redrawn_in_place(void **state) {
  (void)state;
  struct capture c = capture_begin(stderr);
  struct ui *ui = ui_open(UI_TERMINAL, BOARDS, names, true);
  run_workers(ui);
  ui_close(ui);
  char *text = capture_end(&c);
  assert_non_null(strstr(text, "\033[4A"));
  assert_non_null(strstr(text, "all right"));
  free(text);
}

static void a_silent_one_tells_only_events(void **state) {
  (void)state;
  struct capture c = capture_begin(stderr);
  struct ui *ui = ui_open(UI_SILENT, BOARDS, names, false);
  const struct job_progress p = {.done = 1, .total = 2};
  ui_progress(ui, 0, &p);
  ui_unit(ui, 0, &plan, 0);
  ui_event(ui, 0, "lost", "it is away");
  ui_event(ui, 0, "done", NULL);
  ui_result(ui, 0, "all right");
  ui_close(ui);
  char *text = capture_end(&c);
  assert_string_equal(text, "A1: it is away\n");
  free(text);
}

static void figures_at_their_ends(void **state) {
  (void)state;
  static const struct job_progress all[] = {
      {.total = 0},
      {.done = 0, .total = 1},
      {.done = (uint64_t)1 << 33, .total = (uint64_t)1 << 33},
      {.done = 1, .total = (uint64_t)1 << 40, .address = UINT32_MAX},
      {.done = 0, .total = 0, .phase = JOB_READING},
  };
  static char name[3000];
  memset(name, 'n', sizeof name - 1);
  const char *const long_name[] = {name};
  struct capture c = capture_begin(stderr);
  struct ui *ui = ui_open(UI_TERMINAL, 1, long_name, true);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    usleep(120000);  // so that each is drawn
    ui_unit(ui, 0, &plan, 0);
    ui_progress(ui, 0, &all[i]);
  }
  ui_result(ui, 0, name);
  ui_close(ui);
  char *text = capture_end(&c);
  assert_non_null(strstr(text, "100 %"));
  assert_non_null(strstr(text, "0xFFFFFFFF"));
  free(text);
}

// ---- Map -------------------------------------------------------------------

static void a_map_has_a_mark_for_each_sector(void **state) {
  (void)state;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  ui_print_map(out, &plan);
  fclose(out);
  unsigned rows = 0;
  for (const char *p = text; (p = strstr(p, "  0x")) != NULL; p++) {
    rows++;
  }
  assert_int_equal(rows, 4);  // 64 + 64 + 22, and 50 of the other flash
  assert_non_null(strstr(text, "  0x90000000 .=-#*.=-#*"));
  assert_non_null(strstr(text, "  0x90960000 "));
  assert_non_null(strstr(text, "* verified\n"));
  free(text);
}

static void a_map_of_nothing(void **state) {
  (void)state;
  const struct plan none = {.count = 0};
  struct capture c = capture_begin(stdout);
  ui_print_map(stdout, &none);
  char *text = capture_end(&c);
  assert_memory_equal(text, "  sectors: ", 11);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_of_any_bytes_becomes_json),
      cmocka_unit_test(lines_of_many_threads_stay_whole),
      cmocka_unit_test(lines_are_redrawn_in_place),
      cmocka_unit_test(a_silent_one_tells_only_events),
      cmocka_unit_test(figures_at_their_ends),
      cmocka_unit_test(a_map_has_a_mark_for_each_sector),
      cmocka_unit_test(a_map_of_nothing),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
