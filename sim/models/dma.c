// SPDX-License-Identifier: MIT
// Registers of the DMA controllers, what enabling a stream checks, flags.
#include "sim/models/dma.h"

#include <string.h>

#include "sim/models/dma_internal.h"

#define ALL 0xFFFFFFFFu

static const struct reg_model models[] = {
    {SIM_DMA_LIFCR, ALL, 0, 0, 0},
    {SIM_DMA_HIFCR, ALL, 0, 0, 0},
    {SIM_DMA_SCR(0), ALL, 0, DMA_STREAMS, 0x18},
    {SIM_DMA_SNDTR(0), ALL, 0, DMA_STREAMS, 0x18},
    {SIM_DMA_SPAR(0), ALL, 0, DMA_STREAMS, 0x18},
    {SIM_DMA_SM0AR(0), ALL, 0, DMA_STREAMS, 0x18},
    {SIM_DMA_SM1AR(0), ALL, 0, DMA_STREAMS, 0x18},
    {SIM_DMA_SFCR(0), ALL, 0, DMA_STREAMS, 0x18},
};

// Bits of CR that may be written while EN is set (RM0410 8.5.5).
#define CR_FREE                                                               \
  (SIM_DMA_SCR_EN | SIM_DMA_SCR_DMEIE | SIM_DMA_SCR_TEIE | SIM_DMA_SCR_HTIE | \
   SIM_DMA_SCR_TCIE)

enum { FIRST_STREAM = 0x10, STREAM_SIZE = 0x18 };
enum { CR = 0x00, NDTR = 0x04, PAR = 0x08, M0AR = 0x0C, M1AR = 0x10, FCR = 0x14 };

static uint32_t addr_of(const struct dma *d, const struct dma_stream *s) {
  return d->regs.base + FIRST_STREAM + STREAM_SIZE * dma_index(d, s);
}

#define COMPLAIN(d, s, error, text, ...)                                           \
  report_guest(&(d)->sim->report, (error), addr_of(d, s), "DMA%u stream %u " text, \
               (d)->number, dma_index(d, s), ##__VA_ARGS__)

// --- flags and interrupts --------------------------------------------------------

// The enable bits of CR are one place below the flags; FEIE is in FCR.
static void update_irq(struct dma_stream *s) {
  static const struct {
    unsigned flag;
    uint32_t enable;
  } pairs[] = {
      {FLAG_DME, SIM_DMA_SCR_DMEIE},
      {FLAG_TE, SIM_DMA_SCR_TEIE},
      {FLAG_HT, SIM_DMA_SCR_HTIE},
      {FLAG_TC, SIM_DMA_SCR_TCIE},
  };
  bool level = (s->flags & FLAG_FE) && (s->fcr & SIM_DMA_SFCR_FEIE);
  for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if ((s->flags & pairs[i].flag) && dma_cr(s, pairs[i].enable)) level = true;
  }
  irq_set(&s->irq, level);
}

void dma_flag(struct dma *d, struct dma_stream *s, unsigned flags) {
  (void)d;
  s->flags |= flags;
  update_irq(s);
}

void dma_disabled(struct dma *d, struct dma_stream *s) {
  (void)d;
  s->cr &= ~SIM_DMA_SCR_EN;
  s->level = 0;
}

// Flags of a stream in LISR or HISR: at bits 0, 6, 16 and 22.
static unsigned flag_shift(unsigned stream) {
  static const unsigned shifts[4] = {0, 6, 16, 22};
  return shifts[stream % 4];
}

static uint32_t read_flags(const struct dma *d, unsigned first) {
  uint32_t word = 0;
  for (unsigned i = first; i < first + 4; i++)
    word |= d->streams[i].flags << flag_shift(i);
  return word;
}

static void clear_flags(struct dma *d, unsigned first, uint32_t word) {
  for (unsigned i = first; i < first + 4; i++) {
    d->streams[i].flags &= ~(word >> flag_shift(i));
    update_irq(&d->streams[i]);
  }
}

// --- enabling --------------------------------------------------------------------

// What the hardware forces when EN is set (RM0410 8.5.5, 8.5.10).
static void force_bits(struct dma_stream *s) {
  if (dma_direction(s) == DMA_M2M) s->fcr |= SIM_DMA_SFCR_DMDIS;
  if (dma_cr(s, SIM_DMA_SCR_DBM)) s->cr |= SIM_DMA_SCR_CIRC;
  if (dma_cr(s, SIM_DMA_SCR_PFCTRL)) s->cr &= ~SIM_DMA_SCR_CIRC;
  if (dma_is_direct(s)) {
    s->cr &= ~(SIM_DMA_SCR_MSIZE | SIM_DMA_SCR_PBURST | SIM_DMA_SCR_MBURST);
    s->cr |= SIM_PUT(SIM_DMA_SCR_MSIZE, SIM_GET(s->cr, SIM_DMA_SCR_PSIZE));
  }
  const bool plain = dma_is_direct(s) || dma_cr(s, SIM_DMA_SCR_PBURST);
  if (plain) s->cr &= ~SIM_DMA_SCR_PINCOS;
}

