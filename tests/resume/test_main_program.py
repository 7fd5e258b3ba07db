"""Values, arguments and exceptions of the main program's own classes: they are themselves again, however it is run."""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, task
from perdure.testing.crashes import killed
from tests import prepared

PROGRAM = """
import enum, os, signal, sys
from dataclasses import dataclass
from pathlib import Path

from perdure import INPUTS, flow, task


class Colour(enum.Enum):
    RED = 1


class Outer:
    class Inner(Exception):
        def __init__(self, text, *, code):
            super().__init__(text)
            self.code = code


@dataclass
class Order:
    colour: Colour


def double(x):
    return 2 * x


@task(cache_policy=INPUTS)
def cached(n):
    print("computed")
    return Order(Colour.RED)


@task
def step(n):
    print("step")
    return [Order(Colour.RED), double]


@task(result_serializer="json")
def as_json(n):
    return Order(Colour.RED)


@task
def failing():
    raise Outer.Inner("no", code=7)


@flow(durable=True, on_crash="resume")
def orders(wanted: Order):
    seen = [isinstance(wanted, Order), wanted.colour is Colour.RED]
    order, function = step(1)
    seen += [type(each) is Order and each.colour is Colour.RED for each in (cached(1), order, as_json(1))]
    seen += [function is double]
    try:
        failing()
    except Outer.Inner as error:
        seen.append(error.code == 7)
    if not Path("died").exists():
        Path("died").touch()
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    print("all" if all(seen) else seen)
    return 1


if __name__ == "__main__":
    orders(Order(Colour.RED))
"""


def run(directory: Path, *command: str, **environment: str) -> str:
    """What a command prints to standard output, in a home of the directory."""
    variables = {**os.environ, "PERDURE_HOME": str(directory / "home"), "PYTHONPATH": "", **environment}
    ended = subprocess.run(command, cwd=directory, env=variables, capture_output=True, text=True, timeout=60)
    assert ended.returncode in (0, -9), ended.stderr
    return ended.stdout


def perdure(directory: Path, *arguments: str) -> str:
    """What `perdure` prints."""
    return run(directory, str(Path(sys.executable).with_name("perdure")), *arguments)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_what_a_script_began_is_resumed_by_the_command_line(tmp_path: Path) -> None:
    tmp_path.joinpath("orders.py").write_text(PROGRAM)
    assert run(tmp_path, sys.executable, "orders.py") == "step\ncomputed\n"
    assert "all\n" in perdure(tmp_path, "flow-run", "resume", "--crashed")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_what_the_command_line_began_continues_as_a_script(tmp_path: Path) -> None:
    tmp_path.joinpath("orders.py").write_text(PROGRAM.replace("wanted: Order", "wanted: Order = Order(Colour.RED)"))
    assert perdure(tmp_path, "run", "orders.py") == "step\ncomputed\n"
    assert run(tmp_path, sys.executable, "orders.py") == "all\n"


COMPARED = """
import enum, sys
from dataclasses import dataclass
from perdure import flow


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Order:
    colour: Colour
    count: int


@flow(persist_result=True)
def order(colour: str):
    return [Order(Colour[colour], len(colour))]


if __name__ == "__main__":
    print(order(sys.argv[1], return_state=True).flow_run_id)
"""


def test_results_of_the_classes_of_a_script_are_compared_part_by_part(tmp_path: Path) -> None:
    tmp_path.joinpath("ordering.py").write_text(COMPARED)
    options: dict[str, Any] = {"cwd": tmp_path, "env": {**os.environ, "PERDURE_HOME": str(tmp_path / "home")}}
    red, blue = (prepared.run("ordering.py", each, check=True, **options).stdout.strip() for each in ("RED", "BLUE"))

    compared = prepared.run("-m", "perdure", "result", "diff", red, blue, **options)
    assert "[0].colour  <Colour.RED: 1> → <Colour.BLUE: 2>" in compared.stdout
    assert "[0].count  3 → 4" in compared.stdout
    assert compared.returncode == 1


