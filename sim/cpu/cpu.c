// SPDX-License-Identifier: MIT
// The core's life and its run loop: what each way of leaving Unicorn means.
#include "sim/cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cpu/cpu_debug.h"
#include "sim/cpu/cpu_internal.h"
#include "sim_regs.h"

enum {
  // QEMU's numbers for what stops a v7-M core (hook UC_HOOK_INTR).
  INTR_SVC = 2,
  INTR_FETCH_ABORT = 3,
  INTR_BKPT = 7,
  INTR_EXC_RETURN = 8,
  INTR_NOCP = 17,
};

#define OPCODE_WFE   0xBF20u
#define OPCODE_YIELD 0xBF10u
#define XPSR_T       (1u << 24)
#define SYSTEM_SPACE 0xE0000000u  // never executable (DDI0403E table B3-1)

static uc_engine *open_engine(void) {
  uc_engine *uc;
  // UC_MODE_MCLASS would force a Cortex-M33; the model is chosen below.
  uc_err e = uc_open(UC_ARCH_ARM, UC_MODE_THUMB, &uc);
  if (e == UC_ERR_OK) e = uc_ctl_set_cpu_model(uc, UC_CPU_ARM_CORTEX_M7);
  if (e == UC_ERR_OK) e = uc_ctl_set_page_size(uc, 2048);  // 2.0.1 makes it 4096
  if (e == UC_ERR_OK) e = uc_ctl_exits_enable(uc);         // and sets none
  if (e == UC_ERR_OK) return uc;
  fprintf(stderr, "CPU emulator: %s\n", uc_strerror(e));
  abort();
}

static void on_core_change(void *ctx) {
  cpu_attention(ctx);
}

static void on_mpu_change(void *ctx) {
  struct cpu *c = ctx;
  c->memory_changed = true;
  c->mpu_changes++;
  cpu_attention(c);
}

struct cpu *cpu_create(enum cpu_mode mode, const struct cpu_ports *ports,
                       const struct cpu_region *regions, size_t region_count) {
  struct cpu *c = calloc(1, sizeof *c);
  struct decoded *decoded = calloc(DECODE_SLOTS, sizeof *decoded);
  if (!c || !decoded || region_count > CPU_MAX_REGIONS) abort();
  c->mode = mode;
  c->ports = *ports;
  c->sim = ports->sim;
  c->scs = ports->scs;
  c->decoded = decoded;
  c->uc = open_engine();
  cpu_set_clock(c, 16000000);
  for (size_t i = 0; i < region_count; i++)
    c->regions[i].def = regions[i];
  c->region_count = region_count;
  cpu_map_regions(c);
  cpu_map_devices(c);
  cpu_add_hooks(c);
  cpu_cache_init(c);
  c->sim->events.on_sooner = cpu_on_sooner;
  c->sim->events.on_sooner_ctx = c;
  c->scs->on_core_change = on_core_change;
  c->scs->core = c;
  c->scs->nvic.on_change = cpu_on_pending;
  c->scs->nvic.on_change_ctx = c;
  c->scs->mpu.on_change = on_mpu_change;
  c->scs->mpu.on_change_ctx = c;
  return c;
}

void cpu_destroy(struct cpu *c) {
  if (!c) return;
  cpu_debug_detach(c);
  uc_close(c->uc);
  cpu_cache_free(c);
  for (size_t i = 0; i < c->region_count; i++) {
    free(c->regions[i].ran);
    free(c->regions[i].code_pages);
    free(c->regions[i].held);
    free(c->regions[i].outrun);
  }
  free(c->decoded);
  free(c);
}

static void load_vectors(struct cpu *c, uint32_t vectors) {
  const uint32_t sp = cpu_load32(c, vectors), pc = cpu_load32(c, vectors + 4);
  if (sp == 0xFFFFFFFFu && pc == 0xFFFFFFFFu) {
    report_guest(&c->sim->report, GUEST_VECTOR_TABLE, vectors,
                 "started from blank flash: stack and reset vector at 0x%08x are "
                 "FFFFFFFF",
                 (unsigned)vectors);
  }
  reg_put(c, UC_ARM_REG_SP, sp & ~3u);
  reg_put(c, UC_ARM_REG_PC, pc);
  c->block_addr = pc & ~1u;
}

void cpu_reset(struct cpu *c, uint32_t vectors) {
  // Time may have gone on without the core: the power was off.
  c->base_time = c->sim->events.now;
  c->base_ticks = c->ticks;
  c->powered = true;
  // Through handler mode, whatever mode the core was in, to privileged thread.
  reg_put(c, UC_ARM_REG_XPSR_NZCVQG, XPSR_T | EXC_HARDFAULT);
  reg_put(c, UC_ARM_REG_CONTROL, 0);
  reg_put(c, UC_ARM_REG_XPSR_NZCVQG, XPSR_T);
  reg_put(c, UC_ARM_REG_CONTROL, 0);
  reg_put(c, UC_ARM_REG_PRIMASK, 0);
  reg_put(c, UC_ARM_REG_BASEPRI, 0);
  reg_put(c, UC_ARM_REG_FAULTMASK, 0);
  reg_put(c, UC_ARM_REG_LR, 0xFFFFFFFFu);
  c->sleeping = c->locked_up = c->held = c->app_seen = c->deep = false;
  c->waits_for_event = c->event = c->monitor_open = false;
  c->late = NULL;
  cpu_cache_reset(c);
  cpu_protect_reset(c);
  cpu_apply_memory(c);
  load_vectors(c, vectors);
  cpu_refresh_flags(c);
  cpu_attention(c);
}

