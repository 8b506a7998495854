// SPDX-License-Identifier: MIT
// Private to sim/machine: what its files call in each other.
#pragma once

#include "sim/machine/machine.h"

// memory_map.c: everything on the bus.
void machine_map(struct machine *m);

// machine.c: what RAM holds after power-on.
void machine_fill_with_noise(uint8_t *bytes, size_t size);
// The core begins or ends a sleep with SLEEPDEEP: Stop, or Standby.
void machine_deep_sleep(void *ctx, bool begins);
// wiring_trace.c: ITM, TPIU, FPB, and what DEMCR switches.
void machine_wire_trace(struct machine *m);
void machine_map_trace(struct machine *m);

// wiring.c: which model hears of what.
void machine_wire(struct machine *m, enum cpu_mode mode);

// wiring_flash.c: the internal flash's side of the CPU's ports.
void machine_wire_flash(struct machine *m);
void machine_swap_banks(struct machine *m, bool on);
size_t machine_flash_regions(struct machine *m, struct cpu_region *out);
void machine_flash_write(void *ctx, uint32_t addr, unsigned bytes, uint32_t value);
vtime_t machine_flash_stall(void *ctx, uint32_t addr, bool fetch);
// wiring_timers.c: trigger lines between timers and to converters.
void machine_wire_timers(struct machine *m);

// wiring_dma.c: bus masters, the matrix between them and memory, request lines.
void dma_wire(struct machine *m);           // before machine_map
void dma_wire_requests(struct machine *m);  // when the peripherals are there
void dma_map(struct machine *m);
void dma_reset_all(struct machine *m);
void dma_clocks_changed(struct machine *m);
void dma_free_all(struct machine *m);
struct bus_master dma_master(struct machine *m, enum master_port port);
bool dma_block_reset(struct machine *m, uint32_t gate);

// rules.c: what only the whole board can judge.
void rules_clocks(struct machine *m);  // limits, wait states, over-drive
void rules_qspi_pins(void *machine, uint64_t sclk_hz);
void rules_nor_supply(struct machine *m);  // a program or erase begins
bool rules_uart_pin(void *machine, unsigned number, bool tx);  // uart_pins.c
bool rules_ulpi_pins(struct machine *m);
bool rules_fs_pins(struct machine *m);
void rules_handover(void *machine);  // the application's first instruction
