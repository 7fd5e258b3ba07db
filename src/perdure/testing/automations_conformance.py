"""What every orchestrator must do with automations: subclass it and give it a fixture `orchestrator`."""

from typing import Any

import pytest

from perdure._platform.ids import new_id
from perdure._rooms.automations.port import Automation, Automations, LogEntry, LogFilter, WatchedFile
from perdure._store.protocol import Orchestrator
from perdure.testing.services_conformance import event

__all__ = ["AutomationsConformance"]

NOW = 1_700_000_000_000_000


def automation(name: str = "alarm", **fields: Any) -> Automation:
    """An automation that is not kept yet."""
    return Automation(new_id(), name, '{"a": 1}', None, NOW, NOW, "{}", 0, NOW, NOW)._replace(**fields)


def entry(of: Automation, **fields: Any) -> LogEntry:
    """A line of its log."""
    made = LogEntry(new_id(), of.id, NOW, None, "order.shipped", "acts", "it matches", "acting", "{}")
    return made._replace(**fields)


class AutomationsConformance:
    """The behaviour of automations, one test each."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator under test, empty; subclasses override this."""
        raise NotImplementedError

    @pytest.fixture
    def room(self, orchestrator: Orchestrator) -> Automations:
        """What it does for automations."""
        return orchestrator.room(Automations)

    def test_an_automation_is_known_by_its_name(self, room: Automations) -> None:
        second, first = room.put(automation("b")), room.put(automation("a"))
        assert list(room.all()) == [first, second]
        assert (room.named("b"), room.named("none")) == (second, None)

    def test_one_that_is_put_again_keeps_what_it_was(self, room: Automations) -> None:
        kept = room.put(automation())
        assert room.settle((), [kept._replace(memory='{"counts": 1}')], ())
        room.pause(kept.id, True, NOW + 1)
        again = room.put(automation(definition='{"a": 1}', created=NOW + 5))
        assert (again.id, again.paused, again.created) == (kept.id, NOW + 1, NOW)

    def test_the_same_definition_keeps_what_it_has_counted(self, room: Automations) -> None:
        kept = room.put(automation())
        room.settle((), [kept._replace(memory='{"counts": 1}', due=None)], ())
        assert room.put(automation(since=NOW + 9)) == kept._replace(memory='{"counts": 1}', due=None, turn=1)

    def test_another_definition_forgets_what_was_counted(self, room: Automations) -> None:
        kept = room.put(automation())
        room.settle((), [kept._replace(memory='{"counts": 1}', due=None)], ())
        changed = room.put(automation(definition='{"a": 2}', since=NOW + 9, updated=NOW + 9))
        assert (changed.memory, changed.since, changed.id) == ("{}", NOW + 9, kept.id)
        assert not room.settle((), [kept._replace(turn=1)], ())

    def test_a_pause_forgets_what_was_waited_for(self, room: Automations) -> None:
        kept = room.put(automation(memory='{"open": 1}'))
        assert room.pause(kept.id, True, NOW + 1)
        paused = room.all()[0]
        assert (paused.paused, paused.memory, paused.due) == (NOW + 1, "{}", None)
        assert room.pause(kept.id, True, NOW + 2)
        assert room.all()[0] == paused
        assert room.pause(kept.id, False, NOW + 3)
        assert (room.all()[0].paused, room.all()[0].since) == (None, NOW + 3)
        assert not room.pause(new_id(), True, NOW)

    def test_events_wait_for_automations_that_are_there(self, orchestrator: Orchestrator, room: Automations) -> None:
        early, late = event(), event()
        orchestrator.services.add_events([early], ())
        kept = room.put(automation())
        assert orchestrator.services.add_events([late, early], ()) == 1
        assert list(room.inbox(10)) == [late.id]
        room.pause(kept.id, True, NOW)
        orchestrator.services.add_events([event()], ())
        assert list(room.inbox(10)) == [late.id]

    def test_events_are_settled_once_and_all_or_nothing(self, orchestrator: Orchestrator, room: Automations) -> None:
        kept, one, other = room.put(automation()), event(), event()
        orchestrator.services.add_events([one, other], ())
        line = entry(kept, event_id=one.id)
        assert room.settle([one.id], [kept._replace(memory='{"a": 1}')], [line])
        assert list(room.inbox(10)) == [other.id]
        assert not room.settle([other.id, one.id], [kept._replace(turn=1)], [entry(kept)])
        assert not room.settle([other.id], [kept], [entry(kept)])  # of a turn that is over
        assert list(room.inbox(10)) == [other.id]
        assert list(room.log(LogFilter())) == [line]
        assert room.all()[0].turn == 1

    def test_what_became_of_an_action_is_noted_once(self, room: Automations) -> None:
        kept = room.put(automation())
        line = entry(kept)
        room.settle((), (), [line, entry(kept, outcome="ignored", phase="done")])
        assert list(room.log(LogFilter(phase="acting"))) == [line]
        done = line._replace(outcome="failed", phase="done", details='{"a": 1}')
        assert [room.note(done), room.note(line)] == [True, False]
        assert list(room.log(LogFilter(outcomes=("failed",), automation_id=kept.id))) == [done]

    def test_old_lines_are_forgotten_but_those_that_act(self, room: Automations) -> None:
        kept = room.put(automation())
        acting, new = entry(kept), entry(kept, time=NOW + 9, phase="done")
        room.settle((), (), [acting, new, entry(kept, phase="done")])
        assert room.forget_log(NOW + 5) == 1
        assert sorted(room.log(LogFilter())) == sorted([acting, new])

    def test_one_that_is_deleted_is_gone_with_its_log(self, room: Automations) -> None:
        kept, other = room.put(automation()), room.put(automation("other"))
        room.settle((), (), [entry(kept), line := entry(other)])
        assert [room.delete(kept.id), room.delete(kept.id)] == [True, False]
        assert (list(room.all()), list(room.log(LogFilter()))) == ([other], [line])

    def test_the_files_that_it_knows_are_kept(self, room: Automations) -> None:
        kept, other = room.put(automation()), room.put(automation("other"))
        first, second = (WatchedFile(kept.id, key, "1", "new") for key in ("a", "b"))
        room.note_files(kept.id, [second, first], [])
        room.note_files(other.id, [theirs := first._replace(automation_id=other.id)], [])
        assert sorted(room.files(kept.id, ["b", "none", "a"])) == [first, second]
        assert list(room.files_after(kept.id, "", 1)) == [first]
        assert list(room.files_after(kept.id, "a", 9)) == [second]
        room.note_files(kept.id, [reported := second._replace(phase="reported")], ["a", "none"])
        assert list(room.files_after(kept.id, "", 9)) == [reported]
        room.delete(kept.id)
        assert [list(room.files(each.id, ["a", "b"])) for each in (kept, other)] == [[], [theirs]]
