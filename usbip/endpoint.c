// SPDX-License-Identifier: MIT
#include "usbip/endpoint.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_HOST "127.0.0.1"

enum { MAX_PORT = 65535 };

// Digits only, so that " 80", "+80" and "80x" are errors; they are rarely meant.
static bool parse_port(const char *text, uint16_t *port) {
  uint32_t value = 0;
  if (*text == '\0') return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    value = value * 10 + (uint32_t)(*text - '0');
    if (value > MAX_PORT) return false;
  }
  *port = (uint16_t)value;
  return true;
}

// Finds the end of the host and the start of the port, NULL when there is none.
static const char *split(const char *text, const char **host, const char **port) {
  const bool bracketed = *text == '[';
  *host = bracketed ? text + 1 : text;
  const char *end = *host + strcspn(*host, bracketed ? "]" : ":");
  const char *rest = end;
  if (bracketed && *rest++ != ']') return NULL;
  if (*rest != '\0' && *rest != ':') return NULL;
  *port = *rest == ':' ? rest + 1 : NULL;
  return end;
}

bool usbip_endpoint_parse(const char *text, struct usbip_endpoint *out) {
  struct usbip_endpoint e = {.host = DEFAULT_HOST, .port = USBIP_PORT};
  const char *host;
  const char *port;
  const char *end = split(text, &host, &port);
  if (!end) return false;
  const size_t length = (size_t)(end - host);
  if (length >= sizeof e.host || *text == '\0') return false;
  if (length == 0 && (*text == '[' || !port)) return false;
  if (length > 0) {
    memcpy(e.host, host, length);
    e.host[length] = '\0';
  }
  if (port && !parse_port(port, &e.port)) return false;
  *out = e;
  return true;
}

void usbip_endpoint_format(const struct usbip_endpoint *endpoint,
                           char out[USBIP_ENDPOINT_TEXT_SIZE]) {
  const bool bracketed = strchr(endpoint->host, ':') != NULL;
  snprintf(out, USBIP_ENDPOINT_TEXT_SIZE, bracketed ? "[%s]:%u" : "%s:%u",
           endpoint->host, endpoint->port);
}
