// SPDX-License-Identifier: MIT
// The RTC: its calendar, alarms and wake-ups at exact times, its locks, its backup
// registers. Sequences and numbers are typed here from RM0410 32.3 and 32.6.
#include "sim/models/rtc.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40002800u
#define BKP(n) (BASE + 0x50u + 4u * (n))

struct bench {
  struct chip chip;
  struct rtc rtc;
  bool wire[3];
  unsigned rises[3];
};

enum {
  TR = 0x00,
  DR = 0x04,
  CR = 0x08,
  ISR = 0x0C,
  PRER = 0x10,
  WUTR = 0x14,
  ALRMAR = 0x1C,
  ALRMBR = 0x20,
  WPR = 0x24,
  SSR = 0x28,
  SHIFTR = 0x2C,
  TSTR = 0x30,
  TSDR = 0x34,
  TSSSR = 0x38,
  TAMPCR = 0x40,
  ALRMASSR = 0x44,
  OR = 0x4C,
};
#define BIT(n)      (1u << (n))
#define BYPSHAD     BIT(5)
#define FMT         BIT(6)
#define ALRAE       BIT(8)
#define ALRBE       BIT(9)
#define WUTE        BIT(10)
#define ALRAIE      BIT(12)
#define ALRBIE      BIT(13)
#define WUTIE       BIT(14)
#define ADD1H       BIT(16)
#define SUB1H       BIT(17)
#define ALRAWF      BIT(0)
#define WUTWF       BIT(2)
#define INITS       BIT(4)
#define RSF         BIT(5)
#define INITF       BIT(6)
#define INIT        BIT(7)
#define ALRAF       BIT(8)
#define ALRBF       BIT(9)
#define WUTF        BIT(10)
#define CLEAR(flag) (0x0003FFFFu & ~((flag) | INIT))
#define MSK(n)      (BIT(7) << 8 * ((n)-1))

static void on_wire(void *ctx, unsigned number, bool level) {
  struct bench *b = ctx;
  if (level && !b->wire[number]) b->rises[number]++;
  b->wire[number] = level;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  rtc_init(&b.rtc, &b.chip.sim, chip_clocks(&b.chip));
  b.rtc.alarm_irq = (struct irq_line){on_wire, &b, 0};
  b.rtc.wakeup_irq = (struct irq_line){on_wire, &b, 1};
  b.rtc.tamper_irq = (struct irq_line){on_wire, &b, 2};
  chip_add(&b.chip, "RTC", BASE, 0x400, &b.rtc, rtc_read, rtc_write);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  rtc_free(&b->rtc);
  chip_stop(&b->chip);
  return 0;
}

#define ALL 0xFFFFFFFFu
// Registers that only answer in initialisation, or while their alarm is off, are
// tested in those sequences; what is not modelled says so.
static const struct register_bits registers[] = {
    {"ISR", 0x0C, 0x00000007, 0, 0xFFFD005F, 0x0002FFA0, 0},
    {"WUTR", 0x14, 0x0000FFFF, 0x0000FFFF, 0, 0, 0},
    {"ALRMAR", 0x1C, 0, ALL, 0, 0, 0},
    {"ALRMBR", 0x20, 0, ALL, 0, 0, 0},
    {"WPR", 0x24, 0, 0, 0, 0x000000FF, 0},
    {"SSR", 0x28, 0x000000FF, 0, 0x0000FFFF, 0, 0},
    {"SHIFTR", 0x2C, 0, 0, 0, 0x80007FFF, 0},
    {"TSTR", 0x30, 0, 0, 0x007F7F7F, 0, 0},
    {"TSDR", 0x34, 0, 0, 0x0000FF3F, 0, 0},
    {"TSSSR", 0x38, 0, 0, 0x0000FFFF, 0, 0},
    {"CALR", 0x3C, 0, 0x0000E1FF, 0, 0, 0},
    {"TAMPCR", 0x40, 0, 0x01FFFFFF, 0, 0, 0},
    {"ALRMASSR", 0x44, 0, 0x0F007FFF, 0, 0, 0},
    {"ALRMBSSR", 0x48, 0, 0x0F007FFF, 0, 0, 0},
    {"OR", 0x4C, 0, 0x0000000E, 0, 0, 0},
    {"BKP0R", 0x50, 0, ALL, 0, 0, 0},
    {"BKP1R", 0x54, 0, ALL, 0, 0, 0},
};

