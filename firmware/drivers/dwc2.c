// SPDX-License-Identifier: MIT
// Set-up, bus events and endpoint 0.
#include "firmware/drivers/dwc2.h"

#include <string.h>

#include "firmware/drivers/dwc2_internal.h"

enum {
  ALL_FIFOS = 0x10,

  TURNAROUND_ULPI = 9,  // GUSBCFG.TRDT: RM0410 table 284
  TURNAROUND_FS = 6,    // HCLK above 32 MHz

  SPEED_HIGH = 0,
  SPEED_FULL_INTERNAL = 3,

  MODE_US = 200000,  // forced device mode takes 25 ms (GUSBCFG.FDMOD)
};

bool dwc2_wait(const struct dwc2 *d, uint32_t reg, uint32_t field, uint32_t value,
               uint32_t deadline_us) {
  const uint32_t start = d->config.now_us(d->config.now_ctx);
  while (field_get(rd(d, reg), field) != value) {
    if (d->config.now_us(d->config.now_ctx) - start > deadline_us) return false;
  }
  return true;
}

// --- set-up ---

static bool reset_core(const struct dwc2 *d) {
  if (!dwc2_wait(d, DWC2_GRSTCTL, DWC2_GRSTCTL_AHBIDL, 1, DWC2_CORE_US)) return false;
  update(d, DWC2_GRSTCTL, 0, field_mask(DWC2_GRSTCTL_CSRST));
  if (!dwc2_wait(d, DWC2_GRSTCTL, DWC2_GRSTCTL_CSRST, 0, DWC2_CORE_US)) return false;
  return dwc2_wait(d, DWC2_GRSTCTL, DWC2_GRSTCTL_AHBIDL, 1, DWC2_CORE_US);
}

static bool select_phy(const struct dwc2 *d) {
  const bool ulpi = d->config.phy == DWC2_PHY_ULPI_HS;
  if (ulpi) {
    update(d, DWC2_GCCFG, field_mask(DWC2_GCCFG_PWRDWN), 0);
    update(d, DWC2_GUSBCFG,
           field_mask(DWC2_GUSBCFG_PHYSEL) | field_mask(DWC2_GUSBCFG_ULPIFSLS) |
               field_mask(DWC2_GUSBCFG_ULPIEVBUSD) |
               field_mask(DWC2_GUSBCFG_ULPIEVBUSI) | field_mask(DWC2_GUSBCFG_TSDPS),
           0);
  } else {
    update(d, DWC2_GUSBCFG, 0, field_mask(DWC2_GUSBCFG_PHYSEL));
  }
  if (!reset_core(d)) return false;
  if (!ulpi) update(d, DWC2_GCCFG, 0, field_mask(DWC2_GCCFG_PWRDWN));
  return true;
}

static bool force_device_mode(const struct dwc2 *d) {
  const uint32_t trdt =
      d->config.phy == DWC2_PHY_ULPI_HS ? TURNAROUND_ULPI : TURNAROUND_FS;
  uint32_t r = rd(d, DWC2_GUSBCFG) | field_mask(DWC2_GUSBCFG_FDMOD);
  wr(d, DWC2_GUSBCFG, field_set(r, DWC2_GUSBCFG_TRDT, trdt));
  return dwc2_wait(d, DWC2_GINTSTS, DWC2_GINTSTS_CMOD, 0, MODE_US);
}

static void set_vbus(const struct dwc2 *d) {
  if (d->config.phy == DWC2_PHY_ULPI_HS) return;  // the PHY senses it
  if (d->config.vbus_sensed) {
    update(d, DWC2_GCCFG, 0, field_mask(DWC2_GCCFG_VBDEN));
  } else {
    update(d, DWC2_GCCFG, field_mask(DWC2_GCCFG_VBDEN), 0);
    update(d, DWC2_GOTGCTL, 0,
           field_mask(DWC2_GOTGCTL_BVALOEN) | field_mask(DWC2_GOTGCTL_BVALOVAL));
  }
}

