// SPDX-License-Identifier: MIT
// The ioctls, by number. Each function below is one of them: it gets a file
// whose call is new, and gives a result, or USBFS_PENDING when a transfer has
// to end first.
#include <errno.h>
#include <limits.h>
#include <linux/usbdevice_fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/base/bytes.h"
#include "host/attach/usbfs_internal.h"

// USB 2.0 tables 9-2 to 9-4.
enum {
  TO_DEVICE = 0x00,
  TO_INTERFACE = 0x01,
  TO_ENDPOINT = 0x02,
  CLEAR_FEATURE = 1,
  SET_CONFIGURATION = 9,
  SET_INTERFACE = 11,
  ENDPOINT_HALT = 0,
  // Requests that the kernel makes by itself are given 5 s (USB_CTRL_SET_TIMEOUT).
  STANDARD_TIMEOUT_MS = 5000,
};

static long result_of_transfer(struct usbfs_file *f) {
  const struct transfer *t = &f->call.transfer;
  return t->status < 0 ? t->status : 0;
}

static long result_ok(struct usbfs_file *f) {
  (void)f;
  return 0;
}

// A request without data to the device itself, an interface or an endpoint.
static long send_standard(struct usbfs_file *f, uint8_t type, uint8_t request,
                          unsigned value, unsigned index,
                          long (*finish)(struct usbfs_file *file)) {
  uint8_t setup[8] = {type, request};
  store_le16(setup + 2, (uint16_t)value);
  store_le16(setup + 4, (uint16_t)index);
  return usbfs_control(f, setup, NULL, STANDARD_TIMEOUT_MS, finish);
}

static long get_capabilities(struct usbfs_file *f) {
  uint32_t *capabilities = usbfs_argument(f, sizeof *capabilities);
  if (!capabilities) return -EFAULT;
  // A transfer of any length is one URB here, so there is nothing to continue.
  *capabilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                  USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
  return 0;
}

static bool has_interface(const struct usbfs_device *d, unsigned number) {
  const uint8_t *interface = NULL;
  while ((interface = enumeration_next_interface(d->enumeration, interface)) != NULL) {
    if (interface[2] == number) return number <= USBFS_MAX_INTERFACE;
  }
  return false;
}

static bool is_claimed_elsewhere(const struct usbfs_file *f, uint32_t bit) {
  for (const struct usbfs_file *other = f->device->files; other; other = other->next) {
    if (other != f && (other->claimed & bit)) return true;
  }
  return false;
}

// Also of DISCONNECT_CLAIM, whose argument begins with the interface, too: no
// kernel driver is ever bound.
static long claim_interface(struct usbfs_file *f) {
  const unsigned *number = usbfs_argument(f, sizeof *number);
  if (!number) return -EFAULT;
  if (!has_interface(f->device, *number)) return -ENOENT;
  const uint32_t bit = 1u << *number;
  if (is_claimed_elsewhere(f, bit)) return -EBUSY;
  f->claimed |= bit;
  return 0;
}

// Also what libusb does before a reset, to claim again afterwards.
static long release_interface(struct usbfs_file *f) {
  const unsigned *number = usbfs_argument(f, sizeof *number);
  if (!number) return -EFAULT;
  if (*number > USBFS_MAX_INTERFACE || !(f->claimed & (1u << *number))) return -EINVAL;
  f->claimed &= ~(1u << *number);
  if (f->device->settings[*number] == 0) return 0;
  f->device->settings[*number] = 0;
  return send_standard(f, TO_INTERFACE, SET_INTERFACE, 0, *number, result_ok);
}

static long interface_was_set(struct usbfs_file *f) {
  const long result = result_of_transfer(f);
  if (result == 0) f->device->settings[f->call.number] = (uint8_t)f->call.value;
  return result;
}

static long set_interface(struct usbfs_file *f) {
  const struct usbdevfs_setinterface *s = usbfs_argument(f, sizeof *s);
  if (!s) return -EFAULT;
  if (!has_interface(f->device, s->interface) || s->altsetting > UINT8_MAX) {
    return -EINVAL;
  }
  f->call.number = s->interface;
  f->call.value = s->altsetting;
  return send_standard(f, TO_INTERFACE, SET_INTERFACE, s->altsetting, s->interface,
                       interface_was_set);
}

// A new configuration starts with every interface in setting 0 (USB 2.0 9.1.1.5).
static long configuration_was_set(struct usbfs_file *f) {
  const struct usbfs *u = f->device->usbfs;
  const long result = result_of_transfer(f);
  if (result != 0) return result;
  memset(f->device->settings, 0, sizeof f->device->settings);
  u->configured(u->ctx, f->call.value);
  return 0;
}

// A kernel refuses while interfaces are claimed, as their owners would lose them.
static long set_configuration(struct usbfs_file *f) {
  const unsigned *value = usbfs_argument(f, sizeof *value);
  if (!value) return -EFAULT;
  for (const struct usbfs_file *g = f->device->files; g; g = g->next) {
    if (g->claimed) return -EBUSY;
  }
  f->call.value = *value & 0xFF;
  return send_standard(f, TO_DEVICE, SET_CONFIGURATION, f->call.value, 0,
                       configuration_was_set);
}

static long clear_halt(struct usbfs_file *f) {
  const unsigned *endpoint = usbfs_argument(f, sizeof *endpoint);
  if (!endpoint) return -EFAULT;
  return send_standard(f, TO_ENDPOINT, CLEAR_FEATURE, ENDPOINT_HALT, *endpoint,
                       result_of_transfer);
}

static long reset(struct usbfs_file *f) {
  const struct usbfs *u = f->device->usbfs;
  u->reset(u->ctx, f);
  return USBFS_PENDING;
}

