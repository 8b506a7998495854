// SPDX-License-Identifier: MIT
// The sender, byte by byte, with blocks and times typed again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/protocol/modem.h"

static struct modem_sender s;
static uint32_t now;
static uint8_t content[5000];

#define ACK "\x06"
#define NAK "\x15"
#define CAN "\x18"

static void start(enum modem_protocol protocol) {
  for (size_t i = 0; i < sizeof content; i++) {
    content[i] = (uint8_t)(i * 5 + i / 256);
  }
  now = 77;
  modem_sender_start(&s, protocol, now);
}

static void hear(const char *text) {
  modem_sender_take(&s, (const uint8_t *)text, strlen(text), now);
}

static void wait_ms(uint32_t ms) {
  now += ms;
  modem_sender_take(&s, NULL, 0, now);
}

// The first request counts when nothing follows it.
static void ask(const char *text) {
  hear(text);
  assert_int_equal(s.event, MODEM_IDLE);
  wait_ms(100);
}

static void expect_silence(void) {
  size_t n;
  (void)modem_sender_output(&s, &n);
  assert_int_equal(n, 0);
}

// Takes what is to be sent, in two pieces.
static size_t collect(uint8_t *out) {
  size_t n;
  const uint8_t *p = modem_sender_output(&s, &n);
  assert_true(n > 0);
  memcpy(out, p, n);
  if (n > 10) {
    size_t rest;
    modem_sender_sent(&s, 10, now);
    assert_ptr_equal(modem_sender_output(&s, &rest), p + 10);
    assert_int_equal(rest, n - 10);
    modem_sender_sent(&s, rest, now);
  } else {
    modem_sender_sent(&s, n, now);
  }
  return n;
}

static uint16_t crc_of(const uint8_t *p, size_t n) {
  uint32_t crc = 0;
  for (size_t i = 0; i < n; i++) {
    crc ^= (uint32_t)p[i] << 8;
    for (int bit = 0; bit < 8; bit++) {
      crc = crc & 0x8000u ? (crc << 1) ^ 0x1021u : crc << 1;
    }
  }
  return (uint16_t)crc;
}

// A block with this number, of `size` bytes: `n` of them as given, the rest `fill`.
static void expect_block(uint8_t number, size_t size, const void *data, size_t n,
                         uint8_t fill) {
  uint8_t out[1100];
  assert_int_equal(collect(out), 5 + size);
  assert_int_equal(out[0], size == 1024 ? 2 : 1);
  assert_int_equal(out[1], number);
  assert_int_equal(out[2], 255 - number);
  assert_memory_equal(out + 3, data, n);
  for (size_t i = n; i < size; i++) {
    assert_int_equal(out[3 + i], fill);
  }
  assert_int_equal(out[3 + size] << 8 | out[4 + size], crc_of(out + 3, size));
}

static void expect_byte(uint8_t byte) {
  uint8_t out[1100];
  assert_int_equal(collect(out), 1);
  assert_int_equal(out[0], byte);
}

static void expect_cancel(enum modem_end end) {
  uint8_t out[1100];
  assert_int_equal(s.event, MODEM_IDLE);
  assert_int_equal(collect(out), 16);
  assert_memory_equal(out, CAN CAN CAN CAN CAN CAN CAN CAN "\b\b\b\b\b\b\b\b", 16);
  assert_int_equal(s.event, MODEM_OVER);
  assert_int_equal(s.end, end);
}

static void give(uint32_t offset, uint32_t size) {
  assert_int_equal(s.event, MODEM_DATA);
  assert_int_equal(s.offset, offset);
  assert_int_equal(s.size, size);
  modem_sender_data(&s, content + offset, now);
}

static void give_file(const char *name, uint32_t size) {
  assert_int_equal(s.event, MODEM_FILE);
  modem_sender_file(&s, name, size, now);
}

// ---- Whole transfers -------------------------------------------------------

static void test_ymodem(void **state) {
  (void)state;
  start(MODEM_YMODEM);
  expect_silence();
  ask("C");
  give_file("a.bin", 2000);
  expect_block(0, 128, "a.bin\0002000", 10, 0);
  hear(ACK);
  expect_silence();
  hear("C");
  give(0, 1024);
  expect_block(1, 1024, content, 1024, 0);
  hear(ACK);
  give(1024, 976);  // more than 896 are left
  expect_block(2, 1024, content + 1024, 976, 0x1A);
  hear(ACK);
  expect_byte(4);
  hear(NAK);
  expect_byte(4);
  hear(ACK);
  assert_int_equal(s.files, 1);
  hear("C");
  give_file("b", 0);
  expect_block(0, 128, "b\0000", 3, 0);
  hear(ACK "C");
  expect_byte(4);
  hear(ACK "C");
  modem_sender_finish(&s, now);
  expect_block(0, 128, "", 0, 0);
  hear(ACK);
  assert_int_equal(s.event, MODEM_OVER);
  assert_int_equal(s.end, MODEM_END_OK);
  assert_int_equal(s.files, 2);
}

