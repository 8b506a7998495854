// SPDX-License-Identifier: MIT
#include "firmware/flash/writer.h"

#include <string.h>

#include "firmware/flash/writer_internal.h"

// Comparing or reading back costs about this much per KB.
#define READ_US_PER_KB 25u

void writer_init(struct writer *w, uint8_t *memory, size_t bytes,
                 uint32_t (*now_us)(void *ctx), void *now_ctx,
                 bool (*supply_good)(void)) {
  memset(w, 0, sizeof *w);
  const size_t count = bytes / WRITER_UNIT;
  w->memory = memory;
  w->slot_count = count < WRITER_MAX_SLOTS ? (uint32_t)count : WRITER_MAX_SLOTS;
  w->gate = true;
  w->now_us = now_us;
  w->now_ctx = now_ctx;
  w->supply_good = supply_good;
}

void writer_add(struct writer *w, const struct media *m) {
  uint32_t first = 0;
  for (uint8_t i = 0; i < w->lane_count; i++)
    first += w->lanes[i].medium->geometry.size / WRITER_UNIT;
  struct writer_lane *l = &w->lanes[w->lane_count];
  *l = (struct writer_lane){.medium = m, .first_bit = first, .state = WRITER_IDLE};
  l->read_back = w->read_back[w->lane_count++];
}

void writer_distrust(struct writer *w) {
  for (uint8_t i = 0; i < w->lane_count; i++)
    w->lanes[i].weak = w->lanes[i].unsure = true;
}

// --- slots and noted erases ---

static struct writer_lane *lane_of(const struct writer *w, const struct media *m) {
  const struct writer_lane *l = w->lanes;
  while (l->medium != m)
    l++;
  return (struct writer_lane *)l;
}

struct writer_slot *writer_slot_of(struct writer *w, const struct writer_lane *l,
                                   uint32_t unit) {
  for (struct writer_slot *s = w->slots; s < w->slots + w->slot_count; s++) {
    if (s->unit == unit && s->lane == l) return s;
  }
  return NULL;
}

struct writer_slot *writer_take_slot(struct writer *w, struct writer_lane *l,
                                     uint32_t unit) {
  struct writer_slot *s = w->slots;
  while (s->lane)
    s++;
  w->age += 2;  // leaves room for one to be put before another
  *s = (struct writer_slot){.lane = l, .unit = unit, .age = w->age};
  w->used++;
  l->slots++;
  return s;
}

void writer_free_slot(struct writer *w, struct writer_slot *s) {
  w->used--;
  s->lane->slots--;
  s->lane = NULL;
  if (w->urgent == s) w->urgent = NULL;
}

struct writer_slot *writer_oldest(struct writer *w, const struct writer_lane *l) {
  struct writer_slot *oldest = NULL, *const end = w->slots + w->slot_count;
  uint32_t most = 0;
  if (!l->slots) return NULL;
  if (w->urgent && w->urgent->lane == l) return w->urgent;
  for (struct writer_slot *s = w->slots; s != end; s++) {
    if (s->lane != l) continue;
    const bool here = s->unit - l->block_unit < l->block_units;
    const uint32_t rank = (w->age - s->age + 1u) | (uint32_t)here << 31;
    if (rank <= most) continue;
    most = rank;
    oldest = s;
  }
  return oldest;
}

void writer_stay_at(struct writer_lane *l, uint32_t unit) {
  if (unit - l->block_unit < l->block_units) return;
  struct media_block b;
  media_block_at(&l->medium->geometry, unit * WRITER_UNIT, &b);
  l->block_unit = b.offset / WRITER_UNIT;
  l->block_units = b.size / WRITER_UNIT;
}

bool writer_is_noted(const struct writer *w, const struct writer_lane *l,
                     uint32_t unit) {
  const uint32_t bit = l->first_bit + unit;
  return w->noted[bit / 32] >> bit % 32 & 1u;
}

void writer_note(struct writer *w, struct writer_lane *l, uint32_t unit, bool on) {
  if (writer_is_noted(w, l, unit) == on) return;
  const uint32_t bit = l->first_bit + unit;
  w->noted[bit / 32] ^= 1u << bit % 32;
  l->noted += on ? 1u : ~0u;
}

bool writer_may_look(const struct writer *w, const struct writer_lane *l) {
  const uint32_t unit = l->blank_unit + l->blank_units;
  return unit < l->medium->geometry.size / WRITER_UNIT && writer_is_noted(w, l, unit);
}

