// SPDX-License-Identifier: MIT
#include "host/lib/dfu_descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONFIGURATION(total, interfaces) \
  9, 2, (total)&0xFF, (total) >> 8, interfaces, 1, 0, 0x80, 50
#define INTERFACE(number, alternate, class, subclass, protocol, name) \
  9, 4, number, alternate, 0, class, subclass, protocol, name
#define FUNCTIONAL(attributes, size, version) \
  9, 0x21, attributes, 0xFF, 0, (size)&0xFF, (size) >> 8, (version)&0xFF, (version) >> 8

// Looks at a copy that ends exactly where the bytes do.
static bool find(const uint8_t *bytes, size_t length, struct dfu_interface *out) {
  uint8_t *copy = malloc(length ? length : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, length);
  const bool found = dfu_descriptors_find(copy, length, out);
  free(copy);
  return found;
}

static const uint8_t bootloader[] = {
    CONFIGURATION(45, 1),        INTERFACE(0, 0, 0xFE, 1, 2, 4),
    FUNCTIONAL(11, 4096, 0x11A), INTERFACE(0, 1, 0xFE, 1, 2, 5),
    FUNCTIONAL(11, 4096, 0x11A),
};

static void a_bootloader_with_two_flashes(void **state) {
  (void)state;
  struct dfu_interface i;
  assert_true(find(bootloader, sizeof bootloader, &i));
  assert_int_equal(i.number, 0);
  assert_int_equal(i.protocol, 2);
  assert_int_equal(i.configuration, 1);
  assert_int_equal(i.count, 2);
  assert_int_equal(i.alternates[1].number, 1);
  assert_int_equal(i.alternates[1].name_index, 5);
  assert_true(i.functional.present);
  assert_int_equal(i.functional.attributes, 11);
  assert_int_equal(i.functional.detach_timeout_ms, 255);
  assert_int_equal(i.functional.transfer_size, 4096);
  assert_int_equal(i.functional.version, 0x11A);
}

static void one_functional_descriptor_at_the_end(void **state) {
  (void)state;
  static const uint8_t rom[] = {
      CONFIGURATION(36, 1),
      INTERFACE(0, 0, 0xFE, 1, 2, 4),
      INTERFACE(0, 1, 0xFE, 1, 2, 5),
      FUNCTIONAL(11, 2048, 0x11A),
  };
  struct dfu_interface i;
  assert_true(find(rom, sizeof rom, &i));
  assert_int_equal(i.count, 2);
  assert_int_equal(i.functional.transfer_size, 2048);
}

// An application with a serial port whose DFU interface is number 2; descriptors that
// belong to other interfaces are not taken for its own.
static void a_composite_application(void **state) {
  (void)state;
  static const uint8_t application[] = {
      CONFIGURATION(60, 3),
      8,
      11,
      0,
      2,
      2,
      2,
      1,
      0,  // an IAD
      INTERFACE(0, 0, 2, 2, 1, 0),
      5,
      0x24,
      0,
      0x10,
      1,
      INTERFACE(1, 0, 10, 0, 0, 0),
      FUNCTIONAL(1, 8, 0x100),
      INTERFACE(2, 0, 0xFE, 1, 1, 7),
      FUNCTIONAL(13, 64, 0x101),
      INTERFACE(3, 0, 0xFE, 1, 2, 8),
  };
  struct dfu_interface i;
  assert_true(find(application, sizeof application, &i));
  assert_int_equal(i.number, 2);
  assert_int_equal(i.protocol, 1);
  assert_int_equal(i.count, 1);
  assert_int_equal(i.functional.version, 0x101);
}

static void dfu_1_0_has_seven_bytes(void **state) {
  (void)state;
  static const uint8_t old[] = {
      CONFIGURATION(25, 1), INTERFACE(0, 0, 0xFE, 1, 2, 0), 7, 0x21, 3, 1, 2, 3, 4};
  struct dfu_interface i;
  assert_true(find(old, sizeof old, &i));
  assert_true(i.functional.present);
  assert_int_equal(i.functional.version, 0x100);
  assert_int_equal(i.functional.detach_timeout_ms, 0x201);
  assert_int_equal(i.functional.transfer_size, 0x403);
}

