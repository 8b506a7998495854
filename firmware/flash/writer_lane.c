// SPDX-License-Identifier: MIT
// How one medium's work is done: the state machine drawn in writer.h.
#include <string.h>

#include "firmware/flash/writer_internal.h"

enum {
  STEP_PAGES = WRITER_STEP / WRITER_PAGE,
  UNIT_PAGES = WRITER_UNIT / WRITER_PAGE,
  PAGE_WORDS = WRITER_PAGE / 4,
};

// What a unit of a surveyed region means to an erase of it.
enum need {
  NEED_NOTHING,  // it would do no harm
  NEED_ERASE,    // it is wanted
  NEED_PROGRAM,  // its slot's bytes, there already, would be lost
  NEED_KEEPING,  // the flash's bytes would be lost
};

// --- steps of reading ---

// Reading begins. What is still being fetched is not what is wanted now.
static void read_from_start(struct writer_lane *l) {
  l->at = 0;
  l->fetching = false;
}

// The piece at `offset`, into its place in the unit. A medium that can fetches the
// whole unit while the pieces that are there are looked at.
static enum status get_piece(struct writer_lane *l, uint32_t offset, uint32_t *piece,
                             size_t *there) {
  const struct media *m = l->medium;
  *there = WRITER_UNIT;
  if (!m->fetch) return m->read(m->ctx, offset, (uint8_t *)piece, WRITER_STEP);
  if (!l->fetching) {
    const enum status status = m->fetch(m->ctx, offset, l->read_back, WRITER_UNIT);
    if (status != ST_OK) return status;
    l->fetching = true;
  }
  return m->fetched(m->ctx, there);
}

// The piece at l->at behind `offset`, a unit's start. NULL: it is not there yet, or
// never will be.
static const uint32_t *read_piece(struct writer *w, struct writer_lane *l,
                                  uint32_t offset) {
  const uint32_t in_unit = l->at % WRITER_UNIT, end = in_unit + WRITER_STEP;
  uint32_t *const piece = l->read_back + in_unit / 4;
  size_t there;
  const enum status status = get_piece(l, offset + l->at, piece, &there);
  if (status != ST_OK && l->state == WRITER_AHEAD) {
    l->looks = false;  // whoever needs those bytes will fail, and tell
    writer_rest(l);
  } else if (status != ST_OK) {
    writer_fail(w, l, status, offset + l->at);
  }
  if (status != ST_OK || there < end) return NULL;
  if (end == WRITER_UNIT) l->fetching = false;
  return piece;
}

// Four at a time, as writer_first_other does.
static bool words_are_blank(const uint32_t *p, uint32_t words) {
  uint32_t all = ~0u;
  for (const uint32_t *const end = p + words; p != end; p += 4)
    all &= p[0] & p[1] & p[2] & p[3];
  return all == ~0u;
}

// One piece of a look at [offset, offset + size): is it blank?
enum look { LOOK_AGAIN, LOOK_BLANK, LOOK_NOT_BLANK };

static enum look look_at(struct writer *w, struct writer_lane *l, uint32_t offset,
                         uint32_t size) {
  const uint32_t *piece = read_piece(w, l, offset);
  if (!piece) return LOOK_AGAIN;
  if (!words_are_blank(piece, WRITER_STEP / 4)) return LOOK_NOT_BLANK;
  l->at += WRITER_STEP;
  return l->at < size ? LOOK_AGAIN : LOOK_BLANK;
}

// What is to be done now; false: nothing.
static bool next(struct writer *w, struct writer_lane *l);

// --- compare ---

static void start_compare(struct writer_lane *l, struct writer_slot *s) {
  l->slot = s;
  l->state = WRITER_COMPARING;
  read_from_start(l);
  l->rises = false;
  s->pages = 0;
}

// Programming clears bits only. Where the medium allows a place to be programmed only
// once, the whole page must be blank.
static void compare_page(struct writer_lane *l, uint32_t page, const uint32_t *want,
                         const uint32_t *is) {
  uint32_t rise = 0;
  if (writer_first_other(want, is, PAGE_WORDS) == PAGE_WORDS) return;
  l->slot->pages |= (uint16_t)(1u << page);
  if (words_are_blank(is, PAGE_WORDS)) return;
  for (uint32_t i = 0; i < PAGE_WORDS; i++)
    rise |= want[i] & ~is[i];
  if (rise || l->medium->geometry.program_once) l->rises = true;
}