bool writer_coming(const struct writer *w, const struct writer_lane *l) {
  return w->now_us(w->now_ctx) - l->came_us < WRITER_COMING_US;
}

// --- failures ---

void writer_rest(struct writer_lane *l) {
  l->state = WRITER_IDLE;
  l->slot = NULL;
  l->surveying = false;
  l->promised = 0;
}

static bool operating(const struct writer_lane *l) {
  return l->state == WRITER_ERASING || l->state == WRITER_PROGRAMMING;
}

// The region is being erased: its slots and noted erases need no other erase.
static bool region_goes(const struct writer_lane *l) {
  return l->state == WRITER_ERASING || l->state == WRITER_CHECKING;
}

void writer_forget(struct writer *w) {
  for (struct writer_lane *l = w->lanes; l < w->lanes + w->lane_count; l++)
    l->noted = 0;
  memset(w->noted, 0, sizeof w->noted);
}

void writer_fail(struct writer *w, struct writer_lane *l, enum status status,
                 uint32_t offset) {
  if (w->result.status == ST_OK) {
    w->result =
        (struct writer_result){.status = status,
                               .address = l->medium->geometry.base + offset,
                               .erasing = l->state >= WRITER_SURVEYING || l->mass};
  }
  writer_rest(l);
  for (struct writer_lane *o = w->lanes; o < w->lanes + w->lane_count; o++) {
    o->mass = WRITER_NO_MASS;
    o->lacks = o->blank_units = 0;
    o->abandoned = operating(o);
    if (!o->abandoned) writer_rest(o);
  }
  for (struct writer_slot *s = w->slots; s < w->slots + w->slot_count; s++) {
    if (s->lane && s->lane->slot != s) writer_free_slot(w, s);
  }
  writer_forget(w);
  w->wants_change = w->flushing = false;
}

struct writer_result writer_take_result(struct writer *w) {
  const struct writer_result r = w->result;
  w->result = (struct writer_result){.status = ST_OK};
  return r;
}

// --- what is taken ---

uint32_t writer_free(const struct writer *w) {
  uint32_t taken = w->used;
  for (uint8_t i = 0; i < w->lane_count; i++)
    taken += w->lanes[i].promised;
  return w->slot_count - taken;
}

// All slots but one: the state log always finds room.
static bool room_for(const struct writer *w, uint32_t count) {
  return writer_free(w) > count;
}

// Units of the largest block that no erase takes unit by unit: what has to fit into
// slots at once. 0: there is none such.
static uint32_t coarse_units(const struct media_geometry *g) {
  uint32_t most = 0;
  for (uint8_t i = 0; i < g->run_count; i++) {
    const uint32_t size = g->runs[i].block_size;
    bool fine = size <= WRITER_UNIT;
    for (uint8_t k = 0; k < g->erase_count; k++) {
      const struct media_erase *e = &g->erases[k];
      if ((e->runs >> i & 1u) && e->size <= WRITER_UNIT) fine = true;
    }
    if (!fine && size > most) most = size;
  }
  return most / WRITER_UNIT;
}

// Slots of the lane that lie outside the block that is worked on.
static uint32_t slots_outside(const struct writer *w, const struct writer_lane *l) {
  uint32_t count = 0;
  for (const struct writer_slot *s = w->slots; s < w->slots + w->slot_count; s++) {
    if (s->lane == l && s->unit - l->block_unit >= l->block_units) count++;
  }
  return count;
}

// A medium that has blocks which no small erase divides must always find slots for a
// whole block, else it could never go on: it holds few outside the block that is next,
// and two such media are written one after the other. `more` slots will be taken
// besides, one by the log and one by what is not trusted.
static bool too_spread(struct writer *w, struct writer_lane *l, uint32_t unit,
                       uint32_t more) {
  const struct media_geometry *g = &l->medium->geometry;
  const uint32_t units = coarse_units(g);
  if (!units) return false;
  for (const struct writer_lane *o = w->lanes; o < w->lanes + w->lane_count; o++) {
    if (o != l && coarse_units(&o->medium->geometry) && writer_oldest(w, o)) {
      return true;
    }
  }
  const struct writer_slot *oldest = writer_oldest(w, l);
  if (!oldest) return false;
  writer_stay_at(l, oldest->unit);
  if (unit - l->block_unit < l->block_units) return false;
  return slots_outside(w, l) + more + units + 2 >= w->slot_count;
}

