#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stock Debian kernel, booted under QEMU, attaches the simulated boards over USB/IP
with its own driver (vhci_hcd): what its USB core reads and says, unmodified dfu-util on
its usbfs, and every way in which a device goes and comes back; its own serial driver
(cdc_acm) beside dfu-util, with unmodified lrzsz on its terminal.

QB_BUILD_FAST names the build of the simulator. Time on the board goes with the wall's;
the guest may be many times slower than a PC, so deadlines here are patience alone.
"""
import os
import re
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, 'kernel')]
import guest as kernel_guest  # noqa: E402
from dfu_session import (  # noqa: E402
    APPLICATION, CUSTOM, DISCO, FAST_BUILD, KEPT, QSPI, SERIAL_BUILD, BoardCase, alt_of,
    firmware_of, noise, pack, simboard)

DATA = noise(70001, 3)
SMALL, BIG = noise(1, 4), noise(400000, 5)
PATIENCE_S = simboard.PATIENCE_S
# What the USB core, its drivers or usbfs say when a device does something wrong.
COMPLAINTS = re.compile(
    r'^.*(?:usb|vhci|cdc_acm).*\b(?:error|fail|unable|invalid|bogus|not accept|'
    r'timed? ?out|unexpected|mismatch|quirk|cannot)\b.*$', re.I | re.M)
DEVICE = '/sys/bus/usb/devices/1-1'  # first port of the first virtual hub
TTY = '/dev/ttyACM0'

guest = None


def application():
    with open(os.path.join(firmware_of(DISCO), 'assets-app.bin'), 'rb') as f:
        return f.read()


def setUpModule():
    global guest
    app = application()
    with simboard.Board(build=FAST_BUILD) as board:
        with open(pack(board, 'both.dfu', (app, APPLICATION), (DATA, QSPI)), 'rb') as f:
            both = f.read()
    guest = kernel_guest.Guest({'data': DATA, 'app': app, 'small': SMALL, 'big': BIG,
                                'both.dfu': both})


def tearDownModule():
    guest.close()


class KernelCase(BoardCase):
    build = FAST_BUILD
    options = ('--pace', 'wall')

    def run_in_guest(self, command, status=0):
        done = guest.run(command)
        self.assertEqual(done.status, status, '%s\n%s' % (command, done.output))
        return done.output

    def usbip(self, *arguments):
        return guest.run('usbip --tcp-port %d %s' % (self.board.port, ' '.join(arguments)))

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                self.fail('%s; the kernel said:\n%s' % (what, self.dmesg()))
            time.sleep(0.1)

    def dmesg(self):
        """What the kernel has said since this test began."""
        return guest.run('dmesg -c >>/dmesg; cat /dmesg').output

    def has_device(self):
        return guest.run('test -e %s/1-1:1.0/bInterfaceClass' % DEVICE).status == 0

    def ports_in_use(self):
        return re.findall(r'^Port (\d+):', guest.run('usbip port').output, re.M)

    def attach(self):
        """The board may still be starting: then its server has no device yet."""
        self.wait_until(
            lambda: self.usbip('attach -r', kernel_guest.HOST, '-b 1-1').status == 0,
            'the board does not attach')
        self.wait_until(self.has_device, 'the device is not enumerated')

    def detach(self):
        for port in self.ports_in_use():
            self.run_in_guest('usbip detach -p ' + port)
        self.wait_until(lambda: not self.has_device(), 'the device did not go')

    def setUp(self):
        if not self.board.process:
            self.board.start('--button', *self.options)
        guest.run('dmesg -c >/dev/null; rm -f /dmesg')
        self.attach()

    def tearDown(self):
        self.detach()
        self.assertEqual(COMPLAINTS.findall(self.dmesg()), [])

    def attributes(self, *names):
        shown = self.run_in_guest('cd %s; cat %s' % (DEVICE, ' '.join(names)))
        return [line.strip() for line in shown.splitlines()]

    def round_trip(self, address):
        at = '-a %s -s 0x%08x' % (alt_of(address), address)
        self.run_in_guest('rm -f /up; dfu-util %s -D /data' % at)
        self.run_in_guest('dfu-util %s:%d -U /up' % (at, len(DATA)))
        self.run_in_guest('cmp /up /data')


class Enumerated:
    """What is true of both boards."""
    speed = None

    def test_attributes(self):
        names = ('idVendor', 'idProduct', 'bcdDevice', 'speed', 'manufacturer', 'product',
                 'serial', 'bNumConfigurations', 'bConfigurationValue', 'bNumInterfaces')
        self.assertEqual(self.attributes(*names), [
            '0483', 'df11', '0010', self.speed, 'quadboot', 'quadboot DFU on ' + self.name,
            '39002A000F51393537373638', '1', '1', '1'])
        self.assertEqual(
            self.attributes(*('1-1:1.0/' + n for n in (
                'bInterfaceClass', 'bInterfaceSubClass', 'bInterfaceProtocol',
                'bNumEndpoints', 'bAlternateSetting'))), ['fe', '01', '02', '00', '0'])

    def test_descriptors(self):
        """Each alternate setting has a functional descriptor (DFU 1.1, 4.1.3) of its own:
        wTransferSize 4096, bcdDFUVersion 1.1a."""
        shown = self.run_in_guest("hexdump -v -e '1/1 \"%%02x\"' %s/descriptors" % DEVICE)
        data = bytes.fromhex(shown.strip())
        self.assertEqual((data[0], data[1], data[18], data[19]), (18, 1, 9, 2))
        rest, chain = data[18:], []
        self.assertEqual(len(rest), rest[2] | rest[3] << 8)
        while rest:
            chain.append(rest[:rest[0]])
            rest = rest[rest[0]:]
        self.assertEqual([d[1] for d in chain], [2, 4, 0x21, 4, 0x21])
        self.assertEqual([d[3] for d in chain if d[1] == 4], [0, 1])
        for d in chain:
            if d[1] == 0x21:
                self.assertEqual(d[5:9].hex(), '00101a01')

    def test_dfu_util_lists_both_media(self):
        shown = self.run_in_guest('dfu-util -l')
        found = re.findall(r'^Found DFU: \[0483:df11\].* alt=(\d), name="@([^/]*)/', shown, re.M)
        self.assertEqual(sorted(found), [('0', 'Internal Flash  '), ('1', 'External QSPI  ')])

    def test_internal_flash(self):
        self.round_trip(APPLICATION)

    def test_qspi(self):
        self.round_trip(QSPI)


class HighSpeed(Enumerated, KernelCase):
    speed = '480'

    def test_reset_by_dfu_util(self):
        """vhci_hcd tells nobody of a reset; the kernel reads the descriptors again, and
        would take a device whose descriptors have changed for another one."""
        self.run_in_guest('dfu-util -a 0 -s 0x08010000:10 -U /reset -R')
        said = self.dmesg()
        self.assertIn('reset high-speed USB device', said)
        self.assertNotIn('USB disconnect', said)
        self.test_dfu_util_lists_both_media()

    def test_detached_and_attached_again(self):
        self.detach()
        self.assertIn('USB disconnect', self.dmesg())
        self.assertEqual(self.ports_in_use(), [])
        self.attach()
        self.assertEqual(self.dmesg().count('New USB device found'), 2)
        self.test_dfu_util_lists_both_media()

    def test_leave_and_come_back(self):
        """The application starts and leaves USB; with the button held at the next
        power-on the bootloader is back."""
        self.run_in_guest('dfu-util -a 0 -s 0x08010000:leave -D /app')
        self.board.wait_for_uart('app: started by quadboot')
        self.wait_until(lambda: not self.has_device(), 'the device did not go')
        self.assertIn('USB disconnect', self.dmesg())
        self.wait_until(lambda: self.ports_in_use() == [], 'the port stays in use')
        self.board.stop_clean()
        self.board.start('--button', *self.options)
        self.attach()
        self.round_trip(APPLICATION)

    def test_unplugged(self):
        """The board loses its power while it is attached."""
        self.board.stop_clean()
        self.wait_until(lambda: not self.has_device(), 'the device did not go')
        self.assertIn('USB disconnect', self.dmesg())


class FullSpeed(Enumerated, KernelCase):
    name = CUSTOM
    speed = '12'


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
        self.wait_until(lambda: guest.run('test -c ' + TTY).status == 0, 'there is no ' + TTY)

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

    def test_files(self):
        for i, (sender, name, data) in enumerate((
                ('sx', 'small', SMALL), ('sx', 'app', application()), ('sx -k', 'data', DATA),
                ('sb', 'app', application()), ('sb -k', 'big', BIG))):
            with self.subTest(sender=sender, name=name):
                address = QSPI + ((i + 1) << 20)
                self.send(sender, name, 'load 0x%x' % address)
                if sender[1] == 'x':
                    data += b'\x1a' * (-len(data) % 128)
                self.expected[address] = data

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


if __name__ == '__main__':
    unittest.main()
