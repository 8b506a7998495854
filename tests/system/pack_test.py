#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quadboot pack` as a user meets it: files in, a .dfu file or one sentence out.

Usage: pack_test.py PATH_OF_QUADBOOT [unittest options]

The files that are made are read by an independent reader
(tests/vectors/dfuse/dfuse.py) and by dfu-suffix of dfu-util.
"""
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "vectors" / "dfuse"))
import dfuse  # noqa: E402

QUADBOOT = None  # absolute path, set by main
OK, FAILED, USAGE = 0, 1, 2


# ---- Makers of input files -------------------------------------------------

def ihex_record(offset, kind, data):
    body = struct.pack(">BHB", len(data), offset, kind) + data
    return ":" + (body + bytes([-sum(body) & 0xFF])).hex().upper()


def ihex(pieces, end=True):
    """Intel HEX text for (address, bytes) pieces."""
    lines = []
    for address, data in pieces:
        for at in range(0, len(data), 16):
            upper, offset = divmod(address + at, 0x10000)
            lines.append(ihex_record(0, 4, struct.pack(">H", upper)))
            lines.append(ihex_record(offset, 0, data[at:at + 16]))
    if end:
        lines.append(ihex_record(0, 1, b""))
    return "\n".join(lines) + "\n"


def elf(loads, machine=40, kind=2, bits=1, encoding=1):
    """An ELF32 file that loads (physical address, bytes); virtual ones differ."""
    at = 52 + 32 * len(loads)
    headers, body = b"", b""
    for address, data in loads:
        headers += struct.pack("<8I", 1, at + len(body), address ^ 0x28000000, address,
                               len(data), len(data) + 64, 5, 4)
        body += data
    ident = b"\x7fELF" + bytes([bits, encoding, 1]) + bytes(9)
    header = ident + struct.pack("<HHIIIIIHHHHHH", kind, machine, 1, 0, 52 if loads else 0, 0, 0,
                                 52, 32, len(loads), 40, 0, 0)
    return header + headers + body


def uf2(blocks, family=0x53B80F00, count=None, flags=0x2000):
    """UF2 blocks for (number, address, bytes)."""
    count = len(blocks) if count is None else count
    return b"".join(
        struct.pack("<8I476sI", 0x0A324655, 0x9E5D5157, flags, address, len(data), number,
                    count, family, data, 0x0AB16F30)
        for number, address, data in blocks)


def noise(n, seed=1):
    """Bytes that look random and are the same on every run."""
    out = bytearray()
    while len(out) < n:
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(seed >> 16 & 0xFF)
    return bytes(out)


class PackTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quadboot-pack-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def put(self, name, content):
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)

    def run_tool(self, *args, **kwargs):
        return subprocess.run([QUADBOOT, *args], cwd=self.folder, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, **kwargs)

    def pack(self, *args):
        """Packs into out.dfu, which must work, and returns what an independent
        reader finds in it."""
        done = self.run_tool("pack", "-o", "out.dfu", *args)
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        self.output = done.stdout
        return dfuse.read((self.folder / "out.dfu").read_bytes())

    def refuse(self, code, sentence, *args):
        """The command must end with the code and one line holding the sentence, and
        must leave the folder as it was."""
        before = {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}
        done = self.run_tool(*args)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\Aquadboot( pack| show| unpack)?: [^\n]+\n\Z")
        self.assertIn(sentence, done.stderr)
        after = {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}
        self.assertEqual(before, after)

    def refuse_pack(self, sentence, *files, code=FAILED):
        self.refuse(code, sentence, "pack", "-o", "out.dfu", *files)


class GoodInput(PackTest):
    def test_raw_elf_and_hex_together(self):
        code, init, font, logo = noise(5000), noise(100, 2), noise(70000, 3), noise(33, 4)
        self.put("app.elf", elf([(0x08010000, code), (0x08020000, init)]))
        self.put("font.hex", ihex([(0x90010000, font)]))
        self.put("logo.bin", logo)
        file = self.pack("logo.bin@0x90000000", "font.hex", "app.elf")
        self.assertEqual(file.targets, [
            dfuse.Target(0, "Internal Flash", [(0x08010000, code), (0x08020000, init)]),
            dfuse.Target(1, "External QSPI", [(0x90000000, logo), (0x90010000, font)])])
        self.assertFalse(file.size_with_suffix)
        self.assertEqual((file.vid, file.pid, file.bcd_device), (0x0483, 0xDF11, 0xFFFF))

    def test_adjacent_files_are_merged_across_formats(self):
        self.put("a.bin", b"AAAA")
        self.put("b.hex", ihex([(0x90000004, b"BBBB")]))
        self.put("c.elf", elf([(0x90000008, b"CCCC")]))
        file = self.pack("c.elf", "b.hex", "a.bin@0x90000000")
        self.assertEqual(file.targets[0].elements, [(0x90000000, b"AAAABBBBCCCC")])
        self.assertIn("a.bin, b.hex, c.elf", self.output)

    def test_ids_are_written(self):
        self.put("a.bin", b"x")
        file = self.pack("--vid", "1209", "--pid=0x2444", "--bcd-device", "0102",
                         "a.bin@0x90000000")
        self.assertEqual((file.vid, file.pid, file.bcd_device), (0x1209, 0x2444, 0x0102))

    def test_options_may_follow_files(self):
        self.put("a.bin", b"x")
        done = self.run_tool("pack", "a.bin@0x90000000", "--output=out.dfu")
        self.assertEqual(done.returncode, OK, done)

    def test_order_of_files_does_not_change_the_output(self):
        self.put("a.bin", noise(100))
        self.put("b.bin", noise(100, 2))
        self.pack("a.bin@0x90000000", "b.bin@0x08010000")
        first = (self.folder / "out.dfu").read_bytes()
        self.pack("b.bin@0x08010000", "a.bin@0x90000000")
        self.assertEqual(first, (self.folder / "out.dfu").read_bytes())

    def test_whole_application_area(self):
        data = noise(0x1F0000)
        self.put("a.bin", data)
        file = self.pack("a.bin@0x08010000")
        self.assertEqual(file.targets[0].elements, [(0x08010000, data)])

    def test_table(self):
        self.put("a.bin", noise(5))
        self.put("b.bin", noise(4096))
        file = self.pack("b.bin@0x90001000", "a.bin@0x08010000")
        self.assertEqual(self.output.splitlines(), [
            "target             addresses                   bytes  source",
            "0 Internal Flash   0x08010000..0x08010004          5  a.bin",
            "1 External QSPI    0x90001000..0x90001FFF       4096  b.bin",
            "total                                           4101",
            f"out.dfu: {11 + 2 * (274 + 8) + 4101 + 16} bytes, CRC 0x{file.crc:08X}"])

    def test_dfu_suffix_accepts_the_file(self):
        self.put("a.bin", noise(1000))
        file = self.pack("a.bin@0x90000000")
        done = subprocess.run(["dfu-suffix", "-c", "out.dfu"], cwd=self.folder, text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done)
        facts = dict(re.findall(r"^([\w ]+):\s+(\w+)$", done.stdout, re.MULTILINE))
        self.assertEqual(facts["BCD DFU"], "0x011A")
        self.assertEqual(facts["Vendor ID"], "0x0483")
        self.assertEqual(facts["Product ID"], "0xDF11")
        self.assertEqual(int(facts["CRC"], 16), file.crc)

    def test_an_older_output_is_replaced(self):
        self.put("out.dfu", noise(100000))
        self.put("a.bin", b"x")
        file = self.pack("a.bin@0x90000000")
        self.assertEqual(file.targets[0].elements, [(0x90000000, b"x")])
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.bin", "out.dfu"])


class OtherFormats(PackTest):
    def test_uf2_in_any_order_and_repeated(self):
        data = noise(1000)
        blocks = [(i, 0x90000000 + 256 * i, data[256 * i:256 * i + 256]) for i in range(4)]
        self.put("a.uf2", uf2(blocks[::-1] + blocks[1:3], count=4))
        file = self.pack("a.uf2")
        self.assertEqual(file.targets[0].elements, [(0x90000000, data)])

    def test_a_dfu_is_merged_with_more(self):
        code, font, logo = noise(300), noise(200, 2), noise(100, 3)
        self.put("app.bin", code)
        self.put("font.bin", font)
        self.put("logo.bin", logo)
        self.pack("--vid", "1209", "--pid", "2444", "app.bin@0x08010000",
                  "font.bin@0x90000000")
        (self.folder / "out.dfu").rename(self.folder / "old.dfu")
        file = self.pack("old.dfu", "logo.bin@0x900000C8")
        self.assertEqual(file.targets, [
            dfuse.Target(0, "Internal Flash", [(0x08010000, code)]),
            dfuse.Target(1, "External QSPI", [(0x90000000, font + logo)])])
        # The device is that of the file, unless another is asked for.
        self.assertEqual((file.vid, file.pid), (0x1209, 0x2444))
        file = self.pack("--vid", "0483", "old.dfu")
        self.assertEqual((file.vid, file.pid), (0x0483, 0x2444))
        self.refuse_pack("old.dfu and logo.bin both hold bytes for 0x900000C7..0x900000C7",
                         "old.dfu", "logo.bin@0x900000C7")

    def test_files_for_two_devices_are_not_merged(self):
        for name, pid in (("a", 1), ("b", 2)):
            file = dfuse.File([dfuse.Target(1, "", [(0x90000000 + pid, b"x")])], pid=pid)
            self.put(name + ".dfu", dfuse.write(file))
        self.refuse_pack("a.dfu is for the USB device 0483:0001, but b.dfu for 0483:0002",
                         "a.dfu", "b.dfu")

    def test_what_dfu_suffix_made(self):
        data = noise(333)
        self.put("a.bin", data)
        subprocess.run(["dfu-suffix", "-v", "1209", "-p", "2444", "-a", "a.bin"],
                       cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.refuse_pack("a.bin is a plain DFU file, which does not say where its bytes "
                         "belong; give it an address, such as a.bin@0x90000000", "a.bin")
        file = self.pack("a.bin@0x90000000")
        self.assertEqual(file.targets[0].elements, [(0x90000000, data)])
        self.assertEqual((file.vid, file.pid), (0x1209, 0x2444))

    def test_what_dfu_prefix_made(self):
        for option, maker in ((["-s", "0x2000"], "TI's"), (["-L"], "NXP's")):
            self.put("a.bin", noise(333))
            for command in (["dfu-prefix", *option, "-a", "a.bin"],
                            ["dfu-suffix", "-a", "a.bin"]):
                subprocess.run(command, cwd=self.folder, check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.refuse_pack("begins with a prefix for " + maker, "a.bin@0x90000000")

    def test_a_size_that_counts_the_suffix(self):
        """As dfuse-pack.py of dfu-util 0.11 writes it."""
        file = dfuse.File([dfuse.Target(1, "ST...", [(0x90000000, b"abc")])],
                          size_with_suffix=True)
        self.put("a.dfu", dfuse.write(file))
        file = self.pack("a.dfu")
        self.assertFalse(file.size_with_suffix)
        self.assertEqual(file.targets, [dfuse.Target(1, "External QSPI",
                                                     [(0x90000000, b"abc")])])

    def test_several_targets_and_elements_in_any_order(self):
        file = dfuse.File([
            dfuse.Target(1, "", [(0x90000100, b"ff"), (0x90000000, b"ee")]),
            dfuse.Target(0, "one", [(0x08020000, b"bb"), (0x08010000, b"aa")]),
            dfuse.Target(1, "two", [(0x90000200, b"gg")])])
        self.put("a.dfu", dfuse.write(file))
        self.assertEqual(self.pack("a.dfu").targets, [
            dfuse.Target(0, "Internal Flash", [(0x08010000, b"aa"), (0x08020000, b"bb")]),
            dfuse.Target(1, "External QSPI", [(0x90000000, b"ee"), (0x90000100, b"ff"),
                                              (0x90000200, b"gg")])])

    def test_fwupd_accepts_the_file_and_makes_one(self):
        self.put("a.bin", noise(1000))
        self.pack("--vid", "1209", "--bcd-device", "0102", "a.bin@0x90000000")
        shown = self.fwupdtool("firmware-parse", "out.dfu", "dfuse")
        for line in ("<vendor>0x1209</vendor>", "<release>0x102</release>",
                     "<id>External QSPI</id>", "<addr>0x90000000</addr>",
                     '<data size="0x3e8"'):
            self.assertIn(line, shown)
        self.put("made.xml", """<firmware gtype="FuDfuseFirmware"><vendor>0x1209</vendor>
          <firmware><id>External QSPI</id><idx>0x1</idx><chunks><chunk>
          <addr>0x90000000</addr><data>AAECAw==</data></chunk></chunks></firmware>
          </firmware>""")
        self.fwupdtool("firmware-build", "made.xml", "made.dfu")
        file = self.pack("made.dfu")
        self.assertEqual(file.targets, [dfuse.Target(1, "External QSPI",
                                                     [(0x90000000, b"\0\1\2\3")])])
        self.assertEqual(file.vid, 0x1209)

    def fwupdtool(self, *args):
        env = dict(os.environ, FWUPD_LOCALSTATEDIR=str(self.folder / "state"),
                   FWUPD_SYSCONFDIR=str(self.folder / "etc"))
        done = subprocess.run(["fwupdtool", *args, "--plugins", "dfu"], cwd=self.folder,
                              env=env, text=True, capture_output=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout


class BadAddress(PackTest):
    def setUp(self):
        super().setUp()
        self.put("a.bin", noise(100))
        self.put("b.bin", noise(100, 2))

    def test_raw_needs_an_address(self):
        self.refuse_pack("it needs an address, such as a.bin@0x90000000", "a.bin")

    def test_elf_and_hex_take_no_address(self):
        self.put("a.elf", elf([(0x08010000, b"x")]))
        self.put("a.hex", ihex([(0x08010000, b"x")]))
        self.refuse_pack("give it without @ADDR", "a.elf@0x08010000")
        self.refuse_pack("give it without @ADDR", "a.hex@0x08010000")

    def test_addresses_that_are_none(self):
        self.refuse_pack("not a hexadecimal address", "a.bin@0x08g", code=USAGE)
        self.refuse_pack("above 0xFFFFFFFF", "a.bin@0x190000000", code=USAGE)
        self.refuse_pack("names no file", "@0x90000000", code=USAGE)
        for bare in ("90000000", "2415919104", "x90000000", ""):
            self.refuse_pack('"%s" is not an address: that begins with 0x' % bare,
                             "a.bin@" + bare)
        self.put("logo@2", "x")
        self.pack("logo@2@0x90000000")
        self.refuse_pack("it needs an address", "logo@2")

    def test_the_bootloader_is_not_packed(self):
        for address in ("0x08000000", "0x08007FFF", "0x0800FFFF"):
            self.refuse_pack("the application starts at 0x08010000", f"a.bin@{address}")

    def test_places_that_are_not_flash(self):
        for address, where in ((0x20000000, "RAM"), (0x1FFF0000, "option byte"),
                               (0x00200000, "ITCM alias"), (0xC0000000, "SDRAM"),
                               (0x08200000, "unused addresses")):
            self.refuse_pack(where, f"a.bin@{address:#x}")

    def test_ends_of_media(self):
        self.pack("a.bin@0x081FFF9C", "b.bin@0x9FFFFF9C")
        self.refuse_pack("past the end of Internal Flash", "a.bin@0x081FFF9D")
        self.refuse_pack("past the end of External QSPI", "a.bin@0x9FFFFF9D")
        self.refuse_pack("above 0xFFFFFFFF", "a.bin@0xFFFFFF9D")

    def test_overlaps_name_both_files_and_the_range(self):
        self.refuse_pack("a.bin and b.bin both hold bytes for 0x90000063..0x90000063",
                         "b.bin@0x90000063", "a.bin@0x90000000")
        self.put("c.hex", ihex([(0x90000000, noise(32)), (0x90000010, b"x")]))
        self.refuse_pack("c.hex line 4 and c.hex line 6", "c.hex")


class BadFile(PackTest):
    def test_truncated_hex_at_every_byte(self):
        text = ihex([(0x90000000, noise(20))]).rstrip("\n")
        for n in range(len(text)):
            self.put("a.hex", text[:n])
            self.refuse_pack("a.hex", "a.hex")
        self.put("a.hex", text)
        self.pack("a.hex")

    def test_damaged_hex_tells_the_line(self):
        text = ihex([(0x90000000, noise(20))])
        lines = text.splitlines()
        lines[3] = lines[3][:-1] + ("0" if lines[3][-1] != "0" else "1")
        self.put("a.hex", "\r\n".join(lines))
        self.refuse_pack("a.hex: line 4 is damaged", "a.hex")

    def test_truncated_elf_at_every_byte(self):
        data = elf([(0x08010000, noise(20))])
        for n in range(len(data)):
            self.put("a.elf", data[:n])
            self.refuse_pack("a.elf", "a.elf")

    def test_elf_files_of_other_kinds(self):
        loads = [(0x08010000, b"x")]
        for sentence, data in (("not a program for Arm", elf(loads, machine=62)),
                               ("link it first", elf(loads, kind=1)),
                               ("without -pie", elf(loads, kind=3)),
                               ("not a 32-bit program", elf(loads, bits=2)),
                               ("big-endian", elf(loads, encoding=2)),
                               ("loads nothing", elf([])),
                               ("lie in RAM", elf([(0x20000000, b"x")]))):
            self.put("a.elf", data)
            self.refuse_pack(sentence, "a.elf")

    def test_damaged_uf2_files(self):
        good = [(0, 0x90000000, b"a" * 256), (1, 0x90000100, b"b" * 256)]
        for sentence, data in (
                ("is for RP2040 (UF2 family 0xE48BFF56), not for STM32F7 (0x53B80F00); use "
                 "the file for this board", uf2(good, family=0xE48BFF56)),
                ("block number 1 of 0..1 is missing", uf2(good[:1], count=2)),
                ("block number 1 of 0..4294967294 is missing",
                 uf2(good[:1], count=0xFFFFFFFF)),
                ("block 2 says that there are 3 blocks", uf2(good[:1], count=2) +
                 uf2(good[1:], count=3)),
                ("twice with different content", uf2(good + [(0, 0x90000000, b"c")], count=2)),
                ("a number that is not below its number of blocks", uf2(good, count=1)),
                ("runs past the last 32-bit address", uf2([(0, 0xFFFFFFFF, b"ab")])),
                ("holds bytes for 0x900000FF..0x900000FF twice",
                 uf2([good[0], (1, 0x900000FF, b"b")])),
                ("holds files, not the content of a flash", uf2(good, flags=0x1000)),
                ("holds nothing for a flash", uf2(good, flags=1)),
                ("block 2 is cut short; copy or make the file again", uf2(good)[:-1])):
            with self.subTest(sentence):
                self.put("a.uf2", data)
                self.refuse_pack(sentence, "a.uf2")

    def test_damaged_dfu_files(self):
        good = dfuse.write(dfuse.File([dfuse.Target(1, "q", [(0x90000000, b"abcdef")])]))
        element = 11 + 274

        def changed(at, value):
            body = good[:at] + value + good[at + len(value):-4]
            return body + struct.pack("<I", dfuse.crc(body))

        again = "; have it made again, such as by 'quadboot pack'"
        for sentence, data in (
                ("its checksum does not match its content; copy or download it again",
                 good[:300] + b"?" + good[301:]),
                ("has a DfuSe version other than 1; have it made as version 1",
                 changed(5, b"\2")),
                ("copy or download it again", good[:-1]),
                ("states an image size that is not its own" + again,
                 changed(6, b"\xFF\xFF\xFF\xFF")),
                ("does not hold the number of targets that it states" + again,
                 changed(10, b"\2")),
                ("does not hold the number of targets that it states" + again,
                 changed(10, b"\0")),
                ("has a target whose size does not match its elements" + again,
                 changed(11 + 266, b"\xFF\xFF\xFF\xFF")),
                ("has a target whose size does not match its elements" + again,
                 changed(11 + 270, b"\xFF\xFF\xFF\xFF")),
                ("has an element that runs past the last 32-bit address" + again,
                 changed(element + 4, b"\xFF\xFF\xFF\xFF")),
                ("has an element that is longer than its target" + again,
                 changed(element, b"\0\0\0\0\xFF\xFF\xFF\xFF")),
                ("has the suffix of a plain DFU file, not of a DfuSe file" + again,
                 changed(len(good) - 10, b"\0\1")),
                ("puts 0x90000000 into target 7, but External QSPI is target 1 of quadboot",
                 changed(11 + 6, b"\7")),
                ("holds bytes for 0x90000001..0x90000002 twice",
                 dfuse.write(dfuse.File([dfuse.Target(1, "q", [
                     (0x90000000, b"abc"), (0x90000001, b"de")])])))):
            with self.subTest(sentence):
                self.put("a.dfu", data)
                self.refuse_pack(sentence, "a.dfu")

    def test_empty_missing_and_strange_files(self):
        self.put("empty.bin", b"")
        self.put("empty.hex", ihex([]))
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")
        self.refuse_pack("empty.bin holds no bytes", "empty.bin@0x90000000")
        self.refuse_pack("without data", "empty.hex")
        self.refuse_pack("No such file", "missing.elf")
        self.refuse_pack("not a regular file", "folder@0x90000000")
        self.refuse_pack("not a regular file", "pipe@0x90000000")
        self.refuse_pack("not a regular file", "/dev/zero@0x90000000")

    def test_a_name_cannot_break_the_line(self):
        self.refuse_pack("a?b: ", "a\nb")


class BadOutput(PackTest):
    def setUp(self):
        super().setUp()
        self.put("a.bin", b"x")

    def test_a_failed_run_leaves_the_old_output(self):
        self.put("out.dfu", b"old")
        self.refuse_pack("No such file", "a.bin@0x90000000", "missing.elf")

    def test_places_that_cannot_be_written(self):
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")  # not a device of the system: tests may be root
        for output in ("folder", "none/out.dfu", "pipe", "a.bin/x"):
            self.refuse(FAILED, output, "pack", "-o", output, "a.bin@0x90000000")
        self.assertTrue((self.folder / "pipe").is_fifo())

    def test_an_input_is_not_overwritten(self):
        self.refuse(USAGE, "is an input too", "pack", "-o", "./a.bin", "a.bin@0x90000000")

    def test_a_full_standard_output_is_told(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([QUADBOOT, "pack", "-o", "out.dfu", "a.bin@0x90000000"],
                                  cwd=self.folder, stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("cannot write to standard output", done.stderr)


class CommandLine(PackTest):
    def test_help_is_on_standard_output(self):
        for args in (["--help"], ["-h"], ["pack", "--help"], ["pack", "-h"],
                     ["show", "--help"], ["unpack", "-h"]):
            done = self.run_tool(*args)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertIn("Usage: quadboot", done.stdout)
            self.assertIn("Exit codes: 0 done, 1 failed", done.stdout)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)

    def test_every_command_of_the_help_has_help(self):
        listed = self.run_tool("--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
        commands = re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)
        self.assertIn("pack", commands)
        for command in commands:
            self.assertEqual(self.run_tool(command, "--help").returncode, OK)

    def test_version(self):
        done = self.run_tool("--version")
        self.assertEqual(done.returncode, OK)
        self.assertRegex(done.stdout, r"\Aquadboot \d+\.\d+\.\d+\n\Z")

    def test_wrong_command_lines(self):
        self.put("a.bin", b"x")
        f = "a.bin@0x90000000"
        for sentence, args in (
                ("no command was given", []),
                ('there is no command "pakc"', ["pakc"]),
                ("there is no command", ["a\x1b\nb"]),
                ("no file to pack", ["pack"]),
                ("no file to pack", ["pack", "-o", "out.dfu"]),
                ("no output file was given", ["pack", f]),
                ("-o needs a value", ["pack", f, "-o"]),
                ("--vid needs a value", ["pack", f, "--vid"]),
                ("there is no option -x", ["pack", "-xyz", "-o", "out.dfu", f]),
                ("--frobnicate is not understood", ["pack", "--frobnicate", f]),
                ("--help=no is not understood", ["pack", "--help=no", f]),
                ("--vid needs up to four", ["pack", "-o", "out.dfu", "--vid", "10000", f]),
                ("--pid needs up to four", ["pack", "-o", "out.dfu", "--pid", "usb", f]),
                ("--bcd-device needs up to four",
                 ["pack", "-o", "out.dfu", "--bcd-device", "", f])):
            with self.subTest(args=args):
                self.refuse(USAGE, sentence, *args)
                self.refuse(USAGE, "--help", *args)


class GoldenFiles(unittest.TestCase):
    def test_the_header_for_the_unit_tests_is_fresh(self):
        done = subprocess.run([sys.executable, dfuse.__file__, "--check"], check=False)
        self.assertEqual(done.returncode, 0)


def take_tool(usage):
    """Takes the tool's path from the command line; ends the program without one."""
    global QUADBOOT
    if len(sys.argv) < 2:
        sys.exit(usage.strip())
    QUADBOOT = str(pathlib.Path(sys.argv.pop(1)).resolve())


def main():
    take_tool(__doc__)
    unittest.main()


if __name__ == "__main__":
    main()
