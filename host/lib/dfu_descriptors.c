// SPDX-License-Identifier: MIT
#include "host/lib/dfu_descriptors.h"

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "common/protocol/dfu.h"

enum { FUNCTIONAL_SIZE_DFU_1_0 = 7 };  // without bcdDFUVersion

// One descriptor; `length` is within what is left of the configuration.
struct descriptor {
  const uint8_t *bytes;
  uint8_t length, type;
};

static bool take_descriptor(const uint8_t **p, size_t *left, struct descriptor *out) {
  if (*left < 2 || (*p)[0] < 2 || (*p)[0] > *left) return false;
  *out = (struct descriptor){.bytes = *p, .length = (*p)[0], .type = (*p)[1]};
  *p += out->length;
  *left -= out->length;
  return true;
}

static bool is_dfu(const struct descriptor *d) {
  return d->type == CH9_INTERFACE && d->length >= CH9_INTERFACE_SIZE &&
         d->bytes[5] == DFU_CLASS && d->bytes[6] == DFU_SUBCLASS;
}

static void take_functional(const struct descriptor *d, struct dfu_functional *out) {
  *out = (struct dfu_functional){
      .present = true,
      .attributes = d->bytes[2],
      .detach_timeout_ms = load_le16(d->bytes + 3),
      .transfer_size = load_le16(d->bytes + 5),
      .version = 0x0100,
  };
  if (d->length >= DFU_FUNCTIONAL_SIZE) out->version = load_le16(d->bytes + 7);
}

static void take_alternate(const struct descriptor *d, struct dfu_interface *out) {
  if (out->count == DFU_ALTERNATES) return;
  out->alternates[out->count++] =
      (struct dfu_alternate){.number = d->bytes[3], .name_index = d->bytes[8]};
}

// A functional descriptor follows every alternate setting, or the last one only.
static void take(const struct descriptor *d, struct dfu_interface *out, bool *inside) {
  if (d->type == CH9_INTERFACE) {
    *inside = is_dfu(d) && (out->count == 0 || d->bytes[2] == out->number);
    if (!*inside) return;
    if (out->count == 0) {
      out->number = d->bytes[2];
      out->protocol = d->bytes[7];
    }
    take_alternate(d, out);
  } else if (*inside && d->type == DFU_FUNCTIONAL &&
             d->length >= FUNCTIONAL_SIZE_DFU_1_0 && !out->functional.present) {
    take_functional(d, &out->functional);
  }
}

bool dfu_descriptors_find(const uint8_t *config, size_t length,
                          struct dfu_interface *out) {
  struct descriptor d;
  if (!take_descriptor(&config, &length, &d)) return false;
  if (d.type != CH9_CONFIGURATION || d.length < CH9_CONFIGURATION_SIZE) return false;
  struct dfu_interface found = {.configuration = d.bytes[5]};
  bool inside = false;
  while (take_descriptor(&config, &length, &d)) {
    take(&d, &found, &inside);
  }
  if (found.count == 0) return false;
  *out = found;
  return true;
}

uint16_t dfu_transfer_size(const struct dfu_functional *f) {
  const uint16_t said = f->transfer_size;
  if (!f->present || said == UINT16_MAX) return 1024;
  if (said == 0) return 64;
  return said > DFU_TRANSFER_SIZE_MOST ? DFU_TRANSFER_SIZE_MOST : said;
}
