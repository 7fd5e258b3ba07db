"""`perdure flow-run abandon`, and what is shown of flow runs whose process is gone."""

from typing import Annotated

import typer

from perdure._engine.recovery.abandoning import abandon as give_up
from perdure._session import session
from perdure.cli import completion, find
from perdure.cli.groups import AsJson
from perdure.cli.json_shapes import run_shape
from perdure.cli.output import note, show, show_json

LOST = "Lost: its process has ended. `perdure flow-run resume` resumes it, `abandon` gives it up."


def abandon(
    which: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            autocompletion=completion.flow_runs,
            help="A flow run's id, a prefix of it, or its name if no other has it.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Give up a flow run that crashed, or whose process is lost: it stays Crashed.

    `resume --crashed` skips it, and `perdure result prune` keeps nothing for it.
    """
    run = give_up(find.flow_run(which, only=True).id, session.current())
    if as_json:
        show_json(run_shape(find.flow_run(run.id)))
        return
    show(f"Abandoned {run.name} ({run.flow_name}).")
    show(note(f"`perdure flow-run rerun {run.id}` runs it again, from the start."))
