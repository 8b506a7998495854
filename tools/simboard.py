# SPDX-License-Identifier: MIT
"""A simulated board with its files, for the demo and the system tests.

    with Board(build='build/sim', firmware='build/firmware-...') as board:
        board.dfu_util('-l')
        report = board.stop()

The board's flash and QSPI contents live in files of `folder` and outlast a stop, so
that a second start() is the same board switched on again.
"""
import json
import os
import re
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEFAULT_BOARD = 'stm32f769i-disco'
# A board that says nothing for so long (wall time) has failed; no figure depends on it.
PATIENCE_S = 300
FLASH_SIZE = 2 * 1024 * 1024
QSPI_SIZE = 64 * 1024 * 1024
APP_OFFSET = 0x10000


class Failure(Exception):
    """Something was not as it should be; the message says what."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def run_program(command):
    """Runs one of our own programs; its output and exit status."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=PATIENCE_S, check=False)


class Board:
    def __init__(self, name=DEFAULT_BOARD, build=None, firmware=None, folder=None,
                 load=True):
        self.name = name
        self.build = build or os.environ.get('QB_BUILD', os.path.join(ROOT, 'build', 'sim'))
        self.firmware = firmware or os.path.join(ROOT, 'build', 'firmware-' + name, 'firmware')
        self.temporary = None
        if folder is None:
            self.temporary = tempfile.TemporaryDirectory(prefix='quadboot-')
            folder = self.temporary.name
        self.folder = folder
        self.load = load
        self.process = None
        self.cpu_s = 0.0
        self.port = None

    # --- files ---

    def path(self, name):
        return os.path.join(self.folder, name)

    @property
    def flash_file(self):
        return self.path('flash.img')

    @property
    def qspi_file(self):
        return self.path('qspi.img')

    def flash(self, offset, size):
        return _read(self.flash_file, offset, size)

    def qspi(self, offset, size):
        return _read(self.qspi_file, offset, size)

    def uart(self):
        try:
            with open(self.path('uart.txt'), errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def program(self, *parts):
        return os.path.join(self.build, *parts)

    # --- life ---

    def start(self, *options, usb=True):
        """Switches the board on. Options go to quadboot-sim as they are."""
        command = [self.program('sim', 'quadboot-sim'), '--board', self.name,
                   '--flash', self.flash_file, '--qspi', self.qspi_file,
                   '--uart', self.path('uart.txt'), '--report', self.path('report.json')]
        if self.load and not os.path.exists(self.flash_file):
            command += ['--load', os.path.join(self.firmware, 'quadboot.elf')]
        if usb:
            command += ['--usbip', '127.0.0.1:0']
        command += options
        for stale in ('uart.txt', 'report.json'):
            if os.path.exists(self.path(stale)):
                os.unlink(self.path(stale))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        if usb:
            line = self.process.stdout.readline()
            found = re.match(r'usbip: listening on \S+:(\d+)$', line)
            if not found:
                self.process.kill()
                raise Failure('quadboot-sim did not start: %s%s'
                              % (line, self.process.communicate()[1]))
            self.port = int(found.group(1))
        return self

    def wait(self):
        """Waits for the simulator to end by itself; its report."""
        out, errors = self.process.communicate(timeout=PATIENCE_S)
        self.exit_status = self.process.returncode
        self.errors = errors
        self.process = None
        if not os.path.exists(self.path('report.json')):
            raise Failure('quadboot-sim left no report: %s%s' % (out, errors))
        with open(self.path('report.json')) as f:
            return json.load(f)

    def stop(self):
        """Switches the board off (SIGTERM); its report."""
        self.cpu_s = _cpu_seconds(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def stop_clean(self):
        """The same, and nothing may have been wrong with the firmware."""
        report = self.stop()
        self.expect_clean(report)
        return report

    def expect_clean(self, report):
        check(not report['guest_errors'] and not report['unimplemented'],
              'the simulator saw: ' + self.errors)
        check(self.exit_status == 0, 'quadboot-sim exited with %d' % self.exit_status)

    def wait_for_uart(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.uart():
            check(self.process.poll() is None, 'quadboot-sim ended')
            check(time.monotonic() < deadline,
                  'the board did not print "%s", but: %s' % (text, self.uart()))
            time.sleep(0.02)

    # --- clients ---

    def attach(self, *command, node=None, check_exit=True, env=None):
        """Runs an unmodified program that finds the board on its USB."""
        full = [self.program('host', 'attach', 'quadboot-attach'),
                '--usbip', '127.0.0.1:%d' % self.port]
        if node:
            full += ['--node', node]
        full += ['--'] + list(command)
        done = subprocess.run(full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE_S, env=env, check=False)
        # Not text=True: progress bars return the carriage, and that is not a new line.
        done.stdout = done.stdout.decode(errors='replace')
        if check_exit and done.returncode:
            raise Failure('%s exited with %d:\n%s'
                          % (' '.join(command), done.returncode, done.stdout))
        return done

    def dfu_util(self, *arguments, **keywords):
        return self.attach('dfu-util', *arguments, **keywords)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process:
            self.process.kill()
            self.process.communicate()
        if self.temporary:
            self.temporary.cleanup()


def _cpu_seconds(pid):
    """What a process has used so far: utime and stime (proc(5))."""
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _read(path, offset, size):
    with open(path, 'rb') as f:
        f.seek(offset)
        return f.read(size)
