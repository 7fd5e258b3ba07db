"""Room on the stack: what is begun must be able to end, however deep the user's code recurses in between."""

import sys

FRAMES = 150  # that are left where a run begins: what ends it, reports it and logs it takes fewer
# Up to Python 3.11, the limit counts calls of objects written in C, too, which have no frames: one in six, at most.
_COUNTED = 1.0 if sys.version_info >= (3, 12) else 5 / 6


_depths: dict[int, int] = {}  # by the recursion limit: how deep the stack may be where a run begins


def _depth(limit: int) -> int:
    depth = _depths[limit] = max(1, int((limit - FRAMES) * _COUNTED))
    return depth


def check_room() -> None:
    """Check that enough of Python's recursion limit is left to begin a run here, and to end it whatever happens.

    Raises:
        RecursionError: it is not.
    """
    limit = sys.getrecursionlimit()
    try:
        sys._getframe(_depths.get(limit) or _depth(limit))
    except ValueError:  # the stack is not that deep
        return
    raise RecursionError(
        f"Runs are nested too deep to begin another one here: fewer than {FRAMES} frames are left of Python's"
        f" recursion limit of {sys.getrecursionlimit()}. Let tasks submit others without waiting for them, or raise the"
        " limit with sys.setrecursionlimit."
    )
