// SPDX-License-Identifier: MIT
// Faults: which exception, which flags and addresses, the stacked PC, escalation.
// MAILBOX(0) = 1: the CPU knows the exact PC of every data access (PRECISE mode).
#include "tests/guests/guest.h"

enum {
  MEMFAULTENA = 1 << 16,
  BUSFAULTENA = 1 << 17,
  USGFAULTENA = 1 << 18,
  ALL_FAULTS = MEMFAULTENA | BUSFAULTENA | USGFAULTENA,

  IACCVIOL = 1 << 0,
  DACCVIOL = 1 << 1,
  MMARVALID = 1 << 7,
  IBUSERR = 1 << 8,
  PRECISERR = 1 << 9,
  BFARVALID = 1 << 15,
  UNDEFINSTR = 1 << 16,
  INVSTATE = 1 << 17,
};
#define FORCED   BIT(30)
#define DEBUGEVT BIT(31)
#define NOWHERE  0xB0000000u  // no memory and no register

// --- what the handler saw
// ----------------------------------------------------------------

static volatile struct {
  uint32_t count, exception, pc, lr, cfsr, hfsr, mmfar, bfar;
} seen;

// Where to go on; 0: return to the caller's LR.
static volatile uint32_t resume;

__attribute__((used)) static void fault_body(uint32_t *frame) {
  seen.count++;
  seen.exception = ipsr();
  seen.pc = frame[6];
  seen.lr = frame[5];
  seen.cfsr = rd(CFSR);
  seen.hfsr = rd(HFSR);
  seen.mmfar = rd(MMFAR);
  seen.bfar = rd(BFAR);
  wr(CFSR, seen.cfsr);
  wr(HFSR, seen.hfsr);
  const uint32_t to = resume ? resume : frame[5];
  frame[6] = to & ~1u;
  frame[7] = (frame[7] | BIT(24)) & ~0x0600FC00u;  // Thumb, no IT
}

__attribute__((naked)) static void on_fault(void) {
  __asm__ volatile(
      "tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb fault_body");
}

static void check_fault(const char *name, uint32_t exception, uint32_t cfsr,
                        uint32_t hfsr) {
  const bool good = seen.count == 1 && seen.exception == exception &&
                    seen.cfsr == cfsr && seen.hfsr == hfsr;
  if (!good) {
    print_hex(seen.count);
    print(" faults, the last: exception ");
    print_hex(seen.exception);
    print(" CFSR ");
    print_hex(seen.cfsr);
    print(" HFSR ");
    print_hex(seen.hfsr);
    print("\n");
  }
  check(name, good, 1);
  seen.count = 0;
}

static bool pc_is_exact(void) {
  return rd(MAILBOX(0)) == 1;
}

// Runs one instruction that faults and carries on behind it; `fault_pc` gets the
// address of the instruction.
#define FAULTING(instruction, operands...)                              \
  __asm__ volatile(                                                     \
      "adr %0, 2f\n\tadr r1, 3f\n\tstr r1, [%1]\n\tb 2f\n\t.balign 4\n" \
      "2:\t" instruction "\n\t.balign 4\n3:"                            \
      : "=&r"(fault_pc)                                                 \
      : "r"(&resume), ##operands                                        \
      : "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc")

// --- usage faults
// ------------------------------------------------------------------------

static void undefined_instructions(void) {
  uint32_t fault_pc;
  wr(SHCSR, 0);
  FAULTING("udf #1");
  check("udf.pc", seen.pc, fault_pc);
  check_fault("udf.escalates-when-disabled", EXC_HARDFAULT, UNDEFINSTR, FORCED);
  wr(SHCSR, ALL_FAULTS);
  FAULTING("udf.w #1");
  check("udf.wide-pc", seen.pc, fault_pc);
  check_fault("udf.usage-fault", EXC_USAGEFAULT, UNDEFINSTR, 0);
}

static void wrong_state(void) {
  resume = 0;
  // Branch to an even address: no Thumb.
  void (*volatile even)(void) = (void (*)(void))((uint32_t)(uintptr_t)print & ~1u);
  even();
  check("state.pc", seen.pc, (uint32_t)(uintptr_t)even);
  check_fault("state.invstate", EXC_USAGEFAULT, INVSTATE, 0);
}

static void breakpoints(void) {
  uint32_t fault_pc;
  FAULTING("bkpt #0");
  check("bkpt.pc", seen.pc, fault_pc);
  check_fault("bkpt.hard-fault-without-debugger", EXC_HARDFAULT, 0, DEBUGEVT);
}

// --- bus faults
// --------------------------------------------------------------------------

