// SPDX-License-Identifier: MIT
// The options that commands share, given as people and scripts give them.
#include "host/cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct option long_options[] = {CLI_LONG_OPTIONS, {0}};

static bool take(void *ctx, int option, char **argv, struct qb_error *error) {
  return cli_take_option(ctx, option, argv, error);
}

struct parsed {
  struct cli_options options;
  struct qb_error error;
  bool ok;
  int left;  // arguments that are no options
};

static int setup(void **state) {
  static struct parsed parsed;
  memset(&parsed, 0, sizeof parsed);
  *state = &parsed;
  return 0;
}

static int teardown(void **state) {
  struct parsed *p = *state;
  cli_options_free(&p->options);
  return 0;
}

static void parse(struct parsed *p, char **argv) {
  int argc = 0;
  while (argv[argc]) {
    argc++;
  }
  cli_options_free(&p->options);
  memset(p, 0, sizeof *p);
  optind = 0;  // starts getopt anew
  p->ok = cli_parse(argc, argv, CLI_SHORT_OPTIONS, long_options, take, &p->options,
                    &p->options, &p->error);
  p->left = argc - optind;
}

#define PARSE(...) parse(p, (char *[]){"quadboot list", __VA_ARGS__, NULL})

static void expect_error(const struct parsed *p, const char *sentence) {
  assert_false(p->ok);
  assert_string_equal(p->error.text, sentence);
}

static void all_of_them(void **state) {
  struct parsed *p = *state;
  PARSE("-s", "A", "x", "--serial=B", "--all", "--usbip", "h:1", "--usbip", "[::1]",
        "--json", "-q", "y");
  assert_true(p->ok);
  assert_int_equal(p->options.serial_count, 2);
  assert_string_equal(p->options.serials[1], "B");
  assert_true(p->options.all && p->options.json && p->options.quiet);
  assert_false(p->options.help);
  assert_int_equal(p->options.server_count, 2);
  assert_int_equal(p->options.servers[0].port, 1);
  assert_string_equal(p->options.servers[1].host, "::1");
  assert_int_equal(p->left, 2);
}

static void help_ends_the_options(void **state) {
  struct parsed *p = *state;
  PARSE("--help", "--nonsense");
  assert_true(p->ok && p->options.help);
}

static void what_is_not_understood(void **state) {
  struct parsed *p = *state;
  PARSE("--nonsense");
  expect_error(p, "the option --nonsense is not understood");
  PARSE("-z");
  expect_error(p, "there is no option -z");
  PARSE("--json=yes");
  expect_error(p, "the option --json=yes is not understood");
  PARSE("-s");
  expect_error(p, "-s needs a value");
  PARSE("--usbip");
  expect_error(p, "--usbip needs a value");
  PARSE("--usbip", "host:99999");
  expect_error(p, "--usbip needs HOST:PORT, not \"host:99999\"");
  PARSE("--usbip", "");
  expect_error(p, "--usbip needs HOST:PORT, not \"\"");
}

// A script whose variable is empty means no board, not each that has no number.
static void an_empty_serial_number(void **state) {
  struct parsed *p = *state;
  PARSE("--serial", "");
  expect_error(p, "the serial number is empty");
  PARSE("--serial=");
  expect_error(p, "the serial number is empty");
}

static void counts_of_arguments(void **state) {
  struct parsed *p = *state;
  char *argv[] = {"quadboot read", "a", "b", NULL};
  parse(p, argv);
  assert_true(cli_check_count(3, argv, 1, 2, "none", &p->error));
  assert_false(cli_check_count(3, argv, 1, 1, "none", &p->error));
  assert_string_equal(p->error.text, "\"b\" is one argument too many");
  assert_false(cli_check_count(3, argv, 3, 3, "no file was given", &p->error));
  assert_string_equal(p->error.text, "no file was given");
}

static void very_many(void **state) {
  struct parsed *p = *state;
  char *argv[2002] = {"quadboot list"};
  for (int i = 1; i < 2001; i += 2) {
    argv[i] = "-s";
    argv[i + 1] = "A";
  }
  parse(p, argv);
  assert_true(p->ok);
  assert_int_equal(p->options.serial_count, 1000);
}

int main(void) {
#define CLEAN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CLEAN(all_of_them),
      CLEAN(help_ends_the_options),
      CLEAN(what_is_not_understood),
      CLEAN(an_empty_serial_number),
      CLEAN(counts_of_arguments),
      CLEAN(very_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
