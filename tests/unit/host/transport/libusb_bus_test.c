// SPDX-License-Identifier: MIT
// What becomes of libusb's answers. The functions of libusb that are called are defined
// here; what a real one does is asked in system.host.
#include "host/transport/libusb_bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libusb.h>

// ---- libusb ----------------------------------------------------------------

struct libusb_device {
  uint8_t bus, address, ports[8];
  int port_count, speed;
  uint8_t class, subclass;
  bool no_descriptor, unconfigured, no_configuration;
};

struct libusb_device_handle {
  int unused;
};

enum { DEVICES = 8 };
static struct {
  struct libusb_device devices[DEVICES];
  libusb_device *list[DEVICES + 1];
  ssize_t count;
  int init, open, claim, control, alternate;
  unsigned lists, configs, handles, contexts, resets;
  struct libusb_device_handle handle;
  struct libusb_config_descriptor config;
  struct libusb_interface interface;
  struct libusb_interface_descriptor setting;
} usb;

int libusb_init(libusb_context **context) {
  *context = NULL;
  usb.contexts += usb.init == 0;
  return usb.init;
}

void libusb_exit(libusb_context *context) {
  (void)context;
  usb.contexts--;
}

ssize_t libusb_get_device_list(libusb_context *context, libusb_device ***list) {
  (void)context;
  if (usb.count < 0) return usb.count;
  for (ssize_t i = 0; i < usb.count; i++) {
    usb.list[i] = &usb.devices[i];
  }
  *list = usb.list;
  usb.lists++;
  return usb.count;
}

void libusb_free_device_list(libusb_device **list, int unref) {
  assert_ptr_equal(list, usb.list);
  assert_int_equal(unref, 1);
  usb.lists--;
}

int libusb_get_port_numbers(libusb_device *d, uint8_t *ports, int room) {
  if (d->port_count > room) return LIBUSB_ERROR_OVERFLOW;
  if (d->port_count > 0) memcpy(ports, d->ports, (size_t)d->port_count);
  return d->port_count;
}

uint8_t libusb_get_bus_number(libusb_device *d) {
  return d->bus;
}

uint8_t libusb_get_device_address(libusb_device *d) {
  return d->address;
}

int libusb_get_device_speed(libusb_device *d) {
  return d->speed;
}

int libusb_get_device_descriptor(libusb_device *d, struct libusb_device_descriptor *o) {
  *o = (struct libusb_device_descriptor){
      .idVendor = 0x1209, .idProduct = d->address, .bcdDevice = 0x0102};
  return d->no_descriptor ? LIBUSB_ERROR_IO : 0;
}

int libusb_get_config_descriptor(libusb_device *d, uint8_t index,
                                 struct libusb_config_descriptor **out) {
  (void)index;
  if (d->no_configuration) return LIBUSB_ERROR_NOT_FOUND;
  usb.setting = (struct libusb_interface_descriptor){.bInterfaceClass = d->class,
                                                     .bInterfaceSubClass = d->subclass};
  usb.interface =
      (struct libusb_interface){.altsetting = &usb.setting, .num_altsetting = 1};
  usb.config = (struct libusb_config_descriptor){.bNumInterfaces = 1,
                                                 .interface = &usb.interface};
  usb.configs++;
  *out = &usb.config;
  return 0;
}

int libusb_get_active_config_descriptor(libusb_device *d,
                                        struct libusb_config_descriptor **out) {
  return d->unconfigured ? LIBUSB_ERROR_NOT_FOUND
                         : libusb_get_config_descriptor(d, 0, out);
}

void libusb_free_config_descriptor(struct libusb_config_descriptor *config) {
  assert_ptr_equal(config, &usb.config);
  usb.configs--;
}

int libusb_open(libusb_device *d, libusb_device_handle **out) {
  (void)d;
  if (usb.open != 0) return usb.open;
  *out = &usb.handle;
  usb.handles++;
  return 0;
}

void libusb_close(libusb_device_handle *handle) {
  assert_ptr_equal(handle, &usb.handle);
  usb.handles--;
}

int libusb_set_auto_detach_kernel_driver(libusb_device_handle *handle, int enable) {
  (void)handle, (void)enable;
  return LIBUSB_ERROR_NOT_SUPPORTED;
}

