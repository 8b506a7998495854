// SPDX-License-Identifier: MIT
// What goes wrong on a cable, at every transaction where it can: a token that gets
// lost, a packet with a bad CRC, a handshake that never arrives, a bus reset, the
// plug pulled out; requests that the host gives up half-way; suspend at rest and in
// the middle of flash work. Whatever happens, the same job done again must succeed,
// and what a host was told is true.
#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"
#include "tests/hostmodel/dfu_client.h"

enum { SHORT_BLOCK = 200 };  // four packets, the last one short

#define PLACE (EXTERNAL + 0x50000)

static const struct {
  enum usb_fault fault;
  const char *name;
} faults[] = {
    {USB_FAULT_DROP_TOKEN, "lost token"},
    {USB_FAULT_LOSE_HANDSHAKE, "lost handshake"},
    {USB_FAULT_CORRUPT_DATA, "corrupted data"},
};

enum { FAULTS = sizeof faults / sizeof *faults };

// --- faults that the USB rules mend --------------------------------------------

static bool is_set_address(const struct usb_token *t) {
  return t->pid == USB_PID_SETUP && t->data[0] == 0 && t->data[1] == 5;
}

// Whether the transaction where the fault is due is the status stage of SET_ADDRESS.
struct watch {
  bool after_set_address, hit;
};

static void watch_token(struct rig *r, const struct usb_token *token) {
  struct watch *w = r->on_token_ctx;
  if (r->transactions + 1 == r->fault_at) {
    w->hit = w->after_set_address && token->pid == USB_PID_IN;
  }
  if (token->pid == USB_PID_SETUP) w->after_set_address = is_set_address(token);
}

// The host's ACK for the status stage of SET_ADDRESS is the one packet whose loss
// USB cannot mend: the two sides then differ about the address, and the host has to
// start again.
static void enumeration_survives_line_errors(void **state) {
  struct rig *r = *state;
  unsigned again = 0, runs = 0;
  for (int f = 0; f < FAULTS; f++) {
    for (uint64_t at = 1;; at++, runs++) {
      struct watch w = {false, false};
      r->on_token = watch_token;
      r->on_token_ctx = &w;
      rig_arm(r, faults[f].fault, at);
      assert_int_equal(rig_enumerate(r), 0);
      r->on_token = NULL;
      const bool hopeless = w.hit && faults[f].fault == USB_FAULT_LOSE_HANDSHAKE;
      const unsigned attempts = r->m->usb.enumeration.attempts;
      if (attempts > (hopeless ? 1 : 0)) {
        fail_msg("%s at transaction %u: %u attempts failed", faults[f].name,
                 (unsigned)at, attempts);
      }
      again += attempts;
      if (r->transactions < at) break;
    }
  }
  print_message("%u enumerations with an error, %u tried again\n", runs, again);
  assert_true(runs >= 3 * 10);
}

// Every request must end well at the first go.
static void download(struct rig *r, const uint8_t data[SHORT_BLOCK]) {
  const struct reply s = dfu_write(r, PLACE, data, SHORT_BLOCK);
  assert_int_equal(s.status, OK);
  assert_int_equal(s.state, DNLOAD_IDLE);
  dfu_abort(r);
  assert_int_equal(dfu_status(r).state, IDLE);
}

static void upload(struct rig *r, const uint8_t data[SHORT_BLOCK]) {
  uint8_t back[SHORT_BLOCK];
  dfu_read(r, PLACE, back, sizeof back);
  assert_memory_equal(back, data, sizeof back);
}

static void blank(struct rig *r) {
  memset(r->m->nor_bytes + (PLACE - EXTERNAL), 0xFF, SHORT_BLOCK);
}

