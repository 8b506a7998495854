// SPDX-License-Identifier: MIT
// The same work on several boards, of which some are broken, gone or twins. Ctrl-C.
#include "host/cli/fleet.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <jansson.h>

#include "tests/unit/host/cli/capture.h"
#include "tests/unit/host/transport/board_server.h"

enum { SERVERS = 4 };

struct rig {
  struct board_server servers[SERVERS];
  struct usbip_endpoint endpoints[SERVERS];
  struct cli_options options;
  struct capture out, err;
  char *printed, *complained;
};

static int setup(void **state) {
  static const char *const serials[SERVERS] = {"A", "B", "C", "D"};
  struct rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  for (size_t i = 0; i < SERVERS; i++) {
    board_server_start(&r->servers[i]);
    r->servers[i].board.serial = serials[i];
    r->endpoints[i] = played_server_endpoint(&r->servers[i].server);
  }
  r->options = (struct cli_options){
      .servers = r->endpoints, .server_count = SERVERS, .all = true};
  *state = r;
  return 0;
}

static int teardown(void **state) {
  struct rig *r = *state;
  for (size_t i = 0; i < SERVERS; i++) {
    board_server_stop(&r->servers[i]);
  }
  free(r->printed);
  free(r->complained);
  free(r);
  return 0;
}

// Work that goes as the board's serial number has it.
static void work(struct fleet_member *m) {
  const char *serial = m->connection.board.serial;
  const struct qb_error problem = {.text = "the board has had enough"};
  fleet_take_outcome(m, strcmp(serial, "B") == 0 ? JOB_REFUSED : JOB_DONE, &problem);
  snprintf(m->summary, sizeof m->summary, "%s is done", serial);
}

static int run_command(struct rig *r, fleet_work *w) {
  const struct fleet_command command = {.name = "quadboot test", .work = w};
  free(r->printed);
  free(r->complained);
  r->out = capture_begin(stdout);
  r->err = capture_begin(stderr);
  const int code = fleet_run(&command, &r->options);
  r->complained = capture_end(&r->err);
  r->printed = capture_end(&r->out);
  return code;
}

static void a_failed_board_stops_no_other(void **state) {
  struct rig *r = *state;
  assert_int_equal(run_command(r, work), CLI_SOME_FAILED);
  assert_string_equal(
      r->printed,
      "A: A is done\nC: C is done\nD: D is done\n4 boards: 3 succeeded, "
      "1 failed\n");
  assert_string_equal(r->complained, "quadboot test: B: the board has had enough\n");
}

static void one_board_has_its_own_code(void **state) {
  struct rig *r = *state;
  r->options.servers = &r->endpoints[1];
  r->options.server_count = 1;
  assert_int_equal(run_command(r, work), CLI_FAILED);
  assert_string_equal(r->complained, "quadboot test: the board has had enough\n");
  r->options.servers = r->endpoints;
  assert_int_equal(run_command(r, work), CLI_OK);
  assert_string_equal(r->printed, "A: A is done\n");
}

static void several_without_a_choice(void **state) {
  struct rig *r = *state;
  r->options.all = false;
  assert_int_equal(run_command(r, work), CLI_NO_BOARD);
  assert_non_null(strstr(r->complained, "4 boards are connected (A, B, C, D)"));
}

static void a_server_that_is_not_there(void **state) {
  struct rig *r = *state;
  struct played_server dead = {.count = 0};
  played_server_start(&dead);
  r->endpoints[2] = played_server_endpoint(&dead);
  played_server_stop(&dead);
  assert_int_equal(run_command(r, work), CLI_SOME_FAILED);
  assert_non_null(strstr(r->complained, "does not answer; is it running?"));
  assert_non_null(strstr(r->printed, "4 boards: 2 succeeded, 2 failed"));
}

// ---- Names -----------------------------------------------------------------

// A thread may not assert: what it finds is its outcome.
static void place_is_name(struct fleet_member *m) {
  const struct qb_error wrong = {.text = "it has another name"};
  const bool right = m->connection.has_twin &&
                     strcmp(m->name, m->connection.board.where.location) == 0;
  fleet_take_outcome(m, right ? JOB_DONE : JOB_REFUSED, &wrong);
}

static void twins_are_called_by_their_places(void **state) {
  struct rig *r = *state;
  for (size_t i = 0; i < SERVERS; i++) {
    r->servers[i].board.serial = "same";
  }
  assert_int_equal(run_command(r, place_is_name), CLI_OK);
}