// The old flags must be clear before EN is set (RM0410 8.5.5, EN); with one of them
// set the stream does not start (F. van Hooft on the F2's equal controller, confirmed
// there by ST).
static bool check_flags(struct dma *d, struct dma_stream *s) {
  if (!s->flags) return true;
  COMPLAIN(d, s, GUEST_DMA_CONFIG, "enabled with flags 0x%02x set: it does not start",
           s->flags);
  return false;
}

static bool check_direction(struct dma *d, struct dma_stream *s) {
  const uint32_t direction = SIM_GET(s->cr, SIM_DMA_SCR_DIR);
  const uint32_t rounds = SIM_DMA_SCR_CIRC | SIM_DMA_SCR_DBM;
  if (direction > DMA_M2M || SIM_GET(s->cr, SIM_DMA_SCR_PSIZE) == 3 ||
      SIM_GET(s->cr, SIM_DMA_SCR_MSIZE) == 3) {
    COMPLAIN(d, s, GUEST_DMA_CONFIG, "enabled with a reserved DIR, PSIZE or MSIZE");
    return false;
  }
  if (direction != DMA_M2M) return true;
  if (dma_cr(s, rounds)) {
    COMPLAIN(d, s, GUEST_DMA_CONFIG, "memory to memory with CIRC or DBM");
    return false;
  }
  if (d->number == 2) return true;
  COMPLAIN(d, s, GUEST_DMA1_MEMORY,
           "memory to memory: its peripheral port is not on the bus matrix");
  dma_flag(d, s, FLAG_TE);
  return false;
}

// Bursts must fit the FIFO and its threshold, or the stream is disabled again with
// FEIF (RM0410 8.3.13, table "FIFO threshold configurations").
static bool check_bursts(struct dma *d, struct dma_stream *s) {
  const uint32_t mburst = SIM_GET(s->cr, SIM_DMA_SCR_MBURST);
  const uint32_t pburst = SIM_GET(s->cr, SIM_DMA_SCR_PBURST);
  const uint32_t memory = dma_beats(mburst) * dma_msize(s);
  const uint32_t periph = dma_beats(pburst) * dma_psize(s);
  const uint32_t threshold = dma_threshold(s);
  const bool fits = !mburst || (memory <= DMA_FIFO && threshold % memory == 0);
  const bool endless =
      pburst && (periph > DMA_FIFO || (periph == DMA_FIFO && threshold == 12));
  if (fits && !endless) return true;
  COMPLAIN(d, s, GUEST_DMA_CONFIG,
           "bursts of %u and %u bytes do not fit a FIFO threshold of %u",
           (unsigned)memory, (unsigned)periph, (unsigned)threshold);
  dma_flag(d, s, FLAG_FE);
  return false;
}

// A burst of increments must stay inside 1 KB (RM0410 8.3.11).
static void check_page(struct dma *d, struct dma_stream *s, uint32_t addr,
                       uint32_t beats, uint32_t size) {
  const uint32_t burst = beats * size, bytes = s->ndtr * dma_psize(s);
  if (beats == 1 || addr % burst == 0 || (addr % 1024) + bytes <= 1024) return;
  COMPLAIN(d, s, GUEST_DMA_CONFIG, "bursts from 0x%08x cross a border of 1 KB",
           (unsigned)addr);
}

static void check_alignment(struct dma *d, struct dma_stream *s) {
  const uint32_t memory = dma_cr(s, SIM_DMA_SCR_CT) ? s->m1ar : s->m0ar;
  if (s->par % dma_psize(s) || memory % dma_msize(s)) {
    COMPLAIN(d, s, GUEST_DMA_ALIGN, "PAR 0x%08x or MxAR 0x%08x unaligned",
             (unsigned)s->par, (unsigned)memory);
  }
  if (dma_cr(s, SIM_DMA_SCR_MINC)) {
    check_page(d, s, memory, dma_beats(SIM_GET(s->cr, SIM_DMA_SCR_MBURST)),
               dma_msize(s));
  }
  if (dma_cr(s, SIM_DMA_SCR_PINC)) {
    check_page(d, s, s->par, dma_beats(SIM_GET(s->cr, SIM_DMA_SCR_PBURST)),
               dma_psize(s));
  }
}

