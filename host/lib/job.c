// SPDX-License-Identifier: MIT
#include "host/lib/job.h"

#include <inttypes.h>
#include <string.h>

void job_init(struct job *j, struct dfuc *client, const struct job_events *e) {
  *j = (struct job){.client = client, .events = e, .alternate = -1};
}

static enum job_outcome from_dfu(enum dfuc_outcome outcome) {
  switch (outcome) {
    case DFUC_OK: return JOB_DONE;
    case DFUC_REFUSED: return JOB_REFUSED;
    case DFUC_LOST: return JOB_LOST;
    case DFUC_STUCK: return JOB_STUCK;
  }
  return JOB_REFUSED;
}

// ---- Telling ---------------------------------------------------------------

static void tell(struct job *j) {
  if (j->events->progress) j->events->progress(j->events->ctx, &j->at);
}

static void enter(struct job *j, enum job_phase phase, uint32_t address) {
  j->at.phase = phase;
  j->at.address = address;
  tell(j);
}

static void advance(struct job *j, uint64_t bytes) {
  j->at.done += bytes;
  tell(j);
}

static void set_state(struct job *j, struct plan *p, size_t index,
                      enum unit_state state) {
  p->units[index].state = state;
  if (j->events->unit) j->events->unit(j->events->ctx, p, index);
}

// Between commands: the board is left in dfuIDLE. ABORT may not follow data here (it
// would tell quadboot that all is written), so the interface is selected again.
static enum job_outcome check_stop(struct job *j, struct qb_error *error) {
  if (!j->events->stop || !j->events->stop(j->events->ctx)) return JOB_DONE;
  const enum dfuc_outcome outcome =
      j->alternate >= 0 ? dfuc_select(j->client, (uint8_t)j->alternate, error)
                        : dfuc_to_idle(j->client, error);  // no data were sent
  if (outcome != DFUC_OK) return from_dfu(outcome);
  qb_error_set(error, "stopped");
  return JOB_STOPPED;
}

// ---- Steps -----------------------------------------------------------------

static enum dfuc_outcome select_alternate(struct job *j, uint8_t alternate,
                                          struct qb_error *error) {
  j->streaming = false;
  if (j->alternate == alternate) return DFUC_OK;
  const enum dfuc_outcome outcome = dfuc_select(j->client, alternate, error);
  j->alternate = outcome == DFUC_OK ? alternate : -1;
  return outcome;
}

// Sees to it that the next block goes to (or comes from) `address`.
static enum dfuc_outcome stream(struct job *j, uint32_t address,
                                struct qb_error *error) {
  if (j->streaming && j->next_address == address && j->next_block < DFUC_BLOCKS) {
    return DFUC_OK;
  }
  j->streaming = false;
  const enum dfuc_outcome outcome = dfuc_set_address(j->client, address, error);
  if (outcome != DFUC_OK) return outcome;
  j->streaming = true;
  j->next_address = address;
  j->next_block = 0;
  return DFUC_OK;
}

// A block of `length` bytes went over; a short one ends the stream, as the device
// would count from there with whole ones.
static void streamed(struct job *j, uint32_t length) {
  j->next_address += length;
  j->next_block++;
  if (length < j->client->transfer_size || !j->client->counts_blocks) {
    j->streaming = false;
  }
}

static uint16_t block_of(const struct job *j, uint64_t left) {
  return left < j->client->transfer_size ? (uint16_t)left : j->client->transfer_size;
}

// The bytes from `done` up to `end` of a piece.
static enum dfuc_outcome write_part(struct job *j, const struct unit_piece *piece,
                                    uint32_t done, uint32_t end,
                                    struct qb_error *error) {
  while (done < end) {
    const uint16_t length = block_of(j, end - done);
    const uint32_t address = piece->address + done;
    enum dfuc_outcome outcome = stream(j, address, error);
    if (outcome != DFUC_OK) return outcome;
    outcome = dfuc_write(j->client, j->next_block, piece->bytes + done, length, error);
    if (outcome != DFUC_OK) return outcome;
    streamed(j, length);
    done += length;
    j->at.address = address;
    advance(j, length);
  }
  return DFUC_OK;
}

