// SPDX-License-Identifier: MIT
#include "host/transport/enumerate.h"

#include <string.h>

#include "common/base/bytes.h"

// USB 2.0 tables 9-4 and 9-5.
enum {
  GET_DESCRIPTOR = 6,
  SET_CONFIGURATION = 9,
  SET_INTERFACE = 11,
  TYPE_DEVICE = 1,
  TYPE_CONFIGURATION = 2,
  TYPE_STRING = 3,
  TYPE_INTERFACE = 4,
  CONFIG_HEAD = 9,
  RESET_LENGTH = 64,
  LANGUAGE_ENGLISH = 0x0409,
};

static void make_setup(uint8_t setup[8], uint8_t type, uint8_t request, uint16_t value,
                       uint16_t index, uint16_t length) {
  setup[0] = type;
  setup[1] = request;
  store_le16(setup + 2, value);
  store_le16(setup + 4, index);
  store_le16(setup + 6, length);
}

static void get_descriptor(uint8_t setup[8], uint8_t type, uint8_t index,
                           uint16_t language, uint16_t length) {
  make_setup(setup, 0x80, GET_DESCRIPTOR, (uint16_t)(type << 8 | index), language,
             length);
}

void enumeration_start(struct enumeration *e,
                       const uint8_t alternate[ENUM_INTERFACES]) {
  *e = (struct enumeration){.step = ENUM_RESET, .language = LANGUAGE_ENGLISH};
  if (alternate) memcpy(e->alternate, alternate, sizeof e->alternate);
}

// Where a step finds its string's number in the device descriptor, and where
// the text goes.
static uint8_t string_number(const struct enumeration *e) {
  switch (e->step) {
    case ENUM_MANUFACTURER: return e->descriptors[14];
    case ENUM_PRODUCT: return e->descriptors[15];
    case ENUM_SERIAL: return e->descriptors[16];
    default: return 0;
  }
}

static char *string_text(struct enumeration *e) {
  switch (e->step) {
    case ENUM_MANUFACTURER: return e->manufacturer;
    case ENUM_PRODUCT: return e->product;
    default: return e->serial;
  }
}

bool enumeration_request(const struct enumeration *e, uint8_t setup[8]) {
  switch (e->step) {
    case ENUM_RESET: get_descriptor(setup, TYPE_DEVICE, 0, 0, RESET_LENGTH); break;
    case ENUM_DEVICE: get_descriptor(setup, TYPE_DEVICE, 0, 0, ENUM_DEVICE_SIZE); break;
    case ENUM_CONFIG_HEAD:
      get_descriptor(setup, TYPE_CONFIGURATION, e->index, 0, CONFIG_HEAD);
      break;
    case ENUM_CONFIG:
      get_descriptor(setup, TYPE_CONFIGURATION, e->index, 0, e->config_length);
      break;
    case ENUM_LANGUAGES: get_descriptor(setup, TYPE_STRING, 0, 0, 255); break;
    case ENUM_PRODUCT:
    case ENUM_MANUFACTURER:
    case ENUM_SERIAL:
      get_descriptor(setup, TYPE_STRING, string_number(e), e->language, 255);
      break;
    case ENUM_SET_CONFIG:
      make_setup(setup, 0x00, SET_CONFIGURATION, enumeration_config(e)[5], 0, 0);
      break;
    case ENUM_SET_INTERFACE:
      make_setup(setup, 0x01, SET_INTERFACE, e->alternate[e->index], e->index, 0);
      break;
    case ENUM_DONE: return false;
  }
  return true;
}

// Whether the step, as it stands, has nothing to ask.
static bool is_empty(const struct enumeration *e) {
  switch (e->step) {
    case ENUM_LANGUAGES:
      return (e->descriptors[14] | e->descriptors[15] | e->descriptors[16]) == 0;
    case ENUM_PRODUCT:
    case ENUM_MANUFACTURER:
    case ENUM_SERIAL: return string_number(e) == 0;
    case ENUM_SET_INTERFACE: return e->alternate[e->index] == 0;
    default: return false;
  }
}

static void move_on(struct enumeration *e) {
  const bool more_configs = e->step == ENUM_CONFIG && e->index + 1 < e->descriptors[17];
  const bool more_interfaces =
      e->step == ENUM_SET_INTERFACE && e->index + 1 < ENUM_INTERFACES;
  if (more_configs) {
    e->step = ENUM_CONFIG_HEAD;
    e->index++;
  } else if (more_interfaces) {
    e->index++;
  } else {
    e->step++;
    if (e->step != ENUM_CONFIG) e->index = 0;
  }
}

