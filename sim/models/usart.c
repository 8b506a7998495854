// SPDX-License-Identifier: MIT
#include "sim/models/usart.h"

#include <string.h>

#include "sim_regs.h"

#define CR1_MODELLED                                                                \
  (SIM_USART_CR1_UE | SIM_USART_CR1_TE | SIM_USART_CR1_RE | SIM_USART_CR1_RXNEIE |  \
   SIM_USART_CR1_TCIE | SIM_USART_CR1_TXEIE | SIM_USART_CR1_M0 | SIM_USART_CR1_M1 | \
   SIM_USART_CR1_PCE | SIM_USART_CR1_OVER8)

static const struct reg_model models[] = {
    {SIM_USART_CR1, CR1_MODELLED, SIM_USART_CR1_PS | SIM_USART_CR1_UESM, 0, 0},
    {SIM_USART_CR2, SIM_USART_CR2_STOP, 0, 0, 0},
    {SIM_USART_CR3,
     SIM_USART_CR3_OVRDIS | SIM_USART_CR3_EIE | SIM_USART_CR3_DMAT | SIM_USART_CR3_DMAR,
     SIM_USART_CR3_ONEBIT, 0, 0},
    {SIM_USART_BRR, 0xFFFFu, 0, 0, 0},
    {SIM_USART_GTPR, 0, 0, 0, 0},
    {SIM_USART_RTOR, 0, 0, 0, 0},
    {SIM_USART_RQR, SIM_USART_RQR_RXFRQ, 0, 0, 0},
    {SIM_USART_ICR, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_USART_TDR, 0xFFFFFFFFu, 0, 0, 0},
};

static uint32_t *reg(struct usart *u, uint32_t offset) {
  return &u->r[offset / 4];
}

static bool on(const struct usart *u, uint32_t cr1_bits) {
  return (u->r[SIM_USART_CR1 / 4] & cr1_bits) == cr1_bits;
}

// Requests follow TXE and RXNE (RM0410 34.5.15).
static void update_dma(struct usart *u) {
  const uint32_t isr = *reg(u, SIM_USART_ISR), cr3 = *reg(u, SIM_USART_CR3);
  const bool sends = on(u, SIM_USART_CR1_UE | SIM_USART_CR1_TE);
  dma_set(&u->dma_tx, sends && (cr3 & SIM_USART_CR3_DMAT) && (isr & SIM_USART_ISR_TXE));
  dma_set(&u->dma_rx, (cr3 & SIM_USART_CR3_DMAR) && (isr & SIM_USART_ISR_RXNE));
}

static void update_irq(struct usart *u) {
  const uint32_t isr = *reg(u, SIM_USART_ISR);
  const bool error = isr & SIM_USART_ISR_ORE;
  irq_set(&u->irq,
          (on(u, SIM_USART_CR1_TXEIE) && (isr & SIM_USART_ISR_TXE)) ||
              (on(u, SIM_USART_CR1_TCIE) && (isr & SIM_USART_ISR_TC)) ||
              (on(u, SIM_USART_CR1_RXNEIE) && ((isr & SIM_USART_ISR_RXNE) || error)));
  update_dma(u);
}

// Start bit, 7 to 9 data bits (parity included), stop bits in half bits.
static vtime_t frame_time(const struct usart *u) {
  const uint32_t cr1 = u->r[SIM_USART_CR1 / 4];
  const uint32_t brr = u->r[SIM_USART_BRR / 4];
  static const unsigned stop_halves[4] = {2, 1, 4, 3};
  const unsigned data = cr1 & SIM_USART_CR1_M1 ? 7 : cr1 & SIM_USART_CR1_M0 ? 9 : 8;
  const unsigned stop = SIM_GET(u->r[SIM_USART_CR2 / 4], SIM_USART_CR2_STOP);
  const unsigned halves = 2 * (1 + data) + stop_halves[stop];
  // OVER8: BRR[2:0] holds half the fraction (RM0410 34.8.4).
  uint64_t clocks = brr;
  if (cr1 & SIM_USART_CR1_OVER8) clocks = ((brr & 0xFFF0u) | ((brr & 7u) << 1)) / 2;
  const uint64_t hz = clock_hz(&u->clocks, u->clock);
  if (!hz || !clocks) return 0;
  return vt_cycles(clocks * halves, 2 * hz);
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

static void on_sent(void *ctx) {
  struct usart *u = ctx;
  if (u->pin_ok && !u->pin_ok(u->ctx)) {
    report_guest(&u->sim->report, GUEST_PIN_AF, u->regs.base + SIM_USART_TDR,
                 "USART sends, but its TX pin is not in its alternate function");
  } else if (u->on_tx) {
    u->on_tx(u->ctx, (uint8_t)u->shift);
  }
  if (u->holding) {
    start_frame(u);
  } else {
    *reg(u, SIM_USART_ISR) |= SIM_USART_ISR_TC;
  }
  update_irq(u);
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

void usart_receive(struct usart *u, uint8_t byte) {
  if (!on(u, SIM_USART_CR1_UE | SIM_USART_CR1_RE)) return;
  uint32_t *isr = reg(u, SIM_USART_ISR);
  if (!(*isr & SIM_USART_ISR_RXNE)) {
    *reg(u, SIM_USART_RDR) = byte;
    *isr |= SIM_USART_ISR_RXNE;
  } else if (!(u->r[SIM_USART_CR3 / 4] & SIM_USART_CR3_OVRDIS)) {
    *isr |= SIM_USART_ISR_ORE;
  }
  update_irq(u);
}

// Without UE what is under way is lost, and every flag is as after reset (RM0410
// 34.8.1, UE).
static void abandon(struct usart *u) {
  *reg(u, SIM_USART_ISR) = SIM_USART_ISR_TXE | SIM_USART_ISR_TC;
  u->holding = false;
  event_cancel(&u->sim->events, &u->sent);
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
  const uint32_t value = *reg(u, word);
  if (word == SIM_USART_RDR) {
    *reg(u, SIM_USART_ISR) &= ~SIM_USART_ISR_RXNE;
    update_irq(u);
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
    case SIM_USART_RQR:
      if (v & SIM_USART_RQR_RXFRQ) *reg(u, SIM_USART_ISR) &= ~SIM_USART_ISR_RXNE;
      break;
    default: *reg(u, word) = v;
  }
  update_irq(u);
}

void usart_reset(struct usart *u) {
  memset(u->r, 0, sizeof u->r);
  abandon(u);
  update_irq(u);
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
}

void usart_free(struct usart *u) {
  reg_file_free(&u->regs);
}
