// SPDX-License-Identifier: MIT
// A USB device on OTG_HS that moves its data through the FIFOs, in the manner of four
// families of drivers (mail 0): control requests and a bulk loopback of single packets.
// It also stops transfers, sleeps while the bus is suspended and wakes the host. A
// vendor request ends the program.
#include "tests/guests/usb_guest.h"

enum style {
  INTERRUPTED,  // TinyUSB: pops until RXFLVL falls, feeds FIFOs from TXFE
  POLLED,       // libopencm3: one look, at most one pop; opens at the done entries
  PEEKING,      // synopsys-usb-otg: GRXSTSR first; opens at the data; no DOEPTSIZ
  BY_NAK,       // embassy: CNAK opens, EPENA never
};

enum {
  REQ_STOP_IN = 0x44,   // takes back a packet that waits on bulk IN
  REQ_STOP_OUT = 0x45,  // bulk OUT disabled under the global NAK, and opened again
  REQ_SLEEP = 0x46,     // value 1: the device wakes the host from the next suspend
};
enum { GLOBAL_NAK = 1, OUT_DATA = 2, OUT_DONE = 3, SETUP_DONE = 4, SETUP_DATA = 6 };

static enum style style;
static uint8_t setup[8];
static uint8_t store[STORE], loop[STORE];
static uint32_t stored, wanted, packet;
static const uint8_t *reply;
static uint32_t reply_left;
static bool reply_zero, ended, wakes_host;
static volatile uint32_t line_wakeups;
static uint32_t suspends, resumes, stops;

// --- FIFOs -----------------------------------------------------------------------

static void read_packet(uint8_t *to, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i += 4) {
    const uint32_t word = rd(FIFO(0));
    for (uint32_t k = 0; k < 4 && i + k < bytes; k++)
      to[i + k] = (uint8_t)(word >> 8 * k);
  }
}

static void write_packet(uint32_t n, const uint8_t *from, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i += 4) {
    uint32_t word = 0;
    for (uint32_t k = 0; k < 4 && i + k < bytes; k++)
      word |= (uint32_t)from[i + k] << 8 * k;
    wr(FIFO(n), word);
  }
}

static struct {
  const uint8_t *from;
  uint32_t bytes;
} sending[2];

static void feed(uint32_t n) {
  clear(DIEPEMPMSK, BIT(n));
  write_packet(n, sending[n].from, sending[n].bytes);
}

static void send(uint32_t n, const uint8_t *from, uint32_t bytes) {
  sending[n].from = from;
  sending[n].bytes = bytes;
  wr(DIEPTSIZ(n), (n ? 1u << 29 : 0) | 1u << 19 | bytes);
  set(DIEPCTL(n), EPENA | CNAK);
  if (!bytes) return;
  if (style == INTERRUPTED) {
    set(DIEPEMPMSK, BIT(n));
  } else {
    feed(n);
  }
}

static void flush(uint32_t n) {
  wr(GRSTCTL, n << 6 | BIT(5));
  wait_for(GRSTCTL, BIT(5), 0);
}

// Lets the next packet to OUT endpoint n come.
static void open_out(uint32_t n) {
  const uint32_t size = n ? packet : EP0;
  if (style != PEEKING) wr(DOEPTSIZ(n), (n ? 0 : STUPCNT3) | 1u << 19 | size);
  set(DOEPCTL(n), style == BY_NAK ? CNAK : EPENA | CNAK);
}

// --- endpoint 0 ------------------------------------------------------------------

static void next_in(void) {
  const uint32_t bytes = reply_left < EP0 ? reply_left : EP0;
  if (!bytes && !reply_zero) return;
  if (bytes < EP0) reply_zero = false;
  send(0, reply, bytes);
  reply += bytes;
  reply_left -= bytes;
}

static void answer(const uint8_t *from, uint32_t have, uint32_t asked) {
  reply = from;
  reply_left = have < asked ? have : asked;
  reply_zero = have < asked && have % EP0 == 0;
  next_in();
}

