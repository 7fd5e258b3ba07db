"""Drawing a flow: its own code runs, and what it calls is noted instead of run.

A call gives a `Drawn`, which stands for its future, its state and its value alike: code may hand it on, take parts of
it, and put it into text. What depends on the value itself cannot be drawn, and says so.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Literal, NoReturn

from perdure._model.argument_marks import Annotation
from perdure._model.colour import call_is_awaited, colour_of_plain_code, on_event_loop, run_is_async
from perdure._model.errors import VisualizationError
from perdure._model.options import FlowOptions, RunOptions, TaskOptions
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._run.arguments import is_atom
from perdure._run.context import FlowRunContext, current_run
from perdure._run.flow_graph import FlowGraph, Node

_current: ContextVar["Drawing | None"] = ContextVar("perdure_drawing", default=None)
Way = Literal["call", "submit", "map"]
active: list[None] = []  # one for each drawing of this process: without one, calls need not look further
_DEPTH = 20  # of containers in which results are looked for


class Drawing:
    """What a flow called until now."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: dict[tuple[int, int], None] = {}
        self.values: dict[int, tuple[object, int]] = {}  # given instead of results, with the calls they stand for
        self._counts: dict[str, int] = {}

    def note(self, options: RunOptions, given: Iterable[object], way: "Way") -> object:
        """Note a call with what it is given; what stands for what it would return."""
        count = self._counts.get(options.name, 0)
        self._counts[options.name] = count + 1
        kind: Any = "task" if isinstance(options, TaskOptions) else "flow"
        node = Node(len(self.nodes), f"{options.name}-{count}", kind, way == "map")
        self.nodes.append(node)
        for before in sorted(set(self._calls_in(list(given), _DEPTH))):
            self.edges[before, node.id] = None
        value = getattr(options, "viz_return_value", None)
        if value is None:
            return Drawn(frozenset([node.id]), options.name, way == "map")
        if not is_atom(value):  # of a number, nobody could say whether it is this very one
            self.values[id(value)] = value, node.id
        is_awaited = options.is_async and call_is_awaited()
        if way == "call":
            return _given(value) if is_awaited else value
        future = _Future(frozenset([node.id]), options.name, value, is_awaited)
        return future if way == "submit" else _Futures([future])

    def _calls_in(self, value: object, depth: int) -> Iterator[int]:
        if isinstance(value, Drawn):
            yield from value._calls
        elif id(value) in self.values:
            yield self.values[id(value)][1]
        elif depth and isinstance(value, dict):
            for part in (*value, *value.values()):
                yield from self._calls_in(part, depth - 1)
        elif depth and isinstance(value, list | tuple | set | frozenset):
            for part in value:
                yield from self._calls_in(part, depth - 1)
        elif depth and isinstance(value, Annotation):
            yield from self._calls_in(value.value, depth - 1)


class Drawn:
    """What stands for the result of calls that are not run."""

    def __init__(self, calls: frozenset[int], name: str, is_mapped: bool = False) -> None:
        self._calls = calls
        self._name = name
        self._is_mapped = is_mapped

    def __getattr__(self, name: str) -> "Drawn":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *given: object, **named: object) -> "Drawn":
        return self._with(*given, *named.values())

    def __getitem__(self, key: object) -> "Drawn":
        return self._with(key) if not self._is_mapped else Drawn(self._calls, self._name)

    def __iter__(self) -> Iterator["Drawn"]:
        if not self._is_mapped:
            self._depends("how many items there are in it")
        return iter([Drawn(self._calls, self._name)])

    def __await__(self) -> Generator[object, None, "Drawn"]:
        return self
        yield

    def _with(self, *others: object) -> "Drawn":
        calls = self._calls.union(*(each._calls for each in others if isinstance(each, Drawn)))
        return Drawn(calls, self._name, self._is_mapped)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _with
    __floordiv__ = __mod__ = __pow__ = __and__ = __or__ = __ror__ = __lt__ = __le__ = __gt__ = __ge__ = _with
    __eq__ = __ne__ = _with  # type: ignore[assignment]

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        self._depends("whether it is true")

    def __len__(self) -> int:
        self._depends("how long it is")

    def __contains__(self, _: object) -> bool:
        self._depends("what is in it")

    def __int__(self) -> int:
        self._depends("its number")

    __float__ = __int__
    __index__ = __int__

    def __str__(self) -> str:
        return f"<result of {self._name}>"

    __repr__ = __str__

    def _depends(self, on: str) -> NoReturn:
        raise VisualizationError(
            f"The flow cannot be drawn: its code depends on the result of {self._name!r}, on {on}, and no task runs for"
            " a drawing. Move that code into a task, or say what it has instead: @task(viz_return_value=...)."
        )


