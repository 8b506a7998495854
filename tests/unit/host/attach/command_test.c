// SPDX-License-Identifier: MIT
// The program that quadboot-attach runs: its end, and signals on their way.
#include "host/attach/command.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state) {
  struct command *c = calloc(1, sizeof *c);
  if (!c) return -1;
  *state = c;
  return command_prepare(c) ? 0 : -1;
}

static int teardown(void **state) {
  struct command *c = *state;
  close(command_fd(c));
  sigprocmask(SIG_SETMASK, &c->mask_before, NULL);
  free(c);
  return 0;
}

static void start_shell(struct command *c, const char *script) {
  char *const argv[] = {"sh", "-c", (char *)script, NULL};
  assert_int_equal(command_start(c, argv), 0);
}

static int wait_for_end(struct command *c) {
  for (int i = 0; i < 1000 && !c->ended; i++) {
    struct pollfd f = {.fd = command_fd(c), .events = POLLIN};
    poll(&f, 1, 10);
    command_service(c);
  }
  assert_true(c->ended);
  return c->exit_status;
}

static void exit_statuses_are_a_shells(void **state) {
  struct command *c = *state;
  static const struct {
    const char *script;
    int status;
  } scripts[] = {
      {"exit 0", 0},       {"exit 1", 1},          {"exit 255", 255},
      {"kill -9 $$", 137}, {"kill -TERM $$", 143}, {"kill -SEGV $$", 139},
  };
  for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
    c->ended = false;
    start_shell(c, scripts[i].script);
    assert_int_equal(wait_for_end(c), scripts[i].status);
    assert_int_equal(c->pid, 0);
  }
}

static void what_cannot_be_run_is_an_error(void **state) {
  struct command *c = *state;
  assert_int_equal(command_start(c, (char *const[]){"/no/such/program", NULL}), ENOENT);
  assert_int_equal(command_start(c, (char *const[]){"no-such-program", NULL}), ENOENT);
  assert_int_equal(command_start(c, (char *const[]){"/tmp", NULL}), EACCES);
  assert_int_equal(c->pid, 0);
  command_service(c);
  assert_false(c->ended);
}

// The program must not inherit that we keep signals back.
static void the_program_has_its_own_signal_mask(void **state) {
  struct command *c = *state;
  start_shell(c, "grep -q '^SigBlk:.*0000000000000000$' /proc/self/status");
  assert_int_equal(wait_for_end(c), 0);
}

static void signals_for_us_reach_the_program(void **state) {
  struct command *c = *state;
  static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < 4; i++) {
    c->ended = false;
    start_shell(c, "exec sleep 20");
    kill(getpid(), signals[i]);
    assert_int_equal(wait_for_end(c), 128 + signals[i]);
  }
}

static void a_signal_before_the_program_is_an_end(void **state) {
  struct command *c = *state;
  kill(getpid(), SIGTERM);
  command_service(c);
  assert_true(c->ended);
  assert_int_equal(c->exit_status, 128 + SIGTERM);
}

static void a_signal_after_the_program_changes_nothing(void **state) {
  struct command *c = *state;
  start_shell(c, "exit 3");
  assert_int_equal(wait_for_end(c), 3);
  kill(getpid(), SIGTERM);
  command_service(c);
  assert_int_equal(c->exit_status, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(exit_statuses_are_a_shells),
      TEST(what_cannot_be_run_is_an_error),
      TEST(the_program_has_its_own_signal_mask),
      TEST(signals_for_us_reach_the_program),
      TEST(a_signal_before_the_program_is_an_end),
      TEST(a_signal_after_the_program_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
