// SPDX-License-Identifier: MIT
// The generated register descriptions: well-formed throughout, and equal to numbers
// typed here from the reference manuals, where the SVD is known to be wrong.
#include "sim_regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka.h needs the headers above.
#include <cmocka.h>

static const struct reg_block *const blocks[] = {
    &sim_regs_coredebug,  &sim_regs_crc,    &sim_regs_dbgmcu, &sim_regs_dwt,
    &sim_regs_exti,       &sim_regs_flash,  &sim_regs_fpu,    &sim_regs_gpio,
    &sim_regs_gpioa,      &sim_regs_gpiob,  &sim_regs_iwdg,   &sim_regs_mpu,
    &sim_regs_nvic,       &sim_regs_otg_fs, &sim_regs_otg_hs, &sim_regs_pwr,
    &sim_regs_quadspi,    &sim_regs_rcc,    &sim_regs_rtc,    &sim_regs_scb,
    &sim_regs_scnscb,     &sim_regs_stk,    &sim_regs_syscfg, &sim_regs_usart,
    &sim_regs_tim1,       &sim_regs_tim2,   &sim_regs_tim3,   &sim_regs_tim6,
    &sim_regs_tim9,       &sim_regs_tim10,  &sim_regs_wwdg,   &sim_regs_rng,
    &sim_regs_fmc,        &sim_regs_i2c,    &sim_regs_spi,    &sim_regs_adc,
    &sim_regs_adc_common,
};
enum { BLOCKS = sizeof blocks / sizeof blocks[0] };

static const struct reg_desc *find(const struct reg_block *block, const char *name) {
  for (size_t i = 0; i < block->count; i++) {
    if (!strcmp(block->regs[i].name, name)) return &block->regs[i];
  }
  fail_msg("%s has no register %s", block->name, name);
  return NULL;
}

static uint32_t mask_of(const struct reg_field *f) {
  return (uint32_t)(((1ull << f->width) - 1u) << f->lsb);
}

// --- form ---------------------------------------------------------------------

static void offsets_ascend_by_words(void **state) {
  (void)state;
  for (size_t b = 0; b < BLOCKS; b++) {
    assert_true(blocks[b]->count > 0);
    for (size_t i = 0; i < blocks[b]->count; i++) {
      const struct reg_desc *reg = &blocks[b]->regs[i];
      assert_int_equal(reg->offset % 4, 0);
      if (i) assert_true(reg->offset > reg[-1].offset);
    }
  }
}

static void names_are_unique(void **state) {
  (void)state;
  for (size_t b = 0; b < BLOCKS; b++) {
    for (size_t i = 0; i < blocks[b]->count; i++) {
      const struct reg_desc *reg = &blocks[b]->regs[i];
      assert_ptr_equal(find(blocks[b], reg->name), reg);
    }
  }
}

static void check_masks(const struct reg_block *block, const struct reg_desc *reg) {
  uint32_t known = 0, read_only = 0;
  assert_true(reg->field_count > 0);
  for (unsigned i = 0; i < reg->field_count; i++) {
    const struct reg_field *field = &reg->fields[i];
    if (known & mask_of(field)) fail_msg("%s.%s overlaps", block->name, field->name);
    if (i) assert_true(field->lsb > field[-1].lsb);
    assert_true(field->lsb + field->width <= 32);
    known |= mask_of(field);
    if (field->access == REG_RO) read_only |= mask_of(field);
  }
  assert_int_equal(reg->known, known);
  assert_int_equal(reg->read_only, read_only);
}

static void masks_are_the_union_of_fields(void **state) {
  (void)state;
  for (size_t b = 0; b < BLOCKS; b++) {
    for (size_t i = 0; i < blocks[b]->count; i++) {
      check_masks(blocks[b], &blocks[b]->regs[i]);
    }
  }
}

// Reset bits that no field names; everything else resets inside its fields.
static const struct {
  const char *block, *reg;
  uint32_t bits;
} unnamed_reset[] = {
    {"OTG_HS", "DCFG", 0x00200000}, {"OTG_FS", "DCFG", 0x00200000},
    {"OTG_HS", "DSTS", 0x00000010}, {"OTG_FS", "DSTS", 0x00000010},
    {"DBGMCU", "IDCODE", 0x6000},   {"SCB", "CTR", 0xC000},
    {"FMC", "BCR1", 0x80},          {"FMC", "BCR2", 0x80},
    {"FMC", "BCR3", 0x80},          {"FMC", "BCR4", 0x80},
    {"FMC", "BWTR1", 0x0FF00000},   {"FMC", "BWTR2", 0x0FF00000},
    {"FMC", "BWTR3", 0x0FF00000},   {"FMC", "BWTR4", 0x0FF00000},
};

