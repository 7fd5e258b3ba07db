"""Events of states come in the order in which their runs came to these, however quickly that was."""

from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure import session
from perdure._platform.ids import new_id
from perdure._rooms.automations.port import Automation, Automations
from perdure._rooms.events.port import ARRIVAL, EventFilter, SeenState
from perdure._server.services.events import Events, event_of_state, former_id
from perdure._server.services.runtime import ServiceRuntime
from perdure._settings import settings as perdure_settings
from perdure.events import emit_event
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state

AT = 1_780_000_000_123_456
RUN = "01a22e63-77e3-7000-b72f-9797f0bbc8c3"
DAY = 86_400_000_000


def seen(time: int, arrival: int) -> SeenState:
    return SeenState(RUN, arrival, False, "RUNNING", "Running", None, time, "n", None, "f", None, "[]")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 5)), min_size=2, max_size=12),
    st.integers(-DAY, DAY),
    st.integers(0, ARRIVAL - 1),
)
def test_ids_sort_by_time_and_then_by_arrival(steps: list[tuple[int, int]], late: int, writer: int) -> None:
    states, arrived = list[SeenState](), AT + late
    for offset, after in steps:  # several within a microsecond, and in any order otherwise
        arrived += after
        states.append(seen(AT + offset // 10, arrived * ARRIVAL + writer))

    ids = {event_of_state(each).id: each for each in states}

    assert [ids[id] for id in sorted(ids)] == sorted(states, key=lambda each: (each.time, each.arrival))
    assert all((UUID(id).version, UUID(id).variant) == (7, RFC_4122) for id in ids)


@settings(max_examples=30, deadline=None)
@given(st.integers(-(2**62), 2**62), st.integers(0, 2**62))
def test_whatever_clocks_say_an_event_has_an_id_of_its_own(time: int, arrival: int) -> None:
    ids = {event_of_state(seen(time, arrival + writer)).id for writer in range(3)}

    assert len({UUID(id) for id in ids}) == 3


@pytest.fixture
def runtime() -> ServiceRuntime:
    return ServiceRuntime(session.current().orchestrator, perdure_settings.current())


def test_events_of_one_microsecond_are_listed_and_decided_in_the_order_of_the_run(runtime: ServiceRuntime) -> None:
    known = runtime.orchestrator
    known.room(Automations).put(Automation(new_id(), "watches", "{}", None, 0, None, "{}", 0, 0, 0))
    events, order = Events(), [StateType.PENDING, StateType.RUNNING, StateType.FAILED]
    cursor = events(runtime, None).cursor
    runs = [flow_run() for _ in range(20)]
    at = runtime.clock()
    known.commit([*runs, *(state(run, kind)._replace(time=at) for run in runs for kind in order)])

    events(runtime, cursor)

    listed = known.services.events(EventFilter())[::-1]
    assert [each.kind for each in listed] == [f"flow-run.{kind.lower()}" for _ in runs for kind in order]
    assert list(known.room(Automations).inbox(100)) == [each.id for each in listed]


def test_what_a_program_emits_is_in_its_place_among_the_states_of_its_run(runtime: ServiceRuntime) -> None:
    events, run = Events(), flow_run()
    cursor = events(runtime, None).cursor
    before = state(run, StateType.RUNNING)._replace(time=runtime.clock())
    emit_event("order.shipped", {"perdure.resource.id": "order"})
    runtime.orchestrator.commit([run, before, state(run, StateType.COMPLETED)._replace(time=runtime.clock())])

    events(runtime, cursor)

    kinds = [each.kind for each in runtime.orchestrator.services.events(EventFilter())[::-1]]
    assert kinds == ["flow-run.running", "order.shipped", "flow-run.completed"]


def test_the_former_id_of_an_event_is_what_it_was() -> None:
    assert former_id(seen(AT, 1_780_000_000_123_999 * ARRIVAL + 77)) == "019e7044-887b-76ae-8aec-ef157bcec433"


def test_events_that_an_earlier_version_made_do_not_come_again(runtime: ServiceRuntime) -> None:
    services, run = runtime.orchestrator.services, flow_run()
    cursor = Events()(runtime, None).cursor
    pending, running, completed = (
        state(run, kind)._replace(time=runtime.clock())
        for kind in (StateType.PENDING, StateType.RUNNING, StateType.COMPLETED)
    )
    runtime.orchestrator.commit([run, pending, running])
    made = services.states_after(0, 9)
    services.add_events([event_of_state(each)._replace(id=former_id(each)) for each in made], [])
    runtime.orchestrator.commit([completed])

    events = Events()

    assert [events(runtime, cursor).text, events(runtime, cursor).text, Events()(runtime, cursor).text] == [
        *("1 new", "0 new", "0 new")
    ]
    assert {each.kind for each in services.events(EventFilter())} == {
        *("flow-run.pending", "flow-run.running", "flow-run.completed")
    }
