// SPDX-License-Identifier: MIT
// Whole commands in this process, on a fake board behind USB/IP: exit codes, what goes
// to which stream, and that no failure leaves a file behind.
#include <getopt.h>
#include <pthread.h>

#include <jansson.h>

#include "host/cli/cli.h"
#include "tests/unit/host/cli/capture.h"
#include "tests/unit/host/lib/scratch.h"
#include "tests/unit/host/transport/board_server.h"

struct rig {
  void *folder;
  struct board_server server;
  char port[32];
  char *out, *err;
};

static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  if (!r || scratch_open(&r->folder) != 0) return -1;
  board_server_start(&r->server);
  snprintf(r->port, sizeof r->port, "127.0.0.1:%u", r->server.server.port);
  *state = r;
  return 0;
}

static int teardown(void **state) {
  struct rig *r = *state;
  board_server_stop(&r->server);
  const int result = scratch_close(&r->folder);
  free(r->out);
  free(r->err);
  free(r);
  return result;
}

static int run_command(struct rig *r, int (*command)(int argc, char **argv),
                       const char *const *arguments) {
  char *argv[32] = {"command", "--usbip", r->port};
  int argc = 3;
  for (; *arguments; arguments++) {
    argv[argc++] = (char *)(uintptr_t)*arguments;
  }
  free(r->out);
  free(r->err);
  optind = 0;
  r->server.lists_nothing = false;
  struct capture out = capture_begin(stdout);
  struct capture err = capture_begin(stderr);
  const int code = command(argc, argv);
  r->err = capture_end(&err);
  r->out = capture_end(&out);
  return code;
}

#define RUN(command, ...) \
  run_command(r, command, (const char *const[]){__VA_ARGS__, NULL})

// One line that says it.
static void expect_complaint(const struct rig *r, const char *words) {
  if (!strstr(r->err, words)) fail_msg("%s", r->err);
  assert_string_equal(r->out, "");
}

static void put_assets(size_t size) {
  static uint8_t bytes[0x10001];
  memset(bytes, 0x3C, sizeof bytes);
  scratch_write("a.bin", bytes, size);
}

// ---- Flash and verify ------------------------------------------------------

static void flash_and_verify(void **state) {
  struct rig *r = *state;
  put_assets(40000);
  assert_int_equal(RUN(cmd_verify, "a.bin@0x90000000"), CLI_DIFFERENT);
  assert_non_null(strstr(r->err, "40000 bytes differ; the first at 0x90000000"));
  assert_int_equal(RUN(cmd_flash, "--no-start", "--map", "a.bin@0x90000000"), CLI_OK);
  assert_non_null(strstr(r->out, "A1: 40000 bytes in 3 sectors written, "));
  assert_non_null(strstr(r->out, "  0x90000000 ###\n"));
  assert_string_equal(r->err, "");
  assert_int_equal(r->server.board.qspi[39999], 0x3C);
  assert_int_equal(RUN(cmd_verify, "a.bin@0x90000000"), CLI_OK);
  assert_int_equal(RUN(cmd_flash, "--changed", "--verify", "a.bin@0x90000000"), CLI_OK);
  assert_non_null(strstr(r->out, "(3 were right already)"));
  assert_non_null(strstr(r->out, "the board stays in the bootloader"));
  // With an application of before, that one is started.
  static const uint8_t vectors[8] = {0x00, 0x00, 0x02, 0x20, 0x01, 0x02, 0x01, 0x08};
  memcpy(r->server.board.internal, vectors, sizeof vectors);
  assert_int_equal(RUN(cmd_flash, "--changed", "a.bin@0x90000000"), CLI_OK);
  assert_non_null(strstr(r->out, "the application is started"));
}

static void flash_in_json(void **state) {
  struct rig *r = *state;
  put_assets(40000);
  assert_int_equal(
      RUN(cmd_flash, "--json", "--map", "--verify", "--no-start", "a.bin@0x90000000"),
      CLI_OK);
  json_int_t before = 0;
  for (char *line = strtok(r->out, "\n"); line; line = strtok(NULL, "\n")) {
    json_t *o = json_loads(line, 0, NULL);
    assert_non_null(o);
    const json_t *done = json_object_get(o, "done");
    if (done) {
      assert_true(json_integer_value(done) >= before);
      before = json_integer_value(done);
    }
    json_decref(o);
  }
  assert_true(before > 80000);
}

static void what_flash_refuses(void **state) {
  struct rig *r = *state;
  put_assets(0x10001);
  assert_int_equal(RUN(cmd_flash, "--quiet"), CLI_USAGE);
  expect_complaint(r, "no file to flash was given");
  static const char *const waits[] = {
      "", "-1", "+1", " 1", "1 ", "1s", "x", "3601", "99999999999999999999999"};
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    assert_int_equal(RUN(cmd_flash, "--wait", waits[i], "a.bin@0x90000000"), CLI_USAGE);
    expect_complaint(r, "--wait needs seconds, up to 3600");
  }
  assert_int_equal(RUN(cmd_flash, "missing.bin@0x90000000"), CLI_FAILED);
  expect_complaint(r, "cannot open missing.bin");
  assert_int_equal(r->server.server.connections, 0);  // no board was asked
  assert_int_equal(RUN(cmd_flash, "a.bin@0x90000000"), CLI_FAILED);
  expect_complaint(r, "a.bin runs past the end of the flash");
  assert_int_equal(RUN(cmd_flash, "a.bin@0x08000000"), CLI_FAILED);
  expect_complaint(r, "belongs to the bootloader itself");
  assert_int_equal(RUN(cmd_flash, "-s", "B", "a.bin@0x90000000"), CLI_NO_BOARD);
  expect_complaint(r, "no board with the serial number B");
  assert_int_equal(fake_board_count(&r->server.board, FAKE_ERASED), 0);
}

