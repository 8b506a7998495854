// SPDX-License-Identifier: MIT
#include "sim/machine/report_json.h"

#include <stdio.h>

// The upper half of DTCM: stacks grow into it from its end, variables do not reach it.
#define STACK_FLOOR 0x20010000u

static json_t *hex(uint32_t value) {
  return json_sprintf("0x%08x", (unsigned)value);
}

static json_t *nanoseconds(vtime_t t) {
  return t == VT_NEVER ? json_null() : json_integer((json_int_t)(t / 1000));
}

static json_t *entries(const struct report *r, enum report_kind kind) {
  json_t *list = json_array();
  for (const struct report_entry *e = r->entries; e; e = e->next) {
    if (e->kind != kind) continue;
    json_t *o = json_object();
    if (kind == REPORT_GUEST_ERROR) {
      json_object_set_new(o, "class", json_string(guest_error_name(e->error)));
    }
    json_object_set_new(o, "pc", hex(e->pc));
    json_object_set_new(o, "address", hex(e->addr));
    json_object_set_new(o, "time_ns", nanoseconds(e->first));
    json_object_set_new(o, "count", json_integer((json_int_t)e->count));
    json_object_set_new(o, "detail", json_string(e->detail));
    json_array_append_new(list, o);
  }
  return list;
}

static void add_span(json_t *o, const struct machine_span *span) {
  json_object_set_new(o, "operations", json_integer((json_int_t)span->operations));
  json_object_set_new(o, "first_ns", nanoseconds(span->first));
  json_object_set_new(o, "last_ns", nanoseconds(span->last));
}

static json_t *internal_operations(const struct machine *m) {
  const struct flash_f7_counters *f = &m->flash.counters;
  json_t *o =
      json_pack("{s:I,s:I,s:I,s:I}", "programs", (json_int_t)f->programs,
                "bytes_programmed", (json_int_t)f->bytes_programmed, "erases",
                (json_int_t)f->erases, "mass_erases", (json_int_t)f->mass_erases);
  add_span(o, &m->flash_span);
  return o;
}

static json_t *nor_operations(const struct machine *m) {
  const struct nor_counters *n = &m->nor.counters;
  uint64_t erases = n->chip_erases;
  for (unsigned i = 0; i < NOR_ERASE_TYPES; i++)
    erases += n->erases[i];
  json_t *o = json_pack(
      "{s:I,s:I,s:I,s:I,s:I}", "programs", (json_int_t)n->programs, "bytes_programmed",
      (json_int_t)n->bytes_programmed, "erases", (json_int_t)erases, "register_writes",
      (json_int_t)n->register_writes, "bytes_read", (json_int_t)n->bytes_read);
  add_span(o, &m->nor_span);
  return o;
}

static json_t *flash_operations(const struct machine *m) {
  json_t *o = json_object();
  json_object_set_new(o, "internal", internal_operations(m));
  json_object_set_new(o, "qspi", nor_operations(m));
  return o;
}

static json_t *pins(const struct machine *m) {
  json_t *ports = json_object();
  for (unsigned i = 0; i < MACHINE_PORTS; i++) {
    const struct gpio *g = &m->gpio[i];
    const char name[2] = {g->letter, 0};
    json_object_set_new(
        ports, name,
        json_pack("{s:I,s:I,s:I}", "odr", (json_int_t)g->odr, "moder",
                  (json_int_t)g->moder, "idr", (json_int_t)gpio_levels(g)));
  }
  return ports;
}

static json_t *leds(const struct machine *m) {
  json_t *o = json_object();
  for (size_t i = 0; i < m->board->led_count; i++) {
    json_object_set_new(o, m->board->leds[i].name, json_boolean(machine_led(m, i)));
  }
  return o;
}

static json_t *marks(const struct machine *m) {
  const struct machine_marks *k = &m->marks;
  return json_pack(
      "{s:o,s:o,s:I,s:o,s:I}", "reset_ns", nanoseconds(k->reset), "usb_connect_ns",
      nanoseconds(k->usb_connect), "instructions_to_usb_connect",
      (json_int_t)k->instructions_to_connect, "app_start_ns", nanoseconds(k->app_start),
      "instructions_to_app", (json_int_t)k->instructions_to_app);
}

json_t *machine_report(struct machine *m) {
  const struct cpu_counters c = cpu_counters(m->cpu);
  json_t *o = json_object();
  json_object_set_new(o, "board", json_string(m->board->name));
  json_object_set_new(o, "virtual_ns", nanoseconds(machine_now(m)));
  json_object_set_new(o, "instructions", json_integer((json_int_t)c.instructions));
  json_object_set_new(o, "cycles", json_integer((json_int_t)c.cycles));
  json_object_set_new(o, "resets", json_integer((json_int_t)m->resets));
  json_object_set_new(o, "marks", marks(m));
  json_object_set_new(
      o, "stack_depth",
      json_integer(machine_stack_depth(m, STACK_FLOOR, SRAM1_BASE - STACK_FLOOR)));
  json_object_set_new(o, "flash_operations", flash_operations(m));
  json_object_set_new(o, "usb_transactions",
                      json_integer((json_int_t)m->usb.transactions));
  json_object_set_new(o, "guest_errors", entries(&m->sim.report, REPORT_GUEST_ERROR));
  json_object_set_new(o, "unimplemented",
                      entries(&m->sim.report, REPORT_UNIMPLEMENTED));
  json_object_set_new(o, "gpio", pins(m));
  json_object_set_new(o, "leds", leds(m));
  return o;
}