static void line_errors(struct rig *r,
                        void (*job)(struct rig *r, const uint8_t data[SHORT_BLOCK]),
                        bool from_blank) {
  uint8_t data[SHORT_BLOCK];
  unsigned runs = 0;
  for (int f = 0; f < FAULTS; f++) {
    for (uint64_t at = 1;; at++, runs++) {
      dfu_pattern(data, sizeof data, (uint32_t)at);
      blank(r);
      if (!from_blank) memcpy(r->m->nor_bytes + (PLACE - EXTERNAL), data, sizeof data);
      rig_arm(r, faults[f].fault, at);
      job(r, data);
      assert_memory_equal(rig_memory(r, PLACE), data, sizeof data);
      if (r->transactions < at) break;
    }
  }
  print_message("%u runs with an error\n", runs);
  assert_true(runs >= 3 * 20);
}

static void download_survives_line_errors(void **state) {
  line_errors(*state, download, true);
}

static void upload_survives_line_errors(void **state) {
  line_errors(*state, upload, false);
}

// --- bus reset and unplugging --------------------------------------------------

// A download as a host does it that notices when its device is gone. 0: complete.
static int fragile_download(struct rig *r, const uint8_t data[SHORT_BLOCK]) {
  uint8_t command[5] = {0x21}, b[6];
  store_le32(command + 1, PLACE);
  int n = dfu_dnload(r, 0, command, sizeof command);
  for (int step = 0; step < 2 && n >= 0; step++) {
    do {
      n = dfu_in(r, REQ_GETSTATUS, 0, sizeof b, b);
      if (n >= 0) rig_run(r, VT_MS(load_le24(b + 1)));
    } while (n >= 0 && b[4] == DNBUSY);
    if (n >= 0 && b[4] != DNLOAD_IDLE) return -EPROTO;
    if (n >= 0 && step == 0) n = dfu_dnload(r, 2, data, SHORT_BLOCK);
  }
  if (n >= 0) n = dfu_out(r, REQ_ABORT, 0, 0, NULL);
  return n < 0 ? n : 0;
}

static int fragile_job(struct rig *r, const uint8_t data[SHORT_BLOCK]) {
  const int status = rig_enumerate(r);
  if (status) return status;
  const struct request set_configuration = {0x00, 9, 1, 0, 0};
  const int n = rig_control(r, set_configuration, NULL);
  return n < 0 ? n : fragile_download(r, data);
}

static void expect_idle(struct rig *r) {
  const struct reply s = dfu_status(r);
  assert_int_equal(s.state, IDLE);
  assert_int_equal(s.status, OK);
}

static void interruptions(struct rig *r, enum usb_fault fault) {
  uint8_t data[SHORT_BLOCK];
  uint64_t at = 1;
  for (;; at++) {
    dfu_pattern(data, sizeof data, (uint32_t)at);
    blank(r);
    rig_arm(r, fault, at);
    const int status = fragile_job(r, data);
    if (r->transactions < at) {
      assert_int_equal(status, 0);
      break;
    }
    rig_arm(r, USB_FAULT_NONE, 0);
    rig_run(r, VT_MS(at % 7));  // some flash work goes on, some does not
    rig_configure(r);
    expect_idle(r);
    download(r, data);
    upload(r, data);
  }
  print_message("%u interruptions\n", (unsigned)at - 1);
  assert_true(at > 30);
}

static void bus_reset_at_every_transaction(void **state) {
  interruptions(*state, USB_FAULT_BUS_RESET);
}

static void unplugged_at_every_transaction(void **state) {
  interruptions(*state, USB_FAULT_UNPLUG);
}

// --- requests given up ---------------------------------------------------------

// Runs `q` for `transactions` of its own and `delay`, then takes it back. False: it had
// ended.
static bool give_up(struct rig *r, struct request q, void *data, uint64_t transactions,
                    vtime_t delay) {
  struct usb_urb urb = {
      .type = USB_URB_CONTROL,
      .setup = {q.type, q.request, (uint8_t)q.value, (uint8_t)(q.value >> 8),
                (uint8_t)q.index, (uint8_t)(q.index >> 8), (uint8_t)q.length,
                (uint8_t)(q.length >> 8)},
      .data = data,
      .length = q.length,
  };
  rig_arm(r, USB_FAULT_NONE, 0);
  assert_int_equal(usb_host_submit(&r->m->usb, &urb), 0);
  while (urb.queued && r->transactions < transactions)
    machine_run(r->m, VT_NS(500));
  rig_run(r, delay);
  const bool given_up = urb.queued;
  usb_host_cancel(&r->m->usb, &urb);
  return given_up;
}

