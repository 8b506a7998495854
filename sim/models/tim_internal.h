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