static void test_small_blocks_at_the_end(void **state) {
  (void)state;
  start(MODEM_XMODEM_1K);
  ask("C");
  give_file("", 1024 + 896);
  give(0, 1024);
  expect_block(1, 1024, content, 1024, 0);
  for (uint32_t i = 0; i < 7; i++) {
    hear(ACK);
    give(1024 + 128 * i, 128);
    expect_block((uint8_t)(2 + i), 128, content + 1024 + 128 * i, 128, 0);
  }
  hear(ACK);
  expect_byte(4);
  hear(ACK);
  assert_int_equal(s.end, MODEM_END_OK);
  assert_int_equal(s.event, MODEM_OVER);
}

static void test_checksum(void **state) {
  (void)state;
  uint8_t out[1100];
  static const enum modem_protocol both[] = {MODEM_XMODEM, MODEM_XMODEM_1K};
  for (size_t i = 0; i < 2; i++) {
    start(both[i]);
    ask(NAK);
    give_file("", 2000);
    give(0, 128);
    assert_int_equal(collect(out), 132);
    uint8_t sum = 0;
    for (size_t k = 0; k < 128; k++) {
      sum = (uint8_t)(sum + content[k]);
    }
    assert_int_equal(out[131], sum);
    // A receiver that thinks better of it.
    wait_ms(1000);
    hear("C");
    expect_block(1, 128, content, 128, 0);
  }
}

static void test_stream(void **state) {
  (void)state;
  start(MODEM_YMODEM_G);
  ask("C");
  assert_int_equal(s.event, MODEM_IDLE);
  ask("G");
  give_file("g", 2048);
  expect_block(0, 128, "g\0002048", 6, 0);
  hear(ACK "G");
  give(0, 1024);
  expect_block(1, 1024, content, 1024, 0);
  give(1024, 1024);
  expect_block(2, 1024, content + 1024, 1024, 0);
  expect_byte(4);
  expect_silence();
  hear(ACK "G");
  assert_int_equal(s.event, MODEM_FILE);
}

static void test_a_stream_breaks(void **state) {
  (void)state;
  start(MODEM_YMODEM);
  ask("G");
  give_file("g", 2048);
  expect_block(0, 128, "g\0002048", 6, 0);
  hear(ACK "G");
  give(0, 1024);
  hear(NAK);
  expect_cancel(MODEM_END_STREAM);
}

static void test_one_damaged_c_makes_no_stream(void **state) {
  (void)state;
  static const char *const asks[][2] = {{"G", "C"}, {"C", "G"}};
  for (size_t i = 0; i < 2; i++) {
    start(MODEM_YMODEM);
    ask(asks[i][0]);
    give_file("g", 2048);
    expect_block(0, 128, "g\0002048", 6, 0);
    hear(ACK);
    hear(asks[i][1]);
    give(0, 1024);
    expect_block(1, 1024, content, 1024, 0);
    assert_int_equal(s.event, MODEM_IDLE);
  }
  start(MODEM_XMODEM);
  ask("G");
  assert_int_equal(s.event, MODEM_IDLE);
}

static void test_a_long_name_is_cut(void **state) {
  (void)state;
  char name[300];
  memset(name, 'n', sizeof name);
  name[299] = 0;
  start(MODEM_YMODEM);
  ask("C");
  give_file(name, UINT32_MAX);
  char expected[112];
  memset(expected, 'n', 100);
  memcpy(expected + 100, "\0004294967295", 12);
  expect_block(0, 128, expected, 112, 0);
}

// ---- Repeats ---------------------------------------------------------------

static void begin(void) {
  start(MODEM_XMODEM_1K);
  ask("C");
  give_file("", 3000);
  give(0, 1024);
  expect_block(1, 1024, content, 1024, 0);
}

static void test_nak_repeats(void **state) {
  (void)state;
  begin();
  hear(ACK);
  give(1024, 1024);
  for (int i = 0; i < 10; i++) {
    expect_block(2, 1024, content + 1024, 1024, 0);
    hear(NAK);
  }
  expect_block(2, 1024, content + 1024, 1024, 0);
  hear(NAK);
  expect_cancel(MODEM_END_ERRORS);
}

static void test_silence_repeats(void **state) {
  (void)state;
  begin();
  for (int i = 0; i < 10; i++) {
    wait_ms(14999);
    expect_silence();
    wait_ms(1);
    expect_block(1, 1024, content, 1024, 0);
  }
  wait_ms(15000);
  expect_cancel(MODEM_END_SILENT);
}

