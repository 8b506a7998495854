// SPDX-License-Identifier: MIT
// Numbers of USB 2.0 chapter 9: requests, descriptors, features.
#pragma once

#include <stdint.h>

// bmRequestType (table 9-2).
enum {
  CH9_DIRECTION_IN = 0x80,
  CH9_TYPE_MASK = 0x60,
  CH9_TYPE_STANDARD = 0x00,
  CH9_TYPE_CLASS = 0x20,
  CH9_TYPE_VENDOR = 0x40,
  CH9_RECIPIENT_MASK = 0x1F,
  CH9_RECIPIENT_DEVICE = 0,
  CH9_RECIPIENT_INTERFACE = 1,
  CH9_RECIPIENT_ENDPOINT = 2,
};

// bRequest (table 9-4).
enum {
  CH9_GET_STATUS = 0,
  CH9_CLEAR_FEATURE = 1,
  CH9_SET_FEATURE = 3,
  CH9_SET_ADDRESS = 5,
  CH9_GET_DESCRIPTOR = 6,
  CH9_SET_DESCRIPTOR = 7,
  CH9_GET_CONFIGURATION = 8,
  CH9_SET_CONFIGURATION = 9,
  CH9_GET_INTERFACE = 10,
  CH9_SET_INTERFACE = 11,
  CH9_SYNCH_FRAME = 12,
};

// Descriptor types (table 9-5; BOS: USB 3.2 table 9-6).
enum {
  CH9_DEVICE = 1,
  CH9_CONFIGURATION = 2,
  CH9_STRING = 3,
  CH9_INTERFACE = 4,
  CH9_ENDPOINT = 5,
  CH9_DEVICE_QUALIFIER = 6,
  CH9_OTHER_SPEED = 7,
  CH9_INTERFACE_ASSOCIATION = 11,
  CH9_BOS = 15,
  CH9_DEVICE_CAPABILITY = 16,
};

// bmAttributes of an endpoint: transfer type (9.6.6).
enum {
  CH9_BULK = 2,
  CH9_INTERRUPT = 3,
};

// Feature selectors (table 9-6) and test modes (table 9-7).
enum {
  CH9_ENDPOINT_HALT = 0,
  CH9_DEVICE_REMOTE_WAKEUP = 1,
  CH9_TEST_MODE = 2,
  CH9_TEST_J = 1,
  CH9_TEST_K = 2,
  CH9_TEST_SE0_NAK = 3,
  CH9_TEST_PACKET = 4,
  CH9_TEST_FORCE_ENABLE = 5,
};

enum {
  CH9_DEVICE_SIZE = 18,
  CH9_CONFIGURATION_SIZE = 9,
  CH9_INTERFACE_SIZE = 9,
  CH9_ENDPOINT_SIZE = 7,
  CH9_QUALIFIER_SIZE = 10,
  CH9_BOS_SIZE = 5,
  CH9_SELF_POWERED = 0xC0,  // bmAttributes of a configuration: self-powered
  CH9_LANGUAGE_ENGLISH_US = 0x0409,
};
