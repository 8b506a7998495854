// SPDX-License-Identifier: MIT
// Sleeps from the program's call to quadboot-attach and back: both ends are
// linked into this test, so every sleep called here is one of the library's.
// In between, the test plays the simulator.
#include "host/attach/sleeps.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/attach/sleep_wire.h"
#include "host/lib/clock.h"

enum answer { ANSWER_SLEPT, ANSWER_REFUSED, ANSWER_LATER, ANSWER_NO_DEVICE };

// The simulator's part, and a thread that serves the sleeps.
struct world {
  struct sleeps sleeps;
  enum answer answer;
  uint64_t asked[200];
  size_t count;
  struct remote_sleep *later[SLEEPS_MOST];
  size_t later_count;
  pthread_t thread;
  int stop[2];
};

// The remote is a stand-in: its address leads to the world.
static struct remote stand_in;
static struct world *the_world;

bool remote_start_sleep(struct remote *r, struct remote_sleep *sleep) {
  struct world *w = the_world;
  assert_ptr_equal(r, &stand_in);
  assert_true(w->count < 200);
  w->asked[w->count++] = sleep->ns;
  if (w->answer == ANSWER_NO_DEVICE) return false;
  if (w->answer == ANSWER_LATER) {
    w->later[w->later_count++] = sleep;
  } else {
    sleep->done(sleep, w->answer == ANSWER_SLEPT);
  }
  return true;
}

static void *serve(void *ctx) {
  struct world *w = ctx;
  for (;;) {
    struct pollfd fds[] = {{.fd = sleeps_fd(&w->sleeps), .events = POLLIN},
                           {.fd = w->stop[0], .events = POLLIN}};
    poll(fds, 2, -1);
    if (fds[1].revents) return NULL;
    sleeps_service(&w->sleeps);
  }
}

static void start_serving(struct world *w) {
  pipe(w->stop);
  pthread_create(&w->thread, NULL, serve, w);
}

static void stop_serving(struct world *w) {
  if (w->stop[0] == 0) return;
  close(w->stop[1]);
  pthread_join(w->thread, NULL);
  close(w->stop[0]);
  w->stop[0] = 0;
}

static int setup(void **state) {
  struct world *w = calloc(1, sizeof *w);
  if (!w || !sleeps_open(&w->sleeps, &stand_in)) return -1;
  the_world = w;
  char number[12];
  snprintf(number, sizeof number, "%d", w->sleeps.child_fd);
  setenv(SLEEP_FD_VARIABLE, number, 1);
  start_serving(w);
  *state = w;
  return 0;
}

static int teardown(void **state) {
  struct world *w = *state;
  stop_serving(w);
  sleeps_close(&w->sleeps);
  unsetenv(SLEEP_FD_VARIABLE);
  free(w);
  return 0;
}

static void every_sleep_passes_at_once(void **state) {
  const struct world *w = *state;
  const struct timespec time = {.tv_sec = 100, .tv_nsec = 7};
  const uint64_t since = clock_now_ms();
  errno = 77;
  assert_int_equal(nanosleep(&time, NULL), 0);
  assert_int_equal(clock_nanosleep(CLOCK_REALTIME, 0, &time, NULL), 0);
  assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL), 0);
  assert_int_equal(usleep(3000001), 0);
  assert_int_equal(sleep(50), 0);
  assert_int_equal(errno, 77);
  assert_true(clock_now_ms() - since < 2000);
  static const uint64_t expected[] = {100000000007, 100000000007, 100000000007,
                                      3000001000, 50000000000};
  assert_int_equal(w->count, 5);
  assert_memory_equal(w->asked, expected, sizeof expected);
}

static uint64_t time_of_short_sleep(void) {
  const struct timespec time = {.tv_nsec = 60000000};
  const uint64_t since = clock_now_ms();
  errno = 77;
  assert_int_equal(nanosleep(&time, NULL), 0);
  assert_int_equal(errno, 77);
  return clock_now_ms() - since;
}

static void without_an_answer_sleeps_are_real(void **state) {
  struct world *w = *state;
  w->answer = ANSWER_REFUSED;
  assert_true(time_of_short_sleep() >= 59);
  w->answer = ANSWER_NO_DEVICE;
  assert_true(time_of_short_sleep() >= 59);
  assert_int_equal(w->count, 2);
  setenv(SLEEP_FD_VARIABLE, "0", 1);  // a number that is something else now
  assert_true(time_of_short_sleep() >= 59);
  setenv(SLEEP_FD_VARIABLE, "9999", 1);  // or nothing
  assert_true(time_of_short_sleep() >= 59);
  unsetenv(SLEEP_FD_VARIABLE);
  assert_true(time_of_short_sleep() >= 59);
  assert_int_equal(w->count, 2);
}

