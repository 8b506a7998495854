#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the vectors beside it with Python's zlib, and the inputs that fuzzing starts from.

A vector, all little-endian: size and CRC-32 of what comes out, size of the stream, the
stream; for short streams, for each of its bits the CRC-32 of what zlib makes of the
stream with that bit turned, in at most ROOM bytes, or 0 if it refuses.
"""
import os
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, '..', '..', 'fuzz', 'corpus', 'inflate')
ROOM = 70000
FLIPPED = 300  # bytes


def noise(size, seed):
    out = bytearray()
    x = seed * 0x9E3779B97F4A7C15 + 1
    while len(out) < size:
        x = (x * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        out += (x >> 16).to_bytes(6, 'little')
    return bytes(out[:size])


def skewed(size, seed):
    """Bytes of which each is half as frequent as the one before: long codes."""
    bits = int.from_bytes(noise(size * 4, seed), 'little')
    out = bytearray()
    for _ in range(size):
        n = 0
        while bits & 1 and n < 25:
            bits >>= 1
            n += 1
        bits >>= 1
        out.append(n * 7)
    return bytes(out)


def deflate(data, level=9, strategy=zlib.Z_DEFAULT_STRATEGY, pieces=1):
    c = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    out = b''
    for i in range(pieces):
        out += c.compress(data[len(data) * i // pieces:len(data) * (i + 1) // pieces])
        if i + 1 < pieces:
            out += c.flush(zlib.Z_FULL_FLUSH)
    return out + c.flush()


def expand(stream):
    d = zlib.decompressobj(-15)
    try:
        out = d.decompress(stream, ROOM)
    except zlib.error:
        return None
    return out if d.eof else None


def vector(stream):
    out = expand(stream)
    assert out is not None
    made = struct.pack('<III', len(out), zlib.crc32(out), len(stream)) + stream
    if len(stream) <= FLIPPED:
        for bit in range(8 * len(stream)):
            flipped = bytearray(stream)
            flipped[bit // 8] ^= 1 << bit % 8
            out = expand(bytes(flipped))
            made += struct.pack('<I', 0 if out is None else zlib.crc32(out) or 1)
    return made


def main():
    with open(__file__, 'rb') as f:
        text = f.read()
    vectors = {
        'empty-fixed': deflate(b''),
        'empty-stored': deflate(b'', 0),
        'stored': deflate(noise(200, 1), 0),
        'stored-twice': deflate(noise(66000, 2), 0),
        'fixed': deflate(text[:500], strategy=zlib.Z_FIXED),
        'fixed-noise': deflate(noise(200, 3), strategy=zlib.Z_FIXED),
        'dynamic': deflate(text[:450]),
        'dynamic-literals': deflate(text[:250], strategy=zlib.Z_HUFFMAN_ONLY),
        'long-codes': deflate(skewed(60000, 4), strategy=zlib.Z_HUFFMAN_ONLY),
        'long-codes-matched': deflate(skewed(400, 5)),
        'one-distance': deflate(b'ab' * 3000),
        'one-byte': deflate(b'\0' * 60000),
        'runs': deflate(bytes(i // 40 for i in range(4000)), strategy=zlib.Z_RLE),
        'far': deflate(noise(300, 6) + b'\0' * 32460 + noise(300, 6)),
        'pieces': deflate(text[:300], pieces=3),
        'text': deflate(text),
        'noise': deflate(noise(5000, 7)),
    }
    for name, stream in vectors.items():
        with open(os.path.join(HERE, name + '.vec'), 'wb') as f:
            f.write(vector(stream))
        if len(stream) <= FLIPPED:
            with open(os.path.join(CORPUS, name), 'wb') as f:
                f.write(stream)


if __name__ == '__main__':
    main()
