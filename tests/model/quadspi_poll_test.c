// SPDX-License-Identifier: MIT
// QUADSPI automatic polling, and aborts in each phase of everything.
#include "tests/model/quadspi_rig.h"

static vtime_t now(const struct bench *b) {
  return b->rig.sim.events.now;
}

static void write_enable(struct bench *b) {
  op(b, 0x06 | I1);
  pass(b, VT_US(1));
}

// --- Automatic polling ---

static void start_polling(struct bench *b, uint32_t mask, uint32_t match, uint32_t cr) {
  wr(b, CR, PRESC(1) | EN | cr);
  wr(b, PSMKR, mask);
  wr(b, PSMAR, match);
  wr(b, PIR, 0x10);
  wr(b, DLR, 0);
  wr(b, CCR, 0x05 | I1 | D1 | POLL);
}

static void erase(struct bench *b) {
  op(b, 0x06 | I1);
  pass(b, VT_US(1));
  wr(b, CCR, 0x20 | I1 | AD1 | AS24);
  wr(b, AR, 0x4000);
  finish_within(b, VT_MS(1));
  wr(b, FCR, TCF);
}

// Polls are 16 clocks each, 16 apart; the first that begins so late that its end
// sees WIP gone is the one that matches, 30 ms of erase later.
static void polls_until_the_erase_is_over(void **state) {
  struct bench *b = *state;
  erase(b);
  pass(b, VT_US(1));
  const vtime_t start = now(b), end = nor_next_change(&b->rig.nor);
  start_polling(b, 1, 0, APMS | SMIE);
  unsigned events = 0;
  for (; !b->irq; events++) {
    assert_int_equal(rd(b, SR) & (BUSY | SMF), BUSY);
    event_run(&b->rig.sim.events, event_next(&b->rig.sim.events));
  }
  assert_true(events < 10);  // not one per poll
  assert_true(now(b) >= end && now(b) < end + sclk(33));
  const uint64_t clocks = ((now(b) - start) * 108 + 999999) / 1000000;
  assert_in_range((clocks - 16) % 32, 0, 1);
  assert_int_equal(rd(b, SR), SMF | FTF);
  assert_int_equal(rd_n(b, DR, 1), 0x00);
  assert_int_equal(rd(b, SR), SMF);
  wr(b, FCR, SMF);
  assert_false(b->irq);
  expect_quiet(&b->rig);
}

static void polls_an_immediate_match(void **state) {
  struct bench *b = *state;
  start_polling(b, 3, 0, APMS);
  pass(b, sclk(16) - 1);
  assert_int_equal(rd(b, SR), BUSY);
  pass(b, 1);
  assert_int_equal(rd(b, SR), SMF | FTF);
}

static void polling_goes_on_without_auto_stop(void **state) {
  struct bench *b = *state;
  start_polling(b, 1, 0, 0);
  pass(b, VT_US(10));
  assert_int_equal(rd(b, SR), BUSY | SMF | FTF);
  wr(b, PSMAR, 1);
  expect_only(&b->rig, GUEST_QSPI_BUSY);
  wr(b, CR, PRESC(1) | EN | ABORT);
  assert_int_equal(rd(b, SR) & (BUSY | TCF), TCF);
  expect_quiet(&b->rig);
}

static void match_by_and_and_by_or(void **state) {
  struct bench *b = *state;
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x54);
  static const struct {
    uint32_t mask, match, mode;
    bool matches;
  } cases[] = {
      {0xFF, 0x54, 0, true},   {0xFF, 0x55, 0, false},   {0x44, 0xFF, 0, true},
      {0x00, 0xFF, 0, true},   {0xFF, 0x55, PMM, true},  {0x03, 0x03, PMM, false},
      {0x06, 0x06, PMM, true}, {0x00, 0x00, PMM, false}, {0x01, 0x01, PMM, false},
      {0x01, 0x00, PMM, true},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    start_polling(b, cases[i].mask, cases[i].match, APMS | cases[i].mode);
    pass(b, VT_US(5));
    assert_int_equal(!!(rd(b, SR) & SMF), cases[i].matches);
    assert_int_equal(!(rd(b, SR) & BUSY), cases[i].matches);
    wr(b, CR, rd(b, CR) | ABORT);
    wr(b, FCR, SMF | TCF);
    pass(b, VT_US(1));
  }
  expect_quiet(&b->rig);
}

