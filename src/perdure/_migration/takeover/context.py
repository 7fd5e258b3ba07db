"""What every part of a takeover works with."""

from collections.abc import Callable, Sequence

from perdure._migration.takeover.left_over import KeptRows
from perdure._migration.takeover.source import Source
from perdure._migration.takeover.tally import Tallies
from perdure._model.records import Record
from perdure._platform.named import NamedTuple
from perdure._store.protocol import Orchestrator

Progress = Callable[[str, int, int], None]  # of what, how many are done, and of how many


class Context(NamedTuple):
    """The source, the target, and what is noted on the way."""

    source: Source
    target: Orchestrator
    kept: KeptRows
    tallies: Tallies
    progress: Progress
    dry_run: bool
    notes: list[str]  # what a person has to know of it

    def commit(self, records: Sequence[Record]) -> None:
        """Keep records in the target, unless this is a dry run."""
        if records and not self.dry_run:
            self.target.commit(records)

    def count(self, table: str) -> int:
        """How many rows a table of the source has; 0 if there is no such table."""
        if table not in self.source.columns:
            return 0
        return int(self.source.select(f'SELECT count(*) FROM "{table}"')[0][0])
