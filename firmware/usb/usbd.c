// SPDX-License-Identifier: MIT
#include "firmware/usb/usbd.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"

// --- interfaces and endpoints ---

static unsigned interface_count(const struct usbd *u) {
  return CONFIG_SERIAL ? u->interface_count : 1;
}

static const struct usb_class *class_of(const struct usbd *u, uint16_t interface) {
  return interface < interface_count(u) ? u->classes[interface] : NULL;
}

static unsigned endpoint_count(const struct usbd *u) {
  return CONFIG_SERIAL ? u->endpoint_count : 0;
}

// The endpoint beside 0 with this address, of a configured device; NULL: none.
static const struct usb_endpoint *find_endpoint(const struct usbd *u,
                                                uint16_t address) {
  for (unsigned i = 0; u->configuration && i < endpoint_count(u); i++) {
    if (u->endpoints[i].address == address) return &u->endpoints[i];
  }
  return NULL;
}

static void halt(struct usbd *u, const struct usb_endpoint *e, bool on) {
  const uint8_t bit = (uint8_t)(1u << (e - u->endpoints));
  u->halted = (uint8_t)(on ? u->halted | bit : u->halted & ~bit);
  u->port->endpoints->halt(u->port->ctx, e->address, on);
}

static bool is_halted(const struct usbd *u, const struct usb_endpoint *e) {
  return u->halted >> (e - u->endpoints) & 1u;
}

// Of the interfaces that share a class it is the first.
static bool is_first(const struct usbd *u, unsigned interface) {
  return interface == 0 || u->classes[interface] != u->classes[interface - 1];
}

// Everything as after SET_CONFIGURATION(0).
static void reset_interfaces(struct usbd *u) {
  u->configuration = u->halted = 0;
  memset(u->alternates, 0, sizeof u->alternates);
  for (unsigned i = 0; i < interface_count(u); i++) {
    if (is_first(u, i)) u->classes[i]->reset(u->classes[i]->ctx);
  }
}

static void open_endpoints(const struct usbd *u) {
  for (unsigned i = 0; i < endpoint_count(u); i++) {
    const struct usb_endpoint *e = &u->endpoints[i];
    u->port->endpoints->open(u->port->ctx, e->address, e->type,
                             e->packet[u->high_speed]);
  }
  for (unsigned i = 0; CONFIG_SERIAL && i < interface_count(u); i++) {
    const struct usb_class *c = u->classes[i];
    if (c->configured && is_first(u, i)) c->configured(c->ctx, u->high_speed);
  }
}

static void on_endpoint(const struct usbd *u, const struct usb_event *e) {
  const struct usb_endpoint *endpoint = find_endpoint(u, e->endpoint);
  if (!endpoint) return;
  const struct usb_class *c = u->classes[endpoint->interface];
  c->event(c->ctx, e);
}

// --- stages ---

static void stall(struct usbd *u) {
  u->stage = USBD_IDLE;
  u->port->ep0_stall(u->port->ctx);
}

static uint16_t packet_at(const struct usbd *u, uint16_t at) {
  const uint16_t left = (uint16_t)(u->reply.length - at);
  return left < USB_EP0_PACKET ? left : USB_EP0_PACKET;
}

// Where a reply may move, reading it may take as long as the wire does: each packet but
// the first was read while the one before it was sent.
static void send_packet(struct usbd *u) {
  const struct usb_reply *r = &u->reply;
  const uint8_t *data = usb_reply_bytes(r) + u->in_at;
  u->in_sent = packet_at(u, u->in_at);
  if (u->in_sent < USB_EP0_PACKET) u->in_zero_packet = false;
  u->port->ep0_send(u->port->ctx, r->moves && u->in_at ? u->ahead : data, u->in_sent);
  if (r->moves) {
    const uint16_t next = (uint16_t)(u->in_at + u->in_sent);
    memcpy(u->ahead, data + u->in_sent, packet_at(u, next));
  }
}

// Room for a packet without bytes: the host's status stage, or the repetition of one
// whose acknowledge it has missed. At high speed it asks for room first, and would
// ask for ever (USB 2.0 8.5.1).
static void stay_open(struct usbd *u) {
  u->port->ep0_receive(u->port->ctx, u->small, 0);
}

// A data stage shorter than asked for ends with a short packet, empty if need be
// (USB 2.0 5.5.3, 8.5.3.2).
static void start_in(struct usbd *u) {
  const uint16_t wanted = u->setup.wLength;
  u->in_at = 0;
  u->in_zero_packet = u->reply.length < wanted;
  if (u->reply.length > wanted) u->reply.length = wanted;
  u->stage = USBD_DATA_IN;
  stay_open(u);  // the host may end the stage early
  send_packet(u);
}

