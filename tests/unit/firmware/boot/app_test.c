// SPDX-License-Identifier: MIT
// What passes for an application: the edges of both vectors.
#include "firmware/boot/app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// RM0410 2.2.2: DTCM, SRAM1 and SRAM2 are 512 KB from 0x20000000. The application
// begins at 0x08010000; 2 MB of flash end at 0x08200000, 1 MB at 0x08100000.
#define GOOD_STACK 0x20080000u
#define GOOD_RESET 0x08010009u
#define END_2M     0x08200000u
#define END_1M     0x08100000u

static void the_stack_pointer_lies_in_ram(void **state) {
  (void)state;
  static const struct {
    uint32_t stack;
    enum status status;
  } cases[] = {
      {0x00000000, ST_NO_APPLICATION},  // erased the wrong way round
      {0xFFFFFFFF, ST_NO_APPLICATION},  // blank flash
      {0x1FFFFFFC, ST_NO_APPLICATION},
      {0x20000000, ST_NO_APPLICATION},  // the first push would leave RAM
      {0x20000002, ST_NO_APPLICATION},
      {0x20000004, ST_OK},
      {0x20020000, ST_OK},
      {0x2007FFFC, ST_OK},
      {0x2007FFFE, ST_NO_APPLICATION},
      {0x2007FFFF, ST_NO_APPLICATION},
      {0x20080000, ST_OK},
      {0x20080004, ST_NO_APPLICATION},
      {0x08010000, ST_NO_APPLICATION},
      {0xA0000000, ST_NO_APPLICATION},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct app_vectors v = {cases[i].stack, GOOD_RESET};
    assert_int_equal(app_check(v, END_2M), cases[i].status);
  }
}

static void the_reset_vector_is_thumb_code_in_the_application(void **state) {
  (void)state;
  static const struct {
    uint32_t reset, flash_end;
    enum status status;
  } cases[] = {
      {0x00000000, END_2M, ST_NO_APPLICATION},
      {0xFFFFFFFF, END_2M, ST_NO_APPLICATION},
      {0x08000201, END_2M, ST_NO_APPLICATION},  // the bootloader's own
      {0x0800FFFF, END_2M, ST_NO_APPLICATION},
      {0x08010001, END_2M, ST_NO_APPLICATION},  // its own vector table
      {0x08010007, END_2M, ST_NO_APPLICATION},
      {0x08010008, END_2M, ST_NO_APPLICATION},  // Arm state: there is none
      {0x08010009, END_2M, ST_OK},
      {0x080101F8, END_2M, ST_NO_APPLICATION},
      {0x080101F9, END_2M, ST_OK},
      {0x081FFFFF, END_2M, ST_OK},
      {0x08200001, END_2M, ST_NO_APPLICATION},
      {0x080FFFFF, END_1M, ST_OK},
      {0x08100001, END_1M, ST_NO_APPLICATION},
      {0x20010001, END_2M, ST_NO_APPLICATION},
      {0x90000001, END_2M, ST_NO_APPLICATION},
      {0x00210009, END_2M, ST_NO_APPLICATION},  // the same code over ITCM
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct app_vectors v = {GOOD_STACK, cases[i].reset};
    assert_int_equal(app_check(v, cases[i].flash_end), cases[i].status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_stack_pointer_lies_in_ram),
      cmocka_unit_test(the_reset_vector_is_thumb_code_in_the_application),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
