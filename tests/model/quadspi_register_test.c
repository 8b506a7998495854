// SPDX-License-Identifier: MIT
// QUADSPI registers: every bit's class, start rules, what BUSY forbids, flags and
// their interrupts.
#include "tests/model/quadspi_rig.h"

static void reset_values(void **state) {
  struct bench *b = *state;
  wr(b, CR, 0);
  quadspi_reset(&b->q);
  for (uint32_t offset = 0; offset <= LPTR; offset += 4) {
    if (offset == DR) continue;
    assert_int_equal(rd(b, offset), 0);
  }
  expect_quiet(&b->rig);
}

// Bits that hold what is written, bits that must be reported as unimplemented, and
// by being in neither: reserved ones, or (CR.ABORT) ones that read 0.
static const struct {
  uint32_t offset, kept, missing, reserved;
} bits[] = {
    {CR, 0xFFDF0FDD, 0, 0x0020E020},  {DCR, 0x001F0701, 0, 0xFFE0F8FE},
    {DLR, 0xFFFFFFFF, 0, 0},          {CCR, 0xDF7FFFFF, 0, 0x20800000},
    {AR, 0xFFFFFFFF, 0, 0},           {ABR, 0xFFFFFFFF, 0, 0},
    {PSMKR, 0xFFFFFFFF, 0, 0},        {PSMAR, 0xFFFFFFFF, 0, 0},
    {PIR, 0x0000FFFF, 0, 0xFFFF0000}, {LPTR, 0x0000FFFF, 0, 0xFFFF0000},
};

static void every_bit_has_its_class(void **state) {
  struct bench *b = *state;
  for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++) {
    for (unsigned bit = 0; bit < 32; bit++) {
      const uint32_t value = 1u << bit;
      quadspi_reset(&b->q);
      report_clear(&b->rig.sim.report);
      wr(b, bits[i].offset, value);
      const bool kept = bits[i].kept & value;
      if (bits[i].missing & value) {
        assert_int_equal(b->rig.sim.report.unimplemented, 1);
      } else if (bits[i].reserved & value) {
        assert_int_equal(report_count(&b->rig.sim.report, GUEST_RESERVED_BITS), 1);
      } else if (bits[i].offset == CCR && (value & 0xC300)) {
        expect_only(&b->rig, GUEST_QSPI_CONFIG);  // a phase: would start, but EN = 0
      } else if (bits[i].offset == CR && (value == 0x1000 || value == TCEN)) {
        expect_only(&b->rig, value == TCEN ? GUEST_QSPI_TIMEOUT : GUEST_QSPI_FTHRES);
      } else {
        expect_quiet(&b->rig);
      }
      if (!(bits[i].missing & value)) {
        assert_int_equal(rd(b, bits[i].offset), kept ? value : 0);
      }
    }
  }
}

static void narrow_accesses_merge(void **state) {
  struct bench *b = *state;
  wr(b, ABR, 0x11223344);
  wr_n(b, ABR + 1, 1, 0xAA);
  wr_n(b, ABR + 2, 2, 0xBBCC);
  assert_int_equal(rd(b, ABR), 0xBBCCAA44);
  assert_int_equal(rd_n(b, ABR + 3, 1), 0xBB);
  assert_int_equal(rd_n(b, ABR, 2), 0xAA44);
  expect_quiet(&b->rig);
}

static void holes_and_read_only(void **state) {
  struct bench *b = *state;
  wr(b, SR, 0);
  expect_only(&b->rig, GUEST_READ_ONLY);
  rd(b, 0x34);
  expect_only(&b->rig, GUEST_BAD_REGISTER);
  wr(b, 0x34, 1);
  expect_only(&b->rig, GUEST_BAD_REGISTER);
}

// --- Start rules (RM0410 14.3.5, "Triggering the start of a command") ---

enum { BY_CCR = 1, BY_AR = 2, BY_DR = 3 };

static bool started(struct bench *b) {
  return b->q.state == QUADSPI_HEADER || b->q.state == QUADSPI_POLL;
}

static void which_write_starts(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t ccr;
    unsigned by;
  } cases[] = {
      {I1 | WRITE, BY_CCR},
      {I1 | READ, BY_CCR},
      {I1 | AD1 | AS24 | WRITE, BY_AR},
      {I1 | AD1 | AS24 | READ, BY_AR},
      {I1 | D1 | WRITE, BY_DR},
      {I1 | D1 | READ, BY_CCR},
      {I1 | D1 | POLL, BY_CCR},
      {I1 | AD1 | AS24 | D1 | WRITE, BY_DR},
      {I1 | AD1 | AS24 | D1 | READ, BY_AR},
      {I1 | AD1 | AS24 | D1 | POLL, BY_AR},
      {D1 | READ, BY_CCR},
      {AD1 | AS24 | WRITE, BY_AR},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    wr(b, CCR, 0x9F | cases[i].ccr);
    assert_int_equal(started(b), cases[i].by == BY_CCR);
    if (!started(b)) wr(b, AR, 0x40);
    assert_int_equal(started(b), cases[i].by <= BY_AR);
    if (!started(b)) wr_n(b, DR, 1, 0);
    assert_true(started(b));
    wr(b, CR, PRESC(1) | EN | ABORT);
    assert_false(started(b));
  }
}

