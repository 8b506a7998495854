// SPDX-License-Identifier: MIT
// The bench's device driver. It is no part of the product and shares no code with
// the firmware: a second, independent reading of RM0410 41.16.
#include <stddef.h>
#include <string.h>

#include "tests/model/otg_bench.h"

const struct driver_style driver_styles[] = {
    {.name = "interrupts, one pop, STUP, TXFE", .one_pop = true, .txfe = true},
    {.name = "interrupts, many pops, SETUP-done entry, direct", .setup_at_entry = true},
    {.name = "interrupts, many pops, STUP, direct"},
    {.name = "interrupts, one pop, SETUP-done entry, TXFE",
     .one_pop = true,
     .setup_at_entry = true,
     .txfe = true},
    {.name = "polled, one pop, STUP, direct", .polled = true, .one_pop = true},
    {.name = "polled, many pops, SETUP-done entry, TXFE",
     .polled = true,
     .setup_at_entry = true,
     .txfe = true},
    {.name = "interrupts, DMA", .dma = true},
    {.name = "polled, DMA", .dma = true, .polled = true},
};

const unsigned driver_style_count = sizeof driver_styles / sizeof *driver_styles;

enum { EP0_SIZE = 64 };

// Where the DMA styles have their buffers.
enum {
  AT_SETUP = 0x0000,
  AT_OUT0 = 0x0100,
  AT_IN0 = 0x0200,
  AT_OUT1 = 0x4000,
  AT_IN1 = 0x8000,
};

static uint32_t dma_address(uint32_t at) {
  return DMA_MEMORY + at;
}

// Room for three SETUP packets in a row; the endpoint is enabled under NAK.
static void dma_await_setup(struct bench *b) {
  wr(b, R_DOEPTSIZ(0), TSIZ_STUPCNT | TSIZ(1, 24));
  wr(b, R_DOEPDMA(0), dma_address(AT_SETUP));
  set(b, R_DOEPCTL(0), EP_EPENA);
}

static const uint8_t device_descriptor[18] = {
    18, 1, 0, 2, 0xFF, 0, 0, EP0_SIZE, 0x09, 12, 1, 0x69, 7, 0, 1, 0, 0, 1};

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static uint16_t le16(const uint8_t *p) {
  return (uint16_t)(p[0] | p[1] << 8);
}

// --- start ---------------------------------------------------------------------

static void wait_clear(struct bench *b, uint32_t reg, uint32_t bits) {
  for (int i = 0; i < 1000 && (rd(b, reg) & bits); i++)
    bench_idle(b, VT_NS(100));
}

void driver_core_init(struct bench *b) {
  const bool fs = b->setup.config == &otg_fs_config;
  const bool internal = fs || b->setup.internal_phy;
  if (!fs && internal) set(b, R_GUSBCFG, GUSBCFG_PHYSEL);
  wr(b, R_GRSTCTL, GRSTCTL_CSRST);
  wait_clear(b, R_GRSTCTL, GRSTCTL_CSRST);
  set(b, R_GUSBCFG, GUSBCFG_FDMOD);
  bench_idle(b, VT_MS(25));
  wr(b, R_GUSBCFG, (rd(b, R_GUSBCFG) & ~(15u << 10)) | (internal ? 6u : 9u) << 10);
  if (internal) wr(b, R_GCCFG, GCCFG_PWRDWN | GCCFG_VBDEN);
  set(b, R_DCFG, internal ? 3 : b->setup.dspd);
  // Receive FIFO and three transmit FIFOs, from the manual's formula.
  const uint32_t rx = fs ? 128 : 512, tx = fs ? 64 : 256;
  wr(b, R_GRXFSIZ, rx);
  wr(b, R_DIEPTXF0, 32u << 16 | rx);
  wr(b, R_DIEPTXF1, tx << 16 | (rx + 32));
  wr(b, R_GRSTCTL, GRSTCTL_TXFFLSH | 0x10u << 6);
  wait_clear(b, R_GRSTCTL, GRSTCTL_TXFFLSH);
  wr(b, R_GRSTCTL, GRSTCTL_RXFFLSH);
  wait_clear(b, R_GRSTCTL, GRSTCTL_RXFFLSH);
  wr(b, R_GINTSTS, 0xBFFFFFFF);
}

