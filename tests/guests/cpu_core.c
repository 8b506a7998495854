// SPDX-License-Identifier: MIT
// Exceptions of the core, checked from inside: entry and return, priorities, masks,
// sleep, SysTick, and the special registers (ARMv7-M ARM B1).
#include "tests/guests/guest.h"

enum { IRQ_A = 8, IRQ_B = 9, IRQ_C = 10, IRQ_D = 11 };  // lines that nothing drives

// --- a log of handlers, and one for each line ----------------------------------------

static char order[32];
static volatile uint32_t order_length;

static void note(char c) {
  if (order_length < sizeof order - 1) order[order_length++] = c;
}

static void clear_order(void) {
  order_length = 0;
}

static void check_order(const char *name, const char *wanted) {
  order[order_length] = 0;
  bool good = true;
  uint32_t i = 0;
  for (; wanted[i]; i++)
    good = good && order[i] == wanted[i];
  good = good && i == order_length;
  if (!good) {
    print("order: ");
    print(order);
    print("\n");
  }
  check_true(name, good);
}

static void pend(uint32_t irq) {
  wr(NVIC_ISPR(irq / 32), 1u << irq % 32);
}

static volatile uint32_t count_a, count_b;

static void on_a(void) {
  count_a++;
  note('a');
}

static void on_b(void) {
  count_b++;
  note('b');
}

static void on_c(void) {
  note('c');
}

static void on_pendsv(void) {
  note('p');
}

// --- special registers
// ------------------------------------------------------------------

static void special_registers(void) {
  uint32_t a, b;
  __asm__ volatile("mrs %0, msp\n\tmov %1, sp" : "=r"(a), "=r"(b));
  check("special.msp-is-sp", a, b);
  check("special.ipsr", ipsr(), 0);
  __asm__ volatile("mrs %0, control" : "=r"(a));
  check("special.control", a & 3, 0);
  __asm__ volatile("msr psp, %1\n\tmrs %0, psp" : "=r"(a) : "r"(0x20001238));
  check("special.psp", a, 0x20001238);
  __asm__ volatile("msr basepri, %1\n\tmsr basepri_max, %2\n\tmrs %0, basepri"
                   : "=&r"(a)
                   : "r"(0x50), "r"(0x70));
  check("special.basepri-max-keeps-the-higher", a, 0x50);
  __asm__ volatile("msr basepri_max, %1\n\tmrs %0, basepri" : "=&r"(a) : "r"(0x30));
  check("special.basepri-max-takes-the-higher", a, 0x30);
  set_basepri(0);
  __asm__ volatile("cpsid i\n\tmrs %0, primask\n\tcpsie i" : "=r"(a));
  check("special.primask", a, 1);
  __asm__ volatile("cpsid f\n\tmrs %0, faultmask\n\tcpsie f" : "=r"(a));
  check("special.faultmask", a, 1);
  __asm__ volatile("mrs %0, faultmask" : "=r"(a));
  check("special.faultmask-off", a, 0);
}

static void unaligned_access(void) {
  uint8_t u[24];
  for (uint32_t i = 0; i < sizeof u; i++)
    u[i] = (uint8_t)i;
  uint32_t a, b;
  __asm__ volatile("ldr %0, [%1, #1]" : "=r"(a) : "r"(u) : "memory");
  check("unaligned.load", a, 0x04030201);
  __asm__ volatile("ldrh %0, [%1, #3]" : "=r"(a) : "r"(u) : "memory");
  check("unaligned.half", a, 0x0403);
  __asm__ volatile("str %0, [%1, #9]" ::"r"(0xAABBCCDD), "r"(u) : "memory");
  check("unaligned.store", u[9] | (uint32_t)u[12] << 8, 0xAADD);
  uint32_t words[4] = {1, 2, 3, 4};
  __asm__ volatile("ldrd %0, %1, [%2, #4]"
                   : "=&r"(a), "=&r"(b)
                   : "r"(words)
                   : "memory");
  check("ldrd", a << 8 | b, 0x203);
  __asm__ volatile("strd %0, %1, [%2, #8]" ::"r"(a), "r"(b), "r"(words) : "memory");
  check("strd", words[2] << 8 | words[3], 0x203);
}

