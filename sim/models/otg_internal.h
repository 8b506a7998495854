// SPDX-License-Identifier: MIT
// What the files of the OTG model share. Nobody else includes this.
#pragma once

#include "sim/models/otg.h"
#include "sim_regs.h"

// "Endpoint programmed against the rules" and the like, at the register `offset`.
#define OTG_GUEST(o, error, offset, ...) \
  report_guest((o)->report, (error), (o)->config->base + (offset), __VA_ARGS__)

// Register that places transmit FIFO n (RM0410 41.15).
static inline uint32_t otg_txf(unsigned n) {
  return n == 0 ? SIM_OTG_DIEPTXF0 : SIM_OTG_DIEPTXF(n);
}

// Stored words by register offset. What is live (GINTSTS's states, DTXFSTS, FNSOF,
// ...) is not in here but added by the functions that read it.
static inline uint32_t *otg_reg(struct otg *o, uint32_t offset) {
  return &o->reg[offset / 4];
}

static inline uint32_t otg_get(const struct otg *o, uint32_t offset) {
  return o->reg[offset / 4];
}

// Any of `bits` set?
static inline bool otg_has(const struct otg *o, uint32_t offset, uint32_t bits) {
  return (otg_get(o, offset) & bits) != 0;
}

static inline void otg_set(struct otg *o, uint32_t offset, uint32_t bits, bool on) {
  uint32_t *r = otg_reg(o, offset);
  *r = on ? *r | bits : *r & ~bits;
}

// Replaces one field, given by its mask.
static inline void otg_put(struct otg *o, uint32_t offset, uint32_t field,
                           uint32_t value) {
  uint32_t *r = otg_reg(o, offset);
  *r = (*r & ~field) | SIM_PUT(field, value);
}

// Endpoint registers by direction. The fields that both directions have are at the
// same place, so the IN names serve for both.
static inline uint32_t otg_ctl(unsigned n, bool in) {
  return in ? SIM_OTG_DIEPCTL(n) : SIM_OTG_DOEPCTL(n);
}

static inline uint32_t otg_int(unsigned n, bool in) {
  return in ? SIM_OTG_DIEPINT(n) : SIM_OTG_DOEPINT(n);
}

static inline uint32_t otg_tsiz(unsigned n, bool in) {
  return in ? SIM_OTG_DIEPTSIZ(n) : SIM_OTG_DOEPTSIZ(n);
}

// --- otg.c --------------------------------------------------------------------

// Stores the writable bits of a plain register.
void otg_store(struct otg *o, uint32_t offset, uint32_t word);

// GRSTCTL.CSRST: registers, FIFOs and state machines, except what survives it.
void otg_core_reset(struct otg *o);

// Something changed: endpoints that can answer now, SOF, interrupts.
void otg_changed(struct otg *o);

// --- otg_models.c -------------------------------------------------------------

// Which bits of which register are modelled, inert or neither.
void otg_init_models(struct otg *o);

// --- otg_irq.c ----------------------------------------------------------------

// Sets event bits of GINTSTS.
void otg_latch(struct otg *o, uint32_t gintsts);

// Whole registers as software reads them; writing 1 clears events.
uint32_t otg_read_gintsts(struct otg *o);
void otg_write_gintsts(struct otg *o, uint32_t word);
uint32_t otg_daint(const struct otg *o);
uint32_t otg_deachint(const struct otg *o);
uint32_t otg_diepint(const struct otg *o, unsigned n);

// The periodic part of the (micro)frame is over: EOPF, incomplete transfers.
void otg_frame_end_fire(void *ctx);

// Drives the interrupt lines, and tells the host whether SOF is wanted.
void otg_update_irq(struct otg *o);

// --- otg_link.c: PHY, session, mode, reset, suspend ---------------------------

// The PHY that GUSBCFG.PHYSEL chooses.
enum otg_phy otg_phy(const struct otg *o);
uint64_t otg_phy_hz(const struct otg *o);  // 0: it does not run

// Whether the bus runs at high speed: false before the first reset, too.
bool otg_high_speed(const struct otg *o);

// Whether PCGCCTL has stopped the clock for everything but the wake-up logic.
bool otg_stopped(const struct otg *o);

// A token came while it is stopped.
void otg_note_deaf(struct otg *o);

// Compares what should be with what is: session, pull-up, settling requests.
void otg_update_link(struct otg *o);

// A connected core whose clock was changed under it.
void otg_check_running_clock(struct otg *o);

// Whether the PHY's clock has the frequency that USB needs.
bool otg_clock_is_right(const struct otg *o);

// Registers of the link with live bits or with effects.
uint32_t otg_read_gotgctl(const struct otg *o);
uint32_t otg_read_dsts(const struct otg *o);
uint32_t otg_read_gccfg(const struct otg *o);
uint32_t otg_read_pcgcctl(const struct otg *o);
void otg_write_gusbcfg(struct otg *o, uint32_t word);
void otg_write_dcfg(struct otg *o, uint32_t word);
void otg_write_dctl(struct otg *o, uint32_t word);
void otg_write_pcgcctl(struct otg *o, uint32_t word);

// 25 ms after FDMOD or FHMOD.
void otg_mode_fire(void *ctx);

// The link's half of struct usb_device_port.
void otg_init_link_port(struct otg *o);

// --- otg_settle.c: what takes some clocks -------------------------------------

