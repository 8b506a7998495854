// SPDX-License-Identifier: MIT
#include "host/lib/contents.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/lib/regions.h"

// ---- Reading ---------------------------------------------------------------

// The first address that an update may write: there quadboot looks for vectors.
static uint32_t application_address(void) {
  const struct region *region = region_table;
  while (region->alternate_setting != 0) {
    region++;
  }
  return region->first;
}

static void find_vectors(struct contents *c) {
  c->vectors_address = application_address();
  for (size_t i = 0; i < c->pieces.count; i++) {
    const struct segment *s = &c->pieces.items[i];
    if (s->address > c->vectors_address) return;
    const size_t offset = c->vectors_address - s->address;
    if (offset >= s->size || s->size - offset < VECTORS_SIZE) continue;
    c->has_vectors = true;
    c->vectors = vectors_load(s->bytes + offset);
    return;
  }
}

static void summarise(struct contents *c) {
  struct dfuse_reader reader;
  if (c->format != IMAGE_DFUSE) return;
  if (dfuse_open(&reader, c->file.data, c->file.size, &c->summary) != DFUSE_OK) abort();
}

bool contents_read(struct contents *out, const struct image_input *input,
                   struct qb_error *error) {
  if (!file_read(input->path, &out->file, error)) return false;
  out->format = image_format_of(out->file.data, out->file.size);
  out->placed = input->has_address ||
                (out->format != IMAGE_RAW && out->format != IMAGE_PLAIN_DFU);
  if (!out->placed) {
    out->has_vectors = out->file.size >= VECTORS_SIZE;
    if (out->has_vectors) out->vectors = vectors_load(out->file.data);
    return true;
  }
  char *source = strdup(input->path);
  if (!source) return qb_error_no_memory(error);
  if (!segments_own(&out->pieces, source, error) ||
      !image_load_bytes(&out->pieces, input, out->file.data, out->file.size, source,
                        error) ||
      !segments_arrange(&out->pieces, error)) {
    return false;
  }
  summarise(out);
  find_vectors(out);
  return true;
}

void contents_free(struct contents *c) {
  segments_free(&c->pieces);
  free(c->file.data);
  *c = (struct contents){0};
}

// ---- Problems --------------------------------------------------------------

static bool dfuse_problem(const struct contents *c, unsigned which,
                          struct qb_error *out) {
  if (c->format != IMAGE_DFUSE) return false;
  if (which == 0 && !c->summary.ascending) {
    qb_error_set(out,
                 "its elements do not ascend, so dfu-util would erase what it has just "
                 "written; pack it again");
    return true;
  }
  if (which == 1 && c->summary.size_style == DFUSE_SIZE_WITH_SUFFIX) {
    qb_error_set(out,
                 "its image size counts the suffix, so fwupd would refuse it; pack it "
                 "again");
    return true;
  }
  return false;
}

static bool piece_problem(const struct segment *s, struct qb_error *out) {
  if (!region_check(s, out)) return true;
  const struct region *region = region_of(s->address);
  if (s->alternate == SEGMENT_ANY_TARGET || s->alternate == region->alternate_setting) {
    return false;
  }
  qb_error_set(out,
               "0x%08" PRIX32
               " is in target %d, but %s is target %d of quadboot; "
               "unpack it, and pack its parts",
               s->address, s->alternate, region->name, region->alternate_setting);
  return true;
}

static bool vectors_problem(const struct contents *c, struct qb_error *out) {
  if (!c->placed || !c->has_vectors || vectors_fit(&c->vectors, c->vectors_address)) {
    return false;
  }
  qb_error_set(out,
               "0x%08" PRIX32
               " does not begin with the vector table of an application "
               "linked for there (initial SP 0x%08" PRIX32
               ", reset handler 0x%08" PRIX32 "), so it would not start",
               c->vectors_address, c->vectors.sp, c->vectors.reset);
  return true;
}

size_t contents_problems(const struct contents *c, struct qb_error *out, size_t room) {
  size_t n = 0;
  for (unsigned which = 0; which < 2 && n < room; which++) {
    n += dfuse_problem(c, which, &out[n]);
  }
  for (size_t i = 0; i < c->pieces.count && n < room; i++) {
    n += piece_problem(&c->pieces.items[i], &out[n]);
  }
  if (n < room) n += vectors_problem(c, &out[n]);
  return n;
}

void contents_text(const char *name, char out[DFUSE_NAME_SIZE + 1]) {
  size_t n = 0;
  for (; n < DFUSE_NAME_SIZE && name[n]; n++) {
    const bool printable = name[n] >= 0x20 && name[n] < 0x7F;
    out[n] = name[n];
    if (!printable) out[n] = '?';
  }
  out[n] = '\0';
}
