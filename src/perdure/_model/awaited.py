"""What may be awaited or not: users of Prefect await it in coroutines."""

from collections.abc import Generator
from typing import Self


class AwaitableText(str):
    """A text. To await it gives it at once."""

    __slots__ = ()

    def __await__(self) -> Generator[object, None, Self]:
        return self
        yield
