"""The page: files that `make ui` builds from ui/, at every address that is not of the API."""

import secrets
from http import HTTPStatus
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from perdure._http.authorisation import READING, is_of_api
from perdure._platform.named import NamedTuple

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data: blob:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HERE = Path(__file__)
PLACES = (_HERE.parent / "ui", _HERE.parents[3] / "ui" / "dist")  # in the wheel; in a checkout
_NONCE = "PERDURE_NONCE"  # in index.html: the number, good for one visit, that styles made by scripts are known by
_ENCODINGS = {"br": ".br", "gzip": ".gz"}  # the better first
_TYPES = {  # said here, since a machine's own table may hold anything
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_ASSETS = "/assets/"  # their names hold what they hold, as a hash
_FOR_EVER = "public, max-age=31536000, immutable"
_MISSING = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Perdure</title></head>
<body>
<h1>The server runs; its page is not built</h1>
<p>In a checkout, with Node.js 20 or newer: <code>make ui</code>, and reload.</p>
<p>The wheel has the page in it: <code>pip install perdure</code>. One that was built without Node.js has not.</p>
<p>All else works: the API at <a href="/api/openapi.json">/api</a>, and <code>perdure --help</code> in a terminal.</p>
</body>
</html>
"""


class _Built(NamedTuple):
    """What a build made."""

    page: str
    files: dict[str, Path]  # by their paths in addresses, packed ones too
    changed: int  # nanoseconds since the epoch


class Page:
    """Answers whatever no route of the API answers. The page's own addresses are all answered with index.html."""

    def __init__(self, places: tuple[Path, ...] = PLACES) -> None:
        self._places = places
        self._built: _Built | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"]
        if is_of_api(path):
            raise HTTPException(
                HTTPStatus.NOT_FOUND, f"There is nothing at {path[:200]}; see /api/openapi.json for the routes."
            )
        if scope["method"] not in READING:
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        response = self._file(path, Headers(scope=scope)) or await self._index(path, Headers(scope=scope))
        await response(scope, receive, send)

    async def _index(self, path: str, headers: Headers) -> Response:
        self._built = built = await to_thread.run_sync(_found, self._places, self._built)
        if built is None:
            return HTMLResponse(_MISSING)
        found = self._file(path, headers)  # a build that is newer than the one that was known
        if found is not None:
            return found
        if path.startswith(_ASSETS):
            raise HTTPException(HTTPStatus.NOT_FOUND, "The page has been rebuilt since it was loaded: reload it.")
        nonce = secrets.token_urlsafe(16)
        return HTMLResponse(
            built.page.replace(_NONCE, nonce),
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": POLICY.format(styles=f" 'nonce-{nonce}'" if _NONCE in built.page else ""),
            },
        )

    def _file(self, path: str, headers: Headers) -> Response | None:
        file = self._built.files.get(path) if self._built else None
        if file is None or self._built is None:
            return None
        said = {"Cache-Control": _FOR_EVER if path.startswith(_ASSETS) else "no-cache", "Vary": "Accept-Encoding"}
        accepted = {each.partition(";")[0].strip() for each in headers.get("accept-encoding", "").lower().split(",")}
        kind = _TYPES.get(file.suffix, "application/octet-stream")
        for encoding, suffix in _ENCODINGS.items():
            packed = self._built.files.get(path + suffix)
            if packed is not None and encoding in accepted and "range" not in headers:
                return FileResponse(packed, headers={**said, "Content-Encoding": encoding}, media_type=kind)
        return FileResponse(file, headers=said, media_type=kind)


def _found(places: tuple[Path, ...], known: _Built | None) -> _Built | None:
    """The first build that is there: the one that is known, if it has not changed."""
    for folder in places:
        index = folder / "index.html"
        try:
            changed = index.stat().st_mtime_ns
            if known is not None and changed == known.changed:
                return known
            text = index.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        files = {f"/{file.relative_to(folder).as_posix()}": file for file in folder.rglob("*") if file.is_file()}
        return _Built(text, {path: file for path, file in files.items() if path != "/index.html"}, changed)
    return None
