// SPDX-License-Identifier: MIT
// The core's own memcpy and the like, under other names, against the C library's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void *core_memcpy(void *restrict to, const void *restrict from, size_t n);
void *core_memset(void *to, int value, size_t n);
void *core_memmove(void *to, const void *from, size_t n);
int core_memcmp(const void *a, const void *b, size_t n);
size_t core_strlen(const char *text);

#define memcpy  core_memcpy
#define memset  core_memset
#define memmove core_memmove
#define memcmp  core_memcmp
#define strlen  core_strlen
#include "firmware/soc/stm32f7/string.c"
#undef memcpy
#undef memset
#undef memmove
#undef memcmp
#undef strlen

enum { SIZE = 96, LONGEST = 60 };

static _Alignas(16) uint8_t ours[SIZE], theirs[SIZE];

static void fill(void) {
  for (int i = 0; i < SIZE; i++)
    ours[i] = theirs[i] = (uint8_t)(i * 7 + 1);
}

static void every_copy(void **state) {
  uint8_t from[SIZE];
  (void)state;
  for (size_t i = 0; i < SIZE; i++)
    from[i] = (uint8_t)(200 - i);
  for (size_t to = 0; to < 8; to++) {
    for (size_t at = 0; at < 8; at++) {
      for (size_t n = 0; n <= LONGEST; n++) {
        fill();
        assert_ptr_equal(core_memcpy(ours + to, from + at, n), ours + to);
        memcpy(theirs + to, from + at, n);
        assert_memory_equal(ours, theirs, SIZE);
      }
    }
  }
}

static void every_move(void **state) {
  (void)state;
  for (size_t to = 0; to < 24; to++) {
    for (size_t at = 0; at < 24; at++) {
      for (size_t n = 0; n <= LONGEST; n++) {
        fill();
        assert_ptr_equal(core_memmove(ours + to, ours + at, n), ours + to);
        memmove(theirs + to, theirs + at, n);
        assert_memory_equal(ours, theirs, SIZE);
      }
    }
  }
}

static void every_fill(void **state) {
  (void)state;
  for (size_t to = 0; to < 8; to++) {
    for (size_t n = 0; n <= LONGEST; n++) {
      fill();
      assert_ptr_equal(core_memset(ours + to, 0x1A5, n), ours + to);
      memset(theirs + to, 0x1A5, n);
      assert_memory_equal(ours, theirs, SIZE);
    }
  }
}

static int sign(int n) {
  return (n > 0) - (n < 0);
}

static void every_comparison(void **state) {
  static const char *const texts[] = {"", "a", "b", "ab", "abc", "\x80", "a\x80"};
  enum { TEXTS = sizeof texts / sizeof *texts };
  (void)state;
  for (size_t i = 0; i < TEXTS; i++) {
    assert_int_equal(core_strlen(texts[i]), strlen(texts[i]));
  }
  fill();
  for (size_t n = 0; n < 40; n++) {
    assert_int_equal(core_memcmp(ours, theirs, n), 0);
    theirs[n] ^= 0x80;
    assert_int_equal(core_memcmp(ours, theirs, n), 0);
    assert_int_equal(sign(core_memcmp(ours, theirs, n + 1)),
                     sign(memcmp(ours, theirs, n + 1)));
    theirs[n] ^= 0x80;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_copy),
      cmocka_unit_test(every_move),
      cmocka_unit_test(every_fill),
      cmocka_unit_test(every_comparison),
  };
  return cmocka_run_group_tests_name("soc_string", tests, NULL, NULL);
}