static uint32_t allowed_reset(const char *block, const char *reg) {
  for (size_t i = 0; i < sizeof unnamed_reset / sizeof *unnamed_reset; i++) {
    if (!strcmp(unnamed_reset[i].block, block) && !strcmp(unnamed_reset[i].reg, reg)) {
      return unnamed_reset[i].bits;
    }
  }
  return 0;
}

static void resets_lie_inside_fields(void **state) {
  (void)state;
  for (size_t b = 0; b < BLOCKS; b++) {
    for (size_t i = 0; i < blocks[b]->count; i++) {
      const struct reg_desc *reg = &blocks[b]->regs[i];
      assert_int_equal(reg->reset & ~reg->known,
                       allowed_reset(blocks[b]->name, reg->name));
    }
  }
}

// --- content: registers ---------------------------------------------------------

struct reg_fact {
  const struct reg_block *block;
  const char *name;
  uint32_t offset, reset;
};

// RM0410 chapters 3 to 7, 12, 14, 30, 32, 34, 44; ARMv7-M ARM B3, Cortex-M7 TRM 3.
static const struct reg_fact reg_facts[] = {
    {&sim_regs_rcc, "CR", 0x00, 0x00000083},
    {&sim_regs_rcc, "PLLCFGR", 0x04, 0x24003010},
    {&sim_regs_rcc, "CFGR", 0x08, 0},
    {&sim_regs_rcc, "AHB3RSTR", 0x18, 0},
    {&sim_regs_rcc, "AHB1ENR", 0x30, 0x00100000},
    {&sim_regs_rcc, "APB1ENR", 0x40, 0},
    {&sim_regs_rcc, "AHB1LPENR", 0x50, 0x7EF7B7FF},
    {&sim_regs_rcc, "AHB2LPENR", 0x54, 0x000000F3},
    {&sim_regs_rcc, "AHB3LPENR", 0x58, 0x00000003},
    {&sim_regs_rcc, "APB1LPENR", 0x60, 0xFFFFEFFF},
    {&sim_regs_rcc, "APB2LPENR", 0x64, 0x6CF77FB3},
    {&sim_regs_rcc, "BDCR", 0x70, 0},
    {&sim_regs_rcc, "CSR", 0x74, 0x0E000000},
    {&sim_regs_rcc, "PLLI2SCFGR", 0x84, 0x24003000},
    {&sim_regs_rcc, "PLLSAICFGR", 0x88, 0x24003000},
    {&sim_regs_rcc, "DCKCFGR1", 0x8C, 0},
    {&sim_regs_rcc, "DCKCFGR2", 0x90, 0},
    {&sim_regs_pwr, "CR1", 0x00, 0x0000C000},
    {&sim_regs_pwr, "CSR1", 0x04, 0},
    {&sim_regs_pwr, "CSR2", 0x0C, 0},
    {&sim_regs_flash, "ACR", 0x00, 0},
    {&sim_regs_flash, "SR", 0x0C, 0},
    {&sim_regs_flash, "CR", 0x10, 0x80000000},
    {&sim_regs_flash, "OPTCR", 0x14, 0xFFFFAAFD},
    {&sim_regs_flash, "OPTCR1", 0x18, 0x00400080},
    {&sim_regs_gpio, "MODER", 0x00, 0},
    {&sim_regs_gpio, "PUPDR", 0x0C, 0},
    {&sim_regs_gpio, "BSRR", 0x18, 0},
    {&sim_regs_gpio, "AFRH", 0x24, 0},
    {&sim_regs_gpioa, "MODER", 0x00, 0xA8000000},
    {&sim_regs_gpioa, "PUPDR", 0x0C, 0x64000000},
    {&sim_regs_gpioa, "OSPEEDR", 0x08, 0},
    {&sim_regs_gpiob, "MODER", 0x00, 0x00000280},
    {&sim_regs_gpiob, "OSPEEDR", 0x08, 0x000000C0},
    {&sim_regs_gpiob, "PUPDR", 0x0C, 0x00000100},
    {&sim_regs_syscfg, "MEMRMP", 0x00, 0},
    {&sim_regs_syscfg, "CMPCR", 0x20, 0},
    {&sim_regs_crc, "DR", 0x00, 0xFFFFFFFF},
    {&sim_regs_crc, "INIT", 0x10, 0xFFFFFFFF},
    {&sim_regs_crc, "POL", 0x14, 0x04C11DB7},
    {&sim_regs_iwdg, "RLR", 0x08, 0x0FFF},
    {&sim_regs_iwdg, "WINR", 0x10, 0x0FFF},
    {&sim_regs_rtc, "PRER", 0x10, 0x007F00FF},
    {&sim_regs_rtc, "BKP0R", 0x50, 0},
    {&sim_regs_rtc, "BKP31R", 0xCC, 0},
    {&sim_regs_usart, "BRR", 0x0C, 0},
    {&sim_regs_usart, "ISR", 0x1C, 0x000000C0},
    {&sim_regs_usart, "TDR", 0x28, 0},
    {&sim_regs_dbgmcu, "IDCODE", 0x00, 0x10016451},
    {&sim_regs_quadspi, "CR", 0x00, 0},
    {&sim_regs_quadspi, "DCR", 0x04, 0},
    {&sim_regs_quadspi, "SR", 0x08, 0},
    {&sim_regs_quadspi, "FCR", 0x0C, 0},
    {&sim_regs_quadspi, "DLR", 0x10, 0},
    {&sim_regs_quadspi, "CCR", 0x14, 0},
    {&sim_regs_quadspi, "AR", 0x18, 0},
    {&sim_regs_quadspi, "ABR", 0x1C, 0},
    {&sim_regs_quadspi, "DR", 0x20, 0},
    {&sim_regs_quadspi, "PSMKR", 0x24, 0},
    {&sim_regs_quadspi, "PSMAR", 0x28, 0},
    {&sim_regs_quadspi, "PIR", 0x2C, 0},
    {&sim_regs_quadspi, "LPTR", 0x30, 0},
    {&sim_regs_scb, "CPUID", 0x00, 0x411FC270},
    {&sim_regs_scb, "VTOR", 0x08, 0},
    {&sim_regs_scb, "AIRCR", 0x0C, 0xFA050000},
    {&sim_regs_scb, "CCR", 0x14, 0x00040200},
    {&sim_regs_scb, "SHPR3", 0x20, 0},
    {&sim_regs_scb, "CFSR", 0x28, 0},
    {&sim_regs_scb, "BFAR", 0x38, 0},
    {&sim_regs_scb, "CLIDR", 0x78, 0x09000003},
    {&sim_regs_scb, "CCSIDR", 0x80, 0xF00FE019},
    {&sim_regs_scb, "CPACR", 0x88, 0},
    {&sim_regs_scb, "ICIALLU", 0x250, 0},
    {&sim_regs_scb, "DCCISW", 0x274, 0},
    {&sim_regs_stk, "CTRL", 0x0, 0},
    {&sim_regs_stk, "VAL", 0x8, 0},
    {&sim_regs_mpu, "TYPE", 0x00, 0x00000800},
    {&sim_regs_mpu, "RBAR", 0x0C, 0},
    {&sim_regs_mpu, "RASR_A3", 0x28, 0},
    {&sim_regs_fpu, "FPCCR", 0x00, 0xC0000000},
    {&sim_regs_nvic, "ICER0", 0x080, 0},
    {&sim_regs_nvic, "IPR27", 0x36C, 0},
    {&sim_regs_nvic, "STIR", 0xE00, 0},
    {&sim_regs_coredebug, "DEMCR", 0x0C, 0},
    {&sim_regs_dwt, "CYCCNT", 0x04, 0},
};

