// SPDX-License-Identifier: MIT
// The device node that a program opens, as a real file under the testbed's
// root. Its ioctls are emulated elsewhere; what cannot be emulated is poll():
// a program waits for POLLOUT, which means "a URB can be reaped". So the file's
// own nature has to tell it.
//
//   NODE_FIFO  a pipe kept full, so that POLLOUT waits; emptied when there is
//              something to reap. Needed by programs that sleep in poll().
//   NODE_FILE  a regular file, always ready; reaping without result is then
//              slowed down. Needed by programs that seek in the node (fwupd).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_kind { NODE_FIFO, NODE_FILE };

struct node {
  enum node_kind kind;
  char *path;  // in the real file system
  int fd;      // NODE_FIFO: both ends, so that it never hangs up
  bool ready;
};

// Creates the node with its directories. `descriptors` is what a program reads
// from a NODE_FILE, as from a real one. False with errno set when it fails.
bool node_create(struct node *n, enum node_kind kind, const char *root,
                 const char *devnode, const uint8_t *descriptors, size_t length);

// Whether there is something to reap, or nothing to wait for any more.
void node_set_ready(struct node *n, bool ready);

// Removes the file. Programs that have it open keep it, and see it ready.
void node_remove(struct node *n);
