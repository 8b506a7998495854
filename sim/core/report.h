// SPDX-License-Identifier: MIT
// What the simulator has to say about the firmware it runs.
//
// Two kinds, never mixed: a *guest error* (the firmware did what the chip's
// documents forbid or silicon punishes) and *unimplemented* (the model is
// incomplete). Equal entries, by class, PC and address, are counted, not
// repeated. Every class has a stable name, which tests and reports use.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sim/core/event.h"

// X(enumerator, "stable-name", "what it means")
#define GUEST_ERROR_LIST(X)                                                            \
  X(CLOCK_OFF, "clock-off", "register access with the peripheral's clock off")         \
  X(IN_RESET, "in-reset", "register access while the peripheral is held in reset")     \
  X(RESERVED_BITS, "reserved-bits", "reserved bits written away from reset value")     \
  X(BAD_REGISTER, "bad-register", "access to an address that holds no register")       \
  X(BAD_WIDTH, "bad-width", "register accessed with a width it does not support")      \
  X(READ_ONLY, "read-only", "write to a read-only register")                           \
  X(DROPPED_WRITE, "dropped-write", "write that the chip ignores or loses")            \
  X(BUS_ERROR, "bus-error", "access that the bus answers with an error")               \
  X(PIN_AF, "pin-af", "pin not in the alternate function that the bus needs")          \
  X(PIN_SPEED, "pin-speed", "pin output speed too low for its bus")                    \
  X(COMPENSATION, "compensation-cell", "compensation cell off with fast pins")         \
  X(WAIT_STATES, "wait-states", "too few flash wait states for the clock")             \
  X(OVERDRIVE, "over-drive", "above 180 MHz without over-drive")                       \
  X(CLOCK_LIMIT, "clock-limit", "clock outside its documented range")                  \
  X(CLOCK_SEQUENCE, "clock-sequence", "clock changed or used in a forbidden order")    \
  X(USB_CLOCK, "usb-clock", "USB needs exactly 48 MHz, or 60 MHz from the PHY")        \
  X(USB_VBUS, "usb-vbus", "device connected without VBUS sensed or overridden")        \
  X(USB_FIFO, "usb-fifo", "FIFO sizes overlap or exceed the core's RAM")               \
  X(USB_EP_NO_FIFO, "usb-ep-no-fifo", "endpoint enabled without a FIFO")               \
  X(USB_FIFO_OVERRUN, "usb-fifo-overrun", "write to a FIFO with no room")              \
  X(USB_FIFO_EMPTY, "usb-fifo-empty", "read of an empty FIFO")                         \
  X(USB_PROTOCOL, "usb-protocol", "endpoint programmed against the USB rules")         \
  X(FLASH_LOCKED, "flash-locked", "flash control written while locked")                \
  X(FLASH_KEY, "flash-key", "wrong unlock key: locked until reset")                    \
  X(FLASH_BUSY, "flash-busy", "flash control written while busy")                      \
  X(FLASH_STALL, "flash-stall", "CPU stalled on the flash bank that is busy")          \
  X(FLASH_WIDTH, "flash-width", "programming width differs from PSIZE")                \
  X(FLASH_SUPPLY, "flash-supply", "PSIZE needs more than the supply voltage")          \
  X(FLASH_ALIGN, "flash-align", "programming crosses a flash row or is unaligned")     \
  X(FLASH_SEQUENCE, "flash-sequence", "program or erase without its enable bit")       \
  X(FLASH_NOT_ERASED, "flash-not-erased", "programming would turn a 0 into a 1")       \
  X(FLASH_PROTECTED, "flash-protected", "program or erase of a protected sector")      \
  X(QSPI_BUSY, "qspi-busy", "QUADSPI configuration written while BUSY")                \
  X(QSPI_CLOCK, "qspi-clock", "SCLK above the chip's limit for the command")           \
  X(QSPI_FIFO, "qspi-fifo", "DR accessed with no byte or no room in the FIFO")         \
  X(QSPI_MPU, "qspi-mpu", "indirect QUADSPI operation with 0x90000000 Normal memory")  \
  X(QSPI_WINDOW, "qspi-window", "memory-mapped read outside the flash size")           \
  X(QSPI_FTHRES, "qspi-erratum-fthres", "FTHRES above 15, whose bit 4 does not stick") \
  X(QSPI_TIMEOUT, "qspi-erratum-timeout", "timeout counter on, with which reads fail") \
  X(QSPI_WRITE_DUMMY, "qspi-erratum-write-dummy", "dummy cycles in an indirect write") \
  X(QSPI_EXTRA_DATA, "qspi-erratum-extra-data", "no ABORT behind a quad DDR read")     \
  X(QSPI_AR, "qspi-erratum-ar", "memory-mapped with AR[1:0] left from an operation")   \
  X(QSPI_INDIRECT, "qspi-erratum-window", "window read while not memory-mapped")       \
  X(QSPI_LAST_WORD, "qspi-erratum-last-word", "last word of the memory-mapped region") \
  X(QSPI_CONFIG, "qspi-config", "QUADSPI configured outside its documented limits")    \
  X(NOR_WEL, "nor-wel", "program, erase or register write without WREN")               \
  X(NOR_BUSY, "nor-busy", "command sent to the flash chip while it is busy")           \
  X(NOR_QUAD, "nor-quad", "quad command while the chip's QE bit is clear")             \
  X(NOR_OPCODE, "nor-opcode", "command that the chip ignores in this state")           \
  X(NOR_ADDRESS, "nor-address", "wrong address length or address outside the chip")    \
  X(NOR_DUMMY, "nor-dummy", "too few or too many dummy clocks")                        \
  X(NOR_WRAP, "nor-wrap", "program wrapped inside its page")                           \
  X(NOR_NOT_ERASED, "nor-not-erased", "NOR program would turn a 0 into a 1")           \
  X(NOR_PROTECTED, "nor-protected", "program or erase of a protected NOR block")       \
  X(CODE_NOT_CLEAN, "code-not-clean", "code run from RAM still in the D-cache")        \
  X(CODE_STALE, "code-stale", "code run from stale I-cache lines")                     \
  X(DATA_STALE, "data-stale", "read of a D-cache line that memory has outrun")         \
  X(DIRTY_LOST, "dirty-lost", "D-cache lines thrown away before they were written")    \
  X(DMA_CONFIG, "dma-config", "DMA stream set up or used against its rules")           \
  X(DMA_ALIGN, "dma-align", "DMA address not aligned to what is transferred")          \
  X(DMA1_MEMORY, "dma1-memory", "memory to memory on DMA1, which cannot do it")        \
  X(DMA_REACH, "dma-reach", "DMA to an address that the master cannot reach")          \
  X(DMA_NOT_CLEAN, "dma-not-clean", "DMA on memory that is dirty in the D-cache")      \
  X(DMA_STALE, "dma-stale", "read of DMA's data without invalidating the D-cache")     \
  X(VECTOR_TABLE, "vector-table", "vector table blank or misaligned")                  \
  X(MPU_CONFIG, "mpu-config", "MPU region with a forbidden size, base or attribute")   \
  X(WATCHDOG, "watchdog", "the watchdog was not fed in time")                          \
  X(WATCHDOG_BUSY, "watchdog-busy", "IWDG register written while updating")            \
  X(BACKUP_LOCKED, "backup-locked", "backup domain written with DBP clear")            \
  X(HANDOVER, "hand-over", "application started in a state it must not inherit")       \
  X(USB_CONFIG, "usb-config", "USB core configured outside its documented rules")      \
  X(USB_SLEEP, "usb-sleep", "USB core without its clock while the CPU sleeps")         \
  X(LOCKUP, "lockup", "fault at priority -1: the core locked up")                      \
  X(POWER, "power", "external flash worked on below its lowest supply")                \
  X(UART_BAUD, "uart-baud", "USART and the other end differ in their baud rates")      \
  X(RTC_LOCKED, "rtc-locked", "RTC register written while it is write-protected")      \
  X(SDRAM, "sdram", "SDRAM used or timed against its start-up sequence")

