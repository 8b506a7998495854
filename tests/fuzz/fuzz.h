// SPDX-License-Identifier: MIT
// What every fuzz entry offers. It links either with libFuzzer
// (clang -fsanitize=fuzzer,address,undefined) or with replay.c, which only runs a
// corpus once more.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// libFuzzer's interface: must return 0, must keep no state.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Ends the program as a finding if a promise of the code under test is broken;
// unlike assert() also in a release build.
#define fuzz_require(condition) \
  do {                          \
    if (!(condition)) abort();  \
  } while (0)
