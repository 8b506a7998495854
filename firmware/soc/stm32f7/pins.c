// SPDX-License-Identifier: MIT
#include "firmware/mmio.h"
#include "firmware/soc/stm32f7/soc.h"
#include "firmware/soc/stm32f7/stm32f7_regs.h"

enum { MODE_INPUT = 0, MODE_OUTPUT = 1, MODE_ALTERNATE = 2, SPEED_VERY_HIGH = 3 };

// DS11532 gives the cell no ready time; a millisecond is ample.
#define COMPENSATION_US 1000u

static uintptr_t port_base(struct pin p) {
  return GPIOA_BASE + 0x400u * p.port;
}

static void set_field(struct pin p, uint32_t offset, unsigned width, uint32_t value) {
  const uint32_t field = FIELD(p.number * width, width);
  mmio_update32(port_base(p) + offset, field_mask(field), field_set(0, field, value));
}

static void enable_port(struct pin p) {
  soc_clock_enable(RCC_AHB1ENR, FIELD_BIT(p.port));
}

void soc_clock_enable(uint32_t enable_register, uint32_t field) {
  mmio_update32(RCC_BASE + enable_register, 0, field_mask(field));
  // Two bus clocks must pass before the block answers (ES0334 2.2.7); reading the
  // register back takes longer.
  (void)mmio_read32(RCC_BASE + enable_register);
}

void soc_block_reset(uint32_t reset_register, uint32_t field) {
  mmio_update32(RCC_BASE + reset_register, 0, field_mask(field));
  mmio_update32(RCC_BASE + reset_register, field_mask(field), 0);
}

void soc_pin_write(struct pin p, bool high) {
  mmio_write32(port_base(p) + GPIO_BSRR, 1u << (p.number + (high ? 0 : 16)));
}

bool soc_pin_read(struct pin p) {
  return (mmio_read32(port_base(p) + GPIO_IDR) >> p.number) & 1u;
}

void soc_pin_output(struct pin p, bool high) {
  enable_port(p);
  soc_pin_write(p, high);
  set_field(p, GPIO_MODER, 2, MODE_OUTPUT);
}

void soc_pin_input(struct pin p, bool pull_up, bool pull_down) {
  enable_port(p);
  set_field(p, GPIO_PUPDR, 2, pull_up ? 1 : pull_down ? 2 : 0);
  set_field(p, GPIO_MODER, 2, MODE_INPUT);
}

void soc_pin_alternate(struct pin p) {
  enable_port(p);
  const uint32_t field = FIELD((p.number % 8u) * 4u, 4);
  mmio_update32(port_base(p) + (p.number < 8 ? GPIO_AFRL : GPIO_AFRH),
                field_mask(field), field_set(0, field, p.alternate));
  set_field(p, GPIO_PUPDR, 2, 0);
  set_field(p, GPIO_OSPEEDR, 2, SPEED_VERY_HIGH);
  set_field(p, GPIO_MODER, 2, MODE_ALTERNATE);
}

void soc_compensate(struct soc_time *t) {
  soc_clock_enable(RCC_APB2ENR, RCC_APB2ENR_SYSCFGEN);
  mmio_write32(SYSCFG_BASE + SYSCFG_CMPCR, field_mask(SYSCFG_CMPCR_CMP_PD));
  const uint32_t start = soc_time_us(t);
  while (!field_get(mmio_read32(SYSCFG_BASE + SYSCFG_CMPCR), SYSCFG_CMPCR_READY)) {
    if (soc_time_us(t) - start > COMPENSATION_US) return;  // slower edges, no more
  }
}
