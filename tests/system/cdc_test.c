// SPDX-License-Identifier: MIT
// The build with a serial port, the real ELF: what it says of itself byte for byte at
// both speeds, every request of the serial port, halts, back-pressure, hosts that come
// and go, and DFU beside it.
#include <errno.h>
#include <string.h>

#include "tests/hostmodel/cdc_host.h"
#include "tests/hostmodel/dfu_client.h"

enum { RING = 4096 };

// Bytes typed from USB 2.0 9.6, the IAD ECN, DFU 1.1 4.2, CDC 1.2 5.2 and PSTN 1.2 5.3.
#define DFU_ALTERNATE(number, string)                                                \
  9, 4, 0, (number), 0, 0xFE, 0x01, 0x02, (string), 9, 0x21, 0x0B, 0xFF, 0x00, 0x00, \
      0x10, 0x1A, 0x01
#define SERIAL_FUNCTION(low, high, interval)                                           \
  8, 11, 1, 2, 2, 2, 0, 0x10, 9, 4, 1, 0, 1, 2, 2, 0, 0, 5, 0x24, 0x00, 0x20, 0x01, 5, \
      0x24, 0x01, 0x00, 2, 4, 0x24, 0x02, 0x02, 5, 0x24, 0x06, 1, 2, 7, 5, 0x82, 3,    \
      16, 0, (interval), 9, 4, 2, 0, 2, 10, 0, 0, 0, 7, 5, 0x01, 2, (low), (high), 0,  \
      7, 5, 0x81, 2, (low), (high), 0
#define CONFIGURATION(type, low, high, interval)                                    \
  {                                                                                 \
    9, (type), 111, 0, 3, 1, 0, 0xC0, 50, DFU_ALTERNATE(0, 4), DFU_ALTERNATE(1, 5), \
        SERIAL_FUNCTION(low, high, interval)                                        \
  }

static const uint8_t high_configuration[] = CONFIGURATION(2, 0x00, 0x02, 8);
static const uint8_t full_configuration[] = CONFIGURATION(2, 64, 0, 16);
static const uint8_t high_other[] = CONFIGURATION(7, 64, 0, 16);
static const uint8_t full_other[] = CONFIGURATION(7, 0x00, 0x02, 8);

static int get_descriptor(struct rig *r, uint8_t type, uint8_t *data, uint16_t length) {
  const struct request q = {0x80, 6, (uint16_t)(type << 8), 0, length};
  return rig_control(r, q, data);
}

static void expect_descriptor(struct rig *r, uint8_t type, const uint8_t *bytes,
                              size_t n) {
  uint8_t got[255];
  assert_int_equal(get_descriptor(r, type, got, sizeof got), n);
  assert_memory_equal(got, bytes, n);
}

static void it_says_what_it_is(void **state) {
  struct rig *r = *state;
  static const uint8_t device[] = {18,   1,    0x10, 0x02, 0xEF, 2, 1, 64, 0x09,
                                   0x12, 0x01, 0x00, 0x10, 0x00, 1, 2, 3,  1};
  static const uint8_t qualifier[] = {10, 6, 0x10, 0x02, 0xEF, 2, 1, 64, 1, 0};
  const bool high = r->board->high_speed;
  const bool two_speeds = r->board != &rig_boards[RIG_FS_SERIAL];
  char text[127];
  expect_descriptor(r, 1, device, sizeof device);
  expect_descriptor(r, 2, high ? high_configuration : full_configuration, 111);
  if (two_speeds) {
    expect_descriptor(r, 6, qualifier, sizeof qualifier);
    expect_descriptor(r, 7, high ? high_other : full_other, 111);
  } else {
    uint8_t got[255];
    assert_int_equal(get_descriptor(r, 6, got, sizeof got), -EPIPE);
    assert_int_equal(get_descriptor(r, 7, got, sizeof got), -EPIPE);
  }
  rig_string(r, 0x10, text);
  assert_string_equal(text, "quadboot console");
}

// --- requests ---

static int in(struct rig *r, uint8_t type, uint8_t request, uint16_t value,
              uint16_t index, uint16_t length, void *data) {
  return rig_control(r, (struct request){type, request, value, index, length}, data);
}

