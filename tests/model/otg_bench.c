// SPDX-License-Identifier: MIT
#include "tests/model/otg_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// cmocka.h wants the headers above before it.
#include <cmocka.h>

// How often a polling driver looks: seldom while no transaction is possible.
#define POLL_BUSY  VT_US(5)
#define POLL_QUIET VT_US(200)

uint8_t pattern(uint32_t i) {
  return (uint8_t)(i * PATTERN_STEP + (i >> 8));
}

// --- what surrounds the core ---------------------------------------------------

static uint64_t clock_of(void *ctx, enum clock_id id) {
  const struct bench *b = ctx;
  if (id == CLOCK_HCLK) return b->hclk;
  return id == CLOCK_48M ? b->clock_48m : 0;
}

static uint64_t ulpi_hz(void *ctx) {
  const struct bench *b = ctx;
  return b->ulpi_hz;
}

static bool pins_ok(void *ctx, enum otg_phy phy) {
  const struct bench *b = ctx;
  (void)phy;
  return b->pins_ok;
}

static bool vbus_wired(void *ctx, enum otg_phy phy) {
  const struct bench *b = ctx;
  (void)phy;
  return b->vbus_wired;
}

static bool clocked(void *ctx) {
  const struct bench *b = ctx;
  return b->clocked;
}

static bool id_high(void *ctx) {
  const struct bench *b = ctx;
  return b->id_high;
}

enum { LINE_GLOBAL, LINE_WAKEUP, LINE_EP1_IN, LINE_EP1_OUT };

static void irq_line_set(void *ctx, unsigned number, bool level) {
  struct bench *b = ctx;
  switch (number) {
    case LINE_GLOBAL:
      if (level && !b->irq) b->irq_edges++;
      b->irq = level;
      break;
    case LINE_WAKEUP:
      b->wakeups += level;
      b->wakeup_level = level;
      break;
    case LINE_EP1_IN: b->ep1_in_irq = level; break;
    default: b->ep1_out_irq = level; break;
  }
}

static void host_event(void *ctx, enum usb_host_event event) {
  struct bench *b = ctx;
  b->last_event = event;
  b->connects += event == USB_HOST_CONNECTED;
  b->disconnects += event == USB_HOST_DISCONNECTED;
}

static bool in_memory(uint32_t addr, unsigned bytes) {
  return addr - DMA_MEMORY < DMA_MEMORY_SIZE &&
         bytes <= DMA_MEMORY_SIZE - (addr - DMA_MEMORY);
}

static bool dma_read(void *ctx, enum master_port port, uint32_t addr, void *to,
                     unsigned bytes) {
  struct bench *b = ctx;
  (void)port;
  if (!in_memory(addr, bytes)) return false;
  memcpy(to, b->memory + (addr - DMA_MEMORY), bytes);
  return true;
}

static bool dma_write(void *ctx, enum master_port port, uint32_t addr, const void *from,
                      unsigned bytes) {
  struct bench *b = ctx;
  (void)port;
  if (!in_memory(addr, bytes)) return false;
  memcpy(b->memory + (addr - DMA_MEMORY), from, bytes);
  return true;
}

// --- time ----------------------------------------------------------------------

static void step_interrupts(struct bench *b, vtime_t until) {
  const vtime_t now = b->sim.events.now;
  if (b->irq) {
    // The handler starts a little later, whatever else happens meanwhile.
    event_run(&b->sim.events, now + b->isr_latency);
    driver_interrupt(b);
    return;
  }
  const vtime_t next = event_next(&b->sim.events);
  event_run(&b->sim.events, next < until ? next : until);
}

static void step_polled(struct bench *b, vtime_t until) {
  const vtime_t at = b->next_poll < until ? b->next_poll : until;
  event_run(&b->sim.events, at);
  if (at < b->next_poll) return;
  b->next_poll = at + (b->host.state == USB_HOST_ENABLED ? POLL_BUSY : POLL_QUIET);
  driver_interrupt(b);
}

static void step(void *ctx, vtime_t until) {
  struct bench *b = ctx;
  if (b->driver.style && b->driver.style->polled) {
    step_polled(b, until);
  } else {
    step_interrupts(b, until);
  }
}

// FNV-1a over everything that is sent, and when.
static void hash(struct bench *b, uint64_t value) {
  for (int i = 0; i < 8; i++) {
    b->wire_hash = (b->wire_hash ^ (value >> 8 * i & 0xFF)) * 0x100000001B3u;
  }
}

static enum usb_fault wire_hook(void *ctx, uint64_t number,
                                const struct usb_token *token) {
  struct bench *b = ctx;
  hash(b, b->sim.events.now);
  hash(b, (uint64_t)token->pid << 32 | (uint64_t)token->endpoint << 16 | token->length);
  return number == b->fault_at ? b->fault : USB_FAULT_NONE;
}

