"""A small persisted result, without and with its preview: in processor time, the disk's differs by more than that."""

import os

os.environ["PERDURE_LOGGING_LEVEL"] = "WARNING"

import time

from duel import show

from perdure import flow, session, settings, task

CALLS = 2_000
BLOCKS = 9


@task(persist_result=True)
def kept(number: int) -> dict[str, object]:
    return {"number": number, "name": "a name", "parts": [1, 2, 3]}


@flow
def calls() -> float:
    start = time.process_time()
    for number in range(CALLS):
        kept(number)
    return (time.process_time() - start) / CALLS


def with_previews(on: bool) -> float:
    os.environ["PERDURE_RESULTS_PREVIEWS"] = str(on)
    settings.reload()
    session.current()
    return calls()


with_previews(False), with_previews(True)
times = [(with_previews(False), with_previews(True)) for _ in range(BLOCKS)]
without, with_them = (sorted(side)[BLOCKS // 2] for side in zip(*times, strict=True))
show(preview=(without, with_them))
