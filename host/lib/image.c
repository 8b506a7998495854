// SPDX-License-Identifier: MIT
#include "host/lib/image.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/format/ihex.h"
#include "common/format/uf2.h"
#include "host/lib/file.h"
#include "host/lib/image_dfuse.h"
#include "host/lib/image_elf.h"
#include "host/lib/image_ihex.h"
#include "host/lib/image_plain.h"
#include "host/lib/image_uf2.h"
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

enum image_format image_format_of(const uint8_t *file, size_t size) {
  if (image_elf_detect(file, size)) return IMAGE_ELF;
  if (ihex_detect(file, size)) return IMAGE_IHEX;
  if (image_dfuse_detect(file, size)) return IMAGE_DFUSE;
  if (uf2_detect(file, size)) return IMAGE_UF2;
  if (image_plain_detect(file, size)) return IMAGE_PLAIN_DFU;
  return IMAGE_RAW;
}

const char *image_format_name(enum image_format format) {
  switch (format) {
    case IMAGE_ELF: return "an ELF file";
    case IMAGE_IHEX: return "an Intel HEX file";
    case IMAGE_DFUSE: return "a DfuSe file";
    case IMAGE_UF2: return "a UF2 file";
    case IMAGE_PLAIN_DFU: return "a plain DFU file";
    case IMAGE_RAW: return "a raw file";
  }
  return "a file of an unknown format";
}

static bool has_own_addresses(enum image_format format) {
  return format != IMAGE_PLAIN_DFU && format != IMAGE_RAW;
}

static bool check_address(const struct image_input *input, enum image_format format,
                          const char *source, struct qb_error *error) {
  if (has_own_addresses(format) != input->has_address) return true;
  if (input->has_address) {
    return qb_error_set(error,
                        "%s is %s and states its own addresses; give it without @ADDR",
                        source, image_format_name(format));
  }
  if (format == IMAGE_PLAIN_DFU) {
    return qb_error_set(error,
                        "%s is a plain DFU file, which does not say where its bytes "
                        "belong; give it an address, such as %s@0x90000000",
                        source, source);
  }
  return qb_error_set(error,
                      "%s is neither ELF, Intel HEX, .dfu nor UF2, so it needs an "
                      "address, such as %s@0x90000000",
                      source, source);
}

bool image_load_bytes(struct segments *list, const struct image_input *input,
                      uint8_t *file, size_t size, const char *source,
                      struct qb_error *error) {
  const enum image_format format = image_format_of(file, size);
  if (!check_address(input, format, source, error)) return false;
  switch (format) {
    case IMAGE_ELF: return image_elf_load(list, file, size, source, error);
    case IMAGE_IHEX: return image_ihex_load(list, file, size, source, error);
    case IMAGE_DFUSE: return image_dfuse_load(list, file, size, source, error);
    case IMAGE_UF2: return image_uf2_load(list, file, size, source, error);
    case IMAGE_PLAIN_DFU:
      return image_plain_load(list, input->address, file, size, source, error);
    default: return segments_add(list, input->address, file, size, source, 0, error);
  }
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
  return image_load_bytes(list, input, file.data, file.size, source, error);
}
