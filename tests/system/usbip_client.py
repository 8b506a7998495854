# SPDX-License-Identifier: MIT
"""A USB/IP client that can also misbehave, and the little DFU that tests need."""
import socket
import struct
import time

REQ_DEVLIST = bytes.fromhex('0111800500000000')
REQ_IMPORT = bytes.fromhex('0111800300000000') + b'1-1'.ljust(32, b'\0')
DEVICE_DESCRIPTOR = bytes.fromhex('8006000100001200')
DNLOAD_IDLE = 5


class Client:
    def __init__(self, port, patience_s=120):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=patience_s)
        self.seqnum = 0

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, size):
        """Exactly so many bytes, or what came before the connection ended."""
        data = b''
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except ConnectionResetError:
                piece = b''
            if not piece:
                break
            data += piece
        return data

    def op_import(self):
        """The status; 0: the device is ours."""
        self.send(REQ_IMPORT)
        _, _, status = struct.unpack('>HHI', self.receive(8))
        if status == 0:
            device = self.receive(312)
            bus, number = struct.unpack('>II', device[288:296])
            self.devid = bus << 16 | number
        return status

    @classmethod
    def imported(cls, port):
        """One that has the device, however long the board takes to show it."""
        while True:
            client = cls(port)
            if client.op_import() == 0:
                return client
            client.close()
            time.sleep(0.02)

    def submit_header(self, setup, length, endpoint=0, devid=None):
        self.seqnum += 1
        into = setup[0] >> 7
        return struct.pack('>5I', 1, self.seqnum, self.devid if devid is None else devid,
                           into, endpoint) + struct.pack('>IIIII', 0, length, 0, 0, 0) + setup

    def control(self, setup, data=b''):
        """One control transfer; status and bytes."""
        length = struct.unpack('<H', setup[6:8])[0]
        self.send(self.submit_header(setup, length) + data)
        reply = self.receive(48)
        status, actual = struct.unpack('>iI', reply[20:28])
        return status, self.receive(actual) if setup[0] & 0x80 else b''

    # --- DFU on interface 0 ---

    def dnload(self, block, data):
        status, _ = self.control(struct.pack('<BBHHH', 0x21, 1, block, 0, len(data)), data)
        assert status == 0, (block, status)
        while True:
            status, reply = self.control(struct.pack('<BBHHH', 0xA1, 3, 0, 0, 6))
            assert status == 0 and reply[0] == 0, (status, reply)
            if reply[4] == DNLOAD_IDLE:
                return

    def program(self, alt, address, data):
        """One block at an address; the board has accepted it, no more is said."""
        assert self.control(bytes.fromhex('0009010000000000'))[0] == 0
        status, _ = self.control(struct.pack('<BBHHH', 0x01, 11, alt, 0, 0))
        assert status == 0
        self.dnload(0, b'\x41' + struct.pack('<I', address))
        self.dnload(0, b'\x21' + struct.pack('<I', address))
        self.dnload(2, data)

    def flush(self):
        """ABORT and the GETSTATUS after it: then everything is in the flash. One GETSTATUS
        before it, or quadboot takes the ABORT for the end of an update and notes that."""
        self.control(struct.pack('<BBHHH', 0xA1, 3, 0, 0, 6))
        self.control(struct.pack('<BBHHH', 0x21, 6, 0, 0, 0))
        _, reply = self.control(struct.pack('<BBHHH', 0xA1, 3, 0, 0, 6))
        assert not reply or reply[0] == 0, reply

    def ended(self):
        """The server closed the connection, with or without last words."""
        return self.receive(1 << 20) is not None

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
