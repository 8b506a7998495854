// SPDX-License-Identifier: MIT
// The board around the bootloader: power and reset, button and lamp, a crystal that
// does not start, a supply that sags, a watchdog that the option bytes start, and the
// figures that the machine keeps (marks, stack).
#include <string.h>

#include "tests/hostmodel/dfu_client.h"

#define GREETING "quadboot 0.1.0 on %s: no valid application\r\n"

// The upper half of DTCM: the stack grows into it from its end.
#define STACK_BASE 0x20010000u
#define STACK_SIZE 0x00010000u

static void expect_greeting(const struct rig *r) {
  char line[128];
  snprintf(line, sizeof line, GREETING, r->board->name);
  assert_string_equal(r->uart, line);
}

static void listen_again(struct rig *r) {
  r->uart_length = 0;
  r->uart[0] = 0;
}

// --- power ---------------------------------------------------------------------------

static void without_power_nothing_happens(void **state) {
  struct rig *r = *state;
  rig_run(r, VT_S(1));
  machine_reset_pin(r->m);
  rig_run(r, VT_S(1));
  assert_int_equal(r->m->resets, 0);
  assert_int_equal(r->uart_length, 0);
  assert_true(machine_now(r->m) == VT_S(2));  // time passes all the same
  assert_int_equal(cpu_counters(r->m->cpu).instructions, 0);
}

static void power_makes_it_boot_and_connect(void **state) {
  struct rig *r = *state;
  rig_power_on(r);
  assert_true(rig_attached(r));
  expect_greeting(r);
  assert_int_equal(r->m->resets, 1);
}

// At every ten milliseconds of the boot and beyond: the board comes up again.
static void a_cut_at_any_time_is_forgotten(void **state) {
  struct rig *r = *state;
  for (vtime_t at = 0; at < VT_MS(200); at += VT_MS(10)) {
    rig_power_on(r);
    rig_run(r, at);
    machine_power_cut(r->m);
    const struct cpu_counters before = cpu_counters(r->m->cpu);
    rig_run(r, VT_MS(50));
    assert_int_equal(cpu_counters(r->m->cpu).instructions, before.instructions);
    assert_true(r->m->usb.state < USB_HOST_ATTACHED);
  }
  rig_power_on(r);
  assert_true(rig_attached(r));
  expect_greeting(r);
}

static void cutting_twice_or_switching_on_twice_is_once(void **state) {
  struct rig *r = *state;
  machine_power_cut(r->m);
  rig_power_on(r);
  machine_power_on(r->m);
  assert_int_equal(r->m->resets, 1);
  machine_power_cut(r->m);
  machine_power_cut(r->m);
  assert_false(r->m->powered);
}

// RAM does not outlast it; flash and NOR do.
static void a_cut_loses_ram_and_keeps_flash(void **state) {
  struct rig *r = *state;
  rig_power_on(r);
  rig_run(r, VT_MS(100));
  r->m->nor_bytes[5] = 0x12;
  bus_write(&r->m->sim.bus, 0x20070000, 4, 0xCAFE);
  rig_power_cycle(r);
  assert_int_not_equal(bus_read(&r->m->sim.bus, 0x20070000, 4), 0xCAFE);
  assert_int_equal(r->m->nor_bytes[5], 0x12);
  assert_memory_equal(r->m->flash_bytes, r->kept, RIG_KEPT);
}

// --- reset ---------------------------------------------------------------------------

static void the_reset_pin_starts_it_anew(void **state) {
  struct rig *r = *state;
  rig_power_on(r);
  assert_true(rig_attached(r));
  bus_write(&r->m->sim.bus, 0x20070000, 4, 0xCAFE);
  listen_again(r);
  machine_reset_pin(r->m);
  assert_true(r->m->marks.usb_connect == VT_NEVER);
  rig_run(r, VT_MS(10));
  assert_true(r->m->usb.state < USB_HOST_ATTACHED);  // it went off the cable
  assert_true(rig_attached(r));
  expect_greeting(r);
  assert_int_equal(r->m->resets, 2);
  assert_int_equal(bus_read(&r->m->sim.bus, 0x20070000, 4), 0xCAFE);
}

// --- button and lamps
// -----------------------------------------------------------------

static uint32_t button_level(const struct rig *r) {
  const struct pin p = r->m->board->button;
  return (uint32_t)gpio_levels(machine_port(r->m, p.port)) >> p.number & 1u;
}