// Without an interval the reads follow each other as closely as CS# allows.
static void poll_interval_is_at_least_chip_select_high(void **state) {
  struct bench *b = *state;
  op(b, 0x06 | I1);
  pass(b, VT_US(1));
  for (unsigned csht = 0; csht < 8; csht += 7) {
    wr(b, DCR, FSIZE(25) | CSHT(csht));
    wr(b, CR, PRESC(1) | EN);
    wr(b, PSMKR, 2);
    wr(b, PSMAR, 0);
    wr(b, PIR, 0);
    wr(b, DLR, 0);
    wr(b, CCR, 0x05 | I1 | D1 | POLL);
    const vtime_t start = now(b);
    b->rig.nor.deaf_until = start + sclk(20);  // something that changes: two reads
    event_run(&b->rig.sim.events, event_next(&b->rig.sim.events));
    assert_int_equal(now(b) - start, sclk(16));
    const vtime_t second = event_next(&b->rig.sim.events) - start;
    const vtime_t expected = sclk(16 + csht + 1 + 16);
    assert_true(second >= expected && second <= expected + 2);
    wr(b, CR, rd(b, CR) | ABORT);
    wr(b, FCR, TCF | SMF);
    pass(b, VT_US(1));
  }
}

static void a_new_poll_has_no_status_yet(void **state) {
  struct bench *b = *state;
  start_polling(b, 1, 0, APMS);
  pass(b, VT_US(1));
  assert_int_equal(rd(b, SR), SMF | FTF);
  wr(b, CCR, 0x05 | I1 | D1 | POLL);
  assert_int_equal(rd(b, SR), SMF | BUSY);
}

static void polls_several_bytes(void **state) {
  struct bench *b = *state;
  wr(b, CR, PRESC(1) | EN | APMS);
  wr(b, PSMKR, 0xFFFFFF);
  wr(b, PSMAR, 0x1A20C2);
  wr(b, DLR, 2);
  wr(b, CCR, 0x9F | I1 | D1 | POLL);
  pass(b, sclk(8 + 24));
  assert_int_equal(rd(b, SR), SMF | FTF);
  assert_int_equal(rd_n(b, DR, 1), 0xC2);
  assert_int_equal(rd_n(b, DR, 2), 0x20C2);
  assert_int_equal(rd(b, DR), 0x1A20C2);
  wr(b, DLR, 4);
  wr(b, CCR, 0x9F | I1 | D1 | POLL);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  wr(b, CR, rd(b, CR) | ABORT);
  wr(b, CCR, 0x9F | I1 | POLL);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
}

// A chip that stays busy: no events at all, until somebody gives up.
static void polling_a_dead_chip(void **state) {
  struct bench *b = *state;
  b->rig.nor.faults.stay_busy = true;
  erase(b);
  start_polling(b, 1, 0, APMS);
  pass(b, VT_MS(1));
  assert_int_equal(event_next(&b->rig.sim.events), VT_NEVER);
  pass(b, VT_S(100));
  assert_int_equal(rd(b, SR), BUSY | FTF);
  wr(b, CR, rd(b, CR) | ABORT);
  assert_int_equal(rd(b, SR), TCF);
  expect_quiet(&b->rig);
}

// --- Abort ---

static void aborts(struct bench *b) {
  const uint32_t cr = rd(b, CR);
  wr(b, CR, cr | ABORT);
  assert_int_equal(rd(b, CR), cr);
  assert_int_equal(rd(b, SR) & (BUSY | TCF), TCF);
  assert_int_equal(FLEVEL(rd(b, SR)), 0);
  assert_int_equal(b->rig.nor.wire.phase, NOR_PHASE_IDLE);
  assert_false(b->q.event.armed);
  wr(b, FCR, TCF);
  pass(b, VT_US(1));
}

