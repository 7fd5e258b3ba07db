"""Perdure's own named tuples behave as those of `typing`, though they are made without compiling text."""

import copy
import inspect
import pickle
import sys
import typing
from typing import Generic, TypeVar

import pytest

from perdure._platform.named import NamedTuple

T = TypeVar("T")


class Ours(NamedTuple):
    """Two numbers."""

    a: int
    b: int = 2

    @property
    def total(self) -> int:
        """Their sum."""
        return self.a + self.b


class Theirs(typing.NamedTuple):
    """Two numbers."""

    a: int
    b: int = 2


class Held(NamedTuple, Generic[T]):
    value: T


def test_it_is_called_as_one_of_typing() -> None:
    assert Ours(1) == Ours(a=1, b=2) == (1, 2)
    assert Ours(1).total == 3
    assert Held("x").value == "x"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        Ours()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        Ours(1, c=3)  # type: ignore[call-arg]


def test_it_says_of_itself_what_one_of_typing_says() -> None:
    for name in ("_fields", "__match_args__", "__annotations__", "__doc__", "__slots__"):
        assert getattr(Ours, name) == getattr(Theirs, name)
    assert dict(Ours._field_defaults) == Theirs._field_defaults
    assert inspect.signature(Ours) == inspect.signature(Theirs)
    assert repr(Ours(1)) == repr(Theirs(1)).replace("Theirs", "Ours")
    assert Ours(1)._asdict() == Theirs(1)._asdict()


def test_it_is_changed_and_copied_as_one_of_typing() -> None:
    assert Ours(1)._replace(b=5) == Ours._make([1, 5])
    assert type(Ours(1)._replace(b=5)) is Ours
    with pytest.raises(TypeError if sys.version_info >= (3, 13) else ValueError) as of_theirs:
        Theirs(1)._replace(c=5)  # type: ignore[call-arg]
    with pytest.raises(type(of_theirs.value), match="unexpected field names: \\['c'\\]"):
        Ours(1)._replace(c=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Expected 2 arguments, got 1"):
        Ours._make([1])
    with pytest.raises(AttributeError):
        Ours(1).a = 2  # type: ignore[misc]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(Ours(1), protocol))
        assert (type(again), again) == (Ours, Ours(1))
    assert type(copy.deepcopy(Ours(1))) is Ours


def test_a_field_without_a_default_comes_first() -> None:
    with pytest.raises(TypeError, match=r"without a default follows|cannot follow default field"):
        exec("class Wrong(NamedTuple):\n    a: int = 1\n    b: int", {"NamedTuple": NamedTuple, "__name__": "wrong"})