// Active high on one board, low on the other.
static void the_button_drives_its_pin(void **state) {
  struct rig *r = *state;
  const uint32_t pressed = r->board->high_speed;
  assert_int_equal(button_level(r), !pressed);
  machine_button(r->m, true);
  assert_int_equal(button_level(r), pressed);
  machine_button(r->m, false);
  assert_int_equal(button_level(r), !pressed);
}

static void the_lamp_shows_the_bootloader(void **state) {
  struct rig *r = *state;
  assert_false(machine_led(r->m, 0));
  rig_power_on(r);
  assert_true(rig_attached(r));
  assert_true(machine_led(r->m, 0));
  for (size_t i = 1; i < r->m->board->led_count; i++)
    assert_false(machine_led(r->m, i));
  machine_reset_pin(r->m);
  assert_false(machine_led(r->m, 0));  // its pin is an input
}

// --- a crystal that does not start
// -------------------------------------------------------

#define CRYSTAL_SENTENCE                                                           \
  "quadboot cannot start, code 17: the crystal does not start; check the board's " \
  "clock\r\n"
enum { CRYSTAL_NUMBER = 17 };  // of that sentence, for ever

static unsigned count(const char *text, const char *part) {
  unsigned n = 0;
  for (; (text = strstr(text, part)); text++)
    n++;
  return n;
}

// Flashes of the lamp until it has been dark for longer than between two of them.
static unsigned count_flashes(struct rig *r) {
  unsigned flashes = 0, dark_ms = 0;
  bool was_lit = false;
  while (dark_ms < 500) {
    rig_run(r, VT_MS(5));
    const bool lit = machine_led(r->m, 0);
    if (lit && !was_lit) flashes++;
    dark_ms = lit ? 0 : dark_ms + 5;
    was_lit = lit;
    assert_true(flashes < 100);
  }
  return flashes;
}

static void wait_for_light(struct rig *r) {
  for (int i = 0; i < 1000 && !machine_led(r->m, 0); i++)
    rig_run(r, VT_MS(5));
}

static void a_dead_crystal_is_said_and_blinked(void **state) {
  struct rig *r = *state;
  r->m->rcc.hse_dead = true;
  rig_power_on(r);
  rig_run(r, VT_MS(220));  // the deadline is 100 ms, and the stub expands the core
  assert_int_equal(count(r->uart, "quadboot cannot start"), 1);
  for (int round = 0; round < 3; round++) {
    wait_for_light(r);
    assert_int_equal(count_flashes(r), CRYSTAL_NUMBER);
  }
  assert_true(count(r->uart, CRYSTAL_SENTENCE) >= 3);
  assert_int_equal(strncmp(r->uart, CRYSTAL_SENTENCE, strlen(CRYSTAL_SENTENCE)), 0);
  assert_true(r->m->marks.usb_connect == VT_NEVER);
  assert_int_equal(r->m->resets, 1);
}

static void it_helps_to_mend_the_crystal(void **state) {
  struct rig *r = *state;
  r->m->rcc.hse_dead = true;
  rig_power_on(r);
  rig_run(r, VT_MS(300));
  r->m->rcc.hse_dead = false;
  rig_power_cycle(r);
  assert_true(rig_attached(r));
  expect_greeting(r);
}

// --- the watchdog of the option bytes
// --------------------------------------------------

// IWDG_SW clear: it runs from reset, 512 ms at first, and no one may forget it.
static void start_watchdog_by_option(struct rig *r) {
  r->m->flash.option_optcr &= ~(1u << 5);
}

static void the_option_watchdog_is_fed(void **state) {
  struct rig *r = *state;
  start_watchdog_by_option(r);
  rig_power_on(r);
  assert_true(r->m->iwdg.running);
  assert_true(rig_attached(r));
  rig_run(r, VT_S(10));
  assert_int_equal(r->m->resets, 1);
  dfu_expect_usable((rig_configure(r), r));
  assert_int_equal(r->m->resets, 1);
}

static void the_option_watchdog_is_fed_while_blinking(void **state) {
  struct rig *r = *state;
  start_watchdog_by_option(r);
  r->m->rcc.hse_dead = true;
  rig_power_on(r);
  rig_run(r, VT_S(20));
  assert_int_equal(r->m->resets, 1);
  assert_true(count(r->uart, CRYSTAL_SENTENCE) >= 3);
}

