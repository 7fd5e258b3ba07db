"""Lines of other loggers than the run's own, kept with the run in whose code they were logged."""

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import structlog
from loguru import logger as loguru_logger

from perdure import flow, get_run_logger, session, settings, task
from perdure.logging import RunHandler, disable_run_logger
from perdure.states import State


def kept(state: State[object]) -> list[str]:
    """The messages that were kept with a flow run, without those of the engine."""
    lines = session.current().orchestrator.logs(flow_run_id=state.flow_run_id)
    engine = ("Began ", "Finished ")
    return [each.message for each in lines if not each.message.startswith(engine)]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of a library's own, with our handler."""
    logger, handler = logging.getLogger("a_library.part"), RunHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.removeHandler(handler)


def test_lines_of_a_librarys_logger_are_kept_with_the_run(logger: logging.Logger) -> None:
    @task
    def load() -> None:
        logger.info("%d rows", 3)

    @flow
    def loads() -> None:
        logger.warning("before")
        load()
        load.submit().result()

    logger.info("outside")
    state = loads(return_state=True)
    assert kept(state) == ["before", "3 rows", "3 rows"]
    lines = session.current().orchestrator.logs(flow_run_id=state.flow_run_id)
    assert {(each.logger, each.task_run_id is None) for each in lines if each.message in ("before", "3 rows")} == {
        ("a_library.part", True),
        ("a_library.part", False),
    }


def test_lines_below_the_level_and_while_runs_are_silent_are_not_kept(logger: logging.Logger) -> None:
    @flow
    def loads() -> None:
        logger.debug("detail")
        with disable_run_logger():
            logger.warning("silent")
        logger.warning("loud", extra={"send_to_api": False})

    assert kept(loads(return_state=True)) == []
    with settings.temporary_settings(logging_level="DEBUG"):
        assert kept(loads(return_state=True)) == ["detail"]


def test_a_runs_own_lines_are_kept_once_under_a_handler_for_all() -> None:
    @flow
    def loads() -> None:
        get_run_logger().info("own")

    handler = RunHandler()
    for name in (None, "perdure"):
        logging.getLogger(name).addHandler(handler)
    try:
        assert kept(loads(return_state=True)) == ["own"]
    finally:
        for name in (None, "perdure"):
            logging.getLogger(name).removeHandler(handler)


def test_a_line_that_cannot_be_formatted_fails_no_run(logger: logging.Logger) -> None:
    @flow
    def loads() -> int:
        logger.warning("%d rows", "many")
        return 1

    with suppress(TypeError):  # pytest's own handler raises
        assert loads() == 1
    assert [each for each in kept(loads(return_state=True)) if "many" in each]


def test_other_threads_keep_their_lines_only_with_the_runs_context(logger: logging.Logger) -> None:
    @flow
    def loads() -> None:
        thread = threading.Thread(target=logger.warning, args=["from a thread"])
        thread.start()
        thread.join()

    assert kept(loads(return_state=True)) == []


def test_loguru_keeps_lines_and_tracebacks_with_the_run() -> None:
    @flow
    def loads() -> None:
        loguru_logger.info("{} rows", 3)
        try:
            int("no number")
        except ValueError:
            loguru_logger.exception("it failed")

    number = loguru_logger.add(RunHandler(), format="{message}")
    try:
        first, second = kept(loads(return_state=True))
    finally:
        loguru_logger.remove(number)
    assert first == "3 rows"
    assert second.startswith("it failed")
    assert second.rstrip().endswith("'no number'")


def test_structlog_keeps_lines_with_the_run(logger: logging.Logger) -> None:
    @flow
    def loads() -> None:
        structlog.get_logger("a_library.part").bind(day="monday").warning("loaded", rows=3)

    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer(key_order=["event"])],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        assert kept(loads(return_state=True)) == ["event='loaded' day='monday' rows=3"]
    finally:
        structlog.reset_defaults()
