"""The table of the two scripts."""

import numpy as np
import pyarrow as pa

ROWS = 1_000_000


def made() -> pa.Table:
    chance = np.random.default_rng(0)
    words = np.array(["alpha", "beta", "gamma delta", "epsilon"])
    return pa.table(
        {
            "id": np.arange(ROWS),
            "value": chance.random(ROWS),
            "word": words[chance.integers(0, 4, ROWS)],
            "time": np.datetime64("2024-01-01", "us") + np.arange(ROWS).astype("timedelta64[s]"),
        }
    )
