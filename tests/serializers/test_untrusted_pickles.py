"""The allow-list of unpickling: a zoo of malicious pickles, and the values that it lets through."""

import collections
import enum
import pickle
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pickle_zoo
import polars as pl
import pyarrow as pa
import pytest
from pickle_zoo import ZOO, Innocent

from perdure import settings
from perdure._serializers.payload import THRESHOLD
from perdure._serializers.text import to_base64
from perdure._serializers.wrapping import WrappingSerializer
from perdure.errors import ResultUntrusted, SettingError
from perdure.results import PersistedResultBlob
from perdure.serializers import PickleSerializer, Serializer, new_key, resolve
from perdure.testing.serializer_conformance import MemoryPayload

ALLOWED = "numpy.*, pandas.*, pickle_zoo.*"


@pytest.fixture(autouse=True)
def in_a_fresh_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def exploded() -> bool:
    return Path("exploded").exists()


@pytest.mark.parametrize("animal", ZOO)
def test_the_zoo_is_alive(animal: str) -> None:
    try:
        pickle.loads(ZOO[animal])
    except Exception:
        pass  # what matters is what it did before
    assert exploded()


@pytest.mark.parametrize("animal", ZOO)
def test_nothing_that_is_not_allowed_is_called(animal: str) -> None:
    with settings.temporary_settings(results_allowed_classes=ALLOWED):
        with pytest.raises(ResultUntrusted, match="does not allow; it was not called"):
            PickleSerializer().loads(to_base64(ZOO[animal]))
        payload = MemoryPayload()
        payload.write(ZOO[animal])
        with pytest.raises(ResultUntrusted):
            PickleSerializer(picklelib="pickle").load(payload)
    assert not exploded()


def wrapped(serializer: Serializer, pickled: bytes) -> bytes:
    """What a serializer round a pickle would have written, had the pickle been made by it."""
    if isinstance(serializer, WrappingSerializer):
        return to_base64(serializer._change(wrapped(serializer.serializer, pickled)))
    return to_base64(pickled)


@pytest.mark.parametrize("name", ["compressed", "encrypted", "encrypted/compressed/pickle"])
def test_wrapped_pickles_are_held_to_the_list_too(name: str) -> None:
    with settings.temporary_settings(results_allowed_classes=ALLOWED, results_encryption_keys=new_key()):
        serializer = resolve(name, "pickle")
        for pickled in ZOO.values():
            with pytest.raises(ResultUntrusted):
                serializer.loads(wrapped(serializer, pickled))
    assert not exploded()


def test_no_pickle_is_reached_that_is_not_signed() -> None:
    with settings.temporary_settings(results_signing_keys=new_key()):
        for pickled in ZOO.values():
            document = PersistedResultBlob(PickleSerializer().describe(), to_base64(pickled)).to_bytes()
            with pytest.raises(ResultUntrusted, match="is not signed"):
                PersistedResultBlob.from_bytes(document, key="reports/today").load()
    assert not exploded()


class Colour(enum.Enum):
    RED = "red"


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


ZONE = ZoneInfo("Europe/Berlin")
FRAME = pd.DataFrame(
    {
        "whole": [1, 2],
        "text": ["x", "y"],
        "category": pd.Categorical(["a", "b"]),
        "day": pd.to_datetime(["2020", "2021"]).tz_localize(ZONE),
        "period": pd.period_range("2020", periods=2, freq="D"),
        "maybe": pd.array([1, None], dtype="Int64"),
        "interval": pd.interval_range(0, 2),
    }
)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2024, 1, 2, tzinfo=UTC),
        datetime(2024, 1, 2, tzinfo=ZONE),
        [date(2024, 1, 2), timedelta(1), Decimal("1.5"), UUID(int=1), Path("a")],
        collections.OrderedDict(a={1}, b=frozenset({2}), c=bytearray(b"x"), d=1j, e=range(3), f=collections.deque([1])),
        [re.compile("a+"), slice(1), None, type(None), int, Ellipsis],
        Colour.RED,
        Permission.READ | Permission.WRITE,
        np.arange(6.0).reshape(2, 3),
        np.datetime64("2020-01-01"),
        np.array([{"a": 1}], dtype=object),
        FRAME,
        FRAME.set_index(["day", "text"]),
        pd.Timestamp("2020", tz="UTC"),
        pa.table({"a": [1, None], "b": ["x", "y"], "c": [[1], [2, 3]]}),
        pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pl.DataFrame({"a": range(THRESHOLD), "b": "x"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_harmless_values_and_those_of_listed_libraries_come_back(value: Any) -> None:
    names = f"numpy.*, pandas.*, polars.*, pyarrow.*, {__name__}.Colour, {__name__}.Permission"
    payload = MemoryPayload()
    written = PickleSerializer().dump(value, payload)
    with settings.temporary_settings(results_allowed_classes=names):
        loaded = PickleSerializer().load(payload) if written is None else PickleSerializer().loads(written)
    same = loaded.equals(value) if hasattr(value, "equals") else loaded == value
    assert np.all(same)
    assert type(loaded) is type(value)


@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError(2, "gone"), ExceptionGroup("g", [KeyError(1)])])
def test_exceptions_come_back(error: Exception) -> None:
    with settings.temporary_settings(results_allowed_classes="numpy.*"):
        assert repr(PickleSerializer().loads(PickleSerializer().dumps(error))) == repr(error)


