"""Playing cases of a kind, one after the other."""

import random
from collections.abc import Iterator

from tests.fuzz.kinds import KINDS
from tests.fuzz.watching import Seen, watched


def played(kind: str, first: int, count: int) -> Iterator[tuple[int, Seen]]:
    """The cases of a kind with the seeds from `first` on, by their seeds; a seed gives the same case each time."""
    make, _ = KINDS[kind]
    make(random.Random(-1))  # what all have in common is made outside of any
    for seed in range(first, first + count):
        yield seed, watched(make(random.Random(f"{kind} {seed}")))
