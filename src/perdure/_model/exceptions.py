"""Exceptions that can be pickled and restored, whatever their constructors take and whatever they hold."""

from collections.abc import Callable, Iterator
from typing import Any

Trial = Callable[[object], object]  # raises if a value cannot be pickled

_LONGEST = 20  # exceptions of which one is the cause of the next
_TEXT = 20_000  # characters of what stands for a part
_SAYING = "__perdure_saying__"  # of a class that was made to have the text of a part that is missing


class _Portable:
    """Pickles as an exception with its causes, which its own class could not build again from its `args`.

    With a `trial`, what cannot be pickled of it is left out, or its text stands for it.
    """

    def __init__(self, error: BaseException, trial: Trial | None = None, depth: int = 0) -> None:
        self._error = error
        self._trial = trial
        self._depth = depth

    def __reduce__(self) -> tuple[Any, ...]:
        error, kind = self._error, type(self._error)
        args, attributes = _arguments(error), _attributes(error)
        chain = {name: self._linked(link) for name, link in _chain(error)} if self._depth < _LONGEST else {}
        if chain:
            chain["__suppress_context__"] = error.__suppress_context__  # after the cause, which sets it
        if self._trial is None and _SAYING in vars(kind):
            kind, text = vars(kind)[_SAYING]
            return (_rebuilt_saying, (kind, args, attributes, text), chain)
        if self._trial is None:
            return self._whole(kind, args, attributes, chain)
        return (*self._kept(kind, args, attributes), chain) if chain else self._kept(kind, args, attributes)

    def _whole(
        self,
        kind: type[BaseException],
        args: tuple[object, ...],
        attributes: dict[str, object],
        chain: dict[str, object],
    ) -> tuple[object, ...]:
        holds_others = _holds_others(self._error)
        own = None if holds_others else _own_reduction(self._error)
        if own is not None:
            build, arguments, state = own
            return build, arguments, {**state, **chain}
        args = tuple(map(self._part, args)) if holds_others else args
        return (_rebuilt, (kind, args, attributes), chain) if chain else (_rebuilt, (kind, args, attributes))

    def _linked(self, error: BaseException) -> object:
        return _Portable(error, self._trial, self._depth + 1)

    def _kept(
        self, kind: type[BaseException], args: tuple[object, ...], attributes: dict[str, Any]
    ) -> tuple[object, ...]:
        kept = {name: value for name, value in attributes.items() if self._is_kept(value)}
        known = next(base for base in kind.__mro__ if self._is_kept(base))
        lost = [f".{name}" for name in attributes if name not in kept]
        lost += [f".args[{index}]" for index, each in enumerate(args) if not self._is_part(each)]
        if known is not kind:
            lost.append(f"its class {kind.__module__}.{kind.__qualname__}")
        if lost:
            notes = [*kept.get("__notes__", ()), f"Not kept, since it cannot be pickled: {', '.join(lost)}."]
            kept["__notes__"] = notes
        return _rebuilt_saying, (known, tuple(map(self._part, args)), kept, text_of(self._error))

    def _part(self, value: Any) -> object:
        if isinstance(value, BaseException):
            return self._linked(value)
        if _is_of_group(value):
            return [self._part(each) for each in value]
        return value if self._trial is None or self._is_kept(value) else text_of(value)

    def _is_part(self, value: object) -> bool:
        return isinstance(value, BaseException) or _is_of_group(value) or self._is_kept(value)

    def _is_kept(self, value: object) -> bool:
        assert self._trial is not None
        try:
            self._trial(value)
        except Exception:
            return False
        return True


def portable(value: object) -> object:
    """What to pickle in the place of a value: itself, unless it is an exception that would not come back whole.

    Python pickles an exception as its class and `args`, and calls the class with these to have it again. That
    fails for one that passes a message to `super().__init__` and takes something else; and it leaves out the causes.
    """
    if not isinstance(value, BaseException):
        return value
    if next(_chain(value), None) is not None or _SAYING in vars(type(value)) or _holds_others(value):
        return _Portable(value)
    if type(value).__init__ in _USUAL and type(value).__reduce__ in _USUAL:
        return value
    return _Portable(value) if _built_again(value) is None else value


