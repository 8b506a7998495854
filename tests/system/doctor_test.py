#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quadboot doctor`: a simulated board is well; scripted devices with one defect each are
told by it, in words that say what to do; and what keeps a user from a board is found.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from cases import case, main  # noqa: E402
import attach_device as scripted  # noqa: E402
from simboard import Board  # noqa: E402

BUILD = os.environ.get('QB_BUILD', os.path.join(ROOT, 'build', 'sim'))
FAST = os.environ.get('QB_BUILD_FAST', os.path.join(ROOT, 'build', 'sim'))
TOOL = os.path.join(BUILD, 'host', 'quadboot')
ATTACH = os.path.join(FAST, 'host', 'attach', 'quadboot-attach')
SERIAL = '39002A000F51393537373638'
WELL, PROBLEM, USAGE = 0, 1, 2


# ---- Running ---------------------------------------------------------------

def run(command, code, env=None):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=120, env=env, check=False)
    assert done.returncode == code, 'exit %d\n%s%s' % (done.returncode, done.stdout,
                                                       done.stderr)
    assert done.stderr == '', done.stderr
    return done.stdout


def usbip(*ports):
    return [o for port in ports for o in ('--usbip', '127.0.0.1:%d' % port)]


def doctor(code, *ports, options=()):
    return run([TOOL, 'doctor'] + usbip(*ports) + list(options), code)


def events(code, *ports):
    return [json.loads(line) for line in doctor(code, *ports, options=['--json']).splitlines()]


def on_own_usb(code, port, script, options=()):
    """A shell script on a USB that has only the board; it finds the tool in $TOOL."""
    env = dict(os.environ, ASAN_OPTIONS='verify_asan_link_order=0:detect_leaks=0', TOOL=TOOL)
    return run([ATTACH, *options] + usbip(port) + ['--', 'sh', '-c', script], code, env)


# ---- A board that is well --------------------------------------------------

@case
def a_simulated_board_is_well():
    with Board(build=FAST) as b:
        b.start('--button')
        out = doctor(WELL, b.port)
        assert out.endswith('All is well.\n') and SERIAL in out, out
        assert 'problem' not in out and 'note' not in out, out
        for words in ('it runs at high speed', 'WinUSB driver by itself', 'it is idle',
                      'alternate setting 1: External QSPI', 'all its strings can be read'):
            assert '  ok: ' in out and words in out, out
        assert doctor(WELL, b.port, options=['-q']) == ''
        told = events(WELL, b.port)
        assert told[-1] == {'event': 'result', 'ok': True, 'problems': 0}, told[-1]
        assert {e['check'] for e in told[:-1]} == {
            'board', 'speed', 'strings', 'functional', 'layout', 'windows', 'holder',
            'state'}, told
        assert all(e['result'] == 'ok' and e['board'] == SERIAL for e in told[:-1]), told
        out = on_own_usb(WELL, b.port, '"$TOOL" doctor')
        assert 'ok: libusb works' in out, out
        assert 'you may use its device node /dev/bus/usb/001/' in out, out
        # The check-up has changed nothing.
        report = b.stop_clean()
        assert all(m['erases'] == 0 for m in report['flash_operations'].values())


@case
def a_full_speed_board_is_as_fast_as_it_can_be():
    with Board(name='f769-custom-fs', build=FAST) as b:
        b.start('--button')
        assert 'full speed, the most it can do' in doctor(WELL, b.port)
        b.stop_clean()


# ---- One defect each -------------------------------------------------------

