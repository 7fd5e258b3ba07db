"""The client for plain code."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Self, TypeVar, Unpack

import httpx

from perdure._client.calls import Calls
from perdure._client.connection import LISTENING, OPTIONS, address, headers_of, lost
from perdure._client.events import Event, Following
from perdure._client.filters import Artifacts, FlowRuns, Id, Logs, Results, TaskRuns, TokenScope
from perdure._client.record_client import KeptClient
from perdure._client.requests import Answer, Lost, M, Pages, Send, Sleep, Steps
from perdure._http.models import (
    ArtifactModel,
    ContinuedRun,
    Count,
    FlowRunModel,
    LogModel,
    MadeToken,
    ResultModel,
    StateModel,
    TaskRunModel,
    TokenModel,
    VariableModel,
)

T = TypeVar("T")


class Client:
    """Asks a server, and controls its runs; used as a context manager, or until `close`.

    `url` and `token` are those of the settings `api_url` and `api_token`, unless they are given. While the server is
    away, what may be asked twice is, for `patience_seconds`. Threads may share it.

    Raises:
        SettingError: no server is given, nor known from the settings.
    """

    def __init__(self, url: str | None = None, *, token: str | None = None, patience_seconds: float = 30.0) -> None:
        self._calls = Calls(address(url), patience_seconds)
        self._patience = patience_seconds
        self._http = httpx.Client(base_url=f"{self._calls.url}/api/", headers=headers_of(url, token), **OPTIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def flow_runs(self, **wanted: Unpack[FlowRuns]) -> Iterator[FlowRunModel]:
        """Flow runs, the newest first by default; requested as they are taken."""
        return self._each(self._calls.flow_runs(wanted))

    def task_runs(self, **wanted: Unpack[TaskRuns]) -> Iterator[TaskRunModel]:
        """Task runs, the newest first by default."""
        return self._each(self._calls.task_runs(wanted))

    def results(self, **wanted: Unpack[Results]) -> Iterator[ResultModel]:
        """Records of results, those of the newest runs first. `perdure.results.get_result` gives a value."""
        return self._each(self._calls.results(wanted))

    def logs(self, **wanted: Unpack[Logs]) -> Iterator[LogModel]:
        """Logged lines, in the order of their arrival by default."""
        return self._each(self._calls.logs(wanted))

    def artifacts(self, **wanted: Unpack[Artifacts]) -> Iterator[ArtifactModel]:
        """Artifacts, the newest first."""
        return self._each(self._calls.artifacts(wanted))

    def count_flow_runs(self, **wanted: Unpack[FlowRuns]) -> Count:
        """How many flow runs there are; of very many, how many of the newest."""
        return self._do(self._calls.count("flow-runs", wanted))

    def count_task_runs(self, **wanted: Unpack[TaskRuns]) -> Count:
        """How many task runs there are; of very many, how many of the newest."""
        return self._do(self._calls.count("task-runs", wanted))

    def flow_run(self, id: Id) -> FlowRunModel:
        """A flow run."""
        return self._do(self._calls.flow_run(id))

    def task_run(self, id: Id) -> TaskRunModel:
        """A task run."""
        return self._do(self._calls.task_run(id))

    def flow_run_states(self, id: Id) -> list[StateModel]:
        """All the states of a flow run, oldest first."""
        return self._do(self._calls.states("flow-runs", id))

    def task_run_states(self, id: Id) -> list[StateModel]:
        """All the states of a task run, oldest first."""
        return self._do(self._calls.states("task-runs", id))

    def result(self, run_id: Id) -> ResultModel:
        """The record of a run's result."""
        return self._do(self._calls.result(run_id))

    def artifact(self, id: Id) -> ArtifactModel:
        """An artifact."""
        return self._do(self._calls.artifact(id))

    def delete_artifact(self, id: Id) -> None:
        """Delete an artifact."""
        self._do(self._calls.delete("artifacts", str(id)))

    def cancel_flow_run(self, id: Id, *, grace_seconds: float | None = None) -> FlowRunModel:
        """Ask that a flow run be cancelled, wherever it runs; `wait` for its end.

        Its code has `grace_seconds` to end by itself.

        Raises:
            SteeringError: it has ended, or is part of another one.
        """
        return self._do(self._calls.cancel(id, grace_seconds))

    def continue_flow_run(self, id: Id, *, input: object = None) -> ContinuedRun:
        """Continue a flow run that is paused, with the input that it asks for: JSON, or a pydantic model.

        Raises:
            SteeringError: it is not paused, or the input is not what it asks for.
        """
        return self._do(self._calls.continue_run(id, input))

    def resume_flow_run(self, id: Id, *, retry_failed: bool = False) -> FlowRunModel:
        """Resume a flow run, by a process on the server's machine; with `retry_failed`, failed steps run again.

        Raises:
            ClientError: its process could not be started, or the server starts none; the message has the command.
        """
        return self._do(self._calls.resume(id, retry_failed))

    def rerun_flow_run(
        self, id: Id, *, from_step: Id | None = None, parameters: Mapping[str, object] | None = None
    ) -> FlowRunModel:
        """Run a flow again with the arguments of a run, by a process on the server's machine; the new run.

        With `from_step`, the id of a run that it called, what had been finished before that one is reused.
        `parameters` take the place of the earlier run's, by name.

        Raises:
            ClientError: its process could not be started, or the server starts none; the message has the command.
        """
        return self._do(self._calls.rerun(id, from_step, parameters))

    def delete_flow_run(self, id: Id) -> None:
        """Delete a flow run that has ended, with all that it called."""
        self._do(self._calls.delete("flow-runs", str(id)))

    def wait(self, id: Id, *, timeout_seconds: float | None = None) -> FlowRunModel:
        """Return a flow run once it has ended, well or not.

        Raises:
            TimeoutError: it has not ended in time.
        """
        return self._do(self._calls.wait(id, timeout_seconds))

    def variables(self) -> list[VariableModel]:
        """All variables, by name."""
        return self._do(self._calls.variables())

    def variable(self, name: str) -> VariableModel:
        """A variable."""
        return self._do(self._calls.variable(name))

    def set_variable(self, name: str, value: object) -> VariableModel:
        """Set a variable to a value that JSON has; one that is there is replaced."""
        return self._do(self._calls.set_variable(name, value))

    def delete_variable(self, name: str) -> None:
        """Delete a variable."""
        self._do(self._calls.delete("variables", name))

    def tokens(self) -> list[TokenModel]:
        """All tokens, oldest first. This takes a token with the scope `admin`."""
        return self._do(self._calls.tokens())

    def create_token(self, name: str, scope: TokenScope, *, expires_seconds: int | None = None) -> MadeToken:
        """Create a token; its `token` is shown only once."""
        return self._do(self._calls.create_token(name, scope, expires_seconds))

    def revoke_token(self, called: str) -> list[TokenModel]:
        """Revoke every live token of a name or public part; those that were revoked."""
        return self._do(self._calls.revoke_token(called))

    def room(self, port: type) -> KeptClient:
        """The records of a room that keeps records, by its port: list, get, put and delete."""
        return KeptClient(port, self._calls, self._do, self._made)

    def events(self, *, flow_run: Id | None = None) -> Iterator[Event]:
        """Flow runs that change from now on; or one of them, and what it and its tasks log. Without an end."""
        following = Following(self._calls, flow_run, self._patience)
        while True:
            why = "the connection ended"
            try:
                with self._http.stream(
                    "GET", following.path, params=following.params, headers=following.headers, timeout=LISTENING
                ) as answer:
                    if following.begins(Answer(answer.status_code, b"" if answer.is_success else answer.read())):
                        yield from filter(None, map(following.take, answer.iter_lines()))
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
            time.sleep(following.broke(why))

    def _each(self, pages: Pages[M]) -> Iterator[M]:
        while not pages.is_over:
            yield from self._do(pages.next())

    def _made(self, pages: Pages[M], make: Callable[[M], T]) -> Iterator[T]:
        return map(make, self._each(pages))

    def _do(self, steps: Steps[T]) -> T:
        """Perform what there is to do."""
        outcome: object = None
        while True:
            try:
                wanted = steps.send(outcome)
            except StopIteration as done:
                value: T = done.value
                return value
            if isinstance(wanted, Sleep):
                time.sleep(wanted.seconds)
            else:
                outcome = self._send(wanted)

    def _send(self, wanted: Send) -> Answer | Lost:
        try:
            answer = self._http.request(wanted.method, wanted.path, params=wanted.params, json=wanted.body)
        except httpx.TransportError as error:
            return lost(error)
        return Answer(answer.status_code, answer.content, answer.headers.get("retry-after"))
