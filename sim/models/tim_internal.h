// SPDX-License-Identifier: MIT
// Private to tim*.c.
#pragma once

#include "sim/models/tim.h"

// tim.c
void tim_update_irqs(struct tim *t);

// tim_count.c
void tim_sync(struct tim *t);     // lets everything happen that is due by now
void tim_load(struct tim *t);     // preload registers take effect
void tim_restart(struct tim *t);  // prescaler at 0, from now on, as CEN says
void tim_arm(struct tim *t);
void tim_on_due(void *tim);
void tim_step(struct tim *t);  // one count

// tim.c
void tim_reset_count(struct tim *t);  // as UG does

// tim_trigger.c
void tim_raise(struct tim *t, uint32_t flags);  // flags of SR rise
uint32_t tim_watched(const struct tim *t);      // flags that others wait for
void tim_enabled(struct tim *t, bool on);       // CEN changed
void tim_was_reset(struct tim *t);
bool tim_uses_own_clock(const struct tim *t);
bool tim_is_input(const struct tim *t, unsigned channel);
bool tim_captures_triggers(const struct tim *t);
void tim_capture(struct tim *t, unsigned channel);
void tim_follow_input(struct tim *t);
void tim_on_input(void *tim);
uint32_t tim_burst_offset(const struct tim *t);  // the register behind DMAR
void tim_burst_next(struct tim *t);
