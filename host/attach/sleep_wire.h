// SPDX-License-Identifier: MIT
// How a program's sleeps reach quadboot-attach: a message for each, over a
// socket that the program inherits.
//
//   libquadboot-sleep.so                             quadboot-attach
//   sendmsg: struct sleep_request,            --->   forwards it to the
//            and one end of a fresh socket           simulator
//   waits on the other end                    <---   one byte: slept
//                                             <---   closed: sleep for real
//
// The fresh socket is what makes it safe for any number of threads and child
// processes without a lock, and for a sleep that a signal interrupts: its
// answer finds nobody and does no harm.
#pragma once

#include <stdint.h>

// The environment variable with the inherited SOCK_SEQPACKET socket's number.
#define SLEEP_FD_VARIABLE "QUADBOOT_SLEEP_FD"

// Both ends run on one machine, so this is native.
struct sleep_request {
  uint64_t ns;
};
