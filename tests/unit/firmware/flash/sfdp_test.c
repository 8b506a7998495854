// SPDX-License-Identifier: MIT
// 31 real chips against what another decoder said of them, and single fields against
// JESD216's tables.
#include "firmware/flash/sfdp.h"

#include "tests/fakes/sfdp_dump.h"

#define KB 1024u

struct expected {
  const char *name;
  uint32_t size_kb;
  bool only_3byte;
  uint32_t page, page_typical_us, page_maximum_us, chip_erase_tenths;
  int quad_enable;
  uint32_t four_byte;
  struct sfdp_read read_144;
  struct sfdp_erase erase[4];
};

// Typed from an independent decoding. Revision 1.0 has no times, no page size and no
// quad enable requirement (7: reserved). The chip erase is in tenths of a second.
// clang-format off
static const struct expected chips[SFDP_DUMPS] = {
    {"at25ql128a", 16384, true, 256, 640, 6400, 600, 1, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 64000, 512000}, {32 * KB, 0x52, 0, 208000, 1664000}, {64 * KB, 0xD8, 0, 352000, 2816000}}},
    {"bh25q128as", 16384, true, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"gd25lb512me", 65536, false, 256, 184, 1472, 1000, 7, 0xFFF08FF3, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 30000, 360000}, {32 * KB, 0x52, 0x5C, 112000, 1344000}, {64 * KB, 0xD8, 0xDC, 208000, 2496000}}},
    {"is25wp256", 32768, true, 256, 200, 1200, 600, 2, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 48000, 384000}, {32 * KB, 0x52, 0, 160000, 1280000}, {64 * KB, 0xD8, 0, 304000, 2432000}}},
    {"mt25ql512_bfpt", 65536, false, 256, 120, 2880, 1280, 0, 0, {0xEB, 1, 9},
     {{4 * KB, 0x20, 0, 48000, 480000}, {64 * KB, 0xD8, 0, 160000, 1600000}, {32 * KB, 0x52, 0, 112000, 1120000}}},
    {"mt25qu256a", 32768, false, 256, 120, 2880, 840, 0, 0xFFFFE7FF, {0xEB, 1, 9},
     {{4 * KB, 0x20, 0x21, 48000, 480000}, {64 * KB, 0xD8, 0xDC, 160000, 1600000}, {32 * KB, 0x52, 0, 112000, 1120000}}},
    {"mt25qu512a", 65536, false, 256, 120, 2880, 1280, 0, 0xFFFFE7FF, {0xEB, 1, 9},
     {{4 * KB, 0x20, 0x21, 48000, 480000}, {64 * KB, 0xD8, 0xDC, 160000, 1600000}, {32 * KB, 0x52, 0, 112000, 1120000}}},
    {"mx25l12835f", 16384, true, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"mx25l25635e", 32768, false, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"mx25l25635f", 32768, false, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"mx25l3233f", 4096, true, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"mx25l3255e_class", 4096, true, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    // A 4-byte table is announced and was not captured: it reads blank.
    {"mx25r6435f", 8192, true, 256, 896, 5376, 520, 2, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 48000, 384000}, {32 * KB, 0x52, 0, 240000, 1920000}, {64 * KB, 0xD8, 0, 480000, 3840000}}},
    {"mx25u51245g", 65536, false, 256, 256, 1536, 1920, 2, 0xFFFF8F7F, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 25000, 400000}, {32 * KB, 0x52, 0x5C, 160000, 2560000}, {64 * KB, 0xD8, 0xDC, 224000, 3584000}}},
    {"mx25um_octal_c2813a", 65536, false, 256, 152, 4864, 1920, 0, 0x000F0643, {0, 0, 0},
     {{4 * KB, 0x20, 0x21, 25000, 600000}, {64 * KB, 0xD8, 0xDC, 256000, 6144000}}},
    {"mx66l1g45g", 131072, false, 256, 256, 3072, 2560, 2, 0xFFFFEF7F, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 30000, 420000}, {32 * KB, 0x52, 0x5C, 160000, 2240000}, {64 * KB, 0xD8, 0xDC, 288000, 4032000}}},
    {"mx66l2g45g", 262144, false, 256, 152, 1520, 1920, 2, 0xFFFF8F7F, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 25000, 400000}, {32 * KB, 0x52, 0x5C, 160000, 2560000}, {64 * KB, 0xD8, 0xDC, 256000, 4096000}}},
    {"mx66l51235f", 65536, false, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"mx66u2g45g", 262144, false, 256, 152, 4256, 1920, 2, 0xFFFF8F7F, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 25000, 500000}, {32 * KB, 0x52, 0x5C, 160000, 3200000}, {64 * KB, 0xD8, 0xDC, 256000, 5120000}}},
    {"mx_512mbit_jesd216b", 65536, false, 256, 256, 1024, 2560, 2, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 30000, 420000}, {32 * KB, 0x52, 0, 160000, 2240000}, {64 * KB, 0xD8, 0, 288000, 4032000}}},
    {"n25q256a", 32768, false, 256, 0, 0, 0, 7, 0, {0xEB, 1, 9},
     {{4 * KB, 0x20, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"sst26vf064b", 8192, true, 256, 1024, 2048, 0, 5, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 19000, 38000}, {8 * KB, 0xD8, 0, 19000, 38000}, {32 * KB, 0xD8, 0, 19000, 38000}, {64 * KB, 0xD8, 0, 19000, 38000}}},
    {"w25q01jvq", 131072, false, 256, 704, 4224, 1920, 4, 0xFFF00AFF, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 64000, 896000}, {32 * KB, 0x52, 0, 128000, 1792000}, {64 * KB, 0xD8, 0xDC, 160000, 2240000}}},
    {"w25q128_old", 16384, true, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"w25q128jv", 16384, true, 256, 704, 4224, 400, 4, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 64000, 896000}, {32 * KB, 0x52, 0, 128000, 1792000}, {64 * KB, 0xD8, 0, 160000, 2240000}}},
    {"w25q256", 32768, false, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}}},
    {"w25q512jv", 65536, false, 256, 704, 4224, 1920, 4, 0xFFF00AFF, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 64000, 896000}, {32 * KB, 0x52, 0, 128000, 1792000}, {64 * KB, 0xD8, 0xDC, 160000, 2240000}}},
    {"w25q512nwm", 65536, false, 256, 512, 2048, 1040, 5, 0xFFF00AFF, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0x21, 64000, 512000}, {32 * KB, 0x52, 0, 128000, 1024000}, {64 * KB, 0xD8, 0xDC, 160000, 1280000}}},
    {"w25q64jv", 8192, true, 256, 704, 4224, 200, 4, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 64000, 896000}, {32 * KB, 0x52, 0, 128000, 1792000}, {64 * KB, 0xD8, 0, 160000, 2240000}}},
    {"w25q64jwm", 8192, true, 256, 704, 4224, 200, 5, 0xFFF00000, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 64000, 896000}, {32 * KB, 0x52, 0, 128000, 1792000}, {64 * KB, 0xD8, 0, 160000, 2240000}}},
    {"zd25q128c", 2048, true, 256, 0, 0, 0, 7, 0, {0xEB, 2, 4},
     {{4 * KB, 0x20, 0, 0, 0}, {32 * KB, 0x52, 0, 0, 0}, {64 * KB, 0xD8, 0, 0, 0}, {256, 0x81, 0, 0, 0}}},
};
// The rest, typed from a decoding by another program. `longest_s`: the chip erase.
static const struct {
  const char *name;
  struct sfdp_read read_114;
  bool is_old, flag_status, qpi_by_35, enter_4byte;
  uint32_t longest_s;
  uint8_t resume;
} more[SFDP_DUMPS] = {
    {"at25ql128a", {0x6B, 0, 8}, false, false, false, false, 480, 0x7A},
    {"bh25q128as", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"gd25lb512me", {0x6B, 0, 8}, false, false, false, true, 1200, 0x7A},
    {"is25wp256", {0x6B, 0, 8}, false, false, true, true, 480, 0x7A},
    {"mt25ql512_bfpt", {0x6B, 1, 7}, false, true, true, true, 1280, 0x7A},
    {"mt25qu256a", {0x6B, 1, 7}, false, true, true, true, 840, 0x7A},
    {"mt25qu512a", {0x6B, 1, 7}, false, true, true, true, 1280, 0x7A},
    {"mx25l12835f", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"mx25l25635e", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"mx25l25635f", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"mx25l3233f", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"mx25l3255e_class", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"mx25r6435f", {0x6B, 0, 8}, false, false, false, true, 416, 0x30},
    {"mx25u51245g", {0x6B, 0, 8}, false, false, true, true, 3072, 0x30},
    {"mx25um_octal_c2813a", {0x00, 0, 0}, false, false, false, false, 3600, 0x30},
    {"mx66l1g45g", {0x6B, 0, 8}, false, false, true, true, 3584, 0x30},
    {"mx66l2g45g", {0x6B, 0, 8}, false, false, true, true, 3072, 0x30},
    {"mx66l51235f", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"mx66u2g45g", {0x6B, 0, 8}, false, false, true, true, 3600, 0x30},
    {"mx_512mbit_jesd216b", {0x6B, 0, 8}, false, false, true, true, 3584, 0x30},
    {"n25q256a", {0x6B, 1, 7}, true, false, false, false, 0, 0x00},
    {"sst26vf064b", {0x6B, 0, 8}, false, false, false, false, 0, 0x30},
    {"w25q01jvq", {0x6B, 0, 8}, false, false, false, true, 2688, 0x7A},
    {"w25q128_old", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"w25q128jv", {0x6B, 0, 8}, false, false, false, false, 560, 0x7A},
    {"w25q256", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
    {"w25q512jv", {0x6B, 0, 8}, false, false, false, true, 2688, 0x7A},
    {"w25q512nwm", {0x6B, 0, 8}, false, false, false, true, 832, 0x7A},
    {"w25q64jv", {0x6B, 0, 8}, false, false, false, false, 280, 0x7A},
    {"w25q64jwm", {0x6B, 0, 8}, false, false, false, false, 280, 0x7A},
    {"zd25q128c", {0x6B, 0, 8}, true, false, false, false, 0, 0x00},
};
// clang-format on

static void expect_erase(const struct sfdp_erase *e, const struct sfdp_erase *x) {
  assert_int_equal(e->size, x->size);
  assert_int_equal(e->opcode, x->opcode);
  assert_int_equal(e->opcode_4byte, x->opcode_4byte);
  assert_int_equal(e->typical_us, x->typical_us);
  assert_int_equal(e->maximum_us, x->maximum_us);
}

static void every_real_chip_is_understood(void **state) {
  (void)state;
  for (size_t i = 0; i < SFDP_DUMPS; i++) {
    const struct expected *x = &chips[i];
    static struct sfdp_dump d;
    struct sfdp s;
    assert_string_equal(x->name, sfdp_dump_names[i]);
    sfdp_dump_load(&d, x->name);
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
    assert_int_equal(s.size, x->size_kb * KB);
    assert_int_equal(s.addressing == SFDP_3_BYTES, x->only_3byte);
    assert_int_equal(s.page, x->page);
    assert_int_equal(s.page_typical_us, x->page_typical_us);
    assert_int_equal(s.page_maximum_us, x->page_maximum_us);
    assert_int_equal((s.chip_erase_typical_us + 50000) / 100000, x->chip_erase_tenths);
    assert_int_equal(s.quad_enable, x->quad_enable);
    assert_int_equal(s.four_byte, x->four_byte);
    assert_int_equal(s.read_144.opcode, x->read_144.opcode);
    assert_int_equal(s.read_144.mode_clocks, x->read_144.mode_clocks);
    assert_int_equal(s.read_144.wait_clocks, x->read_144.wait_clocks);
    assert_string_equal(more[i].name, x->name);
    assert_memory_equal(&s.read_114, &more[i].read_114, sizeof s.read_114);
    assert_int_equal(s.is_old, more[i].is_old);
    assert_int_equal(s.flag_status, more[i].flag_status);
    assert_int_equal(s.qpi_by_35, more[i].qpi_by_35);
    assert_int_equal(s.enter_4byte, more[i].enter_4byte);
    assert_int_equal(s.resume, more[i].resume);
    assert_int_equal(s.chip_erase_maximum_us / 1000000, more[i].longest_s);
    for (int k = 0; k < 4; k++)
      expect_erase(&s.erase[k], &x->erase[k]);
  }
}

// --- a table made to measure: the MX66L1G45G's, with dwords exchanged ---

enum { TABLE = 0x30, FOUR_BYTE = 0xC0 };

static void load_base(struct sfdp_dump *d) {
  sfdp_dump_load(d, "mx66l1g45g");
}

static void put(struct sfdp_dump *d, uint32_t at, uint32_t value) {
  for (int i = 0; i < 4; i++)
    d->bytes[at + (uint32_t)i] = (uint8_t)(value >> (8 * i));
}

static void put_dword(struct sfdp_dump *d, unsigned number, uint32_t value) {
  put(d, TABLE + 4 * (number - 1), value);
}

static void every_density(void **state) {
  (void)state;
  static const struct {
    uint32_t dw2, size;  // 0: nonsense
  } cases[] = {
      {0x00007FFF, 4 * KB},     {0x0000FFFF, 8 * KB},     {0x007FFFFF, 1024 * KB},
      {0x1FFFFFFF, 65536 * KB}, {0x7FFFFFFF, 0x10000000}, {0x8000000F, 4 * KB},
      {0x80000020, 0x20000000}, {0x80000022, 0x80000000}, {0x80000023, 0},
      {0x8000000C, 0},          {0x8000000E, 0},          {0x80000000, 0},
      {0xFFFFFFFF, 0},          {0x00000000, 0},          {0x00007FFE, 0},
      {0x00003FFF, 0},          {0x1FFFFFFE, 65536 * KB}, {0x17FFFFFF, 0},
      {0x00017FFF, 0},          {0x80000100, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct sfdp_dump d;
    struct sfdp s;
    load_base(&d);
    put_dword(&d, 2, cases[i].dw2);
    const enum status expected = cases[i].size ? ST_OK : ST_NOR_UNKNOWN;
    assert_int_equal(sfdp_dump_parse(&d, &s), expected);
    if (cases[i].size) assert_int_equal(s.size, cases[i].size);
  }
}

static void every_unit_of_time(void **state) {
  (void)state;
  static const uint32_t erase_us[4] = {1000, 16000, 128000, 1000000};
  static const uint32_t chip_ms[4] = {16, 256, 4000, 64000};
  const uint64_t hour = 3600000000u;
  for (uint32_t unit = 0; unit < 4; unit++) {
    for (uint32_t count = 0; count < 32; count++) {
      static struct sfdp_dump d;
      struct sfdp s;
      load_base(&d);
      const uint32_t factor = 2 * (count % 16 + 1);
      const uint32_t time = count | unit << 5;
      put_dword(&d, 8, 0xD8100C0C);  // four types, two of them alike
      put_dword(&d, 9, 0xDC10200C);
      put_dword(&d, 10, time << 4 | time << 11 | time << 18 | time << 25 | count % 16);
      put_dword(&d, 11,
                count % 16 | 8 << 4 | count << 8 | (unit & 1) << 13 | time << 24);
      assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
      for (int i = 0; i < 4; i++) {
        assert_int_equal(s.erase[i].typical_us, (count + 1) * erase_us[unit]);
        assert_int_equal(s.erase[i].maximum_us, (count + 1) * erase_us[unit] * factor);
      }
      const uint32_t page_us = (count + 1) * (unit & 1 ? 64 : 8);
      assert_int_equal(s.page, 256);
      assert_int_equal(s.page_typical_us, page_us);
      assert_int_equal(s.page_maximum_us, page_us * factor);
      const uint64_t chip_us = (count + 1) * 1000ull * chip_ms[unit];
      assert_int_equal(s.chip_erase_typical_us, chip_us);
      const uint64_t most = chip_us * factor;
      assert_int_equal(s.chip_erase_maximum_us, most < hour ? most : hour);
    }
  }
}

static void every_address_mode_and_quad_enable(void **state) {
  (void)state;
  static struct sfdp_dump d;
  struct sfdp s;
  for (uint32_t code = 0; code < 8; code++) {
    load_base(&d);
    put_dword(&d, 1, 0xFFF920E5 | (code % 4) << 17);
    put_dword(&d, 15, code << 20);
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
    assert_int_equal(s.addressing, code % 4);
    assert_int_equal(s.quad_enable, code);
  }
}

static void a_1_4_4_read_is_there_if_its_bit_says_so(void **state) {
  (void)state;
  static struct sfdp_dump d;
  struct sfdp s;
  load_base(&d);
  put_dword(&d, 3, 0x6B08EBFF);  // 7 mode clocks, 31 to wait
  assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  assert_int_equal(s.read_144.mode_clocks, 7);
  assert_int_equal(s.read_144.wait_clocks, 31);
  put_dword(&d, 1, 0xFFFB20E5 & ~(3u << 21));
  assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  assert_int_equal(s.read_144.opcode, 0);
  assert_int_equal(s.read_114.opcode, 0);
}

// Sizes that no chip has: absent (0), under 256 bytes, over 256 MB.
static void odd_erase_sizes_are_absent(void **state) {
  (void)state;
  static const struct {
    uint32_t exponent, size;
  } cases[] = {{0, 0},         {7, 0},  {8, 256}, {12, 4 * KB},
               {28, 1u << 28}, {29, 0}, {255, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct sfdp_dump d;
    struct sfdp s;
    load_base(&d);
    put_dword(&d, 8, 0x52002000 | cases[i].exponent | cases[i].exponent << 16);
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
    for (int k = 0; k < 2; k++) {
      assert_int_equal(s.erase[k].size, cases[i].size);
      assert_int_equal(s.erase[k].opcode != 0, cases[i].size != 0);
      assert_int_equal(s.erase[k].typical_us != 0, cases[i].size != 0);
    }
  }
}

// --- headers ---

static void the_signature_and_the_major_revision_count(void **state) {
  (void)state;
  static const uint32_t bytes[] = {0, 1, 2, 3, 5};
  static struct sfdp_dump d;
  struct sfdp s;
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
    for (int flip = 1; flip < 256; flip++) {
      load_base(&d);
      d.bytes[bytes[i]] ^= (uint8_t)flip;
      assert_int_equal(sfdp_dump_parse(&d, &s), ST_NOR_UNKNOWN);
    }
  }
  for (int minor = 0; minor < 256; minor++) {
    load_base(&d);
    d.bytes[4] = (uint8_t)minor;
    d.bytes[7] = (uint8_t)(minor * 3);  // access protocol
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  }
}

// The length byte decides what is there, not the revision.
static void the_length_decides_which_dwords_are_there(void **state) {
  (void)state;
  for (unsigned dwords = 0; dwords < 256; dwords++) {
    static struct sfdp_dump d;
    struct sfdp s;
    load_base(&d);
    d.bytes[8 + 3] = (uint8_t)dwords;
    const enum status status = sfdp_dump_parse(&d, &s);
    assert_int_equal(status, dwords < 9 ? ST_NOR_UNKNOWN : ST_OK);
    if (status != ST_OK) continue;
    assert_int_equal(s.erase[0].typical_us, dwords < 10 ? 0 : 30000);
    assert_int_equal(s.page_typical_us, dwords < 11 ? 0 : 256);
    assert_int_equal(s.page, 256);
    assert_int_equal(s.quad_enable, dwords < 15 ? 7 : 2);
  }
}

// Header `number` becomes a basic table at `pointer`.
static void put_basic_header(struct sfdp_dump *d, unsigned number, uint8_t minor,
                             uint8_t major, uint32_t pointer) {
  put(d, 8 + 8 * number, 0x10000000u | (uint32_t)major << 16 | (uint32_t)minor << 8);
  put(d, 8 + 8 * number + 4, 0xFF000000u | pointer);
}

static void the_newest_basic_table_counts(void **state) {
  (void)state;
  static const struct {
    uint8_t minor, major;
    bool second;
  } cases[] = {{7, 1, true},  {6, 1, true}, {5, 1, false},
               {0, 1, false}, {0, 2, true}, {255, 0, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct sfdp_dump d;
    struct sfdp s;
    load_base(&d);  // its first header is of revision 1.6
    memcpy(d.bytes + 0x140, d.bytes + TABLE, 64);
    put(&d, 0x140 + 4, 0x00FFFFFF);  // 2 MB
    put_basic_header(&d, 1, cases[i].minor, cases[i].major, 0x140);
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
    assert_int_equal(s.size, cases[i].second ? 2048 * KB : 131072 * KB);
  }
}

// --- the sector map ---

static void uniform_chips_are_one_region(void **state) {
  (void)state;
  for (size_t i = 0; i < SFDP_DUMPS; i++) {
    static struct sfdp_dump d;
    struct sfdp s;
    if (!strcmp(sfdp_dump_names[i], "sst26vf064b")) continue;
    sfdp_dump_load(&d, sfdp_dump_names[i]);
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
    assert_int_equal(s.region_count, 1);
    assert_int_equal(s.regions[0].size, s.size);
    assert_int_equal(s.regions[0].types, 0xF);
  }
}

static void expect_regions(const struct sfdp *s, const struct sfdp_region *x,
                           unsigned count) {
  assert_int_equal(s->region_count, count);
  for (unsigned i = 0; i < count; i++) {
    assert_int_equal(s->regions[i].size, x[i].size);
    assert_int_equal(s->regions[i].types, x[i].types);
  }
}

// SST26VF064B: data sheet DS20005119, memory organisation.
static void the_ssts_map(void **state) {
  (void)state;
  static const struct sfdp_region map[] = {
      {32 * KB, 3}, {32 * KB, 5}, {8064 * KB, 9}, {32 * KB, 5}, {32 * KB, 3}};
  static struct sfdp_dump d;
  struct sfdp s;
  sfdp_dump_load(&d, "sst26vf064b");
  assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  expect_regions(&s, map, 5);
}

enum { MAP = 0x140, REGION_64MB = 0x3FFFF };

// The base with a map of `count` words.
static void load_map(struct sfdp_dump *d, const uint32_t *words, unsigned count) {
  load_base(d);
  d->length = SFDP_DUMP_MAX;
  put(d, 8 + 8, (uint32_t)count << 24 | 0x00010081);
  put(d, 8 + 8 + 4, 0xFF000000u | MAP);
  for (unsigned i = 0; i < count; i++)
    put(d, MAP + 4 * i, words[i]);
}

// Two questions, the second about three address bytes and eight clocks ("as the chip
// is set"), then the maps that the answers choose from: 0, 2 and 3.
static const uint32_t asking[] = {
    0x027865FC & ~0x00300000u,
    0x04,
    0x08FF71FC & ~0x00300000u,
    0x800002,
    0xFF0000FE,
    REGION_64MB * 2u << 8 | 0x1F1,
    0xFF0102FE,
    REGION_64MB << 8 | 0xF2,
    REGION_64MB << 8 | 0xF4,
    0xFF0103FF,
    REGION_64MB << 8 | 0xF8,
    REGION_64MB << 8 | 0xF1,
};

static void answers_choose_the_map(void **state) {
  (void)state;
  static const struct {
    uint8_t answers[2];
    enum status status;
    uint8_t types;  // of the first region
  } cases[] = {
      {{0x00, 0x00}, ST_OK, 1},          {{0x02, 0x00}, ST_OK, 2},
      {{0xFF, 0xF7}, ST_OK, 2},          {{0x02, 0x08}, ST_OK, 8},
      {{0xFD, 0xFF}, ST_NOR_UNKNOWN, 0},  // number 1: there is no such map
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct sfdp_dump d;
    struct sfdp s;
    load_map(&d, asking, sizeof asking / sizeof *asking);
    d.answers = cases[i].answers;
    assert_int_equal(sfdp_dump_parse(&d, &s), cases[i].status);
    assert_int_equal(d.asked.opcode, 0x71);
    assert_int_equal(d.asked.address_bytes, 3);
    assert_int_equal(d.asked.dummy_clocks, 8);
    assert_int_equal(d.asked.address, 0x800002);
    if (cases[i].status == ST_OK) assert_int_equal(s.regions[0].types, cases[i].types);
  }
}

static void a_questions_address_has_its_length(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0, 3, 4, 3};
  for (uint32_t length = 0; length < 4; length++) {
    for (uint32_t clocks = 0; clocks < 16; clocks++) {
      static struct sfdp_dump d;
      struct sfdp s;
      const uint32_t words[] = {0xFF0065FC | clocks << 16 | length << 22, 0, 0xFF0001FF,
                                REGION_64MB * 2u << 8 | 0x1F1};
      load_map(&d, words, 4);
      assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
      assert_int_equal(d.asked.address_bytes, bytes[length]);
      assert_int_equal(d.asked.dummy_clocks, clocks == 15 ? 8 : clocks);
    }
  }
}

static void a_map_that_makes_no_sense_is_refused(void **state) {
  (void)state;
  static const struct {
    unsigned count;
    uint32_t words[8];
    enum status status;
  } cases[] = {
      {3, {0xFF0100FF, REGION_64MB << 8 | 1, REGION_64MB << 8 | 1}, ST_OK},
      {2, {0xFF0100FF, REGION_64MB << 8 | 1}, ST_NOR_UNKNOWN},  // cut off
      {1, {0xFF0100FF}, ST_NOR_UNKNOWN},
      {3, {0xFF0100FF, REGION_64MB << 8 | 1, 0x001F01}, ST_NOR_UNKNOWN},  // too small
      {2, {0xFF0000FE, REGION_64MB << 8 | 1}, ST_NOR_UNKNOWN},
      {2, {0xFF0001FF, REGION_64MB * 2 << 8 | 1}, ST_NOR_UNKNOWN},  // another's
      {2, {0xFF0001FE, REGION_64MB * 2 << 8 | 1}, ST_NOR_UNKNOWN},  // and no other
      {8, {0xFF0600FF, 0, 0, 0, 0, 0, 0, 0}, ST_NOR_UNKNOWN},       // seven regions
      {8, {0xFF0801FE, 0, 0, 0, 0, 0, 0, 0}, ST_NOR_UNKNOWN},       // over the end
      {1, {0xFF0065FC}, ST_NOR_UNKNOWN},                            // half a question
      {2, {0xFF0065FD, 0}, ST_NOR_UNKNOWN},                         // and then no map
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct sfdp_dump d;
    struct sfdp s;
    load_map(&d, cases[i].words, cases[i].count);
    assert_int_equal(sfdp_dump_parse(&d, &s), cases[i].status);
  }
}

static void a_failed_read_of_the_map_is_told(void **state) {
  (void)state;
  static const uint8_t answers[] = {0x02, 0x08};
  static struct sfdp_dump d;
  struct sfdp s;
  load_map(&d, asking, sizeof asking / sizeof *asking);
  d.answers = answers;
  assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  const unsigned reads = d.reads;
  for (d.fail_read = 1; d.fail_read <= reads; d.fail_read++) {
    d.answers = answers;
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_BUS_TIMEOUT);
    assert_int_equal(d.reads, d.fail_read);
  }
}

static void eight_headers_are_looked_at(void **state) {
  (void)state;
  static struct sfdp_dump d;
  struct sfdp s;
  for (unsigned number = 1; number < 10; number++) {
    load_base(&d);
    memcpy(d.bytes + 0x140, d.bytes + TABLE, 64);
    memset(d.bytes + 8, 0xFF, 0x60);
    d.bytes[6] = 255;
    put_basic_header(&d, number, 6, 1, 0x140);
    assert_int_equal(sfdp_dump_parse(&d, &s), number < 8 ? ST_OK : ST_NOR_UNKNOWN);
    d.bytes[6] = (uint8_t)(number - 1);  // one too few
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_NOR_UNKNOWN);
  }
}

