#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The board's serial port in a stock Debian kernel: its own driver (cdc_acm) beside
dfu-util, unmodified lrzsz and minicom on its terminal.

QB_KERNEL_LONG adds 4 MB in blocks of 128 bytes, more than a minute for each sender.
"""
import os
import re
import unittest

from dfu_session import (
    APPLICATION, CUSTOM, FAST_BUILD, KEPT, QSPI, SERIAL_BUILD, noise, pack, simboard)
from kernel_session import DATA, DEVICE, PATIENCE_S, KernelCase, application
from modem_peers import SIZES, Minicom, padded

SMALL, BIG = noise(1, 4), noise(4 << 20, 5)
SENDERS = ('sx', 'sx -k', 'sb')
LONG = os.environ.get('QB_KERNEL_LONG')
TTY = '/dev/ttyACM0'
# By sender: address and bytes of each part of a .dfu file.
PARTS = {sender: ((noise(20001, i), 0x080c0000 + (i << 18)),
                  (noise(70002, i), QSPI + 0x2000000 + (i << 20)))
         for i, sender in enumerate(SENDERS + ('minicom',))}


def dfu_name(sender):
    return sender.replace(' ', '') + '.dfu'


def setUpModule():
    files = {'small': SMALL, 'big': BIG}
    files.update({'%d' % size: BIG[:size] for size in SIZES})
    with simboard.Board(build=FAST_BUILD) as board:
        both = (application(), APPLICATION), (DATA, QSPI)
        for name, parts in (('both', both), *PARTS.items()):
            with open(pack(board, name + '.dfu', *parts), 'rb') as f:
                files[dfu_name(name)] = f.read()
    KernelCase.boot(files)


def tearDownModule():
    KernelCase.guest.close()


def arrived(sender, data):
    return padded(data) if sender[:2] == 'sx' else data


class Serial:
    """A serial port beside DFU."""
    firmware = SERIAL_BUILD
    speed = None
    expected = {}  # address: bytes

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.expected = {}

    def setUp(self):
        super().setUp()
        self.wait_until(lambda: self.guest.run('test -c ' + TTY).status == 0,
                        'there is no ' + TTY)

    @classmethod
    def tearDownClass(cls):
        if cls.board.process:
            cls.switch_off()
        super().tearDownClass()

    @classmethod
    def switch_off(cls):
        """What was sent is in the chips, seen from outside."""
        cls.board.stop_clean()
        for address, data in cls.expected.items():
            here = (cls.board.qspi(address - QSPI, len(data)) if address >= QSPI
                    else cls.board.flash(address - APPLICATION + KEPT, len(data)))
            simboard.check(here == data, 'another content at 0x%08x' % address)

    def send(self, sender, name, load):
        """One of the lines in docs/serial.md."""
        self.run_in_guest("(printf '%s\\r'; %s -q /%s) <>%s >&0" % (load, sender, name, TTY))

    def terminal(self, modes):
        """One that is not raw eats the board's first request before the sender runs; the
        next one comes a second later."""
        self.run_in_guest('stty -F %s %s' % (TTY, modes))

    def every_size(self, senders, address, room):
        """Side by side: what lies between the files stays erased."""
        self.terminal('raw -echo')
        for sender in senders:
            for size in SIZES:
                with self.subTest(sender=sender, size=size, address=hex(address)):
                    self.send(sender, '%d' % size, 'load 0x%x' % address)
                    self.expected[address] = arrived(sender, BIG[:size]).ljust(room, b'\xff')
                    address += room

    def ask(self, command):
        """What the console answers."""
        return self.run_in_guest(
            "stty -F %s raw -echo; (printf '%s\\r' >&0; timeout 1 cat) <>%s; true"
            % (TTY, command, TTY))

    def test_drivers(self):
        """cdc_acm has both of its interfaces, nobody has DFU's."""
        self.assertEqual(
            self.attributes('bDeviceClass', 'idVendor', 'idProduct', 'speed', 'bNumInterfaces',
                            *('1-1:1.%d/bInterfaceClass' % i for i in range(3))),
            ['ef', '1209', '0001', self.speed, '3', 'fe', '02', '0a'])
        shown = self.run_in_guest(
            'cd %s; for i in 0 1 2; do readlink 1-1:1.$i/driver || echo none; done' % DEVICE)
        self.assertEqual([os.path.basename(line) for line in shown.split()],
                         ['none', 'cdc_acm', 'cdc_acm'])
        self.assertIn('ttyACM0: USB ACM device', self.dmesg())

    def test_dfu_before_and_after(self):
        shown = self.run_in_guest('dfu-util -l')
        found = re.findall(r'^Found DFU: \[1209:0001\].* intf=0, .*alt=(\d), name="@([^/]*)/',
                           shown, re.M)
        self.assertEqual(sorted(found), [('0', 'Internal Flash  '), ('1', 'External QSPI  ')])
        self.round_trip(QSPI)
        self.run_in_guest('rm -f /reset; dfu-util -a 0 -s 0x08010000:10 -U /reset -R')
        self.send('sb -k', 'data', 'load 0x90020000')
        self.round_trip(APPLICATION)
        self.send('sb', 'small', 'load qspi')
        self.expected.update({QSPI: SMALL + DATA[1:], QSPI + 0x20000: DATA,
                              APPLICATION: DATA})