def _built_again(error: BaseException) -> tuple[object, ...] | None:
    """What an exception's own reduction gives, if that builds one."""
    import pickle  # few runs fail; the others start faster

    try:
        build, arguments, *state = tuple(error.__reduce_ex__(pickle.HIGHEST_PROTOCOL))
        build(*arguments)
    except Exception:
        return None
    return build, arguments, *state


def _own_reduction(error: BaseException) -> tuple[object, object, dict[str, object]] | None:
    """An exception's own reduction, if attributes can be added to its state."""
    built = _built_again(error)
    if built is None or type(error).__setstate__ is not BaseException.__setstate__ or len(built) > 3:
        return None
    state = built[2] if len(built) == 3 else None
    if state is not None and not isinstance(state, dict):
        return None
    own = {name: value for name, value in (state or {}).items() if not str(name).startswith("__perdure")}
    return built[0], built[1], own


def stand_in(error: BaseException, trial: Trial) -> BaseException:
    """An exception in the place of one that cannot be pickled: of its class, with its text and what can be pickled."""
    made = _made(_Portable(error, trial))
    assert isinstance(made, BaseException)
    return made


def _made(part: object) -> object:
    """What a part of an exception is once it has been pickled and restored."""
    if isinstance(part, list | tuple):
        return type(part)(map(_made, part)) if type(part) in (list, tuple) else part
    if not isinstance(part, _Portable):
        return part
    build, arguments, *chain = part.__reduce__()
    error = build(*map(_made, arguments))
    for name, link in (chain[0] if chain else {}).items():
        setattr(error, name, _made(link))
    return error


def text_of(value: object) -> str:
    """The text of a value, cut if it is long."""
    try:
        return str(value)[:_TEXT]
    except Exception:  # the user's own __str__
        return f"<a {type(value).__qualname__} that cannot be shown>"


def _rebuilt(kind: type[BaseException], args: tuple[object, ...], attributes: dict[str, object]) -> BaseException:
    error = kind.__new__(kind, *args)
    if not (isinstance(error, OSError) and len(args) > 2):  # it has taken the file names out
        error.args = args
    vars(error).update(attributes)
    return error


def _rebuilt_saying(
    kind: type[BaseException], args: tuple[object, ...], attributes: dict[str, object], text: str
) -> BaseException:
    """An exception of which parts are missing; it has the text that it had with them."""
    try:
        error = _rebuilt(kind, args, attributes)
        if text_of(error) == text:
            return error
    except Exception:  # the class needs more than its args
        args = (text,)
    named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    saying = type(kind.__name__, (kind,), {**named, "__str__": lambda _: text, _SAYING: (kind, text)})
    return _rebuilt(saying, args, attributes)


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """The exceptions that led to this one, by the attributes that have them."""
    if error.__context__ is not None and error.__context__ is not error.__cause__:
        yield "__context__", error.__context__
    if error.__cause__ is not None:
        yield "__cause__", error.__cause__


def _holds_others(error: BaseException) -> bool:
    return any(isinstance(each, BaseException) or _is_of_group(each) for each in error.args)


def _is_of_group(value: object) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(each, BaseException) for each in value)


def _arguments(error: BaseException) -> tuple[object, ...]:
    """What its class is called with; of an operating system's error also the file names, which are not in `args`."""
    if isinstance(error, OSError) and error.filename is not None and len(error.args) == 2:
        second = () if error.filename2 is None else (None, error.filename2)
        return (*error.args, error.filename, *second)
    return error.args


def _attributes(error: BaseException) -> dict[str, object]:
    return {name: value for name, value in vars(error).items() if not name.startswith("__perdure")}


_USUAL = {
    *(Exception.__init__, BaseException.__init__, ValueError.__init__, OSError.__init__),
    *(BaseException.__reduce__, OSError.__reduce__),
}
