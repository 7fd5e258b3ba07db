"""A large array to S3 and back: obstore's own multipart PUT and GET, and a persisted result."""

import numpy as np
import obstore
from bucket import block, store
from duel import duel, persist, show

array = np.random.default_rng(0).random(32 * 1024 * 1024)
bare, storage = store(), block()
results = []


def theirs() -> None:
    obstore.put(bare, "array", memoryview(array).cast("B"), use_multipart=True)


def ours() -> None:
    results.append(persist(array, storage))


write = duel(theirs, ours, 2)
read = duel(lambda: obstore.get(bare, "array").bytes(), lambda: results[-1].get(), 2)
show(s3_write=write, s3_read=read)
