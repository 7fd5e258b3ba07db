"""How much of each kind there is in the source, and what becomes of it."""

from dataclasses import dataclass


@dataclass
class Tally:
    """Of one kind: what the source has, and what the target has of that."""

    of: str
    source: int = 0
    known: int = 0  # were in the target already, as they are in the source
    new: int = 0
    updated: int = 0  # were in the target, and are further now
    kept: int = 0  # cannot be taken over, and are in the file
    found: int = 0  # are in the target now

    @property
    def is_whole(self) -> bool:
        """Whether all that the source has is in the target, or in the file."""
        return self.found + self.kept >= self.source


class Tallies(dict[str, Tally]):
    """Tallies by what they are of, in the order in which they were first asked for."""

    def __missing__(self, of: str) -> Tally:
        tally = self[of] = Tally(of)
        return tally
