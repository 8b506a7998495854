// SPDX-License-Identifier: MIT
#include "sim/models/answering.h"

#include <stdlib.h>
#include <string.h>

#include "sim_regs.h"

// What hardware does by itself after a write: where the written register has `value`
// under `mask`, `target` gets bits and loses bits. A mask of 0 stands for a register
// whose written ones clear those of `target`.
struct answer {
  const char *block, *reg;
  uint32_t mask, value;
  const char *target;
  uint32_t set, clear;
};

static const struct answer answers[] = {
    // bxCAN enters and leaves initialisation and sleep (RM0410 40.4).
    {"CAN1", "MCR", 1u << 0, 1u << 0, "MSR", 1u << 0, 0},
    {"CAN1", "MCR", 1u << 0, 0, "MSR", 0, 1u << 0},
    {"CAN1", "MCR", 1u << 1, 1u << 1, "MSR", 1u << 1, 0},
    {"CAN1", "MCR", 1u << 1, 0, "MSR", 0, 1u << 1},
    {"CAN1", "MCR", 1u << 15, 1u << 15, "MCR", 0, 1u << 15},
    // Ethernet: software reset, FIFO flush.
    {"Ethernet_DMA", "DMABMR", 1u << 0, 1u << 0, "DMABMR", 0, 1u << 0},
    {"Ethernet_DMA", "DMAOMR", 1u << 20, 1u << 20, "DMAOMR", 0, 1u << 20},
    // DMA2D and LTDC: a transfer or reload is over at once.
    {"DMA2D", "CR", 1u << 0, 1u << 0, "ISR", 1u << 1, 0},
    {"DMA2D", "CR", 1u << 0, 1u << 0, "CR", 0, 1u << 0},
    {"DMA2D", "IFCR", 0, 0, "ISR", 0, 0},
    {"LTDC", "SRCR", 1u << 0, 1u << 0, "ISR", 1u << 3, 0},
    {"LTDC", "SRCR", 1u << 1, 1u << 1, "ISR", 1u << 3, 0},
    {"LTDC", "SRCR", 0, 0, "SRCR", 0, 0},
    {"LTDC", "ICR", 0, 0, "ISR", 0, 0},
    // DSI: regulator and PLL are ready, nothing is queued (RM0410 20.15).
    {"DSI", "DSI_WRPCR", 1u << 24, 1u << 24, "DSI_WISR", 1u << 12, 0},
    {"DSI", "DSI_WRPCR", 1u << 24, 0, "DSI_WISR", 0, 1u << 12},
    {"DSI", "DSI_WRPCR", 1u << 0, 1u << 0, "DSI_WISR", 1u << 8, 0},
    {"DSI", "DSI_WRPCR", 1u << 0, 0, "DSI_WISR", 0, 1u << 8},
    {"DSI", "DSI_WRPCR", 1u << 0, 1u << 0, "DSI_GPSR", 0x15, 0},  // FIFOs empty
    {"DSI", "DSI_WIFCR", 0, 0, "DSI_WISR", 0, 0},
    // The panel's first identification byte (OTM8009A, RDID1: 40h) waits to be read.
    {"DSI", "DSI_GHCR", 0x3F, 0x06, "DSI_GPDR", 0x40, 0xBF},
    {"DSI", "DSI_GHCR", 0x3F, 0x06, "DSI_GPSR", 0, 1u << 4},
    // A refresh of the panel in command mode (LTDCEN) is over at once.
    {"DSI", "DSI_WCR", 1u << 2, 1u << 2, "DSI_WISR", 1u << 1, 0},
    {"DSI", "DSI_WCR", 1u << 2, 1u << 2, "DSI_WCR", 0, 1u << 2},
    // SDMMC: nobody answers a command.
    {"SDMMC1", "CMD", 0x4C0, 0x400, "STA", 1u << 7, 0},
    {"SDMMC1", "CMD", 0x4C0, 0x440, "STA", 1u << 2, 0},
    {"SDMMC1", "CMD", 0x4C0, 0x480, "STA", 1u << 2, 0},
    {"SDMMC1", "CMD", 0x4C0, 0x4C0, "STA", 1u << 2, 0},
    {"SDMMC1", "ICR", 0, 0, "STA", 0, 0},
};