static bool takes_nothing(const struct writer *w, const struct writer_lane *l) {
  for (uint8_t i = 0; i < w->lane_count; i++) {
    if (w->lanes[i].lacks) return true;
  }
  return l->mass || w->result.status != ST_OK;
}

// Bytes [from, end) of a unit can be put into a slot.
static bool can_put(struct writer *w, struct writer_lane *l, uint32_t unit,
                    uint32_t from, uint32_t end, uint32_t *slots) {
  const struct writer_slot *s = writer_slot_of(w, l, unit);
  if (s) return l->slot != s;
  if (too_spread(w, l, unit, *slots)) return false;
  const bool whole = from == 0 && end == WRITER_UNIT;
  if (!whole && !writer_is_noted(w, l, unit) && operating(l)) return false;
  ++*slots;
  return true;
}

static void put(struct writer *w, struct writer_lane *l, uint32_t unit, uint32_t from,
                uint32_t end, const uint8_t *data) {
  struct writer_slot *s = writer_slot_of(w, l, unit);
  enum status status = ST_OK;
  if (!s) {
    s = writer_take_slot(w, l, unit);
    if (writer_is_noted(w, l, unit)) {
      memset(writer_bytes(w, s), 0xFF, WRITER_UNIT);
    } else if (end - from < WRITER_UNIT) {
      status = l->medium->read(l->medium->ctx, unit * WRITER_UNIT, writer_bytes(w, s),
                               WRITER_UNIT);
    }
    writer_note(w, l, unit, false);
  }
  memcpy(writer_bytes(w, s) + from, data, end - from);
  s->verdict = WRITER_UNKNOWN;
  s->end = (uint16_t)end;
  if (status != ST_OK) writer_fail(w, l, status, unit * WRITER_UNIT);
}

// The first work after a flush: who knows what was done to the flash since.
static void take_up(struct writer *w) {
  if (!w->flushing) return;
  w->flushing = false;
  for (uint8_t i = 0; i < w->lane_count; i++)
    w->lanes[i].blank_units = 0;
}

