// SPDX-License-Identifier: MIT
// The example application, started by the bootloader: it finds its assets in the QSPI
// flash right or wrong, says so, and its lamp blinks. It maps every chip, from every
// state in which whatever ran before may have left it.
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

// --- every chip, mapped ---

static bool said(const struct rig *r, const char *what) {
  return strstr(r->uart, what) != NULL;
}

// Until it has said how it went.
static void run_application(struct rig *r) {
  rig_power_on(r);
  for (int ms = 0; ms < 8000 && !said(r, "app: all") && !said(r, "app: an"); ms += 20)
    rig_run(r, VT_MS(20));
}

// "suspended": an erase of the last block is, and its word is not what it was.
static bool maps(const char *chip, const char *state) {
  struct rig *r = rig_open_with(&rig_boards[RIG_HS], chip);
  char extent[80];
  install(r);
  memcpy(r->m->nor_bytes + r->m->nor_size - 4, "\x15\xCD\x5B\x07", 4);  // 123456789
  const bool torn = state && strcmp(state, "suspended") == 0;
  snprintf(extent, sizeof extent, "app: %u KB of QSPI flash, the last word is %s",
           (unsigned)(r->m->nor_size >> 10), torn ? "" : "123456789\r\n");
  bool good = true;
  if (!state || nor_set_state(&r->m->nor, state)) {
    run_application(r);
    good = said(r, extent) && said(r, "app: all assets are right") &&
           r->m->sim.report.guest_errors == 0 && r->m->sim.report.unimplemented == 0;
  }
  if (!good) print_error("%s, %s: %s\n", chip, state ? state : "delivered", r->uart);
  rig_close(r);
  return good;
}

static void it_maps_every_chip(void **state) {
  (void)state;
  unsigned failed = 0;
  for (size_t i = 0; nor_chip_at(i); i++)
    failed += !maps(nor_chip_at(i)->name, NULL);
  assert_int_equal(failed, 0);
}

static void it_maps_the_boards_chip_from_every_state(void **state) {
  (void)state;
  unsigned failed = 0;
  for (size_t k = 0; nor_state_at(k); k++)
    failed += !maps("mx25l51245g", nor_state_at(k));
  assert_int_equal(failed, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_TEST(HS, it_checks_its_assets_and_blinks, rig_setup_off),
      cmocka_unit_test(it_maps_every_chip),
      cmocka_unit_test(it_maps_the_boards_chip_from_every_state),
  };
  return cmocka_run_group_tests_name("example", tests, NULL, NULL);
}
