# SPDX-License-Identifier: MIT
"""What the tests with a stock Debian kernel share. Booted under QEMU, it attaches the
simulated boards over USB/IP with its own driver (vhci_hcd).

QB_BUILD_FAST names the build of the simulator. Time on the board goes with the wall's;
the guest may be many times slower than a PC, so deadlines here are patience alone.
"""
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, 'kernel'))
import guest as kernel_guest  # noqa: E402
from dfu_session import (  # noqa: E402
    DISCO, FAST_BUILD, BoardCase, alt_of, firmware_of, noise, simboard)

DATA = noise(70001, 3)  # /data in the guest
PATIENCE_S = simboard.PATIENCE_S
# What the USB core, its drivers or usbfs say when a device does something wrong.
COMPLAINTS = re.compile(
    r'^.*(?:usb|vhci|cdc_acm).*\b(?:error|fail|unable|invalid|bogus|not accept|'
    r'timed? ?out|unexpected|mismatch|quirk|cannot)\b.*$', re.I | re.M)
DEVICE = '/sys/bus/usb/devices/1-1'  # first port of the first virtual hub


def application():
    with open(os.path.join(firmware_of(DISCO), 'assets-app.bin'), 'rb') as f:
        return f.read()


class KernelCase(BoardCase):
    build = FAST_BUILD
    options = ('--pace', 'wall')
    guest = None  # one for all classes

    @staticmethod
    def boot(files):
        """`files` are in the guest beside /data and /app, an application."""
        KernelCase.guest = kernel_guest.Guest({'data': DATA, 'app': application(), **files})

    def run_in_guest(self, command, status=0):
        done = self.guest.run(command)
        self.assertEqual(done.status, status, '%s\n%s' % (command, done.output))
        return done.output

    def usbip(self, *arguments):
        return self.guest.run('usbip --tcp-port %d %s' % (self.board.port, ' '.join(arguments)))

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                self.fail('%s; the kernel said:\n%s' % (what, self.dmesg()))
            time.sleep(0.1)

    def dmesg(self):
        """What the kernel has said since this test began."""
        return self.guest.run('dmesg -c >>/dmesg; cat /dmesg').output

    def has_device(self):
        return self.guest.run('test -e %s/1-1:1.0/bInterfaceClass' % DEVICE).status == 0

    def ports_in_use(self):
        return re.findall(r'^Port (\d+):', self.guest.run('usbip port').output, re.M)

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
        self.guest.run('dmesg -c >/dev/null; rm -f /dmesg')
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
