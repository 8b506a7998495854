#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unmodified dfu-util with all that the flashes hold: 3 MB of QSPI, the whole
application area, in blocks of 4096 and of 1024 bytes; mass erases of both media.

QB_BUILD_FAST (else QB_BUILD) names the build that is used.
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from dfu_session import (  # noqa: E402
    APPLICATION, APPLICATION_SIZE, FAST_BUILD, INTERNAL_ALT, KEPT, OWN, QSPI, QSPI_ALT, QSPI_SIZE,
    BoardCase, noise, simboard)

THREE_MB = 3 * 1024 * 1024


class Bulk(BoardCase):
    build = FAST_BUILD

    def both_ways(self, address, size, seed):
        for i, options in enumerate(((), ('-t', '1024'))):
            with self.subTest(options=options):
                self.expect_round_trip(address, noise(size, seed + i), *options)

    def test_three_megabytes_of_qspi(self):
        self.both_ways(QSPI + 0x10000, THREE_MB, 1)

    def test_the_whole_application_area(self):
        self.both_ways(APPLICATION, APPLICATION_SIZE, 3)


class MassErase(unittest.TestCase):
    """Everything of the selected medium is FFh; the other one and quadboot are not."""

    def erase(self, alt):
        """A board with something in each corner, mass-erased; both images after it."""
        with simboard.Board(build=FAST_BUILD) as board:
            board.start('--run-ms', '1', usb=False)  # makes the files
            board.wait()
            kept = board.flash(0, OWN)
            used = [0x10000, 0x3FFFF, 0x40000, 0x1FFFFF]
            fill(board.flash_file, used)
            fill(board.qspi_file, [0, 0xFFFF, 0x1234567, QSPI_SIZE - 1])
            board.start('--button', '--until-client-exit')
            done = board.dfu_util('-a', alt, '-s', ':mass-erase:force')
            self.assertIn('Performing mass erase', done.stdout)
            report = board.wait()
            board.expect_clean(report)
            self.assertEqual(board.flash(0, OWN), kept)
            return (board.flash(KEPT, APPLICATION_SIZE), board.qspi(0, QSPI_SIZE),
                    report['flash_operations'])

    def test_internal_flash(self):
        internal, external, operations = self.erase(INTERNAL_ALT)
        self.assertEqual(internal.count(0xFF), len(internal))
        self.assertEqual(QSPI_SIZE - external.count(0xFF), 4)
        # Blank sectors are left alone.
        self.assertEqual(operations['internal']['erases'], 4)

    def test_qspi(self):
        internal, external, operations = self.erase(QSPI_ALT)
        self.assertEqual(external.count(0xFF), QSPI_SIZE)
        self.assertEqual(len(internal) - internal.count(0xFF), 4)
        self.assertEqual(operations['qspi']['erases'], 3)


def fill(path, offsets):
    with open(path, 'r+b') as f:
        for offset in offsets:
            f.seek(offset)
            f.write(b'\x5a')


if __name__ == '__main__':
    unittest.main()
