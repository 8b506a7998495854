#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quadboot serial` on a pseudo-terminal, with unmodified lrzsz, or a person, at its other
end."""
import contextlib
import json
import os
import pty
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty

from cases import case, main

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('QB_BUILD', os.path.join(ROOT, 'build', 'sim'))
TOOL = os.path.join(BUILD, 'host', 'quadboot')
OK, FAILED, USAGE, NO_BOARD, INTERRUPTED = 0, 1, 2, 3, 130
CAN = b'\x18'


def noise(size):
    return random.Random(size).randbytes(size)


@contextlib.contextmanager
def port():
    """(the board's end, the path of the other)"""
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


@contextlib.contextmanager
def files(*sizes):
    """(folder, {name: content}), the files in `from`, room for what comes in `to`."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, 'from'))
        os.mkdir(os.path.join(folder, 'to'))
        content = {'f%d.bin' % n: noise(n) for n in sizes}
        for name, data in content.items():
            with open(os.path.join(folder, 'from', name), 'wb') as f:
                f.write(data)
        yield folder, content


def tool(path, *arguments, **keywords):
    return subprocess.Popen([TOOL, 'serial', '--tty', path, *arguments],
                            stdin=keywords.pop('stdin', subprocess.DEVNULL),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keywords)


def finish(process, code):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, (process.returncode, out, err)
    return out, err


def refused(code, *arguments):
    done = subprocess.run([TOOL, 'serial', *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == code and done.stdout == '', done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def read_until(fd, words, seconds=30):
    """What comes, up to and with `words`."""
    text, end = b'', time.monotonic() + seconds
    while words not in text:
        ready = select.select([fd], [], [], max(0, end - time.monotonic()))[0]
        assert ready, text
        text += os.read(fd, 4096)
    return text


def carry(master, wire, stop):
    """Between a pseudo-terminal and a socket: lrzsz would change the terminal's modes."""
    while not stop.is_set():
        for fd in select.select([master, wire], [], [], 0.1)[0]:
            data = os.read(fd, 65536)
            to = wire if fd == master else master
            while data:
                data = data[os.write(to, data):]


@contextlib.contextmanager
def lrzsz(command, master, folder):
    ours, theirs = socket.socketpair()
    stop = threading.Event()
    carrier = threading.Thread(target=carry, args=(master, ours.fileno(), stop))
    peer = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
                            cwd=folder)
    carrier.start()
    try:
        yield peer
    finally:
        stop.set()
        carrier.join()
        peer.kill()
        peer.wait()
        ours.close()
        theirs.close()


def transfer(receiver, options, sizes):
    """The tool's output, after lrzsz got what it sent."""
    with port() as (master, path), files(*sizes) as (folder, content):
        names = [os.path.join(folder, 'from', name) for name in content]
        with lrzsz(receiver, master, os.path.join(folder, 'to')) as peer:
            out, err = finish(tool(path, *options, 'send', *names), OK)
            assert peer.wait(60) == 0 and err == '', err
        return out, content, {name: open(os.path.join(folder, 'to', name), 'rb').read()
                              for name in os.listdir(os.path.join(folder, 'to'))}


# ---- Sending ---------------------------------------------------------------

@case
def a_batch_to_rb():
    sizes = (0, 1, 127, 128, 129, 896, 897, 1023, 1024, 1025, 2000000)
    out, sent, got = transfer(['rb', '-q'], [], sizes)
    assert got == sent
    assert '11 files, %d bytes, received and confirmed' % sum(sizes) in out, out


@case
def xmodem_to_rx():
    for receiver, option in (['rx', '-y', 'f'], '--xmodem'), (['rx', '-yc', 'f'], '--xmodem'), \
                            (['rx', '-yc', 'f'], '--xmodem-1k'):
        _, sent, got = transfer(receiver, [option], [3000])
        (data,), (whole,) = sent.values(), got.values()
        assert len(whole) == 3072, len(whole)
        assert whole[:3000] == data and set(whole[3000:]) == {0x1A}


