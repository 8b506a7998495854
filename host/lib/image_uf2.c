// SPDX-License-Identifier: MIT
#include "host/lib/image_uf2.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/format/uf2.h"

#define AGAIN "; copy or make the file again"

// What is known while a file is read.
struct progress {
  const uint8_t *file;
  const char *source;
  uint32_t count;        // blocks that the file says it has
  const uint8_t **seen;  // by number: the block's bytes, or NULL
};

// ---- Families --------------------------------------------------------------

// Microsoft's uf2families.json: those that a wrong file is likely to be for.
static const struct {
  uint32_t id;
  const char *name;
} families[] = {
    {0x00FF6919, "STM32L4"}, {0x04240BDF, "STM32L5"}, {0x1C5F21B0, "ESP32"},
    {0x1E1F432D, "STM32L1"}, {0x202E3A91, "STM32L0"}, {0x300F5633, "STM32G0"},
    {0x4C71240A, "STM32G4"}, {0x55114460, "SAMD51"},  {0x57755A57, "STM32F4"},
    {0x5D1A0A2E, "STM32F2"}, {0x5EE21072, "STM32F1"}, {0x647824B6, "STM32F0"},
    {0x68ED2B88, "SAMD21"},  {0x6B846188, "STM32F3"}, {0x6D0922FA, "STM32F407"},
    {0x6DB66082, "STM32H7"}, {0x70D16653, "STM32WB"}, {0xADA52840, "nRF52840"},
    {0xE48BFF56, "RP2040"},
};

static const char *family_name(uint32_t id) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    if (families[i].id == id) return families[i].name;
  }
  return "a family that this tool does not know";
}

static bool check_family(const struct progress *p, const struct uf2_block *b,
                         struct qb_error *error) {
  if (!(b->flags & UF2_HAS_FAMILY) || b->family == UF2_FAMILY_STM32F7) return true;
  return qb_error_set(error,
                      "%s is for %s (UF2 family 0x%08" PRIX32
                      "), not for STM32F7 (0x%08X); use the file for this board",
                      p->source, family_name(b->family), b->family, UF2_FAMILY_STM32F7);
}

// ---- Blocks ----------------------------------------------------------------

static bool check_count(struct progress *p, const struct uf2_block *b, size_t index,
                        struct qb_error *error) {
  if (index == 0) p->count = b->count;
  if (b->count == p->count) return true;
  return qb_error_set(error,
                      "%s: block %zu says that there are %" PRIu32
                      " blocks, but the first says %" PRIu32 AGAIN,
                      p->source, index + 1, b->count, p->count);
}

// Notes the block. `*again`: it was there before, with the same content. A block whose
// number is beyond what the file could hold means that others are missing.
static bool note(struct progress *p, const struct uf2_block *b, const uint8_t *bytes,
                 size_t blocks, bool *again, struct qb_error *error) {
  *again = false;
  if (b->number >= blocks) return true;
  const uint8_t **seen = &p->seen[b->number];
  *again = *seen != NULL;
  if (*again && memcmp(*seen, bytes, UF2_BLOCK_SIZE) != 0) {
    return qb_error_set(
        error, "%s holds block number %" PRIu32 " twice with different content" AGAIN,
        p->source, b->number);
  }
  *seen = bytes;
  return true;
}

static bool add_block(struct segments *list, const struct progress *p,
                      const struct uf2_block *b, struct qb_error *error) {
  if (b->flags & UF2_FILE_CONTAINER) {
    return qb_error_set(error,
                        "%s holds files, not the content of a flash; unpack it first",
                        p->source);
  }
  if (b->flags & UF2_NOT_MAIN_FLASH) return true;
  return check_family(p, b, error) &&
         segments_add(list, b->address, b->data, b->size, p->source, 0, error);
}

static bool take_block(struct segments *list, struct progress *p, size_t index,
                       size_t size, struct qb_error *error) {
  struct uf2_block block;
  const size_t offset = index * UF2_BLOCK_SIZE;
  const uint8_t *bytes = p->file + offset;
  const enum uf2_status status = uf2_decode(bytes, size - offset, &block);
  if (status != UF2_OK) {
    return qb_error_set(error, "%s: block %zu %s" AGAIN, p->source, index + 1,
                        uf2_status_text(status));
  }
  bool again = false;
  if (!check_count(p, &block, index, error) ||
      !note(p, &block, bytes, size / UF2_BLOCK_SIZE, &again, error)) {
    return false;
  }
  return again || add_block(list, p, &block, error);
}

// ---- Files -----------------------------------------------------------------

static bool check_complete(const struct progress *p, size_t blocks,
                           struct qb_error *error) {
  for (uint32_t i = 0; i < p->count; i++) {
    if (i < blocks && p->seen[i]) continue;
    return qb_error_set(error,
                        "%s is not complete: block number %" PRIu32 " of 0..%" PRIu32
                        " is missing" AGAIN,
                        p->source, i, p->count - 1);
  }
  return true;
}

bool image_uf2_load(struct segments *list, const uint8_t *file, size_t size,
                    const char *source, struct qb_error *error) {
  const size_t blocks = size / UF2_BLOCK_SIZE;
  const size_t before = list->count;
  struct progress p = {.file = file, .source = source};
  p.seen = calloc(blocks + 1, sizeof *p.seen);
  if (!p.seen) return qb_error_no_memory(error);
  bool ok = true;
  for (size_t i = 0; ok && i * UF2_BLOCK_SIZE < size; i++) {
    ok = take_block(list, &p, i, size, error);
  }
  ok = ok && check_complete(&p, blocks, error);
  free(p.seen);
  if (ok && list->count == before) {
    return qb_error_set(error, "%s holds nothing for a flash; leave it out", source);
  }
  return ok;
}
