// SPDX-License-Identifier: MIT
// The internal flash under programs that run on the CPU: read while write in two
// banks, option bytes over resets and power cycles, OTP, write protection.
#include <string.h>

#include "tests/system/guest_run.h"

#define FACTORY  0xFFFFAAFDu
#define FACTORY1 0x00400080u
#define NDBANK   (1u << 29)

static const enum guest_error nothing[] = {GUEST_ERROR_COUNT};
static const enum guest_error refused[] = {GUEST_FLASH_PROTECTED, GUEST_ERROR_COUNT};

static const struct variant {
  const char *level;
  enum cpu_mode mode;
} variants[] = {
    {"Os", CPU_BLOCK},
    {"O2", CPU_BLOCK},
    {"Os", CPU_PRECISE},
    {"O2", CPU_PRECISE},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static struct guest *open_guest(const char *name, size_t variant, bool dual,
                                uint32_t mail) {
  struct guest *g = guest_open("stm32f769i-disco", name, variants[variant].level,
                               variants[variant].mode);
  flash_f7_set_options(&g->machine->flash, FACTORY & ~(dual ? NDBANK : 0), FACTORY1);
  guest_start(g);
  guest_mail(g, 0, mail);
  return g;
}

static void read_while_write(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = open_guest("flash_dual", i, true, 0x08100000);
    guest_run(g, VT_S(10));
    guest_expect(g, 12, nothing);
    assert_int_equal(g->machine->flash.counters.mass_erases, 1);
    guest_close(g);
  }
}

// The same program where there is one bank: what it does is stalled for and reported.
static void in_one_bank_it_stalls(void **state) {
  (void)state;
  struct guest *g = open_guest("flash_dual", 0, false, 0x08100000);
  guest_run(g, VT_S(10));
  assert_int_equal(guest_count_lines(g, "FAIL rww.ticks-were-served"), 1);
  assert_true(report_count(&g->machine->sim.report, GUEST_FLASH_STALL) > 0);
  guest_close(g);
}

enum { MAIL_CONSOLE = 3 };  // as in tests/guests/guest.h

static void options(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = open_guest("flash_option", i, false, 0);
    guest_run(g, VT_S(2));
    assert_non_null(strstr(g->text, "cut the power\n"));
    assert_int_equal(g->machine->resets, 2);
    assert_int_equal(g->machine->scs.vtor & 0xF0000000, 0x20000000);
    machine_power_cut(g->machine);
    machine_power_on(g->machine);
    assert_int_equal(g->machine->scs.vtor, 0x08000000);  // by the new BOOT_ADD0
    guest_mail(g, MAIL_CONSOLE, 0);                      // RAM holds noise again
    guest_run(g, VT_S(20));
    guest_expect(g, 15, nothing);
    guest_close(g);
  }
}

static void otp(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    for (uint32_t again = 0; again < 2; again++) {
      struct guest *g = open_guest("flash_otp", i, false, again);
      guest_run(g, VT_S(1));
      guest_expect(g, again ? 8 : 6, again ? refused : nothing);
      assert_int_equal(g->machine->system_memory[0xF000 + 68], 0xAB);
      machine_power_cut(g->machine);
      machine_power_on(g->machine);
      assert_int_equal(g->machine->system_memory[0xF000 + 68], 0xAB);
      guest_close(g);
    }
  }
}

static void write_protection(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    for (uint32_t dual = 0; dual < 2; dual++) {
      struct guest *g = open_guest("flash_wrp", i, dual, dual);
      guest_run(g, VT_S(10));
      guest_expect(g, dual ? 9 : 8, refused);
      guest_close(g);
    }
  }
}

static void in_the_order_of_hal(void **state) {
  (void)state;
  static const enum guest_error starved[] = {GUEST_WATCHDOG, GUEST_ERROR_COUNT};
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = open_guest("flash_hal", i, false, 0);
    guest_run(g, VT_S(3));
    guest_expect(g, 18, starved);
    assert_int_equal(g->machine->resets, 3);
    guest_close(g);
  }
}

static void banks_change_places(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = open_guest("flash_swap", i, true, 0);
    guest_run(g, VT_S(10));
    guest_expect(g, 2 * 13, nothing);
    assert_int_equal(g->machine->resets, 2);
    assert_true(g->machine->flash.swapped);  // reset has ended the first one's
    guest_close(g);
  }
}

// Level 1, booted from RAM: each access faults as its kind does.
static void read_protection(void **state) {
  (void)state;
  static const enum guest_error shut[] = {GUEST_BUS_ERROR, GUEST_FLASH_PROTECTED,
                                          GUEST_ERROR_COUNT};
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = open_guest("flash_rdp", i, false, 0);
    guest_run(g, VT_S(30));
    guest_expect(g, 14, shut);
    assert_int_equal(g->machine->resets, 2);
    guest_close(g);
  }
}

// Of the flash's registers (1), and of the option bytes' (2).
static void wrong_keys_fault(void **state) {
  (void)state;
  static const enum guest_error key[] = {GUEST_FLASH_KEY, GUEST_ERROR_COUNT};
  for (size_t i = 0; i < VARIANTS; i++) {
    for (uint32_t which = 1; which <= 2; which++) {
      struct guest *g = open_guest("flash_rdp", i, false, which);
      guest_run(g, VT_S(1));
      guest_expect(g, 2, key);
      guest_close(g);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(read_while_write),
      cmocka_unit_test(in_one_bank_it_stalls),
      cmocka_unit_test(options),
      cmocka_unit_test(otp),
      cmocka_unit_test(write_protection),
      cmocka_unit_test(read_protection),
      cmocka_unit_test(wrong_keys_fault),
      cmocka_unit_test(banks_change_places),
      cmocka_unit_test(in_the_order_of_hal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
