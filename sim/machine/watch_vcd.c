// SPDX-License-Identifier: MIT
// A value change dump (IEEE 1364-2001 chapter 18) of what a logic analyser on the
// board would show. Edges that a model brings about only when somebody looks at it
// (QUADSPI's chip select) stand at the time of that look.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/machine/watch.h"

// What there is besides the pins.
// X(enumerator, "scope", "name", width)
#define SIGNALS(X)                            \
  X(QSPI_NCS, "qspi", "ncs", 1)               \
  X(QSPI_BUSY, "qspi", "chip_busy", 1)        \
  X(USB_VBUS, "usb", "vbus", 1)               \
  X(USB_PULL_UP, "usb", "pull_up", 1)         \
  X(USB_RESET, "usb", "reset", 1)             \
  X(USB_SUSPEND, "usb", "suspend", 1)         \
  X(USB_PID, "usb", "pid_1out_9in_dsetup", 4) \
  X(USB_ENDPOINT, "usb", "endpoint", 4)       \
  X(USB_REPLY, "usb", "reply_1ack_2nak_3stall_4nyet_5data", 3)

enum vcd_signal {
#define X(name, scope, text, width) VCD_##name,
  SIGNALS(X)
#undef X
      VCD_SIGNALS
};

static const struct {
  const char *scope, *name;
  unsigned width;
} signals[] = {
#define X(name, scope, text, width) {scope, text, width},
    SIGNALS(X)
#undef X
};

struct watch_vcd {
  struct machine *machine;
  FILE *out;
  vtime_t written;  // the time that was last written; VT_NEVER: none
  uint16_t levels[MACHINE_PORTS];
  unsigned values[VCD_SIGNALS];
  struct nor_tap tap;
  struct event look;  // when the QSPI chip may have become ready
  void (*next_operation)(void *ctx, uint64_t number);
  void *next_operation_ctx;
  struct usb_device_port port;  // between the host and the device
  const struct usb_device_port *inner;
  struct usb_host_port host;  // as it was
};

// --- the file ---

static void stamp(struct watch_vcd *v) {
  const vtime_t now = machine_now(v->machine);
  if (now == v->written) return;
  fprintf(v->out, "#%" PRIu64 "\n", now);
  v->written = now;
}

static void put(const struct watch_vcd *v, enum vcd_signal s, unsigned value) {
  if (signals[s].width == 1) {
    fprintf(v->out, "%us%u\n", value, (unsigned)s);
    return;
  }
  fputc('b', v->out);
  for (unsigned bit = signals[s].width; bit-- > 0;)
    fputc(value >> bit & 1u ? '1' : '0', v->out);
  fprintf(v->out, " s%u\n", (unsigned)s);
}

static void set(struct watch_vcd *v, enum vcd_signal s, unsigned value) {
  if (v->values[s] == value) return;
  v->values[s] = value;
  stamp(v);
  put(v, s, value);
}

static void put_pin(const struct watch_vcd *v, unsigned port, unsigned pin,
                    unsigned levels) {
  fprintf(v->out, "%uP%c%u\n", levels >> pin & 1u, 'A' + (int)port, pin);
}

// --- pins ---

static void on_output(void *ctx, const struct gpio *g) {
  struct watch_vcd *v = ctx;
  const unsigned port = (unsigned)(g->letter - 'A');
  const uint16_t now = gpio_levels(g);
  const unsigned differ = (unsigned)now ^ v->levels[port];
  v->levels[port] = now;
  if (differ) stamp(v);
  for (unsigned pin = 0; pin < 16; pin++) {
    if (differ >> pin & 1u) put_pin(v, port, pin, now);
  }
}

// --- QSPI ---

static void on_select(void *ctx, bool low) {
  set(ctx, VCD_QSPI_NCS, !low);
}

static void look(void *ctx) {
  struct watch_vcd *v = ctx;
  const struct nor *n = &v->machine->nor;
  const bool busy = nor_busy(n);
  set(v, VCD_QSPI_BUSY, busy);
  const vtime_t next = busy ? nor_next_change(n) : VT_NEVER;
  if (next != VT_NEVER) event_at(&v->machine->sim.events, &v->look, next);
}

static void on_operation(void *ctx, uint64_t number) {
  struct watch_vcd *v = ctx;
  look(v);
  if (v->next_operation) v->next_operation(v->next_operation_ctx, number);
}

// --- USB: what passes between the host and the device ---

static unsigned pid_of(enum usb_pid pid) {
  switch (pid) {  // USB 2.0 table 8-1
    case USB_PID_SETUP: return 0xD;
    case USB_PID_OUT: return 0x1;
    case USB_PID_IN: return 0x9;
    default: return 0x4;  // PING
  }
}

static void on_transact(void *ctx, const struct usb_token *token,
                        struct usb_answer *answer) {
  struct watch_vcd *v = ctx;
  v->inner->transact(v->inner->ctx, token, answer);
  set(v, VCD_USB_PID, pid_of(token->pid));
  set(v, VCD_USB_ENDPOINT, token->endpoint);
  set(v, VCD_USB_REPLY, (unsigned)answer->reply);
}

static void on_acked(void *ctx, uint8_t endpoint) {
  struct watch_vcd *v = ctx;
  v->inner->acked(v->inner->ctx, endpoint);
}

static void on_reset_begin(void *ctx) {
  struct watch_vcd *v = ctx;
  set(v, VCD_USB_RESET, 1);
  v->inner->reset_begin(v->inner->ctx);
}

static enum usb_speed on_reset_end(void *ctx, bool high_speed) {
  struct watch_vcd *v = ctx;
  set(v, VCD_USB_RESET, 0);
  return v->inner->reset_end(v->inner->ctx, high_speed);
}