void driver_start(struct bench *b, const struct driver_style *style) {
  b->driver = (struct driver){.style = style};
  b->driver.dma = style->dma && b->setup.config == &otg_hs_config;
  driver_core_init(b);
  wr(b, R_GINTMSK,
     (b->driver.dma ? 0 : INT_RXFLVL) | INT_USBRST | INT_ENUMDNE | INT_IEPINT |
         INT_OEPINT | INT_USBSUSP | INT_WKUPINT);
  set(b, R_GAHBCFG,
      GAHBCFG_GINT | GAHBCFG_TXFELVL | (b->driver.dma ? GAHBCFG_DMAEN : 0));
  clear(b, R_DCTL, DCTL_SDIS);
}

static void bus_reset(struct bench *b) {
  struct driver *d = &b->driver;
  d->resets++;
  d->stage = IDLE;
  d->configured = false;
  d->in0_packet = d->in0_written = 0;
  wr(b, R_GRSTCTL, GRSTCTL_TXFFLSH | 0x10u << 6);
  wait_clear(b, R_GRSTCTL, GRSTCTL_TXFFLSH);
  for (uint32_t n = 0; n < 2; n++) {
    set(b, R_DOEPCTL(n), EP_SNAK);
    wr(b, R_DIEPINT(n), 0xFB7F);
    wr(b, R_DOEPINT(n), 0xFB7F);
  }
  wr(b, R_DIEPEMPMSK, 0);
  wr(b, R_DAINTMSK, 0x10001);
  wr(b, R_DOEPMSK, EPINT_XFRC | EPINT_STUP | EPINT_OTEPDIS | (d->dma ? EPINT_NAK : 0));
  wr(b, R_DIEPMSK, EPINT_XFRC | EPINT_TOC);
  clear(b, R_DCFG, 0x7F0);
  d->setup_due = false;
  if (d->dma) {
    dma_await_setup(b);
  } else if (!(rd(b, R_DOEPCTL(0)) & EP_EPENA)) {
    wr(b, R_DOEPTSIZ(0), TSIZ_STUPCNT | TSIZ(1, 24));
  }
}

static void enumerated(struct bench *b) {
  b->driver.enumerations++;
  b->driver.high_speed = (rd(b, R_DSTS) >> 1 & 3) == 0;
  b->driver.bulk_packet = b->driver.high_speed ? 512 : 64;
}

static void configure(struct bench *b) {
  struct driver *d = &b->driver;
  d->configured = true;
  d->received_length = 0;
  wr(b, R_DIEPCTL(1),
     EP_USBAEP | EP_BULK | EP_TXFNUM(1) | EP_SD0PID | EP_SNAK | d->bulk_packet);
  wr(b, R_DOEPCTL(1), EP_USBAEP | EP_BULK | EP_SD0PID | EP_SNAK | d->bulk_packet);
  set(b, R_DAINTMSK, BIT(1) | BIT(17));
}

// --- endpoint 0 ----------------------------------------------------------------

static void push_words(struct bench *b, uint32_t n, const uint8_t *data,
                       uint32_t length) {
  for (uint32_t i = 0; i < length; i += 4) {
    uint32_t w = 0;
    memcpy(&w, data + i, smaller(4, length - i));
    wr(b, R_FIFO(n), w);
  }
}

static void in0_feed(struct bench *b) {
  struct driver *d = &b->driver;
  if (d->in0_written == d->in0_packet) return;
  push_words(b, 0, d->buffer + d->done, d->in0_packet);
  d->in0_written = d->in0_packet;
  clear(b, R_DIEPEMPMSK, BIT(0));
}

// One packet per arming: what all stacks do, since XFRSIZ has 7 bits there.
static void in0_arm(struct bench *b, uint32_t length) {
  struct driver *d = &b->driver;
  d->in0_packet = length;
  d->in0_written = 0;
  memcpy(b->memory + AT_IN0, d->buffer + d->done, length);
  if (d->dma) wr(b, R_DIEPDMA(0), dma_address(AT_IN0));
  wr(b, R_DIEPTSIZ(0), TSIZ(1, length));
  set(b, R_DIEPCTL(0), EP_CNAK | EP_EPENA);
  if (length == 0 || d->dma) return;
  if (d->style->txfe) {
    set(b, R_DIEPEMPMSK, BIT(0));
  } else {
    in0_feed(b);
  }
}

static void out0_arm(struct bench *b) {
  if (b->driver.dma) {
    // A SETUP may be in memory already; its address must not be lost.
    if (b->driver.setup_due || (rd(b, R_DOEPINT(0)) & EPINT_STPKTRX)) return;
    wr(b, R_DOEPDMA(0), dma_address(AT_OUT0));
  }
  wr(b, R_DOEPTSIZ(0), TSIZ_STUPCNT | TSIZ(1, EP0_SIZE));
  set(b, R_DOEPCTL(0), EP_CNAK | EP_EPENA);
}

