"""What the command line says of flow runs that wait for input."""

import json
import shlex

import pytest
from command_line import Perdure, Program

PROGRAM = """
from typing import Literal

from perdure import suspend_flow_run
from pydantic import BaseModel, Field


class Approval(BaseModel):
    approved: bool = Field(description="go or no go")
    place: Literal["north", "south"]
    by: str = "nobody"


@flow(flow_run_name="asking", durable=True)
def release() -> str:
    approval = suspend_flow_run(wait_for_input=Approval)
    return f"{approval.place}: {approval.approved}"
"""
EXAMPLE = """--input '{"approved": true, "place": "north"}'"""


@pytest.fixture
def suspended(perdure: Perdure, program: Program) -> str:
    """What `perdure run` has printed."""
    return perdure("run", program(PROGRAM)).stdout


def test_a_run_that_suspends_itself_shows_the_command_that_continues_it(suspended: str) -> None:
    assert f"perdure flow-run continue {suspended.split()[-1]} {EXAMPLE}\n" in suspended


def test_the_command_that_is_shown_continues_the_run(perdure: Perdure, suspended: str) -> None:
    (line,) = (line for line in suspended.splitlines() if " continue " in line)
    assert "'north: True'" in perdure(*shlex.split(line)[1:]).stdout


@pytest.mark.parametrize("command", ["inspect", "continue"])
def test_the_fields_that_are_asked_for_are_listed(perdure: Perdure, suspended: str, command: str) -> None:
    shown = perdure("flow-run", command, "asking").stdout.splitlines()
    rows = [" ".join(line.split()) for line in shown]
    assert "approved boolean must be given go or no go" in rows
    assert 'place one of "north", "south" must be given' in rows
    assert 'by string "nobody"' in rows
    assert any(EXAMPLE in row for row in rows)


def test_input_with_a_misspelled_field_is_refused_with_the_nearest(perdure: Perdure, suspended: str) -> None:
    refused = perdure("flow-run", "continue", "asking", "--input", '{"aproved": true, "place": "north"}')
    assert refused.exit_code == 1
    assert "\"aproved\" is no field. Did you mean 'approved'?\n" in refused.stderr
    assert json.loads(perdure("flow-run", "inspect", "asking", "--json").stdout)["state"]["name"] == "Suspended"
