// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "host/lib/cells.h"
#include "host/lib/job_internal.h"

void job_init(struct job *j, struct dfuc *client, const struct job_events *e) {
  *j = (struct job){.client = client, .events = e, .alternate = -1};
}

enum job_outcome job_from_dfu(enum dfuc_outcome outcome) {
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

void job_enter(struct job *j, enum job_phase phase, uint32_t address) {
  j->at.phase = phase;
  j->at.address = address;
  tell(j);
}

void job_advance(struct job *j, uint64_t bytes) {
  j->at.done += bytes;
  tell(j);
}

void job_set_state(struct job *j, struct plan *p, size_t index, enum unit_state state) {
  p->units[index].state = state;
  if (j->events->unit) j->events->unit(j->events->ctx, p, index);
}

// Between commands: the board is left in dfuIDLE. ABORT may not follow data here (it
// would tell quadboot that all is written), so the interface is selected again.
enum job_outcome job_check_stop(struct job *j, struct qb_error *error) {
  if (!j->events->stop || !j->events->stop(j->events->ctx)) return JOB_DONE;
  const enum dfuc_outcome outcome =
      j->alternate >= 0 ? dfuc_select(j->client, (uint8_t)j->alternate, error)
                        : dfuc_to_idle(j->client, error);  // no data were sent
  if (outcome != DFUC_OK) return job_from_dfu(outcome);
  qb_error_set(error, "stopped");
  return JOB_STOPPED;
}

// ---- Steps -----------------------------------------------------------------

enum dfuc_outcome job_select(struct job *j, uint8_t alternate, struct qb_error *error) {
  j->streaming = false;
  if (j->alternate == alternate) return DFUC_OK;
  const enum dfuc_outcome outcome = dfuc_select(j->client, alternate, error);
  j->alternate = outcome == DFUC_OK ? alternate : -1;
  return outcome;
}

// The next block goes to (or comes from) `address` already.
static bool streams_to(const struct job *j, uint32_t address) {
  return j->streaming && j->next_address == address && j->next_block < DFUC_BLOCKS;
}

// Sees to it that it does.
static enum dfuc_outcome stream(struct job *j, uint32_t address,
                                struct qb_error *error) {
  if (streams_to(j, address)) return DFUC_OK;
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

uint16_t job_block(const struct job *j, uint64_t left) {
  return left < j->client->transfer_size ? (uint16_t)left : j->client->transfer_size;
}

// The bytes from `done` up to `end` of a piece.
static enum dfuc_outcome write_part(struct job *j, struct plan *p,
                                    const struct unit_piece *piece, uint32_t done,
                                    uint32_t end, struct qb_error *error) {
  while (done < end) {
    const uint16_t length = job_block(j, end - done);
    const uint32_t address = piece->address + done;
    enum dfuc_outcome outcome = stream(j, address, error);
    if (outcome != DFUC_OK) return outcome;
    outcome = dfuc_write(j->client, j->next_block, piece->bytes + done, length, error);
    if (outcome != DFUC_OK) return outcome;
    streamed(j, length);
    done += length;
    p->sent += length;
    j->at.address = address;
    job_advance(j, length);
  }
  return DFUC_OK;
}

// Before an upload the pointer is set, for which the board must not be in
// dfuUPLOAD-IDLE; and the state must be dfuIDLE again.
static enum dfuc_outcome begin_reading(struct job *j, uint32_t address,
                                       struct qb_error *error) {
  if (streams_to(j, address)) return DFUC_OK;
  enum dfuc_outcome outcome = j->reading ? dfuc_to_idle(j->client, error) : DFUC_OK;
  j->reading = true;
  if (outcome == DFUC_OK) outcome = stream(j, address, error);
  if (outcome == DFUC_OK) outcome = dfuc_to_idle(j->client, error);
  return outcome;
}

enum dfuc_outcome job_read_bytes(struct job *j, uint32_t address, uint8_t *out,
                                 uint64_t size, struct qb_error *error) {
  for (uint64_t done = 0; done < size;) {
    const uint16_t length = job_block(j, size - done);
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
    job_advance(j, length);
  }
  return DFUC_OK;
}

// After reading, the device may be in dfuUPLOAD-IDLE, from which nothing is written.
enum dfuc_outcome job_end_reading(struct job *j, struct qb_error *error) {
  j->streaming = j->reading = false;
  return dfuc_to_idle(j->client, error);
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

// A sector-exact board erases by itself what it must.
static bool is_erased_first(const struct unit *u) {
  return (u->sector.access & LAYOUT_ERASABLE) && !u->sector_exact;
}

static enum dfuc_outcome erase_unit(struct job *j, struct plan *p, size_t index,
                                    struct qb_error *error) {
  const struct layout_sector *s = &p->units[index].sector;
  if (!is_erased_first(&p->units[index])) return DFUC_OK;
  struct erasing e = {.job = j, .before = j->at.done, .size = s->size};
  job_enter(j, JOB_ERASING, s->address);
  j->streaming = false;
  j->client->wait = (struct dfuc_wait){.ctx = &e, .busy = erase_goes_on};
  const enum dfuc_outcome outcome = dfuc_erase(j->client, s->address, error);
  j->client->wait = (struct dfuc_wait){0};
  if (outcome != DFUC_OK) return outcome;
  j->at.done = e.before;
  job_advance(j, s->size);
  job_set_state(j, p, index, UNIT_ERASED);
  return DFUC_OK;
}

enum job_outcome job_erase(struct job *j, struct plan *p, struct qb_error *error) {
  j->at = (struct job_progress){.total = p->erase_bytes};
  for (size_t i = 0; i < p->count; i++) {
    const struct unit *u = &p->units[i];
    if (u->state != UNIT_WAITING) continue;
    const enum job_outcome stop = job_check_stop(j, error);
    if (stop != JOB_DONE) return stop;
    enum dfuc_outcome outcome = job_select(j, u->alternate, error);
    if (outcome == DFUC_OK) outcome = erase_unit(j, p, i, error);
    if (outcome != DFUC_OK) return job_from_dfu(outcome);
  }
  // quadboot may only have noted them until here: after a failure none is certain.
  const enum dfuc_outcome outcome = dfuc_finish(j->client, error);
  for (size_t i = 0; i < p->count && outcome != DFUC_OK; i++)
    job_set_state(j, p, i, UNIT_WAITING);
  return job_from_dfu(outcome);
}

enum job_outcome job_mass_erase(struct job *j, uint8_t alternate,
                                struct qb_error *error) {
  enum { WHOLE = 1000 };  // thousandths; the device knows how much there is
  struct erasing e = {.job = j, .size = WHOLE};
  j->at = (struct job_progress){.total = WHOLE, .phase = JOB_ERASING};
  enum dfuc_outcome outcome = job_select(j, alternate, error);
  if (outcome != DFUC_OK) return job_from_dfu(outcome);
  tell(j);
  j->client->wait = (struct dfuc_wait){.ctx = &e, .busy = erase_goes_on};
  outcome = dfuc_mass_erase(j->client, error);
  j->client->wait = (struct dfuc_wait){0};
  if (outcome == DFUC_OK) outcome = dfuc_finish(j->client, error);
  j->at.done = WHOLE;
  if (outcome == DFUC_OK) tell(j);
  return job_from_dfu(outcome);
}

// ---- Writing ---------------------------------------------------------------

// Bytes at the start of a piece that come after everything else: the block with the
// application's vector table.
static uint32_t held_back(const struct job *j, const struct plan *p,
                          const struct unit_piece *piece) {
  const bool vectors = p->has_application && piece->address == p->application;
  return vectors ? job_block(j, piece->size) : 0;
}

// The cells of a unit that must be sent.
static enum dfuc_outcome write_cells(struct job *j, struct plan *p, size_t index,
                                     bool held, struct qb_error *error) {
  const struct unit *u = &p->units[index];
  enum dfuc_outcome outcome = DFUC_OK;
  for (size_t i = 0; i < u->cells && outcome == DFUC_OK; i++) {
    const struct cell *c = &p->cells[u->first_cell + i];
    const uint32_t last = held_back(j, p, &c->part);
    if (!cell_is_sent(u, c)) continue;
    outcome =
        write_part(j, p, &c->part, held ? 0 : last, held ? last : c->part.size, error);
  }
  return outcome;
}

// In this run, an erased unit may be written at once.
static enum dfuc_outcome begin_unit(struct job *j, struct plan *p, size_t index,
                                    struct qb_error *error) {
  const struct unit *u = &p->units[index];
  enum dfuc_outcome outcome = DFUC_OK;
  if (!j->mixed && j->alternate != u->alternate) {
    outcome = job_select(j, u->alternate, error);
  }
  if (outcome == DFUC_OK && u->state != UNIT_ERASED) {
    outcome = erase_unit(j, p, index, error);
  }
  if (outcome == DFUC_OK) job_enter(j, JOB_WRITING, u->sector.address);
  return outcome;
}

static void end_unit(struct job *j, struct plan *p, size_t index) {
  p->units[index].sent_at = p->sent;
  job_set_state(j, p, index, UNIT_WRITTEN);
}

static bool is_unchanged(const struct unit *u) {
  return u->state == UNIT_UNCHANGED;
}

static bool is_unfinished(const struct unit *u) {
  return u->state == UNIT_WAITING || u->state == UNIT_ERASED;
}

// The sector with the vector table, which is the last block of all.
static enum job_outcome write_vectors(struct job *j, struct plan *p, size_t index,
                                      struct qb_error *error) {
  const enum job_outcome stop = job_check_stop(j, error);
  if (stop != JOB_DONE) return stop;
  enum dfuc_outcome outcome = begin_unit(j, p, index, error);
  if (outcome == DFUC_OK) outcome = write_cells(j, p, index, false, error);
  if (outcome == DFUC_OK) outcome = write_cells(j, p, index, true, error);
  if (outcome == DFUC_OK) end_unit(j, p, index);
  return job_from_dfu(outcome);
}

// The sector with the application's vector table; p->count if there is none.
static size_t vectors_of(const struct plan *p) {
  for (size_t i = 0; p->has_application && i < p->count; i++) {
    const struct layout_sector *s = &p->units[i].sector;
    if (p->application >= s->address && p->application - s->address < s->size) return i;
  }
  return p->count;
}

// ---- Lanes -----------------------------------------------------------------

// Sectors that are written one after the other: all of them, or those of one flash when
// the board lets blocks for both alternate. Then the lane with the greater part still
// to go has its turn, so that both flashes work all the time and end together.
enum {
  LANES = 2,
  TURN_BYTES = 16384,  // each turn costs setting the address anew
};

struct lane {
  size_t unit;    // being written; plan.count: there is none any more
  bool begun;     // it is erased
  size_t cell;    // of the plan, being written
  uint32_t done;  // bytes of the cell
  uint64_t left, total;
};

static unsigned lane_of(const struct job *j, const struct unit *u) {
  return j->mixed && !plan_is_internal(u->sector.address);
}

// The next sector from `from` on; that of the vectors is none of them.
static void find_unit(const struct job *j, const struct plan *p, unsigned number,
                      size_t from, struct lane *l) {
  const size_t vectors = vectors_of(p);
  while (from < p->count && (from == vectors || !is_unfinished(&p->units[from]) ||
                             lane_of(j, &p->units[from]) != number)) {
    from++;
  }
  l->unit = from;
  l->begun = false;
  l->done = 0;
  if (from < p->count) l->cell = p->units[from].first_cell;
}

static void open_lanes(const struct job *j, const struct plan *p,
                       struct lane lanes[LANES]) {
  const size_t vectors = vectors_of(p);
  for (unsigned i = 0; i < LANES; i++) {
    lanes[i] = (struct lane){.total = 0};
    find_unit(j, p, i, 0, &lanes[i]);
  }
  for (size_t i = 0; i < p->count; i++) {
    const struct unit *u = &p->units[i];
    if (i == vectors || !is_unfinished(u)) continue;
    lanes[lane_of(j, u)].total += cells_to_send(p, u);
  }
  for (unsigned i = 0; i < LANES; i++) {
    lanes[i].left = lanes[i].total;
  }
}

// The lane whose turn it is; NULL: all is written.
static struct lane *next_lane(const struct plan *p, struct lane lanes[LANES]) {
  struct lane *a = &lanes[0], *b = &lanes[1];
  if (a->unit == p->count) return b->unit == p->count ? NULL : b;
  if (b->unit == p->count) return a;
  return a->left * b->total >= b->left * a->total ? a : b;
}

// Some bytes of the lane's cell, at most `room`; how many.
static enum dfuc_outcome write_some(struct job *j, struct plan *p, struct lane *l,
                                    uint32_t *room, struct qb_error *error) {
  const struct cell *c = &p->cells[l->cell];
  const struct unit *u = &p->units[l->unit];
  const uint32_t left = c->part.size - l->done;
  const uint32_t n = left < *room ? left : *room;
  if (!cell_is_sent(u, c)) {
    l->cell++;
    return DFUC_OK;
  }
  const enum dfuc_outcome outcome =
      write_part(j, p, &c->part, l->done, l->done + n, error);
  l->done += n;
  l->left -= n;
  *room -= n;
  if (l->done == c->part.size) {
    l->cell++;
    l->done = 0;
  }
  return outcome;
}

static enum job_outcome take_turn(struct job *j, struct plan *p, struct lane *l,
                                  unsigned number, struct qb_error *error) {
  const struct unit *u = &p->units[l->unit];
  const size_t end = u->first_cell + u->cells;
  uint32_t room = j->mixed ? TURN_BYTES : UINT32_MAX;
  enum dfuc_outcome outcome = DFUC_OK;
  if (!l->begun) {
    const enum job_outcome stop = job_check_stop(j, error);
    if (stop != JOB_DONE) return stop;
    outcome = begin_unit(j, p, l->unit, error);
    l->begun = true;
  }
  while (outcome == DFUC_OK && room > 0 && l->cell < end) {
    outcome = write_some(j, p, l, &room, error);
  }
  if (outcome == DFUC_OK && l->cell == end) {
    end_unit(j, p, l->unit);
    find_unit(j, p, number, l->unit + 1, l);
  }
  return job_from_dfu(outcome);
}

static enum job_outcome write_lanes(struct job *j, struct plan *p,
                                    struct qb_error *error) {
  struct lane lanes[LANES];
  open_lanes(j, p, lanes);
  for (struct lane *l; (l = next_lane(p, lanes)) != NULL;) {
    const enum job_outcome outcome = take_turn(j, p, l, (unsigned)(l - lanes), error);
    if (outcome != JOB_DONE) return outcome;
  }
  return JOB_DONE;
}

// ---- Whole updates ---------------------------------------------------------

// The vector table goes first and comes last: whatever happens in between, no
// bootloader finds an application to start.
static enum job_outcome write_units(struct job *j, struct plan *p,
                                    struct qb_error *error) {
  const size_t vectors = vectors_of(p);
  const bool last = vectors < p->count && is_unfinished(&p->units[vectors]);
  enum job_outcome outcome = job_check_stop(j, error);
  if (outcome == JOB_DONE && last) {
    outcome = job_from_dfu(job_select(j, p->units[vectors].alternate, error));
    if (outcome == JOB_DONE) outcome = job_from_dfu(erase_unit(j, p, vectors, error));
  }
  if (outcome == JOB_DONE) outcome = write_lanes(j, p, error);
  if (outcome == JOB_DONE && last) outcome = write_vectors(j, p, vectors, error);
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

// What need not be sent, and the work ahead, once both are known.
static void count_work(struct job *j, struct plan *p, bool read_back) {
  uint64_t send = 0, erase = 0;
  p->skipped = job_bytes_of(p, is_unchanged);
  for (size_t i = 0; i < p->count; i++) {
    const struct unit *u = &p->units[i];
    if (!is_unfinished(u)) continue;
    const uint32_t bytes = cells_to_send(p, u);
    send += bytes;
    p->skipped += u->bytes - bytes;
    if (is_erased_first(u)) erase += u->sector.size;
  }
  const uint64_t changed = p->bytes - job_bytes_of(p, is_unchanged);
  j->at.total = j->at.done + erase + send + (read_back ? changed : 0);
}

enum job_outcome job_start(struct job *j, const uint32_t *application,
                           struct qb_error *error) {
  enum dfuc_outcome outcome = DFUC_OK;
  job_enter(j, JOB_FINISHING, application ? *application : 0);
  if (j->alternate < 0) outcome = job_select(j, 0, error);
  if (outcome == DFUC_OK && application) {
    outcome = dfuc_set_address(j->client, *application, error);
  }
  if (outcome == DFUC_OK) outcome = dfuc_leave(j->client, error);
  j->started = outcome == DFUC_OK;
  return job_from_dfu(outcome);
}

// The end of a board that stays in its bootloader.
static enum job_outcome stay(struct job *j, struct plan *p, bool read_back,
                             struct qb_error *error) {
  job_enter(j, JOB_FINISHING, 0);
  enum job_outcome outcome = job_from_dfu(dfuc_finish(j->client, error));
  j->streaming = false;
  if (outcome == JOB_DONE && read_back) outcome = job_verify_written(j, p, error);
  return outcome;
}

// The end of a board that is to start its application. The interface is selected
// again before the reads: no ABORT may follow data until they are known to be right.
static enum job_outcome verify_and_start(struct job *j, struct plan *p, bool read_back,
                                         struct qb_error *error) {
  enum dfuc_outcome selected = DFUC_OK;
  j->streaming = false;
  if (read_back && j->alternate >= 0) {
    selected = dfuc_select(j->client, (uint8_t)j->alternate, error);
  }
  enum job_outcome outcome = job_from_dfu(selected);
  if (read_back && outcome == JOB_DONE) outcome = job_verify_written(j, p, error);
  if (outcome != JOB_DONE) return outcome;
  return job_start(j, p->has_application ? &p->application : NULL, error);
}

// After the last write: by checksums, and by reading if that is wanted and they are
// none.
static enum job_outcome finish(struct job *j, struct plan *p,
                               const struct job_options *options,
                               struct qb_error *error) {
  const bool had_digest = j->digest;
  const enum job_outcome outcome = job_check_written(j, p, error);
  if (outcome != JOB_DONE) return outcome;
  const bool read_back = options->verify && !j->digest;
  if (had_digest && !j->digest) {
    j->at.total = j->at.done + (read_back ? job_bytes_of(p, unit_is_written) : 0);
  }
  return options->start ? verify_and_start(j, p, read_back, error)
                        : stay(j, p, read_back, error);
}

enum job_outcome job_write(struct job *j, struct plan *p,
                           const struct job_options *options, struct qb_error *error) {
  j->at = (struct job_progress){.total = p->bytes * 2 + p->erase_bytes};
  j->wants_digest = options->digest;
  enum job_outcome outcome =
      options->verify ? job_check_readable(j, p, error) : JOB_DONE;
  if (outcome == JOB_DONE) outcome = job_ask_board(j, p, error);
  if (outcome == JOB_DONE) {
    outcome = job_look_first(j, p, options->changed_only, error);
  }
  if (outcome != JOB_DONE) return outcome;
  prepare_units(p);
  count_work(j, p, options->verify || j->digest);
  outcome = write_units(j, p, error);
  return outcome == JOB_DONE ? finish(j, p, options, error) : outcome;
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
  enum dfuc_outcome outcome = job_select(j, alternate, error);
  for (uint64_t done = 0; done < size && outcome == DFUC_OK;) {
    const enum job_outcome stop = job_check_stop(j, error);
    if (stop != JOB_DONE) return stop;
    const uint64_t left = size - done;
    const uint64_t portion = left < READ_PORTION ? left : READ_PORTION;
    outcome = job_read_bytes(j, (uint32_t)(address + done), out + done, portion, error);
    done += portion;
  }
  if (outcome == DFUC_OK) outcome = job_end_reading(j, error);
  return job_from_dfu(outcome);
}
