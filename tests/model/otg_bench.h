// SPDX-License-Identifier: MIT
// A bench for the OTG model: the core on one side of a cable, the host engine on
// the other, and a small device driver that can work in several styles. Register
// numbers are typed here from the manual (RM0410 41.15), not taken from the model.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sim/models/otg.h"
#include "sim/usb/host.h"
#include "sim/usb/host_sync.h"

// --- registers -----------------------------------------------------------------

enum {
  R_GOTGCTL = 0x000,
  R_GOTGINT = 0x004,
  R_GAHBCFG = 0x008,
  R_GUSBCFG = 0x00C,
  R_GRSTCTL = 0x010,
  R_GINTSTS = 0x014,
  R_GINTMSK = 0x018,
  R_GRXSTSR = 0x01C,
  R_GRXSTSP = 0x020,
  R_GRXFSIZ = 0x024,
  R_DIEPTXF0 = 0x028,
  R_GCCFG = 0x038,
  R_CID = 0x03C,
  R_DIEPTXF1 = 0x104,
  R_HCFG = 0x400,
  R_DCFG = 0x800,
  R_DCTL = 0x804,
  R_DSTS = 0x808,
  R_DIEPMSK = 0x810,
  R_DOEPMSK = 0x814,
  R_DAINT = 0x818,
  R_DAINTMSK = 0x81C,
  R_DIEPEMPMSK = 0x834,
  R_DEACHINT = 0x838,
  R_DEACHINTMSK = 0x83C,
  R_DIEPEACHMSK1 = 0x844,
  R_DOEPEACHMSK1 = 0x884,
  R_PCGCCTL = 0xE00,
};
#define R_DIEPCTL(n)  (0x900u + 0x20u * (n))
#define R_DIEPINT(n)  (0x908u + 0x20u * (n))
#define R_DIEPTSIZ(n) (0x910u + 0x20u * (n))
#define R_DTXFSTS(n)  (0x918u + 0x20u * (n))
#define R_DOEPCTL(n)  (0xB00u + 0x20u * (n))
#define R_DOEPINT(n)  (0xB08u + 0x20u * (n))
#define R_DOEPTSIZ(n) (0xB10u + 0x20u * (n))
#define R_DIEPDMA(n)  (0x914u + 0x20u * (n))
#define R_DOEPDMA(n)  (0xB14u + 0x20u * (n))
#define R_FIFO(n)     (0x1000u * ((n) + 1u))
#define BIT(n)        (1u << (n))

#define GOTGCTL_BVAL         (BIT(6) | BIT(7))  // BVALOEN, BVALOVAL
#define GAHBCFG_GINT         BIT(0)
#define GAHBCFG_DMAEN        BIT(5)
#define GAHBCFG_TXFELVL      BIT(7)
#define GUSBCFG_PHYSEL       BIT(6)
#define GUSBCFG_FHMOD        BIT(29)
#define GUSBCFG_FDMOD        BIT(30)
#define GRSTCTL_CSRST        BIT(0)
#define GRSTCTL_RXFFLSH      BIT(4)
#define GRSTCTL_TXFFLSH      BIT(5)
#define GRSTCTL_AHBIDL       BIT(31)
#define INT_MMIS             BIT(1)
#define INT_OTGINT           BIT(2)
#define INT_SOF              BIT(3)
#define INT_RXFLVL           BIT(4)
#define INT_GINAKEFF         BIT(6)
#define INT_GONAKEFF         BIT(7)
#define INT_ESUSP            BIT(10)
#define INT_USBSUSP          BIT(11)
#define INT_USBRST           BIT(12)
#define INT_ENUMDNE          BIT(13)
#define INT_EOPF             BIT(15)
#define INT_IEPINT           BIT(18)
#define INT_OEPINT           BIT(19)
#define INT_RSTDET           BIT(23)
#define INT_SRQINT           BIT(30)
#define INT_WKUPINT          BIT(31)
#define GCCFG_PWRDWN         BIT(16)
#define GCCFG_VBDEN          BIT(21)
#define DCTL_RWUSIG          BIT(0)
#define DCTL_SDIS            BIT(1)
#define DCTL_SGINAK          BIT(7)
#define DCTL_CGINAK          BIT(8)
#define DCTL_SGONAK          BIT(9)
#define DCTL_CGONAK          BIT(10)
#define DCFG_NZLSOHSK        BIT(2)
#define EP_USBAEP            BIT(15)
#define EP_DPID              BIT(16)
#define EP_NAKSTS            BIT(17)
#define EP_BULK              (2u << 18)
#define EP_INTERRUPT         (3u << 18)
#define EP_STALL             BIT(21)
#define EP_TXFNUM(n)         ((uint32_t)(n) << 22)
#define EP_CNAK              BIT(26)
#define EP_SNAK              BIT(27)
#define EP_SD0PID            BIT(28)
#define EP_SD1PID            BIT(29)
#define EP_EPDIS             BIT(30)
#define EP_EPENA             BIT(31)
#define TSIZ(packets, bytes) ((uint32_t)(packets) << 19 | (uint32_t)(bytes))
#define TSIZ_STUPCNT         (3u << 29)
#define EPINT_XFRC           BIT(0)
#define EPINT_EPDISD         BIT(1)
#define EPINT_TOC            BIT(3)  // IN
#define EPINT_STUP           BIT(3)  // OUT
#define EPINT_ITTXFE         BIT(4)  // IN
#define EPINT_OTEPDIS        BIT(4)  // OUT
#define EPINT_INEPNE         BIT(6)  // IN
#define EPINT_B2BSTUP        BIT(6)  // OUT
#define EPINT_TXFE           BIT(7)  // IN
#define EPINT_BERR           BIT(12)
#define EPINT_NAK            BIT(13)
#define EPINT_NYET           BIT(14)  // OUT
#define EPINT_AHBERR         BIT(2)
#define EPINT_OTEPSPR        BIT(5)   // OUT
#define EPINT_STPKTRX        BIT(15)  // OUT

