// SPDX-License-Identifier: MIT
// A block that has no model but answers: its registers are named, reset and read back
// as the SVD has them, and what a polling driver waits for comes about at once. That
// the block does nothing is reported when it is first written. Interrupts follow flags
// and enables; a display that is on has frames.
#pragma once

#include "sim/core/sim.h"
#include "sim/models/eth_phy.h"

struct answering {
  struct sim *sim;
  struct reg_file regs;
  const char *name;  // of the instance
  uint32_t gate;
  uint32_t *words;
  bool reported;
  struct event frame;   // of a display that is on
  struct irq_line irq;  // `number` is not used: the block's own are known here
  struct eth_phy *phy;  // at Ethernet's management interface; NULL: nobody
};

void answering_init(struct answering *a, const struct reg_block *block,
                    const char *name, uint32_t base, struct sim *sim);
void answering_free(struct answering *a);
void answering_reset(struct answering *a);

uint32_t answering_read(void *answering, uint32_t offset, unsigned bytes);
void answering_write(void *answering, uint32_t offset, unsigned bytes, uint32_t value);

// The clock gate of the peripheral of that name in the SVD (RM0410 5.3.10 to 5.3.14).
uint32_t answering_gate(const char *name);
