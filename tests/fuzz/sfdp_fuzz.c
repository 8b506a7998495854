// SPDX-License-Identifier: MIT
// Fuzz entry for the SFDP parser: the input is the whole area, and FFh behind it. A
// question about the sector map is answered with a byte of the area.
#include <string.h>

#include "firmware/flash/sfdp.h"
#include "tests/fuzz/fuzz.h"

struct area {
  const uint8_t *data;
  size_t size;
};

static enum status read(void *ctx, uint32_t address, uint8_t *dst, size_t n) {
  const struct area *a = ctx;
  fuzz_require(address < 1u << 25 && n <= 4 * 255);
  for (size_t i = 0; i < n; i++)
    dst[i] = address + i < a->size ? a->data[address + i] : 0xFF;
  return ST_OK;
}

static enum status ask(void *ctx, const struct sfdp_question *q, uint8_t *answer) {
  fuzz_require(q->address_bytes <= 4 && q->dummy_clocks < 16);
  return read(ctx, q->address & 0xFFFFFFu, answer, 1);
}

static bool power_of_two(uint32_t n) {
  return n != 0 && (n & (n - 1)) == 0;
}

// What the NOR logic relies on.
static void check(const struct sfdp *s) {
  uint64_t sum = 0;
  fuzz_require(power_of_two(s->size) && power_of_two(s->page));
  fuzz_require(s->region_count >= 1 && s->region_count <= SFDP_MAX_REGIONS);
  for (unsigned i = 0; i < s->region_count; i++) {
    fuzz_require(s->regions[i].size > 0 && s->regions[i].types < 16);
    sum += s->regions[i].size;
  }
  fuzz_require(sum == s->size);
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const struct sfdp_erase *e = &s->erase[i];
    fuzz_require(e->size == 0 || power_of_two(e->size));
    fuzz_require(e->typical_us <= e->maximum_us);
  }
  fuzz_require(s->chip_erase_typical_us <= s->chip_erase_maximum_us);
  fuzz_require((unsigned)s->quad_enable <= SFDP_QE_RESERVED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct area area = {data, size};
  const struct sfdp_source source = {&area, read, ask};
  struct sfdp s;
  memset(&s, 0xA5, sizeof s);
  if (sfdp_parse(&source, &s) == ST_OK) check(&s);
  return 0;
}
