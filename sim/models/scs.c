// SPDX-License-Identifier: MIT
#include "sim/models/scs.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

// Offsets of the parts from 0xE000E000.
enum {
  AT_CONTROL = 0x004,
  AT_STK = 0x010,
  AT_NVIC = 0x100,
  AT_SCB = 0xD00,
  AT_MPU = 0xD90,
  AT_DEBUG = 0xDF0,
  AT_FPU = 0xF34,
  AT_STIR = 0xF00,
};

#define SCS_BASE 0xE000E000u
#define VECTKEY  0x05FAu

// The emulated core has none of what ACTLR could switch off.
static const struct reg_model control_models[] = {{SIM_SCNSCB_ACTLR, 0, ALL, 0, 0}};
static const struct reg_model stk_models[] = {{SIM_STK_CTRL, ALL, 0, 3, 4}};
static const struct reg_model mpu_models[] = {{SIM_MPU_TYPE, ALL, 0, 11, 4}};
static const struct reg_model nvic_models[] = {
    {SIM_NVIC_ISER0, ALL, 0, 8, 4}, {SIM_NVIC_ICER0, ALL, 0, 8, 4},
    {SIM_NVIC_ISPR0, ALL, 0, 8, 4}, {SIM_NVIC_ICPR0, ALL, 0, 8, 4},
    {SIM_NVIC_IPR0, ALL, 0, 60, 4}, {SIM_NVIC_STIR, ALL, 0, 0, 0},
};
static const struct reg_model fpu_models[] = {{SIM_FPU_FPCCR, ALL, 0, 3, 4}};

// No debugger is attached: the vector catches never catch.
static const struct reg_model debug_models[] = {
    {SIM_COREDEBUG_DEMCR, 0, ALL, 0, 0},
};

static const struct reg_model scb_models[] = {
    {SIM_SCB_ICSR, ALL, 0, 0, 0},
    {SIM_SCB_VTOR, ALL, 0, 0, 0},
    {SIM_SCB_AIRCR, ALL & ~(SIM_SCB_AIRCR_VECTRESET | SIM_SCB_AIRCR_VECTCLRACTIVE), 0,
     0, 0},
    {SIM_SCB_SCR,
     SIM_SCB_SCR_SLEEPONEXIT | SIM_SCB_SCR_SLEEPDEEP | SIM_SCB_SCR_SEVONPEND, 0, 0, 0},
    // BFHFNMIGN is missing. The branch predictor and stack alignment are always on.
    {SIM_SCB_CCR,
     SIM_SCB_CCR_DC | SIM_SCB_CCR_IC | SIM_SCB_CCR_NONBASETHRDENA |
         SIM_SCB_CCR_UNALIGN_TRP | SIM_SCB_CCR_DIV_0_TRP,
     SIM_SCB_CCR_BP | SIM_SCB_CCR_STKALIGN | SIM_SCB_CCR_USERSETMPEND, 0, 0},
    {SIM_SCB_SHPR1, ALL, 0, 3, 4},
    {SIM_SCB_SHCSR, ALL, 0, 0, 0},
    {SIM_SCB_CFSR, ALL, 0, 2, 4},
    {SIM_SCB_DFSR, ALL, 0, 4, 4},
    {SIM_SCB_CSSELR, ALL, 0, 0, 0},
    {SIM_SCB_CPACR, ALL, 0, 0, 0},
    {SIM_SCB_ICIALLU, ALL, 0, 11, 4},
    {SIM_SCB_ITCMCR, 0, ALL, 5, 4},
};

void scs_init(struct scs *s, struct sim *sim, struct clock_source clocks) {
  memset(s, 0, sizeof *s);
  s->sim = sim;
  systick_init(&s->systick, sim, clocks);
  mpu_init(&s->mpu, &sim->report);
  struct report *r = &sim->report;
#define COUNT(a) (sizeof(a) / sizeof *(a))
  reg_file_init(&s->control, &sim_regs_scnscb, SCS_BASE, control_models,
                COUNT(control_models), r);
  reg_file_init(&s->stk, &sim_regs_stk, SCS_BASE + AT_STK, stk_models,
                COUNT(stk_models), r);
  reg_file_init(&s->nvic_regs, &sim_regs_nvic, SCS_BASE + AT_NVIC, nvic_models,
                COUNT(nvic_models), r);
  reg_file_init(&s->scb, &sim_regs_scb, SCS_BASE + AT_SCB, scb_models,
                COUNT(scb_models), r);
  reg_file_init(&s->mpu_regs, &sim_regs_mpu, SCS_BASE + AT_MPU, mpu_models,
                COUNT(mpu_models), r);
  reg_file_init(&s->fpu, &sim_regs_fpu, SCS_BASE + AT_FPU, fpu_models,
                COUNT(fpu_models), r);
  reg_file_init(&s->coredebug, &sim_regs_coredebug, SCS_BASE + AT_DEBUG, debug_models,
                COUNT(debug_models), r);
#undef COUNT
}

