// SPDX-License-Identifier: MIT
// The FIFO RAM: one receive FIFO, one transmit FIFO per IN endpoint, placed in one
// RAM by GRXFSIZ and DIEPTXFx. FIFOs that overlap do overwrite each other.
//
//   0                GRXFSIZ                                      ram_words
//   | receive FIFO   | ... transmit FIFOs, each [INEPTXSA, + INEPTXFD) ... |
#include <string.h>

#include "sim/models/otg_internal.h"

// Room that the receive FIFO keeps (RM0410 41.11; the same in ST's and
// Synopsys's FIFO formula): 5 words per control endpoint + 8 for SETUP packets, one
// for the global OUT NAK, two of status per OUT endpoint.
enum { ROOM_SETUP = 13, ROOM_GLOBAL_NAK = 1, ROOM_PER_OUT = 2 };

enum { SETUP_WORDS = 3 };

enum { TAG_CLASS = 3, TAG_STATUS = 4 };  // bits of otg_rx.tag

// The FIFOs take whole words; the last one of a packet is filled up.
static uint32_t words(uint32_t bytes) {
  return (bytes + 3) / 4;
}

// --- receive FIFO --------------------------------------------------------------

static uint32_t rx_size(const struct otg *o) {
  const uint32_t size = SIM_GET(otg_get(o, SIM_OTG_GRXFSIZ), SIM_OTG_GRXFSIZ_RXFD);
  return size < o->config->ram_words ? size : o->config->ram_words;
}

// Words that data packets may fill.
static uint32_t rx_data_size(const struct otg *o) {
  uint32_t kept = ROOM_SETUP + ROOM_GLOBAL_NAK;
  for (unsigned n = 0; n < o->config->endpoints; n++) {
    if (otg_has(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_USBAEP)) kept += ROOM_PER_OUT;
  }
  const uint32_t size = rx_size(o);
  return size > kept ? size - kept : 0;
}

// Asked with the largest packet of the endpoint, before its length is known: the core
// decides at the token.
bool otg_rx_has_room(const struct otg *o, uint32_t bytes) {
  return o->rx.used[OTG_RX_DATA] + 1 + words(bytes) <= rx_data_size(o);
}

bool otg_rx_has_setup_room(const struct otg *o) {
  return o->rx.used[OTG_RX_SETUP] + SETUP_WORDS <= ROOM_SETUP &&
         (uint32_t)o->rx.count + SETUP_WORDS <= rx_size(o);
}

// Status entries have their room kept for them, so this fails for no FIFO that is
// large enough for a packet at all.
static void rx_push_word(struct otg *o, uint32_t word, uint8_t tag) {
  struct otg_rx *rx = &o->rx;
  const uint32_t size = rx_size(o);
  if (rx->count >= size) {
    OTG_GUEST(o, GUEST_USB_FIFO, SIM_OTG_GRXFSIZ,
              "receive FIFO of %u words has no room for a status entry",
              (unsigned)size);
    return;
  }
  const uint32_t at = (rx->rd + rx->count) % size;
  o->ram[at] = word;
  rx->tag[at] = tag;
  rx->count++;
  rx->used[tag & TAG_CLASS]++;
}

// DPID of GRXSTSP: 0 DATA0, 2 DATA1.
static uint32_t status_word(enum otg_pktsts status, const struct usb_token *token) {
  uint32_t w = SIM_PUT(SIM_OTG_GRXSTSP_PKTSTS, status);
  if (!token) return w;
  w |= SIM_PUT(SIM_OTG_GRXSTSP_EPNUM, token->endpoint);
  const bool data = status == OTG_OUT_DATA || status == OTG_SETUP_DATA;
  if (!data) return w;
  return w | SIM_PUT(SIM_OTG_GRXSTSP_BCNT, token->length) |
         SIM_PUT(SIM_OTG_GRXSTSP_DPID, token->data1 ? 2 : 0);
}

void otg_rx_push(struct otg *o, enum otg_rx_class class, enum otg_pktsts status,
                 const struct usb_token *token) {
  rx_push_word(o, status_word(status, token), (uint8_t)(class | TAG_STATUS));
  if (status != OTG_OUT_DATA && status != OTG_SETUP_DATA) return;
  for (uint32_t i = 0; i < token->length; i += 4) {
    const uint32_t left = token->length - i;
    uint32_t w = 0;
    memcpy(&w, token->data + i, left < 4 ? left : 4);
    rx_push_word(o, w, (uint8_t) class);
  }
}

static uint8_t rx_top_tag(const struct otg *o) {
  return o->rx.tag[o->rx.rd];
}

