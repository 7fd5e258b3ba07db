"""Some of what `make chaos` does: processes killed at random moments, and worse."""

import functools
import os
import random
from pathlib import Path

import pytest

from tests.chaos import owners
from tests.chaos import workers as killed
from tests.chaos.machines import CUTS, NEEDS_IPTABLES, NEEDS_ROOT, Cut
from tests.chaos.stories import OWNERS, STORIES, Played, name_of, played, undisturbed

POSTGRESQL = 1  # the first story of what is unattended that is on PostgreSQL
KILLS = int(os.environ.get("CHAOS_COUNT", "25"))


usual = functools.cache(undisturbed)


def story(kind: str, seed: int) -> Played:
    name = name_of(kind, seed)
    return played(kind, seed, {name: usual(name)})


def wrong(played: list[Played]) -> list[str]:
    return [f"{story.case}: {each}" for story in played for each in story.wrong]


@pytest.mark.slow
def test_flows_killed_at_random_moments_end_as_if_they_had_not_been() -> None:
    played: list[Played] = []
    while sum(story.kills for story in played) < KILLS:
        played.append(story("kills", len(played)))

    assert wrong(played) == []
    assert any(story.in_the_middle for story in played)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in STORIES if kind not in ("kills", "workers", *OWNERS)])
def test_flows_continue_after(kind: str) -> None:
    # Stories of servers take seconds: one on PostgreSQL, and one on SQLite; of all that is unattended, half a minute.
    seeds = {"server": (0, 5), "unattended": (POSTGRESQL,)}.get(kind, range(max(5, KILLS // 4)))
    assert wrong([story(kind, seed) for seed in seeds]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("on", "case"),
    [
        ("processes", "nested"),
        ("processes", "chained"),
        ("dask", "subflows"),
        ("dask", "chained"),
        pytest.param("ray", "subflows", marks=pytest.mark.cluster),
        pytest.param("ray", "large", marks=pytest.mark.cluster),
    ],
)
def test_what_killed_workers_had_completed_stays_and_what_they_ran_is_crashed_or_tried_again(
    home: Path, on: str, case: str
) -> None:
    assert killed.killed_workers(random.Random(case), on, case).wrong == []


root = pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)


@root
@pytest.mark.slow
@pytest.mark.parametrize(
    "story",
    [
        pytest.param(0, id="and the run is resumed on the other side"),
        pytest.param(1, id="and comes back before anybody resumes the run"),
    ],
)
@pytest.mark.parametrize(
    "cut",
    ["down", pytest.param("dropped", marks=pytest.mark.skipif("dropped" not in CUTS, reason=NEEDS_IPTABLES))],
)
def test_a_link_is_cut(tmp_path: Path, story: int, cut: Cut) -> None:
    assert owners.partition(tmp_path, random.Random(story), story, cut) == []


@root
@pytest.mark.slow
@pytest.mark.parametrize("story", [0, 1], ids=["the run lives", "its process was killed"])
def test_another_machine_whose_clock_differs_resumes_a_run_only_if(tmp_path: Path, story: int) -> None:
    assert owners.clocks(tmp_path, random.Random(story), story) == []


@root
@pytest.mark.slow
@pytest.mark.parametrize("story", [0, 2], ids=["is not resumed while it lives", "stops once it was taken over"])
def test_a_run_in_another_container(tmp_path: Path, story: int) -> None:
    assert owners.namespaces(tmp_path, random.Random(story), story) == []
