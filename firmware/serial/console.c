// SPDX-License-Identifier: MIT
#include "firmware/serial/console.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/crc32.h"
#include "common/base/hex.h"
#include "firmware/boot/app.h"

enum {
  // A terminal program opens the line before it makes it raw: what comes sooner, the
  // kernel sends back.
  GREET_MS = 200,
  // What comes faster than anybody types is shown when it is over: a program does not
  // need it, and a modem manager (1 ms between bytes) must not get it.
  DRAW_MS = 15,
  // A line that is not for us ends with this silence, too.
  NOISE_MS = 300,
  // An empty line so soon behind our own words is one of them, sent back.
  ECHO_MS = 50,
  // `load` waits for a sender so long, also while the line is closed: a shell closes
  // it between two programs.
  WAIT_MS = MODEM_ASK_MS * MODEM_ASK_TRIES,
  CTRL_C = 0x03,
  CTRL_U = 0x15,
  DELETE = 0x7F,
  ROW = 16,  // bytes in a row of `read`
};

#define QSPI_BASE 0x90000000u

static const char help[] =
    "# load [qspi|ADDRESS] [g]\r\n"
    "# erase qspi|flash|ADDRESS LENGTH\r\n"
    "# crc|read ADDRESS LENGTH\r\n"
    "# info, log, boot [anyway], reset\r\n"
    "# numbers: 4096, 0x1000, 4k, 1m\r\n";

// ---- What is said ----------------------------------------------------------

static void put(struct console *c, char byte) {
  if (c->out_end < sizeof c->out) c->out[c->out_end++] = byte;
}

static void put_hex(struct console *c, uint32_t value, int digits) {
  while (digits--) {
    put(c, "0123456789abcdef"[value >> 4 * digits & 0xFu]);
  }
}

static void put_decimal(struct console *c, uint32_t value) {
  if (value >= 10) put_decimal(c, value / 10u);
  put(c, (char)('0' + value % 10u));
}

// %s a text, %d decimal, %x eight and %b two hexadecimal digits.
static void say(struct console *c, const char *format, ...) {
  va_list args;
  va_start(args, format);
  for (; *format; format++) {
    if (*format != '%') {
      put(c, *format);
      continue;
    }
    switch (*++format) {
      case 's': {
        const char *text = va_arg(args, const char *);
        while (*text)
          put(c, *text++);
        break;
      }
      case 'd': put_decimal(c, va_arg(args, uint32_t)); break;
      case 'x': put_hex(c, va_arg(args, uint32_t), 8); break;
      default: put_hex(c, va_arg(args, uint32_t), 2); break;
    }
  }
  va_end(args);
}

static void end_job(struct console *c) {
  c->job = CONSOLE_EDIT;
  say(c, "> ");
}

// No such flash: the QSPI chip may be the reason.
static void say_status(struct console *c, enum status status, uint32_t address) {
  if (status == ST_BAD_ADDRESS && address == QSPI_BASE && c->facts->info->nor_status) {
    status = (enum status)c->facts->info->nor_status;
  }
  say(c, "! ");
  if (address) say(c, "at 0x%x: ", address);
  say(c, "%s\r\n", status_sentence(status));
}

static void refuse(struct console *c, enum status status, uint32_t address) {
  say_status(c, status, address);
  end_job(c);
}

// False: nothing waits to go out. `*moved`: some has.
static bool pump(struct console *c, bool *moved) {
  const struct serial_line *l = c->line;
  const size_t left = (size_t)(c->out_end - c->out_at);
  const size_t room = l->room(l->ctx);
  const size_t n = left < room ? left : room;
  *moved = n != 0;
  if (!left) return false;
  if (n) l->put(l->ctx, (const uint8_t *)c->out + c->out_at, n);
  c->out_at = (uint16_t)(c->out_at + n);
  if (n == left) c->out_at = c->out_end = 0;
  c->said_ms = c->ms;
  return true;
}

// ---- Words -----------------------------------------------------------------

static bool is_word(const struct console *c, uint8_t i, const char *word) {
  if (i >= c->words) return false;
  const char *p = c->word[i];
  while (*p && *p == *word) {
    p++;
    word++;
  }
  return *p == *word;
}

