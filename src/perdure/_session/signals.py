"""Signals while a flow runs: SIGTERM and Ctrl-C end it (`_engine.lifecycle.runs.crash`) before they end the process."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from perdure._platform import signal_handlers as handlers
from perdure._run.context import FlowRunContext
from perdure._run.controller import taking_signals
from perdure._session.session import close


class Terminated(BaseException):
    """The process was asked to end (SIGTERM) while a flow ran."""


def _terminate(*_: object) -> NoReturn:
    raise Terminated("SIGTERM")


_root_runs = 0  # in the main thread: several, where one event loop runs them


@contextmanager
def ended_by_signal(run: FlowRunContext, awaited: bool = False) -> Iterator[None]:
    """While a root flow run is in the main thread, SIGTERM ends it as crashed before it ends the process.

    Ctrl-C ends it even if its own code swallows the KeyboardInterrupt. Handlers that others have set stay.
    In whatever thread it is, it can be cancelled.
    """
    if run.parent is not None:
        yield
        return
    with taking_signals(run.controller), run.controller.active(run, on_loop=awaited), _in_main_thread(run):
        yield


@contextmanager
def _in_main_thread(run: FlowRunContext) -> Iterator[None]:
    global _root_runs
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> NoReturn:
        run.interrupt = KeyboardInterrupt()
        raise run.interrupt

    _root_runs += 1
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        handlers.install(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers.install(signal.SIGINT, interrupt)
    try:
        yield
    except Terminated:
        close()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
        raise
    finally:
        _root_runs -= 1
        handlers.remove(signal.SIGINT, interrupt)
        if not _root_runs:
            handlers.remove(signal.SIGTERM, _terminate)
