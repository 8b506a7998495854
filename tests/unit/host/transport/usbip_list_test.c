// SPDX-License-Identifier: MIT
// The list of a server that is played by hand. Numbers are typed from the text of the
// protocol.
#include "host/transport/usbip_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/lib/clock.h"
#include "tests/unit/host/transport/fast_time.h"
#include "tests/unit/host/transport/played_server.h"

enum { REQUEST = 8, RECORD = 312, MOST = 16 };

struct answer {
  bool ok;
  struct usbip_device devices[MOST];
  bool dfu[MOST];
  size_t count, most;
  struct qb_error error;
};

static bool each(void *ctx, const struct usbip_device *device, bool dfu) {
  struct answer *a = ctx;
  assert_true(a->count < MOST);
  a->devices[a->count] = *device;
  a->dfu[a->count++] = dfu;
  return a->count < a->most;
}

static void ask(const struct scene *scene, struct answer *a) {
  struct played_server s = {.scenes = scene, .count = 1};
  played_server_start(&s);
  const struct usbip_endpoint e = played_server_endpoint(&s);
  *a = (struct answer){.most = MOST};
  a->ok = usbip_list(&e, each, a, &a->error);
  played_server_stop(&s);
}

static void expect_refused(const struct scene *scene, const char *end) {
  struct answer a;
  ask(scene, &a);
  assert_false(a.ok);
  assert_non_null(strstr(a.error.text, "the USB/IP server at 127.0.0.1:"));
  if (strcmp(a.error.text + strlen(a.error.text) - strlen(end), end) != 0) {
    fail_msg("%s", a.error.text);
  }
}

// Two devices: a board with two interfaces, the second DFU; a mouse with one.
struct list {
  uint8_t bytes[12 + RECORD + 8 + RECORD + 4];
};

static void put_record(uint8_t *out, const char *busid, uint8_t interfaces) {
  memset(out, 0, RECORD);
  strcpy((char *)out + 256, busid);
  memcpy(out + 300, "\x04\x83\xdf\x11\x01\x02", 6);
  out[299] = 3;
  out[311] = interfaces;
}

static struct list two_devices(void) {
  struct list l = {.bytes = {0x01, 0x11, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2}};
  uint8_t *p = l.bytes + 12;
  put_record(p, "7-2", 2);
  memcpy(p + RECORD, "\x02\x02\x01\x00\xfe\x01\x02\x00", 8);
  p += RECORD + 8;
  put_record(p, "7-3.1", 1);
  memcpy(p + RECORD, "\x03\x01\x02\x00", 4);
  return l;
}

static struct scene scene_of(const struct list *l) {
  return (struct scene){REQUEST, l->bytes, sizeof l->bytes, false, false, false};
}

static void expect_two(const struct answer *a) {
  if (!a->ok) fail_msg("%s", a->error.text);
  assert_int_equal(a->count, 2);
  assert_string_equal(a->devices[0].busid, "7-2");
  assert_true(a->dfu[0]);
  assert_int_equal(a->devices[0].idVendor, 0x0483);
  assert_int_equal(a->devices[0].bcdDevice, 0x0102);
  assert_string_equal(a->devices[1].busid, "7-3.1");
  assert_false(a->dfu[1]);
}

static void a_list_of_two(void **state) {
  (void)state;
  const struct list l = two_devices();
  struct scene scene = scene_of(&l);
  struct answer a;
  ask(&scene, &a);
  expect_two(&a);
  scene.dribbles = true;
  ask(&scene, &a);
  expect_two(&a);
  scene.dribbles = false;
  scene.stays_silent = true;  // as some servers leave the connection open
  ask(&scene, &a);
  expect_two(&a);
}

static void an_empty_list(void **state) {
  (void)state;
  const struct list l = two_devices();
  struct scene scene = scene_of(&l);
  struct list empty = l;
  struct answer a;
  empty.bytes[11] = 0;
  scene.reply = empty.bytes;
  scene.length = 12;
  ask(&scene, &a);
  assert_true(a.ok);
  assert_int_equal(a.count, 0);
}

