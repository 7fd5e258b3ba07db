"""10,000 results of 1 KiB to S3 by 32 threads: bare PUTs, and a flow that maps a task whose results are persisted."""

import os
from concurrent.futures import ThreadPoolExecutor

import obstore
from bucket import block, store
from duel import FOLDER, show, timed

COUNT, THREADS = 10_000, 32
os.environ["PERDURE_HOME"] = str(FOLDER / "home")

from perdure import flow, task  # noqa: E402 - the home is read when it is imported
from perdure.task_runners import ThreadTaskRunner  # noqa: E402

data = os.urandom(1024)
value = os.urandom(700)  # with base64 and its header, a document of about 1 KiB


@task(persist_result=True)
def made(_: int) -> bytes:
    return value


@flow(task_runner=ThreadTaskRunner(max_workers=THREADS), result_storage=block())
def ours() -> int:
    return sum(1 for _ in made.map(range(COUNT)))


def theirs() -> None:
    bare = store()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: obstore.put(bare, os.urandom(16).hex(), data), range(COUNT)))


show(s3_many=(timed(theirs), timed(ours)))
