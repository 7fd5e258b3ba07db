"""Whether this process was forked from another one while something was going on.

A forked child has a copy of all that its parent was at, and none of the parent's threads. It takes no part in what the
parent runs: code of the parent's flows and tasks that comes to its end in the child is a plain function there.
"""

import os

generation = 0  # how many forks lie between this process and the first one; looked at as `forks.generation`


class EndedInFork(BaseException):
    """The user's code was entered in the parent process, and has come to its end in a forked child.

    `error` is what it raised there, else `value` is what it returned.
    """

    def __init__(self, value: object = None, error: BaseException | None = None) -> None:
        super().__init__()
        self.value = value
        self.error = error


def abandon(steps: object) -> None:
    """Keep a generator from ever being closed: its code is the parent's to run."""
    import ctypes  # few programs fork inside a flow; the others start faster

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(steps))


def _count() -> None:
    global generation
    generation += 1


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_count)

__all__ = ["EndedInFork", "abandon", "generation"]
