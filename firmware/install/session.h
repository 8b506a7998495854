// SPDX-License-Identifier: MIT
// The update session, where all roads end: which addresses may be erased and
// written, which medium they belong to, and whether an application may be started
// at the end. Roads see addresses and results; the writer does the work.
#pragma once

#include "firmware/boot/state_log.h"
#include "firmware/flash/writer.h"

enum { SESSION_MAX_MEDIA = 2 };

// An append to the state log under way.
enum session_logging { SESSION_NOT_LOGGING, SESSION_LOG_ERASING, SESSION_LOG_WRITING };

// Who may change the flash: one at a time.
enum session_road { SESSION_NOBODY, SESSION_DFU, SESSION_SERIAL };

// A host that was killed in an update has held the board for so long when nothing more
// of it comes. The longest pause that hosts make between two commands is that for a
// reply or a poll time: one second (docs/design.md).
enum { SESSION_SILENCE_US = 5000000 };

struct session {
  struct writer *writer;
  enum session_road owner, last;  // last: that there was, or is
  uint32_t claimed_us;            // the last time
  // Internal flash has been changed since an update was last complete; and the one
  // under way is another than that which did it: it makes nothing whole before it
  // brings the application's beginning.
  bool touched, half;
  const struct media *media[SESSION_MAX_MEDIA];
  uint8_t media_count;
  // The state log: in the medium and block that session_open_log was given.
  const struct media *log_medium;  // NULL: none is kept
  struct media_block log_block;
  struct state_log log;
  enum session_logging logging;
  uint32_t logging_kind;
  bool log_failed;  // something did meanwhile
  bool completing;  // "complete" goes on record once all is done
};

void session_init(struct session *s, struct writer *w);
void session_add_medium(struct session *s, const struct media *m);

// Reads the state log in the block at `address` of a medium that was added. From then
// on "updating" goes on record before anything is changed.
enum status session_open_log(struct session *s, uint32_t address);

// An update has begun that is not complete.
static inline bool session_unfinished(const struct session *s) {
  return s->log_medium && s->log.unfinished;
}

// Before each change: true if `road` may make it. It may while nobody else's update is
// under way: that is complete, or silent and all that was taken of it is done.
bool session_claim(struct session *s, enum session_road road);

// The owner's update goes no further, whether it is complete or not.
void session_release(struct session *s, enum session_road road);

// Checks. OK, or why the range cannot be: BAD_ADDRESS (no medium there),
// BOOTLOADER_AREA, CROSSES_END. A pointer may also be the end of a medium.
enum status session_check_pointer(const struct session *s, uint32_t address);
enum status session_check_erase(const struct session *s, uint32_t address);
enum status session_check_write(const struct session *s, uint32_t address,
                                uint32_t length);

// Take work that was checked. False: not now, ask again.
bool session_erase(struct session *s, uint32_t address);
// Of the range, at most to the end of the erase block: so much `*length` is then. Whole
// units of 4 KB that lie in it are erased, everything else stays.
bool session_erase_part(struct session *s, uint32_t address, uint32_t *length);
bool session_mass_erase(struct session *s, uint8_t medium);
bool session_write(struct session *s, uint32_t address, const uint8_t *data,
                   uint32_t length);

// Up to `length` bytes from `address`, as they would be had each command run at once;
// `*done` of them, fewer (or none) at the end of the medium. BAD_ADDRESS if no medium
// begins, ends or lies there; NOT_NOW while the medium is busy.
enum status session_read(struct session *s, uint32_t address, uint8_t *dst,
                         uint32_t length, uint32_t *done);

// The same, read at loan->data: in the flash itself where that can be, else in the
// shelter, which has room for `length`.
enum status session_lend(struct session *s, uint32_t address, struct flash_loan *loan,
                         uint32_t length, uint32_t *done);

// All that was taken is to be done now, erases that are only noted as well.
void session_flush(struct session *s);

// Once that is so and verified, the update is complete and goes on record as that; not
// if what an earlier one has left half done is an application that this one has not
// brought.
void session_complete(struct session *s);

// Before it: what is there is whole all the same.
static inline void session_insist(struct session *s) {
  s->half = false;
}

// Nothing is left to do, neither in the flash nor on record.
bool session_settled(const struct session *s);

// Microseconds until that is so, typically (erases that are only noted do not count
// unless they are being flushed); 0: it is.
uint32_t session_remaining_us(const struct session *s);

// Microseconds until more data for `address` should be offered; 0: now.
uint32_t session_behind_us(const struct session *s, uint32_t address);

// The first failure since the last call. After one, all that was taken is dropped.
struct writer_result session_take_result(struct session *s);

// One step of work. False if there is none, or an interrupt must come first.
bool session_poll(struct session *s);

// Free-running, wraps.
uint32_t session_now_us(const struct session *s);

// Whether an application may begin with these bytes: NO_APPLICATION.
enum status session_check_app(const struct session *s, const uint8_t head[8]);

// All is settled: may the application be started? NO_APPLICATION.
enum status session_finish(struct session *s);
