// SPDX-License-Identifier: MIT
// Three threads under a small preemptive scheduler, on process stacks, two of them
// unprivileged, all with floating point, while SysTick and interrupts out of the blue
// (7, from the test) break in. Every thread computes known results again and again.
#include "tests/guests/guest.h"

enum { IRQ_STORM = 7, THREADS = 3, STACK_WORDS = 256, ROUNDS = 60, TICK = 1700 };

// --- work with known results
// ------------------------------------------------------------------

static uint32_t crc32(const uint8_t *p, uint32_t n) {
  uint32_t c = 0xFFFFFFFF;
  while (n--) {
    c ^= *p++;
    for (int k = 0; k < 8; k++)
      c = c >> 1 ^ (0xEDB88320u & -(c & 1));
  }
  return ~c;
}

// Conditional instructions in blocks of up to four: stopped inside, they must go on
// where they were.
NOINLINE static uint32_t it_blocks(uint32_t n) {
  uint32_t r = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t t;
    __asm__ volatile(
        "cmp %1, #100\n\t"
        "ittee gt\n\t"
        "subgt %0, %1, #100\n\t"
        "addgt %0, %0, %2\n\t"
        "addle %0, %1, #7\n\t"
        "eorle %0, %0, %2\n\t"
        "tst %0, #4\n\t"
        "itete ne\n\t"
        "addne %0, %0, #3\n\t"
        "lsleq %0, %0, #1\n\t"
        "orrne %0, %0, #0x100\n\t"
        "subeq %0, %0, #1"
        : "=&r"(t)
        : "r"(i % 211), "r"(r)
        : "cc");
    r = t * 2654435761u + i;
  }
  return r;
}

NOINLINE static float polynomial(uint32_t n) {
  float x = 0.5f, s = 0;
  for (uint32_t i = 0; i < n; i++) {
    s = s * x + (float)i;
    x = x * 0.999f + 0.0001f;
    if (s > 1e5f) s *= 0.001f;
  }
  return s;
}

NOINLINE static double series(uint32_t n) {
  double s = 0;
  for (uint32_t i = 1; i <= n; i++)
    s += 1.0 / ((double)i * i);
  return s;
}

static uint8_t buffer[256];
static struct {
  uint32_t crc, it;
  float f;
  double d;
} known;

static uint32_t work(uint32_t which) {
  switch (which % 4) {
    case 0: return crc32(buffer, sizeof buffer) != known.crc;
    case 1: return it_blocks(150) != known.it;
    case 2: return polynomial(120) != known.f;
    default: return series(60) != known.d;
  }
}

// Bit-exact, so that a register lost anywhere is seen.
static void references(void) {
  for (uint32_t i = 0; i < sizeof buffer; i++)
    buffer[i] = (uint8_t)(i * 7 + 3);
  known.crc = crc32(buffer, sizeof buffer);
  known.it = it_blocks(150);
  known.f = polynomial(120);
  known.d = series(60);
  const double d = series(1000);
  uint32_t words[2];
  __builtin_memcpy(words, &d, sizeof words);
  check("double.low", words[0], 0x550A946E);
  check("double.high", words[1], 0x3FFA4D8E);
}

// --- threads
// ------------------------------------------------------------------------------------

static uint32_t stacks[THREADS][STACK_WORDS] __attribute__((aligned(8)));
static volatile uint32_t *volatile stack_of[THREADS];
static volatile uint32_t current, scheduling;
static volatile uint32_t rounds[THREADS], wrong[THREADS], counter, done;
static volatile uint32_t ticks, storms, switches, privileged_leak;
static volatile float storm_sum = 1.0f;

static void add_atomically(volatile uint32_t *p) {
  uint32_t value, failed;
  do {
    __asm__ volatile("ldrex %0, [%2]\n\tadds %0, #1\n\tstrex %1, %0, [%2]"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(p)
                     : "memory", "cc");
  } while (failed);
}

NOINLINE static uint32_t call_svc(uint32_t a) {
  register uint32_t r0 __asm__("r0") = a;
  __asm__ volatile("svc #3" : "+r"(r0)::"memory");
  return r0;
}

// What an unprivileged thread must not be able to do: mask interrupts.
static void try_to_mask(void) {
  uint32_t primask, control;
  __asm__ volatile("cpsid i\n\tmrs %0, primask\n\tcpsie i\n\tmrs %1, control"
                   : "=r"(primask), "=r"(control));
  if (primask || (control & 3) != 3) privileged_leak = 1;
}

