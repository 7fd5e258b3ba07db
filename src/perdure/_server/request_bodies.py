"""Bodies of requests: read and decompressed within bounds of size, memory and work before any code parses them.

Nothing is decompressed for clients without a token, and a few KiB are all that such a request may bring. Of the
others, the number of JSON elements is bounded beside the bytes: a list of small lists takes far more memory, and
time under Python's lock, than its text.
"""

import asyncio
from contextlib import AsyncExitStack
from http import HTTPStatus

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from perdure._http.config import ServerConfig
from perdure._server.request_limits import bounded, decompressed, too_large

RECORDS = "/api/orchestrator/"  # whose bodies may be as large as the server takes; those of other routes may not
_FEW = 64 * 1024  # bytes, in which there are few elements whatever they are
_LARGE = 8 * 1024**2  # bytes: of larger bodies, only some are held at a time
_LARGE_AT_ONCE = 2


class Bodies:
    """The bodies that one server process takes."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def taken(self, scope: Scope, receive: Receive, public: bool, held: AsyncExitStack) -> Receive:
        """A `receive` for a body that is within the bounds; the memory that it occupies is released with `held`.

        Raises:
            HTTPException: it is too large, has too many elements, or its encoding is not one that is taken.
        """
        headers = Headers(scope=scope)
        most = self._most(scope["path"], public)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > most:
            raise too_large(most)
        receive = bounded(receive, most)
        encoding = headers.get("content-encoding", "").strip().lower()
        is_packed = encoding not in ("", "identity")
        if public:
            if is_packed:
                raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Without a token, no body is decompressed.")
            return await self._public(receive) if _has_body(headers) else receive
        if not is_packed and "transfer-encoding" not in headers and int(length) <= _FEW:
            return receive
        if int(length) > _LARGE or "transfer-encoding" in headers:
            await held.enter_async_context(self._large)
        body = await whole(receive)
        if is_packed:
            body = await self._decompressed(body, encoding, min(self._config.max_decompressed, most), held)
            changed = MutableHeaders(scope=scope)
            del changed["content-encoding"]
            changed["content-length"] = str(len(body))
        if len(body) > _FEW:
            await to_thread.run_sync(check_elements, body, self._most_elements(scope["path"]))
        return once(body, receive)

    def _most(self, path: str, public: bool) -> int:
        config = self._config
        if public:
            return min(config.max_public_body, config.max_body)
        return config.max_body if path.startswith(RECORDS) else min(config.max_api_body, config.max_body)

    def _most_elements(self, path: str) -> int:
        return self._config.max_elements if path.startswith(RECORDS) else self._config.max_api_elements

    async def _public(self, receive: Receive) -> Receive:
        """A `receive` for the body of a client without a token, which has less time to send it than others."""
        async with asyncio.timeout(self._config.head_seconds):
            return once(await whole(receive), receive)

    async def _decompressed(self, body: bytes, encoding: str, most: int, held: AsyncExitStack) -> bytes:
        small = min(_LARGE, most)
        try:
            return await to_thread.run_sync(decompressed, body, encoding, small)
        except HTTPException as error:
            if error.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE or small == most:
                raise
        if len(body) <= _LARGE:  # else it waited for its place before it was read
            await held.enter_async_context(self._large)
        return await to_thread.run_sync(decompressed, body, encoding, most)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def check_elements(body: bytes, most: int) -> None:
    """Refuse JSON text of more elements, keys and values, than `most`; the text itself need not be JSON.

    Raises:
        HTTPException: there are more.
    """
    if _marks(body) <= most:
        return
    if body.count(b'"') <= 2 * most + body.count(b'\\"'):
        # Most of the marks may stand in texts, such as JSON in JSON: of what lies between quotes, none count.
        outside = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"', 2 * most + 2)
        if len(outside) <= 2 * most + 2 and sum(map(_marks, outside[::2])) <= most:
            return
    raise HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {most} elements. Send less at once."
    )


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


async def whole(receive: Receive) -> bytes:
    """All of a body.

    Raises:
        HTTPException: the client went away.
    """
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The body did not come whole.")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def once(body: bytes, rest: Receive) -> Receive:
    """A `receive` for a body that has already arrived."""
    waiting = [body]

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await rest()

    return receive
