#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unmodified fwupdtool against the simulated boards: what it takes them for, which
sectors it sees behind both alternate settings, and an installation from a .dfu file.

It is told to keep its state in the test's folder. QB_BUILD_FAST names the build that is
used: fwupd's time limits are in wall time.
"""
import json
import os
import re
import shutil
import sys
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from dfu_session import (  # noqa: E402
    APPLICATION, APPLICATION_SIZE, CUSTOM, FAST_BUILD, KEPT, QSPI, QSPI_SIZE, ROOT,
    SERIAL_BUILD, BoardCase, noise, pack)

SERIAL = '39002A000F51393537373638'
SECTOR = re.compile(r'Addr:0x(\w+), Size:0x(\w+), Caps:0x\w+ \[([a-z,]*)\]')
KIB = 1024


class FwupdCase(BoardCase):
    build = FAST_BUILD
    options = ('--pace', 'wall')

    def fwupdtool(self, *arguments, **keywords):
        env = dict(os.environ, FWUPD_LOCALSTATEDIR=self.board.path('fwupd'),
                   FWUPD_SYSCONFDIR=self.board.path('fwupd-etc'))
        # Other plug-ins look at other hardware, of which there is none.
        return self.board.attach('fwupdtool', *arguments, '--plugins', 'dfu', env=env,
                                 **keywords).stdout

    def device(self):
        shown = self.fwupdtool('get-devices', '--json')
        devices = json.loads(shown[shown.index('{\n'):])['Devices']
        self.assertEqual(len(devices), 1, shown)
        return devices[0]

    def targets(self):
        """Of each alternate setting, its sectors: (address, size, what they can)."""
        shown = self.fwupdtool('get-devices', '-vv')
        # It describes the device more than once, at first without targets.
        dumps = [d for d in shown.split('FuDfuDevice:') if 'FuDfuTargetStm:' in d]
        return [[(int(a, 16), int(s, 16), c) for a, s, c in SECTOR.findall(target)]
                for target in dumps[0].split('FuDfuTargetStm:')[1:]]


class Found(FwupdCase):
    ids = '0483', 'DF11'

    def test_device(self):
        device = self.device()
        instance = 'USB\\VID_%s&PID_%s' % self.ids
        self.assertEqual(device['InstanceIds'], [instance])
        self.assertEqual(device['Guid'], [str(uuid.uuid5(uuid.NAMESPACE_DNS, instance))])
        self.assertEqual(device['Serial'], SERIAL)
        self.assertEqual(device['Plugin'], 'dfu')
        self.assertEqual(device['Protocols'], ['com.st.dfuse'])
        self.assertEqual(device['VendorIds'], ['USB:0x' + self.ids[0]])
        # bcdDevice, which is quadboot's own version.
        self.assertEqual((device['Version'], device['VersionFormat']), ('0.10', 'bcd'))
        for flag in ('updatable', 'is-bootloader'):
            self.assertIn(flag, device['Flags'])
        self.assertNotIn('UpdateError', device)

    def test_sectors(self):
        internal, qspi = self.targets()
        writable = 'readable,writable,erasable'
        sizes = [32] * 2 + [128] + [256] * 7
        expected, at = [], APPLICATION
        for size in sizes:
            expected.append((at, size * KIB, writable))
            at += size * KIB
        self.assertEqual(at, APPLICATION + APPLICATION_SIZE)
        expected += [(APPLICATION - KEPT, 32 * KIB, 'readable'),
                     (APPLICATION - KEPT // 2, 32 * KIB, 'readable')]
        self.assertEqual(internal, expected)
        self.assertEqual(qspi, [(QSPI + i * 64 * KIB, 64 * KIB, writable)
                                for i in range(QSPI_SIZE // (64 * KIB))])


class FoundAtFullSpeed(Found):
    name = CUSTOM


class FoundBesideSerial(Found):
    firmware = SERIAL_BUILD
    ids = '1209', '0001'


class Install(FwupdCase):
    """fwupd verifies by upload; that its data are in the chips is seen from outside."""

    def test_both_media(self):
        with open(os.path.join(self.board.firmware, 'assets-app.bin'), 'rb') as f:
            application = f.read()
        assets = noise(70001, 4)
        package = pack(self.board, 'both.dfu', (application, APPLICATION), (assets, QSPI))
        self.fwupdtool('install-blob', package, self.device()['DeviceId'], '--force')
        self.board.wait_for_uart('app: started by quadboot')
        self.board.stop_clean()
        self.assertEqual(self.board.flash(KEPT, len(application)), application)
        self.assertEqual(self.board.qspi(0, len(assets)), assets)


class InstallBesideSerial(Install):
    """fwupd knows of ST's VID:PID that it goes away for good, where the application does
    not speak DFU; of ours it is told by the file that comes with the host tool."""
    firmware = SERIAL_BUILD

    def setUp(self):
        folder = self.board.path('fwupd/lib/fwupd/quirks.d')
        os.makedirs(folder)
        shutil.copy(os.path.join(ROOT, 'host', 'fwupd', 'quadboot.quirk'), folder)


if __name__ == '__main__':
    unittest.main()