// Before an upload the pointer is set, for which the board must not be in
// dfuUPLOAD-IDLE; and the state must be dfuIDLE again.
static enum dfuc_outcome begin_reading(struct job *j, uint32_t address,
                                       struct qb_error *error) {
  const bool was_streaming =
      j->streaming && j->next_address == address && j->next_block < DFUC_BLOCKS;
  if (was_streaming) return DFUC_OK;
  enum dfuc_outcome outcome = j->reading ? dfuc_to_idle(j->client, error) : DFUC_OK;
  j->reading = true;
  if (outcome == DFUC_OK) outcome = stream(j, address, error);
  if (outcome == DFUC_OK) outcome = dfuc_to_idle(j->client, error);
  return outcome;
}

static enum dfuc_outcome read_bytes(struct job *j, uint32_t address, uint8_t *out,
                                    uint64_t size, struct qb_error *error) {
  for (uint64_t done = 0; done < size;) {
    const uint16_t length = block_of(j, size - done);
    uint16_t got = 0;
    enum dfuc_outcome outcome = begin_reading(j, (uint32_t)(address + done), error);
    if (outcome != DFUC_OK) return outcome;
    outcome = dfuc_read(j->client, j->next_block, out + done, length, &got, error);
    if (outcome != DFUC_OK) return outcome;
    if (got != length) {
      qb_error_set(error, "the board sends %u of %u bytes at 0x%08" PRIX64, got, length,
                   address + done);
      return DFUC_REFUSED;
    }
    streamed(j, length);
    done += length;
    j->at.address = (uint32_t)(address + done - length);
    advance(j, length);
  }
  return DFUC_OK;
}

// After reading, the device may be in dfuUPLOAD-IDLE, from which nothing is written.
static enum dfuc_outcome end_reading(struct job *j, struct qb_error *error) {
  j->streaming = j->reading = false;
  return dfuc_to_idle(j->client, error);
}

// ---- Comparing -------------------------------------------------------------

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
      const uint16_t length = block_of(j, piece->size - done);
      const enum dfuc_outcome outcome =
          read_bytes(j, piece->address + done, bytes, length, error);
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
      set_state(j, p, i, what->different);
      continue;
    }
    const enum job_outcome stop = check_stop(j, error);
    if (stop != JOB_DONE) return stop;
    struct difference d = {0};
    any = true;
    enter(j, what->phase, u->sector.address);
    if (j->alternate != u->alternate)
      outcome = select_alternate(j, u->alternate, error);
    if (outcome == DFUC_OK) outcome = compare_unit(j, p, u, &d, error);
    if (outcome != DFUC_OK) break;
    set_state(j, p, i, d.bytes == 0 ? what->equal : what->different);
    if (sum->bytes == 0) *sum = (struct difference){0, d.address, d.is, d.should_be};
    sum->bytes += d.bytes;
  }
  if (any && outcome == DFUC_OK) outcome = end_reading(j, error);
  return from_dfu(outcome);
}

static bool is_any(const struct unit *u) {
  return u->pieces > 0;
}

static bool is_written(const struct unit *u) {
  return u->state == UNIT_WRITTEN || u->state == UNIT_VERIFIED;
}

static bool is_waiting(const struct unit *u) {
  return u->state == UNIT_WAITING;
}

