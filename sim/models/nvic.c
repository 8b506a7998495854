// SPDX-License-Identifier: MIT
#include "sim/models/nvic.h"

#include <string.h>

enum { PRIORITY_NONE = 256 };

static void changed(struct nvic *n) {
  if (n->on_change) n->on_change(n->on_change_ctx);
}

void nvic_reset(struct nvic *n) {
  memset(n->enabled, 0, sizeof n->enabled);
  memset(n->active, 0, sizeof n->active);
  memset(n->priority, 0, sizeof n->priority);
  memset(n->system_priority, 0, sizeof n->system_priority);
  memcpy(n->pending, n->level, sizeof n->pending);
  n->system_pending = n->system_active = 0;
  n->prigroup = 0;
  changed(n);
}

void nvic_set_level(void *nvic, unsigned irq, bool level) {
  struct nvic *n = nvic;
  const uint32_t bit = 1u << (irq % 32);
  const unsigned word = irq / 32;
  if (!level) {
    n->level[word] &= ~bit;
  } else if (!(n->level[word] & bit)) {
    n->level[word] |= bit;
    n->pending[word] |= bit;
    changed(n);
  }
}

void nvic_pend(struct nvic *n, unsigned exception) {
  if (exception < EXC_IRQ0) {
    n->system_pending |= 1u << exception;
  } else {
    n->pending[(exception - EXC_IRQ0) / 32] |= 1u << ((exception - EXC_IRQ0) % 32);
  }
  changed(n);
}

void nvic_unpend(struct nvic *n, unsigned exception) {
  if (exception < EXC_IRQ0) {
    n->system_pending &= ~(1u << exception);
    return;
  }
  const unsigned word = (exception - EXC_IRQ0) / 32;
  const uint32_t bit = 1u << ((exception - EXC_IRQ0) % 32);
  n->pending[word] &= ~bit;
  // A line that is still high pends again at once, unless it is being served.
  n->pending[word] |= n->level[word] & ~n->active[word] & bit;
}

bool nvic_is_pending(const struct nvic *n, unsigned exception) {
  if (exception < EXC_IRQ0) return (n->system_pending >> exception) & 1u;
  return (n->pending[(exception - EXC_IRQ0) / 32] >> ((exception - EXC_IRQ0) % 32)) &
         1u;
}

bool nvic_is_active(const struct nvic *n, unsigned exception) {
  if (exception < EXC_IRQ0) return (n->system_active >> exception) & 1u;
  return (n->active[(exception - EXC_IRQ0) / 32] >> ((exception - EXC_IRQ0) % 32)) & 1u;
}

static int priority_of(const struct nvic *n, unsigned exception) {
  switch (exception) {
    case EXC_RESET: return -3;
    case EXC_NMI: return -2;
    case EXC_HARDFAULT: return -1;
    default: break;
  }
  return exception < EXC_IRQ0 ? n->system_priority[exception]
                              : n->priority[exception - EXC_IRQ0];
}

// Only the group bits decide preemption (B1.5.4).
static int group_of(const struct nvic *n, int priority) {
  if (priority < 0) return priority;
  return (priority >> (n->prigroup + 1)) << (n->prigroup + 1);
}

int nvic_active_priority(const struct nvic *n) {
  int best = PRIORITY_NONE;
  for (uint32_t bits = n->system_active; bits; bits &= bits - 1) {
    const int p = group_of(n, priority_of(n, (unsigned)__builtin_ctz(bits)));
    if (p < best) best = p;
  }
  for (unsigned word = 0; word < NVIC_WORDS; word++) {
    for (uint32_t bits = n->active[word]; bits; bits &= bits - 1) {
      const int p = group_of(n, n->priority[word * 32 + (unsigned)__builtin_ctz(bits)]);
      if (p < best) best = p;
    }
  }
  return best;
}

unsigned nvic_highest_pending(const struct nvic *n) {
  unsigned best = 0;
  int best_priority = PRIORITY_NONE;
  for (uint32_t bits = n->system_pending; bits; bits &= bits - 1) {
    const unsigned exception = (unsigned)__builtin_ctz(bits);
    const int p = priority_of(n, exception);
    if (p < best_priority) best = exception, best_priority = p;
  }
  for (unsigned word = 0; word < NVIC_WORDS; word++) {
    uint32_t bits = n->pending[word] & n->enabled[word];
    for (; bits; bits &= bits - 1) {
      const unsigned irq = word * 32 + (unsigned)__builtin_ctz(bits);
      if (n->priority[irq] < best_priority) {
        best = irq + EXC_IRQ0;
        best_priority = n->priority[irq];
      }
    }
  }
  return best;
}

static int mask_priority(const struct nvic *n, const struct nvic_masks *masks) {
  int p = PRIORITY_NONE;
  if (masks->basepri) p = group_of(n, masks->basepri);
  if (masks->primask && p > 0) p = 0;
  if (masks->faultmask) p = -1;
  return p;
}

unsigned nvic_select(const struct nvic *n, const struct nvic_masks *masks, bool *held) {
  if (held) *held = false;
  const unsigned exception = nvic_highest_pending(n);
  if (!exception) return 0;
  const int group = group_of(n, priority_of(n, exception));
  if (group >= nvic_active_priority(n)) return 0;
  if (group < mask_priority(n, masks)) return exception;
  if (held) *held = true;
  return 0;
}

bool nvic_wakes(const struct nvic *n, const struct nvic_masks *masks) {
  const struct nvic_masks open = {.faultmask = masks->faultmask,
                                  .basepri = masks->basepri};
  return nvic_select(n, &open, NULL) != 0;
}

uint32_t nvic_lines(unsigned word) {
  const unsigned first = word * 32;
  if (first >= NVIC_IRQS) return 0;
  return NVIC_IRQS - first >= 32 ? 0xFFFFFFFFu : (1u << (NVIC_IRQS - first)) - 1u;
}

bool nvic_can_preempt(const struct nvic *n, const struct nvic_masks *masks,
                      unsigned exception) {
  const int group = group_of(n, priority_of(n, exception));
  return group < nvic_active_priority(n) && group < mask_priority(n, masks);
}

void nvic_enter(struct nvic *n, unsigned exception) {
  if (exception < EXC_IRQ0) {
    n->system_pending &= ~(1u << exception);
    n->system_active |= 1u << exception;
    return;
  }
  const unsigned word = (exception - EXC_IRQ0) / 32;
  const uint32_t bit = 1u << ((exception - EXC_IRQ0) % 32);
  n->pending[word] &= ~bit;
  n->active[word] |= bit;
}

void nvic_leave(struct nvic *n, unsigned exception) {
  if (exception < EXC_IRQ0) {
    n->system_active &= ~(1u << exception);
    return;
  }
  const unsigned word = (exception - EXC_IRQ0) / 32;
  const uint32_t bit = 1u << ((exception - EXC_IRQ0) % 32);
  n->active[word] &= ~bit;
  if (n->level[word] & bit) n->pending[word] |= bit;
}
