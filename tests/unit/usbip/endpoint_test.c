// SPDX-License-Identifier: MIT
// "HOST:PORT" on a command line: what is understood, and what is refused.
#include "usbip/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct good {
  const char *text, *host;
  uint16_t port;
  const char *formatted;
};

static const struct good goods[] = {
    {"127.0.0.1:3240", "127.0.0.1", 3240, "127.0.0.1:3240"},
    {"board.lab", "board.lab", 3240, "board.lab:3240"},
    {"board.lab:0", "board.lab", 0, "board.lab:0"},
    {":65535", "127.0.0.1", 65535, "127.0.0.1:65535"},
    {"[::1]", "::1", 3240, "[::1]:3240"},
    {"[fe80::1%eth0]:80", "fe80::1%eth0", 80, "[fe80::1%eth0]:80"},
};

static const char *const bads[] = {
    "",
    ":",
    "host:",
    "host:65536",
    "host:99999999999",
    "host:-1",
    "host: 1",
    "host:1x",
    "host:+1",
    "::1",
    "fe80::1:3240",
    "[::1",
    "[]",
    "[]:80",
    "[::1]80",
    "[::1]:",
    "a:1:2",
};

static void good_texts_are_understood(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
    struct usbip_endpoint e;
    assert_true(usbip_endpoint_parse(goods[i].text, &e));
    assert_string_equal(e.host, goods[i].host);
    assert_int_equal(e.port, goods[i].port);
    char text[USBIP_ENDPOINT_TEXT_SIZE];
    usbip_endpoint_format(&e, text);
    assert_string_equal(text, goods[i].formatted);
  }
}

static void bad_texts_change_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
    struct usbip_endpoint e = {.host = "before", .port = 7};
    if (usbip_endpoint_parse(bads[i], &e)) fail_msg("\"%s\" was accepted", bads[i]);
    assert_string_equal(e.host, "before");
    assert_int_equal(e.port, 7);
  }
}

static void longest_host_fits(void **state) {
  (void)state;
  char text[300];
  struct usbip_endpoint e;
  memset(text, 'h', sizeof text);
  snprintf(text + 253, sizeof text - 253, ":65535");
  assert_true(usbip_endpoint_parse(text, &e));
  assert_int_equal(strlen(e.host), 253);
  char formatted[USBIP_ENDPOINT_TEXT_SIZE];
  usbip_endpoint_format(&e, formatted);
  assert_string_equal(formatted, text);
  memset(text, 'h', sizeof text);
  snprintf(text + 254, sizeof text - 254, ":1");
  assert_false(usbip_endpoint_parse(text, &e));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_texts_are_understood),
      cmocka_unit_test(bad_texts_change_nothing),
      cmocka_unit_test(longest_host_fits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
