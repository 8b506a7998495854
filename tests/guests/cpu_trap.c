// SPDX-License-Identifier: MIT
// What traps by what registers hold: division by zero, unaligned addresses, an FPU that
// is off, bad exception returns, stacks and tables that are not there; and the events
// and monitors that exceptions change (ARMv7-M ARM A3.2, A3.4, B1.5).
// MAILBOX(0) = 1: the CPU knows the exact instruction (PRECISE mode).
#include "tests/guests/faults.h"

// The compiler is not to use it, only the lines below.
__asm__(".fpu fpv5-d16");

enum { UNALIGN_TRP = 1 << 3, DIV_0_TRP = 1 << 4, IRQ_A = 8 };
#define FPCCR  0xE000EF34u
#define FPCAR  0xE000EF38u
#define LSPACT BIT(0)
#define DFSR   0xE000ED30u

static uint32_t words[8] __attribute__((aligned(32)));

// --- division ---

static void divisions(void) {
  uint32_t fault_pc, result = 7;
  __asm__ volatile("udiv %0, %1, %2" : "=r"(result) : "r"(100), "r"(0));
  check("div.zero-gives-zero", result, 0);
  set(CCR, DIV_0_TRP);
  barrier();
  FAULTING("udiv r2, r2, %2", "r"(0));
  check("div.trap-pc", seen.pc, fault_pc);
  check_fault("div.unsigned", EXC_USAGEFAULT, DIVBYZERO, 0);
  FAULTING("sdiv r2, r2, %2", "r"(0));
  check_fault("div.signed", EXC_USAGEFAULT, DIVBYZERO, 0);
  // The divisor comes from the same run of instructions.
  FAULTING("movs r3, #0\n\tudiv r2, r2, r3\n\tnop");
  check("div.computed-pc", seen.pc, fault_pc + 2);
  check_fault("div.computed-divisor", EXC_USAGEFAULT, DIVBYZERO, 0);
  __asm__ volatile("cmp %1, #1\n\tit eq\n\tudiveq %0, %0, %1" : "+r"(result) : "r"(0));
  check("div.not-executed-in-it", seen.count, 0);
  __asm__ volatile("udiv %0, %1, %2" : "=r"(result) : "r"(100), "r"(7));
  check("div.good", result, 14);
  clear(CCR, DIV_0_TRP);
}

// --- alignment ---

static void always_aligned(void) {
  uint32_t fault_pc;
  const uint32_t odd = (uint32_t)(uintptr_t)words + 2;
  FAULTING("ldm %2, {r2, r3}", "r"(odd));
  check("align.ldm-pc", seen.pc, fault_pc);
  check_fault("align.ldm", EXC_USAGEFAULT, UNALIGNED, 0);
  FAULTING("stm %2, {r2, r3}", "r"(odd));
  check_fault("align.stm", EXC_USAGEFAULT, UNALIGNED, 0);
  FAULTING("ldrd r2, r3, [%2, #4]", "r"(odd));
  check_fault("align.ldrd", EXC_USAGEFAULT, UNALIGNED, 0);
  FAULTING("strd r2, r3, [%2]", "r"(odd));
  check_fault("align.strd", EXC_USAGEFAULT, UNALIGNED, 0);
  FAULTING("ldrex r2, [%2]", "r"(odd));
  check_fault("align.ldrex", EXC_USAGEFAULT, UNALIGNED, 0);
  FAULTING("ldrexh r2, [%2]", "r"(odd + 1));
  check_fault("align.ldrexh", EXC_USAGEFAULT, UNALIGNED, 0);
  FAULTING("vldr s0, [%2]", "r"(odd));
  check_fault("align.vldr", EXC_USAGEFAULT, UNALIGNED, 0);
  uint32_t a = 0;
  __asm__ volatile("ldr %0, [%1]" : "=r"(a) : "r"(odd) : "memory");
  check("align.ldr-is-free", seen.count, 0);
}

