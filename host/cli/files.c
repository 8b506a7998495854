// SPDX-License-Identifier: MIT
#include "host/cli/files.h"

#include <stdlib.h>

#include "host/lib/image.h"

bool cli_load_files(struct segments *list, size_t count, char **names,
                    struct qb_error *error) {
  for (size_t i = 0; i < count; i++) {
    struct image_input input;
    if (!image_parse_input(names[i], &input, error)) return false;
    const bool ok = image_load(list, &input, error);
    free(input.path);
    if (!ok) return false;
  }
  return segments_arrange(list, error);
}
