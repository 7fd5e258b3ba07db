"""The child process of a `ProcessTaskRunner`: `python -m perdure._execution.process_worker`."""

import json
import os
import pickle
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue

from perdure._execution.worker_batch import Batch, Post
from perdure._platform import programs
from perdure._run.log_reporting import watch_prints
from perdure._runners.envelopes import Message
from perdure._runners.processes import receive, send


def main() -> None:
    """Run the batches that come in on standard input, and answer each of their calls, until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    printed = os.environ.pop("PERDURE_WORKER_STDOUT", None)
    os.dup2(sys.stderr.fileno() if printed is None else int(printed), sys.stdout.fileno())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle, which then ends us
    sys.path[:] = os.environ.pop("PERDURE_WORKER_PATH").split(os.pathsep)
    sent = json.loads(os.environ.pop("PERDURE_WORKER_PROGRAMS"))
    programs.runs_tasks_of({module: (name, project) for module, (name, project) in sent.items()})
    watch_prints()  # the program, whose decorators do, is in the other process
    lock = threading.Lock()

    def answer(message: Message | None) -> None:
        with lock:
            send(answers, pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    inbox = _Inbox(answer)
    while (batch := inbox.next()) is not None:
        batch.run()
        inbox.batch = None


class _Inbox:
    """Takes batches in a thread of its own, so that it knows of the parent's end while a task runs.

    Then the process ends at once: a resume of the flow run takes its tasks for lost, and runs them again.
    """

    def __init__(self, answer: Callable[[Message | None], None]) -> None:
        self.batch: Batch | None = None  # that runs
        self._answer = answer
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        threading.Thread(target=self._receive, name="perdure-inbox", daemon=True).start()

    def next(self) -> Batch | None:
        """The next batch, waited for; None when there will be none."""
        return self._batches.get()

    def _receive(self) -> None:
        while True:
            try:
                request = receive(sys.stdin.buffer)
            except EOFError:
                if self.batch is not None:
                    os._exit(1)
                self._batches.put(None)
                return
            if sys.platform != "win32" and select.select([sys.stdin], [], [], 0)[0]:
                os._exit(1)  # nothing comes so soon after a batch but the end of a parent that waits for no answers
            try:
                self._answer(None)  # it is there
                shared, calls = pickle.loads(request)
                self.batch = Batch(calls, shared, Post(self._answer))
            except BaseException:  # nobody else would answer, and the parent would wait for ever
                traceback.print_exc()
                os._exit(1)
            self._batches.put(self.batch)


if __name__ == "__main__":
    main()
