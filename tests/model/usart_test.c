// SPDX-License-Identifier: MIT
// USART: frames in their exact time, flags, interrupts, the receiver. Numbers are
// typed here from RM0410 34.8.
#include "sim/models/usart.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40011000u
#define BIT(n) (1u << (n))

enum {
  CR1 = 0x00,
  CR2 = 0x04,
  CR3 = 0x08,
  BRR = 0x0C,
  RQR = 0x18,
  ISR = 0x1C,
  ICR = 0x20,
  RDR = 0x24,
  TDR = 0x28,
};
#define UE         BIT(0)
#define RE         BIT(2)
#define TE         BIT(3)
#define RXNEIE     BIT(5)
#define TCIE       BIT(6)
#define TXEIE      BIT(7)
#define PCE        BIT(10)
#define M0         BIT(12)
#define OVER8      BIT(15)
#define M1         BIT(28)
#define STOP(n)    ((uint32_t)(n) << 12)
#define OVRDIS     BIT(12)
#define ORE        BIT(3)
#define RXNE       BIT(5)
#define TC         BIT(6)
#define TXE        BIT(7)
#define TEACK      BIT(21)
#define REACK      BIT(22)
#define RXFRQ      BIT(3)
#define AFTER_INIT (TXE | TC)

struct bench {
  struct chip chip;
  struct usart usart;
  uint8_t sent[16];
  vtime_t times[16];
  unsigned count;
  bool pin_lost;
};

static void on_tx(void *ctx, unsigned number, uint8_t byte) {
  struct bench *b = ctx;
  assert_int_equal(number, 1);
  b->times[b->count] = b->chip.sim.events.now;
  b->sent[b->count++] = byte;
}

static bool pin_ok(void *ctx, unsigned number, bool tx) {
  (void)number, (void)tx;
  return !((struct bench *)ctx)->pin_lost;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_USART1] = 16000000;
  usart_init(&b.usart, &b.chip.sim, BASE, chip_clocks(&b.chip), CLOCK_USART1);
  b.usart.irq = chip_irq(&b.chip, 37);
  b.usart.on_tx = on_tx;
  b.usart.pin_ok = pin_ok;
  b.usart.number = 1;
  b.usart.ctx = &b;
  chip_add(&b.chip, "USART1", BASE, 0x400, &b.usart, usart_read, usart_write);
  usart_reset(&b.usart);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  usart_free(&b->usart);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

// 16 clocks a bit, 10 bits a frame: 10 us.
static void start(struct bench *b, uint32_t more) {
  wr(b, BRR, 16);
  wr(b, CR1, UE | TE | RE | more);
}
#define FRAME VT_US(10)

// --- registers ----------------------------------------------------------------------

// What asynchronous use without LIN, mute mode and wake-up does not need is not
// modelled.
static const struct register_bits registers[] = {
    {"CR1", 0x00, 0, 0x17FFD7FF, 0, 0, 0x08002800},
    {"CR2", 0x04, 0, 0xFFF03010, 0, 0, 0x000FCF60},
    {"CR3", 0x08, 0, 0x0000FFC9, 0, 0, 0x00FE0036},
    {"BRR", 0x0C, 0, 0x0000FFFF, 0, 0, 0},
    {"GTPR", 0x10, 0, 0, 0, 0, 0x0000FFFF},
    {"RTOR", 0x14, 0, 0x00FFFFFF, 0, 0, 0xFF000000},
    {"RQR", 0x18, 0, 0, 0, 0x0000001B, 0x00000004},
    {"ISR", 0x1C, 0x000000C0, 0, 0x007FDFFF, 0, 0},
    {"ICR", 0x20, 0, 0, 0, 0x00121B5F, 0},
    {"RDR", 0x24, 0, 0, 0x000001FF, 0, 0},
    {"TDR", 0x28, 0, 0, 0, 0x000001FF, 0},
};

