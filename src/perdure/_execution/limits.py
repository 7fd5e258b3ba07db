"""Limits: `with concurrency("db"):` round what few may do at once, `rate_limit("api")` before what may not be often."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from perdure._engine.coordination.waiting_for_slots import draw_slots, occupy_slots
from perdure._engine.drivers import adrive, drive
from perdure._engine.port import Runtime
from perdure._model.colour import caller_is_async
from perdure._model.errors import LimitError
from perdure._platform.lazy_import import LazyModule
from perdure._rooms.limits.records import Limit, Slot
from perdure._run.context import current_run
from perdure._run.effects import Blocking, Steps
from perdure._session import session as sessions

if TYPE_CHECKING:
    from perdure._execution import missing_limits
else:  # few programs ask for a limit that is not there; the others start faster
    missing_limits = LazyModule("perdure._execution.missing_limits")

__all__ = ["concurrency", "rate_limit"]


class concurrency:  # noqa: N801 - it is used as a function is
    """The code inside the `with` block runs while it holds slots of limits, which it waits for in line.

    The slots are released at the end of the block, and if the process dies. In coroutines, write `async with`. A limit
    that is not there limits nothing, and the run's log says so.

    Args:
        names: a limit, or several, or none: `perdure limit create NAME SLOTS` makes one.
        occupy: how many slots of each; all of them at once.
        timeout_seconds: how long to wait for each limit; None waits as long as it takes.
        strict: whether a limit that is not there is an error.
        create_if_missing: for programs written for Prefect: what it makes there limits nothing, so nothing is made.

    Raises:
        LimitError: one is a rate limit, or never has that many slots; or it is not there, and `strict` is True.
        LimitTimeout: the slots were not free in time.
    """

    def __init__(
        self,
        names: str | Sequence[str],
        occupy: int = 1,
        timeout_seconds: float | None = None,
        *,
        strict: bool = False,
        create_if_missing: bool | None = None,  # noqa: ARG002
    ) -> None:
        self._names = _checked("concurrency", names, occupy, timeout_seconds)
        self._strict = strict
        self._occupy = occupy
        self._timeout = timeout_seconds
        # One for each `with` block that is open, in whatever thread: those of one object are all alike.
        self._held: list[list[Slot]] = []

    def __enter__(self) -> None:
        if caller_is_async():
            raise LimitError(
                "`with concurrency(...)` would block the event loop. Write `async with concurrency(...)` in coroutines."
            )
        session = sessions.current()
        self._held.append(drive(self._enter(session), session))

    def __exit__(self, _: object, __: BaseException | None, ___: TracebackType | None) -> None:
        session = sessions.current()
        drive(_release_slots(self._held.pop(), session), session)

    async def __aenter__(self) -> None:
        session = sessions.current()
        self._held.append(await adrive(self._enter(session), session))

    async def __aexit__(self, _: object, __: BaseException | None, ___: TracebackType | None) -> None:
        session = sessions.current()
        await adrive(_release_slots(self._held.pop(), session), session)

    def _enter(self, runtime: Runtime) -> Steps[list[Slot]]:
        held: list[Slot] = []
        try:
            for name in self._names:
                slot = yield from self._slot(name, runtime)
                if slot is not None:
                    held.append(slot)
        except BaseException:
            yield from _release_slots(held, runtime)
            raise
        return held

    def _slot(self, name: str, runtime: Runtime) -> Steps[Slot | None]:
        """Slots of one limit; None if it is not there, and need not be."""
        limit = yield from _found(name, self._strict, runtime)
        if limit is None:
            return None
        _check_slots(limit, self._occupy)
        slot = yield from occupy_slots(name, self._occupy, current_run.get(), self._timeout, runtime)
        if slot is None:  # it was deleted meanwhile
            yield from _go_without(name, self._strict, runtime)
        return slot


def rate_limit(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    *,
    strict: bool = False,
    create_if_missing: bool | None = None,  # noqa: ARG001
) -> Any:
    """Wait until the rate limits allow `occupy` more; in coroutines, write `await rate_limit(...)`.

    A limit made by `perdure limit create api 10 --decay 2` allows ten at once, and two a second from then on. Whoever
    comes first goes first. A limit that is not there limits nothing, and the run's log says so; `strict` and
    `create_if_missing` are as `concurrency` has them.

    Raises:
        LimitError: one is not a rate limit, or never allows that many; or it is not there, and `strict` is True.
        LimitTimeout: it would take longer than `timeout_seconds`; nothing is taken then.
    """
    checked = _checked("rate_limit", names, occupy, timeout_seconds)
    session = sessions.current()
    steps = _draw_all(checked, occupy, timeout_seconds, strict, session)
    return adrive(steps, session) if caller_is_async() else drive(steps, session)


def _draw_all(
    names: Sequence[str], occupy: int, timeout_seconds: float | None, strict: bool, runtime: Runtime
) -> Steps[None]:
    for name in names:
        limit = yield from _found(name, strict, runtime)
        if limit is None:
            continue
        if limit.decay is None:
            raise LimitError(
                f"{name!r} limits how many are at it at once, not how often. Use `with concurrency({name!r}):`,"
                f" or give it a rate: `perdure limit update {name} --decay 2`."
            )
        if occupy > limit.slots:
            raise LimitError(f"occupy={occupy}, but {name!r} has {limit.slots} slots: ask for at most as many.")
        if not (yield from draw_slots(name, occupy, current_run.get(), timeout_seconds, runtime)):
            yield from _go_without(name, strict, runtime)


def _found(name: str, strict: bool, runtime: Runtime) -> Steps[Limit | None]:
    limit: Limit | None = yield Blocking(runtime.limiter.find, (name, strict))
    if limit is None:
        yield from _go_without(name, strict, runtime)
    return limit


def _go_without(name: str, strict: bool, runtime: Runtime) -> Steps[None]:
    """Say that a limit is not there."""
    if strict:
        raise runtime.limiter.missing(name)
    yield Blocking(missing_limits.report_missing, (name, tuple(runtime.limiter.known)))


def _release_slots(slots: list[Slot], runtime: Runtime) -> Steps[None]:
    if slots:
        yield Blocking(runtime.limiter.release, (slots,))


def _check_slots(limit: Limit, occupy: int) -> None:
    if limit.decay is not None:
        raise LimitError(f"{limit.name!r} limits how often, not how many at once. Call `rate_limit({limit.name!r})`.")
    if occupy > limit.slots > 0:  # one of no slots is closed for a time: that may be waited for
        raise LimitError(f"occupy={occupy}, but {limit.name!r} has {limit.slots} slots: ask for at most as many.")


def _checked(what: str, names: str | Sequence[str], occupy: int, timeout_seconds: float | None) -> list[str]:
    """The names, each once and sorted: so no two that want several limits wait for each other."""
    chosen = {names} if isinstance(names, str) else set(names)
    if not all(isinstance(name, str) and name for name in chosen):
        raise LimitError(f"{what}({names!r}): give the name of a limit, or several.")
    if isinstance(occupy, bool) or not isinstance(occupy, int) or occupy < 1:
        raise LimitError(f"occupy={occupy!r} is not a whole number of at least 1.")
    if timeout_seconds is not None and not timeout_seconds >= 0:
        raise LimitError(f"timeout_seconds={timeout_seconds!r} is not a number of seconds of at least 0.")
    return sorted(chosen)
