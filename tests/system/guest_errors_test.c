// SPDX-License-Identifier: MIT
// Every class of guest error has a program that commits it and is reported by exactly
// that name, and the same program with its one mistake mended, which is clean. A class
// without a program fails the test: a simulator that detects nothing must not pass.
#include <stdio.h>
#include <string.h>

#include "tests/system/guest_run.h"

enum { BAD = 1, MENDED = 0, SECOND_BANK_WORD = 4, NAME_WORD = 8, FINISHED = 0x600D };

// Most programs need a board and nothing else. What differs:
struct circumstances {
  enum guest_error error;
  const char *board;
  uint32_t supply_mv;
  uint32_t options;  // cleared in the option bytes
  unsigned also;     // another class that goes with it, + 1
  void (*prepare)(struct guest *g);
  bool (*ends_well)(const struct guest *g, bool bad);  // NULL: the program says so
};

static bool finished(const struct guest *g) {
  return guest_mail_read(g, 1) == FINISHED;
}

// An application that says so itself: str r1, [r0]; b . with the addresses behind it.
static void put_application(struct guest *g) {
  static const uint32_t image[] = {
      0x20020000, 0x08010009,  // stack, reset vector
      0x49024801, 0xE7FE6001,  // ldr r0, 1f; ldr r1, 2f; str; b .
      0x2001FF04, FINISHED,    // 1: the mailbox; 2: the word
  };
  memcpy(g->machine->flash_bytes + 0x10000, image, sizeof image);
}

static bool locked_up(const struct guest *g, bool bad) {
  return cpu_is_locked_up(g->machine->cpu) == bad && finished(g) != bad;
}

// The watchdog resets the board; the program runs again and finds the reason.
static bool was_reset(const struct guest *g, bool bad) {
  return g->machine->resets == (bad ? 2 : 1) && finished(g);
}

static void ignore(void *ctx, int status) {
  (void)ctx, (void)status;
}

static void on_connect(void *ctx, bool connected) {
  struct guest *g = ctx;
  const struct usb_enumerate_how how = {.address = 1, .first_length = 64};
  if (connected) usb_host_enumerate(&g->machine->usb, how, ignore, NULL);
}

static void put_host(struct guest *g) {
  g->machine->on_usb_connect = on_connect;
  g->machine->on_usb_connect_ctx = g;
}

static bool spoke(const struct guest *g, bool bad) {
  (void)bad;
  return finished(g) && g->machine->usb.transactions > 3;
}

