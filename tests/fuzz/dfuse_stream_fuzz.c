// SPDX-License-Identifier: MIT
// Fuzz entry for the DfuSe unpacker: the first byte is the size of the chunks, the rest
// the file; as it is, and again with its checksum put right. What it takes for a file
// must be one for the reader of whole files, with the same data, and the reverse.
#include <string.h>

#include "common/base/crc32.h"
#include "common/format/dfuse_stream.h"
#include "tests/fuzz/fuzz.h"

// Data and their addresses as one number; the same however they are cut.
static uint32_t mix(uint32_t hash, uint32_t address, const uint8_t *data, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t at = address + i;
    hash = crc32_update(hash, &at, sizeof at);
    hash = crc32_update(hash, data + i, 1);
  }
  return hash;
}

// The file's size if the stream found one, 0 if not.
static size_t run(const uint8_t *file, size_t size, size_t chunk, uint32_t *hash) {
  struct dfuse_stream s;
  struct dfuse_piece piece;
  size_t end = 0;
  dfuse_stream_start(&s);
  for (size_t at = 0; at < size;) {
    const size_t n = size - at < chunk ? size - at : chunk;
    const size_t taken = dfuse_stream_take(&s, file + at, n, &piece);
    fuzz_require(taken <= n);
    fuzz_require(taken > 0 || piece.kind == DFUSE_PIECE_FAILED);
    if (piece.kind == DFUSE_PIECE_FAILED) break;
    if (piece.kind == DFUSE_PIECE_DATA) {
      fuzz_require(piece.size > 0 && piece.data >= file + at &&
                   piece.data + piece.size <= file + at + taken);
      *hash = mix(*hash, piece.address, piece.data, piece.size);
    }
    at += taken;
    if (piece.kind == DFUSE_PIECE_END) end = at;
  }
  return dfuse_stream_end(&s) == DFUSE_OK ? end : 0;
}

static uint32_t hash_of(struct dfuse_reader reader) {
  struct dfuse_target target;
  struct dfuse_element element;
  const uint8_t *data;
  uint32_t hash = 0;
  while (dfuse_next_target(&reader, &target)) {
    while (dfuse_next_element(&reader, &element, &data)) {
      hash = mix(hash, element.address, data, element.size);
    }
  }
  return hash;
}

static void compare(const uint8_t *file, size_t size, size_t chunk) {
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  uint32_t hash = 0;
  const size_t end = run(file, size, chunk, &hash);
  if (end > 0) {
    fuzz_require(dfuse_open(&reader, file, end, &summary) == DFUSE_OK);
    fuzz_require(hash_of(reader) == hash);
  }
  if (dfuse_open(&reader, file, size, &summary) == DFUSE_OK) fuzz_require(end == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 6) return 0;
  const size_t chunk = 1 + (size_t)data[0];
  const size_t n = size - 1;
  uint8_t *file = malloc(n);
  if (!file) return 0;
  memcpy(file, data + 1, n);
  compare(file, n, chunk);
  store_le32(file + n - 4, crc32_update(CRC32_INIT, file, n - 4));
  compare(file, n, chunk);
  free(file);
  return 0;
}
