// SPDX-License-Identifier: MIT
#include "tests/native/cable.h"

#include <stdlib.h>
#include <string.h>

#include "sim/models/otg.h"
#include "sim/usb/host.h"
#include "sim/usb/host_sync.h"
#include "tests/native/mmio_bus.h"

// What a register access takes at 216 MHz.
#define ACCESS VT_NS(40)

struct cable_ends {
  struct otg otg;
  struct usb_host host;
  struct usb_host_sync sync;
  struct usb_urb streams[CABLE_STREAMS];
  struct clock_source clocks;
  uint64_t ulpi_hz;
  bool vbus_unwired;
};

// --- what surrounds the core ---------------------------------------------------

static uint64_t clock_of(void *ctx, enum clock_id id) {
  (void)ctx;
  return id == CLOCK_HCLK ? 216000000 : id == CLOCK_48M ? 48000000 : 0;
}

static uint64_t ulpi_hz(void *ctx) {
  const struct cable *c = ctx;
  return c->ends->ulpi_hz;
}

static bool vbus_wired(void *ctx, enum otg_phy phy) {
  const struct cable *c = ctx;
  return phy == OTG_PHY_ULPI || !c->ends->vbus_unwired;
}

static void on_irq(void *ctx, unsigned number, bool level) {
  (void)number;
  ((struct cable *)ctx)->irq = level;
}

static enum usb_fault on_transaction(void *ctx, uint64_t number,
                                     const struct usb_token *token) {
  static const enum usb_fault faults[CABLE_FAULTS + 1] = {
      [CABLE_NO_FAULT] = USB_FAULT_NONE,
      [CABLE_DROP_TOKEN] = USB_FAULT_DROP_TOKEN,
      [CABLE_LOSE_HANDSHAKE] = USB_FAULT_LOSE_HANDSHAKE,
      [CABLE_CORRUPT_DATA] = USB_FAULT_CORRUPT_DATA,
      [CABLE_BUS_RESET] = USB_FAULT_BUS_RESET,
  };
  struct cable *c = ctx;
  (void)number;
  (void)token;
  return ++c->transactions == c->fault_at ? faults[c->fault] : USB_FAULT_NONE;
}

// --- time ----------------------------------------------------------------------

// From event to event; while the interrupt is up the driver's loop goes round.
static void step(void *ctx, vtime_t until) {
  struct cable *c = ctx;
  if (c->irq && c->poll) {
    event_run(&c->sim.events, c->sim.events.now + ACCESS);
    c->poll(c->ctx);
    return;
  }
  const vtime_t next = event_next(&c->sim.events);
  event_run(&c->sim.events, next < until ? next : until);
}

void cable_pass(struct cable *c, vtime_t duration) {
  const vtime_t until = c->sim.events.now + duration;
  while (c->sim.events.now < until)
    step(c, until);
}

// --- life ----------------------------------------------------------------------

struct cable *cable_open(const struct cable_setup *setup) {
  struct cable *c = calloc(1, sizeof *c);
  assert_non_null(c);
  c->ends = calloc(1, sizeof *c->ends);
  assert_non_null(c->ends);
  struct cable_ends *e = c->ends;
  sim_init(&c->sim);
  e->ulpi_hz = setup->ulpi ? 60000000 : 0;
  e->clocks = (struct clock_source){.hz = clock_of};
  const struct otg_board board = {
      .ctx = c, .ulpi_hz = ulpi_hz, .vbus_wired = vbus_wired};
  const struct otg_irqs irqs = {.global = {on_irq, c, 0}};
  otg_init(&e->otg, setup->ulpi ? &otg_hs_config : &otg_fs_config, &c->sim, &e->clocks,
           &board, &irqs);
  struct bus_device device = otg_bus_device(&e->otg);
  device.gate = GATE_NONE;
  bus_add_device(&c->sim.bus, &device);
  struct usb_host_options options = usb_host_defaults;
  options.high_speed = setup->host_high_speed;
  usb_host_init(&e->host, &c->sim.events, &options, &e->otg.port);
  e->host.on_transaction = on_transaction;
  e->host.ctx = c;
  otg_attach(&e->otg, &e->host.port);
  e->sync = (struct usb_host_sync){&e->host, step, c};
  mmio_bind(&c->sim, ACCESS);
  return c;
}

void cable_close(struct cable *c) {
  otg_free(&c->ends->otg);
  sim_free(&c->sim);
  free(c->ends);
  free(c);
}

