// SPDX-License-Identifier: MIT
// Plain DFU files (USB DFU 1.1 appendix B) into segments: bytes without addresses, and
// a suffix that says which USB device they are for. dfu-suffix makes them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/segments.h"

// True if the file ends with a sound suffix: signature, length and checksum.
bool image_plain_detect(const uint8_t *file, size_t size);

// Adds what is before the suffix at `address`, and notes the device. The bytes stay in
// `file`, which must outlive the list, like `source`. Error: names the source; a file
// that begins with a prefix for another maker's chips (dfu-prefix).
__attribute__((warn_unused_result)) bool image_plain_load(
    struct segments *list, uint32_t address, const uint8_t *file, size_t size,
    const char *source, struct qb_error *error);
