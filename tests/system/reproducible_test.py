#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The firmware image is the same bytes wherever it is built."""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRESET = 'firmware-stm32f769i-disco'
FOLDERS = ('cmake', 'common', 'examples', 'firmware', 'tools')
FILES = ('CMakeLists.txt', 'CMakePresets.json')
IMAGES = ('quadboot.bin', 'quadboot-core.bin', 'assets-app.bin')


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode:
        sys.exit('%s failed:\n%s' % (' '.join(command), done.stdout))


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix='quadboot a different folder ') as folder:
        for name in FOLDERS:
            shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name))
        for name in FILES:
            shutil.copy(os.path.join(ROOT, name), folder)
        run('cmake', '--preset', PRESET, cwd=folder)
        run('cmake', '--build', '--preset', PRESET, cwd=folder)
        for image in IMAGES:
            paths = [os.path.join(root, 'build', PRESET, 'firmware', image)
                     for root in (ROOT, folder)]
            contents = [open(path, 'rb').read() for path in paths]
            if contents[0] != contents[1]:
                failed += 1
                print('FAIL %s differs' % image)
    print('%d passed, %d failed' % (len(IMAGES) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
