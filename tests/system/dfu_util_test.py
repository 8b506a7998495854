#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unmodified dfu-util against the real bootloader on the simulated boards: what it
lists, downloads and uploads of every awkward size, .dfu files with both media,
leaving, the end of a client, two clients, refusals, and repetition to the cycle.

QB_BUILD names the build that is used, QB_BUILD_FAST one for the long parts.
"""
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from dfu_session import (  # noqa: E402
    APPLICATION, BUILD, CUSTOM, FAST_BUILD, INTERNAL_ALT, OWN, QSPI, QSPI_ALT, SERIAL_BUILD,
    BoardCase, download, noise, pack, quadboot, simboard, upload)

SECTORS = ((APPLICATION, 32 * 1024), (QSPI, 64 * 1024))
SERIAL = '39002A000F51393537373638'  # the simulator's unique ID
LAYOUTS = {
    '0': '@Internal Flash  /0x08010000/02*032Kg,01*128Kg,07*256Kg/0x08000000/02*032Ka',
    '1': '@External QSPI  /0x90000000/512*064Kg,512*064Kg',
}

# Exit statuses of dfu-util (sysexits.h).
EX_USAGE, EX_IOERR = 64, 74
NO_DEVICE = 125  # of quadboot-attach


class Listing:
    ids = '0483:df11'

    def test_both_media_with_their_true_layouts(self):
        shown = self.board.dfu_util('-l').stdout
        found = sorted(l for l in shown.splitlines() if l.startswith('Found '))
        self.assertEqual(len(found), 2)
        for line, alt in zip(found, ('0', '1')):
            self.assertTrue(line.startswith('Found DFU: [%s] ver=0010,' % self.ids), line)
            self.assertIn('intf=0,', line)
            self.assertIn('alt=%s, name="%s", serial="%s"' % (alt, LAYOUTS[alt], SERIAL), line)


class Sizes:
    """Download, upload, compare, in blocks of 4096 and of 1024."""

    def sizes(self, start, sector):
        for turn, options in enumerate(((), ('-t', '1024'))):
            for i, size in enumerate((1, 4095, 4096, 4097, sector)):
                with self.subTest(address=hex(start), size=size, options=options):
                    address = start + sector * ((i + turn) % 2)
                    data = noise(size, seed=16 * turn + i + 1)
                    self.expect_round_trip(address, data, *options)

    def test_internal_flash(self):
        self.sizes(*SECTORS[0])

    def test_qspi(self):
        self.sizes(*SECTORS[1])

    def test_the_end_of_each_medium(self):
        for end in (0x08200000, 0x94000000):
            with self.subTest(end=hex(end)):
                data = noise(5000, end)
                self.expect_round_trip(end - len(data), data)

    def test_an_upload_of_a_whole_sector_by_its_layout(self):
        """Without a length dfu-util reads up to the end of the segment."""
        path = self.board.path('segment.bin')
        self.board.dfu_util('-a', INTERNAL_ALT, '-s', '0x08000000', '-U', path)
        with open(path, 'rb') as f:
            # quadboot's own sector, and the state log behind it.
            self.assertEqual(f.read(), self.board.flash(0, 2 * OWN))
        os.unlink(path)


class DiscoListing(Listing, BoardCase):
    pass


class DiscoSizes(Sizes, BoardCase):
    build = FAST_BUILD


class CustomBoard(Listing, Sizes, BoardCase):
    """Full speed, another crystal, other pins."""
    name = CUSTOM
    build = FAST_BUILD


class BesideSerial(Listing, BoardCase):
    """DFU is interface 0 of three."""
    firmware = SERIAL_BUILD
    build = FAST_BUILD
    ids = '1209:0001'

    def test_round_trips(self):
        for address, sector in SECTORS:
            self.expect_round_trip(address, noise(sector + 4097, address))
        parts = ((noise(6000, 1), APPLICATION), (noise(70000, 2), QSPI + 0x20000))
        self.board.dfu_util('-D', pack(self.board, 'both.dfu', *parts))
        for data, address in parts:
            self.expect_same(address, data)


class DfuFiles(BoardCase):
    def test_one_file_for_both_media(self):
        """Two targets, three elements; no alternate setting is named."""
        parts = ((noise(6000, 1), APPLICATION), (noise(70000, 2), QSPI + 0x20000),
                 (noise(100, 3), QSPI + 0x3FF0000))
        self.board.dfu_util('-D', pack(self.board, 'both.dfu', *parts))
        for data, address in parts:
            self.expect_same(address, data)


class Leaving(BoardCase):
    """The application starts, and says so on its UART. Each start is a power-on."""

    def setUp(self):
        if not self.board.process:
            self.board.start('--button')
        with open(os.path.join(self.board.firmware, 'assets-app.bin'), 'rb') as f:
            self.application = f.read()

    def tearDown(self):
        self.board.stop_clean()

    def expect_application(self):
        self.board.wait_for_uart('app: ')
        # It has left USB: nothing is there to be listed.
        done = self.board.attach('true', check_exit=False)
        self.assertEqual(done.returncode, NO_DEVICE)

    def test_a_raw_file(self):
        done = download(self.board, APPLICATION, self.application, modifiers=':leave')
        self.assertIn('Submitting leave request', done.stdout)
        self.expect_application()

    def test_a_dfu_file(self):
        """The last address is one in QSPI: leaving starts the application all the same."""
        package = pack(self.board, 'leave.dfu', (self.application, APPLICATION),
                       (noise(5000), QSPI + 0x700000))
        self.board.dfu_util('-s', ':leave', '-D', package)
        self.expect_application()

    def test_leaving_alone(self):
        download(self.board, APPLICATION, self.application)
        self.board.dfu_util('-a', '0', '-s', ':leave')
        self.expect_application()

    def test_nothing_to_leave_for(self):
        """dfu-util shows the error, and the board stays for a better file."""
        done = download(self.board, APPLICATION, noise(5000), modifiers=':leave')
        self.assertIn('status(10)', done.stdout)
        download(self.board, APPLICATION, self.application, modifiers=':leave')
        self.expect_application()


class Refusals(BoardCase):
    """Exit statuses through both kinds of device node; the board stays usable."""

    def refuse(self, status, *arguments, text=''):
        for node in ('fifo', 'file'):
            done = self.board.dfu_util(*arguments, check_exit=False, node=node)
            self.assertEqual(done.returncode, status, done.stdout)
            self.assertIn(text, done.stdout)

    def setUp(self):
        self.path = self.board.path('refused.bin')
        with open(self.path, 'wb') as f:
            f.write(noise(5000))

    def tearDown(self):
        for node in ('fifo', 'file'):
            data = noise(300, seed=ord(node[1]))
            download(self.board, QSPI, data, node=node)
            self.expect_same(QSPI, data)

    def test_outside_the_layout(self):
        for address in ('0x20000000', '0x08000000', '0x081ffff0', '0x94000000'):
            with self.subTest(address=address):
                self.refuse(EX_USAGE, '-a', '0', '-s', address, '-D', self.path,
                            text='is not writeable')

    def test_forced_into_the_bootloader(self):
        for address in ('0x08000000', '0x08008000', '0x0800f000'):
            with self.subTest(address=address):
                self.refuse(EX_IOERR, '-a', '0', '-s', address + ':force', '-D', self.path,
                            text='status(1)')

    def test_an_alternate_setting_that_is_not_there(self):
        self.refuse(EX_IOERR, '-a', '2', '-s', '0x08010000', '-D', self.path,
                    text='No DFU capable USB device')

    def test_forced_into_ram(self):
        self.refuse(EX_IOERR, '-a', '0', '-s', '0x20000000:force', '-D', self.path,
                    text='SET_ADDRESS not correctly executed')

    def test_read_unprotect(self):
        """dfu-util does not look at the answer; the board must not obey."""
        data = noise(5000, 8)
        download(self.board, APPLICATION, data)
        self.refuse(0, '-a', '0', '-s', ':unprotect:force')
        self.expect_same(APPLICATION, data)


class Clients(BoardCase):
    """Clients that die, and clients that meet."""
    build = FAST_BUILD

    def begin(self, size=1500000):
        path = self.board.path('long.bin')
        with open(path, 'wb') as f:
            f.write(noise(size, 9))
        command = [self.board.program('host', 'attach', 'quadboot-attach'), '--usbip',
                   '127.0.0.1:%d' % self.board.port, '--', 'dfu-util', '-a', QSPI_ALT, '-s',
                   '0x%08x' % QSPI, '-D', path]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def expect_good_next_run(self, seed):
        data = noise(5000, seed)
        self.expect_round_trip(QSPI + 0x10000 * (seed % 7), data)

    def kill_at(self, signal_number, seconds):
        client = self.begin()
        time.sleep(seconds)  # somewhere in the middle; which instant does not matter
        client.send_signal(signal_number)
        client.communicate(timeout=simboard.PATIENCE_S)
        self.assertNotEqual(client.returncode, 0)

    def test_killed(self):
        for i, number in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)):
            for turn, seconds in enumerate((0.3, 0.9)):
                with self.subTest(signal=number, seconds=seconds):
                    self.kill_at(number, seconds)
                    self.expect_good_next_run(2 * i + turn + 1)

    def test_two_clients(self):
        """The second one waits for the first to be done."""
        first = self.begin(300000)
        time.sleep(0.2)
        found = self.board.dfu_util('-l').stdout
        self.assertIn('Found DFU', found)
        out, _ = first.communicate(timeout=simboard.PATIENCE_S)
        self.assertEqual(first.returncode, 0, out)
        self.expect_same(QSPI, noise(300000, 9))


class Paces(unittest.TestCase):
    """Time that goes with the wall's, and time that goes as it likes."""

    def session(self, pace, *options, mode='block'):
        data = noise(9000, 5)
        with simboard.Board(build=FAST_BUILD) as board:
            begun = time.monotonic()
            board.start('--pace', pace, '--mode', mode)
            self.assertIn('Found DFU', board.dfu_util('-l').stdout)
            for address in (APPLICATION, QSPI):
                download(board, address, data, *options)
                self.assertEqual(upload(board, address, len(data), *options), data)
            report = board.stop_clean()
            return report['virtual_ns'] / 1e9, time.monotonic() - begun

    def test_wall(self):
        virtual, wall = self.session('wall')
        self.assertLess(virtual, wall)

    def test_free(self):
        self.session('free')

    def test_the_cpu_instruction_by_instruction(self):
        self.session('lockstep', mode='precise')


