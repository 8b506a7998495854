// SPDX-License-Identifier: MIT
// --fault and --press as people write them.
//
//   WHAT[@WHEN][,for=MS]
//     power-cut usb-unplug usb-reset     at any WHEN; for=MS or for=ever
//     supply=MV                          at any WHEN
//     usb-drop-token usb-lose-handshake usb-corrupt-data    @usb:N
//     stays-busy                         @op:N
//     stuck=ADDR:BIT:VALUE program-fails=ADDR erase-fails=ADDR no-crystal
//   WHEN: MS | op:N | in:N[:PERCENT] | after:N | usb:N
#pragma once

#include "sim/machine/incidents.h"

// False: `text` is none; `why` then holds half a sentence that says what is wrong.
bool incident_parse_fault(const char *text, struct incident *out, const char **why);

// "START:END" in milliseconds.
bool incident_parse_press(const char *text, struct incident *out, const char **why);
