// SPDX-License-Identifier: MIT
// Nothing here touches the board from within a run but the packets of the cable and
// the outcome of a flash operation: an event only stops the run, and what is due
// happens when that has returned.
#include "sim/machine/incidents.h"

static bool in_nor(const struct machine *m, uint32_t address) {
  return address >= QSPI_WINDOW_BASE && address - QSPI_WINDOW_BASE < m->nor_size;
}

static bool in_flash(const struct machine *m, uint32_t address) {
  return address >= FLASH_BASE && address - FLASH_BASE < m->board->flash_size;
}

const char *incidents_add(struct incidents *i, const struct incident *incident) {
  if (i->count == INCIDENTS_MAX) return "at most 64 faults and presses can be planned";
  i->list[i->count++] =
      (struct incident_state){.is = *incident, .owner = i, .back_at = VT_NEVER};
  return NULL;
}

// --- What always holds ---

static const char *stick(struct machine *m, const struct incident *is) {
  const uint8_t mask = (uint8_t)(1u << is->bit);
  const uint8_t value = is->value ? mask : 0;
  if (in_nor(m, is->address)) {
    const bool room = nor_stick(&m->nor, is->address - QSPI_WINDOW_BASE, mask, value);
    return room ? NULL : "the QSPI flash has no room for another stuck bit";
  }
  struct flash_f7_faults *f = &m->flash.faults;
  if (f->stuck) return "the internal flash can have one stuck bit";
  f->stuck = true;
  f->stuck_at = is->address - FLASH_BASE;
  f->stuck_mask = mask;
  f->stuck_value = value;
  return NULL;
}

static const char *fail_program(struct machine *m, const struct incident *is) {
  if (in_nor(m, is->address)) return NULL;  // when it begins
  struct flash_f7_faults *f = &m->flash.faults;
  if (f->program_fails) return "the internal flash can have one program that fails";
  f->program_fails = true;
  f->program_at = is->address - FLASH_BASE;
  return NULL;
}

static const char *apply(struct machine *m, const struct incident *is) {
  const bool of_cells = is->kind == INCIDENT_STUCK ||
                        is->kind == INCIDENT_PROGRAM_FAILS ||
                        is->kind == INCIDENT_ERASE_FAILS;
  if (of_cells && !in_nor(m, is->address) && !in_flash(m, is->address)) {
    return "the address of a fault lies in neither flash of this board";
  }
  switch (is->kind) {
    case INCIDENT_STUCK: return stick(m, is);
    case INCIDENT_PROGRAM_FAILS: return fail_program(m, is);
    case INCIDENT_NO_CRYSTAL: m->rcc.hse_dead = true; return NULL;
    default: return NULL;
  }
}

// --- Flash operations ---

struct operation {
  uint64_t number;
  bool internal, erase;
  uint32_t address, size;
  vtime_t end;
};

static struct operation operation_now(struct incidents *i, uint64_t number) {
  const struct machine *m = i->machine;
  struct operation o = {.number = number};
  o.internal = m->flash_span.operations != i->internal_operations;
  i->internal_operations = m->flash_span.operations;
  if (o.internal) {
    const enum flash_f7_kind kind = m->flash.op.kind;
    const bool array = kind != FLASH_F7_OTP && kind != FLASH_F7_OPTIONS;
    o.erase = kind == FLASH_F7_ERASE || kind == FLASH_F7_MASS_ERASE;
    o.address = FLASH_BASE + m->flash.op.offset;
    o.size = array ? m->flash.op.length : 0;
    o.end = flash_f7_busy_until(&m->flash);
  } else {
    o.erase = m->nor.job.op == NOR_OP_ERASE || m->nor.job.op == NOR_OP_ERASE_CHIP;
    o.address = QSPI_WINDOW_BASE + m->nor.job.address;
    o.size = m->nor.job.size;
    o.end = m->sim.events.now + m->nor.job.left;
  }
  return o;
}

// The internal flash asks its faults when an erase ends, the NOR when it begins.
static void decide_outcome(struct machine *m, const struct incident *is,
                           const struct operation *o) {
  if (is->address - o->address >= o->size) return;
  if (o->internal && is->kind == INCIDENT_ERASE_FAILS && o->erase) {
    m->flash.faults.erase_fails = true;
    m->flash.faults.erase_sector =
        flash_f7_sector_of(&m->flash, is->address - FLASH_BASE);
  } else if (!o->internal && m->nor.job.op != NOR_OP_WRITE_REGISTER) {
    const bool erase = is->kind == INCIDENT_ERASE_FAILS;
    if (erase == o->erase) m->nor.job.fails = true;
  }
}

// Both models ask before an operation whether it will end.
static void set_stuck_busy(struct machine *m, bool on) {
  m->flash.faults.stays_busy = m->nor.faults.stay_busy = on;
}

static void plan(struct incident_state *s, const struct operation *o) {
  struct event_queue *q = &s->owner->machine->sim.events;
  vtime_t at = q->now;
  if (s->is.when != INCIDENT_AT_OPERATION && o->end == VT_NEVER) return;
  if (s->is.when == INCIDENT_IN_OPERATION) {
    at += (vtime_t)((unsigned __int128)(o->end - q->now) * s->is.percent / 100);
  } else if (s->is.when == INCIDENT_AFTER_OPERATION) {
    at = o->end;
  }
  event_at(q, &s->event, at);
}

static bool by_operation(const struct incident *is) {
  return is->when == INCIDENT_AT_OPERATION || is->when == INCIDENT_IN_OPERATION ||
         is->when == INCIDENT_AFTER_OPERATION;
}