class Right(scripted.Device):
    """The scripted device with quadboot's name, and all that quadboot promises."""
    usb_version = 0x0210
    strings = ['quadboot', 'quadboot DFU on paper', 'ABC123'] + scripted.STRINGS[3:]
    string_numbers = (1, 2, 3)
    transfer, version = 1024, 0x011A
    functionals = (True, True)
    qualifier = None
    state_left = scripted.DFU_IDLE
    ms_os = (struct.pack('<HHIH', 10, 0, 0x06030000, 30)
             + struct.pack('<HH8s8s', 20, 3, b'WINUSB', b''))

    def reset(self):
        super().reset()
        self.state = self.state_left

    def device_descriptor(self):
        return struct.pack('<BBHBBBBHHHBBBB', 18, 1, self.usb_version, 0, 0, 0, 64, 0x0483,
                           self.product(), self.release, *self.string_numbers, 1)

    def config_descriptor(self):
        functional = struct.pack('<BBBHHH', 9, 0x21, 0x0B, 255, self.transfer, self.version)
        body = b''
        for i, has in enumerate(self.functionals):
            body += bytes([9, 4, 0, i, 0, 0xFE, 1, 2, 4 + i]) + (functional if has else b'')
        return struct.pack('<BBHBBBBB', 9, 2, 9 + len(body), 1, 1, 0, 0xC0, 50) + body

    def bos(self):
        uuid = bytes.fromhex('DF60DDD88945C74C9CD2659D9E648A9F')
        capability = struct.pack('<BBBB16sIHBB', 28, 16, 5, 0, uuid, 0x06030000,
                                 len(self.ms_os), 0x42, 0)
        return struct.pack('<BBHB', 5, 15, 5 + len(capability), 1) + capability

    def get_descriptor(self, kind, index, length):
        if kind == 15:
            return self.bos()
        if kind == 6 and self.qualifier:
            return self.qualifier
        if kind == 3 and 0 < index <= len(self.strings):
            text = self.strings[index - 1].encode('utf-16-le')
            return bytes([(2 + len(text)) & 0xFF, 3]) + text
        return super().get_descriptor(kind, index, length)

    def control(self, setup, data):
        kind, request, _, index, length = struct.unpack('<BBHHH', setup)
        if (kind, request, index) == (0xC0, 0x42, 7):
            return self.ms_os[:length]
        return super().control(setup, data)


def layout(text):
    return {'strings': Right.strings[:3] + [text, Right.strings[4]]}


DEFECTS = [
    # What differs from a right device; which check finds it; what it says.
    ({'qualifier': struct.pack('<BBHBBBBBB', 10, 6, 0x0200, 0, 0, 0, 64, 1, 0)}, 'speed',
     ['cable, a hub or the port is full speed only', 'another cable']),
    ({'functionals': (False, True)}, 'functional', ['only 1 of 2', 'fwupd']),
    ({'functionals': (False, False)}, 'functional', ['no DFU functional descriptor']),
    ({'transfer': 0}, 'functional', ['blocks of 0 bytes']),
    ({'transfer': 8192}, 'functional', ['blocks of 8192 bytes', 'reading it gives wrong']),
    ({'version': 0x0110}, 'functional', ['DFU 1.10', 'use dfu-util']),
    (layout('Flash'), 'layout', ['does not begin with \'@\'', 'no tool can write there']),
    (layout('@Flash  /0x08000000/16*004K'), 'layout', ['sector type']),
    (layout('@Flash  '), 'layout', ['layout']),
    (layout('@Flash  /0x08000000/4096*004Kg'), 'layout', ['more than 999 sectors']),
    (layout('@Flash  /0x08000000/02*032Ka,14*032Kg'), 'layout', ['begins with a zone']),
    (layout('@Flash  /0x08080000/02*032Kg/0x08000000/02*032Ka,14*032Kg'), 'layout',
     ['right behind a read-only one', 'first sector']),
    (layout('@Flash  /0x08000000/16*003Kg'), 'layout', ['no power of two', 'dfu-util']),
    (layout('@' + 'F' * 110 + '  /0x08000000/16*004Kg'), 'strings', ['126 characters']),
    ({'string_numbers': (1, 9, 3)}, 'strings', ['string 9, the product, is refused']),
    ({'string_numbers': (1, 2, 0)}, 'serial', ['no serial number', 'one board at a time']),
    ({'usb_version': 0x0200}, 'windows', ['without a BOS', 'update quadboot']),
    ({'bos': lambda self: b''}, 'windows', ['no BOS descriptor']),
    ({'bos': lambda self: Right.bos(self)[:20]}, 'windows', ['cut short']),
    ({'bos': lambda self: struct.pack('<BBHB', 5, 15, 5, 0)}, 'windows', ['MS OS 2.0']),
    ({'ms_os': Right.ms_os.replace(b'WINUSB', b'WINNUL')}, 'windows', ['are wrong']),
    ({'state_left': scripted.ERROR}, 'state', ['dfuERROR', 'repeat it']),
    ({'state_left': scripted.BUSY}, 'state', ['it is busy (dfuDNBUSY)', 'unplug it']),
    ({'state_left': scripted.MANIFEST}, 'state', ['it is busy (dfuMANIFEST)']),
]


