#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The serial port of the simulated board, as people use it: unmodified lrzsz, minicom and
`quadboot serial` on a terminal, at the other end the real bootloader."""
import contextlib
import os
import pty
import random
import re
import select
import subprocess
import sys
import time
import tty
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools'))
from simboard import Board, ROOT, PATIENCE_S  # noqa: E402
from cases import case, main  # noqa: E402
from modem_peers import SIZES, Minicom, padded  # noqa: E402

FAST = os.environ.get('QB_BUILD_FAST') or os.environ.get('QB_BUILD') or \
    os.path.join(ROOT, 'build', 'sim')
SERIAL = os.path.join(ROOT, 'build', 'firmware-%s-serial', 'firmware')
APP, INTERNAL, QSPI = 0x08010000, 0x08000000, 0x90000000
PROMPT = b'\r\n> '


def noise(size):
    return random.Random(size).randbytes(size)


class Port:
    """The board's terminal, open."""

    def __init__(self, board):
        self.board = board
        self.path = board.path('tty')
        self.expected = []  # (address, bytes), looked at when the board is off
        self.attach = subprocess.Popen(
            [board.program('host', 'attach', 'quadboot-attach'), '--usbip',
             '127.0.0.1:%d' % board.port, '--tty', self.path, '--', 'sleep', 'infinity'])
        end = time.monotonic() + PATIENCE_S
        while not os.path.exists(self.path):
            assert self.attach.poll() is None and time.monotonic() < end, 'no terminal'
            time.sleep(0.02)
        self.open()

    def open(self):
        self.fd = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        # quadboot-attach may not see a port that is closed and opened at once: there is
        # no greeting then.
        self.sync()

    def close(self):
        os.close(self.fd)

    def until(self, words):
        """What comes, up to and with `words`."""
        text, end = b'', time.monotonic() + PATIENCE_S
        while words not in text:
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            assert ready, text
            text += os.read(self.fd, 4096)
        return text.decode(errors='replace')

    def command(self, text):
        """Its answer, without echo and prompt."""
        os.write(self.fd, text.encode() + b'\r')
        answer = self.until(PROMPT)
        while answer.count('\n') < 2:
            answer += self.until(PROMPT)
        return answer.split('\n', 1)[1].rsplit('\r\n> ', 1)[0].strip()

    def send(self, sender, load, check=True):
        """Runs an unmodified sender on the line, and then has the board ask. What the
        console said behind it may have gone to the sender."""
        peer = subprocess.Popen(sender, stdin=self.fd, stdout=self.fd, stderr=subprocess.PIPE)
        time.sleep(0.2)  # until it listens; later only costs the next request
        os.write(self.fd, load.encode() + b'\r')
        _, errors = peer.communicate(timeout=PATIENCE_S)
        tty.setraw(self.fd)  # lrzsz has put back what was before
        assert not check or peer.returncode == 0, errors[-300:]
        self.sync()
        return peer.returncode

    def sync(self):
        """An empty line until there is a prompt and silence behind it."""
        text, end = b'', time.monotonic() + PATIENCE_S
        while not text.endswith(b'> '):
            assert time.monotonic() < end, text
            os.write(self.fd, b'\r')
            while select.select([self.fd], [], [], 0.3)[0]:
                text += os.read(self.fd, 4096)

    def expect(self, address, data):
        """By the board now, from its image later."""
        if data:
            answer = self.command('crc 0x%x %d' % (address, len(data)))
            crc = int(re.search(r'0x([0-9a-f]{8})', answer).group(1), 16)
            assert crc == zlib.crc32(data), (hex(address), len(data), answer)
        self.expected.append((address, data))

    def stop(self):
        with contextlib.suppress(OSError):
            self.close()
        self.attach.terminate()
        self.attach.wait(PATIENCE_S)

    def compare(self):
        for address, data in self.expected:
            here = (self.board.qspi(address - QSPI, len(data)) if address >= QSPI
                    else self.board.flash(address - INTERNAL, len(data)))
            assert here == data, (hex(address), len(data))


