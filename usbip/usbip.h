// SPDX-License-Identifier: MIT
// The USB/IP wire format, protocol 1.1.1: messages to and from plain structs.
// Pure functions over byte spans; sockets are somebody else's.
//
// Source, unless said otherwise: Linux, Documentation/usb/usbip_protocol.rst.
// Every number on the wire is big endian.
//
//   operations (a fresh connection)           URB traffic (after an import)
//   +---------+--------+-----------------+    +-------------------+------------+
//   | 8 bytes | IMPORT | device, 312     |    | 48-byte header    | data of an |
//   | op      | DEVLIST| n, n x (device, |    | of five kinds,    | OUT submit |
//   |         |        |  interfaces)    |    | below             | / IN return|
//   +---------+--------+-----------------+    +-------------------+------------+
//
// Isochronous transfers are not supported: a message that carries packet
// descriptors is refused as USBIP_ISOCHRONOUS.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  USBIP_VERSION = 0x0111,
  USBIP_OP_SIZE = 8,
  USBIP_PATH_SIZE = 256,
  USBIP_BUSID_SIZE = 32,
  USBIP_DEVICE_SIZE = 312,
  USBIP_INTERFACE_SIZE = 4,
  USBIP_COUNT_SIZE = 4,
  USBIP_HEADER_SIZE = 48,
  // Longest data stage taken from, or sent to, anybody. The protocol has no
  // limit of its own; DFU needs 4 KB, and bulk users stay below 64 KB.
  USBIP_MAX_TRANSFER = 1 << 20,
};

// Why a message could not be decoded.
// X(enumerator, number, "what the sender did, after 'it'")
#define USBIP_RESULT_LIST(X)                                         \
  X(OK, 0, "sent a good message")                                    \
  X(SHORT, 1, "sent only a part of a message")                       \
  X(BAD_VERSION, 2, "does not speak USB/IP version 1.1.1")           \
  X(BAD_COMMAND, 3, "sent a command that USB/IP does not have")      \
  X(BAD_DIRECTION, 4, "sent a transfer direction other than 0 or 1") \
  X(BAD_ENDPOINT, 5, "sent an endpoint number above 15")             \
  X(BAD_LENGTH, 6, "sent a transfer longer than 1 MiB")              \
  X(ISOCHRONOUS, 7,                                                  \
    "asked for isochronous transfers, which quadboot "               \
    "does not support")

enum usbip_result {
#define X(name, number, text) USBIP_##name = number,
  USBIP_RESULT_LIST(X)
#undef X
};

// The text of the list above.
const char *usbip_result_text(enum usbip_result result);

// Operation codes: a request has bit 15 set, its reply is the same without.
enum usbip_op_code {
  USBIP_OP_REQ_IMPORT = 0x8003,
  USBIP_OP_REP_IMPORT = 0x0003,
  USBIP_OP_REQ_DEVLIST = 0x8005,
  USBIP_OP_REP_DEVLIST = 0x0005,
};

// Status of a reply (Linux, tools/usb/usbip/libsrc/usbip_common.h). After any
// but OK the reply ends with the status.
enum usbip_op_status {
  USBIP_ST_OK = 0,
  USBIP_ST_NA = 1,
  USBIP_ST_DEV_BUSY = 2,
  USBIP_ST_DEV_ERR = 3,
  USBIP_ST_NODEV = 4,
  USBIP_ST_ERROR = 5,
};

struct usbip_op {
  uint16_t code;    // enum usbip_op_code; not checked by the decoder
  uint32_t status;  // enum usbip_op_status; 0 in requests
};

// Speeds as the Linux kernel numbers them (include/uapi/linux/usb/ch9.h).
enum usbip_speed { USBIP_SPEED_LOW = 1, USBIP_SPEED_FULL = 2, USBIP_SPEED_HIGH = 3 };

// A device as DEVLIST and IMPORT replies describe it.
struct usbip_device {
  char path[USBIP_PATH_SIZE];    // on the server; closed with a zero byte
  char busid[USBIP_BUSID_SIZE];  // names the device in an import, e.g. "1-1"
  uint32_t busnum, devnum;
  uint32_t speed;  // enum usbip_speed
  uint16_t idVendor, idProduct, bcdDevice;
  uint8_t bDeviceClass, bDeviceSubClass, bDeviceProtocol;
  uint8_t bConfigurationValue, bNumConfigurations, bNumInterfaces;
};

struct usbip_interface {
  uint8_t bInterfaceClass, bInterfaceSubClass, bInterfaceProtocol;
};

