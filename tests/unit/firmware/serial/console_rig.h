// SPDX-License-Identifier: MIT
// The console over two media of RAM, on a line whose other end is a test: it types,
// reads what is said, and sends files with the sender of common/protocol. Time is
// virtual.
#pragma once

#include "common/base/crc32.h"
#include "firmware/serial/console.h"
#include "tests/fakes/board_media.h"

enum {
  RIG_LOG = 0x08008000,
  RIG_PACKET = 512,        // the most that the line gives at once
  RIG_TYPED = 1 << 18,     // bytes to the board, all together
  RIG_SAID = 1 << 18,      // and from it
  RIG_PATIENCE = 4000000,  // steps
};

struct rig_file {
  const char *name;
  const uint8_t *data;
  uint32_t size;
};

struct console_rig {
  struct board_media board;
  struct console console;
  struct serial_line line;
  struct console_facts facts;
  struct info info;
  bool open;
  bool again;     // the next look finds it closed: another session has begun
  size_t unsent;  // of what the board put; goes out with the next step
  bool deaf;      // the host takes nothing: it never does
  uint8_t typed[RIG_TYPED];
  size_t typed_at, typed_end;
  char said[RIG_SAID];
  size_t said_at, said_end;
  uint32_t step_us;  // passes when nothing works
  struct modem_sender sender;
  uint32_t pace_us, paced_us;  // the line takes 100 bytes in that time
  // Accidents of a transfer: when so many bytes, blocks, files went; 0: never.
  size_t close_at, cancel_at, damage_at, vanish_at;
  size_t sent, blocks;
  // A file was confirmed to the sender.
  void (*on_file)(struct console_rig *r, uint32_t number);
};

// --- the line ---

static inline size_t rig_peek(void *ctx, const uint8_t **bytes) {
  struct console_rig *r = (struct console_rig *)ctx;
  const size_t n = r->typed_end - r->typed_at;
  *bytes = r->typed + r->typed_at;
  return n < RIG_PACKET ? n : RIG_PACKET;
}

static inline void rig_take(void *ctx, size_t n) {
  struct console_rig *r = (struct console_rig *)ctx;
  assert_true(n <= r->typed_end - r->typed_at);
  r->typed_at += n;
}

static inline size_t rig_room(void *ctx) {
  const struct console_rig *r = (const struct console_rig *)ctx;
  return SERIAL_LINE_ROOM - r->unsent;
}

static inline void rig_put(void *ctx, const uint8_t *bytes, size_t n) {
  struct console_rig *r = (struct console_rig *)ctx;
  assert_true(n <= SERIAL_LINE_ROOM - r->unsent);
  assert_true(n < RIG_SAID - r->said_end);
  r->unsent += n;
  if (!r->open) return;
  memcpy(r->said + r->said_end, bytes, n);
  r->said_end += n;
}

static inline bool rig_is_open(void *ctx) {
  struct console_rig *r = (struct console_rig *)ctx;
  const bool again = r->again;
  r->again = false;
  return r->open && !again;
}

// --- time ---

static inline void rig_pass(struct console_rig *r) {
  const bool flash = session_poll(&r->board.session);
  const bool console = console_poll(&r->console);
  if (!r->deaf) r->unsent = 0;
  if (!flash && !console) r->board.now_us += r->step_us;
}

static inline void rig_wait(struct console_rig *r, uint32_t ms) {
  const uint32_t from = r->board.now_us;
  while (r->board.now_us - from < ms * 1000u) {
    const uint32_t before = r->board.now_us;
    rig_pass(r);
    if (r->board.now_us == before) r->board.now_us += 10;
  }
}

// --- the other end ---

static inline void rig_bytes(struct console_rig *r, const void *bytes, size_t n) {
  if (!r->open) return;
  if (r->typed_at == r->typed_end) r->typed_at = r->typed_end = 0;
  assert_true(n <= RIG_TYPED - r->typed_end);
  memcpy(r->typed + r->typed_end, bytes, n);
  r->typed_end += n;
}

static inline void rig_type(struct console_rig *r, const char *text) {
  rig_bytes(r, text, strlen(text));
}

static inline void rig_open_line(struct console_rig *r) {
  r->open = true;
  rig_pass(r);
}

static inline void rig_close_line(struct console_rig *r) {
  r->open = false;
  r->typed_at = r->typed_end = 0;  // whatever was under way is lost
  rig_pass(r);
}

