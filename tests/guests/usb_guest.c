// SPDX-License-Identifier: MIT
#include "tests/guests/usb_guest.h"

const uint8_t usb_device[18] = {18,   1, 0, 2, 0xFF, 0, 0, EP0, 0x09,
                                0x12, 2, 0, 0, 1,    0, 0, 0,   1};
uint8_t usb_configuration[32] = {9, 2, 32,   0, 1, 1,    0, 0x80, 50,  // configuration
                                 9, 4, 0,    0, 2, 0xFF, 0, 0,    0,   // interface
                                 7, 5, 0x01, 2, 0, 2,    0,            // bulk OUT
                                 7, 5, 0x81, 2, 0, 2,    0};           // bulk IN

void wait_for(uint32_t addr, uint32_t bits, uint32_t value) {
  while ((rd(addr) & bits) != value) {
  }
}

// 16 MHz / 16 x 192 / 2 = 96 MHz; APB1 48 MHz.
static void clocks(void) {
  wr(FLASH_ACR, 3);
  set(RCC_CR, BIT(24));
  wait_for(RCC_CR, BIT(25), BIT(25));
  wr(RCC_CFGR, 4u << 10);
  wr(RCC_CFGR, 4u << 10 | 2);
  wait_for(RCC_CFGR, 3u << 2, 2u << 2);
}

static void pins(void) {
  static const struct {
    char port;
    uint8_t pin;
  } ulpi[] = {{'A', 5},  {'A', 3},  {'B', 0}, {'B', 1}, {'B', 10}, {'B', 11},
              {'B', 12}, {'B', 13}, {'B', 5}, {'C', 0}, {'H', 4},  {'I', 11}};
  set(RCC_APB2ENR, BIT(14));
  wr(SYSCFG_CMPCR, 1);
  wait_for(SYSCFG_CMPCR, BIT(8), BIT(8));
  for (uint32_t i = 0; i < sizeof ulpi / sizeof *ulpi; i++) {
    const uint32_t base = GPIO(ulpi[i].port), n = ulpi[i].pin;
    set(RCC_AHB1ENR, BIT(ulpi[i].port - 'A'));
    (void)rd(RCC_AHB1ENR);
    set(base + (n < 8 ? 0x20 : 0x24), 10u << n % 8 * 4);
    set(base + 8, 3u << n * 2);
    clear(base + 12, 3u << n * 2);
    set(base, 2u << n * 2);
  }
}

void usb_board(void) {
  clocks();
  wr(USART1_CR1, 0);
  wr(USART1_BRR, 96);  // 96 MHz from PCLK2 at 96 MHz: 1 Mbaud
  wr(USART1_CR1, BIT(0) | BIT(3));
  pins();
}

void usb_core(void) {
  set(RCC_AHB1ENR, BIT(29) | BIT(30));
  (void)rd(RCC_AHB1ENR);
  wait_for(GRSTCTL, BIT(31), BIT(31));
  wr(GRSTCTL, 1);
  wait_for(GRSTCTL, 1, 0);
  wr(GUSBCFG, (rd(GUSBCFG) & ~(15u << 10)) | BIT(30) | 9u << 10);
  wr(GRXFSIZ, 512);
  wr(DIEPTXF(0), 64u << 16 | 512);
  wr(DIEPTXF(1), 256u << 16 | 576);
}

uint32_t usb_speed(void) {
  const uint32_t packet = (rd(DSTS) >> 1 & 3) == 0 ? 512 : 64;
  usb_configuration[18 + 4] = usb_configuration[25 + 4] = (uint8_t)packet;
  usb_configuration[18 + 5] = usb_configuration[25 + 5] = (uint8_t)(packet >> 8);
  return packet;
}

uint32_t usb_take(uint32_t reg, uint32_t mask) {
  const uint32_t flags = rd(reg) & mask;
  if (flags) wr(reg, flags);
  return flags;
}
