"""What is kept of exceptions: class, text and causes, whatever they hold and whatever their constructors take."""

import pickle
import threading
from typing import Any

import pytest

from perdure._model.exceptions import portable, stand_in


class Locked(Exception):
    def __init__(self) -> None:
        super().__init__("busy")
        self.lock, self.code = threading.Lock(), 7


class Telling(Exception):
    """Its text is made of what cannot be pickled."""

    def __init__(self, *, what: str) -> None:
        self.what, self.lock = what, threading.Lock()

    def __str__(self) -> str:
        return f"{self.what} {self.lock.locked()}"


class Stubborn(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("never")


class Reduced(Exception):
    __slots__ = ("place",)

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def __reduce__(self) -> Any:
        return Reduced, (self.place,)


def caused(error: Exception) -> Exception:
    try:
        try:
            raise FileNotFoundError("the cause")
        except OSError as cause:
            raise error from cause
    except Exception as raised:
        return raised


def had_again(error: BaseException) -> Any:
    try:
        data = pickle.dumps(portable(error))
    except Exception:
        data = pickle.dumps(portable(stand_in(error, pickle.dumps)))
    return pickle.loads(data)


@pytest.mark.parametrize(
    "error",
    [
        Locked(),
        Telling(what="closed"),
        Stubborn("no"),
        ValueError("x", threading.Lock()),
        OSError(2, "No such file", "here"),
        OSError(2, "No such file", "here", None, "there"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "why"),
        ExceptionGroup("several", [Locked(), ValueError(3)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_is_of_its_class_and_says_what_it_said(error: Exception) -> None:
    for each in (error, caused(error)):
        for again in (had_again(each), had_again(had_again(each))):
            assert isinstance(again, type(each))
            assert str(again) == str(each)
    assert isinstance(had_again(caused(error)).__cause__, FileNotFoundError)
    assert had_again(caused(error)).__suppress_context__


def test_what_could_not_be_kept_is_named_in_a_note() -> None:
    again = had_again(Locked())
    assert again.code == 7
    assert again.__notes__ == ["Not kept, since it cannot be pickled: .lock."]


def test_exceptions_of_a_group_are_kept_one_by_one() -> None:
    again = had_again(ExceptionGroup("several", [Locked(), ValueError(3)]))
    assert [type(each) for each in again.exceptions] == [Locked, ValueError]
    assert again.exceptions[0].code == 7


def test_a_context_is_kept_as_a_context() -> None:
    error = ValueError("second")
    error.__context__ = KeyError("first")
    again = had_again(error)
    assert isinstance(again.__context__, KeyError)
    assert again.__cause__ is None
    assert not again.__suppress_context__


def test_a_reduction_of_its_own_is_used_where_it_works() -> None:
    again = had_again(caused(Reduced("here")))
    assert again.place == "here"
    assert isinstance(again.__cause__, FileNotFoundError)


def test_chains_come_to_an_end() -> None:
    error = ValueError("first")
    for number in range(100):
        error, before = ValueError(str(number)), error
        error.__cause__ = before
    again, depth = had_again(error), 0
    while again is not None:
        again, depth = again.__cause__, depth + 1
    assert depth == 21
