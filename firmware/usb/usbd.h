// SPDX-License-Identifier: MIT
// USB device core: the control endpoint's stages and every standard request of
// USB 2.0 chapter 9, for a device with one configuration. What an interface's own
// requests mean is its class's, and so is what its endpoints carry.
//
//            SETUP                        SETUP
//              |  wLength = 0               | wLength > 0, IN
//              v                            v
//   IDLE --> [decide] --> STATUS_IN --.  DATA_IN --> STATUS_OUT --.
//              |  OUT                 |     (64-byte packets)      |
//              v                      v                            v
//           DATA_OUT --> [class] --> STATUS_IN --> completed --> IDLE
//   Any refusal: STALL until the next SETUP.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/config.h"
#include "firmware/usb/usb_port.h"

struct usb_setup {
  uint8_t bmRequestType, bRequest;
  uint16_t wValue, wIndex, wLength;
};

// A class's answer to a request.
enum usb_answer {
  USB_STALL,
  USB_ACCEPT,  // go on: data stage if wLength > 0, else status stage
  USB_LATER,   // IN only: cannot be told yet, the host gets NAK; ask again
};

// Bytes of an IN data stage. They must stay until the request has completed; or, if
// `moves` is not NULL, what it points to says where they are by now.
struct usb_reply {
  const uint8_t *data;
  uint16_t length;
  const uint8_t *const *moves;
};

static inline const uint8_t *usb_reply_bytes(const struct usb_reply *r) {
  return r->moves ? *r->moves : r->data;
}

// The own behaviour of an interface, or of several in a row that belong together.
struct usb_class {
  void *ctx;
  // A class or vendor request. For IN, fill in `reply` (it is cut to wLength). For
  // OUT with data, the answer comes before the data: refuse what cannot be taken. After
  // LATER the same request comes again with each usbd_poll, until something else does.
  enum usb_answer (*setup)(void *ctx, const struct usb_setup *s,
                           struct usb_reply *reply);
  // All wLength bytes of an OUT request are in `data`: `buffer`, aligned to words and
  // with room for the longest, if the class has one of its own; else that of the core,
  // where they stay until this class accepts another such request.
  uint8_t *buffer;
  enum usb_answer (*data)(void *ctx, const struct usb_setup *s, const uint8_t *data);
  // The status stage of a request that `setup` or `data` accepted is over.
  void (*completed)(void *ctx, const struct usb_setup *s);
  // SET_INTERFACE chose this alternate setting; false: there is none such.
  bool (*set_alternate)(void *ctx, uint8_t alternate);
  // Bus reset, or SET_CONFIGURATION: back to the start. Its endpoints are closed.
  void (*reset)(void *ctx);
  // These may be NULL for a class without endpoints. They are open; and something
  // happened to one of them.
  void (*configured)(void *ctx, bool high_speed);
  void (*event)(void *ctx, const struct usb_event *e);
};

// Descriptors, by type and index. NULL: none (STALL). The bytes stay valid until
// the next call. `language` is wIndex of the request.
struct usb_descriptors {
  void *ctx;
  const uint8_t *(*get)(void *ctx, uint8_t type, uint8_t index, uint16_t language,
                        bool high_speed, uint16_t *length);
  // Vendor requests on the device (MS OS 2.0, WebUSB), likewise.
  const uint8_t *(*vendor)(void *ctx, const struct usb_setup *s, uint16_t *length);
};

enum usbd_state { USBD_DEFAULT, USBD_ADDRESSED, USBD_CONFIGURED };

enum usbd_stage {
  USBD_IDLE,
  USBD_DATA_IN,
  USBD_DATA_OUT,
  USBD_STATUS_IN,   // we send the empty packet
  USBD_STATUS_OUT,  // the host does
};

enum {
  USBD_BUFFER = 4096,  // room for the longest OUT data stage: wTransferSize of DFU
  USBD_INTERFACES = CONFIG_SERIAL ? 3 : 1,
};

struct usbd {
  const struct usb_port *port;
  const struct usb_class *classes[USBD_INTERFACES];  // by interface number
  uint8_t interface_count, endpoint_count;
  const struct usb_endpoint *endpoints;
  const struct usb_descriptors *descriptors;
  enum usbd_state state;
  enum usbd_stage stage;
  bool high_speed, suspended;
  uint8_t configuration, alternates[USBD_INTERFACES];
  uint8_t halted;  // a bit per endpoint of the table
  // For after the status stage: an address to take, a test mode to enter (0: none).
  bool addressing;
  uint8_t test_mode;
  const struct usb_class *asked;  // the request is this class's, and was accepted
  bool later;                     // the class is to be asked again
  struct usb_setup setup;
  struct usb_reply reply;
  uint16_t in_at, in_sent;                    // sent, and of the packet on the wire
  _Alignas(4) uint8_t ahead[USB_EP0_PACKET];  // the next packet, if the reply may move
  bool in_zero_packet;                        // an empty packet ends the stage
  uint8_t small[8];                           // replies of standard requests
  _Alignas(4) uint8_t buffer[USBD_BUFFER];    // copied by words
};

// `cls` is interface 0.
void usbd_init(struct usbd *u, const struct usb_port *port, const struct usb_class *cls,
               const struct usb_descriptors *descriptors);

// The next `interfaces` numbers are `cls`, and these are all endpoints of the device.
void usbd_add(struct usbd *u, const struct usb_class *cls, uint8_t interfaces,
              const struct usb_endpoint *endpoints, uint8_t endpoint_count);

// Handles all that has happened. True if anything did.
bool usbd_poll(struct usbd *u);
