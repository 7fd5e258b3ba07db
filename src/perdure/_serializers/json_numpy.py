"""The scalars of numpy in JSON: as Python's numbers and texts, tagged with their type."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from perdure._model.errors import ResultUnreadable
from perdure._platform.finished_imports import imported

_NUMBERS = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "longlong", "ulonglong"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)
_TEXTS = ("str_", "bytes_")
_TIMES = ("datetime64", "timedelta64")
_NO_TIME = -(1 << 63)  # what numpy keeps of NaT


def numpy_types() -> frozenset[type]:
    """The types that are written; none before numpy is imported."""
    return frozenset() if imported("numpy") is None else _types()


@functools.cache
def _types() -> frozenset[type]:
    return frozenset(map(_type, (*_NUMBERS, *_TEXTS, *_TIMES)))


def _type(name: str) -> Any:
    import numpy

    return numpy.bool_ if name == "bool" else getattr(numpy, name)


def write_scalar(value: Any, encode: Callable[[Any], Any]) -> dict[str, object]:
    """The keys of a tag beside its class; `encode` writes a value of Python's own."""
    if type(value).__name__ not in _TIMES:
        return {"data": encode(value.item())}
    import numpy

    return {"data": int(value.astype("i8")), "unit": list(numpy.datetime_data(value.dtype))}


def _read(name: str, data: Any, tag: Mapping[str, Any]) -> Any:
    try:
        kind = _type(name)
    except ImportError:
        raise ResultUnreadable(f"The JSON holds a numpy.{name}, but numpy is not installed here.") from None
    if name in _TIMES:
        unit, count = tag["unit"]
        if type(data) is not int or type(count) is not int:  # another kind of number may have very many digits
            raise TypeError("whole numbers are expected")
        if unit == "generic":  # of no unit, which its own constructors do not make any more
            if name == "datetime64" and data != _NO_TIME:
                raise ValueError("a time has a unit")
            import numpy

            return numpy.int64(data).view(kind)
        return kind(data, (str(unit), count))
    if type(data) not in (bool, int, float, complex, str, bytes):
        raise TypeError("a number or text is expected")
    return kind(data)


NUMPY_READERS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    f"numpy.{name}": functools.partial(_read, name) for name in ("bool_", *_NUMBERS, *_TEXTS, *_TIMES)
}
