"""How much one client may ask for: requests a second, and bytes in a request."""

import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

_KNOWN = 10_000  # clients
_BURST_SECONDS = 2.0


class Rates:
    """A bucket a client, which fills at `rate` tokens a second up to those of two seconds."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._full = max(1.0, rate * _BURST_SECONDS)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is in it, and as of when

    def _level(self, client: str, now: float) -> float:
        level, since = self._buckets.get(client, (self._full, now))
        return min(self._full, level + (now - since) * self._rate)

    def take(self, client: str) -> bool:
        """Take a token for a client; False if there is none."""
        now = self._clock()
        level = self._level(client, now)
        taken = level >= 1
        self._buckets[client] = (level - taken, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > _KNOWN:
            self._buckets.popitem(last=False)
        return taken


def bounded(receive: Receive, most: int) -> Receive:
    """A `receive` of a body of so many bytes at most."""
    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise too_large(most)
        return message

    return receive_bounded


def too_large(most: int) -> HTTPException:
    """The error of a body that is too large."""
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {most} bytes. Send less at once."
    )


def decompressed(body: bytes, encoding: str, most: int) -> bytes:
    """A body without its `Content-Encoding`; memory is bounded, whatever it decompresses to.

    Raises:
        HTTPException: it is of another encoding than gzip or deflate, is broken, or has more than `most` bytes.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{encoding[:50]!r} is not decompressed here. Use gzip.")
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # the header says which of the two
    try:
        found = decompressor.decompress(body, most + 1)
    except zlib.error as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The body is not {encoding}: {error}.") from None
    if len(found) > most:
        raise too_large(most)
    if not decompressor.eof:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The body is not {encoding}: it ends too early.")
    return found
