"""Small objects in S3: deleted one by one by 32 threads, and together as prune does."""

import os
from concurrent.futures import ThreadPoolExecutor

import obstore
from bucket import block, store
from duel import show, timed

OBJECTS = 5_000
bare, storage = store(), block()


def written() -> list[str]:
    keys = [os.urandom(16).hex() for _ in range(OBJECTS)]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda key: storage.write(key, b"x" * 400), keys))
    return keys


def one_by_one(keys: list[str]) -> None:
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda key: obstore.delete(bare, f"ours/{key}"), keys))


singly, together = written(), written()
times = timed(lambda: one_by_one(singly)), timed(lambda: storage.delete_many(together))
assert not {*singly, *together} & {*storage.list()}
show(s3_prune=times)
