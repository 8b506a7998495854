// SPDX-License-Identifier: MIT
// What Linux says about this user and a USB device: its device node and who may use
// it, who holds its DFU interface, and whether quadboot's udev rules are installed.
// Reads files only.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { ACCESS_NAME_ROOM = 64, ACCESS_PATH_ROOM = 4096 };

// Where the files are; a test has its own.
struct access_paths {
  const char *devices;       // "/sys/bus/usb/devices"
  const char *nodes;         // "/dev/bus/usb"
  const char *processes;     // "/proc"
  const char *const *rules;  // folders of udev's rules, ends with NULL
};
extern const struct access_paths access_linux;

// The file of quadboot's rules in such a folder.
#define ACCESS_RULES_NAME "60-quadboot.rules"

struct access_node {
  char path[ACCESS_PATH_ROOM];  // "/dev/bus/usb/001/005"
  bool present, allowed;        // this user may read and write it
  mode_t mode;                  // permission bits
  char owner[ACCESS_NAME_ROOM], group[ACCESS_NAME_ROOM];  // names, or numbers
  bool in_group;  // the user is a member, as of the login or newly so
};

// `location` is "usb:1-2.3", as libusb_bus names a device. False: Linux does not know
// it by this name.
bool access_find_node(const struct access_paths *p, const char *location,
                      struct access_node *out);

// The driver that is bound to an interface ("usbfs": a program has claimed it); ""
// if none is.
void access_driver(const struct access_paths *p, const char *location,
                   uint8_t configuration, uint8_t interface,
                   char out[ACCESS_NAME_ROOM]);

// A program, other than this one, that has the node open: "dfu-util (1234)"; "" if
// none is seen. Other users' programs are seen by root only.
void access_holder(const struct access_paths *p, const char *node,
                   char out[ACCESS_NAME_ROOM]);

// The rules file that is installed. False: none.
bool access_find_rules(const struct access_paths *p, char out[ACCESS_PATH_ROOM]);
