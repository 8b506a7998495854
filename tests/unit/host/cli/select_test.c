// SPDX-License-Identifier: MIT
// Which of the boards that were found a command line means.
#include "host/cli/select.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rig {
  struct boards list;
  struct cli_options options;
  struct qb_error error;
};

// Boards with these serial numbers, at usb:1-0, usb:1-1, ...; NULL: it cannot be asked.
static void connect_boards(struct rig *r, const char *const *serials) {
  boards_free(&r->list);
  while (serials[r->list.count]) {
    r->list.count++;
  }
  r->list.items = calloc(r->list.count + 1, sizeof *r->list.items);
  assert_non_null(r->list.items);
  for (size_t i = 0; i < r->list.count; i++) {
    struct usb_board *b = &r->list.items[i].board;
    snprintf(b->where.location, sizeof b->where.location, "usb:1-%zu", i);
    r->list.items[i].described = strcmp(serials[i], "?") != 0;
    if (!r->list.items[i].described) continue;
    snprintf(b->serial, sizeof b->serial, "%s", serials[i]);
  }
}

static int choose(struct rig *r, const char *const *serials, bool all) {
  r->options.serials = (const char **)(uintptr_t)serials;
  r->options.serial_count = 0;
  while (serials[r->options.serial_count]) {
    r->options.serial_count++;
  }
  r->options.all = all;
  return cli_choose(&r->list, &r->options, &r->error);
}

#define CONNECT(...)     connect_boards(r, (const char *const[]){__VA_ARGS__, NULL})
#define CHOOSE(all, ...) choose(r, (const char *const[]){__VA_ARGS__, NULL}, all)
static const char *const nobody[] = {NULL};

static int setup(void **state) {
  *state = calloc(1, sizeof(struct rig));
  return *state ? 0 : -1;
}

static int teardown(void **state) {
  struct rig *r = *state;
  boards_free(&r->list);
  free(r);
  return 0;
}

static void the_only_one(void **state) {
  struct rig *r = *state;
  CONNECT("A");
  assert_int_equal(choose(r, nobody, false), CLI_OK);
  assert_int_equal(choose(r, nobody, true), CLI_OK);
  assert_int_equal(CHOOSE(false, "A"), CLI_OK);
  CONNECT("?");  // whose problem is told later
  assert_int_equal(choose(r, nobody, false), CLI_OK);
}

static void none(void **state) {
  struct rig *r = *state;
  connect_boards(r, nobody);
  assert_int_equal(choose(r, nobody, true), CLI_NO_BOARD);
  assert_non_null(strstr(r->error.text, "no board is found"));
}

static void one_of_several(void **state) {
  struct rig *r = *state;
  CONNECT("A", "", "C");
  assert_int_equal(choose(r, nobody, false), CLI_NO_BOARD);
  assert_string_equal(
      r->error.text,
      "3 boards are connected (A, usb:1-1, C); say which with --serial, "
      "or --all");
  assert_int_equal(choose(r, nobody, true), CLI_OK);
  assert_int_equal(r->list.count, 3);
  assert_int_equal(CHOOSE(false, "C", "A"), CLI_OK);
  assert_int_equal(r->list.count, 2);
  assert_int_equal(CHOOSE(false, "C"), CLI_OK);
  assert_int_equal(r->list.count, 1);
  assert_string_equal(r->list.items[0].board.serial, "C");
}

static void by_its_place(void **state) {
  struct rig *r = *state;
  CONNECT("A", "", "?");
  assert_int_equal(CHOOSE(false, "usb:1-1", "usb:1-2"), CLI_OK);
  assert_int_equal(r->list.count, 2);
}

static void one_that_is_not_there(void **state) {
  struct rig *r = *state;
  CONNECT("A", "?");
  assert_int_equal(CHOOSE(true, "A", "B\x1B[2J"), CLI_NO_BOARD);
  assert_string_equal(r->error.text,
                      "no board with the serial number B?[2J is connected; 'quadboot "
                      "list' shows those that are");
  CONNECT("A");
  assert_int_equal(CHOOSE(false, "a"), CLI_NO_BOARD);
  CONNECT("A");
  assert_int_equal(CHOOSE(false, "AA"), CLI_NO_BOARD);
}

// Two boards with one number: whoever names it does not mean both.
static void twins(void **state) {
  struct rig *r = *state;
  CONNECT("A", "A", "B");
  assert_int_equal(CHOOSE(false, "A"), CLI_NO_BOARD);
  assert_string_equal(
      r->error.text,
      "2 boards have the serial number A; give --serial the place of one "
      "as 'quadboot list' shows it, or --all");
  CONNECT("A", "A", "B");
  assert_int_equal(CHOOSE(false, "usb:1-1"), CLI_OK);
  assert_int_equal(r->list.count, 1);
  CONNECT("A", "A", "B");
  assert_int_equal(CHOOSE(true, "A"), CLI_OK);
  assert_int_equal(r->list.count, 2);
}

// More names than fit into a sentence.
static void very_many(void **state) {
  struct rig *r = *state;
  static char names[300][100];
  const char *serials[301] = {NULL};
  for (int i = 0; i < 300; i++) {
    snprintf(names[i], sizeof names[i], "%099d", i);
    serials[i] = names[i];
  }
  connect_boards(r, serials);
  assert_int_equal(choose(r, nobody, false), CLI_NO_BOARD);
  assert_non_null(strstr(r->error.text, "300 boards are connected (0000"));
  assert_non_null(strstr(r->error.text, "); say which with --serial, or --all"));
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(the_only_one),
      RIGGED(none),
      RIGGED(one_of_several),
      RIGGED(by_its_place),
      RIGGED(one_that_is_not_there),
      RIGGED(twins),
      RIGGED(very_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
