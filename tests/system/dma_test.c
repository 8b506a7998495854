// SPDX-License-Identifier: MIT
// Bus masters under a program that runs on the CPU: DMA2 and the caches, the console
// by DMA, in both modes of the CPU.
#include <string.h>

#include "tests/system/guest_run.h"

#define DISCO "stm32f769i-disco"
enum { CHECKS = 13, READY = 0xD3A };

static const enum guest_error nothing[] = {GUEST_ERROR_COUNT};
static const enum guest_error unmaintained[] = {GUEST_DMA_NOT_CLEAN, GUEST_DMA_STALE,
                                                GUEST_ERROR_COUNT};

static const struct variant {
  const char *level;
  enum cpu_mode mode;
} variants[] = {{"Os", CPU_BLOCK}, {"O2", CPU_BLOCK}, {"Os", CPU_PRECISE}};
enum { VARIANTS = sizeof variants / sizeof *variants };

// Ten characters, 100 us apart, once the program waits for them.
static void type(struct guest *g) {
  while (!g->ended && guest_mail_read(g, 1) != READY)
    guest_run(g, VT_US(100));
  for (const char *c = "abcdefghij"; *c; c++) {
    machine_uart_rx(g->machine, 1, (uint8_t)*c);
    guest_run(g, VT_US(100));
  }
}

static void run_copies(bool maintained) {
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g =
        guest_open(DISCO, "dma_copy", variants[i].level, variants[i].mode);
    guest_start(g);
    guest_mail(g, 0, !maintained);
    guest_mail(g, 1, 0);
    type(g);
    guest_run(g, VT_S(1));
    guest_expect(g, CHECKS, maintained ? nothing : unmaintained);
    guest_close(g);
  }
}

static void copies_with_cache_maintenance_are_clean(void **state) {
  (void)state;
  run_copies(true);
}

static void copies_without_it_are_reported(void **state) {
  (void)state;
  run_copies(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_with_cache_maintenance_are_clean),
      cmocka_unit_test(copies_without_it_are_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