static void configure(void) {
  wr(DIEPCTL(1), USBAEP | BULK | 1u << 22 | SD0PID | SNAK | packet);
  wr(DOEPCTL(1), USBAEP | BULK | SD0PID | packet);
  open_out(1);
}

// NAK, wait; disable, wait; flush.
static void stop_in(void) {
  static const uint8_t nobody_reads_it[4] = {0xDE, 0xAD, 0xBE, 0xEF};
  wr(DIEPINT(1), INEPNE | EPDISD);
  send(1, nobody_reads_it, 4);
  set(DIEPCTL(1), SNAK);
  wait_for(DIEPINT(1), INEPNE, INEPNE);
  set(DIEPCTL(1), EPDIS);
  wait_for(DIEPINT(1), EPDISD, EPDISD);
  wr(DIEPINT(1), EPDISD);
  flush(1);
  clear(DIEPEMPMSK, BIT(1));
  stops++;
}

static void stop_out(void) {
  set(DCTL, BIT(9));
  while (!(rd(GINTSTS) & GONAKEFF)) {
    if (rd(GINTSTS) & RXFLVL) (void)rd(GRXSTSP);
  }
  if (rd(DOEPCTL(1)) & EPENA) {
    set(DOEPCTL(1), SNAK | EPDIS);
    wait_for(DOEPINT(1), EPDISD, EPDISD);
    wr(DOEPINT(1), EPDISD);
  }
  set(DCTL, BIT(10));
  open_out(1);
  stops++;
}

static void refuse(void) {
  set(DIEPCTL(0), STALL);
  set(DOEPCTL(0), STALL);
}

static void no_data(const uint8_t *s) {
  switch (s[1]) {
    case 5: wr(DCFG, (rd(DCFG) & ~(0x7Fu << 4)) | (uint32_t)s[2] << 4); break;
    case 9: configure(); break;
    case REQ_STOP_IN: stop_in(); break;
    case REQ_STOP_OUT: stop_out(); break;
    case REQ_SLEEP: wakes_host = s[2]; break;
    case REQ_END: ended = true; break;
    default: refuse(); return;
  }
  send(0, NULL, 0);
}

static void on_setup(void) {
  const uint8_t *s = setup;
  const uint32_t length = s[6] | (uint32_t)s[7] << 8;
  wanted = 0;
  if (s[1] == REQ_STORE) stored = 0;
  if (rd(DIEPTSIZ(0)) >> 19 & 3) flush(0);
  if (style != PEEKING) open_out(0);
  if (s[0] == 0x80 && s[1] == 6 && s[3] == 1) {
    answer(usb_device, sizeof usb_device, length);
  } else if (s[0] == 0x80 && s[1] == 6 && s[3] == 2) {
    answer(usb_configuration, sizeof usb_configuration, length);
  } else if (s[0] == 0xC0 && s[1] == REQ_FETCH) {
    answer(store, stored, length);
  } else if (s[0] == 0x40 && s[1] == REQ_STORE && length && length <= STORE) {
    wanted = length;
  } else if (!(s[0] & 0x80) && !length) {
    no_data(s);
  } else {
    refuse();
  }
}

static void on_out0(uint32_t bytes) {
  if (!bytes) return;  // a status stage
  read_packet(store + stored, bytes);
  stored += bytes;
  if (stored < wanted) return;
  wanted = 0;
  send(0, NULL, 0);
}

// --- entries ---------------------------------------------------------------------

static void on_data(uint32_t n, uint32_t bytes) {
  if (n == 0) {
    on_out0(bytes);
    return;
  }
  read_packet(loop, bytes);
  send(1, loop, bytes);  // opened again when it has gone
}

static void on_entry(uint32_t word) {
  const uint32_t n = word & 15, bytes = word >> 4 & 0x7FF, what = word >> 17 & 15;
  if (what == SETUP_DATA) read_packet(setup, bytes);
  if (what == OUT_DATA) on_data(n, bytes);
  const bool data = what == SETUP_DATA || (what == OUT_DATA && n == 0);
  if (style == PEEKING && data) set(DOEPCTL(0), EPENA | CNAK);
  if (what == OUT_DONE && n == 0 && style != PEEKING) open_out(0);
  if (what == SETUP_DONE) on_setup();
}

