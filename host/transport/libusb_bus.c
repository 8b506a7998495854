// SPDX-License-Identifier: MIT
#include "host/transport/libusb_bus.h"

#include <libusb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/protocol/dfu.h"

// ---- Finding ---------------------------------------------------------------

enum { PORTS = 7 };  // hubs may be nested so deep (USB 2.0 4.1.1)

// "usb:1-2.3": bus and ports, as Linux names the device in sysfs.
static void locate(libusb_device *device, char out[USB_LOCATION_ROOM]) {
  uint8_t ports[PORTS];
  const int count = libusb_get_port_numbers(device, ports, PORTS);
  int at = snprintf(out, USB_LOCATION_ROOM, "usb:%u-", libusb_get_bus_number(device));
  if (count <= 0) {
    // Without port numbers, the address has to do.
    snprintf(out + at, (size_t)(USB_LOCATION_ROOM - at), "@%u",
             libusb_get_device_address(device));
    return;
  }
  for (int i = 0; i < count; i++) {
    at += snprintf(out + at, (size_t)(USB_LOCATION_ROOM - at), i ? ".%u" : "%u",
                   ports[i]);
  }
}

static bool interface_is_dfu(const struct libusb_interface *interface) {
  for (int i = 0; i < interface->num_altsetting; i++) {
    const struct libusb_interface_descriptor *d = &interface->altsetting[i];
    if (d->bInterfaceClass == DFU_CLASS && d->bInterfaceSubClass == DFU_SUBCLASS) {
      return true;
    }
  }
  return false;
}

// From what the kernel has read already: nothing is sent.
static bool has_dfu(libusb_device *device) {
  struct libusb_config_descriptor *config = NULL;
  if (libusb_get_active_config_descriptor(device, &config) != 0 &&
      libusb_get_config_descriptor(device, 0, &config) != 0) {
    return false;
  }
  bool found = false;
  for (int i = 0; i < config->bNumInterfaces && !found; i++) {
    found = interface_is_dfu(&config->interface[i]);
  }
  libusb_free_config_descriptor(config);
  return found;
}

static enum usb_io_speed speed_of(libusb_device *device) {
  switch (libusb_get_device_speed(device)) {
    case LIBUSB_SPEED_LOW: return USB_IO_LOW;
    case LIBUSB_SPEED_FULL: return USB_IO_FULL;
    case LIBUSB_SPEED_UNKNOWN: return USB_IO_UNKNOWN;
    default: return USB_IO_HIGH;
  }
}

// Calls `each` for every device with a DFU interface until it returns false.
static bool walk(libusb_context *context,
                 bool (*each)(void *ctx, libusb_device *device), void *ctx,
                 struct qb_error *error) {
  libusb_device **devices = NULL;
  const ssize_t count = libusb_get_device_list(context, &devices);
  if (count < 0) {
    return qb_error_set(error, "the USB devices cannot be listed: %s",
                        libusb_strerror((int)count));
  }
  for (ssize_t i = 0; i < count; i++) {
    if (has_dfu(devices[i]) && !each(ctx, devices[i])) break;
  }
  libusb_free_device_list(devices, 1);
  return true;
}

struct listing {
  struct usb_found_list *list;
  bool no_memory;
};

static bool add_to_list(void *ctx, libusb_device *device) {
  struct listing *l = ctx;
  struct libusb_device_descriptor d;
  if (libusb_get_device_descriptor(device, &d) != 0) return true;
  struct usb_found found = {.vendor = d.idVendor,
                            .product = d.idProduct,
                            .release = d.bcdDevice,
                            .speed = speed_of(device)};
  locate(device, found.location);
  l->no_memory = !usb_found_add(l->list, &found);
  return !l->no_memory;
}

static bool bus_scan(void *ctx, struct usb_found_list *list, struct qb_error *error) {
  struct listing l = {.list = list};
  if (!walk(ctx, add_to_list, &l, error)) return false;
  return l.no_memory ? qb_error_no_memory(error) : true;
}

