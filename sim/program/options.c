// SPDX-License-Identifier: MIT
#include "sim/program/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/program/incident_text.h"

const char options_help[] =
    "usage: quadboot-sim --board NAME [options]\n"
    "\n"
    "Runs firmware on a simulated STM32F769 board and says what it does wrong.\n"
    "\n"
    "  --board NAME          stm32f769i-disco, f769-custom-fs, nucleo-f767zi\n"
    "  --load FILE[@ADDR]    an ELF or Intel HEX file, or a raw file at ADDR\n"
    "                        (repeatable); loaded over what the image files hold;\n"
    "                        ADDR is hexadecimal and begins with 0x. What goes to\n"
    "                        RAM is there at the first power-on, and runs from there\n"
    "                        with --option BOOT_ADD0=0x8000 (0x20000000 / 0x4000)\n"
    "  --flash FILE          internal flash; created if missing, written at the end\n"
    "                        and whenever a USB/IP client goes away\n"
    "  --options FILE        the option bytes, likewise: the 32 bytes that 0x1FFF0000\n"
    "                        shows, with their complements\n"
    "  --option NAME=VALUE[,NAME=VALUE...]\n"
    "                        option bytes other than those of --options, or than as\n"
    "                        delivered: RDP (level 0, 1 or 2), BOR_LEV, WWDG_SW,\n"
    "                        IWDG_SW, nRST_STOP, nRST_STDBY, nWRP, nDBOOT, nDBANK,\n"
    "                        IWDG_STDBY, IWDG_STOP, BOOT_ADD0, BOOT_ADD1; the flash\n"
    "                        is taken to have been written with them\n"
    "  --otp FILE            one-time programmable bytes, likewise: 1024 and their 32 of\n"
    "                        locks\n"
    "  --qspi FILE           external QSPI flash, likewise\n"
    "  --qspi-chip NAME      another QSPI flash chip than the board's (w25q512jv, ...)\n"
    "  --qspi-state STATE    what a reset may find it in: qpi, xip, 4byte, suspended,\n"
    "                        dpd, protected or noqe\n"
    "  --usbip HOST:PORT     offer the board's USB device there (USB/IP); port 0 takes\n"
    "                        a free one and prints it\n"
    "  --uart [N=]FILE|-     what the board prints on its console, or on USART N\n"
    "                        (repeatable). - is standard output, with nothing else on\n"
    "                        it, and standard input goes to the same port\n"
    "  --unique-id HEX       the chip's 96-bit unique device ID, 24 digits, from the\n"
    "                        byte at 0x1FF0F420 on: each board of many has its own\n"
    "  --button              the board's button is held from reset on\n"
    "  --press START:END     the button is pressed from START to END, milliseconds of\n"
    "                        virtual time (repeatable)\n"
    "  --fault WHAT          something goes wrong (repeatable):\n"
    "      power-cut@WHEN[,for=MS]      power is away for MS (500), or for=ever\n"
    "      supply=MV@WHEN               the supply is MV millivolts from then on\n"
    "      usb-unplug@WHEN[,for=MS]     the cable is out for MS (500), or for=ever\n"
    "      usb-reset@WHEN               the host resets the bus\n"
    "      usb-drop-token@usb:N, usb-lose-handshake@usb:N, usb-corrupt-data@usb:N\n"
    "                                   a packet of USB transaction N is lost or bad\n"
    "      stays-busy@op:N              flash operation N never ends\n"
    "      stuck=ADDR:BIT:VALUE         a bit of either flash that cannot change\n"
    "      program-fails=ADDR, erase-fails=ADDR\n"
    "                                   programs or erases that cover ADDR do not work\n"
    "      no-crystal                   the crystal (HSE) never starts\n"
    "    WHEN: MS virtual milliseconds (decimals allowed); op:N as flash operation N\n"
    "    begins, in:N[:PERCENT] inside it (50), after:N once it has ended, counted\n"
    "    over both flashes from 1; usb:N at USB transaction N, from 1. ADDR: from\n"
    "    0x08000000 or 0x90000000 on\n"
    "  --run-ms N            stop N milliseconds of virtual time after power comes.\n"
    "                        Power-on reset takes the first 1.5 and is never cut\n"
    "                        short; the instruction (--mode block: the run of\n"
    "                        instructions up to a jump) under way at the end is\n"
    "                        finished, which may take some microseconds more.\n"
    "                        In lockstep no time passes while a client holds the\n"
    "                        device and asks for nothing\n"
    "                        (default: run until SIGTERM, SIGINT or SIGHUP)\n"
    "  --until-client-exit   stop at the instant the first USB/IP client goes away\n"
    "  --mode block|precise  speed or exactness of the CPU (default: block)\n"
    "  --pace lockstep|wall|free\n"
    "                        how virtual time goes with clients' time (default:\n"
    "                        lockstep: it stands still while the board waits)\n"
    "  --host-turnaround US  lockstep: a request's delay after the last reply (125)\n"
    "  --gdb PORT            a debugger may connect there (GDB: target remote :PORT);\n"
    "                        the board stands at its first instruction until it says\n"
    "                        continue. Port 0 takes a free one and prints it. Means\n"
    "                        --mode precise and, unless given, --pace wall\n"
    "  --report FILE.json    guest errors, unimplemented accesses, times and counts\n"
    "  --trace FILE          every register access: time, PC, name, old and new value\n"
    "  --vcd FILE            pins, QSPI select and busy, USB bus, for GTKWave\n"
    "  --qspi-log FILE       every command on the QSPI flash's wires\n"
    "  --strict, --lenient   whether what the firmware did wrong makes the exit\n"
    "                        status 1 (default: strict)\n"
    "  --help                this text\n"
    "\n"
    "Exit status: 0 nothing wrong was seen (or --lenient), 1 something was,\n"
    "2 a bad option, or a file that cannot be read or written.\n"
    "\n"
    "The program links the Unicorn CPU emulator and is as a whole under the\n"
    "GNU GPL version 2; quadboot's own source is under the MIT licence.\n";

