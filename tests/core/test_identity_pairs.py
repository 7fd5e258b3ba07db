"""No two values that differ share a digest, and none has two: pairs of values of all kinds."""

import random
import re

import pytest

from perdure._engine.identity.contents.reduction import reduced
from perdure._engine.identity.hashing import digest_of_values as digest
from tests.core.identity_kinds import Kind, kinds
from tests.core.identity_pairs import wrong_pairs

# How a value lies in memory, and the order of sets: their types' own reductions have that, too.
LAYOUT = r"\barray of|arrow |polars |sparse|dimensions|alignment|masked values|set\b|keywords of a partial"
# What their types' own reductions leave out.
LEFT_OUT = {
    "fold of a Timestamp",
    "cached function",
    "cause of an exception",
    "hardness of a mask",
    "no mask or an empty one",
    "object of a class that a function made",
    "object of a class with a closure",
    "path with an attribute",
}

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_a_value_has_one_digest_in_every_process_and_one_that_differs_in_a_part_another() -> None:
    assert len(list(kinds())) >= 400
    assert wrong_pairs(1_000) == []


def in_general(value: object) -> str | None:
    """The digest of a value by its own type's reduction; None if there is none."""
    try:
        return digest(reduced(value))
    except Exception:
        return None


def differs_in_meaning(kind: Kind) -> bool:
    """Whether the digests of a kind of values tell others apart than their own reductions do."""
    chance = random.Random(1)
    for _ in range(2):
        one = kind.draw(chance)
        drawn = [kind.make(one), kind.make(one), kind.make(kind.changed(one, chance))]
        general = [in_general(value) for value in drawn]
        if None in general:
            continue
        ours = [digest(value) for value in drawn]
        if [each == ours[0] for each in ours] != [each == general[0] for each in general]:
            return True
    return False


def test_the_shorter_ways_make_the_distinctions_that_reductions_make() -> None:
    apart = {kind.name for kind in kinds() if not re.search(LAYOUT, kind.name) and differs_in_meaning(kind)}

    assert apart <= LEFT_OUT
