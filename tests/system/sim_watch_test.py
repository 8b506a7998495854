#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""quadboot-sim --trace, --vcd and --qspi-log: what they show, and that they show it
without changing the run."""
import json
import os
import re
import subprocess
import tempfile
import unittest

from dfu_session import FAST_BUILD  # noqa: E402; finds simboard
from simboard import ROOT, Board
from usbip_client import Client

SIM = os.path.join(FAST_BUILD, 'sim', 'quadboot-sim')
FIRMWARE = os.path.join(ROOT, 'build', 'firmware-stm32f769i-disco', 'firmware')
BOOT = os.path.join(FIRMWARE, 'quadboot.elf')
FILES = ('trace', 'vcd', 'qspi-log')


def run(*options, load=BOOT):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'r.json')
        done = subprocess.run([SIM, '--board', 'stm32f769i-disco', '--load', load, '--report',
                               path] + list(options), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=300, check=False)
        report = None
        if os.path.exists(path):
            with open(path) as f:
                report = json.load(f)
        return done, report


def watched(*options, load=BOOT):
    """Exit status, report and the three files' lines."""
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            options += ('--' + name, os.path.join(folder, name))
        done, report = run(*options, load=load)
        texts = []
        for name in FILES:
            with open(os.path.join(folder, name)) as f:
                texts.append(f.read().splitlines())
        return done, report, texts


def read_vcd(lines):
    """[(time, name, value)], in order; every line is checked."""
    names, changes, scopes, time, body = {}, [], [], None, False
    for line in lines:
        if not body:
            if line.startswith('$scope'):
                scopes.append(line.split()[2])
            elif line.startswith('$upscope'):
                scopes.pop()
            elif line.startswith('$var'):
                _, kind, width, code, name, end = line.split()
                assert (kind, end) == ('wire', '$end') and code not in names, line
                names[code] = (scopes[-1] + '.' + name, int(width))
            body = line == '$enddefinitions $end'
        elif line.startswith('#'):
            assert time is None or int(line[1:]) > time, line
            time = int(line[1:])
        elif not line.startswith('$'):
            found = re.match(r'([01])([A-Zs]\w*)$|b([01]+) (s\d+)$', line)
            assert found, line
            bits, code = found.group(1) or found.group(3), found.group(2) or found.group(4)
            name, width = names[code]
            assert len(bits) == width, line
            changes.append((time, name, int(bits, 2)))
    assert body and not scopes
    return changes


