// SPDX-License-Identifier: MIT
// What SFDP does not say of a NOR chip, by its JEDEC id: clocks, commands and error
// bits of each maker's families, and corrections for single chips whose SFDP lies.
// Looked up only when the id is known; an unknown maker gets what all have in common.
#pragma once

#include "firmware/flash/sfdp.h"

// How blocks are unlocked (98h) that are not a matter of the BP bits.
enum nor_locks {
  NOR_LOCKS_NONE,
  NOR_LOCKS_ALWAYS,  // every block is locked after power-up and reset
  NOR_LOCKS_BY_WPS,  // if bit 2 of status register 3 (15h) is set
};

// A volatile register that must have its power-up value for reads to take as many
// dummy clocks as the SFDP says.
struct nor_defaults {
  uint8_t read, write;  // opcodes; 0 = the family has no such register
  uint8_t mask, value;
};

// The register that tells how an operation went; 0 = the family has none.
struct nor_verdict {
  uint8_t opcode;
  uint8_t erase_failed, program_failed, protected;  // bits
  uint8_t clear;  // the command that clears them, 0 = they need none
};

struct nor_family {
  uint8_t maker;  // first byte of the JEDEC id; 0 = any other
  // SCLK in MHz, with the dummy clocks of power-up: reads by lines, and at the same
  // time everything else; chips with an SFDP of revision 1.0 stay below `old`.
  uint8_t mhz_111, mhz_114, mhz_144, mhz_old;
  enum sfdp_quad_enable quad_enable;  // where the SFDP does not say
  // Page program with data on four lines; where it takes its address. 0 = none known.
  uint8_t quad_program, quad_program_lines;
  uint8_t program_once;  // as in struct media_geometry
  bool no_program_144;   // 3Eh is not 1-4-4 whatever a 4BAIT says
  uint8_t resume;        // of a suspended erase, where the SFDP does not say
  uint8_t protect;       // BP bits of status register 1
  bool flag_status;      // ready is bit 7 of what 70h reads
  enum nor_locks locks;
  struct nor_defaults defaults;
  struct nor_verdict verdict;
};

const struct nor_family *nor_family_of(const uint8_t id[3]);

// A chip that its family and SFDP describe wrongly.
struct nor_correction {
  uint8_t id[3];
  uint8_t id_bytes;   // how many of them count
  uint32_t size;      // bytes; 0 = as the SFDP says
  bool quad_enabled;  // needs no quad enable, whatever the SFDP says
  bool low_power;     // 33 MHz, unless the L/H bit (bit 1 of the second byte that 15h
                      // reads) is set: then `mhz`
  uint8_t mhz;
  uint32_t die;  // bytes of each of its dies, selected by C2h; 0 = one die
};

// NULL: the chip is as it says.
const struct nor_correction *nor_correction_of(const uint8_t id[3]);
