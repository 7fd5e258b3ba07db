import pytest

from tests.deployments.exactly_once import story_of


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_every_tick_becomes_one_run_whatever_happens_to_clocks_and_makers(seed):
    counted = story_of(1_500, seed)
    assert counted.ticks >= 1_500
    assert (counted.missing, counted.twice) == (0, 0)
