// SPDX-License-Identifier: MIT
#include "tests/hostmodel/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/machine/load.h"

#define ATTACH_LIMIT VT_S(2)

const struct rig_board rig_boards[RIG_BOARDS] = {
    [RIG_HS] = {"stm32f769i-disco", "high speed", true, true, 0, false, false},
    [RIG_FS] = {"f769-custom-fs", "full speed", true, false, 0, false, false},
    [RIG_HS_ON_FS_PORT] = {"stm32f769i-disco", "full-speed port", false, false, 0,
                           false, false},
    [RIG_HS_SERIAL] = {"stm32f769i-disco", "serial, high speed", true, true, 0, false,
                       true},
    [RIG_FS_SERIAL] = {"f769-custom-fs", "serial, full speed", true, false, 0, false,
                       true},
    [RIG_HS_SERIAL_ON_FS_PORT] = {"stm32f769i-disco", "serial, full-speed port", false,
                                  false, 0, false, true},
};

// --- life ---

static void on_uart(void *ctx, uint8_t byte) {
  struct rig *r = ctx;
  if (r->uart_length < RIG_UART) r->uart[r->uart_length++] = (char)byte;
  r->uart[r->uart_length] = 0;
}

// The machine's USB host knows the machine, and that knows the rig.
static enum usb_fault on_transaction(void *ctx, uint64_t number,
                                     const struct usb_token *token) {
  const struct machine *m = ctx;
  struct rig *r = m->ctx;
  (void)number;
  if (r->on_token) r->on_token(r, token);
  return ++r->transactions == r->fault_at ? r->fault : USB_FAULT_NONE;
}

static void load_bootloader(struct rig *r) {
  char path[512];
  struct load_error error = {""};
  snprintf(path, sizeof path, "%s/build/firmware-%s%s/firmware/quadboot.elf", QB_ROOT,
           r->board->name, r->board->serial ? "-serial" : "");
  if (!machine_load(r->m, path, false, 0, &error)) fail_msg("%s", error.text);
  memcpy(r->kept, r->m->flash_bytes, RIG_KEPT);
}

struct rig *rig_open(const struct rig_board *board) {
  return rig_open_with(board, board_find(board->name)->qspi_chip);
}

struct rig *rig_open_with(const struct rig_board *board, const char *qspi_chip) {
  struct rig *r = calloc(1, sizeof *r);
  assert_non_null(r);
  r->board = board;
  r->variant = *board_find(board->name);
  r->variant.qspi_chip = qspi_chip;
  if (board->flash_size) r->variant.flash_size = board->flash_size;
  r->m = machine_create(&r->variant, CPU_BLOCK);
  if (board->two_banks) {
    flash_f7_set_options(&r->m->flash, 0xDFFFAAFDu, 0x00400080u);  // nDBANK = 0
  }
  r->m->ctx = r;
  r->m->on_uart = on_uart;
  r->m->usb.on_transaction = on_transaction;
  r->m->usb.options.high_speed = board->port_high_speed;
  load_bootloader(r);
  return r;
}

static void print_reports(const struct rig *r) {
  for (const struct report_entry *e = r->m->sim.report.entries; e; e = e->next) {
    print_error(
        "%s: %s (PC 0x%08x, %.3f ms, %llu times)\n",
        e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "unimplemented",
        e->detail, (unsigned)e->pc, (double)e->first / 1e9,
        (unsigned long long)e->count);
  }
}

bool rig_is_clean(const struct rig *r) {
  const vtime_t limit = r->board->high_speed ? RIG_LIMIT_HS : RIG_LIMIT_FS;
  const bool in_time = r->longest <= limit && !r->held_late;
  const bool kept = !memcmp(r->m->flash_bytes, r->kept, RIG_KEPT);
  print_reports(r);
  if (!in_time) {
    print_error("request %02X %02X of %u bytes took %u us\n", r->longest_request.type,
                r->longest_request.request, r->longest_request.length,
                (unsigned)(r->longest / VT_US(1)));
  }
  if (!kept) print_error("the bootloader itself was changed\n");
  return in_time && kept &&
         r->m->sim.report.guest_errors + r->m->sim.report.unimplemented == 0;
}