static uint8_t *out_buffer(struct usbd *u) {
  return u->asked->buffer ? u->asked->buffer : u->buffer;
}

static void start_out(struct usbd *u) {
  u->stage = USBD_DATA_OUT;
  u->port->ep0_receive(u->port->ctx, out_buffer(u), u->setup.wLength);
}

static void start_status_in(struct usbd *u) {
  u->stage = USBD_STATUS_IN;
  u->port->ep0_send(u->port->ctx, u->small, 0);
}

// SET_ADDRESS counts from the end of its status stage on (9.4.6).
static void take_address(struct usbd *u) {
  const uint8_t address = (uint8_t)u->setup.wValue;
  u->state = address ? USBD_ADDRESSED : USBD_DEFAULT;
  if (!u->port->address_early) u->port->set_address(u->port->ctx, address);
}

static void completed(struct usbd *u) {
  u->stage = USBD_IDLE;
  const struct usb_class *c = u->asked;
  if (c && c->completed) c->completed(c->ctx, &u->setup);
  if (u->addressing) take_address(u);
  if (u->test_mode) u->port->test_mode(u->port->ctx, u->test_mode);
  u->addressing = false;
  u->test_mode = 0;
}

// --- standard requests (USB 2.0 9.4); each answers whether it was accepted ---

static bool acknowledge(struct usbd *u) {
  start_status_in(u);
  return true;
}

// A request without a data stage is answered by its status stage, whatever its
// direction bit says (9.3.1).
static bool send_reply(struct usbd *u) {
  if (u->setup.wLength == 0) return acknowledge(u);
  start_in(u);
  return true;
}

static bool reply(struct usbd *u, const uint8_t *data, uint16_t length) {
  u->reply = (struct usb_reply){.data = data, .length = length};
  return send_reply(u);
}

static bool is_configured(const struct usbd *u) {
  return u->state == USBD_CONFIGURED;
}

// Endpoint 0 is there in both directions, and never halted (9.4.5).
static bool is_endpoint_0(uint16_t index) {
  return (index & 0xFF7Fu) == 0;
}

static bool recipient_exists(const struct usbd *u, uint8_t recipient) {
  const uint16_t index = u->setup.wIndex;
  switch (recipient) {
    case CH9_RECIPIENT_DEVICE: return index == 0;
    case CH9_RECIPIENT_INTERFACE: return class_of(u, index) && is_configured(u);
    case CH9_RECIPIENT_ENDPOINT: return is_endpoint_0(index) || find_endpoint(u, index);
    default: return false;
  }
}

static bool get_status(struct usbd *u, uint8_t recipient) {
  if (u->setup.wValue != 0 || u->setup.wLength != 2) return false;
  if (!recipient_exists(u, recipient)) return false;
  const bool of_endpoint = recipient == CH9_RECIPIENT_ENDPOINT;
  const struct usb_endpoint *e = of_endpoint ? find_endpoint(u, u->setup.wIndex) : NULL;
  // The device is self-powered and has no remote wake-up.
  u->small[0] = recipient == CH9_RECIPIENT_DEVICE || (e && is_halted(u, e));
  u->small[1] = 0;
  return reply(u, u->small, 2);
}

// ENDPOINT_HALT is the only feature to clear. Clear already, it still sets the toggle
// (9.4.5).
static bool clear_feature(struct usbd *u, uint8_t recipient) {
  if (recipient != CH9_RECIPIENT_ENDPOINT || u->setup.wValue != CH9_ENDPOINT_HALT ||
      !recipient_exists(u, recipient)) {
    return false;
  }
  const struct usb_endpoint *e = find_endpoint(u, u->setup.wIndex);
  if (e) halt(u, e, false);
  return acknowledge(u);
}

static bool set_halt(struct usbd *u) {
  const struct usb_endpoint *e = find_endpoint(u, u->setup.wIndex);
  if (u->setup.wValue != CH9_ENDPOINT_HALT || !e) return false;
  halt(u, e, true);
  return acknowledge(u);
}

static bool set_feature(struct usbd *u, uint8_t recipient) {
  const uint8_t selector = (uint8_t)(u->setup.wIndex >> 8);
  if (recipient == CH9_RECIPIENT_ENDPOINT) return set_halt(u);
  if (recipient != CH9_RECIPIENT_DEVICE || u->setup.wValue != CH9_TEST_MODE)
    return false;
  if (!u->high_speed || (u->setup.wIndex & 0xFFu) != 0) return false;
  if (selector < CH9_TEST_J || selector > CH9_TEST_FORCE_ENABLE) return false;
  u->test_mode = selector;
  return acknowledge(u);
}

