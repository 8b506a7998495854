#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""quadboot-sim --fault and --press: each kind does to the board what its name says."""
import json
import os
import struct
import subprocess
import tempfile
import unittest

from dfu_session import FAST_BUILD, noise  # noqa: E402; finds simboard
from simboard import ROOT, Board
from usbip_client import DEVICE_DESCRIPTOR, Client

SIM = os.path.join(FAST_BUILD, 'sim', 'quadboot-sim')
FIRMWARE = os.path.join(ROOT, 'build', 'firmware-stm32f769i-disco', 'firmware')
BOOT = os.path.join(FIRMWARE, 'quadboot.elf')
APP = os.path.join(FIRMWARE, 'assets-app.elf')


def run(*options, app=False):
    """A board without a client; exit status, what it printed, its report."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'r.json')
        command = [SIM, '--board', 'stm32f769i-disco', '--load', BOOT, '--uart', '-',
                   '--report', path] + (['--load', APP] if app else []) + list(options)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=300, check=False)
        report = None
        if os.path.exists(path):
            with open(path) as f:
                report = json.load(f)
        return done, report


class Session:
    """A board that a raw client talks to: one block of NOR or flash at a time."""
    def __init__(self, *faults):
        self.board = Board(build=FAST_BUILD)
        options = []
        for fault in faults:
            options += ['--fault', fault]
        self.board.start(*options)

    def __enter__(self):
        self.client = Client.imported(self.board.port)
        return self

    def __exit__(self, *unused):
        self.client.close()
        self.board.__exit__()

    def end(self):
        return self.board.stop()


class Text(unittest.TestCase):
    def test_what_is_no_fault_is_one_sentence(self):
        for bad in ('', 'power', 'power-cut', 'power-cut@', 'power-cut@x', 'power-cut@op:0',
                    'power-cut@op:', 'power-cut@in:3:101', 'power-cut@5,for=', 'power-cut@5,x',
                    'power-cut@99999999999', 'power-cut=3@5', 'supply@5', 'supply=9999@5',
                    'supply=2500', 'usb-drop-token@5', 'usb-drop-token', 'stays-busy@in:3',
                    'stays-busy@4', 'stuck=0x08000000', 'stuck=0x08000000:8:1',
                    'stuck=0x08000000:1:2', 'stuck=0x08000000:1:1@5', 'program-fails',
                    'erase-fails=0x190000000', 'no-crystal@5', 'usb-reset@7,for=3',
                    'stuck=0x20000000:1:1', 'program-fails=0x08200000'):
            done, _ = run('--fault', bad, '--run-ms', '5')
            self.assertEqual(done.returncode, 2, (bad, done))
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for bad in ('', '5', '5:', '5:5', '6:5', 'a:b', '5:6:7', '-1:5'):
            done, _ = run('--press', bad, '--run-ms', '5')
            self.assertEqual(done.returncode, 2, (bad, done))


class WithoutClient(unittest.TestCase):
    def test_press_holds_the_button_for_a_while(self):
        done, _ = run('--press', '0:10', '--run-ms', '120', app=True)
        self.assertIn('button held', done.stdout)
        done, _ = run('--press', '100:110', '--run-ms', '120', app=True)
        self.assertIn('started by quadboot', done.stdout)
        # PA0 is read by nobody any more, but it shows in the report.
        for end, level in (('130', 1), ('110', 0)):
            _, report = run('--press', '100:' + end, '--run-ms', '120')
            self.assertEqual(report['gpio']['A']['idr'] & 1, level)

    def test_power_cut_at_a_time(self):
        done, report = run('--fault', 'power-cut@130,for=50', '--run-ms', '350')
        self.assertEqual(report['resets'], 2)
        self.assertEqual(done.stdout.count('no valid application'), 2)
        self.assertGreaterEqual(report['marks']['reset_ns'], 181500000)
        self.assertLess(report['marks']['reset_ns'], 181510000)
        done, report = run('--fault', 'power-cut@0.5', '--fault', 'power-cut@700,for=ever',
                           '--run-ms', '900')
        self.assertEqual(report['resets'], 2)
        self.assertEqual(report['virtual_ns'], 900000000)

    def test_acts_keep_time_moving_in_lockstep(self):
        """The board rests at 1.3 s; what comes later comes all the same."""
        done, report = run('--fault', 'power-cut@2500', '--run-ms', '4000', '--usbip',
                           '127.0.0.1:0')
        self.assertEqual(report['resets'], 2)

    def test_no_crystal(self):
        done, report = run('--fault', 'no-crystal', '--run-ms', '400')
        self.assertIsNone(report['marks']['usb_connect_ns'])

    def test_low_supply(self):
        """Too low for 32-bit programming: the flash's rule reports it, or nobody programs."""
        done, report = run('--fault', 'supply=1800@0', '--run-ms', '300')
        self.assertIn('power', [e['class'] for e in report['guest_errors']], done.stderr)


