// SPDX-License-Identifier: MIT
#include "host/lib/cells.h"

#include "common/base/crc32.h"
#include "host/lib/grow.h"

static bool add_cell(struct plan *p, const struct cell *c, struct qb_error *error) {
  struct cell *cells =
      grow_array(p->cells, p->cell_count, &p->cell_capacity, sizeof *cells);
  if (!cells) return qb_error_no_memory(error);
  p->cells = cells;
  p->cells[p->cell_count++] = *c;
  return true;
}

// Bytes from `done` on, up to the next multiple of CELL_SIZE or the piece's end.
static uint32_t next_cut(const struct unit_piece *piece, uint32_t done, bool fine) {
  const uint32_t left = piece->size - done;
  const uint32_t room = CELL_SIZE - (piece->address + done) % CELL_SIZE;
  return fine && room < left ? room : left;
}

static bool cut_unit(struct plan *p, size_t index, struct qb_error *error) {
  struct unit *u = &p->units[index];
  u->first_cell = p->cell_count;
  for (size_t i = 0; i < u->pieces; i++) {
    const struct unit_piece *piece = &p->pieces[u->first_piece + i];
    for (uint32_t done = 0; done < piece->size;) {
      const uint32_t size = next_cut(piece, done, u->sector_exact);
      const struct cell c = {.unit = index,
                             .part = {.address = piece->address + done,
                                      .size = size,
                                      .bytes = piece->bytes + done}};
      if (!add_cell(p, &c, error)) return false;
      done += size;
    }
  }
  u->cells = p->cell_count - u->first_cell;
  return true;
}

bool cells_cut(struct plan *p, bool sector_exact, struct qb_error *error) {
  p->cell_count = 0;
  for (size_t i = 0; i < p->count; i++) {
    struct unit *u = &p->units[i];
    // Sectors of the internal flash are erased as a whole: all of one is sent.
    u->sector_exact = sector_exact && !plan_is_internal(u->sector.address);
    if (!cut_unit(p, i, error)) return false;
  }
  return true;
}

size_t cells_batch(const struct plan *p, size_t first,
                   bool (*wanted)(const struct unit *u)) {
  const struct unit_piece *part = &p->cells[first].part;
  size_t n = 0;
  while (n < DIGEST_MOST_UNITS && first + n < p->cell_count) {
    const struct cell *c = &p->cells[first + n];
    const uint64_t next = (uint64_t)part->address + (uint64_t)n * part->size;
    if (c->part.address != next || c->part.size != part->size) break;
    if (!wanted(&p->units[c->unit])) break;
    n++;
  }
  return n;
}

enum digest_result cells_ask(struct dfuc *c, struct plan *p, size_t first, size_t count,
                             struct qb_error *error) {
  struct cell *cells = &p->cells[first];
  const struct unit_piece *part = &cells->part;
  uint32_t crcs[DIGEST_MOST_UNITS];
  const enum digest_result result =
      digest_crcs(c, part->address, part->size, (uint16_t)count, crcs, error);
  for (size_t i = 0; result == DIGEST_TOLD && i < count; i++) {
    part = &cells[i].part;
    cells[i].same = crcs[i] == ~crc32_update(CRC32_INIT, part->bytes, part->size);
  }
  return result;
}

bool cells_all_same(const struct plan *p, const struct unit *u) {
  for (size_t i = 0; i < u->cells; i++) {
    if (!p->cells[u->first_cell + i].same) return false;
  }
  return true;
}

uint32_t cells_to_send(const struct plan *p, const struct unit *u) {
  uint32_t bytes = 0;
  for (size_t i = 0; i < u->cells; i++) {
    const struct cell *c = &p->cells[u->first_cell + i];
    if (cell_is_sent(u, c)) bytes += c->part.size;
  }
  return bytes;
}
