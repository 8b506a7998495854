// SPDX-License-Identifier: MIT
#include "sim/models/i2c_chip.h"

#include <string.h>

// WM8994 data sheet, "Software Reset": R0 reads the device's number, and any write to
// it resets. Registers and addresses have 16 bits.
const struct i2c_chip_kind i2c_wm8994 = {"WM8994", 0x1A, 2, 2, 0, 0x8994};

// FT6x06 application note: register A8h (FOCALTECH_ID) is 11h; nothing touches it.
const struct i2c_chip_kind i2c_ft6206 = {"FT6206", 0x2A, 1, 1, 0xA8, 0x11};

static void restart(struct i2c_chip *c) {
  memset(c->values, 0, sizeof c->values);
  c->values[c->kind->id_register] = c->kind->id;
}

void i2c_chip_init(struct i2c_chip *c, const struct i2c_chip_kind *kind) {
  *c = (struct i2c_chip){.kind = kind};
  restart(c);
}

void i2c_chip_start(struct i2c_chip *c, bool read) {
  c->byte = read ? c->kind->pointer_bytes : 0;  // a read goes on where a write pointed
}

static void store(struct i2c_chip *c) {
  const bool is_id = c->pointer == c->kind->id_register;
  if (is_id) {
    restart(c);
  } else if (c->pointer < I2C_CHIP_REGISTERS) {
    c->values[c->pointer] = c->value;
  }
  c->pointer++;
}

void i2c_chip_write(struct i2c_chip *c, uint8_t byte) {
  const unsigned n = c->byte++;
  if (n < c->kind->pointer_bytes) {
    c->pointer = (uint16_t)((n ? c->pointer << 8 : 0) | byte);
    return;
  }
  c->value = (uint16_t)(c->value << 8 | byte);
  if ((c->byte - c->kind->pointer_bytes) % c->kind->value_bytes) return;
  if (c->kind->value_bytes == 1) c->value = byte;
  store(c);
}

uint8_t i2c_chip_read(struct i2c_chip *c) {
  const unsigned n = c->byte++ - c->kind->pointer_bytes;
  const bool known = c->pointer < I2C_CHIP_REGISTERS;
  const uint16_t value = known ? c->values[c->pointer] : 0;
  const unsigned left = c->kind->value_bytes - 1u - n % c->kind->value_bytes;
  if (!left) c->pointer++;
  return (uint8_t)(value >> 8 * left);
}
