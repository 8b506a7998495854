// SPDX-License-Identifier: MIT
// access.h put into words: what keeps this user from a board, and the command that
// changes it.
#pragma once

#include "host/lib/findings.h"
#include "host/transport/access.h"

// Installs the rules from the tool itself; for advice and for the manual.
#define ACCESS_INSTALL_RULES                                                     \
  "quadboot doctor --udev-rules | sudo tee /etc/udev/rules.d/" ACCESS_RULES_NAME \
  " && sudo udevadm control --reload && sudo udevadm trigger"

// Whether the udev rules are there.
void access_checkup_rules(const struct access_paths *p, struct findings *out);

// Whether the device's node may be used; says nothing of a device that Linux does not
// know by this name.
void access_checkup_node(const struct access_paths *p, const char *location,
                         struct findings *out);

// Whether a kernel driver or another program holds the interface. False: one does.
bool access_checkup_holder(const struct access_paths *p, const char *location,
                           uint8_t configuration, uint8_t interface,
                           struct findings *out);
