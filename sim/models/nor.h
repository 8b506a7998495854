// SPDX-License-Identifier: MIT
// One SPI NOR flash chip, at the level of its pins: it samples the lines that its
// own state says (SPI, QPI, 0-4-4), so whatever a controller gets wrong has the
// effect that it has on silicon, and is reported besides.
//
// What the chip is comes from struct nor_chip; the cells are the caller's.
// Files: nor_wire.c (clocks to commands), nor_command.c (what may run and what
// it does), nor_cells.c (program, erase, torn and stuck cells), nor.c (life).
//
// Lines that nobody drives read 1. Power removed means no answer at all.
#pragma once

#include "sim/core/sim.h"
#include "sim/models/nor_chip.h"

// IO3..IO0 during one clock: what a side drives, and to which level.
struct nor_io {
  uint8_t value, driven;
};

// What the controller believes it sends. The chip acts on the clocks alone; the
// belief serves only to say what is wrong when the two differ.
enum nor_part {
  NOR_PART_OPCODE,
  NOR_PART_ADDRESS,
  NOR_PART_MODE,
  NOR_PART_DATA,
  NOR_PART_CUT,  // the beginning of something that is being aborted
};

enum nor_operation {
  NOR_OP_NONE,
  NOR_OP_PROGRAM,
  NOR_OP_ERASE,
  NOR_OP_ERASE_CHIP,
  NOR_OP_WRITE_REGISTER,
};

// Blocks of 64 KB that can be locked, of the largest chip.
enum { NOR_LOCK_BYTES = 64 << 10, NOR_LOCKS = (128 << 20) / NOR_LOCK_BYTES };

struct nor_counters {
  uint64_t programs, bytes_programmed;
  uint64_t erases[NOR_ERASE_TYPES], chip_erases;
  uint64_t register_writes;
  uint64_t reads, bytes_read;  // of the array, through the pins
};

// Faults for tests. Set at any time; all zero = a good chip.
struct nor_stuck {
  uint32_t address;
  uint8_t mask, value;  // these bits always hold these values
};

enum { NOR_MAX_STUCK = 8, NOR_MAX_TORN = 64 };

struct nor_faults {
  uint32_t fail_program, fail_erase;  // 1 = the next one fails, 2 = the one after it
  bool stay_busy;                     // an operation that begins never ends
  struct nor_stuck stuck[NOR_MAX_STUCK];  // added by nor_stick
  uint32_t stuck_count;
};

// Who listens to the wires; any may be NULL. `receive` comes when the bytes are known,
// `select` of a rising CS# before the command is executed.
struct nor_tap {
  void *ctx;
  void (*select)(void *ctx, bool low);
  void (*send)(void *ctx, enum nor_part part, unsigned lines, const uint8_t *bytes,
               size_t bits);
  void (*wait)(void *ctx, unsigned clocks);
  void (*receive)(void *ctx, unsigned lines, const uint8_t *bytes, size_t count);
  struct nor_tap *next;
};

// A running or suspended operation.
struct nor_job {
  enum nor_operation op;
  uint32_t address, size;
  uint8_t erase;               // type, for NOR_OP_ERASE
  bool fails;                  // a fault was injected
  vtime_t left;                // of its time, when it began or was last suspended
  uint8_t data[NOR_MAX_PAGE];  // program: FFh where nothing was sent; else new values
};

// The conversation since CS# fell.
enum nor_phase {
  NOR_PHASE_IDLE,  // CS# high
  NOR_PHASE_OPCODE,
  NOR_PHASE_ADDRESS,
  NOR_PHASE_DUMMY,
  NOR_PHASE_OUT,
  NOR_PHASE_IN,
  NOR_PHASE_DONE,    // complete: only CS# high may follow
  NOR_PHASE_IGNORE,  // not taken: nothing matters until CS# rises
};

struct nor_wire {
  enum nor_phase phase;
  const struct nor_command *command;   // NULL until decoded
  uint8_t lines;                       // of the current phase
  bool ddr;                            // it goes on both clock edges
  uint32_t shift;                      // bits in, or the byte going out
  uint32_t bits_left;                  // of the current opcode, address or byte
  uint32_t clocks_left, clocks_given;  // dummy; clock edges in DDR
  uint32_t address;
  uint32_t count;          // data bytes moved
  uint32_t extra;          // clocks after the command was complete
  bool write_protect_low;  // WP# (IO2), as last seen
  uint8_t in[NOR_MAX_PAGE];
  // For reports.
  unsigned __int128 told;      // classes reported since CS# fell, by bit
  bool began_qpi, began_held;  // the protocol when CS# fell
  bool unready;                // when CS# fell the chip could take nothing
  bool unknown;                // no such opcode in this protocol
  bool misread;   // the chip did not take the opcode as the controller meant it
  bool all_ones;  // nothing but ones was sent
  uint8_t sent_opcode, sent_lines;  // by the controller; 0 lines = no opcode
  uint32_t parts;                   // runs of clocks so far
};

