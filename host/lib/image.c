// SPDX-License-Identifier: MIT
#include "host/lib/image.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/format/ihex.h"
#include "host/lib/file.h"
#include "host/lib/image_dfuse.h"
#include "host/lib/image_elf.h"
#include "host/lib/image_ihex.h"
#include "host/lib/number.h"

// ---- Arguments -------------------------------------------------------------

// The '@' that separates an address, or NULL.
static const char *find_separator(const char *argument) {
  const char *at = strrchr(argument, '@');
  if (!at || at[1] != '0' || (at[2] != 'x' && at[2] != 'X')) return NULL;
  return at;
}

static bool parse_address(const char *argument, const char *text, uint32_t *out,
                          struct qb_error *error) {
  switch (number_parse_hex(text, UINT32_MAX, out)) {
    case NUMBER_OK: return true;
    case NUMBER_TOO_BIG:
      return qb_error_set(error, "%s: the address is above 0xFFFFFFFF", argument);
    default:
      return qb_error_set(error, "%s: \"%s\" is not a hexadecimal address", argument,
                          text);
  }
}

bool image_parse_input(const char *argument, struct image_input *out,
                       struct qb_error *error) {
  struct image_input input = {0};
  const char *at = find_separator(argument);
  const size_t length = at ? (size_t)(at - argument) : strlen(argument);
  if (length == 0) return qb_error_set(error, "\"%s\" names no file", argument);
  if (at && !parse_address(argument, at + 1, &input.address, error)) return false;
  input.has_address = at != NULL;
  input.path = strndup(argument, length);
  if (!input.path) return qb_error_no_memory(error);
  *out = input;
  return true;
}

// ---- Files -----------------------------------------------------------------

static bool refuse_address(const char *source, const char *format,
                           struct qb_error *error) {
  return qb_error_set(error,
                      "%s is %s and states its own addresses; give it without @ADDR",
                      source, format);
}

static bool load_bytes(struct segments *list, const struct image_input *input,
                       struct file_bytes file, const char *source,
                       struct qb_error *error) {
  if (image_elf_detect(file.data, file.size)) {
    if (input->has_address) return refuse_address(source, "an ELF file", error);
    return image_elf_load(list, file.data, file.size, source, error);
  }
  if (ihex_detect(file.data, file.size)) {
    if (input->has_address) return refuse_address(source, "an Intel HEX file", error);
    return image_ihex_load(list, file.data, file.size, source, error);
  }
  if (image_dfuse_detect(file.data, file.size)) {
    if (input->has_address) return refuse_address(source, "a DfuSe file", error);
    return image_dfuse_load(list, file.data, file.size, source, error);
  }
  if (!input->has_address) {
    return qb_error_set(
        error,
        "%s is neither ELF, Intel HEX nor .dfu, so it needs an address, "
        "such as %s@0x90000000",
        source, source);
  }
  return segments_add(list, input->address, file.data, file.size, source, 0, error);
}

// "a.bin@90000000" is a name; when there is no such file, somebody forgot the 0x.
static bool names_a_file(const struct image_input *input, struct qb_error *error) {
  const char *at = strrchr(input->path, '@');
  if (!at || input->has_address || access(input->path, F_OK) == 0) return true;
  return qb_error_set(error,
                      "there is no file %s, and \"%s\" is not an address: that begins "
                      "with 0x, such as 0x90000000",
                      input->path, at + 1);
}

bool image_load(struct segments *list, const struct image_input *input,
                struct qb_error *error) {
  char *source = strdup(input->path);
  if (!source) return qb_error_no_memory(error);
  if (!segments_own(list, source, error)) return false;
  struct file_bytes file;
  if (!names_a_file(input, error)) return false;
  if (!file_read(input->path, &file, error)) return false;
  if (!segments_own(list, file.data, error)) return false;
  return load_bytes(list, input, file, source, error);
}
