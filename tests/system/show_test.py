#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quadboot show`: what it tells about files of every format and maker.

Usage: show_test.py PATH_OF_QUADBOOT [unittest options]
"""
import json
import pathlib
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import pack_test  # noqa: E402
from pack_test import FAILED, OK, USAGE, dfuse, elf, ihex, noise, uf2  # noqa: E402

APPLICATION = struct.pack("<II", 0x20080000, 0x08010201) + noise(92)


class ShowTest(pack_test.PackTest):
    def show(self, *args):
        done = self.run_tool("show", *args)
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        return done.stdout

    def facts(self, *args):
        return [json.loads(line) for line in self.show("--json", *args).splitlines()]


class Text(ShowTest):
    def test_a_file_for_both_flashes(self):
        self.put("app.bin", APPLICATION)
        self.put("font.bin", noise(2 << 20))
        file = self.pack("app.bin@0x08010000", "font.bin@0x90100000")
        self.assertEqual(self.show("out.dfu").splitlines(), [
            f"out.dfu: a DfuSe file, {11 + 2 * 282 + 100 + (2 << 20) + 16} bytes",
            f"  for vendor 0483, product df11, any release; DfuSe version 1, CRC "
            f"0x{file.crc:08X}",
            '  target 0 "Internal Flash", 1 element',
            "    0x08010000        100 bytes",
            '  target 1 "External QSPI", 1 element',
            "    0x90100000    2097152 bytes",
            "  application at 0x08010000: initial SP 0x20080000, reset handler 0x08010201",
            "",
            "  Internal Flash",
            "  0x08010000 +------------------------+",
            "             |########################|  100 bytes, application",
            "  0x08010064 +------------------------+",
            "",
            "  External QSPI",
            "  0x90000000 +------------------------+",
            "             |                        |  1.0 MB not in the file",
            "             |                        |",
            "  0x90100000 +------------------------+",
            "             |########################|  2.0 MB",
            "             |########################|",
            "             |########################|",
            "  0x90300000 +------------------------+"])

    def test_many_pieces_end_in_one(self):
        self.put("a.hex", ihex([(0x90000000 + 32 * i, b"x" * 16) for i in range(40)]))
        shown = self.show("a.hex")
        self.assertEqual(shown.count("|####"), 11)
        self.assertIn("|%%%%%%%%%%%%%%%%%%%%%%%%|  29 more pieces in 912 bytes", shown)

    def test_problems_are_told(self):
        self.put("a.bin", noise(100))
        self.assertIn("Problems:\n  - a.bin: the bytes at 0x20000000..0x20000063 lie in RAM",
                      self.show("a.bin@0x20000000"))
        self.assertIn("so it would not start", self.show("a.bin@0x08010000"))
        self.assertNotIn("Problems", self.show("a.bin@0x90000000"))

    def test_raw_bytes_without_address(self):
        self.put("a.bin", APPLICATION)
        self.assertEqual(self.show("a.bin").splitlines(), [
            "a.bin: a raw file, 100 bytes",
            "  begins like an application: initial SP 0x20080000, reset handler 0x08010201",
            "  It does not say where its bytes belong; give it as FILE@ADDR."])

    def test_names_cannot_write_to_the_terminal(self):
        file = dfuse.File([dfuse.Target(1, "\x1b[2J\x07evil", [(0x90000000, b"x")])])
        self.put("a.dfu", dfuse.write(file))
        self.assertIn('target 1 "?[2J?evil"', self.show("a.dfu"))
        self.assertEqual(self.facts("a.dfu")[0]["targets"][0]["name"], "?[2J?evil")

    def test_every_file_is_shown_though_one_is_bad(self):
        self.put("a.bin", b"x")
        done = self.run_tool("show", "a.bin", "missing", "a.bin@0x90000000")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual(done.stdout.count("a raw file, 1 byte\n"), 2)
        self.assertEqual(done.stderr,
                         "quadboot show: cannot open missing: No such file or directory\n")

    def test_wrong_command_lines(self):
        for sentence, args in (("no file to show", []), ("not a hexadecimal", ["a@0xg"]),
                               ("--serial is not understood", ["--serial", "x"])):
            self.refuse(USAGE, sentence, "show", *args)


class Json(ShowTest):
    def test_dfuse(self):
        file = dfuse.File([
            dfuse.Target(1, "", [(0x90000100, b"ff"), (0x90000000, b"eee")]),
            dfuse.Target(0, "named", [(0x08010000, APPLICATION)])],
            vid=0x1209, pid=0x2444, bcd_device=0x0102, size_with_suffix=True)
        data = dfuse.write(file)
        self.put("a.dfu", data)
        (facts,) = self.facts("a.dfu")
        problems = facts.pop("problems")
        self.assertEqual(facts, {
            "file": "a.dfu", "format": "dfuse", "bytes": len(data),
            "vendor": 0x1209, "product": 0x2444, "release": 0x0102,
            "crc": dfuse.crc(data[:-4]),
            "targets": [
                {"target": 1, "name": "", "elements": [
                    {"address": 0x90000100, "bytes": 2}, {"address": 0x90000000, "bytes": 3}]},
                {"target": 0, "name": "named", "elements": [
                    {"address": 0x08010000, "bytes": 100}]}],
            "pieces": [
                {"address": 0x08010000, "bytes": 100, "place": "Internal Flash",
                 "writable": True},
                {"address": 0x90000000, "bytes": 3, "place": "External QSPI", "writable": True},
                {"address": 0x90000100, "bytes": 2, "place": "External QSPI",
                 "writable": True}],
            "application": {"address": 0x08010000, "sp": 0x20080000, "reset": 0x08010201}})
        self.assertEqual(len(problems), 2)
        self.assertIn("do not ascend", problems[0])
        self.assertIn("counts the suffix", problems[1])

    def test_every_format(self):
        self.put("a.elf", elf([(0x08010000, APPLICATION)]))
        self.put("a.hex", ihex([(0x08010000, APPLICATION)]))
        self.put("a.uf2", uf2([(0, 0x08010000, APPLICATION)]))
        self.put("a.bin", APPLICATION)
        self.put("a.plain", APPLICATION)
        subprocess.run(["dfu-suffix", "-a", "a.plain"], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        names = {"elf": "a.elf", "ihex": "a.hex", "uf2": "a.uf2",
                 "raw": "a.bin@0x08010000", "plain-dfu": "a.plain@0x08010000"}
        for facts, name in zip(self.facts(*names.values()), names):
            self.assertEqual(facts["format"], name)
            self.assertEqual(facts["application"]["reset"], 0x08010201)
            self.assertEqual(facts["problems"], [])
            self.assertEqual(facts["pieces"], [
                {"address": 0x08010000, "bytes": 100, "place": "Internal Flash",
                 "writable": True}])

    def test_a_file_that_cannot_be_read_has_its_line(self):
        done = subprocess.run([pack_test.QUADBOOT, "show", "--json", "none", "other"],
                              cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["file"] for line in lines], ["none", "other"])
        self.assertIn("cannot open none", lines[0]["problems"][0])

    def test_a_name_need_not_be_text(self):
        name = b"\xFF.bin"
        (pathlib.Path(self.folder) / name.decode("utf-8", "surrogateescape")).write_bytes(b"x")
        done = subprocess.run([pack_test.QUADBOOT, "show", "--json", name], cwd=self.folder,
                              stdout=subprocess.PIPE, check=True)
        self.assertEqual(json.loads(done.stdout)["file"], "?.bin")


if __name__ == "__main__":
    pack_test.take_tool(__doc__)
    unittest.main()