void rig_close(struct rig *r) {
  machine_destroy(r->m);
  free(r);
}

int rig_setup_off(void **state) {
  *state = rig_open(*state);
  return 0;
}

int rig_setup_configured(void **state) {
  rig_setup_off(state);
  rig_power_on(*state);
  rig_configure(*state);
  return 0;
}

// A test that fails shall not leak besides.
int rig_teardown(void **state) {
  const bool clean = rig_is_clean(*state);
  rig_close(*state);
  assert_true(clean);
  return 0;
}

void rig_power_on(struct rig *r) {
  r->uart_length = 0;
  r->uart[0] = 0;
  machine_power_on(r->m);
}

void rig_power_cycle(struct rig *r) {
  machine_power_cut(r->m);
  rig_run(r, VT_MS(20));
  rig_power_on(r);
}

// Runs are ended early by machine_stop, and power is not cut inside of one.
static void run_until(struct rig *r, vtime_t until) {
  machine_run_until(r->m, until);
  if (!r->cut_due) return;
  r->cut_due = false;
  r->cut = true;
  machine_power_cut(r->m);
}

void rig_run(struct rig *r, vtime_t duration) {
  const vtime_t until = machine_now(r->m) + duration;
  while (machine_now(r->m) < until)
    run_until(r, until);
}

void rig_sleep(struct rig *r, uint32_t ms) {
  if (ms) rig_run(r, VT_MS(ms) + r->oversleep);
}

bool rig_attached(struct rig *r) {
  const vtime_t limit = machine_now(r->m) + ATTACH_LIMIT;
  usb_host_plug(&r->m->usb);
  while (r->m->usb.state < USB_HOST_ATTACHED && machine_now(r->m) < limit)
    rig_run(r, VT_MS(1));
  return r->m->usb.state >= USB_HOST_ATTACHED;
}

// --- the bus ---

struct outcome {
  struct rig *rig;
  bool done;
  int status;
};

static void on_done(void *ctx, int status) {
  struct outcome *o = ctx;
  o->done = true;
  o->status = status;
  machine_stop(o->rig->m);
}

static int outcome_of(struct outcome *o) {
  const vtime_t limit = machine_now(o->rig->m) + VT_S(30);
  while (!o->done && machine_now(o->rig->m) < limit)
    run_until(o->rig, limit);
  return o->done ? o->status : -ETIMEDOUT;
}

int rig_enumerate(struct rig *r) {
  if (!rig_attached(r)) return -ENODEV;
  struct outcome o = {.rig = r};
  const struct usb_enumerate_how how = {.address = RIG_ADDRESS, .first_length = 64};
  const int status = usb_host_enumerate(&r->m->usb, how, on_done, &o);
  return status ? status : outcome_of(&o);
}

void rig_configure(struct rig *r) {
  const struct request set_configuration = {0x00, 9, 1, 0, 0};
  assert_int_equal(rig_enumerate(r), 0);
  assert_int_equal(r->m->usb.speed == USB_SPEED_HIGH, r->board->high_speed);
  assert_int_equal(rig_control(r, set_configuration, NULL), 0);
}

void rig_bus_reset(struct rig *r) {
  struct outcome o = {.rig = r};
  assert_int_equal(usb_host_reset(&r->m->usb, on_done, &o), 0);
  assert_int_equal(outcome_of(&o), 0);
}

static void on_complete(void *ctx, struct usb_urb *urb) {
  (void)urb;
  machine_stop(((struct rig *)ctx)->m);
}