static void interrupted(struct cpu *c) {
  const uint32_t pc = reg_get(c, UC_ARM_REG_PC);
  switch (c->interrupt_number) {
    case INTR_SVC: cpu_supervisor_call(c); break;
    case INTR_EXC_RETURN: cpu_return_from_exception(c, pc | 1u); break;
    case INTR_BKPT:
      if (c->debug) {
        cpu_debug_halt(c, CPU_HALT_BREAK);
      } else {
        cpu_breakpoint(c);
      }
      break;
    case INTR_NOCP: cpu_usage_fault(c, SIM_SCB_CFSR_NOCP); break;
    case INTR_FETCH_ABORT:
      c->fault_addr = pc;
      cpu_memory_fault(c, ACCESS_FETCH);
      break;
    default:
      report_unimplemented(&c->sim->report, pc, "CPU emulator interrupt %u",
                           (unsigned)c->interrupt_number);
      c->locked_up = true;
  }
}

// WFE goes on when an event is there, and takes it; else it sleeps (B1.5.18).
static void wait_for_event(struct cpu *c) {
  if (!c->event) c->sleeping = c->waits_for_event = true;
  c->event = false;
}

// Unicorn calls these undefined: real undefined code, T = 0, WFE and YIELD.
static void undefined(struct cpu *c) {
  const uint32_t pc = reg_get(c, UC_ARM_REG_PC);
  const uint16_t before = cpu_code16(c, pc - 2);
  if (pc != c->block_addr && before == OPCODE_YIELD) return;
  if (pc != c->block_addr && before == OPCODE_WFE) {
    wait_for_event(c);
  } else if (reg_get(c, UC_ARM_REG_XPSR) & XPSR_T) {
    cpu_undefined(c, pc);
  } else {
    cpu_usage_fault(c, SIM_SCB_CFSR_INVSTATE);
  }
}

static void fetch_stopped(struct cpu *c) {
  if (c->stop & STOP_FETCH_STALL) {
    cpu_stall(c, cpu_region_at(c, c->fault_addr), c->fault_addr, true);
    c->memory_changed = true;
  } else {
    cpu_memory_fault(c, ACCESS_FETCH);
  }
}

// A data access that failed: refused here, or by the bus.
static void access_failed(struct cpu *c, enum access_kind kind) {
  if (cpu_protect_restore(c) == DENIED_UNALIGNED) {
    cpu_usage_fault(c, SIM_SCB_CFSR_UNALIGNED);
  } else {
    cpu_memory_fault(c, kind);
  }
}

static void trapped(struct cpu *c) {
  if (c->trap_pc) {
    reg_put(c, UC_ARM_REG_PC, c->trap_pc | 1u);
    c->trap_pc = 0;
  }
  cpu_usage_fault(c, c->trap_cause);
}

// What a vector or a popped PC and xPSR can lead to, and Unicorn would not see: it sets
// T by itself. EXC_RETURN is only what BX, POP or LDR put into PC (B1.5.8), and those
// end in INTR_EXC_RETURN.
static bool can_start(struct cpu *c, uint32_t pc) {
  const uint32_t xpsr = reg_get(c, UC_ARM_REG_XPSR);
  cpu_protect_refresh(c, xpsr);
  cpu_trap_refresh(c);
  cpu_it_begin(c, xpsr);
  if (pc >= SYSTEM_SPACE) {
    c->fault_addr = pc;
    cpu_memory_fault(c, ACCESS_FETCH);
    return false;
  }
  if (xpsr & XPSR_T) return true;
  cpu_usage_fault(c, SIM_SCB_CFSR_INVSTATE);
  return false;
}

// Unicorn ended by itself or because it was asked to.
static void stopped(struct cpu *c) {
  if (c->stop & STOP_TRAP) {
    trapped(c);
  } else if (c->stop & (STOP_FETCH_STALL | STOP_FETCH_FAULT)) {
    fetch_stopped(c);
  } else if (c->stop & STOP_INTR) {
    interrupted(c);
  } else if (!(c->stop & STOP_OWN)) {
    c->sleeping = true;  // WFI is all that stops without being asked
    c->waits_for_event = false;
  }
}

