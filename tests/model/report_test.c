// SPDX-License-Identifier: MIT
// Reports: classes with names for ever, entries that are counted and not repeated.
#include "sim/core/report.h"

#include <ctype.h>

#include "tests/model/chip_rig.h"

struct bench {
  struct report report;
  struct event_queue clock;
  uint32_t pc;
};

static uint32_t bench_pc(void *ctx) {
  return ((struct bench *)ctx)->pc;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  report_init(&b.report, &b.clock);
  b.report.pc = bench_pc;
  b.report.pc_ctx = &b;
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  report_free(&((struct bench *)*state)->report);
  return 0;
}

// --- the list of classes ----------------------------------------------------------

static bool is_name(const char *s) {
  if (!islower((unsigned char)*s)) return false;
  for (; *s; s++) {
    const bool good = islower((unsigned char)*s) || isdigit((unsigned char)*s);
    if (!good && !(*s == '-' && s[1] && s[1] != '-')) return false;
  }
  return true;
}

static void names_are_plain_and_unique(void **state) {
  (void)state;
  for (int i = 0; i < GUEST_ERROR_COUNT; i++) {
    const char *name = guest_error_name((enum guest_error)i);
    if (!is_name(name)) fail_msg("'%s' is not a name", name);
    assert_true(strlen(guest_error_meaning((enum guest_error)i)) > 10);
    for (int k = 0; k < i; k++) {
      assert_string_not_equal(name, guest_error_name((enum guest_error)k));
      assert_string_not_equal(guest_error_meaning((enum guest_error)i),
                              guest_error_meaning((enum guest_error)k));
    }
  }
}

// Names that other programs' expectations rest on.
static const struct {
  enum guest_error error;
  const char *name;
} stable[] = {
    {GUEST_CLOCK_OFF, "clock-off"},
    {GUEST_RESERVED_BITS, "reserved-bits"},
    {GUEST_BUS_ERROR, "bus-error"},
    {GUEST_FLASH_STALL, "flash-stall"},
    {GUEST_FLASH_NOT_ERASED, "flash-not-erased"},
    {GUEST_QSPI_BUSY, "qspi-busy"},
    {GUEST_NOR_WEL, "nor-wel"},
    {GUEST_USB_FIFO_EMPTY, "usb-fifo-empty"},
    {GUEST_CODE_STALE, "code-stale"},
    {GUEST_WATCHDOG, "watchdog"},
    {GUEST_HANDOVER, "hand-over"},
    {GUEST_LOCKUP, "lockup"},
};

static void names_are_for_ever(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof stable / sizeof *stable; i++)
    assert_string_equal(guest_error_name(stable[i].error), stable[i].name);
}

// --- entries ----------------------------------------------------------------------

static void an_entry_says_what_where_and_when(void **state) {
  struct bench *b = *state;
  b->clock.now = VT_US(3);
  b->pc = 0x08000123;
  report_guest(&b->report, GUEST_FLASH_KEY, 0x40023C04, "key %u of %s", 7, "FLASH");
  const struct report_entry *e = b->report.entries;
  assert_int_equal(e->kind, REPORT_GUEST_ERROR);
  assert_int_equal(e->error, GUEST_FLASH_KEY);
  assert_int_equal(e->pc, 0x08000123);
  assert_int_equal(e->addr, 0x40023C04);
  assert_true(e->first == VT_US(3));
  assert_int_equal(e->count, 1);
  assert_string_equal(e->detail, "key 7 of FLASH");
  assert_null(e->next);
}

static void the_same_again_is_counted(void **state) {
  struct bench *b = *state;
  for (int i = 0; i < 5; i++) {
    b->clock.now += VT_US(1);
    report_guest(&b->report, GUEST_CLOCK_OFF, 0x100, "try %d", i);
  }
  const struct report_entry *e = b->report.entries;
  assert_int_equal(e->count, 5);
  assert_true(e->first == VT_US(1));
  assert_string_equal(e->detail, "try 0");
  assert_null(e->next);
  assert_int_equal(b->report.guest_errors, 5);
}

static void class_pc_and_address_make_a_difference(void **state) {
  struct bench *b = *state;
  report_guest(&b->report, GUEST_CLOCK_OFF, 0x100, "a");
  report_guest(&b->report, GUEST_CLOCK_OFF, 0x104, "b");
  report_guest(&b->report, GUEST_IN_RESET, 0x100, "c");
  report_unimplemented(&b->report, 0x100, "d");
  b->pc = 4;
  report_guest(&b->report, GUEST_CLOCK_OFF, 0x100, "e");
  const struct report_entry *e = b->report.entries;
  for (const char *wanted = "abcde"; *wanted; wanted++, e = e->next) {
    assert_non_null(e);
    assert_int_equal(e->detail[0], *wanted);  // oldest first
  }
  assert_null(e);
}

static void the_two_kinds_are_never_mixed(void **state) {
  struct bench *b = *state;
  report_guest(&b->report, GUEST_CLOCK_OFF, 0, "guest");
  report_unimplemented(&b->report, 0, "missing");
  report_unimplemented(&b->report, 0, "missing");
  assert_int_equal(b->report.guest_errors, 1);
  assert_int_equal(b->report.unimplemented, 2);
  assert_int_equal(report_count(&b->report, GUEST_CLOCK_OFF), 1);
  assert_int_equal(report_count(&b->report, GUEST_IN_RESET), 0);
}

static void a_class_is_counted_over_all_its_entries(void **state) {
  struct bench *b = *state;
  for (uint32_t i = 0; i < 6; i++)
    report_guest(&b->report, GUEST_RESERVED_BITS, i / 2, "x");
  assert_int_equal(report_count(&b->report, GUEST_RESERVED_BITS), 6);
}

static void long_details_are_cut_not_overrun(void **state) {
  struct bench *b = *state;
  char text[400];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  report_guest(&b->report, GUEST_RESERVED_BITS, 0, "%s", text);
  assert_int_equal(strlen(b->report.entries->detail),
                   sizeof b->report.entries->detail - 1);
}

static void clear_forgets_and_keeps_on_working(void **state) {
  struct bench *b = *state;
  report_guest(&b->report, GUEST_RESERVED_BITS, 0, "x");
  report_unimplemented(&b->report, 0, "y");
  report_clear(&b->report);
  assert_null(b->report.entries);
  assert_int_equal(b->report.guest_errors + b->report.unimplemented, 0);
  b->pc = 8;
  report_guest(&b->report, GUEST_RESERVED_BITS, 0, "x");
  assert_int_equal(b->report.entries->pc, 8);
  assert_int_equal(b->report.guest_errors, 1);
}

static void without_cpu_and_clock_it_works_too(void **state) {
  (void)state;
  struct report r;
  report_init(&r, NULL);
  report_guest(&r, GUEST_LOCKUP, 0, "x");
  assert_int_equal(r.entries->pc, 0);
  assert_int_equal(r.entries->first, 0);
  report_free(&r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(names_are_plain_and_unique),
      TEST(names_are_for_ever),
      TEST(an_entry_says_what_where_and_when),
      TEST(the_same_again_is_counted),
      TEST(class_pc_and_address_make_a_difference),
      TEST(the_two_kinds_are_never_mixed),
      TEST(a_class_is_counted_over_all_its_entries),
      TEST(long_details_are_cut_not_overrun),
      TEST(clear_forgets_and_keeps_on_working),
      TEST(without_cpu_and_clock_it_works_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
