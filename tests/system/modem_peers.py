# SPDX-License-Identifier: MIT
"""What tests of the board's serial port share: the sizes of files around the blocks of
the protocols, what XMODEM makes of a file, and minicom."""
import os
import re
import select
import time

# Blocks have 128 or 1024 bytes; with 896 left or fewer, sx -k and sb -k send the small ones.
SIZES = (0, 1, 127, 128, 129, 896, 897, 1023, 1024, 1025)


def padded(data):
    """XMODEM does not tell a length: whole blocks arrive, and the last are of 128 bytes."""
    return data + b'\x1a' * (-len(data) % 128)


class Minicom:
    """Driven as a person does: by keys, and by what the screen says. `fd` is the other
    end of its terminal, a vt100."""
    COMMAND = ('minicom', '-o', '-D')

    def __init__(self, fd, patience_s):
        self.fd = fd
        self.patience_s = patience_s
        self.text = ''

    def keys(self, keys):
        os.write(self.fd, keys.encode())

    def until(self, words):
        end = time.monotonic() + self.patience_s
        while words not in self.text:
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            assert ready, self.text[-500:]
            self.text += re.sub(r'\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|.)|[\0\x0e\x0f]', '',
                                os.read(self.fd, 4096).decode(errors='replace'))
        self.text = self.text.split(words, 1)[1]

    def send(self, load, path):
        """`load` at the board's prompt, and the file by YMODEM."""
        self.keys(load + '\r')
        self.until('send by ymodem')
        self.keys('\x01s')
        self.until('[Upload]')
        self.keys('j\r')  # ymodem, below zmodem
        self.until('files for upload')
        self.keys('\r')  # none of the list
        self.until('enter filename')
        self.keys(path + '\r')
        self.until('Transfer complete')
        self.keys('x')

    def quit(self):
        self.keys('\x01q')
        self.until('Leave')
        self.keys('\r')
