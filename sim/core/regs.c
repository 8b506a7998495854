// SPDX-License-Identifier: MIT
#include "sim/core/regs.h"

#include <stdio.h>
#include <stdlib.h>

void reg_file_init(struct reg_file *f, const struct reg_block *block, uint32_t base,
                   const struct reg_model *models, size_t model_count,
                   struct report *report) {
  *f = (struct reg_file){.block = block, .report = report, .base = base};
  f->words = block->regs[block->count - 1].offset / 4 + 1;
  // An array of pointers is what is wanted.
  // NOLINTNEXTLINE(bugprone-sizeof-expression)
  f->by_word = calloc(f->words, sizeof *f->by_word);
  f->implemented = calloc(f->words, sizeof *f->implemented);
  f->harmless = calloc(f->words, sizeof *f->harmless);
  if (!f->by_word || !f->implemented || !f->harmless) abort();
  for (size_t i = 0; i < block->count; i++) {
    f->by_word[block->regs[i].offset / 4] = &block->regs[i];
  }
  for (size_t m = 0; m < model_count; m++) {
    const uint32_t count = models[m].count ? models[m].count : 1;
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t word = (models[m].offset + i * models[m].stride) / 4;
      if (word < f->words) f->implemented[word] = models[m].modelled | models[m].inert;
    }
  }
  f->next = report->files;
  report->files = f;
}

void reg_file_allow(struct reg_file *f, uint32_t offset, uint32_t bits) {
  f->harmless[offset / 4] = bits;
}

static void unlist(struct reg_file *f) {
  struct reg_file **link = &f->report->files;
  while (*link && *link != f)
    link = &(*link)->next;
  if (*link) *link = f->next;
}

void reg_file_free(struct reg_file *f) {
  if (f->by_word) unlist(f);
  free(f->by_word);
  free(f->implemented);
  free(f->harmless);
  f->by_word = NULL;
  f->implemented = NULL;
  f->harmless = NULL;
}

const struct reg_desc *reg_at(const struct reg_file *f, uint32_t offset) {
  return offset / 4 < f->words ? f->by_word[offset / 4] : NULL;
}

const struct reg_file *reg_file_at(const struct report *r, uint32_t addr) {
  for (const struct reg_file *f = r->files; f; f = f->next) {
    const uint32_t offset = addr - f->base;
    if (offset < 4 * f->words && f->by_word[offset / 4]) return f;
  }
  return NULL;
}

uint32_t reg_lanes(uint32_t offset, unsigned bytes) {
  const uint32_t mask = bytes >= 4 ? 0xFFFFFFFFu : (1u << (8 * bytes)) - 1u;
  return mask << (8 * (offset & 3u));
}

uint32_t reg_merge(uint32_t old, uint32_t offset, unsigned bytes, uint32_t value) {
  const uint32_t lanes = reg_lanes(offset, bytes);
  return (old & ~lanes) | ((value << (8 * (offset & 3u))) & lanes);
}

uint32_t reg_update(const struct reg_file *f, uint32_t old, uint32_t offset,
                    unsigned bytes, uint32_t value) {
  const struct reg_desc *reg = reg_at(f, offset);
  const uint32_t writable = reg->known & ~reg->read_only;
  return (old & ~writable) | (reg_merge(old, offset, bytes, value) & writable);
}

uint32_t reg_extract(uint32_t word, uint32_t offset, unsigned bytes) {
  return (word & reg_lanes(offset, bytes)) >> (8 * (offset & 3u));
}

bool reg_check_read(const struct reg_file *f, uint32_t offset) {
  if (reg_at(f, offset)) return true;
  report_guest(f->report, GUEST_BAD_REGISTER, f->base + offset,
               "read at offset 0x%03x of %s, where no register is", (unsigned)offset,
               f->block->name);
  return false;
}

// Lists the fields of `reg` that overlap `bits`.
static void name_fields(const struct reg_desc *reg, uint32_t bits, char *out,
                        size_t n) {
  size_t used = 0;
  out[0] = 0;
  for (unsigned i = 0; i < reg->field_count && used < n; i++) {
    const struct reg_field *field = &reg->fields[i];
    const uint32_t mask = (uint32_t)(((1ull << field->width) - 1u) << field->lsb);
    if (!(mask & bits)) continue;
    const int wrote =
        snprintf(out + used, n - used, "%s%s", used ? "," : "", field->name);
    if (wrote > 0) used += (size_t)wrote;
  }
}

bool reg_check_write(const struct reg_file *f, uint32_t offset, unsigned bytes,
                     uint32_t value) {
  const struct reg_desc *reg = reg_at(f, offset);
  const uint32_t addr = f->base + offset;
  if (!reg) {
    report_guest(f->report, GUEST_BAD_REGISTER, addr,
                 "write at offset 0x%03x of %s, where no register is", (unsigned)offset,
                 f->block->name);
    return false;
  }
  if (reg->known && reg->read_only == reg->known) {
    report_guest(f->report, GUEST_READ_ONLY, addr, "%s.%s is read-only", f->block->name,
                 reg->name);
    return false;
  }
  const uint32_t word = reg_merge(reg->reset, offset, bytes, value);
  const uint32_t changed = word ^ reg->reset;
  const uint32_t reserved = changed & ~reg->known & ~f->harmless[offset / 4];
  if (reserved) {
    report_guest(f->report, GUEST_RESERVED_BITS, addr, "%s.%s reserved bits 0x%08x",
                 f->block->name, reg->name, (unsigned)reserved);
  }
  const uint32_t missing =
      changed & reg->known & ~reg->read_only & ~f->implemented[offset / 4];
  if (missing) {
    char fields[64];
    name_fields(reg, missing, fields, sizeof fields);
    report_unimplemented(f->report, addr, "%s.%s: %s", f->block->name, reg->name,
                         fields);
  }
  return true;
}
