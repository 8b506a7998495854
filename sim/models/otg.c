// SPDX-License-Identifier: MIT
// Life cycle of the core and the way from a bus access to the register it means.
#include "sim/models/otg.h"

#include <string.h>

#include "sim/models/otg_internal.h"

const struct otg_config otg_hs_config = {
    .name = "OTG_HS",
    .base = 0x40040000,
    .gate = GATE(0x30, 29),  // RCC_AHB1ENR.OTGHSEN
    .block = &sim_regs_otg_hs,
    .endpoints = 9,
    .ram_words = 1024,
    .dma = true,
};

const struct otg_config otg_fs_config = {
    .name = "OTG_FS",
    .base = 0x50000000,
    .gate = GATE(0x34, 7),  // RCC_AHB2ENR.OTGFSEN
    .block = &sim_regs_otg_fs,
    .endpoints = 6,
    .ram_words = 320,
};

// The address ranges inside the core (RM0410 41.15).
enum { HOST_REGISTERS = 0x400, DEVICE_REGISTERS = 0x800, POWER_REGISTERS = 0xE00 };
enum { FIFO_WINDOWS = 0x1000, CORE_SIZE = 0x40000 };

// --- reset -----------------------------------------------------------------------

static void reset_registers(struct otg *o) {
  memset(o->reg, 0, sizeof o->reg);
  const struct reg_block *block = o->config->block;
  for (size_t i = 0; i < block->count; i++) {
    *otg_reg(o, block->regs[i].offset) = block->regs[i].reset;
  }
}

// Everything that is not a register.
static void reset_state(struct otg *o) {
  otg_rx_flush(o);
  memset(o->tx, 0, sizeof o->tx);
  memset(o->in, 0, sizeof o->in);
  memset(o->out, 0, sizeof o->out);
  o->nak_in = o->nak_out = 0;
  o->setup_open = o->control_open = o->control_read = o->data_seen = false;
  o->setups_in_row = 0;
  o->address = 0;
  o->settling = (struct otg_settling){0};
  o->global_in_nak = o->global_out_nak = false;
  o->enumerated = o->suspended = o->bus_reset = false;
  event_cancel(o->events, &o->settle);
}

// What CSRST leaves alone: the choice of PHY and mode, the power and clock bits,
// speed and soft disconnect (RM0410 41.15 names the last ones; the PHY bits are
// why drivers select the PHY before they reset the core). The force-mode bits
// persist by Linux dwc2, core.c. CID is the application's own word.
static const struct {
  uint32_t offset, bits;
} survivors[] = {
    {SIM_OTG_GUSBCFG, ~(SIM_OTG_GUSBCFG_TOCAL | SIM_OTG_GUSBCFG_TRDT |
                        SIM_OTG_GUSBCFG_SRPCAP | SIM_OTG_GUSBCFG_HNPCAP)},
    {SIM_OTG_GCCFG, 0xFFFFFFFFu},
    {SIM_OTG_CID, 0xFFFFFFFFu},
    {SIM_OTG_DCFG, SIM_OTG_DCFG_DSPD},
    {SIM_OTG_DCTL, SIM_OTG_DCTL_SDIS},
    {SIM_OTG_PCGCCTL, SIM_OTG_PCGCCTL_STPPCLK | SIM_OTG_PCGCCTL_GATEHCLK},
};

enum { SURVIVORS = sizeof survivors / sizeof *survivors };

void otg_core_reset(struct otg *o) {
  uint32_t kept[SURVIVORS];
  for (size_t i = 0; i < SURVIVORS; i++) {
    kept[i] = otg_get(o, survivors[i].offset) & survivors[i].bits;
  }
  reset_registers(o);
  reset_state(o);
  for (size_t i = 0; i < SURVIVORS; i++) {
    uint32_t *r = otg_reg(o, survivors[i].offset);
    *r = (*r & ~survivors[i].bits) | kept[i];
  }
}