// Numbers of DFU 1.1 3: UPLOAD 2, GETSTATUS 3, ABORT 6.
static void note_duration(struct rig *r, const struct request *q) {
  const bool may_be_held = q->type == 0xA1 && (q->request == 2 || q->request == 3);
  if (may_be_held && (q->request == 2 || r->aborted)) {
    const vtime_t limit = q->request == 2 ? RIG_LIMIT_UPLOAD : RIG_LIMIT_ABORTED;
    if (r->last > limit) {
      r->held_late = true;
      print_error("request %02X was held for %u ms\n", q->request,
                  (unsigned)(r->last / VT_MS(1)));
    }
  } else if (r->last > r->longest) {
    r->longest = r->last;
    r->longest_request = *q;
  }
  r->aborted = q->type == 0x21 && q->request == 6;
}

int rig_control(struct rig *r, struct request q, void *data) {
  struct usb_urb urb = {
      .type = USB_URB_CONTROL,
      .setup = {q.type, q.request, (uint8_t)q.value, (uint8_t)(q.value >> 8),
                (uint8_t)q.index, (uint8_t)(q.index >> 8), (uint8_t)q.length,
                (uint8_t)(q.length >> 8)},
      .data = data,
      .length = q.length,
      .complete = on_complete,
      .ctx = r,
  };
  rig_run(r, r->turnaround);
  const vtime_t start = machine_now(r->m);
  const int refused = usb_host_submit(&r->m->usb, &urb);
  if (refused) return refused;
  while (urb.queued)
    run_until(r, start + VT_S(10));
  r->last = machine_now(r->m) - start;
  note_duration(r, &q);
  return urb.status ? urb.status : (int)urb.actual;
}

void rig_allow_nor_reset(struct rig *r) {
  const struct nor_chip *chip = r->m->nor.chip;
  vtime_t recovery = VT_MS(25);
  for (size_t i = 0; i < NOR_ERASE_TYPES; i++) {
    if (chip->erases[i].reset_recovery > recovery)
      recovery = chip->erases[i].reset_recovery;
  }
  assert_true(r->longest < recovery + VT_MS(5));
  r->longest = 0;
}

void rig_arm(struct rig *r, enum usb_fault fault, uint64_t at) {
  r->fault = fault;
  r->fault_at = at;
  r->transactions = 0;
}

static void on_cut(void *ctx) {
  struct rig *r = ctx;
  r->cut_due = true;
  machine_stop(r->m);
}

static void on_flash_operation(void *ctx, uint64_t number) {
  struct rig *r = ctx;
  (void)number;
  if (++r->operations == r->cut_at) {
    event_in(&r->m->sim.events, &r->cut_event, r->cut_delay);
  }
}

void rig_arm_cut(struct rig *r, uint64_t at, vtime_t delay) {
  r->cut_at = at;
  r->cut_delay = delay;
  r->operations = 0;
  r->cut = false;
  event_init(&r->cut_event, on_cut, r);
  r->m->on_flash_operation = on_flash_operation;
  r->m->on_flash_operation_ctx = r;
}

// --- looking ---

void rig_string(struct rig *r, uint8_t index, char text[127]) {
  uint8_t bytes[255];
  const struct request q = {0x80, 6, (uint16_t)(0x0300 | index), 0x0409, sizeof bytes};
  const int n = rig_control(r, q, bytes);
  assert_in_range(n, 2, sizeof bytes);
  assert_int_equal(bytes[0], n);
  assert_int_equal(bytes[1], 3);
  for (int i = 2; i < n; i += 2) {
    assert_int_equal(bytes[i + 1], 0);  // ASCII only
    *text++ = (char)bytes[i];
  }
  *text = 0;
}

const uint8_t *rig_memory(const struct rig *r, uint32_t address) {
  if (address >= QSPI_WINDOW_BASE)
    return r->m->nor_bytes + (address - QSPI_WINDOW_BASE);
  return r->m->flash_bytes + (address - FLASH_BASE);
}
