"""Random parts of waits, so that many that wait do not come back at once."""

import os


def random_between(least: float, most: float) -> float:
    """A random number of a range.

    The system's and not the module `random`'s: a program that seeds that one has the numbers that it would have had
    without Perdure, and a process that was forked has others than its parent.
    """
    return least + (most - least) * int.from_bytes(os.urandom(7), "big") / 2**56
