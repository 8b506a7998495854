// SPDX-License-Identifier: MIT
#include "tests/bench/profile.h"

#include <stdio.h>

// In no step with anything that happens once in a microsecond or a frame.
#define PERIOD VT_NS(7013)

static void on_tick(void *ctx) {
  struct profile *p = ctx;
  const uint32_t at = cpu_pc(p->m->cpu) - SRAM1_BASE;
  if (cpu_is_sleeping(p->m->cpu)) {
    p->asleep++;
  } else if (at < PROFILE_SIZE) {
    p->counts[at / 2]++;
  } else {
    p->elsewhere++;
  }
  event_in(&p->m->sim.events, &p->tick, PERIOD);
}

void profile_begin(struct profile *p, struct machine *m) {
  *p = (struct profile){.m = m};
  event_init(&p->tick, on_tick, p);
  event_in(&m->sim.events, &p->tick, PERIOD);
}

bool profile_end(struct profile *p, const char *path) {
  event_cancel(&p->m->sim.events, &p->tick);
  FILE *f = fopen(path, "w");
  if (!f) return false;
  for (uint32_t i = 0; i < PROFILE_SLOTS; i++) {
    if (p->counts[i]) fprintf(f, "0x%08x %u\n", SRAM1_BASE + 2 * i, p->counts[i]);
  }
  fprintf(f, "asleep %llu\nelsewhere %llu\n", (unsigned long long)p->asleep,
          (unsigned long long)p->elsewhere);
  return fclose(f) == 0;
}
