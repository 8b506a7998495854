// SPDX-License-Identifier: MIT
// ELF files are put together here byte by byte; field places are typed from the
// System V gABI, chapters 4 and 5 (ELF32), not from <elf.h>.
#include "host/lib/image_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Places in the file: header, two program headers, then the bytes they load.
enum {
  AT_CLASS = 4,
  AT_DATA_ENCODING = 5,
  AT_TYPE = 16,
  AT_MACHINE = 18,
  AT_PHOFF = 28,
  AT_PHENTSIZE = 42,
  AT_PHNUM = 44,
  HEADER_SIZE = 52,
  PH_OFFSET = 4,
  PH_VADDR = 8,
  PH_PADDR = 12,
  PH_FILESZ = 16,
  PH_MEMSZ = 20,
  PH_SIZE = 32,
  AT_PH_0 = HEADER_SIZE,
  AT_PH_1 = HEADER_SIZE + PH_SIZE,
  AT_TEXT = HEADER_SIZE + 2 * PH_SIZE,
  AT_INIT = AT_TEXT + 8,
  FILE_SIZE = AT_INIT + 4
};

static void put16(uint8_t *p, unsigned v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v) {
  put16(p, v & 0xFFFF);
  put16(p + 2, v >> 16);
}

static void put_load(uint8_t *ph, uint32_t offset, uint32_t vaddr, uint32_t paddr,
                     uint32_t filesz, uint32_t memsz) {
  put32(ph, 1);  // PT_LOAD
  put32(ph + PH_OFFSET, offset);
  put32(ph + PH_VADDR, vaddr);
  put32(ph + PH_PADDR, paddr);
  put32(ph + PH_FILESZ, filesz);
  put32(ph + PH_MEMSZ, memsz);
}

// A program like any for this board: code in flash, and initial values which are
// stored behind it but live in RAM.
static void make_elf(uint8_t file[FILE_SIZE]) {
  // 32-bit, little-endian, version 1.
  static const uint8_t ident[7] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
  static const uint8_t loaded[12] = {'T', 'E', 'X', 'T', 't', 'e',
                                     'x', 't', 'I', 'N', 'I', 'T'};
  memset(file, 0, FILE_SIZE);
  memcpy(file, ident, sizeof ident);
  put16(file + AT_TYPE, 2);      // ET_EXEC
  put16(file + AT_MACHINE, 40);  // EM_ARM
  put32(file + 20, 1);           // e_version
  put32(file + AT_PHOFF, HEADER_SIZE);
  put16(file + 40, HEADER_SIZE);
  put16(file + AT_PHENTSIZE, PH_SIZE);
  put16(file + AT_PHNUM, 2);
  put_load(file + AT_PH_0, AT_TEXT, 0x08010000, 0x08010000, 8, 8);
  put_load(file + AT_PH_1, AT_INIT, 0x20020000, 0x08010008, 4, 100);
  memcpy(file + AT_TEXT, loaded, sizeof loaded);
}

// Loads a copy on the heap of exactly that size, so that ASan sees any read
// beyond it. The copy lives as long as the list.
static bool load(struct segments *list, const uint8_t *file, size_t size,
                 struct qb_error *error) {
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, file, size);
  assert_true(segments_own(list, copy, error));
  return image_elf_load(list, copy, size, "a.elf", error);
}

static void expect_refused(const uint8_t *file, size_t size, const char *sentence) {
  struct segments list = {0};
  struct qb_error error;
  assert_false(load(&list, file, size, &error));
  assert_string_equal(error.text, sentence);
  segments_free(&list);
}

static void expect_refused_with16(size_t at, unsigned value, const char *sentence) {
  uint8_t file[FILE_SIZE];
  make_elf(file);
  put16(file + at, value);
  expect_refused(file, FILE_SIZE, sentence);
}

static void expect_refused_with32(size_t at, uint32_t value, const char *sentence) {
  uint8_t file[FILE_SIZE];
  make_elf(file);
  put32(file + at, value);
  expect_refused(file, FILE_SIZE, sentence);
}

// ---- Good files ------------------------------------------------------------

static void loads_go_to_their_physical_addresses(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  struct segments list = {0};
  struct qb_error error;
  make_elf(file);
  assert_true(load(&list, file, FILE_SIZE, &error));
  assert_int_equal(list.count, 2);
  assert_int_equal(list.items[0].address, 0x08010000);
  assert_int_equal(list.items[0].size, 8);
  assert_memory_equal(list.items[0].bytes, "TEXTtext", 8);
  assert_int_equal(list.items[1].address, 0x08010008);
  assert_int_equal(list.items[1].size, 4);  // the file's part, not p_memsz
  assert_memory_equal(list.items[1].bytes, "INIT", 4);
  assert_string_equal(list.items[1].source, "a.elf");
  assert_int_equal(list.items[1].line, 0);
  segments_free(&list);
}

static void other_headers_and_empty_loads_are_skipped(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  struct segments list = {0};
  struct qb_error error;
  make_elf(file);
  put32(file + AT_PH_0, 0x70000001);  // PT_ARM_EXIDX
  assert_true(load(&list, file, FILE_SIZE, &error));
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].address, 0x08010008);
  segments_free(&list);

  make_elf(file);
  put32(file + AT_PH_1 + PH_FILESZ, 0);           // .bss
  put32(file + AT_PH_1 + PH_OFFSET, 0xFFFFFFFF);  // says nothing then
  assert_true(load(&list, file, FILE_SIZE, &error));
  assert_int_equal(list.count, 1);
  segments_free(&list);
}

