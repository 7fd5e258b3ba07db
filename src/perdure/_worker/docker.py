"""Runs in containers, of Docker or of Podman's service, by the library `docker`.

A container is called by its run and start, and labelled by its run: the engine refuses a second one of that name, and
any worker of the same engine finds it.
"""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perdure._model.errors import WorkerError
from perdure._worker.infrastructure import Job, Unreachable, code_of, last_lines

if TYPE_CHECKING:
    from docker import DockerClient

_LABEL, _START, _KEPT = "perdure.flow-run", "perdure.start", "perdure.kept"
_LOOK_SECONDS = 0.5  # between two looks at all containers of runs
_TIMEOUT = 60.0  # of a call of the engine
_TAIL = 256 * 1024  # bytes of what was printed that are kept
_GONE = (-9, "its container was removed")


class DockerInfrastructure:
    """Starts each run in a container of the engine that DOCKER_HOST names, or of the one that is here.

    Raises:
        WorkerError: the library is missing, or there is no engine.
    """

    type = "docker"
    python = "python"
    is_elsewhere = True
    outlives = True

    def __init__(self, url: str | None = None) -> None:
        try:
            import docker
            from docker import errors
            from requests.exceptions import RequestException
        except ImportError:
            raise WorkerError("Containers need the library docker: pip install 'perdure[docker]'.") from None
        self.errors = errors
        self.away = (RequestException, OSError)  # what calls raise while the engine does not answer
        try:
            url = url or os.environ.get("DOCKER_HOST") or _socket()
            made = docker.DockerClient(url, timeout=_TIMEOUT) if url else docker.from_env(timeout=_TIMEOUT)
            self.client: DockerClient = made
            self.client.ping()
        except (errors.DockerException, *self.away) as error:
            raise WorkerError(
                f"No engine of containers answers: {error}. Start Docker, or `podman system service --time 0`, and set"
                " DOCKER_HOST to its socket if that is not found."
            ) from error
        self._lock = threading.Lock()
        self._seen: dict[str, Mapping[str, Any]] = {}  # by the ids of containers
        self._looked = float("-inf")
        self.problem = ""  # why the engine did not answer last

    def start(self, job: Job) -> "Container":
        """Pull the image if that is wanted, and start a container, unless that start of the run has one.

        Raises:
            Unreachable: the engine does not answer.
            WorkerError: the image cannot be had, or the container cannot be started.
        """
        try:
            self._pull(job.made_of["image"], job.made_of.get("image_pull_policy", "IfNotPresent"))
            return Container(self, self._created(job), removes=job.made_of.get("auto_remove", True))
        except self.errors.APIError as error:
            raise WorkerError(f"The container could not be started: {error.explanation or error}") from error
        except self.away as error:
            raise Unreachable(f"The engine of containers does not answer: {error}") from error

    def _pull(self, image: str, policy: str) -> None:
        if policy == "IfNotPresent":
            try:
                self.client.images.get(image)
            except self.errors.ImageNotFound:
                policy = "Always"
        if policy == "Always":
            try:
                self.client.images.pull(image)
            except self.errors.APIError as error:
                raise WorkerError(f"The image {image!r} could not be pulled: {error.explanation or error}") from error

    def _created(self, job: Job) -> str:
        made_of, options = job.made_of, dict[str, Any]()
        for name, option in (("network_mode", "network_mode"), ("working_dir", "working_dir"), ("user", "user")):
            if name in made_of:
                options[option] = made_of[name]
        if "mem_limit" in made_of:
            options |= {"mem_limit": made_of["mem_limit"], "memswap_limit": made_of["mem_limit"]}
        if "cpus" in made_of:
            options["nano_cpus"] = int(made_of["cpus"] * 1e9)
        labels = {name: str(value) for name, value in made_of.get("labels", {}).items()}
        labels |= {} if made_of.get("auto_remove", True) else {_KEPT: "yes"}
        try:
            container = self.client.containers.create(
                made_of["image"],
                list(job.command),
                name=job.name,
                environment={name: value for name, value in job.environment.items() if value is not None},
                labels=labels | {_LABEL: job.flow_run_id, _START: str(job.start)},
                init=True,  # a process with the number 1 gets no SIGTERM that it does not ask for
                volumes=made_of.get("volumes", []),
                privileged=made_of.get("privileged", False),
                **options,
            )
        except self.errors.APIError as error:
            try:  # another worker may have begun to start it; Docker says so by 409, Podman by 500
                container = self.client.containers.get(job.name)
            except self.errors.NotFound:
                raise error from None
        try:
            container.start()  # which does nothing if it runs
        except self.errors.APIError:
            container.remove(force=True)
            raise
        return str(container.id)

    def close(self) -> None:
        """Nothing is kept ready."""

    def find(self, flow_run_id: str) -> "Container | None":
        """The newest container of a run.

        Raises:
            Unreachable: the engine does not answer.
        """
        try:
            found = self._listed(f"{_LABEL}={flow_run_id}")
        except (self.errors.APIError, *self.away) as error:
            raise Unreachable(f"The engine of containers does not answer: {error}") from error
        newest = max(found, key=lambda each: int(each["Labels"].get(_START, 0)), default=None)
        return None if newest is None else Container(self, newest["Id"], removes=_KEPT not in newest["Labels"])

    def _listed(self, label: str) -> list[Mapping[str, Any]]:
        listed: list[Mapping[str, Any]] = self.client.api.containers(all=True, filters={"label": label})
        return listed

    def is_over(self, id: str) -> bool | None:
        """Whether a container has ended or is gone, by a look at all of them; None while the engine is away."""
        with self._lock:
            if time.monotonic() - self._looked > _LOOK_SECONDS:
                try:
                    self._seen = {each["Id"]: each for each in self._listed(_LABEL)}
                    self.problem = ""
                except (self.errors.APIError, *self.away) as error:
                    self.problem = f"the engine of containers does not answer: {error}"
                self._looked = time.monotonic()
            if self.problem:
                return None
            return id not in self._seen or self._seen[id]["State"] in ("exited", "dead", "stopped")


