"""Key rings: several keys by their ids, of which the first writes and all read, so that keys can be changed."""

import base64
import binascii
import os
import re
from collections.abc import Iterator

from perdure._platform.named import NamedTuple

MIN_KEY = 32  # bytes
RULE = (
    'pairs such as "id:base64", separated by commas, each id made of letters, digits, ".", "_" and "-" (at most 64),'
    f" each key of at least {MIN_KEY} bytes; perdure.serializers.new_key() makes one"
)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Key(NamedTuple):
    """A key and the id by which what it wrote names it. No repr shows the key."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.id!r})"


class KeyRing:
    """Keys by their ids; the first is the one to write with. No repr shows a key."""

    __slots__ = ("_keys", "first")

    def __init__(self, keys: list[Key]) -> None:
        self.first = keys[0]
        self._keys = {key.id: key for key in keys}

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """The ring that a text such as "new:<base64>,old:<base64>" holds.

        Raises:
            ValueError: it does not keep to `RULE`; the message shows no key.
        """
        keys = [_parse(part.strip()) for part in text.split(",")]
        if len({key.id for key in keys}) < len(keys):
            raise ValueError("two keys of the ring have the same id; rename one of them")
        return cls(keys)

    def get(self, id: str) -> Key | None:
        """The key with an id, if there is one."""
        return self._keys.get(id)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyRing) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self._keys))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"


def new_key(id: str | None = None) -> str:
    """A new random key as text for a key ring, "id:base64"; a random id if none is given."""
    id = id or os.urandom(4).hex()
    text = f"{id}:{base64.b64encode(os.urandom(MIN_KEY)).decode()}"
    _parse(text)
    return text


def _parse(part: str) -> Key:
    id, colon, encoded = part.partition(":")
    if not colon or not _ID.fullmatch(id):
        raise ValueError(f"a key ring must be {RULE}")
    try:
        # Both alphabets of base64 are in use for keys.
        key = base64.b64decode(encoded.strip().translate(_URL_SAFE), validate=True)
    except binascii.Error:
        raise ValueError(f"the key {id!r} is not base64; a key ring must be {RULE}") from None
    if len(key) < MIN_KEY:
        raise ValueError(f"the key {id!r} has {len(key)} bytes; a key must have at least {MIN_KEY}")
    return Key(id, key)


_URL_SAFE = str.maketrans("-_", "+/")
