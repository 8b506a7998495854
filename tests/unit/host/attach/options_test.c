// SPDX-License-Identifier: MIT
// The command line of quadboot-attach.
#include "host/attach/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char problem[OPTIONS_PROBLEM_SIZE];

static enum options_result parse(const char *server, struct options *out,
                                 const char *const argv[]) {
  int argc = 0;
  while (argv[argc])
    argc++;
  problem[0] = '\0';
  return options_parse(argc, (char *const *)argv, server, out, problem);
}

#define ARGV(...) ((const char *const[]){"quadboot-attach", __VA_ARGS__, NULL})

static void defaults(void **state) {
  (void)state;
  struct options o;
  assert_int_equal(parse(NULL, &o, ARGV("dfu-util", "-l")), OPTIONS_RUN);
  assert_string_equal(o.server.host, "127.0.0.1");
  assert_int_equal(o.server.port, 3240);
  assert_int_equal(o.node, NODE_FIFO);
  assert_false(o.verbose);
  assert_false(o.real_sleep);
  assert_string_equal(o.command[0], "dfu-util");
  assert_string_equal(o.command[1], "-l");
  assert_null(o.command[2]);
}

static void all_options(void **state) {
  (void)state;
  struct options o;
  assert_int_equal(parse("env:1", &o,
                         ARGV("--usbip", "lab:99", "--node", "file", "--real-sleep",
                              "--verbose", "--", "run", "--verbose", "--help")),
                   OPTIONS_RUN);
  assert_string_equal(o.server.host, "lab");
  assert_int_equal(o.server.port, 99);
  assert_int_equal(o.node, NODE_FILE);
  assert_true(o.verbose);
  assert_true(o.real_sleep);
  assert_string_equal(o.command[0], "run");
  assert_string_equal(o.command[2], "--help");
  assert_null(o.command[3]);
}

static void options_of_the_command_are_its_own(void **state) {
  (void)state;
  struct options o;
  assert_int_equal(parse(NULL, &o, ARGV("run", "--node", "pipe")), OPTIONS_RUN);
  assert_string_equal(o.command[1], "--node");
}

static void the_environment_replaces_the_default_only(void **state) {
  (void)state;
  struct options o;
  assert_int_equal(parse("lab:7", &o, ARGV("run")), OPTIONS_RUN);
  assert_int_equal(o.server.port, 7);
  assert_int_equal(parse("not:a:server", &o, ARGV("--usbip", ":8", "run")),
                   OPTIONS_RUN);
  assert_int_equal(o.server.port, 8);
  assert_int_equal(parse("not:a:server", &o, ARGV("run")), OPTIONS_BAD);
}

static void auto_picks_the_node_by_the_program(void **state) {
  (void)state;
  static const struct {
    const char *command;
    enum node_kind kind;
  } commands[] = {
      {"fwupdtool", NODE_FILE},
      {"/usr/libexec/fwupd/fwupd", NODE_FILE},
      {"/opt/fwupd/bin/other", NODE_FIFO},
      {"chromium", NODE_FIFO},
      {"dfu-util", NODE_FIFO},
      {"fw", NODE_FIFO},
  };
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    struct options o;
    assert_int_equal(parse(NULL, &o, ARGV(commands[i].command)), OPTIONS_RUN);
    assert_int_equal(o.node, commands[i].kind);
    assert_int_equal(parse(NULL, &o, ARGV("--node", "auto", commands[i].command)),
                     OPTIONS_RUN);
    assert_int_equal(o.node, commands[i].kind);
    assert_int_equal(parse(NULL, &o, ARGV("--node", "fifo", commands[i].command)),
                     OPTIONS_RUN);
    assert_int_equal(o.node, NODE_FIFO);
  }
}

static void mistakes_are_named(void **state) {
  (void)state;
  static const struct {
    const char *argv[5];
    const char *says;
  } mistakes[] = {
      {{"quadboot-attach", NULL}, "no COMMAND"},
      {{"quadboot-attach", "--", NULL}, "no COMMAND"},
      {{"quadboot-attach", "--node", "pipe", "run", NULL}, "\"pipe\""},
      {{"quadboot-attach", "--usbip", "a:b", "run", NULL}, "\"a:b\""},
      {{"quadboot-attach", "--usbip", NULL}, "--usbip"},
      {{"quadboot-attach", "--frob", "run", NULL}, "--frob"},
      {{"quadboot-attach", "-x", "run", NULL}, "-x"},
  };
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    struct options o;
    assert_int_equal(parse(NULL, &o, mistakes[i].argv), OPTIONS_BAD);
    if (!strstr(problem, mistakes[i].says)) {
      fail_msg("\"%s\" does not say %s", problem, mistakes[i].says);
    }
  }
}

static void a_long_mistake_fits(void **state) {
  (void)state;
  struct options o;
  char text[1000];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  assert_int_equal(parse(NULL, &o, ARGV("--node", text, "run")), OPTIONS_BAD);
  assert_in_range(strlen(problem), 100, OPTIONS_PROBLEM_SIZE - 1);
}

static void help_comes_first(void **state) {
  (void)state;
  struct options o;
  assert_int_equal(parse(NULL, &o, ARGV("--help")), OPTIONS_HELP);
  assert_non_null(strstr(options_help, "--real-sleep"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults),
      cmocka_unit_test(all_options),
      cmocka_unit_test(options_of_the_command_are_its_own),
      cmocka_unit_test(the_environment_replaces_the_default_only),
      cmocka_unit_test(auto_picks_the_node_by_the_program),
      cmocka_unit_test(mistakes_are_named),
      cmocka_unit_test(a_long_mistake_fits),
      cmocka_unit_test(help_comes_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
