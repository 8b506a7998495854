#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""quadboot-sim --gdb: a stock gdb-multiarch in batch mode, and the protocol by hand
for what GDB does not do in a batch (interrupt, nonsense, a connection that breaks)."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from dfu_session import FAST_BUILD  # noqa: E402; finds simboard
from simboard import ROOT

SIM = os.path.join(FAST_BUILD, 'sim', 'quadboot-sim')
FIRMWARE = os.path.join(ROOT, 'build', 'firmware-stm32f769i-disco', 'firmware')
BOOT = os.path.join(FIRMWARE, 'quadboot.elf')

# 08: ldr r0, =0x20001000; 0a: movs r1, #0
# 0c: str r1, [r0]; 0e: adds r1, #1; 10: ldr r2, [r0]; 12: b 0c
COUNTER = bytes.fromhex('00000220' '09000008' '0248' '0021' '0160' '0131' '0268' 'fbe7'
                        '00100020')


class Simulator:
    def __init__(self, program, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.report_file = os.path.join(self.folder.name, 'r.json')
        if isinstance(program, bytes):
            path = os.path.join(self.folder.name, 'p.bin')
            with open(path, 'wb') as f:
                f.write(program)
            program = path + '@0x08000000'
        self.process = subprocess.Popen(
            [SIM, '--board', 'stm32f769i-disco', '--load', program, '--gdb', '0', '--report',
             self.report_file, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.match(r'gdb: listening on 127\.0\.0\.1:(\d+)$', line).group(1))

    def end(self, tell=True):
        """Exit status, standard error, report."""
        if tell:
            self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=120)
        with open(self.report_file) as f:
            return self.process.returncode, errors, json.load(f)

    def gdb(self, *commands):
        full = ['gdb-multiarch', '-nx', '-q', '-batch', '-ex', 'set architecture armv7e-m',
                '-ex', 'target remote 127.0.0.1:%d' % self.port]
        for command in commands:
            full += ['-ex', command]
        done = subprocess.run(full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, timeout=120, check=False)
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.folder.cleanup()


class Wire:
    """The remote protocol, packet by packet."""
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=120)
        self.pending = b''

    def send(self, packet):
        body = packet if isinstance(packet, bytes) else packet.encode()
        self.socket.sendall(b'$' + body + b'#%02x' % (sum(body) & 255))

    def receive(self):
        while True:
            found = re.search(rb'\$([^#]*)#..', self.pending)
            if found:
                self.pending = self.pending[found.end():]
                self.socket.sendall(b'+')
                return found.group(1).decode()
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self.pending += piece

    def ask(self, packet):
        self.send(packet)
        return self.receive()

    def word(self, packet):
        return struct.unpack('<I', bytes.fromhex(self.ask(packet)))[0]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()


