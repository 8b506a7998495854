// SPDX-License-Identifier: MIT
// What the USB devices among the guests share: OTG_HS by number (RM0410 41.15), the
// board up to its ULPI pins, and the descriptors of a device with one bulk pair.
#pragma once

#include "tests/guests/guest.h"

#define OTG         0x40040000u
#define GAHBCFG     (OTG + 0x008)
#define GUSBCFG     (OTG + 0x00C)
#define GRSTCTL     (OTG + 0x010)
#define GINTSTS     (OTG + 0x014)
#define GINTMSK     (OTG + 0x018)
#define GRXSTSR     (OTG + 0x01C)
#define GRXSTSP     (OTG + 0x020)
#define GRXFSIZ     (OTG + 0x024)
#define DIEPTXF(n)  (OTG + ((n) ? 0x100 + 4 * (n) : 0x028))
#define DCFG        (OTG + 0x800)
#define DCTL        (OTG + 0x804)
#define DSTS        (OTG + 0x808)
#define DIEPMSK     (OTG + 0x810)
#define DOEPMSK     (OTG + 0x814)
#define DAINTMSK    (OTG + 0x81C)
#define DIEPEMPMSK  (OTG + 0x834)
#define DIEPCTL(n)  (OTG + 0x900 + 0x20 * (n))
#define DIEPINT(n)  (OTG + 0x908 + 0x20 * (n))
#define DIEPTSIZ(n) (OTG + 0x910 + 0x20 * (n))
#define DIEPDMA(n)  (OTG + 0x914 + 0x20 * (n))
#define DTXFSTS(n)  (OTG + 0x918 + 0x20 * (n))
#define DOEPCTL(n)  (OTG + 0xB00 + 0x20 * (n))
#define DOEPINT(n)  (OTG + 0xB08 + 0x20 * (n))
#define DOEPTSIZ(n) (OTG + 0xB10 + 0x20 * (n))
#define DOEPDMA(n)  (OTG + 0xB14 + 0x20 * (n))
#define PCGCCTL     (OTG + 0xE00)
#define FIFO(n)     (OTG + 0x1000 * ((n) + 1))

#define USBAEP     BIT(15)
#define BULK       (2u << 18)
#define STALL      BIT(21)
#define CNAK       BIT(26)
#define SNAK       BIT(27)
#define SD0PID     BIT(28)
#define EPDIS      BIT(30)
#define EPENA      BIT(31)
#define XFRC       BIT(0)
#define EPDISD     BIT(1)
#define STUP       BIT(3)
#define INEPNE     BIT(6)
#define RXFLVL     BIT(4)
#define GONAKEFF   BIT(7)
#define USBSUSP    BIT(11)
#define USBRST     BIT(12)
#define ENUMDNE    BIT(13)
#define IEPINT     BIT(18)
#define OEPINT     BIT(19)
#define WKUPINT    BIT(31)
#define IRQ_WAKEUP 76u
#define IRQ_OTG    77u
#define STUPCNT3   (3u << 29)

enum { EP0 = 64, STORE = 512 };
enum { REQ_STORE = 0x41, REQ_FETCH = 0x42, REQ_END = 0x43 };

extern const uint8_t usb_device[18];
extern uint8_t usb_configuration[32];

// Spins until the bits have the value.
void wait_for(uint32_t addr, uint32_t bits, uint32_t value);

// 96 MHz, the ULPI pins, the console at 1 Mbaud.
void usb_board(void);

// The core out of reset as a device, its FIFOs placed; no interrupts, not connected.
void usb_core(void);

// After ENUMDNE: size of bulk packets, also written into the configuration.
uint32_t usb_speed(void);

// Reads flags that are cleared by writing 1, and clears them.
uint32_t usb_take(uint32_t reg, uint32_t mask);