void scs_free(struct scs *s) {
  reg_file_free(&s->control);
  reg_file_free(&s->stk);
  reg_file_free(&s->nvic_regs);
  reg_file_free(&s->scb);
  reg_file_free(&s->mpu_regs);
  reg_file_free(&s->fpu);
  reg_file_free(&s->coredebug);
}

static uint32_t scb_reset_value(const struct scs *s, uint32_t offset) {
  return reg_at(&s->scb, offset)->reset;
}

void scs_reset(struct scs *s, uint32_t vectors) {
  nvic_reset(&s->nvic);
  mpu_reset(&s->mpu);
  systick_reset(&s->systick);
  s->vtor = vectors;
  s->scr = s->csselr = s->cpacr = s->shcsr_enables = s->demcr = 0;
  s->actlr = 0;
  s->cfsr = s->hfsr = s->dfsr = s->mmfar = s->bfar = s->afsr = 0;
  s->ccr = scb_reset_value(s, SIM_SCB_CCR);
  s->itcmcr = scb_reset_value(s, SIM_SCB_ITCMCR);
  s->dtcmcr = scb_reset_value(s, SIM_SCB_DTCMCR);
  s->ahbpcr = scb_reset_value(s, SIM_SCB_AHBPCR);
  s->cacr = scb_reset_value(s, SIM_SCB_CACR);
  s->ahbscr = scb_reset_value(s, SIM_SCB_AHBSCR);
  s->fpccr = reg_at(&s->fpu, SIM_FPU_FPCCR)->reset;
  s->fpcar = s->fpdscr = 0;
  s->reset_requested = false;
}

// What the core may do has changed: it looks before the next block.
static void tell_core(const struct scs *s) {
  if (s->on_core_change) s->on_core_change(s->core);
}

// --- NVIC ---

static uint32_t nvic_word(const struct nvic *n, uint32_t offset) {
  const unsigned word = (offset % 0x80) / 4;
  if (offset >= SIM_NVIC_IPR0) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
      const unsigned irq = offset - SIM_NVIC_IPR0 + i;
      if (irq < NVIC_IRQS) value |= (uint32_t)n->priority[irq] << (8 * i);
    }
    return value;
  }
  if (word >= NVIC_WORDS) return 0;
  if (offset >= SIM_NVIC_IABR0) return n->active[word];
  if (offset >= SIM_NVIC_ISPR0) return n->pending[word];
  return n->enabled[word];
}

static void nvic_write(struct scs *s, uint32_t offset, unsigned bytes, uint32_t value) {
  struct nvic *n = &s->nvic;
  if (offset >= SIM_NVIC_IPR0) {
    for (unsigned i = 0; i < bytes; i++) {
      const unsigned irq = offset - SIM_NVIC_IPR0 + i;
      if (irq < NVIC_IRQS) n->priority[irq] = (uint8_t)((value >> (8 * i)) & 0xF0u);
    }
  } else {
    const unsigned word = (offset % 0x80) / 4;
    const uint32_t bits = reg_merge(0, offset, bytes, value) & nvic_lines(word);
    if (word >= NVIC_WORDS) return;
    if (offset >= SIM_NVIC_IABR0) return;
    if (offset >= SIM_NVIC_ICPR0) {
      // For the others nothing changes.
      for (uint32_t b = bits & (n->pending[word] | n->level[word]); b; b &= b - 1) {
        nvic_unpend(n, EXC_IRQ0 + word * 32 + (unsigned)__builtin_ctz(b));
      }
    } else if (offset >= SIM_NVIC_ISPR0) {
      n->pending[word] |= bits;
    } else if (offset >= SIM_NVIC_ICER0) {
      n->enabled[word] &= ~bits;
    } else {
      n->enabled[word] |= bits;
    }
  }
  if (n->on_change) n->on_change(n->on_change_ctx);
}

