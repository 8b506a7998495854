#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quadboot` as people use it: every command that talks to a board, over USB/IP and over
libusb, against the simulated board and against a scripted DfuSe device that is not ours.
"""
import json
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from cases import case, main  # noqa: E402
import attach_device as scripted  # noqa: E402
from simboard import APP_OFFSET, Board  # noqa: E402

BUILD = os.environ.get('QB_BUILD', os.path.join(ROOT, 'build', 'sim'))
FAST = os.environ.get('QB_BUILD_FAST', os.path.join(ROOT, 'build', 'sim'))
TOOL = os.path.join(BUILD, 'host', 'quadboot')
FIRMWARE = os.path.join(ROOT, 'build', 'firmware-stm32f769i-disco', 'firmware')
SERIAL = '39002A000F51393537373638'
APPLICATION, ASSETS = 0x08010000, 0x90000000
# Exit codes, as the manual has them.
DONE, FAILED, USAGE, NO_BOARD, DIFFERENT, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


# ---- Running ---------------------------------------------------------------

def usbip(port):
    return ['--usbip', '127.0.0.1:%d' % port]


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def expect(self, code):
        assert self.code == code, 'exit %d\n%s%s' % (self.code, self.out, self.err)
        return self

    def sentence(self):
        """What went wrong: one line, that names the command."""
        lines = self.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith('quadboot '), self.err
        return lines[0]


def tool(command, port, *arguments, timeout=300):
    """`quadboot COMMAND` over USB/IP."""
    return Result(subprocess.run([TOOL, command] + usbip(port) + list(arguments),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, timeout=timeout, check=False))


def tool_libusb(command, port, *arguments, timeout=300):
    """The same over libusb, on a USB that has only the board."""
    full = [os.path.join(FAST, 'host', 'attach', 'quadboot-attach')] + usbip(port)
    full += ['--', TOOL, command] + list(arguments)
    env = dict(os.environ, ASAN_OPTIONS='verify_asan_link_order=0')
    return Result(subprocess.run(full, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, timeout=timeout, env=env, check=False))


TRANSPORTS = (tool, tool_libusb)


def application(size=9001, seed=1):
    """Bytes that begin like an application's: SP and reset handler."""
    body = random.Random(seed).randbytes(size - 8)
    return struct.pack('<II', 0x20020000, APPLICATION + 0x201) + body


def assets(size=70000, seed=2):
    return random.Random(seed).randbytes(size)