def serve(attributes):
    return scripted.Server(type('Wrong', (Right,), attributes)())


@case
def a_device_without_a_defect_has_none():
    server = serve({})
    told = events(WELL, server.port)
    assert all(e['result'] == 'ok' for e in told[:-1]), told
    server.close()


@case
def each_defect_is_told():
    for attributes, check, words in DEFECTS:
        server = serve(attributes)
        told = events(PROBLEM, server.port)
        problems = [e for e in told if e.get('result') == 'problem']
        found = [e for e in problems if e['check'] == check]
        assert found, (attributes, told)
        sentence = ' '.join(e['text'] + '. ' + e['advice'] for e in found)
        for word in words:
            assert word in sentence, (word, sentence)
        assert all(e['advice'] for e in problems), problems
        # Nothing else is blamed, but for what follows from it.
        follows = {'functional': {'functional', 'state', 'windows', 'layout'},
                   'strings': {'strings', 'layout', 'windows'}}.get(check, {check})
        assert {e['check'] for e in problems} <= follows, (attributes, problems)
        assert told[-1]['ok'] is False and told[-1]['problems'] == len(problems), told[-1]
        text = doctor(PROBLEM, server.port)
        assert '  problem: ' in text and ' To do: ' in text, text
        # Only problems, under the board's name.
        quiet = doctor(PROBLEM, server.port, options=['--quiet'])
        assert 'ok: ' not in quiet and 'problem: ' in quiet, quiet
        server.close()


@case
def it_changes_nothing():
    for state in (scripted.SYNC, scripted.DNLOAD_IDLE, scripted.UPLOAD_IDLE, scripted.ERROR):
        server = serve({'state_left': state})
        told = events(PROBLEM if state == scripted.ERROR else WELL, server.port)
        kind = 'problem' if state == scripted.ERROR else 'note'
        assert [e['result'] for e in told if e.get('check') == 'state'] == [kind], told
        # GETSTATUS would start the work that waits in dfuDNLOAD-SYNC.
        asked = ['GETSTATE'] + (['GETSTATUS'] if state == scripted.ERROR else [])
        assert server.dfu_requests() == asked, server.dfu_requests()
        assert server.device.state == state
        server.close()


@case
def an_error_that_dfu_util_has_left():
    with Board(build=FAST) as b:
        b.start('--button')
        # quadboot's own sectors: refused, and dfu-util leaves it at that.
        told = on_own_usb(PROBLEM, b.port,
                          'dfu-util -a 0 -s 0x08000000:force -D %s >/dev/null 2>&1; '
                          '"$TOOL" doctor -q; exec "$TOOL" doctor' % __file__)
        assert told.count('another program has left it in dfuERROR (errTARGET)') == 2, told
        b.stop_clean()


@case
def others_are_told_apart():
    rom = serve({'strings': ['STMicroelectronics', 'STM32  BOOTLOADER', 'R1'] +
                 Right.strings[3:], 'usb_version': 0x0200, 'functionals': (False, True)})
    told = doctor(WELL, rom.port)
    assert 'ROM bootloader' in told and 'internal flash only' in told, told
    assert 'note: Windows has no driver' in told and 'Zadig' in told, told
    application = scripted.Server()
    application.device.runtime = True
    told = doctor(WELL, application.port)
    assert 'ok: application' in told and "'quadboot flash' has it start quadboot" in told, told
    rom.close()
    application.close()


@case
def two_boards_with_one_serial_number():
    with Board(build=FAST) as one, Board(build=FAST) as other:
        one.start('--button')
        other.start('--button')
        told = doctor(PROBLEM, one.port, other.port)
        assert told.count('has the same serial number') == 2, told
        assert '2 problems were found.' in told, told


# ---- No way to the board ---------------------------------------------------

@case
def no_server():
    told = doctor(PROBLEM, 1)
    assert 'does not answer; is it running?' in told and '1 problem was found.' in told, told


@case
def no_board():
    server = serve({})
    server.present = False
    told = doctor(PROBLEM, server.port)
    assert 'no board is found' in told and 'a cable that carries data' in told, told
    server.close()


@case
def a_board_that_says_nothing():
    server = serve({})
    server.mute_at = 20
    told = doctor(PROBLEM, server.port)
    assert 'problem: ' in told, told
    server.close()