// Two went, so two answers may come: the second is not that of the next block.
static void test_second_answers_are_drained(void **state) {
  (void)state;
  begin();
  wait_ms(15000);
  expect_block(1, 1024, content, 1024, 0);
  hear(ACK);
  expect_silence();
  wait_ms(900);
  hear(ACK);
  wait_ms(999);
  assert_int_equal(s.event, MODEM_IDLE);
  wait_ms(1);
  give(1024, 1024);
  expect_block(2, 1024, content + 1024, 1024, 0);
}

static void test_old_requests_are_ignored(void **state) {
  (void)state;
  begin();
  hear("CCC");  // sent before the block came
  expect_silence();
  wait_ms(1000);
  hear("C");
  expect_block(1, 1024, content, 1024, 0);
  hear("xyz" ACK);
  wait_ms(1000);
  give(1024, 1024);
  expect_block(2, 1024, content + 1024, 1024, 0);
  wait_ms(2000);
  hear("C");  // it never begins anew
  expect_silence();
}

static void test_the_end_is_repeated(void **state) {
  (void)state;
  start(MODEM_XMODEM);
  ask("C");
  give_file("", 0);
  for (int i = 0; i < 10; i++) {
    expect_byte(4);
    hear(NAK);
  }
  expect_byte(4);
  hear(NAK);
  expect_cancel(MODEM_END_ERRORS);
}

static void test_a_lost_word_behind_a_batch(void **state) {
  (void)state;
  start(MODEM_YMODEM);
  ask("C");
  modem_sender_finish(&s, now);
  for (int i = 0; i < 3; i++) {
    expect_block(0, 128, "", 0, 0);
    wait_ms(3000);
  }
  expect_block(0, 128, "", 0, 0);
  wait_ms(3000);
  assert_int_equal(s.event, MODEM_OVER);
  assert_int_equal(s.end, MODEM_END_OK);
}

// ---- Ends ------------------------------------------------------------------

static void test_nobody_asks(void **state) {
  (void)state;
  start(MODEM_YMODEM);
  hear("login: ");
  wait_ms(59999);
  expect_silence();
  wait_ms(1);
  expect_cancel(MODEM_END_NOT_STARTED);
}

static void test_words_of_a_console_are_no_request(void **state) {
  (void)state;
  start(MODEM_YMODEM);
  hear("load\r\nCome on: send a file by YMODEM or XMODEM (");
  wait_ms(99);
  hear("C");
  wait_ms(99);
  hear(")");
  wait_ms(10000);
  assert_int_equal(s.event, MODEM_IDLE);
  ask("C");
  assert_int_equal(s.event, MODEM_FILE);
}

static void test_cans(void **state) {
  (void)state;
  begin();
  hear(CAN "x" CAN);
  expect_silence();
  hear(CAN);
  expect_cancel(MODEM_END_CANCELLED);
}

static void test_cancel_from_here(void **state) {
  (void)state;
  start(MODEM_XMODEM);
  ask("C");
  give_file("", 3000);
  give(0, 128);
  modem_sender_sent(&s, 50, now);
  modem_sender_cancel(&s, now);
  expect_cancel(MODEM_END_STOPPED);
  modem_sender_cancel(&s, now);
  assert_int_equal(s.event, MODEM_OVER);
}

static void test_a_line_that_takes_nothing(void **state) {
  (void)state;
  start(MODEM_XMODEM);
  ask("C");
  give_file("", 10);
  give(0, 10);
  wait_ms(60000);
  assert_int_equal(s.end, MODEM_END_SILENT);
  wait_ms(60000);
  assert_int_equal(s.event, MODEM_OVER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ymodem),
      cmocka_unit_test(test_small_blocks_at_the_end),
      cmocka_unit_test(test_checksum),
      cmocka_unit_test(test_stream),
      cmocka_unit_test(test_a_stream_breaks),
      cmocka_unit_test(test_one_damaged_c_makes_no_stream),
      cmocka_unit_test(test_a_long_name_is_cut),
      cmocka_unit_test(test_nak_repeats),
      cmocka_unit_test(test_silence_repeats),
      cmocka_unit_test(test_second_answers_are_drained),
      cmocka_unit_test(test_old_requests_are_ignored),
      cmocka_unit_test(test_the_end_is_repeated),
      cmocka_unit_test(test_a_lost_word_behind_a_batch),
      cmocka_unit_test(test_nobody_asks),
      cmocka_unit_test(test_words_of_a_console_are_no_request),
      cmocka_unit_test(test_cans),
      cmocka_unit_test(test_cancel_from_here),
      cmocka_unit_test(test_a_line_that_takes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
