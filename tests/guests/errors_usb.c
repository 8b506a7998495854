// SPDX-License-Identifier: MIT
// Guest errors of the USB cores: OTG_HS over ULPI on the discovery board, OTG_FS on the
// other one. Nothing here is a working device; each program stops after its mistake.
#include "tests/guests/errors.h"

#define HS 0x40040000u
#define FS 0x50000000u

enum {
  GOTGCTL = 0x000,
  GUSBCFG = 0x00C,
  GRSTCTL = 0x010,
  GRXSTSP = 0x020,
  GRXFSIZ = 0x024,
  DIEPTXF0 = 0x028,
  GCCFG = 0x038,
  DIEPTXF1 = 0x104,
  HCFG = 0x400,
  DCFG = 0x800,
  DCTL = 0x804,
  DIEPCTL1 = 0x920,
  DIEPTSIZ1 = 0x930,
  FIFO1 = 0x2000,
};
#define SDIS    BIT(1)
#define USBAEP  BIT(15)
#define BULK    (2u << 18)
#define TXFNUM1 (1u << 22)
#define SNAK    BIT(27)
#define CNAK    BIT(26)
#define EPENA   BIT(31)

static void reset_core(uint32_t base) {
  while (!(rd(base + GRSTCTL) & BIT(31))) {
  }
  wr(base + GRSTCTL, 1);
  while (rd(base + GRSTCTL) & 1) {
  }
  wr(base + GUSBCFG, (rd(base + GUSBCFG) & ~(15u << 10)) | BIT(30) | 9u << 10);
  pause_us(30000);
}

// OTG_HS with the PHY's clock, as a device, receive FIFO 512 words.
static void start_hs(void) {
  set(RCC_AHB1ENR, BIT(29) | BIT(30));
  (void)rd(RCC_AHB1ENR);
  reset_core(HS);
  wr(HS + GRXFSIZ, 512);
  wr(HS + DIEPTXF0, 64u << 16 | 512);
  wr(HS + DIEPTXF1, 256u << 16 | 576);
}

static void usb_clock(bool bad) {
  set(RCC_AHB1ENR, BIT(29) | (bad ? 0 : BIT(30)));
  (void)rd(RCC_AHB1ENR);
  wr(HS + GRSTCTL, 1);
  for (uint32_t i = 0; i < 1000 && rd(HS + GRSTCTL) & 1; i++) {
  }
}

// OTG_FS at 48 MHz from the 8 MHz crystal; VBUS is wired to PA9.
static void usb_vbus(bool bad) {
  start_crystal();
  wr(RCC_PLLCFGR, 2u << 28 | 9u << 24 | BIT(22) | 432u << 6 | 8);
  set(RCC_CR, BIT(24));
  pause_us(300);
  pin_alternate('A', 11, 10, 3);
  pin_alternate('A', 12, 10, 3);
  set(RCC_AHB2ENR, BIT(7));
  (void)rd(RCC_AHB2ENR);
  reset_core(FS);
  wr(FS + GCCFG, BIT(16) | (bad ? 0 : BIT(21)));
  set(FS + DCFG, 3);
  clear(FS + DCTL, SDIS);
}

// Packets of 64 bytes: no host has said that this is high speed.
static void enable_in1(uint32_t bytes, uint32_t packets) {
  wr(HS + DIEPCTL1, USBAEP | BULK | TXFNUM1 | SNAK | 64);
  wr(HS + DIEPTSIZ1, packets << 19 | bytes);
  wr(HS + DIEPCTL1, rd(HS + DIEPCTL1) | CNAK | EPENA);
}

static void usb_fifo(bool bad) {
  start_hs();
  wr(HS + DIEPTXF1, 256u << 16 | (bad ? 500 : 576));  // into the receive FIFO
  enable_in1(64, 1);
}

static void usb_ep_no_fifo(bool bad) {
  start_hs();
  if (bad) wr(HS + DIEPTXF1, 576);  // no depth
  enable_in1(64, 1);
}

// A FIFO of one packet gets one word more.
static void usb_fifo_overrun(bool bad) {
  start_hs();
  wr(HS + DIEPTXF1, 16u << 16 | 576);
  enable_in1(128, 2);
  for (uint32_t i = 0; i < (bad ? 17 : 16); i++)
    wr(HS + FIFO1, i);
}