// NDTR counts items of the peripheral port and must fill whole ones of the memory
// port (RM0410 8.3.12, table "Restriction on NDT").
static void check_count(struct dma *d, struct dma_stream *s) {
  if (!s->ndtr) {
    COMPLAIN(d, s, GUEST_DMA_CONFIG, "enabled with NDTR 0: nothing will happen");
  } else if (s->ndtr * dma_psize(s) % dma_msize(s) && !dma_cr(s, SIM_DMA_SCR_PFCTRL)) {
    COMPLAIN(d, s, GUEST_DMA_CONFIG, "NDTR %u is no multiple of MSIZE / PSIZE",
             (unsigned)s->ndtr);
  }
}

static void check_channel(struct dma *d, struct dma_stream *s) {
  if (dma_direction(s) == DMA_M2M) return;
  dma_find_sources(d, s);
  if (!s->source_count) {
    COMPLAIN(d, s, GUEST_DMA_CONFIG, "enabled with channel %u, which has no request",
             (unsigned)SIM_GET(s->cr, SIM_DMA_SCR_CHSEL));
    return;
  }
  for (unsigned i = 0; i < s->source_count; i++) {
    if (d->wired[s->sources[i]]) return;
  }
  report_unimplemented(&d->sim->report, addr_of(d, s),
                       "DMA%u stream %u waits for %s, which makes no requests",
                       d->number, dma_index(d, s),
                       dma_routes_of(d->number).route[s->sources[0]].request);
}

static void enable(struct dma *d, struct dma_stream *s) {
  if (!check_flags(d, s) || !check_direction(d, s)) return;
  force_bits(s);
  if (!dma_is_direct(s) && !check_bursts(d, s)) return;
  // What has run down to 0 is loaded again (RM0410 8.5.6).
  if (!s->ndtr) s->ndtr = s->programmed;
  if (dma_cr(s, SIM_DMA_SCR_PFCTRL)) s->ndtr = 0xFFFF;
  check_alignment(d, s);
  check_count(d, s);
  check_channel(d, s);
  s->stopping = false;
  s->cr |= SIM_DMA_SCR_EN;
  dma_begin_round(s);
  dma_kick(d);
}

// --- registers -------------------------------------------------------------------

static void frozen(struct dma *d, struct dma_stream *s, const char *what) {
  COMPLAIN(d, s, GUEST_DMA_CONFIG, "%s written while EN is set", what);
}

static void write_cr(struct dma *d, struct dma_stream *s, uint32_t word) {
  const bool was = dma_cr(s, SIM_DMA_SCR_EN), wanted = word & SIM_DMA_SCR_EN;
  if (was && !wanted && !s->stopping) dma_stop(d, s);
  const bool on = dma_cr(s, SIM_DMA_SCR_EN);
  const uint32_t writable = on ? CR_FREE : ALL;
  if (on && ((word ^ s->cr) & ~CR_FREE) && wanted) frozen(d, s, "CR");
  const uint32_t en = s->cr & SIM_DMA_SCR_EN;
  s->cr = ((s->cr & ~writable) | (word & writable)) & ~SIM_DMA_SCR_EN;
  s->cr |= en;
  update_irq(s);
  if (!was && wanted) enable(d, s);
}

// The address that is not in use may be written in double-buffer mode; the other one
// ends the transfer with TEIF (RM0410 8.3.10).
static void write_memory(struct dma *d, struct dma_stream *s, unsigned which,
                         uint32_t word) {
  uint32_t *reg = which ? &s->m1ar : &s->m0ar;
  if (dma_cr(s, SIM_DMA_SCR_EN)) {
    const unsigned current = dma_cr(s, SIM_DMA_SCR_CT);
    if (!dma_cr(s, SIM_DMA_SCR_DBM)) {
      frozen(d, s, which ? "M1AR" : "M0AR");
      return;
    }
    if (which == (current ? 1u : 0u)) {
      frozen(d, s, "the address of the buffer in use");
      dma_flag(d, s, FLAG_TE);
      dma_disabled(d, s);
      return;
    }
  }
  *reg = word;
}

static void write_fcr(struct dma *d, struct dma_stream *s, uint32_t word) {
  const uint32_t fixed = SIM_DMA_SFCR_FTH | SIM_DMA_SFCR_DMDIS;
  if (dma_cr(s, SIM_DMA_SCR_EN) && ((word ^ s->fcr) & fixed)) {
    frozen(d, s, "FCR");
    word = (word & ~fixed) | (s->fcr & fixed);
  }
  s->fcr = word;
  update_irq(s);
}

static void write_count(struct dma *d, struct dma_stream *s, unsigned which,
                        uint32_t word) {
  if (dma_cr(s, SIM_DMA_SCR_EN)) {
    frozen(d, s, which == NDTR ? "NDTR" : "PAR");
  } else if (which == NDTR) {
    s->ndtr = s->programmed = word;
  } else {
    s->par = word;
  }
}