static void has_no_twin(struct fleet_member *m) {
  const struct qb_error wrong = {.text = "it has a twin"};
  fleet_take_outcome(m, m->connection.has_twin ? JOB_REFUSED : JOB_DONE, &wrong);
  snprintf(m->summary, sizeof m->summary, "done");
}

static void names_that_are_no_names(void **state) {
  struct rig *r = *state;
  r->servers[0].board.serial = "";
  r->servers[1].board.serial = NULL;
  r->servers[2].board.serial = "\x1B[2J\n\x7F";
  assert_int_equal(run_command(r, has_no_twin), CLI_OK);
  assert_null(strchr(r->printed, '\x1B'));
  assert_non_null(strstr(r->printed, "?[2J??: done\n"));
}

// ---- JSON ------------------------------------------------------------------

static void bad_words(struct fleet_member *m) {
  const struct qb_error problem = {.text = "cannot open \xFF\xC3.bin"};
  fleet_take_outcome(m, JOB_REFUSED, &problem);
  snprintf(m->summary, sizeof m->summary, "all is well");
}

static void results_are_json_whatever_they_say(void **state) {
  struct rig *r = *state;
  r->options.json = true;
  assert_int_equal(run_command(r, bad_words), CLI_SOME_FAILED);
  size_t count = 0;
  for (char *line = strtok(r->printed, "\n"); line; line = strtok(NULL, "\n")) {
    json_t *o = json_loads(line, 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "problem")),
                        "cannot open ?"
                        "?.bin");
    assert_null(json_object_get(o, "summary"));
    json_decref(o);
    count++;
  }
  assert_int_equal(count, SERVERS);
}

// ---- Signals ---------------------------------------------------------------

static pthread_barrier_t all_there;

// All boards are at work when the signal comes.
static void until_stopped(struct fleet_member *m) {
  const struct qb_error stopped = {.text = "stopped"};
  if (pthread_barrier_wait(&all_there) == PTHREAD_BARRIER_SERIAL_THREAD) {
    raise(SIGINT);
  }
  while (!m->events.stop(m->events.ctx)) {
    usleep(1000);
  }
  fleet_take_outcome(m, JOB_STOPPED, &stopped);
}

static void until_hung_up(struct fleet_member *m) {
  const struct qb_error stopped = {.text = "stopped"};
  raise(SIGHUP);
  raise(SIGHUP);
  fleet_take_outcome(m, m->events.stop(m->events.ctx) ? JOB_STOPPED : JOB_DONE,
                     &stopped);
}

static void until_done(struct fleet_member *m) {
  raise(SIGTERM);
  raise(SIGPIPE);
  fleet_take_outcome(m, JOB_DONE, NULL);
}

static void twice(struct fleet_member *m) {
  (void)m;
  raise(SIGINT);
  raise(SIGINT);
  sleep(10);
}

// In a process of its own: what a signal has done stays done.
static int code_in_a_child(struct rig *r, fleet_work *w) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (size_t i = 0; i < SERVERS; i++) {
      // The server's thread did not come along.
      close(r->servers[i].server.listener);
      memset(&r->servers[i], 0, sizeof r->servers[i]);
      board_server_start(&r->servers[i]);
      r->endpoints[i] = played_server_endpoint(&r->servers[i].server);
    }
    _exit(run_command(r, w));
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void ctrl_c_stops_all(void **state) {
  pthread_barrier_init(&all_there, NULL, SERVERS);
  assert_int_equal(code_in_a_child(*state, until_stopped), CLI_INTERRUPTED);
}

static void a_terminal_that_is_closed(void **state) {
  struct rig *r = *state;
  r->options.server_count = 1;
  assert_int_equal(code_in_a_child(r, until_hung_up), CLI_INTERRUPTED);
}

static void a_signal_that_comes_too_late(void **state) {
  struct rig *r = *state;
  r->options.server_count = 1;
  assert_int_equal(code_in_a_child(r, until_done), CLI_OK);
}

static void the_second_ctrl_c_ends_at_once(void **state) {
  struct rig *r = *state;
  r->options.server_count = 1;
  assert_int_equal(code_in_a_child(r, twice), 130);
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(a_failed_board_stops_no_other),      RIGGED(one_board_has_its_own_code),
      RIGGED(several_without_a_choice),           RIGGED(a_server_that_is_not_there),
      RIGGED(twins_are_called_by_their_places),   RIGGED(names_that_are_no_names),
      RIGGED(results_are_json_whatever_they_say), RIGGED(ctrl_c_stops_all),
      RIGGED(a_terminal_that_is_closed),          RIGGED(a_signal_that_comes_too_late),
      RIGGED(the_second_ctrl_c_ends_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