static bool step_compare(struct writer *w, struct writer_lane *l) {
  struct writer_slot *s = l->slot;
  const uint32_t *is = read_piece(w, l, s->unit * WRITER_UNIT);
  if (!is) return true;
  const uint8_t *want = writer_bytes(w, s) + l->at;
  for (uint32_t i = 0; i < STEP_PAGES; i++) {
    compare_page(l, l->at / WRITER_PAGE + i,
                 (const uint32_t *)(const void *)(want + i * WRITER_PAGE),
                 is + i * PAGE_WORDS);
  }
  l->at += WRITER_STEP;
  if (l->at < WRITER_UNIT) return true;
  s->verdict = s->forced || l->rises ? WRITER_ERASE
               : s->pages            ? WRITER_PROGRAM
                                     : WRITER_SAME;
  l->erases = s->verdict == WRITER_ERASE;
  l->slot = NULL;
  read_from_start(l);
  l->state = l->surveying ? WRITER_SURVEYING : WRITER_IDLE;
  return l->surveying || next(w, l);
}

// --- program and verify ---

static bool operate(struct writer *w, struct writer_lane *l, enum status status,
                    uint32_t offset, uint32_t us) {
  l->started_us = w->now_us(w->now_ctx);
  l->expected_us = us;
  if (status != ST_OK) writer_fail(w, l, status, offset);
  return true;
}

static enum status supply(const struct writer *w) {
  return w->supply_good() ? ST_OK : ST_SUPPLY_LOW;
}

// A change may begin at `offset`. A supply that is too low is told of the place that
// was to be changed, not of the log's.
static bool may_change(struct writer *w, struct writer_lane *l, uint32_t offset) {
  if (w->gate) return true;
  if (supply(w) != ST_OK) {
    writer_fail(w, l, ST_SUPPLY_LOW, offset);
  } else {
    w->wants_change = true;
  }
  return false;
}

// The next run of pages that are to be programmed, from byte l->at of the unit on.
static bool program_run(struct writer *w, struct writer_lane *l) {
  const struct writer_slot *s = l->slot;
  uint32_t first = l->at / WRITER_PAGE;
  while (first < UNIT_PAGES && !(s->pages >> first & 1u))
    first++;
  uint32_t end = first;
  while (end < UNIT_PAGES && s->pages >> end & 1u)
    end++;
  l->at = end * WRITER_PAGE;
  if (end == first) {
    l->state = WRITER_VERIFYING;
    read_from_start(l);
    return true;
  }
  const uint32_t from = first * WRITER_PAGE, offset = s->unit * WRITER_UNIT + from;
  enum status status = supply(w);
  if (status == ST_OK) {
    status = l->medium->program_start(l->medium->ctx, offset, writer_bytes(w, s) + from,
                                      l->at - from);
  }
  l->offset = offset;
  return operate(w, l, status, offset,
                 (end - first) * l->medium->geometry.program_us_per_kb / 4u);
}

static bool start_program(struct writer *w, struct writer_lane *l,
                          struct writer_slot *s) {
  const uint32_t blank = s->unit - l->blank_unit;
  if (blank < l->blank_units) {
    l->blank_unit += blank + 1u;
    l->blank_units -= blank + 1u;
  }
  l->slot = s;
  l->state = WRITER_PROGRAMMING;
  read_from_start(l);
  return program_run(w, l);
}

// The operation in progress is over. False while it is not, or if it failed or was the
// last of a lane that was given up.
static bool operation_over(struct writer *w, struct writer_lane *l, uint32_t offset,
                           bool *worked) {
  bool busy;
  const enum status status = l->medium->poll(l->medium->ctx, &busy);
  *worked = !busy;
  if (busy) return false;
  if (l->abandoned) {
    l->abandoned = false;
    if (l->slot) writer_free_slot(w, l->slot);
    writer_rest(l);
    return false;
  }
  if (status != ST_OK) writer_fail(w, l, status, offset);
  return status == ST_OK;
}