def load_under(names: str, value: Any) -> Any:
    with settings.temporary_settings(results_allowed_classes=names):
        return PickleSerializer().loads(PickleSerializer().dumps(value))


# Pickles that set attributes of what they name: state after state is given to a class, a function, an enum member

STATE = b"N}X\x06\x00\x00\x00canaryK\x01s\x86b."
CHANGES = {
    "class": b"\x80\x02cpathlib\nPurePath\n" + STATE,
    "class listed": b"\x80\x02cpickle_zoo\nInnocent\n" + STATE,
    "class from the memo": b"\x80\x02cpathlib\nPurePath\nq\x00Nh\x00" + STATE,
    "class, not in the end": b"\x80\x02(cpathlib\nPurePath\n" + STATE[:-1] + b"N}X\x06\x00\x00\x00canaryK\x01s\x86bt.",
    "function": b"\x80\x02cperdure.core.exceptions\n_rebuilt\n" + STATE,
    "function of a library": b"\x80\x02cpandas.core.indexes.base\n_new_Index\n" + STATE,
    "compiled function": b"\x80\x02cpandas._libs.tslibs.timestamps\n_unpickle_timestamp\n" + STATE,
    "member called": b"\x80\x02ctest_untrusted_pickles\nColour\nX\x03\x00\x00\x00red\x85R" + STATE,
    "member made": b"\x80\x02ctest_untrusted_pickles\nColour\nX\x03\x00\x00\x00red\x85\x81" + STATE,
    "member had": b"\x80\x02cbuiltins\ngetattr\nctest_untrusted_pickles\nColour\nX\x03\x00\x00\x00RED\x86R" + STATE,
    "member made by a function": (
        b"\x80\x02ccopyreg\n__newobj__\nctest_untrusted_pickles\nColour\nX\x03\x00\x00\x00red\x86R" + STATE
    ),
    "behind a name that is computed": (
        b"\x80\x04cbuiltins\nstr\nX\x07\x00\x00\x00pathlib\x85RX\x08\x00\x00\x00PurePath\x93" + STATE
    ),
    "items": b"\x80\x02cpickle_zoo\nInnocent\n(K\x01K\x02u.",
    "appended": b"\x80\x02cpickle_zoo\nInnocent\n(K\x01e.",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_pickle_changes_nothing_that_was_there_before_it(change: str) -> None:
    names = f"{ALLOWED}, {__name__}.Colour"
    with (
        settings.temporary_settings(results_allowed_classes=names),
        pytest.raises(ResultUntrusted, match="would change .* nothing was changed"),
    ):
        PickleSerializer().loads(to_base64(CHANGES[change]))
    assert not hasattr(PurePath, "canary")
    assert not hasattr(Innocent, "canary")
    assert not hasattr(Colour.RED, "canary")


def test_only_exceptions_are_rebuilt_as_such() -> None:
    pickled = (
        b"\x80\x02cperdure.core.exceptions\n_rebuilt\nctest_untrusted_pickles\nColour\n"
        b"X\x03\x00\x00\x00red\x85}X\x06\x00\x00\x00canaryK\x01s\x87R."
    )
    with settings.temporary_settings(results_allowed_classes=f"{__name__}.Colour"), pytest.raises(ResultUntrusted):
        PickleSerializer().loads(to_base64(pickled))
    assert not hasattr(Colour.RED, "canary")


class Node:
    """Takes its state by a method, and items by another."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs, self.items = args, kwargs, []

    def __reduce__(self) -> Any:
        return Node, self.args, {"kwargs": self.kwargs}, iter(self.items)

    def append(self, item: Any) -> None:
        self.items.append(item)

    def __setstate__(self, state: Any) -> None:
        self.kwargs = state["kwargs"]


class Slots:
    __slots__ = ("x",)


def made(count: int) -> Any:
    nodes = []
    for number in range(count):
        node, slots = Node(number, Colour.RED, Colour), Slots()
        slots.x = node
        node.kwargs = {"slots": slots, "loop": nodes}
        node.items = [number, Counted({number: 1}), Failure("x", number)]
        nodes.append(node)
    return nodes


class Counted(collections.Counter[int]):
    pass


class Failure(Exception):
    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.number = number

    def __reduce__(self) -> Any:
        return Failure, (self.args[0], self.number), {"more": Colour.RED}


@pytest.mark.parametrize("serializer", ["pickle", "compressed/pickle"])
@pytest.mark.parametrize("count", [3, 1_000])
def test_objects_of_listed_classes_come_back_whatever_they_are_rebuilt_by(serializer: str, count: int) -> None:
    chosen = resolve(serializer, "pickle")
    payload = MemoryPayload()
    written = chosen.dump(made(count), payload)
    names = ", ".join(f"{__name__}.{each.__name__}" for each in (Node, Slots, Counted, Failure, Colour))
    with settings.temporary_settings(results_allowed_classes=names):
        loaded = chosen.load(payload) if written is None else chosen.loads(written)
    assert len(loaded) == count
    last = loaded[-1]
    assert last.args == (count - 1, Colour.RED, Colour)
    assert last.kwargs["slots"].x is last
    assert last.kwargs["loop"] is loaded
    assert last.items[1] == {count - 1: 1}
    assert (last.items[2].args, last.items[2].more) == (("x",), Colour.RED)


def test_what_is_refused_is_named_with_the_way_to_allow_it() -> None:
    with pytest.raises(
        ResultUntrusted, match=r"'pickle_zoo\.Innocent'.*PERDURE_RESULTS_ALLOWED_CLASSES.*add 'pickle_zoo"
    ):
        load_under("numpy.*", Innocent())


@pytest.mark.parametrize("names", ["pickle_zoo.Innocent", "numpy.*,pickle_zoo.*"])
def test_a_class_is_listed_by_its_name_or_its_module(names: str) -> None:
    assert isinstance(load_under(names, Innocent()), Innocent)


def test_a_function_is_listed_by_its_name_only() -> None:
    assert load_under("pickle_zoo.touch", pickle_zoo.touch) is pickle_zoo.touch
    with pytest.raises(ResultUntrusted):
        load_under("pickle_zoo.*", pickle_zoo.touch)


def test_arrays_need_numpy_to_be_listed() -> None:
    with pytest.raises(ResultUntrusted, match="numpy"):
        load_under("pickle_zoo.*", np.arange(3))


def test_lazy_queries_of_polars_which_can_hold_functions_need_their_full_name() -> None:
    with pytest.raises(ResultUntrusted, match="polars.expr.expr.Expr"):
        load_under("polars.*", pl.col("a"))
    assert str(load_under("polars.expr.expr.Expr", pl.col("a"))) == str(pl.col("a"))


@pytest.mark.parametrize("names", ["*", "numpy", "numpy.*.x", "a b.c", "a..b", ".a", "a.b,", "a.b;c.d"])
def test_a_list_that_is_none_is_refused_with_the_rule(names: str) -> None:
    with pytest.raises(SettingError, match="dotted names, separated by commas"):
        load_under(names, 1)


def test_without_a_list_all_is_unpickled() -> None:
    assert isinstance(PickleSerializer().loads(PickleSerializer().dumps(Innocent())), Innocent)
