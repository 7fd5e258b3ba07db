"""An allow-list's pattern admits the values of a library, and no more: no callables, no options, no false memory."""

import copyreg
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from perdure import settings
from perdure._serializers.text import to_base64
from perdure.errors import ResultCorrupt, ResultError, ResultUntrusted
from perdure.serializers import PickleSerializer

PATTERNS = f"numpy.*, pandas.*, polars.*, pyarrow.*, torch.*, {__name__}.*"
NUMPY = [
    np.array([b"a", None], dtype=object),
    np.zeros(2, dtype=[("a", "O"), ("b", "f8", (2, 3)), (("title", "c"), "U3")]),
    np.zeros(2, dtype=[("a", "O")])[0],
    np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    np.ma.masked_array([1, 2], [0, 1]),
    np.ma.masked,
    np.array(["a", "bcd"]),
    np.array(["a"], dtype=np.dtypes.StringDType()),
    np.array([], dtype="U"),
    np.float64(3),
    np.void(b"ab"),
    np.datetime64("2020-01-01"),
    np.polynomial.Polynomial([1, 2]),
    np.dtype([("a", "O")]),
    np.float64,
    np.ndarray,
]
PANDAS = [
    pd.DataFrame({"a": pd.arrays.SparseArray([0, 1]), "b": ["x", None]}),
    pd.MultiIndex.from_tuples([(1, 2)]),
    pd.date_range("2020", periods=3, freq="D"),
    pd.period_range("2020", periods=2, freq="M"),
    pd.interval_range(0, 2),
    pd.CategoricalIndex(["a"]),
    pd.array([1.5, None]),
    pd.Series([1], dtype="int64[pyarrow]"),
    pd.Series(["a"], dtype="string[python]"),
    pd.offsets.CustomBusinessDay(holidays=["2020-01-01"]),
    pd.DateOffset(months=1),
    pd.Period("2020"),
    pd.NaT,
    pd.NA,
    pd.DatetimeTZDtype(tz="UTC"),
]
OTHERS = [
    pl.DataFrame({"a": [1]}),
    pl.Series([1]),
    pl.Enum(["a"]),
    pl.Struct({"a": pl.Int8}),
    pa.table({"a": [[1], None]}),
]


@pytest.mark.parametrize("value", [*NUMPY, *PANDAS, *OTHERS], ids=lambda value: type(value).__name__)
def test_values_of_known_libraries_come_back(value: Any) -> None:
    data = PickleSerializer().dumps(value)
    with settings.temporary_settings(results_allowed_classes=PATTERNS):
        assert repr(PickleSerializer().loads(data)) == repr(value)


# Forged pickles, by opcodes


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def held(value: Any) -> bytes:
    """The opcodes of a value."""
    return pickle.dumps(value, 3)[2:-1]


def load(opcodes: bytes, names: str = PATTERNS) -> Any:
    with settings.temporary_settings(results_allowed_classes=names):
        return PickleSerializer().loads(to_base64(b"\x80\x04" + opcodes + b"."))


@pytest.fixture(params=["rehearsed", "step by step"])
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    """A process where `copyreg` knows extensions has each step looked at instead."""
    if request.param == "step by step":
        copyreg.add_extension("datetime", "date", 0xF0)
        yield
        copyreg.remove_extension("datetime", "date", 0xF0)
    else:
        yield


class Callable:
    """An object that does something when it is called."""

    def __call__(self, *_: Any) -> None:
        Path("called").touch()


class Meta(type):
    """A class of classes."""


class Array(np.ndarray):
    """An array of the user's own."""


class Outer:
    """Holds others."""

    class Inner:
        """Is held."""

    def method(self) -> None:
        """Is a function."""


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("step", [b")R", b"K\x01\x85R"])
def test_no_object_is_called(step: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResultError, match="would call"):
        load(named(__name__, "Callable") + b")R" + step)
    assert not (tmp_path / "called").exists()


LIBRARY_CODE = {
    "runs tests": ("numpy._pytesttester", "PytestTester"),
    "runs a function": ("numpy", "vectorize"),
    "opens a file": ("numpy", "memmap"),
    "sets options": ("pandas._config.config", "DictWrapper"),
    "sets one option": ("pandas._config.config", "option_context"),
    "is an accessor": ("pandas.plotting._core", "PlotAccessor"),
    "reads a file": ("pandas.io.excel._base", "ExcelFile"),
    "runs queries": ("polars.sql.context", "SQLContext"),
    "imports a package": ("torch.package.package_importer", "PackageImporter"),
    "is a function": ("pandas", "read_pickle"),
    "is a function of a value": ("pandas", "DataFrame.to_pickle"),
}