static uint64_t bytes_of(const struct plan *p, bool (*wanted)(const struct unit *u)) {
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

// What was found unchanged has just been read.
static enum job_outcome verify_written(struct job *j, struct plan *p,
                                       struct qb_error *error) {
  static const struct comparison written = {JOB_VERIFYING, is_written, UNIT_VERIFIED,
                                            UNIT_WAITING};
  struct difference d = {0};
  const enum job_outcome outcome = compare(j, p, &written, &d, error);
  return outcome == JOB_DONE ? different(&d, error) : outcome;
}

enum job_outcome job_verify(struct job *j, struct plan *p, uint64_t *bytes,
                            struct qb_error *error) {
  static const struct comparison all = {JOB_VERIFYING, is_any, UNIT_VERIFIED,
                                        UNIT_WAITING};
  struct difference d = {0};
  j->at = (struct job_progress){.total = p->bytes};
  const enum job_outcome outcome = compare(j, p, &all, &d, error);
  *bytes = d.bytes;
  return outcome == JOB_DONE ? different(&d, error) : outcome;
}

// ---- Erasing ---------------------------------------------------------------

// While the device erases, what it says of its time is the progress.
struct erasing {
  struct job *job;
  uint64_t before, size;
};

static void erase_goes_on(void *ctx, uint32_t waited_ms, uint32_t more_ms) {
  const struct erasing *e = ctx;
  const uint64_t all_ms = (uint64_t)waited_ms + more_ms;
  const uint64_t done = e->before + (all_ms ? e->size * waited_ms / all_ms : 0);
  // A device may find out that it needs longer than it has said.
  if (done > e->job->at.done) e->job->at.done = done;
  tell(e->job);
}

static enum dfuc_outcome erase_unit(struct job *j, struct plan *p, size_t index,
                                    struct qb_error *error) {
  const struct layout_sector *s = &p->units[index].sector;
  if (!(s->access & LAYOUT_ERASABLE)) return DFUC_OK;
  struct erasing e = {.job = j, .before = j->at.done, .size = s->size};
  enter(j, JOB_ERASING, s->address);
  j->streaming = false;
  j->client->wait = (struct dfuc_wait){.ctx = &e, .busy = erase_goes_on};
  const enum dfuc_outcome outcome = dfuc_erase(j->client, s->address, error);
  j->client->wait = (struct dfuc_wait){0};
  if (outcome != DFUC_OK) return outcome;
  j->at.done = e.before;
  advance(j, s->size);
  set_state(j, p, index, UNIT_ERASED);
  return DFUC_OK;
}

enum job_outcome job_erase(struct job *j, struct plan *p, struct qb_error *error) {
  j->at = (struct job_progress){.total = p->erase_bytes};
  for (size_t i = 0; i < p->count; i++) {
    const struct unit *u = &p->units[i];
    if (u->state != UNIT_WAITING) continue;
    const enum job_outcome stop = check_stop(j, error);
    if (stop != JOB_DONE) return stop;
    enum dfuc_outcome outcome = select_alternate(j, u->alternate, error);
    if (outcome == DFUC_OK) outcome = erase_unit(j, p, i, error);
    if (outcome != DFUC_OK) return from_dfu(outcome);
  }
  return from_dfu(dfuc_finish(j->client, error));
}

enum job_outcome job_mass_erase(struct job *j, uint8_t alternate,
                                struct qb_error *error) {
  enum { WHOLE = 1000 };  // thousandths; the device knows how much there is
  struct erasing e = {.job = j, .size = WHOLE};
  j->at = (struct job_progress){.total = WHOLE, .phase = JOB_ERASING};
  enum dfuc_outcome outcome = select_alternate(j, alternate, error);
  if (outcome != DFUC_OK) return from_dfu(outcome);
  tell(j);
  j->client->wait = (struct dfuc_wait){.ctx = &e, .busy = erase_goes_on};
  outcome = dfuc_mass_erase(j->client, error);
  j->client->wait = (struct dfuc_wait){0};
  if (outcome == DFUC_OK) outcome = dfuc_finish(j->client, error);
  j->at.done = WHOLE;
  if (outcome == DFUC_OK) tell(j);
  return from_dfu(outcome);
}

// ---- Writing ---------------------------------------------------------------

// Bytes at the start of a piece that come after everything else: the block with the
// application's vector table.
static uint32_t held_back(const struct job *j, const struct plan *p,
                          const struct unit_piece *piece) {
  const bool vectors = p->has_application && piece->address == p->application;
  return vectors ? block_of(j, piece->size) : 0;
}

static enum dfuc_outcome write_pieces(struct job *j, const struct plan *p,
                                      const struct unit *u, struct qb_error *error) {
  const struct unit_piece *pieces = &p->pieces[u->first_piece];
  enum dfuc_outcome outcome = DFUC_OK;
  for (size_t i = 0; i < u->pieces && outcome == DFUC_OK; i++) {
    outcome =
        write_part(j, &pieces[i], held_back(j, p, &pieces[i]), pieces[i].size, error);
  }
  for (size_t i = 0; i < u->pieces && outcome == DFUC_OK; i++) {
    outcome = write_part(j, &pieces[i], 0, held_back(j, p, &pieces[i]), error);
  }
  return outcome;
}

// In this run, an erased unit may be written at once.
static enum dfuc_outcome write_unit(struct job *j, struct plan *p, size_t index,
                                    struct qb_error *error) {
  const struct unit *u = &p->units[index];
  enum dfuc_outcome outcome = DFUC_OK;
  if (j->alternate != u->alternate) outcome = select_alternate(j, u->alternate, error);
  if (outcome == DFUC_OK && u->state != UNIT_ERASED) {
    outcome = erase_unit(j, p, index, error);
  }
  if (outcome == DFUC_OK) enter(j, JOB_WRITING, u->sector.address);
  if (outcome == DFUC_OK) outcome = write_pieces(j, p, u, error);
  if (outcome == DFUC_OK) set_state(j, p, index, UNIT_WRITTEN);
  return outcome;
}

// By this run or an earlier one.
static bool is_changed(const struct unit *u) {
  return u->state != UNIT_UNCHANGED;
}

static bool is_unfinished(const struct unit *u) {
  return u->state == UNIT_WAITING || u->state == UNIT_ERASED;
}

static enum job_outcome write_one(struct job *j, struct plan *p, size_t index,
                                  struct qb_error *error) {
  const enum job_outcome stop = check_stop(j, error);
  if (stop != JOB_DONE) return stop;
  return from_dfu(write_unit(j, p, index, error));
}

// The sector with the application's vector table; p->count if there is none.
static size_t vectors_of(const struct plan *p) {
  for (size_t i = 0; p->has_application && i < p->count; i++) {
    const struct layout_sector *s = &p->units[i].sector;
    if (p->application >= s->address && p->application - s->address < s->size) return i;
  }
  return p->count;
}

// The vector table goes first and comes last: whatever happens in between, no
// bootloader finds an application to start.
static enum job_outcome write_units(struct job *j, struct plan *p,
                                    struct qb_error *error) {
  const size_t vectors = vectors_of(p);
  const bool last = vectors < p->count && is_unfinished(&p->units[vectors]);
  enum job_outcome outcome = check_stop(j, error);
  if (outcome == JOB_DONE && last) {
    outcome = from_dfu(select_alternate(j, p->units[vectors].alternate, error));
    if (outcome == JOB_DONE) outcome = from_dfu(erase_unit(j, p, vectors, error));
  }
  for (size_t i = 0; i < p->count && outcome == JOB_DONE; i++) {
    if (i == vectors || !is_unfinished(&p->units[i])) continue;
    outcome = write_one(j, p, i, error);
  }
  if (outcome == JOB_DONE && last) outcome = write_one(j, p, vectors, error);
  return outcome;
}

// What an earlier run has written is compared, and all of it with changed_only.
static enum job_outcome look_first(struct job *j, struct plan *p, bool changed_only,
                                   struct qb_error *error) {
  static const struct comparison written = {JOB_COMPARING, is_written, UNIT_WRITTEN,
                                            UNIT_WAITING};
  static const struct comparison waiting = {JOB_COMPARING, is_waiting, UNIT_UNCHANGED,
                                            UNIT_WAITING};
  struct difference ignored = {0};
  enum job_outcome outcome = compare(j, p, &written, &ignored, error);
  if (outcome == JOB_DONE && changed_only) {
    outcome = compare(j, p, &waiting, &ignored, error);
  }
  return outcome;
}

// Nothing is known of what an earlier run has erased; and when anything of the
// application changes, its vector table is written last.
static void prepare_units(struct plan *p) {
  const size_t vectors = vectors_of(p);
  bool changes = false;
  for (size_t i = 0; i < p->count; i++) {
    struct unit *u = &p->units[i];
    if (u->state == UNIT_ERASED) u->state = UNIT_WAITING;
    if (vectors < p->count && u->alternate == p->units[vectors].alternate) {
      changes |= u->state == UNIT_WAITING;
    }
  }
  if (changes) p->units[vectors].state = UNIT_WAITING;
}

static uint64_t erase_bytes_of(const struct plan *p) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < p->count; i++) {
    const struct unit *u = &p->units[i];
    if (is_unfinished(u) && (u->sector.access & LAYOUT_ERASABLE))
      bytes += u->sector.size;
  }
  return bytes;
}