// Kinds of the 48-byte header. The two QUADBOOT messages are private: only our
// own bridge sends the first, and only our own simulator answers it, so a stock
// client or server never meets either.
enum usbip_command {
  USBIP_CMD_SUBMIT = 1,
  USBIP_CMD_UNLINK = 2,
  USBIP_RET_SUBMIT = 3,
  USBIP_RET_UNLINK = 4,
  // The client's program sleeps for `ns` nanoseconds of virtual time.
  QUADBOOT_CMD_SLEEP = 0x51420001,
  // The sleep is over; `ns` is the virtual time since power-on, or
  // QUADBOOT_SLEEP_REFUSED: the program shall sleep for real.
  QUADBOOT_RET_SLEEP = 0x51420002,
};

#define QUADBOOT_SLEEP_REFUSED UINT64_MAX

// transfer_flags that matter to a device (Linux, include/uapi/linux/usbip.h).
enum {
  USBIP_URB_SHORT_NOT_OK = 0x0001,
  USBIP_URB_ZERO_PACKET = 0x0040,
};

// Status of a URB: negated Linux error numbers, whatever system this runs on
// (Linux, Documentation/driver-api/usb/error-codes.rst).
enum usbip_status {
  USBIP_DONE = 0,
  USBIP_CANCELLED = -2,        // ENOENT
  USBIP_NO_MEMORY = -12,       // ENOMEM: too much is under way already
  USBIP_NO_DEVICE = -19,       // ENODEV
  USBIP_INVALID = -22,         // EINVAL: the request contradicts itself
  USBIP_STALL = -32,           // EPIPE: the endpoint answered STALL
  USBIP_PROTOCOL_ERROR = -71,  // EPROTO: the device did not answer
  USBIP_OVERFLOW = -75,        // EOVERFLOW: more data than asked for
  USBIP_UNLINKED = -104,       // ECONNRESET: given up because of CMD_UNLINK
  USBIP_SHUTDOWN = -108,       // ESHUTDOWN: the device is gone
  USBIP_SHORT_PACKET = -121,   // EREMOTEIO: short, and SHORT_NOT_OK was set
};

// One 48-byte header. Which member of the union counts follows from `command`.
struct usbip_header {
  uint32_t command;  // enum usbip_command
  uint32_t seqnum;   // pairs a request with its return
  uint32_t devid;    // usbip_devid() in requests, 0 in returns
  bool in;           // CMD_SUBMIT: the data stage goes to the host
  uint8_t endpoint;  // CMD_SUBMIT: 0..15, without the direction bit
  union {
    struct {
      uint32_t flags;     // transfer_flags
      uint32_t length;    // transfer_buffer_length, <= USBIP_MAX_TRANSFER
      uint32_t interval;  // polling interval of an interrupt endpoint
      uint8_t setup[8];   // endpoint 0 only, as USB 2.0 9.3 has it
    } submit;
    struct {
      int32_t status;        // enum usbip_status
      uint32_t length;       // actual_length, <= USBIP_MAX_TRANSFER
    } returned;              // RET_SUBMIT; RET_UNLINK has no length
    uint32_t unlink_seqnum;  // CMD_UNLINK
    uint64_t ns;             // QUADBOOT_CMD_SLEEP, QUADBOOT_RET_SLEEP
  };
};

// Decoders take the first bytes of `bytes`, which may hold more. They answer
// USBIP_SHORT when `length` is too small, and write `out` only on USBIP_OK.
enum usbip_result usbip_op_decode(const uint8_t *bytes, size_t length,
                                  struct usbip_op *out);
enum usbip_result usbip_device_decode(const uint8_t *bytes, size_t length,
                                      struct usbip_device *out);
enum usbip_result usbip_header_decode(const uint8_t *bytes, size_t length,
                                      struct usbip_header *out);

// The busid that follows the op of an import request; always closed with a
// zero byte, whatever the sender did.
enum usbip_result usbip_busid_decode(const uint8_t *bytes, size_t length,
                                     char out[USBIP_BUSID_SIZE]);

// The number of devices that follows the op of a DEVLIST reply.
enum usbip_result usbip_count_decode(const uint8_t *bytes, size_t length,
                                     uint32_t *out);

// Encoders fill the whole of `out`; they cannot fail.
void usbip_op_encode(struct usbip_op op, uint8_t out[USBIP_OP_SIZE]);
void usbip_count_encode(uint32_t count, uint8_t out[USBIP_COUNT_SIZE]);
void usbip_busid_encode(const char *busid, uint8_t out[USBIP_BUSID_SIZE]);
void usbip_device_encode(const struct usbip_device *device,
                         uint8_t out[USBIP_DEVICE_SIZE]);
void usbip_interface_encode(struct usbip_interface interface,
                            uint8_t out[USBIP_INTERFACE_SIZE]);
void usbip_header_encode(const struct usbip_header *header,
                         uint8_t out[USBIP_HEADER_SIZE]);

// The devid by which every request of an import names its device.
static inline uint32_t usbip_devid(const struct usbip_device *device) {
  return (device->busnum << 16) | device->devnum;
}
