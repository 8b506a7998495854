// SPDX-License-Identifier: MIT
#include "host/lib/checkup.h"

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "common/protocol/dfu.h"
#include "host/lib/dfuc.h"

enum { ANSWER_MS = 2000 };

// ---- Functional descriptors ------------------------------------------------

struct alternates {
  unsigned count, followed;  // of the DFU interface; those with a functional descriptor
};

// Reads past everything that dfu_descriptors_find() has found to be well-formed.
static struct alternates count_alternates(const uint8_t *config, size_t length,
                                          uint8_t interface) {
  struct alternates n = {0};
  bool open = false;  // the last interface descriptor was ours and has none yet
  for (size_t at = 0; at + 2 <= length && config[at] >= 2; at += config[at]) {
    const uint8_t *d = config + at;
    if (d[0] > length - at) break;
    if (d[1] == CH9_INTERFACE && d[0] >= CH9_INTERFACE_SIZE) {
      open = d[2] == interface && d[5] == DFU_CLASS && d[6] == DFU_SUBCLASS;
      n.count += open;
    } else if (d[1] == DFU_FUNCTIONAL && open) {
      n.followed++;
      open = false;
    }
  }
  return n;
}

// Others are as their makers wanted them, often with one at the end; quadboot
// promises one behind each.
static void check_places(const struct usb_board *b, const uint8_t *config,
                         size_t length, struct findings *out) {
  const struct alternates n = count_alternates(config, length, b->dfu.number);
  if (n.followed == n.count) return;
  findings_add(out, b->kind == BOARD_QUADBOOT ? FINDING_PROBLEM : FINDING_NOTE,
               "functional",
               "only %u of %u alternate settings are followed by a DFU functional "
               "descriptor",
               n.followed, n.count);
  findings_advise(out, "fwupd does not see all of the flash; quadboot and dfu-util do");
}

static void check_size(const struct dfu_functional *f, struct findings *out) {
  if (f->transfer_size >= 1 && f->transfer_size <= DFU_TRANSFER_SIZE_MOST) return;
  findings_add(out, FINDING_PROBLEM, "functional",
               "the device wants blocks of %u bytes; Linux carries 1 to %d",
               f->transfer_size, DFU_TRANSFER_SIZE_MOST);
  findings_advise(out,
                  "reading it gives wrong bytes; the bootloader on the board must "
                  "be mended or replaced");
}

static void check_version(const struct usb_board *b, struct findings *out) {
  if (b->kind == BOARD_APPLICATION || b->dfu.functional.version == DFUSE_VERSION) {
    return;
  }
  findings_add(out, FINDING_PROBLEM, "functional",
               "it speaks DFU %x.%02x without addresses, not DfuSe (1.1a)",
               b->dfu.functional.version >> 8, b->dfu.functional.version & 0xFF);
  findings_advise(out, "this tool cannot write it; use dfu-util");
}

static void check_functional(const struct usb_board *b, const uint8_t *config,
                             size_t length, struct findings *out) {
  const struct dfu_functional *f = &b->dfu.functional;
  const size_t before = out->count;
  if (!f->present) {
    findings_add(out, FINDING_PROBLEM, "functional",
                 "there is no DFU functional descriptor");
    findings_advise(out,
                    "no tool knows how to speak to the device; the bootloader on "
                    "the board must be mended or replaced");
    return;
  }
  check_places(b, config, length, out);
  check_size(f, out);
  check_version(b, out);
  if (out->count > before) return;
  findings_add(out, FINDING_OK, "functional",
               "it speaks DFU %x.%02x%s, %u bytes a block", f->version >> 8,
               f->version & 0xFF, f->version == DFUSE_VERSION ? " (DfuSe)" : "",
               f->transfer_size);
}

// ---- Strings ---------------------------------------------------------------

// NULL when the string can be read, else what is wrong with it.
static const char *look_at_string(struct usb_io *io, uint8_t index) {
  uint8_t bytes[256];
  uint16_t length = 0;
  if (!usb_board_descriptor(io, CH9_STRING, index, CH9_LANGUAGE_ENGLISH_US, bytes, 255,
                            &length)) {
    return "is not answered";
  }
  if (length == 0) return "is refused";
  if (length < 2 || bytes[1] != CH9_STRING) return "is no string descriptor";
  if (bytes[0] != length || length % 2 != 0) {
    return "is cut short, or longer than the 126 characters that fit";
  }
  return NULL;
}

static bool check_string(struct usb_io *io, uint8_t index, const char *whose,
                         struct findings *out) {
  const char *wrong = index ? look_at_string(io, index) : NULL;
  if (!wrong) return true;
  findings_add(out, FINDING_PROBLEM, "strings", "string %u, %s, %s", index, whose,
               wrong);
  findings_advise(out, "the bootloader on the board must be mended or replaced");
  return false;
}

static void check_strings(struct usb_io *io, const uint8_t *device,
                          const struct usb_board *b, struct findings *out) {
  bool ok = check_string(io, device[14], "the manufacturer", out);
  ok = check_string(io, device[15], "the product", out) && ok;
  ok = check_string(io, device[16], "the serial number", out) && ok;
  for (size_t i = 0; i < b->dfu.count; i++) {
    ok = check_string(io, b->dfu.alternates[i].name_index,
                      "an alternate setting's name", out) &&
         ok;
  }
  if (ok) findings_add(out, FINDING_OK, "strings", "all its strings can be read");
}

