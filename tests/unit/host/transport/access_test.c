// SPDX-License-Identifier: MIT
// A user without rights, and a /sys, /dev and /proc made of plain files.
#include "host/transport/access_checkup.h"

#include <grp.h>

#include "tests/unit/host/lib/scratch.h"

static const char *const rule_folders[] = {"etc", "lib", NULL};
static const struct access_paths paths = {
    .devices = "sys", .nodes = "dev", .processes = "proc", .rules = rule_folders};

enum { PLUGDEV = 46 };  // Debian's number for the group; base-passwd never changes it

// ---- The files -------------------------------------------------------------

static void make_folder(const char *name) {
  assert_int_equal(mkdir(name, 0755), 0);
}

static void make_device(mode_t mode) {
  make_folder("sys");
  make_folder("sys/1-2.3");
  make_folder("sys/1-2.3:1.0");
  scratch_write("sys/1-2.3/busnum", "1\n", 2);
  scratch_write("sys/1-2.3/devnum", "7\n", 2);
  make_folder("dev");
  make_folder("dev/001");
  scratch_write("dev/001/007", "", 0);
  assert_int_equal(chmod("dev/001/007", mode), 0);
}

static void make_rules(void) {
  make_folder("lib");
  scratch_write("lib/" ACCESS_RULES_NAME, "", 0);
}

static int close_tree(void **state) {
  if (system("rm -rf sys dev proc etc lib") != 0) return -1;
  return scratch_close(state);
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, scratch_open, close_tree)

static void expect(const struct findings *f, enum finding_kind kind, const char *text,
                   const char *advice) {
  assert_int_equal(f->count, 1);
  assert_int_equal(f->items[0].kind, kind);
  if (!strstr(f->items[0].text, text)) fail_msg("%s", f->items[0].text);
  if (!strstr(f->items[0].advice, advice)) fail_msg("%s", f->items[0].advice);
}

// ---- The node --------------------------------------------------------------

static void a_node_that_may_be_used(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0600);
  access_checkup_node(&paths, "usb:1-2.3", &f);
  expect(&f, FINDING_OK, "dev/001/007", "");
  findings_free(&f);
}

static void a_node_for_others_without_rules(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0400);
  access_checkup_node(&paths, "usb:1-2.3", &f);
  expect(&f, FINDING_PROBLEM, "dev/001/007 (mode 0400, owner ",
         "--udev-rules | sudo tee /etc/udev/rules.d/60-quadboot.rules");
  findings_free(&f);
}

static void rules_that_are_not_applied(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0400);
  make_rules();
  access_checkup_node(&paths, "usb:1-2.3", &f);
  expect(&f, FINDING_PROBLEM, "may not use", "has not applied lib/60-quadboot.rules");
  findings_free(&f);
}

// udev has given the node to the group; the group database does not have this user.
static void a_user_outside_the_group(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0400);
  make_rules();
  // Possible because main() has kept the group, as a login of before would.
  if (chown("dev/001/007", (uid_t)-1, PLUGDEV) != 0) skip();
  access_checkup_node(&paths, "usb:1-2.3", &f);
  expect(&f, FINDING_PROBLEM, "group plugdev)", "sudo usermod -aG plugdev $USER");
  findings_free(&f);
}

static void a_node_that_is_missing(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0600);
  assert_int_equal(unlink("dev/001/007"), 0);
  access_checkup_node(&paths, "usb:1-2.3", &f);
  expect(&f, FINDING_PROBLEM, "there is no device node dev/001/007", "container");
  findings_free(&f);
}

static void places_that_linux_does_not_know(void **state) {
  (void)state;
  static const char *const names[] = {
      "usb:1-4", "usb:1-@4", "usbip:127.0.0.1:3240/1-1", "usb:../1-2.3", "", "usb:"};
  make_device(0600);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct findings f = {0};
    struct access_node node;
    access_checkup_node(&paths, names[i], &f);
    assert_int_equal(f.count, 0);
    assert_false(access_find_node(&paths, names[i], &node));
    assert_true(access_checkup_holder(&paths, names[i], 1, 0, &f));
    assert_int_equal(f.count, 0);
  }
  scratch_write("sys/1-2.3/devnum", "x\n", 2);
  struct access_node node;
  assert_false(access_find_node(&paths, "usb:1-2.3", &node));
}

