// SPDX-License-Identifier: MIT
// A whole board: chip models, wiring, power and reset. This is the in-process API
// that tests and the program quadboot-sim share.
//
//   struct machine *m = machine_create(board_find("stm32f769i-disco"), CPU_BLOCK);
//   machine_load_elf(m, "boot.elf", &error);
//   machine_power_on(m);
//   machine_run(m, VT_MS(500));
#pragma once

#include "sim/cpu/cpu.h"
#include "sim/machine/board.h"
#include "sim/machine/chip_blocks.h"
#include "sim/models/crc_unit.h"
#include "sim/models/debug.h"
#include "sim/models/dma.h"
#include "sim/models/flash_f7.h"
#include "sim/models/gpio.h"
#include "sim/models/iwdg.h"
#include "sim/models/nor.h"
#include "sim/models/otg.h"
#include "sim/models/pwr.h"
#include "sim/models/quadspi.h"
#include "sim/models/rcc.h"
#include "sim/models/rtc.h"
#include "sim/models/scs.h"
#include "sim/models/syscfg.h"
#include "sim/models/trace.h"
#include "sim/usb/host.h"

enum {
  MACHINE_PORTS = 11,  // GPIOA to GPIOK
  MACHINE_STUBS = 96,

  DTCM_BASE = 0x20000000,
  RAM_SIZE = 512 * 1024,  // DTCM 128 KB, SRAM1 368 KB, SRAM2 16 KB
  ITCM_SIZE = 16 * 1024,
  SYSTEM_MEMORY_SIZE = 64 * 1024,  // 0x1FF00000: ROM, OTP, identification
  OPTION_WINDOW_SIZE = 64 * 1024,  // 0x1FFF0000
  BACKUP_SRAM_SIZE = 4 * 1024,
};

#define FLASH_BASE         0x08000000u
#define FLASH_ITCM_BASE    0x00200000u
#define SRAM1_BASE         0x20020000u
#define SYSTEM_MEMORY_BASE 0x1FF00000u
#define OPTION_WINDOW_BASE 0x1FFF0000u
#define BACKUP_SRAM_BASE   0x40024000u
#define QSPI_WINDOW_BASE   0x90000000u

// A block the simulator does not model: it holds what is written to it and says
// that it is missing.
struct stub {
  struct machine *machine;
  const char *name;
  uint32_t base;
  uint32_t words[256];
};

// The first moments of things that people want to know the cost of.
// When a flash was worked on, from the first operation's start to the last one's.
struct machine_span {
  vtime_t first, last;  // VT_NEVER: never
  uint64_t operations;
};

struct machine_marks {
  vtime_t reset;        // last reset ended
  vtime_t usb_connect;  // pull-up on; VT_NEVER before
  vtime_t app_start;
  uint64_t instructions_at_reset, instructions_to_connect, instructions_to_app;
};

struct machine {
  struct sim sim;
  const struct board *board;
  struct clock_source clocks;
  struct cpu *cpu;

  struct scs scs;
  struct rcc rcc;
  struct pwr pwr;
  struct flash_f7 flash;
  struct gpio gpio[MACHINE_PORTS];
  struct syscfg syscfg;
  struct rtc rtc;
  struct iwdg iwdg;
  struct crc_unit crc;
  struct dma dma[2];  // DMA1, DMA2
  struct debug_blocks debug;
  struct chip_blocks chip;
  struct trace_blocks trace;
  struct quadspi quadspi;
  struct nor nor;
  struct otg otg_hs, otg_fs;
  struct usb_host usb;
  struct usb_host_port cable;  // the host as the USB core sees it
  struct stub *stubs;
  size_t stub_count;

  uint8_t *flash_bytes, *nor_bytes, *ram, *itcm, *system_memory, *option_window;
  uint8_t backup_sram[BACKUP_SRAM_SIZE];
  size_t nor_size;

  // What the MPU says of the QUADSPI window, and the settings it was last asked with.
  struct mpu window_mpu;
  bool window_known, window_normal;

  bool powered;
  // The supply is too low to run: reset is held until it has risen.
  enum { HELD_NOT, HELD_BY_BROWN_OUT, HELD_BY_POWER_DOWN } held;
  bool resetting;  // models are being reset one after another: judge nothing
  bool iwdg_reset_due;
  bool ram_lost;  // with the supply; the first power-on finds what was loaded
  bool standby;   // the core's domain is off; the backup domain and PWR watch
  uint64_t resets;
  struct machine_marks marks;
  struct machine_span flash_span, nor_span;
  // Called when an operation of either flash starts, with its running number over
  // both, from 1: for tests that count operations and cut the power at one of them.
  void (*on_flash_operation)(void *ctx, uint64_t number);
  void *on_flash_operation_ctx;

  // Text from the board's console, one byte at a time; and from every USART.
  void (*on_uart)(void *ctx, uint8_t byte);
  void (*on_uart_tx)(void *ctx, unsigned usart, uint8_t byte);
  void *on_uart_tx_ctx;
  // A write to an enabled stimulus port of the ITM, `bytes` wide; port 0 is the console
  // that ITM_SendChar uses.
  void (*on_itm)(void *ctx, unsigned port, uint32_t value, unsigned bytes);
  // The USB device appeared on the cable or left it.
  void (*on_usb_connect)(void *ctx, bool connected);
  void *on_usb_connect_ctx;
  void *ctx;
};

// Memories are blank (FFh), the power is off. Never returns NULL.
struct machine *machine_create(const struct board *board, enum cpu_mode mode);
void machine_destroy(struct machine *m);

// Applies power: RAM holds noise, every flag says so, the chip boots.
void machine_power_on(struct machine *m);

// Takes power away this instant. Flash and NOR keep what real ones would.
void machine_power_cut(struct machine *m);

// NRST for an instant.
void machine_reset_pin(struct machine *m);

// Runs for `duration` of virtual time, or until machine_stop.
void machine_run(struct machine *m, vtime_t duration);
void machine_run_until(struct machine *m, vtime_t until);
void machine_stop(struct machine *m);

vtime_t machine_now(const struct machine *m);

// Button of the board, held or let go.
void machine_button(struct machine *m, bool pressed);

// The chip's own number (RM0410 45.1), of which all boards have the same at first.
enum { MACHINE_UNIQUE_ID = 12 };
void machine_set_unique_id(struct machine *m, const uint8_t id[MACHINE_UNIQUE_ID]);

// What is connected to a USART (number 1 to 8) sends a byte, when it has sent those
// before, at its line rate. False: no such USART, no power, or too much is waiting
// already.
bool machine_uart_rx(struct machine *m, unsigned number, uint8_t byte);

// The same with several; how many were taken.
size_t machine_uart_send(struct machine *m, unsigned number, const uint8_t *bytes,
                         size_t n);

// The baud rate of what is connected; 0 (as from the start) always follows the USART's.
void machine_uart_baud(struct machine *m, unsigned number, uint32_t baud);

// Supply voltage. Below the threshold that option BOR_LEV names the chip is held in
// reset until it has risen; below that of the power-down reset its RAM is lost, too.
// Not from within events.
void machine_supply(struct machine *m, uint32_t millivolts);

// Bytes that the firmware has written over the noise the RAM held at power-on,
// from the top of [base, base + size) down: the depth of a stack there.
uint32_t machine_stack_depth(const struct machine *m, uint32_t base, uint32_t size);

// A LED's state as an observer sees it.
bool machine_led(const struct machine *m, size_t led);

// The port of a pin.
struct gpio *machine_port(struct machine *m, char letter);
