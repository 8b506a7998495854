// SPDX-License-Identifier: MIT
#include "firmware/usb/descriptors.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "common/protocol/dfu.h"
#include "firmware/usb/cdc.h"

enum {
  STRING_LANGUAGES = 0,
  STRING_MANUFACTURER = 1,
  STRING_PRODUCT = 2,
  STRING_SERIAL = 3,
  STRING_LAYOUT_0 = 4,
  STRING_FUNCTION = 0x10,  // of the serial port

  BCD_USB = 0x0210,         // BOS wants 2.1
  DETACH_TIMEOUT_MS = 255,  // as ST's own class says
  MAX_POWER_2MA = 50,       // 100 mA
  MAX_STRING = 126,

  MS_OS_SET_SIZE = 162,
  MS_OS_SUBSET_SIZE = 8,  // headers of configuration and function, if composite

  CDC_FUNCTION_SIZE = 66,
  CDC_CLASS = 2,
  CDC_SUBCLASS_ACM = 2,
  CDC_DATA_CLASS = 10,
  CDC_BCD = 0x0120,
  CDC_CS_INTERFACE = 0x24,
  MS_OS_DESCRIPTOR_INDEX = 7,
  WEBUSB_BCD = 0x0100,
  CAPABILITY_PLATFORM = 5,
};

static struct wr begin(struct descriptors *d) {
  return (struct wr){.p = d->bytes, .left = sizeof d->bytes};
}

static const uint8_t *end(struct descriptors *d, const struct wr *w, uint16_t *length) {
  *length = (uint16_t)(sizeof d->bytes - w->left);
  return w->bad ? NULL : d->bytes;
}

static bool is_composite(const struct descriptors *d) {
  return CONFIG_SERIAL && d->config.serial;
}

// --- device (USB 2.0 9.6.1, 9.6.2) ---

// Class, subclass, protocol: per interface; or, of a device with an interface
// association, that it has one (Interface Association Descriptors ECN).
static void device_class(const struct descriptors *d, struct wr *w) {
  const bool composite = is_composite(d);
  wr_u8(w, composite ? 0xEF : 0);
  wr_u8(w, composite ? 2 : 0);
  wr_u8(w, composite ? 1 : 0);
}

static const uint8_t *device(struct descriptors *d, uint16_t *length) {
  struct wr w = begin(d);
  wr_u8(&w, CH9_DEVICE_SIZE);
  wr_u8(&w, CH9_DEVICE);
  wr_le16(&w, BCD_USB);
  device_class(d, &w);
  wr_u8(&w, USB_EP0_PACKET);
  wr_le16(&w, d->config.vid);
  wr_le16(&w, d->config.pid);
  wr_le16(&w, d->config.release);
  wr_u8(&w, STRING_MANUFACTURER);
  wr_u8(&w, STRING_PRODUCT);
  wr_u8(&w, STRING_SERIAL);
  wr_u8(&w, 1);
  return end(d, &w, length);
}

static const uint8_t *qualifier(struct descriptors *d, uint16_t *length) {
  struct wr w = begin(d);
  wr_u8(&w, CH9_QUALIFIER_SIZE);
  wr_u8(&w, CH9_DEVICE_QUALIFIER);
  wr_le16(&w, BCD_USB);
  device_class(d, &w);
  wr_u8(&w, USB_EP0_PACKET);
  wr_u8(&w, 1);
  wr_u8(&w, 0);
  return end(d, &w, length);
}

// --- configuration (9.6.3 to 9.6.6; DFU 1.1 4.2.3; CDC 1.2 5.2.3, PSTN 1.2 5.3) ---

static void interface(struct wr *w, uint8_t number, uint8_t endpoints, uint8_t class,
                      uint8_t subclass) {
  wr_u8(w, CH9_INTERFACE_SIZE);
  wr_u8(w, CH9_INTERFACE);
  wr_u8(w, number);
  wr_u8(w, 0);
  wr_u8(w, endpoints);
  wr_u8(w, class);
  wr_u8(w, subclass);
  wr_u8(w, 0);
  wr_u8(w, 0);
}