// What was said since the last look, without the colours of the line editor: from the
// last "\r\x1B[K" of each line on.
static inline const char *rig_said(struct console_rig *r) {
  static char text[RIG_SAID + 1];
  size_t n = 0, line = 0;
  for (; r->said_at < r->said_end; r->said_at++) {
    if (!strncmp(r->said + r->said_at, "\r\x1B[K", 4)) {
      r->said_at += 3;
      n = line;
      continue;
    }
    text[n++] = r->said[r->said_at];
    if (r->said[r->said_at] == '\n') line = n;
  }
  text[n] = 0;
  return text;
}

static inline bool rig_is_idle(const struct console_rig *r) {
  const struct console *c = &r->console;
  return c->job == CONSOLE_EDIT && r->typed_at == r->typed_end &&
         c->out_at == c->out_end;
}

// Until the console waits for the next command, and a little longer.
static inline void rig_settle(struct console_rig *r) {
  for (unsigned n = 0; !rig_is_idle(r); n++) {
    assert_true(n < RIG_PATIENCE);
    rig_pass(r);
  }
  rig_wait(r, 100);
}

// Types a line; what is answered, from behind the line's echo on to the prompt.
static inline const char *rig_ask(struct console_rig *r, const char *line) {
  rig_said(r);
  rig_type(r, line);
  rig_type(r, "\r");
  rig_pass(r);
  rig_settle(r);
  const char *text = rig_said(r);
  const char *end = strstr(text, "\r\n");
  return end ? end + 2 : text;
}

#define expect_answer(r, line, answer) assert_string_equal(rig_ask(r, line), answer)

// As the next start would read it.
static inline bool rig_unfinished(struct console_rig *r) {
  struct state_log log = {.unfinished = false};
  for (unsigned n = 0; n < 0x8000 / STATE_LOG_RECORD; n++) {
    if (!state_log_take(
            &log, board_media_at(&r->board, RIG_LOG) + (size_t)n * STATE_LOG_RECORD)) {
      break;
    }
  }
  return log.unfinished;
}

// --- sending ---

static inline uint32_t rig_ms(const struct console_rig *r) {
  return r->console.ms;
}

static inline void rig_feed_sender(struct console_rig *r, const struct rig_file *files,
                                   size_t count) {
  struct modem_sender *s = &r->sender;
  if (s->event == MODEM_FILE && s->files < count) {
    modem_sender_file(s, files[s->files].name, files[s->files].size, rig_ms(r));
  } else if (s->event == MODEM_FILE) {
    modem_sender_finish(s, rig_ms(r));
  } else if (s->event == MODEM_DATA) {
    r->blocks++;
    if (r->blocks == r->cancel_at) {
      modem_sender_cancel(s, rig_ms(r));
    } else {
      modem_sender_data(s, files[s->files].data + s->offset, rig_ms(r));
    }
  }
}

static inline void rig_send_bytes(struct console_rig *r, const uint8_t *bytes,
                                  size_t n) {
  for (size_t i = 0; i < n; i++) {
    const uint8_t byte = ++r->sent == r->damage_at ? bytes[i] ^ 0x10u : bytes[i];
    rig_bytes(r, &byte, 1);
    if (r->sent == r->close_at) rig_close_line(r);
  }
}

static inline void rig_step_sender(struct console_rig *r, const struct rig_file *files,
                                   size_t count) {
  struct modem_sender *s = &r->sender;
  const size_t n = r->said_end - r->said_at;
  modem_sender_take(s, (const uint8_t *)r->said + r->said_at, n, rig_ms(r));
  r->said_at = r->said_end;
  rig_feed_sender(r, files, count);
  size_t left;
  const uint8_t *out = modem_sender_output(s, &left);
  if (left > 100) left = 100;
  // The line takes so much before it holds the host back.
  if (!left || r->typed_end - r->typed_at > 2 * RIG_PACKET) return;
  rig_send_bytes(r, out, left);
  modem_sender_sent(s, left, rig_ms(r));
}

static inline bool rig_is_sending(struct console_rig *r, uint32_t files) {
  const uint32_t now = r->sender.files;
  if (now != files && r->on_file) r->on_file(r, now);
  return r->sender.event != MODEM_OVER && !(r->vanish_at && now == r->vanish_at);
}