static void restart(void *ctx) {
  usart_reset(&((struct bench *)ctx)->usart);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x2C, &b->chip.sim, restart, b});
}

// --- frame times
// ----------------------------------------------------------------------

// Start bit, data bits (parity is one of them), stop bits in halves; the divider is
// BRR, with OVER8 BRR[15:4] and BRR[2:0] x 2, over 8 instead of 16.
static const struct {
  uint32_t cr1, cr2, brr;
  uint64_t hz;
  uint64_t clocks_by_2;  // of the frame, times two
} frames[] = {
    {0, STOP(0), 139, 16000000, 139 * 20},
    {0, STOP(2), 139, 16000000, 139 * 22},
    {0, STOP(1), 139, 16000000, 139 * 19},
    {0, STOP(3), 139, 16000000, 139 * 21},
    {M0, STOP(0), 139, 16000000, 139 * 22},
    {M0 | PCE, STOP(0), 139, 16000000, 139 * 22},
    {M1, STOP(0), 139, 16000000, 139 * 18},
    {0, STOP(0), 938, 108000000, 938 * 20},
    {0, STOP(0), 16, 108000000, 16 * 20},
    {0, STOP(0), 0xFFFF, 16000000, 65535 * 20},
    {OVER8, STOP(0), 0x0010, 16000000, 8 * 20},    // divider 16 / 2
    {OVER8, STOP(0), 0x0114, 16000000, 140 * 20},  // 0x110 + 4 x 2 = 280, / 2
};

static void frames_take_their_exact_time(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    usart_reset(&b->usart);
    b->chip.hz[CLOCK_USART1] = frames[i].hz;
    wr(b, BRR, frames[i].brr);
    wr(b, CR2, frames[i].cr2);
    wr(b, CR1, UE | TE | frames[i].cr1);
    b->count = 0;
    const vtime_t start_time = b->chip.sim.events.now;
    wr(b, TDR, 0x55);
    chip_pass(&b->chip, VT_MS(100));
    assert_int_equal(b->count, 1);
    const vtime_t wanted = vt_cycles(frames[i].clocks_by_2, 2 * frames[i].hz);
    if (b->times[0] - start_time != wanted) {
      fail_msg("row %zu: %llu ps, not %llu", i,
               (unsigned long long)(b->times[0] - start_time),
               (unsigned long long)wanted);
    }
  }
  expect_none(&b->chip);
}

// --- sending
// --------------------------------------------------------------------------

static void two_bytes_deep(void **state) {
  struct bench *b = *state;
  start(b, 0);
  assert_int_equal(rd(b, ISR), AFTER_INIT | TEACK | REACK);
  wr(b, TDR, 'a');  // into the shift register at once
  assert_int_equal(rd(b, ISR) & AFTER_INIT, TXE);
  wr(b, TDR, 'b');
  assert_int_equal(rd(b, ISR) & AFTER_INIT, 0);
  chip_pass(&b->chip, FRAME - 1);
  assert_int_equal(b->count, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, ISR) & AFTER_INIT, TXE);
  chip_pass(&b->chip, FRAME);
  assert_int_equal(rd(b, ISR) & AFTER_INIT, AFTER_INIT);
  assert_int_equal(b->count, 2);
  assert_memory_equal(b->sent, "ab", 2);
  assert_true(b->times[1] - b->times[0] == FRAME);  // back to back
  expect_none(&b->chip);
}

static void flags_raise_the_interrupt(void **state) {
  struct bench *b = *state;
  start(b, TXEIE);
  assert_true(b->chip.irq);
  assert_int_equal(b->chip.irq_number, 37);
  wr(b, TDR, 'a');
  wr(b, TDR, 'b');
  assert_false(b->chip.irq);
  chip_pass(&b->chip, FRAME);
  assert_true(b->chip.irq);
  wr(b, CR1, UE | TE | RE | TCIE);
  assert_false(b->chip.irq);
  chip_pass(&b->chip, FRAME);
  assert_true(b->chip.irq);
  wr(b, ICR, TC);
  assert_false(b->chip.irq);
  assert_int_equal(rd(b, ISR) & AFTER_INIT, TXE);
}

