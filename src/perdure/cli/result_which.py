"""How the commands of `perdure result` choose results."""

from typing import Annotated

import typer

from perdure.cli import completion

HELP = "A run's id, a prefix of it, its name, or FLOW-RUN/NAME."

Which = Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs, help=HELP)]
Several = Annotated[list[str], typer.Argument(metavar="RUN", autocompletion=completion.runs, help=HELP)]
