// SPDX-License-Identifier: MIT
// The USB OTG controllers OTG_FS and OTG_HS (Synopsys DWC2, release 3.20a; RM0410
// chapter 41) as USB devices in FIFO ("slave") mode, OTG_HS with its DMA as well. One
// core, two const descriptions of it. It models the chip and not a driver: registers on
// one side, struct usb_device_port on the other, and between them one FIFO RAM.
//
//   CPU --- registers, FIFO windows --- [ core | FIFO RAM ] --- PHY --- host
//
// Modelled: control, bulk, interrupt and isochronous endpoints (one packet per frame),
// both PHYs, connect and VBUS, suspend and remote wake-up, the interrupt tree, battery
// charging detection (a standard port is found). Named, kept and without effect: host
// mode, LPM. Reported as unimplemented when used: HNP and SRP.
//
// Two facts that the manual does not state, with the evidence:
// - A SETUP packet and the end of a control write make no extra OUT-done entry
//   (STSPHST of GRXSTSP) and set neither STPKTRX nor OTEPSPR: those belong to DMA
//   mode. TinyUSB found the extra entries on release 3.10a alone, and its way of
//   handling them loses transfers if they came without XFRC.
// - DAD written during a control transfer counts from the end of its status stage:
//   ST's, Synopsys's and every open driver write it before that stage, which the
//   host still sends to the old address.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sim/core/master.h"
#include "sim/core/sim.h"
#include "sim/core/usb_bus.h"

enum otg_phy { OTG_PHY_ULPI, OTG_PHY_INTERNAL };

enum {
  OTG_ENDPOINTS = 9,     // of each direction, at most
  OTG_TX_FIFOS = 16,     // DIEPTXF0..15
  OTG_RAM_WORDS = 1024,  // at most
};

// What differs between the two instances.
struct otg_config {
  const char *name;
  uint32_t base, gate;
  const struct reg_block *block;
  uint8_t endpoints;   // of each direction
  uint16_t ram_words;  // FIFO RAM in 32-bit words
  bool dma;            // has a master port
};

extern const struct otg_config otg_hs_config;
extern const struct otg_config otg_fs_config;

// What the core needs to know of the board and of the rest of the chip. Every
// function may be NULL; then the answer is the one in brackets. When an answer
// changes, the machine calls otg_refresh.
struct otg_board {
  void *ctx;
  // Frequency that the ULPI PHY feeds to the core now; 0 when the PHY, a pin of it
  // or the gate OTGHSULPI is off. [0: no PHY]
  uint64_t (*ulpi_hz)(void *ctx);
  // Whether the pins of `phy` are set up for it; reports what is wrong. Asked when
  // the device is about to connect. [true]
  bool (*pins_ok)(void *ctx, enum otg_phy phy);
  // Whether the connector's VBUS reaches the sensing pin of `phy` (the ULPI PHY
  // senses by itself). [true]
  bool (*vbus_wired)(void *ctx, enum otg_phy phy);
  // Whether the core's AHB clock runs: enable bit, and low-power enable bit while
  // the CPU sleeps. Asked at every token. [true]
  bool (*clocked)(void *ctx);
  // Level of the ID pin: high is a B-plug, that is a device. [true]
  bool (*id_high)(void *ctx);
};

struct otg_irqs {
  struct irq_line global;
  struct irq_line wakeup;  // to EXTI, which sees its edges
  struct irq_line ep1_in, ep1_out;
};

// The receive FIFO: one queue of words for everything that comes in. Word i of it
// lies at RAM word (rd + i) modulo GRXFSIZ; `tag` says what it is.
struct otg_rx {
  uint16_t rd, count;
  uint16_t used[3];  // words per class: data, SETUP, other status
  uint8_t tag[OTG_RAM_WORDS];
};

struct otg_tx {
  uint16_t rd, count;  // words, relative to the FIFO's start
};

struct otg_in {
  uint32_t unsent;   // bytes of the transfer that the host has not acknowledged
  uint32_t written;  // bytes of the packet being written that are in the FIFO
  bool data1;
  bool awaiting_ack;
  uint16_t sent;  // bytes of the packet that awaits its ACK
};

struct otg_out {
  bool data1;
};

// Requests that take some clocks of the PHY to have effect.
struct otg_settling {
  bool core_reset, rx_flush, global_in_nak;
  uint32_t tx_flush;                         // bit per FIFO
  uint16_t in_nak, in_disable, out_disable;  // bit per endpoint
};

struct otg {
  const struct otg_config *config;
  struct report *report;
  struct event_queue *events;
  const struct clock_source *clocks;
  struct otg_board board;
  struct otg_irqs irqs;
  struct bus_master master;          // for a core with DMA; set after otg_init
  const struct usb_host_port *host;  // NULL: nothing at the other end
  struct usb_device_port port;       // give its address to the host
  struct reg_file file;
  uint32_t reg[0x1000 / 4];  // by offset / 4; live bits are added when read

  uint32_t ram[OTG_RAM_WORDS];
  struct otg_rx rx;
  struct otg_tx tx[OTG_TX_FIFOS];
  struct otg_in in[OTG_ENDPOINTS];
  struct otg_out out[OTG_ENDPOINTS];
  uint16_t nak_in, nak_out;  // endpoints whose last answer was NAK

  // Control endpoint 0.
  bool setup_open;    // SETUP seen, its SETUP-done entry not yet written
  bool control_open;  // its status stage is not over
  bool control_read;  // direction of the current request's data stage
  bool data_seen;     // it has brought OUT data, and the status stage is not noted
  uint8_t address;    // that tokens are compared with; follows DCFG.DAD
  uint8_t setups_in_row;

  struct otg_settling settling;
  struct event settle, mode, frame_end;
  bool global_in_nak, global_out_nak;  // in effect
  bool host_mode;
  bool vbus, session;  // VBUS at the connector; B-session valid as the core sees it
  bool connected;      // the pull-up is on
  bool bus_reset, enumerated, suspended;
  bool reset_woke;  // a bus reset overrides PCGCCTL until the next suspend
  bool deaf_told;   // a token that a stopped clock lost was reported
  bool turnaround_checked, sof_wanted;
  uint16_t sof_frame;    // last microframe that set SOF
  uint16_t eopf_frame;   // and EOPF
  vtime_t wakeup_since;  // RWUSIG
};

void otg_init(struct otg *o, const struct otg_config *config, struct sim *sim,
              const struct clock_source *clocks, const struct otg_board *board,
              const struct otg_irqs *irqs);
void otg_free(struct otg *o);

// The cable's other end. NULL takes it away.
void otg_attach(struct otg *o, const struct usb_host_port *host);

// The address range for bus_add_device.
struct bus_device otg_bus_device(struct otg *o);

// Every register and state machine as after power-on: system reset, or OTGHSRST and
// OTGFSRST of RCC.
void otg_system_reset(struct otg *o);

// A clock, gate or pin that struct otg_board tells about may have changed.
void otg_refresh(struct otg *o);

// Register accesses by offset; FIFO windows and debug RAM included.
uint32_t otg_read(void *ctx, uint32_t offset, unsigned bytes);
void otg_write(void *ctx, uint32_t offset, unsigned bytes, uint32_t value);
