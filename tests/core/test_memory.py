"""Memory for large values."""

import os

import pytest

from perdure._platform.memory import room_for


@pytest.mark.parametrize("size", [0, 1, 5_000, 3 * 1024 * 1024])
def test_room_is_writable_and_as_large_as_asked_for(size: int):
    room = room_for(size)
    assert room.nbytes == size
    room[:] = b"x" * size
    assert room == b"x" * size


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # of any test before
def test_what_a_forked_process_writes_is_its_own():
    room = room_for(5_000)
    room[0] = 1
    child = os.fork()
    if not child:
        room[0] += 1
        os._exit(room[0])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert room[0] == 1
