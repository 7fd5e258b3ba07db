"""A flow that persists results until it is killed, and says which ones it has. Run by `test_kills.py`."""

import sys

from perdure import flow, runtime, task
from perdure.tasks import task_input_hash


@task(persist_result=True)
def persisted(number: int) -> dict[str, int]:
    return {"number": number}


@task(persist_result=True, result_storage_key="newest.json", result_serializer="json")
def overwritten(number: int) -> list[int]:
    return [number] * 100


@task(cache_key_fn=task_input_hash)
def cached(number: int) -> str:
    return "x" * number


@task
def tracked(number: int) -> int:
    return number


@task(persist_result=True)
def submitted(number: int) -> str:
    return f"{runtime.task_run.id} {number}"


@flow(log_prints=True)
def killed(seed: int) -> None:
    say("ready")
    for number in range(seed * 1_000, seed * 1_000 + 1_000):
        state = persisted(number, return_state=True)
        say(f"{state.task_run_id} {number}")
        tracked(number)
        overwritten(number)
        cached(number % 7)
        futures = [submitted.submit(number + step) for step in range(3)]
        for future in futures:
            future.result()
        print(number)


def say(text: str) -> None:
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    killed(int(sys.argv[1]))
