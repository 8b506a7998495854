// SPDX-License-Identifier: MIT
// Bus masters besides the CPU: DMA controllers, USB. What they read and write goes
// through the bus matrix and reaches memory behind the CPU's caches.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Which master port; RM0410 2.1 gives each its own targets.
enum master_port {
  MASTER_DMA1_MEMORY,
  MASTER_DMA1_PERIPHERAL,
  MASTER_DMA2_MEMORY,
  MASTER_DMA2_PERIPHERAL,
  MASTER_OTG_HS,
};

// The way of one master into the matrix. False: the access was answered by a bus
// error, which has been reported; what was read is undefined.
struct bus_master {
  void *ctx;
  enum master_port port;
  bool (*read)(void *ctx, enum master_port port, uint32_t addr, void *to,
               unsigned bytes);
  bool (*write)(void *ctx, enum master_port port, uint32_t addr, const void *from,
                unsigned bytes);
};

static inline bool master_read(const struct bus_master *m, uint32_t addr, void *to,
                               unsigned bytes) {
  return m->read(m->ctx, m->port, addr, to, bytes);
}

static inline bool master_write(const struct bus_master *m, uint32_t addr,
                                const void *from, unsigned bytes) {
  return m->write(m->ctx, m->port, addr, from, bytes);
}
