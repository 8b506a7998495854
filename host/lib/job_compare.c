// SPDX-License-Identifier: MIT
// What is on a board against what should be there: by the board's own checksums where
// it computes them, else by reading.
#include <inttypes.h>
#include <string.h>

#include "host/lib/cells.h"
#include "host/lib/chip.h"
#include "host/lib/job_internal.h"

// ---- Reading ---------------------------------------------------------------

struct difference {
  uint64_t bytes;
  uint32_t address;  // of the first
  uint8_t is, should_be;
};

static void compare_bytes(const struct unit_piece *piece, uint32_t offset,
                          const uint8_t *is, uint32_t length, struct difference *d) {
  const uint8_t *should_be = piece->bytes + offset;
  if (memcmp(is, should_be, length) == 0) return;
  for (uint32_t i = 0; i < length; i++) {
    if (is[i] == should_be[i]) continue;
    if (d->bytes++ > 0) continue;
    d->address = piece->address + offset + i;
    d->is = is[i];
    d->should_be = should_be[i];
  }
}

static enum dfuc_outcome compare_unit(struct job *j, const struct plan *p,
                                      const struct unit *u, struct difference *d,
                                      struct qb_error *error) {
  uint8_t bytes[DFU_TRANSFER_SIZE_MOST];
  for (size_t i = 0; i < u->pieces; i++) {
    const struct unit_piece *piece = &p->pieces[u->first_piece + i];
    for (uint32_t done = 0; done < piece->size;) {
      const uint16_t length = job_block(j, piece->size - done);
      const enum dfuc_outcome outcome =
          job_read_bytes(j, piece->address + done, bytes, length, error);
      if (outcome != DFUC_OK) return outcome;
      compare_bytes(piece, done, bytes, length, d);
      done += length;
    }
  }
  return DFUC_OK;
}

static bool is_readable(const struct job *j, const struct unit *u) {
  return j->client->can_upload && (u->sector.access & LAYOUT_READABLE);
}

static enum job_outcome refuse_reading(const struct unit *u, struct qb_error *error) {
  qb_error_set(error,
               "the board does not let the flash at 0x%08" PRIX32
               " be read, so it cannot be compared",
               u->sector.address);
  return JOB_REFUSED;
}

// Which units a comparison looks at, and what becomes of them. What cannot be read is
// different, but nobody verifies that.
struct comparison {
  enum job_phase phase;
  bool (*wanted)(const struct unit *u);
  enum unit_state equal, different;
};

static enum job_outcome compare(struct job *j, struct plan *p,
                                const struct comparison *what, struct difference *sum,
                                struct qb_error *error) {
  enum dfuc_outcome outcome = DFUC_OK;
  bool any = false;
  for (size_t i = 0; i < p->count && outcome == DFUC_OK; i++) {
    const struct unit *u = &p->units[i];
    if (!what->wanted(u)) continue;
    if (!is_readable(j, u)) {
      if (what->phase == JOB_VERIFYING) return refuse_reading(u, error);
      job_set_state(j, p, i, what->different);
      continue;
    }
    const enum job_outcome stop = job_check_stop(j, error);
    if (stop != JOB_DONE) return stop;
    struct difference d = {0};
    any = true;
    job_enter(j, what->phase, u->sector.address);
    if (j->alternate != u->alternate) outcome = job_select(j, u->alternate, error);
    if (outcome == DFUC_OK) outcome = compare_unit(j, p, u, &d, error);
    if (outcome != DFUC_OK) break;
    job_set_state(j, p, i, d.bytes == 0 ? what->equal : what->different);
    if (sum->bytes == 0) *sum = (struct difference){0, d.address, d.is, d.should_be};
    sum->bytes += d.bytes;
  }
  if (any && outcome == DFUC_OK) outcome = job_end_reading(j, error);
  return job_from_dfu(outcome);
}

static bool is_any(const struct unit *u) {
  return u->pieces > 0;
}

uint64_t job_bytes_of(const struct plan *p, bool (*wanted)(const struct unit *u)) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < p->count; i++) {
    if (wanted(&p->units[i])) bytes += p->units[i].bytes;
  }
  return bytes;
}

