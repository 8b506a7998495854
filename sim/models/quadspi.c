// SPDX-License-Identifier: MIT
// QUADSPI registers: what each read and write means, and the rules of when a write
// is allowed and when it starts an operation (RM0410 14.3.5, 14.5).
//
//   CCR.FMODE   needs AR (ADMODE != 0)   needs DR (write, DMODE != 0)   started by
//   write       no                       no                             CCR
//   write       yes                      no                             AR
//   write       either                   yes                            first DR write
//   read, poll  no                       -                              CCR
//   read, poll  yes                      -                              AR
//   mapped      -                        -                              CCR (window)
//
// Every access first brings the transfer up to now, then acts, then settles flags,
// interrupt wire and the next event.
#include "sim/models/quadspi.h"

#include "sim/models/quadspi_internal.h"

// CR bits that may only change while BUSY = 0 (RM0410 14.5.1).
#define CR_QUIET                                                         \
  (SIM_QUADSPI_CR_PRESCALER | SIM_QUADSPI_CR_PMM | SIM_QUADSPI_CR_APMS | \
   SIM_QUADSPI_CR_FTHRES | SIM_QUADSPI_CR_FSEL | SIM_QUADSPI_CR_DFM |    \
   SIM_QUADSPI_CR_SSHIFT | SIM_QUADSPI_CR_TCEN)
// FTHRES bit 4 does not stick (ES0334; confirmed by ST for F72x, F746, F767).
#define CR_FTHRES_BIT4 0x1000u

#define CR_MODELLED                                                       \
  (SIM_QUADSPI_CR_EN | SIM_QUADSPI_CR_ABORT | SIM_QUADSPI_CR_FSEL |       \
   SIM_QUADSPI_CR_FTHRES | SIM_QUADSPI_CR_TEIE | SIM_QUADSPI_CR_TCIE |    \
   SIM_QUADSPI_CR_FTIE | SIM_QUADSPI_CR_SMIE | SIM_QUADSPI_CR_APMS |      \
   SIM_QUADSPI_CR_PMM | SIM_QUADSPI_CR_PRESCALER | SIM_QUADSPI_CR_DMAEN | \
   SIM_QUADSPI_CR_TCEN | SIM_QUADSPI_CR_DFM | SIM_QUADSPI_CR_TOIE |       \
   SIM_QUADSPI_CR_SSHIFT)
#define CCR_RESERVED 0x20800000u
#define ALL          0xFFFFFFFFu
#define SR_CLEARABLE \
  (SIM_QUADSPI_SR_TEF | SIM_QUADSPI_SR_TCF | SIM_QUADSPI_SR_SMF | SIM_QUADSPI_SR_TOF)

static const struct reg_model models[] = {
    {SIM_QUADSPI_CR, CR_MODELLED, 0, 0, 0},
    {SIM_QUADSPI_DCR, SIM_QUADSPI_DCR_CSHT | SIM_QUADSPI_DCR_FSIZE,
     SIM_QUADSPI_DCR_CKMODE, 0, 0},
    {SIM_QUADSPI_SR, ALL, 0, 0, 0},
    {SIM_QUADSPI_FCR, ALL, 0, 0, 0},
    {SIM_QUADSPI_DLR, ALL, 0, 0, 0},
    // When within the clock data change (DHHC) does not matter to the model.
    {SIM_QUADSPI_CCR, ~(CCR_RESERVED | SIM_QUADSPI_CCR_DHHC), SIM_QUADSPI_CCR_DHHC, 0,
     0},
    {SIM_QUADSPI_AR, ALL, 0, 0, 0},
    {SIM_QUADSPI_ABR, ALL, 0, 0, 0},
    {SIM_QUADSPI_DR, ALL, 0, 0, 0},
    {SIM_QUADSPI_PSMKR, ALL, 0, 0, 0},
    {SIM_QUADSPI_PSMAR, ALL, 0, 0, 0},
    {SIM_QUADSPI_PIR, SIM_QUADSPI_PIR_INTERVAL, 0, 0, 0},
    {SIM_QUADSPI_LPTR, SIM_QUADSPI_LPTR_TIMEOUT, 0, 0, 0},
};

unsigned quadspi_lines(unsigned mode) {
  static const uint8_t lines[] = {0, 1, 2, 4};
  return lines[mode & 3u];
}

