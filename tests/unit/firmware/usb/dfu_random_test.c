// SPDX-License-Identifier: MIT
// Long random sequences of requests, polls and faults, the class against the model:
// every answer is the same, every byte that is read is what it would be had each
// command run at once, and in the end it is where it belongs.
#include "firmware/usb/dfu.h"

#include "tests/fakes/random.h"
#include "tests/unit/firmware/usb/dfu_model.h"
#include "tests/unit/firmware/usb/dfu_rig.h"

enum { REQUESTS = 300000 };

struct run {
  struct dfu_rig *rig;
  struct model model;
  struct random random;
  uint8_t data[TRANSFER];
  // The medium in which an operation is to fail, and the bStatus of that.
  struct ram_medium *faulty;
  enum ram_step step;
  uint32_t requests, taken, faults, states[11], errors[16], leaves;
};

static uint32_t below(struct run *t, uint32_t count) {
  return random_below(&t->random, count);
}

// --- work ---

// The media are what the model says, after a fault excepted.
static void accept_damage(struct run *t) {
  memcpy(t->model.internal, t->rig->board.internal.bytes, MODEL_INTERNAL_SIZE);
  memcpy(t->model.nor, t->rig->board.nor.bytes, MODEL_NOR_SIZE);
}

// A fault that was armed has come: all that was taken is dropped, and operations in
// progress end.
static bool saw_fault(struct run *t) {
  if (!t->faulty || t->faulty->fail[t->step].countdown) return false;
  t->faulty = NULL;
  t->faults++;
  struct board_media *b = &t->rig->board;
  while (b->internal.busy || b->nor.busy) {
    if (!session_poll(&b->session)) b->now_us += BOARD_WAIT_US;
  }
  accept_damage(t);
  const bool erasing = t->step == RAM_ERASE_START || t->step == RAM_ERASE_END;
  model_fail(&t->model, erasing ? ERR_ERASE : ERR_PROG);
  return true;
}

// What the device has done meanwhile, in the model.
static void follow(struct run *t) {
  const struct dfu *d = &t->rig->dfu;
  saw_fault(t);
  if (t->model.waiting.job != JOB_NONE && d->work.kind == DFU_WORK_NONE) {
    assert_true(model_take(&t->model));
  }
  if (session_settled(&t->rig->board.session)) t->model.unsettled = false;
}

static void poll(struct run *t) {
  dfu_rig_pass(t->rig);
  follow(t);
}

static void arm_fault(struct run *t) {
  static const enum status status[RAM_STEPS] = {
      [RAM_ERASE_START] = ST_FLASH_LOCKED,
      [RAM_ERASE_END] = ST_ERASE_FAILED,
      [RAM_PROGRAM_START] = ST_BUS_TIMEOUT,
      [RAM_PROGRAM_END] = ST_PROGRAM_FAILED,
  };
  if (t->faulty) return;
  t->faulty = below(t, 2) ? &t->rig->board.nor : &t->rig->board.internal;
  t->step = (enum ram_step)(RAM_ERASE_START + below(t, 4));
  ram_medium_fail(t->faulty, t->step, 1 + below(t, 3), status[t->step]);
}

// --- requests, each in both devices ---

static void expect_same(struct run *t, bool taken, bool expected, const char *request) {
  t->requests++;
  t->taken += expected;
  t->states[t->model.state]++;
  t->errors[t->model.status]++;
  if (taken != expected || (int)t->rig->dfu.state != t->model.state ||
      t->rig->dfu.told.status != t->model.status) {
    fail_msg("request %u, %s: taken %d, state %d, status %d; not %d, %d, %d",
             t->requests, request, taken, t->rig->dfu.state, t->rig->dfu.told.status,
             expected, t->model.state, t->model.status);
  }
}

static uint32_t any_address(struct run *t) {
  static const uint32_t starts[] = {0x0800F000, 0x08010000, 0x08010000, 0x0803E000,
                                    0x90000000, 0x90000000, 0x90006000, 0x20000000};
  return starts[below(t, 8)] + below(t, 3) * below(t, 0x1800);
}

