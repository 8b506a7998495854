// SPDX-License-Identifier: MIT
// Chips on an I2C bus that are read and written by registers: a pointer of one or two
// bytes, then values, the pointer moving on by itself. What they do with their
// registers is not modelled; that they answer, with their identification, is.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { I2C_CHIP_REGISTERS = 2048 };

struct i2c_chip_kind {
  const char *name;
  uint8_t address;  // 7 bits
  uint8_t pointer_bytes, value_bytes;
  uint16_t id_register, id;
};

// Both of the 32F769I-DISCO (UM2033): the audio codec and the touch controller.
extern const struct i2c_chip_kind i2c_wm8994, i2c_ft6206;

struct i2c_chip {
  const struct i2c_chip_kind *kind;
  uint16_t values[I2C_CHIP_REGISTERS];
  unsigned byte;  // since the start
  uint16_t pointer, value;
};

void i2c_chip_init(struct i2c_chip *c, const struct i2c_chip_kind *kind);

// A start condition with the chip's address, a byte in either direction.
void i2c_chip_start(struct i2c_chip *c, bool read);
void i2c_chip_write(struct i2c_chip *c, uint8_t byte);
uint8_t i2c_chip_read(struct i2c_chip *c);
