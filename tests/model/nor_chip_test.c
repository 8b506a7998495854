// SPDX-License-Identifier: MIT
// The data of each chip: against a command list typed a second time from the data
// sheet, and against what the chip's own SFDP says of it (JESD216B, decoded here).
#include "tests/model/nor_rig.h"

// Opcode; S = SPI, Q = QPI, B = both; address: 0 none, 3, 4, m by mode; w = needs
// WREN, q = needs QE; and what it does, in a word.
struct golden {
  unsigned opcode;
  const char *form, *what;
};

static const struct golden mx25l51245g[] = {
    {0x03, "Sm", "read"},     {0x13, "S4", "read"},      {0x0B, "Sm", "read"},
    {0x0C, "S4", "read"},     {0x3B, "Sm", "read"},      {0x3C, "S4", "read"},
    {0xBB, "Sm", "read"},     {0xBC, "S4", "read"},      {0x6B, "Smq", "read"},
    {0x6C, "S4q", "read"},    {0xEB, "Bmq", "read"},     {0xEC, "B4q", "read"},
    {0xED, "Bmq", "read"},    {0xEE, "B4q", "read"},     {0x02, "Bmw", "program"},
    {0x12, "B4w", "program"}, {0x38, "Smwq", "program"}, {0x3E, "S4wq", "program"},
    {0x20, "Bmw", "erase"},   {0x21, "B4w", "erase"},    {0x52, "Bmw", "erase"},
    {0x5C, "B4w", "erase"},   {0xD8, "Bmw", "erase"},    {0xDC, "B4w", "erase"},
    {0x60, "B0w", "chip"},    {0xC7, "B0w", "chip"},     {0xB0, "B0", "suspend"},
    {0x30, "B0", "resume"},   {0x06, "B0", "wel"},       {0x04, "B0", "wel"},
    {0x05, "B0", "rdreg"},    {0x15, "B0", "rdreg"},     {0x2B, "B0", "rdreg"},
    {0xC8, "B0", "rdreg"},    {0x01, "B0w", "wrreg"},    {0xC5, "B0w", "wrvol"},
    {0x35, "S0", "qpi"},      {0xF5, "Q0", "qpi"},       {0xB7, "B0", "4byte"},
    {0xE9, "B0", "4byte"},    {0xB9, "B0", "sleep"},     {0xAB, "B3", "id"},
    {0x9F, "S0", "id"},       {0xAF, "Q0", "id"},        {0x90, "S3", "id"},
    {0x5A, "B3", "sfdp"},     {0x00, "B0", "nop"},       {0xFF, "B0", "nop"},
    {0x66, "B0", "rsten"},    {0x99, "B0", "rst"},
};

static const char *what(unsigned action) {
  static const char *const names[NOR_ACTIONS] = {
      [NOR_NOP] = "nop",
      [NOR_NOT_MODELLED] = "missing",
      [NOR_READ_ARRAY] = "read",
      [NOR_READ_REGISTER] = "rdreg",
      [NOR_READ_ID] = "id",
      [NOR_READ_SFDP] = "sfdp",
      [NOR_PROGRAM] = "program",
      [NOR_WRITE_REGISTER] = "wrreg",
      [NOR_WRITE_VOLATILE] = "wrvol",
      [NOR_ERASE] = "erase",
      [NOR_ERASE_CHIP] = "chip",
      [NOR_WRITE_ENABLE] = "wel",
      [NOR_SET_QPI] = "qpi",
      [NOR_SET_FOUR_BYTE] = "4byte",
      [NOR_SUSPEND] = "suspend",
      [NOR_RESUME] = "resume",
      [NOR_SLEEP] = "sleep",
      [NOR_RESET_ENABLE] = "rsten",
      [NOR_RESET] = "rst",
      [NOR_VOLATILE_ENABLE] = "volatile",
      [NOR_CLEAR_FLAGS] = "clear",
      [NOR_LOCK_ALL] = "lock",
      [NOR_LOCK_BLOCK] = "lock",
      [NOR_READ_LOCK] = "rdlock",
      [NOR_SELECT_DIE] = "die",
  };
  return names[action];
}