// --- SCB ---

static uint32_t read_icsr(const struct scs *s) {
  const struct nvic *n = &s->nvic;
  uint32_t value = s->ipsr ? s->ipsr(s->ctx) : 0;
  unsigned active = (unsigned)__builtin_popcount(n->system_active);
  uint32_t irq_pending = 0;
  for (unsigned i = 0; i < NVIC_WORDS; i++) {
    active += (unsigned)__builtin_popcount(n->active[i]);
    irq_pending |= n->pending[i];
  }
  value |= SIM_PUT(SIM_SCB_ICSR_VECTPENDING, nvic_highest_pending(n));
  if (active <= 1) value |= SIM_SCB_ICSR_RETTOBASE;
  if (irq_pending) value |= SIM_SCB_ICSR_ISRPENDING;
  if (nvic_is_pending(n, EXC_SYSTICK)) value |= SIM_SCB_ICSR_PENDSTSET;
  if (nvic_is_pending(n, EXC_PENDSV)) value |= SIM_SCB_ICSR_PENDSVSET;
  if (nvic_is_pending(n, EXC_NMI)) value |= SIM_SCB_ICSR_NMIPENDSET;
  return value;
}

static void write_icsr(struct scs *s, uint32_t value) {
  struct nvic *n = &s->nvic;
  if (value & SIM_SCB_ICSR_NMIPENDSET) nvic_pend(n, EXC_NMI);
  if (value & SIM_SCB_ICSR_PENDSVSET) nvic_pend(n, EXC_PENDSV);
  if (value & SIM_SCB_ICSR_PENDSVCLR) nvic_unpend(n, EXC_PENDSV);
  if (value & SIM_SCB_ICSR_PENDSTSET) nvic_pend(n, EXC_SYSTICK);
  if (value & SIM_SCB_ICSR_PENDSTCLR) nvic_unpend(n, EXC_SYSTICK);
}

static const struct {
  unsigned exception;
  uint32_t active, pended;
} shcsr_map[] = {
    {EXC_MEMMANAGE, SIM_SCB_SHCSR_MEMFAULTACT, SIM_SCB_SHCSR_MEMFAULTPENDED},
    {EXC_BUSFAULT, SIM_SCB_SHCSR_BUSFAULTACT, SIM_SCB_SHCSR_BUSFAULTPENDED},
    {EXC_USAGEFAULT, SIM_SCB_SHCSR_USGFAULTACT, SIM_SCB_SHCSR_USGFAULTPENDED},
    {EXC_SVCALL, SIM_SCB_SHCSR_SVCALLACT, SIM_SCB_SHCSR_SVCALLPENDED},
    {EXC_DEBUGMON, SIM_SCB_SHCSR_MONITORACT, 0},
    {EXC_PENDSV, SIM_SCB_SHCSR_PENDSVACT, 0},
    {EXC_SYSTICK, SIM_SCB_SHCSR_SYSTICKACT, 0},
};
enum { SHCSR_MAP = sizeof shcsr_map / sizeof *shcsr_map };

static uint32_t read_shcsr(const struct scs *s) {
  uint32_t value = s->shcsr_enables;
  for (size_t i = 0; i < SHCSR_MAP; i++) {
    const unsigned exception = shcsr_map[i].exception;
    if (nvic_is_active(&s->nvic, exception)) value |= shcsr_map[i].active;
    if (nvic_is_pending(&s->nvic, exception)) value |= shcsr_map[i].pended;
  }
  return value;
}

static void put_bit(uint32_t *word, unsigned bit, bool on) {
  *word = (*word & ~(1u << bit)) | (on ? 1u << bit : 0u);
}

// Active and pending bits can be written, as context switches of fault handlers do
// (B3.2.13).
static void write_shcsr(struct scs *s, uint32_t value) {
  s->shcsr_enables = value & (SIM_SCB_SHCSR_MEMFAULTENA | SIM_SCB_SHCSR_BUSFAULTENA |
                              SIM_SCB_SHCSR_USGFAULTENA);
  for (size_t i = 0; i < SHCSR_MAP; i++) {
    const unsigned exception = shcsr_map[i].exception;
    put_bit(&s->nvic.system_active, exception, value & shcsr_map[i].active);
    if (!shcsr_map[i].pended) continue;
    put_bit(&s->nvic.system_pending, exception, value & shcsr_map[i].pended);
  }
  tell_core(s);
}