class Files:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='quadboot-')
        return self

    def __exit__(self, *unused):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def put(self, name, content):
        with open(self.path(name), 'wb') as f:
            f.write(content)
        return self.path(name)

    def get(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()


def board(*options, **keywords):
    b = Board(build=FAST, **keywords)
    b.start('--button', *options)  # what is flashed here is no application that runs
    return b


def dfuse(elements, vendor=0x0483, product=0xDF11):
    """A .dfu file, typed from UM0391."""
    targets = b''
    for alternate, pieces in elements:
        body = b''.join(struct.pack('<II', a, len(d)) + d for a, d in pieces)
        targets += struct.pack('<6sBI255sII', b'Target', alternate, 1, b'', len(body),
                               len(pieces)) + body
    whole = struct.pack('<5sBIB', b'DfuSe', 1, 11 + len(targets), len(elements)) + targets
    whole += struct.pack('<HHHH3sB', 0xFFFF, product, vendor, 0x011A, b'UFD', 16)
    return whole + struct.pack('<I', ~zlib.crc32(whole) & 0xFFFFFFFF)


# ---- Each command, both transports -----------------------------------------

@case
def list_shows_the_board():
    with board() as b:
        for run in TRANSPORTS:
            out = run('list', b.port).expect(DONE).out
            assert SERIAL in out and '0483:df11' in out and 'quadboot' in out, out
            entry, = json.loads(run('list', b.port, '--json').expect(DONE).out)
            assert entry['serial'] == SERIAL and entry['runs'] == 'quadboot', entry
            assert entry['speed'] == 'high' and entry['idProduct'] == 0xDF11, entry
        b.stop_clean()


@case
def info_tells_what_the_board_says():
    with board() as b:
        for run in TRANSPORTS:
            out = run('info', b.port).expect(DONE).out
            assert 'Internal Flash, 2 MB, of which 1984 KB can be written' in out, out
            assert 'External QSPI, 64 MB' in out and '0x93FFFFFF' in out, out
            assert 'application:  none at 0x08010000' in out, out
            assert 'STM32F76x/77x, revision Z, 2048 KB of flash, one bank' in out, out
            assert 'level 0 (none); no sector is write-protected' in out, out
            assert 'JEDEC id C2 20 1A (Macronix), 64 MB' in out, out
            info = json.loads(run('info', b.port, '--json').expect(DONE).out.splitlines()[0])
            assert info['transfer_size'] == 4096, info
            assert info['chip']['qspi_jedec_id'] == [0xC2, 0x20, 0x1A], info
            assert info['flash'][0]['runs'][0]['address'] == APPLICATION, info
        b.stop_clean()


@case
def flash_verify_read_and_erase():
    for run in TRANSPORTS:
        with Files() as f, board() as b:
            app, pictures = application(), assets()
            names = [f.put('app.bin', app) + '@0x08010000',
                     f.put('pictures.bin', pictures) + '@0x90000000']
            done = run('flash', b.port, '--no-start', *names).expect(DONE)
            assert re.search(r'79001 bytes in 3 sectors written and verified, \d+ USB transfers; '
                             'the board stays in the bootloader', done.out), done.out
            assert done.err == '', 'not a terminal, so quiet: ' + done.err
            run('verify', b.port, *names).expect(DONE)
            run('read', b.port, '-o', f.path('back'), '0x90000000:70000').expect(DONE)
            assert f.get('back') == pictures
            run('erase', b.port, '0x90010000:64K').expect(DONE)
            different = run('verify', b.port, *names).expect(DIFFERENT)
            assert 'bytes differ; the first at 0x9001' in different.sentence()
            run('erase', b.port, 'internal').expect(DONE)
            run('read', b.port, '-o', f.path('back'), '0x08010000:9001').expect(DONE)
            assert f.get('back') == b'\xff' * 9001
            b.stop_clean()
            assert b.flash(APP_OFFSET, 9001) == b'\xff' * 9001
            assert b.qspi(0, 65536) == pictures[:65536]


@case
def flash_starts_the_application_and_boot_does_too():
    app = os.path.join(FIRMWARE, 'assets-app.elf')
    pictures = os.path.join(FIRMWARE, 'assets.bin') + '@0x90000000'
    with Board(build=FAST) as b:
        b.start()
        done = tool('flash', b.port, app, pictures).expect(DONE)
        assert 'the application is started' in done.out, done.out
        b.wait_for_uart('app: all assets are right')
        b.stop_clean()
        for run in TRANSPORTS:
            b.start('--button')
            run('info', b.port).expect(DONE)
            assert 'the application is started' in run('boot', b.port).expect(DONE).out
            b.wait_for_uart('app: all assets are right')
            b.stop_clean()


@case
def boot_without_an_application_says_so():
    with board() as b:
        sentence = tool('boot', b.port).expect(FAILED).sentence()
        assert 'no valid application is installed; flash one first' in sentence, sentence
        b.stop_clean()


@case
def flash_changed_writes_only_what_differs():
    with Files() as f, board() as b:
        pictures = bytearray(assets(300000))
        pictures[200000] = 0
        name = f.put('pictures.bin', pictures) + '@0x90000000'
        tool('flash', b.port, '--no-start', name).expect(DONE)
        pictures[200000] = 1  # a bit that only an erase can set
        f.put('pictures.bin', pictures)
        done = tool('flash', b.port, '--no-start', '--changed', '--verify', name).expect(DONE)
        assert 'in 5 sectors written and verified (4 were right already)' in done.out, done.out
        report = b.stop_clean()
        # Onto a blank chip none; then 4 KB, by one.
        assert report['flash_operations']['qspi']['erases'] == 1, report['flash_operations']
        assert b.qspi(0, 300000) == pictures


def nothing_was_written(report):
    return all(m['erases'] == 0 and m['programs'] == 0
               for m in report['flash_operations'].values())


@case
def what_is_there_already_is_not_sent():
    for run in TRANSPORTS:
        with Files() as f, board() as b:
            pictures = bytearray(assets(300000))
            pictures[123456] = 0
            names = [f.put('app.bin', application(150001)) + '@0x08010000',
                     f.put('pictures.bin', pictures) + '@0x90000000']
            run('flash', b.port, '--no-start', *names).expect(DONE)
            b.stop_clean()
            b.start('--button')
            done = run('flash', b.port, '--no-start', '--json', *names).expect(DONE)
            result = json.loads(done.out.splitlines()[-1])
            assert result['skipped'] == 450001, result
            done = run('flash', b.port, '--no-start', '--map', *names).expect(DONE)
            assert ', skipped 439.4 KB that is there already' in done.out, done.out
            assert 'skipped: 439.4 KB' in done.out, done.out
            run('verify', b.port, *names).expect(DONE)
            assert nothing_was_written(b.stop_clean())
            # One byte in each flash, and no more is sent than their sectors.
            changed = bytearray(f.get('pictures.bin'))
            changed[123456] = 1  # a bit that only an erase can set
            f.put('pictures.bin', changed)
            b.start('--button')
            wrong = run('verify', b.port, *names).expect(DIFFERENT).sentence()
            assert '1 bytes differ; the first at 0x9001e240, which holds' in wrong.lower(), wrong
            done = run('flash', b.port, '--no-start', *names).expect(DONE)
            assert '(7 were right already), skipped' in done.out, done.out
            operations = b.stop_clean()['flash_operations']
            assert operations['qspi']['erases'] == 1, operations
            # What is not asked for is sent.
            b.start('--button')
            done = run('flash', b.port, '--no-start', '--no-digest', *names).expect(DONE)
            assert 'in 8 sectors written, ' in done.out and 'skipped' not in done.out, done.out
            run('verify', b.port, '--no-digest', *names).expect(DONE)
            assert 'skipped' not in done.out, done.out
            assert nothing_was_written(b.stop_clean())  # the board has seen it, too
            assert b.qspi(0, 300000) == changed


@case
def after_a_broken_update_everything_is_sent():
    with Files() as f, Board(build=FAST) as b:
        name = f.put('pictures.bin', assets(200000)) + '@0x90000000'
        b.start('--button')
        tool('flash', b.port, '--no-start', name).expect(DONE)
        b.stop_clean()
        broken_off(b.folder, f.put('other.bin', assets(100000, seed=3)) + '@0x90030000')
        b.start('--button')
        done = tool('flash', b.port, '--no-start', name).expect(DONE)
        assert 'in 4 sectors written and verified, ' in done.out, done.out
        done = tool('flash', b.port, '--no-start', name).expect(DONE)
        assert 'skipped 195.3 KB that is there already' in done.out, done.out
        b.stop_clean()


# ---- Nothing wrong is sent -------------------------------------------------

def refused(f, port, content, *words, options=()):
    sentence = tool('flash', port, '--no-start', *options, content).expect(FAILED).sentence()
    for word in words:
        assert word in sentence, sentence


@case
def what_cannot_be_right_is_refused_before_a_byte_is_sent():
    server = scripted.Server()
    page = b'\x55' * 4096
    good = dfuse([(0, [(0x08001000, page)])])
    with Files() as f:
        def put(name, content):
            return f.put(name, content)
        refused(f, server.port, put('a', good[:-1] + b'\0'), 'checksum')
        refused(f, server.port, put('b', good[:300]), 'cut short')
        refused(f, server.port, put('c', b'DfuSe\2' + good[6:]), 'a')
        refused(f, server.port, put('d', page) + '@0x0800F800', 'past the end')
        refused(f, server.port, put('e', page) + '@0x20000000', 'RAM')
        refused(f, server.port, put('f', page) + '@0x90008000', 'no flash')
        refused(f, server.port, put('g', dfuse([(0, [(0x08001000, page), (0x08001800, page)])])),
                'twice')
        refused(f, server.port, put('h', dfuse([(0, [(0x08001000, page)])], product=1)),
                'is for the USB device 0483:0001', '--force')
        # Linked for elsewhere: on this device applications lie at 0x08000000.
        refused(f, server.port, put('i', b'\0' * 4096) + '@0x08000000', 'vector table')
        assert 'DNLOAD' not in server.dfu_requests(), server.dfu_requests()
        tool('flash', server.port, '--no-start', '--force', f.path('h')).expect(DONE)


@case
def the_bootloader_and_wrong_links_are_refused():
    with Files() as f, board() as b:
        sentence = tool('flash', b.port, f.put('a', application()) + '@0x08000000') \
            .expect(FAILED).sentence()
        assert 'belongs to the bootloader itself; link the application at 0x08010000' \
            in sentence, sentence
        wrong = struct.pack('<II', 0x20020000, 0x08000201) + b'\0' * 100
        sentence = tool('flash', b.port, f.put('b', wrong) + '@0x08010000') \
            .expect(FAILED).sentence()
        assert 'linked for 0x08000000' in sentence and 'link it there' in sentence, sentence
        sentence = tool('flash', b.port, f.put('c', assets(4096)) + '@0x93FFF800') \
            .expect(FAILED).sentence()
        assert 'runs past the end of the flash' in sentence, sentence
        sentence = tool('erase', b.port, '0x90001000:64K').expect(FAILED).sentence()
        assert 'inside a sector' in sentence, sentence
        report = b.stop_clean()
        assert all(m['erases'] == 0 for m in report['flash_operations'].values())


@case
def a_wrong_command_line_touches_nothing():
    for arguments in (['flash'], ['flash', '--wait', 'x', 'a'], ['read', 'internal'],
                      ['read', '-o', 'x', 'nowhere'], ['erase'], ['erase', '0x90000000'],
                      ['verify'], ['boot', 'x'], ['list', 'x'], ['list', '--usbip', 'a:b:c'],
                      ['flash', '--nonsense', 'x'], ['info', '-x']):
        done = Result(subprocess.run([TOOL] + arguments, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, check=False))
        done.expect(USAGE)
        assert '--help' in done.sentence() and done.out == '', done.err
    for command in ('list', 'info', 'flash', 'read', 'verify', 'erase', 'boot'):
        done = subprocess.run([TOOL, command, '--help'], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == DONE and 'Usage: quadboot ' + command in done.stdout
        assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout


# ---- Other bootloaders -----------------------------------------------------

@case
def another_dfuse_device_is_obeyed():
    server = scripted.Server()
    server.device.poll_ms = {'erase': 20, 'write': 3}
    content = random.Random(3).randbytes(10000)
    with Files() as f:
        name = f.put('a.bin', content) + '@0x08002000'
        for run in TRANSPORTS:
            done = run('flash', server.port, name).expect(DONE)
            assert 'in 3 sectors' in done.out and 'stays in the bootloader' in done.out
            run('verify', server.port, name).expect(DONE)
        run('read', server.port, '-o', f.path('b'), '0x08002000:10000').expect(DONE)
        assert f.get('b') == content
    memory = server.device.memory[scripted.FLASH]
    assert bytes(memory[0x2000:0x2000 + 10000]) == content
    sizes = [r[4] for r in server.controls() if r[0] == 0x21 and r[1] == scripted.DNLOAD]
    assert max(sizes) == scripted.TRANSFER, sizes
    assert 'DfuSe bootloader' in tool('list', server.port).out


@case
def the_rom_bootloader_starts_what_it_is_told():
    """ST's ROM jumps to its address pointer (AN2662), so the pointer is set before."""
    server = scripted.Server()
    names = list(scripted.STRINGS)
    try:
        scripted.STRINGS[1] = 'STM32  BOOTLOADER'
        vectors = struct.pack('<II', 0x20020000, 0x08000201)
        with Files() as f:
            name = f.put('rom.bin', vectors + assets(3000)) + '@0x08000000'
            entry, = json.loads(tool('list', server.port, '--json').out)
            assert entry['runs'] == 'ROM bootloader', entry
            done = tool('flash', server.port, name).expect(DONE)
        assert 'the application is started' in done.out, done.out
        assert bytes(server.device.memory[scripted.FLASH][:8]) == vectors
        requests = [(setup[1], setup[2], data) for setup, data in
                    ((struct.unpack('<BBHHH', e[0]), e[1]) for e in server.entries('control'))
                    if setup[0] == 0x21 and setup[1] == scripted.DNLOAD]
        assert requests[-1][2] == b'' and requests[-1][1] == 2, requests[-1]
        assert requests[-2][2] == struct.pack('<BI', 0x21, 0x08000000), requests[-2]
    finally:
        scripted.STRINGS[:] = names


@case
def an_application_is_asked_for_its_bootloader():
    server = scripted.Server()
    server.device.runtime = True
    with Files() as f:
        name = f.put('a.bin', assets(5000)) + '@0x90000000'
        assert 'application' in tool('list', server.port).out
        tool('flash', server.port, name).expect(DONE)
    assert bytes(server.device.memory[scripted.RAM][:5000]) == assets(5000)


# ---- Looking while it works ------------------------------------------------

@case
def json_tells_every_step():
    with Files() as f, board() as b:
        name = f.put('app.bin', application()) + '@0x08010000'
        done = tool('flash', b.port, '--json', '--no-start', name).expect(DONE)
        events = [json.loads(line) for line in done.out.splitlines()]
        phases = {e['phase'] for e in events if e['event'] == 'progress'}
        assert phases == {'comparing', 'erasing', 'writing', 'finishing', 'verifying'}, phases
        states = [e['state'] for e in events if e['event'] == 'sector']
        assert states == ['erased', 'written', 'verified'], states
        assert events[-1]['event'] == 'result' and events[-1]['ok'] is True, events[-1]
        assert done.err == ''
        f.put('app.bin', application(seed=9))
        done = tool('verify', b.port, '--json', name).expect(DIFFERENT)
        last = json.loads(done.out.splitlines()[-1])
        assert last['ok'] is False and 'bytes differ' in last['problem'], last
        b.stop_clean()


def on_a_terminal(arguments, at_output=None):
    """Runs the tool on a pseudo-terminal; its exit code and all that it shows."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ['TERM'] = 'xterm'
        os.execv(TOOL, [TOOL] + arguments)
    shown = b''
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            part = os.read(fd, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        if at_output and at_output(shown):
            os.kill(pid, signal.SIGINT)
            at_output = None
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode(errors='replace')


@case
def progress_moves_during_erase_too():
    with Files() as f, board('--pace', 'wall') as b:
        # A sector of 256 KB takes a second to erase.
        names = [f.put('a.bin', assets(60000)) + '@0x%08x' % (0x08040000 + i * 0x40000)
                 for i in range(5)]
        code, shown = on_a_terminal(['flash'] + usbip(b.port) + ['--no-start', '--map', *names])
        assert code == DONE, shown
        assert '0x08040000' in shown and 'KB/s' in shown and '#' in shown, shown
        code, shown = on_a_terminal(['erase'] + usbip(b.port) + ['internal'])
        assert code == DONE, shown
        percents = [int(x) for x in re.findall(r'(\d+) %  erasing', shown)]
        assert len(set(percents)) >= 4, percents
        assert percents == sorted(percents), percents
        b.stop_clean()


@case
def interrupted_it_says_how_the_board_is_left():
    with Files() as f, board('--pace', 'wall') as b:
        name = f.put('a.bin', application(200000)) + '@0x08010000'
        code, shown = on_a_terminal(
            ['flash'] + usbip(b.port) + ['--no-start', name],
            lambda text: re.search(rb'writing', text))
        assert code == INTERRUPTED, (code, shown)
        assert 'sectors are written; the board stays in quadboot and starts no ' \
            'half-written application; run the same command again' in shown, shown
        b.stop_clean()
        assert b.flash(APP_OFFSET, 8) == b'\xff' * 8, 'the vector table comes last'
        b.start()  # no button: nothing may be started
        assert 'not finished' in tool('info', b.port).expect(DONE).out
        tool('flash', b.port, '--no-start', name).expect(DONE)
        b.stop_clean()
        assert b.flash(APP_OFFSET, 200000) == application(200000)


# ---- Several boards --------------------------------------------------------

@case
def an_application_that_quadboot_would_not_start_is_refused():
    with Files() as f, board() as b:
        name = f.put('app.bin', application())
        sentence = tool('flash', b.port, name + '@0x08020000').expect(FAILED).sentence()
        assert '0x08020000' in sentence and '0x08010000' in sentence, sentence
        assert '--force' in sentence, sentence
        report = b.stop_clean()
        assert not any(b.flash(APP_OFFSET + 0x10000, 9001).strip(b'\xff')), report
        b.start('--button')
        tool('flash', b.port, '--force', '--no-start', name + '@0x08020000').expect(DONE)
        b.stop_clean()
        assert b.flash(0x20000, 9001) == f.get('app.bin')


@case
def what_is_said_of_the_state_is_true():
    """A sector that cannot be erased; a lost board."""
    with Files() as f, board('--fault', 'erase-fails=0x90020000') as b:
        name = f.put('a.bin', assets(256 * 1024)) + '@0x90000000'
        tool('flash', b.port, '--no-start', name).expect(DONE)
        lines = tool('erase', b.port, '0x90000000:256K').expect(FAILED).err.splitlines()
        # They were only noted until the last of them: none is certain.
        assert '0 of 4 sectors are erased' in lines[1], lines
        b.stop_clean()
    with Files() as f, board('--fault', 'usb-unplug@op:40,for=ever') as b:
        name = f.put('a.bin', assets()) + '@0x90000000'
        lines = tool('flash', b.port, '--wait', '1', name).expect(FAILED).err.splitlines()
        assert 'not found again in 1 seconds' in lines[1], lines


@case
def a_stopped_read_or_erase_says_what_it_leaves():
    with Files() as f, board() as b:
        f.put('old', b'old')
        for arguments, words in ((['read', '-o', f.path('old'), 'qspi'], 'nothing was changed'),
                                 (['erase', '0x90000000:48M'], 'sectors are erased')):
            command = [TOOL, arguments[0], '--json'] + usbip(b.port) + arguments[1:]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) as p:
                p.stdout.readline()  # it works
                p.send_signal(signal.SIGINT)
                lines = p.communicate(timeout=300)[1].splitlines()
            assert p.returncode == INTERRUPTED and len(lines) == 2, lines
            assert words in lines[1], lines
        assert f.get('old') == b'old'
        b.stop_clean()


def broken_off(folder, *files):
    """A flash whose board loses its power for good; what was said of its state."""
    with Board(build=FAST, folder=folder) as b:
        b.start('--button', '--fault', 'power-cut@op:30,for=ever')
        done = tool('flash', b.port, '--wait', '1', *files).expect(FAILED)
        b.stop_clean()
        return done.err.splitlines()[-1]


@case
def what_starts_after_a_broken_update_is_what_was_said():
    """Nothing, whether the application or only its assets were being written."""
    with Files() as f, Board(build=FAST) as b:
        whole = [os.path.join(FIRMWARE, 'assets-app.elf')]
        asset = f.path('a.bin') + '@0x90000000'
        b.start('--button')
        tool('flash', b.port, '--no-start', *whole).expect(DONE)
        b.stop_clean()
        for files in ([asset], [asset] + whole):
            f.put('a.bin', assets(seed=len(files)))  # not there yet
            state = broken_off(b.folder, *files)
            assert 'starts no half-written application' in state, state
            b.start()  # without the button
            assert 'not finished' in tool('info', b.port).expect(DONE).out
            done = tool('flash', b.port, *files).expect(DONE)
            assert 'the application is started' in done.out, done.out
            b.wait_for_uart('app: started by quadboot')
            b.stop()


@case
def assets_for_a_board_without_an_application():
    with Files() as f, board() as b:
        done = tool('flash', b.port, f.put('a.bin', assets()) + '@0x90000000').expect(DONE)
        assert 'the board stays in the bootloader' in done.out, done.out
        tool('verify', b.port, f.path('a.bin') + '@0x90000000').expect(DONE)
        b.stop_clean()


@case
def a_read_that_cannot_be_stored_is_not_begun():
    with Files() as f, board() as b:
        done = tool('read', b.port, '-o', f.path('none/x'), '--json', 'qspi')
        assert 'none/x' in done.expect(FAILED).sentence()
        events = [json.loads(line) for line in done.out.splitlines()]
        assert [e['event'] for e in events] == ['result'], events
        f.put('old', b'old')
        tool('read', b.port, '-o', f.path('old'), '0x94000000:1').expect(FAILED)
        assert f.get('old') == b'old' and os.listdir(f.folder.name) == ['old']


@case
def json_ends_with_a_result_whatever_was_wrong():
    """Before any board is asked: the command line, files, no board."""
    with Files() as f, board() as b:
        asset = f.put('a.bin', assets())
        for command, code, arguments in (
                ('flash', USAGE, ['--wait', 'x', '--json']), ('flash', USAGE, ['--json']),
                ('erase', USAGE, ['--json', 'everything']), ('boot', USAGE, ['--json', 'x']),
                ('info', USAGE, ['--nonsense', '--json']), ('doctor', USAGE, ['--json', 'x']),
                ('flash', FAILED, ['--json', f.path('none')]),
                ('verify', FAILED, ['--json', asset]),
                ('boot', NO_BOARD, ['--json', '-s', 'none'])):
            done = tool(command, b.port, *arguments).expect(code)
            events = [json.loads(line) for line in done.out.splitlines()]
            assert len(events) == 1 and events[0]['event'] == 'result', done.out
            assert events[0]['ok'] is False and events[0]['code'] == code, done.out
            assert events[0]['problem'] in done.sentence(), done.out


def unique(number):
    return ['--unique-id', '%024X' % (0x39002A000F51393537370000 + number)]


class Many:
    def __init__(self, count, faults=None):
        self.boards = [Board(build=FAST) for _ in range(count)]
        for i, b in enumerate(self.boards):
            b.start('--button', *unique(i), *(faults or {}).get(i, []))

    def __enter__(self):
        return self

    def options(self):
        return [o for b in self.boards for o in usbip(b.port)]

    def __exit__(self, *unused):
        for b in self.boards:
            b.__exit__()


def run_many(many, command, *arguments):
    return Result(subprocess.run([TOOL, command] + many.options() + list(arguments),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 timeout=900, check=False))


@case
def of_several_boards_one_is_chosen():
    with Many(3) as many:
        listed = json.loads(run_many(many, 'list', '--json').out)
        serials = [e['serial'] for e in listed]
        assert len(set(serials)) == 3, serials
        sentence = run_many(many, 'boot').expect(NO_BOARD).sentence()
        assert '3 boards are connected' in sentence and serials[1] in sentence, sentence
        sentence = run_many(many, 'boot', '--serial', 'NONE').expect(NO_BOARD).sentence()
        assert 'NONE' in sentence, sentence
        out = run_many(many, 'erase', '--serial', serials[1], '0x90000000:64K').expect(DONE).out
        assert out.count('erased') == 1 and serials[1] in out, out


@case
def sixteen_boards_at_once():
    # Board 3 is unplugged in the middle, for ever; the flash of board 7 stays busy.
    faults = {3: ['--fault', 'usb-unplug@usb:900,for=ever'], 7: ['--fault', 'stays-busy@op:5']}
    with Files() as f, Many(16, faults) as many:
        app, pictures = application(20000), assets(70000)
        names = [f.put('app.bin', app) + '@0x08010000',
                 f.put('pictures.bin', pictures) + '@0x90000000']
        done = run_many(many, 'flash', '--all', '--no-start', '--wait', '2', *names)
        done.expect(SOME_FAILED)
        assert '16 boards: 14 succeeded, 2 failed' in done.out, done.out + done.err
        problems = [l for l in done.err.splitlines() if l.startswith('quadboot flash: 3')]
        assert len(problems) == 2, done.err
        assert any('unplugged' in p for p in problems), problems
        assert any('busy' in p for p in problems), problems
        for i, b in enumerate(many.boards):
            b.stop()
            if i not in faults:
                assert b.flash(APP_OFFSET, len(app)) == app, i
                assert b.qspi(0, len(pictures)) == pictures, i


@case
def a_board_that_is_unplugged_and_comes_back_is_finished():
    with Files() as f, board('--fault', 'usb-unplug@usb:1500,for=300') as b:
        pictures = assets(140000)
        done = tool('flash', b.port, '--no-start',
                    f.put('a.bin', pictures) + '@0x90000000').expect(DONE)
        assert 'after 1 lost connection' in done.out, done.out
        assert 'unplugged' in done.err and 'goes on' in done.err, done.err
        b.stop_clean()
        assert b.qspi(0, len(pictures)) == pictures


@case
def without_a_board_it_says_what_to_do():
    sentence = tool('flash', 1, __file__ + '@0x90000000').expect(FAILED).sentence()
    assert 'does not answer; is it running?' in sentence, sentence


# ---- Against dfu-util ------------------------------------------------------

def measure(run_tool, f):
    """Virtual seconds and USB transactions of one whole run, from reset to its exit."""
    with Board(build=FAST) as b:
        b.start('--button', '--until-client-exit')
        run_tool(b)
        report = b.wait()
        b.expect_clean(report)
        return report['virtual_ns'] / 1e9, report['usb_transactions']


@case
def never_slower_than_dfu_util():
    shapes = {'internal 200 KB': [(0, [(APPLICATION, application(200000))])],
              'QSPI 300 KB': [(1, [(ASSETS, assets(300000))])],
              'both': [(0, [(APPLICATION, application(50001))]),
                       (1, [(ASSETS, assets(150000))])]}
    print('%-16s %21s %21s' % ('', 'dfu-util', 'quadboot flash'))
    for shape, elements in shapes.items():
        with Files() as f:
            name = f.put('a.dfu', dfuse(elements))
            megabytes = sum(len(d) for _, e in elements for _, d in e) / 1e6
            theirs = measure(lambda b: b.dfu_util('-D', name), f)
            # Like with like: dfu-util verifies nothing, and sends what is there already.
            ours = measure(lambda b: tool_libusb('flash', b.port, '--no-start', '--no-digest',
                                                 name).expect(DONE), f)
            verified = measure(lambda b: tool_libusb('flash', b.port, '--no-start', name)
                               .expect(DONE), f)
        print('%-16s %7.3f s %6d tr./MB %7.3f s %6d tr./MB, verified %7.3f s %6d tr./MB'
              % (shape, theirs[0], theirs[1] / megabytes, ours[0], ours[1] / megabytes,
                 verified[0], verified[1] / megabytes))
        # The flash is what takes the time of both. quadboot describes the board once more
        # before it opens it (nine requests), and goes back for the vector table.
        assert ours[0] <= 1.002 * theirs[0], (shape, ours, theirs)
        assert verified[0] <= 1.02 * theirs[0], (shape, verified, theirs)


if __name__ == '__main__':
    sys.exit(main())
