// SPDX-License-Identifier: MIT
// A real tty (a pseudo-terminal) with our own receiver at its other end, and ports as
// Linux lists them, in folders that look like /sys.
#define _GNU_SOURCE  // pseudo-terminals
#include "host/transport/serial.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <termios.h>

#include "host/lib/clock.h"
#include "host/lib/modem_job.h"
#include "host/transport/serial_find.h"
#include "tests/unit/host/lib/scratch.h"

enum { ROOM = 100000, LIMIT_MS = 60000 };

// ---- The board -------------------------------------------------------------

struct board {
  int fd;  // the master's side
  char path[64];
  pthread_t thread;
  enum modem_ask ask;
  size_t hang_up_at;  // bytes; 0: never
  bool slow;          // it takes nothing for a while, in the middle
  // What came.
  char command[64], name[64];
  uint8_t *bytes;
  size_t size;
  uint32_t files;
  enum modem_end end;
};

static size_t board_read(struct board *b, uint8_t *bytes, size_t room, uint32_t wait) {
  struct pollfd p = {.fd = b->fd, .events = POLLIN};
  if (poll(&p, 1, (int)(wait < 50 ? wait : 50)) <= 0) return 0;
  const ssize_t n = read(b->fd, bytes, room);
  return n > 0 ? (size_t)n : 0;
}

// The console: waits for a line, and says something with a 'C' in it.
static void board_console(struct board *b) {
  size_t n = 0;
  if (!b->command[0]) return;
  char line[64] = "";
  while (n < sizeof line - 1 && !strchr(line, '\r')) {
    n += board_read(b, (uint8_t *)line + n, sizeof line - 1 - n, 50);
  }
  assert_string_equal(line, b->command);
  static const char words[] = "Come on, send by YMODEM: C\r\n";
  assert_int_equal(write(b->fd, words, sizeof words - 1), sizeof words - 1);
}

static void board_consume(struct board *b, struct modem_receiver *r, uint32_t now) {
  if (r->event == MODEM_FILE) snprintf(b->name, sizeof b->name, "%s", r->name);
  if (r->event == MODEM_DATA) {
    assert_true(b->size + r->size <= ROOM);
    memcpy(b->bytes + b->size, r->data, r->size);
    b->size += r->size;
  }
  if (r->event != MODEM_IDLE && r->event != MODEM_OVER) modem_receiver_accept(r, now);
}

static void *board_run(void *ctx) {
  struct board *b = ctx;
  struct modem_receiver r;
  uint8_t bytes[512];
  uint8_t out[MODEM_OUTPUT_MAX];
  size_t have = 0;
  const uint64_t start = clock_now_ms();
  board_console(b);
  modem_receiver_start(&r, b->ask, (uint32_t)start);
  while (r.event != MODEM_OVER && clock_now_ms() - start < LIMIT_MS) {
    const uint32_t wait = modem_receiver_wait(&r, (uint32_t)clock_now_ms());
    have += board_read(b, bytes + have, sizeof bytes - have, wait);
    const uint32_t now = (uint32_t)clock_now_ms();
    const size_t taken = modem_receiver_take(&r, bytes, have, now);
    have -= taken;
    memmove(bytes, bytes + taken, have);
    board_consume(b, &r, now);
    const size_t n = modem_receiver_output(&r, out);
    if (n > 0 && write(b->fd, out, n) < 0) break;
    if (b->slow && b->size > ROOM / 4) {
      usleep(300000);  // longer than the tty's buffer lasts
      b->slow = false;
    }
    if (b->hang_up_at > 0 && b->size >= b->hang_up_at) break;
  }
  b->files = r.files;
  b->end = r.end;
  if (b->hang_up_at > 0) {
    close(b->fd);
    b->fd = -1;
  }
  return NULL;
}

static void board_start(struct board *b) {
  b->fd = posix_openpt(O_RDWR | O_NOCTTY);
  assert_true(b->fd >= 0);
  assert_int_equal(grantpt(b->fd) | unlockpt(b->fd), 0);
  assert_int_equal(ptsname_r(b->fd, b->path, sizeof b->path), 0);
  b->bytes = malloc(ROOM);
  assert_non_null(b->bytes);
}

static void board_thread(struct board *b) {
  assert_int_equal(pthread_create(&b->thread, NULL, board_run, b), 0);
}

static void board_stop(struct board *b) {
  if (b->fd >= 0) close(b->fd);
  free(b->bytes);
}

// ---- Sending ---------------------------------------------------------------

static uint8_t content[ROOM];

static struct modem_file make_file(size_t size) {
  for (size_t i = 0; i < size; i++) {
    content[i] = (uint8_t)(i * 31 + i / 251);
  }
  return (struct modem_file){"app.dfu", content, (uint32_t)size};
}

struct watch {
  uint64_t done, total;
  bool backwards;
  uint64_t stop_at;  // 0: never
};

