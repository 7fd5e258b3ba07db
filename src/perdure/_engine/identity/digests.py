"""Digests of values: what goes through them, and how."""

import hashlib

from perdure._engine.identity.sharing import SharingWalker
from perdure._engine.identity.tokens import SCALARS, write_scalar
from perdure._engine.identity.walker import Code, Former, ManyParts, StandIn, Walker


def digest_of(
    values: tuple[object, ...],
    stand_in: StandIn | None = None,
    path: str = "",
    code: Code | None = None,
    ordered: bool = True,
) -> tuple[str, Former]:
    """64 hexadecimal characters that stand for the values; and how far `former_hashing` agrees.

    `code` says what counts of functions and classes, if not their names. Unless `ordered`, the order of plain dicts
    does not count.

    Raises:
        SerializationError: a part of them, named by its path, cannot be digested.
    """
    hasher = hashlib.sha256()
    if len(values) == 1 and type(values[0]) in SCALARS:  # most are, and need no walker
        write_scalar(hasher.update, values[0])
        return hasher.hexdigest(), Former.SAME
    try:
        walker = Walker(hasher.update, stand_in, code, ordered)
        for value in values:
            walker.add(value, path)
    except ManyParts:
        hasher = hashlib.sha256(b"many parts:")
        walker = SharingWalker(hasher.update, stand_in, code, ordered)
        for value in values:
            walker.add(value, path)
    return hasher.hexdigest(), walker.former


def digest_of_values(*values: object, stand_in: StandIn | None = None, path: str = "") -> str:
    """64 hexadecimal characters that stand for the values, functions and classes among them by their names.

    Raises:
        SerializationError: a part of them, named by its path, cannot be digested.
    """
    return digest_of(values, stand_in, path)[0]