static bool step_program(struct writer *w, struct writer_lane *l) {
  bool worked;
  return operation_over(w, l, l->offset, &worked) ? program_run(w, l) : worked;
}

static bool step_verify(struct writer *w, struct writer_lane *l) {
  struct writer_slot *s = l->slot;
  const uint32_t offset = s->unit * WRITER_UNIT;
  const uint32_t *piece = read_piece(w, l, offset);
  if (!piece) return true;
  const uint8_t *want = writer_bytes(w, s) + l->at, *is = (const uint8_t *)piece;
  uint32_t i = 4u * writer_first_other((const uint32_t *)(const void *)want, piece,
                                       WRITER_STEP / 4);
  if (i < WRITER_STEP) {
    while (want[i] == is[i])
      i++;
    writer_fail(w, l, ST_VERIFY_FAILED, offset + l->at + i);
    return true;
  }
  l->at += WRITER_STEP;
  if (l->at < WRITER_UNIT) return true;
  writer_free_slot(w, s);
  writer_rest(l);
  return true;
}

// --- erase ---

void writer_start_erase(struct writer *w, struct writer_lane *l, uint32_t offset,
                        uint32_t size, uint32_t us) {
  l->state = WRITER_ERASING;
  l->offset = offset;
  l->size = size;
  enum status status = supply(w);
  if (status == ST_OK) {
    status = l->medium->erase_start(l->medium->ctx, offset, size);
  }
  operate(w, l, status, offset, us);
}

// Its unit is blank: whatever it holds can be programmed.
static void settle_slot(const struct writer *w, struct writer_slot *s) {
  const uint8_t *page = writer_bytes(w, s);
  s->pages = 0;
  for (uint32_t i = 0; i < UNIT_PAGES; i++, page += WRITER_PAGE) {
    if (!words_are_blank((const uint32_t *)(const void *)page, PAGE_WORDS)) {
      s->pages |= (uint16_t)(1u << i);
    }
  }
  s->verdict = s->pages ? WRITER_PROGRAM : WRITER_SAME;
}

// The region is blank: whatever its slots hold can be programmed.
static void settle_region(struct writer *w, struct writer_lane *l) {
  const uint32_t first = l->offset / WRITER_UNIT, count = l->size / WRITER_UNIT;
  l->blank_unit = first;
  l->blank_units = count;
  for (uint32_t i = 0; i < count && l->noted; i++)
    writer_note(w, l, first + i, false);
  for (struct writer_slot *s = w->slots; s < w->slots + w->slot_count; s++) {
    if (s->lane != l || s->unit - first >= count) continue;
    s->forced = false;
    settle_slot(w, s);
  }
}

static bool next_block(struct writer_lane *l, uint32_t offset);

static bool step_erase(struct writer *w, struct writer_lane *l) {
  bool worked;
  if (operation_over(w, l, l->offset, &worked)) {
    l->state = WRITER_CHECKING;
    read_from_start(l);
  }
  return worked;
}

static bool step_check(struct writer *w, struct writer_lane *l) {
  switch (look_at(w, l, l->offset, l->size)) {
    case LOOK_NOT_BLANK: {
      uint32_t i = l->at % WRITER_UNIT;
      while (((uint8_t *)l->read_back)[i] == 0xFF)
        i++;
      const uint32_t unit = l->at & ~(WRITER_UNIT - 1u);
      writer_fail(w, l, ST_ERASE_FAILED, l->offset + unit + i);
      return true;
    }
    case LOOK_BLANK:
      if (l->mass == WRITER_MASS_RUNS) return next_block(l, l->offset + l->size);
      settle_region(w, l);
      writer_rest(l);
      return true;
    default: return true;
  }
}

// --- survey ---

struct choice {
  uint32_t offset, size, us;
};

