"""What an orchestrator does for those who remove old results."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from perdure._platform.clock import Micros
from perdure._rooms.results.records import Doomed, Removable


class Pruning(Protocol):
    """One pruning: first `doom`, then `removable`. One thread at a time may use it."""

    def doom(self, retention: str | None, now: Micros, before: Micros, dry_run: bool = False) -> Sequence[Doomed]:
        """Mark what the limits release; returns all that is pending deletion, and what of it has been so since
        `before`.

        `retention` is the limits, as JSON, of results that have none of their own. What a live cache key, an
        unfinished or resumable run, or another result at the same place needs is neither marked nor returned.
        """

    def removable(self, before: Micros) -> Iterator[Sequence[Removable]]:
        """Pages of what is pending deletion since `before` or earlier, oldest first; each is checked once more."""

    def removed(self, results: Iterable[Removable], now: Micros) -> None:
        """Record that the results' documents are gone."""

    def postpone(self, results: Iterable[Removable], now: Micros) -> None:
        """Let the grace period of the results begin again."""

    def storages(self) -> Sequence[str]:
        """The ids of all storages that results were ever written to."""

    def unknown(self, storage_id: str, keys: Sequence[str]) -> set[str]:
        """Those of the keys in a storage that no result leads to; at most a few thousand keys at once."""

    def close(self) -> None:
        """Close it."""
