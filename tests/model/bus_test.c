// SPDX-License-Identifier: MIT
// The address map: who answers, at which widths, and the clock gate before each.
#include "sim/core/bus.h"

#include "tests/model/chip_rig.h"

// A device that remembers the last access.
struct probe {
  uint32_t offset, value, answer;
  unsigned bytes, reads, writes;
  struct bus *failing;  // not NULL: it answers writes with an error
};

static uint32_t probe_read(void *ctx, uint32_t offset, unsigned bytes) {
  struct probe *p = ctx;
  p->offset = offset;
  p->bytes = bytes;
  p->reads++;
  return p->answer;
}

static void probe_write(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  struct probe *p = ctx;
  p->offset = offset;
  p->bytes = bytes;
  p->value = value;
  p->writes++;
  if (p->failing) p->failing->failed = true;
}

enum { PROBES = 3 };

// Added out of order, with gaps between and around them.
static const uint32_t bases[PROBES] = {0x40002000, 0x40000000, 0x40001000};
enum { SIZE = 0x400 };

struct bench {
  struct chip chip;
  struct probe probes[PROBES];
  enum gate_state gates[PROBES];
  uint8_t ram[64], rom[16];
};

static enum gate_state bench_gate(void *ctx, uint32_t gate) {
  return ((struct bench *)ctx)->gates[gate];
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  struct bus *bus = &b.chip.sim.bus;
  for (uint32_t i = 0; i < PROBES; i++) {
    bus_add_device(bus, &(struct bus_device){"PROBE", bases[i], SIZE, i, &b.probes[i],
                                             probe_read, probe_write});
  }
  bus_add_memory(bus,
                 &(struct bus_memory){"RAM", 0x20000000, sizeof b.ram, b.ram, true});
  bus_add_memory(bus,
                 &(struct bus_memory){"ROM", 0x08000000, sizeof b.rom, b.rom, false});
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  chip_stop(&((struct bench *)*state)->chip);
  return 0;
}

static void devices_answer_in_their_range_only(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  for (size_t i = 0; i < PROBES; i++) {
    assert_ptr_equal(bus_device_at(bus, bases[i])->ctx, &b->probes[i]);
    assert_ptr_equal(bus_device_at(bus, bases[i] + SIZE - 1)->ctx, &b->probes[i]);
    assert_null(bus_device_at(bus, bases[i] + SIZE));
    assert_null(bus_device_at(bus, bases[i] - 1));
  }
  assert_null(bus_device_at(bus, 0));
  assert_null(bus_device_at(bus, 0xFFFFFFFF));
}

static void accesses_keep_offset_width_and_value(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  struct probe *p = &b->probes[1];
  static const unsigned widths[] = {1, 2, 4};
  for (size_t i = 0; i < 3; i++) {
    p->answer = 0x12340000u + (uint32_t)i;
    assert_int_equal(bus_mmio_read(bus, 0x40000024, widths[i]), p->answer);
    assert_int_equal(p->offset, 0x24);
    assert_int_equal(p->bytes, widths[i]);
    bus_mmio_write(bus, 0x400003FC, widths[i], 0xA5);
    assert_int_equal(p->offset, 0x3FC);
    assert_int_equal(p->bytes, widths[i]);
    assert_int_equal(p->value, 0xA5);
  }
  assert_int_equal(p->reads + p->writes, 6);
  expect_none(&b->chip);
}

static void holes_are_bus_errors_and_read_zero(void **state) {
  struct bench *b = *state;
  assert_int_equal(bus_mmio_read(&b->chip.sim.bus, 0x40000400, 4), 0);
  assert_int_equal(b->chip.sim.report.entries->addr, 0x40000400);
  expect_one(&b->chip, GUEST_BUS_ERROR);
  bus_mmio_write(&b->chip.sim.bus, 0x3FFFFFFC, 4, 1);
  expect_one(&b->chip, GUEST_BUS_ERROR);
}

static const struct {
  enum gate_state state;
  enum guest_error error;
  const char *says;
} closed[] = {
    {GATE_CLOCK_OFF, GUEST_CLOCK_OFF, "read of PROBE+0x010 with its clock off"},
    {GATE_IN_RESET, GUEST_IN_RESET, "read of PROBE+0x010 while it is held in reset"},
};