def _socket() -> str | None:
    """Podman's socket, where Docker's is not: the library looks for that by itself."""
    own = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid() if hasattr(os, 'getuid') else 0}")
    for path in ("/var/run/docker.sock", f"{own}/podman/podman.sock", "/run/podman/podman.sock"):
        if Path(path).exists():
            return f"unix://{path}"
    return None


class Container:
    """A container of a run."""

    has_reported = False  # what it reported, the database has

    def __init__(self, infrastructure: DockerInfrastructure, id: str, removes: bool) -> None:
        self._infrastructure = infrastructure
        self._id = id
        self._removes = removes
        self._end: tuple[int, str] | None = None

    def ended(self) -> int | None:
        """The exit code, by the engine."""
        if self._end is None and self._infrastructure.is_over(self._id):
            errors, away = self._infrastructure.errors, self._infrastructure.away
            try:
                state = self._infrastructure.client.api.inspect_container(self._id)["State"]
            except errors.NotFound:
                self._end = _GONE
            except (errors.APIError, *away):
                return None
            else:
                if state["Status"] in ("created", "running"):  # it was looked at just before it was made
                    return None
                why = "out of memory" if state.get("OOMKilled") else state.get("Error") or ""
                self._end = (code_of(state["ExitCode"]), why)
        return None if self._end is None else self._end[0]

    def status(self) -> str:
        """Why it ended, as far as the engine says."""
        return self._infrastructure.problem if self._end is None else self._end[1]

    def said(self) -> str:
        """The end of what it printed."""
        kept = b""
        try:  # all of it: Podman's service leaves out lines where the last ones are asked for
            api = self._infrastructure.client.api
            for part in api.logs(self._id, stdout=True, stderr=True, stream=True, follow=False):
                kept = (kept + part)[-_TAIL:]
        except (self._infrastructure.errors.APIError, *self._infrastructure.away):
            pass
        return last_lines(kept.decode("utf-8", "replace"))

    def stop(self, force: bool) -> None:
        """Signal its process."""
        try:
            self._infrastructure.client.api.kill(self._id, "SIGKILL" if force else "SIGTERM")
        except (self._infrastructure.errors.APIError, *self._infrastructure.away):
            return  # it has ended, or the engine is away, which `ended` sees

    def forget(self) -> None:
        """Remove it, unless its job says that it is kept."""
        if self._removes:
            try:
                self._infrastructure.client.api.remove_container(self._id, force=True, v=True)
            except (self._infrastructure.errors.APIError, *self._infrastructure.away):
                return