class Observers(unittest.TestCase):
    def test_they_change_nothing(self):
        options = ['--run-ms', '1500', '--usbip', '127.0.0.1:0']
        _, plain = run(*options)
        done, report, _ = watched(*options)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        for same in ('virtual_ns', 'cycles', 'instructions', 'flash_operations', 'marks', 'gpio',
                     'usb_transactions'):
            self.assertEqual(report[same], plain[same], same)

    def test_trace_of_a_small_program(self):
        # 08: ldr r0, =0x40023800; 0a: ldr r1, [r0, #0x30]; 0c: movs r2, #1
        # 0e: str r2, [r0, #0x30]; 10: ldr r1, [r0, #0x30]; 12: strh r2, [r0, #0x38]; 14: b .
        program = bytes.fromhex('00000220' '09000008' '0348' '016b' '0122' '0263' '016b'
                                '0287' 'fee7' '00bf' '00380240')
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'p.bin')
            with open(path, 'wb') as f:
                f.write(program)
            _, _, (trace, _, _) = watched('--run-ms', '2', '--mode', 'precise', '--lenient',
                                          load=path + '@0x08000000')
        wanted = [r'0800000a  R4 RCC\.AHB1ENR +00100000 -> 00100000$',
                  r'0800000e  W4 RCC\.AHB1ENR +00100000 -> 00000001 .*GPIOAEN=1.*$',
                  r'08000010  R4 RCC\.AHB1ENR +00000001 -> 00000001$',
                  r'08000012  W2 RCC\.AHB3ENR +00000000 -> 00000001 +FMCEN=1$']
        self.assertEqual(len(trace), 1 + len(wanted), trace)
        for line, pattern in zip(trace[1:], wanted):
            self.assertRegex(line, pattern)

    def test_trace_counts_repeats_and_names_cores(self):
        _, _, (trace, _, _) = watched('--run-ms', '200')
        text = '\n'.join(trace)
        self.assertRegex(text, r'the same \d+ times more')
        for name in ('SCB.VTOR', 'GPIOJ.MODER', 'USART1.TDR', 'QUADSPI.CCR', 'NVIC.ISER',
                     'STK.', 'FLASH.ACR', 'OTG_HS'):
            self.assertIn(name, text)
        times = [float(line.split()[0]) for line in trace[1:] if not line.startswith(' ')]
        self.assertEqual(times, sorted(times))

    def test_vcd(self):
        _, report, (_, vcd, _) = watched('--run-ms', '1500', '--usbip', '127.0.0.1:0')
        changes = read_vcd(vcd)
        last = {name: value for _, name, value in changes}
        for port, state in report['gpio'].items():
            for pin in range(16):
                self.assertEqual(last['GPIO%s.P%s%d' % (port, port, pin)],
                                 state['idr'] >> pin & 1, (port, pin))
        # The first start writes the chip's quad-enable bit: 40 ms (MX25L51245G, tW).
        busy = [time for time, name, _ in changes if name == 'qspi.chip_busy']
        self.assertEqual(busy[2] - busy[1], 40000000000)
        for name, values in (('qspi.ncs', {0, 1}), ('usb.reset', {0, 1}), ('usb.vbus', {0, 1}),
                             ('usb.pull_up', {0, 1}), ('usb.pid_1out_9in_dsetup', {0, 1, 9, 13})):
            self.assertEqual({value for _, n, value in changes if n == name}, values)
        pulled = [time for time, name, value in changes if name == 'usb.pull_up' and value]
        self.assertEqual(pulled[0] // 1000, report['marks']['usb_connect_ns'])

    def test_qspi_log(self):
        _, _, (_, _, log) = watched('--run-ms', '200')
        text = '\n'.join(log)
        for line in (r'9F RDID +1-0-1 +- +0  3 in: C2 20 1A$',
                     r'5A RDSFDP +1-1-1 +000000 +8  8 in: 53 46 44 50 06 01 02 FF$',
                     r'01 WRSR +1-0-1 +- +0  1 out: 40$', r'6C QREAD4B +1-1-4 +00000000 +8  64 in',
                     r'the same \d+ times more$'):
            self.assertRegex(text, '(?m)' + line)

    def test_qspi_log_of_an_update(self):
        with Board(build=FAST_BUILD) as board:
            path = board.path('q.txt')
            board.start('--qspi-log', path)
            with Client.imported(board.port) as client:
                client.program(1, 0x90012300, bytes(range(200)))
                client.flush()
            board.stop_clean()
            with open(path) as f:
                text = f.read()
        self.assertRegex(text, r'00012300 +0  256 out: 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D '
                               r'0E 0F \.\.\.')
        self.assertRegex(text, r'(?m)06 WREN +1-0-0 +- +0$')

    def test_a_full_disk_is_told(self):
        for name in FILES:
            done, _ = run('--run-ms', '200', '--' + name, '/dev/full')
            self.assertEqual(done.returncode, 2, done)
            self.assertRegex(done.stderr, '--%s cannot be written: (No space|is the disk full)' % name)

    def test_their_files_are_judged_before_the_run(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x')
            for name in FILES:
                done, _ = run('--' + name, path, '--uart', path)
                self.assertEqual(done.returncode, 2)
                self.assertIn('give each a file of its own', done.stderr)
                done, _ = run('--' + name, os.path.join(path, 'y'))
                self.assertEqual(done.returncode, 2)
                self.assertIn('No such file', done.stderr)


if __name__ == '__main__':
    unittest.main()
