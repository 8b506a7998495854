// SPDX-License-Identifier: MIT
// Private to sim/machine: what its files call in each other.
#pragma once

#include "sim/machine/machine.h"

// memory_map.c: everything on the bus.
void machine_map(struct machine *m);

// wiring_trace.c: ITM, TPIU, FPB, and what DEMCR switches.
void machine_wire_trace(struct machine *m);
void machine_map_trace(struct machine *m);

// wiring.c: which model hears of what.
void machine_wire(struct machine *m, enum cpu_mode mode);

// rules.c: what only the whole board can judge.
void rules_clocks(struct machine *m);  // limits, wait states, over-drive
void rules_qspi_pins(void *machine, uint64_t sclk_hz);
void rules_nor_supply(struct machine *m);  // a program or erase begins
bool rules_usart1_pin(void *machine);
bool rules_ulpi_pins(struct machine *m);
bool rules_fs_pins(struct machine *m);
void rules_handover(void *machine);  // the application's first instruction