static void nothing_starts_without_phases_or_instruction_byte(void **state) {
  struct bench *b = *state;
  wr(b, CCR, 0x9F);
  wr(b, CCR, READ);
  assert_false(started(b));
  wr_n(b, CCR + 1, 1, 1);  // IMODE alone: INSTRUCTION is not written
  assert_false(started(b));
  wr_n(b, CCR, 1, 0x06);
  assert_true(started(b));
  wr(b, ABR, 0);  // and ABR never starts anything
  expect_only(&b->rig, GUEST_QSPI_BUSY);
}

static void not_while_disabled(void **state) {
  struct bench *b = *state;
  wr(b, CR, PRESC(1));
  wr(b, CCR, 0x06 | I1);
  assert_false(started(b));
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  wr(b, CR, PRESC(1) | EN);
  wr(b, CCR, 0x06 | I1);
  assert_true(started(b));
  expect_quiet(&b->rig);
}

static void not_without_a_clock(void **state) {
  struct bench *b = *state;
  b->hclk = 0;
  wr(b, CCR, 0x06 | I1);
  assert_false(started(b));
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
}

// --- BUSY ---

static void busy_protects_configuration(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t offset, value;
  } writes[] = {{CCR, 0x05 | I1},
                {AR, 4},
                {DLR, 1},
                {ABR, 1},
                {DCR, FSIZE(20)},
                {PSMKR, 1},
                {PSMAR, 1},
                {PIR, 1},
                {LPTR, 1},
                {CR, PRESC(2) | EN},
                {CR, PRESC(1) | EN | FTHRES(3)},
                {CR, PRESC(1) | EN | APMS},
                {CR, PRESC(1) | EN | PMM},
                {CR, PRESC(1) | EN | FSEL},
                {CR, PRESC(1) | EN | SSHIFT}};
  wr(b, DLR, 99);
  for (unsigned i = 0; i < sizeof writes / sizeof writes[0]; i++) {
    wr(b, CCR, 0x9F | I1 | D1 | READ);
    const uint32_t before = rd(b, writes[i].offset);
    assert_int_not_equal(before, writes[i].value);
    wr(b, writes[i].offset, writes[i].value);
    expect_only(&b->rig, GUEST_QSPI_BUSY);
    assert_int_equal(rd(b, writes[i].offset), before);
    wr(b, CR, PRESC(1) | EN | ABORT);
    wr(b, writes[i].offset, before);  // the same write is fine now
    if (writes[i].offset == CCR) wr(b, CR, PRESC(1) | EN | ABORT);
    expect_quiet(&b->rig);
  }
}

static void interrupt_enables_may_change_while_busy(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 99);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  wr(b, CR, PRESC(1) | EN | TCIE | FTIE | TEIE | SMIE | TOIE);
  assert_int_equal(rd(b, CR), PRESC(1) | EN | TCIE | FTIE | TEIE | SMIE | TOIE);
  expect_quiet(&b->rig);
}

// ST's HAL writes AR back to itself after a CCR write that has started a command
// without an address: no effect, no report. With an address it would be one.
static void hal_rewrites_ar(void **state) {
  struct bench *b = *state;
  wr(b, AR, 0x1234);
  wr(b, DLR, 2);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  wr(b, AR, 0x1234);
  expect_quiet(&b->rig);
  wr(b, AR, 0x1238);
  expect_only(&b->rig, GUEST_QSPI_BUSY);
  assert_int_equal(rd(b, DR) & 0xFFFFFF, 0x1A20C2);
}

// Unread bytes keep BUSY set after a read.
static void unread_data_is_busy(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 2);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  pass(b, VT_US(10));
  assert_int_equal(rd(b, SR), BUSY | TCF | FTF | 3 << 8);
  wr(b, CCR, 0x06 | I1);
  expect_only(&b->rig, GUEST_QSPI_BUSY);
  rd_n(b, DR, 2);
  assert_int_equal(rd(b, SR), BUSY | TCF | FTF | 1 << 8);
  rd_n(b, DR, 1);
  assert_int_equal(rd(b, SR), TCF);
  expect_quiet(&b->rig);
}

// --- Flags and interrupt ---

static void fcr_clears_what_it_names(void **state) {
  struct bench *b = *state;
  op(b, 0x06 | I1);
  b->q.flags = TEF | TCF | SMF | TOF;
  wr(b, FCR, TCF);
  assert_int_equal(rd(b, SR) & 0x1F, TEF | SMF | TOF);
  wr(b, FCR, TEF | SMF);
  assert_int_equal(rd(b, SR) & 0x1F, TOF);
  wr(b, FCR, TOF);
  assert_int_equal(rd(b, SR) & 0x1F, 0);
  assert_int_equal(rd(b, FCR), 0);
  expect_quiet(&b->rig);
}