// --- supervisor calls
// -------------------------------------------------------------------

static volatile uint32_t svc_number, svc_lr;

__attribute__((used)) static void svc_body(uint32_t *frame, uint32_t lr) {
  svc_number = ((uint8_t *)frame[6])[-2];
  svc_lr = lr;
  frame[0] = frame[0] * 2 + frame[3];
}

__attribute__((naked)) static void on_svc(void) {
  __asm__ volatile(
      "tst lr, #4\n\t"
      "ite eq\n\t"
      "mrseq r0, msp\n\t"
      "mrsne r0, psp\n\t"
      "mov r1, lr\n\t"
      "b svc_body");
}

NOINLINE static uint32_t call_svc(uint32_t a, uint32_t d) {
  register uint32_t r0 __asm__("r0") = a;
  register uint32_t r3 __asm__("r3") = d;
  __asm__ volatile("svc #0x2A" : "+r"(r0) : "r"(r3) : "memory");
  return r0;
}

static volatile uint32_t nested_svc;

static void svc_inside(void) {
  nested_svc = call_svc(5, 1);
}

static void supervisor_calls(void) {
  set_vector(EXC_SVC, on_svc);
  check("svc.result", call_svc(100, 7), 207);
  check("svc.number", svc_number, 0x2A);
  // From the thread on MSP; with or without floating-point state.
  check("svc.exc-return", svc_lr | 0x10, 0xFFFFFFF9);
  wr8(SHPR(EXC_SVC), 0x10);
  set_irq(IRQ_A, svc_inside, 0x80);
  pend(IRQ_A);
  barrier();
  check("svc.from-a-handler", nested_svc, 11);
  check("svc.exc-return-to-handler", svc_lr | 0x10, 0xFFFFFFF1);
  wr8(SHPR(EXC_SVC), 0);
}

// On the process stack the frame lies there, and EXC_RETURN says so.
static uint32_t process_stack[64] __attribute__((aligned(8)));

static void process_stack_use(void) {
  uint32_t psp_before, psp_after;
  __asm__ volatile(
      "msr psp, %2\n\t"
      "mrs r2, control\n\t"
      "orr r2, #2\n\t"
      "msr control, r2\n\t"
      "isb\n\t"
      "mov %0, sp\n\t"
      "movs r0, #9\n\t"
      "movs r3, #4\n\t"
      "svc #1\n\t"
      "mov %1, sp\n\t"
      "mrs r2, control\n\t"
      "bic r2, #2\n\t"
      "msr control, r2\n\t"
      "isb\n\t"
      : "=&r"(psp_before), "=&r"(psp_after)
      : "r"(process_stack + 64)
      : "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc");
  check("psp.exc-return", svc_lr | 0x10, 0xFFFFFFFD);
  check("psp.is-restored", psp_after, psp_before);
  const uint32_t frame =
      (uint32_t)(uintptr_t)(process_stack + 64) - (svc_lr & 0x10 ? 0x20u : 0x68u);
  check("psp.frame-holds-r0", rd(frame), 22);
  check("psp.frame-holds-r3", rd(frame + 12), 4);
}

// A stack of odd words is realigned, and xPSR bit 9 remembers it (B1.5.7).
static volatile uint32_t stacked_xpsr, handler_sp;

__attribute__((used)) static void alignment_body(uint32_t *frame) {
  stacked_xpsr = frame[7];
  handler_sp = (uint32_t)(uintptr_t)frame;
}

__attribute__((naked)) static void on_alignment(void) {
  __asm__ volatile("mrs r0, msp\n\tb alignment_body");
}

