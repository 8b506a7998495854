#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make install` and the Debian package: what they put where, that dpkg takes the package
into an empty system and out of it again, and that lintian finds nothing."""
import filecmp
import glob
import gzip
import hashlib
import os
import re
import stat
import subprocess
import sys
import tempfile
import time

from cases import case, main

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(ROOT, 'build', 'sim', 'host', 'quadboot')
# Below the prefix; the mode; the file of the tree that it is, if it is one as it stands.
INSTALLED = {
    'bin/quadboot': (0o755, None),
    'share/man/man1/quadboot.1.gz': (0o644, None),
    'share/bash-completion/completions/quadboot': (0o644, 'host/completion/quadboot.bash'),
    'lib/udev/rules.d/60-quadboot.rules': (0o644, 'host/udev/60-quadboot.rules'),
    'share/fwupd/quirks.d/quadboot.quirk': (0o644, 'host/fwupd/quadboot.quirk'),
}
DOCUMENTS = {'share/doc/quadboot/copyright': (0o644, None),
             'share/doc/quadboot/changelog.gz': (0o644, None)}


def output(*command, **keywords):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False, **keywords)
    assert done.returncode == 0, '%s: exit %d\n%s' % (command, done.returncode, done.stdout)
    return done.stdout


def files_below(folder):
    return {os.path.relpath(os.path.join(path, name), folder)
            for path, _, names in os.walk(folder) for name in names}


def expect_installed(prefix, wanted):
    assert files_below(prefix) == set(wanted), files_below(prefix) ^ set(wanted)
    for name, (mode, source) in wanted.items():
        path = os.path.join(prefix, name)
        assert stat.S_IMODE(os.stat(path).st_mode) == mode, name
        assert source is None or filecmp.cmp(path, os.path.join(ROOT, source), False), name
    with gzip.open(os.path.join(prefix, 'share/man/man1/quadboot.1.gz')) as packed, \
            open(os.path.join(ROOT, 'docs', 'man', 'quadboot.1'), 'rb') as page:
        assert packed.read() == page.read()


def expect_working(prefix):
    tool = os.path.join(prefix, 'bin', 'quadboot')
    assert output(tool, '--version') == output(TOOL, '--version')
    with open(os.path.join(prefix, 'lib/udev/rules.d/60-quadboot.rules')) as f:
        assert output(tool, 'doctor', '--udev-rules') == f.read()
    with open(tool, 'rb') as f:
        assert b'.debug_info' not in f.read(), 'not stripped'
    page = output('man', '-M', os.path.join(prefix, 'share', 'man'), 'quadboot',
                  env=dict(os.environ, MANPAGER='cat', LC_ALL='C.UTF-8'))
    assert 'update boards with the quadboot bootloader' in page, page


# ---- make install ----------------------------------------------------------

@case
def make_install_with_a_prefix():
    with tempfile.TemporaryDirectory() as folder:
        output('make', '-s', '-C', ROOT, 'install', 'DESTDIR=' + folder, 'PREFIX=/opt/tools')
        prefix = os.path.join(folder, 'opt', 'tools')
        assert os.listdir(folder) == ['opt']
        expect_installed(prefix, INSTALLED)
        expect_working(prefix)


# ---- The package -----------------------------------------------------------

class Package:
    """Built anew in a folder of its own."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        said = output(os.path.join(ROOT, 'tools', 'deb'), self.folder)
        self.path, = glob.glob(os.path.join(self.folder, '*.deb'))
        assert said == 'deb: %s\n' % self.path, said
        return self

    def __exit__(self, *unused):
        self.temporary.cleanup()

    def field(self, name):
        return output('dpkg-deb', '-f', self.path, name).strip()


@case
def what_the_package_says():
    with Package() as p:
        version = output(TOOL, '--version').split()[1]
        architecture = output('dpkg', '--print-architecture').strip()
        assert os.path.basename(p.path) == 'quadboot_%s_%s.deb' % (version, architecture)
        assert p.field('Package') == 'quadboot' and p.field('Version') == version
        assert re.fullmatch(r'.+ <\S+@\S+>', p.field('Maintainer')), p.field('Maintainer')
        assert 50 < int(p.field('Installed-Size')) < 2000, p.field('Installed-Size')
        depends = {d.split()[0] for d in p.field('Depends').split(', ')}
        assert depends == {'libc6', 'libelf1', 'libjansson4', 'libusb-1.0-0'}, depends
        listed = [line.split() for line in output('dpkg-deb', '-c', p.path).splitlines()]
        assert all(entry[1] == 'root/root' for entry in listed), listed
        files = {entry[5][len('./usr/'):]: entry[0] for entry in listed
                 if not entry[5].endswith('/')}
        assert set(files) == set(INSTALLED) | set(DOCUMENTS), files
        assert {n for n, mode in files.items() if 'x' in mode} == {'bin/quadboot'}, files


@case
def the_same_tree_makes_the_same_package():
    with Package() as one:
        time.sleep(1)  # the times inside must not be those of the building
        with Package() as other:
            assert filecmp.cmp(one.path, other.path, False)


@case
def its_checksums_are_right():
    with Package() as p:
        folder = os.path.join(p.folder, 'unpacked')
        output('dpkg-deb', '-R', p.path, folder)
        with open(os.path.join(folder, 'DEBIAN', 'md5sums')) as f:
            sums = dict(reversed(line.split()) for line in f)
        assert set(sums) == {'usr/' + n for n in list(INSTALLED) + list(DOCUMENTS)}, sums
        for name, md5 in sums.items():
            with open(os.path.join(folder, name), 'rb') as f:
                assert hashlib.md5(f.read()).hexdigest() == md5, name


@case
def dpkg_installs_and_removes_it():
    with Package() as p:
        system = os.path.join(p.folder, 'system')
        database = os.path.join(system, 'var', 'lib', 'dpkg')
        for name in ('info', 'updates', 'triggers'):
            os.makedirs(os.path.join(database, name))
        with open(os.path.join(database, 'status'), 'w'):
            pass
        # Nothing that it depends on is there; an ordinary user may do this, too.
        dpkg = ['dpkg', '--root=' + system, '--force-not-root', '--force-depends',
                '--log=/dev/null']
        output(*dpkg, '-i', p.path)
        assert 'Status: install ok installed' in output(*dpkg, '-s', 'quadboot')
        assert output(*dpkg, '-V', 'quadboot') == ''
        prefix = os.path.join(system, 'usr')
        expect_installed(prefix, {**INSTALLED, **DOCUMENTS})
        expect_working(prefix)
        output(*dpkg, '-P', 'quadboot')
        assert not os.path.exists(prefix), files_below(prefix)


@case
def lintian_finds_nothing():
    with Package() as p:
        said = subprocess.run(['lintian', '--allow-root', '-I', p.path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        assert said.returncode == 0 and said.stdout == '', said.stdout + said.stderr


if __name__ == '__main__':
    sys.exit(main())