static const char *take_device(struct enumeration *e, const uint8_t *data,
                               size_t length) {
  if (length < ENUM_DEVICE_SIZE || data[0] != ENUM_DEVICE_SIZE ||
      data[1] != TYPE_DEVICE) {
    return "has no valid device descriptor";
  }
  memcpy(e->descriptors, data, ENUM_DEVICE_SIZE);
  e->length = ENUM_DEVICE_SIZE;
  const uint8_t configurations = data[17];
  if (configurations == 0) return "has no configuration";
  if (configurations > ENUM_CONFIGURATIONS) return "has too many configurations";
  return NULL;
}

static const char *take_config_head(struct enumeration *e, const uint8_t *data,
                                    size_t length) {
  if (length < CONFIG_HEAD || data[0] < CONFIG_HEAD || data[1] != TYPE_CONFIGURATION) {
    return "has no valid configuration descriptor";
  }
  e->config_length = load_le16(data + 2);
  if (e->config_length < CONFIG_HEAD) return "has no valid configuration descriptor";
  if (e->length + e->config_length > sizeof e->descriptors) {
    return "has more descriptors than fit";
  }
  return NULL;
}

// The descriptors of a configuration form a chain that ends exactly where the
// configuration does.
static bool is_chain(const uint8_t *data, size_t length) {
  size_t at = 0;
  while (at + 2 <= length && data[at] >= 2) {
    const bool cut_interface = data[at + 1] == TYPE_INTERFACE && data[at] < 9;
    if (cut_interface) return false;
    at += data[at];
  }
  return at == length;
}

static const char *take_config(struct enumeration *e, const uint8_t *data,
                               size_t length) {
  if (length != e->config_length || data[1] != TYPE_CONFIGURATION ||
      data[0] < CONFIG_HEAD || !is_chain(data, length)) {
    return "has no valid configuration descriptor";
  }
  memcpy(e->descriptors + e->length, data, length);
  e->length += length;
  return NULL;
}

// Printable ASCII of a string descriptor; one '?' for every other UTF-16 unit.
static void take_text(char text[ENUM_TEXT], const uint8_t *data, size_t length) {
  size_t used = 0;
  const bool valid = length >= 2 && data[1] == TYPE_STRING;
  const size_t end = valid && data[0] < length ? data[0] : length;
  for (size_t at = 2; valid && at + 2 <= end && used + 1 < ENUM_TEXT; at += 2) {
    const uint16_t unit = load_le16(data + at);
    const bool printable = unit >= 0x20 && unit < 0x7F;
    if (printable) text[used] = (char)unit;
    if (!printable) text[used] = '?';
    used++;
  }
  text[used] = '\0';
}

const char *enumeration_answer(struct enumeration *e, bool ok, const uint8_t *data,
                               size_t length) {
  const char *problem = NULL;
  switch (e->step) {
    case ENUM_RESET:
      if (!ok) problem = "does not answer after a reset";
      break;
    case ENUM_DEVICE: problem = take_device(e, data, ok ? length : 0); break;
    case ENUM_CONFIG_HEAD: problem = take_config_head(e, data, ok ? length : 0); break;
    case ENUM_CONFIG: problem = take_config(e, data, ok ? length : 0); break;
    case ENUM_LANGUAGES:
      if (ok && length >= 4) e->language = load_le16(data + 2);
      break;
    case ENUM_PRODUCT:
    case ENUM_MANUFACTURER:
    case ENUM_SERIAL: take_text(string_text(e), data, ok ? length : 0); break;
    case ENUM_SET_CONFIG:
      if (!ok) problem = "refuses its own configuration";
      break;
    default: break;  // a setting that cannot be put back stays 0
  }
  if (problem) return problem;
  do {
    move_on(e);
  } while (is_empty(e));
  return NULL;
}

const uint8_t *enumeration_next_interface(const struct enumeration *e,
                                          const uint8_t *interface) {
  const uint8_t *config = enumeration_config(e);
  const uint8_t *end = config + load_le16(config + 2);
  const uint8_t *p = interface ? interface + interface[0] : config;
  for (; p < end; p += p[0]) {
    if (p[1] == TYPE_INTERFACE && p[3] == 0) return p;
  }
  return NULL;
}