// The program closed the socket, and another one has its number now.
static void another_socket_is_not_asked(void **state) {
  const struct world *w = *state;
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
  for (size_t i = 0; i < 2; i++) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, types[i], 0, ends), 0);
    char number[12];
    snprintf(number, sizeof number, "%d", ends[0]);
    setenv(SLEEP_FD_VARIABLE, number, 1);
    assert_true(time_of_short_sleep() >= 59);
    char byte;
    assert_int_equal(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
    close(ends[0]);
    close(ends[1]);
  }
  assert_int_equal(w->count, 0);
}

static void without_quadboot_attach_sleeps_are_real(void **state) {
  struct world *w = *state;
  stop_serving(w);
  close(w->sleeps.fd);
  w->sleeps.fd = -1;
  assert_true(time_of_short_sleep() >= 59);
}

static void sleeps_until_a_time_are_real(void **state) {
  const struct world *w = *state;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  const uint64_t since = clock_now_ms();
  time.tv_nsec += 60000000;
  if (time.tv_nsec >= 1000000000) {
    time.tv_nsec -= 1000000000;
    time.tv_sec++;
  }
  assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL), 0);
  assert_true(clock_now_ms() - since >= 59);
  const struct timespec nothing = {0};
  assert_int_equal(clock_nanosleep(CLOCK_BOOTTIME, 0, &nothing, NULL), 0);
  assert_int_equal(nanosleep(&nothing, NULL), 0);
  assert_int_equal(usleep(0), 0);
  assert_int_equal(sleep(0), 0);
  assert_int_equal(w->count, 0);
}

static void wrong_times_are_refused_as_by_libc(void **state) {
  const struct world *w = *state;
  static const struct timespec wrong[] = {
      {.tv_sec = -1}, {.tv_nsec = -1}, {.tv_nsec = 1000000000}};
  for (size_t i = 0; i < 3; i++) {
    errno = 0;
    assert_int_equal(nanosleep(&wrong[i], NULL), -1);
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong[i], NULL), EINVAL);
    assert_int_equal(errno, 0);
  }
  const struct timespec good = {.tv_sec = 1};
  assert_int_equal(clock_nanosleep(12345, 0, &good, NULL), EINVAL);
  assert_int_equal(w->count, 0);
}

static void on_signal(int number) {
  (void)number;
}

// A signal after 50 ms. With SA_RESTART a read would go on; a sleep must not.
static void arm_signal(void) {
  const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval timer = {.it_value.tv_usec = 50000};
  setitimer(ITIMER_REAL, &timer, NULL);
}

// The handler has to run in this thread, not in the serving one.
static void restart_with_signals_here(struct world *w) {
  stop_serving(w);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  start_serving(w);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void signals_interrupt_a_sleep(void **state) {
  struct world *w = *state;
  restart_with_signals_here(w);
  w->answer = ANSWER_LATER;
  const struct timespec time = {.tv_sec = 10, .tv_nsec = 5};
  struct timespec left = {0};
  arm_signal();
  assert_int_equal(nanosleep(&time, &left), -1);
  assert_int_equal(errno, EINTR);
  assert_int_equal(left.tv_sec, 9);
  assert_in_range(left.tv_nsec, 1, 960000000);
  arm_signal();
  errno = 0;
  assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &left), EINTR);
  assert_int_equal(errno, 0);
  assert_int_equal(left.tv_sec, 9);
  arm_signal();
  assert_int_equal(usleep(10000000), -1);
  assert_int_equal(errno, EINTR);
  arm_signal();
  assert_int_equal(sleep(10), 10);  // 9.95 s are left
  assert_int_equal(w->count, 4);
  // The answers find nobody, and the next sleep is not confused by them.
  stop_serving(w);
  for (size_t i = 0; i < w->later_count; i++)
    w->later[i]->done(w->later[i], true);
  w->answer = ANSWER_SLEPT;
  start_serving(w);
  assert_int_equal(nanosleep(&time, NULL), 0);
  assert_int_equal(w->asked[4], 10000000005);
}

