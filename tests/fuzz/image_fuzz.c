// SPDX-License-Identifier: MIT
// Fuzz entry for files of whatever format, up to the .dfu that is packed from them:
// what was packed must open again and hold the same bytes. The first byte of the input
// says whether there is an address.
#include <string.h>

#include "common/base/crc32.h"
#include "common/format/dfuse.h"
#include "host/lib/image.h"
#include "host/lib/pack.h"
#include "host/lib/unpack.h"
#include "tests/fuzz/fuzz.h"

static void require_arranged(const struct segments *list) {
  uint64_t end = 0;
  for (size_t i = 0; i < list->count; i++) {
    const struct segment *s = &list->items[i];
    fuzz_require(s->size > 0 && s->address >= end);
    end = (uint64_t)s->address + s->size;
    fuzz_require(end <= (uint64_t)1 << 32);
  }
}

static void require_packed(const struct segments *list, const struct file_bytes *file) {
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  fuzz_require(dfuse_open(&reader, file->data, file->size, &summary) == DFUSE_OK);
  fuzz_require(summary.ascending && summary.elements == list->count);
  struct dfuse_target target;
  struct dfuse_element element;
  const uint8_t *bytes;
  const struct segment *s = list->items;
  while (dfuse_next_target(&reader, &target)) {
    for (; dfuse_next_element(&reader, &element, &bytes); s++) {
      fuzz_require(element.address == s->address && element.size == s->size);
      fuzz_require(memcmp(bytes, s->bytes, s->size) == 0);
    }
  }
}

// The parts of a .dfu are all its bytes, and have names that lead nowhere.
static void unpack(const uint8_t *bytes, size_t size) {
  struct unpack u = {0};
  struct qb_error error;
  size_t total = 0;
  if (unpack_open(&u, bytes, size, "a", &error)) {
    for (size_t i = 0; i < u.count; i++) {
      const char *name = u.parts[i].name;
      fuzz_require(memchr(name, '\0', UNPACK_NAME_ROOM) != NULL && name[0] != '.');
      fuzz_require(!strpbrk(name, "/\\ $`'\"\n") && strstr(name, ".bin"));
      total += u.parts[i].size;
    }
    fuzz_require(total == u.summary.data_bytes);
    (void)unpack_try_again(&u, bytes, size, &error);
  }
  unpack_free(&u);
}

static void load(const struct image_input *input, uint8_t *bytes, size_t size) {
  static const struct pack_options options = {0x0483, 0xDF11, DFUSE_ANY_ID};
  struct segments list = {0};
  struct qb_error error;
  struct file_bytes file = {0};
  if (image_load_bytes(&list, input, bytes, size, "a", &error) &&
      segments_arrange(&list, &error)) {
    require_arranged(&list);
    if (pack_segments(&list, &options, &file, &error)) require_packed(&list, &file);
  }
  free(file.data);
  segments_free(&list);
  unpack(bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  const struct image_input input = {.has_address = data[0] & 1,
                                    .address = 0x90000000u + data[0]};
  const size_t length = size - 1;
  uint8_t *bytes = malloc(size);
  if (!bytes) return 0;
  memcpy(bytes, data + 1, length);
  load(&input, bytes, length);
  // Again with the checksum of .dfu and plain DFU files put right.
  if (length >= 4) {
    store_le32(bytes + length - 4, crc32_update(CRC32_INIT, bytes, length - 4));
    load(&input, bytes, length);
  }
  free(bytes);
  return 0;
}
