// SPDX-License-Identifier: MIT
// The receiver, byte by byte: numbers, checks and times are typed here again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/protocol/modem.h"

static struct modem_receiver r;
static uint32_t now;

// ---- What a sender would send ----------------------------------------------

static uint8_t block[3 + 1024 + 2];
static size_t block_size;

// A block of `size` bytes that begins with `text` and goes on with `fill`.
static void make(uint8_t number, size_t size, const void *text, size_t n,
                 uint8_t fill) {
  block[0] = size == 1024 ? 0x02 : 0x01;
  block[1] = number;
  block[2] = (uint8_t)(255 - number);
  memset(block + 3, fill, size);
  memcpy(block + 3, text, n);
  uint32_t crc = 0;
  for (size_t i = 0; i < size; i++) {
    crc ^= (uint32_t)block[3 + i] << 8;
    for (int bit = 0; bit < 8; bit++) {
      crc = crc & 0x8000u ? (crc << 1) ^ 0x1021u : crc << 1;
    }
    crc &= 0xFFFFu;
  }
  block[3 + size] = (uint8_t)(crc >> 8);
  block[4 + size] = (uint8_t)crc;
  block_size = 5 + size;
}

static void make_sum(uint8_t number, uint8_t fill) {
  make(number, 128, "", 0, fill);
  block[3 + 128] = (uint8_t)(128u * fill);
  block_size = 4 + 128;
}

static void give(const void *bytes, size_t n) {
  assert_int_equal(modem_receiver_take(&r, bytes, n, now), n);
}

static void give_block(uint8_t number, size_t size, uint8_t fill) {
  make(number, size, "", 0, fill);
  give(block, block_size);
}

static void give_name(const char *text, size_t n) {
  make(0, 128, text, n, 0);
  give(block, block_size);
}

static void wait_ms(uint32_t ms) {
  now += ms;
  modem_receiver_take(&r, NULL, 0, now);
}

static void expect_output(const char *expected) {
  char out[MODEM_OUTPUT_MAX + 1] = "";
  const size_t n = modem_receiver_output(&r, (uint8_t *)out);
  out[n] = 0;
  assert_string_equal(out, expected);
}

#define ACK    "\x06"
#define NAK    "\x15"
#define CANCEL "\x18\x18\x18\x18\x18\x18\x18\x18\x08\x08\x08\x08\x08\x08\x08\x08"

static void start(enum modem_ask ask) {
  now = 5000;
  modem_receiver_start(&r, ask, now);
  expect_output(ask == MODEM_ASK_CRC ? "C" : "G");
}

static void accept_data(uint8_t fill, size_t size) {
  assert_int_equal(r.event, MODEM_DATA);
  assert_int_equal(r.size, size);
  for (size_t i = 0; i < size; i++) {
    assert_int_equal(r.data[i], fill);
  }
  modem_receiver_accept(&r, now);
}

// A block that is right, that the consumer takes, and that is acknowledged.
static void pass_block(uint8_t number, size_t size, uint8_t fill) {
  give_block(number, size, fill);
  accept_data(fill, size);
  expect_output(ACK);
}

// The first block, of a file whose name was just accepted.
static void pass_block_after(const char *answer) {
  expect_output(answer);
  pass_block(1, 128, 1);
}

// XMODEM, of which the first block has passed.
static void start_with_a_block(void) {
  start(MODEM_ASK_CRC);
  pass_block(1, 128, 1);
}

// Up to the consumer's event.
static void give_end(void) {
  give("\x04", 1);
  expect_output("");
  wait_ms(100);
  expect_output(NAK);
  give("\x04", 1);
  wait_ms(99);
  assert_int_equal(r.event, MODEM_IDLE);
  wait_ms(1);
  assert_int_equal(r.event, MODEM_FILE_END);
  expect_output("");
}

static void take_end(const char *answer) {
  give_end();
  modem_receiver_accept(&r, now);
  expect_output(answer);
}

static void expect_over(enum modem_end end) {
  if (end != MODEM_END_OK) {
    expect_output(CANCEL);
    assert_int_equal(r.event, MODEM_IDLE);
    wait_ms(1000);
  }
  assert_int_equal(r.event, MODEM_OVER);
  assert_int_equal(r.end, end);
}

// ---- Whole transfers -------------------------------------------------------