// ---- Holders ---------------------------------------------------------------

static void nobody_holds_it(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0600);
  assert_true(access_checkup_holder(&paths, "usb:1-2.3", 1, 0, &f));
  assert_int_equal(f.count, 0);
}

static void a_kernel_driver_holds_it(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0600);
  assert_int_equal(symlink("../../drivers/usbtest", "sys/1-2.3:1.0/driver"), 0);
  assert_false(access_checkup_holder(&paths, "usb:1-2.3", 1, 0, &f));
  expect(&f, FINDING_PROBLEM, "driver usbtest holds",
         "echo 1-2.3:1.0 | sudo tee /sys/bus/usb/drivers/usbtest/unbind");
  findings_free(&f);
}

static void make_process(const char *number, const char *name, const char *opened) {
  char path[100];
  snprintf(path, sizeof path, "proc/%s", number);
  make_folder(path);
  snprintf(path, sizeof path, "proc/%s/comm", number);
  scratch_write(path, name, strlen(name));
  snprintf(path, sizeof path, "proc/%s/fd", number);
  make_folder(path);
  snprintf(path, sizeof path, "proc/%s/fd/3", number);
  assert_int_equal(symlink(opened, path), 0);
}

static void a_program_holds_it(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0600);
  make_folder("proc");
  make_process("12", "cat\n", "dev/001/006");
  make_process("345", "dfu-util\n", "dev/001/007");
  make_folder("proc/self");
  assert_int_equal(symlink("../../drivers/usbfs", "sys/1-2.3:1.0/driver"), 0);
  assert_false(access_checkup_holder(&paths, "usb:1-2.3", 1, 0, &f));
  expect(&f, FINDING_PROBLEM, "dfu-util (process 345) uses it", "end that program");
  findings_free(&f);
}

static void a_program_that_is_not_seen(void **state) {
  (void)state;
  struct findings f = {0};
  make_device(0600);
  assert_int_equal(symlink("../../drivers/usbfs", "sys/1-2.3:1.0/driver"), 0);
  assert_false(access_checkup_holder(&paths, "usb:1-2.3", 1, 0, &f));
  expect(&f, FINDING_PROBLEM, "another program uses it", "end that program");
  findings_free(&f);
}

// ---- Rules -----------------------------------------------------------------

static void rules_are_found_in_any_folder(void **state) {
  (void)state;
  struct findings f = {0};
  access_checkup_rules(&paths, &f);
  expect(&f, FINDING_NOTE, "not installed", ACCESS_INSTALL_RULES);
  findings_free(&f);
  make_rules();
  access_checkup_rules(&paths, &f);
  expect(&f, FINDING_OK, "lib/60-quadboot.rules", "");
  findings_free(&f);
}

// What a device says reaches the terminal as text only.
static void control_characters_are_replaced(void **state) {
  (void)state;
  struct findings f = {0};
  findings_add(&f, FINDING_NOTE, "x", "a%cb\n", 27);
  findings_advise(&f, "c\td");
  expect(&f, FINDING_NOTE, "a?b?", "c?d");
  findings_free(&f);
  // C1 controls, as in every other sentence.
  findings_add(&f, FINDING_NOTE, "x",
               "a\xC2\x9B"
               "b");
  findings_advise(&f,
                  "c\xC2\x80"
                  "d");
  expect(&f, FINDING_NOTE, "a??b", "c??d");
  findings_free(&f);
}

// Root may use every node; give that up for good. The group stays, so that a node can
// be given to it.
static bool become_nobody(void) {
  enum { NOBODY = 65534 };
  const gid_t group = PLUGDEV;
  if (geteuid() != 0) return true;
  return setgroups(1, &group) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tree_test(a_node_that_may_be_used),
      tree_test(a_node_for_others_without_rules),
      tree_test(rules_that_are_not_applied),
      tree_test(a_user_outside_the_group),
      tree_test(a_node_that_is_missing),
      tree_test(places_that_linux_does_not_know),
      tree_test(nobody_holds_it),
      tree_test(a_kernel_driver_holds_it),
      tree_test(a_program_holds_it),
      tree_test(a_program_that_is_not_seen),
      tree_test(rules_are_found_in_any_folder),
      tree_test(control_characters_are_replaced),
  };
  if (!become_nobody()) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
