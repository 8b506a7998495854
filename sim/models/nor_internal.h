// SPDX-License-Identifier: MIT
// What the files of the NOR model share among themselves. Nobody else includes it.
#pragma once

#include "sim/models/nor.h"

// --- nor.c: life and registers ---

bool nor_field_is_set(const struct nor *n, struct nor_field f);
uint8_t nor_field_value(const struct nor *n, struct nor_field f);
// `store`: also what survives a reset.
void nor_put_register(struct nor *n, enum nor_register_id id, uint8_t value,
                      bool store);
vtime_t nor_pick(const struct nor *n, struct nor_time t);  // typical or slowest
bool nor_deaf(const struct nor *n);
void nor_reset(struct nor *n);  // 66h + 99h
void nor_volatile_reset(struct nor *n);

// --- nor_command.c ---

// The command that `opcode` means in the chip's protocol, or NULL.
const struct nor_command *nor_decode(const struct nor *n, uint8_t opcode);

// Whether `command` is taken in the chip's present state; reports why not.
bool nor_admit(struct nor *n, const struct nor_command *command);

unsigned nor_address_bits(const struct nor *n, const struct nor_command *command);
unsigned nor_dummy_clocks(const struct nor *n, const struct nor_command *command);

// The phase that follows opcode, address and dummy clocks.
enum nor_phase nor_data_phase(const struct nor_command *command);

// The address that the bits of the address phase stand for.
uint32_t nor_full_address(struct nor *n, const struct nor_command *command,
                          uint32_t bits);

uint8_t nor_out_byte(struct nor *n);

// CS# rose on `command`: does it, or says why the chip does not.
void nor_execute(struct nor *n, const struct nor_command *command);

// --- nor_cells.c ---

void nor_read_cells(struct nor *n, uint32_t address, uint8_t *dst, size_t count);
bool nor_cells_are_steady(const struct nor *n);
bool nor_is_protected(const struct nor *n, uint32_t address, uint32_t size);
bool nor_uses_locks(const struct nor *n);
bool nor_is_locked(const struct nor *n, uint32_t address);  // by its block lock
void nor_lock(struct nor *n, uint32_t first, uint32_t size, bool lock);

// Starts an operation: the caller has filled job's op, address, size, erase, data.
void nor_begin(struct nor *n, const struct nor_job *job, vtime_t duration);
void nor_job_done(void *ctx);  // event
void nor_suspend(struct nor *n);
void nor_resume(struct nor *n);

// Leaves `job` half done.
void nor_tear(struct nor *n, const struct nor_job *job, uint64_t seed);

// Pseudo-random bits: the same for the same arguments, for ever.
uint64_t nor_noise(uint64_t seed, uint64_t index);

// --- nor_tap.c: what the wires do, to whoever listens ---

void nor_tap_select(const struct nor *n, bool low);
void nor_tap_send(const struct nor *n, enum nor_part part, unsigned lines,
                  const uint8_t *bytes, size_t bits);
void nor_tap_wait(const struct nor *n, unsigned clocks);
void nor_tap_receive(const struct nor *n, unsigned lines, const uint8_t *bytes,
                     size_t count);

// --- nor_wire.c ---

// Reports, once per class and selection; "EBh 4READ: " is put before the text.
__attribute__((format(printf, 3, 4))) void nor_tell(struct nor *n,
                                                    enum guest_error error,
                                                    const char *format, ...);
