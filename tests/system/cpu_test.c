// SPDX-License-Identifier: MIT
// The core in the chip: programs that check themselves, in both modes of the CPU and
// at two optimisations.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/machine/snapshot.h"
#include "tests/system/guest_run.h"

#define DISCO "stm32f769i-disco"

static const enum guest_error nothing[] = {GUEST_ERROR_COUNT};

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

static void exceptions(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g =
        guest_open(DISCO, "cpu_core", variants[i].level, variants[i].mode);
    guest_start(g);
    guest_run(g, VT_S(1));
    guest_expect(g, 79, nothing);
    guest_close(g);
  }
}

// A data access that faults is a guest error as well: no firmware means to do it.
static void faults(void **state) {
  (void)state;
  static const enum guest_error reported[] = {GUEST_BUS_ERROR, GUEST_ERROR_COUNT};
  for (size_t i = 0; i < VARIANTS; i++) {
    const bool precise = variants[i].mode == CPU_PRECISE;
    struct guest *g =
        guest_open(DISCO, "cpu_fault", variants[i].level, variants[i].mode);
    guest_start(g);
    guest_mail(g, 0, precise);
    guest_run(g, VT_S(1));
    guest_expect(g, precise ? 35 : 33, reported);
    guest_close(g);
  }
}

// Programs of faults; `precise` more checks where the exact instruction is known.
static void run_faulting(const char *name, unsigned checks, unsigned precise,
                         const enum guest_error *reported) {
  for (size_t i = 0; i < VARIANTS; i++) {
    const bool exact = variants[i].mode == CPU_PRECISE;
    struct guest *g = guest_open(DISCO, name, variants[i].level, variants[i].mode);
    guest_start(g);
    guest_mail(g, 0, exact);
    guest_run(g, VT_S(1));
    guest_expect(g, checks + (exact ? precise : 0), reported);
    guest_close(g);
  }
}

static char itm_text[64];
static size_t itm_length;

static void on_itm(void *ctx, unsigned port, uint32_t value, unsigned bytes) {
  (void)ctx;
  assert_int_equal(port, 0);
  assert_int_equal(bytes, 1);
  if (itm_length < sizeof itm_text - 1) itm_text[itm_length++] = (char)value;
}

static void the_itm_is_a_console(void **state) {
  (void)state;
  struct guest *g = guest_open(DISCO, "cpu_trap", "Os", CPU_BLOCK);
  g->machine->on_itm = on_itm;
  guest_start(g);
  guest_mail(g, 0, 0);
  guest_run(g, VT_S(1));
  assert_string_equal(itm_text, "by the ITM");
  guest_close(g);
}

static void traps(void **state) {
  (void)state;
  static const enum guest_error reported[] = {GUEST_BUS_ERROR, GUEST_VECTOR_TABLE,
                                              GUEST_ERROR_COUNT};
  run_faulting("cpu_trap", 57, 1, reported);
}

static void protection(void **state) {
  (void)state;
  static const enum guest_error reported[] = {GUEST_BUS_ERROR, GUEST_ERROR_COUNT};
  run_faulting("cpu_mpu", 39, 1, reported);
}

static void code_and_flash(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g =
        guest_open(DISCO, "cpu_memory", variants[i].level, variants[i].mode);
    guest_start(g);
    guest_mail(g, 0, 0);
    guest_run(g, VT_S(3));
    guest_expect(g, 12, nothing);
    assert_int_equal(g->machine->flash.counters.erases, 4);
    guest_close(g);
  }
}

// NOPs to run in place, away from what is read as data.
static void put_code_into_qspi(struct guest *g) {
  uint8_t *code = g->machine->nor_bytes + 0x2000;
  for (unsigned i = 0; i < 512; i += 2)
    memcpy(code + i, (const uint8_t[]){0x00, 0xBF}, 2);
  memcpy(code + 512, (const uint8_t[]){0x70, 0x47}, 2);  // bx lr
}

static void the_qspi_window_costs_its_bus_time(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g =
        guest_open(DISCO, "window_time", variants[i].level, variants[i].mode);
    put_code_into_qspi(g);
    guest_start(g);
    guest_run(g, VT_S(1));
    guest_expect(g, 7, nothing);
    guest_close(g);
  }
}

static void a_busy_flash_stalls_its_readers(void **state) {
  (void)state;
  static const enum guest_error reported[] = {GUEST_FLASH_STALL, GUEST_ERROR_COUNT};
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g =
        guest_open(DISCO, "cpu_memory", variants[i].level, variants[i].mode);
    guest_start(g);
    guest_mail(g, 0, 1);
    guest_run(g, VT_S(3));
    guest_expect(g, 8, reported);
    guest_close(g);
  }
}

static void resets(void **state) {
  (void)state;
  static const enum guest_error reported[] = {GUEST_WATCHDOG, GUEST_ERROR_COUNT};
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g =
        guest_open(DISCO, "cpu_reset", variants[i].level, variants[i].mode);
    guest_start(g);
    guest_run(g, VT_MS(100));
    assert_non_null(strstr(g->text, "pull the pin\n"));
    assert_true(cpu_is_sleeping(g->machine->cpu));
    machine_reset_pin(g->machine);
    guest_run(g, VT_MS(100));
    guest_expect(g, 11, reported);
    assert_int_equal(g->machine->resets, 4);
    assert_int_equal(report_count(&g->machine->sim.report, GUEST_WATCHDOG), 1);
    guest_close(g);
  }
}

