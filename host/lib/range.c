// SPDX-License-Identifier: MIT
#include "host/lib/range.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/lib/number.h"

// RM0410 2.2.2: where the two media begin, however much of them a board has.
static const struct {
  const char *name;
  uint32_t first, last;
} media[] = {
    {"internal", 0x08000000, 0x081FFFFF},
    {"qspi", 0x90000000, 0x9FFFFFFF},
};
enum { MEDIA = sizeof media / sizeof *media };

// ---- Text ------------------------------------------------------------------

static bool parse_size(const char *text, uint64_t *out) {
  uint32_t hex = 0;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    const bool ok = number_parse_hex(text, UINT32_MAX, &hex) == NUMBER_OK;
    *out = hex;
    return ok;
  }
  char *end = NULL;
  if (*text < '0' || *text > '9') return false;
  uint64_t value = strtoull(text, &end, 10);
  if (value > UINT32_MAX) return false;
  if (*end == 'K' || *end == 'k') {
    value <<= 10;
    end++;
  } else if (*end == 'M' || *end == 'm') {
    value <<= 20;
    end++;
  }
  *out = value;
  return *end == '\0' && value <= UINT32_MAX;
}

static bool refuse(const char *text, struct qb_error *error) {
  return qb_error_set(error,
                      "\"%s\" is no part of flash; write ADDR:SIZE, such as "
                      "0x90000000:64K, or internal, or qspi",
                      text);
}

bool range_parse(const char *text, struct range *out, struct qb_error *error) {
  for (size_t i = 0; i < MEDIA; i++) {
    if (strcmp(text, media[i].name) != 0) continue;
    *out = (struct range){.whole = true, .address = media[i].first};
    return true;
  }
  const char *colon = strchr(text, ':');
  char address[16];
  const size_t length = colon ? (size_t)(colon - text) : strlen(text);
  if (length >= sizeof address || text[0] != '0' ||
      (text[1] != 'x' && text[1] != 'X')) {
    return refuse(text, error);
  }
  memcpy(address, text, length);
  address[length] = '\0';
  struct range found = {0};
  if (number_parse_hex(address, UINT32_MAX, &found.address) != NUMBER_OK) {
    return refuse(text, error);
  }
  if (colon && (!parse_size(colon + 1, &found.size) || found.size == 0)) {
    return refuse(text, error);
  }
  *out = found;
  return true;
}

// ---- Board -----------------------------------------------------------------

// The medium that begins at `address`, wherever the board's part of it begins.
static const struct usb_board_alternate *whole_medium(const struct usb_board *b,
                                                      uint32_t address) {
  for (size_t i = 0; i < MEDIA; i++) {
    if (media[i].first != address) continue;
    for (size_t j = 0; j < b->count; j++) {
      const struct usb_board_alternate *a = &b->alternates[j];
      if (a->status == LAYOUT_OK && a->layout.runs[0].address >= media[i].first &&
          a->layout.runs[0].address <= media[i].last) {
        return a;
      }
    }
  }
  return NULL;
}

// Up to where the sectors from `address` on follow one another without a gap.
static uint64_t end_of_flash(const struct layout *l, uint32_t address) {
  struct layout_sector sector;
  uint64_t at = address;
  while (at <= UINT32_MAX && layout_sector_at(l, (uint32_t)at, &sector)) {
    at = (uint64_t)sector.address + sector.size;
  }
  return at;
}

static uint32_t lowest_address(const struct layout *l) {
  uint32_t lowest = UINT32_MAX;
  for (size_t i = 0; i < l->count; i++) {
    if (l->runs[i].address < lowest) lowest = l->runs[i].address;
  }
  return lowest;
}

bool range_resolve(const struct range *range, const struct usb_board *b,
                   const struct usb_board_alternate **alternate, uint32_t *address,
                   uint64_t *size, struct qb_error *error) {
  const struct usb_board_alternate *a =
      range->whole ? whole_medium(b, range->address)
                   : usb_board_alternate_at(b, range->address, -1);
  if (!a) {
    return qb_error_set(error,
                        "the %s on this board offers no flash at 0x%08" PRIX32
                        "; 'quadboot info' shows what it offers",
                        usb_board_kind_name(b->kind), range->address);
  }
  *address = range->whole ? lowest_address(&a->layout) : range->address;
  const uint64_t end = end_of_flash(&a->layout, *address);
  *size = range->size ? range->size : end - *address;
  *alternate = a;
  if (*address + *size <= end) return true;
  return qb_error_set(error, "the range runs past the end of the flash at 0x%08" PRIX64,
                      end - 1);
}
