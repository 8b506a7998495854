// SPDX-License-Identifier: MIT
#include "host/lib/image_elf.h"

#include <gelf.h>
#include <inttypes.h>
#include <string.h>

#define AGAIN "; copy or build it again"

bool image_elf_detect(const uint8_t *file, size_t size) {
  return size >= SELFMAG && memcmp(file, ELFMAG, SELFMAG) == 0;
}

// What to tell about an ELF file that is not an executable.
static const char *describe_type(unsigned type) {
  switch (type) {
    case ET_REL: return "is an object file (.o): link it first";
    case ET_DYN: return "is position-independent: link it without -pie or -shared";
    case ET_CORE: return "is a core dump, not a program: give the program";
    default: return "is not an executable: link it first";
  }
}

static bool check_kind(const uint8_t *file, size_t size, const char *source,
                       struct qb_error *error) {
  if (size < EI_NIDENT) return qb_error_set(error, "%s is cut short" AGAIN, source);
  if (file[EI_CLASS] != ELFCLASS32) {
    return qb_error_set(
        error,
        "%s is not a 32-bit program, so it is not for this board; build it for "
        "Cortex-M7",
        source);
  }
  if (file[EI_DATA] != ELFDATA2LSB) {
    return qb_error_set(
        error, "%s is big-endian, so it is not for this board; build it little-endian",
        source);
  }
  return true;
}

static bool check_header(const GElf_Ehdr *header, const char *source,
                         struct qb_error *error) {
  if (header->e_machine != EM_ARM) {
    return qb_error_set(
        error,
        "%s is not a program for Arm (ELF machine %u, not %u); build it for Cortex-M7",
        source, header->e_machine, (unsigned)EM_ARM);
  }
  if (header->e_type != ET_EXEC) {
    return qb_error_set(error, "%s %s", source, describe_type(header->e_type));
  }
  return true;
}

// A header without bytes in the file (.bss, a stack) is nothing to flash.
static bool add_program_header(struct segments *list, const GElf_Phdr *header,
                               const uint8_t *file, size_t size, const char *source,
                               struct qb_error *error) {
  if (header->p_type != PT_LOAD || header->p_filesz == 0) return true;
  if (header->p_offset > size || header->p_filesz > size - header->p_offset) {
    return qb_error_set(error,
                        "%s is cut short: bytes for 0x%08" PRIX64 " are missing" AGAIN,
                        source, header->p_paddr);
  }
  return segments_add(list, header->p_paddr, file + header->p_offset, header->p_filesz,
                      source, 0, error);
}

// The gelf functions copy what they return: in the file it may lie unaligned.
static bool add_program_headers(struct segments *list, Elf *elf, const uint8_t *file,
                                size_t size, const char *source,
                                struct qb_error *error) {
  GElf_Ehdr header;
  size_t count;
  if (!gelf_getehdr(elf, &header) || elf_getphdrnum(elf, &count) != 0) {
    return qb_error_set(error, "%s is cut short" AGAIN, source);
  }
  if (!check_header(&header, source, error)) return false;
  const size_t before = list->count;
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr program;
    if (!gelf_getphdr(elf, (int)i, &program)) {
      return qb_error_set(error, "%s is cut short: program headers are missing" AGAIN,
                          source);
    }
    if (!add_program_header(list, &program, file, size, source, error)) return false;
  }
  if (list->count == before) {
    return qb_error_set(
        error,
        "%s loads nothing: no PT_LOAD header has bytes; look at its linker script",
        source);
  }
  return true;
}

bool image_elf_load(struct segments *list, uint8_t *file, size_t size,
                    const char *source, struct qb_error *error) {
  if (!check_kind(file, size, source, error)) return false;
  elf_version(EV_CURRENT);
  Elf *elf = elf_memory((char *)file, size);
  if (!elf) return qb_error_set(error, "%s: %s", source, elf_errmsg(-1));
  const bool ok = add_program_headers(list, elf, file, size, source, error);
  elf_end(elf);
  return ok;
}
