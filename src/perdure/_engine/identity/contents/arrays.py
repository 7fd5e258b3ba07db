"""What counts of numpy's values: types with fields and metadata, shapes and contents; neither strides nor flags."""

from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from perdure._engine.identity.contents import generators
from perdure._engine.identity.contents.content import Content, Describe, Raw, attributes, named, objects, state_of
from perdure._engine.identity.names import name_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLAIN_KINDS = frozenset("biufcSUmM")
_HIDDEN = frozenset({"_mask", "_fill_value", "_hardmask", "_sharedmask", "_isfield", "_baseclass", "_basedict"})
_IS_PADDED = np.finfo(np.longdouble).nmant == 63  # numbers of 80 bits, and bytes of no meaning after them


def describer_of(kind: type) -> Describe | None:
    """What says of values of one of numpy's types, or of a type derived from one, what counts of them."""
    if issubclass(kind, np.ma.MaskedArray):
        return _masked
    if issubclass(kind, np.ndarray):
        return None if _reduces_itself(kind) else _array
    if issubclass(kind, np.generic):
        return _scalar
    return _dtype if issubclass(kind, np.dtype) else generators.describer_of(kind)


def is_plain(array: object) -> bool:
    """Whether an array is its type's code, its shape and its bytes, and nothing else."""
    return type(array) is np.ndarray and is_plain_type(array.dtype)


def is_plain_type(dtype: np.dtype[np.generic]) -> bool:
    """Whether a type of elements is named by its code alone."""
    return (
        dtype.kind in _PLAIN_KINDS
        and dtype.metadata is None
        and dtype.type.__module__ == "numpy"
        and not (_IS_PADDED and dtype.char in "gG")
    )


def bytes_of(array: Any) -> memoryview:
    """The elements of an array of a plain type, in the order of C."""
    contiguous = array if array.flags.c_contiguous else array.copy(order="C")
    return memoryview(contiguous.reshape(-1).view("u1").data)


def _reduces_itself(kind: type) -> bool:
    """Whether a class derived from numpy's arrays says itself what counts of them."""
    return any(isinstance(getattr(kind, name), FunctionType) for name in ("__reduce__", "__reduce_ex__"))


def _array(value: "NDArray[np.generic]") -> Content:
    kind = type(value)
    beside = {} if kind.__module__.partition(".")[0] == "numpy" else state_of(value)
    parts = {"type": _type(value.dtype), "shape": value.shape, **_elements(value.view(np.ndarray))}
    if beside:
        parts["attributes"] = attributes(beside)
    return Content(f"numpy array {name_of(kind)}", parts, keeps_former=False)


def _elements(array: Any) -> dict[str, object]:
    dtype = array.dtype
    if dtype.names is not None:  # one field after the other: between them, there may be bytes of no meaning
        return {f"[{name!r}]": array[name] for name in dtype.names}
    if dtype.hasobject:
        return {"objects": objects(array.ravel().tolist())}
    if _IS_PADDED and dtype.char in "gG":
        raw = np.frombuffer(array.tobytes(), "u1").reshape(-1, 16)[:, :10]
        return {"bytes": Raw((bytes_of(raw),))}
    return {"bytes": Raw((memoryview(array.tobytes()) if dtype.itemsize == 0 else bytes_of(array),))}


def _masked(value: Any) -> Content:
    parts = {
        "data": value.data,
        "has mask": value.mask is not np.ma.nomask,
        "mask": np.ma.getmaskarray(value),
        "fill value": np.asarray(value.fill_value),
        "is hard": bool(value.hardmask),
        "attributes": attributes({name: item for name, item in state_of(value).items() if name not in _HIDDEN}),
    }
    return Content(f"masked array {name_of(type(value))}", parts, keeps_former=False)


def _scalar(value: object) -> Content:
    beside = state_of(value) if type(value).__module__.partition(".")[0] != "numpy" else {}
    parts: dict[str, object] = {"value": np.asarray(value)}
    if beside:
        parts["attributes"] = attributes(beside)
    return Content(f"numpy scalar {name_of(type(value))}", parts)


def _dtype(value: object) -> Content:
    return Content("numpy type", {"type": _type(value)})


def _type(dtype: Any) -> object:
    metadata = dict(dtype.metadata) if dtype.metadata is not None else None
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return "subarray", _type(base), shape, metadata
    if dtype.names is not None:
        fields = [(name, _type(dtype.fields[name][0]), *dtype.fields[name][1:]) for name in dtype.names]
        return "fields", fields, dtype.itemsize, dtype.isalignedstruct, named(dtype.type), metadata
    if dtype.kind in _PLAIN_KINDS or dtype.kind in "VO":
        return dtype.str, named(dtype.type), metadata
    constructor, arguments, *state = dtype.__reduce__()
    return named(type(dtype)), named(constructor), arguments, state, metadata
