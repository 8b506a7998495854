// SPDX-License-Identifier: MIT
// The SFDP areas of real chips (tests/vectors/sfdp), and an area of bytes as a source
// for the parser. Behind its end a chip reads FFh; a truncated capture fails there.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/flash/sfdp.h"

enum { SFDP_DUMPS = 31, SFDP_DUMP_MAX = 1024 };

struct sfdp_dump {
  uint8_t id[3];  // JEDEC, of the file's comment
  uint8_t bytes[SFDP_DUMP_MAX];
  size_t length;
  bool ends;                  // a read beyond the end is an error
  unsigned reads, fail_read;  // that read fails, counted from 1; 0: none does
  // Questions asked: the answers, in turn, and the last one.
  const uint8_t *answers;
  struct sfdp_question asked;
};

static const char *const sfdp_dump_names[SFDP_DUMPS] = {
    "at25ql128a",     "bh25q128as",  "gd25lb512me",         "is25wp256",
    "mt25ql512_bfpt", "mt25qu256a",  "mt25qu512a",          "mx25l12835f",
    "mx25l25635e",    "mx25l25635f", "mx25l3233f",          "mx25l3255e_class",
    "mx25r6435f",     "mx25u51245g", "mx25um_octal_c2813a", "mx66l1g45g",
    "mx66l2g45g",     "mx66l51235f", "mx66u2g45g",          "mx_512mbit_jesd216b",
    "n25q256a",       "sst26vf064b", "w25q01jvq",           "w25q128_old",
    "w25q128jv",      "w25q256",     "w25q512jv",           "w25q512nwm",
    "w25q64jv",       "w25q64jwm",   "zd25q128c",
};

// "JEDEC id c2 20 1a", or the same bytes in brackets.
static inline void sfdp_dump_id(struct sfdp_dump *d, const char *line) {
  const char *at = strstr(line, "JEDEC id ");
  at = at ? at + 9 : strchr(line, '(');
  if (!at || d->id[0]) return;
  at += *at == '(';
  unsigned id[3];
  if (sscanf(at, "%2x %2x %2x", &id[0], &id[1], &id[2]) != 3) return;
  for (int i = 0; i < 3; i++)
    d->id[i] = (uint8_t)id[i];
}

// The file: lines that begin with '#', then bytes in hexadecimal. It tells its length.
static inline void sfdp_dump_load(struct sfdp_dump *d, const char *name) {
  char path[512], line[512];
  size_t told = 0;
  snprintf(path, sizeof path, QB_ROOT "/tests/vectors/sfdp/%s.hex", name);
  FILE *f = fopen(path, "r");
  if (!f) fail_msg("no dump %s", path);
  *d = (struct sfdp_dump){.length = 0};
  while (fgets(line, sizeof line, f)) {
    if (strncmp(line, "# length ", 9) == 0) told = strtoul(line + 9, NULL, 10);
    if (line[0] == '#') {
      sfdp_dump_id(d, line);
      continue;
    }
    char *end = line;
    for (char *p = line;; p = end) {
      const unsigned long byte = strtoul(p, &end, 16);
      if (end == p) break;
      assert_true(byte <= 0xFF && d->length < SFDP_DUMP_MAX);
      d->bytes[d->length++] = (uint8_t)byte;
    }
  }
  fclose(f);
  assert_int_equal(d->length, told);
  assert_int_not_equal(d->id[0], 0);
}

static inline enum status sfdp_dump_read(void *ctx, uint32_t address, uint8_t *dst,
                                         size_t n) {
  struct sfdp_dump *d = (struct sfdp_dump *)ctx;
  d->reads++;
  if (d->reads == d->fail_read) return ST_BUS_TIMEOUT;
  if (d->ends && address + n > d->length) return ST_BUS_TIMEOUT;
  for (size_t i = 0; i < n; i++)
    dst[i] = address + i < d->length ? d->bytes[address + i] : 0xFF;
  return ST_OK;
}

static inline enum status sfdp_dump_ask(void *ctx, const struct sfdp_question *q,
                                        uint8_t *answer) {
  struct sfdp_dump *d = (struct sfdp_dump *)ctx;
  d->reads++;
  if (d->reads == d->fail_read) return ST_BUS_TIMEOUT;
  d->asked = *q;
  *answer = d->answers ? *d->answers++ : 0xFF;
  return ST_OK;
}

static inline enum status sfdp_dump_parse(struct sfdp_dump *d, struct sfdp *out) {
  const struct sfdp_source source = {d, sfdp_dump_read, sfdp_dump_ask};
  d->reads = 0;
  return sfdp_parse(&source, out);
}
