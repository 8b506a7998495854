// SPDX-License-Identifier: MIT
#include "sim/models/usart.h"

#include <string.h>

#include "sim/models/usart_internal.h"
#include "sim_regs.h"

#define CR1_MODELLED                                                                  \
  (SIM_USART_CR1_UE | SIM_USART_CR1_TE | SIM_USART_CR1_RE | SIM_USART_CR1_RXNEIE |    \
   SIM_USART_CR1_TCIE | SIM_USART_CR1_TXEIE | SIM_USART_CR1_M0 | SIM_USART_CR1_M1 |   \
   SIM_USART_CR1_PCE | SIM_USART_CR1_PS | SIM_USART_CR1_PEIE | SIM_USART_CR1_IDLEIE | \
   SIM_USART_CR1_OVER8 | SIM_USART_CR1_CMIE | SIM_USART_CR1_RTOIE)

static const struct reg_model models[] = {
    // Timing of a driver-enable signal that nobody sees.
    {SIM_USART_CR1, CR1_MODELLED,
     SIM_USART_CR1_UESM | SIM_USART_CR1_DEAT | SIM_USART_CR1_DEDT, 0, 0},
    {SIM_USART_CR2,
     SIM_USART_CR2_STOP | SIM_USART_CR2_ABREN | SIM_USART_CR2_RTOEN | SIM_USART_CR2_ADD,
     SIM_USART_CR2_ABRMOD | SIM_USART_CR2_ADDM7, 0, 0},
    {SIM_USART_CR3,
     SIM_USART_CR3_OVRDIS | SIM_USART_CR3_EIE | SIM_USART_CR3_DMAT |
         SIM_USART_CR3_DMAR | SIM_USART_CR3_HDSEL | SIM_USART_CR3_CTSE,
     // The other end minds neither RTS nor a driver-enable signal, and CTS never moves.
     SIM_USART_CR3_ONEBIT | SIM_USART_CR3_RTSE | SIM_USART_CR3_CTSIE |
         SIM_USART_CR3_DDRE | SIM_USART_CR3_DEM | SIM_USART_CR3_DEP,
     0, 0},
    {SIM_USART_BRR, 0xFFFFu, 0, 0, 0},
    {SIM_USART_GTPR, 0, 0, 0, 0},
    {SIM_USART_RTOR, SIM_USART_RTOR_RTO, 0, 0, 0},
    {SIM_USART_RQR,
     SIM_USART_RQR_RXFRQ | SIM_USART_RQR_TXFRQ | SIM_USART_RQR_SBKRQ |
         SIM_USART_RQR_ABRRQ,
     0, 0, 0},
    {SIM_USART_ICR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_USART_TDR, 0xFFFFFFFFu, 0, 0, 0},
};

static uint32_t *reg(struct usart *u, uint32_t offset) {
  return &u->r[offset / 4];
}

static bool on(const struct usart *u, uint32_t cr1_bits) {
  return (u->r[SIM_USART_CR1 / 4] & cr1_bits) == cr1_bits;
}

static bool raises(const struct usart *u, uint32_t enable, uint32_t flags) {
  return on(u, enable) && (u->r[SIM_USART_ISR / 4] & flags);
}

// Requests follow TXE and RXNE (RM0410 34.5.15).
static void update_dma(struct usart *u) {
  const uint32_t isr = *reg(u, SIM_USART_ISR), cr3 = *reg(u, SIM_USART_CR3);
  const bool sends = on(u, SIM_USART_CR1_UE | SIM_USART_CR1_TE);
  dma_set(&u->dma_tx, sends && (cr3 & SIM_USART_CR3_DMAT) && (isr & SIM_USART_ISR_TXE));
  dma_set(&u->dma_rx, (cr3 & SIM_USART_CR3_DMAR) && (isr & SIM_USART_ISR_RXNE));
}

