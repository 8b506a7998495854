// SPDX-License-Identifier: MIT
#include "host/lib/file.h"

#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/host/lib/scratch.h"

// ---- Reading ---------------------------------------------------------------

static void a_file_is_read_whole(void **state) {
  (void)state;
  struct qb_error error;
  struct file_bytes file;
  const char data[] = "some\0bytes\n";
  assert_true(file_read(scratch_write("a", data, sizeof data), &file, &error));
  assert_int_equal(file.size, sizeof data);
  assert_memory_equal(file.data, data, sizeof data);
  free(file.data);
}

static void an_empty_file_has_memory(void **state) {
  (void)state;
  struct qb_error error;
  struct file_bytes file = {0};
  assert_true(file_read(scratch_write("a", "", 0), &file, &error));
  assert_int_equal(file.size, 0);
  assert_non_null(file.data);
  free(file.data);
}

static void expect_unreadable(const char *path, const char *reason) {
  struct qb_error error;
  struct file_bytes file;
  assert_false(file_read(path, &file, &error));
  assert_non_null(strstr(error.text, path));
  assert_non_null(strstr(error.text, reason));
}

// None of these may block or read without end.
static void what_is_not_a_regular_file_is_refused(void **state) {
  (void)state;
  const char *pipe_path = "pipe";
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  expect_unreadable(pipe_path, "not a regular file");
  expect_unreadable(".", "not a regular file");
  expect_unreadable("/dev/zero", "not a regular file");
}

static void a_missing_file_is_told_with_the_systems_reason(void **state) {
  (void)state;
  expect_unreadable("missing", "No such file");
}

static void a_file_over_1_gib_is_refused_unread(void **state) {
  (void)state;
  const char *path = scratch_write("huge", "", 0);
  assert_int_equal(truncate(path, ((off_t)1 << 30) + 1), 0);  // a hole: no disk used
  expect_unreadable(path, "larger than 1 GiB");
}

// ---- Replacing -------------------------------------------------------------

static void expect_content(const char *path, const char *text) {
  struct qb_error error;
  struct file_bytes file;
  assert_true(file_read(path, &file, &error));
  assert_int_equal(file.size, strlen(text));
  assert_memory_equal(file.data, text, file.size);
  free(file.data);
}

static bool replace(const char *path, const char *text, struct qb_error *error) {
  return file_replace(path, (const uint8_t *)text, strlen(text), error);
}

static void a_new_file_appears_and_nothing_else(void **state) {
  (void)state;
  struct qb_error error;
  const char *path = "out";
  assert_true(replace(path, "new", &error));
  expect_content(path, "new");
  assert_int_equal(scratch_entries(false), 1);
}

