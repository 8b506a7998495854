// SPDX-License-Identifier: MIT
// Every outcome that the firmware can report, each with a number for ever and a
// plain sentence: what is wrong, then what to do. The list is only ever extended.
#pragma once

#define STATUS_LIST(X)                                                               \
  X(OK, 0, "ok")                                                                     \
  X(BAD_ADDRESS, 1, "this address belongs to no flash; check the file's addresses")  \
  X(BOOTLOADER_AREA, 2, "quadboot lives here; applications start at 0x08010000")     \
  X(CROSSES_END, 3, "the data runs past the end of the flash; use a smaller file")   \
  X(NOT_ERASED, 4, "this place is not blank; erase it first")                        \
  X(ERASE_FAILED, 5,                                                                 \
    "the flash reports a failed erase; try again or replace the chip")               \
  X(PROGRAM_FAILED, 6,                                                               \
    "the flash reports a failed write; try again or replace the chip")               \
  X(VERIFY_FAILED, 7, "the flash does not hold what was written; try again")         \
  X(FLASH_TIMEOUT, 8,                                                                \
    "the flash stayed busy past its deadline; power the board off and on")           \
  X(FLASH_LOCKED, 9, "the flash cannot be unlocked; reset the board and try again")  \
  X(FLASH_PROTECTED, 10, "this flash sector is write-protected by the option bytes") \
  X(SUPPLY_LOW, 11, "the supply voltage is too low to write flash; check the power") \
  X(BUS_TIMEOUT, 12, "the QSPI controller does not finish; reset the board")         \
  X(NOR_ABSENT, 13, "no QSPI flash answers; check its wiring")                       \
  X(NOR_UNKNOWN, 14, "the QSPI flash describes itself in no way known here (SFDP)")  \
  X(NOR_QUAD_ENABLE, 15,                                                             \
    "the QSPI flash refuses quad mode; check its status register")                   \
  X(NO_APPLICATION, 16, "no valid application is installed; flash one first")        \
  X(CLOCK_CRYSTAL, 17, "the crystal does not start; check the board's clock")        \
  X(CLOCK_PLL, 18, "the PLL or over-drive does not become ready")                    \
  X(BAD_COMMAND, 19, "this DfuSe command is unknown here")                           \
  X(READ_UNPROTECT, 20,                                                              \
    "read-unprotect would erase the bootloader; use a debug probe")                  \
  X(USB_PHY, 21, "the USB PHY gives no clock; check its wiring")                     \
  X(NOR_PROTECTED, 22,                                                               \
    "the QSPI flash is write-protected; check its WP# pin and status register")      \
  X(NOT_NOW, 23, "the flash is busy; ask again")                                     \
  X(DAMAGED, 24, "the bootloader in flash is damaged; install quadboot again")       \
  X(OTHER_ROAD, 25,                                                                  \
    "another program is updating this board; try again when it has ended")           \
  X(FILE_EMPTY, 26, "the file is empty; nothing was loaded")                         \
  X(FILE_CUT, 27, "the .dfu file is cut short; send it again")                       \
  X(FILE_DAMAGED, 28,                                                                \
    "the .dfu file is damaged: its checksum or structure is wrong; send it again")   \
  X(FILE_NO_APP, 29,                                                                 \
    "this file is no application for 0x08010000; load it with an address")           \
  X(FILE_SECOND, 30,                                                                 \
    "a second plain file would overwrite the first; load it by itself")              \
  X(UNFINISHED, 31,                                                                  \
    "nothing starts before the update is loaded again (or: boot anyway)")            \
  X(UNALIGNED, 32, "erase needs multiples of 4k, such as: 0x08010000 64k")

enum status {
#define X(name, number, sentence) ST_##name = (number),
  STATUS_LIST(X)
#undef X
};

// The sentence of a status; of an unknown number, that it is unknown.
const char *status_sentence(enum status s);
