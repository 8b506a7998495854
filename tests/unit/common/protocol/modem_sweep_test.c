// SPDX-License-Identifier: MIT
// Short transfers with one fault, at every byte of both directions: each damage, loss,
// repeat, each delay past a timeout, a person's CANs, a stop at either end, a cut
// cable.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/protocol/modem_line.h"

// Of a repeated EOT with nobody there: 11 times 15 s, and what went before.
enum { LONGEST_MS = 300000 };

struct sweep {
  enum line_direction direction;
  size_t index;
  struct line_fault fault;
  bool xmodem;
  uint32_t hold_ms;
};

static struct line_fault fault(void *ctx, enum line_direction d, size_t index,
                               uint8_t byte) {
  const struct sweep *s = ctx;
  // XMODEM cannot tell an ACK that was another byte before: answers have no check.
  const bool forged = (byte ^ s->fault.mask) == MODEM_ACK && byte != MODEM_ACK;
  if (s->xmodem && d == LINE_BACK && forged) return (struct line_fault){0};
  if (d == s->direction && index == s->index) return s->fault;
  return (struct line_fault){0};
}

static uint32_t hold(void *ctx, const struct modem_receiver *r) {
  const struct sweep *s = ctx;
  (void)r;
  return s->hold_ms;
}

static uint8_t content[1200];

static struct line_run transfer(struct sweep *s, enum modem_protocol protocol,
                                enum modem_ask ask, size_t size) {
  for (size_t i = 0; i < sizeof content; i++) {
    content[i] = (uint8_t)(i * 7 + i / 128);
  }
  return (struct line_run){
      .protocol = protocol,
      .ask = ask,
      .files = {{"file.bin", content, size}},
      .count = 1,
      .ctx = s,
      .fault = fault,
      .hold = hold,
  };
}

static void run(struct line_run *r, const struct sweep *s, const char *what) {
  line_run(r);
  if (r->broken || r->ms > LONGEST_MS) {
    fail_msg("%s (%02X, %u ms) at byte %zu of direction %d: %s, %u ms", what,
             s->fault.mask, (unsigned)s->fault.delay_ms, s->index, s->direction,
             r->broken ? r->broken : "too long", (unsigned)r->ms);
  }
}

static void run_right(struct line_run *r, const struct sweep *s, const char *what) {
  run(r, s, what);
  if (r->accepted != r->count || r->s.end != MODEM_END_OK) {
    fail_msg("%s (%02X, %u ms) at byte %zu of direction %d: given up (%s; %s)", what,
             s->fault.mask, (unsigned)s->fault.delay_ms, s->index, s->direction,
             modem_end_sentence(r->s.end), modem_end_sentence(r->r.end));
  }
}

// Calls `each` with every byte of a good transfer.
static size_t for_each_byte(struct line_run *r, struct sweep *s,
                            void (*each)(struct line_run *r, struct sweep *s)) {
  s->xmodem = r->protocol < MODEM_YMODEM;
  s->index = SIZE_MAX;
  run_right(r, s, "nothing");
  const size_t bytes[LINE_DIRECTIONS] = {r->bytes[0], r->bytes[1]};
  for (int d = 0; d < LINE_DIRECTIONS; d++) {
    s->direction = (enum line_direction)d;
    for (s->index = 0; s->index < bytes[d]; s->index++) {
      each(r, s);
    }
  }
  return bytes[0] + bytes[1];
}

// ---- What a repeatable protocol survives -----------------------------------

static void each_damage(struct line_run *r, struct sweep *s) {
  for (unsigned mask = 1; mask < 256; mask++) {
    // The bytes that mean something, and single bits; all of them on the short way.
    const bool wanted = s->direction == LINE_BACK || mask < 32 || !(mask & (mask - 1));
    s->fault = (struct line_fault){.mask = (uint8_t)mask};
    if (wanted) run_right(r, s, "damage");
  }
}

static void each_loss(struct line_run *r, struct sweep *s) {
  s->fault = (struct line_fault){.drop = true};
  run_right(r, s, "loss");
  s->fault = (struct line_fault){.twice = true};
  run_right(r, s, "repeat");
}

