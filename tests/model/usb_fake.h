// SPDX-License-Identifier: MIT
// A scripted USB device for the tests of the host engine: it answers each token by
// the next line of its script, writes down what it saw and when, and can obey the
// few requests of an enumeration. No part of the product.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/usb/host.h"

// Total times in picoseconds. Full speed: 9107 ns + 83.54 ns * floor(3.167 + bits);
// high speed: 55 * 8 * 2.083 ns + 2.083 ns * floor(3.167 + bits); bits = 9.3336 * n.
enum { FS_0 = 3, FS_8 = 77, FS_64 = 600, HS_8 = 77, HS_64 = 600, HS_512 = 4781 };
#define FS_TIME(bits) (VT_NS(9107) + (vtime_t)(bits)*83540u)
#define HS_TIME(bits) ((vtime_t)(440 + (bits)) * 2083u)
#define FS_NAK        (VT_NS(7268) + (vtime_t)3 * 83540u)
#define HS_NAK        ((vtime_t)(304 + 3) * 2083u)
#define GAP           VT_NS(200)

// A transaction as the device saw it; `at` is when it had all of it.
struct seen {
  enum usb_pid pid;
  uint8_t address, endpoint;
  bool data1;
  uint16_t length;
  uint8_t first;
  vtime_t at;
};

struct line {
  enum usb_reply reply;
  bool data1;
  uint16_t length;
  uint8_t fill;
};

enum { LOG = 512, LINES = 64 };

struct fake {
  struct event_queue q;
  struct usb_host host;
  struct usb_device_port port;
  struct seen log[LOG];
  size_t seen, lines, next;
  struct line script[LINES];  // answers, in order; then `rest`
  struct line rest;
  bool high_speed;
  unsigned acks, sofs, resets, suspends, resumes;
  vtime_t reset_at, reset_end_at, suspend_at, resume_at, vbus_at;
  bool vbus;

  // Obedient mode: a device with a descriptor.
  bool obedient;
  uint8_t descriptor[18], setup[8], in_at;
  bool in_data1;
  unsigned refuse_descriptors;

  enum usb_host_event events[32];
  size_t event_count;
  uint64_t fault_at;
  enum usb_fault fault;
  int done_status;
  unsigned done_count;
  vtime_t done_at;
};

// A device that is `high_speed` or not on a port that is or not; nothing plugged.
void fake_open(struct fake *f, bool high_speed, bool host_high_speed);
// The same on a high-speed port: plugged in, debounced, reset and recovered.
void fake_open_enabled(struct fake *f, bool high_speed);

// Virtual time passes to `t`, or by `t`.
void fake_until(struct fake *f, vtime_t t);
void fake_pass(struct fake *f, vtime_t t);

// More lines for the script: one, `n` handshakes, one data packet.
void fake_line(struct fake *f, struct line line);
void fake_replies(struct fake *f, unsigned n, enum usb_reply reply);
void fake_data(struct fake *f, bool data1, uint16_t length, uint8_t fill);

// URBs that report to fake_done. bRequest of the control request is 55h.
struct usb_urb fake_control(struct fake *f, uint8_t type, uint8_t *buffer,
                            uint16_t length);
struct usb_urb fake_bulk(struct fake *f, uint8_t endpoint, uint8_t *buffer,
                         uint32_t length);
void fake_submit(struct fake *f, struct usb_urb *urb);

// What transaction `i` was. The toggle is compared for OUT only.
void fake_expect(const struct fake *f, size_t i, enum usb_pid pid, bool data1,
                 uint16_t length);

// Completions: status, number and time of the last.
void fake_done(void *ctx, int status);
void fake_urb_done(void *ctx, struct usb_urb *urb);