static uint32_t read_shpr(const struct scs *s, uint32_t offset) {
  uint32_t value = 0;
  for (unsigned i = 0; i < 4; i++) {
    const unsigned exception = 4 + (offset - SIM_SCB_SHPR1) + i;
    value |= (uint32_t)s->nvic.system_priority[exception] << (8 * i);
  }
  return value;
}

static void write_shpr(struct scs *s, uint32_t offset, unsigned bytes, uint32_t value) {
  for (unsigned i = 0; i < bytes; i++) {
    const unsigned exception = 4 + (offset - SIM_SCB_SHPR1) + i;
    s->nvic.system_priority[exception] = (uint8_t)((value >> (8 * i)) & 0xF0u);
  }
  if (s->nvic.on_change) s->nvic.on_change(s->nvic.on_change_ctx);
}

static void write_vtor(struct scs *s, uint32_t value) {
  // 16 + 110 vectors of 4 bytes: the next power of two is 512 (DDI0403E B3.2.5).
  if (value & 0x1FFu) {
    report_guest(&s->sim->report, GUEST_VECTOR_TABLE, SCS_BASE + AT_SCB + SIM_SCB_VTOR,
                 "VTOR 0x%08x is not a multiple of 512", (unsigned)value);
  }
  s->vtor = value & ~0x7Fu;
}

static void write_aircr(struct scs *s, uint32_t value) {
  if (value >> 16 != VECTKEY) {
    report_guest(&s->sim->report, GUEST_DROPPED_WRITE, SCS_BASE + 0xD0C,
                 "AIRCR written without the key 0x05FA");
    return;
  }
  s->nvic.prigroup = (uint8_t)SIM_GET(value, SIM_SCB_AIRCR_PRIGROUP);
  if (!(value & SIM_SCB_AIRCR_SYSRESETREQ)) return;
  s->reset_requested = true;
  if (s->on_reset_request) s->on_reset_request(s->ctx);
}

static void write_ccr(struct scs *s, uint32_t value) {
  const uint32_t old = s->ccr;
  s->ccr = value | SIM_SCB_CCR_STKALIGN | SIM_SCB_CCR_BP;
  tell_core(s);
  const uint32_t caches = SIM_SCB_CCR_DC | SIM_SCB_CCR_IC;
  if (((old ^ s->ccr) & caches) && s->cache) s->cache(s->ctx, CACHE_ENABLES, s->ccr);
}

static bool cache_operation(struct scs *s, uint32_t offset, uint32_t value) {
  enum cache_op op;
  switch (offset) {
    case SIM_SCB_ICIALLU: op = CACHE_ICIALLU; break;
    case SIM_SCB_ICIMVAU: op = CACHE_ICIMVAU; break;
    case SIM_SCB_DCIMVAC: op = CACHE_DCIMVAC; break;
    case SIM_SCB_DCISW: op = CACHE_DCISW; break;
    case SIM_SCB_DCCMVAU: op = CACHE_DCCMVAU; break;
    case SIM_SCB_DCCMVAC: op = CACHE_DCCMVAC; break;
    case SIM_SCB_DCCSW: op = CACHE_DCCSW; break;
    case SIM_SCB_DCCIMVAC: op = CACHE_DCCIMVAC; break;
    case SIM_SCB_DCCISW: op = CACHE_DCCISW; break;
    case SIM_SCB_BPIALL: return true;  // no branch predictor to flush
    default: return false;
  }
  if (s->cache) s->cache(s->ctx, op, value);
  return true;
}

// Cortex-M7 TRM 3.3.6: 16 KB each, 32-byte lines; I 2 ways of 256, D 4 of 128.
static uint32_t read_ccsidr(const struct scs *s) {
  return s->csselr & 1u ? 0xF01FE009u : 0xF00FE019u;
}