// ---- An open device --------------------------------------------------------

static enum usb_result result_of(int code) {
  if (code >= 0) return USB_DONE;
  switch (code) {
    case LIBUSB_ERROR_PIPE: return USB_STALLED;
    case LIBUSB_ERROR_TIMEOUT: return USB_TIMEOUT;
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_NOT_FOUND: return USB_GONE;
    default: return USB_FAILED;
  }
}

static enum usb_result io_control(void *ctx, const struct usb_request *r, uint8_t *data,
                                  uint16_t *moved, uint32_t timeout_ms) {
  const int code =
      libusb_control_transfer(ctx, r->bmRequestType, r->bRequest, r->wValue, r->wIndex,
                              data, r->wLength, timeout_ms);
  if (moved) *moved = code > 0 ? (uint16_t)code : 0;
  return result_of(code);
}

static bool io_claim(void *ctx, uint8_t interface, struct qb_error *error) {
  // Not on every system; where it is missing no driver is in the way.
  (void)libusb_set_auto_detach_kernel_driver(ctx, 1);
  const int code = libusb_claim_interface(ctx, interface);
  if (code == 0) return true;
  if (code == LIBUSB_ERROR_BUSY) {
    return qb_error_set(error, "another program uses the board; end it and try again");
  }
  return qb_error_set(error, "the board's DFU interface cannot be used: %s",
                      libusb_strerror(code));
}

static enum usb_result io_set_alternate(void *ctx, uint8_t interface,
                                        uint8_t alternate) {
  return result_of(libusb_set_interface_alt_setting(ctx, interface, alternate));
}

static void io_reset(void *ctx) {
  (void)libusb_reset_device(ctx);
}

static void io_sleep_ms(void *ctx, uint32_t ms) {
  (void)ctx;
  struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0) {
    // A signal; the device still needs its time.
  }
}

static void io_close(void *ctx) {
  libusb_close(ctx);  // releases what was claimed
}

struct opening {
  const struct usb_found *wanted;
  libusb_device_handle *handle;
  int code;
};

static bool open_if_wanted(void *ctx, libusb_device *device) {
  struct opening *o = ctx;
  char location[USB_LOCATION_ROOM];
  locate(device, location);
  if (strcmp(location, o->wanted->location) != 0) return true;
  o->code = libusb_open(device, &o->handle);
  return false;
}

static bool bus_open(void *ctx, const struct usb_found *found, struct usb_io *out,
                     struct qb_error *error) {
  struct opening o = {.wanted = found, .code = LIBUSB_ERROR_NO_DEVICE};
  if (!walk(ctx, open_if_wanted, &o, error)) return false;
  switch (o.code) {
    case 0: break;
    case LIBUSB_ERROR_ACCESS:
      return qb_error_set(error,
                          "there is no permission to use the board at %s; "
                          "'quadboot doctor' says how to get it",
                          found->location);
    case LIBUSB_ERROR_NO_DEVICE:
      return qb_error_set(error, "the board at %s was unplugged", found->location);
    default:
      return qb_error_set(error, "the board at %s cannot be opened: %s",
                          found->location, libusb_strerror(o.code));
  }
  *out = (struct usb_io){.ctx = o.handle,
                         .control = io_control,
                         .claim = io_claim,
                         .set_alternate = io_set_alternate,
                         .reset = io_reset,
                         .sleep_ms = io_sleep_ms,
                         .close = io_close};
  return true;
}

static void bus_close(void *ctx) {
  libusb_exit(ctx);
}

bool libusb_bus_open(struct usb_bus *bus, struct qb_error *error) {
  libusb_context *context = NULL;
  const int code = libusb_init(&context);
  if (code != 0) {
    return qb_error_set(error, "libusb does not start: %s", libusb_strerror(code));
  }
  *bus = (struct usb_bus){.ctx = context,
                          .name = "usb",
                          .scan = bus_scan,
                          .open = bus_open,
                          .close = bus_close};
  return true;
}
