// SPDX-License-Identifier: MIT
// `quadboot pack`: files in, one .dfu file out.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/bytes.h"
#include "common/format/dfuse.h"
#include "host/cli/files.h"
#include "host/cli/options.h"
#include "host/lib/image.h"
#include "host/lib/number.h"
#include "host/lib/pack.h"
#include "host/lib/regions.h"

#define COMMAND "quadboot pack"

static const char help[] =
    "Usage: quadboot pack -o OUT.dfu [OPTION]... FILE[@ADDR]...\n"
    "\n"
    "Makes one DfuSe file (.dfu) for internal flash and external QSPI flash, ready\n"
    "for dfu-util, STM32CubeProgrammer, fwupd and any other DfuSe tool.\n"
    "\n" CLI_FILES_HELP
    "\n"
    "Where bytes may go:\n"
    "  0x08010000..0x081FFFFF  internal flash  target 0 (0x08000000..0x0800FFFF\n"
    "                                          belong to the bootloader)\n"
    "  0x90000000..0x9FFFFFFF  QSPI flash      target 1\n"
    "Files may not overlap. Adjacent pieces become one element, and the same input\n"
    "always gives the same output.\n"
    "\n"
    "Options:\n"
    "  -o, --output OUT.dfu     the file to write; on failure it stays as it was\n"
    "      --vid NNNN           USB vendor id of the device (default: as a .dfu among\n"
    "                           the files says, or else 0483)\n"
    "      --pid NNNN           USB product id of the device (likewise, or else df11)\n"
    "      --bcd-device NNNN    firmware release, as in 0102 for 1.02 (default ffff:\n"
    "                           not stated)\n"
    "  -h, --help               this text\n"
    "All numbers are hexadecimal, with or without 0x; an ADDR begins with 0x.\n"
    "\n"
    "Example:\n"
    "  quadboot pack -o update.dfu app.elf images.bin@0x90000000 fonts.hex\n"
    "  dfu-util -s :leave -D update.dfu\n"
    "\n"
    "Exit codes: 0 done, 1 failed (one line on standard error says why), 2 the\n"
    "command line was wrong.";

struct arguments {
  const char *output;
  struct pack_options options;
  bool has_vendor, has_product;
  struct image_input *inputs;
  size_t input_count;
  bool help;
};

// ---- Command line ----------------------------------------------------------

enum { OPTION_VID = 256, OPTION_PID, OPTION_BCD_DEVICE };

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"vid", required_argument, NULL, OPTION_VID},
    {"pid", required_argument, NULL, OPTION_PID},
    {"bcd-device", required_argument, NULL, OPTION_BCD_DEVICE},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool parse_id(const char *option, const char *text, uint16_t *out,
                     struct qb_error *error) {
  uint32_t value = 0;
  if (number_parse_hex(text, UINT16_MAX, &value) != NUMBER_OK) {
    return qb_error_set(error, "%s needs up to four hexadecimal digits, not \"%s\"",
                        option, text);
  }
  *out = (uint16_t)value;
  return true;
}

static bool take_option(int option, char **argv, struct arguments *out,
                        struct qb_error *error) {
  switch (option) {
    case 'o': out->output = optarg; return true;
    case 'h': out->help = true; return true;
    case OPTION_VID:
      out->has_vendor = true;
      return parse_id("--vid", optarg, &out->options.vendor, error);
    case OPTION_PID:
      out->has_product = true;
      return parse_id("--pid", optarg, &out->options.product, error);
    case OPTION_BCD_DEVICE:
      return parse_id("--bcd-device", optarg, &out->options.bcd_device, error);
    case ':': return qb_error_set(error, "%s needs a value", argv[optind - 1]);
    default: return cli_refuse_option(argv[optind - 1], error);
  }
}

