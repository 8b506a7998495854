// SPDX-License-Identifier: MIT
// The trace blocks in the machine: where they answer, and who enables them.
#include "sim/machine/machine_internal.h"

static void on_trace(void *ctx, bool on) {
  struct machine *m = ctx;
  debug_trace(&m->debug, on);
  m->trace.enabled = on;
}

static void on_itm(void *ctx, unsigned port, uint32_t value, unsigned bytes) {
  struct machine *m = ctx;
  if (m->on_itm) m->on_itm(m->ctx, port, value, bytes);
}

void machine_wire_trace(struct machine *m) {
  trace_init(&m->trace, &m->sim);
  m->trace.on_itm = on_itm;
  m->trace.ctx = m;
  m->scs.on_trace = on_trace;
}

void machine_map_trace(struct machine *m) {
  const struct bus_device devices[] = {
      {.name = "ITM",
       .base = 0xE0000000u,
       .size = 0x1000,
       .gate = GATE_NONE,
       .ctx = &m->trace,
       .read = itm_read,
       .write = itm_write},
      {.name = "FPB",
       .base = 0xE0002000u,
       .size = 0x1000,
       .gate = GATE_NONE,
       .ctx = &m->trace,
       .read = fpb_read,
       .write = fpb_write},
      {.name = "TPIU",
       .base = 0xE0040000u,
       .size = 0x1000,
       .gate = GATE_NONE,
       .ctx = &m->trace,
       .read = tpiu_read,
       .write = tpiu_write},
  };
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    bus_add_device(&m->sim.bus, &devices[i]);
}
