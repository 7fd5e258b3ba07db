"""Persisted results, for tests that are about what becomes of them."""

from typing import Any

from perdure import flow, task


@task
def give(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


@flow
def gives(options: dict[str, Any], value: Any) -> str:
    return str(give.with_options(persist_result=True, **options)(value, return_state=True).run_id)


def kept(value: Any, **options: Any) -> str:
    """Persist the value as a task's result; the id of the run."""
    return gives(options, value)
