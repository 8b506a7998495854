# SPDX-License-Identifier: MIT
"""A scripted DfuSe device behind a USB/IP server, for testing quadboot-attach.

Written from the protocol texts alone, sharing nothing with the C code. It keeps
a journal of everything that reaches it, and misbehaves when it is told to.
"""
import socket
import struct
import threading
import time

OP_REQ_IMPORT, OP_REQ_DEVLIST = 0x8003, 0x8005
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
CMD_SLEEP, RET_SLEEP = 0x51420001, 0x51420002
EPIPE, ECONNRESET = -32, -104

(DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT) = range(7)
DFU_NAMES = ["DETACH", "DNLOAD", "UPLOAD", "GETSTATUS", "CLRSTATUS", "GETSTATE",
             "ABORT"]
APP_IDLE, DFU_IDLE, SYNC, BUSY, DNLOAD_IDLE, MANIFEST_SYNC, MANIFEST = \
    0, 2, 3, 4, 5, 6, 7
UPLOAD_IDLE, ERROR = 9, 10

TRANSFER = 1024
FLASH, FLASH_SIZE, PAGE = 0x08000000, 64 * 1024, 4096
RAM, RAM_SIZE = 0x90000000, 32 * 1024
STRINGS = ["quadboot", "scripted board", "ABC123",
           "@Flash  /0x08000000/16*004Kg", "@External  /0x90000000/08*004Kg"]


class Stall(Exception):
    """The request is answered with STALL."""


class HangUp(Exception):
    """The server ends the connection."""


def read_exactly(conn, length):
    data = b""
    while len(data) < length:
        part = conn.recv(length - len(data))
        if not part:
            raise HangUp
        data += part
    return data


class Device:
    """The board, from its reset to its memories."""

    def __init__(self):
        self.memory = {FLASH: bytearray(b"\xff" * FLASH_SIZE),
                       RAM: bytearray(b"\xff" * RAM_SIZE)}
        self.poll_ms = {"erase": 0, "write": 0}  # bwPollTimeout of each work
        self.runtime = False  # shows the application, not the bootloader
        self.attributes = 0x0B  # bit 3: detaches by itself
        self.changing = False  # shows other descriptors from each reset on
        self.release = 0x0200
        self.detached = False
        self.reset()

    def reset(self):
        if self.detached:
            self.runtime, self.detached = False, False
        self.state, self.work, self.pointer = DFU_IDLE, None, FLASH
        self.configuration, self.alternate = 0, 0
        self.leaving = False

    # ---- descriptors

    def product(self):
        return 0x5740 if self.runtime else 0xDF11

    def device_descriptor(self):
        return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, 0x0483,
                           self.product(), self.release, 1, 2, 3, 1)

    def config_descriptor(self):
        functional = struct.pack("<BBBHHH", 9, 0x21, self.attributes, 255, TRANSFER,
                                 0x011A)
        if self.runtime:
            body = bytes([9, 4, 0, 0, 0, 0xFE, 1, 1, 0]) + functional
            count = 1
        else:
            body = b"".join(bytes([9, 4, 0, i, 0, 0xFE, 1, 2, 4 + i]) + functional
                            for i in range(2))
            # Interface 1: a loop of bulk OUT 1 to bulk IN 0x81, and 0x82 IN that
            # never has anything.
            body += bytes([9, 4, 1, 0, 3, 0xFF, 0, 0, 0])
            body += bytes([7, 5, 0x01, 2, 64, 0, 0, 7, 5, 0x81, 2, 64, 0, 0])
            body += bytes([7, 5, 0x82, 2, 64, 0, 0])
            count = 2
        return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), count, 1, 0, 0xC0, 50) + body

    def get_descriptor(self, kind, index, length):
        if kind == 1 and length == 64:
            self.reset()  # the sign of a bus reset
            if self.changing:
                self.release += 1
        if kind == 1:
            return self.device_descriptor()
        if kind == 2 and index == 0:
            return self.config_descriptor()
        if kind == 3 and index == 0:
            return b"\x04\x03\x09\x04"
        if kind == 3 and index <= len(STRINGS):
            text = STRINGS[index - 1].encode("utf-16-le")
            return bytes([2 + len(text), 3]) + text
        raise Stall

    # ---- requests

    def control(self, setup, data):
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if kind == 0x80 and request == 6:
            return self.get_descriptor(value >> 8, value & 0xFF, length)[:length]
        if (kind, request) == (0x00, 9):
            self.configuration = value
            return b""
        if (kind, request) == (0x01, 11):
            if index == 0:
                self.alternate = value
            return b""
        if (kind, request) == (0x02, 1):
            return b""
        if kind & 0x60 == 0x20 and self.configuration == 1 and not self.runtime:
            return self.dfu(request, value, length, data)[:length]
        if kind == 0xA1 and request == GETSTATUS and self.runtime:
            return bytes([0, 0, 0, 0, APP_IDLE, 0])
        if kind == 0x21 and request == DETACH and self.runtime:
            self.detached = True
            self.leaving = self.attributes & 8 != 0
            return b""
        raise Stall

    def dfu(self, request, value, length, data):
        if request == GETSTATUS:
            return self.get_status()
        if request == GETSTATE:
            return bytes([self.state])
        if request in (CLRSTATUS, ABORT):
            self.state = DFU_IDLE
            return b""
        if request == DNLOAD and self.state in (DFU_IDLE, DNLOAD_IDLE):
            return self.download(value, data)
        if request == UPLOAD and self.state in (DFU_IDLE, UPLOAD_IDLE):
            return self.upload(value, length)
        self.state = ERROR
        raise Stall

    def download(self, block, data):
        if not data:
            self.state = MANIFEST_SYNC
            return b""
        self.state = SYNC
        if block == 0 and data[0] == 0x21:
            self.work = ("pointer", struct.unpack("<I", data[1:5])[0])
        elif block == 0 and data[0] == 0x41:
            self.work = ("erase", struct.unpack("<I", data[1:5])[0])
        else:
            self.work = ("write", self.pointer + (block - 2) * TRANSFER, data)
        return b""

    def upload(self, block, length):
        base = self.pointer & 0xFF000000
        at = self.pointer + (block - 2) * TRANSFER - base
        data = bytes(self.memory[base][at:at + length])
        self.state = UPLOAD_IDLE if len(data) == length else DFU_IDLE
        return data

    def get_status(self):
        poll = 0
        if self.state == SYNC:
            poll = self.poll_ms.get(self.work[0], 0)
            self.do_work()
            self.state = BUSY
        elif self.state == BUSY:
            self.state = DNLOAD_IDLE
        elif self.state == MANIFEST_SYNC:
            self.state = MANIFEST
            self.leaving = True
        status = 15 if self.state == ERROR else 0
        return bytes([status]) + poll.to_bytes(3, "little") + bytes([self.state, 0])

    def do_work(self):
        kind, address = self.work[:2]
        memory = self.memory.get(address & 0xFF000000)
        at = address & 0x00FFFFFF
        if kind == "pointer":
            self.pointer = address
        elif kind == "erase":
            at -= at % PAGE
            memory[at:at + PAGE] = b"\xff" * PAGE
        else:
            for i, byte in enumerate(self.work[2]):
                memory[at + i] &= byte


