"""What a client can ask of a server and have done, one generator each: see `perdure._client.requests`."""

import time
from collections.abc import Mapping
from urllib.parse import quote

from pydantic import TypeAdapter

from perdure._client.filters import Id
from perdure._client.requests import Asker, Pages, Sleep, Steps
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
from perdure._model.state_types import FINAL

_FIRST_LOOK, _LATER_LOOK = 0.1, 2.0  # seconds between two looks at a run that is waited for
_STATES = TypeAdapter(list[StateModel])
_VARIABLES = TypeAdapter(list[VariableModel])
_TOKENS = TypeAdapter(list[TokenModel])
_VARIABLE, _FLOW_RUN = TypeAdapter(VariableModel), TypeAdapter(FlowRunModel)
_CONTINUED = TypeAdapter(ContinuedRun)
_MADE = TypeAdapter(MadeToken)


class Calls(Asker):
    """All of it, of one server."""

    def flow_runs(self, wanted: Mapping[str, object]) -> Pages[FlowRunModel]:
        return Pages(self, FlowRunModel, "flow-runs", wanted)

    def task_runs(self, wanted: Mapping[str, object]) -> Pages[TaskRunModel]:
        return Pages(self, TaskRunModel, "task-runs", wanted)

    def results(self, wanted: Mapping[str, object]) -> Pages[ResultModel]:
        return Pages(self, ResultModel, "results", wanted)

    def logs(self, wanted: Mapping[str, object]) -> Pages[LogModel]:
        return Pages(self, LogModel, "logs", wanted)

    def artifacts(self, wanted: Mapping[str, object]) -> Pages[ArtifactModel]:
        return Pages(self, ArtifactModel, "artifacts", wanted)

    def count(self, path: str, wanted: Mapping[str, object]) -> Steps[Count]:
        return self.one(Count, f"{path}/count", wanted)

    def flow_run(self, id: Id) -> Steps[FlowRunModel]:
        return self.one(FlowRunModel, f"flow-runs/{id}")

    def task_run(self, id: Id) -> Steps[TaskRunModel]:
        return self.one(TaskRunModel, f"task-runs/{id}")

    def result(self, run_id: Id) -> Steps[ResultModel]:
        return self.one(ResultModel, f"results/{run_id}")

    def artifact(self, id: Id) -> Steps[ArtifactModel]:
        return self.one(ArtifactModel, f"artifacts/{id}")

    def states(self, path: str, id: Id) -> Steps[list[StateModel]]:
        return self.read(_STATES, (yield from self.ask("GET", f"{path}/{id}/states")))

    def wait(self, id: Id, timeout_seconds: float | None) -> Steps[FlowRunModel]:
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        pause = _FIRST_LOOK
        while True:
            run = yield from self.flow_run(id)
            if run.state is not None and run.state.type in FINAL:
                return run
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                state = "in no state" if run.state is None else run.state.name
                raise TimeoutError(
                    f"The flow run {run.name!r} ({id}) is still {state} after {timeout_seconds:g} seconds."
                )
            yield Sleep(min(pause, left))
            pause = min(1.5 * pause, _LATER_LOOK)

    def cancel(self, id: Id, grace_seconds: float | None) -> Steps[FlowRunModel]:
        how = {} if grace_seconds is None else {"grace_seconds": grace_seconds}
        return self.read(_FLOW_RUN, (yield from self.ask("POST", f"flow-runs/{id}/cancel", body=how)))

    def continue_run(self, id: Id, input: object) -> Steps[ContinuedRun]:
        dump = getattr(input, "model_dump", None)
        body = {"input": input if dump is None else dump(mode="json")}
        return self.read(_CONTINUED, (yield from self.ask("POST", f"flow-runs/{id}/continue", body=body)))

    def resume(self, id: Id, retry_failed: bool) -> Steps[FlowRunModel]:
        body = {"retry_failed": retry_failed}
        return self.read(_FLOW_RUN, (yield from self.ask("POST", f"flow-runs/{id}/resume", body=body)))

    def rerun(self, id: Id, from_step: Id | None, parameters: Mapping[str, object] | None) -> Steps[FlowRunModel]:
        body: dict[str, object] = {} if from_step is None else {"from_step": str(from_step)}
        body |= {"parameters": dict(parameters)} if parameters else {}
        return self.read(_FLOW_RUN, (yield from self.ask("POST", f"flow-runs/{id}/rerun", body=body)))

    def delete(self, *path: str) -> Steps[None]:
        yield from self.ask("DELETE", "/".join(map(_part, path)))

    def variables(self) -> Steps[list[VariableModel]]:
        return self.read(_VARIABLES, (yield from self.ask("GET", "variables")))

    def variable(self, name: str) -> Steps[VariableModel]:
        return self.one(VariableModel, f"variables/{_part(name)}")

    def set_variable(self, name: str, value: object) -> Steps[VariableModel]:
        path = f"variables/{_part(name)}"
        return self.read(_VARIABLE, (yield from self.ask("PUT", path, body={"value": value})))

    def tokens(self) -> Steps[list[TokenModel]]:
        return self.read(_TOKENS, (yield from self.ask("GET", "tokens")))

    def create_token(self, name: str, scope: str, expires_seconds: int | None) -> Steps[MadeToken]:
        body = {"name": name, "scope": scope, "expires_seconds": expires_seconds}
        return self.read(_MADE, (yield from self.ask("POST", "tokens", body=body)))

    def revoke_token(self, called: str) -> Steps[list[TokenModel]]:
        return self.read(_TOKENS, (yield from self.ask("DELETE", f"tokens/{_part(called)}")))


def _part(name: str) -> str:
    """A name as a part of an address."""
    return quote(name, safe="")
