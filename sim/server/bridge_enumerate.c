// SPDX-License-Identifier: MIT
// What the bridge asks of the device on its own account: enumeration when it
// appears, and the bus resets that clients only hint at.
//
//   connect -> reset, address (usb_host_enumerate) -> 9 bytes of the
//   configuration -> all of it -> READY
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "sim/server/bridge_internal.h"

enum { STEP_CONFIG_HEAD, STEP_CONFIG, STEP_CONFIGURE };

enum { FIRST_ADDRESS = 2, MAX_ADDRESS = 127, FIRST_LENGTH = 64 };

static void activity(struct bridge *b) {
  if (b->watcher.activity) b->watcher.activity(b->watcher.ctx);
}

static void broken(struct bridge *b, const char *what) {
  b->state = BRIDGE_BROKEN;
  char sentence[128];
  snprintf(sentence, sizeof sentence, "the device does not enumerate: %s", what);
  if (b->watcher.log) b->watcher.log(b->watcher.ctx, sentence);
  activity(b);
}

static void ask(struct bridge *b, uint8_t step, const uint8_t setup[8], uint16_t length,
                void (*complete)(void *, struct usb_urb *)) {
  memset(&b->own, 0, sizeof b->own);
  b->step = step;
  b->own.type = USB_URB_CONTROL;
  memcpy(b->own.setup, setup, 8);
  store_le16(&b->own.setup[6], length);
  b->own.data = b->config;
  b->own.length = length;
  b->own.complete = complete;
  b->own.ctx = b;
  if (usb_host_submit(&b->machine->usb, &b->own)) broken(b, "it left again");
}

static const uint8_t get_configuration[8] = {CH9_DIRECTION_IN, CH9_GET_DESCRIPTOR, 0,
                                             CH9_CONFIGURATION};

// Class triples of each interface's alternate setting 0.
static void note_interfaces(struct bridge *b) {
  const uint8_t *d = b->config;
  size_t left = b->config_length;
  unsigned count = 0;
  memset(b->interfaces, 0, sizeof b->interfaces);
  for (; left >= 2 && d[0] >= 2 && d[0] <= left; left -= d[0], d += d[0]) {
    if (d[1] != CH9_INTERFACE || d[0] < CH9_INTERFACE_SIZE || d[3] != 0) continue;
    if (count == USBIP_SERVER_INTERFACES) break;
    b->interfaces[count++] = (struct usbip_interface){d[5], d[6], d[7]};
  }
  b->device.bNumInterfaces = (uint8_t)count;
  b->device.bConfigurationValue = b->config[5];
}

static void note_device(struct bridge *b) {
  const uint8_t *d = b->machine->usb.enumeration.descriptor;
  struct usbip_device *u = &b->device;
  *u = (struct usbip_device){
      .busnum = 1,
      .devnum = b->devnum,
      .speed =
          b->machine->usb.speed == USB_SPEED_HIGH ? USBIP_SPEED_HIGH : USBIP_SPEED_FULL,
      .bDeviceClass = d[4],
      .bDeviceSubClass = d[5],
      .bDeviceProtocol = d[6],
      .idVendor = load_le16(d + 8),
      .idProduct = load_le16(d + 10),
      .bcdDevice = load_le16(d + 12),
      .bNumConfigurations = d[17],
  };
  snprintf(u->busid, sizeof u->busid, "1-1");
  snprintf(u->path, sizeof u->path, "/sys/devices/quadboot-sim/usb1/1-1");
}

static void on_config(void *ctx, struct usb_urb *urb) {
  struct bridge *b = ctx;
  if (urb->status || urb->actual < CH9_CONFIGURATION_SIZE) {
    if (urb->status != -ESHUTDOWN) broken(b, "no configuration descriptor");
    return;
  }
  const uint16_t total = load_le16(&b->config[2]);
  if (b->step == STEP_CONFIG_HEAD) {
    if (total < CH9_CONFIGURATION_SIZE || total > BRIDGE_MAX_CONFIG) {
      broken(b, "a configuration descriptor of impossible length");
      return;
    }
    ask(b, STEP_CONFIG, get_configuration, total, on_config);
    return;
  }
  b->config_length = (uint16_t)urb->actual;
  note_device(b);
  note_interfaces(b);
  b->state = BRIDGE_READY;
  activity(b);
}

