"""What lower layers need of the composition root, which is above them: set once, when `perdure` is imported."""

from collections.abc import Callable
from typing import Any

_orchestrator: Callable[[], Any] | None = None


def set_orchestrator(provider: Callable[[], Any]) -> None:
    """Have blocks saved, and runs looked up, in what the provider returns; it is asked at every use."""
    global _orchestrator
    _orchestrator = provider


def orchestrator() -> Any | None:
    """The orchestrator of this process; None if nothing has said so."""
    return None if _orchestrator is None else _orchestrator()
