"""What an explanation says."""

from dataclasses import dataclass
from typing import Literal, get_args

from perdure._platform.clock import Micros, to_datetime
from perdure._platform.named import NamedTuple

NotRun = Literal["cached", "waited", "reused", "not ready", "not begun", "cancelled", "stopped"]
Cached = Literal[
    "new", "changed", "expired", "removed", "lost", "forgotten", "concurrent", "failed before", "refreshed"
]
Uncached = Literal["no key", "no cache", "not persisted", "not committed", "new step", "called"]
Reason = NotRun | Cached | Uncached  # it did not call its function; it did, with a cache; it did, without one
Part = Literal["cache key", "identity", "arguments"]  # the last: of a failed run that has neither of the others
_SHORT = 12  # characters of a digest
_SHOWN = 20  # runs whose results went into it


class Involved(NamedTuple):
    """A run that is related to another one."""

    id: str
    name: str
    state: str | None  # the name of its present state; None if it has none
    time: Micros | None  # when it came to that
    flow_run_id: str | None  # of the flow run that called it
    flow_run_name: str | None


class Component(NamedTuple):
    """A component of a run's key or identity, and the same component of the nearest earlier run."""

    of: Part
    name: str  # such as "argument x", "task", "source"
    digest: str | None  # what counts: a digest, or plain text where it is short; None if the run has no such part
    before: str | None  # of the nearest earlier run; None if that has no such part, or is not there
    shown: str | None = None  # the value, as far as it may be shown and is known
    shown_before: str | None = None

    @property
    def differs(self) -> bool:
        """Whether the two runs differ in it."""
        return self.digest != self.before

    @property
    def text(self) -> str:
        """The value, or the beginning of its digest."""
        return _text(self.shown, self.digest)

    @property
    def text_before(self) -> str:
        """The nearest earlier run's value, or the beginning of its digest."""
        if self.differs and self.shown is not None and self.shown == self.shown_before:
            return "another value"  # that looks the same as far as it may be shown
        return _text(self.shown_before, self.before)


def _text(shown: str | None, digest: str | None) -> str:
    if shown is not None:
        return shown
    if digest is None:
        return "-"
    return digest[:_SHORT] if is_digest(digest) else digest


def is_digest(text: str) -> bool:
    """Whether a component's text is a digest, and not its value."""
    return len(text) == 32 and not set(text) - set("0123456789abcdef")


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a run called its function, or why it did not."""

    run: Involved
    kind: Literal["flow run", "task run"]
    ran: bool  # whether it called its function
    reason: Reason
    verdict: str  # the same in a sentence or two
    advice: str | None = None  # what would change it
    used: Involved | None = None  # the run that made the result which it took
    nearest: Involved | None = None  # the earlier run that it is compared with: it has the most components in common
    components: tuple[Component, ...] = ()
    changes: tuple[str, ...] = ()  # which parts of the source differ from the nearest earlier run's
    sources: tuple[tuple[str, Involved], ...] = ()  # which runs' results went into it, each with its parameter
    cache_key: str | None = None
    expires: Micros | None = None  # when its own result is used no longer by others
    unknown: tuple[str, ...] = ()  # what is not known, or was not looked at

    def __str__(self) -> str:
        lines = [f"{self.kind.capitalize()} {self.run.name} ({self.run.id}) is {self.run.state or 'not begun'}."]
        lines += [self.verdict, *([self.advice] if self.advice else ())]
        for part in get_args(Part):
            rows = [each for each in self.components if each.of == part]
            if rows:
                beside = f", beside {self.nearest.name} ({self.nearest.id})" if self.nearest is not None else ""
                lines += ["", f"{part.capitalize()}{beside}:", *_rows(rows, self.nearest is not None)]
        if self.changes:
            lines += ["", "What changed in the source:", *(f"  {each}" for each in self.changes)]
        if self.sources:
            lines += ["", "Made from:", *(f"  {name}: {run.name} ({run.id})" for name, run in self.sources[:_SHOWN])]
            lines += [f"  and {len(self.sources) - _SHOWN:,} more"] * (len(self.sources) > _SHOWN)
        if self.expires is not None:
            lines += ["", f"Its result expires at {time_text(self.expires)}."]
        return "\n".join([*lines, *([""] if self.unknown else ()), *self.unknown])


def _rows(components: list[Component], is_compared: bool) -> list[str]:
    wide = max(len(each.name) for each in components)
    widest = max(len(each.text) for each in components)
    rows = []
    for each in components:
        row = f"  {each.name:<{wide}}  {each.text:<{widest}}"
        if is_compared:
            row += f"  was {each.text_before}" if each.differs else "  same"
        rows.append(row.rstrip())
    return rows


def time_text(time: Micros) -> str:
    """A time for people, local, to the second."""
    return f"{to_datetime(time).astimezone():%Y-%m-%d %H:%M:%S}"
