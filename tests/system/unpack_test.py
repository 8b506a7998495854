#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quadboot unpack`: a .dfu file in, its elements out, and the way back.

Usage: unpack_test.py PATH_OF_QUADBOOT [unittest options]
"""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import pack_test  # noqa: E402
from pack_test import FAILED, OK, USAGE, dfuse, noise  # noqa: E402

SAME = "This makes the same file again, byte by byte:"
OTHER = "This makes a file with the same content in quadboot's own order"


class UnpackTest(pack_test.PackTest):
    def unpack(self, *args):
        done = self.run_tool("unpack", *args)
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        return done.stdout

    def again(self, shown):
        """Gives the command that was shown to a shell, and returns what it made."""
        command = shown[shown.index("  quadboot pack"):]
        done = subprocess.run(["sh", "-c", 'quadboot() { "$TOOL" "$@"; }\n' + command],
                              cwd=self.folder, env=dict(os.environ, TOOL=pack_test.QUADBOOT),
                              text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        return (self.folder / "again.dfu").read_bytes()

    def names(self, folder="."):
        return sorted(p.name for p in (self.folder / folder).iterdir())


class ThereAndBack(UnpackTest):
    def test_what_pack_made(self):
        code, font, logo = noise(5000), noise(70000, 2), noise(33, 3)
        self.put("app.bin", code)
        self.put("font.bin", font)
        self.put("logo.bin", logo)
        for ids in ([], ["--vid", "1209", "--pid", "2444", "--bcd-device", "0102"],
                    ["--vid", "ffff", "--pid", "ffff", "--bcd-device", "0"]):
            self.pack(*ids, "app.bin@0x08010000", "font.bin@0x90010000",
                      "logo.bin@0x90000000")
            shown = self.unpack("out.dfu", "-d", "parts")
            self.assertIn(SAME, shown)
            parts = self.folder / "parts"
            self.assertEqual(self.names("parts"), [
                "0-internal-flash-0x08010000.bin", "1-external-qspi-0x90000000.bin",
                "1-external-qspi-0x90010000.bin"])
            self.assertEqual((parts / self.names("parts")[2]).read_bytes(), font)
            self.assertEqual(self.again(shown), (self.folder / "out.dfu").read_bytes())
            for part in parts.iterdir():
                part.unlink()

    def test_folders_with_strange_names(self):
        self.put("a.bin", noise(10))
        self.pack("a.bin@0x90000000")
        for folder in ("a b", "it's", "$(x)", "-d", "a@0x1", "*"):
            shown = self.unpack("--directory=" + folder, "out.dfu")
            self.assertEqual(self.names(folder), ["1-external-qspi-0x90000000.bin"])
            self.assertEqual(self.again(shown), (self.folder / "out.dfu").read_bytes())

    def test_files_that_pack_would_make_otherwise(self):
        targets = [dfuse.Target(1, "", [(0x90000100, b"ff"), (0x90000000, b"ee")]),
                   dfuse.Target(0, "x", [(0x08010000, b"aa")])]
        for file in (dfuse.File(targets), dfuse.File(targets, size_with_suffix=True)):
            self.put("a.dfu", dfuse.write(file))
            shown = self.unpack("--force", "a.dfu")
            self.assertIn(OTHER, shown)
            self.assertEqual(dfuse.read(self.again(shown)).targets, [
                dfuse.Target(0, "Internal Flash", [(0x08010000, b"aa")]),
                dfuse.Target(1, "External QSPI", [(0x90000000, b"ee"),
                                                  (0x90000100, b"ff")])])

    def test_files_for_other_devices_are_unpacked_all_the_same(self):
        file = dfuse.File([dfuse.Target(2, "Option Bytes", [(0x1FFFC000, b"o" * 40)])])
        self.put("a.dfu", dfuse.write(file))
        shown = self.unpack("a.dfu")
        self.assertIn("It cannot be packed again for quadboot: ", shown)
        self.assertEqual((self.folder / "2-option-bytes-0x1FFFC000.bin").read_bytes(),
                         b"o" * 40)


class Hostile(UnpackTest):
    def test_names_lead_nowhere(self):
        names = ["../../../tmp/x", "/etc/passwd", "..", ".", "a/b", "\x1b[31m", "-rf", "a\nb",
                 "..\\x", "CON"]
        elements = [dfuse.Target(1, name, [(0x90000000 + i, b"x")])
                    for i, name in enumerate(names)]
        self.put("a.dfu", dfuse.write(dfuse.File(elements)))
        # Deep enough that none of the names would lead out of the test's folder.
        (self.folder / "x" / "y" / "z").mkdir(parents=True)
        shown = self.unpack("a.dfu", "-d", "x/y/z/parts")
        self.assertEqual(len(self.names("x/y/z/parts")), len(names))
        for name in self.names("x/y/z/parts"):
            self.assertRegex(name, r"\A1(-[a-z0-9-]+)?-0x9000000\d\.bin\Z")
        self.assertNotIn("\x1b", shown)
        others = [p for p in self.folder.rglob("*") if p.parent.name != "parts"]
        self.assertEqual(sorted(p.name for p in others), ["a.dfu", "parts", "x", "y", "z"])

    def test_links_are_not_followed(self):
        self.put("a.bin", b"x")
        self.pack("a.bin@0x90000000")
        (self.folder / "d").mkdir()
        (self.folder / "d" / "1-external-qspi-0x90000000.bin").symlink_to("../victim")
        for force in ([], ["--force"]):
            self.refuse(FAILED, "is in the way and is not a regular file", "unpack",
                        "out.dfu", "-d", "d", *force)
        self.put("victim", b"v")
        self.refuse(FAILED, "is in the way and is not a regular file", "unpack", "out.dfu",
                    "-d", "d", "--force")


class Refused(UnpackTest):
    def setUp(self):
        super().setUp()
        self.put("a.bin", noise(10))
        self.put("b.bin", noise(10, 2))
        self.pack("a.bin@0x90000000", "b.bin@0x08010000")

    def test_nothing_is_replaced_unless_forced(self):
        """Also not the first part if only the second is there."""
        self.put("1-external-qspi-0x90000000.bin", b"mine")
        self.refuse(FAILED, "1-external-qspi-0x90000000.bin is there already; use --force",
                    "unpack", "out.dfu")
        self.unpack("--force", "out.dfu")
        self.assertEqual((self.folder / "1-external-qspi-0x90000000.bin").read_bytes(),
                         noise(10))

    def test_the_file_itself_is_not_replaced(self):
        (self.folder / "out.dfu").rename(self.folder / "1-external-qspi-0x90000000.bin")
        self.refuse(FAILED, "is the file to unpack", "unpack", "--force",
                    "1-external-qspi-0x90000000.bin")

    def test_places_that_cannot_be_written(self):
        self.refuse(FAILED, "cannot create", "unpack", "out.dfu", "-d", "a.bin")
        self.refuse(FAILED, "cannot create the folder", "unpack", "out.dfu", "-d", "x/y")

    def test_other_files(self):
        self.refuse(FAILED, "a.bin is a raw file, and only DfuSe files (.dfu) can be "
                    "unpacked", "unpack", "a.bin")
        self.refuse(FAILED, "No such file", "unpack", "missing")

    def test_truncated_at_every_byte(self):
        data = dfuse.write(dfuse.File([dfuse.Target(1, "", [(0x90000000, b"x")])]))
        for n in range(0, len(data), 5):
            self.put("t.dfu", data[:n])
            self.refuse(FAILED, "t.dfu", "unpack", "t.dfu")

    def test_wrong_command_lines(self):
        for sentence, args in (("no file to unpack", []), ("one argument too many", ["a", "b"]),
                               ("-d needs a value", ["a", "-d"]),
                               ("there is no option -x", ["-x", "a"])):
            self.refuse(USAGE, sentence, "unpack", *args)


if __name__ == "__main__":
    pack_test.take_tool(__doc__)
    unittest.main()