static void a_transmitter_that_is_off_sends_nothing(void **state) {
  struct bench *b = *state;
  static const uint32_t off[] = {0, UE, TE};
  for (size_t i = 0; i < 3; i++) {
    usart_reset(&b->usart);
    wr(b, BRR, 16);
    wr(b, CR1, off[i]);
    assert_int_equal(rd(b, ISR) & TEACK, 0);
    wr(b, TDR, 'x');
    expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
    chip_pass(&b->chip, VT_MS(1));
  }
  assert_int_equal(b->count, 0);
}

static void without_a_clock_or_divider_it_is_reported(void **state) {
  struct bench *b = *state;
  wr(b, CR1, UE | TE);
  wr(b, TDR, 'x');  // BRR 0
  expect_one(&b->chip, GUEST_CLOCK_LIMIT);
  usart_reset(&b->usart);
  start(b, 0);
  b->chip.hz[CLOCK_USART1] = 0;
  wr(b, TDR, 'x');
  expect_one(&b->chip, GUEST_CLOCK_LIMIT);
}

static void without_its_pin_the_byte_is_lost(void **state) {
  struct bench *b = *state;
  start(b, 0);
  b->pin_lost = true;
  wr(b, TDR, 'x');
  chip_pass(&b->chip, FRAME);
  expect_one(&b->chip, GUEST_PIN_AF);
  assert_int_equal(b->count, 0);
  b->pin_lost = false;
  wr(b, TDR, 'y');
  chip_pass(&b->chip, FRAME);
  assert_int_equal(b->sent[0], 'y');
  expect_none(&b->chip);
}

static void settings_are_frozen_while_it_is_on(void **state) {
  struct bench *b = *state;
  start(b, 0);
  wr(b, BRR, 32);
  expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
  assert_int_equal(rd(b, BRR), 16);
  static const uint32_t formats[] = {M0, M1, OVER8};
  for (size_t i = 0; i < 3; i++) {
    wr(b, CR1, UE | TE | RE | formats[i]);
    expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
    usart_reset(&b->usart);
    start(b, 0);
  }
}

static void switching_off_abandons_everything(void **state) {
  struct bench *b = *state;
  start(b, 0);
  wr(b, TDR, 'a');
  wr(b, TDR, 'b');
  usart_receive(&b->usart, 'c');
  wr(b, CR1, TE | RE);  // UE clear
  assert_int_equal(rd(b, ISR), AFTER_INIT);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(b->count, 0);
  wr(b, CR1, UE | TE | RE);
  wr(b, TDR, 'd');
  chip_pass(&b->chip, FRAME);
  assert_int_equal(b->count, 1);
  assert_int_equal(b->sent[0], 'd');
  expect_none(&b->chip);
}

// --- receiving -----------------------------------------------------------------------

static void a_byte_waits_in_rdr(void **state) {
  struct bench *b = *state;
  start(b, RXNEIE);
  assert_false(b->chip.irq);
  usart_receive(&b->usart, 0xA5);
  assert_true(rd(b, ISR) & RXNE);
  assert_true(b->chip.irq);
  assert_int_equal(rd(b, RDR), 0xA5);
  assert_int_equal(rd(b, ISR) & RXNE, 0);
  assert_false(b->chip.irq);
}

static void an_overrun_keeps_the_first_byte(void **state) {
  struct bench *b = *state;
  start(b, RXNEIE);
  usart_receive(&b->usart, 1);
  usart_receive(&b->usart, 2);
  assert_int_equal(rd(b, ISR) & (ORE | RXNE), ORE | RXNE);
  assert_int_equal(rd(b, RDR), 1);
  assert_true(b->chip.irq);  // ORE interrupts like RXNE
  wr(b, ICR, ORE);
  assert_false(b->chip.irq);
  assert_int_equal(rd(b, ISR) & (ORE | RXNE), 0);
}