static void on_progress(void *ctx, uint64_t done, uint64_t total) {
  struct watch *w = ctx;
  if (done < w->done) w->backwards = true;
  w->done = done;
  w->total = total;
}

static bool on_stop(void *ctx) {
  const struct watch *w = ctx;
  return w->stop_at > 0 && w->done >= w->stop_at;
}

static enum modem_outcome send_to(struct board *b, enum modem_protocol protocol,
                                  const struct modem_file *f, struct watch *w,
                                  struct qb_error *error) {
  struct serial_io io;
  assert_true(serial_open(b->path, 115200, &io, error));
  board_thread(b);
  if (b->command[0]) {
    char line[64];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(b->command, "\r"), b->command);
    assert_true(modem_job_type(&io, line, error));
  }
  const struct modem_job job = {.protocol = protocol,
                                .files = f,
                                .count = 1,
                                .ctx = w,
                                .progress = on_progress,
                                .stop = on_stop};
  const enum modem_outcome outcome = modem_job_send(&io, &job, error);
  // What a stopped sender last said must still arrive.
  assert_int_equal(pthread_join(b->thread, NULL), 0);
  io.close(io.ctx);
  return outcome;
}

static void send_right(enum modem_protocol protocol, enum modem_ask ask, size_t size,
                       const char *command, bool slow) {
  struct board b = {.ask = ask, .slow = slow};
  struct watch w = {0};
  struct qb_error error = {.text = ""};
  const struct modem_file f = make_file(size);
  snprintf(b.command, sizeof b.command, "%s", command);
  board_start(&b);
  if (send_to(&b, protocol, &f, &w, &error) != MODEM_JOB_DONE)
    fail_msg("%s", error.text);
  const bool padded = protocol <= MODEM_XMODEM_1K;
  assert_true(b.size >= size && (padded ? b.size - size < 1024 : b.size == size));
  assert_memory_equal(b.bytes, content, size);
  assert_int_equal(b.files, 1);
  assert_int_equal(b.end, MODEM_END_OK);
  assert_string_equal(b.name, padded ? "" : "app.dfu");
  assert_true(w.done == size && w.total == size && !w.backwards);
  board_stop(&b);
}

static void files_arrive_by_each_protocol(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 129, 1024, 70000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    send_right(MODEM_XMODEM, MODEM_ASK_CRC, sizes[i], "", false);
    send_right(MODEM_XMODEM_1K, MODEM_ASK_CRC, sizes[i], "", false);
    send_right(MODEM_YMODEM, MODEM_ASK_CRC, sizes[i], "", false);
    send_right(MODEM_YMODEM_G, MODEM_ASK_STREAM, sizes[i], "", false);
  }
}

static void a_command_comes_before(void **state) {
  (void)state;
  send_right(MODEM_YMODEM, MODEM_ASK_CRC, 3000, "load 0x90000000\r", false);
}

static void a_board_that_is_busy_holds_the_stream(void **state) {
  (void)state;
  send_right(MODEM_YMODEM_G, MODEM_ASK_STREAM, 90000, "", true);
}

static void a_stop_tells_the_board(void **state) {
  (void)state;
  struct board b = {.ask = MODEM_ASK_CRC};
  struct watch w = {.stop_at = 10000};
  struct qb_error error;
  const struct modem_file f = make_file(90000);
  board_start(&b);
  assert_int_equal(send_to(&b, MODEM_YMODEM, &f, &w, &error), MODEM_JOB_STOPPED);
  assert_int_equal(b.end, MODEM_END_CANCELLED);
  assert_int_equal(b.files, 0);
  assert_non_null(strstr(error.text, "stopped on this side"));
  board_stop(&b);
}

static void a_board_that_goes_is_told(void **state) {
  (void)state;
  struct board b = {.ask = MODEM_ASK_CRC, .hang_up_at = 20000};
  struct watch w = {0};
  struct qb_error error;
  const struct modem_file f = make_file(90000);
  board_start(&b);
  assert_int_equal(send_to(&b, MODEM_YMODEM, &f, &w, &error), MODEM_JOB_FAILED);
  assert_non_null(strstr(error.text, "the serial port is gone"));
  board_stop(&b);
}

// ---- The tty ---------------------------------------------------------------

static void the_tty_is_put_back_as_it_was(void **state) {
  (void)state;
  struct board b = {0};
  struct serial_io io;
  struct qb_error error;
  struct termios before;
  struct termios during;
  struct termios after;
  board_start(&b);
  const int other = open(b.path, O_RDWR | O_NOCTTY);
  assert_int_equal(tcgetattr(other, &before), 0);
  assert_true(before.c_lflag & ICANON && before.c_lflag & ECHO);
  assert_true(serial_open(b.path, 0, &io, &error));
  assert_int_equal(tcgetattr(other, &during), 0);
  assert_false(during.c_lflag & (ICANON | ECHO | ISIG));
  assert_false(during.c_iflag & (IXON | ICRNL));
  assert_false(during.c_oflag & OPOST);
  io.close(io.ctx);
  assert_int_equal(tcgetattr(other, &after), 0);
  assert_int_equal(before.c_lflag, after.c_lflag);
  assert_int_equal(before.c_iflag, after.c_iflag);
  assert_int_equal(before.c_oflag, after.c_oflag);
  close(other);
  board_stop(&b);
}

