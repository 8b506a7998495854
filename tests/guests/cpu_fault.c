// SPDX-License-Identifier: MIT
// Faults: which exception, which flags and addresses, the stacked PC, escalation.
// MAILBOX(0) = 1: the CPU knows the exact PC of every data access (PRECISE mode).
#include "tests/guests/faults.h"

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
  catch_faults();
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
