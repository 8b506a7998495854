// SPDX-License-Identifier: MIT
// One-time programmable bytes, in place from flash but for the waiting: programmed,
// locked, and refused afterwards. MAILBOX(0) = 1: also try what must not work.
#include "tests/guests/flash.h"

#define OTP   0x1FF0F000u
#define LOCKS 0x1FF0F400u

RAMCODE static void program_byte(uint32_t addr, uint32_t value) {
  wr(FLASH_CR, CR_PG);
  wr8(addr, (uint8_t)value);
  flash_wait();
  wr(FLASH_CR, 0);
}

RAMCODE static void program_word(uint32_t addr, uint32_t value) {
  flash_program(addr, value);
}

static void program_a_block(void) {
  check("otp.blank", rd(OTP) & rd(OTP + 0x3FC) & rd(LOCKS), 0xFFFFFFFF);
  program_word(OTP + 64, 0x11223344);
  program_byte(OTP + 68, 0xAB);
  check("otp.word", rd(OTP + 64), 0x11223344);
  check("otp.byte", rd8(OTP + 68), 0xAB);
  program_byte(LOCKS + 1, 0);
  check("otp.lock", rd(LOCKS), 0xFFFF00FF);
  program_word(OTP + 128, 0);
  check("otp.next-block-is-open", rd(OTP + 128), 0);
}

static void try_the_locked_one(void) {
  program_byte(OTP + 69, 0);
  check("otp.refused", rd(FLASH_SR), BIT(4));
  check("otp.unchanged", rd8(OTP + 69), 0xFF);
  wr(FLASH_SR, BIT(4));
}

void guest_main(void) {
  flash_unlock();
  program_a_block();
  if (rd(MAILBOX(0)) == 1) try_the_locked_one();
  check("id.flash-kilobytes", rd(0x1FF0F440) >> 16, 2048);
}
