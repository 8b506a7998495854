// SPDX-License-Identifier: MIT
// Device nodes as a program sees them: what poll() says, and what can be read.
#include "host/attach/node.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DEVNODE "/dev/bus/usb/001/002"

static const uint8_t descriptors[] = {18, 1, 0, 2, 0xEF};

struct place {
  char root[40];
  struct node node;
};

static int setup(void **state) {
  struct place *p = calloc(1, sizeof *p);
  if (!p) return -1;
  snprintf(p->root, sizeof p->root, "/tmp/node_test_XXXXXX");
  *state = p;
  return mkdtemp(p->root) ? 0 : -1;
}

static int teardown(void **state) {
  struct place *p = *state;
  static const char *const directories[] = {"/dev/bus/usb/001", "/dev/bus/usb",
                                            "/dev/bus", "/dev", ""};
  node_remove(&p->node);
  for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
    char path[100];
    snprintf(path, sizeof path, "%s%s", p->root, directories[i]);
    rmdir(path);
  }
  free(p);
  return 0;
}

static void create(struct place *p, enum node_kind kind) {
  assert_true(
      node_create(&p->node, kind, p->root, DEVNODE, descriptors, sizeof descriptors));
}

static int open_as_program(const struct place *p) {
  char path[100];
  snprintf(path, sizeof path, "%s%s", p->root, DEVNODE);
  return open(path, O_RDWR | O_CLOEXEC);
}

static bool is_writable(int fd) {
  struct pollfd f = {.fd = fd, .events = POLLOUT};
  poll(&f, 1, 0);
  assert_int_equal(f.revents & ~POLLOUT, 0);
  return f.revents == POLLOUT;
}

static void a_fifo_waits_until_it_is_ready(void **state) {
  struct place *p = *state;
  create(p, NODE_FIFO);
  const int first = open_as_program(p);
  const int second = open_as_program(p);
  assert_true(first >= 0 && second >= 0);
  for (int i = 0; i < 3; i++) {
    assert_false(is_writable(first));
    assert_false(is_writable(second));
    node_set_ready(&p->node, true);
    node_set_ready(&p->node, true);
    assert_true(is_writable(first));
    assert_true(is_writable(second));
    node_set_ready(&p->node, false);
    node_set_ready(&p->node, false);
  }
  close(first);
  assert_false(is_writable(second));
  close(second);
}

static void a_removed_fifo_is_ready_for_ever(void **state) {
  struct place *p = *state;
  create(p, NODE_FIFO);
  const int fd = open_as_program(p);
  node_remove(&p->node);
  assert_true(is_writable(fd));
  assert_int_equal(open_as_program(p), -1);
  assert_int_equal(errno, ENOENT);
  node_set_ready(&p->node, false);  // nothing is left to change
  assert_true(is_writable(fd));
  close(fd);
}

static void a_file_shows_the_descriptors(void **state) {
  struct place *p = *state;
  create(p, NODE_FILE);
  const int fd = open_as_program(p);
  uint8_t got[64];
  assert_int_equal(read(fd, got, sizeof got), sizeof descriptors);
  assert_memory_equal(got, descriptors, sizeof descriptors);
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  assert_true(is_writable(fd));
  node_set_ready(&p->node, false);
  assert_true(is_writable(fd));
  close(fd);
}

static void a_node_replaces_what_was_there(void **state) {
  struct place *p = *state;
  create(p, NODE_FILE);
  struct node old = p->node;
  create(p, NODE_FIFO);
  const int fd = open_as_program(p);
  struct stat s;
  assert_int_equal(fstat(fd, &s), 0);
  assert_true(S_ISFIFO(s.st_mode));
  close(fd);
  node_remove(&old);
}

static void a_node_that_cannot_be_made(void **state) {
  struct place *p = *state;
  assert_false(node_create(&p->node, NODE_FIFO, "/proc/nowhere", DEVNODE, NULL, 0));
  node_remove(&p->node);
  assert_false(node_create(&p->node, NODE_FILE, "/proc/nowhere", DEVNODE, NULL, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_fifo_waits_until_it_is_ready), TEST(a_removed_fifo_is_ready_for_ever),
      TEST(a_file_shows_the_descriptors),   TEST(a_node_replaces_what_was_there),
      TEST(a_node_that_cannot_be_made),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
