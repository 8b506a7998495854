// SPDX-License-Identifier: MIT
// A USB/IP server in a thread of its own, honest and otherwise.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usbip/endpoint.h"

// What one connection gets.
struct scene {
  size_t expect;      // so many bytes are read first
  const void *reply;  // then this is sent
  size_t length;
  bool dribbles;      // byte by byte
  bool for_ever;      // again and again
  bool stays_silent;  // and does not end the connection
};

struct played_server {
  int listener;
  uint16_t port;
  pthread_t thread;
  const struct scene *scenes;
  size_t count;
  // If not NULL, plays every connection in place of the scenes; it closes nothing.
  void (*play)(struct played_server *s, int fd);
  void *ctx;
  unsigned connections;
  int held[64];  // connections that stay open
  size_t held_count;
};

// Set scenes or `play` first.
void played_server_start(struct played_server *s);
void played_server_stop(struct played_server *s);
struct usbip_endpoint played_server_endpoint(const struct played_server *s);

// False: the client has hung up.
bool played_receive(int fd, void *bytes, size_t length);
bool played_send(int fd, const void *bytes, size_t length);