// More ways into a class than one. The programs are in tests/guests/errors*.c.
static const struct {
  enum guest_error error;
  const char *name, *board;  // board NULL: as for the class
} variants[] = {
    {GUEST_DROPPED_WRITE, "dropped-write/lckr", NULL},
    {GUEST_DROPPED_WRITE, "dropped-write/art", NULL},
    {GUEST_DATA_STALE, "data-stale/flash", NULL},
    {GUEST_DATA_STALE, "data-stale/art", NULL},
    {GUEST_CODE_STALE, "code-stale/flash", NULL},
    {GUEST_CODE_STALE, "code-stale/art", NULL},
    {GUEST_DROPPED_WRITE, "dropped-write/tdr", NULL},
    {GUEST_PIN_AF, "pin-af/qspi", NULL},
    {GUEST_PIN_AF, "pin-af/ulpi", NULL},
    {GUEST_PIN_AF, "pin-af/fs", "f769-custom-fs"},
    {GUEST_PIN_SPEED, "pin-speed/ulpi", NULL},
    {GUEST_PIN_SPEED, "pin-speed/fs", "f769-custom-fs"},
    {GUEST_COMPENSATION, "compensation-cell/ulpi", NULL},
    {GUEST_USB_CLOCK, "usb-clock/fs", "f769-custom-fs"},
    {GUEST_QSPI_MPU, "qspi-mpu/part", NULL},
    {GUEST_HANDOVER, "hand-over/vtor", NULL},
    {GUEST_HANDOVER, "hand-over/pending", NULL},
    {GUEST_HANDOVER, "hand-over/priorities", NULL},
    {GUEST_HANDOVER, "hand-over/primask", NULL},
    {GUEST_HANDOVER, "hand-over/faultmask", NULL},
    {GUEST_HANDOVER, "hand-over/basepri", NULL},
    {GUEST_HANDOVER, "hand-over/control", NULL},
    {GUEST_HANDOVER, "hand-over/fault-handlers", NULL},
    {GUEST_HANDOVER, "hand-over/systick", NULL},
    {GUEST_HANDOVER, "hand-over/caches", NULL},
    {GUEST_HANDOVER, "hand-over/mpu", NULL},
    {GUEST_HANDOVER, "hand-over/clock", NULL},
    {GUEST_HANDOVER, "hand-over/crystal", NULL},
    {GUEST_HANDOVER, "hand-over/lsi", NULL},
    {GUEST_HANDOVER, "hand-over/backup", NULL},
    {GUEST_HANDOVER, "hand-over/flash", NULL},
    {GUEST_HANDOVER, "hand-over/latency", NULL},
    {GUEST_HANDOVER, "hand-over/compensation", NULL},
    {GUEST_HANDOVER, "hand-over/usart", NULL},
    {GUEST_HANDOVER, "hand-over/qspi", NULL},
};

static void put_terminal(struct guest *g) {
  machine_uart_baud(g->machine, 1, 1000000);
}

static const struct circumstances special[] = {
    {.error = GUEST_UART_BAUD, .prepare = put_terminal},
    {.error = GUEST_FLASH_SUPPLY, .supply_mv = 2400},
    {.error = GUEST_POWER, .supply_mv = 2500},
    {.error = GUEST_QSPI_WRITE_DUMMY, .also = 1 + GUEST_NOR_DUMMY},
    {.error = GUEST_FLASH_PROTECTED, .options = 1u << (16 + 2)},
    {.error = GUEST_HANDOVER, .prepare = put_application},
    {.error = GUEST_LOCKUP, .ends_well = locked_up},
    {.error = GUEST_WATCHDOG, .ends_well = was_reset},
    {.error = GUEST_USB_VBUS, .board = "f769-custom-fs"},
    {.error = GUEST_USB_SLEEP, .prepare = put_host, .ends_well = spoke},
};

static struct circumstances circumstances_of(enum guest_error error) {
  for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
    if (special[i].error == error) return special[i];
  }
  return (struct circumstances){.error = error};
}

static void mail_name(struct guest *g, const char *name) {
  uint32_t words[8] = {0};
  assert_true(strlen(name) < sizeof words);
  memcpy(words, name, strlen(name));
  for (unsigned i = 0; i < 8; i++)
    guest_mail(g, NAME_WORD + i, words[i]);
}

// A program to run: of a class, and which of its mistakes.
struct program {
  enum guest_error error;
  const char *name, *board;
  enum cpu_mode mode;
  const char *level;
  bool second_bank;  // of two, for the errors of the internal flash
};

// Option byte nWRP covers pairs of sectors where there are two banks: what is bit 2
// for sector 2 is bit 7 for sectors 2 and 3 of bank 2.
static void put_options(struct guest *g, uint32_t cleared, bool second_bank) {
  const uint32_t clear = second_bank ? cleared << 5 | 1u << 29 : cleared;
  flash_f7_set_options(&g->machine->flash, 0xFFFFAAFDu & ~clear, 0x00400080u);
}