static bool parse(const char *p, uint32_t *value) {
  const bool hex = p[0] == '0' && p[1] == 'x';
  const uint32_t base = hex ? 16 : 10;
  if (hex) p += 2;
  const char *const first = p;
  uint64_t v = 0;
  for (uint32_t digit; (digit = (uint32_t)hex_digit(*p)) < base; p++) {
    v = v * base + digit;
    if (v > UINT32_MAX) return false;
  }
  if (p == first) return false;
  if (*p == 'k' || *p == 'm') v <<= *p++ == 'k' ? 10 : 20;
  *value = (uint32_t)v;
  return !*p && v <= UINT32_MAX;
}

static bool number(struct console *c, uint8_t i, uint32_t *value) {
  if (i >= c->words) {
    say(c, "! an address or a length is missing; type help\r\n");
  } else if (!parse(c->word[i], value)) {
    say(c, "! \"%s\" is no number; write 4096, 0x1000, 4k or 1m\r\n", c->word[i]);
  } else {
    return true;
  }
  end_job(c);
  return false;
}

static bool place(struct console *c, uint8_t i, uint32_t *address) {
  if (is_word(c, i, "qspi")) {
    *address = QSPI_BASE;
  } else if (is_word(c, i, "flash")) {
    *address = APP_BASE;
  } else {
    return number(c, i, address);
  }
  return true;
}

// Address and length, once.
static bool range(struct console *c) {
  if (!c->fresh) return true;
  c->fresh = false;
  return place(c, 1, &c->at) && number(c, 2, &c->left);
}

// ---- Jobs ------------------------------------------------------------------

static bool step_help(struct console *c) {
  say(c, help);
  end_job(c);
  return true;
}

static bool step_info(struct console *c) {
  const struct info *i = c->facts->info;
  const struct session *s = c->session;
  say(c, "# %s on %s\r\n# chip 0x%x, revision 0x%x, %d KB\r\n# qspi id %b%b%b, ",
      c->facts->name, c->facts->board, i->dev_id, i->rev_id, i->flash_kb, i->nor_id[0],
      i->nor_id[1], i->nor_id[2]);
  say(c, "%d KB: %s\r\n# application: %s\r\n# %d records; update %sfinished\r\n",
      i->nor_size / 1024u, status_sentence((enum status)i->nor_status),
      status_sentence(session_finish(c->session)), s->log_medium ? s->log.records : 0,
      session_unfinished(s) ? "not " : "");
  end_job(c);
  return true;
}

// The next `n` bytes, to the receiver's chunk, which has no other use now. False: not
// now, or there are none.
static bool fetch(struct console *c, uint32_t n) {
  uint32_t got;
  enum status status = session_read(c->session, c->at, c->receive.chunk, n, &got);
  if (status == ST_NOT_NOW) return false;
  if (status == ST_OK && got < n) status = ST_CROSSES_END;
  if (status != ST_OK) {
    refuse(c, status, c->at);
    return false;
  }
  c->at += n;
  c->left -= n;
  return true;
}

static bool step_read(struct console *c) {
  if (!range(c)) return true;
  const uint32_t n = c->left < ROW ? c->left : ROW, at = c->at;
  if (n && !fetch(c, n)) return c->job == CONSOLE_EDIT;
  if (n) say(c, "%x:", at);
  for (uint32_t i = 0; i < n; i++)
    say(c, " %b", c->receive.chunk[i]);
  if (n) say(c, "\r\n");
  if (!c->left) end_job(c);
  return true;
}

static bool step_crc(struct console *c) {
  if (c->fresh) c->crc = CRC32_INIT;
  if (!range(c)) return true;
  const uint32_t n = c->left < CONSOLE_STEP ? c->left : CONSOLE_STEP;
  if (n && !fetch(c, n)) return c->job == CONSOLE_EDIT;
  c->crc = c->facts->crc32(c->crc, c->receive.chunk, n);
  if (!c->left) {
    say(c, "# crc-32 0x%x\r\n", ~c->crc);
    end_job(c);
  }
  return true;
}

static bool is_ours(struct console *c) {
  if (session_claim(c->session, SESSION_SERIAL)) return true;
  refuse(c, ST_OTHER_ROAD, 0);
  return false;
}

// All work is done.
static bool is_done(struct console *c) {
  session_flush(c->session);
  return session_settled(c->session);
}