static void restart(void *ctx) {
  struct bench *b = ctx;
  rtc_backup_reset(&b->rtc);
  b->rtc.backup_unlocked = b->rtc.unlocked = true;
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0, &b->chip.sim, restart, b});
}

static void thirty_two_registers_keep_their_words(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  for (uint32_t i = 0; i < 32; i++)
    chip_write(&b->chip, BKP(i), 0x9E3779B9u * (i + 1));
  for (uint32_t i = 0; i < 32; i++)
    assert_int_equal(chip_read(&b->chip, BKP(i)), 0x9E3779B9u * (i + 1));
  expect_none(&b->chip);
  chip_read(&b->chip, BKP(32));
  expect_one(&b->chip, GUEST_BAD_REGISTER);
}

static void bytes_and_half_words_too(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  chip_write(&b->chip, BKP(3), 0x11223344);
  bus_mmio_write(&b->chip.sim.bus, BKP(3) + 3, 1, 0xAA);
  bus_mmio_write(&b->chip.sim.bus, BKP(3), 2, 0xBBCC);
  assert_int_equal(chip_read(&b->chip, BKP(3)), 0xAA22BBCC);
  assert_int_equal(bus_mmio_read(&b->chip.sim.bus, BKP(3) + 2, 1), 0x22);
}

static void locked_they_are_read_only(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  chip_write(&b->chip, BKP(31), 5);
  b->rtc.backup_unlocked = false;
  chip_write(&b->chip, BKP(31), 6);
  expect_one(&b->chip, GUEST_BACKUP_LOCKED);
  assert_int_equal(chip_read(&b->chip, BKP(31)), 5);
  expect_none(&b->chip);
}

static void a_backup_reset_clears_them(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  chip_write(&b->chip, BKP(0), 5);
  rtc_backup_reset(&b->rtc);
  assert_int_equal(chip_read(&b->chip, BKP(0)), 0);
  assert_int_equal(chip_read(&b->chip, BASE + 0x10), 0x007F00FF);
}

// --- calendar -----------------------------------------------------------------------

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static void unlock(struct bench *b) {
  b->rtc.backup_unlocked = true;
  wr(b, WPR, 0xCA);
  wr(b, WPR, 0x53);
}

static void run_from_lse(struct bench *b) {
  b->chip.hz[CLOCK_RTC] = 32768;
  rtc_clock_changed(&b->rtc);
}

// RM0410 32.3.7, "Calendar initialization and configuration". The calendar runs from
// the moment that INIT is cleared.
static void set_clock(struct bench *b, uint32_t tr, uint32_t dr, uint32_t cr) {
  run_from_lse(b);
  unlock(b);
  wr(b, CR, BYPSHAD | cr);
  wr(b, ISR, INIT);
  assert_int_equal(rd(b, ISR) & INITF, 0);
  chip_pass(&b->chip, vt_cycles(2, 32768));
  assert_int_equal(rd(b, ISR) & INITF, INITF);
  wr(b, PRER, 255);
  wr(b, PRER, 255 | 127u << 16);
  wr(b, TR, tr);
  wr(b, DR, dr);
  wr(b, ISR, 0);
  expect_none(&b->chip);
}

#define MONDAY (1u << 13)

static void seconds_pass(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x235957, 0x231231 | 7u << 13, 0);  // Sunday
  assert_int_equal(rd(b, ISR) & INITS, INITS);
  chip_pass(&b->chip, VT_S(1) - VT_NS(1));
  assert_int_equal(rd(b, TR), 0x235957);
  chip_pass(&b->chip, VT_NS(2));
  assert_int_equal(rd(b, TR), 0x235958);
  chip_pass(&b->chip, VT_S(2));
  assert_int_equal(rd(b, TR), 0);
  assert_int_equal(rd(b, DR), 0x240101 | MONDAY);
}