static uint32_t make_command(struct run *t) {
  static const uint8_t opcodes[] = {0x21, 0x21, 0x21, 0x41, 0x41, 0x41, 0x92, 0x00};
  const uint32_t address = any_address(t);
  t->data[0] = opcodes[below(t, 8)];
  for (int i = 0; i < 4; i++)
    t->data[1 + i] = (uint8_t)(address >> (8 * i));
  if (below(t, 20) == 0) return 1 + below(t, 8);
  return t->data[0] == 0x41 && below(t, 40) == 0 ? 1 : 5;
}

// Mostly short, mostly possible to write over what is there.
static uint32_t make_block(struct run *t) {
  static const uint8_t vectors[8] = {0, 0, 8, 0x20, 9, 0, 1, 8};
  const uint32_t length = below(t, 8) ? 1 + below(t, 100) : 4090 + below(t, 8);
  const uint8_t mask = (uint8_t)random_next(&t->random);
  for (uint32_t i = 0; i < length && i < TRANSFER; i++)
    t->data[i] = (uint8_t)(mask | random_next(&t->random));
  if (below(t, 2) == 0) memcpy(t->data, vectors, sizeof vectors);
  return length;
}

static void dnload(struct run *t) {
  const uint32_t dice = below(t, 100);
  uint16_t block = (uint16_t)(dice < 3 ? 1 : 2 + below(t, 3));
  uint32_t length = dice < 50 ? make_block(t) : make_command(t);
  if (dice >= 50) block = 0;
  if (dice >= 97) length = 0;
  const bool taken = dfu_rig_out(t->rig, RQ_DNLOAD, block, t->data, (uint16_t)length);
  expect_same(t, taken, model_dnload(&t->model, block, t->data, length), "DNLOAD");
}

static void upload(struct run *t) {
  static const uint16_t lengths[] = {0, 1, 3, 4, 64, 1024, 4096, 4097};
  const uint16_t block = (uint16_t)below(t, 6);
  const uint16_t length = lengths[below(t, 8)];
  const uint8_t *data = NULL;
  uint32_t given = 0;
  const bool taken = dfu_rig_in(t->rig, RQ_UPLOAD, block, length);
  if (t->rig->held) follow(t);
  const bool expected = model_upload(&t->model, block, length, &data, &given);
  expect_same(t, taken, expected, "UPLOAD");
  if (!taken) return;
  assert_int_equal(t->rig->got_length, given);
  if (given) assert_memory_equal(t->rig->got, data, given);
}

static void getstatus(struct run *t) {
  const bool finished = below(t, 10) != 0;
  const bool taken = finished ? dfu_rig_in(t->rig, RQ_GETSTATUS, 0, 6)
                              : dfu_rig_in_unfinished(t->rig, RQ_GETSTATUS, 0, 6);
  const struct dfu_told told = dfu_rig_told(t->rig);
  if (t->rig->held) follow(t);
  const bool allowed = model_getstatus(&t->model, told.state == BUSY);
  expect_same(t, taken, allowed, "GETSTATUS");
  expect_told(told, t->model.status, t->model.state);
  assert_int_equal(told.string != 0, told.status != OK);
  assert_true(told.poll_ms <= 1000 && told.poll_ms != 100);
  const bool at_once = t->model.waiting.job == JOB_SET_ADDRESS ||
                       (t->model.waiting.job == JOB_ERASE && !t->model.waiting.armed);
  if (told.state == BUSY && !at_once) assert_true(told.poll_ms >= 1);
  if (finished) model_answered(&t->model);
}

static void getstate(struct run *t) {
  const bool taken = dfu_rig_in(t->rig, RQ_GETSTATE, 0, 1);
  expect_same(t, taken, true, "GETSTATE");
  assert_int_equal(t->rig->got[0], t->model.state);
}

static void other(struct run *t) {
  struct model *m = &t->model;
  switch (below(t, 8)) {
    case 0:
      expect_same(t, dfu_rig_request(t->rig, RQ_DETACH), model_detach(m), "DETACH");
      break;
    case 1: {
      const uint8_t alternate = (uint8_t)below(t, 3);
      const bool taken = t->rig->cls.set_alternate(t->rig->cls.ctx, alternate);
      expect_same(t, taken, model_set_interface(m, alternate), "SET_INTERFACE");
      break;
    }
    case 2:
      t->rig->cls.reset(t->rig->cls.ctx);
      model_reset(m);
      expect_same(t, true, true, "bus reset");
      break;
    case 3:
    case 4:
      expect_same(t, dfu_rig_request(t->rig, RQ_ABORT), model_abort(m), "ABORT");
      break;
    default:
      expect_same(t, dfu_rig_request(t->rig, RQ_CLRSTATUS), model_clrstatus(m),
                  "CLRSTATUS");
      break;
  }
}