// --- supply
// ----------------------------------------------------------------------------

#define SUPPLY_SENTENCE "the supply voltage is too low to write flash; check the power"

static uint64_t operations(const struct rig *r) {
  return r->m->flash_span.operations + r->m->nor_span.operations;
}

static void sag(struct rig *r) {
  machine_supply(r->m, 2690);  // just below what 32-bit programming needs
}

// Each medium refuses, nothing is started, and with the power back it works.
static void a_low_supply_writes_nothing(void **state) {
  struct rig *r = *state;
  static const uint32_t places[] = {0x08018000, 0x90030000};
  static uint8_t data[CLIENT_BLOCK];
  sag(r);
  const uint64_t before = operations(r);
  for (uint8_t medium = 0; medium < 2; medium++) {
    assert_true(dfu_select(r, medium) >= 0);
    dfu_pattern(data, sizeof data, 1);
    dfu_spoil(r, places[medium], 1);
    assert_int_equal(dfu_erase(r, places[medium]).state, DNLOAD_IDLE);
    dfu_abort(r);
    dfu_expect_error(r, ERR_ERASE, places[medium], SUPPLY_SENTENCE);
    if (dfu_write(r, places[medium], data, sizeof data).state != ERROR) dfu_abort(r);
    dfu_expect_error(r, ERR_PROG, places[medium], SUPPLY_SENTENCE);
    dfu_read(r, places[medium], data, sizeof data);  // reading needs less
  }
  assert_int_equal(operations(r), before);
  machine_supply(r->m, 3300);
  dfu_expect_usable(r);
}

// --- figures
// ---------------------------------------------------------------------------

static bool runs(struct rig *r) {
  const uint64_t before = cpu_counters(r->m->cpu).instructions;
  rig_run(r, VT_MS(5));
  return cpu_counters(r->m->cpu).instructions != before;
}

// The thresholds of DS11532 table 20 by BOR_LEV, the last one without brown-out reset:
// falling, rising, and the flag in RCC_CSR that tells.
static void a_brown_out_holds_it_in_reset(void **state) {
  struct rig *r = *state;
  static const struct {
    uint16_t falling, rising;
    uint32_t flags;
  } levels[4] = {{2830, 2920, 1u << 25},
                 {2500, 2590, 1u << 25},
                 {2190, 2290, 1u << 25},
                 {1680, 1720, 1u << 27 | 1u << 25}};
  uint8_t *kept = &r->m->ram[RAM_SIZE - 1];
  uint32_t *csr = &r->m->rcc.r[0x74 / 4];
  for (uint32_t level = 0; level < 4; level++) {
    r->m->flash.option_optcr = 0xFFFFAAF1u | level << 2;
    rig_power_on(r);
    *kept = 0x5A;
    *csr &= 0x00FFFFFFu;
    machine_supply(r->m, levels[level].falling);
    assert_true(runs(r));
    machine_supply(r->m, levels[level].falling - 1u);
    assert_false(runs(r));
    machine_reset_pin(r->m);
    machine_supply(r->m, levels[level].rising - 1u);
    assert_false(runs(r));
    machine_supply(r->m, levels[level].rising);
    assert_int_equal(*csr & 0xFF000000u, levels[level].flags | 1u << 26);
    assert_int_equal(*kept == 0x5A, level < 3);
    assert_true(runs(r));
    machine_power_cut(r->m);
    machine_supply(r->m, 3300);
    report_clear(&r->m->sim.report);  // its clock wants more than 2.7 V
  }
}

// Power comes, but not enough of it.
static void it_waits_for_enough_power(void **state) {
  struct rig *r = *state;
  r->m->flash.option_optcr &= ~(3u << 2);
  machine_supply(r->m, 2900);
  machine_power_on(r->m);
  assert_false(runs(r));
  machine_power_cut(r->m);
  machine_power_on(r->m);
  machine_supply(r->m, 2920);
  assert_true(runs(r));
  assert_int_equal(r->m->resets, 1);
}

static void marks_tell_when_things_happened(void **state) {
  struct rig *r = *state;
  rig_run(r, VT_MS(3));
  rig_power_on(r);
  const struct machine_marks *k = &r->m->marks;
  const vtime_t reset = VT_MS(3) + VT_US(1500);  // DS11532 table 20, tRSTTEMPO
  assert_true(k->reset == reset);
  assert_true(k->usb_connect == VT_NEVER && k->app_start == VT_NEVER);
  assert_true(rig_attached(r));
  assert_true(k->usb_connect > reset && k->usb_connect < reset + VT_MS(200));
  assert_true(k->instructions_to_connect > 10000);
  assert_true(k->app_start == VT_NEVER);
}

