"""What becomes of a name of another system: it moves, or a person decides."""

from collections.abc import Callable, Mapping

from perdure._platform.named import NamedTuple


class Decide(NamedTuple):
    """What a person has to decide, since no rewriting is right for everybody."""

    reason: str
    section: str  # of the docs, as `page.md#heading`


class Finding(NamedTuple):
    """A place that a person has to look at."""

    line: int
    what: str
    reason: str
    section: str


class Move(NamedTuple):
    """Where a name is in Perdure, and what changes where it is called."""

    to: str  # "perdure.states.Completed"
    # Of calls, by keyword: the new keyword; None where it is left out since nothing needs it; or what is to be decided
    # now that it is left out.
    arguments: Mapping[str, "str | Decide | None"] = {}
    added: tuple[tuple[str, str], ...] = ()  # keywords of calls, with their values as code
    note: Decide | None = None  # said where it is imported or used


class Source(NamedTuple):
    """A system that programs come from."""

    name: str
    packages: tuple[str, ...]  # whose imports are looked at
    find: Callable[[str], "Move | Decide | None"]  # by a name with its module; None leaves it as it is
    settings: Mapping[str, str] = {}  # names of environment variables
    beside: tuple[str, ...] = ()  # modules that come with it: their imports go, too, when nothing uses them any more
    bare: Mapping[str, str] = {}  # calls, by full name, that give here what an attribute of what they gave there has
    methods: Mapping[str, Decide] = {}  # called on something whose class cannot be known from the file alone

    def knows(self, module: str) -> bool:
        """Whether a module is of this system."""
        return module.partition(".")[0] in self.packages
