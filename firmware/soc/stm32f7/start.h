// SPDX-License-Identifier: MIT
// What the start-up code calls and what it offers.
#pragma once

#include <stdint.h>

// The program, entered with interrupts masked, .bss zeroed and the caches off.
__attribute__((noreturn)) void firmware_main(void);

// Any exception: nothing here expects one.
__attribute__((noreturn)) void firmware_fault(void);

// Loads VTOR, the stack pointer and the program counter from the table at
// `vectors`, with everything of the core as after a reset.
__attribute__((noreturn)) void start_image(uint32_t vectors);
