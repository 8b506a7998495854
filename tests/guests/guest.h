// SPDX-License-Identifier: MIT
// What every program for the simulated board shares: registers by number (RM0410,
// ARMv7-M ARM; typed here, not taken from the product), vectors in RAM, a console on
// USART1, and checks that say "ok NAME" or "FAIL NAME".
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n)   (1u << (n))
#define RAMCODE  __attribute__((section(".ramcode"), noinline))
#define NOINLINE __attribute__((noinline))

// --- registers --------------------------------------------------------------------

__attribute__((always_inline)) static inline uint32_t rd(uint32_t addr) {
  return *(volatile uint32_t *)addr;
}

__attribute__((always_inline)) static inline void wr(uint32_t addr, uint32_t value) {
  *(volatile uint32_t *)addr = value;
}

__attribute__((always_inline)) static inline uint8_t rd8(uint32_t addr) {
  return *(volatile uint8_t *)addr;
}

__attribute__((always_inline)) static inline void wr8(uint32_t addr, uint8_t value) {
  *(volatile uint8_t *)addr = value;
}

__attribute__((always_inline)) static inline void wr16(uint32_t addr, uint16_t value) {
  *(volatile uint16_t *)addr = value;
}

__attribute__((always_inline)) static inline void set(uint32_t addr, uint32_t bits) {
  wr(addr, rd(addr) | bits);
}

__attribute__((always_inline)) static inline void clear(uint32_t addr, uint32_t bits) {
  wr(addr, rd(addr) & ~bits);
}

#define RCC_CR           0x40023800u
#define RCC_PLLCFGR      0x40023804u
#define RCC_CFGR         0x40023808u
#define RCC_AHB1RSTR     0x40023810u
#define RCC_AHB3RSTR     0x40023818u
#define RCC_AHB1ENR      0x40023830u
#define RCC_AHB2ENR      0x40023834u
#define RCC_AHB3ENR      0x40023838u
#define RCC_APB1ENR      0x40023840u
#define RCC_APB2ENR      0x40023844u
#define RCC_AHB1LPENR    0x40023850u
#define RCC_BDCR         0x40023870u
#define RCC_CSR          0x40023874u
#define FLASH_ACR        0x40023C00u
#define FLASH_KEYR       0x40023C04u
#define FLASH_SR         0x40023C0Cu
#define FLASH_CR         0x40023C10u
#define PWR_CR1          0x40007000u
#define PWR_CSR1         0x40007004u
#define RTC_BKP0R        0x40002850u
#define RTC_TR           0x40002800u
#define RTC_DR           0x40002804u
#define RTC_CR           0x40002808u
#define RTC_ISR          0x4000280Cu
#define RTC_PRER         0x40002810u
#define RTC_WUTR         0x40002814u
#define RTC_ALRMAR       0x4000281Cu
#define RTC_WPR          0x40002824u
#define IWDG_KR          0x40003000u
#define IWDG_RLR         0x40003008u
#define SYSCFG_CMPCR     0x40013820u
#define USART1           0x40011000u
#define USART3           0x40004800u
#define USART_CR1(u)     (u)
#define USART_BRR(u)     ((u) + 0x0Cu)
#define USART_ISR(u)     ((u) + 0x1Cu)
#define USART_RDR(u)     ((u) + 0x24u)
#define USART_TDR(u)     ((u) + 0x28u)
#define USART1_CR1       0x40011000u
#define USART1_BRR       0x4001100Cu
#define USART1_ISR       0x4001101Cu
#define USART1_TDR       0x40011028u
#define GPIO(port)       (0x40020000u + 0x400u * (uint32_t)((port) - 'A'))
#define SYSCFG_EXTICR(n) (0x40013804u + 4u * (n))  // from 1
#define EXTI_IMR         0x40013C00u
#define EXTI_EMR         0x40013C04u
#define EXTI_RTSR        0x40013C08u
#define EXTI_FTSR        0x40013C0Cu
#define EXTI_PR          0x40013C14u
#define FMC_SDCR1        0xA0000140u
#define FMC_SDTR1        0xA0000148u
#define FMC_SDCMR        0xA0000150u
#define FMC_SDRTR        0xA0000154u
#define FMC_SDSR         0xA0000158u
#define DWT_CTRL         0xE0001000u
#define DWT_CYCCNT       0xE0001004u
#define DWT_LAR          0xE0001FB0u
#define SYST_CSR         0xE000E010u
#define SYST_RVR         0xE000E014u
#define SYST_CVR         0xE000E018u
#define NVIC_ISER(n)     (0xE000E100u + 4u * (n))
#define NVIC_ICER(n)     (0xE000E180u + 4u * (n))
#define NVIC_ISPR(n)     (0xE000E200u + 4u * (n))
#define NVIC_ICPR(n)     (0xE000E280u + 4u * (n))
#define NVIC_IPR(n)      (0xE000E400u + (n))
#define ICSR             0xE000ED04u
#define VTOR             0xE000ED08u
#define AIRCR            0xE000ED0Cu
#define SCR              0xE000ED10u
#define CCR              0xE000ED14u
#define SHPR(n)          (0xE000ED18u + (n)-4u)  // by exception number, bytes
#define SHCSR            0xE000ED24u
#define CFSR             0xE000ED28u
#define HFSR             0xE000ED2Cu
#define MMFAR            0xE000ED34u
#define BFAR             0xE000ED38u
#define CPACR            0xE000ED88u
#define MPU_CTRL         0xE000ED94u
#define MPU_RNR          0xE000ED98u
#define MPU_RBAR         0xE000ED9Cu
#define MPU_RASR         0xE000EDA0u
#define DEMCR            0xE000EDFCu
#define STIR             0xE000EF00u
#define ICIALLU          0xE000EF50u
#define ICIMVAU          0xE000EF58u
#define DCIMVAC          0xE000EF5Cu
#define DCISW            0xE000EF60u
#define DCCMVAC          0xE000EF68u
#define DCCIMVAC         0xE000EF70u

