"""`perdure run`"""

import contextlib
import itertools
import json
import reprlib
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from perdure._execution.flows import Flow
from perdure._model.errors import ParameterBindError, PerdureError
from perdure._model.state_types import StateType
from perdure._model.states import State, is_states
from perdure._platform.named import NamedTuple
from perdure._platform.suggest import nearest
from perdure._rooms.runs.records import FlowRun
from perdure._run.context import FlowRunContext
from perdure.cli import completion, find
from perdure.cli.asked_input import continuing, open_pause
from perdure.cli.groups import AsJson, json_object, new_group
from perdure.cli.load_flow import load_flow
from perdure.cli.output import duration_text, iso, jsonable, note, show, show_json, state_text

app = new_group()

EXIT_CODES = {
    StateType.COMPLETED: 0,
    StateType.FAILED: 1,
    StateType.CRASHED: 3,
    StateType.CANCELLED: 4,
    StateType.PAUSED: 5,  # suspended, to be resumed
}
INTERRUPTED = 130


class Ended(NamedTuple):
    """How a run that the command line began has ended, or an earlier one with the same idempotency key."""

    run: FlowRunContext | FlowRun
    state: State[object]
    exit_code: int


Pairs = Annotated[
    list[str],
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter: JSON if it is that, else text; repeatable."),
]

Document = Annotated[
    str | None,
    typer.Option(
        "--params", metavar="JSON", help="Parameters as one JSON object, or - to read it; --param adds to it."
    ),
]


@app.command()
def run(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            autocompletion=completion.targets,
            help="FILE.py:FLOW or MODULE:FLOW; a flow that is alone needs no name.",
        ),
    ],
    pairs: Pairs = [],  # noqa: B006 - typer copies it
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Run a flow, with imports as in `python FILE.py`.

    Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 crashed, 4 cancelled, 5 suspended, 130 interrupted.
    """
    # With --json, what the program prints must not get into the document.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        flow = load_flow(target)
        parameters = _parameters(flow, pairs, document)
        ended = ended_by(flow, lambda watched: call_of(watched, parameters))
    if as_json:
        show_json(shape_of(flow, ended))
    else:
        show_ended(flow.name, ended)
    raise typer.Exit(ended.exit_code)


def _check_names(flow: Flow[..., object], parameters: dict[str, object]) -> None:
    known = flow.options.signature.inspected.parameters
    if any(each.kind is each.VAR_KEYWORD for each in known.values()):
        return
    for name in parameters:
        if name not in known and (hint := nearest(name, known)):
            raise typer.BadParameter(f"The flow {flow.name!r} has no parameter {name!r}.{hint}", param_hint="--param")


def given_parameters(flow: Flow[..., object], pairs: list[str], document: str | None) -> dict[str, object]:
    """What is given as a JSON object, and as NAME=VALUE."""
    parameters = {} if document is None else json_object(sys.stdin.read() if document == "-" else document)
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign:
            raise typer.BadParameter(f"{pair!r} has no '='. Write it as {name}=VALUE.", param_hint="--param")
        parameters[name] = _value(text, flow, name)
    _check_names(flow, parameters)
    return parameters


def _parameters(flow: Flow[..., object], pairs: list[str], document: str | None) -> dict[str, object]:
    parameters = given_parameters(flow, pairs, document)
    try:
        flow.options.signature.bind(flow.name, (), parameters)
    except ParameterBindError as error:
        raise typer.BadParameter(str(error), param_hint="--param") from None
    return parameters


def _value(text: str, flow: Flow[..., object], name: str) -> Any:
    parameter = flow.options.signature.inspected.parameters.get(name)
    if parameter is not None and parameter.annotation in (str, "str"):
        return text  # `--param year=2013` is no number where text is asked for
    try:
        return json.loads(text)
    except ValueError:
        return text


def ended_by(flow: Flow[..., object], call: Callable[[Flow[..., object]], State[object]]) -> Ended:
    """Run the flow by the call, and get its end from hooks: a crashed run raises, and returns no state."""
    watched = flow.with_options()
    ends: list[tuple[FlowRunContext, State[object]]] = []

    def note_end(_: object, run: FlowRunContext, state: State[object]) -> None:
        ends.append((run, state))

    for add in (watched.on_completion, watched.on_failure, watched.on_cancellation, watched.on_crashed):
        add(note_end)
    try:
        state = call(watched)
    except KeyboardInterrupt:
        if not ends:
            raise
        return Ended(*ends[-1], INTERRUPTED)
    except BaseException:
        if not ends:
            raise
        return Ended(*ends[-1], EXIT_CODES[StateType.CRASHED])
    if not ends and state.is_final() and state.flow_run_id is not None:  # the run of an earlier call with its key
        return Ended(find.flow_run(state.flow_run_id), state, EXIT_CODES[state.type])
    if not ends and state.is_paused():
        return Ended(find.flow_run(state.run_id or ""), state, EXIT_CODES[state.type])
    if not ends:  # it returned a state by hand that is not final
        raise PerdureError(f"The flow run {state.run_id} ended in state {state!r}, which is not final.")
    return Ended(*ends[-1], EXIT_CODES[state.type])


def call_of(flow: Flow[..., Any], parameters: dict[str, Any]) -> State[object]:
    """Call a flow, whatever its colour; its state."""
    if not flow.options.is_async:
        state: State[Any] = flow(**parameters, return_state=True)
        return state
    import asyncio

    async def call() -> State[Any]:
        return await flow(**parameters, return_state=True)  # type: ignore[no-any-return]

    return asyncio.run(call())


def value_of(ended: Ended) -> object:
    """What the flow returned; None if that was not kept, or if it says no more than the run's tree."""
    if not ended.state.is_completed():
        return None
    try:
        value = ended.state.fetch()
    except PerdureError:
        return None
    return None if isinstance(value, State) or is_states(value) else value