static void *sleep_ten_times(void *ctx) {
  const struct timespec time = {.tv_sec = 20, .tv_nsec = (long)(intptr_t)ctx};
  for (int i = 0; i < 10; i++) {
    if (nanosleep(&time, NULL) != 0) return "failed";
  }
  return NULL;
}

static void threads_sleep_side_by_side(void **state) {
  const struct world *w = *state;
  pthread_t threads[16];
  for (intptr_t i = 0; i < 16; i++) {
    pthread_create(&threads[i], NULL, sleep_ten_times, (void *)i);
  }
  for (size_t i = 0; i < 16; i++) {
    void *result;
    pthread_join(threads[i], &result);
    assert_null(result);
  }
  assert_int_equal(w->count, 160);
  size_t sums[16] = {0};
  for (size_t i = 0; i < 160; i++) {
    const uint64_t number = w->asked[i] - 20000000000;
    assert_true(number < 16);
    sums[number]++;
  }
  for (size_t i = 0; i < 16; i++)
    assert_int_equal(sums[i], 10);
}

// All wait at once, and end in another order than they began.
static void waiting_sleeps_end_in_any_order(void **state) {
  struct world *w = *state;
  w->answer = ANSWER_LATER;
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++) {
    pthread_create(&threads[i], NULL, sleep_ten_times, (void *)i);
  }
  const uint64_t deadline = clock_now_ms() + 5000;
  while (__atomic_load_n(&w->later_count, __ATOMIC_RELAXED) < 8 &&
         clock_now_ms() < deadline) {
    poll(NULL, 0, 1);
  }
  stop_serving(w);
  assert_int_equal(w->later_count, 8);
  w->answer = ANSWER_SLEPT;
  for (size_t i = 8; i > 0; i--)
    w->later[i - 1]->done(w->later[i - 1], true);
  start_serving(w);
  for (size_t i = 0; i < 8; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(w->count, 80);
}

static void too_many_sleeps_are_real(void **state) {
  struct world *w = *state;
  for (size_t i = 0; i < SLEEPS_MOST; i++) {
    w->sleeps.slots[i].used = true;
    w->sleeps.slots[i].reply_fd = dup(0);
  }
  assert_true(time_of_short_sleep() >= 59);
  assert_int_equal(w->count, 0);
}

// What is no request is dropped, with the descriptor it may carry.
static void garbage_on_the_socket_does_no_harm(void **state) {
  const struct world *w = *state;
  const int fd = w->sleeps.child_fd;
  static const char garbage[64] = "not a request";
  for (size_t length = 1; length <= sizeof garbage; length++) {
    assert_int_equal(send(fd, garbage, length, 0), length);
  }
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};
  memcpy(CMSG_DATA(&control.header), &ends[1], sizeof ends[1]);
  struct iovec io = {.iov_base = (char[]){1, 2, 3}, .iov_len = 3};
  const struct msghdr m = {.msg_iov = &io,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  assert_int_equal(sendmsg(fd, &m, 0), 3);
  close(ends[1]);
  char byte;
  assert_int_equal(read(ends[0], &byte, 1), 0);
  close(ends[0]);
  assert_int_equal(w->count, 0);
  assert_int_equal(usleep(1000), 0);
  assert_int_equal(w->count, 1);
}

static size_t count_descriptors(void) {
  size_t count = 0;
  for (int fd = 0; fd < 1024; fd++)
    count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static void no_descriptor_is_left_open(void **state) {
  struct world *w = *state;
  stop_serving(w);
  const size_t before = count_descriptors();
  start_serving(w);
  for (int i = 0; i < 100; i++)
    assert_int_equal(usleep(1000), 0);
  stop_serving(w);
  assert_int_equal(count_descriptors(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_sleep_passes_at_once),
      TEST(without_an_answer_sleeps_are_real),
      TEST(another_socket_is_not_asked),
      TEST(without_quadboot_attach_sleeps_are_real),
      TEST(sleeps_until_a_time_are_real),
      TEST(wrong_times_are_refused_as_by_libc),
      TEST(signals_interrupt_a_sleep),
      TEST(threads_sleep_side_by_side),
      TEST(waiting_sleeps_end_in_any_order),
      TEST(too_many_sleeps_are_real),
      TEST(garbage_on_the_socket_does_no_harm),
      TEST(no_descriptor_is_left_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