static void stack_alignment(void) {
  uint32_t before, after;
  set_vector(EXC_SVC, on_alignment);
  __asm__ volatile("sub sp, #4\n\tmov %0, sp\n\tsvc #0\n\tmov %1, sp\n\tadd sp, #4"
                   : "=&r"(before), "=&r"(after)
                   :
                   : "r0", "r1", "r2", "r3", "r12", "lr", "memory");
  check("align.frame-is-a-multiple-of-8", handler_sp & 7, 0);
  check("align.bit-9-if-realigned", stacked_xpsr >> 9 & 1, before >> 2 & 1);
  check("align.sp-comes-back", after, before);
  __asm__ volatile("mov %0, sp\n\tsvc #0\n\tmov %1, sp"
                   : "=&r"(before), "=&r"(after)
                   :
                   : "r0", "r1", "r2", "r3", "r12", "lr", "memory");
  check("align.bit-9-if-not", stacked_xpsr >> 9 & 1, before >> 2 & 1);
  check("align.sp-comes-back-too", after, before);
}

// Flags and Q survive; the handler's own do not leak.
static void flags_across_exceptions(void) {
  uint32_t flags;
  __asm__ volatile("msr apsr_nzcvq, %1\n\tsvc #0\n\tmrs %0, apsr"
                   : "=r"(flags)
                   : "r"(0xA8000000)
                   : "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc");
  check("flags.first", flags & 0xF8000000, 0xA8000000);
  __asm__ volatile("msr apsr_nzcvq, %1\n\tsvc #0\n\tmrs %0, apsr"
                   : "=r"(flags)
                   : "r"(0x50000000)
                   : "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc");
  check("flags.second", flags & 0xF8000000, 0x50000000);
}

// --- pending, masks
// ---------------------------------------------------------------------

static void software_interrupts(void) {
  set_irq(IRQ_A, on_a, 0x40);
  count_a = 0;
  pend(IRQ_A);
  barrier();
  check("pend.taken", count_a, 1);
  wr(STIR, IRQ_A);
  barrier();
  check("pend.by-stir", count_a, 2);
  pend(IRQ_A);
  for (uint32_t n = 0; count_a == 2 && n < 1000; n++) {
  }
  check("pend.without-a-barrier", count_a, 3);
  irq_off();
  pend(IRQ_A);
  barrier();
  check("primask.holds", count_a, 3);
  check("primask.shows-pending", rd(NVIC_ISPR(0)) >> IRQ_A & 1, 1);
  check("primask.vectpending", rd(ICSR) >> 12 & 0x1FF, 16 + IRQ_A);
  irq_on();
  barrier();
  check("primask.releases", count_a, 4);
  set_basepri(0x40);
  pend(IRQ_A);
  barrier();
  check("basepri.holds-equal", count_a, 4);
  set_basepri(0x50);
  barrier();
  check("basepri.lets-higher-through", count_a, 5);
  set_basepri(0);
  wr(NVIC_ICER(0), 1u << IRQ_A);
  pend(IRQ_A);
  barrier();
  check("disabled.holds", count_a, 5);
  wr(NVIC_ICPR(0), 1u << IRQ_A);
  wr(NVIC_ISER(0), 1u << IRQ_A);
  barrier();
  check("disabled.cleared-in-time", count_a, 5);
}

static void short_windows(void) {
  set_irq(IRQ_A, on_a, 0x40);
  count_a = 0;
  irq_off();
  pend(IRQ_A);
  __asm__ volatile("cpsie i\n\tcpsid i" ::: "memory");
  irq_on();
  barrier();
  check("window.once", count_a, 1);
  irq_off();
  for (uint32_t i = 0; i < 50; i++) {
    pend(IRQ_A);
    __asm__ volatile("cpsie i\n\tisb\n\tcpsid i" ::: "memory");
  }
  irq_on();
  check("window.fifty-times", count_a, 51);
}

static void on_nmi(void) {
  note('n');
}

