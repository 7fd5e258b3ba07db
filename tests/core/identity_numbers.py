"""Kinds of numpy's values, and of scipy's sparse arrays."""

from typing import Any

import numpy as np
import scipy.sparse

from tests.core.identity_kinds import Part, booleans, kind, lists, numbers, one_of, texts

TYPES = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", "c8", "c16", "G", "S9", "U9")
TIMES = ("M8[s]", "M8[ns]", "M8[D]", "m8[us]", "m8[h]")
small = Part(lambda number: number + 2, 120)
shapes = one_of((6,), (2, 3), (3, 2), (1, 6), (6, 1, 1))
orders = Part(lambda number: "CF"[number], 2)


def strided(array: Any, number: int = 0) -> Any:
    """An equal array that lies otherwise in memory each time."""
    strided.turn = (strided.turn + 1) % 3  # type: ignore[attr-defined]
    if strided.turn == 0 or array.ndim == 0:  # type: ignore[attr-defined]
        return array
    if strided.turn == 1:  # type: ignore[attr-defined]
        return np.asfortranarray(array)
    wide = np.zeros((*array.shape[:-1], array.shape[-1] * 2), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


strided.turn = 0  # type: ignore[attr-defined]


def sixth(code: str, value: int, shape: tuple[int, ...]) -> Any:
    made = (
        np.array([0, 1, 0, 1, 1, value]).astype("i8").astype(code)
        if code != "?"
        else np.array([0, 1, 0, 1, 1, value > 60], "?")
    )
    return strided(made.reshape(shape))


for code in TYPES:
    values = Part(lambda number: number * 119, 2) if code == "?" else small
    kind(
        f"array of {np.dtype(code)}",
        lambda value, shape, code=code: sixth(code, value, shape),
        value=values,
        shape=shapes,
    )
for code in TIMES:
    kind(f"array of {code}", lambda value, shape, code=code: sixth(code, value, shape), value=small, shape=shapes)
for code in ("i8", "f4", "c16", "?", "U9", "M8[s]", "g"):
    values = Part(int, 2) if code == "?" else small
    kind(f"numpy scalar {code}", lambda value, code=code: np.array([value]).astype("i8").astype(code)[0], value=values)
kind("type of an array", lambda code: np.zeros(2, code), code=one_of(*TYPES, *TIMES, ">i4", ">f8", "V8"))
kind(
    "type of numpy",
    np.dtype,
    dtype=one_of(*TYPES, *TIMES, ">i4", "O", [("a", "i4")], [("b", "i4")], ("i4", (2,))),
)
kind("empty array", lambda shape: np.zeros(shape), shape=one_of((0,), (0, 2), (2, 0), ()))
kind("array of no dimension", lambda value: np.array(value), value=numbers)
kind("sign of zero", lambda value: np.array([value]), value=one_of(0.0, -0.0, 1.0))
kind("object array", lambda a, b: np.array([a, b, None], dtype=object), a=numbers, b=texts)
kind(
    "kinds in an object array",
    lambda a: np.array([a, 1], dtype=object),
    a=one_of(1, 1.0, "1", b"1", True, None, float("nan"), 2**70),
)
kind("object array of lists", lambda a: np.array([a, {1}, None], dtype=object), a=lists)
kind(
    "names of fields",
    lambda names: np.array([(1, 2)], dtype=[(name, "i4") for name in names]),
    names=one_of("ab", "ba", "ac"),
)
kind(
    "types of fields", lambda code: np.array([(1, 2)], dtype=[("a", code), ("b", "i4")]), code=one_of("i4", "u4", "f4")
)
kind("values of fields", lambda a, b: np.array([(a, b)], dtype=[("a", "i4"), ("b", "O")]), a=numbers, b=texts)
kind(
    "alignment of fields",
    lambda align, a: np.array([(1, a)], dtype=np.dtype([("a", "i1"), ("b", "i4")], align=align)),
    align=booleans,
    a=numbers,
)
kind(
    "titles of fields", lambda title: np.zeros(2, dtype=[((title, "a"), "i4")]), title=Part(lambda n: f"title {n}", 99)
)
kind(
    "fields in fields",
    lambda name, a: np.array([((a,),)], dtype=[("a", [(name, "i4", (1,))])]),
    name=Part(lambda n: f"n{n}", 9),
    a=numbers,
)
kind("metadata of a type", lambda unit: np.zeros(2, np.dtype("f8", metadata={"unit": unit})), unit=texts)
kind("record array", lambda a: np.rec.array([(a, "x")], dtype=[("a", "i4"), ("b", "U1")]), a=numbers)
kind("record or array", lambda of: np.zeros(2, [("a", "i4")]).view(of), of=one_of(np.ndarray, np.recarray))
kind("void", lambda a: np.void(b"%04d" % a), a=Part(int, 999))
kind("matrix", lambda a: np.matrix([[a, 2]]), a=numbers)
kind("matrix or array", lambda of: np.array([[1, 2]]).view(of), of=one_of(np.ndarray, np.matrix))
kind(
    "masked array",
    lambda a, mask: np.ma.array([a, 2, 3], mask=mask),
    a=numbers,
    mask=one_of([0, 1, 0], [1, 0, 0], [0, 0, 0]),
)
kind(
    "hidden by a mask", lambda a, fill: np.ma.array([a, 2], mask=[1, 0], fill_value=fill), a=numbers, fill=Part(int, 99)
)
kind(
    "hardness of a mask",
    lambda hard, of: np.ma.array([1, 2], mask=of, hard_mask=hard),
    hard=booleans,
    of=one_of([0, 1], [0, 0]),
)
kind(
    "masked array of two dimensions",
    lambda a: np.ma.array(strided(np.array([[a, 2], [3, 4]])), mask=[[0, 1], [0, 0]]),
    a=numbers,
)
kind("no mask or an empty one", lambda mask: np.ma.array([1, 2], mask=mask), mask=one_of(np.ma.nomask, [0, 0]))
kind(
    "array of texts of any length",
    lambda a, of: np.array([a, "x" * 50], dtype=of),
    a=texts,
    of=one_of(np.dtypes.StringDType(), np.dtypes.StringDType(coerce=False)),
)
kind(
    "missing texts", lambda na: np.array(["a", na], dtype=np.dtypes.StringDType(na_object=na)), na=one_of(None, np.nan)
)


class Quantity(np.ndarray):
    def __new__(cls, values: Any, unit: Any) -> "Quantity":
        new = np.asarray(values).view(cls)
        new.unit = unit
        return new

    def __array_finalize__(self, of: Any) -> None:
        self.unit = getattr(of, "unit", None)


class Slotted(np.ndarray):
    __slots__ = ("unit",)


class Declared(Quantity):
    def __reduce__(self) -> Any:
        return Declared, (np.asarray(self).tolist(), self.unit)


def slotted(value: int, unit: str) -> Any:
    new = np.array([value]).view(Slotted)
    new.unit = unit
    return new


kind("array with a unit", lambda a, unit: Quantity([a, 1.5], unit), a=numbers, unit=texts)
kind("array with a unit in a slot", slotted, value=numbers, unit=texts)
kind("array that reduces itself", lambda a, unit: Declared([a, 1.5], unit), a=numbers, unit=texts)
kind("which class of array", lambda of: np.zeros(2).view(of), of=one_of(np.ndarray, Quantity, Slotted, Declared))
kind("ufunc", lambda of: of, of=one_of(np.add, np.sin, np.maximum))
kind("function of numpy", lambda of: of, of=one_of(np.mean, np.median, np.concatenate, np.linalg.norm))
kind("generator of random numbers", np.random.default_rng, seed=Part(int, 999))
kind("how far a generator is", lambda taken: _taken(np.random.default_rng(1), taken), taken=Part(int, 99))
kind("RandomState", np.random.RandomState, seed=Part(int, 999))
kind("function of numpy's random", lambda of: of, of=one_of(np.random.normal, np.random.uniform, np.random.choice))
kind(
    "generator of some kind",
    lambda of, seed: np.random.Generator(of(seed)),
    of=one_of(np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64),
    seed=Part(int, 999),
)
kind("vectorized function", lambda n: np.vectorize(lambda x: x + n), n=numbers)
kind(
    "polynomial",
    lambda of, a: of([1, a]),
    of=one_of(np.polynomial.Polynomial, np.polynomial.Chebyshev),
    a=numbers,
)
kind("array of characters", lambda of, a: np.array([a]).view(of), of=one_of(np.char.chararray, np.ndarray), a=texts)
kind("poly1d", lambda a: np.poly1d([1, a]), a=numbers)
kind("dict of arrays", lambda a, b: {"x": np.arange(a), "y": np.full(3, b)}, a=small, b=numbers)


def _taken(generator: Any, count: int) -> Any:
    for _ in range(count):
        generator.random()
    return generator


def sparse(of: Any, value: int, place: int) -> Any:
    dense = np.zeros((4, 5))
    dense[1, 2], dense[place // 5, place % 5] = 7, value
    made = of(dense)
    if strided.turn == 0:  # type: ignore[attr-defined]
        getattr(made, "has_sorted_indices", None)  # which it remembers
    strided(np.zeros(1))
    return made


for name in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil"):
    for form in ("array", "matrix"):
        of = getattr(scipy.sparse, f"{name}_{form}")
        kind(
            f"sparse {of.__name__}",
            lambda value, place, of=of: sparse(of, value, place),
            value=Part(lambda n: n + 1, 99),
            place=Part(int, 6),
        )
kind(
    "form of a sparse array",
    lambda of: of((2, 2)),
    of=one_of(scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.csr_matrix, scipy.sparse.coo_array),
)
kind("shape of a sparse array", lambda of: scipy.sparse.csr_array(of), of=one_of((2, 2), (2, 3), (3, 2)))
