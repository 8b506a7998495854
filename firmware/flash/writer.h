// SPDX-License-Identifier: MIT
// The writer: takes erases and data for all media and makes the flash so, in as few and
// as cheap operations as it can.
//
// The flash is seen as units of 4 KB. What a unit holds, to whoever reads, is
//   its slot's bytes   if it has a slot: data that are not in the flash yet
//   FFh                if an erase is noted and has not been carried out
//   the flash's bytes  else
// so a read always sees what would be there had each command run at once. Behind that,
// each medium has a lane of its own, and all lanes work at the same time:
//
//   IDLE --oldest slot--> COMPARING --same-------------------------> slot freed
//    |  '-known blank-.       |  only onto blank bytes --> PROGRAMMING --> VERIFYING
//    |                '-------+-----------------------------^      (slot freed, IDLE)
//    |                        |  else
//    |                        '--> SURVEYING --> KEEPING --> ERASING --> CHECKING -->
//    |                             IDLE
//    '--no slot, erases noted--> AHEAD --is one of them blank already?--> IDLE
//   SURVEYING looks at what lies around and chooses the erase size that costs least for
//   each unit that needs it. KEEPING takes what must not be lost into slots.
//
// Nothing waits: writer_poll moves things on, a step of at most 1 KB at a time; a
// medium that can fetches the next of them meanwhile. Nothing is changed before the
// gate is open: the update session opens it once "updating" is on record.
#pragma once

#include "firmware/flash/media.h"

enum {
  WRITER_UNIT = 4096,
  WRITER_BLOCK = 4096,  // the most that writer_write takes
  WRITER_STEP = 1024,
  WRITER_LANES = 2,
  WRITER_MAX_SLOTS = 84,       // 336 KB
  WRITER_MAX_REGION = 64,      // units of the largest block: 256 KB
  WRITER_MAX_UNITS = 0x10400,  // of all media together: 260 MB
  // Accepted work takes no longer than this beyond the operation in progress,
  // typically.
  WRITER_BEHIND_US = 1000000,
};

enum writer_state {
  WRITER_IDLE,
  WRITER_COMPARING,
  WRITER_PROGRAMMING,
  WRITER_VERIFYING,
  WRITER_AHEAD,  // nothing has come: is the next noted unit blank already?
  // From here on it is an erase that is at work.
  WRITER_SURVEYING,
  WRITER_KEEPING,
  WRITER_ERASING,
  WRITER_CHECKING,  // every byte of an erased region reads FFh
  WRITER_COUNTING,  // mass erase: how much is not blank?
  WRITER_LOOKING,   // mass erase: is the next block blank already?
};

// What has to be done so that the flash holds a slot's bytes.
enum writer_verdict {
  WRITER_UNKNOWN,
  WRITER_SAME,
  WRITER_PROGRAM,
  WRITER_ERASE,
};

// An erase of the whole medium.
enum writer_mass { WRITER_NO_MASS, WRITER_MASS_WAITS, WRITER_MASS_RUNS };

// How a piece of work ended.
struct writer_result {
  enum status status;
  uint32_t address;  // where, when it failed
  bool erasing;      // it was an erase that failed
};

struct writer_lane;

struct writer_slot {
  struct writer_lane *lane;  // whose it is; NULL: it is free
  bool forced;               // to be erased whatever the flash reads
  uint8_t verdict;
  uint16_t pages;  // bit i: the 256 bytes at 256 * i are to be programmed
  uint16_t end;    // behind the last byte that came
  uint32_t unit;
  uint32_t age;
};

struct writer_lane {
  const struct media *medium;
  uint32_t first_bit;  // of its units in the map of noted erases
  uint32_t noted;      // how many are set
  uint32_t slots;      // how many it has
  enum writer_state state;
  bool abandoned;            // the operation in progress is the last
  struct writer_slot *slot;  // that is worked on: not to be touched
  // The block that is worked on: its slots come first, then the oldest.
  uint32_t block_unit, block_units;
  uint32_t offset, size;  // of the region that is worked on
  uint32_t at;            // progress of reading, in bytes
  uint32_t started_us, expected_us;
  uint32_t came_us;  // the last data
  // Comparing: a bit would have to rise. And whether the last that was compared needed
  // an erase: the next will probably be like it.
  bool rises, erases;
  // Units that are blank, seen since they changed last: those that were erased last, or
  // that were noted and looked at. And whether to look at the one behind them.
  uint32_t blank_unit, blank_units;
  bool looks;
  // Surveying: the unit that is the reason, the one that is looked at, and what each of
  // the region needs.
  bool surveying;
  uint32_t head, index;
  uint8_t needs[WRITER_MAX_REGION];
  // Slots that it will still take for what must be kept, and that it waits for: nothing
  // is accepted meanwhile.
  uint32_t promised, lacks;
  // After an update that was interrupted: the last unit that reads right is to be made
  // again; none that differs has come yet, which will be as well.
  bool weak, unsure, any_same;
  uint32_t last_same;
  // Mass erase, and the estimate for the blocks after this one.
  enum writer_mass mass;
  uint32_t ahead_us;
  uint32_t *read_back;  // the unit that is read
  bool fetching;        // by the medium, while it is looked at
};