static void a_four_byte_table_must_be_one(void **state) {
  (void)state;
  static struct sfdp_dump d;
  struct sfdp s;
  load_base(&d);
  d.bytes[0x18 + 3] = 1;  // one dword: too short
  assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  assert_int_equal(s.four_byte, 0);
  assert_int_equal(s.erase[0].opcode_4byte, 0);
  load_base(&d);
  put(&d, FOUR_BYTE, 0xFFFFFFFF);  // blank
  put(&d, FOUR_BYTE + 4, 0xFFFFFFFF);
  assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  assert_int_equal(s.four_byte, 0);
  assert_int_equal(s.erase[2].opcode_4byte, 0);
  for (unsigned type = 0; type < 4; type++) {
    put(&d, FOUR_BYTE, 0x200u << type);
    put(&d, FOUR_BYTE + 4, 0x44332211);
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
    for (unsigned i = 0; i < 4; i++) {
      assert_int_equal(s.erase[i].opcode_4byte, i == type ? 0x11 * (i + 1) : 0);
    }
  }
}

static void a_failed_read_is_told(void **state) {
  (void)state;
  static struct sfdp_dump d;
  struct sfdp s;
  load_base(&d);
  assert_int_equal(sfdp_dump_parse(&d, &s), ST_OK);
  const unsigned reads = d.reads;
  assert_int_equal(reads, 6);  // header, 3 parameter headers, 2 tables
  for (d.fail_read = 1; d.fail_read <= reads; d.fail_read++) {
    assert_int_equal(sfdp_dump_parse(&d, &s), ST_BUS_TIMEOUT);
    assert_int_equal(d.reads, d.fail_read);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_real_chip_is_understood),
      cmocka_unit_test(every_density),
      cmocka_unit_test(every_unit_of_time),
      cmocka_unit_test(every_address_mode_and_quad_enable),
      cmocka_unit_test(a_1_4_4_read_is_there_if_its_bit_says_so),
      cmocka_unit_test(odd_erase_sizes_are_absent),
      cmocka_unit_test(the_signature_and_the_major_revision_count),
      cmocka_unit_test(the_length_decides_which_dwords_are_there),
      cmocka_unit_test(the_newest_basic_table_counts),
      cmocka_unit_test(eight_headers_are_looked_at),
      cmocka_unit_test(uniform_chips_are_one_region),
      cmocka_unit_test(the_ssts_map),
      cmocka_unit_test(answers_choose_the_map),
      cmocka_unit_test(a_questions_address_has_its_length),
      cmocka_unit_test(a_map_that_makes_no_sense_is_refused),
      cmocka_unit_test(a_failed_read_of_the_map_is_told),
      cmocka_unit_test(a_four_byte_table_must_be_one),
      cmocka_unit_test(a_failed_read_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