static void the_line_coding_is_kept(void **state) {
  struct rig *r = *state;
  static const uint8_t first[7] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8};
  uint8_t coding[7] = {0x80, 0x25, 0x00, 0x00, 2, 1, 7}, got[7];
  assert_int_equal(in(r, 0xA1, 0x21, 0, 1, 7, got), 7);
  assert_memory_equal(got, first, 7);
  assert_int_equal(in(r, 0x21, 0x20, 0, 1, 7, coding), 7);
  assert_int_equal(in(r, 0xA1, 0x21, 0, 1, 7, got), 7);
  assert_memory_equal(got, coding, 7);
  assert_int_equal(in(r, 0x21, 0x20, 0, 1, 6, coding), -EPIPE);
  assert_int_equal(in(r, 0x21, 0x20, 0, 2, 7, coding), -EPIPE);
  assert_int_equal(in(r, 0x21, 0x23, 100, 1, 0, NULL), 0);  // SEND_BREAK
}

// Interface 0's requests are DFU's, whatever their number.
static void requests_go_to_their_interface(void **state) {
  struct rig *r = *state;
  uint8_t got[7];
  assert_int_equal(in(r, 0xA1, 0x21, 0, 0, 7, got), -EPIPE);
  dfu_recover(r);
  assert_int_equal(in(r, 0xA1, 3, 0, 1, 6, got), -EPIPE);
  assert_int_equal(in(r, 0xA1, 3, 0, 3, 6, got), -EPIPE);
  for (uint16_t i = 0; i < 3; i++) {
    assert_int_equal(in(r, 0x01, 11, 0, i, 0, NULL), 0);
    assert_int_equal(in(r, 0x81, 10, 0, i, 1, got), 1);
    assert_int_equal(got[0], 0);
  }
  assert_int_equal(in(r, 0x01, 11, 1, 0, 0, NULL), 0);
  assert_int_equal(in(r, 0x01, 11, 1, 1, 0, NULL), -EPIPE);
  assert_int_equal(in(r, 0x01, 11, 1, 2, 0, NULL), -EPIPE);
  assert_int_equal(in(r, 0x81, 10, 0, 0, 1, got), 1);
  assert_int_equal(got[0], 1);
}

// From here on the console takes nothing for a second: it computes a checksum.
static void keep_busy(struct rig *r, struct cdc_host *h) {
  static const char command[] = "crc 0x90000000 64m\r";
  const uint32_t n = sizeof command - 1;
  assert_int_equal(cdc_host_write(h, command, n, VT_MS(10)), n);
  rig_run(r, VT_MS(5));
}

// --- halts ---

static uint8_t is_halted(struct rig *r, uint8_t endpoint) {
  uint8_t status[2] = {0xEE, 0xEE};
  assert_int_equal(in(r, 0x82, 0, 0, endpoint, 2, status), 2);
  assert_int_equal(status[1], 0);
  return status[0];
}

static void an_endpoint_can_be_halted(void **state) {
  struct rig *r = *state;
  static const uint8_t endpoints[] = {0x01, 0x81, 0x82};
  static uint8_t data[RING];
  struct cdc_host *h = cdc_host_open(r);
  for (size_t i = 0; i < sizeof endpoints; i++) {
    assert_int_equal(is_halted(r, endpoints[i]), 0);
    assert_int_equal(in(r, 0x02, 3, 0, endpoints[i], 0, NULL), 0);
    assert_int_equal(is_halted(r, endpoints[i]), 1);
    if (endpoints[i] == 0x01) {
      assert_int_equal(cdc_host_write(h, data, 1, VT_MS(10)), 0);
      assert_int_equal(h->out.status, -EPIPE);
    }
    assert_int_equal(in(r, 0x02, 1, 0, endpoints[i], 0, NULL), 0);
    assert_int_equal(is_halted(r, endpoints[i]), 0);
  }
  keep_busy(r, h);
  // The toggle is at DATA0 again: an odd number of packets, a clear, and the next one
  // is not taken for a repetition, which would leave its room to others.
  assert_int_equal(cdc_host_write(h, data, 10, VT_MS(10)), 10);
  assert_int_equal(in(r, 0x02, 1, 0, 0x01, 0, NULL), 0);
  assert_int_equal(cdc_host_write(h, data, RING, VT_MS(50)),
                   (RING - 10) / h->packet * h->packet);
  assert_int_equal(in(r, 0x82, 0, 0, 0x02, 2, data), -EPIPE);
  assert_int_equal(in(r, 0x02, 3, 0, 0x83, 0, NULL), -EPIPE);
  cdc_host_close(h);
}