static void overruns_can_be_ignored(void **state) {
  struct bench *b = *state;
  wr(b, CR3, OVRDIS);
  start(b, 0);
  usart_receive(&b->usart, 1);
  usart_receive(&b->usart, 2);
  assert_int_equal(rd(b, ISR) & (ORE | RXNE), RXNE);
  assert_int_equal(rd(b, RDR), 2);  // RM0410 34.8.3, OVRDIS: overwritten
}

static void a_request_drops_the_received_byte(void **state) {
  struct bench *b = *state;
  start(b, RXNEIE);
  usart_receive(&b->usart, 1);
  wr(b, RQR, RXFRQ);
  assert_int_equal(rd(b, ISR) & RXNE, 0);
  assert_false(b->chip.irq);
}

static void a_receiver_that_is_off_hears_nothing(void **state) {
  struct bench *b = *state;
  wr(b, BRR, 16);
  wr(b, CR1, UE | TE);
  usart_receive(&b->usart, 1);
  assert_int_equal(rd(b, ISR), AFTER_INIT | TEACK);
}

// --- the other end
// ---------------------------------------------------------------------

#define IDLE   BIT(4)
#define IDLEIE BIT(4)
#define FE     BIT(1)
#define EIE    BIT(0)
#define PS     BIT(9)

static void a_queue_arrives_at_the_line_rate(void **state) {
  struct bench *b = *state;
  start(b, RXNEIE);
  for (uint8_t i = 0; i < 5; i++)
    assert_true(usart_send(&b->usart, (uint8_t)(0x30 + i)));
  for (unsigned i = 0; i < 5; i++) {
    chip_pass(&b->chip, FRAME - 1);
    assert_false(b->chip.irq);
    chip_pass(&b->chip, 1);
    assert_true(b->chip.irq);
    assert_int_equal(rd(b, RDR), 0x30 + i);
  }
  expect_none(&b->chip);
}

static void the_rate_is_the_other_ends(void **state) {
  struct bench *b = *state;
  b->usart.far_baud = 970000;  // 3 % slower: borne
  start(b, 0);
  usart_send(&b->usart, 'x');
  chip_pass(&b->chip, FRAME);
  assert_int_equal(rd(b, ISR) & RXNE, 0);
  chip_pass(&b->chip, VT_NS(310));
  assert_int_equal(rd(b, RDR), 'x');
  expect_none(&b->chip);
}

static void a_wrong_rate_garbles_both_ways(void **state) {
  struct bench *b = *state;
  static const uint32_t rates[] = {950000, 1050000, 115200, 2000000};
  for (size_t i = 0; i < 4; i++) {
    usart_reset(&b->usart);
    b->count = 0;
    b->usart.far_baud = rates[i];
    wr(b, CR3, EIE);
    start(b, 0);
    wr(b, TDR, 'x');
    chip_pass(&b->chip, VT_MS(1));
    expect_one(&b->chip, GUEST_UART_BAUD);
    assert_int_equal(b->count, 1);
    assert_int_not_equal(b->sent[0], 'x');
    usart_send(&b->usart, 'y');
    chip_pass(&b->chip, VT_MS(1));
    expect_one(&b->chip, GUEST_UART_BAUD);
    assert_int_equal(rd(b, ISR) & (RXNE | FE), RXNE | FE);
    assert_true(b->chip.irq);
    assert_int_not_equal(rd(b, RDR), 'y');
  }
}