class Server:
    """Serves one device to one client at a time, in threads."""

    def __init__(self, device=None):
        self.device = device or Device()
        self.journal = []  # (kind, details...), in the order of arrival
        self.sleeps = "answer"  # or "refuse", "hang up", "ignore"
        self.present, self.admit = True, True
        self.die_at = None  # hangs up for good instead of serving this request
        self.mute_at = None  # says nothing any more from this request on
        self.delay = 0  # seconds before each answer to a control request
        self.garbage = None  # sent instead of a reply to an import
        self.return_after = 0.05  # seconds from leaving to being back
        self.imported = False
        self.served = 0
        self.loop, self.waiting = [], []  # data and requests of the bulk loop
        self.virtual_ns = 0
        self.lock = threading.RLock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.accept_all, daemon=True).start()

    def close(self):
        self.listener.close()
        for conn in self.connections:
            hang_up(conn)

    def accept_all(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(conn)
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def note(self, *entry):
        with self.lock:
            self.journal.append(entry)

    def record(self):
        d = self.device.device_descriptor()
        vendor, product, release = struct.unpack("<HHH", d[8:14])
        return struct.pack(">256s32sIIIHHHBBBBBB", b"/sys/devices/scripted", b"7-1", 7, 3,
                           2, vendor, product, release, 0, 0, 0, 1, 1, 1)

    def serve(self, conn):
        importer = False
        try:
            version, code, _ = struct.unpack(">HHI", read_exactly(conn, 8))
            assert version == 0x0111
            if code == OP_REQ_DEVLIST:
                count = 1 if self.present else 0
                listing = self.record() + b"\xfe\x01\x02\0" if count else b""
                conn.sendall(struct.pack(">HHII", 0x0111, 5, 0, count) + listing)
                return
            assert code == OP_REQ_IMPORT
            assert read_exactly(conn, 32).rstrip(b"\0") == b"7-1"
            importer = self.start_import(conn)
            while importer:
                self.message(conn)
        except (HangUp, OSError):
            pass
        finally:
            if importer:
                self.note("end of import")
                self.imported = False
            hang_up(conn)

    def start_import(self, conn):
        while self.present and not self.admit:
            time.sleep(0.01)
        if not self.present or self.imported:
            conn.sendall(struct.pack(">HHI", 0x0111, 3, 2 if self.imported else 4))
            return False
        self.note("import")
        if self.garbage is not None:
            conn.sendall(self.garbage)
            return False
        self.imported = True
        self.device.reset()
        conn.sendall(struct.pack(">HHI", 0x0111, 3, 0) + self.record())
        return True

    def message(self, conn):
        header = read_exactly(conn, 48)
        command, seqnum, devid, direction, endpoint = struct.unpack(">5I", header[:20])
        if command == CMD_SLEEP:
            self.sleep(conn, seqnum, struct.unpack(">Q", header[20:28])[0])
        elif command == CMD_SUBMIT:
            assert devid == 0x00070003
            length = struct.unpack(">I", header[24:28])[0]
            data = read_exactly(conn, length) if direction == 0 else b""
            self.submit(conn, seqnum, direction, endpoint, length, header[40:48], data)
        elif command == CMD_UNLINK:
            self.unlink(conn, seqnum, struct.unpack(">I", header[20:24])[0])
        else:
            raise HangUp

    def sleep(self, conn, seqnum, ns):
        if self.sleeps == "hang up":
            raise HangUp
        if self.sleeps == "ignore":
            return
        self.note("sleep", ns)
        self.virtual_ns += ns
        answer = 2**64 - 1 if self.sleeps == "refuse" else self.virtual_ns
        conn.sendall(struct.pack(">5IQ20x", RET_SLEEP, seqnum, 0, 0, 0, answer))

    def submit(self, conn, seqnum, direction, endpoint, length, setup, data):
        self.served += 1
        if self.die_at is not None and self.served >= self.die_at:
            self.present = False
            raise HangUp
        if self.mute_at is not None and self.served >= self.mute_at:
            return
        if endpoint != 0:
            self.bulk(conn, seqnum, direction, endpoint, length, data)
            return
        status, reply = 0, b""
        try:
            reply = self.device.control(setup, data)
        except Stall:
            status = EPIPE
        self.note("control", setup, data if direction == 0 else reply, status)
        time.sleep(self.delay)
        moved = len(reply) if direction else (len(data) if status == 0 else 0)
        self.reply(conn, seqnum, status, moved, reply if direction else b"")
        if self.device.leaving:
            self.leave()

    def reply(self, conn, seqnum, status, moved, data):
        conn.sendall(struct.pack(">5IiiIII8x", RET_SUBMIT, seqnum, 0, 0, 0, status,
                                 moved, 0, 0xFFFFFFFF, 0) + data)

    def bulk(self, conn, seqnum, direction, endpoint, length, data):
        if direction == 0:
            self.note("bulk", data)
            self.loop.append(data)
            self.reply(conn, seqnum, 0, len(data), b"")
        elif endpoint == 1:
            self.waiting.append((seqnum, length))
        else:
            self.note("never", seqnum)
        while self.loop and self.waiting:
            seqnum, length = self.waiting.pop(0)
            data = self.loop.pop(0)[:length]
            self.reply(conn, seqnum, 0, len(data), data)

    def unlink(self, conn, seqnum, target):
        self.note("unlink", target)
        self.waiting = [w for w in self.waiting if w[0] != target]
        conn.sendall(struct.pack(">5Ii24x", RET_UNLINK, seqnum, 0, 0, 0, ECONNRESET))

    def leave(self):
        """The device disconnects itself, and comes back as another."""
        if not self.device.detached:
            self.device.runtime = True
        self.device.reset()
        self.present = False

        def come_back():
            time.sleep(self.return_after)
            self.present = True
        threading.Thread(target=come_back, daemon=True).start()
        raise HangUp

    # ---- for tests

    def unplug(self):
        """Ends every connection, as if the device had left."""
        for conn in self.connections:
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def entries(self, kind):
        with self.lock:
            return [e[1:] for e in self.journal if e[0] == kind]

    def controls(self):
        """Every control request as (bmRequestType, bRequest, wValue, wIndex, wLength)."""
        return [struct.unpack("<BBHHH", e[0]) for e in self.entries("control")]

    def dfu_requests(self):
        return [DFU_NAMES[r[1]] for r in self.controls() if r[0] & 0x60 == 0x20]


def hang_up(conn):
    try:
        conn.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    conn.close()


if __name__ == "__main__":
    server = Server()
    print(server.port, flush=True)
    threading.Event().wait()
