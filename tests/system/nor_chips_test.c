// SPDX-License-Identifier: MIT
// The real bootloader with each flash chip that the simulator knows, found in every
// state in which a reset of the MCU may leave it: detected, erased, written and read
// back over DFU, near either end, without one guest error.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

enum { CHIPS = 18 };

// --- states ---

static void send(struct nor *n, const uint8_t *bytes, size_t count) {
  nor_select(n, true);
  nor_send(n, NOR_PART_OPCODE, 1, bytes, 8);
  if (count > 1) nor_send(n, NOR_PART_ADDRESS, 1, bytes + 1, 8 * (count - 1));
  nor_select(n, false);
}

// An erase of the first block goes on; all chips have this command. The SST's blocks
// must be unlocked first.
static bool set_busy(struct nor *n) {
  static const uint8_t enable = 0x06, unlock = 0x98, erase[] = {0xD8, 0x00, 0x00, 0x00};
  if (n->chip->locked_at_power_up) {
    send(n, &enable, 1);
    send(n, &unlock, 1);
  }
  send(n, &enable, 1);
  send(n, erase, sizeof erase);
  return nor_busy(n);
}

static bool set_state(struct nor *n, const char *name) {
  if (!strcmp(name, "delivered")) return true;
  if (!strcmp(name, "busy")) return set_busy(n);
  return nor_set_state(n, name);
}

// What no such chip can be found in: it has no such state (sim/models/nor_*.c).
static const struct {
  const char *state;
  const char *chips;
} impossible[] = {
    {"qpi", "mx25r6435f w25q64jv w25q128jv w25q256jv w25q512jv w25q01jv zd25q128c "},
    {"4byte",
     "mx25r6435f n25q128a mt25ql128 w25q64jv w25q128jv is25lp064a sst26vf064b "
     "zd25q128c "},
    {"dpd", "sst26vf064b "},
};

static bool is_impossible(const char *chip, const char *state) {
  char word[32];
  snprintf(word, sizeof word, "%s ", chip);
  for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
    if (!strcmp(impossible[i].state, state)) {
      return strstr(impossible[i].chips, word) != NULL;
    }
  }
  return false;
}

// --- one chip in one state ---

static bool good(struct reply s) {
  return s.status == OK && s.state == DNLOAD_IDLE;
}

static bool try_block(struct rig *r, uint32_t place) {
  uint8_t data[CLIENT_BLOCK], back[CLIENT_BLOCK];
  dfu_pattern(data, sizeof data, place);
  struct reply s = dfu_set_address(r, place);
  if (good(s)) s = dfu_erase(r, place);
  if (good(s)) s = dfu_write(r, place, data, sizeof data);
  if (good(s)) {
    dfu_abort(r);
    s = dfu_wait(r);
  }
  if (s.status != OK) {
    char sentence[SENTENCE_MAX];
    rig_string(r, s.string, sentence);
    print_error("0x%08X: %s\n", (unsigned)place, sentence);
    return false;
  }
  dfu_read(r, place, back, sizeof back);
  return !memcmp(back, data, sizeof data) &&
         !memcmp(rig_memory(r, place), data, sizeof data);
}

static bool quiet(const struct report *r) {
  for (const struct report_entry *e = r->entries; e; e = e->next)
    print_error("  %s: %s\n",
                e->kind == REPORT_GUEST_ERROR ? guest_error_name(e->error) : "missing",
                e->detail);
  return r->guest_errors == 0 && r->unimplemented == 0;
}

static bool writes(struct rig *r, bool first, bool last) {
  const uint32_t end = EXTERNAL + (uint32_t)r->m->nor_size - 0x10000;
  rig_power_on(r);
  rig_configure(r);
  const bool ok = (!first || try_block(r, EXTERNAL)) && (!last || try_block(r, end));
  return quiet(&r->m->sim.report) && ok;
}

static bool writes_both_ends(struct rig *r) {
  return writes(r, true, true);
}

static bool works(const char *chip, const char *state) {
  struct rig *r = rig_open_with(&rig_boards[RIG_HS], chip);
  const bool impossible_here = is_impossible(chip, state);
  bool ok = set_state(&r->m->nor, state) != impossible_here;
  if (!ok) print_error("%s can%s be %s\n", chip, impossible_here ? "" : "not", state);
  if (ok && !impossible_here) {
    // The first block is what is being erased, the last what is suspended.
    const bool busy = !strcmp(state, "busy");
    ok = writes(r, busy || !strcmp(state, "delivered"), !busy);
    if (!ok) print_error("%s, %s: %s\n", chip, state, r->uart);
  }
  rig_close(r);
  return ok;
}

static const char *state_at(size_t i) {
  if (i == 0) return "delivered";
  return i == 1 ? "busy" : nor_state_at(i - 2);
}

