// SPDX-License-Identifier: MIT
// A QSPI flash that fails, one of each family: a page that does not program, a block
// that does not erase, a bit that is stuck, an operation that never ends. The host is
// told what and where within the chip's own maximum, and the board stays usable.
//
// When an error is told is the writer's affair: each job is an erase, a write and the
// ABORT that makes them final, and the first error counts.
#include <stdlib.h>
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

#define PLACE     (EXTERNAL + 0x30000)
#define ELSEWHERE (EXTERNAL + 0x50000)

#define SAYS_ERASE  "the flash reports a failed erase; try again or replace the chip"
#define SAYS_WRITE  "the flash reports a failed write; try again or replace the chip"
#define SAYS_VERIFY "the flash does not hold what was written; try again"
#define SAYS_BUSY   "the flash stayed busy past its deadline; power the board off and on"

enum {
  BLOCK = 0x10000,
  PAGE_MAX_MS = 5,
  NOTICE_MS = 200,  // an error is told at the next poll
};

// `tells`: the chip has error bits. Maximum of a 64 KB erase: its SFDP, or for the
// N25Q, whose SFDP has no times, four seconds.
static const struct family {
  const char *chip;
  bool tells;
  uint32_t erase_max_ms;
} families[] = {
    {"mx25l51245g", true, 4032},  {"mx25r6435f", true, 3840},
    {"w25q128jv", false, 2240},   {"w25q01jv", false, 2240},
    {"mt25ql512", true, 1600},    {"n25q256a", true, 4000},
    {"is25lp064a", false, 2432},  {"s25fl128l", true, 1632},
    {"gd25lb512me", false, 2496}, {"sst26vf064b", false, 38},
};

static uint8_t data[CLIENT_BLOCK];

static uint8_t *cells(struct rig *r) {
  return r->m->nor_bytes + (PLACE - EXTERNAL);
}

// --- a job, and how it failed ---

static bool good(struct reply s) {
  return s.status == OK;
}

static struct reply erase_and_write(struct rig *r) {
  struct reply s = dfu_erase(r, PLACE);
  if (good(s)) s = dfu_write(r, PLACE, data, sizeof data);
  if (!good(s)) return s;
  dfu_abort(r);
  return dfu_wait(r);
}

struct failure {
  uint8_t status;
  uint32_t address;
  char sentence[SENTENCE_MAX];
};

static struct failure failure_of(struct rig *r) {
  struct failure f = {.status = OK};
  char text[SENTENCE_MAX], *rest;
  const struct reply s = erase_and_write(r);
  if (good(s)) return f;
  rig_string(r, s.string, text);
  assert_memory_equal(text, "at 0x", 5);
  f.status = s.status;
  f.address = (uint32_t)strtoul(text + 3, &rest, 16);
  assert_memory_equal(rest, ": ", 2);
  strcpy(f.sentence, rest + 2);
  dfu_clear(r);
  return f;
}

static void expect_usable(struct rig *r) {
  dfu_expect_download(r, ELSEWHERE);
  dfu_expect_download(r, PLACE);
}

static void expect_within(uint32_t address, uint32_t size) {
  assert_true(address - PLACE < size);
}

// --- each fault, on each family ---

static void page_that_fails(struct rig *r, const struct family *f) {
  for (uint32_t page = 1; page <= 16; page += 15) {
    memset(cells(r), 0xFF, BLOCK);
    r->m->nor.faults.fail_program = page;
    const struct failure failed = failure_of(r);
    assert_int_equal(failed.status, f->tells ? ERR_PROG : ERR_VERIFY);
    assert_string_equal(failed.sentence, f->tells ? SAYS_WRITE : SAYS_VERIFY);
    expect_within(failed.address, f->tells ? CLIENT_BLOCK : page * 256);
    if (!f->tells) assert_true(failed.address - PLACE >= (page - 1) * 256);
    expect_usable(r);
  }
}

static void block_that_fails(struct rig *r, const struct family *f) {
  (void)f;
  memset(cells(r), 0x00, BLOCK);
  r->m->nor.faults.fail_erase = 1;
  const struct failure failed = failure_of(r);
  assert_int_equal(failed.status, ERR_ERASE);
  assert_string_equal(failed.sentence, SAYS_ERASE);
  expect_within(failed.address, BLOCK);
  expect_usable(r);
}

