#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual page, the --help texts and the completion tell the same story, and the page
is right in the eyes of man and groff."""
import os
import re
import subprocess
import sys
import tempfile

from cases import case, main

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('QB_BUILD', os.path.join(ROOT, 'build', 'sim'))
TOOL = os.path.join(BUILD, 'host', 'quadboot')
PAGE = os.path.join(ROOT, 'docs', 'man', 'quadboot.1')
COMPLETION = os.path.join(ROOT, 'host', 'completion', 'quadboot.bash')
SHARED = 'options of boards'


def output(*command, **keywords):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=True, timeout=60, **keywords).stdout


def help_of(*command):
    return output(TOOL, *command, '--help')


def commands():
    found = re.findall(r'^  ([a-z]+) +[a-z]', help_of(), re.M)
    assert len(found) >= 9 and 'doctor' in found, found
    return found


def help_options(command):
    """{option: whether it takes a value} of a command's --help."""
    options = {}
    for short, long, value in re.findall(
            r'^ +(?:(-[a-z]), )?(--[a-z0-9-]+)(?: ([A-Z][^ \n]*))?(?:  |$)', help_of(command),
            re.M):
        options[long] = bool(value)
        if short:
            options[short] = bool(value)
    assert '--help' in options and '-h' in options, options
    return options


# ---- The page --------------------------------------------------------------

def plain(roff):
    """Without fonts and escapes."""
    roff = re.sub(r'\\f[A-Z]', '', roff)
    return roff.replace('\\-', '-').replace('\\&', '').replace('\\|', '')


def page_sections():
    """{title of .SH or .SS: its lines}"""
    sections, lines = {}, []
    with open(PAGE) as f:
        for line in f.read().splitlines():
            title = re.match(r'\.S[HS] (.*)', line)
            if title:
                lines = sections.setdefault(title.group(1).strip('"'), [])
            lines.append(line)
    return sections


def page_options(lines):
    """{option: whether it takes a value}: from the tags of paragraphs (.TP)."""
    options = {}
    for tag in (plain(b) for a, b in zip(lines, lines[1:]) if a == '.TP'):
        names = re.findall(r'(?<![\w-])--?[a-z][a-z0-9-]*', tag)
        rest = re.sub(r'^\.[A-Z]+ ', '', tag)
        for name in names:
            rest = rest.replace(name, '', 1)
        for name in names:
            options[name] = bool(re.search(r'[a-z]', rest))
    return options


def page_command_options(sections, command):
    lines = sections['quadboot ' + command]
    options = dict(page_options(sections['OTHER OPTIONS']))
    del options['--version']
    options.update(page_options(lines))
    if SHARED in plain(' '.join(lines)):
        options.update(page_options(sections['OPTIONS OF BOARDS']))
    return options


@case
def every_command_and_option_is_in_the_page():
    sections = page_sections()
    described = {title.split()[1] for title in sections if title.startswith('quadboot ')}
    assert described == set(commands()), described ^ set(commands())
    for command in commands():
        page, told = page_command_options(sections, command), help_options(command)
        assert page == told, (command, sorted(set(page.items()) ^ set(told.items())))
        synopsis = plain('\n'.join(sections['SYNOPSIS']))
        assert '.B quadboot ' + command in synopsis, command


@case
def every_exit_code_is_in_the_page():
    with open(os.path.join(ROOT, 'host', 'cli', 'cli.h')) as f:
        codes = {int(n) for n in re.findall(r'^  CLI_\w+ = (\d+),', f.read(), re.M)}
    tags = {int(n) for n in re.findall(r'^\.B (\d+)$',
                                       '\n'.join(page_sections()['EXIT STATUS']), re.M)}
    assert codes == tags and len(codes) >= 7, (codes, tags)


@case
def the_version_is_the_same_everywhere():
    version = output(TOOL, '--version').split()[1]
    with open(PAGE) as f:
        assert '"quadboot %s"' % version in f.read(), version
    with open(os.path.join(ROOT, 'CHANGELOG.md')) as f:
        assert version in f.read(), version


