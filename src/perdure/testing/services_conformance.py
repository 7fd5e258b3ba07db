"""What every orchestrator must do for services: subclass `ServicesConformance` and give it a fixture `orchestrator`."""

import pytest

from perdure._model.records import LogRecord
from perdure._model.state_types import StateType as S
from perdure._platform.ids import new_id
from perdure._rooms.events.port import Delivery, Event, EventFilter, Hook, SeenState, Service
from perdure._store.protocol import Orchestrator
from perdure.testing._sample_records import STORAGE, flow_run, persisted, state, task_run

__all__ = ["ServicesConformance"]


def event(kind: str = "flow-run.failed", time: int = 5, flow_name: str | None = "pipeline") -> Event:
    """A new event."""
    return Event(new_id(), time, kind, new_id(), flow_name, "{}")


def hook() -> Hook:
    """A new webhook."""
    return Hook(new_id(), "webhook", "https://…", "hidden", None, "flow-run.*", None, True, 7)


def delivery(of: Event, to: Hook, due: int = 10) -> Delivery:
    """A new delivery."""
    return Delivery(new_id(), to.id, of.id, "waiting", due)


class ServicesConformance:
    """The behaviour of `Orchestrator.services`, one test each."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """The orchestrator under test, empty; subclasses override this."""
        raise NotImplementedError

    def test_a_service_is_claimed_by_one_until_it_is_due(self, orchestrator: Orchestrator) -> None:
        first, second = Service("late", new_id(), 20), Service("late", new_id(), 30)
        claims = [
            orchestrator.services.claim(each, now, None) for each, now in ((first, 1), (second, 19), (second, 20))
        ]
        assert claims == [True, False, True]
        assert orchestrator.services.all() == [second]

    def test_a_service_of_a_process_that_is_gone_is_due(self, orchestrator: Orchestrator) -> None:
        first, second = Service("late", new_id(), 20), Service("late", new_id(), 30)
        orchestrator.services.claim(first, 1, None)
        assert not orchestrator.services.claim(second, 2, new_id())
        assert orchestrator.services.claim(second, 2, first.process_id)

    def test_only_who_has_a_service_finishes_it(self, orchestrator: Orchestrator) -> None:
        first, second = Service("late", new_id(), 20), Service("late", new_id(), 30)
        orchestrator.services.claim(first, 1, None)
        orchestrator.services.claim(second, 25, None)
        done = second._replace(due=40, ended=26, outcome="2 found", cursor=2**60)
        assert [orchestrator.services.finish(each) for each in (first, done)] == [False, True]
        assert orchestrator.services.all() == [done]

    def test_states_of_flow_runs_and_failures_of_task_runs_come_in_order(self, orchestrator: Orchestrator) -> None:
        run = flow_run(tags='["a"]')
        task = task_run(run.id)
        registered = [
            state(run, S.RUNNING),
            state(task, S.RUNNING),
            state(task, S.FAILED, "no"),
            state(run, S.COMPLETED),
        ]
        orchestrator.commit([run, task, *registered])
        found = orchestrator.services.states_after(0, 10)
        assert [(each.run_id, each.type, each.of_task) for each in found] == [
            *((run.id, "RUNNING", False), (task.id, "FAILED", True), (run.id, "COMPLETED", False))
        ]
        assert found[1] == SeenState(
            *(task.id, found[1].arrival, True, "FAILED", "Failed", "no", registered[2].time, task.name),
            *(run.id, run.flow_name, task.task_name, "[]"),
        )
        assert orchestrator.services.states_after(found[0].arrival, 1) == found[1:2]

    def test_results_under_users_keys_wait_for_their_events_once_somebody_makes_any(
        self, orchestrator: Orchestrator
    ) -> None:
        services, run, makes = orchestrator.services, flow_run(), Service("events", new_id(), 20)
        tasks = [task_run(run.id) for _ in range(5)]
        named = [persisted(each, "prices", digest=f"blake2b:{number}") for number, each in enumerate(tasks)]
        orchestrator.commit([run, *tasks, named[0]])
        services.claim(makes, 1, None)
        services.finish(makes._replace(ended=2, cursor=1))
        failed, unnamed = named[2]._replace(is_exception=True), persisted(tasks[3], digest="blake2b:3")
        orchestrator.commit([named[1], failed, unnamed])
        (found,) = services.named_results(9)
        assert found[1:9] == (tasks[1].id, True, STORAGE, "prices", "blake2b:1", "builtins.dict", 100, named[1].created)
        assert (found.before, found.run_name, found.task_name) == (None, tasks[1].name, tasks[1].task_name)
        assert (found.flow_run_id, found.flow_name, found.tags) == (run.id, run.flow_name, "[]")
        made = event("result.created")
        assert [services.settle_results([found], [each], []) for each in (made, event())] == [True, False]
        assert services.events(EventFilter()) == [made]
        orchestrator.commit([named[4], persisted(run, "prices", digest="blake2b:5")])
        last, other = services.named_results(9)
        assert (last.run_id, last.before, other.run_id, other.of_task) == (tasks[4].id, "blake2b:1", run.id, False)
        assert services.named_results(1) == [last]

    def test_the_last_sign_of_a_flow_run_is_a_line_or_a_state_of_a_task(self, orchestrator: Orchestrator) -> None:
        run = flow_run()
        task = task_run(run.id)
        assert orchestrator.services.last_sign(run.id) is None
        begun = state(task, S.RUNNING)
        orchestrator.commit([run, task, begun])
        assert orchestrator.services.last_sign(run.id) == begun.time
        orchestrator.commit([LogRecord(run.id, None, begun.time + 5, 20, "flow", "line")])
        assert orchestrator.services.last_sign(run.id) == begun.time + 5

    def test_an_event_is_added_once_with_its_deliveries(self, orchestrator: Orchestrator) -> None:
        found, registered = event(), hook()
        orchestrator.services.put_hook(registered)
        first, second = delivery(found, registered), delivery(found, registered)
        assert [orchestrator.services.add_events([found], [each]) for each in (first, second)] == [1, 0]
        assert orchestrator.services.events(EventFilter()) == [found]
        assert orchestrator.services.deliveries(None, None, 10) == [first]

    def test_events_are_filtered_newest_first(self, orchestrator: Orchestrator) -> None:
        old, late, other = event(), event("flow-run.late"), event("task-run.failed", flow_name="other")
        orchestrator.services.add_events([old, late, other], [])
        filters = [
            *(EventFilter(kind="flow-run.*"), EventFilter(kind="flow-run.late"), EventFilter(flow_name="other")),
            *(EventFilter(run_id=old.run_id), EventFilter(ids=(old.id, late.id)), EventFilter(older_than=late.id)),
            EventFilter(limit=1),
        ]
        found = [orchestrator.services.events(each) for each in filters]
        assert found == [[late, old], [late], [other], [old], [late, old], [old], [other]]

    def test_old_events_are_forgotten_with_their_deliveries(self, orchestrator: Orchestrator) -> None:
        old, new, registered = event(time=5), event(time=6), hook()
        orchestrator.services.add_events([old, new], [delivery(old, registered), kept := delivery(new, registered)])
        assert orchestrator.services.forget_events(6) == 1
        assert orchestrator.services.events(EventFilter()) == [new]
        assert orchestrator.services.deliveries(None, None, 10) == [kept]

    def test_a_hook_comes_back_as_it_was_put_until_it_is_deleted(self, orchestrator: Orchestrator) -> None:
        registered, found = hook(), event()
        orchestrator.services.put_hook(registered)
        orchestrator.services.add_events([found], [delivery(found, registered)])
        assert orchestrator.services.hooks() == [registered]
        assert [orchestrator.services.delete_hook(registered.id) for _ in range(2)] == [True, False]
        assert orchestrator.services.deliveries(None, None, 10) == []

    def test_a_delivery_is_claimed_by_one_who_saw_when_it_is_due(self, orchestrator: Orchestrator) -> None:
        registered, found = hook(), event()
        waiting = delivery(found, registered, 8)
        orchestrator.services.add_events([found], [waiting])
        assert [orchestrator.services.claim_delivery(waiting, 20) for _ in range(2)] == [True, False]
        assert orchestrator.services.due_deliveries(10, 5) == []
        assert orchestrator.services.due_deliveries(20, 5) == [waiting._replace(due=20)]
        orchestrator.services.note_delivery(waiting._replace(state="delivered"))
        assert not orchestrator.services.claim_delivery(waiting, 30)

    def test_deliveries_that_wait_are_due_in_their_turn(self, orchestrator: Orchestrator) -> None:
        registered, events = hook(), [event() for _ in range(3)]
        late, early, later = (delivery(each, registered, due) for each, due in zip(events, (9, 8, 11), strict=True))
        orchestrator.services.add_events(events, [late, early, later])
        assert orchestrator.services.due_deliveries(10, 5) == [early, late]
        assert orchestrator.services.due_deliveries(10, 5, of=registered.id) == [early, late]
        assert orchestrator.services.due_deliveries(10, 5, of="another") == []
        assert orchestrator.services.due_deliveries(10, 5, besides=("another", registered.id)) == []
        tried = early._replace(state="delivered", attempts=1, outcome="HTTP 204")
        orchestrator.services.note_delivery(tried)
        assert orchestrator.services.due_deliveries(10, 5) == [late]
        assert orchestrator.services.deliveries(registered.id, "delivered", 5) == [tried]
