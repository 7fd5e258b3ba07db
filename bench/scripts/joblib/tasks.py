"""The workloads of one cached function."""

from joblib import Memory
from loop import main

memory = Memory("joblib", verbose=0)


@memory.cache
def kept(i: int) -> dict[str, int]:
    return {"i": i}


def persist(count: int) -> int:
    for i in range(count):
        kept(count + i)  # none of those that the warm-up left
    return count


def cache_hit(count: int) -> int:
    for _ in range(count):
        kept(0)
    return count


if __name__ == "__main__":
    main({"persist": persist, "cache hit": cache_hit})
