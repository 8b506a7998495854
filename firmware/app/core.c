// SPDX-License-Identifier: MIT
// The core's composition root: the only place where mutable statics live. It makes
// the pieces, wires them, and then does the same few things for ever.
#include "firmware/boot/decide.h"
#include "firmware/boot/handover.h"
#include "firmware/boot/request.h"
#include "firmware/config.h"
#include "firmware/drivers/crc_f7.h"
#include "firmware/drivers/dwc2.h"
#include "firmware/drivers/flash_f7.h"
#include "firmware/drivers/quadspi.h"
#include "firmware/drivers/usart.h"
#include "firmware/flash/nor.h"
#include "firmware/install/session.h"
#include "firmware/mmio.h"
#include "firmware/serial/console.h"
#include "firmware/soc/stm32f7/soc.h"
#include "firmware/soc/stm32f7/start.h"
#include "firmware/soc/stm32f7/stm32f7_regs.h"
#include "firmware/usb/cdc.h"
#include "firmware/usb/descriptors.h"
#include "firmware/usb/dfu.h"

enum {
  RELEASE_BCD = 0x0010,  // 0.1.0
  BAUD = 115200,
  BOOTLOADER_SIZE = 64 * 1024,  // sectors 0 and 1

  // From the reply that says "leaving" to the disconnect: time for the host to close
  // the device. And how long the host must see the device gone before a reset brings
  // it back: it notices within 2.5 us (USB 2.0 7.1.7.3), hubs take a while longer.
  LEAVE_US = 50000,
  DETACH_US = 20000,

  SERIAL_PATIENCE = 32,  // steps of the flash, of at most 1 KB

  // Interrupt positions that wake the core (RM0410 table 46).
  IRQ_FLASH = 4,
  IRQ_OTG_FS = 67,
  IRQ_OTG_HS = 77,
  IRQ_QUADSPI = 92,
};

extern uint8_t link_ring_start[], link_ring_end[];

static struct soc_time clock;
static struct flash_f7 flash;
static struct quadspi qspi;
static struct nor_bus qspi_bus;
static struct nor nor;
static enum status nor_status;
static struct media internal_medium, external_medium;
static struct writer writer;
static struct session session;
static struct dwc2 otg;
static struct usb_port port;
static struct info info;
static struct dfu dfu;
static struct usb_class dfu_ops;
static struct descriptors descriptors;
static struct usb_descriptors descriptor_ops;
static struct usbd usbd;
// Of a build with a serial port.
static struct cdc cdc;
static struct usb_class cdc_ops;
static struct serial_line line;
static struct console console;
static struct console_facts facts;
static uint32_t passed_over;

static uint32_t now_us(void *ctx) {
  return soc_time_us(ctx);
}

// For waits on the QSPI flash, which may be long: seconds for a chip that is erasing.
static uint32_t now_fed_us(void *ctx) {
  soc_watchdog_feed();
  return soc_time_us(ctx);
}

// --- console ---

static void print(const char *text) {
  usart_print(USART1_BASE, text);
}

static void start_console(uint32_t clock_hz) {
  soc_pin_alternate(board.uart_tx);
  soc_clock_enable(RCC_APB2ENR, RCC_APB2ENR_USART1EN);
  usart_start(USART1_BASE, clock_hz, BAUD);
}

static void print_byte(uint8_t byte) {
  static const char digits[] = "0123456789ABCDEF";
  const char text[] = {digits[byte >> 4], digits[byte & 15], ' ', 0};
  print(text);
}

static const char *reason(void) {
  if (mmio_read32(HANDOVER_ADDRESS) != HANDOVER_MAGIC) return "started from RAM";
  return boot_choice_text((enum boot_choice)mmio_read32(HANDOVER_ADDRESS + 4));
}

// --- fatal faults ---

static void led(bool on) {
  soc_pin_write(board.led, on == board.led_active_high);
}

static void pause_us(uint32_t us) {
  const uint32_t start = soc_time_us(&clock);
  while (soc_time_us(&clock) - start < us)
    soc_watchdog_feed();
}

// Nothing can be done without this: say so, for ever, by lamp and by line. The lamp
// blinks the status number, then pauses.
__attribute__((noreturn)) static void give_up(enum status status) {
  soc_pin_output(board.led, !board.led_active_high);
  for (;;) {
    const char code[] = {(char)('0' + status / 10), (char)('0' + status % 10), 0};
    print("quadboot cannot start, code ");
    print(code);
    print(": ");
    print(status_sentence(status));
    print("\r\n");
    for (uint32_t i = 0; i < (uint32_t)status; i++) {
      led(true);
      pause_us(150000);
      led(false);
      pause_us(150000);
    }
    pause_us(1000000);
  }
}

void firmware_fault(void) {
  soc_reset();
}

// --- set-up ---

