// SPDX-License-Identifier: MIT
// Every byte that the host reads of the device, typed again: USB 2.0 9.6, DFU 1.1
// 4.1.3 with DfuSe's version, WebUSB 4.1 and MS OS 2.0.
#include "firmware/usb/descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  DEVICE = 1,
  CONFIGURATION = 2,
  STRING = 3,
  QUALIFIER = 6,
  OTHER_SPEED = 7,
  BOS = 15
};

static char reason_text[127];

static size_t reason(void *ctx, char *out) {
  (void)ctx;
  strcpy(out, reason_text);
  return strlen(out);
}

#define LAYOUT_0 \
  "@Internal Flash  /0x08010000/02*032Kg,01*128Kg,07*256Kg/0x08000000/02*032Ka"
#define LAYOUT_1 "@External QSPI  /0x90000000/512*064Kg,512*064Kg"

static int open_descriptors(void **state) {
  struct descriptors *d = calloc(1, sizeof *d);
  if (!d) return -1;
  d->config = (struct descriptors_config){
      .vid = 0x0483,
      .pid = 0xDF11,
      .release = 0x0123,
      .board = "stm32f769i-disco",
      .unique_id = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x00, 0x10, 0xF0,
                    0xFF},
      .can_high_speed = true,
      .transfer_size = 4096,
      .alternates = 2,
      .layouts = {LAYOUT_0, LAYOUT_1},
      .reason_index = 0x20,
      .reason = reason,
  };
  strcpy(reason_text, "ok");
  *state = d;
  return 0;
}

static int close_descriptors(void **state) {
  free(*state);
  return 0;
}

static const uint8_t *get(struct descriptors *d, uint8_t type, uint8_t index,
                          uint16_t language, bool high_speed, uint16_t *length) {
  const struct usb_descriptors ops = descriptors_ops(d);
  return ops.get(ops.ctx, type, index, language, high_speed, length);
}

static void expect_bytes(struct descriptors *d, uint8_t type, const uint8_t *bytes,
                         size_t n) {
  for (int high_speed = 0; high_speed < 2; high_speed++) {
    uint16_t length = 0;
    const uint8_t *got = get(d, type, 0, 0, high_speed, &length);
    assert_non_null(got);
    assert_int_equal(length, n);
    assert_memory_equal(got, bytes, n);
  }
}

static void expect_none(struct descriptors *d, uint8_t type, uint8_t index,
                        uint16_t language) {
  for (int high_speed = 0; high_speed < 2; high_speed++) {
    uint16_t length = 0;
    assert_null(get(d, type, index, language, high_speed, &length));
  }
}

// --- device and configuration ---

static void the_device_descriptor(void **state) {
  static const uint8_t bytes[] = {18,   1,    0x10, 0x02, 0,    0, 0, 64, 0x83,
                                  0x04, 0x11, 0xDF, 0x23, 0x01, 1, 2, 3,  1};
  expect_bytes(*state, DEVICE, bytes, sizeof bytes);
}

static void the_device_qualifier(void **state) {
  static const uint8_t bytes[] = {10, 6, 0x10, 0x02, 0, 0, 0, 64, 1, 0};
  expect_bytes(*state, QUALIFIER, bytes, sizeof bytes);
}

// One alternate setting: interface (FE/01/02, no endpoints) and, after every one of
// them, the functional descriptor: can download, can upload, will detach; 255 ms;
// 4096 bytes; DfuSe 1.1a.
#define ALTERNATE(number, string)                                                    \
  9, 4, 0, (number), 0, 0xFE, 0x01, 0x02, (string), 9, 0x21, 0x0B, 0xFF, 0x00, 0x00, \
      0x10, 0x1A, 0x01

static void the_configuration_at_both_speeds(void **state) {
  static const uint8_t types[] = {CONFIGURATION, OTHER_SPEED};
  for (int i = 0; i < 2; i++) {
    const uint8_t bytes[] = {
        9, types[i], 45, 0, 1, 1, 0, 0xC0, 50, ALTERNATE(0, 4), ALTERNATE(1, 5)};
    expect_bytes(*state, types[i], bytes, sizeof bytes);
  }
}

// No NOR flash answered: one medium, one alternate setting.
static void a_configuration_of_one_medium(void **state) {
  struct descriptors *d = *state;
  static const uint8_t bytes[] = {9, 2, 27, 0, 1, 1, 0, 0xC0, 50, ALTERNATE(0, 4)};
  d->config.alternates = 1;
  expect_bytes(d, CONFIGURATION, bytes, sizeof bytes);
  expect_none(d, STRING, 5, 0x0409);
}