// RM0410 chapter 41; identification as read from real chips by TinyUSB's authors.
static const struct reg_fact otg_facts[] = {
    {&sim_regs_otg_hs, "GOTGCTL", 0x000, 0x00010000},
    {&sim_regs_otg_hs, "GUSBCFG", 0x00C, 0x00001400},
    {&sim_regs_otg_fs, "GUSBCFG", 0x00C, 0x00001440},
    {&sim_regs_otg_hs, "GRSTCTL", 0x010, 0x80000000},
    {&sim_regs_otg_hs, "GINTSTS", 0x014, 0x04000020},
    {&sim_regs_otg_hs, "GRXSTSP", 0x020, 0},
    {&sim_regs_otg_fs, "GRXSTSP", 0x020, 0},
    {&sim_regs_otg_hs, "DIEPTXF0", 0x028, 0x02000200},
    {&sim_regs_otg_hs, "CID", 0x03C, 0x00002100},
    {&sim_regs_otg_fs, "CID", 0x03C, 0x00002000},
    {&sim_regs_otg_hs, "GSNPSID", 0x040, 0x4F54320A},
    {&sim_regs_otg_fs, "GSNPSID", 0x040, 0x4F54320A},
    {&sim_regs_otg_hs, "GHWCFG1", 0x044, 0},
    {&sim_regs_otg_hs, "GHWCFG2", 0x048, 0x229FE190},
    {&sim_regs_otg_hs, "GHWCFG3", 0x04C, 0x03EED2E8},
    {&sim_regs_otg_hs, "GHWCFG4", 0x050, 0x23F00030},
    {&sim_regs_otg_fs, "GHWCFG2", 0x048, 0x229ED520},
    {&sim_regs_otg_fs, "GHWCFG3", 0x04C, 0x0200D1E8},
    {&sim_regs_otg_fs, "GHWCFG4", 0x050, 0x17F08030},
    {&sim_regs_otg_fs, "GLPMCFG", 0x054, 0},
    {&sim_regs_otg_hs, "GDFIFOCFG", 0x05C, 0},
    {&sim_regs_otg_hs, "DIEPTXF1", 0x104, 0x02000400},
    {&sim_regs_otg_hs, "DIEPTXF8", 0x120, 0x02001200},
    {&sim_regs_otg_fs, "DIEPTXF5", 0x114, 0x02000C00},
    {&sim_regs_otg_hs, "DIEPTXF15", 0x13C, 0},
    {&sim_regs_otg_fs, "DIEPTXF15", 0x13C, 0},
    {&sim_regs_otg_hs, "HPRT", 0x440, 0},
    {&sim_regs_otg_hs, "HCDMA15", 0x6F4, 0},
    {&sim_regs_otg_fs, "HCTSIZ11", 0x670, 0},
    {&sim_regs_otg_hs, "DCFG", 0x800, 0x02200000},
    {&sim_regs_otg_hs, "DCTL", 0x804, 0x00000002},
    {&sim_regs_otg_fs, "DCTL", 0x804, 0x00000002},
    {&sim_regs_otg_hs, "DIEPMSK", 0x810, 0},
    {&sim_regs_otg_hs, "DAINTMSK", 0x81C, 0},
    {&sim_regs_otg_hs, "DIEPEMPMSK", 0x834, 0},
    {&sim_regs_otg_hs, "DIEPEACHMSK1", 0x844, 0},
    {&sim_regs_otg_hs, "DOEPEACHMSK1", 0x884, 0},
    {&sim_regs_otg_hs, "DIEPCTL0", 0x900, 0x00008000},
    {&sim_regs_otg_hs, "DIEPINT0", 0x908, 0x00000080},
    {&sim_regs_otg_hs, "DIEPCTL8", 0xA00, 0},
    {&sim_regs_otg_hs, "DTXFSTS8", 0xA18, 0},
    {&sim_regs_otg_fs, "DIEPTSIZ4", 0x990, 0},
    {&sim_regs_otg_fs, "DTXFSTS5", 0x9B8, 0},
    {&sim_regs_otg_hs, "DOEPCTL0", 0xB00, 0x00008000},
    {&sim_regs_otg_hs, "DOEPDMA8", 0xC14, 0},
    {&sim_regs_otg_fs, "DOEPCTL5", 0xBA0, 0},
    {&sim_regs_otg_fs, "DOEPINT5", 0xBA8, 0},
    {&sim_regs_otg_hs, "PCGCCTL", 0xE00, 0},
    {&sim_regs_otg_fs, "PCGCCTL", 0xE00, 0},
};

