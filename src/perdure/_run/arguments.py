"""Futures and states anywhere inside arguments: finding them, and putting their values in their place.

Values may be large, nested a hundred thousand levels deep, and refer to themselves. So nothing here recurses; types are
decided upon once; and a container of nothing but leaves, such as a list of a million numbers, is found at C's speed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import is_
from typing import Any

from perdure._model.argument_marks import Annotation, allow_failure, opaque, quote
from perdure._model.containers import ATOMS, Container, container_of
from perdure._model.states import State
from perdure._platform.named import NamedTuple
from perdure._run.pending import Pending, PendingGroup

Upstream = Pending | State[object]
Replace = Callable[[Upstream, bool], object]  # the upstream, and whether its failure is allowed
_AS_THEY_ARE = (list, tuple)  # these are their parts


def is_atom(value: object) -> bool:
    """Whether the value cannot hold anything else."""
    return type(value) in ATOMS


def only_atoms(values: Iterable[object]) -> bool:
    """Whether none of the values can hold anything else: the usual case, seen at a glance."""
    for value in values:  # noqa: SIM110 - a generator would take longer than the loop
        if type(value) not in ATOMS:
            return False
    return True


def upstreams_in(values: Iterable[object]) -> list[Upstream] | None:
    """All the futures and states inside the values, in order; None if nothing in the values is to be replaced.

    A mark round a value, such as `quote`, is to be replaced too.
    """
    found: list[Upstream] = []

    def note(upstream: Upstream, _: bool) -> Upstream:
        found.append(upstream)
        return upstream

    before = list(values)
    after = replace_upstreams(before, note)
    return None if after is before and not found else found


class WaitedFor(NamedTuple):
    """A run that a call waits for without needing its value."""

    upstream: Upstream
    allowed: bool  # to fail


WaitFor = object  # futures, states, collections of them, `allow_failure` round them; values are there already


def runs_of(wait_for: WaitFor | None) -> Sequence[WaitedFor]:
    """The runs to wait for."""
    if wait_for is None:
        return ()
    return waited_for(list(wait_for) if isinstance(wait_for, Iterator) else wait_for)


def waited_for(value: object) -> list[WaitedFor]:
    """The futures and states inside what was given as `wait_for`; all else in it is there already."""
    found: list[WaitedFor] = []
    replace_upstreams(value, lambda upstream, allowed: found.append(WaitedFor(upstream, allowed)))
    return found


def replace_upstreams(value: object, replace: Replace) -> object:
    """The value with each future or state inside it replaced, marks taken off, and untouched parts kept as they are.

    Looks into the containers of `_model.containers`, and their subclasses. The futures of a mapped call become a list.
    """
    return _Replacer(replace).replaced(value)


class _Open:
    """A container whose parts are being replaced."""

    __slots__ = ("allowed", "container", "parts", "replaced", "value")

    def __init__(self, value: object, container: Container, parts: Sequence[object], allowed: bool) -> None:
        self.value = value
        self.container = container
        self.parts = parts
        self.allowed = allowed
        self.replaced: list[object] = []

    def closed(self) -> object:
        if all(map(is_, self.parts, self.replaced)):
            return self.value
        return self.container.rebuilt(self.value, self.replaced)


_UPSTREAM = (Pending, State, PendingGroup)


class _Replacer:
    def __init__(self, replace: Replace) -> None:
        self._replace = replace
        # What is in several places is replaced once. A container that is open still contains itself: it is left there.
        self._known: dict[int, tuple[object, object]] = {}  # by its id, negative where failures are allowed
        self._stack: list[_Open] = []

    def replaced(self, value: object) -> object:
        result = self._begun(value, False)
        while self._stack:
            top = self._stack[-1]
            while len(top.replaced) < len(top.parts):
                result = self._begun(top.parts[len(top.replaced)], top.allowed)
                if self._stack[-1] is not top:
                    break
                top.replaced.append(result)
            else:
                self._stack.pop()
                result = top.closed()
                self._known[-id(top.value) if top.allowed else id(top.value)] = top.value, result
                if self._stack:
                    self._stack[-1].replaced.append(result)
        return result

    def _begun(self, value: object, allowed: bool) -> object:
        """What stands in the place of a value; of a container that may hold upstreams, nothing yet: it is opened."""
        while type(value) not in ATOMS:
            kind: type = type(value)
            container = container_of(kind)
            if container is not None:
                return self._opened(value, container, allowed)
            if isinstance(value, Pending | State):
                return self._replace(value, allowed)
            if isinstance(value, PendingGroup):
                return [self._replace(each, allowed) for each in value.members()]
            if isinstance(value, quote) or (isinstance(value, opaque) and not isinstance(value.value, _UPSTREAM)):
                return value.value
            if not isinstance(value, Annotation):
                _check_awaited(value)
                return value
            allowed = allowed or isinstance(value, allow_failure)
            value = value.value
        return value

    def _opened(self, value: Any, container: Container, allowed: bool) -> object:
        parts = value if type(value) in _AS_THEY_ARE else list(container.parts(value))
        if ATOMS.issuperset(map(type, parts)):
            return value
        place = -id(value) if allowed else id(value)
        known = self._known.get(place)
        if known is not None:
            return known[1]
        self._known[place] = value, value
        self._stack.append(_Open(value, container, parts, allowed))
        return None


def _check_awaited(value: Any) -> None:
    if type(value).__name__ == "coroutine":
        raise TypeError(
            f"The coroutine {value.__qualname__}(...) was not awaited. Write `await` before the call that made it."
        )