enum {
  OPT_BOARD = 256,
  OPT_LOAD,
  OPT_FLASH,
  OPT_OPTIONS,
  OPT_OPTION,
  OPT_OTP,
  OPT_QSPI,
  OPT_QSPI_CHIP,
  OPT_QSPI_STATE,
  OPT_USBIP,
  OPT_UART,
  OPT_BUTTON,
  OPT_PRESS,
  OPT_UNIQUE_ID,
  OPT_FAULT,
  OPT_RUN_MS,
  OPT_UNTIL_CLIENT_EXIT,
  OPT_MODE,
  OPT_GDB,
  OPT_PACE,
  OPT_TURNAROUND,
  OPT_REPORT,
  OPT_TRACE,
  OPT_VCD,
  OPT_QSPI_LOG,
  OPT_STRICT,
  OPT_LENIENT,
  OPT_HELP,
};

static const struct option long_options[] = {
    {"board", required_argument, NULL, OPT_BOARD},
    {"load", required_argument, NULL, OPT_LOAD},
    {"flash", required_argument, NULL, OPT_FLASH},
    {"options", required_argument, NULL, OPT_OPTIONS},
    {"option", required_argument, NULL, OPT_OPTION},
    {"otp", required_argument, NULL, OPT_OTP},
    {"qspi", required_argument, NULL, OPT_QSPI},
    {"qspi-chip", required_argument, NULL, OPT_QSPI_CHIP},
    {"qspi-state", required_argument, NULL, OPT_QSPI_STATE},
    {"usbip", required_argument, NULL, OPT_USBIP},
    {"uart", required_argument, NULL, OPT_UART},
    {"button", no_argument, NULL, OPT_BUTTON},
    {"press", required_argument, NULL, OPT_PRESS},
    {"unique-id", required_argument, NULL, OPT_UNIQUE_ID},
    {"fault", required_argument, NULL, OPT_FAULT},
    {"run-ms", required_argument, NULL, OPT_RUN_MS},
    {"until-client-exit", no_argument, NULL, OPT_UNTIL_CLIENT_EXIT},
    {"mode", required_argument, NULL, OPT_MODE},
    {"gdb", required_argument, NULL, OPT_GDB},
    {"pace", required_argument, NULL, OPT_PACE},
    {"host-turnaround", required_argument, NULL, OPT_TURNAROUND},
    {"report", required_argument, NULL, OPT_REPORT},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"vcd", required_argument, NULL, OPT_VCD},
    {"qspi-log", required_argument, NULL, OPT_QSPI_LOG},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"lenient", no_argument, NULL, OPT_LENIENT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

