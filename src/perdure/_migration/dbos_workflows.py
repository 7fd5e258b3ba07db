"""DBOS's workflows: nothing is launched, attempts are retries, a workflow that is started or enqueued is submitted."""

import libcst as cst

from perdure._migration.idiom import Idioms, all_of, assigned, code, dropped, keyword, method, named
from perdure._migration.rules import Finding

__all__ = ["Dbos"]


class Dbos(Idioms):
    """Nothing is launched; attempts are retries; a workflow that is started is submitted."""

    _LAUNCHES = frozenset({"dbos.DBOS", "dbos.DBOS.launch", "dbos.DBOS.destroy"})

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[bool] = []  # for each function around: whether it is a workflow's or a step's
        self._handles: set[str] = set()  # variables that started workflows are in
        self._queues: dict[str, cst.Call] = {}
        self._workflows: set[str] = set()

    def visit_Module(self, node: cst.Module) -> None:
        made = [each for each in map(assigned, node.body) if each is not None]
        queues = {
            name: value for name, value in made if self.called(value) == "dbos.Queue" and isinstance(value, cst.Call)
        }
        functions_called = [call.func for call in all_of(node, cst.Call)]
        enqueued = [
            each.value for each in functions_called if isinstance(each, cst.Attribute) and each.attr.value == "enqueue"
        ]
        calls = [each.value for each in enqueued if isinstance(each, cst.Name)]
        uses = [each.value for each in all_of(node, cst.Name)]
        # One assignment, and nothing else but calls.
        self._queues = {name: value for name, value in queues.items() if uses.count(name) == calls.count(name) + 1}
        functions = [each for each in node.body if isinstance(each, cst.FunctionDef)]
        self._workflows = {each.name.value for each in functions if "dbos.DBOS.workflow" in self.decorators(each)}
        self._is_started = bool(self._queues) or any(
            self.called(call) == "dbos.DBOS.start_workflow" for call in all_of(node, cst.Call)
        )

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._runs.append(any((each or "").startswith("dbos.DBOS.") for each in self.decorators(node)))

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        self._runs.pop()
        return updated_node

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        found = assigned(node)
        if found is not None and self.called(found[1]) == "dbos.DBOS.start_workflow":
            self._handles.add(found[0])

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> "cst.SimpleStatementLine | cst.RemovalSentinel":
        statement = original_node.body[0] if len(original_node.body) == 1 else None
        found = assigned(original_node)
        if found is not None and found[1] is self._queues.get(found[0]):
            self._say_limit(found[1])
            return dropped(updated_node)
        if isinstance(statement, cst.Expr) and self.called(statement.value) in self._LAUNCHES:
            return dropped(updated_node)
        return updated_node

    def _say_limit(self, node: cst.BaseExpression) -> None:
        given = named(cst.ensure_type(node, cst.Call))
        if given.keys() & {"concurrency", "worker_concurrency", "limiter"}:
            reason = "Make a limit, and hold it where the work is done: `with concurrency(…)` or `rate_limit(…)`."
            self.findings.append(Finding(self.line_of(node), "Queue", reason, "concepts/limits-and-events.md"))

    def leave_With(
        self, original_node: cst.With, updated_node: cst.With
    ) -> "cst.With | cst.FlattenSentinel[cst.BaseStatement]":
        """A block that gives one workflow an id: that is an option of the call."""
        call = original_node.items[0].item
        body = updated_node.body.body if isinstance(updated_node.body, cst.IndentedBlock) else ()
        calls = [each for line in body for each in all_of(line, cst.Call) if self._is_workflow(each.func)]
        is_id = self.called(call) == "dbos.SetWorkflowID" and isinstance(call, cst.Call) and len(call.args) == 1
        if not is_id or len(original_node.items) != 1 or len(calls) != 1 or not isinstance(call, cst.Call):
            return updated_node
        option = keyword("idempotency_key", call.args[0].value)
        changed = cst.Call(cst.Attribute(calls[0].func, cst.Name("with_options")), [option])
        lines = [each.deep_replace(calls[0], calls[0].with_changes(func=changed)) for each in body]
        return cst.FlattenSentinel([cst.ensure_type(each, cst.BaseStatement) for each in lines])

    def _is_workflow(self, node: cst.BaseExpression) -> bool:
        return isinstance(node, cst.Name) and node.value in self._workflows

    def leave_AnnAssign(
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> "cst.AnnAssign | cst.Assign":
        if updated_node.value is None or self.full(original_node.annotation.annotation) != "dbos.DBOSConfig":
            return updated_node
        return cst.Assign([cst.AssignTarget(updated_node.target)], updated_node.value)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        if self._runs[-1:] == [True] and self.full(original_node) == "dbos.DBOS.logger":
            self.needed.add("get_run_logger")
            return code("get_run_logger()")
        if self.full(original_node) == "dbos.DBOS.workflow_id":
            self.needed.add("runtime")
            return code("runtime.flow_run.id")
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        full = self.full(original_node.func)
        if (
            full == "dbos.DBOS.start_workflow"
            and updated_node.args
            and isinstance(updated_node.args[0].value, cst.Name)
        ):
            first, *others = updated_node.args
            return updated_node.with_changes(func=cst.Attribute(first.value, cst.Name("submit")), args=others)
        if full in ("dbos.DBOS.step", "dbos.DBOS.transaction"):
            return self._with_delays(updated_node.with_changes(args=[_as_retries(arg) for arg in updated_node.args]))
        if method(updated_node, self._queues) == "enqueue" and updated_node.args:
            first, *others = updated_node.args
            return updated_node.with_changes(func=cst.Attribute(first.value, cst.Name("submit")), args=others)
        is_result = isinstance(updated_node.func, cst.Attribute) and updated_node.func.attr.value == "get_result"
        if is_result and self._is_started and isinstance(updated_node.func, cst.Attribute):
            return updated_node.with_changes(func=updated_node.func.with_changes(attr=cst.Name("result")))
        return updated_node

    def _with_delays(self, call: cst.Call) -> cst.Call:
        """A call whose delays grow as DBOS's do: twofold, unless something else is said."""
        given = named(call)
        rate = given.get("backoff_rate")
        factor = float(rate.value) if isinstance(rate, cst.Float | cst.Integer) else None
        if "interval_seconds" not in given or (rate is not None and factor not in (1, 2)):
            return call
        delay = given["interval_seconds"]
        if factor != 1:
            self.needed.add("exponential_backoff")
            delay = cst.Call(cst.Name("exponential_backoff"), [cst.Arg(delay)])
        others = [each for each in call.args if each.keyword is None or each.keyword.value not in _DELAYS]
        return call.with_changes(args=[*others, keyword("retry_delay_seconds", delay)])


_DELAYS = ("interval_seconds", "backoff_rate")


def _as_retries(arg: cst.Arg) -> cst.Arg:
    """`retries=2` for `max_attempts=3`: attempts after the first."""
    if arg.keyword is None or arg.keyword.value != "max_attempts" or not isinstance(arg.value, cst.Integer):
        return arg
    return arg.with_changes(keyword=cst.Name("retries"), value=code(str(max(0, int(arg.value.value, 0) - 1))))
