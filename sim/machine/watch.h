// SPDX-License-Identifier: MIT
// Three observers of a machine, each writing text to a file while it runs. They change
// nothing that the firmware could see, not even a time, and cost nothing when absent.
//
//   trace  every register access: time, PC, name, old and new value, fields
//   vcd    pins, the QSPI chip's select and busy, the USB bus; for GTKWave
//   qspi   every command on the QSPI flash's wires
//
// Open them before machine_power_on; close them before machine_destroy. The file
// stays the caller's.
#pragma once

#include <stdio.h>

#include "sim/machine/machine.h"

struct watch_trace;
struct watch_trace *watch_trace_open(struct machine *m, FILE *out);
void watch_trace_close(struct watch_trace *t);

struct watch_vcd;
struct watch_vcd *watch_vcd_open(struct machine *m, FILE *out);
void watch_vcd_close(struct watch_vcd *v);

struct watch_qspi;
struct watch_qspi *watch_qspi_open(struct machine *m, FILE *out);
void watch_qspi_close(struct watch_qspi *q);
