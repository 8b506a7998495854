// SPDX-License-Identifier: MIT
#include "host/attach/node.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

// One page, so that one write fills the pipe.
enum { PIPE_SIZE = 4096, NODE_MODE = 0666, DIRECTORY_MODE = 0755 };

// Both loops end with EAGAIN: the pipe is full, or empty.
static void fill(const struct node *n) {
  static const uint8_t zeros[PIPE_SIZE];
  while (write(n->fd, zeros, sizeof zeros) > 0) {
  }
}

static void drain(const struct node *n) {
  uint8_t sink[PIPE_SIZE];
  while (read(n->fd, sink, sizeof sink) > 0) {
  }
}

static bool create_fifo(struct node *n) {
  if (mkfifo(n->path, NODE_MODE) != 0) return false;
  n->fd = open(n->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (n->fd < 0) return false;
  fcntl(n->fd, F_SETPIPE_SZ, PIPE_SIZE);
  fill(n);
  return true;
}

static bool create_file(const struct node *n, const uint8_t *descriptors,
                        size_t length) {
  const int fd = open(n->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, NODE_MODE);
  if (fd < 0) return false;
  const bool written = write(fd, descriptors, length) == (ssize_t)length;
  close(fd);
  return written;
}

bool node_create(struct node *n, enum node_kind kind, const char *root,
                 const char *devnode, const uint8_t *descriptors, size_t length) {
  *n = (struct node){.kind = kind, .fd = -1};
  n->path = g_strconcat(root, devnode, NULL);
  char *directory = g_path_get_dirname(n->path);
  g_mkdir_with_parents(directory, DIRECTORY_MODE);
  g_free(directory);
  unlink(n->path);
  return kind == NODE_FIFO ? create_fifo(n) : create_file(n, descriptors, length);
}

void node_set_ready(struct node *n, bool ready) {
  if (n->fd < 0 || n->ready == ready) return;
  n->ready = ready;
  if (ready) {
    drain(n);
  } else {
    fill(n);
  }
}

void node_remove(struct node *n) {
  node_set_ready(n, true);
  if (n->path) unlink(n->path);
  if (n->fd >= 0) close(n->fd);
  g_free(n->path);
  *n = (struct node){.fd = -1};
}
