// SPDX-License-Identifier: MIT
// What a Linux host asks a device before anybody may use it, as a sequence of
// control requests: put in the answers, take out the requests. Sends nothing
// itself and knows nothing of USB/IP.
//
//   GET_DESCRIPTOR device, wLength 64   the sign by which a device behind USB/IP
//                                       knows of a bus reset: the reset itself
//                                       and SET_ADDRESS are never forwarded
//   GET_DESCRIPTOR device, 18
//   GET_DESCRIPTOR configuration i, 9, then wTotalLength
//   GET_DESCRIPTOR string 0, product, manufacturer, serial number
//   SET_CONFIGURATION  the first one
//   SET_INTERFACE      after a reset, for settings that were not 0
//
// Everything that comes from the device is outside input.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  // The device descriptor and all configurations; sysfs shows no more than
  // this either (Linux, drivers/usb/core/sysfs.c).
  ENUM_DESCRIPTORS = 65536,
  ENUM_DEVICE_SIZE = 18,  // USB 2.0 9.6.1
  ENUM_INTERFACES = 32,
  ENUM_TEXT = 128,
  ENUM_CONFIGURATIONS = 8,
};

enum enum_step {
  ENUM_RESET,
  ENUM_DEVICE,
  ENUM_CONFIG_HEAD,
  ENUM_CONFIG,
  ENUM_LANGUAGES,
  ENUM_PRODUCT,
  ENUM_MANUFACTURER,
  ENUM_SERIAL,
  ENUM_SET_CONFIG,
  ENUM_SET_INTERFACE,
  ENUM_DONE,
};

struct enumeration {
  enum enum_step step;
  uint8_t index;  // configuration or interface of the step
  uint16_t language;
  // The device descriptor followed by every configuration, as the `descriptors`
  // file of sysfs has them.
  uint8_t descriptors[ENUM_DESCRIPTORS];
  size_t length;
  uint16_t config_length;  // of the configuration of the step
  // String descriptors as printable ASCII; empty when the device has none.
  char product[ENUM_TEXT], manufacturer[ENUM_TEXT], serial[ENUM_TEXT];
  uint8_t alternate[ENUM_INTERFACES];  // settings to put back
};

// Starts from a bus reset. `alternate` NULL: every interface stays in setting 0.
void enumeration_start(struct enumeration *e, const uint8_t alternate[ENUM_INTERFACES]);

// The next request, as a setup packet. False when all is done.
bool enumeration_request(const struct enumeration *e, uint8_t setup[8]);

// The answer to it: `length` bytes, or `ok` false (a STALL or worse). NULL when
// the device can be used so far, else what is wrong with it, after "the device".
const char *enumeration_answer(struct enumeration *e, bool ok, const uint8_t *data,
                               size_t length);

// The first configuration in `descriptors`.
static inline const uint8_t *enumeration_config(const struct enumeration *e) {
  return e->descriptors + ENUM_DEVICE_SIZE;
}

// Walks the interface descriptors of setting 0 in the first configuration:
// start with NULL, ends with NULL.
const uint8_t *enumeration_next_interface(const struct enumeration *e,
                                          const uint8_t *interface);
