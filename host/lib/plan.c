// SPDX-License-Identifier: MIT
#include "host/lib/plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "host/lib/grow.h"
#include "host/lib/regions.h"
#include "host/lib/vectors.h"

// ---- Lists -----------------------------------------------------------------

static bool add_unit(struct plan *p, const struct unit *u, struct qb_error *error) {
  struct unit *units = grow_array(p->units, p->count, &p->capacity, sizeof *units);
  if (!units) return qb_error_no_memory(error);
  p->units = units;
  p->units[p->count++] = *u;
  if (u->sector.access & LAYOUT_ERASABLE) p->erase_bytes += u->sector.size;
  return true;
}

static bool add_piece(struct plan *p, struct unit_piece piece, struct qb_error *error) {
  struct unit_piece *pieces =
      grow_array(p->pieces, p->piece_count, &p->piece_capacity, sizeof *pieces);
  if (!pieces) return qb_error_no_memory(error);
  p->pieces = pieces;
  p->pieces[p->piece_count++] = piece;
  p->bytes += piece.size;
  struct unit *u = &p->units[p->count - 1];
  u->pieces++;
  u->bytes += piece.size;
  return true;
}

void plan_free(struct plan *p) {
  free(p->units);
  free(p->pieces);
  free(p->cells);
  *p = (struct plan){0};
}

size_t plan_count(const struct plan *p, enum unit_state state) {
  size_t n = 0;
  for (size_t i = 0; i < p->count; i++) {
    n += p->units[i].state == state;
  }
  return n;
}

// ---- Refusals --------------------------------------------------------------

// Nothing of the board is at `address`, where `what` begins or goes on.
static bool refuse_address(const struct usb_board *b, const char *what,
                           uint32_t address, bool goes_on, struct qb_error *error) {
  if (goes_on) {
    return qb_error_set(error,
                        "%s runs past the end of the flash, which ends before "
                        "0x%08" PRIX32 " on this board; make it smaller or move it",
                        what, address);
  }
  const struct region *region = region_of(address);
  if (region->alternate_setting == REGION_REFUSED && region->advice) {
    return qb_error_set(error, "%s: the address 0x%08" PRIX32 " lies in %s; %s", what,
                        address, region->name, region->advice);
  }
  return qb_error_set(error,
                      "%s: the %s on this board offers no flash at 0x%08" PRIX32
                      "; 'quadboot info' shows what it offers",
                      what, usb_board_kind_name(b->kind), address);
}

static bool is_bootloader(const struct usb_board *b, uint32_t address,
                          uint32_t *application) {
  return b->kind == BOARD_QUADBOOT && plan_application_address(b, application) &&
         address < *application;
}

static bool refuse_read_only(const struct usb_board *b, const char *what,
                             uint32_t address, struct qb_error *error) {
  uint32_t application = 0;
  if (is_bootloader(b, address, &application)) {
    return qb_error_set(error,
                        "%s: 0x%08" PRIX32
                        " belongs to the bootloader itself; link "
                        "the application at 0x%08" PRIX32,
                        what, address, application);
  }
  return qb_error_set(error, "%s: the flash at 0x%08" PRIX32 " is read-only", what,
                      address);
}

// ---- Sectors ---------------------------------------------------------------

// The sector at `address`, as a unit that can be changed.
static bool find_unit(const struct usb_board *b, const char *what, uint32_t address,
                      bool goes_on, int wanted, struct unit *out,
                      struct qb_error *error) {
  const struct usb_board_alternate *a = usb_board_alternate_at(b, address, wanted);
  *out = (struct unit){.state = UNIT_WAITING};
  if (!a || !layout_sector_at(&a->layout, address, &out->sector)) {
    return refuse_address(b, what, address, goes_on, error);
  }
  out->alternate = a->number;
  return true;
}

// True if the last unit is the sector that holds the address. Another alternate
// setting may have other memory there.
static bool in_last_unit(const struct plan *p, const struct usb_board *b,
                         uint32_t address, int wanted) {
  if (p->count == 0) return false;
  const struct unit *u = &p->units[p->count - 1];
  if (address < u->sector.address || address - u->sector.address >= u->sector.size) {
    return false;
  }
  const struct usb_board_alternate *a = usb_board_alternate_at(b, address, wanted);
  return a && a->number == u->alternate;
}

