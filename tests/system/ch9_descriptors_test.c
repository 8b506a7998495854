// SPDX-License-Identifier: MIT
// Every descriptor of the real bootloader, byte for byte, at both speeds, and in
// pieces of every size: wLength is never trusted, and data stages end as USB 2.0
// 5.5.3 says. Bytes are typed from USB 2.0 chapter 9, DFU 1.1 4.1 and the platform
// capability documents of WebUSB and MS OS 2.0.
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "tests/hostmodel/rig.h"

enum { LONGEST = 65535 };

static const uint8_t device[] = {
    18,   1,    0x10, 0x02, 0,    0,    0, 64,  // USB 2.1, classes per interface
    0x83, 0x04, 0x11, 0xDF, 0x10, 0x00,         // 0483:DF11, release 0.1.0
    1,    2,    3,    1,
};

static const uint8_t qualifier[] = {10, 6, 0x10, 0x02, 0, 0, 0, 64, 1, 0};

// One interface with an alternate setting for each medium, each followed by its DFU
// functional descriptor. [1] is 7 for OTHER_SPEED.
static const uint8_t configuration[] = {
    9, 2,    45,   0,   1, 1,    0,    0xC0, 50,    //
    9, 4,    0,    0,   0, 0xFE, 0x01, 0x02, 4,     // internal
    9, 0x21, 0x0B, 255, 0, 0x00, 0x10, 0x1A, 0x01,  // 4096 bytes, 1.1a
    9, 4,    0,    1,   0, 0xFE, 0x01, 0x02, 5,     // external
    9, 0x21, 0x0B, 255, 0, 0x00, 0x10, 0x1A, 0x01,
};

static const uint8_t bos[] = {
    5,    15,   57,   0,    2,                                         //
    24,   16,   5,    0,    0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0,  // WebUSB
    0x47, 0x8B, 0xFD, 0xA0, 0x76, 0x88, 0x15, 0xB6, 0x65,              //
    0x00, 0x01, 0x21, 0,                                               //
    28,   16,   5,    0,    0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7,  // MS OS 2.0
    0x4C, 0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F,              //
    0x00, 0x00, 0x03, 0x06, 162,  0,    0x22, 0,
};

static const uint8_t ms_os_start[] = {
    10,  0, 0, 0, 0x00, 0x00, 0x03, 0x06, 162, 0,                      // set
    20,  0, 3, 0, 'W',  'I',  'N',  'U',  'S', 'B', 0, 0, 0, 0, 0, 0,  // compatible ID
    0,   0, 0, 0,                                                      //
    132, 0, 4, 0, 7,    0,    42,   0,  // registry property: REG_MULTI_SZ
};

static uint8_t buffer[LONGEST];

static int get(struct rig *r, uint16_t value, uint16_t index, uint16_t length) {
  memset(buffer, 0xEE, sizeof buffer);
  return rig_control(r, (struct request){0x80, 6, value, index, length}, buffer);
}

// The whole in one piece, then the beginning of it for every wLength that matters:
// nothing, less, packet boundaries, exactly, more, the most there is.
static void expect(struct rig *r, struct request q, const uint8_t *bytes,
                   uint16_t size) {
  const uint16_t lengths[] = {0,
                              1,
                              2,
                              8,
                              63,
                              64,
                              65,
                              127,
                              128,
                              129,
                              (uint16_t)(size - 1),
                              size,
                              (uint16_t)(size + 1),
                              254,
                              255,
                              256,
                              4096,
                              4097,
                              32768,
                              LONGEST};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    q.length = lengths[i];
    memset(buffer, 0xEE, sizeof buffer);
    const int n = rig_control(r, q, buffer);
    const int wanted = lengths[i] < size ? lengths[i] : size;
    if (n != wanted) fail_msg("wValue %04x, wLength %u: %d", q.value, lengths[i], n);
    assert_memory_equal(buffer, bytes, (size_t)wanted);
    assert_int_equal(buffer[wanted], 0xEE);
  }
}

static struct request descriptor(uint16_t value) {
  return (struct request){0x80, 6, value, 0, 0};
}

static void device_and_configuration(void **state) {
  struct rig *r = *state;
  expect(r, descriptor(0x0100), device, sizeof device);
  expect(r, descriptor(0x0200), configuration, sizeof configuration);
}

// USB 2.0 9.6.2 and 9.6.4: for devices that know both speeds, in either of them.
static void the_other_speed(void **state) {
  struct rig *r = *state;
  uint8_t other[sizeof configuration];
  memcpy(other, configuration, sizeof other);
  other[1] = 7;
  expect(r, descriptor(0x0600), qualifier, sizeof qualifier);
  expect(r, descriptor(0x0700), other, sizeof other);
}

static void one_speed_only(void **state) {
  struct rig *r = *state;
  assert_int_equal(get(r, 0x0600, 0, 10), -EPIPE);
  assert_int_equal(get(r, 0x0700, 0, 9), -EPIPE);
}

static void binary_object_store(void **state) {
  expect(*state, descriptor(0x0F00), bos, sizeof bos);
}

