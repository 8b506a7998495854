// SPDX-License-Identifier: MIT
// What a device says about itself, from honest ones to those that send anything.
#include "host/lib/usb_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host/lib/fake_board.h"

static const struct usb_found where = {.location = "usb:1-1"};

// Describes it; the board is closed again. NULL: it is none.
static struct usb_board *describe(struct fake_board *f) {
  struct usb_board *b = calloc(1, sizeof *b);
  struct usb_io io = fake_board_io(f);
  struct qb_error error;
  bool is_board = false;
  assert_non_null(b);
  if (!usb_board_describe(&io, &where, b, &is_board, &error))
    fail_msg("%s", error.text);
  assert_true(is_board);
  io.close(io.ctx);
  return b;
}

static int setup(void **state) {
  struct fake_board *f = malloc(sizeof *f);
  if (!f) return -1;
  fake_board_init(f);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  free(*state);
  return 0;
}

static void quadboot_is_described(void **state) {
  struct usb_board *b = describe(*state);
  assert_int_equal(b->kind, BOARD_QUADBOOT);
  assert_string_equal(b->serial, "A1");
  assert_string_equal(b->product, "quadboot");
  assert_string_equal(b->manufacturer, "Somebody");
  assert_string_equal(b->where.location, "usb:1-1");
  assert_int_equal(b->where.vendor, 0x1209);
  assert_int_equal(b->where.release, 0x1234);
  assert_int_equal(b->transfer_size, 1024);
  assert_int_equal(b->count, 2);
  assert_int_equal(b->alternates[0].status, LAYOUT_OK);
  assert_string_equal(b->alternates[1].layout.name, "QSPI");
  free(b);
}

static enum usb_board_kind kind_of(struct fake_board *f) {
  struct usb_board *b = describe(f);
  const enum usb_board_kind kind = b->kind;
  assert_int_equal(usb_board_is_ready(b), kind <= BOARD_DFUSE);
  assert_string_not_equal(usb_board_kind_name(kind), "unknown");
  free(b);
  return kind;
}

static void kinds_are_told_apart(void **state) {
  struct fake_board *f = *state;
  f->product = "STM32  BOOTLOADER";
  assert_int_equal(kind_of(f), BOARD_ROM);
  f->product = "STM32 something else";
  assert_int_equal(kind_of(f), BOARD_DFUSE);
  f->product = "";
  assert_int_equal(kind_of(f), BOARD_DFUSE);
  f->protocol = 0;  // of some DfuSe devices
  assert_int_equal(kind_of(f), BOARD_DFUSE);
  f->version = 0x110;
  assert_int_equal(kind_of(f), BOARD_APPLICATION);
  f->protocol = 2;
  assert_int_equal(kind_of(f), BOARD_PLAIN_DFU);
  f->product = "quadboot";
  f->protocol = 1;
  f->version = 0x11A;
  assert_int_equal(kind_of(f), BOARD_APPLICATION);
}

static void without_a_serial_number_the_place_is_the_name(void **state) {
  struct fake_board *f = *state;
  f->serial = NULL;
  struct usb_board *b = describe(f);
  assert_string_equal(b->serial, "");
  assert_string_equal(usb_board_name(b), "usb:1-1");
  free(b);
  f->serial = "";
  b = describe(f);
  assert_string_equal(usb_board_name(b), "usb:1-1");
  free(b);
}

static void a_name_that_is_no_layout(void **state) {
  struct fake_board *f = *state;
  f->layouts[0] = "Application";
  struct usb_board *b = describe(f);
  assert_int_equal(b->alternates[0].status, LAYOUT_NO_LAYOUT);
  assert_string_equal(b->alternates[0].text, "Application");
  assert_null(usb_board_alternate_at(b, FAKE_INTERNAL, -1));
  assert_non_null(usb_board_alternate_at(b, FAKE_QSPI, -1));
  free(b);
}

static void the_wanted_alternate_is_asked_first(void **state) {
  struct fake_board *f = *state;
  f->layouts[1] = "@Twin/0x08010000/08*008Kg";
  struct usb_board *b = describe(f);
  assert_int_equal(usb_board_alternate_at(b, FAKE_INTERNAL, -1)->number, 0);
  assert_int_equal(usb_board_alternate_at(b, FAKE_INTERNAL, 0)->number, 0);
  assert_int_equal(usb_board_alternate_at(b, FAKE_INTERNAL, 1)->number, 1);
  assert_int_equal(usb_board_alternate_at(b, FAKE_INTERNAL, 9)->number, 0);
  assert_null(usb_board_alternate_at(b, 0, 1));
  free(b);
}

// Whatever transfer fails however: a verdict, one sentence, and nothing half-written.
static void faults_at_every_transfer(void **state) {
  struct fake_board *f = *state;
  struct usb_board *b = describe(f);
  const uint64_t total = f->transfers;
  free(b);
  for (int fault = FAULT_STALL; fault < FAULT_STOP; fault++) {
    for (uint64_t at = 1; at <= total; at++) {
      fake_board_init(f);
      f->fault = (enum fake_fault)fault;
      f->at = at;
      struct usb_io io = fake_board_io(f);
      struct qb_error error = {.text = ""};
      struct usb_board untouched;
      memset(&untouched, 0x5A, sizeof untouched);
      b = malloc(sizeof *b);
      assert_non_null(b);
      memset(b, 0x5A, sizeof *b);
      bool is_board = true;
      const bool ok = usb_board_describe(&io, &where, b, &is_board, &error);
      assert_int_equal(ok, error.text[0] == '\0');
      if (!ok || !is_board) assert_memory_equal(b, &untouched, sizeof *b);
      if (ok && is_board) assert_true(strlen(b->serial) < sizeof b->serial);
      io.close(io.ctx);
      free(b);
    }
  }
}