int libusb_claim_interface(libusb_device_handle *handle, int interface) {
  (void)handle, (void)interface;
  return usb.claim;
}

int libusb_set_interface_alt_setting(libusb_device_handle *handle, int interface,
                                     int alternate) {
  (void)handle, (void)interface, (void)alternate;
  return usb.alternate;
}

int libusb_reset_device(libusb_device_handle *handle) {
  (void)handle;
  usb.resets++;
  return LIBUSB_ERROR_NOT_FOUND;  // it has come back as another device
}

int libusb_control_transfer(libusb_device_handle *handle, uint8_t type, uint8_t request,
                            uint16_t value, uint16_t index, unsigned char *data,
                            uint16_t length, unsigned int timeout_ms) {
  (void)handle, (void)data, (void)length;
  assert_int_equal(type, 0xA1);
  assert_int_equal(request, 2);
  assert_int_equal(value, 7);
  assert_int_equal(index, 1);
  assert_int_equal(timeout_ms, 1234);
  return usb.control;
}

// ---- Rig -------------------------------------------------------------------

static struct usb_bus bus;

static int setup(void **state) {
  struct qb_error error;
  (void)state;
  memset(&usb, 0, sizeof usb);
  usb.count = 1;
  for (uint8_t i = 0; i < DEVICES; i++) {
    usb.devices[i] = (struct libusb_device){.bus = 1,
                                            .address = i,
                                            .ports = {i},
                                            .port_count = 1,
                                            .speed = LIBUSB_SPEED_HIGH,
                                            .class = 0xFE,
                                            .subclass = 1};
  }
  return libusb_bus_open(&bus, &error) ? 0 : -1;
}

// Whatever libusb gave was given back.
static int teardown(void **state) {
  (void)state;
  bus.close(bus.ctx);
  assert_int_equal(usb.lists, 0);
  assert_int_equal(usb.configs, 0);
  assert_int_equal(usb.handles, 0);
  assert_int_equal(usb.contexts, 0);
  return 0;
}

static struct usb_found_list scan(void) {
  struct usb_found_list list = {0};
  struct qb_error error;
  if (!bus.scan(bus.ctx, &list, &error)) fail_msg("%s", error.text);
  return list;
}

static struct usb_io open_device(void) {
  const struct usb_found found = {.location = "usb:1-0"};
  struct usb_io io;
  struct qb_error error;
  if (!bus.open(bus.ctx, &found, &io, &error)) fail_msg("%s", error.text);
  return io;
}

static void expect_not_opened(int code, const char *sentence) {
  const struct usb_found found = {.location = "usb:1-0"};
  struct usb_io io;
  struct qb_error error;
  usb.open = code;
  assert_false(bus.open(bus.ctx, &found, &io, &error));
  assert_string_equal(error.text, sentence);
}

// ---- Tests -----------------------------------------------------------------

static void places_are_named_as_linux_does(void **state) {
  (void)state;
  usb.count = 4;
  usb.devices[1].port_count = 7;
  memcpy(usb.devices[1].ports, "\x01\x02\x03\x04\x05\x06\xFF", 7);
  usb.devices[2].port_count = 0;  // a root hub, or a system without ports
  usb.devices[3].port_count = 8;
  struct usb_found_list list = scan();
  assert_int_equal(list.count, 4);
  assert_string_equal(list.items[0].location, "usb:1-0");
  assert_string_equal(list.items[1].location, "usb:1-1.2.3.4.5.6.255");
  assert_string_equal(list.items[2].location, "usb:1-@2");
  assert_string_equal(list.items[3].location, "usb:1-@3");
  assert_int_equal(list.items[3].product, 3);
  assert_int_equal(list.items[0].release, 0x0102);
  free(list.items);
}

static void only_devices_with_dfu_are_listed(void **state) {
  (void)state;
  usb.count = 5;
  usb.devices[0].class = 3;
  usb.devices[1].subclass = 2;
  usb.devices[2].no_descriptor = true;
  usb.devices[3].unconfigured = true;  // its first configuration counts
  usb.devices[4].unconfigured = usb.devices[4].no_configuration = true;
  struct usb_found_list list = scan();
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].product, 3);
  free(list.items);
}

