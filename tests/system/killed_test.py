#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that die in the middle of an update: dfu-util, fwupdtool and quadboot, each at
50 of its transfers, spread over all of a download of an application and assets onto a
board that holds others. Every other time the program alone is killed, and what runs it
(attach, in the place of a kernel) releases the device; else the whole computer is gone.
Power goes at that instant, or when the board has been left alone for a second.

Switched on again, the board starts no half application. The next run, sometimes a plain
upload first, behaves; the same download completes, and its application starts.

QB_BUILD_FAST (else QB_BUILD) names the build that is used.
"""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import case, main  # noqa: E402
from dfu_session import (  # noqa: E402
    APPLICATION, FAST_BUILD, OWN, QSPI, noise, pack, quadboot, simboard, upload)
from usbip_tap import Tap  # noqa: E402

POINTS = 50
CHIP = ('--qspi-chip', 'w25q128jv')  # a quarter of the board's own: smaller files
# Over the border of two blocks, and no multiple of 4096 long.
ASSETS, ASSETS_SIZE = QSPI + 0xE000, 0x3064
APPLICATION_SIZE = 9001


def image(seed):
    """(bytes, address) of both parts: an application that runs for ever, and assets."""
    head = (0x20020000).to_bytes(4, 'little') + (APPLICATION + 9).to_bytes(4, 'little')
    return ((head + b'\xfe\xe7' + noise(APPLICATION_SIZE - 10, seed), APPLICATION),
            (noise(ASSETS_SIZE, seed + 1), ASSETS))


class Updated(simboard.Board):
    """A board, two images for it, and a program that brings them."""

    def __init__(self):
        super().__init__(build=FAST_BUILD)
        self.env = dict(os.environ)
        self.images = [image(1), image(11)]
        self.packages = [pack(self, 'image%d.dfu' % i, *parts)
                         for i, parts in enumerate(self.images)]

    def start(self, *options, usb=True):
        return super().start(*CHIP, *options, usb=usb)

    def holds(self, parts):
        (app, _), (assets, address) = parts
        return (self.flash(simboard.APP_OFFSET, len(app)) == app and
                self.qspi(address - QSPI, len(assets)) == assets)

    def starts_application(self):
        self.start('--run-ms', '200', usb=False)
        report = self.wait()
        self.expect_clean(report)
        return report['marks']['app_start_ns'] is not None

    def through_attach(self, port, *program):
        return [self.program('host', 'attach', 'quadboot-attach'), '--usbip',
                '127.0.0.1:%d' % port, '--'] + list(program)


class DfuUtil(Updated):
    def command(self, port, package):
        return self.through_attach(port, 'dfu-util', '-D', package)


class Fwupdtool(Updated):
    def __init__(self):
        super().__init__()
        self.env.update(FWUPD_LOCALSTATEDIR=self.path('fwupd'),
                        FWUPD_SYSCONFDIR=self.path('fwupd-etc'))
        self.start()
        shown = self.attach(*self.tool('get-devices', '--json'), env=self.env).stdout
        self.stop_clean()
        self.device = json.loads(shown[shown.index('{\n'):])['Devices'][0]['DeviceId']

    @staticmethod
    def tool(*arguments):
        return ('fwupdtool',) + arguments + ('--plugins', 'dfu')

    def command(self, port, package):
        return self.through_attach(
            port, *self.tool('install-blob', package, self.device, '--force'))


class Quadboot(Updated):
    def command(self, port, package):
        return self.through_attach(port, self.program('host', 'quadboot'), 'flash', package)


# --- running, and dying ------------------------------------------------------------------

def children(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        return [int(p) for p in f.read().split()]


def kill(process, alone):
    """The program alone, or with what runs it; whether the connection lives on."""
    victims = children(process.pid) if alone else []
    for pid in (victims or [process.pid]):
        os.kill(pid, signal.SIGKILL)
    return bool(victims)


def run(board, package, at=0, alone=False):
    """The program, killed at transfer `at`: exit status, output, transfers in all."""
    with Tap(board.port, at, lambda: kill(process, alone)) as tap:
        command = board.command(tap.port, package)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env=board.env)
        out, _ = process.communicate(timeout=simboard.PATIENCE_S)
        return process.returncode, out.decode(errors='replace'), tap.transfers


def complete(board, number):
    """The whole download; power goes with the program's end. How many transfers it took."""
    status, out, transfers = run(board, board.packages[number])
    assert status == 0, out
    board.expect_clean(board.wait())
    assert board.holds(board.images[number])
    return transfers


def expect_upload(board):
    """What a read says is what the board held when it was switched on."""
    for address, held in ((APPLICATION, board.flash(simboard.APP_OFFSET, 9001)),
                          (ASSETS, board.qspi(ASSETS - QSPI, ASSETS_SIZE))):
        assert upload(board, address, len(held)) == held


def one_point(board, point, total, old, new):
    at_once = point // 2 % 2 == 0
    board.start('--button', *(['--until-client-exit'] if at_once else []))
    status, out, _ = run(board, board.packages[new], 1 + point * (total - 1) // POINTS,
                         point % 2 == 0)
    assert status != 0, out
    board.expect_clean(board.wait() if at_once else board.stop())
    started = board.starts_application()
    assert not started or board.holds(board.images[old]) or board.holds(board.images[new])
    upload_first = point % 3 == 0
    board.start('--button')
    if upload_first:
        expect_upload(board)
    status, out, _ = run(board, board.packages[new])
    assert status == 0, out
    board.expect_clean(board.stop())
    assert board.holds(board.images[new])
    assert board.starts_application()
    return started


def at_fifty_points(board):
    with board:
        for number in (1, 0):
            board.start('--button', '--until-client-exit')
            total = complete(board, number)
        started = 0
        for point in range(POINTS):
            started += one_point(board, point, total, point % 2, 1 - point % 2)
        print('%d points of %d transfers, %d times an application started' %
              (POINTS, total, started))
        assert 0 < started < POINTS
        assert board.flash(0, OWN) == quadboot(board)


@case
def dfu_util_killed():
    at_fifty_points(DfuUtil())


@case
def fwupdtool_killed():
    at_fifty_points(Fwupdtool())


@case
def quadboot_killed():
    at_fifty_points(Quadboot())


if __name__ == '__main__':
    sys.exit(main())
