// SPDX-License-Identifier: MIT
// Files over the serial road that arrive: every protocol, size and kind.
#include <stdio.h>

#include "common/format/dfuse.h"
#include "tests/unit/firmware/serial/console_rig.h"

static uint8_t content[64 * 1024];

static void fill(uint32_t seed) {
  for (size_t i = 0; i < sizeof content; i++) {
    seed = seed * 1103515245u + 12345u;
    content[i] = (uint8_t)(seed >> 16);
  }
}

static const enum modem_protocol protocols[] = {MODEM_XMODEM, MODEM_XMODEM_1K,
                                                MODEM_YMODEM, MODEM_YMODEM_G};

static bool has_length(enum modem_protocol p) {
  return p == MODEM_YMODEM || p == MODEM_YMODEM_G;
}

static void expect_flash(struct console_rig *r, uint32_t at, const uint8_t *data,
                         size_t n) {
  assert_memory_equal(board_media_at(&r->board, at), data, n);
}

static void load_plain(struct console_rig *r, enum modem_protocol p, uint32_t at,
                       uint32_t size) {
  char command[40];
  const struct rig_file file = {"file.bin", content, size};
  snprintf(command, sizeof command, "load 0x%08x%s", at,
           p == MODEM_YMODEM_G ? " g" : "");
  fill(size + at + p);
  const char *said = rig_load(r, command, p, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_OK);
  // The sender was told of success: all is there, and on record.
  assert_false(rig_unfinished(r));
  expect_flash(r, at, content, size);
  char report[64];
  const uint32_t come = has_length(p) ? size : r->console.receive.bytes;
  snprintf(report, sizeof report, "# 1 files, %u bytes in ", come);
  assert_non_null(strstr(said, report));
  assert_int_equal(strstr(said, "; padded to whole blocks\r\n> ") != NULL,
                   !has_length(p));
}

static void every_size_by_every_protocol(void **state) {
  struct console_rig *r = *state;
  static const uint32_t sizes[] = {1,    127,  128,  129,  896,  897,  1023,
                                   1024, 1025, 4095, 4096, 4097, 30000};
  for (size_t p = 0; p < 4; p++) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      load_plain(r, protocols[p], BOARD_NOR, sizes[i]);
      load_plain(r, protocols[p], BOARD_APP, sizes[i]);
      load_plain(r, protocols[p], BOARD_APP + 4000, sizes[i]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      rig_test(every_size_by_every_protocol),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