uint64_t quadspi_sclk(const struct quadspi *q) {
  return clock_hz(&q->clocks, CLOCK_HCLK) /
         (SIM_GET(q->cr, SIM_QUADSPI_CR_PRESCALER) + 1);
}

uint64_t quadspi_flash_bytes(const struct quadspi *q) {
  return 2ull << SIM_GET(q->dcr, SIM_QUADSPI_DCR_FSIZE);
}

unsigned quadspi_chips(const struct quadspi *q, struct nor *chips[QUADSPI_CHIPS]) {
  if (quadspi_is_dual(q)) {
    chips[0] = q->flash[0];
    chips[1] = q->flash[1];
    return 2;
  }
  chips[0] = q->flash[q->cr & SIM_QUADSPI_CR_FSEL ? 1 : 0];
  chips[1] = NULL;
  return 1;
}

// --- Flags ---

static unsigned threshold(const struct quadspi *q) {
  return SIM_GET(q->cr, SIM_QUADSPI_CR_FTHRES) + 1u;
}

// Memory-mapped mode is busy from its first read until ABORT: the prefetch never ends
// (RM0410 14.3.8).
static bool is_busy(const struct quadspi *q) {
  switch (q->state) {
    case QUADSPI_IDLE: return q->fifo.level > 0;  // unread data (RM0410 14.5.3)
    case QUADSPI_MAPPED: return q->window.touched;
    default: return true;
  }
}

// FTF: room for FTHRES + 1 bytes, or as many to be read, or the rest of a finished
// read; in polling, a status that DR has not given out yet (RM0410 14.5.3).
static bool fifo_flag(const struct quadspi *q) {
  if (!(q->cr & SIM_QUADSPI_CR_EN)) return false;
  switch (ccr_field(q, SIM_QUADSPI_CCR_FMODE)) {
    case FMODE_WRITE:
      return ccr_field(q, SIM_QUADSPI_CCR_DMODE) != 0 &&
             QUADSPI_FIFO_BYTES - q->fifo.level >= threshold(q);
    case FMODE_READ:
      if (q->state == QUADSPI_IDLE) return q->fifo.level > 0;
      return q->fifo.level >= threshold(q);
    case FMODE_POLL: return q->poll_fresh;
    default: return false;
  }
}

static uint32_t status(const struct quadspi *q) {
  uint32_t sr = q->flags | SIM_PUT(SIM_QUADSPI_SR_FLEVEL, q->fifo.level);
  if (is_busy(q)) sr |= SIM_QUADSPI_SR_BUSY;
  if (fifo_flag(q)) sr |= SIM_QUADSPI_SR_FTF;
  return sr;
}

// A request as long as the FIFO flag stands, in the indirect modes; of a write that
// has all its bytes no more.
static bool wants_dma(const struct quadspi *q, uint32_t sr) {
  if (!(q->cr & SIM_QUADSPI_CR_DMAEN) || !(sr & SIM_QUADSPI_SR_FTF)) return false;
  const unsigned fmode = ccr_field(q, SIM_QUADSPI_CCR_FMODE);
  if (fmode == FMODE_READ) return true;
  return fmode == FMODE_WRITE && (q->state == QUADSPI_IDLE || q->transfer.unfed > 0);
}

// After any change: the wires and the next event.
static void settle(struct quadspi *q) {
  const uint32_t sr = status(q);
  const bool level = ((sr & SIM_QUADSPI_SR_TEF) && (q->cr & SIM_QUADSPI_CR_TEIE)) ||
                     ((sr & SIM_QUADSPI_SR_TCF) && (q->cr & SIM_QUADSPI_CR_TCIE)) ||
                     ((sr & SIM_QUADSPI_SR_FTF) && (q->cr & SIM_QUADSPI_CR_FTIE)) ||
                     ((sr & SIM_QUADSPI_SR_SMF) && (q->cr & SIM_QUADSPI_CR_SMIE)) ||
                     ((sr & SIM_QUADSPI_SR_TOF) && (q->cr & SIM_QUADSPI_CR_TOIE));
  irq_set(&q->irq, level);
  dma_set(&q->dma, wants_dma(q, sr));
  quadspi_schedule(q);
}

static void on_event(void *ctx) {
  struct quadspi *q = ctx;
  quadspi_advance(q);
  settle(q);
}

