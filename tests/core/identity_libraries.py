"""Kinds of values of pydantic, attrs, msgspec, xarray and scikit-learn."""

import dataclasses
import functools
from typing import Any, Generic, TypeVar

import attrs
import msgspec
import numpy as np
import pandas as pd
import pydantic
import pydantic.dataclasses
import pydantic.v1
import xarray as xr
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from tests.core.identity_kinds import Part, booleans, kind, lists, numbers, one_of, shuffled, texts, words
from tests.core.identity_objects import looked_at

T = TypeVar("T")
word_lists = Part(words, 50)


class Model(pydantic.BaseModel):
    x: int = 1
    y: Any = None

    @functools.cached_property
    def area(self) -> int:
        return self.x * self.x


class Copy(Model):
    pass


class Open(pydantic.BaseModel, extra="allow"):
    x: Any = 1


class Closed(pydantic.BaseModel, extra="allow"):
    x: Any = 1
    y: Any = 2


class Private(pydantic.BaseModel):
    x: int = 1
    _rows: Any = pydantic.PrivateAttr(default_factory=list)

    def filled(self, rows: Any) -> "Private":
        self._rows = rows
        return self


class Box(pydantic.BaseModel, Generic[T]):
    item: T


class Frozen(pydantic.BaseModel, frozen=True):
    x: Any


class Numbers(pydantic.RootModel[list[int]]):
    pass


@pydantic.dataclasses.dataclass
class Checked:
    x: int
    y: Any = None


class Old(pydantic.v1.BaseModel):
    x: int = 1
    y: Any = None
    _rows: Any = pydantic.v1.PrivateAttr(default=0)

    def filled(self, rows: Any) -> "Old":
        self._rows = rows
        return self


class OldOpen(pydantic.v1.BaseModel, extra="allow"):
    x: int = 1


kind("model", lambda x, y: looked_at(Model(x=x, y=y), "area"), x=numbers, y=texts)
kind("which model", lambda of: of(x=1), of=one_of(Model, Copy, Open, Private, Frozen, Old))
kind("fields that were set", lambda given: Model(**given), given=one_of({}, {"x": 1}, {"y": None}, {"x": 1, "y": None}))
kind("model that is open", lambda x, of, name: Open(x=x, **{f"n{name}": of}), x=numbers, of=texts, name=texts)
kind(
    "whose extra it is",
    lambda of: of(),
    of=one_of(lambda: Open(x=Closed(x=1, y=2, z=3)), lambda: Open(x=Closed(x=1, y=2), z=3)),
)
kind("private attributes", lambda x, rows: Private(x=x).filled(rows), x=numbers, rows=lists)
kind("nested models", lambda x, of: Open(x=[Model(x=x), {"a": of(x=1)}]), x=numbers, of=one_of(Model, Copy))
kind("generic model", lambda of, item: of(item=item), of=one_of(Box[int], Box, Box[Any]), item=numbers)
kind("frozen model", lambda x: Frozen(x=x), x=lists)
kind("model that holds a set", lambda names: Frozen(x={"a": set(shuffled(names))}), names=word_lists)
kind("model of a list", lambda of: Numbers(of), of=lists)
kind("model made without checks", lambda given: Model.model_construct(**given), given=one_of({}, {"x": "1"}, {"y": 1}))
kind("dataclass of pydantic", Checked, x=numbers, y=texts)
kind("model of pydantic 1", lambda x, y: Old(x=x, y=y), x=numbers, y=texts)
kind("private attributes of pydantic 1", lambda x, rows: Old(x=x).filled(rows), x=numbers, rows=lists)
kind("fields that were set, of pydantic 1", lambda given: Old(**given), given=one_of({}, {"x": 1}, {"y": None}))
kind("extras of pydantic 1", lambda x, of: OldOpen(x=x, z=of), x=numbers, of=texts)
kind("secret", lambda of, text: of(text), of=one_of(pydantic.SecretStr, str), text=texts)


@attrs.define
class Attrs:
    x: Any
    y: Any = None


@attrs.frozen
class AttrsFrozen:
    x: Any
    y: Any = attrs.field(factory=set)


@attrs.define(slots=False)
class AttrsLoose:
    x: Any

    @functools.cached_property
    def area(self) -> int:
        return 1


@attrs.define
class AttrsCached:
    x: Any

    @functools.cached_property
    def area(self) -> int:
        return 1


