// SPDX-License-Identifier: MIT
// One-time programmable bytes (RM0410 3.5): sixteen blocks of 64, each with a lock
// byte behind them: 00h locks its block for ever, FFh does not. They are programmed as
// the flash is, and nothing erases them.
//
//   0x1FF0F000  1024 bytes    0x1FF0F400  16 lock bytes    0x1FF0F410  16 bytes, unused
#include "sim/models/flash_f7_internal.h"

enum { BLOCK = 64, LOCKS = FLASH_F7_OTP_BYTES, LOCK_COUNT = 16 };

static bool is_locked(const struct flash_f7 *f, uint32_t offset) {
  return offset < FLASH_F7_OTP_BYTES && f->otp[LOCKS + offset / BLOCK] != 0xFF;
}

// RM0410 3.5: a lock byte may hold 00h or FFh only.
static void check_locks(struct flash_f7 *f, uint32_t offset, unsigned bytes,
                        uint32_t value) {
  for (unsigned i = 0; i < bytes; i++) {
    const uint32_t at = offset + i;
    const uint8_t byte = (uint8_t)(value >> 8 * i);
    if (at < LOCKS) continue;
    if (at >= LOCKS + LOCK_COUNT) {
      report_unimplemented(&f->sim->report, FLASH_F7_OTP_AT + at,
                           "bytes behind the OTP lock bytes");
    } else if (byte != 0x00 && byte != 0xFF) {
      report_guest(&f->sim->report, GUEST_FLASH_SEQUENCE, FLASH_F7_OTP_AT + at,
                   "OTP lock byte %u set to 0x%02x, neither 00 nor FF",
                   (unsigned)(at - LOCKS), (unsigned)byte);
    }
  }
}

void flash_f7_store_otp(struct flash_f7 *f, uint32_t offset, unsigned bytes,
                        uint32_t value) {
  const uint32_t addr = FLASH_F7_OTP_AT + offset;
  if (!flash_f7_wait_free(f, addr, "store into OTP")) return;
  uint32_t error = flash_f7_program_error(f, addr, offset, bytes);
  if (!error && is_locked(f, offset)) {
    // That the flag is this one is assumed.
    report_guest(&f->sim->report, GUEST_FLASH_PROTECTED, addr,
                 "store into locked OTP block %u", (unsigned)(offset / BLOCK));
    error = SIM_FLASH_SR_WRPERR;
  }
  if (error) {
    flash_f7_refuse(f, error);
    return;
  }
  if (!flash_f7_supply_suffices(f)) return;
  check_locks(f, offset, bytes, value);
  // It belongs to the first bank (as on the F42x, RM0090 table 6).
  f->op.banks = flash_f7_banks_at(f, 0);
  flash_f7_begin_program(f, FLASH_F7_OTP, f->otp, offset, bytes, value);
}