void dwc2_flush(const struct dwc2 *d, uint32_t fifo) {
  wr(d, DWC2_GRSTCTL,
     field_set(field_mask(DWC2_GRSTCTL_TXFFLSH), DWC2_GRSTCTL_TXFNUM, fifo));
  dwc2_wait(d, DWC2_GRSTCTL, DWC2_GRSTCTL_TXFFLSH, 0, DWC2_CORE_US);
}

// An IN packet that the host no longer wants must not answer the next request
// (RM0410 41.16.6, "IN endpoint disable").
void dwc2_cancel(const struct dwc2 *d, uint32_t n) {
  const uint32_t ctl = DWC2_DIEPCTL(n), events = DWC2_DIEPINT(n);
  if (!field_get(rd(d, ctl), DWC2_DIEPCTL_EPENA)) return;
  update(d, ctl, 0, field_mask(DWC2_DIEPCTL_SNAK));
  dwc2_wait(d, events, DWC2_DIEPINT_INEPNE, 1, DWC2_CORE_US);
  update(d, ctl, 0, field_mask(DWC2_DIEPCTL_EPDIS) | field_mask(DWC2_DIEPCTL_SNAK));
  dwc2_wait(d, events, DWC2_DIEPINT_EPDISD, 1, DWC2_CORE_US);
  wr(d, events, field_mask(DWC2_DIEPINT_EPDISD) | field_mask(DWC2_DIEPINT_INEPNE));
  dwc2_flush(d, n);
}

// As much of a word as is left. Four bytes are a load and a store, others a call.
static void copy_word(void *to, const void *from, uint32_t left) {
  if (left >= 4) {
    memcpy(to, from, 4);
  } else {
    memcpy(to, from, left);
  }
}

void dwc2_write_fifo(const struct dwc2 *d, uint32_t n, const uint8_t *src,
                     uint32_t length) {
  const uintptr_t fifo = d->config.base + DWC2_DFIFO0 + 0x1000u * n;
  for (; length >= 32 && (uintptr_t)src % 4 == 0; length -= 32, src += 32)
    mmio_write_8_words(fifo, (const uint32_t *)(const void *)src);
  for (uint32_t at = 0; at < length; at += 4) {
    uint32_t word = 0;
    copy_word(&word, src + at, length - at);
    mmio_write32(fifo, word);
  }
}

// `wanted` of a packet's bytes go to `dst`, the others nowhere.
void dwc2_read_fifo(const struct dwc2 *d, uint8_t *dst, uint32_t count,
                    uint32_t wanted) {
  for (uint32_t at = 0; at < count; at += 4) {
    const uint32_t word = rd(d, DWC2_DFIFO0);
    copy_word(dst + at, &word, at < wanted ? wanted - at : 0);
  }
}

static void flush_received(const struct dwc2 *d) {
  wr(d, DWC2_GRSTCTL, field_mask(DWC2_GRSTCTL_RXFFLSH));
  dwc2_wait(d, DWC2_GRSTCTL, DWC2_GRSTCTL_RXFFLSH, 0, DWC2_CORE_US);
}

static void set_interrupts(const struct dwc2 *d) {
  wr(d, DWC2_DIEPMSK, field_mask(DWC2_DIEPMSK_XFRCM));
  wr(d, DWC2_DOEPMSK, field_mask(DWC2_DOEPMSK_XFRCM) | field_mask(DWC2_DOEPMSK_STUPM));
  // Endpoint 01 is looked at in the receive FIFO alone.
  const uint32_t in = CONFIG_SERIAL ? 7 : 1;
  wr(d, DWC2_DAINTMSK,
     field_set(field_set(0, DWC2_DAINTMSK_IEPM, in), DWC2_DAINTMSK_OEPM, 1));
  wr(d, DWC2_GINTMSK,
     field_mask(DWC2_GINTMSK_RXFLVLM) | field_mask(DWC2_GINTMSK_USBSUSPM) |
         field_mask(DWC2_GINTMSK_USBRST) | field_mask(DWC2_GINTMSK_ENUMDNEM) |
         field_mask(DWC2_GINTMSK_IEPINT) | field_mask(DWC2_GINTMSK_OEPINT) |
         field_mask(DWC2_GINTMSK_WUIM));
  update(d, DWC2_GAHBCFG, 0, field_mask(DWC2_GAHBCFG_GINT));
}

