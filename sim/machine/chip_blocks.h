// SPDX-License-Identifier: MIT
// The peripherals that no rule of the board concerns, kept together: what they are, and
// the few calls by which the machine creates, maps, resets and stops them all.
#pragma once

#include "sim/models/adc.h"
#include "sim/models/answering.h"
#include "sim/models/exti.h"
#include "sim/models/fmc.h"
#include "sim/models/i2c.h"
#include "sim/models/lptim.h"
#include "sim/models/rng.h"
#include "sim/models/spi.h"
#include "sim/models/tim.h"
#include "sim/models/usart.h"
#include "sim/models/wwdg.h"

struct machine;

enum {
  CHIP_TIMERS = 14,  // TIM1 to TIM14
  CHIP_UARTS = 8,    // USART1 to 3, UART4, 5, USART6, UART7, 8
  CHIP_I2C = 4,
  CHIP_SPI = 6,
  CHIP_ANSWERING = 32,
  CHIP_SHARED = 32,
};

#define SDRAM_BASE         0xC0000000u  // FMC SDRAM bank 1 (RM0410 2.2.2)
#define SDRAM_SWAPPED_BASE 0x60000000u  // with SYSCFG_MEMRMP.SWP_FMC = 01

// A source of an interrupt that several blocks share: the wire is up while one is.
struct shared_irq {
  struct machine *machine;
  unsigned irq;
  bool level;
};

// Which timer an event is of.
struct timer_place {
  struct machine *machine;
  unsigned number;
};

struct chip_blocks {
  struct exti exti;
  struct tim tim[CHIP_TIMERS];  // TIMn at n - 1
  struct timer_place timer_place[CHIP_TIMERS];
  struct usart uart[CHIP_UARTS];  // number n at n - 1
  struct wwdg wwdg;
  struct rng rng;
  struct lptim lptim;
  struct fmc fmc;
  struct i2c i2c[CHIP_I2C];
  struct i2c_chip i2c_chip[I2C_CHIPS];  // of the board
  struct spi spi[CHIP_SPI];
  struct adc_block adc;
  struct eth_phy eth_phy;
  struct answering answering[CHIP_ANSWERING];
  unsigned answering_count;
  uint8_t *sdram;   // NULL if the board has none
  bool sdram_lost;  // the power was off: what it holds comes with its first start
  struct shared_irq shared[CHIP_SHARED];
  unsigned shared_count;
  bool wwdg_reset_due;
};

void chip_blocks_init(struct machine *m);
void chip_blocks_map(struct machine *m);
// Blocks that only answer, where no model is.
void chip_blocks_map_rest(struct machine *m);
void chip_blocks_free(struct machine *m);

void chip_blocks_power_on(struct machine *m);
void chip_blocks_reset(struct machine *m);
void chip_blocks_stop(struct machine *m);  // reset, and nobody speaks any more

// The reset bit of the block behind this clock gate was set.
void chip_blocks_reset_gate(struct machine *m, uint32_t gate);

void chip_blocks_clocks_changed(struct machine *m);

// An input of EXTI, for what is wired to it.
struct irq_line chip_blocks_exti(struct machine *m, unsigned number);

// The voltage detector's output may have changed.
void chip_blocks_supply_changed(struct machine *m);