// Size number `k` in which the unit can be erased: 0 is its block, then the others that
// its medium lists. False: that one does not fit here, or is too large to be kept.
static bool erase_choice(const struct media_geometry *g, uint32_t unit, uint32_t k,
                         struct choice *c) {
  const uint32_t offset = unit * WRITER_UNIT;
  struct media_block b;
  media_block_at(g, offset, &b);
  if (k == 0) {
    *c = (struct choice){b.offset, b.size, b.erase_us};
    return b.size <= WRITER_MAX_REGION * WRITER_UNIT;
  }
  const struct media_erase *e = &g->erases[k - 1];
  *c = (struct choice){offset & ~(e->size - 1u), e->size, e->erase_us};
  return (e->runs >> b.run & 1u) && e->size >= WRITER_UNIT &&
         e->size <= WRITER_MAX_REGION * WRITER_UNIT && c->offset >= b.run_start &&
         c->offset + c->size <= b.run_end;
}

// The largest region that an erase for this unit may take.
static struct choice widest(const struct media_geometry *g, uint32_t unit) {
  struct choice best = {0}, c;
  for (uint32_t k = 0; k <= g->erase_count; k++) {
    if (erase_choice(g, unit, k, &c) && c.size > best.size) best = c;
  }
  return best;
}

static bool start_survey(struct writer *w, struct writer_lane *l, uint32_t unit) {
  const struct choice c = widest(&l->medium->geometry, unit);
  if (!c.size) {
    writer_fail(w, l, ST_NOT_ERASED, unit * WRITER_UNIT);
    return true;
  }
  l->state = WRITER_SURVEYING;
  l->surveying = true;
  l->head = unit;
  l->offset = c.offset;
  l->size = c.size;
  l->index = 0;
  read_from_start(l);
  return true;
}

struct tally {
  uint32_t erase, program, keep;
};

static struct tally tally_of(const struct writer_lane *l, const struct choice *c) {
  struct tally t = {0};
  const uint32_t first = (c->offset - l->offset) / WRITER_UNIT;
  for (uint32_t i = first; i < first + c->size / WRITER_UNIT; i++) {
    t.erase += l->needs[i] == NEED_ERASE;
    t.program += l->needs[i] == NEED_PROGRAM;
    t.keep += l->needs[i] == NEED_KEEPING;
  }
  return t;
}

// The cheapest erase, by the time it takes with all that has to be programmed again,
// for each unit that needs one; or the largest, if the flash's bytes cannot be trusted.
// False: there are too few slots for any.
static bool choose(const struct writer *w, struct writer_lane *l, bool largest,
                   struct choice *best) {
  const struct media_geometry *g = &l->medium->geometry;
  uint32_t best_us = 0, best_units = 1;
  struct choice c;
  best->size = l->lacks = 0;
  for (uint32_t k = 0; k <= g->erase_count; k++) {
    if (!erase_choice(g, l->head, k, &c)) continue;
    const struct tally t = tally_of(l, &c);
    if (t.keep && t.keep >= writer_free(w)) {
      if (!l->lacks || t.keep + 1u < l->lacks) l->lacks = t.keep + 1u;
      continue;
    }
    const uint32_t us = c.us + (t.program + t.keep) * writer_unit_us(l);
    const bool better =
        largest ? c.size > best->size : us * best_units < best_us * t.erase;
    if (best->size && !better) continue;
    *best = c;
    l->promised = t.keep;
    best_us = us;
    best_units = t.erase;
  }
  if (best->size) l->lacks = 0;
  return best->size != 0;
}

// No slot will ever become free.
static bool is_stuck(struct writer *w, const struct writer_lane *l) {
  for (const struct writer_lane *o = w->lanes; o < w->lanes + w->lane_count; o++) {
    if (o != l && (o->state != WRITER_IDLE || writer_oldest(w, o))) return false;
  }
  return true;
}

// The flash's bytes still count: nothing has come for the unit since it was looked at.
static bool must_keep(struct writer *w, const struct writer_lane *l, uint32_t i) {
  const uint32_t unit = l->offset / WRITER_UNIT + i;
  return l->needs[i] == NEED_KEEPING && !writer_is_noted(w, l, unit) &&
         !writer_slot_of(w, l, unit);
}