// 9.6.2 and 9.6.4: a device of one speed answers these two with a STALL.
static void a_full_speed_device_has_no_other_speed(void **state) {
  struct descriptors *d = *state;
  d->config.can_high_speed = false;
  expect_none(d, QUALIFIER, 0, 0);
  expect_none(d, OTHER_SPEED, 0, 0);
  uint16_t length = 0;
  assert_non_null(get(d, DEVICE, 0, 0, false, &length));
  assert_int_equal(length, 18);
  assert_non_null(get(d, CONFIGURATION, 0, 0, false, &length));
  assert_int_equal(length, 45);
  assert_non_null(get(d, BOS, 0, 0, false, &length));
  assert_int_equal(length, 57);
}

static void what_is_not_there_is_not_given(void **state) {
  for (unsigned type = 0; type < 256; type++) {
    const bool there = type == DEVICE || type == CONFIGURATION || type == STRING ||
                       type == QUALIFIER || type == OTHER_SPEED || type == BOS;
    if (!there) expect_none(*state, (uint8_t)type, 0, 0);
    if (type != STRING) expect_none(*state, (uint8_t)type, 1, 0);
    if (type != STRING) expect_none(*state, (uint8_t)type, 255, 0);
  }
}

// --- the composite device ---

// IAD, communication interface with header, call management, ACM and union, data
// interface: 66 bytes.
#define SERIAL_FUNCTION(low, high, interval)                                         \
  8, 11, 1, 2, 2, 2, 0, 0x10, 9, 4, 1, 0, 1, 2, 2, 0, 0, 5, 0x24, 0, 0x20, 0x01, 5,  \
      0x24, 1, 0, 2, 4, 0x24, 2, 2, 5, 0x24, 6, 1, 2, 7, 5, 0x82, 3, 16, 0,          \
      (interval), 9, 4, 2, 0, 2, 10, 0, 0, 0, 7, 5, 0x01, 2, (low), (high), 0, 7, 5, \
      0x81, 2, (low), (high), 0

static void expect_at(struct descriptors *d, uint8_t type, bool high_speed,
                      const uint8_t *bytes, size_t n) {
  uint16_t length = 0;
  const uint8_t *got = get(d, type, 0, 0, high_speed, &length);
  assert_non_null(got);
  assert_int_equal(length, n);
  assert_memory_equal(got, bytes, n);
}

static void the_composite_configuration(void **state) {
  struct descriptors *d = *state;
  d->config.serial = true;
  for (uint8_t media = 1; media <= 2; media++) {
    d->config.alternates = media;
    for (int other = 0; other < 2; other++) {
      const uint8_t type = other ? OTHER_SPEED : CONFIGURATION;
      const uint8_t head[] = {9,
                              type,
                              (uint8_t)(75 + 18 * media),
                              0,
                              3,
                              1,
                              0,
                              0xC0,
                              50,
                              ALTERNATE(0, 4),
                              ALTERNATE(1, 5)};
      const uint8_t high[] = {SERIAL_FUNCTION(0x00, 0x02, 8)};
      const uint8_t full[] = {SERIAL_FUNCTION(64, 0, 16)};
      assert_int_equal(sizeof high, 66);
      for (int speed = 0; speed < 2; speed++) {
        uint8_t bytes[111];
        const size_t start = 9u + 18u * media;
        memcpy(bytes, head, start);
        // OTHER_SPEED at high speed tells how it is at full speed.
        memcpy(bytes + start, speed != other ? high : full, 66);
        expect_at(d, type, speed, bytes, start + 66);
      }
    }
  }
}

static void the_composite_device_and_its_qualifier(void **state) {
  struct descriptors *d = *state;
  static const uint8_t device[] = {18,   1,    0x10, 0x02, 0xEF, 2, 1, 64, 0x83,
                                   0x04, 0x11, 0xDF, 0x23, 0x01, 1, 2, 3,  1};
  static const uint8_t qualifier[] = {10, 6, 0x10, 0x02, 0xEF, 2, 1, 64, 1, 0};
  d->config.serial = true;
  expect_bytes(d, DEVICE, device, sizeof device);
  expect_bytes(d, QUALIFIER, qualifier, sizeof qualifier);
}

// --- BOS, WebUSB, MS OS 2.0 ---