static enum job_outcome different(const struct difference *d, struct qb_error *error) {
  if (d->bytes == 0) return JOB_DONE;
  qb_error_set(error,
               "%" PRIu64 " bytes differ; the first at 0x%08" PRIX32
               ", which holds 0x%02X instead of 0x%02X",
               d->bytes, d->address, d->is, d->should_be);
  return JOB_DIFFERENT;
}

enum job_outcome job_check_readable(const struct job *j, const struct plan *p,
                                    struct qb_error *error) {
  for (size_t i = 0; i < p->count; i++) {
    if (!is_readable(j, &p->units[i])) return refuse_reading(&p->units[i], error);
  }
  return JOB_DONE;
}

enum job_outcome job_verify_written(struct job *j, struct plan *p,
                                    struct qb_error *error) {
  static const struct comparison written = {JOB_VERIFYING, unit_is_written,
                                            UNIT_VERIFIED, UNIT_WAITING};
  struct difference d = {0};
  const enum job_outcome outcome = compare(j, p, &written, &d, error);
  return outcome == JOB_DONE ? different(&d, error) : outcome;
}

// ---- Digests ---------------------------------------------------------------

enum job_outcome job_ask_board(struct job *j, struct plan *p, struct qb_error *error) {
  uint16_t abilities = 0;
  struct chip chip;
  j->digest = false;
  if (j->wants_digest && j->client->is_quadboot) {
    // Whatever was there before is over: an old error is not taken for one of ours.
    const enum dfuc_outcome outcome = job_select(j, p->units[0].alternate, error);
    if (outcome != DFUC_OK) return job_from_dfu(outcome);
    j->digest = digest_ask(j->client, &abilities);
  }
  if (j->digest) {
    j->client->transfers++;
    // What an interrupted operation has left may read right and not last: the device
    // sees to that, if it is sent.
    j->unfinished =
        !chip_ask(j->client->io, j->client->interface, &chip) || chip.told.unfinished;
  }
  j->mixed = abilities & DIGEST_MIXED_MEDIA;
  return cells_cut(p, abilities & DIGEST_SECTOR_EXACT, error) ? JOB_DONE : JOB_REFUSED;
}

static enum job_outcome from_digest(enum digest_result result) {
  return result == DIGEST_LOST ? JOB_LOST : JOB_REFUSED;
}

// A board whose answers are of no use is not asked again.
static enum job_outcome ask_cells(struct job *j, struct plan *p, size_t first,
                                  size_t count, struct qb_error *error) {
  const enum digest_result result = cells_ask(j->client, p, first, count, error);
  if (result == DIGEST_LOST) return JOB_LOST;
  j->digest = result == DIGEST_TOLD;
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += p->cells[first + i].part.size;
  }
  job_advance(j, bytes);
  return JOB_DONE;
}

static void take_cells(struct job *j, struct plan *p, const struct comparison *what) {
  for (size_t i = 0; i < p->count; i++) {
    const struct unit *u = &p->units[i];
    if (!what->wanted(u)) continue;
    const enum unit_state state = cells_all_same(p, u) ? what->equal : what->different;
    if (state != u->state) job_set_state(j, p, i, state);
  }
}

// Like compare(), with the states set when all is known. JOB_DONE without j->digest: no
// state was set.
static enum job_outcome compare_digests(struct job *j, struct plan *p,
                                        const struct comparison *what,
                                        struct qb_error *error) {
  for (size_t i = 0; i < p->cell_count;) {
    const size_t count = cells_batch(p, i, what->wanted);
    if (count > 0) {
      enum job_outcome outcome = job_check_stop(j, error);
      if (outcome != JOB_DONE) return outcome;
      job_enter(j, what->phase, p->cells[i].part.address);
      outcome = ask_cells(j, p, i, count, error);
      if (outcome != JOB_DONE || !j->digest) return outcome;
    }
    i += count ? count : 1;
  }
  take_cells(j, p, what);
  return JOB_DONE;
}