static void take_entries(void) {
  while (rd(GINTSTS) & RXFLVL) {
    if (style == PEEKING && !rd(GRXSTSR)) return;
    on_entry(rd(GRXSTSP));
    if (style == POLLED) return;
  }
}

// --- suspend ---------------------------------------------------------------------

static void on_wakeup_line(void) {
  wr(EXTI_PR, BIT(20));
  line_wakeups++;
}

static void pause_ms(uint32_t ms) {
  start_cycles();
  while (rd(DWT_CYCCNT) < 96000 * ms) {
  }
}

static void wake_host(void) {
  wakes_host = false;
  pause_ms(6);
  clear(PCGCCTL, 3);
  set(DCTL, 1);
  pause_ms(5);
  clear(DCTL, 1);
}

// Stops the PHY's clock and sleeps; the line to EXTI works without it. WKUPINT tells of
// the host's resume, not of one that the device began.
static void on_suspend(void) {
  if (!(rd(DSTS) & 1)) return;
  suspends++;
  set(PCGCCTL, 1);
  wr(NVIC_ICER(2), BIT(IRQ_OTG - 64));
  const uint32_t before = line_wakeups;
  if (wakes_host) wake_host();
  while (line_wakeups == before) {
    wfi();
    irq_on();
    barrier();
    irq_off();
  }
  clear(PCGCCTL, 1);
  if (usb_take(GINTSTS, WKUPINT)) resumes++;
  wr(NVIC_ISER(2), BIT(IRQ_OTG - 64));
}

// --- events ----------------------------------------------------------------------

static void on_reset(void) {
  wr(DCFG, rd(DCFG) & ~(0x7Fu << 4));
  for (uint32_t n = 0; n < 2; n++)
    set(DOEPCTL(n), SNAK);
  flush(0x10);
  wr(GRSTCTL, BIT(4));
  wait_for(GRSTCTL, BIT(4), 0);
  wr(DIEPEMPMSK, 0);
  wr(DOEPTSIZ(0), STUPCNT3);
  wanted = reply_left = 0;
  reply_zero = false;
}

static void poll(void) {
  const uint32_t bus = usb_take(GINTSTS, USBRST | ENUMDNE | USBSUSP);
  if (bus & USBRST) on_reset();
  if (bus & ENUMDNE) packet = usb_speed();
  if (bus & USBSUSP) on_suspend();
  take_entries();
  for (uint32_t n = 0; n < 2; n++) {
    if ((rd(DIEPEMPMSK) & BIT(n)) && (rd(DIEPINT(n)) & BIT(7))) feed(n);
    (void)usb_take(DOEPINT(n), XFRC | STUP);
  }
  if (usb_take(DIEPINT(0), XFRC)) next_in();
  if (usb_take(DIEPINT(1), XFRC)) open_out(1);
}

static void start(void) {
  usb_core();
  wr(GAHBCFG, BIT(7) | BIT(0));
  wr(GINTMSK, USBRST | ENUMDNE | USBSUSP | RXFLVL | IEPINT | OEPINT);
  wr(DIEPMSK, XFRC);
  wr(DOEPMSK, XFRC | STUP);
  wr(DAINTMSK, 0x30003);
  set(EXTI_IMR, BIT(20));
  set(EXTI_RTSR, BIT(20));
  set_irq(IRQ_WAKEUP, on_wakeup_line, 0x10);
  clear(DCTL, BIT(1));
}

void guest_main(void) {
  style = (enum style)rd(MAILBOX(0));
  irq_off();
  usb_board();
  start();
  wr(NVIC_ISER(2), BIT(IRQ_OTG - 64));
  while (!ended || rd(DIEPCTL(0)) & EPENA) {  // up to the last status stage
    poll();
    if (style != INTERRUPTED) continue;
    wfi();
    wr(NVIC_ICPR(2), BIT(IRQ_OTG - 64));
  }
  check("transfers stopped", stops, 4);
  check("suspends", suspends, 3);
  check("resumes by the host", resumes, 2);
  check("wake-ups by the line", line_wakeups, 3);
}