enum {
  PKT_GLOBAL_NAK = 1,
  PKT_OUT = 2,
  PKT_OUT_DONE = 3,
  PKT_SETUP_DONE = 4,
  PKT_SETUP = 6
};

// --- the driver ----------------------------------------------------------------

struct driver_style {
  const char *name;
  bool polled;          // looks every 5 us instead of being interrupted
  bool one_pop;         // one GRXSTSP pop per interrupt
  bool setup_at_entry;  // handles a request when it pops SETUP-done, not at STUP
  bool txfe;            // feeds FIFOs from TXFE, not at once
  bool dma;             // OTG_HS moves the data itself
};

extern const struct driver_style driver_styles[];
extern const unsigned driver_style_count;

// Requests the driver serves besides the standard ones.
enum {
  REQ_STORE = 0x41,   // OUT: keeps the data
  REQ_FETCH = 0x42,   // IN: as many pattern bytes as wLength, at most wValue if not 0
  REQ_REFUSE = 0x43,  // STALL at once
  REQ_REFUSE_LATE = 0x44,  // OUT: takes the data, then STALLs the status stage
  REQ_SLOW = 0x45,         // no data: the status stage waits wValue milliseconds
  REQ_IGNORE = 0x46,       // never answers
};

enum { STORE_SIZE = 8192, PATTERN_STEP = 7 };

struct driver {
  const struct driver_style *style;
  bool high_speed, configured;
  uint32_t resets, enumerations, suspends, resumes, sofs, setups, outs, ins, b2b;
  uint32_t flags_in, flags_out;  // every DIEPINT0 and DOEPINT0 bit ever cleared

  uint8_t setup[8], latched[8];
  bool setup_due;
  uint8_t buffer[STORE_SIZE];
  uint32_t length, done;  // of the current data stage
  enum { IDLE, DATA_IN, DATA_OUT, STATUS_IN, STATUS_OUT } stage;
  bool zero_due;
  uint32_t in0_packet, in0_written;
  vtime_t slow_until;

  // Bulk endpoint 1: what came in, and what is going out.
  uint32_t bulk_packet;
  uint8_t received[STORE_SIZE];
  uint32_t received_length, armed, transfers;
  const uint8_t *sending;
  uint32_t sending_length, sent_to_fifo, sent;
  bool keep_armed;
  bool dma;           // the style wants it and the core has it
  uint32_t dma_size;  // of the armed transfer, and how much of it was looked at
  uint32_t dma_seen;
};

// --- the bench -----------------------------------------------------------------

struct bench_setup {
  const struct otg_config *config;
  bool host_high_speed;
  bool internal_phy;  // of OTG_HS
  uint32_t dspd;
  const struct driver_style *style;
};

