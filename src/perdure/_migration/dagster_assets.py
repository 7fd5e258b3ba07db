"""Dagster's ops, jobs and assets: contexts that only log go, and assets that one file wires are a flow that calls them.

An asset names what it depends on by its arguments, or by `deps`. Where all of a file's assets depend on each other
alone, the order is known, and a flow is written that calls them in it and passes values on:

    @asset                                  @task(persist_result=True)
    def total(numbers): ...                 def total(numbers): ...

    materialize([numbers, total])           @flow
                                            def assets():
                                                numbers_value = numbers()
                                                total_value = total(numbers=numbers_value)
                                                return {"numbers": numbers_value, "total": total_value}

                                            assets()
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst import matchers

from perdure._migration.idiom import Idioms, assigned, code, dropped, elements, keyword, method, named
from perdure._migration.rules import Finding

__all__ = ["Dagster"]

_PAGE = "coming-from/dagster.md"
_OPS = frozenset({"dagster.op", "dagster.asset"})
_NEEDLESS = {"ins", "out", "deps", "group_name", "compute_kind", "kinds", "owners", "metadata"}  # options of either
_ALL = ("dagster.load_assets_from_current_module", "dagster.AssetSelection.all")
_VALUES = ("output_for_node", "asset_value")


@dataclass
class _Asset:
    """An asset that one file wires."""

    function: str
    key: str
    arguments: Mapping[str, str]  # by the function's parameters: the keys of other assets, whose values they are
    deps: Sequence[str]  # keys of others that come before it

    @property
    def needs(self) -> set[str]:
        return {*self.arguments.values(), *self.deps}


class Dagster(Idioms):
    """An op that uses its context to log alone has none; a job is called; a retry policy is two options."""

    def __init__(self) -> None:
        super().__init__()
        self._loggers: list[str | None] = []  # for each function around: the context that only logs
        self._jobs: set[str] = set()
        self._assets: list[_Asset] = []  # in the order in which they are called; none, if they are not wired here
        self._last: cst.FunctionDef | None = None  # after which their flow is written
        self._flow = ""  # its name
        self._results: dict[str, bool] = {}  # variables that runs' results are in: whether of assets
        self._dropped: dict[str, cst.Call] = {}  # variables that nothing needs: definitions, schedules
        self._set: dict[str, cst.BaseExpression] = {}  # what variables of the file are set to

    def visit_Module(self, node: cst.Module) -> None:
        functions = [each for each in node.body if isinstance(each, cst.FunctionDef)]
        self._set = dict(each for each in map(assigned, node.body) if each is not None)
        self._jobs = {each.name.value for each in functions if "dagster.job" in self.decorators(each)}
        ops = [each for each in functions if _OPS & self.decorators(each)]
        if all(map(self._is_free, ops)):
            self.settled = {"op"}
            self._wire(node, [each for each in ops if "dagster.asset" in self.decorators(each)])
        self._jobs |= {name for name, value in self._set.items() if self._is_job_of_assets(value)}
        for each in matchers.findall(node, matchers.Assign()):
            assert isinstance(each, cst.Assign)
            self._see_result(each)
        self._see_definitions(node)

    def _is_free(self, op: cst.FunctionDef) -> bool:
        """Whether it needs no context, once it logs as others do."""
        name = _first(op)
        return name not in _CONTEXTS or _Logs(name).alone(op.body)

    # Assets

    def _wire(self, module: cst.Module, functions: Sequence[cst.FunctionDef]) -> None:
        found = [each for each in map(self._asset, functions) if each is not None]
        keys = {each.key for each in found}
        if not found or len(found) < len(functions) or any(each.needs - keys for each in found):
            return
        ordered: list[_Asset] = []
        while waiting := [each for each in found if each not in ordered]:
            known = {each.key for each in ordered}
            ready = [each for each in waiting if each.needs <= known]
            if not ready:  # they need each other
                return
            ordered += ready[:1]
        taken = _names_of(module)
        self._assets, self._last = ordered, functions[-1]
        self._flow = next(each for each in ("assets", "all_assets", "materialized_assets") if each not in taken)
        self.settled.add("asset")
        self.needed.add("flow")

    def _asset(self, function: cst.FunctionDef) -> _Asset | None:
        options: Mapping[str, cst.BaseExpression] = {}
        for each in function.decorators:
            if self.called(each.decorator) == "dagster.asset" and isinstance(each.decorator, cst.Call):
                options = named(each.decorator)
        if options.keys() - {*_NEEDLESS, "name", "description", "retry_policy", "code_version"}:
            return None
        ins = self._ins(options.get("ins"))
        deps = [self._key(each) for each in elements(options.get("deps"))]
        name = options.get("name")
        key = name.evaluated_value if isinstance(name, cst.SimpleString) else function.name.value
        params = [each.name.value for each in function.params.params]
        given = params[1:] if _first(function) in _CONTEXTS else params
        if ins is None or None in deps or (name is not None and not isinstance(name, cst.SimpleString)):
            return None
        plain = [each for each in deps if each is not None]
        return _Asset(function.name.value, str(key), {each: ins.get(each, each) for each in given}, plain)

    def _ins(self, node: cst.BaseExpression | None) -> Mapping[str, str] | None:
        """By parameters, the keys of assets that `ins=` says; None if it says something else."""
        if node is None:
            return {}
        made: dict[str, str] = {}
        for each in node.elements if isinstance(node, cst.Dict) else ():
            call = each.value
            if not isinstance(each, cst.DictElement) or not isinstance(each.key, cst.SimpleString):
                return None
            if self.called(call) != "dagster.AssetIn" or not isinstance(call, cst.Call):
                return None
            key = self._key(call.args[0].value) if call.args else str(each.key.evaluated_value)
            if key is None or any(arg.keyword is not None and arg.keyword.value != "key" for arg in call.args):
                return None
            made[str(each.key.evaluated_value)] = key
        return made

    def _key(self, node: cst.BaseExpression) -> str | None:
        """The key that names an asset: its function, a text, or an `AssetKey`."""
        if isinstance(node, cst.Name):
            return node.value
        if self.called(node) == "dagster.AssetKey" and isinstance(node, cst.Call) and len(node.args) == 1:
            parts = elements(node.args[0].value)
            node = parts[0] if len(parts) == 1 else node.args[0].value
        return str(node.evaluated_value) if isinstance(node, cst.SimpleString) else None

    def _are_all(self, node: cst.BaseExpression | None) -> bool:
        """Whether it is all assets of the file."""
        if isinstance(node, cst.Name):
            node = self._set.get(node.value)
        if self.called(node) in _ALL if node is not None else False:
            return True
        named_here = [each.value for each in elements(node) if isinstance(each, cst.Name)]
        return bool(self._assets) and set(named_here) == {each.function for each in self._assets}

    def _is_job_of_assets(self, node: cst.BaseExpression) -> bool:
        if self.called(node) != "dagster.define_asset_job" or not isinstance(node, cst.Call) or not self._assets:
            return False
        selection = named(node).get("selection", node.args[1].value if len(node.args) > 1 else None)
        is_star = isinstance(selection, cst.SimpleString) and selection.evaluated_value == "*"
        return selection is None or is_star or self._are_all(selection)

    def _is_materialize(self, node: cst.BaseExpression) -> bool:
        """Whether it makes all assets of the file, and nothing else is asked of it."""
        is_call = self.called(node) in ("dagster.materialize", "dagster.materialize_to_memory")
        return is_call and isinstance(node, cst.Call) and len(node.args) == 1 and self._are_all(node.args[0].value)

    # What is launched and defined

    def _see_result(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        if not isinstance(target, cst.Name):
            return
        if self._is_materialize(node.value):
            self._results[target.value] = True
        elif method(node.value, self._jobs) == "execute_in_process":
            self._results[target.value] = False

    def _see_definitions(self, module: cst.Module) -> None:
        """Which variables only say what a code location has, which nothing here asks."""
        schedules = {
            name: value
            for name, value in self._set.items()
            if self.called(value) == "dagster.ScheduleDefinition"
            and isinstance(value, cst.Call)
            and self._job_of(value)
        }
        definitions = {
            name: value
            for name, value in self._set.items()
            if self.called(value) == "dagster.Definitions" and isinstance(value, cst.Call)
            if all(self._says_what_is_here(arg, schedules) for arg in value.args)
        }
        if definitions:
            jobs = {
                name: value for name, value in self._set.items() if name in self._jobs and isinstance(value, cst.Call)
            }
            self._dropped = definitions | schedules | jobs

    def _says_what_is_here(self, arg: cst.Arg, schedules: Iterable[str]) -> bool:
        names = [each.value for each in elements(arg.value) if isinstance(each, cst.Name)]
        known = {"jobs": self._jobs, "schedules": schedules}
        if arg.keyword is None or arg.keyword.value == "assets":
            return self._are_all(arg.value)
        is_plain = len(names) == len(elements(arg.value))
        return arg.keyword.value in known and is_plain and set(names) <= set(known[arg.keyword.value])

    def _job_of(self, schedule: cst.Call) -> str | None:
        """The flow that a schedule starts."""
        job = named(schedule).get("job")
        name = job.value if isinstance(job, cst.Name) else None
        if name is None or "cron_schedule" not in named(schedule):
            return None
        return self._flow if name in self._set and name in self._jobs else name if name in self._jobs else None

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> "cst.SimpleStatementLine | cst.RemovalSentinel":
        found = assigned(original_node)
        if found is not None and found[1] is self._dropped.get(found[0]):
            self._say_schedule(found[1])
            return dropped(updated_node)
        small = original_node.body[0]
        if isinstance(small, cst.Assert) and self._is_success(small.test):
            return dropped(updated_node)
        return updated_node

    def _say_schedule(self, node: cst.BaseExpression) -> None:
        if self.called(node) != "dagster.ScheduleDefinition" or not isinstance(node, cst.Call):
            return
        flow = self._job_of(node)
        cron = cst.Module([]).code_for_node(named(node)["cron_schedule"])
        zone = named(node).get("execution_timezone")
        more = "" if zone is None else f", timezone={cst.Module([]).code_for_node(zone)}"
        reason = f'Its runs are those of a deployment: `{flow}.serve(name="scheduled", cron={cron}{more})`.'
        line = self.line_of(node)
        self.findings.append(Finding(line, "ScheduleDefinition", reason, f"{_PAGE}#schedules"))

    def _is_success(self, node: cst.BaseExpression) -> bool:
        if not isinstance(node, cst.Attribute) or node.attr.value != "success":
            return False
        return isinstance(node.value, cst.Name) and node.value.value in self._results

    # Functions

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        is_op = bool(_OPS & self.decorators(node)) and _first(node) in _CONTEXTS
        self._loggers.append(_first(node) if is_op and self._is_free(node) else None)

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> "cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]":
        if self._loggers.pop() is not None:
            params = updated_node.params.with_changes(params=updated_node.params.params[1:])
            updated_node = updated_node.with_changes(params=params)
        return (
            cst.FlattenSentinel([updated_node, self._flow_of_assets()]) if original_node is self._last else updated_node
        )

    def _flow_of_assets(self) -> cst.BaseStatement:
        variables = {each.key: f"{each.function}_value" for each in self._assets}
        lines = ["@flow", f"def {self._flow}():"]
        for each in self._assets:
            given = ", ".join(f"{name}={variables[key]}" for name, key in each.arguments.items())
            lines.append(f"    {variables[each.key]} = {each.function}({given})")
        pairs = ", ".join(f'"{key}": {variable}' for key, variable in variables.items())
        lines.append(f"    return {{{pairs}}}\n")
        made = cst.parse_statement("\n".join(lines))
        return cst.ensure_type(made, cst.FunctionDef).with_changes(leading_lines=[cst.EmptyLine(indent=False)] * 2)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        value = original_node.value
        is_context = isinstance(value, cst.Name) and self._loggers[-1:] == [value.value]
        if is_context and original_node.attr.value == "log":
            self.needed.add("get_run_logger")
            return code("get_run_logger()")
        if self._is_success(original_node):  # what failed was raised
            return cst.Name("True")
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        if self._is_materialize(original_node):
            return cst.Call(cst.Name(self._flow))
        if method(updated_node, self._jobs) == "execute_in_process" and not updated_node.args:
            job = cst.ensure_type(updated_node.func, cst.Attribute).value
            is_of_assets = isinstance(job, cst.Name) and job.value in self._set
            return updated_node.with_changes(func=cst.Name(self._flow) if is_of_assets else job)
        if method(updated_node, self._results) in _VALUES and len(updated_node.args) == 1:
            return self._value(original_node, updated_node)
        if self.full(original_node.func) in _OPS:
            pairs = zip(original_node.args, updated_node.args, strict=True)
            return updated_node.with_changes(args=[each for old, new in pairs for each in self._options(old, new)])
        return updated_node

    def _value(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        """What one step of a run gave: of assets it is in what their flow returns."""
        result = cst.ensure_type(updated.func, cst.Attribute).value
        if self._results.get(cst.ensure_type(result, cst.Name).value):
            return cst.Subscript(result, [cst.SubscriptElement(cst.Index(updated.args[0].value))])
        line = self.line_of(original)
        reason = "A flow gives what it returns: return the value that is looked at."
        self.findings.append(Finding(line, "output_for_node", reason, f"{_PAGE}#running"))
        return updated

    def _options(self, old: cst.Arg, new: cst.Arg) -> Sequence[cst.Arg]:
        name = "" if old.keyword is None else old.keyword.value
        if name in ("ins", "out") or (self._assets and name in _NEEDLESS):  # what they say is in the flow, and in hints
            return []
        if (
            name != "retry_policy"
            or self.called(old.value) != "dagster.RetryPolicy"
            or not isinstance(new.value, cst.Call)
        ):
            return [new]
        given = named(new.value)
        if given.keys() - {"max_retries", "delay"} or len(given) != len(new.value.args):
            return [new]
        retries = keyword("retries", given.get("max_retries", code("1")))
        return [retries, *([keyword("retry_delay_seconds", given["delay"])] if "delay" in given else [])]


def _names_of(module: cst.Module) -> set[str]:
    """The names that a file uses, but for those of keywords and attributes."""
    labels = {id(each.keyword) for each in matchers.findall(module, matchers.Arg()) if isinstance(each, cst.Arg)}
    attributes = matchers.findall(module, matchers.Attribute())
    labels |= {id(each.attr) for each in attributes if isinstance(each, cst.Attribute)}
    names = [each for each in matchers.findall(module, matchers.Name()) if isinstance(each, cst.Name)]
    return {each.value for each in names if id(each) not in labels}


_CONTEXTS = ("context", "_context", "_")


def _first(function: cst.FunctionDef) -> str:
    params = function.params.params
    return params[0].name.value if params else ""


class _Logs(cst.CSTVisitor):
    """Whether all that is used of a context is `context.log`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._others = 0

    def alone(self, body: cst.BaseSuite) -> bool:
        body.visit(self)
        return self._others == 0

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        is_log = isinstance(node.value, cst.Name) and node.value.value == self._name and node.attr.value == "log"
        return not is_log

    def visit_Name(self, node: cst.Name) -> None:
        self._others += node.value == self._name