class SerialAtHighSpeed(Serial, KernelCase):
    speed = '480'

    def test_every_size_in_qspi(self):
        self.every_size(SENDERS, QSPI + 0x800000, 0x10000)

    def test_every_size_in_internal_flash(self):
        self.every_size(SENDERS, 0x08040000, 0x1000)

    def four_megabytes(self, senders, address):
        self.terminal('raw -echo')
        for sender in senders:
            with self.subTest(sender=sender):
                self.send(sender, 'big', 'load 0x%x' % address)
                self.expected[address] = BIG
                address += len(BIG)

    def test_four_megabytes(self):
        self.four_megabytes(('sx -k', 'sb -k'), QSPI + 0x1000000)

    @unittest.skipUnless(LONG, 'QB_KERNEL_LONG is not set')
    def test_four_megabytes_in_small_blocks(self):
        self.four_megabytes(('sx', 'sb'), QSPI + 0x1800000)

    def test_files_for_both_media(self):
        self.terminal('sane')
        for sender in SENDERS:
            with self.subTest(sender=sender):
                self.send(sender, dfu_name(sender), 'load')
                self.expected.update({address: data for data, address in PARTS[sender]})

    def test_minicom(self):
        self.guest.start('TERM=vt100 LANG=C %s %s <>/dev/ttyS2 >&0'
                         % (' '.join(Minicom.COMMAND), TTY))
        peer = Minicom(self.guest.screen.fileno(), PATIENCE_S)
        peer.until('> ')
        peer.send('load 0x90100000', '/data')
        peer.send('load', '/minicom.dfu')
        peer.quit()
        done = self.guest.finish()
        self.assertEqual(done.status, 0, done.output)
        self.expected[QSPI + 0x100000] = DATA
        self.expected.update({address: data for data, address in PARTS['minicom']})

    def test_a_file_for_both_media(self):
        """The port is closed in between, and then the application started."""
        self.run_in_guest("printf 'load\\r' >%s; sb -q -k /both.dfu <%s >%s" % (TTY, TTY, TTY))
        said = self.ask('info')
        self.assertIn('application: ok', said)
        self.assertIn('update finished', said)
        self.ask('boot')
        self.board.wait_for_uart('app: started by quadboot')
        self.wait_until(lambda: not self.has_device(), 'the device did not go')
        self.assertIn('USB disconnect', self.dmesg())
        self.expected.update({APPLICATION: application(), QSPI: DATA})
        self.switch_off()


class SerialAtFullSpeed(Serial, KernelCase):
    name = CUSTOM
    speed = '12'

    def test_every_size(self):
        self.every_size(('sb',), QSPI + 0x800000, 0x10000)


if __name__ == '__main__':
    unittest.main()