static void a_new_file_has_the_usual_rights(void **state) {
  (void)state;
  struct qb_error error;
  struct stat st;
  const char *path = "out";
  const mode_t before = umask(027);
  assert_true(replace(path, "new", &error));
  umask(before);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_longer_old_file_leaves_no_rest(void **state) {
  (void)state;
  struct qb_error error;
  const char *path = scratch_write("out", "old and long", 12);
  assert_true(replace(path, "new", &error));
  expect_content(path, "new");
}

// The file behind an open descriptor is the old one: it was not written into.
static void an_open_reader_keeps_the_old_content(void **state) {
  (void)state;
  struct qb_error error;
  char text[4] = "";
  FILE *reader = fopen(scratch_write("out", "old", 3), "rb");
  assert_non_null(reader);
  assert_true(replace("out", "new", &error));
  assert_int_equal(fread(text, 1, 3, reader), 3);
  assert_string_equal(text, "old");
  fclose(reader);
}

static void a_symbolic_link_stays_a_link(void **state) {
  (void)state;
  struct qb_error error;
  struct stat st;
  const char *path = scratch_write("real", "old", 3);
  const char *link = "link";
  assert_int_equal(symlink("real", link), 0);
  assert_true(replace(link, "new", &error));
  expect_content(path, "new");
  assert_int_equal(lstat(link, &st), 0);
  assert_true(S_ISLNK(st.st_mode));
}

// A pipe of the test's own stands for every special file: were a device of the
// system used, a defect here would replace it when the tests run as root.
static void other_kinds_of_file_are_not_replaced(void **state) {
  (void)state;
  struct qb_error error;
  struct stat st;
  assert_int_equal(mkfifo("pipe", 0600), 0);
  assert_false(replace("pipe", "x", &error));
  assert_non_null(strstr(error.text, "pipe is not a regular file"));
  assert_int_equal(stat("pipe", &st), 0);
  assert_true(S_ISFIFO(st.st_mode));
  assert_false(replace(".", "x", &error));
}

static void a_missing_folder_is_told(void **state) {
  (void)state;
  struct qb_error error;
  assert_false(replace("none/out", "x", &error));
  assert_non_null(strstr(error.text, "cannot create"));
  assert_non_null(strstr(error.text, "No such file"));
}

static void a_name_too_long_for_the_system_is_told(void **state) {
  (void)state;
  struct qb_error error;
  char path[5000];
  memset(path, 'n', sizeof path - 1);
  path[sizeof path - 1] = '\0';
  assert_false(replace(path, "x", &error));
  path[4094] = '\0';  // fits by itself, but not with the temporary ending
  assert_false(replace(path, "x", &error));
  assert_non_null(strstr(error.text, "cannot create"));
}

static void leftovers_of_a_crash_are_stepped_over(void **state) {
  (void)state;
  struct qb_error error;
  const char *leftover = scratch_write("out.tmp0", "stale", 5);
  const char *path = "out";
  assert_true(replace(path, "new", &error));
  expect_content(path, "new");
  expect_content(leftover, "stale");
  assert_int_equal(scratch_entries(false), 2);
}

static void a_folder_full_of_leftovers_is_told(void **state) {
  (void)state;
  struct qb_error error;
  for (int i = 0; i < 100; i++) {
    char name[32];
    snprintf(name, sizeof name, "out.tmp%d", i);
    scratch_write(name, "", 0);
  }
  assert_false(replace("out", "new", &error));
  assert_non_null(strstr(error.text, "File exists"));
  assert_int_equal(scratch_entries(false), 100);
}

// A disk that fills up, by a limit on file size: the old file must survive whole.
static void a_write_that_fails_midway_leaves_the_old_file(void **state) {
  (void)state;
  struct qb_error error;
  uint8_t data[8192] = {0};
  const char *path = scratch_write("out", "old", 3);
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
  void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  const bool ok = file_replace(path, data, sizeof data, &error);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, handler);
  assert_false(ok);
  assert_non_null(strstr(error.text, "cannot write"));
  assert_non_null(strstr(error.text, "too large"));
  expect_content(path, "old");
  assert_int_equal(scratch_entries(false), 1);
}

// ---- Identity --------------------------------------------------------------

static void the_same_file_is_known_under_other_names(void **state) {
  (void)state;
  const char *a = scratch_write("a", "x", 1);
  const char *b = scratch_write("b", "x", 1);
  const char *link = "link";
  assert_int_equal(symlink("a", link), 0);
  assert_true(file_is_same(a, a));
  assert_true(file_is_same(a, link));
  assert_true(file_is_same(a, "./a"));
  assert_false(file_is_same(a, b));
  assert_false(file_is_same(a, "missing"));
  assert_false(file_is_same("missing", a));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      scratch_test(a_file_is_read_whole),
      scratch_test(an_empty_file_has_memory),
      scratch_test(what_is_not_a_regular_file_is_refused),
      scratch_test(a_missing_file_is_told_with_the_systems_reason),
      scratch_test(a_file_over_1_gib_is_refused_unread),
      scratch_test(a_new_file_appears_and_nothing_else),
      scratch_test(a_new_file_has_the_usual_rights),
      scratch_test(a_longer_old_file_leaves_no_rest),
      scratch_test(an_open_reader_keeps_the_old_content),
      scratch_test(a_symbolic_link_stays_a_link),
      scratch_test(other_kinds_of_file_are_not_replaced),
      scratch_test(a_missing_folder_is_told),
      scratch_test(a_name_too_long_for_the_system_is_told),
      scratch_test(leftovers_of_a_crash_are_stepped_over),
      scratch_test(a_folder_full_of_leftovers_is_told),
      scratch_test(a_write_that_fails_midway_leaves_the_old_file),
      scratch_test(the_same_file_is_known_under_other_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