static void nmi(void) {
  set_vector(EXC_NMI, on_nmi);
  set_irq(IRQ_A, on_a, 0);
  clear_order();
  __asm__ volatile("cpsid f" ::: "memory");
  pend(IRQ_A);
  wr(ICSR, BIT(31));
  barrier();
  check_order("nmi.through-faultmask", "n");
  uint32_t mask;
  __asm__ volatile("mrs %0, faultmask" : "=r"(mask));
  check("nmi.keeps-faultmask", mask, 1);
  __asm__ volatile("cpsie f" ::: "memory");
  barrier();
  check_order("nmi.then-the-rest", "na");
}

static void on_set_faultmask(void) {
  note('f');
  __asm__ volatile("cpsid f" ::: "memory");
}

static void faultmask_ends_with_its_handler(void) {
  uint32_t mask;
  clear_order();
  set_irq(IRQ_B, on_set_faultmask, 0x40);
  pend(IRQ_B);
  barrier();
  __asm__ volatile("mrs %0, faultmask" : "=r"(mask));
  check("faultmask.cleared-by-return", mask, 0);
  check_order("faultmask.ran", "f");
}

// --- order
// --------------------------------------------------------------------------------

static void on_a_pends_b(void) {
  note('a');
  pend(IRQ_B);
  barrier();
  note('A');
}

static void nesting(void) {
  set_vector(EXC_PENDSV, on_pendsv);
  wr8(SHPR(EXC_PENDSV), 0xF0);
  set_irq(IRQ_A, on_a_pends_b, 0x80);
  set_irq(IRQ_B, on_b, 0x40);
  set_irq(IRQ_C, on_c, 0xC0);
  clear_order();
  pend(IRQ_A);
  barrier();
  check_order("nest.higher-inside", "abA");
  wr8(NVIC_IPR(IRQ_B), 0x80);
  clear_order();
  pend(IRQ_A);
  barrier();
  check_order("nest.equal-after", "aAb");
  wr8(NVIC_IPR(IRQ_B), 0x90);
  clear_order();
  irq_off();
  wr(ICSR, BIT(28));
  pend(IRQ_C);
  pend(IRQ_A);
  irq_on();
  barrier();
  check_order("tail-chain.by-priority", "aAbcp");
  clear_order();
  irq_off();
  wr(NVIC_ISPR(0), BIT(IRQ_A) | BIT(IRQ_B) | BIT(IRQ_C));
  wr8(NVIC_IPR(IRQ_A), 0x20);
  wr8(NVIC_IPR(IRQ_B), 0x20);
  wr8(NVIC_IPR(IRQ_C), 0x20);
  irq_on();
  barrier();
  check_order("equal.by-number", "aAbc");
}

static void grouping(void) {
  wr(AIRCR, 0x05FA0000 | 6u << 8);  // one bit of group
  set_irq(IRQ_A, on_a_pends_b, 0x70);
  set_irq(IRQ_B, on_b, 0x10);
  clear_order();
  pend(IRQ_A);
  barrier();
  check_order("group.subpriority-does-not-nest", "aAb");
  wr8(NVIC_IPR(IRQ_A), 0x80);
  clear_order();
  pend(IRQ_A);
  barrier();
  check_order("group.group-does", "abA");
  wr(AIRCR, 0x05FA0000);
}

static volatile uint32_t exc_return_seen;

__attribute__((naked)) static void on_exc_return(void) {
  __asm__ volatile("ldr r0, =exc_return_seen\n\tstr lr, [r0]\n\tbx lr\n\t.ltorg");
}

static volatile uint32_t saved_lr[2];

static void on_a_lr(void) {
  saved_lr[0] = exc_return_seen;
  pend(IRQ_B);
  barrier();
  saved_lr[1] = exc_return_seen;
}

static void returns(void) {
  exc_return_seen = 0;
  set_irq(IRQ_B, on_exc_return, 0x20);
  pend(IRQ_B);
  barrier();
  check("exc-return.thread", exc_return_seen | 0x10, 0xFFFFFFF9);
  set_irq(IRQ_A, on_a_lr, 0x80);
  pend(IRQ_A);
  barrier();
  check("exc-return.handler", saved_lr[1] | 0x10, 0xFFFFFFF1);
}

