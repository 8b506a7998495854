// SPDX-License-Identifier: MIT
// `quadboot unpack`: one .dfu file in, a file for each of its elements out.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/cli/options.h"
#include "host/lib/file.h"
#include "host/lib/unpack.h"

#define COMMAND "quadboot unpack"

static const char help[] =
    "Usage: quadboot unpack [OPTION]... FILE.dfu\n"
    "\n"
    "Writes each element of a DfuSe file into a file of its own, whose name says\n"
    "target and address, such as 0-internal-flash-0x08010000.bin. Then shows the\n"
    "'quadboot pack' command that makes the file again, and whether that would be\n"
    "the same byte by byte.\n"
    "\n"
    "Options:\n"
    "  -d, --directory DIR      where to (default: here); made if it is missing\n"
    "      --force              replace files that are there\n"
    "  -h, --help               this text\n"
    "\n" CLI_EXIT_CODES;

struct arguments {
  const char *file, *folder;
  bool force, help;
};

// ---- Command line ----------------------------------------------------------

enum { OPTION_FORCE = 256 };

static const struct option long_options[] = {
    {"directory", required_argument, NULL, 'd'},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool parse_arguments(int argc, char **argv, struct arguments *out,
                            struct qb_error *error) {
  opterr = 0;  // the words are ours
  int option;
  while ((option = getopt_long(argc, argv, ":d:h", long_options, NULL)) != -1) {
    switch (option) {
      case 'd': out->folder = optarg; break;
      case OPTION_FORCE: out->force = true; break;
      case 'h': out->help = true; return true;
      case ':': return qb_error_set(error, "%s needs a value", argv[optind - 1]);
      default: return cli_refuse_option(argv[optind - 1], error);
    }
  }
  if (!cli_check_count(argc, argv, 1, 1, "no file to unpack was given", error)) {
    return false;
  }
  out->file = argv[optind];
  return true;
}

// ---- Places ----------------------------------------------------------------

// The part's name in the folder; free() it. No option begins like it.
static char *path_of(const struct arguments *args, const struct unpack_part *part) {
  if (!args->folder) return strdup(part->name);
  const char *here = args->folder[0] == '-' ? "./" : "";
  const size_t room = strlen(here) + strlen(args->folder) + 1 + sizeof part->name;
  char *path = malloc(room);
  if (path) snprintf(path, room, "%s%s/%s", here, args->folder, part->name);
  return path;
}

// A symbolic link is never followed: it might lead out of the folder.
static bool check_place(const struct arguments *args, const char *path,
                        struct qb_error *error) {
  struct stat st;
  if (lstat(path, &st) != 0) {
    if (errno == ENOENT) return true;
    return qb_error_set(error, "cannot create %s: %s", path, strerror(errno));
  }
  if (!S_ISREG(st.st_mode)) {
    return qb_error_set(error, "%s is in the way and is not a regular file; remove it",
                        path);
  }
  if (file_is_same(path, args->file)) {
    return qb_error_set(error, "%s is the file to unpack; name another folder with -d",
                        path);
  }
  return args->force ||
         qb_error_set(error,
                      "%s is there already; use --force to replace it, or name another "
                      "folder with -d",
                      path);
}

typedef bool part_action(const struct arguments *args, const char *path,
                         const struct unpack_part *part, struct qb_error *error);

static bool check_part(const struct arguments *args, const char *path,
                       const struct unpack_part *part, struct qb_error *error) {
  (void)part;
  return check_place(args, path, error);
}

static bool write_part(const struct arguments *args, const char *path,
                       const struct unpack_part *part, struct qb_error *error) {
  return check_place(args, path, error) &&
         file_replace(path, part->bytes, part->size, error);
}

static bool for_each_part(const struct arguments *args, const struct unpack *u,
                          part_action *action, struct qb_error *error) {
  for (size_t i = 0; i < u->count; i++) {
    char *path = path_of(args, &u->parts[i]);
    if (!path) return qb_error_no_memory(error);
    const bool ok = action(args, path, &u->parts[i], error);
    free(path);
    if (!ok) return false;
  }
  return true;
}

// ---- Telling ---------------------------------------------------------------

// For a shell: as it is, or in single quotes.
static void print_quoted(const char *text) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@:+,=";
  if (*text && strspn(text, plain) == strlen(text)) {
    fputs(text, stdout);
    return;
  }
  putchar('\'');
  for (; *text; text++) {
    if (*text == '\'') {
      fputs("'\\''", stdout);
    } else {
      putchar(*text);
    }
  }
  putchar('\'');
}

static bool print_part(const struct arguments *args, const char *path,
                       const struct unpack_part *part, struct qb_error *error) {
  (void)args;
  (void)error;
  printf("%10" PRIu32 " bytes  %s\n", part->size, path);
  return true;
}

static bool print_input(const struct arguments *args, const char *path,
                        const struct unpack_part *part, struct qb_error *error) {
  (void)args;
  (void)error;
  fputs(" \\\n    ", stdout);
  print_quoted(path);
  printf("@0x%08" PRIX32, part->address);
  return true;
}

static bool print_command(const struct arguments *args, const struct unpack *u,
                          struct qb_error *error) {
  const struct dfuse_suffix *s = &u->summary.suffix;
  printf("  quadboot pack -o again.dfu --vid %04x --pid %04x --bcd-device %04x",
         s->vendor, s->product, s->bcd_device);
  const bool ok = for_each_part(args, u, print_input, error);
  putchar('\n');
  return ok;
}

static bool tell(const struct arguments *args, const struct unpack *u,
                 const struct file_bytes *file, struct qb_error *error) {
  struct qb_error why;
  const enum unpack_again again = unpack_try_again(u, file->data, file->size, &why);
  if (!for_each_part(args, u, print_part, error)) return false;
  if (again == UNPACK_REFUSED) {
    printf("It cannot be packed again for quadboot: %s.\n", why.text);
    return true;
  }
  puts(again == UNPACK_SAME
           ? "This makes the same file again, byte by byte:"
           : "This makes a file with the same content in quadboot's own order, names "
             "and sizes:");
  return print_command(args, u, error);
}

// ---- Work ------------------------------------------------------------------

static bool make_folder(const char *folder, struct qb_error *error) {
  if (!folder || mkdir(folder, 0777) == 0 || errno == EEXIST) return true;
  return qb_error_set(error, "cannot create the folder %s: %s", folder,
                      strerror(errno));
}

// All places are looked at before the first is written.
static bool unpack_file(const struct arguments *args, const struct file_bytes *file,
                        struct qb_error *error) {
  struct unpack u = {0};
  const bool ok =
      unpack_open(&u, file->data, file->size, args->file, error) &&
      make_folder(args->folder, error) && for_each_part(args, &u, check_part, error) &&
      for_each_part(args, &u, write_part, error) && tell(args, &u, file, error);
  unpack_free(&u);
  return ok;
}

int cmd_unpack(int argc, char **argv) {
  struct arguments args = {0};
  struct qb_error error;
  if (!parse_arguments(argc, argv, &args, &error)) return cli_usage(COMMAND, &error);
  if (args.help) return cli_help(COMMAND, help);
  struct file_bytes file = {0};
  const bool ok =
      file_read(args.file, &file, &error) && unpack_file(&args, &file, &error);
  free(file.data);
  return ok ? cli_finish_output(COMMAND) : cli_fail(COMMAND, &error);
}
