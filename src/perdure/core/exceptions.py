"""Exceptions that can be pickled and had again, whatever their constructors take."""

import pickle
from typing import Any


class _Portable:
    """Pickles as an exception that its own class could not build again from its `args`."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        error = self._error
        return _rebuilt, (type(error), error.args, _attributes(error))


def portable(value: Any) -> Any:
    """What to pickle in the place of a value: itself, unless it is an exception that would not come back.

    Python pickles an exception as its class and `args`, and calls the class with these to have it again. That
    fails for one that passes a message to `super().__init__` and takes something else.
    """
    if not isinstance(value, BaseException) or type(value).__init__ in _USUAL:
        return value
    try:
        build, arguments = tuple(value.__reduce_ex__(pickle.HIGHEST_PROTOCOL))[:2]
        build(*arguments)
    except Exception:
        return _Portable(value)
    return value


def _rebuilt(kind: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(attributes)
    return error


def _attributes(error: BaseException) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if not name.startswith("__perdure")}


_USUAL = {Exception.__init__, BaseException.__init__, ValueError.__init__, OSError.__init__}