static void the_bos_names_webusb_and_ms_os(void **state) {
  static const uint8_t bytes[] = {
      5, 15, 57, 0, 2,
      // WebUSB: UUID 3408B638-09A9-47A0-8BFD-A0768815B665, version 1.0
      24, 16, 5, 0, 0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0, 0x47, 0x8B, 0xFD, 0xA0,
      0x76, 0x88, 0x15, 0xB6, 0x65, 0x00, 0x01, VENDOR_CODE_WEBUSB, 0,
      // MS OS 2.0: UUID D8DD60DF-4589-4CC7-9CD2-659D9E648A9F, Windows 8.1, 162 bytes
      28, 16, 5, 0, 0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C, 0x9C, 0xD2, 0x65,
      0x9D, 0x9E, 0x64, 0x8A, 0x9F, 0x00, 0x00, 0x03, 0x06, 162, 0, VENDOR_CODE_MS_OS,
      0};
  expect_bytes(*state, BOS, bytes, sizeof bytes);
}

static const uint8_t *vendor(struct descriptors *d, struct usb_setup s,
                             uint16_t *length) {
  const struct usb_descriptors ops = descriptors_ops(d);
  return ops.vendor(ops.ctx, &s, length);
}

// `text` in UTF-16 with `zeros` more bytes of 0.
static const uint8_t *expect_utf16(const uint8_t *p, const char *text, size_t zeros) {
  for (; *text; text++, p += 2) {
    assert_int_equal(p[0], *text);
    assert_int_equal(p[1], 0);
  }
  while (zeros--)
    assert_int_equal(*p++, 0);
  return p;
}

static void the_ms_os_set_gives_windows_winusb(void **state) {
  static const uint8_t head[] = {
      10, 0, 0, 0, 0x00, 0x00, 0x03, 0x06, 162, 0,  // set header
      20, 0, 3, 0, 'W',  'I',  'N',  'U',  'S', 'B', 0, 0,  0, 0, 0,
      0,  0, 0, 0, 0,    132,  0,    4,    0,   7,   0, 42, 0};  // registry property,
                                                                 // REG_MULTI_SZ
  uint16_t length = 0;
  const struct usb_setup s = {0xC0, VENDOR_CODE_MS_OS, 0, 7, 162};
  const uint8_t *p = vendor(*state, s, &length);
  assert_non_null(p);
  assert_int_equal(length, 162);
  assert_memory_equal(p, head, sizeof head);
  const uint8_t *data = expect_utf16(p + sizeof head, "DeviceInterfaceGUIDs", 2);
  assert_int_equal(data[0] | data[1] << 8, 80);
  // Ours, for ever: programs find the device by it.
  const uint8_t *after =
      expect_utf16(data + 2, "{3D5E8A0C-9A36-4E2C-8C5D-6B1F2A7E9D41}", 4);
  assert_int_equal(after - p, 162);
}

// The same for interface 0 of a composite device: configuration and function subsets.
static void the_composite_ms_os_set_is_for_interface_0(void **state) {
  struct descriptors *d = *state;
  static const uint8_t head[] = {
      10, 0, 0, 0, 0x00, 0x00, 0x03, 0x06, 178, 0,  // set header
      8,  0, 1, 0, 0,    0,    168,  0,             // configuration 0
      8,  0, 2, 0, 0,    0,    160,  0,             // from interface 0
      20, 0, 3, 0, 'W',  'I',  'N',  'U',  'S', 'B'};
  uint16_t length = 0;
  const struct usb_setup s = {0xC0, VENDOR_CODE_MS_OS, 0, 7, 178};
  uint8_t alone[162];
  memcpy(alone, vendor(d, s, &length), sizeof alone);
  d->config.serial = true;
  const uint8_t *p = vendor(d, s, &length);
  assert_int_equal(length, 178);
  assert_memory_equal(p, head, sizeof head);
  assert_memory_equal(p + 26, alone + 10, 152);
  p = get(d, BOS, 0, 0, true, &length);
  assert_int_equal(length, 57);
  assert_int_equal(p[53] | p[54] << 8, 178);
}

static void other_vendor_requests_have_no_answer(void **state) {
  static const struct usb_setup cases[] = {
      {0xC0, VENDOR_CODE_MS_OS, 0, 4, 40},
      {0xC0, VENDOR_CODE_MS_OS, 0, 8, 40},
      {0xC0, VENDOR_CODE_MS_OS, 1, 7, 162},
      {0xC0, VENDOR_CODE_WEBUSB, 0, 7, 162},
      {0xC0, VENDOR_CODE_WEBUSB, 1, 2, 255},  // GET_URL: there is no landing page
      {0xC0, 0, 0, 7, 162},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint16_t length = 0;
    assert_null(vendor(*state, cases[i], &length));
  }
  assert_int_not_equal(VENDOR_CODE_MS_OS, VENDOR_CODE_WEBUSB);
}

