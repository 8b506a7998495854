// SPDX-License-Identifier: MIT
// The bytes of a plan in the pieces that a board's digests tell apart and that are sent
// or left alone as a whole.
#pragma once

#include "host/lib/digest.h"
#include "host/lib/plan.h"

enum { CELL_SIZE = 4096 };  // the smallest that a NOR chip erases

// Cuts every unit into cells: by piece, or at multiples of CELL_SIZE as well where the
// board is sector-exact and the flash has sectors as small, which quadboot's writer
// knows and its layout need not say. What was known of cells is forgotten.
bool cells_cut(struct plan *p, bool sector_exact, struct qb_error *error);

// How many cells from `first` on one request can ask for: of units that are wanted, one
// behind the other, of one size. At least 1 if the first is wanted, else 0.
size_t cells_batch(const struct plan *p, size_t first,
                   bool (*wanted)(const struct unit *u));

// Asks the board for `count` of them, as cells_batch says, and notes which it holds.
enum digest_result cells_ask(struct dfuc *c, struct plan *p, size_t first, size_t count,
                             struct qb_error *error);

// Whether the board holds all cells of a unit, as far as it was asked.
bool cells_all_same(const struct plan *p, const struct unit *u);

// Whether a cell of a unit that is written must be sent.
static inline bool cell_is_sent(const struct unit *u, const struct cell *c) {
  return !(u->sector_exact && c->same);
}

// Bytes of a unit that must be sent when it is written.
uint32_t cells_to_send(const struct plan *p, const struct unit *u);