static void endpoint(struct wr *w, const struct usb_endpoint *e, bool high_speed) {
  wr_u8(w, CH9_ENDPOINT_SIZE);
  wr_u8(w, CH9_ENDPOINT);
  wr_u8(w, e->address);
  wr_u8(w, e->type);
  wr_le16(w, e->packet[high_speed]);
  wr_u8(w, e->interval[high_speed]);
}

// Header, call management (none), ACM (line coding and serial state), union.
static void cdc_functional(struct wr *w) {
  static const uint8_t bytes[] = {5,
                                  CDC_CS_INTERFACE,
                                  0,
                                  CDC_BCD & 0xFF,
                                  CDC_BCD >> 8,
                                  5,
                                  CDC_CS_INTERFACE,
                                  1,
                                  0,
                                  CDC_DATA,
                                  4,
                                  CDC_CS_INTERFACE,
                                  2,
                                  2,
                                  5,
                                  CDC_CS_INTERFACE,
                                  6,
                                  CDC_COMMUNICATION,
                                  CDC_DATA};
  wr_copy(w, bytes, sizeof bytes);
}

static void cdc_function(struct wr *w, bool high_speed) {
  static const uint8_t association[] = {8,
                                        CH9_INTERFACE_ASSOCIATION,
                                        CDC_COMMUNICATION,
                                        CDC_INTERFACES,
                                        CDC_CLASS,
                                        CDC_SUBCLASS_ACM,
                                        0,
                                        STRING_FUNCTION};
  wr_copy(w, association, sizeof association);
  interface(w, CDC_COMMUNICATION, 1, CDC_CLASS, CDC_SUBCLASS_ACM);
  cdc_functional(w);
  endpoint(w, &cdc_endpoints[0], high_speed);
  interface(w, CDC_DATA, 2, CDC_DATA_CLASS, 0);
  endpoint(w, &cdc_endpoints[1], high_speed);
  endpoint(w, &cdc_endpoints[2], high_speed);
}

static void alternate(const struct descriptors *d, struct wr *w, uint8_t number) {
  wr_u8(w, CH9_INTERFACE_SIZE);
  wr_u8(w, CH9_INTERFACE);
  wr_u8(w, 0);
  wr_u8(w, number);
  wr_u8(w, 0);
  wr_u8(w, DFU_CLASS);
  wr_u8(w, DFU_SUBCLASS);
  wr_u8(w, DFU_PROTOCOL_DFU_MODE);
  wr_u8(w, (uint8_t)(STRING_LAYOUT_0 + number));
  // After every alternate setting: fwupd loses the others if it stands only at the
  // end.
  wr_u8(w, DFU_FUNCTIONAL_SIZE);
  wr_u8(w, DFU_FUNCTIONAL);
  wr_u8(w, DFU_CAN_DNLOAD | DFU_CAN_UPLOAD | DFU_WILL_DETACH);
  wr_le16(w, DETACH_TIMEOUT_MS);
  wr_le16(w, d->config.transfer_size);
  wr_le16(w, DFUSE_VERSION);
}

// As it is at `high_speed`: endpoints differ.
static const uint8_t *configuration(struct descriptors *d, uint8_t type,
                                    bool high_speed, uint16_t *length) {
  struct wr w = begin(d);
  const uint16_t total =
      (uint16_t)(CH9_CONFIGURATION_SIZE +
                 d->config.alternates * (CH9_INTERFACE_SIZE + DFU_FUNCTIONAL_SIZE) +
                 (is_composite(d) ? CDC_FUNCTION_SIZE : 0));
  wr_u8(&w, CH9_CONFIGURATION_SIZE);
  wr_u8(&w, type);
  wr_le16(&w, total);
  wr_u8(&w, is_composite(d) ? 1 + CDC_INTERFACES : 1);
  wr_u8(&w, 1);
  wr_u8(&w, 0);
  wr_u8(&w, CH9_SELF_POWERED);
  wr_u8(&w, MAX_POWER_2MA);
  for (uint8_t i = 0; i < d->config.alternates; i++)
    alternate(d, &w, i);
  if (is_composite(d)) cdc_function(&w, high_speed);
  return end(d, &w, length);
}

