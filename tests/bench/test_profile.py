"""What the profile counts."""

from pathlib import Path

from bench.profile import called


def test_functions_that_a_call_calls_are_counted_by_room_and_nothing_else_of_the_flow_is(tmp_path: Path) -> None:
    rooms = called("seq", tmp_path, calls=5)

    assert rooms["the workload"] == 1
    assert 5 < rooms["_engine"] < 50
    assert rooms["functions in C"] > rooms["_engine"]
