// SPDX-License-Identifier: MIT
// The real bootloader with each flash chip that the simulator knows, as delivered:
// is the chip found, and can a block of it be erased, written and read back? What the
// bootloader cannot do yet it must refuse with a sentence, and go on working.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

#define PLACE (EXTERNAL + 0x20000)

enum outcome {
  WORKS,
  REFUSED,  // not offered, and the console says why
  FAILS,    // offered, but the host is told of an error, with a sentence
  BROKEN,   // anything else
};

#define UNKNOWN_CHIP "describes itself in no way known here (SFDP)"

// What the bootloader makes of each chip today; and the one class of guest error that
// it commits with it, if any: a fault of the bootloader, written down here.
static const struct expectation {
  const char *chip;
  enum outcome outcome;
  const char *console;  // part of what it prints
  enum guest_error reported;
} expected[] = {
    {"mx25l51245g", WORKS, "", GUEST_ERROR_COUNT},
    {"mx66l1g45g", WORKS, "", GUEST_ERROR_COUNT},
    // Starts in its low-power mode, which is good for 33 MHz only.
    {"mx25r6435f", WORKS, "", GUEST_QSPI_CLOCK},
    {"n25q128a", WORKS, "", GUEST_ERROR_COUNT},
    // 32 MB without a table of 4-byte opcodes.
    {"n25q256a", REFUSED, UNKNOWN_CHIP, GUEST_ERROR_COUNT},
    {"mt25ql128", WORKS, "", GUEST_ERROR_COUNT},
    {"mt25ql512", WORKS, "", GUEST_ERROR_COUNT},
    {"w25q64jv", WORKS, "", GUEST_ERROR_COUNT},
    {"w25q128jv", WORKS, "", GUEST_ERROR_COUNT},
    {"w25q256jv", WORKS, "", GUEST_ERROR_COUNT},
    {"w25q512jv", WORKS, "", GUEST_ERROR_COUNT},
    {"w25q01jv", WORKS, "", GUEST_ERROR_COUNT},
    {"is25lp064a", WORKS, "", GUEST_ERROR_COUNT},
    {"is25wp256", REFUSED, UNKNOWN_CHIP, GUEST_ERROR_COUNT},
    {"s25fl128l", WORKS, "", GUEST_ERROR_COUNT},
    {"gd25lb512me", WORKS, "", GUEST_ERROR_COUNT},
    // Nobody unlocks its blocks.
    {"sst26vf064b", FAILS, "", GUEST_NOR_PROTECTED},
    {"zd25q128c", WORKS, "", GUEST_ERROR_COUNT},
};

static bool good(struct reply s) {
  return s.status == OK && s.state == DNLOAD_IDLE;
}

static enum outcome failure(struct rig *r, struct reply s) {
  char sentence[SENTENCE_MAX];
  if (s.state != ERROR || s.string == 0) return BROKEN;
  rig_string(r, s.string, sentence);
  return strlen(sentence) > 10 ? FAILS : BROKEN;
}

static enum outcome try_block(struct rig *r) {
  uint8_t data[CLIENT_BLOCK], back[CLIENT_BLOCK];
  dfu_pattern(data, sizeof data, 7);
  if (dfu_set_address(r, PLACE).state == ERROR) return REFUSED;
  struct reply s = dfu_erase(r, PLACE);
  if (good(s)) s = dfu_write(r, PLACE, data, sizeof data);
  if (good(s)) {
    dfu_abort(r);
    s = dfu_wait(r);
  }
  if (s.status != OK) return failure(r, s);
  dfu_read(r, PLACE, back, sizeof back);
  const bool same = !memcmp(back, data, sizeof data) &&
                    !memcmp(rig_memory(r, PLACE), data, sizeof data);
  return same ? WORKS : BROKEN;
}

static const char *const names[] = {"works", "refused", "fails", "BROKEN"};

static void print_line(const struct rig *r, const char *chip, enum outcome outcome) {
  const char *why = strstr(r->uart, "QSPI flash");
  print_message("%-12s %-8s %.*s\n", chip, names[outcome],
                why ? (int)strcspn(why, "\r\n") : 0, why ? why : "");
  for (const struct report_entry *e = r->m->sim.report.entries; e; e = e->next)
    print_message(
        "             %s: %s\n",
        e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "missing",
        e->detail);
}

static bool reports_are(const struct report *r, enum guest_error wanted) {
  const uint64_t count = wanted == GUEST_ERROR_COUNT ? 0 : report_count(r, wanted);
  if (wanted != GUEST_ERROR_COUNT && count == 0) return false;
  return r->guest_errors == count && r->unimplemented == 0;
}

static bool check(const struct expectation *e) {
  struct rig *r = rig_open_with(&rig_boards[RIG_HS], e->chip);
  rig_power_on(r);
  rig_configure(r);
  const enum outcome outcome = try_block(r);
  print_line(r, e->chip, outcome);
  const bool as_expected = outcome == e->outcome && strstr(r->uart, e->console) &&
                           reports_are(&r->m->sim.report, e->reported);
  rig_close(r);
  return as_expected;
}

static void each_chip(void **state) {
  (void)state;
  unsigned surprises = 0;
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_ptr_equal(nor_chip_at(i), nor_chip_find(expected[i].chip));
    surprises += !check(&expected[i]);
  }
  assert_null(nor_chip_at(sizeof expected / sizeof *expected));
  assert_int_equal(surprises, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_chip)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