static void each_chip_works_from_each_state(void **state) {
  (void)state;
  unsigned failed = 0;
  for (size_t i = 0; i < CHIPS; i++) {
    for (size_t k = 0; state_at(k); k++) {
      failed += !works(nor_chip_at(i)->name, state_at(k));
    }
  }
  assert_null(nor_chip_at(CHIPS));
  assert_int_equal(failed, 0);
}

// --- chips that nobody has heard of ---

// A chip that is like `name` but for what `change` does.
static struct rig *open_changed(struct nor_chip *chip, const char *name,
                                void (*change)(struct nor_chip *chip)) {
  struct rig *r = rig_open_with(&rig_boards[RIG_HS], name);
  *chip = *r->m->nor.chip;
  change(chip);
  r->m->nor.chip = chip;
  return r;
}

static void change_maker(struct nor_chip *chip) {
  chip->jedec_id[0] = 0x5E;
}

static void no_sfdp(struct nor_chip *chip) {
  change_maker(chip);
  chip->sfdp_size = 0;
}

// The SST's blocks are locked in its own way, and the ZD's SFDP tells a wrong size.
static void an_unknown_maker_with_a_sound_sfdp_works(void **state) {
  (void)state;
  static const char *const chips[] = {"mx25l51245g", "mx66l1g45g",  "mt25ql128",
                                      "mt25ql512",   "w25q128jv",   "w25q512jv",
                                      "is25lp064a",  "gd25lb512me", "s25fl128l"};
  unsigned failed = 0;
  for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
    struct nor_chip chip;
    struct rig *r = open_changed(&chip, chips[i], change_maker);
    if (!writes_both_ends(r)) {
      print_error("%s: %s\n", chips[i], r->uart);
      failed++;
    }
    rig_close(r);
  }
  assert_int_equal(failed, 0);
}

// Refused with its id, on the line and in the information request; the board works.
static void a_chip_that_does_not_describe_itself_is_named(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIPS; i++) {
    struct nor_chip chip;
    struct rig *r = open_changed(&chip, nor_chip_at(i)->name, no_sfdp);
    const struct request ask = {.type = 0xC1, .request = 0x51, .length = 32};
    uint8_t info[32], data[CLIENT_BLOCK] = {0};
    char id[64];
    rig_power_on(r);
    rig_configure(r);
    snprintf(id, sizeof id, "JEDEC id 5E %02X %02X the QSPI flash describes itself",
             chip.jedec_id[1], chip.jedec_id[2]);
    assert_non_null(strstr(r->uart, id));
    assert_int_equal(rig_control(r, ask, info), 32);
    assert_int_equal(info[16], 14);
    assert_memory_equal(info + 17, chip.jedec_id, 3);
    assert_int_equal(dfu_set_address(r, EXTERNAL).state, ERROR);
    dfu_clear(r);
    assert_true(good(dfu_write(r, APPLICATION, data, sizeof data)));
    assert_true(quiet(&r->m->sim.report));
    rig_close(r);
  }
}

// --- chips that know no reset ---

enum { COMMANDS_MAX = 128 };

static struct nor_command commands[COMMANDS_MAX];

static void no_reset(struct nor_chip *chip) {
  assert_true(chip->command_count <= COMMANDS_MAX);
  for (size_t i = 0; i < chip->command_count; i++) {
    commands[i] = chip->commands[i];
    const uint8_t action = commands[i].action;
    if (action == NOR_RESET || action == NOR_RESET_ENABLE) commands[i].action = NOR_NOP;
  }
  chip->commands = commands;
}

// What runs is waited for, what is suspended goes on; 4-byte mode is entered anyway
// where it is of use, and left alone by opcodes of their own.
static void without_a_reset_a_chip_is_waited_for(void **state) {
  (void)state;
  static const char *const states[] = {"busy", "suspended", "4byte"};
  unsigned failed = 0;
  for (size_t i = 0; i < CHIPS; i++) {
    const char *name = nor_chip_at(i)->name;
    for (size_t k = 0; k < sizeof states / sizeof *states; k++) {
      // Its 3-byte commands do not work there, and nobody knows.
      const bool lost = !strcmp(name, "s25fl128l") && !strcmp(states[k], "4byte");
      if (is_impossible(name, states[k]) || lost) continue;
      struct nor_chip chip;
      struct rig *r = open_changed(&chip, name, no_reset);
      assert_true(set_state(&r->m->nor, states[k]));
      if (!writes_both_ends(r)) {
        print_error("%s, %s, no reset: %s\n", name, states[k], r->uart);
        failed++;
      }
      rig_close(r);
    }
  }
  assert_int_equal(failed, 0);
}

// 0.7 s of erase, and a watchdog of 0.5 s that somebody has started.
static void waiting_feeds_the_watchdog(void **state) {
  (void)state;
  struct nor_chip chip;
  struct rig *r = open_changed(&chip, "n25q256a", no_reset);
  assert_true(set_state(&r->m->nor, "busy"));
  rig_power_on(r);
  iwdg_write(&r->m->iwdg, 0, 4, 0xCCCC);
  assert_true(r->m->iwdg.running);
  rig_configure(r);
  assert_true(try_block(r, EXTERNAL));
  assert_true(quiet(&r->m->sim.report));
  rig_close(r);
}