static uint32_t *plain_register(struct scs *s, uint32_t offset) {
  switch (offset) {
    case SIM_SCB_VTOR: return &s->vtor;
    case SIM_SCB_SCR: return &s->scr;
    case SIM_SCB_CCR: return &s->ccr;
    case SIM_SCB_CFSR: return &s->cfsr;
    case SIM_SCB_HFSR: return &s->hfsr;
    case SIM_SCB_DFSR: return &s->dfsr;
    case SIM_SCB_MMFAR: return &s->mmfar;
    case SIM_SCB_BFAR: return &s->bfar;
    case SIM_SCB_AFSR: return &s->afsr;
    case SIM_SCB_CPACR: return &s->cpacr;
    case SIM_SCB_CSSELR: return &s->csselr;
    case SIM_SCB_ITCMCR: return &s->itcmcr;
    case SIM_SCB_DTCMCR: return &s->dtcmcr;
    case SIM_SCB_AHBPCR: return &s->ahbpcr;
    case SIM_SCB_CACR: return &s->cacr;
    case SIM_SCB_AHBSCR: return &s->ahbscr;
    default: return NULL;
  }
}

static uint32_t scb_read(struct scs *s, uint32_t offset) {
  const uint32_t *plain = plain_register(s, offset);
  if (plain) return *plain;
  switch (offset) {
    case SIM_SCB_ICSR: return read_icsr(s);
    case SIM_SCB_AIRCR:
      return 0xFA050000u | SIM_PUT(SIM_SCB_AIRCR_PRIGROUP, s->nvic.prigroup);
    case SIM_SCB_SHPR1:
    case SIM_SCB_SHPR2:
    case SIM_SCB_SHPR3: return read_shpr(s, offset);
    case SIM_SCB_SHCSR: return read_shcsr(s);
    case SIM_SCB_CCSIDR: return read_ccsidr(s);
    default: return scb_reset_value(s, offset);  // identification
  }
}

static void scb_write(struct scs *s, uint32_t offset, unsigned bytes, uint32_t value) {
  const uint32_t word = offset & ~3u;
  if (word >= SIM_SCB_SHPR1 && word <= SIM_SCB_SHPR3) {
    write_shpr(s, offset, bytes, value);
    return;
  }
  uint32_t *plain = plain_register(s, word);
  const uint32_t old = word == SIM_SCB_SHCSR ? read_shcsr(s) : plain ? *plain : 0;
  const uint32_t merged = reg_update(&s->scb, old, offset, bytes, value);
  if (cache_operation(s, word, merged)) return;
  switch (word) {
    case SIM_SCB_ICSR: write_icsr(s, merged); break;
    case SIM_SCB_VTOR: write_vtor(s, merged); break;
    case SIM_SCB_AIRCR: write_aircr(s, merged); break;
    case SIM_SCB_CCR: write_ccr(s, merged); break;
    case SIM_SCB_SHCSR: write_shcsr(s, merged); break;
    case SIM_SCB_CPACR:
      s->cpacr = merged;
      tell_core(s);
      break;
    case SIM_SCB_CFSR:
    case SIM_SCB_HFSR:
    case SIM_SCB_DFSR:  // write 1 to clear
      if (plain) *plain &= ~reg_merge(0, offset, bytes, value);
      break;
    default:
      if (plain) *plain = merged;
  }
}

// --- dispatch ---

static struct reg_file *part_of(struct scs *s, uint32_t offset) {
  if (offset >= AT_CONTROL && offset < AT_CONTROL + 8) return &s->control;
  if (offset >= AT_STK && offset < AT_STK + 0x10) return &s->stk;
  if (offset >= AT_MPU && offset < AT_MPU + 0x2C) return &s->mpu_regs;
  if (offset >= AT_DEBUG && offset < AT_DEBUG + 0x10) return &s->coredebug;
  if (offset >= AT_FPU && offset < AT_FPU + 0x18) return &s->fpu;
  if ((offset >= AT_NVIC && offset < AT_SCB) || offset == AT_STIR) return &s->nvic_regs;
  if (offset >= AT_SCB) return &s->scb;
  return NULL;
}