static void cut_anywhere(void **state) {
  (void)state;
  const struct list l = two_devices();
  struct scene scene = scene_of(&l);
  for (scene.length = 0; scene.length < sizeof l.bytes; scene.length += 3) {
    expect_refused(&scene, "sends only a part of its list");
  }
}

static void what_is_no_list(void **state) {
  (void)state;
  struct list l = two_devices();
  const struct scene scene = scene_of(&l);
  l.bytes[1] = 0x10;
  expect_refused(&scene, "does not speak USB/IP version 1.1.1");
  l.bytes[1] = 0x11;
  l.bytes[3] = 3;
  expect_refused(&scene, "does not speak USB/IP version 1.1.1");
  l.bytes[3] = 5;
  l.bytes[7] = 1;
  expect_refused(&scene, "refuses to tell its devices");
}

// Not even for a terminal: bus ids are shown.
static void bus_ids_that_are_none(void **state) {
  (void)state;
  static const char *const ids[] = {"", "1/1", "1-1\x1B[2J", "\xC2\x9B", "1 1"};
  struct list l = two_devices();
  const struct scene scene = scene_of(&l);
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    put_record(l.bytes + 12, ids[i], 2);
    expect_refused(&scene, "lists a device without a bus id");
  }
  memset(l.bytes + 12 + 256, 'x', 32);  // not closed with a zero
  struct answer a;
  ask(&scene, &a);
  assert_true(a.ok);
  assert_int_equal(strlen(a.devices[0].busid), 31);
}

static void whoever_has_enough_can_stop(void **state) {
  (void)state;
  const struct list l = two_devices();
  const struct scene scene = scene_of(&l);
  struct played_server s = {.scenes = &scene, .count = 1};
  struct answer a = {.most = 1};
  played_server_start(&s);
  const struct usbip_endpoint e = played_server_endpoint(&s);
  assert_true(usbip_list(&e, each, &a, &a.error));
  assert_int_equal(a.count, 1);
  played_server_stop(&s);
}

// ---- Servers that do not get done ------------------------------------------

static void a_silent_server(void **state) {
  (void)state;
  const struct list l = two_devices();
  struct scene scene = scene_of(&l);
  scene.stays_silent = true;
  for (scene.length = 0; scene.length < sizeof l.bytes; scene.length += 101) {
    const uint64_t start = clock_now_ms();
    expect_refused(&scene, "sends only a part of its list");
    assert_in_range(clock_now_ms() - start, USBIP_LIST_MS, USBIP_LIST_MS + 2000);
  }
}

static void an_endless_list(void **state) {
  (void)state;
  struct list l = two_devices();
  struct scene scene = scene_of(&l);
  scene.for_ever = true;
  memset(l.bytes + 8, 0xFF, 4);
  expect_refused(&scene, "lists more than 255 devices");
}

static void nobody_is_there(void **state) {
  (void)state;
  struct played_server s = {.count = 0};
  struct answer a = {.most = MOST};
  played_server_start(&s);
  const struct usbip_endpoint e = played_server_endpoint(&s);
  played_server_stop(&s);
  assert_false(usbip_list(&e, each, &a, &a.error));
  assert_non_null(strstr(a.error.text, "does not answer; is it running?"));
}

static void a_host_that_does_not_exist(void **state) {
  (void)state;
  const struct usbip_endpoint e = {.host = "no host", .port = 1};
  struct answer a = {.most = MOST};
  assert_false(usbip_list(&e, each, &a, &a.error));
  assert_non_null(strstr(a.error.text, "the host \"no host\" is not found"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_of_two),
      cmocka_unit_test(an_empty_list),
      cmocka_unit_test(cut_anywhere),
      cmocka_unit_test(what_is_no_list),
      cmocka_unit_test(bus_ids_that_are_none),
      cmocka_unit_test(whoever_has_enough_can_stop),
      cmocka_unit_test(a_silent_server),
      cmocka_unit_test(an_endless_list),
      cmocka_unit_test(nobody_is_there),
      cmocka_unit_test(a_host_that_does_not_exist),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