// The memory that the core's DMA reaches.
enum { DMA_MEMORY = 0x20000000, DMA_MEMORY_SIZE = 0x10000 };

struct bench {
  uint8_t memory[DMA_MEMORY_SIZE];
  struct sim sim;
  struct otg otg;
  struct usb_host host;
  struct usb_host_sync sync;
  struct driver driver;
  struct bench_setup setup;
  struct clock_source clocks;
  uint64_t hclk, clock_48m, ulpi_hz;
  bool pins_ok, vbus_wired, id_high, clocked;
  bool irq, ep1_in_irq, ep1_out_irq;
  unsigned irq_edges, wakeups;
  vtime_t isr_latency;
  vtime_t next_poll;
  enum usb_host_event last_event;
  unsigned connects, disconnects;

  // Faults and a record of what went over the wire.
  uint64_t fault_at;
  enum usb_fault fault;
  uint64_t wire_hash;
  struct usb_answer answer;
  unsigned readies;  // calls of ready() since bench_raw
  unsigned sof_wishes;
  bool sof_wanted, wakeup_level;
  uint8_t last_ready;
};

// The core after power-on, nothing plugged in, no driver started.
void bench_open(struct bench *b, const struct bench_setup *setup);
void bench_close(struct bench *b);

uint32_t rd(struct bench *b, uint32_t reg);
void wr(struct bench *b, uint32_t reg, uint32_t value);
void set(struct bench *b, uint32_t reg, uint32_t bits);
void clear(struct bench *b, uint32_t reg, uint32_t bits);

// Time passes and the driver runs.
void bench_run(struct bench *b, vtime_t duration);
// Time passes, nobody runs.
void bench_idle(struct bench *b, vtime_t duration);

// Core initialisation up to the connect, as RM0410 41.16 have it.
void driver_start(struct bench *b, const struct driver_style *style);
void driver_core_init(struct bench *b);
void driver_interrupt(struct bench *b);
// What has come in on bulk endpoint 1 by DMA so far.
void driver_collect(struct bench *b);

// Bulk endpoint 1.
void driver_arm_out(struct bench *b, uint32_t bytes);
void driver_send(struct bench *b, const uint8_t *data, uint32_t length);

// Opens the bench, starts the driver, plugs in, enumerates to address 5, and sets
// configuration 1.
void bench_up(struct bench *b, const struct bench_setup *setup);

// Opens the bench and brings the core through a bus reset without any driver or
// host, for tests that send their tokens themselves.
void bench_raw(struct bench *b, const struct bench_setup *setup);
// One token to address 0. The answer to IN is in b->answer.
enum usb_reply token(struct bench *b, enum usb_pid pid, uint8_t endpoint, bool data1,
                     const void *data, uint16_t length);
enum usb_reply setup_token(struct bench *b);
enum usb_reply out_token(struct bench *b, uint8_t endpoint, bool data1,
                         uint16_t length);
enum usb_reply in_token(struct bench *b, uint8_t endpoint);
// The host's ACK for the last answer.
void ack(struct bench *b, uint8_t endpoint);

// Lets requests that take some clocks have effect.
void settle(struct bench *b);
// An active bulk endpoint 1 in both directions.
void open_bulk(struct bench *b, uint32_t size);
// DxEPTSIZ, then CNAK and EPENA.
void arm_out(struct bench *b, uint32_t n, uint32_t packets, uint32_t bytes);
void arm_in(struct bench *b, uint32_t n, uint32_t packets, uint32_t bytes);
// `words` words to the FIFO of endpoint n: bytes 0, 1, 2, ...
void push(struct bench *b, uint32_t n, uint32_t words);
// Pops a status entry and reads the packet that belongs to it.
uint32_t pop_packet(struct bench *b);
// Fields of GRXSTSP.
uint32_t pktsts(uint32_t word);
uint32_t bcnt(uint32_t word);

// Transfers of the host, waited for.
int control(struct bench *b, uint8_t type, uint8_t request, uint16_t value,
            uint16_t index, uint16_t length, void *data);
int bulk(struct bench *b, uint8_t endpoint, void *data, uint32_t length,
         bool zero_packet);

uint8_t pattern(uint32_t i);
void assert_clean(struct bench *b);
void assert_only(struct bench *b, enum guest_error error);
