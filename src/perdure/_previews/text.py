"""Single values as short texts, without secrets and without running any code of the values' own."""

from datetime import datetime, time
from enum import Enum
from types import BuiltinFunctionType, FunctionType
from typing import Any

from perdure._platform.printable import printable
from perdure._platform.redaction import AHEAD, REDACTED, is_secret_name, redact, shortened
from perdure._previews.types import attributes, is_a, is_any, is_of, kind_name, package_of

_SAFE_INTEGER = 2**53  # what every reader of JSON takes exactly

# Types that show themselves as text: a class of a user's own may do anything when asked for its text. They go by
# name, so that none has to be imported.
_TEXTS = {
    "builtins": ("complex",),
    "datetime": ("date", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "ipaddress": ("IPv4Address", "IPv4Interface", "IPv4Network", "IPv6Address", "IPv6Interface", "IPv6Network"),
    "pathlib": ("PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"),
    "uuid": ("UUID",),
    "zoneinfo": ("ZoneInfo",),
}
_ZONES = ("zoneinfo", "datetime", "pytz", "dateutil")
_PANDAS_SCALARS = ("Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType")


def head(text: str, length: int) -> str:
    """A text's beginning, without secrets, and how much more there is."""
    shown = beginning(text, length)
    return shown if len(text) <= length else f"{shown}… {more(len(text) - length)}"


def beginning(text: str, length: int) -> str:
    """The first characters of a text, printable and without secrets."""
    return printable(shortened(text, length))


def more(count: int) -> str:
    """What is said of things that are left out."""
    return f"{count:,} more"


def names_a_secret(name: object) -> bool:
    """Whether something is the name of a secret."""
    return type(name) is str and is_secret_name(name)


def announces_a_secret(item: object) -> bool:
    """Whether what follows an item of a sequence is a secret, as in `["mysql", "--password", "..."]`."""
    return type(item) is str and len(item) <= _WORD and is_secret_name(item) and not set(item) & _NOT_IN_NAMES


_WORD = 64  # characters
_NOT_IN_NAMES = frozenset(" \t\n/\\@=,;()[]{}<>?!*\"'")  # of a sentence, an address, a file, or what was redacted


def secret_names_in(item: object) -> bool:
    """Whether an item is the name of a secret, or a column of names with such a one among the first."""
    if type(item) is list or type(item) is tuple:
        return any(names_a_secret(each) for each in item[:_LOOKED_AT])
    return names_a_secret(item)


_LOOKED_AT = 50


def is_naming(key: object) -> bool:
    """Whether what goes by a key is a name, and what lies beside it the value that has this name."""
    return type(key) is str and len(key) <= _WORD and key.lower() in _NAMING


_NAMING = ("name", "key", "parameter", "setting", "variable")

# What is in every secret's name, and in every text that holds one, once it is in JSON and in lower case.
_MARKS = (
    *("\\", "@", "pass", "pw", "secret", "token", "key", "auth", "cred", "bearer", "basic", "cookie", "jwt", "eyj"),
    *("gh", "sk", "rk", "xox", "glpat", "pypi", "sig=", "---"),
)


def may_hold_a_secret(encoded: str) -> bool:
    """Whether a value has to be looked at for secrets, from its JSON; most have not."""
    lowered = encoded.lower()
    for mark in _MARKS:  # noqa: SIM110 - a generator takes twice as long
        if mark in lowered:
            return True
    return False


def redacted(value: object) -> object:
    """What to show of a value with a secret name: that there is one, or that there is none."""
    return value if value is None or type(value) is bool else REDACTED


def number(value: float, largest: int = _SAFE_INTEGER) -> int | float | str:
    """An int or float as JSON takes it; one that JSON lacks, or an int that is not below `largest`, as text."""
    if type(value) is float:
        if value - value == 0.0:
            return value
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if -largest < value < largest:
        return value
    bits = int(value).bit_length()
    return str(value) if bits <= 200 else f"an integer of {bits:,} bits"


def bytes_text(value: "bytes | bytearray") -> str:
    """How many bytes there are, and the first ones in hexadecimal."""
    length = base_of(value).__len__(value)  # type: ignore[arg-type]
    return f"{length:,} bytes: {hex_of(value, 16)}{'…' if length > 16 else ''}" if length else "0 bytes"


def base_of(value: "bytes | bytearray") -> "type[bytes] | type[bytearray]":
    """The built-in type of bytes, whose methods a class of a user's own may have replaced."""
    return bytes if is_a(type(value), bytes) else bytearray


def hex_of(value: "bytes | bytearray", count: int) -> str:
    """The first bytes in hexadecimal; asterisks if they spell a secret."""
    base: Any = base_of(value)
    text = base.__getitem__(value, slice(0, count + AHEAD)).decode("latin-1")
    return REDACTED if redact(text) != text else base.__getitem__(value, slice(0, count)).hex()


def known_text(value: Any, kind: type) -> str | None:
    """The text of a value whose class is known to make it safely; None for all others."""
    package, name = package_of(kind), kind_name(kind)
    if name in _TEXTS.get(package, ()) and is_of(kind, package):
        return str(value)
    if is_a(kind, Enum):  # the value of a member may be anything
        member = attributes(value).get("_name_")
        return f"{name}.{member if type(member) is str else '?'}"
    if kind is datetime or kind is time:
        return str(value if _is_known_zone(value.tzinfo) else value.replace(tzinfo=None))
    if kind is type:
        return repr(value)
    if kind is FunctionType or kind is BuiltinFunctionType:
        return f"<function {value.__qualname__}>"
    if kind is range:
        return f"range({number(value.start)}, {number(value.stop)}, {number(value.step)})"
    if is_of(kind, "fractions") and name == "Fraction":
        return f"{number(value.numerator)}/{number(value.denominator)}"
    if is_of(kind, "pandas") and name in _PANDAS_SCALARS:
        return str(value) if _is_known_zone(getattr(value, "tzinfo", None)) else None
    if is_any(kind, "numpy", "datetime64", "timedelta64", "longdouble", "clongdouble"):
        return str(value) if is_of(kind, "numpy") else None
    return None


def _is_known_zone(zone: object) -> bool:
    return zone is None or any(is_of(type(zone), package) for package in _ZONES)