def shape_of(flow: Flow[..., object], ended: Ended) -> dict[str, object]:
    """A run that has ended, for programs."""
    state = ended.state
    return {
        "id": ended.run.id,
        "name": ended.run.name,
        "flow_name": flow.name,
        "state": {"type": state.type, "name": state.name, "message": state.message, "time": iso(state.time)},
        "created": iso(ended.run.created),
        "duration_seconds": (state.time - ended.run.created) / 1_000_000,
        "value": jsonable(value_of(ended)),
    }


class _Short(reprlib.Repr):
    """Keeps the order of a dict's keys: what a flow returned is shown as it returned it."""

    def repr_dict(self, x: dict[object, object], level: int) -> str:
        if not x:
            return "{}"
        if level <= 0:
            return "{...}"
        shown = [
            f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}"
            for key, value in itertools.islice(x.items(), self.maxdict)
        ]
        return f"{{{', '.join([*shown, *(['...'] if len(x) > self.maxdict else [])])}}}"


_short = _Short()
_short.maxstring = _short.maxother = 500
_short.maxdict = _short.maxlist = _short.maxtuple = _short.maxset = 20


def show_ended(flow_name: str, ended: Ended) -> None:
    """A run that has ended, for people."""
    line = state_text(ended.state.type, ended.state.name)
    line.append(f"  {flow_name}", style="bold default")
    line.append(f"  {ended.run.name}", style="default not bold")
    line.append(f"  {duration_text(ended.state.time - ended.run.created)}", style="dim default not bold")
    show(line)
    value = value_of(ended)
    if value is not None:
        show(_short.repr(value))
    elif ended.state.message and not ended.state.is_completed():
        show(ended.state.message)
    if ended.state.is_paused():
        run = find.flow_run(ended.run.id)
        show(note(continuing(run, open_pause(run))))
    show(note(f"perdure flow-run inspect {ended.run.id}"))
