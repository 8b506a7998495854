// SPDX-License-Identifier: MIT
// Whether what lies at the application's address can be one.
#pragma once

#include <stdint.h>

#include "common/base/status.h"

#define APP_BASE 0x08010000u

// The first two words of an image, as the core would load them.
struct app_vectors {
  uint32_t stack, reset;
};

// NO_APPLICATION unless the stack pointer lies in RAM (its end included, as stack
// tops do), word-aligned, and the reset vector is Thumb code inside
// [APP_BASE, flash_end).
enum status app_check(struct app_vectors v, uint32_t flash_end);