enum status dwc2_start(struct dwc2 *d, const struct dwc2_config *config) {
  memset(d, 0, sizeof *d);
  d->config = *config;
  update(d, DWC2_GAHBCFG, field_mask(DWC2_GAHBCFG_GINT), 0);
  if (!select_phy(d)) return ST_USB_PHY;
  update(d, DWC2_DCTL, 0, field_mask(DWC2_DCTL_SDIS));
  if (!force_device_mode(d)) return ST_USB_PHY;
  set_vbus(d);
  wr(d, DWC2_PCGCCTL, 0);
  const uint32_t speed =
      config->phy == DWC2_PHY_ULPI_HS ? SPEED_HIGH : SPEED_FULL_INTERNAL;
  wr(d, DWC2_DCFG, field_set(rd(d, DWC2_DCFG), DWC2_DCFG_DSPD, speed));
  dwc2_size_fifos(d);
  dwc2_flush(d, ALL_FIFOS);
  flush_received(d);
  wr(d, DWC2_GINTSTS,
     field_mask(DWC2_GINTSTS_USBRST) | field_mask(DWC2_GINTSTS_ENUMDNE) |
         field_mask(DWC2_GINTSTS_USBSUSP) | field_mask(DWC2_GINTSTS_WKUPINT));
  set_interrupts(d);
  return ST_OK;
}

// --- operations ---

static void port_connect(void *ctx, bool on) {
  const struct dwc2 *d = ctx;
  const uint32_t sdis = field_mask(DWC2_DCTL_SDIS);
  update(d, DWC2_DCTL, on ? sdis : 0, on ? 0 : sdis);
}

static void port_set_address(void *ctx, uint8_t address) {
  const struct dwc2 *d = ctx;
  wr(d, DWC2_DCFG, field_set(rd(d, DWC2_DCFG), DWC2_DCFG_DAD, address));
}

// The host has gone on meanwhile: a SETUP, or the status stage of what is being
// answered, waits in the receive FIFO; or a SETUP was read from it whose stage has not
// ended yet.
static bool waits(const struct dwc2 *d) {
  return d->setup_open || field_get(rd(d, DWC2_GINTSTS), DWC2_GINTSTS_RXFLVL);
}

// The same, of endpoint 0 alone: what endpoint 01 has received is taken out of the way.
// That is as much at most as was asked for: nobody asks for more in here.
static bool overtaken(struct dwc2 *d) {
  while (waits(d)) {
    if (!CONFIG_SERIAL || d->setup_open) return true;
    if (!field_get(rd(d, DWC2_GRXSTSR), DWC2_GRXSTSR_EPNUM)) return true;
    dwc2_pop_stream(d, rd(d, DWC2_GRXSTSP));
  }
  return false;
}

// A SETUP sets NAK, and CNAK for the answer to an older one would lift it. So the
// look comes before CNAK, and again between it and the data: a SETUP that came earlier
// is seen, and one that comes later sets NAK itself. One that comes in the few clocks
// from the first look to CNAK is followed by its own IN token after at least 200 ns
// (the handshake and the token, 100 bit times at high speed; USB 2.0 7.1.18): nothing
// else stands between CNAK and the second look. If that finds a packet for endpoint 01
// in front, NAK is set while it is taken out.
static void port_send(void *ctx, const uint8_t *src, uint16_t length) {
  struct dwc2 *d = ctx;
  const uint32_t size = field_set(0, DWC2_DIEPTSIZ0_PKTCNT, 1);
  const uint32_t ctl = rd(d, DWC2_DIEPCTL0) | field_mask(DWC2_DIEPCTL0_EPENA);
  if (overtaken(d)) return;
  wr(d, DWC2_DIEPTSIZ0, field_set(size, DWC2_DIEPTSIZ0_XFRSIZ, length));
  wr(d, DWC2_DIEPCTL0, ctl | field_mask(DWC2_DIEPCTL0_CNAK));
  while (waits(d)) {
    wr(d, DWC2_DIEPCTL0, ctl | field_mask(DWC2_DIEPCTL0_SNAK));
    if (!CONFIG_SERIAL || overtaken(d)) return;
    wr(d, DWC2_DIEPCTL0, ctl | field_mask(DWC2_DIEPCTL0_CNAK));
  }
  // The FIFO holds four packets and is empty here: every send follows an
  // acknowledge or a flush.
  dwc2_write_fifo(d, 0, src, length);
}

