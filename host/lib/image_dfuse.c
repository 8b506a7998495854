// SPDX-License-Identifier: MIT
#include "host/lib/image_dfuse.h"

#include "common/format/dfuse.h"

bool image_dfuse_detect(const uint8_t *file, size_t size) {
  return dfuse_begins(file, size);
}

// What to do about a file that does not open.
static const char *advice(enum dfuse_status status) {
  switch (status) {
    case DFUSE_BAD_VERSION:
      return "have it made as version 1, such as by 'quadboot pack'";
    case DFUSE_TRUNCATED:
    case DFUSE_NO_SUFFIX:
    case DFUSE_BAD_CRC: return "copy or download it again";
    default: return "have it made again, such as by 'quadboot pack'";
  }
}

static bool add_elements(struct segments *list, struct dfuse_reader *reader,
                         const struct dfuse_target *target, const char *source,
                         struct qb_error *error) {
  struct dfuse_element element;
  const uint8_t *bytes = NULL;
  while (dfuse_next_element(reader, &element, &bytes)) {
    if (element.size == 0) continue;
    if (!segments_add_target(list, element.address, bytes, element.size, source,
                             target->alternate_setting, error)) {
      return false;
    }
  }
  return true;
}

bool image_dfuse_load(struct segments *list, const uint8_t *file, size_t size,
                      const char *source, struct qb_error *error) {
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  const enum dfuse_status status = dfuse_open(&reader, file, size, &summary);
  if (status != DFUSE_OK) {
    return qb_error_set(error, "%s %s; %s", source, dfuse_status_text(status),
                        advice(status));
  }
  if (summary.data_bytes == 0)
    return qb_error_set(error, "%s holds no data; leave it out", source);
  const struct segments_device device = {.vendor = summary.suffix.vendor,
                                         .product = summary.suffix.product,
                                         .source = source};
  if (!segments_for_device(list, &device, error)) return false;
  struct dfuse_target target;
  while (dfuse_next_target(&reader, &target)) {
    if (!add_elements(list, &reader, &target, source, error)) return false;
  }
  return true;
}
