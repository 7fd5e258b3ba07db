"""A compression library that can do nothing piece by piece."""

import zlib


def compress(data: bytes) -> bytes:
    return zlib.compress(data)


def decompress(data: bytes) -> bytes:
    return zlib.decompress(data)
