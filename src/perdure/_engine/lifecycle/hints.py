"""Notes on errors of the user's code that misuse of tasks and futures leads to: Python prints them below the error."""

import re

_HINTS = (
    (
        re.compile(r"can't be used in 'await' expression|object can't be awaited"),
        "Hint: a task or flow on a plain function gives its value at once. Call it without `await`.",
    ),
    (
        re.compile(r"'(Mapped)?Futures?'"),
        "Hint: a future of a task stands for its run. Its value is `future.result()`; a task takes the future itself.",
    ),
    (
        re.compile(r"'Async(Mapped)?Futures?'"),
        "Hint: a future of a coroutine task stands for its run. Its value is `await future.result()`; a task takes the"
        " future itself.",
    ),
    (
        re.compile(r"'coroutine'"),
        "Hint: in async code, the call of a coroutine task or flow is awaited: write `await` before it.",
    ),
)


def add_hint(error: BaseException) -> None:
    """Note on an error what to do about it, if it looks like one of those that are known."""
    if not isinstance(error, TypeError | AttributeError):
        return
    text = str(error)
    hint = next((hint for pattern, hint in _HINTS if pattern.search(text)), None)
    if hint is not None and hint not in getattr(error, "__notes__", ()):
        error.add_note(hint)
