// SPDX-License-Identifier: MIT
// Enumeration: the requests of a Linux host in their order, and devices whose
// descriptors lie. The numbers are those of USB 2.0 chapter 9.
#include "host/transport/enumerate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t device[18] = {
    18, 1, 0x00, 0x02, 0xEF, 2, 1, 64, 0x83, 0x04, 0x11, 0xDF, 0x10, 0x02, 1, 2, 3, 1,
};
// Interface 0 with two settings and a functional descriptor each, interface 5
// with an endpoint.
static const uint8_t config[61] = {
    9, 2,    61,   0, 2,  7,    0, 0xC0, 50,  // configuration 7
    9, 4,    0,    0, 0,  0xFE, 1, 2,    4,   // interface 0.0
    9, 0x21, 0x0B, 0, 1,  0,    4, 0x1A, 1,   //
    9, 4,    0,    1, 0,  0xFE, 1, 2,    5,   // interface 0.1
    9, 0x21, 0x0B, 0, 1,  0,    4, 0x1A, 1,   //
    9, 4,    5,    0, 1,  0xFF, 0, 0,    0,   // interface 5.0
    7, 5,    0x81, 2, 64, 0,    0,            //
};
static const uint8_t german[4] = {4, 3, 0x07, 0x04};

static int setup(void **state) {
  *state = malloc(sizeof(struct enumeration));
  return *state ? 0 : -1;
}

static int teardown(void **state) {
  free(*state);
  return 0;
}

static void assert_asks(const struct enumeration *e, uint8_t type, uint8_t request,
                        unsigned value, unsigned index, unsigned length) {
  const uint8_t expected[8] = {type,
                               request,
                               (uint8_t)value,
                               (uint8_t)(value >> 8),
                               (uint8_t)index,
                               (uint8_t)(index >> 8),
                               (uint8_t)length,
                               (uint8_t)(length >> 8)};
  uint8_t setup_packet[8];
  assert_true(enumeration_request(e, setup_packet));
  assert_memory_equal(setup_packet, expected, 8);
}

static void answer(struct enumeration *e, const void *data, size_t length) {
  assert_null(enumeration_answer(e, true, data, length));
}

static void stall(struct enumeration *e) {
  assert_null(enumeration_answer(e, false, NULL, 0));
}

// Up to the request named by `step`, with the answers of a good device.
static void go_to(struct enumeration *e, enum enum_step step) {
  enumeration_start(e, NULL);
  while (e->step != step) {
    switch (e->step) {
      case ENUM_RESET:
      case ENUM_DEVICE: answer(e, device, 18); break;
      case ENUM_CONFIG_HEAD: answer(e, config, 9); break;
      case ENUM_CONFIG: answer(e, config, sizeof config); break;
      case ENUM_LANGUAGES: answer(e, german, 4); break;
      case ENUM_PRODUCT:
        answer(e,
               "\x0a\x03"
               "B\0o\0o\0t\0",
               10);
        break;
      default: answer(e, NULL, 0); break;
    }
  }
}

static void questions_are_a_kernels(void **state) {
  struct enumeration *e = *state;
  enumeration_start(e, NULL);
  assert_asks(e, 0x80, 6, 0x0100, 0, 64);
  answer(e, device, 18);
  assert_asks(e, 0x80, 6, 0x0100, 0, 18);
  answer(e, device, 18);
  assert_asks(e, 0x80, 6, 0x0200, 0, 9);
  answer(e, config, 9);
  assert_asks(e, 0x80, 6, 0x0200, 0, 61);
  answer(e, config, 61);
  assert_asks(e, 0x80, 6, 0x0300, 0, 255);
  answer(e, german, 4);
  assert_asks(e, 0x80, 6, 0x0302, 0x0407, 255);
  answer(e,
         "\x06\x03"
         "Q\0b\0",
         6);
  assert_asks(e, 0x80, 6, 0x0301, 0x0407, 255);
  answer(e,
         "\x04\x03"
         "M\0",
         4);
  assert_asks(e, 0x80, 6, 0x0303, 0x0407, 255);
  answer(e,
         "\x04\x03"
         "7\0",
         4);
  assert_asks(e, 0x00, 9, 7, 0, 0);
  answer(e, NULL, 0);
  uint8_t none[8];
  assert_false(enumeration_request(e, none));
  assert_string_equal(e->product, "Qb");
  assert_string_equal(e->manufacturer, "M");
  assert_string_equal(e->serial, "7");
  assert_int_equal(e->length, 18 + 61);
  assert_memory_equal(e->descriptors, device, 18);
  assert_memory_equal(e->descriptors + 18, config, 61);
}

