// SPDX-License-Identifier: MIT
// Random transfers over a random line. Whatever the line does, a file is right or both
// ends know that it failed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fakes/random.h"
#include "tests/unit/common/protocol/modem_line.h"

enum { TRANSFERS = 120000, SIZE_MAX_BYTES = 3000 };

struct world {
  struct random random;
  uint32_t one_in;  // bytes that have a fault; 0: none
  uint32_t until;   // bytes to the next
  bool xmodem;
  bool slow;      // the consumer is
  bool hopeless;  // the line was cut, or a person cancelled
  size_t faults;
};

static uint32_t random_delay(struct world *w) {
  static const uint32_t delays[] = {1, 99, 101, 500, 999, 1001, 3000, 10001, 15001};
  // XMODEM says nothing of a file's length. If an answer comes later than the sender
  // waits, its end may be lost unseen; the protocol has no remedy.
  const uint32_t count = w->xmodem ? 4 : sizeof delays / sizeof delays[0];
  return delays[random_below(&w->random, count)];
}

static struct line_fault fault(void *ctx, enum line_direction d, size_t index,
                               uint8_t byte) {
  struct world *w = ctx;
  struct line_fault f = {0};
  (void)index;
  if (w->one_in == 0 || --w->until > 0) return f;
  w->until = 1 + random_below(&w->random, 2 * w->one_in);
  w->faults++;
  switch (random_below(&w->random, 40)) {
    case 0:
      f.cut = random_one_in(&w->random, 4);
      w->hopeless = true;
      break;
    case 1:
      f.cans = (uint8_t)random_below(&w->random, 3);
      w->hopeless = true;
      break;
    default:
      switch (random_below(&w->random, 4)) {
        case 0: f.mask = (uint8_t)(1 + random_below(&w->random, 255)); break;
        case 1: f.drop = true; break;
        case 2: f.twice = true; break;
        default: f.delay_ms = random_delay(w);
      }
  }
  // Nor can it tell an ACK that was another byte before: answers have no check.
  const bool forged = f.mask && (byte ^ f.mask) == MODEM_ACK;
  if (w->xmodem && d == LINE_BACK && forged) f.mask ^= 0x80;
  return f;
}

static uint32_t hold(void *ctx, const struct modem_receiver *r) {
  struct world *w = ctx;
  (void)r;
  if (!w->slow) return 0;
  return random_below(&w->random, random_one_in(&w->random, 40) ? 60000 : 300);
}

// Sizes around the edges of blocks, and any; bytes that mean something to the protocol
// are frequent.
static size_t make_file(struct random *r, uint8_t *out) {
  static const size_t edges[] = {0, 1, 127, 128, 129, 896, 897, 1023, 1024, 1025, 2048};
  static const uint8_t meant[] = {1, 2, 4, 6, 8, 0x15, 0x18, 0x1A, 'C', 'G', 0, 0xFF};
  const size_t size = random_one_in(r, 2)
                          ? edges[random_below(r, sizeof edges / sizeof edges[0])]
                          : random_below(r, SIZE_MAX_BYTES);
  const uint32_t plain = 1 + random_below(r, 4);
  for (size_t i = 0; i < size; i++) {
    out[i] = random_below(r, plain + 1) ? (uint8_t)random_next(r)
                                        : meant[random_below(r, sizeof meant)];
  }
  return size;
}

struct totals {
  size_t runs, right, failed, accidents, sum_accidents, faults, unconfirmed;
};

// The ends can do it: without a fault always, and a few do not stop them where a block
// can be repeated.
static bool is_easy(const struct world *w, const struct line_run *run) {
  if (w->slow || w->hopeless) return false;
  if (run->ask == MODEM_ASK_STREAM) return w->faults == 0 && !w->xmodem;
  return w->faults <= 3 && run->protocol != MODEM_YMODEM_G;
}

static void run_one(struct world *w, uint32_t number, struct totals *t) {
  static const uint32_t rates[] = {0, 3000, 1000, 300, 100, 30};
  static uint8_t bytes[LINE_FILES_MAX][SIZE_MAX_BYTES];
  struct random *r = &w->random;
  struct line_run run = {
      .protocol = (enum modem_protocol)random_below(r, 4),
      .ask = random_one_in(r, 4) ? MODEM_ASK_STREAM : MODEM_ASK_CRC,
      .ctx = w,
      .fault = fault,
      .hold = hold,
  };
  w->xmodem = run.protocol <= MODEM_XMODEM_1K;
  w->one_in = rates[random_below(r, sizeof rates / sizeof rates[0])];
  w->slow = random_one_in(r, 3);
  run.count = w->xmodem ? 1 : random_below(r, LINE_FILES_MAX + 1);
  static const char *const names[] = {"app.dfu", "b", "a longer name, with spaces.bin"};
  for (size_t i = 0; i < run.count; i++) {
    run.files[i] = (struct line_file){names[i], bytes[i], make_file(r, bytes[i])};
  }
  w->faults = 0;
  w->hopeless = false;
  w->until = 1 + random_below(r, 2 * w->one_in + 1);
  line_run(&run);
  if (run.broken) fail_msg("transfer %u: %s", (unsigned)number, run.broken);
  if (is_easy(w, &run) && (run.s.end != MODEM_END_OK || run.accepted < run.count)) {
    fail_msg("transfer %u was given up after %zu faults", (unsigned)number, w->faults);
  }
  t->runs++;
  t->right += run.accepted == run.count && run.s.end == MODEM_END_OK;
  t->failed += run.accepted < run.count;
  t->unconfirmed += run.accepted == run.count && run.s.end != MODEM_END_OK;
  t->accidents += run.accidents;
  t->sum_accidents += run.sum_accidents;
  t->faults += w->faults;
}

static void test_random_transfers(void **state) {
  (void)state;
  struct totals t = {0};
  for (uint32_t i = 0; i < TRANSFERS; i++) {
    struct world w = {.random = {.state = i * 2654435761u + 1}};
    if (w.random.state == 0) w.random.state = 1;
    run_one(&w, i, &t);
  }
  printf(
      "%zu transfers, %zu faults: %zu right, %zu failed, %zu right but unconfirmed; "
      "damaged blocks whose CRC fits: %zu, whose checksum does: %zu\n",
      t.runs, t.faults, t.right, t.failed, t.unconfirmed, t.accidents, t.sum_accidents);
  assert_true(t.right > TRANSFERS / 3 && t.failed > TRANSFERS / 100);
  // A CRC of 16 bits lets one damaged block in 65536 pass, a checksum one in 256.
  assert_true(t.accidents <= t.faults / 65536 && t.sum_accidents <= t.faults / 256);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_transfers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