@contextlib.contextmanager
def port(name='stm32f769i-disco'):
    with Board(name, build=FAST, firmware=SERIAL % name) as board:
        board.start('--pace', 'wall')
        p = Port(board)
        try:
            yield p
        finally:
            p.stop()
        board.stop_clean()
        p.compare()


def file_of(board, name, data):
    path = board.path(name)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def program_image(size):
    """With vectors that an application may have (SP in DTCM, reset in it)."""
    return (0x20020000).to_bytes(4, 'little') + (APP + 0x201).to_bytes(4, 'little') + noise(size)


# ---- lrzsz -----------------------------------------------------------------

def all_sizes(*sender):
    with port() as p:
        for i, size in enumerate(SIZES):
            data, address = noise(size), QSPI + i * 0x10000
            path = file_of(p.board, 'f%d.bin' % size, data)
            p.send([*sender, path], 'load 0x%x' % address)
            p.expect(address, padded(data) if sender[0] == 'sx' else data)


@case
def every_size_by_sx():
    all_sizes('sx', '-q')


@case
def every_size_by_sx_with_blocks_of_1024():
    all_sizes('sx', '-q', '-k')


@case
def every_size_by_sb():
    all_sizes('sb', '-q')


@case
def every_size_into_internal_flash():
    """Side by side in one sector: what lies beside a file stays."""
    with port() as p:
        for i, size in enumerate(SIZES):
            data, address = noise(size), 0x08040000 + i * 0x1000
            path = file_of(p.board, 'f%d.bin' % size, data)
            p.send(['sb', '-q', '-k', path], 'load 0x%x' % address)
            p.expect(address, data)
        data = noise(5000)
        p.send(['sx', '-q', '-k', file_of(p.board, 'x.bin', data)], 'load 0x08080000')
        p.expect(0x08080000, padded(data))


@case
def four_megabytes():
    with port() as p:
        data = noise(4 << 20)
        path = file_of(p.board, 'big.bin', data)
        p.send(['sb', '-q', '-k', path], 'load qspi')
        p.expect(QSPI, data)
        p.send(['sx', '-q', '-k', path], 'load 0x91000000')
        p.expect(0x91000000, data)
        app = program_image(1500000)
        p.send(['sb', '-q', '-k', file_of(p.board, 'app.bin', app)], 'load')
        p.expect(APP, app)


@case
def four_megabytes_in_small_blocks():
    with port() as p:
        data = noise(4 << 20)
        path = file_of(p.board, 'big.bin', data)
        p.send(['sx', '-q', path], 'load qspi')
        p.expect(QSPI, data)


# ---- .dfu ------------------------------------------------------------------

def dfu_file(board, app, assets):
    parts = [file_of(board, 'app.bin', app) + '@0x%08x' % APP,
             file_of(board, 'assets.bin', assets) + '@0x%08x' % QSPI]
    path = board.path('both.dfu')
    subprocess.run([board.program('host', 'quadboot'), 'pack', '-o', path] + parts, check=True,
                   stdout=subprocess.DEVNULL)
    return path


@case
def both_flashes_from_one_file():
    for sender in (['sb', '-q', '-k'], ['sx', '-q'], ['sx', '-q', '-k']):
        with port() as p:
            app, assets = program_image(70001), noise(123457)
            p.send(sender + [dfu_file(p.board, app, assets)], 'load')
            p.expect(APP, app)
            p.expect(QSPI, assets)
            info = p.command('info')
            assert 'application: ok' in info and 'update finished' in info, info


@case
def a_damaged_file_boots_nothing():
    with port() as p:
        app, assets = program_image(20000), noise(30000)
        path = dfu_file(p.board, app, assets)
        with open(path, 'rb') as f:
            good = f.read()
        for bad in (good[:-1] + bytes([good[-1] ^ 1]), good[:-5000]):
            status = p.send(['sb', '-q', '-k', file_of(p.board, 'bad.dfu', bad)], 'load',
                            check=False)
            assert status != 0
            info = p.command('info')
            assert 'update not finished' in info, info
            answer = p.command('boot')
            assert answer.startswith('!'), answer
        p.send(['sb', '-q', '-k', file_of(p.board, 'good.dfu', good)], 'load')
        p.expect(APP, app)
        p.expect(QSPI, assets)
        assert 'update finished' in p.command('info')