void bench_open(struct bench *b, const struct bench_setup *setup) {
  memset(b, 0, sizeof *b);
  b->setup = *setup;
  b->hclk = 216000000;
  b->clock_48m = 48000000;
  b->ulpi_hz = setup->config == &otg_hs_config ? 60000000 : 0;
  b->pins_ok = b->vbus_wired = b->id_high = b->clocked = true;
  b->isr_latency = VT_NS(500);
  sim_init(&b->sim);
  static const struct otg_board names = {
      .ulpi_hz = ulpi_hz,
      .pins_ok = pins_ok,
      .vbus_wired = vbus_wired,
      .clocked = clocked,
      .id_high = id_high,
  };
  struct otg_board board = names;
  board.ctx = b;
  const struct otg_irqs irqs = {
      .global = {irq_line_set, b, LINE_GLOBAL},
      .wakeup = {irq_line_set, b, LINE_WAKEUP},
      .ep1_in = {irq_line_set, b, LINE_EP1_IN},
      .ep1_out = {irq_line_set, b, LINE_EP1_OUT},
  };
  b->clocks = (struct clock_source){clock_of, b};
  otg_init(&b->otg, setup->config, &b->sim, &b->clocks, &board, &irqs);
  b->otg.master = (struct bus_master){b, MASTER_OTG_HS, dma_read, dma_write};
  struct usb_host_options options = usb_host_defaults;
  options.high_speed = setup->host_high_speed;
  usb_host_init(&b->host, &b->sim.events, &options, &b->otg.port);
  b->host.on_event = host_event;
  b->host.on_transaction = wire_hook;
  b->host.ctx = b;
  otg_attach(&b->otg, &b->host.port);
  b->sync = (struct usb_host_sync){&b->host, step, b};
}

void bench_close(struct bench *b) {
  otg_free(&b->otg);
  sim_free(&b->sim);
}

uint32_t rd(struct bench *b, uint32_t reg) {
  return otg_read(&b->otg, reg, 4);
}

void wr(struct bench *b, uint32_t reg, uint32_t value) {
  otg_write(&b->otg, reg, 4, value);
}

void set(struct bench *b, uint32_t reg, uint32_t bits) {
  wr(b, reg, rd(b, reg) | bits);
}

void clear(struct bench *b, uint32_t reg, uint32_t bits) {
  wr(b, reg, rd(b, reg) & ~bits);
}

void bench_run(struct bench *b, vtime_t duration) {
  const vtime_t until = b->sim.events.now + duration;
  while (b->sim.events.now < until)
    step(b, until);
  driver_collect(b);
}

void bench_idle(struct bench *b, vtime_t duration) {
  event_run(&b->sim.events, b->sim.events.now + duration);
}

// --- transfers -----------------------------------------------------------------

int control(struct bench *b, uint8_t type, uint8_t request, uint16_t value,
            uint16_t index, uint16_t length, void *data) {
  const uint8_t setup[8] = {type,
                            request,
                            (uint8_t)value,
                            (uint8_t)(value >> 8),
                            (uint8_t)index,
                            (uint8_t)(index >> 8),
                            (uint8_t)length,
                            (uint8_t)(length >> 8)};
  return usb_host_sync_control(&b->sync, setup, data);
}

int bulk(struct bench *b, uint8_t endpoint, void *data, uint32_t length,
         bool zero_packet) {
  struct usb_urb urb = {
      .type = USB_URB_BULK,
      .endpoint = endpoint,
      .max_packet = (uint16_t)b->driver.bulk_packet,
      .data = data,
      .length = length,
      .zero_packet = zero_packet,
  };
  return usb_host_sync_transfer(&b->sync, &urb);
}

void bench_up(struct bench *b, const struct bench_setup *setup) {
  bench_open(b, setup);
  driver_start(b, setup->style);
  assert_int_equal(usb_host_sync_enumerate(&b->sync, 5), 0);
  assert_int_equal(control(b, 0x00, 9, 1, 0, 0, NULL), 0);
  assert_true(b->driver.configured);
}

// --- tokens by hand ------------------------------------------------------------

static void raw_pull_up(void *ctx, bool on) {
  (void)ctx;
  (void)on;
}

static void raw_ready(void *ctx, uint8_t endpoint, bool in) {
  struct bench *b = ctx;
  b->readies++;
  b->last_ready = (uint8_t)(endpoint | (in ? 0x80 : 0));
}

static void raw_want_sof(void *ctx, bool on) {
  struct bench *b = ctx;
  b->sof_wishes++;
  b->sof_wanted = on;
}

static uint16_t raw_microframe(void *ctx) {
  const struct bench *b = ctx;
  return (uint16_t)(b->sim.events.now / VT_US(125) & 0x3FFF);
}