static void detection_looks_at_the_magic_number(void **state) {
  (void)state;
  assert_true(image_elf_detect((const uint8_t *)"\x7F"
                                                "ELF",
                               4));
  assert_false(image_elf_detect((const uint8_t *)"\x7F"
                                                 "ELF",
                                3));
  assert_false(image_elf_detect((const uint8_t *)"\x7F"
                                                 "ELG",
                                4));
  assert_false(image_elf_detect((const uint8_t *)"", 0));
}

// ---- Other kinds of ELF file -----------------------------------------------

static void other_machines_are_told(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  make_elf(file);
  file[AT_CLASS] = 2;
  expect_refused(
      file, FILE_SIZE,
      "a.elf is not a 32-bit program, so it is not for this board; build it for "
      "Cortex-M7");
  make_elf(file);
  file[AT_DATA_ENCODING] = 2;
  expect_refused(
      file, FILE_SIZE,
      "a.elf is big-endian, so it is not for this board; build it little-endian");
  expect_refused_with16(
      AT_MACHINE, 243,
      "a.elf is not a program for Arm (ELF machine 243, not 40); build it for "
      "Cortex-M7");
}

static void other_types_are_told_with_what_to_do(void **state) {
  (void)state;
  expect_refused_with16(AT_TYPE, 1, "a.elf is an object file (.o): link it first");
  expect_refused_with16(
      AT_TYPE, 3, "a.elf is position-independent: link it without -pie or -shared");
  expect_refused_with16(AT_TYPE, 4,
                        "a.elf is a core dump, not a program: give the program");
  expect_refused_with16(AT_TYPE, 0, "a.elf is not an executable: link it first");
  expect_refused_with16(AT_TYPE, 0xFFFF, "a.elf is not an executable: link it first");
}

static void a_file_that_loads_nothing_is_told(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  make_elf(file);
  put32(file + AT_PH_0, 0);  // PT_NULL
  put32(file + AT_PH_1, 0);
  expect_refused(
      file, FILE_SIZE,
      "a.elf loads nothing: no PT_LOAD header has bytes; look at its linker script");
  expect_refused_with16(
      AT_PHNUM, 0,
      "a.elf loads nothing: no PT_LOAD header has bytes; look at its linker script");
}

// ---- Damaged files ---------------------------------------------------------

static void lies_about_bytes_in_the_file_are_refused(void **state) {
  (void)state;
  static const char sentence[] =
      "a.elf is cut short: bytes for 0x08010008 are missing; copy or build it again";
  static const uint32_t lies[] = {5, 6, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    expect_refused_with32(AT_PH_1 + PH_FILESZ, lies[i], sentence);
  }
  expect_refused_with32(AT_PH_1 + PH_OFFSET, AT_INIT + 1, sentence);
  expect_refused_with32(AT_PH_1 + PH_OFFSET, FILE_SIZE + 1, sentence);
  expect_refused_with32(AT_PH_1 + PH_OFFSET, 0xFFFFFFFF, sentence);
}

static void an_address_that_wraps_is_refused(void **state) {
  (void)state;
  expect_refused_with32(
      AT_PH_1 + PH_PADDR, 0xFFFFFFFD,
      "a.elf: its 4 bytes at 0xFFFFFFFD would end above 0xFFFFFFFF, the last "
      "32-bit address; make it smaller or move it");
}

static void every_truncation_is_refused(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  make_elf(file);
  for (size_t n = 0; n < FILE_SIZE; n++) {
    struct segments list = {0};
    struct qb_error error;
    assert_false(load(&list, file, n, &error));
    assert_non_null(strstr(error.text, "a.elf"));
    segments_free(&list);
  }
}

// Whatever a header says, nothing outside the file is read (ASan) and what is
// accepted lies inside it.
static void every_changed_header_byte_is_survived(void **state) {
  (void)state;
  for (size_t at = 4; at < AT_TEXT; at++) {
    for (unsigned value = 0; value < 256; value += 51) {
      uint8_t file[FILE_SIZE];
      struct segments list = {0};
      struct qb_error error;
      make_elf(file);
      file[at] = (uint8_t)value;
      if (load(&list, file, FILE_SIZE, &error)) {
        assert_true(list.count > 0);
        for (size_t i = 0; i < list.count; i++) {
          assert_true(list.items[i].size <= FILE_SIZE);
        }
      }
      segments_free(&list);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loads_go_to_their_physical_addresses),
      cmocka_unit_test(other_headers_and_empty_loads_are_skipped),
      cmocka_unit_test(detection_looks_at_the_magic_number),
      cmocka_unit_test(other_machines_are_told),
      cmocka_unit_test(other_types_are_told_with_what_to_do),
      cmocka_unit_test(a_file_that_loads_nothing_is_told),
      cmocka_unit_test(lies_about_bytes_in_the_file_are_refused),
      cmocka_unit_test(an_address_that_wraps_is_refused),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(every_changed_header_byte_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
