// SPDX-License-Identifier: MIT
// Resident stub: decides between application and bootloader, and undoes whatever
// it touched on the way to the application.
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/crc32.h"
#include "common/base/unlzma.h"
#include "firmware/boot/app.h"
#include "firmware/boot/decide.h"
#include "firmware/boot/handover.h"
#include "firmware/boot/request.h"
#include "firmware/boot/state_log.h"
#include "firmware/drivers/flash_f7_regs.h"
#include "firmware/mmio.h"
#include "firmware/soc/stm32f7/soc.h"
#include "firmware/soc/stm32f7/start.h"
#include "firmware/soc/stm32f7/stm32f7_regs.h"

#define CORE_ADDRESS 0x20020000u
#define CORE_MAX     (64u * 1024u)  // core.ld's

// A pull resistor of 40 kOhm against 100 pF settles in 4 us (DS11532 table 58).
#define BUTTON_SETTLE_LOOPS 200u

// At 16 MHz at least 90 ms, as far as instructions count; and so many of them.
#define BLINK_LOOPS 600000u
#define BLINK_PAUSE 10u

// The PLL as a reset leaves it: HSI / 16 x 192 / 2 = 96 MHz. So many wait states carry
// that at any supply (RM0410 table 7); APB1 takes half of it (54 MHz at most). It locks
// within 300 us (DS11532 table 43), and a look takes at least 6 clocks of 16 MHz.
enum { HURRY_WAIT_STATES = 4, HURRY_PPRE1 = 4, SOURCE_HSI = 0, SOURCE_PLL = 2 };
#define PLL_LOOKS 2000u

extern const uint8_t link_core_start[], link_core_end[];

static bool button_held(void) {
  const bool up = board.button_pull && !board.button_active_high;
  const bool down = board.button_pull && board.button_active_high;
  soc_pin_input(board.button, up, down);
  for (uint32_t i = 0; i < BUTTON_SETTLE_LOOPS; i++)
    (void)soc_pin_read(board.button);
  return soc_pin_read(board.button) == board.button_active_high;
}

static bool app_valid(void) {
  const struct app_vectors v = {.stack = mmio_read32(APP_BASE),
                                .reset = mmio_read32(APP_BASE + 4)};
  return app_check(v, 0x08000000u + soc_flash_kb() * 1024u) == ST_OK;
}

// Only the newest record counts, so only its checksum is computed: a start is not to
// take longer with every update. The size of the log's block: with two banks sectors
// are half as big. A log that is read beyond its end would be read as torn.
static bool update_unfinished(void) {
  const uint32_t optcr = mmio_read32(FLASH_BASE + FLASH_OPTCR);
  const uint32_t size =
      field_get(optcr, FLASH_OPTCR_NDBANK) ? 32u * 1024u : 16u * 1024u;
  const uint8_t *const first = (const uint8_t *)STATE_LOG_ADDRESS;
  const uint8_t *slot = first;
  while (slot < first + size && !state_log_is_blank(slot))
    slot += STATE_LOG_RECORD;
  struct state_log log = {.unfinished = false};
  if (slot > first) (void)state_log_take(&log, slot - STATE_LOG_RECORD);
  return log.unfinished;
}

// As after a reset: the button's port and the backup access are all that was used.
static void undo(void) {
  const uint32_t port = FIELD_BIT(board.button.port);
  soc_block_reset(RCC_AHB1RSTR, port);
  soc_block_reset(RCC_APB1RSTR, RCC_APB1RSTR_PWRRST);
  mmio_update32(RCC_BASE + RCC_AHB1ENR, field_mask(port), 0);
  mmio_update32(RCC_BASE + RCC_APB1ENR,
                field_mask(RCC_APB1ENR_PWREN) | field_mask(RCC_APB1ENR_RTCAPBEN), 0);
}

static bool wait_rcc(uint32_t reg, uint32_t field, uint32_t value) {
  for (uint32_t i = 0; i < PLL_LOOKS; i++) {
    if (field_get(mmio_read32(RCC_BASE + reg), field) == value) return true;
  }
  return false;
}

static void take_clock(uint32_t source) {
  const uint32_t cfgr = field_set(0, RCC_CFGR_PPRE1, HURRY_PPRE1);
  mmio_write32(RCC_BASE + RCC_CFGR, field_set(cfgr, RCC_CFGR_SW, source));
  (void)wait_rcc(RCC_CFGR, RCC_CFGR_SWS, source);
}

// Six times as fast; not at all if the PLL does not lock.
static void hurry(void) {
  mmio_write32(FLASH_BASE + FLASH_ACR,
               field_set(0, FLASH_ACR_LATENCY, HURRY_WAIT_STATES));
  mmio_update32(RCC_BASE + RCC_CR, 0, field_mask(RCC_CR_PLLON));
  if (wait_rcc(RCC_CR, RCC_CR_PLLRDY, 1)) take_clock(SOURCE_PLL);
}

// As after a reset again: what comes next, the core or the lamp, counts on it.
static void calm_down(void) {
  take_clock(SOURCE_HSI);
  mmio_write32(RCC_BASE + RCC_CFGR, 0);
  mmio_update32(RCC_BASE + RCC_CR, field_mask(RCC_CR_PLLON), 0);
  mmio_write32(FLASH_BASE + FLASH_ACR, 0);
}

// From the form of tools/mkcore, and compared with its sum.
static bool expand_core(void) {
  uint8_t *const core = (uint8_t *)CORE_ADDRESS;
  size_t size = CORE_MAX;
  const uint8_t *const stream = link_core_start + sizeof(uint32_t);
  const uintptr_t stored = (uintptr_t)link_core_end - (uintptr_t)stream;
  if (unlzma(stream, stored, core, &size) != ST_OK) return false;
  thumb_unfilter(core, size);
  return ~crc32_update(CRC32_INIT, core, size) == load_le32(link_core_start);
}

static void show_lamp(bool on) {
  soc_pin_write(board.led, on == board.led_active_high);
  for (uint32_t i = 0; i < BLINK_LOOPS; i++)
    soc_watchdog_feed();
}

// The core is never entered damaged, and would be no better after a reset. The lamp
// says so as the core says its own fatal faults: the number, then a pause.
__attribute__((noreturn)) static void give_up(void) {
  soc_pin_output(board.led, !board.led_active_high);
  for (;;) {
    for (uint32_t i = 0; i < ST_DAMAGED; i++) {
      show_lamp(true);
      show_lamp(false);
    }
    for (uint32_t i = 0; i < BLINK_PAUSE; i++)
      show_lamp(false);
  }
}

static void start_core(enum boot_choice choice) {
  const struct handover h = {.magic = HANDOVER_MAGIC, .choice = choice};
  memcpy((void *)HANDOVER_ADDRESS, &h, sizeof h);
  hurry();
  const bool good = expand_core();
  calm_down();
  if (!good) give_up();
  soc_watchdog_feed();
  start_image(CORE_ADDRESS);
}

void firmware_main(void) {
  soc_watchdog_feed();
  const struct boot_facts facts = {.request = soc_request_read(),
                                   .app_valid = app_valid(),
                                   .unfinished = update_unfinished(),
                                   .button_held = button_held()};
  const bool asked =
      facts.request == BOOT_REQUEST_STAY || facts.request == BOOT_REQUEST_APP;
  if (asked) soc_request_write(0);
  const enum boot_choice choice = boot_decide(&facts);
  undo();
  if (choice != BOOT_START_APP) start_core(choice);
  start_image(APP_BASE);
}

void firmware_fault(void) {
  soc_reset();
}