// Besides the lockup itself: the access that began it, and the fetch from where the
// vector of the HardFault led.
static uint64_t bus_errors_of_lockup(uint32_t where) {
  return where == 3 || where == 4 ? 2 : where == 5 ? 1 : 0;
}

static void lockup(void **state) {
  (void)state;
  for (uint32_t where = 0; where < 6; where++) {
    for (size_t i = 0; i < VARIANTS; i++) {
      struct guest *g =
          guest_open(DISCO, "cpu_lockup", variants[i].level, variants[i].mode);
      guest_start(g);
      guest_mail(g, 0, where);
      guest_run(g, VT_MS(100));
      assert_string_equal(g->text, "now\n");
      assert_true(cpu_is_locked_up(g->machine->cpu));
      assert_int_equal(report_count(&g->machine->sim.report, GUEST_LOCKUP), 1);
      assert_int_equal(g->machine->sim.report.guest_errors,
                       1 + bus_errors_of_lockup(where));
      machine_reset_pin(g->machine);  // only this helps
      assert_false(cpu_is_locked_up(g->machine->cpu));
      guest_run(g, VT_MS(100));
      assert_string_equal(g->text, "now\nnow\n");
      guest_close(g);
    }
  }
}

// SP and reset vector read FFFFFFFF: the first fetch faults, and so does the handler's.
static void blank_flash(void **state) {
  (void)state;
  for (int mode = CPU_BLOCK; mode <= CPU_PRECISE; mode++) {
    struct machine *m = machine_create(board_find(DISCO), (enum cpu_mode)mode);
    machine_power_on(m);
    machine_run(m, VT_MS(5));
    assert_true(cpu_is_locked_up(m->cpu));
    assert_int_equal(report_count(&m->sim.report, GUEST_LOCKUP), 1);
    assert_int_equal(report_count(&m->sim.report, GUEST_VECTOR_TABLE), 1);
    assert_int_equal(m->sim.report.unimplemented, 0);
    assert_int_equal(cpu_counters(m->cpu).instructions, 0);
    machine_destroy(m);
  }
}

// --- threads, and equal runs
// -----------------------------------------------------------

enum { THREAD_CHECKS = 9 };

static struct guest *open_threads(const struct variant *v, uint32_t seed) {
  struct guest *g = guest_open(DISCO, "cpu_sched", v->level, v->mode);
  guest_start(g);
  guest_storm(g, VT_US(50), seed);
  return g;
}

static void threads_in_a_storm(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    for (uint32_t seed = 1; seed <= 3; seed++) {
      struct guest *g = open_threads(&variants[i], seed);
      guest_run(g, VT_S(20));
      guest_expect(g, THREAD_CHECKS, nothing);
      // None was lost but those that came after the program had looked.
      const uint64_t served = guest_mail_read(g, 1);
      assert_true(served <= g->storms && served + 3 >= g->storms);
      guest_close(g);
    }
  }
}

static void equal_runs_are_equal_to_the_cycle(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    uint64_t digests[3];
    for (uint32_t k = 0; k < 3; k++) {
      struct guest *g = open_threads(&variants[i], k < 2 ? 7 : 8);
      guest_run(g, VT_S(20));
      digests[k] = guest_digest(g);
      guest_close(g);
    }
    assert_true(digests[0] == digests[1]);
    assert_true(digests[0] != digests[2]);  // another storm is another run
  }
}

static void run_on(struct machine *m, void *ctx, void *result) {
  (void)m;
  struct guest *g = ctx;
  guest_run(g, VT_MS(5));
  const uint64_t digest = guest_digest(g);
  memcpy(result, &digest, sizeof digest);
}

static uint64_t digest_of_copy(struct guest *g) {
  uint64_t digest;
  assert_true(machine_fork_run(g->machine, run_on, g, &digest, sizeof digest));
  return digest;
}

// A copy of the process is a copy of the board, at whatever instant it is made.
static void a_fork_is_a_snapshot(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = open_threads(&variants[i], 5);
    for (uint64_t step = 0; step < 4; step++) {
      guest_run(g, VT_MS(3) + step * VT_US(777));
      assert_false(g->ended);
      const uint64_t first = digest_of_copy(g);
      assert_true(digest_of_copy(g) == first);
      guest_run(g, VT_MS(5));
      assert_true(guest_digest(g) == first);
    }
    guest_close(g);
  }
}

static void crash(struct machine *m, void *ctx, void *result) {
  (void)m, (void)ctx;
  memset(result, 1, 4);
  _exit(3);
}

static void a_copy_that_fails_says_so(void **state) {
  (void)state;
  struct machine *m = machine_create(board_find(DISCO), CPU_BLOCK);
  uint32_t result = 7;
  assert_false(machine_fork_run(m, crash, NULL, &result, sizeof result));
  assert_int_equal(result, 0);
  machine_destroy(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exceptions),
      cmocka_unit_test(faults),
      cmocka_unit_test(traps),
      cmocka_unit_test(the_itm_is_a_console),
      cmocka_unit_test(protection),
      cmocka_unit_test(code_and_flash),
      cmocka_unit_test(the_qspi_window_costs_its_bus_time),
      cmocka_unit_test(a_busy_flash_stalls_its_readers),
      cmocka_unit_test(resets),
      cmocka_unit_test(lockup),
      cmocka_unit_test(blank_flash),
      cmocka_unit_test(threads_in_a_storm),
      cmocka_unit_test(equal_runs_are_equal_to_the_cycle),
      cmocka_unit_test(a_fork_is_a_snapshot),
      cmocka_unit_test(a_copy_that_fails_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
