"""`perdure run`"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Perdure, Program

from perdure import session

ADD = """
@flow
def add(x: int, y: int = 2):
    return x + y
"""


def test_a_flow_of_a_file_is_run(perdure: Perdure, program: Program):
    ended = perdure("run", f"{program(ADD)}:add", "--param", "x=1")
    assert ended.exit_code == 0
    assert "✓ Completed  add" in ended.stdout
    assert "\n3\n" in ended.stdout


def test_a_flow_that_is_alone_in_its_file_needs_no_name(perdure: Perdure, program: Program):
    assert perdure("run", program(ADD), "-p", "x=1").exit_code == 0


def test_a_flow_is_found_by_its_own_name_too(perdure: Perdure, program: Program):
    file = program("@flow(name='nightly-load')\ndef load(): pass\n")
    assert perdure("run", f"{file}:nightly-load").exit_code == 0


def test_a_flow_of_a_module_is_imported_from_the_current_directory(
    perdure: Perdure, program: Program, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(program(ADD).parent)
    assert perdure("run", "program:add", "-p", "x=1").exit_code == 0


def test_params_are_one_json_object_that_single_ones_add_to(perdure: Perdure, program: Program):
    ended = perdure("run", program(ADD), "--params", '{"x": 1, "y": 1}', "--param", "y=40", "--json")
    assert json.loads(ended.stdout)["value"] == 41


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("[1, 2]", [1, 2]), ('"1"', "1"), ("true", True), ("2013-01-01", "2013-01-01")]
)
def test_a_parameter_is_json_if_it_is_that_and_text_if_not(
    perdure: Perdure, program: Program, text: str, value: object
):
    ended = perdure("run", program("@flow\ndef same(x): return x\n"), "-p", f"x={text}", "--json")
    assert json.loads(ended.stdout)["value"] == value


def test_a_parameter_that_is_to_be_text_stays_text(perdure: Perdure, program: Program):
    ended = perdure("run", program("@flow\ndef same(x: str): return x\n"), "-p", "x=2013", "--json")
    assert json.loads(ended.stdout)["value"] == "2013"


@pytest.mark.parametrize(
    ("body", "exit_code", "word"),
    [
        ("return 1", 0, "Completed"),
        ("raise ValueError('bad')", 1, "Failed"),
        ("raise SystemExit(0)", 3, "Crashed"),
        ("return Cancelled()", 4, "Cancelled"),
        ("raise KeyboardInterrupt", 130, "Crashed"),
    ],
)
def test_the_exit_code_says_how_the_run_ended(perdure: Perdure, program: Program, body: str, exit_code: int, word: str):
    file = program(f"from perdure.states import Cancelled\n@flow\ndef ends():\n    {body}\n")
    ended = perdure("run", file)
    assert (ended.exit_code, word in ended.stdout) == (exit_code, True)


def test_an_async_flow_is_run(perdure: Perdure, program: Program):
    ended = perdure("run", program("@flow\nasync def later(): return 5\n"), "--json")
    assert json.loads(ended.stdout)["value"] == 5


def test_a_generator_flow_is_run_to_its_end(perdure: Perdure, program: Program):
    ended = perdure("run", program("@flow\ndef items(): yield from range(3)\n"), "--json")
    assert json.loads(ended.stdout)["value"] == [0, 1, 2]


def test_the_file_s_neighbours_can_be_imported_and_the_file_is_not_the_main_program(
    perdure: Perdure, program: Program, tmp_path: Path
):
    (tmp_path / "programs" / "neighbour.py").write_text("NUMBER = 7\n")
    file = program(
        "import sys, neighbour\n@flow\ndef look(): return [neighbour.NUMBER, __name__, sys.argv == [__file__]]\n"
    )
    ended = perdure("run", file, "--json")
    assert json.loads(ended.stdout)["value"] == [7, "program", True]


def test_with_json_what_the_program_prints_stays_out_of_the_document(perdure: Perdure, program: Program):
    file = program("print('loading')\n@flow\ndef talks(): print('running')\n")
    ended = perdure("run", file, "--json")
    assert json.loads(ended.stdout)["state"]["type"] == "COMPLETED"
    assert "loading\n" in ended.stderr
    assert "running\n" in ended.stderr


def test_the_run_is_tracked(perdure: Perdure, program: Program):
    ran = json.loads(perdure("run", program(ADD), "-p", "x=1", "--json").stdout)
    assert json.loads(perdure("flow-run", "inspect", ran["id"], "--json").stdout)["parameters"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("program.py:ad", "program.py has no flow 'ad'. Did you mean 'add'?"),
        ("programs.py", "There is no file 'programs.py'. Did you mean 'program.py'?"),
        ("nowhere.to_be_found:f", "There is no module 'nowhere.to_be_found'."),
    ],
)
def test_a_flow_that_is_not_there_is_wrong_usage(
    perdure: Perdure, program: Program, monkeypatch: pytest.MonkeyPatch, target: str, complaint: str
):
    monkeypatch.chdir(program(ADD).parent)
    ended = perdure("run", target)
    assert ended.exit_code == 2
    assert complaint in ended.stderr


def test_of_several_flows_one_must_be_named(perdure: Perdure, program: Program):
    ended = perdure("run", program("@flow\ndef one(): pass\n@flow\ndef two(): pass\n"))
    assert ended.exit_code == 2
    assert "Its flows are one, two." in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-p", "x"], "'x' has no '='"),
        (["-p", "z=1"], "add(x: int, y: int = 2) cannot be called"),
        (["--params", "[1]"], "It must be a JSON object"),
        (["--params", "{x: 1}"], "It is not JSON"),
    ],
)
def test_wrong_parameters_are_wrong_usage(perdure: Perdure, program: Program, arguments: list[str], complaint: str):
    ended = perdure("run", program(ADD), *arguments)
    assert ended.exit_code == 2
    assert complaint in ended.stderr


def test_a_program_that_cannot_be_loaded_shows_its_own_part_of_the_traceback(perdure: Perdure, program: Program):
    ended = perdure("run", program("def broken():\n    return missing\n\nbroken()\n"))
    assert ended.exit_code == 1
    assert "NameError: name 'missing' is not defined" in ended.stderr
    assert ended.stderr.count('File "') == 2
    assert ended.stderr.endswith("program.py could not be loaded, so nothing was run.\n")


@pytest.mark.slow
def test_a_later_process_gets_a_value_of_a_class_that_only_the_program_has(perdure: Perdure, program: Program):
    file = program(
        "class Point:\n    def __init__(self, x): self.x = x\n    def __repr__(self): return f'<point {self.x}>'\n"
        "@flow(persist_result=True)\ndef make(): return Point(3)\n"
    )
    ran = json.loads(perdure("run", file, "--json").stdout)
    session.close()
    command = [sys.executable, "-m", "perdure", "result", "get", ran["id"]]
    got = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert got.stdout == "<point 3>\n"


@pytest.mark.slow
@pytest.mark.parametrize(("body", "exit_code"), [("pass", 0), ("raise ValueError", 1), ("raise SystemExit(0)", 3)])
def test_the_process_ends_with_the_exit_code(program: Program, body: str, exit_code: int):
    command = [sys.executable, "-m", "perdure", "run", str(program(f"@flow\ndef ends():\n    {body}\n"))]
    assert subprocess.run(command, capture_output=True, check=False, env=os.environ).returncode == exit_code


def test_a_parameter_that_the_flow_does_not_have_is_named_with_the_one_that_was_meant(
    perdure: Perdure, program: Program
) -> None:
    file = program("@flow\ndef f(city: str = 'x') -> None: ...\n")

    result = perdure("run", f"{file}:f", "--param", "cit=3")

    assert result.exit_code == 2
    assert "has no parameter 'cit'" in " ".join(result.output.split())
    assert "city" in result.output


def test_what_a_flow_returned_is_shown_in_its_own_order(perdure: Perdure, program: Program):
    file = program("@flow\ndef ordered(): return {'z': 1, 'a': {'y': [1], 'b': {}}}\n")
    assert "\n{'z': 1, 'a': {'y': [1], 'b': {}}}\n" in perdure("run", file).stdout


def test_a_large_dict_is_shown_in_part(perdure: Perdure, program: Program):
    file = program("@flow\ndef large(): return {n: n for n in reversed(range(100))}\n")
    shown = perdure("run", file).stdout
    assert "{99: 99, 98: 98," in shown
    assert "80: 80, ...}" in shown