// --- strings (9.6.7) ---

static void wr_utf16(struct wr *w, const char *text) {
  for (unsigned n = 0; *text && n < MAX_STRING; n++)
    wr_le16(w, (uint8_t)*text++);
}

static void serial_text(const struct descriptors *d, char out[25]) {
  for (unsigned i = 0; i < 12; i++) {
    out[2 * i] = "0123456789ABCDEF"[d->config.unique_id[i] >> 4];
    out[2 * i + 1] = "0123456789ABCDEF"[d->config.unique_id[i] & 15u];
  }
  out[24] = 0;
}

static bool wr_text(const struct descriptors *d, struct wr *w, uint8_t index) {
  char text[MAX_STRING + 1];
  if (index == STRING_MANUFACTURER) {
    wr_utf16(w, "quadboot");
  } else if (index == STRING_PRODUCT) {
    wr_utf16(w, "quadboot DFU on ");
    wr_utf16(w, d->config.board);
  } else if (index == STRING_SERIAL) {
    serial_text(d, text);
    wr_utf16(w, text);
  } else if (index == d->config.reason_index) {
    d->config.reason(d->config.reason_ctx, text);
    wr_utf16(w, text);
  } else if (index >= STRING_LAYOUT_0 &&
             index < STRING_LAYOUT_0 + d->config.alternates) {
    wr_utf16(w, d->config.layouts[index - STRING_LAYOUT_0]);
  } else if (is_composite(d) && index == STRING_FUNCTION) {
    wr_utf16(w, "quadboot console");
  } else {
    return false;
  }
  return true;
}

static const uint8_t *string(struct descriptors *d, uint8_t index, uint16_t language,
                             uint16_t *length) {
  struct wr w = begin(d);
  wr_u8(&w, 0);
  wr_u8(&w, CH9_STRING);
  if (index == STRING_LANGUAGES) {
    wr_le16(&w, CH9_LANGUAGE_ENGLISH_US);
  } else if (language != CH9_LANGUAGE_ENGLISH_US || !wr_text(d, &w, index)) {
    return NULL;
  }
  const uint8_t *bytes = end(d, &w, length);
  d->bytes[0] = (uint8_t)*length;
  return bytes;
}

// --- BOS: WebUSB (WebUSB 4.1) and MS OS 2.0 (table 4) ---

static const uint8_t webusb_uuid[16] = {0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0, 0x47,
                                        0x8B, 0xFD, 0xA0, 0x76, 0x88, 0x15, 0xB6, 0x65};
static const uint8_t ms_os_uuid[16] = {0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C,
                                       0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F};
#define WINDOWS_8_1 0x06030000u

static uint16_t ms_os_size(const struct descriptors *d) {
  return MS_OS_SET_SIZE + (is_composite(d) ? 2 * MS_OS_SUBSET_SIZE : 0);
}

static void capability(struct wr *w, const uint8_t uuid[16], uint8_t size) {
  wr_u8(w, size);
  wr_u8(w, CH9_DEVICE_CAPABILITY);
  wr_u8(w, CAPABILITY_PLATFORM);
  wr_u8(w, 0);
  wr_copy(w, uuid, 16);
}

static const uint8_t *bos(struct descriptors *d, uint16_t *length) {
  enum { WEBUSB_SIZE = 24, MS_OS_SIZE = 28 };
  struct wr w = begin(d);
  wr_u8(&w, CH9_BOS_SIZE);
  wr_u8(&w, CH9_BOS);
  wr_le16(&w, CH9_BOS_SIZE + WEBUSB_SIZE + MS_OS_SIZE);
  wr_u8(&w, 2);
  capability(&w, webusb_uuid, WEBUSB_SIZE);
  wr_le16(&w, WEBUSB_BCD);
  wr_u8(&w, VENDOR_CODE_WEBUSB);
  wr_u8(&w, 0);  // no landing page
  capability(&w, ms_os_uuid, MS_OS_SIZE);
  wr_le32(&w, WINDOWS_8_1);
  wr_le16(&w, ms_os_size(d));
  wr_u8(&w, VENDOR_CODE_MS_OS);
  wr_u8(&w, 0);
  return end(d, &w, length);
}