static void start_flash(void) {
  const struct flash_f7_config config = {
      .regs = FLASH_BASE,
      .bytes = 0x08000000u,
      .size = soc_flash_kb() * 1024u,
      .supply_mv = board.supply_min_mv,
      .bootloader_size = BOOTLOADER_SIZE,
      .now_us = now_us,
      .now_ctx = &clock,
  };
  flash_f7_start(&flash, &config);
  internal_medium = flash_f7_medium(&flash);
  session_add_medium(&session, &internal_medium);
}

static void start_nor(void) {
  const struct quadspi_config config = {.base = QUADSPI_BASE,
                                        .dma = DMA2_BASE,
                                        .let_in = soc_mpu_window,
                                        .kernel_hz = SOC_HCLK_HZ,
                                        .now_us = now_fed_us,
                                        .now_ctx = &clock};
  soc_clock_enable(RCC_AHB3ENR, RCC_AHB3ENR_QSPIEN);
  soc_block_reset(RCC_AHB3RSTR, RCC_AHB3RSTR_QSPIRST);
  soc_clock_enable(RCC_AHB1ENR, RCC_AHB1ENR_DMA2EN);
  soc_block_reset(RCC_AHB1RSTR, RCC_AHB1RSTR_DMA2RST);
  for (size_t i = 0; i < board.qspi_pin_count; i++)
    soc_pin_alternate(board.qspi_pins[i]);
  quadspi_start(&qspi, &config);
  qspi_bus = quadspi_bus(&qspi);
  nor_status = nor_start(&nor, &qspi_bus, board.qspi_max_hz);
  if (nor_status == ST_OK && board.qspi_ddr) {
    nor_status = nor_start_ddr(&nor, quadspi_set_ddr_clock);
  }
  if (nor_status == ST_OK) {
    external_medium = nor_medium(&nor);
    session_add_medium(&session, &external_medium);
    return;
  }
  // The sentence, and whose it is, if anybody's.
  if (nor_status != ST_NOR_ABSENT) {
    print("JEDEC id ");
    for (size_t i = 0; i < sizeof nor.id; i++)
      print_byte(nor.id[i]);
  }
  print(status_sentence(nor_status));
  print("\r\n");
}

static uint32_t crc32_by_chip(uint32_t crc, const void *data, size_t n) {
  return crc_f7_update(CRC_BASE, crc, data, n);
}

static void start_dfu(void) {
  const uint32_t id = mmio_read32(DBGMCU_BASE + DBGMCU_IDCODE);
  info = (struct info){
      .dev_id = (uint16_t)field_get(id, DBGMCU_IDCODE_DEV_ID),
      .rev_id = (uint16_t)field_get(id, DBGMCU_IDCODE_REV_ID),
      .flash_kb = (uint16_t)soc_flash_kb(),
      .nor_status = (uint8_t)nor_status,
      .nor_id = {nor.id[0], nor.id[1], nor.id[2]},
      .nor_size = nor_status == ST_OK ? external_medium.geometry.size : 0,
  };
  flash_f7_options(&flash, &info.optcr, &info.optcr1);
  dfu_init(&dfu, &session, &info);
  soc_clock_enable(RCC_AHB1ENR, RCC_AHB1ENR_CRCEN);
  soc_block_reset(RCC_AHB1RSTR, RCC_AHB1RSTR_CRCRST);
  dfu.vendor.crc32 = crc32_by_chip;
  dfu_ops = dfu_class(&dfu);
}

// Pushed into RAM, the core has no log: sector 1 may be anybody's.
static void start_log(void) {
  if (mmio_read32(HANDOVER_ADDRESS) != HANDOVER_MAGIC) return;
  const enum status status = session_open_log(&session, STATE_LOG_ADDRESS);
  if (status != ST_OK) give_up(status);
}

static size_t on_reason(void *ctx, char *out) {
  return dfu_reason(ctx, out);
}

static void start_descriptors(void) {
  struct descriptors_config *c = &descriptors.config;
  c->vid = CONFIG_SERIAL ? board.serial_vid : board.usb_vid;
  c->pid = CONFIG_SERIAL ? board.serial_pid : board.usb_pid;
  c->serial = CONFIG_SERIAL;
  c->release = RELEASE_BCD;
  c->board = board.name;
  soc_unique_id(c->unique_id);
  c->can_high_speed = board.usb == BOARD_USB_HS_ULPI;
  c->transfer_size = DFU_TRANSFER_SIZE;
  c->alternates = session.media_count;
  for (uint8_t i = 0; i < session.media_count; i++) {
    layout_string(&session.media[i]->geometry, c->layouts[i]);
  }
  c->reason_index = DFU_STRING_REASON;
  c->reason = on_reason;
  c->reason_ctx = &dfu;
  descriptor_ops = descriptors_ops(&descriptors);
}