// The same looks: what a SETUP finds open, its data would come into ahead of their
// turn, and one of them would overwrite the other.
static void open_out(struct dwc2 *d) {
  const uint32_t open =
      field_mask(DWC2_DOEPCTL0_EPENA) | field_mask(DWC2_DOEPCTL0_CNAK);
  const uint32_t size =
      field_set(0, DWC2_DOEPTSIZ0_STUPCNT, 3) | field_mask(DWC2_DOEPTSIZ0_PKTCNT);
  if (overtaken(d)) return;
  wr(d, DWC2_DOEPTSIZ0, field_set(size, DWC2_DOEPTSIZ0_XFRSIZ, USB_EP0_PACKET));
  // The core alone changes what else is in there (RM0410 41.15.50).
  wr(d, DWC2_DOEPCTL0, open);
  while (waits(d)) {
    wr(d, DWC2_DOEPCTL0, field_mask(DWC2_DOEPCTL0_SNAK));
    if (!CONFIG_SERIAL || overtaken(d)) return;
    wr(d, DWC2_DOEPCTL0, open);
  }
}

static void port_receive(void *ctx, uint8_t *dst, uint16_t length) {
  struct dwc2 *d = ctx;
  d->out = dst;
  d->out_left = length;
  d->out_length = 0;
  open_out(d);
}

// Only a SETUP lifts STALL again, so it must not come after the next one. Data are no
// reason to hold it back: they are those that it refuses, where the CNAK behind the
// last request lifted the NAK of this one's SETUP. A SETUP between the look and the
// two writes, some 50 ns, finds STALL: nothing but the one behind it can lift that.
static void port_stall(void *ctx) {
  struct dwc2 *d = ctx;
  const uint32_t in = field_set(rd(d, DWC2_DIEPCTL0), DWC2_DIEPCTL0_EPENA, 0);
  if (overtaken(d) &&
      (d->setup_open ||
       field_get(rd(d, DWC2_GRXSTSR), DWC2_GRXSTSR_PKTSTS) != PKTSTS_OUT_DATA)) {
    return;
  }
  wr(d, DWC2_DIEPCTL0, in | field_mask(DWC2_DIEPCTL0_STALL));
  wr(d, DWC2_DOEPCTL0, field_mask(DWC2_DOEPCTL0_STALL));
}

static void port_test_mode(void *ctx, uint8_t selector) {
  const struct dwc2 *d = ctx;
  wr(d, DWC2_DCTL, field_set(rd(d, DWC2_DCTL), DWC2_DCTL_TCTL, selector));
}

// --- events ---

static void on_bus_reset(struct dwc2 *d) {
  d->setup_open = false;
  update(d, DWC2_DOEPCTL0, 0, field_mask(DWC2_DOEPCTL0_SNAK));
  if (CONFIG_SERIAL) dwc2_endpoints.close_all(d);
  dwc2_flush(d, ALL_FIFOS);
  port_set_address(d, 0);
  wr(d, DWC2_DIEPINT0, field_mask(DWC2_DIEPINT0_XFRC));
  wr(d, DWC2_DOEPINT0, field_mask(DWC2_DOEPINT0_XFRC) | field_mask(DWC2_DOEPINT0_STUP));
  // An endpoint that is still enabled keeps its size; the next SETUP disables it.
  if (field_get(rd(d, DWC2_DOEPCTL0), DWC2_DOEPCTL0_EPENA)) return;
  wr(d, DWC2_DOEPTSIZ0, field_set(0, DWC2_DOEPTSIZ0_STUPCNT, 3));
}