static bool end_survey(struct writer *w, struct writer_lane *l) {
  const struct writer_slot *s = writer_slot_of(w, l, l->head);
  const uint32_t offset = l->offset;
  struct choice c;
  const bool wanted = l->needs[l->head - offset / WRITER_UNIT] == NEED_ERASE &&
                      may_change(w, l, l->head * WRITER_UNIT);
  writer_rest(l);
  if (!wanted) return true;
  for (uint32_t i = 0; i < l->size / WRITER_UNIT; i++) {
    if (l->needs[i] == NEED_KEEPING && !must_keep(w, l, i)) l->needs[i] = NEED_NOTHING;
  }
  if (!choose(w, l, s && s->forced, &c)) {
    if (is_stuck(w, l)) writer_fail(w, l, ST_NOT_ERASED, l->head * WRITER_UNIT);
    return true;
  }
  memmove(l->needs, l->needs + (c.offset - offset) / WRITER_UNIT, c.size / WRITER_UNIT);
  l->offset = c.offset;
  l->size = c.size;
  l->expected_us = c.us;
  l->state = WRITER_KEEPING;
  l->index = 0;
  read_from_start(l);
  return true;
}

static void surveyed(struct writer_lane *l, enum need need) {
  l->needs[l->index++] = (uint8_t)need;
  read_from_start(l);
}

static void survey_slot(struct writer_lane *l, struct writer_slot *s) {
  switch (s->verdict) {
    case WRITER_UNKNOWN: start_compare(l, s); break;
    case WRITER_ERASE: surveyed(l, NEED_ERASE); break;
    case WRITER_SAME: surveyed(l, NEED_PROGRAM); break;
    default: surveyed(l, NEED_NOTHING); break;
  }
}

static bool step_survey(struct writer *w, struct writer_lane *l) {
  if (l->index == l->size / WRITER_UNIT) return end_survey(w, l);
  const uint32_t unit = l->offset / WRITER_UNIT + l->index;
  struct writer_slot *s = writer_slot_of(w, l, unit);
  const bool noted = writer_is_noted(w, l, unit);
  if (s) {
    survey_slot(l, s);
  } else if (noted && !w->flushing) {
    surveyed(l, NEED_NOTHING);
  } else {
    switch (look_at(w, l, unit * WRITER_UNIT, WRITER_UNIT)) {
      case LOOK_NOT_BLANK: surveyed(l, noted ? NEED_ERASE : NEED_KEEPING); break;
      case LOOK_BLANK:
        writer_note(w, l, unit, false);
        surveyed(l, NEED_NOTHING);
        break;
      default: break;
    }
  }
  return true;
}

// --- keep ---

static bool read_kept(struct writer *w, struct writer_lane *l) {
  const uint32_t offset = l->slot->unit * WRITER_UNIT + l->at;
  const enum status status = l->medium->read(
      l->medium->ctx, offset, writer_bytes(w, l->slot) + l->at, WRITER_STEP);
  l->at += WRITER_STEP;
  if (l->at == WRITER_UNIT) {
    l->slot->end = WRITER_UNIT;
    l->slot = NULL;
    l->index++;
  }
  if (status != ST_OK) writer_fail(w, l, status, offset);
  return true;
}

static bool step_keep(struct writer *w, struct writer_lane *l) {
  if (l->slot) return read_kept(w, l);
  if (l->index == l->size / WRITER_UNIT) {
    l->promised = 0;
    writer_start_erase(w, l, l->offset, l->size, l->expected_us);
    return true;
  }
  if (must_keep(w, l, l->index)) {
    l->promised--;
    l->slot = writer_take_slot(w, l, l->offset / WRITER_UNIT + l->index);
    read_from_start(l);
  } else {
    l->index++;
  }
  return true;
}

// --- mass erase ---

static void mass_done(struct writer_lane *l) {
  l->mass = WRITER_NO_MASS;
  writer_rest(l);
}

// The next block that may be erased, from `offset` on; false behind the last.
static bool seek_block(struct writer_lane *l, uint32_t offset, uint32_t *us) {
  struct media_block b;
  do {
    if (!media_block_at(&l->medium->geometry, offset, &b)) return false;
    offset = b.offset + b.size;
  } while (!b.writable);
  l->offset = b.offset;
  l->size = b.size;
  read_from_start(l);
  *us = b.erase_us;
  return true;
}

