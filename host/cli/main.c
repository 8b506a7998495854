// SPDX-License-Identifier: MIT
// The host tool's entry: finds the subcommand and hands over. Each subcommand
// lives in a file of its own.
#include <stdio.h>
#include <string.h>

#include "host/cli/cli.h"

static const struct cli_command commands[] = {
    {"list", "show every board, where it is and what it runs", cmd_list},
    {"info", "show all about a board: flash, versions, application", cmd_info},
    {"flash", "write files to boards", cmd_flash},
    {"read", "read flash into a file", cmd_read},
    {"verify", "compare flash with files", cmd_verify},
    {"erase", "erase flash", cmd_erase},
    {"boot", "start the installed application", cmd_boot},
    {"pack", "make a .dfu file from files of any format", cmd_pack},
    {"unpack", "take a .dfu file apart into files", cmd_unpack},
    {"show", "show what is in files, and where it goes", cmd_show},
    {"serial", "send files, or talk to a board, over its serial port", cmd_serial},
    {"doctor", "find out what keeps a board from working", cmd_doctor},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static int print_help(void) {
  puts(
      "Usage: quadboot COMMAND [OPTION]...\n"
      "\n"
      "Updates boards that run the quadboot bootloader: internal flash and external\n"
      "QSPI flash, over USB.\n"
      "\n"
      "Commands:");
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    printf("  %-10s %s\n", commands[i].name, commands[i].summary);
  }
  puts(
      "\n"
      "  quadboot COMMAND --help   all about one command\n"
      "  quadboot --version        the version of this tool\n"
      "\n" CLI_EXIT_CODES);
  return cli_finish_output("quadboot");
}

static int print_version(void) {
  puts("quadboot " QB_VERSION);
  return cli_finish_output("quadboot");
}

int main(int argc, char **argv) {
  struct qb_error error;
  if (argc < 2) {
    qb_error_set(&error, "no command was given");
    return cli_usage("quadboot", &error);
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return print_help();
  if (strcmp(name, "--version") == 0) return print_version();
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (strcmp(name, commands[i].name) == 0) {
      return commands[i].run(argc - 1, argv + 1);
    }
  }
  qb_error_set(&error, "there is no command \"%s\"", name);
  return cli_usage("quadboot", &error);
}
