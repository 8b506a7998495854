// SPDX-License-Identifier: MIT
// A fault where no fault can be taken: the core locks up, and only a reset helps.
// MAILBOX(0): 0 in the HardFault handler, 1 in the NMI handler, 2 under FAULTMASK, 3 on
// vectors of all ones (a fetch of FFFFFFFE, and no exception return: B1.5.8), 4 on
// vectors that lead to device memory, 5 on even vectors.
#include "tests/guests/guest.h"

static void faulting(void) {
  print("now\n");
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  __asm__ volatile("udf #0");
  print("FAIL went on\n");
}

static uint32_t bad_vectors[128] __attribute__((aligned(512)));

// A bus error with nothing but `value` in the table.
static void fault_on(uint32_t value) {
  print("now\n");
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  for (uint32_t i = 0; i < 128; i++)
    bad_vectors[i] = value;
  wr(VTOR, (uint32_t)(uintptr_t)bad_vectors);
  barrier();
  (void)rd(0xB0000000);
  print("FAIL went on\n");
}

void guest_main(void) {
  set_vector(EXC_HARDFAULT, faulting);
  set_vector(EXC_NMI, faulting);
  switch (rd(MAILBOX(0))) {
    case 0: __asm__ volatile("udf #1"); break;
    case 1:
      wr(ICSR, BIT(31));
      barrier();
      break;
    case 3: fault_on(0xFFFFFFFF); break;
    case 4: fault_on(GPIO('A') | 1); break;
    case 5: fault_on(0x08000000); break;
    default: __asm__ volatile("cpsid f" ::: "memory"); faulting();
  }
  print("FAIL came back\n");
}
