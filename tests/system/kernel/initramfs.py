# SPDX-License-Identifier: MIT
"""An initial RAM disk for a stock Debian kernel: busybox, programs of this machine with
their libraries, kernel modules in the order of loading, and files of the caller.

Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst ("newc").
"""
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ('dfu-util', 'usbip', 'sb', 'sx', 'minicom')
MODULES = ('virtio_pci', 'virtio_net', 'vhci-hcd', 'cdc-acm')
BUSYBOX = '/bin/busybox'  # of busybox-static
TERMINAL = '/lib/terminfo/v/vt100'  # what ncurses knows of it, of ncurses-base
SEARCH = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
DIRECTORY, FILE, DEVICE = 0o040755, 0o100755, 0o020600


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True,
                          env=dict(os.environ, PATH=SEARCH)).stdout


class Archive:
    """Entries of a newc archive, parents before children."""

    def __init__(self):
        self.parts = []
        self.names = set()
        self.size = 0

    def _append(self, data):
        data += b'\0' * (-len(data) % 4)
        self.parts.append(data)
        self.size += len(data)

    def _entry(self, name, mode, data=b'', device=(0, 0)):
        self.names.add(name)
        text = name.encode() + b'\0'
        fields = (len(self.names), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(text), 0)
        self._append(b'070701' + b''.join(b'%08X' % f for f in fields) + text)
        self._append(data)

    def directory(self, name):
        if name and name not in self.names:
            self.directory(os.path.dirname(name))
            self._entry(name, DIRECTORY)

    def file(self, name, data):
        name = name.lstrip('/')
        if name not in self.names:
            self.directory(os.path.dirname(name))
            self._entry(name, FILE, data)

    def copy(self, path, name=None):
        with open(path, 'rb') as f:
            self.file(name or path, f.read())

    def console(self):
        """The kernel opens it for init before there is a devtmpfs."""
        self.directory('dev')
        self._entry('dev/console', DEVICE, device=(5, 1))

    def close(self):
        self._entry('TRAILER!!!', 0)
        return b''.join(self.parts)


def add_program(archive, name):
    path = shutil.which(name, path=SEARCH)
    if not path:
        raise FileNotFoundError('%s is not installed' % name)
    archive.copy(os.path.realpath(path), 'bin/' + name)
    for library in re.findall(r'(/\S+) \(0x', output('ldd', path)):
        archive.copy(library)


def module_paths(kernel):
    """Files in the order of loading, each once."""
    version = os.listdir(os.path.join(kernel, 'lib', 'modules'))[0]
    paths = []
    for module in MODULES:
        shown = output('modprobe', '--show-depends', '-d', kernel, '-S', version, module)
        paths += re.findall(r'^insmod (\S+)', shown, re.M)
    return list(dict.fromkeys(paths))


def build(kernel, files):
    """The archive's bytes. `kernel` is what tools/fetch-kernel made, `files` maps names
    in the guest to bytes."""
    archive = Archive()
    archive.console()
    archive.copy(os.path.join(HERE, 'init'), 'init')
    archive.copy(os.path.realpath(BUSYBOX), 'bin/busybox')
    for program in PROGRAMS:
        add_program(archive, program)
    modules = module_paths(kernel)
    for path in modules:
        archive.copy(path, 'modules/' + os.path.basename(path))
    archive.file('modules/order', '\n'.join(map(os.path.basename, modules)).encode())
    # usbip looks names of vendors up in it, and complains without.
    archive.file('usr/share/misc/usb.ids', b'')
    # minicom asks who uses it.
    archive.file('etc/passwd', b'root::0:0::/:/bin/sh\n')
    archive.copy(TERMINAL)
    for name, data in files.items():
        archive.file(name, data)
    return archive.close()