static void on_enumerated(void *ctx, int status) {
  struct bridge *b = ctx;
  if (status) {
    if (b->state == BRIDGE_ENUMERATING && status != -ENODEV) broken(b, "no answer");
    return;
  }
  ask(b, STEP_CONFIG_HEAD, get_configuration, CH9_CONFIGURATION_SIZE, on_config);
}

static struct usb_enumerate_how how(const struct bridge *b) {
  const uint32_t span = MAX_ADDRESS - FIRST_ADDRESS + 1;
  return (struct usb_enumerate_how){
      .address = (uint8_t)(FIRST_ADDRESS + (b->devnum - 1) % span),
      .first_length = FIRST_LENGTH,
      .second_reset = true,
  };
}

void bridge_connected(struct bridge *b, bool connected) {
  if (!connected) {
    bridge_withdraw_all(b);
    b->state = BRIDGE_EMPTY;
    b->resetting = NULL;
    usbip_server_detach(&b->server);
    activity(b);
    return;
  }
  b->devnum++;
  b->configuration = 0;
  memset(b->alternate, 0, sizeof b->alternate);
  b->state = BRIDGE_ENUMERATING;
  if (usb_host_enumerate(&b->machine->usb, how(b), on_enumerated, b)) {
    broken(b, "the port does not reset");
  }
  activity(b);
}

// --- bus reset on a client's behalf ---

static void reset_over(struct bridge *b) {
  struct bridge_transfer *t = b->resetting;
  b->resetting = NULL;
  if (t) bridge_send(t);
}

static void on_configured(void *ctx, struct usb_urb *urb) {
  (void)urb;  // if it failed, the client's next request will show it
  reset_over(ctx);
}

static void on_reset_enumerated(void *ctx, int status) {
  struct bridge *b = ctx;
  if (status || !b->configuration) {
    reset_over(b);
    return;
  }
  const uint8_t setup[8] = {0, CH9_SET_CONFIGURATION, b->configuration};
  ask(b, STEP_CONFIGURE, setup, 0, on_configured);
}

void bridge_reset_bus(struct bridge *b, struct bridge_transfer *t) {
  b->resetting = t;
  memset(b->alternate, 0, sizeof b->alternate);
  struct usb_enumerate_how again = how(b);
  again.second_reset = false;
  if (usb_host_enumerate(&b->machine->usb, again, on_reset_enumerated, b))
    reset_over(b);
}

// --- endpoints ---

// Walks the endpoint descriptors of the settings in force.
static const uint8_t *next_endpoint(const struct bridge *b, const uint8_t *d,
                                    uint8_t *interface, bool *active) {
  const uint8_t *end = b->config + b->config_length;
  while (end - d >= 2 && d[0] >= 2 && d[0] <= end - d) {
    const uint8_t *at = d;
    d += d[0];
    if (at[1] == CH9_INTERFACE && at[0] >= CH9_INTERFACE_SIZE) {
      *interface = at[2];
      *active = at[2] < BRIDGE_INTERFACES && b->alternate[at[2]] == at[3];
    } else if (at[1] == CH9_ENDPOINT && at[0] >= CH9_ENDPOINT_SIZE && *active) {
      return at;
    }
  }
  return NULL;
}

bool bridge_find_endpoint(const struct bridge *b, struct usb_urb *u) {
  uint8_t interface = 0;
  bool active = false;
  const uint8_t *d = b->config;
  while ((d = next_endpoint(b, d, &interface, &active))) {
    if (d[2] == u->endpoint) {
      const bool high = b->machine->usb.speed == USB_SPEED_HIGH;
      const bool interrupt = (d[3] & 3u) == 3u;
      u->type = interrupt ? USB_URB_INTERRUPT : USB_URB_BULK;
      u->max_packet = (uint16_t)(load_le16(d + 4) & 0x7FFu);
      const unsigned exponent = d[6] ? (d[6] - 1u) & 15u : 0;
      const unsigned interval = high ? 1u << exponent : 8u * d[6];
      u->interval = (uint16_t)interval;
      return (d[3] & 3u) >= 2u;
    }
    d += d[0];
  }
  return false;
}

void bridge_reset_toggles(struct bridge *b, uint8_t wanted) {
  uint8_t interface = 0;
  bool active = false;
  const uint8_t *d = b->config;
  while ((d = next_endpoint(b, d, &interface, &active))) {
    if (interface == wanted) usb_host_reset_toggle(&b->machine->usb, d[2]);
    d += d[0];
  }
}
