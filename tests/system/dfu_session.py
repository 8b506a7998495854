# SPDX-License-Identifier: MIT
"""What the tests with an unmodified dfu-util share: a simulated board per test class,
downloads, uploads, and what must be true at the end of every session."""
import os
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools'))
import simboard  # noqa: E402

BUILD = os.environ.get('QB_BUILD', str(ROOT / 'build' / 'sim'))
# An optimised build for the long ones, where there is one.
FAST_BUILD = os.environ.get('QB_BUILD_FAST') or BUILD

DISCO, CUSTOM = 'stm32f769i-disco', 'f769-custom-fs'
SERIAL_BUILD = '-serial'  # of a board's firmware: with a serial port beside DFU
OWN, KEPT = 0x8000, 0x10000  # quadboot, and all that no host may change
APPLICATION, APPLICATION_SIZE = 0x08010000, 1984 * 1024
QSPI, QSPI_SIZE = 0x90000000, 64 * 1024 * 1024
INTERNAL_ALT, QSPI_ALT = '0', '1'


def firmware_of(name, kind=''):
    return str(ROOT / 'build' / ('firmware-' + name + kind) / 'firmware')


def noise(size, seed=1):
    """Bytes without a pattern, the same on every run."""
    out = bytearray()
    x = seed * 0x9E3779B97F4A7C15 + 1
    while len(out) < size:
        x = (x * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        out += (x >> 16).to_bytes(6, 'little')
    return bytes(out[:size])


def quadboot(board):
    """The first 32 KB of the flash as they were loaded."""
    with open(os.path.join(board.firmware, 'quadboot.bin'), 'rb') as f:
        return f.read().ljust(OWN, b'\xff')


def alt_of(address):
    return QSPI_ALT if address >= QSPI else INTERNAL_ALT


def download(board, address, data, *options, modifiers='', **keywords):
    """dfu-util -D of raw bytes."""
    path = board.path('down.bin')
    with open(path, 'wb') as f:
        f.write(data)
    return board.dfu_util('-a', alt_of(address), '-s', '0x%08x%s' % (address, modifiers),
                          '-D', path, *options, **keywords)


def upload(board, address, size, *options, **keywords):
    """dfu-util -U; the bytes that came."""
    path = board.path('up.bin')
    if os.path.exists(path):
        os.unlink(path)
    board.dfu_util('-a', alt_of(address), '-s', '0x%08x:%d' % (address, size), '-U', path,
                   *options, **keywords)
    with open(path, 'rb') as f:
        return f.read()


def pack(board, name, *inputs):
    """quadboot pack: one .dfu of `inputs`, each (bytes, address)."""
    arguments = []
    for i, (data, address) in enumerate(inputs):
        path = board.path('%s.%d.bin' % (name, i))
        with open(path, 'wb') as f:
            f.write(data)
        arguments.append('%s@0x%08x' % (path, address))
    output = board.path(name)
    done = simboard.run_program([board.program('host', 'quadboot'), 'pack', '-o', output] +
                                arguments)
    simboard.check(done.returncode == 0, 'quadboot pack failed: ' + done.stdout)
    return output


class BoardCase(unittest.TestCase):
    """A board per class. It may be switched off and on; at the end nothing may have
    been wrong with the firmware, and quadboot is still itself."""
    name = DISCO
    firmware = ''  # or SERIAL_BUILD
    build = BUILD
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.board = simboard.Board(cls.name, build=cls.build,
                                   firmware=firmware_of(cls.name, cls.firmware))
        cls.board.start(*cls.options)

    @classmethod
    def tearDownClass(cls):
        with cls.board:
            if cls.board.process:
                cls.board.stop_clean()
            simboard.check(cls.board.flash(0, OWN) == quadboot(cls.board),
                           'quadboot changed')

    def expect_same(self, address, data, *options):
        """Uploads as many bytes and compares; says where they differ, not what."""
        back = upload(self.board, address, len(data), *options)
        self.assertEqual(len(back), len(data))
        if back != data:
            at = next(i for i in range(len(data)) if back[i] != data[i])
            self.fail('differs from byte %d on' % at)

    def expect_round_trip(self, address, data, *options):
        download(self.board, address, data, *options)
        self.expect_same(address, data, *options)
