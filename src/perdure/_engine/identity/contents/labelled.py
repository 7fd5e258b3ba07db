"""What counts of xarray's values and of scipy's sparse arrays."""

from typing import Any

from perdure._engine.identity.contents.content import Content, Describe, attributes, state_of
from perdure._engine.identity.names import name_of
from perdure._platform.finished_imports import imported


def describer_of(kind: type) -> Describe | None:
    """What describes the values of one of these libraries' types; None for other types."""
    for module, describers in (("xarray", _XARRAY), ("scipy.sparse", _SPARSE)):
        loaded = imported(module)
        for name, describe in describers.items() if loaded is not None else ():
            if hasattr(loaded, name) and issubclass(kind, getattr(loaded, name)):
                return describe
    return None


def _variable(value: Any) -> Content:
    parts = {"dims": value.dims, "attrs": value.attrs, "encoding": value.encoding, "values": _values(value)}
    return Content(f"variable {name_of(type(value))}", parts)


def _values(variable: Any) -> object:
    """What a variable holds: numbers, or another library's array that is only computed later."""
    held = variable._data
    return held if type(held).__module__.partition(".")[0] != "xarray" else variable.values


def _array(value: Any) -> Content:
    parts = {"name": value.name, "variable": value.variable, **_labels(value)}
    return Content(f"labelled array {name_of(type(value))}", parts)


def _dataset(value: Any) -> Content:
    variables = [(name, each.variable) for name, each in value.data_vars.items()]
    parts = {"attrs": value.attrs, "encoding": value.encoding, "variables": variables, **_labels(value)}
    return Content(f"dataset {name_of(type(value))}", parts)


def _labels(value: Any) -> dict[str, object]:
    """The coordinates, and which of them have an index of which kind."""
    indexes = [(name, name_of(type(index)), _index(index)) for name, index in value.xindexes.items()]
    return {"coordinates": [(name, each.variable) for name, each in value.coords.items()], "indexes": indexes}


def _index(index: Any) -> object:
    """What counts of an index: the labels, and of a class that is not xarray's own all that it holds."""
    if type(index).__module__.partition(".")[0] == "xarray":
        return getattr(index, "index", None)
    return attributes(state_of(index))


def _sparse(value: object) -> Content:
    """All but what is only remembered of the places: whether they are in order."""
    state = {name: item for name, item in state_of(value).items() if name.strip("_") not in _REMEMBERED}
    return Content(f"sparse array {name_of(type(value))}", {"attributes": attributes(state)})


_REMEMBERED = frozenset({"has_sorted_indices", "has_canonical_format"})
_XARRAY: dict[str, Describe] = {"DataArray": _array, "Dataset": _dataset, "Variable": _variable}
_SPARSE: dict[str, Describe] = {"sparray": _sparse, "spmatrix": _sparse}