static void abort_in_each_phase_of_a_read(void **state) {
  struct bench *b = *state;
  for (unsigned clock = 0; clock < 80; clock++) {
    wr(b, DLR, 99);
    wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8));
    wr(b, AR, 0x1000);
    pass(b, sclk(clock) + 10);
    aborts(b);
    assert_int_equal(read_status(b, 0x15), 0x07);  // the chip is none the worse
  }
  expect_quiet(&b->rig);
}

// The chip does not execute what was cut; only the whole of an erase counts.
static void abort_in_each_phase_of_an_erase(void **state) {
  struct bench *b = *state;
  for (unsigned clock = 0; clock < 32; clock++) {
    write_enable(b);
    wr(b, CCR, 0x20 | I1 | AD1 | AS24);
    wr(b, AR, 0x1000);
    pass(b, sclk(clock) + 10);
    aborts(b);
    assert_int_equal(b->rig.nor.counters.erases[0], 0);
    assert_int_equal(read_status(b, 0x05), 0x02);
  }
}

static void abort_inside_a_programmed_byte(void **state) {
  struct bench *b = *state;
  for (unsigned clock = 0; clock <= 24; clock++) {
    memset(b->rig.cells, 0xFF, 16);
    write_enable(b);
    wr(b, DLR, 99);
    wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
    wr(b, AR, 0);
    wr(b, DR, 0);
    pass(b, sclk(32 + clock) + 10);
    aborts(b);
    const bool whole_bytes = clock > 0 && clock % 8 == 0;
    assert_int_equal(nor_busy(&b->rig.nor), whole_bytes);
    pass(b, VT_MS(1));
    for (unsigned i = 0; i < 4; i++) {
      assert_int_equal(b->rig.cells[i], whole_bytes && i < clock / 8 ? 0 : 0xFF);
    }
  }
}

static void abort_between_and_inside_polls(void **state) {
  struct bench *b = *state;
  b->rig.nor.faults.stay_busy = true;
  for (unsigned clock = 0; clock < 70; clock += 3) {
    start_polling(b, 1, 1, APMS);
    pass(b, sclk(clock) + 10);
    aborts(b);
    assert_int_equal(read_status(b, 0x15), 0x07);
  }
  expect_quiet(&b->rig);
}

// TCF is set by an abort with nothing to abort, too: ST's HAL waits for it.
static void abort_when_idle(void **state) {
  struct bench *b = *state;
  aborts(b);
  wr(b, CR, PRESC(1));
  wr(b, CR, PRESC(1) | ABORT);
  assert_int_equal(rd(b, SR), 0);
  expect_quiet(&b->rig);
}

static void disabling_ends_a_transfer(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 99);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  pass(b, VT_US(1));
  wr(b, CR, PRESC(1));
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(b->rig.nor.wire.phase, NOR_PHASE_IDLE);
  assert_int_equal(event_next(&b->rig.sim.events), VT_NEVER);
  expect_quiet(&b->rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BENCH(polls_until_the_erase_is_over),
      BENCH(polls_an_immediate_match),
      BENCH(polling_goes_on_without_auto_stop),
      BENCH(match_by_and_and_by_or),
      BENCH(poll_interval_is_at_least_chip_select_high),
      BENCH(a_new_poll_has_no_status_yet),
      BENCH(polls_several_bytes),
      BENCH(polling_a_dead_chip),
      BENCH(abort_in_each_phase_of_a_read),
      BENCH(abort_in_each_phase_of_an_erase),
      BENCH(abort_inside_a_programmed_byte),
      BENCH(abort_between_and_inside_polls),
      BENCH(abort_when_idle),
      BENCH(disabling_ends_a_transfer),
  };
  return cmocka_run_group_tests_name("quadspi_poll", tests, NULL, NULL);
}
