"""How the commands of `perdure result` are told which results are meant."""

from typing import Annotated

import typer

HELP = "A run's id, the beginning of one, its name, or FLOW-RUN/NAME."

Which = Annotated[str, typer.Argument(metavar="RUN", help=HELP)]
Several = Annotated[list[str], typer.Argument(metavar="RUN", help=HELP)]
