// SPDX-License-Identifier: MIT
#include "sim/models/eth_phy.h"

#include <string.h>

enum { CONTROL = 0, STATUS = 1, ID1 = 2, ID2 = 3, ADVERTISED = 4, MODES = 18 };
#define CONTROL_RESET 0x8000u
#define CONTROL_RENEW 0x0200u  // restarts the negotiation

// LAN8742A data sheet, table 4-2: able to do everything, link down, nothing negotiated.
void eth_phy_reset(struct eth_phy *p) {
  memset(p, 0, sizeof *p);
  p->r[CONTROL] = 0x3000;
  p->r[STATUS] = 0x7809;
  p->r[ID1] = 0x0007;
  p->r[ID2] = 0xC131;
  p->r[ADVERTISED] = 0x01E1;
  p->r[MODES] = 0x00E0;  // all capable; address 0
}

// Where nobody is, the data line is pulled up.
uint16_t eth_phy_read(const struct eth_phy *p, unsigned address, unsigned reg) {
  return address ? 0xFFFFu : p->r[reg % ETH_PHY_REGISTERS];
}

void eth_phy_write(struct eth_phy *p, unsigned address, unsigned reg, uint16_t value) {
  const bool fixed = reg >= STATUS && reg <= ID2;
  if (address || reg >= ETH_PHY_REGISTERS || fixed) return;
  if (reg == CONTROL && (value & CONTROL_RESET)) {
    eth_phy_reset(p);
  } else if (reg == CONTROL) {
    p->r[CONTROL] = (uint16_t)(value & ~CONTROL_RENEW);
  } else {
    p->r[reg] = value;
  }
}