static void strings_that_do_not_exist_are_not_asked_for(void **state) {
  struct enumeration *e = *state;
  uint8_t plain[18];
  memcpy(plain, device, 18);
  plain[14] = plain[15] = plain[16] = 0;
  enumeration_start(e, NULL);
  answer(e, plain, 18);
  answer(e, plain, 18);
  answer(e, config, 9);
  answer(e, config, 61);
  assert_asks(e, 0x00, 9, 7, 0, 0);
  plain[16] = 9;
  enumeration_start(e, NULL);
  answer(e, plain, 18);
  answer(e, plain, 18);
  answer(e, config, 9);
  answer(e, config, 61);
  assert_asks(e, 0x80, 6, 0x0300, 0, 255);
  stall(e);
  assert_asks(e, 0x80, 6, 0x0309, 0x0409, 255);  // English unless told otherwise
  stall(e);
  assert_string_equal(e->serial, "");
  assert_asks(e, 0x00, 9, 7, 0, 0);
}

static const uint8_t second_config[9] = {9, 2, 9, 0, 0, 8, 0, 0x80, 50};

static void every_configuration_is_read(void **state) {
  struct enumeration *e = *state;
  uint8_t two[18];
  memcpy(two, device, 18);
  two[17] = 2;
  uint8_t settings[ENUM_INTERFACES] = {3};
  enumeration_start(e, settings);
  answer(e, two, 18);
  answer(e, two, 18);
  answer(e, config, 9);
  answer(e, config, 61);
  assert_asks(e, 0x80, 6, 0x0201, 0, 9);
  answer(e, second_config, 9);
  assert_asks(e, 0x80, 6, 0x0201, 0, 9);
  answer(e, second_config, 9);
  assert_int_equal(e->length, 18 + 61 + 9);
  assert_memory_equal(e->descriptors + 18 + 61, second_config, 9);
  for (int i = 0; i < 4; i++)
    stall(e);
  assert_asks(e, 0x00, 9, 7, 0, 0);  // the first one is chosen
  answer(e, NULL, 0);
  assert_asks(e, 0x01, 11, 3, 0, 0);
}

static void settings_are_put_back_after_a_reset(void **state) {
  struct enumeration *e = *state;
  uint8_t settings[ENUM_INTERFACES] = {0};
  settings[0] = 1;
  settings[31] = 200;
  go_to(e, ENUM_SET_CONFIG);
  memcpy(e->alternate, settings, sizeof settings);
  answer(e, NULL, 0);
  assert_asks(e, 0x01, 11, 1, 0, 0);
  stall(e);
  assert_asks(e, 0x01, 11, 200, 31, 0);
  answer(e, NULL, 0);
  uint8_t none[8];
  assert_false(enumeration_request(e, none));
  enumeration_start(e, settings);
  assert_memory_equal(e->alternate, settings, sizeof settings);
}

static void interfaces_are_listed_once(void **state) {
  struct enumeration *e = *state;
  go_to(e, ENUM_DONE);
  const uint8_t *first = enumeration_next_interface(e, NULL);
  assert_non_null(first);
  assert_int_equal(first[2], 0);
  const uint8_t *second = enumeration_next_interface(e, first);
  assert_non_null(second);
  assert_int_equal(second[2], 5);
  assert_null(enumeration_next_interface(e, second));
}