static void silence_is_noticed_once(void **state) {
  struct bench *b = *state;
  start(b, IDLEIE);
  usart_send(&b->usart, 1);
  usart_send(&b->usart, 2);
  chip_pass(&b->chip, 2 * FRAME);
  assert_int_equal(rd(b, ISR) & IDLE, 0);
  rd(b, RDR);
  chip_pass(&b->chip, FRAME - 1);
  assert_false(b->chip.irq);
  chip_pass(&b->chip, 1);
  assert_true(b->chip.irq);
  wr(b, ICR, IDLE);
  assert_false(b->chip.irq);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, ISR) & IDLE, 0);
}

static void parity_stands_above_the_data(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t format;
    uint8_t sent;
    uint16_t read;
  } cases[] = {
      {PCE, 0x41, 0x41},       {PCE, 0x43, 0xC3},       {PCE | PS, 0x41, 0xC1},
      {PCE | M0, 0xFF, 0x0FF}, {PCE | M0, 0xFE, 0x1FE}, {PCE | M0 | PS, 0xFF, 0x1FF},
      {PCE | M1, 0x3F, 0x3F},  {M1, 0xFF, 0x7F},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    usart_reset(&b->usart);
    b->count = 0;
    start(b, cases[i].format);
    usart_receive(&b->usart, cases[i].sent);
    assert_int_equal(rd(b, RDR), cases[i].read);
    wr(b, TDR, cases[i].sent | 0x80u);
    chip_pass(&b->chip, VT_MS(1));
    const uint32_t kept = cases[i].format == (PCE | M1) ? 0x3Fu
                          : cases[i].format & M0        ? 0xFFu
                                                        : 0x7Fu;
    assert_int_equal(b->sent[0], (cases[i].sent | 0x80u) & kept);
  }
}

static void what_nobody_listens_to_is_lost(void **state) {
  struct bench *b = *state;
  usart_send(&b->usart, 1);
  chip_pass(&b->chip, VT_MS(1));
  start(b, 0);
  assert_int_equal(rd(b, ISR) & RXNE, 0);
  b->pin_lost = true;
  usart_send(&b->usart, 2);
  chip_pass(&b->chip, VT_MS(1));
  expect_one(&b->chip, GUEST_PIN_AF);
  assert_int_equal(rd(b, ISR) & RXNE, 0);
}

static void a_full_queue_refuses(void **state) {
  struct bench *b = *state;
  for (unsigned i = 0; i < USART_QUEUE; i++)
    assert_true(usart_send(&b->usart, 0));
  assert_false(usart_send(&b->usart, 0));
  usart_hush(&b->usart);
  assert_true(usart_send(&b->usart, 0));
}

static void what_is_held_can_be_dropped(void **state) {
  struct bench *b = *state;
  start(b, 0);
  wr(b, TDR, 'a');
  wr(b, TDR, 'b');
  wr(b, RQR, BIT(4));  // TXFRQ
  assert_int_equal(rd(b, ISR) & TXE, TXE);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(b->count, 1);
}

static void reset_forgets_everything(void **state) {
  struct bench *b = *state;
  start(b, TXEIE);
  wr(b, TDR, 'a');
  usart_reset(&b->usart);
  assert_false(b->chip.irq);
  assert_int_equal(rd(b, ISR), AFTER_INIT);
  assert_int_equal(rd(b, CR1), 0);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(b->count, 0);
}

// --- more of the receiver -----------------------------------------------------------

#define CMIE  BIT(14)
#define RTOIE BIT(26)
#define RTOF  BIT(11)
#define CMF   BIT(17)
#define ABRF  BIT(15)
#define SBKF  BIT(18)

static void silence_times_out(void **state) {
  struct bench *b = *state;
  wr(b, 0x04, BIT(23));  // CR2: RTOEN
  wr(b, 0x14, 20);       // RTOR: bits of 1 us
  start(b, RTOIE);
  usart_receive(&b->usart, 1);
  chip_pass(&b->chip, VT_US(19));
  usart_receive(&b->usart, 2);
  chip_pass(&b->chip, VT_US(20) - 1);
  assert_int_equal(rd(b, ISR) & RTOF, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, ISR) & RTOF, RTOF);
  assert_true(b->chip.irq);
  wr(b, 0x20, RTOF);
  assert_false(b->chip.irq);
}

