"""`perdure doctor`: whether flows can run here, and what to do where they cannot."""

from typing import TYPE_CHECKING

import typer

from perdure._session import session
from perdure.cli.doctor_checks import Finding, Level, examine
from perdure.cli.groups import AsJson, new_group
from perdure.cli.output import note, plural, show, show_json

if TYPE_CHECKING:
    from rich.text import Text

app = new_group()
_LOOKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.PROBLEM: ("✗", "bold red")}


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check versions, settings, the home, the database or server, storage, clock, lost runs and workers.

    Each warning and problem comes with what to do. The exit code is 1 if there is a problem.
    """
    session.be_impatient(only_reads=True)
    found = []
    for finding in examine():
        found.append(finding)
        if not as_json:
            show(*_lines(finding))
    problems, warned = (sum(each.level is level for each in found) for level in (Level.PROBLEM, Level.WARNING))
    if as_json:
        show_json([each._asdict() for each in found])
    else:
        both = [plural(count, noun) for count, noun in ((problems, "problem"), (warned, "warning")) if count]
        show("", " and ".join(both) + "." if both else "All is well.")
    if problems:
        raise typer.Exit(1)


def _lines(finding: Finding) -> "list[Text]":
    from rich.text import Text

    sign, style = _LOOKS[finding.level]
    line = Text.assemble((f"{sign} {finding.subject:<11}", style), finding.text)
    return [line] if finding.remedy is None else [line, note(f"{'':13}{finding.remedy}")]