static void trapped_alignment(void) {
  uint32_t fault_pc;
  const uint32_t odd = (uint32_t)(uintptr_t)words + 1;
  set(CCR, UNALIGN_TRP);
  barrier();
  FAULTING("ldr r2, [%2]", "r"(odd));
  if (pc_is_exact()) check("trap.pc", seen.pc, fault_pc);
  check_fault("trap.ldr", EXC_USAGEFAULT, UNALIGNED, 0);
  words[0] = 0x11111111;
  FAULTING("str r2, [%2]", "r"(odd));
  check_fault("trap.str", EXC_USAGEFAULT, UNALIGNED, 0);
  check("trap.nothing-is-stored", words[0], 0x11111111);
  FAULTING("ldrh r2, [%2]", "r"(odd));
  check_fault("trap.ldrh", EXC_USAGEFAULT, UNALIGNED, 0);
  (void)rd8(odd);
  (void)rd(odd + 3);
  check("trap.aligned-is-free", seen.count, 0);
  clear(CCR, UNALIGN_TRP);
  barrier();
  (void)rd(odd);
  check("trap.off-again", seen.count, 0);
}

// --- coprocessors ---

static void coprocessors(void) {
  uint32_t fault_pc;
  clear(CPACR, 0xFu << 20);
  barrier();
  FAULTING("vmov.f32 s0, s1");
  check("nocp.pc", seen.pc, fault_pc);
  check_fault("nocp.fpu-off", EXC_USAGEFAULT, NOCP, 0);
  set(CPACR, 0xFu << 20);
  barrier();
  __asm__ volatile("vmov.f32 s0, s1");
  check("nocp.fpu-on", seen.count, 0);
  FAULTING("mcr p7, #0, r2, c0, c0, #0");
  check_fault("nocp.coprocessor-7", EXC_USAGEFAULT, NOCP, 0);
}

// --- lazy state ---

static volatile uint32_t fpccr_at_entry, fpccr_after_use, fpcar, handler_sp, fp_seen;

NOINLINE static void use_fpu(void) {
  __asm__ volatile("vmov.f32 s0, #2.0");
}

static void look_at_lazy_state(void) {
  fpccr_at_entry = rd(FPCCR);
  fpcar = rd(FPCAR);
  __asm__ volatile("mov %0, sp" : "=r"(handler_sp));
  use_fpu();
  fpccr_after_use = rd(FPCCR);
}

static void lazy_state(void) {
  set_irq(IRQ_A, look_at_lazy_state, 0x80);
  uint32_t kept;
  __asm__ volatile("vmov s0, %0" ::"r"(0x12345678));
  wr(NVIC_ISPR(0), BIT(IRQ_A));
  barrier();
  __asm__ volatile("vmov %0, s0" : "=r"(kept));
  check("lazy.kept", kept, 0x12345678);
  check("lazy.active-at-entry", fpccr_at_entry & LSPACT, LSPACT);
  check_true("lazy.fpcar-in-the-frame", fpcar > handler_sp && fpcar < handler_sp + 128);
  check("lazy.done-after-use", fpccr_after_use & LSPACT, 0);
  check("lazy.not-active-in-thread", rd(FPCCR) & LSPACT, 0);
}

// --- exception returns ---

__attribute__((naked)) static void returns_badly(void) {
  __asm__ volatile("ldr r0, =bad_return_is\n\tldr r0, [r0]\n\tbx r0\n\t.ltorg");
}
__attribute__((used)) volatile uint32_t bad_return_is;

__attribute__((naked)) static void on_invpc(void) {
  __asm__ volatile(
      "ldr r1, =invpc_lr_is\n\tstr lr, [r1]\n\t"
      "push {r4, lr}\n\tbl invpc_body\n\tpop {r4, lr}\n\t"
      "ldr r1, =good_return_is\n\tldr lr, [r1]\n\tbx lr\n\t.ltorg");
}
__attribute__((used)) volatile uint32_t invpc_lr_is, good_return_is;

__attribute__((used)) static void invpc_body(void) {
  seen.count++;
  seen.exception = ipsr();
  seen.cfsr = rd(CFSR);
  seen.hfsr = rd(HFSR);
  wr(CFSR, seen.cfsr);
}

__attribute__((naked)) static void note_return(void) {
  __asm__ volatile("ldr r0, =good_return_is\n\tstr lr, [r0]\n\tbx lr\n\t.ltorg");
}

static void try_return(const char *name, uint32_t value) {
  set_irq(IRQ_A, note_return, 0x80);
  wr(NVIC_ISPR(0), BIT(IRQ_A));
  barrier();
  set_irq(IRQ_A, returns_badly, 0x80);
  set_vector(EXC_USAGEFAULT, on_invpc);
  bad_return_is = value ? value : good_return_is & ~8u;
  wr(NVIC_ISPR(0), BIT(IRQ_A));
  barrier();
  check_fault(name, EXC_USAGEFAULT, INVPC, 0);
  catch_faults();
}

