// SPDX-License-Identifier: MIT
// A fault where no fault can be taken: the core locks up, and only a reset helps.
// MAILBOX(0): 0 in the HardFault handler, 1 in the NMI handler, 2 under FAULTMASK.
#include "tests/guests/guest.h"

static void faulting(void) {
  print("now\n");
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  __asm__ volatile("udf #0");
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
    default: __asm__ volatile("cpsid f" ::: "memory"); faulting();
  }
  print("FAIL came back\n");
}