static struct machine_marks marks_after(struct rig *r, vtime_t off) {
  machine_power_cut(r->m);
  rig_run(r, off);
  rig_power_on(r);
  assert_true(rig_attached(r));
  return r->m->marks;
}

// How long the board was off is no matter of the firmware's. (At its very first start
// it sets the flash chip's quad-enable bit.)
static void time_begins_with_the_reset(void **state) {
  struct rig *r = *state;
  rig_power_on(r);
  assert_true(rig_attached(r));
  const struct machine_marks first = marks_after(r, VT_MS(20));
  const struct machine_marks second = marks_after(r, VT_S(1));
  assert_true(first.usb_connect - first.reset == second.usb_connect - second.reset);
  assert_int_equal(first.instructions_to_connect, second.instructions_to_connect);
}

static void marks_tell_when_the_application_starts(void **state) {
  struct rig *r = *state;
  dfu_plant_application(r);
  rig_power_on(r);
  rig_run(r, VT_MS(20));
  const struct machine_marks *k = &r->m->marks;
  assert_true(k->app_start != VT_NEVER && k->app_start < k->reset + VT_MS(1));
  // At 16 MHz no instruction takes less than 31 ns (two at a time).
  assert_true(k->app_start - k->reset > k->instructions_to_app * VT_NS(31));
  assert_true(k->instructions_to_app > 50 && k->instructions_to_app < 5000);
  assert_true(k->usb_connect == VT_NEVER);
  const uint64_t instructions = k->instructions_to_app;
  rig_run(r, VT_MS(20));
  machine_reset_pin(r->m);
  rig_run(r, VT_MS(20));
  assert_int_equal(k->instructions_to_app, instructions);  // counted from its reset
}

static void the_stack_is_measured(void **state) {
  struct rig *r = *state;
  rig_power_on(r);
  assert_int_equal(machine_stack_depth(r->m, STACK_BASE, STACK_SIZE), 0);
  rig_configure(r);
  dfu_expect_usable(r);
  const uint32_t depth = machine_stack_depth(r->m, STACK_BASE, STACK_SIZE);
  print_message("stack: %u bytes on %s\n", (unsigned)depth, r->board->name);
  assert_true(depth > 100 && depth < 12288);
  // One word further down is one word more.
  bus_write(&r->m->sim.bus, STACK_BASE + STACK_SIZE - depth - 4, 4, 0);
  assert_int_equal(machine_stack_depth(r->m, STACK_BASE, STACK_SIZE), depth + 4);
}

#define OFF_BOTH(function) \
  RIG_TEST(HS, function, rig_setup_off), RIG_TEST(FS, function, rig_setup_off)

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_TEST(HS, without_power_nothing_happens, rig_setup_off),
      OFF_BOTH(power_makes_it_boot_and_connect),
      OFF_BOTH(a_cut_at_any_time_is_forgotten),
      RIG_TEST(HS, cutting_twice_or_switching_on_twice_is_once, rig_setup_off),
      RIG_TEST(HS, a_cut_loses_ram_and_keeps_flash, rig_setup_off),
      OFF_BOTH(the_reset_pin_starts_it_anew),
      OFF_BOTH(the_button_drives_its_pin),
      OFF_BOTH(the_lamp_shows_the_bootloader),
      OFF_BOTH(a_dead_crystal_is_said_and_blinked),
      RIG_TEST(HS, it_helps_to_mend_the_crystal, rig_setup_off),
      OFF_BOTH(the_option_watchdog_is_fed),
      OFF_BOTH(the_option_watchdog_is_fed_while_blinking),
      RIG_BOTH(a_low_supply_writes_nothing),
      RIG_TEST(HS, a_brown_out_holds_it_in_reset, rig_setup_off),
      RIG_TEST(HS, it_waits_for_enough_power, rig_setup_off),
      OFF_BOTH(marks_tell_when_things_happened),
      OFF_BOTH(time_begins_with_the_reset),
      OFF_BOTH(marks_tell_when_the_application_starts),
      OFF_BOTH(the_stack_is_measured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
