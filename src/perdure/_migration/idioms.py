"""What programs of other systems write in a way of their own, in Perdure's: more than names that move.

Each class knows one system. What it cannot be sure of it leaves as it is, for the rules to list.
"""

import ast
import re
from collections.abc import Collection, Mapping, Sequence

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, ImportItem, RemoveImportsVisitor
from libcst.metadata import MetadataWrapper

from perdure._migration.dagster_assets import Dagster
from perdure._migration.idiom import Idioms, assigned, code, dropped, elements, keyword, method, named
from perdure._migration.luigi_functions import Luigi
from perdure._migration.rules import Finding, Source
from perdure._platform.named import NamedTuple

__all__ = ["in_our_idioms", "without_imports"]


class Idiomatic(NamedTuple):
    """A program with what its system has idioms for rewritten."""

    text: str
    settled: Collection[str] = ()  # names whose notes need not be said any more
    findings: Sequence[Finding] = ()


def in_our_idioms(text: str, source: Source) -> Idiomatic:
    """A program of a system, with what that has idioms for rewritten."""
    kind = _IDIOMS.get(source.name)
    if kind is None:
        return Idiomatic(text)
    idioms = kind()
    made = MetadataWrapper(cst.parse_module(text)).visit(idioms)
    items = [ImportItem("perdure", name) for name in sorted(idioms.needed)]
    items += [ImportItem(module, name) for module, name in sorted(idioms.theirs)]
    made = AddImportsVisitor(CodemodContext(), items).transform_module(made) if items else made
    return Idiomatic(without_imports(made.code, text, source), idioms.settled, idioms.findings)


def without_imports(text: str, before: str, source: Source) -> str:
    """The program without the imports of a system that it used before, and uses no more."""
    gone = [each for each in _unused(text, source) if each not in _unused(before, source)]
    for module, name, alias in gone:
        remover = RemoveImportsVisitor(CodemodContext(), [(module, name, alias)])
        text = remover.transform_module(cst.parse_module(text)).code
    return text


Imported = tuple[str, str | None, str | None]  # a module, the name that is imported of it, and what it is called


def _unused(text: str, source: Source) -> list[Imported]:
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used.update(word for node in ast.walk(tree) if isinstance(node, ast.Constant) for word in str(node.value).split())
    found: list[Imported] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(each.name, None, each.asname) for each in node.names if source.knows(each.name)]
        elif isinstance(node, ast.ImportFrom) and not node.level and source.knows(node.module or ""):
            found += [(node.module or "", each.name, each.asname) for each in node.names]
    return [each for each in found if (each[2] or each[1] or each[0].partition(".")[0]) not in used]


class _Dbos(Idioms):
    """Nothing is launched; attempts are retries; a workflow that is started is submitted."""

    _LAUNCHES = frozenset({"dbos.DBOS", "dbos.DBOS.launch", "dbos.DBOS.destroy"})

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[bool] = []  # for each function around: whether it is a workflow's or a step's
        self._handles: set[str] = set()  # variables that started workflows are in

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
        if isinstance(statement, cst.Expr) and self.called(statement.value) in self._LAUNCHES:
            return dropped(updated_node)
        return updated_node

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
            return updated_node.with_changes(args=[_as_retries(arg) for arg in updated_node.args])
        if method(updated_node, self._handles) == "get_result":
            return updated_node.with_changes(func=updated_node.func.with_changes(attr=cst.Name("result")))
        return updated_node


def _as_retries(arg: cst.Arg) -> cst.Arg:
    """`retries=2` for `max_attempts=3`: attempts after the first."""
    if arg.keyword is None or arg.keyword.value != "max_attempts" or not isinstance(arg.value, cst.Integer):
        return arg
    return arg.with_changes(keyword=cst.Name("retries"), value=code(str(max(0, int(arg.value.value, 0) - 1))))


class _Joblib(Idioms):
    """A function that a `Memory` caches is a task with a persisted result and a cache."""

    def __init__(self) -> None:
        super().__init__()
        self._memories: set[str] = set()

    def visit_Module(self, node: cst.Module) -> None:
        """Which variables at the top are nothing but a memory, by which functions are cached."""
        made = [each for each in map(assigned, node.body) if each is not None]
        names = {name for name, value in made if self.called(value) in ("joblib.Memory", "joblib.memory.Memory")}
        self._memories = {name for name in names if _Uses(name).only_caches(node)}

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


class _Airflow(Idioms):
    """A block of a DAG is a flow; tasks are mapped; groups are plain functions."""

    def __init__(self) -> None:
        super().__init__()
        self._dags: set[str] = set()  # variables that calls of DAGs are in

    def visit_Module(self, node: cst.Module) -> None:
        made = [each for each in node.body if isinstance(each, cst.FunctionDef)]
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
        if not isinstance(statement, cst.Expr):
            return updated_node
        is_test = method(statement.value, self._dags) in ("test", "cli")
        return dropped(updated_node) if is_test or _is_order(statement.value) else updated_node

    def leave_With(
        self, original_node: cst.With, updated_node: cst.With
    ) -> "cst.With | cst.FlattenSentinel[cst.BaseStatement]":
        call = original_node.items[0].item
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


def _unmapped(arg: cst.Arg) -> cst.Arg:
    return arg.with_changes(value=cst.Call(cst.Name("unmapped"), [cst.Arg(arg.value)]))


_IDIOMS: Mapping[str, type[Idioms]] = {
    "dbos": _Dbos,
    "joblib": _Joblib,
    "dagster": Dagster,
    "airflow": _Airflow,
    "luigi": Luigi,
}
