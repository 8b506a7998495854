// SPDX-License-Identifier: MIT
// What a build contains beyond DFU, as constants: code that a build leaves out is
// compiled all the same, and the compiler drops it. Programs of the host have
// everything.
#pragma once

enum {
  // A serial port beside DFU (CMake option QB_SERIAL).
  CONFIG_SERIAL = QB_SERIAL,
};