static enum status start_usb(void) {
  const bool high = board.usb == BOARD_USB_HS_ULPI;
  for (size_t i = 0; i < board.usb_pin_count; i++)
    soc_pin_alternate(board.usb_pins[i]);
  if (high) {
    soc_clock_enable(RCC_AHB1ENR, RCC_AHB1ENR_OTGHSEN);
    soc_clock_enable(RCC_AHB1ENR, RCC_AHB1ENR_OTGHSULPIEN);
    soc_block_reset(RCC_AHB1RSTR, RCC_AHB1RSTR_OTGHSRST);
  } else {
    soc_clock_enable(RCC_AHB2ENR, RCC_AHB2ENR_OTGFSEN);
    soc_block_reset(RCC_AHB2RSTR, RCC_AHB2RSTR_OTGFSRST);
    // Else the core stands still while the CPU sleeps.
    mmio_update32(RCC_BASE + RCC_AHB1LPENR, field_mask(RCC_AHB1LPENR_OTGHSULPILPEN), 0);
  }
  const struct dwc2_config config = {
      .base = high ? OTG_HS_BASE : OTG_FS_BASE,
      .phy = high ? DWC2_PHY_ULPI_HS : DWC2_PHY_INTERNAL_FS,
      .vbus_sensed = board.vbus_sensed,
      .now_us = now_us,
      .now_ctx = &clock,
  };
  soc_wake_on(high ? IRQ_OTG_HS : IRQ_OTG_FS);
  const enum status status = dwc2_start(&otg, &config);
  port = dwc2_port(&otg);
  return status;
}

// Behind usbd_init, which DFU is with.
static void start_serial(void) {
  cdc_init(&cdc, &port);
  cdc_ops = cdc_class(&cdc);
  usbd_add(&usbd, &cdc_ops, CDC_INTERFACES, cdc_endpoints, CDC_ENDPOINTS);
  line = cdc_line(&cdc);
  facts = (struct console_facts){.name = "quadboot 0.1.0",
                                 .board = board.name,
                                 .info = &info,
                                 .crc32 = crc32_by_chip};
  console_init(&console, &line, &session, &facts);
}

static void start_all(void) {
  soc_time_start(&clock, SOC_HSI_HZ);
  soc_mpu_start(false);
  soc_caches_on();
  const enum status clocks = soc_clock_start(&board, &clock);
  start_console(clocks == ST_OK ? SOC_PCLK2_HZ : SOC_HSI_HZ);
  if (clocks != ST_OK) give_up(clocks);
  print("quadboot 0.1.0 on ");
  print(board.name);
  print(": ");
  print(reason());
  print("\r\n");
  soc_pin_output(board.led, board.led_active_high);
  soc_supply_watch(board.supply_min_mv);
  soc_compensate(&clock);
  writer_init(&writer, link_ring_start,
              (uintptr_t)link_ring_end - (uintptr_t)link_ring_start, now_us, &clock,
              soc_supply_good);
  session_init(&session, &writer);
  start_flash();
  start_log();
  start_nor();
  soc_wake_on(IRQ_FLASH);
  soc_wake_on(IRQ_QUADSPI);
  start_dfu();
  start_descriptors();
  const enum status usb = start_usb();
  if (usb != ST_OK) give_up(usb);
  usbd_init(&usbd, &port, &dfu_ops, &descriptor_ops);
  if (CONFIG_SERIAL) start_serial();
  port.connect(port.ctx, true);
}

// --- the loop ---

// By way of a reset: the application finds the chip as it is after one, and the QSPI
// flash as after power-up.
__attribute__((noreturn)) static void leave(uint32_t request) {
  const uint32_t start = soc_time_us(&clock);
  while (soc_time_us(&clock) - start < LEAVE_US) {
    soc_watchdog_feed();
    usbd_poll(&usbd);
  }
  port.connect(port.ctx, false);
  if (nor_status == ST_OK) nor_stop(&nor);
  pause_us(DETACH_US);
  soc_request_write(request);
  soc_reset();
}

// The flash comes first, in bursts of a millisecond between two pages' programs: who
// sends is held back by it anyway. Not in all of a long one (a survey of the chip).
static bool serial_poll(bool flash_works) {
  if (flash_works && ++passed_over % SERIAL_PATIENCE) return false;
  const bool worked = console_poll(&console);
  if (console_wants_boot(&console)) leave(BOOT_REQUEST_APP);
  if (console_wants_reset(&console)) leave(0);
  return worked;
}

void firmware_main(void) {
  start_all();
  for (;;) {
    flash_f7_go_on(&flash);  // 16 us of work for less than one
    nor_go_on(&nor);         // and 120 us or more
    usbd_poll(&usbd);        // what it woke for comes first: the host waits
    bool worked = dfu_poll(&dfu);
    if (CONFIG_SERIAL && serial_poll(worked)) worked = true;
    if (dfu_wants_to_leave(&dfu)) leave(BOOT_REQUEST_APP);
    soc_watchdog_feed();
    soc_forget_wakes();
    soc_time_us(&clock);  // often enough to miss no wrap
    // What was not seen above still ends the sleep.
    if (!worked) soc_sleep();
  }
}