class WithClient(unittest.TestCase):
    def program(self, session, address, data):
        session.client.program(1 if address >= 0x90000000 else 0, address, data)
        session.client.flush()

    def operations(self, address, data):
        """How many flash operations a run takes up to the end of this block."""
        with Session() as s:
            self.program(s, address, data)
            report = s.end()
            return sum(report['flash_operations'][k]['operations'] for k in ('internal', 'qspi'))

    def test_power_cut_in_flash_operations(self):
        data = noise(256)
        last = self.operations(0x90010000, data)
        torn = []
        for moment in ('op:%d', 'in:%d', 'in:%d:20', 'in:%d:90', 'after:%d'):
            with Session('power-cut@' + moment % last) as s:
                try:
                    self.program(s, 0x90010000, data)
                except (struct.error, AssertionError):
                    pass  # the device left: no answer, or ESHUTDOWN
                s.client.close()
                with Client.imported(s.board.port):
                    pass  # it came back
                report = s.end()
                self.assertEqual(report['resets'], 2)
                torn.append(s.board.qspi(0x10000, 256) != data)
        # A cut leaves any subset of the changes, all of them included.
        self.assertTrue(any(torn[:-1]), torn)
        self.assertFalse(torn[-1])

    def test_cells_that_fail(self):
        data = bytes(256)
        for address in (0x90010000, 0x08018000):
            for fault in ('stuck=0x%08x:3:1' % (address + 7), 'program-fails=0x%08x' % address):
                with Session(fault) as s:
                    with self.assertRaises(AssertionError):
                        self.program(s, address, data)
                    s.end()
            with Session('erase-fails=0x%08x' % (address + 4)) as s:
                self.program(s, address, data)  # onto blank cells: needs no erase
                with self.assertRaises(AssertionError):
                    self.program(s, address, bytes([255]) * 256)
                s.end()

    def test_a_flash_that_stays_busy(self):
        data = noise(256)
        last = self.operations(0x90010000, data)
        with Session('stays-busy@op:%d' % last) as s:
            with self.assertRaises(AssertionError):
                self.program(s, 0x90010000, data)
                s.client.dnload(3, data)
            s.end()

    def test_packets_that_are_lost_are_sent_again(self):
        with Session() as s:
            self.program(s, 0x90010000, noise(256))
            last = s.end()['usb_transactions']
        for kind in ('drop-token', 'lose-handshake', 'corrupt-data'):
            faults = ['usb-%s@usb:%d' % (kind, n) for n in range(last // 2, last, 7)][:20]
            with Session(*faults) as s:
                self.program(s, 0x90010000, noise(256))
                report = s.end()
                self.assertGreater(report['usb_transactions'], last)
                self.assertEqual(s.board.qspi(0x10000, 256), noise(256))
                s.board.expect_clean(report)

    def test_a_device_that_leaves_comes_back(self):
        for fault in ('usb-unplug@2000', 'usb-reset@2000', 'usb-unplug@usb:30',
                      'usb-reset@usb:30'):
            with Session(fault) as s:
                try:
                    for _ in range(3):
                        s.client.control(DEVICE_DESCRIPTOR)
                except struct.error:
                    self.assertIn('usb:', fault)  # no time passes between requests
                s.client.close()
                with Client.imported(s.board.port) as again:
                    status, descriptor = again.control(DEVICE_DESCRIPTOR)
                    self.assertEqual((status, len(descriptor)), (0, 18), fault)
                s.board.expect_clean(s.end())


if __name__ == '__main__':
    unittest.main()