static void test_ymodem(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_name("a.dfu\0001100 14751234567 100644 0 1 1100", 39);
  assert_int_equal(r.event, MODEM_FILE);
  assert_string_equal(r.name, "a.dfu");
  assert_true(r.has_length && r.length == 1100 && !r.xmodem);
  expect_output("");
  modem_receiver_accept(&r, now);
  expect_output(ACK "C");
  pass_block(1, 1024, 'a');
  give_block(2, 128, 'b');
  accept_data('b', 1100 - 1024);
  expect_output(ACK);
  take_end(ACK "C");
  assert_int_equal(r.received, 1100);
  give_name("b", 1);
  assert_string_equal(r.name, "b");
  assert_false(r.has_length);
  modem_receiver_accept(&r, now);
  expect_output(ACK "C");
  take_end(ACK "C");
  give_name("", 0);
  expect_output(ACK);
  expect_over(MODEM_END_OK);
  assert_int_equal(r.files, 2);
}

static void test_xmodem_of_a_crc_sender(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_block(1, 128, 'x');
  assert_true(r.xmodem);
  accept_data('x', 128);
  expect_output(ACK);
  take_end(ACK);
  expect_over(MODEM_END_OK);
  // What comes then is not the receiver's, but for an EOT whose ACK was lost.
  assert_int_equal(modem_receiver_take(&r, (const uint8_t *)"\x04help", 5, now), 1);
  expect_output(ACK);
}

static void test_xmodem_of_a_checksum_sender(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  for (int i = 0; i < 9; i++) {
    wait_ms(3000);
    expect_output("C");
  }
  wait_ms(3000);
  expect_output(NAK);
  make_sum(1, 0x77);
  give(block, block_size);
  accept_data(0x77, 128);
  expect_output(ACK);
  make_sum(2, 0x78);
  give(block, block_size - 1);
  assert_int_equal(r.event, MODEM_IDLE);
  give(block + block_size - 1, 1);
  accept_data(0x78, 128);
  assert_int_equal(r.received, 256);
}

// The sender has heard a 'C' that lay in its buffer, while a checksum is asked for.
static void test_crc_although_a_checksum_is_asked_for(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  for (int i = 0; i < 10; i++) {
    wait_ms(3000);
  }
  (void)modem_receiver_output(&r, (uint8_t[MODEM_OUTPUT_MAX]){0});
  give_block(1, 1024, 9);
  accept_data(9, 1024);
  give_block(2, 1024, 10);
  accept_data(10, 1024);
}

static void test_empty_xmodem(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_end();
  assert_true(r.xmodem);
  modem_receiver_accept(&r, now);
  expect_output(ACK);
  expect_over(MODEM_END_OK);
  assert_int_equal(r.received, 0);
}

// Every file was confirmed; whether there were more, nobody knows.
static void test_batch_that_breaks_off(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_name("a\000128", 5);
  modem_receiver_accept(&r, now);
  expect_output(ACK "C");
  pass_block(1, 128, 1);
  take_end(ACK "C");
  for (int i = 0; i < 20; i++) {
    wait_ms(3000);
    expect_output("C");
  }
  wait_ms(3000);
  assert_int_equal(r.event, MODEM_OVER);
  assert_int_equal(r.end, MODEM_END_UNENDED);
  assert_int_equal(r.files, 1);
}

static void test_stream(void **state) {
  (void)state;
  start(MODEM_ASK_STREAM);
  give_name("f\0002048", 6);
  modem_receiver_accept(&r, now);
  expect_output(ACK "G");
  make(1, 1024, "", 0, 1);
  uint8_t two[2 * 1029];
  memcpy(two, block, 1029);
  make(2, 1024, "", 0, 2);
  memcpy(two + 1029, block, 1029);
  // Back-pressure: what is behind an unanswered block is not taken.
  assert_int_equal(modem_receiver_take(&r, two, sizeof two, now), 1029);
  assert_int_equal(modem_receiver_take(&r, two + 1029, 1029, now), 0);
  accept_data(1, 1024);
  expect_output("");
  assert_int_equal(modem_receiver_take(&r, two + 1029, 1029, now), 1029);
  accept_data(2, 1024);
  expect_output("");
  take_end(ACK "G");
}

static void test_block_numbers_wrap(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  for (unsigned i = 1; i <= 600; i++) {
    give_block((uint8_t)i, 128, (uint8_t)(i * 3));
    accept_data((uint8_t)(i * 3), 128);
  }
  assert_int_equal(r.received, 600 * 128);
}

// ---- Names -----------------------------------------------------------------

