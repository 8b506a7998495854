#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests tests/regs/regs_test.py with small headers, right and wrong.

A comparer that reports nothing would pass everything, so most cases are headers
with one mistake each, which must be reported in words that name it.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import regs_test  # noqa: E402  (the script beside this one)

# A header without a mistake, in every form of the grammar. The numbers are typed
# from RM0410 and the ARMv7-M manual.
RIGHT = """\
// SPDX-License-Identifier: MIT
#pragma once
#define QUADSPI_BASE 0xA0001000u
#define OTG_HS_BASE 0x40040000u
#define GPIOB_BASE 0x40020400u
#define SCB_BASE 0xE000ED00u
#define QUADSPI_CR 0x00u
#define QUADSPI_CR_EN FIELD_BIT(0)
#define QUADSPI_CR_FTHRES FIELD(8, 5)  // threshold, less one
#define QUADSPI_CCR 0x14u
#define QUADSPI_CCR_DDRM FIELD_BIT(31)
#define   QUADSPI_DLR   0x10u
#define QUADSPI_DLR_DL FIELD(0, 32)
#define GPIO_BSRR 0x18u
#define RCC_PLLCFGR 0x04u
#define RCC_PLLCFGR_PLLN FIELD(6, 9)
#define FLASH_OPTCR_NWRP FIELD(16, 12)
#define OTG_GOTGCTL_BVALOEN FIELD_BIT(6)
#define OTG_DIEPCTL(n) (0x900u + 0x20u * (n))
#define OTG_DIEPCTL_MPSIZ FIELD(0, 11)
#define OTG_DIEPCTL0_MPSIZ FIELD(0, 2)
#define OTG_DOEPTSIZ 0xB10u
#define OTG_DOEPDMA8 0xC14u
#define SCB_VTOR 0x08u
#define NVIC_IPR(n) (0x300u + 0x04u * (n))
"""

NO_EXCEPTIONS = ""

# (what is tried, header, exceptions, words that some error must have)
WRONG = (
    ("wrong offset", "#define QUADSPI_CR 0x04u\n", NO_EXCEPTIONS,
     "QUADSPI_CR is register 0x4, the simulator has register 0x0"),
    ("wrong width", "#define QUADSPI_CR_FTHRES FIELD(8, 4)\n", NO_EXCEPTIONS,
     "QUADSPI_CR_FTHRES is field 0xf00, the simulator has field 0x1f00"),
    ("wrong position", "#define RCC_CR_PLLON FIELD_BIT(25)\n", NO_EXCEPTIONS,
     "RCC_CR_PLLON is field 0x2000000, the simulator has field 0x1000000"),
    ("wrong stride", "#define OTG_DIEPCTL(n) (0x900u + 0x10u * (n))\n", NO_EXCEPTIONS,
     "OTG_DIEPCTL is array 0x900 + n * 0x10, the simulator has array 0x900 + n * 0x20"),
    ("wrong array start", "#define OTG_DIEPCTL 0x800u\n", NO_EXCEPTIONS,
     "OTG_DIEPCTL is register 0x800, the simulator has register 0x900"),
    ("wrong base", "#define QUADSPI_BASE 0xA0000000u\n", NO_EXCEPTIONS,
     "QUADSPI_BASE is 0xa0000000, the simulator has 0xa0001000"),
    ("unknown base", "#define QUADSPI2_BASE 0xA0001000u\n", NO_EXCEPTIONS,
     "no peripheral QUADSPI2"),
    ("unknown register", "#define QUADSPI_CRX 0x00u\n", NO_EXCEPTIONS,
     "QUADSPI_CRX: the simulator has no register"),
    ("unknown field", "#define QUADSPI_CR_ENABLE FIELD_BIT(0)\n", NO_EXCEPTIONS,
     "QUADSPI_CR_ENABLE: the simulator has no field"),
    ("unknown array", "#define RCC_CR(n) (0x000u + 0x04u * (n))\n", NO_EXCEPTIONS,
     "RCC_CR: the simulator has no array"),
    ("a register typed as a field", "#define QUADSPI_CR FIELD_BIT(0)\n", NO_EXCEPTIONS,
     "QUADSPI_CR: the simulator has no field"),
    ("a field typed as a register", "#define QUADSPI_CR_EN 0x01u\n", NO_EXCEPTIONS,
     "QUADSPI_CR_EN: the simulator has no register"),
    ("another form", RIGHT + "#define QUADSPI_SR (0x08u)\n", NO_EXCEPTIONS, "not in the grammar"),
    ("no suffix", RIGHT + "#define QUADSPI_SR 0x08\n", NO_EXCEPTIONS, "not in the grammar"),
    ("twice", "#define QUADSPI_CR 0x00u\n#define QUADSPI_CR 0x00u\n", NO_EXCEPTIONS,
     "QUADSPI_CR is defined twice"),
    ("nothing at all", "#pragma once\n", NO_EXCEPTIONS, "no register definition found"),
    ("unused rename", RIGHT,
     '[[rename]]\nfirmware = "A_B"\nsim = "RCC_CR"\nsource = "x"\n',
     "exception A_B is of no use"),
    ("unused block", RIGHT, '[[block]]\nfirmware = "DWC2"\nsim = "OTG"\nsource = "x"\n',
     "exception DWC2 is of no use"),
    ("unused constant", RIGHT, '[[constant]]\nnames = ["KEY"]\nsource = "x"\n',
     "exception KEY is of no use"),
    ("exception without source", RIGHT, '[[constant]]\nnames = ["KEY"]\n',
     "is incomplete"),
    ("exception with an empty source", RIGHT,
     '[[constant]]\nnames = ["KEY"]\nsource = ""\n', "is incomplete"),
    ("unknown kind of exception", RIGHT, '[[ignore]]\nnames = ["KEY"]\nsource = "x"\n',
     "is incomplete"),
)