// RM0410 table 223.
void usart_update_irq(struct usart *u) {
  const uint32_t errors = SIM_USART_ISR_ORE | SIM_USART_ISR_FE | SIM_USART_ISR_NF;
  const bool error_irq =
      (*reg(u, SIM_USART_CR3) & SIM_USART_CR3_EIE) && (*reg(u, SIM_USART_ISR) & errors);
  irq_set(&u->irq,
          raises(u, SIM_USART_CR1_TXEIE, SIM_USART_ISR_TXE) ||
              raises(u, SIM_USART_CR1_TCIE, SIM_USART_ISR_TC) ||
              raises(u, SIM_USART_CR1_RXNEIE, SIM_USART_ISR_RXNE | SIM_USART_ISR_ORE) ||
              raises(u, SIM_USART_CR1_IDLEIE, SIM_USART_ISR_IDLE) ||
              raises(u, SIM_USART_CR1_CMIE, SIM_USART_ISR_CMF) ||
              raises(u, SIM_USART_CR1_RTOIE, SIM_USART_ISR_RTOF) ||
              raises(u, SIM_USART_CR1_PEIE, SIM_USART_ISR_PE) || error_irq);
  update_dma(u);
}

static unsigned frame_bits(const struct usart *u) {  // parity included
  if (on(u, SIM_USART_CR1_M1)) return 7;
  return on(u, SIM_USART_CR1_M0) ? 9 : 8;
}

unsigned usart_data_bits(const struct usart *u) {
  return frame_bits(u) - (on(u, SIM_USART_CR1_PCE) ? 1 : 0);
}

// Start bit, 7 to 9 data bits (parity included), stop bits in half bits.
unsigned usart_frame_halves(const struct usart *u) {
  static const unsigned stop_halves[4] = {2, 1, 4, 3};
  const unsigned stop = SIM_GET(u->r[SIM_USART_CR2 / 4], SIM_USART_CR2_STOP);
  return 2 * (1 + frame_bits(u)) + stop_halves[stop];
}

// Clocks of a bit; OVER8: BRR[2:0] holds half the fraction (RM0410 34.8.4).
static uint64_t bit_clocks(const struct usart *u) {
  const uint32_t brr = u->r[SIM_USART_BRR / 4];
  if (!on(u, SIM_USART_CR1_OVER8)) return brr;
  return ((brr & 0xFFF0u) | ((brr & 7u) << 1)) / 2;
}

uint32_t usart_baud(const struct usart *u) {
  const uint64_t clocks = bit_clocks(u);
  return clocks ? (uint32_t)(clock_hz(&u->clocks, u->clock) / clocks) : 0;
}

// RM0410 34.5.5: the receiver bears about this much, in thousandths.
enum { BAUD_TOLERANCE = 37 };

bool usart_is_garbled(struct usart *u) {
  const uint64_t ours = usart_baud(u), far = u->far_baud;
  const uint64_t apart = ours > far ? ours - far : far - ours;
  if (!far || apart * 1000 <= far * BAUD_TOLERANCE) return false;
  report_guest(&u->sim->report, GUEST_UART_BAUD, u->regs.base + SIM_USART_BRR,
               "USART%u at %u baud, the other end at %u", u->number, (unsigned)ours,
               (unsigned)far);
  return true;
}

static vtime_t frame_time(const struct usart *u) {
  const uint64_t hz = clock_hz(&u->clocks, u->clock), clocks = bit_clocks(u);
  if (!hz || !clocks) return 0;
  return vt_cycles(clocks * usart_frame_halves(u), 2 * hz);
}

static void start_frame(struct usart *u) {
  u->shift = (uint16_t)*reg(u, SIM_USART_TDR);
  u->holding = false;
  *reg(u, SIM_USART_ISR) |= SIM_USART_ISR_TXE;
  *reg(u, SIM_USART_ISR) &= ~SIM_USART_ISR_TC;
  const vtime_t duration = frame_time(u);
  if (!duration) {
    report_guest(&u->sim->report, GUEST_CLOCK_LIMIT, u->regs.base + SIM_USART_BRR,
                 "USART sends with BRR 0 or no clock");
    return;
  }
  event_in(&u->sim->events, &u->sent, duration);
}