static void execute(struct cpu *c) {
  c->stop = 0;
  c->counters.slices++;
  const uint32_t pc = reg_get(c, UC_ARM_REG_PC);
  if (!can_start(c, pc)) return;
  cpu_stores_of(c);
  const uc_err e = uc_emu_start(c->uc, pc | 1u, 0, 0, 0);
  cpu_stores_of(NULL);
  switch (e) {
    case UC_ERR_OK: stopped(c); break;
    case UC_ERR_INSN_INVALID: undefined(c); break;
    case UC_ERR_READ_UNMAPPED:
    case UC_ERR_READ_PROT: access_failed(c, ACCESS_LOAD); break;
    case UC_ERR_WRITE_UNMAPPED:
    case UC_ERR_WRITE_PROT: access_failed(c, ACCESS_STORE); break;
    case UC_ERR_FETCH_UNMAPPED:
    case UC_ERR_FETCH_PROT: cpu_memory_fault(c, ACCESS_FETCH); break;
    default:
      report_unimplemented(&c->sim->report, pc, "CPU emulator: %s", uc_strerror(e));
      c->locked_up = true;
  }
}

// An interrupt that becomes pending is an event if SCR asks for it, enabled or not.
void cpu_note_events(struct cpu *c) {
  const struct nvic *n = &c->scs->nvic;
  uint32_t now[5] = {n->pending[0], n->pending[1], n->pending[2], n->pending[3],
                     n->system_pending};
  for (unsigned i = 0; i < 5; i++) {
    const bool more = now[i] & ~c->pending_seen[i];
    if (more && (c->scs->scr & SIM_SCB_SCR_SEVONPEND)) c->event = true;
    c->pending_seen[i] = now[i];
  }
  if (!c->event || !c->waits_for_event) return;
  c->event = c->sleeping = c->waits_for_event = false;
}

// Takes what is due. True: the core can go on executing.
static bool serve_exceptions(struct cpu *c) {
  c->attention = c->pending_changed = false;
  cpu_note_events(c);
  const struct nvic_masks masks = cpu_masks(c);
  const unsigned exception = nvic_select(&c->scs->nvic, &masks, &c->held);
  if (exception) {
    cpu_take_exception(c, exception);
    c->sleeping = c->waits_for_event = false;
    const struct nvic_masks now = cpu_masks(c);
    nvic_select(&c->scs->nvic, &now, &c->held);
  } else if (c->held && !c->waits_for_event && nvic_wakes(&c->scs->nvic, &masks)) {
    c->sleeping = false;  // on what PRIMASK alone holds back (B1.5.19)
  }
  return !c->sleeping && !c->locked_up;
}

// Tells the chip of deep sleep, which stops its clocks.
static void follow_sleep(struct cpu *c) {
  const bool deep = c->sleeping && (c->scs->scr & SIM_SCB_SCR_SLEEPDEEP);
  if (deep == c->deep) return;
  c->deep = deep;
  if (c->ports.deep_sleep) c->ports.deep_sleep(c->ports.ctx, deep);
}

static void sleep_until_event(struct cpu *c, vtime_t until) {
  if (c->stop_requested) return;
  const vtime_t next = event_next(&c->sim->events);
  const uint64_t wake = cpu_ticks_at(c, next < until ? next : until);
  if (wake > c->ticks) c->ticks = wake;
}

void cpu_run(struct cpu *c, vtime_t until) {
  c->stop_requested = false;
  c->until = until;
  cpu_sync_time(c);
  while (!c->stop_requested && !c->scs->reset_requested && cpu_time(c) < until) {
    if (c->memory_changed) cpu_apply_memory(c);
    const bool awake = serve_exceptions(c);
    follow_sleep(c);
    if (awake) {
      cpu_begin_slice(c);
      execute(c);
    } else {
      sleep_until_event(c, until);
    }
    cpu_sync_time(c);
  }
}

bool cpu_is_sleeping(const struct cpu *c) {
  return c->sleeping;
}

bool cpu_is_locked_up(const struct cpu *c) {
  return c->locked_up;
}

uint32_t cpu_pc(const struct cpu *c) {
  return c->block_addr;
}

uint32_t cpu_register(const struct cpu *c, unsigned number) {
  static const int ids[] = {
      UC_ARM_REG_R0,  UC_ARM_REG_R1,  UC_ARM_REG_R2,  UC_ARM_REG_R3, UC_ARM_REG_R4,
      UC_ARM_REG_R5,  UC_ARM_REG_R6,  UC_ARM_REG_R7,  UC_ARM_REG_R8, UC_ARM_REG_R9,
      UC_ARM_REG_R10, UC_ARM_REG_R11, UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR,
      UC_ARM_REG_PC,  UC_ARM_REG_XPSR};
  return reg_get(c, ids[number]);
}

uint32_t cpu_control(const struct cpu *c) {
  return reg_get(c, UC_ARM_REG_CONTROL);
}

uint64_t cpu_clock_cycles(const struct cpu *c) {
  return c->ticks / TICKS_PER_CYCLE;
}

struct cpu_counters cpu_counters(const struct cpu *c) {
  struct cpu_counters counters = c->counters;
  counters.cycles /= TICKS_PER_CYCLE;
  return counters;
}