static bool set_address(struct usbd *u) {
  if (u->setup.wValue > 127 || u->setup.wIndex != 0) return false;
  if (is_configured(u)) return false;
  u->addressing = true;
  if (u->port->address_early) {
    u->port->set_address(u->port->ctx, (uint8_t)u->setup.wValue);
  }
  return acknowledge(u);
}

static bool get_descriptor(struct usbd *u) {
  uint16_t length = 0;
  const uint8_t *d = u->descriptors->get(
      u->descriptors->ctx, (uint8_t)(u->setup.wValue >> 8), (uint8_t)u->setup.wValue,
      u->setup.wIndex, u->high_speed, &length);
  return d && reply(u, d, length);
}

static bool get_configuration(struct usbd *u) {
  if (u->setup.wValue || u->setup.wIndex || u->setup.wLength != 1) return false;
  u->small[0] = u->configuration;
  return reply(u, u->small, 1);
}

static bool set_configuration(struct usbd *u) {
  if (u->setup.wValue > 1 || u->setup.wIndex != 0) return false;
  if (u->state == USBD_DEFAULT) return false;
  if (endpoint_count(u)) u->port->endpoints->close_all(u->port->ctx);
  reset_interfaces(u);
  u->configuration = (uint8_t)u->setup.wValue;
  u->state = u->configuration ? USBD_CONFIGURED : USBD_ADDRESSED;
  if (u->configuration) open_endpoints(u);
  return acknowledge(u);
}

static bool get_interface(struct usbd *u) {
  if (!recipient_exists(u, CH9_RECIPIENT_INTERFACE)) return false;
  if (u->setup.wValue || u->setup.wLength != 1) return false;
  u->small[0] = u->alternates[u->setup.wIndex];
  return reply(u, u->small, 1);
}

// The interface's endpoints begin anew (9.1.1.5).
static bool set_interface(struct usbd *u) {
  if (!recipient_exists(u, CH9_RECIPIENT_INTERFACE) || u->setup.wValue > 0xFF) {
    return false;
  }
  const uint8_t alternate = (uint8_t)u->setup.wValue;
  const struct usb_class *c = class_of(u, u->setup.wIndex);
  if (!c->set_alternate(c->ctx, alternate)) return false;
  u->alternates[u->setup.wIndex] = alternate;
  for (unsigned i = 0; i < endpoint_count(u); i++) {
    if (u->endpoints[i].interface == u->setup.wIndex) halt(u, &u->endpoints[i], false);
  }
  return acknowledge(u);
}

// bRequest with the direction and recipients that may carry it.
static bool standard_in(struct usbd *u, uint8_t recipient) {
  switch (u->setup.bRequest) {
    case CH9_GET_STATUS: return get_status(u, recipient);
    case CH9_GET_DESCRIPTOR:
      return recipient == CH9_RECIPIENT_DEVICE && get_descriptor(u);
    case CH9_GET_CONFIGURATION:
      return recipient == CH9_RECIPIENT_DEVICE && get_configuration(u);
    case CH9_GET_INTERFACE:
      return recipient == CH9_RECIPIENT_INTERFACE && get_interface(u);
    default: return false;
  }
}

static bool standard_out(struct usbd *u, uint8_t recipient) {
  if (u->setup.wLength != 0) return false;  // none of those known here has data
  switch (u->setup.bRequest) {
    case CH9_CLEAR_FEATURE: return clear_feature(u, recipient);
    case CH9_SET_FEATURE: return set_feature(u, recipient);
    case CH9_SET_ADDRESS: return recipient == CH9_RECIPIENT_DEVICE && set_address(u);
    case CH9_SET_CONFIGURATION:
      return recipient == CH9_RECIPIENT_DEVICE && set_configuration(u);
    case CH9_SET_INTERFACE:
      return recipient == CH9_RECIPIENT_INTERFACE && set_interface(u);
    default: return false;
  }
}

// --- class and vendor requests ---

static bool vendor_request(struct usbd *u) {
  uint16_t length = 0;
  const uint8_t *d = u->descriptors->vendor(u->descriptors->ctx, &u->setup, &length);
  return d && reply(u, d, length);
}

// Class requests, and vendor requests to an interface, are its class's.
static bool class_request(struct usbd *u, bool in) {
  struct usb_reply *r = &u->reply;
  const struct usb_class *c = class_of(u, u->setup.wIndex);
  *r = (struct usb_reply){.data = u->small};
  if (!is_configured(u) || !c) return false;
  if (!in && u->setup.wLength > USBD_BUFFER) {
    // Never trusted: the class hears of it, and it is refused whatever it says.
    c->setup(c->ctx, &u->setup, r);
    return false;
  }
  const enum usb_answer answer = c->setup(c->ctx, &u->setup, r);
  u->later = answer == USB_LATER;
  if (u->later) return true;
  if (answer == USB_STALL) return false;
  u->asked = c;
  if (in || u->setup.wLength == 0) return send_reply(u);
  start_out(u);
  return true;
}

