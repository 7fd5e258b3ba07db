"""Comparing numpy arrays, a slab at a time, so that little more than the arrays is in memory."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perdure._platform.finished_imports import imported
from perdure._results.comparison_changes import MAX_SAMPLES, Change, Found, Sample, short

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.generic]

_SLAB = 1 << 20  # elements that are compared at once
_MAX_REGIONS = 8


def is_array(value: object) -> bool:
    """Whether a value is a numpy array; numpy is not imported for it."""
    numpy = imported("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def compare_arrays(a: "Array", b: "Array", path: str, found: Found) -> None:
    """Two arrays by region."""
    if a.dtype != b.dtype:
        found.add(Change(f"{path}.dtype", "changed", str(a.dtype), str(b.dtype)))
    if a.shape != b.shape:
        found.add(Change(f"{path}.shape", "changed", str(a.shape), str(b.shape)))
        return
    change = _changed(a, b, path)
    if change is not None:
        found.add(change)


def _changed(a: "Array", b: "Array", path: str) -> Change | None:
    count, largest = 0, None
    boxes: list[list[tuple[int, int]]] = []
    samples: list[Sample] = []
    flat = a.ndim == 0
    if flat:
        a, b = a.reshape(1), b.reshape(1)
    for start, stop in _slabs(a):
        one, other = a[start:stop], b[start:stop]
        mask = differing(one, other)
        if not mask.any():
            continue
        count += int(mask.sum())
        largest = _larger(largest, largest_difference(one[mask], other[mask]))
        samples += _samples(one, other, mask, start, MAX_SAMPLES - len(samples))
        _add_boxes(boxes, mask, start)
    if not count:
        return None
    regions = () if flat else tuple(_box_text(box) for box in boxes[:_MAX_REGIONS])
    if len(boxes) > _MAX_REGIONS:
        regions = (*regions[:-1], f"and {len(boxes) - _MAX_REGIONS + 1:,} more, in all {_box_text(_around(boxes))}")
    return Change(path, "changed", count=count, total=a.size, largest=largest, regions=regions, samples=tuple(samples))


def _slabs(a: "Array") -> Iterator[tuple[int, int]]:
    rows = max(1, _SLAB // max(1, a.size // max(1, len(a))))
    for start in range(0, len(a), rows):
        yield start, min(start + rows, len(a))


def differing(a: "Array", b: "Array") -> "NDArray[numpy.bool_]":
    """Where two arrays of one shape differ; NaN equals NaN."""
    import numpy

    try:
        with numpy.errstate(all="ignore"):
            mask: NDArray[numpy.bool_] = numpy.asarray(a != b)
            if mask.dtype == bool and mask.shape == a.shape:
                differs: NDArray[numpy.bool_] = mask & ~((a != a) & (b != b))
                return differs
    except Exception:
        pass
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    return numpy.array([not _is_equal(one, other) for one, other in pairs], bool).reshape(a.shape)


def _is_equal(a: object, b: object) -> bool:
    try:
        return a is b or bool(a == b) or bool(a != a and b != b)
    except Exception:  # such as a comparison that gives an array, or pandas' NA
        return repr(a) == repr(b)


def largest_difference(a: "Array", b: "Array") -> float | None:
    """The largest absolute difference of two arrays of numbers that differ; None of others."""
    import numpy

    if not all(numpy.issubdtype(each.dtype, numpy.number) for each in (a, b)):
        return None
    with numpy.errstate(all="ignore"):
        wide = complex if any(numpy.iscomplexobj(each) for each in (a, b)) else numpy.longdouble
        distances = numpy.abs(a.astype(wide) - b.astype(wide))
    known = distances[~numpy.isnan(distances)]
    return float(known.max()) if known.size else None


def _larger(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _samples(a: "Array", b: "Array", mask: "NDArray[numpy.bool_]", start: int, limit: int) -> list[Sample]:
    import numpy

    found = []
    for flat in numpy.flatnonzero(mask)[:limit]:
        index = tuple(map(int, numpy.unravel_index(flat, mask.shape)))
        place = ", ".join(map(str, (index[0] + start, *index[1:])))
        found.append(Sample(f"[{place}]", value_text(a[index]), value_text(b[index])))
    return found


def value_text(value: object) -> str:
    """An element for people: `1.5`, not `np.float64(1.5)`."""
    item = getattr(value, "item", None)
    return short(item() if callable(item) and getattr(value, "shape", None) == () else value)


def _add_boxes(boxes: list[list[tuple[int, int]]], mask: "NDArray[numpy.bool_]", start: int) -> None:
    """One box for each run of rows that differ; a run that continues from the slab before continues in its box."""
    import numpy

    rows = numpy.flatnonzero(mask.any(axis=tuple(range(1, mask.ndim))) if mask.ndim > 1 else mask)
    for run in numpy.split(rows, numpy.flatnonzero(numpy.diff(rows) > 1) + 1):
        first, last = int(run[0]), int(run[-1]) + 1
        part = mask[first:last]
        box = [(first + start, last + start)]
        for axis in range(1, mask.ndim):
            hit = numpy.flatnonzero(part.any(axis=tuple(each for each in range(mask.ndim) if each != axis)))
            box.append((int(hit[0]), int(hit[-1]) + 1))
        if (boxes and boxes[-1][0][1] == box[0][0]) or len(boxes) >= 1_000:
            boxes[-1] = _around([boxes[-1], box])
        else:
            boxes.append(box)


def _around(boxes: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    return [(min(start for start, _ in spans), max(stop for _, stop in spans)) for spans in zip(*boxes, strict=True)]


def _box_text(box: list[tuple[int, int]]) -> str:
    return f"[{', '.join(f'{start}:{stop}' for start, stop in box)}]"
