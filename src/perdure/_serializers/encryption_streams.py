"""Encryption piece by piece, by AES-256-GCM.

Encrypted data is a header and then chunks, each with a tag of its own:

    magic  length of the key's id (1 byte)  the key's id  salt (32 bytes)  check (16 bytes)  CRC-32 of all before
    chunk 0  tag  chunk 1  tag  …

Each object has a cipher key of its own, derived from the ring's key and the salt: chunks of two objects cannot be
mixed. A chunk's nonce is its number and whether it is the last: chunks cannot be reordered, left out or cut off. The
check, derived likewise, distinguishes a wrong key from altered data.
"""

import hmac
import io
import os
import zlib
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from perdure._model.errors import ResultUnreadable
from perdure._platform.keyring import Key
from perdure._platform.named import NamedTuple
from perdure._serializers.payload import Bytes, Payload

CHUNK = 1024 * 1024  # bytes
_TAG = 16  # bytes, as are the next ones
_SALT = 32
_CHECK = 16
_MAGIC = b"\x89PRD-AES\x01"

Find = Callable[[str], Iterable[Key]]  # the keys of an id that this process has


class _Header(NamedTuple):
    key_id: str
    salt: bytes
    check: bytes

    def to_bytes(self) -> bytes:
        id = self.key_id.encode()
        content = _MAGIC + bytes([len(id)]) + id + self.salt + self.check
        return content + zlib.crc32(content).to_bytes(4, "big")


class _Cipher:
    """Encrypts and decrypts the chunks of one object."""

    def __init__(self, cipher_key: bytes, header: _Header) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(cipher_key)
        self.header = header.to_bytes()

    def encrypt(self, chunk: Bytes, number: int, *, last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(number, last), chunk, self.header)

    def decrypt(self, chunk: Bytes, number: int, *, last: bool) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(_nonce(number, last), chunk, self.header)
        except InvalidTag:
            raise ValueError("a part of it was altered") from None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _derived(key: Key, salt: bytes) -> tuple[bytes, bytes]:
    """The cipher key of an object, and the check that shows that it is the right one."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(SHA256(), length=32 + _CHECK, salt=salt, info=b"perdure result encryption 1").derive(key.secret)
    return derived[:32], derived[32:]


def _new_cipher(key: Key) -> _Cipher:
    salt = os.urandom(_SALT)
    cipher_key, check = _derived(key, salt)
    return _Cipher(cipher_key, _Header(key.id, salt, check))


def _read_header(file: BinaryIO) -> _Header:
    start = file.read(len(_MAGIC) + 1)
    if start[:-1] != _MAGIC:
        raise ValueError("it does not begin as encrypted data does")
    rest = file.read(start[-1] + _SALT + _CHECK + 4)
    if zlib.crc32(start + rest[:-4]) != int.from_bytes(rest[-4:], "big"):
        raise ValueError("its header was altered")
    id, salt, check = rest[: start[-1]], rest[start[-1] : -_CHECK - 4], rest[-_CHECK - 4 : -4]
    return _Header(id.decode(), salt, check)


def _read_cipher(file: BinaryIO, find: Find) -> _Cipher:
    header = _read_header(file)
    return _Cipher(_cipher_key(header, list(find(header.key_id))), header)


def _cipher_key(header: _Header, keys: list[Key]) -> bytes:
    if not keys:
        raise ResultUnreadable(
            f"It was encrypted with the key {header.key_id!r}, which this process does not have."
            " Add that key to PERDURE_RESULTS_ENCRYPTION_KEYS."
        )
    for key in keys:
        cipher_key, check = _derived(key, header.salt)
        if hmac.compare_digest(check, header.check):
            return cipher_key
    raise ResultUnreadable(
        f"It was encrypted with another key than the one that has the id {header.key_id!r} here."
        " Put the right key into PERDURE_RESULTS_ENCRYPTION_KEYS, and give each key an id of its own."
    )


class EncryptingOutlet:
    """A payload whose stream is encrypted on its way to another."""

    takes_buffers = False

    def __init__(self, payload: Payload, key: Callable[[], Key]) -> None:
        self._payload = payload
        self._key = key
        self._cipher: _Cipher | None = None  # made with the first byte: most values are small
        self._waiting = bytearray()  # at most one chunk, since only the end shows which is the last one
        self._number = 0

    def write(self, data: Bytes, /) -> int:
        view = memoryview(data).cast("B")
        written = 0
        while written < view.nbytes:
            if len(self._waiting) == CHUNK:
                self._hand_on(last=False)
            piece = view[written : written + CHUNK - len(self._waiting)]
            self._waiting += piece
            written += piece.nbytes
        return written

    def add_buffer(self, buffer: memoryview, /) -> None:
        raise NotImplementedError("an encrypted payload takes no buffers")

    def finish(self) -> None:
        """Hand on what is still held back."""
        self._hand_on(last=True)

    def _hand_on(self, *, last: bool) -> None:
        if self._cipher is None:
            self._cipher = _new_cipher(self._key())
            self._payload.write(self._cipher.header)
        self._payload.write(self._cipher.encrypt(self._waiting, self._number, last=last))
        self._waiting.clear()
        self._number += 1


class DecryptingFile(io.RawIOBase):
    """What was encrypted, as a file to read and seek in.

    Raises:
        ResultUnreadable: this process lacks the key; names it.
        ValueError: the data was altered, here and when it is read.
    """

    def __init__(self, file: BinaryIO, find: Find) -> None:
        self._file = file
        self._cipher = _read_cipher(file, find)
        self._start = len(self._cipher.header)
        encrypted = file.seek(0, io.SEEK_END) - self._start
        self._chunks = -(-encrypted // (CHUNK + _TAG))
        self._size = encrypted - self._chunks * _TAG
        if self._size < max(0, (self._chunks - 1) * CHUNK) or not self._chunks:
            raise ValueError("it ends too early")
        self._position = 0
        self._number, self._chunk = -1, memoryview(b"")  # the chunk that was decrypted last

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        number, offset = divmod(min(self._position, self._size), CHUNK)
        if number == self._chunks:  # the end of a last chunk that is full
            return 0
        piece = self._decrypted(number)[offset : offset + len(room)]
        room[: piece.nbytes] = piece
        self._position += piece.nbytes
        return piece.nbytes

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._position = max(0, offset + (0, self._position, self._size)[whence])
        return self._position

    def _decrypted(self, number: int) -> memoryview:
        if number != self._number:
            self._file.seek(self._start + number * (CHUNK + _TAG))
            encrypted = self._file.read(CHUNK + _TAG)
            chunk = self._cipher.decrypt(encrypted, number, last=number == self._chunks - 1)
            self._number, self._chunk = number, memoryview(chunk)
        return self._chunk


class _Gathered:
    takes_buffers = False

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: Bytes, /) -> int:
        self.content += data
        return len(data)

    def add_buffer(self, buffer: memoryview, /) -> None:
        raise NotImplementedError


def key_id_of(file: BinaryIO) -> str:
    """The id of the key that what is in the file was encrypted with.

    Raises:
        ValueError: it does not begin as encrypted data does.
    """
    return _read_header(file).key_id


def encrypt(data: bytes, key: Key) -> bytes:
    """The data, encrypted at once."""
    gathered = _Gathered()
    outlet = EncryptingOutlet(gathered, lambda: key)
    outlet.write(data)
    outlet.finish()
    return bytes(gathered.content)


def decrypt(data: bytes, find: Find) -> bytes:
    """What `encrypt` encrypted. Raises what `DecryptingFile` raises."""
    return io.BufferedReader(DecryptingFile(io.BytesIO(data), find), CHUNK).read()
