// SPDX-License-Identifier: MIT
// Start or stay: every combination of the facts.
#include "firmware/boot/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// The request words, typed again: an application writes the first one by itself.
#define WORD_STAY 0x4C444251u  // "QBDL"
#define WORD_APP  0x50414251u  // "QBAP"

static void every_combination_of_facts(void **state) {
  (void)state;
  static const struct {
    uint32_t request;
    bool app_valid, button_held;
    enum boot_choice choice;
  } cases[] = {
      {0, false, false, BOOT_STAY_NO_APP},
      {0, false, true, BOOT_STAY_NO_APP},
      {0, true, false, BOOT_START_APP},
      {0, true, true, BOOT_STAY_BUTTON},
      {WORD_STAY, false, false, BOOT_STAY_REQUESTED},
      {WORD_STAY, false, true, BOOT_STAY_REQUESTED},
      {WORD_STAY, true, false, BOOT_STAY_REQUESTED},
      {WORD_STAY, true, true, BOOT_STAY_REQUESTED},
      {WORD_APP, false, false, BOOT_STAY_NO_APP},
      {WORD_APP, false, true, BOOT_STAY_NO_APP},
      {WORD_APP, true, false, BOOT_START_APP},
      {WORD_APP, true, true, BOOT_START_APP},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct boot_facts facts = {.request = cases[i].request,
                                     .app_valid = cases[i].app_valid,
                                     .button_held = cases[i].button_held};
    assert_int_equal(boot_decide(&facts), cases[i].choice);
  }
}

// An update that was not finished starts nothing, whoever asks.
static void an_unfinished_update(void **state) {
  (void)state;
  static const uint32_t words[] = {0, WORD_STAY, WORD_APP};
  static const enum boot_choice choices[] = {BOOT_STAY_UNFINISHED, BOOT_STAY_REQUESTED,
                                             BOOT_STAY_UNFINISHED};
  for (unsigned i = 0; i < 12; i++) {
    const struct boot_facts facts = {.request = words[i / 4],
                                     .app_valid = i & 1,
                                     .button_held = i & 2,
                                     .unfinished = true};
    const bool no_app = !facts.app_valid && choices[i / 4] == BOOT_STAY_UNFINISHED;
    assert_int_equal(boot_decide(&facts), no_app ? BOOT_STAY_NO_APP : choices[i / 4]);
  }
}

// The backup register holds anything after a cold start.
static void a_word_that_is_no_request_is_none(void **state) {
  (void)state;
  static const uint32_t words[] = {1,          0xFFFFFFFF,     0x5142444C,
                                   0x51424150, WORD_STAY ^ 1u, WORD_APP ^ 0x80000000u};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    struct boot_facts facts = {.request = words[i], .app_valid = true};
    assert_int_equal(boot_decide(&facts), BOOT_START_APP);
    facts.button_held = true;
    assert_int_equal(boot_decide(&facts), BOOT_STAY_BUTTON);
    facts.app_valid = false;
    assert_int_equal(boot_decide(&facts), BOOT_STAY_NO_APP);
  }
}

static void every_choice_has_its_own_words(void **state) {
  (void)state;
  static const enum boot_choice choices[] = {
      BOOT_START_APP,       BOOT_STAY_REQUESTED,  BOOT_STAY_NO_APP,
      BOOT_STAY_BUTTON,     BOOT_STAY_UNFINISHED,
      (enum boot_choice)99,  // a core that another loader started may find anything
  };
  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
    assert_true(strlen(boot_choice_text(choices[i])) > 5);
    for (size_t k = 0; k < i; k++) {
      assert_string_not_equal(boot_choice_text(choices[i]),
                              boot_choice_text(choices[k]));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_combination_of_facts),
      cmocka_unit_test(an_unfinished_update),
      cmocka_unit_test(a_word_that_is_no_request_is_none),
      cmocka_unit_test(every_choice_has_its_own_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
