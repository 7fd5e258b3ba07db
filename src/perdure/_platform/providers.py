"""What lower layers need of the composition root, which is above them: set once, when `perdure` is imported."""

from collections.abc import Callable, Mapping
from typing import Any

_orchestrator: Callable[[], object] | None = None


def set_orchestrator(provider: Callable[[], object]) -> None:
    """Have blocks saved, and runs looked up, in what the provider returns; it is asked at every use."""
    global _orchestrator
    _orchestrator = provider


_cancel: Callable[[str, bool], None] | None = None


def set_cancel(cancel: Callable[[str, bool], None]) -> None:
    """Have flow runs cancelled by a function of an id, and of whether their processes may be killed."""
    global _cancel
    _cancel = cancel


def cancel(flow_run_id: str, force: bool) -> None:
    """Cancel a flow run, and wait until it has ended; raises what `perdure.cancel_flow_run` raises."""
    assert _cancel is not None, "perdure is imported as a whole"
    _cancel(flow_run_id, force)


_on_workers: Mapping[str, Callable[..., Any]] = {}


def set_on_workers(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Have batches run on the workers of clusters by these functions, by the name of the cluster's engine."""
    global _on_workers
    _on_workers = functions


def on_workers(engine: str) -> Callable[..., Any]:
    """What runs a batch on a worker of an engine; it is sent there by its name."""
    return _on_workers[engine]


_logger: Callable[[str], object] | None = None


def set_logger(find: Callable[[str], object]) -> None:
    """Have what logs beside runs, such as blocks, log by what a function gives for a name."""
    global _logger
    _logger = find


def logger(name: str) -> Any:
    """The current run's logger; outside all runs, Perdure's own under a name."""
    assert _logger is not None, "perdure is imported as a whole"
    return _logger(name)


def orchestrator() -> Any | None:
    """The orchestrator of this process; None if nothing has said so."""
    return None if _orchestrator is None else _orchestrator()