static bool check_access(const struct usb_board *b, const char *what,
                         const struct unit *u, uint32_t address, enum plan_use use,
                         struct qb_error *error) {
  const uint8_t needed = use == PLAN_COMPARE ? LAYOUT_READABLE : LAYOUT_WRITABLE;
  if (u->sector.access & needed) return true;
  if (use != PLAN_COMPARE) return refuse_read_only(b, what, address, error);
  return qb_error_set(error, "%s: the flash at 0x%08" PRIX32 " cannot be read", what,
                      address);
}

static bool add_segment(struct plan *p, const struct usb_board *b,
                        const struct segment *s, enum plan_use use,
                        struct qb_error *error) {
  char name[SEGMENT_NAME_ROOM];
  const char *what = segment_describe(s, name);
  for (size_t done = 0; done < s->size;) {
    const uint32_t address = (uint32_t)(s->address + done);
    if (!in_last_unit(p, b, address, s->alternate)) {
      struct unit u;
      if (!find_unit(b, what, address, done > 0, s->alternate, &u, error)) return false;
      if (!check_access(b, what, &u, address, use, error)) return false;
      u.first_piece = p->piece_count;
      if (!add_unit(p, &u, error)) return false;
    }
    const struct layout_sector *sector = &p->units[p->count - 1].sector;
    const size_t room = sector->size - (address - sector->address);
    const size_t size = s->size - done < room ? s->size - done : room;
    const struct unit_piece piece = {
        .address = address, .size = (uint32_t)size, .bytes = s->bytes + done};
    if (!add_piece(p, piece, error)) return false;
    done += size;
  }
  return true;
}

// ---- Applications ----------------------------------------------------------

#define INTERNAL_FIRST 0x08000000u  // RM0410 2.2.2
#define INTERNAL_LAST  0x081FFFFFu

bool plan_is_internal(uint32_t address) {
  return address >= INTERNAL_FIRST && address <= INTERNAL_LAST;
}

bool plan_application_address(const struct usb_board *b, uint32_t *out) {
  for (size_t i = 0; i < b->count; i++) {
    const struct usb_board_alternate *a = &b->alternates[i];
    for (size_t j = 0; a->status == LAYOUT_OK && j < a->layout.count; j++) {
      const struct layout_run *run = &a->layout.runs[j];
      if (!(run->access & LAYOUT_WRITABLE) || !plan_is_internal(run->address)) continue;
      *out = run->address;
      return true;
    }
  }
  return false;
}

// Whether the files hold the byte at `address`.
static bool holds(const struct plan *p, uint32_t address) {
  for (size_t i = 0; i < p->piece_count; i++) {
    const struct unit_piece *piece = &p->pieces[i];
    if (address >= piece->address && address - piece->address < piece->size)
      return true;
  }
  return false;
}

// `piece` begins where the bootloader looks for an application. It may be linked for
// another address, or be no application at all.
static bool check_vectors(const struct plan *p, const struct unit_piece *piece,
                          struct qb_error *error) {
  const struct vectors v = vectors_load(piece->bytes);
  const uint32_t linked = v.reset & 0xFFFF8000u;  // a sector's beginning, most likely
  const bool there = holds(p, v.reset & ~1u) || holds(p, linked);
  if (vectors_fit(&v, piece->address) && there) return true;
  if (vectors_plausible(&v)) {
    return qb_error_set(error,
                        "this application is linked for 0x%08" PRIX32
                        " (its reset handler is at 0x%08" PRIX32
                        "), but would lie at 0x%08" PRIX32
                        "; link it there, or use --force to write it all the same",
                        linked, v.reset & ~1u, piece->address);
  }
  return qb_error_set(
      error,
      "what would lie at 0x%08" PRIX32
      " does not begin with the vector table of an application (initial SP 0x%08" PRIX32
      ", reset handler 0x%08" PRIX32 "); use --force if that is meant",
      piece->address, v.sp, v.reset);
}

