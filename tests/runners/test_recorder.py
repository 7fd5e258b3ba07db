"""What a worker commits itself comes after what it has passed on to the sender of its calls."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, cast

from perdure._store.recorder import Recorder
from perdure.records import Record, StateRecord
from perdure.states import StateType

PENDING, RUNNING, COMPLETED = (
    StateRecord("run", True, kind, kind.capitalize(), None, time)
    for time, kind in enumerate((StateType.PENDING, StateType.RUNNING, StateType.COMPLETED))
)


class Database:
    """What is written, in order, by the worker and by the sender."""

    def __init__(self, sent: Sequence[Any] = ()) -> None:
        self.written: list[Record] = []
        self._sent = sent  # what the sender writes once somebody looks

    def commit(self, records: Iterable[Record]) -> None:
        self.written += records

    def states(self, _: str) -> list[Any]:
        seen = list(self.written)
        self.written += self._sent
        self._sent = ()
        return seen


def recorder_of(database: Database) -> Recorder:
    return Recorder(lambda: cast("Any", database))


def test_a_state_is_committed_once_the_sender_has_written_those_before() -> None:
    database = Database(sent=[PENDING, RUNNING])
    recorder = recorder_of(database)
    recorder.report([PENDING, RUNNING])
    assert recorder.take()[0] == [PENDING, RUNNING]
    recorder.report([COMPLETED])
    recorder.flush()
    assert database.written == [PENDING, RUNNING, COMPLETED]


def test_two_threads_commit_what_they_have_in_the_order_of_the_reports() -> None:
    class Busy(Database):
        def commit(self, records: Iterable[Record]) -> None:
            if not others:  # while this is under way, another thread has something to commit
                others.append(threading.Thread(target=report_more))
                others[0].start()
                others[0].join(0.3)  # it ends only if it does not wait for its turn
            super().commit(records)

    def report_more() -> None:
        recorder.report([RUNNING])
        recorder.flush()

    others: list[threading.Thread] = []
    database = Busy()
    recorder = recorder_of(database)
    recorder.report([PENDING])
    recorder.flush()
    others[0].join()
    assert database.written == [PENDING, RUNNING]
