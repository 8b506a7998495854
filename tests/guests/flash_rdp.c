// SPDX-License-Identifier: MIT
// Read protection: this program sets level 1 and boots itself from SRAM2, where the
// flash is shut to it; gives level 1 up, and finds the flash open and blank. A wrong
// key on the way. It runs from RAM, and what it leaves there outlasts a reset.
#include "tests/guests/faults.h"
#include "tests/guests/flash.h"

#define FACTORY   0xFFFFAAFDu
#define LEVEL1    0xFFFF55FDu
#define FACTORY1  0x00400080u
#define BOOT_RAM  0x0040801Fu
#define SRAM2     0x2007C000u
#define BKPSRAM   0x40024000u
#define WRPERR    BIT(4)
#define IMPRECISE BIT(10)

void start_in_ram(void);

static volatile bool in_ram;

static void on_end(void) {
  wr(FLASH_SR, BIT(0));
}

// --- at level 0

// Locked until the next reset, and an error on the bus: a buffered store's.
static void wrong_key(uint32_t key_register, uint32_t control, uint32_t lock) {
  uint32_t fault_pc;
  FAULTING("str r2, [%2]\n\tdsb\n\tisb", "r"(key_register));
  check_fault("key.bus-error", EXC_BUSFAULT, IMPRECISE, 0);
  flash_unlock();
  options_unlock();
  check("key.locked", rd(control) & lock, lock);
}

static void boot_from_ram(void) {
  wr(SRAM2, 0x2001FF00);
  wr(SRAM2 + 4, (uint32_t)(uintptr_t)start_in_ram);
  in_ram = true;
  options_unlock();
  options_program(LEVEL1, BOOT_RAM);
  check("level-1.booted-from-flash", rd(0x08000000), 0x2001FF00);
  system_reset();
}

// --- at level 1, from RAM

static void reads_fault(void) {
  uint32_t fault_pc;
  FAULTING("ldr r2, [%2]", "r"(0x08000000u));
  check("shut.bfar", seen.bfar, 0x08000000);
  check_fault("shut.read", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
  FAULTING("ldr r2, [%2]", "r"(0x002FFFFCu));
  check("shut.bfar-of-the-alias", seen.bfar, 0x002FFFFC);
  check_fault("shut.read-of-the-alias", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
  resume = 0;
  ((void (*)(void))0x08000101u)();
  check_fault("shut.fetch", EXC_BUSFAULT, IBUSERR, 0);
  set(RCC_AHB1ENR, BIT(18));
  (void)rd(RCC_AHB1ENR);
  FAULTING("ldr r2, [%2]\n\tisb", "r"(BKPSRAM));
  check("shut.bfar-of-backup-sram", seen.bfar, BKPSRAM);
  check_fault("shut.backup-sram", EXC_BUSFAULT, PRECISERR | BFARVALID, 0);
}

static void nothing_is_changed(void) {
  wr(FLASH_CR, CR_PG | CR_X32);
  wr(0x08100000, 0);
  barrier();
  check("shut.program", rd(FLASH_SR), WRPERR);
  wr(FLASH_SR, WRPERR);
  flash_start_erase(2);
  check("shut.erase", rd(FLASH_SR), WRPERR);
  wr(FLASH_SR, WRPERR);
}

static void give_it_up(void) {
  wr(FLASH_CR, CR_EOPIE);
  options_unlock();
  options_program(FACTORY, FACTORY1);
  check("open.first-word", rd(0x08000000), 0xFFFFFFFF);
  check("open.alias", rd(0x003FFFFC), 0xFFFFFFFF);
  check("open.backup-sram", rd(BKPSRAM), 0xFFFFFFFF);
  flash_program(0x08000000, 0x1234);
  check("open.programmed", rd(0x08000000), 0x1234);
}

void guest_main(void) {
  catch_faults();
  wr(SHCSR, ALL_FAULTS);
  set_irq(IRQ_FLASH, on_end, 0);
  if (rd(MAILBOX(0)) == 1) {
    wrong_key(FLASH_KEYR, FLASH_CR, BIT(31));
    return;
  }
  if (rd(MAILBOX(0)) == 2) {
    wrong_key(FLASH_OPTKEYR, FLASH_OPTCR, OPTCR_LOCK);
    return;
  }
  flash_unlock();
  wr(FLASH_CR, CR_EOPIE);
  if (!in_ram) boot_from_ram();
  reads_fault();
  nothing_is_changed();
  give_it_up();
}