static void on_suspend(void *ctx) {
  struct watch_vcd *v = ctx;
  set(v, VCD_USB_SUSPEND, 1);
  v->inner->suspend(v->inner->ctx);
}

static void on_resume(void *ctx) {
  struct watch_vcd *v = ctx;
  set(v, VCD_USB_SUSPEND, 0);
  v->inner->resume(v->inner->ctx);
}

static void on_sof(void *ctx) {
  const struct watch_vcd *v = ctx;
  v->inner->sof(v->inner->ctx);
}

static void on_vbus(void *ctx, bool present) {
  struct watch_vcd *v = ctx;
  set(v, VCD_USB_VBUS, present);
  v->inner->vbus(v->inner->ctx, present);
}

// --- USB: what the device tells the host ---

static void on_pull_up(void *ctx, bool on) {
  struct watch_vcd *v = ctx;
  set(v, VCD_USB_PULL_UP, on);
  v->host.pull_up(v->host.ctx, on);
}

static void on_ready(void *ctx, uint8_t endpoint, bool in) {
  const struct watch_vcd *v = ctx;
  v->host.ready(v->host.ctx, endpoint, in);
}

static void on_want_sof(void *ctx, bool on) {
  const struct watch_vcd *v = ctx;
  v->host.want_sof(v->host.ctx, on);
}

static uint16_t on_microframe(void *ctx) {
  const struct watch_vcd *v = ctx;
  return v->host.microframe(v->host.ctx);
}

static void on_remote_wakeup(void *ctx, bool driving) {
  const struct watch_vcd *v = ctx;
  v->host.remote_wakeup(v->host.ctx, driving);
}

// --- life ---

static void header(const struct watch_vcd *v) {
  fputs("$version quadboot-sim $end\n$timescale 1ps $end\n$scope module board $end\n",
        v->out);
  for (unsigned port = 0; port < MACHINE_PORTS; port++) {
    fprintf(v->out, "$scope module GPIO%c $end\n", 'A' + (int)port);
    for (int pin = 0; pin < 16; pin++) {
      const int letter = 'A' + (int)port;
      fprintf(v->out, "$var wire 1 P%c%d P%c%d $end\n", letter, pin, letter, pin);
    }
    fputs("$upscope $end\n", v->out);
  }
  for (unsigned s = 0; s < VCD_SIGNALS; s++) {
    const bool first = s == 0 || strcmp(signals[s].scope, signals[s - 1].scope) != 0;
    if (first && s) fputs("$upscope $end\n", v->out);
    if (first) fprintf(v->out, "$scope module %s $end\n", signals[s].scope);
    fprintf(v->out, "$var wire %u s%u %s $end\n", signals[s].width, s, signals[s].name);
  }
  fputs("$upscope $end\n$upscope $end\n$enddefinitions $end\n", v->out);
}

static void first_values(struct watch_vcd *v) {
  stamp(v);
  fputs("$dumpvars\n", v->out);
  for (unsigned port = 0; port < MACHINE_PORTS; port++) {
    v->levels[port] = gpio_levels(&v->machine->gpio[port]);
    for (unsigned pin = 0; pin < 16; pin++)
      put_pin(v, port, pin, v->levels[port]);
  }
  v->values[VCD_QSPI_NCS] = 1;
  for (unsigned s = 0; s < VCD_SIGNALS; s++)
    put(v, s, v->values[s]);
  fputs("$end\n", v->out);
}

static void tap_usb(struct watch_vcd *v) {
  struct usb_host *h = &v->machine->usb;
  v->inner = h->device;
  v->port = (struct usb_device_port){.ctx = v,
                                     .transact = on_transact,
                                     .acked = on_acked,
                                     .reset_begin = on_reset_begin,
                                     .reset_end = on_reset_end,
                                     .suspend = on_suspend,
                                     .resume = on_resume,
                                     .sof = on_sof,
                                     .vbus = on_vbus};
  h->device = &v->port;
  v->host = h->port;
  h->port = (struct usb_host_port){.ctx = v,
                                   .pull_up = on_pull_up,
                                   .ready = on_ready,
                                   .want_sof = on_want_sof,
                                   .microframe = on_microframe,
                                   .remote_wakeup = on_remote_wakeup};
}

struct watch_vcd *watch_vcd_open(struct machine *m, FILE *out) {
  struct watch_vcd *v = calloc(1, sizeof *v);
  if (!v) abort();
  v->machine = m;
  v->out = out;
  v->written = VT_NEVER;
  header(v);
  first_values(v);
  for (unsigned port = 0; port < MACHINE_PORTS; port++) {
    m->gpio[port].on_output = on_output;
    m->gpio[port].ctx = v;
  }
  v->tap = (struct nor_tap){.ctx = v, .select = on_select};
  nor_listen(&m->nor, &v->tap);
  event_init(&v->look, look, v);
  v->next_operation = m->on_flash_operation;
  v->next_operation_ctx = m->on_flash_operation_ctx;
  m->on_flash_operation = on_operation;
  m->on_flash_operation_ctx = v;
  tap_usb(v);
  return v;
}

void watch_vcd_close(struct watch_vcd *v) {
  if (!v) return;
  struct machine *m = v->machine;
  stamp(v);  // the last time there was
  for (unsigned port = 0; port < MACHINE_PORTS; port++)
    m->gpio[port].on_output = NULL;
  nor_ignore(&m->nor, &v->tap);
  event_cancel(&m->sim.events, &v->look);
  m->on_flash_operation = v->next_operation;
  m->on_flash_operation_ctx = v->next_operation_ctx;
  m->usb.device = v->inner;
  m->usb.port = v->host;
  free(v);
}
