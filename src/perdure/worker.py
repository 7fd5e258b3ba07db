"""The child process of a `ProcessTaskRunner`: `python -m perdure.worker`."""

import os
import pickle
import signal
import sys


def main() -> None:
    """Run the tasks that come in on standard input, and answer with their states, until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    printed = os.environ.pop("PERDURE_WORKER_STDOUT", None)
    os.dup2(sys.stderr.fileno() if printed is None else int(printed), sys.stdout.fileno())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle, which then ends us
    sys.path[:] = os.environ.pop("PERDURE_WORKER_PATH").split(os.pathsep)
    from perdure.task_runners.processes import receive, send

    while True:
        try:
            request = receive(sys.stdin.buffer)
        except EOFError:
            return
        send(answers, _answer(request))


def _answer(request: bytes) -> bytes:
    import cloudpickle

    from perdure import session as sessions
    from perdure.core.errors import SerializationError
    from perdure.submission import run_task

    call = pickle.loads(request)
    session = sessions.current()
    state = run_task(call, session)
    session.orchestrator.flush()  # this process may be lost at any moment from here on
    try:
        answer: bytes = cloudpickle.dumps(state)
    except Exception as error:
        reason = f"The value of the task '{call.run.options.name}' cannot be sent back from its process: {error}"
        return pickle.dumps(SerializationError(f"{reason}. Persist it, or use a ThreadTaskRunner."))
    return answer


if __name__ == "__main__":
    main()