static void stall0(struct bench *b) {
  set(b, R_DIEPCTL(0), EP_STALL);
  set(b, R_DOEPCTL(0), EP_STALL);
  b->driver.stage = IDLE;
}

static void status_in(struct bench *b) {
  b->driver.stage = STATUS_IN;
  in0_arm(b, 0);
}

static void next_in(struct bench *b) {
  struct driver *d = &b->driver;
  const uint32_t left = d->length - d->done;
  if (left == 0 && !d->zero_due) {
    d->stage = STATUS_OUT;
    out0_arm(b);
    return;
  }
  if (left < EP0_SIZE) d->zero_due = false;
  in0_arm(b, smaller(left, EP0_SIZE));
}

static void start_in(struct bench *b, uint32_t length) {
  struct driver *d = &b->driver;
  const uint32_t asked = le16(d->setup + 6);
  d->stage = DATA_IN;
  d->length = smaller(length, asked);
  d->done = 0;
  d->zero_due = d->length < asked && d->length % EP0_SIZE == 0;
  next_in(b);
}

// A transfer that the host gave up may have left a packet behind.
static void drop_old_in(struct bench *b) {
  if (!(rd(b, R_DIEPCTL(0)) & EP_EPENA)) return;
  set(b, R_DIEPCTL(0), EP_SNAK);
  for (int i = 0; i < 100 && !(rd(b, R_DIEPINT(0)) & EPINT_INEPNE); i++) {
    bench_idle(b, VT_NS(100));
  }
  set(b, R_DIEPCTL(0), EP_EPDIS);
  for (int i = 0; i < 100 && !(rd(b, R_DIEPINT(0)) & EPINT_EPDISD); i++) {
    bench_idle(b, VT_NS(100));
  }
  wr(b, R_DIEPINT(0), EPINT_EPDISD | EPINT_INEPNE);
  wr(b, R_GRSTCTL, GRSTCTL_TXFFLSH);
  wait_clear(b, R_GRSTCTL, GRSTCTL_TXFFLSH);
}

static void clear_halt(struct bench *b, uint8_t endpoint) {
  const uint32_t ctl =
      endpoint & 0x80 ? R_DIEPCTL(endpoint & 15u) : R_DOEPCTL(endpoint);
  wr(b, ctl, (rd(b, ctl) & ~EP_STALL) | EP_SD0PID);
}

static void no_data_request(struct bench *b) {
  struct driver *d = &b->driver;
  const uint16_t value = le16(d->setup + 2);
  if (d->setup[0] == 0x00 && d->setup[1] == 5) {
    wr(b, R_DCFG, (rd(b, R_DCFG) & ~0x7F0u) | (uint32_t)value << 4);
  } else if (d->setup[0] == 0x00 && d->setup[1] == 9) {
    configure(b);
  } else if (d->setup[0] == 0x02 && d->setup[1] == 1) {
    clear_halt(b, d->setup[4]);
  } else if (d->setup[1] == REQ_SLOW) {
    d->stage = STATUS_IN;
    d->slow_until = b->sim.events.now + VT_MS(value);
    bench_idle(b, VT_MS(value));
  } else if (d->setup[1] != REQ_STORE) {
    stall0(b);
    return;
  }
  status_in(b);
}

static void fetch(struct bench *b) {
  struct driver *d = &b->driver;
  const uint16_t limit = le16(d->setup + 2), asked = le16(d->setup + 6);
  const uint32_t length = limit ? smaller(limit, asked) : asked;
  for (uint32_t i = 0; i < length; i++)
    d->buffer[i] = pattern(i);
  start_in(b, length);
}

static void handle_setup(struct bench *b) {
  struct driver *d = &b->driver;
  memcpy(d->setup, d->latched, 8);
  d->setups++;
  // What is left of the transfer before is over, also if nobody looked yet.
  wr(b, R_DIEPINT(0), EPINT_XFRC);
  wr(b, R_DOEPINT(0), EPINT_XFRC);
  drop_old_in(b);
  wr(b, R_DIEPEMPMSK, rd(b, R_DIEPEMPMSK) & ~BIT(0));
  const bool in = d->setup[0] & 0x80;
  const uint32_t length = le16(d->setup + 6);
  if (d->setup[1] == REQ_IGNORE) return;
  if (in && d->setup[0] == 0x80 && d->setup[1] == 6 && d->setup[3] == 1) {
    memcpy(d->buffer, device_descriptor, sizeof device_descriptor);
    start_in(b, sizeof device_descriptor);
  } else if (in && d->setup[1] == REQ_FETCH) {
    fetch(b);
  } else if (in || d->setup[1] == REQ_REFUSE) {
    stall0(b);
  } else if (length == 0) {
    no_data_request(b);
  } else {
    d->stage = DATA_OUT;
    d->length = length;
    d->done = 0;
    out0_arm(b);
  }
}