static void thread(uint32_t id) {
  while (rounds[id] < ROUNDS) {
    wrong[id] += work(id + rounds[id]);
    if (id) try_to_mask();
    if (call_svc(rounds[id]) != rounds[id] + 3) wrong[id] += 1000;
    add_atomically(&counter);
    rounds[id]++;
  }
  add_atomically(&done);
  for (;;)
    wfi();
}

__attribute__((used)) static uint32_t *switch_threads(uint32_t *sp) {
  if (!scheduling) return sp;
  switches++;
  stack_of[current] = sp;
  current = (current + 1) % THREADS;
  return (uint32_t *)stack_of[current];
}

// PendSV switches: the upper registers onto the old stack, the other's off the new.
__attribute__((naked)) static void on_pendsv(void) {
  __asm__ volatile(
      "mrs r0, psp\n\t"
      "tst lr, #0x10\n\t"
      "it eq\n\t"
      "vstmdbeq r0!, {s16-s31}\n\t"
      "mrs r1, control\n\t"
      "stmdb r0!, {r1, r2, r4-r11, lr}\n\t"
      "sub r0, #4\n\t"
      "bl switch_threads\n\t"
      "add r0, #4\n\t"
      "ldmia r0!, {r1, r2, r4-r11, lr}\n\t"
      "tst lr, #0x10\n\t"
      "it eq\n\t"
      "vldmiaeq r0!, {s16-s31}\n\t"
      "msr psp, r0\n\t"
      "mrs r2, control\n\t"
      "bfi r2, r1, #0, #1\n\t"
      "msr control, r2\n\t"
      "isb\n\t"
      "bx lr");
}

static void on_tick(void) {
  ticks++;
  if (scheduling) wr(ICSR, BIT(28));
}

static void on_storm(void) {
  storms++;
  storm_sum = storm_sum * 1.0001f + 0.5f;
  if (storm_sum > 1e6f) storm_sum = 1.0f;
}

__attribute__((used)) static void svc_body(uint32_t *frame) {
  frame[0] += ((uint8_t *)frame[6])[-2];
}

__attribute__((naked)) static void on_svc(void) {
  __asm__ volatile(
      "tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb svc_body");
}

// A thread that has never run: a frame as an exception would have left it.
static void make_thread(uint32_t id) {
  uint32_t *p = stacks[id] + STACK_WORDS;
  *--p = BIT(24);
  *--p = (uint32_t)(uintptr_t)thread & ~1u;
  p -= 5;
  *--p = id;  // r0
  *--p = 0xFFFFFFFD;
  p -= 9;
  *--p = id ? 1 : 0;  // CONTROL.nPRIV
  stack_of[id] = p - 1;
}

// The first thread is this one, on a stack of its own from now on.
static void become_thread(void) {
  __asm__ volatile(
      "msr psp, %0\n\t"
      "mrs r0, control\n\t"
      "orr r0, #2\n\t"
      "msr control, r0\n\t"
      "isb" ::"r"(stacks[0] + STACK_WORDS)
      : "r0", "memory");
  scheduling = 1;
  thread(0);
}

static void on_tick_last(void) {
  on_tick();
  if (done < THREADS) return;
  scheduling = 0;
  // The checks are printed from here: every thread sleeps by now.
  wr(SYST_CSR, 0);
  check("threads.wrong-0", wrong[0], 0);
  check("threads.wrong-1", wrong[1], 0);
  check("threads.wrong-2", wrong[2], 0);
  check("threads.all-rounds", counter, THREADS * ROUNDS);
  check("threads.unprivileged-stay-so", privileged_leak, 0);
  check_true("threads.switched", switches > 100);
  check_true("threads.storm", storms > 500 && storm_sum > 1.0f);
  wr(MAILBOX(1), storms);
  finish();
}

void guest_main(void) {
  references();
  set_vector(EXC_SVC, on_svc);
  set_vector(EXC_PENDSV, on_pendsv);
  set_vector(EXC_SYSTICK, on_tick_last);
  wr8(SHPR(EXC_PENDSV), 0xF0);
  wr8(SHPR(EXC_SYSTICK), 0xE0);
  wr8(SHPR(EXC_SVC), 0x10);
  set_irq(IRQ_STORM, on_storm, 0x40);
  wr(MAILBOX(MAIL_STORM), 1);
  for (uint32_t id = 1; id < THREADS; id++)
    make_thread(id);
  wr(SYST_RVR, TICK - 1);
  wr(SYST_CVR, 0);
  wr(SYST_CSR, 7);
  become_thread();
}