class WithGdb(unittest.TestCase):
    def test_registers_and_memory(self):
        with Simulator(COUNTER) as s:
            said = s.gdb('info registers', 'x/2xw 0x08000000', 'print/x $msp',
                         'set var $r5 = 0x12345678', 'print/x $r5',
                         'set var $d3 = 1.5', 'print $d3',
                         'set var *(int *)0x20000100 = 0x55AA1234',
                         'x/2xh 0x20000100', 'x/xw 0x40023800', 'x/xw 0x60000000',
                         'detach')
            for words in (r'sp +0x20020000', r'pc +0x8000008', r'lr +0xffffffff',
                          r'xpsr +0x1000000', r'primask +0x0', r'control +0x0',
                          r'0x8000000:\s+0x20020000\s+0x08000009', r'\$1 = .*0x20020000',
                          r'\$2 = 0x12345678', r'\$3 = 1\.5',
                          r'0x20000100:\s+0x1234\s+0x55aa',
                          r'0x40023800:\s+0x0000\w\w83', 'Cannot access memory'):
                self.assertRegex(said, words)
            status, errors, report = s.end()
            self.assertEqual((status, errors), (0, ''))
            # Detached, it ran.
            self.assertGreater(report['instructions'], 1000)

    def test_breakpoints_and_steps(self):
        with Simulator(COUNTER) as s:
            said = s.gdb('break *0x0800000e', 'hbreak *0x08000012', 'continue', 'continue',
                         'continue', 'print $r1', 'delete', 'stepi', 'print $pc', 'stepi',
                         'print $pc', 'print $r1')
            self.assertEqual(len(re.findall(r'Breakpoint 1, 0x0800000e', said)), 2, said)
            self.assertEqual(len(re.findall(r'Breakpoint 2, 0x08000012', said)), 1, said)
            self.assertRegex(said, r'\$1 = 1\n')
            self.assertRegex(said, r'(?s)\$2 = .*0x8000010.*\$3 = .*0x8000012.*\$4 = 2\n')

    def test_steps_cost_what_running_costs(self):
        """Under a debugger each instruction is counted once."""
        with Simulator(COUNTER) as s, Wire(s.port) as w:
            for _ in range(25):
                self.assertEqual(w.ask('s')[:3], 'T05')
            w.ask('D')
            self.assertEqual(w.receive(), None)
            s.process.send_signal(signal.SIGTERM)
        with Simulator(COUNTER) as s, Wire(s.port) as w:
            for _ in range(25):
                w.ask('s')
            _, _, report = s.end()
            self.assertEqual((report['instructions'], report['cycles']), (25, 25))

    def test_watchpoints(self):
        with Simulator(COUNTER) as s:
            said = s.gdb('set var *(int *)0x20001000 = 77', 'watch *(int *)0x20001000',
                         'continue', 'continue')
            self.assertRegex(said, r'(?s)Old value = 77\s+New value = 0.*'
                                   r'Old value = 0\s+New value = 1')
            said = s.gdb('rwatch *(char *)0x20001001', 'continue', 'print $pc', 'delete',
                         'awatch *(short *)0x20001002', 'continue', 'print $pc')
            self.assertRegex(said, r'Hardware read watchpoint')
            self.assertRegex(said, r'Hardware access \(read/write\) watchpoint')

    def test_the_bootloader_by_its_symbols(self):
        with Simulator(BOOT) as s:
            said = s.gdb('file ' + BOOT, 'break firmware_main', 'continue', 'bt', 'next', 'step',
                         'monitor time', 'monitor reset', 'maintenance flush register-cache',
                         'info registers pc', 'monitor what',
                         'kill')
            self.assertRegex(said, r'Breakpoint 1, .*firmware_main')
            self.assertRegex(said, r'#0 .*firmware_main')
            self.assertRegex(said, r'ms of virtual time')
            self.assertRegex(said, r'pc .*reset_entry')
            self.assertRegex(said, r'monitor reset: NRST')
            status, errors, report = s.end(tell=False)  # kill ended it
            self.assertEqual((status, errors, report['resets']), (0, '', 2))


