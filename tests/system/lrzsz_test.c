// SPDX-License-Identifier: MIT
// Our receiver against the sending programs of unmodified lrzsz, and our sender against
// its receiving ones, over a pair of sockets, in wall time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/protocol/modem.h"
#include "host/lib/clock.h"
#include "host/lib/file.h"
#include "tests/fakes/random.h"
#include "tests/unit/host/lib/scratch.h"

static const size_t sizes[] = {0,   1,    127,  128,  129,    896,
                               897, 1023, 1024, 1025, 3000000};
enum { SIZES = sizeof sizes / sizeof sizes[0], FILES_MAX = 16, LIMIT_MS = 120000 };

struct content {
  uint8_t *bytes;
  size_t size;
  char name[32];
};

static struct content make_content(size_t size, const char *name) {
  struct random r = {.state = (uint32_t)size + 1};
  struct content c = {.bytes = malloc(size + 1), .size = size};
  assert_non_null(c.bytes);
  for (size_t i = 0; i < size; i++) {
    c.bytes[i] = (uint8_t)random_next(&r);
  }
  snprintf(c.name, sizeof c.name, "%s", name);
  return c;
}

// ---- The other program -----------------------------------------------------

struct peer {
  pid_t pid;
  int fd;
  uint64_t start;
};

static struct peer start_peer(char *const *argv) {
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    dup2(ends[1], 0);
    dup2(ends[1], 1);
    const int quiet = open("/dev/null", O_WRONLY);
    dup2(quiet, 2);
    close(ends[0]);
    execvp(argv[0], argv);
    _exit(127);
  }
  close(ends[1]);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return (struct peer){.pid = pid, .fd = ends[0], .start = clock_now_ms()};
}

static uint32_t now(void) {
  return (uint32_t)clock_now_ms();
}

static size_t hear(const struct peer *p, uint8_t *bytes, size_t room, uint32_t wait) {
  struct pollfd f = {.fd = p->fd, .events = POLLIN};
  assert_true(clock_now_ms() - p->start < LIMIT_MS);
  if (poll(&f, 1, (int)(wait < 100 ? wait : 100)) <= 0) return 0;
  const ssize_t n = read(p->fd, bytes, room);
  return n > 0 ? (size_t)n : 0;
}

static size_t say(const struct peer *p, const uint8_t *bytes, size_t n) {
  const ssize_t done = n > 0 ? send(p->fd, bytes, n, MSG_NOSIGNAL) : 0;
  return done > 0 ? (size_t)done : 0;
}

// It must be content with the transfer.
static void end_peer(struct peer *p) {
  int status = -1;
  assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
  close(p->fd);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

// ---- Our receiver ----------------------------------------------------------

static void consume(struct modem_receiver *r, const struct content *files,
                    size_t *stored) {
  const struct content *c = &files[r->files];
  switch (r->event) {
    case MODEM_FILE:
      assert_string_equal(r->name, c->name);
      assert_true(r->has_length ? r->length == c->size : c->size == 0);
      *stored = 0;
      break;
    case MODEM_DATA: {
      const size_t left = c->size - *stored;
      const size_t n = r->size < left ? r->size : left;
      assert_memory_equal(r->data, c->bytes + *stored, n);
      for (size_t i = n; i < r->size; i++) {
        assert_true(r->xmodem && r->data[i] == 0x1A);
      }
      *stored += n;
      break;
    }
    case MODEM_FILE_END: assert_int_equal(*stored, c->size); break;
    default: return;
  }
  modem_receiver_accept(r, now());
}

static void receive(char *const *argv, enum modem_ask ask, const struct content *files,
                    size_t count) {
  struct peer p = start_peer(argv);
  struct modem_receiver r;
  uint8_t bytes[4096];
  uint8_t out[MODEM_OUTPUT_MAX];
  size_t have = 0;
  size_t stored = 0;
  modem_receiver_start(&r, ask, now());
  while (r.event != MODEM_OVER) {
    have += hear(&p, bytes + have, sizeof bytes - have, modem_receiver_wait(&r, now()));
    const size_t taken = modem_receiver_take(&r, bytes, have, now());
    have -= taken;
    memmove(bytes, bytes + taken, have);
    consume(&r, files, &stored);
    const size_t n = modem_receiver_output(&r, out);
    // A stream's sender does not wait for the ACK of the last block, and may be gone.
    assert_true(say(&p, out, n) == n || r.event == MODEM_OVER);
  }
  if (r.end != MODEM_END_OK) fail_msg("%s: %s", argv[0], modem_end_sentence(r.end));
  assert_int_equal(r.files, count);
  end_peer(&p);
}

static void receive_one(const char *program, const char *option, size_t size) {
  struct content c = make_content(size, "one.bin");
  scratch_write(c.name, c.bytes, c.size);
  char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)option, c.name, NULL};
  receive(argv, MODEM_ASK_CRC, &c, 1);
  free(c.bytes);
}