// A sender program runs, from its start to its end. How it ended.
static inline enum modem_end rig_send(struct console_rig *r, enum modem_protocol p,
                                      const struct rig_file *files, size_t count) {
  r->sent = r->blocks = 0;
  r->said_at = r->said_end;
  modem_sender_start(&r->sender, p, rig_ms(r));
  uint32_t confirmed = 0;
  for (unsigned n = 0; rig_is_sending(r, confirmed); n++) {
    assert_true(n < RIG_PATIENCE);
    confirmed = r->sender.files;
    if (r->board.now_us - r->paced_us < r->pace_us) {
      // The line is still busy.
    } else if (r->open) {
      r->paced_us = r->board.now_us;
      rig_step_sender(r, files, count);
    } else {
      modem_sender_cancel(&r->sender, rig_ms(r));
      modem_sender_sent(&r->sender, MODEM_OUTPUT_MAX, rig_ms(r));
    }
    rig_pass(r);
  }
  return r->sender.end;
}

// A load from the command to its report, which is the last line but one.
static inline const char *rig_load(struct console_rig *r, const char *command,
                                   enum modem_protocol p, const struct rig_file *files,
                                   size_t count) {
  rig_type(r, command);
  rig_type(r, "\r");
  rig_pass(r);
  rig_send(r, p, files, count);
  if (r->open) rig_settle(r);
  return rig_said(r);
}

// --- files ---

enum { RIG_CONTENT = 256 * 1024 };
static uint8_t rig_content[RIG_CONTENT];

static inline void rig_fill(uint32_t seed) {
  for (size_t i = 0; i < sizeof rig_content; i++) {
    seed = seed * 1103515245u + 12345u;
    rig_content[i] = (uint8_t)(seed >> 16);
  }
}

// A .dfu file of these elements, each in a target of its own, named as it were for the
// alternate settings in turn.
static inline struct rig_file rig_dfu(const struct dfuse_element_plan *e,
                                      size_t count) {
  static uint8_t bytes[2][RIG_CONTENT + 8192];
  static unsigned turn;
  struct dfuse_target_plan targets[8];
  uint32_t size;
  turn = !turn;
  for (size_t i = 0; i < count; i++) {
    targets[i] = (struct dfuse_target_plan){.alternate_setting = (uint8_t)(i % 2),
                                            .name = "a",
                                            .elements = e + i,
                                            .count = 1};
  }
  const struct dfuse_plan plan = {.targets = targets, .count = count};
  assert_int_equal(dfuse_plan_size(&plan, &size), DFUSE_OK);
  assert_int_equal(dfuse_build(&plan, bytes[turn], sizeof bytes[turn]), DFUSE_OK);
  return (struct rig_file){"a.dfu", bytes[turn], size};
}

static inline void expect_flash(struct console_rig *r, uint32_t at, const uint8_t *data,
                                size_t n) {
  assert_memory_equal(board_media_at(&r->board, at), data, n);
}

static inline void expect_said(const char *said, const char *words) {
  if (!strstr(said, words)) assert_string_equal(said, words);
}

// --- set-up ---

static inline int rig_open(void **state) {
  struct console_rig *r = (struct console_rig *)calloc(1, sizeof *r);
  if (!r) return -1;
  board_media_open(&r->board);
  assert_int_equal(session_open_log(&r->board.session, RIG_LOG), ST_OK);
  r->step_us = BOARD_WAIT_US;
  r->line = (struct serial_line){.ctx = r,
                                 .peek = rig_peek,
                                 .take = rig_take,
                                 .room = rig_room,
                                 .put = rig_put,
                                 .open = rig_is_open};
  r->info = (struct info){.dev_id = 0x451,
                          .rev_id = 0x1001,
                          .flash_kb = 256,
                          .nor_id = {0x20, 0xBA, 0x1A},
                          .nor_size = BOARD_NOR_END - BOARD_NOR};
  r->facts = (struct console_facts){.name = "quadboot 0.1.0",
                                    .board = "a board",
                                    .info = &r->info,
                                    .crc32 = crc32_update};
  // Garbage before: whoever begins must not rely on zeros.
  memset(&r->console, 0xA5, sizeof r->console);
  console_init(&r->console, &r->line, &r->board.session, &r->facts);
  rig_open_line(r);
  rig_wait(r, 400);
  *state = r;
  return 0;
}

static inline int rig_close(void **state) {
  struct console_rig *r = (struct console_rig *)*state;
  board_media_close(&r->board);
  free(r);
  return 0;
}

#define rig_test(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)