void cable_expect_quiet(const struct cable *c) {
  for (const struct report_entry *e = c->sim.report.entries; e; e = e->next) {
    print_error(
        "%s: %s\n",
        e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "unimplemented",
        e->detail);
  }
  assert_int_equal(c->sim.report.guest_errors, 0);
  assert_int_equal(c->sim.report.unimplemented, 0);
}

void cable_stop_phy_clock(struct cable *c) {
  c->ends->ulpi_hz = 0;
  otg_refresh(&c->ends->otg);
}

void cable_leave_vbus_unwired(struct cable *c) {
  c->ends->vbus_unwired = true;
}

uint32_t cable_register(const struct cable *c, uint32_t offset) {
  return c->ends->otg.reg[offset / 4];
}

// --- the host ------------------------------------------------------------------

bool cable_attached(struct cable *c) {
  const vtime_t limit = c->sim.events.now + VT_S(1);
  usb_host_plug(&c->ends->host);
  while (c->ends->host.state < USB_HOST_ATTACHED && c->sim.events.now < limit)
    step(c, limit);
  return c->ends->host.state >= USB_HOST_ATTACHED;
}

int cable_reset(struct cable *c) {
  return usb_host_sync_reset(&c->ends->sync);
}

void cable_begin_reset(struct cable *c) {
  assert_int_equal(usb_host_reset(&c->ends->host, NULL, NULL), 0);
}

static void fill(struct usb_urb *urb, uint8_t type, uint8_t request, uint16_t value,
                 uint16_t index, uint16_t length, void *data) {
  const uint8_t setup[8] = {type,
                            request,
                            (uint8_t)value,
                            (uint8_t)(value >> 8),
                            (uint8_t)index,
                            (uint8_t)(index >> 8),
                            (uint8_t)length,
                            (uint8_t)(length >> 8)};
  *urb = (struct usb_urb){.type = USB_URB_CONTROL, .data = data, .length = length};
  memcpy(urb->setup, setup, sizeof setup);
}

int cable_control(struct cable *c, uint8_t type, uint8_t request, uint16_t value,
                  uint16_t index, uint16_t length, void *data) {
  struct usb_urb urb;
  fill(&urb, type, request, value, index, length, data);
  return usb_host_sync_transfer(&c->ends->sync, &urb);
}

bool cable_give_up(struct cable *c, uint8_t type, uint8_t request, uint16_t value,
                   uint16_t length, void *data, uint64_t transactions) {
  struct usb_urb urb;
  fill(&urb, type, request, value, 0, length, data);
  cable_arm(c, CABLE_NO_FAULT, 0);
  assert_int_equal(usb_host_submit(&c->ends->host, &urb), 0);
  const vtime_t limit = c->sim.events.now + VT_S(1);
  while (urb.queued && c->transactions < transactions)
    step(c, limit);
  const bool given_up = urb.queued;
  usb_host_cancel(&c->ends->host, &urb);
  return given_up;
}

static void on_complete(void *ctx, struct usb_urb *urb) {
  (void)ctx;
  (void)urb;
}

void cable_begin(struct cable *c, unsigned stream, uint8_t endpoint, uint16_t packet,
                 void *data, uint32_t length) {
  struct usb_urb *urb = &c->ends->streams[stream];
  cable_take_back(c, stream);
  *urb = (struct usb_urb){.type = USB_URB_BULK,
                          .endpoint = endpoint,
                          .max_packet = packet,
                          .data = data,
                          .length = length,
                          .complete = on_complete};
  assert_int_equal(usb_host_submit(&c->ends->host, urb), 0);
}

bool cable_running(const struct cable *c, unsigned stream) {
  return c->ends->streams[stream].queued;
}

int cable_moved(const struct cable *c, unsigned stream) {
  const struct usb_urb *urb = &c->ends->streams[stream];
  return urb->queued || urb->status == 0 ? (int)urb->actual : urb->status;
}

void cable_take_back(struct cable *c, unsigned stream) {
  struct usb_urb *urb = &c->ends->streams[stream];
  if (urb->queued) usb_host_cancel(&c->ends->host, urb);
}

void cable_address(struct cable *c, uint8_t address) {
  c->ends->host.address = address;
}

void cable_suspend(struct cable *c) {
  assert_int_equal(usb_host_suspend(&c->ends->host), 0);
}

void cable_resume(struct cable *c) {
  assert_int_equal(usb_host_resume(&c->ends->host), 0);
}

void cable_arm(struct cable *c, enum cable_fault fault, uint64_t at) {
  c->fault = fault;
  c->fault_at = at;
  c->transactions = 0;
}