class ByHand(unittest.TestCase):
    def test_interrupt(self):
        with Simulator(COUNTER) as s, Wire(s.port) as w:
            for _ in range(3):
                w.send('c')
                w.socket.sendall(b'\x03')
                self.assertEqual(w.receive(), 'T02')
                self.assertIn(w.word('pf') - 0x08000000, (0x8, 0xa, 0xc, 0xe, 0x10, 0x12))

    def test_bkpt_and_lockup(self):
        # nop; bkpt; then a jump into nowhere
        program = bytes.fromhex('00000220' '09000008' '00bf' '00be' '0048' '0047' '01000060')
        with Simulator(program, '--lenient') as s, Wire(s.port) as w:
            self.assertEqual(w.ask('c')[:3], 'T05')
            self.assertEqual(w.word('pf'), 0x0800000a)
            self.assertEqual(w.ask('Pf=0c000008'), 'OK')
            self.assertEqual(w.ask('c')[:3], 'T0b')

    def test_an_access_of_the_debugger_is_no_guest_error(self):
        with Simulator(COUNTER) as s, Wire(s.port) as w:
            self.assertEqual(w.ask('m40011000,4'), 'E01')  # USART1: its clock is off
            self.assertEqual(w.ask('m60000000,4'), 'E01')
            self.assertEqual(w.ask('M40023844,4:10000000'), 'OK')  # RCC_APB2ENR.USART1EN
            self.assertEqual(w.ask('m40011000,4'), '00000000')
            self.assertEqual(w.ask('M08000100,4:78563412'), 'OK')  # as a flash loader
            self.assertEqual(w.ask('m00200100,4'), '78563412')
            self.assertEqual(w.ask('M1ff00000,1:00'), 'E01')
            self.assertEqual(w.ask('m90000000,4'), 'E01')  # not memory-mapped
            w.ask('D')
            self.assertEqual(s.end()[:2], (0, ''))

    def test_code_written_by_the_debugger_runs(self):
        with Simulator(COUNTER) as s, Wire(s.port) as w:
            w.ask('Z1,8000012,2')
            w.ask('c')
            self.assertEqual(w.ask('M800000e,2:0531'), 'OK')  # adds r1, #5
            w.ask('c')
            self.assertEqual(w.word('p1'), 6)

    def test_nonsense_is_answered_or_ignored(self):
        with Simulator(COUNTER) as s, Wire(s.port) as w:
            for packet in ('m', 'mzz,4', 'm0,', 'm0,ffffffff', 'M0,4:12', 'M0,4:zzzzzzzz',
                           'X0,4:12', 'Zx', 'Z1', 'Z1,', 'Z2,20000000,0', 'z1,1234,2', 'pff',
                           'p', 'P0', 'P0=1', 'Pff=00000000', 'G00', 'qRcmd,zz',
                           'qXfer:features:read:other.xml:0,10',
                           'qXfer:features:read:target.xml:fffff,10'):
                self.assertEqual(w.ask(packet)[:1] or 'E', 'E' if packet != 'qRcmd,zz' else '6',
                                 packet)
            for packet in ('vCont?', 'vMustReplyEmpty', 'b', '', 'Z9,0,0', 'qFoo', 'QFoo', '!'):
                self.assertEqual(w.ask(packet), '', packet)
            w.socket.sendall(b'$m0,4#00')  # a wrong sum
            self.assertEqual(w.socket.recv(1), b'-')
            w.socket.sendall(b'garbage\x03\x03' + b'$' + b'x' * 5000 + b'#00')
            self.assertEqual(w.word('m8000000,4'), 0x20020000)

    def test_a_debugger_that_vanishes_leaves_a_board_that_runs(self):
        with Simulator(COUNTER) as s:
            with Wire(s.port) as w:
                w.ask('Z1,8000012,2')
                w.send('c')
                w.receive()
            with Wire(s.port) as w:  # and halts it by coming back
                self.assertEqual(w.ask('?'), 'T02')
                w.send(b'$' * 9000)  # more than a packet may have
                self.assertIsNone(w.receive())
            status, errors, report = s.end()
            self.assertEqual((status, errors), (0, ''))
            self.assertGreater(report['instructions'], 100)

    def test_read_protection(self):
        """Level 1: the flash is shut once a debugger came, and the core cannot go on."""
        with Simulator(COUNTER, '--option', 'RDP=1') as s:
            with Wire(s.port) as w:
                self.assertEqual(w.ask('m8000000,4'), 'E01')
                self.assertEqual(w.ask('m20000000,4'), w.ask('m20000000,4'))
                self.assertEqual(w.ask('c'), 'T0b')  # locked up
            status, errors, report = s.end()
            self.assertEqual(status, 1)
            self.assertIn('lockup', errors)
        done = subprocess.run([SIM, '--board', 'stm32f769i-disco', '--gdb', '0', '--option',
                               'RDP=2'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('level 2', done.stderr)

    def test_options(self):
        for options, words in ((['--gdb', '65536'], '--gdb takes a port'),
                               (['--gdb', 'x'], '--gdb takes a port'),
                               (['--gdb', '0', '--mode', 'block'], '--mode precise')):
            done = subprocess.run([SIM, '--board', 'stm32f769i-disco'] + options,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=60, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


if __name__ == '__main__':
    unittest.main()
