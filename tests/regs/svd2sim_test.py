#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests tools/svd2sim with a small SVD: every kind of correction does what it says,
and every mistake in the input is refused with words that name it."""
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/svd2sim"


def field(name, bit, width, access=None):
    text = f"<access>{access}</access>" if access else ""
    return (f"<field><name>{name}</name><bitOffset>{bit}</bitOffset>"
            f"<bitWidth>{width}</bitWidth>{text}</field>")


def register(name, offset, *fields, reset="0x0", access="read-write"):
    return (f"<register><name>{name}</name><addressOffset>{offset}</addressOffset>"
            f"<access>{access}</access><resetValue>{reset}</resetValue>"
            f"<fields>{''.join(fields)}</fields></register>")


SVD = f"""<device><peripherals>
<peripheral><name>DEMO</name><baseAddress>0x40000000</baseAddress>
<addressBlock><offset>0</offset><size>0x400</size></addressBlock>
<interrupt><name>DemoA</name><value>7</value></interrupt>
<interrupt><name>DemoB</name><value>5</value></interrupt>
<registers>
{register("P_SR", "0x4", field("RDY", 0, 1), field("CNT", 8, 7), access="read-only")}
{register("P_CR", "0x0", field("EN", 0, 1), field("N0", 4, 1), field("N1", 5, 1),
          field("F", 16, 4, "write-only"), reset="0x00000001")}
{register("P_D0", "0x10", field("V", 0, 8))}
{register("P_D1", "0x14", field("V", 0, 8))}
{register("P_D2", "0x18", field("V", 0, 8))}
</registers></peripheral>
<peripheral derivedFrom="DEMO"><name>DEMO2</name><baseAddress>0x40000400</baseAddress>
</peripheral></peripherals></device>
"""

BLOCK = '[[block]]\ntable = "demo"\nsvd = "DEMO"\nstrip = "P_"\n'
SOURCE = 'source = "the manual"\n'


def fix(text, block="demo", source=SOURCE):
    return f'[[fix]]\nblock = "{block}"\n{text}\n{source}'


def added(text, source=SOURCE):
    return f'[[register]]\nblock = "demo"\n{text}\n{source}'


def generate(corrections, svd=SVD):
    """(exit status, what it said, header, source) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "in.svd").write_text(svd)
        paths = []
        for i, text in enumerate(corrections):
            paths.append(here / f"{i}.toml")
            paths[-1].write_text(text)
        done = subprocess.run(
            [TOOL, "--svd", here / "in.svd", "--out", here / "out", *paths],
            capture_output=True, text=True, timeout=60, check=False)
        made = [here / "out" / name for name in ("sim_regs.h", "sim_regs.c")]
        texts = [p.read_text() if p.exists() else "" for p in made]
        return done.returncode, done.stderr, *texts


