"""What is kept of tokens, and what they allow."""

from enum import StrEnum

from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple


class Scope(StrEnum):
    """What a token allows; each allows what those before it do."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Whether it is enough for what needs a scope."""
        ranks = list(Scope)
        return ranks.index(self) >= ranks.index(needed)


class Token(NamedTuple):
    """What is kept of a token, or of a session that was begun with one. Times are in microseconds."""

    id: str  # its public part, by which people know it again
    name: str
    scope: Scope
    digest: str  # SHA-256 of the whole, in hexadecimal
    parent_id: str | None  # of a session: the token that it lives and dies with
    created: Micros
    expires: Micros | None
    revoked: Micros | None
    used: Micros | None  # to the minute

    @property
    def shown(self) -> str:
        """What is shown of it."""
        return f"perdure_{self.id}"

    def is_live(self, now: Micros) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)
