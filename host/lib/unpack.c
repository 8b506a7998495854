// SPDX-License-Identifier: MIT
#include "host/lib/unpack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/lib/image.h"
#include "host/lib/image_dfuse.h"
#include "host/lib/pack.h"

// ---- Names -----------------------------------------------------------------

enum { SLUG_ROOM = 25 };

// Lower-case letters and digits of the name, a '-' for each stretch of anything else.
static void make_slug(const char *name, char out[SLUG_ROOM]) {
  size_t n = 0;
  for (; *name && n < SLUG_ROOM - 1; name++) {
    char lower = *name;
    if (lower >= 'A' && lower <= 'Z') lower = (char)(lower - 'A' + 'a');
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) {
      out[n++] = lower;
    } else if (n > 0 && out[n - 1] != '-') {
      out[n++] = '-';
    }
  }
  while (n > 0 && out[n - 1] == '-') {
    n--;
  }
  out[n] = '\0';
}

// "0-internal-flash-0x08010000.bin"
static void make_name(struct unpack_part *part, const char *target) {
  char slug[SLUG_ROOM];
  make_slug(target, slug);
  snprintf(part->name, sizeof part->name, "%u%s%s-0x%08" PRIX32 ".bin", part->alternate,
           slug[0] ? "-" : "", slug, part->address);
}

// By target and address, then by their order in the file.
static int by_place(const void *pa, const void *pb) {
  const struct unpack_part *a = *(struct unpack_part *const *)pa;
  const struct unpack_part *b = *(struct unpack_part *const *)pb;
  if (a->alternate != b->alternate) return a->alternate - b->alternate;
  if (a->address != b->address) return a->address < b->address ? -1 : 1;
  return (a > b) - (a < b);
}

// Numbers the parts that are for the same address of the same target.
static bool number_copies(struct unpack *u, struct qb_error *error) {
  struct unpack_part **order = calloc(u->count, sizeof(struct unpack_part *));
  if (!order) return qb_error_no_memory(error);
  for (size_t i = 0; i < u->count; i++) {
    order[i] = &u->parts[i];
  }
  qsort(order, u->count, sizeof(struct unpack_part *), by_place);
  size_t copy = 1;
  for (size_t i = 1; i < u->count; i++) {
    const struct unpack_part *before = order[i - 1];
    struct unpack_part *part = order[i];
    const bool same =
        part->alternate == before->alternate && part->address == before->address;
    copy = same ? copy + 1 : 1;
    if (!same) continue;
    char *extension = strrchr(part->name, '.');
    const size_t room = sizeof part->name - (size_t)(extension - part->name);
    snprintf(extension, room, "-%zu.bin", copy);
  }
  free(order);
  return true;
}

// ---- Parts -----------------------------------------------------------------

static void add_parts(struct unpack *u, struct dfuse_reader *reader) {
  struct dfuse_target target;
  struct dfuse_element element;
  const uint8_t *bytes = NULL;
  while (dfuse_next_target(reader, &target)) {
    while (dfuse_next_element(reader, &element, &bytes)) {
      if (element.size == 0) continue;
      struct unpack_part part = {.alternate = target.alternate_setting,
                                 .address = element.address,
                                 .size = element.size,
                                 .bytes = bytes};
      make_name(&part, target.name);
      u->parts[u->count++] = part;
    }
  }
}

bool unpack_open(struct unpack *out, const uint8_t *file, size_t size,
                 const char *source, struct qb_error *error) {
  const enum image_format format = image_format_of(file, size);
  if (format != IMAGE_DFUSE) {
    return qb_error_set(
        error,
        "%s is %s, and only DfuSe files (.dfu) can be unpacked; 'quadboot "
        "show' tells what is in it",
        source, image_format_name(format));
  }
  // Tells all defects in the words of every other command.
  struct segments ignored = {0};
  const bool sound = image_dfuse_load(&ignored, file, size, source, error);
  segments_free(&ignored);
  if (!sound) return false;
  struct dfuse_reader reader;
  if (dfuse_open(&reader, file, size, &out->summary) != DFUSE_OK) abort();
  out->parts = calloc(out->summary.elements, sizeof *out->parts);
  if (!out->parts) return qb_error_no_memory(error);
  add_parts(out, &reader);
  return number_copies(out, error);
}

void unpack_free(struct unpack *u) {
  free(u->parts);
  *u = (struct unpack){0};
}

// ---- Back again ------------------------------------------------------------

static bool pack_parts(const struct unpack *u, struct file_bytes *out,
                       struct qb_error *error) {
  struct segments list = {0};
  bool ok = true;
  for (size_t i = 0; ok && i < u->count; i++) {
    const struct unpack_part *part = &u->parts[i];
    const enum image_format format = image_format_of(part->bytes, part->size);
    if (format != IMAGE_RAW) {
      ok = qb_error_set(error, "%s alone would be taken for %s", part->name,
                        image_format_name(format));
      break;
    }
    ok = segments_add(&list, part->address, part->bytes, part->size, part->name, 0,
                      error);
  }
  const struct pack_options options = {.vendor = u->summary.suffix.vendor,
                                       .product = u->summary.suffix.product,
                                       .bcd_device = u->summary.suffix.bcd_device};
  ok = ok && pack_segments(&list, &options, out, error);
  segments_free(&list);
  return ok;
}

enum unpack_again unpack_try_again(const struct unpack *u, const uint8_t *file,
                                   size_t size, struct qb_error *error) {
  struct file_bytes again = {0};
  if (!pack_parts(u, &again, error)) return UNPACK_REFUSED;
  const bool same = again.size == size && memcmp(again.data, file, size) == 0;
  free(again.data);
  return same ? UNPACK_SAME : UNPACK_DIFFERENT;
}
