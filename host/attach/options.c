// SPDX-License-Identifier: MIT
#include "host/attach/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

const char options_help[] =
    "Usage: quadboot-attach [OPTIONS] -- COMMAND [ARGUMENTS...]\n"
    "\n"
    "Runs COMMAND with the device of a USB/IP server plugged in, without any help of\n"
    "the kernel: COMMAND and its children see one USB bus with that device on it, and\n"
    "no other device of this machine. COMMAND needs no change; it finds the device\n"
    "through libusb, libudev or sysfs as usual.\n"
    "\n"
    "  --usbip HOST:PORT  the server (default: $QUADBOOT_USBIP, else 127.0.0.1:3240)\n"
    "  --node KIND        how the device node waits: 'fifo' for programs that sleep\n"
    "                     until it is ready (Chromium), 'file' for programs that seek\n"
    "                     in it (fwupd), 'auto' (default) picks by COMMAND's name\n"
    "  --real-sleep       let COMMAND sleep for real; without this its sleeps pass in\n"
    "                     the simulator's virtual time and cost no wall time\n"
    "  --tty PATH         show the device's serial function (CDC-ACM) as a terminal, PATH\n"
    "                     being a symbolic link to it\n"
    "  --verbose          say on standard error what goes on\n"
    "  --help             print this\n"
    "\n"
    "The exit status is COMMAND's, 128 plus the number of the signal that ended it,\n"
    "127 if it cannot be run, 125 if there is no device within 10 seconds, 2 for a\n"
    "wrong option.\n";

enum { OPT_USBIP = 1, OPT_NODE, OPT_REAL_SLEEP, OPT_TTY, OPT_VERBOSE, OPT_HELP };

static const struct option long_options[] = {
    {"usbip", required_argument, NULL, OPT_USBIP},
    {"node", required_argument, NULL, OPT_NODE},
    {"real-sleep", no_argument, NULL, OPT_REAL_SLEEP},
    {"tty", required_argument, NULL, OPT_TTY},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// fwupd seeks in the node; everybody else seen so far is served best by a FIFO.
static enum node_kind node_for(const char *command) {
  static const char seeker[] = "fwupd";
  const bool seeks = strncmp(base_name(command), seeker, sizeof seeker - 1) == 0;
  return seeks ? NODE_FILE : NODE_FIFO;
}

static bool parse_node(const char *text, bool *automatic, enum node_kind *kind) {
  *automatic = strcmp(text, "auto") == 0;
  if (strcmp(text, "file") == 0) {
    *kind = NODE_FILE;
  } else if (strcmp(text, "fifo") == 0) {
    *kind = NODE_FIFO;
  } else {
    return *automatic;
  }
  return true;
}

static enum options_result bad(char problem[OPTIONS_PROBLEM_SIZE], const char *format,
                               const char *what) {
  snprintf(problem, OPTIONS_PROBLEM_SIZE, format, what);
  return OPTIONS_BAD;
}

enum options_result options_parse(int argc, char *const argv[], const char *server,
                                  struct options *out,
                                  char problem[OPTIONS_PROBLEM_SIZE]) {
  struct options o = {0};
  bool automatic = true;
  if (!server) server = ":3240";
  optind = 0;  // glibc: start over, whoever parsed something before
  opterr = 0;
  int option;
  while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
    switch (option) {
      case OPT_USBIP: server = optarg; break;
      case OPT_NODE:
        if (parse_node(optarg, &automatic, &o.node)) break;
        return bad(problem, "--node takes auto, file or fifo, not \"%.100s\"", optarg);
      case OPT_REAL_SLEEP: o.real_sleep = true; break;
      case OPT_TTY: o.tty = optarg; break;
      case OPT_VERBOSE: o.verbose = true; break;
      case OPT_HELP: return OPTIONS_HELP;
      default:
        return bad(problem, "the option \"%.100s\" is unknown or lacks its value",
                   argv[optind - 1]);
    }
  }
  if (!usbip_endpoint_parse(server, &o.server)) {
    return bad(problem, "the server has to be HOST:PORT, not \"%.100s\"", server);
  }
  if (optind >= argc) return bad(problem, "%s", "there is no COMMAND to run");
  o.command = argv + optind;
  if (automatic) o.node = node_for(o.command[0]);
  *out = o;
  return OPTIONS_RUN;
}