static void form_of(const struct nor_command *c, char form[8]) {
  size_t n = 0;
  form[n++] = "?SQB"[c->in];
  form[n++] = "034m"[c->address_rule];
  if (c->flags & NOR_NEEDS_WEL) form[n++] = 'w';
  if (c->flags & NOR_NEEDS_QUAD) form[n++] = 'q';
  form[n] = 0;
}

static void commands_are_the_data_sheets(void **state) {
  (void)state;
  const struct nor_chip *chip = nor_chip_find("mx25l51245g");
  const size_t count = sizeof mx25l51245g / sizeof mx25l51245g[0];
  size_t matched = 0;
  for (size_t i = 0; i < chip->command_count; i++) {
    const struct nor_command *c = &chip->commands[i];
    if (c->action == NOR_NOT_MODELLED) continue;
    char form[8];
    form_of(c, form);
    size_t g = 0;
    while (g < count && mx25l51245g[g].opcode != c->opcode)
      g++;
    if (g == count) fail_msg("%02Xh is not in the data sheet", c->opcode);
    assert_string_equal(form, mx25l51245g[g].form);
    assert_string_equal(what(c->action), mx25l51245g[g].what);
    matched++;
  }
  assert_int_equal(matched, count);
}

// --- Every chip ---

static void opcodes_are_unambiguous(void **state) {
  (void)state;
  for (size_t i = 0; nor_chip_at(i); i++) {
    const struct nor_chip *chip = nor_chip_at(i);
    for (size_t a = 0; a < chip->command_count; a++) {
      for (size_t b = 0; b < a; b++) {
        const struct nor_command *x = &chip->commands[a], *y = &chip->commands[b];
        assert_false(x->opcode == y->opcode && (x->in & y->in));
      }
    }
  }
}

static void lookup(void **state) {
  (void)state;
  for (size_t i = 0; nor_chip_at(i); i++) {
    assert_ptr_equal(nor_chip_find(nor_chip_at(i)->name), nor_chip_at(i));
  }
  assert_ptr_equal(nor_chip_find("W25Q512JV"), nor_chip_find("w25q512jv"));
  assert_null(nor_chip_find("mx25l51245"));
  assert_null(nor_chip_find(""));
}

static void shapes_are_sound(void **state) {
  (void)state;
  for (size_t i = 0; nor_chip_at(i); i++) {
    const struct nor_chip *chip = nor_chip_at(i);
    assert_int_equal(chip->size & (chip->size - 1), 0);
    assert_int_equal(chip->page & (chip->page - 1), 0);
    assert_in_range(chip->page, 1, NOR_MAX_PAGE);
    for (size_t c = 0; c < chip->command_count; c++) {
      const struct nor_command *x = &chip->commands[c];
      if (x->latency) continue;
      assert_true(x->max_mhz > 0);
      if (x->action == NOR_ERASE) assert_true(chip->erases[x->argument].size > 0);
    }
    for (unsigned r = 0; r < NOR_REG_COUNT; r++) {
      const struct nor_register *reg = &chip->registers[r];
      assert_int_equal(reg->nonvolatile & reg->volatile_bits, 0);
      assert_int_equal(reg->one_time & ~reg->nonvolatile, 0);
    }
  }
}

// --- The chip's own SFDP ---

static uint32_t bfpt(const struct nor_chip *chip, unsigned dword) {
  const uint8_t *p = chip->sfdp + (chip->sfdp[0x0C] | chip->sfdp[0x0D] << 8);
  p += (size_t)4 * (dword - 1);
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
         (uint32_t)p[3] << 24;
}

static uint32_t bits(uint32_t word, unsigned msb, unsigned lsb) {
  return (word >> lsb) & ((1u << (msb - lsb + 1)) - 1u);
}

static const struct nor_command *command_in(const struct nor_chip *chip,
                                            uint32_t opcode, uint8_t protocol) {
  for (size_t i = 0; i < chip->command_count; i++) {
    const struct nor_command *c = &chip->commands[i];
    if (c->opcode == opcode && (c->in & protocol)) return c;
  }
  fail_msg("%s has no command %02Xh", chip->name, (unsigned)opcode);
  return NULL;
}

static const struct nor_command *command(const struct nor_chip *chip, uint32_t opcode) {
  return command_in(chip, opcode, NOR_SPI);
}

static bool has(const struct nor_chip *chip, unsigned action) {
  for (size_t i = 0; i < chip->command_count; i++) {
    if (chip->commands[i].action == action) return true;
  }
  return false;
}

