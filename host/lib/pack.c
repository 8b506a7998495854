// SPDX-License-Identifier: MIT
#include "host/lib/pack.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/format/dfuse.h"
#include "host/lib/regions.h"

// Every segment as an element. region_check() has bounded the sizes to 256 MB.
static void fill_elements(const struct segments *list,
                          struct dfuse_element_plan *elements) {
  for (size_t i = 0; i < list->count; i++) {
    const struct segment *s = &list->items[i];
    elements[i] = (struct dfuse_element_plan){
        .address = s->address, .size = (uint32_t)s->size, .data = s->bytes};
  }
}

// One target per region that holds elements; returns how many.
static size_t fill_targets(const struct dfuse_element_plan *elements, size_t count,
                           struct dfuse_target_plan targets[REGION_COUNT]) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    const struct region *region = region_of(elements[i].address);
    const uint8_t alternate_setting = (uint8_t)region->alternate_setting;
    if (n == 0 || targets[n - 1].alternate_setting != alternate_setting) {
      targets[n++] = (struct dfuse_target_plan){.alternate_setting = alternate_setting,
                                                .name = region->name,
                                                .elements = &elements[i]};
    }
    targets[n - 1].count++;
  }
  return n;
}

static bool build(const struct dfuse_plan *plan, struct file_bytes *out,
                  struct qb_error *error) {
  uint32_t size = 0;
  enum dfuse_status status = dfuse_plan_size(plan, &size);
  if (status != DFUSE_OK) {
    return qb_error_set(error, "the .dfu file %s", dfuse_status_text(status));
  }
  uint8_t *data = malloc(size);
  if (!data) return qb_error_no_memory(error);
  status = dfuse_build(plan, data, size);
  if (status != DFUSE_OK) {
    free(data);
    return qb_error_set(error, "the .dfu file %s", dfuse_status_text(status));
  }
  *out = (struct file_bytes){.data = data, .size = size};
  return true;
}

// Every segment must lie in flash. Those that name no target get that of their region,
// so that neighbours are one element whatever file they came from.
static bool assign_targets(struct segments *list, struct qb_error *error) {
  for (size_t i = 0; i < list->count; i++) {
    struct segment *s = &list->items[i];
    if (!region_check(s, error)) return false;
    const struct region *region = region_of(s->address);
    if (s->alternate != SEGMENT_ANY_TARGET &&
        s->alternate != region->alternate_setting) {
      return qb_error_set(error,
                          "%s puts 0x%08" PRIX32
                          " into target %d, but %s is target %d "
                          "of quadboot; unpack it, and pack its parts",
                          s->source, s->address, s->alternate, region->name,
                          region->alternate_setting);
    }
    s->alternate = region->alternate_setting;
  }
  return true;
}

bool pack_segments(struct segments *list, const struct pack_options *options,
                   struct file_bytes *out, struct qb_error *error) {
  if (list->count == 0) return qb_error_set(error, "there is nothing to pack");
  if (!assign_targets(list, error) || !segments_arrange(list, error)) return false;

  struct dfuse_element_plan *elements = calloc(list->count, sizeof *elements);
  if (!elements) return qb_error_no_memory(error);
  struct dfuse_target_plan targets[REGION_COUNT];
  fill_elements(list, elements);
  const struct dfuse_plan plan = {
      .targets = targets,
      .count = fill_targets(elements, list->count, targets),
      .vendor = options->vendor,
      .product = options->product,
      .bcd_device = options->bcd_device,
  };
  const bool ok = build(&plan, out, error);
  free(elements);
  return ok;
}