// quadboot starts what begins at `address` and nothing else. The files hold nothing
// there; is it that one begins like an application somewhere else?
static bool check_elsewhere(const struct segments *list, uint32_t address,
                            struct qb_error *error) {
  for (size_t i = 0; i < list->count; i++) {
    const struct segment *s = &list->items[i];
    if (s->size < VECTORS_SIZE || s->address < address || s->address > INTERNAL_LAST) {
      continue;
    }
    const struct vectors v = vectors_load(s->bytes);
    if (!vectors_plausible(&v)) continue;
    char name[SEGMENT_NAME_ROOM];
    return qb_error_set(error,
                        "%s begins like an application, but would lie at 0x%08" PRIX32
                        ", and quadboot starts what begins at 0x%08" PRIX32
                        "; put it there, or use --force if that is meant",
                        segment_describe(s, name), s->address, address);
  }
  return true;
}

static bool check_application(struct plan *p, const struct segments *list,
                              const struct usb_board *b, enum plan_use use,
                              struct qb_error *error) {
  uint32_t address = 0;
  if (!plan_application_address(b, &address)) return true;
  for (size_t i = 0; i < p->piece_count; i++) {
    const struct unit_piece *piece = &p->pieces[i];
    if (piece->address != address || piece->size < VECTORS_SIZE) continue;
    const bool good = check_vectors(p, piece, error);
    p->has_application = good;
    p->application = address;
    return good || use != PLAN_WRITE;
  }
  return use != PLAN_WRITE || b->kind != BOARD_QUADBOOT || holds(p, address) ||
         check_elsewhere(list, address, error);
}

static bool check_device(const struct usb_board *b, const struct segments *list,
                         struct qb_error *error) {
  const struct segments_device *d = &list->device;
  const bool vendor = d->vendor == SEGMENTS_ANY_ID || d->vendor == b->where.vendor;
  const bool product = d->product == SEGMENTS_ANY_ID || d->product == b->where.product;
  if (!d->source || (vendor && product)) return true;
  return qb_error_set(
      error,
      "%s is for the USB device %04x:%04x, and this board is %04x:%04x; "
      "use --force if it is the right file all the same",
      d->source, d->vendor, d->product, b->where.vendor, b->where.product);
}

// ---- Plans -----------------------------------------------------------------

bool plan_make(struct plan *out, const struct usb_board *b, const struct segments *list,
               enum plan_use use, struct qb_error *error) {
  *out = (struct plan){0};
  if (list->count == 0) return qb_error_set(error, "there is nothing to write");
  if (use == PLAN_WRITE && !check_device(b, list, error)) return false;
  for (size_t i = 0; i < list->count; i++) {
    if (!add_segment(out, b, &list->items[i], use, error)) return false;
  }
  return check_application(out, list, b, use, error);
}

static bool refuse_range(const struct unit *u, uint32_t address,
                         struct qb_error *error) {
  return qb_error_set(
      error,
      "0x%08" PRIX32
      " lies inside a sector, and only whole sectors can be erased; the "
      "nearest are 0x%08" PRIX32 " and 0x%08" PRIX64,
      address, u->sector.address, (uint64_t)u->sector.address + u->sector.size);
}

static bool refuse_erase(const struct usb_board *b, uint32_t address,
                         struct qb_error *error) {
  uint32_t application = 0;
  if (is_bootloader(b, address, &application)) {
    return qb_error_set(error,
                        "0x%08" PRIX32
                        " belongs to the bootloader itself; what can be erased begins "
                        "at 0x%08" PRIX32,
                        address, application);
  }
  return qb_error_set(error, "the flash at 0x%08" PRIX32 " cannot be erased", address);
}

bool plan_erase(struct plan *out, const struct usb_board *b, uint32_t address,
                uint64_t size, struct qb_error *error) {
  *out = (struct plan){0};
  if (size == 0) return qb_error_set(error, "there is nothing to erase");
  const uint64_t end = address + size;
  for (uint64_t at = address; at < end;) {
    struct unit u;
    if (at > UINT32_MAX) return refuse_address(b, "the range", UINT32_MAX, true, error);
    if (!find_unit(b, "the range", (uint32_t)at, at > address, -1, &u, error)) {
      return false;
    }
    const uint64_t next = (uint64_t)u.sector.address + u.sector.size;
    if (at != u.sector.address) return refuse_range(&u, (uint32_t)at, error);
    if (next > end) return refuse_range(&u, (uint32_t)end, error);
    if (!(u.sector.access & LAYOUT_ERASABLE)) {
      return refuse_erase(b, (uint32_t)at, error);
    }
    if (!add_unit(out, &u, error)) return false;
    at = next;
  }
  return true;
}
