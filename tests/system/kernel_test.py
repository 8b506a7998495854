#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stock Debian kernel, booted under QEMU, attaches the simulated boards over USB/IP
with its own driver (vhci_hcd): what its USB core reads and says, unmodified dfu-util on
its usbfs, and every way in which a device goes and comes back.

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
    APPLICATION, CUSTOM, FAST_BUILD, QSPI, BoardCase, alt_of, noise, simboard)

DATA = noise(70001, 3)
PATIENCE_S = simboard.PATIENCE_S
# What the USB core, vhci_hcd or usbfs say when a device does something wrong.
COMPLAINTS = re.compile(r'^.*(?:usb|vhci).*\b(?:error|fail|unable|invalid|bogus|not accept|'
                        r'timed? ?out|unexpected|mismatch|quirk|cannot)\b.*$', re.I | re.M)
DEVICE = '/sys/bus/usb/devices/1-1'  # first port of the first virtual hub

guest = None


def setUpModule():
    global guest
    application = os.path.join(simboard.ROOT, 'build', 'firmware-' + simboard.DEFAULT_BOARD,
                               'firmware', 'assets-app.bin')
    with open(application, 'rb') as f:
        guest = kernel_guest.Guest({'data': DATA, 'app': f.read()})


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


if __name__ == '__main__':
    unittest.main()
