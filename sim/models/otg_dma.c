// SPDX-License-Identifier: MIT
// The internal DMA of OTG_HS (GAHBCFG.DMAEN, RM0410 41.15, 41.16): the core itself
// empties the receive FIFO and fills the transmit FIFOs, without taking time. GRXSTSP
// is then nobody's business.
//
//   RxFIFO --> DOEPDMAn (SETUP packets: DOEPDMA0, 8 bytes each, advancing)
//   TxFIFOn <-- DIEPDMAn (from EPENA on, ahead of the tokens)
//
// A SETUP packet is taken from the wire whatever EPENA says, but reaches memory only
// once OUT endpoint 0 is enabled: the manual has the application enable it in DMA
// mode, and every driver does.
#include "sim/models/otg_internal.h"

bool otg_dma_on(const struct otg *o) {
  return o->config->dma && otg_has(o, SIM_OTG_GAHBCFG, SIM_OTG_GAHBCFG_DMAEN);
}

void otg_write_gahbcfg(struct otg *o, uint32_t word) {
  otg_store(o, SIM_OTG_GAHBCFG, word);
  if (!(word & SIM_OTG_GAHBCFG_DMAEN) || o->config->dma) return;
  OTG_GUEST(o, GUEST_USB_CONFIG, SIM_OTG_GAHBCFG, "%s has no DMA, DMAEN has no effect",
            o->config->name);
}

static uint32_t *dma_address(struct otg *o, unsigned n, bool in) {
  return otg_reg(o, in ? SIM_OTG_DIEPDMA(n) : SIM_OTG_DOEPDMA(n));
}

void otg_check_dma(struct otg *o, unsigned n, bool in) {
  if (!otg_dma_on(o)) return;
  const uint32_t address = *dma_address(o, n, in);
  if (address % 4 == 0) return;
  OTG_GUEST(o, GUEST_DMA_ALIGN, in ? SIM_OTG_DIEPDMA(n) : SIM_OTG_DOEPDMA(n),
            "%s endpoint %u enabled with DMA address 0x%08x, needs whole words",
            in ? "IN" : "OUT", n, (unsigned)address);
}

// --- receive ---------------------------------------------------------------------

static void to_memory(struct otg *o, unsigned n, uint32_t bytes) {
  uint8_t packet[USB_MAX_PACKET];
  otg_rx_take(o, packet, bytes);
  if (!bytes) return;
  uint32_t *address = dma_address(o, n, false);
  if (!master_write(&o->master, *address & ~3u, packet, bytes)) {
    otg_flag(o, n, false, SIM_OTG_DOEPINT_AHBERR);
  }
  *address += bytes;
}

// False: the head of the FIFO has to wait.
static bool take_entry(struct otg *o) {
  const uint32_t word = otg_rx_peek(o);
  const unsigned n = SIM_GET(word, SIM_OTG_GRXSTSP_EPNUM);
  const uint32_t status = SIM_GET(word, SIM_OTG_GRXSTSP_PKTSTS);
  const bool enabled = otg_has(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_EPENA);
  if (status == OTG_SETUP_DATA && !enabled) return false;
  otg_rx_pop_status(o);
  if (status == OTG_SETUP_DATA || status == OTG_OUT_DATA) {
    to_memory(o, n, SIM_GET(word, SIM_OTG_GRXSTSP_BCNT));
  }
  if (status == OTG_SETUP_DATA) otg_flag(o, n, false, SIM_OTG_DOEPINT_STPKTRX);
  return true;
}

// --- transmit --------------------------------------------------------------------

// Bytes of the next packet that memory still has.
static uint32_t next_packet(const struct otg *o, unsigned n) {
  const uint32_t left = SIM_GET(otg_get(o, otg_tsiz(n, true)), SIM_OTG_DIEPTSIZ_XFRSIZ);
  const uint32_t most = otg_max_packet(o, n);
  return left < most ? left : most;
}

static bool fetch_packet(struct otg *o, unsigned n) {
  if (!otg_has(o, otg_ctl(n, true), SIM_OTG_DIEPCTL_EPENA)) return false;
  const uint32_t bytes = next_packet(o, n);
  const uint32_t words = (bytes + 3) / 4;
  if (!bytes || otg_tx_free(o, otg_tx_fifo_of(o, n)) < words) return false;
  uint32_t packet[USB_MAX_PACKET / 4] = {0};
  uint32_t *address = dma_address(o, n, true);
  if (!master_read(&o->master, *address & ~3u, packet, bytes)) {
    otg_flag(o, n, true, SIM_OTG_DIEPINT_AHBERR);
  }
  *address += bytes;
  for (uint32_t i = 0; i < words; i++)
    otg_tx_put(o, n, packet[i]);
  return true;
}

void otg_dma_run(struct otg *o) {
  if (!otg_dma_on(o) || !o->master.read) return;
  while (o->rx.count && take_entry(o)) {
  }
  for (unsigned n = 0; n < o->config->endpoints; n++) {
    while (fetch_packet(o, n)) {
    }
  }
}