static void transfer_complete_interrupt(void **state) {
  struct bench *b = *state;
  wr(b, CR, PRESC(1) | EN | TCIE);
  wr(b, CCR, 0x06 | I1);
  assert_false(b->irq);
  pass(b, sclk(8) - 1);
  assert_false(b->irq);
  pass(b, 1);
  assert_true(b->irq);
  wr(b, FCR, TCF);
  assert_false(b->irq);
  wr(b, CCR, 0x06 | I1);
  pass(b, VT_US(1));
  wr(b, CR, PRESC(1) | EN);
  assert_false(b->irq);
  wr(b, CR, PRESC(1) | EN | TCIE);
  assert_true(b->irq);
}

static void transfer_error_flag(void **state) {
  struct bench *b = *state;
  wr(b, CR, PRESC(1) | EN | TEIE);
  wr(b, DLR, 15);
  wr(b, CCR, 0x13 | I1 | AD1 | AS32 | D1 | READ);
  wr(b, AR, 0x03FFFFF1);  // ends one byte beyond 64 MB
  assert_int_equal(rd(b, SR), TEF);
  assert_true(b->irq);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  wr(b, FCR, TEF);
  assert_false(b->irq);
  wr(b, AR, 0x04000000);
  assert_int_equal(rd(b, SR), TEF);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  wr(b, FCR, TEF);
  wr(b, CCR, 0x21 | I1 | AD1 | AS32);  // without data it is the address alone
  wr(b, AR, 0x04000000);
  assert_int_equal(rd(b, SR), TEF);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  wr(b, FCR, TEF);
  wr(b, CCR, 0x13 | I1 | AD1 | AS32 | D1 | READ);
  wr(b, CR, PRESC(3) | EN | TEIE);
  wr(b, AR, 0x03FFFFF0);
  assert_int_equal(rd(b, SR), BUSY);
  expect_quiet(&b->rig);
}

static void fifo_threshold_bit_4_does_not_stick(void **state) {
  struct bench *b = *state;
  wr(b, CR, PRESC(1) | EN | FTHRES(0x1F));
  assert_int_equal(rd(b, CR), PRESC(1) | EN | FTHRES(0x0F));
  expect_only(&b->rig, GUEST_QSPI_FTHRES);
  wr(b, CR, PRESC(1) | EN | FTHRES(0x0F));
  expect_quiet(&b->rig);
}

static void sclk_and_pins_are_checked_at_each_start(void **state) {
  struct bench *b = *state;
  op(b, 0x06 | I1);
  assert_int_equal(b->pin_checks, 1);
  assert_int_equal(b->checked_hz, 108000000);
  wr(b, CR, PRESC(215) | EN);
  op(b, 0x04 | I1);
  assert_int_equal(b->pin_checks, 2);
  assert_int_equal(b->checked_hz, 1000000);
  expect_quiet(&b->rig);
  wr(b, CR, PRESC(0) | EN);
  wr(b, CCR, 0x04 | I1);
  assert_int_equal(report_count(&b->rig.sim.report, GUEST_QSPI_CONFIG), 1);
}

static void reset_ends_everything(void **state) {
  struct bench *b = *state;
  wr(b, CR, PRESC(1) | EN | TCIE);
  wr(b, CCR, 0x06 | I1);
  pass(b, VT_US(1));
  assert_true(b->irq);
  wr(b, DLR, 99);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  pass(b, VT_US(1));
  quadspi_reset(&b->q);
  assert_int_equal(rd(b, SR), 0);
  assert_false(b->irq);
  assert_int_equal(event_next(&b->rig.sim.events), VT_NEVER);
  assert_int_equal(b->rig.nor.wire.phase, NOR_PHASE_IDLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BENCH(reset_values),
      BENCH(every_bit_has_its_class),
      BENCH(narrow_accesses_merge),
      BENCH(holes_and_read_only),
      BENCH(which_write_starts),
      BENCH(nothing_starts_without_phases_or_instruction_byte),
      BENCH(not_while_disabled),
      BENCH(not_without_a_clock),
      BENCH(busy_protects_configuration),
      BENCH(interrupt_enables_may_change_while_busy),
      BENCH(hal_rewrites_ar),
      BENCH(unread_data_is_busy),
      BENCH(fcr_clears_what_it_names),
      BENCH(transfer_complete_interrupt),
      BENCH(transfer_error_flag),
      BENCH(fifo_threshold_bit_4_does_not_stick),
      BENCH(sclk_and_pins_are_checked_at_each_start),
      BENCH(reset_ends_everything),
  };
  return cmocka_run_group_tests_name("quadspi_register", tests, NULL, NULL);
}
