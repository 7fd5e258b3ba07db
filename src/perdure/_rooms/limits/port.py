"""What an orchestrator does for those who may not all be at something at once, or not so often."""

from collections.abc import Sequence
from typing import Protocol

from perdure._model.ports import administers, reads
from perdure._platform.clock import Micros
from perdure._rooms.limits.records import Limit, Slot


class Limits(Protocol):
    """Limits, and who holds or waits for their slots. Any thread may use it."""

    @administers
    def put(self, limit: Limit) -> None:
        """Make a limit, or change one: those who hold slots keep them, and those who wait keep their places."""

    @reads
    def all(self) -> Sequence[Limit]:
        """All limits, sorted by name."""

    @administers
    def delete(self, name: str) -> bool:
        """Forget a limit, with all who hold or wait for its slots; whether there was one."""

    @reads
    def slots(self, name: str) -> Sequence[Slot]:
        """Who holds or waits for slots of a limit, in the order in which they came."""

    def take(self, slot: Slot, now: Micros) -> int | None:
        """Take the slots if they are free, and no one who came before waits; else wait in line, and ask again.

        How many slots are missing: 0 if they are taken now. None if there is no such limit. Once they are taken, asking
        again changes nothing.
        """

    def release(self, ids: Sequence[str]) -> None:
        """Release slots by their ids, or places in the line."""

    def draw(self, name: str, occupy: int, now: Micros, patience: float | None) -> float | None:
        """Draw slots of a limit that come back with time; how many seconds to wait before they may be used.

        Nothing is drawn if that is more than `patience` (None: whatever it is). None if there is no such limit.
        """


PORT = Limits
