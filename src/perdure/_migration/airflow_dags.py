"""Airflow's DAGs: a block of one is a flow, tasks are mapped, groups are functions, operators of Python are tasks."""

import re

import libcst as cst

from perdure._migration.idiom import Idioms, all_of, assigned, dropped, elements, keyword, method, named
from perdure._migration.rules import Finding

__all__ = ["Airflow"]

_PAGE = "coming-from/airflow.md"
_OF_OPERATORS = {  # options of PythonOperator: a task's, or nothing
    "task_id": "name",
    "retries": "retries",
    "python_callable": "",
    "op_args": "",
    "op_kwargs": "",
}


class Airflow(Idioms):
    """A block of a DAG is a flow; tasks are mapped; groups are plain functions."""

    def __init__(self) -> None:
        super().__init__()
        self._dags: set[str] = set()  # variables that calls of DAGs are in
        self._functions: dict[str, cst.FunctionDef] = {}  # of the file
        self._inside = 0  # of how many blocks of DAGs
        self._places: dict[str, int] = {}  # where in the file variables are set

    def visit_Module(self, node: cst.Module) -> None:
        made = [each for each in node.body if isinstance(each, cst.FunctionDef)]
        self._functions = {each.name.value: each for each in made}
        lines = [(each, assigned(each)) for each in all_of(node, cst.SimpleStatementLine)]
        self._places = {found[0]: self.line_of(line) for line, found in lines if found is not None}
        dags = {
            each.name.value for each in made if any((name or "").endswith(".dag") for name in self.decorators(each))
        }
        set_here = [each for each in map(assigned, node.body) if each is not None]
        called = {name: value.func for name, value in set_here if isinstance(value, cst.Call)}
        self._dags = {name for name, func in called.items() if isinstance(func, cst.Name) and func.value in dags}
        blocks = [item for each in node.body if isinstance(each, cst.With) for item in each.items]
        named = [each.asname.name for each in blocks if each.asname is not None and self._is_dag(each.item)]
        self._dags |= {each.value for each in named if isinstance(each, cst.Name)}

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> "cst.SimpleStatementLine | cst.RemovalSentinel":
        statement = original_node.body[0]
        if isinstance(statement, cst.Assign | cst.Expr) and self._is_nothing(statement.value):
            return dropped(updated_node)
        if not isinstance(statement, cst.Expr):
            return updated_node
        is_test = method(statement.value, self._dags) in ("test", "cli")
        if is_test or (_is_order(statement.value) and self._runs_in_order(statement.value)):
            return dropped(updated_node)
        return updated_node

    def _runs_in_order(self, node: cst.BaseExpression) -> bool:
        """Whether what an order says is how the calls are written; if not, a person moves them."""
        late = [(first, last) for first, last in _pairs(node) if self._place(first) > self._place(last)]
        for first, last in late:
            reason = (
                f"Calls run in the order in which they are written: write that of {last!r} below that of {first!r}."
            )
            self.findings.append(Finding(self.line_of(node), f"{first} >> {last}", reason, f"{_PAGE}#what-differs"))
        return not late

    def _place(self, variable: str) -> int:
        return self._places.get(variable, 0)

    # Operators

    def visit_With(self, node: cst.With) -> None:
        self._inside += self._is_dag(node.items[0].item)

    def _is_nothing(self, node: cst.BaseExpression) -> bool:
        """Whether it is an operator that does nothing, of which only orders speak."""
        last = (self.called(node) or "").rpartition(".")[2]
        return self._inside > 0 and last in ("EmptyOperator", "DummyOperator")

    def _of_python(self, node: cst.Call) -> cst.Call | None:
        """A call of the function that a `PythonOperator` calls, as a task; None if it is given more than arguments."""
        given = named(node)
        function = given.get("python_callable")
        named_here = self._functions.get(function.value) if isinstance(function, cst.Name) else None
        args, pairs = elements(given.get("op_args")), _pairs_of(given.get("op_kwargs"))
        if named_here is None or pairs is None or given.keys() - _OF_OPERATORS or ("op_kwargs" in given and not pairs):
            return None
        params = named_here.params
        names = [each.name.value for each in params.params][len(args) :]
        free = {each.name.value for each in params.params if each.default is None} & {*names} - pairs.keys()
        if free or pairs.keys() - {*names} or params.star_kwarg is not None or len(args) > len(params.params):
            return None
        self.needed.add("task")
        options = [keyword(_OF_OPERATORS[name], value) for name, value in given.items() if _OF_OPERATORS[name]]
        called = [*map(cst.Arg, args), *(keyword(name, value) for name, value in pairs.items())]
        return cst.Call(
            cst.Call(cst.Call(cst.Name("task"), options), [cst.Arg(cst.Name(named_here.name.value))]), called
        )

    def _of_bash(self, node: cst.Call) -> cst.Call | None:
        """A call of a shell's command; None if its text is a template."""
        command = named(node).get("bash_command")
        if named(node).keys() - {"task_id", "bash_command"} or not isinstance(command, cst.SimpleString):
            return None
        if "{{" in command.value or "{%" in command.value:
            return None
        self.theirs.add(("perdure.integrations.shell", "shell_run_command"))
        return cst.Call(cst.Name("shell_run_command"), [cst.Arg(command)])

    def leave_With(
        self, original_node: cst.With, updated_node: cst.With
    ) -> "cst.With | cst.FlattenSentinel[cst.BaseStatement]":
        call = original_node.items[0].item
        self._inside -= self._is_dag(call)
        if not self._is_dag(call) or len(original_node.items) != 1 or not isinstance(call, cst.Call):
            return updated_node
        args = [
            each if each.keyword or number else keyword("dag_id", each.value) for number, each in enumerate(call.args)
        ]
        id = named(cst.Call(cst.Name("dag"), args)).get("dag_id")
        if not isinstance(id, cst.SimpleString):
            return updated_node
        self.theirs.add(("airflow.decorators", "dag"))
        name = cst.Name(re.sub(r"\W|\A(?=\d)", "_", str(id.evaluated_value)))
        made = cst.FunctionDef(
            name,
            cst.Parameters(),
            updated_node.body,
            [cst.Decorator(cst.Call(cst.Name("dag"), args))],
            leading_lines=updated_node.leading_lines,
        )
        run = cst.SimpleStatementLine([cst.Expr(cst.Call(name))], leading_lines=[cst.EmptyLine(), cst.EmptyLine()])
        return cst.FlattenSentinel([made, run])

    def _is_dag(self, call: cst.BaseExpression) -> bool:
        full = self.called(call) or ""
        return full.startswith("airflow.") and full.endswith(".DAG")

    def leave_Decorator(
        self, original_node: cst.Decorator, updated_node: cst.Decorator
    ) -> "cst.Decorator | cst.RemovalSentinel":
        made = original_node.decorator
        full = self.called(made) or self.full(made) or ""
        is_group = full.startswith("airflow.") and full.endswith(".task_group")
        return cst.RemoveFromParent() if is_group else updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        last = (self.called(original_node) or "").rpartition(".")[2] if self._inside else ""
        if last in ("PythonOperator", "BashOperator"):
            made = self._of_python(updated_node) if last == "PythonOperator" else self._of_bash(updated_node)
            return updated_node if made is None else made
        func = updated_node.func
        if not isinstance(func, cst.Attribute) or func.attr.value != "expand" or not updated_node.args:
            return updated_node
        if any(arg.keyword is None for arg in updated_node.args):
            return updated_node
        mapped = func.value
        fixed: list[cst.Arg] = []
        if isinstance(mapped, cst.Call) and isinstance(mapped.func, cst.Attribute):
            if mapped.func.attr.value != "partial" or any(arg.keyword is None for arg in mapped.args):
                return updated_node
            fixed = [_unmapped(arg) for arg in mapped.args]
            mapped = mapped.func.value
            self.needed.add("unmapped")
        if not isinstance(mapped, cst.Name):
            return updated_node
        args = [arg.with_changes(comma=cst.MaybeSentinel.DEFAULT) for arg in (*updated_node.args, *fixed)]
        return updated_node.with_changes(func=cst.Attribute(mapped, cst.Name("map")), args=args)