static struct guest *run(const struct program *p, bool bad) {
  const struct circumstances c = circumstances_of(p->error);
  const char *board = p->board ? p->board : c.board ? c.board : "stm32f769i-disco";
  struct guest *g = guest_open(board, "errors", p->level, p->mode);
  if (c.supply_mv) machine_supply(g->machine, c.supply_mv);
  put_options(g, c.options, p->second_bank);
  if (c.prepare) c.prepare(g);
  guest_start(g);
  guest_mail(g, 0, bad);
  guest_mail(g, 1, 0);
  guest_mail(g, SECOND_BANK_WORD, p->second_bank);
  mail_name(g, p->name);
  guest_run(g, VT_S(1));
  return g;
}

// What is wrong with a run, in words; NULL if nothing is.
static const char *judge(const struct guest *g, enum guest_error error, bool bad) {
  const struct report *r = &g->machine->sim.report;
  const struct circumstances c = circumstances_of(error);
  const bool well = c.ends_well ? c.ends_well(g, bad) : finished(g);
  if (strstr(g->text, "FAIL")) return "there is no such program";
  if (!well) return "it did not end as it should";
  if (bad && !report_count(r, error)) return "its mistake was not reported";
  if (!bad && r->guest_errors) return "it was mended, but something was reported";
  const uint64_t also = c.also ? report_count(r, (enum guest_error)(c.also - 1)) : 0;
  if (r->guest_errors != report_count(r, error) + also)
    return "another class was reported";
  if (r->unimplemented) return "it uses what is not modelled";
  return NULL;
}

static unsigned check_program(const struct program *p) {
  unsigned wrong = 0;
  for (int bad = MENDED; bad <= BAD; bad++) {
    struct guest *g = run(p, bad);
    const char *why = judge(g, p->error, bad);
    if (why) {
      print_error("%s, %s: %s\n", p->name, bad ? "bad" : "mended", why);
      for (const struct report_entry *e = g->machine->sim.report.entries; e;
           e = e->next)
        print_error("    PC 0x%08x: %s\n", (unsigned)e->pc, e->detail);
      wrong++;
    }
    guest_close(g);
  }
  return wrong;
}

static void check_all(enum cpu_mode mode, const char *level) {
  unsigned wrong = 0;
  for (int i = 0; i < GUEST_ERROR_COUNT; i++) {
    const enum guest_error error = (enum guest_error)i;
    const struct program p = {error, guest_error_name(error), NULL, mode, level, false};
    wrong += check_program(&p);
  }
  print_message("%d classes of guest errors, a bad and a mended program each\n",
                GUEST_ERROR_COUNT);
  assert_int_equal(wrong, 0);
}

static void every_other_way_into_a_class(void **state) {
  (void)state;
  unsigned wrong = 0;
  const size_t count = sizeof variants / sizeof *variants;
  for (size_t i = 0; i < count; i++) {
    const struct program p = {
        variants[i].error, variants[i].name, variants[i].board, CPU_BLOCK, "Os", false};
    wrong += check_program(&p);
  }
  print_message("%u more, likewise\n", (unsigned)count);
  assert_int_equal(wrong, 0);
}

static void every_class_block_mode(void **state) {
  (void)state;
  check_all(CPU_BLOCK, "Os");
}

static void every_class_precise_mode(void **state) {
  (void)state;
  check_all(CPU_PRECISE, "O2");
}

// The internal flash's classes once more, in the second of two banks.
static void flash_classes_in_the_second_bank(void **state) {
  (void)state;
  unsigned wrong = 0;
  for (int i = GUEST_FLASH_LOCKED; i <= GUEST_FLASH_PROTECTED; i++) {
    const enum guest_error error = (enum guest_error)i;
    struct program p = {error, guest_error_name(error), NULL, CPU_BLOCK, "O2", true};
    wrong += check_program(&p);
    p.mode = CPU_PRECISE;
    p.level = "Os";
    wrong += check_program(&p);
  }
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_class_block_mode),
      cmocka_unit_test(every_class_precise_mode),
      cmocka_unit_test(every_other_way_into_a_class),
      cmocka_unit_test(flash_classes_in_the_second_bank),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
