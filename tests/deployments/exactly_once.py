"""Ticks under a clock of our own: two makers, deploys, restarts, clocks that are set, days when clocks are changed.

`python -m tests.deployments.exactly_once 100000` makes that many ticks, and counts what is missing and what is there
twice. Of each tick that was due while at least one maker looked within the catch-up window, there must be one run.
"""

import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from perdure._platform.clock import from_datetime, to_datetime
from perdure._platform.ids import new_id
from perdure._rooms.deployments.definition import Definition
from perdure._rooms.deployments.due_runs import make_due_runs, scheduled
from perdure._rooms.deployments.port import Deployment, DeploymentVersion, QueueFilter, WorkPool
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.schedules import Cron, Interval, Schedule

_START = datetime(2026, 3, 28, 20, tzinfo=UTC)  # hours before clocks are changed in Europe
_WINDOW = timedelta(days=30)


class Counted(NamedTuple):
    """What a story came to."""

    ticks: int
    missing: int
    twice: int


def schedules() -> list[Schedule]:
    """Schedules of all kinds, in zones that change their clocks during the story."""
    zones = ("Europe/Oslo", "Europe/London", "Asia/Beirut", "Australia/Lord_Howe", "UTC")
    every = {"catchup": "all", "catchup_window": _WINDOW}
    made = [Cron("*/2 * * * *", zone, slug=f"often-{number}", **every) for number, zone in enumerate(zones)]
    made += [Cron("30 * * * *", zone, slug=f"hourly-{number}", **every) for number, zone in enumerate(zones)]
    made += [Interval(60, slug="minutes", **every), Interval(90, slug="odd", jitter=timedelta(seconds=30), **every)]
    return made


class Story:
    """A database with a deployment, two processes that make ticks and are killed, and a clock that is moved and set."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._file = folder / "perdure.db"
        self._makers = [EmbeddedOrchestrator(self._file), EmbeddedOrchestrator(self._file)]
        self._now = from_datetime(_START)
        self._deploys = 0
        self._deployment = self._deploy()

    def _deploy(self) -> Deployment:
        """As a deploy does it, which may change the definition, and leaves the schedules as far seen as they are."""
        known = self._random.choice(self._makers).deployments
        definition = Definition(entry_point={"target": "a:b"}, description=str(self._deploys))
        self._deploys += 1
        text = definition.as_json()
        made = Deployment(
            new_id(), "f", "d", 1, "p", None, 100, None, "queue", None, text, self._now, self._now
        )  # fmt: skip
        known.put_pool(WorkPool("p", "process", None, None, "{}", self._now))
        kept = known.put(made, DeploymentVersion(made.id, 1, definition.digest, text, self._now, "x"))
        known.put_schedules([scheduled(each, kept, self._now) for each in schedules()], kept.id)
        return kept

    def _look(self, number: int, now: int) -> int:
        """Have one maker look, which may be killed when it has made runs and has not noted that; how many it made."""
        maker = self._makers[number]
        if self._random.random() < 0.9:
            return make_due_runs(now, maker).runs

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        maker.deployments.note_seen = killed  # type: ignore[method-assign]
        with contextlib.suppress(KeyboardInterrupt):
            make_due_runs(now, maker)
        maker.abandon()
        self._makers[number] = EmbeddedOrchestrator(self._file)
        return 0

    def run(self, count: int) -> Counted:
        """Move the clock until so many runs were made."""
        latest, made = self._now, 0
        while made < count:
            self._now += self._random.randint(1, 1_500) * 1_000_000
            if self._random.random() < 0.1:
                self._deploy()
            # Each maker has a clock of its own: some seconds beside, or set back by an hour for a time.
            for number in self._random.sample([0, 1], 2):
                skew = self._random.choice([0, 0, 0, -3, 2, -3_600]) * 1_000_000
                latest = max(latest, self._now + skew)
                made += self._look(number, self._now + skew)
        make_due_runs(latest, self._makers[0])
        return self._counted(latest)

    def _due(self, now: int) -> list[tuple[str, int]]:
        """What is due by now, from the schedules alone."""
        return [
            (each.slug, from_datetime(tick))
            for each in schedules()
            for tick in each.ticks(_START, to_datetime(now))
            if from_datetime(each.due_at(tick)) <= now
        ]

    def _counted(self, now: int) -> Counted:
        queued = self._makers[0].deployments.queued(QueueFilter())
        made = Counter((run.schedule, run.tick) for run in queued)
        due = self._due(now)
        twice = sum(number - 1 for number in made.values()) + len(set(made) - set(due))
        return Counted(len(due), sum(each not in made for each in due), twice)

    def close(self) -> None:
        """Close the database."""
        for maker in self._makers:
            maker.close()


def story_of(count: int, seed: int) -> Counted:
    """A story of so many ticks."""
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), seed)
        try:
            return story.run(count)
        finally:
            story.close()


if __name__ == "__main__":
    began = time.monotonic()
    counted = story_of(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, seed=int(time.time()))
    seconds = time.monotonic() - began
    print(f"{counted.ticks:,} ticks, {counted.missing} missing, {counted.twice} twice, {seconds:.0f} s")
    sys.exit(bool(counted.missing or counted.twice))
