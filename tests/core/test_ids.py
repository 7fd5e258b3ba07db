"""Ids: canonical UUIDs of version 7 that sort by age, unique across threads and forks."""

import os
import threading
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure._platform.ids import exactly_dated_id, is_id, new_id

few = settings(max_examples=30, deadline=None)  # a busy machine is slow, not wrong


def test_an_id_is_a_uuid_of_version_7() -> None:
    parsed = uuid.UUID(new_id())

    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_ids_sort_by_age() -> None:
    ids = [new_id() for _ in range(5_000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_of_several_threads_differ() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend([new_id() for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 8_000


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # of any test before
def test_a_forked_process_makes_other_ids() -> None:
    new_id()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, "".join(new_id() for _ in range(20)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 36 * 20).decode()
    os.close(read)
    os.close(write)

    assert {theirs[i : i + 36] for i in range(0, len(theirs), 36)}.isdisjoint({new_id() for _ in range(20)})


def test_every_id_is_an_id() -> None:
    assert is_id(new_id())
    assert is_id(str(uuid.uuid4()).upper())


@few
@given(st.text())
def test_other_text_is_not_an_id(text: str) -> None:
    assert not is_id(text)
    assert not is_id(new_id() + text[:1] + "0")


@few
@given(st.lists(st.integers(0, (1 << 48) * 1_000 - 1), unique=True, min_size=2), st.integers(0, 900))
def test_ids_that_are_dated_exactly_sort_by_the_microsecond(times: list[int], apart: int) -> None:
    times += [times[0] + apart, times[0] + apart + 1]
    ids = {time: exactly_dated_id(str(uuid.uuid4()), time) for time in times if time < (1 << 48) * 1_000}

    assert sorted(ids, key=ids.__getitem__) == sorted(ids)
    assert all(uuid.UUID(id).version == 7 for id in ids.values())
