// SPDX-License-Identifier: MIT
// The chip around the drivers: clocks, time, pins, caches, MPU, sleep, reset.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "firmware/soc/stm32f7/board.h"

// --- time ---
// SysTick counts core clocks, 24 bits wide. Every read adds what has passed, so
// time must be read at least once per wrap: 77 ms at 216 MHz. SysTick also wakes
// the core from sleep at each wrap, which keeps an idle main loop inside that.
struct soc_time {
  uint32_t clocks_per_us;
  uint32_t last;       // SysTick value at the last read
  uint32_t remainder;  // clocks short of a microsecond
  uint32_t us;
};

void soc_time_start(struct soc_time *t, uint32_t hz);

// Microseconds since soc_time_start; wraps after 71 minutes.
uint32_t soc_time_us(struct soc_time *t);

// --- clocks ---
enum {
  SOC_HSI_HZ = 16000000,
  SOC_HCLK_HZ = 216000000,
  SOC_PCLK2_HZ = SOC_HCLK_HZ / 2,
};

// From reset to 216 MHz with exactly 48 MHz for USB: crystal, PLL, over-drive,
// 7 wait states. `t` runs on HSI before and on HCLK after. On failure (CLOCK_*)
// the chip still runs on HSI.
enum status soc_clock_start(const struct board *b, struct soc_time *t);

// --- pins ---
void soc_pin_output(struct pin p, bool high);
void soc_pin_input(struct pin p, bool pull_up, bool pull_down);
void soc_pin_alternate(struct pin p);  // push-pull, very high speed
void soc_pin_write(struct pin p, bool high);
bool soc_pin_read(struct pin p);

// The compensation cell, which fast pins need (RM0410 7.1).
void soc_compensate(struct soc_time *t);

// Clocks of a block: RCC offset of its enable register, field of its bit.
void soc_clock_enable(uint32_t enable_register, uint32_t field);

// Puts a block through its reset and out again.
void soc_block_reset(uint32_t reset_register, uint32_t field);

// --- core ---
// Regions: everything from 0x60000000 to 0xDFFFFFFF is no-access, so that no
// speculative read can reach QUADSPI or FMC; their registers are let through, and the
// QUADSPI window by soc_mpu_window.
// `from_flash`: the program runs from internal flash, which stays executable.
void soc_mpu_start(bool from_flash);
void soc_caches_on(void);

// Opens the QUADSPI window for `size` bytes (a power of two), or closes it.
void soc_mpu_window(uint32_t size);

// An interrupt line may wake the core. Nothing is ever dispatched: PRIMASK stays
// set, and the main loop looks at the hardware itself.
void soc_wake_on(unsigned irq);

// Forgets the lines, and the SysTick, that are pending; behind this the time has to be
// looked at. Not behind the sleep, where a host waits for what it brought.
void soc_forget_wakes(void);

// Sleeps until a line given to soc_wake_on, or SysTick, is pending.
void soc_sleep(void);

// --- reset, watchdog, requests ---
void soc_watchdog_feed(void);
__attribute__((noreturn)) void soc_reset(void);

// The word by which an application asks for the bootloader, and the core asks the
// stub for the application; it survives a reset (RTC_BKP31R).
uint32_t soc_request_read(void);
void soc_request_write(uint32_t word);

// 96 bits that differ from chip to chip (RM0410 45.1).
void soc_unique_id(uint8_t id[12]);

// Flash size in KB as the chip states it (RM0410 45.2).
uint32_t soc_flash_kb(void);

// VDD is above the level armed by soc_supply_watch.
bool soc_supply_good(void);
void soc_supply_watch(uint16_t minimum_mv);
