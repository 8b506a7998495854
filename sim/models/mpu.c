// SPDX-License-Identifier: MIT
#include "sim/models/mpu.h"

#include "sim_regs.h"

#define RASR_BITS                                                                \
  (SIM_MPU_RASR_ENABLE | SIM_MPU_RASR_SIZE | SIM_MPU_RASR_SRD | SIM_MPU_RASR_B | \
   SIM_MPU_RASR_C | SIM_MPU_RASR_S | SIM_MPU_RASR_TEX | SIM_MPU_RASR_AP |        \
   SIM_MPU_RASR_XN)

void mpu_init(struct mpu *m, struct report *report) {
  *m = (struct mpu){.report = report};
}

void mpu_reset(struct mpu *m) {
  m->ctrl = m->rnr = 0;
  for (unsigned i = 0; i < MPU_REGIONS; i++)
    m->regions[i].rbar = m->regions[i].rasr = 0;
  if (m->on_change) m->on_change(m->on_change_ctx);
}

uint32_t mpu_read(const struct mpu *m, uint32_t offset) {
  switch (offset) {
    case SIM_MPU_TYPE: return MPU_REGIONS << 8;
    case SIM_MPU_CTRL: return m->ctrl;
    case SIM_MPU_RNR: return m->rnr;
    default: break;
  }
  // RBAR and RASR repeat three times as aliases (B3.5.10).
  return (offset - SIM_MPU_RBAR) % 8 ? m->regions[m->rnr].rasr
                                     : m->regions[m->rnr].rbar | m->rnr;
}

static uint64_t region_size(uint32_t rasr) {
  return 2ull << SIM_GET(rasr, SIM_MPU_RASR_SIZE);
}

// B3.5.9, table B3-13: the reserved combinations of TEX, C and B.
static bool attributes_reserved(uint32_t rasr) {
  const uint32_t tex = SIM_GET(rasr, SIM_MPU_RASR_TEX);
  const bool c = rasr & SIM_MPU_RASR_C, b = rasr & SIM_MPU_RASR_B;
  return tex == 3 || (tex == 1 && !c && b) || (tex == 2 && (c || b));
}

// Only a region in use is judged: set-up code may pass through states that are not.
static void check_region(const struct mpu *m, unsigned n) {
  const uint32_t rasr = m->regions[n].rasr;
  if (!(m->ctrl & SIM_MPU_CTRL_ENABLE) || !(rasr & SIM_MPU_RASR_ENABLE)) return;
  const uint32_t base = m->regions[n].rbar & SIM_MPU_RBAR_ADDR;
  if (region_size(rasr) < 32) {
    report_guest(m->report, GUEST_MPU_CONFIG, base, "MPU region %u is under 32 bytes",
                 n);
  } else if (base & (uint32_t)(region_size(rasr) - 1)) {
    report_guest(m->report, GUEST_MPU_CONFIG, base,
                 "MPU region %u: base 0x%08x is not a multiple of its size", n,
                 (unsigned)base);
  }
  if (SIM_GET(rasr, SIM_MPU_RASR_AP) == 4 || attributes_reserved(rasr)) {
    report_guest(m->report, GUEST_MPU_CONFIG, base,
                 "MPU region %u: reserved AP, TEX, C and B in RASR 0x%08x", n,
                 (unsigned)rasr);
  }
}

void mpu_write(struct mpu *m, uint32_t offset, uint32_t value) {
  if (offset == SIM_MPU_CTRL) {
    m->ctrl = value & 7u;
    for (unsigned n = 0; n < MPU_REGIONS; n++)
      check_region(m, n);
  } else if (offset == SIM_MPU_RNR) {
    if (value < MPU_REGIONS) m->rnr = value & 0xFFu;
  } else if (offset >= SIM_MPU_RBAR) {
    if ((offset - SIM_MPU_RBAR) % 8 == 0) {
      if ((value & SIM_MPU_RBAR_VALID) && (value & 0xFu) < MPU_REGIONS)
        m->rnr = value & 0xFu;
      m->regions[m->rnr].rbar = value & SIM_MPU_RBAR_ADDR;
    } else {
      m->regions[m->rnr].rasr = value & RASR_BITS;
    }
    check_region(m, m->rnr);
  }
  if (m->on_change) m->on_change(m->on_change_ctx);
}

// B3.1, table B3-1: the map without an MPU, by 512 MB block.
struct mpu_attributes mpu_default(uint32_t addr) {
  const struct mpu_attributes normal = {.type = MPU_NORMAL,
                                        .cacheable = true,
                                        .write_back = true,
                                        .readable = true,
                                        .writable = true,
                                        .executable = true};
  const struct mpu_attributes device = {
      .type = MPU_DEVICE, .readable = true, .writable = true};
  switch (addr >> 29) {
    case 0: {  // code: write-through
      struct mpu_attributes a = normal;
      a.write_back = false;
      return a;
    }
    case 1: return normal;  // SRAM
    case 3: return normal;  // external RAM 0x60000000, write-back
    case 4: {               // external RAM 0x80000000, write-through
      struct mpu_attributes a = normal;
      a.write_back = false;
      return a;
    }
    case 7: {
      struct mpu_attributes a = device;
      if (addr < 0xE0100000u) a.type = MPU_STRONGLY_ORDERED;
      return a;
    }
    default: return device;
  }
}

