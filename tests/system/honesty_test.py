#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What unmodified programs are told is true. Power goes at the virtual instant dfu-util
exits with 0: all that it sent is in flashes that held something else before, and the
application starts at the next power-up. Flash that fails at the last block: no program
says that all went well. fwupdtool installs a .cab for both media, verifies it, and finds
the device again.

QB_BUILD_FAST (else QB_BUILD) names the build that is used.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import case, main  # noqa: E402
from dfu_session import (  # noqa: E402
    APPLICATION, FAST_BUILD, OWN, QSPI, alt_of, noise, pack, quadboot, simboard)

SECTOR = {APPLICATION: 32 * 1024, QSPI: 64 * 1024}
EX_IOERR = 74  # sysexits.h
DIRTY = 0x60000  # so much of each flash holds something else


def application(size, seed):
    """Vectors, an endless loop, and what else is wanted."""
    head = (0x20020000).to_bytes(4, 'little') + (APPLICATION + 9).to_bytes(4, 'little')
    return head + b'\xfe\xe7' + noise(size - 10, seed)


class DirtyBoard(simboard.Board):
    """One whose flashes hold old bytes, and an application that starts if `started`."""

    def __init__(self, started=False, chip=None):
        super().__init__(build=FAST_BUILD)
        self.chip = ('--qspi-chip', chip) if chip else ()
        self.start('--run-ms', '1', usb=False)  # makes the files
        self.wait()
        self.put(APPLICATION, application(DIRTY, 91) if started else bytes(8) + noise(DIRTY, 91))
        self.put(QSPI, noise(DIRTY, 92))

    def start(self, *options, usb=True):
        return super().start(*self.chip, *options, usb=usb)

    def file_of(self, address):
        """The image with the byte at an address, and its offset there."""
        if address >= QSPI:
            return self.qspi_file, address - QSPI
        return self.flash_file, address - APPLICATION + simboard.APP_OFFSET

    def put(self, address, data):
        path, offset = self.file_of(address)
        with open(path, 'r+b') as f:
            f.seek(offset)
            f.write(data)

    def holds(self, address, data):
        path, offset = self.file_of(address)
        with open(path, 'rb') as f:
            f.seek(offset)
            return f.read(len(data)) == data

    def expect(self, parts):
        for data, address in parts:
            assert self.holds(address, data), 'not all is there from 0x%08x on' % address
        assert self.flash(0, OWN) == quadboot(self)

    def starts_application(self):
        self.start('--run-ms', '400', usb=False)
        report = self.wait()
        self.expect_clean(report)
        return report['marks']['app_start_ns'] is not None

    def path_of_application(self):
        return os.path.join(self.firmware, 'assets-app.bin')

    def file(self, name, data):
        path = self.path(name)
        with open(path, 'wb') as f:
            f.write(data)
        return path


# --- the instant of success ------------------------------------------------------------

def expect_success_is_true(board, parts, *arguments):
    """Runs dfu-util and takes power away as it exits."""
    board.start('--button', '--until-client-exit')
    board.dfu_util(*arguments)
    report = board.wait()
    board.expect_clean(report)
    exits = report['client_exits']
    assert len(exits) == 1 and exits[0]['virtual_ns'] == report['virtual_ns'], exits
    board.expect(parts)
    assert board.starts_application()


def raw(address, data, leave, started):
    with DirtyBoard(started) as board:
        where = '0x%08x%s' % (address, ':leave' if leave else '')
        expect_success_is_true(board, [(data, address)], '-a', alt_of(address), '-s', where,
                               '-D', board.file('raw.bin', data))


@case
def applications_are_whole_when_dfu_util_exits():
    for size in (4096, 5001, 3 * 4096, 32 * 1024 + 4095):
        for leave in (False, True):
            raw(APPLICATION, application(size, size), leave, False)


@case
def assets_are_whole_when_dfu_util_exits():
    for size in (4096, 4097, 64 * 1024, 70001):
        for leave in (False, True):
            raw(QSPI, noise(size, size), leave, True)


@case
def both_are_whole_when_dfu_util_exits():
    for sizes in ((8192, 65536), (9001, 70001), (40001, 100), (100, 4096)):
        for leave in (False, True):
            parts = [(application(sizes[0], 1), APPLICATION), (noise(sizes[1], 2), QSPI),
                     (noise(300, 3), QSPI + 0x20000 + sizes[0])]
            with DirtyBoard() as board:
                package = pack(board, 'both.dfu', *parts)
                options = ('-s', ':leave') if leave else ()
                expect_success_is_true(board, parts, *options, '-D', package)


# --- a flash that fails at the end -------------------------------------------------------

FAULTS = ('program-fails=0x%08x', 'stuck=0x%08x:3:1', 'stuck=0x%08x:1:0', 'erase-fails=0x%08x')
SENTENCES = ('the flash reports a failed write', 'the flash does not hold what was written',
             'the flash reports a failed erase')


def image(address, size):
    """Its last byte needs every change that FAULTS forbid."""
    make = application if address == APPLICATION else noise
    return make(size - 1, 7) + b'\xf6'