def _is_order(node: cst.BaseExpression) -> bool:
    """Whether it is `a >> [b, c]`, which says nothing here: calls run in the order in which they are written."""
    if not isinstance(node, cst.BinaryOperation) or not isinstance(node.operator, cst.RightShift):
        return False
    return _is_order_part(node.left) and _is_order_part(node.right)


def _is_order_part(node: cst.BaseExpression) -> bool:
    parts = [*elements(node)]
    return isinstance(node, cst.Name) or _is_order(node) or (bool(parts) and all(map(_is_order_part, parts)))


def _pairs(node: cst.BaseExpression) -> list[tuple[str, str]]:
    """Which variables come before which others, in `a >> [b, c] >> d`."""
    if not isinstance(node, cst.BinaryOperation):
        return []
    last = node.left.right if isinstance(node.left, cst.BinaryOperation) else node.left
    return _pairs(node.left) + [(first, then) for first in _variables(last) for then in _variables(node.right)]


def _variables(node: cst.BaseExpression) -> list[str]:
    return [each.value for each in [node, *elements(node)] if isinstance(each, cst.Name)]


def _pairs_of(node: cst.BaseExpression | None) -> dict[str, cst.BaseExpression] | None:
    """The arguments that a dict has, by their names; None if it is not written out."""
    pairs = node.elements if isinstance(node, cst.Dict) else ()
    if not all(isinstance(each, cst.DictElement) and isinstance(each.key, cst.SimpleString) for each in pairs):
        return None
    return {
        str(each.key.evaluated_value): each.value
        for each in pairs
        if isinstance(each, cst.DictElement) and isinstance(each.key, cst.SimpleString)
    }


def _unmapped(arg: cst.Arg) -> cst.Arg:
    return arg.with_changes(value=cst.Call(cst.Name("unmapped"), [cst.Arg(arg.value)]))
