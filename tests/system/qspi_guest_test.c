// SPDX-License-Identifier: MIT
// The check program of QUADSPI and its flash chip (tests/guests/qspi_check.c), in both
// modes of the CPU: strict, so nothing may be reported.
#include "tests/system/guest_run.h"

static const enum guest_error nothing[] = {GUEST_ERROR_COUNT};

static void check_program(const char *level, enum cpu_mode mode) {
  struct guest *g = guest_open("stm32f769i-disco", "qspi_check", level, mode);
  guest_start(g);
  guest_run(g, VT_S(5));
  guest_expect(g, 20, nothing);
  guest_close(g);
}

static void served_by_dma(void **state) {
  (void)state;
  for (int precise = 0; precise < 2; precise++) {
    struct guest *g = guest_open("stm32f769i-disco", "qspi_dma", precise ? "O2" : "Os",
                                 precise ? CPU_PRECISE : CPU_BLOCK);
    guest_start(g);
    guest_run(g, VT_S(5));
    guest_expect(g, 6, nothing);
    guest_close(g);
  }
}

static void block_mode(void **state) {
  (void)state;
  check_program("Os", CPU_BLOCK);
  check_program("O2", CPU_BLOCK);
}

static void precise_mode(void **state) {
  (void)state;
  check_program("Os", CPU_PRECISE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(block_mode),
      cmocka_unit_test(precise_mode),
      cmocka_unit_test(served_by_dma),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