@case
def man_and_groff_have_nothing_to_say():
    env = dict(os.environ, LC_ALL='C.UTF-8', MANROFFSEQ='', MANWIDTH='80')
    done = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', PAGE],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env,
                          check=True)
    assert done.stderr == '', done.stderr
    done = subprocess.run(['groff', '-ww', '-b', '-man', '-Tutf8', PAGE],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    assert done.stderr == '', done.stderr


@case
def help_is_worth_reading():
    for command in [()] + [(c,) for c in commands()]:
        text = help_of(*command)
        assert text.startswith('Usage: quadboot ' + ' '.join(command)), text
        assert all(len(line) <= 80 for line in text.splitlines()), text
        assert 'Exit codes:' in text, text


# ---- The completion --------------------------------------------------------

def complete(*words, folder='.'):
    """What bash would offer for the last word."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _quadboot; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    found = output('bash', '--norc', '--noprofile', '-uc', script, 'bash',
                   COMPLETION, TOOL, *words, cwd=folder)
    return sorted(line for line in found.splitlines() if line)


@case
def commands_are_completed():
    assert complete('') == sorted(commands())
    assert complete('do') == ['doctor'] and complete('x') == []
    assert complete('--') == ['--help', '--version']


@case
def options_are_completed():
    for command in commands():
        assert complete(command, '-') == sorted(help_options(command)), command
    assert complete('flash', '--ma') == ['--map']
    assert complete('flash', 'a.dfu', '--ve') == ['--verify']
    assert complete('nonsense', '-') == []


@case
def files_are_completed_by_suffix():
    with tempfile.TemporaryDirectory() as folder:
        for name in ('app.elf', 'app.c', 'with blank.bin', 'u.dfu', 'n.uf2', 'h.hex'):
            with open(os.path.join(folder, name), 'w'):
                pass
        os.mkdir(os.path.join(folder, 'folder'))
        images = ['app.elf', 'folder', 'h.hex', 'n.uf2', 'u.dfu', 'with blank.bin']
        for command in ('flash', 'verify', 'pack'):
            assert complete(command, '', folder=folder) == images, command
        assert complete('flash', 'w', folder=folder) == ['with blank.bin']
        # No image: any file, as programs need no suffix.
        assert complete('flash', 'app.c', folder=folder) == ['app.c']
        assert complete('read', '-o', '', folder=folder) == ['folder', 'u.dfu', 'with blank.bin']
        assert complete('pack', '--output', 'u', folder=folder) == ['u.dfu']
        assert complete('read', '', folder=folder) == ['internal', 'qspi']
        assert complete('erase', 'q', folder=folder) == ['qspi']
        assert complete('serial', '', folder=folder) == ['console', 'send']
        assert complete('serial', '-q', 'send', '', folder=folder) == ['folder', 'u.dfu',
                                                                       'with blank.bin']
        assert complete('serial', '--tty', '/dev/nul', folder=folder) == ['/dev/null']
        for words in (('flash', '--serial', ''), ('flash', '-s', ''), ('flash', '--wait', ''),
                      ('list', '--usbip', ''), ('list', ''), ('doctor', '')):
            assert complete(*words, folder=folder) == [], words


@case
def bash_loads_it_for_quadboot():
    script = 'source "$1"; complete -p quadboot'
    assert '-F _quadboot quadboot' in output('bash', '--norc', '-c', script, 'bash', COMPLETION)


# ---- The udev rules --------------------------------------------------------

@case
def the_rules_name_every_board():
    pairs = set()
    boards = os.path.join(ROOT, 'firmware', 'board')
    for board in os.listdir(boards):
        with open(os.path.join(boards, board, 'board.c')) as f:
            text = f.read()
        for build in ('usb', 'serial'):
            pairs.add(tuple(re.search(r'\.%s_%s = 0x([0-9A-Fa-f]{4}),' % (build, n),
                                      text).group(1).lower() for n in ('vid', 'pid')))
    with open(os.path.join(ROOT, 'host', 'udev', '60-quadboot.rules')) as f:
        rules = f.read()
    # The ROM bootloader, and whatever the boards have.
    for vendor, product in pairs | {('0483', 'df11')}:
        assert 'ATTR{idVendor}=="%s", ATTR{idProduct}=="%s"' % (vendor, product) in rules
    for line in rules.splitlines():
        assert line.startswith('#') or re.fullmatch(
            r'SUBSYSTEM=="usb", ENV\{DEVTYPE\}=="usb_device", ATTR\{idVendor\}=="[0-9a-f]{4}", '
            r'ATTR\{idProduct\}=="[0-9a-f]{4}", MODE="0660", GROUP="plugdev", TAG\+="uaccess"'
            r'(, ENV\{ID_MM_DEVICE_IGNORE\}="1")?', line), line


if __name__ == '__main__':
    sys.exit(main())