// --- strings ---

static void expect_text(struct descriptors *d, uint8_t index, const char *text) {
  uint16_t length = 0;
  const uint8_t *p = get(d, STRING, index, 0x0409, true, &length);
  assert_non_null(p);
  assert_int_equal(length, 2 + 2 * strlen(text));
  assert_int_equal(p[0], length);
  assert_int_equal(p[1], STRING);
  expect_utf16(p + 2, text, 0);
}

static void the_strings_tell_who_it_is(void **state) {
  struct descriptors *d = *state;
  static const uint8_t languages[] = {4, STRING, 0x09, 0x04};
  uint16_t length = 0;
  const uint8_t *p = get(d, STRING, 0, 0, true, &length);
  assert_int_equal(length, sizeof languages);
  assert_memory_equal(p, languages, sizeof languages);
  expect_text(d, 1, "quadboot");
  expect_text(d, 2, "quadboot DFU on stm32f769i-disco");
  expect_text(d, 3, "0123456789ABCDEF0010F0FF");
  expect_text(d, 4, LAYOUT_0);
  expect_text(d, 5, LAYOUT_1);
  expect_text(d, 0x20, "ok");
}

static void the_serial_port_has_a_string(void **state) {
  struct descriptors *d = *state;
  d->config.serial = true;
  expect_text(d, 0x10, "quadboot console");
  for (unsigned index = 6; index < 256; index++) {
    if (index != 0x10 && index != 0x20) expect_none(d, STRING, (uint8_t)index, 0x0409);
  }
}

static void there_is_one_language(void **state) {
  for (uint8_t index = 1; index <= 5; index++) {
    expect_none(*state, STRING, index, 0);
    expect_none(*state, STRING, index, 0x0407);
  }
  uint16_t length = 0;
  assert_non_null(get(*state, STRING, 0, 0x0407, true, &length));
}

static void no_other_index_has_a_string(void **state) {
  for (unsigned index = 6; index < 256; index++) {
    if (index != 0x20) expect_none(*state, STRING, (uint8_t)index, 0x0409);
  }
}

// bLength is a byte: 126 characters and no more (9.6.7).
static void a_string_of_126_characters_is_the_longest(void **state) {
  struct descriptors *d = *state;
  char text[127];
  memset(text, 'x', 126);
  text[126] = 0;
  strcpy(reason_text, text);
  expect_text(d, 0x20, text);
  strcpy(d->config.layouts[1], text);
  expect_text(d, 5, text);
  // "quadboot DFU on " takes 16; what would not fit is no string.
  char board[200], product[127] = "quadboot DFU on ";
  memset(board, 'b', 110);
  board[110] = 0;
  d->config.board = board;
  expect_text(d, 2, strcat(product, board));
  for (size_t length = 111; length < sizeof board; length++) {
    strcpy(board + length - 1, "b");
    expect_none(d, STRING, 2, 0x0409);
  }
}

#define descriptors_test(test) \
  cmocka_unit_test_setup_teardown(test, open_descriptors, close_descriptors)

int main(void) {
  const struct CMUnitTest tests[] = {
      descriptors_test(the_device_descriptor),
      descriptors_test(the_device_qualifier),
      descriptors_test(the_configuration_at_both_speeds),
      descriptors_test(a_configuration_of_one_medium),
      descriptors_test(a_full_speed_device_has_no_other_speed),
      descriptors_test(what_is_not_there_is_not_given),
      descriptors_test(the_composite_configuration),
      descriptors_test(the_composite_device_and_its_qualifier),
      descriptors_test(the_composite_ms_os_set_is_for_interface_0),
      descriptors_test(the_serial_port_has_a_string),
      descriptors_test(the_bos_names_webusb_and_ms_os),
      descriptors_test(the_ms_os_set_gives_windows_winusb),
      descriptors_test(other_vendor_requests_have_no_answer),
      descriptors_test(the_strings_tell_who_it_is),
      descriptors_test(there_is_one_language),
      descriptors_test(no_other_index_has_a_string),
      descriptors_test(a_string_of_126_characters_is_the_longest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
