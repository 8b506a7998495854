// SPDX-License-Identifier: MIT
#include "tests/system/guest_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAILBOX 0x2001FF00u

// Programs are built by a preset of their own. QB_GUESTS_DIR says where if they are
// elsewhere.
static void find_program(char *out, size_t size, const char *name, const char *level) {
  const char *folder = getenv("QB_GUESTS_DIR");
  if (!folder) folder = QB_ROOT "/build/guests";
  const int n = snprintf(out, size, "%s/%s-%s.elf", folder, name, level);
  assert_true(n > 0 && (size_t)n < size);
}

static void on_uart(void *ctx, uint8_t byte) {
  struct guest *g = ctx;
  if (g->length == GUEST_TEXT - 1) return;
  g->text[g->length++] = (char)byte;
  g->text[g->length] = 0;
  if (g->length >= 4 && !strcmp(g->text + g->length - 4, "end\n")) {
    g->ended = true;
    machine_stop(g->machine);
  }
}

static void on_storm(void *ctx) {
  struct guest *g = ctx;
  if (g->ended) return;
  if (guest_mail_read(g, 2) == 1) {
    g->storms++;
    nvic_pend(&g->machine->scs.nvic, EXC_IRQ0 + 7);
  }
  g->seed = g->seed * 1664525u + 1013904223u;
  event_in(&g->machine->sim.events, &g->storm,
           g->period / 2 + g->period * (g->seed >> 8) / (1u << 24));
}

struct guest *guest_open(const char *board, const char *name, const char *level,
                         enum cpu_mode mode) {
  struct guest *g = calloc(1, sizeof *g);
  assert_non_null(g);
  g->machine = machine_create(board_find(board), mode);
  g->machine->on_uart = on_uart;
  g->machine->ctx = g;
  event_init(&g->storm, on_storm, g);
  char path[1024];
  find_program(path, sizeof path, name, level);
  struct load_error error;
  if (!machine_load(g->machine, path, false, 0, &error)) {
    fail_msg("%s (build it: cmake --preset guests && cmake --build --preset guests)",
             error.text);
  }
  return g;
}

void guest_close(struct guest *g) {
  machine_destroy(g->machine);
  free(g);
}

void guest_start(struct guest *g) {
  machine_power_on(g->machine);
  guest_mail(g, 2, 0);
  const bool usart3 = g->machine->board->console.number == 3;
  guest_mail(g, 3, usart3 ? 2u : g->machine->board->vbus_on_pa9);
}

void guest_mail(struct guest *g, unsigned word, uint32_t value) {
  bus_write(&g->machine->sim.bus, MAILBOX + 4 * word, 4, value);
}

uint32_t guest_mail_read(const struct guest *g, unsigned word) {
  uint32_t value;
  const uint8_t *p = bus_memory_at(&g->machine->sim.bus, MAILBOX + 4 * word, 4);
  memcpy(&value, p, sizeof value);
  return value;
}

void guest_storm(struct guest *g, vtime_t period, uint32_t seed) {
  g->period = period;
  g->seed = seed;
  event_in(&g->machine->sim.events, &g->storm, period);
}

void guest_run(struct guest *g, vtime_t limit) {
  const vtime_t end = machine_now(g->machine) + limit;
  while (!g->ended && machine_now(g->machine) < end) {
    const vtime_t before = machine_now(g->machine);
    machine_run_until(g->machine, end);
    if (machine_now(g->machine) == before && !g->ended) break;
  }
}

unsigned guest_count_lines(const struct guest *g, const char *beginning) {
  unsigned count = 0;
  const size_t n = strlen(beginning);
  for (const char *line = g->text; *line; line++) {
    if (!strncmp(line, beginning, n)) count++;
    line = strchr(line, '\n');
    if (!line) break;
  }
  return count;
}

static bool is_listed(const enum guest_error *list, enum guest_error error) {
  for (; *list != GUEST_ERROR_COUNT; list++) {
    if (*list == error) return true;
  }
  return false;
}

static void expect_reports(const struct guest *g, const enum guest_error *reported) {
  const struct report *r = &g->machine->sim.report;
  for (const struct report_entry *e = r->entries; e; e = e->next) {
    const bool wanted = e->kind == REPORT_GUEST_ERROR && is_listed(reported, e->error);
    if (!wanted) fail_msg("reported at PC 0x%08x: %s", (unsigned)e->pc, e->detail);
  }
  for (; *reported != GUEST_ERROR_COUNT; reported++) {
    if (!report_count(r, *reported)) {
      fail_msg("%s was not reported", guest_error_name(*reported));
    }
  }
}

void guest_expect(const struct guest *g, unsigned checks,
                  const enum guest_error *reported) {
  const unsigned good = guest_count_lines(g, "ok ");
  if (guest_count_lines(g, "FAIL ") || !g->ended || good != checks) {
    for (const char *line = g->text; *line; line += strcspn(line, "\n") + 1)
      if (strncmp(line, "ok ", 3))
        print_error("  %.*s\n", (int)strcspn(line, "\n"), line);
    const char *last = g->length > 60 ? g->text + g->length - 60 : g->text;
    fail_msg("%u of %u checks good, %s; at last: %s", good, checks,
             g->ended ? "ended" : "did not end", last);
  }
  expect_reports(g, reported);
}

static uint64_t mix(uint64_t digest, const void *bytes, size_t n) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i < n; i++)
    digest = (digest ^ p[i]) * 1099511628211u;
  return digest;
}

uint64_t guest_digest(const struct guest *g) {
  const struct machine *m = g->machine;
  const struct cpu_counters c = cpu_counters(m->cpu);
  const uint64_t numbers[] = {machine_now(m), c.cycles,  c.instructions,
                              c.exceptions,   g->storms, m->resets};
  uint64_t digest = mix(14695981039346656037u, numbers, sizeof numbers);
  digest = mix(digest, g->text, g->length);
  digest = mix(digest, m->ram, RAM_SIZE);
  return mix(digest, m->flash_bytes, m->board->flash_size);
}