@pytest.mark.parametrize("what", LIBRARY_CODE)
def test_what_is_no_value_of_a_library_is_not_named_by_its_pattern(what: str) -> None:
    module, name = LIBRARY_CODE[what]
    before = set(sys.modules)
    with pytest.raises(ResultUntrusted, match="does not allow"):
        load(b"\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93")
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "name",
    [
        *(
            "sys",
            "Path.home",
            "pickle.loads",
            "Callable.__call__",
            "Callable.__class__",
            "Callable.__init__.__globals__",
        ),
        *("Outer.method", "Outer.__base__", "Outer.Inner.__class__", "Meta", "np.ndarray", "np.os.system", "load"),
    ],
)
def test_a_dotted_name_leads_to_classes_within_classes_and_nowhere_else(name: str) -> None:
    text = b"\x8c" + bytes([len(__name__)]) + __name__.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93"
    with pytest.raises(ResultUntrusted):
        load(text)


def test_a_class_within_a_class_is_named_by_its_path() -> None:
    assert load(pickle.dumps(Outer.Inner, 4)[2:-1]) is Outer.Inner


EIGHT = b"AAAAAAAA"
DTYPE = named("numpy", "dtype")
LIES = {
    "an object that is none": ("O8", (3, "|", None, None, None, -1, -1, 0)),
    "a field that is an object": ("V8", (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0)),
    "a part that is an object": ("V8", (3, "|", (np.dtype("O"), (1,)), None, None, 8, 1, 0)),
    "a field outside": ("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), 100)}, 8, 1, 0)),
    "a field before": ("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), -8)}, 8, 1, 0)),
    "parts too many": ("V8", (3, "|", (np.dtype("f8"), (100,)), None, None, 8, 1, 0)),
    "names without fields": ("V8", (3, "|", None, ("b",), {"a": (np.dtype("f8"), 0)}, 8, 1, 0)),
    "no flags": ("O8", (2, "|", None, None, None, -1, -1)),
}


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("lie", LIES)
def test_a_dtype_that_lies_about_its_items_is_refused_before_it_is_used(lie: str) -> None:
    kind, state = LIES[lie]
    dtype = DTYPE + held((kind, False, True)) + b"R" + held(state) + b"b"
    array = named("numpy._core.numeric", "_frombuffer") + b"(" + held(bytearray(EIGHT)) + dtype + held((1,)) + held("C")
    with pytest.raises(ResultCorrupt, match="a dtype of numpy describes its items wrongly"):
        load(array + b"tR")


@pytest.mark.usefixtures("_way")
def test_a_dtype_is_not_changed_once_it_was_looked_at() -> None:
    honest, lie = held((3, "|", None, None, None, 8, 1, 0)), held(LIES["a field that is an object"][1])
    with pytest.raises(ResultUntrusted, match="would change"):
        load(DTYPE + held(("V8", False, True)) + b"R" + honest + b"b" + lie + b"b")


MEMORY = held(((1,), np.dtype("O"), EIGHT))
PARTS = held((1,)) + held(np.dtype("O")) + held(EIGHT)
CALLS = {
    "called": named("numpy", "ndarray") + MEMORY + b"R",
    "made": named("numpy", "ndarray") + MEMORY + b"\x81",
    "made with names": named("numpy", "ndarray")
    + held(((1,),))
    + held({"dtype": np.dtype("O"), "buffer": EIGHT})
    + b"\x92",
    "old object": b"(" + named("numpy", "ndarray") + PARTS + b"o",
    "old instance": b"(" + PARTS + b"inumpy\nndarray\n",
    "record array": named("numpy.rec", "recarray") + held(((1,), np.dtype("O"), EIGHT)) + b"R",
    "own array": named(__name__, "Array") + MEMORY + b"R",
    "scalar": named("numpy", "void") + held((EIGHT, np.dtype([("a", "O")]))) + b"R",
    "by copyreg": named("copyreg", "__newobj__") + b"(" + named("numpy", "ndarray") + PARTS + b"tR",
    "by its old way": named("copyreg", "_reconstructor") + b"(" + named("numpy", "ndarray") * 2 + held((9,)) + b"tR",
    "unwritten": named("numpy._core.multiarray", "_reconstruct")
    + b"("
    + named("numpy", "ndarray")
    + held((9,))
    + held(b"O")
    + b"tR",
}


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("call", CALLS)
def test_no_bytes_become_objects_by_a_call_of_an_array(call: str) -> None:
    with pytest.raises(ResultError, match="would call|would be called|nobody has written"):
        load(CALLS[call])


def test_an_array_of_arrow_whose_offsets_lie_outside_is_refused() -> None:
    (honest,) = pa.array(["ab", "c"]).__reduce__()[1]
    kind, size, nulls, offset, (valid, _, letters), *rest = honest
    outside = pa.py_buffer(np.array([0, 10**6, 2 * 10**6], dtype="int32").tobytes())

    class Forged:
        def __reduce__(self) -> Any:
            return pa.lib._restore_array, ((kind, size, nulls, offset, [valid, outside, letters], *rest),)

    data = PickleSerializer().dumps(Forged())
    with settings.temporary_settings(results_allowed_classes="pyarrow.*"), pytest.raises(ResultCorrupt, match="Arrow"):
        PickleSerializer().loads(data)
