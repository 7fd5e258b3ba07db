"""`python -m tests.chaos [KIND…]`: CHAOS_COUNT kills of flows, as many of workers, and of what deployments run with; a
tenth as many other stories of each kind, fewer of owners. CHAOS_SEED is the first story's number; CHAOS_RUNNER has the
workers be those of one task runner: processes, dask or, where it is installed, ray.
"""

import itertools
import os
import sys
import time

from tests.chaos.machines import NEEDS_ROOT
from tests.chaos.stories import NAMES, OWNERS, STORIES, WITHOUT_CASES, Played, played, undisturbed

_MOST_OF_OWNERS = 50  # such stories take seconds
_OFTEN = 500  # stories, after which it is said how far one has come


def main(kinds: list[str]) -> int:
    """Play the stories of the kinds; 1 if a promise was broken."""
    if unknown := [kind for kind in kinds if kind not in STORIES]:
        print(f"There is no kind of story {unknown[0]!r}. There are: {', '.join(STORIES)}.", file=sys.stderr)
        return 2
    count = int(os.environ.get("CHAOS_COUNT", "1000"))
    first = int(os.environ.get("CHAOS_SEED", "0"))
    is_of_cases = not kinds or not WITHOUT_CASES.issuperset(kinds)
    usual = {name: undisturbed(name) for name in NAMES} if is_of_cases else {}
    broken = 0
    for kind in kinds or list(STORIES):
        if kind in OWNERS and os.geteuid() != 0:
            print(f"{kind}: left out, since {NEEDS_ROOT}")
            continue
        most = min(count, _MOST_OF_OWNERS) if kind in OWNERS else max(1, count // 10)
        began = time.monotonic()
        stories = kills = middle = 0
        for seed in itertools.count(first):
            if kills >= count if kind in ("kills", "workers", "unattended") else stories >= most:
                break
            story = played(kind, seed, usual)
            stories, kills, middle = stories + 1, kills + story.kills, middle + story.in_the_middle
            if stories % _OFTEN == 0:
                print(f"{kind}: {stories} stories, {kills} kills, {time.monotonic() - began:.0f} s", flush=True)
            broken += bool(story.wrong)
            _say(kind, seed, story)
        took = time.monotonic() - began
        print(f"{kind}: {stories} stories, {kills} kills, {middle} after executions, {took:.0f} s", flush=True)
    print(f"{broken} stories in which a promise was broken")
    return 1 if broken else 0


def _say(kind: str, seed: int, story: Played) -> None:
    for wrong in story.wrong:
        print(f"  {kind} {seed} {story.case}: {wrong}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
