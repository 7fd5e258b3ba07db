"""Signatures of result documents: nothing that was not written by a holder of the keys is ever loaded.

A signature covers the document's bytes and the key under which it lies, so that no document can be put in the place
of another. It covers the payload too, whose digests are in the document.
"""

import hmac
from collections.abc import Callable

from perdure._model.errors import ResultUntrusted
from perdure._platform.keyring import Key, KeyRing
from perdure._settings import settings

_DOCUMENT = b"perdure result document 1\0"  # so that no signature holds for something of another kind
KEPT = b"perdure kept values 1\0"
BUNDLE = b"perdure bundle 1\0"
_MARK = b', "signature": "'
_UNSIGNED = "Run the task again; or, if you trust its writer, sign it by `perdure result rewrite --sign-unsigned`."
_NO_KEY = "Add the key at the end of the ring if you trust it, or run the task again."
_ALTERED = "Run the task again, or restore the file."


class SigningKeys:
    """Signs with the first key of a ring, and checks with all."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    @property
    def first_id(self) -> str:
        """The id of the key that signs."""
        return self._keys.first.id

    def has(self, id: str) -> bool:
        """Whether the ring has a key with this id."""
        return self._keys.get(id) is not None

    def sign(self, body: bytes, place: str, domain: bytes = _DOCUMENT) -> str:
        """The signature of a document for a place, "id:hexadecimal"; `domain` is of another kind than documents."""
        key = self._keys.first
        return f"{key.id}:{_digest(key, body, place, domain)}"

    def check(
        self,
        body: bytes,
        place: str,
        signature: str | None,
        where: Callable[[], str],
        domain: bytes = _DOCUMENT,
    ) -> None:
        """Let a document pass that is signed for its place with a key of the ring; `where` names it for errors.

        Raises:
            ResultUntrusted: it is not.
        """
        fault = self.fault(body, place, signature, domain)
        if fault is not None:
            is_known = signature is not None and self.has(signature.partition(":")[0])
            remedy = _UNSIGNED if signature is None else _ALTERED if is_known else _NO_KEY
            raise ResultUntrusted(f"{where()} {fault} {remedy}")

    def fault(self, body: bytes, place: str, signature: str | None, domain: bytes) -> str | None:
        """Why a signature does not hold, as the end of a sentence; None if it does."""
        if signature is None:
            return "is not signed, and PERDURE_RESULTS_SIGNING_KEYS is set."
        id, _, digest = signature.partition(":")
        key = self._keys.get(id)
        if key is None:
            return f"is signed with the key {id[:64]!r}, which PERDURE_RESULTS_SIGNING_KEYS does not have."
        # As bytes: the comparison of text in constant time is for ASCII only.
        if hmac.compare_digest(_digest(key, body, place, domain).encode(), digest.encode()):
            return None
        return (
            "was altered, moved here from another place, or signed with another key of the id"
            f" {id!r}: its signature is wrong."
        )


def _digest(key: Key, body: bytes, place: str, domain: bytes) -> str:
    name = place.encode("utf-8", "surrogatepass")
    return hmac.digest(key.secret, domain + len(name).to_bytes(8, "big") + name + body, "sha256").hex()


_cached: tuple[settings.Settings | None, SigningKeys | None] = (None, None)


def ring() -> SigningKeys | None:
    """The signing keys that hold now; None if there are none."""
    global _cached
    now = settings.current()
    known = _cached  # looked at once: another thread may replace it
    if known[0] is not now:
        keys = now.results_signing_keys
        known = _cached = now, None if keys is None else SigningKeys(KeyRing.parse(keys.reveal()))
    return known[1]


def key_id_of(document: bytes) -> str | None:
    """The id of the key that a document says to be signed with; None if it is not signed."""
    _, mark, rest = document.rpartition(_MARK)
    return rest.partition(b":")[0].decode("utf-8", "replace")[:64] if mark else None


def signed(ring: SigningKeys, document: bytes, key: str) -> bytes:
    """The document with its signature as its last field; it holds for the storage key `key` only."""
    return document[:-1] + _MARK + ring.sign(document, key).encode() + b'"}'


def checked(ring: SigningKeys, document: bytes, key: str, where: Callable[[], str]) -> bytes:
    """The document without its signature, which has been checked.

    Raises:
        ResultUntrusted: it is not signed for the storage key with a key of the ring.
    """
    # No text of the document can hold the mark: its quotes would be escaped there.
    body, mark, rest = document.rpartition(_MARK)
    if not mark or not rest.endswith(b'"}'):
        ring.check(document, key, None, where)
    body += b"}"
    ring.check(body, key, rest[:-2].decode("utf-8", "replace"), where)
    return body
