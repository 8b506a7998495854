// SPDX-License-Identifier: MIT
// Start the application or stay in the bootloader: one decision from five facts.
//
//   request "stay"      -> stay
//   no application      -> stay
//   update not finished -> stay
//   request "app"       -> start
//   button held         -> stay
//   otherwise           -> start
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum boot_choice {
  BOOT_START_APP,
  BOOT_STAY_REQUESTED,
  BOOT_STAY_NO_APP,
  BOOT_STAY_BUTTON,
  BOOT_STAY_UNFINISHED,
};

struct boot_facts {
  uint32_t request;  // the word in RTC_BKP31R
  bool app_valid;
  bool unfinished;  // the state log tells of an update that was not finished
  bool button_held;
};

enum boot_choice boot_decide(const struct boot_facts *f);

// The choice in words, for the console.
const char *boot_choice_text(enum boot_choice choice);
