"""Programs that serve flows, and workers, as services of systemd: begun with the machine, and again after a crash."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from perdure._model.errors import WorkerError
from perdure._platform.named import NamedTuple

_UNITS = Path("/etc/systemd/system")
_NAME = re.compile(r"[A-Za-z0-9:_.\-]{1,200}")
_STOP_SECONDS = 60  # a worker gives its runs 30 seconds to end, and then 10 more
_NO_SESSION = (
    "su and sudo begin no session of systemd: log in as this user, by ssh or at a console. Or make it a service of the"
    " machine: as root, with --system."
)
_UNIT = """\
[Unit]
Description={description}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
{user}WorkingDirectory={directory}
EnvironmentFile={environment}
ExecStart={command}
Restart=always
RestartSec=5
KillMode=mixed
TimeoutStopSec={stop_seconds}

[Install]
WantedBy={target}
"""


class Service(NamedTuple):
    """What systemd is to keep running."""

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    home: Path  # where its environment is kept
    user: str | None = None  # whose service of the machine it is; None: it is one of this user's own

    @property
    def unit(self) -> str:
        """What systemd calls it."""
        return f"perdure-{self.name}.service"

    @property
    def place(self) -> Path:
        """Where its unit is."""
        if self.user is not None:
            return _UNITS / self.unit
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(config, "systemd", "user", self.unit)

    @property
    def variables(self) -> Path:
        """Where its environment is: settings may be secret, and everybody reads units."""
        return self.home / "services" / f"{self.name}.env"

    def text(self) -> str:
        """The unit."""
        return _UNIT.format(
            description=_percent(f"Perdure: {self.name}"),
            user="" if self.user is None else f"User={self.user}\n",
            directory=_percent(str(self.directory)),
            environment=_percent(str(self.variables)),
            command=" ".join(map(_quoted, self.command)),
            stop_seconds=_STOP_SECONDS,
            target="default.target" if self.user is None else "multi-user.target",
        )

    def write(self) -> None:
        """Write the unit and its environment.

        Raises:
            WorkerError: they cannot be written, or systemd cannot read them.
        """
        if not _NAME.fullmatch(self.name):
            raise WorkerError(f"A service's name has letters, digits and ':_.-' only: not {self.name!r}.")
        lines = "".join(f'{name}="{_escaped(name, value)}"\n' for name, value in sorted(self.environment.items()))
        try:
            self.variables.parent.mkdir(parents=True, exist_ok=True)
            self.variables.touch(mode=0o600)
            self.variables.chmod(0o600)
            self.variables.write_text(lines, "utf-8")
            self.place.parent.mkdir(parents=True, exist_ok=True)
            self.place.write_text(self.text(), "utf-8")
        except OSError as error:
            advice = " A service of the machine needs root: sudo." if self.user is not None else ""
            raise WorkerError(f"The service cannot be written: {error}.{advice}") from error

    def steps(self) -> list[list[str]]:
        """The commands that have it begin, now and with the machine."""
        return [*self.lingering(), *self.beginning()]

    def lingering(self) -> list[list[str]]:
        """Without these, a user's services end when they log out, and do not begin before they log in."""
        return [["loginctl", "enable-linger"]] if self.user is None else []

    def beginning(self) -> list[list[str]]:
        """The commands that have it begin."""
        systemctl = ["systemctl"] if self.user is not None else ["systemctl", "--user"]
        return [[*systemctl, "daemon-reload"], [*systemctl, "enable", self.unit], [*systemctl, "restart", self.unit]]

    def end(self) -> list[list[str]]:
        """The commands that have it end, and begin no more."""
        systemctl = ["systemctl"] if self.user is not None else ["systemctl", "--user"]
        return [[*systemctl, "disable", "--now", self.unit]]


def is_running() -> bool:
    """Whether systemd runs this machine."""
    return Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def done(steps: list[list[str]]) -> None:
    """Run commands of systemd.

    Raises:
        WorkerError: one fails; has what it said.
    """
    for step in steps:
        ended = subprocess.run(step, capture_output=True, text=True, check=False)
        if ended.returncode:
            said = ended.stderr.strip() or ended.stdout.strip()
            advice = f" {_NO_SESSION}" if "--user" in step and "connect to bus" in said else ""
            raise WorkerError(f"`{' '.join(step)}` failed: {said}{advice}")


def _percent(text: str) -> str:
    if "\n" in text:
        raise WorkerError(f"systemd takes no path with a line break: {text!r}.")
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    escaped = _percent(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def _escaped(name: str, value: str) -> str:
    if "\n" in value:
        raise WorkerError(f"The variable {name} has a line break, which a service's environment cannot have.")
    return re.sub(r'(["\\$`])', r"\\\1", value)