#define IRQ_USART1 37u

// --- instructions -------------------------------------------------------------------

__attribute__((always_inline)) static inline void barrier(void) {
  __asm__ volatile("dsb\n\tisb" ::: "memory");
}

// DWT_CYCCNT from 0. Its registers are locked until LAR has the key (CoreSight), and
// dead without TRCENA.
static inline void start_cycles(void) {
  set(DEMCR, BIT(24));
  wr(DWT_LAR, 0xC5ACCE55);
  wr(DWT_CYCCNT, 0);
  set(DWT_CTRL, 1);
}

__attribute__((always_inline)) static inline void wfi(void) {
  __asm__ volatile("wfi" ::: "memory");
}

__attribute__((always_inline)) static inline void irq_off(void) {
  __asm__ volatile("cpsid i" ::: "memory");
}

__attribute__((always_inline)) static inline void irq_on(void) {
  __asm__ volatile("cpsie i" ::: "memory");
}

__attribute__((always_inline)) static inline void set_basepri(uint32_t value) {
  __asm__ volatile("msr basepri, %0" ::"r"(value) : "memory");
}

__attribute__((always_inline)) static inline uint32_t ipsr(void) {
  uint32_t value;
  __asm__ volatile("mrs %0, ipsr" : "=r"(value));
  return value;
}

// --- exceptions ---------------------------------------------------------------------

typedef void (*vector)(void);

enum {
  EXC_NMI = 2,
  EXC_HARDFAULT = 3,
  EXC_MEMMANAGE = 4,
  EXC_BUSFAULT = 5,
  EXC_USAGEFAULT = 6,
  EXC_SVC = 11,
  EXC_PENDSV = 14,
  EXC_SYSTICK = 15,
};

// The table that VTOR names from the start; every entry ends the program, saying so.
void set_vector(uint32_t exception, vector handler);
void set_irq(uint32_t irq, vector handler, uint32_t priority);  // and enables it

// --- checks and console
// ---------------------------------------------------------------

void print(const char *text);
void print_hex(uint32_t value);
void check(const char *name, uint32_t got, uint32_t wanted);
void check_true(const char *name, bool good);
__attribute__((noreturn)) void finish(void);  // "end", then sleeps for ever

// --- the host
// ----------------------------------------------------------------------------

// Words that the test writes before the start and reads afterwards.
#define MAILBOX(n) (0x2001FF00u + 4u * (n))
enum {
  MAIL_STORM = 2,        // 1, from the program: interrupts may come
  MAIL_CONSOLE = 3,      // 1: on PB14, 2: USART3 on PD8
  MAIL_SECOND_BANK = 4,  // 1: flash errors are to be made in bank 2
};

void guest_main(void);
