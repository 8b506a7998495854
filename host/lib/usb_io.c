// SPDX-License-Identifier: MIT
#include "host/lib/usb_io.h"

#include "host/lib/grow.h"

bool usb_found_add(struct usb_found_list *list, const struct usb_found *found) {
  struct usb_found *items =
      grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return false;
  list->items = items;
  list->items[list->count++] = *found;
  return true;
}