struct text {
  const char *descriptor;
  size_t length;
  const char *text;
};

static const struct text texts[] = {
    {"\x0a\x03"
     "B\0o\0o\0t\0",
     10, "Boot"},
    {"\x0a\x03"
     "B\0o\0",
     6, "Bo"},  // shorter than it says
    {"\x06\x03"
     "B\0o\0o\0t\0",
     10, "Bo"},  // longer than it says
    {"\x05\x03"
     "B\0o",
     5, "B"},                        // half a character
    {"\x06\x03\xb5\0B\0", 6, "?B"},  // micro sign
    {"\x08\x03"
     "A\0\n\0B\0",
     8, "A?B"},  // would end a line in sysfs
    {"\x06\x03"
     "A\x26"
     "B\0",
     6, "?B"},  // U+2641
    {"\x02\x03", 2, ""},
    {"\x00\x03"
     "A\0",
     4, ""},
    {"\x01", 1, ""},
    {"", 0, ""},
    {"\x06\x02"
     "A\0B\0",
     6, ""},  // not a string
};

static void texts_become_printable(void **state) {
  struct enumeration *e = *state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    go_to(e, ENUM_PRODUCT);
    answer(e, texts[i].descriptor, texts[i].length);
    assert_string_equal(e->product, texts[i].text);
  }
  uint8_t longest[256];
  memset(longest, 'x', sizeof longest);
  for (size_t i = 3; i < sizeof longest; i += 2)
    longest[i] = 0;
  longest[0] = 254;
  longest[1] = 3;
  go_to(e, ENUM_PRODUCT);
  answer(e, longest, 254);
  assert_int_equal(strlen(e->product), 126);
}

static void assert_refused(struct enumeration *e, const void *data, size_t length) {
  const enum enum_step before = e->step;
  const char *problem = enumeration_answer(e, true, data, length);
  assert_non_null(problem);
  assert_int_equal(strncmp(problem, "has ", 4), 0);
  assert_int_equal(e->step, before);
}

static void a_device_that_does_not_answer_is_refused(void **state) {
  struct enumeration *e = *state;
  static const enum enum_step needed[] = {ENUM_RESET, ENUM_DEVICE, ENUM_CONFIG_HEAD,
                                          ENUM_CONFIG, ENUM_SET_CONFIG};
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    enumeration_start(e, NULL);
    go_to(e, needed[i]);
    assert_non_null(enumeration_answer(e, false, NULL, 0));
  }
}

static void bad_device_descriptors_are_refused(void **state) {
  struct enumeration *e = *state;
  go_to(e, ENUM_DEVICE);
  for (size_t length = 0; length < 18; length++)
    assert_refused(e, device, length);
  static const struct {
    size_t at;
    uint8_t value;
  } wrong[] = {{0, 17}, {1, 2}, {17, 0}, {17, 9}, {17, 255}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    uint8_t bad[18];
    memcpy(bad, device, 18);
    bad[wrong[i].at] = wrong[i].value;
    assert_refused(e, bad, 18);
  }
}

static void bad_configuration_heads_are_refused(void **state) {
  struct enumeration *e = *state;
  go_to(e, ENUM_CONFIG_HEAD);
  for (size_t length = 0; length < 9; length++)
    assert_refused(e, config, length);
  static const struct {
    size_t at;
    uint8_t value;
  } wrong[] = {{0, 8}, {1, 4}, {2, 8}, {2, 0}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    uint8_t bad[9];
    memcpy(bad, config, 9);
    bad[wrong[i].at] = wrong[i].value;
    assert_refused(e, bad, 9);
  }
}

