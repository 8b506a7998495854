#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A page in headless Chromium reads both media of the simulated boards over WebUSB:
it opens the device, claims interface 0, reads descriptors and uploads what dfu-util
wrote before; a serial port beside DFU changes nothing. Chromium is Debian's, driven
through its own chromedriver (W3C WebDriver).

A managed policy, there while the test runs, grants the page the device without the
chooser; only root can place it.
"""
import contextlib
import fcntl
import functools
import http.server
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from dfu_session import (  # noqa: E402
    CUSTOM, FAST_BUILD, INTERNAL_ALT, KEPT, QSPI, QSPI_ALT, SERIAL_BUILD, BoardCase, download,
    noise, OWN, quadboot, simboard)

FOLDER = os.path.join(HERE, 'webusb')
POLICIES = '/etc/chromium/policies/managed'
IDS = ((0x0483, 0xDF11), (0x1209, 0x0001))  # without and with a serial port
DATA = noise(70001, 6)
SWITCHES = (
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
    '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--disable-default-apps', '--disable-extensions', '--disable-quic')
# A browser takes two seconds to show its first page, and many times that on a busy
# machine. Anything that is asked of chromedriver, which has such limits of its own.
LOAD_S = 30
ANSWER_S = 2 * LOAD_S
STARTS = 3
UMOCKDEV = 'libumockdev-preload.so.0'
PRELOAD_ONCE = os.path.join(FAST_BUILD, 'tests', 'libpreload-once.so')
# Forks while another thread is inside of umockdev, as far as its lock can tell.
FORK = '''
import ctypes, os, signal
libc = ctypes.CDLL(None)
libc.pthread_mutex_lock(ctypes.byref(ctypes.c_char.in_dll(libc, 'trap_path_lock')))
child = os.fork()
if child == 0:
    os._exit(os.open('/dev/null', os.O_RDONLY) < 0)
signal.signal(signal.SIGALRM, lambda *unused: os.kill(child, signal.SIGKILL))
signal.alarm(10)
os._exit(os.wait()[1] != 0)
'''


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


@contextlib.contextmanager
def page():
    """Serves the page; its address."""
    handler = functools.partial(QuietHandler, directory=FOLDER)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield 'http://127.0.0.1:%d' % server.server_port
        server.shutdown()


@contextlib.contextmanager
def granted(origin):
    """The policy, in Chromium's only folder for them. Of two files with it one would
    count, so there is one, for one test at a time; a killed test's is written over."""
    path = os.path.join(POLICIES, 'quadboot-test.json')
    os.makedirs(POLICIES, exist_ok=True)
    policy = {'WebUsbAllowDevicesForUrls': [{
        'devices': [{'vendor_id': v, 'product_id': p} for v, p in IDS], 'urls': [origin]}]}
    folder = os.open(POLICIES, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with open(path, 'w') as f:
            json.dump(policy, f)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(folder)


class Driver:
    """chromedriver under quadboot-attach, and one session of a browser."""

    def __init__(self, board, name):
        # The profile and everything else that Chromium writes goes to the board's folder.
        environment = dict(os.environ, HOME=board.folder, TMPDIR=board.folder,
                           XDG_CONFIG_HOME=board.folder, XDG_CACHE_HOME=board.folder,
                           QB_PRELOAD_ONCE=PRELOAD_ONCE)
        self.process = subprocess.Popen(
            [board.program('host', 'attach', 'quadboot-attach'), '--real-sleep', '--node',
             'fifo', '--usbip', '127.0.0.1:%d' % board.port, '--',
             os.path.join(FOLDER, 'chromedriver'), '--port=0',
             '--log-path=' + board.path(name + '.log')],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
            start_new_session=True)
        self.profile = board.path(name)
        self.session = None
        said = ''
        for line in self.process.stdout:
            said += line
            found = re.search(r'started successfully on port (\d+)', line)
            if found:
                self.base = 'http://127.0.0.1:%s/session' % found.group(1)
                return
        self.stop()
        raise simboard.Failure('chromedriver did not start: ' + said)

    def call(self, method, path, body=None, patience_s=ANSWER_S):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base + path, data, {'Content-Type': 'application/json'}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=patience_s) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as error:
            raise simboard.Failure('%s: %s' % (path, error.read().decode())) from error

    def start(self, address):
        """A browser that shows the page."""
        options = {'binary': os.path.join(FOLDER, 'chromium'),
                   'args': list(SWITCHES) + ['--user-data-dir=' + self.profile]}
        self.session = '/' + self.call('POST', '', {'capabilities': {'alwaysMatch': {
            'goog:chromeOptions': options,
            'timeouts': {'pageLoad': LOAD_S * 1000,
                         'script': simboard.PATIENCE_S * 1000}}}})['sessionId']
        self.call('POST', self.session + '/url', {'url': address})

    def wait_for(self, expression, *arguments):
        """The value of a promise in the page."""
        script = ('const done = arguments[arguments.length - 1]; (%s)'
                  '.then(value => done({value}), error => done({error: String(error)}));'
                  % expression)
        found = self.call('POST', self.session + '/execute/async',
                          {'script': script, 'args': list(arguments)},
                          simboard.PATIENCE_S)
        simboard.check('error' not in found, 'the page says: %s' % found.get('error'))
        return found['value']

    def stop(self):
        """Asks the browser to end, then whoever is left of all that was started."""
        try:
            if self.session:
                # A browser that has crashed took its session along.
                with contextlib.suppress(simboard.Failure, OSError):
                    self.call('DELETE', self.session)
            self.process.terminate()
            self.process.wait(timeout=LOAD_S)
        except subprocess.TimeoutExpired:
            print('quadboot-attach had to be killed', file=sys.stderr)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process.stdout.close()