// Sixteen dwords and more have times; nine have none.
static bool has_times(const struct nor_chip *chip) {
  return chip->sfdp[0x0B] >= 16;
}

// The one chip whose table is wrong about its size, as the real one's is.
static bool lies_about_size(const struct nor_chip *chip) {
  return !strcmp(chip->name, "zd25q128c");
}

static void sfdp_size_and_page(void **state) {
  (void)state;
  for (size_t i = 0; nor_chip_at(i); i++) {
    const struct nor_chip *chip = nor_chip_at(i);
    assert_memory_equal(chip->sfdp, "SFDP", 4);
    const uint32_t size = (uint32_t)((bfpt(chip, 2) + 1ull) / 8);
    assert_int_equal(size, lies_about_size(chip) ? 2u << 20 : chip->size);
    if (has_times(chip)) {
      assert_int_equal(1u << bits(bfpt(chip, 11), 7, 4), chip->page);
    }
  }
}

static const struct nor_erase *erase_of(const struct nor_chip *chip, uint32_t size) {
  for (unsigned i = 0; i < NOR_ERASE_TYPES; i++) {
    if (chip->erases[i].size == size) return &chip->erases[i];
  }
  fail_msg("%s erases no %u bytes", chip->name, (unsigned)size);
  return NULL;
}

// DW10: typical time of a type, and the factor to the maximum.
static void check_erase_time(const struct nor_chip *chip, unsigned type,
                             const struct nor_erase *e) {
  static const vtime_t unit[] = {VT_MS(1), VT_MS(16), VT_MS(128), VT_S(1)};
  const uint32_t times = bfpt(chip, 10);
  const vtime_t factor = 2 * (vtime_t)(bits(times, 3, 0) + 1);
  const unsigned at = 4 + 7 * type;
  const vtime_t typ = (bits(times, at + 4, at) + 1) * unit[bits(times, at + 6, at + 5)];
  assert_int_equal(e->time.typ, typ);
  assert_int_equal(e->time.max, typ * factor);
}

// DW8, DW9: size and opcode.
static void sfdp_erase_types(void **state) {
  (void)state;
  for (size_t i = 0; nor_chip_at(i); i++) {
    const struct nor_chip *chip = nor_chip_at(i);
    for (unsigned type = 0; type < 4; type++) {
      const uint32_t half = bfpt(chip, 8 + type / 2) >> (16 * (type % 2));
      if (bits(half, 7, 0) == 0) continue;
      const struct nor_erase *e = erase_of(chip, 1u << bits(half, 7, 0));
      assert_int_equal(command(chip, bits(half, 15, 8))->action, NOR_ERASE);
      if (has_times(chip)) check_erase_time(chip, type, e);
    }
  }
}

static void check_program_times(const struct nor_chip *chip) {
  const uint32_t dw = bfpt(chip, 11);
  const vtime_t factor = 2 * (vtime_t)(bits(dw, 3, 0) + 1);
  const vtime_t page =
      (bits(dw, 12, 8) + 1) * (bits(dw, 13, 13) ? VT_US(64) : VT_US(8));
  const vtime_t first =
      (bits(dw, 17, 14) + 1) * (bits(dw, 18, 18) ? VT_US(8) : VT_US(1));
  const vtime_t next =
      (bits(dw, 22, 19) + 1) * (bits(dw, 23, 23) ? VT_US(8) : VT_US(1));
  assert_int_equal(chip->page_time.typ, page);
  assert_int_equal(chip->page_time.max, page * factor);
  assert_int_equal(chip->first_byte.typ, first);
  assert_int_equal(chip->first_byte.max, first * factor);
  assert_int_equal(chip->next_byte.typ, next);
  assert_int_equal(chip->next_byte.max, next * factor);
}

static void sfdp_program_and_chip_erase_times(void **state) {
  (void)state;
  static const vtime_t unit[] = {VT_MS(16), VT_MS(256), VT_S(4), VT_S(64)};
  for (size_t i = 0; nor_chip_at(i); i++) {
    const struct nor_chip *chip = nor_chip_at(i);
    if (!has_times(chip)) continue;
    check_program_times(chip);
    const uint32_t dw = bfpt(chip, 11);
    const vtime_t whole = (bits(dw, 28, 24) + 1) * unit[bits(dw, 30, 29)];
    const vtime_t factor = 2 * (vtime_t)(bits(bfpt(chip, 10), 3, 0) + 1);
    assert_int_equal(chip->chip_erase.time.typ, whole);
    assert_int_equal(chip->chip_erase.time.max, whole * factor);
  }
}

