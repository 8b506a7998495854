#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The board in a stock Debian kernel: what its USB core reads and says, unmodified
dfu-util on its usbfs, and every way in which a device goes and comes back."""
import re
import unittest

from dfu_session import APPLICATION, CUSTOM, QSPI
from kernel_session import DEVICE, KernelCase


def setUpModule():
    KernelCase.boot({})


def tearDownModule():
    KernelCase.guest.close()


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