// --- bytes ---

// Nobody takes what comes: the ring fills, and the host waits. When the session ends
// it is emptied, and the rest finds room.
static void a_full_ring_holds_the_host_back(void **state) {
  struct rig *r = *state;
  static uint8_t data[RING + 2000];
  struct cdc_host *h = cdc_host_open(r);
  keep_busy(r, h);
  cdc_host_write_begin(h, data, sizeof data);
  rig_run(r, VT_MS(50));
  assert_true(cdc_host_writing(h));
  const uint32_t taken = h->out.actual;
  assert_in_range(taken, RING - h->packet, RING);
  const uint64_t before = r->m->usb.naks;
  rig_run(r, VT_MS(50));
  assert_true(r->m->usb.naks > before);
  assert_int_equal(h->out.actual, taken);
  assert_int_equal(in(r, 0x21, 0x22, 0, 1, 0, NULL), 0);
  rig_run(r, VT_MS(50));
  assert_false(cdc_host_writing(h));
  assert_int_equal(h->out.actual, sizeof data);
  cdc_host_close(h);
  dfu_expect_usable(r);
}

// The board's own time for a megabyte, its main loop and all: the most that a receiver
// can get. YMODEM-G's blocks of 1029 bytes are not slower than the wire allows.
static double megabytes_per_s(struct rig *r, struct cdc_host *h, uint32_t block) {
  static uint8_t data[64 * 1024];
  const vtime_t start = machine_now(r->m);
  uint32_t sent = 0;
  for (; sent < 1000000; sent += block)
    assert_int_equal(cdc_host_write(h, data, block, VT_MS(100)), block);
  return sent / 1e6 / ((double)(machine_now(r->m) - start) / VT_S(1));
}

static void bytes_come_as_fast_as_the_wire_carries_them(void **state) {
  struct rig *r = *state;
  struct cdc_host *h = cdc_host_open(r);
  assert_int_equal(in(r, 0x21, 0x22, 0, 1, 0, NULL), 0);  // closed: none is kept
  const double blocks = megabytes_per_s(r, h, 1029);
  const double whole = megabytes_per_s(r, h, 64 * 1024);
  print_message("%s: %.2f MB/s in blocks of 1029, %.2f MB/s in 64 KB\n",
                r->board->label, blocks, whole);
  assert_true(blocks > (r->board->high_speed ? 12.0 : 0.9));
  assert_true(whole > (r->board->high_speed ? 14.0 : 0.9));
  cdc_host_close(h);
}

// --- sessions ---

static void the_state_is_told_when_a_session_begins(void **state) {
  struct rig *r = *state;
  for (unsigned i = 0; i < 3; i++) {
    struct cdc_host *h = cdc_host_open(r);
    rig_run(r, VT_MS(40));
    assert_int_equal(h->notifications, 1);
    assert_int_equal(h->state, 3);  // DCD, DSR
    assert_int_equal(cdc_host_waiting(h), 0);
    cdc_host_close(h);
  }
}

// A shell opens and closes the port for each program. What one has said is heard,
// however soon it is gone, and the next one sees what came of it: a receiver asks for a
// file.
static void a_command_outlives_its_session(void **state) {
  struct rig *r = *state;
  static const unsigned pauses_us[] = {0, 20, 100, 1000};
  for (unsigned i = 0; i < 16; i++) {
    char said[1000];
    struct cdc_host *h = cdc_host_open(r);
    assert_int_equal(cdc_host_write(h, "load\r", 5, VT_MS(50)), 5);
    rig_run(r, VT_US(pauses_us[i / 4]));
    cdc_host_close(h);
    rig_run(r, VT_US(pauses_us[i % 4]));
    h = cdc_host_open(r);
    said[cdc_host_read(h, said, sizeof said - 1, VT_MS(20))] = 0;
    if (!strchr(said, 'C')) fail_msg("%u: %s", i, said);
    assert_int_equal(cdc_host_write(h, "\x18\x18\x18", 3, VT_MS(50)), 3);
    rig_run(r, VT_MS(1500));
    cdc_host_close(h);
  }
}