@pytest.mark.slow
def test_process_tasks_give_and_take_classes_of_the_script(tmp_path: Path) -> None:
    tmp_path.joinpath("jobs.py").write_text(
        "import enum\nfrom perdure import INPUTS, flow, task\nfrom perdure.task_runners import ProcessTaskRunner\n"
        "class Colour(enum.Enum):\n    RED = 1\n"
        "class Refused(Exception):\n    pass\n"
        "@task(cache_policy=INPUTS)\ndef pick(n):\n    print('ran')\n    return Colour.RED\n"
        "@task(result_serializer='json', persist_result=True)\n"
        "def check(colour):\n    assert colour is Colour.RED\n    return [colour, Colour.RED]\n"
        "@task\ndef refuse():\n    raise Refused\n"
        "@flow(task_runner=ProcessTaskRunner(max_workers=1))\ndef jobs():\n"
        "    try:\n        refuse.submit().result()\n    except Refused:\n        print('refused')\n"
        "    picked = pick.submit(1).result()\n"
        "    print(picked is Colour.RED, check.submit(picked).result() == 2 * [Colour.RED])\n    return 1\n"
        "if __name__ == '__main__':\n    jobs()\n"
    )
    assert run(tmp_path, sys.executable, "jobs.py") == "refused\nran\nTrue True\n"
    assert "refused\nTrue True\n" in perdure(tmp_path, "run", "jobs.py")


SENT = """
import enum, functools
from dataclasses import dataclass
from perdure import flow, task
from perdure.task_runners import ProcessTaskRunner
class Colour(enum.Enum):
    RED = 1
    CRIMSON = 1
@dataclass(slots=True)
class Order:
    colour: Colour = Colour.CRIMSON
def twice(function):
    @functools.wraps(function)
    def wrapper(x):
        return 2 * function(x)
    return wrapper
@twice
def wrapped(x):
    return x
def plain(x):
    return x
VALUES = [Colour.CRIMSON, Order(), plain, functools.partial(plain, 1), wrapped, wrapped.__wrapped__]
@task(persist_result=True)
def same(values):
    assert values[0] is Colour["CRIMSON"] and isinstance(values[1], Order)
    return values
@flow(task_runner=ProcessTaskRunner(max_workers=1))
def sent():
    for values in (same.submit(VALUES).result(), same.submit(same.submit(VALUES)).result()):
        print(values[:3] == VALUES[:3], values[3].func is plain, values[4](1), values[5](1))
if __name__ == "__main__":
    sent()
"""


@pytest.mark.slow
def test_slots_aliases_and_functions_of_a_script_are_themselves_again_from_process_tasks(tmp_path: Path) -> None:
    tmp_path.joinpath("sent.py").write_text(SENT)

    assert run(tmp_path, sys.executable, "sent.py") == 2 * "True True 2 1\n"


UNPICKLABLE = """
import os, sys, threading
from pathlib import Path

from perdure import flow, task


class Locked(Exception):
    def __init__(self):
        super().__init__("busy")
        self.lock, self.code = threading.Lock(), 7


class Group(ExceptionGroup):
    pass


@task
def call(what):
    try:
        raise OSError(2, "nowhere")
    except OSError as cause:
        raise (Locked() if what == "plain" else Group("several", [Locked(), ValueError(3)])) from cause


@task
def after(x):
    if not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), 9)
    return x


@flow(durable=True, on_crash="resume")
def main():
    handled = []
    for what in ("plain", "group"):
        try:
            call(what)
        except Locked as error:
            handled.append((str(error), error.code, type(error.__cause__).__name__))
        except Group as group:
            handled.append(str(group.exceptions[0]))
    print(after(handled))
    return 1


main()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_an_exception_that_cannot_be_pickled_is_handled_again(tmp_path: Path) -> None:
    tmp_path.joinpath("locked.py").write_text(UNPICKLABLE)
    assert run(tmp_path, sys.executable, "locked.py") == ""
    assert run(tmp_path, sys.executable, "locked.py") == "[('busy', 7, 'FileNotFoundError'), 'busy']\n"


def test_a_step_whose_exception_could_not_be_kept_is_run_again() -> None:
    calls: list[str] = []

    class Hidden(Exception):
        """JSON names classes, and none is found by this name."""

    @task(result_serializer="json")
    def failing() -> None:
        calls.append("failing")
        raise Hidden("no")

    @task
    def after() -> None:
        calls.append("after")

    @flow(durable=True, on_crash="resume")
    def handling() -> str:
        text = ""
        try:
            failing()
        except Hidden as error:
            text = str(error)
        after()
        return text

    number = next(each for each in itertools.count(8) if was_killed_after(handling, calls, each))
    assert number < 30
    calls.clear()
    assert handling() == "no"
    assert calls[0] == "failing"


def was_killed_after(handling: Any, calls: list[str], before: int) -> bool:
    """Whether the flow was killed once its failed step had been handled."""
    calls.clear()
    return killed(handling, before=before).killed and "after" in calls