static void usb_fifo_empty(bool bad) {
  start_hs();
  if (bad || rd(HS + 0x14) & BIT(4)) (void)rd(HS + GRXSTSP);
}

static void usb_protocol(bool bad) {
  start_hs();
  if (bad) {
    wr(HS + DIEPCTL1, EPENA | CNAK | BULK | TXFNUM1 | 64);  // not active
  } else {
    enable_in1(0, 1);
  }
}

static void usb_config(bool bad) {
  start_hs();
  (void)rd(HS + (bad ? HCFG : DCFG));
}

static void ulpi_pins(void) {
  static const struct {
    char port;
    uint8_t pin;
  } pins[] = {{'A', 5},  {'A', 3},  {'B', 0}, {'B', 1}, {'B', 10}, {'B', 11},
              {'B', 12}, {'B', 13}, {'B', 5}, {'C', 0}, {'H', 4},  {'I', 11}};
  for (uint32_t i = 0; i < sizeof pins / sizeof *pins; i++)
    pin_alternate(pins[i].port, pins[i].pin, 10, 3);
}

// Connects and leaves again.
static void connect(uint32_t base) {
  clear(base + DCTL, SDIS);
  pause_us(100);
  set(base + DCTL, SDIS);
}

static void ulpi_with(bool af, bool fast, bool compensated) {
  clock_96_mhz(3);
  ulpi_pins();
  if (!af) pin_alternate('I', 11, 9, 3);
  if (!fast) pin_alternate('A', 3, 10, 1);
  if (compensated) compensation_on();
  start_hs();
  connect(HS);
}

static void ulpi_af(bool bad) {
  ulpi_with(!bad, true, true);
}

static void ulpi_speed(bool bad) {
  ulpi_with(true, !bad, true);
}

static void ulpi_compensation(bool bad) {
  ulpi_with(true, true, !bad);
}

// The other board: OTG_FS from an 8 MHz crystal, VBUS sensed.
static void fs_with(uint32_t pllq, uint32_t alternate, uint32_t speed) {
  start_crystal();
  wr(RCC_PLLCFGR, 2u << 28 | pllq << 24 | BIT(22) | 432u << 6 | 8);
  set(RCC_CR, BIT(24));
  pause_us(300);
  pin_alternate('A', 11, 10, 3);
  pin_alternate('A', 12, alternate, speed);
  set(RCC_AHB2ENR, BIT(7));
  (void)rd(RCC_AHB2ENR);
  reset_core(FS);
  wr(FS + GCCFG, BIT(16) | BIT(21));
  set(FS + DCFG, 3);
  connect(FS);
}

static void fs_clock(bool bad) {
  fs_with(bad ? 8 : 9, 10, 3);  // 54 MHz
}

static void fs_af(bool bad) {
  fs_with(9, bad ? 9 : 10, 3);
}

static void fs_speed(bool bad) {
  fs_with(9, 10, bad ? 0 : 3);
}

// Connected and asleep, while the host resets the bus and speaks.
static void usb_sleep(bool bad) {
  clock_96_mhz(3);
  ulpi_pins();
  compensation_on();
  start_hs();
  if (bad) clear(RCC_AHB1LPENR, BIT(29));
  wr(SYST_RVR, 0xFFFFFF);
  wr(SYST_CVR, 0);
  wr(SYST_CSR, 7);
  irq_off();
  clear(HS + DCTL, SDIS);
  for (uint32_t i = 0; i < 4; i++) {  // 175 ms each
    wfi();
    wr(ICSR, BIT(25));
  }
  set(HS + DCTL, SDIS);
  wr(SYST_CSR, 0);
}

const struct error_case usb_cases[] = {
    {"usb-clock", usb_clock},
    {"usb-vbus", usb_vbus},
    {"usb-fifo", usb_fifo},
    {"usb-ep-no-fifo", usb_ep_no_fifo},
    {"usb-fifo-overrun", usb_fifo_overrun},
    {"usb-fifo-empty", usb_fifo_empty},
    {"usb-protocol", usb_protocol},
    {"usb-config", usb_config},
    {"usb-sleep", usb_sleep},
    {"pin-af/ulpi", ulpi_af},
    {"pin-speed/ulpi", ulpi_speed},
    {"compensation-cell/ulpi", ulpi_compensation},
    {"usb-clock/fs", fs_clock},
    {"pin-af/fs", fs_af},
    {"pin-speed/fs", fs_speed},
    {NULL, NULL},
};
