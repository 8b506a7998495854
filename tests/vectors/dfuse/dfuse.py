#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A DfuSe file writer and reader of its own, against which the C code is tested.

Typed from the format's description (ST UM0391; USB DFU 1.1 appendix B), not from
the C code, and kept apart from it. Run as a program it writes golden.h beside
itself, the known good files of the unit tests; with --check it only compares.
"""
import pathlib
import struct
import sys
import zlib
from dataclasses import dataclass, field

# Little-endian and without padding, as everything in the format.
PREFIX = struct.Struct("<5sBIB")  # signature, version, DFUImageSize, bTargets
TARGET = struct.Struct("<6sBI255sII")  # "Target", alt, named, name, size, elements
ELEMENT = struct.Struct("<II")  # address, size
SUFFIX = struct.Struct("<HHHH3sBI")  # bcdDevice, product, vendor, bcdDFU, "UFD", 16, CRC


class Malformed(Exception):
    """The bytes break the format; the text says where."""


@dataclass
class Target:
    alt: int
    name: str
    elements: list  # of (address, bytes)


@dataclass
class File:
    targets: list
    vid: int = 0x0483
    pid: int = 0xDF11
    bcd_device: int = 0xFFFF
    size_with_suffix: bool = False
    crc: int = field(default=0, compare=False)


def crc(data):
    """The file's checksum: CRC-32 without the final inversion."""
    return ~zlib.crc32(data) & 0xFFFFFFFF


def write(file):
    body = b""
    for target in file.targets:
        elements = b"".join(ELEMENT.pack(a, len(d)) + d for a, d in target.elements)
        body += TARGET.pack(b"Target", target.alt, 1, target.name.encode(),
                            len(elements), len(target.elements))
        body += elements
    size = PREFIX.size + len(body) + (SUFFIX.size if file.size_with_suffix else 0)
    out = PREFIX.pack(b"DfuSe", 1, size, len(file.targets)) + body
    suffix = SUFFIX.pack(file.bcd_device, file.pid, file.vid, 0x011A, b"UFD", 16, 0)
    out += suffix[:-4]
    return out + struct.pack("<I", crc(out))


def require(condition, text):
    if not condition:
        raise Malformed(text)


def read_target(data, at):
    magic, alt, named, name, size, count = TARGET.unpack_from(data, at)
    require(magic == b"Target", f"target signature at {at}")
    at += TARGET.size
    end = at + size
    elements = []
    for _ in range(count):
        address, length = ELEMENT.unpack_from(data, at)
        at += ELEMENT.size
        require(at + length <= end, f"element at {at} is longer than its target")
        elements.append((address, data[at:at + length]))
        at += length
    require(at == end, f"target ends at {at}, not at {end}")
    text = name.split(b"\0")[0].decode() if named else ""
    return Target(alt, text, elements), at


def read(data):
    """Takes a whole file apart; raises Malformed."""
    try:
        signature, version, size, count = PREFIX.unpack_from(data, 0)
        body_size = len(data) - SUFFIX.size
        suffix = SUFFIX.unpack_from(data, body_size)
        bcd_device, pid, vid, bcd_dfu, magic, length, stated_crc = suffix
        require((signature, version) == (b"DfuSe", 1), "file prefix")
        require((bcd_dfu, magic, length) == (0x011A, b"UFD", 16), "suffix")
        require(stated_crc == crc(data[:-4]), "checksum")
        require(size in (body_size, len(data)), "image size")
        at = PREFIX.size
        targets = []
        for _ in range(count):
            target, at = read_target(data[:body_size], at)
            targets.append(target)
        require(at == body_size, f"{body_size - at} bytes after the last target")
    except struct.error as error:
        raise Malformed(str(error)) from error
    return File(targets, vid, pid, bcd_device, size != body_size, stated_crc)


# ---- Golden files for the unit tests ---------------------------------------

TWO_TARGETS = File(
    [Target(0, "Internal Flash", [(0x08010000, bytes(range(0x10, 0x18))),
                                  (0x08020000, b"\xA1\xA2\xA3")]),
     Target(1, "External QSPI", [(0x90000000, b"\x00\xFF\x55\xAA\x7E")])],
    bcd_device=0x0102)

GOLDEN = {
    "two_targets": TWO_TARGETS,
    "size_with_suffix": File(TWO_TARGETS.targets, size_with_suffix=True),
    "no_targets": File([]),
}


def golden_header():
    lines = ["// SPDX-License-Identifier: MIT",
             "// Made by dfuse.py in this folder; not by hand, and not by the code under test.",
             "#pragma once", "", "#include <stdint.h>"]
    for name, file in GOLDEN.items():
        data = write(file)
        assert read(data) == file
        lines += ["", f"static const uint8_t golden_{name}[{len(data)}] = {{"]
        for i in range(0, len(data), 14):
            lines.append("    " + " ".join(f"0x{b:02X}," for b in data[i:i + 14]))
        lines.append("};")
    return "\n".join(lines) + "\n"


def main():
    path = pathlib.Path(__file__).with_name("golden.h")
    if sys.argv[1:] == ["--check"]:
        return 0 if path.read_text() == golden_header() else f"{path.name} is stale"
    path.write_text(golden_header())
    return 0


if __name__ == "__main__":
    sys.exit(main())
