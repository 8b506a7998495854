// SPDX-License-Identifier: MIT
// `quadboot show`: what is in files, with a drawn memory map.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "host/cli/files.h"
#include "host/cli/json.h"
#include "host/cli/options.h"
#include "host/lib/contents.h"
#include "host/lib/map.h"

#define COMMAND "quadboot show"

static const char help[] =
    "Usage: quadboot show [OPTION]... FILE[@ADDR]...\n"
    "\n"
    "Shows what is in each file: its format, the USB device that it is for, targets\n"
    "and elements, the application, a map of where its bytes go, and what would keep\n"
    "it from a board. Needs no board and changes nothing.\n"
    "\n" CLI_FILES_HELP
    "Without an address, raw bytes are shown without a map.\n"
    "\n"
    "Options:\n"
    "      --json               one JSON object a line for each file, for programs\n"
    "  -h, --help               this text\n"
    "\n" CLI_EXIT_CODES;

enum { PROBLEMS = 8 };  // sentences that are shown for one file

// ---- Text ------------------------------------------------------------------

static void print_size(uint64_t bytes) {
  if (bytes >= 1 << 20) {
    printf("%.1f MB", (double)bytes / (1 << 20));
  } else if (bytes >= 10 << 10) {
    printf("%.1f KB", (double)bytes / (1 << 10));
  } else {
    printf("%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
  }
}

static void print_id(const char *what, uint16_t id) {
  if (id == DFUSE_ANY_ID) {
    printf("any %s", what);
  } else {
    printf("%s %04x", what, id);
  }
}

static void print_targets(const struct contents *c) {
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  struct dfuse_target target;
  struct dfuse_element element;
  const uint8_t *bytes;
  if (dfuse_open(&reader, c->file.data, c->file.size, &summary) != DFUSE_OK) return;
  while (dfuse_next_target(&reader, &target)) {
    char name[DFUSE_NAME_SIZE + 1];
    contents_text(target.name, name);
    printf("  target %u \"%s\", %" PRIu32 " element%s\n", target.alternate_setting,
           name, target.elements, target.elements == 1 ? "" : "s");
    while (dfuse_next_element(&reader, &element, &bytes)) {
      printf("    0x%08" PRIX32 " %10" PRIu32 " bytes\n", element.address,
             element.size);
    }
  }
}

static void print_device(const struct contents *c) {
  const struct dfuse_suffix *s = &c->summary.suffix;
  if (c->format != IMAGE_DFUSE) return;
  fputs("  for ", stdout);
  print_id("vendor", s->vendor);
  fputs(", ", stdout);
  print_id("product", s->product);
  fputs(", ", stdout);
  print_id("release", s->bcd_device);
  printf("; DfuSe version 1, CRC 0x%08" PRIX32 "\n", s->crc);
}

static void print_vectors(const struct contents *c) {
  if (!c->has_vectors) return;
  if (c->placed && vectors_fit(&c->vectors, c->vectors_address)) {
    printf("  application at 0x%08" PRIX32, c->vectors_address);
  } else if (!c->placed && vectors_plausible(&c->vectors)) {
    fputs("  begins like an application", stdout);
  } else {
    return;
  }
  printf(": initial SP 0x%08" PRIX32 ", reset handler 0x%08" PRIX32 "\n", c->vectors.sp,
         c->vectors.reset);
}

// ---- Map -------------------------------------------------------------------

enum { MAP_WIDTH = 24 };

static void print_border(uint64_t address) {
  printf("  0x%08" PRIX64 " +------------------------+\n", address);
}

// Bigger rows are taller, but not by as much.
static unsigned height_of(const struct map_row *row) {
  const uint64_t size = row->end - row->address;
  return size > 1 << 20 ? 3 : size > 64 << 10 ? 2 : 1;
}

static void print_row_text(const struct map_row *row, uint32_t application) {
  fputs("  ", stdout);
  if (row->kind == MAP_MORE) printf("%zu more pieces in ", row->pieces);
  print_size(row->end - row->address);
  if (row->kind == MAP_GAP) fputs(" not in the file", stdout);
  if (application && row->kind == MAP_PIECE &&
      application - row->address < row->piece->size) {
    fputs(", application", stdout);
  }
}

static void print_row(const struct map_row *row, uint32_t application) {
  static const char marks[] = {[MAP_PIECE] = '#', [MAP_GAP] = ' ', [MAP_MORE] = '%'};
  char bar[MAP_WIDTH + 1];
  memset(bar, marks[row->kind], MAP_WIDTH);
  bar[MAP_WIDTH] = '\0';
  for (unsigned line = 0; line < height_of(row); line++) {
    printf("             |%s|", bar);
    if (line == 0) print_row_text(row, application);
    putchar('\n');
  }
}

// `application`: where one begins; 0 if there is none.
static bool print_map(const struct segments *list, uint32_t application) {
  struct map_row *rows = calloc(MAP_ROWS, sizeof *rows);
  if (!rows) return false;
  const size_t count = map_make(list, rows);
  for (size_t i = 0; i < count; i++) {
    if (i == 0 || rows[i].region != rows[i - 1].region) {
      const struct region *region = rows[i].region;
      if (i > 0) print_border(rows[i - 1].end);
      printf("\n  %s%s\n", region->name,
             region->alternate_setting == REGION_REFUSED ? " (not written)" : "");
    }
    print_border(rows[i].address);
    print_row(&rows[i], application);
  }
  if (count > 0) print_border(rows[count - 1].end);
  free(rows);
  return true;
}

// ---- Text of a file --------------------------------------------------------

static bool print_text(const char *path, const struct contents *c,
                       struct qb_error *error) {
  struct qb_error problems[PROBLEMS];
  printf("%s: %s, %zu byte%s\n", path, image_format_name(c->format), c->file.size,
         c->file.size == 1 ? "" : "s");
  print_device(c);
  if (c->format == IMAGE_DFUSE) print_targets(c);
  print_vectors(c);
  if (!c->placed) {
    puts("  It does not say where its bytes belong; give it as FILE@ADDR.");
  }
  const bool starts = c->has_vectors && vectors_fit(&c->vectors, c->vectors_address);
  if (!print_map(&c->pieces, starts ? c->vectors_address : 0))
    return qb_error_no_memory(error);
  const size_t count = contents_problems(c, problems, PROBLEMS);
  if (count > 0) puts("\n  Problems:");
  for (size_t i = 0; i < count; i++) {
    printf("  - %s.\n", problems[i].text);
  }
  return true;
}

// ---- JSON ------------------------------------------------------------------

// A file's name need not be UTF-8.
static json_t *name_json(const char *name) {
  json_t *text = json_string(name);
  if (text) return text;
  char safe[DFUSE_NAME_SIZE + 1];
  contents_text(name, safe);
  return json_string(safe);
}

static json_t *elements_json(struct dfuse_reader *reader) {
  struct dfuse_element element;
  const uint8_t *bytes;
  json_t *list = json_array();
  while (dfuse_next_element(reader, &element, &bytes)) {
    json_array_append_new(
        list, json_pack("{s:I, s:I}", "address", (json_int_t)element.address, "bytes",
                        (json_int_t)element.size));
  }
  return list;
}

static void put_dfuse(json_t *object, const struct contents *c) {
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  struct dfuse_target target;
  if (dfuse_open(&reader, c->file.data, c->file.size, &summary) != DFUSE_OK) return;
  json_t *targets = json_array();
  while (dfuse_next_target(&reader, &target)) {
    char name[DFUSE_NAME_SIZE + 1];
    contents_text(target.name, name);
    json_array_append_new(
        targets, json_pack("{s:i, s:s, s:o}", "target", (int)target.alternate_setting,
                           "name", name, "elements", elements_json(&reader)));
  }
  json_object_set_new(object, "targets", targets);
  json_object_set_new(object, "vendor", json_integer(summary.suffix.vendor));
  json_object_set_new(object, "product", json_integer(summary.suffix.product));
  json_object_set_new(object, "release", json_integer(summary.suffix.bcd_device));
  json_object_set_new(object, "crc", json_integer(summary.suffix.crc));
}

static json_t *pieces_json(const struct segments *list) {
  json_t *pieces = json_array();
  for (size_t i = 0; i < list->count; i++) {
    const struct segment *s = &list->items[i];
    const struct region *region = region_of(s->address);
    json_array_append_new(
        pieces, json_pack("{s:I, s:I, s:s, s:b}", "address", (json_int_t)s->address,
                          "bytes", (json_int_t)s->size, "place", region->name,
                          "writable", region->alternate_setting != REGION_REFUSED));
  }
  return pieces;
}

static const char *const formats[] = {
    [IMAGE_ELF] = "elf", [IMAGE_IHEX] = "ihex",           [IMAGE_DFUSE] = "dfuse",
    [IMAGE_UF2] = "uf2", [IMAGE_PLAIN_DFU] = "plain-dfu", [IMAGE_RAW] = "raw",
};

static void print_json(const char *path, const struct contents *c) {
  struct qb_error problems[PROBLEMS];
  json_t *object = json_object();
  json_object_set_new(object, "file", name_json(path));
  json_object_set_new(object, "format", json_string(formats[c->format]));
  json_object_set_new(object, "bytes", json_integer((json_int_t)c->file.size));
  if (c->format == IMAGE_DFUSE) put_dfuse(object, c);
  json_object_set_new(object, "pieces", pieces_json(&c->pieces));
  if (c->has_vectors && vectors_plausible(&c->vectors)) {
    json_object_set_new(
        object, "application",
        json_pack("{s:I, s:I, s:I}", "address", (json_int_t)c->vectors_address, "sp",
                  (json_int_t)c->vectors.sp, "reset", (json_int_t)c->vectors.reset));
  }
  json_t *sentences = json_array();
  const size_t count = contents_problems(c, problems, PROBLEMS);
  for (size_t i = 0; i < count; i++) {
    json_array_append_new(sentences, name_json(problems[i].text));
  }
  json_object_set_new(object, "problems", sentences);
  json_dumpf(object, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(object);
}

// ---- Files -----------------------------------------------------------------

static bool show(const struct image_input *input, bool json, struct qb_error *error) {
  struct contents c = {0};
  bool ok = contents_read(&c, input, error);
  if (ok && json) {
    print_json(input->path, &c);
  } else if (ok) {
    ok = print_text(input->path, &c, error);
  }
  contents_free(&c);
  return ok;
}

static const struct option long_options[] = {
    {"json", no_argument, NULL, CLI_OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool parse_arguments(int argc, char **argv, struct cli_options *o,
                            struct qb_error *error) {
  opterr = 0;  // the words are ours
  int option;
  while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
    if (!cli_take_option(o, option, argv, error)) return false;
    if (o->help) return true;
  }
  return optind < argc || qb_error_set(error, "no file to show was given");
}

// A file of which nothing can be shown.
static int fail(const char *path, bool json, const struct qb_error *error) {
  if (json) {
    json_t *object = json_object();
    json_t *problems = json_array();
    json_object_set_new(object, "file", name_json(path));
    json_array_append_new(problems, name_json(error->text));
    json_object_set_new(object, "problems", problems);
    cli_put_json(object);
  }
  return cli_fail(COMMAND, error);
}

// Every file, also after one that is bad.
static int show_all(int count, char **names, bool json) {
  struct qb_error error;
  int code = CLI_OK;
  for (int i = 0; i < count; i++) {
    struct image_input input;
    if (!image_parse_input(names[i], &input, &error)) return cli_usage(COMMAND, &error);
    if (i > 0 && !json) putchar('\n');
    if (!show(&input, json, &error)) code = fail(input.path, json, &error);
    free(input.path);
  }
  const int finished = cli_finish_output(COMMAND);
  return code == CLI_OK ? finished : code;
}

int cmd_show(int argc, char **argv) {
  struct cli_options o = {0};
  struct qb_error error;
  if (!parse_arguments(argc, argv, &o, &error)) return cli_usage(COMMAND, &error);
  if (o.help) return cli_help(COMMAND, help);
  return show_all(argc - optind, argv + optind, o.json);
}