static void months_have_their_days(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t before, after;
  } ends[] = {
      {0x230228, 0x230301}, {0x240228, 0x240229}, {0x240229, 0x240301},
      {0x000228, 0x000229}, {0x230131, 0x230201}, {0x230331, 0x230401},
      {0x230430, 0x230501}, {0x230630, 0x230701}, {0x230731, 0x230801},
      {0x230831, 0x230901}, {0x230930, 0x231001}, {0x231130, 0x231201},
      {0x991231, 0x000101},
  };
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    set_clock(b, 0x235959, ends[i].before | 3u << 13, 0);
    chip_pass(&b->chip, VT_S(1) + VT_NS(1));
    assert_int_equal(rd(b, DR), ends[i].after | 4u << 13);
  }
}

static void a_hundred_days_are_exact(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x120000, 0x240615 | 6u << 13, 0);
  chip_pass(&b->chip, VT_S(100ull * 86400) + VT_NS(1));
  assert_int_equal(rd(b, TR), 0x120000);
  assert_int_equal(rd(b, DR), 0x240923 | MONDAY);
}

static void twelve_hours_and_pm(void **state) {
  struct bench *b = *state;
  static const uint32_t hours[][2] = {// in, and one second later
                                      {0x115959, 0x520000},
                                      {0x525959, 0x410000},
                                      {0x515959, 0x120000},
                                      {0x125959, 0x010000}};
  for (size_t i = 0; i < 4; i++) {
    set_clock(b, hours[i][0], 0x230101, FMT);
    chip_pass(&b->chip, VT_S(1) + VT_NS(1));
    assert_int_equal(rd(b, TR), hours[i][1]);
  }
}

static void sub_seconds_count_down(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  assert_int_equal(rd(b, SSR), 255);
  chip_pass(&b->chip, VT_MS(500) + VT_NS(1));
  assert_int_equal(rd(b, SSR), 127);
  chip_pass(&b->chip, VT_MS(500) - VT_NS(2));
  assert_int_equal(rd(b, SSR), 0);
  chip_pass(&b->chip, VT_NS(2));
  assert_int_equal(rd(b, SSR), 255);
  assert_int_equal(rd(b, TR), 1);
}

static void an_hour_more_or_less(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x013000, 0x230101, 0);
  wr(b, CR, BYPSHAD | ADD1H);
  assert_int_equal(rd(b, TR), 0x023000);
  wr(b, CR, BYPSHAD | SUB1H);
  assert_int_equal(rd(b, TR), 0x013000);
  assert_int_equal(rd(b, CR), BYPSHAD);
}

static void a_read_freezes_what_is_read_after_it(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x235959, 0x230101 | MONDAY, 0);
  wr(b, CR, 0);
  rd(b, SSR);
  chip_pass(&b->chip, VT_S(2));
  assert_int_equal(rd(b, TR), 0x235959);
  assert_int_equal(rd(b, DR), 0x230101 | MONDAY);  // and lets go
  assert_int_equal(rd(b, TR), 0x000001);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(rd(b, TR), 0x000002);  // TR alone freezes only DR
  assert_int_equal(rd(b, DR), 0x230102 | 2u << 13);
}

static void rsf_comes_back_by_itself(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  wr(b, CR, 0);
  wr(b, ISR, CLEAR(RSF));
  assert_int_equal(rd(b, ISR) & RSF, 0);
  chip_pass(&b->chip, vt_cycles(2, 32768));
  assert_int_equal(rd(b, ISR) & RSF, RSF);
  rtc_system_reset(&b->rtc);
  assert_int_equal(rd(b, ISR) & RSF, 0);
}

static void without_a_clock_it_stands(void **state) {
  struct bench *b = *state;
  unlock(b);
  wr(b, ISR, INIT);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(rd(b, ISR) & INITF, 0);
  wr(b, ISR, 0);
  set_clock(b, 0, 0x230101, 0);
  b->chip.hz[CLOCK_RTC] = 0;
  rtc_clock_changed(&b->rtc);
  chip_pass(&b->chip, VT_S(5));
  assert_int_equal(rd(b, TR), 0);
}

static void resets_leave_it_running(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  chip_pass(&b->chip, VT_S(2));
  rtc_system_reset(&b->rtc);
  rtc_clock_changed(&b->rtc);
  chip_pass(&b->chip, VT_S(2) + VT_NS(1));
  assert_int_equal(rd(b, TR), 4);
}

// --- locks --------------------------------------------------------------------------

