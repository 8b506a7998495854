#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""quadboot-sim from the outside: options, files, signals, exit codes."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from simboard import FLASH_SIZE, QSPI_SIZE, Board  # noqa: E402

BUILD = os.environ.get('QB_BUILD', os.path.join(ROOT, 'build', 'sim'))
SIM = os.path.join(BUILD, 'sim', 'quadboot-sim')
FIRMWARE = os.path.join(ROOT, 'build', 'firmware-stm32f769i-disco', 'firmware')
BOOT = os.path.join(FIRMWARE, 'quadboot.elf')
APP = os.path.join(FIRMWARE, 'assets-app.elf')
DISCO = ['--board', 'stm32f769i-disco']

results = []


def case(function):
    results.append(function)
    return function


def run(*arguments, timeout=120):
    return subprocess.run([SIM] + list(arguments), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout)


def refused(*arguments):
    """One sentence, exit 2, nothing on standard output; the sentence."""
    done = run(*arguments)
    assert done.returncode == 2, (arguments, done)
    assert done.stdout == '', (arguments, done.stdout)
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith('quadboot-sim: '), (arguments, lines)
    return lines[0]


@case
def every_bad_option_is_one_sentence():
    assert '--board is missing' in refused()
    assert 'stm32f769i-disco' in refused('--board', 'nucleo')
    assert "'--fast'" in refused(*DISCO, '--fast')
    assert '--run-ms needs a value' in refused(*DISCO, '--run-ms')
    assert 'files are given with --load' in refused(*DISCO, 'boot.elf')
    for value in ('0', '-1', '1x', '', '99999999999999999999'):
        assert '--run-ms takes' in refused(*DISCO, '--run-ms', value)
    chips = refused(*DISCO, '--qspi-chip', 'w25q999')
    assert 'mx25l51245g' in chips and 'sst26vf064b' in chips, chips
    assert 'suspended' in refused(*DISCO, '--qspi-state', 'tired')
    assert "'qpi'" in refused(*DISCO, '--qspi-chip', 'mx25r6435f', '--qspi-state', 'qpi')
    assert '--mode is' in refused(*DISCO, '--mode', 'fast')
    assert '--pace is' in refused(*DISCO, '--pace', 'slow')
    assert 'is not HOST:PORT' in refused(*DISCO, '--usbip', '127.0.0.1:99999')
    assert '--host-turnaround takes' in refused(*DISCO, '--host-turnaround', '5s')


@case
def every_bad_file_is_one_sentence():
    with tempfile.TemporaryDirectory() as folder:
        def made(name, content):
            path = os.path.join(folder, name)
            with open(path, 'wb') as f:
                f.write(content)
            return path
        assert 'No such file' in refused(*DISCO, '--load', os.path.join(folder, 'none'))
        assert 'is empty' in refused(*DISCO, '--load', made('empty', b''))
        assert 'is not a file' in refused(*DISCO, '--load', folder)
        raw = made('raw.bin', bytes(64))
        assert 'say where it goes' in refused(*DISCO, '--load', raw)
        assert 'any memory' in refused(*DISCO, '--load', raw + '@0x70000000')
        assert 'any memory' in refused(*DISCO, '--load', raw + '@0x081ffff0')
        assert 'leave out the @' in refused(*DISCO, '--load', BOOT + '@0x08000000')
        with open(BOOT, 'rb') as f:
            elf = f.read()
        for size in (5, 52, 60, 200, 5000):
            refused(*DISCO, '--load', made('cut.elf', elf[:size]))
        host = made('host.elf', open(SIM, 'rb').read(4096))
        assert 'not an ELF file for Arm' in refused(*DISCO, '--load', host)
        hex_file = made('bad.hex', b':10000000000102030405060708090A0B0C0D0E0F00\n')
        assert 'line 1' in refused(*DISCO, '--load', hex_file)
        big = made('big.img', bytes(FLASH_SIZE + 1))
        assert 'image of its own' in refused(*DISCO, '--flash', big, '--run-ms', '1')
        assert 'cannot be written' in refused(*DISCO, '--uart',
                                              os.path.join(folder, 'no', 'uart'))


@case
def help_tells_all_options():
    done = run('--help')
    assert done.returncode == 0 and done.stderr == ''
    for option in ('--board', '--load', '--flash', '--qspi', '--qspi-chip',
                   '--qspi-state', '--usbip', '--uart', '--button',
                   '--run-ms', '--mode', '--pace', '--report', '--strict', '--lenient'):
        assert option in done.stdout, option


@case
def images_are_created_and_written_back():
    with tempfile.TemporaryDirectory() as folder:
        flash, qspi = os.path.join(folder, 'f'), os.path.join(folder, 'q')
        done = run(*DISCO, '--load', BOOT, '--flash', flash, '--qspi', qspi, '--run-ms', '5')
        assert done.returncode == 0, done
        assert os.path.getsize(flash) == FLASH_SIZE and os.path.getsize(qspi) == QSPI_SIZE
        with open(flash, 'rb') as f, open(os.path.join(FIRMWARE, 'quadboot.bin'), 'rb') as b:
            content = b.read()
            assert f.read(len(content)) == content
        with open(qspi, 'rb') as f:
            assert f.read(4096) == b'\xff' * 4096
        assert sorted(os.listdir(folder)) == ['f', 'q']
        # A short image is taken, and what it lacks is blank.
        with open(qspi, 'wb') as f:
            f.write(b'quad')
        done = run(*DISCO, '--flash', flash, '--qspi', qspi, '--run-ms', '5')
        assert done.returncode == 0, done
        with open(qspi, 'rb') as f:
            assert f.read(8) == b'quad\xff\xff\xff\xff'
        assert os.path.getsize(qspi) == QSPI_SIZE