// Work ahead, once it is known what has to be written.
static void count_work(struct job *j, const struct plan *p, bool read_back) {
  j->at.total = j->at.done + erase_bytes_of(p) + bytes_of(p, is_unfinished) +
                (read_back ? bytes_of(p, is_changed) : 0);
}

enum job_outcome job_start(struct job *j, const uint32_t *application,
                           struct qb_error *error) {
  enum dfuc_outcome outcome = DFUC_OK;
  enter(j, JOB_FINISHING, application ? *application : 0);
  if (j->alternate < 0) outcome = select_alternate(j, 0, error);
  if (outcome == DFUC_OK && application) {
    outcome = dfuc_set_address(j->client, *application, error);
  }
  if (outcome == DFUC_OK) outcome = dfuc_leave(j->client, error);
  j->started = outcome == DFUC_OK;
  return from_dfu(outcome);
}

// The end of a board that stays in its bootloader.
static enum job_outcome stay(struct job *j, struct plan *p, bool read_back,
                             struct qb_error *error) {
  enter(j, JOB_FINISHING, 0);
  enum job_outcome outcome = from_dfu(dfuc_finish(j->client, error));
  j->streaming = false;
  if (outcome == JOB_DONE && read_back) outcome = verify_written(j, p, error);
  return outcome;
}