uint32_t otg_rx_peek(const struct otg *o) {
  return o->rx.count ? o->ram[o->rx.rd] : 0;
}

static uint32_t rx_pop(struct otg *o) {
  struct otg_rx *rx = &o->rx;
  const uint32_t word = o->ram[rx->rd];
  rx->used[rx_top_tag(o) & TAG_CLASS]--;
  rx->rd = (uint16_t)((rx->rd + 1u) % rx_size(o));
  rx->count--;
  return word;
}

// What the core does when the application takes a status entry (RM0410 41.16:
// these entries "trigger an interrupt").
static void status_popped(struct otg *o, uint32_t word) {
  const unsigned n = SIM_GET(word, SIM_OTG_GRXSTSP_EPNUM);
  switch ((enum otg_pktsts)SIM_GET(word, SIM_OTG_GRXSTSP_PKTSTS)) {
    case OTG_GLOBAL_OUT_NAK:
      if (otg_has(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GONSTS)) o->global_out_nak = true;
      break;
    case OTG_OUT_DONE: otg_flag(o, n, false, SIM_OTG_DOEPINT_XFRC); break;
    case OTG_SETUP_DONE:
      if (otg_dma_on(o)) otg_set(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_EPENA, false);
      otg_flag(o, n, false, SIM_OTG_DOEPINT_STUP);
      break;
    default: break;
  }
}

// An empty FIFO reads 0 and nothing happens (RM0410 41.15). Data that were not read
// come out as if they were a status: the FIFO does not know the difference.
uint32_t otg_rx_pop_status(struct otg *o) {
  if (o->rx.count == 0) {
    OTG_GUEST(o, GUEST_USB_FIFO_EMPTY, SIM_OTG_GRXSTSP,
              "GRXSTSP read with RXFLVL clear");
    return 0;
  }
  const bool is_status = rx_top_tag(o) & TAG_STATUS;
  const uint32_t word = rx_pop(o);
  if (is_status) {
    status_popped(o, word);
  } else {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, SIM_OTG_GRXSTSP,
              "GRXSTSP read while the last packet's data are in the FIFO");
  }
  return word;
}

// Every window reads the one receive FIFO (RM0410 41.15).
static uint32_t rx_pop_data(struct otg *o, uint32_t offset) {
  const bool data = o->rx.count && !(rx_top_tag(o) & TAG_STATUS);
  if (data) return rx_pop(o);
  OTG_GUEST(o, GUEST_USB_FIFO_EMPTY, offset,
            "receive FIFO read with no packet data at its head");
  return 0;
}

void otg_rx_take(struct otg *o, uint8_t *to, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i += 4) {
    const uint32_t word = rx_pop(o);
    memcpy(to + i, &word, bytes - i < 4 ? bytes - i : 4);
  }
}

void otg_rx_flush(struct otg *o) {
  memset(&o->rx, 0, sizeof o->rx);
}

// --- transmit FIFOs ------------------------------------------------------------

static uint32_t tx_start(const struct otg *o, unsigned fifo) {
  return SIM_GET(otg_get(o, otg_txf(fifo)), SIM_OTG_DIEPTXF_INEPTXSA);
}

// A depth beyond the RAM is cut, so that the ring stays a ring.
uint32_t otg_tx_depth(const struct otg *o, unsigned fifo) {
  const uint32_t depth = SIM_GET(otg_get(o, otg_txf(fifo)), SIM_OTG_DIEPTXF_INEPTXFD);
  return depth < o->config->ram_words ? depth : o->config->ram_words;
}

uint32_t otg_tx_free(const struct otg *o, unsigned fifo) {
  const uint32_t depth = otg_tx_depth(o, fifo);
  return depth > o->tx[fifo].count ? depth - o->tx[fifo].count : 0;
}

// Where word `i` of the FIFO's content lies in the RAM.
static uint32_t tx_at(const struct otg *o, unsigned fifo, uint32_t i) {
  const uint32_t in_fifo = (o->tx[fifo].rd + i) % otg_tx_depth(o, fifo);
  return (tx_start(o, fifo) + in_fifo) % o->config->ram_words;
}

void otg_tx_flush(struct otg *o, unsigned fifo) {
  o->tx[fifo] = (struct otg_tx){0};
}

void otg_tx_copy(const struct otg *o, unsigned fifo, uint8_t *to, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i += 4) {
    const uint32_t w = o->ram[tx_at(o, fifo, i / 4)];
    memcpy(to + i, &w, bytes - i < 4 ? bytes - i : 4);
  }
}