static void check_reg_facts(const struct reg_fact *facts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct reg_desc *reg = find(facts[i].block, facts[i].name);
    if (reg->offset != facts[i].offset || reg->reset != facts[i].reset) {
      fail_msg("%s.%s is at 0x%03x, reset 0x%08x", facts[i].block->name, reg->name,
               (unsigned)reg->offset, (unsigned)reg->reset);
    }
  }
}

static void registers_are_as_in_the_manuals(void **state) {
  (void)state;
  check_reg_facts(reg_facts, sizeof reg_facts / sizeof *reg_facts);
  check_reg_facts(otg_facts, sizeof otg_facts / sizeof *otg_facts);
}

// --- content: fields ------------------------------------------------------------

struct field_fact {
  const struct reg_block *block;
  const char *reg, *field;
  uint32_t mask;
  enum reg_access access;
};

static const struct field_fact field_facts[] = {
    {&sim_regs_rcc, "CR", "PLLSAIRDY", 1u << 29, REG_RO},
    {&sim_regs_rcc, "PLLCFGR", "PLLM", 0x0000003F, REG_RW},
    {&sim_regs_rcc, "PLLCFGR", "PLLN", 0x00007FC0, REG_RW},
    {&sim_regs_rcc, "PLLCFGR", "PLLP", 0x00030000, REG_RW},
    {&sim_regs_rcc, "PLLCFGR", "PLLQ", 0x0F000000, REG_RW},
    {&sim_regs_rcc, "CFGR", "SW", 0x00000003, REG_RW},
    {&sim_regs_rcc, "CFGR", "SWS", 0x0000000C, REG_RO},
    {&sim_regs_rcc, "BDCR", "RTCSEL", 0x00000300, REG_RW},
    {&sim_regs_rcc, "AHB1ENR", "DTCMRAMEN", 1u << 20, REG_RW},
    {&sim_regs_rcc, "APB1ENR", "RTCAPBEN", 1u << 10, REG_RW},
    {&sim_regs_rcc, "APB2ENR", "SDMMC2EN", 1u << 7, REG_RW},
    {&sim_regs_rcc, "CSR", "IWDGRSTF", 1u << 29, REG_RO},
    {&sim_regs_rcc, "CSR", "PINRSTF", 1u << 26, REG_RO},
    {&sim_regs_rcc, "CSR", "RMVF", 1u << 24, REG_RW},
    {&sim_regs_rcc, "DCKCFGR2", "CK48MSEL", 1u << 27, REG_RW},
    {&sim_regs_pwr, "CSR1", "ODSWRDY", 1u << 17, REG_RO},
    {&sim_regs_pwr, "CSR1", "EIWUP", 1u << 8, REG_RW},
    {&sim_regs_flash, "SR", "ERSERR", 1u << 7, REG_RW},
    {&sim_regs_flash, "CR", "MER", 1u << 2, REG_RW},
    {&sim_regs_flash, "CR", "MER2", 1u << 15, REG_RW},
    {&sim_regs_flash, "CR", "SNB", 0x000000F8, REG_RW},
    {&sim_regs_flash, "OPTCR", "nWRP", 0x0FFF0000, REG_RW},
    {&sim_regs_syscfg, "MEMRMP", "MEM_BOOT", 1u << 0, REG_RO},
    {&sim_regs_syscfg, "MEMRMP", "SWP_FB", 1u << 8, REG_RW},
    {&sim_regs_syscfg, "CMPCR", "CMP_PD", 1u << 0, REG_RW},
    {&sim_regs_syscfg, "CMPCR", "READY", 1u << 8, REG_RO},
    {&sim_regs_crc, "CR", "RESET", 1u << 0, REG_WO},
    {&sim_regs_crc, "CR", "REV_IN", 0x00000060, REG_RW},
    {&sim_regs_usart, "BRR", "BRR", 0x0000FFFF, REG_RW},
    {&sim_regs_usart, "CR2", "ADD", 0xFF000000, REG_RW},
    {&sim_regs_quadspi, "CR", "FTHRES", 0x00001F00, REG_RW},
    {&sim_regs_quadspi, "CR", "PRESCALER", 0xFF000000, REG_RW},
    {&sim_regs_quadspi, "DCR", "FSIZE", 0x001F0000, REG_RW},
    {&sim_regs_quadspi, "SR", "FLEVEL", 0x00003F00, REG_RO},
    {&sim_regs_quadspi, "SR", "BUSY", 1u << 5, REG_RO},
    {&sim_regs_quadspi, "FCR", "CTCF", 1u << 1, REG_WO},
    {&sim_regs_quadspi, "CCR", "DCYC", 0x007C0000, REG_RW},
    {&sim_regs_quadspi, "CCR", "FMODE", 0x0C000000, REG_RW},
    {&sim_regs_quadspi, "CCR", "SIOO", 1u << 28, REG_RW},
    {&sim_regs_otg_hs, "GOTGCTL", "BVALOEN", 1u << 6, REG_RW},
    {&sim_regs_otg_hs, "GOTGCTL", "BVALOVAL", 1u << 7, REG_RW},
    {&sim_regs_otg_fs, "GAHBCFG", "DMAEN", 1u << 5, REG_RW},
    {&sim_regs_otg_hs, "GUSBCFG", "TRDT", 0x00003C00, REG_RW},
    {&sim_regs_otg_hs, "GUSBCFG", "ULPI_UTMI_SEL", 1u << 4, REG_RW},
    {&sim_regs_otg_fs, "GUSBCFG", "PHYSEL", 1u << 6, REG_RO},
    {&sim_regs_otg_hs, "GINTSTS", "GONAKEFF", 1u << 7, REG_RO},
    {&sim_regs_otg_fs, "GINTSTS", "WKUPINT", 1u << 31, REG_RW},
    {&sim_regs_otg_hs, "GRXSTSP", "PKTSTS", 0x001E0000, REG_RO},
    {&sim_regs_otg_hs, "DCFG", "XCVRDLY", 1u << 14, REG_RW},
    {&sim_regs_otg_hs, "DCFG", "DAD", 0x000007F0, REG_RW},
    {&sim_regs_otg_hs, "DIEPMSK", "NAKM", 1u << 13, REG_RW},
    {&sim_regs_otg_fs, "DOEPMSK", "NYETM", 1u << 14, REG_RW},
    {&sim_regs_otg_hs, "DOEPMSK", "BERRM", 1u << 12, REG_RW},
    {&sim_regs_otg_hs, "DIEPCTL0", "MPSIZ", 0x00000003, REG_RW},
    {&sim_regs_otg_hs, "DIEPCTL1", "MPSIZ", 0x000007FF, REG_RW},
    {&sim_regs_otg_hs, "DIEPTSIZ0", "PKTCNT", 0x00180000, REG_RW},
    {&sim_regs_otg_hs, "DOEPTSIZ0", "PKTCNT", 0x00080000, REG_RW},
    {&sim_regs_otg_hs, "DOEPTSIZ0", "STUPCNT", 0x60000000, REG_RW},
    {&sim_regs_otg_hs, "DOEPTSIZ8", "PKTCNT", 0x1FF80000, REG_RW},
    {&sim_regs_otg_hs, "DOEPINT0", "STPKTRX", 1u << 15, REG_RW},
    {&sim_regs_otg_hs, "DOEPINT0", "OTEPSPR", 1u << 5, REG_RW},
    {&sim_regs_otg_hs, "HPRT", "PSPD", 0x00060000, REG_RO},
    {&sim_regs_scb, "SHCSR", "USGFAULTENA", 1u << 18, REG_RW},
    {&sim_regs_scb, "CFSR", "PRECISERR", 1u << 9, REG_RW},
    {&sim_regs_scb, "AIRCR", "PRIGROUP", 0x00000700, REG_RW},
    {&sim_regs_scb, "CCR", "DC", 1u << 16, REG_RW},
    {&sim_regs_mpu, "RASR", "SIZE", 0x0000003E, REG_RW},
    {&sim_regs_mpu, "RBAR", "ADDR", 0xFFFFFFE0, REG_RW},
    {&sim_regs_stk, "CTRL", "COUNTFLAG", 1u << 16, REG_RO},
};