// B3.5.9, table B3-15: access permissions.
static void apply_permissions(struct mpu_attributes *a, uint32_t rasr,
                              bool privileged) {
  const uint32_t ap = SIM_GET(rasr, SIM_MPU_RASR_AP);
  if (privileged) {
    a->readable = ap != 0;
    a->writable = ap == 1 || ap == 2 || ap == 3;
  } else {
    a->readable = ap == 2 || ap == 3 || ap >= 6;
    a->writable = ap == 3;
  }
  a->executable = a->readable && !(rasr & SIM_MPU_RASR_XN);
}

// B3.5.9, table B3-13: TEX, C and B.
static struct mpu_attributes region_attributes(uint32_t rasr, bool privileged) {
  struct mpu_attributes a = {.type = MPU_NORMAL};
  const uint32_t tex = SIM_GET(rasr, SIM_MPU_RASR_TEX);
  const bool c = rasr & SIM_MPU_RASR_C, b = rasr & SIM_MPU_RASR_B;
  if (tex == 0 && !c) {
    a.type = b ? MPU_DEVICE : MPU_STRONGLY_ORDERED;
  } else if (tex == 2 && !c && !b) {
    a.type = MPU_DEVICE;
  } else if (tex >= 4) {  // outer policy in TEX, inner (the L1) in C and B
    a.cacheable = c || b;
    a.write_back = b;
  } else {
    a.cacheable = c;
    a.write_back = (tex == 0 && b) || (tex == 1 && c && b);
  }
  // The data cache leaves shareable memory alone (Cortex-M7 TRM 5.2.2; CACR.SIWT = 0).
  if (rasr & SIM_MPU_RASR_S) a.cacheable = a.write_back = false;
  apply_permissions(&a, rasr, privileged);
  return a;
}

static bool region_covers(const struct mpu *m, unsigned n, uint32_t addr) {
  const uint32_t rasr = m->regions[n].rasr;
  if (!(rasr & SIM_MPU_RASR_ENABLE)) return false;
  const uint64_t size = region_size(rasr);
  const uint32_t base = m->regions[n].rbar & (uint32_t) ~(size - 1);
  const uint64_t offset = (uint64_t)(addr - base);
  if (addr < base || offset >= size) return false;
  if (size < 256) return true;
  const unsigned subregion = (unsigned)(offset / (size / 8));
  return !((SIM_GET(rasr, SIM_MPU_RASR_SRD) >> subregion) & 1u);
}

struct mpu_attributes mpu_lookup(const struct mpu *m, uint32_t addr, bool privileged) {
  const bool ppb = addr >= 0xE0000000u && addr < 0xE0100000u;
  if (!(m->ctrl & SIM_MPU_CTRL_ENABLE) || ppb) return mpu_default(addr);
  for (unsigned n = MPU_REGIONS; n-- > 0;) {
    if (region_covers(m, n, addr))
      return region_attributes(m->regions[n].rasr, privileged);
  }
  if (privileged && (m->ctrl & SIM_MPU_CTRL_PRIVDEFENA)) return mpu_default(addr);
  struct mpu_attributes none = mpu_default(addr);
  none.readable = none.writable = none.executable = false;
  return none;
}

struct judgement {
  bool any_free, any_closed, any_partly;
};

static void judge_at(const struct mpu *m, uint32_t addr, bool privileged, bool store,
                     struct judgement *j) {
  const struct mpu_attributes a = mpu_lookup(m, addr, privileged);
  if (a.readable && (a.writable || !store)) {
    j->any_free = true;
  } else if (a.readable || a.writable) {
    j->any_partly = true;
  } else {
    j->any_closed = true;
  }
}

// What decides about an address changes only at the edges of regions and subregions.
enum mpu_verdict mpu_judge(const struct mpu *m, uint32_t base, uint32_t size,
                           bool privileged, bool store) {
  struct judgement j = {0};
  judge_at(m, base, privileged, store, &j);
  for (unsigned n = 0; n < MPU_REGIONS; n++) {
    if (!(m->regions[n].rasr & SIM_MPU_RASR_ENABLE)) continue;
    const uint64_t part = region_size(m->regions[n].rasr) / 8;
    const uint64_t start = m->regions[n].rbar & ~(region_size(m->regions[n].rasr) - 1);
    for (unsigned i = 0; i <= 8; i++) {
      const uint64_t edge = start + i * part;
      if (edge < base || edge - base >= size) continue;
      judge_at(m, (uint32_t)edge, privileged, store, &j);
    }
  }
  if (!j.any_closed && !j.any_partly) return MPU_FREE;
  return j.any_free || j.any_partly ? MPU_MIXED : MPU_CLOSED;
}
