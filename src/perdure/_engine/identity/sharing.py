"""The walker for values of very many parts: it goes through each object once, however often it is held.

Thirty lists of which each holds the next one twice have a thousand million parts. How many there are is a question of
the value alone, not of which parts are one object: so equal values go the same way, and have the same digest.
"""

import hashlib
import sys
from typing import Any

from perdure._engine.identity.tokens import Update
from perdure._engine.identity.walker import Former, Walker


class SharingWalker(Walker):
    """A walker that makes a digest of each part, and remembers it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._room = sys.maxsize
        self.former = Former.WRONG  # it took for ever
        self._known: dict[int, tuple[object, bytes]] = {}  # with the objects, so that none takes another one's place
        self._above: list[tuple[Update, Any]] = []
        self._lowest: list[int] = []  # of each open part: the depth of what is met again inside it

    def _enter(self, value: object, label: object, going: list[Any], labels: list[object]) -> bool:
        known = self._known.get(id(value))
        if known is not None:
            self._update(known[1])
            return False
        outer, hasher = self._update, hashlib.sha256()
        self._update = hasher.update
        self._above.append((outer, hasher))
        self._lowest.append(sys.maxsize)
        if super()._enter(value, label, going, labels):
            return True
        self._end(value, sys.maxsize)
        return False

    def _again(self, depth: int) -> None:
        super()._again(depth)
        self._lowest[-1] = min(self._lowest[-1], depth)

    def _leave(self, held: object) -> None:
        depth = self._open[id(held)]
        super()._leave(held)
        self._end(held, depth)

    def _end(self, value: object, depth: int) -> None:
        """Digest the digest of a part; it stands for the part everywhere, if nothing above it is met inside."""
        (outer, hasher), lowest = self._above.pop(), self._lowest.pop()
        digest = b"part:%b" % hasher.digest()
        self._update = outer
        outer(digest)
        if lowest == sys.maxsize or (depth != sys.maxsize and lowest >= depth):
            self._known[id(value)] = value, digest
        elif self._lowest:
            self._lowest[-1] = min(self._lowest[-1], lowest)