// The next SETUP ends whatever was going on (USB 2.0 8.5.3.1), and finds the
// device's answer to itself, not the rest of an older one. But for one instant: a STALL
// that is being set when it comes is the controller's to lift, at the SETUP behind it.
// The board sets one for the last request below, and for a block while an earlier one,
// which was complete, waits for its place in the writer.
static void a_new_setup_ends_any_request(void **state) {
  enum { NOBODYS = 0x7F };
  struct rig *r = *state;
  static const struct request requests[] = {
      {0x80, 6, 0x0305, 0x0409, 255},  // string, two packets
      {0xA1, REQ_UPLOAD, 2, 0, 300},   // five packets in
      {0x21, REQ_DNLOAD, 2, 0, 300},   // five packets out
      {0xA1, REQ_GETSTATUS, 0, 0, 6},  //
      {0x21, REQ_ABORT, 0, 0, 0},      //
      {0x00, 9, 1, 0, 0},              // SET_CONFIGURATION
      {0xC0, NOBODYS, 0, 0, 8},        // STALL
  };
  static const uint8_t first[8] = {18, 1, 0x10, 0x02, 0, 0, 0, 64};
  uint8_t data[300] = {0}, device[18];
  unsigned runs = 0, stalls = 0;
  // Down to the instant: the next SETUP meets the driver at each of its steps.
  for (vtime_t delay = 0; delay < VT_US(12); delay += VT_NS(150)) {
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
      for (uint64_t n = 1; give_up(r, requests[i], data, n, delay); n++, runs++) {
        const struct request q = {0x80, 6, 0x0100, 0, sizeof device};
        int got = rig_control(r, q, device);
        const bool refusable =
            requests[i].request == NOBODYS || requests[i].request == REQ_DNLOAD;
        if (got == -EPIPE && refusable) {
          stalls++;
          got = rig_control(r, q, device);
        }
        assert_int_equal(got, sizeof device);
        assert_memory_equal(device, first, sizeof first);
        dfu_recover(r);
      }
    }
  }
  print_message("%u requests given up, %u times a STALL too many\n", runs, stalls);
  assert_true(runs > 500);
  assert_true(stalls <= 1);
}

// A block of which the host sent only a part is not written.
static void part_of_a_block_is_never_written(void **state) {
  struct rig *r = *state;
  uint8_t data[SHORT_BLOCK] = {0};
  assert_int_equal(dfu_set_address(r, PLACE).state, DNLOAD_IDLE);
  const struct request q = {0x21, REQ_DNLOAD, 2, 0, sizeof data};
  for (uint64_t n = 1; n <= 4; n++) {
    assert_true(give_up(r, q, data, n, VT_US(5) * (n % 3)));
    assert_int_equal(dfu_status(r).state, DNLOAD_IDLE);
    rig_run(r, VT_MS(10));
    assert_int_equal(r->m->nor_span.operations, 1);  // the quad-enable bit's
  }
  dfu_abort(r);
}

// --- data stages that end early ------------------------------------------------

// Fewer bytes than asked for, a multiple of the packet size: an empty packet ends
// the stage (USB 2.0 8.5.3.2).
static void a_short_upload_of_whole_packets_ends(void **state) {
  struct rig *r = *state;
  static const uint16_t rests[] = {0, 1, 63, 64, 65, 128, 192, 4032, 4095};
  static uint8_t data[CLIENT_BLOCK];
  static const uint32_t ends[] = {INTERNAL_END, EXTERNAL_END};
  for (size_t m = 0; m < 2; m++) {
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
      assert_int_equal(dfu_set_address(r, ends[m] - rests[i]).state, DNLOAD_IDLE);
      dfu_abort(r);
      assert_int_equal(dfu_upload(r, 2, data, sizeof data), rests[i]);
      assert_int_equal(dfu_state(r), IDLE);  // a short block ends the upload
    }
  }
}

// --- suspend and resume --------------------------------------------------------