static void on_operation(void *ctx, uint64_t number) {
  struct incidents *i = ctx;
  const struct operation o = operation_now(i, number);
  bool next_stuck = false;
  for (size_t n = 0; n < i->count; n++) {
    struct incident_state *s = &i->list[n];
    if (s->is.kind == INCIDENT_STAYS_BUSY) {
      next_stuck = next_stuck || s->is.number == number + 1;
    } else if (s->is.when == INCIDENT_ALWAYS) {
      decide_outcome(i->machine, &s->is, &o);
    } else if (by_operation(&s->is) && s->is.number == number) {
      plan(s, &o);
    }
  }
  set_stuck_busy(i->machine, next_stuck);
  if (i->next_operation) i->next_operation(i->next_operation_ctx, number);
}

// --- USB ---

static enum usb_fault fault_of(enum incident_kind kind) {
  switch (kind) {
    case INCIDENT_USB_DROP_TOKEN: return USB_FAULT_DROP_TOKEN;
    case INCIDENT_USB_LOSE_HANDSHAKE: return USB_FAULT_LOSE_HANDSHAKE;
    case INCIDENT_USB_CORRUPT_DATA: return USB_FAULT_CORRUPT_DATA;
    default: return USB_FAULT_NONE;
  }
}

static enum usb_fault on_transaction(void *ctx, uint64_t number,
                                     const struct usb_token *token) {
  (void)token;
  struct incidents *i = ctx;
  enum usb_fault fault = USB_FAULT_NONE;
  for (size_t n = 0; n < i->count; n++) {
    struct incident_state *s = &i->list[n];
    if (s->is.when != INCIDENT_AT_TRANSACTION || s->is.number != number) continue;
    const enum usb_fault its = fault_of(s->is.kind);
    if (its == USB_FAULT_NONE) event_in(&i->machine->sim.events, &s->event, 0);
    // What happens at once happens before the device can hear the token.
    fault = its == USB_FAULT_NONE ? USB_FAULT_DROP_TOKEN : its;
  }
  return fault;
}

// The host has one context for both of its callbacks.
static void on_usb_event(void *ctx, enum usb_host_event event) {
  struct incidents *i = ctx;
  if (i->next_usb_event) i->next_usb_event(i->next_usb_ctx, event);
}

static void watch_usb(struct incidents *i) {
  struct usb_host *h = &i->machine->usb;
  i->next_usb_event = h->on_event;
  i->next_usb_ctx = h->ctx;
  h->on_event = on_usb_event;
  h->on_transaction = on_transaction;
  h->ctx = i;
}

// A host that resets the bus enumerates anew: for its clients the device went away.
static void reset_bus(struct machine *m) {
  if (m->usb.state < USB_HOST_ATTACHED) return;
  if (m->on_usb_connect) m->on_usb_connect(m->on_usb_connect_ctx, false);
  usb_host_reset(&m->usb, NULL, NULL);
  if (m->on_usb_connect) m->on_usb_connect(m->on_usb_connect_ctx, true);
}

// --- Life ---

static void on_due(void *ctx) {
  struct incident_state *s = ctx;
  s->due = true;
  machine_stop(s->owner->machine);
}

const char *incidents_arm(struct incidents *i, struct machine *m) {
  i->machine = m;
  if (i->count == 0) return NULL;
  i->next_operation = m->on_flash_operation;
  i->next_operation_ctx = m->on_flash_operation_ctx;
  m->on_flash_operation = on_operation;
  m->on_flash_operation_ctx = i;
  watch_usb(i);
  for (size_t n = 0; n < i->count; n++) {
    struct incident_state *s = &i->list[n];
    event_init(&s->event, on_due, s);
    const char *why = apply(m, &s->is);
    if (why) return why;
    if (s->is.kind == INCIDENT_STAYS_BUSY && s->is.number == 1) set_stuck_busy(m, true);
  }
  return NULL;
}

static void happen(struct machine *m, const struct incident *is) {
  switch (is->kind) {
    case INCIDENT_BUTTON: machine_button(m, true); break;
    case INCIDENT_POWER_CUT: machine_power_cut(m); break;
    case INCIDENT_SUPPLY: machine_supply(m, is->value); break;
    case INCIDENT_USB_UNPLUG: usb_host_unplug(&m->usb); break;
    case INCIDENT_USB_RESET: reset_bus(m); break;
    default: break;
  }
}

static void undo(struct machine *m, const struct incident *is) {
  switch (is->kind) {
    case INCIDENT_BUTTON: machine_button(m, false); break;
    case INCIDENT_POWER_CUT: machine_power_on(m); break;
    case INCIDENT_USB_UNPLUG: usb_host_plug(&m->usb); break;
    default: break;
  }
}

static bool is_due(const struct incident_state *s, vtime_t now) {
  if (s->done) return false;
  return s->due || (s->is.when == INCIDENT_AT_TIME && now >= s->is.time);
}

vtime_t incidents_next(const struct incidents *i) {
  vtime_t next = VT_NEVER;
  for (size_t n = 0; n < i->count; n++) {
    const struct incident_state *s = &i->list[n];
    vtime_t at = s->back_at;
    if (!s->done && s->due) at = 0;
    if (!s->done && s->is.when == INCIDENT_AT_TIME) at = s->is.time;
    if (at < next) next = at;
  }
  return next;
}

void incidents_serve(struct incidents *i) {
  for (size_t n = 0; n < i->count; n++) {
    struct incident_state *s = &i->list[n];
    const vtime_t now = machine_now(i->machine);
    if (is_due(s, now)) {
      s->done = true;
      happen(i->machine, &s->is);
      if (s->is.duration != VT_NEVER) s->back_at = now + s->is.duration;
    } else if (s->back_at <= now) {
      s->back_at = VT_NEVER;
      undo(i->machine, &s->is);
    }
  }
}