class Repetition(unittest.TestCase):
    def session(self, build):
        """Everything that dfu-util does, on a new board; what the board says of it."""
        with simboard.Board(build=build) as board:
            package = pack(board, 'r.dfu', (noise(9000, 1), APPLICATION),
                           (noise(70000, 2), QSPI))
            board.start()
            board.dfu_util('-l')
            board.dfu_util('-D', package)
            upload(board, QSPI, 70000)
            done = download(board, 0x08000000, noise(100), modifiers=':force',
                            check_exit=False)
            self.assertEqual(done.returncode, EX_IOERR)
            report = board.stop_clean()
            self.assertEqual(len(report['client_exits']), 4)
            return report

    def test_two_equal_runs_take_equal_cycles(self):
        first, second = self.session(FAST_BUILD), self.session(BUILD)
        self.assertEqual(first['client_exits'], second['client_exits'])
        self.maxDiff = None
        self.assertEqual(first, second)


class Persistence(unittest.TestCase):
    """Fifty power-ons of one board, two images in turn. At the instant that dfu-util
    says it is done, everything is in the files: no virtual time passes after it."""

    def test_fifty_runs(self):
        with simboard.Board(build=FAST_BUILD) as board:
            images = []
            for i in range(2):
                parts = ((noise(5000 + i, 2 * i), APPLICATION),
                         (noise(66000 + i, 2 * i + 1), QSPI + 0x10000))
                images.append((parts, pack(board, 'image%d.dfu' % i, *parts)))
            for run in range(50):
                with self.subTest(run=run):
                    self.one_run(board, *images[run % 2])
            self.assertEqual(board.flash(0, OWN), quadboot(board))

    def one_run(self, board, parts, package):
        board.start('--until-client-exit')
        board.dfu_util('-D', package)
        report = board.wait()
        board.expect_clean(report)
        self.assertEqual(len(report['client_exits']), 1)
        self.assertEqual(report['client_exits'][0]['virtual_ns'], report['virtual_ns'])
        (internal, _), (external, address) = parts
        self.assertEqual(board.flash(simboard.APP_OFFSET, len(internal)), internal)
        self.assertEqual(board.qspi(address - QSPI, len(external)), external)


if __name__ == '__main__':
    unittest.main()
