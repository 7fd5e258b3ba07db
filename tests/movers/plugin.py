"""A plugin of pytest that runs Prefect's tests against Perdure, and notes of each what became of it."""

import inspect
import logging
import os
from json import dumps  # bound here: a test may put something else in its place
from pathlib import Path
from typing import Any

import pytest

from . import prefect_names
from .public import TestFile, why_private

AGAINST_PERDURE = not os.environ.get("MOVERS_PREFECT")
if AGAINST_PERDURE:
    prefect_names.install()

_files: dict[Path, TestFile] = {}


def _why_not(item: pytest.Function) -> str | None:
    if item.path not in _files:
        _files[item.path] = TestFile(item.path)
    file = _files[item.path]
    class_name = item.cls.__name__ if item.cls else None
    known = item._fixtureinfo.name2fixturedefs
    missing = [each for each in item.fixturenames if each not in known and each != "request"]
    if missing:
        return f"fixture {missing[0]}"
    functions = [item.function, *(each.func for definitions in known.values() for each in definitions)]
    code = ((each.__name__, getattr(inspect.unwrap(each), "__code__", None)) for each in functions)
    own = [name for name, made in code if made is not None and Path(made.co_filename) == item.path]
    return why_private(file.uses([(class_name, name) for name in own]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not about what users write."""
    prefect_names.Lacking.collecting = False
    kept, left = [], []
    known: dict[str, str | None] = {}
    for item in items:
        function = item.nodeid.partition("[")[0]
        if function not in known:
            known[function] = _why_not(item)
        why = known[function]
        service = next(item.iter_markers(name="service"), None)
        if service is not None:
            why = f"service {service.args[0]}"
        if why is None:
            kept.append(item)
        else:
            left.append(item)
            _note(item.nodeid, {"outcome": "private", "error": why})
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    """Note how a test ended, part by part: a part that failed counts before one that passed."""
    report = (yield).get_result()
    if report.when == "call" or not report.passed:
        note: dict[str, Any] = {"outcome": report.outcome, "seconds": round(report.duration, 2)}
        if call.excinfo is not None and report.failed:
            note["error"] = f"{call.excinfo.typename}: {call.excinfo.value}"[:1500]
            note["text"] = str(report.longrepr)[-3000:]
        _note(item.nodeid, note)


def _note(test: str, note: dict[str, Any]) -> None:
    with Path(os.environ["MOVERS_NOTES"]).open("a") as notes:
        notes.write(dumps({"test": test, **note}) + "\n")


if AGAINST_PERDURE:

    @pytest.fixture(scope="session")
    def event_loop() -> Any:
        import asyncio

        loop = asyncio.new_event_loop()
        yield loop
        loop.close()

    @pytest.fixture(autouse=True)
    def own_home(tmp_path_factory: pytest.TempPathFactory) -> Any:
        from perdure.settings import temporary_settings
        from perdure.testing.home import fresh_home

        with (
            fresh_home(tmp_path_factory.mktemp("home")),
            temporary_settings({"PERDURE_ASYNC_FETCH_STATE_RESULT": True}),
        ):
            yield

    @pytest.fixture(autouse=True)
    def logs_captured(caplog: pytest.LogCaptureFixture) -> Any:
        """Perdure's loggers, which hand nothing on to the root's handlers, are captured too, as Prefect's are there."""
        logger = logging.getLogger("perdure")
        level = logger.level
        logger.addHandler(caplog.handler)
        logger.setLevel(logging.DEBUG)
        yield
        logger.setLevel(level)
        logger.removeHandler(caplog.handler)

    @pytest.fixture
    async def prefect_client() -> Any:
        from perdure.client import get_client

        async with get_client() as client:
            yield client

    @pytest.fixture
    def start_of_test() -> Any:
        import pendulum

        return pendulum.now("UTC")

    @pytest.fixture
    def tests_dir() -> Path:
        return Path.cwd() / "tests"

    @pytest.fixture
    def events_disabled() -> None:
        return None

    @pytest.fixture
    def ignore_prefect_deprecation_warnings() -> None:
        return None

    @pytest.fixture
    def enable_workers() -> None:
        return None

    @pytest.fixture
    def flow_function() -> Any:
        from perdure import flow

        @flow
        def client_test_flow(param: int = 1) -> int:
            return param

        return client_test_flow