static void each_delay(struct line_run *r, struct sweep *s) {
  static const uint32_t delays[] = {99, 101, 999, 1001, 2999, 3001, 9999, 10001, 15001};
  for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
    s->fault = (struct line_fault){.delay_ms = delays[i]};
    run_right(r, s, "delay");
  }
}

static void sweep_repeatable(void (*each)(struct line_run *r, struct sweep *s)) {
  struct sweep s = {0};
  struct line_run x = transfer(&s, MODEM_XMODEM, MODEM_ASK_CRC, 130);
  struct line_run k = transfer(&s, MODEM_XMODEM_1K, MODEM_ASK_CRC, 900);
  struct line_run y = transfer(&s, MODEM_YMODEM, MODEM_ASK_CRC, 1030);
  struct line_run empty = transfer(&s, MODEM_YMODEM, MODEM_ASK_CRC, 0);
  struct line_run nothing = transfer(&s, MODEM_XMODEM, MODEM_ASK_CRC, 0);
  const size_t bytes = for_each_byte(&x, &s, each) + for_each_byte(&k, &s, each) +
                       for_each_byte(&y, &s, each) + for_each_byte(&empty, &s, each) +
                       for_each_byte(&nothing, &s, each);
  assert_true(bytes > 133 * 2 + 1029 + 133 * 3 + 1029);
}

static void test_damage(void **state) {
  (void)state;
  sweep_repeatable(each_damage);
}

static void test_loss_and_repeat(void **state) {
  (void)state;
  sweep_repeatable(each_loss);
}

static void test_delay(void **state) {
  (void)state;
  sweep_repeatable(each_delay);
}

// ---- What nobody survives, but both must know ------------------------------

static void each_end(struct line_run *r, struct sweep *s) {
  s->fault = (struct line_fault){.cut = true};
  run(r, s, "a cut cable");
  s->fault = (struct line_fault){.stop_sender = true};
  run(r, s, "a stop at the sender");
  s->fault = (struct line_fault){.stop_receiver = true};
  run(r, s, "a stop at the receiver");
  for (uint8_t cans = 1; cans <= 10; cans++) {
    s->fault = (struct line_fault){.cans = cans};
    run(r, s, "CANs");
  }
  s->fault = (struct line_fault){.delay_ms = 60001};
  run(r, s, "a long delay");
}

static void each_fault(struct line_run *r, struct sweep *s) {
  each_end(r, s);
  for (unsigned mask = 1; mask < 256; mask *= 2) {
    s->fault = (struct line_fault){.mask = (uint8_t)mask};
    run(r, s, "damage");
  }
  s->fault = (struct line_fault){.drop = true};
  run(r, s, "loss");
  s->fault = (struct line_fault){.twice = true};
  run(r, s, "repeat");
  s->fault = (struct line_fault){.delay_ms = 1001};
  run(r, s, "delay");
}

static void test_ends(void **state) {
  (void)state;
  struct sweep s = {0};
  struct line_run x = transfer(&s, MODEM_XMODEM, MODEM_ASK_CRC, 130);
  struct line_run y = transfer(&s, MODEM_YMODEM, MODEM_ASK_CRC, 1030);
  for_each_byte(&x, &s, each_end);
  for_each_byte(&y, &s, each_end);
}

static void test_ends_under_a_slow_consumer(void **state) {
  (void)state;
  struct sweep s = {.hold_ms = 9000};
  struct line_run y = transfer(&s, MODEM_YMODEM, MODEM_ASK_CRC, 130);
  for_each_byte(&y, &s, each_end);
}

static void test_stream(void **state) {
  (void)state;
  struct sweep s = {0};
  struct line_run y = transfer(&s, MODEM_YMODEM_G, MODEM_ASK_STREAM, 1030);
  for_each_byte(&y, &s, each_fault);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_loss_and_repeat),
      cmocka_unit_test(test_delay),
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_ends_under_a_slow_consumer),
      cmocka_unit_test(test_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