static void sx_and_sx_k(void **state) {
  (void)state;
  for (size_t i = 0; i < SIZES; i++) {
    receive_one("sx", "-q", sizes[i]);
    receive_one("sx", "-k", sizes[i]);
  }
}

static void receive_batch(const char *option, enum modem_ask ask) {
  struct content files[SIZES];
  char *argv[SIZES + 3] = {(char *)(uintptr_t) "sb", (char *)(uintptr_t)option};
  for (size_t i = 0; i < SIZES; i++) {
    char name[32];
    snprintf(name, sizeof name, "file %zu.bin", i);
    files[i] = make_content(sizes[i], name);
    scratch_write(name, files[i].bytes, files[i].size);
    argv[2 + i] = files[i].name;
  }
  receive(argv, ask, files, SIZES);
  for (size_t i = 0; i < SIZES; i++) {
    free(files[i].bytes);
  }
}

static void sb_and_sb_k(void **state) {
  (void)state;
  receive_batch("-q", MODEM_ASK_CRC);
  receive_batch("-k", MODEM_ASK_CRC);
}

static void sb_as_a_stream(void **state) {
  (void)state;
  receive_batch("-k", MODEM_ASK_STREAM);
}

// ---- Our sender ------------------------------------------------------------

static void give(struct modem_sender *s, const struct content *files, size_t count) {
  if (s->event == MODEM_FILE && s->files < count) {
    const struct content *c = &files[s->files];
    modem_sender_file(s, c->name, (uint32_t)c->size, now());
  } else if (s->event == MODEM_FILE) {
    modem_sender_finish(s, now());
  } else if (s->event == MODEM_DATA) {
    modem_sender_data(s, files[s->files].bytes + s->offset, now());
  }
}

static void transmit(char *const *argv, enum modem_protocol protocol,
                     const struct content *files, size_t count) {
  struct peer p = start_peer(argv);
  struct modem_sender s;
  uint8_t bytes[256];
  modem_sender_start(&s, protocol, now());
  while (s.event != MODEM_OVER) {
    size_t n;
    const uint8_t *out = modem_sender_output(&s, &n);
    const size_t done = say(&p, out, n);
    if (done > 0) modem_sender_sent(&s, done, now());
    const bool waits = s.event == MODEM_IDLE && done == n;
    const size_t heard =
        hear(&p, bytes, sizeof bytes, waits ? modem_sender_wait(&s, now()) : 0);
    modem_sender_take(&s, bytes, heard, now());
    give(&s, files, count);
  }
  if (s.end != MODEM_END_OK) fail_msg("%s: %s", argv[0], modem_end_sentence(s.end));
  end_peer(&p);
}

static void expect_file(const struct content *c, bool padded) {
  struct file_bytes found;
  struct qb_error error;
  assert_true(file_read(c->name, &found, &error));
  const size_t size = found.size;
  assert_true(size >= c->size && (padded ? size - c->size < 1024 : size == c->size));
  assert_memory_equal(found.data, c->bytes, c->size);
  for (size_t i = c->size; i < size; i++) {
    assert_int_equal(found.data[i], 0x1A);
  }
  free(found.data);
}

static void rx_and_rx_c(void **state) {
  (void)state;
  // lrzsz waits a second for silence at each end, so not every size here.
  static const size_t some[] = {1, 128, 129, 897, 1025, 200000};
  static const enum modem_protocol protocols[] = {MODEM_XMODEM, MODEM_XMODEM_1K};
  for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
    struct content c = make_content(some[i], "got.bin");
    char *sum[] = {(char *)(uintptr_t) "rx", (char *)(uintptr_t) "-y", c.name, NULL};
    char *crc[] = {(char *)(uintptr_t) "rx", (char *)(uintptr_t) "-yc", c.name, NULL};
    transmit(sum, protocols[i & 1], &c, 1);
    expect_file(&c, true);
    transmit(crc, protocols[1 - (i & 1)], &c, 1);
    expect_file(&c, true);
    free(c.bytes);
  }
}

static void rb(void **state) {
  (void)state;
  struct content files[SIZES];
  for (size_t i = 0; i < SIZES; i++) {
    char name[32];
    snprintf(name, sizeof name, "batch%zu.bin", i);
    files[i] = make_content(sizes[i], name);
  }
  char *argv[] = {(char *)(uintptr_t) "rb", (char *)(uintptr_t) "-q", NULL};
  transmit(argv, MODEM_YMODEM, files, SIZES);
  for (size_t i = 0; i < SIZES; i++) {
    expect_file(&files[i], false);
    free(files[i].bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(sx_and_sx_k, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(sb_and_sb_k, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(sb_as_a_stream, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(rx_and_rx_c, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(rb, scratch_open, scratch_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