static void expect_refusal(const char *path, uint32_t baud, const char *words) {
  struct serial_io io;
  struct qb_error error = {.text = ""};
  assert_false(serial_open(path, baud, &io, &error));
  if (!strstr(error.text, words)) fail_msg("%s", error.text);
}

static void what_is_no_port_is_refused(void **state) {
  (void)state;
  struct board b = {0};
  board_start(&b);
  expect_refusal("/dev/null", 0, "/dev/null is no serial port");
  expect_refusal("there is none", 0, "cannot open there is none: No such file");
  expect_refusal(b.path, 12345, "12345 baud is no usual rate");
  board_stop(&b);
}

static void time_passes_without_bytes(void **state) {
  (void)state;
  struct board b = {0};
  struct serial_io io;
  struct qb_error error;
  uint8_t byte;
  size_t n = 9;
  board_start(&b);
  assert_true(serial_open(b.path, 0, &io, &error));
  const uint32_t before = io.now_ms(io.ctx);
  assert_int_equal(io.read(io.ctx, &byte, 1, &n, 30), SERIAL_OK);
  assert_int_equal(n, 0);
  assert_true(io.now_ms(io.ctx) - before >= 29);
  io.close(io.ctx);
  board_stop(&b);
}

// ---- Finding ---------------------------------------------------------------

static void make(const char *format, const char *port, const char *text) {
  char path[300];
  snprintf(path, sizeof path, format, port);
  for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
  }
  if (text) scratch_write(path, text, strlen(text));
}

// As Linux has it: the port's "device" is a link to the interface, in the device.
static void make_port(const char *port, const char *product, const char *serial) {
  char link[64];
  char target[64];
  make("sys/usb/%s/if/x", port, NULL);
  make("sys/usb/%s/idVendor", port, "1209\n");
  make("sys/usb/%s/idProduct", port, "beef\n");
  if (product) make("sys/usb/%s/product", port, product);
  if (serial) make("sys/usb/%s/serial", port, serial);
  make("sys/tty/%s/x", port, NULL);
  snprintf(link, sizeof link, "sys/tty/%s/device", port);
  snprintf(target, sizeof target, "../../usb/%s/if", port);
  assert_int_equal(symlink(target, link), 0);
}

static void remove_tree(void) {
  assert_int_equal(system("rm -r sys"), 0);
}

static const struct serial_paths paths = {.ports = "sys/tty", .nodes = "/dev"};

static void boards_are_found_by_their_name(void **state) {
  (void)state;
  struct serial_ports *ports = calloc(1, sizeof *ports);
  const struct serial_port *port = NULL;
  struct qb_error error;
  serial_find(&paths, ports);
  assert_int_equal(ports->count, 0);
  assert_false(serial_choose(ports, NULL, &port, &error));
  assert_non_null(strstr(error.text, "no board with a serial port is found"));
  make("sys/tty/%s/x", "ttyS0", NULL);
  make_port("ttyUSB0", "FT232R USB UART\n", "A1\n");
  make_port("ttyACM1", "quadboot on STM32F769I-DISCO\n", "QB2\n");
  serial_find(&paths, ports);
  assert_int_equal(ports->count, 2);
  assert_true(serial_choose(ports, NULL, &port, &error));
  assert_string_equal(port->path, "/dev/ttyACM1");
  assert_string_equal(port->serial, "QB2");
  assert_int_equal(port->vendor, 0x1209);
  assert_int_equal(port->product_id, 0xBEEF);
  make_port("ttyACM0", "quadboot on another\n", "QB1\n");
  serial_find(&paths, ports);
  assert_false(serial_choose(ports, NULL, &port, &error));
  assert_non_null(strstr(error.text, "(/dev/ttyACM0, /dev/ttyACM1)"));
  assert_true(serial_choose(ports, "QB2", &port, &error));
  assert_string_equal(port->path, "/dev/ttyACM1");
  assert_false(serial_choose(ports, "A1", &port, &error));
  assert_non_null(strstr(error.text, "serial number A1"));
  remove_tree();
  free(ports);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_arrive_by_each_protocol),
      cmocka_unit_test(a_command_comes_before),
      cmocka_unit_test(a_board_that_is_busy_holds_the_stream),
      cmocka_unit_test(a_stop_tells_the_board),
      cmocka_unit_test(a_board_that_goes_is_told),
      cmocka_unit_test(the_tty_is_put_back_as_it_was),
      cmocka_unit_test(what_is_no_port_is_refused),
      cmocka_unit_test(time_passes_without_bytes),
      scratch_test(boards_are_found_by_their_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
