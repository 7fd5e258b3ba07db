"""`perdure service`: programs that serve flows, and workers, kept running by systemd."""

import ast
import os
import re
import shlex
import sys
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from perdure._model.errors import WorkerError
from perdure._settings import settings
from perdure._worker.systemd import Service, done, is_running
from perdure.cli import completion
from perdure.cli.groups import MOST, AsJson, new_group
from perdure.cli.output import note, say, show, show_json

app = new_group("Have systemd keep a serving program or a worker running, also after a reboot.")

_DOES_NOT_SERVE = (
    "{} calls no serve(), so that as a service it would be run again five seconds after each end. It was not started."
    ' If it is to run at times: `my_flow.serve(name="nightly", cron="0 6 * * *")` at its end, and install it again.'
)
_ENDS = (
    "It ends when you log out, and does not begin with the machine: only root may have that here. Once, for all of your"
    " services: `sudo loginctl enable-linger {}`."
)
_KEPT = ("PATH", "PYTHONPATH")  # variables that programs need as they are now, beside Perdure's
System = Annotated[bool, typer.Option("--system", help="A service of the machine, not of your user; needs root.")]


@app.command()
def install(
    script: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A program that serves flows: it calls .serve().")
    ] = None,
    pools: Annotated[
        list[str] | None,
        typer.Option(
            "--pool",
            "-p",
            metavar="NAME",
            autocompletion=completion.work_pools,
            help="A worker of this work pool; repeatable.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-l", metavar="N", min=1, max=MOST, help="How many runs at once, of a worker."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="After the file or pool, else.")] = None,
    system: System = False,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Whose process a service of the machine is.")
    ] = None,
    start: Annotated[bool, typer.Option("--start/--no-start", help="Whether it begins now.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the unit, and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a unit of systemd, and start it: it begins with the machine, and again five seconds after a crash.

    Its environment is Perdure's settings as they are now, PATH and PYTHONPATH.
    """
    if (script is None) == (not pools):
        raise typer.BadParameter("Give a file that serves flows, or --pool NAME for a worker.")
    if script is not None and not script.is_file():
        raise typer.BadParameter(f"There is no file {script}.")
    chosen = name or re.sub(r"[^A-Za-z0-9:_.-]+", "-", script.stem if script else f"worker-{'-'.join(pools or [])}")
    service = Service(
        chosen,
        (sys.executable, "-u", *([str(script.absolute())] if script else _worker(pools or [], limit))),
        Path.cwd(),
        _environment(),
        settings.current().home,
        (user or os.environ.get("SUDO_USER") or getuser()) if system or user else None,
    )
    if dry_run:
        typer.echo(service.text(), nl=False)
        return
    service.write()
    serves = script is None or _serves(script)
    starts = start and serves and is_running()
    lasts = starts and _lasts(service)
    if starts:
        done(service.beginning())
    if as_json:
        said = {"unit": service.unit, "file": str(service.place), "started": starts, "survives_reboot": lasts}
        show_json(said)
        return
    until = "also after a reboot" if lasts else "until you log out"
    show(f"Wrote {service.place}." + (f" {service.unit} runs, {until}." if starts else ""))
    if starts and not lasts:
        say(_ENDS.format(getuser()), "Warning", "yellow")
    if starts:
        scope = "" if service.user else " --user"
        show(note(f"journalctl{scope} -u {service.unit} -f    systemctl{scope} status {service.unit}"))
    else:
        if not serves:
            say(_DOES_NOT_SERVE.format(script), "Warning", "yellow")
        elif not is_running():
            say("systemd does not run this machine, so nothing was started. Where it does, this starts it.")
        show("To start it:" if start else "To start it later:")
        for step in service.steps():
            show(note(shlex.join(step)))


@app.command()
def uninstall(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As it was installed.")],
    system: System = False,
    as_json: AsJson = False,
) -> None:
    """Stop a service, and remove its unit."""
    service = Service(name, (), Path.cwd(), {}, settings.current().home, getuser() if system else None)
    if not service.place.exists():
        raise WorkerError(f"There is no service {name!r}: {service.place} does not exist.")
    if is_running():
        done(service.end())
    service.place.unlink()
    service.variables.unlink(missing_ok=True)
    if as_json:
        show_json({"unit": service.unit, "file": str(service.place)})
    else:
        show(f"Removed {service.place}.")


def _lasts(service: Service) -> bool:
    """Have it begin with the machine; whether this user may have that."""
    try:
        done(service.lingering())
    except WorkerError:
        return False
    return True


def _serves(script: Path) -> bool:
    """Whether a program seems to serve: it may do so by what it imports, which is not looked into."""
    try:
        calls = [each.func for each in ast.walk(ast.parse(script.read_bytes())) if isinstance(each, ast.Call)]
    except (SyntaxError, ValueError) as error:
        raise typer.BadParameter(f"{script} is no program of Python: {error}.") from None
    return any("serve" in (getattr(each, "attr", None), getattr(each, "id", None)) for each in calls)


def _worker(pools: list[str], limit: int | None) -> list[str]:
    options = [part for pool in pools for part in ("--pool", pool)]
    return ["-m", "perdure", "worker", "start", *options, *([] if limit is None else ["--limit", str(limit)])]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, **settings.as_environment(), "PERDURE_HOME": str(settings.current().home)}
