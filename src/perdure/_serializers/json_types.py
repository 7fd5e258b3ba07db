"""The types of the standard library that JSON lacks: how each is written into a tag, and read from one.

`write` gives the tag's keys beside `__class__`; what it puts under `data` is encoded in turn. `read` is
called with the decoded `data` and the whole tag.
"""

import base64
import collections
import ipaddress
import pathlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from perdure._model.generator_outcomes import GeneratedItems
from perdure._platform.named import NamedTuple
from perdure._serializers import json_bounds as bounds

Tag = Mapping[str, Any]

_MICROSECOND = timedelta(microseconds=1)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?"
)
_ZONE = re.compile(r"[\w+-]{1,64}(/[\w+-]{1,64}){0,3}", re.ASCII)
_FACTORIES: dict[str, Callable[[], object]] = {
    kind.__name__: kind for kind in (int, float, str, bool, list, dict, set, tuple)
}


class TaggedType(NamedTuple):
    """How values of one exact type are written and read."""

    write: Callable[[Any], dict[str, object]]
    read: Callable[[Any, Tag], object]


def _as_text(kind: Callable[[str], object]) -> TaggedType:
    return TaggedType(lambda value: {"data": str(value)}, lambda data, _: kind(bounds.text(data)))


def _as_items(kind: Callable[[Any], object]) -> TaggedType:
    return TaggedType(lambda value: {"data": list(value)}, lambda data, _: kind(bounds.items(data)))


def _as_sorted_items(kind: Callable[[Any], object]) -> TaggedType:
    return TaggedType(
        lambda value: {"data": bounds.hashable(_sorted(value))}, lambda data, _: kind(bounds.hashable(data))
    )


def _as_pairs(kind: Callable[[Any], object]) -> TaggedType:
    # The encoder itself writes the items of dicts and their kin, as pairs: keys may be anything.
    return TaggedType(_no_attributes, lambda data, _: kind(bounds.pairs(data)))


def _no_attributes(value: object) -> dict[str, object]:
    names = list(getattr(value, "__dict__", ()))
    if names:
        raise TypeError(f"it has an attribute {names[0]!r} of its own, which JSON would lose")
    return {}


def _sorted(values: Any) -> list[object]:
    try:
        return sorted(values)  # so that equal sets give equal bytes
    except TypeError:
        return sorted(values, key=repr)


def _write_bytes(value: bytes | bytearray) -> dict[str, object]:
    try:
        return {"data": value.decode()}
    except UnicodeDecodeError:
        return {"data": {"base64": base64.b64encode(value).decode()}}


def _read_bytes(data: Any, _: Tag) -> bytes:
    return data.encode() if isinstance(data, str) else base64.b64decode(data["base64"], validate=True)


def _write_datetime(value: datetime) -> dict[str, object]:
    return {"data": value.isoformat(), **_zone_of(value), **_fold(value)}


def _zone_of(value: datetime | time) -> dict[str, object]:
    """What there is to a zone beside its offset."""
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo):
        return {"zone": _write_zone(zone)["data"]}
    if zone is None or type(zone) is timezone:
        return {} if zone is None else _name_of(zone, "zone_name")
    raise TypeError(
        f"its time zone is a {type(zone).__module__}.{type(zone).__qualname__}, of which JSON would keep only the"
        " offset; use value.astimezone(datetime.UTC) or a zoneinfo.ZoneInfo, or result_serializer='pickle'"
    )


def _name_of(zone: timezone, key: str) -> dict[str, object]:
    name = zone.tzname(None)
    return {} if name == timezone(zone.utcoffset(None)).tzname(None) else {key: name}


def _read_datetime(data: str, tag: Tag) -> datetime:
    value = datetime.fromisoformat(data)
    if "zone" not in tag:
        return value.replace(fold=tag.get("fold", 0), tzinfo=_fixed(value, tag))
    zone = _zone(tag["zone"])
    found = value.replace(tzinfo=zone, fold=tag.get("fold", 0))  # as clocks show it, even a time that they skip
    return found if found.utcoffset() == value.utcoffset() else value.astimezone(zone)