def faulty_runs():
    """A page that cannot be programmed, bits that do not change, an erase that fails: all
    in the last block of images that end inside of a block, or with a sector."""
    for address in (APPLICATION, QSPI):
        for size in (9001, SECTOR[address]):
            for fault in FAULTS:
                yield address, image(address, size), fault % (address + size - 1)


def expect_failure(address, data, fault, program):
    """`program(board, file)` runs one; what it printed. Half an application never starts,
    and the assets count as a part of it."""
    with DirtyBoard(address == QSPI, 'w25q128jv') as board:
        board.start('--button', '--fault', fault)
        done = program(board, board.file('raw.bin', data))
        board.stop()
        assert not board.starts_application(), fault
    assert done.returncode in (1, EX_IOERR), (fault, done.returncode, done.stdout)
    return done.stdout


@case
def dfu_util_fails_when_the_last_block_does():
    """With and without a wish to leave: before that it sends an ABORT, too."""
    for turn, (address, data, fault) in enumerate(faulty_runs()):
        where = '0x%08x%s' % (address, ('', ':leave')[turn // 2 % 2])
        shown = expect_failure(address, data, fault, lambda b, f: b.dfu_util(
            '-a', alt_of(address), '-s', where, '-D', f, check_exit=False))
        assert 'Failed to enter idle state on abort' in shown, (fault, shown)


@case
def quadboot_says_what_failed_and_where():
    for address, data, fault in faulty_runs():
        shown = expect_failure(address, data, fault, lambda b, f: b.attach(
            b.program('host', 'quadboot'), 'flash', '%s@0x%08x' % (f, address),
            check_exit=False))
        at = re.search('at 0x([0-9A-Fa-f]{8}): (the flash [a-z ]+)', shown)
        assert at and at.group(2) in SENTENCES, (fault, shown)
        assert address <= int(at.group(1), 16) < address + len(data), (fault, shown)
        assert 'all 1 sectors are written' not in shown, (fault, shown)


# --- a cabinet ---------------------------------------------------------------------------

GUID = '5aea1200-2286-5819-93e6-3b5548b6c88a'  # of USB\\VID_0483&PID_DF11
METAINFO = """<?xml version="1.0" encoding="UTF-8"?>
<component type="firmware">
  <id>org.example.quadboot.board</id>
  <name>Board</name>
  <summary>An application and its assets</summary>
  <description><p>Both flashes of one board.</p></description>
  <developer_name>Example</developer_name>
  <metadata_license>CC0-1.0</metadata_license>
  <project_license>MIT</project_license>
  <url type="homepage">https://example.org</url>
  <categories><category>X-Device</category></categories>
  <provides><firmware type="flashed">%s</firmware></provides>
  <custom>
    <value key="LVFS::VersionFormat">bcd</value>
    <value key="LVFS::UpdateProtocol">com.st.dfuse</value>
    <value key="LVFS::DeviceIntegrity">unsigned</value>
  </custom>
  <requires><id compare="ge" version="1.8.0">org.freedesktop.fwupd</id></requires>
  <releases>
    <release version="0.10" date="2026-01-01" urgency="medium" install_duration="20">
      <checksum filename="firmware.dfu" target="content"/>
      <description><p>New.</p></description>
    </release>
  </releases>
</component>
""" % GUID


def fwupdtool(board, *arguments):
    env = dict(os.environ, FWUPD_LOCALSTATEDIR=board.path('fwupd'),
               FWUPD_SYSCONFDIR=board.path('fwupd-etc'))
    return board.attach('fwupdtool', *arguments, '--plugins', 'dfu', env=env).stdout


def fwupd_device(board):
    shown = fwupdtool(board, 'get-devices', '--json')
    devices = json.loads(shown[shown.index('{\n'):])['Devices']
    assert len(devices) == 1, shown
    return devices[0]


@case
def fwupdtool_installs_a_cabinet_for_both_media():
    with DirtyBoard() as board, open(board.path_of_application(), 'rb') as f:
        parts = [(f.read(), APPLICATION), (noise(70001, 4), QSPI)]
        os.rename(pack(board, 'both.dfu', *parts), board.path('firmware.dfu'))
        board.file('firmware.metainfo.xml', METAINFO.encode())
        board.start('--pace', 'wall')
        before = fwupd_device(board)
        cabinet = board.path('board.cab')
        fwupdtool(board, 'build-cabinet', cabinet, board.path('firmware.dfu'),
                  board.path('firmware.metainfo.xml'))
        fwupdtool(board, 'install', cabinet, '--allow-reinstall', '--force')
        board.wait_for_uart('app: started by quadboot')
        board.stop_clean()
        board.expect(parts)
        board.start('--button', '--pace', 'wall')
        after = fwupd_device(board)
        for key in ('DeviceId', 'Guid', 'Version', 'Serial'):
            assert before[key] == after[key], (before, after)
        board.stop_clean()


if __name__ == '__main__':
    sys.exit(main())
