// SPDX-License-Identifier: MIT
// The MPU on data and instructions, privilege, and what hardware stacks
// (ARMv7-M ARM B3.5). MAILBOX(0) = 1: the exact instruction is known (PRECISE mode).
#include "tests/guests/faults.h"

enum { ENABLE = 1, HFNMIENA = 2, PRIVDEFENA = 4, XN = 1 << 28 };
enum {
  NO_ACCESS = 0,
  PRIVILEGED = 1 << 24,
  READ_BY_USER = 2 << 24,
  FULL = 3 << 24,
  READ_PRIVILEGED = 5 << 24,
  READ_ONLY = 6 << 24,
};
#define NORMAL   (BIT(17) | BIT(16))  // write-back
#define GUARD    0x20030000u          // 4 KB of SRAM1
#define DTCM     0x20000000u
#define FLASH    0x08000000u
#define SIZE(n)  (((n)-1u) << 1)  // 2^n bytes
#define GPIO_ODR (GPIO('A') + 0x14)

static void region(uint32_t n, uint32_t base, uint32_t settings) {
  wr(MPU_RNR, n);
  wr(MPU_RBAR, base);
  wr(MPU_RASR, settings ? settings | 1 : 0);
}

static void mpu_on(uint32_t control) {
  wr(MPU_CTRL, control | ENABLE);
  barrier();
}

static void mpu_off(void) {
  wr(MPU_CTRL, 0);
  for (uint32_t n = 0; n < 8; n++)
    region(n, 0, 0);
  barrier();
}

// --- privileged ---