static bool next_block(struct writer_lane *l, uint32_t offset) {
  uint32_t us;
  if (!seek_block(l, offset, &us)) {
    mass_done(l);
  } else {
    l->ahead_us -= us;
    l->expected_us = us;
    l->state = WRITER_LOOKING;
  }
  return true;
}

static bool start_mass(struct writer_lane *l) {
  uint32_t us;
  l->mass = WRITER_MASS_RUNS;
  l->expected_us = 0;
  if (!l->medium->geometry.whole_erase_us) return next_block(l, 0);
  l->state = WRITER_COUNTING;
  if (!seek_block(l, 0, &us)) mass_done(l);
  return true;
}

// Adds up what block by block would take, until that is more than all at once.
static bool step_count(struct writer *w, struct writer_lane *l) {
  const struct media_geometry *g = &l->medium->geometry;
  struct media_block b;
  uint32_t us;
  switch (look_at(w, l, l->offset, l->size)) {
    case LOOK_NOT_BLANK:
      media_block_at(g, l->offset, &b);
      l->expected_us += b.erase_us;
      break;
    case LOOK_BLANK: break;
    default: return true;
  }
  if (l->expected_us > g->whole_erase_us) {
    l->ahead_us = 0;
    writer_start_erase(w, l, 0, g->size, g->whole_erase_us);
    return true;
  }
  if (seek_block(l, l->offset + l->size, &us)) return true;
  if (l->expected_us) return next_block(l, 0);
  mass_done(l);
  return true;
}

static bool step_look(struct writer *w, struct writer_lane *l) {
  switch (look_at(w, l, l->offset, l->size)) {
    case LOOK_NOT_BLANK:
      writer_start_erase(w, l, l->offset, l->size, l->expected_us);
      return true;
    case LOOK_BLANK: return next_block(l, l->offset + l->size);
    default: return true;
  }
}

// --- what is next ---

// A cut between the two must leave the earlier one as the last that reads right. If
// there is no room to keep all of its block, it has to come later.
static void put_before(const struct writer *w, struct writer_lane *l,
                       struct writer_slot *s, const struct writer_slot *next) {
  const struct choice c = widest(&l->medium->geometry, s->unit);
  s->age = next->age - 1u;
  if (c.size / WRITER_UNIT <= writer_free(w)) writer_stay_at(l, s->unit);
}

// A unit that read right just before an interrupted update's end may have been left
// half-programmed: it is made again from what it reads as.
// False: nothing to be done now.
static bool distrust(struct writer *w, struct writer_lane *l,
                     struct writer_slot *next) {
  const bool unsure = next && l->unsure;
  if (unsure) {
    l->unsure = false;
    next->forced = true;
    next->verdict = WRITER_ERASE;
  }
  struct writer_slot *s = l->any_same ? writer_slot_of(w, l, l->last_same) : next;
  const bool take = !s && !writer_is_noted(w, l, l->last_same);
  if (take && !writer_free(w)) return unsure;  // later
  l->weak = false;
  if (take) {
    const uint32_t offset = l->last_same * WRITER_UNIT;
    s = writer_take_slot(w, l, l->last_same);
    if (next) put_before(w, l, s, next);
    const enum status status =
        l->medium->read(l->medium->ctx, offset, writer_bytes(w, s), WRITER_UNIT);
    if (status != ST_OK) writer_fail(w, l, status, offset);
  }
  if (s && s->lane) {
    s->forced = true;
    s->verdict = WRITER_ERASE;
    s->end = WRITER_UNIT;
  }
  return true;
}

static bool same(struct writer *w, struct writer_lane *l, struct writer_slot *s) {
  if (s != w->urgent && l->unsure) {
    l->last_same = s->unit;
    l->any_same = true;
  }
  writer_free_slot(w, s);
  return true;
}

// More data may come, and with them a better choice of the erase's size.
static bool better_wait(const struct writer *w, const struct writer_lane *l,
                        const struct writer_slot *s) {
  if (s->forced || w->flushing || !writer_coming(w, l)) return false;
  if (!l->medium->geometry.erase_count || writer_behind(w, l->medium)) return false;
  const struct choice c = widest(&l->medium->geometry, s->unit);
  const uint32_t first = c.offset / WRITER_UNIT;
  for (uint32_t i = 0; i < c.size / WRITER_UNIT; i++) {
    if (writer_is_noted(w, l, first + i)) return true;
  }
  return false;
}

