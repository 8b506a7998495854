// SPDX-License-Identifier: MIT
#include "sim/usb/host_time.h"

// The numbers of one speed, in picoseconds.
struct rate {
  vtime_t frame;
  vtime_t bit;             // as USB 2.0 5.11.3 rounds it
  vtime_t with_handshake;  // overhead of token, data and handshake packets
  vtime_t two_packets;     // overhead of a transaction of two packets only
  vtime_t token;           // SYNC, PID, address, CRC, EOP (USB 2.0 8.3, 8.4.1)
  vtime_t handshake;       // SYNC, PID, EOP (USB 2.0 8.4.5)
  vtime_t timeout;         // longest wait for a reply (USB 2.0 7.1.19.2)
};

// USB 2.0 5.11.3:
//   full speed, handshake included    9107 + 83.54 * floor(3.167 + BitStuffTime(n))
//   full speed, isochronous input     7268 + 83.54 * floor(3.167 + BitStuffTime(n))
//   high speed, handshake included    55 * 8 * 2.083 + 2.083 * floor(3.167 +
//   BitStuffTime(n)) high speed, isochronous           38 * 8 * 2.083 + 2.083 *
//   floor(3.167 + BitStuffTime(n))
// The isochronous overhead also stands for a token that is answered by a
// handshake alone: both are two packets and one turn-around.
static const struct rate rates[] = {
    [USB_SPEED_FULL] =
        {
            .frame = VT_MS(1),
            .bit = 83540,
            .with_handshake = VT_NS(9107),
            .two_packets = VT_NS(7268),
            .token = (vtime_t)35 * 83540,
            .handshake = (vtime_t)19 * 83540,
            .timeout = (vtime_t)18 * 83540,
        },
    [USB_SPEED_HIGH] =
        {
            .frame = VT_US(125),
            .bit = 2083,
            .with_handshake = (vtime_t)55 * 8 * 2083,
            .two_packets = (vtime_t)38 * 8 * 2083,
            .token = (vtime_t)64 * 2083,
            .handshake = (vtime_t)48 * 2083,
            .timeout = (vtime_t)816 * 2083,
        },
};

vtime_t usb_time_frame(enum usb_speed speed) {
  return rates[speed].frame;
}

// BitStuffTime(n) = 1.1667 * 8 * n (USB 2.0 5.11.3), in whole bits as the formulas
// above take it: floor(3.167 + 9.3336 * n).
static vtime_t data_bits(uint32_t bytes) {
  return (3167000u + (vtime_t)bytes * 9333600u) / 1000000u;
}

static vtime_t total(const struct rate *r, vtime_t overhead, uint32_t bytes) {
  return overhead + r->bit * data_bits(bytes);
}

static bool sends_data(enum usb_pid sent) {
  return sent == USB_PID_SETUP || sent == USB_PID_OUT;
}

vtime_t usb_time_to_device(enum usb_speed speed, enum usb_pid sent, uint32_t bytes) {
  const struct rate *r = &rates[speed];
  if (!sends_data(sent)) return r->token;
  return total(r, r->with_handshake, bytes) - r->handshake;
}

vtime_t usb_time_to_host(enum usb_speed speed, enum usb_pid sent, uint32_t bytes,
                         enum usb_reply reply) {
  const struct rate *r = &rates[speed];
  if (reply == USB_REPLY_NONE) return r->timeout;
  if (sends_data(sent)) return r->handshake;
  if (reply == USB_REPLY_DATA) return total(r, r->with_handshake, bytes) - r->token;
  return total(r, r->two_packets, 0) - r->token;
}

vtime_t usb_time_worst(enum usb_speed speed, uint32_t bytes) {
  const struct rate *r = &rates[speed];
  return total(r, r->with_handshake, bytes) + r->timeout;
}
