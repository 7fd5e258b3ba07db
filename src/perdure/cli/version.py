"""`perdure version`"""

import platform
import sqlite3

from perdure._platform.version import VERSION
from perdure.cli.groups import AsJson, new_group
from perdure.cli.output import show_json, write

app = new_group()


@app.command()
def version(as_json: AsJson = False) -> None:
    """Show the versions of Perdure and of its dependencies."""
    versions = {
        "perdure": VERSION,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(terse=True),
    }
    if as_json:
        show_json(versions)
        return
    for name, number in versions.items():
        write(f"{name:<10}{number}\n")
