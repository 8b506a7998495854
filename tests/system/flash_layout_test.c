// SPDX-License-Identifier: MIT
// The bootloader on chips with one bank and with two, of 2 MB and of 1 MB: it tells
// hosts the sectors that are there, and erases and programs in every part of them.
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

#define MB (1024u * 1024u)

static const struct layout {
  struct rig_board chip;
  const char *text;  // RM0410 tables 3 to 6, the bootloader's 64 KB last
  uint32_t places[4];
} layouts[] = {
    {{"stm32f769i-disco", "1 MB, one bank", true, true, MB, false, false},
     "@Internal Flash  /0x08010000/02*032Kg,01*128Kg,03*256Kg/0x08000000/02*032Ka",
     {0x08018000, 0x08020000, 0x08040000, 0x080C0000}},
    {{"stm32f769i-disco", "2 MB, two banks", true, true, 2 * MB, true, false},
     "@Internal Flash  "
     "/0x08010000/01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg/0x08000000/04*016Ka",
     {0x08010000, 0x080E0000, 0x0810C000, 0x081E0000}},
    {{"stm32f769i-disco", "1 MB, two banks", true, true, MB, true, false},
     "@Internal Flash  "
     "/0x08010000/01*064Kg,03*128Kg,04*016Kg,01*064Kg,03*128Kg/0x08000000/04*016Ka",
     {0x08060000, 0x08080000, 0x08090000, 0x080E0000}},
};

static void the_true_layout(void **state) {
  const struct layout *l = *state;
  struct rig *r = rig_open(&l->chip);
  char text[127];
  rig_power_on(r);
  rig_configure(r);
  rig_string(r, 4, text);
  assert_string_equal(text, l->text);
  for (size_t i = 0; i < 4; i++)
    dfu_expect_download(r, l->places[i]);
  void *rig = r;
  rig_teardown(&rig);
}

#define TEST(i) \
  { "layout " #i, the_true_layout, NULL, NULL, (void *)(uintptr_t)&layouts[i] }

int main(void) {
  const struct CMUnitTest tests[] = {TEST(0), TEST(1), TEST(2)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
