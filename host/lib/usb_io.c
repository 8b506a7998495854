// SPDX-License-Identifier: MIT
#include "host/lib/usb_io.h"

#include <stdlib.h>

bool usb_found_add(struct usb_found_list *list, const struct usb_found *found) {
  if (list->count == list->capacity) {
    const size_t wanted = list->capacity ? list->capacity * 2 : 8;
    struct usb_found *items = reallocarray(list->items, wanted, sizeof *items);
    if (!items) return false;
    list->items = items;
    list->capacity = wanted;
  }
  list->items[list->count++] = *found;
  return true;
}