static void on_enumerated(const struct dwc2 *d, struct usb_event *e) {
  e->kind = USB_EVENT_RESET;
  e->high_speed = field_get(rd(d, DWC2_DSTS), DWC2_DSTS_ENUMSPD) == SPEED_HIGH;
  update(d, DWC2_DIEPCTL0, field_mask(DWC2_DIEPCTL0_MPSIZ), 0);  // 64 bytes
  update(d, DWC2_DCTL, 0, field_mask(DWC2_DCTL_CGINAK));
}

static void take_data(struct dwc2 *d, uint32_t count) {
  const uint32_t left = d->out_left;
  const uint32_t wanted = count < left ? count : left;
  dwc2_read_fifo(d, d->out, count, wanted);
  d->out_length = (uint16_t)(d->out_length + count);
  d->out_left = (uint16_t)(left - wanted);
  d->out_more = false;
}

static void take_setup_bytes(struct dwc2 *d, uint32_t count) {
  const uint32_t room = sizeof d->setup;
  dwc2_read_fifo(d, d->setup, count, count < room ? count : room);
  d->setup_open = true;
}

// A full packet that others will follow. The host waits for each of them.
static void take_full_packet(struct dwc2 *d) {
  const uintptr_t fifo = d->config.base + DWC2_DFIFO0;
  uint32_t *const to = (uint32_t *)(void *)d->out;
  mmio_read_8_words(fifo, to);
  mmio_read_8_words(fifo, to + 8);
  d->out += USB_EP0_PACKET;
  d->out_left -= USB_EP0_PACKET;
  d->out_length += USB_EP0_PACKET;
  d->out_more = true;
}

static bool is_full_packet(uint32_t entry) {
  const uint32_t kind = field_mask(DWC2_GRXSTSP_PKTSTS) |
                        field_mask(DWC2_GRXSTSP_BCNT) | field_mask(DWC2_GRXSTSP_EPNUM);
  const uint32_t full = field_set(0, DWC2_GRXSTSP_PKTSTS, PKTSTS_OUT_DATA);
  return (entry & kind) == field_set(full, DWC2_GRXSTSP_BCNT, USB_EP0_PACKET);
}

// An entry of the receive FIFO. What it means follows as XFRC or STUP; but in the
// middle of a data stage the host is let go on at once.
static void pop(struct dwc2 *d) {
  uint32_t entry = rd(d, DWC2_GRXSTSP);
  if (is_full_packet(entry) && d->out_left > USB_EP0_PACKET) {
    take_full_packet(d);
    if (!field_get(rd(d, DWC2_GINTSTS), DWC2_GINTSTS_RXFLVL)) return;
    entry = rd(d, DWC2_GRXSTSP);
  }
  if (CONFIG_SERIAL && field_get(entry, DWC2_GRXSTSP_EPNUM)) {
    dwc2_pop_stream(d, entry);
    return;
  }
  const uint32_t kind = field_get(entry, DWC2_GRXSTSP_PKTSTS);
  const uint32_t count = field_get(entry, DWC2_GRXSTSP_BCNT);
  if (kind == PKTSTS_OUT_DONE) {
    if (!d->out_more || d->setup_open) return;
    open_out(d);
    wr(d, DWC2_DOEPINT0, field_mask(DWC2_DOEPINT0_XFRC));
  } else if (kind == PKTSTS_OUT_DATA) {
    take_data(d, count);
  } else if (kind == PKTSTS_SETUP_DATA) {
    take_setup_bytes(d, count);
  }
}