// --- level-sensitive lines
// ------------------------------------------------------------------

// USART1's TC stands until it is cleared or disabled: a real level.
static volatile uint32_t usart_calls;

static void on_usart(void) {
  if (++usart_calls == 3) clear(USART1_CR1, BIT(6));
}

static void wait_sent(void) {
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
}

static void levels(void) {
  wait_sent();
  usart_calls = 0;
  set_irq(IRQ_USART1, on_usart, 0x40);
  set(USART1_CR1, BIT(6));
  barrier();
  for (uint32_t n = 0; usart_calls < 3 && n < 1000; n++) {
  }
  check("level.again-until-low", usart_calls, 3);
  wr(NVIC_ICER(1), BIT(IRQ_USART1 - 32));
  wait_sent();
  set(USART1_CR1, BIT(6));
  const uint32_t disabled = rd(NVIC_ISPR(1));
  wr(NVIC_ICPR(1), BIT(IRQ_USART1 - 32));
  const uint32_t cleared = rd(NVIC_ISPR(1));
  clear(USART1_CR1, BIT(6));
  wr(NVIC_ICPR(1), BIT(IRQ_USART1 - 32));
  const uint32_t low = rd(NVIC_ISPR(1));
  check("level.pends-while-disabled", disabled >> (IRQ_USART1 - 32) & 1, 1);
  check("level.cannot-be-cleared", cleared >> (IRQ_USART1 - 32) & 1, 1);
  check("level.can-when-low", low >> (IRQ_USART1 - 32) & 1, 0);
}

// --- SysTick and sleep
// ------------------------------------------------------------------------

static volatile uint32_t ticks;

static void on_tick(void) {
  ticks++;
  note('t');
}

static void start_tick(uint32_t period) {
  set_vector(EXC_SYSTICK, on_tick);
  wr8(SHPR(EXC_SYSTICK), 0xE0);
  wr(SYST_RVR, period - 1);
  wr(SYST_CVR, 0);
  wr(SYST_CSR, 7);
}

static uint32_t cycles(void) {
  return rd(DWT_CYCCNT);
}

static void cycle_counter(void) {
  start_cycles();
  start_tick(10000);
  wfi();
  const uint32_t first = cycles();
  for (uint32_t i = 0; i < 9; i++)
    wfi();
  const uint32_t passed = cycles() - first;
  check_true("cyccnt.counts-through-sleep", passed > 89900 && passed < 90100);
  wr(SYST_CSR, 0);
  const uint32_t a = cycles();
  // 200 instructions of two bytes, as a loop: BLOCK mode looks at time between blocks.
  __asm__ volatile("movs r0, #100\n1:\tsubs r0, #1\n\tbne 1b" ::: "r0", "cc");
  const uint32_t b = cycles();
  check_true("cyccnt.counts-instructions", b - a >= 140 && b - a < 240);
}

static void sleeping(void) {
  ticks = 0;
  start_tick(2000);
  while (ticks < 5)
    wfi();
  check_true("wfi.wakes-for-systick", true);
  ticks = 0;
  uint32_t rounds = 0;
  for (;;) {
    irq_off();
    if (ticks >= 5) break;
    wfi();
    irq_on();
    rounds++;
  }
  irq_on();
  check_true("wfi.with-primask-set", rounds >= 5 && rounds < 20);
  wr(SYST_CSR, 0);
}

// BASEPRI holds WFI as well: the pending line does not wake, SysTick later does.
static void sleeping_under_basepri(void) {
  set_irq(IRQ_A, on_a, 0x80);
  count_a = 0;
  start_tick(50000);
  wr8(SHPR(EXC_SYSTICK), 0x20);
  set_basepri(0x80);
  ticks = 0;
  pend(IRQ_A);
  const uint32_t before = cycles();
  wfi();
  const uint32_t passed = cycles() - before;
  wr(SYST_CSR, 0);
  check("wfi.basepri-woken-by-the-higher", ticks, 1);
  check_true("wfi.basepri-holds-the-lower", count_a == 0 && passed > 40000);
  set_basepri(0);
  barrier();
  check("wfi.basepri-then-taken", count_a, 1);
}

