// SPDX-License-Identifier: MIT
// An Ethernet transceiver without a cable, as its management interface shows it: a
// LAN8742A at address 0, which both ST boards have (UM2033, UM1974).
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { ETH_PHY_REGISTERS = 32 };

struct eth_phy {
  uint16_t r[ETH_PHY_REGISTERS];
};

void eth_phy_reset(struct eth_phy *p);
uint16_t eth_phy_read(const struct eth_phy *p, unsigned address, unsigned reg);
void eth_phy_write(struct eth_phy *p, unsigned address, unsigned reg, uint16_t value);