static void a_character_matches(void **state) {
  struct bench *b = *state;
  wr(b, 0x04, 0x0Au << 24);
  start(b, CMIE);
  usart_receive(&b->usart, 'a');
  assert_int_equal(rd(b, ISR) & CMF, 0);
  usart_receive(&b->usart, 0x0A);
  assert_int_equal(rd(b, ISR) & CMF, CMF);
  assert_true(b->chip.irq);
  wr(b, 0x20, CMF);
  assert_false(b->chip.irq);
}

static void the_rate_is_measured(void **state) {
  struct bench *b = *state;
  b->usart.far_baud = 500000;
  wr(b, 0x04, BIT(20));  // ABREN
  start(b, 0);
  usart_receive(&b->usart, 'U');
  assert_int_equal(rd(b, ISR) & ABRF, ABRF);
  assert_int_equal(rd(b, BRR), 32);
  assert_int_equal(rd(b, RDR), 'U');
  wr(b, 0x18, 1);  // ABRRQ
  assert_int_equal(rd(b, ISR) & ABRF, 0);
  expect_none(&b->chip);
}

static void a_break_ends_by_itself(void **state) {
  struct bench *b = *state;
  start(b, 0);
  wr(b, 0x18, 2);
  assert_int_equal(rd(b, ISR) & SBKF, SBKF);
  chip_pass(&b->chip, FRAME);
  assert_int_equal(rd(b, ISR) & SBKF, 0);
}

static bool tx_alone(void *ctx, unsigned number, bool tx) {
  (void)ctx, (void)number;
  return tx;
}

static void one_wire_is_both(void **state) {
  struct bench *b = *state;
  b->usart.pin_ok = tx_alone;
  wr(b, 0x08, BIT(3));  // HDSEL
  start(b, 0);
  usart_receive(&b->usart, 'h');
  assert_int_equal(rd(b, RDR), 'h');
  expect_none(&b->chip);
}

static void the_other_end_is_clear_to_send(void **state) {
  struct bench *b = *state;
  wr(b, 0x08, BIT(8) | BIT(9));  // RTSE, CTSE
  start(b, 0);
  assert_int_equal(rd(b, ISR) & BIT(10), BIT(10));
  wr(b, TDR, 'x');
  chip_pass(&b->chip, FRAME);
  assert_int_equal(b->count, 1);
  expect_none(&b->chip);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(frames_take_their_exact_time),
      TEST(two_bytes_deep),
      TEST(flags_raise_the_interrupt),
      TEST(a_transmitter_that_is_off_sends_nothing),
      TEST(without_a_clock_or_divider_it_is_reported),
      TEST(without_its_pin_the_byte_is_lost),
      TEST(settings_are_frozen_while_it_is_on),
      TEST(switching_off_abandons_everything),
      TEST(a_byte_waits_in_rdr),
      TEST(an_overrun_keeps_the_first_byte),
      TEST(overruns_can_be_ignored),
      TEST(a_request_drops_the_received_byte),
      TEST(a_receiver_that_is_off_hears_nothing),
      TEST(a_queue_arrives_at_the_line_rate),
      TEST(the_rate_is_the_other_ends),
      TEST(a_wrong_rate_garbles_both_ways),
      TEST(silence_is_noticed_once),
      TEST(parity_stands_above_the_data),
      TEST(what_nobody_listens_to_is_lost),
      TEST(a_full_queue_refuses),
      TEST(what_is_held_can_be_dropped),
      TEST(reset_forgets_everything),
      TEST(silence_times_out),
      TEST(a_character_matches),
      TEST(the_rate_is_measured),
      TEST(a_break_ends_by_itself),
      TEST(one_wire_is_both),
      TEST(the_other_end_is_clear_to_send),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
