// SPDX-License-Identifier: MIT
#include "firmware/boot/decide.h"

#include "firmware/boot/request.h"

enum boot_choice boot_decide(const struct boot_facts *f) {
  if (f->request == BOOT_REQUEST_STAY) return BOOT_STAY_REQUESTED;
  if (!f->app_valid) return BOOT_STAY_NO_APP;
  if (f->unfinished) return BOOT_STAY_UNFINISHED;
  if (f->request == BOOT_REQUEST_APP) return BOOT_START_APP;
  return f->button_held ? BOOT_STAY_BUTTON : BOOT_START_APP;
}

const char *boot_choice_text(enum boot_choice choice) {
  switch (choice) {
    case BOOT_START_APP: return "start the application";
    case BOOT_STAY_REQUESTED: return "the application asked for it";
    case BOOT_STAY_NO_APP: return "no valid application";
    case BOOT_STAY_BUTTON: return "button held";
    case BOOT_STAY_UNFINISHED: return "the last update was not finished";
  }
  return "started from RAM";
}
