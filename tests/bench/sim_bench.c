// SPDX-License-Identifier: MIT
// What the simulator costs its host: simulated MHz of tests/guests/bench_mix.c,
// re-enumerations per second of the bootloader, and a snapshot with its restore. One
// line of JSON, for tools/bench. Nothing is asserted: the figures are the machine's.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "sim/machine/load.h"
#include "sim/machine/snapshot.h"

enum { ENUMERATIONS = 40, SNAPSHOTS = 100 };

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_of(int who) {
  struct rusage u;
  getrusage(who, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

// Of this process and of the copies it made.
static double all_seconds(void) {
  return seconds_of(RUSAGE_SELF) + seconds_of(RUSAGE_CHILDREN);
}

static struct machine *board_with(const char *elf, enum cpu_mode mode) {
  struct machine *m = machine_create(board_find("stm32f769i-disco"), mode);
  char path[1024];
  struct load_error error;
  snprintf(path, sizeof path, "%s/%s", QB_ROOT, elf);
  if (machine_load(m, path, false, 0, &error)) return m;
  fprintf(stderr, "sim_bench: %s\n", error.text);
  exit(1);
}

// Cycles executed per second of CPU time; sleep would not count.
static double simulated_mhz(const char *elf, enum cpu_mode mode) {
  struct machine *m = board_with(elf, mode);
  machine_power_on(m);
  machine_run(m, VT_MS(50));  // code is translated, clocks are set
  const uint64_t cycles = cpu_counters(m->cpu).cycles;
  const double start = cpu_seconds();
  machine_run(m, VT_MS(500));
  const double seconds = cpu_seconds() - start;
  const double executed = (double)(cpu_counters(m->cpu).cycles - cycles);
  machine_destroy(m);
  return executed / seconds / 1e6;
}

static unsigned enumerated;

static void stop(void *ctx, int status) {
  struct machine *m = ctx;
  if (status) exit(1);
  enumerated++;
  machine_stop(m);
}

static void on_connect(void *ctx, bool connected) {
  struct machine *m = ctx;
  const struct usb_enumerate_how how = {.address = 1, .first_length = 64};
  if (connected) usb_host_enumerate(&m->usb, how, stop, m);
}

// Cable out, cable in, reset, descriptors, address: per second of CPU time.
static double enumerations_per_second(struct machine *m) {
  const double start = cpu_seconds();
  for (int i = 0; i < ENUMERATIONS; i++) {
    usb_host_unplug(&m->usb);
    machine_run(m, VT_MS(10));
    usb_host_plug(&m->usb);
    machine_run(m, VT_S(2));
  }
  if (enumerated != ENUMERATIONS + 1) exit(1);
  return ENUMERATIONS / (cpu_seconds() - start);
}

static void run_a_little(struct machine *m, void *ctx, void *result) {
  (void)ctx;
  machine_run(m, VT_US(10));
  *(uint64_t *)result = machine_now(m);
}

static double snapshot_ms(struct machine *m) {
  const double start = all_seconds();
  for (int i = 0; i < SNAPSHOTS; i++) {
    uint64_t now;
    if (!machine_fork_run(m, run_a_little, NULL, &now, sizeof now)) exit(1);
  }
  return (all_seconds() - start) * 1000 / SNAPSHOTS;
}

int main(void) {
  const char *mix = "build/guests/bench_mix-O2.elf";
  printf("{\"block_mhz\": %.1f, ", simulated_mhz(mix, CPU_BLOCK));
  printf("\"precise_mhz\": %.1f, ", simulated_mhz(mix, CPU_PRECISE));
  struct machine *m =
      board_with("build/firmware-stm32f769i-disco/firmware/quadboot.elf", CPU_BLOCK);
  m->on_usb_connect = on_connect;
  m->on_usb_connect_ctx = m;
  machine_power_on(m);
  machine_run(m, VT_S(2));
  printf("\"enumerations_per_s\": %.1f, ", enumerations_per_second(m));
  printf("\"snapshot_ms\": %.2f, \"nor_mb\": %zu}\n", snapshot_ms(m),
         m->nor_size / (1024 * 1024));
  machine_destroy(m);
  return 0;
}