static bool take_setup(struct dwc2 *d, struct usb_event *e) {
  wr(d, DWC2_DOEPINT0, field_mask(DWC2_DOEPINT0_STUP) | field_mask(DWC2_DOEPINT0_XFRC));
  wr(d, DWC2_DIEPINT0, field_mask(DWC2_DIEPINT0_XFRC));
  dwc2_cancel(d, 0);
  d->setup_open = false;
  e->kind = USB_EVENT_SETUP;
  memcpy(e->setup, d->setup, sizeof e->setup);
  return true;
}

static bool take_endpoint_event(struct dwc2 *d, uint32_t status, struct usb_event *e) {
  if (field_get(status, DWC2_GINTSTS_OEPINT)) {
    const uint32_t out = rd(d, DWC2_DOEPINT0);
    if (field_get(out, DWC2_DOEPINT0_STUP)) return take_setup(d, e);
    if (d->setup_open) return false;  // what came before it is over
    if (field_get(out, DWC2_DOEPINT0_XFRC)) {
      wr(d, DWC2_DOEPINT0, field_mask(DWC2_DOEPINT0_XFRC));
      e->kind = USB_EVENT_OUT;
      e->length = d->out_length;
      return true;
    }
  }
  if (!d->setup_open && field_get(status, DWC2_GINTSTS_IEPINT) &&
      field_get(rd(d, DWC2_DIEPINT0), DWC2_DIEPINT0_XFRC)) {
    wr(d, DWC2_DIEPINT0, field_mask(DWC2_DIEPINT0_XFRC));
    e->kind = USB_EVENT_IN;
    return true;
  }
  return false;
}

// True if `field` is set in GINTSTS; it is then cleared.
static bool acknowledge(const struct dwc2 *d, uint32_t status, uint32_t field) {
  if (!field_get(status, field)) return false;
  wr(d, DWC2_GINTSTS, field_mask(field));
  return true;
}

// What happens to the bus as a whole.
static bool take_bus_event(struct dwc2 *d, uint32_t status, struct usb_event *e) {
  if (acknowledge(d, status, DWC2_GINTSTS_USBRST)) on_bus_reset(d);
  if (acknowledge(d, status, DWC2_GINTSTS_ENUMDNE)) {
    on_enumerated(d, e);
  } else if (acknowledge(d, status, DWC2_GINTSTS_WKUPINT)) {
    e->kind = USB_EVENT_RESUME;
  } else if (acknowledge(d, status, DWC2_GINTSTS_USBSUSP)) {
    e->kind = USB_EVENT_SUSPEND;
  }
  return e->kind != USB_EVENT_NONE;
}

static bool port_next_event(void *ctx, struct usb_event *e) {
  const uint32_t bus =
      field_mask(DWC2_GINTSTS_USBRST) | field_mask(DWC2_GINTSTS_ENUMDNE) |
      field_mask(DWC2_GINTSTS_WKUPINT) | field_mask(DWC2_GINTSTS_USBSUSP);
  struct dwc2 *d = ctx;
  uint32_t status = rd(d, DWC2_GINTSTS);
  e->kind = USB_EVENT_NONE;
  if ((status & bus) && take_bus_event(d, status, e)) return true;
  // Every entry first: STUP and XFRC come up as their entries are popped.
  while (field_get(status, DWC2_GINTSTS_RXFLVL)) {
    pop(d);
    status = rd(d, DWC2_GINTSTS);
    if (field_get(status, DWC2_GINTSTS_OEPINT)) break;
  }
  // What came before a SETUP is told before it.
  if (CONFIG_SERIAL && dwc2_take_received(d, e)) return true;
  if (take_endpoint_event(d, status, e)) return true;
  return CONFIG_SERIAL && dwc2_take_sent(d, status, e);
}

struct usb_port dwc2_port(struct dwc2 *d) {
  return (struct usb_port){
      .ctx = d,
      .connect = port_connect,
      .next_event = port_next_event,
      .set_address = port_set_address,
      .address_early = true,  // DCFG.DAD is used from the status stage on
      .ep0_receive = port_receive,
      .ep0_send = port_send,
      .ep0_stall = port_stall,
      .test_mode = port_test_mode,
      .endpoints = CONFIG_SERIAL ? &dwc2_endpoints : NULL,
  };
}
