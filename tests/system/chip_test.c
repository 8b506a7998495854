// SPDX-License-Identifier: MIT
// The chip around the core: programs that use timers, EXTI, RTC, serial ports and
// memories as any firmware would, in both modes of the CPU and at two optimisations.
#include <string.h>

#include "tests/system/guest_run.h"

#define DISCO  "stm32f769i-disco"
#define NUCLEO "nucleo-f767zi"

static const enum guest_error nothing[] = {GUEST_ERROR_COUNT};

static const struct variant {
  const char *level;
  enum cpu_mode mode;
} variants[] = {{"Os", CPU_BLOCK}, {"O2", CPU_PRECISE}};
enum { VARIANTS = sizeof variants / sizeof *variants };

static struct guest *start(const char *board, const char *name,
                           const struct variant *v) {
  struct guest *g = guest_open(board, name, v->level, v->mode);
  guest_start(g);
  return g;
}

// Runs until a word of the mailbox is `value`.
static void run_until(struct guest *g, unsigned word, uint32_t value) {
  for (unsigned ms = 0; guest_mail_read(g, word) != value; ms++) {
    assert_true(ms < 2000 && !g->ended);
    guest_run(g, VT_MS(1));
  }
}

// --- interrupts ---

static void interrupts_on(const char *board, uint32_t button_pin) {
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = start(board, "chip_irq", &variants[i]);
    guest_mail(g, 8, button_pin);
    guest_mail(g, 9, 0);
    run_until(g, 9, 1);
    guest_run(g, VT_MS(3));
    machine_button(g->machine, true);
    guest_run(g, VT_MS(3));
    machine_button(g->machine, false);
    guest_run(g, VT_S(5));
    guest_expect(g, 11, nothing);
    guest_close(g);
  }
}

static void interrupts(void **state) {
  (void)state;
  interrupts_on(DISCO, 0);
}

// Another button, another console, no QUADSPI flash.
static void interrupts_on_a_nucleo(void **state) {
  (void)state;
  interrupts_on(NUCLEO, 13);
}

// --- deep sleep ---

// When the program asks for it, in a backup register: SRAM does not last.
static void press_button(struct guest *g, uint32_t request) {
  const uint32_t *word = &g->machine->rtc.r[(0x50 + 4 * 3) / 4];
  for (unsigned ms = 0; *word != request; ms++) {
    assert_true(ms < 2000 && !g->ended);
    guest_run(g, VT_MS(1));
  }
  guest_run(g, VT_MS(3));
  machine_button(g->machine, true);
  guest_run(g, VT_MS(3));
  machine_button(g->machine, false);
}

static void stop_and_standby(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = start(DISCO, "chip_sleep", &variants[i]);
    press_button(g, 1);
    press_button(g, 2);
    guest_run(g, VT_S(1));
    guest_expect(g, 13, nothing);
    assert_int_equal(g->machine->resets, 5);
    guest_close(g);
  }
}

// --- chains of timers, converters and DMA ---

static void chains(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = start(DISCO, "chip_timers", &variants[i]);
    guest_run(g, VT_S(1));
    guest_expect(g, 7, nothing);
    guest_close(g);
  }
}

// --- serial ports ---

struct second {
  char text[16];
  unsigned length;
};

static void on_second(void *ctx, unsigned usart, uint8_t byte) {
  struct second *s = ctx;
  if (usart == 6 && s->length < sizeof s->text - 1) s->text[s->length++] = (char)byte;
}

static void serial_ports(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = start(DISCO, "chip_uart", &variants[i]);
    struct machine *m = g->machine;
    struct second second = {0};
    m->on_uart_tx = on_second;
    m->on_uart_tx_ctx = &second;
    guest_mail(g, 8, 0);
    guest_mail(g, 9, 0);
    run_until(g, 8, 1);
    assert_int_equal(machine_uart_send(m, 1, (const uint8_t *)"hello world\n", 12), 12);
    run_until(g, 8, 2);
    assert_int_equal(machine_uart_send(m, 1, (const uint8_t *)"AB", 2), 2);
    run_until(g, 9, 1);
    machine_uart_baud(m, 6, 500000);
    assert_int_equal(machine_uart_send(m, 6, (const uint8_t *)"abcde", 5), 5);
    guest_run(g, VT_MS(100));
    assert_non_null(strstr(g->text, "hello world\n"));
    assert_string_equal(second.text, "ABCDE");
    guest_expect(g, 5, nothing);
    guest_close(g);
  }
}

// --- memories ---

static void memories(void **state) {
  (void)state;
  static const enum guest_error reported[] = {GUEST_BUS_ERROR, GUEST_ERROR_COUNT};
  for (size_t i = 0; i < VARIANTS; i++) {
    struct guest *g = start(DISCO, "chip_memory", &variants[i]);
    guest_run(g, VT_S(1));
    guest_expect(g, 13, reported);
    assert_int_equal(g->machine->resets, 2);
    guest_close(g);
  }
}

// --- boards ---

// Whatever is not fitted leaves a board that runs, loses its power and starts again.
static void every_board_runs(void **state) {
  (void)state;
  for (size_t i = 0; boards[i]; i++) {
    struct guest *g = start(boards[i]->name, "cpu_memory", &variants[0]);
    guest_mail(g, 0, 0);
    guest_run(g, VT_S(3));
    guest_expect(g, 12, nothing);
    machine_power_cut(g->machine);
    machine_run(g->machine, VT_MS(10));
    g->ended = false;
    guest_start(g);
    guest_mail(g, 0, 0);
    guest_run(g, VT_S(3));
    assert_true(g->ended);
    guest_close(g);
  }
}

static void put(struct guest *g, uint32_t addr, uint32_t value) {
  bus_write(&g->machine->sim.bus, addr, 4, value);
}

// Where no flash is fitted, the data lines float: an identification reads ones, the
// window faults, and nothing hangs.
static void a_quadspi_without_a_flash(void **state) {
  (void)state;
  struct guest *g = start(NUCLEO, "chip_irq", &variants[0]);
  struct bus *bus = &g->machine->sim.bus;
  put(g, 0x40023838, 2);                                     // AHB3ENR
  put(g, 0xA0001004, 25u << 16);                             // DCR
  put(g, 0xA0001000, 1);                                     // CR: EN
  put(g, 0xA0001010, 2);                                     // DLR: 3 bytes
  put(g, 0xA0001014, 0x9F | 1u << 8 | 1u << 24 | 1u << 26);  // CCR
  event_run(&g->machine->sim.events, machine_now(g->machine) + VT_MS(1));
  assert_int_equal(bus_read(bus, 0xA0001008, 4) & 2, 2);  // SR: TCF
  assert_int_equal(bus_read(bus, 0xA0001020, 4), 0xFFFFFF);
  assert_true(bus_memory_at(bus, 0x90000000, 4) == NULL);
  guest_close(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(interrupts),       cmocka_unit_test(interrupts_on_a_nucleo),
      cmocka_unit_test(serial_ports),     cmocka_unit_test(stop_and_standby),
      cmocka_unit_test(chains),           cmocka_unit_test(memories),
      cmocka_unit_test(every_board_runs), cmocka_unit_test(a_quadspi_without_a_flash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
