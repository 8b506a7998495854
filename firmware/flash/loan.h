// SPDX-License-Identifier: MIT
// Bytes of a flash that are read where they lie, in the address space, instead of being
// copied first: by a reply of many packets, by a digest.
//
//   reader:  gives the shelter, room for them; reads at `data`, as it is then
//   flash:   if something else is asked of it, or the next loan: copies the bytes to
//            the shelter, and `data` is that from now on
//   reader:  length = 0, nothing need be copied any more
//
// The flash knows of a loan until it has ended it: a loan lives as long as the flash.
#pragma once

#include <stdint.h>

struct flash_loan {
  const uint8_t *data;  // where they are now
  uint8_t *shelter;
  uint32_t length;  // 0: nobody reads them
};
