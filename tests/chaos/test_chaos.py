"""Some of what `make chaos` does: processes killed at random moments, and worse."""

import functools
import os

import pytest

from tests.chaos.stories import STORIES, Told, name_of, told, undisturbed

KILLS = int(os.environ.get("CHAOS_COUNT", "25"))


usual = functools.cache(undisturbed)


def story(kind: str, seed: int) -> Told:
    name = name_of(kind, seed)
    return told(kind, seed, {name: usual(name)})


def wrong(played: list[Told]) -> list[str]:
    return [f"{story.case}: {each}" for story in played for each in story.wrong]


@pytest.mark.slow
def test_flows_killed_at_random_moments_end_as_if_they_had_not_been() -> None:
    played: list[Told] = []
    while sum(story.kills for story in played) < KILLS:
        played.append(story("kills", len(played)))

    assert wrong(played) == []
    assert any(story.in_the_middle for story in played)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in STORIES if kind != "kills"])
def test_flows_go_on_after(kind: str) -> None:
    # Stories of servers take seconds: one on PostgreSQL, and one on SQLite.
    seeds = (0, 5) if kind == "server" else range(max(5, KILLS // 4))
    assert wrong([story(kind, seed) for seed in seeds]) == []