static void test_lengths(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t n;
    bool known;
    uint32_t length;
  } cases[] = {
      {"n\0001", 3, true, 1},
      {"n\0000", 3, false, 0},
      {"n\0 12", 5, false, 0},
      {"n\000999999999 0", 13, true, 999999999},
      {"n\0004294967295", 12, true, 4294967295u},
      {"n\0004294967296", 12, true, 4294967295u},
      {"n\00099999999999999999999", 22, true, 4294967295u},
      {"n\0007x", 4, true, 7},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    start(MODEM_ASK_CRC);
    give_name(cases[i].text, cases[i].n);
    assert_int_equal(r.event, MODEM_FILE);
    assert_int_equal(r.has_length, cases[i].known);
    if (cases[i].known) assert_int_equal(r.length, cases[i].length);
  }
}

static void test_names_fill_their_block(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  make(0, 1024, "", 0, 'n');
  give(block, block_size);
  assert_int_equal(strlen(r.name), 1024);
  assert_false(r.has_length);
  start(MODEM_ASK_CRC);
  char name[127];
  memset(name, 'n', 126);
  name[126] = 0;
  make(0, 128, name, sizeof name, '7');
  give(block, block_size);
  assert_int_equal(strlen(r.name), 126);
  assert_true(r.has_length && r.length == 7);
}

// ---- Repeats and damage ----------------------------------------------------

static void test_a_repeat_is_acknowledged_and_dropped(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_name("f\000200", 5);
  modem_receiver_accept(&r, now);
  expect_output(ACK "C");
  give_name("f\000200", 5);
  assert_int_equal(r.event, MODEM_IDLE);
  expect_output(ACK "C");
  pass_block(1, 128, 1);
  give_block(1, 128, 1);
  assert_int_equal(r.event, MODEM_IDLE);
  expect_output(ACK);
  // The number of the block before, but another content: somebody is out of step.
  give_block(1, 128, 2);
  expect_over(MODEM_END_OUT_OF_STEP);
}

static void test_out_of_order(void **state) {
  (void)state;
  static const uint8_t numbers[] = {0, 3, 255};
  for (size_t i = 0; i < sizeof numbers; i++) {
    start_with_a_block();
    give_block(numbers[i], 128, 1);
    expect_over(MODEM_END_OUT_OF_STEP);
  }
}

static void damage_and_ask(size_t at) {
  make(2, 128, "", 0, 2);
  block[at] ^= 1;
  give(block, block_size);
  assert_int_equal(r.event, MODEM_IDLE);
  wait_ms(999);
  expect_output("");
  wait_ms(1);
  expect_output(NAK);
}

static void test_damage_is_asked_for_again(void **state) {
  (void)state;
  static const size_t places[] = {1, 2, 3, 130, 131, 132};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    start_with_a_block();
    damage_and_ask(places[i]);
    pass_block(2, 128, 2);
  }
}

static void test_ten_damages_are_enough(void **state) {
  (void)state;
  start_with_a_block();
  for (int i = 0; i < 10; i++) {
    damage_and_ask(10);
  }
  make(2, 128, "", 0, 2);
  block[10] ^= 1;
  give(block, block_size);
  wait_ms(1000);
  expect_over(MODEM_END_ERRORS);
}

static void test_a_block_breaks_off(void **state) {
  (void)state;
  start_with_a_block();
  make(2, 128, "", 0, 2);
  give(block, 60);
  wait_ms(999);
  give(block + 60, 1);
  wait_ms(999);
  expect_output("");
  wait_ms(1);
  expect_output(NAK);
  give(block, block_size);
  accept_data(2, 128);
}

static void test_nothing_comes(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  for (int i = 0; i < 20; i++) {
    wait_ms(2999);
    expect_output("");
    wait_ms(1);
    expect_output(i < 9 ? "C" : NAK);
  }
  wait_ms(3000);
  expect_over(MODEM_END_NOT_STARTED);
}

static void test_nothing_more_comes(void **state) {
  (void)state;
  start_with_a_block();
  for (int i = 0; i < 10; i++) {
    wait_ms(9999);
    expect_output("");
    wait_ms(1);
    expect_output(NAK);
  }
  wait_ms(10000);
  expect_over(MODEM_END_SILENT);
}

static void test_a_stream_cannot_be_repaired(void **state) {
  (void)state;
  start(MODEM_ASK_STREAM);
  give_name("f\000300", 5);
  modem_receiver_accept(&r, now);
  expect_output(ACK "G");
  make(1, 128, "", 0, 1);
  block[50] ^= 1;
  give(block, block_size);
  wait_ms(1000);
  expect_over(MODEM_END_STREAM);
}

// ---- Noise -----------------------------------------------------------------