// ---- Strings ---------------------------------------------------------------

// A device that answers GET_DESCRIPTOR of strings with these bytes.
struct speaker {
  const uint8_t *bytes;
  uint16_t length, language_length;
};

static enum usb_result speak(void *ctx, const struct usb_request *r, uint8_t *data,
                             uint16_t *moved, uint32_t timeout_ms) {
  const struct speaker *s = ctx;
  static const uint8_t languages[4] = {4, 3, 7, 4};
  (void)timeout_ms;
  if ((r->wValue & 0xFF) == 0) {
    memcpy(data, languages, s->language_length);
    *moved = s->language_length;
    return USB_DONE;
  }
  assert_int_equal(r->wIndex, s->language_length == 4 ? 0x407 : 0x409);
  *moved = s->length < r->wLength ? s->length : r->wLength;
  memcpy(data, s->bytes, *moved);
  return USB_DONE;
}

static const char *string_of(const uint8_t *bytes, size_t length, char *out,
                             size_t room) {
  uint8_t *copy = malloc(length);  // reading behind it is seen
  assert_non_null(copy);
  memcpy(copy, bytes, length);
  struct speaker s = {copy, (uint16_t)length, 4};
  struct usb_io io = {.ctx = &s, .control = speak};
  usb_board_string(&io, 1, out, room);
  free(copy);
  return out;
}

#define STRING_OF(...)                                                              \
  string_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), \
            text, sizeof text)

static void strings_become_utf8(void **state) {
  (void)state;
  char text[64];
  assert_string_equal(STRING_OF(6, 3, 'O', 0, 'K', 0), "OK");
  assert_string_equal(STRING_OF(4, 3, 0xE4, 0), "\xC3\xA4");
  assert_string_equal(STRING_OF(4, 3, 0xAC, 0x20), "\xE2\x82\xAC");
  assert_string_equal(STRING_OF(4, 3, 0xFF, 0xFF), "\xEF\xBF\xBF");
}

// What a terminal would act on does not reach one: C0, DEL, C1, turned-about text.
static void controls_become_question_marks(void **state) {
  (void)state;
  char text[64];
  assert_string_equal(STRING_OF(10, 3, 0x1B, 0, '[', 0, 0x7F, 0, '\n', 0), "?[??");
  assert_string_equal(STRING_OF(8, 3, 0x80, 0, 0x9B, 0, 0x9F, 0), "???");
  assert_string_equal(STRING_OF(8, 3, 0x2E, 0x20, 0x66, 0x20, 0x29, 0x20), "???");
  assert_string_equal(STRING_OF(4, 3, 0xA0, 0), "\xC2\xA0");
}

static void surrogates_become_question_marks(void **state) {
  (void)state;
  char text[64];
  assert_string_equal(STRING_OF(6, 3, 0x3D, 0xD8, 0x00, 0xDE), "??");
  assert_string_equal(STRING_OF(6, 3, 0x00, 0xDE, 0x3D, 0xD8), "??");
  assert_string_equal(STRING_OF(4, 3, 0xFF, 0xDF), "?");
}

static void broken_string_descriptors(void **state) {
  (void)state;
  char text[64];
  assert_string_equal(STRING_OF(2, 3), "");
  assert_string_equal(STRING_OF(0, 3, 'A', 0), "");
  assert_string_equal(STRING_OF(1, 3, 'A', 0), "");
  assert_string_equal(STRING_OF(3, 3, 'A', 0), "");
  assert_string_equal(STRING_OF(5, 3, 'A', 0, 'B'), "A");
  assert_string_equal(STRING_OF(255, 3, 'A', 0, 'B', 0), "AB");
  assert_string_equal(STRING_OF(6, 2, 'A', 0, 'B', 0), "");
  assert_string_equal(STRING_OF(8, 3, 'A', 0, 0, 0, 'B', 0), "A");
  assert_string_equal(STRING_OF(4), "");
}

static void a_device_without_languages_is_asked_in_english(void **state) {
  (void)state;
  char text[8];
  struct speaker s = {(const uint8_t[]){4, 3, 'x', 0}, 4, 2};
  struct usb_io io = {.ctx = &s, .control = speak};
  usb_board_string(&io, 1, text, sizeof text);
  assert_string_equal(text, "x");
}

// Cut between characters, wherever the room ends.
static void long_strings_are_cut(void **state) {
  (void)state;
  uint8_t bytes[254] = {254, 3};
  for (size_t i = 2; i < sizeof bytes; i += 2) {
    bytes[i] = 0xAC;
    bytes[i + 1] = 0x20;
  }
  for (size_t room = 1; room < 400; room++) {
    char *text = malloc(room);
    assert_non_null(text);
    string_of(bytes, sizeof bytes, text, room);
    const size_t length = strlen(text);
    assert_true(length < room);
    assert_int_equal(length % 3, 0);
    assert_true(length == 126 * 3 || length + 4 + 3 > room);
    free(text);
  }
}

int main(void) {
#define WITH_BOARD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      WITH_BOARD(quadboot_is_described),
      WITH_BOARD(kinds_are_told_apart),
      WITH_BOARD(without_a_serial_number_the_place_is_the_name),
      WITH_BOARD(a_name_that_is_no_layout),
      WITH_BOARD(the_wanted_alternate_is_asked_first),
      WITH_BOARD(faults_at_every_transfer),
      cmocka_unit_test(strings_become_utf8),
      cmocka_unit_test(controls_become_question_marks),
      cmocka_unit_test(surrogates_become_question_marks),
      cmocka_unit_test(broken_string_descriptors),
      cmocka_unit_test(a_device_without_languages_is_asked_in_english),
      cmocka_unit_test(long_strings_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