# (what is tried, corrections, lines that the header must have, and must not have)
HEADER_CASES = (
    ("plain block", "",
     ("#define SIM_DEMO_CR 0x000u", "#define SIM_DEMO_CR_EN 0x00000001u",
      "#define SIM_DEMO_CR_F 0x000F0000u", "#define SIM_DEMO_SR_CNT 0x00007F00u",
      "extern const struct reg_block sim_regs_demo;", "#define SIM_IRQ_DEMOA 7u",
      "#define SIM_BASE_DEMO2 0x40000400u"), ()),
    ("field set", fix('reg = "SR"\nfields = ["CNT 13:8"]'),
     ("#define SIM_DEMO_SR_CNT 0x00003F00u",), ()),
    ("merge", fix('reg = "CR"\nmerge = ["N"]'),
     ("#define SIM_DEMO_CR_N 0x00000030u",), ("#define SIM_DEMO_CR_N0 0x00000010u",)),
    ("rename field", fix('reg = "CR"\nrename = { EN = "ON" }'),
     ("#define SIM_DEMO_CR_ON 0x00000001u",), ("#define SIM_DEMO_CR_EN 0x00000001u",)),
    ("rename and move register", fix('reg = "CR"\nname = "CTRL"\noffset = 0x20'),
     ("#define SIM_DEMO_CTRL 0x020u",), ("#define SIM_DEMO_CR 0x000u",)),
    ("drop register", '[[drop]]\nblock = "demo"\nregisters = ["D*"]\n' + SOURCE,
     ("#define SIM_DEMO_CR 0x000u",), ("#define SIM_DEMO_D0 0x010u",)),
    ("drop field", fix('reg = "CR"\ndrop = ["F"]'), (),
     ("#define SIM_DEMO_CR_F 0x000F0000u",)),
    ("upper-case macros", fix('reg = "CR"\nrename = { F = "nF" }'),
     ("#define SIM_DEMO_CR_NF 0x000F0000u",), ()),
    ("existing array", '[[array]]\nblock = "demo"\nname = "D%"\ncount = 3\n',
     ("#define SIM_DEMO_D(n) (0x010u + 0x04u * (uint32_t)(n))",
      "#define SIM_DEMO_D_V 0x000000FFu", "#define SIM_DEMO_D2 0x018u"), ()),
    ("array whose first register is special", fix('reg = "D0"\nfields = ["V 3:0"]')
     + '[[array]]\nblock = "demo"\nname = "D%"\ncount = 3\n',
     ("#define SIM_DEMO_D_V 0x000000FFu", "#define SIM_DEMO_D0_V 0x0000000Fu"), ()),
    ("new array, from 1",
     added('name = "E%R"\nfirst = 1\ncount = 2\noffset = 0x40\nstride = 8\n'
           'fields = ["V 31:0"]'),
     ("#define SIM_DEMO_ER(n) (0x038u + 0x08u * (uint32_t)(n))",
      "#define SIM_DEMO_E1R 0x040u", "#define SIM_DEMO_E2R 0x048u",
      "#define SIM_DEMO_ER_V 0xFFFFFFFFu"), ()),
    ("core block", '[[block]]\ntable = "core"\nbase = 0xE0000000\n' + SOURCE
     + added('name = "X"\noffset = 0\nfields = ["B 0"]').replace("demo", "core"),
     ("#define SIM_CORE_X 0x000u", "#define SIM_BASE_CORE 0xE0000000u"), ()),
    ("parts", '[[block]]\ntable = "two"\nparts = [{ svd = "DEMO", at = 0x80 }]\n',
     ("#define SIM_TWO_P_CR 0x080u",), ()),
    ("merged peripherals", '[[peripheral]]\nname = "BOTH"\nbase = 0x40000000\n'
     'size = 0x800\nreplaces = ["DEMO", "DEMO2"]\n' + SOURCE,
     ("#define SIM_BASE_BOTH 0x40000000u",), ("#define SIM_BASE_DEMO2 0x40000400u",)),
)

# (what is tried, corrections, lines that the source must have)
SOURCE_CASES = (
    ("ascending, with reset and masks", "",
     ('    {"CR", 0x000u, 0x00000001u, 0x000F0031u, 0x00000000u, fields_demo_CR, 4},\n'
      '    {"SR", 0x004u, 0x00000000u, 0x00007F01u, 0x00007F01u, fields_demo_SR, 2},',
      '    {"F", 16, 4, REG_WO},',
      '    {"RDY", 0, 1, REG_RO},\n    {"CNT", 8, 7, REG_RO},\n',
      'const struct reg_block sim_regs_demo = {"DEMO", regs_demo, 5};')),
    ("peripherals by base, with interrupts in order", "",
     ('    {"DEMO", 0x40000000u, 0x400u, 2, {5, 7}},\n'
      '    {"DEMO2", 0x40000400u, 0x400u, 0, {0}},', "sim_peripheral_count = 2;")),
    ("access of a register", fix('reg = "CR"\naccess = "ro"'),
     ('{"CR", 0x000u, 0x00000001u, 0x000F0031u, 0x000F0031u,',)),
    ("access of a field", fix('reg = "SR"\nfields = ["RDY 0 rw"]'),
     ('{"SR", 0x004u, 0x00000000u, 0x00007F01u, 0x00007F00u,',)),
    ("reset", fix('reg = "CR"\nreset = 0x30'), ('{"CR", 0x000u, 0x00000030u,',)),
    ("reset bits without a field", fix('reg = "CR"\nreset = 0x102\nkeep_reset = 0x102'),
     ('{"CR", 0x000u, 0x00000102u, 0x000F0031u,',)),
    ("reset by table", '[[block]]\ntable = "b"\nprefix = "DEMO"\nsvd = "DEMO2"\n'
     'strip = "P_"\n[[fix]]\nblock = ["demo", "b"]\nreg = "CR"\n'
     "reset = { demo = 0x10, b = 0x20 }\n" + SOURCE,
     ('{"CR", 0x000u, 0x00000010u,', '{"CR", 0x000u, 0x00000020u,')),
    ("plain, shared by what is derived", '[[plain]]\nsvd = ["DEMO"]\n',
     ('static const struct reg_block sim_regs_plain_demo = {"DEMO", ',
      '    {"P_CR", 0x000u, 0x00000001u, 0x000F0031u, 0x00000000u, ',
      "    &sim_regs_plain_demo,\n    &sim_regs_plain_demo,\n")),
    ("not plain", "", ("    NULL,\n    NULL,\n",)),
)

