"""Kinds of values of pydantic, attrs, msgspec, xarray, scikit-learn and scipy."""

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
import scipy.interpolate
import scipy.optimize
import scipy.spatial
import scipy.stats
import xarray as xr
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tests.core.identity_kinds import Part, booleans, kind, lists, numbers, one_of, shuffled, texts, words
from tests.core.identity_objects import looked_at

T = TypeVar("T")
word_lists = Part(words, 50)
names = Part(lambda number: f"n{number}", 99)


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
kind("secret of any type", lambda of: pydantic.Secret[Any](of), of=lists)
kind("model that holds an array", lambda a, y: Open(x=np.array([a, 1, 2]), y=y), a=numbers, y=texts)
kind("model that holds a frame", lambda a: Model(y=pd.DataFrame({"a": [a, 1]})), a=numbers)
kind("model of pydantic 1 that holds an array", lambda a: Old(y=np.array([a, 1, 2])), a=numbers)
kind("address", lambda name: pydantic.HttpUrl(f"https://{name}.org/"), name=Part(lambda n: f"n{n}", 99))
kind(
    "address of a database",
    lambda port: pydantic.PostgresDsn(f"postgres://u:p@h:{port}/d"),
    port=Part(lambda n: n + 1, 999),
)


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


@attrs.frozen(slots=False, cache_hash=True)
class AttrsHashed:
    x: Any


@attrs.define
class AttrsError(Exception):
    x: Any


def perhaps_hashed(value: Any) -> Any:
    if shuffled([True, False])[0]:
        hash(value)  # which it remembers
    return value


kind("attrs", Attrs, x=numbers, y=texts)
kind("attrs that remember their hash", lambda x: perhaps_hashed(AttrsHashed(x)), x=texts)
kind("exception of attrs", AttrsError, x=texts)
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


class Hashed(msgspec.Struct, frozen=True, cache_hash=True):
    x: Any


class Beside(msgspec.Struct, dict=True, kw_only=True, tag=True, rename="camel"):
    some_x: Any


kind("msgspec", lambda x, y: Struct(x, y), x=numbers, y=texts)
kind("msgspec that remembers its hash", lambda x: perhaps_hashed(Hashed(x)), x=texts)
kind("msgspec with an attribute beside", lambda x, y: _beside(Beside(some_x=x), y), x=numbers, y=texts)
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


class Periodic(xr.indexes.PandasIndex):
    """An index as the documentation of xarray shows how to write one, with something of its own."""

    period: Any = None

    @classmethod
    def from_variables(cls, variables: Any, *, options: Any) -> Any:
        new = super().from_variables(variables, options={})
        new.period = options["period"]
        return new


kind(
    "index of one's own",
    lambda at, period: (
        xr.Dataset(coords={"x": ("x", [1, at])}).drop_indexes("x").set_xindex("x", Periodic, period=period)
    ),
    at=numbers,
    period=numbers,
)
kind(
    "index that is a range",
    lambda by: xr.Dataset(coords=xr.Coordinates.from_xindex(xr.indexes.RangeIndex.arange(0, 1, 1 / by, dim="x"))),
    by=Part(lambda n: 2**n, 5),
)
kind(
    "coordinates of levels",
    lambda a: xr.Coordinates.from_pandas_multiindex(
        pd.MultiIndex.from_tuples([(a, 1), ("b", 2)], names=["p", "q"]), "x"
    ),
    a=texts,
)
kind(
    "tree of datasets", lambda a, name: xr.DataTree.from_dict({f"/{name}": xr.Dataset({"a": a})}), a=numbers, name=names
)


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


kind("texts counted", lambda text: TfidfVectorizer().fit(["some text", text]), text=Part(lambda n: f"more text{n}", 99))
for model in (
    RandomForestClassifier(2, random_state=0),
    HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=1, random_state=0),
    KNeighborsClassifier(2, algorithm="kd_tree"),
    SVC(),
    GaussianProcessClassifier(optimizer=None),
):
    kind(
        f"fitted {type(model).__name__}",
        lambda last, model=model: clone(model).fit(np.array([[0.0, 1], [1, 0], [2, 3], [4, last]]), [0, 1, 1, 0]),
        last=Part(lambda n: n + 5, 20),
    )

# scipy.
kind("distribution", lambda of, at: of(at), of=one_of(scipy.stats.norm, scipy.stats.uniform), at=numbers)
kind("which distribution", lambda of: of, of=one_of(scipy.stats.norm, scipy.stats.uniform, scipy.stats.beta))
kind("spline", lambda a: scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, a]), a=numbers)
kind("tree of places", lambda a: scipy.spatial.KDTree([[0, 1], [2, a]]), a=numbers)
kind("rotation", lambda a: scipy.spatial.transform.Rotation.from_euler("x", a / 1000), a=numbers)
kind("outcome of a search", lambda a: scipy.optimize.OptimizeResult(x=np.array([a]), success=True), a=numbers)


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
