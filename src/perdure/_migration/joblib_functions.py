"""joblib's functions: what a `Memory` caches is a task with a cache; what is called in parallel is a task in a flow.

    squares = Parallel(n_jobs=4)(delayed(square)(x) for x in xs)

    @flow(task_runner=ProcessTaskRunner(max_workers=4))
    def square_in_parallel(calls):
        futures = [task(square).submit(*args) for args in calls]
        return [future.result() for future in futures]

    squares = square_in_parallel([(x,) for x in xs])

Each argument stays the expression that it was, made once for each item as joblib does. The flow stands before the
statement of the file that calls it.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import libcst as cst

from perdure._migration.idiom import Idioms, all_of, assigned, code, dropped, elements, method, named
from perdure._migration.rules import Finding

__all__ = ["Joblib"]

_PAGE = "coming-from/joblib.md"
_PARALLEL = ("joblib.Parallel", "joblib.parallel.Parallel")
_DELAYED = ("joblib.delayed", "joblib.parallel.delayed")
_NEEDLESS = frozenset(  # options that say how joblib does it, or how much of it is printed
    ("batch_size", "initializer", "max_nbytes", "mmap_mode", "pre_dispatch", "temp_folder", "verbose")
)
_KNOWN = _NEEDLESS | {"n_jobs", "backend", "prefer", "require"}
_IN_THREADS = ("threading", "threads", "sharedmem")
_IN_PROCESSES = ("loky", "multiprocessing", "processes")


class _Parallel(NamedTuple):
    """A call in parallel that is rewritten."""

    function: str  # an expression that the whole file sees
    runner: str  # the class of its task runner
    workers: int | None  # None: as many as there are processors
    said: str  # an expression that says how many where it is called, or ""
    has_names: bool  # whether arguments are given by name
    flow: str = ""  # the name of the flow that it becomes a call of


class Joblib(Idioms):
    """A function that a `Memory` caches is a task with a persisted result and a cache; a parallel call is a flow's."""

    def __init__(self) -> None:
        super().__init__()
        self._memories: set[str] = set()
        self._calls: dict[int, _Parallel] = {}  # by the ids of their nodes
        self._before: dict[int, list[_Parallel]] = {}  # by the ids of statements of the file: the flows before them

    def visit_Module(self, node: cst.Module) -> None:
        """Which variables at the top are nothing but a memory, and which parallel calls can be flows."""
        made = [each for each in map(assigned, node.body) if each is not None]
        names = {name for name, value in made if self.called(value) in ("joblib.Memory", "joblib.memory.Memory")}
        self._memories = {name for name in names if _Uses(name).only_caches(node)}
        functions = {each.name.value for each in node.body if isinstance(each, cst.FunctionDef)}
        taken = {each.value for each in all_of(node, cst.Name)}
        for statement in node.body:
            at_once: set[int] = set()  # `Parallel(…)` that is called where it is made
            for call in all_of(statement, cst.Call):
                if self.called(call.func) in _PARALLEL:
                    at_once.add(id(call.func))
                    found = self._parallel(call, functions)
                    if found is not None:
                        self._calls[id(call)] = self._named(found, taken, statement)
                elif self.called(call) in _PARALLEL and id(call) not in at_once:
                    self._say(call, "it is used otherwise than called at once")

    def _named(self, found: _Parallel, taken: set[str], statement: cst.CSTNode) -> _Parallel:
        """The call with the name of its flow, which is made before the first statement that needs it."""
        known = next((each for each in self._calls.values() if each._replace(flow="") == found), None)
        if known is not None:
            return known
        numbers = (f"{found.function}_in_parallel_{number}" for number in itertools.count(2))
        names = itertools.chain((f"{found.function}_in_parallel",), numbers)
        named_now = found._replace(flow=next(each for each in names if each not in taken))
        taken.add(named_now.flow)
        self._before.setdefault(id(statement), []).append(named_now)
        return named_now

    # In parallel

    def _parallel(self, call: cst.Call, functions: set[str]) -> _Parallel | None:
        """How a call of `Parallel(…)(…)` is rewritten; None if a person does it, for whom the reason is listed."""
        options = cst.ensure_type(call.func, cst.Call)
        given = call.args[0].value if len(call.args) == 1 else None
        if not isinstance(given, cst.GeneratorExp | cst.ListComp):
            self._say(call, "what is called is made elsewhere")
            return None
        made = given.elt
        if not isinstance(made, cst.Call) or self.called(made.func) not in _DELAYED:
            self._say(call, "it is no delayed(function)(…) for each item")
            return None
        called = cst.ensure_type(made.func, cst.Call).args
        function = called[0].value if len(called) == 1 else None
        is_seen = isinstance(function, cst.Name) and function.value in functions
        if function is None or not (is_seen or (isinstance(function, cst.Name) and self.full(function))):
            self._say(call, "its function is none of the file's own, nor imported")
            return None
        runner = self._runner(options)
        workers, said = self._workers(options)
        if runner is None or workers == 0 or any(arg.star for arg in made.args):
            self._say(call, "its options or arguments depend on more than the file says")
            return None
        has_names = any(arg.keyword is not None for arg in made.args)
        return _Parallel(cst.ensure_type(function, cst.Name).value, runner, workers, said, has_names)

    def _runner(self, options: cst.Call) -> str | None:
        known = named(options)
        if known.keys() - _KNOWN or len(options.args) - len(known) > 1:
            return None
        said = [known[name] for name in ("backend", "prefer", "require") if name in known]
        texts = {each.evaluated_value for each in said if isinstance(each, cst.SimpleString)}
        if len(texts) != len(said) or not texts <= {*_IN_THREADS, *_IN_PROCESSES}:
            return None
        return "ThreadTaskRunner" if texts & {*_IN_THREADS} else "ProcessTaskRunner"

    def _workers(self, options: cst.Call) -> tuple[int | None, str]:
        """How many at once, None for one a processor, 0 if it cannot be seen; and what says it where it is called."""
        first = next((each.value for each in options.args if each.keyword is None), None)
        said = named(options).get("n_jobs", first)
        text = "1" if said is None else cst.Module([]).code_for_node(said).replace(" ", "")
        if text in ("-1", "None", "os.cpu_count()", "cpu_count()", "multiprocessing.cpu_count()", "joblib.cpu_count()"):
            return None, ""
        if isinstance(said, cst.Name | cst.Attribute):
            return None, text
        return (int(text) if text.isdecimal() else 0), ""

    def _say(self, call: cst.Call, why: str) -> None:
        reason = f"Call `task(f).map(xs)` in a flow with a task runner; it is not rewritten, since {why}."
        self.findings.append(Finding(self.line_of(call), "Parallel", reason, f"{_PAGE}#parallel"))

    def _flow(self, of: _Parallel) -> cst.FunctionDef:
        self.needed.update(("flow", "task"))
        self.theirs.add(("perdure.task_runners", of.runner))
        workers = "" if of.workers is None else f"max_workers={of.workers}"
        names, given = ("args, options", "*args, **options") if of.has_names else ("args", "*args")
        text = (
            f"@flow(task_runner={of.runner}({workers}))\n"
            f"def {of.flow}(calls):\n"
            f"    futures = [task({of.function}).submit({given}) for {names} in calls]\n"
            "    return [future.result() for future in futures]\n"
        )
        return cst.ensure_type(cst.parse_module(text).body[0], cst.FunctionDef)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        body: list[cst.BaseStatement] = []
        gap = [cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
        for old, new in zip(original_node.body, self._matched(original_node, updated_node), strict=True):
            for each in self._before.get(id(old), ()):
                body.append(self._flow(each).with_changes(leading_lines=gap if body else []))
            if new is not None:
                lines = list(getattr(new, "leading_lines", ()))
                is_apart = not self._before.get(id(old)) or len(lines) > 1
                body.append(new if is_apart else new.with_changes(leading_lines=[*gap, *lines]))
        return updated_node.with_changes(body=body)

    def _matched(self, original: cst.Module, updated: cst.Module) -> Sequence[cst.BaseStatement | None]:
        """For each statement of the file what it is now; None for those that fell away."""
        left = iter(updated.body)
        return [None if self._falls_away(each) else next(left) for each in original.body]

    # Memory

    def _falls_away(self, statement: cst.BaseStatement) -> bool:
        found = assigned(statement)
        if found is None or found[0] not in self._memories or self.called(found[1]) is None:
            return False
        return isinstance(dropped(cst.ensure_type(statement, cst.SimpleStatementLine)), cst.RemovalSentinel)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> "cst.SimpleStatementLine | cst.RemovalSentinel":
        found = assigned(original_node)
        is_memory = found is not None and found[0] in self._memories and self.called(found[1]) is not None
        return dropped(updated_node) if is_memory else updated_node

    def leave_Decorator(self, original_node: cst.Decorator, updated_node: cst.Decorator) -> cst.Decorator:
        made = original_node.decorator
        call = made if isinstance(made, cst.Call) else cst.Call(made)
        return updated_node.with_changes(decorator=self._task(call)) if self._is_cache(call) else updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        parallel = self._calls.get(id(original_node))
        if parallel is not None:
            given = updated_node.args[0].value
            assert isinstance(given, cst.GeneratorExp | cst.ListComp)
            items = cst.ListComp(_items(given.elt, parallel), given.for_in)
            return cst.Call(_flow_with_workers(parallel), [cst.Arg(items)])
        args = original_node.args
        if not self._is_cache(original_node) or not args or args[0].keyword is not None:
            return updated_node
        return cst.Call(self._task(original_node), [cst.Arg(updated_node.args[0].value)])

    def _is_cache(self, call: cst.Call) -> bool:
        return method(call, self._memories) == "cache"

    def _task(self, call: cst.Call) -> cst.Call:
        self.needed.update(("INPUTS", "TASK_SOURCE", "task"))
        ignored = [f" - {cst.Module([]).code_for_node(each)}" for each in elements(named(call).get("ignore"))]
        policy = f"INPUTS{''.join(ignored)} + TASK_SOURCE"
        made = code(f"task(persist_result=True, cache_policy={policy})")
        assert isinstance(made, cst.Call)
        return made


def _flow_with_workers(of: _Parallel) -> cst.BaseExpression:
    """The flow that is called; with as many workers as a variable says, of which joblib takes -1 for all."""
    if not of.said:
        return cst.Name(of.flow)
    workers = f"{of.said} if {of.said} and {of.said} > 0 else None"
    return code(f"{of.flow}.with_options(task_runner={of.runner}(max_workers={workers}))")


def _items(made: cst.BaseExpression, of: _Parallel) -> cst.BaseExpression:
    """The arguments of one call: a tuple of them, or a pair of one and of those that have names."""
    args = cst.ensure_type(made, cst.Call).args
    plain = [cst.Element(each.value) for each in args if each.keyword is None]
    positional = cst.Tuple([plain[0].with_changes(comma=cst.Comma())] if len(plain) == 1 else plain)
    if not of.has_names:
        return positional
    options = [
        cst.DictElement(cst.SimpleString(f'"{each.keyword.value}"'), each.value)
        for each in args
        if each.keyword is not None
    ]
    return cst.Tuple([cst.Element(positional), cst.Element(cst.Dict(options))])


class _Uses(cst.CSTVisitor):
    """Whether a variable is used for `NAME.cache` of plain functions alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._others = -1  # the assignment itself is one

    def only_caches(self, module: cst.Module) -> bool:
        module.visit(self)
        return self._others == 0

    def visit_Name(self, node: cst.Name) -> None:
        self._others += node.value == self._name

    def visit_Decorator(self, node: cst.Decorator) -> bool:
        func = node.decorator.func if isinstance(node.decorator, cst.Call) else node.decorator
        return not self._is_cache(func)

    def visit_Call(self, node: cst.Call) -> bool:
        is_plain = bool(node.args) and node.args[0].keyword is None and isinstance(node.args[0].value, cst.Name)
        return not (is_plain and self._is_cache(node.func))

    def _is_cache(self, func: cst.BaseExpression) -> bool:
        return (
            isinstance(func, cst.Attribute)
            and func.attr.value == "cache"
            and isinstance(func.value, cst.Name)
            and func.value.value == self._name
        )
