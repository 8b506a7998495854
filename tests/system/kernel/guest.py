# SPDX-License-Identifier: MIT
"""A PC with a stock Debian kernel under QEMU, which carries out commands.

    with Guest(files={'data.bin': b'...'}) as guest:
        done = guest.run('dfu-util -l')
        print(done.status, done.output, guest.console())

Programs with a screen get /dev/ttyS2 in the guest; Guest.screen is its other end.

QEMU emulates the processor itself: what KVM can do differs from machine to machine. The
deadlines are for the patience of a test only: nothing that is measured depends on them.
"""
import collections
import glob
import os
import select
import socket
import subprocess
import tempfile
import time

import initramfs

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(initramfs.HERE)))
HOST = '10.0.2.2'  # where QEMU's user network has the host's 127.0.0.1
PATIENCE_S = 240
MEMORY_MB = '256'

Done = collections.namedtuple('Done', 'status output')


class GuestFailure(Exception):
    """The guest did not start, or is gone; the message holds its console."""


class Guest:
    def __init__(self, files=None):
        self.folder = tempfile.TemporaryDirectory(prefix='quadboot-guest-')
        self.process = None
        kernel = self._fetch()
        with open(self._path('initramfs'), 'wb') as f:
            f.write(initramfs.build(kernel, files or {}))
        self._start(glob.glob(kernel + '/boot/vmlinuz-*')[0])

    @staticmethod
    def _fetch():
        done = subprocess.run([os.path.join(ROOT, 'tools', 'fetch-kernel')],
                              stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    def _path(self, name):
        return os.path.join(self.folder.name, name)

    def console(self):
        """What the kernel said."""
        try:
            with open(self._path('console'), errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def _command(self, vmlinuz, agent, screen):
        return ['qemu-system-x86_64', '-machine', 'pc,usb=off,graphics=off,vmport=off,i8042=off',
                '-accel', 'tcg', '-cpu', 'max', '-m', MEMORY_MB,
                '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
                '-serial', 'file:' + self._path('console'),
                '-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile=',
                '-chardev', 'socket,id=agent,fd=%d' % agent, '-serial', 'chardev:agent',
                '-chardev', 'socket,id=screen,fd=%d' % screen, '-serial', 'chardev:screen',
                '-kernel', vmlinuz, '-initrd', self._path('initramfs'),
                '-append', 'console=ttyS0 panic=-1 mitigations=off random.trust_cpu=on quiet']

    def _start(self, vmlinuz):
        self.agent, agent = socket.socketpair()
        self.screen, screen = socket.socketpair()
        self.log = open(self._path('qemu'), 'w+')
        self.process = subprocess.Popen(
            self._command(vmlinuz, agent.fileno(), screen.fileno()),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=[agent.fileno(), screen.fileno()])
        agent.close()
        screen.close()
        self.received = ''
        try:
            self._read_until('@@ready')
        except GuestFailure:
            self.close()
            raise

    def _fail(self, what):
        self.log.seek(0)
        raise GuestFailure('%s; QEMU: %s; console:\n%s'
                           % (what, self.log.read(), self.console()[-3000:]))

    def _read_until(self, mark):
        """(what came before the line that begins with `mark`, that line)"""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            lines = self.received.split('\n')
            for i, line in enumerate(lines[:-1]):
                if line.startswith(mark):
                    self.received = '\n'.join(lines[i + 1:])
                    return '\n'.join(lines[:i]), line
            left = max(0, deadline - time.monotonic())
            ready = select.select([self.agent, self.screen], [], [], left)[0]
            if not ready:
                self._fail('the guest says nothing')
            if self.agent not in ready:
                # Nobody looks at the screen now, and a full one would stop its program.
                self.screen.recv(65536)
                continue
            data = self.agent.recv(65536)
            if not data:
                self._fail('QEMU ended')
            self.received += data.decode(errors='replace')

    def run(self, command):
        """Runs a line of shell in the guest."""
        self.start(command)
        return self.finish()

    def start(self, command):
        """The same in two steps, for a program with a screen."""
        self.agent.sendall(command.encode() + b'\n')

    def finish(self):
        output, line = self._read_until('@@exit ')
        return Done(int(line.split()[1]), output)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.agent.close()
        self.screen.close()
        self.log.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
