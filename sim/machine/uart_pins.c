// SPDX-License-Identifier: MIT
// Which pins carry the serial ports (DS11532 table 12), and whether the firmware has
// routed one. The console's pins are the board's; another port may use any of its pins.
#include "sim/machine/machine_internal.h"

static const struct uart_pin {
  uint8_t number;
  bool tx;
  struct pin pin;
  uint8_t alternate;
} pins[] = {
    {1, true, {'A', 9}, 7},   {1, false, {'A', 10}, 7}, {1, true, {'B', 6}, 7},
    {1, false, {'B', 7}, 7},  {1, true, {'B', 14}, 4},  {1, false, {'B', 15}, 4},
    {2, true, {'A', 2}, 7},   {2, false, {'A', 3}, 7},  {2, true, {'D', 5}, 7},
    {2, false, {'D', 6}, 7},  {3, true, {'B', 10}, 7},  {3, false, {'B', 11}, 7},
    {3, true, {'C', 10}, 7},  {3, false, {'C', 11}, 7}, {3, true, {'D', 8}, 7},
    {3, false, {'D', 9}, 7},  {4, true, {'A', 0}, 8},   {4, false, {'A', 1}, 8},
    {4, true, {'A', 12}, 6},  {4, false, {'A', 11}, 6}, {4, true, {'C', 10}, 8},
    {4, false, {'C', 11}, 8}, {4, true, {'D', 1}, 8},   {4, false, {'D', 0}, 8},
    {4, true, {'H', 13}, 8},  {4, false, {'H', 14}, 8}, {4, false, {'I', 9}, 8},
    {5, true, {'B', 6}, 1},   {5, false, {'B', 5}, 1},  {5, true, {'B', 9}, 7},
    {5, false, {'B', 8}, 7},  {5, true, {'B', 13}, 8},  {5, false, {'B', 12}, 8},
    {5, true, {'C', 12}, 8},  {5, false, {'D', 2}, 8},  {6, true, {'C', 6}, 8},
    {6, false, {'C', 7}, 8},  {6, true, {'G', 14}, 8},  {6, false, {'G', 9}, 8},
    {7, true, {'A', 15}, 12}, {7, false, {'A', 8}, 12}, {7, true, {'B', 4}, 12},
    {7, false, {'B', 3}, 12}, {7, true, {'E', 8}, 8},   {7, false, {'E', 7}, 8},
    {7, true, {'F', 7}, 8},   {7, false, {'F', 6}, 8},  {8, true, {'E', 1}, 8},
    {8, false, {'E', 0}, 8},
};

static bool is_routed(struct machine *m, const struct uart_pin *p) {
  const struct gpio_pin_state s = gpio_pin(machine_port(m, p->pin.port), p->pin.number);
  return s.clocked && s.mode == GPIO_ALTERNATE && s.alternate == p->alternate;
}

static bool is_wired(const struct board *b, const struct uart_pin *p) {
  if (p->number != b->console.number) return true;
  const struct pin *wired = p->tx ? &b->console.tx : &b->console.rx;
  return p->pin.port == wired->port && p->pin.number == wired->number;
}

bool rules_uart_pin(void *machine, unsigned number, bool tx) {
  struct machine *m = machine;
  for (size_t i = 0; i < sizeof pins / sizeof *pins; i++) {
    const struct uart_pin *p = &pins[i];
    if (p->number == number && p->tx == tx && is_wired(m->board, p) && is_routed(m, p))
      return true;
  }
  return false;
}
