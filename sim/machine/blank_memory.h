// SPDX-License-Identifier: MIT
// Memory that reads as erased and costs nothing until it is written.
#pragma once

#include <stddef.h>
#include <stdint.h>

// `size` bytes of FFh, a multiple of the page size, private and cheap to fork: a
// 64 MB flash chip takes no memory and no time until a byte of it is changed. Given
// back with munmap. Never returns NULL.
uint8_t *blank_memory(size_t size);
