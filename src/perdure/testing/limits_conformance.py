"""What every orchestrator must do for limits: subclass `LimitsConformance` and give it a fixture `orchestrator`."""

import pytest

from perdure._model.errors import PerdureError
from perdure._platform.ids import new_id
from perdure._rooms.limits.records import Limit, Slot
from perdure._store.protocol import Orchestrator

__all__ = ["LimitsConformance"]


def slot(occupy: int = 1, name: str = "db") -> Slot:
    """A new request for slots."""
    return Slot(new_id(), name, occupy, new_id(), None, 1)


class LimitsConformance:
    """The behaviour of `Orchestrator.limits`, one test each."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator under test, empty; subclasses override this."""
        raise NotImplementedError

    def test_limits_come_back_as_they_were_put_sorted_by_name(self, orchestrator: Orchestrator) -> None:
        wanted = [Limit("api", 2, 0.5, 7), Limit("db", 3, None, 5)]
        for limit in reversed(wanted):
            orchestrator.limits.put(limit)
        assert orchestrator.limits.all() == wanted

    def test_what_no_limit_is_called_has_no_slots(self, orchestrator: Orchestrator) -> None:
        assert orchestrator.limits.take(slot(), 10) is None
        assert orchestrator.limits.draw("db", 1, 10, None) is None
        assert not orchestrator.limits.delete("db")

    def test_who_comes_too_late_learns_how_many_slots_are_missing(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("db", 3, None, 0))
        first, second = slot(2), slot(2)
        assert orchestrator.limits.take(first, 10) == 0
        assert orchestrator.limits.take(second, 11) == 1
        assert orchestrator.limits.slots("db") == [first._replace(taken=10), second]

    def test_asking_again_changes_nothing(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("db", 1, None, 0))
        first, second = slot(), slot()
        assert [orchestrator.limits.take(each, 10) for each in (first, second, first, second)] == [0, 1, 0, 1]
        assert orchestrator.limits.slots("db") == [first._replace(taken=10), second]

    def test_nobody_is_overtaken_by_a_smaller_request(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("db", 2, None, 0))
        first, large, small = slot(), slot(2), slot()
        assert [orchestrator.limits.take(each, 10) for each in (first, large, small)] == [0, 1, 2]
        orchestrator.limits.release([first.id])
        assert [orchestrator.limits.take(each, 11) for each in (small, large, small)] == [1, 0, 1]

    def test_released_slots_and_places_in_the_line_are_free(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("db", 1, None, 0))
        first, second, third = slot(), slot(), slot()
        for each in (first, second, third):
            orchestrator.limits.take(each, 10)
        orchestrator.limits.release([first.id, second.id])
        assert orchestrator.limits.take(third, 11) == 0

    def test_a_changed_limit_keeps_who_is_there(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("db", 1, None, 0))
        first, second = slot(), slot()
        assert [orchestrator.limits.take(each, 10) for each in (first, second)] == [0, 1]
        orchestrator.limits.put(Limit("db", 2, None, 0))
        assert orchestrator.limits.take(second, 11) == 0

    def test_a_deleted_limit_leaves_no_line(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("db", 1, None, 0))
        orchestrator.limits.take(slot(), 10)
        assert orchestrator.limits.delete("db")
        orchestrator.limits.put(Limit("db", 1, None, 0))
        assert orchestrator.limits.slots("db") == []

    def test_what_is_drawn_comes_back_with_time(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("api", 2, 4.0, 0))
        waits = [orchestrator.limits.draw("api", 1, now, None) for now in (1_000_000, 1_000_000, 1_000_000, 1_500_000)]
        assert waits == [0, 0, 0.25, 0]

    def test_what_takes_too_long_is_not_drawn(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("api", 1, 1.0, 0))
        assert orchestrator.limits.draw("api", 1, 1_000_000, 0.5) == 0
        assert [orchestrator.limits.draw("api", 1, 1_000_000, 0.5) for _ in range(2)] == [1, 1]

    def test_a_clock_that_is_behind_draws_no_more(self, orchestrator: Orchestrator) -> None:
        orchestrator.limits.put(Limit("api", 1, 1.0, 0))
        assert orchestrator.limits.draw("api", 1, 9_000_000, None) == 0
        assert orchestrator.limits.draw("api", 1, 1_000_000, None) == 1

    def test_what_cannot_be_a_limit_is_refused(self, orchestrator: Orchestrator) -> None:
        for wrong in (
            Limit("", 1, None, 0),
            Limit("db", -1, None, 0),
            Limit("db", 1, 0.0, 0),
            Limit("db", 2**31, None, 0),
        ):
            with pytest.raises(PerdureError, match=r"[Ll]imit"):
                orchestrator.limits.put(wrong)
        orchestrator.limits.put(Limit("db", 1, None, 0))
        with pytest.raises(PerdureError, match="occupy=0"):
            orchestrator.limits.take(slot(0), 10)
        with pytest.raises(PerdureError, match="not how often"):
            orchestrator.limits.draw("db", 1, 10, None)