static void the_keys_come_in_order(void **state) {
  struct bench *b = *state;
  static const struct {
    uint8_t keys[3];
    bool opens;
  } cases[] = {{{0xCA, 0x53, 0}, false},
               {{0, 0xCA, 0x53}, true},
               {{0x53, 0xCA, 0}, false},
               {{0xCA, 0, 0x53}, false},
               {{0xCA, 0xCA, 0x53}, true}};
  b->rtc.backup_unlocked = true;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rtc_system_reset(&b->rtc);
    for (unsigned k = 0; k < 3; k++)
      wr(b, WPR, cases[i].keys[k]);
    wr(b, CR, BYPSHAD);
    if (cases[i].opens) {
      expect_none(&b->chip);
    } else {
      expect_one(&b->chip, GUEST_RTC_LOCKED);
    }
  }
}

static void the_calendar_is_set_in_initialisation_only(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x010203, 0x230101, 0);
  static const uint32_t offsets[] = {TR, DR, PRER};
  for (size_t i = 0; i < 3; i++) {
    const uint32_t before = rd(b, offsets[i]);
    wr(b, offsets[i], 0);
    expect_one(&b->chip, GUEST_RTC_LOCKED);
    assert_int_equal(rd(b, offsets[i]), before);
  }
}

static void an_alarm_that_is_on_is_not_changed(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  wr(b, CR, BYPSHAD | ALRAE);
  assert_int_equal(rd(b, ISR) & ALRAWF, 0);
  wr(b, ALRMAR, 5);
  expect_one(&b->chip, GUEST_RTC_LOCKED);
  wr(b, CR, BYPSHAD);
  assert_int_equal(rd(b, ISR) & ALRAWF, 0);
  chip_pass(&b->chip, vt_cycles(2, 32768));
  assert_int_equal(rd(b, ISR) & ALRAWF, ALRAWF);
  wr(b, ALRMAR, 5);
  assert_int_equal(rd(b, ALRMAR), 5);
  expect_none(&b->chip);
}

static void a_wakeup_timer_that_is_on_is_not_changed(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  wr(b, CR, BYPSHAD | WUTE);
  assert_int_equal(rd(b, ISR) & WUTWF, 0);
  wr(b, WUTR, 5);
  expect_one(&b->chip, GUEST_RTC_LOCKED);
  wr(b, CR, BYPSHAD | WUTE | 3);
  expect_one(&b->chip, GUEST_RTC_LOCKED);
}

// --- alarms, wake-ups
// -----------------------------------------------------------------

static void an_alarm_at_its_second(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x095955, 0x230107 | 6u << 13, 0);
  wr(b, ALRMAR, 0x07100000);  // the 7th, 10:00:00
  wr(b, CR, BYPSHAD | ALRAE | ALRAIE);
  chip_pass(&b->chip, VT_S(5) - VT_NS(1));
  assert_false(b->wire[0]);
  chip_pass(&b->chip, VT_NS(2));
  assert_true(b->wire[0]);
  assert_int_equal(rd(b, ISR) & ALRAF, ALRAF);
  wr(b, ISR, CLEAR(ALRAF));
  assert_false(b->wire[0]);
  chip_pass(&b->chip, VT_S(86400));
  assert_int_equal(b->rises[0], 1);  // another day
}

static void masks_make_it_come_again(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t alarm;
    unsigned times;  // in an hour and a second
  } cases[] = {
      {MSK(1) | MSK(2) | MSK(3) | MSK(4), 3601},
      {MSK(2) | MSK(3) | MSK(4) | 0x30, 60},
      {MSK(3) | MSK(4) | 0x3000, 1},
      {MSK(4) | 0x003000, 1},
      {BIT(30) | 2u << 24 | 0x003000, 1},  // Tuesday
      {BIT(30) | 3u << 24 | 0x003000, 0},
      {0x01003000, 1},
      {0x02003000, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set_clock(b, 0, 0x230101 | 2u << 13, 0);
    wr(b, ALRMAR, cases[i].alarm);
    b->rises[0] = 0;
    wr(b, CR, BYPSHAD | ALRAE | ALRAIE);
    for (unsigned s = 0; s < 3601; s++) {
      chip_pass(&b->chip, VT_S(1) + (s ? 0 : VT_NS(1)));
      if (b->wire[0]) wr(b, ISR, CLEAR(ALRAF));
    }
    if (b->rises[0] != cases[i].times) fail_msg("case %zu: %u times", i, b->rises[0]);
    wr(b, CR, BYPSHAD);
    chip_pass(&b->chip, VT_MS(1));
  }
}