// --- Writes ---

// A write that BUSY forbids is reported and has no effect.
static bool forbidden(struct quadspi *q, uint32_t offset, const char *name) {
  if (!is_busy(q)) return false;
  report_guest(&q->sim->report, GUEST_QSPI_BUSY, QUADSPI_BASE + offset,
               "%s written while BUSY: ignored", name);
  return true;
}

// ABORT works on the old configuration and clears itself. TCF is set by any abort
// (RM0410 14.5.3), also with nothing to abort: ST's HAL waits for it.
static void write_cr(struct quadspi *q, uint32_t value) {
  const uint32_t changed = (value ^ q->cr) & CR_QUIET & ~CR_FTHRES_BIT4;
  if (changed && forbidden(q, SIM_QUADSPI_CR, "CR configuration bits")) {
    value = (value & ~CR_QUIET) | (q->cr & CR_QUIET);
  }
  if (value & CR_FTHRES_BIT4) {
    report_guest(&q->sim->report, GUEST_QSPI_FTHRES, QUADSPI_BASE,
                 "ES0334: FTHRES bit 4 does not stick, %u becomes %u",
                 (unsigned)SIM_GET(value, SIM_QUADSPI_CR_FTHRES),
                 (unsigned)SIM_GET(value & ~CR_FTHRES_BIT4, SIM_QUADSPI_CR_FTHRES));
  }
  if (value & ~q->cr & SIM_QUADSPI_CR_TCEN) {
    report_guest(&q->sim->report, GUEST_QSPI_TIMEOUT, QUADSPI_BASE,
                 "ES0334: memory-mapped reads may fail with the timeout counter on");
  }
  const bool abort = (value & SIM_QUADSPI_CR_ABORT) && (q->cr & SIM_QUADSPI_CR_EN);
  const bool off = !(value & SIM_QUADSPI_CR_EN) && (q->cr & SIM_QUADSPI_CR_EN);
  if (abort || off) quadspi_stop(q);
  if (abort) {
    q->flags |= SIM_QUADSPI_SR_TCF;
    q->aborted = true;
    q->extra_data = false;
  }
  if (off && q->state == QUADSPI_MAPPED) quadspi_window_close(q);
  q->cr = value & ~(SIM_QUADSPI_CR_ABORT | CR_FTHRES_BIT4);
  if (quadspi_is_dual(q)) {
    q->ar &= ~1u;
    q->dlr |= 1u;
  }
}

static void write_dcr(struct quadspi *q, uint32_t value) {
  if (value != q->dcr && !forbidden(q, SIM_QUADSPI_DCR, "DCR")) {
    q->dcr = value;
    if (q->state == QUADSPI_MAPPED && q->window_on_change) q->window_on_change(q->ctx);
  }
}

// What a command still lacks after CCR is written (RM0410 14.3.5, "Triggering").
static bool waits_for_dr(const struct quadspi *q) {
  return ccr_field(q, SIM_QUADSPI_CCR_FMODE) == FMODE_WRITE &&
         ccr_field(q, SIM_QUADSPI_CCR_DMODE) != 0;
}

static bool waits_for_ar(const struct quadspi *q) {
  return ccr_field(q, SIM_QUADSPI_CCR_ADMODE) != 0;
}

static bool has_phases(const struct quadspi *q) {
  return (q->ccr & (SIM_QUADSPI_CCR_IMODE | SIM_QUADSPI_CCR_ADMODE |
                    SIM_QUADSPI_CCR_ABMODE | SIM_QUADSPI_CCR_DMODE)) != 0;
}

static void write_ccr(struct quadspi *q, uint32_t value, uint32_t lanes) {
  if (forbidden(q, SIM_QUADSPI_CCR, "CCR")) return;
  if (q->state == QUADSPI_MAPPED) quadspi_window_close(q);
  q->ccr = value;
  q->instruction_sent = false;
  q->poll_fresh = false;
  if (!(lanes & SIM_QUADSPI_CCR_INSTRUCTION) || !has_phases(q)) return;
  if (ccr_field(q, SIM_QUADSPI_CCR_FMODE) == FMODE_MAPPED) {
    quadspi_window_open(q);
  } else if (!waits_for_ar(q) && !waits_for_dr(q)) {
    quadspi_start(q);
  }
}

