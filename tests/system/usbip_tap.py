# SPDX-License-Identifier: MIT
"""Stands between a USB/IP client and the board, counts the transfers that the client asks
for, and acts at one of them: a client can be killed at the same request in each run."""
import socket
import struct
import threading

OP_SIZE, IMPORT_REST, HEADER_SIZE = 8, 32, 48
OP_REQ_IMPORT, CMD_SUBMIT = 0x8003, 1


class Tap:
    """At transfer `at` (from 1; 0: never) `act` is called, before the board has seen it.
    If that returns False, both sides find their connection closed."""

    def __init__(self, port, at=0, act=None):
        self.board = ('127.0.0.1', port)
        self.at, self.act = at, act
        self.transfers = 0
        self.sockets = []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
                board = socket.create_connection(self.board)
            except OSError:
                return  # closed, or the board is switched off
            for s in (client, board):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets += [client, board]
            threading.Thread(target=self.to_board, args=(client, board), daemon=True).start()
            threading.Thread(target=self.to_client, args=(board, client), daemon=True).start()

    def to_board(self, client, board):
        try:
            while self.message(client, board):
                pass
        except OSError:
            pass
        hang_up(client, board)

    def message(self, client, board):
        """One operation or command with its data; False: no more."""
        head = receive(client, OP_SIZE)
        if len(head) < OP_SIZE:
            return False
        if head[:2] == b'\x01\x11':
            code, = struct.unpack('>H', head[2:4])
            board.sendall(head + receive(client, IMPORT_REST if code == OP_REQ_IMPORT else 0))
            return True
        head += receive(client, HEADER_SIZE - OP_SIZE)
        if len(head) < HEADER_SIZE:
            return False
        command, _, _, into = struct.unpack('>4I', head[:16])
        data = b''
        if command == CMD_SUBMIT:
            if not into:
                data = receive(client, struct.unpack('>I', head[24:28])[0])
            self.transfers += 1
            if self.transfers == self.at and not self.act():
                return False
        board.sendall(head + data)
        return True

    @staticmethod
    def to_client(board, client):
        try:
            while True:
                data = board.recv(65536)
                if not data:
                    break
                client.sendall(data)
        except OSError:
            pass
        hang_up(client, board)

    def close(self):
        self.listener.close()
        hang_up(*self.sockets)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def receive(connection, size):
    """So many bytes, or what came before the end."""
    data = b''
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data


def hang_up(*connections):
    for c in connections:
        try:
            c.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
