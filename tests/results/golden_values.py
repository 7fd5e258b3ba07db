"""What the golden documents hold, and the settings with which each is read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

SIGNED = {"PERDURE_RESULTS_SIGNING_KEYS": "golden:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
ENCRYPTED = {"PERDURE_RESULTS_ENCRYPTION_KEYS": "golden:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="}

PLAIN = {"a": 1, "b": [1, 2.5, None, True], "text": "naïve ☃"}
RICH = {"when": datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "tags": {"x"}, "raw": b"\x00\xff"}
LONG = list(range(100))
ARRAY = np.arange(60, dtype="<f8").reshape(5, 12)
ARRAYS = {"first": ARRAY, "second": np.arange(40, dtype="<i4"), "name": "two arrays"}
TABLE = pa.table({"city": ["Oslo", "Lima", None], "degrees": [4.5, 19.0, None], "day": [1, 2, 3]})


class Golden(NamedTuple):
    """A document: its value, how it was written, and the settings it needs."""

    value: Any
    serializer: str
    settings: Mapping[str, str] = MappingProxyType({})
    beside: bool = False  # whether the bytes are in a payload beside it


beside = partial(Golden, beside=True)

DOCUMENTS = {
    "json": Golden(RICH, "json"),
    "pickle": Golden(PLAIN, "pickle"),
    "compressed-json": Golden(RICH, "compressed/json"),
    "compressed-pickle": Golden(PLAIN, "compressed/pickle"),
    "exception-json": Golden(ValueError("x"), "json"),
    "exception-pickle": Golden(ValueError("x", 2), "pickle"),
    "numpy": Golden(np.arange(3, dtype="<i2"), "numpy"),
    "arrow": Golden(TABLE, "arrow"),
    "parquet": Golden(TABLE, "parquet"),
    "signed-json": Golden(RICH, "json", SIGNED),
    "encrypted-json": Golden(RICH, "encrypted/json", ENCRYPTED),
    "encrypted-compressed-pickle": Golden(PLAIN, "encrypted/compressed/pickle", ENCRYPTED),
    "beside-json": beside(LONG, "json"),
    "beside-pickle": beside(LONG, "pickle"),
    "beside-pickle-arrays": beside(ARRAYS, "pickle"),
    "beside-compressed-json": beside(LONG, "compressed/json"),
    "beside-compressed-pickle": beside(LONG, "compressed/pickle"),
    "beside-numpy": beside(ARRAY, "numpy"),
    "beside-arrow": beside(TABLE, "arrow"),
    "beside-parquet": beside(TABLE, "parquet"),
    "beside-signed-pickle": beside(LONG, "pickle", SIGNED),
    "beside-encrypted-pickle": beside(LONG, "encrypted/pickle", ENCRYPTED),
    "beside-signed-encrypted-pickle": beside(ARRAYS, "encrypted/pickle", SIGNED | ENCRYPTED),
}


def same(value: Any, expected: Any) -> bool:
    """Whether a value is the one expected, types included."""
    if type(value) is not type(expected):
        return False
    if isinstance(expected, np.ndarray):
        return value.dtype == expected.dtype and np.array_equal(value, expected)
    if isinstance(expected, dict):
        return value.keys() == expected.keys() and all(same(value[key], expected[key]) for key in expected)
    if isinstance(expected, BaseException):
        return value.args == expected.args
    return bool(value == expected)