@case
def another_chip_has_an_image_of_its_size():
    with tempfile.TemporaryDirectory() as folder:
        qspi = os.path.join(folder, 'qspi.img')
        done = run(*DISCO, '--load', BOOT, '--qspi', qspi, '--qspi-chip', 'W25Q128JV',
                   '--qspi-state', 'dpd', '--run-ms', '5', '--lenient')
        assert done.returncode == 0, done
        assert os.path.getsize(qspi) == 16 << 20


@case
def uart_goes_to_standard_output_alone():
    done = run(*DISCO, '--load', BOOT, '--uart', '-', '--usbip', '127.0.0.1:0', '--run-ms', '60')
    assert done.stdout == 'quadboot 0.1.0 on stm32f769i-disco: no valid application\n', done
    assert done.stderr.startswith('usbip: listening on 127.0.0.1:'), done


@case
def modes_and_paces_run():
    for option in (['--mode', 'block'], ['--mode', 'precise'], ['--pace', 'free'],
                   ['--pace', 'wall'], ['--pace', 'lockstep']):
        done = run(*DISCO, '--load', BOOT, '--uart', '-', '--run-ms', '60', *option)
        assert done.returncode == 0 and 'no valid application' in done.stdout, (option, done)


@case
def button_holds_the_bootloader():
    for name in ('stm32f769i-disco', 'f769-custom-fs'):
        folder = os.path.join(ROOT, 'build', 'firmware-' + name, 'firmware')
        files = ['--board', name, '--load', os.path.join(folder, 'quadboot.elf'), '--load',
                 os.path.join(folder, 'assets-app.elf'), '--uart', '-', '--run-ms', '60']
        assert 'started by quadboot' in run(*files).stdout, name
        assert 'button held' in run(*files, '--button').stdout, name


@case
def report_holds_what_was_seen():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'r.json')
        # A program that reads an address where nothing is, and has no fault handler:
        # movs r0, #0x60; lsls r0, r0, #24; ldr r0, [r0]; b .
        bad = os.path.join(folder, 'bad.bin')
        with open(bad, 'wb') as f:
            f.write(bytes.fromhex('00000220' '09000008' '60200006' '0068fee7'))
        done = run(*DISCO, '--load', bad + '@0x08000000', '--run-ms', '5', '--report', path)
        assert done.returncode == 1, done
        assert 'bus-error' in done.stderr and 'lockup' in done.stderr, done.stderr
        with open(path) as f:
            report = json.load(f)
        first = report['guest_errors'][0]
        assert first['class'] == 'bus-error' and first['address'] == '0x60000000', first
        assert first['count'] == 1 and 'pc' in first and 'time_ns' in first
        assert report['virtual_ns'] == 5000000 and report['instructions'] > 0
        assert set(report['flash_operations']) == {'internal', 'qspi'}
        assert report['unimplemented'] == []
        lenient = run(*DISCO, '--load', bad + '@0x08000000', '--run-ms', '5', '--lenient')
        assert lenient.returncode == 0, lenient


@case
def a_peripheral_without_a_model_is_unimplemented():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'r.json')
        program = os.path.join(folder, 'p.bin')
        # ldr r0, =0x40016800 (LTDC); ldr r1, [r0, #8]; b .
        with open(program, 'wb') as f:
            f.write(bytes.fromhex('00000220' '09000008' '01488168' 'fee70000' '00680140'))
        done = run(*DISCO, '--load', program + '@0x08000000', '--run-ms', '2', '--report', path)
        assert done.returncode == 1 and 'LTDC' in done.stderr, done
        with open(path) as f:
            assert len(json.load(f)['unimplemented']) == 1


@case
def sigterm_writes_report_and_images():
    with Board() as board:
        board.start()
        report = board.stop_clean()
        assert report['virtual_ns'] > 0
        assert os.path.getsize(board.flash_file) == FLASH_SIZE


@case
def a_taken_port_is_told():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        sentence = refused(*DISCO, '--load', BOOT, '--usbip',
                           '127.0.0.1:%d' % taken.getsockname()[1])
        assert 'cannot listen' in sentence


@case
def equal_runs_are_equal():
    figures = []
    for _ in range(2):
        with Board() as board:
            board.start('--run-ms', '400', usb=False)
            report = board.wait()
            figures.append((report['cycles'], report['instructions'], report['virtual_ns']))
    assert figures[0] == figures[1], figures


@case
def an_idle_board_ends_when_told():
    """Without --run-ms, and an application that uses no USB: SIGINT ends it."""
    process = subprocess.Popen([SIM] + DISCO + ['--load', BOOT, '--load', APP],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    # The assets are missing, and the application says so; the firmware is still clean.
    assert process.returncode == 0, errors


def main():
    passed = failed = 0
    for function in results:
        try:
            function()
            passed += 1
        except AssertionError as error:
            failed += 1
            print('FAIL %s: %s' % (function.__name__, error))
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
