"""Has a flow of the corpus crash and go on until it has ended, and says what was not as promised."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from perdure import session
from perdure._model.state_types import FINAL
from perdure._model.states import is_states
from perdure._platform.clock import Clock, system_clock
from perdure.records import FlowRun
from perdure.results import get_result
from perdure.states import StateType
from perdure.testing.crashes import killed, outcome_of, root_run
from perdure.testing.invariants import Witness, violations
from tests.resume.corpus import Case, ledger


def has_ended(run: FlowRun | None) -> bool:
    return run is not None and run.state_type in FINAL and run.state_type is not StateType.CRASHED


def survive(
    case: Case, crashes: Sequence[int], *, flushed: bool = False, clock: Clock = system_clock
) -> tuple[bool, list[str]]:
    """Crash before these effects, each of another process, then go on to the end.

    Gives whether the first one came before the flow's end, and what was not as promised.
    """
    witness = Witness(ledger(), failed_too=not case.has_retries)
    wrong: list[str] = []
    crashed = []
    for before in (*crashes, None):
        run = root_run()
        if has_ended(run):
            break
        ending = killed(partial(resume_it, case, run), before=before, flushed=flushed, clock=clock)
        crashed.append(ending.killed)
        wrong += witness.look(session.current().orchestrator)
    return crashed[0], [*wrong, *broken_promises(case, undisturbed_end=not crashed[-1])]


def resume_it(case: Case, run: FlowRun | None) -> Any:
    return case.call() if run is None else outcome_of(lambda: case.flow.resume(run.id))


def broken_promises(case: Case, undisturbed_end: bool = False) -> list[str]:
    """What is wrong now that the flow run has come to its end."""
    run = root_run()
    if run is None or not has_ended(run):
        return [f"The flow run has not ended: {run}"]
    wrong = violations(session.current().orchestrator)
    came = outcome(run)
    if (run.state_type, came) != (case.state, case.outcome):
        wrong.append(f"It came to {run.state_type} with {came!r}, and should to {case.state} with {case.outcome!r}.")
    hooks = [each.what for each in ledger().executions() if each.what.startswith("hook")]
    if hooks not in ([f"hook {case.state}"], *([] if undisturbed_end else [[]])):
        wrong.append(f"These hooks were called: {hooks}.")
    return wrong


def outcome(run: FlowRun) -> Any:
    """What a flow run came to, from its result: an exception as text, states as their types."""
    value = get_result(run.id, raise_on_failure=False)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return [state.type for state in value] if is_states(value) else value
