"""No two values that differ share a digest, and none has two: pairs of values of all kinds."""

import pytest

from tests.core.identity_kinds import kinds
from tests.core.identity_pairs import wrong_pairs


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_value_has_one_digest_in_every_process_and_one_that_differs_in_a_part_another() -> None:
    assert len(list(kinds())) >= 400
    assert wrong_pairs(1_500) == []
