// SPDX-License-Identifier: MIT
// The Cortex-M7 itself: MPU, caches, sleep, reset; and the chip's small persistent
// things (request word, unique id, voltage detector, watchdog).
#include "firmware/mmio.h"
#include "firmware/soc/stm32f7/cortex_m7_regs.h"
#include "firmware/soc/stm32f7/soc.h"
#include "firmware/soc/stm32f7/stm32f7_regs.h"

#define WINDOW_BASE     0x90000000u
#define UNIQUE_ID       0x1FF0F420u
#define FLASH_SIZE_KB   0x1FF0F442u
#define RESET_KEY       0x05FAu
#define WATCHDOG_RELOAD 0xAAAAu

enum {
  REGION_EXTERNAL = 0,
  REGION_REGISTERS = 1,
  REGION_FLASH = 2,
  REGION_WINDOW = 3,
  AP_NONE = 0,
  AP_FULL = 3,
  AP_READ_ONLY = 6,
  TEX_NORMAL = 1,  // with C and B 0: not cached
};

static void barrier(void) {
  __asm__ volatile("dsb\n\tisb" ::: "memory");
}

// `log2_size` of the region; `attributes` are RASR fields besides size and enable.
static void set_region(uint32_t number, uint32_t base, uint32_t log2_size,
                       uint32_t attributes) {
  mmio_write32(MPU_BASE + MPU_RNR, number);
  mmio_write32(MPU_BASE + MPU_RBAR, base);
  uint32_t rasr = attributes | field_mask(MPU_RASR_ENABLE);
  rasr = field_set(rasr, MPU_RASR_SIZE, log2_size - 1);
  mmio_write32(MPU_BASE + MPU_RASR, rasr);
}

void soc_mpu_start(bool from_flash) {
  const uint32_t no_execute = field_mask(MPU_RASR_XN);
  // 4 GB in eight parts of 512 MB; parts 0, 1, 2 and 7 (code, RAM, peripherals,
  // system) are left to the default map.
  set_region(REGION_EXTERNAL, 0, 32,
             no_execute | field_set(0, MPU_RASR_SRD, 0x87) |
                 field_set(0, MPU_RASR_AP, AP_NONE));
  // FMC and QUADSPI registers, 8 KB at 0xA0000000: shareable device.
  set_region(REGION_REGISTERS, 0xA0000000u, 13,
             no_execute | field_mask(MPU_RASR_B) | field_mask(MPU_RASR_S) |
                 field_set(0, MPU_RASR_AP, AP_FULL));
  // Internal flash, 2 MB, as a device: written unit by unit, and never cached, so
  // that what is read back is what is there. A device is nothing to run from
  // (DDI0403E A3.5.5), so a program in flash leaves it to the default map.
  if (!from_flash) {
    set_region(REGION_FLASH, 0x08000000u, 21,
               no_execute | field_mask(MPU_RASR_B) | field_mask(MPU_RASR_S) |
                   field_set(0, MPU_RASR_AP, AP_FULL));
  }
  mmio_write32(MPU_BASE + MPU_CTRL,
               field_mask(MPU_CTRL_ENABLE) | field_mask(MPU_CTRL_PRIVDEFENA));
  barrier();
}

void soc_mpu_window(uint32_t size) {
  barrier();
  if (size) {
    const uint32_t log2_size = 31u - (uint32_t)__builtin_clz(size);
    // Normal, read-only, no execution; not cached, since it changes when nobody reads.
    set_region(REGION_WINDOW, WINDOW_BASE, log2_size,
               field_mask(MPU_RASR_XN) | field_set(0, MPU_RASR_TEX, TEX_NORMAL) |
                   field_set(0, MPU_RASR_AP, AP_READ_ONLY));
  } else {
    mmio_write32(MPU_BASE + MPU_RNR, REGION_WINDOW);
    mmio_write32(MPU_BASE + MPU_RASR, 0);
  }
  barrier();
}

