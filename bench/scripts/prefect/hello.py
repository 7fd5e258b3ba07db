"""One flow, one task."""

from prefect import flow, task


@task
def say(name: str) -> str:
    return f"hello {name}"


@flow
def hello() -> str:
    return say("world")


if __name__ == "__main__":
    print(hello())
