#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The host that the benchmark calls dfu-util behaves as the unmodified one does.

Both write the same number of blocks to a board in the same state, at the same speed of
the bus and with the same time between requests; what they did is counted on the wire.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from cases import case, main  # noqa: E402
from simboard import Board  # noqa: E402

BUILD = os.environ.get('QB_BUILD', os.path.join(ROOT, 'build', 'sim'))
KB = 256
# Only the real one asks for all strings, and is held up by its own time-outs: it finds
# the chip some polls earlier or later.
SLACK = 0.01


def transactions_of_dfu_util(name, turnaround_us):
    with Board(name, build=BUILD) as board:
        data = board.path('data.bin')
        with open(data, 'wb') as f:
            f.write(os.urandom(KB * 1024))
        board.start('--host-turnaround', str(turnaround_us))
        board.dfu_util('-a', '1', '-s', '0x90000000', '-D', data)
        return board.stop_clean()['usb_transactions']


def row_of_benchmark(speed):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'rows.json')
        subprocess.run([os.path.join(BUILD, 'tests', 'speed_bench'), '--row', 'blank',
                        '--chip', 'mx25l51245g', '--road', 'dfu-util', '--speed', speed,
                        '--kb', str(KB), '--json', path],
                       stdout=subprocess.DEVNULL, check=True)
        with open(path) as f:
            result = json.load(f)
    return result['host_model'], result['rows'][0]


def compare(name, speed, key):
    model, row = row_of_benchmark(speed)
    real = transactions_of_dfu_util(name, model[key])
    assert abs(real - row['transactions']) < SLACK * real, (real, row['transactions'])


@case
def dfu_util_at_high_speed():
    compare('stm32f769i-disco', 'HS', 'hs_transfer_us')


@case
def dfu_util_at_full_speed():
    compare('f769-custom-fs', 'FS', 'fs_transfer_us')


if __name__ == '__main__':
    sys.exit(main())