static void test_noise_before_the_start(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give("AT+GCAP\r", 8);  // ModemManager's probe
  expect_output("");
  wait_ms(1000);
  expect_output("C");
  give("C" NAK ACK "G", 4);  // an echo
  give_block(1, 128, 1);
  accept_data(1, 128);
}

static void test_an_end_inside_noise_is_none(void **state) {
  (void)state;
  start_with_a_block();
  // A block whose SOH became EOT, and whose number is that of EOT.
  make(4, 128, "", 0, 1);
  block[0] = 0x04;
  give(block, block_size);
  wait_ms(999);
  expect_output("");
  wait_ms(1);
  expect_output(NAK);
  assert_int_equal(r.event, MODEM_IDLE);
}

static void test_a_file_that_is_too_short(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_name("f\000129", 5);
  modem_receiver_accept(&r, now);
  give_block(1, 128, 1);
  accept_data(1, 128);
  expect_output(ACK "C" ACK);
  give("\x04", 1);
  wait_ms(100);
  expect_output(NAK);
  give("\x04", 1);
  wait_ms(100);
  expect_over(MODEM_END_SHORT);
}

static void test_an_end_behind_a_lost_block(void **state) {
  (void)state;
  start_with_a_block();
  damage_and_ask(10);
  give("\x04", 1);
  wait_ms(100);
  expect_output(NAK);
  give("\x04", 1);
  wait_ms(100);
  expect_over(MODEM_END_SHORT);
}

static void give_an_end_and_silence(void) {
  give("\x04", 1);
  wait_ms(100);
  expect_output(NAK);
  wait_ms(9999);
  expect_output("");
  wait_ms(1);
}

// The sender took our refusal for an ACK. (It hears the last word when it looks again.)
static void test_silence_is_the_second_end_of_a_whole_file(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_name("f\000128", 5);
  modem_receiver_accept(&r, now);
  pass_block_after(ACK "C");
  give_an_end_and_silence();
  assert_int_equal(r.event, MODEM_FILE_END);
}

// The sender was killed, and somebody has pressed Ctrl-D.
static void test_silence_ends_nothing_else(void **state) {
  (void)state;
  start_with_a_block();
  give_an_end_and_silence();
  assert_int_equal(r.event, MODEM_IDLE);
  for (int i = 0; i < 10; i++) {
    expect_output(NAK);
    wait_ms(10000);
  }
  expect_over(MODEM_END_SILENT);
  // The same with a length of which less has come, and with none at all.
  static const char *const names[] = {"f\000129", "f\0000xx"};
  for (size_t i = 0; i < 2; i++) {
    start(MODEM_ASK_CRC);
    give_name(names[i], 5);
    modem_receiver_accept(&r, now);
    pass_block_after(ACK "C");
    give_an_end_and_silence();
    assert_int_equal(r.event, MODEM_IDLE);
    expect_output(NAK);
  }
}

// Our refusal was lost: the next one is heard, and the EOT behind it counts.
static void test_an_end_after_silence(void **state) {
  (void)state;
  start_with_a_block();
  give_an_end_and_silence();
  expect_output(NAK);
  give("\x04", 1);
  wait_ms(100);
  assert_int_equal(r.event, MODEM_FILE_END);
}

// ---- Cancelling ------------------------------------------------------------

static void test_two_cans_cancel_between_blocks(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give("\x18", 1);
  give_block(1, 128, 1);  // one was noise
  accept_data(1, 128);
  expect_output(ACK);
  give("\x18\x18", 2);
  expect_over(MODEM_END_CANCELLED);
}

static void test_cans_inside_a_block(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_block(1, 128, 0x18);  // data may look like it
  accept_data(0x18, 128);
  expect_output(ACK);
  make(2, 128, "", 0, 1);
  give(block, 60);
  give("\x18\x18\x18\x18\x18\x08\x08\x08\x08\x08", 10);
  wait_ms(1000);
  expect_over(MODEM_END_CANCELLED);
}

// They fill the block up, to its last byte or beyond it: it was not damaged, but ended.
static void test_cans_that_complete_a_block(void **state) {
  (void)state;
  for (size_t missing = 1; missing <= 20; missing++) {
    start(MODEM_ASK_CRC);
    make(1, 128, "", 0, 1);
    give(block, block_size - missing);
    give(CANCEL, 16);
    wait_ms(1000);
    expect_over(MODEM_END_CANCELLED);
  }
}

static void test_cans_while_the_consumer_works(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_block(1, 128, 1);
  give("\x18\x18\x18\x18", 4);
  assert_int_equal(r.event, MODEM_DATA);
  give("\x18", 1);
  expect_over(MODEM_END_CANCELLED);
}