// A host that resets the bus or pulls the cable with a full ring and a write under way.
static void a_host_may_go_at_any_time(void **state) {
  struct rig *r = *state;
  static uint8_t data[RING + 2000];
  for (int unplug = 0; unplug < 2; unplug++) {
    struct cdc_host *h = cdc_host_open(r);
    keep_busy(r, h);
    cdc_host_write_begin(h, data, sizeof data);
    rig_run(r, VT_US(300));
    if (unplug) {
      usb_host_unplug(&r->m->usb);
      rig_run(r, VT_MS(50));
    } else {
      rig_bus_reset(r);
    }
    cdc_host_close(h);
    rig_configure(r);
    h = cdc_host_open(r);
    assert_int_equal(cdc_host_write(h, data, RING, VT_MS(50)), RING);
    cdc_host_close(h);
  }
  dfu_expect_usable(r);
}

// SET_CONFIGURATION in the middle of a write begins anew.
static void it_can_be_configured_again(void **state) {
  struct rig *r = *state;
  static uint8_t data[RING + 2000];
  for (uint16_t i = 0; i < 4; i++) {
    struct cdc_host *h = cdc_host_open(r);
    cdc_host_write_begin(h, data, 1000 * (i + 1u));
    rig_run(r, VT_MS(50));
    usb_host_cancel(&r->m->usb, &h->out);
    if (i % 2) assert_int_equal(in(r, 0x00, 9, 0, 0, 0, NULL), 0);
    assert_int_equal(in(r, 0x00, 9, 1, 0, 0, NULL), 0);
    assert_int_equal(cdc_host_write(h, data, RING, VT_MS(50)), RING);
    cdc_host_close(h);
  }
}

// --- DFU beside it ---

// The write that waits takes bus time: at full speed each packet that is refused costs
// 50 us, and DFU's largest block comes in 64.
static void dfu_works_beside_an_open_port(void **state) {
  struct rig *r = *state;
  static uint8_t data[RING + 2000];
  struct cdc_host *h = cdc_host_open(r);
  keep_busy(r, h);
  cdc_host_write_begin(h, data, sizeof data);
  dfu_expect_usable(r);
  assert_true(cdc_host_writing(h));
  assert_in_range(h->out.actual, RING - h->packet, RING);
  cdc_host_close(h);
  print_message("longest request: %u us\n", (unsigned)(r->longest / VT_US(1)));
  assert_true(r->longest < VT_MS(15));
  r->longest = 0;
}

// The wire is never idle: every stage of DFU's requests finds packets of the stream in
// the FIFO before its own.
static void dfu_works_beside_a_stream(void **state) {
  struct rig *r = *state;
  static uint8_t data[64 * 1024];
  struct cdc_host *h = cdc_host_open(r);
  assert_int_equal(in(r, 0x21, 0x22, 0, 1, 0, NULL), 0);  // closed: none is kept
  cdc_host_flood(h, data, sizeof data);
  for (unsigned i = 0; i < 3; i++)
    dfu_expect_usable(r);
  assert_true(cdc_host_writing(h));
  cdc_host_close(h);
  assert_true(r->longest < VT_MS(20));
  r->longest = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH_SERIAL(it_says_what_it_is),
      RIG_TEST(HS_SERIAL_ON_FS_PORT, it_says_what_it_is, rig_setup_configured),
      RIG_BOTH_SERIAL(the_line_coding_is_kept),
      RIG_BOTH_SERIAL(requests_go_to_their_interface),
      RIG_BOTH_SERIAL(an_endpoint_can_be_halted),
      RIG_BOTH_SERIAL(a_full_ring_holds_the_host_back),
      RIG_TEST(HS_SERIAL_ON_FS_PORT, a_full_ring_holds_the_host_back,
               rig_setup_configured),
      RIG_BOTH_SERIAL(bytes_come_as_fast_as_the_wire_carries_them),
      RIG_BOTH_SERIAL(the_state_is_told_when_a_session_begins),
      RIG_BOTH_SERIAL(a_command_outlives_its_session),
      RIG_BOTH_SERIAL(a_host_may_go_at_any_time),
      RIG_BOTH_SERIAL(it_can_be_configured_again),
      RIG_BOTH_SERIAL(dfu_works_beside_an_open_port),
      RIG_BOTH_SERIAL(dfu_works_beside_a_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
