"""Marks that a user puts round an argument."""

from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Annotation(Generic[T]):
    """A mark round a value; it is taken off before the function is called."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def rewrap(self, value: U) -> "Annotation[U]":
        """The same mark round another value."""
        return type(self)(value)  # type: ignore[arg-type, return-value]

    def unwrap(self) -> T:
        """The value without the mark."""
        return self.value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(Annotation[T]):  # noqa: N801 - used as a function
    """Give every mapped call this same value, even if it is a collection."""

    def __getitem__(self, _: object) -> T:
        """The value, whichever item is asked for: it is the same for all calls."""
        return self.value


class allow_failure(Annotation[T]):  # noqa: N801
    """Run although the upstream run failed; its exception is passed as the value."""


class opaque(Annotation[T]):  # noqa: N801
    """Pass the value that a future or state stands for. What is in that is never searched here, marked or not."""


class quote(Annotation[T]):  # noqa: N801
    """Pass or return the value as it is: nothing in it is searched for futures or states."""

    def unquote(self) -> T:
        """The value without the mark."""
        return self.value