// Cells that an interrupted erase left between 0 and 1.
struct nor_torn {
  uint32_t address, size;
  uint64_t seed;
};

struct nor {
  const struct nor_chip *chip;
  struct sim *sim;
  uint8_t *cells;  // chip->size bytes, the caller's
  uint32_t where;  // the address that reports name; QUADSPI sets its own
  bool slowest;    // operations take their maximum time instead of the typical
  struct nor_faults faults;
  struct nor_counters counters;
  // An operation starts: at `address`, over `size` bytes. May be NULL. It may
  // remove the power at once.
  void (*on_operation)(void *ctx, enum nor_operation op, uint32_t address,
                       uint32_t size);
  void *on_operation_ctx;
  struct nor_tap *taps;

  // The chip's state; read it freely, change it through the functions below.
  bool powered, asleep, qpi, four_byte, reset_enabled;
  bool write_enabled, program_failed, erase_failed, protection_failed;
  bool volatile_enabled;             // 50h came
  uint8_t die;                       // selected
  uint8_t unlocked[NOR_LOCKS / 8];   // block locks, a bit each: 0 = locked
  bool suspending;                   // B0h taken, not yet readable
  const struct nor_command *held;    // 0-4-4: this command needs no opcode
  uint8_t registers[NOR_REG_COUNT];  // without the bits that follow the state
  uint8_t stored[NOR_REG_COUNT];     // what of them survives a reset
  uint64_t sclk_hz;
  bool ddr;            // the controller uses both edges
  vtime_t deaf_until;  // waking, resetting or powering up
  struct nor_job job, suspended;
  struct event done;
  struct nor_torn torn[NOR_MAX_TORN];
  uint32_t torn_count;
  uint64_t draws;  // noise drawn so far
  struct nor_wire wire;
};

// A chip as delivered: powered up and ready, cells as they are in `cells`.
void nor_init(struct nor *n, struct sim *sim, const struct nor_chip *chip,
              uint8_t *cells);

// The SCLK of what follows; 0 = unknown, no limit is checked.
void nor_set_clock(struct nor *n, uint64_t hz);

// CS#. What a command does, it does when CS# rises.
void nor_select(struct nor *n, bool low);

// One SCLK. Returns what the chip drives during that clock.
struct nor_io nor_clock(struct nor *n, struct nor_io controller);

// Runs of clocks, most significant bit first, on `lines` = 1 (IO0 out, IO1 in), 2
// or 4 lines. As QUADSPI does below four lines, IO2 is held 0 and IO3 held 1
// (RM0410 14.3.4). `bits` is a multiple of `lines`.
void nor_send(struct nor *n, enum nor_part part, unsigned lines, const uint8_t *bytes,
              size_t bits);
void nor_receive(struct nor *n, unsigned lines, uint8_t *bytes, size_t count);
void nor_wait(struct nor *n, unsigned clocks);  // dummy clocks: nothing driven

// Adds a listener, and takes it away.
void nor_listen(struct nor *n, struct nor_tap *tap);
void nor_ignore(struct nor *n, struct nor_tap *tap);

// True while the chip streams its array, in order and undisturbed, on `lines`
// lines at a byte boundary; `*next` is the address of the next byte.
bool nor_streams(const struct nor *n, unsigned lines, uint32_t *next);

// When the chip's answers may next change without a command; VT_NEVER = never.
vtime_t nor_next_change(const struct nor *n);

bool nor_busy(const struct nor *n);

// A register as a command would read it; and set from outside (a programmer, or a
// test's start state), all writable bits at once.
uint8_t nor_register(const struct nor *n, enum nor_register_id id);
void nor_set_register(struct nor *n, enum nor_register_id id, uint8_t value);

// Puts the chip into a state that an MCU reset may find it in: "qpi", "xip" (0-4-4),
// "4byte", "suspended" (an erase of the last block), "dpd" (deep power-down),
// "protected" (every block), "noqe" (quad enable clear). False: no such state, or the
// chip cannot be in it.
bool nor_set_state(struct nor *n, const char *state);
const char *nor_state_at(size_t index);  // their names, NULL past the last

// The controller samples and drives on both clock edges from here on.
void nor_set_ddr(struct nor *n, bool ddr);

// Power removed now: a running program leaves any subset of its changes, a running
// erase leaves cells that read differently every time, a register write any mixture.
// The same `seed` leaves the same. Volatile state is lost; non-volatile kept.
void nor_power_off(struct nor *n, uint64_t seed);
void nor_power_on(struct nor *n);

// Bits of a cell stick at `value` from now on, silently. False: no room for more.
bool nor_stick(struct nor *n, uint32_t address, uint8_t mask, uint8_t value);

const char *nor_operation_name(enum nor_operation op);
