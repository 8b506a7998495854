// SPDX-License-Identifier: MIT
// The chip's CRC unit, as it is after a reset (32 bits, polynomial 04C11DB7h), doing
// the CRC-32 of common/base/crc32.h at about a clock a byte.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Like crc32_update. The unit keeps nothing from one call to the next.
uint32_t crc_f7_update(uintptr_t base, uint32_t crc, const void *data, size_t n);