// What the parser carries along besides the options.
struct parsing {
  struct options *o;
  char *error;
  size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool bad(struct parsing *p,
                                                      const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(p->error, p->error_size, format, args);
  va_end(args);
  return false;
}

static bool number(const char *text, uint64_t most, uint64_t *out) {
  if (*text < '0' || *text > '9') return false;
  char *end;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 0);
  if (errno || *end || value > most) return false;
  *out = value;
  return true;
}

static bool parse_board(struct parsing *p, const char *name) {
  p->o->board = board_find(name);
  if (p->o->board) return true;
  char known[256] = "";
  for (size_t i = 0; boards[i]; i++) {
    strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
    strncat(known, boards[i]->name, sizeof known - strlen(known) - 1);
  }
  return bad(p, "there is no board '%s'; there are: %s", name, known);
}

static void append_name(char *list, size_t size, const char *name) {
  strncat(list, *list ? ", " : "", size - strlen(list) - 1);
  strncat(list, name, size - strlen(list) - 1);
}

static bool parse_chip(struct parsing *p, const char *name) {
  p->o->qspi_chip = nor_chip_find(name);
  if (p->o->qspi_chip) return true;
  char known[384] = "";
  for (size_t i = 0; nor_chip_at(i); i++)
    append_name(known, sizeof known, nor_chip_at(i)->name);
  return bad(p, "there is no QSPI chip '%s'; there are: %s", name, known);
}

static bool parse_state(struct parsing *p, const char *name) {
  char known[128] = "";
  for (size_t i = 0; nor_state_at(i); i++) {
    p->o->qspi_state = nor_state_at(i);
    if (!strcmp(nor_state_at(i), name)) return true;
    append_name(known, sizeof known, nor_state_at(i));
  }
  return bad(p, "there is no QSPI chip state '%s'; there are: %s", name, known);
}

// The board with another chip in its place.
static void fit_chip(struct options *o) {
  if (!o->qspi_chip) return;
  o->own_board = *o->board;
  o->own_board.qspi_chip = o->qspi_chip->name;
  o->board = &o->own_board;
}

static bool parse_load(struct parsing *p, const char *text) {
  if (p->o->load_count == OPTIONS_MAX_LOADS) {
    return bad(p, "at most %d files can be loaded", OPTIONS_MAX_LOADS);
  }
  struct load_option *l = &p->o->loads[p->o->load_count++];
  const char *at = strrchr(text, '@');
  // An address begins with 0x: any other '@' is a part of the name.
  l->has_addr = at && at[1] == '0' && (at[2] == 'x' || at[2] == 'X');
  uint64_t addr = 0;
  if (l->has_addr && !number(at + 1, UINT32_MAX, &addr)) {
    return bad(p, "'%s' is not an address; write it like 0x08010000", at + 1);
  }
  if (at && !l->has_addr && access(text, F_OK)) {
    return bad(p,
               "there is no file '%s', and '%s' is not an address: that begins "
               "with 0x, like 0x08010000",
               text, at + 1);
  }
  l->addr = (uint32_t)addr;
  const size_t length = l->has_addr ? (size_t)(at - text) : strlen(text);
  if (!length || length >= sizeof l->path) return bad(p, "--load needs a file name");
  memcpy(l->path, text, length);
  l->path[length] = 0;
  return true;
}

// "N=FILE" or "FILE"; number 0 is the console, which only the board knows.
static bool parse_uart(struct parsing *p, const char *text) {
  struct options *o = p->o;
  if (o->uart_count == OPTIONS_MAX_UARTS) {
    return bad(p, "at most %d serial ports can go somewhere", OPTIONS_MAX_UARTS);
  }
  struct uart_option *u = &o->uarts[o->uart_count++];
  const bool numbered = text[0] >= '0' && text[0] <= '9' && text[1] == '=';
  *u = (struct uart_option){.path = numbered ? text + 2 : text};
  if (numbered) u->number = (unsigned)(text[0] - '0');
  if (numbered && (u->number < 1 || u->number > 8)) {
    return bad(p, "--uart has a number from 1 to 8, not %u", u->number);
  }
  return *u->path || bad(p, "--uart needs a file name, or - for standard output");
}

