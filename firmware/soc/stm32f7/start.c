// SPDX-License-Identifier: MIT
// Vector table and reset entry, the same for the stub and the core. The table ends
// with the system exceptions: no interrupt is ever dispatched (soc_wake_on).
#include "firmware/soc/stm32f7/start.h"

#include <string.h>

#include "firmware/mmio.h"
#include "firmware/soc/stm32f7/cortex_m7_regs.h"

extern uint32_t link_stack_top, link_bss_start, link_bss_end;
void reset_entry(void);

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)&link_stack_top,
    reset_entry,
    firmware_fault,  // NMI
    firmware_fault,  // HardFault
    firmware_fault,  // MemManage
    firmware_fault,  // BusFault
    firmware_fault,  // UsageFault
    0,
    0,
    0,
    0,
    firmware_fault,  // SVCall
    firmware_fault,  // DebugMonitor
    0,
    firmware_fault,  // PendSV
    firmware_fault,  // SysTick
};

// Entered from reset, from the stub, or from another bootloader's jump, which may
// have left the wrong stack and open interrupts: nothing is taken for granted.
__attribute__((naked, noreturn)) void reset_entry(void) {
  __asm__ volatile(
      "cpsid i\n\t"
      "ldr r0, =link_stack_top\n\t"
      "msr msp, r0\n\t"
      "movs r0, #0\n\t"
      "msr control, r0\n\t"
      "isb\n\t"
      "b start_c\n\t"
      ".ltorg");
}

__attribute__((noreturn, used)) void start_c(void);

void start_c(void) {
  const uintptr_t size = (uintptr_t)&link_bss_end - (uintptr_t)&link_bss_start;
  memset(&link_bss_start, 0, size);
  mmio_write32(SCB_BASE + SCB_VTOR, (uint32_t)(uintptr_t)vectors);
  firmware_main();
}

void start_image(uint32_t image) {
  const uint32_t stack = mmio_read32(image);
  const uint32_t entry = mmio_read32(image + 4);
  mmio_write32(SCB_BASE + SCB_VTOR, image);
  __asm__ volatile(
      "dsb\n\t"
      "isb\n\t"
      "msr msp, %0\n\t"
      "cpsie i\n\t"
      "bx %1\n\t"
      :
      : "r"(stack), "r"(entry)
      : "memory");
  __builtin_unreachable();
}