# (what is tried, corrections, words of the refusal)
REFUSED = (
    ("plain unknown", '[[plain]]\nsvd = ["X"]\n', "has no peripheral X"),
    ("plain derived", '[[plain]]\nsvd = ["DEMO2"]\n', "DEMO2 is derived"),
    ("no source", fix('reg = "CR"\nreset = 0', source=""), "no source"),
    ("empty source", fix('reg = "CR"\nreset = 0', source='source = ""'), "no source"),
    ("core block without source", '[[block]]\ntable = "core"\nbase = 0\n', "no source"),
    ("same reset", fix('reg = "CR"\nreset = 1'), "reset is so already"),
    ("same field", fix('reg = "CR"\nfields = ["EN 0"]'), "EN is so already"),
    ("same access", fix('reg = "SR"\naccess = "ro"'), "access is so already"),
    ("same name", fix('reg = "CR"\nname = "CR"'), "name is so already"),
    ("fix of nothing", fix('reg = "CR"'), "changes nothing"),
    ("peripheral unchanged",
     '[[peripheral]]\nsvd = "DEMO"\nname = "DEMO"\n' + SOURCE, "changes nothing"),
    ("overlap", fix('reg = "CR"\nfields = ["X 5:4"]'), "overlaps another field"),
    ("beyond bit 31", fix('reg = "CR"\nfields = ["X 32:20"]'), "beyond bit 31"),
    ("bits reversed", fix('reg = "CR"\nfields = ["X 20:22"]'), "bits reversed"),
    ("not a field", fix('reg = "CR"\nfields = ["X"]'), 'is not "NAME bit"'),
    ("bad access", fix('reg = "CR"\nfields = ["X 20 read"]'), 'is not "NAME bit"'),
    ("reset outside fields", fix('reg = "CR"\nreset = 2'), "that no field names"),
    ("keep_reset too wide", fix('reg = "CR"\nkeep_reset = 1'), "that no field names"),
    ("two at one offset", fix('reg = "CR"\noffset = 4'), "share an offset"),
    ("not on a word", fix('reg = "CR"\noffset = 2'), "is not on a word"),
    ("name taken", fix('reg = "CR"\nname = "SR"'), "two registers SR"),
    ("register exists", added('name = "CR"\noffset = 0x40\nfields = ["A 0"]'),
     "has CR already"),
    ("no fields", added('name = "X"\noffset = 0x40\nfields = []'), "has no field"),
    ("field twice", added('name = "X"\noffset = 0x40\nfields = ["A 0", "A 1"]'),
     "names a field twice"),
    ("% without count", added('name = "X%"\noffset = 0x40\nfields = ["A 0"]'),
     "% or count alone"),
    ("unknown block", fix('reg = "CR"\nreset = 0', block="other"), "no block other"),
    ("unknown register", fix('reg = "XR"\nreset = 0'), "has no register XR"),
    ("unknown field dropped", fix('reg = "CR"\ndrop = ["X"]'), "has no field X"),
    ("unknown field renamed", fix('reg = "CR"\nrename = { X = "Y" }'), "cannot rename X"),
    ("rename onto another", fix('reg = "CR"\nrename = { EN = "F" }'), "cannot rename EN"),
    ("nothing to merge", fix('reg = "CR"\nmerge = ["F"]'), "nothing to merge"),
    ("unknown drop", '[[drop]]\nblock = "demo"\nregisters = ["X*"]\n' + SOURCE,
     "has no register X*"),
    ("uneven array", '[[array]]\nblock = "demo"\nname = "D%"\ncount = 3\n'
     + fix('reg = "D2"\noffset = 0x1C'), "uneven array"),
    ("array too long", '[[array]]\nblock = "demo"\nname = "D%"\ncount = 4\n',
     "not all of"),
    ("unknown key", fix('reg = "CR"\nrest = 0'), "unknown key ['rest']"),
    ("missing key", added('name = "X"\nfields = ["A 0"]'), "lacks the key 'offset'"),
    ("unknown kind", '[[fixed]]\nblock = "demo"\n', "[[fixed]] is not a kind"),
    ("block twice", BLOCK, "two blocks demo"),
    ("unknown peripheral", '[[block]]\ntable = "x"\nsvd = "NONE"\n', "no peripheral NONE"),
    ("overlapping peripherals",
     '[[peripheral]]\nname = "X"\nbase = 0x40000200\nsize = 4\n' + SOURCE, "overlaps"),
    ("macros disagree", '[[block]]\ntable = "b"\nprefix = "DEMO"\nsvd = "DEMO"\n'
     'strip = "P_"\n' + fix('reg = "CR"\noffset = 0x40', block="b"), "in one table and"),
    ("not TOML", "[[fix", "svd2sim:"),
)