AS_SOMEBODY = ('setpriv --reuid=65534 --regid=65534 --clear-groups '
               if os.geteuid() == 0 else '')


@case
def without_permission():
    # The tree may lie where only its owner may look.
    with Board(build=FAST) as b, tempfile.TemporaryDirectory(prefix='quadboot-') as open_to_all:
        os.chmod(open_to_all, 0o755)
        copy = shutil.copy(TOOL, open_to_all)
        b.start('--button')
        told = on_own_usb(PROBLEM, b.port,
                          # The sockets of the bridge itself stay open for everybody. Not
                          # from /: umockdev would take what chmod -R calls "dev" for /dev.
                          'cd "$UMOCKDEV_DIR"; chmod 777 .; chmod -R 777 ioctl; '
                          'chmod 0440 dev/bus/usb/001/*; '
                          'cd /; exec %s%s doctor' % (AS_SOMEBODY, copy),
                          # The library for sleeps lies in the tree, too.
                          options=['--real-sleep'])
        problem, = [line for line in told.splitlines() if line.startswith('  problem: ')]
        assert 'you may not use its device node /dev/bus/usb/001/' in problem, told
        assert '(mode 0440, owner ' in problem, told
        installed = any(os.path.exists(os.path.join(folder, 'udev/rules.d/60-quadboot.rules'))
                        for folder in ('/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'))
        assert installed or problem.endswith(
            'To do: quadboot doctor --udev-rules | sudo tee /etc/udev/rules.d/60-quadboot.rules '
            '&& sudo udevadm control --reload && sudo udevadm trigger'), told
        b.stop_clean()


@case
def another_program_or_a_driver_has_it():
    for driver, words in (('usbfs', ['another program uses it', 'end that program']),
                          ('cdc_ether', ["kernel's driver cdc_ether",
                                         'echo 1-1:1.0 | sudo tee '
                                         '/sys/bus/usb/drivers/cdc_ether/unbind'])):
        with Board(build=FAST) as b:
            b.start('--button')
            told = on_own_usb(PROBLEM, b.port,
                              'ln -s /nowhere/%s "$UMOCKDEV_DIR"/sys/bus/usb/devices/'
                              '1-1:1.0/driver; "$TOOL" doctor' % driver)
            assert all(w in told for w in words), told
            b.stop_clean()


# ---- The rules -------------------------------------------------------------

@case
def the_rules_are_the_file():
    with open(os.path.join(ROOT, 'host', 'udev', '60-quadboot.rules')) as f:
        rules = f.read()
    assert run([TOOL, 'doctor', '--udev-rules'], WELL) == rules


# With a /run/udev and a /dev/char of its own, so that nothing stays in this computer's.
WITH_RULES = """
    mount -t tmpfs none /run/udev && mount -t tmpfs none /dev/char || exit 1
    mkdir /run/udev/rules.d
    "$TOOL" doctor --udev-rules >/run/udev/rules.d/60-quadboot.rules
    "$TOOL" doctor | grep udev
    udevadm test "$(udevadm info -q path /sys/bus/usb/devices/1-1)" 2>&1
"""


@case
def udev_acts_on_the_rules():
    probe = ['unshare', '-m', 'sh', '-c', 'mkdir -p /run/udev /dev/char && '
             'mount -t tmpfs none /run/udev && mount -t tmpfs none /dev/char']
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode:
        print('skipped: only root may have a /run/udev of its own')
        return
    group = subprocess.check_output(['getent', 'group', 'plugdev'], text=True).split(':')[2]
    with Board(build=FAST) as b:
        b.start('--button')
        told = on_own_usb(WELL, b.port, "exec unshare -m sh -c '%s'" % WITH_RULES)
        assert 'the udev rules are installed (/run/udev/rules.d/60-quadboot.rules)' in told, told
        for words in (r'60-quadboot\.rules:\d+ GROUP ' + group,
                      r'60-quadboot\.rules:\d+ MODE 0660', "run: 'uaccess'", 'TAGS=.*:uaccess:'):
            assert re.search(words, told), (words, told)
        b.stop_clean()


@case
def a_wrong_command_line():
    for arguments in (['x'], ['--serial', 'x'], ['--usbip'], ['--nonsense'], ['-x']):
        done = subprocess.run([TOOL, 'doctor'] + arguments, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == USAGE and '--help' in done.stderr and not done.stdout, done


if __name__ == '__main__':
    sys.exit(main())