static void sfdp_suspend_and_power_down(void **state) {
  (void)state;
  static const vtime_t unit[] = {VT_NS(128), VT_US(1), VT_US(8), VT_US(64)};
  for (size_t i = 0; nor_chip_at(i); i++) {
    const struct nor_chip *chip = nor_chip_at(i);
    if (!has_times(chip)) continue;
    const uint32_t dw12 = bfpt(chip, 12), dw13 = bfpt(chip, 13), dw14 = bfpt(chip, 14);
    assert_int_equal(bits(dw12, 31, 31), 0);
    assert_int_equal((bits(dw12, 17, 13) + 1) * unit[bits(dw12, 19, 18)],
                     chip->suspend.max);
    assert_int_equal((bits(dw12, 28, 24) + 1) * unit[bits(dw12, 30, 29)],
                     chip->suspend.max);
    assert_int_equal(command(chip, bits(dw13, 31, 24))->action, NOR_SUSPEND);
    assert_int_equal(command(chip, bits(dw13, 23, 16))->action, NOR_RESUME);
    assert_int_equal(has(chip, NOR_SLEEP), !bits(dw14, 31, 31));
    if (!has(chip, NOR_SLEEP)) continue;
    assert_int_equal((bits(dw14, 12, 8) + 1) * unit[bits(dw14, 14, 13)], chip->wake);
    assert_int_equal(command(chip, bits(dw14, 30, 23))->action, NOR_SLEEP);
    assert_int_equal(bits(dw14, 22, 15), 0xAB);
  }
}

// Clocks as the chip is delivered.
static unsigned delivered_clocks(const struct nor_chip *chip,
                                 const struct nor_command *c) {
  if (!c->latency) return c->dummy;
  const struct nor_field f = chip->fields.latency;
  const uint32_t value = chip->registers[f.reg].factory;
  return c->latency[bits(value, f.lsb + f.width - 1u, f.lsb)].clocks;
}

// DW3, DW4, DW7: dummy and mode clocks, where DW1 and DW5 say that there is such a
// read. 4-4-4 only counts for chips that the facts give a QPI.
static void sfdp_read_commands(void **state) {
  (void)state;
  static const struct {
    unsigned dword, shift, support_dword, support_bit;
    uint8_t protocol;
  } where[] = {{3, 0, 1, 21, NOR_SPI},
               {3, 16, 1, 22, NOR_SPI},
               {4, 0, 1, 16, NOR_SPI},
               {4, 16, 1, 20, NOR_SPI},
               {7, 16, 5, 4, NOR_QPI}};
  for (size_t chip_at = 0; nor_chip_at(chip_at); chip_at++) {
    const struct nor_chip *chip = nor_chip_at(chip_at);
    for (unsigned i = 0; i < 5; i++) {
      const uint32_t half = bfpt(chip, where[i].dword) >> where[i].shift;
      const unsigned bit = where[i].support_bit;
      if (!bits(bfpt(chip, where[i].support_dword), bit, bit)) continue;
      if (where[i].protocol == NOR_QPI && !has(chip, NOR_SET_QPI)) continue;
      const struct nor_command *c =
          command_in(chip, bits(half, 15, 8), where[i].protocol);
      assert_int_equal(c->action, NOR_READ_ARRAY);
      assert_int_equal(delivered_clocks(chip, c), bits(half, 4, 0) + bits(half, 7, 5));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(commands_are_the_data_sheets),
      cmocka_unit_test(opcodes_are_unambiguous),
      cmocka_unit_test(lookup),
      cmocka_unit_test(shapes_are_sound),
      cmocka_unit_test(sfdp_size_and_page),
      cmocka_unit_test(sfdp_erase_types),
      cmocka_unit_test(sfdp_program_and_chip_erase_times),
      cmocka_unit_test(sfdp_suspend_and_power_down),
      cmocka_unit_test(sfdp_read_commands),
  };
  return cmocka_run_group_tests_name("nor_chip", tests, NULL, NULL);
}
