// SPDX-License-Identifier: MIT
// The receiver of a USART, and the other end of its wire.
#include "sim/models/usart_internal.h"
#include "sim_regs.h"

// The rate of an end that follows ours, while ours is not set.
enum { DEFAULT_BAUD = 115200, DEFAULT_HALVES = 20 };

static bool listens(const struct usart *u) {
  const uint32_t bits = SIM_USART_CR1_UE | SIM_USART_CR1_RE;
  return (u->r[SIM_USART_CR1 / 4] & bits) == bits;
}

static vtime_t far_frame_time(const struct usart *u) {
  const uint32_t ours = usart_baud(u);
  if (u->far_baud) return vt_cycles(usart_frame_halves(u), 2ull * u->far_baud);
  if (ours) return vt_cycles(usart_frame_halves(u), 2ull * ours);
  return vt_cycles(DEFAULT_HALVES, 2ull * DEFAULT_BAUD);
}

// The parity bit takes the place above the data (RM0410 34.5.14). The other end is
// set up as this one is.
static uint16_t with_parity(const struct usart *u, uint8_t byte) {
  const unsigned bits = usart_data_bits(u);
  const uint16_t data = (uint16_t)(byte & ((1u << bits) - 1u));
  const uint32_t cr1 = u->r[SIM_USART_CR1 / 4];
  if (!(cr1 & SIM_USART_CR1_PCE)) return data;
  const bool odd = cr1 & SIM_USART_CR1_PS;
  const bool parity = ((unsigned)__builtin_popcount(data) & 1u) != odd;
  return (uint16_t)(data | (unsigned)parity << bits);
}

// RM0410 34.5.6: the first character after ABREN tells the rate. One end that follows
// the other has none to tell.
static void measure(struct usart *u) {
  const bool measures = u->r[SIM_USART_CR2 / 4] & SIM_USART_CR2_ABREN;
  uint32_t *isr = &u->r[SIM_USART_ISR / 4];
  if (!measures || (*isr & SIM_USART_ISR_ABRF)) return;
  const uint32_t baud = u->far_baud ? u->far_baud : DEFAULT_BAUD;
  const uint64_t hz = clock_hz(&u->clocks, u->clock);
  const bool eighths = u->r[SIM_USART_CR1 / 4] & SIM_USART_CR1_OVER8;
  const uint32_t divider = (uint32_t)((hz << eighths) + baud / 2) / baud;
  u->r[SIM_USART_BRR / 4] =
      eighths ? (divider & 0xFFF0u) | (divider & 15u) >> 1 : divider;
  *isr |= SIM_USART_ISR_ABRF;
}

// RTO counts bits from the end of the last character (RM0410 34.5.5).
static void watch_silence(struct usart *u) {
  event_cancel(&u->sim->events, &u->timeout);
  const uint32_t baud = usart_baud(u);
  if (!(u->r[SIM_USART_CR2 / 4] & SIM_USART_CR2_RTOEN) || !baud) return;
  const uint32_t bits = SIM_GET(u->r[SIM_USART_RTOR / 4], SIM_USART_RTOR_RTO);
  event_in(&u->sim->events, &u->timeout, vt_cycles(bits, baud));
}

static void on_timeout(void *ctx) {
  struct usart *u = ctx;
  u->r[SIM_USART_ISR / 4] |= SIM_USART_ISR_RTOF;
  usart_update_irq(u);
}

static void take(struct usart *u, uint16_t frame, uint32_t error_flags) {
  uint32_t *isr = &u->r[SIM_USART_ISR / 4];
  const bool full = *isr & SIM_USART_ISR_RXNE;
  const uint32_t wanted = SIM_GET(u->r[SIM_USART_CR2 / 4], SIM_USART_CR2_ADD);
  if ((frame & 0xFFu) == wanted) *isr |= SIM_USART_ISR_CMF;
  const bool overruns = !(u->r[SIM_USART_CR3 / 4] & SIM_USART_CR3_OVRDIS);
  if (full && overruns) {
    *isr |= SIM_USART_ISR_ORE;
  } else {
    u->r[SIM_USART_RDR / 4] = frame;
    *isr |= SIM_USART_ISR_RXNE | error_flags;
  }
  usart_update_irq(u);
}

void usart_receive(struct usart *u, uint8_t byte) {
  if (!listens(u) || !clock_hz(&u->clocks, u->clock)) return;
  // In half duplex the TX pin is both.
  const bool half = u->r[SIM_USART_CR3 / 4] & SIM_USART_CR3_HDSEL;
  if (u->pin_ok && !u->pin_ok(u->ctx, u->number, half)) {
    report_guest(&u->sim->report, GUEST_PIN_AF, u->regs.base + SIM_USART_RDR,
                 "USART%u hears nothing: its RX pin is not in its alternate function",
                 u->number);
    return;
  }
  measure(u);
  const bool garbled = usart_is_garbled(u);
  take(u, with_parity(u, garbled ? usart_garble(byte) : byte),
       garbled ? SIM_USART_ISR_FE : 0);
  event_in(&u->sim->events, &u->idle, far_frame_time(u));
  watch_silence(u);
}

static void next_frame(struct usart *u) {
  if (u->arrived.armed || !u->queue_count) return;
  event_cancel(&u->sim->events, &u->idle);
  event_in(&u->sim->events, &u->arrived, far_frame_time(u));
}

static void on_arrived(void *ctx) {
  struct usart *u = ctx;
  const uint8_t byte = u->queue[u->queue_head];
  u->queue_head = (u->queue_head + 1) % USART_QUEUE;
  u->queue_count--;
  usart_receive(u, byte);
  next_frame(u);
}

// A frame's time of silence after the last one (RM0410 34.5.3).
static void on_idle(void *ctx) {
  struct usart *u = ctx;
  if (!listens(u)) return;
  u->r[SIM_USART_ISR / 4] |= SIM_USART_ISR_IDLE;
  usart_update_irq(u);
}

bool usart_send(struct usart *u, uint8_t byte) {
  if (u->queue_count == USART_QUEUE) return false;
  u->queue[(u->queue_head + u->queue_count++) % USART_QUEUE] = byte;
  next_frame(u);
  return true;
}

void usart_hush(struct usart *u) {
  u->queue_count = 0;
  event_cancel(&u->sim->events, &u->arrived);
}

// The receiver stops; the other end does not know.
void usart_rx_abandon(struct usart *u) {
  event_cancel(&u->sim->events, &u->idle);
  event_cancel(&u->sim->events, &u->timeout);
}

void usart_rx_init(struct usart *u) {
  event_init(&u->arrived, on_arrived, u);
  event_init(&u->idle, on_idle, u);
  event_init(&u->timeout, on_timeout, u);
}
