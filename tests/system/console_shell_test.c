// SPDX-License-Identifier: MIT
// The documented one-liners, run by a shell with unmodified lrzsz on a terminal device
// of the kernel, which echoes and edits lines until a program makes it raw. The console
// with flash of RAM is at its other end, in wall time. docs/serial.md has these lines.
#define _GNU_SOURCE
#include <stdio.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/crc32.h"
#include "firmware/serial/console.h"
#include "host/lib/clock.h"
#include "tests/fakes/board_media.h"
#include "tests/fakes/random.h"
#include "tests/unit/host/lib/scratch.h"

enum { LIMIT_MS = 60000, LOG_ADDRESS = 0x08008000, CONTENT = 20000 };

struct desk {
  struct board_media board;
  struct console console;
  struct serial_line line;
  int fd;  // the terminal's other end
  char tty[64];
  void *folder;
  bool there;  // somebody has the terminal open
  uint8_t heard[512];
  size_t heard_count;
  uint64_t start_ms;
  uint8_t content[CONTENT];
};

// ---- The line --------------------------------------------------------------

static size_t peek(void *ctx, const uint8_t **bytes) {
  const struct desk *d = ctx;
  *bytes = d->heard;
  return d->heard_count;
}

static void take(void *ctx, size_t n) {
  struct desk *d = ctx;
  d->heard_count -= n;
  memmove(d->heard, d->heard + n, d->heard_count);
}

// The kernel takes at least a page.
static size_t room(void *ctx) {
  (void)ctx;
  return SERIAL_LINE_ROOM;
}

static void put(void *ctx, const uint8_t *bytes, size_t n) {
  const struct desk *d = ctx;
  if (d->there) assert_int_equal(write(d->fd, bytes, n), n);
}

// What somebody has left is still taken, as from USB (cdc.c).
static bool is_open(void *ctx) {
  const struct desk *d = ctx;
  return d->there || d->heard_count;
}

// What nobody has read goes with the port, where it is a port (tty_release): a program
// that comes next must not take an old 'C' for a new one.
static void forget_unread(const struct desk *d) {
  const int port = open(d->tty, O_RDWR | O_NOCTTY);
  assert_true(port >= 0);
  assert_int_equal(tcflush(port, TCIFLUSH), 0);
  close(port);
}

static void look_at_line(struct desk *d) {
  struct pollfd f = {.fd = d->fd, .events = POLLIN};
  poll(&f, 1, 1);
  const bool there = !(f.revents & POLLHUP);
  if (d->there && !there) forget_unread(d);
  d->there = there;
  if (!(f.revents & POLLIN)) return;
  const ssize_t n =
      read(d->fd, d->heard + d->heard_count, sizeof d->heard - d->heard_count);
  if (n > 0) d->heard_count += (size_t)n;
}

// ---- The shell -------------------------------------------------------------

static void pass(struct desk *d) {
  const uint64_t ms = clock_now_ms() - d->start_ms;
  assert_true(ms < LIMIT_MS);
  d->board.now_us = (uint32_t)ms * 1000u;
  look_at_line(d);
  for (int i = 0; i < 100; i++) {
    const bool flash = session_poll(&d->board.session);
    if (!console_poll(&d->console) && !flash) break;
  }
}

// The script's $TTY is the terminal. Its exit status.
static int run(struct desk *d, const char *script) {
  int status = -1;
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    setenv("TTY", d->tty, 1);
    execlp("sh", "sh", "-c", script, (char *)NULL);
    _exit(127);
  }
  while (waitpid(pid, &status, WNOHANG) == 0)
    pass(d);
  for (int i = 0; i < 50; i++)
    pass(d);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int open_desk(void **state) {
  struct desk *d = calloc(1, sizeof *d);
  static const struct info info = {.dev_id = 0x451};
  static const struct console_facts facts = {.name = "quadboot 0.1.0",
                                             .board = "a board",
                                             .info = &info,
                                             .crc32 = crc32_update};
  if (!d || scratch_open(state)) return -1;
  d->folder = *state;
  board_media_open(&d->board);
  d->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (d->fd < 0 || grantpt(d->fd) || unlockpt(d->fd)) return -1;
  snprintf(d->tty, sizeof d->tty, "%s", ptsname(d->fd));
  // Only who has been there once is missed: POLLHUP.
  close(open(d->tty, O_RDWR | O_NOCTTY));
  d->line = (struct serial_line){d, peek, take, room, put, is_open};
  d->start_ms = clock_now_ms();
  d->board.now_us = 0;
  if (session_open_log(&d->board.session, LOG_ADDRESS) != ST_OK) return -1;
  console_init(&d->console, &d->line, &d->board.session, &facts);
  struct random r = {.state = 1};
  for (size_t i = 0; i < CONTENT; i++)
    d->content[i] = (uint8_t)random_next(&r);
  scratch_write("f.bin", d->content, CONTENT);
  *state = d;
  return 0;
}

static int close_desk(void **state) {
  struct desk *d = *state;
  *state = d->folder;
  close(d->fd);
  board_media_close(&d->board);
  free(d);
  return scratch_close(state);
}

static void expect_loaded(struct desk *d) {
  assert_memory_equal(board_media_at(&d->board, BOARD_NOR), d->content, CONTENT);
  assert_false(session_unfinished(&d->board.session));
}

// ---- The lines -------------------------------------------------------------

static void sb_on_an_open_port(void **state) {
  struct desk *d = *state;
  assert_int_equal(run(d, "(printf 'load qspi\\r'; sb -q f.bin) <>$TTY >&0"), 0);
  expect_loaded(d);
}

static void sx_on_an_open_port(void **state) {
  struct desk *d = *state;
  assert_int_equal(run(d, "(printf 'load qspi\\r'; sx -q -k f.bin) <>$TTY >&0"), 0);
  expect_loaded(d);
}

// The shell closes the port between the two.
static void printf_and_then_sb(void **state) {
  struct desk *d = *state;
  assert_int_equal(run(d, "printf 'load qspi\\r' >$TTY; sb -q -k f.bin <$TTY >$TTY"),
                   0);
  expect_loaded(d);
}

static void raw_from_the_start(void **state) {
  struct desk *d = *state;
  assert_int_equal(
      run(d, "stty -F $TTY raw -echo; (printf 'load qspi\\r'; sb -q f.bin) <>$TTY >&0"),
      0);
  expect_loaded(d);
}

// A refusal reaches the sender.
static void sb_hears_of_a_failure(void **state) {
  struct desk *d = *state;
  d->board.nor.stuck.offset = 5000;
  d->board.nor.stuck.high = 0xFF;
  assert_int_not_equal(run(d, "(printf 'load qspi\\r'; sb -q f.bin) <>$TTY >&0"), 0);
  assert_true(session_unfinished(&d->board.session));
}

static void a_script_reads_the_answer(void **state) {
  struct desk *d = *state;
  memcpy(board_media_at(&d->board, BOARD_NOR), "123456789", 9);
  assert_int_equal(
      run(d,
          "stty -F $TTY raw -echo; exec <>$TTY; printf 'crc qspi 9\\r' >&0;"
          "while read -r line; do case $line in *0xcbf43926*) exit 7;; esac; done"),
      7);
}

#define desk_test(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void) {
  const struct CMUnitTest tests[] = {
      desk_test(sb_on_an_open_port),    desk_test(sx_on_an_open_port),
      desk_test(printf_and_then_sb),    desk_test(raw_from_the_start),
      desk_test(sb_hears_of_a_failure), desk_test(a_script_reads_the_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