static void bad_returns(void) {
  try_return("invpc.no-such-return", 0xFFFFFFF5);
  try_return("invpc.to-handler-from-the-only-one", 0xFFFFFFF1);
  check("invpc.nothing-is-active", rd(0xE000E300) & BIT(IRQ_A), 0);
}

// --- stacks and tables ---

static volatile uint32_t irq_runs;

static void count_irq(void) {
  irq_runs++;
}

// The thread's stack is where no RAM is; the fault's handler puts it right.
__attribute__((naked)) static void on_stack_fault(void) {
  __asm__ volatile(
      "push {r4, lr}\n\tbl stack_fault_body\n\tpop {r4, lr}\n\t"
      "ldr r0, =good_psp\n\tldr r0, [r0]\n\tmsr psp, r0\n\tbx lr\n\t.ltorg");
}
__attribute__((used)) volatile uint32_t good_psp;
static uint32_t spare_stack[64] __attribute__((aligned(8)));

__attribute__((used)) static void stack_fault_body(void) {
  seen.count++;
  seen.exception = ipsr();
  seen.cfsr = rd(CFSR);
  seen.hfsr = rd(HFSR);
  wr(CFSR, seen.cfsr);
}

__attribute__((noinline)) static void pend_on_stack(uint32_t psp) {
  __asm__ volatile(
      "mrs r2, msp\n\tmsr psp, %0\n\tmov r3, #2\n\tmsr control, r3\n\tisb\n\t"
      "str %2, [%1]\n\tdsb\n\tisb\n\t"
      ".global after_stack_fault\n.thumb_func\nafter_stack_fault:\n\t"
      "mov r3, #0\n\tmsr control, r3\n\tisb"
      :
      : "r"(psp), "r"(NVIC_ISPR(0)), "r"(BIT(IRQ_A))
      : "r0", "r1", "r2", "r3", "r12", "lr", "memory");
}

void after_stack_fault(void);

static void stacks(void) {
  uint32_t *frame = &spare_stack[32];
  for (uint32_t i = 0; i < 8; i++)
    frame[i] = 0;
  frame[6] = (uint32_t)(uintptr_t)after_stack_fault & ~1u;
  frame[7] = BIT(24);
  good_psp = (uint32_t)(uintptr_t)frame;
  set_irq(IRQ_A, count_irq, 0x80);
  set_vector(EXC_BUSFAULT, on_stack_fault);
  irq_runs = 0;
  pend_on_stack(0x20080010);
  check("stack.the-interrupt-follows", irq_runs, 1);
  check_fault("stack.stkerr", EXC_BUSFAULT, STKERR, 0);
  catch_faults();
}

static volatile uint32_t true_table;

static void on_table_fault(void) {
  seen.count++;
  seen.exception = ipsr();
  seen.cfsr = rd(CFSR);
  seen.hfsr = rd(HFSR);
  wr(HFSR, seen.hfsr);
  wr(NVIC_ICPR(0), BIT(20));
  wr(VTOR, true_table);
}

// Of a table at the end of RAM only the first 32 vectors are there.
static void no_table(void) {
  const uint32_t end = 0x2007FF80;
  true_table = rd(VTOR);
  set_vector(EXC_HARDFAULT, on_table_fault);
  for (uint32_t i = 0; i < 32; i++)
    wr(end + 4 * i, rd(true_table + 4 * i));
  set_irq(20, count_irq, 0x80);
  wr(VTOR, end);
  irq_runs = 0;
  wr(NVIC_ISPR(0), BIT(20));
  barrier();
  check("table.not-run", irq_runs, 0);
  check_fault("table.vecttbl", EXC_HARDFAULT, 0, VECTTBL);
  catch_faults();
}

// --- monitor ---

static void exclusives(void) {
  uint32_t failed = 9;
  words[0] = 1;
  __asm__ volatile("ldrex r2, [%1]\n\tb 1f\n1:\tstrex %0, r2, [%1]"
                   : "=&r"(failed)
                   : "r"(words)
                   : "r2", "memory");
  check("monitor.closed", failed, 0);
  irq_runs = 0;
  __asm__ volatile(
      "ldrex r2, [%1]\n\tadd r2, #1\n\tstr %3, [%2]\n\tdsb\n\tisb\n\tb 1f\n"
      "1:\tstrex %0, r2, [%1]"
      : "=&r"(failed)
      : "r"(words), "r"(NVIC_ISPR(0)), "r"(BIT(IRQ_A))
      : "r2", "memory");
  check("monitor.interrupted", irq_runs, 1);
  check("monitor.opened-by-the-interrupt", failed, 1);
  check("monitor.nothing-stored", words[0], 1);
}