static bool change(struct writer *w, struct writer_lane *l, struct writer_slot *s) {
  const uint32_t offset = s->unit * WRITER_UNIT;
  const bool erasing = s->verdict == WRITER_ERASE;
  if (s == w->urgent && erasing) {
    writer_fail(w, l, ST_NOT_ERASED, offset);
    return true;
  }
  if (s != w->urgent) {
    if (!may_change(w, l, offset)) return false;
    if (l->weak && distrust(w, l, s)) return true;
  }
  if (!erasing) return start_program(w, l, s);
  return !better_wait(w, l, s) && start_survey(w, l, s->unit);
}

static bool next_slot(struct writer *w, struct writer_lane *l, struct writer_slot *s) {
  const bool partial = s->end < WRITER_UNIT && s->age == w->age;
  if (s->verdict == WRITER_UNKNOWN) {
    if (partial && s != w->urgent && !w->flushing && writer_coming(w, l)) return false;
    if (s->forced || s->unit - l->blank_unit >= l->blank_units) {
      start_compare(l, s);
      return true;
    }
    settle_slot(w, s);
  }
  return s->verdict == WRITER_SAME ? same(w, l, s) : change(w, l, s);
}

static bool next_noted(struct writer *w, struct writer_lane *l) {
  uint32_t unit = 0;
  if (w->wants_change && !w->gate) return false;  // looked at already
  while (!writer_is_noted(w, l, unit)) {
    const uint32_t bit = l->first_bit + unit;
    unit += w->noted[bit / 32] ? 1u : 32u - bit % 32;  // whole words at once
  }
  return start_survey(w, l, unit);
}

// Units that the host has erased will be written: those that are blank need not be read
// then, when there is no time for it.
static bool look_ahead(struct writer *w, struct writer_lane *l) {
  l->looks = l->looks && writer_may_look(w, l);
  if (!l->looks) return false;
  l->state = WRITER_AHEAD;
  l->offset = (l->blank_unit + l->blank_units) * WRITER_UNIT;
  read_from_start(l);
  return true;
}

static bool step_ahead(struct writer *w, struct writer_lane *l) {
  const enum look look = look_at(w, l, l->offset, WRITER_UNIT);
  if (look == LOOK_AGAIN) return true;
  // Else the next one is another by now.
  if (l->offset / WRITER_UNIT == l->blank_unit + l->blank_units) {
    l->looks = look == LOOK_BLANK;
    l->blank_units += l->looks;
  }
  writer_rest(l);
  return true;
}

static bool next(struct writer *w, struct writer_lane *l) {
  struct writer_slot *s = writer_oldest(w, l);
  if (s && s == w->urgent) return next_slot(w, l, s);
  if (l->mass) return may_change(w, l, 0) && start_mass(l);
  if (l->lacks > writer_free(w) && !is_stuck(w, l)) return false;
  l->lacks = 0;
  if (s) {
    writer_stay_at(l, s->unit);
    return next_slot(w, l, s);
  }
  if (!w->flushing) return look_ahead(w, l);
  if (l->noted) return next_noted(w, l);
  return l->weak && l->any_same && may_change(w, l, l->last_same * WRITER_UNIT) &&
         distrust(w, l, NULL);
}

bool writer_step(struct writer *w, struct writer_lane *l) {
  switch (l->state) {
    case WRITER_IDLE: return next(w, l);
    case WRITER_COMPARING: return step_compare(w, l);
    case WRITER_PROGRAMMING: return step_program(w, l);
    case WRITER_VERIFYING: return step_verify(w, l);
    case WRITER_AHEAD: return step_ahead(w, l);
    case WRITER_SURVEYING: return step_survey(w, l);
    case WRITER_KEEPING: return step_keep(w, l);
    case WRITER_ERASING: return step_erase(w, l);
    case WRITER_CHECKING: return step_check(w, l);
    case WRITER_COUNTING: return step_count(w, l);
    case WRITER_LOOKING: return step_look(w, l);
  }
  return false;
}