static void raw_remote_wakeup(void *ctx, bool driving) {
  (void)ctx;
  (void)driving;
}

void bench_raw(struct bench *b, const struct bench_setup *setup) {
  bench_open(b, setup);
  driver_core_init(b);
  b->host.port = (struct usb_host_port){
      b, raw_pull_up, raw_ready, raw_want_sof, raw_microframe, raw_remote_wakeup};
  clear(b, R_DCTL, DCTL_SDIS);
  const struct usb_device_port *port = &b->otg.port;
  port->vbus(port->ctx, true);
  port->reset_begin(port->ctx);
  port->reset_end(port->ctx, setup->host_high_speed);
  wr(b, R_GINTSTS, 0xFFFFFFFF);
  wr(b, R_GOTGINT, 0xFFFFFFFF);
}

enum usb_reply token(struct bench *b, enum usb_pid pid, uint8_t endpoint, bool data1,
                     const void *data, uint16_t length) {
  const struct usb_token t = {pid, 0, endpoint, data1, data, length};
  b->otg.port.transact(b->otg.port.ctx, &t, &b->answer);
  return b->answer.reply;
}

enum usb_reply setup_token(struct bench *b) {
  static const uint8_t setup[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
  return token(b, USB_PID_SETUP, 0, false, setup, 8);
}

enum usb_reply out_token(struct bench *b, uint8_t endpoint, bool data1,
                         uint16_t length) {
  uint8_t data[USB_MAX_PACKET];
  for (uint32_t i = 0; i < length; i++)
    data[i] = pattern(i);
  return token(b, USB_PID_OUT, endpoint, data1, data, length);
}

enum usb_reply in_token(struct bench *b, uint8_t endpoint) {
  return token(b, USB_PID_IN, endpoint, false, NULL, 0);
}

void ack(struct bench *b, uint8_t endpoint) {
  b->otg.port.acked(b->otg.port.ctx, endpoint);
}

void settle(struct bench *b) {
  bench_idle(b, VT_US(1));
}

uint32_t pktsts(uint32_t word) {
  return word >> 17 & 15;
}

uint32_t bcnt(uint32_t word) {
  return word >> 4 & 0x7FF;
}

void open_bulk(struct bench *b, uint32_t size) {
  wr(b, R_DIEPCTL(1), EP_USBAEP | EP_BULK | EP_TXFNUM(1) | EP_SD0PID | size);
  wr(b, R_DOEPCTL(1), EP_USBAEP | EP_BULK | EP_SD0PID | size);
}

void arm_out(struct bench *b, uint32_t n, uint32_t packets, uint32_t bytes) {
  wr(b, R_DOEPTSIZ(n), TSIZ(packets, bytes));
  set(b, R_DOEPCTL(n), EP_CNAK | EP_EPENA);
}

void arm_in(struct bench *b, uint32_t n, uint32_t packets, uint32_t bytes) {
  wr(b, R_DIEPTSIZ(n), TSIZ(packets, bytes));
  set(b, R_DIEPCTL(n), EP_CNAK | EP_EPENA);
}

void push(struct bench *b, uint32_t n, uint32_t words) {
  for (uint32_t i = 0; i < words; i++)
    wr(b, R_FIFO(n), 0x03020100 + i * 0x04040404);
}

uint32_t pop_packet(struct bench *b) {
  const uint32_t w = rd(b, R_GRXSTSP);
  const uint32_t status = pktsts(w);
  if (status != PKT_OUT && status != PKT_SETUP) return w;
  for (uint32_t i = 0; i < (bcnt(w) + 3) / 4; i++)
    rd(b, R_FIFO(0));
  return w;
}

// --- reports -------------------------------------------------------------------

static void print_reports(const struct report *r) {
  for (const struct report_entry *e = r->entries; e; e = e->next) {
    print_message(
        "%s at 0x%08x: %s (%llu times)\n",
        e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "unimplemented",
        (unsigned)e->addr, e->detail, (unsigned long long)e->count);
  }
}

void assert_clean(struct bench *b) {
  const struct report *r = &b->sim.report;
  if (r->guest_errors || r->unimplemented) print_reports(r);
  assert_int_equal(r->guest_errors, 0);
  assert_int_equal(r->unimplemented, 0);
}

// Exactly this class was reported; the reports are forgotten.
void assert_only(struct bench *b, enum guest_error error) {
  struct report *r = &b->sim.report;
  if (report_count(r, error) == 0 || report_count(r, error) != r->guest_errors) {
    print_reports(r);
  }
  assert_true(report_count(r, error) > 0);
  assert_int_equal(report_count(r, error), r->guest_errors);
  assert_int_equal(r->unimplemented, 0);
  report_clear(r);
}
