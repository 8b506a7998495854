// SPDX-License-Identifier: MIT
// Reset entry, vectors in RAM, console, checks. HSI at 16 MHz, everything else as
// after reset but for the console (1 Mbaud; PA9 of USART1 on most boards).
#include "tests/guests/guest.h"

enum { VECTORS = 16 + 110 };

extern uint32_t link_stack_top;
extern uint32_t link_data_start, link_data_end, link_bss_start, link_bss_end;
extern uint32_t link_ramcode_start, link_ramcode_end;
extern const uint32_t link_data_load, link_ramcode_load;

static vector vectors[VECTORS] __attribute__((aligned(512)));

void reset_entry(void);
void start_up(void);
void start_in_ram(void);

__attribute__((section(".vectors"), used)) static const vector boot_vectors[2] = {
    (vector)(uintptr_t)&link_stack_top, reset_entry};

static void unexpected(void) {
  print("FAIL unexpected exception ");
  print_hex(ipsr());
  print("\n");
  finish();
}

void set_vector(uint32_t exception, vector handler) {
  vectors[exception] = handler;
}

void set_irq(uint32_t irq, vector handler, uint32_t priority) {
  set_vector(16 + irq, handler);
  wr8(NVIC_IPR(irq), (uint8_t)priority);
  wr(NVIC_ISER(irq / 32), 1u << irq % 32);
}

// Each board's console: its pin, and USART1 or USART3.
static const struct console {
  char port;
  uint8_t pin, alternate;
  uint32_t usart, enable, enable_bit;
} consoles[] = {
    {'A', 9, 7, USART1, RCC_APB2ENR, BIT(4)},
    {'B', 14, 4, USART1, RCC_APB2ENR, BIT(4)},  // PA9 senses VBUS
    {'D', 8, 7, USART3, RCC_APB1ENR, BIT(18)},
};
static uint32_t console_usart;

static void start_console(void) {
  const struct console *c = &consoles[rd(MAILBOX(MAIL_CONSOLE)) % 3];
  set(RCC_AHB1ENR, BIT(c->port - 'A'));
  set(GPIO(c->port) + 0x24, (uint32_t)c->alternate << (c->pin - 8) * 4);
  set(GPIO(c->port), 2u << c->pin * 2);
  set(c->enable, c->enable_bit);
  console_usart = c->usart;
  wr(USART_BRR(console_usart), 16);
  wr(USART_CR1(console_usart), BIT(0) | BIT(3));
}

// Also the way in for a program that boots itself from RAM, where it still is.
NOINLINE void start_in_ram(void) {
  for (uint32_t i = 2; i < VECTORS; i++)
    vectors[i] = unexpected;
  wr(VTOR, (uint32_t)(uintptr_t)vectors);
  set(CPACR, 0xFu << 20);
  barrier();
  start_console();
  guest_main();
  finish();
}

// In a loop, and not by memcpy: that may not be in its place yet.
__attribute__((used, optimize("no-tree-loop-distribute-patterns"))) void start_up(
    void) {
  const uint32_t *from = &link_ramcode_load;
  for (uint32_t *p = &link_ramcode_start; p < &link_ramcode_end; p++)
    *p = *from++;
  from = &link_data_load;
  for (uint32_t *p = &link_data_start; p < &link_data_end; p++)
    *p = *from++;
  for (uint32_t *p = &link_bss_start; p < &link_bss_end; p++)
    *p = 0;
  barrier();
  void (*volatile go)(void) = start_in_ram;
  go();
}

__attribute__((naked, noreturn)) void reset_entry(void) {
  __asm__ volatile("b start_up");
}

// --- console
// --------------------------------------------------------------------------

static void print_char(char c) {
  while (!(rd(USART_ISR(console_usart)) & BIT(7))) {
  }
  wr(USART_TDR(console_usart), (uint8_t)c);
}

void print(const char *text) {
  while (*text)
    print_char(*text++);
}

void print_hex(uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4)
    print_char("0123456789abcdef"[value >> shift & 15]);
}

void check(const char *name, uint32_t got, uint32_t wanted) {
  print(got == wanted ? "ok " : "FAIL ");
  print(name);
  if (got != wanted) {
    print(" got ");
    print_hex(got);
    print(" wanted ");
    print_hex(wanted);
  }
  print("\n");
}

void check_true(const char *name, bool good) {
  check(name, good, 1);
}

void finish(void) {
  print("end\n");
  irq_off();
  wr(SYST_CSR, 0);
  for (uint32_t i = 0; i < 4; i++)
    wr(NVIC_ICER(i), 0xFFFFFFFF);
  for (;;)
    wfi();
}