BAD_SVD = (
    ("not XML", "<device>", "svd2sim:"),
    ("no bit offset", SVD.replace("<bitOffset>16</bitOffset>", ""), "<bitOffset> missing"),
    ("field twice", SVD.replace("<name>N1</name>", "<name>N0</name>"), "N0 appears twice"),
    ("register twice", SVD.replace("P_SR", "P_CR"), "CR appears twice"),
)


def check_header():
    for title, text, wanted, unwanted in HEADER_CASES:
        status, said, header, _ = generate([BLOCK + text])
        lines = set(header.splitlines())
        ok = status == 0 and lines.issuperset(wanted) and not lines.intersection(unwanted)
        yield title, ok, (said, [w for w in wanted if w not in lines])


def check_source():
    for title, text, wanted in SOURCE_CASES:
        status, said, _, source = generate([BLOCK + text])
        missing = [w for w in wanted if w not in source]
        yield title, status == 0 and not missing, (said, missing)


def check_refused():
    for title, text, words in REFUSED:
        status, said, header, _ = generate([BLOCK + text])
        ok = status == 1 and words in said and not header and "Traceback" not in said
        yield title, ok, said
    for title, svd, words in BAD_SVD:
        status, said, header, _ = generate([BLOCK], svd)
        yield title, status == 1 and words in said and not header, said


def check_determinism():
    """Two runs, and another order of the files, give the same bytes."""
    other = '[[block]]\ntable = "another"\nsvd = "DEMO2"\n'
    first = generate([BLOCK, other])
    yield "same again", first[0] == 0 and first == generate([BLOCK, other]), first[1]
    yield "order of files", first == generate([other, BLOCK]), first[1]


def check_real_files():
    """The chip's own SVD and corrections: they generate, and no source is a stub."""
    svd = (ROOT / "tests/vectors/svd/STM32F769.svd").read_text()
    texts = [p.read_text() for p in sorted((ROOT / "sim/models/corrections").glob("*.toml"))]
    status, said, header, _ = generate(texts, svd)
    yield "generates", status == 0 and "SIM_QUADSPI_CR_FTHRES" in header, said
    sources = [entry["source"] for text in texts
               for entries in tomllib.loads(text).values()
               for entry in entries if "source" in entry]
    yield "sources", len(sources) > 100 and min(map(len, sources)) >= 7, len(sources)


def main():
    passed = failed = 0
    for check in (check_header, check_source, check_refused, check_determinism,
                  check_real_files):
        for title, ok, seen in check():
            passed, failed = passed + bool(ok), failed + (not ok)
            if not ok:
                print(f"FAILED {check.__name__}: {title}: {seen}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