// Of a composite device: that the rest is for interface 0 of the configuration (MS OS
// 2.0 tables 11, 12). Windows has a driver of its own for the others.
static void ms_os_subsets(struct wr *w) {
  enum { SIZE = MS_OS_SET_SIZE - 10 + 2 * MS_OS_SUBSET_SIZE };
  wr_le16(w, MS_OS_SUBSET_SIZE);
  wr_le16(w, 1);  // configuration
  wr_le16(w, 0);  // its index
  wr_le16(w, SIZE);
  wr_le16(w, MS_OS_SUBSET_SIZE);
  wr_le16(w, 2);  // function
  wr_le16(w, 0);  // its first interface
  wr_le16(w, SIZE - MS_OS_SUBSET_SIZE);
}

// MS OS 2.0 descriptor set: compatible ID WINUSB, and the interface GUID by which
// programs find the device (MS OS 2.0 tables 10, 13, 15).
static const uint8_t *ms_os_set(struct descriptors *d, uint16_t *length) {
  static const char name[] = "DeviceInterfaceGUIDs";
  static const char guid[] = "{3D5E8A0C-9A36-4E2C-8C5D-6B1F2A7E9D41}";
  struct wr w = begin(d);
  wr_le16(&w, 10);
  wr_le16(&w, 0);  // set header
  wr_le32(&w, WINDOWS_8_1);
  wr_le16(&w, ms_os_size(d));
  if (is_composite(d)) ms_os_subsets(&w);
  wr_le16(&w, 20);
  wr_le16(&w, 3);  // compatible ID
  wr_copy(&w, "WINUSB\0\0\0\0\0\0\0\0\0\0", 16);
  wr_le16(&w, 132);
  wr_le16(&w, 4);  // registry property
  wr_le16(&w, 7);  // REG_MULTI_SZ
  wr_le16(&w, 42);
  wr_utf16(&w, name);
  wr_le16(&w, 0);
  wr_le16(&w, 80);
  wr_utf16(&w, guid);
  wr_le16(&w, 0);
  wr_le16(&w, 0);
  return end(d, &w, length);
}

// --- operations ---

static const uint8_t *get(void *ctx, uint8_t type, uint8_t index, uint16_t language,
                          bool high_speed, uint16_t *length) {
  struct descriptors *d = ctx;
  if (type == CH9_STRING) return string(d, index, language, length);
  if (index != 0) return NULL;
  switch (type) {
    case CH9_DEVICE: return device(d, length);
    case CH9_CONFIGURATION:
      return configuration(d, CH9_CONFIGURATION, high_speed, length);
    case CH9_BOS: return bos(d, length);
    // A device that knows one speed only must refuse these two (9.6.2, 9.6.4).
    case CH9_DEVICE_QUALIFIER:
      return d->config.can_high_speed ? qualifier(d, length) : NULL;
    case CH9_OTHER_SPEED:
      return d->config.can_high_speed
                 ? configuration(d, CH9_OTHER_SPEED, !high_speed, length)
                 : NULL;
    default: return NULL;
  }
}

static const uint8_t *vendor(void *ctx, const struct usb_setup *s, uint16_t *length) {
  struct descriptors *d = ctx;
  const bool ms_os = s->bRequest == VENDOR_CODE_MS_OS && s->wValue == 0 &&
                     s->wIndex == MS_OS_DESCRIPTOR_INDEX;
  return ms_os ? ms_os_set(d, length) : NULL;
}

struct usb_descriptors descriptors_ops(struct descriptors *d) {
  return (struct usb_descriptors){.ctx = d, .get = get, .vendor = vendor};
}
