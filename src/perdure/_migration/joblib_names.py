"""What each name of joblib becomes, of memoised and parallel functions."""

from perdure._migration.rules import Decide, Move, Source

_PAGE = "coming-from/joblib.md"


def _find(name: str) -> Move | Decide | None:
    decide = {
        "Memory": Decide(
            "Write `@task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)` for `@memory.cache`.",
            f"{_PAGE}#memory",
        ),
    }
    return decide.get(name.removeprefix("joblib."))


JOBLIB = Source("joblib", ("joblib",), _find)
