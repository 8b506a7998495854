#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the register definitions of three origins.

    regs_test.py [--svd F] [--corrections DIR] [--exceptions F] FOLDER...

The firmware's, typed by hand in FOLDER/*_regs.h, with the simulator's, generated
by tools/svd2sim; and both with the raw SVD, where each difference must be
explained by a correction with a source. Prints what was compared; exit 0 only if
every definition agrees and at least one was found.
"""
import argparse
import importlib.machinery
import importlib.util
import re
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def load_svd2sim():
    """tools/svd2sim as a module; it has no .py because it is a command."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("svd2sim", str(ROOT / "tools/svd2sim"))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("svd2sim", loader))
    sys.modules["svd2sim"] = module
    loader.exec_module(module)
    return module


svd2sim = load_svd2sim()


@dataclass(frozen=True)
class Define:
    """One register macro of either side."""
    kind: str   # "base", "register", "array" or "field"
    value: tuple  # base: (address,), register: (offset,), array: (offset, stride),
    #               field: (mask,)
    where: str = ""


@dataclass
class Result:
    errors: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)        # block -> Counter of kinds
    explained: Counter = field(default_factory=Counter)  # source -> differences
    agreed: int = 0  # definitions that the raw SVD has just so

    def count(self, block, kind):
        self.counts.setdefault(block, Counter())[kind] += 1

    def total(self, kind):
        return sum(c[kind] for c in self.counts.values())


# --- reading headers -------------------------------------------------------

HEX = r"0x([0-9A-Fa-f]+)u"
FIRMWARE_GRAMMAR = (
    ("base", re.compile(rf"(\w+)_BASE {HEX}")),
    ("register", re.compile(rf"(\w+) {HEX}")),
    ("array", re.compile(rf"(\w+)\(n\) \({HEX} \+ {HEX} \* (?:\(uint32_t\))?\(n\)\)")),
    ("field", re.compile(r"(\w+) FIELD\((\d+), (\d+)\)")),
    ("bit", re.compile(r"(\w+) FIELD_BIT\((\d+)\)")),
)


def mask_of(lsb, width):
    return ((1 << width) - 1) << lsb


def parse_define(text, where):
    """(name, Define) of one macro in the firmware's grammar, or None."""
    for kind, pattern in FIRMWARE_GRAMMAR:
        match = pattern.fullmatch(text)
        if not match:
            continue
        name, *numbers = match.groups()
        if kind in ("field", "bit"):
            lsb, width = int(numbers[0]), int(numbers[1]) if kind == "field" else 1
            return name, Define("field", (mask_of(lsb, width),), where)
        return name, Define(kind, tuple(int(n, 16) for n in numbers), where)
    return None