static void bit_that_sticks(struct rig *r, const struct family *f) {
  (void)f;
  for (uint8_t value = 0; value < 2; value++) {
    const uint8_t mask = 0x10;
    const uint32_t at = 1000;
    memset(cells(r), 0x00, BLOCK);
    data[at] = value ? 0x00 : 0xFF;
    assert_true(nor_stick(&r->m->nor, PLACE - EXTERNAL + at, mask, value ? mask : 0));
    const struct failure failed = failure_of(r);
    assert_true(failed.status == ERR_VERIFY || (!value && failed.status == ERR_ERASE));
    assert_string_equal(failed.sentence,
                        failed.status == ERR_ERASE ? SAYS_ERASE : SAYS_VERIFY);
    assert_int_equal(failed.address, PLACE + at);
    r->m->nor.faults = (struct nor_faults){0};
    expect_usable(r);
  }
}

// How long the job took until it failed, in ms.
static uint32_t until_busy_is_told(struct rig *r, uint8_t status) {
  const vtime_t begun = machine_now(r->m);
  const struct failure failed = failure_of(r);
  const uint32_t ms = (uint32_t)((machine_now(r->m) - begun) / VT_MS(1));
  assert_int_equal(failed.status, status);
  assert_string_equal(failed.sentence, SAYS_BUSY);
  expect_within(failed.address, BLOCK);
  r->m->nor.faults.stay_busy = false;
  expect_usable(r);
  rig_allow_nor_reset(r);
  return ms;
}

static void erase_that_never_ends(struct rig *r, const struct family *f) {
  memset(cells(r), 0x00, BLOCK);
  r->m->nor.faults.stay_busy = true;
  const uint32_t ms = until_busy_is_told(r, ERR_ERASE);
  // Of 64 KB; where 32 KB are cheaper for each (S25FL128L), a half, roughly.
  assert_in_range(ms, f->erase_max_ms * 2 / 5, f->erase_max_ms + NOTICE_MS);
}

// From its second page on.
static void on_operation(void *ctx, enum nor_operation op, uint32_t address,
                         uint32_t size) {
  struct rig *r = ctx;
  (void)address;
  (void)size;
  if (op == NOR_OP_PROGRAM) r->m->nor.faults.stay_busy = true;
}

static void program_that_never_ends(struct rig *r, const struct family *f) {
  struct nor *n = &r->m->nor;
  const struct nor before = *n;
  memset(cells(r), 0xFF, BLOCK);
  n->on_operation = on_operation;
  n->on_operation_ctx = r;
  const vtime_t begun = machine_now(r->m);
  const struct failure failed = failure_of(r);
  const uint32_t ms = (uint32_t)((machine_now(r->m) - begun) / VT_MS(1));
  n->on_operation = before.on_operation;
  n->on_operation_ctx = before.on_operation_ctx;
  n->faults.stay_busy = false;
  assert_int_equal(failed.status, ERR_PROG);
  assert_string_equal(failed.sentence, SAYS_BUSY);
  expect_within(failed.address, CLIENT_BLOCK);
  assert_true(ms < f->erase_max_ms + 2 * PAGE_MAX_MS + NOTICE_MS);
  expect_usable(r);
  rig_allow_nor_reset(r);
}

typedef void fault(struct rig *r, const struct family *f);

static void on_each_family(fault *run) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    print_message("%s\n", families[i].chip);
    struct rig *r = rig_open_with(&rig_boards[RIG_HS], families[i].chip);
    rig_power_on(r);
    rig_configure(r);
    dfu_pattern(data, sizeof data, 77);
    run(r, &families[i]);
    void *end = r;
    rig_teardown(&end);
  }
}

#define FAULT(name)                    \
  static void a_##name(void **state) { \
    (void)state;                       \
    on_each_family(name);              \
  }

FAULT(page_that_fails)
FAULT(block_that_fails)
FAULT(bit_that_sticks)
FAULT(erase_that_never_ends)
FAULT(program_that_never_ends)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_page_that_fails),
      cmocka_unit_test(a_block_that_fails),
      cmocka_unit_test(a_bit_that_sticks),
      cmocka_unit_test(a_erase_that_never_ends),
      cmocka_unit_test(a_program_that_never_ends),
  };
  return cmocka_run_group_tests_name("nor_faults", tests, NULL, NULL);
}