static void deliver(struct usart *u) {
  const uint16_t mask = (uint16_t)((1u << usart_data_bits(u)) - 1u);
  uint8_t byte = (uint8_t)(u->shift & mask);
  if (usart_is_garbled(u)) byte = usart_garble(byte);
  if (u->pin_ok && !u->pin_ok(u->ctx, u->number, true)) {
    report_guest(&u->sim->report, GUEST_PIN_AF, u->regs.base + SIM_USART_TDR,
                 "USART%u sends, but its TX pin is not in its alternate function",
                 u->number);
  } else if (u->on_tx) {
    u->on_tx(u->ctx, u->number, byte);
  }
}

static void on_sent(void *ctx) {
  struct usart *u = ctx;
  deliver(u);
  if (u->holding) {
    start_frame(u);
  } else {
    *reg(u, SIM_USART_ISR) |= SIM_USART_ISR_TC;
  }
  usart_update_irq(u);
}

static void write_tdr(struct usart *u, uint32_t value) {
  if (!on(u, SIM_USART_CR1_UE | SIM_USART_CR1_TE)) {
    report_guest(&u->sim->report, GUEST_CLOCK_SEQUENCE, u->regs.base + SIM_USART_TDR,
                 "TDR written while the transmitter is off");
    return;
  }
  if (u->holding) {
    report_guest(&u->sim->report, GUEST_DROPPED_WRITE, u->regs.base + SIM_USART_TDR,
                 "TDR written with TXE clear: the byte before it is lost");
  }
  *reg(u, SIM_USART_TDR) = value & 0x1FFu;
  if (u->sent.armed) {
    u->holding = true;
    *reg(u, SIM_USART_ISR) &= ~SIM_USART_ISR_TXE;
  } else {
    start_frame(u);
  }
}

static void drop_held(struct usart *u) {
  u->holding = false;
  *reg(u, SIM_USART_ISR) |= SIM_USART_ISR_TXE;
}

// The break takes a frame's time; what the other end makes of it is not shown.
static void send_break(struct usart *u) {
  const vtime_t duration = frame_time(u);
  if (!duration || !on(u, SIM_USART_CR1_UE | SIM_USART_CR1_TE)) return;
  *reg(u, SIM_USART_ISR) |= SIM_USART_ISR_SBKF;
  event_in(&u->sim->events, &u->broke, duration);
}

static void on_broke(void *ctx) {
  struct usart *u = ctx;
  *reg(u, SIM_USART_ISR) &= ~SIM_USART_ISR_SBKF;
}

static void request(struct usart *u, uint32_t bits) {
  uint32_t *isr = reg(u, SIM_USART_ISR);
  if (bits & SIM_USART_RQR_RXFRQ) *isr &= ~SIM_USART_ISR_RXNE;
  if (bits & SIM_USART_RQR_ABRRQ) *isr &= ~(SIM_USART_ISR_ABRF | SIM_USART_ISR_ABRE);
  if (bits & SIM_USART_RQR_SBKRQ) send_break(u);
  if (bits & SIM_USART_RQR_TXFRQ) drop_held(u);
}

// CTS shows only while it is looked at.
static uint32_t read_isr(struct usart *u) {
  const bool looks = *reg(u, SIM_USART_CR3) & SIM_USART_CR3_CTSE;
  return *reg(u, SIM_USART_ISR) | (looks ? SIM_USART_ISR_CTS : 0);
}

// Without UE what is under way is lost, and every flag is as after reset (RM0410
// 34.8.1, UE).
static void abandon(struct usart *u) {
  *reg(u, SIM_USART_ISR) = SIM_USART_ISR_TXE | SIM_USART_ISR_TC;
  u->holding = false;
  event_cancel(&u->sim->events, &u->sent);
  event_cancel(&u->sim->events, &u->broke);
  usart_rx_abandon(u);
}