def _fixed(value: datetime | time, tag: Tag) -> tzinfo | None:
    offset = value.utcoffset()
    return value.tzinfo if offset is None or "zone_name" not in tag else timezone(offset, bounds.text(tag["zone_name"]))


def _zone(name: Any) -> ZoneInfo:
    # Of another name, `ZoneInfo` would import a package.
    if not _ZONE.fullmatch(bounds.text(name)):
        raise ValueError(f"{name!r:.80} is not the name of a time zone")
    return ZoneInfo(name)


def _write_time(value: time) -> dict[str, object]:
    return {"data": value.isoformat(), **_zone_of(value), **_fold(value)}


def _read_time(data: str, tag: Tag) -> time:
    value = time.fromisoformat(data)
    zone = _zone(tag["zone"]) if "zone" in tag else _fixed(value, tag)
    return value.replace(fold=tag.get("fold", 0), tzinfo=zone)


def _fold(value: datetime | time) -> dict[str, object]:
    return {"fold": 1} if value.fold else {}  # the second of two equal times as clocks go back


def _write_timedelta(value: timedelta) -> dict[str, object]:
    length = abs(value // _MICROSECOND)
    seconds, micros = divmod(length % 86_400_000_000, 1_000_000)
    fraction = f".{micros:06}" if micros else ""
    return {"data": f"{'-' if value.days < 0 else ''}P{length // 86_400_000_000}DT{seconds}{fraction}S"}


def _read_timedelta(data: str, _: Tag) -> timedelta:
    match = _DURATION.fullmatch(data)
    if match is None:
        raise ValueError(data)
    sign, *parts, fraction = match.groups()
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in parts)
    # Pydantic, which wrote Prefect's durations, counts 365 days a year and 30 days a month.
    days += 365 * years + 30 * months + 7 * weeks
    micros = ((days * 24 + hours) * 60 + minutes) * 60_000_000 + seconds * 1_000_000
    micros += int((fraction or "").ljust(6, "0"))
    return _MICROSECOND * (-micros if sign == "-" else micros)


def _write_pattern(value: re.Pattern[str] | re.Pattern[bytes]) -> dict[str, object]:
    bounds.pattern(value.pattern, value.flags)  # what would not be read is not written
    default = re.compile(value.pattern).flags
    return {"data": value.pattern, **({} if value.flags == default else {"flags": value.flags})}


def _write_defaultdict(value: collections.defaultdict[object, object]) -> dict[str, object]:
    factory = value.default_factory
    if factory is None:
        return {}
    name = getattr(factory, "__name__", "")
    if _FACTORIES.get(name) is not factory:
        raise TypeError(f"a defaultdict's factory must be one of {', '.join(_FACTORIES)}, not {factory!r}")
    return {"factory": name}


def _read_defaultdict(data: object, tag: Tag) -> object:
    return collections.defaultdict(_FACTORIES[tag["factory"]] if "factory" in tag else None, dict(bounds.pairs(data)))


def _write_zone(value: ZoneInfo) -> dict[str, object]:
    if value.key is None:
        raise TypeError("a time zone made from a file has no name to write")
    _zone(value.key)
    return {"data": value.key}