static void fields_are_as_in_the_manuals(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof field_facts / sizeof *field_facts; i++) {
    const struct field_fact *fact = &field_facts[i];
    const struct reg_desc *reg = find(fact->block, fact->reg);
    const struct reg_field *field = NULL;
    for (unsigned f = 0; f < reg->field_count; f++) {
      if (!strcmp(reg->fields[f].name, fact->field)) field = &reg->fields[f];
    }
    if (!field || mask_of(field) != fact->mask || field->access != fact->access) {
      fail_msg("%s.%s.%s is not as expected", fact->block->name, fact->reg,
               fact->field);
    }
  }
}

// ST's HAL clears every bit of this mask in each endpoint's interrupt register.
static void endpoint_interrupts_cover_what_stacks_clear(void **state) {
  (void)state;
  assert_int_equal(find(&sim_regs_otg_hs, "DIEPINT8")->known & 0xFB7F, 0xFB7F);
  assert_int_equal(find(&sim_regs_otg_fs, "DOEPINT5")->known & 0xFB7F, 0xFB7F);
}

// --- macros ---------------------------------------------------------------------

static void macros_agree_with_the_tables(void **state) {
  (void)state;
  assert_int_equal(SIM_OTG_DIEPCTL(3), find(&sim_regs_otg_hs, "DIEPCTL3")->offset);
  assert_int_equal(SIM_OTG_DOEPTSIZ(8), find(&sim_regs_otg_hs, "DOEPTSIZ8")->offset);
  assert_int_equal(SIM_OTG_DIEPTXF(1), SIM_OTG_DIEPTXF1);
  assert_int_equal(SIM_OTG_DIEPTXF(15), SIM_OTG_DIEPTXF15);
  assert_int_equal(SIM_OTG_HCCHAR(11), find(&sim_regs_otg_fs, "HCCHAR11")->offset);
  assert_int_equal(SIM_RTC_BKPR(31), 0xCC);
  assert_int_equal(SIM_NVIC_IPR(1), 0x304);
  assert_int_equal(SIM_OTG_DIEPCTL_MPSIZ, 0x000007FF);
  assert_int_equal(SIM_OTG_DIEPCTL0_MPSIZ, 0x00000003);
  assert_int_equal(SIM_GET(0x00001F00u, SIM_QUADSPI_CR_FTHRES), 31);
}

