"""One cached function."""

from joblib import Memory

memory = Memory("joblib", verbose=0)


@memory.cache
def say(name: str) -> str:
    return f"hello {name}"


if __name__ == "__main__":
    print(say("world"))