def read_firmware(folders, result):
    """name -> Define of every *_regs.h; what the grammar does not know is an error."""
    found = {}
    for path in sorted(p for folder in folders for p in Path(folder).rglob("*_regs.h")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            text = " ".join(line.split("//")[0].split())
            if not text.startswith("#define "):
                continue
            where = f"{path.name}:{number}"
            parsed = parse_define(text.removeprefix("#define "), where)
            if not parsed:
                result.errors.append(f"{where}: not in the grammar: {text}")
                continue
            name, made = parsed
            name = f"{name}_BASE" if made.kind == "base" else name
            if name in found:
                result.errors.append(f"{where}: {name} is defined twice")
            found[name] = made
    return found


SIM_GRAMMAR = (
    ("base", re.compile(rf"#define SIM_BASE_(\w+) {HEX}")),
    ("register", re.compile(r"#define SIM_(\w+) 0x([0-9A-F]{3})u")),
    ("array", re.compile(rf"#define SIM_(\w+)\(n\) \({HEX} \+ {HEX} \* \(uint32_t\)\(n\)\)")),
    ("field", re.compile(r"#define SIM_(\w+) 0x([0-9A-F]{8})u")),
)


def read_sim(header):
    """name -> {kind: Define} of the generated header."""
    found = {}
    for line in header.splitlines():
        for kind, pattern in SIM_GRAMMAR:
            match = pattern.fullmatch(line)
            if match:
                name, *numbers = match.groups()
                value = tuple(int(n, 16) for n in numbers)
                found.setdefault(name.upper(), {})[kind] = Define(kind, value)
                break
    return found


# --- exceptions ------------------------------------------------------------

class Exceptions:
    """What exceptions.toml says, and which of it was of use."""
    KEYS = {"block": {"firmware", "sim", "source"},
            "rename": {"firmware", "sim", "source"},
            "constant": {"names", "source"}}

    def __init__(self, path, result):
        with open(path, "rb") as file:
            loaded = tomllib.load(file)
        self.used = set()
        self.blocks, self.renames, self.constants = {}, {}, set()
        for kind, items in loaded.items():
            for item in items:
                if self.KEYS.get(kind) != set(item) or not item["source"]:
                    result.errors.append(f"{path}: [[{kind}]] {item} is incomplete")
                    continue
                self.add(kind, item)

    def add(self, kind, item):
        if kind == "block":
            self.blocks[item["firmware"]] = item["sim"]
        elif kind == "rename":
            self.renames[item["firmware"]] = item["sim"]
        else:
            self.constants.update(item["names"])

    def is_constant(self, name):
        if name in self.constants:
            self.used.add(name)
        return name in self.constants

    def sim_name(self, name):
        """The simulator's name of a firmware macro."""
        if name in self.renames:
            self.used.add(name)
            return self.renames[name].upper()
        for firmware, sim in self.blocks.items():
            if name.startswith(firmware + "_"):
                self.used.add(firmware)
                return (sim + name.removeprefix(firmware)).upper()
        return name.upper()

    def unused(self):
        every = set(self.blocks) | set(self.renames) | self.constants
        return sorted(every - self.used)


# --- the simulator's model, by macro name ------------------------------------

def model_index(model):
    """Macro name -> list of (block, register, field or None), over all tables."""
    index = {}

    def put(name, entry):
        index.setdefault(name.upper(), []).append(entry)

    for block in model.blocks.values():
        for reg in block.registers.values():
            put(f"{block.prefix}_{reg.name}", (block, reg, None))
            for item in reg.fields.values():
                put(f"{block.prefix}_{reg.name}_{item.name}", (block, reg, item))
        for array in block.arrays:
            first, last = (block.registers[array.registers[i]] for i in (0, -1))
            put(f"{block.prefix}_{array.generic}", (block, first, None))
            for item in last.fields.values():
                put(f"{block.prefix}_{array.generic}_{item.name}", (block, last, item))
    return index


def raw_agrees(block, reg, item):
    """Does the uncorrected SVD say the same?"""
    raw = block.raw.get(reg.name)
    if raw is None:
        return False
    if item is None:
        return raw.offset == reg.offset
    same = raw.fields.get(item.name)
    return same is not None and same.mask == item.mask


def check_raw(name, entries, result):
    """Counts an agreement with the raw SVD, or the source that explains why not."""
    if any(raw_agrees(*entry) for entry in entries):
        result.agreed += 1
        return
    for _, reg, item in entries:
        source = (item.source if item else "") or reg.source
        if source:
            result.explained[source] += 1
            return
    result.errors.append(f"{name}: differs from the SVD and no correction says why")


# --- comparing -------------------------------------------------------------

def describe(made):
    numbers = " + n * ".join(f"0x{v:x}" for v in made.value)
    return f"{made.kind} {numbers}"


def compare_base(name, made, sim_name, bases, result):
    instance = sim_name.removesuffix("_BASE")
    expected = bases.get(instance)
    if expected is None:
        result.errors.append(f"{made.where}: {name}: no peripheral {instance}")
    elif expected != made.value[0]:
        result.errors.append(f"{made.where}: {name} is {made.value[0]:#x}, "
                             f"the simulator has {expected:#x}")
    result.count("(bases)", "base")


def expected_define(made, sim):
    """What the simulator has for a macro of that kind, or None. A plain register
    macro may also name an array: it is then the place of number 0."""
    if made.kind == "register" and "register" not in sim and "array" in sim:
        return Define("register", sim["array"].value[:1])
    return sim.get(made.kind)


def compare_one(name, made, sim_name, sim, entries, result):
    expected = expected_define(made, sim)
    if expected is None:
        result.errors.append(f"{made.where}: {name}: the simulator has no {made.kind} "
                             f"{sim_name}")
        return
    if expected.value != made.value:
        result.errors.append(f"{made.where}: {name} is {describe(made)}, "
                             f"the simulator has {describe(expected)}")
    result.count(entries[0][0].prefix, "field" if made.kind == "field" else "register")
    check_raw(name, entries, result)


def compare(firmware, header, model, exceptions, result):
    sim = read_sim(header)
    index = model_index(model)
    bases = {n: d["base"].value[0] for n, d in sim.items() if "base" in d}
    for name, made in firmware.items():
        if exceptions.is_constant(name):
            continue
        if made.kind == "base":
            compare_base(name, made, exceptions.sim_name(name), bases, result)
            continue
        sim_name = exceptions.sim_name(name)
        compare_one(name, made, sim_name, sim.get(sim_name, {}),
                    index.get(sim_name, []), result)
    for name in exceptions.unused():
        result.errors.append(f"exception {name} is of no use")
    if not firmware:
        result.errors.append("no register definition found")


def generated_header(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sim_regs.h"
        svd2sim.write_header(model, path)
        return path.read_text()


# --- the simulator's tables, every register and field of them ----------------

def differences(block, reg):
    """(what, source) of everything in which a register differs from the raw SVD."""
    raw = block.raw.get(reg.name)
    if raw is None:
        yield "is not in the SVD", reg.source
        return
    for key in ("offset", "reset", "access"):
        if getattr(raw, key) != getattr(reg, key):
            yield f"has another {key} there", reg.source
    for name, item in reg.fields.items():
        there = raw.fields.get(name)
        if there is None or (there.mask, there.access) != (item.mask, item.access):
            yield f"field {name} differs", item.source or reg.source
    for name in raw.fields.keys() - reg.fields.keys():
        yield f"lacks field {name}", reg.source


def check_simulator(model, result):
    """Every difference must have a source. Returns (definitions, differences)."""
    checked = different = 0
    for block in model.blocks.values():
        for reg in block.registers.values():
            checked += 1 + len(reg.fields)
            for what, source in differences(block, reg):
                different += 1
                if not source:
                    result.errors.append(f"simulator's {block.name}.{reg.name} {what}, "
                                         "and no correction says why")
    if not checked:
        result.errors.append("the simulator has no register")
    return checked, different


# --- reporting -------------------------------------------------------------

def report_simulator(model):
    """The simulator's own tables against the raw SVD."""
    print(f"{'simulator table':<16}{'registers':>10}{'fields':>8}"
          f"{'as in SVD':>11}{'corrected':>11}{'new':>6}")
    for block in model.blocks.values():
        kinds = Counter()
        for reg in block.registers.values():
            for item in [None, *reg.fields.values()]:
                if raw_agrees(block, reg, item):
                    kinds["same"] += 1
                else:
                    kinds["corrected" if block.raw else "new"] += 1
        fields = sum(len(r.fields) for r in block.registers.values())
        print(f"{block.table:<16}{len(block.registers):>10}{fields:>8}"
              f"{kinds['same']:>11}{kinds['corrected']:>11}{kinds['new']:>6}")


def report_firmware(result):
    print(f"\n{'firmware block':<16}{'registers':>10}{'fields':>8}")
    for block, counts in sorted(result.counts.items()):
        if counts["register"] or counts["field"]:
            print(f"{block:<16}{counts['register']:>10}{counts['field']:>8}")
    print(f"\n{result.agreed} definitions are as in the SVD; "
          f"{sum(result.explained.values())} are other or new there, by these sources:")
    for source, number in sorted(result.explained.items()):
        print(f"{number:>6}  {source}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svd", type=Path, default=ROOT / "tests/vectors/svd/STM32F769.svd")
    parser.add_argument("--corrections", type=Path, default=ROOT / "sim/models/corrections")
    parser.add_argument("--exceptions", type=Path,
                        default=ROOT / "tests/regs/exceptions.toml")
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    result = Result()
    model = svd2sim.build(args.svd, sorted(args.corrections.glob("*.toml")))
    firmware = read_firmware(args.folders, result)
    compare(firmware, generated_header(model), model,
            Exceptions(args.exceptions, result), result)
    checked, different = check_simulator(model, result)
    report_simulator(model)
    report_firmware(result)
    print(f"\nsimulator: {checked} registers and fields against the SVD (place, reset value, "
          f"access), {different} differences, each with a source")
    for error in result.errors:
        print(f"regs: {error}", file=sys.stderr)
    print(f"regs: {result.total('register')} registers, {result.total('field')} fields, "
          f"{result.total('base')} bases compared, {len(result.errors)} differences")
    return 1 if result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