def _write_timezone(value: timezone) -> dict[str, object]:
    return {"data": value.utcoffset(None) // _MICROSECOND, **_name_of(value, "name")}


def _read_timezone(data: int, tag: Tag) -> timezone:
    if "name" in tag:
        return timezone(_MICROSECOND * data, bounds.text(tag["name"]))
    return timezone(_MICROSECOND * data) if data else UTC


def _write_uuid(value: UUID) -> dict[str, object]:
    safe = value.is_safe.value
    return {"data": str(value), **({} if safe is None else {"is_safe": safe})}


def _read_uuid(data: object, tag: Tag) -> UUID:
    return UUID(bounds.text(data), is_safe=SafeUUID(tag.get("is_safe")))


def _generated(data: object) -> tuple[list[object], object]:
    values, returned = bounds.items(data)
    return bounds.items(values), returned


_PATH = _as_text(pathlib.Path)

TYPES: dict[type, TaggedType] = {
    float: TaggedType(lambda value: {"data": str(value)}, lambda data, _: bounds.number(float)(data)),
    bytes: TaggedType(_write_bytes, _read_bytes),
    bytearray: TaggedType(_write_bytes, lambda data, tag: bytearray(_read_bytes(data, tag))),
    complex: TaggedType(lambda value: {"data": str(value).strip("()")}, lambda data, _: bounds.number(complex)(data)),
    range: TaggedType(
        lambda value: {"data": [value.start, value.stop, value.step]}, lambda data, _: range(*bounds.items(data))
    ),
    tuple: _as_items(tuple),
    set: _as_sorted_items(set),
    frozenset: _as_sorted_items(frozenset),
    dict: _as_pairs(dict),
    collections.OrderedDict: _as_pairs(collections.OrderedDict),
    collections.Counter: _as_pairs(lambda data: collections.Counter(dict(data))),
    collections.defaultdict: TaggedType(_write_defaultdict, _read_defaultdict),
    collections.deque: TaggedType(
        lambda value: {"data": list(value), **({} if value.maxlen is None else {"maxlen": value.maxlen})},
        lambda data, tag: collections.deque(bounds.items(data), tag.get("maxlen")),
    ),
    datetime: TaggedType(_write_datetime, _read_datetime),
    date: TaggedType(lambda value: {"data": value.isoformat()}, lambda data, _: date.fromisoformat(data)),
    time: TaggedType(_write_time, _read_time),
    timedelta: TaggedType(_write_timedelta, _read_timedelta),
    timezone: TaggedType(_write_timezone, _read_timezone),
    ZoneInfo: TaggedType(_write_zone, lambda data, _: _zone(data)),
    Decimal: _as_text(Decimal),
    Fraction: _as_text(bounds.fraction),
    UUID: TaggedType(_write_uuid, _read_uuid),
    pathlib.PurePosixPath: _as_text(pathlib.PurePosixPath),
    pathlib.PureWindowsPath: _as_text(pathlib.PureWindowsPath),
    pathlib.PosixPath: _PATH,
    pathlib.WindowsPath: _PATH,
    ipaddress.IPv4Address: _as_text(ipaddress.IPv4Address),
    ipaddress.IPv6Address: _as_text(ipaddress.IPv6Address),
    ipaddress.IPv4Network: _as_text(ipaddress.IPv4Network),
    ipaddress.IPv6Network: _as_text(ipaddress.IPv6Network),
    ipaddress.IPv4Interface: _as_text(ipaddress.IPv4Interface),
    ipaddress.IPv6Interface: _as_text(ipaddress.IPv6Interface),
    GeneratedItems: TaggedType(
        lambda value: {"data": [list(value), value.returned]}, lambda data, _: GeneratedItems(*_generated(data))
    ),
    re.Pattern: TaggedType(_write_pattern, lambda data, tag: bounds.pattern(data, tag.get("flags", 0))),
}

# Some modules keep their classes in private ones, and not in every version of Python.
NAMES = {kind: f"{kind.__module__.partition('._')[0]}.{kind.__qualname__}" for kind in TYPES}
NAMES[GeneratedItems] = "perdure.core.generated.GeneratedItems"  # as it was called first

READERS: dict[str, Callable[[Any, Tag], object]] = {
    **{NAMES[kind]: tagged.read for kind, tagged in TYPES.items()},
    # Written by Prefect 2 alone.
    "pathlib.Path": _PATH.read,
    "builtins.int": lambda data, _: bounds.number(int)(data),
    "builtins.str": lambda data, _: data if isinstance(data, str) else str(bounds.number(lambda each: each)(data)),
    "builtins.list": lambda data, _: bounds.items(data),
    "pendulum.datetime.DateTime": _read_datetime,
    "pendulum.date.Date": TYPES[date].read,
    "pendulum.time.Time": TYPES[time].read,
    "pendulum.duration.Duration": _read_timedelta,
}