static void speeds(void **state) {
  (void)state;
  static const int said[] = {LIBUSB_SPEED_LOW, LIBUSB_SPEED_FULL, LIBUSB_SPEED_HIGH,
                             LIBUSB_SPEED_SUPER, LIBUSB_SPEED_UNKNOWN};
  static const enum usb_io_speed meant[] = {USB_IO_LOW, USB_IO_FULL, USB_IO_HIGH,
                                            USB_IO_HIGH, USB_IO_UNKNOWN};
  usb.count = 5;
  for (size_t i = 0; i < 5; i++) {
    usb.devices[i].speed = said[i];
  }
  struct usb_found_list list = scan();
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(list.items[i].speed, meant[i]);
  }
  free(list.items);
}

static void what_cannot_be_opened(void **state) {
  (void)state;
  expect_not_opened(LIBUSB_ERROR_ACCESS,
                    "there is no permission to use the board at usb:1-0; 'quadboot "
                    "doctor' says how to get it");
  expect_not_opened(LIBUSB_ERROR_NO_DEVICE, "the board at usb:1-0 was unplugged");
  expect_not_opened(LIBUSB_ERROR_IO,
                    "the board at usb:1-0 cannot be opened: Input/Output Error");
  usb.count = 0;
  expect_not_opened(0, "the board at usb:1-0 was unplugged");
  usb.count = LIBUSB_ERROR_NO_MEM;
  expect_not_opened(0, "the USB devices cannot be listed: Insufficient memory");
}

static void a_claim_that_fails(void **state) {
  (void)state;
  struct usb_io io = open_device();
  struct qb_error error;
  assert_true(io.claim(io.ctx, 0, &error));
  usb.claim = LIBUSB_ERROR_BUSY;
  assert_false(io.claim(io.ctx, 0, &error));
  assert_string_equal(error.text,
                      "another program uses the board; end it and try again");
  usb.claim = LIBUSB_ERROR_NOT_FOUND;
  assert_false(io.claim(io.ctx, 0, &error));
  assert_string_equal(error.text,
                      "the board's DFU interface cannot be used: Entity not found");
  io.close(io.ctx);
}

static void results_of_transfers(void **state) {
  (void)state;
  static const struct {
    int code;
    enum usb_result result;
    uint16_t moved;
  } cases[] = {
      {0, USB_DONE, 0},
      {6, USB_DONE, 6},
      {65535, USB_DONE, 65535},
      {LIBUSB_ERROR_PIPE, USB_STALLED, 0},
      {LIBUSB_ERROR_TIMEOUT, USB_TIMEOUT, 0},
      {LIBUSB_ERROR_NO_DEVICE, USB_GONE, 0},
      {LIBUSB_ERROR_NOT_FOUND, USB_GONE, 0},
      {LIBUSB_ERROR_OVERFLOW, USB_FAILED, 0},
      {LIBUSB_ERROR_IO, USB_FAILED, 0},
      {LIBUSB_ERROR_BUSY, USB_FAILED, 0},
      {LIBUSB_ERROR_OTHER, USB_FAILED, 0},
  };
  static const struct usb_request request = {0xA1, 2, 7, 1, 64};
  struct usb_io io = open_device();
  uint8_t data[64];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint16_t moved = 77;
    usb.control = usb.alternate = cases[i].code;
    assert_int_equal(io.control(io.ctx, &request, data, &moved, 1234), cases[i].result);
    assert_int_equal(moved, cases[i].moved);
    assert_int_equal(io.control(io.ctx, &request, data, NULL, 1234), cases[i].result);
    assert_int_equal(io.set_alternate(io.ctx, 0, 1), cases[i].result);
  }
  io.reset(io.ctx);
  assert_int_equal(usb.resets, 1);
  io.close(io.ctx);
}

static void a_libusb_that_does_not_start(void **state) {
  (void)state;
  struct usb_bus other;
  struct qb_error error;
  usb.init = LIBUSB_ERROR_OTHER;
  assert_false(libusb_bus_open(&other, &error));
  assert_string_equal(error.text, "libusb does not start: Other error");
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(places_are_named_as_linux_does),
      RIGGED(only_devices_with_dfu_are_listed),
      RIGGED(speeds),
      RIGGED(what_cannot_be_opened),
      RIGGED(a_claim_that_fails),
      RIGGED(results_of_transfers),
      RIGGED(a_libusb_that_does_not_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