static void write_ar(struct quadspi *q, uint32_t value) {
  // ST's HAL rewrites AR with its own value right after a CCR write has started a
  // command without an address. That changes nothing, on silicon as here.
  const bool idle_rewrite = is_busy(q) && value == q->ar && !waits_for_ar(q);
  if (idle_rewrite || forbidden(q, SIM_QUADSPI_AR, "AR")) return;
  if (q->state == QUADSPI_MAPPED) {
    report_guest(&q->sim->report, GUEST_QSPI_CONFIG, QUADSPI_BASE + SIM_QUADSPI_AR,
                 "AR written in memory-mapped mode: ignored");
    return;
  }
  if (quadspi_is_dual(q)) value &= ~1u;  // RM0410 14.5.7: bit 0 is stuck at 0
  q->ar = value;
  if (q->aborted && (value & 3u) == 0) q->ar_unaligned = false;
  if (has_phases(q) && waits_for_ar(q) && !waits_for_dr(q)) quadspi_start(q);
}

static void write_quiet(struct quadspi *q, uint32_t offset, const char *name,
                        uint32_t *reg, uint32_t value) {
  if (!forbidden(q, offset, name)) *reg = value;
}

// The first byte starts the command. A write that finds no room waits for it.
static void write_dr(struct quadspi *q, unsigned bytes, uint32_t value) {
  if (!waits_for_dr(q) || q->state == QUADSPI_MAPPED) {
    report_guest(&q->sim->report, GUEST_QSPI_FIFO, QUADSPI_BASE + SIM_QUADSPI_DR,
                 "DR written, but CCR describes no indirect write with data: ignored");
    return;
  }
  if (q->state == QUADSPI_IDLE) quadspi_start(q);
  if (q->state == QUADSPI_IDLE) return;
  if (bytes > q->transfer.unfed) {
    report_guest(&q->sim->report, GUEST_QSPI_FIFO, QUADSPI_BASE + SIM_QUADSPI_DR,
                 "%u bytes written to DR, the transfer takes %u more", bytes,
                 (unsigned)q->transfer.unfed);
    bytes = (unsigned)q->transfer.unfed;
  }
  const unsigned room = QUADSPI_FIFO_BYTES - q->fifo.level;
  if (bytes > room) quadspi_stall_for(q, bytes - room);
  for (unsigned i = 0; i < bytes; i++)
    quadspi_push(q, (uint8_t)(value >> (8 * i)));
}

// Waits for as many bytes as are asked for, or the end of the transfer; with fewer
// left, the upper bytes read 0: one-byte status reads are often 32 bits wide.
static uint32_t read_dr(struct quadspi *q, unsigned bytes) {
  const unsigned fmode = ccr_field(q, SIM_QUADSPI_CCR_FMODE);
  if (fmode == FMODE_POLL) {
    q->poll_fresh = false;
    return bytes == 4 ? q->poll_status : q->poll_status & ((1u << (8 * bytes)) - 1u);
  }
  if (fmode == FMODE_READ && q->fifo.level < bytes) {
    quadspi_stall_for(q, bytes - q->fifo.level);
  }
  uint32_t value = 0;
  unsigned got = 0;
  if (fmode == FMODE_READ) {
    for (uint8_t byte; got < bytes && quadspi_pop(q, &byte); got++) {
      value |= (uint32_t)byte << (8 * got);
    }
  }
  if (got == 0) {
    report_guest(&q->sim->report, GUEST_QSPI_FIFO, QUADSPI_BASE + SIM_QUADSPI_DR,
                 "DR read while the FIFO is empty and nothing is being read");
  }
  return value;
}

// --- The bus ---

// DR is accessed at its bottom, in any width; elsewhere is no register.
static void check_dr_access(const struct quadspi *q, uint32_t offset) {
  if ((offset & ~3u) != SIM_QUADSPI_DR || offset == SIM_QUADSPI_DR) return;
  report_guest(&q->sim->report, GUEST_BAD_WIDTH, QUADSPI_BASE + offset,
               "DR accessed at byte %u instead of its bottom", (unsigned)(offset & 3u));
}