// With no time to wait for it, a lost board is a failure with its state.
static void a_board_that_is_lost(void **state) {
  struct rig *r = *state;
  put_assets(40000);
  r->server.lie = LIE_HANG_UP;
  r->server.at = 60;
  r->server.refuses_import = false;
  assert_int_equal(RUN(cmd_flash, "--wait", "0", "--no-start", "a.bin@0x90000000"),
                   CLI_FAILED);
  assert_non_null(strstr(r->err, "the board was unplugged, or has reset itself"));
  assert_non_null(strstr(r->err, "run the same command again"));
}

// ---- Read and erase --------------------------------------------------------

static void read_into_a_file(void **state) {
  struct rig *r = *state;
  uint8_t bytes[4096];
  assert_int_equal(RUN(cmd_read, "-o", "x.bin", "0x90000000:4K"), CLI_OK);
  FILE *f = fopen("x.bin", "rb");
  assert_non_null(f);
  assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
  assert_int_equal(fgetc(f), EOF);
  fclose(f);
  assert_memory_equal(bytes, r->server.board.qspi, sizeof bytes);
}

static void a_failed_read_leaves_no_file(void **state) {
  struct rig *r = *state;
  r->server.board.fault = FAULT_ERROR;
  r->server.board.at = 50;
  assert_int_equal(RUN(cmd_read, "-o", "x.bin", "qspi"), CLI_FAILED);
  assert_int_equal(scratch_entries(false), 0);
}

static void what_read_refuses(void **state) {
  struct rig *r = *state;
  assert_int_equal(RUN(cmd_read, "qspi"), CLI_USAGE);
  expect_complaint(r, "no output file was given: use -o");
  assert_int_equal(RUN(cmd_read, "-o", "x", "--all", "qspi"), CLI_USAGE);
  expect_complaint(r, "one file takes the content of one board");
  assert_int_equal(RUN(cmd_read, "-o", "x", "0x90000000:18014398509481985K"),
                   CLI_USAGE);
  expect_complaint(r, "is no part of flash");
  assert_int_equal(RUN(cmd_read, "-o", "x", "0x90000000:4095M"), CLI_FAILED);
  expect_complaint(r, "runs past the end of the flash at 0x9000FFFF");
}

// A device that says it has 4 GB: read in vain, but with a sentence.
static void a_flash_of_4_gb(void **state) {
  struct rig *r = *state;
  r->server.board.layouts[1] = "@All/0x0/1*2047Ma/0x80000000/1*2047Ma";
  assert_int_equal(RUN(cmd_read, "-o", "x.bin", "0x00000000"), CLI_FAILED);
  assert_true(strlen(r->err) > 30);
}

static void erase_sectors_and_all(void **state) {
  struct rig *r = *state;
  assert_int_equal(RUN(cmd_erase, "0x90004000:16K"), CLI_OK);
  assert_non_null(strstr(r->out, "1 sectors from 0x90004000 on are erased"));
  assert_int_equal(RUN(cmd_erase, "0x90004000"), CLI_USAGE);
  expect_complaint(r, "how much is to be erased? write 0x90004000:SIZE");
  assert_int_equal(RUN(cmd_erase, "0x90004001:16K"), CLI_FAILED);
  expect_complaint(r, "lies inside a sector");
  assert_int_equal(RUN(cmd_erase, "qspi"), CLI_OK);
  assert_non_null(strstr(r->out, "QSPI is erased"));
  assert_int_equal(r->server.board.internal[0], 0x55);
}

// ---- The others ------------------------------------------------------------

static void list_and_info(void **state) {
  struct rig *r = *state;
  r->server.board.serial = "x\x1B[2J";
  assert_int_equal(RUN(cmd_list, "-q"), CLI_OK);
  assert_non_null(strstr(r->out, "x?[2J"));
  assert_null(strchr(r->out, '\x1B'));
  assert_int_equal(RUN(cmd_list, "--json"), CLI_OK);
  json_t *list = json_loads(r->out, 0, NULL);
  assert_int_equal(json_array_size(list), 1);
  json_decref(list);
  assert_int_equal(RUN(cmd_info, "-q"), CLI_OK);
  assert_non_null(strstr(r->out, "application:  none at 0x08010000"));
  assert_int_equal(RUN(cmd_info, "--json"), CLI_OK);
  json_t *info = json_loads(r->out, JSON_DISABLE_EOF_CHECK, NULL);
  assert_string_equal(json_string_value(json_object_get(info, "serial")), "x?[2J");
  json_decref(info);
}

static void boot_starts_it(void **state) {
  struct rig *r = *state;
  assert_int_equal(RUN(cmd_boot, "-q"), CLI_OK);
  assert_true(r->server.board.started);
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(flash_and_verify),      RIGGED(flash_in_json),
      RIGGED(what_flash_refuses),    RIGGED(a_board_that_is_lost),
      RIGGED(read_into_a_file),      RIGGED(a_failed_read_leaves_no_file),
      RIGGED(what_read_refuses),     RIGGED(a_flash_of_4_gb),
      RIGGED(erase_sectors_and_all), RIGGED(list_and_info),
      RIGGED(boot_starts_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