void otg_system_reset(struct otg *o) {
  reset_registers(o);
  reset_state(o);
  event_cancel(o->events, &o->mode);
  o->host_mode = o->board.id_high && !o->board.id_high(o->board.ctx);
  otg_update_link(o);
  // Power-on is not an event.
  *otg_reg(o, SIM_OTG_GINTSTS) = *otg_reg(o, SIM_OTG_GOTGINT) = 0;
  otg_changed(o);
}

void otg_refresh(struct otg *o) {
  otg_update_link(o);
  otg_check_running_clock(o);
  otg_changed(o);
}

void otg_changed(struct otg *o) {
  otg_dma_run(o);
  otg_tell_ready(o);
  otg_update_irq(o);
}

// Whoever plugs in later sees the pull-up that is already there.
void otg_attach(struct otg *o, const struct usb_host_port *host) {
  o->host = host;
  if (host && o->connected) host->pull_up(host->ctx, true);
}

// --- register accesses -----------------------------------------------------------

void otg_store(struct otg *o, uint32_t offset, uint32_t word) {
  const struct reg_desc *reg = reg_at(&o->file, offset);
  const uint32_t writable = reg->known & ~reg->read_only;
  uint32_t *r = otg_reg(o, offset);
  *r = (*r & ~writable) | (word & writable);
}

static bool is_endpoint(uint32_t offset) {
  return offset >= SIM_OTG_DIEPCTL0 && offset < POWER_REGISTERS;
}

// GRXFSIZ, DIEPTXF0 and the fifteen that follow each other.
static bool is_fifo_size(uint32_t offset) {
  return offset == SIM_OTG_GRXFSIZ || offset == SIM_OTG_DIEPTXF0 ||
         (offset >= SIM_OTG_DIEPTXF(1) && offset < SIM_OTG_DIEPTXF(OTG_TX_FIFOS));
}

// Bits that are cleared by writing 1; what is written to the others is of no matter
// there, whatever the number of bits that drivers clear at once.
static bool is_write_1_to_clear(uint32_t offset) {
  const bool endpoint_flags = is_endpoint(offset) && offset % 0x20 == 0x08;
  return endpoint_flags || offset == SIM_OTG_GINTSTS || offset == SIM_OTG_GOTGINT;
}

// MMIS: a register of the mode that the core is not in. The access has no effect.
static bool wrong_mode(struct otg *o, uint32_t offset) {
  const bool host = offset >= HOST_REGISTERS && offset < DEVICE_REGISTERS;
  const bool device = offset >= DEVICE_REGISTERS && offset < POWER_REGISTERS;
  if (o->host_mode ? !device : !host) return false;
  otg_latch(o, SIM_OTG_GINTSTS_MMIS);
  OTG_GUEST(o, GUEST_USB_CONFIG, offset, "%s-mode register accessed in %s mode",
            device ? "device" : "host", device ? "host" : "device");
  return true;
}

// All registers and FIFOs are accessed by words (RM0410 41.15). Narrower accesses are
// carried out on the bytes they name.
static void check_width(struct otg *o, uint32_t offset, unsigned bytes) {
  if (bytes == 4) return;
  OTG_GUEST(o, GUEST_BAD_WIDTH, offset, "%s accessed by %u bytes, needs words",
            o->config->name, bytes);
}

static uint32_t read_register(struct otg *o, uint32_t offset) {
  switch (offset) {
    case SIM_OTG_GOTGCTL: return otg_read_gotgctl(o);
    case SIM_OTG_GINTSTS: return otg_read_gintsts(o);
    case SIM_OTG_GRSTCTL: return otg_read_grstctl(o);
    case SIM_OTG_GRXSTSR: return otg_rx_peek(o);
    case SIM_OTG_GRXSTSP: return otg_rx_pop_status(o);
    case SIM_OTG_DSTS: return otg_read_dsts(o);
    case SIM_OTG_DAINT: return otg_daint(o);
    case SIM_OTG_DEACHINT: return otg_deachint(o);
    default: return is_endpoint(offset) ? otg_read_ep(o, offset) : otg_get(o, offset);
  }
}