@contextlib.contextmanager
def browser(board, address):
    """Shows the page. The board has no part in that, so a browser that fails is replaced
    by another one, with a profile of its own; what comes after is tried once."""
    for i in range(1, STARTS + 1):
        driver = Driver(board, 'browser-%d' % i)
        try:
            driver.start(address)
            break
        except (simboard.Failure, OSError) as error:
            driver.stop()
            print('browser %d did not show the page: %s' % (i, error), file=sys.stderr)
            if i == STARTS:
                raise
    try:
        yield driver
    finally:
        driver.stop()


class Preload(unittest.TestCase):
    def test_fork(self):
        done = subprocess.run(
            [sys.executable, '-c', FORK], check=False,
            env=dict(os.environ, LD_PRELOAD='%s:%s' % (UMOCKDEV, PRELOAD_ONCE)))
        self.assertEqual(done.returncode, 0)


class WebUsb(BoardCase):
    build = FAST_BUILD
    options = ('--pace', 'wall')
    ids = IDS[0]
    # [interface, alternate setting, class, subclass, protocol], by interface
    interfaces = [[[0, 0, 0xFE, 1, 2], [0, 1, 0xFE, 1, 2]]]
    ms_os_subsets = ''

    def browse(self, *ranges):
        with page() as origin, granted(origin), \
                browser(self.board, origin + '/page.html') as driver:
            return driver.wait_for('session(arguments[0])', ranges)

    def expect_windows_descriptors(self, seen):
        """The end of the BOS has the size of the MS OS 2.0 set (its table 4), which has
        WINUSB for the device, or for its interface 0."""
        bos, windows = bytes(seen['bos']), bytes(seen['windows'])
        self.assertEqual(bos[:5], struct.pack('<BBHB', 5, 15, len(bos), 2))
        self.assertEqual(bos[-8:], struct.pack('<IHBB', 0x06030000, len(windows), 0x22, 0))
        subsets = bytes.fromhex(self.ms_os_subsets)
        start = struct.pack('<HHIH', 10, 0, 0x06030000, len(windows)) + subsets + \
            struct.pack('<HH8s8x', 20, 3, b'WINUSB')
        self.assertEqual(windows[:len(start)], start)
        self.assertEqual(len(windows), len(start) + 132)  # and the registry property

    def test_session(self):
        download(self.board, QSPI, DATA)
        seen = self.browse((int(INTERNAL_ALT), 0x08000000, KEPT),
                           (int(QSPI_ALT), QSPI, len(DATA)))
        self.assertEqual((seen['vendor'], seen['product']), self.ids)
        self.assertEqual(seen['names'], ['quadboot', 'quadboot DFU on ' + self.name,
                                         '39002A000F51393537373638'])
        self.assertEqual(seen['version'], [0, 1, 0])
        self.assertEqual(seen['configuration'], 1)
        self.assertEqual(seen['alternates'], self.interfaces)
        self.assertEqual(bytes(seen['device'][:2] + seen['device'][8:12]),
                         struct.pack('<BBHH', 18, 1, *self.ids))
        self.expect_windows_descriptors(seen)
        self.assertEqual(seen['languages'], [4, 3, 0x09, 0x04])
        self.assertEqual(seen['refused'], 'stall')
        internal, qspi = map(bytes.fromhex, seen['uploads'])
        self.assertEqual(internal[:OWN], quadboot(self.board))
        self.assertEqual(qspi, DATA)


class WebUsbAtFullSpeed(WebUsb):
    name = CUSTOM


class WebUsbBesideSerial(WebUsb):
    """Chromium claims interface 0 of three."""
    firmware = SERIAL_BUILD
    ids = IDS[1]
    interfaces = WebUsb.interfaces + [[[1, 0, 2, 2, 0]], [[2, 0, 10, 0, 0]]]
    # Of configuration 0, 168 bytes; of the function at interface 0, 160.
    ms_os_subsets = '08000100 0000a800 08000200 0000a000'


if __name__ == '__main__':
    unittest.main()