// The packet of a data stage is in memory; endpoint 0 waits for SETUPs again.
static void dma_out0_complete(struct bench *b) {
  struct driver *d = &b->driver;
  const uint32_t length = EP0_SIZE - (rd(b, R_DOEPTSIZ(0)) & 0x7F);
  if (d->stage == DATA_OUT && d->done + length <= STORE_SIZE) {
    memcpy(d->buffer + d->done, b->memory + AT_OUT0, length);
    d->done += length;
  }
  if (!d->setup_due) dma_await_setup(b);
}

static void out0_complete(struct bench *b) {
  struct driver *d = &b->driver;
  if (d->dma) dma_out0_complete(b);
  if (d->stage == STATUS_OUT) d->stage = IDLE;
  if (d->stage != DATA_OUT) return;
  if (d->done < d->length) {
    out0_arm(b);
  } else if (d->setup[1] == REQ_REFUSE_LATE) {
    stall0(b);
  } else {
    status_in(b);
  }
}

static void in0_complete(struct bench *b) {
  struct driver *d = &b->driver;
  if (d->stage == STATUS_IN) d->stage = IDLE;
  if (d->stage != DATA_IN) return;
  d->done += d->in0_packet;
  next_in(b);
}

// The host begins the status stage although we know of no ACK for the last data
// packet: that ACK was lost, the data stage is over (USB 2.0 8.5.3.3).
static void early_status(struct bench *b) {
  struct driver *d = &b->driver;
  const bool last = d->done + d->in0_packet == d->length;
  if (d->stage != DATA_IN || !last) return;
  d->stage = STATUS_OUT;
  out0_arm(b);
}

// --- bulk ----------------------------------------------------------------------

void driver_arm_out(struct bench *b, uint32_t bytes) {
  struct driver *d = &b->driver;
  const uint32_t packets = (bytes + d->bulk_packet - 1) / d->bulk_packet;
  d->armed = bytes;
  driver_collect(b);
  d->dma_size = packets * d->bulk_packet;
  d->dma_seen = 0;
  if (d->dma) wr(b, R_DOEPDMA(1), dma_address(AT_OUT1));
  wr(b, R_DOEPTSIZ(1), TSIZ(packets, packets * d->bulk_packet));
  set(b, R_DOEPCTL(1), EP_CNAK | EP_EPENA);
}

void driver_collect(struct bench *b) {
  struct driver *d = &b->driver;
  if (!d->dma || !d->dma_size) return;
  const uint32_t have = d->dma_size - (rd(b, R_DOEPTSIZ(1)) & 0x7FFFF);
  const uint32_t more = have - d->dma_seen;
  if (d->received_length + more > STORE_SIZE) return;
  memcpy(d->received + d->received_length, b->memory + AT_OUT1 + d->dma_seen, more);
  d->received_length += more;
  d->dma_seen = have;
}

// Whole packets only, as long as they fit.
static void in1_feed(struct bench *b) {
  struct driver *d = &b->driver;
  while (d->sent_to_fifo < d->sending_length) {
    const uint32_t packet =
        smaller(d->sending_length - d->sent_to_fifo, d->bulk_packet);
    if ((rd(b, R_DTXFSTS(1)) & 0xFFFF) < (packet + 3) / 4) return;
    push_words(b, 1, d->sending + d->sent_to_fifo, packet);
    d->sent_to_fifo += packet;
  }
  clear(b, R_DIEPEMPMSK, BIT(1));
}

void driver_send(struct bench *b, const uint8_t *data, uint32_t length) {
  struct driver *d = &b->driver;
  const uint32_t packets = length / d->bulk_packet + 1;  // a short one ends it
  d->sending = data;
  d->sending_length = length;
  d->sent_to_fifo = 0;
  memcpy(b->memory + AT_IN1, data, length);
  if (d->dma) wr(b, R_DIEPDMA(1), dma_address(AT_IN1));
  wr(b, R_DIEPTSIZ(1), TSIZ(packets, length));
  set(b, R_DIEPCTL(1), EP_CNAK | EP_EPENA);
  if (length == 0 || d->dma) return;
  set(b, R_DIEPEMPMSK, BIT(1));
  if (!d->style->txfe) in1_feed(b);
}

// --- the interrupt handler -----------------------------------------------------