// Interrupts: flags of `status` under those of `enable`, shifted down (RM0410 table
// 46).
static const struct interrupt {
  const char *block, *status, *enable;
  unsigned shift;
  uint32_t flags;
  unsigned irq;
} interrupts[] = {
    {"LTDC", "ISR", "IER", 0, 0x9, 88},
    {"DMA2D", "ISR", "CR", 8, 0x3F, 90},
    {"DSI", "DSI_WISR", "DSI_WIER", 0, 0x2603, 98},
};

// What every frame of a display sets while `enable` has `bits`: LTDC's line, the
// panel's tearing effect.
static const struct beat {
  const char *block, *enable;
  uint32_t bits;
  const char *target;
  uint32_t set;
} beats[] = {
    {"LTDC", "GCR", 1u << 0, "ISR", 1u << 0},
    {"DSI", "DSI_WIER", 1u << 0, "DSI_WISR", 1u << 0},
};
#define FRAME_TIME VT_US(16667)

static const struct {
  const char *name;
  uint32_t gate;
} gates[] = {
    {"HASH", GATE(SIM_RCC_AHB2ENR, 5)},
    {"CRYP", GATE(SIM_RCC_AHB2ENR, 4)},
    {"DCMI", GATE(SIM_RCC_AHB2ENR, 0)},
    {"JPEG", GATE(SIM_RCC_AHB2ENR, 1)},
    {"DAC", GATE(SIM_RCC_APB1ENR, 29)},
    {"CAN1", GATE(SIM_RCC_APB1ENR, 25)},
    {"CAN2", GATE(SIM_RCC_APB1ENR, 26)},
    {"CAN3", GATE(SIM_RCC_APB1ENR, 13)},
    {"CEC", GATE(SIM_RCC_APB1ENR, 27)},
    {"SPDIFRX", GATE(SIM_RCC_APB1ENR, 16)},
    {"LTDC", GATE(SIM_RCC_APB2ENR, 26)},
    {"SAI1", GATE(SIM_RCC_APB2ENR, 22)},
    {"SAI2", GATE(SIM_RCC_APB2ENR, 23)},
    {"DFSDM", GATE(SIM_RCC_APB2ENR, 29)},
    {"MDIOS", GATE(SIM_RCC_APB2ENR, 30)},
    {"DSI", GATE(SIM_RCC_APB2ENR, 27)},
    {"SDMMC1", GATE(SIM_RCC_APB2ENR, 11)},
    {"SDMMC2", GATE(SIM_RCC_APB2ENR, 7)},
    {"DMA2D", GATE(SIM_RCC_AHB1ENR, 23)},
    {"Ethernet_MAC", GATE(SIM_RCC_AHB1ENR, 25)},
    {"Ethernet_MMC", GATE(SIM_RCC_AHB1ENR, 25)},
    {"Ethernet_PTP", GATE(SIM_RCC_AHB1ENR, 25)},
    {"Ethernet_DMA", GATE(SIM_RCC_AHB1ENR, 25)},
};

uint32_t answering_gate(const char *name) {
  for (size_t i = 0; i < sizeof gates / sizeof *gates; i++)
    if (!strcmp(gates[i].name, name)) return gates[i].gate;
  return GATE_NONE;
}

static uint32_t *word_of(struct answering *a, const char *reg) {
  const struct reg_block *b = a->regs.block;
  for (size_t i = 0; i < b->count; i++)
    if (!strcmp(b->regs[i].name, reg)) return &a->words[b->regs[i].offset / 4];
  return NULL;
}

static void give(struct answering *a, const struct answer *answer, uint32_t written) {
  uint32_t *target = word_of(a, answer->target);
  if (!target) return;
  if (!answer->mask) {
    *target &= ~written;
  } else if ((written & answer->mask) == answer->value) {
    *target = (*target | answer->set) & ~answer->clear;
  }
}