static void write_stream(struct dma *d, struct dma_stream *s, unsigned which,
                         uint32_t word) {
  switch (which) {
    case CR: write_cr(d, s, word); break;
    case M0AR: write_memory(d, s, 0, word); break;
    case M1AR: write_memory(d, s, 1, word); break;
    case FCR: write_fcr(d, s, word); break;
    default: write_count(d, s, which, word); break;
  }
}

// FCR.FS: how full the FIFO is; 4 is empty, 5 is full (RM0410 8.5.10).
static uint32_t read_fcr(const struct dma_stream *s) {
  uint32_t fs = 4;
  if (s->level) fs = s->level == DMA_FIFO ? 5 : s->level / 4;
  return (s->fcr & ~SIM_DMA_SFCR_FS) | SIM_PUT(SIM_DMA_SFCR_FS, fs);
}

static uint32_t read_stream(const struct dma_stream *s, unsigned which) {
  switch (which) {
    case CR: return s->cr;
    case NDTR: return s->ndtr;
    case PAR: return s->par;
    case M0AR: return s->m0ar;
    case M1AR: return s->m1ar;
    default: return read_fcr(s);
  }
}

static uint32_t read_word(struct dma *d, uint32_t offset) {
  if (offset >= FIRST_STREAM) {
    const uint32_t at = offset - FIRST_STREAM;
    return read_stream(&d->streams[at / STREAM_SIZE], at % STREAM_SIZE);
  }
  if (offset == SIM_DMA_LISR) return read_flags(d, 0);
  return offset == SIM_DMA_HISR ? read_flags(d, 4) : 0;
}

// The programming port takes words only (RM0410 8.2).
static void check_width(const struct dma *d, uint32_t offset, unsigned bytes) {
  if (bytes == 4) return;
  report_guest(&d->sim->report, GUEST_BAD_WIDTH, d->regs.base + offset,
               "DMA%u accessed by %u bytes, needs words", d->number, bytes);
}

uint32_t dma_read(void *dma, uint32_t offset, unsigned bytes) {
  struct dma *d = dma;
  if (!reg_check_read(&d->regs, offset)) return 0;
  check_width(d, offset, bytes);
  return reg_extract(read_word(d, offset & ~3u), offset, bytes);
}

void dma_write(void *dma, uint32_t offset, unsigned bytes, uint32_t value) {
  struct dma *d = dma;
  if (!reg_check_write(&d->regs, offset, bytes, value)) return;
  check_width(d, offset, bytes);
  const uint32_t at = offset & ~3u;
  const uint32_t word = reg_update(&d->regs, read_word(d, at), offset, bytes, value);
  if (at == SIM_DMA_LIFCR) {
    clear_flags(d, 0, word);
  } else if (at == SIM_DMA_HIFCR) {
    clear_flags(d, 4, word);
  } else {
    write_stream(d, &d->streams[(at - FIRST_STREAM) / STREAM_SIZE],
                 (at - FIRST_STREAM) % STREAM_SIZE, word);
  }
}

// --- life ------------------------------------------------------------------------

void dma_reset(struct dma *d) {
  event_cancel(&d->sim->events, &d->service);
  d->serving = NULL;
  for (unsigned i = 0; i < DMA_ROUTES; i++) {
    if (d->once[i]) d->request[i] = d->once[i] = false;
  }
  for (unsigned i = 0; i < DMA_STREAMS; i++) {
    struct dma_stream *s = &d->streams[i];
    *s = (struct dma_stream){.irq = s->irq, .fcr = 0x21 & ~SIM_DMA_SFCR_FS};
    update_irq(s);
  }
}

void dma_init(struct dma *d, struct sim *sim, unsigned number,
              struct clock_source clocks, struct bus_master memory,
              struct bus_master peripheral) {
  *d = (struct dma){.sim = sim,
                    .clocks = clocks,
                    .number = number,
                    .memory = memory,
                    .peripheral = peripheral};
  const uint32_t base = number == 1 ? 0x40026000u : 0x40026400u;
  reg_file_init(&d->regs, &sim_regs_dma, base, models, sizeof models / sizeof *models,
                &sim->report);
  // ST's HAL clears a stream's six bits, of which one is reserved.
  reg_file_allow(&d->regs, SIM_DMA_LIFCR, 0x00820082u);
  reg_file_allow(&d->regs, SIM_DMA_HIFCR, 0x00820082u);
  event_init(&d->service, dma_service_fire, d);
  dma_reset(d);
}

void dma_free(struct dma *d) {
  event_cancel(&d->sim->events, &d->service);
  reg_file_free(&d->regs);
}
