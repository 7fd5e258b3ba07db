"""A value of the standard library, and a function, have the same digest with every version of Python."""

import base64
import collections
import datetime
import decimal
import enum
import fractions
import functools
import http
import ipaddress
import json
import operator
import pathlib
import random
import re
import string
import types
import uuid
import zipfile
import zoneinfo
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, task
from perdure._engine.identity.hashing import digest_of_values
from perdure._serializers.pickle_allow_list import AllowList
from perdure.serializers import PickleSerializer

GOLDEN: dict[str, str] = json.loads((Path(__file__).parent / "digests_3_11.json").read_text())
OSLO = zoneinfo.ZoneInfo("Europe/Oslo")


class Colour(enum.Enum):
    RED = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


Point = collections.namedtuple("Point", "x y")


def shipping(weight: float, *zones: str, fast: bool = False) -> float:
    """What a parcel costs."""
    try:
        rates = {zone: len(zone) for zone in zones if zone.islower()}
        return sum(rates.values()) * weight if fast else max([*rates.values()], default=0)
    except (TypeError, ValueError) as error:
        raise RuntimeError(f"{weight!r:>10} {error=}") from error
    finally:
        [*map(str, zones)]


async def gather(names: list[str]) -> list[str]:
    """Names, by patterns."""
    match names:
        case [_, *rest] if rest:
            return [first async for first in _each(rest)]
        case _:
            return names


async def _each(names: list[str]) -> Any:
    for name in names:
        yield name


VALUES: dict[str, Any] = {
    "path": pathlib.Path("/data/x"),
    "relative path": pathlib.Path("a/b/../c"),
    "path of Windows": pathlib.PureWindowsPath("c:/a"),
    "class of paths": pathlib.Path,
    "path in an archive": zipfile.Path,
    "time zone": OSLO,
    "time": datetime.datetime(2024, 1, 1, tzinfo=OSLO),
    "folded time": datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=datetime.UTC),
    "day": datetime.date(2024, 1, 1),
    "pause": datetime.timedelta(1, 2, 3),
    "decimal": decimal.Decimal("1.20"),
    "fraction": fractions.Fraction(1, 3),
    "id": uuid.UUID(int=5),
    "address": ipaddress.ip_address("1.2.3.4"),
    "network": ipaddress.ip_network("10.0.0.0/8"),
    "enum": Colour.RED,
    "flag": Right.READ | Right.WRITE,
    "class of an enum": Colour,
    "status": http.HTTPStatus.OK,
    "flags of patterns": re.IGNORECASE | re.MULTILINE,
    "pattern": re.compile("a+", re.IGNORECASE),
    "range": range(3),
    "slice": slice(1, 2),
    "queue": collections.deque([1], maxlen=3),
    "ordered dict": collections.OrderedDict(a=1),
    "dict with a default": collections.defaultdict(list, {"a": [1]}),
    "counter": collections.Counter("aab"),
    "named tuple": Point(1, 2),
    "namespace": types.SimpleNamespace(a=1),
    "set": {1, "a", 2.5},
    "error": ValueError("a", 1),
    "error of the system": FileNotFoundError(2, "no", "f"),
    "errors": ExceptionGroup("g", [ValueError(1)]),
    "list of a type": list[int],
    "union": int | None,
    "partial": functools.partial(int, base=2),
    "getter": operator.itemgetter(1, 2),
    "random": random.Random(3),
    "template": string.Template("$a"),
    "builtin": len,
    "method of a builtin": [1].append,
    "function": shipping,
    "coroutine function": gather,
    "flow": flow(version="6e780d2da8c30bfd043cf108ca9c9ef3")(shipping),  # else a digest of this file is its version
    "task": task(retries=2)(gather),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_the_digest_that_it_had_with_python_3_11(name: str) -> None:
    assert digest_of_values(VALUES[name]) == GOLDEN[name]


@pytest.mark.parametrize("module", ["pathlib", "pathlib._local"])
def test_a_path_that_any_version_of_python_pickled_is_read(module: str) -> None:
    pickled = f"c{module}\nPurePosixPath\n(S'a'\ntR.".encode()
    assert PickleSerializer().loads(base64.b64encode(pickled)) == pathlib.PurePosixPath("a")
    assert AllowList("pathlib.Path").find(module, "PurePosixPath") is pathlib.PurePosixPath