static void test_cancel_from_here(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  make(1, 128, "", 0, 1);
  give(block, 20);
  modem_receiver_cancel(&r, now);
  // The rest of the file is nobody's command.
  give(block + 20, 100);
  expect_output(CANCEL);
  wait_ms(999);
  assert_int_equal(r.event, MODEM_IDLE);
  wait_ms(1);
  assert_int_equal(r.event, MODEM_OVER);
  assert_int_equal(r.end, MODEM_END_STOPPED);
  assert_int_equal(modem_receiver_take(&r, (const uint8_t *)"help", 4, now), 0);
}

static void test_a_line_that_babbles_ends_all_the_same(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  modem_receiver_cancel(&r, now);
  uint32_t ms = 0;
  while (r.event != MODEM_OVER && ms < 60000) {
    now += 100;
    ms += 100;
    modem_receiver_take(&r, (const uint8_t *)"x", 1, now);
  }
  assert_in_range(ms, 29000, 31000);
}

// ---- The consumer ----------------------------------------------------------

static void test_the_ack_waits_for_the_consumer(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  give_block(1, 128, 1);
  wait_ms(20000);
  // The sender's patience is over; it repeats.
  give_block(1, 128, 1);
  expect_output("");
  accept_data(1, 128);
  expect_output(ACK);
  give_block(2, 128, 2);
  wait_ms(29999);
  assert_int_equal(r.event, MODEM_DATA);
  wait_ms(1);
  expect_over(MODEM_END_TOO_SLOW);
}

static void test_the_end_waits_for_the_consumer(void **state) {
  (void)state;
  start_with_a_block();
  give_end();
  for (int i = 0; i < 4; i++) {
    wait_ms(10000);
    give("\x04", 1);
    expect_output("");
  }
  modem_receiver_accept(&r, now);
  expect_output(ACK);
}

static void test_an_answer_to_nothing_is_nothing(void **state) {
  (void)state;
  start(MODEM_ASK_CRC);
  modem_receiver_accept(&r, now);
  expect_output("");
  assert_int_equal(r.event, MODEM_IDLE);
}

static void test_sentences(void **state) {
  (void)state;
#define X(name, number, sentence)                                      \
  assert_string_equal(modem_end_sentence(MODEM_END_##name), sentence); \
  assert_true(strlen(sentence) > 10);
  MODEM_END_LIST(X)
#undef X
  assert_non_null(modem_end_sentence((enum modem_end)99));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ymodem),
      cmocka_unit_test(test_xmodem_of_a_crc_sender),
      cmocka_unit_test(test_xmodem_of_a_checksum_sender),
      cmocka_unit_test(test_crc_although_a_checksum_is_asked_for),
      cmocka_unit_test(test_empty_xmodem),
      cmocka_unit_test(test_batch_that_breaks_off),
      cmocka_unit_test(test_stream),
      cmocka_unit_test(test_block_numbers_wrap),
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_names_fill_their_block),
      cmocka_unit_test(test_a_repeat_is_acknowledged_and_dropped),
      cmocka_unit_test(test_out_of_order),
      cmocka_unit_test(test_damage_is_asked_for_again),
      cmocka_unit_test(test_ten_damages_are_enough),
      cmocka_unit_test(test_a_block_breaks_off),
      cmocka_unit_test(test_nothing_comes),
      cmocka_unit_test(test_nothing_more_comes),
      cmocka_unit_test(test_a_stream_cannot_be_repaired),
      cmocka_unit_test(test_noise_before_the_start),
      cmocka_unit_test(test_an_end_inside_noise_is_none),
      cmocka_unit_test(test_a_file_that_is_too_short),
      cmocka_unit_test(test_an_end_behind_a_lost_block),
      cmocka_unit_test(test_silence_is_the_second_end_of_a_whole_file),
      cmocka_unit_test(test_silence_ends_nothing_else),
      cmocka_unit_test(test_an_end_after_silence),
      cmocka_unit_test(test_two_cans_cancel_between_blocks),
      cmocka_unit_test(test_cans_that_complete_a_block),
      cmocka_unit_test(test_cans_inside_a_block),
      cmocka_unit_test(test_cans_while_the_consumer_works),
      cmocka_unit_test(test_cancel_from_here),
      cmocka_unit_test(test_a_line_that_babbles_ends_all_the_same),
      cmocka_unit_test(test_the_ack_waits_for_the_consumer),
      cmocka_unit_test(test_the_end_waits_for_the_consumer),
      cmocka_unit_test(test_an_answer_to_nothing_is_nothing),
      cmocka_unit_test(test_sentences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
