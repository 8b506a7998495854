// SPDX-License-Identifier: MIT
// The USB/IP codec against bytes typed from the protocol text.
#include "usbip/usbip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Captured interrupt traffic of a HID device, from the EXAMPLE section of
// Linux, Documentation/usb/usbip_protocol.rst.
static const uint8_t captured_submit_in[48] = {
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x0d, 0x05, 0x00, 0x01, 0x00, 0x0f,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x02, 0x00,
    0x00, 0x00, 0x00, 0x40, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t captured_return_in[48] = {
    0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x0d, 0x05, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x40, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
};

static void captured_traffic_decodes(void **state) {
  (void)state;
  struct usbip_header h;
  assert_int_equal(usbip_header_decode(captured_submit_in, 48, &h), 0);
  assert_int_equal(h.command, 1);
  assert_int_equal(h.seqnum, 0xd05);
  assert_int_equal(h.devid, 0x1000f);
  assert_true(h.in);
  assert_int_equal(h.endpoint, 1);
  assert_int_equal(h.submit.flags, 0x200);
  assert_int_equal(h.submit.length, 64);
  assert_int_equal(h.submit.interval, 4);
  assert_int_equal(usbip_header_decode(captured_return_in, 48, &h), 0);
  assert_int_equal(h.command, 3);
  assert_int_equal(h.seqnum, 0xd05);
  assert_int_equal(h.returned.status, 0);
  assert_int_equal(h.returned.length, 64);
}

// One header of each kind and the bytes that the protocol's tables give it.
struct golden {
  const char *name;
  struct usbip_header header;
  uint8_t bytes[48];
};

static const struct golden goldens[] = {
    {"GET_DESCRIPTOR(DEVICE, 18)",
     {.command = 1,
      .seqnum = 0x01020304,
      .devid = 0x00010002,
      .in = true,
      .submit = {.flags = 0x200, .length = 18, .setup = {0x80, 6, 0, 1, 0, 0, 18, 0}}},
     {0,    0,    0,    1,    1, 2, 3, 4, 0,    1, 0, 2,  0, 0, 0,  1,
      0,    0,    0,    0,    0, 0, 2, 0, 0,    0, 0, 18, 0, 0, 0,  0,
      0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x80, 6, 0, 1,  0, 0, 18, 0}},
    {"bulk OUT on endpoint 3, 0x123456 is too long so 0x10000, ZERO_PACKET",
     {.command = 1,
      .seqnum = 9,
      .devid = 0x00010002,
      .endpoint = 3,
      .submit = {.flags = 0x40, .length = 0x10000, .interval = 0xA0B0C0D0}},
     {0, 0, 0, 1, 0,    0,    0,    9,    0,    1,    0,    2,   0, 0,
      0, 0, 0, 0, 0,    3,    0,    0,    0,    0x40, 0,    1,   0, 0,
      0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xA0, 0xB0, 0xC0, 0xD0}},
    {"unlink of 0x01020304",
     {.command = 2, .seqnum = 10, .devid = 0x00010002, .unlink_seqnum = 0x01020304},
     {0, 0, 0, 2, 0, 0, 0, 10, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}},
    {"return of a stalled transfer, -32",
     {.command = 3, .seqnum = 7, .returned = {.status = -32, .length = 0}},
     {0, 0, 0,    3,    0,    0,    0, 7, 0, 0, 0, 0, 0, 0, 0,    0,    0,    0,
      0, 0, 0xff, 0xff, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
    {"return of 0x1234 bytes",
     {.command = 3, .seqnum = 8, .returned = {.status = 0, .length = 0x1234}},
     {0, 0, 0, 3, 0, 0, 0, 8, 0,    0,    0, 0, 0, 0, 0,    0,    0,    0,
      0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
    {"return of a successful unlink, -104",
     {.command = 4, .seqnum = 10, .returned.status = -104},
     {0, 0, 0, 4, 0, 0, 0, 10, 0,    0,    0,    0,
      0, 0, 0, 0, 0, 0, 0, 0,  0xff, 0xff, 0xff, 0x98}},
    {"sleep of 0x0102030405060708 ns",
     {.command = 0x51420001, .seqnum = 11, .ns = 0x0102030405060708},
     {0x51, 0x42, 0, 1, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0,
      0,    0,    0, 0, 0, 0, 1, 2,  3, 4, 5, 6, 7, 8}},
    {"the sleep is refused",
     {.command = 0x51420002, .seqnum = 11, .ns = UINT64_MAX},
     {0x51, 0x42, 0, 2, 0, 0, 0,    11,   0,    0,    0,    0,    0,    0,
      0,    0,    0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
};

enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

static void assert_same_header(const struct usbip_header *a,
                               const struct usbip_header *b) {
  assert_int_equal(a->command, b->command);
  assert_int_equal(a->seqnum, b->seqnum);
  assert_int_equal(a->devid, b->devid);
  assert_int_equal(a->in, b->in);
  assert_int_equal(a->endpoint, b->endpoint);
  switch (a->command) {
    case 1:
      assert_int_equal(a->submit.flags, b->submit.flags);
      assert_int_equal(a->submit.length, b->submit.length);
      assert_int_equal(a->submit.interval, b->submit.interval);
      assert_memory_equal(a->submit.setup, b->submit.setup, 8);
      break;
    case 2: assert_int_equal(a->unlink_seqnum, b->unlink_seqnum); break;
    case 3: assert_int_equal(a->returned.length, b->returned.length);  // fall through
    case 4: assert_int_equal(a->returned.status, b->returned.status); break;
    default: assert_int_equal(a->ns, b->ns); break;
  }
}

static void headers_encode_to_golden_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < GOLDENS; i++) {
    uint8_t bytes[48];
    memset(bytes, 0xA5, sizeof bytes);
    usbip_header_encode(&goldens[i].header, bytes);
    for (size_t k = 0; k < sizeof bytes; k++) {
      if (bytes[k] != goldens[i].bytes[k]) {
        fail_msg("%s: byte %zu is %02x, not %02x", goldens[i].name, k, bytes[k],
                 goldens[i].bytes[k]);
      }
    }
  }
}

static void headers_decode_from_golden_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < GOLDENS; i++) {
    struct usbip_header h;
    assert_int_equal(usbip_header_decode(goldens[i].bytes, 48, &h), 0);
    assert_same_header(&h, &goldens[i].header);
  }
}

// The bytes are copied to a block of exactly their length, so that a read past
// the end is seen by the address sanitizer.
static uint8_t *exact_copy(const uint8_t *bytes, size_t length) {
  uint8_t *copy = malloc(length ? length : 1);
  assert_non_null(copy);
  if (length) memcpy(copy, bytes, length);
  return copy;
}

static void headers_cut_at_every_byte_are_short(void **state) {
  (void)state;
  for (size_t i = 0; i < GOLDENS; i++) {
    for (size_t length = 0; length < 48; length++) {
      uint8_t *cut = exact_copy(goldens[i].bytes, length);
      struct usbip_header h = {.command = 0xDEAD};
      assert_int_equal(usbip_header_decode(cut, length, &h), USBIP_SHORT);
      assert_int_equal(h.command, 0xDEAD);
      free(cut);
    }
  }
}

static enum usbip_result decode_with(size_t golden, size_t offset, uint32_t value) {
  uint8_t bytes[48];
  memcpy(bytes, goldens[golden].bytes, sizeof bytes);
  for (size_t i = 0; i < 4; i++)
    bytes[offset + i] = (uint8_t)(value >> (24 - 8 * i));
  struct usbip_header h = {.command = 0xDEAD};
  const enum usbip_result result = usbip_header_decode(bytes, 48, &h);
  if (result != USBIP_OK) assert_int_equal(h.command, 0xDEAD);
  return result;
}

static void bad_headers_are_named(void **state) {
  (void)state;
  enum { SUBMIT = 0, RETURN = 4 };
  static const uint32_t commands[] = {0, 5, 0x100, 0x51420000, 0x51420003, 0xFFFFFFFF};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    assert_int_equal(decode_with(SUBMIT, 0, commands[i]), USBIP_BAD_COMMAND);
  }
  assert_int_equal(decode_with(SUBMIT, 12, 2), USBIP_BAD_DIRECTION);
  assert_int_equal(decode_with(SUBMIT, 12, 0x01000000), USBIP_BAD_DIRECTION);
  assert_int_equal(decode_with(SUBMIT, 16, 15), USBIP_OK);
  assert_int_equal(decode_with(SUBMIT, 16, 16), USBIP_BAD_ENDPOINT);
  assert_int_equal(decode_with(SUBMIT, 16, 0x81), USBIP_BAD_ENDPOINT);
  assert_int_equal(decode_with(SUBMIT, 24, 1048576), USBIP_OK);
  assert_int_equal(decode_with(SUBMIT, 24, 1048577), USBIP_BAD_LENGTH);
  assert_int_equal(decode_with(SUBMIT, 24, 0xFFFFFFFF), USBIP_BAD_LENGTH);
  assert_int_equal(decode_with(SUBMIT, 32, 0), USBIP_OK);
  assert_int_equal(decode_with(SUBMIT, 32, 1), USBIP_ISOCHRONOUS);
  assert_int_equal(decode_with(RETURN, 24, 1048576), USBIP_OK);
  assert_int_equal(decode_with(RETURN, 24, 1048577), USBIP_BAD_LENGTH);
  assert_int_equal(decode_with(RETURN, 24, 0xFFFFFFFF), USBIP_BAD_LENGTH);
  assert_int_equal(decode_with(RETURN, 32, 0), USBIP_OK);
  assert_int_equal(decode_with(RETURN, 32, 8), USBIP_ISOCHRONOUS);
  // Servers in the field repeat direction and endpoint in their returns.
  assert_int_equal(decode_with(RETURN, 12, 7), USBIP_OK);
  assert_int_equal(decode_with(RETURN, 16, 0x81), USBIP_OK);
}

static void operations_encode_and_decode(void **state) {
  (void)state;
  static const uint8_t import_request[8] = {0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0};
  static const uint8_t busy_reply[8] = {0x01, 0x11, 0x00, 0x03, 0, 0, 0, 2};
  struct usbip_op op;
  assert_int_equal(usbip_op_decode(import_request, 8, &op), USBIP_OK);
  assert_int_equal(op.code, 0x8003);
  assert_int_equal(op.status, 0);
  for (size_t length = 0; length < 8; length++) {
    uint8_t *cut = exact_copy(import_request, length);
    assert_int_equal(usbip_op_decode(cut, length, &op), USBIP_SHORT);
    free(cut);
  }
  uint8_t bytes[8];
  usbip_op_encode((struct usbip_op){.code = 0x0003, .status = USBIP_ST_DEV_BUSY},
                  bytes);
  assert_memory_equal(bytes, busy_reply, 8);
  static const uint8_t other_versions[][8] = {
      {0x01, 0x06, 0x80, 0x05}, {0x11, 0x01, 0x80, 0x05}, {0, 0, 0x80, 0x05}};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(usbip_op_decode(other_versions[i], 8, &op), USBIP_BAD_VERSION);
  }
}

static const struct usbip_device board = {
    .path = "/sys/devices/sim/1-1",
    .busid = "1-1",
    .busnum = 1,
    .devnum = 0x02030405,
    .speed = 3,
    .idVendor = 0x0483,
    .idProduct = 0xdf11,
    .bcdDevice = 0x0210,
    .bDeviceClass = 0xEF,
    .bDeviceSubClass = 2,
    .bDeviceProtocol = 1,
    .bConfigurationValue = 4,
    .bNumConfigurations = 5,
    .bNumInterfaces = 6,
};

// The part of a device record after its two strings, offsets 0x120 to 0x137
// from the start of the record.
static const uint8_t board_tail[24] = {
    0, 0,    0,    1,    2, 3,    4,    5, 0, 0, 0, 3,
    4, 0x83, 0xdf, 0x11, 2, 0x10, 0xEF, 2, 1, 4, 5, 6,
};

static void device_record_round_trips(void **state) {
  (void)state;
  uint8_t bytes[312];
  memset(bytes, 0xA5, sizeof bytes);
  usbip_device_encode(&board, bytes);
  uint8_t expected[312] = "/sys/devices/sim/1-1";
  memcpy(expected + 256, "1-1", 3);
  memcpy(expected + 288, board_tail, sizeof board_tail);
  assert_memory_equal(bytes, expected, sizeof expected);
  struct usbip_device d;
  assert_int_equal(usbip_device_decode(bytes, sizeof bytes, &d), USBIP_OK);
  assert_string_equal(d.path, board.path);
  assert_string_equal(d.busid, board.busid);
  uint8_t again[312];
  usbip_device_encode(&d, again);
  assert_memory_equal(again, bytes, sizeof bytes);
  assert_int_equal(usbip_devid(&(struct usbip_device){.busnum = 1, .devnum = 7}),
                   0x00010007);
  for (size_t length = 0; length < sizeof bytes; length++) {
    uint8_t *cut = exact_copy(bytes, length);
    assert_int_equal(usbip_device_decode(cut, length, &d), USBIP_SHORT);
    free(cut);
  }
}

static void strings_are_always_closed(void **state) {
  (void)state;
  uint8_t bytes[312];
  memset(bytes, 'x', sizeof bytes);
  struct usbip_device d;
  assert_int_equal(usbip_device_decode(bytes, sizeof bytes, &d), USBIP_OK);
  assert_int_equal(strlen(d.path), 255);
  assert_int_equal(strlen(d.busid), 31);
  char busid[32];
  assert_int_equal(usbip_busid_decode(bytes, 32, busid), USBIP_OK);
  assert_int_equal(strlen(busid), 31);
  assert_int_equal(usbip_busid_decode(bytes, 31, busid), USBIP_SHORT);
  uint8_t field[32];
  usbip_busid_encode("0123456789012345678901234567890123456789", field);
  assert_memory_equal(field, "0123456789012345678901234567890", 32);
  usbip_busid_encode("1-1", field);
  static const uint8_t short_field[32] = "1-1";
  assert_memory_equal(field, short_field, 32);
}

static void count_and_interface_encode(void **state) {
  (void)state;
  uint8_t bytes[4];
  usbip_count_encode(0x01020304, bytes);
  static const uint8_t count[4] = {1, 2, 3, 4};
  assert_memory_equal(bytes, count, 4);
  uint32_t value = 0;
  assert_int_equal(usbip_count_decode(count, 4, &value), USBIP_OK);
  assert_int_equal(value, 0x01020304);
  for (size_t length = 0; length < 4; length++) {
    assert_int_equal(usbip_count_decode(count, length, &value), USBIP_SHORT);
  }
  memset(bytes, 0xA5, sizeof bytes);
  usbip_interface_encode((struct usbip_interface){0xFE, 1, 2}, bytes);
  static const uint8_t dfu[4] = {0xFE, 1, 2, 0};
  assert_memory_equal(bytes, dfu, 4);
}

// Every result has its own number and its own sentence that fits after "it".
static void results_have_texts(void **state) {
  (void)state;
  for (int i = 0; i <= USBIP_ISOCHRONOUS; i++) {
    const char *text = usbip_result_text((enum usbip_result)i);
    assert_true(strlen(text) > 10);
    for (int k = 0; k < i; k++) {
      assert_string_not_equal(text, usbip_result_text((enum usbip_result)k));
    }
  }
  assert_string_equal(usbip_result_text((enum usbip_result)99),
                      "did something unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(captured_traffic_decodes),
      cmocka_unit_test(headers_encode_to_golden_bytes),
      cmocka_unit_test(headers_decode_from_golden_bytes),
      cmocka_unit_test(headers_cut_at_every_byte_are_short),
      cmocka_unit_test(bad_headers_are_named),
      cmocka_unit_test(operations_encode_and_decode),
      cmocka_unit_test(device_record_round_trips),
      cmocka_unit_test(strings_are_always_closed),
      cmocka_unit_test(count_and_interface_encode),
      cmocka_unit_test(results_have_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