static bool parse_milliseconds(struct parsing *p, const char *text) {
  uint64_t ms;
  // A day of virtual time is more than anybody waits for.
  if (!number(text, 86400000, &ms) || !ms) {
    return bad(p,
               "--run-ms takes a number of milliseconds from 1 to 86400000, not '%s'",
               text);
  }
  p->o->run_for = VT_MS(ms);
  return true;
}

static bool parse_turnaround(struct parsing *p, const char *text) {
  uint64_t us;
  if (!number(text, 1000000, &us)) {
    return bad(p, "--host-turnaround takes 0 to 1000000 microseconds, not '%s'", text);
  }
  p->o->turnaround = VT_US(us);
  return true;
}

static bool parse_mode(struct parsing *p, const char *text) {
  if (strcmp(text, "block") && strcmp(text, "precise")) {
    return bad(p, "--mode is block or precise, not '%s'", text);
  }
  p->o->mode_given = true;
  p->o->mode = strcmp(text, "block") ? CPU_PRECISE : CPU_BLOCK;
  return true;
}

static bool parse_gdb(struct parsing *p, const char *text) {
  uint64_t port;
  if (!number(text, UINT16_MAX, &port)) {
    return bad(p, "--gdb takes a port from 0 to 65535, not '%s'", text);
  }
  p->o->has_gdb = true;
  p->o->gdb_port = (uint16_t)port;
  return true;
}

static bool parse_pace(struct parsing *p, const char *text) {
  static const char *const names[] = {"lockstep", "wall", "free"};
  for (int i = 0; i < 3; i++) {
    if (!strcmp(text, names[i])) {
      p->o->pace = (enum pace_mode)i;
      p->o->pace_given = true;
      return true;
    }
  }
  return bad(p, "--pace is lockstep, wall or free, not '%s'", text);
}

static bool parse_usbip(struct parsing *p, const char *text) {
  p->o->has_usbip = true;
  if (usbip_endpoint_parse(text, &p->o->usbip)) return true;
  return bad(p, "'%s' is not HOST:PORT; write it like 127.0.0.1:3240", text);
}

static bool add_incident(struct parsing *p, const struct incident *incident) {
  const char *why = incidents_add(&p->o->incidents, incident);
  return !why || bad(p, "%s", why);
}

static bool parse_fault(struct parsing *p, const char *text) {
  struct incident incident;
  const char *why;
  if (incident_parse_fault(text, &incident, &why)) return add_incident(p, &incident);
  return bad(p, "--fault '%s' %s", text, why);
}

static bool parse_press(struct parsing *p, const char *text) {
  struct incident incident;
  const char *why;
  if (incident_parse_press(text, &incident, &why)) return add_incident(p, &incident);
  return bad(p, "--press '%s' %s", text, why);
}

static bool parse_unique_id(struct parsing *p, const char *text) {
  for (size_t i = 0; i < MACHINE_UNIQUE_ID; i++) {
    char digits[3] = {0};
    strncpy(digits, text, 2);
    if (strspn(digits, "0123456789abcdefABCDEF") != 2) {
      return bad(p, "--unique-id takes 24 hexadecimal digits");
    }
    p->o->unique_id[i] = (uint8_t)strtoul(digits, NULL, 16);
    text += 2;
  }
  p->o->has_unique_id = true;
  return !*text || bad(p, "--unique-id takes 24 hexadecimal digits");
}

