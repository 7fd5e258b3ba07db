"""Compression piece by piece, for the libraries that can; the others have all of it in memory."""

import importlib
import io
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from perdure._platform.lazy_import import LazyModule
from perdure._serializers.payload import Bytes, Payload, Source

if TYPE_CHECKING:
    import bz2
    import lzma
    import zlib
else:  # not every Python has been built with each of them
    lzma = LazyModule("lzma")
    bz2 = LazyModule("bz2")
    zlib = LazyModule("zlib")

_GIVEN = 1024 * 1024  # bytes that are compressed at once
# Bytes of compressed data that are taken at once: small where a piece cannot be had in part, since a few compressed
# bytes may stand for very many.
_PIECE = 16 * 1024
_ZSTD_PIECE = 4 * 1024

# One format: by the name of the module that Perdure once used, and by those of the modules that it uses now.
ZSTD_NAMES = frozenset({"zstandard", "zstd", "compression.zstd", "backports.zstd"})


def zstd() -> Any:
    """The standard library's module from Python 3.14 on, and before it its backport, which is the same.

    Raises:
        ImportError: the backport is not installed; the message says how.
    """
    with suppress(ImportError):
        return importlib.import_module("compression.zstd")
    try:
        return importlib.import_module("backports.zstd")
    except ImportError:
        raise ImportError(
            "before Python 3.14 it needs the package backports.zstd: pip install 'perdure[zstd]'"
        ) from None


class CompressingOutlet:
    """A payload whose stream is compressed on its way to another; `compress` does it at once for other libraries."""

    takes_buffers = False

    def __init__(self, payload: Payload, library: str, level: int | None, compress: Callable[[bytes], bytes]) -> None:
        self._payload = payload
        self._options = library, level
        self._compress = compress
        self._compressor: Any = None  # made with the first byte: lzma's takes 90 MiB, and most values are small

    def write(self, data: Bytes, /) -> int:
        if self._compressor is None:
            self._compressor = _compressor(*self._options) or _Whole(self._compress)
        view = memoryview(data).cast("B")
        for start in range(0, view.nbytes, _GIVEN):  # what comes out of an array at once would be as large
            self._hand_on(self._compressor.compress(view[start : start + _GIVEN]))
        return view.nbytes

    def add_buffer(self, buffer: memoryview, /) -> None:
        raise NotImplementedError("a compressed payload takes no buffers")

    def finish(self) -> None:
        """Hand on what is still held back."""
        self._hand_on(self._compressor.flush())

    def _hand_on(self, compressed: bytes) -> None:
        if compressed:
            self._payload.write(compressed)


def open_compressed(source: Source, library: str, decompress: Callable[[bytes], bytes]) -> BinaryIO:
    """The decompressed stream, from its first byte on; `decompress` does it at once for other libraries."""
    opened: Any
    if library == "lzma":
        opened = lzma.LZMAFile(source.open())
    elif library == "bz2":
        opened = bz2.BZ2File(source.open())
    elif library == "gzip":
        import gzip

        opened = gzip.GzipFile(fileobj=source.open())
    elif library == "zlib":
        opened = _Decompressing(source, zlib.decompressobj, _PIECE)
    elif library in ZSTD_NAMES:
        opened = _Decompressing(source, zstd().ZstdDecompressor, _ZSTD_PIECE)
    else:
        opened = io.BytesIO(decompress(bytes(source.view())))
    return opened  # type: ignore[no-any-return]


def _compressor(library: str, level: int | None) -> object:
    """An object with `compress` and `flush`, if the library has such; they give together what `decompress` takes."""
    given = () if level is None else (level,)
    if library == "lzma":
        return lzma.LZMACompressor(preset=level)
    if library == "bz2":
        return bz2.BZ2Compressor(*given)
    if library in ("zlib", "gzip"):
        return zlib.compressobj(-1 if level is None else level, wbits=31 if library == "gzip" else 15)
    if library in ZSTD_NAMES:
        parameter = zstd().CompressionParameter
        # Of these formats, this one alone has no checksum unless it is asked for.
        options = {parameter.checksum_flag: 1, parameter.compression_level: 3 if level is None else level}
        return zstd().ZstdCompressor(options=options)
    return None


class _Whole:
    """Gathers everything for a library that compresses at once."""

    def __init__(self, compress: Callable[[bytes], bytes]) -> None:
        self._compress = compress
        self._gathered = bytearray()

    def compress(self, data: memoryview) -> bytes:
        self._gathered += data
        return b""

    def flush(self) -> bytes:
        return self._compress(bytes(self._gathered))


class _Decompressing(io.RawIOBase):
    """What a decompressor without a file of its own makes of a stream."""

    def __init__(self, source: Source, decompressor: Callable[[], Any], piece: int) -> None:
        self._source = source
        self._new = decompressor
        self._piece = piece
        self._restart()

    def _restart(self) -> None:
        self._file = self._source.open()
        self._decompressor = self._new()
        self._ready = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        while not self._ready and not self._decompressor.eof:
            piece = self._file.read(self._piece)
            if not piece:
                raise EOFError("it ends too early")
            self._ready = memoryview(self._decompressor.decompress(piece))
        size = min(len(room), len(self._ready))
        room[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        self._position += size
        return size

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            while self.read(self._piece):
                pass
        target = offset if whence == io.SEEK_SET else self._position + offset
        if target < self._position:
            self._restart()
        while self._position < target and self.read(min(self._piece, target - self._position)):
            pass
        return self._position