static uint32_t register_value(const struct quadspi *q, uint32_t offset) {
  switch (offset) {
    case SIM_QUADSPI_CR: return q->cr;
    case SIM_QUADSPI_DCR: return q->dcr;
    case SIM_QUADSPI_SR: return status(q);
    case SIM_QUADSPI_DLR: return q->dlr;
    case SIM_QUADSPI_CCR: return q->ccr;
    case SIM_QUADSPI_AR: return q->ar;
    case SIM_QUADSPI_ABR: return q->abr;
    case SIM_QUADSPI_PSMKR: return q->psmkr;
    case SIM_QUADSPI_PSMAR: return q->psmar;
    case SIM_QUADSPI_PIR: return q->pir;
    case SIM_QUADSPI_LPTR: return q->lptr;
    default: return 0;
  }
}

uint32_t quadspi_read(void *ctx, uint32_t offset, unsigned bytes) {
  struct quadspi *q = ctx;
  if (!reg_check_read(&q->regs, offset)) return 0;
  check_dr_access(q, offset);
  quadspi_advance(q);
  uint32_t value = 0;
  if (offset == SIM_QUADSPI_DR) {
    value = read_dr(q, bytes);
  } else {
    value = reg_extract(register_value(q, offset & ~3u), offset, bytes);
  }
  settle(q);
  return value;
}

static void write_register(struct quadspi *q, uint32_t offset, uint32_t value,
                           uint32_t lanes) {
  switch (offset) {
    case SIM_QUADSPI_CR: write_cr(q, value); break;
    case SIM_QUADSPI_DCR: write_dcr(q, value); break;
    case SIM_QUADSPI_FCR: q->flags &= ~(value & lanes & SR_CLEARABLE); break;
    case SIM_QUADSPI_DLR:
      if (quadspi_is_dual(q)) value |= 1u;  // RM0410 14.5.5: bit 0 is stuck at 1
      write_quiet(q, offset, "DLR", &q->dlr, value);
      break;
    case SIM_QUADSPI_CCR: write_ccr(q, value, lanes); break;
    case SIM_QUADSPI_AR: write_ar(q, value); break;
    case SIM_QUADSPI_ABR: write_quiet(q, offset, "ABR", &q->abr, value); break;
    case SIM_QUADSPI_PSMKR: write_quiet(q, offset, "PSMKR", &q->psmkr, value); break;
    case SIM_QUADSPI_PSMAR: write_quiet(q, offset, "PSMAR", &q->psmar, value); break;
    case SIM_QUADSPI_PIR: write_quiet(q, offset, "PIR", &q->pir, value); break;
    case SIM_QUADSPI_LPTR: write_quiet(q, offset, "LPTR", &q->lptr, value); break;
    default: break;
  }
}

void quadspi_write(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  struct quadspi *q = ctx;
  if (!reg_check_write(&q->regs, offset, bytes, value)) return;
  check_dr_access(q, offset);
  quadspi_advance(q);
  if (offset == SIM_QUADSPI_DR) {
    write_dr(q, bytes, value);
  } else {
    const uint32_t base = offset & ~3u;
    const struct reg_desc *reg = reg_at(&q->regs, offset);
    const uint32_t word = reg_merge(register_value(q, base), offset, bytes, value);
    write_register(q, base, word & reg->known, reg_lanes(offset, bytes));
  }
  settle(q);
}

// --- Life ---

void quadspi_reset(struct quadspi *q) {
  if (q->state != QUADSPI_IDLE) quadspi_stop(q);
  if (q->state == QUADSPI_MAPPED) quadspi_window_close(q);
  q->cr = q->dcr = q->flags = q->dlr = q->ccr = q->ar = q->abr = 0;
  q->psmkr = q->psmar = q->pir = q->lptr = 0;
  q->fifo = (struct quadspi_fifo){0};
  q->poll_fresh = q->instruction_sent = q->ar_unaligned = q->aborted = false;
  q->extra_data = false;
  q->cs_free_at = 0;
  settle(q);
}

void quadspi_init(struct quadspi *q, struct sim *sim, struct clock_source clocks) {
  *q = (struct quadspi){.sim = sim, .clocks = clocks};
  reg_file_init(&q->regs, &sim_regs_quadspi, QUADSPI_BASE, models,
                sizeof models / sizeof models[0], &sim->report);
  event_init(&q->event, on_event, q);
}

void quadspi_free(struct quadspi *q) {
  event_cancel(&q->sim->events, &q->event);
  reg_file_free(&q->regs);
}
