"""Whole histories of states: what the table lets through is what a run's life allows, and the database keeps it."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from perdure import session
from perdure._model.state_types import FINAL
from perdure._model.transitions import check_transition
from perdure._platform.ids import new_id
from perdure.errors import InvalidTransition
from perdure.records import RunFilter, StateRecord, TaskRunRecord
from perdure.states import StateType
from perdure.testing.invariants import wrong_transitions

S = StateType
BEGINNINGS = {S.SCHEDULED, S.PENDING}
ENDS = {S.COMPLETED, S.FAILED, S.CRASHED, S.CANCELLED}


class Life(RuleBasedStateMachine):
    """A run as one would describe it in words, without a table."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[StateType] = []

    @property
    def now(self) -> StateType | None:
        return self.states[-1] if self.states else None

    def allows(self, kind: StateType) -> bool:
        now = self.now
        if now is None or now in ENDS:  # it begins, or begins again, unless all is done
            return kind in BEGINNINGS and now is not S.COMPLETED
        if now is S.CANCELLING:  # there is no way back
            return kind in ENDS
        if now is S.PAUSED:  # it continues, now or later, or ends
            return kind in ENDS | {S.RUNNING, S.SCHEDULED, S.CANCELLING}
        return True

    @rule(kind=st.sampled_from(StateType))
    def comes_to(self, kind: StateType) -> None:
        if self.allows(kind):
            check_transition(self.now, kind)
            self.states.append(kind)
        else:
            with pytest.raises(InvalidTransition, match=f"to {kind}"):
                check_transition(self.now, kind)

    @precondition(lambda self: self.now is not None and self.now not in FINAL)
    @rule(kind=st.sampled_from(sorted(ENDS)))
    def is_stopped(self, kind: StateType) -> None:
        check_transition(self.now, kind)  # whatever it is at, it can be brought to an end
        self.states.append(kind)

    @invariant()
    def completed_only_at_the_end(self) -> None:
        assert S.COMPLETED not in self.states[:-1]

    def teardown(self) -> None:
        known = session.current().orchestrator  # one for all lives
        run_id = new_id()
        records: list[Any] = [TaskRunRecord(run_id, "t-0", "t", "t", None, None, "[]", 1)]
        records += [
            StateRecord(run_id, True, kind, kind.capitalize(), None, 2 + at) for at, kind in enumerate(self.states)
        ]
        half = len(records) // 2
        known.commit(records[: half + 1])
        known.commit(records[half + 1 :])

        (run,) = known.task_runs(RunFilter(ids=(run_id,)))
        assert [state.type for state in known.states(run_id)] == self.states
        assert list(wrong_transitions(run, known)) == []
        assert run.state_type == self.now
        assert run.run_count == self.states.count(S.RUNNING)
        assert (run.ended is not None) == (self.now in FINAL)
        assert run.started == (2 + self.states.index(S.RUNNING) if S.RUNNING in self.states else None)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=10, stateful_step_count=12, deadline=None)
