"""What generators of the user's hand on and come to."""

from collections.abc import Iterable
from typing import TypeVar

from perdure._platform.named import NamedTuple

T = TypeVar("T")


class GeneratedItems(list[T]):
    """The items of a generator that returned something, too: `returned`. It is written into results."""

    __slots__ = ("returned",)

    def __init__(self, items: Iterable[T] = (), returned: object = None) -> None:
        super().__init__(items)
        self.returned = returned

    def __reduce__(self) -> tuple[object, ...]:
        return GeneratedItems, (list(self), self.returned)


class Exhausted(NamedTuple):
    """A generator has ended."""

    returned: object = None


class Sent(NamedTuple):
    """What whoever iterates sent into a generator, by `send` or `asend`."""

    value: object


class Thrown(NamedTuple):
    """What whoever iterates threw into a generator, by `throw` or `athrow`."""

    error: BaseException


Answer = Sent | Thrown | None  # to an item; None: the next one was asked for