// The whole of a flash by its name, else a range of whole units.
static enum status begin_erase(struct console *c) {
  c->left = UINT32_MAX;
  c->fresh = false;
  if (!place(c, 1, &c->at)) return ST_OK;
  if (c->words == 2 && *c->word[1] > '9') return session_check_erase(c->session, c->at);
  if (!number(c, 2, &c->left)) return ST_OK;
  if ((c->at | c->left) % WRITER_UNIT) return ST_UNALIGNED;
  return session_check_write(c->session, c->at, c->left);
}

// Notes what is to be erased, a block a step; then all of it is done.
static bool step_erase(struct console *c) {
  struct session *s = c->session;
  if (c->fresh) {
    const enum status status = begin_erase(c);
    if (status != ST_OK) refuse(c, status, c->at);
    return true;
  }
  uint32_t n = c->left;
  if (!is_ours(c)) return true;
  if (n && session_check_erase(s, c->at) == ST_OK) {
    if (!session_erase_part(s, c->at, &n)) return false;
    c->at += n;
    c->left -= n;
    return true;
  }
  if (!is_done(c)) return false;
  session_release(s, SESSION_SERIAL);
  say(c, "# erased\r\n");
  end_job(c);
  return true;
}

static bool step_boot(struct console *c) {
  struct session *s = c->session;
  if (!is_ours(c)) return true;
  if (!is_done(c)) return false;
  const bool unfinished = session_unfinished(s);
  const enum status status =
      unfinished && !is_word(c, 1, "anyway") ? ST_UNFINISHED : session_finish(s);
  if (status != ST_OK) {
    session_release(s, SESSION_SERIAL);
    refuse(c, status, 0);
  } else if (unfinished) {
    session_insist(s);
    session_complete(s);
  } else {
    c->boot = true;
  }
  return true;
}

static bool step_reset(struct console *c) {
  if (!is_ours(c)) return true;
  c->reset = is_done(c);
  return false;
}

static const char *sentence(enum modem_end end) {
  switch (end) {
    case MODEM_END_CANCELLED: return "the sender has cancelled";
    case MODEM_END_NOT_STARTED: return "nothing was sent; type load again";
    case MODEM_END_STREAM: return "a block was damaged; load without g";
    case MODEM_END_UNENDED: return "the batch broke off; send all of it again";
    default: return "the line was bad or silent; send it again";
  }
}

static void report(struct console *c) {
  const struct receive *r = &c->receive;
  const struct modem_receiver *m = &r->modem;
  if (r->status == ST_OK && m->end == MODEM_END_OK) {
    say(c, "# %d files, %d bytes in %d.%d s, %d KB/s%s\r\n", m->files, r->bytes,
        r->ms / 1000u, r->ms / 100u % 10u, r->bytes / (r->ms + 1u),
        m->xmodem && r->plain ? "; padded to whole blocks" : "");
  } else if (r->status == ST_OK) {
    say(c, "! %s\r\n", sentence(m->end));
  } else {
    say_status(c, r->status, r->failed_at);
  }
  if (session_unfinished(c->session)) say_status(c, ST_UNFINISHED, 0);
  end_job(c);
}

// Which protocol it is, the receiver finds out.
static bool begin_load(struct console *c) {
  enum modem_ask ask = MODEM_ASK_CRC;
  bool application = true;
  c->at = APP_BASE;
  for (uint8_t i = 1; i < c->words; i++) {
    if (is_word(c, i, "g")) {
      ask = MODEM_ASK_STREAM;
    } else if (!is_word(c, i, "ymodem") && !is_word(c, i, "xmodem")) {
      if (!place(c, i, &c->at)) return true;
      application = is_word(c, i, "flash");
    }
  }
  const enum status status = session_check_write(c->session, c->at, 1);
  if (status != ST_OK) {
    refuse(c, status, c->at);
    return true;
  }
  c->fresh = false;
  c->may_feed = true;
  say(c, "# send by ymodem or xmodem now; ctrl-x twice stops\r\n");
  receive_start(&c->receive, c->session, c->at, application, ask, c->ms);
  return true;
}

static bool step_load(struct console *c) {
  const struct serial_line *l = c->line;
  const uint8_t *bytes;
  if (c->fresh) return begin_load(c);
  if (c->may_feed && l->peek(l->ctx, &bytes)) {
    c->may_feed = false;
    if (*bytes == '\n') l->take(l->ctx, 1);
  }
  const bool worked = receive_poll(&c->receive, l, c->ms);
  // Its last word is out, not only said.
  if (!c->receive.over || c->receive.modem.output_count) return worked;
  report(c);
  return true;
}