// The end of a board that is to start its application. The interface is selected
// again before the reads: no ABORT may follow data until they are known to be right.
static enum job_outcome verify_and_start(struct job *j, struct plan *p, bool read_back,
                                         struct qb_error *error) {
  enum dfuc_outcome selected = DFUC_OK;
  if (read_back && j->alternate >= 0) {
    selected = dfuc_select(j->client, (uint8_t)j->alternate, error);
  }
  enum job_outcome outcome = from_dfu(selected);
  if (read_back && outcome == JOB_DONE) outcome = verify_written(j, p, error);
  if (outcome != JOB_DONE) return outcome;
  return job_start(j, p->has_application ? &p->application : NULL, error);
}

// Known before anything is written.
static enum job_outcome check_readable(const struct job *j, const struct plan *p,
                                       struct qb_error *error) {
  for (size_t i = 0; i < p->count; i++) {
    if (!is_readable(j, &p->units[i])) return refuse_reading(&p->units[i], error);
  }
  return JOB_DONE;
}

enum job_outcome job_write(struct job *j, struct plan *p,
                           const struct job_options *options, struct qb_error *error) {
  j->at = (struct job_progress){.total = p->bytes * (options->changed_only ? 2 : 1) +
                                         p->erase_bytes};
  enum job_outcome outcome = options->verify ? check_readable(j, p, error) : JOB_DONE;
  if (outcome == JOB_DONE) outcome = look_first(j, p, options->changed_only, error);
  if (outcome != JOB_DONE) return outcome;
  prepare_units(p);
  count_work(j, p, options->verify);
  outcome = write_units(j, p, error);
  if (outcome != JOB_DONE) return outcome;
  return options->start ? verify_and_start(j, p, options->verify, error)
                        : stay(j, p, options->verify, error);
}

// ---- Reading ---------------------------------------------------------------

enum { READ_PORTION = 65536 };  // between two looks at `stop`

enum job_outcome job_read(struct job *j, uint8_t alternate, uint32_t address,
                          uint8_t *out, uint64_t size, struct qb_error *error) {
  j->at = (struct job_progress){.total = size, .phase = JOB_READING};
  if (!j->client->can_upload) {
    qb_error_set(error, "the board does not let its flash be read");
    return JOB_REFUSED;
  }
  enum dfuc_outcome outcome = select_alternate(j, alternate, error);
  for (uint64_t done = 0; done < size && outcome == DFUC_OK;) {
    const enum job_outcome stop = check_stop(j, error);
    if (stop != JOB_DONE) return stop;
    const uint64_t left = size - done;
    const uint64_t portion = left < READ_PORTION ? left : READ_PORTION;
    outcome = read_bytes(j, (uint32_t)(address + done), out + done, portion, error);
    done += portion;
  }
  if (outcome == DFUC_OK) outcome = end_reading(j, error);
  return from_dfu(outcome);
}
