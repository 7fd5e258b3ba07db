"""Previews: what may be shown of a value, made by the process that made it.

A preview is small, holds no secrets, and is made without running the value's own code: neither its repr nor its
length is asked, nothing lazy is loaded, no iterator is advanced, no library imported.
"""

import json
from collections import deque
from typing import Any

from perdure._platform.redaction import REDACTED, is_secret
from perdure._previews.arrays import array
from perdure._previews.errors import exception, is_exception
from perdure._previews.images import image
from perdure._previews.tables import tabular
from perdure._previews.text import base_of, head, hex_of, known_text, may_hold_a_secret
from perdure._previews.tree import Tree, encode, fields_of, numpy_item
from perdure._previews.types import is_a, name_of, size_of

_MOST = 4_096  # bytes of a preview, its thumbnail not counted
_PAGE_MARKS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})  # so that it is safe inside a page, too


def preview_of(value: object) -> str | None:
    """What may be shown of a value, as a JSON object in ASCII: its kind and type, and a bounded look into it.

    Takes at most 4 KiB, and 24 KiB more with a thumbnail. None where nothing can be said. Never raises.
    """
    try:
        return _quick(value) or _whole(value)
    except Exception:
        pass  # it changed while it was looked at, or one of the libraries stumbled
    try:
        return _text_of({"kind": "object", "type": name_of(type(value))})
    except Exception:
        return None


# Small values of built-in types, which most results are

_PAGE = ("<", ">", "&", "\x7f")
_INTEGER = 2**53
_CONSTANTS = {True: "true", False: "false", None: "null"}
_quoted = json.encoder.encode_basestring_ascii
_HEADS = {
    id(kind): f'{{"kind": "{"text" if kind is str else "json"}", "type": "builtins.{kind.__name__}", '
    for kind in (str, int, float, bool, type(None), dict, list, tuple)
}


def _quick(value: Any) -> str | None:
    """The preview of a small plain value; None if the value needs a closer look."""
    start = _HEADS.get(id(type(value)))
    text = None if start is None else _encoded(value, 2)
    if text is None or len(text) > 1_000 or may_hold_a_secret(text):
        return None
    for mark in _PAGE:
        if mark in text:
            return None
    count = f'"length": {len(value)}, ' if type(value) in (str, dict, list, tuple) else ""
    return f'{start}{count}"value": {text}}}'


def _encoded(value: Any, depth: int) -> str | None:
    """The JSON of a value that is plain and small, at most `depth` containers deep; None for all others."""
    kind = type(value)
    if kind is str:
        return _quoted(value) if len(value) <= 100 else None
    if kind is int:
        return int.__repr__(value) if -_INTEGER < value < _INTEGER else None
    if kind is float:
        return float.__repr__(value) if value - value == 0.0 else None  # neither infinite nor NaN
    if kind is bool or value is None:
        return _CONSTANTS[value]
    if depth and kind is dict and len(value) <= 12:
        return _encoded_mapping(value, depth)
    if depth and (kind is list or kind is tuple) and len(value) <= 12:
        return _encoded_items(value, depth)
    return None


def _encoded_mapping(value: dict[object, object], depth: int) -> str | None:
    parts = []
    for key, item in value.items():
        text = _encoded(item, depth - 1)
        if text is None or type(key) is not str or len(key) > 60:
            return None
        parts.append(f"{_quoted(key)}: {text}")
    return f"{{{', '.join(parts)}}}"


def _encoded_items(value: list[object] | tuple[object, ...], depth: int) -> str | None:
    parts = []
    for item in value:
        text = _encoded(item, depth - 1)
        if text is None:
            return None
        parts.append(text)
    return f"[{', '.join(parts)}]"


# All others

_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_BUILTINS = (*_CONTAINERS, int, float)


def _whole(value: object) -> str:
    kind = type(value)
    shown: dict[str, Any] = {}
    for shorter in (1, 2, 4, 8):
        shown = _described(value, kind, shorter)
        text = _text_of(shown)
        if len(text) - len(shown.get("thumbnail", "")) <= _MOST:
            return text
    return _text_of({"kind": shown["kind"], "type": shown["type"]})


def _text_of(shown: dict[str, object]) -> str:
    return encode(shown).translate(_PAGE_MARKS)


def _described(value: Any, kind: type, shorter: int) -> dict[str, Any]:
    """What to show of a value; `shorter` divides the lengths and counts, where that was too much."""
    if id(kind) in _HEADS and kind is not str:
        return _json(value, kind, shorter)
    if is_secret(value):
        return {"kind": "object", "type": name_of(kind), "text": REDACTED}
    text = known_text(value, kind)
    if text is not None:
        return {"kind": "object", "type": name_of(kind), "text": head(text, 1_000 // shorter)}
    if is_a(kind, str):
        text = str.__str__(value)
        return {"kind": "text", "type": name_of(kind), "length": len(text), "value": head(text, 2_000 // shorter)}
    if is_a(kind, bytes) or is_a(kind, bytearray):
        length = base_of(value).__len__(value)
        return {"kind": "bytes", "type": name_of(kind), "length": length, "hex": hex_of(value, 64)}
    if is_exception(kind):
        return exception(value)
    return tabular(value, kind) or array(value, kind) or image(value, kind) or _object(value, kind, shorter)


def _object(value: object, kind: type, shorter: int) -> dict[str, object]:
    item = numpy_item(value, kind)
    if item is not None:
        return {"kind": "json", "type": name_of(kind), "value": Tree().of(item)}
    fields = fields_of(value, kind)
    if fields is not None:
        tree = Tree(3_000 // shorter, shorter)
        return {"kind": "object", "type": name_of(kind), "fields": tree.mapping(iter(fields), len(fields))}
    if any(is_a(kind, each) for each in _BUILTINS):
        return _json(value, kind, shorter)
    size = size_of(value)
    return {"kind": "object", "type": name_of(kind)} | ({} if size is None else {"size": size})


def _json(value: Any, kind: type, shorter: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": "json", "type": name_of(kind)}
    for base in _CONTAINERS:
        if is_a(kind, base):
            shown["length"] = base.__len__(value)
    return shown | {"value": Tree(3_000 // shorter, shorter).of(value)}
