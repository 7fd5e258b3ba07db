"""Arrays: shape, dtype, the first values, and how they are distributed."""

import mmap
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perdure._previews.tables import ROWS, Head, shown_columns, table
from perdure._previews.tree import Tree
from perdure._previews.types import is_any, is_of, loaded, name_of

if TYPE_CHECKING:  # what a program uses, it has imported itself
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

_EXACT = 50_000  # elements: of a larger array, a sample is looked at
_SAMPLE = 8_000
_BINS = 20
_WIDE = 6  # values of a row, where there are rows
_LONG = 10  # rows, or values of the only row
_WIDEST = 4_096  # bytes of an element that is shown


def array(value: object, kind: type) -> dict[str, object] | None:
    """What may be shown of a numpy array or a torch tensor; None for all others."""
    if is_any(kind, "numpy", "ndarray"):
        base = loaded("numpy", "ndarray")
        plain = base.view(value, base)  # with none of a subclass's own code
        is_lazy = _lies_in_file(value)
        masked = is_any(kind, "numpy.ma", "MaskedArray")
        if plain.dtype.names and plain.ndim == 1 and not is_lazy and not masked:
            return _records(plain, kind)
        return _numpy(plain, kind, is_lazy or masked)
    if is_of(kind, "torch") and is_any(kind, "torch", "Tensor"):
        return _tensor(value, kind)
    return None


def _lies_in_file(array: object) -> bool:
    """Whether an array's memory is a mapped file, which reading would load."""
    for _ in range(10):
        if is_any(type(array), "numpy", "memmap") or type(array) is mmap.mmap:
            return True
        if type(array) is memoryview:
            array = array.obj
        elif is_any(type(array), "numpy", "ndarray"):
            array = loaded("numpy", "ndarray").base.__get__(array)
        else:
            return False
    return False


def _numpy(array: "Array", kind: type, is_lazy: bool) -> dict[str, object]:
    shown = {
        "kind": "array",
        "type": name_of(kind),
        "shape": list(array.shape),
        "dtype": str(array.dtype)[:100],
        "bytes": array.nbytes,
    }
    if is_lazy:
        return shown
    if not array.dtype.names and array.dtype.itemsize <= _WIDEST:
        shown["head"] = _rounded(Tree(1_500).of(_first(array).tolist()))
    if array.size and array.dtype.kind in "biuf":
        shown["stats"] = _stats(array)
    return shown


def _first(array: "Array") -> "Array":
    """The first values; of many dimensions, the corner of the first plane."""
    if array.ndim < 2:
        return array[:_LONG] if array.ndim else array
    return array[(0,) * (array.ndim - 2)][:_LONG, :_WIDE] if array.size else array.ravel()


def _rounded(value: object) -> object:
    if type(value) is list:
        return [_rounded(each) for each in value]
    return float(f"{value:.6g}") if type(value) is float else value


def _stats(array: "Array") -> dict[str, object]:
    """Least, greatest and mean value, how many are no number, and a histogram in equal steps.

    Of a large array they are those of every so many-th element: `sampled` says of how many.
    """
    numpy = sys.modules["numpy"]
    sample = array if array.size <= _EXACT else array[_steps(array.shape)]
    stats: dict[str, object] = {"sampled": sample.size} if sample.size < array.size else {}
    if array.dtype.kind == "f":
        sample = sample.ravel().astype("float64")
        stats["nan"] = int(numpy.isnan(sample).sum())
        sample = sample[numpy.isfinite(sample)]
    if not sample.size:
        return stats
    least, greatest = sample.min().item(), sample.max().item()
    with numpy.errstate(all="ignore"):
        tree = Tree()
        stats |= {"min": tree.of(least), "max": tree.of(greatest), "mean": tree.of(float(sample.mean(dtype="float64")))}
        if float(greatest) - float(least) not in (0.0, float("inf")) and array.dtype.kind != "b":
            shares = (sample.ravel().astype("float64") - least) * (_BINS / (float(greatest) - float(least)))
            bins = numpy.clip(shares, 0, _BINS - 1).astype("int64")
            stats["histogram"] = numpy.bincount(bins, minlength=_BINS).tolist()
    return stats


def _steps(shape: Sequence[int]) -> tuple[slice, ...]:
    """Slices that take about as many elements as a sample has, from everywhere."""
    room = float(_SAMPLE)
    steps = [1] * len(shape)
    order = sorted(range(len(shape)), key=shape.__getitem__)
    for left, axis in zip(range(len(shape), 0, -1), order, strict=True):
        kept = min(shape[axis], max(int(room ** (1 / left)), 1))
        steps[axis] = -(-shape[axis] // kept) | 1  # odd, as periods seldom are
        room /= kept
    return tuple(slice(None, None, step) for step in steps)


def _tensor(tensor: Any, kind: type) -> dict[str, object]:
    shape, device = list(tensor.shape), str(tensor.device)
    shown: dict[str, object] = {
        "kind": "array",
        "type": name_of(kind),
        "shape": shape,
        "dtype": str(tensor.dtype),
        "bytes": tensor.numel() * tensor.element_size(),
        "device": device,
    }
    if device != "cpu" or "numpy" not in sys.modules:  # a look at another device's memory would wait for it
        return shown
    try:
        return _numpy(tensor.detach().numpy(), kind, False) | shown
    except (TypeError, RuntimeError):  # it is sparse, or of a type that numpy lacks
        return shown


def _records(array: Any, kind: type) -> dict[str, object]:
    """A structured array as a table."""
    names = array.dtype.names
    shown = [names[at] for at in shown_columns(names)]
    columns = [Head(name, str(array.dtype[name]), array[name][:ROWS].tolist()) for name in shown]
    return table(name_of(kind), len(array), len(names), columns, array.nbytes)
