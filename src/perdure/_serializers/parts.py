"""Which columns and rows a part of a table or array has."""

import bisect
import itertools
from collections.abc import Sequence

from perdure._model.errors import ResultUnreadable
from perdure._platform.suggest import nearest

_SHOWN = 20  # names


def check_names(columns: Sequence[str], known: Sequence[str]) -> None:
    """Let columns pass of which there is one at least, each of them known.

    Raises:
        ResultUnreadable: there is none, or one is not known; names it, and the nearest.
    """
    if not columns:
        raise ResultUnreadable("columns is empty. Name at least one, or leave it out to have them all.")
    for each in columns:
        if each not in known:
            shown = ", ".join(map(repr, known[:_SHOWN])) + (
                f" and {len(known) - _SHOWN:,} more" * (len(known) > _SHOWN)
            )
            raise ResultUnreadable(f"There is no column {each!r}.{nearest(str(each), known)} There are: {shown}.")


def span(counts: Sequence[int], wanted: range) -> tuple[range, range]:
    """Of groups with so many rows each: those that the wanted rows lie in, and where they lie within these."""
    if not wanted:
        return range(0), wanted
    low, high = bounds(wanted)
    starts = list(itertools.accumulate(counts, initial=0))
    first, end = bisect.bisect_right(starts, low) - 1, bisect.bisect_left(starts, high)
    offset = starts[first]
    return range(first, end), range(wanted.start - offset, wanted.stop - offset, wanted.step)


def bounds(wanted: range) -> tuple[int, int]:
    """The first of some rows in the order of the table, and the one after their last."""
    return min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1]) + 1
