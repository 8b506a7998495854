// SPDX-License-Identifier: MIT
// The example application, started by the bootloader: it finds its assets in the QSPI
// flash right or wrong, says so, and its lamp blinks.
#include <stdlib.h>
#include <string.h>

#include "sim/machine/load.h"
#include "tests/hostmodel/rig.h"

static void firmware_file(const struct rig *r, const char *name, char path[512]) {
  snprintf(path, 512, "%s/build/firmware-%s/firmware/%s", QB_ROOT, r->board->name,
           name);
}

static void install(struct rig *r) {
  char path[512];
  struct load_error error = {""};
  firmware_file(r, "assets-app.elf", path);
  if (!machine_load(r->m, path, false, 0, &error)) fail_msg("%s", error.text);
  firmware_file(r, "assets.bin", path);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_true(fread(r->m->nor_bytes, 1, r->m->nor_size, f) > 2 * 1024 * 1024);
  fclose(f);
}

// Changes of the lamp during `seconds`.
static unsigned changes(struct rig *r, unsigned seconds) {
  unsigned n = 0;
  bool last = machine_led(r->m, 0);
  for (unsigned i = 0; i < seconds * 20; i++) {
    rig_run(r, VT_MS(50));
    const bool now = machine_led(r->m, 0);
    if (now != last) n++;
    last = now;
  }
  return n;
}

static void it_checks_its_assets_and_blinks(void **state) {
  struct rig *r = *state;
  install(r);
  rig_power_on(r);
  assert_true(changes(r, 3) >= 4);
  assert_non_null(strstr(r->uart, "app: all assets are right"));
  r->m->nor_bytes[1000000] ^= 0x40;
  rig_power_cycle(r);
  assert_true(changes(r, 3) >= 4);
  assert_non_null(strstr(r->uart, "app: an asset is WRONG"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_TEST(HS, it_checks_its_assets_and_blinks, rig_setup_off),
  };
  return cmocka_run_group_tests_name("example", tests, NULL, NULL);
}
