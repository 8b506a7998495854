// SPDX-License-Identifier: MIT
// CRC-32 (reflected, polynomial 0xEDB88320): the one of zlib, DfuSe and PNG.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Start value of a running CRC.
#define CRC32_INIT 0xFFFFFFFFu

// Feeds `n` bytes into a running CRC. The zlib value is the complement of the
// result; DfuSe stores the running value itself (DfuSe file format 1.1a, 3.3).
uint32_t crc32_update(uint32_t crc, const void *data, size_t n);
