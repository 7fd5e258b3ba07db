"""What these tests share: a look at an error as its reader sees it, runs of all kinds, a disk that is full."""

import asyncio
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from perdure import flow, session, task
from perdure.cli import app
from perdure.records import RunFilter


@pytest.fixture
def assert_clear() -> Callable[..., None]:
    """Asserts that an error is one line which names the value, the rule and the mend, with no other error before it."""

    def check(error: BaseException, *, value: str, rule: str, mend: str) -> None:
        text = str(error)
        missing = [part for part in (value, rule, mend) if part not in text]
        assert not missing, f"{missing} is not in: {text}"
        assert "\n" not in text
        assert error.__cause__ is None
        assert error.__context__ is None or error.__suppress_context__

    return check


Raised = Callable[..., Exception]


@pytest.fixture(params=["sync flow", "async flow", "sync task", "async task", "submitted task"])
def raised_by(request: pytest.FixtureRequest) -> Raised:
    """Runs a function as a flow or a task, sync or async, with some options; gives what it raises."""
    colour, kind = request.param.split()

    def run(function: Callable[..., Any], *args: Any, **options: Any) -> Exception:
        async def coroutine(*args: Any) -> Any:
            return function(*args)

        decorate: Any = flow if kind == "flow" else task
        call = decorate(name="subject", **options)(coroutine if colour == "async" else function)
        ways: dict[str, Callable[[], Any]] = {
            "sync": lambda: call(*args),
            "async": lambda: asyncio.run(call(*args)),
            "submitted": flow(name="around")(lambda: call.submit(*args).result()),
        }
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the caller looks at it
            ways[colour]()
        return caught.value

    return run


@pytest.fixture
def state_of() -> Callable[[str], str | None]:
    """The name of the state in which the only run of a flow or task is, as the database has it."""

    def find(of: str) -> str | None:
        known = session.current().orchestrator
        (run,) = [*known.flow_runs(RunFilter(of=of)), *known.task_runs(RunFilter(of=of))]
        return run.state_name

    return find


@pytest.fixture
def perdure() -> Callable[..., Result]:
    """Calls `perdure` with arguments."""
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})

    def call(*arguments: object) -> Result:
        return runner.invoke(app, [str(each) for each in arguments], catch_exceptions=False)

    return call


@pytest.fixture
def full_after() -> Callable[[int], AbstractContextManager[None]]:
    """Within it, the kernel lets no file of this process grow beyond a number of bytes, as on a full disk."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)

    return limit


@pytest.fixture
def a_file(tmp_path: Path) -> Path:
    """A regular file: no directory can be made below it, not even by root."""
    file = tmp_path / "a-file"
    file.write_text("not a directory")
    return file