async def _given(value: object) -> object:
    return value


class _Future(Drawn):
    """What stands for the future of a call for which the drawing has a value."""

    def __init__(self, calls: frozenset[int], name: str, value: object, is_awaited: bool) -> None:
        super().__init__(calls, name)
        self._value = value
        self._is_awaited = is_awaited

    def result(self, *_: object, **__: object) -> Any:
        return _given(self._value) if self._is_awaited else self._value


class _Futures(list[_Future]):
    """The one that stands for all of a mapped task's."""

    def result(self, *_: object, **__: object) -> list[object]:
        return [each.result() for each in self]


def draw_call(options: RunOptions, args: Iterable[object], kwargs: dict[str, object], way: Way) -> object:
    """What stands for a call's result, if a flow is drawn here; else None."""
    drawing = _current.get()
    if drawing is None:
        return None
    given = [value for name, value in kwargs.items() if name != "return_state"]
    return drawing.note(options, [*args, *given], way)


def draw_flow(options: FlowOptions, parameters: dict[str, object], call: Callable[[], object]) -> object:
    """The graph of what the flow's function calls; a coroutine of it on an event loop, if the function is one."""
    if options.is_generator:
        raise VisualizationError(
            f"The flow {options.name!r} is a generator: what it calls depends on who takes its items. Draw a flow that"
            " returns a list of them."
        )
    if not options.is_async:
        return _draw_here(options, parameters, call)
    coroutine = _draw_awaited(options, parameters, call)
    if on_event_loop():
        return coroutine
    import asyncio

    return asyncio.run(coroutine)


def _draw_here(options: FlowOptions, parameters: dict[str, object], call: Callable[[], object]) -> FlowGraph:
    drawing = Drawing()
    resets = _enter(drawing, options, parameters, colour_of_plain_code())
    try:
        call()
    finally:
        _leave(resets)
    return FlowGraph(options.name, drawing.nodes, list(drawing.edges))


async def _draw_awaited(options: FlowOptions, parameters: dict[str, object], call: Callable[[], Any]) -> FlowGraph:
    drawing = Drawing()
    resets = _enter(drawing, options, parameters, True)
    try:
        await call()
    finally:
        _leave(resets)
    return FlowGraph(options.name, drawing.nodes, list(drawing.edges))


def _enter(drawing: Drawing, options: FlowOptions, parameters: dict[str, object], colour: object) -> list[object]:
    """Have a flow run be around the code that is not recorded, so that it may ask for its name and its logger."""
    run = FlowRunContext(
        id=new_id(),
        name="visualize",
        owner=None,
        options=options,
        parameters=parameters,
        tags=options.tags,
        parent=None,
        created=system_clock(),
    )
    run.is_drawn = True
    active.append(None)
    return [
        (_current, _current.set(drawing)),
        (current_run, current_run.set(run)),
        (run_is_async, run_is_async.set(colour)),
    ]


def _leave(resets: list[Any]) -> None:
    active.pop()
    for variable, token in reversed(resets):
        variable.reset(token)