// ---- The line that is typed ------------------------------------------------

static void drop_line(struct console *c) {
  c->stale = c->shown;  // the other end still has it
  c->length = 0;
  c->typed[0] = 0;
  c->noise = false;
  c->receive.modem.xmodem = false;  // an EOT belongs to no load any more
}

static void draw(struct console *c) {
  if (c->stale) say(c, "\r\x1B[K> %s", c->typed);
  c->shown = c->length != 0;
  c->stale = false;
}

static void split(struct console *c) {
  char *p = c->typed;
  c->words = 0;
  while (*p) {
    while (*p == ' ')
      *p++ = 0;
    if (*p && c->words < CONSOLE_WORDS) c->word[c->words++] = p;
    while (*p && *p != ' ')
      p++;
  }
}

static bool step_edit(struct console *c);
static bool step_greet(struct console *c);

static const struct {
  char name[6];
  bool (*step)(struct console *c);
} jobs[] = {
    [CONSOLE_EDIT] = {"", step_edit},     [CONSOLE_GREET] = {"", step_greet},
    [CONSOLE_HELP] = {"help", step_help}, [CONSOLE_INFO] = {"info", step_info},
    [CONSOLE_LOG] = {"log", step_info},   [CONSOLE_READ] = {"read", step_read},
    [CONSOLE_CRC] = {"crc", step_crc},    [CONSOLE_ERASE] = {"erase", step_erase},
    [CONSOLE_BOOT] = {"boot", step_boot}, [CONSOLE_RESET] = {"reset", step_reset},
    [CONSOLE_LOAD] = {"load", step_load},
};

static void run(struct console *c) {
  split(c);
  c->fresh = true;
  for (c->job = CONSOLE_HELP; c->job <= CONSOLE_LOAD; c->job++) {
    if (is_word(c, 0, jobs[c->job].name)) return;
  }
  say(c, "! there is no command \"%s\"; type help\r\n", c->word[0]);
  end_job(c);
}

// What is not for us is passed over in silence.
static void enter(struct console *c) {
  const bool at = c->typed[0] == 'a' && c->typed[1] == 't';
  const bool echo = !c->length && c->ms - c->said_ms < ECHO_MS;
  if (c->noise || at || echo) {
    c->said_ms = c->ms;  // as if: a LF may follow
  } else {
    draw(c);
    say(c, "\r\n");
    c->shown = false;
    if (c->length) {
      run(c);
    } else {
      end_job(c);
    }
  }
  drop_line(c);
}

static void take_char(struct console *c, char byte) {
  if (byte >= 'A' && byte <= 'Z') byte = (char)(byte + 'a' - 'A');
  if (!c->length && (byte < 'a' || byte > 'z')) c->noise = true;
  if (byte < ' ' || byte > '~' || c->length == CONSOLE_LINE) c->noise = true;
  if (c->noise) return;
  c->typed[c->length++] = byte;
  c->typed[c->length] = 0;
}

static void take_key(struct console *c, char byte) {
  c->stale = true;
  switch (byte) {
    case '\n':
    case '\r': enter(c); break;
    case MODEM_BS:
    case DELETE:
      if (c->length) c->typed[--c->length] = 0;
      break;
    case CTRL_C:
    case CTRL_U: drop_line(c); break;
    // A sender that was refused at the end of its file: lrzsz sees nothing of that, and
    // would wait ten minutes if its EOT were not answered at once, ten times. And one
    // that has missed our last word.
    case MODEM_EOT:
      if (c->receive.status != ST_OK) {
        say(c, "\x18\x18");
      } else if (c->receive.modem.xmodem && c->receive.modem.end == MODEM_END_OK) {
        put(c, MODEM_ACK);
      }
      break;
    default: take_char(c, byte);
  }
}

// Nothing came. True while something is to be shown soon.
static bool wait_for_keys(struct console *c) {
  const uint32_t ms = c->ms - c->came_ms;
  if (c->noise) {
    if (ms >= NOISE_MS) drop_line(c);
    return false;
  }
  if (ms >= DRAW_MS) draw(c);
  return c->stale;
}