// Every set and way, by the size the cache states (DDI0403E B2.2.7).
static void for_each_line(uint32_t operation) {
  mmio_write32(SCB_BASE + SCB_CSSELR, 0);
  barrier();
  const uint32_t ccsidr = mmio_read32(SCB_BASE + SCB_CCSIDR);
  const uint32_t sets = ((ccsidr >> 13) & 0x7FFFu) + 1u;
  const uint32_t ways = ((ccsidr >> 3) & 0x3FFu) + 1u;
  for (uint32_t set = 0; set < sets; set++) {
    for (uint32_t way = 0; way < ways; way++) {
      mmio_write32(SCB_BASE + operation, (set << 5) | (way << 30));
    }
  }
  barrier();
}

void soc_caches_on(void) {
  barrier();
  mmio_write32(SCB_BASE + SCB_ICIALLU, 0);
  for_each_line(SCB_DCISW);
  mmio_update32(SCB_BASE + SCB_CCR, 0, field_mask(SCB_CCR_IC) | field_mask(SCB_CCR_DC));
  barrier();
}

void soc_wake_on(unsigned irq) {
  mmio_write32(NVIC_BASE + NVIC_ISER0 + 4u * (irq / 32u), 1u << (irq % 32u));
}

// The lines are level-sensitive: one that is still high pends again by itself.
// SysTick's wrap is an edge, but who looks at the time behind this misses none.
void soc_forget_wakes(void) {
  for (uint32_t word = 0; word < 4; word++) {
    mmio_write32(NVIC_BASE + NVIC_ICPR0 + 4u * word, 0xFFFFFFFFu);
  }
  mmio_write32(SCB_BASE + SCB_ICSR, field_mask(SCB_ICSR_PENDSTCLR));
}

void soc_sleep(void) {
  __asm__ volatile("dsb\n\twfi" ::: "memory");
}

void soc_reset(void) {
  barrier();
  mmio_write32(SCB_BASE + SCB_AIRCR, field_set(0, SCB_AIRCR_VECTKEY, RESET_KEY) |
                                         field_mask(SCB_AIRCR_SYSRESETREQ));
  barrier();
  for (;;) {
  }
}

void soc_watchdog_feed(void) {
  mmio_write32(IWDG_BASE + IWDG_KR, WATCHDOG_RELOAD);
}

static void backup_clocks_on(void) {
  soc_clock_enable(RCC_APB1ENR, RCC_APB1ENR_PWREN);
  soc_clock_enable(RCC_APB1ENR, RCC_APB1ENR_RTCAPBEN);
}

uint32_t soc_request_read(void) {
  backup_clocks_on();
  return mmio_read32(RTC_BASE + RTC_BKP31R);
}

void soc_request_write(uint32_t word) {
  backup_clocks_on();
  mmio_update32(PWR_BASE + PWR_CR1, 0, field_mask(PWR_CR1_DBP));
  mmio_write32(RTC_BASE + RTC_BKP31R, word);
  (void)mmio_read32(RTC_BASE + RTC_BKP31R);  // the write has arrived
  mmio_update32(PWR_BASE + PWR_CR1, field_mask(PWR_CR1_DBP), 0);
}

void soc_unique_id(uint8_t id[12]) {
  for (uint32_t i = 0; i < 12; i++)
    id[i] = mmio_read8(UNIQUE_ID + i);
}

uint32_t soc_flash_kb(void) {
  return mmio_read16(FLASH_SIZE_KB);
}

// The lowest threshold that no part has below `minimum_mv`, or the highest (falling
// edge, minimum values: DS11532 table 20, the same in DS8626): less supply would not
// carry the program width that `minimum_mv` allows.
void soc_supply_watch(uint16_t minimum_mv) {
  static const uint16_t levels_mv[8] = {1980, 2130, 2290, 2440, 2590, 2750, 2850, 2950};
  uint32_t level = 0;
  while (level < 7 && levels_mv[level] < minimum_mv)
    level++;
  soc_clock_enable(RCC_APB1ENR, RCC_APB1ENR_PWREN);
  uint32_t cr1 = mmio_read32(PWR_BASE + PWR_CR1);
  cr1 = field_set(cr1, PWR_CR1_PLS, level);
  mmio_write32(PWR_BASE + PWR_CR1, cr1 | field_mask(PWR_CR1_PVDE));
}

bool soc_supply_good(void) {
  return !field_get(mmio_read32(PWR_BASE + PWR_CSR1), PWR_CSR1_PVDO);
}