// --- events ---

static void on_tick(void) {
  irq_runs++;
}

static void wait_for_tick(void) {
  wr(SYST_RVR, 1600 - 1);
  wr(SYST_CVR, 0);
  wr(SYST_CSR, 7);
  __asm__ volatile("wfe" ::: "memory");
  wr(SYST_CSR, 0);
}

static void events(void) {
  set_vector(EXC_SYSTICK, on_tick);
  // An exception's return has left an event: the first WFE takes it.
  __asm__ volatile("sev\n\twfe" ::: "memory");
  irq_runs = 0;
  wait_for_tick();
  check("event.interrupt-wakes", irq_runs, 1);
  __asm__ volatile("wfe" ::: "memory");
  check_true("event.return-left-one", true);
  // Pending but disabled: an event only with SEVONPEND.
  wr(NVIC_ICER(0), BIT(IRQ_A));
  wr(SCR, BIT(4));
  wr(NVIC_ISPR(0), BIT(IRQ_A));
  barrier();
  __asm__ volatile("wfe" ::: "memory");
  check_true("event.sevonpend-is-one", true);
  wr(NVIC_ICPR(0), BIT(IRQ_A));
  wr(SCR, 0);
}

// --- trace ---

#define ITM_STIM0 0xE0000000u
#define ITM_TER   0xE0000E00u
#define ITM_TCR   0xE0000E80u
#define ITM_LAR   0xE0000FB0u

// As CMSIS does; the test reads what arrives.
static void itm_print(const char *text) {
  for (; *text; text++) {
    while (!rd(ITM_STIM0)) {
    }
    wr8(ITM_STIM0, (uint8_t)*text);
  }
}

static void trace(void) {
  set(DEMCR, BIT(24));
  wr(ITM_LAR, 0xC5ACCE55);
  wr(ITM_TCR, 1);
  wr(ITM_TER, 1);
  itm_print("by the ITM");
  wr(DWT_LAR, 0xC5ACCE55);
  set(DWT_CTRL, 1);
  const uint32_t before = rd(DWT_CYCCNT);
  barrier();
  check_true("dwt.counts", rd(DWT_CYCCNT) > before);
  clear(DEMCR, BIT(24));
  const uint32_t stopped = rd(DWT_CYCCNT);
  barrier();
  check("dwt.stands-without-trcena", rd(DWT_CYCCNT), stopped);
  check("id.cpuid", rd(0xE000ED00), 0x411FC270);
  check("id.ctr", rd(0xE000ED7C), 0x8303C003);
  check("id.clidr", rd(0xE000ED78), 0x09000003);
}

// --- the monitor exception, and SHCSR ---

static void debug_monitor(void) {
  uint32_t fault_pc;
  set_vector(12, on_fault);
  set(DEMCR, BIT(16));
  FAULTING("bkpt #1");
  check("monitor.pc", seen.pc, fault_pc);
  check_fault("monitor.takes-bkpt", 12, 0, 0);
  check("monitor.dfsr", rd(DFSR) & BIT(1), BIT(1));
  wr(DFSR, BIT(1));
  clear(DEMCR, BIT(16));
}

static void note_only(void) {
  seen.count++;
  seen.exception = ipsr();
}

static void pended_by_hand(void) {
  set_vector(EXC_BUSFAULT, note_only);
  set(SHCSR, BIT(14));  // BUSFAULTPENDED
  barrier();
  check("shcsr.pended-runs", seen.exception, EXC_BUSFAULT);
  check("shcsr.once", seen.count, 1);
  seen.count = 0;
  check("shcsr.nothing-active", rd(SHCSR) & 0xFFFF, 0);
}

void guest_main(void) {
  catch_faults();
  wr(SHCSR, ALL_FAULTS);
  divisions();
  always_aligned();
  trapped_alignment();
  coprocessors();
  lazy_state();
  bad_returns();
  stacks();
  no_table();
  exclusives();
  events();
  trace();
  debug_monitor();
  pended_by_hand();
}
