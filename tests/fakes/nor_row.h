// SPDX-License-Identifier: MIT
// What the NOR logic made of a chip, as one row of docs/nor-chips.md; and the check
// that the document has exactly these rows. When it has not, the rows are printed.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/flash/nor.h"

enum { NOR_ROW_MAX = 400, NOR_DOCUMENT_MAX = 64 * 1024 };

struct nor_row {
  char text[NOR_ROW_MAX];
  size_t length;
};

static inline void nor_row_add(struct nor_row *r, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int n =
      vsnprintf(r->text + r->length, sizeof r->text - r->length, format, arguments);
  va_end(arguments);
  assert_true(n >= 0 && r->length + (size_t)n < sizeof r->text);
  r->length += (size_t)n;
}

// A size in KB or MB, and a time in ms or s.
static inline void nor_row_size(struct nor_row *r, uint32_t bytes) {
  const bool mega = bytes % (1u << 20) == 0;
  nor_row_add(r, "%u %s", (unsigned)(mega ? bytes >> 20 : bytes >> 10),
              mega ? "MB" : "KB");
}

static inline void nor_row_time(struct nor_row *r, uint32_t us) {
  if (us < 1000) {
    nor_row_add(r, "%u us", (unsigned)us);
  } else if (us < 1000000) {
    nor_row_add(r, "%u ms", (unsigned)(us / 1000));
  } else {
    nor_row_add(r, "%u s", (unsigned)(us / 1000000));
  }
}

static inline void nor_row_lines(struct nor_row *r, const struct nor_cmd *c) {
  nor_row_add(r, "%02Xh 1-%u-%u", c->opcode, c->address_lines, c->data_lines);
}

// Between the address and the data.
static inline unsigned nor_row_clocks(const struct nor_cmd *c) {
  return c->dummy_clocks + (c->mode_lines ? 8u * c->mode_bytes / c->mode_lines : 0);
}

static inline void nor_row_erases(struct nor_row *r, const struct media_geometry *g) {
  for (unsigned i = 0; i < g->erase_count; i++) {
    if (i) nor_row_add(r, ", ");
    nor_row_size(r, g->erases[i].size);
    nor_row_add(r, " ");
    nor_row_time(r, g->erases[i].erase_us);
  }
  if (!g->whole_erase_us) return;
  nor_row_add(r, ", all ");
  nor_row_time(r, g->whole_erase_us);
}

static inline void nor_row_quad_enable(struct nor_row *r, const struct nor *n) {
  static const char *const bits[] = {"none",  "SR2.1", "SR1.6", "SR2.7",
                                     "SR2.1", "SR2.1", "SR2.1", "unknown"};
  nor_row_add(r, "%s", bits[n->sfdp.quad_enable]);
}

static inline void nor_row_addresses(struct nor_row *r, const struct nor *n) {
  if (n->address_bytes == 3) {
    nor_row_add(r, "3");
  } else {
    nor_row_add(r, n->dedicated ? "4, own opcodes" : "4, by B7h");
  }
}

static inline void nor_row_notes(struct nor_row *r, const struct nor *n) {
  const size_t before = r->length;
  if (n->sfdp.is_old) nor_row_add(r, "SFDP 1.0: times and quad enable of the family; ");
  if (n->sfdp.region_count > 1) nor_row_add(r, "sector map; ");
  if (n->family->maker == 0) nor_row_add(r, "maker unknown: 50 MHz; ");
  if (n->family->locks == NOR_LOCKS_ALWAYS) nor_row_add(r, "blocks unlocked by 98h; ");
  if (n->correction.size == n->sfdp.size && n->sfdp.is_old)
    nor_row_add(r, "size by its id; ");
  if (n->correction.quad_enabled) nor_row_add(r, "QER 7 means no bit; ");
  if (n->correction.low_power) nor_row_add(r, "33 MHz unless L/H is set; ");
  if (n->correction.die) nor_row_add(r, "dies of 64 MB, selected by C2h; ");
  if (r->length > before) {
    r->length -= 2;
    r->text[r->length] = 0;
  }
}

static inline void nor_row_make(struct nor_row *r, const char *name, struct nor *n) {
  const struct media m = nor_medium(n);
  *r = (struct nor_row){.length = 0};
  nor_row_add(r, "| %s | %02X %02X %02X | ", name, n->id[0], n->id[1], n->id[2]);
  nor_row_size(r, n->sfdp.size);
  nor_row_add(r, " | ");
  nor_row_lines(r, &n->read_cmd);
  nor_row_add(r, " | %u | %u | ", nor_row_clocks(&n->read_cmd),
              (unsigned)(n->hz / 1000000));
  nor_row_lines(r, &n->program_cmd);
  nor_row_add(r, ", ");
  nor_row_time(r, n->sfdp.page_typical_us);
  nor_row_add(r, " | ");
  nor_row_erases(r, &m.geometry);
  nor_row_add(r, " | ");
  nor_row_addresses(r, n);
  nor_row_add(r, " | ");
  nor_row_quad_enable(r, n);
  nor_row_add(r, " | ");
  nor_row_notes(r, n);
  nor_row_add(r, " |\n");
}

// The rows under the document's heading `heading` are these.
static inline void nor_row_expect(const char *heading, const struct nor_row *rows,
                                  size_t count) {
  static char document[NOR_DOCUMENT_MAX], expected[NOR_DOCUMENT_MAX];
  FILE *f = fopen(QB_ROOT "/docs/nor-chips.md", "r");
  assert_non_null(f);
  const size_t size = fread(document, 1, sizeof document - 1, f);
  fclose(f);
  document[size] = 0;
  expected[0] = 0;
  for (size_t i = 0; i < count; i++)
    strcat(expected, rows[i].text);
  const char *section = strstr(document, heading);
  const char *table = section ? strstr(section, "|---") : NULL;
  table = table ? strchr(table, '\n') : NULL;
  const size_t length = strlen(expected);
  if (!table || strncmp(table + 1, expected, length) || table[1 + length] == '|') {
    fprintf(stderr, "docs/nor-chips.md should have, under \"%s\":\n%s", heading,
            expected);
    fail();
  }
}
