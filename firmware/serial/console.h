// SPDX-License-Identifier: MIT
// A person's way into quadboot over a serial line: a prompt, a few commands, and files
// by XMODEM and YMODEM (docs/serial.md). Looked at from the main loop; nothing waits,
// and nothing here can touch the bootloader's own flash.
//
//   line --bytes--> edited line --> command --> job --lines--> line
//                                              |    one step at a time, each when all
//                                              |    that was said before has gone out
//                                              '--> receive.h, which has the line then
//
// Whatever is said begins with '#', '!', '>' or a digit, and a line that comes and does
// not begin with a letter is passed over: a terminal that sends back what it hears
// cannot make the console answer itself. Nor is anything said to the AT commands with
// which modem managers look for a modem.
#pragma once

#include "common/protocol/info.h"
#include "firmware/serial/receive.h"

enum {
  CONSOLE_LINE = 64,    // longest command
  CONSOLE_OUT = 448,    // longest answer of one step
  CONSOLE_WORDS = 4,    // of a command, itself included
  CONSOLE_STEP = 2048,  // bytes of a CRC's step
};

struct console_facts {
  const char *name, *board;  // "quadboot 0.1.0"
  const struct info *info;
  // Like crc32_update, or that itself.
  uint32_t (*crc32)(uint32_t crc, const void *data, size_t n);
};

// Commands from CONSOLE_HELP on; what changes something from CONSOLE_ERASE on.
enum console_job {
  CONSOLE_GREET,
  CONSOLE_EDIT,
  CONSOLE_HELP,
  CONSOLE_INFO,
  CONSOLE_LOG,
  CONSOLE_READ,
  CONSOLE_CRC,
  CONSOLE_ERASE,
  CONSOLE_BOOT,
  CONSOLE_RESET,
  CONSOLE_LOAD,
};

struct console {
  const struct serial_line *line;
  struct session *session;
  const struct console_facts *facts;
  bool boot, reset;  // wanted

  // Private.
  enum console_job job;
  bool open;
  uint32_t us, ms;  // the time
  uint32_t came_ms, said_ms, opened_ms;
  uint16_t out_at, out_end;
  // The line. The other end shows some of it, and not what it should; it is not for
  // us, or too long.
  uint8_t length;
  bool shown, stale, noise;
  uint8_t words;
  const char *word[CONSOLE_WORDS];
  uint32_t at, left, crc;  // of a job
  bool fresh;              // it has not begun
  bool may_feed;           // its command ended in CR, and a LF may follow
  char typed[CONSOLE_LINE + 1];
  char out[CONSOLE_OUT];
  struct receive receive;
};

// `line` and `facts` must outlive it.
void console_init(struct console *c, const struct serial_line *line, struct session *s,
                  const struct console_facts *facts);

// One step. False if it waits for the line, the flash or time; at most 100 ms later it
// wants to be called again.
bool console_poll(struct console *c);

// The application is to be started, or the chip reset: what was said of it has yet to
// go out.
static inline bool console_wants_boot(const struct console *c) {
  return c->boot;
}
static inline bool console_wants_reset(const struct console *c) {
  return c->reset;
}