// What differs by its checksums is read, to name the first byte. A flash that reads
// right after all is not to be trusted either.
static enum job_outcome find_difference(struct job *j, struct plan *p, uint64_t *bytes,
                                        struct qb_error *error) {
  static const struct comparison differing = {JOB_VERIFYING, unit_is_waiting,
                                              UNIT_VERIFIED, UNIT_WAITING};
  struct difference d = {0};
  const uint64_t more = job_bytes_of(p, unit_is_waiting);
  *bytes = 0;
  if (more == 0) return JOB_DONE;
  j->at.total += more;
  j->streaming = false;
  // No ABORT may follow data that are not right: the interface is selected again.
  enum job_outcome outcome =
      job_from_dfu(dfuc_select(j->client, (uint8_t)j->alternate, error));
  if (outcome == JOB_DONE) outcome = compare(j, p, &differing, &d, error);
  if (outcome != JOB_DONE) return outcome;
  *bytes = d.bytes;
  if (d.bytes > 0) return different(&d, error);
  qb_error_set(error,
               "the board's checksums differ, but not the bytes that it sends; "
               "run the same command again");
  return JOB_DIFFERENT;
}

// ---- Before and after writing ----------------------------------------------

// What was sent in the last moments before a loss may not have been written to its end.
static void forget_recent(struct job *j, struct plan *p) {
  enum { BOARD_RAM = 512 * 1024 };  // a board cannot hold back more
  for (size_t i = 0; i < p->count; i++) {
    const struct unit *u = &p->units[i];
    if (unit_is_written(u) && u->sent_at + BOARD_RAM > p->sent) {
      job_set_state(j, p, i, UNIT_WAITING);
    }
  }
}

enum job_outcome job_look_first(struct job *j, struct plan *p, bool changed_only,
                                struct qb_error *error) {
  static const struct comparison written = {JOB_COMPARING, unit_is_written,
                                            UNIT_WRITTEN, UNIT_WAITING};
  static const struct comparison waiting = {JOB_COMPARING, unit_is_waiting,
                                            UNIT_UNCHANGED, UNIT_WAITING};
  struct difference ignored = {0};
  enum job_outcome outcome = JOB_DONE;
  if (j->digest) {
    forget_recent(j, p);
    outcome = compare_digests(j, p, &written, error);
    if (outcome == JOB_DONE && j->digest && !j->unfinished) {
      outcome = compare_digests(j, p, &waiting, error);
    }
    if (outcome != JOB_DONE || j->digest) return outcome;
  }
  outcome = compare(j, p, &written, &ignored, error);
  if (outcome == JOB_DONE && changed_only) {
    outcome = compare(j, p, &waiting, &ignored, error);
  }
  return outcome;
}

enum job_outcome job_check_written(struct job *j, struct plan *p,
                                   struct qb_error *error) {
  static const struct comparison written = {JOB_VERIFYING, unit_is_written,
                                            UNIT_VERIFIED, UNIT_WAITING};
  uint64_t bytes;
  if (!j->digest || job_bytes_of(p, unit_is_written) == 0) return JOB_DONE;
  job_enter(j, JOB_FINISHING, 0);
  const enum digest_result result = digest_sync(j->client, error);
  j->digest = result == DIGEST_TOLD;
  if (result == DIGEST_USELESS) return JOB_DONE;
  if (result != DIGEST_TOLD) {
    forget_recent(j, p);
    return from_digest(result);
  }
  const enum job_outcome outcome = compare_digests(j, p, &written, error);
  if (outcome != JOB_DONE || !j->digest) return outcome;
  return find_difference(j, p, &bytes, error);
}

enum job_outcome job_verify(struct job *j, struct plan *p, uint64_t *bytes,
                            struct qb_error *error) {
  static const struct comparison all = {JOB_VERIFYING, is_any, UNIT_VERIFIED,
                                        UNIT_WAITING};
  struct difference d = {0};
  j->at = (struct job_progress){.total = p->bytes};
  *bytes = 0;
  enum job_outcome outcome = job_check_readable(j, p, error);
  if (outcome == JOB_DONE) outcome = job_ask_board(j, p, error);
  if (outcome == JOB_DONE && j->digest) {
    outcome = compare_digests(j, p, &all, error);
    if (outcome == JOB_DONE && j->digest) return find_difference(j, p, bytes, error);
  }
  if (outcome != JOB_DONE) return outcome;
  j->at.total = j->at.done + p->bytes;
  outcome = compare(j, p, &all, &d, error);
  *bytes = d.bytes;
  return outcome == JOB_DONE ? different(&d, error) : outcome;
}