static bool handle(struct usbd *u) {
  const struct usb_setup *s = &u->setup;
  const bool in = s->bmRequestType & CH9_DIRECTION_IN;
  const uint8_t type = s->bmRequestType & CH9_TYPE_MASK;
  const uint8_t recipient = s->bmRequestType & CH9_RECIPIENT_MASK;
  if (type == CH9_TYPE_STANDARD) {
    return in ? standard_in(u, recipient) : standard_out(u, recipient);
  }
  if (recipient == CH9_RECIPIENT_INTERFACE) return class_request(u, in);
  return type == CH9_TYPE_VENDOR && recipient == CH9_RECIPIENT_DEVICE && in &&
         vendor_request(u);
}

// --- events ---

static void on_setup(struct usbd *u, const uint8_t bytes[8]) {
  u->setup = (struct usb_setup){
      .bmRequestType = bytes[0],
      .bRequest = bytes[1],
      .wValue = load_le16(bytes + 2),
      .wIndex = load_le16(bytes + 4),
      .wLength = load_le16(bytes + 6),
  };
  u->asked = NULL;
  u->later = false;
  u->addressing = false;
  u->test_mode = 0;
  u->stage = USBD_IDLE;
  if (!handle(u)) stall(u);
}

// The class may know by now.
static bool ask_again(struct usbd *u) {
  if (!u->later) return false;
  if (!class_request(u, true)) stall(u);
  return !u->later;
}

// The class hears nothing of more or less than the host announced.
static void on_out_data(struct usbd *u, uint16_t length) {
  const struct usb_class *c = u->asked;
  if (length == u->setup.wLength &&
      c->data(c->ctx, &u->setup, out_buffer(u)) == USB_ACCEPT) {
    stay_open(u);
    start_status_in(u);
  } else {
    stall(u);
  }
}

static void on_out(struct usbd *u, uint16_t length) {
  if (u->stage == USBD_DATA_OUT) {
    on_out_data(u, length);
  } else if (u->stage == USBD_DATA_IN || u->stage == USBD_STATUS_OUT) {
    // The status stage, perhaps before all data were taken; it carries no bytes.
    if (length) {
      stall(u);
    } else {
      stay_open(u);
      completed(u);
    }
  }
}

static void on_in(struct usbd *u) {
  if (u->stage == USBD_STATUS_IN) {
    completed(u);
  } else if (u->stage == USBD_DATA_IN) {
    u->in_at = (uint16_t)(u->in_at + u->in_sent);
    if (u->in_at < u->reply.length || u->in_zero_packet) {
      send_packet(u);
    } else {
      u->stage = USBD_STATUS_OUT;
    }
  }
}

static void on_reset(struct usbd *u, bool high_speed) {
  u->state = USBD_DEFAULT;
  u->stage = USBD_IDLE;
  u->test_mode = 0;
  u->high_speed = high_speed;
  u->addressing = u->suspended = u->later = false;
  reset_interfaces(u);
}

void usbd_init(struct usbd *u, const struct usb_port *port, const struct usb_class *cls,
               const struct usb_descriptors *descriptors) {
  memset(u, 0, sizeof *u);
  u->port = port;
  u->classes[0] = cls;
  u->interface_count = 1;
  u->descriptors = descriptors;
}

void usbd_add(struct usbd *u, const struct usb_class *cls, uint8_t interfaces,
              const struct usb_endpoint *endpoints, uint8_t count) {
  while (interfaces-- && u->interface_count < USBD_INTERFACES)
    u->classes[u->interface_count++] = cls;
  u->endpoints = endpoints;
  u->endpoint_count = count;
}

bool usbd_poll(struct usbd *u) {
  struct usb_event e;
  bool any = false;
  while (u->port->next_event(u->port->ctx, &e)) {
    any = true;
    switch (e.kind) {
      case USB_EVENT_RESET: on_reset(u, e.high_speed); break;
      case USB_EVENT_SUSPEND: u->suspended = true; break;
      case USB_EVENT_RESUME: u->suspended = false; break;
      case USB_EVENT_SETUP: on_setup(u, e.setup); break;
      case USB_EVENT_OUT: on_out(u, e.length); break;
      case USB_EVENT_IN: on_in(u); break;
      case USB_EVENT_RECEIVED:
      case USB_EVENT_SENT:
        if (CONFIG_SERIAL) on_endpoint(u, &e);
        break;
      case USB_EVENT_NONE: break;
    }
  }
  return ask_again(u) || any;
}
