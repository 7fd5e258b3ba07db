"""The workloads of one flow."""

from loop import main
from prefect import flow, task


@task
def plain(i: int) -> dict[str, int]:
    return {"i": i}


@task(persist_result=True)
def persisted(i: int) -> dict[str, int]:
    return {"i": i}


@task(cache_key_fn=lambda context, parameters: "always", persist_result=True)  # noqa: ARG005
def cached(i: int) -> dict[str, int]:
    return {"i": i}


@flow
def seq(count: int) -> int:
    for i in range(count):
        plain(i)
    return count


@flow
def submit(count: int) -> int:
    futures = [plain.submit(i) for i in range(count)]
    return sum(future.result()["i"] for future in futures)


@flow
def persist(count: int) -> int:
    for i in range(count):
        persisted(i)
    return count


@flow
def cache_hit(count: int) -> int:
    for i in range(count):
        cached(i)
    return count


if __name__ == "__main__":
    main({"seq": seq, "submit": submit, "persist": persist, "cache hit": cache_hit})