static void give_answers(struct answering *a, uint32_t offset, uint32_t written) {
  const char *reg = reg_at(&a->regs, offset)->name;
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    const struct answer *answer = &answers[i];
    if (!strcmp(answer->block, a->regs.block->name) && !strcmp(answer->reg, reg))
      give(a, answer, written);
  }
}

static bool is_of(const struct answering *a, const char *block) {
  return !strcmp(block, a->regs.block->name);
}

static void update_irqs(struct answering *a) {
  for (size_t i = 0; i < sizeof interrupts / sizeof *interrupts; i++) {
    const struct interrupt *n = &interrupts[i];
    if (!is_of(a, n->block) || !a->irq.set) continue;
    const uint32_t enabled = *word_of(a, n->enable) >> n->shift;
    a->irq.set(a->irq.ctx, n->irq, *word_of(a, n->status) & enabled & n->flags);
  }
}

static const struct beat *beat_of(struct answering *a) {
  for (size_t i = 0; i < sizeof beats / sizeof *beats; i++)
    if (is_of(a, beats[i].block)) return &beats[i];
  return NULL;
}

static void follow_display(struct answering *a) {
  const struct beat *b = beat_of(a);
  if (!b) return;
  if (!(*word_of(a, b->enable) & b->bits)) {
    event_cancel(&a->sim->events, &a->frame);
  } else if (!a->frame.armed) {
    event_in(&a->sim->events, &a->frame, FRAME_TIME);
  }
}

static void on_frame(void *ctx) {
  struct answering *a = ctx;
  const struct beat *b = beat_of(a);
  *word_of(a, b->target) |= b->set;
  follow_display(a);
  update_irqs(a);
}

// MACMIIAR: MB 0, MW 1, register 10:6, transceiver 15:11 (RM0410 42.8.5).
static void manage_phy(struct answering *a) {
  uint32_t *control = word_of(a, "MACMIIAR"), *data = word_of(a, "MACMIIDR");
  if (!control || !(*control & 1)) return;
  const unsigned address = *control >> 11 & 31u, reg = *control >> 6 & 31u;
  if (a->phy && (*control & 2)) {
    eth_phy_write(a->phy, address, reg, (uint16_t)*data);
  } else if (!(*control & 2)) {
    *data = a->phy ? eth_phy_read(a->phy, address, reg) : 0xFFFFu;
  }
  *control &= ~1u;
}

uint32_t answering_read(void *answering, uint32_t offset, unsigned bytes) {
  struct answering *a = answering;
  if (!reg_check_read(&a->regs, offset)) return 0;
  return reg_extract(a->words[offset / 4], offset, bytes);
}

void answering_write(void *answering, uint32_t offset, unsigned bytes, uint32_t value) {
  struct answering *a = answering;
  if (!reg_check_write(&a->regs, offset, bytes, value)) return;
  if (!a->reported) {
    a->reported = true;
    report_unimplemented(&a->sim->report, a->regs.base,
                         "%s has no model: its registers only answer", a->name);
  }
  uint32_t *word = &a->words[offset / 4];
  *word = reg_update(&a->regs, *word, offset, bytes, value);
  give_answers(a, offset, *word);
  manage_phy(a);
  follow_display(a);
  update_irqs(a);
}

void answering_reset(struct answering *a) {
  const struct reg_block *b = a->regs.block;
  for (size_t i = 0; i < b->count; i++)
    a->words[b->regs[i].offset / 4] = b->regs[i].reset;
  event_cancel(&a->sim->events, &a->frame);
  update_irqs(a);
}

void answering_init(struct answering *a, const struct reg_block *block,
                    const char *name, uint32_t base, struct sim *sim) {
  *a = (struct answering){.sim = sim, .name = name, .gate = answering_gate(name)};
  reg_file_init(&a->regs, block, base, NULL, 0, &sim->report);
  // One report for the block, not one for every bit.
  memset(a->regs.implemented, 0xFF, a->regs.words * sizeof *a->regs.implemented);
  event_init(&a->frame, on_frame, a);
  a->words = calloc(a->regs.words, sizeof *a->words);
  if (!a->words) abort();
  answering_reset(a);
}

void answering_free(struct answering *a) {
  reg_file_free(&a->regs);
  free(a->words);
}