// --- registers that cannot be written ---

// SRWD with WP# low, which IO2 is: nothing is tried that the chip would ignore.
static void a_locked_chip_is_refused(void **state) {
  (void)state;
  static const char *const chips[] = {"mx25l51245g", "w25q128jv", "mt25ql512",
                                      "is25lp064a", "s25fl128l"};
  for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
    struct rig *r = rig_open_with(&rig_boards[RIG_HS], chips[i]);
    uint8_t data[CLIENT_BLOCK] = {0}, back[CLIENT_BLOCK];
    char sentence[SENTENCE_MAX];
    assert_true(set_state(&r->m->nor, "noqe"));
    nor_set_register(&r->m->nor, NOR_REG_STATUS, 0x9C);
    rig_power_on(r);
    rig_configure(r);
    struct reply s = dfu_erase(r, EXTERNAL + 0x20000);
    if (good(s)) s = dfu_write(r, EXTERNAL + 0x20000, data, sizeof data);
    if (good(s)) {
      dfu_abort(r);
      s = dfu_wait(r);
    }
    assert_true(s.status == ERR_ERASE || s.status == ERR_PROG);
    rig_string(r, s.string, sentence);
    assert_non_null(strstr(sentence, "the QSPI flash is write-protected"));
    dfu_clear(r);
    dfu_read(r, EXTERNAL + 0x20000, back, sizeof back);
    assert_memory_equal(back, rig_memory(r, EXTERNAL + 0x20000), sizeof back);
    dfu_expect_download(r, APPLICATION);
    assert_true(quiet(&r->m->sim.report));
    rig_close(r);
  }
}

// --- power that goes away while they are written ---

// From power on to just before the first register is written.
static vtime_t when_first_written(struct rig *r) {
  struct nor *n = &r->m->nor;
  vtime_t at = 0;
  nor_set_state(n, "protected");
  nor_set_state(n, "noqe");
  rig_power_on(r);
  for (; !n->counters.register_writes && at < VT_S(1); at += VT_US(20))
    rig_run(r, VT_US(20));
  assert_true(at < VT_S(1));
  machine_power_cut(r->m);
  rig_run(r, VT_MS(30));
  return at - VT_US(20);
}

// Each kind of quad enable; the cuts are spread over the start and its writes. A torn
// register is repaired by the next start.
static void torn_status_registers_are_repaired(void **state) {
  (void)state;
  static const char *const chips[] = {"mx25l51245g", "w25q128jv",   "is25lp064a",
                                      "s25fl128l",   "sst26vf064b", "mt25ql512"};
  enum { CUTS = 12 };
  for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
    struct rig *r = rig_open_with(&rig_boards[RIG_HS], chips[i]);
    struct nor *n = &r->m->nor;
    const vtime_t write = n->chip->register_write.typ;
    const vtime_t first = when_first_written(r);
    const uint64_t before = n->counters.register_writes;
    for (unsigned k = 0; k < CUTS; k++) {
      nor_set_state(n, "protected");
      nor_set_state(n, "noqe");
      rig_power_on(r);
      rig_run(r, first + write * k / (CUTS - 2) + VT_NS(331));
      machine_power_cut(r->m);
      rig_run(r, VT_MS(30));
    }
    assert_true(n->counters.register_writes - before > CUTS / 2);
    assert_true(writes_both_ends(r));
    rig_close(r);
  }
}

// --- what the application finds ---

// The chip as after power-up, whatever the bootloader has set.
static void the_application_finds_the_chip_reset(void **state) {
  (void)state;
  static const char *const chips[] = {"n25q256a", "is25wp256", "w25q01jv",
                                      "mx25l51245g"};
  for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
    struct rig *r = rig_open_with(&rig_boards[RIG_HS], chips[i]);
    rig_power_on(r);
    rig_configure(r);
    const bool by_mode = i < 2;
    assert_int_equal(r->m->nor.four_byte, by_mode);
    dfu_plant_application(r);
    assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
    dfu_status(r);
    rig_run(r, VT_MS(300));
    assert_false(r->m->nor.four_byte);
    assert_int_equal(r->m->nor.die, 0);
    assert_true(quiet(&r->m->sim.report));
    rig_close(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_chip_works_from_each_state),
      cmocka_unit_test(an_unknown_maker_with_a_sound_sfdp_works),
      cmocka_unit_test(a_chip_that_does_not_describe_itself_is_named),
      cmocka_unit_test(without_a_reset_a_chip_is_waited_for),
      cmocka_unit_test(waiting_feeds_the_watchdog),
      cmocka_unit_test(a_locked_chip_is_refused),
      cmocka_unit_test(torn_status_registers_are_repaired),
      cmocka_unit_test(the_application_finds_the_chip_reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