static void bad_configurations_are_refused(void **state) {
  struct enumeration *e = *state;
  go_to(e, ENUM_CONFIG);
  for (size_t length = 0; length < sizeof config; length++) {
    uint8_t *cut = malloc(length ? length : 1);  // exact, for the sanitizer
    assert_non_null(cut);
    memcpy(cut, config, length);
    assert_refused(e, cut, length);
    free(cut);
  }
  static const struct {
    size_t at;
    uint8_t value;
  } wrong[] = {
      {0, 8},  {1, 4},  {9, 0},  {9, 1},   {9, 8},
      {54, 8}, {54, 6}, {54, 0}, {9, 200}, {45, 7},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    uint8_t bad[sizeof config];
    memcpy(bad, config, sizeof config);
    bad[wrong[i].at] = wrong[i].value;
    assert_refused(e, bad, sizeof bad);
  }
}

// The chain is whole, but the interface descriptor in it is too short to be one.
static void a_cut_interface_is_refused(void **state) {
  struct enumeration *e = *state;
  static const uint8_t cut[17] = {9, 2, 17, 0, 1, 1, 0, 0xC0, 50, 8, 4};
  go_to(e, ENUM_CONFIG_HEAD);
  answer(e, cut, 9);
  assert_refused(e, cut, sizeof cut);
}

static void more_descriptors_than_fit_are_refused(void **state) {
  struct enumeration *e = *state;
  uint8_t two[18];
  memcpy(two, device, 18);
  two[17] = 2;
  enumeration_start(e, NULL);
  answer(e, two, 18);
  answer(e, two, 18);
  static const uint8_t head[9] = {9, 2, 0xED, 0xFF, 2, 1, 0, 0xC0, 50};
  static uint8_t large[0xFFED];
  for (size_t at = 9; at < sizeof large; at += 2)
    large[at] = 2;
  memcpy(large, head, 9);
  answer(e, head, 9);
  answer(e, large, sizeof large);
  assert_refused(e, config, 9);
  e->descriptors[17] = 1;
  assert_null(enumeration_next_interface(e, NULL));
}

// Nothing that a device answers may lead outside of the answer or of the
// enumeration. The sanitizers watch.
static void random_answers_do_no_harm(void **state) {
  struct enumeration *e = *state;
  uint32_t seed = 7;
  for (int round = 0; round < 3000; round++) {
    enumeration_start(e, NULL);
    uint8_t setup_packet[8];
    while (enumeration_request(e, setup_packet)) {
      const size_t asked = setup_packet[6] | (size_t)setup_packet[7] << 8;
      uint8_t *data = malloc(asked + 1);
      assert_non_null(data);
      for (size_t i = 0; i < asked; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 24);
      }
      const bool config_step = e->step == ENUM_CONFIG_HEAD || e->step == ENUM_CONFIG;
      if (e->step <= ENUM_DEVICE) memcpy(data, device, 18);
      if (config_step && asked >= 9) memcpy(data, config, 4);
      if (config_step && asked == sizeof config)
        memcpy(data, config, asked - (size_t)round % 40);
      const char *problem = enumeration_answer(e, true, data, asked);
      free(data);
      if (problem) break;
    }
    if (e->step == ENUM_DONE) {
      const uint8_t *interface = NULL;
      while ((interface = enumeration_next_interface(e, interface)) != NULL) {
        assert_true(interface + 9 <= e->descriptors + e->length);
      }
    }
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(questions_are_a_kernels),
      TEST(strings_that_do_not_exist_are_not_asked_for),
      TEST(every_configuration_is_read),
      TEST(settings_are_put_back_after_a_reset),
      TEST(interfaces_are_listed_once),
      TEST(texts_become_printable),
      TEST(a_device_that_does_not_answer_is_refused),
      TEST(bad_device_descriptors_are_refused),
      TEST(bad_configuration_heads_are_refused),
      TEST(bad_configurations_are_refused),
      TEST(a_cut_interface_is_refused),
      TEST(more_descriptors_than_fit_are_refused),
      TEST(random_answers_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