static void check_serial(const uint8_t *device, const struct usb_board *b,
                         struct findings *out) {
  if (device[16] != 0 && b->serial[0]) return;
  findings_add(out, FINDING_PROBLEM, "serial", "it has no serial number");
  findings_advise(out,
                  "it cannot be told from others: connect one board at a time; "
                  "after an update it is found again by its USB port");
}

// ---- Speed -----------------------------------------------------------------

// Only a device that could run at another speed has a qualifier (USB 2.0 9.6.2).
static bool can_be_faster(struct usb_io *io) {
  uint8_t bytes[CH9_QUALIFIER_SIZE];
  uint16_t length = 0;
  return usb_board_descriptor(io, CH9_DEVICE_QUALIFIER, 0, 0, bytes, sizeof bytes,
                              &length) &&
         length == sizeof bytes && bytes[1] == CH9_DEVICE_QUALIFIER;
}

static void check_speed(struct usb_io *io, const struct usb_board *b,
                        struct findings *out) {
  switch (b->where.speed) {
    case USB_IO_HIGH:
      findings_add(out, FINDING_OK, "speed", "it runs at high speed");
      return;
    case USB_IO_FULL: break;
    default: findings_add(out, FINDING_NOTE, "speed", "its speed is not known"); return;
  }
  if (!can_be_faster(io)) {
    findings_add(out, FINDING_OK, "speed", "it runs at full speed, the most it can do");
    return;
  }
  findings_add(
      out, FINDING_PROBLEM, "speed",
      "it can run at high speed and runs at full speed: the cable, a hub or the "
      "port is full speed only");
  findings_advise(out, "try another cable, then another port without a hub");
}

// ---- All of them -----------------------------------------------------------

void checkup_descriptors(struct usb_io *io, const struct usb_board *b,
                         struct findings *out) {
  uint8_t device[CH9_DEVICE_SIZE];
  uint8_t config[BOARD_CONFIG_ROOM];
  uint16_t device_length = 0;
  uint16_t length = 0;
  if (!usb_board_descriptor(io, CH9_DEVICE, 0, 0, device, sizeof device,
                            &device_length) ||
      device_length != sizeof device || !usb_board_config(io, config, &length)) {
    findings_add(out, FINDING_PROBLEM, "descriptors", "it does not answer any more");
    findings_advise(out, "unplug it and plug it in again");
    return;
  }
  check_speed(io, b, out);
  check_strings(io, device, b, out);
  check_serial(device, b, out);
  check_functional(b, config, length, out);
  const bool has_flash = b->kind != BOARD_APPLICATION && b->kind != BOARD_PLAIN_DFU;
  for (size_t i = 0; i < b->count && has_flash; i++) {
    checkup_layout(&b->alternates[i], out);
  }
  checkup_windows(io, b, load_le16(device + 2), out);
}

// ---- State -----------------------------------------------------------------

static uint16_t ask_class(struct usb_io *io, uint8_t interface, uint8_t request,
                          uint8_t *data, uint16_t room) {
  const struct usb_request r = {
      .bmRequestType = CH9_DIRECTION_IN | CH9_TYPE_CLASS | CH9_RECIPIENT_INTERFACE,
      .bRequest = request,
      .wIndex = interface,
      .wLength = room};
  uint16_t length = 0;
  return io->control(io->ctx, &r, data, &length, ANSWER_MS) == USB_DONE ? length : 0;
}

// GETSTATUS in this state changes nothing (DFU 1.1 A.2.11).
static void report_error(struct usb_io *io, const struct usb_board *b,
                         struct findings *out) {
  uint8_t status[DFU_STATUS_SIZE] = {0};
  const bool known =
      ask_class(io, b->dfu.number, DFU_GETSTATUS, status, sizeof status) != 0;
  findings_add(out, FINDING_PROBLEM, "state",
               "another program has left it in dfuERROR (%s)",
               known ? dfuc_status_name(status[0]) : "for an unknown reason");
  findings_advise(out,
                  "any command of quadboot clears that; if it comes back, the last "
                  "update failed: repeat it");
}

static void report_state(uint8_t state, struct findings *out) {
  switch (state) {
    case DFU_APP_IDLE:
    case DFU_IDLE:
      findings_add(out, FINDING_OK, "state", "it is idle (%s)", dfuc_state_name(state));
      return;
    case DFU_DNLOAD_SYNC:
    case DFU_DNLOAD_IDLE:
    case DFU_UPLOAD_IDLE:
      findings_add(out, FINDING_NOTE, "state",
                   "a program has broken off in the middle of its work (%s)",
                   dfuc_state_name(state));
      findings_advise(out,
                      "repeat the update; any command of quadboot clears the rest");
      return;
    default:
      findings_add(out, FINDING_PROBLEM, "state", "it is busy (%s)",
                   dfuc_state_name(state));
      findings_advise(out,
                      "wait a minute and try again; if it stays so, unplug it and "
                      "plug it in again");
  }
}

// GETSTATE, as GETSTATUS would start a command that waits (DfuSe).
void checkup_state(struct usb_io *io, const struct usb_board *b, struct findings *out) {
  uint8_t state = 0;
  if (ask_class(io, b->dfu.number, DFU_GETSTATE, &state, 1) != 1) {
    const bool is_application = b->kind == BOARD_APPLICATION;
    findings_add(out, is_application ? FINDING_NOTE : FINDING_PROBLEM, "state",
                 "it does not answer when asked for its DFU state");
    findings_advise(out, is_application
                             ? "if an update cannot start the bootloader, hold the "
                               "board's button while it resets"
                             : "unplug it and plug it in again");
  } else if (state == DFU_ERROR) {
    report_error(io, b, out);
  } else {
    report_state(state, out);
  }
}