// Few reads change anything: those that take from a FIFO, and those that leave a flag.
uint32_t otg_read(void *ctx, uint32_t offset, unsigned bytes) {
  struct otg *o = ctx;
  const uint32_t aligned = offset & ~3u, flags = otg_get(o, SIM_OTG_GINTSTS);
  uint32_t word = 0;
  check_width(o, offset, bytes);
  if (aligned >= FIFO_WINDOWS) {
    word = otg_fifo_read(o, aligned);
  } else if (reg_check_read(&o->file, aligned) && !wrong_mode(o, aligned)) {
    word = read_register(o, aligned);
  }
  const bool takes = aligned >= FIFO_WINDOWS || aligned == SIM_OTG_GRXSTSP;
  if (takes || otg_get(o, SIM_OTG_GINTSTS) != flags) otg_changed(o);
  return reg_extract(word, offset, bytes);
}

// Registers with an effect beyond being kept; the rest is stored. The link is looked
// at after each write, whatever it was.
static void write_register(struct otg *o, uint32_t offset, uint32_t word) {
  switch (offset) {
    case SIM_OTG_GOTGINT: *otg_reg(o, offset) &= ~word; break;
    case SIM_OTG_GAHBCFG: otg_write_gahbcfg(o, word); break;
    case SIM_OTG_GUSBCFG: otg_write_gusbcfg(o, word); break;
    case SIM_OTG_GRSTCTL: otg_write_grstctl(o, word); break;
    case SIM_OTG_GINTSTS: otg_write_gintsts(o, word); break;
    case SIM_OTG_DCFG: otg_write_dcfg(o, word); break;
    case SIM_OTG_DCTL: otg_write_dctl(o, word); break;
    case SIM_OTG_PCGCCTL: otg_write_pcgcctl(o, word); break;
    default:
      if (is_endpoint(offset)) {
        otg_write_ep(o, offset, word);
      } else if (is_fifo_size(offset)) {
        otg_write_fifo_size(o, offset, word);
      } else {
        otg_store(o, offset, word);
      }
  }
  otg_update_link(o);
}

static bool may_write(struct otg *o, uint32_t offset, unsigned bytes, uint32_t value) {
  const struct reg_desc *reg = reg_at(&o->file, offset);
  if (reg && is_write_1_to_clear(offset & ~3u))
    value &= reg->known >> 8 * (offset & 3u);
  return reg_check_write(&o->file, offset, bytes, value) &&
         !wrong_mode(o, offset & ~3u);
}

void otg_write(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  struct otg *o = ctx;
  const uint32_t aligned = offset & ~3u;
  check_width(o, offset, bytes);
  if (aligned >= FIFO_WINDOWS) {
    otg_fifo_write(o, aligned, reg_merge(0, offset, bytes, value));
  } else if (may_write(o, offset, bytes, value)) {
    const uint32_t old = is_write_1_to_clear(aligned) ? 0 : otg_get(o, aligned);
    write_register(o, aligned, reg_merge(old, offset, bytes, value));
  }
  otg_changed(o);
}

struct bus_device otg_bus_device(struct otg *o) {
  return (struct bus_device){
      .name = o->config->name,
      .base = o->config->base,
      .size = CORE_SIZE,
      .gate = o->config->gate,
      .ctx = o,
      .read = otg_read,
      .write = otg_write,
  };
}

// --- life ------------------------------------------------------------------------

void otg_init(struct otg *o, const struct otg_config *config, struct sim *sim,
              const struct clock_source *clocks, const struct otg_board *board,
              const struct otg_irqs *irqs) {
  *o = (struct otg){
      .config = config,
      .report = &sim->report,
      .events = &sim->events,
      .clocks = clocks,
      .board = *board,
      .irqs = *irqs,
  };
  otg_init_models(o);
  otg_init_port(o);
  event_init(&o->settle, otg_settle_fire, o);
  event_init(&o->mode, otg_mode_fire, o);
  otg_system_reset(o);
}

void otg_free(struct otg *o) {
  event_cancel(o->events, &o->settle);
  event_cancel(o->events, &o->mode);
  reg_file_free(&o->file);
}