// UTF-16 with a terminator, as the registry wants it.
static const uint8_t *utf16(const uint8_t *p, const char *text) {
  for (; *text; text++, p += 2) {
    assert_int_equal(p[0], *text);
    assert_int_equal(p[1], 0);
  }
  assert_int_equal(p[0] | p[1], 0);
  return p + 2;
}

static void expect_guid(const uint8_t *p) {
  static const char form[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
  for (size_t i = 0; form[i]; i++, p += 2) {
    assert_int_equal(p[1], 0);
    if (form[i] == 'x') {
      assert_true(isxdigit(p[0]) && !islower(p[0]));
    } else {
      assert_int_equal(p[0], form[i]);
    }
  }
  assert_int_equal(p[0] | p[1] | p[2] | p[3], 0);  // of the string, of the list
}

static void windows_descriptor_set(void **state) {
  struct rig *r = *state;
  const struct request q = {0xC0, 0x22, 0, 7, 162};
  uint8_t set[162];
  assert_int_equal(rig_control(r, q, set), sizeof set);
  assert_memory_equal(set, ms_os_start, sizeof ms_os_start);
  const uint8_t *p = utf16(set + sizeof ms_os_start, "DeviceInterfaceGUIDs");
  assert_int_equal(p[0] | p[1] << 8, 80);
  expect_guid(p + 2);
  assert_ptr_equal(p + 2 + 80, set + sizeof set);
  expect(r, q, set, sizeof set);
}

// --- strings -------------------------------------------------------------------

// A descriptor of the text, typed out.
static uint16_t string_bytes(const char *text, uint8_t bytes[254]) {
  const size_t n = strlen(text);
  bytes[0] = (uint8_t)(2 + 2 * n);
  bytes[1] = 3;
  for (size_t i = 0; i < n; i++) {
    bytes[2 + 2 * i] = (uint8_t)text[i];
    bytes[3 + 2 * i] = 0;
  }
  return bytes[0];
}

// 39002A00... is the unique ID that the simulator gives the chip.
#define SERIAL "39002A000F51393537373638"
#define INTERNAL \
  "@Internal Flash  /0x08010000/02*032Kg,01*128Kg,07*256Kg/0x08000000/02*032Ka"
#define EXTERNAL "@External QSPI  /0x90000000/512*064Kg,512*064Kg"

static void strings(void **state) {
  struct rig *r = *state;
  char product[64];
  snprintf(product, sizeof product, "quadboot DFU on %s", r->board->name);
  const struct {
    uint8_t index;
    const char *text;
  } rows[] = {{1, "quadboot"}, {2, product}, {3, SERIAL}, {4, INTERNAL}, {5, EXTERNAL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t bytes[254];
    struct request q = descriptor((uint16_t)(0x0300 | rows[i].index));
    q.index = 0x0409;
    expect(r, q, bytes, string_bytes(rows[i].text, bytes));
  }
}

static void languages(void **state) {
  struct rig *r = *state;
  static const uint8_t english[] = {4, 3, 0x09, 0x04};
  expect(r, descriptor(0x0300), english, sizeof english);
  static const uint16_t unknown[] = {0, 1, 0x0407, 0x0809, 0x0904, 0xFFFF};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    assert_int_equal(get(r, 0x0302, unknown[i], 255), -EPIPE);
  }
}

// --- what there is not ---------------------------------------------------------

// Every type and index besides those above.
static bool exists(const struct rig *r, unsigned type, unsigned index) {
  const bool both = strcmp(r->board->name, "f769-custom-fs") != 0;
  switch (type) {
    case 1:
    case 2:
    case 15: return index == 0;
    case 3: return index <= 5 || index == 0x20;  // 20h: why the last request failed
    case 6:
    case 7: return both && index == 0;
    default: return false;
  }
}

static void nothing_else_exists(void **state) {
  struct rig *r = *state;
  for (unsigned type = 0; type < 256; type++) {
    for (unsigned index = 0; index < 256; index += type == 3 || index < 3 ? 1 : 51) {
      const int n = get(r, (uint16_t)(type << 8 | index), type == 3 ? 0x0409 : 0, 255);
      const bool right = exists(r, type, index) ? n > 0 : n == -EPIPE;
      if (!right) fail_msg("type %u, index %u: %d", type, index, n);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(device_and_configuration),
      RIG_TEST(HS_ON_FS_PORT, device_and_configuration, rig_setup_configured),
      RIG_TEST(HS, the_other_speed, rig_setup_configured),
      RIG_TEST(HS_ON_FS_PORT, the_other_speed, rig_setup_configured),
      RIG_TEST(FS, one_speed_only, rig_setup_configured),
      RIG_BOTH(binary_object_store),
      RIG_BOTH(windows_descriptor_set),
      RIG_BOTH(strings),
      RIG_BOTH(languages),
      RIG_BOTH(nothing_else_exists),
  };
  return cmocka_run_group_tests_name("ch9_descriptors", tests, NULL, NULL);
}