// Only changes what the host controller remembers.
static long reset_endpoint(struct usbfs_file *f) {
  (void)f;
  return 0;
}

// Which kernel driver has the interface, and anything meant for it: none has.
static long no_driver(struct usbfs_file *f) {
  (void)f;
  return -ENODATA;
}

static long get_speed(struct usbfs_file *f) {
  return (long)f->device->speed;
}

static long connect_info(struct usbfs_file *f) {
  struct usbdevfs_connectinfo *info = usbfs_argument(f, sizeof *info);
  if (!info) return -EFAULT;
  info->devnum = f->device->devnum;
  info->slow = f->device->speed == USBIP_SPEED_LOW;
  return 0;
}

// The buffer of the transfer of a CONTROL or BULK call, in the program's memory.
static uint8_t *sync_buffer(struct usbfs_file *f, size_t length) {
  UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(f->call.client);
  const bool control =
      umockdev_ioctl_client_get_request(f->call.client) == (gulong)USBDEVFS_CONTROL;
  UMockdevIoctlData *call =
      usbfs_resolve(argument, 0,
                    control ? sizeof(struct usbdevfs_ctrltransfer)
                            : sizeof(struct usbdevfs_bulktransfer));
  const size_t offset = control ? offsetof(struct usbdevfs_ctrltransfer, data)
                                : offsetof(struct usbdevfs_bulktransfer, data);
  UMockdevIoctlData *data = call ? usbfs_resolve(call, offset, length) : NULL;
  return data ? data->data : NULL;
}

static long sync_was_done(struct usbfs_file *f) {
  const struct transfer *t = &f->call.transfer;
  if (t->status < 0) return t->status;
  if (t->in && t->actual > 0) {
    uint8_t *buffer = sync_buffer(f, t->actual);
    if (!buffer) return -EFAULT;
    memcpy(buffer, f->call.data, t->actual);
  }
  return (long)t->actual;
}

// Memory for the data of the call: filled in from the program's for OUT.
static long prepare_data(struct usbfs_file *f, bool in, size_t length) {
  f->call.data = calloc(1, length + 1);
  if (!f->call.data) return -ENOMEM;
  if (in || length == 0) return 0;
  const uint8_t *buffer = sync_buffer(f, length);
  if (!buffer) return -EFAULT;
  memcpy(f->call.data, buffer, length);
  return 0;
}

static long control(struct usbfs_file *f) {
  const struct usbdevfs_ctrltransfer *c = usbfs_argument(f, sizeof *c);
  if (!c) return -EFAULT;
  uint8_t setup[8] = {c->bRequestType, c->bRequest};
  store_le16(setup + 2, c->wValue);
  store_le16(setup + 4, c->wIndex);
  store_le16(setup + 6, c->wLength);
  const uint32_t timeout_ms = c->timeout;
  const long wrong = prepare_data(f, (c->bRequestType & 0x80) != 0, c->wLength);
  if (wrong) return wrong;
  return usbfs_control(f, setup, f->call.data, timeout_ms, sync_was_done);
}

static long bulk(struct usbfs_file *f) {
  const struct usbdevfs_bulktransfer *b = usbfs_argument(f, sizeof *b);
  if (!b) return -EFAULT;
  if (b->len > USBIP_MAX_TRANSFER) return -EINVAL;
  const bool in = (b->ep & 0x80) != 0;
  const uint32_t timeout_ms = b->timeout;
  f->call.transfer =
      (struct transfer){.endpoint = b->ep & 0x0F, .in = in, .length = b->len};
  const long wrong = prepare_data(f, in, b->len);
  if (wrong) return wrong;
  f->call.transfer.data = f->call.data;
  return usbfs_transfer(f, timeout_ms, sync_was_done);
}

struct entry {
  gulong request;
  long (*carry_out)(struct usbfs_file *f);
  bool after_unplug;
};

static const struct entry entries[] = {
    {USBDEVFS_GET_CAPABILITIES, get_capabilities, false},
    {USBDEVFS_CLAIMINTERFACE, claim_interface, false},
    {USBDEVFS_DISCONNECT_CLAIM, claim_interface, false},
    {USBDEVFS_RELEASEINTERFACE, release_interface, false},
    {USBDEVFS_SETINTERFACE, set_interface, false},
    {USBDEVFS_SETCONFIGURATION, set_configuration, false},
    {USBDEVFS_CLEAR_HALT, clear_halt, false},
    {USBDEVFS_RESET, reset, false},
    {USBDEVFS_RESETEP, reset_endpoint, false},
    {USBDEVFS_GETDRIVER, no_driver, false},
    {USBDEVFS_IOCTL, no_driver, false},
    {USBDEVFS_GET_SPEED, get_speed, false},
    {USBDEVFS_CONNECTINFO, connect_info, false},
    {USBDEVFS_CONTROL, control, false},
    {USBDEVFS_BULK, bulk, false},
    {USBDEVFS_SUBMITURB, usbfs_submit_urb, false},
    {USBDEVFS_DISCARDURB, usbfs_discard_urb, false},
    {USBDEVFS_REAPURB, usbfs_reap, true},
    {USBDEVFS_REAPURBNDELAY, usbfs_reap_no_delay, true},
};

long usbfs_dispatch(struct usbfs_file *f) {
  const gulong request = umockdev_ioctl_client_get_request(f->call.client);
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    if (entries[i].request != request) continue;
    if (f->device->gone && !entries[i].after_unplug) return -ENODEV;
    return entries[i].carry_out(f);
  }
  return f->device->gone ? -ENODEV : -ENOTTY;
}
