// SPDX-License-Identifier: MIT
#include "sim/machine/load.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/format/ihex.h"

enum { MAX_FILE = 256 * 1024 * 1024 };

__attribute__((format(printf, 2, 3))) static bool fail(struct load_error *error,
                                                       const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->text, sizeof error->text, format, args);
  va_end(args);
  return false;
}

// Where the board keeps `n` bytes for `addr`: its memories and the NOR's array.
static uint8_t *place(struct machine *m, uint32_t addr, size_t n) {
  if (addr >= QSPI_WINDOW_BASE && addr - QSPI_WINDOW_BASE < m->nor_size) {
    const uint32_t offset = addr - QSPI_WINDOW_BASE;
    return n <= m->nor_size - offset ? m->nor_bytes + offset : NULL;
  }
  if (addr >= FLASH_ITCM_BASE && addr - FLASH_ITCM_BASE < m->board->flash_size) {
    addr += FLASH_BASE - FLASH_ITCM_BASE;
  }
  return bus_memory_at(&m->sim.bus, addr, n);
}

static bool read_into(int fd, uint8_t *bytes, size_t n) {
  while (n) {
    const ssize_t got = read(fd, bytes, n);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    n -= (size_t)got;
  }
  return true;
}

static bool load_raw(struct machine *m, const char *path, int fd, size_t size,
                     uint32_t addr, struct load_error *error) {
  uint8_t *to = place(m, addr, size);
  if (!to) {
    return fail(error,
                "%s: %zu bytes at 0x%08x do not fit into any memory of the board", path,
                size, (unsigned)addr);
  }
  if (!read_into(fd, to, size)) return fail(error, "%s: %s", path, strerror(errno));
  return true;
}

static bool load_segment(struct machine *m, const char *path, int fd,
                         const GElf_Phdr *p, struct load_error *error) {
  const uint32_t addr = (uint32_t)p->p_paddr;
  uint8_t *to = place(m, addr, p->p_filesz);
  if (!to) {
    return fail(error,
                "%s: its segment at 0x%08x (%zu bytes) lies in no memory of the board",
                path, (unsigned)addr, (size_t)p->p_filesz);
  }
  if (lseek(fd, (off_t)p->p_offset, SEEK_SET) < 0 || !read_into(fd, to, p->p_filesz)) {
    return fail(error, "%s is cut short: its segment at 0x%08x is missing", path,
                (unsigned)addr);
  }
  return true;
}

static bool load_segments(struct machine *m, const char *path, int fd, Elf *elf,
                          struct load_error *error) {
  GElf_Ehdr header;
  size_t count;
  if (!gelf_getehdr(elf, &header) || header.e_machine != EM_ARM) {
    return fail(error, "%s is not an ELF file for Arm", path);
  }
  if (elf_getphdrnum(elf, &count))
    return fail(error, "%s has no program headers", path);
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr p;
    if (!gelf_getphdr(elf, (int)i, &p)) return fail(error, "%s is damaged", path);
    if (p.p_type != PT_LOAD || !p.p_filesz) continue;
    if (!load_segment(m, path, fd, &p, error)) return false;
    any = true;
  }
  return any || fail(error, "%s holds nothing to load", path);
}

static bool load_elf(struct machine *m, const char *path, int fd,
                     struct load_error *error) {
  elf_version(EV_CURRENT);
  Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
  if (!elf) return fail(error, "%s is a damaged ELF file: %s", path, elf_errmsg(-1));
  const bool good = load_segments(m, path, fd, elf, error);
  elf_end(elf);
  return good;
}

static bool load_hex_text(struct machine *m, const char *path, const uint8_t *text,
                          size_t size, struct load_error *error) {
  struct ihex_reader reader;
  struct ihex_record record;
  ihex_begin(&reader, text, size);
  bool any = false;
  for (;;) {
    const enum ihex_status status = ihex_next(&reader, &record);
    if (status == IHEX_END) return any || fail(error, "%s holds nothing to load", path);
    if (status != IHEX_DATA) {
      return fail(error, "%s: line %zu %s", path, reader.line,
                  ihex_status_text(status));
    }
    uint8_t *to = place(m, record.address, record.size);
    if (!to) {
      return fail(error, "%s: line %zu goes to 0x%08x, where no memory of the board is",
                  path, reader.line, (unsigned)record.address);
    }
    memcpy(to, record.data, record.size);
    any = true;
  }
}

static bool load_hex(struct machine *m, const char *path, int fd, size_t size,
                     struct load_error *error) {
  uint8_t *text = malloc(size);
  if (!text) return fail(error, "%s: not enough memory", path);
  const bool good = read_into(fd, text, size)
                        ? load_hex_text(m, path, text, size, error)
                        : fail(error, "%s: %s", path, strerror(errno));
  free(text);
  return good;
}

static bool load_open(struct machine *m, const char *path, int fd, bool has_addr,
                      uint32_t addr, struct load_error *error) {
  struct stat st;
  if (fstat(fd, &st) || !S_ISREG(st.st_mode))
    return fail(error, "%s is not a file", path);
  if (st.st_size == 0) return fail(error, "%s is empty", path);
  if (st.st_size > MAX_FILE)
    return fail(error, "%s is larger than any memory here", path);
  uint8_t magic[16] = {0};
  const ssize_t got = pread(fd, magic, sizeof magic, 0);
  const bool elf = got >= 4 && !memcmp(magic, "\177ELF", 4);
  const bool hex = got > 0 && ihex_detect(magic, (size_t)got);
  if ((elf || hex) && has_addr) {
    return fail(error, "%s is an %s file and has its own addresses; leave out the @",
                path, elf ? "ELF" : "Intel HEX");
  }
  if (elf) return load_elf(m, path, fd, error);
  if (hex) return load_hex(m, path, fd, (size_t)st.st_size, error);
  if (!has_addr) {
    return fail(error,
                "%s is neither ELF nor Intel HEX; say where it goes: %s@0x08000000",
                path, path);
  }
  return load_raw(m, path, fd, (size_t)st.st_size, addr, error);
}

bool machine_load(struct machine *m, const char *path, bool has_addr, uint32_t addr,
                  struct load_error *error) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(error, "%s: %s", path, strerror(errno));
  const bool good = load_open(m, path, fd, has_addr, addr, error);
  close(fd);
  return good;
}

static bool image_open(const char *path, int fd, uint8_t *bytes, size_t size,
                       struct load_error *error) {
  struct stat st;
  if (fstat(fd, &st) || !S_ISREG(st.st_mode))
    return fail(error, "%s is not a file", path);
  if ((size_t)st.st_size > size) {
    return fail(error,
                "%s has %zu bytes, the chip only %zu; give it an image of its own",
                path, (size_t)st.st_size, size);
  }
  if (!read_into(fd, bytes, (size_t)st.st_size)) {
    return fail(error, "%s: %s", path, strerror(errno));
  }
  return true;
}

bool image_read(const char *path, uint8_t *bytes, size_t size,
                struct load_error *error) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return true;
  if (fd < 0) return fail(error, "%s: %s", path, strerror(errno));
  const bool good = image_open(path, fd, bytes, size, error);
  close(fd);
  return good;
}

bool image_write(const char *path, const uint8_t *bytes, size_t size,
                 struct load_error *error) {
  return output_write(path, bytes, size, error);
}
