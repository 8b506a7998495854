// SPDX-License-Identifier: MIT
// The check-up of a device that may say anything. What it says of single defects is
// tested with scripted devices (system.doctor).
#include "host/lib/checkup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/protocol/ch9.h"
#include "tests/fakes/random.h"

// A right device, typed from USB 2.0 chapter 9, DFU 1.1 and MS OS 2.0.
static const uint8_t device[] = {18,   1,    0x10, 0x02, 0, 0, 0, 64, 0x83,
                                 0x04, 0x11, 0xDF, 0x00, 1, 0, 2, 3,  1};
static const uint8_t config[] = {
    9, 2,    27,   0,   1, 1,    0, 0xC0, 50,     // configuration
    9, 4,    0,    0,   0, 0xFE, 1, 2,    4,      // interface
    9, 0x21, 0x0B, 255, 0, 0,    4, 0x1A, 0x01};  // DFU
static const uint8_t bos[] = {5,    15,   33,   0,    1,    28,   16,   5,    0,
                              0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C, 0x9C,
                              0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F, 0,    0,
                              3,    6,    30,   0,    7,    0};
static const uint8_t ms_os[] = {10, 0, 0, 0, 0,   0,   3,   6,   30,  0,
                                20, 0, 3, 0, 'W', 'I', 'N', 'U', 'S', 'B',
                                0,  0, 0, 0, 0,   0,   0,   0,   0,   0};
static const char *const strings[] = {"", "", "quadboot DFU", "S1",
                                      "@Flash  /0x08010000/02*032Kg"};
enum { STRINGS = sizeof strings / sizeof *strings, MOST = 256 };

// ---- The fake --------------------------------------------------------------

struct fake {
  struct random *random;  // NULL: answers are right
  size_t cut;             // each answer ends here
};

static size_t make_string(uint8_t index, uint8_t out[MOST]) {
  if (index >= STRINGS) return 0;
  const size_t length = index ? strlen(strings[index]) : 1;
  out[0] = (uint8_t)(2 + 2 * length);
  out[1] = CH9_STRING;
  for (size_t i = 0; i < length; i++) {
    out[2 + 2 * i] = index ? (uint8_t)strings[index][i] : 0x09;
    out[3 + 2 * i] = index ? 0 : 0x04;
  }
  return out[0];
}

static size_t copy(uint8_t *out, const uint8_t *from, size_t length) {
  memcpy(out, from, length);
  return length;
}

static size_t right_answer(const struct usb_request *r, uint8_t out[MOST]) {
  if (r->bmRequestType == 0xC0) return copy(out, ms_os, sizeof ms_os);
  if (r->bmRequestType == 0xA1) return copy(out, (const uint8_t[]){2}, 1);  // dfuIDLE
  switch (r->wValue >> 8) {
    case CH9_DEVICE: return copy(out, device, sizeof device);
    case CH9_CONFIGURATION: return copy(out, config, sizeof config);
    case CH9_STRING: return make_string((uint8_t)r->wValue, out);
    case CH9_BOS: return copy(out, bos, sizeof bos);
    default: return 0;
  }
}

static enum usb_result control(void *ctx, const struct usb_request *r, uint8_t *data,
                               uint16_t *moved, uint32_t timeout_ms) {
  const struct fake *f = ctx;
  uint8_t answer[MOST] = {0};
  (void)timeout_ms;
  assert_true(r->bmRequestType & CH9_DIRECTION_IN);  // nothing is ever changed
  size_t length = right_answer(r, answer);
  if (f->random) {
    // Some bytes of a right answer, now and then of any length.
    for (unsigned i = random_below(f->random, 4); i > 0; i--) {
      answer[random_below(f->random, MOST)] = (uint8_t)random_next(f->random);
    }
    if (random_one_in(f->random, 4)) length = random_below(f->random, MOST);
    if (random_one_in(f->random, 32)) return USB_GONE;
  }
  if (length > f->cut) length = f->cut;
  if (length > r->wLength) length = r->wLength;
  memcpy(data, answer, length);
  *moved = (uint16_t)length;
  return length > 0 ? USB_DONE : USB_STALLED;
}

// Describes the device and checks it up; false if it is no board.
static bool examine(struct fake *f, struct findings *out) {
  struct usb_io io = {.ctx = f, .control = control};
  const struct usb_found where = {.location = "usb:1-1", .speed = USB_IO_HIGH};
  struct usb_board board;
  struct qb_error error;
  bool is_board = false;
  if (!usb_board_describe(&io, &where, &board, &is_board, &error) || !is_board) {
    return false;
  }
  checkup_descriptors(&io, &board, out);
  checkup_state(&io, &board, out);
  return true;
}

// ---- Tests -----------------------------------------------------------------

static void a_right_device_has_no_problem(void **state) {
  (void)state;
  struct fake f = {.cut = MOST};
  struct findings found = {0};
  assert_true(examine(&f, &found));
  assert_int_equal(found.count, findings_count(&found, FINDING_OK));
  assert_int_equal(found.count, 6);
  findings_free(&found);
}

static void answers_that_end_anywhere(void **state) {
  (void)state;
  for (size_t cut = 0; cut < MOST; cut++) {
    struct fake f = {.cut = cut};
    struct findings found = {0};
    const bool whole = cut >= 2 + 2 * strlen(strings[4]);  // the longest answer
    if (examine(&f, &found)) {
      assert_int_equal(findings_count(&found, FINDING_PROBLEM) == 0, whole);
    } else {
      assert_false(whole);
    }
    findings_free(&found);
  }
}

static void answers_of_any_bytes(void **state) {
  (void)state;
  enum { RUNS = 100000 };
  struct random random = {.state = 1};
  size_t boards = 0;
  for (unsigned i = 0; i < RUNS; i++) {
    struct fake f = {.cut = MOST, .random = &random};
    struct findings found = {0};
    boards += examine(&f, &found);
    for (size_t k = 0; k < found.count; k++) {
      assert_true(found.items[k].text[0] != '\0');
      const bool is_problem = found.items[k].kind == FINDING_PROBLEM;
      if (is_problem) assert_true(found.items[k].advice[0] != '\0');
    }
    findings_free(&found);
  }
  assert_true(boards > RUNS / 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_right_device_has_no_problem),
      cmocka_unit_test(answers_that_end_anywhere),
      cmocka_unit_test(answers_of_any_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