@case
def programs_are_told():
    out, sent, got = transfer(['rb', '-q'], ['--json'], [300000])
    events = [json.loads(line) for line in out.splitlines()]
    assert got == sent and events[-1]['event'] == 'result', events[-1]
    assert events[-1]['ok'] and events[-1]['bytes'] == 300000, events[-1]
    progress = [e for e in events if e['event'] == 'progress']
    assert progress and all(e['phase'] == 'sending' for e in progress), progress
    done = [e['done'] for e in progress]
    assert done == sorted(done) and progress[-1]['total'] == 300000, done


@case
def a_command_is_typed_first():
    with port() as (master, path), files(10) as (folder, _):
        process = tool(path, '--command', 'load qspi', 'send',
                       os.path.join(folder, 'from', 'f10.bin'))
        assert read_until(master, b'\r') == b'load qspi\r'
        os.write(master, b'Cannot yet.\r\n')  # a word with a C, and then the real one
        time.sleep(0.3)
        os.write(master, b'C')
        assert read_until(master, b'f10.bin\x0010\x00').startswith(b'\x01\x00\xff')
        os.write(master, CAN * 2)
        _, err = finish(process, FAILED)
        assert 'the other side cancelled the transfer' in err, err


@case
def ctrl_c_tells_the_board():
    with port() as (master, path), files(100000) as (folder, _):
        process = tool(path, 'send', os.path.join(folder, 'from', 'f100000.bin'))
        time.sleep(0.2)
        os.write(master, b'C')
        read_until(master, b'f100000.bin')
        process.send_signal(signal.SIGINT)
        read_until(master, CAN * 8)
        _, err = finish(process, INTERRUPTED)
        assert 'stopped on this side' in err and 'send it again' in err, err


@case
def a_board_that_goes_is_told():
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    with files(100000) as (folder, _):
        process = tool(path, 'send', os.path.join(folder, 'from', 'f100000.bin'))
        time.sleep(0.5)
        os.write(master, b'C')
        read_until(master, b'f100000.bin')
        os.close(slave)
        os.close(master)
        _, err = finish(process, FAILED)
        assert 'the serial port is gone' in err, err


# ---- Console ---------------------------------------------------------------

@case
def a_script_talks_to_a_console():
    with port() as (master, path):
        process = tool(path, 'console', stdin=subprocess.PIPE)
        process.stdin.write('info\n')
        process.stdin.close()
        process.stdin = None
        assert read_until(master, b'\n') == b'info\n'
        os.write(master, b'quadboot 0.1.0\r\n')
        out, err = finish(process, OK)
        assert (out, err) == ('quadboot 0.1.0\n', ''), (out, err)


@case
def a_person_types_and_leaves():
    with port() as (master, path):
        keyboard, terminal = pty.openpty()
        before = termios.tcgetattr(terminal)
        process = tool(path, 'console', stdin=terminal)
        for key in b'h', b'\r', b'\x03':  # Ctrl-C is for the board
            time.sleep(0.3)
            os.write(keyboard, key)
            assert read_until(master, key) == key
        os.write(master, b'hello\r\n')
        time.sleep(0.3)
        os.write(keyboard, b'\x1d')
        out, err = finish(process, OK)
        assert out == 'hello\n' and 'Ctrl-] leaves' in err, (out, err)
        assert termios.tcgetattr(terminal) == before
        os.close(keyboard)
        os.close(terminal)


# ---- The command line ------------------------------------------------------

@case
def what_makes_no_sense_is_refused():
    for words, arguments in (('say "send" or "console"', ()),
                             ('neither "send" nor "console"', ('flash', 'x')),
                             ('no file to send', ('send',)),
                             ('one argument too many', ('console', 'x')),
                             ('one file', ('--xmodem', 'send', 'a', 'b')),
                             ('leave one out', ('-t', 'x', '-s', 'y', 'console')),
                             ('give --serial once', ('-s', 'x', '-s', 'y', 'console')),
                             ('--baud needs a number', ('--baud', '1e6', 'console'))):
        assert words in refused(USAGE, *arguments), arguments
    assert 'is no serial port' in refused(FAILED, '-t', '/dev/null', 'console')
    assert 'cannot open /dev/none' in refused(FAILED, '-t', '/dev/none', 'console')
    assert 'serial number 123' in refused(NO_BOARD, '-s', '123', 'console')
    with port() as (_, path):
        assert 'cannot open none.bin' in refused(FAILED, '-t', path, 'send', 'none.bin')


if __name__ == '__main__':
    sys.exit(main())
