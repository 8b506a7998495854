// SPDX-License-Identifier: MIT
// What job.c and job_compare.c share, and nobody else includes.
#pragma once

#include "host/lib/job.h"

// ---- job.c: telling and steps ----------------------------------------------

enum job_outcome job_from_dfu(enum dfuc_outcome outcome);

void job_enter(struct job *j, enum job_phase phase, uint32_t address);
void job_advance(struct job *j, uint64_t bytes);
void job_set_state(struct job *j, struct plan *p, size_t index, enum unit_state state);

// Between commands: JOB_STOPPED, with the board in dfuIDLE, if the user wants it.
enum job_outcome job_check_stop(struct job *j, struct qb_error *error);

enum dfuc_outcome job_select(struct job *j, uint8_t alternate, struct qb_error *error);
uint16_t job_block(const struct job *j, uint64_t left);
enum dfuc_outcome job_read_bytes(struct job *j, uint32_t address, uint8_t *out,
                                 uint64_t size, struct qb_error *error);
enum dfuc_outcome job_end_reading(struct job *j, struct qb_error *error);

// ---- job_compare.c ---------------------------------------------------------

// By this run or an earlier one.
static inline bool unit_is_written(const struct unit *u) {
  return u->state == UNIT_WRITTEN || u->state == UNIT_VERIFIED;
}

static inline bool unit_is_waiting(const struct unit *u) {
  return u->state == UNIT_WAITING;
}

uint64_t job_bytes_of(const struct plan *p, bool (*wanted)(const struct unit *u));

// Whether all of the plan can be read. Known before anything is written.
enum job_outcome job_check_readable(const struct job *j, const struct plan *p,
                                    struct qb_error *error);

// Asks a board that may know digests what it can do, and cuts the plan accordingly.
enum job_outcome job_ask_board(struct job *j, struct plan *p, struct qb_error *error);

// Before the first write: what an earlier run has written is compared, and all of it
// with `changed_only` or where the board computes digests.
enum job_outcome job_look_first(struct job *j, struct plan *p, bool changed_only,
                                struct qb_error *error);

// After the last write: the board finishes its work, and its digests are compared.
// Nothing if the board computes none; `j->digest` is false if it turns out so.
enum job_outcome job_check_written(struct job *j, struct plan *p,
                                   struct qb_error *error);

// Reads back what was written. What was found unchanged has just been read.
enum job_outcome job_verify_written(struct job *j, struct plan *p,
                                    struct qb_error *error);