static bool step_edit(struct console *c) {
  const struct serial_line *l = c->line;
  const uint8_t *bytes;
  const size_t n = l->peek(l->ctx, &bytes);
  size_t taken = 0;
  if (!n) return wait_for_keys(c);
  c->came_ms = c->ms;
  while (taken < n && c->job == CONSOLE_EDIT && !c->out_end) {
    take_key(c, (char)bytes[taken++]);
  }
  l->take(l->ctx, taken);
  return true;
}

// ---- All -------------------------------------------------------------------

static bool step_greet(struct console *c) {
  const struct serial_line *l = c->line;
  const uint8_t *bytes;
  if (l->peek(l->ctx, &bytes)) {
    c->job = CONSOLE_EDIT;  // who is so quick is no person
    return true;
  }
  if (c->ms - c->opened_ms < GREET_MS) return false;
  say(c, "\r\n# %s; type help\r\n", c->facts->name);
  end_job(c);
  return true;
}

// A load that waits for its sender goes on waiting.
static void opened(struct console *c) {
  const bool waits = c->job == CONSOLE_LOAD && c->ms - c->opened_ms < WAIT_MS;
  c->open = true;
  c->opened_ms = c->ms;
  c->out_at = c->out_end = 0;
  c->shown = false;
  drop_line(c);
  if (waits) {
    struct receive *r = &c->receive;
    if (c->fresh) return;
    receive_start(r, c->session, r->address, r->application,
                  (enum modem_ask)r->modem.ask, c->ms);
  } else {
    c->job = CONSOLE_GREET;
  }
}

// What was taken is still written; the update is not finished.
static void closed(struct console *c) {
  const bool loads = c->job == CONSOLE_LOAD;
  const bool begun = loads && !c->fresh && c->receive.begun;
  if (begun && !receive_stop(&c->receive)) return;
  c->open = false;
  c->opened_ms = c->ms;
  if (loads && !begun) return;
  c->job = CONSOLE_GREET;
  if (c->session->owner != SESSION_SERIAL) return;
  session_flush(c->session);
  session_release(c->session, SESSION_SERIAL);
}

static void look_at_time(struct console *c) {
  const uint32_t ms = (session_now_us(c->session) - c->us) / 1000u;
  c->us += ms * 1000u;
  c->ms += ms;
}

// The first failure of our work. Of a line that was closed meanwhile, nobody hears.
static void collect(struct console *c) {
  if (c->session->owner != SESSION_SERIAL) return;
  const struct writer_result r = session_take_result(c->session);
  if (r.status == ST_OK) return;
  if (c->job == CONSOLE_LOAD) {
    receive_fail(&c->receive, r.status, r.address);
  } else if (c->job > CONSOLE_CRC) {
    session_release(c->session, SESSION_SERIAL);
    refuse(c, r.status, r.address);
  }
}

// Ctrl-C ends what only reads.
static void look_for_stop(struct console *c) {
  const struct serial_line *l = c->line;
  const uint8_t *bytes;
  if (c->job != CONSOLE_READ && c->job != CONSOLE_CRC) return;
  const size_t n = l->peek(l->ctx, &bytes);
  for (size_t i = 0; i < n; i++) {
    if (bytes[i] != CTRL_C) continue;
    l->take(l->ctx, i + 1);
    c->out_at = c->out_end = 0;
    say(c, "\r\n");
    end_job(c);
    return;
  }
}

// Of a session that follows at once, a command hears nothing: its answer goes there.
static bool is_ended(const struct console *c) {
  const bool runs = c->job >= CONSOLE_HELP && c->job < CONSOLE_LOAD;
  return !runs || !c->line->open(c->line->ctx);
}

bool console_poll(struct console *c) {
  bool moved;
  look_at_time(c);
  collect(c);
  if (c->line->open(c->line->ctx) != c->open) {
    if (!c->open) {
      opened(c);
    } else if (is_ended(c)) {
      closed(c);
    }
  }
  if (!c->open || c->boot || c->reset) return false;
  look_for_stop(c);
  return pump(c, &moved) ? moved : jobs[c->job].step(c);
}

void console_init(struct console *c, const struct serial_line *line, struct session *s,
                  const struct console_facts *facts) {
  memset(c, 0, offsetof(struct console, receive));
  c->line = line;
  c->session = s;
  c->facts = facts;
  c->receive.status = ST_OK;
  c->us = session_now_us(s);
}
