"""No line that is logged fails a run, no logging that others set up loses lines of runs, and none shows a secret."""

import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, get_run_logger, settings, task
from tests.behaviour.conftest import Known, Programs


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Endless:
    def __repr__(self) -> str:
        return repr(self)


LINES: list[tuple[str, tuple[Any, ...], str]] = [
    ("loaded %d rows", ("three",), "loaded %d rows"),
    ("%s and %s", ("one",), "%s and %s"),
    ("nothing", (1, 2), "nothing"),
    ("%(name)s", ({"other": 1},), "%(name)s"),
    ("%s", (Broken(),), "whose text cannot be had"),
    ("%r", (Endless(),), "Endless"),
    ("x" * 2_000_000, (), "1,000,000 characters more"),
]


@pytest.mark.parametrize(("message", "args", "shown"), LINES, ids=range(len(LINES)))
def test_a_line_that_cannot_be_made_into_text_is_kept_as_far_as_it_can(
    message: str, args: tuple[Any, ...], shown: str, known: Known
) -> None:
    @flow
    def f() -> str:
        get_run_logger().info(message, *args)
        return "done"

    state = f(return_state=True)

    assert state.is_completed()
    kept = [line.message for line in known.lines(state.flow_run_id)]
    assert any(shown in line for line in kept), [line[:200] for line in kept]


@pytest.mark.slow
def test_half_a_character_is_shown_and_kept_as_an_escape(start: Programs, known: Known) -> None:
    program = start("""
        from perdure import flow, get_run_logger
        @flow
        def f():
            get_run_logger().info("half \\ud800 of one")
            return "done"
        f()
    """)

    status, _, err = program.end()

    assert status == 0
    assert "half \\ud800 of one" in err
    assert "half \\ud800 of one" in [line.message for line in known.lines(known.flow_run("f").id)]


def test_a_closed_standard_error_fails_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "closed").open("w") as file:
        pass
    monkeypatch.setattr(sys, "stderr", file)

    @flow
    def f() -> str:
        get_run_logger().info("a line")
        return "done"

    assert f() == "done"


def test_a_handler_of_the_users_that_raises_fails_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raises(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the disk is full")

    monkeypatch.setattr(logging.getLogger("perdure"), "handlers", [Raises()])

    @flow
    def f() -> str:
        get_run_logger().info("a line")
        return "done"

    assert f() == "done"


@pytest.fixture
def usual_logging() -> Iterator[None]:
    """Puts back what a test changes of the whole process's logging."""
    root, ours = logging.getLogger(), logging.getLogger("perdure")
    before = (root.handlers[:], root.level, ours.handlers[:], ours.level, ours.propagate)
    disabled = {
        name: each.disabled for name, each in root.manager.loggerDict.items() if isinstance(each, logging.Logger)
    }
    yield
    logging.disable(logging.NOTSET)
    root.handlers[:], root.level, ours.handlers[:], ours.level, ours.propagate = before
    for name, was in disabled.items():
        logging.getLogger(name).disabled = was


def _file_config(tmp_path: Path) -> None:
    file = tmp_path / "logging.ini"
    file.write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nlevel=WARNING\nhandlers=\n"
    )
    logging.config.fileConfig(file)


OTHERS: dict[str, Callable[[Path], None]] = {
    "dictConfig": lambda _: logging.config.dictConfig({"version": 1, "root": {"level": "WARNING"}}),
    "fileConfig": _file_config,
    "logging.disable": lambda _: logging.disable(logging.CRITICAL),
    "handlers removed": lambda _: logging.getLogger("perdure").handlers.clear(),
    "basicConfig": lambda _: logging.basicConfig(force=True, level=logging.ERROR),
}


@pytest.mark.usefixtures("usual_logging")
@pytest.mark.parametrize("configure", OTHERS.values(), ids=OTHERS)
def test_lines_reach_their_runs_however_others_configure_logging(
    configure: Callable[[Path], None], known: Known, tmp_path: Path
) -> None:
    @task
    def t() -> None:
        get_run_logger().warning("in the task")

    @flow
    def f() -> str:
        configure(tmp_path)
        get_run_logger().info("migrated")
        t()
        return "done"

    state = f(return_state=True)

    lines = [line.message for line in known.lines(state.flow_run_id)]
    assert lines == ["Began flow 'f'", "migrated", "in the task", "Finished in state Completed()"]


@pytest.mark.usefixtures("usual_logging")
def test_what_is_disabled_for_the_whole_process_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    @flow
    def f() -> None:
        logging.disable(logging.CRITICAL)
        get_run_logger().error("unseen")

    f()

    assert "unseen" not in capsys.readouterr().err


def test_a_line_may_be_left_out_of_what_is_kept(known: Known, capsys: pytest.CaptureFixture[str]) -> None:
    @flow
    def f() -> None:
        get_run_logger().info("only here", extra={"send_to_api": False})
        get_run_logger().info("everywhere", extra={"send_to_api": True})

    state = f(return_state=True)

    lines = [line.message for line in known.lines(state.flow_run_id)]
    assert "only here" not in lines
    assert "everywhere" in lines
    assert "only here" in capsys.readouterr().err


SECRETS: dict[str, tuple[str, str]] = {
    "api_token": ("perdure_abcdefghijklmnop", "perdure_abcdefghijklmnop"),
    "secrets_key": ("a-passphrase-of-mine", "a-passphrase-of-mine"),
    "results_signing_keys": ("one:" + "ab" * 32, "ab" * 32),
    "database": ("postgresql://me:hunter22hunter@localhost/db", "hunter22hunter"),
}


@pytest.mark.parametrize("name", SECRETS)
def test_the_values_of_secret_settings_are_shown_nowhere(
    name: str, known: Known, capsys: pytest.CaptureFixture[str]
) -> None:
    value, secret = SECRETS[name]

    @task
    def sends() -> None:
        raise ValueError(f"refused: [{secret}]")

    @flow(log_prints=True)
    def f() -> None:
        get_run_logger().info("sent %s", {"x": secret})
        print("sent", secret)
        try:
            sends()
        except ValueError:
            get_run_logger().exception("not sent")
        raise KeyError(secret)

    if name == "database":
        with settings.temporary_settings(database=value):
            pass  # a server that is not there would keep nothing
        state = f(return_state=True)
    else:
        with settings.temporary_settings(**{name: value}):
            state = f(return_state=True)
            assert secret not in repr(settings.current())

    shown = capsys.readouterr()
    lines = "".join(line.message for line in known.lines(state.flow_run_id))
    messages = "".join(str(each.message) for run in known.task_runs() for each in known.states(run.id))
    assert secret not in shown.err + shown.out + lines + messages + str(state.message)
    assert "**********" in lines


def test_what_runs_log_may_be_coloured_on_the_terminal_and_steers_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @flow
    def f() -> None:
        get_run_logger().info("\x1b[31mred\x1b[0m \x1b]0;owned\x07\rover\u202e")

    f()

    assert "\x1b[31mred\x1b[0m \\x1b]0;owned\\x07\\x0dover\\u202e\x1b[0m\n" in capsys.readouterr().err
