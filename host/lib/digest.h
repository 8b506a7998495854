// SPDX-License-Identifier: MIT
// CRC-32s of a board's flash, computed by the board itself, and the request to finish
// its work (docs/spec/digest.md). One request at a time, with its waits and deadline.
#pragma once

#include "common/protocol/digest.h"
#include "host/lib/dfuc.h"

// How a request ended. Whatever is not DIGEST_TOLD comes with a sentence.
enum digest_result {
  DIGEST_TOLD,
  DIGEST_REFUSED,  // the board reports a failure
  DIGEST_USELESS,  // its answers make no sense, or it never ends: do without
  DIGEST_LOST,     // no board any more
};

// False: the device does not know digests.
bool digest_ask(struct dfuc *c, uint16_t *abilities);

// The CRCs of `count` units (at most DIGEST_MOST_UNITS) of `unit` bytes from `address`.
enum digest_result digest_crcs(struct dfuc *c, uint32_t address, uint32_t unit,
                               uint16_t count, uint32_t *out, struct qb_error *error);

// Everything that the board has accepted is written and read back, or DIGEST_REFUSED.
enum digest_result digest_sync(struct dfuc *c, struct qb_error *error);