static void an_alarm_within_the_second(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  wr(b, ALRMAR, MSK(1) | MSK(2) | MSK(3) | MSK(4));
  wr(b, ALRMASSR, 5u << 24 | 0);  // SSR[4:0] = 0: eight times a second
  wr(b, CR, BYPSHAD | ALRAE | ALRAIE);
  for (unsigned i = 1; i <= 20; i++) {
    // 31 ticks to the first, 32 from each to the next.
    const uint64_t ticks = i == 1 ? 31 : 32;
    chip_pass(&b->chip, vt_cycles(ticks * 128, 32768) - VT_NS(1));
    assert_int_equal(b->rises[0], i - 1);
    chip_pass(&b->chip, VT_NS(1) + 2);
    assert_int_equal(b->rises[0], i);
    assert_int_equal(rd(b, SSR) & 31, 0);
    wr(b, ISR, CLEAR(ALRAF));
  }
}

static void alarm_b_is_another(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  wr(b, ALRMBR, 0x01000002);
  wr(b, CR, BYPSHAD | ALRBE | ALRBIE);
  chip_pass(&b->chip, VT_S(2) + VT_NS(1));
  assert_int_equal(rd(b, ISR) & (ALRAF | ALRBF), ALRBF);
  assert_true(b->wire[0]);
}

static void wakeups_come_at_their_rate(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t select, reload;
    uint64_t clocks;
  } cases[] = {{0, 9, 160},
               {1, 9, 80},
               {2, 9, 40},
               {3, 0xFFFF, 131072},
               {4, 0, 32768},
               {5, 4, 5 * 32768},
               {6, 0, 65537ull * 32768}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set_clock(b, 0, 0x230101, 0);
    wr(b, WUTR, cases[i].reload);
    wr(b, CR, BYPSHAD | cases[i].select);
    b->rises[1] = 0;
    wr(b, CR, BYPSHAD | cases[i].select | WUTE | WUTIE);
    const vtime_t start = b->chip.sim.events.now;
    for (unsigned n = 1; n <= 3; n++) {
      const vtime_t at = start + vt_cycles(cases[i].clocks * n, 32768);
      chip_pass(&b->chip, at - VT_NS(1) - b->chip.sim.events.now);
      assert_int_equal(b->rises[1], n - 1);
      chip_pass(&b->chip, VT_NS(1) + 1);
      assert_int_equal(b->rises[1], n);
      wr(b, ISR, CLEAR(WUTF));
    }
    wr(b, CR, BYPSHAD | cases[i].select);
    chip_pass(&b->chip, VT_MS(1));
  }
}

// --- pins ---------------------------------------------------------------------------

#define TSEDGE   BIT(3)
#define TSE      BIT(11)
#define TSIE     BIT(15)
#define TSF      BIT(11)
#define TSOVF    BIT(12)
#define TAMPF(n) BIT(12 + (n))

static void an_edge_stamps_the_time(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x123456, 0x230731 | MONDAY, 0);
  wr(b, CR, BYPSHAD | TSE | TSIE);
  chip_pass(&b->chip, VT_MS(2500));
  rtc_pin(&b->rtc, 1, true);  // not the chosen one
  assert_int_equal(rd(b, ISR) & TSF, 0);
  rtc_pin(&b->rtc, 0, true);
  assert_int_equal(rd(b, ISR) & (TSF | TSOVF), TSF);
  assert_int_equal(b->rises[2], 1);
  assert_true(rtc_raises(&b->rtc));
  assert_int_equal(rd(b, TSTR), 0x123458);
  assert_int_equal(rd(b, TSDR), 0x0731 | MONDAY);
  assert_int_equal(rd(b, TSSSR), 127);
  rtc_pin(&b->rtc, 0, false);
  chip_pass(&b->chip, VT_S(1));
  rtc_pin(&b->rtc, 0, true);
  assert_int_equal(rd(b, ISR) & (TSF | TSOVF), TSF | TSOVF);
  assert_int_equal(rd(b, TSTR), 0x123458);
  wr(b, ISR, CLEAR(TSF | TSOVF));
  assert_false(b->wire[2]);
  wr(b, OR, 1u << 1);  // PI8, falling
  wr(b, CR, BYPSHAD | TSE | TSEDGE);
  rtc_pin(&b->rtc, 1, false);
  assert_int_equal(rd(b, ISR) & TSF, TSF);
}