// Starts the wait for o->settling, if the clock for it runs and none is under way.
void otg_start_settling(struct otg *o);
void otg_settle_fire(void *ctx);

// GRSTCTL: its bits read 1 as long as what they ask for is not done.
uint32_t otg_read_grstctl(const struct otg *o);
void otg_write_grstctl(struct otg *o, uint32_t word);

// --- otg_fifo.c ---------------------------------------------------------------

enum otg_rx_class { OTG_RX_DATA, OTG_RX_SETUP, OTG_RX_STATUS };

// PKTSTS of GRXSTSP (RM0410 41.15).
enum otg_pktsts {
  OTG_GLOBAL_OUT_NAK = 1,
  OTG_OUT_DATA = 2,
  OTG_OUT_DONE = 3,
  OTG_SETUP_DONE = 4,
  OTG_SETUP_DATA = 6,
};

// Whether the receive FIFO can take a packet of `bytes`, the room that it keeps
// for SETUP packets and status entries left alone.
bool otg_rx_has_room(const struct otg *o, uint32_t bytes);
bool otg_rx_has_setup_room(const struct otg *o);

// A status entry, and the packet of `token` behind it if the entry announces one.
// `token` NULL: the entry belongs to no endpoint.
void otg_rx_push(struct otg *o, enum otg_rx_class class, enum otg_pktsts status,
                 const struct usb_token *token);
// GRXSTSR and GRXSTSP. Popping has the effects that the entry stands for.
uint32_t otg_rx_peek(const struct otg *o);
uint32_t otg_rx_pop_status(struct otg *o);
void otg_rx_flush(struct otg *o);

// Sizes in words. `fifo` is the number that DIEPCTL.TXFNUM gives.
uint32_t otg_tx_depth(const struct otg *o, unsigned fifo);
uint32_t otg_tx_free(const struct otg *o, unsigned fifo);
void otg_tx_flush(struct otg *o, unsigned fifo);
// The first `bytes` of the content: to look at, and to remove.
void otg_tx_copy(const struct otg *o, unsigned fifo, uint8_t *to, uint32_t bytes);
void otg_tx_drop(struct otg *o, unsigned fifo, uint32_t bytes);

// GRXFSIZ and DIEPTXFx; the windows and the debug view of the RAM.
void otg_write_fifo_size(struct otg *o, uint32_t offset, uint32_t word);
uint32_t otg_fifo_read(struct otg *o, uint32_t offset);
void otg_fifo_write(struct otg *o, uint32_t offset, uint32_t word);

// Complaints about the FIFO of an endpoint that is being enabled.
void otg_check_tx_fifo(struct otg *o, unsigned n);
void otg_check_rx_fifo(struct otg *o, unsigned n);

// Data words of the packet whose status entry was popped last: into `to`.
void otg_rx_take(struct otg *o, uint8_t *to, uint32_t bytes);

// A word of a packet for the FIFO of endpoint n, which must have room.
void otg_tx_put(struct otg *o, unsigned n, uint32_t word);

// --- otg_dma.c ----------------------------------------------------------------

bool otg_dma_on(const struct otg *o);
void otg_write_gahbcfg(struct otg *o, uint32_t word);

// Moves what can be moved between the FIFOs and memory.
void otg_dma_run(struct otg *o);

// Complaints about the address of an endpoint that is being enabled.
void otg_check_dma(struct otg *o, unsigned n, bool in);

// --- otg_iso.c ----------------------------------------------------------------

bool otg_is_iso(const struct otg *o, unsigned n, bool in);

// Isochronous transactions have no handshake.
void otg_iso_in(struct otg *o, unsigned n, struct usb_answer *answer);
void otg_iso_out(struct otg *o, const struct usb_token *t);

// Whether any isochronous endpoint waits for its frame, and what this frame, whose
// periodic part is over, leaves undone.
bool otg_iso_waits(const struct otg *o);
void otg_iso_frame_end(struct otg *o);

// --- otg_ep.c -----------------------------------------------------------------

// Largest packet of IN and of OUT endpoint n, at most USB_MAX_PACKET.
uint32_t otg_max_packet(const struct otg *o, unsigned n);
uint32_t otg_out_max_packet(const struct otg *o, unsigned n);

// The transmit FIFO of IN endpoint n.
unsigned otg_tx_fifo_of(const struct otg *o, unsigned n);

// Sets flags of DIEPINTn or DOEPINTn.
void otg_flag(struct otg *o, unsigned n, bool in, uint32_t bits);

// Any endpoint register, by its offset in the core.
uint32_t otg_read_ep(struct otg *o, uint32_t offset);
void otg_write_ep(struct otg *o, uint32_t offset, uint32_t word);

// The endpoint has been stopped on request (EPDIS).
void otg_disabled(struct otg *o, unsigned n, bool in);

// --- otg_wire.c ---------------------------------------------------------------

// What endpoint n would answer to a token now.
enum usb_reply otg_in_answer(const struct otg *o, unsigned n);
enum usb_reply otg_out_answer(const struct otg *o, unsigned n);

// The packet of `n` bytes at the head of IN endpoint n's FIFO has arrived.
void otg_in_done(struct otg *o, unsigned n);

// Takes an OUT packet and what ends with it.
void otg_receive(struct otg *o, const struct usb_token *t);

// Tells the host of endpoints that had to say NAK and need not any longer.
void otg_tell_ready(struct otg *o);

// Fills o->port.
void otg_init_port(struct otg *o);