struct writer {
  struct writer_lane lanes[WRITER_LANES];
  uint8_t lane_count;
  uint8_t *memory;  // of the slots
  uint32_t slot_count, used;
  struct writer_slot *urgent;  // ahead of all others, and of the gate; or NULL
  uint32_t age;
  bool gate;          // changes are allowed
  bool wants_change;  // something waits for the gate
  bool flushing;      // noted erases are run as well
  struct writer_result result;
  uint32_t (*now_us)(void *ctx);
  void *now_ctx;
  bool (*supply_good)(void);
  struct writer_slot slots[WRITER_MAX_SLOTS];
  uint32_t noted[WRITER_MAX_UNITS / 32];
  uint32_t read_back[WRITER_LANES][WRITER_UNIT / 4];  // last: what is near is cheap
};

// `memory`: room for the slots, `bytes` of it, aligned to 4; at least the largest
// block's size and 16 KB.
void writer_init(struct writer *w, uint8_t *memory, size_t bytes,
                 uint32_t (*now_us)(void *ctx), void *now_ctx,
                 bool (*supply_good)(void));
void writer_add(struct writer *w, const struct media *m);

// An update was interrupted before this start: what reads right may be weak. The last
// unit that is the same, and the first that is not, are erased and programmed again.
void writer_distrust(struct writer *w);

// Takes work; the range is one that may be written. False: not now, ask again later.
// An erase is of the block that holds `offset`; or of the whole units in a range, and
// the rest of their blocks is kept.
bool writer_erase(struct writer *w, const struct media *m, uint32_t offset);
bool writer_erase_part(struct writer *w, const struct media *m, uint32_t offset,
                       uint32_t length);
bool writer_write(struct writer *w, const struct media *m, uint32_t offset,
                  const uint8_t *data, uint32_t length);
bool writer_mass_erase(struct writer *w, const struct media *m);  // all writable blocks

// Ahead of everything that waits, and whatever the gate: for the state log. False: not
// now.
bool writer_erase_now(struct writer *w, const struct media *m, uint32_t offset);
bool writer_write_now(struct writer *w, const struct media *m, uint32_t offset,
                      const uint8_t *data, uint32_t length);

// What would be there had each command run at once. NOT_NOW: the medium is busy.
enum status writer_read(const struct writer *w, const struct media *m, uint32_t offset,
                        uint8_t *dst, uint32_t length);

// The same on loan from the medium. NOT_NOW: not all of it is in the flash, or not to
// be read where it is.
enum status writer_view(const struct writer *w, const struct media *m, uint32_t offset,
                        uint32_t length, struct flash_loan *loan);

// One step. False if there is nothing to do, or the media are not ready: an interrupt
// will tell.
bool writer_poll(struct writer *w);

// Noted erases are not to be carried out; no operation is in progress.
void writer_forget(struct writer *w);

// Noted erases are carried out as well, until the next work is taken.
void writer_flush(struct writer *w);

// Everything that was taken is done; an erase that is only noted counts as not done.
bool writer_settled(const struct writer *w);

// Nothing is under way in that medium that writer_*_now would have to wait for.
bool writer_idle(const struct writer *w, const struct media *m);

// No more data for that medium should be offered now.
bool writer_behind(const struct writer *w, const struct media *m);

// Microseconds until everything taken is done (noted erases only when flushing), and
// until writer_behind may be false; typically, 0 when there is nothing to wait for.
uint32_t writer_remaining_us(const struct writer *w);
uint32_t writer_behind_us(const struct writer *w, const struct media *m);

// The first failure since the last call. After one, all that was taken is dropped.
struct writer_result writer_take_result(struct writer *w);
