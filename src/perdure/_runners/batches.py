"""Submitted tasks that leave the process: many calls at a time, without a call noticing that it is not alone.

The problem: each call that goes to another process alone costs a commit, or a round trip to a server, on its way out,
another on its way back, and a thread or two that wake up. A task that does little is a hundred times slower than its
function.

The idea: calls travel in batches. A thread of the runner, with a worker of its own, takes from the queue as many calls
as fit into a tenth of a second by what earlier calls of these tasks took, at most `MOST`. They are prepared here,
recorded by one commit, and sent. Each answer is on its way as soon as its call has ended; those that have come are
recorded together, and only then seen. So a batch changes when something is recorded, and nothing else:

    thread     take 1..100 calls ─ one commit ─ send ───────────► receive some ─ one commit ─ futures arrive ─ ...
    worker                              run 1, answer 1, run 2, answer 2, run 3 (slow) ...
    worker                                             a tenth of a second: return the calls after 3, which are queued

What always holds:

- A call is recorded, under the claim by which this process owns its flow run, before it is sent; if that claim is lost
  it is not sent. A call that was sent is run by nobody else, unless its worker has returned it, or is gone.
- Calls run in the order of their batch. If the worker is lost, those that may have begun are lost, and run again only
  as often as their `retries` say: of a process that is the first one without an answer, since its answers wait in a
  pipe; of a worker on another machine, all whose answers have not come. The others are sent to another worker.
- Calls that were lost together go alone when they are tried again: the one that ends its worker takes no others along a
  second time.
- A call of unknown duration goes alone. One that turns out to be slow holds up the others of its batch for a tenth of a
  second: then they go elsewhere.
- The calls of a batch need the same resources. Values that a cluster holds go with it as the cluster's references.
- A call is in the queue or in a batch until it is handed over: to what it came to, to another thread that tries it
  again, or back to the queue. What is raised on the way, for it or for another of its batch, ends it Crashed, so that
  nobody waits for a call that nobody has.
- While nothing is on its way, nothing waits: calls linger in the queue for others, for 5 ms at most, only while
  batches are out, and only if they are short.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

from perdure._model.errors import CrashedRun, ResultLost, SerializationError
from perdure._model.records import StateRecord
from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._runners.base import WINDOW, Work, for_each
from perdure._runners.envelopes import Answer, Message, Reported, Returned, Sent, Shared, packed_call, state_of
from perdure._runners.threads import ThreadTaskRunner

MOST = 100  # calls in a batch
_SECONDS = 0.1  # that a batch is to take
_LINGER = 0.005  # seconds that a call waits for others to go with
_STEP = 0.001  # seconds between two looks at the queue meanwhile
_BYTES = 8_000_000  # in a batch of more than one call


class WorkerLost(Exception):
    """The worker of a thread is gone; the message says how it ended, as far as that is known.

    `begun` is how many of the calls without an answer may have begun; None if only their worker could say it.
    """

    def __init__(self, how: str, begun: int | None = None) -> None:
        super().__init__(how)
        self.begun = begun


class BatchRefused(Exception):
    """The calls of a batch cannot run on any worker; the message says why, and what to do."""


class Lane(Protocol):
    """A thread's way to a worker that runs one batch after another."""

    def begin(self, sent: Sent) -> None:
        """Send a batch.

        Raises:
            WorkerLost: the worker is gone.
            BatchRefused: no worker can run it.
        """

    def receive(self, linger: float) -> Sequence[Message]:
        """The messages of the batch that have come, waited for. More may come within `linger` seconds.

        Raises:
            WorkerLost: the worker is gone, and all that it had sent was received.
            BatchRefused: no worker can run it.
        """

    def interrupt(self) -> None:
        """Interrupt the call that the worker runs, if it runs one."""

    def kill(self) -> None:
        """End what the worker runs at once."""

    def close(self) -> None:
        """Release the worker, which runs nothing now."""


class Batch:
    """Calls that one thread has taken from the queue."""

    def __init__(self, works: Sequence[Work]) -> None:
        self.waiting: dict[int, Work] = dict(enumerate(works))  # by their places, those without an answer
        self.attempts = 0  # of the call that runs, as far as they were reported

    def crash(self, error: BaseException) -> None:
        """End all of them that have not ended."""
        for_each(self.release(), lambda work: work.crash(error))

    def release(self) -> list[Work]:
        """All that have not ended; what becomes of each of them is the caller's to see to."""
        waiting, self.waiting = self.waiting, {}
        return list(waiting.values())