static bool take_inputs(int count, char **names, struct arguments *out,
                        struct qb_error *error) {
  if (count == 0) return qb_error_set(error, "no file to pack was given");
  out->inputs = calloc((size_t)count, sizeof *out->inputs);
  if (!out->inputs) return qb_error_no_memory(error);
  for (; out->input_count < (size_t)count; out->input_count++) {
    struct image_input *input = &out->inputs[out->input_count];
    if (!image_parse_input(names[out->input_count], input, error)) return false;
  }
  return true;
}

static bool check_output(const struct arguments *args, struct qb_error *error) {
  if (!args->output) return qb_error_set(error, "no output file was given: use -o");
  for (size_t i = 0; i < args->input_count; i++) {
    if (file_is_same(args->output, args->inputs[i].path)) {
      return qb_error_set(error, "%s is an input too; name another output file",
                          args->output);
    }
  }
  return true;
}

static bool parse_arguments(int argc, char **argv, struct arguments *out,
                            struct qb_error *error) {
  opterr = 0;  // the words are ours
  int option;
  while ((option = getopt_long(argc, argv, ":o:h", long_options, NULL)) != -1) {
    if (!take_option(option, argv, out, error)) return false;
    if (out->help) return true;
  }
  return take_inputs(argc - optind, argv + optind, out, error) &&
         check_output(out, error);
}

static void free_arguments(struct arguments *args) {
  for (size_t i = 0; i < args->input_count; i++) {
    free(args->inputs[i].path);
  }
  free(args->inputs);
}

// ---- Work ------------------------------------------------------------------

static void print_table(const struct segments *list, const char *output,
                        const struct file_bytes *file) {
  size_t total = 0;
  printf("%-18s %-22s %10s  %s\n", "target", "addresses", "bytes", "source");
  for (size_t i = 0; i < list->count; i++) {
    const struct segment *s = &list->items[i];
    const struct region *region = region_of(s->address);
    const uint32_t last = (uint32_t)(s->address + s->size - 1);
    printf("%d %-16s 0x%08" PRIX32 "..0x%08" PRIX32 " %10zu  %s\n",
           region->alternate_setting, region->name, s->address, last, s->size,
           s->source);
    total += s->size;
  }
  printf("%-41s %10zu\n", "total", total);
  printf("%s: %zu bytes, CRC 0x%08" PRIX32 "\n", output, file->size,
         load_le32(file->data + file->size - sizeof(uint32_t)));
}

// What was not asked for is as the files say.
static struct pack_options options_for(const struct arguments *args,
                                       const struct segments *list) {
  struct pack_options options = args->options;
  if (!list->device.source) return options;
  if (!args->has_vendor) options.vendor = list->device.vendor;
  if (!args->has_product) options.product = list->device.product;
  return options;
}

static bool pack(const struct arguments *args, struct segments *list,
                 struct qb_error *error) {
  for (size_t i = 0; i < args->input_count; i++) {
    if (!image_load(list, &args->inputs[i], error)) return false;
  }
  const struct pack_options options = options_for(args, list);
  struct file_bytes file;
  if (!pack_segments(list, &options, &file, error)) return false;
  const bool ok = file_replace(args->output, file.data, file.size, error);
  if (ok) print_table(list, args->output, &file);
  free(file.data);
  return ok;
}

static int run_pack(const struct arguments *args) {
  struct segments list = {0};
  struct qb_error error;
  const bool ok = pack(args, &list, &error);
  segments_free(&list);
  return ok ? cli_finish_output(COMMAND) : cli_fail(COMMAND, &error);
}

int cmd_pack(int argc, char **argv) {
  // 0483:DF11 is the pair of ST's own DFU devices, which most tools list by itself.
  struct arguments args = {
      .options = {.vendor = 0x0483, .product = 0xDF11, .bcd_device = DFUSE_ANY_ID}};
  struct qb_error error;
  int code = CLI_OK;
  if (!parse_arguments(argc, argv, &args, &error)) {
    code = cli_usage(COMMAND, &error);
  } else if (args.help) {
    code = cli_help(COMMAND, help);
  } else {
    code = run_pack(&args);
  }
  free_arguments(&args);
  return code;
}
