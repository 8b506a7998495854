// SPDX-License-Identifier: MIT
// CRC-16/XMODEM: polynomial 0x1021, not reflected, start value 0, no final inversion.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Feeds `n` bytes into a running CRC that began as 0.
uint16_t crc16_update(uint16_t crc, const uint8_t *p, size_t n);