static void no_dfu_no_answer(void **state) {
  (void)state;
  static const uint8_t mouse[] = {CONFIGURATION(18, 1), INTERFACE(0, 0, 3, 1, 2, 0)};
  static const uint8_t irda[] = {CONFIGURATION(18, 1), INTERFACE(0, 0, 0xFE, 2, 0, 0)};
  struct dfu_interface i = {.count = 77};
  assert_false(find(mouse, sizeof mouse, &i));
  assert_false(find(irda, sizeof irda, &i));
  assert_false(find(bootloader + 9, sizeof bootloader - 9, &i));  // no configuration
  assert_int_equal(i.count, 77);
}

// Truncated at every byte: what is whole counts, the rest does not.
static void truncated_anywhere(void **state) {
  (void)state;
  for (size_t length = 0; length <= sizeof bootloader; length++) {
    struct dfu_interface i = {0};
    const bool found = find(bootloader, length, &i);
    assert_int_equal(found, length >= 18);
    if (!found) continue;
    assert_int_equal(i.count, length >= 36 ? 2 : 1);
    assert_int_equal(i.functional.present, length >= 27);
  }
}

// Any byte anywhere: a verdict, and nothing read that is not there.
static void any_bytes_get_a_verdict(void **state) {
  (void)state;
  uint8_t bytes[sizeof bootloader];
  for (size_t at = 0; at < sizeof bytes; at++) {
    memcpy(bytes, bootloader, sizeof bytes);
    for (int c = 0; c < 256; c++) {
      struct dfu_interface i;
      bytes[at] = (uint8_t)c;
      if (find(bytes, sizeof bytes, &i)) assert_in_range(i.count, 1, DFU_ALTERNATES);
    }
  }
}

static void a_chain_that_stands_still_ends(void **state) {
  (void)state;
  static const uint8_t zero[] = {CONFIGURATION(20, 1), INTERFACE(0, 0, 0xFE, 1, 2, 0),
                                 0, 0};
  static const uint8_t one[] = {CONFIGURATION(20, 1), INTERFACE(0, 0, 0xFE, 1, 2, 0), 1,
                                4};
  struct dfu_interface i;
  assert_true(find(zero, sizeof zero, &i));
  assert_true(find(one, sizeof one, &i));
  assert_int_equal(i.count, 1);
}

static void more_alternates_than_there_is_room_for(void **state) {
  (void)state;
  static const uint8_t head[] = {CONFIGURATION(0, 1)};
  uint8_t bytes[9 + 40 * 9];
  memcpy(bytes, head, sizeof head);
  for (uint8_t n = 0; n < 40; n++) {
    const uint8_t alternate[] = {INTERFACE(0, n, 0xFE, 1, 2, 0)};
    memcpy(bytes + 9 + n * 9, alternate, sizeof alternate);
  }
  struct dfu_interface i;
  assert_true(find(bytes, sizeof bytes, &i));
  assert_int_equal(i.count, DFU_ALTERNATES);
  assert_int_equal(i.alternates[DFU_ALTERNATES - 1].number, DFU_ALTERNATES - 1);
}

static uint16_t size_of(bool present, uint16_t said) {
  const struct dfu_functional f = {.present = present, .transfer_size = said};
  return dfu_transfer_size(&f);
}

static void transfer_sizes_within_reason(void **state) {
  (void)state;
  assert_int_equal(size_of(false, 0), 1024);
  assert_int_equal(size_of(true, 0), 64);
  assert_int_equal(size_of(true, 65535), 1024);
  assert_int_equal(size_of(true, 1), 1);
  assert_int_equal(size_of(true, 64), 64);
  assert_int_equal(size_of(true, 2048), 2048);
  assert_int_equal(size_of(true, 4096), 4096);
  assert_int_equal(size_of(true, 4097), 4096);
  assert_int_equal(size_of(true, 65534), 4096);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bootloader_with_two_flashes),
      cmocka_unit_test(one_functional_descriptor_at_the_end),
      cmocka_unit_test(a_composite_application),
      cmocka_unit_test(dfu_1_0_has_seven_bytes),
      cmocka_unit_test(no_dfu_no_answer),
      cmocka_unit_test(truncated_anywhere),
      cmocka_unit_test(any_bytes_get_a_verdict),
      cmocka_unit_test(a_chain_that_stands_still_ends),
      cmocka_unit_test(more_alternates_than_there_is_room_for),
      cmocka_unit_test(transfer_sizes_within_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