static void read_packet(struct bench *b, uint8_t *to, uint32_t length) {
  for (uint32_t i = 0; i < length; i += 4) {
    const uint32_t w = rd(b, R_FIFO(0));
    if (to) memcpy(to + i, &w, smaller(4, length - i));
  }
}

static void take_out(struct bench *b, uint32_t n, uint32_t length) {
  struct driver *d = &b->driver;
  uint8_t *store = n ? d->received : d->buffer;
  uint32_t *have = n ? &d->received_length : &d->done;
  const bool wanted = (n || d->stage == DATA_OUT) && *have + length <= STORE_SIZE;
  read_packet(b, wanted ? store + *have : NULL, length);
  if (wanted) *have += length;
}

static void pop(struct bench *b) {
  struct driver *d = &b->driver;
  const uint32_t w = rd(b, R_GRXSTSP);
  const uint32_t length = w >> 4 & 0x7FF;
  switch (w >> 17 & 15) {
    case PKT_OUT: take_out(b, w & 15, length); break;
    case PKT_SETUP: read_packet(b, d->latched, 8); break;
    case PKT_SETUP_DONE:
      if (d->style->setup_at_entry) {
        wr(b, R_DOEPINT(0), EPINT_STUP);
        handle_setup(b);
      }
      break;
    default: break;
  }
}

static void receive_interrupt(struct bench *b) {
  clear(b, R_GINTMSK, INT_RXFLVL);
  do {
    pop(b);
  } while (!b->driver.style->one_pop && (rd(b, R_GINTSTS) & INT_RXFLVL));
  set(b, R_GINTMSK, INT_RXFLVL);
}

static void out_interrupts(struct bench *b) {
  struct driver *d = &b->driver;
  for (uint32_t n = 0; n < 2; n++) {
    if (!(rd(b, R_DAINT) >> (16 + n) & 1)) continue;
    const uint32_t flags = rd(b, R_DOEPINT(n));
    wr(b, R_DOEPINT(n), flags);
    if (n == 0) d->flags_out |= flags;
    if (n == 0 && (flags & EPINT_STPKTRX)) d->setup_due = true;
    // By DMA the endpoint is enabled under NAK: there is no OTEPDIS.
    const uint32_t early = d->dma ? EPINT_NAK : EPINT_OTEPDIS;
    if (n == 0 && (flags & early)) early_status(b);
    if (flags & EPINT_XFRC) {
      if (n == 0) out0_complete(b);
      if (n == 1) {
        d->transfers++;
        if (d->keep_armed) driver_arm_out(b, d->armed);
      }
    }
    const bool setup = n == 0 && (flags & EPINT_STUP) && !d->style->setup_at_entry;
    if (setup && d->dma) {
      // The last of up to three packets lies before the advanced address.
      const uint32_t end = rd(b, R_DOEPDMA(0)) - DMA_MEMORY;
      memcpy(d->latched, b->memory + end - 8, 8);
      d->setup_due = false;
      dma_await_setup(b);
    }
    if (setup) handle_setup(b);
  }
}

static void in_interrupts(struct bench *b) {
  struct driver *d = &b->driver;
  for (uint32_t n = 0; n < 2; n++) {
    if (!(rd(b, R_DAINT) >> n & 1)) continue;
    const uint32_t flags = rd(b, R_DIEPINT(n));
    wr(b, R_DIEPINT(n), flags & ~EPINT_TXFE);
    if (n == 0) d->flags_in |= flags;
    const bool fill = (flags & EPINT_TXFE) && (rd(b, R_DIEPEMPMSK) & BIT(n));
    if (fill && n == 0) in0_feed(b);
    if (fill && n == 1) in1_feed(b);
    if (flags & EPINT_XFRC) {
      if (n == 0) in0_complete(b);
      if (n == 1) d->sent++;
    }
  }
}

void driver_interrupt(struct bench *b) {
  struct driver *d = &b->driver;
  const uint32_t flags = rd(b, R_GINTSTS) & rd(b, R_GINTMSK);
  const uint32_t events =
      INT_USBRST | INT_ENUMDNE | INT_USBSUSP | INT_WKUPINT | INT_SOF;
  if (flags & events) wr(b, R_GINTSTS, flags & events);
  if (flags & INT_USBRST) bus_reset(b);
  if (flags & INT_ENUMDNE) enumerated(b);
  if (flags & INT_RXFLVL) receive_interrupt(b);
  if (flags & INT_OEPINT) out_interrupts(b);
  if (flags & INT_IEPINT) in_interrupts(b);
  d->suspends += (flags & INT_USBSUSP) != 0;
  d->resumes += (flags & INT_WKUPINT) != 0;
  d->sofs += (flags & INT_SOF) != 0;
}