void otg_tx_drop(struct otg *o, unsigned fifo, uint32_t bytes) {
  struct otg_tx *tx = &o->tx[fifo];
  const uint32_t n = words(bytes);
  if (n > tx->count) return;  // flushed while the packet was on the wire
  if (n) tx->rd = (uint16_t)((tx->rd + n) % otg_tx_depth(o, fifo));
  tx->count = (uint16_t)(tx->count - n);
}

// Takes a word off XFRSIZ, which falls packet by packet as they become complete in
// the FIFO (RM0410 41.15).
static void count_written(struct otg *o, unsigned n) {
  const uint32_t tsiz = otg_tsiz(n, true);
  const uint32_t left = SIM_GET(otg_get(o, tsiz), SIM_OTG_DIEPTSIZ_XFRSIZ);
  const uint32_t most = otg_max_packet(o, n);
  const uint32_t packet = left < most ? left : most;
  o->in[n].written += 4;
  if (o->in[n].written < packet) return;
  o->in[n].written = 0;
  otg_put(o, tsiz, SIM_OTG_DIEPTSIZ_XFRSIZ, left - packet);
}

// Words before EPENA do go into the FIFO, where the next transfer finds them; words
// beyond XFRSIZ or without room go nowhere.
static bool may_push(struct otg *o, unsigned n, uint32_t offset) {
  if (otg_dma_on(o)) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, offset,
              "transmit FIFO of IN endpoint %u written in DMA mode", n);
    return false;
  }
  if (!otg_has(o, otg_ctl(n, true), SIM_OTG_DIEPCTL_EPENA)) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, offset,
              "transmit FIFO written while IN endpoint %u is not enabled", n);
  } else if (!otg_has(o, otg_tsiz(n, true), SIM_OTG_DIEPTSIZ_XFRSIZ)) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, offset,
              "IN endpoint %u: more words written than DIEPTSIZ.XFRSIZ announced", n);
    return false;
  }
  if (otg_tx_free(o, otg_tx_fifo_of(o, n))) return true;
  OTG_GUEST(o, GUEST_USB_FIFO_OVERRUN, offset,
            "transmit FIFO of IN endpoint %u written with DTXFSTS 0", n);
  return false;
}

void otg_tx_put(struct otg *o, unsigned n, uint32_t word) {
  const unsigned fifo = otg_tx_fifo_of(o, n);
  o->ram[tx_at(o, fifo, o->tx[fifo].count)] = word;
  o->tx[fifo].count++;
  if (otg_has(o, otg_ctl(n, true), SIM_OTG_DIEPCTL_EPENA)) count_written(o, n);
}

static void tx_push(struct otg *o, unsigned n, uint32_t offset, uint32_t word) {
  if (may_push(o, n, offset)) otg_tx_put(o, n, word);
}

// --- the windows ---------------------------------------------------------------

// Endpoint n's window is the 4 KB at 0x1000 * (n + 1); the RAM itself can be seen
// from 0x20000 on (RM0410 41.15).
enum { WINDOW = 0x1000, WINDOWS = 16, DEBUG_RAM = 0x20000 };

static uint32_t *debug_word(struct otg *o, uint32_t offset) {
  const uint32_t i = (offset - DEBUG_RAM) / 4;
  return offset >= DEBUG_RAM && i < o->config->ram_words ? &o->ram[i] : NULL;
}

static void no_window(struct otg *o, uint32_t offset) {
  OTG_GUEST(o, GUEST_BAD_REGISTER, offset, "%s has no FIFO at offset 0x%05x",
            o->config->name, (unsigned)offset);
}

uint32_t otg_fifo_read(struct otg *o, uint32_t offset) {
  if (offset / WINDOW <= WINDOWS) return rx_pop_data(o, offset);
  const uint32_t *word = debug_word(o, offset);
  if (word) return *word;
  no_window(o, offset);
  return 0;
}

void otg_fifo_write(struct otg *o, uint32_t offset, uint32_t word) {
  const uint32_t n = offset / WINDOW - 1;
  uint32_t *ram = debug_word(o, offset);
  if (n < o->config->endpoints) {
    tx_push(o, n, offset, word);
  } else if (ram) {
    *ram = word;
  } else {
    no_window(o, offset);
  }
}

// --- sizes ---------------------------------------------------------------------

static void resize_warning(struct otg *o, uint32_t offset, bool holds_data) {
  if (!holds_data) return;
  OTG_GUEST(o, GUEST_USB_FIFO, offset, "FIFO moved or resized while it holds data");
}

