"""How the commands of `perdure result` choose results."""

from typing import Annotated

import typer

HELP = "A run's id, a prefix of it, its name, or FLOW-RUN/NAME."

Which = Annotated[str, typer.Argument(metavar="RUN", help=HELP)]
Several = Annotated[list[str], typer.Argument(metavar="RUN", help=HELP)]
