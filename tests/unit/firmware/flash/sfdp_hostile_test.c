// SPDX-License-Identifier: MIT
// SFDP areas that were cut off or went bad: whatever the bytes, the parser ends with a
// plausible answer, and never reads or writes where it should not (the sanitizers
// watch).
#include "firmware/flash/sfdp.h"

#include "tests/fakes/random.h"
#include "tests/fakes/sfdp_dump.h"

static bool power_of_two(uint32_t n) {
  return n != 0 && (n & (n - 1)) == 0;
}

// What the NOR logic relies on, of anything that was accepted.
static void expect_plausible(const struct sfdp *s) {
  assert_true(power_of_two(s->size) && s->size >= 4096);
  assert_true(power_of_two(s->page) && s->page <= 32768);
  assert_true(s->page_typical_us <= s->page_maximum_us);
  assert_true(s->page_maximum_us <= 32u * 64u * 32u);
  assert_in_range(s->quad_enable, 0, 7);
  assert_true(s->read_144.mode_clocks <= 7 && s->read_144.wait_clocks <= 31);
  assert_true(s->read_114.mode_clocks <= 7 && s->read_114.wait_clocks <= 31);
  assert_true(s->chip_erase_typical_us <= s->chip_erase_maximum_us);
  uint64_t sum = 0;
  assert_in_range(s->region_count, 1, SFDP_MAX_REGIONS);
  for (int i = 0; i < s->region_count; i++) {
    assert_true(s->regions[i].types <= 0xF);
    sum += s->regions[i].size;
  }
  assert_int_equal(sum, s->size);
  for (int i = 0; i < SFDP_ERASE_TYPES; i++) {
    const struct sfdp_erase *e = &s->erase[i];
    assert_true(e->size == 0 || (power_of_two(e->size) && e->size >= 256));
    assert_true(e->typical_us <= e->maximum_us);
    assert_true(e->maximum_us <= 32u * 1000000u * 32u);
    if (e->size == 0) assert_int_equal(e->opcode, 0);
  }
}

static enum status parse(struct sfdp_dump *d) {
  struct sfdp s;
  memset(&s, 0xA5, sizeof s);
  const enum status status = sfdp_dump_parse(d, &s);
  if (status == ST_OK) {
    expect_plausible(&s);
  } else if (!d->ends) {
    assert_int_equal(status, ST_NOR_UNKNOWN);
  } else {
    assert_true(status == ST_NOR_UNKNOWN || status == ST_BUS_TIMEOUT);
  }
  return status;
}

static void a_dump_cut_anywhere_does_no_harm(void **state) {
  (void)state;
  for (int i = 0; i < SFDP_DUMPS; i++) {
    static struct sfdp_dump d;
    sfdp_dump_load(&d, sfdp_dump_names[i]);
    const size_t whole = d.length;
    for (d.length = 0; d.length <= whole; d.length++) {
      d.ends = false;
      const enum status blank_behind = parse(&d);
      if (d.length < 16) assert_int_equal(blank_behind, ST_NOR_UNKNOWN);
      d.ends = true;
      const enum status nothing_behind = parse(&d);
      if (d.length < 16) assert_int_not_equal(nothing_behind, ST_OK);
    }
  }
}

static void a_dump_with_any_bad_byte_does_no_harm(void **state) {
  (void)state;
  unsigned parsed = 0, refused = 0;
  for (int i = 0; i < SFDP_DUMPS; i++) {
    static struct sfdp_dump d;
    sfdp_dump_load(&d, sfdp_dump_names[i]);
    for (size_t at = 0; at < d.length; at++) {
      const uint8_t good = d.bytes[at];
      const uint8_t bad[] = {0x00, 0xFF, (uint8_t)~good, 0x7F, 0x80, 0x01};
      for (int k = 0; k < 14; k++) {
        d.bytes[at] = (uint8_t)(k < 6 ? bad[k] : good ^ 1 << (k - 6));
        const enum status status = parse(&d);
        parsed++;
        if (status != ST_OK) refused++;
        d.ends = true;
        parse(&d);
        d.ends = false;
      }
      d.bytes[at] = good;
    }
    assert_int_equal(parse(&d), ST_OK);
  }
  assert_true(refused > 1000 && parsed - refused > 50000);
}

static void random_bytes_behind_a_good_header_do_no_harm(void **state) {
  (void)state;
  struct random random = {521288629};
  unsigned accepted = 0;
  static struct sfdp_dump good, d;
  sfdp_dump_load(&good, "mx66l1g45g");
  for (int i = 0; i < 100000; i++) {
    d = good;
    // Headers half of the time, tables always.
    for (size_t at = i % 2 ? 8 : 0x30; at < 0x90; at++)
      d.bytes[at] = (uint8_t)random_next(&random);
    if (i % 4 < 2) memcpy(d.bytes + 0x34, "\xFF\xFF\xFF\x3F", 4);  // a real density
    if (parse(&d) == ST_OK) accepted++;
  }
  assert_true(accepted > 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_dump_cut_anywhere_does_no_harm),
      cmocka_unit_test(a_dump_with_any_bad_byte_does_no_harm),
      cmocka_unit_test(random_bytes_behind_a_good_header_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