// TinyUSB enlarges the receive FIFO in the middle of an enumeration.
static void resize_rx(struct otg *o, uint32_t word) {
  const uint32_t old = rx_size(o);
  resize_warning(o, SIM_OTG_GRXFSIZ, o->rx.count);
  otg_store(o, SIM_OTG_GRXFSIZ, word);
  // Content that does not wrap stays readable; otherwise the order is lost.
  const uint32_t size = rx_size(o), end = o->rx.rd + o->rx.count;
  if (o->rx.count == 0 || end > old || end > size) otg_rx_flush(o);
}

void otg_write_fifo_size(struct otg *o, uint32_t offset, uint32_t word) {
  if (word == otg_get(o, offset)) return;
  if (offset == SIM_OTG_GRXFSIZ) {
    resize_rx(o, word);
    return;
  }
  const unsigned fifo =
      offset == SIM_OTG_DIEPTXF0 ? 0 : (offset - SIM_OTG_DIEPTXF(0)) / 4;
  resize_warning(o, offset, o->tx[fifo].count);
  otg_store(o, offset, word);
  otg_tx_flush(o, fifo);
}

static bool overlap(uint32_t a, uint32_t a_len, uint32_t b, uint32_t b_len) {
  return a < b + b_len && b < a + a_len;
}

// Only FIFOs of active IN endpoints count: the reset values of the others overlap.
static void check_neighbours(struct otg *o, unsigned n) {
  const unsigned fifo = otg_tx_fifo_of(o, n);
  const uint32_t start = tx_start(o, fifo), depth = otg_tx_depth(o, fifo);
  for (unsigned other = 0; other < o->config->endpoints; other++) {
    const uint32_t ctl = otg_ctl(other, true);
    if (other == n || !otg_has(o, ctl, SIM_OTG_DIEPCTL_USBAEP)) continue;
    const unsigned theirs = otg_tx_fifo_of(o, other);
    if (theirs == fifo) {
      OTG_GUEST(o, GUEST_USB_FIFO, otg_ctl(n, true),
                "IN endpoints %u and %u share transmit FIFO %u", n, other, fifo);
    } else if (overlap(start, depth, tx_start(o, theirs), otg_tx_depth(o, theirs))) {
      OTG_GUEST(o, GUEST_USB_FIFO, otg_txf(fifo), "transmit FIFOs %u and %u overlap",
                fifo, theirs);
    }
  }
}

// The manual's minimum of 16 words (RM0410 41.15) is no limit of the core: TinyUSB,
// ChibiOS and libopencm3 give small endpoints as much as their packet needs.
void otg_check_tx_fifo(struct otg *o, unsigned n) {
  const unsigned fifo = otg_tx_fifo_of(o, n);
  const uint32_t start = tx_start(o, fifo), depth = otg_tx_depth(o, fifo);
  if (depth == 0) {
    OTG_GUEST(o, GUEST_USB_EP_NO_FIFO, otg_ctl(n, true),
              "IN endpoint %u enabled, transmit FIFO %u has no depth", n, fifo);
    return;
  }
  const uint32_t at = otg_txf(fifo);
  if (depth * 4 < otg_max_packet(o, n)) {
    OTG_GUEST(o, GUEST_USB_FIFO, at,
              "transmit FIFO %u cannot hold a packet of %u bytes", fifo,
              (unsigned)otg_max_packet(o, n));
  }
  if (start + depth > o->config->ram_words) {
    OTG_GUEST(o, GUEST_USB_FIFO, at, "transmit FIFO %u ends at word %u of %u", fifo,
              (unsigned)(start + depth), o->config->ram_words);
  }
  if (start < rx_size(o)) {
    OTG_GUEST(o, GUEST_USB_FIFO, at, "transmit FIFO %u overlaps the receive FIFO",
              fifo);
  }
  check_neighbours(o, n);
}

// A FIFO that is too small does not fail, it says NAK for ever: worth a word.
void otg_check_rx_fifo(struct otg *o, unsigned n) {
  const uint32_t packet = otg_out_max_packet(o, n);
  const uint32_t set = SIM_GET(otg_get(o, SIM_OTG_GRXFSIZ), SIM_OTG_GRXFSIZ_RXFD);
  if (set > o->config->ram_words) {
    OTG_GUEST(o, GUEST_USB_FIFO, SIM_OTG_GRXFSIZ,
              "receive FIFO of %u words in a RAM of %u", (unsigned)set,
              o->config->ram_words);
  }
  if (1 + words(packet) <= rx_data_size(o)) return;
  OTG_GUEST(o, GUEST_USB_FIFO, SIM_OTG_GRXFSIZ,
            "receive FIFO of %u words can never take a packet of %u bytes",
            (unsigned)set, (unsigned)packet);
}
