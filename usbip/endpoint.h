// SPDX-License-Identifier: MIT
// "HOST:PORT" as people write it on a command line, for both ends of USB/IP.
// Splits text only; looking the host up is the socket owner's work.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
  USBIP_PORT = 3240,      // assigned by IANA to usb-ip
  USBIP_HOST_SIZE = 254,  // a DNS name of 253 characters (RFC 1035 3.1) and a zero
  USBIP_ENDPOINT_TEXT_SIZE = USBIP_HOST_SIZE + 8,
};

struct usbip_endpoint {
  char host[USBIP_HOST_SIZE];
  uint16_t port;  // 0 lets a server pick one
};

// Accepts HOST, HOST:PORT, :PORT, [IPV6] and [IPV6]:PORT. What is left out is
// 127.0.0.1 and 3240. False when `text` is none of these; `out` is then
// untouched.
bool usbip_endpoint_parse(const char *text, struct usbip_endpoint *out);

// The opposite, always with the port: "127.0.0.1:3240", "[::1]:3240".
void usbip_endpoint_format(const struct usbip_endpoint *endpoint,
                           char out[USBIP_ENDPOINT_TEXT_SIZE]);