enum guest_error {
#define X(name, text, meaning) GUEST_##name,
  GUEST_ERROR_LIST(X)
#undef X
      GUEST_ERROR_COUNT
};

enum report_kind { REPORT_GUEST_ERROR, REPORT_UNIMPLEMENTED };

struct report_entry {
  enum report_kind kind;
  enum guest_error error;  // for REPORT_GUEST_ERROR
  uint32_t pc, addr;
  vtime_t first;
  uint64_t count;
  char detail[120];
  struct report_entry *next;
};

struct reg_file;

struct report {
  struct report_entry *entries;  // oldest first
  struct report_entry **tail;
  uint64_t guest_errors, unimplemented;  // total counts
  // Where the CPU is and what time it is; set by the machine, NULL in model tests.
  uint32_t (*pc)(void *ctx);
  void *pc_ctx;
  const struct event_queue *clock;
  struct reg_file *files;  // every block of registers, to name an address by
};

void report_init(struct report *r, const struct event_queue *clock);
void report_free(struct report *r);

// Forgets every entry; what is attached stays.
void report_clear(struct report *r);

__attribute__((format(printf, 4, 5))) void report_guest(struct report *r,
                                                        enum guest_error error,
                                                        uint32_t addr,
                                                        const char *format, ...);

__attribute__((format(printf, 3, 4))) void report_unimplemented(struct report *r,
                                                                uint32_t addr,
                                                                const char *format,
                                                                ...);

// How often a class was reported.
uint64_t report_count(const struct report *r, enum guest_error error);

const char *guest_error_name(enum guest_error error);
const char *guest_error_meaning(enum guest_error error);
