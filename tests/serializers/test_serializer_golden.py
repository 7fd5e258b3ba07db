"""Documents that were written once and must be read for ever."""

import ipaddress
import json
import re
from collections import OrderedDict, deque
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from golden_types import Colour, Order, Point

from perdure.serializers import Serializer

GOLDEN = Path(__file__).parent / "golden"
PREFECT = json.loads((GOLDEN / "prefect_2_20_25.json").read_text())
PERDURE = json.loads((GOLDEN / "perdure_0_1.json").read_text())

PLAIN = {"a": 1, "b": [1, 2.5, None, True], "text": "naïve ☃"}
MOMENT = datetime(2024, 1, 2, 3, 4, 5, 6)

SHARED = {
    "json_nan": float("inf"),
    "json_bytes": b"\x00hi",
    "json_datetime": MOMENT,
    "json_aware": MOMENT.replace(tzinfo=UTC),
    "json_date": MOMENT.date(),
    "json_time": MOMENT.time(),
    "json_timedelta": timedelta(days=400, seconds=2.5),
    "json_decimal": Decimal("1.10"),
    "json_uuid": UUID(int=5),
    "json_path": Path("/a/b"),
    "json_set": {1, 2},
    "json_frozenset": frozenset({1}),
    "json_deque": deque([1, 2]),
    "json_address": ipaddress.IPv4Address("1.2.3.4"),
    "json_network": ipaddress.IPv4Network("1.2.3.0/24"),
    "json_pattern": re.compile("a+"),
}
OF_PREFECT = SHARED | {
    "pickle_long": list(range(100)),
    "json_negative_timedelta": timedelta(days=-1, seconds=5),
    "json_complex": 1 + 2j,
    "json_enum": Colour.RED,
    "json_dataclass": Point(1, MOMENT),
    "json_model": Order(id=1, placed=MOMENT),
    "json_pendulum": datetime(2024, 1, 2, tzinfo=UTC),
    "json_nested": {"days": [date(2024, 1, 2)], "by": {"k": {1}}},
}
OF_PERDURE = SHARED | {
    "json_zoned": MOMENT.replace(tzinfo=ZoneInfo("Europe/Berlin")),
    "json_negative": timedelta(days=-1, seconds=5),
    "json_tuple": (1, (2,)),
    "json_keys": {1: "a", (1, 2): "b"},
    "json_tag_like": {"__class__": "x", "data": 1},
    "json_ordered": OrderedDict(a=1),
    "json_nested": {"days": [date(2024, 1, 2)], "by": {"k": {MOMENT}}},
}
EXCEPTIONS = {"json_exception", "pickle_exception"}


def load(document: str) -> Any:
    parts = json.loads(document)
    return Serializer.from_description(parts["serializer"]).loads(parts["data"].encode())


@pytest.mark.parametrize("name", sorted(PREFECT.keys() - EXCEPTIONS))
def test_what_prefect_2_wrote_is_read(name: str) -> None:
    value = load(PREFECT[name])
    assert value == OF_PREFECT.get(name, PLAIN)
    assert type(value) is type(OF_PREFECT.get(name, PLAIN))


@pytest.mark.parametrize("name", sorted(PERDURE.keys() - EXCEPTIONS))
def test_what_perdure_wrote_is_read(name: str) -> None:
    value = load(PERDURE[name])
    assert value == OF_PERDURE.get(name, PLAIN)
    assert type(value) is type(OF_PERDURE.get(name, PLAIN))


@pytest.mark.parametrize(
    "document", [PREFECT["json_exception"], PREFECT["pickle_exception"], PERDURE["json_exception"]]
)
def test_exceptions_are_read(document: str) -> None:
    error = load(document)
    assert type(error) is ValueError
    assert error.args == ("x",)


@pytest.mark.parametrize("name", [name for name in PERDURE if name.startswith("json")])
def test_json_is_still_written_as_prefect_2_was_seen_to_read_it(name: str) -> None:
    # Every document of the file was loaded once by the classes of Prefect 2.20.25, which gave the value.
    parts = json.loads(PERDURE[name])
    serializer = Serializer.from_description(parts["serializer"])
    value = ValueError("x") if name in EXCEPTIONS else OF_PERDURE.get(name, PLAIN)
    assert serializer.describe() == parts["serializer"]
    assert serializer.dumps(value).decode() == parts["data"]


def test_zoned_datetimes_keep_their_zone() -> None:
    assert load(PERDURE["json_zoned"]).tzinfo is ZoneInfo("Europe/Berlin")