kind("attrs", Attrs, x=numbers, y=texts)
kind("frozen attrs", lambda x, names: AttrsFrozen(x, set(shuffled(names))), x=numbers, names=word_lists)
kind("attrs without slots", lambda x, y: _beside(looked_at(AttrsLoose(x), "area"), y), x=numbers, y=texts)
kind("attrs with a cached property", lambda x: looked_at(AttrsCached(x), "area"), x=numbers)
kind("which class of attrs", lambda of: of(1), of=one_of(Attrs, AttrsFrozen, AttrsLoose))


def _beside(value: Any, y: Any) -> Any:
    value.y = y
    return value


class Struct(msgspec.Struct):
    x: Any
    y: Any = None


class Tight(msgspec.Struct, frozen=True, array_like=True):
    x: Any


kind("msgspec", lambda x, y: Struct(x, y), x=numbers, y=texts)
kind("frozen msgspec", lambda x: Tight(x), x=lists)
kind("msgspec that holds a set", lambda names: Struct(set(shuffled(names))), names=word_lists)
kind("which class of msgspec", lambda of: of(1), of=one_of(Struct, Tight, Attrs))


def array(value: int, **options: Any) -> Any:
    given = {"dims": ("x", "y"), "coords": {"x": [1, 2]}, "name": "n", "attrs": {}, **options}
    found = xr.DataArray([[1, 2], [3, value]], **given)
    if shuffled([True, False])[0]:
        found.coords["x"].to_index()  # which it remembers
    return found


kind("labelled array", lambda value, name: array(value, name=name), value=numbers, name=texts)
kind(
    "dimensions of a labelled array",
    lambda dims: array(1, dims=dims, coords={}),
    dims=one_of(("x", "y"), ("y", "x"), ("x", "z")),
)
kind("coordinates", lambda at, of: array(1, coords={of: ("x", [1, at])}), at=numbers, of=one_of("x", "z", "w"))
kind("attrs of a labelled array", lambda unit: array(1, attrs={"unit": unit}), unit=texts)
kind("attrs of a coordinate", lambda unit: array(1, coords={"x": ("x", [1, 2], {"unit": unit})}), unit=texts)
kind(
    "times as coordinates",
    lambda at: array(1, coords={"x": pd.date_range(f"2024-01-{at + 1:02}", periods=2)}),
    at=Part(int, 28),
)
kind("dataset", lambda a, b, name: xr.Dataset({name: ("x", [1, a]), "b": b}), a=numbers, b=numbers, name=texts)
kind("attrs of a dataset", lambda unit: xr.Dataset({"a": 1}, attrs={"unit": unit}), unit=texts)
kind("coordinate or variable", lambda of: xr.Dataset(**{of: {"a": ("x", [1, 2])}}), of=one_of("data_vars", "coords"))
kind("variable", lambda a, unit: xr.Variable("x", [1, a], {"unit": unit}), a=numbers, unit=texts)
kind("encoding", lambda of: _encoded(xr.Variable("x", [1]), of), of=one_of("i4", "i8", "f4"))
kind("labelled array of objects", lambda a: xr.DataArray(np.array([a, None], dtype=object)), a=lists)


def _encoded(variable: Any, of: str) -> Any:
    variable.encoding["dtype"] = of
    return variable


rows = np.array([[0.0, 1], [1, 0], [2, 3], [4, 1]])


def fitted(model: Any, last: int) -> Any:
    return model.fit(rows, [0, 1, 1, last])


kind(
    "model of scikit-learn",
    lambda fit, last: fitted(LinearRegression(fit_intercept=fit), last),
    fit=booleans,
    last=Part(int, 99),
)
kind(
    "tree",
    lambda depth, last: fitted(DecisionTreeClassifier(max_depth=depth, random_state=0), last),
    depth=Part(lambda n: n + 1, 9),
    last=Part(lambda n: n % 3 + 2, 3),
)
kind(
    "pipeline",
    lambda last, mean: fitted(make_pipeline(StandardScaler(with_mean=mean), LinearRegression()), last),
    last=Part(int, 99),
    mean=booleans,
)
kind(
    "clusters", lambda count, seed: KMeans(count, random_state=seed), count=Part(lambda n: n + 1, 9), seed=Part(int, 99)
)


@dataclasses.dataclass
class Everything:
    frame: Any
    array: Any
    model: Any


kind(
    "all together",
    lambda a, b, c: Everything(pd.DataFrame({"a": [a]}), np.array([b]), Model(x=c)),
    a=texts,
    b=numbers,
    c=numbers,
)
