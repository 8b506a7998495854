// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "host/lib/checkup.h"

#define CHECK "layout"

enum { MOST_SECTORS = 999 };  // in a segment: what fwupd 2.0 reads

static void report(const struct usb_board_alternate *a, struct findings *out,
                   const char *what, const char *advice) {
  findings_add(out, FINDING_PROBLEM, CHECK, "the layout of alternate setting %u %s",
               a->number, what);
  findings_advise(out, "%s", advice);
}

static bool is_power_of_two(uint32_t n) {
  return (n & (n - 1)) == 0;
}

static uint64_t end_of(const struct layout_run *run) {
  return run->address + (uint64_t)run->count * run->sector_size;
}

// fwupd takes an address right behind a read-only zone for a part of it, if that
// zone stands first in the text.
static bool is_hidden(const struct layout *l, size_t index) {
  if (!(l->runs[index].access & LAYOUT_WRITABLE)) return false;
  for (size_t i = 0; i < index; i++) {
    const struct layout_run *before = &l->runs[i];
    if (!(before->access & LAYOUT_WRITABLE) &&
        end_of(before) == l->runs[index].address) {
      return true;
    }
  }
  return false;
}

static void check_run(const struct usb_board_alternate *a, size_t index,
                      struct findings *out) {
  const struct layout_run *run = &a->layout.runs[index];
  if (run->count > MOST_SECTORS) {
    report(a, out, "has more than 999 sectors in one segment",
           "fwupd does not see the device; the firmware must split the segment");
  }
  if (!is_power_of_two(run->sector_size)) {
    report(a, out, "has a sector size that is no power of two",
           "dfu-util does not take it; the firmware must tell the real sectors");
  }
  if (is_hidden(&a->layout, index)) {
    report(a, out, "has a writable zone right behind a read-only one",
           "fwupd refuses to write its first sector; the firmware must name the "
           "writable zone first");
  }
}

void checkup_layout(const struct usb_board_alternate *a, struct findings *out) {
  const size_t before = out->count;
  if (a->status != LAYOUT_OK || a->layout.count == 0) {
    findings_add(
        out, FINDING_PROBLEM, CHECK,
        "the memory layout of alternate setting %u (\"%.130s\") %s", a->number, a->text,
        a->status == LAYOUT_OK ? "names no sectors" : layout_status_text(a->status));
    findings_advise(out,
                    "no tool can write there; the bootloader on the board must be "
                    "mended or replaced");
    return;
  }
  if (!(a->layout.runs[0].access & LAYOUT_WRITABLE)) {
    report(a, out, "begins with a zone that cannot be written",
           "fwupd refuses the device; the firmware must name a writable zone first");
  }
  for (size_t i = 0; i < a->layout.count; i++) {
    check_run(a, i, out);
  }
  if (findings_clean_since(out, before)) {
    findings_add(out, FINDING_OK, CHECK, "alternate setting %u: %s, %" PRIu64 " KB",
                 a->number, a->layout.name,
                 layout_size(&a->layout, LAYOUT_READABLE) / 1024);
  }
}