static void tampering_erases_the_backup_registers(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  wr(b, 0x50, 1);
  wr(b, TAMPCR, 1 | BIT(2));  // TAMP1, rising, TAMPIE
  rtc_pin(&b->rtc, 0, true);
  assert_int_equal(rd(b, ISR) & TAMPF(1), TAMPF(1));
  assert_int_equal(rd(b, 0x50), 0);
  assert_int_equal(b->rises[2], 1);
  wr(b, ISR, CLEAR(TAMPF(1)));
  assert_false(b->wire[2]);
  wr(b, 0x50, 2);
  wr(b, TAMPCR, BIT(3) | BIT(4) | BIT(19) | BIT(20));  // TAMP2, falling, NOERASE
  rtc_pin(&b->rtc, 1, true);
  assert_int_equal(rd(b, ISR) & TAMPF(2), 0);
  rtc_pin(&b->rtc, 1, false);
  assert_int_equal(rd(b, ISR) & TAMPF(2), TAMPF(2));
  assert_int_equal(rd(b, 0x50), 2);
  assert_true(b->wire[2]);
}

static void a_filter_looks_at_levels(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  rtc_pin(&b->rtc, 2, true);
  wr(b, TAMPCR, BIT(5) | BIT(6) | BIT(11) | BIT(7));  // TAMP3, high, TAMPTS
  assert_int_equal(rd(b, ISR) & (TAMPF(3) | TSF), TAMPF(3) | TSF);
}

static void a_shift_moves_the_sub_seconds(void **state) {
  struct bench *b = *state;
  set_clock(b, 0x000010, 0x230101, 0);
  chip_pass(&b->chip, VT_MS(500));
  const uint32_t before = rd(b, SSR);
  wr(b, SHIFTR, 10);
  assert_int_equal(rd(b, SSR), before + 10);
  wr(b, SHIFTR, BIT(31));
  assert_int_equal(rd(b, TR), 0x000011);
  wr(b, SHIFTR, 200);  // more than this second has
  const uint32_t at = rd(b, TR);
  chip_pass(&b->chip, VT_MS(1000));
  assert_int_equal(rd(b, TR), at);
  chip_pass(&b->chip, VT_MS(400));
  assert_int_equal(rd(b, TR), at + 1);
}

static void no_power_no_time(void **state) {
  struct bench *b = *state;
  set_clock(b, 0, 0x230101, 0);
  wr(b, CR, BYPSHAD | WUTE | WUTIE);
  rtc_power_cut(&b->rtc);
  assert_true(event_next(&b->chip.sim.events) == VT_NEVER);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(thirty_two_registers_keep_their_words),
      TEST(bytes_and_half_words_too),
      TEST(locked_they_are_read_only),
      TEST(a_backup_reset_clears_them),
      TEST(seconds_pass),
      TEST(months_have_their_days),
      TEST(a_hundred_days_are_exact),
      TEST(twelve_hours_and_pm),
      TEST(sub_seconds_count_down),
      TEST(an_hour_more_or_less),
      TEST(a_read_freezes_what_is_read_after_it),
      TEST(rsf_comes_back_by_itself),
      TEST(without_a_clock_it_stands),
      TEST(resets_leave_it_running),
      TEST(the_keys_come_in_order),
      TEST(the_calendar_is_set_in_initialisation_only),
      TEST(an_alarm_that_is_on_is_not_changed),
      TEST(a_wakeup_timer_that_is_on_is_not_changed),
      TEST(an_alarm_at_its_second),
      TEST(masks_make_it_come_again),
      TEST(an_alarm_within_the_second),
      TEST(alarm_b_is_another),
      TEST(wakeups_come_at_their_rate),
      TEST(an_edge_stamps_the_time),
      TEST(tampering_erases_the_backup_registers),
      TEST(a_filter_looks_at_levels),
      TEST(a_shift_moves_the_sub_seconds),
      TEST(no_power_no_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