# (what is tried, header, exceptions, registers, fields)
GOOD = (
    ("every form", RIGHT, NO_EXCEPTIONS, 10, 9),
    ("another block name", "#define DWC2_GRXFSIZ 0x24u\n#define DWC2_DCFG_DAD FIELD(4, 7)\n",
     '[[block]]\nfirmware = "DWC2"\nsim = "OTG"\nsource = "x"\n', 1, 1),
    ("a renamed field", "#define OTG_GINTSTS_WKUINT FIELD_BIT(31)\n",
     '[[rename]]\nfirmware = "OTG_GINTSTS_WKUINT"\nsim = "OTG_GINTSTS_WKUPINT"\n'
     'source = "x"\n', 0, 1),
    ("a constant", "#define FLASH_KEY1 0x45670123u\n#define FLASH_KEYR 0x04u\n",
     '[[constant]]\nnames = ["FLASH_KEY1"]\nsource = "x"\n', 1, 0),
)


def run(header, exceptions, model, generated):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "deep").mkdir()
        (Path(folder) / "deep" / "some_regs.h").write_text(header)
        (Path(folder) / "other.h").write_text("#define NOT_LOOKED_AT 1\n")
        toml = Path(folder) / "exceptions.toml"
        toml.write_text(exceptions)
        result = regs_test.Result()
        firmware = regs_test.read_firmware([folder], result)
        regs_test.compare(firmware, generated, model,
                          regs_test.Exceptions(toml, result), result)
        return result


def exit_status(header):
    """What the script itself answers, as CI calls it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "some_regs.h").write_text(header)
        toml = Path(folder) / "exceptions.toml"
        toml.write_text("")
        done = subprocess.run(
            [sys.executable, regs_test.__file__, "--exceptions", toml, folder],
            capture_output=True, text=True, timeout=900, check=False)
        return done.returncode, done.stdout


def check_good(model, generated):
    for title, header, exceptions, registers, fields in GOOD:
        result = run(header, exceptions, model, generated)
        counts = (result.total("register"), result.total("field"))
        yield title, not result.errors and counts == (registers, fields), \
            f"{result.errors} {counts}"


def check_wrong(model, generated):
    for title, header, exceptions, words in WRONG:
        result = run(header, exceptions, model, generated)
        yield title, len(result.errors) == 1 and words in result.errors[0], result.errors


def check_explained(model, generated):
    """FLEVEL has another width in the SVD and DIEPDMA1 another place: the sources of
    their corrections must be counted. PLLON is right there."""
    header = ("#define QUADSPI_SR_FLEVEL FIELD(8, 6)\n#define OTG_DIEPDMA1 0x934u\n"
              "#define RCC_CR_PLLON FIELD_BIT(24)\n")
    result = run(header, "", model, generated)
    sources = sorted(result.explained)
    yield "explained", result.agreed == 1 and len(sources) == 2 \
        and "QUADSPI_SR_FLEVEL" in sources[0] and "DIEPDMA" in sources[1], \
        (result.agreed, sources)
    for block, reg, item in regs_test.model_index(model)["QUADSPI_SR_FLEVEL"]:
        item.source, reg.source = "", ""
    result = run(header, "", model, generated)
    yield "unexplained", len(result.errors) == 1 \
        and "no correction says why" in result.errors[0], result.errors


def check_exit_status(_model, _generated):
    status, output = exit_status(RIGHT)
    yield "exit 0", status == 0 and "10 registers, 9 fields, 4 bases" in output, output
    status, output = exit_status(WRONG[0][1])
    yield "exit 1", status == 1 and "1 differences" in output, output


def main():
    root = regs_test.ROOT
    model = regs_test.svd2sim.build(root / "tests/vectors/svd/STM32F769.svd",
                                    sorted((root / "sim/models/corrections").glob("*.toml")))
    generated = regs_test.generated_header(model)
    passed = failed = 0
    for check in (check_good, check_wrong, check_exit_status, check_explained):
        for title, ok, seen in check(model, generated):
            passed, failed = passed + bool(ok), failed + (not ok)
            if not ok:
                print(f"FAILED {check.__name__}: {title}: {seen}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