// --- all peripherals ------------------------------------------------------------

static const struct sim_peripheral *peripheral(const char *name) {
  for (size_t i = 0; i < sim_peripheral_count; i++) {
    if (!strcmp(sim_peripherals[i].name, name)) return &sim_peripherals[i];
  }
  fail_msg("no peripheral %s", name);
  return NULL;
}

static void peripherals_ascend_without_overlap(void **state) {
  (void)state;
  assert_true(sim_peripheral_count > 80);
  for (size_t i = 1; i < sim_peripheral_count; i++) {
    const struct sim_peripheral *low = &sim_peripherals[i - 1];
    assert_true(low->size > 0);
    assert_true(low->base + low->size <= sim_peripherals[i].base);
  }
}

static void peripherals_are_as_in_the_manual(void **state) {
  (void)state;
  assert_int_equal(peripheral("QUADSPI")->base, 0xA0001000);
  assert_int_equal(peripheral("QUADSPI")->size, 0x1000);
  assert_int_equal(peripheral("QUADSPI")->irqs[0], 92);
  assert_int_equal(peripheral("OTG_FS")->base, 0x50000000);
  assert_int_equal(peripheral("OTG_HS")->base, 0x40040000);
  assert_int_equal(peripheral("OTG_HS")->irq_count, 4);
  assert_int_equal(peripheral("OTG_HS")->irqs[3], 77);
  assert_int_equal(peripheral("FLASH")->base, 0x40023C00);
  assert_int_equal(peripheral("GPIOK")->base, 0x40022800);
  assert_int_equal(peripheral("GPIOK")->size, 0x400);
  assert_int_equal(peripheral("DBGMCU")->base, 0xE0042000);
  assert_int_equal(peripheral("SDMMC2")->base, 0x40011C00);
  assert_int_equal(SIM_BASE_NVIC, 0xE000E100);
  assert_int_equal(SIM_IRQ_OTG_HS, 77);
  assert_int_equal(SIM_IRQ_USART1, 37);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(offsets_ascend_by_words),
      cmocka_unit_test(names_are_unique),
      cmocka_unit_test(masks_are_the_union_of_fields),
      cmocka_unit_test(resets_lie_inside_fields),
      cmocka_unit_test(registers_are_as_in_the_manuals),
      cmocka_unit_test(fields_are_as_in_the_manuals),
      cmocka_unit_test(endpoint_interrupts_cover_what_stacks_clear),
      cmocka_unit_test(macros_agree_with_the_tables),
      cmocka_unit_test(peripherals_ascend_without_overlap),
      cmocka_unit_test(peripherals_are_as_in_the_manual),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
