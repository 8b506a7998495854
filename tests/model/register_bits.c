// SPDX-License-Identifier: MIT
#include "tests/model/register_bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint32_t rd(const struct register_block *b, uint32_t offset) {
  return bus_mmio_read(&b->sim->bus, b->base + offset, 4);
}

static void wr(const struct register_block *b, uint32_t offset, uint32_t value) {
  bus_mmio_write(&b->sim->bus, b->base + offset, 4, value);
}

static void restart(const struct register_block *b) {
  b->restart(b->ctx);
  report_clear(&b->sim->report);
}

static uint32_t named(const struct register_bits *r) {
  return r->kept | r->fixed | r->acts | r->missing;
}

static bool is_read_only(const struct register_bits *r) {
  return r->fixed && !(r->kept | r->acts | r->missing);
}

static const struct report_entry *entry_of(const struct register_block *b,
                                           enum guest_error error) {
  const struct report_entry *e = b->sim->report.entries;
  while (e && !(e->kind == REPORT_GUEST_ERROR && e->error == error))
    e = e->next;
  return e;
}

// What a write of `value` must have led to, other effects of it apart.
static void check_reports(const struct register_block *b, const struct register_bits *r,
                          uint32_t value) {
  const uint32_t changed = value ^ r->reset;
  const uint32_t reserved = is_read_only(r) ? 0 : changed & ~named(r);
  const struct report_entry *e = entry_of(b, GUEST_RESERVED_BITS);
  if (!e != !reserved) {
    fail_msg("%s <- 0x%08x: reserved bits 0x%08x %s", r->name, (unsigned)value,
             (unsigned)reserved, e ? e->detail : "not reported");
  }
  char mask[16];
  snprintf(mask, sizeof mask, "0x%08x", (unsigned)reserved);
  if (e && !strstr(e->detail, mask)) fail_msg("%s, expected %s", e->detail, mask);
  if (!entry_of(b, GUEST_READ_ONLY) != !is_read_only(r)) {
    fail_msg("%s <- 0x%08x: read-only %s", r->name, (unsigned)value,
             is_read_only(r) ? "not reported" : "reported");
  }
  if (!b->sim->report.unimplemented != !(changed & r->missing)) {
    fail_msg("%s <- 0x%08x: unimplemented %s", r->name, (unsigned)value,
             changed & r->missing ? "not reported" : "reported");
  }
}

static void check_written(const struct register_block *b, const struct register_bits *r,
                          uint32_t value) {
  restart(b);
  wr(b, r->offset, value);
  check_reports(b, r, value);
  const uint32_t now = rd(b, r->offset);
  const uint32_t still = r->fixed | ~named(r);
  const uint32_t wanted = (value & r->kept) | (r->reset & still);
  if ((now & (r->kept | still)) != wanted) {
    fail_msg("%s <- 0x%08x reads 0x%08x, expected 0x%08x in 0x%08x", r->name,
             (unsigned)value, (unsigned)now, (unsigned)wanted,
             (unsigned)(r->kept | still));
  }
}

static void check_reset(const struct register_block *b, const struct register_bits *r) {
  restart(b);
  const uint32_t value = rd(b, r->offset);
  if (value != r->reset) {
    fail_msg("%s is 0x%08x after reset, expected 0x%08x", r->name, (unsigned)value,
             (unsigned)r->reset);
  }
  if (b->sim->report.entries) fail_msg("%s", b->sim->report.entries->detail);
}

static bool is_hole(const struct register_block *b, uint32_t offset) {
  for (size_t i = 0; i < b->count; i++) {
    if (b->regs[i].offset == offset) return false;
  }
  return true;
}

static void check_hole(const struct register_block *b, uint32_t offset) {
  restart(b);
  const uint32_t value = rd(b, offset);
  wr(b, offset, 0xFFFFFFFF);
  if (value || report_count(&b->sim->report, GUEST_BAD_REGISTER) != 2) {
    fail_msg("offset 0x%03x is no register, but not reported so", (unsigned)offset);
  }
}

void check_register_bits(const struct register_block *b) {
  for (size_t i = 0; i < b->count; i++) {
    check_reset(b, &b->regs[i]);
    check_written(b, &b->regs[i], 0xFFFFFFFF);
    check_written(b, &b->regs[i], 0);
  }
  for (uint32_t offset = 0; offset < b->end; offset += 4) {
    if (is_hole(b, offset)) check_hole(b, offset);
  }
  restart(b);
}