// Only priorities and fault status may be accessed narrower than a word (B3.1.1); what
// else happens to be is not known.
static bool good_width(struct scs *s, const struct reg_file *part, uint32_t offset,
                       unsigned bytes) {
  const uint32_t scb = offset - AT_SCB;
  const bool priority =
      (part == &s->nvic_regs && offset >= AT_NVIC + SIM_NVIC_IPR0) ||
      (part == &s->scb && scb >= SIM_SCB_SHPR1 && scb < SIM_SCB_SHCSR);
  const bool status = part == &s->scb && (scb & ~3u) == SIM_SCB_CFSR;
  if (bytes == 4 || priority || status) return true;
  report_guest(&s->sim->report, GUEST_BAD_WIDTH, SCS_BASE + offset,
               "%u-byte access at 0x%08x, which takes words only", bytes,
               (unsigned)(SCS_BASE + offset));
  return false;
}

static uint32_t fpu_word(const struct scs *s, uint32_t offset) {
  switch (offset) {
    case SIM_FPU_FPCCR: return s->fpccr;
    case SIM_FPU_FPCAR: return s->fpcar;
    case SIM_FPU_FPDSCR: return s->fpdscr;
    default: return reg_at(&s->fpu, offset)->reset;
  }
}

static void fpu_write(struct scs *s, uint32_t offset, uint32_t value) {
  const uint32_t known = value & reg_at(&s->fpu, offset)->known;
  if (offset == SIM_FPU_FPCCR) s->fpccr = known;
  if (offset == SIM_FPU_FPCAR) s->fpcar = known;
  if (offset == SIM_FPU_FPDSCR) s->fpdscr = known;
  tell_core(s);
}

uint32_t scs_read(void *scs, uint32_t offset, unsigned bytes) {
  struct scs *s = scs;
  struct reg_file *part = part_of(s, offset);
  if (!part) {
    // "s may be null": that of part_of, not this one.
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
    report_guest(&s->sim->report, GUEST_BAD_REGISTER, SCS_BASE + offset,
                 "read at 0x%08x, where no register is", (unsigned)(SCS_BASE + offset));
    return 0;
  }
  const uint32_t at = SCS_BASE + offset - part->base;
  if (!good_width(s, part, offset, bytes) || !reg_check_read(part, at)) return 0;
  const uint32_t word = at & ~3u;
  uint32_t value = 0;
  if (part == &s->control) {
    value = word == SIM_SCNSCB_ACTLR ? s->actlr : (NVIC_IRQS - 1) / 32;
  }
  if (part == &s->stk) value = systick_read(&s->systick, word);
  if (part == &s->mpu_regs) value = mpu_read(&s->mpu, word);
  if (part == &s->fpu) value = fpu_word(s, word);
  if (part == &s->coredebug && word == SIM_COREDEBUG_DEMCR) value = s->demcr;
  if (part == &s->nvic_regs) value = nvic_word(&s->nvic, word);
  if (part == &s->scb) value = scb_read(s, word);
  return reg_extract(value, offset, bytes);
}

void scs_write(void *scs, uint32_t offset, unsigned bytes, uint32_t value) {
  struct scs *s = scs;
  struct reg_file *part = part_of(s, offset);
  if (!part) {
    // "s may be null": that of part_of, not this one.
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
    report_guest(&s->sim->report, GUEST_BAD_REGISTER, SCS_BASE + offset,
                 "write at 0x%08x, where no register is",
                 (unsigned)(SCS_BASE + offset));
    return;
  }
  const uint32_t at = SCS_BASE + offset - part->base;
  if (!good_width(s, part, offset, bytes)) return;
  if (!reg_check_write(part, at, bytes, value)) return;
  if (part == &s->control) s->actlr = reg_update(part, s->actlr, at, bytes, value);
  if (part == &s->stk) systick_write(&s->systick, at & ~3u, value);
  if (part == &s->mpu_regs) mpu_write(&s->mpu, at & ~3u, value);
  if (part == &s->fpu) fpu_write(s, at & ~3u, value);
  if (part == &s->coredebug && (at & ~3u) == SIM_COREDEBUG_DEMCR) {
    s->demcr = value;
    if (s->on_trace) s->on_trace(s->ctx, value & SIM_COREDEBUG_DEMCR_TRCENA);
  }
  if (part == &s->scb) scb_write(s, at, bytes, value);
  if (part != &s->nvic_regs) return;
  if (at == SIM_NVIC_STIR) {
    if ((value & 0x1FFu) < NVIC_IRQS) nvic_pend(&s->nvic, EXC_IRQ0 + (value & 0x1FFu));
  } else {
    nvic_write(s, at, bytes, value);
  }
}
