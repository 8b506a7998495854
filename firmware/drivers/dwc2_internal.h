// SPDX-License-Identifier: MIT
// What the two files of the DWC2 driver share: dwc2.c (set-up, bus, endpoint 0) and
// dwc2_endpoints.c (the FIFO RAM, the other endpoints). Nobody else includes this.
#pragma once

#include "firmware/config.h"
#include "firmware/drivers/dwc2.h"
#include "firmware/drivers/dwc2_regs.h"
#include "firmware/mmio.h"

enum {
  // GRXSTSP.PKTSTS (RM0410 41.15.8).
  PKTSTS_OUT_DATA = 2,
  PKTSTS_OUT_DONE = 3,
  PKTSTS_SETUP_DATA = 6,

  // Deadline in us. The manual gives clocks, not times, for resets, flushes and
  // disabling; a millisecond is 60,000 PHY clocks.
  DWC2_CORE_US = 1000,
};

static inline uint32_t rd(const struct dwc2 *d, uint32_t reg) {
  return mmio_read32(d->config.base + reg);
}

static inline void wr(const struct dwc2 *d, uint32_t reg, uint32_t value) {
  mmio_write32(d->config.base + reg, value);
}

static inline void update(const struct dwc2 *d, uint32_t reg, uint32_t clear,
                          uint32_t set) {
  mmio_update32(d->config.base + reg, clear, set);
}

// --- dwc2.c ---

// Until `field` has that value. False: it has not within `deadline_us`.
bool dwc2_wait(const struct dwc2 *d, uint32_t reg, uint32_t field, uint32_t value,
               uint32_t deadline_us);
void dwc2_flush(const struct dwc2 *d, uint32_t fifo);

// Takes back what IN endpoint n has not sent.
void dwc2_cancel(const struct dwc2 *d, uint32_t n);

// A packet into the FIFO of IN endpoint n, which has room; and out of the receive FIFO,
// the first `wanted` bytes of it to `dst`.
void dwc2_write_fifo(const struct dwc2 *d, uint32_t n, const uint8_t *src,
                     uint32_t length);
void dwc2_read_fifo(const struct dwc2 *d, uint8_t *dst, uint32_t count,
                    uint32_t wanted);

// --- dwc2_endpoints.c ---

extern const struct usb_endpoint_ops dwc2_endpoints;

// Divides the FIFO RAM.
void dwc2_size_fifos(const struct dwc2 *d);

// `entry` of GRXSTSP is of endpoint 01; takes its packet.
void dwc2_pop_stream(struct dwc2 *d, uint32_t entry);

// Events: what endpoint 01 has received; what an endpoint beside 0 has sent.
bool dwc2_take_received(struct dwc2 *d, struct usb_event *e);
bool dwc2_take_sent(const struct dwc2 *d, uint32_t status, struct usb_event *e);