static bool parse_one(struct parsing *p, int option, const char *text) {
  struct options *o = p->o;
  switch (option) {
    case OPT_BOARD: return parse_board(p, text);
    case OPT_LOAD: return parse_load(p, text);
    case OPT_FLASH: o->flash_file = text; return true;
    case OPT_OPTIONS: o->options_file = text; return true;
    case OPT_OPTION:
      return option_bytes_parse(&o->option_bytes, text, p->error, p->error_size);
    case OPT_OTP: o->otp_file = text; return true;
    case OPT_QSPI: o->qspi_file = text; return true;
    case OPT_QSPI_CHIP: return parse_chip(p, text);
    case OPT_QSPI_STATE: return parse_state(p, text);
    case OPT_USBIP: return parse_usbip(p, text);
    case OPT_UART: return parse_uart(p, text);
    case OPT_BUTTON: o->button = true; return true;
    case OPT_PRESS: return parse_press(p, text);
    case OPT_UNIQUE_ID: return parse_unique_id(p, text);
    case OPT_FAULT: return parse_fault(p, text);
    case OPT_RUN_MS: return parse_milliseconds(p, text);
    case OPT_UNTIL_CLIENT_EXIT: o->end_with_client = true; return true;
    case OPT_MODE: return parse_mode(p, text);
    case OPT_GDB: return parse_gdb(p, text);
    case OPT_PACE: return parse_pace(p, text);
    case OPT_TURNAROUND: return parse_turnaround(p, text);
    case OPT_REPORT: o->report_file = text; return true;
    case OPT_TRACE: o->trace_file = text; return true;
    case OPT_VCD: o->vcd_file = text; return true;
    case OPT_QSPI_LOG: o->qspi_log_file = text; return true;
    case OPT_STRICT: o->strict = true; return true;
    case OPT_LENIENT: o->strict = false; return true;
    default: return false;
  }
}

static bool check_uarts(struct parsing *p) {
  struct options *o = p->o;
  for (unsigned i = 0; i < o->uart_count; i++) {
    struct uart_option *u = &o->uarts[i];
    if (!u->number) u->number = o->board->console.number;
    for (unsigned k = 0; k < i; k++) {
      if (o->uarts[k].number == u->number) {
        return bad(p, "--uart is given twice for USART%u", u->number);
      }
      if (!strcmp(o->uarts[k].path, "-") && !strcmp(u->path, "-")) {
        return bad(p, "only one --uart can have standard input and output");
      }
    }
  }
  return true;
}

// What only the whole command line shows.
static bool check_together(struct parsing *p) {
  struct options *o = p->o;
  if (!o->board) return bad(p, "--board is missing; try --help");
  if (o->end_with_client && !o->has_usbip) {
    return bad(p, "--until-client-exit needs --usbip: no client can come without it");
  }
  if (!check_uarts(p)) return false;
  if (!o->has_gdb) return true;
  if (o->mode_given && o->mode != CPU_PRECISE) {
    return bad(p, "--gdb needs --mode precise, which it takes by itself");
  }
  o->mode = CPU_PRECISE;
  // Nobody at a debugger wants time to stand while a program runs.
  if (!o->pace_given) o->pace = PACE_WALL;
  return true;
}

static bool parse_all(struct parsing *p, int argc, char **argv, bool *help) {
  opterr = 0;
  optind = 1;
  for (;;) {
    const int at = optind;
    const int option = getopt_long(argc, argv, ":", long_options, NULL);
    if (option == -1) break;
    if (option == OPT_HELP) return *help = true;
    if (option == '?') return bad(p, "'%s' is not an option; try --help", argv[at]);
    if (option == ':') return bad(p, "%s needs a value; try --help", argv[at]);
    if (!parse_one(p, option, optarg)) return false;
  }
  if (optind < argc) {
    return bad(p, "'%s' is not an option; files are given with --load", argv[optind]);
  }
  if (!check_together(p)) return false;
  fit_chip(p->o);
  return true;
}

enum options_result options_parse(struct options *o, int argc, char **argv, char *error,
                                  size_t error_size) {
  *o = (struct options){
      .strict = true, .run_for = VT_NEVER, .turnaround = PACE_TURNAROUND};
  struct parsing p = {.o = o, .error = error, .error_size = error_size};
  bool help = false;
  if (!parse_all(&p, argc, argv, &help)) return OPTIONS_BAD;
  return help ? OPTIONS_HELP : OPTIONS_GOOD;
}
