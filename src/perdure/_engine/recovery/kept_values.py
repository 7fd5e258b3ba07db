"""Arguments and values that the database keeps for a later process, as text: JSON where that is exact, else a pickle.

With signing keys the text is signed for its place, as result documents are: then nothing that others wrote to the
database is read, let alone unpickled.
"""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import PosixPath, PurePosixPath, PureWindowsPath
from typing import Any

from perdure._model.errors import PerdureError, ResultUntrusted, ResumeError, SerializationError
from perdure._platform.redaction import is_secret, is_secret_name
from perdure._results import signing

_PLAIN = frozenset({str, int, float, bool, type(None)})
_CONTAINERS = frozenset({list, tuple, set, frozenset, dict})
_MOST = 1024 * 1024  # bytes of a packed text that the database takes
_MOST_ITEMS = _MOST * 3 // 4  # an item takes a byte of a pickle at least, and that is written as base64
_LOOKED_AT = 20_000  # values in containers that are looked at for secrets
_SIGNED = "signed:"
_accepts_unsigned = False


def place_of_start(run_id: str, flow_name: str, entry_point: str | None) -> str:
    """What the arguments of a flow run are signed for: they hold for no other run, flow or program."""
    return json.dumps(["arguments", run_id, flow_name, entry_point])


def place_of_value(transaction_id: str, name: str) -> str:
    """What a value of a transaction is signed for."""
    return json.dumps(["value", transaction_id, name])


def place_of_hooks(run_id: str, transaction_id: str, task_key: str) -> str:
    """What the name of the module is signed for that is imported for a step's hooks."""
    return json.dumps(["hooks", run_id, transaction_id, task_key])


def packed(values: Mapping[str, object], place: str) -> str | None:
    """Values as text, secrets encrypted; None if they cannot be pickled, or take more than a MiB."""
    text = _packed(values)
    return None if text is None else signed(text, place)


def signed(text: str, place: str) -> str:
    """A text with its signature before it, if there are signing keys."""
    ring = signing.ring()
    return text if ring is None else f"{_SIGNED}{ring.sign(text.encode(), place, signing.KEPT)}:{text}"


def checked(text: str, place: str, what: str) -> str:
    """The text that `signed` took; with signing keys, only if one of them signed it for the place.

    Raises:
        ResultUntrusted: they did not.
    """
    is_signed = text.startswith(_SIGNED)
    id, _, rest = text.removeprefix(_SIGNED).partition(":")
    digest, _, body = rest.partition(":") if is_signed else ("", "", text)
    ring = signing.ring()
    if ring is None or (_accepts_unsigned and not is_signed):
        return body
    if not is_signed:
        raise ResultUntrusted(
            f"{what} has no signature, and PERDURE_RESULTS_SIGNING_KEYS is set: anyone who can write to the "
            "database may have made it. Call the flow again; or, if you trust its writer, resume the run by"
            " `perdure flow-run resume RUN --trust-unsigned`."
        )
    ring.check(body.encode(), place, f"{id}:{digest}", lambda: what, signing.KEPT)
    return body


@contextmanager
def accepting_unsigned() -> Iterator[None]:
    """Have this process read what was kept before there were signing keys; what is signed wrongly is refused."""
    global _accepts_unsigned
    before, _accepts_unsigned = _accepts_unsigned, True
    try:
        yield
    finally:
        _accepts_unsigned = before


def unpacked(text: str, place: str, what: str) -> dict[str, object]:
    """The values that `packed` made text of; `what` calls them in errors.

    Raises:
        ResumeError: they are not signed as they should be, or cannot be had here.
    """
    try:
        return _unpacked(checked(text, place, what))
    except PerdureError as error:
        raise ResumeError(f"{what} cannot be had here. {error}") from error
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        raise ResumeError(f"{what} cannot be had here: they are not what was written ({error}).") from error