# ---- our own sender, and minicom -------------------------------------------

@case
def by_quadboot_serial():
    with port() as p:
        app, assets = program_image(50000), noise(200000)
        path = dfu_file(p.board, app, assets)
        p.close()
        for option in ([], ['--xmodem'], ['--xmodem-1k'], ['--ymodem-g']):
            load = 'load g' if option == ['--ymodem-g'] else 'load'
            done = subprocess.run([p.board.program('host', 'quadboot'), 'serial', '--tty',
                                   os.path.realpath(p.path), '--command', load] + option +
                                  ['send', path], capture_output=True, text=True,
                                  timeout=PATIENCE_S, check=False)
            assert done.returncode == 0, (option, done)
        p.open()
        p.expect(APP, app)
        p.expect(QSPI, assets)


@contextlib.contextmanager
def minicom(p):
    """With the board's terminal; the port is closed meanwhile."""
    p.close()
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(p.board.folder)
        os.environ.update(TERM='vt100', HOME=p.board.folder, LANG='C')
        os.execvp('minicom', [*Minicom.COMMAND, os.path.realpath(p.path)])
    peer = Minicom(fd, PATIENCE_S)
    yield peer
    peer.quit()
    with contextlib.suppress(OSError):
        while os.read(fd, 4096):
            pass
    os.waitpid(pid, 0)
    p.open()


@case
def by_minicom():
    with port() as p:
        data = noise(150000)
        path = file_of(p.board, 'f.bin', data)
        with minicom(p) as peer:
            peer.until('> ')
            peer.send('load qspi', path)
        p.expect(QSPI, data)


# ---- life ------------------------------------------------------------------

@case
def modem_managers_are_not_answered():
    with port() as p:
        for probe in (b'AT\r', b'ATE0\r', b'AT+GCAP\r', b'\x7e\x00\x78\xf0\x7e', b'AT+CGMM\r\n'):
            os.write(p.fd, probe)
            assert not select.select([p.fd], [], [], 0.3)[0], os.read(p.fd, 4096)
        os.write(p.fd, b'\x15')
        p.sync()
        assert 'quadboot' in p.command('info')


@case
def a_file_of_that_name_stays():
    with Board(build=FAST, firmware=SERIAL % 'stm32f769i-disco') as board:
        board.start('--pace', 'wall')
        path = file_of(board, 'mine', b'mine')
        done = subprocess.run(
            [board.program('host', 'attach', 'quadboot-attach'), '--usbip',
             '127.0.0.1:%d' % board.port, '--tty', path, '--', 'true'],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 125, done
        assert 'There is no terminal: File exists.' in done.stderr, done.stderr
        with open(path, 'rb') as f:
            assert f.read() == b'mine'


@case
def closed_and_opened_again():
    with port() as p:
        for _ in range(10):
            os.write(p.fd, b'read 0x90000000 4k\r')
            p.close()
            p.open()
        assert 'quadboot' in p.command('info')


@case
def dfu_waits_for_its_turn():
    """One road at a time; the other is told why."""
    with port() as p:
        peer = subprocess.Popen(['sb', '-q', '-k', file_of(p.board, 'f.bin', noise(3000000))],
                                stdin=p.fd, stdout=p.fd, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        os.write(p.fd, b'load qspi\r')
        time.sleep(1.5)
        assert peer.poll() is None
        peer.wait(PATIENCE_S)
        tty.setraw(p.fd)
        p.sync()
        p.expect(QSPI, noise(3000000))


@case
def at_full_speed():
    with port('f769-custom-fs') as p:
        app, assets = program_image(30000), noise(60000)
        for sender in (['sb', '-q', '-k'], ['sx', '-q', '-k']):
            p.send(sender + [dfu_file(p.board, app, assets)], 'load')
        p.expect(APP, app)
        p.expect(QSPI, assets)


if __name__ == '__main__':
    sys.exit(main())