static void data_bus_errors(void) {
  uint32_t fault_pc;
  wr(SHCSR, ALL_FAULTS);
  FAULTING("ldr r2, [%2, #4]", "r"(NOWHERE));
  check("bus.bfar", seen.bfar, NOWHERE + 4);
  if (pc_is_exact()) check("bus.pc", seen.pc, fault_pc);
  check_fault("bus.read", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
  FAULTING("strb r2, [%2, #1]", "r"(NOWHERE));
  check("bus.bfar-of-a-store", seen.bfar, NOWHERE + 1);
  check_fault("bus.write", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
  wr(SHCSR, 0);
  FAULTING("ldrh r2, [%2]", "r"(NOWHERE));
  check_fault("bus.escalates-when-disabled", EXC_HARDFAULT, PRECISERR | BFARVALID,
              FORCED);
}

static void instruction_bus_errors(void) {
  wr(SHCSR, ALL_FAULTS);
  resume = 0;
  void (*volatile beyond)(void) = (void (*)(void))(0x08200000u | 1u);
  beyond();
  check("fetch.pc", seen.pc, 0x08200000);
  check_fault("fetch.bus-error", EXC_BUSFAULT, IBUSERR, 0);
}

static void writing_system_memory(void) {
  uint32_t fault_pc;
  FAULTING("str r2, [%2]", "r"(0x1FF00000u));
  check("rom.bfar", seen.bfar, 0x1FF00000);
  check_fault("rom.write", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
}

// --- memory management
// ----------------------------------------------------------------------

static void execute_never(void) {
  resume = 0;
  void (*volatile device)(void) = (void (*)(void))(GPIO('A') | 1u);
  device();
  check("xn.pc", seen.pc, GPIO('A'));
  check_fault("xn.device-memory", EXC_MEMMANAGE, IACCVIOL, 0);
}

static void forbid_window(void) {
  wr(MPU_RNR, 0);
  wr(MPU_RBAR, 0x90000000);
  wr(MPU_RASR, BIT(28) | 27u << 1 | 1);  // 256 MB, no access
  wr(MPU_CTRL, 5);
  barrier();
}

static void forbidden_window(void) {
  uint32_t fault_pc;
  forbid_window();
  FAULTING("ldr r2, [%2]", "r"(0x90000010u));
  check("mpu.mmfar", seen.mmfar, 0x90000010);
  if (pc_is_exact()) check("mpu.pc", seen.pc, fault_pc);
  check_fault("mpu.read-of-the-window", EXC_MEMMANAGE, DACCVIOL | MMARVALID, 0);
  resume = 0;
  void (*volatile window)(void) = (void (*)(void))0x90000001u;
  window();
  check_fault("mpu.fetch-from-the-window", EXC_MEMMANAGE, IACCVIOL, 0);
  wr(SHCSR, BUSFAULTENA | USGFAULTENA);
  FAULTING("ldr r2, [%2]", "r"(0x90000010u));
  check_fault("mpu.escalates-when-disabled", EXC_HARDFAULT, DACCVIOL | MMARVALID,
              FORCED);
  wr(SHCSR, ALL_FAULTS);
  wr(MPU_CTRL, 0);
  barrier();
  // Allowed, but the controller does not map it: the bus answers with an error.
  FAULTING("ldr r2, [%2]", "r"(0x90000010u));
  check_fault("mpu.off-it-is-a-bus-error", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
}

// --- escalation
// -----------------------------------------------------------------------------

static void faults_under_masks(void) {
  uint32_t fault_pc;
  irq_off();
  FAULTING("udf #2");
  irq_on();
  check_fault("escalate.primask", EXC_HARDFAULT, UNDEFINSTR, FORCED);
  wr8(SHPR(EXC_USAGEFAULT), 0x80);
  set_basepri(0x80);
  FAULTING("udf #3");
  set_basepri(0);
  check_fault("escalate.basepri", EXC_HARDFAULT, UNDEFINSTR, FORCED);
  set_basepri(0x90);
  FAULTING("udf #4");
  set_basepri(0);
  check_fault("escalate.not-by-a-lower-basepri", EXC_USAGEFAULT, UNDEFINSTR, 0);
  irq_off();
  FAULTING("svc #1");
  irq_on();
  check_fault("escalate.svc", EXC_HARDFAULT, 0, FORCED);
}

static volatile uint32_t handler_runs;

static void faulting_handler(void) {
  uint32_t fault_pc;
  handler_runs++;
  FAULTING("udf #5");
}

static void faults_in_handlers(void) {
  wr8(SHPR(EXC_USAGEFAULT), 0x80);
  set_irq(8, faulting_handler, 0x80);
  wr(NVIC_ISPR(0), BIT(8));
  barrier();
  check("handler.ran", handler_runs, 1);
  check_fault("handler.equal-priority-escalates", EXC_HARDFAULT, UNDEFINSTR, FORCED);
  wr8(SHPR(EXC_USAGEFAULT), 0x40);
  wr(NVIC_ISPR(0), BIT(8));
  barrier();
  check("handler.ran-again", handler_runs, 2);
  check_fault("handler.higher-priority-nests", EXC_USAGEFAULT, UNDEFINSTR, 0);
  wr8(SHPR(EXC_USAGEFAULT), 0);
}

// Inside an IT block: the handler's frame decides where to go on.
static void faults_inside_it(void) {
  uint32_t fault_pc;
  FAULTING("cmp r0, r0\n\tittt eq\n\taddeq r3, #1\n\tldreq r2, [%2]\n\taddeq r3, #1",
           "r"(NOWHERE));
  check_fault("it.data-fault", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
}

void guest_main(void) {
  for (uint32_t i = EXC_HARDFAULT; i <= EXC_USAGEFAULT; i++)
    set_vector(i, on_fault);
  set_vector(EXC_SVC, on_fault);
  undefined_instructions();
  wrong_state();
  breakpoints();
  data_bus_errors();
  instruction_bus_errors();
  writing_system_memory();
  execute_never();
  forbidden_window();
  faults_under_masks();
  faults_in_handlers();
  faults_inside_it();
}