static void closed_gates_are_reported_and_nothing_arrives(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  bus->gate = bench_gate;
  bus->gate_ctx = b;
  b->probes[2].answer = 7;
  for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
    b->gates[2] = closed[i].state;
    assert_int_equal(bus_mmio_read(bus, 0x40001010, 4), 0);
    assert_string_equal(b->chip.sim.report.entries->detail, closed[i].says);
    expect_one(&b->chip, closed[i].error);
    bus_mmio_write(bus, 0x40001010, 4, 1);
    expect_one(&b->chip, closed[i].error);
  }
  assert_int_equal(b->probes[2].reads + b->probes[2].writes, 0);
  assert_int_equal(bus_mmio_read(bus, 0x40000010, 4), 0);  // the others are open
  b->gates[2] = GATE_OPEN;
  assert_int_equal(bus_mmio_read(bus, 0x40001010, 4), 7);
  expect_none(&b->chip);
}

static void a_block_without_a_gate_is_always_open(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  struct probe p = {.answer = 9};
  bus_add_device(bus, &(struct bus_device){"FREE", 0x50000000, 16, GATE_NONE, &p,
                                           probe_read, probe_write});
  bus->gate = bench_gate;
  bus->gate_ctx = b;
  assert_int_equal(bus_mmio_read(bus, 0x50000000, 4), 9);
  expect_none(&b->chip);
}

static void memories_give_bytes_that_lie_inside(void **state) {
  struct bench *b = *state;
  const struct bus *bus = &b->chip.sim.bus;
  assert_ptr_equal(bus_memory_at(bus, 0x20000000, 64), b->ram);
  assert_ptr_equal(bus_memory_at(bus, 0x2000003F, 1), b->ram + 63);
  assert_null(bus_memory_at(bus, 0x2000003F, 2));
  assert_null(bus_memory_at(bus, 0x20000040, 1));
  assert_null(bus_memory_at(bus, 0x1FFFFFFF, 1));
  assert_null(bus_memory_at(bus, 0x20000000, SIZE_MAX));
}

static void any_access_goes_to_memory_or_device(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  bus_write(bus, 0x20000004, 4, 0x11223344);
  bus_write(bus, 0x20000005, 1, 0xAA);
  bus_write(bus, 0x20000006, 2, 0xBBCC);
  assert_int_equal(bus_read(bus, 0x20000004, 4), 0xBBCCAA44);
  assert_int_equal(bus_read(bus, 0x20000006, 1), 0xCC);
  assert_int_equal(bus_read(bus, 0x20000003, 2), 0x4400);  // unaligned
  bus_write(bus, 0x40000000, 2, 5);
  assert_int_equal(b->probes[1].value, 5);
  b->probes[1].answer = 6;
  assert_int_equal(bus_read(bus, 0x40000000, 4), 6);
  expect_none(&b->chip);
}

// An error is of one access: the next one, anywhere, begins without.
static void errors_are_of_one_access(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  b->probes[0].failing = bus;
  for (int i = 0; i < 2; i++) {
    bus_mmio_write(bus, bases[0], 4, 1);
    assert_true(bus->failed);
    if (i) bus_mmio_write(bus, bases[1], 4, 1);
    if (!i) bus_mmio_read(bus, bases[1], 4);
    assert_false(bus->failed);
  }
}

static void gates_name_register_and_bit(void **state) {
  (void)state;
  assert_int_equal(GATE(0x30, 29) >> 8, 0x30);
  assert_int_equal(GATE(0x30, 29) & 31u, 29);
  assert_int_not_equal(GATE(0x44, 31), GATE_NONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(devices_answer_in_their_range_only),
      TEST(accesses_keep_offset_width_and_value),
      TEST(holes_are_bus_errors_and_read_zero),
      TEST(closed_gates_are_reported_and_nothing_arrives),
      TEST(a_block_without_a_gate_is_always_open),
      TEST(memories_give_bytes_that_lie_inside),
      TEST(any_access_goes_to_memory_or_device),
      TEST(errors_are_of_one_access),
      TEST(gates_name_register_and_bit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
