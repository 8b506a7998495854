// SPDX-License-Identifier: MIT
// A serial port for the host: USB CDC-ACM (CDC 1.2, PSTN 1.2) as a struct usb_class of
// two interfaces, and for the console a struct serial_line.
//
// A session is while the host has DTR set. What came before it, or was still to go out,
// is dropped when it begins and when it ends, but for what may be a command: until that
// is taken the line is open, and the next session's bytes wait; between the two it is
// seen closed once. A ring that is full makes the host wait (NAK).
#pragma once

#include "firmware/serial/line.h"
#include "firmware/usb/usbd.h"

enum {
  CDC_COMMUNICATION = 1,  // interface numbers
  CDC_DATA = 2,
  CDC_INTERFACES = 2,

  CDC_NOTIFY_IN = 0x82,  // endpoint addresses
  CDC_DATA_OUT = 0x01,
  CDC_DATA_IN = 0x81,
  CDC_ENDPOINTS = 3,

  CDC_RX_ROOM = 4096,
  CDC_TX_ROOM = 512,  // a power of two
  CDC_LINE_CODING_SIZE = 7,
};

// In the order of their descriptors.
extern const struct usb_endpoint cdc_endpoints[CDC_ENDPOINTS];

// Packets lie one behind the other. One that would not fit before the end goes to the
// start, as soon as there is room:
//
//   0         tail        head     ROOM        0     head     tail       end  ROOM
//   |          |==========|         |          |=====|         |==========|     |
struct cdc_rx {
  uint16_t head, tail, end;
  bool wrapped;
  bool asked;  // packets come to `head`, until RECEIVED says that it is over
  uint8_t bytes[CDC_RX_ROOM];
};

struct cdc_tx {
  uint16_t head, tail;  // free-running
  bool busy;            // a packet is on its way
  bool full;            // and it was full: something must follow, if only nothing
  uint8_t bytes[CDC_TX_ROOM];
};

struct cdc {
  const struct usb_port *port;
  uint16_t packet;  // of the data endpoints; 0: not configured
  bool dtr;
  bool again;        // DTR came back before those of the session before were taken
  uint16_t leaving;  // so many bytes in `rx`
  bool notifying;
  uint8_t line_coding[CDC_LINE_CODING_SIZE];
  _Alignas(4) uint8_t coming[8];  // the next one
  struct cdc_rx rx;
  struct cdc_tx tx;
};

void cdc_init(struct cdc *c, const struct usb_port *port);
struct usb_class cdc_class(struct cdc *c);
struct serial_line cdc_line(struct cdc *c);
