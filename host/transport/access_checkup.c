// SPDX-License-Identifier: MIT
#include "host/transport/access_checkup.h"

#include <string.h>

#define RULES_GROUP "plugdev"  // of the rules file

void access_checkup_rules(const struct access_paths *p, struct findings *out) {
  char path[ACCESS_PATH_ROOM];
  if (access_find_rules(p, path)) {
    findings_add(out, FINDING_OK, "rules", "the udev rules are installed (%.300s)",
                 path);
    return;
  }
  findings_add(
      out, FINDING_NOTE, "rules",
      "quadboot's udev rules are not installed; without rules only root may use "
      "boards");
  findings_advise(out, "%s", ACCESS_INSTALL_RULES);
}

// The reason by elimination: the rules, then whether udev has applied them, then the
// user.
static void advise_on_permission(const struct access_paths *p,
                                 const struct access_node *node, struct findings *out) {
  char path[ACCESS_PATH_ROOM];
  if (!access_find_rules(p, path)) {
    findings_advise(out, "%s", ACCESS_INSTALL_RULES);
  } else if (strcmp(node->group, RULES_GROUP) != 0) {
    findings_advise(out,
                    "udev has not applied %.300s to it: sudo udevadm control --reload "
                    "&& sudo udevadm trigger, or unplug it and plug it in again",
                    path);
  } else if (node->in_group) {
    findings_advise(out, "you are in the group " RULES_GROUP
                         " only from your next "
                         "login on: log out and in again");
  } else {
    findings_advise(out, "sudo usermod -aG " RULES_GROUP
                         " $USER, then log out and in "
                         "again (or work at this computer itself, not over ssh)");
  }
}

void access_checkup_node(const struct access_paths *p, const char *location,
                         struct findings *out) {
  struct access_node node;
  if (!access_find_node(p, location, &node)) return;
  if (!node.present) {
    findings_add(out, FINDING_PROBLEM, "permission", "there is no device node %.300s",
                 node.path);
    findings_advise(out, "udev makes it; in a container, share /dev/bus/usb with it");
  } else if (node.allowed) {
    findings_add(out, FINDING_OK, "permission", "you may use its device node %.300s",
                 node.path);
  } else {
    findings_add(out, FINDING_PROBLEM, "permission",
                 "you may not use its device node %.200s (mode %04o, owner %s, group "
                 "%s)",
                 node.path, (unsigned)node.mode, node.owner, node.group);
    advise_on_permission(p, &node, out);
  }
}

static void report_program(const struct access_paths *p, const char *location,
                           struct findings *out) {
  struct access_node node;
  char holder[ACCESS_NAME_ROOM] = "";
  if (access_find_node(p, location, &node)) access_holder(p, node.path, holder);
  findings_add(out, FINDING_PROBLEM, "holder", "%s uses it",
               holder[0] ? holder : "another program");
  findings_advise(out, "end that program and try again");
}

bool access_checkup_holder(const struct access_paths *p, const char *location,
                           uint8_t configuration, uint8_t interface,
                           struct findings *out) {
  char driver[ACCESS_NAME_ROOM];
  access_driver(p, location, configuration, interface, driver);
  if (!driver[0]) return true;
  if (strcmp(driver, "usbfs") == 0) {
    report_program(p, location, out);
    return false;
  }
  findings_add(out, FINDING_PROBLEM, "holder",
               "the kernel's driver %s holds its DFU interface", driver);
  findings_advise(out, "echo %s:%u.%u | sudo tee /sys/bus/usb/drivers/%s/unbind",
                  location + strlen("usb:"), configuration, interface, driver);
  return false;
}