class BatchingTaskRunner(ThreadTaskRunner):
    """What task runners have in common whose tasks run in workers. Each thread has a worker of its own."""

    lends_threads = False
    takes_coroutines = True
    _most = MOST
    _place: object = None  # where values are held that its tasks came to, as results know it; None: here

    def _begin(self) -> None:
        super()._begin()
        self._lanes: dict[int, Lane] = {}  # by the thread that owns it
        self._seconds: dict[str, float] = {}  # that a call takes, by its kind
        self._out = 0  # batches that are on their way
        self._suspects: set[str] = set()  # task runs that were lost with others: one of them may end its worker again
        self._killed: set[int] = set()  # the threads whose workers were ended by `cancel`

    @property
    def window(self) -> int:  # type: ignore[override]  # it follows the limit, which is a setting
        """How many calls of a mapped task may be submitted and not finished, so that no worker waits for one."""
        return max(WINDOW, 2 * self._most * self._limit())

    def cancel(self) -> None:
        """Cancel all queued tasks, and end the workers: their tasks crash."""
        try:
            super().cancel()
        finally:
            for thread, lane in tuple(self._lanes.items()):
                self._killed.add(thread)
                lane.kill()

    def interrupt(self) -> None:
        """Have the tasks in the workers be interrupted, once each, where they can be."""
        for lane in tuple(self._lanes.values()):
            lane.interrupt()

    def _open(self) -> Lane:
        """A way to a worker, for the calling thread.

        Raises:
            WorkerLost, OSError: there is none.
        """
        raise NotImplementedError

    def _next(self) -> Batch | None:
        if not self._await_work():
            return None
        self._linger()
        with self._wake:
            works = self._taken()
            self._out += bool(works)
        return Batch(works)  # of none, if another thread was there meanwhile

    def _linger(self) -> None:
        end = time.monotonic() + _LINGER
        while self._out and time.monotonic() < end:
            with self._wake:
                if not self._queue or len(self._queue) >= self._most or not self._is_short(self._queue[0]):
                    return
            time.sleep(_STEP)

    def _kind_of(self, work: Work) -> str | None:
        """What calls that may share a batch with this one have in common; None if none may."""
        return None if work.run_id in self._suspects else work.kind

    def _is_short(self, work: Work) -> bool:
        kind = self._kind_of(work)
        return kind is not None and self._seconds.get(kind, _SECONDS) < _LINGER

    def _taken(self) -> list[Work]:
        """Calls from the queue's beginning that fit into one batch; as many as go round, if there are few."""
        queue: deque[Work] = self._queue
        share = min(self._most, -(-len(queue) // self._limit()))
        works: list[Work] = []
        left = _SECONDS
        while queue and len(works) < share:
            kind = self._kind_of(queue[0])
            left -= _SECONDS if kind is None else self._seconds.get(kind, _SECONDS)
            if works and (kind is None or left < 0 or queue[0].resources != works[0].resources):
                break
            works.append(queue.popleft())
            if kind is None:
                break
        return works

    def _run(self, batch: Batch) -> None:
        if not batch.waiting:
            return
        try:
            sent = self._packed(batch)
            if sent is not None:
                self._send(batch, sent)
        finally:
            with self._wake:
                self._out -= 1

    def _packed(self, batch: Batch) -> Sent | None:
        """The calls of a batch that are to run, and what they share; None if there are none. They are recorded."""
        shared, packed, kept = Shared(), list[bytes](), list[Work]()
        size = 0
        works, batch.waiting = deque(batch.waiting.values()), {}
        try:
            while works and size < _BYTES:
                work = works.popleft()
                body = _packed_or_ended(work, shared, self._place)
                if body is not None:
                    packed.append(body)
                    size += len(body)
                    kept.append(work)
        finally:
            batch.waiting = dict(enumerate(kept))
            self._queue_first(works)  # whatever happens, and if these are large
        if not kept:
            return None
        kept[0].report((), True)  # they are of one flow run: from here on they are claimed
        if kept[0].is_stopping():
            self._queue_again(batch.release())
            return None
        try:
            return Sent(packed, shared.packed(), shared.held, kept[0].resources, kept[0].name)
        except Exception as error:
            reason = error
            for_each(batch.release(), lambda work: work.crash(_not_sent(work, reason)))
            return None

    def _send(self, batch: Batch, sent: Sent) -> None:
        thread = threading.get_ident()
        if thread in self._killed:  # while it ran nothing: with its next calls it would be taken for lost
            self._killed.discard(thread)
            self._leave()
        try:
            lane = self._lanes.get(thread) or self._open()
        except (OSError, WorkerLost) as error:
            batch.crash(CrashedRun(f"A worker for the task cannot be had: {error}"))
            return
        self._lanes[thread] = lane
        try:
            lane.begin(sent)
            self._receive(batch, lane)
        except WorkerLost as lost:
            self._lanes.pop(thread, None)
            lane.close()
            self._after_loss(batch, str(lost), lost.begun)
        except BatchRefused as refused:
            batch.crash(refused)
        except BaseException:  # the worker continues the batch, whose answers would be taken for those of the next
            self._lanes.pop(thread, None)
            lane.kill()
            lane.close()
            raise

    def _receive(self, batch: Batch, lane: Lane) -> None:
        while batch.waiting:
            self._take_in(batch, lane.receive(self._rest_of(batch)))

    def _rest_of(self, batch: Batch) -> float:
        """Seconds within which the others of a batch may come: they are awaited, so that all are recorded together."""
        if len(batch.waiting) == 1:
            return 0.0
        kind = next(iter(batch.waiting.values())).kind or ""
        return min(_LINGER, (len(batch.waiting) - 1) * self._seconds.get(kind, 0.0))

    def _take_in(self, batch: Batch, messages: Sequence[Message]) -> None:
        answers: list[tuple[Work, Answer]] = []
        for message in messages:
            if isinstance(message, Answer):
                work = batch.waiting.get(message.place)
                if work is not None:  # else it was said again, by a worker that did not know whether it had arrived
                    answers.append((work, message))
                    batch.attempts = 0
            elif isinstance(message, Returned):
                self._put_back(batch, message.places)
            else:
                self._note_progress(batch, message)
        if not answers:
            return
        self._note_seconds(answers)
        records = [record for _, answer in answers for record in answer.records]
        answers[0][0].report(records, any(answer.is_awaited for _, answer in answers))
        for work, answer in answers:
            self._suspects.discard(work.run_id)
            self._arrive(work, answer)
            batch.waiting.pop(answer.place, None)

    def _arrive(self, work: Work, answer: Answer) -> None:
        try:
            state, error = state_of(answer)
            if state is not None:
                self._checked(state)
        except Exception as broken:  # its value cannot be had here
            work.crash(broken)
            return
        if state is not None:
            work.arrive(state)
        else:
            assert error is not None
            work.crash(error)

    def _checked(self, state: State[object]) -> None:
        """A call has come to a state on a worker. Raises what is wrong with its result here."""

    def _note_seconds(self, answers: Sequence[tuple[Work, Answer]]) -> None:
        taken: dict[str, list[float]] = {}
        for work, answer in answers:
            taken.setdefault(work.kind or "", []).append(answer.seconds)
        for kind, seconds in taken.items():
            mean = sum(seconds) / len(seconds)
            self._seconds[kind] = (self._seconds.get(kind, mean) + mean) / 2

    def _note_progress(self, batch: Batch, reported: Reported) -> None:
        first = next(iter(batch.waiting.values()), None)
        if first is None:
            return
        first.report(reported.records, reported.is_awaited)
        batch.attempts += sum(
            isinstance(each, StateRecord) and each.type is StateType.RUNNING and each.run_id == first.run_id
            for each in reported.records
        )

    def _put_back(self, batch: Batch, places: Sequence[int]) -> None:
        self._queue_again([batch.waiting.pop(place) for place in places if place in batch.waiting])

    def _queue_again(self, works: Iterable[Work]) -> None:
        """Queue calls that were sent and have not begun, unless they were cancelled meanwhile."""
        again: list[Work] = []

        def put_back(work: Work) -> None:
            try:
                if work.put_back():
                    again.append(work)
            except BaseException as error:  # of our own code
                work.crash(error)
                raise

        try:
            for_each(works, put_back)
        finally:
            self._queue_first(again)

    def _queue_first(self, works: Sequence[Work]) -> None:
        with self._wake:
            self._queue.extendleft(reversed(works))
        for _ in range(min(len(works), self._limit())):
            self._call_thread()

    def _after_loss(self, batch: Batch, how: str, begun: int | None) -> None:
        """The worker of a batch is gone: so many of its first calls may have begun, or all; the others had not."""
        error = CrashedRun(f"The worker that ran the task was lost: {how}.")
        waiting = list(batch.waiting.values())
        lost, others = (waiting, []) if begun is None else (waiting[:begun], waiting[begun:])
        if lost:
            lost[0].end_below(lost, error)
        thread = threading.get_ident()
        if thread in self._killed:
            self._killed.discard(thread)
            batch.crash(error)
            return
        if len(lost) > 1:
            self._suspects.update(work.run_id for work in lost)
        batch.release()
        try:
            for_each(lost, lambda work: self._lose(work, error, max(1, batch.attempts) if work is lost[0] else 1))
        finally:
            self._queue_again(others)

    def _lose(self, work: Work, error: BaseException, attempts: int) -> None:
        """The worker that ran a call is gone: have it run again, if it has retries left."""
        try:
            work.lose(error, attempts, partial(self._queue_again, [work]))
        except BaseException as broken:  # such as: no thread can be started that waits for its turn
            work.crash(broken)
            raise

    def _leave(self) -> None:
        lane = self._lanes.pop(threading.get_ident(), None)
        if lane is not None:
            lane.close()


def _packed_or_ended(work: Work, shared: Shared, place: object) -> bytes | None:
    """A call that is to run, as bytes; None if it has come to its end."""
    try:
        call = work.ready_call(place)
    except BaseException as error:  # of our own code: who waits for it gets to know
        work.crash(error)
        raise
    if call is None:
        return None
    try:
        return packed_call(call, shared)
    except ResultLost as error:
        work.crash(error)
    except Exception as error:
        work.crash(_not_sent(work, error))
    return None


def _not_sent(work: Work, error: Exception) -> SerializationError:
    reason = f"The task '{work.name}' or its arguments cannot be sent to a worker: {error}"
    return SerializationError(f"{reason}. Use a ThreadTaskRunner, or pass what can be pickled.")
