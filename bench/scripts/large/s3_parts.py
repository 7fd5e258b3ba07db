"""Arrays of 8 and of 64 parts to S3 and back: obstore's own multipart PUT and GET, and persisted results."""

import numpy as np
import obstore
from bucket import block, store
from duel import duel, persist, show

PART = 8 * 1024 * 1024
bare, storage = store(), block()
figures = {}
for parts in (8, 64):
    array = np.random.default_rng(0).random(parts * PART // 8)
    results = []
    figures[f"s3_write_{parts}"] = duel(
        lambda array=array: obstore.put(bare, "array", memoryview(array).cast("B"), use_multipart=True),
        lambda array=array, results=results: results.append(persist(array, storage)),
        1,
    )
    figures[f"s3_read_{parts}"] = duel(
        lambda: obstore.get(bare, "array").bytes(), lambda results=results: results[-1].get(), 1
    )
show(**figures)