// Enabling the receiver or transmitter is acknowledged at once.
static void write_cr1(struct usart *u, uint32_t value) {
  const uint32_t fixed = SIM_USART_CR1_M0 | SIM_USART_CR1_M1 | SIM_USART_CR1_OVER8;
  if (on(u, SIM_USART_CR1_UE) && ((value ^ *reg(u, SIM_USART_CR1)) & fixed)) {
    report_guest(&u->sim->report, GUEST_CLOCK_SEQUENCE, u->regs.base + SIM_USART_CR1,
                 "frame format changed while UE is set");
  }
  const bool goes_off = on(u, SIM_USART_CR1_UE) && !(value & SIM_USART_CR1_UE);
  *reg(u, SIM_USART_CR1) = value;
  if (goes_off) abandon(u);
  uint32_t *isr = reg(u, SIM_USART_ISR);
  *isr &= ~(SIM_USART_ISR_TEACK | SIM_USART_ISR_REACK);
  if (on(u, SIM_USART_CR1_UE | SIM_USART_CR1_TE)) *isr |= SIM_USART_ISR_TEACK;
  if (on(u, SIM_USART_CR1_UE | SIM_USART_CR1_RE)) *isr |= SIM_USART_ISR_REACK;
}

static void write_brr(struct usart *u, uint32_t value) {
  if (on(u, SIM_USART_CR1_UE)) {
    report_guest(&u->sim->report, GUEST_CLOCK_SEQUENCE, u->regs.base + SIM_USART_BRR,
                 "BRR written while UE is set");
    return;
  }
  *reg(u, SIM_USART_BRR) = value;
}

uint32_t usart_read(void *usart, uint32_t offset, unsigned bytes) {
  struct usart *u = usart;
  if (!reg_check_read(&u->regs, offset)) return 0;
  const uint32_t word = offset & ~3u;
  const uint32_t value = word == SIM_USART_ISR ? read_isr(u) : *reg(u, word);
  if (word == SIM_USART_RDR) {
    *reg(u, SIM_USART_ISR) &= ~SIM_USART_ISR_RXNE;
    usart_update_irq(u);
  }
  if (word == SIM_USART_RQR || word == SIM_USART_ICR) return 0;
  return reg_extract(value, offset, bytes);
}

void usart_write(void *usart, uint32_t offset, unsigned bytes, uint32_t value) {
  struct usart *u = usart;
  if (!reg_check_write(&u->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t v = reg_update(&u->regs, *reg(u, word), offset, bytes, value);
  switch (word) {
    case SIM_USART_CR1: write_cr1(u, v); break;
    case SIM_USART_BRR: write_brr(u, v); break;
    case SIM_USART_TDR: write_tdr(u, v); break;
    // ICR bits clear the ISR bits at the same places; TC and ORE are among them.
    case SIM_USART_ICR: *reg(u, SIM_USART_ISR) &= ~v; break;
    case SIM_USART_RQR: request(u, v); break;
    default: *reg(u, word) = v;
  }
  usart_update_irq(u);
}

void usart_reset(struct usart *u) {
  memset(u->r, 0, sizeof u->r);
  abandon(u);
  usart_update_irq(u);
}

void usart_init(struct usart *u, struct sim *sim, uint32_t base,
                struct clock_source clocks, enum clock_id clock) {
  memset(u, 0, sizeof *u);
  u->sim = sim;
  u->clocks = clocks;
  u->clock = clock;
  reg_file_init(&u->regs, &sim_regs_usart, base, models, sizeof models / sizeof *models,
                &sim->report);
  event_init(&u->sent, on_sent, u);
  event_init(&u->broke, on_broke, u);
  usart_rx_init(u);
}

void usart_free(struct usart *u) {
  reg_file_free(&u->regs);
}
