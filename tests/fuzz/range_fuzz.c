// SPDX-License-Identifier: MIT
// Fuzz entry for what people type: numbers, ranges, files with addresses. A range is
// then looked for on a board.
#include <string.h>

#include "host/lib/image.h"
#include "host/lib/number.h"
#include "host/lib/range.h"
#include "tests/fuzz/fuzz.h"

static void resolve(const struct range *range) {
  static struct usb_board board = {.count = 2,
                                   .alternates = {{.number = 0}, {.number = 1}}};
  struct usb_board_alternate *a = board.alternates;
  fuzz_require(layout_parse("@Internal Flash  /0x08010000/02*032Kg,01*128Kg,07*256Kg"
                            "/0x08000000/02*032Ka",
                            &a[0].layout) == LAYOUT_OK);
  fuzz_require(layout_parse("@External QSPI  /0x90000000/0256*064Kg", &a[1].layout) ==
               LAYOUT_OK);
  const struct usb_board_alternate *found = NULL;
  uint32_t address = 0;
  uint64_t size = 0;
  struct qb_error error;
  if (!range_resolve(range, &board, &found, &address, &size, &error)) return;
  struct layout_sector sector;
  fuzz_require(size > 0 && layout_sector_at(&found->layout, address, &sector));
  fuzz_require(
      layout_sector_at(&found->layout, (uint32_t)(address + size - 1), &sector));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  uint32_t number = 0;
  if (number_parse_hex(text, UINT16_MAX, &number) == NUMBER_OK) {
    fuzz_require(number <= UINT16_MAX);
  }
  struct qb_error error;
  struct range range;
  if (range_parse(text, &range, &error)) resolve(&range);
  struct image_input input = {0};
  if (image_parse_input(text, &input, &error)) {
    fuzz_require(strlen(input.path) > 0 && strlen(input.path) <= strlen(text));
  }
  free(input.path);
  free(text);
  return 0;
}