// With SLEEPONEXIT the thread runs again only after a handler has cleared the bit.
static void on_tick_clears(void) {
  if (++ticks == 3) wr(SCR, 0);
}

static void sleep_on_exit(void) {
  set_irq(IRQ_A, on_a, 0x40);
  start_tick(3000);
  set_vector(EXC_SYSTICK, on_tick_clears);
  ticks = count_a = 0;
  wr(SCR, BIT(1));
  const uint32_t before = cycles();
  pend(IRQ_A);
  barrier();
  const uint32_t passed = cycles() - before;
  wr(SYST_CSR, 0);
  check("sleep-on-exit.interrupt", count_a, 1);
  check("sleep-on-exit.woken-by-ticks", ticks, 3);
  check_true("sleep-on-exit.slept", passed > 8000 && passed < 10000);
}

static void other_hints(void) {
  __asm__ volatile("sev\n\twfe\n\tyield\n\tnop" ::: "memory");
  check_true("hints.do-not-hang", true);
}

// --- the vector table
// ----------------------------------------------------------------------

static vector other_table[128] __attribute__((aligned(512)));

static void on_other(void) {
  note('o');
}

static void vtor(void) {
  const uint32_t table = rd(VTOR);
  for (uint32_t i = 0; i < 126; i++)
    other_table[i] = on_other;
  set_irq(IRQ_A, on_a, 0x40);
  clear_order();
  wr(VTOR, (uint32_t)(uintptr_t)other_table);
  barrier();
  pend(IRQ_A);
  barrier();
  wr(VTOR, table);
  barrier();
  pend(IRQ_A);
  barrier();
  check_order("vtor.both-tables", "oa");
}

// --- computing
// ----------------------------------------------------------------------------

static uint32_t crc32(const uint8_t *p, uint32_t n) {
  uint32_t c = 0xFFFFFFFF;
  while (n--) {
    c ^= *p++;
    for (int k = 0; k < 8; k++)
      c = c >> 1 ^ (0xEDB88320u & -(c & 1));
  }
  return ~c;
}

static void computing(void) {
  check("crc32", crc32((const uint8_t *)"123456789", 9), 0xCBF43926);
  uint32_t high, low;
  __asm__ volatile("umull %0, %1, %2, %3"
                   : "=&r"(low), "=&r"(high)
                   : "r"(0xDEADBEEF), "r"(0xCAFEBABE));
  check("umull", high, 0xB092AB7B);
  check("umull.low", low, 0x88CF5B62);
  volatile int32_t zero = 0;
  int32_t quotient;
  __asm__ volatile("sdiv %0, %1, %2" : "=r"(quotient) : "r"(5), "r"(zero));
  check("sdiv.by-zero-is-zero", (uint32_t)quotient, 0);
  uint32_t v;
  __asm__ volatile("rbit %0, %1" : "=r"(v) : "r"(0x00000123));
  check("rbit", v, 0xC4800000);
  __asm__ volatile("ssat %0, #8, %1" : "=r"(v) : "r"(-1000));
  check("ssat", v, 0xFFFFFF80);
  __asm__ volatile("uadd8 %0, %1, %2" : "=r"(v) : "r"(0x01FF7F80), "r"(0x01010101));
  check("uadd8", v, 0x02008081);
}

void guest_main(void) {
  computing();
  special_registers();
  unaligned_access();
  supervisor_calls();
  process_stack_use();
  stack_alignment();
  flags_across_exceptions();
  software_interrupts();
  short_windows();
  nmi();
  faultmask_ends_with_its_handler();
  nesting();
  grouping();
  returns();
  levels();
  cycle_counter();
  sleeping();
  sleeping_under_basepri();
  sleep_on_exit();
  other_hints();
  vtor();
}
