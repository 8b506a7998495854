// SPDX-License-Identifier: MIT
// Two hosts at one board: a DFU program while a serial load is under way, and the
// reverse. One of them is refused with a sentence, the other notices nothing.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"
#include "tests/hostmodel/serial_rig.h"

enum { SIZE = 200 * 1024, PLACE = 0x100000 };

static struct serial_rig port;
static uint8_t bytes[SIZE], others[CLIENT_BLOCK], got[CLIENT_BLOCK];
static const struct serial_file file = {"data.bin", bytes, SIZE};

static bool says(const char *words) {
  return strstr(port.host.said, words) != NULL;
}

static void begin(struct rig *r) {
  dfu_pattern(bytes, sizeof bytes, 1);
  dfu_pattern(others, sizeof others, 2);
  port = (struct serial_rig){.rig = r};
  serial_rig_open(&port, r);
}

static void end(struct rig *r) {
  serial_rig_close(&port);
  r->longest = 0;  // requests beside a stream share its wire: system.cdc
}

static void expect_loaded(struct rig *r) {
  assert_true(serial_rig_wait(&port, VT_S(60)));
  assert_int_equal(port.host.sender.end, MODEM_END_OK);
  assert_true(serial_rig_prompt(&port, VT_S(5)));
  assert_true(says("# 1 files, 204800 bytes"));
  assert_memory_equal(rig_memory(r, EXTERNAL), bytes, SIZE);
}

// Erases, a write and reads by DFU in the middle of a load.
static void dfu_is_refused_while_a_load_runs(void **state) {
  struct rig *r = *state;
  begin(r);
  dfu_spoil(r, EXTERNAL + PLACE, CLIENT_BLOCK);
  memcpy(got, rig_memory(r, EXTERNAL + PLACE), sizeof got);
  serial_host_type(&port.host, "load qspi g\r");
  serial_host_send(&port.host, MODEM_YMODEM_G, &file, 1);
  for (unsigned i = 0; i < 3; i++) {
    while (port.host.blocks < 40 * (i + 1))
      rig_run(r, VT_MS(1));
    assert_int_equal(dfu_select(r, 1), 0);
    const struct reply reply = i == 0 ? dfu_erase(r, EXTERNAL + PLACE)
                                      : dfu_write(r, EXTERNAL + PLACE, others, 4096);
    assert_int_equal(reply.state, ERROR);
    dfu_expect_error(r, 3, 0,
                     "another program is updating this board; try again when it has "
                     "ended");
    assert_true(port.host.sending);
    assert_memory_equal(rig_memory(r, EXTERNAL + PLACE), got, sizeof got);
  }
  expect_loaded(r);
  end(r);
  dfu_expect_usable(r);
}

static void reading_is_right_while_a_load_runs(void **state) {
  struct rig *r = *state;
  begin(r);
  dfu_spoil(r, EXTERNAL + PLACE, CLIENT_BLOCK);
  serial_host_type(&port.host, "load qspi g\r");
  serial_host_send(&port.host, MODEM_YMODEM_G, &file, 1);
  for (unsigned i = 0; i < 4; i++) {
    while (port.host.blocks < 40 * (i + 1))
      rig_run(r, VT_MS(1));
    assert_int_equal(dfu_select(r, 1), 0);
    dfu_read(r, EXTERNAL + PLACE, got, sizeof got);
    assert_memory_equal(rig_memory(r, EXTERNAL + PLACE), got, sizeof got);
    dfu_read(r, EXTERNAL + i * CLIENT_BLOCK, got, sizeof got);
    assert_memory_equal(bytes + i * CLIENT_BLOCK, got, sizeof got);
    dfu_abort(r);
    assert_true(port.host.sending);
  }
  expect_loaded(r);
  end(r);
}

// A load that is typed, and sent, in the middle of a download.
static void a_load_is_refused_while_dfu_works(void **state) {
  struct rig *r = *state;
  begin(r);
  assert_int_equal(dfu_select(r, 1), 0);
  for (uint32_t at = 0; at < SIZE; at += CLIENT_BLOCK) {
    const struct reply reply =
        dfu_write(r, EXTERNAL + PLACE + at, bytes + at, CLIENT_BLOCK);
    assert_int_equal(reply.state, DNLOAD_IDLE);
    if (at == 5 * CLIENT_BLOCK) {
      serial_host_type(&port.host, "load qspi\r");
      serial_host_send(&port.host, MODEM_YMODEM, &file, 1);
    }
    // A host that works on: the load's first block comes now.
    if (at == 20 * CLIENT_BLOCK) rig_run(r, VT_MS(400));
  }
  assert_int_equal(dfu_finish(r).state, IDLE);
  assert_true(serial_rig_wait(&port, VT_S(10)));
  assert_int_equal(port.host.sender.end, MODEM_END_CANCELLED);
  assert_true(serial_rig_prompt(&port, VT_S(5)));
  assert_true(says("! another program is updating this board"));
  assert_memory_equal(rig_memory(r, EXTERNAL + PLACE), bytes, SIZE);
  for (uint32_t i = 0; i < SIZE; i++)
    assert_int_equal(rig_memory(r, EXTERNAL)[i], 0xFF);
  rig_run(r, VT_S(6));
  port.host.said_length = 0;
  serial_host_type(&port.host, "load qspi\r");
  serial_host_send(&port.host, MODEM_YMODEM, &file, 1);
  expect_loaded(r);
  assert_memory_equal(rig_memory(r, EXTERNAL + PLACE), bytes, SIZE);
  end(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH_SERIAL(dfu_is_refused_while_a_load_runs),
      RIG_BOTH_SERIAL(reading_is_right_while_a_load_runs),
      RIG_BOTH_SERIAL(a_load_is_refused_while_dfu_works),
  };
  return cmocka_run_group_tests_name("serial roads", tests, NULL, NULL);
}
