"""A clock that tests move."""

from datetime import timedelta

from perdure import flow, task
from perdure.testing.clock import ManualClock, manual_clock

calls: list[int] = []


@task(cache_key_fn=lambda: "price", cache_expiration=timedelta(hours=1))
def price() -> list[int]:
    calls.append(1)
    return [42]


@flow
def asks() -> None:
    price()


def test_it_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(1_000_000)
    assert clock() == clock() == 1_000_000
    clock.move(2.5)
    clock.move(timedelta(seconds=-1))
    assert clock() == 2_500_000
    assert clock.now.isoformat() == "1970-01-01T00:00:02.500000+00:00"


def test_what_is_cached_expires_by_it() -> None:
    calls.clear()
    with manual_clock() as clock:
        asks()
        clock.move(timedelta(minutes=59))
        asks()
        assert len(calls) == 1
        clock.move(timedelta(minutes=2))
        asks()
        assert len(calls) == 2


def test_states_have_its_time() -> None:
    with manual_clock() as clock:
        clock.move(timedelta(days=365))
        assert asks(return_state=True).time == clock()
