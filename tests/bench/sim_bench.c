// SPDX-License-Identifier: MIT
// What the simulator costs its host: simulated MHz of tests/guests/bench_mix.c and of
// the bootloader while a host writes both media, re-enumerations per second, and a
// snapshot with its restore, of a board whose NOR is blank and of one whose NOR is
// full. One line of JSON, for tools/bench. Nothing is asserted: the figures are the
// machine's.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "sim/machine/load.h"
#include "sim/machine/snapshot.h"
#include "tests/hostmodel/dfu_client.h"

enum { ENUMERATIONS = 200, SNAPSHOTS = 200 };

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

struct session {
  double mhz;       // executed cycles per second of CPU time
  double cost;      // seconds of CPU time per second of virtual time
  double kB_per_s;  // of the image, per second of CPU time
};

// What dfu-util does without its pauses: erase, set address, block, status until it is
// written.
static struct session dfu_session(uint32_t base, uint32_t erase, uint32_t size) {
  struct rig *r = rig_open(&rig_boards[RIG_HS]);
  uint8_t data[CLIENT_BLOCK];
  rig_power_on(r);
  rig_configure(r);
  dfu_select(r, base == EXTERNAL);
  const uint64_t cycles = cpu_counters(r->m->cpu).cycles;
  const vtime_t begun = machine_now(r->m);
  const double start = cpu_seconds();
  for (uint32_t at = 0; at < size; at += sizeof data) {
    if (at % erase == 0) dfu_erase(r, base + at);
    dfu_pattern(data, sizeof data, at);
    if (dfu_write(r, base + at, data, sizeof data).state != DNLOAD_IDLE) exit(1);
  }
  const double seconds = cpu_seconds() - start;
  const struct session s = {
      .mhz = (double)(cpu_counters(r->m->cpu).cycles - cycles) / seconds / 1e6,
      .cost = seconds * 1e12 / (double)(machine_now(r->m) - begun),
      .kB_per_s = size / seconds / 1e3,
  };
  rig_close(r);
  return s;
}

static void print_session(const char *name, struct session s) {
  printf("\"dfu_%s\": {\"mhz\": %.1f, \"s_per_virtual_s\": %.3f, \"kBps\": %.0f}, ",
         name, s.mhz, s.cost, s.kB_per_s);
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
  print_session("qspi", dfu_session(EXTERNAL, 64 * 1024, 1024 * 1024));
  print_session("internal", dfu_session(0x08040000, 256 * 1024, 256 * 1024));
  struct machine *m =
      board_with("build/firmware-stm32f769i-disco/firmware/quadboot.elf", CPU_BLOCK);
  m->on_usb_connect = on_connect;
  m->on_usb_connect_ctx = m;
  machine_power_on(m);
  machine_run(m, VT_S(2));
  printf("\"enumerations_per_s\": %.1f, ", enumerations_per_second(m));
  printf("\"snapshot_ms\": %.2f, ", snapshot_ms(m));
  memset(m->nor_bytes, 0x5A, m->nor_size);
  printf("\"snapshot_full_nor_ms\": %.2f, \"nor_mb\": %zu}\n", snapshot_ms(m),
         m->nor_size / (1024 * 1024));
  machine_destroy(m);
  return 0;
}