static void a_guard_page(void) {
  uint32_t fault_pc;
  wr(GUARD + 8, 0x11);
  region(0, GUARD, NO_ACCESS | NORMAL | SIZE(12));
  mpu_on(PRIVDEFENA);
  FAULTING("ldr r2, [%2]", "r"(GUARD + 8));
  check("guard.mmfar", seen.mmfar, GUARD + 8);
  if (pc_is_exact()) check("guard.pc", seen.pc, fault_pc);
  check_fault("guard.read", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  FAULTING("str r2, [%2]", "r"(GUARD + 0xFFC));
  check_fault("guard.write", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  FAULTING("strb r2, [%2]", "r"(GUARD));
  check_fault("guard.first-byte", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  (void)rd(GUARD - 4);
  (void)rd(GUARD + 0x1000);
  check("guard.neighbours-are-free", seen.count, 0);
  mpu_off();
  check("guard.off-it-reads", rd(GUARD + 8), 0x11);
}

static void read_only(void) {
  uint32_t fault_pc;
  wr(GUARD, 0x22);
  region(0, GUARD, READ_ONLY | NORMAL | SIZE(12));
  mpu_on(PRIVDEFENA);
  check("read-only.read", rd(GUARD), 0x22);
  FAULTING("str r2, [%2]", "r"(GUARD));
  check_fault("read-only.write", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  check("read-only.unchanged", rd(GUARD), 0x22);
  mpu_off();
}

static void subregions_and_overlap(void) {
  uint32_t fault_pc;
  // 32 KB without access, but not its second eighth: the 4 KB from +0x1000.
  region(0, GUARD, NO_ACCESS | NORMAL | SIZE(15) | 0x02 << 8);
  mpu_on(PRIVDEFENA);
  FAULTING("ldr r2, [%2]", "r"(GUARD + 0xFFC));
  check_fault("subregion.first", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  (void)rd(GUARD + 0x1000);
  (void)rd(GUARD + 0x1FFC);
  check("subregion.disabled", seen.count, 0);
  FAULTING("ldr r2, [%2]", "r"(GUARD + 0x2000));
  check_fault("subregion.third", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  region(5, GUARD, FULL | NORMAL | SIZE(15));
  barrier();
  (void)rd(GUARD);
  check("overlap.higher-number-wins", seen.count, 0);
  mpu_off();
}

// 32 bytes are the finest.
static void a_small_region(void) {
  uint32_t fault_pc;
  region(0, GUARD + 0x40, NO_ACCESS | NORMAL | SIZE(5));
  mpu_on(PRIVDEFENA);
  (void)rd(GUARD + 0x3C);
  (void)rd(GUARD + 0x60);
  check("small.neighbours", seen.count, 0);
  FAULTING("ldr r2, [%2]", "r"(GUARD + 0x5C));
  check_fault("small.inside", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  mpu_off();
}

static void registers_too(void) {
  uint32_t fault_pc;
  region(0, GPIO('A'), NO_ACCESS | SIZE(10));
  mpu_on(PRIVDEFENA);
  FAULTING("ldr r2, [%2]", "r"(GPIO_ODR));
  check("register.mmfar", seen.mmfar, GPIO_ODR);
  check_fault("register.forbidden", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  (void)rd(USART1_ISR);
  check("register.others", seen.count, 0);
  mpu_off();
}

static void no_background(void) {
  uint32_t fault_pc;
  region(0, FLASH, READ_ONLY | NORMAL | SIZE(21));
  region(1, DTCM, FULL | NORMAL | SIZE(17));
  region(2, 0x40000000, FULL | SIZE(29));
  mpu_on(0);
  FAULTING("ldr r2, [%2]", "r"(0x20020000));
  check_fault("background.off", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  (void)rd(SHCSR);
  check("background.ppb-is-always-there", seen.count, 0);
  FAULTING("str r2, [%2]", "r"(FLASH));
  check_fault("background.flash-is-read-only", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  mpu_off();
}

// --- instructions ---

static void put_return(uint32_t addr) {
  wr(addr, 0xBF004770);  // bx lr
  barrier();
}

static void execute_never(void) {
  put_return(GUARD);
  void (*volatile there)(void) = (void (*)(void))(GUARD | 1);
  resume = 0;
  there();
  check("xn.runs-without", seen.count, 0);
  region(0, GUARD, FULL | XN | NORMAL | SIZE(12));
  mpu_on(PRIVDEFENA);
  there();
  check("xn.pc", seen.pc, GUARD);
  check_fault("xn.ram", EXC_MEMMANAGE, IACCVIOL, 0);
  check("xn.data-is-free", rd(GUARD), 0xBF004770);
  mpu_off();
  there();
  check("xn.runs-again", seen.count, 0);
}

// --- NMI, HardFault, FAULTMASK ---

static volatile uint32_t in_handler;

static void on_nmi(void) {
  in_handler = rd(GUARD);
}

static void without_hfnmiena(void) {
  wr(GUARD, 0x33);
  set_vector(EXC_NMI, on_nmi);
  region(0, GUARD, NO_ACCESS | NORMAL | SIZE(12));
  mpu_on(PRIVDEFENA);
  in_handler = 0;
  wr(ICSR, BIT(31));
  barrier();
  check("hfnmiena.off-in-nmi", in_handler, 0x33);
  uint32_t value;
  __asm__ volatile("cpsid f\n\tisb\n\tldr %0, [%1]\n\tcpsie f\n\tisb"
                   : "=r"(value)
                   : "r"(GUARD));
  check("hfnmiena.off-under-faultmask", value, 0x33);
  uint32_t fault_pc;
  FAULTING("ldr r2, [%2]", "r"(GUARD));
  check_fault("hfnmiena.back-in-thread", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  mpu_off();
}

// --- unprivileged ---

static uint32_t user_stack[256] __attribute__((aligned(1024)));

__attribute__((naked)) static void on_svc(void) {
  __asm__ volatile("mov r0, #0\n\tmsr control, r0\n\tisb\n\tbx lr");
}

static void become_user(void) {
  barrier();
  __asm__ volatile("mov r0, #1\n\tmsr control, r0\n\tisb" ::: "r0", "memory");
}

static void become_privileged(void) {
  __asm__ volatile("svc #0" ::: "r0", "memory");
}

static void user_rights(void) {
  uint32_t fault_pc;
  wr(GUARD, 0x44);
  region(0, FLASH, READ_ONLY | NORMAL | SIZE(21));
  region(1, DTCM, FULL | NORMAL | SIZE(17));
  region(2, GUARD, PRIVILEGED | NORMAL | SIZE(12));
  region(3, GUARD + 0x1000, READ_BY_USER | NORMAL | SIZE(12));
  region(4, 0x40000000, FULL | SIZE(29));
  mpu_on(PRIVDEFENA);
  check("user.privileged-reads", rd(GUARD), 0x44);
  become_user();
  FAULTING("ldr r2, [%2]", "r"(GUARD));
  become_privileged();
  check_fault("user.privileged-only", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  become_user();
  const uint32_t value = rd(GUARD + 0x1000);
  (void)value;
  become_privileged();
  check("user.may-read", seen.count, 0);
  become_user();
  FAULTING("str r2, [%2]", "r"(GUARD + 0x1000));
  become_privileged();
  check_fault("user.may-not-write", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  wr(GUARD + 0x1000, 0x55);
  check("user.privileged-writes", rd(GUARD + 0x1000), 0x55);
  become_user();
  FAULTING("ldr r2, [%2]", "r"(0x20040000));
  become_privileged();
  check_fault("user.no-background", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  mpu_off();
}

static void user_and_system_registers(void) {
  uint32_t fault_pc;
  become_user();
  FAULTING("ldr r2, [%2]", "r"(SYST_CSR));
  become_privileged();
  check("user.bfar", seen.bfar, SYST_CSR);
  check_fault("user.ppb-is-a-bus-error", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
  (void)rd(SYST_CSR);
  check("user.privileged-again", seen.count, 0);
}

// --- what hardware stacks ---

__attribute__((used)) volatile uint32_t good_psp;
__attribute__((used)) static void stack_fault_body(void) {
  seen.count++;
  seen.exception = ipsr();
  seen.cfsr = rd(CFSR);
  seen.hfsr = rd(HFSR);
  wr(CFSR, seen.cfsr);
}

__attribute__((naked)) static void on_stack_fault(void) {
  __asm__ volatile(
      "push {r4, lr}\n\tbl stack_fault_body\n\tpop {r4, lr}\n\t"
      "ldr r0, =good_psp\n\tldr r0, [r0]\n\tmsr psp, r0\n\tbx lr\n\t.ltorg");
}

void after_overflow(void);

__attribute__((noinline)) static void call_on_stack(uint32_t psp) {
  __asm__ volatile(
      "msr psp, %0\n\tmov r3, #2\n\tmsr control, r3\n\tisb\n\tsvc #0\n\t"
      ".global after_overflow\n.thumb_func\nafter_overflow:\n\t"
      "mov r3, #0\n\tmsr control, r3\n\tisb" ::"r"(psp)
      : "r0", "r1", "r2", "r3", "r12", "lr", "memory");
}

static void a_stack_overflow(void) {
  uint32_t *frame = &user_stack[200];
  for (uint32_t i = 0; i < 8; i++)
    frame[i] = 0;
  frame[6] = (uint32_t)(uintptr_t)after_overflow & ~1u;
  frame[7] = BIT(24);
  good_psp = (uint32_t)(uintptr_t)frame;
  set_vector(EXC_MEMMANAGE, on_stack_fault);
  wr8(SHPR(EXC_SVC), 0x80);
  region(0, (uint32_t)(uintptr_t)user_stack, READ_PRIVILEGED | NORMAL | SIZE(5));
  mpu_on(PRIVDEFENA);
  call_on_stack((uint32_t)(uintptr_t)user_stack + 48);
  mpu_off();
  check_fault("stack.mstkerr", EXC_MEMMANAGE, MSTKERR, 0);
  catch_faults();
}

void guest_main(void) {
  catch_faults();
  set_vector(EXC_SVC, on_svc);
  wr(SHCSR, ALL_FAULTS);
  a_guard_page();
  read_only();
  subregions_and_overlap();
  a_small_region();
  registers_too();
  no_background();
  execute_never();
  without_hfnmiena();
  user_rights();
  user_and_system_registers();
  a_stack_overflow();
}
