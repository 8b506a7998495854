// SPDX-License-Identifier: MIT
// Words that survive a reset in RTC_BKP31R and tell the stub what is wanted. An
// application writes the first one (examples/quadboot.h has the same numbers).
#pragma once

#define BOOT_REQUEST_STAY 0x4C444251u  // "QBDL": stay in the bootloader
#define BOOT_REQUEST_APP  0x50414251u  // "QBAP": start the application, button or not