static uint32_t least(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

bool writer_write(struct writer *w, const struct media *m, uint32_t offset,
                  const uint8_t *data, uint32_t length) {
  struct writer_lane *l = lane_of(w, m);
  const uint32_t unit = offset / WRITER_UNIT, from = offset % WRITER_UNIT;
  const uint32_t first = least(length, WRITER_UNIT - from), rest = length - first;
  uint32_t slots = 0;
  if (takes_nothing(w, l)) return false;
  if (!can_put(w, l, unit, from, from + first, &slots)) return false;
  if (rest && !can_put(w, l, unit + 1, 0, rest, &slots)) return false;
  if (slots && !room_for(w, slots)) return false;
  take_up(w);
  l->came_us = w->now_us(w->now_ctx);
  put(w, l, unit, from, from + first, data);
  if (rest && w->result.status == ST_OK) put(w, l, unit + 1, 0, rest, data + first);
  return true;
}

// Slots of these units that nobody works on are of no use any more.
static bool drop_slots(struct writer *w, const struct writer_lane *l, uint32_t unit,
                       uint32_t count) {
  if (l->slot && l->slot->unit - unit < count) return false;
  for (struct writer_slot *s = w->slots; s < w->slots + w->slot_count; s++) {
    if (s->lane == l && s->unit - unit < count) writer_free_slot(w, s);
  }
  return true;
}

bool writer_erase(struct writer *w, const struct media *m, uint32_t offset) {
  struct media_block b;
  media_block_at(&m->geometry, offset, &b);
  return writer_erase_part(w, m, b.offset, b.size);
}

// Units from `unit` on will be noted: they are looked at, unless others wait for that.
static void look_from(const struct writer *w, struct writer_lane *l, uint32_t unit) {
  if (writer_may_look(w, l)) return;
  l->looks = true;
  if (unit == l->blank_unit + l->blank_units) return;
  l->blank_unit = unit;
  l->blank_units = 0;
}

bool writer_erase_part(struct writer *w, const struct media *m, uint32_t offset,
                       uint32_t length) {
  struct writer_lane *l = lane_of(w, m);
  const uint32_t unit = (offset + WRITER_UNIT - 1) / WRITER_UNIT;
  const uint32_t end = (offset + length) / WRITER_UNIT;
  const uint32_t count = end > unit ? end - unit : 0;
  if (l->mass || w->result.status != ST_OK) return false;
  if (!drop_slots(w, l, unit, count)) return false;
  for (struct writer_lane *o = w->lanes; o < w->lanes + w->lane_count; o++)
    o->lacks = 0;  // perhaps not any more, and without a flush nobody would look
  take_up(w);
  look_from(w, l, unit);
  for (uint32_t i = 0; i < count; i++)
    writer_note(w, l, unit + i, true);
  return true;
}

static uint32_t mass_erase_us(const struct media_geometry *g) {
  uint32_t us = 0;
  for (uint8_t i = 0; i < g->run_count; i++) {
    if (g->runs[i].writable) us += g->runs[i].count * g->runs[i].erase_us;
  }
  return us;
}

bool writer_mass_erase(struct writer *w, const struct media *m) {
  struct writer_lane *l = lane_of(w, m);
  const uint32_t units = m->geometry.size / WRITER_UNIT;
  const struct writer_slot *s = writer_oldest(w, l);
  if (l->mass || w->result.status != ST_OK || operating(l)) return false;
  if (l->state == WRITER_CHECKING || (s && s == w->urgent)) return false;  // the log's
  writer_rest(l);
  l->lacks = 0;
  drop_slots(w, l, 0, units);
  for (uint32_t i = 0; l->noted; i++)
    writer_note(w, l, i, false);
  l->mass = WRITER_MASS_WAITS;
  l->ahead_us = mass_erase_us(&m->geometry);
  return true;
}

bool writer_erase_now(struct writer *w, const struct media *m, uint32_t offset) {
  struct writer_lane *l = lane_of(w, m);
  struct media_block b;
  if (!writer_idle(w, m)) return false;
  media_block_at(&m->geometry, offset, &b);
  writer_start_erase(w, l, b.offset, b.size, b.erase_us);
  return true;
}

bool writer_write_now(struct writer *w, const struct media *m, uint32_t offset,
                      const uint8_t *data, uint32_t length) {
  struct writer_lane *l = lane_of(w, m);
  if (!writer_idle(w, m) || !writer_free(w)) return false;
  const uint32_t unit = offset / WRITER_UNIT, from = offset % WRITER_UNIT;
  put(w, l, unit, from, from + length, data);
  w->urgent = writer_slot_of(w, l, unit);
  return true;
}

// --- what is read ---

static bool is_writable(const struct media *m, uint32_t offset) {
  struct media_block b;
  return media_block_at(&m->geometry, offset, &b) && b.writable;
}

enum status writer_read(const struct writer *w, const struct media *m, uint32_t offset,
                        uint8_t *dst, uint32_t length) {
  const struct writer_lane *l = lane_of(w, m);
  while (length) {
    const uint32_t unit = offset / WRITER_UNIT, from = offset % WRITER_UNIT;
    const uint32_t n = least(length, WRITER_UNIT - from);
    const struct writer_slot *s = writer_slot_of((struct writer *)w, l, unit);
    const bool filling = l->state == WRITER_KEEPING && s == l->slot;
    if (s && !filling) {
      memcpy(dst, writer_bytes(w, s) + from, n);
    } else if (writer_is_noted(w, l, unit) || (l->mass && is_writable(m, offset))) {
      memset(dst, 0xFF, n);
    } else if (operating(l)) {
      return ST_NOT_NOW;
    } else {
      const enum status status = m->read(m->ctx, offset, dst, n);
      if (status != ST_OK) return status;
    }
    offset += n;
    dst += n;
    length -= n;
  }
  return ST_OK;
}

enum status writer_view(const struct writer *w, const struct media *m, uint32_t offset,
                        uint32_t length, struct flash_loan *loan) {
  const struct writer_lane *l = lane_of(w, m);
  if (!m->view || operating(l) || l->mass) return ST_NOT_NOW;
  const uint32_t end = offset + length;
  for (uint32_t unit = offset / WRITER_UNIT; unit * WRITER_UNIT < end; unit++) {
    if (writer_slot_of((struct writer *)w, l, unit)) return ST_NOT_NOW;
    if (writer_is_noted(w, l, unit)) return ST_NOT_NOW;
  }
  return m->view(m->ctx, offset, length, loan);
}

// --- work ---

bool writer_poll(struct writer *w) {
  bool worked = false;
  for (struct writer_lane *l = w->lanes; l < w->lanes + w->lane_count; l++) {
    const bool rests =
        l->state == WRITER_IDLE && !l->slots && !l->mass && !l->looks && !w->flushing;
    if (!rests && writer_step(w, l)) worked = true;
  }
  return worked;
}

void writer_flush(struct writer *w) {
  w->flushing = true;
}

bool writer_settled(const struct writer *w) {
  if (w->used) return false;
  for (const struct writer_lane *l = w->lanes; l < w->lanes + w->lane_count; l++) {
    if (l->state != WRITER_IDLE || l->noted || l->mass) return false;
    if (w->flushing && l->weak && l->any_same) return false;
  }
  return true;
}

bool writer_idle(const struct writer *w, const struct media *m) {
  const struct writer_lane *l = lane_of(w, m);
  return l->state == WRITER_IDLE && !w->urgent;
}

// --- how long it takes ---

uint32_t writer_unit_us(const struct writer_lane *l) {
  const uint32_t kb = WRITER_UNIT / 1024;
  return kb * (l->medium->geometry.program_us_per_kb + 2 * READ_US_PER_KB);
}

// Of the operation in progress. Slower than typical: a sixteenth more, again and again.
static uint32_t operation_us(const struct writer *w, const struct writer_lane *l) {
  if (!operating(l)) return l->state == WRITER_IDLE ? 0 : READ_US_PER_KB;
  const uint32_t passed = w->now_us(w->now_ctx) - l->started_us;
  return passed < l->expected_us ? l->expected_us - passed : l->expected_us / 16u + 1u;
}

// The slots are in no order, but those that wait belong to few blocks.
struct seen {
  uint32_t offsets[4];
  uint32_t count;
};

static bool is_new(struct seen *seen, uint32_t offset) {
  const uint32_t most = sizeof seen->offsets / sizeof *seen->offsets;
  for (uint32_t i = 0; i < seen->count && i < most; i++) {
    if (seen->offsets[i] == offset) return false;
  }
  seen->offsets[seen->count++ % most] = offset;
  return true;
}

static bool may_erase(const struct writer_lane *l, const struct writer_slot *s) {
  if (s->verdict != WRITER_UNKNOWN) return s->verdict == WRITER_ERASE;
  return l->erases && s->unit - l->blank_unit >= l->blank_units;
}

// Of the slots: a unit each, and an erase for each block that has one which needs it,
// or probably will.
static uint32_t slots_us(const struct writer *w, const struct writer_lane *l) {
  struct seen seen = {.count = 0};
  struct media_block b = {0};
  uint32_t us = 0;
  const bool erasing = region_goes(l);
  const bool programmed =
      l->state == WRITER_PROGRAMMING || l->state == WRITER_VERIFYING;
  for (const struct writer_slot *s = w->slots; s < w->slots + w->slot_count; s++) {
    if (s->lane != l) continue;
    const uint32_t offset = s->unit * WRITER_UNIT;
    us += writer_unit_us(l);
    if (s == l->slot && programmed) us -= l->expected_us;
    if (!may_erase(l, s)) continue;
    if (offset - b.offset < b.size) continue;
    if (erasing && offset - l->offset < l->size) continue;
    media_block_at(&l->medium->geometry, offset, &b);
    if (is_new(&seen, b.offset)) us += b.erase_us;
  }
  return us;
}

static uint32_t noted_us(const struct writer_lane *l) {
  const struct media_geometry *g = &l->medium->geometry;
  const struct media_run *r = &g->runs[g->run_count - 1];
  const uint32_t now = region_goes(l) ? l->size / WRITER_UNIT : 0;
  const uint32_t later = l->noted > now ? l->noted - now : 0;
  return later * (r->erase_us / (r->block_size / WRITER_UNIT));
}

uint32_t writer_remaining_us(const struct writer *w) {
  uint32_t longest = 0;
  for (const struct writer_lane *l = w->lanes; l < w->lanes + w->lane_count; l++) {
    uint32_t us = operation_us(w, l) + slots_us(w, l);
    if (l->mass) us += l->ahead_us;
    if (w->flushing) us += noted_us(l);
    if (us > longest) longest = us;
  }
  return longest;
}

uint32_t writer_behind_us(const struct writer *w, const struct media *m) {
  const struct writer_lane *l = lane_of(w, m);
  if (l->mass) return operation_us(w, l) + l->ahead_us + 1u;
  const uint32_t beyond = slots_us(w, l);
  if (beyond > WRITER_BEHIND_US) {
    return operation_us(w, l) + beyond - WRITER_BEHIND_US;
  }
  return takes_nothing(w, l) || !room_for(w, 1) ? operation_us(w, l) + 1u : 0;
}

bool writer_behind(const struct writer *w, const struct media *m) {
  return writer_behind_us(w, m) != 0;
}