// The device is gone, and comes back as after a reset.
static void leave(struct run *t) {
  assert_int_equal(t->model.state, MANIFEST);
  dfu_init(&t->rig->dfu, &t->rig->board.session, &(const struct info){0});
  t->model.leave = false;
  t->model.upload_size = 0;
  model_reset(&t->model);
  t->leaves++;
}

static void any_request(struct run *t) {
  switch (below(t, 8)) {
    case 0:
    case 1: dnload(t); break;
    case 2: upload(t); break;
    case 3: getstate(t); break;
    case 4:
    case 5: getstatus(t); break;
    default: other(t); break;
  }
}

// What a host would do next.
static void sensible_request(struct run *t) {
  switch (t->model.state) {
    case IDLE:
    case DNLOAD_IDLE: dnload(t); break;
    case UPLOAD_IDLE: upload(t); break;
    case ERROR: other(t); break;
    default: getstatus(t); break;
  }
}

static void step(struct run *t) {
  if (below(t, 8) == 0) {
    any_request(t);
  } else {
    sensible_request(t);
  }
  if (below(t, 300) == 0) arm_fault(t);
  for (uint32_t n = below(t, 4) ? below(t, 3) : below(t, 60); n; n--)
    poll(t);
  assert_int_equal(dfu_wants_to_leave(&t->rig->dfu), t->model.leave);
  if (t->model.leave) leave(t);
}

// Until all is where it belongs, erases that are only noted as well.
static void settle(struct run *t) {
  session_flush(&t->rig->board.session);
  while (!session_settled(&t->rig->board.session) ||
         t->model.waiting.job == JOB_WRITE) {
    poll(t);
    session_flush(&t->rig->board.session);
  }
}

static void expect_same_flash(const struct run *t) {
  assert_memory_equal(t->rig->board.internal.bytes, t->model.internal,
                      MODEL_INTERNAL_SIZE);
  assert_memory_equal(t->rig->board.nor.bytes, t->model.nor, MODEL_NOR_SIZE);
}

static void the_class_and_the_model_never_differ(void **state) {
  static struct run t;
  t = (struct run){.rig = *state, .random = {88675123}};
  t.rig->board.internal.erase_us = t.rig->board.nor.erase_us = 5 * BOARD_WAIT_US;
  t.rig->board.internal.program_us = t.rig->board.nor.program_us = 3 * BOARD_WAIT_US;
  memset(t.rig->board.internal.bytes, 0xB0, MODEL_KEPT);
  accept_damage(&t);
  model_reset(&t.model);
  while (t.requests < REQUESTS) {
    step(&t);
    if (below(&t, 500) == 0) {
      settle(&t);
      expect_same_flash(&t);
    }
  }
  settle(&t);
  expect_same_flash(&t);
  // The walk has been everywhere.
  static const int reached[] = {IDLE,          SYNC,     BUSY,        DNLOAD_IDLE,
                                MANIFEST_SYNC, MANIFEST, UPLOAD_IDLE, ERROR};
  for (size_t i = 0; i < sizeof reached / sizeof *reached; i++)
    assert_true(t.states[reached[i]] > 100);
  static const int seen[] = {ERR_TARGET,  ERR_ERASE,   ERR_PROG,    ERR_VENDOR,
                             ERR_UNKNOWN, ERR_STALLED, ERR_FIRMWARE};
  for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
    assert_true(t.errors[seen[i]] > 50);
  assert_true(t.faults > 300 && t.leaves > 100 && t.taken > REQUESTS / 2);
  const struct board_media *b = &t.rig->board;
  assert_true(b->internal.calls[RAM_PROGRAM_END] > 1000);
  assert_true(b->nor.calls[RAM_PROGRAM_END] > 1000);
  assert_true(b->nor.calls[RAM_ERASE_END] > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      dfu_rig_test(the_class_and_the_model_never_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