static bool suspended(const struct rig *r) {
  const struct otg *o = r->board->high_speed ? &r->m->otg_hs : &r->m->otg_fs;
  return o->suspended;
}

static void sleep_for(struct rig *r, vtime_t duration) {
  assert_int_equal(usb_host_suspend(&r->m->usb), 0);
  rig_run(r, VT_MS(3) + duration);
  if (duration) assert_true(suspended(r));
  assert_int_equal(usb_host_resume(&r->m->usb), 0);
  rig_run(r, VT_MS(40));
  assert_int_equal(r->m->usb.state, USB_HOST_ENABLED);
  assert_false(suspended(r));
}

static void suspend_at_rest(void **state) {
  struct rig *r = *state;
  static const vtime_t durations[] = {VT_US(1), VT_MS(1), VT_MS(100), VT_S(5)};
  for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
    sleep_for(r, durations[i]);
    expect_idle(r);
  }
  dfu_expect_usable(r);
}

// A bus reset wakes a suspended device too.
static void reset_while_suspended(void **state) {
  struct rig *r = *state;
  assert_int_equal(usb_host_suspend(&r->m->usb), 0);
  rig_run(r, VT_MS(50));
  rig_configure(r);
  dfu_expect_usable(r);
}

static void unplugged_while_suspended(void **state) {
  struct rig *r = *state;
  assert_int_equal(usb_host_suspend(&r->m->usb), 0);
  rig_run(r, VT_MS(50));
  usb_host_unplug(&r->m->usb);
  rig_run(r, VT_MS(50));
  rig_configure(r);
  dfu_expect_usable(r);
}

static const uint32_t places[] = {APPLICATION, EXTERNAL + 0x30000};

// Shorter than the erase, as long, longer.
static void suspend_while_erasing(void **state) {
  struct rig *r = *state;
  static const uint32_t pauses_ms[] = {20, 150, 400};
  for (size_t p = 0; p < 2; p++) {
    for (size_t i = 0; i < 3; i++) {
      uint8_t *cell = (uint8_t *)(uintptr_t)rig_memory(r, places[p]);
      *cell = 0;
      assert_int_equal(dfu_erase(r, places[p]).state, DNLOAD_IDLE);
      dfu_abort(r);
      rig_run(r, VT_MS(5));
      sleep_for(r, VT_MS(pauses_ms[i]));
      const struct reply s = dfu_wait(r);
      assert_int_equal(s.status, OK);
      assert_int_equal(s.state, IDLE);
      assert_int_equal(*cell, 0xFF);
    }
  }
  dfu_expect_usable(r);
}

static void suspend_while_programming(void **state) {
  struct rig *r = *state;
  uint8_t data[CLIENT_BLOCK];
  for (size_t p = 0; p < 2; p++) {
    dfu_pattern(data, sizeof data, (uint32_t)p);
    assert_int_equal(dfu_set_address(r, places[p]).state, DNLOAD_IDLE);
    assert_int_equal(dfu_dnload(r, 2, data, sizeof data), sizeof data);
    sleep_for(r, p ? VT_MS(1) : VT_MS(100));
    assert_int_equal(dfu_wait(r).state, DNLOAD_IDLE);
    assert_memory_equal(rig_memory(r, places[p]), data, sizeof data);
    dfu_abort(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(enumeration_survives_line_errors),
      RIG_BOTH(download_survives_line_errors),
      RIG_BOTH(upload_survives_line_errors),
      RIG_BOTH(bus_reset_at_every_transaction),
      RIG_BOTH(unplugged_at_every_transaction),
      RIG_BOTH(a_new_setup_ends_any_request),
      RIG_BOTH(part_of_a_block_is_never_written),
      RIG_BOTH(a_short_upload_of_whole_packets_ends),
      RIG_BOTH(suspend_at_rest),
      RIG_BOTH(reset_while_suspended),
      RIG_BOTH(unplugged_while_suspended),
      RIG_BOTH(suspend_while_erasing),
      RIG_BOTH(suspend_while_programming),
  };
  return cmocka_run_group_tests_name("usb_wire", tests, NULL, NULL);
}
