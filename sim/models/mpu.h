// SPDX-License-Identifier: MIT
// Memory protection unit: eight regions and the default map (ARMv7-M ARM B3.1,
// B3.5). Answers what an address is; who enforces it is the CPU model.
#pragma once

#include "sim/core/sim.h"

enum { MPU_REGIONS = 8 };

enum mpu_type { MPU_NORMAL, MPU_DEVICE, MPU_STRONGLY_ORDERED };

// What the memory system believes about an address.
struct mpu_attributes {
  enum mpu_type type;
  bool cacheable, write_back;
  bool readable, writable, executable;  // for the given privilege
};

struct mpu {
  struct report *report;
  uint32_t ctrl, rnr;
  struct {
    uint32_t rbar, rasr;
  } regions[MPU_REGIONS];
  void (*on_change)(void *ctx);
  void *on_change_ctx;
};

void mpu_init(struct mpu *m, struct report *report);
void mpu_reset(struct mpu *m);

// Offsets 0 to 0x28 from 0xE000ED90: TYPE, CTRL, RNR, RBAR, RASR and aliases.
uint32_t mpu_read(const struct mpu *m, uint32_t offset);
void mpu_write(struct mpu *m, uint32_t offset, uint32_t value);

// The map without an MPU.
struct mpu_attributes mpu_default(uint32_t addr);

// What code of that privilege may do with [base, base + size) while the MPU is on: read
// all of it (with `store`, write as well), some of it, or nothing whatever.
enum mpu_verdict { MPU_FREE, MPU_MIXED, MPU_CLOSED };
enum mpu_verdict mpu_judge(const struct mpu *m, uint32_t base, uint32_t size,
                           bool privileged, bool store);

struct mpu_attributes mpu_lookup(const struct mpu *m, uint32_t addr, bool privileged);
