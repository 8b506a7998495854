// SPDX-License-Identifier: MIT
// Sends files over a serial line by XMODEM or YMODEM. Neither prints nor exits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/protocol/modem.h"
#include "host/lib/error.h"
#include "host/lib/serial_io.h"

struct modem_file {
  const char *name;  // as the receiver is told
  const uint8_t *data;
  uint32_t size;
};

struct modem_job {
  enum modem_protocol protocol;
  const struct modem_file *files;  // exactly one for XMODEM
  size_t count;
  void *ctx;
  // Often: bytes of all files that the receiver has confirmed. May be NULL.
  void (*progress)(void *ctx, uint64_t done, uint64_t total);
  // Asked often: true cancels the transfer. May be NULL.
  bool (*stop)(void *ctx);
};

enum modem_outcome {
  MODEM_JOB_DONE,     // the receiver has confirmed every file
  MODEM_JOB_FAILED,   // the error says why; the receiver was told, if it can be
  MODEM_JOB_STOPPED,  // `stop` said so; the receiver was told
};

// Types a line at the other side's console, as a person would; what it answers is not
// read. False: the line does not take it.
bool modem_job_type(const struct serial_io *io, const char *line,
                    struct qb_error *error);

enum modem_outcome modem_job_send(const struct serial_io *io, const struct modem_job *j,
                                  struct qb_error *error);