def _packed(values: Mapping[str, Any]) -> str | None:
    if any(type(value) in _CONTAINERS and len(value) > _MOST_ITEMS for value in values.values()):
        return None
    hidden = _may_hold_secret(values)
    if not hidden and all(type(value) in _PLAIN for value in values.values()):
        with suppress(ValueError):  # an integer of more digits than Python turns into text
            plain = json.dumps(dict(values))  # needs no pydantic, which a flow that persists nothing does without
            return f"json:{plain}" if len(plain) <= _MOST else None
    text = _tagged(values) or _pickled(values)
    if text is None or len(text) > _MOST:
        return None
    if hidden:
        from perdure._blocks.secrets import encrypt

        return f"encrypted:{encrypt(text.encode())}"
    return text


def _may_hold_secret(values: Mapping[str, object]) -> bool:
    """Whether something in the values is a secret, by its name or its type; yes, if there is too much to look at.

    Plain numbers and texts in lists are passed over at C's speed, and nothing recurses: what is nested may be a ring.
    """
    to_look_at: list[object] = [values]
    seen: set[int] = set()
    room = _LOOKED_AT
    while to_look_at:
        value = to_look_at.pop()
        if value is values or isinstance(value, dict):
            if any(type(key) is str and is_secret_name(key) for key in islice(value, _LOOKED_AT)):
                return True
            parts: Sequence[Any] = tuple(value.values())
            room -= len(parts)
            if room < 0:
                return True
        elif isinstance(value, list | tuple):
            parts = value
        elif is_secret(value):
            return True
        else:
            continue
        if id(value) in seen or _PLAIN.issuperset(map(type, parts)):
            continue
        seen.add(id(value))
        room -= len(parts)
        if room < 0:
            return True
        to_look_at += [each for each in parts if type(each) not in _PLAIN]
    return False


def _tagged(values: Mapping[str, object]) -> str | None:
    """Values as JSON with tags; None unless it gives back the very same ones."""
    try:
        if not _is_exact(dict(values), set()):
            return None
        from perdure._serializers.json import JSONSerializer

        return f"tagged:{JSONSerializer().dumps(dict(values)).decode()}"
    except (RecursionError, ValueError, PerdureError):
        return None


@functools.cache
def _tagged_types() -> frozenset[type]:
    from decimal import Decimal  # a millisecond, as the other, for those who have such arguments
    from uuid import UUID

    return frozenset({bytes, date, time, timedelta, Decimal, UUID, PosixPath, PurePosixPath, PureWindowsPath})


def _is_exact(value: Any, seen: set[int]) -> bool:
    kind = type(value)
    if kind in _CONTAINERS:
        if id(value) in seen:  # there twice, or in itself: a pickle keeps that, and JSON does not
            return False
        seen.add(id(value))
        parts = (*value, *value.values()) if kind is dict else value
        return _PLAIN.issuperset(map(type, parts)) or all(_is_exact(part, seen) for part in parts)
    if kind is datetime:
        return value.tzinfo is None and not value.fold
    return kind in _PLAIN or kind in _tagged_types()


def _pickled(values: Mapping[str, object]) -> str | None:
    from perdure._serializers.pickle import PickleSerializer

    try:
        return f"pickle:{PickleSerializer().dumps(dict(values)).decode()}"
    except SerializationError:
        return None


def _unpacked(text: str) -> dict[str, object]:
    kind, _, rest = text.partition(":")
    if kind == "encrypted":
        from perdure._blocks.secrets import decrypt

        inner = decrypt(rest).decode()
        return _unpacked(inner if ":" in inner else f"pickle:{inner}")  # which was all there was at first
    found: dict[str, Any]
    if kind == "json":
        found = json.loads(rest)
    elif kind == "tagged":
        from perdure._serializers.json import JSONSerializer

        found = JSONSerializer().loads(rest.encode())
    elif kind == "pickle":
        from perdure._serializers.pickle import PickleSerializer

        found = PickleSerializer().loads(rest.encode())
    else:
        raise ValueError(f"they begin with {kind!r:.40}")
    if type(found) is not dict:
        raise ValueError("they are no names and values")
    return found
